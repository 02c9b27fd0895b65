/* SPDX-License-Identifier: MIT
 *
 * sem_op.h: a call of semop() or semtimedop() on its way.
 */
#ifndef IPCK_MUTANTS_SEM_OP_H
#define IPCK_MUTANTS_SEM_OP_H

#include "sem.h"

enum { MOST_OPERATIONS = 512 };

struct attempt {
        int id;
        bool timed;                     /* semtimedop() */
        const struct timespec *timeout;
        struct sembuf *caller;          /* where the caller has its operations */
        size_t count;
        struct sembuf operations[MOST_OPERATIONS];
};

/* The C library's own call. */
int done_right(const struct attempt *a);

/* sem_undo.c: what is wrong with adjustments, before and after the call; `asked` is what the caller wanted. */
void change_adjustments(struct attempt *a);
void finish_adjustments(const struct attempt *asked, int result);

#endif
