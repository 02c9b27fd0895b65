/* SPDX-License-Identifier: MIT
 *
 * shmat() at the limits of the process: its address space, the number of its mappings, and its locked memory.
 */
#include <linux/capability.h>
#include <stdio.h>

#include "ipck_shm.h"

enum { MIB = 1 << 20 };

/* ---- address space ---- */

TEST(segment_larger_than_what_is_free_does_not_fit, VERIFIES(shmat_enomem_space))
{
        const size_t most = SIZE_MAX / MIB * MIB, first = sizeof(size_t) == 8 ? (size_t)1 << 36 : (size_t)64 * MIB;
        bool fits = true;

        /* Ever larger ones; nothing is stored in them. No address space is larger than the last. */
        for (size_t size = first; fits; size = size < most / 2 ? 2 * size : most) {
                const int segment = shmget(IPC_PRIVATE, size, IPC_CREAT | SHM_NORESERVE | 0600);
                if (segment == -1)
                        UNSUPPORTED("segments as large as the address space (%zu bytes: %s)", size, errno_name(errno));
                const int64_t began = monotonic_ns();
                void *const place = shmat(segment, NULL, 0);
                const int error = errno;
                if (monotonic_ns() - began > 1000000000)
                        UNSUPPORTED("segments as large as the address space (to attach %zu bytes takes seconds)", size);
                fits = place != SHM_FAILED;
                REQUIRE(fits ? size < most : size > first);
                if (fits) {
                        detach(place);
                } else {
                        EQ(shmat_enomem_space, error, ENOMEM);
                        EQ(shmat_enomem_space, nattch(segment), 0);
                }
                MUST(shmctl(segment, IPC_RMID, NULL));
        }
}

/* The limit holds for nothing but the call: what a verdict needs of memory must not count. */
static void *attach_below(rlim_t limit, int segment)
{
        const rlim_t before = set_rlimit(RLIMIT_AS, limit);
        void *const place = shmat(segment, NULL, 0);
        const int error = errno;
        set_rlimit(RLIMIT_AS, before);
        errno = error;
        return place;
}

TEST(address_space_limit_is_kept, VERIFIES(shmat_enomem_rlimit_as, shmat_fail_nattch_restored))
{
        const size_t size = 64 * MIB;
        const int segment = new_segment(size, 0600), small = new_segment(page_size(), 0600);

        /* The program itself takes something, too. */
        FAILS_WITH(shmat_enomem_rlimit_as, ENOMEM, attach_below(size, segment));
        EQ(shmat_fail_nattch_restored, nattch(segment), 0);
        FAILS_WITH(shmat_enomem_rlimit_as, ENOMEM, attach_below(page_size(), small));
        HOLDS(shmat_enomem_rlimit_as, attach_below(16 * size, segment) != SHM_FAILED);
        EQ(shmat_fail_nattch_restored, nattch(segment), 1);
        FAILS_WITH(shmat_enomem_rlimit_as, ENOMEM, attach_below(2 * size, segment));
        EQ(shmat_fail_nattch_restored, nattch(segment), 1);
}

TEST(failed_mapping_keeps_a_removed_segment_alive, VERIFIES(shmat_fail_nattch_restored))
{
        const size_t size = 64 * MIB;
        const int segment = new_segment(size, 0600);
        char *const place = attach(segment, 0);

        fill_pattern(place, page_size(), 1);
        MUST(shmctl(segment, IPC_RMID, NULL));
        FAILS_WITH(shmat_fail_nattch_restored, ENOMEM, attach_below(2 * size, segment));
        EQ(shmat_fail_nattch_restored, nattch(segment), 1);
        HOLDS(shmat_fail_nattch_restored, has_pattern(place, page_size(), 1));
        detach(place);
        EQ(shmat_fail_nattch_restored, nattch(segment), -1);
}

/* ---- number of mappings ---- */

/* Makes mappings until the process may have no more of them. */
static void fill_table_of_mappings(size_t limit)
{
        const size_t page = page_size();
        char *const area = mmap(NULL, (limit + 64) * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        size_t i = 1;

        if (area == MAP_FAILED)
                UNSUPPORTED("%zu pages of address space (%s)", limit + 64, errno_name(errno));
        /* Every second page becomes a mapping of its own, and so do those between. */
        while (i < limit + 64 && mprotect(area + i * page, page, PROT_READ) == 0)
                i += 2;
        REQUIRE(i < limit + 64 && errno == ENOMEM);
        for (i = 0; i < 8 && mmap(NULL, page, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED; i++) {
        }
        REQUIRE(i < 8 && errno == ENOMEM);
}

TEST(number_of_mappings_is_limited, VERIFIES(shmat_enomem_max_map_count), KERNEL_ALONE)
{
        enum { MOST = 300000 };
        const int segment = new_segment(page_size(), 0600);
        char text[32];

        if (read_file("/proc/sys/vm/max_map_count", text, sizeof(text)) <= 0)
                UNSUPPORTED("/proc/sys/vm/max_map_count (%s)", errno_name(errno));
        const long limit = atol(text);
        if (limit > MOST)
                UNSUPPORTED("a vm.max_map_count that can be reached quickly, %d or less (it is %ld)", MOST, limit);
        char *const spare = attach(segment, 0);
        fill_table_of_mappings((size_t)limit);
        FAILS_WITH(shmat_enomem_max_map_count, ENOMEM, shmat(segment, NULL, 0));
        EQ(shmat_enomem_max_map_count, nattch(segment), 1);
        detach(spare);
        HOLDS(shmat_enomem_max_map_count, shmat(segment, NULL, 0) != SHM_FAILED);
        FAILS_WITH(shmat_enomem_max_map_count, ENOMEM, shmat(segment, NULL, 0));
        EQ(shmat_enomem_max_map_count, nattch(segment), 1);
}

/* ---- locked memory ---- */

/* Few enough for the limit that systems have had by default, 64 KiB. */
enum { PAGES = 6 };

static void lock_future_mappings(void)
{
        if (mlockall(MCL_FUTURE) == -1)
                UNSUPPORTED("mlockall(MCL_FUTURE) (%s)", errno_name(errno));
}

static size_t resident_pages(void *place)
{
        unsigned char resident[PAGES];
        size_t count = 0;

        MUST(mincore(place, PAGES * page_size(), resident));
        for (int i = 0; i < PAGES; i++)
                count += resident[i] & 1;
        return count;
}

static long locked_kib(void)
{
        char text[8192];
        const char *line = read_file("/proc/self/status", text, sizeof(text)) > 0 ? strstr(text, "\nVmLck:") : NULL;
        long kib;

        if (!line || sscanf(line, " VmLck: %ld", &kib) != 1)
                UNSUPPORTED("VmLck in /proc/self/status");
        return kib;
}

TEST(attachment_is_locked_after_mlockall, VERIFIES(shmat_mlockall_future))
{
        const size_t size = PAGES * page_size();
        const int segment = new_segment(size, 0600), other = new_segment(size, 0600);

        if (!has_capability(CAP_IPC_LOCK))
                set_rlimit(RLIMIT_MEMLOCK, 2 * size);
        /* Without it, an attachment has no page. */
        if (resident_pages(attach(other, 0)) != 0)
                UNSUPPORTED("mincore() that tells pages that are not there");
        lock_future_mappings();
        const long before = locked_kib();
        char *const place = attach(segment, 0);
        EQ(shmat_mlockall_future, resident_pages(place), PAGES);
        EQ(shmat_mlockall_future, locked_kib() - before, size / 1024);
        HOLDS(shmat_mlockall_future, all_bytes(place, size, 0));
        detach(place);
        EQ(shmat_mlockall_future, locked_kib(), before);
}

TEST(attachment_beyond_the_lock_limit_is_refused, VERIFIES(shmat_eagain_memlock))
{
        const size_t size = PAGES * page_size();
        const int segment = new_segment(size, 0600), other = new_segment(size, 0600);

        drop_capability(CAP_IPC_LOCK);
        set_rlimit(RLIMIT_MEMLOCK, 2 * size - page_size());
        detach(attach(segment, 0));
        lock_future_mappings();
        char *const place = attach(segment, 0);
        FAILS_WITH(shmat_eagain_memlock, EAGAIN, shmat(other, NULL, 0));
        EQ(shmat_eagain_memlock, nattch(other), 0);
        FAILS_WITH(shmat_eagain_memlock, EAGAIN, shmat(segment, NULL, 0));
        EQ(shmat_eagain_memlock, nattch(segment), 1);
        detach(place);
        HOLDS(shmat_eagain_memlock, shmat(other, NULL, 0) != SHM_FAILED);
}
