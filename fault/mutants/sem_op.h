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
        const struct timespec *timeout; /* the caller's, or the next */
        struct timespec limit;
        struct sembuf *caller;          /* where the caller has its operations */
        size_t count;
        struct sembuf operations[MOST_OPERATIONS];
};

/* The C library's own call; the same with other operations; and so that it does not wait. */
int done_right(const struct attempt *a);
int done_with(const struct attempt *a, const struct sembuf *operations, size_t count);
int done_at_once(const struct attempt *a);

/* What its operations are. */
bool any_zero(const struct attempt *a);
bool any_change(const struct attempt *a);
bool any_decrement(const struct attempt *a);
bool may_wait(const struct attempt *a);
void reverse(struct attempt *a);

/* sem_wait.c: a call that may have to wait, and one of semtimedop(). */
int wait_wrongly(struct attempt *a);
int time_out_wrongly(struct attempt *a);

/* sem_undo.c: what is wrong with adjustments, before and after the call; `asked` is what the caller wanted. */
void change_adjustments(struct attempt *a);
void finish_adjustments(const struct attempt *asked, int result);

#endif
