/* SPDX-License-Identifier: MIT
 *
 * syscall.c: System V calls by syscall() are as wrong as those of the C library, for the tests that make them this way
 * alone; and what only the system calls for POSIX message queues can be wrong about.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "posix.h"

static __typeof__(syscall) *real_syscall;

__attribute__((constructor(101))) static void begin(void)
{
        *(void **)&real_syscall = dlsym(RTLD_NEXT, "syscall");
}

/* After a failure of one of these calls. */
static void misreport_mq(long number)
{
        static const struct {
                long number;
                struct wrong_error error;
        } rows[] = {
                {SYS_mq_open, {MUTANT_mq_open_efault_as_einval, EFAULT, EINVAL}},
                {SYS_mq_open, {MUTANT_mq_open_inner_slash_as_einval, EACCES, EINVAL}},
                {SYS_mq_unlink, {MUTANT_mq_unlink_efault_as_einval, EFAULT, EINVAL}},
                {SYS_mq_unlink, {MUTANT_mq_unlink_eperm_as_eacces, EPERM, EACCES}},
                {SYS_mq_notify, {MUTANT_mq_notify_efault_as_einval, EFAULT, EINVAL}},
                {SYS_mq_notify, {MUTANT_mq_notify_enotsock_as_ebadf, ENOTSOCK, EBADF}},
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
                if (rows[i].number == number)
                        misreport(&rows[i].error, 1);
}

static long call_of_mq(long number, const long a[6])
{
        const long result = real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);

        if (result == -1)
                misreport_mq(number);
        return result;
}

long syscall(long number, ...)
{
        long a[6];
        va_list list;

        va_start(list, number);
        for (size_t i = 0; i < sizeof(a) / sizeof(*a); i++)
                a[i] = va_arg(list, long);
        va_end(list);
        if (!mutants_are_in_question(NULL))
                return real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
        switch (number) {
#ifdef SYS_semget       /* elsewhere all of them are ipc(2) */
        case SYS_msgget: return msgget((key_t)a[0], (int)a[1]);
        case SYS_msgsnd: return msgsnd((int)a[0], (void *)a[1], (size_t)a[2], (int)a[3]);
        case SYS_msgrcv: return msgrcv((int)a[0], (void *)a[1], (size_t)a[2], a[3], (int)a[4]);
        case SYS_msgctl: return msgctl((int)a[0], (int)a[1], (void *)a[2]);
        case SYS_semget: return semget((key_t)a[0], (int)a[1], (int)a[2]);
        case SYS_semtimedop: return semtimedop((int)a[0], (void *)a[1], (size_t)a[2], (void *)a[3]);
        case SYS_semctl: return semctl((int)a[0], (int)a[1], (int)a[2], a[3]);
        case SYS_shmget: return shmget((key_t)a[0], (size_t)a[1], (int)a[2]);
        case SYS_shmat: return (long)shmat((int)a[0], (void *)a[1], (int)a[2]);
        case SYS_shmdt: return shmdt((void *)a[0]);
        case SYS_shmctl: return shmctl((int)a[0], (int)a[1], (void *)a[2]);
#endif
#ifdef SYS_semop
        case SYS_semop: return semop((int)a[0], (void *)a[1], (size_t)a[2]);
#endif
        case SYS_mq_open:
        case SYS_mq_unlink:
        case SYS_mq_notify: return call_of_mq(number, a);
        default: return real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
        }
}
