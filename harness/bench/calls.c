/* SPDX-License-Identifier: MIT
 *
 * calls.c: prints the microseconds of CPU time that one sem_getvalue() takes, the cheapest IPC call: for `make bench`, which
 * shows what the library of faults adds to it.
 */
#include <semaphore.h>
#include <stdio.h>
#include <time.h>

enum { ROUNDS = 10000000 };

static double microseconds(void)
{
        struct timespec t;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int main(void)
{
        sem_t sem;
        int value;

        sem_init(&sem, 0, 1);
        const double begin = microseconds();
        for (int i = 0; i < ROUNDS; i++)
                sem_getvalue(&sem, &value);
        printf("%.6f\n", (microseconds() - begin) / ROUNDS);
        return 0;
}
