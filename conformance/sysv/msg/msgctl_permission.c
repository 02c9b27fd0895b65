/* SPDX-License-Identifier: MIT
 *
 * msgctl(): which commands need read permission, which ownership, and whom a privilege puts in the owner's place.
 */
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>

#include "ipck_msg.h"

/* A msg_qbytes that any owner may set. */
enum { FEW = 77 };

/* ---- IPC_STAT ---- */

TEST(description_needs_read_permission_alone, VERIFIES(msgctl_stat_eacces))
{
        static const struct {
                const char *name;
                int without, with;
        } rows[] = {{"0377 and 0400", 0377, 0400}, {"0200 and 0600", 0200, 0600}, {"0 and 0777", 0, 0777}};
        const int queue = new_queue(0600);
        struct msqid_ds ds;

        drop_all_capabilities();
        EACH_ROW(row, rows) {
                MUST(queue_set(queue, geteuid(), getegid(), row->with, FEW));
                EQ(msgctl_stat_eacces, msgctl(queue, IPC_STAT, &ds), 0);
                MUST(queue_set(queue, geteuid(), getegid(), row->without, FEW));
                FAILS_WITH(msgctl_stat_eacces, EACCES, msgctl(queue, IPC_STAT, &ds));
        }
}

TEST(stranger_needs_the_permissions_of_others, VERIFIES(msgctl_stat_eacces))
{
        const int unreadable = new_queue_of(USER_A, 0773), readable = new_queue_of(USER_A, 0004);
        struct child child;

        CHILD(&child) {
                struct msqid_ds ds;

                as_user(USER_B);
                EQ(msgctl_stat_eacces, msgctl(readable, IPC_STAT, &ds), 0);
                FAILS_WITH(msgctl_stat_eacces, EACCES, msgctl(unreadable, IPC_STAT, &ds));
        }
        join(&child);
}

/* ---- IPC_SET and IPC_RMID: owner and creator ---- */

TEST(owner_needs_no_permission_to_change_the_queue, VERIFIES(msgctl_set_mode_not_needed))
{
        const int queue = new_queue(0);
        struct msqid_ds ds;

        drop_all_capabilities();
        REQUIRE(msgctl(queue, IPC_STAT, &ds) == -1 && errno == EACCES);
        REQUIRE(put(queue, 1, 1, IPC_NOWAIT) == -1 && errno == EACCES);
        EQ(msgctl_set_mode_not_needed, queue_set(queue, geteuid(), getegid(), 0640, FEW), 0);
        EQ(msgctl_set_mode_not_needed, stat_of_queue(queue).msg_perm.mode & 0777, 0640);
        EQ(msgctl_set_mode_not_needed, put(queue, 1, 1, IPC_NOWAIT), 0);
}

/* Created by USER_A of GROUP_A, then given to USER_B of GROUP_B. */
static int new_gift(int mode)
{
        int *const queue = shared(sizeof(*queue));
        struct child creator;

        CHILD(&creator) {
                become(USER_A, GROUP_A, NULL, 0);
                *queue = new_queue(0600);
                set_queue_owner(*queue, USER_B, GROUP_B, mode);
        }
        join(&creator);
        return *queue;
}

static const struct person {
        const char *name;
        struct {
                unsigned real, effective, saved;
        } user;
        gid_t group;
        enum { OWNER, CREATOR, NEITHER } is;
} people[] = {
        {"owner", {USER_B, USER_B, USER_B}, GROUP_C, OWNER},
        {"creator", {USER_A, USER_A, USER_A}, GROUP_C, CREATOR},
        {"owning group", {USER_C, USER_C, USER_C}, GROUP_B, NEITHER},
        {"creating group", {USER_C, USER_C, USER_C}, GROUP_A, NEITHER},
        {"stranger", {USER_C, USER_C, USER_C}, GROUP_C, NEITHER},
        {"owner by effective ID", {USER_C, USER_B, USER_C}, GROUP_C, OWNER},
        {"creator by effective ID", {USER_C, USER_A, USER_C}, GROUP_C, CREATOR},
        {"owner by real ID", {USER_B, USER_C, USER_C}, GROUP_C, NEITHER},
        {"creator by real ID", {USER_A, USER_C, USER_C}, GROUP_C, NEITHER},
        {"owner by saved ID", {USER_C, USER_C, USER_B}, GROUP_C, NEITHER},
        {"creator by saved ID", {USER_C, USER_C, USER_A}, GROUP_C, NEITHER},
};

static void be(const struct person *p)
{
        MUST(setgroups(0, NULL));
        MUST(setresgid(p->group, p->group, p->group));
        MUST(setresuid(p->user.real, p->user.effective, p->user.saved));
        drop_all_capabilities();
}

TEST(ipc_set_is_for_owner_and_creator,
     VERIFIES(msgctl_set_by_owner, msgctl_set_by_creator, msgctl_set_eperm_other, msgctl_set_eperm_no_effect))
{
        static const enum ipck_requirement rows[] = {
                [OWNER] = msgctl_set_by_owner, [CREATOR] = msgctl_set_by_creator, [NEITHER] = msgctl_set_eperm_other,
        };
        struct child child;

        EACH_ROW(p, people) {
                const enum ipck_requirement req = rows[p->is];
                /* All the permissions that a mode can grant. */
                const int queue = new_gift(0777);

                CHILD(&child) {
                        be(p);
                        const struct queue_view before = view_of_queue(queue);
                        const size_t fewer = before.qbytes - 1;

                        if (p->is != NEITHER) {
                                EQ(req, queue_set(queue, USER_B, GROUP_B, 0646, fewer), 0);
                                EQ(req, stat_of_queue(queue).msg_perm.mode & 0777, 0646);
                                EQ(req, stat_of_queue(queue).msg_qbytes, fewer);
                        } else {
                                FAILS_WITH(req, EPERM, queue_set(queue, USER_B, GROUP_B, 0646, fewer));
                                FAILS_WITH(req, EPERM, queue_set(queue, USER_C, GROUP_B, 0777, fewer + 1));
                                FAILS_WITH(req, EPERM, queue_set(queue, USER_B, GROUP_C, 0777, fewer + 1));
                                FAILS_WITH(req, EPERM, queue_set(queue, USER_B, GROUP_B, 0777, fewer + 1));
                                const struct queue_view after = view_of_queue(queue);
                                HOLDS(msgctl_set_eperm_no_effect, same_queue_view(&before, &after));
                        }
                }
                join(&child);
                MUST(msgctl(queue, IPC_RMID, NULL));
        }
}

TEST(ipc_rmid_is_for_owner_and_creator,
     VERIFIES(msgctl_rmid_eperm, perm_msg_rmid_owner, msgctl_rmid_by_creator_after_chown))
{
        static const enum ipck_requirement rows[] = {
                [OWNER] = perm_msg_rmid_owner, [CREATOR] = msgctl_rmid_by_creator_after_chown,
                [NEITHER] = msgctl_rmid_eperm,
        };
        struct child child;

        EACH_ROW(p, people) {
                const enum ipck_requirement req = rows[p->is];
                const int queue = new_gift(0777);

                CHILD(&child) {
                        be(p);
                        post(queue, 7, "kept");
                        const struct queue_view before = view_of_queue(queue);

                        if (p->is != NEITHER) {
                                struct msqid_ds ds;
                                EQ(req, msgctl(queue, IPC_RMID, NULL), 0);
                                EQ(req, msgctl(queue, IPC_STAT, &ds), -1);
                        } else {
                                FAILS_WITH(req, EPERM, msgctl(queue, IPC_RMID, NULL));
                                const struct queue_view after = view_of_queue(queue);
                                HOLDS(req, same_queue_view(&before, &after));
                                EQ(req, take(queue, 0), 7);
                        }
                }
                join(&child);
        }
}

TEST(refusal_of_ownership_is_eperm_whatever_the_mode, VERIFIES(msgctl_set_eperm_other, msgctl_rmid_eperm))
{
        const int queue = new_gift(0);
        struct child child;

        CHILD(&child) {
                become(USER_C, GROUP_C, NULL, 0);
                FAILS_WITH(msgctl_set_eperm_other, EPERM, queue_set(queue, USER_B, GROUP_B, 0646, FEW));
                FAILS_WITH(msgctl_rmid_eperm, EPERM, msgctl(queue, IPC_RMID, NULL));
        }
        join(&child);
        CHILD(&child) {
                become(USER_B, GROUP_C, NULL, 0);
                EQ(msgctl_set_eperm_other, queue_set(queue, USER_B, GROUP_B, 0646, FEW), 0);
                EQ(msgctl_rmid_eperm, msgctl(queue, IPC_RMID, NULL), 0);
        }
        join(&child);
}

TEST(former_owner_is_a_stranger, VERIFIES(msgctl_set_eperm_other, msgctl_rmid_eperm, msgctl_set_by_creator,
                                          msgctl_rmid_by_creator_after_chown))
{
        const int queue = new_gift(0644);
        struct child child;

        CHILD(&child) {
                become(USER_B, GROUP_C, NULL, 0);
                EQ(msgctl_set_eperm_other, queue_set(queue, USER_C, GROUP_B, 0777, FEW), 0);
                FAILS_WITH(msgctl_set_eperm_other, EPERM, queue_set(queue, USER_B, GROUP_B, 0777, FEW));
                FAILS_WITH(msgctl_rmid_eperm, EPERM, msgctl(queue, IPC_RMID, NULL));
                EQ(msgctl_set_eperm_other, stat_of_queue(queue).msg_perm.uid, USER_C);
        }
        join(&child);
        CHILD(&child) {
                become(USER_A, GROUP_C, NULL, 0);
                EQ(msgctl_set_by_creator, queue_set(queue, USER_B, GROUP_B, 0646, FEW), 0);
                EQ(msgctl_rmid_by_creator_after_chown, msgctl(queue, IPC_RMID, NULL), 0);
        }
        join(&child);
}

/* ---- IPC_SET and IPC_RMID: privilege ---- */

static void expect_refusal(int queue)
{
        FAILS_WITH(msgctl_rmid_cap_sys_admin, EPERM, queue_set(queue, USER_A, USER_A, 0644, FEW));
        FAILS_WITH(msgctl_rmid_cap_sys_admin, EPERM, msgctl(queue, IPC_RMID, NULL));
        EQ(msgctl_rmid_cap_sys_admin, stat_of_queue(queue).msg_perm.mode & 0777, 0666);
}

TEST(sys_admin_changes_and_removes_queues_of_others, VERIFIES(msgctl_rmid_cap_sys_admin))
{
        const int queue = new_queue_of(USER_A, 0666);
        struct child child;
        struct msqid_ds ds;

        if (!has_capability(CAP_SYS_ADMIN))
                UNSUPPORTED("CAP_SYS_ADMIN");
        CHILD(&child) {
                drop_capability(CAP_SYS_ADMIN);
                expect_refusal(queue);
        }
        join(&child);
        CHILD(&child) {
                /* Access is no ownership. Without the capability there is nothing else left that could help. */
                drop_other_capabilities(CAP_IPC_OWNER);
                expect_refusal(queue);
        }
        join(&child);

        drop_other_capabilities(CAP_SYS_ADMIN);
        EQ(msgctl_rmid_cap_sys_admin, queue_set(queue, USER_A, USER_A, 0644, FEW), 0);
        EQ(msgctl_rmid_cap_sys_admin, stat_of_queue(queue).msg_perm.mode & 0777, 0644);
        EQ(msgctl_rmid_cap_sys_admin, msgctl(queue, IPC_RMID, NULL), 0);
        EQ(msgctl_rmid_cap_sys_admin, msgctl(queue, IPC_STAT, &ds), -1);
}

TEST(sys_admin_of_an_inner_user_namespace_changes_nothing, VERIFIES(msgctl_rmid_cap_sys_admin))
{
        const int queue = new_queue_of(USER_A, 0666);
        struct child child;

        CHILD(&child) {
                if (unshare(CLONE_NEWUSER) == -1)
                        UNSUPPORTED("a user namespace inside (%s)", errno_name(errno));
                REQUIRE(has_capability(CAP_SYS_ADMIN));
                expect_refusal(queue);
        }
        join(&child);
        EQ(msgctl_rmid_cap_sys_admin, stat_of_queue(queue).msg_perm.mode & 0777, 0666);
}
