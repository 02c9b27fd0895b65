/* SPDX-License-Identifier: MIT
 *
 * msgrcv(): a message that is longer than the receiver's buffer, with MSG_NOERROR and without.
 */
#include "ipck_msg.h"

enum { CANARY = 0x5a };

/* A message of so many bytes for a buffer of fewer. Some are cut where an implementation may begin a new piece. */
static const struct cut {
        const char *name;
        size_t length, msgsz;
} cuts[] = {
        {"one byte", 10, 9}, {"most", 10, 1}, {"all", 10, 0}, {"one to none", 1, 0}, {"half", 1000, 500},
        {"at a page", 5000, 4096}, {"behind a page", 5000, 4097}, {"behind the first piece", 5000, 4048},
        {"in the first piece", 5000, 4047}, {"nearly nothing", 5000, 3}, {"a large one's last byte", 8192, 8191},
};

/* ---- MSG_NOERROR ---- */

TEST(first_bytes_are_received, VERIFIES(msgrcv_flag_noerror_truncate, msgrcv_flag_noerror_no_overrun))
{
        const int queue = new_queue(0600);

        EACH_ROW(row, cuts) {
                struct message message;

                if (is_too_long(row->length))
                        continue;
                memset(&message, CANARY, sizeof(message));
                MUST(put(queue, 3, row->length, IPC_NOWAIT));
                EQ(msgrcv_flag_noerror_truncate, msgrcv(queue, &message, row->msgsz, 0, MSG_NOERROR | IPC_NOWAIT),
                   row->msgsz);
                EQ(msgrcv_flag_noerror_truncate, message.type, 3);
                HOLDS(msgrcv_flag_noerror_truncate, has_pattern(message.text, row->msgsz, 3));
                HOLDS(msgrcv_flag_noerror_no_overrun,
                      all_bytes(message.text + row->msgsz, sizeof(message.text) - row->msgsz, CANARY));
        }
}

TEST(memory_behind_the_buffer_is_not_touched, VERIFIES(msgrcv_flag_noerror_no_overrun))
{
        const int queue = new_queue(0600);

        EACH_ROW(row, cuts) {
                struct message *const message = guarded(offsetof(struct message, text) + row->msgsz);

                if (is_too_long(row->length))
                        continue;
                MUST(put(queue, 3, row->length, IPC_NOWAIT));
                EQ(msgrcv_flag_noerror_no_overrun, msgrcv(queue, message, row->msgsz, 0, MSG_NOERROR | IPC_NOWAIT),
                   row->msgsz);
                HOLDS(msgrcv_flag_noerror_no_overrun, has_pattern(message->text, row->msgsz, 3));
        }
}

TEST(waiting_receiver_gets_the_first_bytes,
     VERIFIES(msgrcv_flag_noerror_truncate, msgrcv_flag_noerror_no_overrun, msgrcv_flag_noerror_no_residue))
{
        const int queue = new_queue(0600);
        struct child receiver;

        CHILD(&receiver) {
                struct message message;

                memset(&message, CANARY, sizeof(message));
                here(&receiver, 1);
                EQ(msgrcv_flag_noerror_truncate, msgrcv(queue, &message, 4, 0, MSG_NOERROR), 4);
                HOLDS(msgrcv_flag_noerror_truncate, text_is(&message, 4, "firs"));
                HOLDS(msgrcv_flag_noerror_no_overrun, all_bytes(message.text + 4, sizeof(message.text) - 4, CANARY));
        }
        UNTIL(blocked(&receiver));
        post(queue, 3, "first and last");
        EVENTUALLY(msgrcv_flag_noerror_truncate, returned(&receiver));
        join(&receiver);
        FAILS_WITH(msgrcv_flag_noerror_no_residue, ENOMSG, take(queue, 0));
}

TEST(rest_of_the_message_is_gone, VERIFIES(msgrcv_flag_noerror_no_residue))
{
        EACH_ROW(row, cuts) {
                const int queue = new_queue(0600);
                struct message message;

                if (is_too_long(row->length))
                        continue;
                MUST(put(queue, 3, row->length, IPC_NOWAIT));
                post(queue, 3, "next");
                EQ(msgrcv_flag_noerror_no_residue, msgrcv(queue, &message, row->msgsz, 0, MSG_NOERROR | IPC_NOWAIT),
                   row->msgsz);
                EQ(msgrcv_flag_noerror_no_residue, QNUM(queue), 1);
                EQ(msgrcv_flag_noerror_no_residue, take_message(queue, &message, 3), 4);
                HOLDS(msgrcv_flag_noerror_no_residue, text_is(&message, 4, "next"));
                FAILS_WITH(msgrcv_flag_noerror_no_residue, ENOMSG, take(queue, 0));
        }
}

TEST(message_that_fits_is_received_in_full, VERIFIES(msgrcv_flag_noerror_short))
{
        static const struct cut rows[] = {
                {"no byte to spare", 10, 10}, {"one byte to spare", 10, 11}, {"a large buffer", 10, MESSAGE_ROOM},
                {"no text, no room", 0, 0}, {"no text", 0, 5}, {"several pieces", 5000, 5000},
                {"several pieces, a large buffer", 5000, MESSAGE_ROOM},
        };
        const int queue = new_queue(0600);

        EACH_ROW(row, rows) {
                struct message message;

                if (is_too_long(row->length))
                        continue;
                MUST(put(queue, 3, row->length, IPC_NOWAIT));
                EQ(msgrcv_flag_noerror_short, msgrcv(queue, &message, row->msgsz, 0, MSG_NOERROR | IPC_NOWAIT),
                   row->length);
                EQ(msgrcv_flag_noerror_short, message.type, 3);
                HOLDS(msgrcv_flag_noerror_short, has_pattern(message.text, row->length, 3));
                FAILS_WITH(msgrcv_flag_noerror_short, ENOMSG, take(queue, 0));
        }
}

TEST(no_room_for_text_removes_the_message, VERIFIES(msgrcv_flag_noerror_size0))
{
        static const struct {
                const char *name;
                long msgtyp, type;
        } rows[] = {{"first", 0, 3}, {"by type", 2, 2}, {"the lowest type", -3, 1}};

        EACH_ROW(row, rows) {
                const int queue = new_queue(0600);
                struct message message = {.type = -1};

                post(queue, 3, "three");
                post(queue, 1, "one");
                post(queue, 2, "two");
                EQ(msgrcv_flag_noerror_size0, msgrcv(queue, &message, 0, row->msgtyp, MSG_NOERROR | IPC_NOWAIT), 0);
                EQ(msgrcv_flag_noerror_size0, message.type, row->type);
                EQ(msgrcv_flag_noerror_size0, QNUM(queue), 2);
                FAILS_WITH(msgrcv_flag_noerror_size0, ENOMSG, take(queue, row->type));
        }
}

TEST(bytes_on_the_queue_fall_by_the_full_length, VERIFIES(msgrcv_flag_noerror_cbytes))
{
        const int queue = new_queue(0600);
        struct message message;

        post(queue, 1, "stays");
        EACH_ROW(row, cuts) {
                if (row->length + 5 > stat_of_queue(queue).msg_qbytes || is_too_long(row->length))
                        continue;
                MUST(put(queue, 3, row->length, IPC_NOWAIT));
                const size_t before = CBYTES(queue);
                MUST(msgrcv(queue, &message, row->msgsz, 3, MSG_NOERROR | IPC_NOWAIT));
                EQ(msgrcv_flag_noerror_cbytes, before - CBYTES(queue), row->length);
        }
}

/* ---- E2BIG ---- */

TEST(message_too_long_is_refused_and_stays, VERIFIES(msgrcv_e2big, msgrcv_e2big_stays))
{
        const int queue = new_queue(0600);

        EACH_ROW(row, cuts) {
                struct message message;

                if (is_too_long(row->length))
                        continue;
                MUST(put(queue, 3, row->length, IPC_NOWAIT));
                const struct queue_view before = view_of_queue(queue);
                FAILS_WITH(msgrcv_e2big, E2BIG, msgrcv(queue, &message, row->msgsz, 0, IPC_NOWAIT));
                FAILS_WITH(msgrcv_e2big, E2BIG, msgrcv(queue, &message, row->msgsz, 3, IPC_NOWAIT));
                FAILS_WITH(msgrcv_e2big, E2BIG, msgrcv(queue, &message, row->msgsz, -3, IPC_NOWAIT));
                const struct queue_view after = view_of_queue(queue);
                HOLDS(msgrcv_e2big_stays, same_queue_view(&before, &after));

                EQ(msgrcv_e2big, msgrcv(queue, &message, row->length, 0, IPC_NOWAIT), row->length);
                HOLDS(msgrcv_e2big_stays, has_pattern(message.text, row->length, 3));
                FAILS_WITH(msgrcv_e2big_stays, ENOMSG, take(queue, 0));
        }
}

/* A call that may wait does not wait until the message is gone. */
TEST(message_too_long_is_refused_at_once, VERIFIES(msgrcv_e2big, msgrcv_e2big_stays))
{
        const int queue = new_queue(0600);
        struct child receiver;
        struct message message;

        post(queue, 3, "text");
        CHILD(&receiver)
                FAILS_WITH(msgrcv_e2big, E2BIG, msgrcv(queue, &message, 3, 0, 0));
        EVENTUALLY(msgrcv_e2big, returned(&receiver));
        join(&receiver);
        EQ(msgrcv_e2big_stays, msgrcv(queue, &message, 4, 0, 0), 4);
        HOLDS(msgrcv_e2big_stays, text_is(&message, 4, "text"));
}

TEST(later_message_that_fits_does_not_step_in, VERIFIES(msgrcv_e2big_head_of_type))
{
        static const struct {
                const char *name;
                long msgtyp;
                int msgflg;
        } rows[] = {
                {"first of all", 0, IPC_NOWAIT}, {"first of its type", 2, IPC_NOWAIT},
                {"first of the lowest", -4, IPC_NOWAIT}, {"first of another type", 9, IPC_NOWAIT | MSG_EXCEPT},
        };
        const int queue = new_queue(0600);

        post(queue, 2, "a long one");
        post(queue, 2, "short");
        post(queue, 4, "s");
        EACH_ROW(row, rows) {
                struct message message;

                FAILS_WITH(msgrcv_e2big_head_of_type, E2BIG, msgrcv(queue, &message, 9, row->msgtyp, row->msgflg));
                EQ(msgrcv_e2big_head_of_type, QNUM(queue), 3);
        }
        /* What stands behind can be asked for, and the long one is still before the rest. */
        struct message message;
        EQ(msgrcv_e2big_head_of_type, msgrcv(queue, &message, 9, 4, IPC_NOWAIT), 1);
        EQ(msgrcv_e2big_head_of_type, msgrcv(queue, &message, 10, 2, IPC_NOWAIT), 10);
        EQ(msgrcv_e2big_head_of_type, msgrcv(queue, &message, 9, 2, IPC_NOWAIT), 5);
}
