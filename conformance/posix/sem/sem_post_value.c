/* SPDX-License-Identifier: MIT
 *
 * sem_post(): the value, up to the largest.
 */
#include "ipck_posix_sem.h"

TEST(raises_the_value_by_one, VERIFIES(sem_post_ret_zero, sem_post_increments))
{
        static const struct {
                const char *name;
                unsigned value;
        } rows[] = {{"from 0", 0}, {"from 1", 1}, {"from 7", 7}, {"from 65535", 65535},
                    {"from 2^30 - 1", (1u << 30) - 1}};

        EACH_ROW(kind, sem_kinds) {
                EACH_ROW(row, rows) {
                        sem_t *const sem = fresh_sem(kind->kind, row->value);

                        for (int posts = 1; posts <= 3; posts++) {
                                EQ(sem_post_ret_zero, sem_post(sem), 0);
                                EQ(sem_post_increments, sem_value(sem), row->value + (unsigned)posts);
                        }
                }
        }
}

TEST(thousands_of_posts_are_counted, VERIFIES(sem_post_increments))
{
        enum { POSTS = 5000 };

        EACH_ROW(kind, sem_kinds) {
                sem_t *const sem = new_sem(kind->kind, 0);

                for (int i = 0; i < POSTS; i++)
                        MUST(sem_post(sem));
                EQ(sem_post_increments, sem_value(sem), POSTS);
                for (int i = 0; i < POSTS; i++)
                        EQ(sem_post_increments, sem_trywait(sem), 0);
                EQ(sem_post_increments, sem_trywait(sem), -1);
        }
}

static int post_often(int n, void *arg)
{
        (void)n;
        for (int i = 0; i < 2000; i++)
                MUST(sem_post(arg));
        return 0;
}

TEST(posts_at_the_same_time_are_all_counted, VERIFIES(sem_post_increments))
{
        EACH_ROW(use, sem_uses) {
                sem_t *const sem = fresh_sem(use->kind, 0);
                struct crowd *const crowd = start_crowd(use, 3, post_often, sem);

                UNTIL(crowd_done(crowd));
                end_crowd(crowd);
                EQ(sem_post_increments, sem_value(sem), 6000);
        }
}

/* The value is the largest from the beginning, or came there by a post. */
TEST(post_beyond_the_largest_value_is_refused,
     VERIFIES(sem_post_eoverflow, sem_post_eoverflow_issue8, sem_post_increments))
{
        EACH_ROW(kind, sem_kinds) {
                for (unsigned below = 0; below < 3; below++) {
                        sem_t *const sem = fresh_sem(kind->kind, SEM_VALUE_MAX - below);

                        for (unsigned i = 0; i < below; i++)
                                EQ(sem_post_increments, sem_post(sem), 0);
                        REQUIRE(sem_value(sem) == SEM_VALUE_MAX);
                        for (int i = 0; i < 3; i++) {
                                FAILS_WITH(sem_post_eoverflow, EOVERFLOW, sem_post(sem));
                                EQ(sem_post_eoverflow, sem_value(sem), SEM_VALUE_MAX);
                        }
                        MUST(sem_wait(sem));
                        REQUIRE(sem_value(sem) == SEM_VALUE_MAX - 1);
                        EQ(sem_post_increments, sem_post(sem), 0);
                        FAILS_WITH(sem_post_eoverflow_issue8, EOVERFLOW, sem_post(sem));
                }
        }
}
