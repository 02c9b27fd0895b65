/* SPDX-License-Identifier: MIT
 *
 * program.c: talks with a program that has replaced a child.
 */
#include <stdio.h>

#include "internal.h"
#include "ipck_program.h"

struct program new_program(void)
{
        struct program p;

        MUST(pipe(p.running));
        MUST(pipe(p.go_on));
        return p;
}

void run_program(const struct program *p, const char *role, const char *arg)
{
        char whole[128];

        REQUIRE(snprintf(whole, sizeof(whole), "%d,%d,%s", p->running[1], p->go_on[0], arg) < (int)sizeof(whole));
        MUST(exec_role(role, whole));
}

const char *program_runs(const char *arg)
{
        int running, go_on, own = 0;
        char byte = 0;

        if (sscanf(arg, "%d,%d,%n", &running, &go_on, &own) != 2 || own == 0)
                return NULL;
        return write(running, &byte, 1) == 1 && read(go_on, &byte, 1) == 1 ? arg + own : NULL;
}

ROLE(run_until_told)
{
        return program_runs(arg) ? 0 : 1;
}

void run_until_told(const struct program *p)
{
        run_program(p, "run_until_told", "");
}

void wait_for_program(struct program *p)
{
        char byte;

        /* With its own end closed a program that has ended does not leave the test waiting. */
        MUST(close(p->running[1]));
        const bool runs = read(p->running[0], &byte, 1) == 1;
        if (!runs && ipck_state->skipped)
                ipck_stop();            /* the child has said why it could not become the program */
        REQUIRE(runs);
}

void tell_program(const struct program *p)
{
        MUST(write(p->go_on[1], "", 1));
}
