/* SPDX-License-Identifier: MIT
 *
 * Message queues as programs of before Linux 2.4 see them.
 */
#include "ipck_msg.h"
#include "ipck_old.h"

/* struct msqid_ds of <linux/msg.h>. */
struct old_queue {
        struct old_perm perm;
        uint32_t first, last;
        int32_t stime, rtime, ctime;
        uint32_t lcbytes, lqbytes;
        uint16_t cbytes, qnum, qbytes, lspid, lrpid;
};

/* Whoever stores more than the structure gets EFAULT. */
static struct old_queue old_stat(enum ipck_requirement requirement, int queue)
{
        struct old_queue *const old = guarded(sizeof(*old));

        memset(old, 0x5a, sizeof(*old));
        EQ(requirement, worked(old_msgctl(queue, KERNEL_IPC_STAT, old)), 0);
        return *old;
}

TEST(structure_shows_the_queue, VERIFIES(ipc_old_msg_stat), ONE_ROUTE, MOSTLY_WAITS)
{
        need_old_ipc();
        const key_t key = fresh_key();
        const int queue = MUST(msgget(key, IPC_CREAT | 0640));

        set_queue_bytes(queue, 1000);
        next_second(stat_of_queue(queue).msg_ctime);
        MUST(put(queue, 1, 30, 0));
        MUST(put(queue, 1, 7, 0));
        next_second(stat_of_queue(queue).msg_stime);
        MUST(take(queue, 1));
        const struct msqid_ds present = stat_of_queue(queue);
        const struct old_queue old = old_stat(ipc_old_msg_stat, queue);
        EQ(ipc_old_msg_stat, old.perm.key, key);
        EQ(ipc_old_msg_stat, old.perm.uid, old_uid(present.msg_perm.uid));
        EQ(ipc_old_msg_stat, old.perm.gid, old_gid(present.msg_perm.gid));
        EQ(ipc_old_msg_stat, old.perm.cuid, old_uid(present.msg_perm.cuid));
        EQ(ipc_old_msg_stat, old.perm.cgid, old_gid(present.msg_perm.cgid));
        EQ(ipc_old_msg_stat, old.perm.mode, 0640);
        EQ(ipc_old_msg_stat, old.stime, present.msg_stime);
        EQ(ipc_old_msg_stat, old.rtime, present.msg_rtime);
        EQ(ipc_old_msg_stat, old.ctime, present.msg_ctime);
        EQ(ipc_old_msg_stat, old.cbytes, 7);
        EQ(ipc_old_msg_stat, old.qnum, 1);
        EQ(ipc_old_msg_stat, old.qbytes, 1000);
        EQ(ipc_old_msg_stat, old.lspid, (uint16_t)present.msg_lspid);
        EQ(ipc_old_msg_stat, old.lrpid, (uint16_t)present.msg_lrpid);
}

TEST(structure_shows_32_bits_of_sizes, VERIFIES(ipc_old_msg_stat_large), ONE_ROUTE)
{
        enum { MANY = UINT16_MAX + 10, SIZE = 8000, ROOM = 200000 };

        need_old_ipc();
        set_sysctl("kernel/msgmnb", "200000");
        const int queue = new_queue(0600);
        MUST(put(queue, 1, SIZE, 0));
        const struct old_queue little = old_stat(ipc_old_msg_stat_large, queue);
        EQ(ipc_old_msg_stat_large, little.cbytes, SIZE);
        EQ(ipc_old_msg_stat_large, little.lcbytes, SIZE);
        EQ(ipc_old_msg_stat_large, little.qnum, 1);
        EQ(ipc_old_msg_stat_large, little.qbytes, UINT16_MAX);
        EQ(ipc_old_msg_stat_large, little.lqbytes, ROOM);
        for (int i = 0; i < MANY; i++)
                MUST(put(queue, 1, 1, IPC_NOWAIT));
        const struct old_queue much = old_stat(ipc_old_msg_stat_large, queue);
        EQ(ipc_old_msg_stat_large, much.cbytes, UINT16_MAX);
        EQ(ipc_old_msg_stat_large, much.lcbytes, SIZE + MANY);
        EQ(ipc_old_msg_stat_large, much.qnum, UINT16_MAX);
}

TEST(set_takes_mode_and_size, VERIFIES(ipc_old_msg_set, ipc_old_msg_set_large), ONE_ROUTE)
{
        static const struct {
                const char *name;
                enum ipck_requirement requirement;
                uint16_t qbytes;
                uint32_t lqbytes;
                size_t wanted;
        } rows[] = {
                {"16 bits", ipc_old_msg_set, 123, 0, 123},
                {"16 bits beside 32", ipc_old_msg_set, 321, 456, 321},
                {"32 bits", ipc_old_msg_set_large, 0, 77, 77},
                {"more than 16 bits", ipc_old_msg_set_large, 0, 70000, 70000},
        };

        need_old_ipc();
        set_sysctl("kernel/msgmnb", "200000");
        EACH_ROW(row, rows) {
                const int queue = new_queue(0600);
                struct old_queue old = old_stat(row->requirement, queue);

                old.perm.mode = 0521;
                old.qbytes = row->qbytes;
                old.lqbytes = row->lqbytes;
                EQ(row->requirement, old_msgctl(queue, KERNEL_IPC_SET, &old), 0);
                const struct msqid_ds present = stat_of_queue(queue);
                EQ(row->requirement, present.msg_perm.mode, 0521);
                EQ(row->requirement, present.msg_qbytes, row->wanted);
        }
}

TEST(set_takes_the_owner, VERIFIES(ipc_old_msg_set), ONE_ROUTE)
{
        need_old_ipc();
        const int queue = new_queue(0600);

        /* The two exist here. */
        set_queue_owner(queue, USER_B, GROUP_B, 0600);
        set_queue_owner(queue, geteuid(), getegid(), 0600);
        struct old_queue old = old_stat(ipc_old_msg_set, queue);
        old.perm.uid = USER_B;
        old.perm.gid = GROUP_B;
        EQ(ipc_old_msg_set, old_msgctl(queue, KERNEL_IPC_SET, &old), 0);
        EQ(ipc_old_msg_set, stat_of_queue(queue).msg_perm.uid, USER_B);
        EQ(ipc_old_msg_set, stat_of_queue(queue).msg_perm.gid, GROUP_B);
}

TEST(large_owner_is_shown_as_another, VERIFIES(ipc_old_id_overflow), ONE_ROUTE)
{
        need_old_ipc();
        const int queue = new_queue(0600);

        set_queue_owner(queue, LARGE_UID, LARGE_GID, 0666);
        const struct old_queue old = old_stat(ipc_old_id_overflow, queue);
        EQ(ipc_old_id_overflow, old.perm.uid, old_uid(LARGE_UID));
        EQ(ipc_old_id_overflow, old.perm.gid, old_gid(LARGE_GID));
}

TEST(bad_address, VERIFIES(ipc_old_fault), ONE_ROUTE)
{
        need_old_ipc();
        const int queue = new_queue(0640);
        const struct msqid_ds before = stat_of_queue(queue);

        FAILS_WITH(ipc_old_fault, EFAULT, old_msgctl(queue, KERNEL_IPC_STAT, bad_address()));
        FAILS_WITH(ipc_old_fault, EFAULT, old_msgctl(queue, KERNEL_IPC_SET, bad_address()));
        /* What stands before the size. */
        struct old_queue old = {.perm.mode = 0600};
        void *const cut = guarded(offsetof(struct old_queue, qbytes));
        memcpy(cut, &old, offsetof(struct old_queue, qbytes));
        FAILS_WITH(ipc_old_fault, EFAULT, old_msgctl(queue, KERNEL_IPC_SET, cut));
        const struct msqid_ds after = stat_of_queue(queue);
        HOLDS(ipc_old_fault, memcmp(&before, &after, sizeof(before)) == 0);
}
