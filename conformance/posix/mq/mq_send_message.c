/* SPDX-License-Identifier: MIT
 *
 * mq_send(): what is sent is what is received, and in which order.
 */
#include <limits.h>

#include "ipck_mq_way.h"

enum { ROOM = 8 };

#ifndef MQ_PRIO_MAX
#define MQ_PRIO_MAX ((unsigned)sysconf(_SC_MQ_PRIO_MAX))
#endif

static mqd_t roomy_mq(void)
{
        return another_mq(O_RDWR, ROOM, SMALL_MSGSIZE);
}

/* ---- contents ---- */

TEST(message_is_what_was_there_at_the_call, VERIFIES(mq_send_content, mq_send_len0, mq_receive_ret_len))
{
        static const struct {
                const char *name;
                size_t length;
        } rows[] = {
                {"empty", 0}, {"a byte", 1}, {"some", 10}, {"one less than the longest", SMALL_MSGSIZE - 1},
                {"the longest", SMALL_MSGSIZE},
        };

        EACH_ROW(row, rows) {
                const enum ipck_requirement req = row->length ? mq_send_content : mq_send_len0;
                const mqd_t queue = roomy_mq();
                char text[SMALL_MSGSIZE];
                /* Nothing beyond the message can be read. */
                char *const end = (char *)guarded(SMALL_MSGSIZE) + SMALL_MSGSIZE, *const sent = end - row->length;

                fill_pattern(sent, row->length, 7);
                EQ(req, mq_send(queue, sent, row->length, 0), 0);
                memset(sent, 'x', row->length);
                EQ(req, mq_count(queue), 1);
                memset(text, 0x5a, sizeof(text));
                EQ(mq_receive_ret_len, mq_receive(queue, text, sizeof(text), NULL), row->length);
                HOLDS(req, has_pattern(text, row->length, 7));
                EQ(req, mq_count(queue), 0);
        }
}

/* Longer than a page of the kernel's, with places in it where a copy in parts would go wrong. */
TEST(long_message_stays_entire, VERIFIES(mq_send_content, mq_receive_content))
{
        enum { LONGEST = 8192 };
        static const struct {
                const char *name;
                size_t length;
        } rows[] = {{"4000", 4000}, {"4048", 4048}, {"4049", 4049}, {"4096", 4096}, {"4097", 4097}, {"8192", LONGEST}};
        char *const sent = guarded(LONGEST), *const text = guarded(LONGEST);

        queue_turn();
        const mqd_t queue = another_mq(O_RDWR, 2, LONGEST);
        EACH_ROW(row, rows) {
                char *const from = sent + LONGEST - row->length;

                fill_pattern(from, row->length, (uint32_t)row->length);
                EQ(mq_send_content, mq_send(queue, from, row->length, 0), 0);
                EQ(mq_send_content, mq_send(queue, "next", 4, 0), 0);
                memset(text, 0x5a, LONGEST);
                EQ(mq_receive_content, mq_receive(queue, text, LONGEST, NULL), row->length);
                HOLDS(mq_send_content, has_pattern(text, row->length, (uint32_t)row->length));
                EQ(mq_receive_content, mq_receive(queue, text, LONGEST, NULL), 4);
                HOLDS(mq_receive_content, memcmp(text, "next", 4) == 0);
        }
}

TEST(empty_messages_are_messages, VERIFIES(mq_send_len0))
{
        const mqd_t queue = small_mq(O_RDWR | O_NONBLOCK);
        char text[SMALL_MSGSIZE];

        for (int i = 0; i < SMALL_MAXMSG; i++)
                EQ(mq_send_len0, mq_send(queue, "", 0, 3), 0);
        EQ(mq_send_len0, mq_count(queue), SMALL_MAXMSG);
        EQ(mq_send_len0, mq_send(queue, "", 0, 3), -1);
        for (int i = 0; i < SMALL_MAXMSG; i++) {
                unsigned priority = 99;

                EQ(mq_send_len0, mq_receive(queue, text, sizeof(text), &priority), 0);
                EQ(mq_send_len0, priority, 3);
        }
        EQ(mq_send_len0, mq_receive(queue, text, sizeof(text), NULL), -1);
}

/* ---- order ---- */

TEST(greater_priority_comes_first, VERIFIES(mq_send_order_prio, mq_receive_oldest_highest, mq_receive_prio_out))
{
        static const struct {
                const char *name;
                unsigned sent[5], received[5];
        } rows[] = {
                {"ascending", {0, 1, 2, 3, 31}, {31, 3, 2, 1, 0}},
                {"descending", {31, 3, 2, 1, 0}, {31, 3, 2, 1, 0}},
                {"mixed", {2, 31, 0, 3, 1}, {31, 3, 2, 1, 0}},
                {"the greatest in the middle", {0, 5, 31, 5, 0}, {31, 5, 5, 0, 0}},
        };

        EACH_ROW(row, rows) {
                const mqd_t queue = roomy_mq();
                char text[SMALL_MSGSIZE];

                for (int i = 0; i < 5; i++)
                        MUST(mq_send(queue, &"ABCDE"[i], 1, row->sent[i]));
                for (int i = 0; i < 5; i++) {
                        unsigned priority = 99;

                        MUST(mq_receive(queue, text, sizeof(text), &priority));
                        EQ(mq_send_order_prio, priority, row->received[i]);
                        EQ(mq_receive_oldest_highest, priority, row->received[i]);
                        /* It is the priority that this message was sent with. */
                        EQ(mq_receive_prio_out, priority, row->sent[text[0] - 'A']);
                }
        }
}

TEST(equal_priority_keeps_the_order, VERIFIES(mq_send_order_fifo, mq_receive_oldest_highest))
{
        /* Letters of the messages, priorities, and the letters in the order in which they come. */
        static const struct {
                const char *name;
                unsigned priority[6];
                const char *order;
        } rows[] = {
                {"one priority, the least", {0, 0, 0, 0, 0, 0}, "ABCDEF"},
                {"one priority", {5, 5, 5, 5, 5, 5}, "ABCDEF"},
                {"two priorities in turn", {1, 2, 1, 2, 1, 2}, "BDFACE"},
                {"two priorities, one after the other", {1, 1, 1, 2, 2, 2}, "DEFABC"},
                {"three priorities", {1, 0, 2, 1, 0, 2}, "CFADBE"},
        };

        EACH_ROW(row, rows) {
                const mqd_t queue = roomy_mq();
                char text[SMALL_MSGSIZE];

                for (int i = 0; i < 6; i++)
                        MUST(mq_send(queue, &"ABCDEF"[i], 1, row->priority[i]));
                for (int i = 0; i < 6; i++) {
                        MUST(mq_receive(queue, text, sizeof(text), NULL));
                        EQ(i ? mq_send_order_fifo : mq_receive_oldest_highest, text[0], row->order[i]);
                }
        }
}

/* Sent before the lesser one or after it. */
static void comes_first(mqd_t queue, unsigned greater, unsigned lesser)
{
        for (int later = 0; later < 2; later++) {
                char text[SMALL_MSGSIZE];

                mq_post(queue, later ? lesser : greater, later ? "lesser" : "greater");
                mq_post(queue, later ? greater : lesser, later ? "greater" : "lesser");
                EQ(mq_send_order_prio, mq_receive(queue, text, sizeof(text), NULL), strlen("greater"));
                EQ(mq_send_order_prio, mq_receive(queue, text, sizeof(text), NULL), strlen("lesser"));
        }
}

/* Whatever the digits are in which two priorities differ, and however many they have. */
TEST(order_holds_for_all_priorities, VERIFIES(mq_send_order_prio))
{
        const mqd_t queue = roomy_mq();

        for (unsigned power = 1; power < MQ_PRIO_MAX; power *= 2) {
                comes_first(queue, power, power - 1);
                comes_first(queue, power, 0);
                comes_first(queue, MQ_PRIO_MAX - 1, MQ_PRIO_MAX - 1 - power);
        }
        for (int n = 0; n < 20; n++) {
                const unsigned greater = 1 + random_below(MQ_PRIO_MAX - 1);

                comes_first(queue, greater, random_below(greater));
        }
}

/* Against a list in which the place of each message is found by counting. */
TEST(any_sequence_keeps_the_order, VERIFIES(mq_send_order_prio, mq_send_order_fifo))
{
        enum { STEPS = 400 };
        struct {
                unsigned priority;
                int number;
        } list[ROOM];
        const mqd_t queue = roomy_mq();
        int length = 0;

        for (int number = 0; number < STEPS; number++) {
                if (length == 0 || (length < ROOM && random_below(2))) {
                        const unsigned priority = random_below(4);
                        int place = length++;

                        for (; place > 0 && list[place - 1].priority < priority; place--)
                                list[place] = list[place - 1];
                        list[place].priority = priority;
                        list[place].number = number;
                        MUST(mq_send(queue, (const char *)&number, sizeof(number), priority));
                } else {
                        char text[SMALL_MSGSIZE];
                        unsigned priority;
                        int got;

                        MUST(mq_receive(queue, text, sizeof(text), &priority));
                        memcpy(&got, text, sizeof(got));
                        EQ(mq_send_order_prio, priority, list[0].priority);
                        EQ(mq_send_order_fifo, got, list[0].number);
                        memmove(&list[0], &list[1], (size_t)--length * sizeof(list[0]));
                }
        }
}

/* ---- priorities ---- */

static void passes(mqd_t queue, unsigned priority)
{
        unsigned got = priority + 1;
        char text[SMALL_MSGSIZE];

        EQ(mq_send_prio_range, mq_send(queue, "text", 4, priority), 0);
        EQ(mq_send_prio_range, mq_receive(queue, text, sizeof(text), &got), 4);
        EQ(mq_send_prio_range, got, priority);
}

TEST(every_priority_below_the_limit_is_accepted, VERIFIES(mq_send_prio_range))
{
        const mqd_t queue = small_mq(O_RDWR | O_NONBLOCK);

        BETWEEN(mq_send_prio_range, _POSIX_MQ_PRIO_MAX, MQ_PRIO_MAX, INT64_MAX);
        EQ(mq_send_prio_range, sysconf(_SC_MQ_PRIO_MAX), MQ_PRIO_MAX);
        /* All that every implementation has, the neighbours of powers of two, the last, and some others. */
        for (unsigned priority = 0; priority < 32; priority++)
                passes(queue, priority);
        for (unsigned power = 32; power < MQ_PRIO_MAX; power *= 2)
                for (unsigned priority = power - 1; priority <= power + 1 && priority < MQ_PRIO_MAX; priority++)
                        passes(queue, priority);
        passes(queue, MQ_PRIO_MAX - 1);
        for (int n = 0; n < 50; n++)
                passes(queue, random_below(MQ_PRIO_MAX));
        EQ(mq_send_prio_range, mq_count(queue), 0);
}
