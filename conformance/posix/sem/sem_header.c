/* SPDX-License-Identifier: MIT
 *
 * <semaphore.h> and what <limits.h> says of semaphores: types, constants, prototypes, and linkage from C++.
 */
#include "ipck_header.h"
#include "ipck_posix_sem.h"

#undef IPCK_FILE_AVAILABLE
#define IPCK_FILE_AVAILABLE NULL

TEST(sem_t_is_an_object_type, VERIFIES(semaphore_h_sem_t))
{
        sem_t pair[2];

        need_names();
        HOLDS(semaphore_h_sem_t, visible(semaphore_names, "sem_t"));
        HOLDS(semaphore_h_sem_t, sizeof(pair) == 2 * sizeof(sem_t) && sizeof(sem_t) > 0);
        HOLDS(semaphore_h_sem_t, !__builtin_types_compatible_p(sem_t *, void *));
}

TEST(sem_failed_is_a_pointer, VERIFIES(semaphore_h_sem_failed))
{
        sem_t object;

        need_names();
        HOLDS(semaphore_h_sem_failed, visible(semaphore_names, "SEM_FAILED"));
        HOLDS(semaphore_h_sem_failed, __builtin_types_compatible_p(__typeof__(SEM_FAILED), sem_t *));
        HOLDS(semaphore_h_sem_failed, &object != SEM_FAILED);
}

TEST(functions_are_declared, VERIFIES(semaphore_h_protos))
{
        static const struct name functions[] = {
                {"sem_close"}, {"sem_destroy"}, {"sem_getvalue"}, {"sem_init"}, {"sem_open"}, {"sem_post"},
                {"sem_timedwait"}, {"sem_trywait"}, {"sem_unlink"}, {"sem_wait"},
        };

        HOLDS(semaphore_h_protos, FUNCTION_IS(sem_close, int(sem_t *)));
        HOLDS(semaphore_h_protos, FUNCTION_IS(sem_destroy, int(sem_t *)));
        HOLDS(semaphore_h_protos, FUNCTION_IS(sem_getvalue, int(sem_t *, int *)));
        HOLDS(semaphore_h_protos, FUNCTION_IS(sem_init, int(sem_t *, int, unsigned)));
        HOLDS(semaphore_h_protos, FUNCTION_IS(sem_open, sem_t *(const char *, int, ...)));
        HOLDS(semaphore_h_protos, FUNCTION_IS(sem_post, int(sem_t *)));
        HOLDS(semaphore_h_protos, FUNCTION_IS(sem_timedwait, int(sem_t *, const struct timespec *)));
        HOLDS(semaphore_h_protos, FUNCTION_IS(sem_trywait, int(sem_t *)));
        HOLDS(semaphore_h_protos, FUNCTION_IS(sem_unlink, int(const char *)));
        HOLDS(semaphore_h_protos, FUNCTION_IS(sem_wait, int(sem_t *)));
        /* Also to a program that asks for no more than the standard. */
        need_names();
        EACH_ROW(function, functions)
                HOLDS(semaphore_h_protos, visible(semaphore_names, function->name));
}

TEST(sem_clockwait_is_declared, VERIFIES(semaphore_h_clockwait_proto))
{
#if HAVE_SEM_CLOCKWAIT
        HOLDS(semaphore_h_clockwait_proto,
              FUNCTION_IS(sem_clockwait, int(sem_t *, clockid_t, const struct timespec *)));
#else
        if (_POSIX_VERSION < 202405L)
                UNSUPPORTED("POSIX.1-2024 (_POSIX_VERSION is %ld)", (long)_POSIX_VERSION);
        HOLDS(semaphore_h_clockwait_proto, HAVE_SEM_CLOCKWAIT);
#endif
}

TEST(largest_value_is_large_enough, VERIFIES(semaphore_h_value_max))
{
        enum { LEAST = 32767 };

        errno = 0;
        const long most = sysconf(_SC_SEM_VALUE_MAX);
        const int error = errno;
        /* -1 without an error: no limit. */
        HOLDS(semaphore_h_value_max, most >= LEAST || (most == -1 && error == 0));
        EQ(semaphore_h_value_max, _POSIX_SEM_VALUE_MAX, LEAST);
#ifdef SEM_VALUE_MAX
        HOLDS(semaphore_h_value_max, IS_CONSTANT(SEM_VALUE_MAX));
        HOLDS(semaphore_h_value_max, SEM_VALUE_MAX >= LEAST);
        HOLDS(semaphore_h_value_max, most >= SEM_VALUE_MAX || most == -1);
#endif
}

TEST(most_semaphores_are_enough, VERIFIES(semaphore_h_nsems_max))
{
        enum { LEAST = 256 };

        errno = 0;
        const long most = sysconf(_SC_SEM_NSEMS_MAX);
        const int error = errno;
        HOLDS(semaphore_h_nsems_max, most >= LEAST || (most == -1 && error == 0));
        EQ(semaphore_h_nsems_max, _POSIX_SEM_NSEMS_MAX, LEAST);
#ifdef SEM_NSEMS_MAX
        HOLDS(semaphore_h_nsems_max, IS_CONSTANT(SEM_NSEMS_MAX));
        HOLDS(semaphore_h_nsems_max, SEM_NSEMS_MAX >= LEAST);
        HOLDS(semaphore_h_nsems_max, most >= SEM_NSEMS_MAX || most == -1);
#endif
}

TEST(functions_link_from_cxx, VERIFIES(semaphore_h_cxx))
{
        if (SEMAPHORE_H_LINKS_FROM_CXX == -1)
                UNSUPPORTED("a C++ compiler when the tests were built");
        EQ(semaphore_h_cxx, SEMAPHORE_H_LINKS_FROM_CXX, 1);
}
