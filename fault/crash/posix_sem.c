/* SPDX-License-Identifier: MIT
 *
 * POSIX semaphores: a unit that the dead hold is not given back, one that they only waited for is not lost, and the
 * semaphore stays usable.
 */
#include "crash.h"
#include "ipck_named_sem.h"
#include "ipck_posix_shm.h"

#undef IPCK_FILE_AVAILABLE
#define IPCK_FILE_AVAILABLE private_directory

TEST(sem_open, VERIFIES(sem_open_persist, sem_open_fail_creates_nothing))
{
        crash("sem_open", 3, "posix/sem/sem_open", "entry", 1);
        EQ(sem_open_fail_creates_nothing, names_left(), 0);
        crash("sem_open", 3, "posix/sem/sem_open", "after", 1);
        EQ(sem_open_persist, names_left(), 1);
        sem_t *const sem = SEM_OPENS(sem_open_persist, sem_open(VICTIMS_SEM, 0));
        EQ(sem_open_persist, sem_value(sem), 3);
}

TEST(sem_close, VERIFIES(sem_open_exit_closed))
{
        sem_t *const sem = named_sem(VICTIMS_SEM, 2);

        crash("sem_close", 0, "posix/sem/sem_close", "entry", 1);
        EQ(sem_open_exit_closed, sem_value(sem), 1);
        crash("sem_close", 0, "posix/sem/sem_close", "after", 1);
        EQ(sem_open_exit_closed, sem_value(sem), 0);
        EQ(sem_open_exit_closed, sem_post(sem), 0);
        EQ(sem_open_exit_closed, sem_trywait(sem), 0);
}

TEST(sem_unlink, VERIFIES(sem_open_persist, sem_unlink_open_survives))
{
        sem_t *const sem = named_sem(VICTIMS_SEM, 2);

        crash("sem_unlink", 0, "posix/sem/sem_unlink", "entry", 1);
        EQ(sem_open_persist, names_left(), 1);
        crash("sem_unlink", 0, "posix/sem/sem_unlink", "after", 1);
        EQ(sem_unlink_open_survives, names_left(), 0);
        EQ(sem_unlink_open_survives, sem_trywait(sem), 0);
        EQ(sem_unlink_open_survives, sem_value(sem), 1);
}

TEST(sem_post, VERIFIES(sem_open_exit_closed, sem_post_wakes_cross_process))
{
        sem_t *const sem = named_sem(VICTIMS_SEM, 0);
        struct child waiter;

        CHILD(&waiter) {
                here(&waiter, 1);
                EQ(sem_post_wakes_cross_process, sem_wait(sem), 0);
        }
        UNTIL(blocked(&waiter));
        crash("sem_post", 0, "posix/sem/sem_post", "entry", 1);
        HOLDS(sem_open_exit_closed, blocked(&waiter));
        EQ(sem_open_exit_closed, sem_units(sem), 0);
        crash("sem_post", 0, "posix/sem/sem_post", "after", 1);
        EVENTUALLY(sem_post_wakes_cross_process, returned(&waiter));
        join(&waiter);
        EQ(sem_open_exit_closed, sem_value(sem), 0);
}

/* All calls that take a unit. */
static const struct {
        const char *name, *point;
        bool waits;
} takers[] = {
        {"sem_wait", "posix/sem/sem_wait", true},
        {"sem_trywait", "posix/sem/sem_trywait", false},
        {"sem_timedwait", "posix/sem/sem_timedwait", true},
#if HAVE_SEM_CLOCKWAIT
        {"sem_clockwait", "posix/sem/sem_clockwait", true},
#endif
};

TEST(units_of_the_dead_stay_taken, VERIFIES(sem_open_exit_closed))
{
        sem_t *const sem = named_sem(VICTIMS_SEM, 0);

        EACH_ROW(row, takers) {
                MUST(sem_post(sem));
                crash(row->name, 0, row->point, "entry", 1);
                EQ(sem_open_exit_closed, sem_value(sem), 1);
                crash(row->name, 0, row->point, "after", 1);
                EQ(sem_open_exit_closed, sem_value(sem), 0);
        }
}

/* The victim waits before the other does: a wake-up that goes to the dead is lost. */
TEST(death_while_waiting_takes_nothing, VERIFIES(sem_open_exit_closed, sem_post_wakes_cross_process))
{
        sem_t *const sem = named_sem(VICTIMS_SEM, 0);

        EACH_ROW(row, takers) {
                struct child waiter;
                if (!row->waits)
                        continue;
                crash(row->name, 0, row->point, "blocked", 1);
                EQ(sem_open_exit_closed, sem_units(sem), 0);
                CHILD(&waiter) {
                        here(&waiter, 1);
                        EQ(sem_post_wakes_cross_process, sem_wait(sem), 0);
                }
                UNTIL(blocked(&waiter));
                EQ(sem_post_wakes_cross_process, sem_post(sem), 0);
                EVENTUALLY(sem_post_wakes_cross_process, returned(&waiter));
                join(&waiter);
                EQ(sem_open_exit_closed, sem_post(sem), 0);
                EQ(sem_open_exit_closed, sem_trywait(sem), 0);
                EQ(sem_open_exit_closed, sem_units(sem), 0);
        }
}

TEST(sem_init_and_sem_destroy, VERIFIES(sem_wait_blocks_process_shared, shm_open_data_persist_process))
{
        const int object = new_shm(VICTIMS_OBJECT, 4096);
        sem_t *const sem = (sem_t *)map_shm(object, 4096, PROT_READ | PROT_WRITE);

        crash("sem_init", 5, "posix/sem/sem_init", "entry", 1);
        HOLDS(shm_open_data_persist_process, all_bytes(sem, sizeof(*sem), 0));
        crash("sem_init", 5, "posix/sem/sem_init", "after", 1);
        EQ(sem_wait_blocks_process_shared, sem_value(sem), 5);
        crash("sem_destroy", 0, "posix/sem/sem_destroy", "entry", 1);
        EQ(sem_wait_blocks_process_shared, sem_trywait(sem), 0);
        EQ(sem_wait_blocks_process_shared, sem_value(sem), 4);
        crash("sem_destroy", 0, "posix/sem/sem_destroy", "after", 1);
        EQ(sem_wait_blocks_process_shared, sem_init(sem, 1, 1), 0);
        EQ(sem_wait_blocks_process_shared, sem_trywait(sem), 0);
}
