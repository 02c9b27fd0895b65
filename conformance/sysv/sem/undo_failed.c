/* SPDX-License-Identifier: MIT
 *
 * SEM_UNDO: a call that fails leaves the semadj values of its process as they were, and their range is limited. What
 * a process holds can only be seen when it ends: every test looks at the values after that.
 */
#include "ipck_sem.h"

TEST(failing_array_leaves_earlier_adjustments_alone,
     VERIFIES(semop_undo_failed_none, semop_array_all_or_nothing_eagain, semop_array_all_or_nothing_erange,
              semop_array_all_or_nothing_dup))
{
        const int most = sem_limits().semvmx;
        const short nowait = SEM_UNDO | IPC_NOWAIT;
        const struct {
                const char *name;
                enum ipck_requirement req;
                int error;
                size_t count;
                struct sembuf ops[3];
        } rows[] = {
                {"EAGAIN", semop_undo_failed_none, EAGAIN, 1, {OP(0, -30, nowait)}},
                {"ERANGE", semop_undo_failed_none, ERANGE, 1, {OP(3, 2, SEM_UNDO)}},
                {"EFBIG", semop_undo_failed_none, EFBIG, 2, {OP(0, -1, SEM_UNDO), OP(4, -1, SEM_UNDO)}},
                {"EAGAIN in the last entry", semop_array_all_or_nothing_eagain, EAGAIN, 3,
                 {OP(0, -1, SEM_UNDO), OP(1, 4, SEM_UNDO), OP(2, -1, nowait)}},
                {"EAGAIN in the middle", semop_array_all_or_nothing_eagain, EAGAIN, 3,
                 {OP(0, -1, SEM_UNDO), OP(2, -1, nowait), OP(1, 4, SEM_UNDO)}},
                {"EAGAIN in a wait for zero", semop_array_all_or_nothing_eagain, EAGAIN, 2,
                 {OP(0, -1, SEM_UNDO), OP(1, 0, nowait)}},
                {"ERANGE in the last entry", semop_array_all_or_nothing_erange, ERANGE, 3,
                 {OP(0, -1, SEM_UNDO), OP(1, 4, SEM_UNDO), OP(3, 2, SEM_UNDO)}},
                {"EAGAIN, one semaphore", semop_array_all_or_nothing_dup, EAGAIN, 3,
                 {OP(0, -1, SEM_UNDO), OP(0, -2, SEM_UNDO), OP(0, -30, nowait)}},
                {"EAGAIN, one semaphore, no flag last", semop_array_all_or_nothing_dup, EAGAIN, 3,
                 {OP(0, -1, SEM_UNDO), OP(0, 4, SEM_UNDO), OP(0, -30, IPC_NOWAIT)}},
                {"ERANGE, one semaphore", semop_array_all_or_nothing_dup, ERANGE, 3,
                 {OP(3, -2, SEM_UNDO), OP(3, 1, SEM_UNDO), OP(3, 3, SEM_UNDO)}},
        };
        const unsigned short values[4] = {10, 6, 0, (unsigned short)(most - 1)};

        EACH_ROW(row, rows) {
                int set = new_sems(4, 0600);
                struct child holder;
                struct sembuf ops[3];

                set_all(set, values);
                memcpy(ops, row->ops, sizeof(ops));
                CHILD(&holder) {
                        MUST(SEMOP(set, OP(0, -2, SEM_UNDO), OP(1, 1, SEM_UNDO)));
                        FAILS_WITH(row->req, row->error, semop(set, ops, row->count));
                        stay(&holder);
                }
                UNTIL(stays(&holder));
                EQ(row->req, VAL(set, 0), 8);
                EQ(row->req, VAL(set, 1), 7);
                dismiss(&holder);
                EQ(row->req, VAL(set, 0), 10);
                EQ(row->req, VAL(set, 1), 6);
                EQ(row->req, VAL(set, 2), 0);
                EQ(row->req, VAL(set, 3), most - 1);
        }
}

TEST(refused_call_notes_nothing, VERIFIES(semop_undo_failed_none))
{
        int set = new_sems(1, 0600);
        struct child holder;

        set_val(set, 0, 10);
        CHILD(&holder) {
                drop_all_capabilities();
                MUST(SEMOP(set, OP(0, -2, SEM_UNDO)));
                set_mode(set, 0400);
                FAILS_WITH(semop_undo_failed_none, EACCES, SEMOP(set, OP(0, -2, SEM_UNDO)));
                set_mode(set, 0600);
                stay(&holder);
        }
        UNTIL(stays(&holder));
        EQ(semop_undo_failed_none, VAL(set, 0), 8);
        dismiss(&holder);
        EQ(semop_undo_failed_none, VAL(set, 0), 10);
}

TEST(interrupted_call_notes_nothing, VERIFIES(semop_undo_failed_none, semop_eintr_no_effect))
{
        const unsigned short values[3] = {10, 6, 3};
        int set = new_sems(3, 0600);
        struct child holder;

        set_all(set, values);
        CHILD(&holder) {
                catch_signal(SIGUSR1, 0);
                MUST(SEMOP(set, OP(0, -2, SEM_UNDO)));
                FAILS_WITH(semop_undo_failed_none, EINTR,
                           SEMOP(set, OP(0, -1, SEM_UNDO), OP(1, -1, SEM_UNDO), OP(2, -30, SEM_UNDO)));
                stay(&holder);
        }
        UNTIL(NCNT(set, 2) == 1);
        MUST(kill(holder.pid, SIGUSR1));
        EVENTUALLY(semop_undo_failed_none, stays(&holder));
        /* Enough for the call had it stayed in the queue. */
        MUST(SEMOP(set, OP(2, 40, 0)));
        EQ(semop_eintr_no_effect, VAL(set, 0), 8);
        EQ(semop_eintr_no_effect, VAL(set, 1), 6);
        EQ(semop_eintr_no_effect, VAL(set, 2), 43);
        dismiss(&holder);
        EQ(semop_eintr_no_effect, VAL(set, 0), 10);
        EQ(semop_eintr_no_effect, VAL(set, 1), 6);
        EQ(semop_undo_failed_none, VAL(set, 1), 6);
        EQ(semop_eintr_no_effect, VAL(set, 2), 43);
}

TEST(call_whose_time_is_up_notes_nothing, VERIFIES(semop_undo_failed_none))
{
        const struct timespec timeout = {.tv_nsec = 1};
        const unsigned short values[2] = {10, 3};
        int set = new_sems(2, 0600);
        struct child holder;

        set_all(set, values);
        CHILD(&holder) {
                MUST(SEMOP(set, OP(0, -2, SEM_UNDO)));
                FAILS_WITH(semop_undo_failed_none, EAGAIN,
                           SEMTIMEDOP(set, &timeout, OP(0, -1, SEM_UNDO), OP(1, -30, SEM_UNDO)));
                stay(&holder);
        }
        UNTIL(stays(&holder));
        EQ(semop_undo_failed_none, VAL(set, 0), 8);
        dismiss(&holder);
        EQ(semop_undo_failed_none, VAL(set, 0), 10);
        EQ(semop_undo_failed_none, VAL(set, 1), 3);
}

/* ---- the range of semadj ---- */

/* The greatest semadj; a set's value must be able to show it. */
static int greatest_adjustment(void)
{
        const struct seminfo limits = sem_limits();

        REQUIRE(1000 <= limits.semaem && limits.semaem <= limits.semvmx && limits.semvmx <= INT16_MAX);
        return limits.semaem;
}

/* Moves the caller's semadj of semaphore 0 by n; the value is the same afterwards. */
static void move_adjustment(int set, int n)
{
        while (n != 0) {
                const int step = n > 10000 ? 10000 : n < -10000 ? -10000 : n;
                if (step > 0) {
                        MUST(SEMOP(set, OP(0, (short)step, 0)));
                        MUST(SEMOP(set, OP(0, (short)-step, SEM_UNDO)));
                } else {
                        MUST(SEMOP(set, OP(0, (short)-step, SEM_UNDO)));
                        MUST(SEMOP(set, OP(0, (short)step, 0)));
                }
                n -= step;
        }
}

TEST(adjustment_reaches_its_limits_and_no_further, VERIFIES(semop_erange_semadj_pos, semop_erange_semadj_neg))
{
        const int most = greatest_adjustment();
        const struct {
                const char *name;
                enum ipck_requirement req;
                int sign;
                short fitting, beyond;
        } rows[] = {
                {"decrements", semop_erange_semadj_pos, 1, -40, -1},
                /* The minimum may be one further away from 0 than the maximum is. */
                {"increments", semop_erange_semadj_neg, -1, 40, 2},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(1, 0600);
                struct child holder;

                set_val(set, 0, 200);
                CHILD(&holder) {
                        move_adjustment(set, row->sign * (most - 40));
                        EQ(row->req, SEMOP(set, OP(0, row->fitting, SEM_UNDO)), 0);
                        FAILS_WITH(row->req, ERANGE, SEMOP(set, OP(0, row->beyond, SEM_UNDO)));
                        EQ(row->req, VAL(set, 0), 200 + row->fitting);
                        /* Nothing but the flag stood in the way. */
                        EQ(row->req, SEMOP(set, OP(0, row->beyond, 0)), 0);
                        /* And the other direction is open. */
                        EQ(row->req, SEMOP(set, OP(0, (short)-row->fitting, SEM_UNDO)), 0);
                }
                join(&holder);
        }
}

TEST(call_beyond_the_range_leaves_the_adjustment, VERIFIES(semop_erange_semadj_pos, semop_erange_semadj_neg))
{
        const int most = greatest_adjustment();
        const struct {
                const char *name;
                enum ipck_requirement req;
                int sign;
                short beyond;
                int value;      /* that the adjustment can be added to without being cut off */
        } rows[] = {
                {"decrements", semop_erange_semadj_pos, 1, -60, 3},
                {"increments", semop_erange_semadj_neg, -1, 60, most},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(1, 0600);
                struct child holder;

                set_val(set, 0, 200);
                CHILD(&holder) {
                        move_adjustment(set, row->sign * (most - 40));
                        FAILS_WITH(row->req, ERANGE, SEMOP(set, OP(0, row->beyond, SEM_UNDO)));
                        EQ(row->req, VAL(set, 0), 200);
                        MUST(SEMOP(set, OP(0, (short)(row->value - 200), 0)));
                }
                join(&holder);
                EQ(row->req, VAL(set, 0), row->value + row->sign * (most - 40));
        }
}

TEST(entry_beyond_the_range_leaves_all_adjustments,
     VERIFIES(semop_array_all_or_nothing_erange, semop_array_all_or_nothing_dup))
{
        const int most = greatest_adjustment();
        const struct {
                const char *name;
                enum ipck_requirement req;
                struct sembuf ops[2];
        } rows[] = {
                {"two semaphores", semop_array_all_or_nothing_erange, {OP(1, -5, SEM_UNDO), OP(0, -60, SEM_UNDO)}},
                {"one semaphore", semop_array_all_or_nothing_dup, {OP(0, -30, SEM_UNDO), OP(0, -30, SEM_UNDO)}},
        };
        const unsigned short values[2] = {200, 50};

        EACH_ROW(row, rows) {
                int set = new_sems(2, 0600);
                struct sembuf ops[2];
                struct child holder;

                memcpy(ops, row->ops, sizeof(ops));
                set_all(set, values);
                CHILD(&holder) {
                        move_adjustment(set, most - 40);
                        FAILS_WITH(row->req, ERANGE, semop(set, ops, 2));
                        EQ(row->req, VAL(set, 0), 200);
                        EQ(row->req, VAL(set, 1), 50);
                        MUST(SEMOP(set, OP(0, -197, 0)));
                }
                join(&holder);
                EQ(row->req, VAL(set, 0), 3 + most - 40);
                EQ(row->req, VAL(set, 1), 50);
        }
}

TEST(waiter_that_could_proceed_only_beyond_the_range, VERIFIES(semop_erange_blocked_later))
{
        const int most = greatest_adjustment();
        int set = new_sems(2, 0600);
        struct child waiter;

        set_val(set, 1, 50);
        CHILD(&waiter) {
                move_adjustment(set, most - 40);
                FAILS_WITH(semop_erange_blocked_later, ERANGE, SEMOP(set, OP(1, -5, SEM_UNDO), OP(0, -60, SEM_UNDO)));
                stay(&waiter);
        }
        UNTIL(NCNT(set, 0) == 1);
        MUST(SEMOP(set, OP(0, 70, 0)));
        EVENTUALLY(semop_erange_blocked_later, stays(&waiter));
        EQ(semop_erange_blocked_later, VAL(set, 0), 70);
        EQ(semop_erange_blocked_later, VAL(set, 1), 50);
        MUST(SEMOP(set, OP(0, -67, 0)));
        dismiss(&waiter);
        EQ(semop_erange_blocked_later, VAL(set, 0), 3 + most - 40);
        EQ(semop_erange_blocked_later, VAL(set, 1), 50);
}
