/* SPDX-License-Identifier: MIT
 *
 * shmget(): the memory behind a new segment. All of it is there, and it holds nothing of what was there before.
 */
#include "ipck_shm.h"

/* ---- zeroes ---- */

TEST(memory_of_a_new_segment_is_zero, VERIFIES(shmget_init_zero_filled))
{
        const size_t page = page_size();
        const struct {
                const char *name;
                size_t size;
                int shmflg;
        } rows[] = {
                {"one byte", 1, 0}, {"a page", page, 0}, {"a page and a byte", page + 1, 0},
                {"read-only attachment", 5 * page + 17, SHM_RDONLY}, {"4 MiB", 4 << 20, 0},
        };

        EACH_ROW(row, rows) {
                const int segment = new_segment(row->size, 0600);
                const char *const memory = attach(segment, row->shmflg);

                HOLDS(shmget_init_zero_filled, all_bytes(memory, row->size, 0));
                detach(memory);
                MUST(shmctl(segment, IPC_RMID, NULL));
        }
}

TEST(storing_leaves_the_rest_zero, VERIFIES(shmget_init_zero_filled))
{
        enum { PAGES = 16 };
        const size_t page = page_size();
        char *const memory = attach(new_segment(PAGES * page, 0600), 0);

        for (int i = 0; i < PAGES; i += 2)
                memset(memory + (size_t)i * page + 3, 0x5a, page - 5);
        for (int i = 0; i < PAGES; i += 2) {
                const char *const used = memory + (size_t)i * page;

                HOLDS(shmget_init_zero_filled, all_bytes(used, 3, 0));
                HOLDS(shmget_init_zero_filled, all_bytes(used + page - 2, page + 2, 0));
        }
}

TEST(memory_of_a_destroyed_segment_does_not_come_back, VERIFIES(shmget_init_zero_after_reuse), KERNEL_ALONE)
{
        const size_t page = page_size();
        const struct {
                const char *name;
                size_t size;
        } rows[] = {{"less than a page", 100}, {"a few pages", 5 * page + 1}, {"256 KiB", 256 << 10}};

        EACH_ROW(row, rows)
                /* Which memory is used again, and when, is up to the kernel. */
                for (int round = 0; round < 20; round++) {
                        const int old = new_segment(row->size, 0600);
                        char *memory = attach(old, 0);
                        memset(memory, 0x5a, row->size);
                        MUST(shmctl(old, IPC_RMID, NULL));
                        detach(memory);

                        const int segment = new_segment(row->size, 0600);
                        memory = attach(segment, 0);
                        HOLDS(shmget_init_zero_after_reuse, all_bytes(memory, row->size, 0));
                        detach(memory);
                        MUST(shmctl(segment, IPC_RMID, NULL));
                }
}

TEST(memory_of_a_dead_process_does_not_come_back, VERIFIES(shmget_init_zero_after_reuse))
{
        enum { SIZE = 256 << 10 };

        for (int round = 0; round < 5; round++) {
                struct child writer;

                CHILD(&writer) {
                        const int doomed = new_segment(SIZE, 0600);
                        char *const memory = attach(doomed, 0);

                        MUST(shmctl(doomed, IPC_RMID, NULL));
                        memset(memory, 0x5a, SIZE);
                        stay(&writer);
                }
                UNTIL(stays(&writer));
                kill_child(&writer);
                const int segment = new_segment(SIZE, 0600);
                const char *const memory = attach(segment, SHM_RDONLY);
                HOLDS(shmget_init_zero_after_reuse, all_bytes(memory, SIZE, 0));
                detach(memory);
                MUST(shmctl(segment, IPC_RMID, NULL));
        }
}

/* ---- extent ---- */

TEST(every_byte_of_the_size_can_be_used, VERIFIES(shmget_size_at_least), KERNEL_ALONE)
{
        const size_t page = page_size();
        const struct {
                const char *name;
                size_t size;
        } rows[] = {
                {"one byte", 1}, {"a page but one byte", page - 1}, {"a page", page}, {"a page and a byte", page + 1},
                {"five pages and a bit", 5 * page + 17}, {"3 MiB and a byte", (3 << 20) + 1},
        };

        EACH_ROW(row, rows) {
                const int segment = new_segment(row->size, 0600);
                char *const memory = attach(segment, 0);
                struct child other;

                REQUIRE(load_signal(memory) == 0);
                EQ(shmget_size_at_least, load_signal(memory + row->size - 1), 0);
                EQ(shmget_size_at_least, store_signal(memory + row->size - 1), 0);
                fill_pattern(memory, row->size, (uint32_t)row->size);
                CHILD(&other)
                        HOLDS(shmget_size_at_least,
                              has_pattern(attach(segment, SHM_RDONLY), row->size, (uint32_t)row->size));
                join(&other);
                detach(memory);
                MUST(shmctl(segment, IPC_RMID, NULL));
        }
}

TEST(last_page_is_there_as_a_whole, VERIFIES(shmget_size_rounded_map))
{
        const size_t page = page_size();
        const struct {
                const char *name;
                size_t size;
        } rows[] = {{"one byte", 1}, {"a page but one byte", page - 1}, {"a page and a byte", page + 1},
                    {"three pages and a half", 3 * page + page / 2}, {"two pages", 2 * page}};

        EACH_ROW(row, rows) {
                const size_t whole = (row->size + page - 1) / page * page, align = (size_t)SHMLBA;
                char *const free = free_range(whole + align);
                char *const place = free + (align - (uintptr_t)free % align) % align;
                const int segment = new_segment(row->size, 0600);
                char *const memory = attach_at(segment, place, 0);

                memset(memory, 0x5a, row->size);
                EQ(shmget_size_rounded_map, load_signal(memory + whole - 1), 0);
                HOLDS(shmget_size_rounded_map, all_bytes(memory + row->size, whole - row->size, 0));
                EQ(shmget_size_rounded_map, store_signal(memory + whole - 1), 0);
                /* Nothing else was mapped around there. */
                EQ(shmget_size_rounded_map, load_signal(memory + whole), SIGSEGV);
                detach(memory);
        }
}

TEST(rest_of_the_last_page_is_shared_like_the_others, VERIFIES(shmget_size_rounded_map))
{
        const size_t page = page_size(), size = page + 100;
        const int segment = new_segment(size, 0600);
        char *const one = attach(segment, 0), *const other = attach(segment, 0);

        memset(one + size, 0x5a, 2 * page - size);
        HOLDS(shmget_size_rounded_map, all_bytes(other + size, 2 * page - size, 0x5a));
        EQ(shmget_size_rounded_map, stat_of_segment(segment).shm_segsz, size);
}
