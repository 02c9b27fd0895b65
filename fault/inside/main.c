/* SPDX-License-Identifier: MIT
 *
 * ipck-inside: lets each system call inside calls of the C library fail in turn, with each error that it may have, and
 * tells as JSON lines what became of the call. To be started in IPC and mount namespaces of its own.
 *
 *      ipck-inside [--deadline-ms=N] [PROBE]...
 *
 *      {"libc"}, and for each fault
 *      {"probe", "syscall", "n", "fault", "lasts", "outcome", "error", "left": [..], "problem"}
 *
 * `n` counts the calls of that system call that may fail so, from 1; a fault that lasts is met by all later ones as
 * well. `outcome` is succeeded, failed (with `error`), crashed (by the signal `error`), hung, or unknown for a system
 * call that errors.c does not have. `left` are differences to what there was before a call that failed, or to what the
 * call leaves when all goes well. Rows without `fault` are system calls that do not fail, with the reason as `problem`.
 * At the end follows what a library counted whose lines are counted (conformance/lib/counters.h).
 * Exit status: 0, or 2 when it cannot be done.
 */
#include <errno.h>
#include <fnmatch.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "../../conformance/lib/counters.h"
#include "inside.h"

_Noreturn void refuse(const char *what)
{
        fprintf(stderr, "ipck-inside: %s: %s\n", what, strerror(errno));
        exit(2);
}

static void furnish(void)
{
        if (mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") == -1)
                refuse("/dev/shm");
        if (mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") == -1)
                refuse("/tmp");
        if (mkdir("/tmp/mqueue", 0755) == -1 || mount("mqueue", "/tmp/mqueue", "mqueue", 0, NULL) == -1)
                refuse("/tmp/mqueue");
        shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED)
                refuse("mmap");
}

static const char *const outcomes[] = {"succeeded", "failed", "crashed", "hung"};

static const char *fault_name(int fault)
{
        return fault == SHORT_WRITE ? "short" : errno_name(fault);
}

static void print_left(const struct trace *trace, const struct trace *usual)
{
        const char *separator = "";

        printf("[");
        if (trace->outcome == SUCCEEDED && trace->left == usual->left &&
            memcmp(trace->what_left, usual->what_left, trace->left * LEFT_LENGTH) == 0) {
                printf("]");
                return;
        }
        for (size_t i = 0; i < trace->left; i++) {
                printf("%s\"%s\"", separator, trace->what_left[i]);
                separator = ", ";
        }
        if (trace->outcome == SUCCEEDED)
                printf("%s\"otherwise than without the fault\"", separator);
        printf("]");
}

static void print_begin(const struct probe *probe, const char *syscall, size_t n, const char *fault, bool lasts,
                        const char *outcome)
{
        printf("{\"probe\": \"%s\", \"syscall\": \"%s\", \"n\": %zu, ", probe->name, syscall, n);
        printf("\"fault\": \"%s\", \"lasts\": %s, \"outcome\": \"%s\", ", fault, lasts ? "true" : "false", outcome);
}

static void print_row(const struct probe *probe, const char *syscall, const struct fault *fault,
                      const struct trace *trace, const struct trace *usual)
{
        print_begin(probe, syscall, fault->n, fault_name(fault->error), fault->lasts, outcomes[trace->outcome]);
        printf("\"error\": \"%s\", \"left\": ", trace->outcome == FAILED    ? errno_name(trace->error)
                                                : trace->outcome == CRASHED ? strsignal(trace->error)
                                                                            : "");
        print_left(trace, usual);
        printf(", \"problem\": \"%s\"}\n", shared->problem);
}

static void print_none(const struct probe *probe, const struct fault *fault, const struct system_call *known)
{
        char number[32];

        snprintf(number, sizeof(number), "%ld", fault->number);
        print_begin(probe, known->name ? known->name : number, fault->n, "", false,
                    known->name ? "succeeded" : "unknown");
        printf("\"error\": \"\", \"left\": [], \"problem\": \"%s\"}\n",
               known->name ? known->why_none : "this system call is not in fault/inside/errors.c");
}

/* The shortest of some runs: a name that is chosen by chance may need one system call more. */
static void run_usual(const struct probe *probe, struct trace *usual)
{
        static struct trace trace;

        run_probe(probe, NULL, usual);
        for (int more = 0; more < 3; more++) {
                run_probe(probe, NULL, &trace);
                if (trace.calls < usual->calls)
                        *usual = trace;
        }
}

enum { MOST_TRIES = 20 };
static const char *const seldom = "depends on chance or on another thread, and was not made again";

static bool run_until_it_fires(const struct probe *probe, const struct fault *fault, struct trace *trace)
{
        trace->fired = 0;
        for (int tries = 0; tries < MOST_TRIES && trace->fired == 0; tries++)
                run_probe(probe, fault, trace);
        return trace->fired > 0;
}

/* The others ask for another try, and may well be answered by one each time. */
static bool can_last(int error)
{
        return error != EINTR && error != EAGAIN && error != EEXIST && error != SHORT_WRITE;
}

/* How often the I-th system call was made before, with arguments that allow the error. */
static size_t made_before(const struct trace *trace, size_t i, int error)
{
        size_t count = 0;

        for (size_t before = 0; before < i; before++)
                if (trace->numbers[before] == trace->numbers[i])
                        count += may_fail_with(trace->numbers[before], trace->arguments[before], error);
        return count;
}

static void torture(const struct probe *probe)
{
        static struct trace usual, trace;

        run_usual(probe, &usual);
        if (usual.outcome != SUCCEEDED || shared->problem[0] || usual.calls > MOST_CALLS) {
                print_begin(probe, "", 0, "", false, usual.outcome == SUCCEEDED ? "unknown" : outcomes[usual.outcome]);
                printf("\"error\": \"%s\", \"left\": [], \"problem\": \"without any fault: %s\"}\n",
                       usual.outcome == FAILED ? errno_name(usual.error) : "", shared->problem);
                return;
        }
        for (size_t i = 0; i < usual.calls; i++) {
                const struct system_call known = system_call(usual.numbers[i], usual.arguments[i]);
                struct fault fault = {.number = usual.numbers[i], .n = 1};
                if (!known.faults[0])
                        print_none(probe, &fault, &known);
                for (const int *error = known.faults; *error; error++) {
                        fault.error = *error;
                        fault.lasts = false;
                        fault.n = 1 + made_before(&usual, i, *error);
                        if (!run_until_it_fires(probe, &fault, &trace)) {
                                print_none(probe, &fault, &(struct system_call){known.name, NULL, seldom});
                                continue;
                        }
                        print_row(probe, known.name, &fault, &trace, &usual);
                        fault.lasts = trace.again && can_last(fault.error);
                        if (fault.lasts && run_until_it_fires(probe, &fault, &trace))
                                print_row(probe, known.name, &fault, &trace, &usual);
                }
        }
}

static const char *library(void)
{
        static char name[64];

#ifdef IPCK_LIBC_NAME
        snprintf(name, sizeof(name), "%s", IPCK_LIBC_NAME);
#elif defined(__GLIBC__)
        snprintf(name, sizeof(name), "glibc %s", gnu_get_libc_version());
#else
        snprintf(name, sizeof(name), "unknown");
#endif
        return name;
}

static bool wanted(const struct probe *probe, char **patterns)
{
        for (char **pattern = patterns; *pattern; pattern++)
                if (fnmatch(*pattern, probe->name, 0) == 0)
                        return true;
        return !*patterns;
}

int main(int argc, char **argv)
{
        static const char option[] = "--deadline-ms=";
        char **patterns = argv + 1;
        size_t count = 0;

        if (argc > 1 && strncmp(argv[1], option, sizeof(option) - 1) == 0)
                deadline_ms = atoi(*patterns++ + sizeof(option) - 1);
        signal(SIGPIPE, SIG_DFL);
        furnish();
        const bool counting = ipck_counters_open() > 0;
        printf("{\"libc\": \"%s\"}\n", library());
        for (size_t i = 0; i < probes_count; i++) {
                if (!wanted(&probes[i], patterns))
                        continue;
                torture(&probes[i]);
                count++;
        }
        if (count == 0) {
                fprintf(stderr, "ipck-inside: no probe matches");
                for (char **pattern = patterns; *pattern; pattern++)
                        fprintf(stderr, " '%s'", *pattern);
                fprintf(stderr, ": there are");
                for (size_t i = 0; i < probes_count; i++)
                        fprintf(stderr, " %s", probes[i].name);
                fprintf(stderr, "\n");
                return 2;
        }
        if (counting)
                ipck_counters_write(stdout, "exit");
        return fflush(stdout) == 0 ? 0 : 2;
}
