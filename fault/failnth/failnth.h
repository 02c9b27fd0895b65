/* SPDX-License-Identifier: MIT
 *
 * failnth.h: what the parts of ipck-failnth share.
 *
 * An operation is one call in one state. It runs in IPC, mount and PID namespaces of its own: process 1 there makes the
 * state and watches; a second process, the caller, makes the call, in which the kernel fails one step of those that can
 * fail (Documentation/fault-injection). Whatever differs before and after a call that failed is wrong; so is what
 * differs, after the call was made again without a fault, from a world in which nothing failed.
 */
#ifndef IPCK_FAILNTH_H
#define IPCK_FAILNTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

/* ---- operations: the table, operations.c, and one file a family ---- */

struct operation {
        const char *name;               /* "semop.large-array": the call, and in which state */
        void (*before)(void);           /* process 1 makes the state; may be NULL */
        void (*own)(void);              /* the caller makes what is its own: attachments, undo, descriptors, limits */
        long (*call)(void);             /* -1 with errno when it fails, as the call itself */
        const char *errors;             /* what errno may be beside what fault/calls.def has, apart by spaces */
        bool ends;                      /* the caller does not return from it */
        bool partial;                   /* a part of its work is a success as well, and the result tells how much */
};

struct family {
        const struct operation *operations;
        size_t count;
};

extern const struct family *const families[];
extern const size_t families_count;

/* ---- what operations are written with: tools.c ---- */

/* Set-up: ends the world as undecided where the result is -1. */
#define MUST(call) must(#call, (long)(call))
long must(const char *what, long result);

/* A process that makes a call that blocks, before the caller is there; returns once it sleeps in it. */
void blocked(long (*call)(void));

/* What a call gave, to be compared with what it gives where nothing fails: at most ANSWER bytes. */
enum { ANSWER = 16384 };
void answer(const void *bytes, size_t size);
#define ANSWER_OF(value) answer(&(value), sizeof(value))

/* Size bytes that depend on their place, in memory that the caller and process 1 have both touched. */
char *pattern(size_t size);

void drop_capability(int number);
void limit(int resource, unsigned long value);
void write_text(const char *path, const char *text);
struct timespec in_an_hour(void);

/* clone(2) of a child that ends at once, and is waited for; -1 where it is not made. */
long clone_and_end(unsigned long flags);

/* ---- one world: world.c ---- */

enum { TEXT = 1 << 17, DETAIL = 600, HELPERS = 16 };

struct text {
        size_t length;
        char bytes[TEXT];
};

/* What the program and the worlds share. */
struct world {
        struct text before, after, end; /* snapshots: before the call, after it, after the caller's end */
        struct result {
                long value;
                int error;              /* 0 unless the value is -1 */
        } result, again;                /* of the call, and, when it failed by the fault, of the same without one */
        bool fired;
        bool made_again;                /* it was, and the two snapshots are of that */
        char answer[ANSWER];
        size_t answered;
        char undecided[DETAIL];         /* why there is no result; empty when there is */
        char problem[4 * DETAIL];       /* what is wrong, as "kind: detail" lines */
};

extern struct world *world;

/* Runs the operation in a new world, in which the n-th step fails; 0: none. JUDGE: the call is made once so,
 * everything is compared, and where it failed and all is as before, it is made again. LEAKS: it is made to fail many
 * times, and the kernel's memory compared. HUNG where it did not end in time. */
enum purpose { JUDGE, LEAKS };
enum ended { DONE, HUNG, DIED };
enum ended run_world(const struct operation *operation, unsigned n, enum purpose purpose);

/* Notes where the world differs from the one in which nothing failed. */
void compare_worlds(const struct operation *operation, const struct world *usual);

/* Notes what is wrong in this world. */
void wrong(const char *kind, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Gives up: no result of this world. */
_Noreturn void undecided(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How long a world may take, in seconds. */
extern unsigned deadline;

/* Whether the machine is ours: then its clock goes on by a minute before each call, so that a stamp shows. */
extern bool own_clock;

/* ---- snapshots: snapshot.c ---- */

/* Everything that can be seen of the IPC namespace, /dev/shm, the queues in /dev/mqueue, and of these processes. To
 * read a POSIX queue changes its times: it is done first before a call, and last after it. */
enum moment { BEFORE_CALL, AFTER_CALL, AT_END };
void snapshot(struct text *text, enum moment moment, pid_t caller, const pid_t *helpers, size_t helpers_count);

/* Writes the lines that only one of them has; false when there are none. Where the worlds are two, times may differ. */
bool differ(const struct text *had, const struct text *has, bool two_worlds, char *detail, size_t size);

/* ---- fault injection: engine.c ---- */

enum { PAGES = 1, KINDS = 3, PATH = 256 };

/* Switches it on for all allocations and copies, by debugfs; ends the program with status 2 and says what lacks
 * where it cannot. Then describes what there is, as JSON members. */
void start_engine(void);
void describe_engine(FILE *out);

/* The calling thread's: the n-th step from here on fails. fired() tells whether it did, and ends it. */
void open_fail_nth(void);
void arm(unsigned n);
bool fired(void);

/* How many steps of each kind were failed since the start, by anybody. */
void count_faults(unsigned counts[KINDS]);
extern const char *const kinds[KINDS];

/* Whether pages can be failed, not only pieces of them and copies. */
void fail_pages(bool yes);

/* Whether each failed step is shown in the kernel's log. */
void trace_faults(bool on);

/* What the kernel said since the last call: the functions on the way to the failed step, innermost first, and
 * complaints; both empty where there are none. */
void read_log(char path[PATH], char complaints[DETAIL]);

/* ---- leaks: leaks.c ---- */

enum { CACHES = 256 };

struct gauge {
        size_t count;
        struct {
                char name[40];
                long objects;
        } caches[CACHES];
};

/* How many objects of each slab cache are in use, and how much other memory of the kernel. */
void measure(struct gauge *gauge);

/* Names what grew by at least that number; false when nothing did. */
bool grew(const struct gauge *before, const struct gauge *after, long least, char *detail, size_t size);

/* The same for what no other part of the kernel allocates meanwhile: inodes of queues and segments, and pieces that
 * are too large for a cache. all_gone() waits until there are no more than before: the end of a namespace takes a
 * while. */
void measure_lasting(struct gauge *gauge);
bool all_gone(const struct gauge *before, char *detail, size_t size);

/* ---- kmemleak, where the kernel has it ---- */

void forget_leaks(void);
bool find_leaks(char *detail, size_t size);

/* ---- others ---- */

/* Ends the program with status 2. */
_Noreturn void refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A small file as a string; -1 with errno. */
ssize_t read_text(const char *path, char *buffer, size_t size);

/* The test library's: the whole of ipck.h is for tests. */
const char *errno_name(int error);

#endif
