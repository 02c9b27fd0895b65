/* SPDX-License-Identifier: MIT
 *
 * syscall.c: System V calls by syscall() are as wrong as those of the C library, for the tests that make them this way
 * alone.
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mutants.h"

static __typeof__(syscall) *real_syscall;

__attribute__((constructor(101))) static void begin(void)
{
        *(void **)&real_syscall = dlsym(RTLD_NEXT, "syscall");
}

long syscall(long number, ...)
{
        long a[6];
        va_list list;

        va_start(list, number);
        for (size_t i = 0; i < sizeof(a) / sizeof(*a); i++)
                a[i] = va_arg(list, long);
        va_end(list);
        if (!mutants_are_in_question())
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
        default: return real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
        }
}
