/* SPDX-License-Identifier: MIT
 *
 * state.c: what all parts know: the options, the test that runs, and which of its processes this one is.
 */
#include <stdarg.h>

#include "internal.h"

struct ipck_options ipck_options = {.deadline = 20, .time_scale = 1};
struct ipck_shared *ipck_state;
const struct ipck_test *ipck_running;
enum ipck_route ipck_route;
static struct ipck_child_state *self;

void ipck_fatal(const char *format, ...)
{
        va_list args;

        fprintf(stderr, "%s: ", program_invocation_short_name);
        va_start(args, format);
        vfprintf(stderr, format, args);
        va_end(args);
        fputc('\n', stderr);
        exit(2);
}

struct ipck_child_state *ipck_self(void)
{
        return self;
}

void ipck_become(struct ipck_child_state *state)
{
        self = state;
        self->pid = getpid();
}

void ipck_enter_body(void)
{
        atomic_store(&ipck_state->children, 1);
        ipck_become(&ipck_state->child[0]);
        atomic_store(&ipck_state->body, getpid());
}

void ipck_stop(void)
{
        atomic_store(&ipck_state->stopped, 1);
        /* A descendant cannot always signal the body (it may be another user): the runner does it. */
        if (getpid() != ipck_state->body && write(STOP_FD, "", 1) != 1)
                _exit(1);
        _exit(0);
}
