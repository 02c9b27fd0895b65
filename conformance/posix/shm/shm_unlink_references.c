/* SPDX-License-Identifier: MIT
 *
 * shm_unlink(): what becomes of an object that is still open or mapped.
 */
#include "ipck_posix_shm.h"

enum { RW = PROT_READ | PROT_WRITE };

TEST(open_descriptor_still_works, VERIFIES(shm_unlink_open_fd_survives, ftruncate_shm_after_unlink))
{
        const size_t page = page_size();
        const int fd = new_shm(OBJECT_NAME, (off_t)page), other = open_shm(O_RDWR), reader = open_shm(O_RDONLY);

        fill_pattern(map_shm(fd, page, RW), page, 1);
        MUST(fchmod(fd, 0640));
        EQ(shm_unlink_open_fd_survives, shm_unlink(OBJECT_NAME), 0);
        EQ(shm_unlink_open_fd_survives, size_of(fd), page);
        EQ(shm_unlink_open_fd_survives, mode_of(reader), 0640);
        char *const memory = mmap(NULL, page, RW, MAP_SHARED, fd, 0);
        if (HOLDS(shm_unlink_open_fd_survives, memory != MAP_FAILED))
                HOLDS(shm_unlink_open_fd_survives, has_pattern(memory, page, 1));
        HOLDS(shm_unlink_open_fd_survives, same_object(fd, other));
        HOLDS(shm_unlink_open_fd_survives, same_object(fd, reader));

        EQ(shm_unlink_open_fd_survives, ftruncate(fd, 3 * (off_t)page), 0);
        EQ(ftruncate_shm_after_unlink, size_of(other), 3 * page);
        EQ(ftruncate_shm_after_unlink, size_of(reader), 3 * page);
        EQ(ftruncate_shm_after_unlink, ftruncate(other, 5), 0);
        EQ(ftruncate_shm_after_unlink, size_of(fd), 5);
        EQ(ftruncate_shm_after_unlink, ftruncate(other, 0), 0);
        EQ(ftruncate_shm_after_unlink, size_of(fd), 0);
}

TEST(mapping_stays_shared_without_name_and_descriptor, VERIFIES(shm_unlink_mapping_survives))
{
        const size_t size = 2 * page_size();
        const int fd = new_shm(OBJECT_NAME, (off_t)size);
        char *const memory = map_shm(fd, size, RW);
        struct child other;

        fill_pattern(memory, size, 2);
        CHILD(&other) {
                char *const its_own = map_shm(open_shm(O_RDWR), size, RW);

                stay(&other);
                HOLDS(shm_unlink_mapping_survives, has_pattern(its_own, size, 2));
                fill_pattern(its_own, size, 3);
        }
        UNTIL(stays(&other));
        MUST(shm_unlink(OBJECT_NAME));
        MUST(close(fd));
        /* A signal would end the test without a verdict. */
        if (!HOLDS(shm_unlink_mapping_survives, load_signal(memory + size - 1) == 0))
                return;
        HOLDS(shm_unlink_mapping_survives, has_pattern(memory, size, 2));
        dismiss(&other);
        HOLDS(shm_unlink_mapping_survives, has_pattern(memory, size, 3));
}

TEST(name_does_not_lead_to_the_old_object, VERIFIES(shm_unlink_open_after_enoent))
{
        const int fd = new_shm(OBJECT_NAME, 10);
        char *const memory = map_shm(fd, 10, RW);
        struct child other;

        MUST(shm_unlink(OBJECT_NAME));
        FAILS_WITH(shm_unlink_open_after_enoent, ENOENT, opened(OBJECT_NAME, O_RDWR));
        FAILS_WITH(shm_unlink_open_after_enoent, ENOENT, opened(OBJECT_NAME, O_RDONLY));
        FAILS_WITH(shm_unlink_open_after_enoent, ENOENT, opened(OBJECT_NAME, O_RDWR | O_TRUNC));
        CHILD(&other)
                FAILS_WITH(shm_unlink_open_after_enoent, ENOENT, opened(OBJECT_NAME, O_RDWR));
        join(&other);
        EQ(shm_unlink_open_after_enoent, size_of(fd), 10);
        EQ(shm_unlink_open_after_enoent, store_signal(memory), 0);
}

TEST(next_object_of_the_name_is_another, VERIFIES(shm_unlink_name_reuse_distinct))
{
        const int old = new_shm(OBJECT_NAME, 1000);
        char *const memory = map_shm(old, 1000, RW);

        fill_pattern(memory, 1000, 4);
        MUST(shm_unlink(OBJECT_NAME));
        const int fd = shm_open(OBJECT_NAME, O_RDWR | O_CREAT, 0640);
        if (!HOLDS(shm_unlink_name_reuse_distinct, fd != -1))
                return;
        HOLDS(shm_unlink_name_reuse_distinct, size_of(fd) != 1000);
        MUST(fchmod(fd, 0640));
        EQ(shm_unlink_name_reuse_distinct, mode_of(old), 0600);
        EQ(shm_unlink_name_reuse_distinct, ftruncate(fd, 500), 0);
        EQ(shm_unlink_name_reuse_distinct, size_of(old), 1000);
        char *const later = map_shm(fd, 500, RW);
        HOLDS(shm_unlink_name_reuse_distinct, all_bytes(later, 500, 0));
        memset(later, 7, 500);
        HOLDS(shm_unlink_name_reuse_distinct, has_pattern(memory, 1000, 4));
        HOLDS(shm_unlink_name_reuse_distinct, !same_object(old, fd));
        HOLDS(shm_unlink_name_reuse_distinct, same_object(fd, open_shm(O_RDWR)));
        /* Removing the new one leaves the old. */
        MUST(shm_unlink(OBJECT_NAME));
        HOLDS(shm_unlink_name_reuse_distinct, has_pattern(memory, 1000, 4));
}

/* ---- memory ---- */

enum { ROOM = 16, PAGES = 10 };

/* An object that uses PAGES pages of ROOM. */
static int used_object(char **memory)
{
        const int fd = new_shm(OBJECT_NAME, PAGES * (off_t)page_size());

        *memory = map_shm(fd, PAGES * page_size(), RW);
        fill_pattern(*memory, PAGES * page_size(), 5);
        REQUIRE(free_pages() == ROOM - PAGES);
        return fd;
}

TEST(memory_is_free_after_the_last_reference, VERIFIES(shm_unlink_contents_freed))
{
        const size_t size = PAGES * page_size();
        char *memory;

        mount_pages(ROOM);
        const int fd = used_object(&memory);
        MUST(shm_unlink(OBJECT_NAME));
        EQ(shm_unlink_contents_freed, free_pages(), ROOM - PAGES);
        MUST(close(fd));
        EQ(shm_unlink_contents_freed, free_pages(), ROOM - PAGES);
        HOLDS(shm_unlink_contents_freed, has_pattern(memory, size, 5));
        unmap(memory, size);
        EQ(shm_unlink_contents_freed, free_pages(), ROOM);

        /* The same with the descriptor as the last. */
        const int again = used_object(&memory);
        MUST(shm_unlink(OBJECT_NAME));
        unmap(memory, size);
        EQ(shm_unlink_contents_freed, free_pages(), ROOM - PAGES);
        MUST(close(again));
        EQ(shm_unlink_contents_freed, free_pages(), ROOM);

        /* And with the name. */
        MUST(close(used_object(&memory)));
        unmap(memory, size);
        EQ(shm_unlink_contents_freed, free_pages(), ROOM - PAGES);
        EQ(shm_unlink_contents_freed, shm_unlink(OBJECT_NAME), 0);
        EQ(shm_unlink_contents_freed, free_pages(), ROOM);
        used_object(&memory);
}

TEST(last_reference_of_another_process_counts, VERIFIES(shm_unlink_contents_freed))
{
        const size_t size = PAGES * page_size();
        struct child other;
        char *memory;

        mount_pages(ROOM);
        const int fd = used_object(&memory);
        CHILD(&other) {
                MUST(close(fd));
                stay(&other);
                HOLDS(shm_unlink_contents_freed, has_pattern(memory, size, 5));
                unmap(memory, size);
                EQ(shm_unlink_contents_freed, free_pages(), ROOM);
        }
        UNTIL(stays(&other));
        unmap(memory, size);
        MUST(close(fd));
        MUST(shm_unlink(OBJECT_NAME));
        EQ(shm_unlink_contents_freed, free_pages(), ROOM - PAGES);
        dismiss(&other);
}
