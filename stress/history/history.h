/* SPDX-License-Identifier: MIT
 *
 * history.h: how histories are recorded and judged, for one kind of object each.
 *
 * A cell is one object, and workers that call on it: processes of some threads each. Their choices follow from the seed.
 * It goes round by round: the object is put into a known state, the workers run their scripts at full speed, each
 * records into memory of its own, and the first worker, who is the cell's main process, watches. Where all that have not
 * finished wait, the history until then is checked, with those that wait; then the main process lets them go on, by
 * calls that are part of the history. When all have finished it looks at what is left, and the whole round is checked.
 */
#ifndef STRESS_HISTORY_H
#define STRESS_HISTORY_H

#include <stdatomic.h>

#include "../stress.h"
#include "checker.h"

enum { ROUND = 96, MOST_THREADS = 4, MOST_CELLS = 64, MOODS = 16, IN = 5, OUT = 4 };

/* An operation as a worker records it: of 64 bytes. */
struct record {
        uint64_t called, returned;      /* returned 0: not yet */
        uint8_t call;                   /* enum call */
        uint8_t error;                  /* errno; 0: success */
        uint8_t process;                /* whose operation it is */
        uint8_t command;                /* what the kind wants to tell apart */
        uint32_t number;                /* of the operation in its round, from 1 on */
        int32_t value;                  /* what was returned */
        int32_t in[IN], out[OUT];
};

struct lane {                           /* what one worker does */
        _Alignas(64) _Atomic unsigned called, returned;         /* how many records; published after their contents */
        _Atomic bool finished;          /* its script */
        _Atomic int tid;
        uint64_t asleep[ROUND];         /* when the record was seen waiting; 0: it was not */
        unsigned signals;               /* how many were sent to it and caught .. */
        struct {
                uint64_t before, after; /* .. each between two moments */
                bool restarts;          /* with SA_RESTART */
        } signal[ROUND];
        struct record records[ROUND];
};

struct history_kind;

struct cell {
        const struct history_kind *kind;
        unsigned number;                /* of the cell */
        unsigned processes, threads, workers;   /* workers: their product and 1, the main process */
        _Atomic unsigned round;         /* that runs, or that came last */
        _Atomic unsigned finished;      /* workers that have finished it */
        _Atomic bool stop;              /* no further operations in this round */
        unsigned round_of_birth;        /* of a process: the one before its first */
        unsigned length;                /* of the scripts of this round */
        unsigned mood;                  /* of the round: which operations are frequent; below MOODS */
        uint64_t began;
        int id, nonblocking;            /* identifier or descriptors of the object */
        void *memory;                   /* .. or its address, which is the same for all workers */
        pid_t pids[MODEL_PROCESSES];
        struct lane lanes[HISTORY_WORKERS];
};

struct history_kind {
        const char *name;               /* "sem" */
        const struct model *model;
        unsigned processes, threads;    /* of a cell, where nothing else is asked for */
        bool dies;                      /* processes are killed and end with each round, and that is an operation */
        bool signals;                   /* what a signal does to those who wait is promised: EINTR */
        bool stops;                     /* a stop and a SIGCONT do not end a wait, by this */
        enum ipck_requirement goes_on;
        bool prompt;                    /* as in struct history */
        enum ipck_requirement promptness;

        /* Makes the object where it has to be there before the workers; NULL: it need not. */
        void (*set_up)(struct cell *cell);

        /* Makes the object, or puts it into the state in which a round begins; and the same in the model. */
        void (*begin)(struct cell *cell);
        void (*initial)(const struct cell *cell, void *state);

        /* Chooses an operation; carries it out and records when, and what came of it. */
        void (*choose)(const struct cell *cell, struct random *random, struct record *record);
        void (*carry_out)(struct cell *cell, struct record *record);

        /* Whether a signal whose handler was installed with SA_RESTART does not end this wait; NULL: it does. */
        bool (*restarts)(const struct record *record);

        /* An operation of the main process that may let waiters go on: the turn counts those of the round. The last
         * ones (from LAST_TURNS on) are such that everybody comes to an end. And what it looks at when all have finished,
         * until it says that this was all. */
        void (*release)(const struct cell *cell, struct random *random, unsigned turn, struct record *record);
        bool (*look)(const struct cell *cell, unsigned turn, struct record *record);

        /* What a record means in terms of the model. */
        void (*explain)(const struct cell *cell, const struct record *record, struct event *event);

        /* Between which events there are relations, once all are known; NULL: none. */
        void (*relate)(struct history *history);

        /* The requirement that says that this operation, which waits, must go on. */
        enum ipck_requirement (*in_vain)(const struct history *history, const struct event *event);

        /* Whether an operation that was seen waiting, or that says that a signal interrupted it, fails for no reason that
         * this may have; NULL: it may for any. */
        bool (*comes_back_wrongly)(const struct history *history, const struct event *event, struct contradiction *why);
};

/* A timeout that nobody lives to see. */
enum { LAST_TURNS = 6, LONG_WAIT_US = 1000000000 };

/* Runs cells of the kind until the time is over. */
void run_histories(const struct history_kind *kind);

/* ---- time ---- */

/* A clock that all processors share: if it shows less before one call than after another, then not all of the former came
 * before the latter. Chosen once, before processes are made. */
void choose_clock(void);
uint64_t stamp(void);

/* ---- for kinds ---- */

/* The limits of this namespace, and what is not demanded. */
struct limits limits_of_model(void);

/* Carries out a call between two stamps, and records value and errno. */
#define RECORD(record, expression)                                                      \
        do {                                                                            \
                (record)->called = stamp();                                             \
                const long recorded_result = (long)(expression);                        \
                const int recorded_errno = errno;                                       \
                (record)->returned = stamp();                                           \
                (record)->value = (int32_t)recorded_result;                             \
                (record)->error = recorded_result == -1 ? (uint8_t)recorded_errno : 0;  \
        } while (0)

/* Models know who acts: all processes are the same user's. */
const struct actor *actor_of(unsigned process);

/* What operation, flags of waiting aside, and outcome are: for event.class. */
uint64_t class_of(const struct record *record, bool process_matters);

#endif
