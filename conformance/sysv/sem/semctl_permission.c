/* SPDX-License-Identifier: MIT
 *
 * semctl(): which commands need read permission, which alter permission, which ownership, and which nothing.
 */
#include <grp.h>

#include "ipck_sem.h"

/* ---- commands that the mode grants or withholds ---- */

static const unsigned short original[] = {3, 4};

static int new_set(int mode)
{
        const int set = new_sems(2, 0600);

        set_all(set, original);
        set_mode(set, mode);
        return set;
}

/* What SEM_STAT takes in place of an identifier; looked up while the set can be read. */
static int index_of(int set)
{
        const int highest = (int)MUST(semctl(0, 0, IPC_INFO, ARG_INFO(&(struct seminfo){.semmsl = 0})));
        struct semid_ds ds;
        int i = 0;

        while (i <= highest && semctl(i, 0, SEM_STAT, ARG_BUF(&ds)) != set)
                i++;
        REQUIRE(i <= highest);
        return i;
}

static const struct command {
        const char *name;
        int cmd;
        enum ipck_requirement req;
} readers[] = {
        {"GETVAL", GETVAL, semctl_get_eacces_getval},    {"GETPID", GETPID, semctl_get_eacces_getpid},
        {"GETNCNT", GETNCNT, semctl_get_eacces_getncnt}, {"GETZCNT", GETZCNT, semctl_get_eacces_getzcnt},
        {"GETALL", GETALL, semctl_getall_eacces},        {"IPC_STAT", IPC_STAT, semctl_stat_eacces},
}, alterers[] = {
        {"SETVAL", SETVAL, semctl_setval_eacces},
        {"SETALL", SETALL, semctl_setall_eacces},
};

static int run(int set, const struct command *command)
{
        unsigned short values[] = {8, 9};
        struct semid_ds ds;

        switch (command->cmd) {
        case GETALL:
        case SETALL: return semctl(set, 0, command->cmd, ARG_ARRAY(values));
        case IPC_STAT: return semctl(set, 0, command->cmd, ARG_BUF(&ds));
        default: return semctl(set, 1, command->cmd, ARG_VAL(9));
        }
}

static void readers_need_permission(int without, int with)
{
        EACH_ROW(c, readers) {
                FAILS_WITH(c->req, EACCES, run(without, c));
                HOLDS(c->req, run(with, c) >= 0);
        }
}

static void alterers_need_permission(int without, int with)
{
        EACH_ROW(c, alterers) {
                FAILS_WITH(c->req, EACCES, run(without, c));
                EQ(c->req, run(with, c), 0);
        }
}

static void expect_original_values(int set)
{
        set_mode(set, 0600);
        EACH_ROW(c, alterers) {
                EQ(c->req, VAL(set, 0), original[0]);
                EQ(c->req, VAL(set, 1), original[1]);
        }
}

TEST(commands_that_read_need_read_permission_alone,
     VERIFIES(semctl_get_eacces_getval, semctl_get_eacces_getpid, semctl_get_eacces_getncnt, semctl_get_eacces_getzcnt,
              semctl_getall_eacces, semctl_stat_eacces))
{
        const int without = new_set(0377), with = new_set(0400);

        drop_all_capabilities();
        readers_need_permission(without, with);
}

TEST(commands_that_alter_need_alter_permission_alone, VERIFIES(semctl_setval_eacces, semctl_setall_eacces))
{
        const int without = new_set(0577), with = new_set(0200);

        drop_all_capabilities();
        alterers_need_permission(without, with);
        expect_original_values(without);
}

TEST(stranger_needs_the_permissions_of_others,
     VERIFIES(semctl_get_eacces_getval, semctl_get_eacces_getpid, semctl_get_eacces_getncnt, semctl_get_eacces_getzcnt,
              semctl_getall_eacces, semctl_stat_eacces, semctl_setval_eacces, semctl_setall_eacces))
{
        const int unreadable = new_sems_of(USER_A, 2, 0773, original);
        const int readable = new_sems_of(USER_A, 2, 0004, original);
        const int unalterable = new_sems_of(USER_A, 2, 0775, original);
        const int alterable = new_sems_of(USER_A, 2, 0002, original);
        struct child child;

        CHILD(&child) {
                as_user(USER_B);
                readers_need_permission(unreadable, readable);
                alterers_need_permission(unalterable, alterable);
        }
        join(&child);
        CHILD(&child) {
                as_user(USER_A);
                expect_original_values(unalterable);
        }
        join(&child);
}

TEST(stat_any_needs_no_permission, VERIFIES(semctl_stat_any))
{
        struct semid_ds ds;

        /* Far from index equal to identifier, and from index 0. */
        burn_sem_ids(70);
        new_set(0600);
        const int set = new_set(0600), index = index_of(set);

        if (semctl(index, 0, SEM_STAT_ANY, ARG_BUF(&ds)) == -1 && errno == EINVAL)
                UNSUPPORTED("SEM_STAT_ANY");
        drop_all_capabilities();
        EQ(semctl_stat_any, semctl(index, 0, SEM_STAT, ARG_BUF(&ds)), set);

        set_mode(set, 0377);
        FAILS_WITH(semctl_stat_any, EACCES, semctl(index, 0, SEM_STAT, ARG_BUF(&ds)));
        memset(&ds, 0x5a, sizeof(ds));
        EQ(semctl_stat_any, semctl(index, 0, SEM_STAT_ANY, ARG_BUF(&ds)), set);
        EQ(semctl_stat_any, ds.sem_perm.mode & 0777, 0377);
        EQ(semctl_stat_any, ds.sem_perm.uid, geteuid());
        EQ(semctl_stat_any, ds.sem_nsems, 2);
}

TEST(stat_any_serves_strangers, VERIFIES(semctl_stat_any))
{
        const int set = new_sems_of(USER_A, 2, 0604, original), index = index_of(set);
        struct semid_ds ds;
        struct child child;

        if (semctl(index, 0, SEM_STAT_ANY, ARG_BUF(&ds)) == -1 && errno == EINVAL)
                UNSUPPORTED("SEM_STAT_ANY");
        CHILD(&child) {
                as_user(USER_A);
                set_mode(set, 0600);
        }
        join(&child);
        CHILD(&child) {
                as_user(USER_B);
                FAILS_WITH(semctl_stat_any, EACCES, semctl(index, 0, SEM_STAT, ARG_BUF(&ds)));
                memset(&ds, 0x5a, sizeof(ds));
                EQ(semctl_stat_any, semctl(index, 0, SEM_STAT_ANY, ARG_BUF(&ds)), set);
                EQ(semctl_stat_any, ds.sem_perm.uid, USER_A);
                EQ(semctl_stat_any, ds.sem_nsems, 2);
        }
        join(&child);
}

/* ---- commands for owner and creator ---- */

TEST(owner_needs_no_permission_to_change_the_set, VERIFIES(semctl_set_by_owner_mode0, semctl_rmid_eperm))
{
        const int set = new_set(0), doomed = new_set(0);

        drop_all_capabilities();
        FAILS_WITH(semctl_set_by_owner_mode0, EACCES, VAL(set, 1));
        FAILS_WITH(semctl_set_by_owner_mode0, EACCES, semctl(set, 1, SETVAL, ARG_VAL(9)));
        EQ(semctl_set_by_owner_mode0, ipc_set(set, geteuid(), getegid(), 0640), 0);
        EQ(semctl_set_by_owner_mode0, stat_of(set).sem_perm.mode & 0777, 0640);
        EQ(semctl_set_by_owner_mode0, VAL(set, 1), original[1]);

        EQ(semctl_rmid_eperm, semctl(doomed, 0, IPC_RMID), 0);
        FAILS_WITH(semctl_rmid_eperm, EINVAL, VAL(doomed, 1));
}

/* Created by USER_A of GROUP_A, then given to USER_B of GROUP_B. */
static int new_gift(int mode)
{
        int *const set = shared(sizeof(*set));
        struct child creator;

        CHILD(&creator) {
                become(USER_A, GROUP_A, NULL, 0);
                *set = new_set(0600);
                set_owner(*set, USER_B, GROUP_B, mode);
        }
        join(&creator);
        return *set;
}

static const struct person {
        const char *name;
        struct {
                unsigned real, effective, saved;
        } user;
        gid_t group;
        bool may;
} people[] = {
        {"owner", {USER_B, USER_B, USER_B}, GROUP_C, true},
        {"creator", {USER_A, USER_A, USER_A}, GROUP_C, true},
        {"owning group", {USER_C, USER_C, USER_C}, GROUP_B, false},
        {"creating group", {USER_C, USER_C, USER_C}, GROUP_A, false},
        {"stranger", {USER_C, USER_C, USER_C}, GROUP_C, false},
        {"owner by effective ID", {USER_C, USER_B, USER_C}, GROUP_C, true},
        {"creator by effective ID", {USER_C, USER_A, USER_C}, GROUP_C, true},
        {"owner by real ID", {USER_B, USER_C, USER_C}, GROUP_C, false},
        {"creator by real ID", {USER_A, USER_C, USER_C}, GROUP_C, false},
        {"owner by saved ID", {USER_C, USER_C, USER_B}, GROUP_C, false},
        {"creator by saved ID", {USER_C, USER_C, USER_A}, GROUP_C, false},
};

static void be(const struct person *p)
{
        MUST(setgroups(0, NULL));
        MUST(setresgid(p->group, p->group, p->group));
        MUST(setresuid(p->user.real, p->user.effective, p->user.saved));
        drop_all_capabilities();
}

TEST(ipc_set_is_for_owner_and_creator, VERIFIES(semctl_set_eperm))
{
        struct child child;

        EACH_ROW(p, people) {
                /* All the permissions that a mode can grant. */
                const int set = new_gift(0777);

                CHILD(&child) {
                        be(p);
                        const struct sem_view before = view_of(set);

                        if (p->may) {
                                EQ(semctl_set_eperm, ipc_set(set, USER_B, GROUP_B, 0646), 0);
                                EQ(semctl_set_eperm, stat_of(set).sem_perm.mode & 0777, 0646);
                        } else {
                                FAILS_WITH(semctl_set_eperm, EPERM, ipc_set(set, USER_B, GROUP_B, 0646));
                                FAILS_WITH(semctl_set_eperm, EPERM, ipc_set(set, USER_C, GROUP_B, 0777));
                                FAILS_WITH(semctl_set_eperm, EPERM, ipc_set(set, USER_B, GROUP_C, 0777));
                                FAILS_WITH(semctl_set_eperm, EPERM, ipc_set(set, USER_B, GROUP_B, 0777));
                                const struct sem_view after = view_of(set);
                                HOLDS(semctl_set_eperm, same_view(&before, &after));
                        }
                }
                join(&child);
        }
}

TEST(ipc_rmid_is_for_owner_and_creator, VERIFIES(semctl_rmid_eperm))
{
        struct child child;

        EACH_ROW(p, people) {
                const int set = new_gift(0777);

                CHILD(&child) {
                        be(p);
                        const struct sem_view before = view_of(set);

                        if (p->may) {
                                EQ(semctl_rmid_eperm, semctl(set, 0, IPC_RMID), 0);
                                FAILS_WITH(semctl_rmid_eperm, EINVAL, VAL(set, 0));
                        } else {
                                FAILS_WITH(semctl_rmid_eperm, EPERM, semctl(set, 0, IPC_RMID));
                                const struct sem_view after = view_of(set);
                                HOLDS(semctl_rmid_eperm, same_view(&before, &after));
                        }
                }
                join(&child);
        }
}

TEST(refusal_of_ownership_is_eperm_whatever_the_mode, VERIFIES(semctl_set_eperm, semctl_rmid_eperm))
{
        const int set = new_gift(0);
        struct child child;

        CHILD(&child) {
                become(USER_C, GROUP_C, NULL, 0);
                FAILS_WITH(semctl_set_eperm, EPERM, ipc_set(set, USER_B, GROUP_B, 0646));
                FAILS_WITH(semctl_rmid_eperm, EPERM, semctl(set, 0, IPC_RMID));
        }
        join(&child);
        CHILD(&child) {
                become(USER_B, GROUP_C, NULL, 0);
                EQ(semctl_set_eperm, ipc_set(set, USER_B, GROUP_B, 0646), 0);
                EQ(semctl_rmid_eperm, semctl(set, 0, IPC_RMID), 0);
        }
        join(&child);
}

TEST(former_owner_is_a_stranger, VERIFIES(semctl_set_eperm, semctl_rmid_eperm, semctl_set_by_owner_mode0))
{
        const int set = new_gift(0);
        struct child child;

        CHILD(&child) {
                become(USER_B, GROUP_C, NULL, 0);
                EQ(semctl_set_by_owner_mode0, ipc_set(set, USER_C, GROUP_B, 0777), 0);
                FAILS_WITH(semctl_set_eperm, EPERM, ipc_set(set, USER_B, GROUP_B, 0777));
                FAILS_WITH(semctl_rmid_eperm, EPERM, semctl(set, 0, IPC_RMID));
                EQ(semctl_set_eperm, stat_of(set).sem_perm.uid, USER_C);
        }
        join(&child);
        CHILD(&child) {
                become(USER_A, GROUP_C, NULL, 0);
                EQ(semctl_set_eperm, ipc_set(set, USER_A, GROUP_B, 0646), 0);
        }
        join(&child);
        CHILD(&child) {
                become(USER_C, GROUP_C, NULL, 0);
                FAILS_WITH(semctl_rmid_eperm, EPERM, semctl(set, 0, IPC_RMID));
        }
        join(&child);
}
