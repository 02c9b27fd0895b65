/* SPDX-License-Identifier: MIT
 *
 * sem.h: what the files of wrong System V semaphores share. What asks the implementation keeps errno.
 */
#ifndef IPCK_MUTANTS_SEM_H
#define IPCK_MUTANTS_SEM_H

#include <linux/capability.h>

#include "mutants.h"

union semun {
        int val;
        struct semid_ds *buf;
        unsigned short *array;
        struct seminfo *info;
};

enum { SEMVMX = 32767 };

/* What one of them remembers the others report. */
#define SEM_CALLS "semop semtimedop semctl semget"

/* ---- asking ---- */

/* IPC_STAT of a set that the caller need not be allowed to read; false where there is none. */
bool describe(int id, struct semid_ds *ds);
bool set_exists(int id);

/* GETVAL, GETPID, GETNCNT, GETZCNT; -1 where the caller may not. */
int ask(int id, int number, int command);

/* IPC_INFO, SEM_INFO. */
struct seminfo sem_info(int command);

/* Whether the caller is privileged to use objects of others (CAP_IPC_OWNER) or to change them (CAP_SYS_ADMIN). */
bool has_privilege(int capability);

/* The class of the caller, as the shift of its bits in a mode; and which of the identifiers made it a member. */
gid_t filesystem_group(void);
enum kinship { OWNER, CREATOR, OWNING_GROUP, CREATING_GROUP, OTHER };
enum kinship kinship(const struct ipc_perm *perm);
int bits_of(const struct ipc_perm *perm, enum kinship kinship);

/* Time in which somebody else may come between the steps of what should be one. */
void let_others_run(void);

/* CLOCK_REALTIME_COARSE in seconds, where time stamps come from. */
time_t present(void);

/* The identifier that a set is given, and the set that an identifier means. */
int id_given(int id);
int id_meant(int id);

/* What the end of a process does to sets that it made. */
void leave_sets(void);

/* ---- remembering ---- */

enum field { PID, OTIME, CTIME };

/* From here on where the field has the value `real`, `instead` is reported. */
void show(enum field field, int id, int number, long real, long instead);

/* What is to be reported of a field that has the value `real`. */
long shown(enum field field, int id, int number, long real);

enum { WATCHED = 8 };
enum cause { BY_NOBODY, BY_SINGLE, BY_ARRAY, BY_SEMCTL, BY_END };

/* Notes what is about to change a value. */
void announce(enum cause cause);

struct sem_memory {
        _Atomic unsigned used;
        struct {
                enum field field;
                int id, number;
                long real, instead;
        } shown[100];
        _Atomic long charged;           /* semaphores that count although there are none */
        _Atomic enum cause cause;       /* of the last change of a value */
        _Atomic int woken, arrays;      /* waiters that it let go on; arrays that wait */
        int first_name, now_named;      /* 1 more than an identifier that was used again, and than its set's own */
        int removed;                    /* 1 more than the identifier of the set that was removed last */
        _Atomic int waiting[WATCHED];   /* GETNCNT's last answers */
        _Atomic int served[WATCHED];    /* how many have waited and gone on */
        int old_count;
        unsigned short old[1024];       /* values of the set that was removed last */
};
struct sem_memory *sem_memory(void);

/* ---- adjustments: the undo list of this process as it should be ---- */

/* Notes entries that have been done; forgets all where the process is another than before. */
void note_adjustments(int id, const struct sembuf *operations, size_t count);

/* The adjustment of a semaphore, 0 where there is none; and each of them until it answers false. */
int adjustment(int id, int number);
bool next_adjustment(size_t *at, int *id, int *number, int *sum);
void forget_adjustment(int id, int number);

/* Changes the kernel's adjustment of a semaphore by so much and no value. */
void adjust(int id, int number, int by);

#endif
