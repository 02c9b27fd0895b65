/* SPDX-License-Identifier: MIT
 *
 * shmdt(): the attachment is gone, and nothing else: neither the segment, nor its bytes, nor another attachment.
 */
#include "ipck_shm.h"

enum { PAGES = 3 };

TEST(range_is_free_again, VERIFIES(shmdt_ret_zero))
{
        const size_t page = page_size();
        const struct {
                const char *name;
                size_t size;
        } rows[] = {{"a byte", 1}, {"a page", page}, {"more than a page", page + 1}, {"three pages", PAGES * page}};

        EACH_ROW(row, rows) {
                const int segment = new_segment(row->size, 0600), other = new_segment(row->size, 0600);

                for (int picked = 0; picked < 2; picked++) {
                        char *const place = attach_at(segment, picked ? NULL : free_range(PAGES * page), 0);

                        REQUIRE(is_mapped(place));
                        EQ(shmdt_ret_zero, shmdt(place), 0);
                        for (size_t i = 0; i < row->size; i += page)
                                HOLDS(shmdt_ret_zero, !is_mapped(place + i));
                        /* The system may pick a place at which nobody may ask for an attachment. */
                        if ((uintptr_t)place % (size_t)SHMLBA != 0)
                                continue;
                        HOLDS(shmdt_ret_zero, shmat(other, place, 0) == place);
                        EQ(shmdt_ret_zero, shmdt(place), 0);
                }
        }
}

TEST(access_after_it_is_a_fault, VERIFIES(shmdt_access_after))
{
        const size_t size = PAGES * page_size();
        const struct {
                const char *name;
                int flags;
        } rows[] = {{"read and write", 0}, {"read only", SHM_RDONLY}};

        EACH_ROW(row, rows) {
                char *const place = attach(new_segment(size, 0600), row->flags);

                for (size_t i = 0; i < size; i += page_size())
                        EQ(shmdt_access_after, load_signal(place + i), 0);
                detach(place);
                for (size_t i = 0; i < size; i += page_size()) {
                        EQ(shmdt_access_after, load_signal(place + i), SIGSEGV);
                        EQ(shmdt_access_after, store_signal(place + i), SIGSEGV);
                }
        }
}

TEST(contents_stay_without_an_attachment, VERIFIES(shmdt_keeps_data))
{
        const size_t size = PAGES * page_size();
        const int segment = new_segment(size, 0600);

        for (uint32_t seed = 1; seed <= 3; seed++) {
                char *place = attach(segment, 0);
                fill_pattern(place, size, seed);
                detach(place);
                REQUIRE(nattch(segment) == 0);
                place = shmat(segment, NULL, SHM_RDONLY);
                REQUIRE(place != SHM_FAILED);
                HOLDS(shmdt_keeps_data, has_pattern(place, size, seed));
                detach(place);
        }
}

TEST(contents_reach_the_process_that_attaches_next, VERIFIES(shmdt_keeps_data))
{
        const size_t size = PAGES * page_size();
        const int segment = new_segment(size, 0600);

        for (uint32_t seed = 1; seed <= 3; seed++) {
                struct child next;

                CHILD(&next) {
                        char *const place = attach(segment, 0);
                        if (seed > 1)
                                HOLDS(shmdt_keeps_data, has_pattern(place, size, seed - 1));
                        fill_pattern(place, size, seed);
                        detach(place);
                }
                join(&next);
        }
        HOLDS(shmdt_keeps_data, has_pattern(attach(segment, SHM_RDONLY), size, 3));
}

TEST(other_attachment_stays_in_use, VERIFIES(shmdt_keeps_other_attach))
{
        const size_t size = PAGES * page_size();
        const int segment = new_segment(size, 0600);

        for (int first = 0; first < 2; first++) {
                char *const place[2] = {attach(segment, 0), attach(segment, 0)}, *const kept = place[!first];

                fill_pattern(kept, size, 1);
                EQ(shmdt_keeps_other_attach, shmdt(place[first]), 0);
                HOLDS(shmdt_keeps_other_attach, is_mapped(kept));
                HOLDS(shmdt_keeps_other_attach, has_pattern(kept, size, 1));
                EQ(shmdt_keeps_other_attach, store_signal(kept), 0);
                fill_pattern(kept, size, 2);
                char *const again = attach(segment, SHM_RDONLY);
                HOLDS(shmdt_keeps_other_attach, has_pattern(again, size, 2));
                EQ(shmdt_keeps_other_attach, nattch(segment), 2);
                detach(again);
                detach(kept);
        }
}

TEST(attachment_at_the_same_address_elsewhere_stays, VERIFIES(shmdt_keeps_other_attach))
{
        const int segment = new_segment(page_size(), 0600);
        char *const place = attach(segment, 0);
        struct child other;

        fill_pattern(place, page_size(), 1);
        CHILD(&other) {
                stay(&other);
                HOLDS(shmdt_keeps_other_attach, has_pattern(place, page_size(), 1));
                EQ(shmdt_keeps_other_attach, store_signal(place), 0);
        }
        UNTIL(stays(&other));
        detach(place);
        EQ(shmdt_keeps_other_attach, nattch(segment), 1);
        dismiss(&other);
}

/* ---- a segment that was removed ---- */

TEST(last_detach_destroys_a_removed_segment, VERIFIES(shmdt_last_destroys))
{
        enum { COUNT = 3 };
        const int segment = new_segment(page_size(), 0600);
        char *place[COUNT];

        for (int i = 0; i < COUNT; i++)
                place[i] = attach(segment, i == 1 ? SHM_RDONLY : 0);
        MUST(shmctl(segment, IPC_RMID, NULL));
        for (int left = COUNT; left > 0; left--) {
                EQ(shmdt_last_destroys, nattch(segment), left);
                EQ(shmdt_last_destroys, shmdt(place[left - 1]), 0);
        }
        FAILS_WITH(shmdt_last_destroys, EINVAL, nattch(segment));
}

TEST(last_detach_may_be_that_of_another_process, VERIFIES(shmdt_last_destroys))
{
        const int segment = new_segment(page_size(), 0600);
        struct child other;

        CHILD(&other) {
                char *const place = attach(segment, 0);
                here(&other, 1);
                await(&other, 1);
                EQ(shmdt_last_destroys, shmdt(place), 0);
                here(&other, 2);
                await(&other, 2);
        }
        UNTIL(at(&other) == 1);
        char *const place = attach(segment, 0);
        MUST(shmctl(segment, IPC_RMID, NULL));
        EQ(shmdt_last_destroys, shmdt(place), 0);
        EQ(shmdt_last_destroys, nattch(segment), 1);
        tell(&other, 1);
        UNTIL(at(&other) == 2);
        FAILS_WITH(shmdt_last_destroys, EINVAL, nattch(segment));
        tell(&other, 2);
        join(&other);
}

TEST(last_detach_keeps_a_segment_that_was_not_removed, VERIFIES(shmdt_last_destroys, shmdt_keeps_data))
{
        const int removed = new_segment(page_size(), 0600), kept = new_segment(page_size(), 0600);
        char *const one = attach(removed, 0), *const two = attach(kept, 0);

        fill_pattern(two, page_size(), 1);
        MUST(shmctl(removed, IPC_RMID, NULL));
        detach(two);
        detach(one);
        FAILS_WITH(shmdt_last_destroys, EINVAL, nattch(removed));
        EQ(shmdt_last_destroys, nattch(kept), 0);
        HOLDS(shmdt_keeps_data, has_pattern(attach(kept, 0), page_size(), 1));
}
