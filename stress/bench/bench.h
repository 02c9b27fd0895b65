/* SPDX-License-Identifier: MIT
 *
 * bench.h: what a benchmark is. Each runs in a process of its own, which lives from its preparation to the end of the run and
 * measures one batch of operations whenever its turn comes (rounds.c).
 */
#ifndef IPCK_BENCH_H
#define IPCK_BENCH_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum placement {
        ALONE,                          /* one process */
        TOGETHER,                       /* two, on one processor: a switch between processes each time */
        APART,                          /* two, each on a processor of its own */
};

/* A way to hand something over between two sides, 0 and 1. What goes wrong ends the benchmark: see NEEDS. */
struct mechanism {
        void (*open)(size_t bytes);     /* before the second process is made */
        void (*give)(int side);         /* SIDE may go on, and finds `bytes` bytes */
        void (*take)(int side);         /* as SIDE: waits for that */
};

struct bench {
        const char *name;               /* "sysv.msg.ping_pong.64.apart" */
        const char *what;               /* for people: what is timed */
        const char *unit;               /* of what the time is: "call", "cycle", "round trip", "message" */
        unsigned units;                 /* how many of them one operation is */
        size_t bytes;                   /* that each carries; 0 where that means nothing */
        void (*prepare)(const struct bench *);
        void (*run)(const struct bench *, unsigned long operations);
        enum placement placement;
        const struct mechanism *mechanism;      /* of run_exchange .. */
};

struct bench_list {
        const struct bench *benches;
        size_t count;
};

extern const struct bench_list reference_benches, sysv_sem_benches, sysv_msg_benches, sysv_shm_benches;
extern const struct bench_list posix_sem_benches, posix_shm_benches, posix_mq_benches;

#define BENCH_LIST(name, ...)                                                                   \
        static const struct bench name##_table[] = {__VA_ARGS__};                               \
        const struct bench_list name = {name##_table, sizeof(name##_table) / sizeof(*name##_table)}

/* ---- how two processes exchange something, by any mechanism (exchange.c) ---- */

void prepare_exchange(const struct bench *);    /* opens it; makes the partner where there is one */
void run_send_receive(const struct bench *, unsigned long operations);  /* one process gives and takes */
void run_ping_pong(const struct bench *, unsigned long operations);     /* there and back */
void run_stream(const struct bench *, unsigned long operations);        /* one gives, the other takes, as fast as it goes */

#define SEND_RECEIVE(name, what, mechanism, bytes) \
        {name, what, "call", 2, bytes, prepare_exchange, run_send_receive, ALONE, mechanism}
#define EXCHANGE_(name, what, unit, mechanism, bytes, run)                                                      \
        {name ".together", what ", both on one processor", unit, 1, bytes, prepare_exchange, run, TOGETHER, mechanism}, \
        {name ".apart", what ", on two processors", unit, 1, bytes, prepare_exchange, run, APART, mechanism}
#define PING_PONG(name, what, mechanism, bytes) EXCHANGE_(name, what, "round trip", mechanism, bytes, run_ping_pong)
#define STREAM(name, what, mechanism, bytes) EXCHANGE_(name, what, "message", mechanism, bytes, run_stream)
#define CALLS(name, what, calls, prepare, run) {name, what, "call", calls, 0, prepare, run, ALONE, NULL}
#define CYCLE(name, what, bytes, prepare, run) {name, what, "cycle", 1, bytes, prepare, run, ALONE, NULL}

/* ---- in the process of a benchmark (rounds.c) ---- */

/* The value of a call; when it fails, which is -1, the benchmark ends, and its result is the call with its error. */
#define NEEDS(call)                                                                             \
        __extension__({                                                                         \
                const intptr_t needs_got = (intptr_t)(call);                                    \
                if (__builtin_expect(needs_got == -1, 0))                                       \
                        bench_fails(#call, errno);                                              \
                needs_got;                                                                      \
        })

/* Ends the benchmark: the call failed. ENOSYS and the like mean that the target lacks it. */
_Noreturn void bench_fails(const char *call, int error);

/* Ends the benchmark: the target lacks something. */
_Noreturn void bench_lacks(const char *what);

/* ---- processors (processors.c) ---- */

/* Finds the processors that the process may use, and whether it can be bound to one of them. */
void find_processors(void);

int processors_usable(void);
bool processors_bind(void);

/* Binds the calling process to the first (0) or second (1) of them, where that is possible. */
void bind_to(int which);

/* ---- measuring (rounds.c) ---- */

struct plan {
        double seconds;                 /* of all rounds together, about */
        double patience;                /* seconds in which a batch must come to its end */
        uint64_t seed;                  /* of the order in each round */
};

/* Seconds on the clock that is used. */
double clock_seconds(void);

/* Nanoseconds that are lost in two readings of the clock, or its step where that is more. */
double clock_step(void);

/* Measures them in rounds, a batch of each in a new order, and reports. */
void measure(const struct bench *const *benches, size_t count, const struct plan *plan);

/* ---- what comes of it, as JSON lines on standard output (report.c) ---- */

/* The target and the program, before the first benchmark. */
void report_run(bool user_namespace, size_t benches);

/* A batch will be that many operations. */
void report_ready(const struct bench *, unsigned long operations);

/* Nanoseconds of a unit, a batch each. */
void report_samples(const struct bench *, const double *ns, size_t count);

/* There will be no more samples of it: KIND is "skip" or "error". */
void report_end_of(const struct bench *, const char *kind, const char *reason);

/* All is over. */
void report_end(void);

/* A name such as "EIDRM". */
const char *errno_name(int error);

#endif
