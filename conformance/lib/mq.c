/* SPDX-License-Identifier: MIT
 *
 * mq.c: the two routes to the calls of POSIX message queues, and set-up for their tests.
 */
#include <limits.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "internal.h"
#include "ipck_mq.h"

#undef mq_open
#undef mq_close
#undef mq_unlink
#undef mq_send
#undef mq_timedsend
#undef mq_receive
#undef mq_timedreceive
#undef mq_notify
#undef mq_getattr
#undef mq_setattr

/* The system calls whose struct timespec is the C library's. */
#ifdef SYS_mq_timedsend_time64
#define TIMED_CALL(call) (sizeof(time_t) == sizeof(long) ? SYS_##call : SYS_##call##_time64)
#else
#define TIMED_CALL(call) SYS_##call
#endif

static const char *without_slash(const char *name)
{
        return name + (*name == '/');
}

mqd_t ipck_mq_open(const char *name, int oflag, ...)
{
        mode_t mode = 0;
        struct mq_attr *attr = NULL;

        if (oflag & O_CREAT) {
                va_list more;

                va_start(more, oflag);
                mode = va_arg(more, mode_t);
                attr = va_arg(more, struct mq_attr *);
                va_end(more);
        }
        if (ipck_route == IPCK_RAW)
                return (mqd_t)syscall(SYS_mq_open, without_slash(name), oflag, mode, attr);
        return mq_open(name, oflag, mode, attr);
}

int ipck_mq_close(mqd_t queue)
{
        return ipck_route == IPCK_RAW ? close(queue) : mq_close(queue);
}

int ipck_mq_unlink(const char *name)
{
        return ipck_route == IPCK_RAW ? (int)syscall(SYS_mq_unlink, without_slash(name)) : mq_unlink(name);
}

static int raw_send(mqd_t queue, const char *message, size_t length, unsigned priority,
                    const struct timespec *deadline)
{
        return (int)syscall(TIMED_CALL(mq_timedsend), queue, message, length, priority, deadline);
}

static ssize_t raw_receive(mqd_t queue, char *message, size_t room, unsigned *priority,
                           const struct timespec *deadline)
{
        return syscall(TIMED_CALL(mq_timedreceive), queue, message, room, priority, deadline);
}

int ipck_mq_send(mqd_t queue, const char *message, size_t length, unsigned priority)
{
        if (ipck_route == IPCK_RAW)
                return raw_send(queue, message, length, priority, NULL);
        return mq_send(queue, message, length, priority);
}

int ipck_mq_timedsend(mqd_t queue, const char *message, size_t length, unsigned priority,
                      const struct timespec *deadline)
{
        if (ipck_route == IPCK_RAW)
                return raw_send(queue, message, length, priority, deadline);
        return mq_timedsend(queue, message, length, priority, deadline);
}

ssize_t ipck_mq_receive(mqd_t queue, char *message, size_t room, unsigned *priority)
{
        if (ipck_route == IPCK_RAW)
                return raw_receive(queue, message, room, priority, NULL);
        return mq_receive(queue, message, room, priority);
}

ssize_t ipck_mq_timedreceive(mqd_t queue, char *message, size_t room, unsigned *priority,
                             const struct timespec *deadline)
{
        if (ipck_route == IPCK_RAW)
                return raw_receive(queue, message, room, priority, deadline);
        return mq_timedreceive(queue, message, room, priority, deadline);
}

int ipck_mq_notify(mqd_t queue, const struct sigevent *event)
{
        const int result = ipck_route == IPCK_RAW ? (int)syscall(SYS_mq_notify, queue, event) : mq_notify(queue, event);

        if (result == -1 && errno == ENOSYS)
                UNSUPPORTED("mq_notify() by this route (ENOSYS)");
        return result;
}

int ipck_mq_setattr(mqd_t queue, const struct mq_attr *attr, struct mq_attr *old)
{
        if (ipck_route == IPCK_RAW)
                return (int)syscall(SYS_mq_getsetattr, queue, attr, old);
        return mq_setattr(queue, attr, old);
}

int ipck_mq_getattr(mqd_t queue, struct mq_attr *attr)
{
        if (ipck_route == IPCK_RAW)
                return (int)syscall(SYS_mq_getsetattr, queue, NULL, attr);
        return mq_getattr(queue, attr);
}

/* What the queues of a test that does not take a turn may need. */
enum { LEAST_ACCOUNT = 400000 };

static void account_has_room(void)
{
        struct rlimit account;
        struct mq_attr least = {.mq_maxmsg = 1, .mq_msgsize = 1};

        MUST(getrlimit(RLIMIT_MSGQUEUE, &account));
        if (account.rlim_cur < LEAST_ACCOUNT)
                UNSUPPORTED("%d bytes for message queues (RLIMIT_MSGQUEUE is %ju)", LEAST_ACCOUNT,
                            (uintmax_t)account.rlim_cur);
        const mqd_t queue = ipck_mq_open("/least", O_CREAT | O_EXCL | O_RDWR, 0600, &least);
        if (queue != (mqd_t)-1)
                remove_mq(queue, "/least");
        else if (errno == EMFILE)
                mq_must_fit(queue);
}

void ipck_mq_available(void)
{
        struct mq_attr attr;

        if (ipck_mq_unlink("/there is none") == -1 && errno == ENOSYS)
                UNSUPPORTED("POSIX message queues by this route (mq_unlink: ENOSYS)");
        if (ipck_mq_getattr((mqd_t)-1, &attr) == -1 && errno == ENOSYS)
                UNSUPPORTED("POSIX message queues by this route (mq_getattr: ENOSYS)");
        need_mq_limits(2, 1, 1);
        account_has_room();
}

/* ---- set-up ---- */

void queue_turn(void)
{
        take_turn("/usr");
}

mqd_t mq_must_fit(mqd_t queue)
{
        if (queue == (mqd_t)-1 && errno == ENOSPC)
                UNSUPPORTED("room for one message queue more (fs.mqueue.queues_max)");
        if (queue == (mqd_t)-1 && errno == EINVAL)
                UNSUPPORTED("a queue of that size (fs.mqueue.msg_max, msgsize_max)");
        if (queue == (mqd_t)-1 && errno == EMFILE)
                UNSUPPORTED("a descriptor and bytes for one message queue more (RLIMIT_NOFILE, RLIMIT_MSGQUEUE)");
        return (mqd_t)MUST(queue);
}

mqd_t new_mq(const char *name, int oflag, long maxmsg, long msgsize)
{
        struct mq_attr attr = {.mq_maxmsg = maxmsg, .mq_msgsize = msgsize};

        return mq_must_fit(ipck_mq_open(name, O_CREAT | O_EXCL | oflag, 0600, &attr));
}

mqd_t small_mq(int oflag)
{
        return new_mq(QUEUE_NAME, oflag, SMALL_MAXMSG, SMALL_MSGSIZE);
}

mqd_t mq_of(uid_t uid, const char *name, int mode)
{
        struct child creator;

        CHILD(&creator) {
                as_user(uid);
                umask(0);
                const mqd_t queue = new_mq(name, O_RDWR, SMALL_MAXMSG, SMALL_MSGSIZE);
                MUST(fchmod(queue, (mode_t)mode));
        }
        join(&creator);
        return (mqd_t)MUST(ipck_mq_open(name, O_RDWR));
}

struct mq_attr attr_of(mqd_t queue)
{
        struct mq_attr attr;

        memset(&attr, 0x5a, sizeof(attr));
        MUST(ipck_mq_getattr(queue, &attr));
        return attr;
}

long mq_count(mqd_t queue)
{
        return attr_of(queue).mq_curmsgs;
}

void mq_post(mqd_t queue, unsigned priority, const char *text)
{
        MUST(ipck_mq_send(queue, text, strlen(text), priority));
}

void fill_mq(mqd_t queue)
{
        const struct mq_attr attr = attr_of(queue);

        for (long n = attr.mq_curmsgs; n < attr.mq_maxmsg; n++)
                mq_post(queue, 0, "full");
}

struct stat mq_stat(mqd_t queue)
{
        struct stat st;

        memset(&st, 0x5a, sizeof(st));
        MUST(fstat(queue, &st));
        return st;
}

struct no_queues no_queues(void)
{
        int ends[2], sockets[2];

        MUST(pipe(ends));
        MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets));
        MUST(write(ends[1], "text", 4));
        MUST(write(sockets[1], "text", 4));
        const int device = (int)MUST(open("/dev/null", O_RDWR)), directory = (int)MUST(open("/", O_RDONLY));
        return (struct no_queues){
                .closed = {{"closed", next_descriptor()}, {"-1", -1}, {"INT_MAX", INT_MAX}},
                .other = {{"a device", device}, {"a directory", directory}, {"a pipe to read", ends[0]},
                          {"a pipe to write", ends[1]}, {"a socket", sockets[0]}},
        };
}

/* ---- by name ---- */

mqd_t try_mq(const char *name, long maxmsg, long msgsize)
{
        struct mq_attr attr = {.mq_maxmsg = maxmsg, .mq_msgsize = msgsize};

        return ipck_mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
}

bool mq_exists(const char *name)
{
        const mqd_t queue = ipck_mq_open(name, O_RDONLY);

        if (queue != (mqd_t)-1)
                MUST(close(queue));
        return queue != (mqd_t)-1 || errno == EACCES;
}

void remove_mq(mqd_t queue, const char *name)
{
        MUST(ipck_mq_unlink(name));
        MUST(ipck_mq_close(queue));
}

static int opens(const char *name, int oflag)
{
        const mqd_t queue = ipck_mq_open(name, oflag);

        if (queue == (mqd_t)-1)
                return errno == EACCES ? 0 : -1;
        MUST(ipck_mq_close(queue));
        return 1;
}

int access_to_mq(const char *name)
{
        const int receive = opens(name, O_RDONLY), send = opens(name, O_WRONLY), both = opens(name, O_RDWR);

        if (receive == -1 || send == -1 || both != (receive && send))
                return -1;
        return (receive ? MAY_RECEIVE : 0) | (send ? MAY_SEND : 0);
}

/* ---- limits ---- */

void set_mq_limit(const char *name, long value)
{
        char path[64], text[32];

        snprintf(path, sizeof(path), "fs/mqueue/%s", name);
        snprintf(text, sizeof(text), "%ld", value);
        set_sysctl(path, text);
}

static void need_mq_limit(const char *name, long least)
{
        char path[64], text[32];

        snprintf(path, sizeof(path), "/proc/sys/fs/mqueue/%s", name);
        if (read_file(path, text, sizeof(text)) > 0 && atol(text) < least)
                UNSUPPORTED("fs.mqueue.%s of %ld (it is %ld)", name, least, atol(text));
}

void need_mq_limits(long queues, long maxmsg, long msgsize)
{
        need_mq_limit("queues_max", queues);
        need_mq_limit("msg_max", maxmsg);
        need_mq_limit("msgsize_max", msgsize);
}

void be_limited(void)
{
        if (has_capability(CAP_SYS_RESOURCE))
                drop_capability(CAP_SYS_RESOURCE);
}

void need_privilege(void)
{
        if (!has_initial_capability(CAP_SYS_RESOURCE))
                UNSUPPORTED("CAP_SYS_RESOURCE in the initial user namespace");
}

uid_t lone_user(unsigned n)
{
        enum { FIRST = 34000, APART = 10000, EACH = 3 };
        const int fd = this_ipc_namespace();
        struct stat namespace;

        /* The number of the namespace is unlike that of any other that exists. */
        MUST(fstat(fd, &namespace));
        MUST(close(fd));
        return (uid_t)(FIRST + namespace.st_ino % APART * EACH + n);
}

void own_account(rlim_t bytes)
{
        struct rlimit limit;

        /* The account is that of the real user; where there is no other, one of a user namespace (since Linux 5.14). */
        if (setresuid(lone_user(0), (uid_t)-1, (uid_t)-1) == -1) {
                queue_turn();
                enter_user_namespace(geteuid(), getegid());
        }
        MUST(getrlimit(RLIMIT_MSGQUEUE, &limit));
        limit.rlim_cur = bytes;
        if (limit.rlim_max < bytes)
                limit.rlim_max = bytes;
        if (setrlimit(RLIMIT_MSGQUEUE, &limit) == -1)
                UNSUPPORTED("%ju bytes for message queues (RLIMIT_MSGQUEUE)", (uintmax_t)bytes);
}

const char *mount_mqueue_at(const char *directory)
{
        if (mkdir(directory, 0755) == -1 || mount("ipck", directory, "mqueue", MS_NOSUID | MS_NODEV, NULL) == -1)
                UNSUPPORTED("the mqueue file system at %s (%s)", directory, errno_name(errno));
        return directory;
}

const char *mount_mqueue(void)
{
        return mount_mqueue_at("/dev/shm/mqueue");
}

const char *mq_file(const char *directory, const char *name)
{
        static char path[PATH_MAX];

        snprintf(path, sizeof(path), "%s%s", directory, name);
        return path;
}
