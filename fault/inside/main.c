/* SPDX-License-Identifier: MIT
 *
 * ipck-inside: lets each system call inside calls of the C library fail in turn, with each error that it may have, and
 * tells as JSON lines what became of the call. To be started in IPC and mount namespaces of its own.
 *
 *      ipck-inside [PROBE]...
 *
 *      {"libc"}, and for each fault
 *      {"probe", "syscall", "n", "fault", "outcome", "error", "left": [..], "problem"}
 *
 * `n` counts the calls of that system call, from 1. `outcome` is succeeded, failed (with `error`), crashed (by the signal `error`), hung, or unknown for a system call that
 * errors.c does not have. `left` are differences to what there was before a call that failed, or to what the call leaves
 * when all goes well. Rows without `fault` are system calls that do not fail, with the reason as `problem`. Exit status: 0, or
 * 2 when it cannot be done.
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

/* The differences, of which none holds a character that JSON wants escaped. */
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

static void print_begin(const struct probe *probe, const char *syscall, size_t n, const char *fault, const char *outcome)
{
        printf("{\"probe\": \"%s\", \"syscall\": \"%s\", \"n\": %zu, \"fault\": \"%s\", \"outcome\": \"%s\", ", probe->name,
               syscall, n, fault, outcome);
}

static void print_row(const struct probe *probe, const char *syscall, const struct fault *fault, const struct trace *trace,
                      const struct trace *usual)
{
        print_begin(probe, syscall, fault->n, fault_name(fault->error), outcomes[trace->outcome]);
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
        print_begin(probe, known->name ? known->name : number, fault->n, "", known->name ? "succeeded" : "unknown");
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
        trace->fired = false;
        for (int tries = 0; tries < MOST_TRIES && !trace->fired; tries++)
                run_probe(probe, fault, trace);
        return trace->fired;
}

static void torture(const struct probe *probe)
{
        static struct trace usual, trace;

        run_usual(probe, &usual);
        if (usual.outcome != SUCCEEDED || shared->problem[0] || usual.calls > MOST_CALLS) {
                print_begin(probe, "", 0, "", usual.outcome == SUCCEEDED ? "unknown" : outcomes[usual.outcome]);
                printf("\"error\": \"%s\", \"left\": [], \"problem\": \"without any fault: %s\"}\n",
                       usual.outcome == FAILED ? errno_name(usual.error) : "", shared->problem);
                return;
        }
        for (size_t i = 0; i < usual.calls; i++) {
                const struct system_call known = system_call(usual.numbers[i], usual.arguments[i]);
                struct fault fault = {.number = usual.numbers[i]};
                for (size_t before = 0; before <= i; before++)
                        fault.n += usual.numbers[before] == fault.number;
                if (!known.faults[0])
                        print_none(probe, &fault, &known);
                for (const int *error = known.faults; *error; error++) {
                        fault.error = *error;
                        if (run_until_it_fires(probe, &fault, &trace))
                                print_row(probe, known.name, &fault, &trace, &usual);
                        else
                                print_none(probe, &fault, &(struct system_call){known.name, NULL, seldom});
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
        size_t count = 0;

        (void)argc;
        signal(SIGPIPE, SIG_DFL);
        furnish();
        printf("{\"libc\": \"%s\"}\n", library());
        for (size_t i = 0; i < probes_count; i++) {
                if (!wanted(&probes[i], argv + 1))
                        continue;
                torture(&probes[i]);
                count++;
        }
        if (count == 0) {
                fprintf(stderr, "ipck-inside: there is no such probe\n");
                return 2;
        }
        return fflush(stdout) == 0 ? 0 : 2;
}
