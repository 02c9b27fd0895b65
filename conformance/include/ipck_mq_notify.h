/* SPDX-License-Identifier: MIT
 *
 * ipck_mq_notify.h: who is notified of a message, and how often. The signal NOTICE is one that is queued, so that each
 * can be counted; it stays blocked, and pending until notices() takes it.
 */
#ifndef IPCK_MQ_NOTIFY_H
#define IPCK_MQ_NOTIFY_H

#include "ipck_mq.h"

#define NOTICE (SIGRTMIN + 3)

/* Blocks NOTICE in the calling process, and in the children that it makes from here on. */
void hold_notices(void);

/* How many came to the calling process since; the last one's details are stored where that is not NULL. */
int notices(siginfo_t *last);

/* mq_notify() with SIGEV_SIGNAL, NOTICE and the value. */
int ask_for_notice(mqd_t queue, int value);

/* mq_notify() with SIGEV_NONE. */
int ask_for_nothing(mqd_t queue);

/* Whether some process, the caller among them, is registered: whether it is refused with EBUSY. */
bool is_registered(mqd_t queue);

/* A message comes, and goes: the queue is empty again. */
void pass_message(mqd_t queue);

/* The queue has been emptied. */
void take_all(mqd_t queue);

#endif
