/* SPDX-License-Identifier: MIT
 *
 * sem_open() in several processes: the name is all that they have in common.
 */
#include "ipck_named_sem.h"

static sem_t *opened(const char *name, int flags)
{
        sem_t *const sem = sem_open(name, flags, 0600, 0);

        REQUIRE(sem != SEM_FAILED);
        return sem;
}

static const struct {
        const char *name;
        int flags;
} rows[] = {{"no flags", 0}, {"O_CREAT", O_CREAT}};

TEST(post_in_one_process_releases_the_other, VERIFIES(sem_open_two_processes))
{
        struct child waiter, poster;

        MUST(sem_close(named_sem(SEM_NAME, 0)));
        EACH_ROW(row, rows) {
                CHILD(&waiter) {
                        sem_t *const sem = opened(SEM_NAME, row->flags);

                        here(&waiter, 1);
                        EQ(sem_open_two_processes, sem_wait(sem), 0);
                        EQ(sem_open_two_processes, sem_trywait(sem), -1);
                }
                UNTIL(blocked(&waiter));
                CHILD(&poster)
                        EQ(sem_open_two_processes, sem_post(opened(SEM_NAME, row->flags)), 0);
                EVENTUALLY(sem_open_two_processes, returned(&waiter));
                join(&poster);
                join(&waiter);
        }
}

/* To and fro, by two semaphores: no unit is lost and none is made. */
TEST(processes_take_turns, VERIFIES(sem_open_two_processes))
{
        enum { TURNS = 100 };
        int *const turn = shared(sizeof(*turn));
        struct child there, back;

        CHILD(&there) {
                sem_t *const ping = opened("/ping", O_CREAT), *const pong = opened("/pong", O_CREAT);

                stay(&there);
                for (int i = 0; i < TURNS; i++) {
                        EQ(sem_open_two_processes, (*turn)++, 2 * i);
                        MUST(sem_post(ping));
                        MUST(sem_wait(pong));
                }
                EQ(sem_open_two_processes, sem_value(ping), 0);
        }
        CHILD(&back) {
                sem_t *const pong = opened("/pong", O_CREAT), *const ping = opened("/ping", O_CREAT);

                REQUIRE(sem_value(ping) == 0 && sem_value(pong) == 0);
                stay(&back);
                for (int i = 0; i < TURNS; i++) {
                        MUST(sem_wait(ping));
                        EQ(sem_open_two_processes, (*turn)++, 2 * i + 1);
                        MUST(sem_post(pong));
                }
        }
        UNTIL(stays(&there) && stays(&back));
        tell(&there, 1);
        tell(&back, 1);
        EVENTUALLY(sem_open_two_processes, returned(&there) && returned(&back));
        join(&there);
        join(&back);
        EQ(sem_open_two_processes, sem_value(opened("/pong", 0)), 0);
}

/* The value is one for all, whoever changed it. */
TEST(value_is_the_same_for_all, VERIFIES(sem_open_two_processes))
{
        enum { PROCESSES = 4 };
        struct child user[PROCESSES];

        sem_t *const sem = named_sem(SEM_NAME, 0);
        for (int i = 0; i < PROCESSES; i++) {
                CHILD(&user[i]) {
                        MUST(sem_close(sem));
                        sem_t *const mine = opened(SEM_NAME, 0);
                        stay(&user[i]);
                        EQ(sem_open_two_processes, sem_value(mine), i);
                        EQ(sem_open_two_processes, sem_post(mine), 0);
                        EQ(sem_open_two_processes, sem_value(mine), i + 1);
                }
                UNTIL(stays(&user[i]));
        }
        for (int i = 0; i < PROCESSES; i++) {
                dismiss(&user[i]);
                EQ(sem_open_two_processes, sem_value(sem), i + 1);
        }
}
