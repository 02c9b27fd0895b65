/* SPDX-License-Identifier: MIT
 *
 * semop(): what a signal does to a caller that waits.
 */
#include <sys/wait.h>

#include "ipck_sem.h"

/* Every way to wait in a set with the values {0, 3}. */
struct wait {
        const char *name;
        struct sembuf ops[2];
        size_t nops;
        bool zero;      /* stopped by a value that is too high */
};
#define EVERY_WAIT {                                                            \
        {"decrement", {OP(0, -1, 0)}, 1, false},                                \
        {"decrement at 3", {OP(1, -4, 0)}, 1, false},                           \
        {"zero", {OP(1, 0, 0)}, 1, true},                                       \
        {"array of decrements", {OP(1, -1, 0), OP(0, -1, 0)}, 2, false},        \
        {"array of zeros", {OP(0, 0, 0), OP(1, 0, 0)}, 2, true},                \
        {"zero then increment", {OP(1, 0, 0), OP(0, 1, 0)}, 2, true},           \
        {"one semaphore twice", {OP(1, -2, 0), OP(1, -2, 0)}, 2, false},        \
}

TEST(caught_signal_ends_the_wait, VERIFIES(semop_eintr_dec, semop_eintr_zero, semop_eintr_no_effect))
{
        const struct wait rows[] = EVERY_WAIT;

        EACH_ROW(row, rows) {
                const enum ipck_requirement req = row->zero ? semop_eintr_zero : semop_eintr_dec;
                int set = new_sems(2, 0600);
                struct sembuf ops[2] = {row->ops[0], row->ops[1]};
                struct child waiter;

                set_all(set, (unsigned short[]){0, 3});
                struct sem_view before = view_of(set);
                CHILD(&waiter) {
                        catch_signal(SIGUSR1, 0);
                        FAILS_WITH(req, EINTR, semop(set, ops, row->nops));
                        EQ(req, signals_caught(), 1);
                }
                UNTIL(asleep(set) > 0);
                MUST(kill(waiter.pid, SIGUSR1));
                EVENTUALLY(req, returned(&waiter));
                EQ(req, asleep(set), 0);
                join(&waiter);
                struct sem_view after = view_of(set);
                HOLDS(semop_eintr_no_effect, same_view(&before, &after));
        }
}

TEST(stop_and_continue_end_the_wait, VERIFIES(semop_eintr_stop_continue))
{
        const struct wait rows[] = EVERY_WAIT;

        EACH_ROW(row, rows) {
                int set = new_sems(2, 0600), status;
                struct sembuf ops[2] = {row->ops[0], row->ops[1]};
                struct child waiter;

                set_all(set, (unsigned short[]){0, 3});
                struct sem_view before = view_of(set);
                CHILD(&waiter)
                        FAILS_WITH(semop_eintr_stop_continue, EINTR, semop(set, ops, row->nops));
                UNTIL(asleep(set) > 0);
                MUST(kill(waiter.pid, SIGSTOP));
                MUST(waitpid(waiter.pid, &status, WUNTRACED));
                REQUIRE(WIFSTOPPED(status));
                MUST(kill(waiter.pid, SIGCONT));
                EVENTUALLY(semop_eintr_stop_continue, returned(&waiter));
                join(&waiter);
                struct sem_view after = view_of(set);
                HOLDS(semop_eintr_stop_continue, same_view(&before, &after));
        }
}

TEST(caught_signal_ends_the_wait_despite_sa_restart, VERIFIES(semop_eintr_no_restart))
{
        const struct wait rows[] = EVERY_WAIT;

        EACH_ROW(row, rows) {
                int set = new_sems(2, 0600);
                struct sembuf ops[2] = {row->ops[0], row->ops[1]};
                struct child waiter;

                set_all(set, (unsigned short[]){0, 3});
                CHILD(&waiter) {
                        catch_signal(SIGUSR1, SA_RESTART);
                        FAILS_WITH(semop_eintr_no_restart, EINTR, semop(set, ops, row->nops));
                        EQ(semop_eintr_no_restart, signals_caught(), 1);
                }
                UNTIL(asleep(set) > 0);
                MUST(kill(waiter.pid, SIGUSR1));
                EVENTUALLY(semop_eintr_no_restart, returned(&waiter));
                EQ(semop_eintr_no_restart, asleep(set), 0);
                join(&waiter);
        }
}

TEST(interrupted_call_leaves_no_adjustment, VERIFIES(semop_eintr_no_effect))
{
        const struct {
                const char *name;
                struct sembuf ops[3];
                size_t nops;
        } rows[] = {
                {"decrement", {OP(0, -1, SEM_UNDO)}, 1},
                {"possible entries before", {OP(1, -2, SEM_UNDO), OP(1, 7, SEM_UNDO), OP(0, -1, SEM_UNDO)}, 3},
                {"possible entries behind", {OP(0, -1, SEM_UNDO), OP(1, -2, SEM_UNDO), OP(1, 7, SEM_UNDO)}, 3},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(2, 0600);
                struct sembuf ops[3] = {row->ops[0], row->ops[1], row->ops[2]};
                struct child waiter;

                set_all(set, (unsigned short[]){0, 3});
                CHILD(&waiter) {
                        catch_signal(SIGUSR1, 0);
                        FAILS_WITH(semop_eintr_no_effect, EINTR, semop(set, ops, row->nops));
                }
                UNTIL(NCNT(set, 0) == 1);
                MUST(kill(waiter.pid, SIGUSR1));
                EVENTUALLY(semop_eintr_no_effect, returned(&waiter));
                join(&waiter);
                /* Adjustments would have been applied when it ended. */
                EQ(semop_eintr_no_effect, VAL(set, 0), 0);
                EQ(semop_eintr_no_effect, VAL(set, 1), 3);
        }
}

TEST(interrupted_caller_gets_nothing_later, VERIFIES(semop_eintr_dec, semop_eintr_no_effect))
{
        int set = new_sems(2, 0600);
        struct child waiter[3];

        for (int i = 0; i < 3; i++) {
                CHILD(&waiter[i]) {
                        catch_signal(SIGUSR1, 0);
                        if (i == 1)
                                FAILS_WITH(semop_eintr_dec, EINTR, SEMOP(set, OP(0, -1, 0), OP(1, 1, 0)));
                        else
                                EQ(semop_eintr_no_effect, SEMOP(set, OP(0, -1, 0), OP(1, 1, 0)), 0);
                }
                UNTIL(NCNT(set, 0) == i + 1);
        }
        MUST(kill(waiter[1].pid, SIGUSR1));
        EVENTUALLY(semop_eintr_dec, returned(&waiter[1]));
        EQ(semop_eintr_dec, NCNT(set, 0), 2);
        MUST(SEMOP(set, OP(0, 3, 0)));
        EVENTUALLY(semop_eintr_no_effect, returned(&waiter[0]) && returned(&waiter[2]));
        EQ(semop_eintr_no_effect, VAL(set, 0), 1);
        EQ(semop_eintr_no_effect, VAL(set, 1), 2);
        for (int i = 0; i < 3; i++)
                join(&waiter[i]);
}

TEST(signal_that_is_not_caught_does_not_end_the_wait, VERIFIES(semop_eintr_dec, semop_eintr_zero))
{
        const struct {
                const char *name;
                int signo;
                bool ignore, block;
        } rows[] = {
                {"ignored", SIGUSR1, true, false},
                {"ignored by default", SIGURG, false, false},
                {"caught, but blocked", SIGUSR2, false, true},
        };

        no_tracer();
        EACH_ROW(row, rows) {
                int set = new_sems(2, 0600);
                struct child dec, zero;

                set_val(set, 1, 1);
                for (int i = 0; i < 2; i++) {
                        CHILD(i ? &zero : &dec) {
                                sigset_t mask;

                                catch_signal(SIGUSR1, 0);
                                catch_signal(SIGUSR2, 0);
                                sigemptyset(&mask);
                                sigaddset(&mask, row->signo);
                                if (row->ignore)
                                        REQUIRE(signal(row->signo, SIG_IGN) != SIG_ERR);
                                if (row->block)
                                        MUST(sigprocmask(SIG_BLOCK, &mask, NULL));
                                if (i)
                                        EQ(semop_eintr_zero, SEMOP(set, OP(1, 0, 0)), 0);
                                else
                                        EQ(semop_eintr_dec, SEMOP(set, OP(0, -1, 0)), 0);
                                REQUIRE(signals_caught() == 0);
                        }
                        UNTIL(asleep(set) > i);
                }
                MUST(kill(dec.pid, row->signo));
                MUST(kill(zero.pid, row->signo));
                /* One that the signal has woken is not asleep until it is back. */
                UNTIL(sleeping(dec.pid) || returned(&dec));
                UNTIL(sleeping(zero.pid) || returned(&zero));
                EQ(semop_eintr_dec, NCNT(set, 0), 1);
                EQ(semop_eintr_zero, ZCNT(set, 1), 1);
                MUST(SEMOP(set, OP(0, 1, 0)));
                MUST(SEMOP(set, OP(1, -1, IPC_NOWAIT)));
                EVENTUALLY(semop_eintr_dec, returned(&dec));
                EVENTUALLY(semop_eintr_zero, returned(&zero));
                join(&dec);
                join(&zero);
        }
}

TEST(signal_and_increment_at_once_lose_nothing, VERIFIES(semop_eintr_vs_wakeup), KERNEL_ALONE)
{
        enum { ROUNDS = 200 };
        const struct {
                const char *name;
                struct sembuf ops[2];
                size_t nops;
                bool signal_first;
        } rows[] = {
                {"signal then increment", {OP(0, -1, 0)}, 1, true},
                {"increment then signal", {OP(0, -1, 0)}, 1, false},
                {"array, signal then increment", {OP(1, -1, 0), OP(0, -1, 0)}, 2, true},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(2, 0600);
                int *result = shared(sizeof(*result));
                struct child waiter;

                set_val(set, 1, 1);
                CHILD(&waiter) {
                        struct sembuf ops[2] = {row->ops[0], row->ops[1]};

                        catch_signal(SIGUSR1, 0);
                        for (int round = 1; round <= ROUNDS; round++) {
                                *result = semop(set, ops, row->nops) == 0 ? 0 : errno;
                                here(&waiter, round);
                                await(&waiter, round);
                        }
                }
                for (int round = 1; round <= ROUNDS; round++) {
                        /* A signal of the round before may come only now, and end the wait too soon. */
                        UNTIL(NCNT(set, 0) == 1 || at(&waiter) == round);
                        if (row->signal_first)
                                MUST(kill(waiter.pid, SIGUSR1));
                        dawdle();
                        MUST(SEMOP(set, OP(0, 1, 0)));
                        if (!row->signal_first)
                                MUST(kill(waiter.pid, SIGUSR1));
                        EVENTUALLY(semop_eintr_vs_wakeup, at(&waiter) == round);
                        HOLDS(semop_eintr_vs_wakeup, *result == 0 || *result == EINTR);
                        EQ(semop_eintr_vs_wakeup, VAL(set, 0), *result == EINTR);
                        EQ(semop_eintr_vs_wakeup, VAL(set, 1), row->nops == 2 && *result == 0 ? 0 : 1);
                        set_all(set, (unsigned short[]){0, 1});
                        tell(&waiter, round);
                }
                join(&waiter);
        }
}
