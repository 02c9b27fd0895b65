/* SPDX-License-Identifier: MIT
 *
 * client.h: what these programs do alike: say what went wrong, read and write in spite of signals.
 *
 * Each program exists twice, with the System V and with the POSIX calls, and both write the same. They need
 * POSIX.1-2008 with XSI and nothing else. Exit status: 0 done, 1 something failed and was reported, 2 wrong usage.
 */
#ifndef CLIENT_H
#define CLIENT_H

#define _XOPEN_SOURCE 700

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DONE = 0, FAILED = 1, USAGE = 2 };

/* Reports the error of a call; false, for the caller to return. */
static inline bool failed(const char *call)
{
        perror(call);
        return false;
}

static inline int usage(const char *program, const char *arguments)
{
        fprintf(stderr, "usage: %s %s\n", program, arguments);
        return USAGE;
}

/* Writes all of it to the standard output. */
static inline bool say(const char *text, size_t length)
{
        while (length > 0) {
                const ssize_t n = write(STDOUT_FILENO, text, length);
                if (n == -1 && errno == EINTR)
                        continue;
                if (n == -1)
                        return failed("write");
                text += n;
                length -= (size_t)n;
        }
        return true;
}

/* Reads what the standard input has, at most so much: the length, 0 at its end, -1 where it cannot be read. */
static inline ssize_t hear(char *text, size_t most)
{
        ssize_t n;

        do
                n = read(STDIN_FILENO, text, most);
        while (n == -1 && errno == EINTR);
        if (n == -1)
                failed("read");
        return n;
}

#endif
