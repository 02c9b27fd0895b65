/* SPDX-License-Identifier: MIT
 *
 * semget(): calls that fail, each beside one that differs in a single argument and succeeds.
 */
#include <limits.h>

#include "ipck_sem.h"

/* ---- permission ---- */

struct access {
        const char *name;
        int mode, flags;
        bool granted;
};

TEST(owner_is_asked_for_permission, VERIFIES(semget_eacces))
{
        static const struct access rows[] = {
                {"read of 0400", 0400, 0400, true},
                {"alter of 0400", 0400, 0200, false},
                {"both of 0400", 0400, 0600, false},
                {"read of 0200", 0200, 0400, false},
                {"alter of 0200", 0200, 0200, true},
                {"both of 0200", 0200, 0600, false},
                {"both of 0600", 0600, 0600, true},
                {"read of 0000", 0000, 0400, false},
                {"read of 0077", 0077, 0400, false},
        };

        drop_all_capabilities();
        EACH_ROW(row, rows) {
                const key_t key = fresh_key();
                const int set = (int)MUST(semget(key, 1, IPC_CREAT | row->mode));

                if (row->granted)
                        EQ(semget_eacces, semget(key, 1, row->flags), set);
                else
                        FAILS_WITH(semget_eacces, EACCES, semget(key, 1, row->flags));
        }
}

TEST(other_user_is_asked_for_permission, VERIFIES(semget_eacces))
{
        static const struct access rows[] = {
                {"read of 0604", 0604, 0004, true},
                {"alter of 0604", 0604, 0002, false},
                {"both of 0604", 0604, 0006, false},
                {"read of 0602", 0602, 0004, false},
                {"alter of 0602", 0602, 0002, true},
                {"both of 0606", 0606, 0006, true},
                {"read of 0660", 0660, 0004, false},
        };

        EACH_ROW(row, rows) {
                const key_t key = fresh_key();
                const int set = (int)MUST(semget(key, 1, IPC_CREAT | row->mode));
                struct child other;

                CHILD(&other) {
                        as_user(USER_A);
                        if (row->granted)
                                EQ(semget_eacces, semget(key, 1, row->flags), set);
                        else
                                FAILS_WITH(semget_eacces, EACCES, semget(key, 1, row->flags));
                }
                join(&other);
        }
}

TEST(size_is_judged_before_permission, VERIFIES(semget_einval_before_eacces))
{
        const key_t key = fresh_key();

        MUST(semget(key, 3, IPC_CREAT | 0200));
        drop_all_capabilities();
        MUST(semget(key, 3, 0200));
        FAILS_WITH(semget_einval_before_eacces, EACCES, semget(key, 3, 0400));
        FAILS_WITH(semget_einval_before_eacces, EINVAL, semget(key, 4, 0400));
}

/* ---- existence ---- */

TEST(excl_refuses_an_existing_key, VERIFIES(semget_eexist, semget_eexist_before_einval))
{
        const key_t key = fresh_key();
        const int set = (int)MUST(semget(key, 3, IPC_CREAT | IPC_EXCL | 0600));

        set_val(set, 1, 7);
        const struct sem_view before = view_of(set);
        MUST(semget(key, 3, IPC_CREAT | 0600));
        FAILS_WITH(semget_eexist, EEXIST, semget(key, 3, IPC_CREAT | IPC_EXCL | 0600));
        FAILS_WITH(semget_eexist, EEXIST, semget(key, 1, IPC_CREAT | IPC_EXCL | 0640));
        FAILS_WITH(semget_eexist_before_einval, EEXIST, semget(key, 4, IPC_CREAT | IPC_EXCL | 0600));
        const struct sem_view after = view_of(set);
        HOLDS(semget_eexist, same_view(&before, &after));

        /* Gone, the key is free again. */
        MUST(semctl(set, 0, IPC_RMID));
        MUST(semget(key, 3, IPC_CREAT | IPC_EXCL | 0600));
        FAILS_WITH(semget_eexist, EEXIST, semget(key, 3, IPC_CREAT | IPC_EXCL | 0600));
}

TEST(unknown_key_is_not_found, VERIFIES(semget_enoent))
{
        const key_t key = fresh_key();

        FAILS_WITH(semget_enoent, ENOENT, semget(key, 1, 0600));
        FAILS_WITH(semget_enoent, ENOENT, semget(key, 0, 0));
        FAILS_WITH(semget_enoent, ENOENT, semget(key, 1, IPC_EXCL | 0600));
        const int set = (int)MUST(semget(key, 1, IPC_CREAT | 0600));
        EQ(semget_enoent, semget(key, 1, 0600), set);
        MUST(semctl(set, 0, IPC_RMID));
        FAILS_WITH(semget_enoent, ENOENT, semget(key, 1, 0600));
}

/* ---- number of semaphores ---- */

TEST(size_is_not_negative, VERIFIES(semget_einval_nsems_neg))
{
        static const struct {
                const char *name;
                int nsems;
        } rows[] = {{"-1", -1}, {"-2", -2}, {"INT_MIN", INT_MIN}, {"1 - 65536", 1 - 65536}};
        const key_t key = fresh_key(), existing = fresh_key();

        MUST(semget(existing, 1, IPC_CREAT | 0600));
        EACH_ROW(row, rows) {
                FAILS_WITH(semget_einval_nsems_neg, EINVAL, semget(IPC_PRIVATE, row->nsems, IPC_CREAT | 0600));
                FAILS_WITH(semget_einval_nsems_neg, EINVAL, semget(key, row->nsems, IPC_CREAT | 0600));
                FAILS_WITH(semget_einval_nsems_neg, EINVAL, semget(existing, row->nsems, 0600));
        }
        MUST(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
        MUST(semget(existing, 1, 0600));
        FAILS_WITH(semget_einval_nsems_neg, ENOENT, semget(key, 0, 0));
        MUST(semget(key, 1, IPC_CREAT | 0600));
}

TEST(empty_set_is_not_created, VERIFIES(semget_einval_nsems0_create))
{
        const key_t key = fresh_key();

        FAILS_WITH(semget_einval_nsems0_create, EINVAL, semget(IPC_PRIVATE, 0, IPC_CREAT | 0600));
        FAILS_WITH(semget_einval_nsems0_create, EINVAL, semget(key, 0, IPC_CREAT | 0600));
        FAILS_WITH(semget_einval_nsems0_create, EINVAL, semget(key, 0, IPC_CREAT | IPC_EXCL | 0600));
        FAILS_WITH(semget_einval_nsems0_create, ENOENT, semget(key, 0, 0));
        MUST(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
        MUST(semget(key, 1, IPC_CREAT | IPC_EXCL | 0600));
}

TEST(size_over_semmsl_is_refused, VERIFIES(semget_einval_nsems_over_semmsl))
{
        const int semmsl = sem_limits().semmsl;
        const key_t key = fresh_key();

        REQUIRE(semmsl > 0);
        if (semmsl == INT_MAX)
                UNSUPPORTED("a limit on semaphores in one set (SEMMSL is INT_MAX)");
        FAILS_WITH(semget_einval_nsems_over_semmsl, EINVAL, semget(IPC_PRIVATE, semmsl + 1, IPC_CREAT | 0600));
        FAILS_WITH(semget_einval_nsems_over_semmsl, EINVAL, semget(key, semmsl + 1, IPC_CREAT | 0600));
        FAILS_WITH(semget_einval_nsems_over_semmsl, EINVAL, semget(key, INT_MAX, IPC_CREAT | 0600));
        FAILS_WITH(semget_einval_nsems_over_semmsl, ENOENT, semget(key, 0, 0));
        MUST(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
        MUST(semget(key, 1, IPC_CREAT | 0600));
}

TEST(size_over_that_of_the_set_is_refused, VERIFIES(semget_einval_nsems_larger_than_set))
{
        const key_t key = fresh_key();
        const int set = (int)MUST(semget(key, 3, IPC_CREAT | 0600));

        set_val(set, 2, 7);
        const struct sem_view before = view_of(set);
        EQ(semget_einval_nsems_larger_than_set, semget(key, 3, 0600), set);
        FAILS_WITH(semget_einval_nsems_larger_than_set, EINVAL, semget(key, 4, 0600));
        FAILS_WITH(semget_einval_nsems_larger_than_set, EINVAL, semget(key, 4, IPC_CREAT | 0600));
        FAILS_WITH(semget_einval_nsems_larger_than_set, EINVAL, semget(key, 200, 0600));
        const struct sem_view after = view_of(set);
        HOLDS(semget_einval_nsems_larger_than_set, same_view(&before, &after));
}
