/* SPDX-License-Identifier: MIT
 *
 * scenario.h: which call is to go wrong, and how.
 *
 *      POINT[:OPTION]...       as in sysv/sem/semop:errno=EIDRM:nth=2
 *
 * POINT is one of calls.def's, or its beginning and a '*'. Options:
 *      errno=NAME              fail with it, without the effect (default: one that the call may report, drawn by the seed)
 *      interrupt[=SIGNAL]      let it run, and signal the thread until it fails with EINTR
 *      kill=entry|blocked|after        end the process by SIGKILL
 *      step=N                  let it run, and fail the N-th of the kernel's own steps in it that can fail: an allocation,
 *                              a copy from or to the caller (/proc/PID/fail-nth; Documentation/fault-injection)
 *      delay=N(us|ms|s)        wait before the call; alone, the call then runs as it is
 *      nth=FIRST[..LAST][+[STEP]]      only these calls, counted from 1, as in strace's when= (nth=3 is the third alone,
 *                              nth=3+ that and all later ones, nth=3+2 every second one from there)
 *      probability=P           0 to 1: each of these with that probability, drawn by the seed
 *      count=process|thread|tree       whose calls are counted; a new process starts at 0, but for `tree`
 */
#ifndef IPCK_SCENARIO_H
#define IPCK_SCENARIO_H

#include <stdint.h>

#include "../calls.h"

enum { SCENARIOS_MOST = 32 };

enum fault_action {
        FAULT_NONE, FAULT_FAIL, FAULT_INTERRUPT, FAULT_KILL_AT_ENTRY, FAULT_KILL_BLOCKED, FAULT_KILL_AFTER, FAULT_STEP,
};

enum fault_count { COUNT_PROCESS, COUNT_THREAD, COUNT_TREE };

struct scenario {
        uint64_t points;                /* a bit each call */
        enum fault_action action;       /* FAULT_NONE: only the delay */
        int error;                      /* 0: drawn */
        int signal;                     /* 0: one of our own */
        uint64_t delay;                 /* nanoseconds */
        uint64_t kernel_step;           /* of FAULT_STEP, from 1 on */
        uint64_t first, last, step;
        double probability;
        enum fault_count count;
};

/* Reads the scenarios of TEXT, apart by spaces, into SCENARIOS; how many there are, or -1 with a message in PROBLEM. */
int parse_scenarios(const char *text, struct scenario scenarios[SCENARIOS_MOST], char *problem, size_t size);

/* Whether the N-th call of those that are counted together is one of the scenario, whose place in the list is NUMBER. */
bool scenario_fires(const struct scenario *scenario, unsigned number, uint64_t n, uint64_t seed);

/* The error number that a scenario without one fails the N-th call with. */
int drawn_error(const struct call *call, unsigned number, uint64_t n, uint64_t seed);

#endif
