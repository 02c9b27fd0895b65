/* SPDX-License-Identifier: MIT
 *
 * shmctl() IPC_INFO, SHM_INFO and SHM_STAT: limits and use of the namespace, and segments by index. An index is no
 * identifier: after many removals they differ.
 */
#include <limits.h>

#include "ipck_shm.h"

/* ---- limits ---- */

static void compare_limits(void)
{
        /* A 32-bit program on a 64-bit kernel is told of a smaller shmmax and the low bits of shmall. */
        const uintmax_t shmmax = number_in("/proc/sys/kernel/shmmax", "");
        const uintmax_t shmall = number_in("/proc/sys/kernel/shmall", "");
        const bool cut = shmmax > ULONG_MAX || shmall > ULONG_MAX;
        struct shminfo *const info = guarded(sizeof(*info));

        memset(info, 0x5a, sizeof(*info));
        HOLDS(shmctl_info_ipc_info, shmctl(0, IPC_INFO, info) != -1);
        if (!cut) {
                EQ(shmctl_info_ipc_info, info->shmmax, shmmax);
                EQ(shmctl_info_ipc_info, info->shmall, shmall);
        }
        EQ(shmctl_info_ipc_info, info->shmmni, number_in("/proc/sys/kernel/shmmni", ""));
        EQ(shmctl_info_ipc_info, info->shmmin, 1);
}

TEST(ipc_info_reports_the_limits, VERIFIES(shmctl_info_ipc_info))
{
        compare_limits();
        /* What is in use changes no limit. */
        (void)new_segment(3, 0600);
        (void)attach(new_segment(10000, 0600), 0);
        compare_limits();
}

TEST(ipc_info_reports_changed_limits, VERIFIES(shmctl_info_ipc_info))
{
        struct shminfo info;

        set_sysctl("kernel/shmmax", "1234567");
        set_sysctl("kernel/shmall", "7654321");
        set_sysctl("kernel/shmmni", "123");
        compare_limits();
        MUST(shmctl(0, IPC_INFO, &info));
        EQ(shmctl_info_ipc_info, info.shmmax, 1234567);
        EQ(shmctl_info_ipc_info, info.shmall, 7654321);
        EQ(shmctl_info_ipc_info, info.shmmni, 123);
}

/* ---- use ---- */

static void expect_use(const struct shm_info *start, int segments, unsigned long pages)
{
        struct shm_info *const info = guarded(sizeof(*info));

        memset(info, 0x5a, sizeof(*info));
        HOLDS(shmctl_info_shm_info_used, shmctl(0, SHM_INFO, info) != -1);
        EQ(shmctl_info_shm_info_used, info->used_ids - start->used_ids, segments);
        EQ(shmctl_info_shm_info_tot, info->shm_tot - start->shm_tot, pages);
}

TEST(shm_info_counts_segments_and_pages, VERIFIES(shmctl_info_shm_info_used, shmctl_info_shm_info_tot))
{
        const size_t page = page_size();
        struct child other;

        burn_segment_ids(150);
        const struct shm_info start = shm_usage();
        const int first = new_segment(1, 0600);
        expect_use(&start, 1, 1);
        const int second = new_segment(3 * page, 0);
        expect_use(&start, 2, 4);
        CHILD(&other)
                (void)new_segment(5 * page + 1, 0600);
        join(&other);
        expect_use(&start, 3, 10);
        /* Neither the size asked for nor who is attached counts. */
        const char *const memory = attach(first, 0);
        detach(attach(first, 0));
        expect_use(&start, 3, 10);
        MUST(shmctl(second, IPC_RMID, NULL));
        expect_use(&start, 2, 7);
        MUST(shmctl(first, IPC_RMID, NULL));
        expect_use(&start, 2, 7);
        detach(memory);
        expect_use(&start, 1, 6);
        REQUIRE(shmget(IPC_PRIVATE, 0, IPC_CREAT | 0600) == -1);
        expect_use(&start, 1, 6);
}

TEST(each_namespace_counts_its_own, VERIFIES(shmctl_info_shm_info_used, shmctl_info_shm_info_tot))
{
        (void)new_segment(3 * page_size(), 0600);
        const struct shm_info start = shm_usage();
        struct child elsewhere;

        CHILD(&elsewhere) {
                enter_new_ipc_namespace();
                const struct shm_info none = {.used_ids = 0};
                expect_use(&none, 0, 0);
                (void)new_segment(1, 0600);
                expect_use(&none, 1, 1);
        }
        join(&elsewhere);
        expect_use(&start, 0, 0);
}

/* ---- resident pages ---- */

/* Memory may be swapped out at any time. */
static unsigned long touched_pages(void)
{
        const struct shm_info info = shm_usage();

        return info.shm_rss + info.shm_swp;
}

/* Segments get larger pages than others where the administrator wants it. */
static void need_ordinary_pages(void)
{
        char text[128];

        if (read_file("/sys/kernel/mm/transparent_hugepage/shmem_enabled", text, sizeof(text)) > 0 &&
            !strstr(text, "[never]") && !strstr(text, "[deny]") && !strstr(text, "[advise]"))
                UNSUPPORTED("segments of ordinary pages (transparent_hugepage/shmem_enabled: %s)", text);
}

TEST(pages_count_when_they_are_touched, VERIFIES(shmctl_info_shm_info_rss))
{
        enum { PAGES = 20 };
        const size_t page = page_size();

        need_ordinary_pages();
        const unsigned long start = touched_pages();
        const int segment = new_segment(PAGES * page, 0600), other = new_segment(PAGES * page, 0600);
        EQ(shmctl_info_shm_info_rss, touched_pages(), start);
        volatile char *const memory = attach(segment, 0), *const again = attach(segment, 0);
        volatile char *const of_other = attach(other, 0);
        EQ(shmctl_info_shm_info_rss, touched_pages(), start);
        for (unsigned long i = 0; i < PAGES; i++) {
                memory[i * page + 7] = 1;
                EQ(shmctl_info_shm_info_rss, touched_pages(), start + i + 1);
        }
        /* The same pages once more, and by another address. */
        memory[5 * page] = 2;
        again[6 * page] = 2;
        EQ(shmctl_info_shm_info_rss, touched_pages(), start + PAGES);
        of_other[0] = 1;
        EQ(shmctl_info_shm_info_rss, touched_pages(), start + PAGES + 1);

        /* They stay when nobody is attached, and go with the segment. */
        detach((const void *)memory);
        detach((const void *)again);
        EQ(shmctl_info_shm_info_rss, touched_pages(), start + PAGES + 1);
        MUST(shmctl(segment, IPC_RMID, NULL));
        EQ(shmctl_info_shm_info_rss, touched_pages(), start + 1);
}

/* ---- highest index ---- */

static bool index_in_use(int index)
{
        struct shmid_ds ds;

        return shmctl(index, SHM_STAT, &ds) != -1;
}

/* The highest index in use, found by asking for each; 0: none. */
static int highest_by_search(void)
{
        int last = 0;

        for (int i = 0; i < 256; i++)
                if (index_in_use(i))
                        last = i;
        return last;
}

/* Large enough for either command. */
union answer {
        struct shminfo limits;
        struct shm_info use;
};

static int highest(int cmd)
{
        union answer answer;

        return shmctl(0, cmd, &answer);
}

static void expect_highest(int wanted)
{
        EQ(shmctl_info_ret, highest(IPC_INFO), wanted);
        EQ(shmctl_info_ret, highest(SHM_INFO), wanted);
}

TEST(info_of_an_empty_namespace_returns_zero, VERIFIES(shmctl_info_ret))
{
        if (shm_usage().used_ids != 0)
                UNSUPPORTED("a namespace without segments");
        expect_highest(0);
        burn_segment_ids(150);
        expect_highest(0);
}

TEST(info_returns_the_highest_index, VERIFIES(shmctl_info_ret))
{
        int segments[6];

        for (int i = 0; i < 6; i++) {
                segments[i] = new_segment(1, 0600);
                expect_highest(highest_by_search());
        }
        REQUIRE(highest_by_search() >= 5);
        /* A hole, then the highest ones. */
        MUST(shmctl(segments[2], IPC_RMID, NULL));
        expect_highest(highest_by_search());
        for (int i = 5; i >= 3; i--) {
                MUST(shmctl(segments[i], IPC_RMID, NULL));
                expect_highest(highest_by_search());
        }
        MUST(shmctl(segments[0], IPC_RMID, NULL));
        expect_highest(highest_by_search());
}

TEST(highest_index_is_no_identifier, VERIFIES(shmctl_info_ret))
{
        burn_segment_ids(150);
        for (int i = 0; i < 3; i++) {
                (void)new_segment(1, 0600);
                expect_highest(highest_by_search());
        }
}

/* ---- segments by index ---- */

enum { SEGMENTS = 5 };

/* Of different sizes and modes, some of them attached; one is removed again, so that its index is a hole. */
static void populate(int segments[SEGMENTS])
{
        burn_segment_ids(150);
        for (int i = 0; i < SEGMENTS; i++) {
                segments[i] = new_segment(1000 * ((size_t)i + 1), 0600 + i);
                if (i % 2)
                        (void)attach(segments[i], 0);
        }
        MUST(shmctl(segments[2], IPC_RMID, NULL));
}

static bool same_description(const struct shmid_ds *a, const struct shmid_ds *b)
{
        return a->shm_perm.uid == b->shm_perm.uid && a->shm_perm.gid == b->shm_perm.gid &&
               a->shm_perm.cuid == b->shm_perm.cuid && a->shm_perm.cgid == b->shm_perm.cgid &&
               a->shm_perm.mode == b->shm_perm.mode && a->shm_segsz == b->shm_segsz && a->shm_atime == b->shm_atime &&
               a->shm_dtime == b->shm_dtime && a->shm_ctime == b->shm_ctime && a->shm_cpid == b->shm_cpid &&
               a->shm_lpid == b->shm_lpid && a->shm_nattch == b->shm_nattch;
}

/* How many indexes lead to the segment; each must describe it. */
static int indexes_of(int segment, int cmd, enum ipck_requirement req)
{
        const struct shmid_ds wanted = stat_of_segment(segment);
        const int end = highest(SHM_INFO) + 1;
        int found = 0;

        for (int i = 0; i < end; i++) {
                struct shmid_ds ds;

                memset(&ds, 0x5a, sizeof(ds));
                if (shmctl(i, cmd, &ds) == segment) {
                        found++;
                        HOLDS(req, same_description(&ds, &wanted));
                }
        }
        return found;
}

TEST(each_segment_has_one_index, VERIFIES(shmctl_stat_idx, shmctl_stat_any))
{
        int segments[SEGMENTS];

        populate(segments);
        /* An implementation that takes identifiers for indexes finds none of these. */
        for (int i = 0; i < SEGMENTS; i++) {
                if (i == 2)
                        continue;
                EQ(shmctl_stat_idx, indexes_of(segments[i], SHM_STAT, shmctl_stat_idx), 1);
                EQ(shmctl_stat_any, indexes_of(segments[i], SHM_STAT_ANY, shmctl_stat_any), 1);
        }
}

TEST(removed_segment_has_its_index_until_it_is_detached, VERIFIES(shmctl_stat_idx))
{
        int segments[SEGMENTS];

        populate(segments);
        const int segment = new_segment(7, 0600);
        const char *const memory = attach(segment, 0);
        MUST(shmctl(segment, IPC_RMID, NULL));
        EQ(shmctl_stat_idx, indexes_of(segment, SHM_STAT, shmctl_stat_idx), 1);
        const int used = shm_usage().used_ids;
        detach(memory);
        EQ(shmctl_stat_idx, shm_usage().used_ids, used - 1);
}

TEST(unused_index_fails, VERIFIES(shmctl_stat_idx_einval))
{
        int segments[SEGMENTS], used = 0, hole = -1;
        struct shmid_ds ds;

        populate(segments);
        const int end = highest(SHM_INFO) + 1;
        for (int i = 0; i < end; i++) {
                const int id = shmctl(i, SHM_STAT, &ds);

                if (id == -1)
                        FAILS_WITH(shmctl_stat_idx_einval, EINVAL, shmctl(i, SHM_STAT, &ds));
                else
                        used++;
                if (id == segments[1])
                        hole = i;
        }
        EQ(shmctl_stat_idx_einval, used, shm_usage().used_ids);
        FAILS_WITH(shmctl_stat_idx_einval, EINVAL, shmctl(end, SHM_STAT, &ds));
        FAILS_WITH(shmctl_stat_idx_einval, EINVAL, shmctl(end + 100, SHM_STAT, &ds));
        FAILS_WITH(shmctl_stat_idx_einval, EINVAL, shmctl(-1, SHM_STAT, &ds));
        FAILS_WITH(shmctl_stat_idx_einval, EINVAL, shmctl(INT_MIN, SHM_STAT, &ds));
        FAILS_WITH(shmctl_stat_idx_einval, EINVAL, shmctl(INT_MAX, SHM_STAT_ANY, &ds));
        REQUIRE(hole != -1);
        MUST(shmctl(segments[1], IPC_RMID, NULL));
        EQ(shmctl_stat_idx_einval, shmctl(hole, SHM_STAT, &ds), segments[1]);
}

TEST(index_of_a_removed_segment_is_unused, VERIFIES(shmctl_stat_idx_einval))
{
        struct shmid_ds ds;
        int index = -1;

        burn_segment_ids(150);
        (void)new_segment(1, 0600);
        const int segment = new_segment(1, 0600);
        for (int i = 0; i <= highest(SHM_INFO); i++)
                if (shmctl(i, SHM_STAT, &ds) == segment)
                        index = i;
        REQUIRE(index != -1);
        MUST(shmctl(segment, IPC_RMID, NULL));
        FAILS_WITH(shmctl_stat_idx_einval, EINVAL, shmctl(index, SHM_STAT, &ds));
        FAILS_WITH(shmctl_stat_idx_einval, EINVAL, shmctl(index, SHM_STAT_ANY, &ds));
}
