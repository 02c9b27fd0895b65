/* SPDX-License-Identifier: MIT
 *
 * sem_timedwait(), sem_clockwait(): a post at the moment at which the deadline is reached. The caller has the unit or
 * the semaphore has it; and a second caller, if there is one, gets what the first did not take.
 */
#include "ipck_posix_sem.h"
#include "ipck_race.h"

enum { ROUNDS = 20, LIMIT_NS = 150000 };

/* A caller whose deadline the post is aimed at. */
static struct waiter *hasty_caller(const struct sem_use *use, sem_t *sem, const struct sem_way *way)
{
        struct waiter *const w = shared(sizeof(*w));

        *w = (struct waiter){.sem = sem, .way = way, .process = use->processes,
                             .deadline = deadline_in(way->clock, LIMIT_NS)};
        begin_waiter(w);
        return w;
}

static void release(struct waiter *w)
{
        end_waiters(w, 1);
        munmap(w, sizeof(*w));
}

static void race_with_post(enum ipck_requirement req, const struct sem_way *way, const struct sem_use *use)
{
        sem_t *const sem = fresh_sem(use->kind, 0);
        int64_t lead = LIMIT_NS;

        for (int round = 0; round < ROUNDS; round++) {
                const int64_t begin = monotonic_ns();
                struct waiter *const w = hasty_caller(use, sem, way);

                spin_until(begin + lead);
                EQ(req, sem_post(sem), 0);
                EVENTUALLY(req, is_back(w));

                const bool expired = w->result != 0;
                if (expired)
                        EQ(req, w->result, ETIMEDOUT);
                EQ(req, sem_units(sem), expired);
                if (expired)
                        EQ(req, sem_trywait(sem), 0);
                release(w);
                lead = next_lead(lead, expired);
        }
}

static void race_for_two(enum ipck_requirement req, enum ipck_requirement lost, const struct sem_way *way,
                         const struct sem_use *use)
{
        sem_t *const sem = fresh_sem(use->kind, 0);
        int64_t lead = LIMIT_NS;

        for (int round = 0; round < ROUNDS; round++) {
                const int64_t begin = monotonic_ns();
                struct waiter *const hasty = hasty_caller(use, sem, way), *const patient = start_waiter(use, sem, way);

                spin_until(begin + lead);
                EQ(req, sem_post(sem), 0);
                EVENTUALLY(req, is_back(hasty));

                const bool expired = hasty->result != 0;
                if (expired)
                        EQ(req, hasty->result, ETIMEDOUT);
                else
                        MUST(sem_post(sem));
                if (!HOLDS(lost, !is_stuck(patient)))
                        return;
                EVENTUALLY(req, is_back(patient));
                EQ(req, patient->result, 0);
                EQ(req, sem_units(sem), 0);
                release(hasty);
                release(patient);
                lead = next_lead(lead, expired);
        }
}

TEST(expiry_against_post, VERIFIES(sem_timedwait_timeout_vs_post), MOSTLY_WAITS)
{
        EACH_ROW(use, sem_uses)
                race_with_post(sem_timedwait_timeout_vs_post, &timed_way, use);
}

TEST(expiry_passes_the_unit_on, VERIFIES(sem_timedwait_timeout_vs_post, sem_post_no_lost_wakeup), MOSTLY_WAITS)
{
        EACH_ROW(use, sem_uses)
                race_for_two(sem_timedwait_timeout_vs_post, sem_post_no_lost_wakeup, &timed_way, use);
}

TEST(expiry_on_a_clock_against_post, VERIFIES(sem_clockwait_timeout_vs_post), MOSTLY_WAITS)
{
        EACH_ROW(way, clock_ways)
                EACH_ROW(use, sem_uses)
                        race_with_post(sem_clockwait_timeout_vs_post, way, use);
}

TEST(expiry_on_a_clock_passes_the_unit_on, VERIFIES(sem_clockwait_timeout_vs_post), MOSTLY_WAITS)
{
        EACH_ROW(way, clock_ways)
                EACH_ROW(use, sem_uses)
                        race_for_two(sem_clockwait_timeout_vs_post, sem_clockwait_timeout_vs_post, way, use);
}

/* ---- many of them ---- */

struct market {
        sem_t *sem;
        const struct sem_way *way;
        _Atomic int posted, taken;
};

/* Odd ones post, even ones take with deadlines that are short enough to be reached now and then. */
static int trade(int n, void *arg)
{
        struct market *market = arg;

        for (int i = 0; i < 200; i++) {
                if (n % 2) {
                        MUST(sem_post(market->sem));
                        market->posted++;
                        dawdle();
                } else {
                        const struct timespec deadline = deadline_in(market->way->clock, 1000 + random_below(60000));

                        market->taken += sem_lock(market->sem, market->way, &deadline) == 0;
                }
        }
        return 0;
}

static void units_are_conserved(enum ipck_requirement req, const struct sem_way *way)
{
        EACH_ROW(use, sem_uses) {
                struct market *const market = shared(sizeof(*market));

                market->sem = fresh_sem(use->kind, 0);
                market->way = way;
                struct crowd *const crowd = start_crowd(use, 6, trade, market);
                EVENTUALLY(req, crowd_done(crowd));
                end_crowd(crowd);
                EQ(req, sem_units(market->sem), market->posted - market->taken);
        }
}

TEST(storm_of_expiries_and_posts, VERIFIES(sem_timedwait_timeout_vs_post), MOSTLY_WAITS)
{
        units_are_conserved(sem_timedwait_timeout_vs_post, &timed_way);
}

TEST(storm_of_expiries_on_a_clock_and_posts, VERIFIES(sem_clockwait_timeout_vs_post), MOSTLY_WAITS)
{
        EACH_ROW(way, clock_ways)
                units_are_conserved(sem_clockwait_timeout_vs_post, way);
}
