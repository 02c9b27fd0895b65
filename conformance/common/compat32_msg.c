/* SPDX-License-Identifier: MIT
 *
 * Message queue calls of a 32-bit program on a 64-bit Linux kernel, which translates structures, times and types.
 */
#include <limits.h>

#include "ipck_compat32.h"
#include "ipck_msg.h"

/* struct msqid64_ds of i386 and of arm. */
struct kernel_msqid_ds {
        int32_t key;
        uint32_t uid, gid, cuid, cgid;
        uint16_t mode, pad1, seq, pad2;
        uint32_t unused1, unused2;
        uint32_t stime, stime_high, rtime, rtime_high, ctime, ctime_high;
        uint32_t cbytes, qnum, qbytes;
        int32_t lspid, lrpid;
        uint32_t unused4, unused5;
};

static int kernel_stat(int queue, struct kernel_msqid_ds *ds)
{
        memset(ds, 0x5a, sizeof(*ds));
        return msgctl(queue, KERNEL_IPC_STAT, ds);
}

/* ---- IPC_SET ---- */

TEST(set_takes_mode_and_size, VERIFIES(compat32_set_msg_qbytes))
{
        static const struct {
                const char *name;
                int mode;
                size_t qbytes;
        } rows[] = {{"little room", 0624, 20}, {"more room", 0751, 60}, {"no room", 0777, 0}};

        need_compat();
        const int queue = new_queue(0600);
        EACH_ROW(row, rows) {
                EQ(compat32_set_msg_qbytes, queue_set(queue, geteuid(), getegid(), row->mode, row->qbytes), 0);
                const struct msqid_ds ds = stat_of_queue(queue);
                EQ(compat32_set_msg_qbytes, ds.msg_perm.mode, row->mode);
                EQ(compat32_set_msg_qbytes, ds.msg_qbytes, row->qbytes);
                EQ(compat32_set_msg_qbytes, ds.msg_perm.uid, geteuid());
                EQ(compat32_set_msg_qbytes, ds.msg_perm.gid, getegid());
                /* It is what counts, and not only what is shown. */
                if (row->qbytes > 0) {
                        EQ(compat32_set_msg_qbytes, put(queue, 1, row->qbytes, IPC_NOWAIT), 0);
                        MUST(take(queue, 1));
                }
                FAILS_WITH(compat32_set_msg_qbytes, EAGAIN, put(queue, 1, row->qbytes + 1, IPC_NOWAIT));
        }
}

TEST(set_takes_a_size_of_more_than_16_bits, VERIFIES(compat32_set_msg_qbytes))
{
        need_compat();
        set_sysctl("kernel/msgmnb", "200000");
        const int queue = new_queue_for(1, 0600);
        EQ(compat32_set_msg_qbytes, queue_set(queue, geteuid(), getegid(), 0600, 131077), 0);
        EQ(compat32_set_msg_qbytes, stat_of_queue(queue).msg_qbytes, 131077);
}

TEST(set_takes_user_and_group, VERIFIES(compat32_set_msg_qbytes))
{
        need_compat();
        const int queue = new_queue(0600);
        set_queue_owner(queue, USER_A, GROUP_B, 0640);
        const struct msqid_ds ds = stat_of_queue(queue);
        EQ(compat32_set_msg_qbytes, ds.msg_perm.uid, USER_A);
        EQ(compat32_set_msg_qbytes, ds.msg_perm.gid, GROUP_B);
        EQ(compat32_set_msg_qbytes, ds.msg_perm.cuid, geteuid());
        EQ(compat32_set_msg_qbytes, ds.msg_perm.cgid, getegid());
        EQ(compat32_set_msg_qbytes, ds.msg_perm.mode, 0640);
}

TEST(set_takes_ids_of_more_than_16_bits, VERIFIES(compat32_set_msg_qbytes))
{
        enum { USER = 0x10000 + USER_A, GROUP = 0x10000 + GROUP_B };

        need_compat();
        const int queue = new_queue(0600);
        set_queue_owner(queue, USER, GROUP, 0600);
        const struct msqid_ds ds = stat_of_queue(queue);
        EQ(compat32_set_msg_qbytes, ds.msg_perm.uid, USER);
        EQ(compat32_set_msg_qbytes, ds.msg_perm.gid, GROUP);
}

/* ---- types ---- */

TEST(negative_type_is_not_sent, VERIFIES(compat32_msgsnd_type_sign))
{
        static const struct {
                const char *name;
                long type;
        } rows[] = {{"-1", -1}, {"-2", -2}, {"-65535, 1 in 16 bits", -65535}, {"LONG_MIN", LONG_MIN}};

        need_compat();
        const int queue = new_queue(0600);
        const struct queue_view before = view_of_queue(queue);
        EACH_ROW(row, rows) {
                FAILS_WITH(compat32_msgsnd_type_sign, EINVAL, put(queue, row->type, 10, IPC_NOWAIT));
                FAILS_WITH(compat32_msgsnd_type_sign, EINVAL, put(queue, row->type, 0, IPC_NOWAIT));
        }
        const struct queue_view after = view_of_queue(queue);
        HOLDS(compat32_msgsnd_type_sign, same_queue_view(&before, &after));
        EQ(compat32_msgsnd_type_sign, put(queue, LONG_MAX, 10, IPC_NOWAIT), 0);
        EQ(compat32_msgsnd_type_sign, take(queue, 0), LONG_MAX);
}

TEST(negative_type_selects_the_lowest, VERIFIES(compat32_msgrcv_type_sign))
{
        static const struct {
                const char *name;
                long msgtyp, want;      /* 0: none */
        } rows[] = {
                {"-1", -1, 0}, {"-2", -2, 0}, {"-3", -3, 3}, {"-5", -5, 3}, {"-LONG_MAX", -LONG_MAX, 3},
                {"LONG_MIN", LONG_MIN, 3},
        };

        need_compat();
        const int queue = new_queue(0600);
        post(queue, LONG_MAX, "the largest");
        post(queue, 5, "five");
        EACH_ROW(row, rows) {
                post(queue, 3, "three");
                if (row->want)
                        EQ(compat32_msgrcv_type_sign, take(queue, row->msgtyp), row->want);
                else
                        FAILS_WITH(compat32_msgrcv_type_sign, ENOMSG, take(queue, row->msgtyp));
                if (!row->want)
                        MUST(take(queue, 3));
        }
        EQ(compat32_msgrcv_type_sign, take(queue, LONG_MIN), 5);
        EQ(compat32_msgrcv_type_sign, take(queue, LONG_MIN), LONG_MAX);
}

/* As a 64-bit program has it. */
struct message64 {
        int64_t type;
        char text[8];
};

static void post64(int queue, const struct message64 *message)
{
        const int64_t result = result_of_call64(&(struct call64){
                CALL64_MSGSND, {(uint64_t)queue, (uintptr_t)message, sizeof(message->text), IPC_NOWAIT}});

        if (result != 0)
                UNSUPPORTED("64-bit system calls in a 32-bit process (msgsnd: %s)", errno_name((int)-result));
}

TEST(type_of_64_bits_loses_its_upper_half, VERIFIES(compat32_msgrcv_type_over_int, msgrcv_sel_positive))
{
        static const struct {
                const char *name;
                struct message64 message;
        } rows[] = {
                {"2^32 + 7", {INT64_C(0x100000007), "one text"}}, {"2^32", {INT64_C(0x100000000), "two text"}},
                {"2^31", {INT64_C(0x80000000), "3rd text"}}, {"2^32 - 1", {INT64_C(0xffffffff), "4th text"}},
                {"2^63 - 1", {INT64_MAX, "5th text"}}, {"low half", {INT64_C(0x7654321089abcdef), "6th text"}},
                {"of 31 bits", {INT32_MAX, "7th text"}},
        };

        need_compat();
        const int queue = new_queue(0600);
        EACH_ROW(row, rows) {
                const int32_t low = (int32_t)(uint32_t)row->message.type;
                struct message message;

                post64(queue, &row->message);
                REQUIRE(QNUM(queue) == 1);
                /* The whole type is compared: no msgtyp of 32 bits names it. */
                if (low > 0 && low != row->message.type)
                        FAILS_WITH(msgrcv_sel_positive, ENOMSG, take(queue, low));
                EQ(compat32_msgrcv_type_over_int, take_message(queue, &message, 0), sizeof(row->message.text));
                EQ(compat32_msgrcv_type_over_int, message.type, low);
                HOLDS(compat32_msgrcv_type_over_int,
                      memcmp(message.text, row->message.text, sizeof(row->message.text)) == 0);
        }
        EQ(msgrcv_sel_positive, put(queue, 7, 1, IPC_NOWAIT), 0);
        EQ(msgrcv_sel_positive, take(queue, 7), 7);
}

/* ---- layout ---- */

TEST(direct_calls_use_the_new_structure, VERIFIES(compat32_semctl_ipc64_direct), ONE_ROUTE)
{
        struct kernel_msqid_ds *ds = guarded(sizeof(*ds));
        const key_t key = fresh_key();

        need_compat();
#ifndef __i386__
        UNSUPPORTED("i386, whose direct calls came with Linux 5.1");
#endif
        go_by(IPCK_RAW);
        const int queue = queue_must_fit(msgget(key, IPC_CREAT | 0642));
        post(queue, 1, "some text");
        post(queue, 2, "more");
        MUST(take(queue, 2));
        EQ(compat32_semctl_ipc64_direct, kernel_stat(queue, ds), 0);
        EQ(compat32_semctl_ipc64_direct, ds->key, key);
        EQ(compat32_semctl_ipc64_direct, ds->uid, geteuid());
        EQ(compat32_semctl_ipc64_direct, ds->gid, getegid());
        EQ(compat32_semctl_ipc64_direct, ds->cuid, geteuid());
        EQ(compat32_semctl_ipc64_direct, ds->cgid, getegid());
        EQ(compat32_semctl_ipc64_direct, ds->mode, 0642);
        EQ(compat32_semctl_ipc64_direct, ds->cbytes, 9);
        EQ(compat32_semctl_ipc64_direct, ds->qnum, 1);
        EQ(compat32_semctl_ipc64_direct, ds->qbytes, msg_limits().msgmnb);
        EQ(compat32_semctl_ipc64_direct, ds->lspid, getpid());
        EQ(compat32_semctl_ipc64_direct, ds->lrpid, getpid());
        HOLDS(compat32_semctl_ipc64_direct, ds->ctime != 0 && ds->stime >= ds->ctime && ds->rtime >= ds->stime);

        ds->mode = 0624;
        ds->qbytes = 60;
        EQ(compat32_semctl_ipc64_direct, msgctl(queue, KERNEL_IPC_SET, ds), 0);
        int found = 0;
        for (int i = msgctl(0, MSG_INFO, &(struct msginfo){0}); i >= 0; i--) {
                memset(ds, 0x5a, sizeof(*ds));
                if (msgctl(i, KERNEL_MSG_STAT, ds) != queue)
                        continue;
                found++;
                EQ(compat32_semctl_ipc64_direct, ds->mode, 0624);
                EQ(compat32_semctl_ipc64_direct, ds->qbytes, 60);
                EQ(compat32_semctl_ipc64_direct, ds->uid, geteuid());
                EQ(compat32_semctl_ipc64_direct, ds->qnum, 1);
        }
        EQ(compat32_semctl_ipc64_direct, found, 1);
}

TEST(no_byte_keeps_its_old_value, VERIFIES(compat32_stat_no_leak), ONE_ROUTE)
{
        struct kernel_msqid_ds *ds = guarded(sizeof(*ds));

        need_compat();
        need_known_layout();
        EACH_ROW(row, kernel_routes) {
                go_by(row->route);
                const int queue = new_queue(0600);
                post(queue, 1, "text");
                EQ(compat32_stat_no_leak, kernel_stat(queue, ds), 0);
                EQ(compat32_stat_no_leak, ds->qnum, 1);
                EQ(compat32_stat_no_leak, ds->pad1, 0);
                EQ(compat32_stat_no_leak, ds->pad2, 0);
                EQ(compat32_stat_no_leak, ds->unused1, 0);
                EQ(compat32_stat_no_leak, ds->unused2, 0);
                EQ(compat32_stat_no_leak, ds->unused4, 0);
                EQ(compat32_stat_no_leak, ds->unused5, 0);
        }
}

/* The times as the kernel holds them, whatever the width of a program's long. No others are there. */
static struct queue_line line_in_proc(int queue)
{
        struct queue_line lines[8];
        char text[4096];

        if (read_file("/proc/sysvipc/msg", text, sizeof(text)) <= 0)
                UNSUPPORTED("/proc/sysvipc/msg (%s)", errno_name(errno));
        size_t i = queue_lines(text, lines, sizeof(lines) / sizeof(*lines));
        while (i > 0 && lines[i - 1].id != queue)
                i--;
        REQUIRE(i > 0);
        return lines[i - 1];
}

TEST(times_are_those_of_the_kernel, VERIFIES(compat32_stat_msg_times), MOSTLY_WAITS)
{
        enum { UNUSED, SENT, RECEIVED, KINDS };
        union {
                struct kernel_msqid_ds kernel;
                struct msqid_ds libc;
        } ds;
        int queues[KINDS];

        need_compat();
        empty_namespace();
        /* Each of the three times differs from the others somewhere. */
        for (int i = 0; i < KINDS; i++)
                queues[i] = new_queue(0600);
        next_second(now());
        post(queues[SENT], 1, "text");
        post(queues[RECEIVED], 1, "text");
        next_second(now());
        MUST(take(queues[RECEIVED], 1));
        for (int i = 0; i < KINDS; i++) {
                const struct queue_line line = line_in_proc(queues[i]);

                REQUIRE((line.stime > line.ctime) == (i >= SENT) && (line.rtime > line.stime) == (i == RECEIVED));
                REQUIRE(line.ctime != 0 && line.ctime < UINT32_MAX);
                memset(&ds, 0x5a, sizeof(ds));
                if (ipck_route == IPCK_LIBC) {
                        EQ(compat32_stat_msg_times, msgctl(queues[i], IPC_STAT, &ds.libc), 0);
                        EQ(compat32_stat_msg_times, ds.libc.msg_stime, line.stime);
                        EQ(compat32_stat_msg_times, ds.libc.msg_rtime, line.rtime);
                        EQ(compat32_stat_msg_times, ds.libc.msg_ctime, line.ctime);
                        continue;
                }
                need_known_layout();
                EQ(compat32_stat_msg_times, kernel_stat(queues[i], &ds.kernel), 0);
                EQ(compat32_stat_msg_times, ds.kernel.stime, line.stime);
                EQ(compat32_stat_msg_times, ds.kernel.rtime, line.rtime);
                EQ(compat32_stat_msg_times, ds.kernel.ctime, line.ctime);
                EQ(compat32_stat_msg_times, ds.kernel.stime_high, 0);
                EQ(compat32_stat_msg_times, ds.kernel.rtime_high, 0);
                EQ(compat32_stat_msg_times, ds.kernel.ctime_high, 0);
        }
}
