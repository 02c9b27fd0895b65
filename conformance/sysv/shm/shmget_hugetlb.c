/* SPDX-License-Identifier: MIT
 *
 * shmget() with SHM_HUGETLB: segments of huge pages, who may have them, and sizes of pages that do not exist.
 */
#include <linux/capability.h>
#include <stdio.h>

#include "ipck_shm.h"

#ifndef SHM_HUGE_SHIFT
#define SHM_HUGE_SHIFT 26
#endif

/* Of a system that lets segments have some of them. */
static size_t huge_page_size(void)
{
        const size_t huge = (size_t)number_in("/proc/meminfo", "Hugepagesize:") << 10;

        const int small = shmget(IPC_PRIVATE, 2 * huge, SHM_NORESERVE | IPC_CREAT | 0600);
        MUST(shmctl(segment_must_fit(small, 2 * huge), IPC_RMID, NULL));
        return huge;
}

/* Pages of the pool that nobody has, and to which nobody has a right. */
static uintmax_t free_huge_pages(void)
{
        const uintmax_t reserved = number_in("/proc/meminfo", "HugePages_Rsvd:");
        const uintmax_t free = number_in("/proc/meminfo", "HugePages_Free:");

        return free > reserved ? free - reserved : 0;
}

/* The pool is the whole machine's. */
static void need_two_free(void)
{
        take_turn("/");
        if (free_huge_pages() < 2)
                UNSUPPORTED("two free huge pages (/proc/meminfo)");
}

static int new_huge(size_t size, int flags)
{
        const int segment = shmget(IPC_PRIVATE, size, flags | SHM_HUGETLB | IPC_CREAT | 0600);

        if (segment == -1 && errno == EPERM)
                UNSUPPORTED("a user who may have huge pages");
        return segment;
}

/* One that takes no page before it is used: it can be had although the pool is empty. */
static int new_unreserved(size_t size)
{
        return new_huge(size, SHM_NORESERVE);
}

/* KernelPageSize of the mapping that begins at the address; 0 where there is none. */
static size_t page_size_at(const void *start)
{
        FILE *const smaps = fopen("/proc/self/smaps", "re");
        char line[512];
        uintptr_t from = 0, next;
        size_t kilobytes = 0;

        if (!smaps)
                UNSUPPORTED("/proc/self/smaps (%s)", errno_name(errno));
        while (!kilobytes && fgets(line, sizeof(line), smaps)) {
                if (sscanf(line, "%" SCNxPTR "-%*x ", &next) == 1 && strchr(line, '-'))
                        from = next;
                else if (from == (uintptr_t)start)
                        (void)sscanf(line, "KernelPageSize: %zu", &kilobytes);
        }
        fclose(smaps);
        return kilobytes << 10;
}

/* Where the segment is attached; NULL where it cannot be, which no requirement allows. */
static unsigned char *attached(int segment)
{
        void *const memory = shmat(segment, NULL, 0);

        return memory == (void *)-1 ? NULL : memory;
}

TEST(attachment_without_the_flag_has_usual_pages, VERIFIES(shmat_smaps_page_size))
{
        const unsigned char *const place = attached((int)MUST(shmget(IPC_PRIVATE, 2 * page_size(), IPC_CREAT | 0600)));

        EQ(shmat_smaps_page_size, page_size_at(place), page_size());
}

TEST(attachment_of_the_size_of_huge_pages_has_usual_pages, VERIFIES(shmat_smaps_page_size))
{
        static const struct {
                const char *name;
                int flags;
        } rows[] = {{"reserved", 0}, {"with SHM_NORESERVE", SHM_NORESERVE}};
        const size_t huge = huge_page_size();

        EACH_ROW(row, rows) {
                const int segment = shmget(IPC_PRIVATE, 2 * huge, row->flags | IPC_CREAT | 0600);
                const unsigned char *const place = attached(segment_must_fit(segment, 2 * huge));

                EQ(shmat_smaps_page_size, page_size_at(place), page_size());
        }
}

TEST(attachment_has_huge_pages, VERIFIES(shmget_hugetlb_ok))
{
        const size_t huge = huge_page_size();

        need_two_free();
        const int segment = new_huge(2 * huge, 0);
        EQ(shmget_hugetlb_ok, worked(segment), 0);
        unsigned char *const memory = attached(segment);
        HOLDS(shmget_hugetlb_ok, memory != NULL);
        if (!memory)
                return;
        EQ(shmget_hugetlb_ok, page_size_at(memory), huge);
        HOLDS(shmget_hugetlb_ok, all_bytes(memory, 2 * huge, 0));
        fill_pattern(memory, 2 * huge, 7);
        HOLDS(shmget_hugetlb_ok, has_pattern(memory, 2 * huge, 7));
}

TEST(attachment_without_reserve_has_huge_pages_too, VERIFIES(shmget_hugetlb_ok))
{
        const size_t huge = huge_page_size();
        const int segment = new_unreserved(2 * huge);

        EQ(shmget_hugetlb_ok, worked(segment), 0);
        const unsigned char *const memory = attached(segment);
        HOLDS(shmget_hugetlb_ok, memory != NULL);
        if (!memory)
                return;
        EQ(shmget_hugetlb_ok, page_size_at(memory), huge);
}

TEST(size_need_not_be_a_multiple, VERIFIES(shmget_hugetlb_unaligned_size))
{
        const size_t huge = huge_page_size();
        const struct {
                const char *name;
                size_t size;
        } rows[] = {{"one byte", 1}, {"a byte more than a huge page", huge + 1}, {"a huge page", huge},
                    {"a byte less than two huge pages", 2 * huge - 1}};

        EACH_ROW(row, rows) {
                const int segment = new_unreserved(row->size);
                struct mapping mapping;

                EQ(shmget_hugetlb_unaligned_size, worked(segment), 0);
                EQ(shmget_hugetlb_unaligned_size, stat_of_segment(segment).shm_segsz, row->size);
                const unsigned char *const memory = attached(segment);
                HOLDS(shmget_hugetlb_unaligned_size, memory != NULL);
                if (!memory)
                        return;
                HOLDS(shmget_hugetlb_unaligned_size, mapping_at(memory, &mapping));
                EQ(shmget_hugetlb_unaligned_size, mapping.end - mapping.start, (row->size + huge - 1) / huge * huge);
                detach(memory);
                MUST(shmctl(segment, IPC_RMID, NULL));
        }
}

TEST(unaligned_size_gets_whole_pages, VERIFIES(shmget_hugetlb_unaligned_size))
{
        const size_t huge = huge_page_size();

        need_two_free();
        const int segment = new_huge(huge + 1, 0);
        EQ(shmget_hugetlb_unaligned_size, worked(segment), 0);
        EQ(shmget_hugetlb_unaligned_size, stat_of_segment(segment).shm_segsz, huge + 1);
        unsigned char *const memory = attached(segment);
        HOLDS(shmget_hugetlb_unaligned_size, memory != NULL);
        if (!memory)
                return;
        EQ(shmget_hugetlb_unaligned_size, store_signal((char *)memory + 2 * huge - 1), 0);
}

TEST(size_of_pages_must_exist, VERIFIES(shmget_hugetlb_bad_size))
{
        /* No machine has huge pages of these. */
        static const struct {
                const char *name;
                int bits;
        } rows[] = {{"2 bytes", 1}, {"512 bytes", 9}, {"1 PiB", 50}, {"2 to the power of 63", 63}};
        const struct shm_info before = shm_usage();

        EACH_ROW(row, rows) {
                const int flags = (int)((unsigned)row->bits << SHM_HUGE_SHIFT) | SHM_NORESERVE | 0600;

                FAILS_WITH(shmget_hugetlb_bad_size, EINVAL, shmget(IPC_PRIVATE, 1, SHM_HUGETLB | flags));
                EQ(shmget_hugetlb_bad_size, shm_usage().used_ids, before.used_ids);
                /* Without the flag the code means nothing. */
                MUST(shmctl(segment_must_fit(shmget(IPC_PRIVATE, 1, flags), 1), IPC_RMID, NULL));
        }
}

TEST(size_of_pages_can_be_named, VERIFIES(shmget_hugetlb_bad_size))
{
        const size_t huge = huge_page_size();
        const unsigned bits = (unsigned)__builtin_ctzl(huge);
        const int flags = SHM_HUGETLB | SHM_NORESERVE | 0600;

        MUST(shmctl((int)MUST(new_unreserved(1)), IPC_RMID, NULL));
        const int segment = shmget(IPC_PRIVATE, 1, flags | (int)(bits << SHM_HUGE_SHIFT));
        EQ(shmget_hugetlb_bad_size, worked(segment), 0);
        const unsigned char *const memory = attached(segment);
        HOLDS(shmget_hugetlb_bad_size, memory != NULL);
        if (!memory)
                return;
        EQ(shmget_hugetlb_bad_size, page_size_at(memory), huge);
        FAILS_WITH(shmget_hugetlb_bad_size, EINVAL, shmget(IPC_PRIVATE, 1, flags | (int)(1U << SHM_HUGE_SHIFT)));
}

TEST(touched_huge_pages_count_by_their_size, VERIFIES(shmctl_info_shm_info_rss_hugetlb))
{
        const size_t huge = huge_page_size();

        need_two_free();
        empty_namespace();
        const int segment = new_huge(2 * huge, 0);
        unsigned char *const memory = attached((int)MUST(segment));
        REQUIRE(memory != NULL);
        EQ(shmctl_info_shm_info_rss_hugetlb, shm_usage().shm_rss, 0);
        for (size_t touched = 1; touched <= 2; touched++) {
                memory[(touched - 1) * huge + 1] = 1;
                EQ(shmctl_info_shm_info_rss_hugetlb, shm_usage().shm_rss, touched * huge / page_size());
        }
        MUST(shmctl(segment, IPC_RMID, NULL));
        detach(memory);
        EQ(shmctl_info_shm_info_rss_hugetlb, shm_usage().shm_rss, 0);
}

TEST(huge_pages_are_not_locked, VERIFIES(shmctl_lock_hugetlb))
{
        const size_t huge = huge_page_size();
        const int segment = (int)MUST(new_unreserved(huge));
        struct child owner;

        MUST(shmctl(segment, IPC_SET, &(struct shmid_ds){.shm_perm = {.uid = USER_A, .mode = 0600}}));
        CHILD(&owner) {
                /* Less than a huge page: a lock of what is not huge is refused. */
                MUST(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){page_size(), page_size()}));
                as_user(USER_A);
                static const int commands[] = {SHM_LOCK, SHM_LOCK, SHM_UNLOCK, SHM_UNLOCK};
                for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
                        EQ(shmctl_lock_hugetlb, shmctl(segment, commands[i], NULL), 0);
                        EQ(shmctl_lock_hugetlb, stat_of_segment(segment).shm_perm.mode & SHM_LOCKED, 0);
                }
        }
        join(&owner);
}

/* A group that the administrator lets have huge pages; by default it is that of root. */
static bool in_huge_page_group(void)
{
        const gid_t group = (gid_t)number_in("/proc/sys/vm/hugetlb_shm_group", "");
        gid_t groups[256];
        const int count = (int)MUST(getgroups(256, groups));

        for (int i = 0; i < count; i++)
                if (groups[i] == group)
                        return true;
        return getegid() == group;
}

TEST(huge_pages_need_a_privilege, VERIFIES(shmget_eperm_hugetlb))
{
        const size_t huge = huge_page_size();
        const key_t key = fresh_key();

        MUST(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){0, 0}));
        if (in_huge_page_group())
                as_user(USER_A);
        drop_all_capabilities();
        MUST(shmget(IPC_PRIVATE, huge, SHM_NORESERVE | IPC_CREAT | 0600));
        FAILS_WITH(shmget_eperm_hugetlb, EPERM,
                   shmget(IPC_PRIVATE, huge, SHM_NORESERVE | SHM_HUGETLB | IPC_CREAT | 0600));
        FAILS_WITH(shmget_eperm_hugetlb, EPERM, shmget(key, huge, IPC_CREAT | SHM_NORESERVE | SHM_HUGETLB | 0600));
        EQ(shmget_eperm_hugetlb, shmget(key, 0, 0), -1);
}

TEST(privilege_alone_allows_huge_pages, VERIFIES(shmget_eperm_hugetlb))
{
        const size_t huge = huge_page_size();
        struct child user;

        CHILD(&user) {
                if (in_huge_page_group())
                        become(geteuid(), GROUP_A, NULL, 0);
                drop_other_capabilities(CAP_IPC_LOCK);
                MUST(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){0, 0}));
                EQ(shmget_eperm_hugetlb, worked(new_unreserved(huge)), 0);
                drop_all_capabilities();
                FAILS_WITH(shmget_eperm_hugetlb, EPERM,
                           shmget(IPC_PRIVATE, huge, SHM_NORESERVE | SHM_HUGETLB | IPC_CREAT | 0600));
        }
        join(&user);
}
