/* SPDX-License-Identifier: MIT
 *
 * interpose.h: every call of calls.def defined as a function of its own, which does what the including file says:
 *
 *      AROUND(symbol, name, type, parameters, arguments, failure)      statements of that function, to its return; `name` is
 *                                                                      the call's in calls.def, of which `symbol` is another
 *      REAL(symbol, type, parameters)                                  within them: the C library's own function
 *
 * In a library that is preloaded they have the names of the calls. With IPCK_WRAPPED they are what ld's --wrap=NAME puts in
 * the place of the calls of one program, of any kind and C library.
 */
#ifndef IPCK_INTERPOSE_H
#define IPCK_INTERPOSE_H

#include <dlfcn.h>
#include <stdarg.h>
#include <stdlib.h>

#include "calls.h"

#ifdef IPCK_WRAPPED
#define WRAPPER(symbol) __wrap_##symbol
#define REAL(symbol, type, parameters)                                                          \
        __extension__({                                                                         \
                extern type __real_##symbol parameters;                                         \
                __real_##symbol;                                                                \
        })
#else
#define WRAPPER(symbol) symbol
/* Looked up when first called, for others may call before the library is initialized. */
#define REAL(symbol, type, parameters)                                                          \
        __extension__({                                                                         \
                static type(*volatile found) parameters;                                        \
                if (!found)                                                                     \
                        *(void *volatile *)&found = dlsym(RTLD_NEXT, #symbol);                  \
                if (!found)                                                                     \
                        abort();                                                                \
                found;                                                                          \
        })
#endif

#pragma GCC visibility push(default)

#define DEFINE(symbol, name, type, parameters, arguments, failure)                              \
        type WRAPPER(symbol) parameters;                                                        \
        type WRAPPER(symbol) parameters                                                         \
        {                                                                                       \
                AROUND(symbol, name, type, parameters, arguments, failure);                     \
        }
#define CALL(name, type, parameters, arguments, point, failure, ...)                            \
        DEFINE(name, name, type, parameters, arguments, failure)
#define VARIADIC(...)
#ifdef IPCK_WRAPPED
#define ALIAS(...)
#else
#define ALIAS(symbol, name, type, parameters, arguments) DEFINE(symbol, name, type, parameters, arguments, -1)
#endif
#define VARIADIC_ALIAS(...)
#include "calls.def"
#undef CALL
#undef VARIADIC
#undef ALIAS
#undef VARIADIC_ALIAS

/* The fourth argument is a union of the size of a pointer; where the caller passed none, what is read here is not used. */
#define SEMCTL(symbol)                                                                          \
        int WRAPPER(symbol)(int id, int number, int command, ...);                              \
        int WRAPPER(symbol)(int id, int number, int command, ...)                               \
        {                                                                                       \
                va_list more;                                                                   \
                va_start(more, command);                                                        \
                void *const argument = va_arg(more, void *);                                    \
                va_end(more);                                                                   \
                AROUND(symbol, semctl, int, (int, int, int, ...), (id, number, command, argument), -1); \
        }
SEMCTL(semctl)

sem_t *WRAPPER(sem_open)(const char *name, int flags, ...);
sem_t *WRAPPER(sem_open)(const char *name, int flags, ...)
{
        mode_t mode = 0;
        unsigned value = 0;

        if (flags & O_CREAT) {
                va_list more;
                va_start(more, flags);
                mode = va_arg(more, mode_t);
                value = va_arg(more, unsigned);
                va_end(more);
        }
        AROUND(sem_open, sem_open, sem_t *, (const char *, int, ...), (name, flags, mode, value), SEM_FAILED);
}

mqd_t WRAPPER(mq_open)(const char *name, int flags, ...);
mqd_t WRAPPER(mq_open)(const char *name, int flags, ...)
{
        mode_t mode = 0;
        struct mq_attr *attributes = NULL;

        if (flags & O_CREAT) {
                va_list more;
                va_start(more, flags);
                mode = va_arg(more, mode_t);
                attributes = va_arg(more, struct mq_attr *);
                va_end(more);
        }
        AROUND(mq_open, mq_open, mqd_t, (const char *, int, ...), (name, flags, mode, attributes), (mqd_t)-1);
}

#ifndef IPCK_WRAPPED
SEMCTL(__semctl64)

/* What _FORTIFY_SOURCE makes of a call without O_CREAT. */
DEFINE(__mq_open_2, mq_open, mqd_t, (const char *name, int flags), (name, flags), (mqd_t)-1)
#endif

#pragma GCC visibility pop

#endif
