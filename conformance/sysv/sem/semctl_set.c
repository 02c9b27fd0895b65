/* SPDX-License-Identifier: MIT
 *
 * semctl() IPC_SET: which members it takes over, which it does not, and what it refuses.
 */
#include <linux/capability.h>

#include "ipck_sem.h"

/* ---- owner and group ---- */

TEST(creator_and_owner_set_the_owner, VERIFIES(semctl_set_uid))
{
        int *set = shared(sizeof(*set));
        struct child creator, owner;

        CHILD(&creator) {
                become(USER_A, GROUP_A, NULL, 0);
                *set = new_sems(1, 0644);
                EQ(semctl_set_uid, ipc_set(*set, USER_B, GROUP_A, 0644), 0);
                const struct semid_ds ds = stat_of(*set);
                EQ(semctl_set_uid, ds.sem_perm.uid, USER_B);
                EQ(semctl_set_uid, ds.sem_perm.cuid, USER_A);
                EQ(semctl_set_uid, ds.sem_perm.gid, GROUP_A);
        }
        join(&creator);
        CHILD(&owner) {
                become(USER_B, GROUP_B, NULL, 0);
                EQ(semctl_set_uid, ipc_set(*set, USER_C, GROUP_A, 0644), 0);
                const struct semid_ds ds = stat_of(*set);
                EQ(semctl_set_uid, ds.sem_perm.uid, USER_C);
                EQ(semctl_set_uid, ds.sem_perm.cuid, USER_A);
                EQ(semctl_set_uid, ds.sem_perm.gid, GROUP_A);
        }
        join(&owner);
}

TEST(creator_and_owner_set_the_group, VERIFIES(semctl_set_gid))
{
        int *set = shared(sizeof(*set));
        struct child creator, owner;

        CHILD(&creator) {
                become(USER_A, GROUP_A, NULL, 0);
                *set = new_sems(1, 0644);
                EQ(semctl_set_gid, ipc_set(*set, USER_B, GROUP_B, 0644), 0);
                const struct semid_ds ds = stat_of(*set);
                EQ(semctl_set_gid, ds.sem_perm.gid, GROUP_B);
                EQ(semctl_set_gid, ds.sem_perm.cgid, GROUP_A);
        }
        join(&creator);
        CHILD(&owner) {
                become(USER_B, GROUP_C, NULL, 0);
                EQ(semctl_set_gid, ipc_set(*set, USER_B, GROUP_C, 0644), 0);
                const struct semid_ds ds = stat_of(*set);
                EQ(semctl_set_gid, ds.sem_perm.gid, GROUP_C);
                EQ(semctl_set_gid, ds.sem_perm.cgid, GROUP_A);
                EQ(semctl_set_gid, ds.sem_perm.uid, USER_B);
        }
        join(&owner);
}

/* ---- mode ---- */

TEST(set_takes_nine_permission_bits, VERIFIES(semctl_set_mode))
{
        static const struct {
                const char *name;
                int before, given;
        } rows[] = {
                {"0600 to 0777", 0600, 0777}, {"0777 to 0400", 0777, 0400}, {"0400 to 0652", 0400, 0652},
                {"0652 to 0525", 0652, 0525}, {"0600 to 0000", 0600, 0}, {"0400 to 0124", 0400, 0124},
                {"0600 to 0241", 0600, 0241}, {"0600 to 0177640", 0600, 0177640},
        };

        EACH_ROW(row, rows) {
                /* Who has just lost read permission could not look. */
                if (!(row->given & 0400) && !has_capability(CAP_IPC_OWNER))
                        continue;
                int set = new_sems(1, row->before);

                EQ(semctl_set_mode, ipc_set(set, geteuid(), getegid(), row->given), 0);
                EQ(semctl_set_mode, stat_of(set).sem_perm.mode & 0777, row->given & 0777);
        }
}

/* ---- what stays ---- */

TEST(set_leaves_values_and_times_of_operations, VERIFIES(semctl_set_values_untouched))
{
        static const unsigned short values[3] = {7, 0, 9};
        int used = new_sems(3, 0600), unused = new_sems(2, 0600);
        struct child operator;

        set_all(used, values);
        CHILD(&operator)
                MUST(SEMOP(used, OP(0, 1, 0), OP(1, 5, 0)));
        join(&operator);
        const struct sem_view used_before = view_of(used), unused_before = view_of(unused);
        REQUIRE(used_before.otime != 0 && unused_before.otime == 0 && used_before.sem[0].pid != getpid());

        EQ(semctl_set_values_untouched, ipc_set(used, geteuid(), getegid(), 0640), 0);
        EQ(semctl_set_values_untouched, ipc_set(unused, geteuid(), getegid(), 0640), 0);

        const struct sem_view used_after = view_of(used), unused_after = view_of(unused);
        for (int i = 0; i < 3; i++) {
                EQ(semctl_set_values_untouched, used_after.sem[i].val, used_before.sem[i].val);
                EQ(semctl_set_values_untouched, used_after.sem[i].pid, used_before.sem[i].pid);
        }
        EQ(semctl_set_values_untouched, used_after.otime, used_before.otime);
        EQ(semctl_set_values_untouched, used_after.nsems, 3);
        /* The operation above may have been in this second: that otime is not set to the present shows here. */
        EQ(semctl_set_values_untouched, unused_after.otime, 0);
        EQ(semctl_set_values_untouched, unused_after.nsems, 2);
        EQ(semctl_set_values_untouched, unused_after.sem[0].pid, unused_before.sem[0].pid);
}

TEST(set_does_not_wake_or_change_waiters, VERIFIES(semctl_set_values_untouched))
{
        int set = new_sems(1, 0600);
        struct child waiter;

        CHILD(&waiter)
                EQ(semctl_set_values_untouched, SEMOP(set, OP(0, -1, 0)), 0);
        UNTIL(NCNT(set, 0) == 1);
        EQ(semctl_set_values_untouched, ipc_set(set, geteuid(), getegid(), 0640), 0);
        EQ(semctl_set_values_untouched, NCNT(set, 0), 1);
        MUST(SEMOP(set, OP(0, 1, 0)));
        EVENTUALLY(semctl_set_values_untouched, returned(&waiter));
        join(&waiter);
        EQ(semctl_set_values_untouched, VAL(set, 0), 0);
}

/* ---- ids that cannot be ---- */

TEST(ids_of_minus_one_are_refused, VERIFIES(semctl_set_einval_baduid), MOSTLY_WAITS)
{
        const uid_t uid = geteuid();
        const gid_t gid = getegid();
        const struct {
                const char *name;
                uid_t uid;
                gid_t gid;
        } rows[] = {{"uid -1", (uid_t)-1, gid}, {"gid -1", uid, (gid_t)-1}, {"both -1", (uid_t)-1, (gid_t)-1}};
        int set = new_sems(2, 0600);

        set_val(set, 1, 5);
        MUST(SEMOP(set, OP(0, 3, 0)));
        const struct sem_view before = view_of(set);
        next_second(before.ctime);
        EACH_ROW(row, rows) {
                FAILS_WITH(semctl_set_einval_baduid, EINVAL, ipc_set(set, row->uid, row->gid, 0640));
                const struct sem_view after = view_of(set);
                HOLDS(semctl_set_einval_baduid, same_view(&before, &after));
        }
        EQ(semctl_set_einval_baduid, ipc_set(set, uid, gid, 0640), 0);
}

TEST(ids_without_a_mapping_are_refused, VERIFIES(semctl_set_einval_baduid))
{
        int set = new_sems(1, 0600);
        struct child guest;

        const struct sem_view before = view_of(set);
        CHILD(&guest) {
                enter_user_namespace(5, 6);
                const struct {
                        const char *name;
                        uid_t uid;
                        gid_t gid;
                } rows[] = {{"uid without mapping", 7, 6}, {"gid without mapping", 5, 7}, {"uid -1", (uid_t)-1, 6},
                            {"gid -1", 5, (gid_t)-1}};
                EACH_ROW(row, rows) {
                        FAILS_WITH(semctl_set_einval_baduid, EINVAL, ipc_set(set, row->uid, row->gid, 0644));
                }
        }
        join(&guest);
        const struct sem_view after = view_of(set);
        HOLDS(semctl_set_einval_baduid, same_view(&before, &after));
        CHILD(&guest) {
                enter_user_namespace(5, 6);
                EQ(semctl_set_einval_baduid, ipc_set(set, 5, 6, 0644), 0);
        }
        join(&guest);
        EQ(semctl_set_einval_baduid, stat_of(set).sem_perm.mode & 0777, 0644);
}

/* ---- memory ---- */

TEST(set_from_bad_memory_has_no_effect, VERIFIES(semctl_set_efault), MOSTLY_WAITS)
{
        /* How much of it a system reads is its own affair, but the owner it must read. */
        void *cut = guarded(sizeof(int));
        const struct {
                const char *name;
                struct semid_ds *ds;
        } rows[] = {
                {"inaccessible page", bad_address()}, {"null pointer", NULL}, {"first word of the structure", cut},
        };
        int set = new_sems(2, 0600);

        if (ipck_route == IPCK_LIBC && sizeof(long) < 8)
                UNSUPPORTED("a C library that leaves the structure to the kernel (a 32-bit one touches it itself)");
        const struct semid_ds ds = stat_of(set);
        memcpy(cut, &ds, sizeof(int));
        set_val(set, 1, 5);
        const struct sem_view before = view_of(set);
        next_second(before.ctime);
        EACH_ROW(row, rows) {
                FAILS_WITH(semctl_set_efault, EFAULT, semctl(set, 0, IPC_SET, ARG_BUF(row->ds)));
                const struct sem_view after = view_of(set);
                HOLDS(semctl_set_efault, same_view(&before, &after));
        }
        EQ(semctl_set_efault, ipc_set(set, geteuid(), getegid(), 0640), 0);
}
