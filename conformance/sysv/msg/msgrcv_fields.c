/* SPDX-License-Identifier: MIT
 *
 * msgrcv(): what a call that succeeds writes down in the queue's msqid_ds.
 */
#include "ipck_msg.h"

/* Ways to receive one of the messages 3 "three", 1 "" and 2, of 40 bytes. */
static const struct receipt {
        const char *name;
        size_t msgsz;
        long msgtyp;
        int msgflg;
        size_t length;          /* with which the message was sent */
} receipts[] = {
        {"the first", MESSAGE_ROOM, 0, IPC_NOWAIT, 5},
        {"without IPC_NOWAIT", MESSAGE_ROOM, 0, 0, 5},
        {"by type", MESSAGE_ROOM, 2, IPC_NOWAIT, 40},
        {"the lowest type, without text", MESSAGE_ROOM, -3, IPC_NOWAIT, 0},
        {"another type", MESSAGE_ROOM, 1, MSG_EXCEPT | IPC_NOWAIT, 5},
        {"into a buffer that just fits", 40, 2, IPC_NOWAIT, 40},
        {"cut", 7, 2, MSG_NOERROR | IPC_NOWAIT, 40},
        {"cut to nothing", 0, 3, MSG_NOERROR | IPC_NOWAIT, 5},
};
enum { RECEIPTS = sizeof(receipts) / sizeof(*receipts) };

static void fill(int queue)
{
        post(queue, 3, "three");
        post(queue, 1, "");
        MUST(put(queue, 2, 40, IPC_NOWAIT));
}

static ssize_t receive(int queue, const struct receipt *how)
{
        struct message message;

        return msgrcv(queue, &message, how->msgsz, how->msgtyp, how->msgflg);
}

static void empty(int queue)
{
        while (QNUM(queue) > 0)
                MUST(take(queue, 0));
}

TEST(number_of_messages_falls_by_one, VERIFIES(msgrcv_upd_qnum))
{
        const int queue = new_queue(0600);

        EACH_ROW(how, receipts) {
                fill(queue);
                MUST(receive(queue, how));
                EQ(msgrcv_upd_qnum, QNUM(queue), 2);
                for (int left = 2; left > 0; left--) {
                        MUST(take(queue, 0));
                        EQ(msgrcv_upd_qnum, QNUM(queue), left - 1);
                }
        }
}

TEST(number_of_bytes_falls_by_the_length, VERIFIES(msgrcv_upd_cbytes))
{
        const int queue = new_queue(0600);

        EACH_ROW(how, receipts) {
                fill(queue);
                MUST(receive(queue, how));
                EQ(msgrcv_upd_cbytes, CBYTES(queue), 45 - how->length);
                empty(queue);
                EQ(msgrcv_upd_cbytes, CBYTES(queue), 0);
        }
}

TEST(last_receiver_is_the_caller, VERIFIES(msgrcv_upd_lrpid))
{
        const int queue = new_queue(0600);

        EQ(msgrcv_upd_lrpid, stat_of_queue(queue).msg_lrpid, 0);
        EACH_ROW(how, receipts) {
                struct child receiver;

                fill(queue);
                CHILD(&receiver)
                        MUST(receive(queue, how));
                join(&receiver);
                EQ(msgrcv_upd_lrpid, stat_of_queue(queue).msg_lrpid, receiver.pid);
                /* And now this process. */
                empty(queue);
                EQ(msgrcv_upd_lrpid, stat_of_queue(queue).msg_lrpid, getpid());
        }
}

TEST(last_receiver_is_the_one_that_waited, VERIFIES(msgrcv_upd_lrpid))
{
        const int queue = new_queue(0600);

        EACH_ROW(how, receipts) {
                struct child receiver, sender;

                if (how->msgflg & IPC_NOWAIT)
                        continue;
                CHILD(&receiver) {
                        here(&receiver, 1);
                        MUST(receive(queue, how));
                }
                UNTIL(blocked(&receiver));
                CHILD(&sender)
                        post(queue, 3, "three");
                join(&sender);
                EVENTUALLY(msgrcv_upd_lrpid, returned(&receiver));
                EQ(msgrcv_upd_lrpid, stat_of_queue(queue).msg_lrpid, receiver.pid);
                join(&receiver);
        }
}

TEST(time_of_receipt_is_the_present_second, VERIFIES(msgrcv_upd_rtime), MOSTLY_WAITS)
{
        int queues[RECEIPTS];

        for (int i = 0; i < RECEIPTS; i++)
                queues[i] = new_queue(0600);
        EQ(msgrcv_upd_rtime, stat_of_queue(queues[0]).msg_rtime, 0);
        /* Late in a second: a time rounded to the nearest would lie in the future. Then once more, for the change. */
        moment_of_second(now(), 700000000);
        for (int turn = 0; turn < 2; turn++) {
                EACH_ROW(how, receipts) {
                        const int queue = queues[how - receipts];

                        fill(queue);
                        const time_t before = now();
                        MUST(receive(queue, how));
                        const time_t after = now();
                        BETWEEN(msgrcv_upd_rtime, before, stat_of_queue(queue).msg_rtime, after);
                        empty(queue);
                }
                next_second(now());
        }
}

/* Not the time at which it began to wait. */
TEST(time_of_receipt_is_that_of_the_end_of_a_wait, VERIFIES(msgrcv_upd_rtime), MOSTLY_WAITS)
{
        const int queue = new_queue(0600);
        struct child receiver;

        CHILD(&receiver) {
                here(&receiver, 1);
                MUST(msgrcv(queue, &(struct message){0}, MESSAGE_ROOM, 0, 0));
        }
        UNTIL(blocked(&receiver));
        next_second(now());
        const time_t before = now();
        post(queue, 3, "three");
        EVENTUALLY(msgrcv_upd_rtime, returned(&receiver));
        BETWEEN(msgrcv_upd_rtime, before, stat_of_queue(queue).msg_rtime, now());
        join(&receiver);
}
