/* SPDX-License-Identifier: MIT
 *
 * processors.c: which processor a process runs on.
 */
#include <sched.h>

#include "bench.h"

static int usable[2];
static int count;
static bool binds;

static bool bind_to_processor(int processor)
{
        cpu_set_t one;

        CPU_ZERO(&one);
        CPU_SET((unsigned)processor, &one);
        return sched_setaffinity(0, sizeof(one), &one) == 0 && sched_getcpu() == processor;
}

void find_processors(void)
{
        cpu_set_t all;

        if (sched_getaffinity(0, sizeof(all), &all) == -1)
                return;
        binds = true;
        for (int processor = 0; processor < CPU_SETSIZE; processor++) {
                if (!CPU_ISSET((unsigned)processor, &all))
                        continue;
                if (count < 2)
                        binds &= bind_to_processor(usable[count] = processor);
                count++;
        }
        sched_setaffinity(0, sizeof(all), &all);
}

int processors_usable(void)
{
        return count;
}

bool processors_bind(void)
{
        return binds;
}

void bind_to(int which)
{
        if (binds && which < count)
                bind_to_processor(usable[which]);
}
