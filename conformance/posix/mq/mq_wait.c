/* SPDX-License-Identifier: MIT
 *
 * mq_send() on a full queue, mq_receive() on an empty one: what ends the wait, and who of several comes first.
 */
#include <sched.h>
#include <sys/syscall.h>

#include "ipck_mq_way.h"

/* ---- one caller ---- */

TEST(sender_waits_for_room,
     VERIFIES(mq_send_block_full, mq_receive_wakes_sender, mq_send_content, mq_send_order_prio, mq_send_order_fifo))
{
        static const struct {
                const char *name;
                unsigned priority;
                size_t length;
                int place;              /* among the messages left when it is there */
        } rows[] = {
                {"of equal priority", 5, 10, SMALL_MAXMSG - 1},
                {"of lesser priority", 0, 10, SMALL_MAXMSG - 1},
                {"of greater priority", 6, 10, 0},
                {"empty", 5, 0, SMALL_MAXMSG - 1},
                {"the longest", 7, SMALL_MSGSIZE, 0},
        };

        need_descriptors(20);
        EACH_ROW(row, rows) {
                const mqd_t queue = another_mq(O_RDWR, SMALL_MAXMSG, SMALL_MSGSIZE);
                char text[SMALL_MSGSIZE];
                struct child sender;

                for (int i = 0; i < SMALL_MAXMSG; i++)
                        mq_post(queue, 5, "before");
                CHILD(&sender) {
                        char sent[SMALL_MSGSIZE];

                        fill_pattern(sent, sizeof(sent), 7);
                        here(&sender, 1);
                        EQ(mq_send_block_full, mq_send(queue, sent, row->length, row->priority), 0);
                }
                UNTIL(settled(&sender));
                HOLDS(mq_send_block_full, !returned(&sender));
                EQ(mq_send_block_full, mq_count(queue), SMALL_MAXMSG);

                MUST(mq_receive(queue, text, sizeof(text), NULL));
                EVENTUALLY(mq_receive_wakes_sender, returned(&sender));
                join(&sender);
                EQ(mq_send_block_full, mq_count(queue), SMALL_MAXMSG);
                for (int place = 0; place < SMALL_MAXMSG; place++) {
                        unsigned priority = 99;
                        const ssize_t length = mq_receive(queue, text, sizeof(text), &priority);
                        const bool is_it = place == row->place;

                        EQ(row->priority == 5 ? mq_send_order_fifo : mq_send_order_prio, priority,
                           is_it ? row->priority : 5);
                        EQ(mq_receive_wakes_sender, length, is_it ? row->length : 6);
                        HOLDS(mq_send_content, is_it ? has_pattern(text, row->length, 7)
                                                     : memcmp(text, "before", 6) == 0);
                }
        }
}

TEST(receiver_waits_for_a_message,
     VERIFIES(mq_receive_block_empty, mq_receive_content, mq_receive_prio_out, mq_receive_ret_len))
{
        static const struct {
                const char *name;
                unsigned priority;
                size_t length;
        } rows[] = {{"a message", 5, 10}, {"empty", 31, 0}, {"the longest", 0, SMALL_MSGSIZE}};

        EACH_ROW(row, rows) {
                const mqd_t queue = another_mq(O_RDWR, SMALL_MAXMSG, SMALL_MSGSIZE);
                char sent[SMALL_MSGSIZE];
                struct child receiver;

                CHILD(&receiver) {
                        char text[SMALL_MSGSIZE];
                        unsigned priority = 0x5a5a5a5a;

                        here(&receiver, 1);
                        EQ(mq_receive_ret_len, mq_receive(queue, text, sizeof(text), &priority), row->length);
                        EQ(mq_receive_prio_out, priority, row->priority);
                        HOLDS(mq_receive_content, has_pattern(text, row->length, 7));
                }
                UNTIL(settled(&receiver));
                HOLDS(mq_receive_block_empty, !returned(&receiver));

                fill_pattern(sent, sizeof(sent), 7);
                MUST(mq_send(queue, sent, row->length, row->priority));
                EVENTUALLY(mq_receive_block_empty, returned(&receiver));
                EQ(mq_receive_block_empty, mq_count(queue), 0);
                join(&receiver);
        }
}

/* Through another descriptor too, and one that is open for nothing else. */
TEST(wait_ends_through_another_descriptor, VERIFIES(mq_send_block_full, mq_receive_block_empty, mq_send_unlinked,
                                                    mq_receive_unlinked))
{
        static const struct {
                const char *name;
                const struct way *way;
                int other;
                bool unlink;
                enum ipck_requirement req;
        } rows[] = {
                {"sender", &sending, O_RDONLY, false, mq_send_block_full},
                {"receiver", &receiving, O_WRONLY, false, mq_receive_block_empty},
                {"sender, unlinked", &sending, O_RDONLY, true, mq_send_unlinked},
                {"receiver, unlinked", &receiving, O_WRONLY, true, mq_receive_unlinked},
        };

        EACH_ROW(row, rows) {
                const mqd_t queue = small_mq(O_RDWR), other = (mqd_t)MUST(mq_open(QUEUE_NAME, row->other)),
                            waited_on = (mqd_t)MUST(mq_open(QUEUE_NAME, row->way->access));
                struct child waiter;

                if (row->way == &sending)
                        fill_mq(queue);
                CHILD(&waiter) {
                        here(&waiter, 1);
                        EQ(row->req, row->way->call(waited_on, NULL), 0);
                }
                UNTIL(settled(&waiter));
                if (row->unlink)
                        MUST(mq_unlink(QUEUE_NAME));
                UNTIL(settled(&waiter));
                HOLDS(row->req, !returned(&waiter));
                row->way->help(other);
                EVENTUALLY(row->req, returned(&waiter));
                EQ(row->req, mq_count(queue), row->way->count);
                join(&waiter);
                MUST(mq_close(waited_on));
                MUST(mq_close(other));
                MUST(mq_close(queue));
                if (!row->unlink)
                        MUST(mq_unlink(QUEUE_NAME));
        }
}

/* ---- several callers ---- */

enum { WAITERS = 4 };

static int back(const struct child *waiters)
{
        int sum = 0;

        for (int i = 0; i < WAITERS; i++)
                sum += returned(&waiters[i]);
        return sum;
}

/* Scheduling priorities by which the waiters are told apart; 0: the usual policy, as all have it. By the system call:
 * musl's function does not make it. */
static void take_priority(int priority)
{
        const struct sched_param param = {.sched_priority = priority};

        if (priority && syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param) == -1)
                UNSUPPORTED("scheduling priorities of SCHED_FIFO (%s)", errno_name(errno));
}

/* The waiters come one after another; first[] says in which order they have to be served. */
static void serve_receivers(enum ipck_requirement req, const int priority[WAITERS], const int first[WAITERS])
{
        const mqd_t queue = small_mq(O_RDWR);
        struct child waiter[WAITERS];
        char *const got = shared(WAITERS);

        for (int i = 0; i < WAITERS; i++) {
                CHILD(&waiter[i]) {
                        char text[SMALL_MSGSIZE];

                        take_priority(priority[i]);
                        here(&waiter[i], 1);
                        EQ(req, mq_receive(queue, text, sizeof(text), NULL), 1);
                        got[i] = text[0];
                }
                UNTIL(settled(&waiter[i]));
        }
        for (int n = 0; n < WAITERS; n++) {
                MUST(mq_send(queue, &"ABCD"[n], 1, 0));
                EVENTUALLY(mq_receive_wakes_one, back(waiter) > n);
                for (int i = 0; i < WAITERS; i++)
                        UNTIL(settled(&waiter[i]));
                EQ(mq_receive_wakes_one, back(waiter), n + 1);
                EQ(req, got[first[n]], "ABCD"[n]);
        }
        for (int i = 0; i < WAITERS; i++)
                join(&waiter[i]);
}

static void serve_senders(enum ipck_requirement req, const int priority[WAITERS], const int first[WAITERS])
{
        const mqd_t queue = new_mq(QUEUE_NAME, O_RDWR, 1, SMALL_MSGSIZE);
        struct child waiter[WAITERS];
        char text[SMALL_MSGSIZE];

        fill_mq(queue);
        for (int i = 0; i < WAITERS; i++) {
                CHILD(&waiter[i]) {
                        take_priority(priority[i]);
                        here(&waiter[i], 1);
                        /* The later it comes, the greater its message's priority: that must not matter. */
                        EQ(req, mq_send(queue, &"ABCD"[i], 1, (unsigned)i + 1), 0);
                }
                UNTIL(settled(&waiter[i]));
        }
        MUST(mq_receive(queue, text, sizeof(text), NULL));
        for (int n = 0; n < WAITERS; n++) {
                EVENTUALLY(mq_send_block_full, back(waiter) > n);
                for (int i = 0; i < WAITERS; i++)
                        UNTIL(settled(&waiter[i]));
                EQ(mq_send_block_full, back(waiter), n + 1);
                MUST(mq_receive(queue, text, sizeof(text), NULL));
                EQ(req, text[0], "ABCD"[first[n]]);
        }
        for (int i = 0; i < WAITERS; i++)
                join(&waiter[i]);
}

static const int no_priority[WAITERS] = {0}, in_order[WAITERS] = {0, 1, 2, 3};

TEST(receiver_that_waited_longest_comes_first, VERIFIES(mq_receive_wake_longest, mq_receive_wakes_one))
{
        serve_receivers(mq_receive_wake_longest, no_priority, in_order);
}

TEST(sender_that_waited_longest_comes_first, VERIFIES(mq_send_wake_longest, mq_send_block_full))
{
        serve_senders(mq_send_wake_longest, no_priority, in_order);
}

static const int priorities[WAITERS] = {2, 1, 3, 2}, by_priority[WAITERS] = {2, 0, 3, 1};

TEST(receiver_of_the_highest_scheduling_priority_comes_first, VERIFIES(mq_receive_wake_prio, mq_receive_wakes_one))
{
        serve_receivers(mq_receive_wake_prio, priorities, by_priority);
}

TEST(sender_of_the_highest_scheduling_priority_comes_first, VERIFIES(mq_send_wake_prio, mq_send_block_full))
{
        serve_senders(mq_send_wake_prio, priorities, by_priority);
}

/* One that gave up, or died, leaves its place to the next. */
TEST(caller_that_left_does_not_hold_up_others, VERIFIES(mq_send_wake_longest, mq_receive_wake_longest))
{
        static const struct {
                const char *name;
                const struct way *way;
                bool killed;
                enum ipck_requirement req;
        } rows[] = {
                {"sender, interrupted", &sending, false, mq_send_wake_longest},
                {"sender, killed", &sending, true, mq_send_wake_longest},
                {"receiver, interrupted", &receiving, false, mq_receive_wake_longest},
                {"receiver, killed", &receiving, true, mq_receive_wake_longest},
        };

        EACH_ROW(row, rows) {
                const mqd_t queue = row->way->stuck(0);
                struct child first, second;

                CHILD(&first) {
                        catch_signal(SIGUSR1, 0);
                        here(&first, 1);
                        REQUIRE(row->way->call(queue, NULL) == -1 && errno == EINTR);
                }
                UNTIL(settled(&first));
                CHILD(&second) {
                        here(&second, 1);
                        EQ(row->req, row->way->call(queue, NULL), 0);
                }
                UNTIL(settled(&second));
                if (row->killed) {
                        kill_child(&first);
                } else {
                        MUST(kill(first.pid, SIGUSR1));
                        UNTIL(returned(&first));
                        join(&first);
                }
                HOLDS(row->req, !returned(&second));
                row->way->help(queue);
                EVENTUALLY(row->req, returned(&second));
                EQ(row->req, mq_count(queue), row->way->count);
                join(&second);
        }
}
