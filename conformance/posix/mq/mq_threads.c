/* SPDX-License-Identifier: MIT
 *
 * mq_send(), mq_receive() and the timed calls: callers that are threads of one process, and their cancellation.
 */
#include "ipck_mq_way.h"

static const struct {
        const char *name;
        const struct way *way;
        bool timed;
        enum ipck_requirement alone, eintr, closed, cancelled, no_effect, uncancelable, race;
} calls[] = {
        {"mq_send", &sending, false, mq_send_block_thread_only, mq_send_eintr, mq_send_closed, mq_send_cancel_point,
         mq_send_no_enqueue_on_fail, mq_send_cancel_disabled,
         mq_send_cancel_vs_transfer},
        {"mq_timedsend", &sending, true, mq_send_block_thread_only, mq_send_eintr, mq_send_closed,
         mq_send_cancel_point, mq_send_no_enqueue_on_fail, mq_send_cancel_disabled,
         mq_send_cancel_vs_transfer},
        {"mq_receive", &receiving, false, mq_receive_block_thread_only, mq_receive_eintr, mq_receive_closed,
         mq_receive_cancel_point, mq_receive_no_remove_on_fail,
         mq_receive_cancel_disabled, mq_receive_cancel_vs_transfer},
        {"mq_timedreceive", &receiving, true, mq_receive_block_thread_only, mq_receive_eintr, mq_receive_closed,
         mq_receive_cancel_point, mq_receive_no_remove_on_fail,
         mq_receive_cancel_disabled, mq_receive_cancel_vs_transfer},
};

#define THREAD_IN(call, mqd) \
        {.way = (call)->way, .queue = (mqd), .timed = (call)->timed, .deadline = far_deadline()}

TEST(other_threads_go_on, VERIFIES(mq_send_block_thread_only, mq_receive_block_thread_only))
{
        EACH_ROW(c, calls) {
                const mqd_t queue = c->way->stuck(0);
                struct child process;

                CHILD(&process) {
                        struct way_thread waiter = THREAD_IN(c, queue);

                        start_way(&waiter);
                        UNTIL(waits(&waiter.thread));
                        here(&process, 1);
                        await(&process, 1);
                        here(&process, 2);
                        /* It can itself do what the other waits for. */
                        c->way->help(queue);
                        EVENTUALLY(c->alone, waiter.thread.back);
                        EQ(c->alone, waiter.thread.result, 0);
                        finish(&waiter.thread);
                }
                UNTIL(at(&process) == 1);
                tell(&process, 1);
                EVENTUALLY(c->alone, at(&process) == 2);
                EVENTUALLY(c->alone, returned(&process));
                EQ(c->alone, mq_count(queue), c->way->count);
                join(&process);
        }
}

TEST(signal_ends_the_wait_of_its_thread_only,
     VERIFIES(mq_send_eintr, mq_receive_eintr, mq_send_block_thread_only, mq_receive_block_thread_only))
{
        EACH_ROW(c, calls) {
                const mqd_t queue = c->way->stuck(0);
                struct way_thread first = THREAD_IN(c, queue), second = THREAD_IN(c, queue);

                catch_signal(SIGUSR1, 0);
                start_way(&first);
                start_way(&second);
                UNTIL(waits(&first.thread) && waits(&second.thread));
                REQUIRE(pthread_kill(first.thread.handle, SIGUSR1) == 0);
                EVENTUALLY(c->eintr, first.thread.back);
                EQ(c->eintr, first.thread.result, EINTR);
                HOLDS(c->alone, !second.thread.back);
                c->way->help(queue);
                EVENTUALLY(c->alone, second.thread.back);
                EQ(c->alone, second.thread.result, 0);
                EQ(c->eintr, mq_count(queue), c->way->count);
                finish(&first.thread);
                finish(&second.thread);
        }
}

/* The queue lives on through another descriptor; the number of the closed one may mean something else by then. */
TEST(wait_outlives_the_close_of_its_descriptor, VERIFIES(mq_send_closed, mq_receive_closed))
{
        need_descriptors(20);
        EACH_ROW(c, calls) {
                const mqd_t queue = c->way->stuck(0), waited_on = (mqd_t)MUST(dup(queue));
                struct way_thread waiter = THREAD_IN(c, waited_on);

                start_way(&waiter);
                UNTIL(waits(&waiter.thread));
                MUST(mq_close(waited_on));
                const mqd_t other = c->way->stuck(0);
                REQUIRE(other == waited_on);
                UNTIL(waiter.thread.back || waits(&waiter.thread));
                HOLDS(c->closed, !waiter.thread.back);
                c->way->help(queue);
                EVENTUALLY(c->closed, waiter.thread.back);
                EQ(c->closed, waiter.thread.result, 0);
                EQ(c->closed, mq_count(queue), c->way->count);
                EQ(c->closed, mq_count(other), c->way->count);
                finish(&waiter.thread);
        }
}

/* ---- cancellation, for which the call must be the C library's ---- */

TEST(cancelled_caller_changes_nothing, VERIFIES(mq_send_cancel_point, mq_receive_cancel_point,
                                                mq_send_no_enqueue_on_fail, mq_receive_no_remove_on_fail), ONE_ROUTE)
{
        EACH_ROW(c, calls) {
                const mqd_t queue = c->way->stuck(0);
                struct way_thread waiter = THREAD_IN(c, queue);

                start_way(&waiter);
                UNTIL(waits(&waiter.thread));
                REQUIRE(pthread_cancel(waiter.thread.handle) == 0);
                EVENTUALLY(c->cancelled, waiter.thread.cancelled || waiter.thread.back);
                HOLDS(c->cancelled, waiter.thread.cancelled);
                HOLDS(c->cancelled, finish(&waiter.thread));
                /* What comes afterwards finds nobody waiting. */
                c->way->help(queue);
                EQ(c->no_effect, mq_count(queue), c->way->count - c->way->sent);
                EQ(c->no_effect, drain(queue, WAYS_OWN), c->way == &receiving);
        }
}

/* Also where the call need not wait: it would have done its work, and has not. */
TEST(request_before_the_call_is_acted_on_there, VERIFIES(mq_send_cancel_point, mq_receive_cancel_point,
                                                         mq_send_no_enqueue_on_fail, mq_receive_no_remove_on_fail),
     ONE_ROUTE)
{
        static const struct {
                const char *name;
                bool ready;
        } rows[] = {{"would wait", false}, {"need not wait", true}};

        EACH_ROW(c, calls) {
                EACH_ROW(row, rows) {
                        const mqd_t queue = c->way->stuck(0);
                        struct way_thread waiter = THREAD_IN(c, queue);
                        pthread_mutex_t *const gate = &waiter.gate;

                        if (row->ready)
                                c->way->help(queue);
                        const long before = mq_count(queue);
                        /* A mutex is no cancellation point. */
                        REQUIRE(pthread_mutex_init(gate, NULL) == 0 && pthread_mutex_lock(gate) == 0);
                        waiter.gated = true;
                        start_way(&waiter);
                        REQUIRE(pthread_cancel(waiter.thread.handle) == 0);
                        REQUIRE(pthread_mutex_unlock(gate) == 0);
                        EVENTUALLY(c->cancelled, waiter.thread.cancelled || waiter.thread.back);
                        HOLDS(c->cancelled, finish(&waiter.thread));
                        EQ(c->no_effect, mq_count(queue), before);
                }
        }
}

TEST(cancelled_caller_does_not_hold_up_others, VERIFIES(mq_send_cancel_point, mq_receive_cancel_point), ONE_ROUTE)
{
        EACH_ROW(c, calls) {
                const mqd_t queue = c->way->stuck(0);
                struct way_thread cancelled = THREAD_IN(c, queue), next = THREAD_IN(c, queue);

                start_way(&cancelled);
                UNTIL(waits(&cancelled.thread));
                start_way(&next);
                UNTIL(waits(&next.thread));
                REQUIRE(pthread_cancel(cancelled.thread.handle) == 0);
                EVENTUALLY(c->cancelled, cancelled.thread.cancelled || cancelled.thread.back);
                HOLDS(c->cancelled, finish(&cancelled.thread));
                HOLDS(c->cancelled, !next.thread.back);
                c->way->help(queue);
                EVENTUALLY(c->cancelled, next.thread.back);
                EQ(c->cancelled, next.thread.result, 0);
                EQ(c->cancelled, mq_count(queue), c->way->count);
                HOLDS(c->cancelled, !finish(&next.thread));
        }
}

TEST(caller_that_cannot_be_cancelled_waits_on, VERIFIES(mq_send_cancel_disabled, mq_receive_cancel_disabled), ONE_ROUTE)
{
        EACH_ROW(c, calls) {
                const mqd_t queue = c->way->stuck(0);
                struct way_thread waiter = THREAD_IN(c, queue);

                waiter.thread.uncancelable = true;
                start_way(&waiter);
                UNTIL(waits(&waiter.thread));
                REQUIRE(pthread_cancel(waiter.thread.handle) == 0);
                /* A signal that the library sends is caught before anything else happens. */
                UNTIL(waiter.thread.cancelled || waiter.thread.back || waits(&waiter.thread));
                if (!HOLDS(c->uncancelable, !waiter.thread.cancelled))
                        continue;
                c->way->help(queue);
                EVENTUALLY(c->uncancelable, waiter.thread.back);
                EQ(c->uncancelable, waiter.thread.result, 0);
                EQ(c->uncancelable, mq_count(queue), c->way->count);
                HOLDS(c->uncancelable, !finish(&waiter.thread));
        }
}

/* Either the call has done its work and returns, or it has not and never will. */
TEST(cancellation_and_end_of_the_wait_at_once_lose_nothing, VERIFIES(mq_send_cancel_vs_transfer,
                                                                       mq_receive_cancel_vs_transfer), ONE_ROUTE)
{
        enum { ROUNDS = 40 };

        EACH_ROW(c, calls) {
                const mqd_t queue = c->way->stuck(0);

                for (int round = 0; round < ROUNDS; round++) {
                        struct way_thread waiter = THREAD_IN(c, queue);

                        start_way(&waiter);
                        UNTIL(waits(&waiter.thread));
                        const bool cancel_first = random_below(2);
                        if (cancel_first)
                                cancel_thread(&waiter.thread);
                        dawdle();
                        c->way->help(queue);
                        if (!cancel_first)
                                cancel_thread(&waiter.thread);
                        EVENTUALLY(c->race, waiter.thread.cancelled || waiter.thread.back);
                        const bool cancelled = finish(&waiter.thread);
                        const long count = mq_count(queue);
                        EQ(c->race, count, cancelled ? c->way->count - c->way->sent : c->way->count);
                        /* As it was, for the next round. */
                        if (count != c->way->count)
                                MUST(c->way->call(queue, NULL));
                }
        }
}
