/* SPDX-License-Identifier: MIT
 *
 * ipck_tool.h: the programs ipcs, ipcrm, ipcmk and lsipc for tests. They run in the test's own namespaces, found by the
 * PATH of the run, in the C locale and UTC.
 */
#ifndef IPCK_TOOL_H
#define IPCK_TOOL_H

#include "ipck.h"

/* How a program ended, and what it wrote: strings, cut at a megabyte each. */
struct ran {
        int status;             /* exit status; 128 + signal number where a signal ended it, as in sh(1) */
        char *out, *err;
};

/* RUN("ipcs", "-q"): runs the program to its end. UNSUPPORTED where there is none of that name. */
#define RUN(...) run_tool((const char *const[]){__VA_ARGS__, NULL})
struct ran run_tool(const char *const *argv);

/* The same with a standard output that takes nothing (/dev/full); UNSUPPORTED where there is none. */
struct ran run_without_room(const char *tool);

/* A text that stays for the test's time: an argument of RUN, or what a program is to write. */
const char *formatted(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *decimal(intmax_t number);

/* UNSUPPORTED where the program is missing, or is not that of util-linux ("ipcs --version" tells): for what ipcs(1),
 * ipcrm(1), ipcmk(1) and lsipc(1) promise beyond POSIX. */
void need_util_linux(const char *tool);

#endif
