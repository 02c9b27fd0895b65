/* SPDX-License-Identifier: MIT
 *
 * poll(), select() and epoll on descriptors of queues.
 */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "ipck_mq.h"

enum { EVENTS = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM };

static short ready_for(mqd_t queue, short events)
{
        struct pollfd fd = {.fd = queue, .events = events, .revents = 0x5a5a};

        MUST(poll(&fd, 1, 0));
        return fd.revents;
}

static void expect_ready(mqd_t queue, bool in, bool out)
{
        EQ(mqfs_poll, ready_for(queue, POLLIN), in ? POLLIN : 0);
        EQ(mqfs_poll, ready_for(queue, POLLOUT), out ? POLLOUT : 0);
        EQ(mqfs_poll, ready_for(queue, EVENTS), (in ? POLLIN | POLLRDNORM : 0) | (out ? POLLOUT | POLLWRNORM : 0));
}

TEST(queue_is_ready_for_what_would_not_wait, VERIFIES(mqfs_poll))
{
        const mqd_t queue = small_mq(O_RDWR);
        char message[SMALL_MSGSIZE];

        expect_ready(queue, false, true);
        for (int n = 1; n < SMALL_MAXMSG; n++) {
                mq_post(queue, (unsigned)n, "m");
                expect_ready(queue, true, true);
        }
        mq_post(queue, 0, "last");
        expect_ready(queue, true, false);
        for (int n = SMALL_MAXMSG - 1; n > 0; n--) {
                MUST(mq_receive(queue, message, sizeof(message), NULL));
                expect_ready(queue, true, true);
        }
        MUST(mq_receive(queue, message, sizeof(message), NULL));
        expect_ready(queue, false, true);
}

TEST(empty_message_counts_and_other_descriptors_see_it, VERIFIES(mqfs_poll))
{
        const mqd_t queue = new_mq(QUEUE_NAME, O_RDWR, 1, 1), other = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR));

        MUST(mq_send(queue, "", 0, 0));
        expect_ready(other, true, false);
        MUST(mq_unlink(QUEUE_NAME));
        expect_ready(other, true, false);
}

/* ---- waiting ---- */

static int wait_by_poll(mqd_t queue, bool in)
{
        struct pollfd fd = {.fd = queue, .events = in ? POLLIN : POLLOUT};

        return poll(&fd, 1, -1) == 1 && fd.revents == fd.events;
}

static int wait_by_select(mqd_t queue, bool in)
{
        fd_set set;

        FD_ZERO(&set);
        FD_SET(queue, &set);
        return select(queue + 1, in ? &set : NULL, in ? NULL : &set, NULL, NULL) == 1 && FD_ISSET(queue, &set);
}

static int wait_by_epoll(mqd_t queue, bool in)
{
        struct epoll_event event = {.events = in ? EPOLLIN : EPOLLOUT, .data.fd = 77}, got = {0};
        const int epoll = (int)MUST(epoll_create1(EPOLL_CLOEXEC));

        MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &event));
        return epoll_wait(epoll, &got, 1, -1) == 1 && got.events == event.events && got.data.fd == 77;
}

static const struct {
        const char *name;
        int (*wait)(mqd_t queue, bool in);
} ways[] = {{"poll", wait_by_poll}, {"select", wait_by_select}, {"epoll", wait_by_epoll}};

TEST(message_wakes_who_waits_for_one, VERIFIES(mqfs_poll_wakes))
{
        const mqd_t queue = small_mq(O_RDWR);
        char message[SMALL_MSGSIZE];
        struct child waiter;

        EACH_ROW(way, ways) {
                CHILD(&waiter) {
                        here(&waiter, 1);
                        EQ(mqfs_poll_wakes, way->wait(queue, true), 1);
                }
                UNTIL(blocked(&waiter));
                HOLDS(mqfs_poll_wakes, !returned(&waiter));
                mq_post(queue, 0, "m");
                EVENTUALLY(mqfs_poll_wakes, returned(&waiter));
                join(&waiter);
                MUST(mq_receive(queue, message, sizeof(message), NULL));
        }
}

TEST(room_wakes_who_waits_for_it, VERIFIES(mqfs_poll_wakes))
{
        const mqd_t queue = small_mq(O_RDWR);
        char message[SMALL_MSGSIZE];
        struct child waiter;

        EACH_ROW(way, ways) {
                fill_mq(queue);
                CHILD(&waiter) {
                        here(&waiter, 1);
                        EQ(mqfs_poll_wakes, way->wait(queue, false), 1);
                }
                UNTIL(blocked(&waiter));
                HOLDS(mqfs_poll_wakes, !returned(&waiter));
                MUST(mq_receive(queue, message, sizeof(message), NULL));
                EVENTUALLY(mqfs_poll_wakes, returned(&waiter));
                join(&waiter);
        }
}
