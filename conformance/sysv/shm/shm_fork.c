/* SPDX-License-Identifier: MIT
 *
 * fork(), vfork() and attachments: the child has all of them, at the same addresses, and they count.
 */
#include <sys/wait.h>

#include "ipck_shm.h"

enum { PAGES = 2 };

TEST(child_has_the_attachments_of_its_parent, VERIFIES(fork_shm_inherited))
{
        const size_t size = PAGES * page_size();
        const int one = new_segment(size, 0600), two = new_segment(size, 0600);
        char *const writable = attach(one, 0), *const read_only = attach(two, SHM_RDONLY);
        char *const source = attach(two, 0);
        struct child child;

        fill_pattern(writable, size, 1);
        fill_pattern(source, size, 2);
        detach(source);
        CHILD(&child) {
                HOLDS(fork_shm_inherited, is_mapped(writable) && is_mapped(read_only));
                HOLDS(fork_shm_inherited, has_pattern(writable, size, 1));
                HOLDS(fork_shm_inherited, has_pattern(read_only, size, 2));
                EQ(fork_shm_inherited, store_signal(read_only), SIGSEGV);
                fill_pattern(writable, size, 3);
                here(&child, 1);
                await(&child, 1);
                HOLDS(fork_shm_inherited, has_pattern(writable, size, 4));
                EQ(fork_shm_inherited, shmdt(writable), 0);
                EQ(fork_shm_inherited, shmdt(read_only), 0);
        }
        UNTIL(at(&child) == 1);
        HOLDS(fork_shm_inherited, has_pattern(writable, size, 3));
        fill_pattern(writable, size, 4);
        dismiss(&child);
        HOLDS(fork_shm_inherited, has_pattern(writable, size, 4));
        EQ(fork_shm_inherited, store_signal(writable), 0);
}

TEST(contents_reach_a_grandchild_whose_parent_is_gone, VERIFIES(fork_shm_inherited))
{
        const size_t size = PAGES * page_size();
        const int segment = new_segment(size, 0600);
        char *const place = attach(segment, 0);
        struct child child, *const grandchild = shared(sizeof(*grandchild));

        fill_pattern(place, size, 1);
        CHILD(&child) {
                CHILD(grandchild) {
                        stay(&child);
                        HOLDS(fork_shm_inherited, has_pattern(place, size, 2));
                        fill_pattern(place, size, 3);
                        here(&child, 2);
                }
        }
        join(&child);
        UNTIL(at(&child) == 1);
        fill_pattern(place, size, 2);
        tell(&child, 1);
        UNTIL(at(&child) == 2);
        HOLDS(fork_shm_inherited, has_pattern(place, size, 3));
}

TEST(each_inherited_attachment_counts, VERIFIES(fork_shm_nattch))
{
        enum { COUNT = 3 };
        const int twice = new_segment(page_size(), 0600), once = new_segment(page_size(), 0600);
        struct child child[COUNT];

        attach(twice, 0);
        attach(twice, SHM_RDONLY);
        attach(once, 0);
        for (int i = 0; i < COUNT; i++) {
                CHILD(&child[i])
                        stay(&child[i]);
                UNTIL(stays(&child[i]));
                EQ(fork_shm_nattch, nattch(twice), 2 * (i + 2));
                EQ(fork_shm_nattch, nattch(once), i + 2);
        }
        for (int i = 0; i < COUNT; i++) {
                dismiss(&child[i]);
                EQ(fork_shm_nattch, nattch(twice), 2 * (COUNT - i));
                EQ(fork_shm_nattch, nattch(once), COUNT - i);
        }
}

TEST(detached_before_or_after_is_not_shared, VERIFIES(fork_shm_nattch))
{
        const int segment = new_segment(page_size(), 0600);
        char *const place = attach(segment, 0);
        struct child child;

        detach(attach(segment, 0));
        CHILD(&child) {
                EQ(fork_shm_nattch, nattch(segment), 2);
                detach(place);
                EQ(fork_shm_nattch, nattch(segment), 1);
                attach(segment, 0);
                attach(segment, 0);
                stay(&child);
        }
        UNTIL(stays(&child));
        EQ(fork_shm_nattch, nattch(segment), 3);
        detach(place);
        EQ(fork_shm_nattch, nattch(segment), 2);
        dismiss(&child);
        EQ(fork_shm_nattch, nattch(segment), 0);
}

TEST(fork_stamps_as_the_parent, VERIFIES(fork_shm_lpid_atime), MOSTLY_WAITS)
{
        const int segment = new_segment(page_size(), 0600);
        struct child parent;

        CHILD(&parent) {
                struct child child;

                attach(segment, 0);
                here(&parent, 1);
                await(&parent, 1);
                CHILD(&child)
                        await(&parent, 2);
                here(&parent, 2);
                join(&child);
        }
        UNTIL(at(&parent) == 1);
        detach(attach(segment, 0));
        const struct segment_view before = view_of_segment(segment);
        REQUIRE(before.lpid == getpid());
        next_second(now());
        const time_t start = now();
        tell(&parent, 1);
        UNTIL(at(&parent) == 2);
        const time_t end = now();
        const struct segment_view after = view_of_segment(segment);
        EQ(fork_shm_lpid_atime, after.lpid, parent.pid);
        BETWEEN(fork_shm_lpid_atime, start, after.atime, end);
        EQ(fork_shm_lpid_atime, after.dtime, before.dtime);
        tell(&parent, 2);
        join(&parent);
}

TEST(vfork_attaches_nothing, VERIFIES(fork_vfork_nattch))
{
        const int segment = new_segment(page_size(), 0600);
        volatile long *const during = shared(sizeof(*during));
        char *const place = attach(segment, 0);

        fill_pattern(place, page_size(), 1);
        const pid_t pid = MUST_FORK(vfork());
        if (pid == 0) {
                *during = nattch(segment);
                _exit(0);
        }
        EQ(fork_vfork_nattch, *during, 1);
        MUST(waitpid(pid, NULL, 0));
        /* The child's end detaches nothing either. */
        EQ(fork_vfork_nattch, nattch(segment), 1);
        HOLDS(fork_vfork_nattch, has_pattern(place, page_size(), 1));
        EQ(fork_vfork_nattch, store_signal(place), 0);
}

/* ---- MADV_DONTFORK ---- */

static void advise(void *place, size_t size, int advice)
{
        if (madvise(place, size, advice) == -1)
                UNSUPPORTED("madvise(MADV_DONTFORK, MADV_DOFORK) (%s)", errno_name(errno));
}

TEST(attachment_marked_dontfork_stays_behind, VERIFIES(fork_madv_dontfork))
{
        const size_t size = PAGES * page_size();
        const int marked = new_segment(size, 0600), other = new_segment(size, 0600);
        char *const place = attach(marked, 0), *const kept = attach(other, 0);
        struct child child;

        fill_pattern(place, size, 1);
        advise(place, size, MADV_DONTFORK);
        CHILD(&child) {
                HOLDS(fork_madv_dontfork, !is_mapped(place) && !is_mapped(place + page_size()));
                EQ(fork_madv_dontfork, load_signal(place), SIGSEGV);
                EQ(fork_madv_dontfork, nattch(marked), 1);
                EQ(fork_madv_dontfork, nattch(other), 2);
                FAILS_WITH(fork_madv_dontfork, EINVAL, shmdt(place));
                EQ(fork_madv_dontfork, store_signal(kept), 0);
        }
        join(&child);
        EQ(fork_madv_dontfork, nattch(marked), 1);
        HOLDS(fork_madv_dontfork, has_pattern(place, size, 1));

        advise(place, size, MADV_DOFORK);
        CHILD(&child) {
                EQ(fork_madv_dontfork, nattch(marked), 2);
                HOLDS(fork_madv_dontfork, has_pattern(place, size, 1));
        }
        join(&child);
}

TEST(unmarked_half_is_inherited, VERIFIES(fork_madv_dontfork))
{
        const size_t page = page_size();
        const int segment = new_segment(PAGES * page, 0600);
        char *const place = attach(segment, 0);
        struct child child;

        fill_pattern(place, PAGES * page, 1);
        advise(place, page, MADV_DONTFORK);
        const long before = nattch(segment);
        CHILD(&child) {
                HOLDS(fork_madv_dontfork, !is_mapped(place));
                HOLDS(fork_madv_dontfork, memcmp(place + page, attach(segment, 0) + page, page) == 0);
                EQ(fork_madv_dontfork, nattch(segment), before + 2);
        }
        join(&child);
        EQ(fork_madv_dontfork, nattch(segment), before);
        HOLDS(fork_madv_dontfork, has_pattern(place, PAGES * page, 1));
}

/* ---- a segment that was removed ---- */

TEST(child_keeps_a_removed_segment_alive, VERIFIES(fork_shm_removed))
{
        const size_t size = PAGES * page_size();
        const int segment = new_segment(size, 0600);
        char *const place = attach(segment, 0);
        struct child child;

        fill_pattern(place, size, 1);
        MUST(shmctl(segment, IPC_RMID, NULL));
        CHILD(&child) {
                here(&child, 1);
                await(&child, 1);
                HOLDS(fork_shm_removed, has_pattern(place, size, 1));
                EQ(fork_shm_removed, store_signal(place), 0);
                EQ(fork_shm_removed, shmdt(place), 0);
                here(&child, 2);
                await(&child, 2);
        }
        UNTIL(at(&child) == 1);
        EQ(fork_shm_removed, nattch(segment), 2);
        detach(place);
        EQ(fork_shm_removed, nattch(segment), 1);
        tell(&child, 1);
        UNTIL(at(&child) == 2);
        EQ(fork_shm_removed, nattch(segment), -1);
        tell(&child, 2);
        join(&child);
}
