/* SPDX-License-Identifier: MIT
 *
 * sem.c: wrong implementations of the System V semaphore calls.
 */
#include "mutants.h"

static bool any(const struct sembuf *operations, size_t count, int flag)
{
        for (size_t i = 0; i < count; i++)
                if (operations[i].sem_flg & flag)
                        return true;
        return false;
}

static void clear(struct sembuf *operations, size_t count, int flag)
{
        for (size_t i = 0; i < count; i++)
                operations[i].sem_flg = (short)(operations[i].sem_flg & ~flag);
}

int semop(int id, struct sembuf *operations, size_t count)
{
        enum { MOST = 500 };    /* kernel.sem's SEMOPM allows no more by default */
        struct sembuf changed[MOST];

        if (count > MOST || !peek(changed, operations, count * sizeof(*changed)))
                return real_semop(id, operations, count);
        if (any(operations, count, IPC_NOWAIT) && chosen(semop_nowait_ignored))
                clear(changed, count, IPC_NOWAIT);
        if (any(operations, count, SEM_UNDO) && chosen(semop_undo_ignored))
                clear(changed, count, SEM_UNDO);
        return real_semop(id, changed, count);
}
