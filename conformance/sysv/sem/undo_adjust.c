/* SPDX-License-Identifier: MIT
 *
 * SEM_UNDO: what is noted for a process (its semadj values), and that its end takes back exactly that.
 */
#include "ipck_sem.h"

TEST(end_takes_an_operation_back, VERIFIES(semop_undo_dec_records, semop_undo_inc_records))
{
        const unsigned short values[3] = {5, 7, 0};
        const struct {
                const char *name;
                enum ipck_requirement req;
                unsigned short num;
                short op, flags;
        } rows[] = {
                {"decrement", semop_undo_dec_records, 1, -3, SEM_UNDO},
                {"decrement to zero", semop_undo_dec_records, 1, -7, SEM_UNDO},
                {"decrement with IPC_NOWAIT", semop_undo_dec_records, 1, -3, SEM_UNDO | IPC_NOWAIT},
                {"increment", semop_undo_inc_records, 1, 4, SEM_UNDO},
                {"increment from zero", semop_undo_inc_records, 2, 4, SEM_UNDO},
                {"increment with IPC_NOWAIT", semop_undo_inc_records, 1, 4, SEM_UNDO | IPC_NOWAIT},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(3, 0600);
                struct child holder;

                set_all(set, values);
                CHILD(&holder) {
                        EQ(row->req, SEMOP(set, OP(row->num, row->op, row->flags)), 0);
                        stay(&holder);
                }
                UNTIL(stays(&holder));
                EQ(row->req, VAL(set, row->num), values[row->num] + row->op);
                /* The value is adjusted, not restored: others have changed it meanwhile. */
                MUST(SEMOP(set, OP(row->num, 20, 0)));
                dismiss(&holder);
                for (int i = 0; i < 3; i++)
                        EQ(row->req, VAL(set, i), values[i] + (i == row->num ? 20 : 0));
        }
}

/* What one process does to a semaphore of value 100, what is seen then, and what is left when it has ended. */
static const struct history {
        const char *name;
        enum ipck_requirement req;
        int count;
        struct {
                short op, flags;
        } ops[4];
        int during, after;
} histories[] = {
        {"down, up, down", semop_undo_net, 3, {{-4, SEM_UNDO}, {1, SEM_UNDO}, {-2, SEM_UNDO}}, 95, 100},
        {"up, up", semop_undo_net, 2, {{5, SEM_UNDO}, {6, SEM_UNDO}}, 111, 100},
        {"sum changes sign", semop_undo_net, 3, {{-2, SEM_UNDO}, {9, SEM_UNDO}, {-3, SEM_UNDO}}, 104, 100},
        {"sum is zero", semop_undo_net, 2, {{-3, SEM_UNDO}, {3, SEM_UNDO}}, 100, 100},
        {"to zero and back", semop_undo_net, 3, {{-100, SEM_UNDO}, {0, SEM_UNDO}, {60, SEM_UNDO}}, 60, 100},
        {"first with the flag", semop_undo_mixed_flags, 2, {{-2, SEM_UNDO}, {-1, 0}}, 97, 99},
        {"second with the flag", semop_undo_mixed_flags, 2, {{-2, 0}, {-1, SEM_UNDO}}, 97, 98},
        {"opposite, down with the flag", semop_undo_mixed_flags, 2, {{-3, SEM_UNDO}, {3, 0}}, 100, 103},
        {"opposite, up with the flag", semop_undo_mixed_flags, 2, {{-3, 0}, {3, SEM_UNDO}}, 100, 97},
        {"alternating", semop_undo_mixed_flags, 4, {{-1, SEM_UNDO}, {-2, 0}, {4, SEM_UNDO}, {-8, 0}}, 93, 90},
};

static void check_history(const struct history *h, bool in_one_array)
{
        int set = new_sems(1, 0600);
        struct sembuf ops[4];
        struct child holder;

        set_val(set, 0, 100);
        for (int i = 0; i < h->count; i++)
                ops[i] = OP(0, h->ops[i].op, h->ops[i].flags);
        CHILD(&holder) {
                if (in_one_array)
                        EQ(h->req, semop(set, ops, (size_t)h->count), 0);
                else
                        for (int i = 0; i < h->count; i++)
                                EQ(h->req, semop(set, &ops[i], 1), 0);
                stay(&holder);
        }
        UNTIL(stays(&holder));
        EQ(h->req, VAL(set, 0), h->during);
        dismiss(&holder);
        EQ(h->req, VAL(set, 0), h->after);
}

TEST(several_calls_add_up, VERIFIES(semop_undo_net, semop_undo_mixed_flags))
{
        EACH_ROW(row, histories)
                check_history(row, false);
}

TEST(one_semaphore_several_times_in_an_array_adds_up, VERIFIES(semop_undo_net, semop_undo_mixed_flags))
{
        EACH_ROW(row, histories)
                check_history(row, true);
}

TEST(flag_of_one_entry_does_not_cover_the_others, VERIFIES(semop_undo_mixed_flags))
{
        const unsigned short values[3] = {10, 20, 30};
        int set = new_sems(3, 0600);
        struct child holder;

        set_all(set, values);
        CHILD(&holder)
                EQ(semop_undo_mixed_flags, SEMOP(set, OP(0, -1, 0), OP(1, -2, SEM_UNDO), OP(2, 4, 0)), 0);
        join(&holder);
        EQ(semop_undo_mixed_flags, VAL(set, 0), 9);
        EQ(semop_undo_mixed_flags, VAL(set, 1), 20);
        EQ(semop_undo_mixed_flags, VAL(set, 2), 34);
}

TEST(end_of_one_process_leaves_those_of_another, VERIFIES(semop_undo_per_process))
{
        int set = new_sems(1, 0600);
        struct child taker, giver;

        set_val(set, 0, 10);
        CHILD(&taker) {
                MUST(SEMOP(set, OP(0, -2, SEM_UNDO)));
                stay(&taker);
        }
        CHILD(&giver) {
                MUST(SEMOP(set, OP(0, 5, SEM_UNDO)));
                stay(&giver);
        }
        UNTIL(stays(&taker) && stays(&giver));
        EQ(semop_undo_per_process, VAL(set, 0), 13);
        dismiss(&taker);
        EQ(semop_undo_per_process, VAL(set, 0), 15);
        dismiss(&giver);
        EQ(semop_undo_per_process, VAL(set, 0), 10);
}

TEST(many_processes_in_any_order_of_end, VERIFIES(semop_undo_per_process))
{
        enum { HOLDERS = 10 };
        struct child holder[HOLDERS];
        int order[HOLDERS] = {0}, set = new_sems(1, 0600), value = 2000 - ((1 << HOLDERS) - 1);

        set_val(set, 0, 2000);
        for (int i = 0; i < HOLDERS; i++) {
                const int j = (int)random_below((uint32_t)i + 1);
                order[i] = order[j];
                order[j] = i;
                /* Powers of two: every subset of the holders leaves a value of its own. */
                CHILD(&holder[i]) {
                        MUST(SEMOP(set, OP(0, (short)-(1 << i), SEM_UNDO)));
                        here(&holder[i], 1);
                        await(&holder[i], 1);
                }
        }
        for (int i = 0; i < HOLDERS; i++)
                UNTIL(at(&holder[i]) == 1);
        EQ(semop_undo_per_process, VAL(set, 0), value);
        for (int i = 0; i < HOLDERS; i++) {
                dismiss(&holder[order[i]]);
                value += 1 << order[i];
                EQ(semop_undo_per_process, VAL(set, 0), value);
        }
}

TEST(each_semaphore_of_a_set_has_its_own, VERIFIES(semop_undo_multi_sem))
{
        enum { SEMS = 16, HALF = SEMS / 2 };
        unsigned short values[SEMS];
        struct sembuf ops[SEMS];
        int set = new_sems(SEMS, 0600);
        struct child holder;

        for (int i = 0; i < SEMS; i++) {
                values[i] = (unsigned short)(20 + i);
                ops[i] = OP((unsigned short)i, (short)(i - HALF), SEM_UNDO);
        }
        /* In the middle stands a semaphore that is not touched: the others are no prefix of the set. */
        ops[HALF] = ops[SEMS - 1];
        set_all(set, values);
        CHILD(&holder) {
                MUST(semop(set, ops, SEMS - 1));
                stay(&holder);
        }
        UNTIL(stays(&holder));
        for (int i = 0; i < SEMS; i++)
                EQ(semop_undo_multi_sem, VAL(set, i), 20 + i + (i - HALF));
        dismiss(&holder);
        for (int i = 0; i < SEMS; i++)
                EQ(semop_undo_multi_sem, VAL(set, i), 20 + i);
}

TEST(numbers_64_apart_are_different_semaphores, VERIFIES(semop_undo_multi_sem))
{
        enum { SEMS = 130 };
        struct child holder;

        if (sem_limits().semmsl < SEMS)
                UNSUPPORTED("sets of %d semaphores (SEMMSL is %d)", SEMS, sem_limits().semmsl);
        int set = new_sems(SEMS, 0600);
        for (int i = 0; i < 3; i++)
                set_val(set, 1 + 64 * i, 10);
        /* Kernels recognise "twice in one array" by a bit mask in a machine word. */
        CHILD(&holder) {
                MUST(SEMOP(set, OP(1, -1, SEM_UNDO), OP(65, -2, SEM_UNDO), OP(129, 4, SEM_UNDO), OP(65, -1, 0)));
                stay(&holder);
        }
        UNTIL(stays(&holder));
        EQ(semop_undo_multi_sem, VAL(set, 1), 9);
        EQ(semop_undo_multi_sem, VAL(set, 65), 7);
        EQ(semop_undo_multi_sem, VAL(set, 129), 14);
        dismiss(&holder);
        EQ(semop_undo_multi_sem, VAL(set, 1), 10);
        EQ(semop_undo_multi_sem, VAL(set, 65), 9);
        EQ(semop_undo_multi_sem, VAL(set, 129), 10);
        EQ(semop_undo_multi_sem, VAL(set, 128), 0);
}

TEST(sets_used_in_turn_are_all_adjusted, VERIFIES(semop_undo_multi_set))
{
        enum { SETS = 5 };
        static const int use[] = {0, 1, 2, 0, 3, 1, 4, 0};
        int set[SETS], taken[SETS] = {0};
        struct child holder;

        for (int i = 0; i < SETS; i++) {
                set[i] = new_sems(1, 0600);
                set_val(set[i], 0, 100 + i);
        }
        CHILD(&holder) {
                for (size_t i = 0; i < sizeof(use) / sizeof(*use); i++)
                        MUST(SEMOP(set[use[i]], OP(0, (short)-(use[i] + 1), SEM_UNDO)));
                stay(&holder);
        }
        for (size_t i = 0; i < sizeof(use) / sizeof(*use); i++)
                taken[use[i]] += use[i] + 1;
        UNTIL(stays(&holder));
        for (int i = 0; i < SETS; i++)
                EQ(semop_undo_multi_set, VAL(set[i], 0), 100 + i - taken[i]);
        dismiss(&holder);
        for (int i = 0; i < SETS; i++)
                EQ(semop_undo_multi_set, VAL(set[i], 0), 100 + i);
}

TEST(wait_for_zero_takes_the_flag_and_notes_nothing, VERIFIES(semop_undo_zero_op_alloc))
{
        const unsigned short values[2] = {0, 4};
        int set = new_sems(2, 0600);
        struct child holder;

        set_all(set, values);
        CHILD(&holder) {
                EQ(semop_undo_zero_op_alloc, SEMOP(set, OP(0, 0, SEM_UNDO)), 0);
                EQ(semop_undo_zero_op_alloc, SEMOP(set, OP(0, 0, SEM_UNDO), OP(1, -1, 0)), 0);
        }
        join(&holder);
        EQ(semop_undo_zero_op_alloc, VAL(set, 0), 0);
        EQ(semop_undo_zero_op_alloc, VAL(set, 1), 3);
}

TEST(operation_that_had_to_wait_is_taken_back, VERIFIES(semop_undo_blocked_completion))
{
        const unsigned short values[2] = {2, 10};
        int set = new_sems(2, 0600);
        struct child alone, array;

        set_all(set, values);
        CHILD(&alone) {
                EQ(semop_undo_blocked_completion, SEMOP(set, OP(0, -3, SEM_UNDO)), 0);
                stay(&alone);
        }
        UNTIL(NCNT(set, 0) == 1);
        MUST(SEMOP(set, OP(0, 5, 0)));
        EVENTUALLY(semop_undo_blocked_completion, stays(&alone));
        EQ(semop_undo_blocked_completion, VAL(set, 0), 4);

        CHILD(&array) {
                EQ(semop_undo_blocked_completion, SEMOP(set, OP(1, -1, SEM_UNDO), OP(0, -6, SEM_UNDO)), 0);
                stay(&array);
        }
        UNTIL(NCNT(set, 0) == 1);
        EQ(semop_undo_blocked_completion, VAL(set, 1), 10);
        MUST(SEMOP(set, OP(0, 3, 0)));
        EVENTUALLY(semop_undo_blocked_completion, stays(&array));
        EQ(semop_undo_blocked_completion, VAL(set, 0), 1);
        EQ(semop_undo_blocked_completion, VAL(set, 1), 9);

        dismiss(&alone);
        EQ(semop_undo_blocked_completion, VAL(set, 0), 4);
        dismiss(&array);
        EQ(semop_undo_blocked_completion, VAL(set, 0), 10);
        EQ(semop_undo_blocked_completion, VAL(set, 1), 10);
}
