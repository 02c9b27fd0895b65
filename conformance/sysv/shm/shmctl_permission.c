/* SPDX-License-Identifier: MIT
 *
 * shmctl(): which commands need read permission, which ownership, and which nothing. SHM_LOCK and SHM_UNLOCK are in
 * shmctl_lock.c.
 */
#include <grp.h>
#include <linux/capability.h>

#include "ipck_shm.h"

/* ---- reading ---- */

TEST(description_needs_read_permission_alone, VERIFIES(shmctl_stat_eacces))
{
        const int without = new_segment(1, 0600), with = new_segment(1, 0600);
        struct shmid_ds ds;

        drop_all_capabilities();
        MUST(shmctl(without, IPC_STAT, &ds));
        set_segment_mode(without, 0377);
        set_segment_mode(with, 0400);
        FAILS_WITH(shmctl_stat_eacces, EACCES, shmctl(without, IPC_STAT, &ds));
        EQ(shmctl_stat_eacces, shmctl(with, IPC_STAT, &ds), 0);
}

TEST(stranger_needs_the_permission_of_others, VERIFIES(shmctl_stat_eacces))
{
        static const struct {
                const char *name;
                uid_t user;
                gid_t group;
                int mode;
                bool granted;
        } rows[] = {
                {"others, with", USER_C, GROUP_C, 0004, true},    {"others, without", USER_C, GROUP_C, 0773, false},
                {"group, with", USER_C, GROUP_A, 0040, true},     {"group, without", USER_C, GROUP_A, 0737, false},
                {"creator, with", USER_A, GROUP_A, 0400, true},   {"creator, without", USER_A, GROUP_A, 0377, false},
        };

        EACH_ROW(row, rows) {
                int *const segment = shared(sizeof(*segment));
                struct child creator, reader;

                CHILD(&creator) {
                        become(USER_A, GROUP_A, NULL, 0);
                        *segment = new_segment(1, row->mode);
                }
                join(&creator);
                CHILD(&reader) {
                        struct shmid_ds ds;

                        become(row->user, row->group, NULL, 0);
                        if (row->granted)
                                EQ(shmctl_stat_eacces, shmctl(*segment, IPC_STAT, &ds), 0);
                        else
                                FAILS_WITH(shmctl_stat_eacces, EACCES, shmctl(*segment, IPC_STAT, &ds));
                }
                join(&reader);
        }
}

/* What SHM_STAT takes in place of an identifier; looked up while the segment can be read. */
static int index_of(int segment)
{
        struct shm_info info;
        const int highest = (int)MUST(shmctl(0, SHM_INFO, &info));
        struct shmid_ds ds;
        int i = 0;

        while (i <= highest && shmctl(i, SHM_STAT, &ds) != segment)
                i++;
        REQUIRE(i <= highest);
        return i;
}

static void need_stat_any(int index)
{
        struct shmid_ds ds;

        if (shmctl(index, SHM_STAT_ANY, &ds) == -1 && errno == EINVAL)
                UNSUPPORTED("SHM_STAT_ANY");
}

static void expect_stat_any(int segment, int index, size_t size, uid_t owner, int mode)
{
        struct shmid_ds ds;

        FAILS_WITH(shmctl_stat_any, EACCES, shmctl(index, SHM_STAT, &ds));
        memset(&ds, 0x5a, sizeof(ds));
        EQ(shmctl_stat_any, shmctl(index, SHM_STAT_ANY, &ds), segment);
        EQ(shmctl_stat_any, ds.shm_perm.mode, mode);
        EQ(shmctl_stat_any, ds.shm_perm.uid, owner);
        EQ(shmctl_stat_any, ds.shm_segsz, size);
        EQ(shmctl_stat_any, ds.shm_nattch, 0);
}

TEST(stat_any_needs_no_permission, VERIFIES(shmctl_stat_any))
{
        struct shmid_ds ds;

        /* Far from index equal to identifier, and from index 0. */
        burn_segment_ids(70);
        (void)new_segment(1, 0600);
        const int segment = new_segment(3, 0600), index = index_of(segment);

        need_stat_any(index);
        drop_all_capabilities();
        EQ(shmctl_stat_any, shmctl(index, SHM_STAT, &ds), segment);
        set_segment_mode(segment, 0377);
        expect_stat_any(segment, index, 3, geteuid(), 0377);
}

TEST(stat_any_serves_strangers, VERIFIES(shmctl_stat_any))
{
        const int segment = new_segment_of(USER_A, 7, 0604), index = index_of(segment);
        struct child child;

        need_stat_any(index);
        CHILD(&child) {
                as_user(USER_A);
                set_segment_mode(segment, 0600);
        }
        join(&child);
        CHILD(&child) {
                as_user(USER_B);
                expect_stat_any(segment, index, 7, USER_A, 0600);
        }
        join(&child);
}

/* ---- changing and removing ---- */

/* Created by USER_A of GROUP_A, then given to USER_B of GROUP_B. */
static int new_gift(int mode)
{
        int *const segment = shared(sizeof(*segment));
        struct child creator;

        CHILD(&creator) {
                become(USER_A, GROUP_A, NULL, 0);
                *segment = new_segment(1, 0600);
                set_segment_owner(*segment, USER_B, GROUP_B, mode);
        }
        join(&creator);
        return *segment;
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
        {"owner by real and saved ID", {USER_B, USER_C, USER_B}, GROUP_C, false},
        {"creator by real and saved ID", {USER_A, USER_C, USER_A}, GROUP_C, false},
};

static void be(const struct person *p)
{
        MUST(setgroups(0, NULL));
        MUST(setresgid(p->group, p->group, p->group));
        MUST(setresuid(p->user.real, p->user.effective, p->user.saved));
        drop_all_capabilities();
}

TEST(ipc_set_is_for_owner_and_creator, VERIFIES(shmctl_set_eperm, perm_shm_set_owner, perm_shm_set_creator))
{
        struct child child;

        EACH_ROW(p, people) {
                const enum ipck_requirement allowed = p->user.effective == USER_A ? perm_shm_set_creator
                                                                                  : perm_shm_set_owner;
                /* All the permissions that a mode can grant. */
                const int segment = new_gift(0777);

                CHILD(&child) {
                        be(p);
                        const struct segment_view before = view_of_segment(segment);

                        if (p->may) {
                                EQ(allowed, segment_set(segment, USER_B, GROUP_B, 0646), 0);
                                EQ(shmctl_set_eperm, stat_of_segment(segment).shm_perm.mode, 0646);
                        } else {
                                FAILS_WITH(shmctl_set_eperm, EPERM, segment_set(segment, USER_B, GROUP_B, 0646));
                                FAILS_WITH(shmctl_set_eperm, EPERM, segment_set(segment, USER_C, GROUP_B, 0777));
                                FAILS_WITH(shmctl_set_eperm, EPERM, segment_set(segment, USER_B, GROUP_B, 0777));
                                const struct segment_view after = view_of_segment(segment);
                                HOLDS(shmctl_set_eperm, same_segment_view(&before, &after));
                        }
                }
                join(&child);
        }
}

TEST(ipc_rmid_is_for_owner_and_creator,
     VERIFIES(shmctl_rmid_eperm, perm_shm_rmid_owner, shmctl_rmid_by_creator_after_chown))
{
        struct child child;

        EACH_ROW(p, people) {
                const enum ipck_requirement allowed = p->user.effective == USER_A ? shmctl_rmid_by_creator_after_chown
                                                                                  : perm_shm_rmid_owner;
                const int segment = new_gift(0777);

                CHILD(&child) {
                        be(p);
                        if (p->may) {
                                EQ(allowed, shmctl(segment, IPC_RMID, NULL), 0);
                                EQ(shmctl_rmid_eperm, nattch(segment), -1);
                        } else {
                                FAILS_WITH(shmctl_rmid_eperm, EPERM, shmctl(segment, IPC_RMID, NULL));
                                /* Neither removed nor marked. */
                                EQ(shmctl_rmid_eperm, stat_of_segment(segment).shm_perm.mode, 0777);
                        }
                }
                join(&child);
        }
}

TEST(refusal_of_ownership_is_eperm_whatever_the_mode, VERIFIES(shmctl_set_eperm, shmctl_rmid_eperm))
{
        const int segment = new_gift(0);
        struct child child;

        CHILD(&child) {
                become(USER_C, GROUP_C, NULL, 0);
                FAILS_WITH(shmctl_set_eperm, EPERM, segment_set(segment, USER_B, GROUP_B, 0646));
                FAILS_WITH(shmctl_rmid_eperm, EPERM, shmctl(segment, IPC_RMID, NULL));
        }
        join(&child);
        CHILD(&child) {
                become(USER_B, GROUP_C, NULL, 0);
                EQ(shmctl_set_eperm, segment_set(segment, USER_B, GROUP_B, 0646), 0);
                EQ(shmctl_rmid_eperm, shmctl(segment, IPC_RMID, NULL), 0);
        }
        join(&child);
}

TEST(owner_needs_no_permission, VERIFIES(shmctl_set_eperm, shmctl_rmid_eperm))
{
        const int segment = new_segment(1, 0), doomed = new_segment(1, 0);

        drop_all_capabilities();
        EQ(shmctl_set_eperm, segment_set(segment, geteuid(), getegid(), 0640), 0);
        EQ(shmctl_set_eperm, stat_of_segment(segment).shm_perm.mode, 0640);
        EQ(shmctl_rmid_eperm, shmctl(doomed, IPC_RMID, NULL), 0);
        EQ(shmctl_rmid_eperm, nattch(doomed), -1);
}

TEST(privilege_stands_in_for_ownership, VERIFIES(shmctl_set_eperm, shmctl_rmid_eperm))
{
        const int segment = new_gift(0), other = new_gift(0);
        struct child child;

        if (!has_capability(CAP_SYS_ADMIN))
                UNSUPPORTED("CAP_SYS_ADMIN");
        drop_other_capabilities(CAP_SYS_ADMIN);
        CHILD(&child) {
                drop_all_capabilities();
                FAILS_WITH(shmctl_set_eperm, EPERM, segment_set(segment, USER_B, GROUP_B, 0644));
                FAILS_WITH(shmctl_rmid_eperm, EPERM, shmctl(other, IPC_RMID, NULL));
        }
        join(&child);
        EQ(shmctl_set_eperm, segment_set(segment, USER_B, GROUP_B, 0644), 0);
        EQ(shmctl_rmid_eperm, shmctl(other, IPC_RMID, NULL), 0);
}
