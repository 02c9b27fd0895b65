/* SPDX-License-Identifier: MIT
 *
 * posix_sem.c: set-up for tests of POSIX semaphores.
 */
#include "internal.h"
#include "ipck_posix_sem.h"

const struct sem_row sem_kinds[3] = {
        {"unnamed, pshared 0", THREADS_SEM}, {"unnamed, pshared 1", SHARED_SEM}, {"named", NAMED_SEM},
};
const struct sem_row process_sem_kinds[2] = {{"unnamed, pshared 1", SHARED_SEM}, {"named", NAMED_SEM}};

#if !HAVE_SEM_CLOCKWAIT
int ipck_no_sem_clockwait(void)
{
        UNSUPPORTED("sem_clockwait() in the C library");
}
#endif

sem_t *named_sem(const char *name, unsigned value)
{
        sem_t *sem = sem_open(name, O_CREAT | O_EXCL, 0600, value);

        if (sem == SEM_FAILED)
                CANNOT("sem_open");
        return sem;
}

sem_t *new_sem(enum sem_kind kind, unsigned value)
{
        if (kind == NAMED_SEM)
                return named_sem(SEM_NAME, value);
        sem_t *const sem = shared(sizeof(*sem));
        MUST(sem_init(sem, kind == SHARED_SEM, value));
        return sem;
}

int sem_value(sem_t *sem)
{
        int value = 0x5a5a5a5a;

        MUST(sem_getvalue(sem, &value));
        return value;
}
