/* SPDX-License-Identifier: MIT
 *
 * semtimedop(): time limits that are no time limits, and that without one it is semop().
 */
#include <limits.h>
#include <sys/wait.h>

#include "ipck_sem.h"

static int set_of_two(void)
{
        int set = new_sems(2, 0600);

        set_all(set, (unsigned short[]){4, 0});
        return set;
}

/* The smallest and largest time_t, whatever its size. */
#define LONG_AGO ((time_t)((uintmax_t)1 << (sizeof(time_t) * 8 - 1)))
#define FAR_AWAY ((time_t)~(uintmax_t)LONG_AGO)

struct limit {
        const char *name;
        struct timespec limit;
};

/* Refused both for operations that could proceed, which must not happen then, and for those that could not. */
static void is_refused(enum ipck_requirement req, const struct timespec *limit)
{
        const struct timespec valid = {.tv_nsec = 1};
        int set = set_of_two();
        const struct sem_view before = view_of(set);
        struct child caller;

        CHILD(&caller) {
                FAILS_WITH(req, EINVAL, SEMTIMEDOP(set, limit, OP(0, 1, 0)));
                FAILS_WITH(req, EINVAL, SEMTIMEDOP(set, limit, OP(0, -1, IPC_NOWAIT), OP(1, 0, IPC_NOWAIT)));
                FAILS_WITH(req, EINVAL, SEMTIMEDOP(set, limit, OP(1, -1, 0)));
                FAILS_WITH(req, EINVAL, SEMTIMEDOP(set, limit, OP(0, 0, 0)));
                const struct sem_view after = view_of(set);
                HOLDS(req, same_view(&before, &after));
                EQ(req, SEMTIMEDOP(set, &valid, OP(0, 1, 0)), 0);
        }
        EVENTUALLY(req, returned(&caller));
        join(&caller);
}

TEST(negative_seconds_are_refused, VERIFIES(semtimedop_einval_neg_sec))
{
        static const struct limit rows[] = {
                {"a second ago", {.tv_sec = -1}},
                {"a nanosecond ago", {.tv_sec = -1, .tv_nsec = 999999999}},
                {"years ago", {.tv_sec = -100000000, .tv_nsec = 1}},
                {"the smallest tv_sec", {.tv_sec = LONG_AGO}},
        };

        EACH_ROW(row, rows)
                is_refused(semtimedop_einval_neg_sec, &row->limit);
}

TEST(nanoseconds_out_of_range_are_refused, VERIFIES(semtimedop_einval_nsec))
{
        static const struct limit rows[] = {
                {"-1", {.tv_nsec = -1}},
                {"-1, with a second", {.tv_sec = 1, .tv_nsec = -1}},
                {"a second", {.tv_nsec = 1000000000}},
                {"a second, with a second", {.tv_sec = 1, .tv_nsec = 1000000000}},
                {"two seconds less one", {.tv_nsec = 1999999999}},
                {"the largest", {.tv_nsec = LONG_MAX}},
                {"the smallest", {.tv_nsec = LONG_MIN}},
        };

        EACH_ROW(row, rows)
                is_refused(semtimedop_einval_nsec, &row->limit);
}

/* Accepted: the values next to the refused ones. That the call happens shows in the value. */
TEST(ready_operations_take_no_time, VERIFIES(semtimedop_ready_ignores_timeout))
{
        static const struct limit rows[] = {
                {"none", {0}},
                {"a nanosecond", {.tv_nsec = 1}},
                {"a nanosecond less than a second", {.tv_nsec = 999999999}},
                {"a second", {.tv_sec = 1}},
                {"many years", {.tv_sec = 2147483647, .tv_nsec = 999999999}},
                {"the largest", {.tv_sec = FAR_AWAY, .tv_nsec = 999999999}},
        };

        EACH_ROW(row, rows) {
                int set = set_of_two();
                struct child caller;

                CHILD(&caller) {
                        EQ(semtimedop_ready_ignores_timeout, SEMTIMEDOP(set, &row->limit, OP(0, 3, 0)), 0);
                        EQ(semtimedop_ready_ignores_timeout, VAL(set, 0), 7);
                        EQ(semtimedop_ready_ignores_timeout, SEMTIMEDOP(set, &row->limit, OP(0, -7, 0)), 0);
                        EQ(semtimedop_ready_ignores_timeout, VAL(set, 0), 0);
                        EQ(semtimedop_ready_ignores_timeout, SEMTIMEDOP(set, &row->limit, OP(0, 0, 0), OP(1, 2, 0)), 0);
                        EQ(semtimedop_ready_ignores_timeout, VAL(set, 1), 2);
                }
                EVENTUALLY(semtimedop_ready_ignores_timeout, returned(&caller));
                join(&caller);
        }
}

/* A C library may look at the structure itself, and then the caller dies of it before there is a system call. */
static void unreadable_limit(int set, const struct timespec *limit)
{
        struct child caller;

        CHILD(&caller)
                FAILS_WITH(semtimedop_efault_timeout, EFAULT, SEMTIMEDOP(set, limit, OP(0, 1, 0)));
        const int status = reap(&caller);
        if (ipck_route == IPCK_LIBC && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV)
                UNSUPPORTED("a C library that hands on the time limit unread");
        EQ(semtimedop_efault_timeout, status, 0);
        EQ(semtimedop_efault_timeout, VAL(set, 0), 4);
}

TEST(unreadable_time_limit, VERIFIES(semtimedop_efault_timeout))
{
        int set = set_of_two();
        struct timespec *whole = guarded(sizeof(*whole)), *half = guarded(sizeof(*half) / 2);

        unreadable_limit(set, bad_address());
        unreadable_limit(set, half);
        *whole = (struct timespec){.tv_sec = 1};
        EQ(semtimedop_efault_timeout, SEMTIMEDOP(set, whole, OP(0, 1, 0)), 0);
        EQ(semtimedop_efault_timeout, VAL(set, 0), 5);
}

/* ---- no limit ---- */

TEST(null_limit_gives_results_of_semop, VERIFIES(semtimedop_null_timeout))
{
        static const struct {
                const char *name;
                struct sembuf ops[3];
                size_t count;
        } rows[] = {
                {"an increment", {OP(0, 3, 0)}, 1},
                {"a decrement", {OP(0, -4, IPC_NOWAIT)}, 1},
                {"a zero operation", {OP(1, 0, IPC_NOWAIT)}, 1},
                {"several entries", {OP(1, 0, IPC_NOWAIT), OP(1, 2, SEM_UNDO), OP(0, -1, IPC_NOWAIT)}, 3},
                {"EAGAIN, a decrement", {OP(1, 1, 0), OP(0, -5, IPC_NOWAIT)}, 2},
                {"EAGAIN, a zero operation", {OP(1, 1, 0), OP(0, 0, IPC_NOWAIT)}, 2},
                {"ERANGE", {OP(1, 1, 0), OP(0, 32767, 0)}, 2},
                {"EFBIG", {OP(0, 1, 0), OP(2, 1, 0)}, 2},
                {"EINVAL", {OP(0, 1, 0)}, 0},
        };

        EACH_ROW(row, rows) {
                int set = set_of_two(), other = set_of_two();
                struct sembuf ops[3];

                memcpy(ops, row->ops, sizeof(ops));
                const int want = semop(other, ops, row->count), want_errno = want == -1 ? errno : 0;
                const int got = semtimedop(set, ops, row->count, NULL), got_errno = got == -1 ? errno : 0;
                EQ(semtimedop_null_timeout, got, want);
                EQ(semtimedop_null_timeout, got_errno, want_errno);
                for (int num = 0; num < 2; num++)
                        EQ(semtimedop_null_timeout, VAL(set, num), VAL(other, num));
        }
}

TEST(null_limit_gives_errors_of_semop, VERIFIES(semtimedop_null_timeout))
{
        const size_t semopm = (size_t)sem_limits().semopm;
        struct sembuf op = OP(0, 1, 0);
        int set = set_of_two(), removed = set_of_two();

        MUST(semctl(removed, 0, IPC_RMID));
        FAILS_WITH(semtimedop_null_timeout, EINVAL, semtimedop(removed, &op, 1, NULL));
        FAILS_WITH(semtimedop_null_timeout, EFAULT, semtimedop(set, bad_address(), 1, NULL));
        FAILS_WITH(semtimedop_null_timeout, E2BIG, semtimedop(set, bad_address(), semopm + 1, NULL));
        EQ(semtimedop_null_timeout, VAL(set, 0), 4);
        EQ(semtimedop_null_timeout, semtimedop(set, &op, 1, NULL), 0);
}

TEST(null_limit_waits_for_events, VERIFIES(semtimedop_null_timeout))
{
        int set = set_of_two(), doomed = set_of_two();
        struct child woken, removed, interrupted;

        CHILD(&woken)
                EQ(semtimedop_null_timeout, SEMTIMEDOP(set, NULL, OP(1, -1, 0)), 0);
        CHILD(&removed)
                FAILS_WITH(semtimedop_null_timeout, EIDRM, SEMTIMEDOP(doomed, NULL, OP(1, -1, 0)));
        CHILD(&interrupted) {
                catch_signal(SIGUSR1, 0);
                FAILS_WITH(semtimedop_null_timeout, EINTR, SEMTIMEDOP(doomed, NULL, OP(0, 0, 0)));
        }

        UNTIL(NCNT(set, 1) == 1);
        UNTIL(NCNT(doomed, 1) == 1 && ZCNT(doomed, 0) == 1);
        MUST(kill(interrupted.pid, SIGUSR1));
        EVENTUALLY(semtimedop_null_timeout, returned(&interrupted));
        MUST(semctl(doomed, 0, IPC_RMID));
        MUST(SEMOP(set, OP(1, 1, 0)));
        EVENTUALLY(semtimedop_null_timeout, returned(&woken) && returned(&removed));
        join(&woken);
        join(&removed);
        join(&interrupted);
}
