/* SPDX-License-Identifier: MIT
 *
 * machine.c: what the program sees of the machine that it runs on, for the record of the run: what may explain that two
 * machines give different results. Nothing is made or changed; what cannot be found out is left out.
 */
#include <fcntl.h>
#include <mqueue.h>
#include <stdarg.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include "internal.h"

#ifndef RLIMIT_MSGQUEUE
#define RLIMIT_MSGQUEUE 12
#endif

/* A JSON object of strings, a member at a time. */
struct object {
        FILE *out;
        const char *comma;
};

static void begin(struct object *object, FILE *out, const char *name)
{
        object->out = out;
        object->comma = "";
        fprintf(out, ",\"%s\":{", name);
}

static void add(struct object *object, const char *name, const char *text)
{
        if (!*text)
                return;
        fputs(object->comma, object->out);
        ipck_json_string(object->out, name);
        fputc(':', object->out);
        ipck_json_string(object->out, text);
        object->comma = ",";
}

__attribute__((format(printf, 3, 4)))
static void describe(struct object *object, const char *name, const char *format, ...)
{
        char text[512];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        add(object, name, text);
}

/* Cuts text at the end of its first line, and the blanks before it. */
static char *first_line(char *text)
{
        text += strspn(text, " \t");
        text[strcspn(text, "\n")] = '\0';
        for (size_t end = strlen(text); end && (text[end - 1] == ' ' || text[end - 1] == '\t'); end--)
                text[end - 1] = '\0';
        return text;
}

/* What stands behind "name:" at the beginning of a line of the file; empty when there is no such line. */
static void value_of(const char *path, const char *name, char *value, size_t size)
{
        FILE *in = fopen(path, "re");
        char *line = NULL;
        size_t room = 0;

        *value = '\0';
        while (in && !*value && getline(&line, &room, in) > 0) {
                const size_t length = strlen(name);
                if (strncmp(line, name, length) == 0 && line[length + strspn(line + length, " \t")] == ':')
                        snprintf(value, size, "%s", first_line(strchr(line, ':') + 1));
        }
        free(line);
        if (in)
                fclose(in);
}

static void describe_file(struct object *facts, const char *fact, const char *path)
{
        char text[256];

        if (read_file(path, text, sizeof(text)) > 0)
                add(facts, fact, first_line(text));
}

/* ---- hardware ---- */

static void describe_processor(struct object *facts)
{
        static const char *const names[] = {"model name", "vendor_id", "cpu", "uarch", "isa", "cpu model", "CPU part"};
        char value[256] = "";

        for (size_t i = 0; !*value && i < sizeof(names) / sizeof(*names); i++)
                value_of("/proc/cpuinfo", names[i], value, sizeof(value));
        add(facts, "processor", value);
        describe(facts, "processors", "%ld", sysconf(_SC_NPROCESSORS_ONLN));
}

static void describe_memory(struct object *facts)
{
        char pages[64], total[64];

        value_of("/proc/meminfo", "MemTotal", total, sizeof(total));
        if (*total)
                describe(facts, "memory", "%llu MiB", strtoull(total, NULL, 10) / 1024);
        value_of("/proc/meminfo", "Hugepagesize", pages, sizeof(pages));
        value_of("/proc/meminfo", "HugePages_Total", total, sizeof(total));
        if (*pages)
                describe(facts, "huge pages", "%s of %s", total, pages);
        describe(facts, "page size", "%ld", sysconf(_SC_PAGESIZE));
        describe(facts, "SHMLBA", "%ld", (long)SHMLBA);
}

static void describe_types(struct object *facts)
{
        const union {
                unsigned number;
                unsigned char first;
        } order = {1};

        describe(facts, "byte order", "%s", order.first ? "little endian" : "big endian");
        describe(facts, "word length", "%zu bits", 8 * sizeof(long));
        describe(facts, "time_t", "%zu bits", 8 * sizeof(time_t));
}

/* A resolution as people write it: 1 ns, 4 ms. */
static void resolution(clockid_t clock, char *text, size_t size)
{
        struct timespec t;

        if (clock_getres(clock, &t) == -1 || t.tv_sec)
                snprintf(text, size, "%s", "?");
        else if (t.tv_nsec % 1000000 == 0)
                snprintf(text, size, "%ld ms", t.tv_nsec / 1000000);
        else
                snprintf(text, size, "%ld ns", t.tv_nsec);
}

static void describe_clocks(struct object *facts)
{
        char fine[32], coarse[32];

        resolution(CLOCK_MONOTONIC, fine, sizeof(fine));
        resolution(CLOCK_REALTIME_COARSE, coarse, sizeof(coarse));
        describe(facts, "clock resolution", "%s, coarse %s", fine, coarse);
}

/* ---- what the kernel has ---- */

static const char *file_system(const char *path)
{
        struct statfs fs;

        if (statfs(path, &fs) == -1)
                return errno_name(errno);
        switch ((unsigned)fs.f_type) {
        case 0x01021994: return "tmpfs";
        case 0x858458f6: return "ramfs";
        case 0x794c7630: return "overlayfs";
        case 0x19800202: return "mqueue";
        case 0xef53: return "ext4";
        default: return "another file system";
        }
}

static void describe_dev_shm(struct object *facts)
{
        struct statvfs fs;

        if (statvfs("/dev/shm", &fs) == -1)
                describe(facts, "/dev/shm", "%s", errno_name(errno));
        else
                describe(facts, "/dev/shm", "%s, %ju MiB", file_system("/dev/shm"),
                         (uintmax_t)fs.f_blocks * fs.f_frsize >> 20);
}

/* Each call fails for want of what it names, unless it is not there at all. */
static void describe_missing_calls(struct object *facts)
{
        const key_t no_key = 0x6970636b;
        struct sembuf operation = {0};
        const mqd_t no_queue = mq_open("/ipck no such queue", O_RDONLY);
        const struct {
                const char *name;
                bool missing;
        } calls[] = {
#define MISSING(name, call) {name, (call) == -1 && errno == ENOSYS}
                {"mq_open", no_queue == (mqd_t)-1 && errno == ENOSYS},
                MISSING("msgget", msgget(no_key, 0)),
                MISSING("semget", semget(no_key, 1, 0)),
                MISSING("shmget", shmget(no_key, 1, 0)),
                MISSING("semop", semop(-1, &operation, 1)),
#ifdef SYS_memfd_create
                MISSING("memfd_create", syscall(SYS_memfd_create, NULL, 0U)),
#endif
#ifdef SYS_pidfd_open
                MISSING("pidfd_open", syscall(SYS_pidfd_open, -1, 0U)),
#endif
#ifdef SYS_futex_waitv
                MISSING("futex_waitv", syscall(SYS_futex_waitv, NULL, 0U, 0U, NULL, 0)),
#endif
#ifdef SYS_kcmp
                MISSING("kcmp", syscall(SYS_kcmp, getpid(), getpid(), 0, 0UL, 0UL)),
#endif
#ifdef SYS_remap_file_pages
                MISSING("remap_file_pages", syscall(SYS_remap_file_pages, 1UL, 0UL, 0, 0UL, 0)),
#endif
#undef MISSING
        };
        char text[256] = "";
        size_t used = 0;

        if (no_queue != (mqd_t)-1)
                mq_close(no_queue);
        for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
                if (calls[i].missing)
                        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used ? ", " : "",
                                                 calls[i].name);
        add(facts, "calls missing", used ? text : "none");
}

static void describe_presence(struct object *facts, const char *fact, const char *path)
{
        describe(facts, fact, "%s", access(path, F_OK) == 0 ? "yes" : "no");
}

static void describe_namespaces(struct object *facts)
{
        static const char *const kinds[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};
        char path[64], text[64] = "";
        size_t used = 0;

        for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
                snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
                if (readlink(path, (char[1]){0}, 1) == 1)
                        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used ? " " : "", kinds[i]);
        }
        add(facts, "namespaces", used ? text : "none");
}

/* ---- privileges and limits ---- */

static void describe_privileges(struct object *facts)
{
        static const char *const modes[] = {"none", "strict", "filter"};
        char value[64], map[64];
        unsigned inside, outside;
        unsigned long count;

        value_of("/proc/self/status", "Seccomp", value, sizeof(value));
        if (*value >= '0' && *value <= '2')
                add(facts, "seccomp", modes[*value - '0']);
        value_of("/proc/self/status", "TracerPid", value, sizeof(value));
        if (*value)
                add(facts, "traced", strcmp(value, "0") ? "yes" : "no");
        if (read_file("/proc/self/uid_map", map, sizeof(map)) > 0 &&
            sscanf(map, "%u %u %lu", &inside, &outside, &count) == 3)
                add(facts, "user namespace", !inside && !outside && count == 0xffffffff ? "initial" : first_line(map));
        describe_file(facts, "security module", "/proc/self/attr/current");
}

static void describe_rlimit(struct object *facts, const char *fact, int resource)
{
        struct rlimit limit;

        if (getrlimit(resource, &limit) == -1)
                return;
        if (limit.rlim_cur == RLIM_INFINITY)
                add(facts, fact, "unlimited");
        else
                describe(facts, fact, "%ju", (uintmax_t)limit.rlim_cur);
}

/* ---- the kernel's configuration ---- */

/* What IPC depends on, and what changes how a kernel schedules or checks itself. */
static const char *const options[] = {
        "SYSVIPC", "SYSVIPC_COMPAT", "POSIX_MQUEUE", "IPC_NS", "PID_NS", "USER_NS", "SHMEM", "TMPFS", "MEMFD_CREATE",
        "HUGETLBFS", "CHECKPOINT_RESTORE", "FUTEX", "COMPAT", "COMPAT_32BIT_TIME", "IA32_EMULATION", "SMP", "HZ",
        "PREEMPT_NONE", "PREEMPT_VOLUNTARY", "PREEMPT", "PREEMPT_RT", "PREEMPT_DYNAMIC", "TRANSPARENT_HUGEPAGE",
        "KASAN", "KCSAN", "UBSAN", "KCOV", "PROVE_LOCKING", "FAULT_INJECTION", "SECURITY_SELINUX", "SECURITY_APPARMOR",
};

/* CONFIG_NAME=VALUE, or nothing of it. */
static void describe_option(struct object *config, char *line)
{
        char *value = strchr(line, '=');

        if (strncmp(line, "CONFIG_", 7) != 0 || !value)
                return;
        *value++ = '\0';
        for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
                if (strcmp(line + 7, options[i]) == 0)
                        add(config, options[i], first_line(value));
}

/* Options that are not set are left out. */
static void describe_config(struct object *config)
{
        struct utsname name;
        char path[128];
        char *line = NULL;
        size_t room = 0;

        uname(&name);
        snprintf(path, sizeof(path), "/boot/config-%s", name.release);
        const bool packed = access("/proc/config.gz", R_OK) == 0;
        FILE *in = packed ? popen("exec gzip -dc /proc/config.gz 2>/dev/null", "re") : fopen(path, "re");
        if (!in)
                return;
        while (getline(&line, &room, in) > 0)
                describe_option(config, line);
        free(line);
        if (packed)
                pclose(in);
        else
                fclose(in);
}

void ipck_describe_machine(FILE *out)
{
        struct object object;

        begin(&object, out, "facts");
        describe_processor(&object);
        describe_memory(&object);
        describe_types(&object);
        describe_clocks(&object);
        describe_dev_shm(&object);
        describe_missing_calls(&object);
        describe_namespaces(&object);
        describe_presence(&object, "/proc/sysvipc", "/proc/sysvipc/msg");
        describe_presence(&object, "next_id", "/proc/sys/kernel/msg_next_id");
        describe_privileges(&object);
        describe_file(&object, "overcommit", "/proc/sys/vm/overcommit_memory");
        describe_file(&object, "protected_regular", "/proc/sys/fs/protected_regular");
        describe_file(&object, "ptrace_scope", "/proc/sys/kernel/yama/ptrace_scope");
        describe_rlimit(&object, "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE);
        describe_rlimit(&object, "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK);
        describe_rlimit(&object, "RLIMIT_NOFILE", RLIMIT_NOFILE);
        describe_rlimit(&object, "RLIMIT_NPROC", RLIMIT_NPROC);
        describe_rlimit(&object, "RLIMIT_AS", RLIMIT_AS);
        describe_rlimit(&object, "RLIMIT_FSIZE", RLIMIT_FSIZE);
        fputc('}', out);
        begin(&object, out, "config");
        describe_config(&object);
        fputc('}', out);
}
