/* SPDX-License-Identifier: MIT
 *
 * hardened.h: what these programs do alike. Each uses a family of IPC calls with a process of its own, and copes with the
 * failure of any one call: what can be tried again is, what cannot is reported, and nothing is left behind.
 *
 * Exit status: 0 done, 1 something failed and was reported.
 */
#ifndef HARDENED_H
#define HARDENED_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DONE = 0, FAILED = 1, ATTEMPTS = 2000, AGAIN = 3, SECONDS = 5, MEETING_MS = 200 };

static inline bool failed(const char *call)
{
        perror(call);
        return false;
}

static inline void pause_ms(long ms)
{
        nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* Counts itself in, and waits until both processes are there, so that they meet; not for ever: the other may have failed. */
static inline void meet(atomic_int *there)
{
        (*there)++;
        for (int attempt = 0; attempt < MEETING_MS && *there < 2; attempt++)
                pause_ms(1);
}

static inline struct timespec deadline(clockid_t clock)
{
        struct timespec t;

        clock_gettime(clock, &t);
        t.tv_sec += SECONDS;
        return t;
}

/* For what must not stay undone, such as the removal of an object: tries it again whatever the reason is. */
#define INSIST(call)                                                                            \
        __extension__({                                                                         \
                int insisted = -1;                                                              \
                for (int attempt = 0; attempt < AGAIN && insisted == -1; attempt++)             \
                        insisted = (call);                                                      \
                insisted == 0 || failed(#call);                                                 \
        })

static inline int descriptors(void)
{
        DIR *const folder = opendir("/proc/self/fd");
        int open_ones = 0;

        while (folder && readdir(folder))
                open_ones++;
        closedir(folder);
        return open_ones;
}

/* Runs the body with the number of descriptors before it, of which there must be no more behind it. */
static inline int closing_all(bool (*body)(void))
{
        const int before = descriptors();
        bool good = body();
        const int more = descriptors() - before;

        if (more != 0) {
                fprintf(stderr, "%d descriptors are left open\n", more);
                good = false;
        }
        return good ? DONE : FAILED;
}

/* Waits for the other process; false where it failed. Where this one has failed, ends the other first. */
static inline bool join(pid_t other, bool good)
{
        int status;

        if (!good)
                kill(other, SIGTERM);
        while (waitpid(other, &status, 0) == -1)
                if (errno != EINTR)
                        return failed("waitpid");
        if (good && status != 0)
                fprintf(stderr, "the other process failed\n");
        return good && status == 0;
}

#endif
