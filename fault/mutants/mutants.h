/* SPDX-License-Identifier: MIT
 *
 * mutants.h: for the files that break calls on purpose. Each wraps calls of one mechanism, and asks at the very place
 * where its wrong implementation would part from the right one whether it is the one that was chosen:
 *
 *      int semop(int id, struct sembuf *operations, size_t count)
 *      {
 *              ...
 *              if (any(operations, count, IPC_NOWAIT) && chosen(semop_nowait_ignored))
 *                      ... take the flag away ...
 *              return real_semop(id, operations, count);
 *      }
 *
 * Ask last, behind all other conditions: a run with IPCK_MUTANT_MAP notes who got there, and a mutant then needs no
 * other tests than those that do.
 *
 *      IPCK_MUTANT=NAME        the mutant that is chosen; without it, none is
 *      IPCK_MUTANT_MAP=FILE    an empty file, which then holds a struct reached for each test, at any place
 *      IPCK_TEST               set by the test program: the id of the test that runs; nothing is wrong outside of one
 */
#ifndef IPCK_MUTANTS_H
#define IPCK_MUTANTS_H

#include <stdint.h>

#include "../calls.h"
#include "reqs.h"

enum mutant_number {
#define MUTANT(name, call, what, violates) MUTANT_##name,
#include "mutants.def"
#undef MUTANT
        MUTANTS
};

struct mutant {
        const char *name;               /* "semop_nowait_ignored" */
        const char *call;               /* "semop" */
        const char *what;               /* what is wrong, in one sentence */
        const enum ipck_requirement *violates;
        size_t violates_count;
};

extern const struct mutant mutants[MUTANTS];

enum { REACHED_MOST = 1 << 14 };

struct reached {
        _Atomic uint64_t hash;                  /* of the name; 0 where the place is free */
        char test[248];
        uint64_t mutants[(MUTANTS + 63) / 64];  /* a bit each */
};

/* Whether this is the mutant that was chosen. Keeps errno. */
#define chosen(name) mutant_is_chosen(MUTANT_##name)
bool mutant_is_chosen(enum mutant_number number);

/* Whether chosen(name) may be asked in earnest: for a condition that costs system calls, before it is worked out. */
#define in_question(name) mutant_is_in_question(MUTANT_##name)
bool mutant_is_in_question(enum mutant_number number);

/* Whether a condition holds that costs system calls, and is worked out for this mutant alone, and the mutant is chosen.
 * Keeps errno. */
#define chosen_where(name, condition)                                                           \
        __extension__({                                                                         \
                const int errno_before = errno;                                                 \
                const bool holds = in_question(name) && (condition);                            \
                errno = errno_before;                                                           \
                holds && chosen(name);                                                          \
        })

/* Whether a mutant of one of these calls ("msgctl msgget"; NULL: of any call) can be in question: where not, a broken
 * call is the C library's own and no more. Name all whose mutants are chosen there, or remember something there. */
bool mutants_are_in_question(const char *names);

/* Whether one of these mutants (MUTANT_..) can be in question: for what they alone need, and costs system calls. */
#define one_in_question(...)                                                                            \
        mutants_one_in_question((const enum mutant_number[]){__VA_ARGS__},                              \
                                sizeof((const enum mutant_number[]){__VA_ARGS__}) / sizeof(enum mutant_number))
bool mutants_one_in_question(const enum mutant_number *numbers, size_t count);

/* Zeroed memory that all processes of the running test share, but for programs that they execute: for what a wrong
 * implementation has to remember. Each mutant has it to itself. */
enum { TEST_MEMORY = 8192 };
void *test_memory(void);

/* Copies what the caller of a broken call passed, which may be no address at all; false where it cannot be read, or
 * nobody has used it yet. */
bool peek(void *to, const void *from, size_t size);

/* The other way: stores what a broken call reports; false where nothing can be stored. Both keep errno. */
bool poke(void *to, const void *from, size_t size);

/* Fails: sets errno and returns -1. */
int fail(int error);

/* The C library's own functions: real_semop() .. */
#define CALL(name, ...) extern __typeof__(name) *real_##name;
#include "../each_call.h"

#endif
