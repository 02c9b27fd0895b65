/* SPDX-License-Identifier: MIT
 *
 * semop(): who is woken by what. Several processes wait, one call changes the set, and those that it satisfies
 * return; the others go on sleeping. What is said of the order stands in semop_order.c.
 */
#include <sched.h>

#include "ipck_sem.h"

static int back(const struct child *waiter, int count)
{
        int n = 0;

        for (int i = 0; i < count; i++)
                n += returned(&waiter[i]);
        return n;
}

static void join_all(struct child *waiter, int count)
{
        for (int i = 0; i < count; i++)
                join(&waiter[i]);
}

TEST(increment_releases_a_waiter_when_it_suffices, VERIFIES(semop_wake_inc_single))
{
        int set = new_sems(2, 0600), other = new_sems(2, 0600);
        struct child waiter;

        WAITER(&waiter, semop_wake_inc_single, set, OP(1, -3, 0));
        MUST(SEMOP(set, OP(1, 2, 0)));
        EVENTUALLY(semop_wake_inc_single, NCNT(set, 1) == 1);
        /* Enough, but elsewhere. */
        MUST(SEMOP(set, OP(0, 3, 0)));
        MUST(SEMOP(other, OP(1, 3, 0)));
        EVENTUALLY(semop_wake_inc_single, NCNT(set, 1) == 1);
        EQ(semop_wake_inc_single, VAL(set, 1), 2);
        HOLDS(semop_wake_inc_single, !returned(&waiter));

        MUST(SEMOP(set, OP(1, 1, 0)));
        EVENTUALLY(semop_wake_inc_single, returned(&waiter));
        EQ(semop_wake_inc_single, VAL(set, 1), 0);
        EQ(semop_wake_inc_single, VAL(set, 0), 3);
        join(&waiter);
}

TEST(increment_beyond_need_leaves_the_rest, VERIFIES(semop_wake_inc_single))
{
        int set = new_sems(1, 0600);
        struct child waiter;

        WAITER(&waiter, semop_wake_inc_single, set, OP(0, -3, 0));
        MUST(SEMOP(set, OP(0, 10, 0)));
        EVENTUALLY(semop_wake_inc_single, returned(&waiter));
        EQ(semop_wake_inc_single, VAL(set, 0), 7);
        join(&waiter);
}

TEST(increment_releases_as_many_as_it_covers, VERIFIES(semop_wake_inc_multiple))
{
        int set = new_sems(1, 0600);
        struct child waiter[4];

        for (int i = 0; i < 4; i++)
                WAITER(&waiter[i], semop_wake_inc_multiple, set, OP(0, -2, 0));
        MUST(SEMOP(set, OP(0, 7, 0)));
        EVENTUALLY(semop_wake_inc_multiple, back(waiter, 4) == 3);
        EVENTUALLY(semop_wake_inc_multiple, NCNT(set, 0) == 1);
        EQ(semop_wake_inc_multiple, VAL(set, 0), 1);
        MUST(SEMOP(set, OP(0, 1, 0)));
        EVENTUALLY(semop_wake_inc_multiple, back(waiter, 4) == 4);
        EQ(semop_wake_inc_multiple, VAL(set, 0), 0);
        join_all(waiter, 4);
}

TEST(array_of_increments_releases_on_each_semaphore, VERIFIES(semop_wake_inc_multiple))
{
        int set = new_sems(3, 0600);
        struct child waiter[4];

        for (int i = 0; i < 3; i++)
                WAITER(&waiter[i], semop_wake_inc_multiple, set, OP((unsigned short)i, -1, 0));
        WAITER(&waiter[3], semop_wake_inc_multiple, set, OP(0, -1, 0), OP(2, -1, 0));
        MUST(SEMOP(set, OP(2, 2, 0), OP(0, 1, 0), OP(1, 1, 0), OP(0, 1, 0)));
        EVENTUALLY(semop_wake_inc_multiple, back(waiter, 4) == 4);
        for (int i = 0; i < 3; i++)
                EQ(semop_wake_inc_multiple, VAL(set, i), 0);
        join_all(waiter, 4);
}

/* No array among those that wait: an implementation that keeps a queue for each semaphore must look at them all. */
TEST(array_serves_single_waiters_of_each_semaphore, VERIFIES(semop_wake_inc_multiple, semop_wake_zero))
{
        int set = new_sems(4, 0600);
        struct child waiter[4];

        set_all(set, (unsigned short[]){0, 0, 1, 1});
        WAITER(&waiter[0], semop_wake_inc_multiple, set, OP(0, -1, 0));
        WAITER(&waiter[1], semop_wake_inc_multiple, set, OP(1, -1, 0));
        WAITER(&waiter[2], semop_wake_zero, set, OP(2, 0, 0));
        WAITER(&waiter[3], semop_wake_zero, set, OP(3, 0, 0));
        MUST(SEMOP(set, OP(0, 1, 0), OP(2, -1, 0), OP(1, 1, 0), OP(3, -1, 0)));
        EVENTUALLY(semop_wake_inc_multiple, returned(&waiter[0]) && returned(&waiter[1]));
        EVENTUALLY(semop_wake_zero, returned(&waiter[2]) && returned(&waiter[3]));
        for (int i = 0; i < 4; i++)
                EQ(semop_wake_inc_multiple, VAL(set, i), 0);
        join_all(waiter, 4);
}

TEST(smaller_request_is_not_held_up, VERIFIES(semop_wake_partial))
{
        int set = new_sems(1, 0600);
        struct child big, array, small;

        WAITER(&big, semop_wake_partial, set, OP(0, -5, 0));
        WAITER(&array, semop_wake_partial, set, OP(0, -2, 0), OP(0, -4, 0));
        WAITER(&small, semop_wake_partial, set, OP(0, -2, 0));
        MUST(SEMOP(set, OP(0, 3, 0)));
        EVENTUALLY(semop_wake_partial, returned(&small));
        EVENTUALLY(semop_wake_partial, NCNT(set, 0) == 2);
        EQ(semop_wake_partial, VAL(set, 0), 1);
        HOLDS(semop_wake_partial, !returned(&big) && !returned(&array));

        MUST(SEMOP(set, OP(0, 10, 0)));
        EVENTUALLY(semop_wake_partial, returned(&big) && returned(&array));
        EQ(semop_wake_partial, VAL(set, 0), 0);
        join(&big);
        join(&array);
        join(&small);
}

TEST(zero_releases_all_that_wait_for_it, VERIFIES(semop_wake_zero))
{
        int set = new_sems(2, 0600);
        struct child waiter[4], elsewhere;

        set_all(set, (unsigned short[]){2, 1});
        for (int i = 0; i < 3; i++)
                WAITER(&waiter[i], semop_wake_zero, set, OP(0, 0, 0));
        WAITER(&waiter[3], semop_wake_zero, set, OP(0, 0, 0), OP(0, 0, 0));
        WAITER(&elsewhere, semop_wake_zero, set, OP(1, 0, 0));

        MUST(SEMOP(set, OP(0, -1, IPC_NOWAIT)));
        EVENTUALLY(semop_wake_zero, ZCNT(set, 0) == 4);
        EQ(semop_wake_zero, back(waiter, 4), 0);
        MUST(SEMOP(set, OP(0, -1, IPC_NOWAIT)));
        EVENTUALLY(semop_wake_zero, back(waiter, 4) == 4);
        EQ(semop_wake_zero, ZCNT(set, 0), 0);
        EQ(semop_wake_zero, VAL(set, 0), 0);
        EVENTUALLY(semop_wake_zero, ZCNT(set, 1) == 1);
        join_all(waiter, 4);
}

TEST(decrement_in_an_array_reaches_zero, VERIFIES(semop_wake_zero))
{
        int set = new_sems(3, 0600);
        struct child waiter[3];

        set_all(set, (unsigned short[]){1, 2, 3});
        for (int i = 0; i < 3; i++)
                WAITER(&waiter[i], semop_wake_zero, set, OP((unsigned short)i, 0, 0));
        MUST(SEMOP(set, OP(2, -3, IPC_NOWAIT), OP(1, -1, IPC_NOWAIT), OP(1, -1, IPC_NOWAIT), OP(0, -1, IPC_NOWAIT)));
        EVENTUALLY(semop_wake_zero, back(waiter, 3) == 3);
        join_all(waiter, 3);
}

/* One of them may run between the two calls, hardly all. */
TEST(momentary_zero_releases, VERIFIES(semop_wake_zero_transient))
{
        int set = new_sems(2, 0600);
        struct child waiter[6];

        set_all(set, (unsigned short[]){1, 0});
        for (int i = 0; i < 6; i++) {
                if (i % 2)
                        WAITER(&waiter[i], semop_wake_zero_transient, set, OP(0, 0, 0), OP(1, 0, 0));
                else
                        WAITER(&waiter[i], semop_wake_zero_transient, set, OP(0, 0, 0));
        }
        MUST(SEMOP(set, OP(0, -1, IPC_NOWAIT)));
        MUST(SEMOP(set, OP(0, 1, 0)));
        EVENTUALLY(semop_wake_zero_transient, back(waiter, 6) == 6);
        EQ(semop_wake_zero_transient, VAL(set, 0), 1);
        join_all(waiter, 6);
}

TEST(zero_reached_by_a_sleeper_releases, VERIFIES(semop_wake_zero_by_blocked_dec))
{
        const struct {
                const char *name;
                struct sembuf ops[2];
                size_t nops;
                struct sembuf change;
        } rows[] = {
                {"decrement", {OP(0, -3, 0)}, 1, OP(0, 2, 0)},
                {"array", {OP(0, -1, 0), OP(1, -2, 0)}, 2, OP(1, 2, 0)},
                {"one semaphore twice", {OP(0, -1, 0), OP(0, -2, 0)}, 2, OP(0, 2, 0)},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(2, 0600);
                struct sembuf ops[2] = {row->ops[0], row->ops[1]}, change = row->change;
                struct child decrement, zero[2];

                /* Semaphore 0 comes down to 0 by the sleeper alone. */
                set_val(set, 0, 1);
                WAITER(&zero[0], semop_wake_zero_by_blocked_dec, set, OP(0, 0, 0));
                CHILD(&decrement)
                        EQ(semop_wake_zero_by_blocked_dec, semop(set, ops, row->nops), 0);
                UNTIL(NCNT(set, 0) + NCNT(set, 1) > 0);
                WAITER(&zero[1], semop_wake_zero_by_blocked_dec, set, OP(0, 0, 0), OP(0, 0, 0));
                MUST(semop(set, &change, 1));
                EVENTUALLY(semop_wake_zero_by_blocked_dec, returned(&decrement) && back(zero, 2) == 2);
                EQ(semop_wake_zero_by_blocked_dec, VAL(set, 0), 0);
                join(&decrement);
                join_all(zero, 2);
        }
}

TEST(completed_arrays_release_one_another, VERIFIES(semop_wake_complex_chain))
{
        /* Link i takes from semaphore i and gives to i + 1: queued in the order of the chain, against it, and mixed. */
        const struct {
                const char *name;
                int order[3];
        } rows[] = {
                {"first link queued first", {0, 1, 2}},
                {"last link queued first", {2, 1, 0}},
                {"middle link queued first", {1, 2, 0}},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(4, 0600);
                struct child link[3];

                for (int i = 0; i < 3; i++) {
                        const unsigned short from = (unsigned short)row->order[i];
                        WAITER(&link[i], semop_wake_complex_chain, set, OP(from, -1, 0),
                               OP((unsigned short)(from + 1), 1, 0));
                }
                MUST(SEMOP(set, OP(0, 1, 0)));
                EVENTUALLY(semop_wake_complex_chain, back(link, 3) == 3);
                for (int i = 0; i < 4; i++)
                        EQ(semop_wake_complex_chain, VAL(set, i), i == 3);
                join_all(link, 3);
        }
}

/* The chain goes by way of decrements to zero, and ends with somebody who waits for one semaphore only. */
TEST(chain_of_arrays_goes_through_zero, VERIFIES(semop_wake_complex_chain))
{
        int set = new_sems(3, 0600);
        struct child link[3];

        set_all(set, (unsigned short[]){1, 1, 0});
        WAITER(&link[0], semop_wake_complex_chain, set, OP(2, -1, 0));
        WAITER(&link[1], semop_wake_complex_chain, set, OP(1, 0, 0), OP(2, 1, 0));
        WAITER(&link[2], semop_wake_complex_chain, set, OP(0, 0, 0), OP(1, -1, 0));
        MUST(SEMOP(set, OP(0, -1, IPC_NOWAIT)));
        EVENTUALLY(semop_wake_complex_chain, back(link, 3) == 3);
        for (int i = 0; i < 3; i++)
                EQ(semop_wake_complex_chain, VAL(set, i), 0);
        join_all(link, 3);
}

enum leaving { STAYS, KILLED, INTERRUPTED, SATISFIED };

TEST(array_that_waits_or_waited_hinders_nobody, VERIFIES(semop_wake_simple_after_complex))
{
        const struct {
                const char *name;
                enum leaving how;
        } rows[] = {
                {"the array goes on waiting", STAYS},
                {"the array's caller is killed", KILLED},
                {"the array's caller is interrupted", INTERRUPTED},
                {"the array is satisfied", SATISFIED},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(3, 0600);
                struct child array, simple[4];

                WAITER(&simple[0], semop_wake_simple_after_complex, set, OP(0, -1, 0));
                WAITER(&simple[1], semop_wake_simple_after_complex, set, OP(1, -1, 0));
                CHILD(&array) {
                        catch_signal(SIGUSR1, 0);
                        SEMOP(set, OP(2, -1, 0), OP(2, -1, 0));
                }
                UNTIL(NCNT(set, 2) > 0);
                WAITER(&simple[2], semop_wake_simple_after_complex, set, OP(0, -1, 0));
                WAITER(&simple[3], semop_wake_simple_after_complex, set, OP(1, -1, 0));
                if (row->how == KILLED)
                        kill_child(&array);
                if (row->how == INTERRUPTED)
                        MUST(kill(array.pid, SIGUSR1));
                if (row->how == SATISFIED)
                        MUST(SEMOP(set, OP(2, 2, 0)));
                UNTIL((NCNT(set, 2) > 0) == (row->how == STAYS));

                for (int i = 0; i < 4; i++) {
                        MUST(SEMOP(set, OP((unsigned short)(i % 2), 1, 0)));
                        EVENTUALLY(semop_wake_simple_after_complex, back(simple, 4) == i + 1);
                }
                EVENTUALLY(semop_wake_simple_after_complex, (asleep(set) > 0) == (row->how == STAYS));
                EQ(semop_wake_simple_after_complex, VAL(set, 0), 0);
                EQ(semop_wake_simple_after_complex, VAL(set, 1), 0);
                join_all(simple, 4);
        }
}

TEST(array_is_released_by_what_it_lacks, VERIFIES(semop_wake_complex_after_simple_mode))
{
        /* The set before, the array, and two changes: the first does not suffice. */
        const struct {
                const char *name;
                unsigned short values[3];
                struct sembuf ops[2], changes[2];
        } rows[] = {
                {"two units, first to last", {0, 0, 1}, {OP(0, -1, 0), OP(1, -1, 0)}, {OP(0, 1, 0), OP(1, 1, 0)}},
                {"two units, last to first", {0, 0, 1}, {OP(0, -1, 0), OP(1, -1, 0)}, {OP(1, 1, 0), OP(0, 1, 0)}},
                {"two zeros, first to last", {1, 1, 1}, {OP(0, 0, 0), OP(1, 0, 0)}, {OP(0, -1, 0), OP(1, -1, 0)}},
                {"two zeros, last to first", {1, 1, 1}, {OP(0, 0, 0), OP(1, 0, 0)}, {OP(1, -1, 0), OP(0, -1, 0)}},
                {"unit and zero", {0, 1, 1}, {OP(0, -1, 0), OP(1, 0, 0)}, {OP(0, 1, 0), OP(1, -1, 0)}},
                {"zero and unit", {1, 0, 1}, {OP(0, 0, 0), OP(1, -1, 0)}, {OP(1, 1, 0), OP(0, -1, 0)}},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(3, 0600);
                struct sembuf ops[2] = {row->ops[0], row->ops[1]}, change[2] = {row->changes[0], row->changes[1]};
                struct child simple, array;

                /* Single operations have gone before, and one waits. */
                set_all(set, row->values);
                MUST(SEMOP(set, OP(2, -1, IPC_NOWAIT)));
                WAITER(&simple, semop_wake_complex_after_simple_mode, set, OP(2, -1, 0));
                CHILD(&array)
                        EQ(semop_wake_complex_after_simple_mode, semop(set, ops, 2), 0);
                UNTIL(asleep(set) > 1);
                MUST(semop(set, &change[0], 1));
                EVENTUALLY(semop_wake_complex_after_simple_mode, asleep(set) > 1);
                HOLDS(semop_wake_complex_after_simple_mode, !returned(&array));
                MUST(semop(set, &change[1], 1));
                EVENTUALLY(semop_wake_complex_after_simple_mode, returned(&array));
                EQ(semop_wake_complex_after_simple_mode, VAL(set, 0), 0);
                EQ(semop_wake_complex_after_simple_mode, VAL(set, 1), 0);
                EVENTUALLY(semop_wake_complex_after_simple_mode, NCNT(set, 2) == 1);
                join(&array);
        }
}

TEST(zero_serves_zero_waiters_and_what_they_enable, VERIFIES(semop_wake_mixed_const_alter))
{
        const struct {
                const char *name;
                int order[3];
        } rows[] = {
                {"zero, zero and +2, -2", {0, 1, 2}},
                {"-2, zero and +2, zero", {2, 1, 0}},
                {"zero and +2, -2, zero", {1, 2, 0}},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(2, 0600);
                struct child waiter[4];

                set_val(set, 0, 1);
                for (int i = 0; i < 3; i++) {
                        if (row->order[i] == 0)
                                WAITER(&waiter[i], semop_wake_mixed_const_alter, set, OP(0, 0, 0));
                        else if (row->order[i] == 1)
                                WAITER(&waiter[i], semop_wake_mixed_const_alter, set, OP(0, 0, 0), OP(0, 2, 0),
                                       OP(1, 1, 0));
                        else
                                WAITER(&waiter[i], semop_wake_mixed_const_alter, set, OP(0, -2, 0));
                }
                WAITER(&waiter[3], semop_wake_mixed_const_alter, set, OP(1, -1, 0));
                MUST(SEMOP(set, OP(0, -1, IPC_NOWAIT)));
                EVENTUALLY(semop_wake_mixed_const_alter, back(waiter, 4) == 4);
                EQ(semop_wake_mixed_const_alter, VAL(set, 0), 0);
                EQ(semop_wake_mixed_const_alter, VAL(set, 1), 0);
                join_all(waiter, 4);
        }
}

TEST(setval_releases_as_many_as_it_covers, VERIFIES(semctl_setval_wakes))
{
        int set = new_sems(2, 0600);
        struct child waiter[3];

        for (int i = 0; i < 3; i++)
                WAITER(&waiter[i], semctl_setval_wakes, set, OP(1, -2, 0));
        EQ(semctl_setval_wakes, semctl(set, 1, SETVAL, ARG_VAL(1)), 0);
        EVENTUALLY(semctl_setval_wakes, NCNT(set, 1) == 3);
        EQ(semctl_setval_wakes, semctl(set, 0, SETVAL, ARG_VAL(9)), 0);
        EVENTUALLY(semctl_setval_wakes, NCNT(set, 1) == 3);
        EQ(semctl_setval_wakes, semctl(set, 1, SETVAL, ARG_VAL(5)), 0);
        EVENTUALLY(semctl_setval_wakes, back(waiter, 3) == 2);
        EVENTUALLY(semctl_setval_wakes, NCNT(set, 1) == 1);
        EQ(semctl_setval_wakes, VAL(set, 1), 1);
        EQ(semctl_setval_wakes, semctl(set, 1, SETVAL, ARG_VAL(2)), 0);
        EVENTUALLY(semctl_setval_wakes, back(waiter, 3) == 3);
        EQ(semctl_setval_wakes, VAL(set, 1), 0);
        join_all(waiter, 3);
}

TEST(setval_releases_every_kind_of_waiter, VERIFIES(semop_wake_by_setval))
{
        const struct {
                const char *name;
                unsigned short before;
                int value;
                struct sembuf ops[2];
                size_t nops;
                int left;
        } rows[] = {
                {"zero", 3, 0, {OP(0, 0, 0)}, 1, 0},
                {"decrement", 1, 4, {OP(0, -3, 0)}, 1, 1},
                {"array of decrements", 0, 1, {OP(1, -1, 0), OP(0, -1, 0)}, 2, 0},
                {"array of zeros", 1, 0, {OP(2, 0, 0), OP(0, 0, 0)}, 2, 0},
                {"zero then increment", 7, 0, {OP(0, 0, 0), OP(0, 1, 0)}, 2, 1},
                {"decrement, more than needed before", 9, 2, {OP(0, -2, 0), OP(0, 0, 0)}, 2, 0},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(3, 0600);
                struct sembuf ops[2] = {row->ops[0], row->ops[1]};
                struct child waiter;

                set_all(set, (unsigned short[]){row->before, 1, 0});
                CHILD(&waiter)
                        EQ(semop_wake_by_setval, semop(set, ops, row->nops), 0);
                UNTIL(asleep(set) > 0);
                EQ(semop_wake_by_setval, semctl(set, 0, SETVAL, ARG_VAL(row->value)), 0);
                EVENTUALLY(semop_wake_by_setval, returned(&waiter));
                EQ(semop_wake_by_setval, VAL(set, 0), row->left);
                join(&waiter);
        }
}

TEST(setall_releases_on_each_semaphore, VERIFIES(semctl_setall_wakes_each))
{
        int set = new_sems(4, 0600);
        struct child waiter[4], unsatisfied[2];

        set_all(set, (unsigned short[]){0, 5, 0, 1});
        WAITER(&waiter[0], semctl_setall_wakes_each, set, OP(0, -2, 0));
        WAITER(&waiter[1], semctl_setall_wakes_each, set, OP(1, 0, 0));
        WAITER(&waiter[2], semctl_setall_wakes_each, set, OP(2, -1, 0), OP(3, -2, 0));
        WAITER(&waiter[3], semctl_setall_wakes_each, set, OP(2, -1, 0));
        WAITER(&unsatisfied[0], semctl_setall_wakes_each, set, OP(3, -4, 0));
        WAITER(&unsatisfied[1], semctl_setall_wakes_each, set, OP(3, 0, 0));

        EQ(semctl_setall_wakes_each, semctl(set, 0, SETALL, ARG_ARRAY(((unsigned short[]){3, 0, 2, 3}))), 0);
        EVENTUALLY(semctl_setall_wakes_each, back(waiter, 4) == 4);
        EVENTUALLY(semctl_setall_wakes_each, asleep(set) == 2);
        EQ(semctl_setall_wakes_each, back(unsatisfied, 2), 0);
        EQ(semctl_setall_wakes_each, VAL(set, 0), 1);
        EQ(semctl_setall_wakes_each, VAL(set, 1), 0);
        EQ(semctl_setall_wakes_each, VAL(set, 2), 0);
        EQ(semctl_setall_wakes_each, VAL(set, 3), 1);
        join_all(waiter, 4);
}

TEST(setall_of_a_large_set_releases_the_last, VERIFIES(semctl_setall_wakes_each))
{
        enum { NSEMS = 300 };
        unsigned short values[NSEMS] = {0};
        struct child waiter[2];
        int set;

        if (sem_limits().semmsl < NSEMS)
                UNSUPPORTED("sets of %d semaphores (limit: %d)", NSEMS, sem_limits().semmsl);
        set = new_sems(NSEMS, 0600);
        CHILD(&waiter[0])
                EQ(semctl_setall_wakes_each, SEMOP(set, OP(NSEMS - 1, -1, 0)), 0);
        UNTIL(NCNT(set, NSEMS - 1) == 1);
        CHILD(&waiter[1])
                EQ(semctl_setall_wakes_each, SEMOP(set, OP(0, -1, 0), OP(NSEMS - 2, -1, 0)), 0);
        UNTIL(NCNT(set, 0) == 1);
        values[0] = values[NSEMS - 2] = values[NSEMS - 1] = 1;
        EQ(semctl_setall_wakes_each, semctl(set, 0, SETALL, ARG_ARRAY(values)), 0);
        EVENTUALLY(semctl_setall_wakes_each, back(waiter, 2) == 2);
        EQ(semctl_setall_wakes_each, VAL(set, NSEMS - 1), 0);
        EQ(semctl_setall_wakes_each, VAL(set, NSEMS - 2), 0);
        join_all(waiter, 2);
}

/* What waiters released by SETALL do to the set releases others in turn. */
TEST(setall_starts_a_chain, VERIFIES(semop_wake_by_setall))
{
        int set = new_sems(3, 0600);
        struct child link[3];

        set_val(set, 2, 1);
        WAITER(&link[0], semop_wake_by_setall, set, OP(2, 0, 0));
        WAITER(&link[1], semop_wake_by_setall, set, OP(1, -1, 0), OP(2, -1, 0));
        WAITER(&link[2], semop_wake_by_setall, set, OP(0, -1, 0), OP(1, 1, 0));
        set_all(set, (unsigned short[]){1, 0, 1});
        EVENTUALLY(semop_wake_by_setall, back(link, 3) == 3);
        for (int i = 0; i < 3; i++)
                EQ(semop_wake_by_setall, VAL(set, i), 0);
        join_all(link, 3);
}

/* Nobody waits while holding something, so that whatever the order everybody comes through. */
static void take_and_give(int set, int round)
{
        const unsigned short one = (unsigned short)(round % 3), two = (unsigned short)((round + 1) % 3);

        switch (random_below(4)) {
        case 0:
                MUST(SEMOP(set, OP(one, -1, 0)));
                sched_yield();
                MUST(SEMOP(set, OP(one, 1, 0)));
                break;
        case 1:
                MUST(SEMOP(set, OP(one, -1, 0), OP(two, -1, 0)));
                sched_yield();
                MUST(SEMOP(set, OP(two, 1, 0)));
                MUST(SEMOP(set, OP(one, 1, 0)));
                break;
        case 2:
                MUST(SEMOP(set, OP(one, -1, 0), OP(one, -1, 0)));
                sched_yield();
                MUST(SEMOP(set, OP(one, 2, 0)));
                break;
        default:
                MUST(SEMOP(set, OP(3, 0, 0), OP(3, 1, 0), OP(one, -1, 0), OP(one, 1, 0)));
                sched_yield();
                MUST(SEMOP(set, OP(3, -1, 0)));
        }
}

TEST(nobody_is_forgotten_under_load, VERIFIES(semop_wake_no_loss_stress))
{
        enum { PROCESSES = 6, ROUNDS = 60 };
        int set = new_sems(4, 0600);
        struct child process[PROCESSES];

        set_all(set, (unsigned short[]){2, 2, 2, 0});
        for (int i = 0; i < PROCESSES; i++)
                CHILD(&process[i]) {
                        for (int skip = 0; skip < i * 100; skip++)
                                random_below(4);
                        for (int round = 0; round < ROUNDS; round++) {
                                take_and_give(set, i + round);
                                here(&process[i], round + 1);
                        }
                }
        /* The patience starts anew with each round of each process: a slow machine loses nobody. */
        for (int i = 0; i < PROCESSES; i++)
                for (int round = 0; round < ROUNDS; round++)
                        EVENTUALLY(semop_wake_no_loss_stress, at(&process[i]) > round);
        join_all(process, PROCESSES);
        for (int i = 0; i < 4; i++) {
                EQ(semop_wake_no_loss_stress, VAL(set, i), i == 3 ? 0 : 2);
                EQ(semop_wake_no_loss_stress, NCNT(set, i), 0);
                EQ(semop_wake_no_loss_stress, ZCNT(set, i), 0);
        }
}
