/* SPDX-License-Identifier: MIT
 *
 * watch.c: what the kernel finds wrong with itself while tests run (--watch-kernel). Its log is read behind each test,
 * one at a time, so that a report belongs to the test that was running.
 *
 * kmemleak takes memory for leaked when two scans found nothing that points to it and it is five seconds old. So
 * results are held back, and leaks are looked for now and then. Of each it tells the process that allocated the memory;
 * as numbers of processes grow from one test to the next, that is a process of one test.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <time.h>

#include "internal.h"

/* A report has some thousand bytes; what follows the first of a test is mostly its consequence. */
enum { LONGEST_REPORT = 16384, LINES_BEFORE = 3 };

/* How old memory must be for kmemleak (MSECS_MIN_AGE in mm/kmemleak.c). */
#define LEAK_AGE_S 5.1

#define NO_LEAK_FD (-1)

static int log_fd = -1, leak_fd = NO_LEAK_FD;
static bool lockdep_works;

/* ---- the log ---- */

/* The first line of a report, as the kernel's functions for it print it. */
static bool begins_report(const char *line)
{
        static const char *const begins[] = {
                "WARNING: ", "UBSAN: ", "BUG ", "BUG: ", "kernel BUG at ", "INFO: ", "Oops", "general protection fault",
                "list_add corruption", "list_del corruption", "ODEBUG: ", "refcount_t: ", "pagealloc: memory corruption",
        };
        /* Behind the name of who says it, or in a frame of brackets. */
        static const char *const contains[] = {" BUG: ", "rcu: INFO: "};

        for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++)
                if (strncmp(line, begins[i], strlen(begins[i])) == 0)
                        return true;
        for (size_t i = 0; i < sizeof(contains) / sizeof(*contains); i++)
                if (strstr(line, contains[i]))
                        return true;
        return false;
}

/* What was read of the log since the last test. */
struct reading {
        char before[LINES_BEFORE][256];         /* the latest lines before the report, a ring */
        size_t lines;
        char *report;                           /* NULL until one begins; then all lines from there on */
        size_t size;
        FILE *out;
        char first[sizeof(((struct ipck_verdict *)0)->got)];
};

/* In place: /dev/kmsg writes a newline inside a message as \\x0a. */
static void restore_newlines(char *text)
{
        static const char newline[] = "\\x0a";

        for (char *found = text; (found = strstr(found, newline));) {
                *found++ = '\n';
                memmove(found, found + strlen(newline) - 1, strlen(found + strlen(newline) - 1) + 1);
        }
}

/* A line of /dev/kmsg is "level,number,time,flags;text"; lines that begin with a space describe a device. */
static void take_line(struct reading *r, char *line)
{
        char *text = strchr(line, ';');

        if (*line == ' ' || !text)
                return;
        restore_newlines(++text);
        if (!r->out && begins_report(text)) {
                r->out = open_memstream(&r->report, &r->size);
                if (!r->out)
                        ipck_fatal("out of memory");
                snprintf(r->first, sizeof(r->first), "%s", text);
                for (size_t i = r->lines < LINES_BEFORE ? 0 : r->lines - LINES_BEFORE; i < r->lines; i++)
                        fprintf(r->out, "%s\n", r->before[i % LINES_BEFORE]);
        }
        if (r->out && ftell(r->out) < LONGEST_REPORT)
                fprintf(r->out, "%s\n", text);
        snprintf(r->before[r->lines++ % LINES_BEFORE], sizeof(r->before[0]), "%s", text);
}

/* Takes all that is there now; one read gives one record, or fails with EPIPE where older ones were overwritten. */
static void read_log(struct reading *r)
{
        char record[8192];
        ssize_t n;

        while ((n = read(log_fd, record, sizeof(record) - 1)) > 0 || (n == -1 && (errno == EPIPE || errno == EINTR))) {
                if (n <= 0)
                        continue;
                record[n] = '\0';
                for (char *line = record, *end; *line; line = end) {
                        end = line + strcspn(line, "\n");
                        if (*end)
                                *end++ = '\0';
                        take_line(r, line);
                }
        }
        if (r->out)
                fclose(r->out);
}

/* ---- verdicts ---- */

/* The kernel's words, of which first is the first line, go to what the test printed: it has failed. */
static void blame(struct ipck_outcome *o, const char *first, const char *report)
{
        char *output;

        if (asprintf(&output, "%s%s%s%s", o->output, *o->output ? "\n" : "",
                     o->kernel->failed ? "" : "the kernel's report:\n", report) < 0)
                ipck_fatal("out of memory");
        free(o->output);
        o->output = output;
        if (!o->kernel->failed)
                snprintf(o->kernel->got, sizeof(o->kernel->got), "%s", first);
        o->kernel->failed = 1;
        o->requirement[o->requirements - 1].answer = ANSWER_FAIL;
        o->status = STATUS_FAIL;
}

/* After a report of its own, or one that tells of broken memory, lockdep is off until the next boot. */
static bool lockdep_is_on(void)
{
        static const char name[] = "debug_locks:";
        char text[8192];
        const char *found = read_file("/proc/lockdep_stats", text, sizeof(text)) > 0 ? strstr(text, name) : NULL;

        return found && strtol(found + strlen(name), NULL, 10) != 0;
}

void ipck_watch(struct ipck_outcome *o)
{
        struct reading r = {.out = NULL};
        struct ipck_verdict *const v = &o->state->verdicts[o->requirements];

        *v = (struct ipck_verdict){.checks = 1};
        snprintf(v->where, sizeof(v->where), "%s:%d", o->which->test->file, o->which->test->line);
        snprintf(v->expression, sizeof(v->expression), "what the kernel finds wrong with itself");
        snprintf(v->wanted, sizeof(v->wanted), "nothing");
        o->kernel = v;
        o->requirement[o->requirements++] =
                (struct ipck_decision){.id = kernel_no_report, .answer = ANSWER_PASS, .verdict = v, .reason = ""};
        read_log(&r);
        if (!r.report)
                return;
        blame(o, r.first, r.report);
        free(r.report);
        if (lockdep_works && !lockdep_is_on()) {
                lockdep_works = false;
                blame(o, r.first, "lockdep has switched itself off: it says nothing about later tests of this run\n");
        }
}

/* ---- leaks ---- */

bool ipck_watch_finds_leaks(void)
{
        return leak_fd != NO_LEAK_FD;
}

static void order(const char *command)
{
        if (write(leak_fd, command, strlen(command)) == -1)
                ipck_fatal("kmemleak: %s: %s", command, strerror(errno));
}

/* All leaks that are known, as text. */
static char *read_leaks(void)
{
        char *text = NULL, piece[4096];
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        ssize_t n;

        if (!out)
                ipck_fatal("out of memory");
        lseek(leak_fd, 0, SEEK_SET);
        while ((n = read(leak_fd, piece, sizeof(piece))) > 0)
                fwrite(piece, 1, (size_t)n, out);
        fclose(out);
        return text;
}

static unsigned long highest_pid(void)
{
        char text[32];

        return read_file("/proc/sys/kernel/pid_max", text, sizeof(text)) > 0 ? strtoul(text, NULL, 10) : 32768;
}

/* The test of which pid was a process, from whose first process on its numbers go; NULL if it is none of theirs: all of
 * those have ended, kernel threads go on. */
static struct ipck_outcome *owner(struct ipck_outcome *of, size_t count, pid_t pid)
{
        const unsigned long numbers = highest_pid();
        const pid_t base = of[0].init;
        struct ipck_outcome *found = NULL;

        if (kill(pid, 0) == 0 || errno != ESRCH)
                return NULL;
        /* How far behind the first test's; numbers begin again behind the highest. */
#define DISTANCE(p) (((unsigned long)(p) + numbers - (unsigned long)base) % numbers)
        const unsigned long far = DISTANCE(pid);

        for (size_t i = 0; i < count && far < numbers / 2; i++)
                if (of[i].init && DISTANCE(of[i].init) <= far)
                        found = &of[i];
#undef DISTANCE
        return found;
}

static void blame_for_leak(struct ipck_outcome *of, size_t count, const char *leak)
{
        const char *pid = strstr(leak, ", pid ");
        struct ipck_outcome *o = pid ? owner(of, count, (pid_t)strtol(pid + strlen(", pid "), NULL, 10)) : NULL;
        char first[128], *text;

        snprintf(first, sizeof(first), "kmemleak: %.*s", (int)strcspn(leak, "\n"), leak);
        if (o) {
                blame(o, first, leak);
                return;
        }
        o = &of[count - 1];
        if (asprintf(&text, "allocated by no process of a test, and lost in one of the last %zu tests, from %s on:\n%s",
                     count, of[0].which->id, leak) < 0)
                ipck_fatal("out of memory");
        blame(o, first, text);
        free(text);
}

void ipck_watch_leaks(struct ipck_outcome *of, size_t count)
{
        static const char begin[] = "unreferenced object ";
        struct timespec age = {.tv_sec = (time_t)LEAK_AGE_S, .tv_nsec = (long)(1e9 * (LEAK_AGE_S - (int)LEAK_AGE_S))};

        order("scan");
        while (nanosleep(&age, &age) == -1 && errno == EINTR) {
        }
        order("scan");
        char *const leaks = read_leaks();
        for (char *leak = strstr(leaks, begin), *next; leak; leak = next) {
                next = strstr(leak + 1, begin);
                if (next)
                        next[-1] = '\0';
                blame_for_leak(of, count, leak);
        }
        if (*leaks)
                order("clear");
        free(leaks);
}

/* The file of kmemleak, where the kernel has it; tests do not see the mount by which it may have to be reached. */
static int open_leaks(const char *path)
{
        static const char debugfs[] = "/sys/kernel/debug";
        int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC);

        if (fd == -1 && strncmp(path, debugfs, strlen(debugfs)) == 0 &&
            mount("ipck", debugfs, "debugfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0) {
                fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC);
                umount2(debugfs, MNT_DETACH);
        }
        return fd;
}

void ipck_watch_open(void)
{
        static char path[256];
        char *leaks;

        snprintf(path, sizeof(path), "%s", ipck_options.watch);
        leaks = strchr(path, ',');
        if (leaks)
                *leaks++ = '\0';
        log_fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (log_fd == -1)
                ipck_fatal("--watch-kernel: %s: %s", path, strerror(errno));
        lseek(log_fd, 0, SEEK_END);
        lockdep_works = lockdep_is_on();
        leak_fd = leaks && ipck_options.jobs != 1 ? open_leaks(leaks) : NO_LEAK_FD;
        if (!ipck_watch_finds_leaks())
                return;
        /* What is lost already is not the tests' fault. */
        order("scan=off");
        order("scan");
        order("clear");
}
