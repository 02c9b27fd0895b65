/* SPDX-License-Identifier: MIT
 *
 * sem_timedwait(), sem_clockwait(): deadlines, reached or not. No test asks how late a call ends, only that it is not
 * early.
 */
#include <sys/prctl.h>

#include "ipck_posix_sem.h"

#define LEAST_TIME ((time_t)((uintmax_t)1 << (sizeof(time_t) * 8 - 1)))

/* ---- deadlines that have passed ---- */

struct past {
        const char *name;
        int64_t sec;
        long nsec;
};

static const struct past past_deadlines[] = {
        {"0", 0, 0}, {"a nanosecond", 0, 1}, {"the end of the first second", 0, 999999999}, {"1 s", 1, 0},
};
static const struct past negative_deadlines[] = {
        {"-1 s", -1, 0},
        {"-1 s and all but a nanosecond", -1, 999999999},
        {"-10^9 s", -1000000000, 5},
        {"the least 32-bit tv_sec", INT32_MIN, 0},
};

static struct timespec time_of(const struct past *row)
{
        return (struct timespec){.tv_sec = (time_t)row->sec, .tv_nsec = row->nsec};
}

/* The call needs a unit that is not there. */
static void times_out_at_once(enum ipck_requirement req, const struct sem_way *way, const struct timespec *deadline)
{
        EACH_ROW(kind, sem_kinds) {
                sem_t *const sem = fresh_sem(kind->kind, 0);

                FAILS_WITH(req, ETIMEDOUT, sem_lock_at_once(sem, way, deadline));
                EQ(req, sem_units(sem), 0);
                MUST(sem_post(sem));
                MUST(sem_trywait(sem));
                FAILS_WITH(req, ETIMEDOUT, sem_lock_at_once(sem, way, deadline));
        }
}

static void deadline_has_passed(enum ipck_requirement req, const struct sem_way *way)
{
        static const struct {
                const char *name;
                int64_t ago;
        } rows[] = {{"now", 0}, {"a nanosecond ago", 1}, {"a second ago", 1000000000}};

        EACH_ROW(row, past_deadlines) {
                const struct timespec deadline = time_of(row);

                times_out_at_once(req, way, &deadline);
        }
        EACH_ROW(row, rows) {
                const struct timespec deadline = deadline_in(way->clock, -row->ago);

                times_out_at_once(req, way, &deadline);
        }
}

static void deadline_is_negative(enum ipck_requirement req, const struct sem_way *way)
{
        EACH_ROW(row, negative_deadlines) {
                const struct timespec deadline = time_of(row);

                times_out_at_once(req, way, &deadline);
        }
}

TEST(deadline_that_has_passed, VERIFIES(sem_timedwait_etimedout_past))
{
        deadline_has_passed(sem_timedwait_etimedout_past, &timed_way);
}

TEST(deadline_before_the_epoch, VERIFIES(sem_timedwait_etimedout_negative_sec))
{
        deadline_is_negative(sem_timedwait_etimedout_negative_sec, &timed_way);
}

TEST(least_deadline, VERIFIES(sem_timedwait_etimedout_negative_sec))
{
        const struct timespec deadline = {.tv_sec = LEAST_TIME};

        times_out_at_once(sem_timedwait_etimedout_negative_sec, &timed_way, &deadline);
}

TEST(deadline_that_has_passed_on_a_clock, VERIFIES(sem_clockwait_etimedout_past))
{
        const struct timespec least = {.tv_sec = LEAST_TIME};

        EACH_ROW(way, clock_ways) {
                deadline_has_passed(sem_clockwait_etimedout_past, way);
                deadline_is_negative(sem_clockwait_etimedout_past, way);
                times_out_at_once(sem_clockwait_etimedout_past, way, &least);
        }
}

/* ---- a unit that is there counts more than a deadline that has passed ---- */

static void unit_is_there(enum ipck_requirement req, const struct sem_way *way)
{
        const struct timespec this_moment = deadline_in(way->clock, 0), least = {.tv_sec = LEAST_TIME};

        EACH_ROW(kind, sem_kinds) {
                sem_t *const sem = fresh_sem(kind->kind, 10);
                int expected = 10;

                EACH_ROW(row, past_deadlines) {
                        const struct timespec deadline = time_of(row);

                        EQ(req, sem_lock(sem, way, &deadline), 0);
                        EQ(req, sem_units(sem), --expected);
                }
                EACH_ROW(row, negative_deadlines) {
                        const struct timespec deadline = time_of(row);

                        EQ(req, sem_lock(sem, way, &deadline), 0);
                        EQ(req, sem_units(sem), --expected);
                }
                EQ(req, sem_lock(sem, way, &this_moment), 0);
                EQ(req, sem_lock(sem, way, &least), 0);
                EQ(req, sem_units(sem), 0);
        }
}

TEST(unit_despite_a_deadline_that_has_passed, VERIFIES(sem_timedwait_immediate))
{
        unit_is_there(sem_timedwait_immediate, &timed_way);
}

TEST(unit_despite_a_deadline_on_a_clock_that_has_passed, VERIFIES(sem_clockwait_immediate))
{
        EACH_ROW(way, clock_ways)
                unit_is_there(sem_clockwait_immediate, way);
}

static int take_often(int n, void *arg)
{
        const struct timespec past = {.tv_sec = 1};

        (void)n;
        for (int i = 0; i < 1000; i++)
                EQ(sem_timedwait_immediate, sem_timedwait(arg, &past), 0);
        return 0;
}

/* Others take units at the same time, but there is one for everybody. */
TEST(unit_for_each_of_several_callers, VERIFIES(sem_timedwait_immediate))
{
        EACH_ROW(use, sem_uses) {
                sem_t *const sem = fresh_sem(use->kind, 4000);
                struct crowd *const crowd = start_crowd(use, 4, take_often, sem);

                EVENTUALLY(sem_timedwait_immediate, crowd_done(crowd));
                end_crowd(crowd);
                EQ(sem_timedwait_immediate, sem_units(sem), 0);
        }
}

/* ---- expiry ---- */

/* One call that can only expire. The time is read after it. */
static void expires(enum ipck_requirement expired, enum ipck_requirement early, sem_t *sem, const struct sem_way *way,
                    int64_t interval)
{
        const struct timespec deadline = deadline_in(way->clock, interval);

        FAILS_WITH(expired, ETIMEDOUT, sem_lock(sem, way, &deadline));
        HOLDS(early, deadline_is_past(way, &deadline));
}

/* Several rounds each, so that they begin anywhere between two ticks of a coarse clock. */
static void never_early(enum ipck_requirement expired, enum ipck_requirement early, const struct sem_way *way)
{
        static const struct {
                const char *name;
                int64_t interval;
        } rows[] = {
                {"1 us", 1000}, {"50 us", 50000}, {"1 ms", 1000000}, {"1 ns less than 4 ms", 3999999},
                {"10 ms", 10000000},
        };
        struct child caller;

        CHILD(&caller) {
                /* No grace that would hide a few microseconds, where it can be had. */
                (void)prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
                EACH_ROW(row, rows)
                        for (int round = 0; round < 3; round++)
                                EACH_ROW(kind, sem_kinds)
                                        expires(expired, early, fresh_sem(kind->kind, 0), way, row->interval);
        }
        EVENTUALLY(expired, returned(&caller));
        join(&caller);
}

TEST(never_early_on_the_realtime_clock, VERIFIES(sem_timedwait_etimedout, sem_timedwait_not_early), MOSTLY_WAITS)
{
        never_early(sem_timedwait_etimedout, sem_timedwait_not_early, &timed_way);
}

TEST(never_early_on_the_clock_of_choice,
     VERIFIES(sem_clockwait_etimedout, sem_clockwait_realtime, sem_clockwait_monotonic), MOSTLY_WAITS)
{
        EACH_ROW(way, clock_ways)
                never_early(sem_clockwait_etimedout,
                            way->clock == CLOCK_REALTIME ? sem_clockwait_realtime : sem_clockwait_monotonic, way);
}

/* What a call that expired leaves behind, while others wait on. */
static void leaves_nothing(enum ipck_requirement req, const struct sem_way *way)
{
        EACH_ROW(use, sem_uses) {
                sem_t *const sem = fresh_sem(use->kind, 0);
                struct waiter *const w = start_waiters(use, sem, way, 2);

                for (int i = 0; i < 3; i++) {
                        const struct timespec deadline = deadline_in(way->clock, 200000);

                        REQUIRE(sem_lock(sem, way, &deadline) == -1 && errno == ETIMEDOUT);
                        EQ(req, sem_units(sem), 0);
                }
                UNTIL(all_settled(w, 2));
                EQ(req, count_back(w, 2), 0);
                for (int n = 1; n <= 2; n++) {
                        MUST(sem_post(sem));
                        EVENTUALLY(req, count_back(w, 2) == n);
                }
                EQ(req, sem_units(sem), 0);
                MUST(sem_post(sem));
                EQ(req, sem_units(sem), 1);
                EQ(req, sem_trywait(sem), 0);
                end_waiters(w, 2);
        }
}

TEST(expiry_leaves_nothing_behind, VERIFIES(sem_timedwait_value_kept))
{
        leaves_nothing(sem_timedwait_value_kept, &timed_way);
}

TEST(expiry_on_a_clock_leaves_nothing_behind, VERIFIES(sem_clockwait_value_kept))
{
        EACH_ROW(way, clock_ways)
                leaves_nothing(sem_clockwait_value_kept, way);
}

/* ---- a unit comes first ---- */

static void unit_comes(enum ipck_requirement req, const struct sem_way *way)
{
        EACH_ROW(use, sem_uses) {
                sem_t *const sem = fresh_sem(use->kind, 0);
                struct waiter *const w = start_waiters(use, sem, way, 2);

                EQ(req, count_back(w, 2), 0);
                for (int n = 1; n <= 2; n++) {
                        MUST(sem_post(sem));
                        EVENTUALLY(req, count_back(w, 2) >= n);
                        UNTIL(all_settled(w, 2));
                        EQ(req, count_back(w, 2), n);
                        EQ(req, sem_units(sem), 0);
                }
                EQ(req, w[0].result, 0);
                EQ(req, w[1].result, 0);
                end_waiters(w, 2);
        }
}

TEST(post_before_the_deadline, VERIFIES(sem_timedwait_post_before_deadline))
{
        unit_comes(sem_timedwait_post_before_deadline, &timed_way);
}

TEST(post_before_the_deadline_on_a_clock, VERIFIES(sem_clockwait_post_before_deadline))
{
        EACH_ROW(way, clock_ways)
                unit_comes(sem_clockwait_post_before_deadline, way);
}

/* ---- units that others take away ---- */

/* Each wake-up in vain must neither end the call nor begin its time anew. */
static void units_are_taken_away(enum ipck_requirement early, enum ipck_requirement kept, const struct sem_way *way)
{
        EACH_ROW(kind, sem_kinds) {
                sem_t *const sem = fresh_sem(kind->kind, 0);
                const struct timespec deadline = deadline_in(way->clock, 10000000);
                struct waiter *const w = shared(sizeof(*w));
                int posts = 0, taken = 0;

                *w = (struct waiter){.sem = sem, .way = way, .deadline = deadline,
                                     .process = kind->kind != THREADS_SEM};
                begin_waiter(w);
                for (; !is_back(w) && !deadline_is_past(way, &deadline); posts++) {
                        MUST(sem_post(sem));
                        taken += sem_trywait(sem) == 0;
                }
                UNTIL(is_back(w));
                end_waiters(w, 1);
                REQUIRE(w->result == 0 || w->result == ETIMEDOUT);
                HOLDS(early, w->result == 0 || deadline_is_past(way, &deadline));
                EQ(kept, sem_units(sem), posts - taken - (w->result == 0));
        }
}

TEST(wakeups_in_vain_do_not_end_the_call, VERIFIES(sem_timedwait_not_early, sem_timedwait_value_kept), MOSTLY_WAITS)
{
        units_are_taken_away(sem_timedwait_not_early, sem_timedwait_value_kept, &timed_way);
}

TEST(wakeups_in_vain_do_not_end_the_call_on_a_clock, VERIFIES(sem_clockwait_etimedout, sem_clockwait_value_kept),
     MOSTLY_WAITS)
{
        EACH_ROW(way, clock_ways)
                units_are_taken_away(sem_clockwait_etimedout, sem_clockwait_value_kept, way);
}
