/* SPDX-License-Identifier: MIT
 *
 * inside.h: what the parts of ipck-inside share. A probe is one call of the C library in a process of its own. The
 * system calls that it makes are answered by us (seccomp_unotify(2)): all but one are carried out, that one fails.
 */
#ifndef IPCK_INSIDE_H
#define IPCK_INSIDE_H

#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- probes: probes.c ---- */

struct probe {
        const char *name;               /* "sem_open.create" */
        void (*before)(void);           /* makes what the call needs; its system calls do not count */
        bool (*make)(void);             /* the call; whether it succeeded */
        const char *(*after)(bool made);/* what is wrong, in words, with the state that it left or with the next call */
        const char *once;               /* NULL, or what the library keeps from the first call on in any case */
};

extern const struct probe probes[];
extern const size_t probes_count;

/* Shared with the process of the probe. */
struct shared {
        sem_t sem;                      /* what it waits for */
        bool waits;                     /* when it waits for `sem`: we post it as soon as it makes futex(2) */
        char problem[160];
};

extern struct shared *shared;

/* ---- system calls: errors.c ---- */

enum { SHORT_WRITE = -1 };              /* instead of an errno: half is written */

struct system_call {
        const char *name;               /* NULL: not in the table */
        const int *faults;              /* ends with 0 */
        const char *why_none;
};

/* What the kernel may answer to this call, with valid arguments, for reasons that the caller cannot know. */
struct system_call system_call(long number, const uint64_t arguments[6]);
bool may_fail_with(long number, const uint64_t arguments[6], int error);

/* The N-th call of this number that may fail with the error, from 1; when it lasts, all of them from there on. */
struct fault {
        long number;
        size_t n;
        int error;
        bool lasts;
};

/* ---- one run: tamper.c ---- */

enum { MOST_CALLS = 64, MOST_LEFT = 16, LEFT_LENGTH = 200 };

enum outcome { SUCCEEDED, FAILED, CRASHED, HUNG };

struct trace {
        enum outcome outcome;
        int error;                      /* errno of FAILED, the signal of CRASHED */
        size_t fired;
        bool again;                     /* a system call of the same number was made after the one that failed */
        size_t calls;                   /* system calls of the calling thread inside the call */
        long numbers[MOST_CALLS];
        uint64_t arguments[MOST_CALLS][6];
        size_t left;                    /* what is there after the call and was not before (+), or the reverse (-), but
                                         * for a file that the fault kept the call from removing */
        char what_left[MOST_LEFT][LEFT_LENGTH];
};

/* How long a probe may take before it counts as hung. */
extern int deadline_ms;

/* Runs the probe in a new process, with the fault, or without any when it is NULL. */
void run_probe(const struct probe *probe, const struct fault *fault, struct trace *trace);

/* Ends the program with status 2, with the message of errno. */
_Noreturn void refuse(const char *what);

/* The test library's: the whole of ipck.h is for tests. */
const char *errno_name(int error);

#endif
