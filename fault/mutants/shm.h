/* SPDX-License-Identifier: MIT
 *
 * shm.h: what the files that break calls for shared memory share.
 */
#ifndef IPCK_MUTANT_SHM_H
#define IPCK_MUTANT_SHM_H

#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "mutants.h"
#include "tools.h"

enum { INDEX_BITS = 0x7fff };           /* of an identifier */

/* What IPC_STAT stores, without permission; keeps errno. False where there is no such segment. */
bool describe_segment(int id, struct shmid_ds *about);

/* The mappings of segments in this process, as /proc/self/maps lists them. */
struct attachment {
        char *start, *end;
        size_t offset;
        int id;
};
enum { ATTACHMENTS = 128 };
size_t attachments(struct attachment list[ATTACHMENTS]);

#endif
