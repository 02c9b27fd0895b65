/* SPDX-License-Identifier: MIT
 *
 * internal.h: what the parts of the runner share; tests never include it.
 *
 * Processes: the runner (schedule.c) starts for each test a process 1 in new PID, IPC and mount namespaces
 * (sandbox.c), which starts the test's body as process 2 and from then on only reaps. Verdicts travel in a shared
 * page (struct ipck_shared).
 */
#ifndef IPCK_INTERNAL_H
#define IPCK_INTERNAL_H

#include <stdatomic.h>
#include <stdio.h>

#include "ipck.h"

enum { MAX_DECLARED = 64, MAX_CHILDREN = 1024, MAX_PREPARATIONS = 32, STOP_FD = 3 };

/* ---- the shared page ---- */

struct ipck_verdict {
        _Atomic unsigned checks;
        _Atomic int failed;             /* the first to set it writes the texts */
        _Atomic int observing;
        char where[96], row[64], expression[256], wanted[128], got[256], observed[256];
};

struct ipck_child_state {
        _Atomic int pid, returned, at, told;
        char place[160];                /* what it waits for, for the dump of a hung test */
};

struct ipck_shared {
        _Atomic int body;               /* its process id in the namespace */
        _Atomic int finished;           /* the body came to its end */
        _Atomic int stopped;            /* a process ended the test early, and said why */
        _Atomic int body_status;        /* wait status, once body_reaped */
        _Atomic int body_reaped;
        _Atomic int sandbox_failed;
        _Atomic int no_proc;            /* /proc could not be mounted */
        _Atomic int no_dev_shm;         /* errno of mounting /dev/shm */
        _Atomic int no_room;            /* a process or thread could not be had (EAGAIN) */
        _Atomic int unresolved, skipped;
        char error[640], skip[320];
        _Atomic int patient;            /* how many of its processes have waited long in UNTIL or EVENTUALLY */
        _Atomic unsigned children;
        struct ipck_verdict verdicts[MAX_DECLARED + 1];         /* the last in use is the runner's, about the kernel */
        struct ipck_child_state child[MAX_CHILDREN];
};

extern struct ipck_shared *ipck_state;          /* of the running test */
extern const struct ipck_test *ipck_running;

/* ---- a test to run, and how it ended ---- */

struct ipck_case {
        const struct ipck_test *test;
        enum ipck_route route;
        char id[256];
        uint64_t place;                         /* of a shuffled run */
};

enum ipck_status { STATUS_PASS, STATUS_SKIP, STATUS_ERROR, STATUS_TIMEOUT, STATUS_FAIL };
enum ipck_answer { ANSWER_PASS, ANSWER_FAIL, ANSWER_UNRESOLVED, ANSWER_MISSING, ANSWER_SKIP };

struct ipck_decision {
        enum ipck_requirement id;
        enum ipck_answer answer;
        const struct ipck_verdict *verdict;     /* NULL where the test never ran */
        const char *reason;
};

struct ipck_outcome {
        const struct ipck_case *which;
        struct ipck_shared *state;              /* NULL where the test never ran */
        pid_t init;                             /* its process 1, as the runner sees it */
        enum ipck_status status;
        double seconds;
        char *reason, *output;                  /* allocated, never NULL */
        char *why;                              /* why it could not decide; NULL if it could */
        struct ipck_verdict *kernel;            /* what the kernel found wrong with itself, where that is watched */
        size_t requirements;
        struct ipck_decision requirement[MAX_DECLARED + 1];
};

/* ---- parts ---- */

struct ipck_options {
        bool list, shuffle, shared_mounts;
        bool exact_scale;                       /* the time scale is not to be multiplied by ipck_slowness() */
        bool counting;                          /* the kernel's counters are to be told behind each test */
        const char *json, *ktap, *select, *watch;
        const char *prepare[MAX_PREPARATIONS];  /* NAME=VALUE each */
        size_t preparations;
        unsigned jobs;
        uint64_t seed;
        double deadline, time_scale;
        char **patterns;
        int pattern_count;
};
extern struct ipck_options ipck_options;

/* state.c: which process of the test this is, and the end of the whole test by any of them. */
struct ipck_child_state *ipck_self(void);
void ipck_become(struct ipck_child_state *state);
void ipck_enter_body(void);
_Noreturn void ipck_stop(void);

/* Ends the program with status 2 and one message. */
_Noreturn void ipck_fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* registry.c: all cases of the program, in the order of files and lines. */
struct ipck_case *ipck_cases(size_t *count);
void ipck_list(FILE *out, const struct ipck_case *cases, size_t count);
const struct ipck_role *ipck_find_role(const char *name);

/* users.c: false with errno where the process may not. */
bool ipck_enter_user_namespace(uid_t uid, gid_t gid);

/* sandbox.c */
struct ipck_isolation {
        bool possible, user_namespace;
        char reason[384];                       /* why not possible */
        char limits[1024];                      /* JSON object: the limits of a fresh namespace */
};
struct ipck_isolation ipck_isolate(void);       /* once, before the first sandbox */
pid_t ipck_sandbox(const struct ipck_case *which, int out_fd, int stop_fd);

/* prepare.c: ends the program where spec is no preparation. */
void ipck_check_preparation(const char *spec);

/* Prepares the namespaces of this process; NULL, or what failed with errno. */
const char *ipck_prepare(void);

/* hung.c: the state of all processes below the test's process 1, as text. */
char *ipck_dump(pid_t init);

/* schedule.c: runs the cases; the exit status of the program. */
int ipck_run(struct ipck_case *cases, size_t count);

/* watch.c: all for --watch-kernel. */
void ipck_watch_open(void);                     /* once, before the first test */
void ipck_watch(struct ipck_outcome *o);        /* adds the verdict about the kernel to that of a test that has ended */
bool ipck_watch_finds_leaks(void);
void ipck_watch_leaks(struct ipck_outcome *of, size_t count);   /* looks for leaks of these tests, in their order */

/* How many times slower than a usual machine this one makes processes: deadlines must fit emulators as well. */
double ipck_slowness(void);

/* machine.c: the JSON members "facts" and "config", each with a comma before it. */
void ipck_describe_machine(FILE *out);

/* output.c: one whole record a call; report what cannot be written and end with status 2. */
void ipck_json_string(FILE *out, const char *text);
void ipck_out_open(void);
void ipck_out_head(const struct ipck_isolation *, size_t tests);
void ipck_out_start(const struct ipck_case *);
void ipck_out_counters(const char *at);
void ipck_out_case(const struct ipck_outcome *, size_t number);
void ipck_out_end(size_t tests, double seconds);

/* verdict.c */
/* Set-up in the library that failed with errno. */
#define CANNOT(what) ipck_must(IPCK_HERE, what, -1)
void ipck_unresolved(struct ipck_here here, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* world.c */
double ipck_seconds(void);
uint64_t ipck_draw(const char *id);             /* the same number for a test whenever the seed is the same */
void ipck_seed_test(const char *id);
uint64_t ipck_mix(uint64_t x);

/* Whether size bytes at address can be read, without touching them. */
bool ipck_readable(const void *address, size_t size);

#endif
