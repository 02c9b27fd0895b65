/* SPDX-License-Identifier: MIT
 *
 * shmop.c: wrong implementations of shmat() and shmdt().
 */
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "shm.h"

#define FAILED ((void *)-1)

static void *no_attachment(int error)
{
        errno = error;
        return FAILED;
}

static size_t page_size(void)
{
        return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t whole_pages(size_t size)
{
        return (size + page_size() - 1) & ~(page_size() - 1);
}

static void *at(const void *address, long bytes)
{
        return (void *)((uintptr_t)address + (uintptr_t)bytes);
}

/* ---- what a process notes of its attachments ---- */

enum { MOST = 256 };

static struct pair {
        void *shown, *kept;
} copies[MOST];                         /* an attachment that is kept, and its copy that the program was shown */

static void *detached[MOST];            /* start addresses of attachments that are gone */

static void note_detached(void *address)
{
        for (size_t i = 0; i < MOST; i++)
                if (!detached[i] || detached[i] == address) {
                        detached[i] = address;
                        return;
                }
}

static bool was_detached(const void *address)
{
        for (size_t i = 0; i < MOST; i++)
                if (address && detached[i] == address)
                        return true;
        return false;
}

static void *show_a_copy(void *kept, size_t size)
{
        void *const shown = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        for (size_t i = 0; i < MOST; i++)
                if (!copies[i].shown) {
                        memcpy(shown, kept, size);
                        copies[i] = (struct pair){shown, kept};
                        return shown;
                }
        return kept;
}

static void *real_one(const void *shown, size_t size)
{
        for (size_t i = 0; i < MOST; i++)
                if (shown && copies[i].shown == shown) {
                        void *const kept = copies[i].kept;
                        copies[i] = (struct pair){NULL, NULL};
                        munmap((void *)shown, size);
                        return kept;
                }
        return NULL;
}

/* ---- shmat ---- */

struct attaching {
        int id;
        const void *address;
        int flags;
};

static void *attach(const struct attaching *a, int flags)
{
        return real_shmat(a->id, a->address, flags);
}

static bool is_refused(const struct attaching *a, const struct ipc_perm *perm)
{
        const int bits = (a->flags & SHM_RDONLY) ? 4 : 6;

        if (a->flags & SHM_RDONLY && chosen_where(shmat_rdonly_needs_write_permission, lacks(perm, 2)))
                return true;
        const bool is_gift = perm->uid != perm->cuid && !has_effective(CAP_IPC_OWNER);

        if (!(a->flags & SHM_RDONLY) && is_gift && perm->uid == geteuid() && chosen(shmat_second_owner_cannot_write))
                return true;
        if (!(a->flags & SHM_RDONLY) && is_gift && perm->uid != geteuid() && perm->cuid != geteuid() &&
            chosen(shmat_writing_is_for_owner_and_creator))
                return true;
        return chosen_where(shmat_creator_is_nobody, refused_by(perm, CREATOR_IS_NOBODY, bits)) ||
               chosen_where(shmat_creating_group_is_nobody, refused_by(perm, CREATING_GROUP_IS_NOBODY, bits)) ||
               chosen_where(shmat_supplementary_groups_ignored, refused_by(perm, SUPPLEMENTARY_GROUPS_IGNORED, bits)) ||
               chosen_where(shmat_real_ids_decide, refused_by(perm, BY_REAL_IDS, bits)) ||
               chosen_where(shmat_knows_no_privilege, privileged_only(perm, bits));
}

static void *permission_failed(const struct attaching *a, size_t size)
{
        if (!(a->flags & SHM_RDONLY) && chosen(shmat_falls_back_to_rdonly))
                return attach(a, a->flags | SHM_RDONLY);
        if (a->flags & SHM_EXEC && chosen(shmat_exec_needs_no_permission)) {
                void *const place = attach(a, a->flags & ~SHM_EXEC);
                if (place != FAILED)
                        mprotect(place, size, PROT_READ | PROT_EXEC | ((a->flags & SHM_RDONLY) ? 0 : PROT_WRITE));
                return place;
        }
        if (chosen(shmat_permission_ignored)) {
                void *const place = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                return place;
        }
        if (chosen(shmat_eacces_is_eperm))
                errno = EPERM;
        return FAILED;
}

static void *attach_failed(const struct attaching *a, const struct shmid_ds *about)
{
        if (chosen(shmat_failures_are_attached) && about && noted(a->id))
                noted(a->id)->number[0]++;
        if (errno == EACCES && about)
                return permission_failed(a, whole_pages(about->shm_segsz));
        if (errno == ENOMEM && a->address && chosen(shmat_unmappable_address_is_einval))
                errno = EINVAL;
        if (errno == EINVAL && about && (uintptr_t)a->address > UINTPTR_MAX - (1 << 20) &&
            chosen(shmat_wrapping_address_is_enomem))
                errno = ENOMEM;
        if (errno == ENOMEM && chosen(shmat_enomem_is_eagain))
                errno = EAGAIN;
        if (errno == EAGAIN && chosen(shmat_eagain_is_enomem))
                errno = ENOMEM;
        if (errno == EPERM && chosen(shmat_low_address_is_einval))
                errno = EINVAL;
        if (errno == EINVAL && !about && chosen(shmat_einval_is_enoent))
                errno = ENOENT;
        return FAILED;
}

/* Leaves something in the segment, by its attachment where that is writable. */
static void store(int id, ptrdiff_t offset, char *place)
{
        char *const own = place ? place : real_shmat(id, NULL, 0);

        if (own == FAILED)
                return;
        own[offset] = (char)0xa5;
        if (!place)
                real_shmdt(own);
}

static void *attached(const struct attaching *a, const struct shmid_ds *about, void *place)
{
        const size_t size = whole_pages(about->shm_segsz);
        const bool writable = !(a->flags & SHM_RDONLY), first = !about->shm_atime;
        char *const last_byte = at(place, (long)about->shm_segsz - 1);

        if (a->flags & SHM_RND && place != a->address && a->address && chosen(shmat_returns_the_address_asked_for))
                return (void *)a->address;
        if (first && about->shm_segsz > 65536 && chosen(shmget_memory_is_not_cleared))
                store(a->id, last_byte - (char *)place, writable ? place : NULL);
        if (first && about->shm_segsz > 65536 && chosen(shmget_memory_used_before_is_not_cleared) && noted(-1) &&
            noted(-1)->number[0])
                store(a->id, last_byte - (char *)place, writable ? place : NULL);
        if (first && writable && chosen(shmget_last_page_is_not_cleared))
                memset(at(place, (long)about->shm_segsz), 0xa5, size - about->shm_segsz);
        if (chosen(shmat_future_locks_ignored))
                munlock(place, size);
        if (chosen(shmat_children_inherit_nothing))
                madvise(place, size, MADV_DONTFORK);
        if (chosen(shmat_stamps_dtime)) {
                void *const other = real_shmat(a->id, NULL, SHM_RDONLY);
                if (other != FAILED)
                        real_shmdt(other);
        }
        if (about->shm_nattch && !a->address && writable && chosen(shmat_second_attachment_is_a_copy))
                return show_a_copy(place, size);
        if (chosen(shmctl_stat_counts_calls) && noted(a->id))
                noted(a->id)->number[0]++;
        if (!writable && size > 2 * page_size() && chosen(shmat_returns_the_second_byte))
                return at(place, 1);
        return place;
}

static void *attach_segment(struct attaching *a, const struct shmid_ds *about)
{
        if (a->address && !(a->flags & (SHM_RND | SHM_REMAP)) && chosen(shmat_address_is_a_hint))
                a->address = NULL;
        if (a->address && !(a->flags & SHM_RND) && chosen(shmat_rounds_without_shm_rnd))
                a->flags |= SHM_RND;
        if (a->flags & SHM_RND && chosen(shmat_rnd_ignored))
                a->flags &= ~SHM_RND;
        if (a->flags & SHM_RND && (uintptr_t)a->address % (size_t)SHMLBA && chosen(shmat_rnd_rounds_up))
                a->address = at(a->address, SHMLBA - (long)((uintptr_t)a->address % (size_t)SHMLBA));
        if (a->flags & SHM_RND && a->address && !((uintptr_t)a->address % (size_t)SHMLBA) &&
            chosen(shmat_rnd_moves_aligned_addresses))
                a->address = at(a->address, -(long)SHMLBA);
        if (a->address && !(a->flags & SHM_REMAP) && chosen(shmat_remap_implied))
                a->flags |= SHM_REMAP;
        if (a->flags & SHM_REMAP && a->address && chosen(shmat_remap_ignored))
                a->flags &= ~SHM_REMAP;
        if (a->flags & SHM_REMAP && !a->address && chosen(shmat_remap_of_null_picks_an_address))
                a->flags &= ~SHM_REMAP;
        if (a->flags & SHM_REMAP && a->flags & SHM_RND && (uintptr_t)a->address < (size_t)SHMLBA && a->address &&
            chosen(shmat_remap_that_rounds_to_null_picks_an_address))
                *a = (struct attaching){a->id, NULL, a->flags & ~(SHM_REMAP | SHM_RND)};
        if (a->flags & SHM_EXEC && chosen(shmat_exec_ignored))
                a->flags &= ~SHM_EXEC;
        if (about && about->shm_perm.mode & SHM_DEST && chosen(shmat_removed_segment_refused))
                return no_attachment(EIDRM);
        if (a->flags & SHM_RDONLY && chosen(shmat_rdonly_ignored)) {
                void *const writable = attach(a, a->flags & ~SHM_RDONLY);
                if (writable != FAILED || !about)
                        return writable;
        }
        if (a->flags & SHM_RDONLY && about && chosen(shmat_rdonly_can_be_made_writable)) {
                void *const writable = attach(a, a->flags & ~SHM_RDONLY);
                if (writable != FAILED) {
                        mprotect(writable, whole_pages(about->shm_segsz), PROT_READ);
                        return writable;
                }
        }
        void *const place = attach(a, a->flags);
        if (place == FAILED)
                return attach_failed(a, about);
        return about ? attached(a, about, place) : place;
}

void *shmat(int id, const void *address, int flags)
{
        if (!mutants_are_in_question("shmat shmget shmctl"))
                return real_shmat(id, address, flags);

        struct attaching attaching = {id, address, flags};
        struct shmid_ds about;

        if (!describe_segment(id, &about))
                return attach_segment(&attaching, NULL);
        if (is_refused(&attaching, &about.shm_perm))
                return no_attachment(EACCES);
        return attach_segment(&attaching, &about);
}

/* ---- shmdt ---- */

/* The attachment that an address lies in. */
static const struct attachment *attachment_of(const void *address, const struct attachment *list, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if ((const char *)address >= list[i].start && (const char *)address < list[i].end)
                        return &list[i];
        return NULL;
}

static int detach_failed(const void *address, const struct attachment *inside)
{
        if (!address && chosen(shmdt_of_null_succeeds))
                return 0;
        if (was_detached(address) && chosen(shmdt_twice_succeeds))
                return 0;
        if (inside && (uintptr_t)address % page_size() && chosen(shmdt_rounds_down))
                return real_shmdt(at(address, -(long)((uintptr_t)address % page_size())));
        if (inside && !((uintptr_t)address % page_size()) && chosen(shmdt_of_any_page_detaches))
                return real_shmdt(at(inside->start, -(long)inside->offset));
        if (inside && chosen(shmdt_failure_is_stamped)) {
                void *const other = real_shmat(inside->id, NULL, SHM_RDONLY);
                if (other != FAILED)
                        real_shmdt(other);
                errno = EINVAL;
        }
        if (!inside && address && !((uintptr_t)address % page_size()) && chosen(shmdt_unmaps_what_is_no_attachment))
                return munmap((void *)address, page_size());
        if (chosen(shmdt_einval_is_efault))
                errno = EFAULT;
        return -1;
}

int shmdt(const void *address)
{
        static unsigned left;
        if (!mutants_are_in_question("shmdt shmat shmctl"))
                return real_shmdt(address);

        struct attachment list[ATTACHMENTS];
        const size_t count = attachments(list);
        const struct attachment *const found = attachment_of(address, list, count);
        struct shmid_ds about = {0};
        const bool known = found && describe_segment(found->id, &about);
        const bool starts = found && found->start == address && found->offset == 0;
        const size_t size = whole_pages(about.shm_segsz);

        if (chosen(shmat_second_attachment_is_a_copy)) {
                void *const kept = real_one(address, page_size());
                if (kept)
                        return real_shmdt(kept);
        }
        if (known && starts && about.shm_nattch == 1 && chosen(shmdt_last_one_clears_the_memory)) {
                void *const writable = real_shmat(found->id, NULL, 0);
                if (writable != FAILED) {
                        memset(writable, 0, about.shm_segsz);
                        real_shmdt(writable);
                }
        }
        if (known && starts && about.shm_perm.mode & SHM_DEST && about.shm_nattch == 1 &&
            chosen(shmdt_last_one_does_not_destroy))
                real_shmat(found->id, NULL, SHM_RDONLY);
        if (starts && chosen(shmdt_detaches_the_first_mapping_alone))
                return munmap((void *)address, (size_t)(found->end - found->start));
        if (known && starts && chosen(shmdt_unmaps_the_whole_span)) {
                const int result = real_shmdt(address);
                munmap((void *)address, size);
                return result;
        }
        if (!starts && chosen(shmdt_needs_the_first_page))
                return fail(EINVAL);

        const int result = real_shmdt(address);

        if (result == -1)
                return detach_failed(address, found);
        note_detached((void *)address);
        if (known && chosen(shmdt_detaches_all_of_the_segment))
                for (size_t i = 0; i < count; i++)
                        if (list[i].id == found->id && list[i].offset == 0 && list[i].start != address)
                                real_shmdt(list[i].start);
        if (found && chosen(shmdt_leaves_the_memory) && !left++)
                (void)!mmap((void *)address, (size_t)(found->end - found->start), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        if (known && chosen(shmctl_stat_counts_calls) && noted(found->id))
                noted(found->id)->number[0]--;
        return result;
}
