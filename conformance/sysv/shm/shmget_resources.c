/* SPDX-License-Identifier: MIT
 *
 * shmget(): what the machine as a whole has to provide, memory and files. Tests take what they find: the limits on
 * these belong to everybody.
 */
#include <stdio.h>
#include <sys/sysinfo.h>

#include "ipck_shm.h"

/* What sysctl vm.overcommit_memory can be (Documentation/vm/overcommit-accounting). */
enum { HEURISTIC = 0, ALWAYS = 1, NEVER = 2 };

static int overcommit(void)
{
        return (int)number_in("/proc/sys/vm/overcommit_memory", "");
}

/* A size that the limits on segments allow, in whole pages. */
static size_t allowed_size(uint64_t bytes)
{
        const size_t page = page_size();

        if (bytes > SIZE_MAX - page)
                UNSUPPORTED("a size_t for %" PRIu64 " MiB", bytes >> 20);
        const size_t size = (size_t)bytes / page * page;
        const struct shminfo limits = shm_limits();
        /* A 32-bit program is not told of a shmmax above INT_MAX. */
        if ((limits.shmmax != INT32_MAX && limits.shmmax < size) || limits.shmall / 2 < size / page)
                UNSUPPORTED("kernel.shmmax and kernel.shmall that allow %" PRIu64 " MiB", bytes >> 20);
        return size;
}

static uint64_t memory_and_swap(void)
{
        struct sysinfo info;

        MUST(sysinfo(&info));
        return ((uint64_t)info.totalram + info.totalswap) * info.mem_unit;
}

static void refuse_for_want_of_memory(enum ipck_requirement req, size_t size, int flags)
{
        const key_t key = fresh_key();
        const struct shm_info before = shm_usage();

        FAILS_WITH(req, ENOMEM, shmget(IPC_PRIVATE, size, flags | 0600));
        FAILS_WITH(req, ENOMEM, shmget(key, size, IPC_CREAT | flags | 0600));
        FAILS_WITH(req, ENOENT, shmget(key, 0, 0));
        const struct shm_info after = shm_usage();
        EQ(req, after.used_ids, before.used_ids);
        EQ(req, after.shm_tot, before.shm_tot);
        /* The size alone stood in the way. */
        const int segment = segment_must_fit(shmget(key, page_size(), IPC_CREAT | flags | 0600), page_size());
        MUST(shmctl(segment, IPC_RMID, NULL));
}

TEST(more_than_all_memory_is_refused, VERIFIES(shmget_enomem_physical))
{
        const uint64_t all = memory_and_swap();
        const struct {
                const char *name;
                uint64_t bytes;
        } rows[] = {{"a page more than there is", all + page_size()}, {"twice what there is", 2 * all}};

        if (overcommit() == ALWAYS)
                UNSUPPORTED("memory that is accounted for (vm.overcommit_memory is 1)");
        EACH_ROW(row, rows)
                refuse_for_want_of_memory(shmget_enomem_physical, allowed_size(row->bytes), 0);
}

TEST(noreserve_takes_no_memory, VERIFIES(shmget_norserve_flag))
{
        const size_t size = allowed_size(2 * memory_and_swap());
        const int mode = overcommit();

        if (mode == NEVER)
                UNSUPPORTED("memory that may be overcommitted (vm.overcommit_memory is 2)");
        if (mode == HEURISTIC)
                REQUIRE(shmget(IPC_PRIVATE, size, IPC_CREAT | 0600) == -1 && errno == ENOMEM);
        const int segment = shmget(IPC_PRIVATE, size, SHM_NORESERVE | IPC_CREAT | 0600);
        EQ(shmget_norserve_flag, worked(segment), 0);
        EQ(shmget_norserve_flag, stat_of_segment(segment).shm_segsz, size);
        /* The flag is none of the mode. */
        EQ(shmget_norserve_flag, stat_of_segment(segment).shm_perm.mode, 0600);
}

TEST(commit_limit_binds_with_and_without_noreserve, VERIFIES(shmget_enomem_overcommit_never))
{
        if (overcommit() != NEVER)
                UNSUPPORTED("memory that is never overcommitted (vm.overcommit_memory is not 2)");
        const uint64_t limit = number_in("/proc/meminfo", "CommitLimit:") << 10;
        const size_t size = allowed_size(limit + page_size());

        refuse_for_want_of_memory(shmget_enomem_overcommit_never, size, 0);
        refuse_for_want_of_memory(shmget_enomem_overcommit_never, size, SHM_NORESERVE);
}

/* ---- the kernel's own memory ---- */

enum { MOST_STEPS = 200 };

TEST(creation_without_kernel_memory, VERIFIES(shmget_enomem_overhead))
{
        const struct shm_info before = shm_usage();
        int refused = 0;
        bool more = true;

        /* Each step inside the call that can fail does so in turn, until the call meets no more of them. */
        for (unsigned n = 1; more && n < MOST_STEPS; n++) {
                arm_fault(n);
                const int segment = shmget(IPC_PRIVATE, 3 * page_size(), IPC_CREAT | 0600);
                const int error = errno;
                more = disarm_fault();
                if (segment != -1) {
                        MUST(shmctl(segment, IPC_RMID, NULL));
                        continue;
                }
                EQ(shmget_enomem_overhead, error, ENOMEM);
                refused++;
                const struct shm_info after = shm_usage();
                EQ(shmget_enomem_overhead, after.used_ids, before.used_ids);
                EQ(shmget_enomem_overhead, after.shm_tot, before.shm_tot);
        }
        if (!refused)
                UNSUPPORTED("fault injection into ordinary kernel allocations (failslab/ignore-gfp-wait must be N)");
        HOLDS(shmget_enomem_overhead, !more);
}

/* ---- files ---- */

TEST(full_file_table_allows_no_segment, VERIFIES(shmget_enfile))
{
        long long open_files, unused, most;
        const key_t key = fresh_key();
        char text[128];
        struct child user;

        if (read_file("/proc/sys/fs/file-nr", text, sizeof(text)) <= 0)
                UNSUPPORTED("/proc/sys/fs/file-nr (%s)", errno_name(errno));
        REQUIRE(sscanf(text, "%lld %lld %lld", &open_files, &unused, &most) == 3);
        /* To fill it would stop every other program. */
        if (open_files < most)
                UNSUPPORTED("a machine whose table of open files is full (%lld of %lld)", open_files, most);
        /* Privileged users may go beyond. */
        MUST(shmctl(segment_must_fit(shmget(key, 1, IPC_CREAT | 0600), 1), IPC_RMID, NULL));
        CHILD(&user) {
                drop_all_capabilities();
                FAILS_WITH(shmget_enfile, ENFILE, shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
                FAILS_WITH(shmget_enfile, ENFILE, shmget(key, 1, IPC_CREAT | 0600));
        }
        join(&user);
        FAILS_WITH(shmget_enfile, ENOENT, shmget(key, 0, 0));
}
