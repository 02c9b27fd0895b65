/* SPDX-License-Identifier: MIT
 *
 * fuzz.h: sequential fuzz. Processes of several users take turns at carrying out a generated sequence of calls, one
 * call at a time; whoever made a call compares its outcome with the model (../model). No call waits.
 *
 *   engine.c     processes, turns, sequences
 *   objects.c    which objects there are, and what processes have open
 *   judge.c      outcomes and models
 *   shrink.c     the smallest sequence that still shows a contradiction
 *   program.c    a sequence as a test in C
 *   sysv.c       what the System V families have in common
 *   sem.c ..     a family of calls: what is generated, how it is called
 */
#ifndef STRESS_FUZZ_H
#define STRESS_FUZZ_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>

#include "../model/model.h"
#include "../stress.h"

enum {
        PROCESSES = 4,                  /* 0 is privileged, the others belong to three users, two of one group */
        OBJECTS = 8,                    /* of a family, at a time */
        KEYS = 5,                       /* or names; number 0 is IPC_PRIVATE */
        ENTRIES = 6,                    /* of an array that are drawn; longer arrays repeat them on other semaphores */
        MOST_ENTRIES = 512,
        ITEMS = 1024,                   /* of a sequence */
        INDEXES = 1 << 15,              /* identifiers of Linux: a sequence number above these */
        POSSIBLE = 4,                   /* states of an object, where it is not known which one it is in */
        HANDLES = 8,                    /* of a process: attachments, descriptors, open semaphores */
};

/* Which identifier a call gets. */
enum which { CURRENT, REMOVED, OTHER_SEQUENCE, SIGN_BIT, UNUSED, NEGATIVE, MOST_NEGATIVE };

/* Which timeout. */
enum until { NO_TIMEOUT, AT_ONCE, LATER, NEGATIVE_SECONDS, NEGATIVE_NANOSECONDS, TOO_MANY_NANOSECONDS, BAD_TIMEOUT,
            UNTILS };

/* One call of a sequence, before it is known what objects there are. */
struct item {
        uint8_t family, call, process, object, which, until, key, handle;
        bool bad_address, bad_text;
        bool patient;                   /* without IPC_NOWAIT, where the call does not wait by what the model says */
        bool again;                     /* IPC_SET of what the last one set */
        int flags, command, semnum;
        int64_t size, type, value;
        uint32_t text;
        struct sembuf entry[ENTRIES];
        struct setting set;
};

/* An object as the fuzz sees it. */
struct thing {
        int id, removed;                /* -1: none, none yet */
        bool used;
        uint8_t key;                    /* number of its key or name; 0: it has none any more */
        int attached;                   /* how often it is open, which keeps a removed object alive */
        int64_t size;                   /* that it was made with */
        int64_t units;                  /* what it holds, where the family counts that: messages, a value */
        struct setting set;             /* of its last IPC_SET */
        int possible;                   /* how many states it may be in */
        void *state[POSSIBLE], *spare[POSSIBLE * MODEL_NEXT];
};

/* NO_KEY: the object is found by no key or name and yet is not removed. */
enum { FAMILIES = 5, NO_OBJECT = -1, NO_KEY = UINT8_MAX, NEVER_OPEN = -1 };

/* What became of an item. */
struct record {
        int object;                     /* NO_OBJECT: no call was made */
        int named;                      /* whose identifier it was made from */
        int place;                      /* of the handle that it used or got */
        int size;                       /* of the object, at most of interest: how many semaphores */
        int error;
        int64_t value;
};

/* What a process has open: the object, NO_OBJECT where the place is free, and how the process gets at it. */
struct handle {
        int object;
        intptr_t value;
        int flags;
};

struct world {
        /* the sequence */
        struct item item[ITEMS];
        struct record record[ITEMS];
        int items;
        _Atomic int position;
        bool judged, traced;

        /* turns */
        _Atomic int go[PROCESSES + 1];  /* whose turn it is; the last one is the keeper's */
        _Atomic int holder,
                running;    /* whom it was passed to, and who has taken it up: not the same until that one runs */
        bool alive[PROCESSES];
        struct actor actor[PROCESSES];

        /* objects */
        struct thing thing[FAMILIES][OBJECTS];
        struct handle handle[FAMILIES][PROCESSES][HANDLES];
        sem_t unnamed[OBJECTS];         /* POSIX semaphores without a name, by object */
        struct limits limits;
        int most_objects[FAMILIES];     /* that the limits allow */
        bool indexed;                   /* identifiers have the index of their object as in Linux */
        int64_t clock;
        uint64_t done;                  /* operations */

        /* the end */
        bool contradicted, lost;        /* lost: an object may be in more states than are kept */
        int at;                         /* item */
        struct contradiction why;
        char outcome[160];
};

struct family {
        const char *name;
        const struct model *model;
        const char *header;             /* for its tests */
        const char *declarations;       /* of what they need more; "" */

        int closes;                     /* the call that closes what a process has open; NEVER_OPEN */

        /* UNSUPPORTED where the target has no such calls. */
        void (*available)(void);

        /* Draws one call. */
        void (*generate)(struct random *, struct item *);

        /* The object that the call is about, NO_OBJECT where it cannot be made now. */
        int (*find)(const struct world *, const struct item *);

        /* Fills in what is passed, calls, and fills in the outcome. */
        void (*make)(struct world *, const struct item *, int object, struct operation *, struct outcome *);

        /* Counts what a call that succeeded adds to the object's units or takes; NULL: nothing is counted. */
        void (*count)(struct thing *, const struct item *);

        /* Removes the object, by the privileged user. */
        void (*remove)(struct world *, int object);

        /* What it reported beside its result, for a trace: without what differs between two right implementations. */
        void (*report)(const struct world *, const struct item *, const struct outcome *, char *text, size_t size);

        /* What it contradicts that the call waits. */
        struct contradiction (*waits)(const struct item *);

        /* Whether the call goes on at once without IPC_NOWAIT; NULL where none of them waits. */
        bool (*goes_on)(const struct world *, const struct item *, int object);

        /* The call as an expression of C in a test, and the member of a report: "stat_of(id[0]).sem_otime". */
        void (*print)(FILE *, const struct item *, const struct record *);
        bool (*print_member)(FILE *, const struct item *, const struct record *, const struct contradiction *);
};
extern const struct family fuzz_sem, fuzz_msg, fuzz_shm, fuzz_posix_sem, fuzz_mq;
extern const struct family *const families[FAMILIES];

/* ---- engine.c ---- */

/* Carries out the world's sequence with processes of its own, until its end or the first contradiction. */
void run_sequence(struct world *);
void end_processes(struct world *);
struct world *new_world(void);

/* Lowers the limits of the namespace, where that may be, so that they are met. */
void lower_limits(void);

/* ---- objects.c ---- */

void reset_objects(struct world *);
int count_objects(const struct world *, int family);

/* The object of the item's number, or the next one that exists. */
int named_object(const struct world *, const struct item *);

/* Notes what the outcome means for objects and handles. */
void note(struct world *, const struct item *, int object, const struct operation *, const struct outcome *);

/* Notes that a process has ended, with all that it had open. */
void note_end(struct world *, int process);

/* ---- judge.c ---- */

/* Now, on the clock of the time stamps. */
int64_t coarse_seconds(void);

/* Makes the call of the item at this position and judges it; false where it contradicts the model. What is left open in
 * the item until then, it decides and notes there. */
bool carry_out(struct world *, struct item *);

/* Judges what needs no call of its own: the end of a process; a call that did not come back, as it waits or has ended
 * its process, with that wait status. */
enum { STILL_ALIVE = -1 };
bool judge_end(struct world *, int process);
bool judge_hang(struct world *, const struct item *, int status);

/* ---- shrink.c ---- */

/* A world with the smallest part of the sequence that contradicts the same requirement in fresh namespaces; NULL where
 * it does not do that again at all. */
const struct world *shrink(const struct world *);

/* ---- program.c ---- */

/* The sequence as a list of calls, and as a test. */
void print_sequence(FILE *, const struct world *);
void print_test(FILE *, const struct world *);

/* ---- sysv.c: for the System V families ---- */

/* Whether a *ctl() takes an index instead of an identifier. */
bool is_by_index(const struct item *);

/* What find() finds for them. */
int find_sysv(const struct world *, const struct item *);

/* Draws the flags of a *get(), with permission bits. */
int draw_get_flags(struct random *);

/* The argument of a *ctl(), as it is passed; and the members that all have, as they came back. */
#define FILL_DS(ds, perm, item)                                                                         \
        do {                                                                                            \
                memset(&(ds), 0x5a, sizeof(ds));                                                        \
                (ds).perm.uid = (item)->set.uid;                                                        \
                (ds).perm.gid = (item)->set.gid;                                                        \
                (ds).perm.mode = (__typeof__((ds).perm.mode))(item)->set.mode;                          \
        } while (0)
#define REPORT_PERM(perm)                                                                               \
        .uid = (perm).uid, .cuid = (perm).cuid, .gid = (perm).gid, .cgid = (perm).cgid, .mode = (perm).mode, \
        .key = (perm).__key

/* As C: the identifier or index that a *ctl() gets, its command, and an IPC_SET by a function of the tests. */
void print_target(FILE *, const struct item *, const struct record *);
void print_command(FILE *, const struct item *);
void print_set(FILE *, const char *function, const struct item *, const struct record *);

/* The member of a report that is wrong, of a struct whose members begin with the prefix: one that all have or one of
 * these. */
bool print_stat(FILE *, const struct item *, const struct record *, const struct contradiction *, const char *function,
                const char *prefix, const char *const members[]);

/* ---- for the families ---- */

/* A number with these weights: the index of the first whose sum is above a draw. */
#define weighted(random, ...) weighted_from(random, (const unsigned char[]){__VA_ARGS__, 0})
unsigned weighted_from(struct random *, const unsigned char *weights);

/* The identifier that the item passes: of the object of that number or the next one that exists, or none. */
int identifier(const struct world *, const struct item *);

/* The object that has this identifier, or that index; one that does not exist where none has. */
int find_object(const struct world *, const struct item *, bool by_index);

/* The object under the key or name, or one that does not exist; NO_OBJECT where there is none. */
int find_by_key(const struct world *, const struct item *, int key);
int free_object(const struct world *, int family);

/* The number of the process, for a trace; others are as they are. */
int process_of(const struct world *, int pid);
void report_common(const struct outcome *, char *text, size_t size);

/* Draws which identifier: nearly always that of an object. */
enum which draw_which(struct random *);
struct setting draw_setting(struct random *);
void draw_until(struct random *, struct item *);
const struct timespec *timeout_of(const struct item *);

/* Result and errno of a call into an outcome. */
#define CALLED(outcome, call)                                                                           \
        do {                                                                                            \
                errno = 0;                                                                              \
                (outcome)->value = (call);                                                              \
                (outcome)->error = (outcome)->value == -1 ? errno : 0;                                  \
        } while (0)

/* Keys of System V objects, by number. */
static inline int key_of(int number)
{
        static const int keys[KEYS] = {0, 0x1c0de1, INT32_MIN + 0x1c0de1, -1, INT32_MAX};

        return keys[number];
}

/* A place that the process has open: that of the number or the next one; -1 for none. And one that is free. */
int open_handle(const struct world *, const struct item *);
int free_handle(const struct world *, const struct item *);

/* The text of message n, and which one it is; garbled where it is none. */
void fill_text(unsigned char *text, int64_t size, uint32_t n);
uint32_t read_text(const unsigned char *text, int64_t size, bool *garbled);

/* The identifier that the item passes, and its timeout, as C. */
void print_identifier(FILE *, const struct item *, const struct record *);
void print_timeout(FILE *, const struct item *);

/* Names of POSIX objects, by number; number 0 is used like the others. Worlds side by side have names of their own. */
const char *name_of(int number);
void set_world_of_names(unsigned world);

/* Whether the program is of 64 bits: 32-bit C libraries read through pointers themselves, and SIZE_MAX is a size
 * there. */
enum { WIDE = sizeof(long) == 8 };

static inline bool is_get(const struct item *item)
{
        return item->call == CALL_semget || item->call == CALL_msgget || item->call == CALL_shmget;
}

static inline bool is_control(const struct item *item)
{
        return item->call == CALL_semctl || item->call == CALL_msgctl || item->call == CALL_shmctl;
}

static inline bool is_open(const struct item *item)
{
        return item->call == CALL_sem_open || item->call == CALL_mq_open || item->call == CALL_shmat;
}

/* Whether a success makes the object where it does not exist. */
static inline bool makes(const struct item *item)
{
        return is_get(item) || item->call == CALL_sem_init || item->call == CALL_sem_open || item->call == CALL_mq_open;
}

/* Whether a success takes key and name from the object. */
static inline bool takes_key(const struct item *item)
{
        return item->call == CALL_sem_unlink || item->call == CALL_sem_destroy || item->call == CALL_mq_unlink ||
               (is_control(item) && item->command == IPC_RMID);
}

/* Names of POSIX objects as numbers above 0. */
static inline uint8_t name_key(const struct item *item)
{
        return (uint8_t)(item->key + 1);
}

/* The family's number of a table of families. */
int number_of(const struct family *);

#endif
