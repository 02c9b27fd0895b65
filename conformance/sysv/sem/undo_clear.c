/* SPDX-License-Identifier: MIT
 *
 * What takes semadj values away while their processes live: SETVAL, SETALL and the removal of the set.
 */
#include <stdio.h>

#include "ipck_sem.h"

/* ---- SETVAL and SETALL ---- */

TEST(setval_clears_one_semaphore_for_all_processes,
     VERIFIES(semctl_setval_clears_semadj_all, semctl_setval_keeps_other_semadj))
{
        const unsigned short values[3] = {10, 20, 30};
        const struct {
                const char *name;
                int value;
        } rows[] = {{"greater", 50}, {"zero", 0}, {"the value that it has", 13}};

        EACH_ROW(row, rows) {
                int set = new_sems(3, 0600), other = new_sems(3, 0600);
                struct child taker, giver;

                set_all(set, values);
                set_all(other, values);
                CHILD(&taker) {
                        MUST(SEMOP(set, OP(0, -1, SEM_UNDO), OP(1, -2, SEM_UNDO), OP(2, 3, SEM_UNDO)));
                        MUST(SEMOP(other, OP(1, -4, SEM_UNDO)));
                        stay(&taker);
                }
                UNTIL(stays(&taker));
                CHILD(&giver) {
                        MUST(SEMOP(set, OP(0, 5, SEM_UNDO), OP(1, -5, SEM_UNDO), OP(2, -5, SEM_UNDO)));
                        stay(&giver);
                }
                UNTIL(stays(&giver));
                REQUIRE(VAL(set, 0) == 14 && VAL(set, 1) == 13 && VAL(set, 2) == 28);

                set_val(set, 1, row->value);
                dismiss(&taker);
                EQ(semctl_setval_clears_semadj_all, VAL(set, 1), row->value);
                EQ(semctl_setval_keeps_other_semadj, VAL(set, 0), 15);
                EQ(semctl_setval_keeps_other_semadj, VAL(set, 2), 25);
                /* The semaphore of that number in another set is another semaphore. */
                EQ(semctl_setval_keeps_other_semadj, VAL(other, 1), 20);
                dismiss(&giver);
                EQ(semctl_setval_clears_semadj_all, VAL(set, 1), row->value);
                EQ(semctl_setval_keeps_other_semadj, VAL(set, 0), 10);
                EQ(semctl_setval_keeps_other_semadj, VAL(set, 2), 30);
        }
}

TEST(setall_clears_all_semaphores_for_all_processes,
     VERIFIES(semctl_setall_clears_semadj_all, semop_undo_multi_set))
{
        const unsigned short values[3] = {10, 20, 30}, then[3] = {9, 50, 7};
        int set = new_sems(3, 0600), other = new_sems(3, 0600);
        struct child taker, giver;

        set_all(set, values);
        set_all(other, values);
        CHILD(&taker) {
                MUST(SEMOP(set, OP(0, -1, SEM_UNDO), OP(1, -2, SEM_UNDO), OP(2, 3, SEM_UNDO)));
                MUST(SEMOP(other, OP(1, -4, SEM_UNDO)));
                stay(&taker);
        }
        CHILD(&giver) {
                MUST(SEMOP(set, OP(0, 5, SEM_UNDO), OP(2, -5, SEM_UNDO)));
                stay(&giver);
        }
        UNTIL(stays(&taker) && stays(&giver));
        set_all(set, then);
        dismiss(&taker);
        dismiss(&giver);
        for (int i = 0; i < 3; i++)
                EQ(semctl_setall_clears_semadj_all, VAL(set, i), then[i]);
        EQ(semop_undo_multi_set, VAL(other, 1), 20);
}

/* How a test sets semaphore 0 of a set of one. */
static const struct setter {
        const char *name;
        enum ipck_requirement req;
        bool all;
} setters[] = {
        {"SETVAL", semctl_setval_clears_semadj_all, false},
        {"SETALL", semctl_setall_clears_semadj_all, true},
};

static void set_by(const struct setter *by, int set, unsigned short value)
{
        if (by->all)
                set_values(set, &value, 1);
        else
                set_val(set, 0, value);
}

TEST(callers_own_adjustment_is_cleared_too, VERIFIES(semctl_setval_clears_semadj_all, semctl_setall_clears_semadj_all))
{
        EACH_ROW(row, setters) {
                int set = new_sems(1, 0600);
                struct child holder;

                set_val(set, 0, 10);
                CHILD(&holder) {
                        MUST(SEMOP(set, OP(0, -3, SEM_UNDO)));
                        set_by(row, set, 20);
                }
                join(&holder);
                EQ(row->req, VAL(set, 0), 20);
        }
}

TEST(later_operations_count_from_nothing, VERIFIES(semctl_setval_clears_semadj_all, semctl_setall_clears_semadj_all))
{
        EACH_ROW(row, setters) {
                int set = new_sems(1, 0600);
                struct child holder;

                set_val(set, 0, 10);
                CHILD(&holder) {
                        MUST(SEMOP(set, OP(0, -3, SEM_UNDO)));
                        stay(&holder);
                        MUST(SEMOP(set, OP(0, -5, SEM_UNDO)));
                        here(&holder, 2);
                        await(&holder, 2);
                }
                UNTIL(stays(&holder));
                set_by(row, set, 20);
                tell(&holder, 1);
                UNTIL(at(&holder) == 2);
                EQ(row->req, VAL(set, 0), 15);
                tell(&holder, 2);
                join(&holder);
                EQ(row->req, VAL(set, 0), 20);
        }
}

TEST(waiter_that_the_new_value_lets_go_on_is_taken_back, VERIFIES(semop_undo_blocked_completion))
{
        EACH_ROW(row, setters) {
                int set = new_sems(1, 0600);
                struct child waiter;

                set_val(set, 0, 2);
                CHILD(&waiter) {
                        /* This is cleared, and what is done with the new value is not. */
                        MUST(SEMOP(set, OP(0, -1, SEM_UNDO)));
                        EQ(semop_undo_blocked_completion, SEMOP(set, OP(0, -5, SEM_UNDO)), 0);
                        stay(&waiter);
                }
                UNTIL(NCNT(set, 0) == 1);
                set_by(row, set, 20);
                EVENTUALLY(semop_undo_blocked_completion, stays(&waiter));
                EQ(semop_undo_blocked_completion, VAL(set, 0), 15);
                dismiss(&waiter);
                EQ(semop_undo_blocked_completion, VAL(set, 0), 20);
        }
}

TEST(failing_setval_and_setall_clear_nothing, VERIFIES(semctl_setval_erange_no_effect, semop_undo_dec_records))
{
        const int most = sem_limits().semvmx;
        const unsigned short values[2] = {10, 20};
        unsigned short beyond[2] = {30, (unsigned short)(most + 1)};
        int set = new_sems(2, 0600);
        struct child holder;

        REQUIRE(most < UINT16_MAX);
        set_all(set, values);
        CHILD(&holder) {
                MUST(SEMOP(set, OP(0, -3, SEM_UNDO), OP(1, -4, SEM_UNDO)));
                stay(&holder);
        }
        UNTIL(stays(&holder));
        FAILS_WITH(semctl_setval_erange_no_effect, ERANGE, semctl(set, 1, SETVAL, ARG_VAL(most + 1)));
        REQUIRE(semctl(set, 0, SETALL, ARG_ARRAY(beyond)) == -1 && errno == ERANGE);
        dismiss(&holder);
        EQ(semop_undo_dec_records, VAL(set, 0), 10);
        EQ(semctl_setval_erange_no_effect, VAL(set, 1), 20);
}

/* ---- removal ---- */

TEST(adjustments_of_a_removed_set_are_dropped, VERIFIES(semctl_rmid_undo_dropped, semop_undo_multi_set))
{
        const unsigned short values[3] = {10, 20, 30};
        const key_t key = fresh_key();
        int before = new_sems(3, 0600), after = new_sems(3, 0600);
        int removed = (int)MUST(semget(key, 3, IPC_CREAT | 0600));
        struct child holder;

        set_all(before, values);
        set_all(removed, values);
        set_all(after, values);
        CHILD(&holder) {
                MUST(SEMOP(before, OP(0, -1, SEM_UNDO)));
                MUST(SEMOP(removed, OP(0, -2, SEM_UNDO), OP(1, 3, SEM_UNDO), OP(2, -4, SEM_UNDO)));
                MUST(SEMOP(after, OP(2, 5, SEM_UNDO)));
                stay(&holder);
        }
        UNTIL(stays(&holder));
        MUST(semctl(removed, 0, IPC_RMID));
        const int successor = (int)MUST(semget(key, 3, IPC_CREAT | IPC_EXCL | 0600));
        /* Not by SETALL, which would clear what has wrongly been kept. */
        MUST(SEMOP(successor, OP(0, 10, 0), OP(1, 20, 0), OP(2, 30, 0)));
        dismiss(&holder);
        for (int i = 0; i < 3; i++) {
                EQ(semctl_rmid_undo_dropped, VAL(successor, i), values[i]);
                /* Those of the other sets are not dropped. */
                EQ(semop_undo_multi_set, VAL(before, i), values[i]);
                EQ(semop_undo_multi_set, VAL(after, i), values[i]);
        }
}

/* Removes a set and makes one with the same identifier. */
static int replace(int set, int nsems)
{
        char text[16];

        snprintf(text, sizeof(text), "%d", set);
        MUST(semctl(set, 0, IPC_RMID));
        set_sysctl("kernel/sem_next_id", text);
        const int successor = new_sems(nsems, 0600);
        REQUIRE(successor == set);
        return successor;
}

TEST(set_that_got_the_same_identifier_is_not_adjusted, VERIFIES(semctl_rmid_undo_dropped))
{
        const struct {
                const char *name;
                int nsems;
        } rows[] = {{"as many semaphores", 3}, {"fewer", 1}, {"more", 200}};

        EACH_ROW(row, rows) {
                int set = new_sems(3, 0600);
                struct child holder;

                set_val(set, 0, 10);
                CHILD(&holder) {
                        MUST(SEMOP(set, OP(0, -2, SEM_UNDO), OP(1, 3, SEM_UNDO), OP(2, 4, SEM_UNDO)));
                        stay(&holder);
                }
                UNTIL(stays(&holder));
                replace(set, row->nsems);
                MUST(SEMOP(set, OP(0, 7, 0)));
                dismiss(&holder);
                EQ(semctl_rmid_undo_dropped, VAL(set, 0), 7);
                for (int i = 1; i < row->nsems; i++)
                        EQ(semctl_rmid_undo_dropped, VAL(set, i), 0);
                EQ(semctl_rmid_undo_dropped, PID(set, 0), getpid());
        }
}

TEST(same_identifier_starts_with_no_adjustment, VERIFIES(semctl_rmid_undo_dropped))
{
        const struct {
                const char *name;
                int nsems;
        } rows[] = {{"as many semaphores", 3}, {"more", 200}};

        EACH_ROW(row, rows) {
                const int last = row->nsems - 1;
                int set = new_sems(3, 0600);
                struct child holder;

                CHILD(&holder) {
                        MUST(SEMOP(set, OP(0, 2, SEM_UNDO), OP(2, 3, SEM_UNDO)));
                        stay(&holder);
                        /* The owner of the old adjustments uses the new set: room for its adjustments is made anew. */
                        MUST(SEMOP(set, OP(0, 4, SEM_UNDO), OP((unsigned short)last, 5, SEM_UNDO)));
                        here(&holder, 2);
                        await(&holder, 2);
                }
                UNTIL(stays(&holder));
                replace(set, row->nsems);
                MUST(SEMOP(set, OP(0, 100, 0), OP(1, 100, 0), OP((unsigned short)last, 100, 0)));
                tell(&holder, 1);
                UNTIL(at(&holder) == 2);
                EQ(semctl_rmid_undo_dropped, VAL(set, 0), 104);
                EQ(semctl_rmid_undo_dropped, VAL(set, last), 105);
                tell(&holder, 2);
                join(&holder);
                EQ(semctl_rmid_undo_dropped, VAL(set, 0), 100);
                EQ(semctl_rmid_undo_dropped, VAL(set, 1), 100);
                EQ(semctl_rmid_undo_dropped, VAL(set, last), 100);
        }
}

TEST(waiter_of_a_removed_set_alters_no_other, VERIFIES(semop_eidrm_undo))
{
        const unsigned short values[2] = {10, 2};
        int other = new_sems(2, 0600), set = new_sems(2, 0600);
        struct child waiter;

        set_all(set, values);
        set_all(other, values);
        CHILD(&waiter) {
                MUST(SEMOP(set, OP(0, -3, SEM_UNDO)));
                FAILS_WITH(semop_eidrm_undo, EIDRM, SEMOP(set, OP(0, -1, SEM_UNDO), OP(1, -9, SEM_UNDO)));
                stay(&waiter);
        }
        UNTIL(NCNT(set, 1) == 1);
        MUST(semctl(set, 0, IPC_RMID));
        EVENTUALLY(semop_eidrm_undo, stays(&waiter));
        int next = new_sems(2, 0600);
        MUST(SEMOP(next, OP(0, 10, 0), OP(1, 2, 0)));
        dismiss(&waiter);
        for (int i = 0; i < 2; i++) {
                EQ(semop_eidrm_undo, VAL(other, i), values[i]);
                EQ(semop_eidrm_undo, VAL(next, i), values[i]);
        }
}

/* ---- the end of a process and the removal at the same time ---- */

/* Removes the sets one after the other and makes new ones, with the same identifiers where that can be had. */
static void replace_at_once(int *set, int count)
{
        for (int i = 0; i < count; i++) {
                char text[16];

                snprintf(text, sizeof(text), "%d", set[i]);
                (void)write_sysctl("kernel/sem_next_id", text);
                MUST(semctl(set[i], 0, IPC_RMID));
                set[i] = new_sems(1, 0600);
        }
}

TEST(set_made_while_the_holder_of_the_old_one_ends, VERIFIES(exit_semadj_rmid_race), KERNEL_ALONE)
{
        enum { ROUNDS = 200, SETS = 12 };
        int64_t time_to_end = 0;
        int set[SETS], wrong = 0;

        for (int i = 0; i < SETS; i++)
                set[i] = new_sems(1, 0600);
        for (int round = 0; round < ROUNDS; round++) {
                struct child holder;

                for (int i = 0; i < SETS; i++)
                        set_val(set[i], 0, 5);
                CHILD(&holder) {
                        for (int i = 0; i < SETS; i++)
                                MUST(SEMOP(set[i], OP(0, -5, SEM_UNDO)));
                        stay(&holder);
                }
                UNTIL(stays(&holder));
                const int64_t start = monotonic_ns();
                tell(&holder, 1);
                if (round == 0) {
                        reap(&holder);
                        time_to_end = monotonic_ns() - start;
                        continue;
                }
                /* Any moment of the child's end, over the rounds. */
                const int64_t moment = start + random_below((uint32_t)(time_to_end > 1000000 ? 1000000 : time_to_end));
                while (monotonic_ns() < moment) {
                }
                replace_at_once(set, SETS);
                reap(&holder);
                for (int i = 0; i < SETS; i++)
                        wrong += VAL(set[i], 0) != 0;
        }
        EQ(exit_semadj_rmid_race, wrong, 0);
}
