/* SPDX-License-Identifier: MIT
 *
 * mq_timedsend(), mq_timedreceive(): what a deadline does to a call that has to wait, and to one that has not. No test
 * asks how late an expiry is, only that it is not early.
 */
#include <limits.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "ipck_mq_way.h"
#include "ipck_race.h"

#define FAR_AWAY ((time_t)(((uintmax_t)1 << (sizeof(time_t) * 8 - 1)) - 1))

static const struct {
        const char *name;
        const struct way *way;
        enum ipck_requirement expired, past, far, invalid, negative, unchecked, immediate, nonblock, null, realtime,
                no_effect, unreadable;
} ways[] = {
        {"mq_timedsend", &sending, mq_send_timed_etimedout, mq_send_timed_past, mq_send_timed_far, mq_send_timed_einval,
         mq_send_timed_negative_sec, mq_send_timed_unchecked, mq_send_timed_immediate, mq_send_timed_nonblock,
         mq_send_timed_null, mq_send_timed_realtime, mq_send_no_enqueue_on_fail, mq_send_timed_efault},
        {"mq_timedreceive", &receiving, mq_receive_timed_etimedout, mq_receive_timed_past, mq_receive_timed_far,
         mq_receive_timed_einval, mq_receive_timed_negative_sec, mq_receive_timed_unchecked,
         mq_receive_timed_immediate, mq_receive_timed_nonblock, mq_receive_timed_null, mq_receive_timed_realtime,
         mq_receive_no_remove_on_fail, mq_receive_timed_efault},
};

/* In a process of its own: a call that waits all the same is a failure, not the end of the test. */
static void fails_soon(enum ipck_requirement req, int error, const struct way *way, mqd_t queue,
                       const struct timespec *deadline)
{
        struct child caller;

        CHILD(&caller)
                FAILS_WITH(req, error, way->call(queue, deadline));
        EVENTUALLY(req, returned(&caller));
        join(&caller);
}

/* ---- expiry ---- */

/* Several rounds each, so that they begin anywhere between two ticks of a coarse clock. */
TEST(never_early, VERIFIES(mq_send_timed_etimedout, mq_receive_timed_etimedout), MOSTLY_WAITS)
{
        static const struct {
                const char *name;
                int64_t interval;
        } rows[] = {
                {"1 ns", 1}, {"50 us", 50000}, {"1 ms", 1000000}, {"1 ns more than 1 ms", 1000001},
                {"1 ns less than 4 ms", 3999999}, {"1 ns more than 10 ms", 10000001},
        };
        struct child caller;

        CHILD(&caller) {
                /* No grace that would hide a few microseconds, where it can be had. */
                (void)prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
                EACH_ROW(w, ways) {
                        const mqd_t queue = w->way->stuck(0);

                        EACH_ROW(row, rows) {
                                for (int round = 0; round < 5; round++) {
                                        const struct timespec deadline = deadline_in(CLOCK_REALTIME, row->interval);
                                        const int64_t due = (int64_t)deadline.tv_sec * 1000000000 + deadline.tv_nsec;

                                        FAILS_WITH(w->expired, ETIMEDOUT, w->way->call(queue, &deadline));
                                        BETWEEN(w->expired, due, realtime_ns(), INT64_MAX);
                                }
                        }
                }
        }
        EVENTUALLY(mq_receive_timed_etimedout, returned(&caller));
        join(&caller);
}

/* Both members count: a second that begins between now and the deadline. */
TEST(seconds_are_never_early, VERIFIES(mq_send_timed_etimedout, mq_receive_timed_etimedout), MOSTLY_WAITS)
{
        static const int64_t intervals[] = {1000000000, 1050000000};
        enum { CALLERS = 4 };
        struct child caller[CALLERS];

        for (int i = 0; i < CALLERS; i++) {
                const struct timespec deadline = deadline_in(CLOCK_REALTIME, intervals[i / 2]);
                const mqd_t queue = ways[i % 2].way->stuck(0);

                CHILD(&caller[i]) {
                        FAILS_WITH(ways[i % 2].expired, ETIMEDOUT, ways[i % 2].way->call(queue, &deadline));
                        const int64_t due = (int64_t)deadline.tv_sec * 1000000000 + deadline.tv_nsec;
                        BETWEEN(ways[i % 2].expired, due, realtime_ns(), INT64_MAX);
                }
        }
        for (int i = 0; i < CALLERS; i++) {
                EVENTUALLY(ways[i % 2].expired, returned(&caller[i]));
                join(&caller[i]);
        }
}

TEST(expiry_changes_nothing, VERIFIES(mq_send_timed_etimedout, mq_receive_timed_etimedout, mq_send_no_enqueue_on_fail,
                                      mq_receive_no_remove_on_fail))
{
        EACH_ROW(w, ways) {
                const mqd_t queue = w->way->stuck(0);
                const struct timespec deadline = deadline_in(CLOCK_REALTIME, 2000000);

                FAILS_WITH(w->expired, ETIMEDOUT, w->way->call(queue, &deadline));
                /* What comes afterwards finds nobody waiting. */
                w->way->help(queue);
                EQ(w->no_effect, mq_count(queue), w->way->count - w->way->sent);
                EQ(w->no_effect, drain(queue, WAYS_FILLER), w->way->count ? w->way->count - 1 : 0);
        }
}

TEST(deadline_that_has_passed_ends_the_call, VERIFIES(mq_send_timed_past, mq_receive_timed_past))
{
        const struct timespec at_the_call = deadline_in(CLOCK_REALTIME, 0);
        const struct {
                const char *name;
                struct timespec deadline;
        } rows[] = {
                {"the Epoch", {.tv_sec = 0, .tv_nsec = 0}},
                {"the nanosecond after it", {.tv_sec = 0, .tv_nsec = 1}},
                {"the last of the second after it", {.tv_sec = 1, .tv_nsec = 999999999}},
                {"seconds ago", past_deadline()},
                {"now", at_the_call},
        };

        EACH_ROW(w, ways) {
                const mqd_t queue = w->way->stuck(0);

                EACH_ROW(row, rows)
                        fails_soon(w->past, ETIMEDOUT, w->way, queue, &row->deadline);
                HOLDS(w->past, is_untouched(w->way, queue));
        }
}

TEST(far_deadline_does_not_expire, VERIFIES(mq_send_timed_far, mq_receive_timed_far))
{
        /* Among them what is negative, or past, in 32 bits, or does not fit into 63 or 64 bits of nanoseconds. */
        static const struct {
                const char *name;
                int64_t sec;
                long nsec;
        } rows[] = {
                {"the largest", INT64_MAX, 999999999},
                {"the largest 32-bit tv_sec", INT32_MAX, 999999999},
                {"bit 31", INT64_C(0x80000000), 0},
                {"bit 32", INT64_C(0x100000000), 0},
                {"2^63 ns", INT64_C(9223372036), 854775808},
                {"2^64 ns", INT64_C(18446744073), 709551616},
        };
        enum { ROWS = sizeof(rows) / sizeof(*rows) };

        need_descriptors(ROWS + 4);
        EACH_ROW(w, ways) {
                struct child waiters[ROWS], *waiter = waiters;
                mqd_t queues[ROWS], *queue = queues;

                EACH_ROW(row, rows) {
                        const struct timespec deadline = {.tv_sec = row->sec < FAR_AWAY ? (time_t)row->sec : FAR_AWAY,
                                                          .tv_nsec = row->nsec};

                        *queue = w->way->stuck(0);
                        CHILD(waiter) {
                                here(waiter, 1);
                                EQ(w->far, w->way->call(*queue, &deadline), 0);
                        }
                        UNTIL(settled(waiter));
                        waiter++;
                        queue++;
                }
                let_realtime_pass(5000000);
                waiter = waiters;
                queue = queues;
                EACH_ROW(row, rows) {
                        HOLDS(w->far, !returned(waiter));
                        w->way->help(*queue);
                        EVENTUALLY(w->far, returned(waiter));
                        join(waiter);
                        MUST(mq_close(*queue));
                        waiter++;
                        queue++;
                }
        }
}

/* A null pointer is no deadline. */
TEST(null_deadline_does_not_expire, VERIFIES(mq_send_timed_null, mq_receive_timed_null))
{
        EACH_ROW(w, ways) {
                const mqd_t queue = w->way->stuck(0);
                struct child waiter;

                CHILD(&waiter) {
                        here(&waiter, 1);
                        EQ(w->null, call_with_null(w->way, queue), 0);
                }
                UNTIL(settled(&waiter));
                let_realtime_pass(5000000);
                HOLDS(w->null, !returned(&waiter));
                w->way->help(queue);
                EVENTUALLY(w->null, returned(&waiter));
                EQ(w->null, mq_count(queue), w->way->count);
                join(&waiter);
        }
}

/* ---- calls that need not wait ---- */

TEST(past_deadline_does_not_matter_without_a_wait, VERIFIES(mq_send_timed_immediate, mq_receive_timed_immediate))
{
        const struct {
                const char *name;
                time_t sec;
        } rows[] = {{"the Epoch", 0}, {"a second after it", 1}, {"seconds ago", past_deadline().tv_sec}};

        EACH_ROW(w, ways) {
                EACH_ROW(row, rows) {
                        const mqd_t queue = w->way->stuck(0);
                        const struct timespec deadline = {.tv_sec = row->sec};

                        w->way->help(queue);
                        EQ(w->immediate, w->way->call(queue, &deadline), 0);
                        EQ(w->immediate, mq_count(queue), w->way->count);
                        EQ(w->immediate, drain(queue, WAYS_OWN), w->way == &sending);
                }
        }
}

TEST(deadline_does_not_make_a_nonblocking_call_wait, VERIFIES(mq_send_timed_nonblock, mq_receive_timed_nonblock))
{
        const struct {
                const char *name;
                struct timespec deadline;
        } rows[] = {{"far", far_deadline()}, {"past", past_deadline()}};

        EACH_ROW(w, ways) {
                const mqd_t queue = w->way->stuck(O_NONBLOCK);

                EACH_ROW(row, rows)
                        fails_soon(w->nonblock, EAGAIN, w->way, queue, &row->deadline);
                HOLDS(w->nonblock, is_untouched(w->way, queue));
        }
}

/* ---- deadlines that are none ---- */

static const struct {
        const char *name;
        long nsec;
} bad_nanoseconds[] = {
        {"-1", -1}, {"a second", 1000000000}, {"the largest long", LONG_MAX}, {"the smallest long", LONG_MIN},
};

/* Beside a past deadline with the largest tv_nsec that is valid, which gives ETIMEDOUT. */
TEST(nanoseconds_must_be_less_than_a_second, VERIFIES(mq_send_timed_einval, mq_receive_timed_einval))
{
        const struct {
                const char *name;
                time_t sec;
        } seconds[] = {{"the Epoch", 0}, {"past", past_deadline().tv_sec}, {"far", far_deadline().tv_sec}};

        EACH_ROW(w, ways) {
                const mqd_t queue = w->way->stuck(0);

                FAILS_WITH(w->invalid, ETIMEDOUT, w->way->call(queue, &(struct timespec){.tv_nsec = 999999999}));
                EACH_ROW(second, seconds) {
                        EACH_ROW(row, bad_nanoseconds) {
                                const struct timespec deadline = {.tv_sec = second->sec, .tv_nsec = row->nsec};

                                fails_soon(w->invalid, EINVAL, w->way, queue, &deadline);
                        }
                }
                HOLDS(w->invalid, is_untouched(w->way, queue));
        }
}

TEST(negative_seconds_are_invalid, VERIFIES(mq_send_timed_negative_sec, mq_receive_timed_negative_sec))
{
        static const struct {
                const char *name;
                struct timespec deadline;
        } rows[] = {
                {"-1", {.tv_sec = -1, .tv_nsec = 0}},
                {"a nanosecond before the Epoch", {.tv_sec = -1, .tv_nsec = 999999999}},
                {"the smallest", {.tv_sec = -FAR_AWAY - 1, .tv_nsec = 0}},
        };

        EACH_ROW(w, ways) {
                const mqd_t queue = w->way->stuck(0);

                EACH_ROW(row, rows)
                        fails_soon(w->negative, EINVAL, w->way, queue, &row->deadline);
                HOLDS(w->negative, is_untouched(w->way, queue));
        }
}

static const char *outcome(int result)
{
        return result == -1 ? errno_name(errno) : "success";
}

TEST(invalid_deadline_of_a_call_that_need_not_wait, VERIFIES(mq_send_timed_unchecked, mq_receive_timed_unchecked))
{
        const struct timespec invalid = {.tv_nsec = -1};

        EACH_ROW(w, ways) {
                const mqd_t ready = w->way->stuck(0), nonblocking = w->way->stuck(O_NONBLOCK);

                w->way->help(ready);
                const int error = w->way->call(ready, &invalid) == 0 ? 0 : errno;
                HOLDS(w->unchecked, error == 0 || error == EINVAL);
                OBSERVE(w->unchecked, "%s on a ready queue: %s", w->name, error == 0 ? "success" : errno_name(error));
                OBSERVE(w->unchecked, "%s with O_NONBLOCK where it would have to wait: %s", w->name,
                        outcome(w->way->call(nonblocking, &invalid)));
        }
}

/* The C library may look at the deadline itself, in the process. */
TEST(unreadable_deadline_is_refused, VERIFIES(mq_send_timed_efault, mq_receive_timed_efault))
{
        EACH_ROW(w, ways) {
                const mqd_t queue = w->way->stuck(0);
                struct child caller;

                w->way->help(queue);
                CHILD(&caller)
                        FAILS_WITH(w->unreadable, EFAULT, w->way->call(queue, bad_address()));
                const int status = reap(&caller);
                if (ipck_route == IPCK_LIBC && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV)
                        UNSUPPORTED("a C library that leaves the deadline to the system call");
                REQUIRE(status == 0);
                EQ(w->unreadable, mq_count(queue), w->way->count - w->way->sent);
        }
}

/* ---- the clock ---- */

TEST(deadline_is_kept_on_the_realtime_clock, VERIFIES(mq_send_timed_realtime, mq_receive_timed_realtime))
{
        EACH_ROW(w, ways) {
                const int64_t interval = 100000000000000 + (int64_t)random_below(1000000000) * 1000;
                struct timer_window window = timer_window_begin(interval);
                const struct timespec deadline = deadline_in(CLOCK_REALTIME, interval);
                const mqd_t queue = w->way->stuck(0);
                struct child waiter;

                CHILD(&waiter) {
                        here(&waiter, 1);
                        (void)w->way->call(queue, &deadline);
                }
                UNTIL(blocked(&waiter));
                timer_window_end(&window);
                EQ(w->realtime, clock_of_timer(&window), REALTIME);
                kill_child(&waiter);
        }
}
