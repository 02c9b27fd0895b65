/* SPDX-License-Identifier: MIT
 *
 * crash.h: a process that SIGKILL ends at a given moment of a call: at entry, while it waits, or after its effect. What
 * the others find then is judged by the requirements of the catalogue, as in any conformance test.
 */
#ifndef IPCK_CRASH_H
#define IPCK_CRASH_H

#include "ipck.h"

/* A program is started that does ACT (victims.c) with the object OBJECT, and dies at the MOMENT ("entry", "blocked",
 * "after") of its NTH call of POINT; returns once it is dead, with its process id. Unresolved where it did not die. */
pid_t crash(const char *act, int object, const char *point, const char *moment, unsigned nth);

/* The same in two steps, for what is to happen meanwhile. */
void start_victim(struct child *victim, const char *act, int object, const char *point, const char *moment, unsigned nth);
pid_t join_victim(struct child *victim);

/* The text and size of the messages that the victims send. */
extern const char victims_text[];
enum { VICTIMS_TEXT = 41, VICTIMS_TYPE = 7, VICTIMS_PRIORITY = 3 };

/* Names of what the victims open and make. */
#define VICTIMS_SEM "/ipck"
#define VICTIMS_OBJECT "/ipck.object"
#define VICTIMS_QUEUE "/ipck"

#endif
