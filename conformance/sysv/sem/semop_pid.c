/* SPDX-License-Identifier: MIT
 *
 * semop(): whose process ID a semaphore keeps. Each test first gives every semaphore the ID of another process, so
 * that both a store that is missing and one too many show.
 */
#include <pthread.h>

#include "ipck_sem.h"

enum { SEMS = 4 };

/* Values 1, 2, 3 and 0, each last operated on by a process that has ended; the pid goes to *former. */
static int set_used_by_another(pid_t *former)
{
        int set = new_sems(SEMS, 0600);
        struct child other;

        set_all(set, (unsigned short[]){2, 3, 4, 1});
        CHILD(&other)
                for (unsigned short num = 0; num < SEMS; num++)
                        MUST(SEMOP(set, OP(num, -1, IPC_NOWAIT)));
        join(&other);
        for (int i = 0; i < SEMS; i++)
                REQUIRE(PID(set, i) == other.pid);
        *former = other.pid;
        return set;
}

TEST(every_named_semaphore_gets_callers_pid, VERIFIES(semop_pid_set_all, semop_pid_only_named))
{
        static const struct {
                const char *name;
                struct sembuf ops[5];
                size_t count;
                bool named[SEMS];
        } rows[] = {
                {"an increment", {OP(1, 1, 0)}, 1, {[1] = true}},
                {"a decrement", {OP(2, -1, IPC_NOWAIT)}, 1, {[2] = true}},
                {"first and last", {OP(0, 1, 0), OP(3, 1, 0)}, 2, {[0] = true, [3] = true}},
                {"not in the order of numbers", {OP(2, 1, 0), OP(0, -1, IPC_NOWAIT)}, 2, {[0] = true, [2] = true}},
                {"all", {OP(0, 1, 0), OP(1, -1, IPC_NOWAIT), OP(2, 1, 0), OP(3, 0, IPC_NOWAIT)}, 4,
                 {true, true, true, true}},
                {"some more than once", {OP(1, 1, 0), OP(3, 2, 0), OP(1, -1, IPC_NOWAIT), OP(3, -2, IPC_NOWAIT)}, 4,
                 {[1] = true, [3] = true}},
                {"with SEM_UNDO", {OP(1, 1, SEM_UNDO), OP(2, 1, 0)}, 2, {[1] = true, [2] = true}},
                {"value as before", {OP(0, 1, 0), OP(0, -1, IPC_NOWAIT)}, 2, {[0] = true}},
        };

        EACH_ROW(row, rows) {
                struct sembuf ops[5];
                struct child caller;
                pid_t former;
                int set = set_used_by_another(&former);

                memcpy(ops, row->ops, sizeof(ops));
                CHILD(&caller) {
                        MUST(semop(set, ops, row->count));
                        for (int i = 0; i < SEMS; i++) {
                                if (row->named[i])
                                        EQ(semop_pid_set_all, PID(set, i), getpid());
                                else
                                        EQ(semop_pid_only_named, PID(set, i), former);
                        }
                }
                join(&caller);
        }
}

TEST(pid_outlives_the_process, VERIFIES(semop_pid_set_all))
{
        int set = new_sems(1, 0600);
        struct child caller;

        MUST(SEMOP(set, OP(0, 1, 0)));
        EQ(semop_pid_set_all, PID(set, 0), getpid());
        CHILD(&caller)
                MUST(SEMOP(set, OP(0, 1, 0)));
        join(&caller);
        EQ(semop_pid_set_all, PID(set, 0), caller.pid);
}

TEST(zero_operation_sets_pid, VERIFIES(semop_pid_zero_op))
{
        pid_t former;
        int set = set_used_by_another(&former);
        struct child caller;

        CHILD(&caller) {
                MUST(SEMOP(set, OP(3, 0, IPC_NOWAIT)));
                EQ(semop_pid_zero_op, PID(set, 3), getpid());
                EQ(semop_pid_zero_op, PID(set, 0), former);
        }
        join(&caller);
        EQ(semop_pid_zero_op, PID(set, 3), caller.pid);
}

/* Together with entries that change a value, and twice on one semaphore. */
TEST(zero_operation_in_array_sets_pid, VERIFIES(semop_pid_zero_op))
{
        pid_t former;
        int set = set_used_by_another(&former);
        struct child caller;

        CHILD(&caller) {
                MUST(SEMOP(set, OP(0, -1, IPC_NOWAIT), OP(0, 0, IPC_NOWAIT), OP(1, 1, 0), OP(3, 0, IPC_NOWAIT),
                           OP(3, 0, IPC_NOWAIT)));
                EQ(semop_pid_zero_op, PID(set, 0), getpid());
                EQ(semop_pid_zero_op, PID(set, 2), former);
                EQ(semop_pid_zero_op, PID(set, 3), getpid());
        }
        join(&caller);
}

static void *increments(void *set)
{
        MUST(SEMOP(*(int *)set, OP(0, 1, 0)));
        return NULL;
}

TEST(pid_is_not_that_of_the_thread, VERIFIES(semop_pid_set_all))
{
        pid_t former;
        int set = set_used_by_another(&former);
        pthread_t thread;

        start_thread(&thread, increments, &set);
        REQUIRE(pthread_join(thread, NULL) == 0);
        EQ(semop_pid_set_all, PID(set, 0), getpid());
}

TEST(failed_call_leaves_pids, VERIFIES(semop_pid_failed_unchanged))
{
        static const struct {
                const char *name;
                struct sembuf ops[4];
                size_t count;
                int error;
        } rows[] = {
                {"EAGAIN, a decrement", {OP(0, -2, IPC_NOWAIT)}, 1, EAGAIN},
                {"EAGAIN, a zero operation", {OP(1, 0, IPC_NOWAIT)}, 1, EAGAIN},
                {"EAGAIN, the second entry", {OP(0, 1, 0), OP(3, -1, IPC_NOWAIT)}, 2, EAGAIN},
                {"EAGAIN, after a zero operation", {OP(3, 0, IPC_NOWAIT), OP(2, 1, 0), OP(1, -3, IPC_NOWAIT)}, 3,
                 EAGAIN},
                {"EAGAIN, one semaphore twice", {OP(0, -1, IPC_NOWAIT), OP(1, 1, 0), OP(0, -1, IPC_NOWAIT)}, 3, EAGAIN},
                {"ERANGE, alone", {OP(2, 32767, 0)}, 1, ERANGE},
                {"ERANGE, the third entry", {OP(0, 1, 0), OP(1, 1, 0), OP(2, 32767, 0)}, 3, ERANGE},
                {"ERANGE, one semaphore twice", {OP(0, 32766, 0), OP(1, 1, 0), OP(0, 1, 0)}, 3, ERANGE},
                {"EFBIG, alone", {OP(SEMS, 1, 0)}, 1, EFBIG},
                {"EFBIG, the second entry", {OP(0, 1, 0), OP(SEMS, 1, 0)}, 2, EFBIG},
                {"EFBIG, the first entry", {OP(SEMS, 1, 0), OP(0, 1, 0)}, 2, EFBIG},
        };

        EACH_ROW(row, rows) {
                struct sembuf ops[4];
                struct child caller;
                pid_t former;
                int set = set_used_by_another(&former);

                memcpy(ops, row->ops, sizeof(ops));
                CHILD(&caller)
                        REQUIRE(semop(set, ops, row->count) == -1 && errno == row->error);
                UNTIL(returned(&caller));
                join(&caller);
                for (int i = 0; i < SEMS; i++)
                        EQ(semop_pid_failed_unchanged, PID(set, i), former);
        }
}
