/* SPDX-License-Identifier: MIT
 *
 * sem_post(): a call that a handler interrupts half way, and that goes on when callers have come, slept and been woken
 * meanwhile: what it saw of the semaphore before must not count any more. And one that does not get on to waking
 * somebody: other posts must not rely on it.
 */
#include "ipck_filter.h"
#include "ipck_posix_sem.h"

enum { ROUNDS = 25 };

/* A thread that stays in a signal handler until it is let go. */
struct linger {
        int signo, pipe[2];
        _Atomic bool here;
};
static struct linger poster_lingers = {.signo = SIGUSR1}, waiter_lingers = {.signo = SIGUSR2};

static void linger(int signo)
{
        struct linger *const l = signo == SIGUSR1 ? &poster_lingers : &waiter_lingers;
        char byte;

        l->here = true;
        while (read(l->pipe[0], &byte, 1) != 1) {
        }
}

static void let_go(const struct linger *l)
{
        MUST(write(l->pipe[1], "", 1));
}

static void set_up(struct linger *l)
{
        struct sigaction action = {.sa_handler = linger, .sa_flags = SA_RESTART};

        l->here = false;
        if (l->pipe[1] == 0)
                MUST(pipe(l->pipe));
        sigemptyset(&action.sa_mask);
        MUST(sigaction(l->signo, &action, NULL));
}

static _Atomic int turns;
static _Atomic bool enough;

/* Only the call that is interrupted may end after it, so that no later one makes up for it. */
static int post_and_take(void *sem)
{
        for (;; turns++) {
                MUST(sem_post(sem));
                if (enough)
                        return 0;
                if (sem_trywait(sem) == -1 || enough)
                        return 0;
        }
}

/* The poster adds to the value 1. While it lingers somewhere in its calls, the value comes to be 1 again: the first of
 * two sleepers has been woken by a post, but lingers before it takes the unit. False where somebody sleeps on. */
static bool nobody_is_lost(sem_t *sem)
{
        const struct sem_use threads = {.kind = THREADS_SEM};
        struct thread poster = {0};

        set_up(&poster_lingers);
        set_up(&waiter_lingers);
        turns = 0;
        enough = false;
        start(&poster, post_and_take, sem);
        UNTIL(turns > 10);
        dawdle();
        REQUIRE(pthread_kill(poster.handle, poster_lingers.signo) == 0);
        UNTIL(poster_lingers.here);

        while (sem_trywait(sem) == 0) {
        }
        struct waiter *const w = start_waiters(&threads, sem, &plain_way, 2);
        signal_waiter(&w[0], waiter_lingers.signo);
        MUST(sem_post(sem));
        UNTIL(waiter_lingers.here);

        enough = true;
        let_go(&poster_lingers);
        EVENTUALLY(sem_post_no_lost_wakeup, poster.back);
        finish(&poster);
        let_go(&waiter_lingers);
        UNTIL(all_settled(w, 2));
        const bool good = HOLDS(sem_post_no_lost_wakeup, !is_stuck(&w[0]) && !is_stuck(&w[1]));

        for (int i = 0; i < 2 && count_back(w, 2) < 2; i++)
                MUST(sem_post(sem));
        EVENTUALLY(sem_post_no_lost_wakeup, count_back(w, 2) == 2);
        end_waiters(w, 2);
        return good;
}

TEST(post_that_is_interrupted_half_way, VERIFIES(sem_post_no_lost_wakeup))
{
        EACH_ROW(kind, sem_kinds)
                for (int round = 0; round < ROUNDS && nobody_is_lost(fresh_sem(kind->kind, 1)); round++) {
                }
}

static int post_without_waking(void *sem)
{
        hold_futexes();
        return sem_post(sem);
}

TEST(post_that_does_not_get_on_to_waking, VERIFIES(sem_post_no_lost_wakeup))
{
        const struct sem_use threads = {.kind = THREADS_SEM};

        EACH_ROW(kind, sem_kinds) {
                sem_t *const sem = fresh_sem(kind->kind, 0);
                struct waiter *const w = start_waiter(&threads, sem, &plain_way);
                struct thread poster = {0};

                start(&poster, post_without_waking, sem);
                UNTIL(poster.back || (sem_units(sem) == 1 && waits(&poster)));
                if (poster.back)
                        UNSUPPORTED("a sem_post() that wakes by futex()");

                MUST(sem_trywait(sem));
                MUST(sem_post(sem));
                UNTIL(all_settled(w, 1));
                if (!HOLDS(sem_post_no_lost_wakeup, !is_stuck(w)))
                        return;
                EVENTUALLY(sem_post_no_lost_wakeup, is_back(w));
        }
}
