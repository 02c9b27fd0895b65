/* SPDX-License-Identifier: MIT
 *
 * engine.c: the kernel's fault injection, and what the kernel says about it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <unistd.h>

#include "failnth.h"

#define DEBUG "/sys/kernel/debug"
#define FAIL_NTH "/proc/thread-self/fail-nth"

const char *const kinds[KINDS] = {"failslab", "fail_page_alloc", "fail_usercopy"};
static const char *const options[KINDS] = {
        "CONFIG_FAILSLAB", "CONFIG_FAIL_PAGE_ALLOC", "CONFIG_FAULT_INJECTION_USERCOPY",
};
static bool there[KINDS];
static unsigned lacking;

enum { MANY = 1000000 };                /* `times` counts down from there whenever a step is failed */
static int log_file = -1, fail_nth = -1;

ssize_t read_text(const char *path, char *buffer, size_t size)
{
        const int file = open(path, O_RDONLY | O_CLOEXEC);

        if (file == -1)
                return -1;
        size_t length = 0;
        for (ssize_t n; length < size - 1 && (n = read(file, buffer + length, size - 1 - length)) > 0;)
                length += (size_t)n;
        buffer[length] = '\0';
        close(file);
        return (ssize_t)length;
}

/* Whether there is such a setting. */
static bool set(unsigned kind, const char *name, const char *value)
{
        char path[128];

        snprintf(path, sizeof(path), DEBUG "/%s/%s", kinds[kind], name);
        const int file = open(path, O_WRONLY | O_CLOEXEC);
        if (file == -1)
                return false;
        if (write(file, value, strlen(value)) == -1)
                refuse("%s cannot be written: %s", path, strerror(errno));
        close(file);
        return true;
}

static void start_kind(unsigned kind)
{
        there[kind] = set(kind, "probability", "0");
        if (!there[kind]) {
                lacking++;
                return;
        }
        set(kind, "times", "1000000");
        set(kind, "verbose", "0");
        set(kind, "ignore-gfp-wait", "N");
        set(kind, "ignore-gfp-highmem", "N");
        set(kind, "min-order", "0");
}

void start_engine(void)
{
        if (access(FAIL_NTH, F_OK) == -1)
                refuse("this kernel has no fault injection: " FAIL_NTH " needs CONFIG_FAULT_INJECTION");
        if (access(DEBUG "/fault_around_bytes", F_OK) == -1 && access(DEBUG "/failslab", F_OK) == -1 &&
            mount("debugfs", DEBUG, "debugfs", 0, NULL) == -1)
                refuse("this kernel has no debugfs at " DEBUG " (%s): by its files fault injection is set up; it needs "
                       "CONFIG_DEBUG_FS and CONFIG_FAULT_INJECTION_DEBUG_FS", strerror(errno));
        for (unsigned kind = 0; kind < KINDS; kind++)
                start_kind(kind);
        if (lacking == KINDS)
                refuse("this kernel fails nothing: " DEBUG "/failslab and others need CONFIG_FAULT_INJECTION_DEBUG_FS, "
                       "CONFIG_FAILSLAB, CONFIG_FAIL_PAGE_ALLOC, CONFIG_FAULT_INJECTION_USERCOPY");
        log_file = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (log_file == -1)
                refuse("/dev/kmsg: %s", strerror(errno));
        lseek(log_file, 0, SEEK_END);
        klogctl(8, NULL, 1);            /* an oops shows on the console nevertheless */
}

void describe_engine(FILE *out)
{
        const char *separator = "";

        fprintf(out, "\"kinds\": [");
        for (unsigned kind = 0; kind < KINDS; kind++) {
                if (!there[kind])
                        continue;
                fprintf(out, "%s\"%s\"", separator, kinds[kind]);
                separator = ", ";
        }
        separator = "";
        fprintf(out, "], \"lacks\": [");
        for (unsigned kind = 0; kind < KINDS; kind++) {
                if (there[kind])
                        continue;
                fprintf(out, "%s\"%s\"", separator, options[kind]);
                separator = ", ";
        }
        fprintf(out, "]");
}

void open_fail_nth(void)
{
        fail_nth = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
        if (fail_nth == -1)
                undecided(FAIL_NTH ": %s", strerror(errno));
}

void arm(unsigned n)
{
        char text[16];
        const int length = snprintf(text, sizeof(text), "%u", n);

        if (pwrite(fail_nth, text, (size_t)length, 0) != length)
                undecided(FAIL_NTH " cannot be written: %s", strerror(errno));
}

bool fired(void)
{
        char text[16] = "";
        /* What is still armed can hit this very call: then the call under test did not reach that step. */
        const ssize_t n = pread(fail_nth, text, sizeof(text) - 1, 0);
        const bool yes = n > 0 && atoi(text) == 0;

        while (pwrite(fail_nth, "0", 1, 0) == -1 && errno == EFAULT) {
        }
        return yes;
}

void count_faults(unsigned counts[KINDS])
{
        for (unsigned kind = 0; kind < KINDS; kind++) {
                char path[128], text[32];
                counts[kind] = 0;
                if (!there[kind])
                        continue;
                snprintf(path, sizeof(path), DEBUG "/%s/times", kinds[kind]);
                if (read_text(path, text, sizeof(text)) <= 0)
                        refuse("%s: %s", path, strerror(errno));
                counts[kind] = MANY - (unsigned)atoi(text);
        }
}

void fail_pages(bool yes)
{
        if (there[PAGES])
                set(PAGES, "min-order", yes ? "0" : "20");
}

void trace_faults(bool on)
{
        for (unsigned kind = 0; kind < KINDS; kind++)
                if (there[kind])
                        set(kind, "verbose", on ? "2" : "0");
}

/* ---- the kernel's log ---- */

/* What is between the place and the system call, without the machinery of either. */
static bool is_machinery(const char *name)
{
        static const char *const names[] = {
                "show_stack", "dump_stack", "should_fail", "__should_fail", "fail_dump", "slab_pre_alloc",
                "kmem_cache_alloc", "__kmem_cache_alloc", "__kmalloc", "kmalloc_trace", "kmalloc_node",
                "kmalloc_large", "_copy_", "handle_syscall", "userspace", "do_syscall", "entry_SYSCALL",
                "new_thread_handler", "fork_handler", "um_set_signals", "lock_acquire", "unblock_signals",
                "block_signals", "prepare_alloc_pages", "__alloc_pages", "get_page_from_freelist", "get_signals",
        };

        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
                if (strncmp(name, names[i], strlen(names[i])) == 0)
                        return true;
        return false;
}

/* " [<60001234>] ? newary+0x10/0x20": a line of a trace. The question mark says that it may be a leftover on the stack,
 * as all are where the kernel has no frame pointers; what points to the very beginning of a function surely is. */
static void add_function(char path[PATH], const char *line, bool sure)
{
        char name[64];
        const size_t length = strlen(path);
        const char *const bracket = strstr(line, ">] ");

        line = bracket ? bracket + 3 : line;
        line += strspn(line, " ");
        if ((strncmp(line, "? ", 2) != 0) != sure)
                return;
        line += sure ? 0 : 2;
        const size_t end = strcspn(line, "+.");
        if (end >= sizeof(name) || strncmp(line + strcspn(line, "+"), "+0x", 3) != 0 || strstr(line, "+0x0/"))
                return;
        snprintf(name, sizeof(name), "%.*s", (int)end, line);
        if (strchr(name, ' ') || is_machinery(name) || strstr(path, name) || length + strlen(name) + 4 > PATH)
                return;
        snprintf(path + length, PATH - length, "%s%s", length ? " < " : "", name);
}

static bool complains(int level, const char *message)
{
        static const char *const signs[] = {
                "WARNING: ", "BUG: ", "UBSAN", "KASAN", "refcount_t", "possible recursive", "corruption",
        };

        for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
                if (strstr(message, signs[i]))
                        return true;
        return level < 3;               /* that memory was wanting is said as well, as an error even */
}

void read_log(char path[PATH], char complaints[DETAIL])
{
        static char record[8192];
        char guess[PATH] = "";

        path[0] = complaints[0] = '\0';
        for (;;) {
                const ssize_t n = read(log_file, record, sizeof(record) - 1);
                if (n == -1 && errno == EPIPE)
                        continue;       /* overwritten meanwhile */
                if (n <= 0)
                        break;
                record[n] = '\0';
                char *const message = strchr(record, ';');
                if (!message || (atoi(record) & ~7) != 0)
                        continue;       /* by a program */
                char *const line = message + 1;
                line[strcspn(line, "\n")] = '\0';
                add_function(path, line, true);
                add_function(guess, line, false);
                if (complains(atoi(record), line) && strlen(complaints) + strlen(line) + 4 < DETAIL) {
                        strcat(complaints, complaints[0] ? " | " : "");
                        strcat(complaints, line);
                }
        }
        if (!path[0])
                strcpy(path, guess);
}

/* ---- kmemleak ---- */

#define KMEMLEAK DEBUG "/kmemleak"

static bool kmemleak(const char *order)
{
        const int file = open(KMEMLEAK, O_WRONLY | O_CLOEXEC);
        const bool done = file != -1 && write(file, order, strlen(order)) != -1;

        close(file);
        return done;
}

void forget_leaks(void)
{
        if (kmemleak("scan"))
                kmemleak("clear");
}

bool find_leaks(char *detail, size_t size)
{
        const struct timespec age = {.tv_sec = 6};

        if (access(KMEMLEAK, F_OK) == -1)
                return false;
        nanosleep(&age, NULL);          /* it tells of nothing that is younger than five seconds */
        kmemleak("scan");
        kmemleak("scan");
        if (read_text(KMEMLEAK, detail, size) <= 0)
                return false;
        for (char *c = detail; *c; c++)
                if (*c == '\n')
                        *c = '|';
        return true;
}
