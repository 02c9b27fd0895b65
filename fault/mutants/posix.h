/* SPDX-License-Identifier: MIT
 *
 * posix.h: what the files that break calls of POSIX mechanisms share.
 */
#ifndef IPCK_MUTANTS_POSIX_H
#define IPCK_MUTANTS_POSIX_H

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "mutants.h"

struct path {
        char text[PATH_MAX];
};

/* Failures with another errno than the right one. */
struct wrong_error {
        enum mutant_number mutant;
        int right, wrong;
};

/* After a failure. */
static inline void misreport(const struct wrong_error *errors, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                if (errno == errors[i].right && mutant_is_chosen(errors[i].mutant)) {
                        errno = errors[i].wrong;
                        return;
                }
        }
}
#define MISREPORT(errors) misreport(errors, sizeof(errors) / sizeof(*(errors)))

/* What a mutant does besides must be no cancellation point: the system calls themselves are none. */

/* Lets others run in the midst of what should not be interrupted. */
static inline void pause_for(long nanoseconds)
{
        const int before = errno;
        const struct timespec time = {.tv_nsec = nanoseconds};

        syscall(SYS_nanosleep, &time, (struct timespec *)NULL);
        errno = before;
}

static inline int open_file(const char *path, int flags, mode_t mode)
{
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

/* Keeps errno. */
static inline void close_file(int file)
{
        const int before = errno;

        syscall(SYS_close, file);
        errno = before;
}

/* Keeps errno. */
static inline bool is_open_descriptor(int fd)
{
        const int before = errno;
        const bool is_open = fcntl(fd, F_GETFD) != -1;

        errno = before;
        return is_open;
}

/* Whether somebody in this process has asked for the cancellation of a thread. */
bool cancellation_was_requested(void);

/* Acts upon a cancellation request that is pending. */
static inline void be_cancellation_point(void)
{
        pthread_testcancel();
}

/* What a call does that forgets to restore its caller's cancelability. */
static inline void leave_uncancelable(void)
{
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
}

/* Reads what no call may: the byte behind the string. */
static inline void read_behind(const char *text)
{
        (void)*(const volatile char *)(text + strlen(text) + 1);
}

#endif
