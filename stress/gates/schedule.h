/* SPDX-License-Identifier: MIT
 *
 * schedule.h: one schedule, and what came of it.
 */
#ifndef IPCK_SCHEDULE_H
#define IPCK_SCHEDULE_H

#include "interleave.h"

enum { COMMAND_MOST = 4000, STEPS_MOST = 240, LOG_MOST = 24000, TEXT_MOST = 320 };

/* What was chosen at a step, and what else could have been: bits of gates. */
struct step {
        unsigned char chosen;
        unsigned char ready;
        bool goes_on;                   /* the gate that ran before was ready: another choice preempts it */
        bool preempts;
};

enum ending {
        ENDED_WELL,
        VIOLATED,                       /* requirement, text */
        LACKED,                         /* text: what the target lacks */
        UNDECIDED,                      /* text: why */
        UNFIT,                          /* the schedule asks for a step that cannot be made: text */
};

struct outcome {
        enum ending ending;
        int requirement;                /* -1: none of the catalogue */
        char text[TEXT_MOST];
        unsigned steps;
        struct step step[STEPS_MOST];
        char log[LOG_MOST];             /* the calls in their order, a line each */
};

/* What is run: a scenario, or commands in the roles' places. */
struct subject {
        const struct scenario *scenario;
        const char *const *commands;    /* of the shell */
        unsigned commands_count;
        const char *before, *after;     /* commands around them, or NULL */
        const char *preload;            /* for LD_PRELOAD of the commands */
        double patience;                /* seconds in which something must move */
};

/* There are no mount namespaces, as in some sandboxes. */
extern bool worlds_share_mounts;

/* A name such as "EIDRM". */
const char *errno_name(int error);

/* Runs it once in namespaces of its own: the first steps are CHOICES, after that each process goes on as long as it can. The
 * outcome lies in shared memory and stays until the next call. */
const struct outcome *run_schedule(const struct subject *subject, const unsigned char *choices, unsigned count);

#endif
