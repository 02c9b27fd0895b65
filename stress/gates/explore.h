/* SPDX-License-Identifier: MIT
 *
 * explore.h: all schedules of a scenario, those with the fewest preemptions first.
 */
#ifndef IPCK_EXPLORE_H
#define IPCK_EXPLORE_H

#include "schedule.h"

enum { PREEMPTIONS_MOST = 8 };

struct limits {
        unsigned preemptions;           /* at most so many in a schedule */
        unsigned schedules;             /* at most so many are run */
        double seconds;                 /* about so long */
};

struct covered {
        unsigned run[PREEMPTIONS_MOST + 1];     /* schedules, by their preemptions */
        unsigned left[PREEMPTIONS_MOST + 1];    /* known, and not run: with each of them there may be more */
        unsigned beyond;                        /* known with more preemptions than allowed */
        unsigned undecided, violations;
        double seconds;
        enum ending ended_by;                   /* LACKED where the target cannot run it */
        char text[TEXT_MOST];                   /* why, or why the first was undecided */
};

/* Runs them, and calls FOUND for each schedule that is not as it should be. */
void explore(const struct subject *subject, const struct limits *limits,
             void (*found)(const struct subject *, const struct outcome *), struct covered *covered);

/* "AABBA" for the steps of an outcome. */
void schedule_text(const struct outcome *outcome, char *text);

/* How many preemptions it has. */
unsigned preemptions_of(const struct outcome *outcome);

#endif
