/* SPDX-License-Identifier: MIT
 *
 * shmget(): the limits on segments and their sizes, set in the test's own namespace so that they can be reached.
 */
#include <limits.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "ipck_shm.h"

static void set_limit(const char *name, uintmax_t value)
{
        char text[32];

        snprintf(text, sizeof(text), "%ju", value);
        set_sysctl(name, text);
}

static bool same_usage(const struct shm_info *a, const struct shm_info *b)
{
        return a->used_ids == b->used_ids && a->shm_tot == b->shm_tot;
}

/* ---- kernel.shmmax ---- */

TEST(size_over_shmmax_is_refused, VERIFIES(shmget_einval_size_over_max))
{
        const size_t page = page_size();
        const struct {
                const char *name;
                size_t most;
        } rows[] = {{"two pages", 2 * page}, {"two pages and a byte", 2 * page + 1}, {"1 byte", 1}};
        const key_t key = fresh_key();

        EACH_ROW(row, rows) {
                set_limit("kernel/shmmax", row->most);
                FAILS_WITH(shmget_einval_size_over_max, EINVAL, shmget(IPC_PRIVATE, row->most + 1, IPC_CREAT | 0600));
                FAILS_WITH(shmget_einval_size_over_max, EINVAL, shmget(key, row->most + 1, IPC_CREAT | 0600));
                EQ(shmget_einval_size_over_max, shmget(key, 0, 0), -1);
                const int segment = shmget(key, row->most, IPC_CREAT | 0600);
                EQ(shmget_einval_size_over_max, worked(segment), 0);
                MUST(shmctl(segment, IPC_RMID, NULL));
        }
}

TEST(larger_segments_survive_a_lower_shmmax, VERIFIES(shmget_lookup_existing, shmget_einval_size_over_max))
{
        const size_t page = page_size();
        const key_t key = fresh_key();

        set_limit("kernel/shmmax", 2 * page);
        const int segment = segment_must_fit(shmget(key, 2 * page, IPC_CREAT | 0600), 2 * page);
        set_limit("kernel/shmmax", page);
        FAILS_WITH(shmget_einval_size_over_max, EINVAL, shmget(IPC_PRIVATE, 2 * page, IPC_CREAT | 0600));
        EQ(shmget_lookup_existing, shmget(key, 2 * page, IPC_CREAT | 0600), segment);
        detach(attach(segment, 0));
}

/* ---- sizes that no memory has ---- */

static void refuse_size(size_t size)
{
        const key_t key = fresh_key();
        const struct shm_info before = shm_usage();

        HOLDS(shmget_einval_size_max_value,
              shmget(IPC_PRIVATE, size, IPC_CREAT | 0600) == -1 && (errno == EINVAL || errno == ENOSPC));
        HOLDS(shmget_einval_size_max_value,
              shmget(key, size, IPC_CREAT | SHM_NORESERVE | 0600) == -1 && (errno == EINVAL || errno == ENOSPC));
        EQ(shmget_einval_size_max_value, shmget(key, 0, 0), -1);
        const struct shm_info after = shm_usage();
        HOLDS(shmget_einval_size_max_value, same_usage(&before, &after));
}

/* A 32-bit program cannot ask a 64-bit kernel for more than there are addresses. */
static void need_sizes_without_end(void)
{
        struct utsname name;

        MUST(uname(&name));
        if (sizeof(size_t) < 8 && strstr(name.machine, "64"))
                UNSUPPORTED("sizes as large as the kernel's addresses");
}

TEST(greatest_size_is_refused, VERIFIES(shmget_einval_size_max_value))
{
        need_sizes_without_end();
        MUST(shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
        refuse_size(SIZE_MAX);
}

static void lift_limits(void)
{
        set_limit("kernel/shmmax", ULONG_MAX);
        set_limit("kernel/shmall", ULONG_MAX);
        need_sizes_without_end();
        REQUIRE(shm_limits().shmmax == ULONG_MAX && shm_limits().shmall == ULONG_MAX);
}

/* Rounded up to pages, these are 0. */
TEST(sizes_that_overflow_in_rounding_are_refused, VERIFIES(shmget_einval_size_max_value))
{
        const struct {
                const char *name;
                size_t size;
        } rows[] = {{"SIZE_MAX", SIZE_MAX}, {"least that overflows", SIZE_MAX - page_size() + 2}};

        lift_limits();
        EACH_ROW(row, rows)
                refuse_size(row->size);
        MUST(shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
}

/* Segments of half the addresses each, without memory, until another one would bring the sum of their pages round. */
TEST(total_of_pages_does_not_overflow, VERIFIES(shmget_enospc_shmall_overflow), KERNEL_ALONE)
{
        enum { MOST = 32768 };
        const size_t page = page_size(), size = SIZE_MAX / 2 / page * page;
        const unsigned long pages = size / page;

        lift_limits();
        set_limit("kernel/shmmni", MOST);
        const struct shm_info start = shm_usage();
        const unsigned long fitting = (ULONG_MAX - start.shm_tot) / pages;
        if (fitting + (unsigned long)start.used_ids >= MOST)
                UNSUPPORTED("a page total that %d segments can reach", MOST);
        for (unsigned long i = 0; i < fitting; i++)
                if (shmget(IPC_PRIVATE, size, SHM_NORESERVE | IPC_CREAT | 0600) == -1)
                        UNSUPPORTED("segments without memory for them (%s)", errno_name(errno));

        const struct shm_info before = shm_usage();
        EQ(shmget_enospc_shmall_overflow, before.shm_tot, start.shm_tot + fitting * pages);
        const int segment = shmget(IPC_PRIVATE, size, SHM_NORESERVE | IPC_CREAT | 0600);
        HOLDS(shmget_enospc_shmall_overflow, segment == -1 && (errno == ENOSPC || errno == ENOMEM));
        const struct shm_info after = shm_usage();
        HOLDS(shmget_enospc_shmall_overflow, same_usage(&before, &after));
        /* What is left of the total can still be had. */
        EQ(shmget_enospc_shmall_overflow, worked(shmget(IPC_PRIVATE, page, IPC_CREAT | 0600)), 0);
}

/* ---- kernel.shmmni ---- */

TEST(number_of_segments_is_limited, VERIFIES(shmget_enospc_shmmni))
{
        const int present = shm_usage().used_ids;
        const key_t key = fresh_key(), other = fresh_key();

        set_limit("kernel/shmmni", (uintmax_t)present + 3);
        new_segment(1, 0600);
        const int second = new_segment(1, 0600);
        const int keyed = segment_must_fit(shmget(key, 1, IPC_CREAT | 0600), 1);

        FAILS_WITH(shmget_enospc_shmmni, ENOSPC, shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
        FAILS_WITH(shmget_enospc_shmmni, ENOSPC, shmget(other, 1, IPC_CREAT | 0600));
        EQ(shmget_enospc_shmmni, shmget(other, 0, 0), -1);
        EQ(shmget_enospc_shmmni, shm_usage().used_ids, present + 3);
        /* What exists can still be found. */
        EQ(shmget_enospc_shmmni, shmget(key, 1, IPC_CREAT | 0600), keyed);
        MUST(shmctl(second, IPC_RMID, NULL));
        EQ(shmget_enospc_shmmni, worked(shmget(other, 1, IPC_CREAT | 0600)), 0);
        FAILS_WITH(shmget_enospc_shmmni, ENOSPC, shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
        /* The limit alone stood in the way. */
        set_limit("kernel/shmmni", (uintmax_t)present + 4);
        EQ(shmget_enospc_shmmni, worked(shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600)), 0);
        FAILS_WITH(shmget_enospc_shmmni, ENOSPC, shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
}

/* ---- kernel.shmall ---- */

/* Room for that many pages more than there are in use, and for segments enough. */
static void leave_pages(unsigned long pages)
{
        const struct shm_info use = shm_usage();

        set_limit("kernel/shmmni", (uintmax_t)use.used_ids + 100);
        set_limit("kernel/shmall", (uintmax_t)use.shm_tot + pages);
}

TEST(number_of_pages_is_limited, VERIFIES(shmget_enospc_shmall))
{
        const size_t page = page_size();
        const key_t key = fresh_key();

        leave_pages(10);
        new_segment(6 * page, 0600);
        FAILS_WITH(shmget_enospc_shmall, ENOSPC, shmget(IPC_PRIVATE, 5 * page, IPC_CREAT | 0600));
        /* Whole pages count. */
        FAILS_WITH(shmget_enospc_shmall, ENOSPC, shmget(key, 4 * page + 1, IPC_CREAT | 0600));
        EQ(shmget_enospc_shmall, shmget(key, 0, 0), -1);
        EQ(shmget_enospc_shmall, worked(shmget(key, 3 * page + 1, IPC_CREAT | 0600)), 0);
        FAILS_WITH(shmget_enospc_shmall, ENOSPC, shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
        leave_pages(1);
        EQ(shmget_enospc_shmall, worked(shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600)), 0);
        FAILS_WITH(shmget_enospc_shmall, ENOSPC, shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
}

TEST(pages_of_a_destroyed_segment_can_be_had_again, VERIFIES(shmget_enospc_shmall_freed))
{
        const size_t page = page_size();

        leave_pages(10);
        new_segment(6 * page, 0600);
        int segment = new_segment(3 * page + 1, 0600);

        /* Several times: too little or too much given back would add up. */
        for (int round = 0; round < 10; round++) {
                REQUIRE(shmget(IPC_PRIVATE, 4 * page, IPC_CREAT | 0600) == -1 && errno == ENOSPC);
                MUST(shmctl(segment, IPC_RMID, NULL));
                EQ(shmget_enospc_shmall_freed, shmget(IPC_PRIVATE, 5 * page, IPC_CREAT | 0600), -1);
                EQ(shmget_enospc_shmall_freed, worked(segment = shmget(IPC_PRIVATE, 4 * page, IPC_CREAT | 0600)), 0);
        }
}

TEST(pages_of_an_attached_segment_are_not_free, VERIFIES(shmget_enospc_shmall_freed))
{
        const size_t page = page_size();

        leave_pages(4);
        const int segment = new_segment(4 * page, 0600);
        const char *const memory = attach(segment, 0);
        REQUIRE(shmget(IPC_PRIVATE, 4 * page, IPC_CREAT | 0600) == -1 && errno == ENOSPC);
        MUST(shmctl(segment, IPC_RMID, NULL));
        EQ(shmget_enospc_shmall_freed, shmget(IPC_PRIVATE, 4 * page, IPC_CREAT | 0600), -1);
        detach(memory);
        EQ(shmget_enospc_shmall_freed, worked(shmget(IPC_PRIVATE, 4 * page, IPC_CREAT | 0600)), 0);
}
