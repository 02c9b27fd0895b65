/* SPDX-License-Identifier: MIT
 *
 * object_map.c: wrong implementations of mmap(), mprotect() and munmap() for shared memory objects.
 */
#include "object.h"

struct mapping mappings[MAPPINGS];

size_t whole_pages_of(size_t size)
{
        const size_t page = (size_t)sysconf(_SC_PAGESIZE);

        return (size + page - 1) / page * page;
}

/* ---- what is mapped ---- */

struct mapping *mapping_in(const char *start, size_t length)
{
        struct mapping *first = NULL;

        for (struct mapping *m = mappings; m < mappings + MAPPINGS; m++)
                if (m->length && m->start < start + length && start < m->start + m->length &&
                    (!first || m->start < first->start))
                        first = m;
        return first;
}

static void note(void *start, size_t length, int flags, int fd, const struct stat *st)
{
        for (struct mapping *m = mappings; m < mappings + MAPPINGS; m++) {
                if (!m->length) {
                        *m = (struct mapping){start, whole_pages_of(length), flags,
                                              (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY, st->st_dev, st->st_ino};
                        return;
                }
        }
}

static void forget(const char *start, size_t length)
{
        for (struct mapping *m; (m = mapping_in(start, length));)
                m->length = 0;
}

/* ---- mmap() ---- */

struct request {
        void *address;
        size_t length;
        int protection, flags, fd;
        off_t offset;
};

static void *really_map(const struct request *r)
{
        return OWN(mmap)(r->address, r->length, r->protection, r->flags, r->fd, r->offset);
}

static void *no_mapping(int error)
{
        errno = error;
        return MAP_FAILED;
}

static void *map_wrongly(struct request r, const struct stat *st)
{
        const size_t page = whole_pages_of(1);
        const bool to_read = (fcntl(r.fd, F_GETFL) & O_ACCMODE) == O_RDONLY;
        const bool shared = (r.flags & MAP_TYPE) == MAP_SHARED, private = (r.flags & MAP_TYPE) == MAP_PRIVATE;
        const bool writes = r.protection & PROT_WRITE;

        if (shared && writes && r.length == 3 * page && chosen(mmap_shared_as_private))
                r.flags = (r.flags & ~MAP_TYPE) | MAP_PRIVATE;
        if (shared && writes && r.length == 2 * page + 100 && chosen(mmap_apart_from_file))
                r.flags = (r.flags & ~MAP_TYPE) | MAP_PRIVATE;
        if (private && !to_read && chosen(mmap_private_as_shared))
                r.flags = (r.flags & ~MAP_TYPE) | MAP_SHARED;
        if (private && to_read && writes && chosen(mmap_private_needs_writing))
                return no_mapping(EACCES);
        if (r.length == 0 && chosen(mmap_empty_as_byte))
                r.length = 1;
        if (!(r.flags & MAP_TYPE) && chosen(mmap_shared_by_default))
                r.flags |= MAP_SHARED;
        if (r.offset % (off_t)page && chosen(mmap_offset_rounded))
                r.offset -= r.offset % (off_t)page;
        if (r.offset >= (off_t)page && r.offset % (off_t)page == 0 && chosen(mmap_offset_a_page_less))
                r.offset -= (off_t)page;
        if ((r.flags & MAP_TYPE) == MAP_SHARED_VALIDATE && chosen(mmap_validates_nothing))
                r.flags = (r.flags & ~MAP_TYPE) | MAP_SHARED;
        if (r.protection == PROT_NONE && chosen(mmap_none_can_be_read))
                r.protection = PROT_READ;
        if (r.protection == PROT_READ && (private || !to_read) && chosen(mmap_read_can_be_written))
                r.protection |= PROT_WRITE;
        if (r.flags & MAP_FIXED && r.address && r.length == 2 * page && chosen(mmap_fixed_takes_a_page_more))
                OWN(mmap)((char *)r.address + r.length, page, r.protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                          0);
        const off_t end = r.offset + (off_t)r.length;
        if (!to_read && r.offset == 0 && end > st->st_size && (off_t)whole_pages_of((size_t)st->st_size) < end &&
            end <= 1 << 20 && chosen(mmap_grows_object))
                OWN(ftruncate)(r.fd, end);

        void *const memory = really_map(&r);
        if (memory == MAP_FAILED) {
                if (errno == EPERM && r.protection & PROT_EXEC && chosen(mmap_noexec_ignored)) {
                        r.protection &= ~PROT_EXEC;
                        return really_map(&r);
                }
                if (errno == ENOMEM && chosen(mmap_enomem_as_eagain))
                        errno = EAGAIN;
                if (errno == EOVERFLOW && r.length <= INT64_MAX && chosen(mmap_eoverflow_as_einval))
                        errno = EINVAL;
                return MAP_FAILED;
        }
        if (shared && writes && r.offset == 0 && st->st_size % (off_t)page && end >= st->st_size &&
            chosen(mmap_tail_not_zero))
                memset((char *)memory + st->st_size, 0xa5, page - (size_t)st->st_size % page);
        note(memory, r.length, r.flags, r.fd, st);
        return memory;
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
        const struct request request = {address, length, protection, flags, fd, offset};
        struct stat st;

        if (!mutants_are_in_question(OBJECT_CALLS))
                return really_map(&request);
        void *const memory = !(flags & MAP_ANONYMOUS) && is_object(fd, &st) ? map_wrongly(request, &st)
                                                                            : really_map(&request);
        if (memory == MAP_FAILED && flags & MAP_FIXED && length && chosen(mmap_failure_unmaps)) {
                const int error = errno;
                OWN(munmap)(address, length);
                errno = error;
        }
        if (memory == MAP_FAILED && errno == EBADF && chosen(mmap_ebadf_as_einval))
                errno = EINVAL;
        return memory;
}

/* ---- mprotect() ---- */

int mprotect(void *address, size_t length, int protection)
{
        if (!mutants_are_in_question(OBJECT_CALLS))
                return OWN(mprotect)(address, length, protection);
        const struct mapping *const m = mapping_in(address, length);

        if (m && m->to_read && (m->flags & MAP_TYPE) == MAP_PRIVATE && protection & PROT_WRITE &&
            chosen(mprotect_private_needs_writing))
                return fail(EACCES);
        if (m && protection == PROT_READ && (char *)address > m->start && chosen(mprotect_takes_a_page_more))
                OWN(mprotect)((char *)address - whole_pages_of(1), whole_pages_of(1), protection);
        return OWN(mprotect)(address, length, protection);
}

/* ---- munmap() ---- */

/* Cuts the object, where the process has a descriptor of it that can. */
static void empty(const struct mapping *m)
{
        enum { MOST = 256 };
        struct stat st;

        for (int fd = 0; fd < MOST; fd++)
                if (is_object(fd, &st) && st.st_ino == m->inode && st.st_dev == m->device)
                        OWN(ftruncate)(fd, 0);
}

static bool nothing_is_mapped(void *address)
{
        unsigned char resident;

        return mincore(address, 1, &resident) == -1 && errno == ENOMEM;
}

static int unmap_wrongly(char *address, size_t length)
{
        const size_t page = whole_pages_of(1);
        const size_t within = (uintptr_t)address % page;
        const struct mapping *const m = mapping_in(address, length ? length : 1);
        const bool whole = m && m->start == address && m->length == whole_pages_of(length);

        if (m && !length && chosen(munmap_empty_as_byte))
                length = 1;
        if (m && within && chosen(munmap_address_rounded))
                address -= within;
        if (m && !whole && !within && m->start <= address && address + length <= m->start + m->length &&
            chosen(munmap_part_takes_all))
                return OWN(munmap)(m->start, m->length);
        if (m && length > page && length % page && chosen(munmap_length_cut))
                length -= length % page;
        if (whole && length == 3 * page && chosen(munmap_keeps_three_pages))
                return 0;
        char *const end = m ? m->start + m->length : NULL, *const last = address + length;
        if (m && length < (size_t)1 << 30 && end < last && mapping_in(end, (size_t)(last - end)) &&
            chosen(munmap_one_mapping_alone))
                return OWN(munmap)(m->start, m->length);
        if (!m && length && !within && length < (size_t)1 << 30 &&
            chosen_where(munmap_of_nothing_refused, nothing_is_mapped(address)))
                return fail(EINVAL);
        if (whole && length == 2 * page && chosen(munmap_empties))
                empty(m);
        const int result = OWN(munmap)(address, length);
        if (result == -1 && errno == EINVAL && length && !within && chosen(munmap_range_not_checked))
                return 0;
        if (result == 0 && whole)
                forget(address, length);
        return result;
}

int munmap(void *address, size_t length)
{
        return mutants_are_in_question(OBJECT_CALLS) ? unmap_wrongly(address, length) : OWN(munmap)(address, length);
}
