/* SPDX-License-Identifier: MIT
 *
 * thread.c: threads that are in one call.
 */
#include <sys/syscall.h>

#include "ipck_thread.h"

static void note_cancellation(void *arg)
{
        struct thread *t = arg;

        t->cancelled = true;
}

static void *thread_main(void *arg)
{
        struct thread *const t = arg;

        if (t->uncancelable)
                pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
        pthread_cleanup_push(note_cancellation, t);
        t->id = (pid_t)syscall(SYS_gettid);
        t->result = t->call(t->arg);
        /* What follows may be a cancellation point, and a request that the call did not act on stays pending. */
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
        pthread_cleanup_pop(0);
        t->back = true;
        return NULL;
}

void start(struct thread *t, int (*call)(void *arg), void *arg)
{
        t->call = call;
        t->arg = arg;
        t->id = 0;
        t->back = t->cancelled = false;
        t->result = -1;
        start_thread(&t->handle, thread_main, t);
}

bool waits(const struct thread *t)
{
        return t->id && !t->back && sleeping(t->id);
}

static void reached(int error)
{
        REQUIRE(error == 0 || error == ESRCH);
}

void cancel_thread(const struct thread *t)
{
        reached(pthread_cancel(t->handle));
}

void signal_thread(const struct thread *t, int signo)
{
        reached(pthread_kill(t->handle, signo));
}

bool finish(const struct thread *t)
{
        void *value;

        REQUIRE(pthread_join(t->handle, &value) == 0);
        return value == PTHREAD_CANCELED;
}

const struct cancelability cancelabilities[3] = {
        {"enabled", PTHREAD_CANCEL_ENABLE, PTHREAD_CANCEL_DEFERRED},
        {"disabled", PTHREAD_CANCEL_DISABLE, PTHREAD_CANCEL_DEFERRED},
        {"disabled, asynchronous", PTHREAD_CANCEL_DISABLE, PTHREAD_CANCEL_ASYNCHRONOUS},
};

static struct cancelability exchange(const struct cancelability *as)
{
        struct cancelability before = {"before", -1, -1};

        /* Disabled first: between the two calls the thread is neither what it was nor what it becomes. */
        REQUIRE(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before.state) == 0);
        REQUIRE(pthread_setcanceltype(as->type, &before.type) == 0);
        REQUIRE(pthread_setcancelstate(as->state, NULL) == 0);
        return before;
}

void set_cancelability(const struct cancelability *as)
{
        exchange(as);
}

bool has_cancelability(const struct cancelability *as)
{
        const struct cancelability before = exchange(as);

        return before.state == as->state && before.type == as->type;
}
