/* SPDX-License-Identifier: MIT
 *
 * stress.h: what a workload is written with.
 *
 *      WORKLOAD(fuzz_sem, "fuzz.sem", "calls on semaphore sets, each judged by the model")
 *      {
 *              struct random random = random_from(stress_options.seed);
 *
 *              while (more_time()) {
 *                      ...
 *                      count_operations(1);
 *                      if (...)
 *                              violation(semop_ret_zero, history, "semop() returned %d", result);
 *              }
 *      }
 *
 * A workload runs as process 2 of IPC, mount and PID namespaces of its own, as a conformance test does, and may use all of
 * ipck.h but the verdicts: CHILD, MUST, UNTIL, UNSUPPORTED. What it counts and reports is kept in memory that all of its
 * processes share. Its choices depend on the seed alone.
 */
#ifndef STRESS_H
#define STRESS_H

#include "ipck.h"

struct workload {
        const char *file;
        int line;
        const char *name, *what;
        void (*body)(void);
};

#define WORKLOAD(id, workload_name, description)                                                        \
        static void stress_body_##id(void);                                                             \
        static const struct workload stress_workload_##id = {                                           \
                .file = __FILE__, .line = __LINE__, .name = workload_name, .what = description,         \
                .body = stress_body_##id};                                                              \
        static const struct workload *const stress_entry_##id                                           \
                __attribute__((used, section("stress_workloads"))) = &stress_workload_##id;             \
        static void stress_body_##id(void)

/* The details of a violation are cut there: room for the longest history, and for a test that a fuzz prints. */
enum { MOST_DETAILS = 1 << 18 };

/* Changes whenever the same seed means other operations. */
enum { STRESS_GENERATION = 3 };

extern struct stress_options {
        uint64_t seed;
        double seconds;                 /* that a workload may take */
        double time_scale;              /* how much slower than the host everything may be */
        uint64_t operations;            /* ends after so many; 0: when the time is over */
        unsigned processes;             /* 0: as many as the workload likes */
        bool trace;                     /* print each operation and its result, do not judge */
        uint64_t waived[(IPCK_REQUIREMENTS + 63) / 64];         /* requirements that are not demanded, a bit each */
} stress_options;

static inline bool stress_waived(enum ipck_requirement r)
{
        return stress_options.waived[r / 64] >> r % 64 & 1;
}

/* ---- results ---- */

void count_operations(uint64_t number);
void count_histories(uint64_t number);

/* A requirement is contradicted: one line how, and more (a history, a test that shows it; "" for none). One violation
 * of each requirement is kept, further ones are counted. */
void violation(enum ipck_requirement, const char *details, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Whether the workload has reported a violation of that requirement. */
bool violated(enum ipck_requirement);

/* A number beside the usual ones, such as a rate, for the member "measured" of the results. */
void measured(const char *name, double value);

/* What so many at the same time did and took, [0] unjudged, [1] judged: "checked_per_second", "unchecked_per_second", and
 * the former divided by the latter, "speed_beside_unchecked". */
void measured_speed(const _Atomic uint64_t operations[2], const _Atomic uint64_t nanoseconds[2], unsigned side_by_side);

/* Whether time (--seconds) and operations (--operations) are left. */
bool more_time(void);

/* Prints one JSON line of the kind, with this member: a workload's trace. */
void trace(const char *call, const char *result);

/* ---- random numbers: the same on all machines ---- */

struct random {
        uint64_t state[4];
};

static inline uint64_t splitmix(uint64_t *x)
{
        uint64_t z = *x += 0x9e3779b97f4a7c15;

        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
}

/* Numbers of other seeds have nothing to do with these. */
static inline struct random random_from(uint64_t seed)
{
        struct random r;

        for (int i = 0; i < 4; i++)
                r.state[i] = splitmix(&seed);
        return r;
}

/* xoshiro256** (Blackman, Vigna) */
static inline uint64_t random_next(struct random *r)
{
        uint64_t *const s = r->state;
        const uint64_t x = s[1] * 5, result = (x << 7 | x >> 57) * 9, t = s[1] << 17;

        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3] << 45 | s[3] >> 19;
        return result;
}

/* 0 .. below-1; below is not 0. */
static inline uint32_t draw(struct random *r, uint32_t below)
{
        return (uint32_t)((random_next(r) >> 32) * below >> 32);
}

/* True once in n times. */
static inline bool one_in(struct random *r, uint32_t n)
{
        return draw(r, n) == 0;
}

#endif
