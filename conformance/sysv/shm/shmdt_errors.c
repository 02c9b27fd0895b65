/* SPDX-License-Identifier: MIT
 *
 * shmdt() of an address at which no attachment begins: EINVAL, and everything stays attached.
 */
#include "ipck_shm.h"

enum { PAGES = 3 };

TEST(only_the_first_address_detaches, VERIFIES(shmdt_einval_notstart, shmdt_einval_middle, shmdt_einval_unaligned))
{
        const size_t page = page_size(), size = PAGES * page;
        const struct {
                const char *name;
                enum ipck_requirement req;
                ptrdiff_t offset;
        } rows[] = {
                {"second page", shmdt_einval_middle, (ptrdiff_t)page},
                {"last page", shmdt_einval_middle, (ptrdiff_t)(size - page)},
                {"second byte", shmdt_einval_unaligned, 1},
                {"last byte of the first page", shmdt_einval_unaligned, (ptrdiff_t)page - 1},
                {"inside the second page", shmdt_einval_unaligned, (ptrdiff_t)page + 1},
                {"page behind the end", shmdt_einval_notstart, (ptrdiff_t)size},
                {"page before the start", shmdt_einval_notstart, -(ptrdiff_t)page},
        };
        const int segment = new_segment(size, 0600);

        EACH_ROW(row, rows) {
                char *const place = attach_at(segment, free_range(size), 0);

                fill_pattern(place, size, 1);
                FAILS_WITH(row->req, EINVAL, shmdt(place + row->offset));
                HOLDS(row->req, has_pattern(place, size, 1));
                EQ(row->req, store_signal(place), 0);
                EQ(row->req, nattch(segment), 1);
                EQ(row->req, shmdt(place), 0);
                EQ(row->req, nattch(segment), 0);
        }
}

TEST(null_is_no_attachment, VERIFIES(shmdt_einval_null))
{
        const int segment = new_segment(page_size(), 0600);
        char *const place = attach(segment, 0);

        FAILS_WITH(shmdt_einval_null, EINVAL, shmdt(NULL));
        EQ(shmdt_einval_null, nattch(segment), 1);
        EQ(shmdt_einval_null, shmdt(place), 0);
        FAILS_WITH(shmdt_einval_null, EINVAL, shmdt(NULL));
}

TEST(free_address_is_no_attachment, VERIFIES(shmdt_einval_notstart))
{
        char *const range = free_range(page_size());

        FAILS_WITH(shmdt_einval_notstart, EINVAL, shmdt(range));
        FAILS_WITH(shmdt_einval_notstart, EINVAL, shmdt((void *)(UINTPTR_MAX - 4 * page_size() + 1)));
        EQ(shmdt_einval_notstart, shmdt(attach_at(new_segment(page_size(), 0600), range, 0)), 0);
}

TEST(mapping_of_another_kind_is_not_touched, VERIFIES(shmdt_einval_mmap_region))
{
        static const struct {
                const char *name;
                int flags;
        } rows[] = {
                {"private memory", MAP_PRIVATE | MAP_ANONYMOUS},
                {"shared memory without a name", MAP_SHARED | MAP_ANONYMOUS},
                {"shared file", MAP_SHARED},
                {"private copy of a file", MAP_PRIVATE},
        };
        const size_t size = 2 * page_size();
        const int fd = (int)MUST(memfd_create("ipck", MFD_CLOEXEC));

        MUST(ftruncate(fd, (off_t)size));
        EACH_ROW(row, rows) {
                char *const place = mmap(NULL, size, PROT_READ | PROT_WRITE, row->flags,
                                         row->flags & MAP_ANONYMOUS ? -1 : fd, 0);
                REQUIRE(place != MAP_FAILED);
                fill_pattern(place, size, 1);
                FAILS_WITH(shmdt_einval_mmap_region, EINVAL, shmdt(place));
                HOLDS(shmdt_einval_mmap_region, has_pattern(place, size, 1));
                EQ(shmdt_einval_mmap_region, store_signal(place), 0);
                MUST(munmap(place, size));
        }
}

TEST(second_detach_finds_nothing, VERIFIES(shmdt_einval_twice))
{
        const int segment = new_segment(page_size(), 0600);
        char *const place = attach_by_shmlba(segment), *const other = attach(segment, 0);

        EQ(shmdt_einval_twice, shmdt(place), 0);
        FAILS_WITH(shmdt_einval_twice, EINVAL, shmdt(place));
        EQ(shmdt_einval_twice, nattch(segment), 1);
        EQ(shmdt_einval_twice, store_signal(other), 0);
        /* The address is not spoilt for ever. */
        REQUIRE(attach_at(segment, place, 0) == place);
        EQ(shmdt_einval_twice, shmdt(place), 0);
        FAILS_WITH(shmdt_einval_twice, EINVAL, shmdt(place));
}

TEST(failure_stamps_and_unmaps_nothing, VERIFIES(shmdt_fail_no_effect), MOSTLY_WAITS)
{
        const size_t page = page_size(), size = PAGES * page;
        const int segment = new_segment(size, 0600);
        char *const place = attach_at(segment, free_range(size), 0);
        char *const memory = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        const struct {
                const char *name;
                void *address;
        } rows[] = {
                {"NULL", NULL}, {"second byte", place + 1}, {"second page", place + page},
                {"page behind", place + size}, {"other memory", memory},
        };
        struct child other;

        REQUIRE(memory != MAP_FAILED);
        fill_pattern(place, size, 1);
        fill_pattern(memory, page, 2);
        /* So that neither shm_lpid nor shm_dtime are what a detach by this process would make them. */
        CHILD(&other)
                detach(attach(segment, 0));
        join(&other);
        const struct segment_view before = view_of_segment(segment);
        REQUIRE(before.lpid == other.pid && before.dtime != 0 && before.nattch == 1);
        next_second(now());
        EACH_ROW(row, rows) {
                REQUIRE(shmdt(row->address) == -1 && errno == EINVAL);
                const struct segment_view after = view_of_segment(segment);
                HOLDS(shmdt_fail_no_effect, same_segment_view(&before, &after));
                HOLDS(shmdt_fail_no_effect, has_pattern(place, size, 1) && has_pattern(memory, page, 2));
        }
        EQ(shmdt_fail_no_effect, shmdt(place), 0);
}
