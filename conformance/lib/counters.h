/* SPDX-License-Identifier: MIT
 *
 * counters.h: what the kernel under test counted of its own lines (Documentation/dev-tools/gcov.rst), as JSON lines.
 *
 * A kernel that is built with gcov shows a file of counters for each of its objects below /sys/kernel/debug/gcov. The
 * environment variable ipck_counters, which a kernel passes from its command line to the first process, names those that
 * are wanted: shell patterns on their paths, with commas between them.
 *
 * Each line tells what changed since the line before it, of whichever process:
 *   {"type":"counters","at":"...","files":{"/src/ipc/sem.gcda":[SIZE,PLACE,VALUE,PLACE,VALUE,..],..}}
 * SIZE and PLACE count words of 32 bits, VALUE is the word there. A process begins with all words that are not 0.
 */
#ifndef IPCK_COUNTERS_H
#define IPCK_COUNTERS_H

#include <stdbool.h>
#include <stdio.h>

#define IPCK_COUNTERS "/sys/kernel/debug/gcov"

/* Finds the files; how many there are, and -1 with errno where there are no counters of a kernel. Without
 * ipck_counters in the environment there are none. */
int ipck_counters_open(void);

/* Writes a line to out. at says what has just ended: a test, or a stage of the run. */
void ipck_counters_write(FILE *out, const char *at);

#endif
