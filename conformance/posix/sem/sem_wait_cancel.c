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

static void cancel(const struct waiter *w)
{
        REQUIRE(pthread_cancel(w->thread.handle) == 0);
}

/* ---- a caller that waits ---- */

static void waiter_is_cancelled(const struct call *call)
{
        EACH_ROW(kind, sem_kinds) {
                const struct sem_use use = threads(kind);
                sem_t *const sem = fresh_sem(kind->kind, 0);
                struct waiter *const w = start_waiters(&use, sem, call->way, 3);

                HOLDS(call->point, !is_back(&w[1]));
                cancel(&w[1]);
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
                cancel(&w);
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
                cancel(&w[0]);
        if (random_below(2))
                dawdle();
        if (post_first)
                cancel(&w[0]);
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
