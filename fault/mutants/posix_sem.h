/* SPDX-License-Identifier: MIT
 *
 * posix_sem.h: what the files that break POSIX semaphores share.
 */
#ifndef IPCK_MUTANTS_POSIX_SEM_H
#define IPCK_MUTANTS_POSIX_SEM_H

#include "posix.h"

/* ---- glibc's semaphores of 64-bit machines: nptl/internaltypes.h struct new_sem ---- */

struct inside {
        _Atomic uint32_t value, waiters;
        int private, padding;
        _Atomic uint32_t unused[4];             /* of sem_t, not of glibc's structure */
};
_Static_assert(sizeof(struct inside) == sizeof(sem_t), "sem_t");

enum { DESTROYED = 0, OWNER = 1, OWNERS_PROCESS = 2, WAITS = 3 };       /* places in `unused` */
enum { DESTROYED_MARK = 0x64656164 };

/* What one of them remembers the others ask for. */
#define POSIX_SEM_CALLS                                                                                 \
        "sem_open sem_close sem_unlink sem_init sem_destroy sem_wait sem_trywait sem_timedwait sem_clockwait "  \
        "sem_post sem_getvalue"

static inline struct inside *inside(sem_t *sem)
{
        return (struct inside *)(void *)sem;
}

#endif
