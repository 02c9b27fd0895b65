/* SPDX-License-Identifier: MIT
 *
 * mq_open(): the descriptor, and what the flags make of it.
 */
#include "ipck_mq.h"

static const struct timespec past = {0};

/* ---- the descriptor ---- */

TEST(descriptor_is_a_value_to_use, VERIFIES(mq_open_ret_mqd))
{
        static const struct {
                const char *name;
                int oflag;
        } rows[] = {{"O_RDONLY", O_RDONLY}, {"O_WRONLY", O_WRONLY}, {"O_RDWR", O_RDWR}};
        struct mq_attr small = {.mq_maxmsg = 1, .mq_msgsize = 1}, attr;

        EACH_ROW(row, rows) {
                const mqd_t created = OPENS(mq_open_ret_mqd, mq_open(QUEUE_NAME, row->oflag | O_CREAT, 0600, &small));
                const mqd_t opened = OPENS(mq_open_ret_mqd, mq_open(QUEUE_NAME, row->oflag));
                HOLDS(mq_open_ret_mqd, created != opened);
                EQ(mq_open_ret_mqd, mq_getattr(created, &attr), 0);
                EQ(mq_open_ret_mqd, mq_getattr(opened, &attr), 0);
                remove_mq(created, QUEUE_NAME);
                MUST(mq_close(opened));
        }
}

TEST(descriptor_is_the_lowest_that_is_free, VERIFIES(mq_open_descriptor))
{
        need_descriptors(20);
        const mqd_t first = small_mq(O_RDWR);
        const int low = (int)MUST(fcntl(first, F_DUPFD_CLOEXEC, 20));

        EQ(mq_open_descriptor, mq_open(QUEUE_NAME, O_RDWR), first + 1);
        MUST(close(first));
        EQ(mq_open_descriptor, mq_open(QUEUE_NAME, O_RDWR), first);
        MUST(close(0));
        EQ(mq_open_descriptor, mq_open(QUEUE_NAME, O_RDWR), 0);
        mq_post(0, 0, "by descriptor 0");
        EQ(mq_open_descriptor, mq_count(low), 1);
        /* What every file descriptor has. */
        HOLDS(mq_open_descriptor, S_ISREG(mq_stat(low).st_mode));
        EQ(mq_open_descriptor, fcntl(low, F_GETFL) & O_ACCMODE, O_RDWR);
        EQ(mq_open_descriptor, close(low), 0);
        EQ(mq_open_descriptor, fcntl(low, F_GETFD), -1);
}

TEST(descriptor_is_closed_by_exec, VERIFIES(mq_open_cloexec))
{
        const mqd_t created = small_mq(O_RDWR);

        EQ(mq_open_cloexec, fcntl(created, F_GETFD), FD_CLOEXEC);
        EQ(mq_open_cloexec, fcntl((int)MUST(mq_open(QUEUE_NAME, O_RDONLY)), F_GETFD), FD_CLOEXEC);
        EQ(mq_open_cloexec, fcntl((int)MUST(mq_open(QUEUE_NAME, O_RDWR | O_CLOEXEC)), F_GETFD), FD_CLOEXEC);
        EQ(mq_open_cloexec, fcntl((int)MUST(mq_open(QUEUE_NAME, O_CREAT | O_WRONLY, 0600, NO_ATTR)), F_GETFD),
           FD_CLOEXEC);
}

/* ---- access ---- */

static void expect_access(enum ipck_requirement granted, enum ipck_requirement no_send,
                          enum ipck_requirement no_receive, mqd_t queue, mqd_t other, int oflag)
{
        char message[SMALL_MSGSIZE];

        if (oflag == O_RDONLY)
                FAILS_WITH(no_send, EBADF, mq_timedsend(queue, "m", 1, 0, &past));
        else
                EQ(granted, mq_timedsend(queue, "m", 1, 0, &past), 0);
        if (mq_count(other) == 0)
                mq_post(other, 0, "m");
        if (oflag == O_WRONLY)
                FAILS_WITH(no_receive, EBADF, mq_timedreceive(queue, message, sizeof(message), NULL, &past));
        else
                EQ(granted, mq_timedreceive(queue, message, sizeof(message), NULL, &past), 1);
        /* What was refused changed nothing. */
        EQ(granted, mq_count(other), oflag == O_WRONLY);
}

TEST(descriptor_serves_the_access_asked_for,
     VERIFIES(mq_open_access_granted, mq_open_access_rdonly_no_send, mq_open_access_wronly_no_recv))
{
        static const struct {
                const char *name;
                int oflag;
        } rows[] = {{"O_RDONLY", O_RDONLY}, {"O_WRONLY", O_WRONLY}, {"O_RDWR", O_RDWR}};

        EACH_ROW(row, rows) {
                const mqd_t created = new_mq(QUEUE_NAME, row->oflag, SMALL_MAXMSG, SMALL_MSGSIZE);
                const mqd_t other = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR));
                const mqd_t opened = (mqd_t)MUST(mq_open(QUEUE_NAME, row->oflag));
                char message[SMALL_MSGSIZE];

                expect_access(mq_open_access_granted, mq_open_access_rdonly_no_send, mq_open_access_wronly_no_recv,
                              created, other, row->oflag);
                while (mq_count(other) > 0)
                        MUST(mq_receive(other, message, sizeof(message), NULL));
                expect_access(mq_open_access_granted, mq_open_access_rdonly_no_send, mq_open_access_wronly_no_recv,
                              opened, other, row->oflag);
                remove_mq(created, QUEUE_NAME);
                MUST(mq_close(other));
                MUST(mq_close(opened));
        }
}

TEST(calls_without_time_limit_are_refused_as_well,
     VERIFIES(mq_open_access_rdonly_no_send, mq_open_access_wronly_no_recv))
{
        const mqd_t both = small_mq(O_RDWR | O_NONBLOCK);
        const mqd_t reader = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDONLY | O_NONBLOCK));
        const mqd_t writer = (mqd_t)MUST(mq_open(QUEUE_NAME, O_WRONLY | O_NONBLOCK));
        char message[SMALL_MSGSIZE];

        FAILS_WITH(mq_open_access_rdonly_no_send, EBADF, mq_send(reader, "m", 1, 0));
        EQ(mq_open_access_rdonly_no_send, mq_count(both), 0);
        while (mq_count(both) > 0)
                MUST(mq_receive(both, message, sizeof(message), NULL));
        mq_post(writer, 0, "m");
        FAILS_WITH(mq_open_access_wronly_no_recv, EBADF, mq_receive(writer, message, sizeof(message), NULL));
        EQ(mq_open_access_wronly_no_recv, mq_count(both), 1);
        /* Nor where the queue is full or empty. */
        fill_mq(both);
        FAILS_WITH(mq_open_access_rdonly_no_send, EBADF, mq_send(reader, "m", 1, 0));
        while (mq_count(both) > 0)
                MUST(mq_receive(both, message, sizeof(message), NULL));
        FAILS_WITH(mq_open_access_wronly_no_recv, EBADF, mq_receive(writer, message, sizeof(message), NULL));
}

TEST(creator_has_the_access_asked_for_whatever_the_mode_is, VERIFIES(mq_open_access_creator))
{
        struct mq_attr small = {.mq_maxmsg = 1, .mq_msgsize = SMALL_MSGSIZE};
        char message[SMALL_MSGSIZE];

        drop_all_capabilities();
        const mqd_t queue = OPENS(mq_open_access_creator, mq_open(QUEUE_NAME, O_CREAT | O_EXCL | O_RDWR, 0, &small));
        EQ(mq_open_access_creator, mq_timedsend(queue, "m", 1, 0, &past), 0);
        EQ(mq_open_access_creator, mq_timedreceive(queue, message, sizeof(message), NULL, &past), 1);
        REQUIRE(mq_open(QUEUE_NAME, O_RDWR) == -1 && errno == EACCES);
}

TEST(access_mode_that_is_none_of_the_three, VERIFIES(mq_open_access_none_of_three))
{
        enum { NONE = O_WRONLY | O_RDWR };
        const mqd_t queue = small_mq(O_RDWR);
        const int open = open_descriptors();

        FAILS_WITH(mq_open_access_none_of_three, EINVAL, mq_open(QUEUE_NAME, NONE));
        FAILS_WITH(mq_open_access_none_of_three, EINVAL, mq_open(QUEUE_NAME, NONE | O_NONBLOCK));
        FAILS_WITH(mq_open_access_none_of_three, EINVAL, mq_open(QUEUE_NAME, NONE | O_CREAT, 0600, NO_ATTR));
        FAILS_WITH(mq_open_access_none_of_three, ENOENT, mq_open("/missing", NONE));
        EQ(mq_open_access_none_of_three, open_descriptors(), open);
        EQ(mq_open_access_none_of_three, mq_count(queue), 0);
}

/* ---- O_NONBLOCK ---- */

TEST(nonblocking_is_each_description_for_itself, VERIFIES(mq_open_nonblock))
{
        const mqd_t created = small_mq(O_RDWR | O_NONBLOCK);
        const mqd_t blocking = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR));
        const mqd_t other = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR | O_NONBLOCK));
        char message[SMALL_MSGSIZE];

        /* One that may wait says so when its time is over, the other says that it would have to. */
        FAILS_WITH(mq_open_nonblock, EAGAIN, mq_timedreceive(created, message, sizeof(message), NULL, &past));
        FAILS_WITH(mq_open_nonblock, ETIMEDOUT, mq_timedreceive(blocking, message, sizeof(message), NULL, &past));
        FAILS_WITH(mq_open_nonblock, EAGAIN, mq_timedreceive(other, message, sizeof(message), NULL, &past));
        fill_mq(other);
        FAILS_WITH(mq_open_nonblock, EAGAIN, mq_timedsend(created, "m", 1, 0, &past));
        FAILS_WITH(mq_open_nonblock, ETIMEDOUT, mq_timedsend(blocking, "m", 1, 0, &past));
        FAILS_WITH(mq_open_nonblock, EAGAIN, mq_timedsend(other, "m", 1, 0, &past));
        EQ(mq_open_nonblock, attr_of(created).mq_flags, O_NONBLOCK);
        EQ(mq_open_nonblock, attr_of(blocking).mq_flags, 0);
        EQ(mq_open_nonblock, attr_of(other).mq_flags, O_NONBLOCK);
}

TEST(blocking_descriptor_waits_beside_one_that_does_not, VERIFIES(mq_open_nonblock))
{
        const mqd_t created = small_mq(O_RDWR | O_NONBLOCK);
        struct child receiver;

        CHILD(&receiver) {
                const mqd_t blocking = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDONLY));
                char message[SMALL_MSGSIZE];

                here(&receiver, 1);
                EQ(mq_open_nonblock, mq_receive(blocking, message, sizeof(message), NULL), 4);
        }
        UNTIL(blocked(&receiver));
        HOLDS(mq_open_nonblock, !returned(&receiver));
        mq_post(created, 0, "four");
        join(&receiver);
}
