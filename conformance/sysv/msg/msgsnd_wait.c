/* SPDX-License-Identifier: MIT
 *
 * msgsnd(): callers that wait for room on the queue, and what lets them go on.
 */
#include <linux/capability.h>

#include "ipck_msg.h"

/* A child that waits to send a message, and must come back with success. */
static void start_sender(struct child *c, enum ipck_requirement req, int queue, long type, size_t size)
{
        CHILD(c) {
                here(c, 1);
                EQ(req, put(queue, type, size, 0), 0);
        }
        UNTIL(settled(c));
        HOLDS(req, !returned(c));
}

TEST(sender_waits_for_a_receive, VERIFIES(msgsnd_block_until_space))
{
        static const struct {
                const char *name;
                size_t qbytes;
                int messages;
                size_t size;            /* of each on the queue */
                size_t sent;            /* what waits: fits when one of them is gone */
        } rows[] = {
                {"full to the last byte", 100, 1, 100, 1},
                {"full, same size", 100, 2, 50, 50},
                {"one byte short", 100, 1, 60, 41},
                {"message as large as the queue", 100, 1, 1, 100},
                {"full by number", 3, 3, 0, 0},
                {"full by number, text", 3, 3, 0, 3},
        };

        EACH_ROW(row, rows) {
                const int queue = new_queue_for(row->qbytes, 0600);
                struct message got;
                struct child sender;

                for (int i = 0; i < row->messages; i++)
                        MUST(put(queue, 1, row->size, IPC_NOWAIT));
                const struct queue_view before = view_of_queue(queue);
                start_sender(&sender, msgsnd_block_until_space, queue, 2, row->sent);
                const struct queue_view waiting = view_of_queue(queue);
                HOLDS(msgsnd_block_until_space, same_queue_view(&before, &waiting));

                MUST(take(queue, 1));
                EVENTUALLY(msgsnd_block_until_space, returned(&sender));
                EQ(msgsnd_block_until_space, QNUM(queue), row->messages);
                EQ(msgsnd_block_until_space, take_message(queue, &got, 2), row->sent);
                HOLDS(msgsnd_block_until_space, has_pattern(got.text, row->sent, 2));
                join(&sender);
        }
}

/* The queue is the message's place from then on: it comes behind those that were there, and behind no later one. */
TEST(message_that_waited_comes_last, VERIFIES(msgsnd_block_until_space, msgsnd_order_fifo))
{
        const int queue = new_queue_for(30, 0600);
        struct child sender;

        for (long type = 1; type <= 3; type++)
                MUST(put(queue, type, 10, 0));
        start_sender(&sender, msgsnd_block_until_space, queue, 4, 10);
        MUST(take(queue, 2));
        EVENTUALLY(msgsnd_block_until_space, returned(&sender));
        MUST(take(queue, 1));
        MUST(put(queue, 5, 10, 0));
        for (long type = 3; type <= 5; type++)
                EQ(msgsnd_order_fifo, take(queue, 0), type);
        join(&sender);
}

TEST(receive_that_leaves_too_little_room_does_not_help, VERIFIES(msgsnd_block_until_space))
{
        const int queue = new_queue_for(100, 0600), other = new_queue_for(100, 0600);
        struct child sender;

        for (int i = 0; i < 4; i++)
                MUST(put(queue, 1, 25, 0));
        MUST(put(other, 1, 100, 0));
        start_sender(&sender, msgsnd_block_until_space, queue, 2, 80);
        MUST(take(other, 0));
        for (int i = 0; i < 4; i++) {
                UNTIL(settled(&sender));
                HOLDS(msgsnd_block_until_space, !returned(&sender));
                EQ(msgsnd_block_until_space, QNUM(queue), 4 - i);
                MUST(take(queue, 0));
        }
        EVENTUALLY(msgsnd_block_until_space, returned(&sender));
        EQ(msgsnd_block_until_space, CBYTES(queue), 80);
        join(&sender);
}

/* It may have room for itself until somebody is quicker; then it waits on, and is not forgotten. */
TEST(sender_that_comes_too_late_waits_on, VERIFIES(msgsnd_block_until_space))
{
        const int queue = new_queue_for(10, 0600);
        struct child sender;

        MUST(put(queue, 1, 10, 0));
        start_sender(&sender, msgsnd_block_until_space, queue, 2, 10);
        for (int i = 0; i < 200 && take(queue, 1) == 1; i++) {
                put(queue, 1, 10, IPC_NOWAIT);
                UNTIL(settled(&sender));
                EQ(msgsnd_block_until_space, QNUM(queue), 1);
        }
        take(queue, 1);
        EVENTUALLY(msgsnd_block_until_space, returned(&sender));
        EQ(msgsnd_block_until_space, take(queue, 0), 2);
        EQ(msgsnd_block_until_space, QNUM(queue), 0);
        join(&sender);
}

/* ---- several senders ---- */

TEST(one_receive_lets_several_go_on, VERIFIES(msgsnd_block_multi_senders))
{
        enum { SENDERS = 5 };
        static const struct {
                const char *name;
                size_t size;
                int fit;                /* of five in 100 bytes */
        } rows[] = {{"all fit", 20, 5}, {"all fit, some room left", 7, 5}, {"three fit", 30, 3}, {"one fits", 90, 1}};

        EACH_ROW(row, rows) {
                const int queue = new_queue_for(100, 0600);
                struct child sender[SENDERS];

                MUST(put(queue, 9, 100, 0));
                for (int i = 0; i < SENDERS; i++)
                        start_sender(&sender[i], msgsnd_block_multi_senders, queue, i + 1, row->size);
                MUST(take(queue, 9));
                EVENTUALLY(msgsnd_block_multi_senders, (int)QNUM(queue) == row->fit);
                /* The others have what they need when those that were first are gone: each receive helps one. */
                for (int left = SENDERS - row->fit; left > 0; left--) {
                        for (int i = 0; i < SENDERS; i++)
                                UNTIL(settled(&sender[i]));
                        EQ(msgsnd_block_multi_senders, QNUM(queue), row->fit);
                        MUST(take(queue, 0));
                        EVENTUALLY(msgsnd_block_multi_senders, (int)QNUM(queue) == row->fit);
                }
                for (int i = 0; i < SENDERS; i++) {
                        EVENTUALLY(msgsnd_block_multi_senders, returned(&sender[i]));
                        join(&sender[i]);
                }
        }
}

TEST(large_messages_do_not_hold_up_those_that_fit, VERIFIES(msgsnd_block_large_then_small))
{
        /* Sizes in the order of the senders' arrival, where 30 bytes become free. */
        static const struct {
                const char *name;
                size_t size[3];
        } rows[] = {
                {"large, small", {80, 10, 20}}, {"just too large, small", {31, 10, 20}},
                {"small, large, small", {10, 100, 20}}, {"large, large, small", {31, 99, 30}},
        };

        EACH_ROW(row, rows) {
                const int queue = new_queue_for(100, 0600);
                struct child sender[3];

                MUST(put(queue, 8, 70, 0));
                MUST(put(queue, 9, 30, 0));
                for (int i = 0; i < 3; i++)
                        start_sender(&sender[i], msgsnd_block_large_then_small, queue, i + 1, row->size[i]);
                MUST(take(queue, 9));
                for (int i = 0; i < 3; i++) {
                        if (row->size[i] <= 30)
                                EVENTUALLY(msgsnd_block_large_then_small, returned(&sender[i]));
                        UNTIL(settled(&sender[i]));
                        EQ(msgsnd_block_large_then_small, returned(&sender[i]), row->size[i] <= 30);
                }
                EQ(msgsnd_block_large_then_small, CBYTES(queue), 100);
                set_queue_bytes(queue, 1000);
                for (int i = 0; i < 3; i++) {
                        EVENTUALLY(msgsnd_block_large_then_small, returned(&sender[i]));
                        join(&sender[i]);
                }
        }
}

TEST(message_that_fits_is_not_held_up, VERIFIES(msgsnd_block_nowait_bypass))
{
        const int queue = new_queue_for(100, 0600);
        struct child large, small;

        MUST(put(queue, 1, 70, 0));
        start_sender(&large, msgsnd_block_nowait_bypass, queue, 2, 40);
        EQ(msgsnd_block_nowait_bypass, put(queue, 3, 10, IPC_NOWAIT), 0);
        EQ(msgsnd_block_nowait_bypass, put(queue, 4, 0, IPC_NOWAIT), 0);
        CHILD(&small)
                EQ(msgsnd_block_nowait_bypass, put(queue, 5, 20, 0), 0);
        EVENTUALLY(msgsnd_block_nowait_bypass, returned(&small));
        join(&small);
        HOLDS(msgsnd_block_nowait_bypass, !returned(&large));
        EQ(msgsnd_block_nowait_bypass, CBYTES(queue), 100);
        EQ(msgsnd_block_nowait_bypass, take(queue, 0), 1);
        EVENTUALLY(msgsnd_block_nowait_bypass, returned(&large));
        join(&large);
}

/* ---- IPC_SET ---- */

TEST(more_room_lets_senders_go_on, VERIFIES(msgsnd_block_ipcset_raise))
{
        static const struct {
                const char *name;
                size_t qbytes, size, sent;      /* a message on the queue for so many bytes, one that waits */
                size_t too_little, enough;
        } rows[] = {
                {"by bytes", 100, 100, 50, 149, 150},
                {"message larger than the queue", 10, 1, 50, 50, 51},
                {"by number", 1, 0, 0, 1, 2},
                {"from a queue for nothing", 0, 0, 10, 9, 11},
        };

        EACH_ROW(row, rows) {
                const int queue = new_queue_for(1000, 0600);
                struct child sender;

                MUST(put(queue, 1, row->size, 0));
                set_queue_bytes(queue, row->qbytes);
                start_sender(&sender, msgsnd_block_ipcset_raise, queue, 2, row->sent);
                set_queue_bytes(queue, row->too_little);
                UNTIL(settled(&sender));
                HOLDS(msgsnd_block_ipcset_raise, !returned(&sender));
                EQ(msgsnd_block_ipcset_raise, QNUM(queue), 1);
                set_queue_bytes(queue, row->enough);
                EVENTUALLY(msgsnd_block_ipcset_raise, returned(&sender));
                EQ(msgsnd_block_ipcset_raise, QNUM(queue), 2);
                join(&sender);
        }
}

TEST(more_room_lets_several_senders_go_on, VERIFIES(msgsnd_block_ipcset_raise, msgsnd_block_multi_senders))
{
        const int queue = new_queue_for(10, 0600);
        struct child sender[4];

        MUST(put(queue, 1, 10, 0));
        for (int i = 0; i < 4; i++)
                start_sender(&sender[i], msgsnd_block_multi_senders, queue, 2, 20);
        set_queue_bytes(queue, 90);
        for (int i = 0; i < 4; i++) {
                EVENTUALLY(msgsnd_block_ipcset_raise, returned(&sender[i]));
                join(&sender[i]);
        }
        EQ(msgsnd_block_multi_senders, CBYTES(queue), 90);
}

TEST(sender_without_permission_any_more_is_refused, VERIFIES(msgsnd_block_perm_revoked))
{
        static const struct {
                const char *name;
                bool by_receive;                /* what makes room: a receive, or IPC_SET itself */
        } rows[] = {{"room by a receive", true}, {"room by IPC_SET", false}};

        EACH_ROW(row, rows) {
                const int queue = new_queue_for(100, 0600);
                struct child sender;

                MUST(put(queue, 1, 100, 0));
                CHILD(&sender) {
                        drop_all_capabilities();
                        here(&sender, 1);
                        FAILS_WITH(msgsnd_block_perm_revoked, EACCES, put(queue, 2, 10, 0));
                }
                UNTIL(settled(&sender));
                /* It is asked again when there is room, and not before. */
                set_queue_mode(queue, 0400);
                UNTIL(settled(&sender));
                HOLDS(msgsnd_block_perm_revoked, !returned(&sender));
                if (row->by_receive)
                        MUST(take(queue, 0));
                else
                        set_queue_bytes(queue, 110);
                EVENTUALLY(msgsnd_block_perm_revoked, returned(&sender));
                EQ(msgsnd_block_perm_revoked, QNUM(queue), !row->by_receive);
                join(&sender);
        }
}

TEST(permission_that_comes_back_in_time_is_enough, VERIFIES(msgsnd_block_perm_revoked))
{
        const int queue = new_queue_for(100, 0600);
        struct child sender;

        MUST(put(queue, 1, 100, 0));
        CHILD(&sender) {
                drop_all_capabilities();
                here(&sender, 1);
                EQ(msgsnd_block_perm_revoked, put(queue, 2, 10, 0), 0);
        }
        UNTIL(settled(&sender));
        set_queue_mode(queue, 0400);
        set_queue_mode(queue, 0600);
        MUST(take(queue, 0));
        EVENTUALLY(msgsnd_block_perm_revoked, returned(&sender));
        EQ(msgsnd_block_perm_revoked, QNUM(queue), 1);
        join(&sender);
}

/* The wake-up of one who may not send any more is not lost for those behind. */
TEST(refused_sender_does_not_hold_up_the_next, VERIFIES(msgsnd_block_perm_revoked, msgsnd_block_multi_senders))
{
        const int queue = new_queue_for(100, 0600);
        struct child refused, next;

        if (!has_capability(CAP_IPC_OWNER))
                UNSUPPORTED("CAP_IPC_OWNER, for a sender to whom the mode does not matter");
        MUST(put(queue, 1, 100, 0));
        CHILD(&refused) {
                drop_all_capabilities();
                here(&refused, 1);
                FAILS_WITH(msgsnd_block_perm_revoked, EACCES, put(queue, 2, 100, 0));
        }
        UNTIL(settled(&refused));
        start_sender(&next, msgsnd_block_multi_senders, queue, 3, 100);
        set_queue_mode(queue, 0400);
        MUST(take(queue, 0));
        EVENTUALLY(msgsnd_block_perm_revoked, returned(&refused));
        EVENTUALLY(msgsnd_block_multi_senders, returned(&next));
        EQ(msgsnd_block_multi_senders, take(queue, 0), 3);
        join(&refused);
        join(&next);
}
