/* SPDX-License-Identifier: MIT
 *
 * scenarios.c: prints how the library of faults reads the scenario of its argument, or what it complains of.
 */
#include <stdio.h>
#include <string.h>

#include "../../../fault/preload/scenario.h"

static const char *const actions[] = {
        [FAULT_NONE] = "", [FAULT_FAIL] = "fail", [FAULT_INTERRUPT] = "interrupt", [FAULT_KILL_AT_ENTRY] = "kill entry",
        [FAULT_KILL_BLOCKED] = "kill blocked", [FAULT_KILL_AFTER] = "kill after", [FAULT_STEP] = "step",
};
static const char *const counts[] = {[COUNT_PROCESS] = "process", [COUNT_THREAD] = "thread", [COUNT_TREE] = "tree"};

int main(int argc, char **argv)
{
        static struct scenario scenarios[SCENARIOS_MOST];
        char problem[160];
        const int count = parse_scenarios(argc > 1 ? argv[1] : "", scenarios, problem, sizeof(problem));

        if (count == -1) {
                puts(problem);
                return 1;
        }
        for (int i = 0; i < count; i++) {
                const struct scenario *const s = &scenarios[i];
                const char *separator = "";
                for (unsigned number = 0; number < CALLS; number++)
                        if (s->points >> number & 1) {
                                printf("%s%s", separator, calls[number].point);
                                separator = " ";
                        }
                printf(",%s,%s,%s%s,%llu,%llu,%llu,%llu,%g,%s,%llu\n", actions[s->action], s->error ? strerrorname_np(s->error) : "",
                       s->signal ? "SIG" : "", s->signal ? sigabbrev_np(s->signal) : "", (unsigned long long)s->delay,
                       (unsigned long long)s->first, (unsigned long long)s->last, (unsigned long long)s->step, s->probability,
                       counts[s->count], (unsigned long long)s->kernel_step);
        }
        return 0;
}
