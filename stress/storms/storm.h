/* SPDX-License-Identifier: MIT
 *
 * storm.h: what storms are written with. A storm goes in rounds: in each, a crew of processes works on objects of that
 * round, and when all have come to rest the books must balance.
 *
 *      STORM(name, "what must hold")
 *      {
 *              while (another_round()) {
 *                      ... objects of the round, in shared() memory what the crew notes of its calls
 *                      muster(draw_crew(2, 64), worker);
 *                      set_off();
 *                      ... kill_worker(i), signals, removals
 *                      all_end(requirement);
 *                      EXPECT(requirement, value == wanted, "%d units of %d are left", value, wanted);
 *              }
 *      }
 *
 * What is picked depends on the seed, the round and the worker alone; when the processes meet is the machine's affair.
 * EXPECT and its like may be used in every process. The first violation ends the storm.
 */
#ifndef STORM_H
#define STORM_H

#include <stdatomic.h>
#include <sys/ipc.h>

#include "../stress.h"

#define STORM(id, what_must_hold) WORKLOAD(storm_##id, "storm." #id, what_must_hold)

/* The fourth argument of semctl(). */
union semun {
        int val;
        struct semid_ds *buf;
        unsigned short *array;
        struct seminfo *info;
};

/* ---- rounds ---- */

/* Whether there is to be one more round: there is time left. Ends the crew of the round before. */
bool another_round(void);

/* 0 .. below-1, from the seed, the round and the worker. */
uint32_t pick(uint32_t below);

/* True once in so many times. */
bool once_in(uint32_t times);

/* How many processes: mostly few, now and then as many as most. */
int draw_crew(int least, int most);

/* Spends some steps of time that differ from call to call: mostly few, now and then as many as a wake-up takes. */
void tarry(void);

/* ---- the crew ---- */

enum { MOST_WORKERS = 256 };

/* Starts workers; worker i (from 0) runs body(i) as soon as set_off() is called, and ends with status 0. More may be
 * mustered in the same round; they then have the next numbers. */
void muster(int count, void (*body)(int me));
void set_off(void);

/* How many were mustered in this round, the process id of one, 0 when it has ended, and how many have not ended. */
int crew_size(void);
pid_t worker_pid(int i);
int workers_left(void);

/* SIGKILL; when this returns the worker is gone. */
void kill_worker(int i);

/* A worker, or a process below one, ends by SIGKILL. */
_Noreturn void die_killed(void);

/* A worker says what it is about to do, for the report where it never comes back. */
void doing(const char *what);

/* Waits until every worker that was not killed has ended, with status 0; false when some do not in time. */
bool all_have_ended(void);

/* The same; those who do not end are stuck, which violates the requirement. */
#define all_end(req)                                                                                    \
        do {                                                                                            \
                if (!all_have_ended())                                                                  \
                        VIOLATED_BY_STUCK(req);                                                         \
        } while (0)
#define VIOLATED_BY_STUCK(req)                                                                          \
        EXPECT(req, false, "%d of %d processes never come back from %s", workers_left(), crew_size(), what_is_stuck())
const char *what_is_stuck(void);

/* ---- waiting ---- */

/* Whether the condition becomes true within the patience. */
#define WITHIN(condition)                                                                               \
        ({                                                                                              \
                struct ipck_wait ipck_w = ipck_wait_begin(IPCK_HERE, #condition);                       \
                bool ipck_true;                                                                         \
                while (!(ipck_true = (condition)) && ipck_wait_more(&ipck_w)) {                         \
                }                                                                                       \
                ipck_true;                                                                              \
        })

/* Waits until another process opens the gate; all that wait there go on at once. */
typedef _Atomic uint32_t gate;
void wait_at(gate *g);
void open_gate(gate *g);

/* Waits until count processes have come here for the n-th time, n from 1. */
void meet(_Atomic int *place, int count, int n);

/* Whether there are POSIX message queues. */
bool queues_exist(void);

/* ---- verdicts ---- */

/* The implementation did wrong: says what, and ends the storm. EXPECT passes over what is not demanded. */
#define VIOLATED(req, ...) storm_violated(IPCK_HERE, req, __VA_ARGS__)
#define EXPECT(req, condition, ...)                                                                     \
        do {                                                                                            \
                if (!(condition) && !stress_waived(req))                                                \
                        VIOLATED(req, __VA_ARGS__);                                                     \
        } while (0)

_Noreturn void storm_violated(struct ipck_here here, enum ipck_requirement req, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

#endif
