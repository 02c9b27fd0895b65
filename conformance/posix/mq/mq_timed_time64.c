/* SPDX-License-Identifier: MIT
 *
 * mq_timedsend(), mq_timedreceive() of 32-bit programs: each has two system calls, for both sizes of time.
 */
#include <sys/syscall.h>

#include "ipck_mq_way.h"

#if defined(SYS_mq_timedsend_time64) && !defined(__LP64__)

enum width { NARROW, WIDE };

static int call(const struct way *way, enum width width, mqd_t queue, int64_t sec, int64_t nsec)
{
        const int32_t narrow[2] = {(int32_t)sec, (int32_t)nsec};
        const int64_t wide[2] = {sec, nsec};
        const void *const deadline = width == WIDE ? (const void *)wide : narrow;
        char text[SMALL_MSGSIZE] = "own";
        long result;

        if (way == &sending)
                result = syscall(width == WIDE ? SYS_mq_timedsend_time64 : SYS_mq_timedsend, queue, text, 3, WAYS_OWN,
                                 deadline);
        else
                result = syscall(width == WIDE ? SYS_mq_timedreceive_time64 : SYS_mq_timedreceive, queue, text,
                                 sizeof(text), NULL, deadline);
        if (result == -1 && errno == ENOSYS)
                UNSUPPORTED("the system calls for %s deadlines", width == WIDE ? "64-bit" : "32-bit");
        return result == -1 ? -1 : 0;
}

static const struct {
        const char *name;
        const struct way *way;
        enum ipck_requirement req;
} ways[] = {{"send", &sending, mq_send_timed_time64}, {"receive", &receiving, mq_receive_timed_time64}};

static const struct {
        const char *name;
        enum width width;
} widths[] = {{"32-bit", NARROW}, {"64-bit", WIDE}};

/* In a process of its own: a call that waits all the same is a failure, not the end of the test. */
static void fails_soon(enum ipck_requirement req, int error, const struct way *way, enum width width, mqd_t queue,
                       int64_t sec, int64_t nsec)
{
        struct child caller;

        CHILD(&caller)
                FAILS_WITH(req, error, call(way, width, queue, sec, nsec));
        EVENTUALLY(req, returned(&caller));
        join(&caller);
}

TEST(both_system_calls_judge_deadlines_alike, VERIFIES(mq_send_timed_time64, mq_receive_timed_time64), ONE_ROUTE)
{
        static const struct {
                const char *name;
                int32_t sec, nsec;
                int error;
        } rows[] = {
                {"the Epoch", 0, 0, ETIMEDOUT},
                {"a nanosecond later", 0, 1, ETIMEDOUT},
                {"the last nanosecond", 1, 999999999, ETIMEDOUT},
                {"a second of nanoseconds", 0, 1000000000, EINVAL},
                {"negative nanoseconds", 1, -1, EINVAL},
                {"negative seconds", -1, 0, EINVAL},
                {"the smallest seconds", INT32_MIN, 0, EINVAL},
                {"the largest seconds, negative nanoseconds", INT32_MAX, -1, EINVAL},
        };

        EACH_ROW(w, ways) {
                EACH_ROW(width, widths) {
                        const mqd_t queue = w->way->stuck(0);

                        EACH_ROW(row, rows)
                                fails_soon(w->req, row->error, w->way, width->width, queue, row->sec, row->nsec);
                        HOLDS(w->req, is_untouched(w->way, queue));
                        MUST(mq_close(queue));
                }
        }
}

/* The last moment of the narrow calls, the same in the wide ones, and more that only they can say. */
TEST(both_system_calls_wait_for_long, VERIFIES(mq_send_timed_time64, mq_receive_timed_time64), ONE_ROUTE)
{
        static const struct {
                const char *name;
                enum width width;
                int64_t sec, nsec;
        } rows[] = {
                {"narrow", NARROW, INT32_MAX, 0},
                {"wide", WIDE, INT32_MAX, 0},
                {"bit 31", WIDE, INT64_C(1) << 31, 0},
                {"bit 32", WIDE, INT64_C(1) << 32, 0},
                {"the largest", WIDE, INT64_MAX, 999999999},
        };

        EACH_ROW(w, ways) {
                EACH_ROW(row, rows) {
                        const mqd_t queue = w->way->stuck(0);
                        struct child waiter;

                        CHILD(&waiter) {
                                here(&waiter, 1);
                                EQ(w->req, call(w->way, row->width, queue, row->sec, row->nsec), 0);
                        }
                        UNTIL(settled(&waiter));
                        let_realtime_pass(1000000);
                        HOLDS(w->req, !returned(&waiter));
                        w->way->help(queue);
                        EVENTUALLY(w->req, returned(&waiter));
                        EQ(w->req, mq_count(queue), w->way->count);
                        join(&waiter);
                        MUST(mq_close(queue));
                }
        }
}

/* A 32-bit tv_nsec stands in eight bytes there; the other four are not set by every program. */
TEST(wide_call_ignores_padding, VERIFIES(mq_send_timed_time64, mq_receive_timed_time64), ONE_ROUTE)
{
        const int64_t padded = INT64_C(0x5a5a5a5a00000000) | 5;

        EACH_ROW(w, ways) {
                const mqd_t queue = w->way->stuck(0);

                fails_soon(w->req, ETIMEDOUT, w->way, WIDE, queue, 1, padded);
                w->way->help(queue);
                EQ(w->req, call(w->way, WIDE, queue, 1, padded), 0);
                EQ(w->req, mq_count(queue), w->way->count);
        }
}

#else

TEST(both_system_calls_judge_deadlines_alike, VERIFIES(mq_send_timed_time64, mq_receive_timed_time64), ONE_ROUTE)
{
        UNSUPPORTED("a 32-bit program with system calls for both sizes of time");
}

#endif
