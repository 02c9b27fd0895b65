/* SPDX-License-Identifier: MIT
 *
 * ftruncate() on shared memory objects: what the object and its mappings are after it.
 */
#include "ipck_posix_shm.h"

enum { RW = PROT_READ | PROT_WRITE };

/* ---- size and contents ---- */

TEST(object_grows_by_zeros, VERIFIES(ftruncate_shm_grow))
{
        const size_t page = page_size();
        const size_t sizes[] = {1, 2, page - 1, page, page + 1, 3 * page, 5 * page + 7, 64 * page};
        const int fd = new_shm(OBJECT_NAME, 0);
        size_t before = 0;

        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); before = sizes[i++]) {
                EQ(ftruncate_shm_grow, ftruncate(fd, (off_t)sizes[i]), 0);
                EQ(ftruncate_shm_grow, size_of(fd), sizes[i]);
                char *const memory = map_shm(fd, sizes[i], RW);
                HOLDS(ftruncate_shm_grow, has_pattern(memory, before, (uint32_t)before));
                HOLDS(ftruncate_shm_grow, all_bytes(memory + before, sizes[i] - before, 0));
                fill_pattern(memory, sizes[i], (uint32_t)sizes[i]);
                unmap(memory, sizes[i]);
        }
}

TEST(what_was_cut_off_is_lost, VERIFIES(ftruncate_shm_shrink))
{
        const size_t page = page_size(), full = 4 * page;
        const size_t sizes[] = {full - 1, 3 * page + 1, 3 * page, 3 * page - 1, page, 1, 0};
        const int fd = new_shm(OBJECT_NAME, (off_t)full);

        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
                char *const memory = map_shm(fd, full, RW);

                fill_pattern(memory, full, 1);
                EQ(ftruncate_shm_shrink, ftruncate(fd, (off_t)sizes[i]), 0);
                EQ(ftruncate_shm_shrink, size_of(fd), sizes[i]);
                EQ(ftruncate_shm_shrink, ftruncate(fd, (off_t)full), 0);
                /* By the old mapping and by a new one. */
                char *const later = map_shm(fd, full, PROT_READ);
                HOLDS(ftruncate_shm_shrink, has_pattern(later, sizes[i], 1));
                HOLDS(ftruncate_shm_shrink, all_bytes(later + sizes[i], full - sizes[i], 0));
                HOLDS(ftruncate_shm_shrink, has_pattern(memory, sizes[i], 1));
                HOLDS(ftruncate_shm_shrink, all_bytes(memory + sizes[i], full - sizes[i], 0));
                unmap(memory, full);
                unmap(later, full);
        }
}

TEST(same_size_changes_nothing, VERIFIES(ftruncate_shm_shrink, ftruncate_shm_grow))
{
        const size_t size = page_size() + 9;
        const int fd = new_shm(OBJECT_NAME, (off_t)size);
        char *const memory = map_shm(fd, size, RW);

        fill_pattern(memory, size, 2);
        EQ(ftruncate_shm_shrink, ftruncate(fd, (off_t)size), 0);
        EQ(ftruncate_shm_grow, size_of(fd), size);
        HOLDS(ftruncate_shm_shrink, has_pattern(memory, size, 2));
        EQ(ftruncate_shm_shrink, load_signal(memory + size - 1), 0);
}

TEST(others_see_the_size_at_once, VERIFIES(ftruncate_shm_visible_to_others))
{
        const int fd = new_shm(OBJECT_NAME, 10), reader = open_shm(O_RDONLY), copy = (int)MUST(dup(fd));
        static const struct {
                const char *name;
                off_t size;
        } rows[] = {{"larger", 20000}, {"smaller", 5000}, {"empty", 0}, {"one byte", 1}};
        struct child other;

        CHILD(&other) {
                const int its_own = open_shm(O_RDWR);
                int step = 1;

                EACH_ROW(row, rows) {
                        here(&other, step);
                        await(&other, step++);
                        EQ(ftruncate_shm_visible_to_others, size_of(its_own), row->size);
                        EQ(ftruncate_shm_visible_to_others, size_of(fd), row->size);
                        EQ(ftruncate_shm_visible_to_others, size_of(open_shm(O_RDONLY)), row->size);
                }
                MUST(ftruncate(its_own, 77));
        }
        int step = 1;
        EACH_ROW(row, rows) {
                UNTIL(at(&other) == step);
                MUST(ftruncate(fd, row->size));
                EQ(ftruncate_shm_visible_to_others, size_of(reader), row->size);
                EQ(ftruncate_shm_visible_to_others, size_of(copy), row->size);
                tell(&other, step++);
        }
        join(&other);
        EQ(ftruncate_shm_visible_to_others, size_of(fd), 77);
        EQ(ftruncate_shm_visible_to_others, size_of(reader), 77);
}

/* ---- mappings ---- */

TEST(pages_beyond_the_new_end_are_discarded, VERIFIES(ftruncate_shm_shrink_sigbus))
{
        const size_t page = page_size();
        const int fd = new_shm(OBJECT_NAME, 4 * (off_t)page);
        char *const memory = map_shm(fd, 4 * page, RW), *const reader = map_shm(fd, 4 * page, PROT_READ);
        struct child other;

        fill_pattern(memory, 4 * page, 3);
        HOLDS(ftruncate_shm_shrink_sigbus, has_pattern(reader, 4 * page, 3));
        CHILD(&other) {
                char *const its_own = map_shm(open_shm(O_RDWR), 4 * page, RW);

                REQUIRE(store_signal(its_own + 3 * page) == 0);
                stay(&other);
                EQ(ftruncate_shm_shrink_sigbus, store_signal(its_own + page), 0);
                EQ(ftruncate_shm_shrink_sigbus, load_signal(its_own + 2 * page), SIGBUS);
                EQ(ftruncate_shm_shrink_sigbus, store_signal(its_own + 3 * page), SIGBUS);
                EQ(ftruncate_shm_shrink_sigbus, store_signal(memory + 3 * page), SIGBUS);
        }
        UNTIL(stays(&other));
        MUST(ftruncate(fd, 2 * (off_t)page));
        for (size_t byte = 0; byte < 4 * page; byte += page) {
                const int want = byte < 2 * page ? 0 : SIGBUS;

                EQ(ftruncate_shm_shrink_sigbus, load_signal(memory + byte), want);
                EQ(ftruncate_shm_shrink_sigbus, store_signal(memory + byte + page - 1), want);
                EQ(ftruncate_shm_shrink_sigbus, load_signal(reader + byte + page - 1), want);
        }
        dismiss(&other);
        HOLDS(ftruncate_shm_shrink_sigbus, has_pattern(memory, 2 * page, 3));
}

TEST(private_copies_beyond_it_are_discarded_too, VERIFIES(ftruncate_shm_shrink_sigbus_private))
{
        const size_t page = page_size();
        const int fd = new_shm(OBJECT_NAME, 3 * (off_t)page);
        char *const memory = map_private(fd, 3 * page, RW);

        memory[0] = memory[page] = 1;
        REQUIRE(load_signal(memory + 2 * page) == 0);
        MUST(ftruncate(fd, (off_t)page));
        EQ(ftruncate_shm_shrink_sigbus_private, load_signal(memory), 0);
        EQ(ftruncate_shm_shrink_sigbus_private, memory[0], 1);
        EQ(ftruncate_shm_shrink_sigbus_private, load_signal(memory + page), SIGBUS);
        EQ(ftruncate_shm_shrink_sigbus_private, store_signal(memory + page), SIGBUS);
        EQ(ftruncate_shm_shrink_sigbus_private, load_signal(memory + 2 * page), SIGBUS);
}

TEST(rest_of_the_last_page_is_zero, VERIFIES(ftruncate_shm_shrink_partial_page))
{
        const size_t page = page_size();
        const size_t sizes[] = {2 * page - 1, page + page / 2, page + 1, 1};
        const int fd = new_shm(OBJECT_NAME, 2 * (off_t)page);
        char *const memory = map_shm(fd, 2 * page, RW);

        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
                const size_t end = (sizes[i] + page - 1) / page * page;

                fill_pattern(memory, end, 4);
                MUST(ftruncate(fd, (off_t)sizes[i]));
                EQ(ftruncate_shm_shrink_partial_page, load_signal(memory + end - 1), 0);
                EQ(ftruncate_shm_shrink_partial_page, store_signal(memory + end - 1), 0);
                HOLDS(ftruncate_shm_shrink_partial_page, has_pattern(memory, sizes[i], 4));
                HOLDS(ftruncate_shm_shrink_partial_page, all_bytes(memory + sizes[i], end - sizes[i], 0));
                if (end < 2 * page)
                        EQ(ftruncate_shm_shrink_partial_page, load_signal(memory + end), SIGBUS);
        }
}

TEST(mapping_reaches_what_was_added, VERIFIES(ftruncate_shm_grow_mapped))
{
        const size_t page = page_size();
        const int fd = new_shm(OBJECT_NAME, 0);
        char *const memory = map_shm(fd, 3 * page, RW);

        EQ(ftruncate_shm_grow_mapped, load_signal(memory), SIGBUS);
        MUST(ftruncate(fd, (off_t)page + 1));
        EQ(ftruncate_shm_grow_mapped, store_signal(memory), 0);
        EQ(ftruncate_shm_grow_mapped, store_signal(memory + page), 0);
        EQ(ftruncate_shm_grow_mapped, store_signal(memory + 2 * page), SIGBUS);
        MUST(ftruncate(fd, 3 * (off_t)page));
        EQ(ftruncate_shm_grow_mapped, store_signal(memory + 2 * page), 0);
        fill_pattern(memory, 3 * page, 5);
        HOLDS(ftruncate_shm_grow_mapped, has_pattern(map_shm(open_shm(O_RDONLY), 3 * page, PROT_READ), 3 * page, 5));
}

/* ---- what else there is of a file ---- */

TEST(offset_stays, VERIFIES(ftruncate_shm_offset_kept))
{
        const int fd = new_shm(OBJECT_NAME, 100);

        MUST(lseek(fd, 60, SEEK_SET));
        MUST(ftruncate(fd, 200));
        EQ(ftruncate_shm_offset_kept, lseek(fd, 0, SEEK_CUR), 60);
        MUST(ftruncate(fd, 10));
        EQ(ftruncate_shm_offset_kept, lseek(fd, 0, SEEK_CUR), 60);
        MUST(ftruncate(fd, 0));
        EQ(ftruncate_shm_offset_kept, lseek(fd, 0, SEEK_CUR), 60);
}

TEST(change_of_size_is_stamped, VERIFIES(ftruncate_shm_mtime), MOSTLY_WAITS)
{
        static const struct {
                const char *name;
                off_t size;
        } rows[] = {{"larger", 200}, {"smaller", 50}, {"empty", 0}};
        const struct timespec long_ago[2] = {{1000, 0}, {1000, 0}};
        const int fd = new_shm(OBJECT_NAME, 100);

        EACH_ROW(row, rows) {
                MUST(futimens(fd, long_ago));
                next_second(fstat_of(fd).st_ctime);
                const time_t before = now();
                MUST(ftruncate(fd, row->size));
                const struct stat st = fstat_of(fd);
                const time_t after = now();
                BETWEEN(ftruncate_shm_mtime, before, st.st_mtime, after);
                BETWEEN(ftruncate_shm_mtime, before, st.st_ctime, after);
                EQ(ftruncate_shm_mtime, st.st_atime, 1000);
        }
}
