/* SPDX-License-Identifier: MIT
 *
 * mq_getattr(): what it tells, and of which queue.
 */
#include "ipck_mq_way.h"

TEST(tells_the_size_it_was_created_with, VERIFIES(mq_attr_get_static))
{
        static const struct {
                const char *name;
                long maxmsg, msgsize;
        } rows[] = {{"smallest", 1, 1}, {"3 of 17 bytes", 3, 17}, {"8 of 1 byte", 8, 1}, {"1 of 500 bytes", 1, 500},
                    {"10 of 2 bytes", 10, 2}};

        EACH_ROW(row, rows) {
                const struct mq_attr attr = attr_of(another_mq(O_RDWR, row->maxmsg, row->msgsize));

                EQ(mq_attr_get_static, attr.mq_maxmsg, row->maxmsg);
                EQ(mq_attr_get_static, attr.mq_msgsize, row->msgsize);
        }
}

/* What others ask for when they open a queue that exists is not looked at. */
TEST(size_stays_whoever_opens_the_queue, VERIFIES(mq_attr_get_static))
{
        struct mq_attr asked = {.mq_maxmsg = 2, .mq_msgsize = 5};
        const mqd_t queue = new_mq(QUEUE_NAME, O_RDWR, 3, 17),
                    other = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR | O_CREAT, 0600, &asked));

        EQ(mq_attr_get_static, attr_of(queue).mq_maxmsg, 3);
        EQ(mq_attr_get_static, attr_of(other).mq_maxmsg, 3);
        EQ(mq_attr_get_static, attr_of(other).mq_msgsize, 17);
}

TEST(counts_the_messages, VERIFIES(mq_attr_get_curmsgs))
{
        const mqd_t queue = small_mq(O_RDWR), other = (mqd_t)MUST(mq_open(QUEUE_NAME, O_WRONLY));
        char text[SMALL_MSGSIZE];

        EQ(mq_attr_get_curmsgs, attr_of(queue).mq_curmsgs, 0);
        for (int n = 1; n <= SMALL_MAXMSG; n++) {
                /* Each is one, whatever its priority and length. */
                MUST(mq_send(n % 2 ? queue : other, "text", (size_t)n - 1, (unsigned)n / 2));
                EQ(mq_attr_get_curmsgs, attr_of(queue).mq_curmsgs, n);
                EQ(mq_attr_get_curmsgs, attr_of(other).mq_curmsgs, n);
        }
        for (int n = SMALL_MAXMSG - 1; n >= 0; n--) {
                MUST(mq_receive(queue, text, sizeof(text), NULL));
                EQ(mq_attr_get_curmsgs, attr_of(other).mq_curmsgs, n);
        }
}

/* A message that waits for room is not on the queue, and a receiver that waits is no message less. */
TEST(those_who_wait_do_not_count, VERIFIES(mq_attr_get_curmsgs))
{
        static const struct {
                const char *name;
                const struct way *way;
        } rows[] = {{"sender", &sending}, {"receiver", &receiving}};

        EACH_ROW(row, rows) {
                const mqd_t queue = row->way->stuck(0);
                struct child waiter;

                CHILD(&waiter) {
                        here(&waiter, 1);
                        (void)row->way->call(queue, NULL);
                }
                UNTIL(settled(&waiter));
                EQ(mq_attr_get_curmsgs, attr_of(queue).mq_curmsgs, row->way->count);
                kill_child(&waiter);
                EQ(mq_attr_get_curmsgs, attr_of(queue).mq_curmsgs, row->way->count);
        }
}

TEST(tells_o_nonblock_and_no_other_flag, VERIFIES(mq_attr_get_flags))
{
        static const struct {
                const char *name;
                int oflag;
        } rows[] = {
                {"read and write", O_RDWR}, {"read", O_RDONLY}, {"write", O_WRONLY},
                {"O_NONBLOCK", O_RDWR | O_NONBLOCK}, {"read, O_NONBLOCK", O_RDONLY | O_NONBLOCK},
                {"write, O_NONBLOCK", O_WRONLY | O_NONBLOCK}, {"O_CLOEXEC", O_RDWR | O_CLOEXEC},
        };
        const mqd_t creator = small_mq(O_RDWR | O_NONBLOCK);

        EACH_ROW(row, rows) {
                const mqd_t queue = (mqd_t)MUST(mq_open(QUEUE_NAME, row->oflag));

                EQ(mq_attr_get_flags, attr_of(queue).mq_flags, row->oflag & O_NONBLOCK);
                EQ(mq_attr_get_flags, attr_of(creator).mq_flags, O_NONBLOCK);
                MUST(mq_close(queue));
        }
}

TEST(reserved_members_are_zero, VERIFIES(mq_attr_get_reserved))
{
        enum { NAMED = 4 * sizeof(long) };
        const mqd_t queue = small_mq(O_RDWR);
        const struct mq_attr attr = attr_of(queue);

        REQUIRE(sizeof(attr) > NAMED && offsetof(struct mq_attr, mq_curmsgs) < NAMED);
        HOLDS(mq_attr_get_reserved, all_bytes((const char *)&attr + NAMED, sizeof(attr) - NAMED, 0));
}

TEST(any_access_mode_will_do, VERIFIES(mq_attr_get_access_mode))
{
        static const struct {
                const char *name;
                int oflag;
        } rows[] = {{"read", O_RDONLY}, {"write", O_WRONLY}};
        const mqd_t creator = small_mq(O_RDWR);

        mq_post(creator, 0, "text");
        EACH_ROW(row, rows) {
                const mqd_t queue = (mqd_t)MUST(mq_open(QUEUE_NAME, row->oflag));
                const struct mq_attr nonblocking = {.mq_flags = O_NONBLOCK};
                struct mq_attr attr;

                memset(&attr, 0x5a, sizeof(attr));
                EQ(mq_attr_get_access_mode, mq_getattr(queue, &attr), 0);
                EQ(mq_attr_get_access_mode, attr.mq_flags, 0);
                EQ(mq_attr_get_access_mode, attr.mq_curmsgs, 1);
                EQ(mq_attr_get_access_mode, mq_setattr(queue, &nonblocking, NULL), 0);
                EQ(mq_attr_get_access_mode, attr_of(queue).mq_flags, O_NONBLOCK);
                MUST(mq_close(queue));
        }
}
