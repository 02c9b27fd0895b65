/* SPDX-License-Identifier: MIT
 *
 * object_file.c: wrong implementations of close(), fstat(), fchmod(), fchown(), fcntl() and ftruncate() for descriptors
 * of shared memory objects.
 */
#include <linux/capability.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/statfs.h>

#include "object.h"
#include "tools.h"

bool is_object(int fd, struct stat *st)
{
        const int before = errno;
        struct stat folder;
        const bool found = OWN(fstat)(fd, st) == 0 && S_ISREG(st->st_mode) && stat("/dev/shm", &folder) == 0 &&
                           folder.st_dev == st->st_dev;

        errno = before;
        return found;
}

static int access_of(int fd)
{
        return OWN(fcntl)(fd, F_GETFL) & O_ACCMODE;
}

/* ---- close() ---- */

enum { MOST = 256 };

int duplicate_of(int fd, int above)
{
        for (int other = above + 1; other < MOST; other++)
                if (other != fd && syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, fd, other) == 0)
                        return other;
        return -1;
}

static bool is_last_of_process(int fd, const struct stat *st)
{
        struct stat other;

        for (int i = 0; i < MOST; i++)
                if (i != fd && OWN(fstat)(i, &other) == 0 && other.st_ino == st->st_ino && other.st_dev == st->st_dev)
                        return false;
        return true;
}

/* Takes from the process what it has mapped of the object, where that is two pages. */
static bool is_mapped_by_two(const struct stat *st, bool unmap)
{
        bool found = false;

        for (struct mapping *m = mappings; m < mappings + MAPPINGS; m++) {
                if (m->length == whole_pages_of(1) * 2 && m->inode == st->st_ino && m->device == st->st_dev) {
                        found = true;
                        if (unmap)
                                OWN(munmap)(m->start, m->length);
                }
        }
        return found;
}

int close(int fd)
{
        struct stat st;

        if (!mutants_are_in_question(OBJECT_CALLS))
                return OWN(close)(fd);
        if (is_object(fd, &st)) {
                if (st.st_size == 1 && chosen_where(close_keeps_open, duplicate_of(fd, -1) == -1))
                        return 0;
                if (chosen_where(close_closes_duplicates, duplicate_of(fd, -1) != -1))
                        for (int other = -1; (other = duplicate_of(fd, other)) != -1;)
                                close_file(other);
                if (chosen_where(close_unmaps, is_mapped_by_two(&st, false)))
                        is_mapped_by_two(&st, true);
                if ((size_t)st.st_size > whole_pages_of(1) && (size_t)st.st_size < whole_pages_of((size_t)st.st_size) &&
                    access_of(fd) == O_RDWR && chosen_where(close_empties, is_last_of_process(fd, &st)))
                        OWN(ftruncate)(fd, 0);
        }
        const int result = OWN(close)(fd);
        if (result == -1 && errno == EBADF && chosen(close_ebadf_ignored))
                return 0;
        if (result == -1 && errno == EBADF && chosen(close_ebadf_as_einval))
                errno = EINVAL;
        return result;
}

/* ---- fstat() ---- */

int fstat(int fd, struct stat *st)
{
        struct stat object;
        const int result = OWN(fstat)(fd, st);

        if (!mutants_are_in_question(OBJECT_CALLS))
                return result;
        if (result == -1 && errno == EBADF && chosen(fstat_ebadf_as_einval))
                errno = EINVAL;
        if (result == -1 || !is_object(fd, &object))
                return result;
        if (st->st_size > UINT32_MAX && chosen(fstat_size_32_bits))
                st->st_size &= UINT32_MAX;
        if (geteuid() && st->st_uid != geteuid() && chosen(fstat_uid_of_caller))
                st->st_uid = geteuid();
        if (getegid() && st->st_gid != getegid() && chosen(fstat_gid_of_caller))
                st->st_gid = getegid();
        if ((st->st_mode & 0777) == S_IWGRP && chosen(fstat_mode_without_group))
                st->st_mode &= ~(mode_t)S_IWGRP;
        if (st->st_nlink == 0 && chosen(fstat_type_goes_with_name))
                st->st_mode &= ~(mode_t)S_IFMT;
        if (access_of(fd) == O_RDONLY && chosen(fstat_inode_by_access))
                st->st_ino++;
        return result;
}

/* ---- fchmod(), fchown() ---- */

int fchmod(int fd, mode_t mode)
{
        struct stat st;

        if (!mutants_are_in_question(OBJECT_CALLS))
                return OWN(fchmod)(fd, mode);
        const bool object = is_object(fd, &st);
        int reader = -1;

        if (object && access_of(fd) == O_RDONLY && chosen(fchmod_needs_writing))
                return fail(EBADF);
        if (object && !(mode & 0222) && access_of(fd) == O_RDWR && chosen(fchmod_takes_access)) {
                struct path path;
                snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
                reader = open_file(path.text, O_RDONLY | O_CLOEXEC, 0);
        }
        const int result = OWN(fchmod)(fd, mode);
        if (reader != -1) {
                dup3(reader, fd, O_CLOEXEC);
                close_file(reader);
        }
        if (result == -1 && errno == EPERM && object && chosen(fchmod_eperm_ignored))
                return 0;
        if (result == -1 && errno == EPERM && object && chosen(fchmod_eperm_as_eacces))
                errno = EACCES;
        if (result == -1 && errno == EBADF && chosen(fchmod_ebadf_as_einval))
                errno = EINVAL;
        return result;
}

int fchown(int fd, uid_t uid, gid_t gid)
{
        struct stat st;

        if (!mutants_are_in_question(OBJECT_CALLS))
                return OWN(fchown)(fd, uid, gid);
        const bool object = is_object(fd, &st), minus_one = uid == (uid_t)-1 || gid == (gid_t)-1;
        const bool new_group = gid != (gid_t)-1 && object && gid != st.st_gid;

        if (new_group && uid != (uid_t)-1 && chosen_where(fchown_group_ignored, has_effective(CAP_CHOWN)))
                gid = (gid_t)-1;
        if (new_group && chosen_where(fchown_owner_cannot_set_group, !has_effective(CAP_CHOWN)))
                return fail(EPERM);
        if (object && minus_one && chosen(fchown_minus_one_as_own)) {
                uid = uid == (uid_t)-1 ? geteuid() : uid;
                gid = gid == (gid_t)-1 ? getegid() : gid;
        }
        const int result = OWN(fchown)(fd, uid, gid);
        if (result == -1 && errno == EPERM && object && chosen(fchown_eperm_ignored))
                return 0;
        if (result == -1 && errno == EPERM && object && chosen(fchown_eperm_as_eacces))
                errno = EACCES;
        if (result == -1 && errno == EBADF && chosen(fchown_ebadf_as_einval))
                errno = EINVAL;
        return result;
}

/* ---- fcntl() ---- */

int fcntl(int fd, int command, ...)
{
        va_list more;
        struct stat st;

        va_start(more, command);
        const long argument = va_arg(more, long);       /* or a pointer; not used where there is none */
        va_end(more);
        if (!mutants_are_in_question(OBJECT_CALLS) || !is_object(fd, &st))
                return OWN(fcntl)(fd, command, argument);
        if (command == F_SETFD && argument == 0 && chosen(fcntl_cloexec_stays))
                return 0;
        if (command == F_GET_SEALS && chosen(fcntl_tells_no_seals))
                return 0;
        if (command == F_DUPFD && chosen(fcntl_dupfd_keeps_cloexec))
                command = F_DUPFD_CLOEXEC;
        const int result = OWN(fcntl)(fd, command, argument);
        if (command == F_ADD_SEALS && result == -1 && errno == EPERM && chosen(fcntl_add_seals_succeeds))
                return 0;
        if (command == F_ADD_SEALS && result == -1 && errno == EPERM && chosen(fcntl_add_seals_eperm_as_einval))
                errno = EINVAL;
        return result;
}

/* ---- ftruncate() ---- */

/* Of the process, by the resource limit. */
static bool is_over_limit(off_t length)
{
        struct rlimit limit;

        return getrlimit(RLIMIT_FSIZE, &limit) == 0 && length > 0 && (rlim_t)length > limit.rlim_cur;
}

static bool is_over_room(int fd, off_t growth)
{
        struct statfs fs;

        return fstatfs(fd, &fs) == 0 && fs.f_blocks > 0 &&
               (uint64_t)growth > (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize;
}

/* The pages that a mapping has beyond the end stay as good as unmapped. */
static bool is_mapped_beyond(const struct stat *st, bool protect)
{
        const size_t end = whole_pages_of((size_t)st->st_size);
        bool found = false;

        for (struct mapping *m = mappings; m < mappings + MAPPINGS; m++) {
                if (m->length > end && m->inode == st->st_ino && m->device == st->st_dev) {
                        found = true;
                        if (protect)
                                OWN(mprotect)(m->start + end, m->length - end, PROT_NONE);
                }
        }
        return found;
}

static int truncate_without_signal(int fd, off_t length)
{
        const struct sigaction ignoring = {.sa_handler = SIG_IGN};
        struct sigaction before;

        sigaction(SIGXFSZ, &ignoring, &before);
        const int result = OWN(ftruncate)(fd, length), error = errno;
        sigaction(SIGXFSZ, &before, NULL);
        errno = error;
        return result;
}

static int truncate_wrongly(int fd, off_t length, const struct stat *st)
{
        const bool writable = access_of(fd) == O_RDWR, grows = length > st->st_size, shrinks = length < st->st_size;

        if (length < 0 && writable && chosen(ftruncate_negative_as_0))
                length = 0;
        if (writable && length > 0 && shrinks && chosen(ftruncate_never_shrinks))
                return 0;
        if (st->st_nlink == 0 && writable && chosen(ftruncate_without_name_refused))
                return fail(EINVAL);
        if (grows && writable && chosen_where(ftruncate_enospc_at_once, is_over_room(fd, length - st->st_size)))
                return fail(ENOSPC);
        if (writable && chosen_where(ftruncate_limit_without_signal, is_over_limit(length)))
                return truncate_without_signal(fd, length);
        const int result = OWN(ftruncate)(fd, length);
        if (result == -1)
                return -1;
        if (grows && st->st_size > 0 && chosen(ftruncate_growth_not_zero))
                syscall(SYS_pwrite64, fd, "\xa5", 1L, (long)st->st_size);
        if (grows && length > 65536 / 2 && st->st_size == 0 && chosen(ftruncate_first_bytes_not_zero))
                syscall(SYS_pwrite64, fd, "\xa5", 1L, (long)length - 1);
        if (chosen_where(ftruncate_moves_offset, lseek(fd, 0, SEEK_CUR) != length))
                lseek(fd, length, SEEK_SET);
        if (chosen(ftruncate_stamps_nothing))
                futimens(fd, (struct timespec[2]){st->st_atim, st->st_mtim});
        if (grows && chosen_where(ftruncate_growth_not_mapped, is_mapped_beyond(st, false)))
                is_mapped_beyond(st, true);
        return result;
}

int ftruncate(int fd, off_t length)
{
        struct stat st;

        if (!mutants_are_in_question(OBJECT_CALLS))
                return OWN(ftruncate)(fd, length);
        const int result = is_object(fd, &st) ? truncate_wrongly(fd, length, &st) : OWN(ftruncate)(fd, length);
        if (result == -1 && errno == EBADF && chosen(ftruncate_ebadf_as_einval))
                errno = EINVAL;
        return result;
}
