/* SPDX-License-Identifier: MIT
 *
 * Removal and shmat(): a segment that was removed can be attached for as long as somebody has it attached, and not
 * after that.
 */
#include <sys/syscall.h>

#include "ipck_shm.h"

/* ---- between IPC_RMID and the last detach ---- */

TEST(identifier_can_be_attached_while_somebody_has_it, VERIFIES(shmat_deleted_attach_ok, shmat_deleted_attach_gone))
{
        const size_t size = 2 * page_size();
        const int segment = new_segment(size, 0600);
        struct child holder;

        CHILD(&holder) {
                fill_pattern(attach(segment, 0), size, 1);
                stay(&holder);
        }
        UNTIL(stays(&holder));
        MUST(shmctl(segment, IPC_RMID, NULL));
        REQUIRE(nattch(segment) == 1);

        for (int round = 0; round < 3; round++) {
                char *const place = shmat(segment, NULL, round == 1 ? SHM_RDONLY : 0);
                if (!HOLDS(shmat_deleted_attach_ok, place != SHM_FAILED))
                        continue;
                EQ(shmat_deleted_attach_ok, nattch(segment), 2);
                HOLDS(shmat_deleted_attach_ok, has_pattern(place, size, 1));
                detach(place);
                EQ(shmat_deleted_attach_ok, nattch(segment), 1);
        }
        dismiss(&holder);
        FAILS_WITH(shmat_deleted_attach_gone, EINVAL, shmat(segment, NULL, 0));
}

TEST(new_attachment_takes_over_from_the_old, VERIFIES(shmat_deleted_attach_ok, shmat_deleted_attach_gone))
{
        const size_t page = page_size();
        const int segment = new_segment(page, 0600);
        char *old = attach(segment, 0);

        MUST(shmctl(segment, IPC_RMID, NULL));
        for (uint32_t i = 0; i < 5; i++) {
                char *const new = shmat(segment, NULL, 0);
                if (!HOLDS(shmat_deleted_attach_ok, new != SHM_FAILED))
                        break;
                fill_pattern(old, page, i);
                detach(old);
                EQ(shmat_deleted_attach_ok, nattch(segment), 1);
                HOLDS(shmat_deleted_attach_ok, has_pattern(new, page, i));
                old = new;
        }
        detach(old);
        FAILS_WITH(shmat_deleted_attach_gone, EINVAL, shmat(segment, NULL, 0));
        FAILS_WITH(shmat_deleted_attach_gone, EINVAL, shmat(segment, NULL, SHM_RDONLY));
        FAILS_WITH(shmat_deleted_attach_gone, EINVAL, shmat(segment, free_range(page), SHM_REMAP));
}

TEST(refused_attachment_does_not_destroy_what_is_in_use, VERIFIES(shmat_deleted_attach_ok))
{
        const size_t page = page_size();
        const int segment = new_segment(page, 0600);
        char *const place = attach_by_shmlba(segment);

        fill_pattern(place, page, 1);
        MUST(shmctl(segment, IPC_RMID, NULL));
        REQUIRE(shmat(segment, place, 0) == SHM_FAILED && shmat(segment, place + 1, 0) == SHM_FAILED);
        EQ(shmat_deleted_attach_ok, nattch(segment), 1);
        char *const second = shmat(segment, NULL, 0);
        HOLDS(shmat_deleted_attach_ok, second != SHM_FAILED && has_pattern(second, page, 1));
}

/* ---- removal at the same time ---- */

struct race {
        _Atomic int segment, attached;
};

static int refusal;

static bool refused(struct race *race)
{
        void *const place = shmat(race->segment, NULL, 0);

        refusal = errno;
        if (place == SHM_FAILED)
                return true;
        race->attached++;
        detach(place);
        return false;
}

TEST(removal_meets_processes_that_attach, VERIFIES(shmat_eidrm))
{
        enum { ROUNDS = 150, USERS = 2 };
        struct race *const race = shared(sizeof(*race));
        struct child user[USERS];

        race->segment = new_segment(page_size(), 0600);
        for (int i = 0; i < USERS; i++)
                CHILD(&user[i])
                        for (int round = 1; round <= ROUNDS; round++) {
                                EVENTUALLY(shmat_eidrm, refused(race));
                                HOLDS(shmat_eidrm, refusal == EINVAL || refusal == EIDRM);
                                here(&user[i], round);
                                await(&user[i], round);
                        }
        for (int round = 1; round <= ROUNDS; round++) {
                UNTIL(race->attached >= USERS);
                MUST(shmctl(race->segment, IPC_RMID, NULL));
                EVENTUALLY(shmat_eidrm, at(&user[0]) == round && at(&user[1]) == round);
                race->segment = new_segment(page_size(), 0600);
                race->attached = 0;
                for (int i = 0; i < USERS; i++)
                        tell(&user[i], round);
        }
        for (int i = 0; i < USERS; i++)
                join(&user[i]);
}

/* ---- remap_file_pages(2) maps the segment's file anew, behind the back of shmat() ---- */

static int remap_pages(char *place, size_t size, size_t first_page)
{
#ifdef SYS_remap_file_pages
        const int result = (int)syscall(SYS_remap_file_pages, place, size, 0, first_page, 0);

        if (result == -1 && errno == ENOSYS)
                UNSUPPORTED("remap_file_pages()");
        return result;
#else
        UNSUPPORTED("remap_file_pages() (place %p, size %zu, page %zu)", (void *)place, size, first_page);
#endif
}

TEST(remapped_page_shows_another_page_of_the_segment, VERIFIES(shmat_remap_file_pages_reorders))
{
        enum { PAGES = 3 };
        const size_t page = page_size();
        const int segment = new_segment(PAGES * page, 0600);
        char *const other = attach(segment, 0), *const place = attach(segment, 0);

        for (uint32_t i = 0; i < PAGES; i++)
                fill_pattern(other + i * page, page, i);
        EQ(shmat_remap_file_pages_reorders, remap_pages(place, page, 2), 0);
        HOLDS(shmat_remap_file_pages_reorders, has_pattern(place, page, 2));
        HOLDS(shmat_remap_file_pages_reorders, has_pattern(place + page, page, 1));
        HOLDS(shmat_remap_file_pages_reorders, has_pattern(place + 2 * page, page, 2));
        fill_pattern(place, page, 9);
        HOLDS(shmat_remap_file_pages_reorders, has_pattern(other + 2 * page, page, 9));
        HOLDS(shmat_remap_file_pages_reorders, has_pattern(other, page, 0));
        EQ(shmat_remap_file_pages_reorders, shmdt(place), 0);
        HOLDS(shmat_remap_file_pages_reorders, !is_mapped(place + page) && !is_mapped(place + 2 * page));
        OBSERVE(shmat_remap_file_pages_reorders, "shmdt() %s the page that was moved",
                is_mapped(place) ? "leaves" : "removes");
}

TEST(removed_segment_survives_remapping_or_is_gone, VERIFIES(shmat_remap_file_pages_removed))
{
        const size_t page = page_size();
        const int segment = new_segment(page, 0600);
        char *const place = attach(segment, 0);

        fill_pattern(place, page, 1);
        MUST(shmctl(segment, IPC_RMID, NULL));
        errno = 0;
        const int result = remap_pages(place, page, 0);
        OBSERVE(shmat_remap_file_pages_removed, "remap_file_pages() of the last attachment: %s, %s",
                result == 0 ? "0" : errno_name(errno), is_mapped(place) ? "still mapped" : "no longer mapped");
        if (is_mapped(place)) {
                EQ(shmat_remap_file_pages_removed, nattch(segment), 1);
                HOLDS(shmat_remap_file_pages_removed, store_signal(place) == 0 && has_pattern(place, page, 1));
                EQ(shmat_remap_file_pages_removed, shmdt(place), 0);
        }
        EQ(shmat_remap_file_pages_removed, nattch(segment), -1);
        HOLDS(shmat_remap_file_pages_removed, !is_mapped(place));
        /* And the next segment, which may get the place of the old one in the table, is a new one. */
        HOLDS(shmat_remap_file_pages_removed, all_bytes(attach(new_segment(page, 0600), 0), page, 0));
}
