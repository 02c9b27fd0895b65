/* SPDX-License-Identifier: MIT
 *
 * sem_wait(), sem_timedwait(), sem_clockwait(): signals that are caught while the call waits.
 */
#include <sys/wait.h>

#include "ipck_posix_sem.h"

static _Atomic int *caught;             /* by any process of the test */

static void count_signal(int signo)
{
        (void)signo;
        ++*caught;
}

/* For all waiters that are started afterwards. */
static void handle_signals(int flags)
{
        struct sigaction action = {.sa_handler = count_signal, .sa_flags = flags};

        caught = shared(sizeof(*caught));
        sigemptyset(&action.sa_mask);
        MUST(sigaction(SIGUSR1, &action, NULL));
}

/* Until the handler has returned and the call has ended or goes on. */
static void interrupt(const struct waiter *w)
{
        const int before = *caught;

        signal_waiter(w, SIGUSR1);
        UNTIL(*caught > before);
        UNTIL(all_settled(w, 1));
}

/* Another caller waits beside: the signal is none of its business, and it must get its unit as ever. */
struct pair {
        sem_t *sem;
        struct waiter *interrupted, *other;
};

static struct pair start_pair(const struct sem_use *use, const struct sem_way *way)
{
        struct pair p = {.sem = fresh_sem(use->kind, 0)};

        p.interrupted = start_waiter(use, p.sem, way);
        p.other = start_waiter(use, p.sem, way);
        return p;
}

/* ---- handlers without SA_RESTART ---- */

static void check_units(enum ipck_requirement req, const struct pair *p)
{
        EQ(req, sem_units(p->sem), 0);
        UNTIL(all_settled(p->other, 1));
        HOLDS(req, !is_back(p->other));
        MUST(sem_post(p->sem));
        EVENTUALLY(req, is_back(p->other));
        EQ(req, p->other->result, 0);
        EQ(req, sem_units(p->sem), 0);
        MUST(sem_post(p->sem));
        EQ(req, sem_units(p->sem), 1);
        EQ(req, sem_trywait(p->sem), 0);
}

static void both_get_units(enum ipck_requirement req, const struct pair *p)
{
        MUST(sem_post(p->sem));
        MUST(sem_post(p->sem));
        EVENTUALLY(req, is_back(p->interrupted) && is_back(p->other));
        EQ(req, p->interrupted->result, 0);
        EQ(req, p->other->result, 0);
        EQ(req, sem_units(p->sem), 0);
}

static void fails_with_eintr(enum ipck_requirement eintr, enum ipck_requirement kept, const struct sem_way *way)
{
        handle_signals(0);
        EACH_ROW(use, sem_uses) {
                const struct pair p = start_pair(use, way);

                HOLDS(eintr, !is_back(p.interrupted));
                interrupt(p.interrupted);
                if (HOLDS(eintr, is_back(p.interrupted))) {
                        EQ(eintr, p.interrupted->result, EINTR);
                        check_units(kept, &p);
                } else {
                        both_get_units(kept, &p);
                }
                end_waiters(p.other, 1);
                end_waiters(p.interrupted, 1);
        }
}

TEST(caught_signal_ends_the_wait, VERIFIES(sem_wait_eintr, sem_wait_eintr_value_kept))
{
        fails_with_eintr(sem_wait_eintr, sem_wait_eintr_value_kept, &plain_way);
}

TEST(caught_signal_ends_the_timed_wait, VERIFIES(sem_timedwait_eintr_linux, sem_timedwait_value_kept))
{
        fails_with_eintr(sem_timedwait_eintr_linux, sem_timedwait_value_kept, &timed_way);
}

static const char *with(int flags)
{
        return flags & SA_RESTART ? "with" : "without";
}

/* Whether a handler ends the call is not said: what holds in both cases, and which it is. */
static void may_end(enum ipck_requirement req, enum ipck_requirement kept, const struct sem_way *way, int flags)
{
        handle_signals(flags);
        EACH_ROW(use, sem_uses) {
                sem_t *const sem = fresh_sem(use->kind, 0);
                struct waiter *const w = start_waiter(use, sem, way);

                interrupt(w);
                if (is_back(w)) {
                        EQ(req, w->result, EINTR);
                        EQ(kept, sem_units(sem), 0);
                        MUST(sem_post(sem));
                        EQ(kept, sem_units(sem), 1);
                        OBSERVE(req, "EINTR after a handler %s SA_RESTART", with(flags));
                } else {
                        MUST(sem_post(sem));
                        EVENTUALLY(req, is_back(w));
                        EQ(req, w->result, 0);
                        EQ(kept, sem_units(sem), 0);
                        OBSERVE(req, "the call goes on after a handler %s SA_RESTART", with(flags));
                }
                end_waiters(w, 1);
        }
}

TEST(timed_wait_and_a_caught_signal, VERIFIES(sem_timedwait_eintr, sem_timedwait_value_kept))
{
        may_end(sem_timedwait_eintr, sem_timedwait_value_kept, &timed_way, 0);
}

TEST(clock_wait_and_a_caught_signal,
     VERIFIES(sem_clockwait_eintr, sem_clockwait_eintr_sa_restart, sem_clockwait_value_kept))
{
        EACH_ROW(way, clock_ways) {
                may_end(sem_clockwait_eintr_sa_restart, sem_clockwait_value_kept, way, SA_RESTART);
                may_end(sem_clockwait_eintr, sem_clockwait_value_kept, way, 0);
        }
}

/* ---- handlers with SA_RESTART ---- */

/* A library may hide interruptions as long as no handler of the program asks for them: there is one for another
 * signal. */
static void goes_on(enum ipck_requirement req, const struct sem_way *way)
{
        catch_signal(SIGUSR2, 0);
        handle_signals(SA_RESTART);
        EACH_ROW(use, sem_uses) {
                const struct pair p = start_pair(use, way);

                for (int signals = 0; signals < 3 && !is_back(p.interrupted); signals++) {
                        interrupt(p.interrupted);
                        HOLDS(req, !is_back(p.interrupted));
                }
                both_get_units(req, &p);
                end_waiters(p.interrupted, 1);
                end_waiters(p.other, 1);
        }
}

TEST(wait_goes_on_after_a_handler_with_sa_restart, VERIFIES(sem_wait_eintr_sa_restart))
{
        goes_on(sem_wait_eintr_sa_restart, &plain_way);
}

TEST(timed_wait_goes_on_after_a_handler_with_sa_restart, VERIFIES(sem_timedwait_eintr_sa_restart))
{
        goes_on(sem_timedwait_eintr_sa_restart, &timed_way);
}

/* ---- a signal against a post ---- */

/* Either the caller has the unit, or the other one gets it. Who waits on then gets another one. */
static void settle(enum ipck_requirement req, const struct pair *p)
{
        int posts = 1;

        EVENTUALLY(req, is_back(p->interrupted) || is_back(p->other));
        UNTIL(all_settled(p->interrupted, 1));
        if (is_back(p->interrupted) && p->interrupted->result != 0) {
                REQUIRE(p->interrupted->result == EINTR);
        } else {
                MUST(sem_post(p->sem));
                posts++;
        }
        EVENTUALLY(req, is_back(p->interrupted) && is_back(p->other));
        EQ(req, p->other->result, 0);
        EQ(req, sem_units(p->sem), posts - (p->interrupted->result == 0) - (p->other->result == 0));
}

static void signal_against_post(enum ipck_requirement req, const struct sem_way *way)
{
        enum { ROUNDS = 10 };

        handle_signals(0);
        EACH_ROW(use, sem_uses) {
                for (int round = 0; round < ROUNDS; round++) {
                        const struct pair p = start_pair(use, way);

                        if (round % 2)
                                MUST(sem_post(p.sem));
                        if (random_below(2))
                                dawdle();
                        signal_waiter(p.interrupted, SIGUSR1);
                        if (round % 2 == 0)
                                MUST(sem_post(p.sem));
                        settle(req, &p);
                        end_waiters(p.interrupted, 1);
                        end_waiters(p.other, 1);
                }
        }
}

TEST(signal_and_post_at_the_same_time, VERIFIES(sem_wait_eintr_value_kept))
{
        signal_against_post(sem_wait_eintr_value_kept, &plain_way);
}

TEST(signal_and_post_at_the_same_time_in_a_timed_wait, VERIFIES(sem_timedwait_value_kept))
{
        signal_against_post(sem_timedwait_value_kept, &timed_way);
}

/* ---- stop and continue ---- */

static void outlives_stop(enum ipck_requirement req, const struct sem_way *way)
{
        EACH_ROW(kind, process_sem_kinds) {
                const struct sem_use use = {.kind = kind->kind, .processes = true};
                sem_t *const sem = fresh_sem(kind->kind, 0);
                struct waiter *const w = start_waiter(&use, sem, way);
                int status;

                for (int i = 0; i < 3; i++) {
                        MUST(kill(w->child.pid, SIGSTOP));
                        MUST(waitpid(w->child.pid, &status, WUNTRACED));
                        REQUIRE(WIFSTOPPED(status));
                        /* At the last time a unit comes while it is stopped. */
                        if (i == 2)
                                MUST(sem_post(sem));
                        MUST(kill(w->child.pid, SIGCONT));
                        if (i < 2) {
                                UNTIL(all_settled(w, 1));
                                HOLDS(req, !is_back(w));
                        }
                }
                EVENTUALLY(req, is_back(w));
                EQ(req, w->result, 0);
                EQ(req, sem_units(sem), 0);
                end_waiters(w, 1);
        }
}

TEST(stopped_process_goes_on_waiting, VERIFIES(sem_wait_stop_cont))
{
        outlives_stop(sem_wait_stop_cont, &plain_way);
}

TEST(stopped_process_goes_on_waiting_for_the_deadline, VERIFIES(sem_timedwait_stop_cont))
{
        outlives_stop(sem_timedwait_stop_cont, &timed_way);
}

TEST(deadline_that_passes_while_the_process_is_stopped, VERIFIES(sem_timedwait_etimedout))
{
        EACH_ROW(kind, process_sem_kinds) {
                sem_t *const sem = fresh_sem(kind->kind, 0), *const nobodys = fresh_sem(SHARED_SEM, 0);
                struct waiter *const w = shared(sizeof(*w));
                int status;

                *w = (struct waiter){.sem = sem, .way = &timed_way, .process = true,
                                     .deadline = deadline_in(CLOCK_REALTIME, 5000000)};
                begin_waiter(w);
                UNTIL(all_settled(w, 1));
                MUST(kill(w->child.pid, SIGSTOP));
                MUST(waitpid(w->child.pid, &status, WUNTRACED));
                /* Where the machine was slow, it has ended already. */
                if (WIFSTOPPED(status)) {
                        REQUIRE(sem_timedwait(nobodys, &w->deadline) == -1 && errno == ETIMEDOUT);
                        MUST(kill(w->child.pid, SIGCONT));
                        EVENTUALLY(sem_timedwait_etimedout, is_back(w));
                        end_waiters(w, 1);
                }
                EQ(sem_timedwait_etimedout, w->result, ETIMEDOUT);
                EQ(sem_timedwait_etimedout, sem_units(sem), 0);
        }
}
