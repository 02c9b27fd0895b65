/* SPDX-License-Identifier: MIT
 *
 * sem_close(): what it frees, and what it leaves to other processes and to later callers.
 */
#include "ipck_named_sem.h"

TEST(value_is_found_again, VERIFIES(sem_close_value_kept, sem_close_ret_zero, sem_open_persist))
{
        static const struct {
                const char *name;
                int posts, waits;
        } rows[] = {{"unchanged", 0, 0}, {"posted", 3, 0}, {"waited", 0, 2}, {"taken to zero", 0, 5}, {"both", 4, 3}};

        EACH_ROW(row, rows) {
                sem_t *sem = named_sem(SEM_NAME, 5);

                for (int i = 0; i < row->posts; i++)
                        MUST(sem_post(sem));
                for (int i = 0; i < row->waits; i++)
                        MUST(sem_wait(sem));
                EQ(sem_close_ret_zero, sem_close(sem), 0);
                EQ(sem_open_persist, names_left(), 1);
                sem = SEM_OPENS(sem_open_persist, sem_open(SEM_NAME, 0));
                if (sem == SEM_FAILED)
                        return;
                EQ(sem_close_value_kept, sem_value(sem), 5 + row->posts - row->waits);
                MUST(sem_close(sem));
                /* O_CREAT finds it as well. */
                EQ(sem_open_persist, names_left(), 1);
                sem = SEM_OPENS(sem_open_persist, sem_open(SEM_NAME, O_CREAT, 0600, 77));
                if (sem == SEM_FAILED)
                        return;
                EQ(sem_close_value_kept, sem_value(sem), 5 + row->posts - row->waits);
                MUST(sem_close(sem));
                MUST(sem_unlink(SEM_NAME));
        }
}

/* ---- after sem_unlink() ---- */

TEST(unlinked_semaphore_goes_with_its_last_close, VERIFIES(sem_close_last_close_after_unlink))
{
        static const struct {
                const char *name;
                int times;
        } rows[] = {{"open once", 1}, {"open twice", 2}, {"open five times", 5}};

        EACH_ROW(row, rows) {
                const struct space before = free_space();
                sem_t *const sem = named_sem(SEM_NAME, 1);

                for (int i = 1; i < row->times; i++)
                        REQUIRE(sem_open(SEM_NAME, 0) == sem);
                MUST(sem_unlink(SEM_NAME));
                for (int i = 0; i < row->times; i++) {
                        if (same_space(before, free_space()))
                                UNSUPPORTED("a semaphore that takes room in %s", DEV_SHM);
                        EQ(sem_close_last_close_after_unlink, sem_post(sem), 0);
                        EQ(sem_close_last_close_after_unlink, sem_close(sem), 0);
                }
                EVENTUALLY(sem_close_last_close_after_unlink, same_space(before, free_space()));
                HOLDS(sem_close_last_close_after_unlink, sem_open(SEM_NAME, 0) == SEM_FAILED);
        }
}

TEST(last_of_several_processes_closes_it, VERIFIES(sem_close_last_close_after_unlink))
{
        enum { PROCESSES = 3 };
        const struct space before = free_space();
        struct child user[PROCESSES];

        MUST(sem_close(named_sem(SEM_NAME, 0)));
        for (int i = 0; i < PROCESSES; i++) {
                CHILD(&user[i]) {
                        sem_t *const sem = sem_open(SEM_NAME, 0);

                        REQUIRE(sem != SEM_FAILED);
                        stay(&user[i]);
                        EQ(sem_close_last_close_after_unlink, sem_value(sem), i);
                        EQ(sem_close_last_close_after_unlink, sem_post(sem), 0);
                        EQ(sem_close_last_close_after_unlink, sem_close(sem), 0);
                        here(&user[i], 2);
                        await(&user[i], 2);
                }
                UNTIL(stays(&user[i]));
        }
        MUST(sem_unlink(SEM_NAME));
        for (int i = 0; i < PROCESSES; i++) {
                HOLDS(sem_close_last_close_after_unlink, !same_space(before, free_space()));
                tell(&user[i], 1);
                UNTIL(at(&user[i]) == 2);
        }
        /* Closed by all, which live on. */
        EVENTUALLY(sem_close_last_close_after_unlink, same_space(before, free_space()));
        for (int i = 0; i < PROCESSES; i++) {
                tell(&user[i], 2);
                join(&user[i]);
        }
}

/* ---- others have it open ---- */

TEST(waiter_of_another_process_stays, VERIFIES(sem_close_value_kept))
{
        sem_t *const sem = named_sem(SEM_NAME, 0);
        struct child waiter;

        CHILD(&waiter) {
                here(&waiter, 1);
                EQ(sem_close_value_kept, sem_wait(sem), 0);
        }
        UNTIL(blocked(&waiter));
        MUST(sem_close(sem));
        sem_t *const again = SEM_OPENS(sem_close_value_kept, sem_open(SEM_NAME, 0));
        if (again == SEM_FAILED) {
                kill_child(&waiter);
                return;
        }
        EQ(sem_close_value_kept, sem_post(again), 0);
        EVENTUALLY(sem_close_value_kept, returned(&waiter));
        join(&waiter);
        EQ(sem_close_value_kept, sem_value(again), 0);
}
