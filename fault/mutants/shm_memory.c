/* SPDX-License-Identifier: MIT
 *
 * shm_memory.c: wrong implementations of msync() and madvise() for attachments. Memory that is none is left alone.
 */
#include <sys/mman.h>

#include "object.h"
#include "shm.h"

static bool find_attachment(const void *address, struct attachment *found)
{
        struct attachment list[ATTACHMENTS];
        const size_t count = attachments(list);

        for (size_t i = 0; i < count; i++)
                if ((const char *)address >= list[i].start && (const char *)address < list[i].end) {
                        *found = list[i];
                        return true;
                }
        return false;
}

/* Whatever the attachment lets its process do. */
static void empty_in_segment(const struct attachment *a, const char *address, size_t length)
{
        char *const place = real_shmat(a->id, NULL, 0);

        if (place == (void *)-1)
                return;
        OWN(madvise)(place + a->offset + (address - a->start), length, MADV_REMOVE);
        real_shmdt(place);
}

int msync(void *address, size_t length, int flags)
{
        struct attachment a;

        if (!mutants_are_in_question("msync") || !find_attachment(address, &a))
                return OWN(msync)(address, length, flags);
        if (flags == MS_SYNC && chosen(msync_needs_a_file))
                return fail(EINVAL);
        if (flags & MS_ASYNC && chosen(msync_async_refused))
                return fail(EINVAL);
        if (flags & MS_INVALIDATE && chosen(msync_invalidate_empties))
                empty_in_segment(&a, address, length);
        return OWN(msync)(address, length, flags);
}

static int remove_failed(const struct attachment *a, char *address, size_t length)
{
        const int error = errno;

        if (error == EACCES) {
                if (chosen(madvise_remove_needs_no_writing)) {
                        empty_in_segment(a, address, length);
                        return 0;
                }
                if (chosen(madvise_remove_empties_before_it_fails))
                        empty_in_segment(a, address, length);
                if (chosen(madvise_remove_eacces_is_eperm))
                        return fail(EPERM);
        }
        if (error == EINVAL) {
                if (chosen(madvise_remove_takes_locked_pages)) {
                        empty_in_segment(a, address, length);
                        return 0;
                }
                if (chosen(madvise_remove_empties_locked_pages))
                        empty_in_segment(a, address, length);
                if (chosen(madvise_remove_locked_is_eagain))
                        return fail(EAGAIN);
        }
        return fail(error);
}

static int remove_pages(const struct attachment *a, char *address, size_t length)
{
        if (chosen(madvise_remove_does_nothing))
                return 0;
        if (chosen(madvise_remove_drops_the_mapping_alone))
                return OWN(madvise)(address, length, MADV_DONTNEED);
        if (OWN(madvise)(address, length, MADV_REMOVE) == -1)
                return remove_failed(a, address, length);
        if (chosen(madvise_remove_clears_the_memory))
                memset(address, 0, length);
        if (address + length < a->end && chosen(madvise_remove_takes_a_page_more))
                OWN(madvise)(address + length, 1, MADV_REMOVE);
        return 0;
}

int madvise(void *address, size_t length, int advice)
{
        struct attachment a;

        return mutants_are_in_question("madvise") && advice == MADV_REMOVE && find_attachment(address, &a)
                       ? remove_pages(&a, address, length)
                       : OWN(madvise)(address, length, advice);
}
