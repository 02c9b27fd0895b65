/* SPDX-License-Identifier: MIT
 *
 * semop(): the errors that a call can have without waiting. Beside each failing call stands one that differs in a
 * single argument and succeeds.
 */
#include <limits.h>

#include "ipck_sem.h"

static int set_with(int value)
{
        int set = new_sems(1, 0600);

        set_val(set, 0, value);
        return set;
}

/* ---- EAGAIN ---- */

TEST(nowait_decrement_of_too_small_value, VERIFIES(semop_eagain_dec))
{
        static const struct {
                const char *name;
                int value, flags;
        } rows[] = {
                {"nothing there", 0, IPC_NOWAIT},       {"one missing", 6, IPC_NOWAIT},
                {"of the range of a byte", 255, IPC_NOWAIT}, {"the largest sem_op", 32766, IPC_NOWAIT},
                {"with SEM_UNDO", 6, IPC_NOWAIT | SEM_UNDO},
        };

        EACH_ROW(row, rows) {
                int set = set_with(row->value);
                struct child caller;

                CHILD(&caller) {
                        FAILS_WITH(semop_eagain_dec, EAGAIN, SEMOP(set, OP(0, -(row->value + 1), row->flags)));
                        EQ(semop_eagain_dec, VAL(set, 0), row->value);
                        set_val(set, 0, row->value + 1);
                        EQ(semop_eagain_dec, SEMOP(set, OP(0, -(row->value + 1), row->flags)), 0);
                }
                EVENTUALLY(semop_eagain_dec, returned(&caller));
                join(&caller);
        }
}

TEST(nowait_zero_operation_on_other_value, VERIFIES(semop_eagain_zero))
{
        static const struct {
                const char *name;
                int value, flags;
        } rows[] = {
                {"one", 1, IPC_NOWAIT},
                {"the range of a byte", 256, IPC_NOWAIT},
                {"the largest value", 32767, IPC_NOWAIT},
                {"with SEM_UNDO", 1, IPC_NOWAIT | SEM_UNDO},
        };

        EACH_ROW(row, rows) {
                int set = set_with(row->value);
                struct child caller;

                CHILD(&caller) {
                        FAILS_WITH(semop_eagain_zero, EAGAIN, SEMOP(set, OP(0, 0, row->flags)));
                        EQ(semop_eagain_zero, VAL(set, 0), row->value);
                        set_val(set, 0, 0);
                        EQ(semop_eagain_zero, SEMOP(set, OP(0, 0, row->flags)), 0);
                }
                EVENTUALLY(semop_eagain_zero, returned(&caller));
                join(&caller);
        }
}

/* ---- EFBIG ---- */

TEST(number_of_semaphores_is_too_large_a_number, VERIFIES(semop_efbig_eq))
{
        static const struct {
                const char *name;
                int sems, op;
        } rows[] = {
                {"set of one", 1, 1},           {"set of three", 3, 1},          {"set of 64", 64, 1},
                {"set of 256", 256, 1},         {"set of 300", 300, 1},          {"a decrement", 3, -1},
                {"a zero operation", 3, 0},
        };

        EACH_ROW(row, rows) {
                if (sem_limits().semmsl < row->sems)
                        continue;
                int set = new_sems(row->sems, 0600);

                FAILS_WITH(semop_efbig_eq, EFBIG, SEMOP(set, OP(row->sems, row->op, IPC_NOWAIT)));
                if (row->op < 0)
                        set_val(set, row->sems - 1, -row->op);
                EQ(semop_efbig_eq, SEMOP(set, OP(row->sems - 1, row->op, IPC_NOWAIT)), 0);
        }
}

TEST(largest_number_is_too_large, VERIFIES(semop_efbig_ushrt_max))
{
        int set = new_sems(3, 0600);

        FAILS_WITH(semop_efbig_ushrt_max, EFBIG, SEMOP(set, OP(65535, 1, 0)));
        FAILS_WITH(semop_efbig_ushrt_max, EFBIG, SEMOP(set, OP(0, 1, 0), OP(65535, 1, 0)));
        for (int num = 0; num < 3; num++)
                EQ(semop_efbig_ushrt_max, VAL(set, num), 0);
        EQ(semop_efbig_ushrt_max, SEMOP(set, OP(2, 1, 0)), 0);
}

TEST(one_number_too_large_undoes_all, VERIFIES(semop_efbig_second_entry))
{
        static const struct {
                const char *name;
                struct sembuf ops[4];
                size_t count;
        } rows[] = {
                {"second", {OP(0, 1, 0), OP(3, 1, 0)}, 2},
                {"second, the largest number", {OP(0, 1, 0), OP(65535, 1, 0)}, 2},
                {"second, a zero operation", {OP(0, 1, 0), OP(3, 0, 0)}, 2},
                {"after a decrement", {OP(1, -4, 0), OP(3, 1, 0)}, 2},
                {"after a zero operation", {OP(2, 0, 0), OP(3, 1, 0)}, 2},
                {"third, after one semaphore twice", {OP(0, 1, 0), OP(0, -2, 0), OP(3, 1, 0)}, 3},
                {"in the middle", {OP(0, 1, 0), OP(3, 1, 0), OP(1, 1, 0)}, 3},
                {"with SEM_UNDO", {OP(0, 1, SEM_UNDO), OP(1, -1, SEM_UNDO), OP(3, 1, SEM_UNDO)}, 3},
                /* No wait for what an impossible call would need. */
                {"after a decrement that would wait", {OP(0, -9, 0), OP(3, 1, 0)}, 2},
                {"after a zero operation that would wait", {OP(0, 0, 0), OP(3, 1, 0)}, 2},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(3, 0600);
                struct sembuf ops[4];
                struct child caller;

                set_all(set, (unsigned short[]){6, 4, 0});
                const struct sem_view before = view_of(set);
                memcpy(ops, row->ops, sizeof(ops));
                CHILD(&caller) {
                        FAILS_WITH(semop_efbig_second_entry, EFBIG, semop(set, ops, row->count));
                        const struct sem_view after = view_of(set);
                        HOLDS(semop_efbig_second_entry, same_view(&before, &after));
                }
                EVENTUALLY(semop_efbig_second_entry, returned(&caller));
                join(&caller);
        }
        int set = new_sems(3, 0600);
        EQ(semop_efbig_second_entry, SEMOP(set, OP(0, 1, 0), OP(2, 1, 0)), 0);
}

/* ---- EINVAL ---- */

TEST(unused_id_is_invalid, VERIFIES(semop_einval_badid))
{
        /* Used before, so that the identifier has more than a small index. */
        burn_sem_ids(200);
        const int set = set_with(1);
        const struct {
                const char *name;
                int id;
        } rows[] = {
                {"the next id", set + 1},
                {"the index with another sequence number", set ^ 0x8000},
                {"the index with a far sequence number", set ^ 0x1000000},
                {"the highest bit differs", set ^ 0x40000000},
                {"no sequence number", set & 0x7fff},
                {"the largest id", INT_MAX},
        };

        EACH_ROW(row, rows) {
                if (row->id == set)
                        continue;
                FAILS_WITH(semop_einval_badid, EINVAL, SEMOP(row->id, OP(0, 1, 0)));
        }
        EQ(semop_einval_badid, VAL(set, 0), 1);
        EQ(semop_einval_badid, SEMOP(set, OP(0, 1, 0)), 0);
}

TEST(id_of_removed_set_is_invalid, VERIFIES(semop_einval_badid))
{
        int set = set_with(1), kept = set_with(1);

        EQ(semop_einval_badid, SEMOP(set, OP(0, 1, 0)), 0);
        MUST(semctl(set, 0, IPC_RMID));
        FAILS_WITH(semop_einval_badid, EINVAL, SEMOP(set, OP(0, 1, 0)));
        FAILS_WITH(semop_einval_badid, EINVAL, SEMOP(set, OP(0, 1, SEM_UNDO)));
        FAILS_WITH(semop_einval_badid, EINVAL, SEMOP(set, OP(0, 0, IPC_NOWAIT)));
        /* Nor does it name one that came after it. */
        int later = set_with(1);
        if (later != set)
                FAILS_WITH(semop_einval_badid, EINVAL, SEMOP(set, OP(0, 1, 0)));
        EQ(semop_einval_badid, VAL(later, 0), 1);
        EQ(semop_einval_badid, VAL(kept, 0), 1);
}

TEST(no_operations_is_invalid, VERIFIES(semop_einval_nsops0))
{
        int set = set_with(4);
        struct sembuf op = OP(0, 1, 0);

        FAILS_WITH(semop_einval_nsops0, EINVAL, semop(set, &op, 0));
        EQ(semop_einval_nsops0, VAL(set, 0), 4);
        EQ(semop_einval_nsops0, semop(set, &op, 1), 0);
        EQ(semop_einval_nsops0, VAL(set, 0), 5);
}

/* Nothing is to be read, so a pointer that leads nowhere does not matter. */
TEST(no_operations_is_invalid_at_any_address, VERIFIES(semop_einval_nsops0))
{
        int set = set_with(4);

        FAILS_WITH(semop_einval_nsops0, EINVAL, semop(set, bad_address(), 0));
        FAILS_WITH(semop_einval_nsops0, EINVAL, semop(set, NULL, 0));
        FAILS_WITH(semop_einval_nsops0, EINVAL, semop(-1, NULL, 0));
}

/* ---- EFAULT ---- */

TEST(unreadable_array, VERIFIES(semop_efault_sops))
{
        int set = set_with(4);
        struct sembuf op = OP(0, 1, 0);
        const struct sem_view before = view_of(set);

        FAILS_WITH(semop_efault_sops, EFAULT, semop(set, bad_address(), 1));
        FAILS_WITH(semop_efault_sops, EFAULT, semop(set, NULL, 1));
        const struct sem_view after = view_of(set);
        HOLDS(semop_efault_sops, same_view(&before, &after));
        EQ(semop_efault_sops, semop(set, &op, 1), 0);
}

/* The array is read before the set is looked for. */
TEST(unreadable_array_for_no_set, VERIFIES(semop_efault_sops))
{
        int set = set_with(4);

        MUST(semctl(set, 0, IPC_RMID));
        FAILS_WITH(semop_efault_sops, EFAULT, semop(set, bad_address(), 1));
}

/* An array that ends where memory ends is read to its last byte and not beyond; one entry more cannot be read. */
TEST(array_at_the_end_of_memory, VERIFIES(semop_efault_sops))
{
        static const struct {
                const char *name;
                int count;
        } rows[] = {{"1", 1}, {"3", 3}, {"64", 64}, {"65", 65}, {"200", 200}};

        EACH_ROW(row, rows) {
                if (sem_limits().semopm <= row->count)
                        continue;
                struct sembuf *ops = guarded((size_t)row->count * sizeof(*ops));
                int set = set_with(4);

                for (int i = 0; i < row->count; i++)
                        ops[i] = OP(0, 1, 0);
                FAILS_WITH(semop_efault_sops, EFAULT, semop(set, ops, (size_t)row->count + 1));
                EQ(semop_efault_sops, VAL(set, 0), 4);
                EQ(semop_efault_sops, semop(set, ops, (size_t)row->count), 0);
                EQ(semop_efault_sops, VAL(set, 0), 4 + row->count);
        }
}

/* ---- E2BIG ---- */

TEST(one_entry_more_than_the_limit, VERIFIES(semop_e2big))
{
        const int semopm = sem_limits().semopm;

        REQUIRE(semopm >= 1);
        if (semopm >= 30000)
                UNSUPPORTED("SEMOPM below 30000: here it is %d", semopm);
        struct sembuf *ops = malloc(((size_t)semopm + 1) * sizeof(*ops));
        REQUIRE(ops != NULL);
        for (int i = 0; i <= semopm; i++)
                ops[i] = OP(0, 1, 0);
        int set = set_with(4);
        const struct sem_view before = view_of(set);

        FAILS_WITH(semop_e2big, E2BIG, semop(set, ops, (size_t)semopm + 1));
        const struct sem_view after = view_of(set);
        HOLDS(semop_e2big, same_view(&before, &after));
        EQ(semop_e2big, semop(set, ops, (size_t)semopm), 0);
        EQ(semop_e2big, VAL(set, 0), 4 + semopm);
}

/* Counts of which an implementation must not look at some bits only, or at the sign. */
TEST(far_too_many_entries, VERIFIES(semop_e2big_before_efault))
{
        static const struct {
                const char *name;
                size_t count;
        } rows[] = {
                {"a power of two and one", 0x10001},
                {"half the range of an int", 0x40000001},
                {"the largest int", INT_MAX},
                {"the smallest int, as unsigned", (size_t)INT_MAX + 1},
                {"-1, as unsigned", UINT_MAX},
        };
        const size_t semopm = (size_t)sem_limits().semopm;
        int set = set_with(4);
        struct sembuf op = OP(0, 1, 0);

        EACH_ROW(row, rows) {
                if (row->count <= semopm)
                        continue;
                FAILS_WITH(semop_e2big_before_efault, E2BIG, semop(set, &op, row->count));
                FAILS_WITH(semop_e2big_before_efault, E2BIG, semop(set, bad_address(), row->count));
                FAILS_WITH(semop_e2big_before_efault, E2BIG, semop(set, NULL, row->count));
        }
        EQ(semop_e2big_before_efault, VAL(set, 0), 4);
}

TEST(too_many_unreadable_entries, VERIFIES(semop_e2big_before_efault))
{
        const size_t semopm = (size_t)sem_limits().semopm;
        void *nowhere = bad_address();
        int set = set_with(4);

        FAILS_WITH(semop_e2big_before_efault, E2BIG, semop(set, nowhere, semopm + 1));
        FAILS_WITH(semop_e2big_before_efault, EFAULT, semop(set, nowhere, semopm));
}

/* nsops is a size_t: on a 64-bit machine its upper half counts as well. */
TEST(entries_beyond_32_bits_are_too_many, VERIFIES(semop_e2big))
{
        struct sembuf op = OP(0, 1, 0);
        int set = set_with(4);

#if SIZE_MAX > UINT32_MAX
        FAILS_WITH(semop_e2big, E2BIG, semop(set, &op, ((size_t)1 << 32) + 1));
        EQ(semop_e2big, VAL(set, 0), 4);
#else
        (void)op;
        (void)set;
        UNSUPPORTED("a size_t of more than 32 bits");
#endif
}

/* ---- ERANGE ---- */

struct increase {
        const char *name;
        int below, add;         /* so far below the largest value, and what is added */
};

TEST(value_beyond_the_largest, VERIFIES(semop_erange_semval))
{
        static const struct increase rows[] = {
                {"one to the largest", 0, 1},
                {"two to one less", 1, 2},
                {"the largest sem_op to one", 32766, 32767},
                {"the largest sem_op to the largest", 0, 32767},
                {"many to many", 767, 20000},
        };
        const int largest = sem_limits().semvmx;

        EACH_ROW(row, rows) {
                const int before = largest - row->below;
                int set = set_with(before);

                FAILS_WITH(semop_erange_semval, ERANGE, SEMOP(set, OP(0, row->add, 0)));
                EQ(semop_erange_semval, VAL(set, 0), before);
                FAILS_WITH(semop_erange_semval, ERANGE, SEMOP(set, OP(0, row->add, IPC_NOWAIT)));
                EQ(semop_erange_semval, VAL(set, 0), before);
        }
}

TEST(value_up_to_the_largest, VERIFIES(semop_erange_semval_boundary))
{
        static const struct increase rows[] = {
                {"one to one less", 1, 1},
                {"two to two less", 2, 2},
                {"many", 20000, 20000},
                {"the largest sem_op", 32767, 32767},
        };
        const int largest = sem_limits().semvmx;

        EACH_ROW(row, rows) {
                int set = set_with(largest - row->below);

                EQ(semop_erange_semval_boundary, SEMOP(set, OP(0, row->add, 0)), 0);
                EQ(semop_erange_semval_boundary, VAL(set, 0), largest);
                /* It is a value like others. */
                EQ(semop_erange_semval_boundary, SEMOP(set, OP(0, -row->add, IPC_NOWAIT)), 0);
                EQ(semop_erange_semval_boundary, VAL(set, 0), largest - row->below);
        }
}

/* -32768 has no positive counterpart in a short: an implementation that negates it may add. */
TEST(smallest_sem_op_is_a_decrement, VERIFIES(semop_erange_op_short_min))
{
        static const struct {
                const char *name;
                int value;
        } rows[] = {{"value 0", 0}, {"value 1", 1}, {"the largest value", 32767}};

        EACH_ROW(row, rows) {
                int set = set_with(row->value);
                struct child caller;

                CHILD(&caller)
                        FAILS_WITH(semop_erange_op_short_min, EAGAIN, SEMOP(set, OP(0, -32768, IPC_NOWAIT)));
                EVENTUALLY(semop_erange_op_short_min, returned(&caller));
                join(&caller);
                EQ(semop_erange_op_short_min, VAL(set, 0), row->value);
        }
}

TEST(smallest_sem_op_waits, VERIFIES(semop_erange_op_short_min))
{
        int set = set_with(32766);
        struct child waiter;

        CHILD(&waiter)
                (void)SEMOP(set, OP(0, -32768, 0));
        UNTIL(NCNT(set, 0) == 1 || returned(&waiter));
        EQ(semop_erange_op_short_min, NCNT(set, 0), 1);
        EQ(semop_erange_op_short_min, VAL(set, 0), 32766);
        /* Not even the largest value is enough. */
        MUST(SEMOP(set, OP(0, 1, 0)));
        EQ(semop_erange_op_short_min, NCNT(set, 0), 1);
        EQ(semop_erange_op_short_min, VAL(set, 0), 32767);
        kill_child(&waiter);
}
