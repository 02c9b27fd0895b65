/* SPDX-License-Identifier: MIT
 *
 * fstat() on shared memory objects: what it tells of them.
 */
#include <limits.h>

#include "ipck_posix_shm.h"

enum { RW = PROT_READ | PROT_WRITE };

TEST(size_in_bytes, VERIFIES(fstat_shm_size))
{
        static const off_t sizes[] = {0, 1, 511, 512, 513, 4095, 4096, 4097, 65536, 1000000, INT_MAX};
        const int fd = new_shm(OBJECT_NAME, 0), reader = open_shm(O_RDONLY);

        any_size();
        EQ(fstat_shm_size, size_of(fd), 0);
        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
                MUST(ftruncate(fd, sizes[i]));
                EQ(fstat_shm_size, size_of(fd), sizes[i]);
                EQ(fstat_shm_size, size_of(reader), sizes[i]);
        }
}

TEST(size_above_32_bits, VERIFIES(fstat_shm_size))
{
        const int64_t sizes[] = {INT64_C(0x80000000), INT64_C(0xffffffff), INT64_C(0x100000000), INT64_C(0x500000001)};
        const int fd = new_shm(OBJECT_NAME, 0);

        if (sizeof(off_t) < sizeof(int64_t))
                UNSUPPORTED("an off_t of 64 bits");
        any_size();
        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
                MUST(ftruncate(fd, (off_t)sizes[i]));
                EQ(fstat_shm_size, size_of(fd), sizes[i]);
        }
}

TEST(size_that_does_not_fit_is_no_size, VERIFIES(fstat_shm_eoverflow))
{
#ifdef __GLIBC__
        const int fd = new_shm(OBJECT_NAME, 0);
        struct stat st;

        if (sizeof(off_t) == sizeof(off64_t))
                UNSUPPORTED("an off_t that cannot hold all sizes");
        any_size();
        MUST(ftruncate64(fd, INT32_MAX));
        EQ(fstat_shm_eoverflow, fstat(fd, &st), 0);
        EQ(fstat_shm_eoverflow, st.st_size, INT32_MAX);
        MUST(ftruncate64(fd, INT64_C(1) << 31));
        FAILS_WITH(fstat_shm_eoverflow, EOVERFLOW, fstat(fd, &st));
        MUST(ftruncate64(fd, INT64_C(1) << 32));
        FAILS_WITH(fstat_shm_eoverflow, EOVERFLOW, fstat(fd, &st));
        MUST(ftruncate64(fd, 10));
        EQ(fstat_shm_eoverflow, fstat(fd, &st), 0);
        EQ(fstat_shm_eoverflow, st.st_size, 10);
#else
        UNSUPPORTED("an off_t that cannot hold all sizes");
#endif
}

/* ---- owner and mode ---- */

TEST(owner_and_group, VERIFIES(fstat_shm_uid, fstat_shm_gid))
{
        struct child creator, other;
        struct stat st;

        CHILD(&creator) {
                become(USER_A, GROUP_A, NULL, 0);
                st = fstat_of(new_shm(OBJECT_NAME, 1));
                EQ(fstat_shm_uid, st.st_uid, USER_A);
                EQ(fstat_shm_gid, st.st_gid, GROUP_A);
                MUST(fchmod(open_shm(O_RDWR), 0644));
        }
        join(&creator);
        CHILD(&other) {
                become(USER_B, GROUP_B, NULL, 0);
                st = fstat_of(open_shm(O_RDONLY));
                EQ(fstat_shm_uid, st.st_uid, USER_A);
                EQ(fstat_shm_gid, st.st_gid, GROUP_A);
        }
        join(&other);
        const int fd = open_shm(O_RDWR);
        MUST(fchown(fd, USER_C, GROUP_B));
        st = fstat_of(fd);
        EQ(fstat_shm_uid, st.st_uid, USER_C);
        EQ(fstat_shm_gid, st.st_gid, GROUP_B);
}

TEST(own_object_has_the_own_ids, VERIFIES(fstat_shm_uid, fstat_shm_gid))
{
        const struct stat st = fstat_of(new_shm(OBJECT_NAME, 1));

        EQ(fstat_shm_uid, st.st_uid, geteuid());
        EQ(fstat_shm_gid, st.st_gid, getegid());
}

TEST(all_permission_bits, VERIFIES(fstat_shm_mode))
{
        static const mode_t bits[] = {
                S_IRUSR, S_IWUSR, S_IRGRP, S_IWGRP, S_IROTH, S_IWOTH, 0, S_IRUSR | S_IWGRP | S_IROTH,
                S_IWUSR | S_IRGRP | S_IWOTH, 0666,
        };
        const int fd = new_shm(OBJECT_NAME, 1);

        for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++) {
                MUST(fchmod(fd, bits[i]));
                EQ(fstat_shm_mode, fstat_of(fd).st_mode & 0666, bits[i]);
        }
}

/* ---- what Linux's files have ---- */

TEST(object_is_a_regular_file, VERIFIES(fstat_shm_type_regular))
{
        const int fd = new_shm(OBJECT_NAME, 1);

        EQ(fstat_shm_type_regular, fstat_of(fd).st_mode & S_IFMT, S_IFREG);
        EQ(fstat_shm_type_regular, fstat_of(open_shm(O_RDONLY)).st_mode & S_IFMT, S_IFREG);
        MUST(shm_unlink(OBJECT_NAME));
        EQ(fstat_shm_type_regular, fstat_of(fd).st_mode & S_IFMT, S_IFREG);
}

TEST(name_is_a_link, VERIFIES(fstat_shm_nlink_after_unlink))
{
        const int fd = new_shm(OBJECT_NAME, 1);

        EQ(fstat_shm_nlink_after_unlink, fstat_of(fd).st_nlink, 1);
        EQ(fstat_shm_nlink_after_unlink, fstat_of(open_shm(O_RDWR)).st_nlink, 1);
        MUST(shm_unlink(OBJECT_NAME));
        EQ(fstat_shm_nlink_after_unlink, fstat_of(fd).st_nlink, 0);
        EQ(fstat_shm_nlink_after_unlink, fstat_of(new_shm(OBJECT_NAME, 1)).st_nlink, 1);
        EQ(fstat_shm_nlink_after_unlink, fstat_of(fd).st_nlink, 0);
}

TEST(device_and_inode_tell_objects_apart, VERIFIES(fstat_shm_same_object))
{
        const int fd = new_shm(OBJECT_NAME, 1), other_object = new_shm("/other", 1);
        const struct stat st = fstat_of(fd);
        const int same[] = {open_shm(O_RDONLY), open_shm(O_RDWR), (int)MUST(dup(fd)), open_shm(O_RDWR | O_TRUNC)};

        for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
                EQ(fstat_shm_same_object, fstat_of(same[i]).st_dev, st.st_dev);
                EQ(fstat_shm_same_object, fstat_of(same[i]).st_ino, st.st_ino);
        }
        EQ(fstat_shm_same_object, fstat_of(other_object).st_dev, st.st_dev);
        HOLDS(fstat_shm_same_object, fstat_of(other_object).st_ino != st.st_ino);
        MUST(shm_unlink(OBJECT_NAME));
        HOLDS(fstat_shm_same_object, fstat_of(new_shm(OBJECT_NAME, 1)).st_ino != st.st_ino);
        EQ(fstat_shm_same_object, fstat_of(fd).st_ino, st.st_ino);
}

TEST(blocks_are_the_memory_in_use, VERIFIES(fstat_shm_blocks))
{
        const size_t page = page_size();
        const blkcnt_t blocks = (blkcnt_t)(page / 512);

        mount_dev_shm(0, "mode=1777,huge=never");
        const int fd = new_shm(OBJECT_NAME, 10 * (off_t)page);
        char *const memory = map_shm(fd, 10 * page, RW);
        EQ(fstat_shm_blocks, fstat_of(fd).st_blocks, 0);
        for (blkcnt_t i = 1; i <= 5; i++) {
                memory[2 * (size_t)(i - 1) * page] = 1;
                EQ(fstat_shm_blocks, fstat_of(fd).st_blocks, i * blocks);
        }
        memory[1] = 1;
        EQ(fstat_shm_blocks, fstat_of(fd).st_blocks, 5 * blocks);
        MUST(ftruncate(fd, 3 * (off_t)page));
        EQ(fstat_shm_blocks, fstat_of(fd).st_blocks, 2 * blocks);
        MUST(ftruncate(fd, 0));
        EQ(fstat_shm_blocks, fstat_of(fd).st_blocks, 0);
}

/* ---- errors ---- */

TEST(descriptor_that_is_not_open, VERIFIES(fstat_shm_ebadf))
{
        const int fd = new_shm(OBJECT_NAME, 1), closed = (int)MUST(dup(fd));
        struct stat st;

        MUST(close(closed));
        FAILS_WITH(fstat_shm_ebadf, EBADF, fstat(closed, &st));
        FAILS_WITH(fstat_shm_ebadf, EBADF, fstat(-1, &st));
        FAILS_WITH(fstat_shm_ebadf, EBADF, fstat(INT_MAX, &st));
        EQ(fstat_shm_ebadf, fstat(fd, &st), 0);
}

TEST(times_begin_with_the_object, VERIFIES(fstat_shm_times), MOSTLY_WAITS)
{
        const time_t before = now();
        /* Without ftruncate(), which sets two of them. */
        const int fd = (int)MUST(shm_open(OBJECT_NAME, O_RDWR | O_CREAT | O_EXCL, 0600));
        const struct stat created = fstat_of(fd);

        BETWEEN(fstat_shm_times, before, created.st_atime, now());
        BETWEEN(fstat_shm_times, before, created.st_mtime, now());
        BETWEEN(fstat_shm_times, before, created.st_ctime, now());
        next_second(created.st_ctime);
        const time_t later = now();
        MUST(shm_unlink(OBJECT_NAME));
        const struct stat unlinked = fstat_of(fd);
        BETWEEN(fstat_shm_times, later, unlinked.st_ctime, now());
        EQ(fstat_shm_times, unlinked.st_mtime, created.st_mtime);
}
