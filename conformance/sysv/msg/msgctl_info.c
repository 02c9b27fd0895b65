/* SPDX-License-Identifier: MIT
 *
 * msgctl() IPC_INFO, MSG_INFO, MSG_STAT and MSG_STAT_ANY: limits and use of the namespace, and queues by index. An
 * index is no identifier: after many removals they differ.
 */
#include <limits.h>

#include "ipck_msg.h"

/* ---- limits ---- */

static void compare_limits(void)
{
        struct msginfo *info = guarded(sizeof(*info));

        memset(info, 0x5a, sizeof(*info));
        HOLDS(msgctl_info_ipc_info_limits, msgctl(0, IPC_INFO, info) != -1);
        EQ(msgctl_info_ipc_info_limits, info->msgmax, number_in("/proc/sys/kernel/msgmax", ""));
        EQ(msgctl_info_ipc_info_limits, info->msgmnb, number_in("/proc/sys/kernel/msgmnb", ""));
        EQ(msgctl_info_ipc_info_limits, info->msgmni, number_in("/proc/sys/kernel/msgmni", ""));
}

TEST(ipc_info_reports_the_limits, VERIFIES(msgctl_info_ipc_info_limits))
{
        compare_limits();
        /* What is in use changes no limit. */
        post(new_queue(0600), 1, "text");
        (void)new_queue(0600);
        compare_limits();
}

TEST(ipc_info_reports_changed_limits, VERIFIES(msgctl_info_ipc_info_limits))
{
        const struct msginfo before = msg_limits();

        set_sysctl("kernel/msgmax", "3001");
        set_sysctl("kernel/msgmnb", "70002");
        set_sysctl("kernel/msgmni", "53");
        REQUIRE(before.msgmax != 3001 && before.msgmnb != 70002 && before.msgmni != 53);
        compare_limits();
        const struct msginfo after = msg_limits();
        EQ(msgctl_info_ipc_info_limits, after.msgmax, 3001);
        EQ(msgctl_info_ipc_info_limits, after.msgmnb, 70002);
        EQ(msgctl_info_ipc_info_limits, after.msgmni, 53);
}

/* ---- use ---- */

static void expect_use(int queues, int messages, int bytes)
{
        struct msginfo *info = guarded(sizeof(*info));

        memset(info, 0x5a, sizeof(*info));
        HOLDS(msgctl_info_msg_info_counts, msgctl(0, MSG_INFO, info) != -1);
        EQ(msgctl_info_msg_info_counts, info->msgpool, queues);
        EQ(msgctl_info_msg_info_counts, info->msgmap, messages);
        EQ(msgctl_info_msg_info_counts, info->msgtql, bytes);
}

TEST(msg_info_counts_queues_messages_and_bytes, VERIFIES(msgctl_info_msg_info_counts))
{
        struct child other;

        empty_namespace();
        expect_use(0, 0, 0);
        const int first = new_queue(0600);
        expect_use(1, 0, 0);
        MUST(put(first, 1, 10, IPC_NOWAIT));
        MUST(put(first, 2, 0, IPC_NOWAIT));
        expect_use(1, 2, 10);
        CHILD(&other)
                MUST(put(new_queue(0600), 3, 50, IPC_NOWAIT));
        join(&other);
        expect_use(2, 3, 60);
        const int third = new_queue_for(7, 0600);
        MUST(put(third, 4, 7, IPC_NOWAIT));
        expect_use(3, 4, 67);
        MUST(take(first, 1));
        expect_use(3, 3, 57);
        /* What fails counts nothing. */
        REQUIRE(put(third, 5, 1, IPC_NOWAIT) == -1 && take(third, 9) == -1);
        expect_use(3, 3, 57);
        MUST(msgctl(third, IPC_RMID, NULL));
        expect_use(2, 2, 50);
}

TEST(msg_info_counts_what_is_not_readable, VERIFIES(msgctl_info_msg_info_counts))
{
        empty_namespace();
        const int queue = new_queue(0600);
        post(queue, 1, "text");
        set_queue_mode(queue, 0);
        drop_all_capabilities();
        expect_use(1, 1, 4);
}

TEST(msg_info_counts_its_own_namespace, VERIFIES(msgctl_info_msg_info_counts))
{
        struct child away;

        empty_namespace();
        post(new_queue(0600), 1, "text");
        CHILD(&away) {
                enter_new_ipc_namespace();
                expect_use(0, 0, 0);
                post(new_queue(0600), 1, "another text");
                (void)new_queue(0600);
                expect_use(2, 1, 12);
                stay(&away);
        }
        UNTIL(stays(&away));
        expect_use(1, 1, 4);
        dismiss(&away);
}

/* ---- highest index ---- */

static int highest(int cmd)
{
        struct msginfo info;

        return msgctl(0, cmd, &info);
}

static bool index_in_use(int index)
{
        struct msqid_ds ds;

        return msgctl(index, MSG_STAT, &ds) != -1;
}

/* Both commands return an index that is in use, above which none is: all these queues are found up to it, and the
 * indexes that follow are free. */
static void expect_highest(const int *queues, int count)
{
        const int last = highest(IPC_INFO);

        EQ(msgctl_info_ret_maxidx, highest(MSG_INFO), last);
        HOLDS(msgctl_info_ret_maxidx, index_in_use(last));
        for (int i = last + 1; i <= last + 150; i++)
                HOLDS(msgctl_info_ret_maxidx, !index_in_use(i));
        int found = 0;
        for (int i = 0; i <= last; i++) {
                struct msqid_ds ds;
                const int id = msgctl(i, MSG_STAT, &ds);

                for (int k = 0; k < count; k++)
                        found += id != -1 && id == queues[k];
        }
        EQ(msgctl_info_ret_maxidx, found, count);
}

TEST(info_of_an_empty_namespace_returns_zero, VERIFIES(msgctl_info_ret_maxidx))
{
        empty_namespace();
        EQ(msgctl_info_ret_maxidx, highest(IPC_INFO), 0);
        EQ(msgctl_info_ret_maxidx, highest(MSG_INFO), 0);
        burn_queue_ids(150);
        EQ(msgctl_info_ret_maxidx, highest(IPC_INFO), 0);
        EQ(msgctl_info_ret_maxidx, highest(MSG_INFO), 0);
}

/* As many queues as a namespace may hold, unless the machine was started with ipcmni_extend. */
enum { MOST_QUEUES = 32768 };

TEST(info_of_a_full_namespace_returns_the_last_index, VERIFIES(msgctl_info_ret_maxidx))
{
        empty_namespace();
        set_sysctl("kernel/msgmni", "32768");
        for (int i = 0; i < MOST_QUEUES; i++)
                MUST(msgget(IPC_PRIVATE, 0600));
        EQ(msgctl_info_ret_maxidx, highest(IPC_INFO), MOST_QUEUES - 1);
        EQ(msgctl_info_ret_maxidx, highest(MSG_INFO), MOST_QUEUES - 1);
}

TEST(info_returns_the_highest_index, VERIFIES(msgctl_info_ret_maxidx))
{
        int queues[6];

        for (int i = 0; i < 6; i++) {
                queues[i] = new_queue(0600);
                expect_highest(queues, i + 1);
        }
        REQUIRE(highest(MSG_INFO) >= 5);
        /* The highest ones go, then what is left below a hole. */
        for (int i = 5; i >= 3; i--) {
                MUST(msgctl(queues[i], IPC_RMID, NULL));
                expect_highest(queues, i);
        }
        MUST(msgctl(queues[1], IPC_RMID, NULL));
        queues[1] = queues[2];
        expect_highest(queues, 2);
        MUST(msgctl(queues[0], IPC_RMID, NULL));
        expect_highest(&queues[1], 1);
}

TEST(highest_index_is_no_identifier, VERIFIES(msgctl_info_ret_maxidx))
{
        int queues[3];

        burn_queue_ids(150);
        for (int i = 0; i < 3; i++) {
                queues[i] = new_queue(0600);
                expect_highest(queues, i + 1);
        }
}

/* ---- queues by index ---- */

enum { QUEUES = 4 };

/* Queues that differ in all that is stored of them. */
static void make_queues(int queues[QUEUES])
{
        for (int i = 0; i < QUEUES; i++) {
                queues[i] = queue_must_fit(msgget(fresh_key(), IPC_CREAT | (0600 + i)));
                for (int k = 0; k <= i; k++)
                        post(queues[i], 1, "text");
                if (i % 2)
                        MUST(take(queues[i], 1));
                MUST(queue_set(queues[i], geteuid(), getegid(), 0600 + i, 70 + (size_t)i));
        }
}

/* What MSG_STAT takes in place of an identifier. */
static int index_of(int queue)
{
        struct msqid_ds ds;
        const int last = (int)MUST(highest(MSG_INFO));
        int i = 0;

        while (i <= last && msgctl(i, MSG_STAT, &ds) != queue)
                i++;
        REQUIRE(i <= last);
        return i;
}

/* How many indexes lead to the queue; each must describe it as IPC_STAT does. */
static int indexes_of(int queue, int cmd, enum ipck_requirement req)
{
        const struct msqid_ds wanted = stat_of_queue(queue);
        const int end = highest(MSG_INFO) + 1;
        int found = 0;

        for (int i = 0; i < end; i++) {
                struct msqid_ds ds;
                memset(&ds, 0x5a, sizeof(ds));
                if (msgctl(i, cmd, &ds) == queue) {
                        found++;
                        /* Padding included: stat_of_queue() had the same filling. */
                        HOLDS(req, memcmp(&ds, &wanted, sizeof(ds)) == 0);
                }
        }
        return found;
}

TEST(index_leads_to_an_identifier_unlike_it, VERIFIES(msgctl_stat_idx_ok))
{
        int queues[QUEUES];

        burn_queue_ids(150);
        make_queues(queues);
        /* An implementation that takes identifiers for indexes finds none of these. */
        for (int i = 0; i < QUEUES; i++)
                EQ(msgctl_stat_idx_ok, indexes_of(queues[i], MSG_STAT, msgctl_stat_idx_ok), 1);
        MUST(msgctl(queues[1], IPC_RMID, NULL));
        for (int i = 0; i < QUEUES; i++)
                if (i != 1)
                        EQ(msgctl_stat_idx_ok, indexes_of(queues[i], MSG_STAT, msgctl_stat_idx_ok), 1);
}

TEST(unused_index_fails, VERIFIES(msgctl_stat_idx_einval))
{
        int queues[QUEUES];
        struct msqid_ds ds;

        empty_namespace();
        FAILS_WITH(msgctl_stat_idx_einval, EINVAL, msgctl(0, MSG_STAT, &ds));
        FAILS_WITH(msgctl_stat_idx_einval, EINVAL, msgctl(1, MSG_STAT, &ds));
        make_queues(queues);
        const int end = highest(MSG_INFO) + 1, hole = index_of(queues[1]);
        int used = 0;
        for (int i = 0; i < end; i++)
                if (index_in_use(i))
                        used++;
                else
                        FAILS_WITH(msgctl_stat_idx_einval, EINVAL, msgctl(i, MSG_STAT, &ds));
        EQ(msgctl_stat_idx_einval, used, QUEUES);
        FAILS_WITH(msgctl_stat_idx_einval, EINVAL, msgctl(end, MSG_STAT, &ds));
        FAILS_WITH(msgctl_stat_idx_einval, EINVAL, msgctl(end + 100, MSG_STAT, &ds));
        FAILS_WITH(msgctl_stat_idx_einval, EINVAL, msgctl(-1, MSG_STAT, &ds));
        FAILS_WITH(msgctl_stat_idx_einval, EINVAL, msgctl(INT_MIN, MSG_STAT, &ds));
        MUST(msgctl(queues[1], IPC_RMID, NULL));
        FAILS_WITH(msgctl_stat_idx_einval, EINVAL, msgctl(hole, MSG_STAT, &ds));
}

/* Who goes from 0 to the highest index sees each queue that he may read, once, and nothing twice or else. */
TEST(scan_of_all_indexes_finds_every_readable_queue_once, VERIFIES(msgctl_stat_idx_full_scan))
{
        enum { MADE = 12 };
        int queues[MADE], found[MADE] = {0};
        struct msqid_ds ds;

        empty_namespace();
        burn_queue_ids(150);
        for (int i = 0; i < MADE; i++)
                queues[i] = new_queue(i % 4 == 1 ? 0200 : 0600);
        for (int i = 2; i < MADE; i += 4)
                MUST(msgctl(queues[i], IPC_RMID, NULL));
        drop_all_capabilities();
        const int last = highest(MSG_INFO);
        for (int index = 0; index <= last; index++) {
                const int id = msgctl(index, MSG_STAT, &ds);
                int k = 0;

                if (id == -1)
                        continue;
                while (k < MADE && queues[k] != id)
                        k++;
                HOLDS(msgctl_stat_idx_full_scan, k < MADE);
                if (k < MADE)
                        found[k]++;
        }
        for (int i = 0; i < MADE; i++)
                EQ(msgctl_stat_idx_full_scan, found[i], i % 4 == 0 || i % 4 == 3);
}

TEST(sequence_number_is_that_of_the_identifier, VERIFIES(msgctl_stat_seq))
{
        /* Linux takes as many bits for the index, or the second number with the kernel's parameter ipcmni_extend. */
        enum { INDEX_BITS = 15, INDEX_BITS_EXTENDED = 24, ENOUGH = 5000 };
        int queue = new_queue(0600);

        /* Until identifiers carry one that is not 0. */
        for (int i = 0; i < ENOUGH && queue == index_of(queue); i++) {
                MUST(msgctl(queue, IPC_RMID, NULL));
                queue = new_queue(0600);
        }
        for (int i = 0; i < 150; i++) {
                const int64_t index = index_of(queue), sequence = stat_of_queue(queue).msg_perm.__seq;

                REQUIRE(queue != index);
                HOLDS(msgctl_stat_seq, queue == (sequence << INDEX_BITS) + index ||
                                       queue == (sequence << INDEX_BITS_EXTENDED) + index);
                MUST(msgctl(queue, IPC_RMID, NULL));
                queue = new_queue(0600);
        }
}

/* ---- queues by index: permission ---- */

TEST(index_of_a_queue_without_read_permission_fails, VERIFIES(msgctl_stat_idx_eacces))
{
        static const struct {
                const char *name;
                int without, with;
        } rows[] = {{"0377 and 0400", 0377, 0400}, {"0200 and 0600", 0200, 0600}, {"0 and 0777", 0, 0777}};
        struct msqid_ds ds;

        burn_queue_ids(150);
        const int queue = new_queue(0600), index = index_of(queue);
        drop_all_capabilities();
        EACH_ROW(row, rows) {
                MUST(queue_set(queue, geteuid(), getegid(), row->with, 70));
                EQ(msgctl_stat_idx_eacces, msgctl(index, MSG_STAT, &ds), queue);
                MUST(queue_set(queue, geteuid(), getegid(), row->without, 70));
                FAILS_WITH(msgctl_stat_idx_eacces, EACCES, msgctl(index, MSG_STAT, &ds));
        }
}

TEST(index_of_the_queue_of_another_user_fails, VERIFIES(msgctl_stat_idx_eacces))
{
        const int readable = new_queue(0604), unreadable = new_queue(0660);
        const int readable_index = index_of(readable), unreadable_index = index_of(unreadable);
        struct child other;

        CHILD(&other) {
                struct msqid_ds ds;

                as_user(USER_A);
                EQ(msgctl_stat_idx_eacces, msgctl(readable_index, MSG_STAT, &ds), readable);
                FAILS_WITH(msgctl_stat_idx_eacces, EACCES, msgctl(unreadable_index, MSG_STAT, &ds));
        }
        join(&other);
}

static void need_stat_any(int index)
{
        struct msqid_ds ds;

        if (msgctl(index, MSG_STAT_ANY, &ds) == -1 && errno == EINVAL)
                UNSUPPORTED("MSG_STAT_ANY");
}

TEST(stat_any_describes_without_permission, VERIFIES(msgctl_stat_any_no_perm))
{
        int queues[QUEUES], index[QUEUES];

        burn_queue_ids(150);
        make_queues(queues);
        for (int i = 0; i < QUEUES; i++)
                index[i] = index_of(queues[i]);
        need_stat_any(index[0]);
        drop_all_capabilities();
        for (int i = 0; i < QUEUES; i++) {
                EQ(msgctl_stat_any_no_perm, indexes_of(queues[i], MSG_STAT_ANY, msgctl_stat_any_no_perm), 1);
                struct msqid_ds ds, wanted = stat_of_queue(queues[i]);

                MUST(queue_set(queues[i], geteuid(), getegid(), 0200, 70 + (size_t)i));
                REQUIRE(msgctl(index[i], MSG_STAT, &ds) == -1 && errno == EACCES);
                memset(&ds, 0x5a, sizeof(ds));
                EQ(msgctl_stat_any_no_perm, msgctl(index[i], MSG_STAT_ANY, &ds), queues[i]);
                EQ(msgctl_stat_any_no_perm, ds.msg_perm.mode & 0777, 0200);
                BETWEEN(msgctl_stat_any_no_perm, wanted.msg_ctime, ds.msg_ctime, now());
                /* But for what IPC_SET has changed it is as before. */
                wanted.msg_perm.mode = ds.msg_perm.mode;
                wanted.msg_ctime = ds.msg_ctime;
                HOLDS(msgctl_stat_any_no_perm, memcmp(&ds, &wanted, sizeof(ds)) == 0);
        }
}

TEST(stat_any_serves_other_users, VERIFIES(msgctl_stat_any_no_perm))
{
        const int queue = new_queue(0660), index = index_of(queue);
        struct child other;

        need_stat_any(index);
        CHILD(&other) {
                struct msqid_ds ds;

                as_user(USER_A);
                FAILS_WITH(msgctl_stat_any_no_perm, EACCES, msgctl(index, MSG_STAT, &ds));
                EQ(msgctl_stat_any_no_perm, msgctl(index, MSG_STAT_ANY, &ds), queue);
                EQ(msgctl_stat_any_no_perm, ds.msg_perm.mode & 0777, 0660);
        }
        join(&other);
}

/* ---- memory ---- */

TEST(answers_into_bad_memory_fail, VERIFIES(msgctl_info_efault, msgctl_stat_idx_efault))
{
        const struct {
                const char *name;
                void *info, *ds;
        } rows[] = {
                {"inaccessible page", bad_address(), bad_address()},
                {"read-only page", read_only_page(), read_only_page()},
                {"room for all but the last word", guarded(sizeof(struct msginfo) - sizeof(int)),
                 guarded(sizeof(struct msqid_ds) - sizeof(long))},
        };
        const int index = index_of(new_queue(0600));
        struct msginfo info;
        struct msqid_ds ds;

        if (ipck_route == IPCK_LIBC && sizeof(long) < 8)
                UNSUPPORTED("a C library that leaves the structure to the kernel (a 32-bit one touches it itself)");
        MUST(msgctl(0, IPC_INFO, &info));
        MUST(msgctl(0, MSG_INFO, &info));
        MUST(msgctl(index, MSG_STAT, &ds));
        MUST(msgctl(index, MSG_STAT_ANY, &ds));
        EACH_ROW(row, rows) {
                FAILS_WITH(msgctl_info_efault, EFAULT, msgctl(0, IPC_INFO, row->info));
                FAILS_WITH(msgctl_info_efault, EFAULT, msgctl(0, MSG_INFO, row->info));
                FAILS_WITH(msgctl_stat_idx_efault, EFAULT, msgctl(index, MSG_STAT, row->ds));
                FAILS_WITH(msgctl_stat_idx_efault, EFAULT, msgctl(index, MSG_STAT_ANY, row->ds));
        }
}

TEST(padding_of_the_limits_is_zero, VERIFIES(msgctl_info_padding_zero))
{
        enum { END = offsetof(struct msginfo, msgseg) + sizeof(((struct msginfo *)NULL)->msgseg) };
        static const struct {
                const char *name;
                int cmd;
        } rows[] = {{"IPC_INFO", IPC_INFO}, {"MSG_INFO", MSG_INFO}};
        union {
                struct msginfo info;
                unsigned char bytes[sizeof(struct msginfo)];
        } stored;
        char noise[600];

        EACH_ROW(row, rows) {
                /* A long path leaves its bytes on the kernel's stack and in its freed memory. */
                memset(noise, 'n', sizeof(noise) - 1);
                noise[0] = '/';
                noise[sizeof(noise) - 1] = '\0';
                REQUIRE(access(noise, F_OK) == -1);
                memset(&stored, 0x5a, sizeof(stored));
                MUST(msgctl(0, row->cmd, &stored.info));
                HOLDS(msgctl_info_padding_zero, all_bytes(stored.bytes + END, sizeof(stored) - END, 0));
        }
}
