/* SPDX-License-Identifier: MIT
 *
 * shmat() with what is no identifier, and what a call that fails leaves as it was.
 */
#include <limits.h>

#include "ipck_shm.h"

TEST(no_identifier_no_attachment, VERIFIES(shmat_einval_badid))
{
        const int stale = new_segment(page_size(), 0600);

        MUST(shmctl(stale, IPC_RMID, NULL));
        const int segment = new_segment(page_size(), 0600);
        const struct {
                const char *name;
                int id;
        } rows[] = {
                {"-1", -1},           {"INT_MIN", INT_MIN},
                {"INT_MAX", INT_MAX}, {"removed before", stale},
                {"never given out", segment + 1}, {"another sequence number", segment ^ 1 << 30},
        };

        EACH_ROW(row, rows) {
                detach(attach(segment, 0));
                FAILS_WITH(shmat_einval_badid, EINVAL, shmat(row->id, NULL, 0));
                FAILS_WITH(shmat_einval_badid, EINVAL, shmat(row->id, NULL, SHM_RDONLY));
                EQ(shmat_einval_badid, nattch(segment), 0);
        }
}

TEST(failure_attaches_and_unmaps_nothing, VERIFIES(shmat_fail_no_effect))
{
        enum { STEPS = 3 };
        const size_t step = (size_t)SHMLBA;     /* where an attachment may begin */
        const int segment = new_segment(STEPS * step, 0400);
        char *const range = free_range((STEPS + 1) * step), *const taken = range + STEPS * step;
        const struct {
                const char *name;
                char *address;
                int flags, error;
        } rows[] = {
                {"inside a page", range + 1, SHM_RDONLY, EINVAL},
                {"the end is taken", range + step, SHM_RDONLY, EINVAL},
                {"remapping nowhere", NULL, SHM_RDONLY | SHM_REMAP, EINVAL},
                {"no permission to write", range, 0, EACCES},
                {"no permission to execute", range, SHM_RDONLY | SHM_EXEC, EACCES},
                {"no permission, over what is taken", range + step, SHM_REMAP, EACCES},
        };

        drop_all_capabilities();
        MUST(mmap(taken, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
        fill_pattern(taken, step, 1);
        EACH_ROW(row, rows) {
                detach(attach_at(segment, range, SHM_RDONLY));
                const struct segment_view before = view_of_segment(segment);
                FAILS_WITH(shmat_fail_no_effect, row->error, shmat(segment, row->address, row->flags));
                const struct segment_view after = view_of_segment(segment);

                HOLDS(shmat_fail_no_effect, same_segment_view(&before, &after));
                EQ(shmat_fail_no_effect, after.nattch, 0);
                for (size_t i = 0; i < STEPS; i++)
                        HOLDS(shmat_fail_no_effect, !is_mapped(range + i * step));
                HOLDS(shmat_fail_no_effect, has_pattern(taken, step, 1));
        }
}

TEST(failure_leaves_other_attachments_alone, VERIFIES(shmat_fail_no_effect))
{
        const size_t size = 2 * page_size();
        const int segment = new_segment(size, 0600);
        char *const one = attach_by_shmlba(segment), *const two = attach(segment, 0);

        fill_pattern(one, size, 1);
        FAILS_WITH(shmat_fail_no_effect, EINVAL, shmat(segment, one, 0));
        EQ(shmat_fail_no_effect, nattch(segment), 2);
        HOLDS(shmat_fail_no_effect, has_pattern(one, size, 1) && has_pattern(two, size, 1));
        EQ(shmat_fail_no_effect, store_signal(one), 0);
        detach(one);
        detach(two);
        EQ(shmat_fail_no_effect, nattch(segment), 0);
}
