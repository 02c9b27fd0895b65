/* SPDX-License-Identifier: MIT
 *
 * semop(): callers that are threads of one process. Each waits, counts and is woken by itself.
 */
#include "ipck_sem.h"
#include "ipck_thread.h"

struct sleeper {
        struct thread thread;
        int set;
        struct sembuf ops[2];
        size_t nops;
};

/* 0 or the errno value. */
static int operate(void *arg)
{
        struct sleeper *s = arg;

        return semop(s->set, s->ops, s->nops) == 0 ? 0 : errno;
}

static void start_sleeper(struct sleeper *s)
{
        start(&s->thread, operate, s);
}

TEST(other_threads_go_on, VERIFIES(semop_thread_only))
{
        int set = new_sems(1, 0600);
        struct child process;

        CHILD(&process) {
                struct sleeper sleeper = {.set = set, .ops = {OP(0, -1, 0)}, .nops = 1};

                start_sleeper(&sleeper);
                await(&process, 1);
                here(&process, 1);
                await(&process, 2);
                EQ(semop_thread_only, SEMOP(set, OP(0, 1, 0)), 0);
                finish(&sleeper.thread);
                EQ(semop_thread_only, sleeper.thread.result, 0);
        }
        UNTIL(NCNT(set, 0) == 1);
        tell(&process, 1);
        EVENTUALLY(semop_thread_only, at(&process) == 1);
        EQ(semop_thread_only, NCNT(set, 0), 1);
        tell(&process, 2);
        EVENTUALLY(semop_thread_only, returned(&process));
        EQ(semop_thread_only, VAL(set, 0), 0);
        join(&process);
}

TEST(each_thread_counts, VERIFIES(semop_cnt_threads))
{
        int set = new_sems(2, 0600);
        struct sleeper dec[3] = {
                {.set = set, .ops = {OP(0, -1, 0)}, .nops = 1},
                {.set = set, .ops = {OP(0, -1, 0)}, .nops = 1},
                {.set = set, .ops = {OP(0, -1, 0), OP(0, -1, 0)}, .nops = 2},
        };
        struct sleeper zero[2] = {
                {.set = set, .ops = {OP(1, 0, 0)}, .nops = 1},
                {.set = set, .ops = {OP(0, 0, 0), OP(1, 0, 0)}, .nops = 2},
        };

        set_val(set, 1, 1);
        for (int i = 0; i < 3; i++) {
                start_sleeper(&dec[i]);
                EVENTUALLY(semop_cnt_threads, NCNT(set, 0) == i + 1);
        }
        for (int i = 0; i < 2; i++) {
                start_sleeper(&zero[i]);
                EVENTUALLY(semop_cnt_threads, ZCNT(set, 1) == i + 1);
        }
        EQ(semop_cnt_threads, NCNT(set, 1), 0);
        EQ(semop_cnt_threads, ZCNT(set, 0), 0);

        MUST(SEMOP(set, OP(0, 1, 0)));
        EVENTUALLY(semop_cnt_threads, dec[0].thread.back || dec[1].thread.back);
        EVENTUALLY(semop_cnt_threads, NCNT(set, 0) == 2);
        MUST(SEMOP(set, OP(0, 3, 0)));
        EVENTUALLY(semop_cnt_threads, dec[0].thread.back && dec[1].thread.back && dec[2].thread.back);
        EQ(semop_cnt_threads, NCNT(set, 0), 0);
        MUST(SEMOP(set, OP(1, -1, IPC_NOWAIT)));
        EVENTUALLY(semop_cnt_threads, zero[0].thread.back && zero[1].thread.back);
        EQ(semop_cnt_threads, ZCNT(set, 1), 0);
        for (int i = 0; i < 3; i++)
                finish(&dec[i].thread);
        for (int i = 0; i < 2; i++)
                finish(&zero[i].thread);
}

TEST(sempid_is_that_of_the_process, VERIFIES(semop_pid_blocked_completer))
{
        int set = new_sems(2, 0600);
        struct child process;

        CHILD(&process) {
                struct sleeper sleeper = {.set = set, .ops = {OP(0, -1, 0), OP(1, 1, 0)}, .nops = 2};

                start_sleeper(&sleeper);
                finish(&sleeper.thread);
                EQ(semop_pid_blocked_completer, sleeper.thread.result, 0);
        }
        UNTIL(NCNT(set, 0) == 1);
        MUST(SEMOP(set, OP(0, 1, 0)));
        EVENTUALLY(semop_pid_blocked_completer, returned(&process));
        EQ(semop_pid_blocked_completer, PID(set, 0), process.pid);
        EQ(semop_pid_blocked_completer, PID(set, 1), process.pid);
        join(&process);
}

TEST(signal_ends_the_wait_of_its_thread_only, VERIFIES(semop_eintr_dec, semop_thread_only))
{
        int set = new_sems(1, 0600);
        struct sleeper first = {.set = set, .ops = {OP(0, -1, 0)}, .nops = 1};
        struct sleeper second = {.set = set, .ops = {OP(0, -1, 0)}, .nops = 1};

        catch_signal(SIGUSR1, 0);
        start_sleeper(&first);
        UNTIL(NCNT(set, 0) == 1);
        start_sleeper(&second);
        UNTIL(NCNT(set, 0) == 2);
        REQUIRE(pthread_kill(first.thread.handle, SIGUSR1) == 0);
        EVENTUALLY(semop_eintr_dec, first.thread.back);
        EQ(semop_eintr_dec, first.thread.result, EINTR);
        EQ(semop_thread_only, NCNT(set, 0), 1);
        HOLDS(semop_thread_only, !second.thread.back);
        MUST(SEMOP(set, OP(0, 1, 0)));
        EVENTUALLY(semop_thread_only, second.thread.back);
        EQ(semop_thread_only, second.thread.result, 0);
        finish(&first.thread);
        finish(&second.thread);
}

TEST(threads_of_a_dead_process_do_not_count, VERIFIES(semop_ncnt_dec_on_kill))
{
        const struct {
                const char *name;
                bool exits;
        } rows[] = {{"killed", false}, {"exited", true}};

        EACH_ROW(row, rows) {
                int set = new_sems(2, 0600);
                struct child process;

                CHILD(&process) {
                        struct sleeper sleeper[2] = {
                                {.set = set, .ops = {OP(0, -1, 0)}, .nops = 1},
                                {.set = set, .ops = {OP(0, -1, 0), OP(1, -1, 0)}, .nops = 2},
                        };

                        start_sleeper(&sleeper[0]);
                        start_sleeper(&sleeper[1]);
                        if (row->exits)
                                await(&process, 1);
                        else
                                SEMOP(set, OP(0, -1, 0));
                }
                UNTIL(NCNT(set, 0) >= 3 - row->exits);
                if (row->exits) {
                        dismiss(&process);
                } else {
                        kill_child(&process);
                }
                EQ(semop_ncnt_dec_on_kill, NCNT(set, 0), 0);
                MUST(SEMOP(set, OP(0, 3, 0), OP(1, 3, 0)));
                EQ(semop_ncnt_dec_on_kill, VAL(set, 0), 3);
                EQ(semop_ncnt_dec_on_kill, VAL(set, 1), 3);
        }
}

TEST(removal_wakes_every_thread, VERIFIES(semctl_rmid_wakes_all))
{
        int set = new_sems(2, 0600);
        struct sleeper sleeper[4] = {
                {.set = set, .ops = {OP(0, -1, 0)}, .nops = 1},
                {.set = set, .ops = {OP(0, -1, 0)}, .nops = 1},
                {.set = set, .ops = {OP(1, 0, 0)}, .nops = 1},
                {.set = set, .ops = {OP(1, -1, 0), OP(0, -1, 0)}, .nops = 2},
        };

        set_val(set, 1, 1);
        for (int i = 0; i < 4; i++) {
                start_sleeper(&sleeper[i]);
                UNTIL(NCNT(set, 0) + ZCNT(set, 1) > i);
        }
        EQ(semctl_rmid_wakes_all, semctl(set, 0, IPC_RMID), 0);
        for (int i = 0; i < 4; i++) {
                EVENTUALLY(semctl_rmid_wakes_all, sleeper[i].thread.back);
                EQ(semctl_rmid_wakes_all, sleeper[i].thread.result, EIDRM);
                finish(&sleeper[i].thread);
        }
}

TEST(cancelled_wait_changes_nothing, VERIFIES(semop_cancel_may), ONE_ROUTE)
{
        int set = new_sems(2, 0600);
        bool *released = shared(sizeof(*released));
        struct child process;

        set_val(set, 1, 5);
        CHILD(&process) {
                struct sleeper sleeper = {.set = set, .ops = {OP(1, -2, SEM_UNDO), OP(0, -1, SEM_UNDO)}, .nops = 2};

                start_sleeper(&sleeper);
                UNTIL(NCNT(set, 0) == 1);
                REQUIRE(pthread_cancel(sleeper.thread.handle) == 0);
                /* A thread that the request has woken no longer sleeps when pthread_cancel() returns. */
                UNTIL(NCNT(set, 0) == 0 || sleeping(sleeper.thread.id));
                *released = NCNT(set, 0) == 1;
                if (*released)
                        MUST(SEMOP(set, OP(0, 1, 0)));
                if (finish(&sleeper.thread))
                        OBSERVE(semop_cancel_may, "semop is a cancellation point");
                else if (sleeper.thread.result == EINTR)
                        OBSERVE(semop_cancel_may, "semop is no cancellation point; the request gives it EINTR");
                else
                        OBSERVE(semop_cancel_may, "semop is no cancellation point; the wait goes on");
                /* Done in whole, or as if never called; a cancelled thread leaves -1. */
                EQ(semop_cancel_may, VAL(set, 1), sleeper.thread.result == 0 ? 3 : 5);
                EQ(semop_cancel_may, VAL(set, 0), *released && sleeper.thread.result != 0);
                EQ(semop_cancel_may, NCNT(set, 0), 0);
        }
        EVENTUALLY(semop_cancel_may, returned(&process));
        join(&process);
        /* The adjustments of a call that was done bring back what it took. */
        EQ(semop_cancel_may, VAL(set, 1), 5);
        EQ(semop_cancel_may, VAL(set, 0), *released);
}

/* Another thread's adjustments, which the process shares, leave no room for those of the sleeper. */
TEST(adjustment_overflow_found_when_the_wait_ends, VERIFIES(semop_erange_blocked_later))
{
        const struct seminfo limits = sem_limits();
        const int most = limits.semvmx, half = limits.semaem / 2 + 10;
        int set = new_sems(2, 0600);
        struct child process;

        set_val(set, 1, most);
        CHILD(&process) {
                struct sleeper sleeper = {.set = set, .ops = {OP(0, -1, 0), OP(1, (short)-half, SEM_UNDO)}, .nops = 2};

                start_sleeper(&sleeper);
                UNTIL(NCNT(set, 0) == 1);
                MUST(SEMOP(set, OP(1, (short)-half, SEM_UNDO)));
                MUST(SEMOP(set, OP(1, (short)half, 0)));
                MUST(SEMOP(set, OP(0, 1, 0)));
                EVENTUALLY(semop_erange_blocked_later, sleeper.thread.back);
                EQ(semop_erange_blocked_later, sleeper.thread.result, ERANGE);
                EQ(semop_erange_blocked_later, VAL(set, 0), 1);
                EQ(semop_erange_blocked_later, VAL(set, 1), most);
                finish(&sleeper.thread);

                /* What just fits succeeds. */
                sleeper.ops[1].sem_op = (short)-(limits.semaem - half);
                start_sleeper(&sleeper);
                EVENTUALLY(semop_erange_blocked_later, sleeper.thread.back);
                EQ(semop_erange_blocked_later, sleeper.thread.result, 0);
                finish(&sleeper.thread);
        }
        EVENTUALLY(semop_erange_blocked_later, returned(&process));
        join(&process);
}
