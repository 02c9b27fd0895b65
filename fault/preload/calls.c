/* SPDX-License-Identifier: MIT
 *
 * calls.c: the calls themselves, each as the C library has it but for what a scenario says.
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdlib.h>

#include "fault.h"

/* The C library's own; looked up when first called, for others may call before this library is initialized. */
#define REAL(symbol, type, parameters)                                                          \
        __extension__({                                                                         \
                static type(*volatile found) parameters;                                        \
                if (!found)                                                                     \
                        *(void *volatile *)&found = dlsym(RTLD_NEXT, #symbol);                  \
                if (!found)                                                                     \
                        abort();                                                                \
                found;                                                                          \
        })

#define FAULTY(symbol, name, type, parameters, arguments, failure)                              \
        do {                                                                                    \
                struct fault fault;                                                             \
                if (fault_idle || !fault_decides(CALL_##name, &fault))                          \
                        return REAL(symbol, type, parameters) arguments;                        \
                if (fault_enters(CALL_##name, &fault))                                          \
                        return failure;                                                         \
                type result = REAL(symbol, type, parameters) arguments;                         \
                fault_leaves(CALL_##name, &fault, result == failure);                           \
                return result;                                                                  \
        } while (0)

#pragma GCC visibility push(default)

#define CALL(name, type, parameters, arguments, point, failure, ...)                            \
        type name parameters                                                                    \
        {                                                                                       \
                FAULTY(name, name, type, parameters, arguments, failure);                       \
        }
#define VARIADIC(...)
#define ALIAS(symbol, name, type, parameters, arguments)                                        \
        type symbol parameters;                                                                 \
        type symbol parameters                                                                  \
        {                                                                                       \
                FAULTY(symbol, name, type, parameters, arguments, -1);                          \
        }
#define VARIADIC_ALIAS(...)
#include "../calls.def"
#undef CALL
#undef VARIADIC
#undef ALIAS
#undef VARIADIC_ALIAS

/* The fourth argument is a union of the size of a pointer; where the caller passed none, what is read here is not used. */
#define SEMCTL(symbol)                                                                          \
        int symbol(int id, int number, int command, ...);                                       \
        int symbol(int id, int number, int command, ...)                                        \
        {                                                                                       \
                va_list more;                                                                   \
                va_start(more, command);                                                        \
                void *const argument = va_arg(more, void *);                                    \
                va_end(more);                                                                   \
                FAULTY(symbol, semctl, int, (int, int, int, ...), (id, number, command, argument), -1); \
        }
SEMCTL(semctl)
SEMCTL(__semctl64)

sem_t *sem_open(const char *name, int flags, ...)
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
        FAULTY(sem_open, sem_open, sem_t *, (const char *, int, ...), (name, flags, mode, value), SEM_FAILED);
}

mqd_t mq_open(const char *name, int flags, ...)
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
        FAULTY(mq_open, mq_open, mqd_t, (const char *, int, ...), (name, flags, mode, attributes), (mqd_t)-1);
}

/* What _FORTIFY_SOURCE makes of a call without O_CREAT. */
mqd_t __mq_open_2(const char *name, int flags);
mqd_t __mq_open_2(const char *name, int flags)
{
        FAULTY(__mq_open_2, mq_open, mqd_t, (const char *, int), (name, flags), (mqd_t)-1);
}
