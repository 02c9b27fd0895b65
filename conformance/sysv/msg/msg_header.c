/* SPDX-License-Identifier: MIT
 *
 * <sys/msg.h>: its constants, types, structure and prototypes, the names that it makes visible, and whether its struct
 * msqid_ds is the kernel's.
 */
#include <limits.h>

#include "ipck_header.h"
#include "ipck_msg.h"

TEST(type_of_the_number_of_messages, VERIFIES(sys_msg_h_msgqnum_t), ONE_ROUTE)
{
        HOLDS(sys_msg_h_msgqnum_t, IS_INTEGER((msgqnum_t)0));
        HOLDS(sys_msg_h_msgqnum_t, (msgqnum_t)-1 > 0);
        HOLDS(sys_msg_h_msgqnum_t, (msgqnum_t)-1 >= USHRT_MAX);
        HOLDS(sys_msg_h_msgqnum_t, !have_names() || visible(msg_names, "msgqnum_t"));
}

TEST(type_of_the_number_of_bytes, VERIFIES(sys_msg_h_msglen_t), ONE_ROUTE)
{
        HOLDS(sys_msg_h_msglen_t, IS_INTEGER((msglen_t)0));
        HOLDS(sys_msg_h_msglen_t, (msglen_t)-1 > 0);
        HOLDS(sys_msg_h_msglen_t, (msglen_t)-1 >= USHRT_MAX);
        HOLDS(sys_msg_h_msglen_t, !have_names() || visible(msg_names, "msglen_t"));
}

TEST(flag_is_a_constant, VERIFIES(sys_msg_h_noerror), ONE_ROUTE)
{
        HOLDS(sys_msg_h_noerror, IS_CONSTANT(MSG_NOERROR));
        HOLDS(sys_msg_h_noerror, MSG_NOERROR != 0);
        HOLDS(sys_msg_h_noerror, !have_names() || visible(msg_names, "MSG_NOERROR"));
}

TEST(msqid_ds_has_the_members, VERIFIES(sys_msg_h_msqid_ds_members), ONE_ROUTE)
{
        HOLDS(sys_msg_h_msqid_ds_members, MEMBER_IS(struct msqid_ds, msg_perm, struct ipc_perm));
        HOLDS(sys_msg_h_msqid_ds_members, MEMBER_IS(struct msqid_ds, msg_qnum, msgqnum_t));
        HOLDS(sys_msg_h_msqid_ds_members, MEMBER_IS(struct msqid_ds, msg_qbytes, msglen_t));
        HOLDS(sys_msg_h_msqid_ds_members, MEMBER_IS(struct msqid_ds, msg_lspid, pid_t));
        HOLDS(sys_msg_h_msqid_ds_members, MEMBER_IS(struct msqid_ds, msg_lrpid, pid_t));
        HOLDS(sys_msg_h_msqid_ds_members, MEMBER_IS(struct msqid_ds, msg_stime, time_t));
        HOLDS(sys_msg_h_msqid_ds_members, MEMBER_IS(struct msqid_ds, msg_rtime, time_t));
        HOLDS(sys_msg_h_msqid_ds_members, MEMBER_IS(struct msqid_ds, msg_ctime, time_t));
}

TEST(msqid_ds_shows_no_list, VERIFIES(sys_msg_h_msqid_ds_no_list), ONE_ROUTE)
{
        need_names();
        /* The names of members are in the list, too. */
        REQUIRE(visible(msg_names, "msg_qnum"));
        HOLDS(sys_msg_h_msqid_ds_no_list, !visible(msg_names, "msg_first"));
        HOLDS(sys_msg_h_msqid_ds_no_list, !visible(msg_names, "msg_last"));
}

TEST(msgbuf_is_left_to_the_program, VERIFIES(sys_msg_h_msgbuf_own), ONE_ROUTE)
{
        need_names();
        HOLDS(sys_msg_h_msgbuf_own, !visible(msg_names, "msgbuf"));
}

TEST(functions_are_declared, VERIFIES(sys_msg_h_protos), ONE_ROUTE)
{
        HOLDS(sys_msg_h_protos, FUNCTION_IS(msgctl, int(int, int, struct msqid_ds *)));
        HOLDS(sys_msg_h_protos, FUNCTION_IS(msgget, int(key_t, int)));
        HOLDS(sys_msg_h_protos, FUNCTION_IS(msgrcv, ssize_t(int, void *, size_t, long, int)));
        HOLDS(sys_msg_h_protos, FUNCTION_IS(msgsnd, int(int, const void *, size_t, int)));
        HOLDS(sys_msg_h_protos, !have_names() || visible(msg_names, "msgctl"));
        HOLDS(sys_msg_h_protos, !have_names() || visible(msg_names, "msgget"));
        HOLDS(sys_msg_h_protos, !have_names() || visible(msg_names, "msgrcv"));
        HOLDS(sys_msg_h_protos, !have_names() || visible(msg_names, "msgsnd"));
}

TEST(types_are_defined, VERIFIES(sys_msg_h_types), ONE_ROUTE)
{
        need_names();
        HOLDS(sys_msg_h_types, visible(msg_names, "pid_t"));
        HOLDS(sys_msg_h_types, visible(msg_names, "size_t"));
        HOLDS(sys_msg_h_types, visible(msg_names, "ssize_t"));
        HOLDS(sys_msg_h_types, visible(msg_names, "time_t"));
}

TEST(ipc_header_is_visible_too, VERIFIES(sys_msg_h_includes_ipc), ONE_ROUTE)
{
        need_names();
        EACH_ROW(name, ipc_specified)
                HOLDS(sys_msg_h_includes_ipc, visible(msg_names, name->name));
        /* How it keeps itself from being included twice is its own business. */
        EACH_ROW(name, ipc_names)
                HOLDS(sys_msg_h_includes_ipc, name->name[0] == '_' || visible(msg_names, name->name));
}

/* ---- the kernel's structure, by the system call itself ---- */

TEST(kernel_fills_the_whole_structure, VERIFIES(sys_msg_h_layout_kernel), ONE_ROUTE)
{
        /* What lies behind it is inaccessible. */
        struct msqid_ds *ds = guarded(sizeof(*ds));
        unsigned char first[sizeof(*ds)], second[sizeof(*ds)];

        go_past_the_c_library("struct msqid_ds");
        const int queue = new_queue(0600);
        memset(ds, 0x5a, sizeof(*ds));
        EQ(sys_msg_h_layout_kernel, msgctl(queue, IPC_STAT, ds), 0);
        memcpy(first, ds, sizeof(first));
        memset(ds, 0xa5, sizeof(*ds));
        EQ(sys_msg_h_layout_kernel, msgctl(queue, IPC_STAT, ds), 0);
        memcpy(second, ds, sizeof(second));
        /* A byte that kept its filling is none of the kernel's. */
        HOLDS(sys_msg_h_layout_kernel, memcmp(first, second, sizeof(first)) == 0);
}

TEST(members_lie_where_the_kernel_writes, VERIFIES(sys_msg_h_layout_kernel), ONE_ROUTE, MOSTLY_WAITS)
{
        enum { SIZE = 0x11 };
        struct child sender, receiver;

        go_past_the_c_library("struct msqid_ds");
        const time_t before = now();
        const int queue = queue_must_fit(msgget(IPC_PRIVATE, 0642));
        const size_t qbytes = (size_t)msg_limits().msgmnb - 1;
        MUST(queue_set(queue, geteuid(), getegid(), 0642, qbytes));
        const time_t created = now();
        /* Three times that differ, and two processes. */
        next_second(created);
        const time_t sending = now();
        CHILD(&sender)
                for (int i = 0; i < 5; i++)
                        MUST(put(queue, 1, SIZE, IPC_NOWAIT));
        join(&sender);
        const time_t sent = now();
        next_second(sent);
        const time_t receiving = now();
        CHILD(&receiver)
                MUST(take(queue, 1));
        join(&receiver);
        const time_t received = now();

        const struct msqid_ds ds = stat_of_queue(queue);
        EQ(sys_msg_h_layout_kernel, ds.msg_perm.mode & 07777, 0642);
        EQ(sys_msg_h_layout_kernel, ds.msg_qnum, 4);
        EQ(sys_msg_h_layout_kernel, ds.msg_cbytes, 4 * SIZE);
        EQ(sys_msg_h_layout_kernel, ds.msg_qbytes, qbytes);
        EQ(sys_msg_h_layout_kernel, ds.msg_lspid, sender.pid);
        EQ(sys_msg_h_layout_kernel, ds.msg_lrpid, receiver.pid);
        BETWEEN(sys_msg_h_layout_kernel, before, ds.msg_ctime, created);
        BETWEEN(sys_msg_h_layout_kernel, sending, ds.msg_stime, sent);
        BETWEEN(sys_msg_h_layout_kernel, receiving, ds.msg_rtime, received);
}

TEST(owners_lie_where_the_kernel_writes, VERIFIES(sys_msg_h_layout_kernel), ONE_ROUTE)
{
        /* More than 16 bits, all bytes different. */
        enum { OWNER = 0x00012345, OWNER_GROUP = 0x00026789, CREATOR = 0x0003abcd, CREATOR_GROUP = 0x0004ef10 };
        int *queue = shared(sizeof(*queue));
        struct child creator;

        go_past_the_c_library("struct msqid_ds");
        CHILD(&creator) {
                become(CREATOR, CREATOR_GROUP, NULL, 0);
                *queue = new_queue(0600);
                set_queue_owner(*queue, OWNER, OWNER_GROUP, 0642);
                const struct msqid_ds ds = stat_of_queue(*queue);
                EQ(sys_msg_h_layout_kernel, ds.msg_perm.uid, OWNER);
                EQ(sys_msg_h_layout_kernel, ds.msg_perm.gid, OWNER_GROUP);
                EQ(sys_msg_h_layout_kernel, ds.msg_perm.cuid, CREATOR);
                EQ(sys_msg_h_layout_kernel, ds.msg_perm.cgid, CREATOR_GROUP);
                EQ(sys_msg_h_layout_kernel, ds.msg_perm.mode & 07777, 0642);
        }
        join(&creator);
}
