/* SPDX-License-Identifier: MIT
 *
 * semget(): when a new set comes into being, and what it looks like then.
 */
#include <grp.h>
#include <limits.h>
#include <sys/stat.h>

#include "ipck_sem.h"

TEST(identifiers_are_not_negative, VERIFIES(semget_ret_nonneg))
{
        const key_t key = fresh_key();

        BETWEEN(semget_ret_nonneg, 0, MUST(semget(key, 1, IPC_CREAT | 0600)), INT_MAX);
        BETWEEN(semget_ret_nonneg, 0, MUST(semget(key, 1, 0600)), INT_MAX);
        /* More than the 64 that Linux hands out before identifiers carry a sequence number. */
        for (int i = 0; i < 200; i++) {
                const int set = (int)MUST(semget(IPC_PRIVATE, 1, 0600));

                BETWEEN(semget_ret_nonneg, 0, set, INT_MAX);
                semctl(set, 0, IPC_RMID);
        }
}

TEST(private_key_makes_a_new_set, VERIFIES(semget_create_private))
{
        static const struct {
                const char *name;
                int flags;
        } rows[] = {
                {"no flag", 0600},
                {"IPC_CREAT", IPC_CREAT | 0600},
                {"no flag again", 0600},
                {"IPC_CREAT and IPC_EXCL", IPC_CREAT | IPC_EXCL | 0600},
        };
        int older = new_sems(3, 0600);

        EACH_ROW(row, rows) {
                set_val(older, 1, 7);
                const struct sem_view before = view_of(older);
                int set;

                EQ(semget_create_private, worked(set = semget(IPC_PRIVATE, 2, row->flags)), 0);
                if (set == -1)
                        continue;
                HOLDS(semget_create_private, set != older);
                EQ(semget_create_private, stat_of(set).sem_nsems, 2);
                set_val(set, 1, 9);
                const struct sem_view after = view_of(older);
                HOLDS(semget_create_private, same_view(&before, &after));
                MUST(semctl(older, 0, IPC_RMID));
                older = set;
        }
}

TEST(creat_makes_a_set_under_its_key, VERIFIES(semget_create_key_creat))
{
        const key_t key = fresh_key();
        int set;

        REQUIRE(semget(key, 0, 0) == -1);
        EQ(semget_create_key_creat, worked(set = semget(key, 3, IPC_CREAT | 0600)), 0);
        EQ(semget_create_key_creat, semget(key, 0, 0), set);
        EQ(semget_create_key_creat, stat_of(set).sem_nsems, 3);
        for (int bit = 0; bit < 32; bit++) {
                const key_t other = (key_t)((uint32_t)key ^ UINT32_C(1) << bit);

                if (other != IPC_PRIVATE)
                        FAILS_WITH(semget_create_key_creat, ENOENT, semget(other, 0, 0));
        }
}

TEST(creator_and_owner_are_the_effective_ids, VERIFIES(semget_init_cuid_uid, semget_init_cgid_gid))
{
        /* Real, effective and saved differ: only one of the three can be right. */
        if (setgroups(0, NULL) == -1 || setresgid(GROUP_A, GROUP_B, GROUP_C) == -1 ||
            setresuid(USER_A, USER_B, USER_C) == -1)
                UNSUPPORTED("other users and groups (%s)", errno_name(errno));
        /* Readable by all: another owner than promised must be seen, not get in the way. */
        const struct semid_ds ds = stat_of(new_sems(1, 0666));

        EQ(semget_init_cuid_uid, ds.sem_perm.cuid, USER_B);
        EQ(semget_init_cuid_uid, ds.sem_perm.uid, USER_B);
        EQ(semget_init_cgid_gid, ds.sem_perm.cgid, GROUP_B);
        EQ(semget_init_cgid_gid, ds.sem_perm.gid, GROUP_B);
}

static void check_mode(int mode)
{
        static const mode_t masks[] = {0, 0022, 0777};

        for (size_t i = 0; i < sizeof(masks) / sizeof(*masks); i++) {
                umask(masks[i]);
                const int private = (int)MUST(semget(IPC_PRIVATE, 1, mode));
                const int keyed = (int)MUST(semget(fresh_key(), 1, IPC_CREAT | IPC_EXCL | mode));
                EQ(semget_init_mode, stat_of(private).sem_perm.mode & 0777, mode);
                EQ(semget_init_mode, stat_of(keyed).sem_perm.mode & 0777, mode);
                MUST(semctl(private, 0, IPC_RMID));
                MUST(semctl(keyed, 0, IPC_RMID));
        }
}

TEST(mode_is_that_of_the_flags, VERIFIES(semget_init_mode))
{
        static const struct {
                const char *name;
                int mode;
        } rows[] = {{"0400", 0400}, {"0600", 0600}, {"0421", 0421}, {"0642", 0642}, {"0555", 0555}, {"0777", 0777}};

        EACH_ROW(row, rows)
                check_mode(row->mode);
}

TEST(mode_without_read_permission_is_kept, VERIFIES(semget_init_mode))
{
        static const struct {
                const char *name;
                int mode;
        } rows[] = {{"0000", 0}, {"0200", 0200}, {"0044", 0044}, {"0111", 0111}};
        const int closed = (int)MUST(semget(IPC_PRIVATE, 1, 0));
        struct semid_ds ds;

        if (semctl(closed, 0, IPC_STAT, ARG_BUF(&ds)) == -1 && errno == EACCES)
                UNSUPPORTED("privilege to read a set of mode 0");
        EACH_ROW(row, rows)
                check_mode(row->mode);
}

TEST(size_is_as_asked, VERIFIES(semget_init_nsems))
{
        static const struct {
                const char *name;
                int nsems;
        } rows[] = {{"one", 1}, {"two", 2}, {"seventeen", 17}, {"three hundred", 300}};

        EACH_ROW(row, rows) {
                const int set = new_sems(row->nsems, 0600);

                EQ(semget_init_nsems, stat_of(set).sem_nsems, row->nsems);
                EQ(semget_init_nsems, semctl(set, row->nsems - 1, SETVAL, ARG_VAL(1)), 0);
                FAILS_WITH(semget_init_nsems, EINVAL, semctl(set, row->nsems, SETVAL, ARG_VAL(1)));
        }
}

TEST(times_of_a_new_set, VERIFIES(semget_init_otime0, semget_init_ctime))
{
        /* Memory of a set that had an otime may be used again. */
        const int old = new_sems(1, 0600);
        MUST(SEMOP(old, OP(0, 1, 0)));
        REQUIRE(stat_of(old).sem_otime != 0);
        MUST(semctl(old, 0, IPC_RMID));

        const time_t before = now();
        const int set = new_sems(1, 0600);
        const time_t after = now();
        const struct semid_ds ds = stat_of(set);

        EQ(semget_init_otime0, ds.sem_otime, 0);
        BETWEEN(semget_init_ctime, before, ds.sem_ctime, after);
}

TEST(values_start_at_zero, VERIFIES(semget_init_values_zero))
{
        enum { COUNT = 300 };
        const int set = new_sems(COUNT, 0600);
        unsigned short all[COUNT];

        memset(all, 0x5a, sizeof(all));
        get_all(set, all);
        for (int i = 0; i < COUNT; i++) {
                EQ(semget_init_values_zero, all[i], 0);
                EQ(semget_init_values_zero, VAL(set, i), 0);
        }
}

TEST(values_of_a_removed_set_do_not_come_back, VERIFIES(semget_init_values_zero_after_reuse))
{
        static const struct {
                const char *name;
                int nsems;
        } rows[] = {{"one semaphore", 1}, {"a few", 5}, {"more than a page of them", 200}};
        unsigned short ones[200], all[200];

        for (int i = 0; i < 200; i++)
                ones[i] = (unsigned short)(0x5a00 + i);
        EACH_ROW(row, rows)
                /* Which memory is used again, and when, is up to the kernel. */
                for (int round = 0; round < 20; round++) {
                        const int old = new_sems(row->nsems, 0600);
                        set_all(old, ones);
                        MUST(semctl(old, 0, IPC_RMID));

                        const int set = new_sems(row->nsems, 0600);
                        memset(all, 0x5a, sizeof(all));
                        get_all(set, all);
                        for (int i = 0; i < row->nsems; i++)
                                EQ(semget_init_values_zero_after_reuse, all[i], 0);
                        MUST(semctl(set, 0, IPC_RMID));
                }
}

TEST(nobody_was_there_before, VERIFIES(semget_init_sempid0))
{
        enum { COUNT = 4 };

        for (int round = 0; round < 20; round++) {
                const int set = new_sems(COUNT, 0600);

                for (int i = 0; i < COUNT; i++) {
                        EQ(semget_init_sempid0, PID(set, i), 0);
                        EQ(semget_init_sempid0, NCNT(set, i), 0);
                        EQ(semget_init_sempid0, ZCNT(set, i), 0);
                }
                /* Leave a pid in the memory for the next round. */
                MUST(SEMOP(set, OP(0, 1, 0), OP(1, 1, 0), OP(2, 1, 0), OP(3, 1, 0)));
                REQUIRE(PID(set, 3) == getpid());
                MUST(semctl(set, 0, IPC_RMID));
        }
}
