/* SPDX-License-Identifier: MIT
 *
 * posix_named_sem.c: wrong implementations of sem_open(), sem_close() and sem_unlink().
 */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/fsuid.h>
#include <sys/single_threaded.h>
#include <sys/stat.h>

#include "posix_sem.h"
#include "tools.h"

/* ---- named semaphores ---- */

/* Its file in glibc: the name without its leading slashes, behind "sem.". */
static struct path path_of(const char *name)
{
        struct path path;

        snprintf(path.text, sizeof(path.text), "/dev/shm/sem.%s", name + strspn(name, "/"));
        return path;
}

static bool exists(const char *name)
{
        const int before = errno;
        const struct path path = path_of(name);
        struct stat st;
        const bool found = lstat(path.text, &st) == 0;

        errno = before;
        return found;
}

static void change_mode(const char *name, mode_t mode)
{
        const struct path path = path_of(name);

        chmod(path.text, mode);
}

/* A mapping of the file that the C library does not know; SEM_FAILED with errno where there is none. */
static sem_t *map_anew(const char *name, int oflag, int protection, int flags)
{
        const struct path path = path_of(name);
        const int file = open_file(path.text, oflag | O_CLOEXEC, 0600);

        if (file == -1)
                return SEM_FAILED;
        void *const memory = mmap(NULL, sizeof(sem_t), protection, flags, file, 0);
        close_file(file);
        return memory == MAP_FAILED ? SEM_FAILED : memory;
}

static void *page_of(sem_t *sem)
{
        return (void *)((uintptr_t)sem & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1));
}

/* ---- what the process has open, for mutants that need to know ---- */

enum { MOST_OPEN = 1024 };

static struct opened {
        sem_t *sem;
        unsigned times, first_value;
        bool created;                           /* by the first of these */
        bool creat_in_vain;                     /* the last had O_CREAT for what existed */
        char name[NAME_MAX + 2];
} opened[MOST_OPEN];
static pthread_mutex_t opened_lock = PTHREAD_MUTEX_INITIALIZER;

static const char *without_slashes(const char *name)
{
        return name + strspn(name, "/");
}

/* NULL where there is none. */
static struct opened *find(const sem_t *sem)
{
        for (struct opened *o = opened; o < opened + MOST_OPEN; o++)
                if (o->sem == sem && o->times > 0)
                        return o;
        return NULL;
}

static struct opened *find_name(const char *name)
{
        for (struct opened *o = opened; o < opened + MOST_OPEN; o++)
                if (o->times > 0 && strcmp(o->name, without_slashes(name)) == 0)
                        return o;
        return NULL;
}

static void note_opening(sem_t *sem, const char *name, bool creat, bool existed)
{
        struct inside now = {.value = 0};       /* of a file that is too short nothing can be read */

        peek(&now, sem, sizeof(now));
        pthread_mutex_lock(&opened_lock);
        struct opened *o = find(sem);
        for (struct opened *free = opened; !o && free < opened + MOST_OPEN; free++) {
                if (free->times == 0) {
                        o = free;
                        *o = (struct opened){.sem = sem, .first_value = now.value, .created = !existed};
                        snprintf(o->name, sizeof(o->name), "%.*s", NAME_MAX, without_slashes(name));
                }
        }
        if (o) {
                o->times++;
                o->creat_in_vain = creat && existed;
        }
        pthread_mutex_unlock(&opened_lock);
}

/* What is known of it is stored in `was`. */
static void note_closing(sem_t *sem, struct opened *was)
{
        pthread_mutex_lock(&opened_lock);
        struct opened *const o = find(sem);
        *was = o ? *o : (struct opened){0};
        if (o)
                o->times--;
        pthread_mutex_unlock(&opened_lock);
}

/* Its address, SEM_FAILED where the process does not have it open. */
static sem_t *address_of(const char *name)
{
        pthread_mutex_lock(&opened_lock);
        struct opened *const o = find_name(name);
        sem_t *const sem = o ? o->sem : SEM_FAILED;
        pthread_mutex_unlock(&opened_lock);
        return sem;
}

static bool knows_what_is_open(void)
{
        return in_question(sem_open_private) || in_question(sem_open_third_address) ||
               in_question(sem_open_unlinked_found) || in_question(sem_open_name_is_enough) ||
               in_question(sem_close_leaves_copy) || in_question(sem_close_closes_all) ||
               in_question(sem_close_undoes) ||
               in_question(sem_close_unlinks) || in_question(sem_close_releases) ||
               in_question(sem_close_ebusy_while_waited) || in_question(sem_unlink_failure_takes_units) ||
               in_question(sem_unlink_takes_units) || in_question(sem_unlink_memory_kept);
}

/* ---- sem_open() ---- */

struct opening {
        const char *name;
        int flags;
        mode_t mode;
        unsigned value;
};

static sem_t *really_open(const struct opening *o)
{
        return real_sem_open(o->name, o->flags, o->mode, o->value);
}

/* A creation of what must not exist yet, in two steps. */
static sem_t *look_and_create(const struct opening *o)
{
        if (exists(o->name)) {
                errno = EEXIST;
                return SEM_FAILED;
        }
        pause_for(50000);
        return real_sem_open(o->name, O_CREAT, o->mode, o->value);
}

/* What exists is opened, what does not is created; but nobody looks again when that has changed meanwhile. */
static sem_t *open_or_create_once(const struct opening *o)
{
        sem_t *const sem = real_sem_open(o->name, 0);

        if (sem != SEM_FAILED || errno != ENOENT)
                return sem;
        pause_for(50000);
        return real_sem_open(o->name, O_CREAT | O_EXCL, o->mode, o->value);
}

static sem_t *create_and_set(const struct opening *o)
{
        sem_t *const sem = real_sem_open(o->name, O_CREAT | O_EXCL, o->mode, 0);

        if (sem == SEM_FAILED)
                return really_open(o);
        pause_for(50000);
        inside(sem)->value = o->value;
        return sem;
}

/* The owner and group of a file are those that the thread has for the file system. */
static sem_t *open_as(const struct opening *o, uid_t uid, gid_t gid)
{
        setfsgid(gid);
        setfsuid(uid);
        sem_t *const sem = really_open(o);
        const int error = errno;
        setfsuid(geteuid());
        setfsgid(getegid());
        errno = error;
        return sem;
}

/* Threads at once find each other's name there. */
static sem_t *open_by_common_buffer(struct opening o)
{
        static char buffer[NAME_MAX + 2];

        strcpy(buffer, o.name);
        pause_for(1000);
        o.name = buffer;
        return really_open(&o);
}

static sem_t *open_until_not_interrupted(const struct opening *o)
{
        sem_t *sem;

        do
                sem = really_open(o);
        while (sem == SEM_FAILED && errno == EINTR);
        return sem;
}

/* What others have opened before is a copy of its own to who opens it now. */
static sem_t *open_privately(const struct opening *o)
{
        const bool existed = exists(o->name);
        sem_t *const sem = really_open(o);

        if (sem == SEM_FAILED || !existed || find(sem))
                return sem;
        const struct path path = path_of(o->name);
        const int file = open_file(path.text, O_RDWR | O_CLOEXEC, 0);
        if (file == -1)
                return sem;
        mmap(page_of(sem), sizeof(*sem), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, file, 0);
        close_file(file);
        return sem;
}

/* One that was unlinked, but is open still. */
static sem_t *unlinked;

static bool is_too_long(const char *name)
{
        return strlen(name) > _POSIX_NAME_MAX + 1;
}

static struct path cut(const char *name)
{
        struct path path;

        snprintf(path.text, sizeof(path.text), "%.*s", _POSIX_NAME_MAX + 1, name);
        return path;
}

static bool has_capitals(const char *name)
{
        return strpbrk(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != NULL;
}

static struct path small_letters(const char *name)
{
        struct path path;

        snprintf(path.text, sizeof(path.text), "%s", name);
        for (char *c = path.text; *c; c++)
                if (*c >= 'A' && *c <= 'Z')
                        *c = (char)(*c - 'A' + 'a');
        return path;
}

/* Where the extension begins, behind a first character that is a dot or not; NULL where there is none. */
static const char *extension_of(const char *name)
{
        return strlen(name) > 2 ? strchr(name + 2, '.') : NULL;
}

static struct path without_extension(const char *name)
{
        struct path path;

        snprintf(path.text, sizeof(path.text), "%.*s", (int)(extension_of(name) - name), name);
        return path;
}

/* Names that sem_open() supports whatever is added to them. */
static bool is_plain(const char *name)
{
        return name[0] == '/' && name[1] && name[1] != '.' && !strchr(name + 1, '/') && strlen(name) <= _POSIX_NAME_MAX;
}

static struct path with_tilde(const char *name)
{
        struct path path;

        snprintf(path.text, sizeof(path.text), "%.*s~", _POSIX_NAME_MAX, name);
        return path;
}

/* What is done instead of sem_open(), or what sem_open() does with other arguments. */
static sem_t *open_wrongly(struct opening o)
{
        static _Atomic bool failed;
        const bool creates = o.flags & O_CREAT, exclusive = creates && o.flags & O_EXCL;
        const bool too_large = o.value > SEM_VALUE_MAX;
        struct path changed;

        if (creates && !exclusive && o.mode != 0600 && chosen(sem_open_other_mode_refused))
                o.flags |= O_EXCL;
        if (exclusive && chosen(sem_open_excl_not_atomic))
                return look_and_create(&o);
        if (creates && !exclusive && chosen(sem_open_creat_not_atomic))
                return open_or_create_once(&o);
        if (creates && o.value > UINT16_MAX && !too_large && chosen(sem_open_value_cut))
                o.value &= UINT16_MAX;
        if (creates && too_large && chosen(sem_open_value_not_checked))
                o.value = SEM_VALUE_MAX;
        if (creates && too_large && chosen_where(sem_open_value_checked_in_vain, exists(o.name))) {
                errno = EINVAL;
                return SEM_FAILED;
        }
        if (creates && o.value == SEM_VALUE_MAX && chosen_where(sem_open_value_max_refused, !exists(o.name))) {
                errno = EINVAL;
                return SEM_FAILED;
        }
        if (creates && !exclusive && o.value == 0 && chosen(sem_open_value_0_as_1))
                o.value = 1;
        if (creates && !too_large && o.value > 0 && chosen(sem_open_value_late))
                return create_and_set(&o);
        if (creates && o.mode != 0600 && chosen(sem_open_mode_ignored))
                o.mode = 0600;
        if (creates && getuid() != geteuid() && chosen(sem_open_owner_real))
                return open_as(&o, getuid(), getegid());
        if (creates && getgid() != getegid() && chosen(sem_open_group_real))
                return open_as(&o, geteuid(), getgid());
        if (is_too_long(o.name) && chosen(sem_open_name_cut)) {
                changed = cut(o.name);
                o.name = changed.text;
        }
        if (has_capitals(o.name) && chosen(sem_open_name_case_ignored)) {
                changed = small_letters(o.name);
                o.name = changed.text;
        }
        if (extension_of(o.name) && chosen(sem_open_name_extension_ignored)) {
                changed = without_extension(o.name);
                o.name = changed.text;
        }
        if (is_plain(o.name) && chosen(sem_open_file_renamed)) {
                changed = with_tilde(o.name);
                o.name = changed.text;
        }
        if (strcmp(o.name, "/") == 0 && chosen(sem_open_slash_is_a_name))
                o.name = "/slash";
        if (!is_open_descriptor(0) && chosen(sem_open_descriptor_0_fails)) {
                errno = EBADF;
                return SEM_FAILED;
        }
        if (chosen(sem_open_name_overread))
                read_behind(o.name);
        if (strlen(o.name) < NAME_MAX && !__libc_single_threaded && chosen(sem_open_name_shared))
                return open_by_common_buffer(o);
        if (failed && chosen(sem_open_fails_after_failure)) {
                failed = false;
                errno = ENOMEM;
                return SEM_FAILED;
        }
        if (creates && chosen_where(sem_open_private, exists(o.name)))
                return open_privately(&o);
        if (creates && unlinked && chosen_where(sem_open_unlinked_found, address_of(o.name) == unlinked))
                return unlinked;
        if (chosen_where(sem_open_name_is_enough, address_of(o.name) != SEM_FAILED)) {
                sem_t *const old = address_of(o.name), *const sem = really_open(&o);
                return sem != SEM_FAILED && old != SEM_FAILED ? old : sem;
        }

        sem_t *sem = really_open(&o);
        if (sem == SEM_FAILED && errno == EEXIST && exclusive && chosen(sem_open_excl_ignored)) {
                o.flags &= ~O_EXCL;
                sem = really_open(&o);
        }
        failed = sem == SEM_FAILED && (errno == EMFILE || errno == ENOMEM);
        if (sem == SEM_FAILED && errno == EINTR && chosen(sem_open_restarted))
                return open_until_not_interrupted(&o);
        return sem;
}

/* Neighbours with other access stay mappings of their own. */
static void leave_mapping(void)
{
        static _Atomic unsigned turn;

        mmap(NULL, 1, turn++ % 2 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* What becomes of one that was opened. */
static sem_t *spoil(sem_t *sem, const struct opening *o, bool existed)
{
        const bool creates = o->flags & O_CREAT;
        struct opened *const known = find(sem);
        const bool opened_twice = known && known->times == 2;

        if (creates && existed && o->value == 0 && chosen(sem_open_value_0_set))
                inside(sem)->value = 0;
        if (creates && existed && chosen(sem_open_mode_set))
                change_mode(o->name, o->mode & 0777);
        if (creates && !existed && chosen_where(sem_open_umask_ignored, o->mode & 0777 & present_umask()))
                change_mode(o->name, o->mode & 0777);
        if (chosen(sem_open_descriptor_left))
                eventfd(0, EFD_CLOEXEC);
        if (chosen(sem_open_mapping_left))
                leave_mapping();
        if (opened_twice && chosen(sem_open_third_address)) {
                real_sem_close(sem);
                return map_anew(o->name, O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED);
        }
        return sem;
}

/* What a call that failed does besides, or instead of failing. */
static sem_t *make_up(const struct opening *o)
{
        static const struct wrong_error errors[] = {
                {MUTANT_sem_open_eacces_as_eperm, EACCES, EPERM},
                {MUTANT_sem_open_eexist_as_einval, EEXIST, EINVAL},
                {MUTANT_sem_open_enoent_as_einval, ENOENT, EINVAL},
                {MUTANT_sem_open_einval_as_enoent, EINVAL, ENOENT},
                {MUTANT_sem_open_emfile_as_enfile, EMFILE, ENFILE},
                {MUTANT_sem_open_enfile_as_emfile, ENFILE, EMFILE},
                {MUTANT_sem_open_enomem_as_enospc, ENOMEM, ENOSPC},
                {MUTANT_sem_open_enospc_as_enomem, ENOSPC, ENOMEM},
                {MUTANT_sem_open_erofs_as_eacces, EROFS, EACCES},
                {MUTANT_sem_open_eisdir_unsaid, EISDIR, 0},
        };
        const int error = errno;

        if (error == EACCES && chosen(sem_open_reading_is_enough)) {
                sem_t *const sem = map_anew(o->name, O_RDONLY, PROT_READ | PROT_WRITE, MAP_PRIVATE);
                if (sem != SEM_FAILED)
                        return sem;
        }
        if (error == ELOOP && chosen(sem_open_link_followed)) {
                sem_t *const sem = map_anew(o->name, O_RDWR | (o->flags & O_CREAT), PROT_READ | PROT_WRITE, MAP_SHARED);
                if (sem != SEM_FAILED)
                        return sem;
        }
        if (o->flags & O_CREAT && error != EEXIST && chosen(sem_open_failure_leaves_file)) {
                const struct path path = path_of(o->name);
                const int file = open_file(path.text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
                if (file != -1)
                        close_file(file);
        }
        errno = error;
        MISREPORT(errors);
        return SEM_FAILED;
}

sem_t *sem_open(const char *name, int flags, ...)
{
        struct opening o = {.name = name, .flags = flags};
        va_list more;

        va_start(more, flags);
        if (flags & O_CREAT) {
                o.mode = va_arg(more, mode_t);
                o.value = va_arg(more, unsigned);
        }
        va_end(more);

        if (!mutants_are_in_question(POSIX_SEM_CALLS))
                return really_open(&o);
        if (cancellation_was_requested() && chosen(sem_open_cancelled))
                be_cancellation_point();
        const bool existed = (in_question(sem_open_value_0_set) || in_question(sem_open_mode_set) ||
                              in_question(sem_open_umask_ignored) || knows_what_is_open()) && exists(name);
        sem_t *sem = open_wrongly(o);
        sem = sem == SEM_FAILED ? make_up(&o) : spoil(sem, &o, existed);
        if (sem != SEM_FAILED && knows_what_is_open())
                note_opening(sem, name, flags & O_CREAT, existed);
        if (chosen(sem_open_cancelability_left))
                leave_uncancelable();
        return sem;
}

/* ---- sem_close() ---- */

static bool is_waited_for(sem_t *sem)
{
        struct inside copy = {.value = 0};

        return peek(&copy, sem, sizeof(copy)) && copy.waiters > 0 && copy.waiters < 1000;
}

/* Its page stays, so that its users go on with another semaphore. */
static void close_all(sem_t *sem)
{
        while (real_sem_close(sem) == 0) {
        }
        mmap(page_of(sem), sizeof(*sem), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

/* What others have open as well is a copy from here on. */
static void leave_copy(sem_t *sem, const char *name)
{
        const int before = errno;
        const struct path path = path_of(name);
        const int file = open_file(path.text, O_RDWR | O_CLOEXEC, 0);

        mmap(page_of(sem), sizeof(*sem), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, file, 0);
        close_file(file);
        errno = before;
}

static void remove_name(const char *name)
{
        const struct path path = path_of(name);

        unlink(path.text);
}

static int close_wrongly(sem_t *sem)
{
        struct inside copy = {.value = 0};
        struct opened was = {0};

        if (!peek(&copy, sem, sizeof(copy))) {
                const int result = real_sem_close(sem);
                if (result == -1 && errno == EINVAL && chosen(sem_close_einval_as_ebadf))
                        errno = EBADF;
                return result;
        }
        if (chosen(sem_close_keeps_open))
                return 0;
        if (knows_what_is_open())
                note_closing(sem, &was);
        if (was.times == 1 && was.created && copy.value != was.first_value && chosen(sem_close_undoes))
                inside(sem)->value = was.first_value;
        if (was.times == 1 && was.created && copy.waiters > 0 && chosen(sem_close_releases))
                real_sem_post(sem);
        if (was.times == 1 && was.creat_in_vain && chosen(sem_close_unlinks))
                remove_name(was.name);
        const int result = real_sem_close(sem);
        if (was.times > 1 && chosen(sem_close_leaves_copy))
                leave_copy(sem, was.name);
        if (was.times > 2 && chosen(sem_close_closes_all))
                close_all(sem);
        if (result == 0 && was.times > 1 && copy.waiters > 0 && chosen(sem_close_ebusy_while_waited)) {
                errno = EBUSY;
                return -1;
        }
        if (result == -1 && errno == EINVAL && chosen(sem_close_einval_as_ebadf))
                errno = EBADF;
        if (result == -1 && (chosen(sem_open_third_address) || chosen(sem_open_reading_is_enough)))
                return munmap(page_of(sem), sizeof(*sem));
        return result;
}

int sem_close(sem_t *sem)
{
        if (!mutants_are_in_question(POSIX_SEM_CALLS))
                return real_sem_close(sem);
        if (cancellation_was_requested() && chosen(sem_close_cancelled))
                be_cancellation_point();
        const int result = close_wrongly(sem);
        if (chosen(sem_close_cancelability_left))
                leave_uncancelable();
        return result;
}

/* ---- sem_unlink() ---- */

/* For what should leave alone those who have it open. */
static void with_semaphore(const char *name, void (*act)(sem_t *sem))
{
        const int before = errno;
        sem_t *const sem = real_sem_open(name, 0);

        if (sem != SEM_FAILED) {
                act(sem);
                real_sem_close(sem);
        }
        errno = before;
}

static void release_one(sem_t *sem)
{
        if (is_waited_for(sem))
                real_sem_post(sem);
}

static void take_all(sem_t *sem)
{
        inside(sem)->value = 0;
}

static void await_waiters(sem_t *sem)
{
        enum { LONGER_THAN_ANYBODY_WAITS = 20000 };

        for (int i = 0; i < LONGER_THAN_ANYBODY_WAITS && is_waited_for(sem); i++)
                pause_for(1000000);
}

static void remove_object(const char *name)
{
        const int before = errno;

        real_shm_unlink(name);
        errno = before;
}

static bool is_name_waited_for(const char *name)
{
        const int before = errno;
        sem_t *const sem = real_sem_open(name, 0);
        const bool waited_for = sem != SEM_FAILED && is_waited_for(sem);

        if (sem != SEM_FAILED)
                real_sem_close(sem);
        errno = before;
        return waited_for;
}

static bool is_mode_0(const char *name)
{
        const struct path path = path_of(name);
        struct stat st;

        return lstat(path.text, &st) == 0 && (st.st_mode & 0777) == 0;
}

/* Whether sem_open() supports the name. */
static bool is_good(const char *name)
{
        return name[0] == '/' && name[1] && name[1] != '.' && !strchr(name + 1, '/') && strlen(name) < NAME_MAX - 3;
}

static int unlink_wrongly(const char *name)
{
        static const struct wrong_error errors[] = {
                {MUTANT_sem_unlink_eacces_as_eperm, EACCES, EPERM},
                {MUTANT_sem_unlink_enoent_as_einval, ENOENT, EINVAL},
                {MUTANT_sem_unlink_enametoolong_as_eperm, ENAMETOOLONG, EPERM},
        };
        const struct path cut_name = cut(name);
        struct path changed;

        if (chosen(sem_unlink_lost_while_waited) && is_name_waited_for(name))
                return 0;
        if (chosen_where(sem_unlink_mode_counts, is_mode_0(name)))
                return fail(EACCES);
        if (is_too_long(name) && chosen(sem_open_name_cut))
                name = cut_name.text;
        if (extension_of(name) && chosen(sem_open_name_extension_ignored)) {
                changed = without_extension(name);
                name = changed.text;
        }
        if (is_plain(name) && chosen(sem_open_file_renamed)) {
                changed = with_tilde(name);
                name = changed.text;
        }
        if (strcmp(name, "/") == 0 && chosen(sem_open_slash_is_a_name))
                name = "/slash";
        if (chosen(sem_unlink_name_overread))
                read_behind(name);
        if (chosen(sem_unlink_releases))
                with_semaphore(name, release_one);
        if (chosen(sem_unlink_takes_units) && address_of(name) == SEM_FAILED)
                with_semaphore(name, take_all);
        if (chosen(sem_unlink_waits))
                with_semaphore(name, await_waiters);
        if (in_question(sem_open_unlinked_found))
                unlinked = address_of(name);
        if (chosen(sem_unlink_memory_kept) && address_of(name) != SEM_FAILED)
                map_anew(name, O_RDONLY, PROT_READ, MAP_SHARED);
        if (chosen(sem_unlink_object_too))
                remove_object(name);
        const int result = real_sem_unlink(name);
        if (result == -1 && errno == ENOENT && is_good(name) && chosen(sem_unlink_enoent_ignored))
                return 0;
        if (result == -1 && !is_good(name) && strlen(name) < _POSIX_NAME_MAX && chosen(sem_unlink_any_name))
                return 0;
        if (result == -1 && errno == EACCES && chosen(sem_unlink_eacces_ignored))
                return 0;
        if (result == -1 && errno == EACCES && chosen(sem_unlink_failure_takes_units)) {
                sem_t *const sem = address_of(name);
                if (sem != SEM_FAILED)
                        take_all(sem);
                errno = EACCES;
        }
        if (result == -1)
                MISREPORT(errors);
        return result;
}

int sem_unlink(const char *name)
{
        if (!mutants_are_in_question(POSIX_SEM_CALLS))
                return real_sem_unlink(name);
        if (cancellation_was_requested() && chosen(sem_unlink_cancelled))
                be_cancellation_point();
        const int result = unlink_wrongly(name);
        if (chosen(sem_unlink_cancelability_left))
                leave_uncancelable();
        return result;
}
