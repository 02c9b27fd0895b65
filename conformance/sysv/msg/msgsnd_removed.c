/* SPDX-License-Identifier: MIT
 *
 * msgsnd(): what becomes of callers whose queue is removed while they wait for room.
 */
#include "ipck_msg.h"

/* A child that waits to send, and must be told that the queue is gone. */
static void start_sender(struct child *c, int queue, long type, size_t size)
{
        CHILD(c) {
                here(c, 1);
                FAILS_WITH(msgsnd_eidrm_asleep, EIDRM, put(queue, type, size, 0));
        }
        UNTIL(blocked(c));
}

TEST(removal_ends_every_kind_of_wait, VERIFIES(msgsnd_eidrm_asleep, msgsnd_einval_badid))
{
        static const struct {
                const char *name;
                size_t qbytes, size;    /* of the queue, and of the message on it */
                size_t sent;
        } rows[] = {
                {"full by bytes", 100, 100, 10},
                {"too little room", 100, 50, 51},
                {"full by number", 1, 0, 0},
                {"message larger than the queue", 10, 0, 11},
        };

        EACH_ROW(row, rows) {
                const int queue = new_queue_for(row->qbytes, 0600);
                struct child sender;

                MUST(put(queue, 1, row->size, 0));
                CHILD(&sender) {
                        here(&sender, 1);
                        FAILS_WITH(msgsnd_eidrm_asleep, EIDRM, put(queue, 2, row->sent, 0));
                        /* Only the sleeper is told that the queue is gone: now it is just no identifier. */
                        FAILS_WITH(msgsnd_einval_badid, EINVAL, put(queue, 2, row->sent, 0));
                }
                UNTIL(blocked(&sender));
                MUST(msgctl(queue, IPC_RMID, NULL));
                EVENTUALLY(msgsnd_eidrm_asleep, returned(&sender));
                join(&sender);
        }
}

TEST(removal_wakes_all_senders_and_receivers, VERIFIES(msgsnd_eidrm_asleep))
{
        enum { SENDERS = 8 };
        const int queue = new_queue_for(100, 0600);
        struct child sender[SENDERS], receiver;

        MUST(put(queue, 1, 60, 0));
        for (int i = 0; i < SENDERS; i++)
                start_sender(&sender[i], queue, 2, 41 + (size_t)i * 7);
        /* A receiver that waits for none of them does not stand in their way. */
        CHILD(&receiver) {
                struct message got;

                here(&receiver, 1);
                FAILS_WITH(msgsnd_eidrm_asleep, EIDRM, msgrcv(queue, &got, sizeof(got.text), 7, 0));
        }
        UNTIL(blocked(&receiver));
        MUST(msgctl(queue, IPC_RMID, NULL));
        for (int i = 0; i < SENDERS; i++) {
                EVENTUALLY(msgsnd_eidrm_asleep, returned(&sender[i]));
                join(&sender[i]);
        }
        EVENTUALLY(msgsnd_eidrm_asleep, returned(&receiver));
        join(&receiver);
}

/* Those that woke up for room that was not enough for all, or were passed over, are in the list of sleepers still. */
TEST(removal_finds_senders_that_wait_for_the_second_time, VERIFIES(msgsnd_eidrm_asleep))
{
        const int queue = new_queue_for(100, 0600);
        struct child large, small;

        MUST(put(queue, 1, 70, 0));
        MUST(put(queue, 2, 30, 0));
        start_sender(&large, queue, 3, 80);
        CHILD(&small) {
                here(&small, 1);
                MUST(put(queue, 4, 30, 0));
        }
        UNTIL(blocked(&small));
        MUST(take(queue, 2));
        UNTIL(returned(&small) && blocked(&large));
        MUST(take(queue, 4));
        MUST(put(queue, 5, 30, IPC_NOWAIT));
        UNTIL(blocked(&large));
        MUST(msgctl(queue, IPC_RMID, NULL));
        EVENTUALLY(msgsnd_eidrm_asleep, returned(&large));
        join(&large);
        join(&small);
}

TEST(senders_of_another_queue_wait_on, VERIFIES(msgsnd_eidrm_asleep))
{
        struct child sender;
        int before, queue, behind;

        burn_queue_ids(3);
        before = new_queue_for(10, 0600);
        queue = new_queue_for(10, 0600);
        behind = new_queue_for(10, 0600);
        MUST(put(queue, 1, 10, 0));
        start_sender(&sender, queue, 2, 10);
        MUST(msgctl(before, IPC_RMID, NULL));
        MUST(msgctl(behind, IPC_RMID, NULL));
        UNTIL(blocked(&sender) || returned(&sender));
        HOLDS(msgsnd_eidrm_asleep, !returned(&sender));
        MUST(msgctl(queue, IPC_RMID, NULL));
        EVENTUALLY(msgsnd_eidrm_asleep, returned(&sender));
        join(&sender);
}

/* A queue made at once in the place of the removed one has nothing to do with those who waited for the old one. */
TEST(message_does_not_move_to_a_new_queue, VERIFIES(msgsnd_eidrm_asleep))
{
        const key_t key = fresh_key();
        const int old = queue_must_fit(msgget(key, IPC_CREAT | IPC_EXCL | 0600));
        struct child sender[2];
        int new;

        set_queue_bytes(old, 10);
        MUST(put(old, 1, 10, 0));
        for (int i = 0; i < 2; i++)
                start_sender(&sender[i], old, 2, 10);
        MUST(msgctl(old, IPC_RMID, NULL));
        new = queue_must_fit(msgget(key, IPC_CREAT | IPC_EXCL | 0600));
        EVENTUALLY(msgsnd_eidrm_asleep, returned(&sender[0]) && returned(&sender[1]));
        EQ(msgsnd_eidrm_asleep, QNUM(new), 0);
        EQ(msgsnd_eidrm_asleep, stat_of_queue(new).msg_lspid, 0);
        join(&sender[0]);
        join(&sender[1]);
}
