/* SPDX-License-Identifier: MIT
 *
 * msgctl() IPC_STAT: what it stores, and where it does not.
 */
#include <sched.h>

#include "ipck_msg.h"

TEST(success_is_zero, VERIFIES(msgctl_ret_zero))
{
        struct msqid_ds ds;

        /* Neither identifier nor index are 0. */
        burn_queue_ids(70);
        const int queues[2] = {new_queue(0600), new_queue(0600)};
        for (int i = 0; i < 2; i++) {
                post(queues[i], 1, "text");
                EQ(msgctl_ret_zero, msgctl(queues[i], IPC_STAT, &ds), 0);
                EQ(msgctl_ret_zero, msgctl(queues[i], IPC_SET, &ds), 0);
                EQ(msgctl_ret_zero, msgctl(queues[i], IPC_RMID, NULL), 0);
        }
}

/* ---- members ---- */

TEST(new_queue_is_described, VERIFIES(msgctl_stat_all_fields))
{
        static const struct {
                const char *name;
                int mode;
        } rows[] = {{"0400", 0400}, {"0666", 0666}, {"0641", 0641}, {"0724", 0724}, {"0777", 0777}};

        EACH_ROW(row, rows) {
                const time_t earliest = now();
                const int queue = new_queue(row->mode);
                const time_t latest = now();
                struct msqid_ds ds;

                memset(&ds, 0x5a, sizeof(ds));
                EQ(msgctl_stat_all_fields, msgctl(queue, IPC_STAT, &ds), 0);
                EQ(msgctl_stat_all_fields, ds.msg_perm.uid, geteuid());
                EQ(msgctl_stat_all_fields, ds.msg_perm.gid, getegid());
                EQ(msgctl_stat_all_fields, ds.msg_perm.cuid, geteuid());
                EQ(msgctl_stat_all_fields, ds.msg_perm.cgid, getegid());
                EQ(msgctl_stat_all_fields, ds.msg_perm.mode & 0777, row->mode);
                EQ(msgctl_stat_all_fields, ds.msg_qnum, 0);
                EQ(msgctl_stat_all_fields, ds.msg_qbytes, msg_limits().msgmnb);
                EQ(msgctl_stat_all_fields, ds.msg_lspid, 0);
                EQ(msgctl_stat_all_fields, ds.msg_lrpid, 0);
                EQ(msgctl_stat_all_fields, ds.msg_stime, 0);
                EQ(msgctl_stat_all_fields, ds.msg_rtime, 0);
                BETWEEN(msgctl_stat_all_fields, earliest, ds.msg_ctime, latest);
        }
}

TEST(four_user_and_group_ids_are_told_apart, VERIFIES(msgctl_stat_all_fields))
{
        struct child creator;

        CHILD(&creator) {
                become(USER_A, GROUP_A, NULL, 0);
                const int queue = new_queue(0600);

                /* A creator keeps the rights of an owner. */
                set_queue_owner(queue, USER_B, GROUP_B, 0640);
                const struct msqid_ds ds = stat_of_queue(queue);
                EQ(msgctl_stat_all_fields, ds.msg_perm.uid, USER_B);
                EQ(msgctl_stat_all_fields, ds.msg_perm.gid, GROUP_B);
                EQ(msgctl_stat_all_fields, ds.msg_perm.cuid, USER_A);
                EQ(msgctl_stat_all_fields, ds.msg_perm.cgid, GROUP_A);
                EQ(msgctl_stat_all_fields, ds.msg_perm.mode & 0777, 0640);
        }
        join(&creator);
}

TEST(description_follows_messages, VERIFIES(msgctl_stat_all_fields), MOSTLY_WAITS)
{
        const int queue = new_queue_for(90, 0600), other = new_queue(0644);
        const struct queue_view of_other = view_of_queue(other);
        const time_t created = stat_of_queue(queue).msg_ctime;
        struct child sender, receiver;

        next_second(created);
        const time_t before_sends = now();
        CHILD(&sender)
                for (int i = 0; i < 3; i++)
                        MUST(put(queue, 1 + i, 10, IPC_NOWAIT));
        join(&sender);
        const time_t after_sends = now();
        const struct msqid_ds sent = stat_of_queue(queue);
        next_second(after_sends);
        const time_t before_receipt = now();
        CHILD(&receiver)
                MUST(take(queue, 2));
        join(&receiver);
        const time_t after_receipt = now();
        const struct msqid_ds received = stat_of_queue(queue);

        EQ(msgctl_stat_all_fields, sent.msg_qnum, 3);
        EQ(msgctl_stat_all_fields, sent.msg_qbytes, 90);
        EQ(msgctl_stat_all_fields, sent.msg_lspid, sender.pid);
        EQ(msgctl_stat_all_fields, sent.msg_lrpid, 0);
        BETWEEN(msgctl_stat_all_fields, before_sends, sent.msg_stime, after_sends);
        EQ(msgctl_stat_all_fields, sent.msg_rtime, 0);
        EQ(msgctl_stat_all_fields, sent.msg_ctime, created);

        EQ(msgctl_stat_all_fields, received.msg_qnum, 2);
        EQ(msgctl_stat_all_fields, received.msg_qbytes, 90);
        EQ(msgctl_stat_all_fields, received.msg_lspid, sender.pid);
        EQ(msgctl_stat_all_fields, received.msg_lrpid, receiver.pid);
        EQ(msgctl_stat_all_fields, received.msg_stime, sent.msg_stime);
        BETWEEN(msgctl_stat_all_fields, before_receipt, received.msg_rtime, after_receipt);
        EQ(msgctl_stat_all_fields, received.msg_ctime, created);
        const struct queue_view still = view_of_queue(other);
        HOLDS(msgctl_stat_all_fields, same_queue_view(&of_other, &still));
}

TEST(key_is_that_of_creation, VERIFIES(msgctl_stat_key))
{
        const struct {
                const char *name;
                key_t key;
        } rows[] = {{"some key", fresh_key()}, {"negative", -2}, {"least", INT32_MIN}, {"greatest", INT32_MAX}};

        EQ(msgctl_stat_key, stat_of_queue(new_queue(0600)).msg_perm.__key, IPC_PRIVATE);
        EACH_ROW(row, rows) {
                const int queue = queue_must_fit(msgget(row->key, IPC_CREAT | 0600));

                EQ(msgctl_stat_key, stat_of_queue(queue).msg_perm.__key, row->key);
                /* A change of owner or mode is none of the key. */
                set_queue_mode(queue, 0640);
                EQ(msgctl_stat_key, stat_of_queue(queue).msg_perm.__key, row->key);
        }
}

/* ---- bytes that belong to no member ---- */

/* Leaves much behind on the kernel's stack and in its freed memory. */
static void make_noise(int queue)
{
        char path[600];
        struct message message;

        memset(path, 'Z', sizeof(path));
        path[sizeof(path) - 1] = '\0';
        (void)access(path, F_OK);
        MUST(put(queue, 1, 60, IPC_NOWAIT));
        (void)msgget(fresh_key(), 0x7fffffff & ~IPC_CREAT);
        (void)msgctl(queue, 99, &message);
        MUST(take_message(queue, &message, 0));
        burn_queue_ids(3);
}

TEST(reserved_members_are_zero, VERIFIES(msgctl_stat_padding_zero))
{
        static const struct {
                const char *name;
                unsigned char filling;
        } rows[] = {{"zeros", 0}, {"0x5a", 0x5a}, {"ones", 0xff}};
        union {
                struct msqid_ds ds;
                unsigned char bytes[sizeof(struct msqid_ds)];
        } stored;

        burn_queue_ids(150);
        const int queue = queue_must_fit(msgget(fresh_key(), IPC_CREAT | 0642));
        EACH_ROW(row, rows) {
                make_noise(queue);
                memset(&stored, row->filling, sizeof(stored));
                MUST(msgctl(queue, IPC_STAT, &stored.ds));
                REQUIRE(stored.ds.msg_lspid == getpid());
                /* What remains after the members with a meaning are taken away. */
                stored.ds.msg_perm.__key = 0;
                stored.ds.msg_perm.__seq = 0;
                stored.ds.msg_perm.uid = stored.ds.msg_perm.cuid = 0;
                stored.ds.msg_perm.gid = stored.ds.msg_perm.cgid = 0;
                stored.ds.msg_perm.mode = 0;
                stored.ds.msg_stime = stored.ds.msg_rtime = stored.ds.msg_ctime = 0;
                stored.ds.msg_cbytes = stored.ds.msg_qnum = stored.ds.msg_qbytes = 0;
                stored.ds.msg_lspid = stored.ds.msg_lrpid = 0;
                EQ(msgctl_stat_padding_zero, first_other(stored.bytes, sizeof(stored), 0), -1);
        }
}

/* ---- memory ---- */

TEST(nothing_is_stored_around_the_structure, VERIFIES(msgctl_stat_all_fields))
{
        enum { BEFORE = 32 };
        unsigned char *memory = guarded(BEFORE + sizeof(struct msqid_ds));
        struct msqid_ds *ds = (void *)(memory + BEFORE);
        const int queue = new_queue_for(77, 0600);

        memset(memory, 0x5a, BEFORE + sizeof(*ds));
        EQ(msgctl_stat_all_fields, msgctl(queue, IPC_STAT, ds), 0);
        EQ(msgctl_stat_all_fields, ds->msg_qbytes, 77);
        EQ(msgctl_stat_all_fields, first_other(memory, BEFORE, 0x5a), -1);
}

TEST(stat_into_bad_memory_fails, VERIFIES(msgctl_stat_efault))
{
        const struct {
                const char *name;
                struct msqid_ds *ds;
        } rows[] = {
                {"inaccessible page", bad_address()}, {"read-only page", read_only_page()}, {"null pointer", NULL},
                {"room for the structure but its last word", guarded(sizeof(struct msqid_ds) - sizeof(long))},
        };
        const int queue = new_queue(0600);
        struct msqid_ds good;

        if (ipck_route == IPCK_LIBC && sizeof(long) < 8)
                UNSUPPORTED("a C library that leaves the structure to the kernel (a 32-bit one touches it itself)");
        EQ(msgctl_stat_efault, msgctl(queue, IPC_STAT, &good), 0);
        EACH_ROW(row, rows)
                FAILS_WITH(msgctl_stat_efault, EFAULT, msgctl(queue, IPC_STAT, row->ds));
}

/* ---- a moment ---- */

struct traffic {
        _Atomic int transfers;
        _Atomic bool over;
};

TEST(bytes_and_messages_are_of_one_moment, VERIFIES(msgctl_stat_snapshot))
{
        enum { SIZE = 100, LEAST_LOOKS = 2000, LEAST_TRANSFERS = 500 };
        const int queue = new_queue(0600);
        struct traffic *traffic = shared(sizeof(*traffic));
        struct child sender, receiver;

        CHILD(&sender)
                while (!traffic->over)
                        if (put(queue, 1, SIZE, IPC_NOWAIT) == -1)
                                sched_yield();
        CHILD(&receiver)
                while (!traffic->over)
                        if (take(queue, 0) == -1)
                                sched_yield();
                        else
                                traffic->transfers++;
        for (int looks = 0; looks < LEAST_LOOKS || traffic->transfers < LEAST_TRANSFERS; looks++) {
                const struct msqid_ds ds = stat_of_queue(queue);

                EQ(msgctl_stat_snapshot, ds.msg_cbytes, ds.msg_qnum * SIZE);
                if (looks >= LEAST_LOOKS)
                        sched_yield();
        }
        traffic->over = true;
        join(&sender);
        join(&receiver);
}
