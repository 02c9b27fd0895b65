/* SPDX-License-Identifier: MIT
 *
 * msgctl() IPC_SET: which members it takes over, which it does not, and what it refuses. msg_qbytes has a file of its
 * own, msgctl_bytes.c.
 */
#include <linux/capability.h>

#include "ipck_msg.h"

/* A msg_qbytes that any owner may set. */
enum { FEW = 77 };

/* ---- owner and group ---- */

TEST(creator_and_owner_set_the_owner, VERIFIES(msgctl_set_uid))
{
        int *queue = shared(sizeof(*queue));
        struct child creator, owner;

        CHILD(&creator) {
                become(USER_A, GROUP_A, NULL, 0);
                *queue = new_queue(0644);
                EQ(msgctl_set_uid, queue_set(*queue, USER_B, GROUP_A, 0644, FEW), 0);
                const struct msqid_ds ds = stat_of_queue(*queue);
                EQ(msgctl_set_uid, ds.msg_perm.uid, USER_B);
                EQ(msgctl_set_uid, ds.msg_perm.cuid, USER_A);
                EQ(msgctl_set_uid, ds.msg_perm.gid, GROUP_A);
        }
        join(&creator);
        CHILD(&owner) {
                become(USER_B, GROUP_B, NULL, 0);
                EQ(msgctl_set_uid, queue_set(*queue, USER_C, GROUP_A, 0644, FEW), 0);
                const struct msqid_ds ds = stat_of_queue(*queue);
                EQ(msgctl_set_uid, ds.msg_perm.uid, USER_C);
                EQ(msgctl_set_uid, ds.msg_perm.cuid, USER_A);
                EQ(msgctl_set_uid, ds.msg_perm.gid, GROUP_A);
        }
        join(&owner);
}

TEST(creator_and_owner_set_the_group, VERIFIES(msgctl_set_gid))
{
        int *queue = shared(sizeof(*queue));
        struct child creator, owner;

        CHILD(&creator) {
                become(USER_A, GROUP_A, NULL, 0);
                *queue = new_queue(0644);
                EQ(msgctl_set_gid, queue_set(*queue, USER_B, GROUP_B, 0644, FEW), 0);
                const struct msqid_ds ds = stat_of_queue(*queue);
                EQ(msgctl_set_gid, ds.msg_perm.gid, GROUP_B);
                EQ(msgctl_set_gid, ds.msg_perm.cgid, GROUP_A);
        }
        join(&creator);
        CHILD(&owner) {
                become(USER_B, GROUP_C, NULL, 0);
                EQ(msgctl_set_gid, queue_set(*queue, USER_B, GROUP_C, 0644, FEW), 0);
                const struct msqid_ds ds = stat_of_queue(*queue);
                EQ(msgctl_set_gid, ds.msg_perm.gid, GROUP_C);
                EQ(msgctl_set_gid, ds.msg_perm.cgid, GROUP_A);
                EQ(msgctl_set_gid, ds.msg_perm.uid, USER_B);
        }
        join(&owner);
}

/* ---- mode ---- */

TEST(set_takes_nine_permission_bits, VERIFIES(msgctl_set_mode))
{
        const bool sees_all = has_capability(CAP_IPC_OWNER);
        const int queue = new_queue(0600);

        for (int mode = 0; mode <= 0777; mode++) {
                /* Who has just lost read permission could not look. */
                if (!(mode & 0400) && !sees_all)
                        continue;
                EQ(msgctl_set_mode, queue_set(queue, geteuid(), getegid(), mode, FEW), 0);
                EQ(msgctl_set_mode, stat_of_queue(queue).msg_perm.mode & 0777, mode);
        }
}

TEST(set_takes_no_bit_above_the_permissions, VERIFIES(msgctl_set_mode_high_ignored))
{
        static const struct {
                const char *name;
                mode_t above;
        } rows[] = {
                {"01000", 01000}, {"02000", 02000}, {"04000", 04000}, {"0100000", 0100000}, {"all of 16 bits", 0177000},
                {"all", ~(mode_t)0777},
        };
        const int queue = new_queue(0600);
        struct msqid_ds ds = stat_of_queue(queue);
        const mode_t above = ds.msg_perm.mode & ~(mode_t)0777;

        EACH_ROW(row, rows) {
                ds.msg_perm.mode = (row->above | 0642);
                EQ(msgctl_set_mode_high_ignored, msgctl(queue, IPC_SET, &ds), 0);
                EQ(msgctl_set_mode_high_ignored, stat_of_queue(queue).msg_perm.mode, (above | 0642));
                /* Nor does it take one away. */
                ds.msg_perm.mode = 0600;
                EQ(msgctl_set_mode_high_ignored, msgctl(queue, IPC_SET, &ds), 0);
                EQ(msgctl_set_mode_high_ignored, stat_of_queue(queue).msg_perm.mode, (above | 0600));
        }
}

/* ---- what stays ---- */

/* The members that IPC_SET does not take over, and the messages, are as before. */
static void expect_rest_unchanged(int queue, const struct queue_view *before)
{
        const struct queue_view after = view_of_queue(queue);

        EQ(msgctl_set_others_unchanged, after.cuid, before->cuid);
        EQ(msgctl_set_others_unchanged, after.cgid, before->cgid);
        EQ(msgctl_set_others_unchanged, after.qnum, before->qnum);
        EQ(msgctl_set_others_unchanged, after.cbytes, before->cbytes);
        EQ(msgctl_set_others_unchanged, after.lspid, before->lspid);
        EQ(msgctl_set_others_unchanged, after.lrpid, before->lrpid);
        EQ(msgctl_set_others_unchanged, after.stime, before->stime);
        EQ(msgctl_set_others_unchanged, after.rtime, before->rtime);
}

TEST(set_leaves_the_other_members, VERIFIES(msgctl_set_others_unchanged), MOSTLY_WAITS)
{
        static const struct {
                const char *name;
                unsigned char filling;
        } rows[] = {{"zeros", 0}, {"0x5a", 0x5a}, {"ones", 0xff}};
        const int queue = new_queue(0600);
        struct child operator;

        CHILD(&operator) {
                post(queue, 1, "one");
                post(queue, 2, "two");
                post(queue, 3, "three");
                MUST(take(queue, 2));
        }
        join(&operator);
        const struct queue_view before = view_of_queue(queue);
        REQUIRE(before.stime && before.rtime && before.lspid != getpid() && before.lrpid != getpid());
        /* A stamp set to the present must show. */
        next_second(before.rtime);
        EACH_ROW(row, rows) {
                struct msqid_ds ds;

                memset(&ds, row->filling, sizeof(ds));
                ds.msg_perm.uid = geteuid();
                ds.msg_perm.gid = getegid();
                ds.msg_perm.mode = 0640;
                ds.msg_qbytes = FEW;
                EQ(msgctl_set_others_unchanged, msgctl(queue, IPC_SET, &ds), 0);
                EQ(msgctl_set_others_unchanged, stat_of_queue(queue).msg_qbytes, FEW);
                expect_rest_unchanged(queue, &before);
        }
        EQ(msgctl_set_others_unchanged, take(queue, 0), 1);
        EQ(msgctl_set_others_unchanged, take(queue, 0), 3);
}

TEST(set_leaves_the_creator, VERIFIES(msgctl_set_others_unchanged))
{
        const int queue = new_queue(0600);
        const struct queue_view before = view_of_queue(queue);
        struct msqid_ds ds = stat_of_queue(queue);

        ds.msg_perm.cuid = ds.msg_perm.cuid == USER_A ? USER_B : USER_A;
        ds.msg_perm.cgid = ds.msg_perm.cgid == GROUP_A ? GROUP_B : GROUP_A;
        ds.msg_perm.mode = 0640;
        EQ(msgctl_set_others_unchanged, msgctl(queue, IPC_SET, &ds), 0);
        EQ(msgctl_set_others_unchanged, stat_of_queue(queue).msg_perm.mode & 0777, 0640);
        expect_rest_unchanged(queue, &before);
}

TEST(set_leaves_other_queues, VERIFIES(msgctl_set_others_unchanged))
{
        const int below = new_queue(0600), queue = new_queue(0600), above = new_queue(0600);
        const struct queue_view of_below = view_of_queue(below), of_above = view_of_queue(above);

        EQ(msgctl_set_others_unchanged, queue_set(queue, geteuid(), getegid(), 0640, FEW), 0);
        const struct queue_view below_after = view_of_queue(below), above_after = view_of_queue(above);
        HOLDS(msgctl_set_others_unchanged, same_queue_view(&of_below, &below_after));
        HOLDS(msgctl_set_others_unchanged, same_queue_view(&of_above, &above_after));
}

/* ---- ids that cannot be ---- */

TEST(ids_of_minus_one_are_refused, VERIFIES(msgctl_set_einval_baduid), MOSTLY_WAITS)
{
        const uid_t uid = geteuid();
        const gid_t gid = getegid();
        const struct {
                const char *name;
                uid_t uid;
                gid_t gid;
        } rows[] = {{"uid -1", (uid_t)-1, gid}, {"gid -1", uid, (gid_t)-1}, {"both -1", (uid_t)-1, (gid_t)-1}};
        const int queue = new_queue(0600);

        post(queue, 7, "kept");
        const struct queue_view before = view_of_queue(queue);
        next_second(before.stime);
        EACH_ROW(row, rows) {
                /* With a lower msg_qbytes, which must not be taken over alone. */
                FAILS_WITH(msgctl_set_einval_baduid, EINVAL, queue_set(queue, row->uid, row->gid, 0640, FEW));
                const struct queue_view after = view_of_queue(queue);
                HOLDS(msgctl_set_einval_baduid, same_queue_view(&before, &after));
        }
        EQ(msgctl_set_einval_baduid, queue_set(queue, uid, gid, 0640, FEW), 0);
}

TEST(ids_without_a_mapping_are_refused, VERIFIES(msgctl_set_einval_baduid))
{
        const int queue = new_queue(0600);
        struct child guest;

        const struct queue_view before = view_of_queue(queue);
        CHILD(&guest) {
                enter_user_namespace(5, 6);
                const struct {
                        const char *name;
                        uid_t uid;
                        gid_t gid;
                } rows[] = {{"uid without mapping", 7, 6}, {"gid without mapping", 5, 7}, {"uid -1", (uid_t)-1, 6},
                            {"gid -1", 5, (gid_t)-1}};
                EACH_ROW(row, rows)
                        FAILS_WITH(msgctl_set_einval_baduid, EINVAL, queue_set(queue, row->uid, row->gid, 0644, FEW));
        }
        join(&guest);
        const struct queue_view after = view_of_queue(queue);
        HOLDS(msgctl_set_einval_baduid, same_queue_view(&before, &after));
        CHILD(&guest) {
                enter_user_namespace(5, 6);
                EQ(msgctl_set_einval_baduid, queue_set(queue, 5, 6, 0644, FEW), 0);
        }
        join(&guest);
        EQ(msgctl_set_einval_baduid, stat_of_queue(queue).msg_perm.mode & 0777, 0644);
}

/* ---- memory ---- */

TEST(set_from_bad_memory_has_no_effect, VERIFIES(msgctl_set_efault), MOSTLY_WAITS)
{
        /* How much of it a system reads is its own affair, but the owner and msg_qbytes it must read. */
        void *cut = guarded(sizeof(int)), *up_to_qbytes = guarded(offsetof(struct msqid_ds, msg_qbytes));
        const struct {
                const char *name;
                struct msqid_ds *ds;
        } rows[] = {
                {"inaccessible page", bad_address()}, {"null pointer", NULL}, {"first word of the structure", cut},
                {"what stands before msg_qbytes", up_to_qbytes},
        };
        const int queue = new_queue(0600), gone = new_queue(0600);

        if (ipck_route == IPCK_LIBC && sizeof(long) < 8)
                UNSUPPORTED("a C library that leaves the structure to the kernel (a 32-bit one touches it itself)");
        struct msqid_ds ds = stat_of_queue(queue);
        memcpy(cut, &ds, sizeof(int));
        memcpy(up_to_qbytes, &ds, offsetof(struct msqid_ds, msg_qbytes));
        MUST(msgctl(gone, IPC_RMID, NULL));
        const struct queue_view before = view_of_queue(queue);
        next_second(before.ctime);
        REQUIRE(msgctl(gone, IPC_SET, &ds) == -1 && errno == EINVAL);
        EACH_ROW(row, rows) {
                FAILS_WITH(msgctl_set_efault, EFAULT, msgctl(queue, IPC_SET, row->ds));
                const struct queue_view after = view_of_queue(queue);
                HOLDS(msgctl_set_efault, same_queue_view(&before, &after));
                FAILS_WITH(msgctl_set_efault, EFAULT, msgctl(gone, IPC_SET, row->ds));
        }
        EQ(msgctl_set_efault, msgctl(queue, IPC_SET, &ds), 0);
}
