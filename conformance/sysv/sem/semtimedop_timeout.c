/* SPDX-License-Identifier: MIT
 *
 * semtimedop(): what ends a wait with a time limit, and when. No test asks how late an expiry is, only that it is not
 * early.
 */
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "ipck_race.h"
#include "ipck_sem.h"

enum { ROOM = 3 };

#define FAR_AWAY ((time_t)(((uintmax_t)1 << (sizeof(time_t) * 8 - 1)) - 1))

static struct timespec ns(int64_t interval)
{
        return (struct timespec){.tv_sec = (time_t)(interval / 1000000000), .tv_nsec = (long)(interval % 1000000000)};
}

/* Far longer than any test lives. */
static const struct timespec long_time = {.tv_sec = 100000, .tv_nsec = 123456789};

static int call(int set, const struct timespec *limit, const struct sembuf *ops, size_t count)
{
        struct sembuf copy[ROOM];

        memcpy(copy, ops, count * sizeof(*ops));
        return semtimedop(set, copy, count, limit);
}

/* Waits in a call of its own that ends for its limit, so that time has passed for others too; no verdict. */
static void let_time_pass(int64_t interval)
{
        const struct timespec limit = ns(interval);
        const int set = new_sems(1, 0600), result = SEMTIMEDOP(set, &limit, OP(0, -1, 0));

        REQUIRE(result == -1 && errno == EAGAIN);
}

/* The calls below cannot proceed on this set. */
static int set_of_three(void)
{
        int set = new_sems(3, 0600);

        set_all(set, (unsigned short[]){4, 0, 9});
        return set;
}

struct waiting {
        const char *name;
        struct sembuf ops[ROOM];
        size_t count;
};

static const struct waiting would_wait[] = {
        {"a decrement", {OP(0, -5, 0)}, 1},
        {"a zero operation", {OP(0, 0, 0)}, 1},
        {"a decrement with SEM_UNDO", {OP(1, -1, SEM_UNDO)}, 1},
        {"several entries, a decrement", {OP(0, -4, 0), OP(2, 3, 0), OP(1, -1, 0)}, 3},
        {"several entries, a zero operation", {OP(1, 7, 0), OP(2, 0, 0), OP(0, -1, 0)}, 3},
        {"one semaphore twice", {OP(1, 2, 0), OP(1, -3, 0)}, 2},
        {"several entries with SEM_UNDO", {OP(0, -4, SEM_UNDO), OP(2, 3, SEM_UNDO), OP(1, -1, SEM_UNDO)}, 3},
};

/* ---- expiry ---- */

/* The caller is a process that ends, so that an adjustment left behind, or a process ID, shows. */
static void fails_without_effect(enum ipck_requirement req, const struct waiting *row, const struct timespec *limit)
{
        int set = set_of_three();
        const struct sem_view before = view_of(set);
        struct child caller;

        CHILD(&caller)
                FAILS_WITH(req, EAGAIN, call(set, limit, row->ops, row->count));
        EVENTUALLY(req, returned(&caller));
        join(&caller);
        const struct sem_view after = view_of(set);
        for (int num = 0; num < 3; num++) {
                EQ(req, after.sem[num].val, before.sem[num].val);
                EQ(semop_pid_failed_unchanged, after.sem[num].pid, before.sem[num].pid);
                EQ(semtimedop_ncnt_after_timeout, after.sem[num].ncnt, 0);
                EQ(semtimedop_ncnt_after_timeout, after.sem[num].zcnt, 0);
        }
}

TEST(expiry_changes_nothing,
     VERIFIES(semtimedop_eagain_expired, semtimedop_ncnt_after_timeout, semop_pid_failed_unchanged))
{
        const struct timespec limit = ns(200000);

        EACH_ROW(row, would_wait)
                fails_without_effect(semtimedop_eagain_expired, row, &limit);
}

TEST(zero_limit_ends_a_call_that_would_wait,
     VERIFIES(semtimedop_eagain_zero_timeout, semtimedop_ncnt_after_timeout, semop_pid_failed_unchanged))
{
        const struct timespec limit = {0};

        EACH_ROW(row, would_wait)
                fails_without_effect(semtimedop_eagain_zero_timeout, row, &limit);
}

/* One call of this limit that can only expire; returns what it took on CLOCK_MONOTONIC. */
static int64_t expiry_takes(enum ipck_requirement req, const struct timespec *limit)
{
        int set = set_of_three();
        const int64_t begin = monotonic_ns();

        FAILS_WITH(req, EAGAIN, SEMTIMEDOP(set, limit, OP(0, -5, 0)));
        return monotonic_ns() - begin;
}

/* Several rounds each, so that they begin anywhere between two ticks of a coarse clock. */
TEST(never_early, VERIFIES(semtimedop_not_early), MOSTLY_WAITS)
{
        static const struct {
                const char *name;
                int64_t interval;
        } rows[] = {
                {"1 ns", 1},
                {"999 ns", 999},
                {"50 us", 50000},
                {"1 ms", 1000000},
                {"1 ns more than 1 ms", 1000001},
                {"1 ns less than 4 ms", 3999999},
                {"4 ms", 4000000},
                {"1 ns more than 10 ms", 10000001},
        };
        struct child caller;

        CHILD(&caller) {
                /* No grace that would hide a few microseconds, where it can be had. */
                (void)prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
                EACH_ROW(row, rows) {
                        const struct timespec limit = ns(row->interval);

                        for (int round = 0; round < 5; round++) {
                                const int64_t taken = expiry_takes(semtimedop_not_early, &limit);
                                BETWEEN(semtimedop_not_early, row->interval, taken, INT64_MAX);
                        }
                }
        }
        EVENTUALLY(semtimedop_not_early, returned(&caller));
        join(&caller);
}

/* Both members count. */
TEST(seconds_are_never_early, VERIFIES(semtimedop_not_early), MOSTLY_WAITS)
{
        static const int64_t intervals[] = {1000000000, 1050000000, 999999999};
        struct child callers[3];

        for (int i = 0; i < 3; i++) {
                const struct timespec limit = ns(intervals[i]);

                CHILD(&callers[i]) {
                        const int64_t taken = expiry_takes(semtimedop_not_early, &limit);
                        BETWEEN(semtimedop_not_early, intervals[i], taken, INT64_MAX);
                }
        }
        for (int i = 0; i < 3; i++) {
                EVENTUALLY(semtimedop_not_early, returned(&callers[i]));
                join(&callers[i]);
        }
}

/* Others that come and go in the queue must not shorten the wait. */
TEST(wakeups_of_others_do_not_end_the_wait_early, VERIFIES(semtimedop_not_early), MOSTLY_WAITS)
{
        const int64_t interval = 20000000;
        const struct timespec limit = ns(interval);
        int set = new_sems(1, 0600);
        struct child waiter;

        CHILD(&waiter) {
                const int64_t begin = monotonic_ns();
                FAILS_WITH(semtimedop_not_early, EAGAIN, SEMTIMEDOP(set, &limit, OP(0, -30000, 0)));
                BETWEEN(semtimedop_not_early, interval, monotonic_ns() - begin, INT64_MAX);
        }
        for (int i = 0; i < 20000 && !returned(&waiter); i++)
                MUST(SEMOP(set, OP(0, 1, 0)));
        EVENTUALLY(semtimedop_not_early, returned(&waiter));
        join(&waiter);
}

/* The count is compared with that of another caller that stays, and has to be seen while the call still waits: where
 * the machine was too slow for that, with a longer interval. */
static void count_falls_by_one(const char *what, const struct sembuf *ops, size_t count, int cmd)
{
        const struct {
                const char *name;
        } names[] = {{what}};
        int set = set_of_three();
        struct child remains, expires;
        bool seen = false;

        CHILD(&remains)
                (void)call(set, NULL, ops, count);
        UNTIL(semctl(set, 0, cmd) == 1);
        for (int64_t interval = 1000000; !seen && interval < 3000000000; interval *= 2) {
                const struct timespec limit = ns(interval);

                CHILD(&expires)
                        REQUIRE(call(set, &limit, ops, count) == -1 && errno == EAGAIN);
                UNTIL((seen = (semctl(set, 0, cmd) == 2)) || returned(&expires));
                UNTIL(returned(&expires));
                join(&expires);
        }
        REQUIRE(seen);
        EACH_ROW(name, names)
                EQ(semtimedop_ncnt_after_timeout, semctl(set, 0, cmd), 1);
        kill_child(&remains);
}

TEST(expiry_lowers_count_of_waiters, VERIFIES(semtimedop_ncnt_after_timeout))
{
        count_falls_by_one("a decrement", (const struct sembuf[]){OP(0, -5, 0)}, 1, GETNCNT);
        count_falls_by_one("a zero operation", (const struct sembuf[]){OP(0, 0, 0)}, 1, GETZCNT);
        count_falls_by_one("entries, a decrement", (const struct sembuf[]){OP(1, 1, 0), OP(0, -5, 0)}, 2, GETNCNT);
        count_falls_by_one("entries, a zero operation", (const struct sembuf[]){OP(1, 1, 0), OP(0, 0, 0)}, 2, GETZCNT);
}

/* ---- events before the expiry ---- */

TEST(success_before_expiry, VERIFIES(semtimedop_success_before_timeout))
{
        int set = set_of_three();
        struct child decrement, zero, several;

        CHILD(&decrement)
                EQ(semtimedop_success_before_timeout, SEMTIMEDOP(set, &long_time, OP(0, -5, 0)), 0);
        UNTIL(NCNT(set, 0) == 1);
        MUST(SEMOP(set, OP(0, 1, 0)));
        EVENTUALLY(semtimedop_success_before_timeout, returned(&decrement));
        join(&decrement);
        EQ(semtimedop_success_before_timeout, VAL(set, 0), 0);

        CHILD(&zero)
                EQ(semtimedop_success_before_timeout, SEMTIMEDOP(set, &long_time, OP(2, 0, 0)), 0);
        CHILD(&several)
                EQ(semtimedop_success_before_timeout, SEMTIMEDOP(set, &long_time, OP(0, 3, 0), OP(1, -2, 0)), 0);
        UNTIL(ZCNT(set, 2) == 1 && NCNT(set, 1) == 1);
        MUST(SEMOP(set, OP(2, -9, 0), OP(1, 2, 0)));
        EVENTUALLY(semtimedop_success_before_timeout, returned(&zero) && returned(&several));
        join(&zero);
        join(&several);
        EQ(semtimedop_success_before_timeout, VAL(set, 0), 3);
        EQ(semtimedop_success_before_timeout, VAL(set, 1), 0);
}

TEST(signal_leaves_the_limit_as_it_was, VERIFIES(semtimedop_eintr))
{
        static const struct {
                const char *name;
                struct sembuf ops[ROOM];
                size_t count;
                int cmd, flags;
        } rows[] = {
                {"a decrement", {OP(0, -5, 0)}, 1, GETNCNT, 0},
                {"a zero operation", {OP(0, 0, 0)}, 1, GETZCNT, 0},
                {"several entries", {OP(1, 1, 0), OP(0, -5, 0)}, 2, GETNCNT, 0},
                {"a handler with SA_RESTART", {OP(0, -5, 0)}, 1, GETNCNT, SA_RESTART},
        };

        EACH_ROW(row, rows) {
                struct timespec limit;
                int set = set_of_three();
                struct child waiter;

                memcpy(&limit, &long_time, sizeof(limit));
                CHILD(&waiter) {
                        catch_signal(SIGUSR1, row->flags);
                        FAILS_WITH(semtimedop_eintr, EINTR, call(set, &limit, row->ops, row->count));
                        HOLDS(semtimedop_eintr, memcmp(&limit, &long_time, sizeof(limit)) == 0);
                        REQUIRE(signals_caught() == 1);
                }
                UNTIL(semctl(set, 0, row->cmd) == 1);
                MUST(kill(waiter.pid, SIGUSR1));
                EVENTUALLY(semtimedop_eintr, returned(&waiter));
                join(&waiter);
                EQ(semtimedop_eintr, VAL(set, 0), 4);
        }
}

/* ---- waits that do not end by themselves ---- */

/* Each waits on a semaphore of its own. Somebody else's limit passes meanwhile. */
TEST(huge_limits_do_not_expire, VERIFIES(semtimedop_huge_timeout))
{
        /* Among them what is negative, or nothing, in 32 bits, or does not fit into 63 or 64 bits of nanoseconds. */
        static const struct {
                const char *name;
                int64_t sec;
                long nsec;
        } rows[] = {
                {"the largest", INT64_MAX, 999999999},
                {"the largest tv_sec", INT64_MAX, 0},
                {"the largest 32-bit tv_sec", INT32_MAX, 999999999},
                {"bit 31", INT64_C(0x80000000), 0},
                {"bit 32", INT64_C(0x100000000), 0},
                {"2^63 ns", INT64_C(9223372036), 854775808},
                {"2^64 ns", INT64_C(18446744073), 709551616},
        };
        enum { ROWS = sizeof(rows) / sizeof(*rows) };
        struct child waiters[ROWS], *waiter = waiters;
        int set = new_sems(ROWS, 0600);

        EACH_ROW(row, rows) {
                const unsigned short num = (unsigned short)(waiter - waiters);
                const struct timespec limit = {.tv_sec = row->sec < FAR_AWAY ? (time_t)row->sec : FAR_AWAY,
                                               .tv_nsec = row->nsec};

                CHILD(waiter)
                        EQ(semtimedop_huge_timeout, SEMTIMEDOP(set, &limit, OP(num, -1, 0)), 0);
                UNTIL(NCNT(set, num) == 1 || returned(waiter));
                waiter++;
        }
        let_time_pass(5000000);
        waiter = waiters;
        EACH_ROW(row, rows) {
                const unsigned short num = (unsigned short)(waiter - waiters);

                HOLDS(semtimedop_huge_timeout, !returned(waiter));
                EQ(semtimedop_huge_timeout, NCNT(set, num), 1);
                MUST(SEMOP(set, OP(num, 1, 0)));
                EVENTUALLY(semtimedop_huge_timeout, returned(waiter));
                join(waiter);
                waiter++;
        }
}

TEST(null_limit_does_not_expire, VERIFIES(semtimedop_null_timeout))
{
        int set = set_of_three();
        struct child waiter;

        CHILD(&waiter)
                EQ(semtimedop_null_timeout, SEMTIMEDOP(set, NULL, OP(0, -5, 0)), 0);
        UNTIL(NCNT(set, 0) == 1 || returned(&waiter));
        let_time_pass(5000000);
        HOLDS(semtimedop_null_timeout, !returned(&waiter));
        EQ(semtimedop_null_timeout, NCNT(set, 0), 1);
        MUST(SEMOP(set, OP(0, 1, 0)));
        EVENTUALLY(semtimedop_null_timeout, returned(&waiter));
        join(&waiter);
}

/* ---- expiry and event at the same time ---- */

/* How an attempt ended; written by the waiter before its here(). */
struct ending {
        int set, result, error;
};

enum { ROUNDS = 100, LIMIT_NS = 200000 };

static void race_with_increment(const struct sembuf *ops, size_t count)
{
        const struct timespec limit = ns(LIMIT_NS);
        struct ending *ending = shared(sizeof(*ending));
        const uint32_t pair = random_below(1024);
        int64_t lead = LIMIT_NS;
        int set = new_sems(2, 0600);
        struct child waiter;

        CHILD(&waiter) {
                take_side(WAITER, pair);
                for (int round = 1; round <= ROUNDS; round++) {
                        await(&waiter, round);
                        ending->result = call(set, &limit, ops, count);
                        ending->error = errno;
                        here(&waiter, round);
                }
        }
        take_side(WAKER, pair);
        for (int round = 1; round <= ROUNDS; round++) {
                set_all(set, (unsigned short[]){0, 0});
                tell(&waiter, round);
                UNTIL(NCNT(set, 0) == 1 || at(&waiter) == round);
                spin_until(monotonic_ns() + lead);
                MUST(SEMOP(set, OP(0, 1, 0)));
                EVENTUALLY(semtimedop_timeout_vs_wakeup, at(&waiter) == round);

                const bool expired = ending->result == -1;
                if (expired)
                        EQ(semtimedop_timeout_vs_wakeup, ending->error, EAGAIN);
                else
                        EQ(semtimedop_timeout_vs_wakeup, ending->result, 0);
                EQ(semtimedop_timeout_vs_wakeup, VAL(set, 0), expired ? 1 : 0);
                EQ(semtimedop_timeout_vs_wakeup, NCNT(set, 0), 0);
                if (count > 1)
                        EQ(semtimedop_timeout_vs_wakeup, VAL(set, 1), expired ? 0 : 1);
                lead = next_lead(lead, expired);
        }
        join(&waiter);
}

TEST(expiry_against_increment, VERIFIES(semtimedop_timeout_vs_wakeup), MOSTLY_WAITS, KERNEL_ALONE)
{
        race_with_increment((const struct sembuf[]){OP(0, -1, 0)}, 1);
}

TEST(expiry_of_array_against_increment, VERIFIES(semtimedop_timeout_vs_wakeup), MOSTLY_WAITS, KERNEL_ALONE)
{
        race_with_increment((const struct sembuf[]){OP(1, 1, 0), OP(0, -1, 0)}, 2);
}

/* What the first in the queue did not take for its limit, the next one has to get. */
TEST(expiry_passes_the_unit_on, VERIFIES(semtimedop_timeout_vs_wakeup, semop_wake_inc_single), MOSTLY_WAITS,
     KERNEL_ALONE)
{
        const struct timespec limit = ns(LIMIT_NS);
        struct ending *ending = shared(sizeof(*ending));
        const uint32_t pair = random_below(1024);
        int64_t lead = LIMIT_NS;
        int set = new_sems(1, 0600);
        struct child hasty, patient;

        CHILD(&hasty) {
                take_side(WAITER, pair);
                for (int round = 1; round <= ROUNDS; round++) {
                        await(&hasty, round);
                        ending->result = SEMTIMEDOP(set, &limit, OP(0, -1, 0));
                        ending->error = errno;
                        here(&hasty, round);
                }
        }
        CHILD(&patient) {
                take_side(WAKER, pair);
                for (int round = 1; round <= ROUNDS; round++) {
                        await(&patient, round);
                        MUST(SEMOP(set, OP(0, -1, 0)));
                        here(&patient, round);
                }
        }
        take_side(WAKER, pair);
        for (int round = 1; round <= ROUNDS; round++) {
                tell(&hasty, round);
                UNTIL(NCNT(set, 0) == 1 || at(&hasty) == round);
                const int64_t begin = monotonic_ns();
                tell(&patient, round);
                UNTIL(NCNT(set, 0) == 2 || (at(&hasty) == round && NCNT(set, 0) == 1));
                spin_until(begin + lead);
                MUST(SEMOP(set, OP(0, 1, 0)));
                EVENTUALLY(semtimedop_timeout_vs_wakeup, at(&hasty) == round);

                const bool expired = ending->result == -1;
                if (expired) {
                        EQ(semtimedop_timeout_vs_wakeup, ending->error, EAGAIN);
                } else {
                        EQ(semtimedop_timeout_vs_wakeup, NCNT(set, 0), 1);
                        MUST(SEMOP(set, OP(0, 1, 0)));
                }
                EVENTUALLY(semop_wake_inc_single, at(&patient) == round);
                EQ(semtimedop_timeout_vs_wakeup, VAL(set, 0), 0);
                lead = next_lead(lead, expired);
        }
        join(&hasty);
        join(&patient);
}

/* In a large set, so that the removal takes a while; the one semaphore that is waited on is the last it comes to. */
TEST(expiry_against_removal, VERIFIES(semtimedop_timeout_vs_rmid), MOSTLY_WAITS, KERNEL_ALONE)
{
        const int semmsl = sem_limits().semmsl, sems = semmsl < 16000 ? semmsl : 16000;
        const struct timespec limit = ns(LIMIT_NS);
        struct ending *ending = shared(sizeof(*ending));
        const uint32_t pair = random_below(1024);
        int64_t lead = LIMIT_NS;
        struct child waiter;

        CHILD(&waiter) {
                take_side(WAITER, pair);
                for (int round = 1; round <= ROUNDS; round++) {
                        await(&waiter, round);
                        ending->result = SEMTIMEDOP(ending->set, &limit, OP(sems - 1, -1, 0));
                        ending->error = errno;
                        here(&waiter, round);
                }
        }
        take_side(WAKER, pair);
        for (int round = 1; round <= ROUNDS; round++) {
                ending->set = new_sems(sems, 0600);
                tell(&waiter, round);
                /* Only once it waits: a removal before the call would be EINVAL, and rightly so. */
                UNTIL(NCNT(ending->set, sems - 1) == 1 || at(&waiter) == round);
                spin_until(monotonic_ns() + lead);
                MUST(semctl(ending->set, 0, IPC_RMID));
                EVENTUALLY(semtimedop_timeout_vs_rmid, at(&waiter) == round);
                EQ(semtimedop_timeout_vs_rmid, ending->result, -1);
                if (ending->error != EAGAIN)
                        EQ(semtimedop_timeout_vs_rmid, ending->error, EIDRM);
                lead = next_lead(lead, ending->error == EAGAIN);
        }
        join(&waiter);
}

/* ---- the clock ---- */

/* A structure that is used again gives the whole interval again, which a moment fixed at the first call would not. */
TEST(interval_begins_with_each_call, VERIFIES(semtimedop_relative_clock))
{
        const int64_t interval = 2000000;
        const struct timespec limit = ns(interval);
        struct child caller;

        CHILD(&caller) {
                for (int round = 0; round < 3; round++) {
                        const int64_t taken = expiry_takes(semtimedop_relative_clock, &limit);
                        BETWEEN(semtimedop_relative_clock, interval, taken, INT64_MAX);
                }
        }
        EVENTUALLY(semtimedop_relative_clock, returned(&caller));
        join(&caller);
}

TEST(deadline_is_kept_on_the_monotonic_clock, VERIFIES(semtimedop_relative_clock))
{
        const int64_t interval = 100000000000000 + (int64_t)random_below(1000000000) * 1000;
        const struct timespec limit = ns(interval);
        struct timer_window window = timer_window_begin(interval);
        int set = set_of_three();
        struct child waiter;

        CHILD(&waiter)
                (void)SEMTIMEDOP(set, &limit, OP(0, -5, 0));
        UNTIL(NCNT(set, 0) == 1);
        UNTIL(sleeping(waiter.pid));
        timer_window_end(&window);
        HOLDS(semtimedop_relative_clock, clock_of_timer(&window) == MONOTONIC);
        kill_child(&waiter);
}

/* ---- 32-bit machines have two system calls ---- */

#if defined(SYS_semtimedop_time64) && !defined(__LP64__) && (defined(SYS_semtimedop) || defined(SYS_ipc))

static int narrow(int set, struct sembuf *ops, size_t count, int32_t sec, int32_t nsec)
{
        int32_t limit[2] = {sec, nsec};

#ifdef SYS_semtimedop
        return (int)syscall(SYS_semtimedop, set, ops, count, limit);
#else
        return (int)syscall(SYS_ipc, 4, set, count, 0, ops, limit);
#endif
}

static int wide(int set, struct sembuf *ops, size_t count, int64_t sec, int64_t nsec)
{
        int64_t limit[2] = {sec, nsec};
        int result = (int)syscall(SYS_semtimedop_time64, set, ops, count, limit);

        if (result == -1 && errno == ENOSYS)
                UNSUPPORTED("the system call semtimedop_time64");
        return result;
}

TEST(both_system_calls_judge_limits_alike, VERIFIES(semtimedop_time64_32bit), ONE_ROUTE)
{
        static const struct {
                const char *name;
                int32_t sec, nsec;
                int op, error;
        } rows[] = {
                {"ready, none", 0, 0, 1, 0},
                {"ready, less than a second", 0, 999999999, 1, 0},
                {"ready, the largest", INT32_MAX, 999999999, 1, 0},
                {"ready, negative seconds", -1, 0, 1, EINVAL},
                {"ready, the smallest seconds", INT32_MIN, 0, 1, EINVAL},
                {"ready, negative nanoseconds", 0, -1, 1, EINVAL},
                {"ready, a second of nanoseconds", 0, 1000000000, 1, EINVAL},
                {"waiting, none", 0, 0, -9, EAGAIN},
                {"waiting, a nanosecond", 0, 1, -9, EAGAIN},
                {"waiting, 5 ms", 0, 5000000, -9, EAGAIN},
                {"waiting, negative seconds", -1, 999999999, -9, EINVAL},
        };

        EACH_ROW(row, rows) {
                for (int calls = 0; calls < 2; calls++) {
                        struct sembuf op = OP(0, row->op, 0);
                        int set = set_of_three();
                        const int64_t begin = monotonic_ns();
                        const int result = calls ? wide(set, &op, 1, row->sec, row->nsec)
                                                 : narrow(set, &op, 1, row->sec, row->nsec);
                        const int error = result == -1 ? errno : 0;

                        EQ(semtimedop_time64_32bit, error, row->error);
                        if (error == EAGAIN)
                                BETWEEN(semtimedop_time64_32bit, row->nsec, monotonic_ns() - begin, INT64_MAX);
                        EQ(semtimedop_time64_32bit, VAL(set, 0), error ? 4 : 5);
                }
        }
}

/* The largest interval of the narrow call, the same in the wide one, and more that only it can say. */
TEST(both_system_calls_wait_for_long, VERIFIES(semtimedop_time64_32bit), ONE_ROUTE)
{
        static const struct {
                const char *name;
                int64_t sec, nsec;
        } rows[] = {
                {"narrow", INT32_MAX, 0},
                {"wide", INT32_MAX, 0},
                {"bit 31", INT64_C(1) << 31, 0},
                {"bit 32", INT64_C(1) << 32, 0},
                {"the largest", INT64_MAX, 999999999},
        };
        enum { ROWS = sizeof(rows) / sizeof(*rows) };
        struct child waiters[ROWS];
        int set = new_sems(ROWS, 0600);

        for (unsigned short num = 0; num < ROWS; num++) {
                struct sembuf op = OP(num, -1, 0);

                CHILD(&waiters[num])
                        EQ(semtimedop_time64_32bit, num ? wide(set, &op, 1, rows[num].sec, rows[num].nsec)
                                                        : narrow(set, &op, 1, INT32_MAX, 0), 0);
                UNTIL(NCNT(set, num) == 1 || returned(&waiters[num]));
        }
        let_time_pass(5000000);
        for (unsigned short num = 0; num < ROWS; num++) {
                EQ(semtimedop_time64_32bit, NCNT(set, num), 1);
                MUST(SEMOP(set, OP(num, 1, 0)));
                EVENTUALLY(semtimedop_time64_32bit, returned(&waiters[num]));
                join(&waiters[num]);
        }
}

/* A 32-bit tv_nsec stands in eight bytes there; the other four are not set by every program. */
TEST(wide_call_ignores_padding, VERIFIES(semtimedop_time64_32bit), ONE_ROUTE)
{
        struct sembuf ready = OP(0, 1, 0), waiting = OP(0, -9, 0);
        int set = set_of_three();

        EQ(semtimedop_time64_32bit, wide(set, &ready, 1, 1, INT64_C(0x5a5a5a5a00000000) | 5), 0);
        EQ(semtimedop_time64_32bit, VAL(set, 0), 5);
        FAILS_WITH(semtimedop_time64_32bit, EAGAIN, wide(set, &waiting, 1, 0, INT64_C(0x5a5a5a5a00000000) | 5));
}

#else

TEST(both_system_calls_judge_limits_alike, VERIFIES(semtimedop_time64_32bit), ONE_ROUTE)
{
        UNSUPPORTED("a 32-bit program with system calls for both sizes of time");
}

#endif
