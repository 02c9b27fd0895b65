/* SPDX-License-Identifier: MIT
 *
 * shm.h: the state of a System V shared memory segment.
 */
#ifndef STRESS_SHM_H
#define STRESS_SHM_H

#include "rules.h"

struct segment {
        struct object object;
        struct moment atime, dtime;
        uint64_t size;
        int cpid, lpid;
        uint32_t text;                  /* its first bytes */
        uint16_t attached[MODEL_PROCESSES];
        uint32_t unused;
};

#endif
