/* SPDX-License-Identifier: MIT
 *
 * Adjustments at the end of a process change values, and so they must let waiters go on, as any other change does.
 */
#include "ipck_sem.h"

TEST(end_of_the_holder_wakes_waiters, VERIFIES(semop_wake_by_undo))
{
        const struct {
                const char *name;
                int value;              /* of semaphore 0; semaphore 1 is 5 */
                short held, waited_for;
                bool with_another;      /* the waiter's array goes on with -5 of semaphore 1 */
                int left;
        } rows[] = {
                {"for a value", 3, -3, -2, false, 1},
                {"for zero", 0, 2, 0, false, 0},
                {"for a value in an array", 3, -3, -3, true, 0},
                {"for zero in an array", 0, 2, 0, true, 0},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(2, 0600);
                struct child holder, waiter;

                set_val(set, 0, row->value);
                set_val(set, 1, 5);
                CHILD(&holder) {
                        MUST(SEMOP(set, OP(0, row->held, SEM_UNDO)));
                        stay(&holder);
                }
                UNTIL(stays(&holder));
                CHILD(&waiter) {
                        if (row->with_another)
                                EQ(semop_wake_by_undo, SEMOP(set, OP(0, row->waited_for, 0), OP(1, -5, 0)), 0);
                        else
                                EQ(semop_wake_by_undo, SEMOP(set, OP(0, row->waited_for, 0)), 0);
                }
                UNTIL(NCNT(set, 0) + ZCNT(set, 0) == 1);
                dismiss(&holder);
                EVENTUALLY(semop_wake_by_undo, returned(&waiter));
                join(&waiter);
                EQ(semop_wake_by_undo, VAL(set, 0), row->left);
                EQ(semop_wake_by_undo, VAL(set, 1), row->with_another ? 0 : 5);
        }
}

TEST(adjustment_that_is_not_enough_wakes_nobody, VERIFIES(semop_wake_by_undo))
{
        int set = new_sems(1, 0600);
        struct child holder, modest, greedy;

        set_val(set, 0, 3);
        CHILD(&holder) {
                MUST(SEMOP(set, OP(0, -3, SEM_UNDO)));
                stay(&holder);
        }
        UNTIL(stays(&holder));
        CHILD(&greedy)
                EQ(semop_wake_by_undo, SEMOP(set, OP(0, -4, 0)), 0);
        UNTIL(NCNT(set, 0) == 1);
        CHILD(&modest)
                EQ(semop_wake_by_undo, SEMOP(set, OP(0, -2, 0)), 0);
        UNTIL(NCNT(set, 0) == 2);

        dismiss(&holder);
        EVENTUALLY(semop_wake_by_undo, returned(&modest));
        join(&modest);
        EQ(semop_wake_by_undo, NCNT(set, 0), 1);
        EQ(semop_wake_by_undo, VAL(set, 0), 1);
        HOLDS(semop_wake_by_undo, !returned(&greedy));
        MUST(SEMOP(set, OP(0, 3, 0)));
        EVENTUALLY(semop_wake_by_undo, returned(&greedy));
        join(&greedy);
}

TEST(woken_waiter_lets_the_next_go_on, VERIFIES(semop_wake_by_undo))
{
        const unsigned short values[4] = {1, 0, 0, 1};
        int set = new_sems(4, 0600);
        struct child holder, waiter[4];

        set_all(set, values);
        CHILD(&holder) {
                MUST(SEMOP(set, OP(0, -1, SEM_UNDO)));
                stay(&holder);
        }
        UNTIL(stays(&holder));
        /* The last of the chain begins to wait first: one pass over the queue in its order is not enough. */
        CHILD(&waiter[3])
                EQ(semop_wake_by_undo, SEMOP(set, OP(3, 0, 0)), 0);
        UNTIL(ZCNT(set, 3) == 1);
        CHILD(&waiter[2])
                EQ(semop_wake_by_undo, SEMOP(set, OP(2, -3, 0), OP(3, -1, 0)), 0);
        UNTIL(NCNT(set, 2) == 1);
        CHILD(&waiter[1])
                EQ(semop_wake_by_undo, SEMOP(set, OP(1, -2, 0), OP(2, 3, 0)), 0);
        UNTIL(NCNT(set, 1) == 1);
        CHILD(&waiter[0])
                EQ(semop_wake_by_undo, SEMOP(set, OP(0, -1, 0), OP(1, 2, 0)), 0);
        UNTIL(NCNT(set, 0) == 1);

        kill_child(&holder);
        for (int i = 0; i < 4; i++) {
                EVENTUALLY(semop_wake_by_undo, returned(&waiter[i]));
                join(&waiter[i]);
        }
        for (int i = 0; i < 4; i++)
                EQ(semop_wake_by_undo, VAL(set, i), 0);
}

TEST(lock_passes_through_dying_owners, VERIFIES(semop_wake_by_undo))
{
        enum { OWNERS = 8 };
        int set = new_sems(1, 0600);
        struct child first, owner[OWNERS];

        set_val(set, 0, 1);
        CHILD(&first) {
                MUST(SEMOP(set, OP(0, -1, SEM_UNDO)));
                stay(&first);
        }
        UNTIL(stays(&first));
        for (int i = 0; i < OWNERS; i++) {
                /* Each has the lock until it ends, and every other one ends by a signal. */
                CHILD(&owner[i]) {
                        EQ(semop_wake_by_undo, SEMOP(set, OP(0, -1, SEM_UNDO)), 0);
                        EQ(semop_wake_by_undo, VAL(set, 0), 0);
                        here(&owner[i], 1);
                        if (i % 2)
                                kill(getpid(), SIGKILL);
                }
                UNTIL(NCNT(set, 0) == i + 1);
        }
        kill_child(&first);
        for (int i = 0; i < OWNERS; i++) {
                EVENTUALLY(semop_wake_by_undo, at(&owner[i]) == 1);
                reap(&owner[i]);
        }
        EQ(semop_wake_by_undo, VAL(set, 0), 1);
}

TEST(waiters_of_all_adjusted_semaphores_and_sets_wake, VERIFIES(semop_wake_by_undo))
{
        enum { WAITERS = 6 };
        const int set[2] = {new_sems(3, 0600), new_sems(3, 0600)};
        struct child holder, waiter[WAITERS];

        for (int i = 0; i < WAITERS; i++)
                set_val(set[i / 3], i % 3, i % 3 == 1 ? 0 : 2);
        CHILD(&holder) {
                for (int i = 0; i < 2; i++)
                        MUST(SEMOP(set[i], OP(0, -2, SEM_UNDO), OP(1, 2, SEM_UNDO), OP(2, -2, SEM_UNDO)));
                stay(&holder);
        }
        UNTIL(stays(&holder));
        for (int i = 0; i < WAITERS; i++)
                CHILD(&waiter[i]) {
                        struct sembuf op = OP((unsigned short)(i % 3), i % 3 == 1 ? 0 : -2, 0);
                        EQ(semop_wake_by_undo, semop(set[i / 3], &op, 1), 0);
                }
        for (int i = 0; i < WAITERS; i++)
                UNTIL(NCNT(set[i / 3], i % 3) + ZCNT(set[i / 3], i % 3) == 1);
        kill_child(&holder);
        for (int i = 0; i < WAITERS; i++) {
                EVENTUALLY(semop_wake_by_undo, returned(&waiter[i]));
                join(&waiter[i]);
                EQ(semop_wake_by_undo, VAL(set[i / 3], i % 3), 0);
        }
}

TEST(waiter_that_needs_two_adjustments, VERIFIES(semop_wake_by_undo))
{
        const unsigned short values[2] = {0, 2};
        int set = new_sems(2, 0600);
        struct child holder, waiter;

        set_all(set, values);
        CHILD(&holder) {
                MUST(SEMOP(set, OP(0, 1, SEM_UNDO), OP(1, -2, SEM_UNDO)));
                stay(&holder);
        }
        UNTIL(stays(&holder));
        CHILD(&waiter)
                EQ(semop_wake_by_undo, SEMOP(set, OP(1, -2, 0), OP(0, 0, 0)), 0);
        UNTIL(NCNT(set, 1) == 1);
        kill_child(&holder);
        EVENTUALLY(semop_wake_by_undo, returned(&waiter));
        join(&waiter);
        EQ(semop_wake_by_undo, VAL(set, 0), 0);
        EQ(semop_wake_by_undo, VAL(set, 1), 0);
}
