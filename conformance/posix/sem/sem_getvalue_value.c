/* SPDX-License-Identifier: MIT
 *
 * sem_getvalue(): what it stores, and that it does nothing else.
 */
#include <sys/wait.h>

#include "ipck_posix_sem.h"

TEST(stores_the_current_value, VERIFIES(sem_getvalue_ret_zero))
{
        static const int values[] = {2, 3, 2, 1, 0};

        EACH_ROW(kind, sem_kinds) {
                sem_t *const sem = new_sem(kind->kind, 2);
                int around[3];

                for (int step = 0; step < 5; step++) {
                        memset(around, 0x5a, sizeof(around));
                        EQ(sem_getvalue_ret_zero, sem_getvalue(sem, &around[1]), 0);
                        EQ(sem_getvalue_ret_zero, around[1], values[step]);
                        EQ(sem_getvalue_ret_zero, around[0], 0x5a5a5a5a);
                        EQ(sem_getvalue_ret_zero, around[2], 0x5a5a5a5a);
                        if (step < 4)
                                MUST(step == 0 ? sem_post(sem) : sem_wait(sem));
                }
        }
}

TEST(sees_what_other_processes_do, VERIFIES(sem_getvalue_ret_zero))
{
        EACH_ROW(kind, process_sem_kinds) {
                sem_t *const sem = new_sem(kind->kind, 5);
                struct child other;

                CHILD(&other) {
                        MUST(sem_wait(sem));
                        MUST(sem_wait(sem));
                        await(&other, 1);
                        MUST(sem_post(sem));
                }
                EVENTUALLY(sem_getvalue_ret_zero, sem_value(sem) == 3);
                tell(&other, 1);
                EVENTUALLY(sem_getvalue_ret_zero, sem_value(sem) == 4);
                join(&other);
        }
}

TEST(changes_nothing, VERIFIES(sem_getvalue_no_side_effect))
{
        EACH_ROW(use, sem_uses) {
                sem_t *const sem = fresh_sem(use->kind, 3);

                for (int i = 0; i < 100; i++)
                        EQ(sem_getvalue_no_side_effect, sem_value(sem), 3);
                for (int i = 0; i < 3; i++)
                        EQ(sem_getvalue_no_side_effect, sem_trywait(sem), 0);
                EQ(sem_getvalue_no_side_effect, sem_trywait(sem), -1);

                struct waiter *const w = start_waiters(use, sem, &plain_way, 2);
                int value;
                for (int i = 0; i < 100; i++)
                        MUST(sem_getvalue(sem, &value));
                UNTIL(all_settled(w, 2));
                EQ(sem_getvalue_no_side_effect, count_back(w, 2), 0);
                for (int n = 1; n <= 2; n++) {
                        MUST(sem_post(sem));
                        EVENTUALLY(sem_getvalue_no_side_effect, count_back(w, 2) == n);
                }
                EQ(sem_getvalue_no_side_effect, sem_value(sem), 0);
                end_waiters(w, 2);
        }
}

TEST(value_while_callers_wait, VERIFIES(sem_getvalue_locked_zero, sem_getvalue_locked_zero_linux))
{
        enum { MOST = 3 };

        EACH_ROW(use, sem_uses) {
                for (int count = 1; count <= MOST; count += 2) {
                        sem_t *const sem = fresh_sem(use->kind, 0);
                        struct waiter *const w = start_waiters(use, sem, &plain_way, count);
                        const int value = sem_value(sem);

                        if (value == 0)
                                OBSERVE(sem_getvalue_locked_zero, "0 while callers wait");
                        else
                                EQ(sem_getvalue_locked_zero, value, -count);
                        EQ(sem_getvalue_locked_zero_linux, value, 0);
                        for (int i = 0; i < count; i++)
                                MUST(sem_post(sem));
                        UNTIL(count_back(w, count) == count);
                        EQ(sem_getvalue_locked_zero, sem_value(sem), 0);
                        end_waiters(w, count);
                }
        }
}

TEST(largest_value, VERIFIES(sem_getvalue_max))
{
        sem_t *const unnamed = shared(sizeof(*unnamed));

        EACH_ROW(kind, sem_kinds) {
                /* Whose set-up does not ask for the value. */
                sem_t *const sem = kind->kind == NAMED_SEM ? sem_open(SEM_NAME, O_CREAT, 0600, (unsigned)SEM_VALUE_MAX)
                                                           : unnamed;
                REQUIRE(sem != SEM_FAILED && (sem != unnamed ||
                                              sem_init(sem, kind->kind == SHARED_SEM, SEM_VALUE_MAX) == 0));
                int value = 0x5a5a5a5a;

                REQUIRE(sem_value(sem) > SEM_VALUE_MAX / 2);
                EQ(sem_getvalue_max, sem_getvalue(sem, &value), 0);
                EQ(sem_getvalue_max, value, SEM_VALUE_MAX);
                MUST(sem_wait(sem));
                EQ(sem_getvalue_max, sem_value(sem), SEM_VALUE_MAX - 1);
                MUST(sem_post(sem));
                EQ(sem_getvalue_max, sem_value(sem), SEM_VALUE_MAX);
        }
}

TEST(memory_that_cannot_be_written, VERIFIES(sem_getvalue_readonly_mapping))
{
        static const unsigned values[] = {0, 1, SEM_VALUE_MAX};

        for (int i = 0; i < 3; i++) {
                sem_t *const sem = shared(page_size());
                struct child reader;

                MUST(sem_init(sem, 1, values[i]));
                REQUIRE(sem_value(sem) == (int)values[i]);
                CHILD(&reader) {
                        MUST(mprotect(sem, page_size(), PROT_READ));
                        EQ(sem_getvalue_readonly_mapping, sem_value(sem), values[i]);
                }
                const int status = reap(&reader);
                HOLDS(sem_getvalue_readonly_mapping, WIFEXITED(status) && WEXITSTATUS(status) == 0);
        }
}
