/* SPDX-License-Identifier: MIT
 *
 * Attachments are memory like any other for the calls that write memory back or give it up.
 */
#include "ipck_shm.h"

enum { PAGES = 4 };

TEST(writing_back_changes_nothing, VERIFIES(shmat_msync_ok))
{
        const struct {
                const char *name;
                int flags;
        } rows[] = {
                {"MS_SYNC", MS_SYNC},
                {"MS_ASYNC", MS_ASYNC},
                {"MS_SYNC and MS_INVALIDATE", MS_SYNC | MS_INVALIDATE},
        };
        const size_t size = PAGES * page_size();
        const int segment = new_segment(size, 0600);
        char *const place = attach(segment, 0), *const read_only = attach(segment, SHM_RDONLY);

        EACH_ROW(row, rows) {
                fill_pattern(place, size, 1);
                EQ(shmat_msync_ok, msync(place, size, row->flags), 0);
                EQ(shmat_msync_ok, msync(read_only + page_size(), page_size(), row->flags), 0);
                HOLDS(shmat_msync_ok, has_pattern(place, size, 1) && has_pattern(read_only, size, 1));
        }
}

/* Each page with a pattern of its own. */
static void fill_pages(char *place)
{
        for (size_t i = 0; i < PAGES; i++)
                fill_pattern(place + i * page_size(), page_size(), (uint32_t)i);
}

static bool has_its_pattern(const char *place, size_t i)
{
        return has_pattern(place + i * page_size(), page_size(), (uint32_t)i);
}

static bool is_empty(const char *place, size_t i)
{
        return all_bytes(place + i * page_size(), page_size(), 0);
}

TEST(pages_are_given_up, VERIFIES(shmat_madvise_remove))
{
        const size_t page = page_size();
        const int segment = new_segment(PAGES * page, 0600);
        char *const one = attach(segment, 0), *const two = attach(segment, SHM_RDONLY);

        fill_pages(one);
        const unsigned long resident = shm_usage().shm_rss;
        EQ(shmat_madvise_remove, madvise(one + page, 2 * page, MADV_REMOVE), 0);
        EQ(shmat_madvise_remove, shm_usage().shm_rss, resident - 2);
        for (size_t i = 0; i < PAGES; i++) {
                const bool given_up = i == 1 || i == 2;
                HOLDS(shmat_madvise_remove, given_up ? is_empty(two, i) : has_its_pattern(two, i));
                HOLDS(shmat_madvise_remove, given_up ? is_empty(one, i) : has_its_pattern(one, i));
        }
        fill_pattern(one + page, page, 1);
        HOLDS(shmat_madvise_remove, has_its_pattern(two, 1) && is_empty(two, 2));
}

TEST(pages_stay_where_nothing_may_be_stored, VERIFIES(shmat_madvise_remove_read_only))
{
        const size_t size = PAGES * page_size();
        const int segment = new_segment(size, 0600);
        char *const place = attach(segment, 0), *const read_only = attach(segment, SHM_RDONLY);

        fill_pages(place);
        FAILS_WITH(shmat_madvise_remove_read_only, EACCES, madvise(read_only, size, MADV_REMOVE));
        for (size_t i = 0; i < PAGES; i++)
                HOLDS(shmat_madvise_remove_read_only, has_its_pattern(read_only, i));
}

TEST(locked_pages_stay, VERIFIES(shmat_madvise_remove_locked))
{
        const size_t page = page_size();
        const int segment = new_segment(PAGES * page, 0600);
        char *const place = attach(segment, 0);

        fill_pages(place);
        if (mlock(place, page) == -1)
                UNSUPPORTED("a page of locked memory (%s)", errno_name(errno));
        FAILS_WITH(shmat_madvise_remove_locked, EINVAL, madvise(place, page, MADV_REMOVE));
        HOLDS(shmat_madvise_remove_locked, has_its_pattern(place, 0));
        MUST(munlock(place, page));
        MUST(madvise(place, page, MADV_REMOVE));
        REQUIRE(is_empty(place, 0));
}
