/* SPDX-License-Identifier: MIT
 *
 * semctl() GETALL and SETALL: the values of a whole set, small and large, in good memory and bad.
 */
#include <limits.h>

#include "ipck_sem.h"

enum { CANARY = 0x5a5a };

/* Values that differ between neighbours, between seeds and from 0. */
static unsigned short value_at(int num, int seed)
{
        return (unsigned short)(1 + (num * 7919 + seed * 104729) % 32000);
}

static void fill(unsigned short *values, int nsems, int seed)
{
        for (int i = 0; i < nsems; i++)
                values[i] = value_at(i, seed);
}

/* Memory for exactly so many values: one more, read or written, is EFAULT. */
static unsigned short *room_for(int nsems)
{
        return guarded((size_t)nsems * sizeof(unsigned short));
}

/* Number of the first value that is not the one of that seed; -1: none. */
static int first_wrong(const unsigned short *values, int nsems, int seed)
{
        for (int i = 0; i < nsems; i++)
                if (values[i] != value_at(i, seed))
                        return i;
        return -1;
}

static int first_wrong_in_set(int set, int nsems, int seed)
{
        for (int i = 0; i < nsems; i++)
                if (VAL(set, i) != value_at(i, seed))
                        return i;
        return -1;
}

static int new_filled(int nsems, int seed)
{
        int set = new_sems(nsems, 0600);
        unsigned short *values = room_for(nsems);

        fill(values, nsems, seed);
        set_values(set, values, (size_t)nsems);
        return set;
}

static void need_large_sets(int nsems)
{
        if (sem_limits().semmsl < nsems)
                UNSUPPORTED("a set of %d semaphores (SEMMSL is %d)", nsems, sem_limits().semmsl);
}

/* ---- values ---- */

static const struct {
        const char *name;
        int nsems;
} sizes[] = {
        {"1 semaphore", 1}, {"2 semaphores", 2}, {"3 semaphores", 3}, {"16 semaphores", 16}, {"200 semaphores", 200},
};

TEST(getall_stores_each_value_in_its_place, VERIFIES(semctl_getall))
{
        EACH_ROW(row, sizes) {
                int set = new_sems(row->nsems, 0600), other = new_filled(row->nsems, 2);
                unsigned short *array = room_for(row->nsems + 1);

                for (int i = 0; i < row->nsems; i++)
                        set_val(set, i, value_at(i, 1));
                memset(array, CANARY & 0xff, (size_t)(row->nsems + 1) * sizeof(*array));
                EQ(semctl_getall, semctl(set, 0, GETALL, ARG_ARRAY(array + 1)), 0);
                EQ(semctl_getall, first_wrong(array + 1, row->nsems, 1), -1);
                EQ(semctl_getall, array[0], CANARY);
                EQ(semctl_getall, first_wrong_in_set(set, row->nsems, 1), -1);
                EQ(semctl_getall, first_wrong_in_set(other, row->nsems, 2), -1);
        }
}

TEST(getall_follows_every_change, VERIFIES(semctl_getall))
{
        int set = new_sems(3, 0600);
        unsigned short array[3] = {CANARY, CANARY, CANARY};

        EQ(semctl_getall, semctl(set, 0, GETALL, ARG_ARRAY(array)), 0);
        HOLDS(semctl_getall, array[0] == 0 && array[1] == 0 && array[2] == 0);
        MUST(SEMOP(set, OP(1, SHRT_MAX, 0), OP(2, 1, 0)));
        EQ(semctl_getall, semctl(set, 0, GETALL, ARG_ARRAY(array)), 0);
        HOLDS(semctl_getall, array[0] == 0 && array[1] == SHRT_MAX && array[2] == 1);
        MUST(SEMOP(set, OP(1, -1, 0), OP(2, -1, 0)));
        EQ(semctl_getall, semctl(set, 0, GETALL, ARG_ARRAY(array)), 0);
        HOLDS(semctl_getall, array[0] == 0 && array[1] == SHRT_MAX - 1 && array[2] == 0);
}

TEST(setall_sets_each_value_from_its_place, VERIFIES(semctl_setall))
{
        EACH_ROW(row, sizes) {
                int set = new_filled(row->nsems, 1), other = new_filled(row->nsems, 2);
                unsigned short *array = room_for(row->nsems);

                fill(array, row->nsems, 3);
                EQ(semctl_setall, semctl(set, 0, SETALL, ARG_ARRAY(array)), 0);
                EQ(semctl_setall, first_wrong_in_set(set, row->nsems, 3), -1);
                EQ(semctl_setall, first_wrong(array, row->nsems, 3), -1);
                EQ(semctl_setall, first_wrong_in_set(other, row->nsems, 2), -1);
        }
}

TEST(setall_sets_the_extreme_values, VERIFIES(semctl_setall))
{
        const unsigned short max = (unsigned short)sem_limits().semvmx;
        unsigned short array[4] = {max, 0, 1, (unsigned short)(max - 1)};
        int set = new_filled(4, 1);

        EQ(semctl_setall, semctl(set, 0, SETALL, ARG_ARRAY(array)), 0);
        for (int i = 0; i < 4; i++)
                EQ(semctl_setall, VAL(set, i), array[i]);
}

TEST(large_sets_are_transferred_whole, VERIFIES(semctl_getall_large))
{
        /* Linux keeps up to 256 values on its stack. */
        static const struct {
                const char *name;
                int nsems;
        } rows[] = {{"256", 256}, {"257", 257}, {"300", 300}, {"2100, more than a page", 2100}};

        need_large_sets(2100);
        EACH_ROW(row, rows) {
                int set = new_filled(row->nsems, 1);
                unsigned short *array = room_for(row->nsems);

                EQ(semctl_getall_large, first_wrong_in_set(set, row->nsems, 1), -1);
                EQ(semctl_getall_large, semctl(set, 0, GETALL, ARG_ARRAY(array)), 0);
                EQ(semctl_getall_large, first_wrong(array, row->nsems, 1), -1);
                fill(array, row->nsems, 2);
                EQ(semctl_getall_large, semctl(set, 0, SETALL, ARG_ARRAY(array)), 0);
                EQ(semctl_getall_large, first_wrong_in_set(set, row->nsems, 2), -1);
                memset(array, 0, (size_t)row->nsems * sizeof(*array));
                EQ(semctl_getall_large, semctl(set, 0, GETALL, ARG_ARRAY(array)), 0);
                EQ(semctl_getall_large, first_wrong(array, row->nsems, 2), -1);
        }
}

TEST(semnum_does_not_matter_to_whole_sets, VERIFIES(semctl_getall_semnum_ignored))
{
        static const struct {
                const char *name;
                int semnum;
        } rows[] = {{"semnum -1", -1}, {"semnum the number of semaphores", 3}, {"semnum INT_MAX", INT_MAX},
                    {"semnum INT_MIN", INT_MIN}};

        EACH_ROW(row, rows) {
                int set = new_filled(3, 1);
                unsigned short array[3] = {0, 0, 0};
                struct semid_ds ds;

                EQ(semctl_getall_semnum_ignored, semctl(set, row->semnum, GETALL, ARG_ARRAY(array)), 0);
                EQ(semctl_getall_semnum_ignored, first_wrong(array, 3, 1), -1);
                fill(array, 3, 2);
                EQ(semctl_getall_semnum_ignored, semctl(set, row->semnum, SETALL, ARG_ARRAY(array)), 0);
                EQ(semctl_getall_semnum_ignored, first_wrong_in_set(set, 3, 2), -1);
                memset(&ds, 0x5a, sizeof(ds));
                EQ(semctl_getall_semnum_ignored, semctl(set, row->semnum, IPC_STAT, ARG_BUF(&ds)), 0);
                EQ(semctl_getall_semnum_ignored, ds.sem_nsems, 3);
                EQ(semctl_getall_semnum_ignored, ds.sem_perm.mode & 0777, 0600);
                ds.sem_perm.mode = 0640;
                EQ(semctl_getall_semnum_ignored, semctl(set, row->semnum, IPC_SET, ARG_BUF(&ds)), 0);
                EQ(semctl_getall_semnum_ignored, stat_of(set).sem_perm.mode & 0777, 0640);
                EQ(semctl_getall_semnum_ignored, semctl(set, row->semnum, IPC_RMID), 0);
                FAILS_WITH(semctl_getall_semnum_ignored, EINVAL, VAL(set, 0));
        }
}

/* ---- ERANGE ---- */

TEST(setall_with_one_value_out_of_range_sets_none, VERIFIES(semctl_setall_erange_any))
{
        const int max = sem_limits().semvmx;
        const struct {
                const char *name;
                int nsems, bad, value;
        } rows[] = {
                {"only value", 1, 0, max + 1}, {"first value", 4, 0, max + 1}, {"value in the middle", 4, 2, max + 1},
                {"last value", 4, 3, max + 1}, {"first of 65535", 4, 0, 65535}, {"last of 65535", 4, 3, 65535},
                {"last of 200", 200, 199, max + 1},
        };

        REQUIRE(max < 65535);
        EACH_ROW(row, rows) {
                int set = new_filled(row->nsems, 1);
                unsigned short *array = room_for(row->nsems);

                fill(array, row->nsems, 2);
                array[row->bad] = (unsigned short)row->value;
                FAILS_WITH(semctl_setall_erange_any, ERANGE, semctl(set, 0, SETALL, ARG_ARRAY(array)));
                EQ(semctl_setall_erange_any, first_wrong_in_set(set, row->nsems, 1), -1);
                array[row->bad] = (unsigned short)max;
                EQ(semctl_setall_erange_any, semctl(set, 0, SETALL, ARG_ARRAY(array)), 0);
        }
}

TEST(setall_with_a_value_out_of_range_sets_none_of_a_large_set, VERIFIES(semctl_setall_erange_any))
{
        const unsigned short max = (unsigned short)sem_limits().semvmx;

        need_large_sets(300);
        int set = new_filled(300, 1);
        unsigned short *array = room_for(300);
        fill(array, 300, 2);
        array[299] = (unsigned short)(max + 1);
        FAILS_WITH(semctl_setall_erange_any, ERANGE, semctl(set, 0, SETALL, ARG_ARRAY(array)));
        EQ(semctl_setall_erange_any, first_wrong_in_set(set, 300, 1), -1);
        array[299] = max;
        EQ(semctl_setall_erange_any, semctl(set, 0, SETALL, ARG_ARRAY(array)), 0);
}

/* ---- EFAULT ---- */

static void getall_into_bad_memory(int nsems)
{
        const struct {
                const char *name;
                unsigned short *array;
        } rows[] = {
                {"inaccessible page", bad_address()}, {"read-only page", read_only_page()}, {"null pointer", NULL},
                {"room for one value less", room_for(nsems - 1)},
        };
        int set = new_filled(nsems, 1);
        unsigned short *good = room_for(nsems);

        EQ(semctl_getall_efault, semctl(set, 0, GETALL, ARG_ARRAY(good)), 0);
        EQ(semctl_getall_efault, first_wrong(good, nsems, 1), -1);
        EACH_ROW(row, rows)
                FAILS_WITH(semctl_getall_efault, EFAULT, semctl(set, 0, GETALL, ARG_ARRAY(row->array)));
}

TEST(getall_into_bad_memory_fails, VERIFIES(semctl_getall_efault))
{
        getall_into_bad_memory(3);
}

TEST(getall_of_a_large_set_into_bad_memory_fails, VERIFIES(semctl_getall_efault))
{
        need_large_sets(300);
        getall_into_bad_memory(300);
}

static void setall_from_bad_memory(int nsems)
{
        unsigned short *short_by_one = room_for(nsems - 1), *good = room_for(nsems);
        const struct {
                const char *name;
                unsigned short *array;
        } rows[] = {
                {"inaccessible page", bad_address()}, {"null pointer", NULL},
                {"one value less than the set has", short_by_one},
        };
        int set = new_filled(nsems, 1);

        fill(short_by_one, nsems - 1, 2);
        EACH_ROW(row, rows) {
                FAILS_WITH(semctl_setall_efault, EFAULT, semctl(set, 0, SETALL, ARG_ARRAY(row->array)));
                EQ(semctl_setall_efault, first_wrong_in_set(set, nsems, 1), -1);
        }
        fill(good, nsems, 2);
        EQ(semctl_setall_efault, semctl(set, 0, SETALL, ARG_ARRAY(good)), 0);
        EQ(semctl_setall_efault, first_wrong_in_set(set, nsems, 2), -1);
}

TEST(setall_from_bad_memory_changes_nothing, VERIFIES(semctl_setall_efault))
{
        setall_from_bad_memory(3);
}

TEST(setall_of_a_large_set_from_bad_memory_changes_nothing, VERIFIES(semctl_setall_efault))
{
        need_large_sets(300);
        setall_from_bad_memory(300);
}

TEST(setall_reads_memory_that_cannot_be_written, VERIFIES(semctl_setall))
{
        int set = new_filled(3, 1);

        /* A page of zeros. */
        EQ(semctl_setall, semctl(set, 0, SETALL, ARG_ARRAY(read_only_page())), 0);
        for (int i = 0; i < 3; i++)
                EQ(semctl_setall, VAL(set, i), 0);
}
