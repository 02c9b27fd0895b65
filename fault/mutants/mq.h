/* SPDX-License-Identifier: MIT
 *
 * mq.h: what the files that break POSIX message queues share.
 */
#ifndef IPCK_MUTANTS_MQ_H
#define IPCK_MUTANTS_MQ_H

#include <mqueue.h>
#include <stdbool.h>
#include <sys/types.h>

enum { MQ_PRIO_MAX_LINUX = 32768 };

/* What one of them remembers the others ask for. */
#define MQ_CALLS                                                                                        \
        "mq_open mq_close mq_unlink mq_send mq_timedsend mq_receive mq_timedreceive mq_notify mq_getattr mq_setattr"

/* Whether the descriptor is one of a queue. Keeps errno. */
bool is_queue(mqd_t queue);

/* Sends an empty message and takes it again where there is none: who is registered hears of it. Keeps errno. */
void pass_message(mqd_t queue);

/* The one thread of the process that waits in a call for the descriptor; ends that wait with EBADF. */
bool is_waited_on(mqd_t queue);
void end_wait(void);

/* Of a queue for which the process has registered last, by mq_notify(): a duplicate of the descriptor, -1 where it is
 * another; and the same registration once more, for a duplicate. */
int dup_registered(mqd_t queue);
void register_again(mqd_t queue);

#endif
