/* SPDX-License-Identifier: MIT
 *
 * ipck_mq_way.h: sending and receiving as two ways to wait for a message queue, for what is said of both in the same
 * words. A test has a table of the ways with the requirements of each.
 */
#ifndef IPCK_MQ_WAY_H
#define IPCK_MQ_WAY_H

#include "ipck_mq.h"
#include "ipck_thread.h"

/* A queue under a name that no other has; for tests that make several. */
mqd_t another_mq(int oflag, long maxmsg, long msgsize);

struct way {
        /* The call, without a deadline where that is NULL; 0 or -1. It sends a message of priority WAYS_OWN, or
         * receives the next one. */
        int (*call)(mqd_t queue, const struct timespec *deadline);
        /* Another queue, small and open for both, on which the call has to wait, and what lets one caller go on. */
        mqd_t (*stuck)(int oflag);
        void (*help)(mqd_t queue);
        int access;                             /* the access mode that the call needs */
        long count;                             /* messages on the queue while it is stuck */
        long sent;                              /* messages that a success adds: 1, or -1 */
};
extern const struct way sending, receiving;

enum { WAYS_FILLER = 0, WAYS_OWN = 1 };

/* The timed call with a null deadline; 0 or -1. */
int call_with_null(const struct way *way, mqd_t queue);

/* Each call without a deadline and with one that is far away, by EACH_ROW. */
struct send_call {
        const char *name;
        int (*send)(mqd_t queue, const char *message, size_t length, unsigned priority);
};
struct receive_call {
        const char *name;
        ssize_t (*receive)(mqd_t queue, char *message, size_t room, unsigned *priority);
};
extern const struct send_call send_calls[2];
extern const struct receive_call receive_calls[2];

/* Takes all messages off the queue; how many of them had the priority. */
int drain(mqd_t queue, unsigned priority);

/* Whether the queue is as stuck() left it: the same messages in the same number. They are gone afterwards. */
bool is_untouched(const struct way *way, mqd_t queue);

/* Far later than any test lives; has passed for long. */
struct timespec far_deadline(void);
struct timespec past_deadline(void);

/* Lets CLOCK_REALTIME advance while the test's other processes wait: by a call of its own that can only expire. */
void let_realtime_pass(int64_t interval);

/* A thread in such a call: its result is 0, or the errno value. */
struct way_thread {
        struct thread thread;
        const struct way *way;
        mqd_t queue;
        struct timespec deadline;
        bool timed;
        bool gated;                             /* it takes the gate before the call */
        pthread_mutex_t gate;
};
void start_way(struct way_thread *t);

#endif
