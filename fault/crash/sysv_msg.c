/* SPDX-License-Identifier: MIT
 *
 * System V message queues: a message is there whole or not at all, and the queue goes on.
 */
#include "crash.h"
#include "ipck_msg.h"

#undef IPCK_FILE_ROUTES
#define IPCK_FILE_ROUTES 0

static const char before[] = "one that was there before";

/* A queue with room for this message and no more of the victims'. */
static int full_queue(void)
{
        int queue = new_queue_for(sizeof(before) - 1, 0600);

        post(queue, 1, before);
        return queue;
}

static bool takes_victims(int queue)
{
        struct message message;
        const ssize_t length = take_message(queue, &message, 0);

        return message.type == VICTIMS_TYPE && text_is(&message, length, victims_text);
}

TEST(msgget, VERIFIES(exit_queues_persist))
{
        const key_t key = fresh_key(), other = key + 1;

        crash("msgget", key, "sysv/msg/msgget", "entry", 1);
        FAILS_WITH(exit_queues_persist, ENOENT, msgget(key, 0));
        crash("msgget", other, "sysv/msg/msgget", "after", 1);
        int queue = (int)MUST(msgget(other, 0));
        post(queue, VICTIMS_TYPE, victims_text);
        HOLDS(exit_queues_persist, takes_victims(queue));
}

TEST(msgsnd_at_entry_and_after, VERIFIES(exit_queues_persist, msgsnd_data_integrity))
{
        int queue = new_queue(0600);

        crash("msgsnd", queue, "sysv/msg/msgsnd", "entry", 1);
        EQ(exit_queues_persist, QNUM(queue), 0);
        EQ(exit_queues_persist, CBYTES(queue), 0);
        pid_t sender = crash("msgsnd", queue, "sysv/msg/msgsnd", "after", 1);
        EQ(exit_queues_persist, QNUM(queue), 1);
        EQ(exit_queues_persist, CBYTES(queue), VICTIMS_TEXT);
        EQ(exit_queues_persist, stat_of_queue(queue).msg_lspid, sender);
        HOLDS(msgsnd_data_integrity, takes_victims(queue));
}

TEST(msgsnd_blocked, VERIFIES(exit_blocked_msgsnd_kill))
{
        int queue = full_queue();

        crash("msgsnd", queue, "sysv/msg/msgsnd", "blocked", 1);
        EQ(exit_blocked_msgsnd_kill, QNUM(queue), 1);
        EQ(exit_blocked_msgsnd_kill, CBYTES(queue), sizeof(before) - 1);
        EQ(exit_blocked_msgsnd_kill, take(queue, 0), 1);
        FAILS_WITH(exit_blocked_msgsnd_kill, ENOMSG, take(queue, 0));
        EQ(exit_blocked_msgsnd_kill, CBYTES(queue), 0);
}

TEST(msgsnd_after_with_receiver, VERIFIES(msgsnd_wake_matching_receiver))
{
        int queue = new_queue(0600);
        struct child receiver;

        CHILD(&receiver) {
                struct message message;
                here(&receiver, 1);
                EQ(msgsnd_wake_matching_receiver, msgrcv(queue, &message, sizeof(message.text), VICTIMS_TYPE, 0), VICTIMS_TEXT);
                HOLDS(msgsnd_wake_matching_receiver, text_is(&message, VICTIMS_TEXT, victims_text));
        }
        UNTIL(blocked(&receiver));
        crash("msgsnd", queue, "sysv/msg/msgsnd", "after", 1);
        EVENTUALLY(msgsnd_wake_matching_receiver, returned(&receiver));
        join(&receiver);
}

TEST(msgrcv_at_entry_and_after, VERIFIES(exit_queues_persist))
{
        int queue = new_queue(0600);

        post(queue, VICTIMS_TYPE, victims_text);
        post(queue, VICTIMS_TYPE, victims_text);
        crash("msgrcv", queue, "sysv/msg/msgrcv", "entry", 1);
        EQ(exit_queues_persist, QNUM(queue), 2);
        crash("msgrcv", queue, "sysv/msg/msgrcv", "after", 1);
        EQ(exit_queues_persist, QNUM(queue), 1);
        HOLDS(exit_queues_persist, takes_victims(queue));
        FAILS_WITH(exit_queues_persist, ENOMSG, take(queue, 0));
        EQ(exit_queues_persist, CBYTES(queue), 0);
}

TEST(msgrcv_blocked, VERIFIES(exit_blocked_msgrcv_kill))
{
        int queue = new_queue(0600);

        post(queue, 1, before);
        crash("msgrcv", queue, "sysv/msg/msgrcv", "blocked", 1);
        post(queue, VICTIMS_TYPE, victims_text);
        EQ(exit_blocked_msgrcv_kill, QNUM(queue), 2);
        EQ(exit_blocked_msgrcv_kill, take(queue, 1), 1);
        HOLDS(exit_blocked_msgrcv_kill, takes_victims(queue));
}

TEST(msgrcv_after_with_sender, VERIFIES(msgrcv_wake_sender))
{
        int queue = new_queue_for(VICTIMS_TEXT, 0600);
        struct child sender;

        post(queue, VICTIMS_TYPE, victims_text);
        CHILD(&sender) {
                here(&sender, 1);
                EQ(msgrcv_wake_sender, put(queue, 2, 1, 0), 0);
        }
        UNTIL(blocked(&sender));
        crash("msgrcv", queue, "sysv/msg/msgrcv", "after", 1);
        EVENTUALLY(msgrcv_wake_sender, returned(&sender));
        join(&sender);
        EQ(msgrcv_wake_sender, take(queue, 0), 2);
}

TEST(msgctl, VERIFIES(exit_queues_persist, msgctl_rmid_removes, msgctl_rmid_wakes_receivers))
{
        int queue = new_queue(0600);
        struct child receiver;

        post(queue, 1, before);
        CHILD(&receiver) {
                struct message message;
                here(&receiver, 1);
                FAILS_WITH(msgctl_rmid_wakes_receivers, EIDRM, msgrcv(queue, &message, sizeof(message.text), 2, 0));
        }
        UNTIL(blocked(&receiver));
        crash("msgctl", queue, "sysv/msg/msgctl", "entry", 1);
        EQ(exit_queues_persist, QNUM(queue), 1);
        HOLDS(msgctl_rmid_wakes_receivers, blocked(&receiver));
        crash("msgctl", queue, "sysv/msg/msgctl", "after", 1);
        FAILS_WITH(msgctl_rmid_removes, EINVAL, take(queue, 0));
        EVENTUALLY(msgctl_rmid_wakes_receivers, returned(&receiver));
        join(&receiver);
}
