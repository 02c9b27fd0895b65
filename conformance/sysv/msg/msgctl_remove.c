/* SPDX-License-Identifier: MIT
 *
 * msgctl() IPC_RMID: nothing of the queue remains, who waited on it is told, and nothing else is lost.
 */
#include "ipck_msg.h"

/* ---- the queue ---- */

TEST(removed_identifier_fails_everywhere, VERIFIES(msgctl_rmid_removes))
{
        const int queue = new_queue(0600);
        struct message message;
        struct msqid_ds ds;

        for (int i = 1; i <= 3; i++)
                MUST(put(queue, i, 10, IPC_NOWAIT));
        MUST(msgctl(queue, IPC_STAT, &ds));
        MUST(msgctl(queue, IPC_SET, &ds));
        MUST(take_message(queue, &message, 0));
        EQ(msgctl_rmid_removes, msgctl(queue, IPC_RMID, NULL), 0);
        FAILS_WITH(msgctl_rmid_removes, EINVAL, msgctl(queue, IPC_STAT, &ds));
        FAILS_WITH(msgctl_rmid_removes, EINVAL, msgctl(queue, IPC_SET, &ds));
        FAILS_WITH(msgctl_rmid_removes, EINVAL, msgctl(queue, IPC_RMID, NULL));
        FAILS_WITH(msgctl_rmid_removes, EINVAL, put(queue, 4, 10, IPC_NOWAIT));
        FAILS_WITH(msgctl_rmid_removes, EINVAL, put(queue, 4, 10, 0));
        FAILS_WITH(msgctl_rmid_removes, EINVAL, take_message(queue, &message, 0));
        FAILS_WITH(msgctl_rmid_removes, EINVAL, msgrcv(queue, &message, sizeof(message.text), 0, 0));
}

TEST(queue_made_again_with_the_key_is_empty, VERIFIES(msgctl_rmid_removes))
{
        const key_t key = fresh_key();
        const int queue = queue_must_fit(msgget(key, IPC_CREAT | IPC_EXCL | 0600));

        for (int i = 1; i <= 3; i++)
                MUST(put(queue, i, 10, IPC_NOWAIT));
        REQUIRE(msgget(key, 0) == queue);
        EQ(msgctl_rmid_removes, msgctl(queue, IPC_RMID, NULL), 0);
        EQ(msgctl_rmid_removes, msgget(key, 0), -1);
        const int next = msgget(key, IPC_CREAT | IPC_EXCL | 0600);
        HOLDS(msgctl_rmid_removes, next != -1 && next != queue);
        EQ(msgctl_rmid_removes, QNUM(next), 0);
        EQ(msgctl_rmid_removes, CBYTES(next), 0);
        FAILS_WITH(msgctl_rmid_removes, ENOMSG, take(next, 0));
        FAILS_WITH(msgctl_rmid_removes, EINVAL, take(queue, 0));
}

TEST(other_queues_survive_a_removal, VERIFIES(msgctl_rmid_removes))
{
        struct queue_view before[3];
        int queues[3];

        for (int i = 0; i < 3; i++) {
                queues[i] = new_queue(0600);
                post(queues[i], 7 + i, "kept");
                before[i] = view_of_queue(queues[i]);
        }
        EQ(msgctl_rmid_removes, msgctl(queues[1], IPC_RMID, NULL), 0);
        FAILS_WITH(msgctl_rmid_removes, EINVAL, take(queues[1], 0));
        for (int i = 0; i < 3; i += 2) {
                const struct queue_view after = view_of_queue(queues[i]);

                HOLDS(msgctl_rmid_removes, same_queue_view(&before[i], &after));
                EQ(msgctl_rmid_removes, take(queues[i], 0), 7 + i);
        }
}

TEST(removal_is_seen_by_other_processes, VERIFIES(msgctl_rmid_removes))
{
        const int queue = new_queue(0600);
        struct child remover;

        post(queue, 1, "text");
        CHILD(&remover)
                EQ(msgctl_rmid_removes, msgctl(queue, IPC_RMID, NULL), 0);
        join(&remover);
        FAILS_WITH(msgctl_rmid_removes, EINVAL, take(queue, 0));
}

TEST(removal_needs_no_buffer, VERIFIES(msgctl_rmid_null_buf))
{
        const int empty = new_queue(0600), full = new_queue(0600);

        post(full, 1, "text");
        EQ(msgctl_rmid_null_buf, msgctl(empty, IPC_RMID, NULL), 0);
        EQ(msgctl_rmid_null_buf, msgctl(full, IPC_RMID, NULL), 0);
        FAILS_WITH(msgctl_rmid_null_buf, EINVAL, take(empty, 0));
        FAILS_WITH(msgctl_rmid_null_buf, EINVAL, take(full, 0));
}

TEST(second_removal_fails, VERIFIES(msgctl_rmid_twice))
{
        const int queue = new_queue(0600), other = new_queue(0600);

        EQ(msgctl_rmid_twice, msgctl(queue, IPC_RMID, NULL), 0);
        FAILS_WITH(msgctl_rmid_twice, EINVAL, msgctl(queue, IPC_RMID, NULL));
        EQ(msgctl_rmid_twice, QNUM(other), 0);
        EQ(msgctl_rmid_twice, msgctl(other, IPC_RMID, NULL), 0);
        FAILS_WITH(msgctl_rmid_twice, EINVAL, msgctl(queue, IPC_RMID, NULL));
}

TEST(second_removal_spares_the_next_queue, VERIFIES(msgctl_rmid_twice))
{
        const key_t key = fresh_key();
        const int queue = queue_must_fit(msgget(key, IPC_CREAT | 0600));

        EQ(msgctl_rmid_twice, msgctl(queue, IPC_RMID, NULL), 0);
        const int next = queue_must_fit(msgget(key, IPC_CREAT | 0600));
        post(next, 7, "kept");
        FAILS_WITH(msgctl_rmid_twice, EINVAL, msgctl(queue, IPC_RMID, NULL));
        EQ(msgctl_rmid_twice, take(next, 0), 7);
}

/* ---- who waits ---- */

enum { WAITERS = 4 };

static bool all_blocked(const struct child waiters[WAITERS])
{
        for (int i = 0; i < WAITERS; i++)
                if (!blocked(&waiters[i]))
                        return false;
        return true;
}

static bool all_returned(const struct child waiters[WAITERS])
{
        for (int i = 0; i < WAITERS; i++)
                if (!returned(&waiters[i]))
                        return false;
        return true;
}

TEST(blocked_receivers_learn_of_the_removal, VERIFIES(msgctl_rmid_wakes_receivers))
{
        static const struct {
                int flags;
                long type;
        } wait_for[WAITERS] = {{0, 7}, {0, -8}, {MSG_NOERROR, 11}, {MSG_EXCEPT, 9}};
        const int queue = new_queue(0600);
        struct child waiters[WAITERS];

        /* What is there is for none of them. */
        post(queue, 9, "text");
        for (int i = 0; i < WAITERS; i++)
                CHILD(&waiters[i]) {
                        struct message message = {.type = 0};

                        here(&waiters[i], 1);
                        FAILS_WITH(msgctl_rmid_wakes_receivers, EIDRM,
                                   msgrcv(queue, &message, sizeof(message.text), wait_for[i].type, wait_for[i].flags));
                }
        UNTIL(all_blocked(waiters));
        MUST(msgctl(queue, IPC_RMID, NULL));
        EVENTUALLY(msgctl_rmid_wakes_receivers, all_returned(waiters));
        for (int i = 0; i < WAITERS; i++)
                join(&waiters[i]);
}

TEST(blocked_senders_learn_of_the_removal, VERIFIES(msgctl_rmid_wakes_senders))
{
        static const size_t sizes[WAITERS] = {1, 5, 10, 3};
        const int queue = new_queue_for(10, 0600);
        struct child waiters[WAITERS];

        MUST(put(queue, 1, 10, IPC_NOWAIT));
        for (int i = 0; i < WAITERS; i++)
                CHILD(&waiters[i]) {
                        here(&waiters[i], 1);
                        FAILS_WITH(msgctl_rmid_wakes_senders, EIDRM, put(queue, 2, sizes[i], 0));
                }
        UNTIL(all_blocked(waiters));
        MUST(msgctl(queue, IPC_RMID, NULL));
        EVENTUALLY(msgctl_rmid_wakes_senders, all_returned(waiters));
        for (int i = 0; i < WAITERS; i++)
                join(&waiters[i]);
}

TEST(removal_concerns_waiters_of_that_queue_alone, VERIFIES(msgctl_rmid_wakes_receivers, msgctl_rmid_wakes_senders))
{
        const int queue = new_queue(0600), empty = new_queue(0600), full = new_queue_for(4, 0600);
        struct child receiver, sender;

        post(full, 1, "text");
        CHILD(&receiver) {
                struct message message = {.type = 0};

                here(&receiver, 1);
                EQ(msgctl_rmid_wakes_receivers, msgrcv(empty, &message, sizeof(message.text), 0, 0), 4);
        }
        CHILD(&sender) {
                here(&sender, 1);
                EQ(msgctl_rmid_wakes_senders, put(full, 2, 4, 0), 0);
        }
        UNTIL(blocked(&receiver) && blocked(&sender));
        MUST(msgctl(queue, IPC_RMID, NULL));
        HOLDS(msgctl_rmid_wakes_receivers, !returned(&receiver));
        HOLDS(msgctl_rmid_wakes_senders, !returned(&sender));
        post(empty, 1, "last");
        MUST(take(full, 1));
        EVENTUALLY(msgctl_rmid_wakes_receivers, returned(&receiver));
        EVENTUALLY(msgctl_rmid_wakes_senders, returned(&sender));
        join(&receiver);
        join(&sender);
}

/* ---- what it held ---- */

TEST(totals_fall_by_what_the_queue_held, VERIFIES(msgctl_rmid_accounting))
{
        const int kept = new_queue(0600);

        post(kept, 1, "twelve bytes");
        const struct msginfo before = msg_usage();
        /* Several times: too little or too much given back would add up. */
        for (int round = 1; round <= 10; round++) {
                const int queue = new_queue(0600);

                for (int i = 0; i < round; i++)
                        MUST(put(queue, 1, (size_t)i, IPC_NOWAIT));
                MUST(take(queue, 1));
                EQ(msgctl_rmid_accounting, msg_usage().msgmap, before.msgmap + round - 1);
                EQ(msgctl_rmid_accounting, msg_usage().msgtql, before.msgtql + (round - 1) * round / 2);
                MUST(msgctl(queue, IPC_RMID, NULL));
                EQ(msgctl_rmid_accounting, msg_usage().msgmap, before.msgmap);
                EQ(msgctl_rmid_accounting, msg_usage().msgtql, before.msgtql);
        }
}
