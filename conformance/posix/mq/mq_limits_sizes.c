/* SPDX-License-Identifier: MIT
 *
 * fs.mqueue.msg_max and msgsize_max: how large a queue may be, for whom, and what no privilege makes larger.
 */
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>

#include "ipck_mq.h"

enum { HARD_MSGMAX = 65536, HARD_MSGSIZEMAX = 16777216 };       /* since Linux 3.5 */

static long limit(const char *name)
{
        char path[64];

        snprintf(path, sizeof(path), "/proc/sys/fs/mqueue/%s", name);
        return (long)number_in(path, "");
}

static void expect_created(enum ipck_requirement req, long maxmsg, long msgsize)
{
        const mqd_t queue = OPENS(req, try_mq(QUEUE_NAME, maxmsg, msgsize));
        if (queue == (mqd_t)-1)
                return;
        EQ(req, attr_of(queue).mq_maxmsg, maxmsg);
        EQ(req, attr_of(queue).mq_msgsize, msgsize);
        remove_mq(queue, QUEUE_NAME);
}

static void expect_refused(enum ipck_requirement req, long maxmsg, long msgsize)
{
        struct mq_attr attr = {.mq_maxmsg = maxmsg, .mq_msgsize = msgsize};

        CREATES_NOTHING(req, EINVAL, QUEUE_NAME, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
}

/* ---- as the namespace has them ---- */

TEST(sizes_end_at_the_limits, VERIFIES(mq_open_einval_attr_limit))
{
        const long msg_max = limit("msg_max"), msgsize_max = limit("msgsize_max");

        be_limited();
        /* Where they are large the account of bytes is full before. */
        if (msg_max <= 1000)
                expect_created(mq_open_einval_attr_limit, msg_max, 1);
        if (msgsize_max <= 10000)
                expect_created(mq_open_einval_attr_limit, 1, msgsize_max);
        expect_refused(mq_open_einval_attr_limit, msg_max + 1, 1);
        expect_refused(mq_open_einval_attr_limit, 1, msgsize_max + 1);
        expect_refused(mq_open_einval_attr_limit, msg_max + 1, msgsize_max + 1);
        expect_refused(mq_open_einval_attr_limit, LONG_MAX, 1);
        expect_refused(mq_open_einval_attr_limit, 1, LONG_MAX);
#if LONG_MAX > INT_MAX
        /* Cut to 32 bits these are in range. */
        expect_refused(mq_open_einval_attr_limit, 0x100000001, 1);
        expect_refused(mq_open_einval_attr_limit, 1, 0x100000001);
#endif
}

/* ---- as the test sets them ---- */

TEST(number_of_messages_ends_at_the_limit, VERIFIES(mqfs_msg_max))
{
        static const struct {
                const char *name;
                long msg_max;
        } rows[] = {{"1", 1}, {"5", 5}, {"10", 10}, {"123", 123}};

        be_limited();
        EACH_ROW(row, rows) {
                set_mq_limit("msg_max", row->msg_max);
                expect_created(mqfs_msg_max, row->msg_max, 1);
                expect_refused(mqfs_msg_max, row->msg_max + 1, 1);
                expect_refused(mqfs_msg_max, LONG_MAX, 1);
        }
}

TEST(size_of_messages_ends_at_the_limit, VERIFIES(mqfs_msgsize_max))
{
        static const struct {
                const char *name;
                long msgsize_max;
        } rows[] = {{"128", 128}, {"129", 129}, {"8192", 8192}, {"10001", 10001}};

        be_limited();
        EACH_ROW(row, rows) {
                set_mq_limit("msgsize_max", row->msgsize_max);
                expect_created(mqfs_msgsize_max, 1, row->msgsize_max);
                expect_refused(mqfs_msgsize_max, 1, row->msgsize_max + 1);
                expect_refused(mqfs_msgsize_max, 1, LONG_MAX);
        }
}

TEST(lowered_sizes_leave_a_queue_as_it_is, VERIFIES(mqfs_limits_later_only))
{
        enum { SIZE = 500, COUNT = 5 };
        const mqd_t queue = new_mq(QUEUE_NAME, O_RDWR | O_NONBLOCK, COUNT, SIZE);
        char message[SIZE] = "";

        set_mq_limit("msg_max", 1);
        set_mq_limit("msgsize_max", 128);
        set_mq_limit("msg_default", 1);
        set_mq_limit("msgsize_default", 128);
        be_limited();
        FAILS_WITH(mqfs_limits_later_only, EINVAL, try_mq("/other", COUNT, SIZE));
        EQ(mqfs_limits_later_only, attr_of(queue).mq_maxmsg, COUNT);
        EQ(mqfs_limits_later_only, attr_of(queue).mq_msgsize, SIZE);
        for (int i = 0; i < COUNT; i++)
                EQ(mqfs_limits_later_only, mq_send(queue, message, SIZE, 0), 0);
        FAILS_WITH(mqfs_limits_later_only, EAGAIN, mq_send(queue, message, SIZE, 0));
        const mqd_t again = OPENS(mqfs_limits_later_only, mq_open(QUEUE_NAME, O_RDWR));
        for (int i = 0; i < COUNT; i++)
                EQ(mqfs_limits_later_only, mq_receive(again, message, SIZE, NULL), SIZE);
}

/* ---- with privilege ---- */

TEST(privilege_goes_beyond_the_sizes, VERIFIES(mqfs_privileged))
{
        need_privilege();
        set_mq_limit("msg_max", 5);
        set_mq_limit("msgsize_max", 128);
        expect_created(mqfs_privileged, 6, 1);
        expect_created(mqfs_privileged, 1, 129);
        expect_created(mqfs_privileged, 50, 200);
        be_limited();
        expect_refused(mqfs_privileged, 6, 1);
        expect_refused(mqfs_privileged, 1, 129);
}

TEST(privilege_of_an_inner_user_namespace_does_not_count, VERIFIES(mqfs_privileged_initial))
{
        enter_user_namespace(0, 0);
        enter_new_ipc_namespace();
        REQUIRE(has_capability(CAP_SYS_RESOURCE));
        set_mq_limit("msg_max", 5);
        set_mq_limit("msgsize_max", 128);
        expect_created(mqfs_privileged_initial, 5, 1);
        expect_created(mqfs_privileged_initial, 1, 128);
        expect_refused(mqfs_privileged_initial, 6, 1);
        expect_refused(mqfs_privileged_initial, 1, 129);
}

TEST(no_privilege_goes_beyond_the_hard_limits, VERIFIES(mqfs_hard_limits))
{
        need_privilege();
        own_account(4 * HARD_MSGSIZEMAX);
        expect_created(mqfs_hard_limits, HARD_MSGMAX, 1);
        expect_created(mqfs_hard_limits, 1, HARD_MSGSIZEMAX);
        expect_refused(mqfs_hard_limits, HARD_MSGMAX + 1, 1);
        expect_refused(mqfs_hard_limits, 1, HARD_MSGSIZEMAX + 1);
        expect_refused(mqfs_hard_limits, INT_MAX, 1);
        expect_refused(mqfs_hard_limits, 1, INT_MAX);
        expect_refused(mqfs_hard_limits, LONG_MAX, 1);
        expect_refused(mqfs_hard_limits, 1, LONG_MAX);
#if LONG_MAX > INT_MAX
        expect_refused(mqfs_hard_limits, 0x100000001, 1);
        expect_refused(mqfs_hard_limits, 1, 0x100000001);
#endif
}

TEST(message_of_the_hard_limit_is_received_whole, VERIFIES(mqfs_hard_limits), ONE_ROUTE)
{
        need_privilege();
        own_account(4 * HARD_MSGSIZEMAX);
        const mqd_t queue = (mqd_t)MUST(try_mq(QUEUE_NAME, 1, HARD_MSGSIZEMAX));
        char *const sent = malloc(HARD_MSGSIZEMAX), *const received = malloc(HARD_MSGSIZEMAX);

        REQUIRE(sent && received);
        fill_pattern(sent, HARD_MSGSIZEMAX, 1);
        if (mq_send(queue, sent, HARD_MSGSIZEMAX, 0) == -1 && errno == ENOMEM)
                UNSUPPORTED("kernel memory for a message of %d bytes", HARD_MSGSIZEMAX);
        EQ(mqfs_hard_limits, mq_receive(queue, received, HARD_MSGSIZEMAX, NULL), HARD_MSGSIZEMAX);
        HOLDS(mqfs_hard_limits, has_pattern(received, HARD_MSGSIZEMAX, 1));
        FAILS_WITH(mqfs_hard_limits, EMSGSIZE, mq_send(queue, sent, HARD_MSGSIZEMAX + 1UL, 0));
        free(sent);
        free(received);
}
