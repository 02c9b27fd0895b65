/* SPDX-License-Identifier: MIT
 *
 * sem_post(): many callers at once. Units are neither lost nor made, and nobody sleeps while there is one.
 */
#include "ipck_posix_sem.h"

enum { TURNS = 400 };

struct store {
        sem_t *sem;
        int turns;
};

/* Even ones wait as often as odd ones post. */
static int produce_or_consume(int n, void *arg)
{
        const struct store *store = arg;

        for (int i = 0; i < store->turns; i++) {
                if (n % 2)
                        MUST(sem_post(store->sem));
                else
                        MUST(sem_wait(store->sem));
                if (random_below(16) == 0)
                        dawdle();
        }
        return 0;
}

static int borrow(int n, void *arg)
{
        const struct store *store = arg;

        (void)n;
        for (int i = 0; i < store->turns; i++) {
                MUST(sem_wait(store->sem));
                if (random_below(16) == 0)
                        dawdle();
                MUST(sem_post(store->sem));
        }
        return 0;
}

static void storm(const struct sem_use *use, int callers, int (*work)(int n, void *arg), unsigned value)
{
        struct store *const store = shared(sizeof(*store));

        *store = (struct store){.sem = fresh_sem(use->kind, value), .turns = TURNS};
        struct crowd *const crowd = start_crowd(use, callers, work, store);
        EVENTUALLY(sem_post_no_lost_wakeup, crowd_done(crowd));
        end_crowd(crowd);
        EQ(sem_post_no_lost_wakeup, sem_units(store->sem), value);
}

TEST(producers_and_consumers, VERIFIES(sem_post_no_lost_wakeup))
{
        EACH_ROW(use, sem_uses)
                for (int callers = 2; callers <= 8; callers *= 2)
                        storm(use, callers, produce_or_consume, 0);
}

TEST(one_unit_goes_round, VERIFIES(sem_post_no_lost_wakeup))
{
        EACH_ROW(use, sem_uses)
                storm(use, 4, borrow, 1);
}

TEST(two_units_go_round, VERIFIES(sem_post_no_lost_wakeup))
{
        EACH_ROW(use, sem_uses)
                storm(use, 5, borrow, 2);
}

/* One goes on only when the other has answered, so that each post finds a caller about to sleep. */
static int take_turns(int n, void *arg)
{
        sem_t *const *const sems = arg;

        for (int i = 0; i < TURNS; i++) {
                if (n == 0)
                        MUST(sem_post(sems[0]));
                MUST(sem_wait(sems[!n]));
                if (random_below(4) == 0)
                        dawdle();
                if (n == 1)
                        MUST(sem_post(sems[1]));
        }
        return 0;
}

TEST(post_as_the_caller_falls_asleep, VERIFIES(sem_post_no_lost_wakeup))
{
        EACH_ROW(use, sem_uses) {
                sem_t **const sems = shared(2 * sizeof(*sems));

                sems[0] = fresh_sem(use->kind, 0);
                sems[1] = fresh_sem(use->kind, 0);
                struct crowd *const crowd = start_crowd(use, 2, take_turns, sems);
                EVENTUALLY(sem_post_no_lost_wakeup, crowd_done(crowd));
                end_crowd(crowd);
                EQ(sem_post_no_lost_wakeup, sem_units(sems[0]), 0);
                EQ(sem_post_no_lost_wakeup, sem_units(sems[1]), 0);
        }
}
