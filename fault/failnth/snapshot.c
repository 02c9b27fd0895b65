/* SPDX-License-Identifier: MIT
 *
 * snapshot.c: all that can be seen of the objects and of the processes of a world, a line for each fact. It allocates
 * nothing and makes no object, so that two snapshots differ in what happened between them alone.
 */
#include <asm/msgbuf.h>
#include <asm/sembuf.h>
#include <asm/shmbuf.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "failnth.h"

enum { MESSAGE = 65536, SEMAPHORES = 32000 };

/* Of <linux/msg.h>, <linux/sem.h> and <linux/shm.h>, which do not go with the C library's headers. */
enum { MSG_INFO_ = 12, MSG_STAT_ANY_ = 13, SEM_INFO_ = 19, SEM_STAT_ANY_ = 20, SHM_INFO_ = 14, SHM_STAT_ANY_ = 15,
       MSG_COPY_ = 040000 };

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        const int n = vsnprintf(text->bytes + text->length, TEXT - text->length, format, arguments);
        va_end(arguments);
        if (n < 0 || text->length + (size_t)n + 2 > TEXT)
                undecided("there is too much to see");
        text->length += (size_t)n;
        text->bytes[text->length++] = '\n';
        text->bytes[text->length] = '\0';
}

static unsigned long sum(const void *bytes, size_t size)
{
        const unsigned char *const at = bytes;
        unsigned long hash = 0xcbf29ce484222325;

        for (size_t i = 0; i < size; i++)
                hash = (hash ^ at[i]) * 0x100000001b3;
        return hash;
}

static void add_permissions(struct text *text, const char *what, const struct ipc64_perm *perm)
{
        add(text, "%s key: %#x", what, (unsigned)perm->key);
        add(text, "%s uid gid cuid cgid: %u %u %u %u", what, perm->uid, perm->gid, perm->cuid, perm->cgid);
        add(text, "%s mode: %#o", what, (unsigned)perm->mode);
        add(text, "%s seq: %u", what, (unsigned)perm->seq);
}

/* ---- System V ---- */

static void add_messages(struct text *text, const char *what, int queue, unsigned long count)
{
        static struct {
                long type;
                char bytes[MESSAGE];
        } message;

        for (unsigned long i = 0; i < count; i++) {
                const long n = syscall(SYS_msgrcv, queue, &message, sizeof(message.bytes), i, MSG_COPY_ | IPC_NOWAIT);
                if (n == -1)
                        add(text, "%s message %lu: %s", what, i, errno_name(errno));
                else
                        add(text, "%s message %lu: type %ld, %ld bytes, sum %lx", what, i, message.type, n,
                            sum(message.bytes, (size_t)n));
        }
}

/* struct msginfo of <linux/msg.h> */
struct message_info {
        int msgpool, msgmap, msgmax, msgmnb, msgmni, msgssz, msgtql;
        unsigned short msgseg;
};

static void add_queues(struct text *text)
{
        struct message_info info = {0};
        const long highest = syscall(SYS_msgctl, 0, MSG_INFO_, &info);

        add(text, "queues: %d, %d messages, %d bytes", info.msgpool, info.msgmap, info.msgtql);
        add(text, "highest queue: %ld", highest);
        add(text, "msgmax msgmnb msgmni: %d %d %d", info.msgmax, info.msgmnb, info.msgmni);
        for (long i = 0; i <= highest; i++) {
                struct msqid64_ds ds = {0};
                char what[32];
                const int id = (int)syscall(SYS_msgctl, i, MSG_STAT_ANY_, &ds);
                if (id == -1)
                        continue;
                snprintf(what, sizeof(what), "queue %d", id);
                add_permissions(text, what, &ds.msg_perm);
                add(text, "%s stime: %ld", what, (long)ds.msg_stime);
                add(text, "%s rtime: %ld", what, (long)ds.msg_rtime);
                add(text, "%s ctime: %ld", what, (long)ds.msg_ctime);
                add(text, "%s cbytes: %lu", what, (unsigned long)ds.msg_cbytes);
                add(text, "%s qnum: %lu", what, (unsigned long)ds.msg_qnum);
                add(text, "%s qbytes: %lu", what, (unsigned long)ds.msg_qbytes);
                add(text, "%s lspid: %d", what, ds.msg_lspid);
                add(text, "%s lrpid: %d", what, ds.msg_lrpid);
                add_messages(text, what, id, ds.msg_qnum);
        }
}

static void add_sets(struct text *text)
{
        static unsigned short values[SEMAPHORES];
        struct seminfo info = {0};
        const long highest = syscall(SYS_semctl, 0, 0, SEM_INFO_, &info);

        add(text, "sets: %d, %d semaphores", info.semusz, info.semaem);
        add(text, "highest set: %ld", highest);
        add(text, "semmsl semmns semopm semmni: %d %d %d %d", info.semmsl, info.semmns, info.semopm, info.semmni);
        for (long i = 0; i <= highest; i++) {
                struct semid64_ds ds = {0};
                char what[32];
                const int id = (int)syscall(SYS_semctl, i, 0, SEM_STAT_ANY_, &ds);
                if (id == -1)
                        continue;
                snprintf(what, sizeof(what), "set %d", id);
                add_permissions(text, what, &ds.sem_perm);
                add(text, "%s otime: %ld", what, (long)ds.sem_otime);
                add(text, "%s ctime: %ld", what, (long)ds.sem_ctime);
                add(text, "%s nsems: %lu", what, (unsigned long)ds.sem_nsems);
                if (syscall(SYS_semctl, id, 0, GETALL, values) == -1)
                        add(text, "%s values: %s", what, errno_name(errno));
                else
                        add(text, "%s values: sum %lx", what, sum(values, ds.sem_nsems * sizeof(*values)));
                for (unsigned long n = 0; n < ds.sem_nsems; n += n < 8 || ds.sem_nsems <= 16 ? 1 : 50)
                        add(text, "%s semaphore %lu: value %hu, pid %ld, ncnt %ld, zcnt %ld", what, n, values[n],
                            syscall(SYS_semctl, id, n, GETPID, 0), syscall(SYS_semctl, id, n, GETNCNT, 0),
                            syscall(SYS_semctl, id, n, GETZCNT, 0));
        }
}

static void add_segments(struct text *text)
{
        struct shm_info info;
        struct shminfo limits;

        memset(&info, 0, sizeof(info));
        memset(&limits, 0, sizeof(limits));
        const long highest = syscall(SYS_shmctl, 0, SHM_INFO_, &info);
        syscall(SYS_shmctl, 0, IPC_INFO, &limits);
        add(text, "segments: %d, total %lu pages, rss %lu, swap %lu", info.used_ids, info.shm_tot, info.shm_rss,
            info.shm_swp);
        add(text, "highest segment: %ld", highest);
        add(text, "shmmax shmmni shmall: %lu %lu %lu", limits.shmmax, limits.shmmni, limits.shmall);
        for (long i = 0; i <= highest; i++) {
                struct shmid64_ds ds;
                char what[32];
                memset(&ds, 0, sizeof(ds));
                const int id = (int)syscall(SYS_shmctl, i, SHM_STAT_ANY_, &ds);
                if (id == -1)
                        continue;
                snprintf(what, sizeof(what), "segment %d", id);
                add_permissions(text, what, &ds.shm_perm);
                add(text, "%s segsz: %zu", what, (size_t)ds.shm_segsz);
                add(text, "%s atime: %ld", what, (long)ds.shm_atime);
                add(text, "%s dtime: %ld", what, (long)ds.shm_dtime);
                add(text, "%s ctime: %ld", what, (long)ds.shm_ctime);
                add(text, "%s cpid: %d", what, ds.shm_cpid);
                add(text, "%s lpid: %d", what, ds.shm_lpid);
                add(text, "%s nattch: %lu", what, (unsigned long)ds.shm_nattch);
        }
}

/* With single blanks: the columns grow with what is in them. */
static void add_file_lines(struct text *text, const char *what, const char *path)
{
        static char bytes[16384];

        if (read_text(path, bytes, sizeof(bytes)) == -1)
                add(text, "%s: %s", what, errno_name(errno));
        for (char *line = strtok(bytes, "\n"); line; line = strtok(NULL, "\n")) {
                char *to = line;
                for (const char *from = line; *from; from++)
                        if (*from != ' ' || (to > line && to[-1] != ' '))
                                *to++ = *from;
                *to = '\0';
                add(text, "%s: %s", what, line);
        }
}

/* ---- files ---- */

static void add_stat(struct text *text, const char *what, const struct stat *st)
{
        add(text, "%s mode links uid gid: %#o %lu %u %u", what, st->st_mode, (unsigned long)st->st_nlink, st->st_uid,
            st->st_gid);
        add(text, "%s size blocks: %lld %lld", what, (long long)st->st_size, (long long)st->st_blocks);
        add(text, "%s mtime: %ld.%09ld", what, (long)st->st_mtime, st->st_mtim.tv_nsec);
        add(text, "%s ctime: %ld.%09ld", what, (long)st->st_ctime, st->st_ctim.tv_nsec);
}

static void add_memory(struct text *text, const char *what, const char *path)
{
        struct stat st;

        if (stat(path, &st) == -1) {
                add(text, "%s: %s", what, errno_name(errno));
                return;
        }
        add_stat(text, what, &st);
        /* A page that is not there would be made by reading. */
        if (S_ISREG(st.st_mode) && st.st_blocks * 512 >= st.st_size) {
                static char bytes[1 << 18];
                const ssize_t n = read_text(path, bytes, sizeof(bytes));
                add(text, "%s content: sum %lx", what, sum(bytes, n > 0 ? (size_t)n : 0));
        }
}

static void add_mqueue(struct text *text, const char *what, const char *path, enum moment moment)
{
        char status[256] = "";
        struct stat st;

        if (moment == BEFORE_CALL)
                read_text(path, status, sizeof(status));
        if (stat(path, &st) == -1) {
                add(text, "%s: %s", what, errno_name(errno));
                return;
        }
        add_stat(text, what, &st);
        if (moment != BEFORE_CALL)
                read_text(path, status, sizeof(status));
        status[strcspn(status, "\n")] = '\0';
        add(text, "%s status: %s", what, status);
}

/* What can only be seen by taking it out. */
static void add_mqueue_messages(struct text *text, const char *what, const char *name)
{
        static char bytes[MESSAGE];
        char path[300];
        unsigned priority;

        snprintf(path, sizeof(path), "/%s", name);
        const mqd_t queue = mq_open(path, O_RDONLY | O_NONBLOCK);
        if (queue == (mqd_t)-1) {
                add(text, "%s messages: %s", what, errno_name(errno));
                return;
        }
        for (ssize_t n; (n = mq_receive(queue, bytes, sizeof(bytes), &priority)) != -1;)
                add(text, "%s message: priority %u, %zd bytes, sum %lx", what, priority, n, sum(bytes, (size_t)n));
        mq_close(queue);
}

static void each_file(struct text *text, const char *folder, bool queues, enum moment moment)
{
        DIR *const list = opendir(folder);
        struct stat st;

        if (!list)
                undecided("%s: %s", folder, strerror(errno));
        for (const struct dirent *entry; (entry = readdir(list));) {
                char path[300], what[300];
                if (entry->d_name[0] == '.')
                        continue;
                snprintf(path, sizeof(path), "%s/%.200s", folder, entry->d_name);
                snprintf(what, sizeof(what), "%s %.200s", queues ? "POSIX queue" : "/dev/shm:", entry->d_name);
                if (!queues)
                        add_memory(text, what, path);
                else
                        add_mqueue(text, what, path, moment);
                if (queues && moment == AT_END)
                        add_mqueue_messages(text, what, entry->d_name);
        }
        closedir(list);
        if (stat(folder, &st) == 0)
                add_stat(text, folder, &st);
}

static void add_space(struct text *text)
{
        struct statvfs fs;

        if (statvfs("/dev/shm", &fs) == 0)
                add(text, "/dev/shm: %lu blocks and %lu inodes free", (unsigned long)fs.f_bfree,
                    (unsigned long)fs.f_ffree);
}

/* ---- processes ---- */

/* Numbers in brackets are inodes. */
static void add_descriptors(struct text *text, pid_t process)
{
        char folder[64];

        snprintf(folder, sizeof(folder), "/proc/%d/fd", process);
        DIR *const list = opendir(folder);
        if (!list)
                return;
        for (const struct dirent *entry; (entry = readdir(list));) {
                char path[400], place[200] = "", info[256] = "";
                if (entry->d_name[0] == '.')
                        continue;
                snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
                if (readlink(path, place, sizeof(place) - 1) == -1)
                        continue;
                char *const bracket = strchr(place, '[');
                if (bracket)
                        *bracket = '\0';
                snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", process, entry->d_name);
                read_text(path, info, sizeof(info));
                const char *const flags = strstr(info, "flags:");
                add(text, "caller descriptor %s: %s, %.*s", entry->d_name, place, flags ? (int)strcspn(flags, "\n") : 0,
                    flags ? flags : "");
        }
        closedir(list);
}

/* The content of System V segments and mapped files, through the caller's mappings. */
static void add_mappings(struct text *text, pid_t process)
{
        static char bytes[65536], page[4096];
        char path[64];

        snprintf(path, sizeof(path), "/proc/%d/mem", process);
        const int memory = open(path, O_RDONLY | O_CLOEXEC);
        snprintf(path, sizeof(path), "/proc/%d/maps", process);
        if (read_text(path, bytes, sizeof(bytes)) == -1 || memory == -1)
                return;
        for (char *line = strtok(bytes, "\n"); line; line = strtok(NULL, "\n")) {
                unsigned long from, to, offset;
                char flags[8], name[128] = "";
                if (sscanf(line, "%lx-%lx %7s %lx %*s %*s %127[^\n]", &from, &to, flags, &offset, name) < 4)
                        continue;
                if (strstr(name, "[stack]") || strstr(name, "[heap]"))
                        continue;       /* grow by what we do ourselves */
                add(text, "caller mapping %lx-%lx %s %lx %s", from, to, flags, offset, name + strspn(name, " "));
                unsigned long all = 0;
                if (!strstr(name, "/SYSV") || flags[0] != 'r')
                        continue;
                for (unsigned long at = from; at < to; at += sizeof(page))
                        if (pread(memory, page, sizeof(page), (off_t)at) == (ssize_t)sizeof(page))
                                all = all * 31 + sum(page, sizeof(page));
                add(text, "caller mapping %lx content: sum %lx", from, all);
        }
        close(memory);
}

static void add_status(struct text *text, pid_t process)
{
        static const char *const wanted[] = {"VmLck:", "Threads:", "SigQ:", "SigPnd:", "ShdPnd:", "SigBlk:"};
        static char bytes[4096];
        char path[64];

        snprintf(path, sizeof(path), "/proc/%d/status", process);
        if (read_text(path, bytes, sizeof(bytes)) == -1)
                return;
        for (char *line = strtok(bytes, "\n"); line; line = strtok(NULL, "\n"))
                for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
                        if (strncmp(line, wanted[i], strlen(wanted[i])) == 0)
                                add(text, "caller %s", line);
}

static void add_namespace(struct text *text, pid_t process)
{
        char path[64], own[64] = "", others[64] = "";

        snprintf(path, sizeof(path), "/proc/%d/ns/ipc", process);
        if (readlink("/proc/self/ns/ipc", own, sizeof(own) - 1) == -1 ||
            readlink(path, others, sizeof(others) - 1) == -1)
                return;
        add(text, "caller IPC namespace: %s", strcmp(own, others) ? "another one" : "the first");
}

/* 'S' it sleeps in its call, 'Z' it has ended; others are on the way to one of these. */
static char state_of(pid_t process)
{
        char path[64], bytes[512];

        snprintf(path, sizeof(path), "/proc/%d/stat", process);
        if (read_text(path, bytes, sizeof(bytes)) <= 0)
                return 'X';
        const char *const bracket = strrchr(bytes, ')');
        return bracket && bracket[1] ? bracket[2] : 'X';
}

static void add_helpers(struct text *text, const pid_t *helpers, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                char state;
                while ((state = state_of(helpers[i])) != 'S' && state != 'Z' && state != 'X')
                        sched_yield();
                add(text, "helper %zu: %s", i, state == 'S' ? "sleeps" : "has ended");
        }
}

void snapshot(struct text *text, enum moment moment, pid_t caller, const pid_t *helpers, size_t helpers_count)
{
        text->length = 0;
        text->bytes[0] = '\0';
        add_helpers(text, helpers, helpers_count);
        add_queues(text);
        add_sets(text);
        add_segments(text);
        add_file_lines(text, "/proc/sysvipc/msg", "/proc/sysvipc/msg");
        add_file_lines(text, "/proc/sysvipc/sem", "/proc/sysvipc/sem");
        add_file_lines(text, "/proc/sysvipc/shm", "/proc/sysvipc/shm");
        each_file(text, "/dev/shm", false, moment);
        each_file(text, "/dev/mqueue", true, moment);
        add_space(text);
        add_file_lines(text, "sysctl msg_next_id", "/proc/sys/kernel/msg_next_id");
        add_file_lines(text, "sysctl sem_next_id", "/proc/sys/kernel/sem_next_id");
        add_file_lines(text, "sysctl shm_next_id", "/proc/sys/kernel/shm_next_id");
        add_file_lines(text, "sysctl shm_rmid_forced", "/proc/sys/kernel/shm_rmid_forced");
        add_file_lines(text, "sysctl sem", "/proc/sys/kernel/sem");
        add_file_lines(text, "sysctl queues_max", "/proc/sys/fs/mqueue/queues_max");
        add_file_lines(text, "sysctl msg_max", "/proc/sys/fs/mqueue/msg_max");
        if (caller > 0) {
                add_namespace(text, caller);
                add_status(text, caller);
                add_descriptors(text, caller);
                add_mappings(text, caller);
        }
}

/* ---- comparison ---- */

/* Numbers of nine or ten digits are times, where they may differ. */
static size_t time_length(const char *at)
{
        size_t length = 0;

        while (isdigit((unsigned char)at[length]))
                length++;
        return length == 9 || length == 10 ? length : 0;
}

static bool same_line(const char *a, size_t a_length, const char *b, size_t b_length, bool but_times)
{
        if (!but_times)
                return a_length == b_length && memcmp(a, b, a_length) == 0;
        const char *const a_end = a + a_length, *const b_end = b + b_length;
        bool in_number = false;
        while (a < a_end && b < b_end) {
                const size_t skip_a = in_number ? 0 : time_length(a), skip_b = in_number ? 0 : time_length(b);
                if (skip_a && skip_b) {
                        a += skip_a;
                        b += skip_b;
                        continue;
                }
                in_number = isdigit((unsigned char)*a);
                if (*a++ != *b++)
                        return false;
        }
        return a == a_end && b == b_end;
}

static bool has_line(const struct text *text, const char *line, size_t length, bool but_times)
{
        for (const char *at = text->bytes; *at;) {
                const size_t one = strcspn(at, "\n");
                if (same_line(at, one, line, length, but_times))
                        return true;
                at += one + (at[one] == '\n');
        }
        return false;
}

static size_t add_missing(char *detail, size_t length, size_t size, char sign, const struct text *in,
                          const struct text *from, bool but_times)
{
        for (const char *at = in->bytes; *at;) {
                const size_t one = strcspn(at, "\n");
                if (!has_line(from, at, one, but_times) && length < size)
                        length += (size_t)snprintf(detail + length, size - length, "%s%c%.*s", length ? "; " : "", sign,
                                                   (int)one, at);
                at += one + (at[one] == '\n');
        }
        return length;
}

bool differ(const struct text *had, const struct text *has, bool two_worlds, char *detail, size_t size)
{
        detail[0] = '\0';
        if (had->length == has->length && memcmp(had->bytes, has->bytes, had->length) == 0)
                return false;
        const size_t length = add_missing(detail, 0, size, '-', had, has, two_worlds);
        return add_missing(detail, length, size, '+', has, had, two_worlds) > 0;
}
