/* SPDX-License-Identifier: MIT
 *
 * checker.h: whether a history of concurrent calls on one object is linearizable, and whether nobody waits in vain.
 *
 * A history is what workers recorded: each operation with the moments of its call and of its return, and its outcome.
 * It is linearizable (Herlihy and Wing 1990) where all operations can be put into an order in which each stands at a
 * moment between its call and its return, and in which the model allows each outcome. An operation that has not
 * returned though everything is at rest must not have taken effect, and the model must not let it go on in the state
 * that is reached: that would be a lost wake-up (the stuck histories of Burckhardt et al., Line-Up, 2010). One whose
 * process was killed may have taken effect or not.
 *
 * Workers do one operation at a time, so that a place in the search is a moment, a state, and a bit for each worker:
 * whether its open operation stands in the order already (Lowe, Testing for linearizability, 2017). Operations are put
 * into the order when somebody's return demands it, those that change nothing as soon as they can be. Places that were
 * found to lead nowhere are remembered by a hash of 64 bits.
 */
#ifndef STRESS_CHECKER_H
#define STRESS_CHECKER_H

#include <sys/ipc.h>
#include <sys/msg.h>

#include "../model/model.h"

enum { HISTORY_WORKERS = 64, MOST_VALUES = 8 };

#define NEVER UINT64_MAX

/* An operation of a history. */
struct event {
        uint64_t called, returned;      /* on a clock that all processors share; NEVER: it has not returned */
        unsigned worker;                /* below HISTORY_WORKERS; its operations follow one another */
        bool gone;                      /* it is no part of the history any more */
        bool hidden;                    /* it need not be shown: it is optional, and does not matter */
        bool optional;                  /* it may have had no effect */
        bool killed;                    /* .. because its process was killed in it: returned is when that had ended */
        bool reads;                     /* its outcome is one that mostly leaves the state as it is */
        bool never_waits;               /* whatever the state is */
        bool hurries;                   /* it has to return in any state: for that, for a timeout or for a signal */
        uint64_t ends;                  /* of an exit: the workers whose open operations end there, a bit each */
        bool lost_race;                 /* it failed with EIDRM, and is judged as EINVAL */
        bool signalled;                 /* its worker caught a signal */
        bool restarted;                 /* .. with SA_RESTART */
        const struct contradiction *impossible;         /* its outcome is not possible in any state; NULL: it may be */
        uint64_t asleep;                /* the moment at which it was seen waiting; 0: it was not */
        uint64_t class;                 /* alike where operations can be exchanged; 0: with none */
        uint64_t queue;                 /* alike where who began to wait first goes on first; 0: that is not promised */
        enum ipck_requirement order;    /* by this */
        uint64_t lane;                  /* alike where messages overtake each other never; 0: it sends none */
        uint64_t received[2];           /* when the message that it sends was: between these, NEVER if it was not */
        bool received_first;            /* by a call that took the first message of all */
        struct operation operation;
        struct outcome outcome;
        union {
                struct sembuf entries[4];
                unsigned short values[MOST_VALUES];
                struct setting setting;
        } in;
        struct timespec timeout;
        union {
                unsigned short values[MOST_VALUES];
                struct stat_report stat;
                struct mq_attr attr;
        } out;
};

struct history {
        const struct model *model;
        const struct limits *limits;
        const void *initial;            /* the state before all of it */
        struct event *events;           /* of each worker in their order */
        size_t count;
        bool at_rest;                   /* whoever has not returned waits, and nothing more would happen */
        bool prompt;                    /* who waits is let go on by the very step that makes it possible .. */
        enum ipck_requirement promptness;       /* .. by this */
};

enum finding { LINEARIZABLE, VIOLATED, UNDECIDED };

struct judgment {
        enum finding finding;
        struct contradiction why;
        size_t event;                   /* that cannot have had its outcome, or that waits in vain */
        bool in_vain;
        uint64_t places;                /* that were visited */
};

/* UNDECIDED where more than `most` places were visited. Memory that is needed is kept for the next call. */
struct judgment check_history(const struct history *history, uint64_t most);

/* Takes from a history with a violation what is not needed to see it: operations after it, and those without which the
 * others contradict each other, as far as that shows in so many places. Leaves in *initial (model->most bytes) the state
 * of the object before the rest. Marks events as gone or hidden, and changes their returns. */
void shorten_history(struct history *history, void *initial, struct judgment *judgment, uint64_t most);

#endif
