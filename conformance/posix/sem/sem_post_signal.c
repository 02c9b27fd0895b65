/* SPDX-License-Identifier: MIT
 *
 * sem_post(): in a signal handler, whatever the handler interrupts.
 */
#include "ipck_posix_sem.h"

static sem_t *posted;
static _Atomic int good_posts, bad_posts;

static void post_in_handler(int signo)
{
        (void)signo;
        if (sem_post(posted) == 0)
                good_posts++;
        else
                bad_posts++;
}

static void post_on(int signo, sem_t *sem, int flags)
{
        struct sigaction action = {.sa_handler = post_in_handler, .sa_flags = flags};

        posted = sem;
        good_posts = bad_posts = 0;
        sigemptyset(&action.sa_mask);
        MUST(sigaction(signo, &action, NULL));
}

static const struct {
        const char *name;
        int flags;
} handlers[] = {{"SA_RESTART", SA_RESTART}, {"no flags", 0}};

/* ---- a call that waits ---- */

/* With SA_RESTART the caller gets the unit; without it may instead fail, and the unit is there. */
TEST(handler_interrupts_the_wait_on_the_same_semaphore, VERIFIES(sem_post_async_signal_safe))
{
        EACH_ROW(handler, handlers) {
                EACH_ROW(use, sem_uses) {
                        sem_t *const sem = fresh_sem(use->kind, 0);

                        post_on(SIGUSR1, sem, handler->flags);
                        struct waiter *const w = start_waiter(use, sem, &plain_way);
                        signal_waiter(w, SIGUSR1);
                        EVENTUALLY(sem_post_async_signal_safe, is_back(w));
                        end_waiters(w, 1);
                        if (handler->flags == 0 && w->result != 0) {
                                EQ(sem_post_async_signal_safe, w->result, EINTR);
                                EQ(sem_post_async_signal_safe, sem_units(sem), 1);
                        } else {
                                EQ(sem_post_async_signal_safe, w->result, 0);
                                EQ(sem_post_async_signal_safe, sem_units(sem), 0);
                        }
                        EQ(sem_post_async_signal_safe, bad_posts, 0);
                }
        }
}

TEST(handler_releases_another_caller, VERIFIES(sem_post_async_signal_safe, sem_post_errno_kept))
{
        EACH_ROW(use, sem_uses) {
                sem_t *const first = fresh_sem(use->kind, 0), *const second = fresh_sem(use->kind, 0);

                post_on(SIGUSR1, second, SA_RESTART);
                struct waiter *const interrupted = start_waiter(use, first, &plain_way);
                struct waiter *const released = start_waiter(use, second, &plain_way);
                signal_waiter(interrupted, SIGUSR1);
                EVENTUALLY(sem_post_async_signal_safe, is_back(released));
                EQ(sem_post_async_signal_safe, released->result, 0);
                UNTIL(all_settled(interrupted, 1));
                HOLDS(sem_post_errno_kept, !is_back(interrupted));
                MUST(sem_post(first));
                EVENTUALLY(sem_post_errno_kept, is_back(interrupted));
                EQ(sem_post_errno_kept, interrupted->result, 0);
                EQ(sem_post_errno_kept, sem_units(first), 0);
                EQ(sem_post_async_signal_safe, sem_units(second), 0);
                end_waiters(interrupted, 1);
                end_waiters(released, 1);
        }
}

/* ---- a call that does not ---- */

/* Sends signals until it is told to stop. */
static void disturb(struct child *from, pid_t whom)
{
        CHILD(from) {
                while (at(from) == 0) {
                        MUST(kill(whom, SIGUSR1));
                        dawdle();
                }
        }
}

TEST(handler_interrupts_calls_on_the_same_semaphore, VERIFIES(sem_post_async_signal_safe, sem_post_errno_kept))
{
        enum { ROUNDS = 2000, MOST_ROUNDS = 200000 };

        EACH_ROW(kind, sem_kinds) {
                sem_t *const sem = new_sem(kind->kind, 0);
                struct child disturber;
                int rounds = 0, results[5] = {0};

                post_on(SIGUSR1, sem, SA_RESTART);
                disturb(&disturber, getpid());
                UNTIL(good_posts + bad_posts > 0);
                /* Until many posts have come in between. */
                for (; rounds < ROUNDS || (good_posts < 20 && rounds < MOST_ROUNDS); rounds++) {
                        int value;

                        results[0] |= sem_post(sem);
                        results[1] |= sem_post(sem);
                        results[2] |= sem_trywait(sem);
                        results[3] |= sem_wait(sem);
                        results[4] |= sem_getvalue(sem, &value);
                        results[4] |= value < 0;
                }
                here(&disturber, 1);
                join(&disturber);
                for (int i = 0; i < 5; i++)
                        EQ(sem_post_errno_kept, results[i], 0);
                EQ(sem_post_async_signal_safe, bad_posts, 0);
                EQ(sem_post_async_signal_safe, sem_units(sem), good_posts);
        }
}

/* 0 or the errno value. */
static int read_a_byte(void *ends)
{
        char byte = 0;
        const ssize_t got = read(((const int *)ends)[0], &byte, 1);

        return got == -1 ? errno : got == 1 && byte == 'x' ? 0 : -1;
}

TEST(other_calls_end_as_without_the_post, VERIFIES(sem_post_errno_kept))
{
        EACH_ROW(handler, handlers) {
                EACH_ROW(kind, sem_kinds) {
                        sem_t *const sem = fresh_sem(kind->kind, 0);
                        struct thread reader = {0};
                        int ends[2];

                        MUST(pipe(ends));
                        post_on(SIGUSR1, sem, handler->flags);
                        start(&reader, read_a_byte, ends);
                        UNTIL(waits(&reader));
                        REQUIRE(pthread_kill(reader.handle, SIGUSR1) == 0);
                        UNTIL(good_posts + bad_posts == 1);
                        UNTIL(reader.back || waits(&reader));
                        if (handler->flags != 0) {
                                HOLDS(sem_post_errno_kept, !reader.back);
                                MUST(write(ends[1], "x", 1));
                        }
                        EVENTUALLY(sem_post_errno_kept, reader.back);
                        EQ(sem_post_errno_kept, reader.result, handler->flags == 0 ? EINTR : 0);
                        EQ(sem_post_errno_kept, sem_units(sem), 1);
                        finish(&reader);
                        close(ends[0]);
                        close(ends[1]);
                }
        }
}
