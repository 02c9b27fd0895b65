/* SPDX-License-Identifier: MIT
 *
 * munmap() of mappings of shared memory objects.
 */
#include "ipck_posix_shm.h"

enum { RW = PROT_READ | PROT_WRITE };

/* Expects that pages first .. last of count are not mapped, and the others are. */
static void expect_hole(enum ipck_requirement req, char *memory, size_t count, size_t first, size_t last)
{
        for (size_t i = 0; i < count; i++) {
                char *const place = memory + i * page_size();
                const bool gone = first <= i && i <= last;

                EQ(req, load_signal(place), gone ? SIGSEGV : 0);
                EQ(req, store_signal(place + page_size() - 1), gone ? SIGSEGV : 0);
                EQ(req, is_mapped(place), !gone);
        }
}

static char *object_mapped(size_t pages)
{
        const size_t size = pages * page_size();
        char *const memory = map_shm(new_shm(OBJECT_NAME, (off_t)size), size, RW);

        fill_pattern(memory, size, 1);
        return memory;
}

TEST(mapping_is_gone, VERIFIES(mmap_shm_munmap_releases))
{
        const size_t page = page_size();
        char *const memory = object_mapped(3);
        char *const private = map_private(open_shm(O_RDWR), 3 * page, RW);

        EQ(mmap_shm_munmap_releases, load_signal(memory), 0);
        EQ(mmap_shm_munmap_releases, load_signal(private), 0);
        EQ(mmap_shm_munmap_releases, munmap(memory, 3 * page), 0);
        EQ(mmap_shm_munmap_releases, munmap(private, 3 * page), 0);
        for (size_t byte = 0; byte < 3 * page; byte += page) {
                EQ(mmap_shm_munmap_releases, load_signal(memory + byte), SIGSEGV);
                EQ(mmap_shm_munmap_releases, store_signal(memory + byte), SIGSEGV);
                EQ(mmap_shm_munmap_releases, load_signal(private + byte), SIGSEGV);
        }
}

TEST(part_of_a_mapping_is_gone, VERIFIES(munmap_shm_partial))
{
        static const struct {
                const char *name;
                size_t first, last;
        } rows[] = {
                {"first", 0, 0}, {"last", 4, 4}, {"middle", 1, 3}, {"one inside", 2, 2}, {"all but the first", 1, 4},
        };
        const size_t page = page_size();
        struct child other;

        EACH_ROW(row, rows) {
                char *const memory = object_mapped(5);

                EQ(munmap_shm_partial, munmap(memory + row->first * page, (row->last - row->first + 1) * page), 0);
                expect_hole(munmap_shm_partial, memory, 5, row->first, row->last);
                CHILD(&other) {
                        char *const whole = map_shm(open_shm(O_RDWR), 5 * page, RW);

                        HOLDS(munmap_shm_partial, has_pattern(whole, 5 * page, 1));
                        fill_pattern(whole, 5 * page, 2);
                }
                join(&other);
                char *const whole = map_shm(open_shm(O_RDWR), 5 * page, RW);
                for (size_t i = 0; i < 5; i++)
                        if (i < row->first || row->last < i)
                                HOLDS(munmap_shm_partial, memcmp(memory + i * page, whole + i * page, page) == 0);
                MUST(shm_unlink(OBJECT_NAME));
        }
}

TEST(page_is_unmapped_as_a_whole, VERIFIES(munmap_shm_len_rounded))
{
        const size_t page = page_size();
        const struct {
                const char *name;
                size_t length, pages;
        } rows[] = {
                {"a byte", 1, 1}, {"all but a byte", page - 1, 1}, {"a page", page, 1}, {"a byte more", page + 1, 2},
                {"two and a half", 5 * page / 2, 3},
        };

        EACH_ROW(row, rows) {
                char *const memory = object_mapped(5);

                EQ(munmap_shm_len_rounded, munmap(memory + page, row->length), 0);
                expect_hole(munmap_shm_len_rounded, memory, 5, 1, row->pages);
                MUST(shm_unlink(OBJECT_NAME));
        }
}

TEST(several_mappings_and_gaps, VERIFIES(munmap_shm_several))
{
        const size_t page = page_size();
        const int fd = new_shm(OBJECT_NAME, 3 * (off_t)page);
        char *const place = free_range(7 * page);

        for (int i = 1; i < 7; i += 2)
                REQUIRE(mmap(place + (size_t)i * page, page, RW, (i == 3 ? MAP_PRIVATE : MAP_SHARED) | MAP_FIXED, fd,
                             (off_t)page) == place + (size_t)i * page);
        EQ(munmap_shm_several, munmap(place, 6 * page), 0);
        for (int i = 0; i < 7; i++) {
                EQ(munmap_shm_several, is_mapped(place + (size_t)i * page), false);
                EQ(munmap_shm_several, load_signal(place + (size_t)i * page), SIGSEGV);
        }
}

TEST(unmapped_range_is_no_error, VERIFIES(munmap_shm_nothing_mapped))
{
        const size_t page = page_size();
        char *const memory = object_mapped(2), *const place = free_range(3 * page);

        EQ(munmap_shm_nothing_mapped, munmap(place, 3 * page), 0);
        MUST(munmap(memory, page));
        EQ(munmap_shm_nothing_mapped, munmap(memory, page), 0);
        expect_hole(munmap_shm_nothing_mapped, memory, 2, 0, 0);
        HOLDS(munmap_shm_nothing_mapped, has_pattern(map_shm(open_shm(O_RDONLY), 2 * page, PROT_READ), 2 * page, 1));
}

TEST(private_stores_are_lost, VERIFIES(munmap_shm_private_discarded))
{
        const size_t size = 2 * page_size();
        char *const memory = object_mapped(2);
        const int fd = open_shm(O_RDWR);
        char *const private = map_private(fd, size, RW);

        fill_pattern(private, size, 2);
        MUST(munmap(private, size));
        HOLDS(munmap_shm_private_discarded, has_pattern(memory, size, 1));
        char *const later = mmap(private, size, RW, MAP_PRIVATE, fd, 0);
        HOLDS(munmap_shm_private_discarded, later != MAP_FAILED && has_pattern(later, size, 1));
        HOLDS(munmap_shm_private_discarded, has_pattern(map_shm(fd, size, PROT_READ), size, 1));
}

TEST(object_stays, VERIFIES(munmap_shm_object_kept))
{
        const size_t size = 2 * page_size();
        const int fd = new_shm(OBJECT_NAME, (off_t)size);
        char *const memory = map_shm(fd, size, RW), *const other = map_shm(fd, size, RW);

        fill_pattern(memory, size, 1);
        MUST(munmap(memory, size));
        EQ(munmap_shm_object_kept, size_of(fd), size);
        HOLDS(munmap_shm_object_kept, has_pattern(other, size, 1));
        EQ(munmap_shm_object_kept, store_signal(other), 0);
        MUST(munmap(other, size));
        HOLDS(munmap_shm_object_kept, has_pattern(map_shm(fd, size, RW), size, 1));
        EQ(munmap_shm_object_kept, ftruncate(fd, 2 * (off_t)size), 0);
        EQ(munmap_shm_object_kept, try_open(OBJECT_NAME, O_RDWR, 0), 0);
}

/* ---- errors ---- */

TEST(empty_range_is_invalid, VERIFIES(munmap_shm_einval_len0))
{
        char *const memory = object_mapped(2);

        FAILS_WITH(munmap_shm_einval_len0, EINVAL, munmap(memory, 0));
        FAILS_WITH(munmap_shm_einval_len0, EINVAL, munmap(memory + page_size(), 0));
        expect_hole(munmap_shm_einval_len0, memory, 2, 2, 2);
        EQ(munmap_shm_einval_len0, munmap(memory, 1), 0);
        expect_hole(munmap_shm_einval_len0, memory, 2, 0, 0);
}

TEST(range_outside_the_address_space_is_invalid, VERIFIES(munmap_shm_einval_range))
{
        const size_t page = page_size();
        char *const memory = object_mapped(2), *const last = (char *)(UINTPTR_MAX - page + 1);
        struct child reckless;

        FAILS_WITH(munmap_shm_einval_range, EINVAL, munmap(last, page));
        FAILS_WITH(munmap_shm_einval_range, EINVAL, munmap(last - page, 2 * page));
        /* It begins with the mapping. Whoever unmaps all the rest does not come back. */
        CHILD(&reckless) {
                /* Few machines (s390x) give a program all but the last page. */
                if (mmap(last - page, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
                        FAILS_WITH(munmap_shm_einval_range, EINVAL, munmap(memory, (size_t)(last - memory)));
                FAILS_WITH(munmap_shm_einval_range, EINVAL, munmap(memory, (size_t)(last - memory) + page));
                FAILS_WITH(munmap_shm_einval_range, EINVAL, munmap(memory, SIZE_MAX - page + 1));
        }
        HOLDS(munmap_shm_einval_range, WIFEXITED(reap(&reckless)));
        expect_hole(munmap_shm_einval_range, memory, 2, 2, 2);
        EQ(munmap_shm_einval_range, munmap(memory, 2 * page), 0);
}

TEST(address_inside_a_page, VERIFIES(munmap_shm_einval_unaligned))
{
        char *const memory = object_mapped(2);
        const int result = munmap(memory + 1, page_size() - 1), error = errno;

        OBSERVE(munmap_shm_einval_unaligned, "%s", result == 0 ? "unmapped" : errno_name(error));
        /* Where it is no error the page is unmapped. */
        EQ(munmap_shm_einval_unaligned, is_mapped(memory), result == -1);
        HOLDS(munmap_shm_einval_unaligned, is_mapped(memory + page_size()));
}

TEST(range_begins_with_a_page, VERIFIES(munmap_shm_einval_unaligned_linux))
{
        const size_t page = page_size(), parts[] = {1, 512, page / 2, page - 1};
        char *const memory = object_mapped(3);

        for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
                FAILS_WITH(munmap_shm_einval_unaligned_linux, EINVAL, munmap(memory + parts[i], page));
                FAILS_WITH(munmap_shm_einval_unaligned_linux, EINVAL, munmap(memory + page + parts[i], 1));
                expect_hole(munmap_shm_einval_unaligned_linux, memory, 3, 3, 3);
        }
        EQ(munmap_shm_einval_unaligned_linux, munmap(memory, page), 0);
}
