/* SPDX-License-Identifier: MIT
 *
 * fault.h: what a wrapped call does before and after the real one. All of it is safe in signal handlers, after fork() and
 * in any thread: no locks, no allocation.
 *
 *      IPCK_FAULT=SCENARIOS            see scenario.h
 *      IPCK_FAULT_SEED=N               of whatever is drawn (0)
 *      IPCK_FAULT_LOG=FILE             gets a JSON line for each call that went wrong
 *      IPCK_FAULT_TREE=FILE            counts for count=tree: shared by all processes that name it
 *
 * The points are libfiu's as well where libfiu is loaded, as by fiu-run(1): failnum enables, failinfo is the error number.
 */
#ifndef IPCK_FAULT_H
#define IPCK_FAULT_H

#include "scenario.h"

struct fault {
        enum fault_action action;
        int error;                      /* of FAULT_FAIL */
        unsigned scenario;              /* its place in the list; SCENARIOS_MOST: libfiu's */
        uint64_t n;
        uint64_t delay;
};

extern bool fault_idle;                 /* no scenario, no libfiu: nothing can fire */

/* Whether something is to happen to this call; keeps errno. */
bool fault_decides(enum call_number number, struct fault *fault);

/* Before the call: waits, ends the process, or prepares that one of these happens. Where the call is to fail, sets errno
 * and returns true: the real one is not made. */
bool fault_enters(enum call_number number, const struct fault *fault);

/* After it, where it was made; keeps errno. */
void fault_leaves(enum call_number number, const struct fault *fault, bool failed);

#endif
