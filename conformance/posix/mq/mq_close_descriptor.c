/* SPDX-License-Identifier: MIT
 *
 * mq_close(): what ends with a descriptor, and what stays.
 */
#include "ipck_mq_notify.h"

static const struct timespec past = {0};

static void expect_closed(enum ipck_requirement req, mqd_t queue)
{
        char message[SMALL_MSGSIZE];
        struct mq_attr attr;

        EQ(req, mq_getattr(queue, &attr), -1);
        EQ(req, mq_timedsend(queue, "m", 1, 0, &past), -1);
        EQ(req, mq_timedreceive(queue, message, sizeof(message), NULL, &past), -1);
}

/* ---- the result ---- */

TEST(open_descriptors_are_closed, VERIFIES(mq_close_ret))
{
        static const struct {
                const char *name;
                int oflag;
        } rows[] = {{"O_RDONLY", O_RDONLY}, {"O_WRONLY", O_WRONLY}, {"O_RDWR", O_RDWR | O_NONBLOCK}};
        const int open = open_descriptors();

        EACH_ROW(row, rows) {
                const mqd_t created = new_mq(QUEUE_NAME, row->oflag, 1, 1);
                const mqd_t opened = (mqd_t)MUST(mq_open(QUEUE_NAME, row->oflag));

                EQ(mq_close_ret, mq_close(created), 0);
                MUST(mq_unlink(QUEUE_NAME));
                EQ(mq_close_ret, mq_close(opened), 0);
                EQ(mq_close_ret, open_descriptors(), open);
        }
}

TEST(what_is_no_descriptor, VERIFIES(mq_close_ebadf))
{
        const mqd_t queue = small_mq(O_RDWR);
        const mqd_t unused = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR));

        MUST(mq_close(unused));
        const int open = open_descriptors();
        FAILS_WITH(mq_close_ebadf, EBADF, mq_close((mqd_t)-1));
        FAILS_WITH(mq_close_ebadf, EBADF, mq_close(unused));
        FAILS_WITH(mq_close_ebadf, EBADF, mq_close(unused + 500));
        FAILS_WITH(mq_close_ebadf, EBADF, mq_close(0x7fffffff));
        EQ(mq_close_ebadf, open_descriptors(), open);
        mq_post(queue, 0, "m");
        EQ(mq_close_ebadf, mq_close(queue), 0);
        FAILS_WITH(mq_close_ebadf, EBADF, mq_close(queue));
}

TEST(descriptor_of_something_else_is_no_queue, VERIFIES(mq_close_ebadf), ONE_ROUTE)
{
        int ends[2];

        MUST(pipe(ends));
        FAILS_WITH(mq_close_ebadf, EBADF, mq_close((mqd_t)ends[0]));
        HOLDS(mq_close_ebadf, fcntl(ends[0], F_GETFD) != -1);
}

/* ---- the association ---- */

TEST(closed_descriptor_is_none_of_the_queue, VERIFIES(mq_close_association))
{
        const mqd_t first = small_mq(O_RDWR), second = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR | O_NONBLOCK));
        char message[SMALL_MSGSIZE];

        mq_post(first, 4, "stays");
        EQ(mq_close_association, mq_close(first), 0);
        expect_closed(mq_close_association, first);
        /* The other descriptor is as it was. */
        EQ(mq_close_association, attr_of(second).mq_flags, O_NONBLOCK);
        EQ(mq_close_association, mq_count(second), 1);
        EQ(mq_close_association, mq_send(second, "m", 1, 0), 0);
        MUST(mq_close(second));
        expect_closed(mq_close_association, second);
        /* The queue is still there. */
        const mqd_t again = OPENS(mq_close_association, mq_open(QUEUE_NAME, O_RDWR));
        EQ(mq_close_association, mq_receive(again, message, sizeof(message), NULL), 5);
        EQ(mq_close_association, mq_receive(again, message, sizeof(message), NULL), 1);
}

TEST(duplicate_stays_when_the_other_is_closed, VERIFIES(mq_close_dup))
{
        const mqd_t queue = small_mq(O_RDWR);
        char message[SMALL_MSGSIZE];

        MUST(mq_unlink(QUEUE_NAME));
        const mqd_t twin = (mqd_t)MUST(dup(queue));
        /* One description: what is set by the one is seen by the other. */
        MUST(mq_setattr(queue, &(struct mq_attr){.mq_flags = O_NONBLOCK}, NULL));
        EQ(mq_close_dup, attr_of(twin).mq_flags, O_NONBLOCK);
        EQ(mq_close_dup, mq_receive(twin, message, sizeof(message), NULL), -1);
        mq_post(queue, 0, "four");
        MUST(mq_close(queue));
        expect_closed(mq_close_dup, queue);
        EQ(mq_close_dup, mq_receive(twin, message, sizeof(message), NULL), 4);
        EQ(mq_close_dup, mq_send(twin, "m", 1, 0), 0);
        EQ(mq_close_dup, mq_close(twin), 0);
        expect_closed(mq_close_dup, twin);
}

/* ---- registration for notification ---- */

TEST(close_ends_the_registration, VERIFIES(mq_close_removes_notification))
{
        const mqd_t queue = small_mq(O_RDWR);
        struct child other;

        MUST(mq_open(QUEUE_NAME, O_RDWR));
        MUST(ask_for_nothing(queue));
        CHILD(&other) {
                const mqd_t own = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR));

                FAILS_WITH(mq_close_removes_notification, EBUSY, ask_for_nothing(own));
                stay(&other);
                EQ(mq_close_removes_notification, ask_for_nothing(own), 0);
                /* Now it is this process that is registered. */
                FAILS_WITH(mq_close_removes_notification, EBUSY, ask_for_nothing(own));
        }
        UNTIL(stays(&other));
        EQ(mq_close_removes_notification, mq_close(queue), 0);
        dismiss(&other);
}

TEST(close_by_another_process_ends_no_registration, VERIFIES(mq_close_removes_notification))
{
        const mqd_t queue = small_mq(O_RDWR);
        struct child other;

        MUST(ask_for_nothing(queue));
        CHILD(&other) {
                /* Its copy of the very descriptor, and one of its own. */
                EQ(mq_close_removes_notification, mq_close(queue), 0);
                EQ(mq_close_removes_notification, mq_close((mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR))), 0);
        }
        join(&other);
        FAILS_WITH(mq_close_removes_notification, EBUSY, ask_for_nothing(queue));
}
