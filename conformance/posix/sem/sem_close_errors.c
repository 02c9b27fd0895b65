/* SPDX-License-Identifier: MIT
 *
 * sem_close(): addresses that are none of an open named semaphore. POSIX lets it fail with EINVAL, or do anything.
 */
#include <sys/wait.h>

#include "ipck_named_sem.h"

struct closing {
        bool through;
        int result, error;
};

static void close_in_a_child(sem_t *sem)
{
        struct closing *const closing = shared(sizeof(*closing));
        struct child child;

        CHILD(&child) {
                close(2);
                named_sem("/open", 1);
                errno = 0;
                closing->result = sem_close(sem);
                closing->error = errno;
                closing->through = true;
                _exit(0);
        }
        const int status = reap(&child);
        sem_unlink("/open");
        if (!closing->through) {
                OBSERVE(sem_close_einval, "%s", WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "exit");
        } else {
                HOLDS(sem_close_einval, closing->result == 0 || (closing->result == -1 && closing->error == EINVAL));
                OBSERVE(sem_close_einval, "%s", closing->result == 0 ? "success" : errno_name(closing->error));
        }
}

TEST(unnamed_semaphore_may_be_refused, VERIFIES(sem_close_einval))
{
        close_in_a_child(new_sem(THREADS_SEM, 1));
}

TEST(shared_unnamed_semaphore_may_be_refused, VERIFIES(sem_close_einval))
{
        close_in_a_child(new_sem(SHARED_SEM, 1));
}

TEST(closed_semaphore_may_be_refused, VERIFIES(sem_close_einval))
{
        sem_t *const sem = named_sem(SEM_NAME, 1);

        MUST(sem_close(sem));
        close_in_a_child(sem);
}

/* The address counts, not what lies there. */
TEST(copy_of_a_semaphore_may_be_refused, VERIFIES(sem_close_einval))
{
        sem_t *const copy = shared(sizeof(*copy)), *const sem = named_sem(SEM_NAME, 1);

        memcpy(copy, sem, sizeof(*copy));
        close_in_a_child(copy);
        EQ(sem_close_einval, sem_value(sem), 1);
}
