/* SPDX-License-Identifier: MIT
 *
 * shmat() with SHM_REMAP: the attachment takes the place of whatever is mapped in its range.
 */
#include "ipck_shm.h"

enum { PAGES = 4 };

static char *fresh_memory(char *place, size_t size)
{
        MUST(mmap(place, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
        fill_pattern(place, size, 1);
        return place;
}

TEST(whole_range_shows_the_segment, VERIFIES(shmat_remap_replaces))
{
        const struct {
                const char *name;
                size_t first, pages;    /* what is mapped before; the attachment has the pages 1 to PAGES */
        } rows[] = {
                {"nothing", 0, 0},          {"the very range", 1, PAGES}, {"a page inside", 2, 1},
                {"across the start", 0, 2}, {"across the end", PAGES, 2}, {"all and more", 0, PAGES + 2},
        };
        const size_t page = page_size(), size = PAGES * page;
        const int segment = new_segment(size, 0600);
        char *const other = attach(segment, 0);

        EACH_ROW(row, rows) {
                /* An attachment may have to begin at a multiple of SHMLBA, as a free range does. */
                char *const place = free_range(size + page), *const range = place - page;

                if (row->pages)
                        fresh_memory(range + row->first * page, row->pages * page);
                const bool below = is_mapped(range), above = is_mapped(place + size);
                if (!HOLDS(shmat_remap_replaces, shmat(segment, place, SHM_REMAP) == place))
                        continue;
                fill_pattern(other, size, 2);
                HOLDS(shmat_remap_replaces, has_pattern(place, size, 2));
                fill_pattern(place, size, 3);
                HOLDS(shmat_remap_replaces, has_pattern(other, size, 3));
                /* What lies outside the range stays. */
                EQ(shmat_remap_replaces, is_mapped(range), below);
                EQ(shmat_remap_replaces, is_mapped(place + size), above);
                if (below && row->pages)
                        HOLDS(shmat_remap_replaces, has_pattern(range, page, 1));
                MUST(munmap(range, size + 2 * page));
        }
}

TEST(replaced_memory_comes_back_empty_of_it, VERIFIES(shmat_remap_replaces))
{
        const size_t size = PAGES * page_size();
        const int segment = new_segment(size, 0600);
        char *const place = fresh_memory(free_range(size), size);

        FAILS_WITH(shmat_remap_replaces, EINVAL, shmat(segment, place, 0));
        HOLDS(shmat_remap_replaces, has_pattern(place, size, 1));
        HOLDS(shmat_remap_replaces, shmat(segment, place, SHM_REMAP) == place);
        HOLDS(shmat_remap_replaces, all_bytes(place, size, 0));
        detach(place);
        HOLDS(shmat_remap_replaces, !is_mapped(place) && !is_mapped(place + size - page_size()));
}

TEST(covered_attachment_is_detached, VERIFIES(shmat_remap_detaches_old))
{
        const size_t page = page_size();
        const struct {
                const char *name;
                size_t old_pages, new_pages;
        } rows[] = {{"of the same size", PAGES, PAGES}, {"smaller", 1, PAGES}};

        EACH_ROW(row, rows) {
                const int old = new_segment(row->old_pages * page, 0600);
                const int new = new_segment(row->new_pages * page, 0600);
                char *const kept = attach(old, 0), *const place = attach_at(old, free_range(PAGES * page), 0);

                fill_pattern(kept, row->old_pages * page, 4);
                REQUIRE(nattch(old) == 2);
                HOLDS(shmat_remap_detaches_old, shmat(new, place, SHM_REMAP) == place);
                EQ(shmat_remap_detaches_old, nattch(old), 1);
                EQ(shmat_remap_detaches_old, nattch(new), 1);
                HOLDS(shmat_remap_detaches_old, has_pattern(kept, row->old_pages * page, 4));
                HOLDS(shmat_remap_detaches_old, all_bytes(place, row->new_pages * page, 0));
                detach(place);
                EQ(shmat_remap_detaches_old, nattch(old), 1);
                EQ(shmat_remap_detaches_old, nattch(new), 0);
        }
}

TEST(segment_over_itself_is_attached_once, VERIFIES(shmat_remap_detaches_old))
{
        const int segment = new_segment(page_size(), 0600);
        char *const place = attach_by_shmlba(segment);

        fill_pattern(place, page_size(), 5);
        HOLDS(shmat_remap_detaches_old, shmat(segment, place, SHM_REMAP | SHM_RDONLY) == place);
        EQ(shmat_remap_detaches_old, nattch(segment), 1);
        HOLDS(shmat_remap_detaches_old, has_pattern(place, page_size(), 5));
        EQ(shmat_remap_detaches_old, store_signal(place), SIGSEGV);
}

TEST(covered_attachment_that_was_the_last_goes_with_its_segment, VERIFIES(shmat_remap_detaches_old))
{
        const int old = new_segment(page_size(), 0600), new = new_segment(page_size(), 0600);
        char *const place = attach_by_shmlba(old);

        MUST(shmctl(old, IPC_RMID, NULL));
        EQ(shmat_remap_detaches_old, nattch(old), 1);
        HOLDS(shmat_remap_detaches_old, shmat(new, place, SHM_REMAP) == place);
        EQ(shmat_remap_detaches_old, nattch(old), -1);
        HOLDS(shmat_remap_detaches_old, all_bytes(place, page_size(), 0));
}

TEST(null_is_no_address_to_remap, VERIFIES(shmat_remap_einval_null))
{
        const int segment = new_segment(page_size(), 0600);

        detach(attach_at(segment, free_range(page_size()), SHM_REMAP));
        FAILS_WITH(shmat_remap_einval_null, EINVAL, shmat(segment, NULL, SHM_REMAP));
        FAILS_WITH(shmat_remap_einval_null, EINVAL, shmat(segment, NULL, SHM_REMAP | SHM_RND));
        EQ(shmat_remap_einval_null, nattch(segment), 0);
}

TEST(address_that_rounds_down_to_0_is_not_remapped, VERIFIES(shmat_remap_einval_rnd_to_null))
{
        const int segment = new_segment(page_size(), 0600);
        char *const range = free_range((size_t)SHMLBA + page_size()), *const low = (char *)1;

        detach(attach_at(segment, range + 1, SHM_REMAP | SHM_RND));
        FAILS_WITH(shmat_remap_einval_rnd_to_null, EINVAL, shmat(segment, low, SHM_REMAP | SHM_RND));
        FAILS_WITH(shmat_remap_einval_rnd_to_null, EINVAL, shmat(segment, low + SHMLBA - 2, SHM_REMAP | SHM_RND));
        EQ(shmat_remap_einval_rnd_to_null, nattch(segment), 0);
}
