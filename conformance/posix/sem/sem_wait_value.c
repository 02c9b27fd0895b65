/* SPDX-License-Identifier: MIT
 *
 * sem_wait(): where it does not wait.
 */
#include "ipck_posix_sem.h"

TEST(positive_value_is_lowered_by_one, VERIFIES(sem_wait_ret_zero))
{
        EACH_ROW(kind, sem_kinds) {
                EACH_ROW(row, positive_values) {
                        sem_t *const sem = fresh_sem(kind->kind, row->value);

                        for (unsigned i = 1; i <= 3 && i <= row->value; i++) {
                                EQ(sem_wait_ret_zero, sem_wait(sem), 0);
                                EQ(sem_wait_ret_zero, sem_value(sem), row->value - i);
                        }
                }
        }
}

static int take_often(int n, void *arg)
{
        (void)n;
        for (int i = 0; i < 1000; i++)
                MUST(sem_wait(arg));
        return 0;
}

TEST(waits_at_the_same_time_take_one_unit_each, VERIFIES(sem_wait_ret_zero))
{
        EACH_ROW(use, sem_uses) {
                sem_t *const sem = fresh_sem(use->kind, 4005);
                struct crowd *const crowd = start_crowd(use, 4, take_often, sem);

                EVENTUALLY(sem_wait_ret_zero, crowd_done(crowd));
                end_crowd(crowd);
                EQ(sem_wait_ret_zero, sem_value(sem), 5);
        }
}

/* ---- nobody can ever post ---- */

TEST(semaphore_that_nobody_can_post, VERIFIES(sem_wait_edeadlk))
{
        struct child process;

        CHILD(&process) {
                sem_t sem;

                MUST(sem_init(&sem, 0, 0));
                here(&process, 1);
                FAILS_WITH(sem_wait_edeadlk, EDEADLK, sem_wait(&sem));
        }
        UNTIL(settled(&process));
        if (returned(&process)) {
                OBSERVE(sem_wait_edeadlk, "EDEADLK");
                join(&process);
        } else {
                OBSERVE(sem_wait_edeadlk, "not detected: the call waits");
                kill_child(&process);
        }
}
