/* SPDX-License-Identifier: MIT
 *
 * sem.h: the state of a semaphore set.
 */
#ifndef STRESS_SEM_H
#define STRESS_SEM_H

#include "rules.h"

enum pid_by { BY_NOBODY, BY_SEMOP, BY_SETVAL, BY_SETALL, BY_UNDO };
enum { MODEL_SEMS = 320, SEM_VALUE_HIGHEST = 32767 };

struct sem_set {
        struct object object;
        struct moment otime;
        uint16_t nsems;
        uint16_t undo_users;            /* a bit for each process that has called with SEM_UNDO, also where that failed */
        int waiters;
        const struct operation *waiter[MODEL_WAITERS];
        struct one_sem {
                int pid;
                uint16_t value;
                uint16_t pid_by;        /* what it follows from: enum pid_by */
                int16_t adjust[MODEL_PROCESSES];        /* semadj */
        } sem[MODEL_SEMS];
};

#endif
