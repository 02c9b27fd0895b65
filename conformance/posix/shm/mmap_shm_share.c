/* SPDX-License-Identifier: MIT
 *
 * mmap() of shared memory objects: what is shared with whom, and for how long.
 */
#include "ipck_posix_shm.h"
#include "ipck_program.h"

enum { RW = PROT_READ | PROT_WRITE };

/* ---- MAP_SHARED ---- */

TEST(store_is_seen_in_every_mapping, VERIFIES(mmap_shm_shared_visible))
{
        const size_t size = 3 * page_size();
        const int fd = new_shm(OBJECT_NAME, (off_t)size);
        char *const memory = map_shm(fd, size, RW), *const again = map_shm(open_shm(O_RDWR), size, RW),
                   *const reader = map_shm(open_shm(O_RDONLY), size, PROT_READ);
        struct child other;

        HOLDS(mmap_shm_shared_visible, memory != again && again != reader);
        fill_pattern(memory, size, 1);
        HOLDS(mmap_shm_shared_visible, has_pattern(again, size, 1));
        HOLDS(mmap_shm_shared_visible, has_pattern(reader, size, 1));
        CHILD(&other) {
                char *const its_own = map_shm(open_shm(O_RDWR), size, RW);

                HOLDS(mmap_shm_shared_visible, has_pattern(its_own, size, 1));
                stay(&other);
                HOLDS(mmap_shm_shared_visible, has_pattern(its_own, size, 2));
                fill_pattern(its_own, size, 3);
        }
        UNTIL(stays(&other));
        fill_pattern(again, size, 2);
        dismiss(&other);
        HOLDS(mmap_shm_shared_visible, has_pattern(memory, size, 3));
        HOLDS(mmap_shm_shared_visible, has_pattern(again, size, 3));
        HOLDS(mmap_shm_shared_visible, has_pattern(reader, size, 3));
        HOLDS(mmap_shm_shared_visible, has_pattern(map_shm(open_shm(O_RDONLY), size, PROT_READ), size, 3));
}

/* While both run, and neither calls anything. */
TEST(processes_talk_by_stores_alone, VERIFIES(mmap_shm_shared_visible))
{
        enum { TURNS = 1000 };
        const int fd = new_shm(OBJECT_NAME, 2 * (off_t)sizeof(int));
        _Atomic int *const ours = (_Atomic int *)map_shm(fd, 2 * sizeof(int), RW);
        struct child other;

        CHILD(&other) {
                _Atomic int *const its_own = (_Atomic int *)map_shm(open_shm(O_RDWR), 2 * sizeof(int), RW);

                for (int turn = 1; turn <= TURNS; turn++) {
                        EVENTUALLY(mmap_shm_shared_visible, its_own[0] == turn);
                        its_own[1] = turn;
                }
        }
        for (int turn = 1; turn <= TURNS; turn++) {
                ours[0] = turn;
                EVENTUALLY(mmap_shm_shared_visible, ours[1] == turn);
        }
        join(&other);
}

TEST(read_and_write_see_the_same_bytes, VERIFIES(mmap_shm_shared_read_write_coherent))
{
        const size_t size = 2 * page_size() + 100;
        const int fd = new_shm(OBJECT_NAME, (off_t)size);
        char *const memory = map_shm(fd, size, RW), *const buffer = malloc(size);

        REQUIRE(buffer != NULL && !(fcntl(fd, F_GETFL) & O_APPEND));
        fill_pattern(buffer, size, 1);
        EQ(mmap_shm_shared_read_write_coherent, pwrite(fd, buffer, size, 0), size);
        HOLDS(mmap_shm_shared_read_write_coherent, has_pattern(memory, size, 1));
        fill_pattern(memory, size, 2);
        memset(buffer, 0, size);
        EQ(mmap_shm_shared_read_write_coherent, pread(fd, buffer, size, 0), size);
        HOLDS(mmap_shm_shared_read_write_coherent, has_pattern(buffer, size, 2));
        memory[size - 1] = 77;
        EQ(mmap_shm_shared_read_write_coherent, pread(open_shm(O_RDONLY), buffer, 10, (off_t)size - 1), 1);
        EQ(mmap_shm_shared_read_write_coherent, buffer[0], 77);
        free(buffer);
}

/* ---- MAP_PRIVATE ---- */

TEST(private_store_is_seen_by_nobody_else, VERIFIES(mmap_shm_private_cow))
{
        const size_t size = 3 * page_size();
        const int fd = new_shm(OBJECT_NAME, (off_t)size);
        char *const memory = map_shm(fd, size, RW), *const private = map_private(fd, size, RW),
                   *const second = map_private(fd, size, RW);
        struct child other;

        fill_pattern(memory, size, 1);
        HOLDS(mmap_shm_private_cow, has_pattern(private, size, 1));
        fill_pattern(private, size, 2);
        HOLDS(mmap_shm_private_cow, has_pattern(private, size, 2));
        HOLDS(mmap_shm_private_cow, has_pattern(memory, size, 1));
        HOLDS(mmap_shm_private_cow, has_pattern(second, size, 1));
        CHILD(&other) {
                const int its_own = open_shm(O_RDWR);

                HOLDS(mmap_shm_private_cow, has_pattern(map_shm(its_own, size, RW), size, 1));
                HOLDS(mmap_shm_private_cow, has_pattern(map_private(its_own, size, RW), size, 1));
        }
        join(&other);
        unmap(private, size);
        HOLDS(mmap_shm_private_cow, has_pattern(map_shm(open_shm(O_RDONLY), size, PROT_READ), size, 1));
}

TEST(private_mapping_and_later_stores, VERIFIES(mmap_shm_private_later_store))
{
        const size_t page = page_size();
        const int fd = new_shm(OBJECT_NAME, 3 * (off_t)page);
        volatile char *const memory = map_shm(fd, 3 * page, RW), *const private = map_private(fd, 3 * page, RW);

        /* A page that was not touched, one that was read, and one that was stored to. */
        const char read = private[page];
        private[2 * page] = 1;
        memory[1] = memory[page + 1] = memory[2 * page + 1] = 5;
        OBSERVE(mmap_shm_private_later_store, "untouched page: %s; read: %s; stored to: %s",
                private[1] ? "seen" : "not seen", private[page + 1] ? "seen" : "not seen",
                private[2 * page + 1] ? "seen" : "not seen");
        EQ(mmap_shm_private_later_store, read, 0);
        EQ(mmap_shm_private_later_store, private[2 * page], 1);
}

/* ---- lifetime ---- */

TEST(mapping_needs_no_descriptor, VERIFIES(mmap_shm_fd_close))
{
        const size_t size = 2 * page_size();
        const int fd = new_shm(OBJECT_NAME, (off_t)size);
        char *const memory = map_shm(fd, size, RW), *const private = map_private(fd, size, RW);

        fill_pattern(memory, size, 1);
        MUST(close(fd));
        EQ(mmap_shm_fd_close, store_signal(memory), 0);
        HOLDS(mmap_shm_fd_close, has_pattern(memory, size, 1));
        HOLDS(mmap_shm_fd_close, has_pattern(private, size, 1));
        fill_pattern(memory, size, 2);
        HOLDS(mmap_shm_fd_close, has_pattern(map_shm(open_shm(O_RDONLY), size, PROT_READ), size, 2));
        /* Pages that were not touched before the close. */
        const int again = open_shm(O_RDWR);
        char *const untouched = map_shm(again, size, RW);
        MUST(close(again));
        HOLDS(mmap_shm_fd_close, has_pattern(untouched, size, 2));
}

TEST(child_has_the_mappings_of_its_parent, VERIFIES(mmap_shm_fork_inherit))
{
        const size_t size = 2 * page_size();
        const int fd = new_shm(OBJECT_NAME, (off_t)size);
        char *const memory = map_shm(fd, size, RW), *const private = map_private(fd, size, RW),
                   *const reader = map_shm(fd, size, PROT_READ);
        struct child child;

        fill_pattern(memory, size, 1);
        fill_pattern(private, size, 2);
        MUST(close(fd));
        CHILD(&child) {
                HOLDS(mmap_shm_fork_inherit, has_pattern(memory, size, 1));
                HOLDS(mmap_shm_fork_inherit, has_pattern(private, size, 2));
                EQ(mmap_shm_fork_inherit, store_signal(reader), SIGSEGV);
                fill_pattern(memory, size, 3);
                HOLDS(mmap_shm_fork_inherit, has_pattern(reader, size, 3));
                fill_pattern(private, size, 4);
                stay(&child);
                HOLDS(mmap_shm_fork_inherit, has_pattern(memory, size, 5));
                HOLDS(mmap_shm_fork_inherit, has_pattern(private, size, 4));
                unmap(memory, size);
        }
        UNTIL(stays(&child));
        HOLDS(mmap_shm_fork_inherit, has_pattern(memory, size, 3));
        HOLDS(mmap_shm_fork_inherit, has_pattern(private, size, 2));
        fill_pattern(memory, size, 5);
        fill_pattern(private, size, 6);
        dismiss(&child);
        HOLDS(mmap_shm_fork_inherit, has_pattern(memory, size, 5));
        EQ(mmap_shm_fork_inherit, store_signal(memory), 0);
}

TEST(new_process_image_has_no_mapping, VERIFIES(mmap_shm_exec_unmapped))
{
        enum { ROOM = 8, PAGES = 5 };
        const size_t size = PAGES * page_size();
        struct program p = new_program();
        struct child child;

        mount_pages(ROOM);
        CHILD(&child) {
                const int fd = new_shm(OBJECT_NAME, (off_t)size);

                fill_pattern(map_shm(fd, size, RW), size, 1);
                fill_pattern(map_private(fd, size, RW), size, 2);
                MUST(shm_unlink(OBJECT_NAME));
                REQUIRE(fstat_of(fd).st_nlink == 0);
                MUST(close(fd));
                stay(&child);
                run_until_told(&p);
        }
        UNTIL(stays(&child));
        EQ(mmap_shm_exec_unmapped, free_pages(), ROOM - PAGES);
        tell(&child, 1);
        wait_for_program(&p);
        EQ(mmap_shm_exec_unmapped, free_pages(), ROOM);
        tell_program(&p);
        join(&child);
}
