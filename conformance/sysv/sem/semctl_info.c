/* SPDX-License-Identifier: MIT
 *
 * semctl() IPC_INFO, SEM_INFO, SEM_STAT and SEM_STAT_ANY: limits and use of the namespace, and sets by index. An
 * index is no identifier: after many removals they differ.
 */
#include <limits.h>
#include <stdio.h>

#include "ipck_sem.h"

/* ---- limits ---- */

static void limits_in_proc(int limits[4])
{
        char text[128];

        if (read_file("/proc/sys/kernel/sem", text, sizeof(text)) <= 0)
                UNSUPPORTED("/proc/sys/kernel/sem (%s)", errno_name(errno));
        REQUIRE(sscanf(text, "%d %d %d %d", &limits[0], &limits[1], &limits[2], &limits[3]) == 4);
}

static void compare_limits(void)
{
        struct seminfo *info = guarded(sizeof(*info));
        int limits[4];

        limits_in_proc(limits);
        memset(info, 0x5a, sizeof(*info));
        HOLDS(semctl_info_ipc_info, semctl(0, 0, IPC_INFO, ARG_INFO(info)) != -1);
        EQ(semctl_info_ipc_info, info->semmsl, limits[0]);
        EQ(semctl_info_ipc_info, info->semmns, limits[1]);
        EQ(semctl_info_ipc_info, info->semopm, limits[2]);
        EQ(semctl_info_ipc_info, info->semmni, limits[3]);
        EQ(semctl_info_ipc_info, info->semvmx, 32767);
        EQ(semctl_info_ipc_info, info->semaem, 32767);
}

TEST(ipc_info_reports_the_limits, VERIFIES(semctl_info_ipc_info))
{
        compare_limits();
        /* What is in use changes no limit. */
        (void)new_sems(3, 0600);
        (void)new_sems(4, 0600);
        compare_limits();
}

TEST(ipc_info_reports_changed_limits, VERIFIES(semctl_info_ipc_info))
{
        const struct seminfo before = sem_limits();

        set_sem_limits(301, 4002, 53, 64);
        REQUIRE(before.semmsl != 301 && before.semmns != 4002 && before.semopm != 53 && before.semmni != 64);
        compare_limits();
        const struct seminfo after = sem_limits();
        EQ(semctl_info_ipc_info, after.semmsl, 301);
        EQ(semctl_info_ipc_info, after.semmns, 4002);
        EQ(semctl_info_ipc_info, after.semopm, 53);
        EQ(semctl_info_ipc_info, after.semmni, 64);
}

/* ---- use ---- */

static void expect_use(int sets, int semaphores)
{
        struct seminfo *info = guarded(sizeof(*info));

        memset(info, 0x5a, sizeof(*info));
        HOLDS(semctl_info_sem_info, semctl(0, 0, SEM_INFO, ARG_INFO(info)) != -1);
        EQ(semctl_info_sem_info, info->semusz, sets);
        EQ(semctl_info_sem_info, info->semaem, semaphores);
}

TEST(sem_info_counts_sets_and_semaphores, VERIFIES(semctl_info_sem_info))
{
        struct child other;

        empty_namespace();
        expect_use(0, 0);
        int first = new_sems(3, 0600);
        expect_use(1, 3);
        int second = new_sems(50, 0);
        expect_use(2, 53);
        CHILD(&other)
                (void)new_sems(7, 0600);
        join(&other);
        expect_use(3, 60);
        MUST(semctl(second, 0, IPC_RMID));
        expect_use(2, 10);
        MUST(semctl(first, 0, IPC_RMID));
        expect_use(1, 7);
        REQUIRE(semget(IPC_PRIVATE, sem_limits().semmsl + 1, 0600) == -1);
        expect_use(1, 7);
}

/* ---- highest index ---- */

static bool index_in_use(int index)
{
        struct semid_ds ds;

        return semctl(index, 0, SEM_STAT, ARG_BUF(&ds)) != -1;
}

/* The highest index in use, found by asking for each; 0: none. */
static int highest_by_search(void)
{
        int last = 0;

        for (int i = 0; i < 256; i++)
                if (index_in_use(i))
                        last = i;
        return last;
}

static int highest(int cmd)
{
        struct seminfo info;

        return semctl(0, 0, cmd, ARG_INFO(&info));
}

static void expect_highest(void)
{
        const int wanted = highest_by_search();

        EQ(semctl_info_ret, highest(IPC_INFO), wanted);
        EQ(semctl_info_ret, highest(SEM_INFO), wanted);
}

TEST(info_of_an_empty_namespace_returns_zero, VERIFIES(semctl_info_ret))
{
        empty_namespace();
        EQ(semctl_info_ret, highest(IPC_INFO), 0);
        EQ(semctl_info_ret, highest(SEM_INFO), 0);
        burn_sem_ids(150);
        EQ(semctl_info_ret, highest(IPC_INFO), 0);
        EQ(semctl_info_ret, highest(SEM_INFO), 0);
}

TEST(info_returns_the_highest_index, VERIFIES(semctl_info_ret))
{
        int sets[6];

        for (int i = 0; i < 6; i++) {
                sets[i] = new_sems(1, 0600);
                expect_highest();
        }
        REQUIRE(highest_by_search() >= 5);
        /* A hole, then the highest ones. */
        MUST(semctl(sets[2], 0, IPC_RMID));
        expect_highest();
        for (int i = 5; i >= 3; i--) {
                MUST(semctl(sets[i], 0, IPC_RMID));
                expect_highest();
        }
        MUST(semctl(sets[0], 0, IPC_RMID));
        expect_highest();
}

TEST(highest_index_is_no_identifier, VERIFIES(semctl_info_ret))
{
        burn_sem_ids(150);
        for (int i = 0; i < 3; i++) {
                (void)new_sems(1, 0600);
                expect_highest();
        }
}

/* ---- sets by index ---- */

enum { SETS = 4 };

static void make_sets(int sets[SETS])
{
        for (int i = 0; i < SETS; i++) {
                sets[i] = new_sems(1 + i, 0600 + i);
                if (i % 2)
                        MUST(SEMOP(sets[i], OP(0, 1, 0)));
        }
}

static bool same_description(const struct semid_ds *a, const struct semid_ds *b)
{
        return a->sem_perm.uid == b->sem_perm.uid && a->sem_perm.gid == b->sem_perm.gid &&
               a->sem_perm.cuid == b->sem_perm.cuid && a->sem_perm.cgid == b->sem_perm.cgid &&
               a->sem_perm.mode == b->sem_perm.mode && a->sem_nsems == b->sem_nsems && a->sem_otime == b->sem_otime &&
               a->sem_ctime == b->sem_ctime;
}

/* How many indexes lead to the set; each must describe it. */
static int indexes_of(int set, int cmd, enum ipck_requirement req)
{
        const struct semid_ds wanted = stat_of(set);
        const int end = highest(SEM_INFO) + 1;
        int found = 0;

        for (int i = 0; i < end; i++) {
                struct semid_ds ds;
                memset(&ds, 0x5a, sizeof(ds));
                if (semctl(i, 0, cmd, ARG_BUF(&ds)) == set) {
                        found++;
                        HOLDS(req, same_description(&ds, &wanted));
                }
        }
        return found;
}

TEST(each_set_has_one_index, VERIFIES(semctl_stat_idx))
{
        int sets[SETS];

        make_sets(sets);
        for (int i = 0; i < SETS; i++)
                EQ(semctl_stat_idx, indexes_of(sets[i], SEM_STAT, semctl_stat_idx), 1);
}

TEST(index_leads_to_an_identifier_unlike_it, VERIFIES(semctl_stat_idx))
{
        int sets[SETS];

        burn_sem_ids(150);
        make_sets(sets);
        /* An implementation that takes identifiers for indexes finds none of these. */
        for (int i = 0; i < SETS; i++)
                EQ(semctl_stat_idx, indexes_of(sets[i], SEM_STAT, semctl_stat_idx), 1);
        MUST(semctl(sets[1], 0, IPC_RMID));
        for (int i = 0; i < SETS; i++)
                if (i != 1)
                        EQ(semctl_stat_idx, indexes_of(sets[i], SEM_STAT, semctl_stat_idx), 1);
}

TEST(unused_index_fails, VERIFIES(semctl_stat_idx_einval))
{
        int sets[SETS];
        struct semid_ds ds;

        empty_namespace();
        FAILS_WITH(semctl_stat_idx_einval, EINVAL, semctl(0, 0, SEM_STAT, ARG_BUF(&ds)));
        FAILS_WITH(semctl_stat_idx_einval, EINVAL, semctl(1, 0, SEM_STAT, ARG_BUF(&ds)));
        make_sets(sets);
        const int end = highest(SEM_INFO) + 1;
        int used = 0, hole = -1;
        for (int i = 0; i < end; i++) {
                const int id = semctl(i, 0, SEM_STAT, ARG_BUF(&ds));
                if (id != -1)
                        used++;
                if (id == sets[1])
                        hole = i;
        }
        EQ(semctl_stat_idx_einval, used, SETS);
        FAILS_WITH(semctl_stat_idx_einval, EINVAL, semctl(end, 0, SEM_STAT, ARG_BUF(&ds)));
        FAILS_WITH(semctl_stat_idx_einval, EINVAL, semctl(end + 100, 0, SEM_STAT, ARG_BUF(&ds)));
        FAILS_WITH(semctl_stat_idx_einval, EINVAL, semctl(-1, 0, SEM_STAT, ARG_BUF(&ds)));
        FAILS_WITH(semctl_stat_idx_einval, EINVAL, semctl(INT_MIN, 0, SEM_STAT, ARG_BUF(&ds)));
        REQUIRE(hole != -1);
        MUST(semctl(sets[1], 0, IPC_RMID));
        FAILS_WITH(semctl_stat_idx_einval, EINVAL, semctl(hole, 0, SEM_STAT, ARG_BUF(&ds)));
}

TEST(stat_any_describes_without_permission, VERIFIES(semctl_stat_any))
{
        int sets[SETS];
        struct semid_ds wanted[SETS];
        struct child reader;

        burn_sem_ids(150);
        make_sets(sets);
        for (int i = 0; i < SETS; i++) {
                /* Looked at before: afterwards it takes a privilege. */
                wanted[i] = stat_of(sets[i]);
                set_mode(sets[i], 0200 + i);
                wanted[i].sem_perm.mode = (unsigned short)(0200 + i);
        }
        CHILD(&reader) {
                const int end = highest(SEM_INFO) + 1;
                int found = 0;

                drop_all_capabilities();
                for (int i = 0; i < end; i++) {
                        struct semid_ds ds;
                        memset(&ds, 0x5a, sizeof(ds));
                        const int id = semctl(i, 0, SEM_STAT_ANY, ARG_BUF(&ds));
                        for (int k = 0; k < SETS; k++) {
                                if (id != sets[k])
                                        continue;
                                found++;
                                BETWEEN(semctl_stat_any, wanted[k].sem_ctime, ds.sem_ctime, now());
                                ds.sem_ctime = wanted[k].sem_ctime;
                                HOLDS(semctl_stat_any, same_description(&ds, &wanted[k]));
                                FAILS_WITH(semctl_stat_any, EACCES, semctl(i, 0, SEM_STAT, ARG_BUF(&ds)));
                        }
                }
                EQ(semctl_stat_any, found, SETS);
        }
        join(&reader);
}

/* ---- memory ---- */

TEST(answers_into_bad_memory_fail, VERIFIES(semctl_info_efault, semctl_stat_idx_efault))
{
        const struct {
                const char *name;
                void *info, *ds;
        } rows[] = {
                {"inaccessible page", bad_address(), bad_address()},
                {"read-only page", read_only_page(), read_only_page()},
                {"room for all but the last word", guarded(sizeof(struct seminfo) - sizeof(int)),
                 guarded(sizeof(struct semid_ds) - sizeof(long))},
        };
        struct seminfo info;
        struct semid_ds ds;

        if (ipck_route == IPCK_LIBC && sizeof(long) < 8)
                UNSUPPORTED("a C library that leaves the structure to the kernel (a 32-bit one touches it itself)");
        (void)new_sems(1, 0600);
        MUST(semctl(0, 0, IPC_INFO, ARG_INFO(&info)));
        const int index = (int)MUST(semctl(0, 0, SEM_INFO, ARG_INFO(&info)));
        MUST(semctl(index, 0, SEM_STAT, ARG_BUF(&ds)));
        MUST(semctl(index, 0, SEM_STAT_ANY, ARG_BUF(&ds)));
        EACH_ROW(row, rows) {
                FAILS_WITH(semctl_info_efault, EFAULT, semctl(0, 0, IPC_INFO, ARG_INFO(row->info)));
                FAILS_WITH(semctl_info_efault, EFAULT, semctl(0, 0, SEM_INFO, ARG_INFO(row->info)));
                FAILS_WITH(semctl_stat_idx_efault, EFAULT, semctl(index, 0, SEM_STAT, ARG_BUF(row->ds)));
                FAILS_WITH(semctl_stat_idx_efault, EFAULT, semctl(index, 0, SEM_STAT_ANY, ARG_BUF(row->ds)));
        }
}
