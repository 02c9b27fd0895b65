/* SPDX-License-Identifier: MIT
 *
 * fork.c: the yardstick of `make bench`: prints the microseconds of one fork() + waitpid() of an empty child, the median of
 * 2000.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 2000 };

static double microseconds(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
        const double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

int main(void)
{
        static double took[ROUNDS];

        for (int i = 0; i < ROUNDS; i++) {
                const double begin = microseconds();
                const pid_t pid = fork();
                if (pid == 0)
                        _exit(0);
                if (pid < 0 || waitpid(pid, NULL, 0) != pid) {
                        perror("fork");
                        return 1;
                }
                took[i] = microseconds() - begin;
        }
        qsort(took, ROUNDS, sizeof(*took), by_value);
        printf("%.2f\n", took[ROUNDS / 2]);
        return 0;
}
