/* SPDX-License-Identifier: MIT
 *
 * gates.h: a gate before each IPC call, at which a process (or thread) waits until it is let through. Whoever opens the gates
 * decides in which order the calls of several processes are made: stress/gates does.
 *
 * All of it lies in memory that they share. A gate belongs to one thread; which states it can have, and who changes them:
 *
 *      GATE_RUNNING    between two calls                                       its thread
 *      GATE_WAITING    before a call (or its end), which `call` describes      its thread
 *      GATE_OPENED     may go on                                               who opens it
 *      GATE_IN_CALL    in the call: where it sleeps now, the call blocks       its thread
 *      GATE_LEAVING    on its way to the end                                   its thread
 *      GATE_ENDED      over                                                    who opens it; a thread itself
 *
 * IPCK_GATES=FILE and IPCK_GATE=N make a program that was started with the preloaded library the owner of a gate.
 */
#ifndef IPCK_GATES_H
#define IPCK_GATES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum gate_state { GATE_FREE, GATE_RUNNING, GATE_WAITING, GATE_OPENED, GATE_IN_CALL, GATE_LEAVING, GATE_ENDED };
enum { GATES_MOST = 8, GATE_TEXT = 120, GATE_RESULT = 40 };

struct gate {
        _Atomic uint32_t state;         /* a futex */
        _Atomic int process, thread;
        _Atomic uint32_t made;          /* calls that came back */
        _Atomic uint32_t waited;        /* the last of them that was seen to block, counted likewise */
        char call[GATE_TEXT];           /* "semop(0, [0:-1], 1)" */
        char result[GATE_RESULT];       /* of the last call: "0", "-1 EIDRM" */
};

struct gates {
        _Atomic uint32_t moved;         /* a futex: changes whenever a gate's thread comes to a gate or leaves a call */
        _Atomic uint32_t count;
        _Atomic int opener;             /* the process that opens them; without it nobody waits any more */
        struct gate gate[GATES_MOST];
};

/* ---- for a thread that has a gate ---- */

#pragma GCC visibility push(default)

/* This thread owns gate number NUMBER of GATES from now on. */
void gate_own(struct gates *gates, unsigned number);

/* Takes the next gate that is free, for a process or thread that is about to be made; -1 where there is none. */
int gate_reserve(void);
struct gates *gates_used(void);

/* The gate of the calling thread; NULL where it has none or is in a call already, as in a signal's handler. */
struct gate *gate_here(void);

/* Waits until the gate is opened for the call that was written into it. Keeps errno, as those below do. */
void gate_pass(struct gate *gate);

/* The call has come back. */
void gate_done(struct gate *gate, bool is_pointer, intptr_t result, bool failed);

/* The end of the process is a step of its own: adjustments are applied and segments detached then. */
void gate_end(void);

#pragma GCC visibility pop

/* The end of a thread that is not that of its process. */
void gate_thread_ended(void);

/* ---- what a call looks like ---- */

/* Begins the text in GATE with the call's name. */
void gate_say(struct gate *gate, const char *call);

/* Appends an argument: KIND is 'd' (a number), 's' (a string where it is the first), 'o' (semaphore operations), 'p'. */
void gate_say_argument(struct gate *gate, unsigned place, const char *name, char kind, intptr_t value);
void gate_said(struct gate *gate);

#endif
