/* SPDX-License-Identifier: MIT
 *
 * sem_destroy(): of a semaphore that nobody waits on, and of one that somebody does.
 */
#include <sys/wait.h>

#include "ipck_posix_sem.h"

static const struct sem_use unnamed_uses[] = {
        {"pshared 0, threads", THREADS_SEM, false},
        {"pshared 1, threads", SHARED_SEM, false},
        {"pshared 1, processes", SHARED_SEM, true},
};

TEST(succeeds_where_nobody_waits, VERIFIES(sem_destroy_ret_zero))
{
        static const unsigned values[] = {0, 1, 3, SEM_VALUE_MAX};

        for (int pshared = 0; pshared < 2; pshared++) {
                for (int i = 0; i < 4; i++) {
                        sem_t *const sem = guarded(sizeof(*sem));

                        MUST(sem_init(sem, pshared, values[i]));
                        EQ(sem_destroy_ret_zero, sem_destroy(sem), 0);
                }
        }
}

/* Callers that are through leave nothing that keeps it. */
TEST(succeeds_after_all_kinds_of_callers, VERIFIES(sem_destroy_ret_zero))
{
        EACH_ROW(use, unnamed_uses) {
                sem_t *const sem = fresh_sem(use->kind, 0);
                struct waiter *const w = start_waiters(use, sem, &plain_way, 3);
                const struct timespec past = {.tv_sec = 1};

                catch_signal(SIGUSR1, 0);
                for (int i = 0; i < 3; i++)
                        MUST(sem_post(sem));
                UNTIL(count_back(w, 3) == 3);
                end_waiters(w, 3);
                REQUIRE(sem_trywait(sem) == -1 && errno == EAGAIN);
                REQUIRE(sem_timedwait(sem, &past) == -1 && errno == ETIMEDOUT);
                EQ(sem_destroy_ret_zero, sem_destroy(sem), 0);
        }
}

TEST(somebody_waits, VERIFIES(sem_destroy_ebusy))
{
        EACH_ROW(use, unnamed_uses) {
                struct child process;

                /* By a process that may crash: the behaviour is undefined but for the error. */
                CHILD(&process) {
                        sem_t *const sem = fresh_sem(use->kind, 0);
                        struct waiter *const w = start_waiter(use, sem, &plain_way);

                        REQUIRE(is_waiting(w));
                        const int error = sem_destroy(sem) == 0 ? 0 : errno;
                        if (error == 0) {
                                OBSERVE(sem_destroy_ebusy, "a semaphore that somebody waits on is destroyed");
                        } else {
                                OBSERVE(sem_destroy_ebusy, "a semaphore that somebody waits on is not destroyed");
                                EQ(sem_destroy_ebusy, error, EBUSY);
                                /* An error has no effect. */
                                MUST(sem_post(sem));
                                EVENTUALLY(sem_destroy_ebusy, is_back(w));
                        }
                        if (w->process)
                                kill(w->child.pid, SIGKILL);
                }
                if (WIFSIGNALED(reap(&process)))
                        OBSERVE(sem_destroy_ebusy, "destroying a semaphore that somebody waits on crashes");
        }
}
