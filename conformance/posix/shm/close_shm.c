/* SPDX-License-Identifier: MIT
 *
 * close() of descriptors of shared memory objects, and what the end of a process closes.
 */
#include <limits.h>

#include "ipck_posix_shm.h"

enum { RW = PROT_READ | PROT_WRITE };

TEST(descriptor_is_no_longer_one, VERIFIES(close_shm_frees))
{
        const int fd = new_shm(OBJECT_NAME, 1), higher = open_shm(O_RDWR);
        struct stat st;

        EQ(close_shm_frees, close(fd), 0);
        FAILS_WITH(close_shm_frees, EBADF, ftruncate(fd, 2));
        FAILS_WITH(close_shm_frees, EBADF, fstat(fd, &st));
        FAILS_WITH(close_shm_frees, EBADF, mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0));
        FAILS_WITH(close_shm_frees, EBADF, fchmod(fd, 0666));
        FAILS_WITH(close_shm_frees, EBADF, fcntl(fd, F_GETFD));
        EQ(close_shm_frees, mode_of(higher), 0600);
        EQ(close_shm_frees, opened("/other", O_RDWR | O_CREAT), fd);
        EQ(close_shm_frees, worked(fcntl(fd, F_GETFD)), 0);
}

TEST(other_descriptors_stay, VERIFIES(close_shm_others))
{
        const int fd = new_shm(OBJECT_NAME, 1), copy = (int)MUST(dup(fd)), again = open_shm(O_RDWR);
        struct child child;

        CHILD(&child) {
                stay(&child);
                EQ(close_shm_others, ftruncate(fd, 20), 0);
                EQ(close_shm_others, close(fd), 0);
        }
        UNTIL(stays(&child));
        MUST(close(fd));
        EQ(close_shm_others, ftruncate(copy, 10), 0);
        EQ(close_shm_others, size_of(again), 10);
        HOLDS(close_shm_others, same_object(copy, again));
        dismiss(&child);
        EQ(close_shm_others, size_of(copy), 20);
        MUST(close(copy));
        EQ(close_shm_others, ftruncate(again, 30), 0);
        EQ(close_shm_others, size_of(open_shm(O_RDONLY)), 30);
}

/* ---- the last reference ---- */

enum { ROOM = 16, PAGES = 10 };

/* An object without a name that uses PAGES pages of ROOM. */
static int unnamed_object(void)
{
        const size_t size = PAGES * page_size();
        const int fd = new_shm(OBJECT_NAME, (off_t)size);
        char *const memory = map_shm(fd, size, RW);

        fill_pattern(memory, size, 1);
        unmap(memory, size);
        MUST(shm_unlink(OBJECT_NAME));
        REQUIRE(free_pages() == ROOM - PAGES);
        return fd;
}

TEST(last_close_removes_an_object_without_a_name, VERIFIES(close_shm_last_removes))
{
        mount_pages(ROOM);
        const int fd = unnamed_object(), copy = (int)MUST(dup(fd));
        MUST(close(fd));
        EQ(close_shm_last_removes, free_pages(), ROOM - PAGES);
        HOLDS(close_shm_last_removes, has_pattern(map_private(copy, PAGES * page_size(), PROT_READ),
                                                  PAGES * page_size(), 1));
        /* The mapping is one more reference. */
        MUST(close(copy));
        EQ(close_shm_last_removes, free_pages(), ROOM - PAGES);
}

TEST(close_alone_removes_it, VERIFIES(close_shm_last_removes))
{
        mount_pages(ROOM);
        for (int round = 0; round < 3; round++) {
                EQ(close_shm_last_removes, close(unnamed_object()), 0);
                EQ(close_shm_last_removes, free_pages(), ROOM);
        }
        /* One that has a name stays. */
        const int fd = new_shm(OBJECT_NAME, (off_t)page_size());
        *map_shm(fd, 1, RW) = 1;
        MUST(close(fd));
        EQ(close_shm_last_removes, free_pages(), ROOM - 1);
}

TEST(end_of_a_process_closes, VERIFIES(close_shm_exit))
{
        static const struct {
                const char *name;
                bool mapped, killed;
        } rows[] = {
                {"exit", false, false}, {"exit with a mapping", true, false}, {"killed", false, true},
                {"killed with a mapping", true, true},
        };
        struct child child;

        mount_pages(ROOM);
        EACH_ROW(row, rows) {
                CHILD(&child) {
                        const int fd = unnamed_object();

                        if (row->mapped)
                                map_shm(fd, PAGES * page_size(), RW);
                        stay(&child);
                }
                UNTIL(stays(&child));
                EQ(close_shm_exit, free_pages(), ROOM - PAGES);
                if (row->killed)
                        kill_child(&child);
                else
                        dismiss(&child);
                EQ(close_shm_exit, free_pages(), ROOM);
        }
}

/* ---- errors ---- */

TEST(descriptor_that_is_not_open, VERIFIES(close_shm_ebadf))
{
        const int fd = new_shm(OBJECT_NAME, 1), other = open_shm(O_RDWR);

        EQ(close_shm_ebadf, close(fd), 0);
        FAILS_WITH(close_shm_ebadf, EBADF, close(fd));
        FAILS_WITH(close_shm_ebadf, EBADF, close(-1));
        FAILS_WITH(close_shm_ebadf, EBADF, close(INT_MAX));
        EQ(close_shm_ebadf, close(other), 0);
}
