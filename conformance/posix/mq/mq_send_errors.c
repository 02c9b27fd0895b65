/* SPDX-License-Identifier: MIT
 *
 * mq_send(), mq_timedsend(): calls that fail at once, each beside one that differs in a single argument and succeeds.
 */
#include <limits.h>

#include "ipck_mq_way.h"

#ifndef MQ_PRIO_MAX
#define MQ_PRIO_MAX ((unsigned)sysconf(_SC_MQ_PRIO_MAX))
#endif

/* The one message that is there, of priority 3, is all that there is afterwards. */
static mqd_t mq_with_a_message(void)
{
        const mqd_t queue = another_mq(O_RDWR, SMALL_MAXMSG, SMALL_MSGSIZE);

        mq_post(queue, 3, "before");
        return queue;
}

static void expect_nothing_else(mqd_t queue)
{
        EQ(mq_send_no_enqueue_on_fail, mq_count(queue), 1);
        EQ(mq_send_no_enqueue_on_fail, drain(queue, 3), 1);
}

TEST(full_queue_with_o_nonblock, VERIFIES(mq_send_eagain, mq_send_no_enqueue_on_fail))
{
        EACH_ROW(call, send_calls) {
                const mqd_t queue = another_mq(O_RDWR | O_NONBLOCK, SMALL_MAXMSG, SMALL_MSGSIZE);
                char text[SMALL_MSGSIZE];

                for (int i = 0; i < SMALL_MAXMSG; i++)
                        EQ(mq_send_eagain, call->send(queue, "first", 5, 3), 0);
                FAILS_WITH(mq_send_eagain, EAGAIN, call->send(queue, "x", 1, 3));
                /* Nor is there room for nothing, or for what is more important. */
                FAILS_WITH(mq_send_eagain, EAGAIN, call->send(queue, "", 0, 3));
                FAILS_WITH(mq_send_eagain, EAGAIN, call->send(queue, "x", 1, 31));
                EQ(mq_send_no_enqueue_on_fail, mq_count(queue), SMALL_MAXMSG);

                MUST(mq_receive(queue, text, sizeof(text), NULL));
                EQ(mq_send_eagain, call->send(queue, "x", 1, 3), 0);
                EQ(mq_send_no_enqueue_on_fail, drain(queue, 3), SMALL_MAXMSG);
        }
}

TEST(descriptor_must_be_open_for_writing, VERIFIES(mq_send_ebadf, mq_send_no_enqueue_on_fail))
{
        const mqd_t queue = small_mq(O_RDWR), read_only = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDONLY)),
                    write_only = (mqd_t)MUST(mq_open(QUEUE_NAME, O_WRONLY));
        const struct no_queues none = no_queues();

        EACH_ROW(call, send_calls) {
                if (FAILS_WITH(mq_send_ebadf, EBADF, call->send(read_only, "text", 4, 3)))
                        EQ(mq_send_no_enqueue_on_fail, mq_count(queue), 0);
                drain(queue, 3);
                EACH_ROW(row, none.closed)
                        FAILS_WITH(mq_send_ebadf, EBADF, call->send(row->queue, "text", 4, 3));
                EQ(mq_send_no_enqueue_on_fail, mq_count(queue), 0);
                EQ(mq_send_ebadf, call->send(write_only, "text", 4, 3), 0);
                EQ(mq_send_ebadf, drain(queue, 3), 1);
        }
}

TEST(descriptor_must_be_of_a_queue, VERIFIES(mq_send_ebadf_notmq))
{
        const struct no_queues none = no_queues();

        EACH_ROW(call, send_calls) {
                EACH_ROW(row, none.other)
                        FAILS_WITH(mq_send_ebadf_notmq, EBADF, call->send(row->queue, "text", 4, 3));
        }
}

TEST(priority_must_be_below_the_limit, VERIFIES(mq_send_einval_prio, mq_send_no_enqueue_on_fail))
{
        const struct {
                const char *name;
                unsigned priority;
        } rows[] = {
                {"MQ_PRIO_MAX", MQ_PRIO_MAX}, {"one more", MQ_PRIO_MAX + 1}, {"twice as much", 2 * MQ_PRIO_MAX},
                {"INT_MAX", INT_MAX}, {"bit 31", 1U << 31}, {"-1", UINT_MAX},
        };

        EACH_ROW(call, send_calls) {
                const mqd_t queue = mq_with_a_message();
                char text[SMALL_MSGSIZE];

                EQ(mq_send_einval_prio, call->send(queue, "text", 4, MQ_PRIO_MAX - 1), 0);
                MUST(mq_receive(queue, text, sizeof(text), NULL));
                EACH_ROW(row, rows)
                        FAILS_WITH(mq_send_einval_prio, EINVAL, call->send(queue, "text", 4, row->priority));
                expect_nothing_else(queue);
        }
}

TEST(message_must_not_be_longer_than_the_queue_takes, VERIFIES(mq_send_emsgsize, mq_send_no_enqueue_on_fail))
{
        static char text[2 * SMALL_MSGSIZE];
        static const struct {
                const char *name;
                size_t length;
        } rows[] = {
                {"one more", SMALL_MSGSIZE + 1}, {"twice as long", 2 * SMALL_MSGSIZE}, {"bit 31", (size_t)1 << 31},
                {"SSIZE_MAX", SSIZE_MAX}, {"SIZE_MAX", SIZE_MAX},
#ifdef __LP64__
                {"short in 32 bits", ((size_t)1 << 32) + 1},
#endif
        };

        EACH_ROW(call, send_calls) {
                const mqd_t queue = mq_with_a_message();

                EQ(mq_send_emsgsize, call->send(queue, text, SMALL_MSGSIZE, 4), 0);
                EQ(mq_send_emsgsize, mq_receive(queue, text, sizeof(text), NULL), SMALL_MSGSIZE);
                EACH_ROW(row, rows)
                        FAILS_WITH(mq_send_emsgsize, EMSGSIZE, call->send(queue, text, row->length, 4));
                expect_nothing_else(queue);
        }
}

/* Also where it would have to wait for its turn. */
TEST(too_long_message_does_not_wait, VERIFIES(mq_send_emsgsize, mq_send_no_enqueue_on_fail))
{
        static const char text[SMALL_MSGSIZE + 1];

        EACH_ROW(call, send_calls) {
                const mqd_t queue = sending.stuck(0);
                struct child caller;

                CHILD(&caller)
                        FAILS_WITH(mq_send_emsgsize, EMSGSIZE, call->send(queue, text, sizeof(text), WAYS_OWN));
                EVENTUALLY(mq_send_emsgsize, returned(&caller));
                join(&caller);
                HOLDS(mq_send_no_enqueue_on_fail, is_untouched(&sending, queue));
        }
}

TEST(unreadable_message_is_refused, VERIFIES(mq_send_efault, mq_send_no_enqueue_on_fail))
{
        const struct {
                const char *name;
                const char *message;
                size_t length;
        } rows[] = {
                {"unmapped", bad_address(), 1}, {"null", NULL, 1},
                {"one byte too few", (const char *)guarded(SMALL_MSGSIZE - 1), SMALL_MSGSIZE},
        };

        EACH_ROW(call, send_calls) {
                const mqd_t queue = mq_with_a_message();

                EACH_ROW(row, rows)
                        FAILS_WITH(mq_send_efault, EFAULT, call->send(queue, row->message, row->length, 4));
                expect_nothing_else(queue);
                /* Of nothing, nothing is read. */
                EQ(mq_send_efault, call->send(queue, bad_address(), 0, 4), 0);
                EQ(mq_send_efault, drain(queue, 4), 1);
        }
}
