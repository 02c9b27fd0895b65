/* SPDX-License-Identifier: MIT
 *
 * ftruncate() on shared memory objects: the sizes and descriptors that it refuses, and memory that is not there.
 */
#include <limits.h>

#include "ipck_posix_shm.h"

enum { SIZE = 5000, RW = PROT_READ | PROT_WRITE };

static int object_with_pattern(char **memory)
{
        const int fd = new_shm(OBJECT_NAME, SIZE);

        *memory = map_shm(fd, SIZE, RW);
        fill_pattern(*memory, SIZE, 1);
        return fd;
}

static void expect_unchanged(enum ipck_requirement req, int fd, const char *memory)
{
        EQ(req, size_of(fd), SIZE);
        HOLDS(req, has_pattern(memory, SIZE, 1));
}

#define OFF_T_MAX ((off_t)((UINTMAX_C(1) << (8 * sizeof(off_t) - 1)) - 1))

TEST(negative_length_is_invalid, VERIFIES(ftruncate_shm_einval_negative))
{
        static const struct {
                const char *name;
                off_t length;
        } rows[] = {{"-1", -1}, {"-2", -2}, {"minus a page", -4096}, {"the lowest", -OFF_T_MAX - 1}};
        char *memory;
        const int fd = object_with_pattern(&memory);

        EACH_ROW(row, rows) {
                FAILS_WITH(ftruncate_shm_einval_negative, EINVAL, ftruncate(fd, row->length));
                expect_unchanged(ftruncate_shm_einval_negative, fd, memory);
        }
        EQ(ftruncate_shm_einval_negative, ftruncate(fd, 0), 0);
}

TEST(read_only_descriptor_cannot_set_the_size, VERIFIES(ftruncate_shm_ebadf_einval_rdonly, ftruncate_shm_einval_rdonly))
{
        static const off_t lengths[] = {0, 1, SIZE, SIZE + 1, 100000};
        char *memory;
        const int fd = object_with_pattern(&memory);
        const int reader = open_shm(O_RDONLY);

        for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
                const int result = ftruncate(reader, lengths[i]), error = errno;

                EQ(ftruncate_shm_ebadf_einval_rdonly, result, -1);
                HOLDS(ftruncate_shm_ebadf_einval_rdonly, error == EBADF || error == EINVAL);
                EQ(ftruncate_shm_einval_rdonly, error, EINVAL);
                expect_unchanged(ftruncate_shm_ebadf_einval_rdonly, fd, memory);
        }
        EQ(ftruncate_shm_ebadf_einval_rdonly, ftruncate(open_shm(O_RDWR), 1), 0);
}

TEST(descriptor_that_is_not_open, VERIFIES(ftruncate_shm_ebadf_closed))
{
        char *memory;
        const int fd = object_with_pattern(&memory);
        const int closed = open_shm(O_RDWR);

        MUST(close(closed));
        FAILS_WITH(ftruncate_shm_ebadf_closed, EBADF, ftruncate(closed, 1));
        FAILS_WITH(ftruncate_shm_ebadf_closed, EBADF, ftruncate(-1, 1));
        FAILS_WITH(ftruncate_shm_ebadf_closed, EBADF, ftruncate(INT_MAX, 1));
        expect_unchanged(ftruncate_shm_ebadf_closed, fd, memory);
        EQ(ftruncate_shm_ebadf_closed, ftruncate(fd, 1), 0);
}

TEST(largest_size_has_a_limit, VERIFIES(ftruncate_shm_efbig))
{
        const off_t page = (off_t)page_size();
        const off_t lengths[] = {OFF_T_MAX, OFF_T_MAX - 1, OFF_T_MAX / page * page, OFF_T_MAX / page * page - page};
        char *memory;
        const int fd = object_with_pattern(&memory);
        bool refused = false;

        any_size();
        for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
                const int result = ftruncate(fd, lengths[i]), error = errno;

                if (result == 0 && size_of(fd) == lengths[i]) {
                        /* It is not too large. */
                        MUST(ftruncate(fd, SIZE));
                        continue;
                }
                refused = true;
                EQ(ftruncate_shm_efbig, result, -1);
                HOLDS(ftruncate_shm_efbig, error == EFBIG || error == EINVAL);
                expect_unchanged(ftruncate_shm_efbig, fd, memory);
        }
        if (!refused)
                UNSUPPORTED("a length that off_t can hold and an object cannot have");
}

/* ---- RLIMIT_FSIZE ---- */

enum { LIMIT = 8000 };

TEST(soft_limit_of_file_sizes_holds, VERIFIES(ftruncate_shm_efbig_rlimit))
{
        static const off_t lengths[] = {LIMIT + 1, LIMIT + 4096, 1000000000};
        char *memory;
        const int fd = object_with_pattern(&memory);
        int signals = 0;

        catch_signal(SIGXFSZ, 0);
        set_rlimit(RLIMIT_FSIZE, LIMIT);
        for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
                FAILS_WITH(ftruncate_shm_efbig_rlimit, EFBIG, ftruncate(fd, lengths[i]));
                EQ(ftruncate_shm_efbig_rlimit, signals_caught(), ++signals);
                expect_unchanged(ftruncate_shm_efbig_rlimit, fd, memory);
        }
        EQ(ftruncate_shm_efbig_rlimit, ftruncate(fd, LIMIT), 0);
        EQ(ftruncate_shm_efbig_rlimit, size_of(fd), LIMIT);
        EQ(ftruncate_shm_efbig_rlimit, ftruncate(fd, LIMIT - 1), 0);
        EQ(ftruncate_shm_efbig_rlimit, signals_caught(), signals);
}

static sigset_t pending(void)
{
        sigset_t set;

        MUST(sigpending(&set));
        return set;
}

static void *exceed(void *arg)
{
        FAILS_WITH(ftruncate_shm_efbig_rlimit, EFBIG, ftruncate(*(const int *)arg, LIMIT + 1));
        const sigset_t set = pending();
        EQ(ftruncate_shm_efbig_rlimit, sigismember(&set, SIGXFSZ), 1);
        return NULL;
}

TEST(signal_is_for_the_calling_thread, VERIFIES(ftruncate_shm_efbig_rlimit))
{
        int fd = new_shm(OBJECT_NAME, SIZE);
        pthread_t thread;
        sigset_t mask;

        set_rlimit(RLIMIT_FSIZE, LIMIT);
        sigemptyset(&mask);
        sigaddset(&mask, SIGXFSZ);
        REQUIRE(pthread_sigmask(SIG_BLOCK, &mask, NULL) == 0);
        start_thread(&thread, exceed, &fd);
        REQUIRE(pthread_join(thread, NULL) == 0);
        /* One for the process would be pending here too. */
        const sigset_t set = pending();
        EQ(ftruncate_shm_efbig_rlimit, sigismember(&set, SIGXFSZ), 0);
}

/* ---- memory that is not there ---- */

TEST(size_can_exceed_the_memory, VERIFIES(ftruncate_shm_enospc_lazy))
{
        enum { ROOM = 4, PAGES = 10 };
        const size_t page = page_size();

        mount_pages(ROOM);
        const int fd = new_shm(OBJECT_NAME, 0);
        EQ(ftruncate_shm_enospc_lazy, ftruncate(fd, PAGES * (off_t)page), 0);
        EQ(ftruncate_shm_enospc_lazy, size_of(fd), PAGES * page);
        char *const memory = map_shm(fd, PAGES * page, RW);
        /* Any four of them. */
        for (size_t i = 0; i < ROOM; i++)
                EQ(ftruncate_shm_enospc_lazy, store_signal(memory + (PAGES - 1 - 2 * i) * page), 0);
        EQ(ftruncate_shm_enospc_lazy, store_signal(memory), SIGBUS);
        EQ(ftruncate_shm_enospc_lazy, store_signal(memory + (PAGES - 2) * page), SIGBUS);
        EQ(ftruncate_shm_enospc_lazy, store_signal(memory + (PAGES - 1) * page), 0);
        EQ(ftruncate_shm_enospc_lazy, size_of(fd), PAGES * page);
        /* What was cut off can be used for others. */
        MUST(ftruncate(fd, (PAGES - 1) * (off_t)page));
        EQ(ftruncate_shm_enospc_lazy, store_signal(memory), 0);
        EQ(ftruncate_shm_enospc_lazy, store_signal(memory + page), SIGBUS);
}
