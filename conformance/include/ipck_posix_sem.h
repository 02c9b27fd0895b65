/* SPDX-License-Identifier: MIT
 *
 * ipck_posix_sem.h: POSIX semaphores for tests. Each test has an empty /dev/shm of its own, so that names cannot
 * collide.
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
#include "ipck_thread.h"

#undef IPCK_FILE_AVAILABLE
#define IPCK_FILE_AVAILABLE private_directory

/* A C library without the function: the tests of it are unsupported, the others are not. */
#if !HAVE_SEM_CLOCKWAIT
#define sem_clockwait ipck_no_sem_clockwait
int ipck_no_sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *deadline);
#endif

#define SEM_NAME "/ipck"

/* The three kinds; a test goes through them with EACH_ROW(kind, sem_kinds). A new semaphore of any kind can be used by
 * the threads of the process; all but THREADS_SEM by children of it as well. */
enum sem_kind { THREADS_SEM, SHARED_SEM, NAMED_SEM };
struct sem_row {
        const char *name;
        enum sem_kind kind;
};
extern const struct sem_row sem_kinds[3];
extern const struct sem_row process_sem_kinds[2];       /* those for processes */

/* Values at which nobody has to wait. */
extern const struct sem_count {
        const char *name;
        unsigned value;
} positive_values[6];

/* ---- set-up that must work (unresolved otherwise) ---- */

sem_t *new_sem(enum sem_kind kind, unsigned value);     /* NAMED_SEM has SEM_NAME and mode 0600 */
sem_t *named_sem(const char *name, unsigned value);     /* O_CREAT | O_EXCL, mode 0600 */
int sem_value(sem_t *sem);                              /* sem_getvalue() */
int sem_units(sem_t *sem);                              /* the same, or 0 where it says how many wait */
sem_t *fresh_sem(enum sem_kind kind, unsigned value);   /* as new_sem(), but as many as wanted: each has its own name */

/* ---- the calls that wait, for what is said of all of them ---- */

struct sem_way {
        const char *name;
        enum { WAITS, TIMED, ON_CLOCK } call;
        clockid_t clock;                                /* of its deadline */
};
extern const struct sem_way plain_way, timed_way;       /* sem_wait(), sem_timedwait() */
extern const struct sem_way clock_ways[2];              /* sem_clockwait(): CLOCK_REALTIME, CLOCK_MONOTONIC */

int sem_lock(sem_t *sem, const struct sem_way *way, const struct timespec *deadline);

/* The same for a call that must not wait: one that waits is ended by a signal, so that it fails with EINTR. */
int sem_lock_at_once(sem_t *sem, const struct sem_way *way, const struct timespec *deadline);

/* Farther away than any test lives. */
struct timespec no_deadline(const struct sem_way *way);

/* Whether the clock of the way has reached the deadline. */
bool deadline_is_past(const struct sem_way *way, const struct timespec *deadline);

/* ---- callers ---- */

/* Who shares a semaphore: threads of the test's process, or processes; EACH_ROW(use, sem_uses). */
struct sem_use {
        const char *name;
        enum sem_kind kind;
        bool processes;
};
extern const struct sem_use sem_uses[5];

/* A thread or process that is in one call. */
struct waiter {
        sem_t *sem;
        const struct sem_way *way;
        struct timespec deadline;
        bool process;
        struct thread thread;
        struct child child;
        int result;                                     /* 0 or the errno value, once it is back */
};

/* Starts one that has its members set; in memory that processes share where it is one. */
void begin_waiter(struct waiter *w);

/* Starts count of them, and returns when all wait or are back. */
struct waiter *start_waiters(const struct sem_use *use, sem_t *sem, const struct sem_way *way, int count);
struct waiter *start_waiter(const struct sem_use *use, sem_t *sem, const struct sem_way *way);

bool is_back(const struct waiter *w);
bool is_waiting(const struct waiter *w);
int count_back(const struct waiter *waiters, int count);

/* Whether each waits or is back, so that it is through with a wake-up if there was one. */
bool all_settled(const struct waiter *waiters, int count);

/* Whether it sleeps although there is a unit and everybody else is through: so many looks in a row that a wake-up on
 * its way would have arrived. */
bool is_stuck(const struct waiter *w);

/* Sends the signal to that thread or process alone. */
void signal_waiter(const struct waiter *w, int signo);

/* Joins them; once they are back. */
void end_waiters(struct waiter *waiters, int count);

/* The same work in several threads or processes at once: work(n, arg) with n from 0. They begin together. */
struct crowd {
        bool processes;
        int count;
        _Atomic int here;
        struct thread threads[8];
        struct child children[8];
};
struct crowd *start_crowd(const struct sem_use *use, int count, int (*work)(int n, void *arg), void *arg);
bool crowd_done(const struct crowd *crowd);
void end_crowd(struct crowd *crowd);                    /* once it is done */

#endif
