/* SPDX-License-Identifier: MIT
 *
 * msgrcv(): what a call that has room enough stores in the buffer, and what it returns.
 */
#include <limits.h>

#include "ipck_msg.h"

enum { CANARY = 0x5a };

/* Lengths round those at which an implementation may cut a message in pieces. */
static const struct {
        const char *name;
        size_t length;
} lengths[] = {
        {"1", 1}, {"2", 2}, {"3", 3}, {"7", 7}, {"8", 8}, {"9", 9}, {"100", 100}, {"255", 255}, {"256", 256},
        {"4047", 4047}, {"4048", 4048}, {"4049", 4049}, {"4095", 4095}, {"4096", 4096}, {"4097", 4097}, {"8136", 8136},
        {"8137", 8137}, {"8192", 8192},
};

TEST(result_is_the_length, VERIFIES(msgrcv_ret_len))
{
        const int queue = new_queue(0600);

        EACH_ROW(row, lengths) {
                struct message message;

                if (is_too_long(row->length))
                        continue;
                MUST(put(queue, 3, row->length, IPC_NOWAIT));
                EQ(msgrcv_ret_len, take_message(queue, &message, 0), row->length);
                HOLDS(msgrcv_ret_len, has_pattern(message.text, row->length, 3));
                /* With no byte to spare. */
                MUST(put(queue, 4, row->length, IPC_NOWAIT));
                EQ(msgrcv_ret_len, msgrcv(queue, &message, row->length, 0, IPC_NOWAIT), row->length);
                HOLDS(msgrcv_ret_len, has_pattern(message.text, row->length, 4));
        }
        /* Of a message that is cut, those that were stored. */
        post(queue, 5, "first and last");
        EQ(msgrcv_ret_len, msgrcv(queue, &(struct message){0}, 5, 0, MSG_NOERROR | IPC_NOWAIT), 5);
        post(queue, 5, "all");
        EQ(msgrcv_ret_len, msgrcv(queue, &(struct message){0}, 5, 0, MSG_NOERROR | IPC_NOWAIT), 3);
}

TEST(result_is_the_length_of_the_message_selected, VERIFIES(msgrcv_ret_len))
{
        const int queue = new_queue(0600);

        post(queue, 3, "some text");
        post(queue, 1, "");
        post(queue, 2, "more");
        EQ(msgrcv_ret_len, take_message(queue, &(struct message){0}, 2), 4);
        EQ(msgrcv_ret_len, take_message(queue, &(struct message){0}, -3), 0);
        EQ(msgrcv_ret_len, take_message(queue, &(struct message){0}, 0), 9);
}

TEST(message_without_text_is_received, VERIFIES(msgrcv_ret_len0, msgrcv_buf_no_overrun))
{
        static const struct {
                const char *name;
                long msgtyp;
                size_t msgsz;
                int msgflg;
        } rows[] = {
                {"room for text", 0, 100, IPC_NOWAIT},
                {"no room for text", 0, 0, IPC_NOWAIT},
                {"by type", 17, 0, IPC_NOWAIT},
                {"by the lowest type", -20, 100, IPC_NOWAIT},
                {"with MSG_NOERROR", 0, 0, IPC_NOWAIT | MSG_NOERROR},
        };
        const int queue = new_queue(0600);

        EACH_ROW(row, rows) {
                struct message message;

                memset(&message, CANARY, sizeof(message));
                post(queue, 17, "");
                EQ(msgrcv_ret_len0, msgrcv(queue, &message, row->msgsz, row->msgtyp, row->msgflg), 0);
                EQ(msgrcv_ret_len0, message.type, 17);
                HOLDS(msgrcv_buf_no_overrun, all_bytes(message.text, sizeof(message.text), CANARY));
                EQ(msgrcv_ret_len0, QNUM(queue), 0);
        }
}

TEST(waiting_receiver_gets_a_message_without_text, VERIFIES(msgrcv_ret_len0))
{
        const int queue = new_queue(0600);
        struct child receiver;

        CHILD(&receiver) {
                struct message message = {.type = -1};

                here(&receiver, 1);
                EQ(msgrcv_ret_len0, msgrcv(queue, &message, 0, 0, 0), 0);
                EQ(msgrcv_ret_len0, message.type, 17);
        }
        UNTIL(blocked(&receiver));
        post(queue, 17, "");
        EVENTUALLY(msgrcv_ret_len0, returned(&receiver));
        join(&receiver);
}

static const struct {
        const char *name;
        long type;
} types[] = {
        {"1", 1}, {"255", 255}, {"256", 256}, {"32768", 32768}, {"65536", 65536}, {"INT_MAX", INT_MAX},
        {"INT_MAX and one, where a long has it", INT_MAX < LONG_MAX ? (long)(INT_MAX + 1LL) : 2},
        {"a single high bit", LONG_MAX / 2 + 1}, {"LONG_MAX", LONG_MAX},
};

TEST(type_is_the_one_it_was_sent_with, VERIFIES(msgrcv_buf_type))
{
        const int queue = new_queue(0600);

        EACH_ROW(row, types) {
                static const int flags[] = {IPC_NOWAIT, IPC_NOWAIT | MSG_NOERROR};

                for (int i = 0; i < 2; i++) {
                        /* msgtyp is none of the buffer's business, nor what stood there. */
                        const long msgtyps[] = {0, row->type, -LONG_MAX};

                        for (int j = 0; j < 3; j++) {
                                struct message message = {.type = -1};

                                post(queue, row->type, "text");
                                EQ(msgrcv_buf_type, msgrcv(queue, &message, 4, msgtyps[j], flags[i]), 4);
                                EQ(msgrcv_buf_type, message.type, row->type);
                        }
                }
        }
}

TEST(waiting_receiver_gets_the_type, VERIFIES(msgrcv_buf_type))
{
        const int queue = new_queue(0600);

        EACH_ROW(row, types) {
                struct child receiver;

                CHILD(&receiver) {
                        struct message message = {.type = -1};

                        here(&receiver, 1);
                        EQ(msgrcv_buf_type, msgrcv(queue, &message, sizeof(message.text), -LONG_MAX, 0), 4);
                        EQ(msgrcv_buf_type, message.type, row->type);
                }
                UNTIL(blocked(&receiver));
                post(queue, row->type, "text");
                EVENTUALLY(msgrcv_buf_type, returned(&receiver));
                join(&receiver);
        }
}

TEST(bytes_behind_the_text_are_kept, VERIFIES(msgrcv_buf_no_overrun))
{
        const int queue = new_queue(0600);

        EACH_ROW(row, lengths) {
                struct message message;

                if (is_too_long(row->length))
                        continue;
                MUST(put(queue, 3, row->length, IPC_NOWAIT));
                memset(&message, CANARY, sizeof(message));
                EQ(msgrcv_buf_no_overrun, msgrcv(queue, &message, sizeof(message.text), 0, IPC_NOWAIT), row->length);
                HOLDS(msgrcv_buf_no_overrun,
                      all_bytes(message.text + row->length, sizeof(message.text) - row->length, CANARY));
        }
}

TEST(bytes_behind_the_text_are_kept_by_a_waiting_receiver, VERIFIES(msgrcv_buf_no_overrun))
{
        const int queue = new_queue(0600);
        struct child receiver;

        CHILD(&receiver) {
                struct message message;

                memset(&message, CANARY, sizeof(message));
                here(&receiver, 1);
                EQ(msgrcv_buf_no_overrun, msgrcv(queue, &message, sizeof(message.text), 0, 0), 4);
                HOLDS(msgrcv_buf_no_overrun, all_bytes(message.text + 4, sizeof(message.text) - 4, CANARY));
        }
        UNTIL(blocked(&receiver));
        post(queue, 3, "text");
        EVENTUALLY(msgrcv_buf_no_overrun, returned(&receiver));
        join(&receiver);
}

/* msgsz promises more memory than there is, and the message does not need it. */
TEST(memory_behind_the_text_is_not_touched, VERIFIES(msgrcv_buf_no_overrun))
{
        const int queue = new_queue(0600);

        EACH_ROW(row, lengths) {
                struct message *const message = guarded(offsetof(struct message, text) + row->length);

                if (is_too_long(row->length))
                        continue;
                MUST(put(queue, 3, row->length, IPC_NOWAIT));
                EQ(msgrcv_buf_no_overrun, msgrcv(queue, message, MESSAGE_ROOM, 0, IPC_NOWAIT), row->length);
                HOLDS(msgrcv_buf_no_overrun, has_pattern(message->text, row->length, 3));
        }
}
