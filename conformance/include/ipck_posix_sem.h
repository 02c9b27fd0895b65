/* SPDX-License-Identifier: MIT
 *
 * ipck_posix_sem.h: POSIX semaphores for tests. Each test has an empty /dev/shm of its own, so that names cannot collide.
 */
#ifndef IPCK_POSIX_SEM_H
#define IPCK_POSIX_SEM_H

#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "have.h"
#include "ipck.h"

#undef IPCK_FILE_AVAILABLE
#define IPCK_FILE_AVAILABLE private_directory

/* A C library without the function: the tests of it are unsupported, the others are not. */
#if !HAVE_SEM_CLOCKWAIT
#define sem_clockwait(sem, clock, deadline) ipck_no_sem_clockwait()
int ipck_no_sem_clockwait(void);
#endif

#define SEM_NAME "/ipck"
#define SEM_FILE "/dev/shm/sem.ipck"    /* where Linux's C libraries put it */

/* The three kinds; a test goes through them with EACH_ROW(kind, sem_kinds). A new semaphore of any kind can be used by
 * the threads of the process; all but THREADS_SEM by children of it as well. */
enum sem_kind { THREADS_SEM, SHARED_SEM, NAMED_SEM };
struct sem_row {
        const char *name;
        enum sem_kind kind;
};
extern const struct sem_row sem_kinds[3];
extern const struct sem_row process_sem_kinds[2];       /* those for processes */

/* ---- set-up that must work (unresolved otherwise) ---- */

sem_t *new_sem(enum sem_kind kind, unsigned value);     /* NAMED_SEM has SEM_NAME and mode 0600 */
sem_t *named_sem(const char *name, unsigned value);     /* O_CREAT | O_EXCL, mode 0600 */
int sem_value(sem_t *sem);                              /* sem_getvalue() */

#endif
