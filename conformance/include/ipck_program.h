/* SPDX-License-Identifier: MIT
 *
 * ipck_program.h: a child that becomes a new program, which says that it runs and waits until it may go on. Here
 * tell() and here() do not work, whose memory exec takes away; pipes stay.
 */
#ifndef IPCK_PROGRAM_H
#define IPCK_PROGRAM_H

#include "ipck.h"

struct program {
        int running[2], go_on[2];       /* pipes */
};
struct program new_program(void);       /* before the child is made */

/* In the child: exec_role() with an argument that begins with what program_runs() needs. */
void run_program(const struct program *p, const char *role, const char *arg);

/* The same for a role that does nothing else: its exit status is 0. */
void run_until_told(const struct program *p);

/* In the role: says that it runs, and returns the argument once it may go on; NULL where that fails. */
const char *program_runs(const char *arg);

/* In the test: waits until it runs; lets it go on. */
void wait_for_program(struct program *p);
void tell_program(const struct program *p);

#endif
