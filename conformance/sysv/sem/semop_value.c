/* SPDX-License-Identifier: MIT
 *
 * semop(): what one entry does to the value of the semaphore that it names, and to no other.
 */
#include "ipck_sem.h"

/* No row below gives the semaphore between them one of these values. */
enum { LEFT = 11, RIGHT = 13 };

static int between_neighbours(int value)
{
        int set = new_sems(3, 0600);

        set_all(set, (unsigned short[]){LEFT, (unsigned short)value, RIGHT});
        return set;
}

static bool neighbours_kept(int set)
{
        unsigned short values[3];

        get_all(set, values);
        return values[0] == LEFT && values[2] == RIGHT;
}

struct step {
        const char *name;
        int before, op, flags, after;
};

TEST(increment_adds_to_value, VERIFIES(semop_inc_adds))
{
        static const struct step rows[] = {
                {"one to none", 0, 1, 0, 1},
                {"several to none", 0, 7, 0, 7},
                {"one to several", 5, 1, 0, 6},
                {"past the range of a byte", 200, 100, 0, 300},
                {"many to many", 20000, 12345, 0, 32345},
                {"the largest sem_op", 0, 32767, 0, 32767},
                {"with IPC_NOWAIT", 3, 4, IPC_NOWAIT, 7},
                {"with SEM_UNDO", 3, 4, SEM_UNDO, 7},
                {"with both flags", 3, 4, IPC_NOWAIT | SEM_UNDO, 7},
        };

        EACH_ROW(row, rows) {
                int set = between_neighbours(row->before);

                EQ(semop_inc_adds, SEMOP(set, OP(1, row->op, row->flags)), 0);
                EQ(semop_inc_adds, VAL(set, 1), row->after);
                HOLDS(semop_inc_adds, neighbours_kept(set));
        }
}

TEST(increments_add_up, VERIFIES(semop_inc_adds))
{
        int set = new_sems(1, 0600);

        for (int i = 1; i <= 100; i++) {
                EQ(semop_inc_adds, SEMOP(set, OP(0, i, 0)), 0);
                EQ(semop_inc_adds, VAL(set, 0), i * (i + 1) / 2);
        }
}

TEST(decrement_subtracts_without_waiting, VERIFIES(semop_dec_subtracts))
{
        static const struct step rows[] = {
                {"one of two", 2, -1, 0, 1},
                {"several of many", 9, -7, 0, 2},
                {"past the range of a byte", 300, -100, 0, 200},
                {"all but one", 32767, -32766, 0, 1},
                {"many of many", 32345, -20000, 0, 12345},
                {"with IPC_NOWAIT", 9, -4, IPC_NOWAIT, 5},
                {"with SEM_UNDO", 9, -4, SEM_UNDO, 5},
                {"with both flags", 9, -4, IPC_NOWAIT | SEM_UNDO, 5},
        };
        struct child caller;

        CHILD(&caller) {
                EACH_ROW(row, rows) {
                        int set = between_neighbours(row->before);

                        EQ(semop_dec_subtracts, SEMOP(set, OP(1, row->op, row->flags)), 0);
                        EQ(semop_dec_subtracts, VAL(set, 1), row->after);
                        HOLDS(semop_dec_subtracts, neighbours_kept(set));
                }
        }
        EVENTUALLY(semop_dec_subtracts, returned(&caller));
        join(&caller);
}

TEST(decrement_of_whole_value_leaves_zero, VERIFIES(semop_dec_exact_to_zero))
{
        static const struct step rows[] = {
                {"one", 1, -1, 0, 0},
                {"several", 7, -7, 0, 0},
                {"the range of a byte", 256, -256, 0, 0},
                {"the largest value", 32767, -32767, 0, 0},
                {"with IPC_NOWAIT", 7, -7, IPC_NOWAIT, 0},
                {"with SEM_UNDO", 7, -7, SEM_UNDO, 0},
        };
        struct child caller;

        CHILD(&caller) {
                EACH_ROW(row, rows) {
                        int set = between_neighbours(row->before);

                        EQ(semop_dec_exact_to_zero, SEMOP(set, OP(1, row->op, row->flags)), 0);
                        EQ(semop_dec_exact_to_zero, VAL(set, 1), 0);
                        HOLDS(semop_dec_exact_to_zero, neighbours_kept(set));
                }
        }
        EVENTUALLY(semop_dec_exact_to_zero, returned(&caller));
        join(&caller);
}

TEST(zero_operation_on_zero_returns_at_once, VERIFIES(semop_zero_immediate))
{
        static const struct {
                const char *name;
                int flags;
        } rows[] = {
                {"without flags", 0},
                {"with IPC_NOWAIT", IPC_NOWAIT},
                {"with SEM_UNDO", SEM_UNDO},
        };
        struct child caller;

        CHILD(&caller) {
                EACH_ROW(row, rows) {
                        int set = between_neighbours(0);

                        EQ(semop_zero_immediate, SEMOP(set, OP(1, 0, row->flags)), 0);
                        EQ(semop_zero_immediate, VAL(set, 1), 0);
                        HOLDS(semop_zero_immediate, neighbours_kept(set));
                }
        }
        EVENTUALLY(semop_zero_immediate, returned(&caller));
        join(&caller);
}

/* A set that was in use before: zero is reached by an operation, not left over from the creation. */
TEST(zero_operation_after_return_to_zero, VERIFIES(semop_zero_immediate))
{
        int set = between_neighbours(0);
        struct child caller;

        MUST(SEMOP(set, OP(1, 5, 0)));
        REQUIRE(VAL(set, 1) == 5);
        MUST(SEMOP(set, OP(1, -5, 0)));
        CHILD(&caller)
                EQ(semop_zero_immediate, SEMOP(set, OP(1, 0, 0)), 0);
        EVENTUALLY(semop_zero_immediate, returned(&caller));
        join(&caller);
        EQ(semop_zero_immediate, VAL(set, 1), 0);
}

TEST(success_returns_zero, VERIFIES(semop_ret_zero))
{
        int set = new_sems(3, 0600);

        set_all(set, (unsigned short[]){5, 0, 7});
        EQ(semop_ret_zero, SEMOP(set, OP(0, 3, 0)), 0);
        EQ(semop_ret_zero, SEMOP(set, OP(2, -2, IPC_NOWAIT)), 0);
        EQ(semop_ret_zero, SEMOP(set, OP(1, 0, IPC_NOWAIT)), 0);
        EQ(semop_ret_zero, SEMOP(set, OP(0, 1, SEM_UNDO)), 0);
        EQ(semop_ret_zero, SEMOP(set, OP(0, 1, 0), OP(1, 4, 0), OP(2, -1, IPC_NOWAIT)), 0);
        EQ(semop_ret_zero, SEMOP(set, OP(0, 1, 0), OP(0, 1, 0), OP(0, -3, IPC_NOWAIT), OP(2, -4, IPC_NOWAIT)), 0);
        /* All of it was done. */
        EQ(semop_ret_zero, VAL(set, 0), 9);
        EQ(semop_ret_zero, VAL(set, 1), 4);
        EQ(semop_ret_zero, VAL(set, 2), 0);
}

/* A call that slept takes another way out than one that did not. */
TEST(success_after_wait_returns_zero, VERIFIES(semop_ret_zero))
{
        int set = new_sems(2, 0600);
        struct child single, zero, several;

        set_val(set, 1, 3);
        CHILD(&single)
                EQ(semop_ret_zero, SEMOP(set, OP(0, -2, 0)), 0);
        CHILD(&zero)
                EQ(semop_ret_zero, SEMOP(set, OP(1, 0, 0)), 0);
        CHILD(&several)
                EQ(semop_ret_zero, SEMOP(set, OP(1, 0, 0), OP(0, -4, 0)), 0);

        UNTIL(NCNT(set, 0) == 1);
        UNTIL(ZCNT(set, 1) == 2);
        MUST(SEMOP(set, OP(0, 6, 0), OP(1, -3, 0)));
        EVENTUALLY(semop_ret_zero, returned(&single) && returned(&zero) && returned(&several));
        join(&single);
        join(&zero);
        join(&several);
        EQ(semop_ret_zero, VAL(set, 0), 0);
}

/* Numbers that differ in their upper bytes only must not be taken for one another. */
TEST(large_set_keeps_its_semaphores_apart, VERIFIES(semop_inc_adds, semop_dec_subtracts))
{
        enum { SEMS = 1000 };
        static const unsigned short nums[] = {0, 1, 255, 256, 257, 511, 512, 513, 768, SEMS - 1};
        unsigned short model[SEMS], values[SEMS];

        if (sem_limits().semmsl < SEMS)
                UNSUPPORTED("a set of %d semaphores", SEMS);
        int set = new_sems(SEMS, 0600);
        for (int i = 0; i < SEMS; i++)
                model[i] = (unsigned short)(1000 + i);
        set_all(set, model);

        for (size_t i = 0; i < sizeof(nums) / sizeof(*nums); i++) {
                const int op = (int)i + 1;

                EQ(semop_inc_adds, SEMOP(set, OP(nums[i], op, 0)), 0);
                model[nums[i]] = (unsigned short)(model[nums[i]] + op);
                get_all(set, values);
                HOLDS(semop_inc_adds, memcmp(values, model, sizeof(model)) == 0);

                EQ(semop_dec_subtracts, SEMOP(set, OP(nums[i], -2 * op, IPC_NOWAIT)), 0);
                model[nums[i]] = (unsigned short)(model[nums[i]] - 2 * op);
                get_all(set, values);
                HOLDS(semop_dec_subtracts, memcmp(values, model, sizeof(model)) == 0);
        }
}
