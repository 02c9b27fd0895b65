/* SPDX-License-Identifier: MIT
 *
 * sem_wait(), sem_timedwait(), sem_clockwait(): cancellation.
 */
#include "ipck_posix_sem.h"

/* The requirements of one of the three. */
struct call {
        const struct sem_way *way;
        enum ipck_requirement point, no_loss, race, disabled;
};
static const struct call plain = {&plain_way, sem_wait_cancel_point, sem_wait_cancel_no_token_loss,
                                  sem_wait_cancel_post_race, sem_wait_cancel_disabled};
static const struct call timed = {&timed_way, sem_timedwait_cancel_point, sem_timedwait_cancel_no_token_loss,
                                  sem_timedwait_cancel_post_race, sem_timedwait_cancel_disabled};
static const struct call on_clock[2] = {
        {&clock_ways[0], sem_clockwait_cancel_point, sem_clockwait_cancel_no_token_loss, 0, 0},
        {&clock_ways[1], sem_clockwait_cancel_point, sem_clockwait_cancel_no_token_loss, 0, 0},
};

static struct sem_use threads(const struct sem_row *kind)
{
        return (struct sem_use){.kind = kind->kind};
}

/* ---- a caller that waits ---- */

static void waiter_is_cancelled(const struct call *call)
{
        EACH_ROW(kind, sem_kinds) {
                const struct sem_use use = threads(kind);
                sem_t *const sem = fresh_sem(kind->kind, 0);
                struct waiter *const w = start_waiters(&use, sem, call->way, 3);

                HOLDS(call->point, !is_back(&w[1]));
                cancel_thread(&w[1].thread);
                EVENTUALLY(call->point, w[1].thread.cancelled);
                HOLDS(call->point, finish(&w[1].thread));
                HOLDS(call->point, !w[1].thread.back);
                UNTIL(all_settled(w, 3));
                EQ(call->no_loss, count_back(w, 3), 1);
                EQ(call->no_loss, sem_units(sem), 0);
                for (int n = 2; n <= 3; n++) {
                        MUST(sem_post(sem));
                        EVENTUALLY(call->no_loss, count_back(w, 3) == n);
                        EQ(call->no_loss, sem_units(sem), 0);
                }
                EQ(call->no_loss, w[0].result, 0);
                EQ(call->no_loss, w[2].result, 0);
                MUST(sem_post(sem));
                EQ(call->no_loss, sem_units(sem), 1);
                EQ(call->no_loss, sem_trywait(sem), 0);
                end_waiters(&w[0], 1);
                end_waiters(&w[2], 1);
        }
}

TEST(waiting_thread_is_cancelled, VERIFIES(sem_wait_cancel_point, sem_wait_cancel_no_token_loss))
{
        waiter_is_cancelled(&plain);
}

TEST(thread_in_a_timed_wait_is_cancelled, VERIFIES(sem_timedwait_cancel_point, sem_timedwait_cancel_no_token_loss))
{
        waiter_is_cancelled(&timed);
}

TEST(thread_in_a_clock_wait_is_cancelled, VERIFIES(sem_clockwait_cancel_point, sem_clockwait_cancel_no_token_loss))
{
        EACH_ROW(way, clock_ways)
                waiter_is_cancelled(&on_clock[way - clock_ways]);
}

/* ---- a request that is pending when the call begins ---- */

static int cancel_self_and_lock(void *arg)
{
        const struct waiter *w = arg;

        REQUIRE(pthread_cancel(pthread_self()) == 0);
        return sem_lock(w->sem, w->way, &w->deadline) == 0 ? 0 : errno;
}

static void pending_request(const struct call *call, unsigned value)
{
        EACH_ROW(kind, sem_kinds) {
                sem_t *const sem = fresh_sem(kind->kind, value);
                struct waiter w = {.sem = sem, .way = call->way, .deadline = no_deadline(call->way)};

                start(&w.thread, cancel_self_and_lock, &w);
                EVENTUALLY(call->point, w.thread.cancelled || w.thread.back);
                HOLDS(call->point, finish(&w.thread));
                EQ(call->point, sem_units(sem), value);
        }
}

TEST(pending_request_where_the_call_would_wait, VERIFIES(sem_wait_cancel_point))
{
        pending_request(&plain, 0);
}

TEST(pending_request_where_a_unit_is, VERIFIES(sem_wait_cancel_point))
{
        pending_request(&plain, 1);
}

TEST(pending_request_where_the_timed_call_would_wait, VERIFIES(sem_timedwait_cancel_point))
{
        pending_request(&timed, 0);
}

TEST(pending_request_where_a_unit_is_for_the_timed_call, VERIFIES(sem_timedwait_cancel_point))
{
        pending_request(&timed, 1);
}

TEST(pending_request_where_the_clock_call_would_wait, VERIFIES(sem_clockwait_cancel_point))
{
        EACH_ROW(way, clock_ways)
                pending_request(&on_clock[way - clock_ways], 0);
}

TEST(pending_request_where_a_unit_is_for_the_clock_call, VERIFIES(sem_clockwait_cancel_point))
{
        EACH_ROW(way, clock_ways)
                pending_request(&on_clock[way - clock_ways], 1);
}

/* ---- a thread that cannot be cancelled ---- */

static void request_is_held_back(const struct call *call)
{
        /* A library may hide interruptions as long as no handler of the program asks for them: here is one. */
        catch_signal(SIGUSR1, 0);
        EACH_ROW(kind, sem_kinds) {
                sem_t *const sem = fresh_sem(kind->kind, 0);
                struct waiter w = {.sem = sem, .way = call->way, .deadline = no_deadline(call->way)};

                w.thread.uncancelable = true;
                begin_waiter(&w);
                UNTIL(waits(&w.thread));
                cancel_thread(&w.thread);
                /* A signal that the library sends is caught before anything else happens. */
                UNTIL(all_settled(&w, 1));
                HOLDS(call->disabled, !is_back(&w));
                MUST(sem_post(sem));
                EVENTUALLY(call->disabled, is_back(&w));
                EQ(call->disabled, w.result, 0);
                EQ(call->disabled, sem_units(sem), 0);
                HOLDS(call->disabled, !finish(&w.thread));
        }
}

TEST(thread_that_cannot_be_cancelled_waits_on, VERIFIES(sem_wait_cancel_disabled))
{
        request_is_held_back(&plain);
}

TEST(thread_that_cannot_be_cancelled_waits_on_for_the_deadline, VERIFIES(sem_timedwait_cancel_disabled))
{
        request_is_held_back(&timed);
}

/* ---- a request against a post ---- */

/* The first in the queue is cancelled just as a unit comes. It may have the unit or be cancelled; then the unit is for
 * the second, who sleeps beside it. False where the second sleeps on. */
static bool unit_is_not_lost(const struct call *call, enum sem_kind kind, bool post_first)
{
        const struct sem_use use = {.kind = kind};
        sem_t *const sem = fresh_sem(kind, 0);
        struct waiter *const w = start_waiters(&use, sem, call->way, 2);

        if (post_first)
                MUST(sem_post(sem));
        else
                cancel_thread(&w[0].thread);
        if (random_below(2))
                dawdle();
        if (post_first)
                cancel_thread(&w[0].thread);
        else
                MUST(sem_post(sem));
        EVENTUALLY(call->race, is_back(&w[0]));
        if (finish(&w[0].thread)) {
                if (!HOLDS(call->race, !is_stuck(&w[1])))
                        return false;
        } else {
                EQ(call->race, w[0].result, 0);
                MUST(sem_post(sem));
        }
        EVENTUALLY(call->race, is_back(&w[1]));
        EQ(call->race, w[1].result, 0);
        EQ(call->race, sem_units(sem), 0);
        end_waiters(&w[1], 1);
        return true;
}

static void cancel_against_post(const struct call *call, bool post_first)
{
        enum { ROUNDS = 50 };

        EACH_ROW(kind, sem_kinds)
                for (int round = 0; round < ROUNDS && unit_is_not_lost(call, kind->kind, post_first); round++) {
                }
}

TEST(request_just_after_a_post, VERIFIES(sem_wait_cancel_post_race))
{
        cancel_against_post(&plain, true);
}

TEST(request_just_before_a_post, VERIFIES(sem_wait_cancel_post_race))
{
        cancel_against_post(&plain, false);
}

TEST(request_just_after_a_post_for_a_timed_wait, VERIFIES(sem_timedwait_cancel_post_race))
{
        cancel_against_post(&timed, true);
}

TEST(request_just_before_a_post_for_a_timed_wait, VERIFIES(sem_timedwait_cancel_post_race))
{
        cancel_against_post(&timed, false);
}

/* ---- the caller's cancelability ---- */

struct looker {
        struct waiter w;
        const struct cancelability *as;
        bool kept;
};

static int lock_and_look(void *arg)
{
        struct looker *const looker = arg;
        struct waiter *const w = &looker->w;

        set_cancelability(looker->as);
        const int result = sem_lock(w->sem, w->way, &w->deadline) == 0 ? 0 : errno;
        looker->kept = has_cancelability(looker->as);
        return result;
}

static void leaves_cancelability(enum ipck_requirement req, const struct sem_way *way)
{
        static const struct {
                const char *name;
                enum { AT_ONCE, BY_A_POST, BY_A_SIGNAL, BY_THE_CLOCK } end;
                int result;
        } rows[] = {{"at once", AT_ONCE, 0}, {"after a post", BY_A_POST, 0}, {"after a signal", BY_A_SIGNAL, EINTR},
                    {"after the deadline", BY_THE_CLOCK, ETIMEDOUT}};

        catch_signal(SIGUSR1, 0);
        EACH_ROW(as, cancelabilities) {
                EACH_ROW(row, rows) {
                        struct looker looker = {.w = {.sem = fresh_sem(THREADS_SEM, row->end == AT_ONCE), .way = way,
                                                      .deadline = no_deadline(way)}, .as = as};
                        struct waiter *const w = &looker.w;

                        if (row->end == BY_THE_CLOCK && way->call == WAITS)
                                continue;
                        if (row->end == BY_THE_CLOCK)
                                w->deadline = deadline_in(way->clock, 20000000);
                        start(&w->thread, lock_and_look, &looker);
                        if (row->end == BY_A_POST || row->end == BY_A_SIGNAL)
                                UNTIL(waits(&w->thread));
                        if (row->end == BY_A_POST)
                                MUST(sem_post(w->sem));
                        if (row->end == BY_A_SIGNAL)
                                signal_waiter(w, SIGUSR1);
                        UNTIL(w->thread.back);
                        HOLDS(req, !finish(&w->thread));
                        REQUIRE(w->thread.result == row->result);
                        HOLDS(req, looker.kept);
                }
        }
}

TEST(wait_leaves_cancelability_as_it_was, VERIFIES(sem_wait_cancel_kept))
{
        leaves_cancelability(sem_wait_cancel_kept, &plain_way);
}

TEST(timed_wait_leaves_cancelability_as_it_was, VERIFIES(sem_timedwait_cancel_kept))
{
        leaves_cancelability(sem_timedwait_cancel_kept, &timed_way);
}

TEST(clock_wait_leaves_cancelability_as_it_was, VERIFIES(sem_clockwait_cancel_kept))
{
        EACH_ROW(way, clock_ways)
                leaves_cancelability(sem_clockwait_cancel_kept, way);
}
