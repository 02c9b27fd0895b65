/* SPDX-License-Identifier: MIT
 *
 * kernel.msgmax, msgmnb and msgmni: what a new value does to queues, old and new. And kernel.auto_msgmni, which does
 * nothing.
 */
#include <stdio.h>

#include "ipck_msg.h"

/* The number that the file shows. */
static int read_limit(const char *name)
{
        char path[64], text[32], excess;
        int value = -1;

        snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);
        if (read_file(path, text, sizeof(text)) == -1)
                UNSUPPORTED("%s (%s)", path, errno_name(errno));
        return sscanf(text, "%d %c", &value, &excess) == 1 ? value : -1;
}

static void expect_agreement(void)
{
        const struct msginfo info = msg_limits();

        EQ(sysctl_info_agrees, read_limit("msgmax"), info.msgmax);
        EQ(sysctl_info_agrees, read_limit("msgmnb"), info.msgmnb);
        EQ(sysctl_info_agrees, read_limit("msgmni"), info.msgmni);
}

TEST(files_agree_with_ipc_info, VERIFIES(sysctl_info_agrees))
{
        expect_agreement();
        set_sysctl("kernel/msgmax", "7777");
        expect_agreement();
        set_sysctl("kernel/msgmnb", "5555");
        expect_agreement();
        set_sysctl("kernel/msgmni", "3333");
        expect_agreement();
        EQ(sysctl_info_agrees, msg_limits().msgmax, 7777);
        EQ(sysctl_info_agrees, msg_limits().msgmnb, 5555);
        EQ(sysctl_info_agrees, msg_limits().msgmni, 3333);
}

/* ---- kernel.msgmax ---- */

TEST(shorter_messages_bind_old_queues_too, VERIFIES(sysctl_msgmax_enforced))
{
        struct message message;

        set_sysctl("kernel/msgmnb", "1000");
        set_sysctl("kernel/msgmax", "100");
        const int queues[] = {new_queue(0600), new_queue(0600)};
        EQ(sysctl_msgmax_enforced, put(queues[0], 1, 100, IPC_NOWAIT), 0);

        set_sysctl("kernel/msgmax", "99");
        FAILS_WITH(sysctl_msgmax_enforced, EINVAL, put(queues[0], 2, 100, IPC_NOWAIT));
        FAILS_WITH(sysctl_msgmax_enforced, EINVAL, put(queues[1], 2, 100, IPC_NOWAIT));
        FAILS_WITH(sysctl_msgmax_enforced, EINVAL, put(new_queue(0600), 2, 100, IPC_NOWAIT));
        EQ(sysctl_msgmax_enforced, put(queues[0], 2, 99, IPC_NOWAIT), 0);
        /* The longer one is still there, whole. */
        EQ(sysctl_msgmax_enforced, QNUM(queues[0]), 2);
        EQ(sysctl_msgmax_enforced, take_message(queues[0], &message, 1), 100);
        HOLDS(sysctl_msgmax_enforced, has_pattern(message.text, 100, 1));
        EQ(sysctl_msgmax_enforced, take_message(queues[0], &message, 2), 99);

        set_sysctl("kernel/msgmax", "100");
        EQ(sysctl_msgmax_enforced, put(queues[0], 3, 100, IPC_NOWAIT), 0);
}

TEST(msgmax_of_none_leaves_empty_messages, VERIFIES(sysctl_msgmax_enforced))
{
        set_sysctl("kernel/msgmnb", "1000");
        const int queue = new_queue(0600);
        set_sysctl("kernel/msgmax", "0");
        FAILS_WITH(sysctl_msgmax_enforced, EINVAL, put(queue, 1, 1, IPC_NOWAIT));
        EQ(sysctl_msgmax_enforced, put(queue, 1, 0, IPC_NOWAIT), 0);
        EQ(sysctl_msgmax_enforced, take(queue, 1), 1);
}

TEST(longer_messages_reach_old_queues_too, VERIFIES(sysctl_msgmax_raised))
{
        enum { LONG_MESSAGE = 100000 };
        static struct {
                long type;
                unsigned char text[LONG_MESSAGE + 1];
        } message = {.type = 1};
        const int queue = new_queue(0600);

        set_sysctl("kernel/msgmnb", "1000000");
        MUST(queue_set(queue, geteuid(), getegid(), 0600, 1000000));
        fill_pattern(message.text, LONG_MESSAGE, 5);
        set_sysctl("kernel/msgmax", "99999");
        FAILS_WITH(sysctl_msgmax_raised, EINVAL, msgsnd(queue, &message, LONG_MESSAGE, IPC_NOWAIT));
        set_sysctl("kernel/msgmax", "100000");
        EQ(sysctl_msgmax_raised, msgsnd(queue, &message, LONG_MESSAGE, IPC_NOWAIT), 0);
        FAILS_WITH(sysctl_msgmax_raised, EINVAL, msgsnd(queue, &message, LONG_MESSAGE + 1, IPC_NOWAIT));
        memset(message.text, 0, sizeof(message.text));
        EQ(sysctl_msgmax_raised, msgrcv(queue, &message, LONG_MESSAGE, 1, IPC_NOWAIT), LONG_MESSAGE);
        HOLDS(sysctl_msgmax_raised, has_pattern(message.text, LONG_MESSAGE, 5));
        EQ(sysctl_msgmax_raised, message.text[LONG_MESSAGE], 0);
}

/* ---- kernel.msgmnb ---- */

TEST(new_queues_begin_with_the_new_msgmnb, VERIFIES(sysctl_msgmnb_new_queues))
{
        static const struct {
                const char *name;
                msglen_t bytes;
        } rows[] = {{"300", 300}, {"0", 0}, {"1", 1}, {"2147483647", INT32_MAX}, {"16384", 16384}};
        int earlier = -1;
        msglen_t earlier_bytes = 0;

        EACH_ROW(row, rows) {
                set_sysctl("kernel/msgmnb", row->name);
                const int queue = new_queue(0600);

                EQ(sysctl_msgmnb_new_queues, stat_of_queue(queue).msg_qbytes, row->bytes);
                if (earlier != -1) {
                        EQ(sysctl_msgmnb_new_queues, stat_of_queue(earlier).msg_qbytes, earlier_bytes);
                        MUST(msgctl(earlier, IPC_RMID, NULL));
                }
                earlier = queue;
                earlier_bytes = row->bytes;
        }
}

TEST(old_queues_hold_as_much_as_before, VERIFIES(sysctl_msgmnb_new_queues))
{
        set_sysctl("kernel/msgmax", "1000");
        set_sysctl("kernel/msgmnb", "300");
        const int old = new_queue(0600);
        set_sysctl("kernel/msgmnb", "200");
        const int new = new_queue(0600);

        EQ(sysctl_msgmnb_new_queues, put(old, 1, 200, IPC_NOWAIT), 0);
        EQ(sysctl_msgmnb_new_queues, put(new, 1, 200, IPC_NOWAIT), 0);
        EQ(sysctl_msgmnb_new_queues, put(old, 1, 100, IPC_NOWAIT), 0);
        FAILS_WITH(sysctl_msgmnb_new_queues, EAGAIN, put(new, 1, 100, IPC_NOWAIT));
        FAILS_WITH(sysctl_msgmnb_new_queues, EAGAIN, put(old, 1, 1, IPC_NOWAIT));
}

/* ---- kernel.msgmni ---- */

TEST(fewer_queues_bind_creation_alone, VERIFIES(sysctl_msgmni_enforced))
{
        enum { QUEUES = 4 };
        static const struct {
                const char *name, *limit;
        } rows[] = {{"as many as there are", "4"}, {"fewer", "3"}, {"one", "1"}, {"none", "0"}};
        int queues[QUEUES];

        empty_namespace();
        set_sysctl("kernel/msgmnb", "1000");
        set_sysctl("kernel/msgmni", "5");
        for (int i = 0; i < QUEUES; i++)
                queues[i] = new_queue(0600);
        EACH_ROW(row, rows) {
                set_sysctl("kernel/msgmni", row->limit);
                FAILS_WITH(sysctl_msgmni_enforced, ENOSPC, msgget(IPC_PRIVATE, IPC_CREAT | 0600));
                for (int i = 0; i < QUEUES; i++) {
                        EQ(sysctl_msgmni_enforced, put(queues[i], i + 1, 0, IPC_NOWAIT), 0);
                        EQ(sysctl_msgmni_enforced, take(queues[i], 0), i + 1);
                }
                EQ(sysctl_msgmni_enforced, msg_usage().msgpool, QUEUES);
        }
        set_sysctl("kernel/msgmni", "5");
        EQ(sysctl_msgmni_enforced, worked(msgget(IPC_PRIVATE, IPC_CREAT | 0600)), 0);
        FAILS_WITH(sysctl_msgmni_enforced, ENOSPC, msgget(IPC_PRIVATE, IPC_CREAT | 0600));
}

TEST(removal_below_the_limit_makes_room, VERIFIES(sysctl_msgmni_enforced))
{
        empty_namespace();
        set_sysctl("kernel/msgmnb", "1000");
        set_sysctl("kernel/msgmni", "3");
        const int queues[] = {new_queue(0600), new_queue(0600), new_queue(0600)};
        set_sysctl("kernel/msgmni", "2");
        MUST(msgctl(queues[1], IPC_RMID, NULL));
        FAILS_WITH(sysctl_msgmni_enforced, ENOSPC, msgget(IPC_PRIVATE, IPC_CREAT | 0600));
        MUST(msgctl(queues[0], IPC_RMID, NULL));
        EQ(sysctl_msgmni_enforced, worked(msgget(IPC_PRIVATE, IPC_CREAT | 0600)), 0);
        EQ(sysctl_msgmni_enforced, put(queues[2], 1, 0, IPC_NOWAIT), 0);
}

/* ---- kernel.auto_msgmni ---- */

TEST(automatic_limit_is_no_more, VERIFIES(sysctl_auto_msgmni_inert))
{
        static const struct {
                const char *name;
        } rows[] = {{"1"}, {"0"}};

        EQ(sysctl_auto_msgmni_inert, read_limit("auto_msgmni"), 0);
        set_sysctl("kernel/msgmni", "123");
        EACH_ROW(row, rows) {
                set_sysctl("kernel/auto_msgmni", row->name);
                EQ(sysctl_auto_msgmni_inert, read_limit("auto_msgmni"), 0);
                EQ(sysctl_auto_msgmni_inert, read_limit("msgmni"), 123);
                EQ(sysctl_auto_msgmni_inert, msg_limits().msgmni, 123);
        }
}
