/* SPDX-License-Identifier: MIT
 *
 * ipck_thread.h: a thread of a test that is in one call under test.
 */
#ifndef IPCK_THREAD_H
#define IPCK_THREAD_H

#include "ipck.h"

struct thread {
        bool uncancelable;
        int (*call)(void *arg);
        void *arg;
        pthread_t handle;
        _Atomic pid_t id;
        _Atomic bool back, cancelled;   /* how the call ended */
        int result;                     /* what it returned, once it is back; -1 before */
};

/* Starts a thread that does nothing but call(arg); all members but uncancelable are set anew. */
void start(struct thread *t, int (*call)(void *arg), void *arg);

/* Whether it waits in the call. */
bool waits(const struct thread *t);

/* Sends it a cancellation request, or a signal; it may have ended already, where glibc before 2.34 says ESRCH. */
void cancel_thread(const struct thread *t);
void signal_thread(const struct thread *t, int signo);

/* Joins it; whether the call was cancelled. */
bool finish(const struct thread *t);

/* How the calling thread takes requests, which a call must leave as it was; EACH_ROW(as, cancelabilities). Enabled and
 * asynchronous is missing: no such thread may make any of the calls. */
struct cancelability {
        const char *name;
        int state, type;
};
extern const struct cancelability cancelabilities[3];
void set_cancelability(const struct cancelability *as);
bool has_cancelability(const struct cancelability *as);         /* and sets it again */

#endif
