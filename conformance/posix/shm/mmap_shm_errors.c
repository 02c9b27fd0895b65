/* SPDX-License-Identifier: MIT
 *
 * mmap() of shared memory objects: the calls that fail. Beside each stands one that differs in a single argument and
 * succeeds.
 */
#include <limits.h>

#include "ipck_posix_shm.h"

enum { RW = PROT_READ | PROT_WRITE };

static void *map(size_t size, int flags, int fd, off_t offset)
{
        return mmap(NULL, size, RW, flags, fd, offset);
}

TEST(empty_mapping_is_invalid, VERIFIES(mmap_shm_einval_len0))
{
        static const struct {
                const char *name;
                off_t size;
        } rows[] = {{"empty", 0}, {"one byte", 1}, {"pages", 100000}};
        const int fd = new_shm(OBJECT_NAME, 0);

        EACH_ROW(row, rows) {
                MUST(ftruncate(fd, row->size));
                FAILS_WITH(mmap_shm_einval_len0, EINVAL, map(0, MAP_SHARED, fd, 0));
                FAILS_WITH(mmap_shm_einval_len0, EINVAL, map(0, MAP_PRIVATE, fd, 0));
                HOLDS(mmap_shm_einval_len0, map(1, MAP_SHARED, fd, 0) != MAP_FAILED);
        }
}

TEST(mapping_is_shared_or_private, VERIFIES(mmap_shm_einval_flags))
{
        const size_t page = page_size();
        const int fd = new_shm(OBJECT_NAME, (off_t)page);
        void *const place = map(page, MAP_SHARED, fd, 0);

        REQUIRE(place != MAP_FAILED);
        FAILS_WITH(mmap_shm_einval_flags, EINVAL, map(page, 0, fd, 0));
        FAILS_WITH(mmap_shm_einval_flags, EINVAL, mmap(place, page, RW, MAP_FIXED, fd, 0));
        FAILS_WITH(mmap_shm_einval_flags, EINVAL, map(page, MAP_NORESERVE, fd, 0));
        HOLDS(mmap_shm_einval_flags, mmap(place, page, RW, MAP_FIXED | MAP_SHARED, fd, 0) == place);
        HOLDS(mmap_shm_einval_flags, map(page, MAP_PRIVATE, fd, 0) != MAP_FAILED);
}

TEST(offset_inside_a_page, VERIFIES(mmap_shm_einval_offset))
{
        const size_t page = page_size();
        const int fd = new_shm(OBJECT_NAME, 2 * (off_t)page);
        const bool made = map(page, MAP_SHARED, fd, (off_t)page / 2) != MAP_FAILED;

        OBSERVE(mmap_shm_einval_offset, "%s", made ? "mapped" : errno_name(errno));
}

TEST(mappings_begin_with_pages, VERIFIES(mmap_shm_einval_offset_linux))
{
        const size_t page = page_size(), parts[] = {1, 512, page / 2, page - 1};
        const int fd = new_shm(OBJECT_NAME, 3 * (off_t)page);
        char *const place = map(2 * page, MAP_SHARED, fd, 0);

        REQUIRE(place != MAP_FAILED);
        for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
                FAILS_WITH(mmap_shm_einval_offset_linux, EINVAL, map(page, MAP_SHARED, fd, (off_t)parts[i]));
                FAILS_WITH(mmap_shm_einval_offset_linux, EINVAL, map(page, MAP_SHARED, fd, (off_t)(page + parts[i])));
                FAILS_WITH(mmap_shm_einval_offset_linux, EINVAL,
                           mmap(place + parts[i], page, RW, MAP_SHARED | MAP_FIXED, fd, 0));
                /* As a mere hint it is no error. */
                HOLDS(mmap_shm_einval_offset_linux,
                      mmap(place + parts[i], page, RW, MAP_SHARED, fd, 0) != MAP_FAILED);
        }
        HOLDS(mmap_shm_einval_offset_linux, map(page, MAP_SHARED, fd, (off_t)page) != MAP_FAILED);
        HOLDS(mmap_shm_einval_offset_linux,
              mmap(place + page, page, RW, MAP_SHARED | MAP_FIXED, fd, 0) == place + page);
}

TEST(descriptor_that_is_not_open, VERIFIES(mmap_shm_ebadf))
{
        const int fd = new_shm(OBJECT_NAME, 1), closed = (int)MUST(dup(fd));

        MUST(close(closed));
        FAILS_WITH(mmap_shm_ebadf, EBADF, map(1, MAP_SHARED, closed, 0));
        FAILS_WITH(mmap_shm_ebadf, EBADF, map(1, MAP_PRIVATE, closed, 0));
        FAILS_WITH(mmap_shm_ebadf, EBADF, map(1, MAP_SHARED, -1, 0));
        FAILS_WITH(mmap_shm_ebadf, EBADF, map(1, MAP_SHARED, INT_MAX, 0));
        HOLDS(mmap_shm_ebadf, map(1, MAP_SHARED, fd, 0) != MAP_FAILED);
}

/* ---- room ---- */

/* Where the address space has 64 bits, what is more than a file's largest offset may be found too large for the file. */
static bool is_too_much(uint64_t size, int error)
{
        return error == ENOMEM || (error == EOVERFLOW && size > INT64_MAX);
}

TEST(no_address_space_is_as_large, VERIFIES(mmap_shm_enomem))
{
        const size_t page = page_size();
        const struct {
                const char *name;
                size_t size;
        } rows[] = {
                {"all but a page", SIZE_MAX - page + 1}, {"all", SIZE_MAX}, {"15 of 16 parts", SIZE_MAX / 16 * 15},
        };
        const int fd = new_shm(OBJECT_NAME, 1);

        EACH_ROW(row, rows) {
                HOLDS(mmap_shm_enomem, map(row->size, MAP_SHARED, fd, 0) == MAP_FAILED && is_too_much(row->size, errno));
                HOLDS(mmap_shm_enomem, map(row->size, MAP_PRIVATE, fd, 0) == MAP_FAILED && is_too_much(row->size, errno));
        }
        HOLDS(mmap_shm_enomem, map(16 * page, MAP_SHARED, fd, 0) != MAP_FAILED);
}

TEST(address_space_can_be_limited, VERIFIES(mmap_shm_enomem))
{
        const int fd = new_shm(OBJECT_NAME, 1);

        /* Less than what is in use; it holds for nothing but the call. */
        const rlim_t before = set_rlimit(RLIMIT_AS, page_size());
        void *const place = map(1, MAP_SHARED, fd, 0);
        const int error = errno;
        set_rlimit(RLIMIT_AS, before);
        HOLDS(mmap_shm_enomem, place == MAP_FAILED);
        EQ(mmap_shm_enomem, error, ENOMEM);
        HOLDS(mmap_shm_enomem, map(1, MAP_SHARED, fd, 0) != MAP_FAILED);
}

TEST(last_byte_must_have_an_offset, VERIFIES(mmap_shm_eoverflow))
{
        const size_t page = page_size();
        const off_t last = (off_t)(INT64_MAX / (int64_t)page * (int64_t)page);
        const int fd = new_shm(OBJECT_NAME, 1);

        if (sizeof(void *) < sizeof(int64_t))
                UNSUPPORTED("a 64-bit program: others cannot name such offsets");
        FAILS_WITH(mmap_shm_eoverflow, EOVERFLOW, map(2 * page, MAP_SHARED, fd, last));
        FAILS_WITH(mmap_shm_eoverflow, EOVERFLOW, map(2 * page, MAP_PRIVATE, fd, last));
        FAILS_WITH(mmap_shm_eoverflow, EOVERFLOW, map(3 * page, MAP_SHARED, fd, last - (off_t)page));
        FAILS_WITH(mmap_shm_eoverflow, EOVERFLOW, map((size_t)1 << 30, MAP_SHARED, fd, last - (off_t)page));
        HOLDS(mmap_shm_eoverflow, map(page, MAP_SHARED, fd, last - (off_t)page) != MAP_FAILED);
}

/* ---- nothing changes ---- */

TEST(failed_call_keeps_the_mappings, VERIFIES(mmap_shm_fail_no_effect))
{
        const size_t page = page_size();
        const int fd = new_shm(OBJECT_NAME, 3 * (off_t)page), closed = (int)MUST(dup(fd));
        char *const memory = map(3 * page, MAP_SHARED, fd, 0);
        const struct {
                const char *name;
                size_t size;
                int flags, fd, error;
        } rows[] = {
                {"EBADF", page, MAP_SHARED | MAP_FIXED, closed, EBADF},
                {"EINVAL of the flags", page, MAP_FIXED, fd, EINVAL},
                {"EINVAL of the length", 0, MAP_SHARED | MAP_FIXED, fd, EINVAL},
        };

        REQUIRE(memory != MAP_FAILED);
        MUST(close(closed));
        fill_pattern(memory, 3 * page, 1);
        EACH_ROW(row, rows) {
                FAILS_WITH(mmap_shm_fail_no_effect, row->error,
                           mmap(memory + page, row->size, RW, row->flags, row->fd, 0));
                for (size_t byte = 0; byte < 3 * page; byte += page)
                        EQ(mmap_shm_fail_no_effect, store_signal(memory + byte), 0);
                HOLDS(mmap_shm_fail_no_effect, has_pattern(memory, 3 * page, 1));
        }
}
