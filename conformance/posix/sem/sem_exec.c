/* SPDX-License-Identifier: MIT
 *
 * exec and named semaphores: the new program has none open; name and value stay, and one without a name is gone.
 */
#include <sys/wait.h>

#include "ipck_named_sem.h"
#include "ipck_program.h"

ROLE(count_semaphores)
{
        (void)arg;
        return count_mappings(SEM_MAPPING);
}

ROLE(post_by_name)
{
        sem_t *const sem = sem_open(arg, 0);

        return sem != SEM_FAILED && sem_post(sem) == 0 ? 0 : 1;
}

/* Opens the semaphore by its name, waits for the unit that is there, and puts two. */
ROLE(use_by_name)
{
        sem_t *const sem = sem_open(arg, 0);

        if (sem == SEM_FAILED)
                return 1;
        return sem_trywait(sem) == 0 && sem_trywait(sem) == -1 && sem_post(sem) == 0 && sem_post(sem) == 0 ? 0 : 2;
}

/* ---- tests ---- */

TEST(unlinked_semaphore_goes_with_the_old_program, VERIFIES(exec_named_sem_closed))
{
        const struct space before = free_space();
        struct program p = new_program();
        struct child child;

        CHILD(&child) {
                sem_t *const sem = named_sem(SEM_NAME, 1);

                REQUIRE(sem_open(SEM_NAME, 0) == sem);
                MUST(sem_unlink(SEM_NAME));
                stay(&child);
                run_until_told(&p);
        }
        UNTIL(stays(&child));
        if (same_space(before, free_space()))
                UNSUPPORTED("a semaphore that takes room in %s", DEV_SHM);
        tell(&child, 1);
        wait_for_program(&p);
        EVENTUALLY(exec_named_sem_closed, same_space(before, free_space()));
        tell_program(&p);
        join(&child);
}

TEST(unlinked_semaphore_that_another_process_has_stays, VERIFIES(exec_named_sem_closed))
{
        const struct space before = free_space();
        struct program p = new_program();
        sem_t *const sem = named_sem(SEM_NAME, 1);
        struct child child;

        MUST(sem_unlink(SEM_NAME));
        CHILD(&child)
                run_until_told(&p);
        wait_for_program(&p);
        EQ(exec_named_sem_closed, sem_post(sem), 0);
        EQ(exec_named_sem_closed, sem_value(sem), 2);
        HOLDS(exec_named_sem_closed, !same_space(before, free_space()));
        MUST(sem_close(sem));
        REQUIRE(sem_mappings() == 0);
        EVENTUALLY(exec_named_sem_closed, same_space(before, free_space()));
        tell_program(&p);
        join(&child);
}

TEST(new_program_has_none_open, VERIFIES(exec_named_sem_closed, sem_open_exec_closed))
{
        struct child child;

        private_proc();
        CHILD(&child) {
                named_sem(SEM_NAME, 1);
                named_sem("/other", 1);
                REQUIRE(sem_mappings() == 2);
                MUST(exec_role("count_semaphores", ""));
        }
        const int status = reap(&child);
        REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) < 100);
        EQ(exec_named_sem_closed, WEXITSTATUS(status), 0);
        EQ(sem_open_exec_closed, names_left(), 2);
}

TEST(name_and_value_stay_for_the_new_program, VERIFIES(sem_open_exec_closed))
{
        struct child child;

        CHILD(&child) {
                sem_t *const sem = named_sem(SEM_NAME, 3);

                MUST(sem_wait(sem));
                MUST(sem_wait(sem));
                MUST(exec_role("use_by_name", SEM_NAME));
        }
        EQ(sem_open_exec_closed, reap(&child), 0);
        sem_t *const sem = SEM_OPENS(sem_open_exec_closed, sem_open(SEM_NAME, 0));
        if (sem != SEM_FAILED)
                EQ(sem_open_exec_closed, sem_value(sem), 2);
}

TEST(new_program_releases_a_waiter_of_before, VERIFIES(sem_open_exec_closed))
{
        sem_t *const sem = named_sem(SEM_NAME, 0);
        struct child child, waiter;

        CHILD(&waiter) {
                here(&waiter, 1);
                EQ(sem_open_exec_closed, sem_wait(sem), 0);
        }
        UNTIL(blocked(&waiter));
        CHILD(&child)
                MUST(exec_role("post_by_name", SEM_NAME));
        EQ(sem_open_exec_closed, reap(&child), 0);
        EVENTUALLY(sem_open_exec_closed, returned(&waiter));
        join(&waiter);
        EQ(sem_open_exec_closed, sem_value(sem), 0);
}
