/* SPDX-License-Identifier: MIT
 *
 * interleave.h: what a scenario is: two or three roles, each a process, whose IPC calls are made in every order that
 * explore.c can think of, and what holds in all of them.
 *
 *      static struct { int set; bool removed; } *m;
 *
 *      static void remover(void)
 *      {
 *              KEEPS(semctl_rmid_removes, semctl(m->set, 0, IPC_RMID) == 0);
 *              m->removed = true;
 *      }
 *
 * One process runs at a time, from one of its IPC calls to the next, so what a role writes into shared memory behind a call
 * says in which order the calls were made.
 */
#ifndef IPCK_INTERLEAVE_H
#define IPCK_INTERLEAVE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reqs.h"

enum { ROLES_MOST = 3, SCENARIO_MEMORY = 4096 };

struct scenario {
        const char *name;               /* "sem_rmid" */
        const char *what;               /* for people: who races with whom */
        void (*setup)(void);            /* before the roles; without gates, as check() */
        void (*roles[ROLES_MOST])(void);
        void (*check)(void);            /* when all have ended; may be NULL */
        void (*prepare)(unsigned role); /* in each role's process, before it begins; may be NULL */
        enum ipck_requirement ends;     /* what a role that waits for ever violates */
};

struct scenario_list {
        const struct scenario *scenarios;
        size_t count;
};

extern const struct scenario_list sysv_sem_scenarios, sysv_msg_scenarios, sysv_shm_scenarios, posix_scenarios;

#define SCENARIOS(name, ...)                                                                    \
        static const struct scenario name##_table[] = {__VA_ARGS__};                            \
        const struct scenario_list name = {name##_table, sizeof(name##_table) / sizeof(*name##_table)}

/* Memory that all processes of a schedule share, zero at its beginning. */
void *scenario_memory(void);

/* In every order: REQUIREMENT, an enumerator of the catalogue, asks for CONDITION. The first that does not hold counts. */
#define KEEPS(requirement, condition) ((condition) ? (void)0 : scenario_violated(requirement, __FILE__, __LINE__, #condition))
void scenario_violated(enum ipck_requirement requirement, const char *file, int line, const char *condition);

/* The value of a call that the scenario needs; where it fails, which is -1, nothing is decided. ENOSYS means that the target
 * lacks it. */
#define GIVEN(call)                                                                             \
        __extension__({                                                                         \
                const intptr_t given = (intptr_t)(call);                                        \
                if (given == -1)                                                                \
                        scenario_undecided(#call, errno);                                       \
                given;                                                                          \
        })
void scenario_undecided(const char *call, int error);

/* The scenario cannot be played here: the target lacks something. */
void scenario_lacks(const char *what);

/* Whether the calling role's last call had to wait. */
bool scenario_waited(void);

/* Whether a call failed with this error. */
#define FAILED_WITH(error, call) ((intptr_t)(call) == -1 && errno == (error))

#endif
