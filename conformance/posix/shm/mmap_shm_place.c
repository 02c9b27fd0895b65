/* SPDX-License-Identifier: MIT
 *
 * mmap() of shared memory objects: which bytes of the object are where, and what lies past its end.
 */
#include "ipck_posix_shm.h"

enum { RW = PROT_READ | PROT_WRITE };

static char *map_at(int fd, size_t size, int protection, off_t offset)
{
        return mmap(NULL, size, protection, MAP_SHARED, fd, offset);
}

/* ---- offsets ---- */

TEST(mapping_begins_at_the_offset, VERIFIES(mmap_shm_offset))
{
        enum { PAGES = 6 };
        const size_t page = page_size();
        const int fd = new_shm(OBJECT_NAME, PAGES * (off_t)page);
        char *const whole = map_shm(fd, PAGES * page, RW);

        fill_pattern(whole, PAGES * page, 1);
        for (size_t from = 0; from < PAGES; from++) {
                for (size_t pages = 1; pages <= PAGES - from; pages++) {
                        char *const part = map_at(fd, pages * page, RW, (off_t)(from * page));

                        if (!HOLDS(mmap_shm_offset, part != MAP_FAILED))
                                continue;
                        HOLDS(mmap_shm_offset, memcmp(part, whole + from * page, pages * page) == 0);
                        part[pages * page - 1] ^= 0x55;
                        HOLDS(mmap_shm_offset, memcmp(part, whole + from * page, pages * page) == 0);
                        unmap(part, pages * page);
                }
        }
        /* A length inside a page. */
        char *const part = map_at(fd, page + 1, PROT_READ, 2 * (off_t)page);
        HOLDS(mmap_shm_offset, part != MAP_FAILED && memcmp(part, whole + 2 * page, 2 * page) == 0);
}

TEST(offset_can_be_far, VERIFIES(mmap_shm_offset))
{
        static const int64_t offsets[] = {
                INT64_C(1) << 20, INT64_C(1) << 30, INT64_C(1) << 31, INT64_C(1) << 32, INT64_C(1) << 33,
                (INT64_C(1) << 43) - (INT64_C(1) << 20),
        };
        enum { OFFSETS = sizeof(offsets) / sizeof(*offsets) };
        char *places[OFFSETS];
        const int fd = new_shm(OBJECT_NAME, 0);
        int count = 0;

        any_size();
        while (count < OFFSETS && (sizeof(off_t) == 8 || offsets[count] < INT32_MAX)) {
                MUST(ftruncate(fd, (off_t)offsets[count] + 100));
                places[count] = map_at(fd, 100, RW, (off_t)offsets[count]);
                if (!HOLDS(mmap_shm_offset, places[count] != MAP_FAILED))
                        return;
                fill_pattern(places[count], 100, (uint32_t)count);
                count++;
        }
        for (int i = 0; i < count; i++) {
                char buffer[100];

                HOLDS(mmap_shm_offset, has_pattern(places[i], 100, (uint32_t)i));
                MUST(pread(fd, buffer, 100, (off_t)offsets[i]));
                HOLDS(mmap_shm_offset, has_pattern(buffer, 100, (uint32_t)i));
        }
        HOLDS(mmap_shm_offset, all_bytes(map_at(fd, 100, PROT_READ, 0), 100, 0));
}

/* ---- MAP_FIXED ---- */

TEST(fixed_mapping_replaces_these_pages_only, VERIFIES(mmap_shm_fixed))
{
        const size_t page = page_size();
        const int fd = new_shm(OBJECT_NAME, 5 * (off_t)page), other = new_shm("/other", 2 * (off_t)page);
        char *const memory = map_shm(fd, 5 * page, RW), *const second = map_shm(other, 2 * page, RW);

        fill_pattern(memory, 5 * page, 1);
        fill_pattern(second, 2 * page, 2);
        char *const fixed = mmap(memory + page, 2 * page, RW, MAP_SHARED | MAP_FIXED, other, 0);
        HOLDS(mmap_shm_fixed, fixed == memory + page);
        HOLDS(mmap_shm_fixed, has_pattern(memory + page, 2 * page, 2));
        /* What it replaced is unmapped, not overwritten. */
        char *const whole = map_shm(fd, 5 * page, PROT_READ);
        HOLDS(mmap_shm_fixed, has_pattern(whole, 5 * page, 1));
        HOLDS(mmap_shm_fixed, memcmp(memory, whole, page) == 0);
        HOLDS(mmap_shm_fixed, memcmp(memory + 3 * page, whole + 3 * page, 2 * page) == 0);
        memory[page] ^= 1;
        EQ(mmap_shm_fixed, second[0], memory[page]);
        HOLDS(mmap_shm_fixed, has_pattern(whole, 5 * page, 1));
        memory[3 * page] ^= 1;
        EQ(mmap_shm_fixed, whole[3 * page], memory[3 * page]);
}

TEST(fixed_mapping_goes_where_nothing_is, VERIFIES(mmap_shm_fixed))
{
        const size_t page = page_size();
        const int fd = new_shm(OBJECT_NAME, (off_t)page);
        char *const place = free_range(3 * page);

        HOLDS(mmap_shm_fixed, mmap(place + page, page, RW, MAP_SHARED | MAP_FIXED, fd, 0) == place + page);
        EQ(mmap_shm_fixed, store_signal(place + page), 0);
        HOLDS(mmap_shm_fixed, !is_mapped(place) && !is_mapped(place + 2 * page));
}

/* ---- past the end ---- */

TEST(whole_pages_past_the_end_cannot_be_accessed, VERIFIES(mmap_shm_beyond_end_sigbus))
{
        enum { PAGES = 4 };
        const size_t page = page_size();
        const size_t sizes[] = {0, 1, page - 1, page, page + 1, 2 * page, 3 * page + 5, PAGES * page};
        static const struct {
                const char *name;
                int flags;
        } kinds[] = {{"shared", MAP_SHARED}, {"private", MAP_PRIVATE}};
        const int fd = new_shm(OBJECT_NAME, 0);

        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
                MUST(ftruncate(fd, (off_t)sizes[i]));
                EACH_ROW(kind, kinds) {
                        char *const memory = mmap(NULL, PAGES * page, RW, kind->flags, fd, 0);

                        if (!HOLDS(mmap_shm_beyond_end_sigbus, memory != MAP_FAILED))
                                continue;
                        for (size_t byte = 0; byte < PAGES * page; byte += page) {
                                const int want = byte < sizes[i] ? 0 : SIGBUS;

                                EQ(mmap_shm_beyond_end_sigbus, load_signal(memory + byte), want);
                                EQ(mmap_shm_beyond_end_sigbus, store_signal(memory + byte), want);
                                EQ(mmap_shm_beyond_end_sigbus, load_signal(memory + byte + page - 1), want);
                        }
                        unmap(memory, PAGES * page);
                }
        }
        /* By an offset that is past the end. */
        MUST(ftruncate(fd, (off_t)page));
        char *const beyond = map_at(fd, page, RW, 2 * (off_t)page);
        if (HOLDS(mmap_shm_beyond_end_sigbus, beyond != MAP_FAILED))
                EQ(mmap_shm_beyond_end_sigbus, load_signal(beyond), SIGBUS);
}

TEST(rest_of_the_last_page_is_zero, VERIFIES(mmap_shm_partial_tail_zero))
{
        const size_t page = page_size();
        const size_t sizes[] = {1, 100, page - 1, page + 1, 3 * page - 7};

        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
                const size_t end = (sizes[i] + page - 1) / page * page;
                const int fd = new_shm(OBJECT_NAME, (off_t)sizes[i]);
                char *const memory = map_shm(fd, sizes[i], RW);

                HOLDS(mmap_shm_partial_tail_zero, all_bytes(memory + sizes[i], end - sizes[i], 0));
                memset(memory, 0x77, sizes[i]);
                HOLDS(mmap_shm_partial_tail_zero, all_bytes(memory + sizes[i], end - sizes[i], 0));
                char *const later = map_shm(fd, sizes[i], PROT_READ), *const private = map_private(fd, sizes[i], RW);
                HOLDS(mmap_shm_partial_tail_zero, all_bytes(later + sizes[i], end - sizes[i], 0));
                HOLDS(mmap_shm_partial_tail_zero, all_bytes(private + sizes[i], end - sizes[i], 0));
                /* Cut off inside a page that was full. */
                MUST(ftruncate(fd, (off_t)(sizes[i] + 1) / 2));
                const size_t rest = page - (sizes[i] + 1) / 2 % page;
                char *const cut = map_shm(fd, sizes[i], PROT_READ);
                if (rest < page)
                        HOLDS(mmap_shm_partial_tail_zero, all_bytes(cut + (sizes[i] + 1) / 2, rest, 0));
                MUST(shm_unlink(OBJECT_NAME));
        }
}

/* No mapping is there while the size changes: what such a one would show is unspecified. */
TEST(bytes_stored_past_the_end_are_not_kept, VERIFIES(mmap_shm_tail_store_lost))
{
        const size_t page = page_size();
        const struct {
                const char *name;
                size_t size, grown;
        } rows[] = {
                {"inside the page", 100, 200}, {"to the end of the page", 100, page}, {"beyond it", 100, 3 * page},
                {"second page", page + 100, 2 * page},
        };

        EACH_ROW(row, rows) {
                const int fd = new_shm(OBJECT_NAME, (off_t)row->size);
                const size_t end = (row->size + page - 1) / page * page;
                char *memory = map_shm(fd, end, RW);

                memset(memory, 0x77, end);
                unmap(memory, end);
                MUST(ftruncate(fd, (off_t)row->grown));
                memory = map_shm(fd, row->grown, PROT_READ);
                HOLDS(mmap_shm_tail_store_lost, all_bytes(memory, row->size, 0x77));
                EQ(mmap_shm_tail_store_lost, first_other(memory + row->size, row->grown - row->size, 0), -1);
                unmap(memory, row->grown);
                MUST(shm_unlink(OBJECT_NAME));
        }
}
