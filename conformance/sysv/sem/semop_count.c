/* SPDX-License-Identifier: MIT
 *
 * semop(): semncnt and semzcnt, the numbers of those that wait for a semaphore to increase and to become zero. A call
 * counts once, on the one semaphore that stops it.
 */
#include "ipck_sem.h"

enum { SEMS = 3 };

/* Whether exactly one waits: for semaphore num to become zero, or to increase. */
static bool only(int set, int num, bool zero)
{
        return asleep(set) == 1 && (zero ? ZCNT(set, num) : NCNT(set, num)) == 1;
}

TEST(nobody_waits_at_first, VERIFIES(semctl_getncnt, semctl_getzcnt))
{
        int set = new_sems(SEMS, 0600);

        set_all(set, (unsigned short[]){0, 3, 1});
        for (int i = 0; i < SEMS; i++) {
                EQ(semctl_getncnt, NCNT(set, i), 0);
                EQ(semctl_getzcnt, ZCNT(set, i), 0);
        }
        /* Neither calls that succeed nor calls that fail at once are counted. */
        MUST(SEMOP(set, OP(0, 0, 0), OP(1, -1, IPC_NOWAIT)));
        FAILS_WITH(semctl_getncnt, EAGAIN, SEMOP(set, OP(0, -1, IPC_NOWAIT)));
        FAILS_WITH(semctl_getncnt, EAGAIN, SEMOP(set, OP(1, -2, 0), OP(0, -1, IPC_NOWAIT)));
        FAILS_WITH(semctl_getzcnt, EAGAIN, SEMOP(set, OP(2, 0, IPC_NOWAIT)));
        FAILS_WITH(semctl_getzcnt, EAGAIN, SEMOP(set, OP(0, 0, 0), OP(2, 0, IPC_NOWAIT)));
        for (int i = 0; i < SEMS; i++) {
                EQ(semctl_getncnt, NCNT(set, i), 0);
                EQ(semctl_getzcnt, ZCNT(set, i), 0);
        }
}

TEST(waiter_counts_once_where_it_is_stopped,
     VERIFIES(semop_ncnt_inc, semop_zcnt_inc, semop_cnt_complex_first_blocker, semop_ncnt_dec_on_kill))
{
        /* Values, array, and the semaphore and state that it waits for. */
        const struct {
                const char *name;
                enum ipck_requirement req;
                unsigned short values[SEMS];
                struct sembuf ops[3];
                size_t nops;
                int num;
                bool zero;
        } rows[] = {
                {"decrement at 0", semop_ncnt_inc, {1, 0, 1}, {OP(1, -1, 0)}, 1, 1, false},
                {"decrement by 7 at 2", semop_ncnt_inc, {9, 9, 2}, {OP(2, -7, 0)}, 1, 2, false},
                {"zero at 4", semop_zcnt_inc, {0, 4, 0}, {OP(1, 0, 0)}, 1, 1, true},
                {"decrements, all lacking", semop_cnt_complex_first_blocker, {0, 0, 0},
                 {OP(0, -1, 0), OP(1, -1, 0), OP(2, -1, 0)}, 3, 0, false},
                {"decrements, all lacking, last number first", semop_cnt_complex_first_blocker, {0, 0, 0},
                 {OP(2, -1, 0), OP(1, -1, 0), OP(0, -1, 0)}, 3, 2, false},
                {"decrements, first possible", semop_cnt_complex_first_blocker, {1, 0, 0},
                 {OP(0, -1, 0), OP(1, -1, 0), OP(2, -1, 0)}, 3, 1, false},
                {"decrements, last lacking", semop_cnt_complex_first_blocker, {1, 1, 0},
                 {OP(0, -1, 0), OP(1, -1, 0), OP(2, -1, 0)}, 3, 2, false},
                {"zeros, all too high", semop_cnt_complex_first_blocker, {1, 1, 1},
                 {OP(1, 0, 0), OP(0, 0, 0), OP(2, 0, 0)}, 3, 1, true},
                {"zeros, last too high", semop_cnt_complex_first_blocker, {0, 1, 0},
                 {OP(0, 0, 0), OP(2, 0, 0), OP(1, 0, 0)}, 3, 1, true},
                {"zero before decrement", semop_cnt_complex_first_blocker, {1, 0, 0},
                 {OP(0, 0, 0), OP(1, -1, 0)}, 2, 0, true},
                {"decrement before zero", semop_cnt_complex_first_blocker, {1, 0, 0},
                 {OP(1, -1, 0), OP(0, 0, 0)}, 2, 1, false},
                {"increment before decrement", semop_cnt_complex_first_blocker, {0, 0, 0},
                 {OP(0, 5, 0), OP(1, -1, 0)}, 2, 1, false},
                {"one semaphore twice, first stops", semop_cnt_complex_first_blocker, {0, 0, 0},
                 {OP(0, -1, 0), OP(0, -1, 0)}, 2, 0, false},
                {"one semaphore twice, second stops", semop_cnt_complex_first_blocker, {1, 0, 0},
                 {OP(0, -1, 0), OP(0, -1, 0)}, 2, 0, false},
                {"one semaphore, -1 stops before zero", semop_cnt_complex_first_blocker, {0, 0, 0},
                 {OP(0, -1, 0), OP(0, 0, 0)}, 2, 0, false},
                {"one semaphore, zero stops behind -1", semop_cnt_complex_first_blocker, {2, 0, 0},
                 {OP(0, -1, 0), OP(0, 0, 0)}, 2, 0, true},
                {"one semaphore, zero stops behind +1", semop_cnt_complex_first_blocker, {0, 0, 0},
                 {OP(0, 1, 0), OP(0, 0, 0)}, 2, 0, true},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(SEMS, 0600);
                struct sembuf ops[3] = {row->ops[0], row->ops[1], row->ops[2]};
                struct child waiter;

                set_all(set, row->values);
                CHILD(&waiter)
                        semop(set, ops, row->nops);
                EVENTUALLY(row->req, asleep(set) > 0);
                HOLDS(row->req, only(set, row->num, row->zero));
                kill_child(&waiter);
                EQ(row->zero ? row->req : semop_ncnt_dec_on_kill, asleep(set), 0);
        }
}

TEST(counts_are_numbers_of_waiters, VERIFIES(semctl_getncnt, semctl_getzcnt, semop_ncnt_inc, semop_zcnt_inc))
{
        int set = new_sems(SEMS, 0600);
        struct child dec[3], zero[3], array;

        /* At 1 some wait for more and some for less. */
        set_all(set, (unsigned short[]){0, 1, 0});
        for (int i = 0; i < 3; i++) {
                CHILD(&dec[i])
                        EQ(semop_ncnt_inc, SEMOP(set, OP(1, (short)-(2 + i), 0)), 0);
                EVENTUALLY(semop_ncnt_inc, NCNT(set, 1) == i + 1);
                EQ(semctl_getzcnt, ZCNT(set, 1), i);
                CHILD(&zero[i])
                        EQ(semop_zcnt_inc, SEMOP(set, OP(1, 0, 0)), 0);
                EVENTUALLY(semop_zcnt_inc, ZCNT(set, 1) == i + 1);
                EQ(semctl_getncnt, NCNT(set, 1), i + 1);
        }
        CHILD(&array)
                EQ(semop_ncnt_inc, SEMOP(set, OP(2, 0, 0), OP(1, -9, 0)), 0);
        EVENTUALLY(semctl_getncnt, NCNT(set, 1) == 4);
        EQ(semctl_getzcnt, ZCNT(set, 1), 3);
        EQ(semctl_getncnt, NCNT(set, 0), 0);
        EQ(semctl_getncnt, NCNT(set, 2), 0);
        EQ(semctl_getzcnt, ZCNT(set, 0), 0);
        EQ(semctl_getzcnt, ZCNT(set, 2), 0);

        set_val(set, 1, 0);
        EVENTUALLY(semctl_getzcnt, ZCNT(set, 1) == 0);
        EVENTUALLY(semctl_getncnt, NCNT(set, 1) == 4);
        set_val(set, 1, 2 + 3 + 4 + 9);
        EVENTUALLY(semctl_getncnt, NCNT(set, 1) == 0);
        for (int i = 0; i < 3; i++) {
                EVENTUALLY(semop_ncnt_inc, returned(&dec[i]));
                EVENTUALLY(semop_zcnt_inc, returned(&zero[i]));
                join(&dec[i]);
                join(&zero[i]);
        }
        EVENTUALLY(semop_ncnt_inc, returned(&array));
        join(&array);
}

TEST(count_falls_as_each_proceeds, VERIFIES(semop_ncnt_dec_on_proceed, semop_zcnt_dec_on_proceed))
{
        int set = new_sems(SEMS, 0600);
        struct child dec[3], zero[2];

        set_all(set, (unsigned short[]){0, 2, 2});
        for (int i = 0; i < 3; i++) {
                CHILD(&dec[i])
                        EQ(semop_ncnt_dec_on_proceed, SEMOP(set, OP(0, -1, 0)), 0);
                UNTIL(NCNT(set, 0) == i + 1);
        }
        CHILD(&zero[0])
                EQ(semop_zcnt_dec_on_proceed, SEMOP(set, OP(1, 0, 0)), 0);
        UNTIL(ZCNT(set, 1) == 1);
        CHILD(&zero[1])
                EQ(semop_zcnt_dec_on_proceed, SEMOP(set, OP(2, 0, 0)), 0);
        UNTIL(ZCNT(set, 2) == 1);

        for (int left = 2; left >= 0; left--) {
                MUST(SEMOP(set, OP(0, 1, 0)));
                EVENTUALLY(semop_ncnt_dec_on_proceed,
                           returned(&dec[0]) + returned(&dec[1]) + returned(&dec[2]) == 3 - left);
                EVENTUALLY(semop_ncnt_dec_on_proceed, NCNT(set, 0) == left);
        }
        MUST(SEMOP(set, OP(1, -1, IPC_NOWAIT)));
        EVENTUALLY(semop_zcnt_dec_on_proceed, ZCNT(set, 1) == 1);
        MUST(SEMOP(set, OP(1, -1, IPC_NOWAIT)));
        EVENTUALLY(semop_zcnt_dec_on_proceed, returned(&zero[0]));
        EQ(semop_zcnt_dec_on_proceed, ZCNT(set, 1), 0);
        EQ(semop_zcnt_dec_on_proceed, ZCNT(set, 2), 1);
        for (int i = 0; i < 3; i++)
                join(&dec[i]);
        join(&zero[0]);
}

TEST(killed_waiter_is_not_counted, VERIFIES(semop_ncnt_dec_on_kill))
{
        int set = new_sems(SEMS, 0600);
        struct child waiter[5];

        for (int i = 0; i < 5; i++) {
                CHILD(&waiter[i]) {
                        if (i % 2)
                                SEMOP(set, OP(0, -1, 0), OP(1, -1, 0));
                        else
                                SEMOP(set, OP(0, -1, 0));
                }
                UNTIL(NCNT(set, 0) > i);
        }
        /* From the middle, from the end, and the first. */
        static const int order[] = {2, 1, 4, 0, 3};
        for (int i = 0; i < 5; i++) {
                kill_child(&waiter[order[i]]);
                EQ(semop_ncnt_dec_on_kill, NCNT(set, 0), 4 - i);
        }
        /* The dead take nothing. */
        MUST(SEMOP(set, OP(0, 5, 0), OP(1, 5, 0)));
        EQ(semop_ncnt_dec_on_kill, VAL(set, 0), 5);
        EQ(semop_ncnt_dec_on_kill, VAL(set, 1), 5);
}

TEST(count_moves_to_the_next_that_stops, VERIFIES(semop_cnt_complex_blocker_moves))
{
        /* Stopped by the first entry; after the change by the second; after the second change by nothing. */
        const struct {
                const char *name;
                unsigned short values[2];
                struct sembuf ops[2], changes[2];
                unsigned short left[2];
        } rows[] = {
                {"two decrements", {0, 0}, {OP(0, -1, 0), OP(1, -1, 0)}, {OP(0, 3, 0), OP(1, 1, 0)}, {2, 0}},
                {"decrement, zero", {0, 1}, {OP(0, -1, 0), OP(1, 0, 0)}, {OP(0, 1, 0), OP(1, -1, 0)}, {0, 0}},
                {"zero, decrement", {1, 0}, {OP(0, 0, 0), OP(1, -1, 0)}, {OP(0, -1, 0), OP(1, 2, 0)}, {0, 1}},
                {"two zeros", {1, 1}, {OP(0, 0, 0), OP(1, 0, 0)}, {OP(0, -1, 0), OP(1, -1, 0)}, {0, 0}},
                {"one semaphore: -1, zero", {0, 0}, {OP(0, -1, 0), OP(0, 0, 0)}, {OP(0, 2, 0), OP(0, -1, 0)}, {0, 0}},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(SEMS, 0600);
                struct sembuf ops[2] = {row->ops[0], row->ops[1]}, change[2] = {row->changes[0], row->changes[1]};
                struct child waiter;

                set_all(set, (unsigned short[]){row->values[0], row->values[1], 0});
                CHILD(&waiter)
                        EQ(semop_cnt_complex_blocker_moves, semop(set, ops, 2), 0);
                UNTIL(asleep(set) > 0);
                HOLDS(semop_cnt_complex_blocker_moves, only(set, ops[0].sem_num, ops[0].sem_op == 0));
                MUST(semop(set, &change[0], 1));
                EVENTUALLY(semop_cnt_complex_blocker_moves, only(set, ops[1].sem_num, ops[1].sem_op == 0));
                MUST(semop(set, &change[1], 1));
                EVENTUALLY(semop_cnt_complex_blocker_moves, returned(&waiter));
                EQ(semop_cnt_complex_blocker_moves, asleep(set), 0);
                EQ(semop_cnt_complex_blocker_moves, VAL(set, 0), row->left[0]);
                EQ(semop_cnt_complex_blocker_moves, VAL(set, 1), row->left[1]);
                join(&waiter);
        }
}

TEST(count_moves_over_three_by_semctl, VERIFIES(semop_cnt_complex_blocker_moves))
{
        int set = new_sems(SEMS, 0600);
        struct child waiter;

        set_all(set, (unsigned short[]){0, 1, 0});
        CHILD(&waiter)
                EQ(semop_cnt_complex_blocker_moves, SEMOP(set, OP(2, -2, 0), OP(1, 0, 0), OP(0, -1, 0)), 0);
        UNTIL(asleep(set) > 0);
        HOLDS(semop_cnt_complex_blocker_moves, only(set, 2, false));
        set_val(set, 2, 1);
        EVENTUALLY(semop_cnt_complex_blocker_moves, only(set, 2, false));
        set_val(set, 2, 2);
        EVENTUALLY(semop_cnt_complex_blocker_moves, only(set, 1, true));
        set_all(set, (unsigned short[]){0, 0, 4});
        EVENTUALLY(semop_cnt_complex_blocker_moves, only(set, 0, false));
        set_all(set, (unsigned short[]){1, 0, 2});
        EVENTUALLY(semop_cnt_complex_blocker_moves, returned(&waiter));
        EQ(semop_cnt_complex_blocker_moves, asleep(set), 0);
        join(&waiter);
}

/* Single waiters stay counted where they were while an array comes, and after it has gone. */
TEST(array_does_not_disturb_other_counts, VERIFIES(semctl_getncnt, semctl_getzcnt, semop_cnt_complex_first_blocker))
{
        int set = new_sems(SEMS, 0600);
        struct child dec, zero, array;

        set_all(set, (unsigned short[]){0, 1, 0});
        CHILD(&dec)
                EQ(semctl_getncnt, SEMOP(set, OP(0, -1, 0)), 0);
        UNTIL(NCNT(set, 0) == 1);
        CHILD(&zero)
                EQ(semctl_getzcnt, SEMOP(set, OP(1, 0, 0)), 0);
        UNTIL(ZCNT(set, 1) == 1);
        CHILD(&array)
                SEMOP(set, OP(1, -1, 0), OP(2, -1, 0));
        EVENTUALLY(semop_cnt_complex_first_blocker, NCNT(set, 2) == 1);
        EQ(semctl_getncnt, NCNT(set, 0), 1);
        EQ(semctl_getncnt, NCNT(set, 1), 0);
        EQ(semctl_getzcnt, ZCNT(set, 1), 1);
        EQ(semop_cnt_complex_first_blocker, asleep(set), 3);
        kill_child(&array);
        EQ(semctl_getncnt, NCNT(set, 0), 1);
        EQ(semctl_getzcnt, ZCNT(set, 1), 1);
        EQ(semop_cnt_complex_first_blocker, asleep(set), 2);
        MUST(SEMOP(set, OP(0, 1, 0)));
        MUST(SEMOP(set, OP(1, -1, IPC_NOWAIT)));
        EVENTUALLY(semctl_getncnt, returned(&dec) && returned(&zero));
        EQ(semctl_getzcnt, asleep(set), 0);
        join(&dec);
        join(&zero);
}

/* Nobody looks before all of them wait: whoever only tells that somebody does would be believed for too long. */
TEST(each_that_waits_is_counted, VERIFIES(semctl_getncnt, semctl_getzcnt))
{
        enum { WAITERS = 3 };
        int set = new_sems(SEMS, 0600);
        struct child dec[WAITERS], zero[WAITERS];

        set_val(set, 1, 1);
        for (int i = 0; i < WAITERS; i++)
                CHILD(&dec[i])
                        SEMOP(set, OP(0, -1, 0));
        EVENTUALLY(semctl_getncnt, NCNT(set, 0) == WAITERS);
        for (int i = 0; i < WAITERS; i++)
                CHILD(&zero[i])
                        SEMOP(set, OP(1, 0, 0));
        EVENTUALLY(semctl_getzcnt, ZCNT(set, 1) == WAITERS);
        EQ(semctl_getncnt, NCNT(set, 0), WAITERS);
}

TEST(each_set_has_counts_of_its_own, VERIFIES(semctl_getncnt, semctl_getzcnt))
{
        int first = new_sems(SEMS, 0600), second = new_sems(SEMS, 0600);
        struct child dec, zero;

        set_val(second, 2, 1);
        CHILD(&dec)
                SEMOP(first, OP(2, -1, 0));
        EVENTUALLY(semctl_getncnt, NCNT(first, 2) == 1);
        CHILD(&zero)
                SEMOP(second, OP(2, 0, 0));
        EVENTUALLY(semctl_getzcnt, ZCNT(second, 2) == 1);
        EQ(semctl_getncnt, NCNT(second, 2), 0);
        EQ(semctl_getzcnt, ZCNT(first, 2), 0);
        EQ(semctl_getncnt, asleep(first), 1);
        EQ(semctl_getzcnt, asleep(second), 1);
}
