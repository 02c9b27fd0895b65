/* SPDX-License-Identifier: MIT
 *
 * mq.c: wrong implementations of mq_open(), mq_close(), mq_unlink(), mq_getattr() and mq_setattr().
 */
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mq.h"
#include "object.h"
#include "tools.h"

/* ---- who made which queue: all processes of a test see it ---- */

struct maker {
        char queue[56];
        pid_t process;
        uid_t user;
};
enum { MAKERS = TEST_MEMORY / sizeof(struct maker) };

/* NULL where it is not known, or, to note it, where there is no room. */
static struct maker *maker_of(const char *name, bool to_note)
{
        struct maker *const makers = test_memory();

        for (struct maker *m = makers; m < makers + MAKERS && strlen(name) < sizeof(m->queue); m++) {
                if (strcmp(m->queue, name) == 0)
                        return m;
                if (!m->queue[0])
                        return to_note ? m : NULL;
        }
        return NULL;
}

static void note_maker(const char *name)
{
        struct maker *const maker = maker_of(name, true);

        if (!maker)
                return;
        strcpy(maker->queue, name);
        maker->process = getpid();
        maker->user = geteuid();
}

static bool is_made_by_other(const char *name)
{
        const struct maker *const maker = maker_of(name, false);

        return maker && maker->user != geteuid();
}

/* Keeps errno. */
static bool has_lost_its_maker(const char *name)
{
        const int before = errno;
        const struct maker *const maker = maker_of(name, false);
        const bool lost = maker && kill(maker->process, 0) == -1 && errno == ESRCH;

        errno = before;
        return lost;
}

/* ---- mq_open() ---- */

struct opening {
        const char *name;
        int flags;
        mode_t mode;
        struct mq_attr *attributes;
        struct mq_attr copy;            /* where they could be read */
        bool has_copy;
};

static mqd_t really_open(const struct opening *o)
{
        return real_mq_open(o->name, o->flags, o->mode, o->attributes);
}

/* Only for the mutant that is chosen: closing any descriptor of a queue ends the registration of the process. */
static bool exists(const char *name)
{
        const int before = errno;
        const mqd_t queue = real_mq_open(name, O_RDONLY | O_CLOEXEC);
        const bool found = queue != -1 || errno == EACCES;

        if (queue != -1)
                close_file(queue);
        errno = before;
        return found;
}

static mqd_t look_and_create(const struct opening *o)
{
        if (exists(o->name))
                return really_open(o);
        pause_for(50000);
        return real_mq_open(o->name, o->flags & ~O_EXCL, o->mode, o->attributes);
}

/* What exists is opened, what does not is created; but nobody looks again when that has changed meanwhile. */
static mqd_t open_or_create_once(const struct opening *o)
{
        const mqd_t queue = real_mq_open(o->name, o->flags & ~O_CREAT);

        if (queue != -1 || errno != ENOENT)
                return queue;
        pause_for(50000);
        return real_mq_open(o->name, o->flags | O_EXCL, o->mode, o->attributes);
}

/* The owner and group of a queue are those that the thread has for file systems. */
static mqd_t open_as(const struct opening *o, uid_t uid, gid_t gid)
{
        setfsgid(gid);
        setfsuid(uid);
        const mqd_t queue = really_open(o);
        const int error = errno;
        setfsuid(geteuid());
        setfsgid(getegid());
        errno = error;
        return queue;
}

static mqd_t create_and_open(const struct opening *o)
{
        const bool existed = exists(o->name);
        const mqd_t made = really_open(o);

        if (made == -1 || existed)
                return made;
        close_file(made);
        return real_mq_open(o->name, o->flags & ~(O_CREAT | O_EXCL));
}

static mqd_t moved_high(mqd_t queue)
{
        enum { FROM = 60 };
        const int high = queue == -1 ? -1 : fcntl(queue, F_DUPFD_CLOEXEC, FROM);

        if (high == -1)
                return queue;
        close_file(queue);
        return high;
}

/* Whether the caller has the same namespace as process 1, which a test has for itself. */
static bool is_in_first(const char *kind)
{
        struct path own, first;
        struct stat mine, its;

        snprintf(own.text, sizeof(own.text), "/proc/self/ns/%s", kind);
        snprintf(first.text, sizeof(first.text), "/proc/1/ns/%s", kind);
        return stat(own.text, &mine) == 0 && stat(first.text, &its) == 0 && mine.st_ino == its.st_ino;
}

static bool has_moved(void)
{
        const int before = errno;
        const bool moved = is_in_first("pid") && is_in_first("mnt") && !is_in_first("ipc");

        errno = before;
        return moved;
}

static mqd_t open_in_first_namespace(const struct opening *o)
{
        const int own = open_file("/proc/thread-self/ns/ipc", O_RDONLY | O_CLOEXEC, 0);
        const int first = open_file("/proc/1/ns/ipc", O_RDONLY | O_CLOEXEC, 0);

        setns(first, CLONE_NEWIPC);
        const mqd_t queue = really_open(o);
        const int error = errno;
        setns(own, CLONE_NEWIPC);
        close_file(first);
        close_file(own);
        errno = error;
        return queue;
}

/* Whether the permission bits alone do not let the caller open it for that. */
static bool is_open_by_privilege(mqd_t queue, int access)
{
        const int before = errno;
        const int bits = access == O_RDONLY ? 4 : access == O_WRONLY ? 2 : 6;
        struct stat st;
        bool privileged = false;

        if (fstat(queue, &st) == 0) {
                const struct ipc_perm perm = {.uid = st.st_uid, .cuid = st.st_uid, .gid = st.st_gid,
                                              .cgid = st.st_gid, .mode = st.st_mode & 0777};
                privileged = has_effective(CAP_DAC_OVERRIDE) && bits & ~granted(&perm, RIGHT);
        }
        errno = before;
        return privileged;
}

enum { NAME_CUT = 200 };

static bool has_eighth_bit(const char *name)
{
        for (; *name; name++)
                if (*name & 0x80)
                        return true;
        return false;
}

static struct path changed_name(const char *name)
{
        const size_t length = strlen(name);
        struct path changed;

        snprintf(changed.text, sizeof(changed.text), "%s", name);
        if (strpbrk(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") && chosen(mq_open_name_case_ignored)) {
                for (char *c = changed.text; *c; c++)
                        if (*c >= 'A' && *c <= 'Z')
                                *c = (char)(*c - 'A' + 'a');
        }
        if (has_eighth_bit(name) && chosen(mq_open_name_7_bits)) {
                for (char *c = changed.text; *c; c++)
                        if (*c & 0x70 && (*c & 0x7f) != '/')
                                *c &= 0x7f;
        }
        if (length > NAME_CUT && length <= NAME_MAX + 1 && chosen(mq_open_name_cut))
                changed.text[NAME_CUT] = '\0';
        if (length == 1 && *name == '/' && chosen(mq_open_slash_is_a_name))
                strcpy(changed.text, "/slash");
        if ((strcmp(name, "/.") == 0 || strcmp(name, "/..") == 0) && chosen(mq_open_dots_are_names))
                strcpy(changed.text, "/dots");
        if (*name == '/' && strchr(name + 1, '/') && length < NAME_MAX && chosen(mq_open_inner_slash_is_a_byte)) {
                for (char *c = changed.text + 1; *c; c++)
                        if (*c == '/')
                                *c = '_';
        }
        return changed;
}

static bool names_are_in_question(void)
{
        return in_question(mq_open_name_case_ignored) || in_question(mq_open_name_7_bits) ||
               in_question(mq_open_name_cut) || in_question(mq_open_slash_is_a_name) ||
               in_question(mq_open_dots_are_names) || in_question(mq_open_inner_slash_is_a_byte);
}

static long lesser(long a, long b)
{
        return a < b ? a : b;
}

static mqd_t open_wrongly(struct opening o)
{
        const bool creates = o.flags & O_CREAT, exclusive = creates && o.flags & O_EXCL;
        const int access = o.flags & O_ACCMODE;
        struct mq_attr *const attr = o.has_copy ? &o.copy : NULL;

        if (exclusive && chosen(mq_open_excl_not_atomic))
                return look_and_create(&o);
        if (creates && !exclusive && chosen(mq_open_creat_not_atomic))
                return open_or_create_once(&o);
        if (attr && attr->mq_msgsize > 100 && attr->mq_msgsize < 1000 && chosen(mq_open_msgsize_rounded))
                attr->mq_msgsize |= 7, o.attributes = attr;
        if (attr && attr->mq_maxmsg > 8 && attr->mq_maxmsg <= 10 && chosen(mq_open_maxmsg_8_at_most))
                attr->mq_maxmsg = 8, o.attributes = attr;
        if (attr && (attr->mq_maxmsg == 0 || attr->mq_msgsize == 0) && chosen(mq_open_attr_0_is_default)) {
                attr->mq_maxmsg = attr->mq_maxmsg ? attr->mq_maxmsg : 1;
                attr->mq_msgsize = attr->mq_msgsize ? attr->mq_msgsize : 1;
                o.attributes = attr;
        }
        if (attr && attr->mq_maxmsg > 10 && chosen(mq_open_attr_limited)) {
                attr->mq_maxmsg = lesser(attr->mq_maxmsg, 10);
                o.attributes = attr;
        }
        if (attr && (attr->mq_maxmsg <= 0 || attr->mq_msgsize <= 0) && chosen(mq_open_attr_checked_in_vain) &&
            exists(o.name))
                return fail(EINVAL);
        if (creates && !o.attributes && chosen(mq_open_defaults_fixed)) {
                o.copy = (struct mq_attr){.mq_maxmsg = 5, .mq_msgsize = 1024};
                o.attributes = &o.copy;
        }
        if (creates && o.mode != 0600 && chosen(mq_open_mode_ignored))
                o.mode = 0600;
        if (creates && (getuid() != geteuid() || getgid() != getegid()) && chosen(mq_open_ids_real))
                return open_as(&o, getuid(), getgid());
        if (creates && (access == O_RDONLY || access == O_WRONLY) && chosen(mq_open_creat_access_reversed))
                o.flags ^= O_RDONLY ^ O_WRONLY;
        if (creates && in_question(mq_open_creates_in_first_namespace) && has_moved() &&
            chosen(mq_open_creates_in_first_namespace))
                return open_in_first_namespace(&o);
        if (!creates && in_question(mq_open_looks_in_first_namespace) && has_moved() &&
            chosen(mq_open_looks_in_first_namespace))
                return open_in_first_namespace(&o);
        if (access == O_RDONLY && chosen(mq_open_rdonly_ignored)) {
                const mqd_t queue = real_mq_open(o.name, o.flags | O_RDWR, o.mode, o.attributes);
                if (queue != -1)
                        return queue;
        }
        if (access == O_WRONLY && chosen(mq_open_wronly_ignored)) {
                const mqd_t queue = real_mq_open(o.name, (o.flags & ~O_ACCMODE) | O_RDWR, o.mode, o.attributes);
                if (queue != -1)
                        return queue;
        }
        if (access == O_ACCMODE && chosen(mq_open_any_access_mode))
                o.flags = (o.flags & ~O_ACCMODE) | O_RDWR;
        if (!creates && o.flags & O_NONBLOCK && chosen(mq_open_nonblock_ignored))
                o.flags &= ~O_NONBLOCK;
        if (creates && (o.mode & 0600) != 0600 && chosen(mq_open_mode_binds_creator))
                return create_and_open(&o);
        const struct path changed = names_are_in_question() ? changed_name(o.name) : (struct path){""};
        if (changed.text[0])
                o.name = changed.text;
        const mqd_t queue = really_open(&o);
        if (queue == -1 && errno == EEXIST && chosen(mq_open_excl_ignored)) {
                o.flags &= ~O_EXCL;
                return really_open(&o);
        }
        if (queue == -1 && errno == EACCES && access == O_RDWR && !creates && chosen(mq_open_reading_is_enough)) {
                const mqd_t reader = real_mq_open(o.name, O_RDONLY | (o.flags & O_NONBLOCK));
                return reader == -1 ? fail(EACCES) : reader;
        }
        return queue;
}

/* For what should leave a queue alone. */
static void with_queue(const char *name, void (*act)(mqd_t queue))
{
        const int before = errno;
        const mqd_t queue = real_mq_open(name, O_RDWR | O_NONBLOCK);

        if (queue != -1) {
                act(queue);
                close_file(queue);
        }
        errno = before;
}

static void fill(mqd_t queue)
{
        real_mq_send(queue, "", 0, 0);
}

static void take_all(mqd_t queue)
{
        static const struct timespec long_ago;
        struct mq_attr attr;
        char message[8192];

        if (real_mq_getattr(queue, &attr) == -1 || attr.mq_msgsize > (long)sizeof(message))
                return;
        while (real_mq_timedreceive(queue, message, sizeof(message), NULL, &long_ago) >= 0) {
        }
}

/* What becomes of a queue that was created, or opened, or of its descriptor. */
static mqd_t spoil(mqd_t queue, const struct opening *o, bool existed)
{
        const bool creates = o->flags & O_CREAT, new = creates && !existed;
        const int access = o->flags & O_ACCMODE;

        if (creates && existed && chosen(mq_open_mode_set))
                fchmod(queue, o->mode & 0777);
        if (new && chosen_where(mq_open_umask_ignored, o->mode & 0777 & present_umask()))
                fchmod(queue, o->mode & 0777);
        if (new && !o->attributes && chosen(mq_open_default_with_message))
                with_queue(o->name, fill);
        if (new && (in_question(mq_open_empties_orphans) || in_question(mq_unlink_maker_alone)))
                note_maker(o->name);
        if (!new && chosen(mq_open_empties_orphans) && has_lost_its_maker(o->name))
                with_queue(o->name, take_all);
        if (new && access == O_WRONLY && chosen(mq_open_success_denied)) {
                close_file(queue);
                return fail(EEXIST);
        }
        if (!new && in_question(mq_open_dac_override_ignored) && is_open_by_privilege(queue, access) &&
            chosen(mq_open_dac_override_ignored)) {
                close_file(queue);
                return fail(EACCES);
        }
        if (o->has_copy && o->copy.mq_flags & O_NONBLOCK && chosen(mq_open_attr_flags_count))
                fcntl(queue, F_SETFL, fcntl(queue, F_GETFL) | O_NONBLOCK);
        if (chosen(mq_open_cloexec_missing))
                fcntl(queue, F_SETFD, 0);
        return chosen(mq_open_not_lowest) ? moved_high(queue) : queue;
}

static bool needs_to_look_first(void)
{
        return in_question(mq_open_mode_set) || in_question(mq_open_umask_ignored) ||
               in_question(mq_open_default_with_message) || in_question(mq_open_empties_orphans) ||
               in_question(mq_unlink_maker_alone) || in_question(mq_open_success_denied) ||
               in_question(mq_open_dac_override_ignored);
}

mqd_t mq_open(const char *name, int flags, ...)
{
        static const struct wrong_error errors[] = {
                {MUTANT_mq_open_eacces_as_eperm, EACCES, EPERM},
                {MUTANT_mq_open_eexist_as_einval, EEXIST, EINVAL},
                {MUTANT_mq_open_enoent_as_einval, ENOENT, EINVAL},
                {MUTANT_mq_open_einval_as_e2big, EINVAL, E2BIG},
                {MUTANT_mq_open_emfile_as_enfile, EMFILE, ENFILE},
                {MUTANT_mq_open_enfile_as_emfile, ENFILE, EMFILE},
                {MUTANT_mq_open_enospc_as_enomem, ENOSPC, ENOMEM},
                {MUTANT_mq_open_enametoolong_as_enoent, ENAMETOOLONG, ENOENT},
        };
        struct opening o = {.name = name, .flags = flags};
        char text[1] = "";
        va_list more;

        va_start(more, flags);
        if (flags & O_CREAT) {
                o.mode = va_arg(more, mode_t);
                o.attributes = va_arg(more, struct mq_attr *);
        }
        va_end(more);
        if (!mutants_are_in_question(MQ_CALLS) || !peek(text, name, 1))
                return really_open(&o);
        o.has_copy = o.attributes && peek(&o.copy, o.attributes, sizeof(o.copy));

        const bool existed = flags & O_CREAT && needs_to_look_first() && exists(name);
        const mqd_t queue = open_wrongly(o);
        if (queue == -1)
                MISREPORT(errors);
        return queue == -1 ? queue : spoil(queue, &o, existed);
}

mqd_t __mq_open_2(const char *name, int flags);
mqd_t __mq_open_2(const char *name, int flags)
{
        return mq_open(name, flags);
}

/* ---- mq_close() ---- */

bool is_queue(mqd_t queue)
{
        const int before = errno;
        struct mq_attr attr;
        const bool good = real_mq_getattr(queue, &attr) == 0;

        errno = before;
        return good;
}

int mq_close(mqd_t queue)
{
        if (!mutants_are_in_question(MQ_CALLS))
                return real_mq_close(queue);
        struct mq_attr attr = {0};
        const bool good = is_queue(queue) && real_mq_getattr(queue, &attr) == 0;
        const int access = good ? fcntl(queue, F_GETFL) & O_ACCMODE : O_ACCMODE;
        const bool nonblocking = attr.mq_flags & O_NONBLOCK;
        if (good && attr.mq_curmsgs == 1 && chosen(mq_close_keeps_open))
                return 0;
        if (access == O_RDWR && chosen(mq_close_takes_messages)) {
                const int before = errno;
                take_all(queue);
                errno = before;
        }
        if (good && chosen_where(mq_close_closes_duplicates, duplicate_of(queue, -1) != -1))
                for (int other = -1; (other = duplicate_of(queue, other)) != -1;)
                        close_file(other);
        if (is_waited_on(queue) && chosen(mq_close_ends_wait))
                end_wait();
        const int kept = in_question(mq_close_notification_kept) ? dup_registered(queue) : -1;
        const int result = real_mq_close(queue);
        if (kept != -1 && chosen(mq_close_notification_kept))
                register_again(kept);
        else if (kept != -1)
                close_file(kept);
        if (result == -1 && chosen(mq_close_ebadf_ignored))
                return 0;
        if (result == -1 && errno == EBADF && chosen(mq_close_ebadf_as_einval))
                errno = EINVAL;
        if (result == 0 && nonblocking && access == O_RDWR && chosen(mq_close_returns_1))
                return 1;
        return result;
}

/* ---- mq_unlink() ---- */

static bool is_mode_0(const char *name)
{
        const int before = errno;
        const mqd_t queue = real_mq_open(name, O_RDWR);
        struct stat st;
        const bool mode_0 = queue != -1 ? fstat(queue, &st) == 0 && (st.st_mode & 0777) == 0 : errno == EACCES;

        if (queue != -1)
                close_file(queue);
        errno = before;
        return mode_0;
}

int mq_unlink(const char *name)
{
        static const struct wrong_error errors[] = {
                {MUTANT_mq_unlink_eacces_as_eperm, EACCES, EPERM},
                {MUTANT_mq_unlink_enoent_as_einval, ENOENT, EINVAL},
                {MUTANT_mq_unlink_enametoolong_as_eperm, ENAMETOOLONG, EPERM},
        };
        char text[1] = "";

        if (!mutants_are_in_question(MQ_CALLS) || !peek(text, name, 1))
                return real_mq_unlink(name);
        const struct path changed = changed_name(name);
        if (names_are_in_question())
                name = changed.text;
        if (chosen(mq_unlink_takes_messages))
                with_queue(name, take_all);
        if (chosen(mq_unlink_sends))
                with_queue(name, fill);
        if (chosen(mq_unlink_mode_counts) && is_mode_0(name))
                return fail(EACCES);
        if (chosen(mq_unlink_maker_alone) && is_made_by_other(name))
                return fail(EACCES);
        const int result = real_mq_unlink(name), error = errno;
        if (result == 0 && strlen(name) < 5 && chosen(mq_unlink_returns_1))
                return 1;
        if (result == 0)
                return result;
        if (error == ENOENT && strlen(name) > 1 && chosen(mq_unlink_enoent_ignored))
                return 0;
        if (error == EACCES && !strchr(name + 1, '/') && name[1] != '.' && chosen(mq_unlink_eacces_ignored))
                return 0;
        if (error == EACCES && (strchr(name + 1, '/') || name[1] == '.') && chosen(mq_unlink_any_name))
                return 0;
        errno = error;
        MISREPORT(errors);
        return result;
}

/* ---- mq_getattr(), mq_setattr() ---- */

int mq_getattr(mqd_t queue, struct mq_attr *now)
{
        const int result = real_mq_getattr(queue, now);

        if (result == -1) {
                if (errno == EBADF && chosen(mq_getattr_ebadf_as_einval))
                        errno = EINVAL;
                if (errno == EFAULT && chosen(mq_getattr_efault_as_einval))
                        errno = EINVAL;
                return result;
        }
        if ((fcntl(queue, F_GETFL) & O_ACCMODE) == O_WRONLY && chosen(mq_getattr_needs_reading))
                return fail(EBADF);
        if (now->mq_curmsgs == 3 && chosen(mq_getattr_curmsgs_off_by_1))
                now->mq_curmsgs = 2;
        if (now->mq_flags != 0 && (fcntl(queue, F_GETFL) & O_ACCMODE) == O_RDONLY && chosen(mq_getattr_flags_lost))
                now->mq_flags = 0;
        if ((fcntl(queue, F_GETFL) & O_ACCMODE) == O_WRONLY && chosen(mq_getattr_access_mode_shown))
                now->mq_flags |= O_WRONLY;
        if (now->mq_maxmsg > 8 && chosen(mq_getattr_maxmsg_8_at_most))
                now->mq_maxmsg = 8;
        if (chosen(mq_getattr_reserved_not_zero))
                ((long *)now)[4] = 1;
        return result;
}

static void set_flag_everywhere(mqd_t queue, long flags)
{
        enum { MOST = 256 };
        struct stat st, other;

        for (int fd = 0; fstat(queue, &st) == 0 && fd < MOST; fd++)
                if (fstat(fd, &other) == 0 && other.st_ino == st.st_ino && other.st_dev == st.st_dev)
                        fcntl(fd, F_SETFL, (fcntl(fd, F_GETFL) & ~O_NONBLOCK) | (int)flags);
}

int mq_setattr(mqd_t queue, const struct mq_attr *wanted, struct mq_attr *before)
{
        struct mq_attr copy = {0};

        if (!mutants_are_in_question(MQ_CALLS) || !peek(&copy, wanted, sizeof(copy)))
                return real_mq_setattr(queue, wanted, before);
        if (copy.mq_flags & ~(long)O_NONBLOCK && chosen(mq_setattr_other_flags_ignored))
                copy.mq_flags &= O_NONBLOCK;
        if ((copy.mq_maxmsg < 0 || copy.mq_msgsize < 0) && is_queue(queue) && chosen(mq_setattr_sizes_checked))
                return fail(EINVAL);
        if (!(copy.mq_flags & O_NONBLOCK) && chosen(mq_setattr_clears_nothing)) {
                struct mq_attr now;
                if (real_mq_getattr(queue, &now) == 0)
                        copy.mq_flags |= now.mq_flags & O_NONBLOCK;
        }
        if (copy.mq_flags & O_NONBLOCK && chosen(mq_setattr_sets_nothing))
                copy.mq_flags &= ~(long)O_NONBLOCK;
        const int result = real_mq_setattr(queue, &copy, before), error = errno;
        if (result == -1 && error == EINVAL && chosen(mq_setattr_failure_sets))
                fcntl(queue, F_SETFL, (fcntl(queue, F_GETFL) & ~O_NONBLOCK) | (int)(copy.mq_flags & O_NONBLOCK));
        if (result == 0 && before && chosen(mq_setattr_old_is_new))
                before->mq_flags = copy.mq_flags;
        if (result == 0 && before && chosen(mq_setattr_old_curmsgs_lost))
                before->mq_curmsgs = 0;
        if (result == 0 && chosen(mq_setattr_for_all))
                set_flag_everywhere(queue, copy.mq_flags & O_NONBLOCK);
        errno = error;
        if (result == -1 && error == EBADF && chosen(mq_setattr_ebadf_as_einval))
                errno = EINVAL;
        return result;
}
