/* SPDX-License-Identifier: MIT
 *
 * kernel.sem: the four limits on semaphores, what may be written there and what follows from it.
 */
#include <stdio.h>

#include "ipck_sem.h"

/* The fields of kernel.sem in their order; true if there were exactly four. */
static bool read_limits(int field[4])
{
        char text[128], excess;

        if (read_file("/proc/sys/kernel/sem", text, sizeof(text)) == -1)
                UNSUPPORTED("/proc/sys/kernel/sem (%s)", errno_name(errno));
        return sscanf(text, "%d %d %d %d %c", &field[0], &field[1], &field[2], &field[3], &excess) == 4;
}

TEST(file_agrees_with_ipc_info, VERIFIES(sysctl_sem_four_fields))
{
        const struct seminfo info = sem_limits();
        int field[4] = {-1, -1, -1, -1};

        HOLDS(sysctl_sem_four_fields, read_limits(field));
        EQ(sysctl_sem_four_fields, field[0], info.semmsl);
        EQ(sysctl_sem_four_fields, field[1], info.semmns);
        EQ(sysctl_sem_four_fields, field[2], info.semopm);
        EQ(sysctl_sem_four_fields, field[3], info.semmni);
}

static void expect_limits(enum ipck_requirement req, const int want[4])
{
        const struct seminfo info = sem_limits();
        int field[4] = {-1, -1, -1, -1};

        HOLDS(req, read_limits(field));
        for (int i = 0; i < 4; i++)
                EQ(req, field[i], want[i]);
        EQ(req, info.semmsl, want[0]);
        EQ(req, info.semmns, want[1]);
        EQ(req, info.semopm, want[2]);
        EQ(req, info.semmni, want[3]);
}

/* By default some of the four are equal, so that their order would not show. */
TEST(fields_stand_in_order, VERIFIES(sysctl_sem_four_fields))
{
        set_sem_limits(11, 222, 33, 44);
        expect_limits(sysctl_sem_four_fields, (const int[]){11, 222, 33, 44});
}

TEST(fewer_numbers_set_the_leading_fields, VERIFIES(sysctl_sem_partial))
{
        static const struct {
                const char *name;
                int want[4];
        } rows[] = {
                {"5", {5, 222, 33, 44}}, {"5 66", {5, 66, 33, 44}}, {"5 66 7", {5, 66, 7, 44}},
                {"5 66 7 8", {5, 66, 7, 8}},
        };

        EACH_ROW(row, rows) {
                set_sem_limits(11, 222, 33, 44);
                EQ(sysctl_sem_partial, write_sysctl("kernel/sem", row->name), 0);
                expect_limits(sysctl_sem_partial, row->want);
        }
}

TEST(text_that_is_no_number_keeps_its_field, VERIFIES(sysctl_malformed, sysctl_sem_partial))
{
        static const struct {
                const char *name;
                int first;      /* what the first field is afterwards */
        } rows[] = {
                {" ", 11}, {"many 2 3 4", 11}, {"5k 222 33 44", 11}, {"2147483648 222 33 44", 11}, {"5, 222 33 44", 11},
                {"5 many 33 44", 5}, {"5 222 33x 44", 5}, {"5 222 33 4294967340", 5},
        };

        EACH_ROW(row, rows) {
                const enum ipck_requirement req = row->first == 11 ? sysctl_malformed : sysctl_sem_partial;

                set_sem_limits(11, 222, 33, 44);
                FAILS_WITH(req, EINVAL, write_sysctl("kernel/sem", row->name));
                expect_limits(req, (const int[]){row->first, 222, 33, 44});
        }
        set_sem_limits(11, 222, 33, 44);
        EQ(sysctl_malformed, write_sysctl("kernel/sem", ""), 0);
        expect_limits(sysctl_malformed, (const int[]){11, 222, 33, 44});
}

static int write_semmni(int semmni)
{
        char text[64];

        snprintf(text, sizeof(text), "250 32000 32 %d", semmni);
        return write_sysctl("kernel/sem", text);
}

TEST(semmni_stays_within_the_table, VERIFIES(sysctl_sem_semmni_range))
{
        enum { TABLE = 32768, EXTENDED_TABLE = 16777216 };

        set_sem_limits(250, 32000, 32, 77);
        /* The kernel's parameter ipcmni_extend makes the table larger. */
        const int table = write_semmni(TABLE + 1) == 0 ? EXTENDED_TABLE : TABLE;
        const struct {
                const char *name;
                int semmni;
        } rows[] = {{"-1", -1}, {"INT32_MIN", INT32_MIN}, {"table size + 1", table + 1}, {"INT32_MAX", INT32_MAX}};

        EACH_ROW(row, rows) {
                int field[4] = {-1, -1, -1, -1};

                EQ(sysctl_sem_semmni_range, write_semmni(77), 0);
                FAILS_WITH(sysctl_sem_semmni_range, ERANGE, write_semmni(row->semmni));
                EQ(sysctl_sem_semmni_range, sem_limits().semmni, 77);
                HOLDS(sysctl_sem_semmni_range, read_limits(field));
                EQ(sysctl_sem_semmni_range, field[3], 77);
        }
        EQ(sysctl_sem_semmni_range, write_semmni(table), 0);
        EQ(sysctl_sem_semmni_range, sem_limits().semmni, table);
}

TEST(fewer_operations_bind_old_sets_too, VERIFIES(sysctl_sem_semopm_enforced))
{
        set_sem_limits(250, 32000, 3, 100);
        const int set = new_sems(1, 0600);

        EQ(sysctl_sem_semopm_enforced, SEMOP(set, OP(0, 1, 0), OP(0, 1, 0), OP(0, 1, 0)), 0);
        set_sem_limits(250, 32000, 2, 100);
        FAILS_WITH(sysctl_sem_semopm_enforced, E2BIG, SEMOP(set, OP(0, 1, 0), OP(0, 1, 0), OP(0, 1, 0)));
        EQ(sysctl_sem_semopm_enforced, VAL(set, 0), 3);
        EQ(sysctl_sem_semopm_enforced, SEMOP(set, OP(0, 1, 0), OP(0, 1, 0)), 0);
        set_sem_limits(250, 32000, 3, 100);
        EQ(sysctl_sem_semopm_enforced, SEMOP(set, OP(0, 1, 0), OP(0, 1, 0), OP(0, 1, 0)), 0);
}

TEST(smaller_sets_bind_lookups_too, VERIFIES(sysctl_sem_semmsl_enforced))
{
        const key_t key = fresh_key();

        set_sem_limits(6, 32000, 32, 100);
        const int set = (int)MUST(semget(key, 6, IPC_CREAT | 0600));
        set_val(set, 5, 7);
        MUST(semget(IPC_PRIVATE, 6, 0600));
        EQ(sysctl_sem_semmsl_enforced, semget(key, 6, 0600), set);

        set_sem_limits(5, 32000, 32, 100);
        FAILS_WITH(sysctl_sem_semmsl_enforced, EINVAL, semget(IPC_PRIVATE, 6, 0600));
        FAILS_WITH(sysctl_sem_semmsl_enforced, EINVAL, semget(key, 6, 0600));
        MUST(semget(IPC_PRIVATE, 5, 0600));
        EQ(sysctl_sem_semmsl_enforced, semget(key, 5, 0600), set);
        EQ(sysctl_sem_semmsl_enforced, VAL(set, 5), 7);
}
