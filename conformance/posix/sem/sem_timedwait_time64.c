/* SPDX-License-Identifier: MIT
 *
 * sem_timedwait(), sem_clockwait(): deadlines after January 2038. In a 32-bit program this file alone has a time_t of
 * 64 bits, so that no structure with a time in it may go to the test library's functions or come from there.
 */
#define _FILE_OFFSET_BITS 64
#define _TIME_BITS 64

#include "ipck_posix_sem.h"

static const struct {
        const char *name;
        int64_t sec;
        long nsec;
} far_deadlines[] = {
        {"the last second of 32 bits", INT32_MAX, 999999999},
        {"the first one after it", INT64_C(0x80000000), 0},
        {"bit 32", INT64_C(0x100000000), 0},
        {"bit 32 and an hour", INT64_C(0x100000000) + 3600, 0},
        {"2^63 ns", INT64_C(9223372036), 854775808},
        {"2^64 ns", INT64_C(18446744073), 709551616},
        {"the year 9999", INT64_C(253402300799), 0},
        {"bit 62", INT64_C(1) << 62, 0},
        {"the largest", INT64_MAX, 999999999},
};
enum { ROWS = sizeof(far_deadlines) / sizeof(*far_deadlines) };

static void need_wide_time(void)
{
        if (sizeof(time_t) < 8)
                UNSUPPORTED("a time_t of 64 bits in the C library");
}

static int lock_until(sem_t *sem, bool with_clock, clockid_t clock, const struct timespec *deadline)
{
        return with_clock ? sem_clockwait(sem, clock, deadline) : sem_timedwait(sem, deadline);
}

/* Each waits on a semaphore of its own, all at the same time; meanwhile somebody else's deadline passes. */
static void do_not_expire(enum ipck_requirement req, bool with_clock, clockid_t clock)
{
        struct child waiters[ROWS];
        sem_t *sems[ROWS], *const nobodys = fresh_sem(SHARED_SEM, 0);
        struct timespec soon;

        EACH_ROW(row, far_deadlines) {
                const size_t i = (size_t)(row - far_deadlines);
                const struct timespec deadline = {.tv_sec = (time_t)row->sec, .tv_nsec = row->nsec};

                sems[i] = fresh_sem(SHARED_SEM, 0);
                CHILD(&waiters[i]) {
                        here(&waiters[i], 1);
                        EQ(req, lock_until(sems[i], with_clock, clock, &deadline), 0);
                }
                UNTIL(settled(&waiters[i]));
        }
        MUST(clock_gettime(clock, &soon));
        soon.tv_nsec += 2000000;
        if (soon.tv_nsec >= 1000000000) {
                soon.tv_sec++;
                soon.tv_nsec -= 1000000000;
        }
        REQUIRE(lock_until(nobodys, with_clock, clock, &soon) == -1 && errno == ETIMEDOUT);
        EACH_ROW(row, far_deadlines) {
                const size_t i = (size_t)(row - far_deadlines);

                HOLDS(req, !returned(&waiters[i]));
                MUST(sem_post(sems[i]));
                EVENTUALLY(req, returned(&waiters[i]));
                EQ(req, sem_value(sems[i]), 0);
                join(&waiters[i]);
        }
}

TEST(deadlines_after_2038, VERIFIES(sem_timedwait_far_future))
{
        need_wide_time();
        do_not_expire(sem_timedwait_far_future, false, CLOCK_REALTIME);
}

TEST(deadlines_after_2038_on_a_clock, VERIFIES(sem_clockwait_far_future))
{
        need_wide_time();
        do_not_expire(sem_clockwait_far_future, true, CLOCK_REALTIME);
        do_not_expire(sem_clockwait_far_future, true, CLOCK_MONOTONIC);
}

/* What is negative in 64 bits, and what a library may take for something else in 32. */
TEST(deadlines_before_1901_have_passed, VERIFIES(sem_timedwait_etimedout_negative_sec))
{
        static const struct {
                const char *name;
                int64_t sec;
        } rows[] = {
                {"the last second before 32 bits", (int64_t)INT32_MIN - 1},
                {"minus bit 32", -INT64_C(0x100000000)},
                {"minus bit 32 and the year 2033 again", -INT64_C(0x100000000) + 2000000000},
        };

        need_wide_time();
        EACH_ROW(row, rows) {
                const struct timespec deadline = {.tv_sec = (time_t)row->sec};
                sem_t *const sem = fresh_sem(SHARED_SEM, 0);
                struct child caller;

                CHILD(&caller)
                        FAILS_WITH(sem_timedwait_etimedout_negative_sec, ETIMEDOUT, sem_timedwait(sem, &deadline));
                EVENTUALLY(sem_timedwait_etimedout_negative_sec, returned(&caller));
                join(&caller);
        }
}
