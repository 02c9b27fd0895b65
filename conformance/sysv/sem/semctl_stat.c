/* SPDX-License-Identifier: MIT
 *
 * semctl() IPC_STAT: what it stores, and where it does not.
 */
#include "ipck_sem.h"

/* ---- members ---- */

TEST(new_set_is_described, VERIFIES(semctl_stat_fields))
{
        static const struct {
                const char *name;
                int nsems, mode;
        } rows[] = {{"1 semaphore", 1, 0400}, {"2 semaphores", 2, 0666}, {"7 semaphores", 7, 0641},
                    {"200 semaphores", 200, 0724}, {"all permissions", 3, 0777}};

        EACH_ROW(row, rows) {
                const time_t earliest = now();
                int set = new_sems(row->nsems, row->mode);
                const time_t latest = now();
                struct semid_ds ds;

                memset(&ds, 0x5a, sizeof(ds));
                EQ(semctl_stat_fields, semctl(set, 0, IPC_STAT, ARG_BUF(&ds)), 0);
                EQ(semctl_stat_fields, ds.sem_perm.uid, geteuid());
                EQ(semctl_stat_fields, ds.sem_perm.gid, getegid());
                EQ(semctl_stat_fields, ds.sem_perm.cuid, geteuid());
                EQ(semctl_stat_fields, ds.sem_perm.cgid, getegid());
                EQ(semctl_stat_fields, ds.sem_perm.mode & 0777, row->mode);
                EQ(semctl_stat_fields, ds.sem_nsems, row->nsems);
                EQ(semctl_stat_fields, ds.sem_otime, 0);
                BETWEEN(semctl_stat_fields, earliest, ds.sem_ctime, latest);
        }
}

TEST(four_user_and_group_ids_are_told_apart, VERIFIES(semctl_stat_fields))
{
        struct child creator;

        CHILD(&creator) {
                become(USER_A, GROUP_A, NULL, 0);
                int set = new_sems(1, 0600);
                struct semid_ds ds;

                /* A creator keeps the rights of an owner. */
                set_owner(set, USER_B, GROUP_B, 0640);
                memset(&ds, 0x5a, sizeof(ds));
                EQ(semctl_stat_fields, semctl(set, 0, IPC_STAT, ARG_BUF(&ds)), 0);
                EQ(semctl_stat_fields, ds.sem_perm.uid, USER_B);
                EQ(semctl_stat_fields, ds.sem_perm.gid, GROUP_B);
                EQ(semctl_stat_fields, ds.sem_perm.cuid, USER_A);
                EQ(semctl_stat_fields, ds.sem_perm.cgid, GROUP_A);
                EQ(semctl_stat_fields, ds.sem_perm.mode & 0777, 0640);
        }
        join(&creator);
}

TEST(description_follows_changes, VERIFIES(semctl_stat_fields))
{
        int other = new_sems(5, 0644), set = new_sems(3, 0600);
        struct semid_ds ds = stat_of(set);
        const time_t created = ds.sem_ctime;

        const time_t earliest = now();
        MUST(SEMOP(set, OP(2, 1, 0)));
        const time_t latest = now();
        memset(&ds, 0x5a, sizeof(ds));
        EQ(semctl_stat_fields, semctl(set, 0, IPC_STAT, ARG_BUF(&ds)), 0);
        BETWEEN(semctl_stat_fields, earliest, ds.sem_otime, latest);
        EQ(semctl_stat_fields, ds.sem_ctime, created);

        set_mode(set, 0751);
        memset(&ds, 0x5a, sizeof(ds));
        EQ(semctl_stat_fields, semctl(set, 0, IPC_STAT, ARG_BUF(&ds)), 0);
        EQ(semctl_stat_fields, ds.sem_perm.mode & 0777, 0751);
        EQ(semctl_stat_fields, ds.sem_nsems, 3);

        memset(&ds, 0x5a, sizeof(ds));
        EQ(semctl_stat_fields, semctl(other, 0, IPC_STAT, ARG_BUF(&ds)), 0);
        EQ(semctl_stat_fields, ds.sem_otime, 0);
        EQ(semctl_stat_fields, ds.sem_perm.mode & 0777, 0644);
        EQ(semctl_stat_fields, ds.sem_nsems, 5);
}

TEST(reserved_members_are_zero, VERIFIES(semctl_stat_padding_zero))
{
        union {
                struct semid_ds ds;
                unsigned char bytes[sizeof(struct semid_ds)];
        } stored;
        const key_t key = fresh_key();

        burn_sem_ids(150);
        int set = (int)MUST(semget(key, 3, IPC_CREAT | 0642));
        MUST(SEMOP(set, OP(0, 1, 0)));
        memset(&stored, 0x5a, sizeof(stored));
        MUST(semctl(set, 0, IPC_STAT, ARG_BUF(&stored.ds)));
        REQUIRE(stored.ds.sem_perm.__key == key);
        /* What remains after the members with a meaning are taken away. */
        stored.ds.sem_perm.__key = 0;
        stored.ds.sem_perm.__seq = 0;
        stored.ds.sem_perm.uid = stored.ds.sem_perm.cuid = 0;
        stored.ds.sem_perm.gid = stored.ds.sem_perm.cgid = 0;
        stored.ds.sem_perm.mode = 0;
        stored.ds.sem_nsems = 0;
        stored.ds.sem_otime = stored.ds.sem_ctime = 0;
        EQ(semctl_stat_padding_zero, first_other(stored.bytes, sizeof(stored), 0), -1);
}

/* ---- memory ---- */

TEST(nothing_is_stored_around_the_structure, VERIFIES(semctl_stat_fields))
{
        enum { BEFORE = 32 };
        unsigned char *memory = guarded(BEFORE + sizeof(struct semid_ds));
        struct semid_ds *ds = (void *)(memory + BEFORE);
        int set = new_sems(3, 0600);

        memset(memory, 0x5a, BEFORE + sizeof(*ds));
        EQ(semctl_stat_fields, semctl(set, 0, IPC_STAT, ARG_BUF(ds)), 0);
        EQ(semctl_stat_fields, ds->sem_nsems, 3);
        EQ(semctl_stat_fields, first_other(memory, BEFORE, 0x5a), -1);
}

TEST(stat_into_bad_memory_fails, VERIFIES(semctl_stat_efault))
{
        const struct {
                const char *name;
                struct semid_ds *ds;
        } rows[] = {
                {"inaccessible page", bad_address()}, {"read-only page", read_only_page()}, {"null pointer", NULL},
                {"room for the structure but its last word", guarded(sizeof(struct semid_ds) - sizeof(long))},
        };
        int set = new_sems(3, 0600);
        struct semid_ds good;

        if (ipck_route == IPCK_LIBC && sizeof(long) < 8)
                UNSUPPORTED("a C library that leaves the structure to the kernel (a 32-bit one touches it itself)");
        EQ(semctl_stat_efault, semctl(set, 0, IPC_STAT, ARG_BUF(&good)), 0);
        EACH_ROW(row, rows)
                FAILS_WITH(semctl_stat_efault, EFAULT, semctl(set, 0, IPC_STAT, ARG_BUF(row->ds)));
}

TEST(nsems_is_an_unsigned_short, VERIFIES(semctl_stat_nsems_type), ONE_ROUTE)
{
        struct semid_ds ds = {.sem_nsems = 0};

        HOLDS(semctl_stat_nsems_type, _Generic(ds.sem_nsems, unsigned short: true, default: false));
}
