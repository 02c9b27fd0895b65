/* SPDX-License-Identifier: MIT
 *
 * exchange.c: two processes that hand something over, whatever the mechanism.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "bench.h"

enum { MEASURER, PARTNER };

static volatile unsigned long *batch;   /* of a stream: how many messages follow. It lies in shared memory */

static _Noreturn void answer_for_ever(const struct bench *bench)
{
        const struct mechanism *const by = bench->mechanism;

        for (;;) {
                by->take(PARTNER);
                if (bench->run == run_stream)
                        for (unsigned long left = *batch - 1; left; left--)
                                by->take(PARTNER);
                by->give(MEASURER);
        }
}

void prepare_exchange(const struct bench *bench)
{
        const pid_t self = getpid();

        if (bench->placement == APART && (!processors_bind() || processors_usable() < 2))
                bench_lacks(processors_bind() ? "a second processor" : "processors that a process can be bound to");
        batch = (void *)NEEDS(mmap(NULL, sizeof(*batch), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
        bench->mechanism->open(bench->bytes);
        if (bench->placement == ALONE || NEEDS(fork()) != 0)
                return;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != self)
                _exit(0);
        bind_to(bench->placement == APART);
        answer_for_ever(bench);
}

void run_send_receive(const struct bench *bench, unsigned long operations)
{
        while (operations--) {
                bench->mechanism->give(MEASURER);
                bench->mechanism->take(MEASURER);
        }
}

void run_ping_pong(const struct bench *bench, unsigned long operations)
{
        while (operations--) {
                bench->mechanism->give(PARTNER);
                bench->mechanism->take(MEASURER);
        }
}

void run_stream(const struct bench *bench, unsigned long operations)
{
        *batch = operations;
        while (operations--)
                bench->mechanism->give(PARTNER);
        bench->mechanism->take(MEASURER);       /* all have arrived */
}
