/* SPDX-License-Identifier: MIT
 *
 * posix_sem.h: the state of a POSIX semaphore, named or not.
 */
#ifndef STRESS_POSIX_SEM_H
#define STRESS_POSIX_SEM_H

#include "rules.h"

struct posix_sem {
        uint32_t exists, linked;        /* linked: its name leads to it */
        uid_t uid;
        gid_t gid;
        unsigned mode;
        uint16_t opens[MODEL_PROCESSES];        /* how often a process has it open */
        uint32_t unused;
        int64_t value;
};

#endif
