/* SPDX-License-Identifier: MIT
 *
 * apart.h: what the parts of ipck-apart share.
 */
#ifndef IPCK_APART_H
#define IPCK_APART_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* Ends the program with status 2. */
_Noreturn void refuse(const char *what);

/* ---- the world: world.c ---- */

/* What is not the program's own stands below this folder, in the private /tmp. */
#define OWN "/tmp/.ipck"

/* Makes PID, IPC and mount namespaces with an empty /dev/shm and /tmp, and goes on as process 1 there; the caller waits
 * outside and ends as process 1 does. Where the process is not root, in a user namespace, in which it is. */
void enter_world(void);

/* ---- what is there: objects.c ---- */

/* The objects of the IPC namespace, of /dev/shm and the POSIX queues: a JSON list of texts, in order. Key and identifier
 * are left out: they differ from run to run. */
void write_objects(FILE *out);

/* ---- JSON: json.c ---- */

void write_string(FILE *out, const char *text, size_t length);

/* The file's text, at most so much of it; an empty one where there is none. */
char *text_of(int file, size_t *length);

#endif
