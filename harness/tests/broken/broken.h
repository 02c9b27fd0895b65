/* SPDX-License-Identifier: MIT
 *
 * A preloaded library that breaks one call of the C library in one way, so that the tests can be seen to fail:
 *
 *      IPCK_BROKEN=msgsnd:lost LD_PRELOAD=build/glibc/broken_ipc.so build/glibc/ipck-tests sysv.msg
 *
 * errno: a failure is reported with another error number.
 * lost:  the call reports success, and a part of its effect is missing.
 * extra: the call does what it should, and something more.
 */
#ifndef BROKEN_H
#define BROKEN_H

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Not one of the errors of any call here. */
enum { WRONG_ERRNO = ENOTSUP };

static inline bool broken(const char *call, const char *how)
{
        const char *wanted = getenv("IPCK_BROKEN");
        const size_t length = strlen(call);

        return wanted && strncmp(wanted, call, length) == 0 && wanted[length] == ':' &&
               strcmp(wanted + length + 1, how) == 0;
}

/* The C library's own function; a pointer to an object cannot be converted to one to a function in ISO C. */
#define REAL(call)                                                      \
        __extension__({                                                 \
                __typeof__(call) *function;                             \
                *(void **)&function = dlsym(RTLD_NEXT, #call);          \
                function;                                               \
        })

/* A result, and its error number where it is a failure of a call that is to report another. */
#define REPORT(call, result)                                            \
        do {                                                            \
                const __typeof__(result) reported = (result);           \
                if ((long)reported == -1 && broken(#call, "errno"))     \
                        errno = WRONG_ERRNO;                            \
                return reported;                                        \
        } while (0)

#endif
