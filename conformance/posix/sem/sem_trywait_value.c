/* SPDX-License-Identifier: MIT
 *
 * sem_trywait(): takes a unit, or fails at once.
 */
#include "ipck_posix_sem.h"

TEST(takes_a_unit, VERIFIES(sem_trywait_locks))
{
        EACH_ROW(kind, sem_kinds) {
                EACH_ROW(row, positive_values) {
                        sem_t *const sem = fresh_sem(kind->kind, row->value);

                        for (unsigned i = 1; i <= 3 && i <= row->value; i++) {
                                EQ(sem_trywait_locks, sem_trywait(sem), 0);
                                EQ(sem_trywait_locks, sem_units(sem), row->value - i);
                        }
                }
        }
}

TEST(fails_where_there_is_none, VERIFIES(sem_trywait_eagain, sem_trywait_value_kept))
{
        EACH_ROW(kind, sem_kinds) {
                sem_t *const sem = new_sem(kind->kind, 1);

                EQ(sem_trywait_eagain, sem_trywait(sem), 0);
                for (int i = 0; i < 3; i++) {
                        FAILS_WITH(sem_trywait_eagain, EAGAIN, sem_trywait(sem));
                        EQ(sem_trywait_value_kept, sem_units(sem), 0);
                }
                MUST(sem_post(sem));
                EQ(sem_trywait_value_kept, sem_units(sem), 1);
                EQ(sem_trywait_value_kept, sem_trywait(sem), 0);
                EQ(sem_trywait_value_kept, sem_trywait(sem), -1);
        }
}

/* Beside callers that wait, whose number and post it leaves alone. */
TEST(fails_beside_callers_that_wait, VERIFIES(sem_trywait_eagain, sem_trywait_value_kept))
{
        EACH_ROW(use, sem_uses) {
                sem_t *const sem = fresh_sem(use->kind, 0);
                struct waiter *const w = start_waiters(use, sem, &plain_way, 2);

                for (int i = 0; i < 10; i++)
                        FAILS_WITH(sem_trywait_eagain, EAGAIN, sem_trywait(sem));
                UNTIL(all_settled(w, 2));
                EQ(sem_trywait_value_kept, count_back(w, 2), 0);
                for (int n = 1; n <= 2; n++) {
                        MUST(sem_post(sem));
                        EVENTUALLY(sem_trywait_value_kept, count_back(w, 2) == n);
                        FAILS_WITH(sem_trywait_eagain, EAGAIN, sem_trywait(sem));
                }
                EQ(sem_trywait_value_kept, sem_units(sem), 0);
                end_waiters(w, 2);
        }
}

/* ---- callers at the same time ---- */

enum { CALLERS = 4, TURNS = 10000 };

struct tries {
        sem_t *sem;
        _Atomic int failed;
};

static int take_and_give(int n, void *arg)
{
        struct tries *tries = arg;

        (void)n;
        for (int i = 0; i < TURNS; i++) {
                if (sem_trywait(tries->sem) == 0)
                        MUST(sem_post(tries->sem));
                else
                        tries->failed++;
        }
        return 0;
}

/* Each caller has one unit at most, so that with one more than callers there is always one left. */
TEST(never_fails_while_there_is_a_unit, VERIFIES(sem_trywait_eagain_not_spurious))
{
        static const struct {
                const char *name;
                unsigned value;
        } rows[] = {{"one unit a caller", CALLERS}, {"one more", CALLERS + 1}, {"the largest value", SEM_VALUE_MAX}};

        EACH_ROW(use, sem_uses) {
                EACH_ROW(row, rows) {
                        struct tries *const tries = shared(sizeof(*tries));

                        tries->sem = fresh_sem(use->kind, row->value);
                        struct crowd *const crowd = start_crowd(use, CALLERS, take_and_give, tries);
                        EVENTUALLY(sem_trywait_eagain_not_spurious, crowd_done(crowd));
                        end_crowd(crowd);
                        EQ(sem_trywait_eagain_not_spurious, tries->failed, 0);
                        EQ(sem_trywait_eagain_not_spurious, sem_units(tries->sem), row->value);
                }
        }
}

static int take_all(int n, void *arg)
{
        struct tries *tries = arg;

        (void)n;
        for (int i = 0; i < TURNS; i++)
                if (sem_trywait(tries->sem) == -1)
                        tries->failed++;
        return 0;
}

TEST(each_unit_is_taken_once, VERIFIES(sem_trywait_locks, sem_trywait_value_kept))
{
        EACH_ROW(use, sem_uses) {
                struct tries *const tries = shared(sizeof(*tries));

                tries->sem = fresh_sem(use->kind, CALLERS * TURNS - 1000);
                struct crowd *const crowd = start_crowd(use, CALLERS, take_all, tries);
                EVENTUALLY(sem_trywait_locks, crowd_done(crowd));
                end_crowd(crowd);
                EQ(sem_trywait_locks, tries->failed, 1000);
                EQ(sem_trywait_value_kept, sem_units(tries->sem), tries->failed - 1000);
        }
}
