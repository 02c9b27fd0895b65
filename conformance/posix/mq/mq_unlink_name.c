/* SPDX-License-Identifier: MIT
 *
 * mq_unlink(): the name goes at once, the queue with the last descriptor.
 */
#include "ipck_mq.h"

static const struct timespec past = {0};

static void expect_works(enum ipck_requirement req, mqd_t queue, const char *text)
{
        char message[SMALL_MSGSIZE];
        const ssize_t length = (ssize_t)strlen(text);

        EQ(req, mq_timedsend(queue, text, (size_t)length, 3, &past), 0);
        EQ(req, mq_timedreceive(queue, message, sizeof(message), NULL, &past), length);
        HOLDS(req, memcmp(message, text, (size_t)length) == 0);
}

/* ---- the name ---- */

TEST(name_is_removed_and_no_other, VERIFIES(mq_unlink_ret))
{
        static const struct {
                const char *name;
        } names[] = {{"/a"}, {"/aa"}, {"/b"}, {"/A"}};
        const int open = open_descriptors();

        EACH_ROW(row, names)
                MUST(mq_close(new_mq(row->name, O_RDWR, 1, 1)));
        EACH_ROW(row, names) {
                EQ(mq_unlink_ret, mq_unlink(row->name), 0);
                HOLDS(mq_unlink_ret, !mq_exists(row->name));
                for (size_t later = (size_t)(row - names) + 1; later < sizeof(names) / sizeof(*names); later++)
                        HOLDS(mq_unlink_ret, mq_exists(names[later].name));
        }
        EQ(mq_unlink_ret, open_descriptors(), open);
}

TEST(unlink_does_not_wait_for_those_who_have_it_open, VERIFIES(mq_unlink_ret))
{
        const mqd_t queue = small_mq(O_RDWR);
        struct child receiver;

        CHILD(&receiver) {
                char message[SMALL_MSGSIZE];

                here(&receiver, 1);
                EQ(mq_unlink_ret, mq_receive(queue, message, sizeof(message), NULL), 3);
        }
        UNTIL(blocked(&receiver));
        EQ(mq_unlink_ret, mq_unlink(QUEUE_NAME), 0);
        HOLDS(mq_unlink_ret, !mq_exists(QUEUE_NAME));
        HOLDS(mq_unlink_ret, !returned(&receiver));
        mq_post(queue, 0, "end");
        join(&receiver);
}

TEST(name_is_free_at_once, VERIFIES(mq_unlink_name_gone, mq_unlink_enoent))
{
        const mqd_t old = small_mq(O_RDWR);
        struct mq_attr attr = {.mq_maxmsg = 2, .mq_msgsize = SMALL_MSGSIZE};

        mq_post(old, 0, "old");
        EQ(mq_unlink_name_gone, mq_unlink(QUEUE_NAME), 0);
        FAILS_WITH(mq_unlink_name_gone, ENOENT, mq_open(QUEUE_NAME, O_RDWR));
        FAILS_WITH(mq_unlink_name_gone, ENOENT, mq_open(QUEUE_NAME, O_RDONLY));
        FAILS_WITH(mq_unlink_enoent, ENOENT, mq_unlink(QUEUE_NAME));

        const mqd_t new = OPENS(mq_unlink_name_gone, mq_open(QUEUE_NAME, O_CREAT | O_EXCL | O_RDWR, 0600, &attr));
        EQ(mq_unlink_name_gone, attr_of(new).mq_curmsgs, 0);
        EQ(mq_unlink_name_gone, attr_of(new).mq_maxmsg, 2);
        /* From now on the name is the new one's, and neither sees the messages of the other. */
        const mqd_t again = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR));
        mq_post(new, 1, "new");
        mq_post(new, 2, "new");
        EQ(mq_unlink_name_gone, mq_count(again), 2);
        EQ(mq_unlink_name_gone, mq_count(old), 1);
        EQ(mq_unlink_name_gone, attr_of(old).mq_maxmsg, SMALL_MAXMSG);
        expect_works(mq_unlink_name_gone, old, "still");
        MUST(mq_close(old));
        EQ(mq_unlink_name_gone, mq_count(again), 2);
        EQ(mq_unlink_name_gone, mq_unlink(QUEUE_NAME), 0);
}

TEST(creation_without_exclusion_makes_a_new_queue_too, VERIFIES(mq_unlink_name_gone))
{
        const mqd_t old = small_mq(O_RDWR);
        struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 1};

        need_mq_limits(6, 1, 1);
        /* Again and again: all of them live at a time. */
        for (int i = 0; i < 5; i++) {
                MUST(mq_unlink(QUEUE_NAME));
                const mqd_t new = OPENS(mq_unlink_name_gone, mq_open(QUEUE_NAME, O_CREAT | O_RDWR, 0600, &attr));
                EQ(mq_unlink_name_gone, attr_of(new).mq_msgsize, 1);
                EQ(mq_unlink_name_gone, mq_count(new), 0);
                mq_post(new, 0, "n");
        }
        EQ(mq_unlink_name_gone, mq_count(old), 0);
}

/* ---- the queue ---- */

TEST(open_descriptors_work_on, VERIFIES(mq_unlink_postponed))
{
        const mqd_t first = small_mq(O_RDWR), second = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR));
        char message[SMALL_MSGSIZE];
        struct child other;

        mq_post(first, 5, "before");
        CHILD(&other) {
                MUST(mq_close(first));
                MUST(mq_close(second));
                const mqd_t own = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR));
                stay(&other);
                EQ(mq_unlink_postponed, mq_timedreceive(own, message, sizeof(message), NULL, &past), 6);
                HOLDS(mq_unlink_postponed, memcmp(message, "before", 6) == 0);
                EQ(mq_unlink_postponed, mq_timedsend(own, "after", 5, 1, &past), 0);
        }
        UNTIL(stays(&other));
        EQ(mq_unlink_postponed, mq_unlink(QUEUE_NAME), 0);
        EQ(mq_unlink_postponed, mq_count(first), 1);
        EQ(mq_unlink_postponed, attr_of(second).mq_maxmsg, SMALL_MAXMSG);
        MUST(mq_close(first));
        dismiss(&other);
        EQ(mq_unlink_postponed, mq_timedreceive(second, message, sizeof(message), NULL, &past), 5);
        HOLDS(mq_unlink_postponed, memcmp(message, "after", 5) == 0);
        expect_works(mq_unlink_postponed, second, "alone");
}

TEST(waiting_receiver_gets_the_message_of_another_descriptor, VERIFIES(mq_unlink_postponed))
{
        const mqd_t queue = small_mq(O_RDWR), other = (mqd_t)MUST(mq_open(QUEUE_NAME, O_WRONLY));
        struct child receiver;

        CHILD(&receiver) {
                char message[SMALL_MSGSIZE];

                here(&receiver, 1);
                EQ(mq_unlink_postponed, mq_receive(queue, message, sizeof(message), NULL), 4);
        }
        UNTIL(blocked(&receiver));
        remove_mq(queue, QUEUE_NAME);
        mq_post(other, 0, "late");
        join(&receiver);
}
