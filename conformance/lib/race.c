/* SPDX-License-Identifier: MIT
 *
 * race.c: races between a deadline and an event, and the timers that the kernel shows.
 */
#include <sched.h>
#include <stdio.h>

#include "ipck_race.h"

void spin_until(int64_t deadline)
{
        int64_t last = 0;

        for (int still = 0; last < deadline && still < 100;) {
                const int64_t t = monotonic_ns();

                still = t == last ? still + 1 : 0;
                last = t;
        }
}

void take_side(enum side side, uint32_t pair)
{
        cpu_set_t all, one;
        int count, skip;

        if (sched_getaffinity(0, sizeof(all), &all) == -1 || (count = CPU_COUNT(&all)) < 2)
                return;
        skip = (int)((pair + side) % (uint32_t)count);
        CPU_ZERO(&one);
        for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
                if (CPU_ISSET(cpu, &all) && skip-- == 0)
                        CPU_SET(cpu, &one);
        (void)sched_setaffinity(0, sizeof(one), &one);
}

int64_t next_lead(int64_t lead, bool expired)
{
        const int64_t step = 500 + random_below(8000);

        if (expired)
                return lead > step ? lead - step : 0;
        return lead < 2000000 ? lead + step : lead;
}

/* ---- timers ---- */

struct timer_window timer_window_begin(int64_t interval)
{
        return (struct timer_window){.interval = interval, .monotonic[0] = monotonic_ns() + interval,
                                     .realtime[0] = realtime_ns() + interval};
}

void timer_window_end(struct timer_window *window)
{
        window->monotonic[1] = monotonic_ns() + window->interval;
        window->realtime[1] = realtime_ns() + window->interval;
}

/* /proc/timer_list has a line "# expires at SOFT-HARD nsecs .." for each timer, in numbers of the timer's own clock. */
static enum clock look_for_timer(const struct timer_window *window)
{
        FILE *list = fopen("/proc/timer_list", "re");
        enum clock found = NO_CLOCK;
        char line[256];

        if (!list)
                UNSUPPORTED("reading /proc/timer_list (%s)", errno_name(errno));
        while (found == NO_CLOCK && fgets(line, sizeof(line), list)) {
                int64_t at_ns;

                if (sscanf(line, " # expires at %" SCNd64 "-", &at_ns) != 1)
                        continue;
                if (window->monotonic[0] <= at_ns && at_ns <= window->monotonic[1])
                        found = MONOTONIC;
                else if (window->realtime[0] <= at_ns && at_ns <= window->realtime[1])
                        found = REALTIME;
        }
        fclose(list);
        return found;
}

enum clock clock_of_timer(const struct timer_window *window)
{
        enum clock found = NO_CLOCK;

        if (window->realtime[1] < window->monotonic[0] + 1000000000 &&
            window->monotonic[1] < window->realtime[0] + 1000000000)
                UNSUPPORTED("a CLOCK_REALTIME that was set: it is the same as CLOCK_MONOTONIC");
        /* The list is no snapshot, and a timer may be passed over while it is being read. */
        for (int turn = 0; turn < 50 && found == NO_CLOCK; turn++)
                found = look_for_timer(window);
        if (found == NO_CLOCK)
                UNSUPPORTED("a /proc/timer_list with the timer of a sleeping call");
        return found;
}
