/* SPDX-License-Identifier: MIT
 *
 * ipck_filter.h: a kernel that refuses, for errors that it gives for reasons of the whole machine alone. All is for the
 * calling thread and what it starts later, and to stay; UNSUPPORTED where there are no filters of system calls.
 */
#ifndef IPCK_FILTER_H
#define IPCK_FILTER_H

#include <sys/syscall.h>

#include "ipck.h"

/* FAIL_CALLS(EIO, SYS_read, ..) and, for a list, fail_calls(): these system calls fail with the error. */
#define FAIL_CALLS(error, ...)                                                                          \
        fail_calls(error, (const unsigned[]){__VA_ARGS__},                                              \
                   sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(unsigned))
void fail_calls(int error, const unsigned *calls, size_t count);

/* Each open of a file fails with the error, or waits for an answer that never comes. */
void fail_opens(int error);
void hold_opens(void);

/* So does each futex(), by which C libraries wake and wait. */
void hold_futexes(void);

#endif
