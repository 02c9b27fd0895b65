/* SPDX-License-Identifier: MIT
 *
 * sem_timedwait(), sem_clockwait(): nanoseconds that no time has, where the call would wait and where it would not.
 */
#include "ipck_posix_sem.h"

struct invalid {
        const char *name;
        long nsec;
};

static const struct invalid negative[] = {{"-1", -1}, {"-999999999", -999999999}, {"LONG_MIN", LONG_MIN}};
static const struct invalid too_large[] = {
        {"1000000000", 1000000000}, {"1000000001", 1000000001}, {"INT_MAX", INT_MAX}, {"LONG_MAX", LONG_MAX},
};

/* The seconds lie ahead, so that the call would have to wait. */
static struct timespec ahead(const struct sem_way *way, long nsec)
{
        struct timespec deadline = no_deadline(way);

        deadline.tv_nsec = nsec;
        return deadline;
}

static void is_refused(enum ipck_requirement req, const struct sem_way *way, long nsec)
{
        EACH_ROW(kind, sem_kinds) {
                sem_t *const sem = fresh_sem(kind->kind, 1);
                const struct timespec good = ahead(way, 999999999), bad = ahead(way, nsec);

                EQ(req, sem_lock_at_once(sem, way, &good), 0);
                FAILS_WITH(req, EINVAL, sem_lock_at_once(sem, way, &bad));
                EQ(req, sem_value(sem), 0);
                MUST(sem_post(sem));
                EQ(req, sem_value(sem), 1);
                EQ(req, sem_trywait(sem), 0);
        }
}

TEST(negative_nanoseconds, VERIFIES(sem_timedwait_einval_nsec_neg))
{
        EACH_ROW(row, negative)
                is_refused(sem_timedwait_einval_nsec_neg, &timed_way, row->nsec);
}

TEST(a_second_of_nanoseconds_or_more, VERIFIES(sem_timedwait_einval_nsec_1e9))
{
        EACH_ROW(row, too_large)
                is_refused(sem_timedwait_einval_nsec_1e9, &timed_way, row->nsec);
}

TEST(invalid_nanoseconds_on_a_clock, VERIFIES(sem_clockwait_einval_nsec))
{
        EACH_ROW(way, clock_ways) {
                EACH_ROW(row, negative)
                        is_refused(sem_clockwait_einval_nsec, way, row->nsec);
                EACH_ROW(row, too_large)
                        is_refused(sem_clockwait_einval_nsec, way, row->nsec);
        }
}

/* ---- where the call need not wait ---- */

static void need_not_be_seen(enum ipck_requirement req, const struct sem_way *way, const struct invalid *row)
{
        EACH_ROW(kind, sem_kinds) {
                sem_t *const sem = fresh_sem(kind->kind, 2);
                const struct timespec bad = ahead(way, row->nsec);
                const int error = sem_lock(sem, way, &bad) == 0 ? 0 : errno;

                if (error == 0) {
                        EQ(req, sem_value(sem), 1);
                        OBSERVE(req, "an invalid tv_nsec is not checked where a unit is");
                } else {
                        EQ(req, error, EINVAL);
                        EQ(req, sem_value(sem), 2);
                        OBSERVE(req, "an invalid tv_nsec fails with EINVAL also where a unit is");
                }
        }
}

static void is_not_seen(enum ipck_requirement req, const struct sem_way *way, const struct invalid *row)
{
        EACH_ROW(kind, sem_kinds) {
                sem_t *const sem = fresh_sem(kind->kind, 2);
                const struct timespec bad = ahead(way, row->nsec);

                EQ(req, sem_lock(sem, way, &bad), 0);
                EQ(req, sem_value(sem), 1);
        }
}

TEST(invalid_nanoseconds_where_a_unit_is, VERIFIES(sem_timedwait_einval_unchecked_immediate))
{
        EACH_ROW(row, negative)
                need_not_be_seen(sem_timedwait_einval_unchecked_immediate, &timed_way, row);
        EACH_ROW(row, too_large)
                need_not_be_seen(sem_timedwait_einval_unchecked_immediate, &timed_way, row);
}

TEST(invalid_nanoseconds_are_not_checked_where_a_unit_is, VERIFIES(sem_timedwait_einval_unchecked_immediate_linux))
{
        EACH_ROW(row, negative)
                is_not_seen(sem_timedwait_einval_unchecked_immediate_linux, &timed_way, row);
        EACH_ROW(row, too_large)
                is_not_seen(sem_timedwait_einval_unchecked_immediate_linux, &timed_way, row);
}

TEST(invalid_nanoseconds_on_a_clock_where_a_unit_is, VERIFIES(sem_clockwait_einval_unchecked_immediate))
{
        EACH_ROW(way, clock_ways) {
                EACH_ROW(row, negative)
                        need_not_be_seen(sem_clockwait_einval_unchecked_immediate, way, row);
                EACH_ROW(row, too_large)
                        need_not_be_seen(sem_clockwait_einval_unchecked_immediate, way, row);
        }
}
