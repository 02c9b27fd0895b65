/* SPDX-License-Identifier: MIT
 *
 * sem_timedwait(), sem_clockwait(): the clock of the deadline.
 */
#include "ipck_posix_sem.h"
#include "ipck_race.h"

/* ---- a clock that is set ---- */

/* On the clock that can be set, a deadline moves with it; on the other one it does not. So the kernel's timer tells. */
static enum clock clock_of_wait(const struct sem_way *way)
{
        const int64_t interval = 100000000000000 + (int64_t)random_below(1000000000) * 1000;
        struct timer_window window = timer_window_begin(interval);
        sem_t *const sem = fresh_sem(SHARED_SEM, 0);
        struct waiter *const w = shared(sizeof(*w));

        *w = (struct waiter){.sem = sem, .way = way, .process = true, .deadline = deadline_in(way->clock, interval)};
        begin_waiter(w);
        UNTIL(is_waiting(w));
        timer_window_end(&window);
        const enum clock found = clock_of_timer(&window);
        MUST(sem_post(sem));
        UNTIL(is_back(w));
        end_waiters(w, 1);
        return found;
}

TEST(deadline_is_kept_on_the_clock_that_can_be_set, VERIFIES(sem_timedwait_clock_step))
{
        EQ(sem_timedwait_clock_step, clock_of_wait(&timed_way), REALTIME);
}

TEST(deadline_is_kept_on_the_clock_of_choice, VERIFIES(sem_clockwait_monotonic_immune, sem_clockwait_realtime))
{
        EQ(sem_clockwait_realtime, clock_of_wait(&clock_ways[0]), REALTIME);
        EQ(sem_clockwait_monotonic_immune, clock_of_wait(&clock_ways[1]), MONOTONIC);
}

/* ---- which clock ---- */

/* CLOCK_MONOTONIC is years behind: its time is long past on CLOCK_REALTIME, and the other way round far ahead. */
TEST(clocks_are_told_apart, VERIFIES(sem_clockwait_monotonic, sem_clockwait_realtime))
{
        const struct timespec monotonic = deadline_in(CLOCK_MONOTONIC, 100000000000000);
        const struct timespec realtime = deadline_in(CLOCK_REALTIME, 0);

        if (realtime.tv_sec < monotonic.tv_sec + 1000)
                UNSUPPORTED("a CLOCK_REALTIME that was set: it is the same as CLOCK_MONOTONIC");
        EACH_ROW(use, sem_uses) {
                sem_t *const sem = fresh_sem(use->kind, 0), *const nobodys = fresh_sem(use->kind, 0);
                struct waiter *const w = shared(sizeof(*w));

                FAILS_WITH(sem_clockwait_realtime, ETIMEDOUT, sem_lock_at_once(nobodys, &clock_ways[0], &monotonic));
                *w = (struct waiter){.sem = sem, .way = &clock_ways[1], .deadline = realtime,
                                     .process = use->processes};
                begin_waiter(w);
                UNTIL(all_settled(w, 1));
                HOLDS(sem_clockwait_monotonic, !is_back(w));
                MUST(sem_post(sem));
                EVENTUALLY(sem_clockwait_monotonic, is_back(w));
                EQ(sem_clockwait_monotonic, w->result, 0);
                end_waiters(w, 1);
        }
}

/* ---- clocks that cannot be used ---- */

TEST(clock_that_cannot_be_used, VERIFIES(sem_clockwait_einval_clock))
{
        clockid_t of_process, of_thread;
        REQUIRE(clock_getcpuclockid(0, &of_process) == 0);
        REQUIRE(pthread_getcpuclockid(pthread_self(), &of_thread) == 0);
        const struct {
                const char *name;
                clockid_t clock;
        } rows[] = {
                {"the thread's processor time", CLOCK_THREAD_CPUTIME_ID},
                {"the process's processor time", CLOCK_PROCESS_CPUTIME_ID},
                {"the same by its number", of_process},
                {"the thread's by its number", of_thread},
                {"no clock", 123456},
        };

        EACH_ROW(kind, sem_kinds) {
                EACH_ROW(row, rows) {
                        const struct sem_way way = {.name = row->name, .call = ON_CLOCK, .clock = row->clock};
                        const struct timespec ahead = no_deadline(&clock_ways[0]);
                        sem_t *const sem = fresh_sem(kind->kind, 1);

                        EQ(sem_clockwait_einval_clock, sem_lock_at_once(sem, &clock_ways[0], &ahead), 0);
                        FAILS_WITH(sem_clockwait_einval_clock, EINVAL, sem_lock_at_once(sem, &way, &ahead));
                        EQ(sem_clockwait_einval_clock, sem_units(sem), 0);
                        MUST(sem_post(sem));
                        EQ(sem_clockwait_einval_clock, sem_units(sem), 1);
                }
        }
}
