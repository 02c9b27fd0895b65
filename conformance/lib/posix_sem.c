/* SPDX-License-Identifier: MIT
 *
 * posix_sem.c: set-up for tests of POSIX semaphores.
 */
#include <sched.h>
#include <stdio.h>
#include <sys/time.h>

#include "internal.h"
#include "ipck_posix_sem.h"

const struct sem_row sem_kinds[3] = {
        {"unnamed, pshared 0", THREADS_SEM}, {"unnamed, pshared 1", SHARED_SEM}, {"named", NAMED_SEM},
};
const struct sem_row process_sem_kinds[2] = {{"unnamed, pshared 1", SHARED_SEM}, {"named", NAMED_SEM}};
const struct sem_count positive_values[6] = {
        {"1", 1}, {"2", 2}, {"5", 5}, {"65536", 65536}, {"2^30", 1u << 30}, {"the largest", SEM_VALUE_MAX},
};
const struct sem_use sem_uses[5] = {
        {"pshared 0, threads", THREADS_SEM, false}, {"pshared 1, threads", SHARED_SEM, false},
        {"pshared 1, processes", SHARED_SEM, true}, {"named, threads", NAMED_SEM, false},
        {"named, processes", NAMED_SEM, true},
};

const struct sem_way plain_way = {"sem_wait", WAITS, CLOCK_REALTIME};
const struct sem_way timed_way = {"sem_timedwait", TIMED, CLOCK_REALTIME};
const struct sem_way clock_ways[2] = {
        {"CLOCK_REALTIME", ON_CLOCK, CLOCK_REALTIME}, {"CLOCK_MONOTONIC", ON_CLOCK, CLOCK_MONOTONIC},
};

#if !HAVE_SEM_CLOCKWAIT
int ipck_no_sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *deadline)
{
        (void)sem;
        (void)clock;
        (void)deadline;
        UNSUPPORTED("sem_clockwait() in the C library");
}
#endif

sem_t *named_sem(const char *name, unsigned value)
{
        sem_t *sem = sem_open(name, O_CREAT | O_EXCL, 0600, value);

        if (sem == SEM_FAILED)
                CANNOT("sem_open");
        REQUIRE(sem_value(sem) == (int)value);
        return sem;
}

sem_t *new_sem(enum sem_kind kind, unsigned value)
{
        if (kind == NAMED_SEM)
                return named_sem(SEM_NAME, value);
        sem_t *const sem = shared(sizeof(*sem));
        MUST(sem_init(sem, kind == SHARED_SEM, value));
        REQUIRE(sem_value(sem) == (int)value);
        return sem;
}

int sem_value(sem_t *sem)
{
        int value = 0x5a5a5a5a;

        MUST(sem_getvalue(sem, &value));
        return value;
}

int sem_units(sem_t *sem)
{
        const int value = sem_value(sem);

        return value < 0 ? 0 : value;
}

sem_t *fresh_sem(enum sem_kind kind, unsigned value)
{
        static _Atomic unsigned names;
        char name[32];

        if (kind != NAMED_SEM)
                return new_sem(kind, value);
        snprintf(name, sizeof(name), "/ipck-%d-%u", (int)getpid(), names++);
        return named_sem(name, value);
}

int sem_lock(sem_t *sem, const struct sem_way *way, const struct timespec *deadline)
{
        switch (way->call) {
        case WAITS:
                return sem_wait(sem);
        case TIMED:
                return sem_timedwait(sem, deadline);
        default:
                return sem_clockwait(sem, way->clock, deadline);
        }
}

int sem_lock_at_once(sem_t *sem, const struct sem_way *way, const struct timespec *deadline)
{
        const struct itimerval soon = {.it_value.tv_usec = 50000}, never = {0};

        catch_signal(SIGALRM, 0);
        MUST(setitimer(ITIMER_REAL, &soon, NULL));
        const int result = sem_lock(sem, way, deadline), error = errno;
        MUST(setitimer(ITIMER_REAL, &never, NULL));
        errno = error;
        return result;
}

struct timespec no_deadline(const struct sem_way *way)
{
        return deadline_in(way->clock, INT64_C(100000000000000));
}

bool deadline_is_past(const struct sem_way *way, const struct timespec *deadline)
{
        struct timespec t;

        MUST(clock_gettime(way->clock, &t));
        return t.tv_sec > deadline->tv_sec || (t.tv_sec == deadline->tv_sec && t.tv_nsec >= deadline->tv_nsec);
}

/* ---- callers ---- */

static int be_waiter(void *arg)
{
        struct waiter *w = arg;

        w->result = sem_lock(w->sem, w->way, &w->deadline) == 0 ? 0 : errno;
        return w->result;
}

void begin_waiter(struct waiter *w)
{
        w->result = -1;
        if (w->process) {
                CHILD(&w->child) {
                        here(&w->child, 1);
                        be_waiter(w);
                }
        } else {
                start(&w->thread, be_waiter, w);
        }
}

struct waiter *start_waiters(const struct sem_use *use, sem_t *sem, const struct sem_way *way, int count)
{
        struct waiter *const waiters = shared((size_t)count * sizeof(*waiters));

        for (struct waiter *w = waiters; w < waiters + count; w++) {
                *w = (struct waiter){.sem = sem, .way = way, .deadline = no_deadline(way), .process = use->processes};
                begin_waiter(w);
                /* One after the other: they wait in this order. */
                UNTIL(is_waiting(w) || is_back(w));
        }
        return waiters;
}

struct waiter *start_waiter(const struct sem_use *use, sem_t *sem, const struct sem_way *way)
{
        return start_waiters(use, sem, way, 1);
}

bool is_back(const struct waiter *w)
{
        return w->process ? returned(&w->child) : w->thread.back || w->thread.cancelled;
}

bool is_waiting(const struct waiter *w)
{
        return !is_back(w) && (w->process ? blocked(&w->child) : waits(&w->thread));
}

int count_back(const struct waiter *waiters, int count)
{
        int back = 0;

        for (int i = 0; i < count; i++)
                back += is_back(&waiters[i]);
        return back;
}

bool all_settled(const struct waiter *waiters, int count)
{
        for (int i = 0; i < count; i++)
                if (!is_back(&waiters[i]) && !is_waiting(&waiters[i]))
                        return false;
        return true;
}

bool is_stuck(const struct waiter *w)
{
        for (int looks = 0; looks < 1000; looks++) {
                if (!is_waiting(w) || sem_units(w->sem) == 0)
                        return false;
                sched_yield();
        }
        return true;
}

void signal_waiter(const struct waiter *w, int signo)
{
        if (w->process)
                MUST(kill(w->child.pid, signo));
        else
                signal_thread(&w->thread, signo);
}

void end_waiters(struct waiter *waiters, int count)
{
        for (struct waiter *w = waiters; w < waiters + count; w++) {
                if (w->process)
                        join(&w->child);
                else
                        finish(&w->thread);
        }
}

struct part {
        struct crowd *crowd;
        int (*work)(int n, void *arg);
        int n;
        void *arg;
};

/* They begin together: one by one, the first may be done before the last has come. */
static int do_part(void *arg)
{
        const struct part *part = arg;

        part->crowd->here++;
        while (part->crowd->here < part->crowd->count)
                sched_yield();
        return part->work(part->n, part->arg);
}

struct crowd *start_crowd(const struct sem_use *use, int count, int (*work)(int n, void *arg), void *arg)
{
        struct crowd *const crowd = shared(sizeof(*crowd));
        struct part *const parts = shared((size_t)count * sizeof(*parts));

        REQUIRE(count <= (int)(sizeof(crowd->threads) / sizeof(*crowd->threads)));
        crowd->processes = use->processes;
        crowd->count = count;
        for (int n = 0; n < count; n++) {
                parts[n] = (struct part){crowd, work, n, arg};
                if (crowd->processes) {
                        CHILD(&crowd->children[n])
                                do_part(&parts[n]);
                } else {
                        start(&crowd->threads[n], do_part, &parts[n]);
                }
        }
        return crowd;
}

bool crowd_done(const struct crowd *crowd)
{
        for (int n = 0; n < crowd->count; n++)
                if (crowd->processes ? !returned(&crowd->children[n]) : !crowd->threads[n].back)
                        return false;
        return true;
}

void end_crowd(struct crowd *crowd)
{
        for (int n = 0; n < crowd->count; n++) {
                if (crowd->processes)
                        join(&crowd->children[n]);
                else
                        finish(&crowd->threads[n]);
        }
}
