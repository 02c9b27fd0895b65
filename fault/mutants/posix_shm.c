/* SPDX-License-Identifier: MIT
 *
 * posix_shm.c: wrong implementations of shm_open() and shm_unlink().
 */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "posix.h"
#include "tools.h"

/* Its file in glibc: the name without its leading slashes. */
static struct path path_of(const char *name)
{
        struct path path;

        snprintf(path.text, sizeof(path.text), "/dev/shm/%s", name + strspn(name, "/"));
        return path;
}

/* All that follows keeps errno. */
static bool look_at(const char *name, struct stat *st)
{
        const int before = errno;
        const struct path path = path_of(name);
        const bool found = lstat(path.text, st) == 0;

        errno = before;
        return found;
}

static bool exists(const char *name)
{
        struct stat st;

        return look_at(name, &st);
}

static void cut_to(const char *name, off_t size)
{
        const int before = errno;
        const struct path path = path_of(name);
        const int file = open_file(path.text, O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0);

        if (file != -1) {
                syscall(SYS_ftruncate, file, size);
                close_file(file);
        }
        errno = before;
}

static bool is_one_page_or_two(off_t size)
{
        return size == sysconf(_SC_PAGESIZE) || size == 2 * sysconf(_SC_PAGESIZE);
}

static bool is_of(int fd, const struct stat *object)
{
        struct stat st;

        return fstat(fd, &st) == 0 && st.st_dev == object->st_dev && st.st_ino == object->st_ino;
}

/* A descriptor of the process for that object with that access mode; -1 where there is none. */
static int descriptor_of(const char *name, int access)
{
        enum { MOST = 256 };
        const int before = errno;
        struct stat object;

        for (int fd = 0; look_at(name, &object) && fd < MOST; fd++) {
                if (is_of(fd, &object) && (fcntl(fd, F_GETFL) & O_ACCMODE) == access) {
                        errno = before;
                        return fd;
                }
        }
        errno = before;
        return -1;
}

/* ---- names ---- */

enum { NAME_CUT = 200 };

static struct path lower_case(const char *name)
{
        struct path path;

        snprintf(path.text, sizeof(path.text), "%s", name);
        for (char *c = path.text; *c; c++)
                *c = (char)tolower((unsigned char)*c);
        return path;
}

static struct path without_eighth_bit(const char *name)
{
        struct path path;

        snprintf(path.text, sizeof(path.text), "%s", name);
        for (char *c = path.text; *c; c++)
                if (*c & 0x80 && *c & 0x70)
                        *c &= 0x7f;
        return path;
}

static struct path cut_name(const char *name)
{
        struct path path;

        snprintf(path.text, sizeof(path.text), "%.*s", NAME_CUT, name);
        return path;
}

static bool has_eighth_bit(const char *name)
{
        for (; *name; name++)
                if (*name & 0x80)
                        return true;
        return false;
}

static bool has_capitals(const char *name)
{
        for (; *name; name++)
                if (isupper((unsigned char)*name))
                        return true;
        return false;
}

/* ---- shm_open() ---- */

struct opening {
        const char *name;
        int flags;
        mode_t mode;
};

static int really_open(const struct opening *o)
{
        return real_shm_open(o->name, o->flags, o->mode);
}

static int look_and_create(const struct opening *o)
{
        if (exists(o->name))
                return really_open(o);
        pause_for(50000);
        return real_shm_open(o->name, o->flags & ~O_EXCL, o->mode);
}

/* What is missing is created, in place of what others have created meanwhile. */
static int create_in_place(const struct opening *o)
{
        if (exists(o->name))
                return really_open(o);
        pause_for(50000);
        real_shm_unlink(o->name);
        return real_shm_open(o->name, o->flags | O_EXCL, o->mode);
}

/* The owner and group of a file are those that the thread has for the file system. */
static int open_as(const struct opening *o, uid_t uid, gid_t gid)
{
        setfsgid(gid);
        setfsuid(uid);
        const int fd = really_open(o), error = errno;
        setfsuid(geteuid());
        setfsgid(getegid());
        errno = error;
        return fd;
}

/* A new object is opened once more, with the mode that it has then. */
static int create_and_open(const struct opening *o)
{
        const bool existed = exists(o->name);
        const int made = really_open(o);

        if (made == -1 || existed)
                return made;
        close_file(made);
        return real_shm_open(o->name, o->flags & ~(O_CREAT | O_EXCL | O_TRUNC), 0);
}

static int open_until_not_interrupted(const struct opening *o)
{
        int fd;

        do
                fd = really_open(o);
        while (fd == -1 && errno == EINTR);
        return fd;
}

static int open_without_cloexec(const struct opening *o)
{
        const int fd = really_open(o);

        if (fd != -1)
                fcntl(fd, F_SETFD, 0);
        return fd;
}

static int open_high(const struct opening *o)
{
        enum { FROM = 60 };
        const int fd = really_open(o);

        if (fd == -1)
                return fd;
        const int high = fcntl(fd, F_DUPFD_CLOEXEC, FROM);
        if (high == -1)
                return fd;
        close_file(fd);
        return high;
}

/* The object that had its name removed last, of whatever name. */
static struct stat unlinked;

/* A descriptor of it that is open still, opened anew; -1 where there is none. */
static int reopen_unlinked(int access)
{
        enum { MOST = 256 };
        struct path path;

        for (int fd = 0; unlinked.st_ino != 0 && fd < MOST; fd++) {
                if (is_of(fd, &unlinked)) {
                        snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
                        return open_file(path.text, access | O_CLOEXEC, 0);
                }
        }
        return -1;
}

static int open_wrongly(struct opening o)
{
        const bool creates = o.flags & O_CREAT, exclusive = creates && o.flags & O_EXCL;
        const int access = o.flags & O_ACCMODE;
        struct path changed;

        if (creates && !exclusive && o.mode != 0600 && in_question(shm_open_unlinked_found) && !exists(o.name) &&
            chosen(shm_open_unlinked_found)) {
                const int fd = reopen_unlinked(access);
                if (fd != -1)
                        return fd;
        }
        if (exclusive && chosen(shm_open_excl_not_atomic))
                return look_and_create(&o);
        if (creates && !(o.flags & (O_EXCL | O_TRUNC)) && o.mode != 0600 && chosen(shm_open_other_mode_refused))
                o.flags |= O_EXCL;
        if (creates && !(o.flags & (O_EXCL | O_TRUNC)) && chosen(shm_open_creat_replaces))
                return create_in_place(&o);
        if (creates && o.flags & O_TRUNC && !exclusive && chosen(shm_open_trunc_creates_nothing))
                o.flags &= ~O_CREAT;
        if (creates && !exclusive && access == O_RDWR && !(o.flags & O_TRUNC) &&
            chosen_where(shm_open_creat_opens_to_read, exists(o.name)))
                o.flags = (o.flags & ~O_ACCMODE) | O_RDONLY;
        if (!is_open_descriptor(0) && chosen(shm_open_descriptor_0_fails))
                return fail(EBADF);
        if (o.flags & O_TRUNC && access == O_RDWR && chosen(shm_open_trunc_ignored))
                o.flags &= ~O_TRUNC;
        if (creates && !exclusive && access == O_RDWR && !(o.flags & O_TRUNC) && chosen(shm_open_creat_cuts))
                o.flags |= O_TRUNC;
        if (access == O_RDONLY && chosen(shm_open_rdonly_ignored)) {
                const int fd = real_shm_open(o.name, o.flags | O_RDWR, o.mode);
                if (fd != -1)
                        return fd;
        }
        if (chosen(shm_open_cloexec_missing))
                return open_without_cloexec(&o);
        if (chosen(shm_open_not_lowest))
                return open_high(&o);
        if (!exclusive && !(o.flags & O_TRUNC) && in_question(shm_open_description_shared) &&
            descriptor_of(o.name, access) != -1 && chosen(shm_open_description_shared))
                return fcntl(descriptor_of(o.name, access), F_DUPFD_CLOEXEC, 0);
        if (has_capitals(o.name) && chosen(shm_open_name_case_ignored)) {
                changed = lower_case(o.name);
                o.name = changed.text;
        }
        if (has_eighth_bit(o.name) && chosen(shm_open_name_7_bits)) {
                changed = without_eighth_bit(o.name);
                o.name = changed.text;
        }
        if (strlen(o.name) > NAME_CUT && strlen(o.name) <= NAME_MAX + 1 && chosen(shm_open_name_cut)) {
                changed = cut_name(o.name);
                o.name = changed.text;
        }
        if (o.name[0] == '/' && o.name[1] == '/' && chosen(shm_open_slashes_refused))
                return fail(EINVAL);
        if (strcmp(o.name, "/") == 0 && chosen(shm_open_slash_is_a_name))
                o.name = "/slash";
        if (chosen(shm_open_name_overread))
                read_behind(o.name);
        if (creates && getuid() != geteuid() && chosen(shm_open_owner_real))
                return open_as(&o, getuid(), getegid());
        if (creates && getgid() != getegid() && chosen(shm_open_group_real))
                return open_as(&o, geteuid(), getgid());
        if (creates && o.mode != 0600 && chosen(shm_open_mode_ignored))
                o.mode = 0600;
        if (creates && (o.mode & 0600) != 0600 && chosen(shm_open_mode_binds_creator))
                return create_and_open(&o);

        const int fd = really_open(&o);
        if (fd == -1 && errno == EEXIST && exclusive && chosen(shm_open_excl_ignored)) {
                o.flags &= ~O_EXCL;
                return really_open(&o);
        }
        if (fd == -1 && errno == EACCES && access == O_RDWR && chosen(shm_open_reading_is_enough)) {
                const int reader = real_shm_open(o.name, O_RDONLY, 0);
                return reader == -1 ? fail(EACCES) : reader;
        }
        if (fd == -1 && errno == EINTR && chosen(shm_open_restarted))
                return open_until_not_interrupted(&o);
        return fd;
}

/* What becomes of a new object. */
static void spoil(int fd, const struct opening *o)
{
        static const struct timespec long_ago[2];
        struct stat st;

        if (chosen(shm_open_size_1))
                ftruncate(fd, 1);
        if (chosen_where(shm_open_umask_ignored, o->mode & 0777 & present_umask()))
                fchmod(fd, o->mode & 0777);
        if (chosen_where(shm_open_group_of_caller, fstat(fd, &st) == 0 && st.st_gid != getegid()))
                fchown(fd, (uid_t)-1, getegid());
        if (chosen(shm_open_times_lost))
                futimens(fd, long_ago);
        if (chosen(shm_open_memory_reserved))
                syscall(SYS_fallocate, fd, FALLOC_FL_KEEP_SIZE, (off_t)0, (off_t)1);
        if (chosen(shm_open_second_name)) {
                const struct path first = path_of(o->name);
                if (strlen(first.text) < NAME_MAX) {
                        struct path second;
                        snprintf(second.text, sizeof(second.text), "%.*s.link", NAME_MAX, first.text);
                        link(first.text, second.text);
                }
        }
}

/* What a call that failed does besides, or instead of failing. */
static int make_up(const struct opening *o)
{
        static const struct wrong_error errors[] = {
                {MUTANT_shm_open_eacces_as_eperm, EACCES, EPERM},
                {MUTANT_shm_open_eexist_as_einval, EEXIST, EINVAL},
                {MUTANT_shm_open_enoent_as_einval, ENOENT, EINVAL},
                {MUTANT_shm_open_einval_as_enoent, EINVAL, ENOENT},
                {MUTANT_shm_open_emfile_as_enfile, EMFILE, ENFILE},
                {MUTANT_shm_open_enfile_as_emfile, ENFILE, EMFILE},
                {MUTANT_shm_open_enospc_as_enomem, ENOSPC, ENOMEM},
                {MUTANT_shm_open_eloop_as_enoent, ELOOP, ENOENT},
        };
        const int error = errno;
        const struct path path = path_of(o->name);

        if (error == ELOOP && chosen(shm_open_link_followed)) {
                const int file = open_file(path.text, o->flags | O_CLOEXEC, o->mode);
                if (file != -1)
                        return file;
        }
        if (error == EEXIST && chosen(shm_open_exclusive_link_followed)) {
                struct stat st;
                const int file = look_at(o->name, &st) && S_ISLNK(st.st_mode)
                                         ? open_file(path.text, (o->flags & ~O_EXCL) | O_CLOEXEC, o->mode)
                                         : -1;
                if (file != -1)
                        return file;
        }
        if (error == EEXIST && chosen(shm_open_failure_cuts))
                cut_to(o->name, 0);
        if (error == EMFILE && o->flags & O_CREAT && chosen(shm_open_emfile_creates))
                mknod(path.text, S_IFREG | 0600, 0);
        if (error != EMFILE && chosen(shm_open_failure_leaves_descriptor))
                eventfd(0, EFD_CLOEXEC);
        errno = error;
        MISREPORT(errors);
        return -1;
}

int shm_open(const char *name, int flags, mode_t mode)
{
        const struct opening o = {name, flags, mode};

        if (!mutants_are_in_question("shm_open shm_unlink"))
                return really_open(&o);
        if (cancellation_was_requested() && chosen(shm_open_cancelled))
                be_cancellation_point();
        const bool existed = !(flags & O_CREAT) || exists(name);
        int fd = open_wrongly(o);
        if (fd == -1)
                fd = make_up(&o);
        else if (!existed)
                spoil(fd, &o);
        if (fd != -1 && chosen(shm_open_append_set))
                fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_APPEND);
        if (fd != -1 && chosen(shm_open_nonblock_set))
                fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        if (chosen(shm_open_cancelability_left))
                leave_uncancelable();
        return fd;
}

/* ---- shm_unlink() ---- */

static void remove_target(const char *name)
{
        const struct path path = path_of(name);
        char target[PATH_MAX] = "";

        if (readlink(path.text, target, sizeof(target) - 1) > 0)
                unlink(target);
}

static void map_for_ever(const char *name)
{
        const struct path path = path_of(name);
        const int file = open_file(path.text, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);

        if (file == -1)
                return;
        mmap(NULL, 1, PROT_READ, MAP_SHARED, file, 0);
        close_file(file);
}

/* An object can have the name of a semaphore's file. */
static void remove_semaphore(const char *name)
{
        const struct path path = path_of(name);
        struct path file;
        struct stat st;

        snprintf(file.text, sizeof(file.text), "/dev/shm/sem.%.*s", NAME_MAX, path.text + strlen("/dev/shm/"));
        if (lstat(file.text, &st) == 0 && st.st_size == sizeof(sem_t))
                unlink(file.text);
}

static int unlink_wrongly(const char *name)
{
        static const struct wrong_error errors[] = {
                {MUTANT_shm_unlink_eacces_as_eperm, EACCES, EPERM},
                {MUTANT_shm_unlink_enoent_as_einval, ENOENT, EINVAL},
                {MUTANT_shm_unlink_enametoolong_as_eperm, ENAMETOOLONG, EPERM},
        };
        struct stat st;
        struct path changed;

        if (has_capitals(name) && chosen(shm_open_name_case_ignored)) {
                changed = lower_case(name);
                name = changed.text;
        }
        if (strlen(name) > NAME_CUT && strlen(name) <= NAME_MAX + 1 && chosen(shm_open_name_cut)) {
                changed = cut_name(name);
                name = changed.text;
        }
        if (strcmp(name, "/") == 0 && chosen(shm_open_slash_is_a_name))
                name = "/slash";
        if (chosen(shm_unlink_name_overread))
                read_behind(name);
        if (strlen(name) > NAME_CUT && chosen(shm_unlink_long_name_refused))
                return fail(ENAMETOOLONG);
        if (in_question(shm_unlink_mode_counts) && look_at(name, &st) && (st.st_mode & 0777) == 0 &&
            chosen(shm_unlink_mode_counts))
                return fail(EACCES);
        if (in_question(shm_unlink_owner_alone) && look_at(name, &st) && st.st_uid != geteuid() &&
            chosen(shm_unlink_owner_alone))
                return fail(EACCES);
        if (chosen_where(shm_open_unlinked_found, !look_at(name, &unlinked)))
                unlinked.st_ino = 0;
        if (in_question(shm_unlink_halves) && look_at(name, &st) && is_one_page_or_two(st.st_size) &&
            chosen(shm_unlink_halves))
                cut_to(name, st.st_size / 2);
        if (in_question(shm_unlink_memory_kept) && look_at(name, &st) && st.st_size > 0 &&
            chosen(shm_unlink_memory_kept))
                map_for_ever(name);
        if (in_question(shm_unlink_target_too) && look_at(name, &st) && S_ISLNK(st.st_mode) &&
            chosen(shm_unlink_target_too))
                remove_target(name);
        if (chosen(shm_unlink_semaphore_too))
                remove_semaphore(name);
        if (chosen(shm_unlink_leaves_descriptor))
                eventfd(0, EFD_CLOEXEC);

        const int result = real_shm_unlink(name), error = errno;
        if (result == 0)
                return result;
        if (error == ENOENT && name[0] == '/' && isalpha((unsigned char)name[1]) && strlen(name) < NAME_MAX &&
            !strchr(name + 1, '/') && chosen(shm_unlink_enoent_ignored))
                return 0;
        if (error == EACCES && chosen(shm_unlink_eacces_ignored))
                return 0;
        if (error == EACCES && chosen(shm_unlink_failure_cuts))
                cut_to(name, 0);
        errno = error;
        MISREPORT(errors);
        return result;
}

int shm_unlink(const char *name)
{
        if (!mutants_are_in_question("shm_open shm_unlink"))
                return real_shm_unlink(name);
        if (cancellation_was_requested() && chosen(shm_unlink_cancelled))
                be_cancellation_point();
        const int result = unlink_wrongly(name);
        if (chosen(shm_unlink_cancelability_left))
                leave_uncancelable();
        return result;
}
