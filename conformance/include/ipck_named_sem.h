/* SPDX-License-Identifier: MIT
 *
 * ipck_named_sem.h: named semaphores for tests: verdicts on sem_open(), the file behind a name, and what is left over.
 */
#ifndef IPCK_NAMED_SEM_H
#define IPCK_NAMED_SEM_H

#include "ipck_dev_shm.h"
#include "ipck_posix_sem.h"

/* OPEN_FAILS_WITH(req, ERRNO, call) and SEM_OPENS(req, call): FAILS_WITH for calls that return SEM_FAILED, and a call
 * that must return something else; returns it. */
#define OPEN_FAILS_WITH(req, err, call) \
        ipck_fails_with(IPCK_HERE, req, #call, err, (errno = 0, ipck_opened(call)))
#define SEM_OPENS(req, call) ipck_sem_opens(IPCK_HERE, req, #call, (errno = 0, (call)))

static inline intptr_t ipck_opened(const sem_t *sem)
{
        return sem == SEM_FAILED ? -1 : (intptr_t)sem;
}
sem_t *ipck_sem_opens(struct ipck_here, enum ipck_requirement, const char *call, sem_t *got);

/* Names to go through: "/ipck-0", "/ipck-1" .. */
struct numbered {
        char name[32];
};
struct numbered numbered(int n);

/* ---- the file behind a name, for what cannot be seen through a semaphore ---- */

/* Where the C library puts the semaphore of that name; UNSUPPORTED where it is not below /dev/shm. sem_file_of() is for
 * one that exists, sem_path() for one that need not. */
const char *sem_file_of(const char *name);
const char *sem_path(const char *name);
struct stat sem_stat(const char *name);

/* A named semaphore that another user created, with exactly that mode. */
void sem_of(uid_t uid, const char *name, unsigned value, int mode);

/* The mode of a semaphore that exists, whatever the umask. */
void set_sem_mode(const char *name, int mode);

/* ---- the process ---- */

#define SEM_MAPPING " " DEV_SHM "/"
int count_mappings(const char *of);     /* how many of its mappings have that in their line, -1 where nobody can tell */
int sem_mappings(void);                 /* those of semaphores; UNSUPPORTED then */

#endif
