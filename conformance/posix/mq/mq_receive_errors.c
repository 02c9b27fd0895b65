/* SPDX-License-Identifier: MIT
 *
 * mq_receive(), mq_timedreceive(): calls that fail at once, each beside one that differs in a single argument and
 * succeeds.
 */
#include <limits.h>
#include <sys/wait.h>

#include "ipck_mq_way.h"

TEST(empty_queue_with_o_nonblock, VERIFIES(mq_receive_eagain))
{
        EACH_ROW(call, receive_calls) {
                const mqd_t queue = another_mq(O_RDWR | O_NONBLOCK, SMALL_MAXMSG, SMALL_MSGSIZE);
                char text[SMALL_MSGSIZE];

                FAILS_WITH(mq_receive_eagain, EAGAIN, call->receive(queue, text, sizeof(text), NULL));
                mq_post(queue, 0, "text");
                EQ(mq_receive_eagain, call->receive(queue, text, sizeof(text), NULL), 4);
                FAILS_WITH(mq_receive_eagain, EAGAIN, call->receive(queue, text, sizeof(text), NULL));
        }
}

TEST(descriptor_must_be_open_for_reading, VERIFIES(mq_receive_ebadf, mq_receive_no_remove_on_fail))
{
        const mqd_t queue = small_mq(O_RDWR), read_only = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDONLY)),
                    write_only = (mqd_t)MUST(mq_open(QUEUE_NAME, O_WRONLY));
        const struct no_queues none = no_queues();
        char text[SMALL_MSGSIZE];

        EACH_ROW(call, receive_calls) {
                mq_post(queue, 3, "text");
                if (!FAILS_WITH(mq_receive_ebadf, EBADF, call->receive(write_only, text, sizeof(text), NULL)))
                        mq_post(queue, 3, "text");
                EACH_ROW(row, none.closed)
                        FAILS_WITH(mq_receive_ebadf, EBADF, call->receive(row->queue, text, sizeof(text), NULL));
                EQ(mq_receive_no_remove_on_fail, mq_count(queue), 1);
                EQ(mq_receive_ebadf, call->receive(read_only, text, sizeof(text), NULL), 4);
        }
}

TEST(descriptor_must_be_of_a_queue, VERIFIES(mq_receive_ebadf_notmq))
{
        const struct no_queues none = no_queues();
        char text[SMALL_MSGSIZE];

        EACH_ROW(call, receive_calls) {
                EACH_ROW(row, none.other)
                        FAILS_WITH(mq_receive_ebadf_notmq, EBADF, call->receive(row->queue, text, sizeof(text), NULL));
        }
}

static const struct {
        const char *name;
        size_t room;
} too_small[] = {{"one less", SMALL_MSGSIZE - 1}, {"as large as the message", 4}, {"1", 1}, {"0", 0}};

TEST(buffer_must_hold_the_longest_message,
     VERIFIES(mq_receive_emsgsize, mq_receive_emsgsize_empty, mq_receive_no_remove_on_fail))
{
        EACH_ROW(call, receive_calls) {
                const mqd_t queue = another_mq(O_RDWR, SMALL_MAXMSG, SMALL_MSGSIZE);
                char text[SMALL_MSGSIZE];
                unsigned priority = 99;

                mq_post(queue, 3, "text");
                memset(text, 0x5a, sizeof(text));
                EACH_ROW(row, too_small) {
                        if (FAILS_WITH(row->room < 4 ? mq_receive_emsgsize : mq_receive_emsgsize_empty, EMSGSIZE,
                                       call->receive(queue, text, row->room, &priority)))
                                EQ(mq_receive_no_remove_on_fail, mq_count(queue), 1);
                        if (mq_count(queue) == 0)
                                mq_post(queue, 3, "text");
                }
                HOLDS(mq_receive_no_remove_on_fail, all_bytes(text, sizeof(text), 0x5a));
                EQ(mq_receive_emsgsize, call->receive(queue, text, SMALL_MSGSIZE, &priority), 4);
                EQ(mq_receive_no_remove_on_fail, priority, 3);
                HOLDS(mq_receive_no_remove_on_fail, memcmp(text, "text", 4) == 0);
        }
}

/* In a process of its own: a call that waits all the same is a failure, not the end of the test. */
TEST(too_small_a_buffer_does_not_wait, VERIFIES(mq_receive_emsgsize_empty))
{
        EACH_ROW(call, receive_calls) {
                const mqd_t queue = another_mq(O_RDWR, SMALL_MAXMSG, SMALL_MSGSIZE);
                struct child caller;

                EACH_ROW(row, too_small) {
                        CHILD(&caller) {
                                char text[SMALL_MSGSIZE];

                                FAILS_WITH(mq_receive_emsgsize_empty, EMSGSIZE,
                                           call->receive(queue, text, row->room, NULL));
                        }
                        EVENTUALLY(mq_receive_emsgsize_empty, returned(&caller));
                        join(&caller);
                }
        }
}

/* Whether the message that could not be stored is still there is not said: recorded, not judged. */
TEST(message_needs_memory_that_can_be_written, VERIFIES(mq_receive_efault, mq_receive_efault_message))
{
        unsigned priority;
        char text[SMALL_MSGSIZE];
        const struct {
                const char *name;
                char *message;
                unsigned *priority;
        } rows[] = {
                {"unmapped", bad_address(), &priority}, {"null", NULL, &priority},
                {"read-only", read_only_page(), &priority},
                {"one byte too few", (char *)guarded(SMALL_MSGSIZE - 1), &priority},
                {"priority", text, bad_address()},
        };

        EACH_ROW(call, receive_calls) {
                EACH_ROW(row, rows) {
                        const mqd_t queue = another_mq(O_RDWR, SMALL_MAXMSG, SMALL_MSGSIZE);
                        static const char longest[SMALL_MSGSIZE];

                        MUST(mq_send(queue, longest, sizeof(longest), 3));
                        FAILS_WITH(mq_receive_efault, EFAULT,
                                   call->receive(queue, row->message, SMALL_MSGSIZE, row->priority));
                        OBSERVE(mq_receive_efault_message, "%s: the message is %s", row->name,
                                mq_count(queue) ? "still there" : "gone");
                        MUST(mq_close(queue));
                }
        }
}
