/* SPDX-License-Identifier: MIT
 *
 * The end of a process and named semaphores: it closes them, gives nothing back, and leaves name and value.
 */
#include "ipck_named_sem.h"

/* ---- ways to end ---- */

static void return_from_it(void)
{
}

static void exit_with_0(void)
{
        exit(0);
}

static void exit_at_once(void)
{
        _exit(0);
}

static void be_killed(void)
{
        raise(SIGKILL);
}

static void be_aborted(void)
{
        abort();
}

static const struct way {
        const char *name;
        void (*end)(void);
} ways[] = {
        {"the end of the child", return_from_it}, {"exit()", exit_with_0}, {"_exit()", exit_at_once},
        {"SIGKILL", be_killed}, {"abort()", be_aborted},
};

TEST(unlinked_semaphore_goes_with_the_process, VERIFIES(exit_named_sem_closed))
{
        const struct space before = free_space();
        struct child child;

        EACH_ROW(way, ways) {
                CHILD(&child) {
                        sem_t *const sem = named_sem(SEM_NAME, 1);

                        REQUIRE(sem_open(SEM_NAME, 0) == sem);
                        MUST(sem_unlink(SEM_NAME));
                        stay(&child);
                        way->end();
                }
                UNTIL(stays(&child));
                if (same_space(before, free_space()))
                        UNSUPPORTED("a semaphore that takes room in %s", DEV_SHM);
                tell(&child, 1);
                reap(&child);
                EVENTUALLY(exit_named_sem_closed, same_space(before, free_space()));
        }
}

TEST(unlinked_semaphore_that_another_process_has_stays, VERIFIES(exit_named_sem_closed))
{
        sem_t *const sem = named_sem(SEM_NAME, 0);
        struct child child;
        int posted = 0;

        MUST(sem_unlink(SEM_NAME));
        EACH_ROW(way, ways) {
                CHILD(&child) {
                        EQ(exit_named_sem_closed, sem_post(sem), 0);
                        way->end();
                }
                reap(&child);
                posted++;
                EQ(exit_named_sem_closed, sem_value(sem), posted);
        }
        EQ(exit_named_sem_closed, sem_trywait(sem), 0);
}

/* A semaphore is no lock with an owner: the units that a process took are gone with it. */
TEST(units_are_not_given_back, VERIFIES(sem_open_exit_closed))
{
        struct child child;

        EACH_ROW(way, ways) {
                MUST(sem_close(named_sem(SEM_NAME, 3)));
                CHILD(&child) {
                        sem_t *const sem = sem_open(SEM_NAME, 0);

                        REQUIRE(sem != SEM_FAILED);
                        MUST(sem_wait(sem));
                        MUST(sem_trywait(sem));
                        way->end();
                }
                reap(&child);
                EQ(sem_open_exit_closed, names_left(), 1);
                sem_t *const sem = SEM_OPENS(sem_open_exit_closed, sem_open(SEM_NAME, 0));
                if (sem == SEM_FAILED)
                        return;
                EQ(sem_open_exit_closed, sem_value(sem), 1);
                MUST(sem_close(sem));
                MUST(sem_unlink(SEM_NAME));
        }
}

/* Nor does a process that dies while it waits take one that comes later. */
TEST(dead_waiter_takes_nothing, VERIFIES(sem_open_exit_closed))
{
        sem_t *const sem = named_sem(SEM_NAME, 0);
        struct child dead, alive;

        CHILD(&dead) {
                here(&dead, 1);
                MUST(sem_wait(sem));
        }
        UNTIL(blocked(&dead));
        kill_child(&dead);
        EQ(sem_open_exit_closed, sem_units(sem), 0);
        CHILD(&alive) {
                here(&alive, 1);
                EQ(sem_open_exit_closed, sem_wait(sem), 0);
        }
        UNTIL(blocked(&alive));
        MUST(sem_post(sem));
        EVENTUALLY(sem_open_exit_closed, returned(&alive));
        join(&alive);
        EQ(sem_open_exit_closed, sem_units(sem), 0);
}

TEST(name_and_value_stay_while_nobody_has_it_open, VERIFIES(sem_open_persist, sem_close_value_kept))
{
        struct child child;

        EACH_ROW(way, ways) {
                CHILD(&child) {
                        MUST(sem_post(named_sem(SEM_NAME, 41)));
                        way->end();
                }
                reap(&child);
                EQ(sem_open_persist, names_left(), 1);
                CHILD(&child) {
                        sem_t *const sem = SEM_OPENS(sem_open_persist, sem_open(SEM_NAME, O_CREAT, 0600, 0));

                        if (sem != SEM_FAILED) {
                                EQ(sem_open_persist, sem_value(sem), 42);
                                MUST(sem_post(sem));
                                EQ(sem_close_value_kept, sem_close(sem), 0);
                        }
                }
                join(&child);
                EQ(sem_open_persist, names_left(), 1);
                sem_t *const sem = SEM_OPENS(sem_close_value_kept, sem_open(SEM_NAME, 0));
                if (sem == SEM_FAILED)
                        return;
                EQ(sem_close_value_kept, sem_value(sem), 43);
                MUST(sem_close(sem));
                MUST(sem_unlink(SEM_NAME));
        }
}
