/* SPDX-License-Identifier: MIT
 *
 * shmat(): where a segment appears: at the address asked for, at one rounded down, or at one that the system picks.
 */
#include <linux/capability.h>

#include "ipck_shm.h"

enum { PAGES = 4 };

/* ---- picked by the system ---- */

TEST(picked_ranges_are_free_and_disjoint, VERIFIES(shmat_addr_null, shmat_addr_null_aligned))
{
        const size_t page = page_size(), sizes[] = {1, page - 1, page, page + 1, 3 * page, 64 * page};
        enum { EACH = 3, COUNT = sizeof(sizes) / sizeof(*sizes) };
        char *const before = free_range(PAGES * page), *place[COUNT][EACH];

        /* What is mapped already must stay as it is. */
        MUST(mmap(before, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
        fill_pattern(before, PAGES * page, 99);
        for (uint32_t i = 0; i < COUNT; i++) {
                const int segment = new_segment(sizes[i], 0600);
                for (int j = 0; j < EACH; j++) {
                        place[i][j] = shmat(segment, NULL, 0);
                        REQUIRE(place[i][j] != SHM_FAILED);
                        HOLDS(shmat_addr_null, place[i][j] != NULL);
                        EQ(shmat_addr_null_aligned, (uintptr_t)place[i][j] % (size_t)SHMLBA, 0);
                }
                fill_pattern(place[i][0], sizes[i], i);
        }
        for (uint32_t i = 0; i < COUNT; i++)
                for (int j = 0; j < EACH; j++)
                        HOLDS(shmat_addr_null, has_pattern(place[i][j], sizes[i], i));
        HOLDS(shmat_addr_null, has_pattern(before, PAGES * page, 99));
}

TEST(segment_lies_below_4_gib, VERIFIES(compat32_shmat_addr_range))
{
        enum { MIB = 1 << 20 };
        static const struct {
                const char *name;
                size_t size;
        } rows[] = {{"a byte", 1}, {"5 MiB", 5 * MIB}, {"64 MiB", 64 * MIB}, {"256 MiB", 256 * MIB}};

        if (sizeof(void *) != 4)
                UNSUPPORTED("a 32-bit program");
        EACH_ROW(row, rows) {
                const int segment = segment_must_fit(
                        shmget(IPC_PRIVATE, row->size, IPC_CREAT | SHM_NORESERVE | 0600), row->size);
                /* An address that was cut to 32 bits leads to other memory, or to none. */
                char *first = attach(segment, 0), *second = attach(segment, SHM_RDONLY);
                HOLDS(compat32_shmat_addr_range, (uintptr_t)first <= UINT32_MAX - row->size);
                HOLDS(compat32_shmat_addr_range, (uintptr_t)second <= UINT32_MAX - row->size);
                if (HOLDS(compat32_shmat_addr_range, store_signal(first) == 0 && load_signal(second) == 0)) {
                        first[0] = 17;
                        first[row->size - 1] = 18;
                        EQ(compat32_shmat_addr_range, second[row->size - 1], 18);
                        EQ(compat32_shmat_addr_range, second[0], row->size == 1 ? 18 : 17);
                }
                detach(first);
                detach(second);
        }
}

/* ---- asked for ---- */

TEST(address_of_the_first_byte_is_returned, VERIFIES(shmat_ret_address))
{
        const size_t size = PAGES * page_size();
        const int segment = new_segment(size, 0600);

        fill_pattern(attach(segment, 0), size, 5);
        const char *const picked = shmat(segment, NULL, SHM_RDONLY);
        const char *const asked_for = shmat(segment, free_range(size), SHM_RDONLY);
        REQUIRE(picked != SHM_FAILED && asked_for != SHM_FAILED);
        HOLDS(shmat_ret_address, has_pattern(picked, size, 5));
        HOLDS(shmat_ret_address, has_pattern(asked_for, size, 5));
        HOLDS(shmat_ret_address, !is_mapped(asked_for - page_size()));
}

TEST(address_asked_for_is_the_one_used, VERIFIES(shmat_addr_exact))
{
        enum { ROUNDS = 8, ROOM = 64 };
        const size_t page = page_size(), size = PAGES * page - 1;
        const int segment = new_segment(size, 0600);
        char *const other = attach(segment, 0), *const room = free_range(ROOM * (size_t)SHMLBA);

        for (int i = 0; i < ROUNDS; i++) {
                char *const wanted = room + random_below(ROOM - PAGES) * (size_t)SHMLBA;
                char *const got = shmat(segment, wanted, 0);

                if (!HOLDS(shmat_addr_exact, got == wanted))
                        return;
                HOLDS(shmat_addr_exact, !is_mapped(got - page) && !is_mapped(got + PAGES * page));
                fill_pattern(other, size, (uint32_t)i);
                HOLDS(shmat_addr_exact, has_pattern(got, size, (uint32_t)i));
                detach(got);
        }
}

TEST(shm_rnd_rounds_down_to_shmlba, VERIFIES(shmat_addr_rnd, shmat_addr_rnd_aligned))
{
        const size_t lba = (size_t)SHMLBA;
        const struct {
                const char *name;
                enum ipck_requirement req;
                size_t offset, rounded;
        } rows[] = {
                {"multiple", shmat_addr_rnd_aligned, 0, 0},
                {"second multiple", shmat_addr_rnd_aligned, lba, lba},
                {"1 above", shmat_addr_rnd, 1, 0},
                {"8 above", shmat_addr_rnd, 8, 0},
                {"halfway", shmat_addr_rnd, lba / 2, 0},
                {"1 below", shmat_addr_rnd, lba - 1, 0},
                {"1 above the second", shmat_addr_rnd, lba + 1, lba},
                {"1 below the third", shmat_addr_rnd, 2 * lba - 1, lba},
        };
        const int segment = new_segment(PAGES * page_size(), 0600);

        fill_pattern(attach(segment, 0), PAGES * page_size(), 3);
        char *const range = free_range(PAGES * page_size() + lba);
        EACH_ROW(row, rows) {
                char *const got = shmat(segment, range + row->offset, SHM_RND);

                if (HOLDS(row->req, got == range + row->rounded)) {
                        HOLDS(row->req, has_pattern(got, PAGES * page_size(), 3));
                        detach(got);
                }
        }
}

/* ---- refused ---- */

TEST(address_inside_a_page_is_refused_without_shm_rnd, VERIFIES(shmat_addr_einval_unaligned))
{
        const size_t page = page_size(), offsets[] = {1, 2, 8, page / 2, page - 1};
        const int segment = new_segment(page, 0600);
        char *const range = free_range(page);

        for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
                FAILS_WITH(shmat_addr_einval_unaligned, EINVAL, shmat(segment, range + offsets[i], 0));
                HOLDS(shmat_addr_einval_unaligned, !is_mapped(range));
                detach(attach_at(segment, range + offsets[i], SHM_RND));
                detach(attach_at(segment, range, 0));
        }
}

/* A page-aligned address so many pages below the end of the address space: few machines give that to a program. */
static char *below_the_top(size_t pages)
{
        return (char *)(UINTPTR_MAX - pages * page_size() + 1);
}

TEST(address_that_no_program_can_map_is_refused,
     VERIFIES(shmat_addr_einval_illegal, shmat_addr_enomem_illegal_linux))
{
        const int segment = new_segment(page_size(), 0600);
        /* Where an attachment may begin. */
        char *const range = free_range(page_size()), *const high = below_the_top(2 * (size_t)SHMLBA / page_size());

        if (mmap(high, page_size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED)
                UNSUPPORTED("an address that no program can map: the highest can be");
        detach(attach_at(segment, range, 0));
        FAILS_WITH(shmat_addr_einval_illegal, EINVAL, shmat(segment, high, 0));
        FAILS_WITH(shmat_addr_enomem_illegal_linux, ENOMEM, shmat(segment, high, 0));
        EQ(shmat_addr_einval_illegal, nattch(segment), 0);
}

TEST(range_that_wraps_around_is_refused, VERIFIES(shmat_addr_einval_wrap))
{
        const struct {
                const char *name;
                size_t pages;
        } rows[] = {{"last page only", 1}, {"half of it", PAGES / 2}, {"ends at the very top", PAGES}};
        const int segment = new_segment(PAGES * page_size(), 0600);

        if (sizeof(void *) != 8)
                UNSUPPORTED("a 64-bit program: the sum of address and size wraps in the kernel's word only");
        detach(attach_at(segment, free_range(PAGES * page_size()), 0));
        EACH_ROW(row, rows)
                FAILS_WITH(shmat_addr_einval_wrap, EINVAL, shmat(segment, below_the_top(row->pages), 0));
        EQ(shmat_addr_einval_wrap, nattch(segment), 0);
}

TEST(range_that_is_taken_is_refused, VERIFIES(shmat_addr_einval_overlap))
{
        const struct {
                const char *name;
                size_t first, pages;    /* what is taken; the attachment would have the pages 1 to PAGES */
                bool refused;
        } rows[] = {
                {"first page", 1, 1, true},          {"page inside", 2, 1, true},
                {"last page", PAGES, 1, true},       {"across the start", 0, 2, true},
                {"across the end", PAGES, 2, true},  {"all and more", 0, PAGES + 2, true},
                {"page just below", 0, 1, false},    {"page just above", PAGES + 1, 1, false},
        };
        const size_t page = page_size(), whole = (PAGES + 2) * page;
        const int segment = new_segment(PAGES * page, 0600), fixed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

        EACH_ROW(row, rows) {
                /* An attachment may have to begin at a multiple of SHMLBA, as a free range does. */
                char *const place = free_range(whole - page), *const range = place - page;
                char *const taken = range + row->first * page;

                detach(attach_at(segment, place, 0));
                MUST(mmap(taken, row->pages * page, PROT_READ | PROT_WRITE, fixed, -1, 0));
                fill_pattern(taken, row->pages * page, 7);
                if (row->refused)
                        FAILS_WITH(shmat_addr_einval_overlap, EINVAL, shmat(segment, place, 0));
                else
                        HOLDS(shmat_addr_einval_overlap, shmat(segment, place, 0) == place);
                HOLDS(shmat_addr_einval_overlap, has_pattern(taken, row->pages * page, 7));
                EQ(shmat_addr_einval_overlap, nattch(segment), !row->refused);
                MUST(munmap(range, whole));
        }
}

TEST(range_of_an_attachment_is_refused, VERIFIES(shmat_addr_einval_overlap))
{
        const size_t size = PAGES * page_size();
        const int segment = new_segment(size, 0600), other = new_segment(size, 0600);
        char *const place = attach_at(segment, free_range(size), 0);

        fill_pattern(place, size, 8);
        FAILS_WITH(shmat_addr_einval_overlap, EINVAL, shmat(other, place, 0));
        FAILS_WITH(shmat_addr_einval_overlap, EINVAL, shmat(segment, place, 0));
        HOLDS(shmat_addr_einval_overlap, has_pattern(place, size, 8));
        EQ(shmat_addr_einval_overlap, nattch(segment), 1);
        EQ(shmat_addr_einval_overlap, nattch(other), 0);
        detach(place);
        HOLDS(shmat_addr_einval_overlap, shmat(other, place, 0) == place);
}

TEST(page_0_is_for_the_privileged, VERIFIES(shmat_rnd_low_address))
{
        const int segment = new_segment(page_size(), 0600);
        char *const range = free_range((size_t)SHMLBA + page_size()), text[32], *const low = (char *)1;

        if (read_file("/proc/sys/vm/mmap_min_addr", text, sizeof(text)) <= 0)
                UNSUPPORTED("/proc/sys/vm/mmap_min_addr (%s)", errno_name(errno));
        if (atol(text) < 1)
                UNSUPPORTED("vm.mmap_min_addr above 0");
        drop_capability(CAP_SYS_RAWIO);
        detach(attach_at(segment, range + 1, SHM_RND));
        FAILS_WITH(shmat_rnd_low_address, EPERM, shmat(segment, low, SHM_RND));
        FAILS_WITH(shmat_rnd_low_address, EPERM, shmat(segment, low + SHMLBA - 2, SHM_RND));
        EQ(shmat_rnd_low_address, nattch(segment), 0);
}
