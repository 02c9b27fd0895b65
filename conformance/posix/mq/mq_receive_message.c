/* SPDX-License-Identifier: MIT
 *
 * mq_receive(): what a call stores and returns, and that it takes one message.
 */
#include "ipck_mq_way.h"

TEST(length_is_returned_and_the_message_is_gone, VERIFIES(mq_receive_ret_len, mq_receive_content))
{
        static const struct {
                const char *name;
                size_t length, room;
        } rows[] = {
                {"empty", 0, SMALL_MSGSIZE}, {"a byte", 1, SMALL_MSGSIZE},
                {"the longest", SMALL_MSGSIZE, SMALL_MSGSIZE},
                {"more room than needed", 10, SMALL_MSGSIZE + 1}, {"much more", SMALL_MSGSIZE, 1000},
        };

        EACH_ROW(call, receive_calls) {
                EACH_ROW(row, rows) {
                        const mqd_t queue = another_mq(O_RDWR, SMALL_MAXMSG, SMALL_MSGSIZE);
                        char sent[SMALL_MSGSIZE], *const text = guarded(row->room);

                        fill_pattern(sent, sizeof(sent), 7);
                        MUST(mq_send(queue, sent, row->length, 4));
                        mq_post(queue, 3, "the next");
                        memset(text, 0x5a, row->room);
                        EQ(mq_receive_ret_len, call->receive(queue, text, row->room, NULL), row->length);
                        HOLDS(mq_receive_content, has_pattern(text, row->length, 7));
                        EQ(mq_receive_ret_len, mq_count(queue), 1);
                        EQ(mq_receive_ret_len, call->receive(queue, text, row->room, NULL), 8);
                        HOLDS(mq_receive_content, memcmp(text, "the next", 8) == 0);
                        EQ(mq_receive_ret_len, mq_count(queue), 0);
                        MUST(mq_close(queue));
                }
        }
}

/* The buffer may be large enough for both: a call takes one. */
TEST(messages_are_not_joined, VERIFIES(mq_receive_content))
{
        const mqd_t queue = small_mq(O_RDWR);
        char text[1000];

        mq_post(queue, 0, "one");
        mq_post(queue, 0, "and another");
        EQ(mq_receive_content, mq_receive(queue, text, sizeof(text), NULL), 3);
        EQ(mq_receive_content, mq_receive(queue, text, sizeof(text), NULL), 11);
        HOLDS(mq_receive_content, memcmp(text, "and another", 11) == 0);
}

TEST(priority_is_stored_where_it_is_wanted, VERIFIES(mq_receive_prio_out, mq_receive_prio_null))
{
        static const struct {
                const char *name;
                unsigned priority;
        } rows[] = {{"0", 0}, {"1", 1}, {"31", 31}};

        EACH_ROW(call, receive_calls) {
                EACH_ROW(row, rows) {
                        const mqd_t queue = another_mq(O_RDWR, SMALL_MAXMSG, SMALL_MSGSIZE);
                        unsigned stored[3];
                        char text[SMALL_MSGSIZE];

                        mq_post(queue, row->priority, "text");
                        mq_post(queue, row->priority, "text");
                        memset(stored, 0x5a, sizeof(stored));
                        MUST(call->receive(queue, text, sizeof(text), &stored[1]));
                        EQ(mq_receive_prio_out, stored[1], row->priority);
                        EQ(mq_receive_prio_out, stored[0], 0x5a5a5a5a);
                        EQ(mq_receive_prio_out, stored[2], 0x5a5a5a5a);
                        EQ(mq_receive_prio_null, call->receive(queue, text, sizeof(text), NULL), 4);
                        EQ(mq_receive_prio_null, mq_count(queue), 0);
                        MUST(mq_close(queue));
                }
        }
}

/* The oldest of the highest also where messages came and went before. */
TEST(choice_depends_on_what_is_there, VERIFIES(mq_receive_oldest_highest))
{
        const mqd_t queue = small_mq(O_RDWR);
        char text[SMALL_MSGSIZE];

        mq_post(queue, 1, "A");
        mq_post(queue, 2, "B");
        MUST(mq_receive(queue, text, sizeof(text), NULL));
        EQ(mq_receive_oldest_highest, text[0], 'B');
        mq_post(queue, 1, "C");
        mq_post(queue, 0, "D");
        mq_post(queue, 1, "E");
        static const char order[] = "ACED";
        for (int i = 0; i < 4; i++) {
                MUST(mq_receive(queue, text, sizeof(text), NULL));
                EQ(mq_receive_oldest_highest, text[0], order[i]);
        }
}
