/* SPDX-License-Identifier: MIT
 *
 * shmget(): calls that fail, each beside one that differs in a single argument and succeeds.
 */
#include <stdint.h>

#include "ipck_shm.h"

/* ---- permission ---- */

struct access {
        const char *name;
        int mode, flags;
        bool granted;
};

TEST(owner_is_asked_for_permission, VERIFIES(shmget_eacces))
{
        static const struct access rows[] = {
                {"read of 0400", 0400, 0400, true},
                {"write of 0400", 0400, 0200, false},
                {"both of 0400", 0400, 0600, false},
                {"read of 0200", 0200, 0400, false},
                {"write of 0200", 0200, 0200, true},
                {"both of 0200", 0200, 0600, false},
                {"both of 0600", 0600, 0600, true},
                {"execute of 0600", 0600, 0100, false},
                {"execute of 0700", 0700, 0100, true},
                {"read of 0000", 0000, 0400, false},
                {"read of 0077", 0077, 0400, false},
        };

        drop_all_capabilities();
        EACH_ROW(row, rows) {
                const key_t key = fresh_key();
                const int segment = segment_must_fit(shmget(key, 1, IPC_CREAT | row->mode), 1);

                if (row->granted)
                        EQ(shmget_eacces, shmget(key, 1, row->flags), segment);
                else
                        FAILS_WITH(shmget_eacces, EACCES, shmget(key, 1, row->flags));
                MUST(shmctl(segment, IPC_RMID, NULL));
        }
}

TEST(other_user_is_asked_for_permission, VERIFIES(shmget_eacces))
{
        static const struct access rows[] = {
                {"read of 0604", 0604, 0004, true},
                {"write of 0604", 0604, 0002, false},
                {"both of 0604", 0604, 0006, false},
                {"read of 0602", 0602, 0004, false},
                {"write of 0602", 0602, 0002, true},
                {"both of 0606", 0606, 0006, true},
                {"read of 0660", 0660, 0004, false},
                {"read of 0660 as an owner", 0660, 0400, false},
        };

        EACH_ROW(row, rows) {
                const key_t key = fresh_key();
                const int segment = segment_must_fit(shmget(key, 1, IPC_CREAT | row->mode), 1);
                struct child other;

                CHILD(&other) {
                        as_user(USER_A);
                        if (row->granted)
                                EQ(shmget_eacces, shmget(key, 1, row->flags), segment);
                        else
                                FAILS_WITH(shmget_eacces, EACCES, shmget(key, 1, row->flags));
                }
                join(&other);
                MUST(shmctl(segment, IPC_RMID, NULL));
        }
}

TEST(size_is_judged_before_permission, VERIFIES(shmget_einval_larger_before_eacces))
{
        const key_t key = fresh_key();

        MUST(shmget(key, 3, IPC_CREAT | 0200));
        drop_all_capabilities();
        MUST(shmget(key, 3, 0200));
        REQUIRE(shmget(key, 3, 0400) == -1 && errno == EACCES);
        FAILS_WITH(shmget_einval_larger_before_eacces, EINVAL, shmget(key, 4, 0400));
        FAILS_WITH(shmget_einval_larger_before_eacces, EINVAL, shmget(key, SIZE_MAX, 0400));
}

/* ---- existence ---- */

TEST(excl_refuses_an_existing_key, VERIFIES(shmget_eexist))
{
        const key_t key = fresh_key();
        const int segment = segment_must_fit(shmget(key, 3, IPC_CREAT | IPC_EXCL | 0600), 3);
        const struct segment_view before = view_of_segment(segment);

        MUST(shmget(key, 3, IPC_CREAT | 0600));
        FAILS_WITH(shmget_eexist, EEXIST, shmget(key, 3, IPC_CREAT | IPC_EXCL | 0600));
        FAILS_WITH(shmget_eexist, EEXIST, shmget(key, 0, IPC_CREAT | IPC_EXCL | 0600));
        FAILS_WITH(shmget_eexist, EEXIST, shmget(key, 4, IPC_CREAT | IPC_EXCL | 0600));
        FAILS_WITH(shmget_eexist, EEXIST, shmget(key, 3, IPC_CREAT | IPC_EXCL));
        const struct segment_view after = view_of_segment(segment);
        HOLDS(shmget_eexist, same_segment_view(&before, &after));

        /* Gone, the key is free again. */
        MUST(shmctl(segment, IPC_RMID, NULL));
        MUST(shmget(key, 3, IPC_CREAT | IPC_EXCL | 0600));
        FAILS_WITH(shmget_eexist, EEXIST, shmget(key, 3, IPC_CREAT | IPC_EXCL | 0600));
}

TEST(unknown_key_is_not_found, VERIFIES(shmget_enoent))
{
        const key_t key = fresh_key();

        FAILS_WITH(shmget_enoent, ENOENT, shmget(key, 1, 0600));
        FAILS_WITH(shmget_enoent, ENOENT, shmget(key, 0, 0));
        FAILS_WITH(shmget_enoent, ENOENT, shmget(key, 1, IPC_EXCL | 0600));
        FAILS_WITH(shmget_enoent, ENOENT, shmget(key, SIZE_MAX, 0600));
        const int segment = segment_must_fit(shmget(key, 1, IPC_CREAT | 0600), 1);
        EQ(shmget_enoent, shmget(key, 1, 0600), segment);
        MUST(shmctl(segment, IPC_RMID, NULL));
        FAILS_WITH(shmget_enoent, ENOENT, shmget(key, 1, 0600));
}

/* ---- size ---- */

TEST(empty_segment_is_not_created, VERIFIES(shmget_einval_size0_new))
{
        const key_t key = fresh_key();

        FAILS_WITH(shmget_einval_size0_new, EINVAL, shmget(IPC_PRIVATE, 0, IPC_CREAT | 0600));
        FAILS_WITH(shmget_einval_size0_new, EINVAL, shmget(key, 0, IPC_CREAT | 0600));
        FAILS_WITH(shmget_einval_size0_new, EINVAL, shmget(key, 0, IPC_CREAT | IPC_EXCL | 0600));
        EQ(shmget_einval_size0_new, shmget(key, 0, 0), -1);
        MUST(shmctl(new_segment(1, 0600), IPC_RMID, NULL));
        segment_must_fit(shmget(key, 1, IPC_CREAT | IPC_EXCL | 0600), 1);
}

TEST(size_over_that_of_the_segment_is_refused, VERIFIES(shmget_einval_larger_than_existing))
{
        const key_t key = fresh_key();
        const int segment = segment_must_fit(shmget(key, 3, IPC_CREAT | 0600), 3);
        const struct segment_view before = view_of_segment(segment);

        EQ(shmget_einval_larger_than_existing, shmget(key, 3, 0600), segment);
        FAILS_WITH(shmget_einval_larger_than_existing, EINVAL, shmget(key, 4, 0600));
        FAILS_WITH(shmget_einval_larger_than_existing, EINVAL, shmget(key, 4, 0));
        FAILS_WITH(shmget_einval_larger_than_existing, EINVAL, shmget(key, 4, IPC_CREAT | 0600));
        /* Although the last page has room for it. */
        FAILS_WITH(shmget_einval_larger_than_existing, EINVAL, shmget(key, page_size(), 0600));
        FAILS_WITH(shmget_einval_larger_than_existing, EINVAL, shmget(key, SIZE_MAX, 0600));
        FAILS_WITH(shmget_einval_larger_than_existing, EINVAL, shmget(key, SIZE_MAX / 2 + 4, 0600));
        const struct segment_view after = view_of_segment(segment);
        HOLDS(shmget_einval_larger_than_existing, same_segment_view(&before, &after));
}
