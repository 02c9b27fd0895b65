/* SPDX-License-Identifier: MIT
 *
 * ipck.h: what a conformance test is written with.
 *
 *      TEST(rmid_wakes_waiter, VERIFIES(semctl_rmid_removes, semop_eidrm_dec))
 *      {
 *              int set = new_sems(1, 0600);
 *              struct child waiter;
 *
 *              CHILD(&waiter)
 *                      FAILS_WITH(semop_eidrm_dec, EIDRM, SEMOP(set, OP(0, -1, 0)));
 *
 *              UNTIL(semctl(set, 0, GETNCNT) == 1);
 *              EQ(semctl_rmid_removes, semctl(set, 0, IPC_RMID), 0);
 *              join(&waiter);
 *      }
 *
 * A test runs as process 2 of IPC, mount and PID namespaces of its own, under a supervisor with a deadline: it needs
 * no clean-up and cannot collide with anybody. Every requirement that it declares must get a verdict; verdicts may
 * be given by any process or thread of the test. A test that breaks off, by a failed set-up, a failed EVENTUALLY, a
 * crash or its deadline, keeps its failures; what has not failed by then is undecided. A test never sleeps to wait for
 * another process: it uses UNTIL or EVENTUALLY.
 */
#ifndef IPCK_H
#define IPCK_H

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "reqs.h"

/* ---- declaring a test ---- */

/* How a test reaches the calls under test: through the C library, by the system call of that name, or by ipc(2). */
enum ipck_route { IPCK_LIBC, IPCK_RAW, IPCK_MUX, IPCK_ROUTES };

struct ipck_test {
        const char *file;
        int line;
        const char *name;
        void (*body)(void);
        const enum ipck_requirement *verifies;  /* ends with IPCK_REQUIREMENTS */
        unsigned routes;                        /* bit set of enum ipck_route; 0: the test has no variants */
        void (*available)(void);                /* says UNSUPPORTED where the whole family is missing; may be NULL */
        bool one_route;                         /* no variants although the file has routes */
        bool kernel_alone;                      /* of the variants of the file only that by system calls */
        bool waits;                             /* mostly waits for the clock: started first, takes no job */
};

/* A family header (ipck_sem.h) redefines these two: then each test of the file runs once a route. */
#ifndef IPCK_FILE_ROUTES
#define IPCK_FILE_ROUTES 0
#define IPCK_FILE_AVAILABLE NULL
#endif

/* VERIFIES(requirement, ...): what the test gives verdicts on; enumerators come from the catalogue (build/reqs.h). */
#define VERIFIES(...) ((const enum ipck_requirement[]){__VA_ARGS__, IPCK_REQUIREMENTS})

/* TEST(name, VERIFIES(...), .field = value ...): the block that follows is the test's body. */
#define TEST(test_name, verifies_list, ...)                                                             \
        static void ipck_body_##test_name(void);                                                        \
        static const struct ipck_test ipck_test_##test_name = {                                         \
                .file = __FILE__, .line = __LINE__, .name = #test_name, .body = ipck_body_##test_name,  \
                .verifies = verifies_list, .routes = IPCK_FILE_ROUTES,                                  \
                .available = IPCK_FILE_AVAILABLE, ##__VA_ARGS__};                                       \
        static const struct ipck_test *const ipck_entry_##test_name                                     \
                __attribute__((used, section("ipck_tests"))) = &ipck_test_##test_name;                  \
        static void ipck_body_##test_name(void)

/* Fields for the end of TEST(): the test has no libc/raw variants; what it judges is the kernel's alone, so that the
 * harness runs it once for all C libraries; the test mostly waits for the clock. */
#define ONE_ROUTE .one_route = true
#define KERNEL_ALONE .kernel_alone = true
#define MOSTLY_WAITS .waits = true

/* The route of the running variant. */
extern enum ipck_route ipck_route;

/* ---- verdicts ----
 * Each evaluates its arguments once. A failed check is recorded and the test goes on; EVENTUALLY, MUST, UNTIL and
 * UNSUPPORTED end the whole test where they fail. All may be used in any process or thread of the test. */

struct ipck_here {
        const char *file;
        int line;
};
#define IPCK_PASTE_(a, b) a##b
#define IPCK_PASTE(a, b) IPCK_PASTE_(a, b)
#define IPCK_UNIQUE(name) IPCK_PASTE(name, __LINE__)    /* so that macros can stand inside each other */
#define IPCK_HERE ((struct ipck_here){__FILE__, __LINE__})

/* FAILS_WITH(req, ERRNO, call): call must return -1 (or (void *)-1) with errno ERRNO. True if it did. */
#define FAILS_WITH(req, err, call) ipck_fails_with(IPCK_HERE, req, #call, err, (errno = 0, (intptr_t)(call)))

/* EQ(req, got, want): two integers must be equal. On -1 the message names errno. */
#define EQ(req, got, want)                                                                              \
        do {                                                                                            \
                const intmax_t ipck_got = (errno = 0, (intmax_t)(got));                                 \
                const int ipck_errno = errno;                                                           \
                const intmax_t ipck_want = (intmax_t)(want);                                            \
                ipck_eq(IPCK_HERE, req, #got, ipck_got, ipck_errno, #want, ipck_want);                  \
        } while (0)

/* EQ(req, worked(call), 0): for a call whose good results are many; so that a failure is shown with its errno. */
static inline int worked(int result)
{
        return result == -1 ? -1 : 0;
}

/* OPENS(req, call): must return a descriptor. Returns what it returned. */
#define OPENS(req, call) ipck_opens(IPCK_HERE, req, #call, (errno = 0, (call)))

/* BETWEEN(req, low, got, high): low <= got <= high. On -1 the message names errno. */
#define BETWEEN(req, low, got, high)                                                                    \
        do {                                                                                            \
                const intmax_t ipck_low = (intmax_t)(low);                                              \
                const intmax_t ipck_got = (errno = 0, (intmax_t)(got));                                 \
                const int ipck_errno = errno;                                                           \
                const intmax_t ipck_high = (intmax_t)(high);                                            \
                ipck_between(IPCK_HERE, req, #got, ipck_low, ipck_got, ipck_errno, ipck_high);          \
        } while (0)

/* HOLDS(req, condition) */
#define HOLDS(req, condition) ipck_holds(IPCK_HERE, req, #condition, (condition))

/* READS(req, got, format, ...): a text must be the one that the format makes. */
#define READS(req, got, ...) ipck_reads(IPCK_HERE, req, #got, got, __VA_ARGS__)

/* EVENTUALLY(req, condition): becomes true within the patience (5 s, scaled for slow targets); else FAIL, and the
 * test ends: what follows would only hang. For wake-ups that a requirement promises. */
#define EVENTUALLY(req, condition)                                                                      \
        do {                                                                                            \
                struct ipck_wait ipck_w = ipck_wait_begin(IPCK_HERE, #condition);                       \
                bool ipck_true;                                                                         \
                while (!(ipck_true = (condition)) && ipck_wait_more(&ipck_w)) {                         \
                }                                                                                       \
                ipck_eventually(&ipck_w, req, ipck_true);                                               \
        } while (0)

/* OBSERVE(req, format, ...): records implementation-defined behaviour as data; counts as a pass. */
#define OBSERVE(req, ...) ipck_observe(IPCK_HERE, req, __VA_ARGS__)

/* MUST(call): set-up; returns the call's value, or ends the test as unresolved where that is -1. */
#define MUST(call) ipck_must(IPCK_HERE, #call, (errno = 0, (intptr_t)(call)))

/* REQUIRE(condition): set-up that is no call; ends the test as unresolved where it is false. */
#define REQUIRE(condition) ipck_require(IPCK_HERE, #condition, (condition))

/* UNTIL(condition): waits for a state that the test needs; not reached within the patience = unresolved, and the test
 * ends. */
#define UNTIL(condition)                                                                                \
        do {                                                                                            \
                struct ipck_wait ipck_w = ipck_wait_begin(IPCK_HERE, #condition);                       \
                bool ipck_true;                                                                         \
                while (!(ipck_true = (condition)) && ipck_wait_more(&ipck_w)) {                         \
                }                                                                                       \
                ipck_until(&ipck_w, ipck_true);                                                         \
        } while (0)

/* UNSUPPORTED(format, ...): this target lacks what the test needs; says why and ends the test. */
#define UNSUPPORTED(...) ipck_unsupported(IPCK_HERE, __VA_ARGS__)

/* EACH_ROW(row, rows): table tests. Runs the statement for each element of the array; an element's member `name` is
 * shown with every failure inside, after those of the EACH_ROWs around it. */
#define EACH_ROW(row, rows) IPCK_EACH_ROW(row, rows, IPCK_UNIQUE(ipck_row_))
#define IPCK_EACH_ROW(row, rows, i)                                                                     \
        for (struct ipck_rows i __attribute__((cleanup(ipck_rows_end))) = ipck_rows_begin();            \
             ipck_row(&i, i.at < sizeof(rows) / sizeof(*(rows)) ? (rows)[i.at].name : NULL); i.at++)    \
                for (const __typeof__(*(rows)) *row = &(rows)[i.at]; row; row = NULL)

/* What a header declares, for HOLDS: the type of a member or function, an integer constant expression. */
#define MEMBER_IS(structure, member, type)                                                              \
        __builtin_types_compatible_p(__typeof__(((structure){0}).member), type)
#define FUNCTION_IS(function, type) __builtin_types_compatible_p(__typeof__(function), type)
#define IS_INTEGER(x)                                                                                   \
        _Generic((x), char: 1, signed char: 1, unsigned char: 1, short: 1, unsigned short: 1, int: 1,   \
                unsigned: 1, long: 1, unsigned long: 1, long long: 1, unsigned long long: 1, default: 0)
#define IS_CONSTANT(x) (IS_INTEGER(x) && __builtin_constant_p(x))

/* ---- processes ---- */

struct ipck_child_state;
struct child {
        pid_t pid;
        struct ipck_child_state *state;
};

/* CHILD(&c) statement: a new process runs the statement and ends with status 0. */
#define CHILD(c) IPCK_CHILD(c, IPCK_UNIQUE(ipck_in_))
#define IPCK_CHILD(c, in) for (bool in = ipck_fork(IPCK_HERE, c); in; in = (ipck_child_done(c), false))

/* MUST for a call that makes a process another way (clone, vfork), and for a thread: UNSUPPORTED where the machine has
 * no room for one more. */
#define MUST_FORK(call) ipck_must_fork(IPCK_HERE, #call, (intptr_t)(call))
#define start_thread(thread, body, arg) ipck_start_thread(IPCK_HERE, thread, body, arg)

/* Waits for the child; a death by signal or a status other than 0 makes the test an error. */
#define join(c) ipck_join(IPCK_HERE, c)

/* Waits for the child and returns its wait status, whatever it is. */
int reap(struct child *c);

/* Sends SIGKILL and reaps. */
void kill_child(struct child *c);

/* Whether the child's statement has come to its end. Never true early. */
bool returned(const struct child *c);

/* Progress of a child: it calls here(c, n); others read at(c). */
void here(struct child *c, int n);
int at(const struct child *c);

/* Orders to a child: others call tell(c, n), the child waits in await(c, n) until told n or more. */
void tell(struct child *c, int n);
void await(struct child *c, int n);

/* The usual case of both: the child stays where it is until it is dismissed, which also joins it. */
void stay(struct child *c);
bool stays(const struct child *c);
#define dismiss(c) (tell(c, 1), join(c))

/* Whether process pid sleeps in an interruptible wait (state S of /proc/PID/stat). Only after a flag that it set just
 * before. */
bool sleeping(pid_t pid);

/* Whether the child waits in the call under test: it called here(c, n), n >= 1, just before, and all of its threads sleep
 * now. For calls whose waiters the object does not count. */
bool blocked(const struct child *c);

/* Whether the child is through with a wake-up, if there was one: it is back, or waits again. */
bool settled(const struct child *c);

/* Zeroed memory shared with all later children. */
void *shared(size_t size);

/* Replaces the process by this program, running the ROLE of that name; returns only on failure. Verdicts cannot be
 * given after it; exit status and inherited descriptors can. arg is a short string for the role. */
int exec_role(const char *role, const char *arg);

struct ipck_role {
        const char *name;
        int (*body)(const char *arg);
};
#define ROLE(role_name)                                                                                 \
        static int ipck_role_body_##role_name(const char *arg);                                         \
        static const struct ipck_role ipck_role_##role_name = {#role_name, ipck_role_body_##role_name}; \
        static const struct ipck_role *const ipck_role_entry_##role_name                                \
                __attribute__((used, section("ipck_roles"))) = &ipck_role_##role_name;                  \
        static int ipck_role_body_##role_name(const char *arg)

/* Installs a handler that only counts; flags as for sigaction (SA_RESTART or 0). signals_caught() is per process. */
void catch_signal(int signo, int flags);
int signals_caught(void);

/* ---- users and privileges: for the calling process, so mostly in a CHILD ---- */

enum { USER_A = 20001, USER_B = 20002, USER_C = 20003, GROUP_A = 30001, GROUP_B = 30002, GROUP_C = 30003 };

/* Becomes uid and gid (real, effective, saved) with exactly these supplementary groups, without capabilities unless
 * uid is 0. UNSUPPORTED where the ids do not exist here (a user namespace with one id). */
void become(uid_t uid, gid_t gid, const gid_t *groups, size_t count);

/* become(uid, uid, no groups): a user and group unrelated to anybody else. */
void as_user(uid_t uid);

/* Whether the process has the capability (CAP_..) effective in its user namespace. */
bool has_capability(int capability);

/* The same in the initial user namespace, where the kernel asks for some: a container's root does not have it there. */
bool has_initial_capability(int capability);

/* Gives up one capability, all others, or all: an owner with mode 0 is then refused although still user 0. */
void drop_capability(int capability);
void drop_other_capabilities(int kept);
void drop_all_capabilities(void);

/* Enters a user namespace in which the process's own ids alone have a number: these. UNSUPPORTED where it may not. */
void enter_user_namespace(uid_t uid, gid_t gid);

/* For a test that needs an IPC namespace in which nothing exists: enters a new one where there is anything, and is
 * UNSUPPORTED where it may not. */
void empty_namespace(void);

/* For a test whose segments are to outlive their last detach: switches kernel.shm_rmid_forced off where it is on, and
 * is UNSUPPORTED where it may not. Tests of files that include ipck_shm.h start so. */
void keep_detached_segments(void);

/* For a test that looks into /proc/PID of its processes: UNSUPPORTED where the sandbox could not mount a /proc. */
void private_proc(void);

/* For a test that makes files, or objects that Linux keeps as files: /dev/shm, which the sandbox mounts and enters, is
 * empty, has some room and is open to all users; UNSUPPORTED where it is not so. */
void private_directory(void);

/* For a test that a debugger disturbs (a signal that is ignored interrupts a traced process): UNSUPPORTED under one. */
void no_tracer(void);

/* Enters a new IPC namespace; UNSUPPORTED where the process may not. */
void enter_new_ipc_namespace(void);

/* A descriptor of the present IPC namespace, for setns() and to keep it alive. */
int this_ipc_namespace(void);

/* ---- the world around ---- */

/* A key in use by no queue, set or segment of the namespace; never IPC_PRIVATE. */
key_t fresh_key(void);

/* 0 .. below-1, from the run's seed and the test's name. */
uint32_t random_below(uint32_t below);

/* CLOCK_REALTIME_COARSE in whole seconds: the clock that the time stamps come from. */
time_t now(void);

/* Spends some steps of time that differ from call to call: mostly few, now and then as many as a wake-up takes. For the
 * rounds of a race. */
void dawdle(void);

/* Waits until now() is greater than after (at most a second; use with MOSTLY_WAITS). */
void next_second(time_t after);

/* Waits until that many nanoseconds of that second have passed on the same clock. */
void moment_of_second(time_t second, long nanoseconds);

/* CLOCK_MONOTONIC and CLOCK_REALTIME in nanoseconds. */
int64_t monotonic_ns(void);
int64_t realtime_ns(void);

/* So many nanoseconds on this machine, more on a slower target (--time-scale): for a patience of a test's own. */
int64_t scaled_ns(int64_t nanoseconds);

/* That clock's time so many nanoseconds from here; in the past where they are negative. */
struct timespec deadline_in(clockid_t clock, int64_t nanoseconds);

/* Waits until no other test of any program of ipck on this machine holds the turn of that directory, unless one takes
 * very long, and keeps it to the test's end: for tests that judge or use up what the whole machine shares. */
void take_turn(const char *directory);

/* Sets the process's soft limit (RLIMIT_..) and returns the one before; UNSUPPORTED where the hard limit is lower. */
#define set_rlimit(resource, soft) ipck_set_rlimit(IPCK_HERE, #resource, resource, soft)

/* How many descriptors of the process are open: for "nothing is left over"; and the number that the next one gets. */
int open_descriptors(void);
int next_descriptor(void);

/* How many names are in the directory, besides . and .. */
int names_in(const char *directory);

/* For a test that has many open at a time: UNSUPPORTED where the process may not have so many more. */
void need_descriptors(int count);

/* Reads a whole small file into buffer as a string; -1 with errno on failure. */
ssize_t read_file(const char *path, char *buffer, size_t size);

/* The decimal number behind the label in a small file, the first of all where the label is ""; UNSUPPORTED where there
 * is none. */
uintmax_t number_in(const char *path, const char *label);

/* Writes text to /proc/sys/NAME of the private namespace; -1 with errno on failure. */
int write_sysctl(const char *name, const char *text);

/* The same where the test needs it: UNSUPPORTED where this user may not. */
void set_sysctl(const char *name, const char *text);

/* An address that is mapped to nothing, and a page that can be read but not written. */
void *bad_address(void);
void *read_only_page(void);

/* Memory of size bytes that ends where an inaccessible page begins: one byte beyond is SIGSEGV, or EFAULT. */
void *guarded(size_t size);

/* A copy of the text in such memory: a call that reads behind its null byte shows. */
const char *guarded_text(const char *text);

/* Size of a page in bytes. */
size_t page_size(void);

/* Size bytes that depend on the seed and on their place, and whether they are these. */
void fill_pattern(void *memory, size_t size, uint32_t seed);
bool has_pattern(const void *memory, size_t size, uint32_t seed);

/* The place of the first byte that has another value, -1 where there is none; and whether there is none. */
long first_other(const void *memory, size_t size, unsigned char value);
bool all_bytes(const void *memory, size_t size, unsigned char value);

/* The signal that loading from the address, or storing there what it holds, raises (SIGSEGV, SIGBUS); 0 where it
 * works. */
int load_signal(const volatile void *address);
int store_signal(volatile void *address);

/* Whether the whole page at the address belongs to a mapping. */
bool is_mapped(const void *page);

/* A page-aligned range of the address space in which nothing is mapped, with free pages below and above it. */
void *free_range(size_t size);

/* Kernel fault injection of the calling thread (Documentation/fault-injection): the n-th step from here on that can
 * fail will. UNSUPPORTED where the kernel has none. disarm_fault() tells whether that step was reached, and ends the
 * injection. */
void arm_fault(unsigned n);
bool disarm_fault(void);

/* Name of an errno value ("EINVAL"); a number in text where it has none. */
const char *errno_name(int error);

/* ---- what the macros call ---- */

struct ipck_wait {
        struct ipck_here here;
        const char *what;
        int64_t deadline;
        unsigned turns;
        bool long_one;                  /* so that the runner lets another test start meanwhile */
};

struct ipck_rows {
        size_t at;
        size_t outer;                   /* length of the names of the rows around it */
};

bool ipck_fails_with(struct ipck_here, enum ipck_requirement, const char *call, int want, intptr_t got);
void ipck_eq(struct ipck_here, enum ipck_requirement, const char *expression, intmax_t got, int error,
             const char *want_text, intmax_t want);
void ipck_between(struct ipck_here, enum ipck_requirement, const char *expression, intmax_t low, intmax_t got,
                  int error, intmax_t high);
int ipck_opens(struct ipck_here, enum ipck_requirement, const char *call, int got);
bool ipck_holds(struct ipck_here, enum ipck_requirement, const char *condition, bool truth);
void ipck_reads(struct ipck_here, enum ipck_requirement, const char *expression, const char *got, const char *format,
                ...) __attribute__((format(printf, 5, 6)));
void ipck_observe(struct ipck_here, enum ipck_requirement, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
intptr_t ipck_must(struct ipck_here, const char *call, intptr_t got);
void ipck_require(struct ipck_here, const char *condition, bool truth);
_Noreturn void ipck_unsupported(struct ipck_here, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct ipck_wait ipck_wait_begin(struct ipck_here, const char *what);
bool ipck_wait_more(struct ipck_wait *);
void ipck_eventually(struct ipck_wait *, enum ipck_requirement, bool truth);
void ipck_until(struct ipck_wait *, bool truth);
struct ipck_rows ipck_rows_begin(void);
bool ipck_row(const struct ipck_rows *, const char *name);
void ipck_rows_end(const struct ipck_rows *);
pid_t ipck_must_fork(struct ipck_here, const char *call, intptr_t got);
void ipck_start_thread(struct ipck_here, pthread_t *, void *(*body)(void *), void *arg);
rlim_t ipck_set_rlimit(struct ipck_here, const char *name, int resource, rlim_t soft);
bool ipck_fork(struct ipck_here, struct child *);
_Noreturn void ipck_child_done(struct child *);
void ipck_join(struct ipck_here, struct child *);

#endif
