/* SPDX-License-Identifier: MIT
 *
 * sem_post(): whom it wakes, and how many.
 */
#include "ipck_posix_sem.h"

TEST(one_post_releases_one_of_three, VERIFIES(sem_post_wakes_one, sem_post_ret_zero))
{
        EACH_ROW(use, sem_uses) {
                sem_t *const sem = fresh_sem(use->kind, 0);
                struct waiter *const w = start_waiters(use, sem, &plain_way, 3);

                EQ(sem_post_wakes_one, count_back(w, 3), 0);
                for (int released = 1; released <= 3; released++) {
                        EQ(sem_post_ret_zero, sem_post(sem), 0);
                        EVENTUALLY(sem_post_wakes_one, count_back(w, 3) >= released);
                        UNTIL(all_settled(w, 3));
                        EQ(sem_post_wakes_one, count_back(w, 3), released);
                        EQ(sem_post_wakes_one, sem_units(sem), 0);
                }
                for (int i = 0; i < 3; i++)
                        EQ(sem_post_wakes_one, w[i].result, 0);
                end_waiters(w, 3);
        }
}

TEST(each_post_releases_one, VERIFIES(sem_post_wakes_each_post))
{
        EACH_ROW(use, sem_uses) {
                sem_t *const sem = fresh_sem(use->kind, 0);
                struct waiter *const w = start_waiters(use, sem, &plain_way, 5);

                for (int i = 0; i < 3; i++)
                        MUST(sem_post(sem));
                EVENTUALLY(sem_post_wakes_each_post, count_back(w, 5) >= 3);
                UNTIL(all_settled(w, 5));
                EQ(sem_post_wakes_each_post, count_back(w, 5), 3);
                EQ(sem_post_wakes_each_post, sem_units(sem), 0);

                /* More than are left. */
                for (int i = 0; i < 4; i++)
                        MUST(sem_post(sem));
                EVENTUALLY(sem_post_wakes_each_post, count_back(w, 5) == 5);
                EQ(sem_post_wakes_each_post, sem_units(sem), 2);
                end_waiters(w, 5);
        }
}

/* ---- between processes ---- */

TEST(post_by_another_process, VERIFIES(sem_post_wakes_cross_process))
{
        EACH_ROW(use, sem_uses) {
                if (use->kind == THREADS_SEM)
                        continue;
                sem_t *const sem = fresh_sem(use->kind, 0);
                struct waiter *const w = start_waiters(use, sem, &plain_way, 2);
                struct child poster;

                for (int n = 1; n <= 2; n++) {
                        CHILD(&poster)
                                EQ(sem_post_wakes_cross_process, sem_post(sem), 0);
                        join(&poster);
                        EVENTUALLY(sem_post_wakes_cross_process, count_back(w, 2) >= n);
                        UNTIL(all_settled(w, 2));
                        EQ(sem_post_wakes_cross_process, count_back(w, 2), n);
                }
                end_waiters(w, 2);
        }
}

TEST(post_by_a_process_that_ends_at_once, VERIFIES(sem_post_wakes_cross_process))
{
        EACH_ROW(kind, process_sem_kinds) {
                sem_t *const sem = new_sem(kind->kind, 0);
                const struct sem_use use = {.kind = kind->kind, .processes = true};
                struct waiter *const w = start_waiter(&use, sem, &plain_way);
                struct child poster;

                CHILD(&poster) {
                        sem_post(sem);
                        raise(SIGKILL);
                }
                reap(&poster);
                EVENTUALLY(sem_post_wakes_cross_process, is_back(w));
                EQ(sem_post_wakes_cross_process, w->result, 0);
                EQ(sem_post_wakes_cross_process, sem_units(sem), 0);
                end_waiters(w, 1);
        }
}

/* A post that comes afterwards is for the others. */
TEST(killed_waiters_take_no_post, VERIFIES(sem_post_wakes_cross_process))
{
        EACH_ROW(kind, process_sem_kinds) {
                sem_t *const sem = new_sem(kind->kind, 0);
                const struct sem_use use = {.kind = kind->kind, .processes = true};
                struct waiter *const w = start_waiters(&use, sem, &plain_way, 3);

                kill_child(&w[0].child);
                kill_child(&w[2].child);
                MUST(sem_post(sem));
                EVENTUALLY(sem_post_wakes_cross_process, is_back(&w[1]));
                EQ(sem_post_wakes_cross_process, sem_units(sem), 0);
                end_waiters(&w[1], 1);
                EQ(sem_post_wakes_cross_process, sem_post(sem), 0);
                EQ(sem_post_wakes_cross_process, sem_units(sem), 1);
                EQ(sem_post_wakes_cross_process, sem_wait(sem), 0);
        }
}

ROLE(open_and_post)
{
        sem_t *const sem = sem_open(arg, 0);

        return sem == SEM_FAILED || sem_post(sem) == -1 || sem_close(sem) == -1;
}

ROLE(open_and_wait)
{
        sem_t *const sem = sem_open(arg, 0);

        return sem == SEM_FAILED || sem_wait(sem) == -1 || sem_close(sem) == -1;
}

TEST(post_by_another_program, VERIFIES(sem_post_wakes_cross_process))
{
        const struct sem_use use = {.kind = NAMED_SEM, .processes = true};
        sem_t *const sem = new_sem(NAMED_SEM, 0);
        struct waiter *const w = start_waiter(&use, sem, &plain_way);
        struct child poster;

        CHILD(&poster)
                MUST(exec_role("open_and_post", SEM_NAME));
        join(&poster);
        EVENTUALLY(sem_post_wakes_cross_process, is_back(w));
        EQ(sem_post_wakes_cross_process, sem_units(sem), 0);
        end_waiters(w, 1);
}

TEST(post_for_another_program, VERIFIES(sem_post_wakes_cross_process))
{
        sem_t *const sem = new_sem(NAMED_SEM, 0);
        struct child waiter;

        CHILD(&waiter)
                MUST(exec_role("open_and_wait", SEM_NAME));
        /* Whether it waits already cannot be known: often it will. */
        UNTIL(sleeping(waiter.pid));
        EQ(sem_post_wakes_cross_process, sem_post(sem), 0);
        join(&waiter);
        EQ(sem_post_wakes_cross_process, sem_units(sem), 0);
}
