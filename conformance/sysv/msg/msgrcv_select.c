/* SPDX-License-Identifier: MIT
 *
 * msgrcv(): which of the queued messages msgtyp selects, what it leaves, and that nothing is found where nothing fits.
 */
#include <limits.h>

#include "ipck_msg.h"

/* Differs from 0 in a single high bit: an implementation that looks at the low bits only takes WIDE + 1 for 1. */
#define WIDE (LONG_MAX / 2 + 1)

enum { MOST = 6 };

struct selection {
        const char *name;
        long types[MOST];       /* on the queue, in this order; 0: no more */
        long msgtyp;
        int place;              /* of the message that msgtyp selects; the first has place 1 */
};

/* The text of each message is one byte, its place. */
static int queue_of(const long types[MOST])
{
        const int queue = new_queue(0600);

        for (int i = 0; i < MOST && types[i]; i++)
                post(queue, types[i], (char[]){(char)(i + 1), '\0'});
        return queue;
}

/* The others follow in their order, and nothing else. */
static void expect_others(enum ipck_requirement req, int queue, const long types[MOST], int gone)
{
        struct message message;

        for (int i = 0; i < MOST && types[i]; i++) {
                if (i + 1 == gone)
                        continue;
                EQ(req, take_message(queue, &message, 0), 1);
                EQ(req, message.text[0], i + 1);
                EQ(req, message.type, types[i]);
        }
        FAILS_WITH(req, ENOMSG, take(queue, 0));
}

static void selects(enum ipck_requirement req, const struct selection *row, int msgflg)
{
        const int queue = queue_of(row->types);
        struct message message;

        EQ(req, msgrcv(queue, &message, sizeof(message.text), row->msgtyp, msgflg), 1);
        EQ(req, message.text[0], row->place);
        EQ(req, message.type, row->types[row->place - 1]);
        expect_others(req, queue, row->types, row->place);
        MUST(msgctl(queue, IPC_RMID, NULL));
}

TEST(zero_selects_the_first, VERIFIES(msgrcv_sel_zero))
{
        static const struct selection rows[] = {
                {"only one", {7}, 0, 1},
                {"lowest type first", {1, 2, 3}, 0, 1},
                {"highest type first", {LONG_MAX, 5, 1}, 0, 1},
                {"types alike", {4, 4, 4}, 0, 1},
                {"type with low bits 0", {WIDE, 1}, 0, 1},
        };

        EACH_ROW(row, rows)
                selects(msgrcv_sel_zero, row, IPC_NOWAIT);
}

TEST(positive_type_selects_the_first_of_exactly_that_type, VERIFIES(msgrcv_sel_positive))
{
        static const struct selection rows[] = {
                {"at the head", {5, 6, 7}, 5, 1},
                {"in the middle", {5, 6, 7}, 6, 2},
                {"at the end", {5, 6, 7}, 7, 3},
                {"first of three", {9, 2, 8, 2, 7, 2}, 2, 2},
                {"lower types before", {1, 2, 3, 4}, 4, 4},
                {"type 1 behind others", {3, 2, 1}, 1, 3},
                {"the largest", {LONG_MAX - 1, 1, LONG_MAX}, LONG_MAX, 3},
                {"the same low bits before", {WIDE + 3, 3}, 3, 2},
                {"the same low bits behind", {3, WIDE + 3}, WIDE + 3, 2},
                {"the same low 16 bits", {0x10003, 0x30003, 3}, 3, 3},
                {"the same low 8 bits", {0x103, 3}, 3, 2},
        };

        EACH_ROW(row, rows)
                selects(msgrcv_sel_positive, row, IPC_NOWAIT);
}

TEST(negative_type_selects_the_lowest, VERIFIES(msgrcv_sel_negative_lowest))
{
        static const struct selection rows[] = {
                {"the head has it", {2, 3, 4}, -10, 1},
                {"falling types", {6, 5, 4, 3}, -10, 4},
                {"in the middle", {5, 2, 4}, -5, 2},
                {"above the bound before", {9, 3, 8, 2, 7}, -3, 4},
                {"one in reach", {9, 8, 3, 7}, -5, 3},
                {"type 1", {2, 1, 3}, -LONG_MAX, 2},
                {"type 1 not first in reach", {1, 3, 2}, -3, 1},
                {"far types", {LONG_MAX, WIDE + 1, WIDE}, -LONG_MAX, 3},
                {"low bits do not count", {WIDE + 1, 2}, -LONG_MAX, 2},
        };

        EACH_ROW(row, rows)
                selects(msgrcv_sel_negative_lowest, row, IPC_NOWAIT);
}

TEST(bound_itself_is_selected, VERIFIES(msgrcv_sel_negative_inclusive))
{
        static const struct selection rows[] = {
                {"only one", {4}, -4, 1},
                {"-1", {2, 1, 3}, -1, 2},
                {"higher types around", {6, 5, 4, 5}, -4, 3},
                {"above an int or a short", {WIDE + 8, WIDE + 7, WIDE + 9}, -(WIDE + 7), 2},
                {"the largest", {LONG_MAX}, -LONG_MAX, 1},
        };

        EACH_ROW(row, rows)
                selects(msgrcv_sel_negative_inclusive, row, IPC_NOWAIT);
}

TEST(first_of_the_lowest_type_is_selected, VERIFIES(msgrcv_sel_negative_fifo_ties))
{
        static const struct selection rows[] = {
                {"nothing else", {3, 3, 3}, -3, 1},
                {"higher types before", {5, 2, 4, 2, 2}, -5, 2},
                {"higher types between", {2, 5, 2}, -9, 1},
                {"type 1", {4, 1, 3, 1}, -4, 2},
                {"the largest", {LONG_MAX, LONG_MAX}, -LONG_MAX, 1},
        };

        EACH_ROW(row, rows)
                selects(msgrcv_sel_negative_fifo_ties, row, IPC_NOWAIT);
}

TEST(long_min_selects_the_lowest_of_all, VERIFIES(msgrcv_sel_long_min))
{
        static const struct selection rows[] = {
                {"the largest type alone", {LONG_MAX}, LONG_MIN, 1},
                {"behind higher ones", {LONG_MAX, 9, 2, 5}, LONG_MIN, 3},
                {"type 1", {3, 1, 1}, LONG_MIN, 2},
                {"far types", {LONG_MAX, LONG_MAX - 1}, LONG_MIN, 2},
        };

        EACH_ROW(row, rows)
                selects(msgrcv_sel_long_min, row, IPC_NOWAIT);
}

TEST(others_keep_their_order, VERIFIES(msgrcv_sel_order_kept))
{
        static const long types[MOST] = {4, 1, 6, 2, 5, 3};

        for (int place = 1; place <= MOST; place++) {
                const int queue = queue_of(types);

                EQ(msgrcv_sel_order_kept, take(queue, types[place - 1]), types[place - 1]);
                expect_others(msgrcv_sel_order_kept, queue, types, place);
                MUST(msgctl(queue, IPC_RMID, NULL));
        }
        /* By rising type, with what is sent meanwhile at the end. */
        const int queue = queue_of(types);
        EQ(msgrcv_sel_order_kept, take(queue, -6), 1);
        post(queue, 4, "later");
        EQ(msgrcv_sel_order_kept, take(queue, -6), 2);
        EQ(msgrcv_sel_order_kept, take(queue, -6), 3);
        EQ(msgrcv_sel_order_kept, take(queue, 0), 4);
        EQ(msgrcv_sel_order_kept, take(queue, 0), 6);
        EQ(msgrcv_sel_order_kept, take(queue, 0), 5);
        EQ(msgrcv_sel_order_kept, take(queue, 0), 4);
}

/* What is there is received at once, and the choice is the same, without IPC_NOWAIT. */
TEST(call_that_may_wait_selects_alike,
     VERIFIES(msgrcv_sel_zero, msgrcv_sel_positive, msgrcv_sel_negative_lowest, msgrcv_sel_negative_inclusive,
              msgrcv_sel_long_min))
{
        static const long types[MOST] = {6, 4, 5, 2, 4, 2};
        static const struct {
                const char *name;
                enum ipck_requirement req;
                long msgtyp;
                int place;
        } rows[] = {
                {"0", msgrcv_sel_zero, 0, 1},
                {"positive", msgrcv_sel_positive, 4, 2},
                {"negative", msgrcv_sel_negative_lowest, -5, 4},
                {"negative, the bound itself", msgrcv_sel_negative_inclusive, -2, 4},
                {"LONG_MIN", msgrcv_sel_long_min, LONG_MIN, 4},
        };

        EACH_ROW(row, rows) {
                const int queue = queue_of(types);
                struct child receiver;

                CHILD(&receiver) {
                        struct message message;

                        EQ(row->req, msgrcv(queue, &message, sizeof(message.text), row->msgtyp, 0), 1);
                        EQ(row->req, message.text[0], row->place);
                }
                EVENTUALLY(row->req, returned(&receiver));
                join(&receiver);
                expect_others(row->req, queue, types, row->place);
        }
}

/* Place in types[] of what msgtyp selects, by the words of the standard; 0 where there is none. */
static int place_of(const long types[MOST], long msgtyp)
{
        int found = 0;

        for (int i = 0; i < MOST && types[i]; i++) {
                if (msgtyp == 0 || types[i] == msgtyp)
                        return i + 1;
                if (msgtyp < 0 && types[i] <= -msgtyp && (!found || types[i] < types[found - 1]))
                        found = i + 1;
        }
        return found;
}

TEST(random_queues_agree_with_the_standard,
     VERIFIES(msgrcv_sel_zero, msgrcv_sel_positive, msgrcv_sel_negative_lowest, msgrcv_sel_order_kept))
{
        enum { ROUNDS = 300, TYPES = 5 };

        for (int round = 0; round < ROUNDS; round++) {
                long types[MOST] = {0};
                struct message message;

                for (uint32_t i = random_below(MOST + 1); i > 0; i--)
                        types[i - 1] = 1 + (long)random_below(TYPES);
                const long msgtyp = (long)random_below(2 * TYPES + 3) - TYPES - 1;
                const enum ipck_requirement req = msgtyp == 0 ? msgrcv_sel_zero : msgtyp > 0 ? msgrcv_sel_positive
                                                                               : msgrcv_sel_negative_lowest;
                const int queue = queue_of(types), place = place_of(types, msgtyp);

                if (place) {
                        EQ(req, take_message(queue, &message, msgtyp), 1);
                        EQ(req, message.text[0], place);
                } else {
                        FAILS_WITH(req, ENOMSG, take_message(queue, &message, msgtyp));
                }
                expect_others(msgrcv_sel_order_kept, queue, types, place);
                MUST(msgctl(queue, IPC_RMID, NULL));
        }
}

/* ---- MSG_EXCEPT ---- */

TEST(first_of_any_other_type_is_selected, VERIFIES(msgrcv_flag_except))
{
        static const struct selection rows[] = {
                {"the head is another", {5, 6, 7}, 6, 1},
                {"behind one of the type", {5, 6, 7}, 5, 2},
                {"behind several", {5, 5, 5, 3, 1}, 5, 4},
                {"a higher one before a lower one", {2, 9, 1}, 2, 2},
                {"no such type", {5, 6}, 4, 1},
                {"the largest", {LONG_MAX, LONG_MAX, 1}, LONG_MAX, 3},
                {"the same low bits", {1, WIDE + 1, 2}, 1, 2},
                {"the same low 16 bits", {1, 0x10001, 2}, 1, 2},
        };

        EACH_ROW(row, rows)
                selects(msgrcv_flag_except, row, IPC_NOWAIT | MSG_EXCEPT);
}

TEST(excepted_type_alone_is_nothing, VERIFIES(msgrcv_flag_except, msgrcv_enomsg))
{
        static const long types[MOST] = {4, 4, 4};
        const int queue = queue_of(types);
        struct message message;

        FAILS_WITH(msgrcv_enomsg, ENOMSG, msgrcv(queue, &message, sizeof(message.text), 4, MSG_EXCEPT | IPC_NOWAIT));
        EQ(msgrcv_flag_except, QNUM(queue), 3);
        post(queue, 5, "now");
        EQ(msgrcv_flag_except, msgrcv(queue, &message, sizeof(message.text), 4, MSG_EXCEPT | IPC_NOWAIT), 3);
        EQ(msgrcv_flag_except, message.type, 5);
        expect_others(msgrcv_flag_except, queue, types, 0);
}

/* 0 and negative values mean what they mean without the flag. */
TEST(other_msgtyp_is_not_turned_round, VERIFIES(msgrcv_flag_except_zero))
{
        static const struct selection rows[] = {
                {"0", {3, 5, 2, 4, 2}, 0, 1},
                {"the bound is the lowest type", {3, 5, 2, 4, 2}, -2, 3},
                {"the bound is above it", {3, 5, 2, 4, 2}, -4, 3},
                {"the bound is above all", {3, 5, 2, 4, 2}, -9, 3},
                {"LONG_MIN", {3, 5, 2, 4, 2}, LONG_MIN, 3},
        };
        struct message message;

        EACH_ROW(row, rows) {
                selects(msgrcv_flag_except_zero, row, IPC_NOWAIT);
                selects(msgrcv_flag_except_zero, row, IPC_NOWAIT | MSG_EXCEPT);
        }
        const int queue = queue_of(rows[0].types);
        FAILS_WITH(msgrcv_flag_except_zero, ENOMSG, msgrcv(queue, &message, sizeof(message.text), -1, IPC_NOWAIT));
        FAILS_WITH(msgrcv_flag_except_zero, ENOMSG,
                   msgrcv(queue, &message, sizeof(message.text), -1, IPC_NOWAIT | MSG_EXCEPT));
}

/* ---- ENOMSG ---- */

TEST(empty_queue_has_nothing_for_anybody, VERIFIES(msgrcv_enomsg_empty))
{
        static const struct {
                const char *name;
                long msgtyp;
        } rows[] = {
                {"0", 0}, {"1", 1}, {"2", 2}, {"LONG_MAX", LONG_MAX}, {"-1", -1}, {"-2", -2}, {"-LONG_MAX", -LONG_MAX},
                {"LONG_MIN", LONG_MIN},
        };
        const int queue = new_queue(0600);

        EACH_ROW(row, rows) {
                const long type = row->msgtyp > 0 ? row->msgtyp : 1;

                FAILS_WITH(msgrcv_enomsg_empty, ENOMSG, take(queue, row->msgtyp));
                post(queue, type, "now");
                EQ(msgrcv_enomsg_empty, take(queue, row->msgtyp), type);
        }
}

TEST(emptied_queue_has_nothing_for_anybody, VERIFIES(msgrcv_enomsg_empty))
{
        const int queue = new_queue(0600);

        for (int i = 0; i < 3; i++) {
                post(queue, 2, "text");
                post(queue, 1, "");
                EQ(msgrcv_enomsg_empty, take(queue, -2), 1);
                EQ(msgrcv_enomsg_empty, take(queue, 2), 2);
                FAILS_WITH(msgrcv_enomsg_empty, ENOMSG, take(queue, 0));
                FAILS_WITH(msgrcv_enomsg_empty, ENOMSG, take(queue, 2));
                FAILS_WITH(msgrcv_enomsg_empty, ENOMSG, take(queue, -2));
        }
}

TEST(other_types_are_kept, VERIFIES(msgrcv_enomsg, msgrcv_enomsg_othertype))
{
        static const long types[MOST] = {WIDE + 3, 2, 4, 0x10003, 2, LONG_MAX};
        static const struct {
                const char *name;
                long msgtyp;
        } rows[] = {{"1", 1}, {"between", 3}, {"above", 5}, {"far", WIDE + 2}, {"low bits of one", WIDE + 4}};
        const int queue = queue_of(types);
        const struct queue_view before = view_of_queue(queue);

        EACH_ROW(row, rows) {
                FAILS_WITH(msgrcv_enomsg, ENOMSG, take(queue, row->msgtyp));
                const struct queue_view after = view_of_queue(queue);
                HOLDS(msgrcv_enomsg_othertype, same_queue_view(&before, &after));
        }
        expect_others(msgrcv_enomsg_othertype, queue, types, 0);
        post(queue, 3, "now");
        EQ(msgrcv_enomsg, take(queue, 3), 3);
}

TEST(types_above_the_bound_are_kept, VERIFIES(msgrcv_enomsg, msgrcv_sel_negative_none))
{
        static const struct selection rows[] = {
                {"-1", {2, 3}, -1, 0},
                {"one below the lowest", {7, 6, 5, 6}, -4, 0},
                {"low bits do not count", {WIDE + 1, WIDE}, -5, 0},
                {"one below the largest", {LONG_MAX}, -(LONG_MAX - 1), 0},
        };

        EACH_ROW(row, rows) {
                const int queue = queue_of(row->types);

                FAILS_WITH(msgrcv_enomsg, ENOMSG, take(queue, row->msgtyp));
                expect_others(msgrcv_sel_negative_none, queue, row->types, 0);
                post(queue, -row->msgtyp, "now");
                EQ(msgrcv_sel_negative_none, take(queue, row->msgtyp), -row->msgtyp);
                MUST(msgctl(queue, IPC_RMID, NULL));
        }
}

/* ---- and without a wait ---- */

static void expect_no_wait(enum ipck_requirement req, const long types[MOST], long msgtyp)
{
        const int queue = queue_of(types);
        struct child receiver;

        CHILD(&receiver)
                FAILS_WITH(req, ENOMSG, take(queue, msgtyp));
        EVENTUALLY(req, returned(&receiver));
        join(&receiver);
}

static const long five_and_six[MOST] = {5, 6};

TEST(nobody_waits_for_a_type_with_nowait, VERIFIES(msgrcv_enomsg))
{
        expect_no_wait(msgrcv_enomsg, five_and_six, 4);
}

TEST(nobody_waits_among_other_types_with_nowait, VERIFIES(msgrcv_enomsg_othertype))
{
        expect_no_wait(msgrcv_enomsg_othertype, five_and_six, 7);
}

TEST(nobody_waits_for_types_in_reach_with_nowait, VERIFIES(msgrcv_sel_negative_none))
{
        expect_no_wait(msgrcv_sel_negative_none, five_and_six, -4);
}

TEST(nobody_waits_at_an_empty_queue_with_nowait, VERIFIES(msgrcv_enomsg_empty))
{
        static const long nothing[MOST] = {0};

        expect_no_wait(msgrcv_enomsg_empty, nothing, 0);
}
