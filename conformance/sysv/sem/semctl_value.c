/* SPDX-License-Identifier: MIT
 *
 * semctl() GETVAL and SETVAL: the value of one semaphore, its range, and what the commands that report nothing
 * return.
 */
#include <limits.h>

#include "ipck_sem.h"

static int largest_value(void)
{
        return sem_limits().semvmx;
}

/* ---- GETVAL ---- */

TEST(getval_returns_the_value_of_the_semaphore_named, VERIFIES(semctl_getval))
{
        int set = new_sems(3, 0600), other = new_sems(3, 0600);

        /* By semop(), so that SETVAL and GETVAL cannot be wrong in the same way unnoticed. */
        MUST(SEMOP(set, OP(0, 5, 0), OP(1, 300, 0)));
        MUST(SEMOP(other, OP(0, 60, 0), OP(1, 61, 0), OP(2, 62, 0)));
        EQ(semctl_getval, VAL(set, 0), 5);
        EQ(semctl_getval, VAL(set, 1), 300);
        EQ(semctl_getval, VAL(set, 2), 0);
        EQ(semctl_getval, VAL(other, 2), 62);
        MUST(SEMOP(set, OP(1, -299, 0)));
        EQ(semctl_getval, VAL(set, 1), 1);
        EQ(semctl_getval, VAL(set, 0), 5);
}

TEST(getval_ignores_the_fourth_argument, VERIFIES(semctl_getval))
{
        int set = new_sems(1, 0600);

        set_val(set, 0, 5);
        EQ(semctl_getval, semctl(set, 0, GETVAL, ARG_BUF(bad_address())), 5);
        EQ(semctl_getval, semctl(set, 0, GETVAL, ARG_VAL(-1)), 5);
        EQ(semctl_getval, VAL(set, 0), 5);
}

TEST(largest_value_is_returned_positive, VERIFIES(semctl_getval_max))
{
        const int max = largest_value();
        int set = new_sems(2, 0600);

        REQUIRE(max > 0 && max <= SHRT_MAX);
        MUST(SEMOP(set, OP(1, (short)max, 0)));
        EQ(semctl_getval_max, VAL(set, 1), max);
        EQ(semctl_getval_max, VAL(set, 0), 0);
}

/* ---- SETVAL ---- */

TEST(setval_sets_one_value_and_no_other, VERIFIES(semctl_setval))
{
        static const unsigned short before[4] = {11, 22, 33, 44};
        static const struct {
                const char *name;
                int num, value;
        } rows[] = {
                {"first semaphore", 0, 100}, {"second semaphore", 1, 101}, {"last semaphore", 3, 102}, {"to 0", 1, 0},
                {"to 1", 2, 1}, {"to 255", 0, 255}, {"to 256", 3, 256}, {"to 32766", 2, 32766},
                {"to what it is", 1, 22},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(4, 0600);

                set_all(set, before);
                EQ(semctl_setval, semctl(set, row->num, SETVAL, ARG_VAL(row->value)), 0);
                for (int i = 0; i < 4; i++)
                        EQ(semctl_setval, VAL(set, i), i == row->num ? row->value : before[i]);
        }
}

TEST(setval_leaves_other_sets_alone, VERIFIES(semctl_setval))
{
        static const unsigned short before[3] = {7, 8, 9};
        int sets[3];

        for (int i = 0; i < 3; i++) {
                sets[i] = new_sems(3, 0600);
                set_all(sets[i], before);
        }
        const struct sem_view below = view_of(sets[0]), above = view_of(sets[2]);
        EQ(semctl_setval, semctl(sets[1], 2, SETVAL, ARG_VAL(70)), 0);
        EQ(semctl_setval, VAL(sets[1], 2), 70);
        const struct sem_view below_after = view_of(sets[0]), above_after = view_of(sets[2]);
        HOLDS(semctl_setval, same_view(&below, &below_after));
        HOLDS(semctl_setval, same_view(&above, &above_after));
}

TEST(setval_to_the_largest_value, VERIFIES(semctl_setval_max))
{
        const int max = largest_value();
        int set = new_sems(2, 0600);

        EQ(semctl_setval_max, semctl(set, 1, SETVAL, ARG_VAL(max)), 0);
        EQ(semctl_setval_max, VAL(set, 1), max);
        EQ(semctl_setval_max, VAL(set, 0), 0);
}

/* ---- ERANGE ---- */

TEST(setval_refuses_values_out_of_range,
     VERIFIES(semctl_setval_erange_high, semctl_setval_erange_neg, semctl_setval_erange_large_neg))
{
        const int max = largest_value();
        const struct {
                const char *name;
                enum ipck_requirement req;
                int value;
        } rows[] = {
                {"largest plus 1", semctl_setval_erange_high, max + 1},
                {"65535", semctl_setval_erange_high, 65535},
                {"65536, 0 in 16 bits", semctl_setval_erange_high, 65536},
                {"65541, 5 in 16 bits", semctl_setval_erange_high, 65541},
                {"INT_MAX", semctl_setval_erange_high, INT_MAX},
                {"-1", semctl_setval_erange_neg, -1},
                {"-2", semctl_setval_erange_neg, -2},
                {"minus the largest", semctl_setval_erange_neg, -max},
                {"INT_MIN, 0 in 16 bits", semctl_setval_erange_large_neg, INT_MIN},
                {"-65531, 5 in 16 bits", semctl_setval_erange_large_neg, -65531},
                {"-65536, 0 in 16 bits", semctl_setval_erange_large_neg, -65536},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(2, 0600);

                set_val(set, 1, max);
                FAILS_WITH(row->req, ERANGE, semctl(set, 1, SETVAL, ARG_VAL(row->value)));
                EQ(row->req, VAL(set, 1), max);
        }
}

TEST(range_is_checked_before_id_and_semnum, VERIFIES(semctl_setval_erange_order))
{
        const int max = largest_value();
        int set = new_sems(2, 0600), gone = new_sems(2, 0600);
        const struct {
                const char *name;
                int id, num;
        } rows[] = {
                {"semnum -1", set, -1}, {"semnum the number of semaphores", set, 2}, {"semnum INT_MAX", set, INT_MAX},
                {"removed set", gone, 0}, {"id never in use", INT_MAX, 0}, {"neither id nor semnum", INT_MAX, -1},
        };

        MUST(semctl(gone, 0, IPC_RMID));
        EACH_ROW(row, rows) {
                FAILS_WITH(semctl_setval_erange_order, ERANGE, semctl(row->id, row->num, SETVAL, ARG_VAL(max + 1)));
                FAILS_WITH(semctl_setval_erange_order, ERANGE, semctl(row->id, row->num, SETVAL, ARG_VAL(-1)));
        }
}

TEST(value_out_of_range_changes_nothing, VERIFIES(semctl_setval_erange_no_effect), MOSTLY_WAITS)
{
        const int max = largest_value();
        const struct {
                const char *name;
                int value;
        } rows[] = {{"largest plus 1", max + 1}, {"65541, 5 in 16 bits", 65541}, {"INT_MAX", INT_MAX}};
        int set = new_sems(2, 0600);
        struct child holder;

        set_val(set, 0, 7);
        set_val(set, 1, 9);
        CHILD(&holder) {
                MUST(SEMOP(set, OP(0, 3, SEM_UNDO), OP(1, -2, SEM_UNDO)));
                stay(&holder);
                FAILS_WITH(semctl_setval_erange_no_effect, ERANGE, semctl(set, 1, SETVAL, ARG_VAL(max + 1)));
        }
        UNTIL(stays(&holder));
        const struct sem_view before = view_of(set);
        next_second(before.ctime);
        EACH_ROW(row, rows) {
                FAILS_WITH(semctl_setval_erange_no_effect, ERANGE, semctl(set, 0, SETVAL, ARG_VAL(row->value)));
                const struct sem_view after = view_of(set);
                HOLDS(semctl_setval_erange_no_effect, same_view(&before, &after));
        }
        dismiss(&holder);
        /* Its adjustments were -3 and +2. */
        EQ(semctl_setval_erange_no_effect, VAL(set, 0), 7);
        EQ(semctl_setval_erange_no_effect, VAL(set, 1), 9);
}

/* ---- how the fourth argument arrives ---- */

TEST(setval_takes_a_plain_int, VERIFIES(semctl_variadic_int), ONE_ROUTE)
{
        int set = new_sems(2, 0600);

#if defined(__LP64__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        UNSUPPORTED("a C ABI that passes an int where it passes a union of int and pointer");
#endif
        EQ(semctl_variadic_int, (semctl)(set, 0, SETVAL, 7), 0);
        EQ(semctl_variadic_int, (semctl)(set, 1, SETVAL, ARG_VAL(8)), 0);
        EQ(semctl_variadic_int, VAL(set, 0), 7);
        EQ(semctl_variadic_int, VAL(set, 1), 8);
        FAILS_WITH(semctl_variadic_int, ERANGE, (semctl)(set, 0, SETVAL, -1));
}

TEST(setval_ignores_other_bytes_of_the_union, VERIFIES(semctl_variadic_int))
{
        static const struct {
                const char *name;
                unsigned char byte;
        } rows[] = {{"bytes all 1", 0xff}, {"bytes 0x5a", 0x5a}, {"bytes all 0", 0}};
        int set = new_sems(1, 0600);
        int value = 7;

        EACH_ROW(row, rows) {
                union semun arg;
                unsigned char image[sizeof(arg)];

                memset(image, row->byte, sizeof(image));
                value++;
                memcpy(image, &value, sizeof(value));
                memcpy(&arg, image, sizeof(arg));
                EQ(semctl_variadic_int, semctl(set, 0, SETVAL, arg), 0);
                EQ(semctl_variadic_int, VAL(set, 0), value);
        }
}

/* ---- what commands return that report nothing ---- */

TEST(commands_return_zero, VERIFIES(semctl_ret_others_zero))
{
        unsigned short values[3] = {4, 5, 6};
        struct semid_ds ds;

        /* Neither the identifier nor a value may be 0, or returning it would not show. */
        burn_sem_ids(150);
        int set = new_sems(3, 0600);
        REQUIRE(set != 0);
        set_all(set, values);
        EQ(semctl_ret_others_zero, semctl(set, 2, SETVAL, ARG_VAL(7)), 0);
        EQ(semctl_ret_others_zero, semctl(set, 2, GETALL, ARG_ARRAY(values)), 0);
        EQ(semctl_ret_others_zero, semctl(set, 2, SETALL, ARG_ARRAY(values)), 0);
        EQ(semctl_ret_others_zero, semctl(set, 2, IPC_STAT, ARG_BUF(&ds)), 0);
        EQ(semctl_ret_others_zero, semctl(set, 2, IPC_SET, ARG_BUF(&ds)), 0);
        EQ(semctl_ret_others_zero, semctl(set, 2, IPC_RMID), 0);
}
