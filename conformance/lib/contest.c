/* SPDX-License-Identifier: MIT
 *
 * contest.c: several processes that do the same at the same moment.
 */
#include "ipck_contest.h"

static struct contest {
        _Atomic int held, attempts;
} *contest;

static struct child processes[MOST_CONTESTANTS];

int contestants(void)
{
        struct rlimit limit;

        /* Where processes are few they have to suffice for the tests beside this one too. */
        MUST(getrlimit(RLIMIT_NPROC, &limit));
        return limit.rlim_cur < 100 ? 3 : MOST_CONTESTANTS;
}

static void take_part(int i, void (*attempt)(int i), void (*after)(int i))
{
        const int all = contestants();

        for (int n = 1; n <= CONTESTS; n++) {
                /* All set out at the same moment as nearly as can be. */
                UNTIL(contest->held >= n);
                attempt(i);
                contest->attempts++;
                if (after) {
                        UNTIL(contest->attempts >= n * all);
                        after(i);
                }
        }
}

void begin_contests(void (*attempt)(int i), void (*after)(int i))
{
        contest = shared(sizeof(*contest));
        for (int i = 0; i < contestants(); i++)
                CHILD(&processes[i])
                        take_part(i, attempt, after);
}

void hold_contest(void)
{
        const int n = ++contest->held;

        UNTIL(contest->attempts == n * contestants());
}

void end_contests(void)
{
        for (int i = 0; i < contestants(); i++)
                join(&processes[i]);
}
