/* SPDX-License-Identifier: MIT
 *
 * counters.h: what the implementation under test counted of its own lines, as JSON lines.
 *
 * A kernel that is built with gcov (Documentation/dev-tools/gcov.rst) shows a file of counters for each of its objects
 * below /sys/kernel/debug/gcov. The objects of a C library are part of the program, and all processes that it forks
 * count in the same memory. The environment variable ipck_counters, which a kernel passes from its command line to the
 * first process, names those that are wanted: shell patterns on their paths, with commas between them.
 *
 * Each line tells what changed since the line before it, of whichever process:
 *   {"type":"counters","at":"...","files":{"/src/ipc/sem.gcda":[SIZE,PLACE,VALUE,PLACE,VALUE,..],..}}
 * SIZE and PLACE count words of 32 bits, VALUE is the word there. A process begins with all words that are not 0.
 */
#ifndef IPCK_COUNTERS_H
#define IPCK_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define IPCK_COUNTERS "/sys/kernel/debug/gcov"

/* Finds the files; how many there are, and -1 with errno where there are no counters of a kernel. Without
 * ipck_counters in the environment there are none. */
int ipck_counters_open(void);

/* Writes a line to out. at says what has just ended: a test, or a stage of the run. */
void ipck_counters_write(FILE *out, const char *at);

/* ---- where they are kept: counters_kernel.c, or counters_own.c in a program with the objects of a C library ---- */

/* What the first line of the program says that has just ended: "boot" where the counters began with it. */
extern const char ipck_counters_began[];

/* Calls take(path, place) for each file of counters; what it returns ends the search unless it is 0, and is returned.
 * -1 with errno where there are none to be found. */
int ipck_counters_find(int (*take)(const char *path, const void *place));

/* Calls append(to, bytes, size) for all that the file holds now; false where that cannot be had, or append is false. */
bool ipck_counters_read(const char *path, const void *place, bool (*append)(void *to, const void *bytes, size_t size),
                        void *to);

#endif
