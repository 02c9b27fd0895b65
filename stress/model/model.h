/* SPDX-License-Identifier: MIT
 *
 * model.h: executable specifications of IPC objects.
 *
 * A model holds what the catalogue (conformance/requirements) promises of one object: a semaphore set, a message queue,
 * a segment. It is pure: no input or output, no globals, no allocation. Its state is the object under one key or name,
 * or that there is none; a plain struct that can be copied, compared and hashed as bytes. Given a state, an operation
 * and its outcome, step() tells whether the requirements allow the outcome, and the states that the object may be in
 * then. Each rule names its requirement by the enumerator that is generated from the catalogue:
 *
 *      fault(&j, !may(o->actor, &set->object, READ), EACCES, semctl_getall_eacces);
 *
 * Where several errors apply, POSIX leaves open which of them is reported, and so does step(), unless a requirement
 * promises an order. A requirement can be waived, for an implementation that is known to deviate: what it alone demands
 * is then neither demanded nor forbidden.
 */
#ifndef STRESS_MODEL_H
#define STRESS_MODEL_H

#include <errno.h>
#include <mqueue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/sem.h>
#include <sys/types.h>

#include "numbers.h"
#include "reqs.h"

/* ---- operations ---- */

enum call {
        CALL_semget, CALL_semop, CALL_semtimedop, CALL_semctl,
        CALL_msgget, CALL_msgsnd, CALL_msgrcv, CALL_msgctl,
        CALL_shmget, CALL_shmat, CALL_shmdt, CALL_shmctl,
        CALL_sem_open, CALL_sem_close, CALL_sem_unlink, CALL_sem_init, CALL_sem_destroy,
        CALL_sem_post, CALL_sem_wait, CALL_sem_trywait, CALL_sem_timedwait, CALL_sem_clockwait, CALL_sem_getvalue,
        CALL_mq_open, CALL_mq_close, CALL_mq_unlink, CALL_mq_send, CALL_mq_timedsend, CALL_mq_receive,
        CALL_mq_timedreceive, CALL_mq_getattr, CALL_mq_setattr, CALL_mq_notify,
        CALL_exit,                      /* the end of a process, by whatever cause */
        CALL_interrupt,                 /* a signal is caught by the actor while it waits */
        CALLS
};
extern const char *const call_names[CALLS];

enum { MODEL_PROCESSES = 8, MODEL_WAITERS = 16 };

/* Who calls. The processes of a history are numbered from 0. */
struct actor {
        uint8_t process;                /* below MODEL_PROCESSES */
        bool privileged;                /* has all capabilities */
        int pid;
        uid_t uid;                      /* effective */
        gid_t gid, extra;               /* effective, and a supplementary one */
        unsigned umask;
};

/* What is passed. Members that a call does not have are 0. Pointers belong to the caller and stay as they are. */
struct operation {
        enum call call;
        const struct actor *actor;
        unsigned number;                /* differs between the operations of a history; what tells waiters apart */
        int id;                         /* identifier or descriptor, as returned by the call that made it */
        int flags;                      /* semflg, msgflg, shmflg, oflag */
        unsigned mode;                  /* permission bits, of sem_open() and mq_open() */
        int key;                        /* of *get */
        int command;                    /* of *ctl */
        bool bad_address;               /* the pointer is to memory that cannot be read or written */
        bool bad_text;                  /* the same of the text of a message alone */
        bool bad_timeout;               /* the same of the timeout */
        int64_t size;                   /* nsems, nsops, msgsz, bytes of a segment; -1 is SIZE_MAX */
        int64_t type;                   /* mtype, msgtyp, priority */
        uint32_t text;                  /* which text a message has: see text_begins() */
        int semnum;
        int64_t value;                  /* of SETVAL and of a new semaphore */
        const struct timespec *timeout; /* NULL: none. Its outcome decides whether it has passed */
        union {
                const struct sembuf *entries;           /* size of them */
                const unsigned short *values;           /* of SETALL, as many as the set has */
                const struct mq_attr *attr;
                const struct setting {                  /* of IPC_SET */
                        uid_t uid;
                        gid_t gid;
                        unsigned mode;
                        uint64_t qbytes;
                } *set;
        };
};

/* ---- outcomes ---- */

enum { LEFT_OVER_BYTES = 1, ARGUMENT_CHANGED = 2, TEXT_GARBLED = 4, RESERVED_NOT_ZERO = 8, WRITTEN_BEYOND = 16 };

/* What IPC_STAT and its like report of any object. */
struct stat_report {
        uid_t uid, cuid;
        gid_t gid, cgid;
        unsigned mode;
        int key;
        int64_t ctime;
        union {
                struct {
                        uint64_t nsems;
                        int64_t otime;
                } sem;
                struct {
                        uint64_t qnum, cbytes, qbytes;
                        int lspid, lrpid;
                        int64_t stime, rtime;
                } msg;
                struct {
                        uint64_t size, nattch;
                        int cpid, lpid;
                        int64_t atime, dtime;
                } shm;
        };
};

struct outcome {
        int64_t value;                  /* what was returned; for shmat(), 0 */
        int error;                      /* errno where it was -1, else 0 */
        bool blocked;                   /* it has not returned: the caller waits */
        uint8_t odd;                    /* LEFT_OVER_BYTES | ...: what no call may do */
        int64_t from, to;               /* seconds on the clock of the time stamps between which it took effect; 0, 0
                                           where nobody looked: time stamps are then not judged */
        int64_t type;                   /* of the message received; its priority */
        uint32_t text;                  /* of the message received: see text_begins() */
        union {
                const unsigned short *values;           /* of GETALL */
                const struct stat_report *stat;
                const struct mq_attr *attr;
        };
};

/* ---- what a rule says ---- */

/* Why an outcome is not allowed: the requirement that it contradicts. */
struct contradiction {
        enum ipck_requirement requirement;
        const char *what;               /* the member or result that is wrong; "errno" */
        int64_t want, got;              /* for "errno" error numbers, 0 for success */
        int at;                         /* which of several values of that name */
};

/* The limits of the namespace, and what is not demanded. */
struct limits {
        int semmsl, semopm;
        int64_t msgmax, msgmnb;
        uint64_t shmmax, shmmin;
        int64_t mq_msg_max, mq_msgsize_max, mq_msg_default, mq_msgsize_default;
        bool room;                      /* for one object more: below semmni, msgmni, shmmni */
        bool may_raise;                 /* privileged actors may exceed msgmnb and the limits of POSIX queues */
        bool msg_copy;                  /* MSG_COPY is there (CONFIG_CHECKPOINT_RESTORE) */
        uint64_t waived[(IPCK_REQUIREMENTS + 63) / 64];
};

/* More possible states than that are not distinguished. */
enum { MODEL_NEXT = 2 };

struct model {
        const char *name;
        size_t most;                    /* bytes of the largest state */

        /* The object does not exist. */
        void (*init)(void *state);

        /* Bytes of this state: all that is to be copied, compared and hashed. */
        size_t (*size)(const void *state);

        /* The states in which the object may be after the operation had this outcome: at most MODEL_NEXT of them, in
         * next[]; their number, 0 where the outcome is not allowed, *why then. A caller that waits has the outcome
         * `blocked`, and later, with the same operation, one that tells how it came back. next[] may not be state. */
        int (*step)(const void *state, const struct limits *, const struct operation *, const struct outcome *,
                    void *const next[], struct contradiction *why);

        /* Whether the operation, which waits, could complete: true while nothing more happens is a lost wake-up. */
        bool (*enabled)(const void *state, const struct operation *);

        /* The state as one line of text. */
        void (*describe)(const void *state, char *text, size_t size);
};

extern const struct model sem_model, msg_model, shm_model, posix_sem_model, mq_model;

bool states_equal(const struct model *, const void *a, const void *b);
uint64_t state_hash(const struct model *, const void *state);
void copy_state(const struct model *, void *to, const void *from);

/* An operation as the C call that it is, and an outcome as what it returned. */
void describe_operation(const struct operation *, char *text, size_t size);
void describe_outcome(const struct operation *, const struct outcome *, char *text, size_t size);

/* "semop.eagain.dec: errno is 0, wanted EAGAIN" */
void describe_contradiction(const struct contradiction *, char *text, size_t size);

/* The texts of messages: that of number n begins with the four bytes of n and goes on with bytes that follow from it.
 * What the first `length` bytes tell of n. */
static inline uint32_t text_begins(uint32_t n, int64_t length)
{
        return length >= 4 ? n : n & ((1U << 8 * length) - 1);
}

#endif
