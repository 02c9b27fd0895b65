/* SPDX-License-Identifier: MIT
 *
 * msgsnd(): which of the receivers that wait gets the message, and what becomes of those that do not.
 */
#include "ipck_msg.h"

enum { SIZE = 40 };

/* What a receiver waits for; it gives its verdict on what it gets. */
struct receiver {
        const char *name;
        long msgtyp;
        size_t room;
        int flags;
};

/* A child that must get a message of this type, made by put(), of which it has room for so much. */
static void start_receiver(struct child *c, enum ipck_requirement req, int queue, const struct receiver *r, long type)
{
        CHILD(c) {
                const size_t received = r->room < SIZE ? r->room : SIZE;
                struct message got = {.type = 0};

                here(c, 1);
                EQ(req, msgrcv(queue, &got, r->room, r->msgtyp, r->flags), received);
                EQ(req, got.type, type);
                HOLDS(req, has_pattern(got.text, received, (uint32_t)type));
        }
        UNTIL(blocked(c));
}

/* A child that must be told that its room, too small for any message here, does not suffice. */
static void start_small_receiver(struct child *c, int queue, long msgtyp)
{
        CHILD(c) {
                struct message got = {.type = 77};

                memset(got.text, 0x5a, sizeof(got.text));
                here(c, 1);
                FAILS_WITH(msgsnd_wake_e2big_receiver, E2BIG, msgrcv(queue, &got, SIZE - 1, msgtyp, 0));
                EQ(msgsnd_wake_e2big_receiver, got.type, 77);
                HOLDS(msgsnd_wake_e2big_receiver, all_bytes(got.text, sizeof(got.text), 0x5a));
        }
        UNTIL(blocked(c));
}

static const struct receiver any = {"any", 0, SIZE, 0};

TEST(message_goes_to_the_receiver_of_its_type, VERIFIES(msgsnd_wake_matching_receiver))
{
        /* One for whom type 5 is meant, and one for whom it is not, but 8 is. */
        static const struct {
                const char *name;
                struct receiver taker, other;
        } rows[] = {
                {"types", {"", 5, SIZE, 0}, {"", 8, SIZE, 0}},
                {"up to a type", {"", -5, SIZE, 0}, {"", 8, SIZE, 0}},
                {"up to a higher type", {"", -7, SIZE, 0}, {"", 8, SIZE, 0}},
                {"any type", {"", 0, SIZE, 0}, {"", 8, SIZE, 0}},
                {"all but a type", {"", 8, SIZE, MSG_EXCEPT}, {"", 8, SIZE, 0}},
                {"part of the text", {"", 5, 7, MSG_NOERROR}, {"", 8, SIZE, 0}},
        };

        EACH_ROW(row, rows) {
                for (int taker_first = 0; taker_first < 2; taker_first++) {
                        const int queue = new_queue(0600);
                        struct child taker, other;

                        if (taker_first)
                                start_receiver(&taker, msgsnd_wake_matching_receiver, queue, &row->taker, 5);
                        start_receiver(&other, msgsnd_wake_matching_receiver, queue, &row->other, 8);
                        if (!taker_first)
                                start_receiver(&taker, msgsnd_wake_matching_receiver, queue, &row->taker, 5);
                        EQ(msgsnd_wake_matching_receiver, put(queue, 5, SIZE, IPC_NOWAIT), 0);
                        EVENTUALLY(msgsnd_wake_matching_receiver, returned(&taker));
                        UNTIL(settled(&other));
                        HOLDS(msgsnd_wake_matching_receiver, !returned(&other));
                        EQ(msgsnd_wake_matching_receiver, QNUM(queue), 0);

                        EQ(msgsnd_wake_matching_receiver, put(queue, 8, SIZE, IPC_NOWAIT), 0);
                        EVENTUALLY(msgsnd_wake_matching_receiver, returned(&other));
                        join(&taker);
                        join(&other);
                }
        }
}

TEST(message_that_nobody_waits_for_stays, VERIFIES(msgsnd_wake_matching_receiver))
{
        static const struct receiver rows[] = {
                {"another type", 8, SIZE, 0},
                {"up to a lower type", -4, SIZE, 0},
                {"all but its type", 5, SIZE, MSG_EXCEPT},
        };

        EACH_ROW(row, rows) {
                const int queue = new_queue(0600);
                const long awaited = row->msgtyp == 8 ? 8 : 4;
                struct child receiver;

                start_receiver(&receiver, msgsnd_wake_matching_receiver, queue, row, awaited);
                EQ(msgsnd_wake_matching_receiver, put(queue, 5, SIZE, IPC_NOWAIT), 0);
                UNTIL(settled(&receiver));
                HOLDS(msgsnd_wake_matching_receiver, !returned(&receiver));
                EQ(msgsnd_wake_matching_receiver, QNUM(queue), 1);
                EQ(msgsnd_wake_matching_receiver, put(queue, awaited, SIZE, IPC_NOWAIT), 0);
                EVENTUALLY(msgsnd_wake_matching_receiver, returned(&receiver));
                EQ(msgsnd_wake_matching_receiver, take(queue, 0), 5);
                join(&receiver);
        }
}

TEST(receivers_of_another_queue_wait_on, VERIFIES(msgsnd_wake_matching_receiver))
{
        struct child receiver;
        int queue, other;

        burn_queue_ids(3);
        queue = new_queue(0600);
        other = new_queue(0600);
        start_receiver(&receiver, msgsnd_wake_matching_receiver, queue, &any, 2);
        MUST(put(other, 1, SIZE, 0));
        UNTIL(settled(&receiver));
        HOLDS(msgsnd_wake_matching_receiver, !returned(&receiver));
        EQ(msgsnd_wake_matching_receiver, QNUM(other), 1);
        MUST(put(queue, 2, SIZE, 0));
        EVENTUALLY(msgsnd_wake_matching_receiver, returned(&receiver));
        join(&receiver);
}

/* The receiver gets it within msgsnd(): nobody else finds the message on the queue. */
TEST(newcomer_finds_no_message_that_was_handed_over, VERIFIES(msgsnd_wake_matching_receiver))
{
        const int queue = new_queue(0600);
        struct child receiver;

        for (int i = 0; i < 20; i++) {
                start_receiver(&receiver, msgsnd_wake_matching_receiver, queue, &any, 1);
                MUST(put(queue, 1, SIZE, 0));
                FAILS_WITH(msgsnd_wake_matching_receiver, ENOMSG, take(queue, 0));
                EVENTUALLY(msgsnd_wake_matching_receiver, returned(&receiver));
                join(&receiver);
        }
}

/* ---- too little room ---- */

TEST(message_too_large_for_its_receiver_stays, VERIFIES(msgsnd_wake_e2big_receiver))
{
        static const struct {
                const char *name;
                long msgtyp;
        } rows[] = {{"any message", 0}, {"its type", 5}, {"types up to one", -6}};

        EACH_ROW(row, rows) {
                const int queue = new_queue(0600);
                struct message got;
                struct child receiver;

                start_small_receiver(&receiver, queue, row->msgtyp);
                EQ(msgsnd_wake_e2big_receiver, put(queue, 5, SIZE, IPC_NOWAIT), 0);
                EVENTUALLY(msgsnd_wake_e2big_receiver, returned(&receiver));
                EQ(msgsnd_wake_e2big_receiver, QNUM(queue), 1);
                EQ(msgsnd_wake_e2big_receiver, CBYTES(queue), SIZE);
                EQ(msgsnd_wake_e2big_receiver, stat_of_queue(queue).msg_lrpid, 0);
                EQ(msgsnd_wake_e2big_receiver, stat_of_queue(queue).msg_rtime, 0);
                EQ(msgsnd_wake_e2big_receiver, take_message(queue, &got, 5), SIZE);
                HOLDS(msgsnd_wake_e2big_receiver, has_pattern(got.text, SIZE, 5));
                join(&receiver);
        }
}

TEST(message_too_large_for_some_goes_to_the_next, VERIFIES(msgsnd_wake_e2big_receiver))
{
        static const struct receiver rows[] = {
                {"any", 0, SIZE, 0}, {"type", 5, SIZE, 0}, {"part of the text", 0, 3, MSG_NOERROR},
        };

        EACH_ROW(row, rows) {
                const int queue = new_queue(0600);
                struct child small[2], taker;

                start_small_receiver(&small[0], queue, 0);
                start_small_receiver(&small[1], queue, 5);
                start_receiver(&taker, msgsnd_wake_e2big_receiver, queue, row, 5);
                EQ(msgsnd_wake_e2big_receiver, put(queue, 5, SIZE, IPC_NOWAIT), 0);
                EVENTUALLY(msgsnd_wake_e2big_receiver, returned(&small[0]) && returned(&small[1]) && returned(&taker));
                EQ(msgsnd_wake_e2big_receiver, QNUM(queue), 0);
                EQ(msgsnd_wake_e2big_receiver, stat_of_queue(queue).msg_lrpid, taker.pid);
                join(&small[0]);
                join(&small[1]);
                join(&taker);
        }
}

TEST(little_room_does_not_matter_to_others, VERIFIES(msgsnd_wake_e2big_receiver))
{
        const int queue = new_queue(0600);
        struct child other_type, taker, behind;

        start_small_receiver(&other_type, queue, 8);
        start_receiver(&taker, msgsnd_wake_e2big_receiver, queue, &any, 5);
        start_small_receiver(&behind, queue, 0);
        /* Not meant for the first, and no longer there for the last. */
        EQ(msgsnd_wake_e2big_receiver, put(queue, 5, SIZE, IPC_NOWAIT), 0);
        EVENTUALLY(msgsnd_wake_e2big_receiver, returned(&taker));
        UNTIL(settled(&other_type) && settled(&behind));
        HOLDS(msgsnd_wake_e2big_receiver, !returned(&other_type) && !returned(&behind));
        EQ(msgsnd_wake_e2big_receiver, put(queue, 8, SIZE, IPC_NOWAIT), 0);
        EVENTUALLY(msgsnd_wake_e2big_receiver, returned(&other_type) && returned(&behind));
        EQ(msgsnd_wake_e2big_receiver, take(queue, 0), 8);
        join(&other_type);
        join(&taker);
        join(&behind);
}

TEST(exact_room_is_enough, VERIFIES(msgsnd_wake_e2big_receiver))
{
        const int queue = new_queue(0600);
        struct child exact, none;

        start_receiver(&exact, msgsnd_wake_e2big_receiver, queue, &any, 1);
        MUST(put(queue, 1, SIZE, 0));
        EVENTUALLY(msgsnd_wake_e2big_receiver, returned(&exact));
        join(&exact);
        CHILD(&none) {
                long type;

                here(&none, 1);
                EQ(msgsnd_wake_e2big_receiver, msgrcv(queue, &type, 0, 0, 0), 0);
                EQ(msgsnd_wake_e2big_receiver, type, 2);
        }
        UNTIL(blocked(&none));
        MUST(put(queue, 2, 0, 0));
        EVENTUALLY(msgsnd_wake_e2big_receiver, returned(&none));
        join(&none);
}

/* ---- order ---- */

TEST(receivers_are_served_as_they_came, VERIFIES(msgsnd_wake_order_fifo))
{
        enum { RECEIVERS = 5 };
        static const struct receiver rows[] = {
                {"any", 0, SIZE, 0}, {"type", 5, SIZE, 0}, {"up to a type", -9, SIZE, 0},
        };

        EACH_ROW(row, rows) {
                const int queue = new_queue(0600);
                struct child receiver[RECEIVERS];

                for (int i = 0; i < RECEIVERS; i++)
                        start_receiver(&receiver[i], msgsnd_wake_order_fifo, queue, row, 5);
                for (int i = 0; i < RECEIVERS; i++) {
                        MUST(put(queue, 5, SIZE, IPC_NOWAIT));
                        EVENTUALLY(msgsnd_wake_order_fifo, returned(&receiver[i]));
                        for (int later = i + 1; later < RECEIVERS; later++) {
                                UNTIL(settled(&receiver[later]));
                                HOLDS(msgsnd_wake_order_fifo, !returned(&receiver[later]));
                        }
                        join(&receiver[i]);
                }
        }
}

TEST(messages_in_a_row_are_served_as_receivers_came, VERIFIES(msgsnd_wake_order_fifo))
{
        enum { RECEIVERS = 5 };
        const int queue = new_queue(0600);
        struct child receiver[RECEIVERS];

        for (int i = 0; i < RECEIVERS; i++)
                start_receiver(&receiver[i], msgsnd_wake_order_fifo, queue, &any, i + 1);
        for (int i = 0; i < RECEIVERS; i++) {
                MUST(put(queue, i + 1, SIZE, IPC_NOWAIT));
                EQ(msgsnd_wake_order_fifo, stat_of_queue(queue).msg_lrpid, receiver[i].pid);
        }
        for (int i = 0; i < RECEIVERS; i++) {
                EVENTUALLY(msgsnd_wake_order_fifo, returned(&receiver[i]));
                join(&receiver[i]);
        }
}

TEST(receiver_that_leaves_does_not_mix_the_others, VERIFIES(msgsnd_wake_order_fifo))
{
        enum { RECEIVERS = 5, KILLED = 2 };
        const int queue = new_queue(0600);
        struct child receiver[RECEIVERS];

        for (int i = 0; i < RECEIVERS; i++)
                start_receiver(&receiver[i], msgsnd_wake_order_fifo, queue, &any, 5);
        kill_child(&receiver[KILLED]);
        for (int i = 0; i < RECEIVERS; i++) {
                if (i == KILLED)
                        continue;
                MUST(put(queue, 5, SIZE, IPC_NOWAIT));
                EQ(msgsnd_wake_order_fifo, stat_of_queue(queue).msg_lrpid, receiver[i].pid);
                EVENTUALLY(msgsnd_wake_order_fifo, returned(&receiver[i]));
                join(&receiver[i]);
        }
}
