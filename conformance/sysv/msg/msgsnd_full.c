/* SPDX-License-Identifier: MIT
 *
 * msgsnd() with IPC_NOWAIT: when a queue is full, by the bytes on it and by the number of its messages.
 */
#include "ipck_msg.h"

TEST(message_beyond_the_room_is_refused, VERIFIES(msgsnd_eagain_qbytes, msgsnd_eagain_exact_fit_ok))
{
        /* A queue for 80 bytes. */
        static const struct {
                const char *name;
                size_t messages, size;          /* on the queue */
                size_t fitting;                 /* what just fits */
        } rows[] = {
                {"empty queue", 0, 0, 80},
                {"one message", 1, 50, 30},
                {"several messages", 4, 15, 20},
                {"room for one byte", 1, 79, 1},
                {"messages of a byte", 40, 1, 40},
                {"messages without text", 40, 0, 80},
        };

        EACH_ROW(row, rows) {
                const int queue = new_queue_for(80, 0600);

                for (size_t i = 0; i < row->messages; i++)
                        MUST(put(queue, 1, row->size, IPC_NOWAIT));
                FAILS_WITH(msgsnd_eagain_qbytes, EAGAIN, put(queue, 2, row->fitting + 1, IPC_NOWAIT));
                EQ(msgsnd_eagain_exact_fit_ok, put(queue, 2, row->fitting, IPC_NOWAIT), 0);
                EQ(msgsnd_eagain_exact_fit_ok, QNUM(queue), row->messages + 1);
                EQ(msgsnd_eagain_exact_fit_ok, CBYTES(queue), 80);
                /* Now the number of bytes on the queue is equal to msg_qbytes. */
                FAILS_WITH(msgsnd_eagain_qbytes, EAGAIN, put(queue, 2, 1, IPC_NOWAIT));
                FAILS_WITH(msgsnd_eagain_qbytes, EAGAIN, put(queue, 2, 80, IPC_NOWAIT));
        }
}

/* A queue for so many bytes, with a message of so many where it has room for any. */
static void expect_no_wait(enum ipck_requirement req, size_t qbytes, size_t there, size_t size)
{
        const int queue = new_queue_for(qbytes, 0600);
        struct child sender;

        if (qbytes)
                MUST(put(queue, 1, there, IPC_NOWAIT));
        CHILD(&sender)
                FAILS_WITH(req, EAGAIN, put(queue, 2, size, IPC_NOWAIT));
        EVENTUALLY(req, returned(&sender));
        join(&sender);
}

TEST(nobody_waits_for_room, VERIFIES(msgsnd_eagain_qbytes))
{
        expect_no_wait(msgsnd_eagain_qbytes, 80, 80, 1);
}

TEST(nobody_waits_for_fewer_messages, VERIFIES(msgsnd_eagain_msgcount))
{
        expect_no_wait(msgsnd_eagain_msgcount, 1, 0, 0);
}

TEST(nobody_waits_where_there_is_never_room, VERIFIES(msgsnd_eagain_qbytes0))
{
        expect_no_wait(msgsnd_eagain_qbytes0, 0, 0, 0);
}

TEST(room_is_what_receives_and_limits_leave, VERIFIES(msgsnd_eagain_qbytes, msgsnd_eagain_exact_fit_ok))
{
        const int queue = new_queue_for(100, 0600);

        MUST(put(queue, 1, 60, IPC_NOWAIT));
        MUST(put(queue, 2, 40, IPC_NOWAIT));
        FAILS_WITH(msgsnd_eagain_qbytes, EAGAIN, put(queue, 3, 10, IPC_NOWAIT));
        MUST(take(queue, 2));
        FAILS_WITH(msgsnd_eagain_qbytes, EAGAIN, put(queue, 3, 41, IPC_NOWAIT));
        EQ(msgsnd_eagain_exact_fit_ok, put(queue, 3, 40, IPC_NOWAIT), 0);
        set_queue_bytes(queue, 110);
        FAILS_WITH(msgsnd_eagain_qbytes, EAGAIN, put(queue, 3, 11, IPC_NOWAIT));
        EQ(msgsnd_eagain_exact_fit_ok, put(queue, 3, 10, IPC_NOWAIT), 0);
}

/* There may be more on a queue than it has room for: what is missing is not taken for a very large number. */
TEST(limit_below_what_is_there_refuses, VERIFIES(msgsnd_eagain_qbytes, msgsnd_eagain_exact_fit_ok))
{
        const int queue = new_queue_for(100, 0600);

        for (int i = 0; i < 4; i++)
                MUST(put(queue, 1, 25, IPC_NOWAIT));
        set_queue_bytes(queue, 60);
        FAILS_WITH(msgsnd_eagain_qbytes, EAGAIN, put(queue, 2, 1, IPC_NOWAIT));
        MUST(take(queue, 0));
        FAILS_WITH(msgsnd_eagain_qbytes, EAGAIN, put(queue, 2, 1, IPC_NOWAIT));
        MUST(take(queue, 0));
        FAILS_WITH(msgsnd_eagain_qbytes, EAGAIN, put(queue, 2, 11, IPC_NOWAIT));
        EQ(msgsnd_eagain_exact_fit_ok, put(queue, 2, 10, IPC_NOWAIT), 0);
}

TEST(default_limit_is_kept_to_the_byte, VERIFIES(msgsnd_eagain_qbytes, msgsnd_eagain_exact_fit_ok))
{
        const int queue = new_queue(0600);
        const size_t qbytes = stat_of_queue(queue).msg_qbytes, most = (size_t)msg_limits().msgmax;
        const size_t piece = most < 5000 ? most / 2 : 2500;
        size_t left = qbytes;

        if (qbytes > 1 << 20 || piece == 0)
                UNSUPPORTED("a modest msg_qbytes and messages with text (%zu, kernel.msgmax: %zu)", qbytes, most);
        for (; left > piece; left -= piece)
                EQ(msgsnd_eagain_exact_fit_ok, put(queue, 1, piece, IPC_NOWAIT), 0);
        FAILS_WITH(msgsnd_eagain_qbytes, EAGAIN, put(queue, 1, left + 1, IPC_NOWAIT));
        EQ(msgsnd_eagain_exact_fit_ok, put(queue, 1, left, IPC_NOWAIT), 0);
        EQ(msgsnd_eagain_exact_fit_ok, CBYTES(queue), qbytes);
        FAILS_WITH(msgsnd_eagain_qbytes, EAGAIN, put(queue, 1, 1, IPC_NOWAIT));
}

/* A message does not pass a full queue by, though somebody waits for just that type. */
TEST(waiting_receiver_makes_no_room, VERIFIES(msgsnd_eagain_qbytes))
{
        const int queue = new_queue_for(100, 0600);
        struct child receiver;

        MUST(put(queue, 1, 100, 0));
        CHILD(&receiver) {
                struct message got;

                here(&receiver, 1);
                EQ(msgsnd_eagain_qbytes, msgrcv(queue, &got, sizeof(got.text), 2, 0), 10);
        }
        UNTIL(blocked(&receiver));
        FAILS_WITH(msgsnd_eagain_qbytes, EAGAIN, put(queue, 2, 10, IPC_NOWAIT));
        HOLDS(msgsnd_eagain_qbytes, !returned(&receiver));
        MUST(take(queue, 1));
        EQ(msgsnd_eagain_qbytes, put(queue, 2, 10, IPC_NOWAIT), 0);
        EVENTUALLY(msgsnd_eagain_qbytes, returned(&receiver));
        join(&receiver);
}

TEST(full_queue_does_not_concern_others, VERIFIES(msgsnd_eagain_qbytes, msgsnd_eagain_exact_fit_ok))
{
        const int full = new_queue_for(50, 0600), other = new_queue_for(50, 0600);

        MUST(put(full, 1, 50, IPC_NOWAIT));
        FAILS_WITH(msgsnd_eagain_qbytes, EAGAIN, put(full, 1, 50, IPC_NOWAIT));
        EQ(msgsnd_eagain_exact_fit_ok, put(other, 1, 50, IPC_NOWAIT), 0);
}

/* ---- by number ---- */

TEST(messages_are_counted_against_the_bytes, VERIFIES(msgsnd_eagain_msgcount), KERNEL_ALONE)
{
        static const struct {
                const char *name;
                size_t qbytes, with_text;       /* and as many without text as fit by number */
        } rows[] = {{"1, empty", 1, 0}, {"3, empty", 3, 0}, {"3, one of a byte", 3, 1}, {"40, empty", 40, 0},
                    {"40, some of a byte", 40, 20}, {"default", 0, 0}};

        EACH_ROW(row, rows) {
                const int queue = row->qbytes ? new_queue_for(row->qbytes, 0600) : new_queue(0600);
                const size_t qbytes = stat_of_queue(queue).msg_qbytes;

                if (qbytes > 1 << 20)
                        UNSUPPORTED("a modest default of msg_qbytes (%zu)", qbytes);
                for (size_t i = 0; i < qbytes; i++)
                        EQ(msgsnd_eagain_msgcount, put(queue, 1, i < row->with_text, IPC_NOWAIT), 0);
                FAILS_WITH(msgsnd_eagain_msgcount, EAGAIN, put(queue, 2, 0, IPC_NOWAIT));
                EQ(msgsnd_eagain_msgcount, QNUM(queue), qbytes);
                MUST(take(queue, 0));
                EQ(msgsnd_eagain_msgcount, put(queue, 2, 0, IPC_NOWAIT), 0);
                FAILS_WITH(msgsnd_eagain_msgcount, EAGAIN, put(queue, 2, 0, IPC_NOWAIT));
        }
}

TEST(short_message_is_refused_by_number_too, VERIFIES(msgsnd_eagain_msgcount))
{
        const int queue = new_queue_for(3, 0600);

        MUST(put(queue, 1, 0, IPC_NOWAIT));
        MUST(put(queue, 1, 1, IPC_NOWAIT));
        MUST(put(queue, 1, 1, IPC_NOWAIT));
        FAILS_WITH(msgsnd_eagain_msgcount, EAGAIN, put(queue, 1, 1, IPC_NOWAIT));
        MUST(take(queue, 0));
        EQ(msgsnd_eagain_msgcount, put(queue, 1, 1, IPC_NOWAIT), 0);
}

TEST(queue_for_no_bytes_takes_no_message, VERIFIES(msgsnd_eagain_qbytes0, msgsnd_eagain_qbytes))
{
        const int queue = new_queue_for(0, 0600);

        FAILS_WITH(msgsnd_eagain_qbytes0, EAGAIN, put(queue, 1, 0, IPC_NOWAIT));
        FAILS_WITH(msgsnd_eagain_qbytes, EAGAIN, put(queue, 1, 1, IPC_NOWAIT));
        EQ(msgsnd_eagain_qbytes0, QNUM(queue), 0);
        set_queue_bytes(queue, 1);
        EQ(msgsnd_eagain_qbytes0, put(queue, 1, 0, IPC_NOWAIT), 0);
}
