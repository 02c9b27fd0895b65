/* SPDX-License-Identifier: MIT
 *
 * Attachments that mprotect(), munmap() and mremap() have cut up or moved: how they count, what one shmdt() removes.
 */
#include "ipck_shm.h"

enum { PAGES = 5 };

/* An attachment of PAGES pages at an address of the test's choice, each page with its number as pattern. */
struct place {
        int segment;
        char *start;
};

static struct place new_place(void)
{
        const size_t page = page_size();
        struct place p = {new_segment(PAGES * page, 0600), free_range(PAGES * page)};

        attach_at(p.segment, p.start, 0);
        for (uint32_t i = 0; i < PAGES; i++)
                fill_pattern(p.start + i * page, page, i);
        return p;
}

static char *page_of(const struct place *p, size_t i)
{
        return p->start + i * page_size();
}

static bool has_own_pattern(const struct place *p, uint32_t i)
{
        return is_mapped(page_of(p, i)) && has_pattern(page_of(p, i), page_size(), i);
}

static int count_mapped(const struct place *p)
{
        int count = 0;

        for (size_t i = 0; i < PAGES; i++)
                count += is_mapped(page_of(p, i));
        return count;
}

/* Pages first .. first + count - 1 of the attachment. */
struct part {
        const char *name;
        uint32_t first, count;
        int mappings;           /* that the attachment has when this part differs, or when it is gone */
};

/* ---- parts of another protection ---- */

static const struct part split[] = {
        {"first page", 0, 1, 2}, {"last page", PAGES - 1, 1, 2}, {"middle", 1, 3, 3},
        {"first two", 0, 2, 2},  {"all", 0, PAGES, 1},
};

TEST(each_protected_part_counts, VERIFIES(shmat_nattch_mprotect_split))
{
        EACH_ROW(part, split) {
                const struct place p = new_place();
                char *const second = attach(p.segment, 0);

                EQ(shmat_nattch_mprotect_split, nattch(p.segment), 2);
                MUST(mprotect(page_of(&p, part->first), part->count * page_size(), PROT_READ));
                EQ(shmat_nattch_mprotect_split, nattch(p.segment), part->mappings + 1);
                for (uint32_t i = 0; i < PAGES; i++)
                        HOLDS(shmat_nattch_mprotect_split, has_own_pattern(&p, i));
                detach(second);
                EQ(shmat_nattch_mprotect_split, nattch(p.segment), part->mappings);
        }
}

TEST(one_call_detaches_all_protected_parts, VERIFIES(shmdt_partial_mprotect_split))
{
        EACH_ROW(part, split) {
                const struct place p = new_place();
                char *const second = attach(p.segment, 0);

                MUST(mprotect(page_of(&p, part->first), part->count * page_size(), PROT_NONE));
                EQ(shmdt_partial_mprotect_split, shmdt(p.start), 0);
                EQ(shmdt_partial_mprotect_split, count_mapped(&p), 0);
                EQ(shmdt_partial_mprotect_split, nattch(p.segment), 1);
                FAILS_WITH(shmdt_partial_mprotect_split, EINVAL, shmdt(p.start));
                for (uint32_t i = 0; i < PAGES; i++)
                        HOLDS(shmdt_partial_mprotect_split, has_pattern(second + i * page_size(), page_size(), i));
        }
}

TEST(last_part_destroys_a_removed_segment, VERIFIES(shmdt_partial_mprotect_split))
{
        const struct place p = new_place();

        for (size_t i = 0; i < PAGES; i += 2)
                MUST(mprotect(page_of(&p, i), page_size(), PROT_READ));
        MUST(shmctl(p.segment, IPC_RMID, NULL));
        for (uint32_t i = 0; i < PAGES; i++)
                HOLDS(shmdt_partial_mprotect_split, has_own_pattern(&p, i));
        EQ(shmdt_partial_mprotect_split, shmdt(p.start), 0);
        EQ(shmdt_partial_mprotect_split, nattch(p.segment), -1);
        EQ(shmdt_partial_mprotect_split, count_mapped(&p), 0);
}

/* ---- parts that are gone ---- */

TEST(hole_counts_and_a_shorter_attachment_does_not, VERIFIES(shmat_nattch_munmap_part))
{
        static const struct part gone[] = {
                {"first page", 0, 1, 1}, {"last page", PAGES - 1, 1, 1}, {"all but the last", 0, PAGES - 1, 1},
                {"second page", 1, 1, 2}, {"middle", 1, 3, 2},
        };

        EACH_ROW(part, gone) {
                const struct place p = new_place();

                MUST(munmap(page_of(&p, part->first), part->count * page_size()));
                EQ(shmat_nattch_munmap_part, nattch(p.segment), part->mappings);
                for (uint32_t i = 0; i < PAGES; i++) {
                        const bool unmapped = i >= part->first && i < part->first + part->count;
                        HOLDS(shmat_nattch_munmap_part, unmapped ? !is_mapped(page_of(&p, i)) : has_own_pattern(&p, i));
                }
        }
}

TEST(one_call_detaches_what_is_left,
     VERIFIES(shmdt_partial_munmap_then_shmdt, shmdt_partial_head, shmdt_keeps_data))
{
        static const struct {
                const char *name;
                enum ipck_requirement req;
                size_t first, count;
        } rows[] = {
                {"last page gone", shmdt_partial_munmap_then_shmdt, PAGES - 1, 1},
                {"second page gone", shmdt_partial_munmap_then_shmdt, 1, 1},
                {"middle gone", shmdt_partial_munmap_then_shmdt, 1, 3},
                {"all but the first gone", shmdt_partial_munmap_then_shmdt, 1, PAGES - 1},
                {"first page gone", shmdt_partial_head, 0, 1},
                {"all but the last gone", shmdt_partial_head, 0, PAGES - 1},
        };

        EACH_ROW(row, rows) {
                const struct place p = new_place();

                MUST(munmap(page_of(&p, row->first), row->count * page_size()));
                EQ(row->req, count_mapped(&p), PAGES - row->count);
                EQ(row->req, shmdt(p.start), 0);
                EQ(row->req, count_mapped(&p), 0);
                EQ(row->req, nattch(p.segment), 0);
                attach_at(p.segment, p.start, SHM_RDONLY);
                for (uint32_t i = 0; i < PAGES; i++)
                        HOLDS(shmdt_keeps_data, has_own_pattern(&p, i));
        }
}

TEST(unmapping_the_whole_detaches, VERIFIES(shmdt_munmap_whole), MOSTLY_WAITS)
{
        const struct place p = new_place();
        struct child other;

        CHILD(&other)
                detach(attach(p.segment, 0));
        join(&other);
        const struct segment_view before = view_of_segment(p.segment);
        REQUIRE(before.lpid == other.pid && before.nattch == 1);
        next_second(now());
        const time_t start = now();
        MUST(munmap(p.start, PAGES * page_size()));
        const time_t end = now();
        const struct segment_view after = view_of_segment(p.segment);
        EQ(shmdt_munmap_whole, after.nattch, 0);
        EQ(shmdt_munmap_whole, after.lpid, getpid());
        BETWEEN(shmdt_munmap_whole, start, after.dtime, end);
        EQ(shmdt_munmap_whole, after.atime, before.atime);
        FAILS_WITH(shmdt_munmap_whole, EINVAL, shmdt(p.start));

        attach_at(p.segment, p.start, 0);
        MUST(shmctl(p.segment, IPC_RMID, NULL));
        MUST(munmap(p.start, PAGES * page_size()));
        EQ(shmdt_munmap_whole, nattch(p.segment), -1);
}

/* ---- mremap ---- */

static char *move(char *from, size_t size, char *to)
{
        return (char *)MUST(mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to));
}

TEST(moved_attachment_is_the_same_one, VERIFIES(shmat_mremap_moved, shmdt_mremap_moved))
{
        const size_t size = PAGES * page_size();
        const struct place old = new_place(), moved = {old.segment, free_range(size)};

        HOLDS(shmat_mremap_moved, move(old.start, size, moved.start) == moved.start);
        EQ(shmat_mremap_moved, nattch(old.segment), 1);
        EQ(shmat_mremap_moved, count_mapped(&old), 0);
        for (uint32_t i = 0; i < PAGES; i++)
                HOLDS(shmat_mremap_moved, has_own_pattern(&moved, i));
        EQ(shmat_mremap_moved, store_signal(moved.start), 0);
        FAILS_WITH(shmdt_mremap_moved, EINVAL, shmdt(old.start));
        EQ(shmdt_mremap_moved, shmdt(moved.start), 0);
        EQ(shmdt_mremap_moved, count_mapped(&moved), 0);
        EQ(shmdt_mremap_moved, nattch(old.segment), 0);
}

TEST(moved_attachment_of_a_removed_segment_stays_read_only, VERIFIES(shmat_mremap_moved, shmdt_mremap_moved))
{
        const size_t page = page_size();
        const int segment = new_segment(page, 0600);
        char *const writable = attach(segment, 0), *read_only = attach(segment, SHM_RDONLY);

        fill_pattern(writable, page, 1);
        detach(writable);
        MUST(shmctl(segment, IPC_RMID, NULL));
        read_only = move(read_only, page, free_range(page));
        EQ(shmat_mremap_moved, nattch(segment), 1);
        HOLDS(shmat_mremap_moved, has_pattern(read_only, page, 1));
        EQ(shmat_mremap_moved, store_signal(read_only), SIGSEGV);
        EQ(shmdt_mremap_moved, shmdt(read_only), 0);
        EQ(shmdt_mremap_moved, nattch(segment), -1);
}

TEST(behind_the_last_page_is_a_bus_error, VERIFIES(shmat_mremap_grown))
{
        static const struct {
                const char *name;
                bool moves;
        } rows[] = {{"nothing in the way", false}, {"a mapping behind it", true}};
        const size_t page = page_size(), size = PAGES * page;

        EACH_ROW(row, rows) {
                const struct place p = new_place();

                if (row->moves)
                        MUST(mmap(p.start + size, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
                char *const grown = (char *)MUST(mremap(p.start, size, size + 2 * page, MREMAP_MAYMOVE));
                EQ(shmat_mremap_grown, nattch(p.segment), 1);
                for (uint32_t i = 0; i < PAGES; i++)
                        HOLDS(shmat_mremap_grown, has_pattern(grown + i * page, page, i));
                EQ(shmat_mremap_grown, store_signal(grown + size - 1), 0);
                EQ(shmat_mremap_grown, load_signal(grown + size), SIGBUS);
                EQ(shmat_mremap_grown, store_signal(grown + size + page), SIGBUS);
                EQ(shmat_mremap_grown, shmdt(grown), 0);
                EQ(shmat_mremap_grown, nattch(p.segment), 0);
                HOLDS(shmat_mremap_grown, !is_mapped(grown) && !is_mapped(grown + size + page));
        }
}

TEST(old_size_0_attaches_once_more, VERIFIES(shmat_mremap_duplicated))
{
        const size_t size = PAGES * page_size();
        const struct place p = new_place();
        char *const copy = mremap(p.start, 0, size, MREMAP_MAYMOVE);

        if (!HOLDS(shmat_mremap_duplicated, copy != MAP_FAILED))
                return;
        HOLDS(shmat_mremap_duplicated, copy >= p.start + size || copy + size <= p.start);
        EQ(shmat_mremap_duplicated, nattch(p.segment), 2);
        fill_pattern(p.start, size, 8);
        HOLDS(shmat_mremap_duplicated, has_pattern(copy, size, 8));
        EQ(shmat_mremap_duplicated, shmdt(p.start), 0);
        EQ(shmat_mremap_duplicated, nattch(p.segment), 1);
        HOLDS(shmat_mremap_duplicated, has_pattern(copy, size, 8));
        EQ(shmat_mremap_duplicated, shmdt(copy), 0);
        EQ(shmat_mremap_duplicated, nattch(p.segment), 0);
}

/* ---- neighbours ---- */

TEST(other_segment_inside_the_span_stays, VERIFIES(shmdt_adjacent_other_segment))
{
        const struct {
                const char *name;
                uint32_t page;          /* of the other segment that lies in place of page 2 */
        } rows[] = {{"at another offset", 0}, {"at the same offset", 2}, {"one page further", 3}};
        const size_t page = page_size();

        EACH_ROW(row, rows) {
                const struct place p = new_place(), other = new_place();

                MUST(munmap(page_of(&p, 2), page));
                char *const inside = move(page_of(&other, row->page), page, page_of(&p, 2));
                REQUIRE(nattch(p.segment) == 2);
                const long others = nattch(other.segment);
                EQ(shmdt_adjacent_other_segment, shmdt(p.start), 0);
                EQ(shmdt_adjacent_other_segment, nattch(p.segment), 0);
                EQ(shmdt_adjacent_other_segment, count_mapped(&p), 1);
                if (HOLDS(shmdt_adjacent_other_segment, is_mapped(inside)))
                        HOLDS(shmdt_adjacent_other_segment, has_pattern(inside, page, row->page));
                EQ(shmdt_adjacent_other_segment, nattch(other.segment), others);
        }
}

TEST(other_segment_attached_in_a_hole_stays, VERIFIES(shmdt_adjacent_other_segment))
{
        enum { STEPS = 5 };
        const size_t step = (size_t)SHMLBA;     /* where an attachment may begin */
        const int segment = new_segment(STEPS * step, 0600), other = new_segment(2 * step, 0600);
        char *const start = attach_at(segment, free_range(STEPS * step), 0), *const inside = start + step;

        MUST(munmap(inside, 2 * step));
        attach_at(other, inside, 0);
        fill_pattern(inside, 2 * step, 9);
        EQ(shmdt_adjacent_other_segment, shmdt(start), 0);
        EQ(shmdt_adjacent_other_segment, nattch(segment), 0);
        EQ(shmdt_adjacent_other_segment, nattch(other), 1);
        for (size_t i = 0; i < STEPS; i++)
                EQ(shmdt_adjacent_other_segment, is_mapped(start + i * step), i == 1 || i == 2);
        HOLDS(shmdt_adjacent_other_segment, is_mapped(inside) && has_pattern(inside, 2 * step, 9));
        EQ(shmdt_adjacent_other_segment, shmdt(inside), 0);
        EQ(shmdt_adjacent_other_segment, nattch(other), 0);
}

TEST(adjoining_attachment_of_the_segment_stays, VERIFIES(shmdt_adjacent_same_segment))
{
        enum { COUNT = 3 };
        const size_t size = 2 * (size_t)SHMLBA;         /* so that another may begin behind it */

        for (int gone = 0; gone < COUNT; gone++) {
                const int segment = new_segment(size, 0600);
                char *const range = free_range(COUNT * size);

                for (int i = 0; i < COUNT; i++)
                        attach_at(segment, range + (size_t)i * size, 0);
                fill_pattern(range, size, 1);
                EQ(shmdt_adjacent_same_segment, shmdt(range + (size_t)gone * size), 0);
                EQ(shmdt_adjacent_same_segment, nattch(segment), COUNT - 1);
                for (int i = 0; i < COUNT; i++) {
                        const char *const place = range + (size_t)i * size;
                        EQ(shmdt_adjacent_same_segment, is_mapped(place), i != gone);
                        EQ(shmdt_adjacent_same_segment, is_mapped(place + size - page_size()), i != gone);
                        if (i != gone)
                                HOLDS(shmdt_adjacent_same_segment, has_pattern(place, size, 1));
                }
        }
}
