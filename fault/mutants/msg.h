/* SPDX-License-Identifier: MIT
 *
 * msg.h: what the files that break calls for message queues share.
 */
#ifndef IPCK_MUTANT_MSG_H
#define IPCK_MUTANT_MSG_H

#include <limits.h>
#include <string.h>

#include "mutants.h"
#include "tools.h"

enum { INDEX_BITS = 0x7fff };           /* of an identifier */

/* What IPC_STAT stores, without permission; keeps errno. False where there is no such queue. */
bool describe_queue(int id, struct msqid_ds *about);

#endif
