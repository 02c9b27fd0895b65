/* SPDX-License-Identifier: MIT
 *
 * sem_wait(): where it has to wait, and what the unit brings along.
 */
#include "ipck_posix_sem.h"

static void waits_for_post(enum ipck_requirement req, const struct sem_use *use)
{
        sem_t *const sem = fresh_sem(use->kind, 0);

        for (int round = 0; round < 5; round++) {
                struct waiter *const w = start_waiter(use, sem, &plain_way);

                HOLDS(req, !is_back(w));
                MUST(sem_post(sem));
                EVENTUALLY(req, is_back(w));
                EQ(req, w->result, 0);
                EQ(req, sem_units(sem), 0);
                end_waiters(w, 1);
        }
}

TEST(waits_for_a_post, VERIFIES(sem_wait_blocks_at_zero))
{
        EACH_ROW(use, sem_uses)
                if (!use->processes)
                        waits_for_post(sem_wait_blocks_at_zero, use);
}

TEST(waits_for_a_post_of_another_process, VERIFIES(sem_wait_blocks_process_shared))
{
        EACH_ROW(use, sem_uses)
                if (use->processes)
                        waits_for_post(sem_wait_blocks_process_shared, use);
}

TEST(waits_once_the_units_are_taken, VERIFIES(sem_wait_blocks_at_zero))
{
        EACH_ROW(use, sem_uses) {
                sem_t *const sem = fresh_sem(use->kind, 2);
                struct waiter *const w = start_waiters(use, sem, &plain_way, 3);

                EQ(sem_wait_blocks_at_zero, count_back(w, 3), 2);
                HOLDS(sem_wait_blocks_at_zero, is_waiting(&w[2]));
                MUST(sem_post(sem));
                EVENTUALLY(sem_wait_blocks_at_zero, is_back(&w[2]));
                EQ(sem_wait_blocks_at_zero, sem_units(sem), 0);
                end_waiters(w, 3);
        }
}

/* A thread that waits holds up neither the others nor their semaphores. */
TEST(other_threads_go_on, VERIFIES(sem_wait_blocks_at_zero))
{
        EACH_ROW(kind, sem_kinds) {
                const struct sem_use use = {.kind = kind->kind};
                sem_t *const sem = fresh_sem(kind->kind, 0), *const other = fresh_sem(kind->kind, 0);
                struct waiter *const w = start_waiters(&use, sem, &plain_way, 2);
                struct waiter *const next = start_waiter(&use, other, &plain_way);

                MUST(sem_post(other));
                EVENTUALLY(sem_wait_blocks_at_zero, is_back(next));
                UNTIL(is_waiting(&w[0]) && is_waiting(&w[1]));
                EQ(sem_wait_blocks_at_zero, count_back(w, 2), 0);
                MUST(sem_post(sem));
                MUST(sem_post(sem));
                EVENTUALLY(sem_wait_blocks_at_zero, count_back(w, 2) == 2);
                end_waiters(w, 2);
                end_waiters(next, 1);
        }
}

/* ---- memory ---- */

enum { WORDS = 64, TURNS = 500 };

struct slate {
        sem_t *full, *empty;
        uint32_t words[WORDS];          /* not atomic: the semaphores alone keep the order */
        int torn;
};

static int write_or_read(int n, void *arg)
{
        struct slate *slate = arg;

        for (uint32_t turn = 1; turn <= TURNS; turn++) {
                MUST(sem_wait(n == 0 ? slate->empty : slate->full));
                for (uint32_t i = 0; i < WORDS; i++) {
                        if (n == 0)
                                slate->words[i] = turn * (i + 1);
                        else if (slate->words[i] != turn * (i + 1))
                                slate->torn++;
                }
                MUST(sem_post(n == 0 ? slate->full : slate->empty));
        }
        return 0;
}

TEST(what_was_stored_before_the_post_is_seen, VERIFIES(sem_wait_memory_order))
{
        EACH_ROW(use, sem_uses) {
                struct slate *const slate = shared(sizeof(*slate));

                slate->full = fresh_sem(use->kind, 0);
                slate->empty = fresh_sem(use->kind, 1);
                struct crowd *const crowd = start_crowd(use, 2, write_or_read, slate);
                EVENTUALLY(sem_wait_memory_order, crowd_done(crowd));
                end_crowd(crowd);
                EQ(sem_wait_memory_order, slate->torn, 0);
        }
}

struct counter {
        sem_t *lock;
        uint32_t value, twin;
};

static int count_up(int n, void *arg)
{
        struct counter *counter = arg;

        (void)n;
        for (int turn = 0; turn < TURNS; turn++) {
                MUST(sem_wait(counter->lock));
                counter->value++;
                if (random_below(32) == 0)
                        dawdle();
                counter->twin = counter->value;
                MUST(sem_post(counter->lock));
        }
        return 0;
}

TEST(one_unit_excludes_all_others, VERIFIES(sem_wait_memory_order))
{
        EACH_ROW(use, sem_uses) {
                struct counter *const counter = shared(sizeof(*counter));

                counter->lock = fresh_sem(use->kind, 1);
                struct crowd *const crowd = start_crowd(use, 4, count_up, counter);
                EVENTUALLY(sem_wait_memory_order, crowd_done(crowd));
                end_crowd(crowd);
                EQ(sem_wait_memory_order, counter->value, 4 * TURNS);
                EQ(sem_wait_memory_order, counter->twin, 4 * TURNS);
        }
}
