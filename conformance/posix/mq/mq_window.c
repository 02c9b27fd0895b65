/* SPDX-License-Identifier: MIT
 *
 * Calls on POSIX message queues that stop while they read from the caller's memory or store there, and what becomes of
 * them when the queue changes meanwhile.
 */
#include <fcntl.h>

#include "ipck_mq.h"
#include "ipck_window.h"

enum { TEXT = 20, PRIORITY = 3 };

static const char text[TEXT] = "twenty bytes of text";

static bool is_received(mqd_t queue, char *got)
{
        return mq_receive(queue, got, SMALL_MSGSIZE, NULL) == TEXT && memcmp(got, text, TEXT) == 0;
}

/* What is sent is received, where nobody stops. */
static mqd_t sound_queue(void)
{
        const mqd_t queue = small_mq(O_RDWR | O_NONBLOCK);
        char got[SMALL_MSGSIZE];

        MUST(mq_send(queue, text, TEXT, PRIORITY));
        REQUIRE(is_received(queue, got));
        return queue;
}

TEST(sending_to_a_queue_that_is_unlinked, VERIFIES(mq_send_unlink_race))
{
        const mqd_t queue = sound_queue();
        struct child sender;
        char got[SMALL_MSGSIZE];

        CHILD(&sender)
                EQ(mq_send_unlink_race, mq_send(queue, window(&sender, text, TEXT, 0), TEXT, PRIORITY), 0);
        UNTIL(stopped(&sender));
        MUST(mq_unlink(QUEUE_NAME));
        open_window(&sender);
        join(&sender);
        HOLDS(mq_send_unlink_race, is_received(queue, got));
}

TEST(sending_to_a_queue_that_becomes_full, VERIFIES(mq_send_full_race, mq_send_no_enqueue_on_fail))
{
        const mqd_t queue = small_mq(O_RDWR | O_NONBLOCK);
        struct child sender;

        CHILD(&sender)
                FAILS_WITH(mq_send_full_race, EAGAIN, mq_send(queue, window(&sender, text, TEXT, 0), TEXT, PRIORITY));
        UNTIL(stopped(&sender));
        for (int i = 0; i < SMALL_MAXMSG; i++)
                mq_post(queue, 0, "");
        open_window(&sender);
        join(&sender);
        EQ(mq_send_no_enqueue_on_fail, mq_count(queue), SMALL_MAXMSG);
}

TEST(message_that_is_being_stored_is_gone_for_others, VERIFIES(mq_receive_once_while_stored))
{
        const mqd_t queue = sound_queue();
        struct child receiver, other;

        MUST(mq_send(queue, text, TEXT, PRIORITY));
        CHILD(&receiver)
                HOLDS(mq_receive_once_while_stored, is_received(queue, window(&receiver, NULL, SMALL_MSGSIZE, 0)));
        UNTIL(stopped(&receiver));
        CHILD(&other) {
                char got[SMALL_MSGSIZE];
                here(&other, 1);
                FAILS_WITH(mq_receive_once_while_stored, EAGAIN, mq_receive(queue, got, sizeof(got), NULL));
        }
        /* It may be made to wait for the other, but not for ever. */
        UNTIL(returned(&other) || blocked(&other));
        open_window(&receiver);
        join(&receiver);
        join(&other);
        EQ(mq_receive_once_while_stored, mq_count(queue), 0);
}
