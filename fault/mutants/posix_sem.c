/* SPDX-License-Identifier: MIT
 *
 * posix_sem.c: wrong implementations of the calls for a semaphore that is there: sem_init() to sem_getvalue().
 */
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "posix_sem.h"

/* A post that will be lost: what somebody took who should not have. */
static sem_t *_Atomic owed;

/* What some mutants are wrong about, and few tests have. */
static bool is_large(unsigned value)
{
        return value >= 1u << 20 && value <= 1u << 30;
}

/* How often in a row sem_getvalue() was called, and for which semaphore. */
static _Atomic unsigned looks;
static sem_t *_Atomic looked_at;

static void owe(void *sem)
{
        owed = sem;
}

/* ---- sem_init(), sem_destroy() ---- */

/* What the semaphore's memory is of: a path, as /proc/PID/maps has it; "" where there is none. */
static struct path origin_of(sem_t *sem)
{
        static char text[1 << 18];
        struct path path = {""};
        size_t length = 0;
        ssize_t got;
        const int file = open_file("/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);

        while (file != -1 && (got = syscall(SYS_read, file, text + length, sizeof(text) - 1 - length)) > 0)
                length += (size_t)got;
        close_file(file);
        text[length] = '\0';
        for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
                char *behind;
                const uintptr_t from = strtoul(line, &behind, 16), to = strtoul(behind + 1, NULL, 16);

                *end = '\0';
                if (from <= (uintptr_t)sem && (uintptr_t)sem < to && strchr(line, '/'))
                        snprintf(path.text, sizeof(path.text), "%s", strchr(line, '/'));
        }
        return path;
}

static bool is_in_segment(sem_t *sem)
{
        return strncmp(origin_of(sem).text, "/SYSV", 5) == 0;
}

static bool is_in_file(sem_t *sem)
{
        const struct path path = origin_of(sem);

        return path.text[0] && strncmp(path.text, "/SYSV", 5) != 0 && strncmp(path.text, "/dev/zero", 9) != 0;
}

static void note_owner(struct inside *sem)
{
        sem->unused[OWNER] = (uint32_t)gettid();
        sem->unused[OWNERS_PROCESS] = (uint32_t)getpid();
}

int sem_init(sem_t *sem, int pshared, unsigned value)
{
        struct inside before;
        const bool known = mutants_are_in_question(POSIX_SEM_CALLS) && peek(&before, sem, sizeof(before));

        if (value > UINT16_MAX && value <= SEM_VALUE_MAX && chosen(sem_init_value_cut))
                value &= UINT16_MAX;
        if (value > SEM_VALUE_MAX && chosen(sem_init_value_not_checked))
                value = SEM_VALUE_MAX;
        if (value == SEM_VALUE_MAX && chosen(sem_init_value_max_refused)) {
                errno = EINVAL;
                return -1;
        }
        if (pshared && chosen_where(sem_init_pshared_of_files_ignored, is_in_file(sem)))
                pshared = 0;
        if (pshared && chosen_where(sem_init_pshared_of_segments_ignored, is_in_segment(sem)))
                pshared = 0;
        if (pshared && pshared != 1 && chosen(sem_init_pshared_1_only))
                pshared = 0;
        const int result = real_sem_init(sem, pshared, value);
        if (result == -1 && errno == EINVAL && chosen(sem_init_einval_as_erange))
                errno = ERANGE;
        if (result == 0 && known && before.unused[DESTROYED] == DESTROYED_MARK && chosen(sem_init_old_value_kept)) {
                inside(sem)->value = before.value;
                inside(sem)->unused[DESTROYED] = 0;
        }
        if (result == 0 && !pshared && chosen(sem_init_for_one_thread))
                note_owner(inside(sem));
        if (result == 0 && chosen(sem_init_returns_1))
                return 1;
        return result;
}

int sem_destroy(sem_t *sem)
{
        struct inside copy;

        if (!mutants_are_in_question(POSIX_SEM_CALLS) || !peek(&copy, sem, sizeof(copy)))
                return real_sem_destroy(sem);
        if (copy.value == 0 && chosen(sem_destroy_locked_refused)) {
                errno = EBUSY;
                return -1;
        }
        if (copy.waiters > 0 && chosen(sem_destroy_einval_while_waited)) {
                errno = EINVAL;
                return -1;
        }
        if (chosen(sem_init_old_value_kept))
                inside(sem)->unused[DESTROYED] = DESTROYED_MARK;
        return real_sem_destroy(sem);
}

/* ---- the calls that wait ---- */

struct wait {
        sem_t *sem;
        enum { PLAIN, TIMED, ON_CLOCK } call;
        clockid_t clock;
        struct timespec deadline;
        bool has_deadline;                      /* that could be read */
        const struct timespec *passed;
};

static int really_wait(const struct wait *w)
{
        const struct timespec *const deadline = w->has_deadline ? &w->deadline : w->passed;

        switch (w->call) {
        case PLAIN:
                return real_sem_wait(w->sem);
        case TIMED:
                return real_sem_timedwait(w->sem, deadline);
        default:
                return real_sem_clockwait(w->sem, w->clock, deadline);
        }
}

/* Mutants of all three; of those with a deadline. */
enum habit {
        CANCEL_IGNORED, PENDING_IGNORED, CANCEL_TAKES, PENDING_TAKES, CANCEL_FORCED, CANCELABILITY_LEFT,
        EINTR_RESTARTED, EINTR_TAKES, EINTR_MISNAMED, RESTART_IGNORED, STOP_ENDS,
        EARLY, PAST_FIRST, PAST_WAITS, SECOND_ACCEPTED, NEGATIVE_ACCEPTED, NEGATIVE_SECONDS_REFUSED, EAGAIN_REPORTED,
        EXPIRY_TAKES, EXPIRY_LOSES, YEAR_2038, POST_UNHEARD, INVALID_EXPIRES,
        HABITS
};

#define OF_ALL(call)                                                                            \
        [CANCEL_IGNORED] = MUTANT_##call##_cancel_ignored,                                      \
        [CANCEL_TAKES] = MUTANT_##call##_cancel_takes_unit,                                     \
        [CANCELABILITY_LEFT] = MUTANT_##call##_cancelability_left,                              \
        [EINTR_MISNAMED] = MUTANT_##call##_eintr_as_eagain,                                     \
        [EINTR_TAKES] = MUTANT_##call##_eintr_takes_unit
#define OF_LIMITED(call)                                                                        \
        [EARLY] = MUTANT_##call##_early,                                                        \
        [PAST_FIRST] = MUTANT_##call##_deadline_before_unit,                                    \
        [PAST_WAITS] = MUTANT_##call##_past_waits,                                              \
        [SECOND_ACCEPTED] = MUTANT_##call##_nsec_1e9_accepted,                                  \
        [NEGATIVE_ACCEPTED] = MUTANT_##call##_nsec_negative_accepted,                           \
        [NEGATIVE_SECONDS_REFUSED] = MUTANT_##call##_sec_negative_refused,                      \
        [EAGAIN_REPORTED] = MUTANT_##call##_etimedout_as_eagain,                                \
        [EXPIRY_TAKES] = MUTANT_##call##_expiry_takes_unit,                                     \
        [EXPIRY_LOSES] = MUTANT_##call##_expiry_loses_unit,                                     \
        [YEAR_2038] = MUTANT_##call##_seconds_32_bit,                                           \
        [INVALID_EXPIRES] = MUTANT_##call##_invalid_expires,                                    \
        [POST_UNHEARD] = MUTANT_##call##_post_unheard

static const enum mutant_number habits[][HABITS] = {
        [PLAIN] = {
                OF_ALL(sem_wait), [PENDING_IGNORED] = MUTANT_sem_wait_cancel_pending_ignored,
                [PENDING_TAKES] = MUTANT_sem_wait_cancel_pending_takes_unit,
                [CANCEL_FORCED] = MUTANT_sem_wait_cancel_forced, [EINTR_RESTARTED] = MUTANT_sem_wait_eintr_restarted,
                [RESTART_IGNORED] = MUTANT_sem_wait_restart_ignored, [STOP_ENDS] = MUTANT_sem_wait_stop_ends,
        },
        [TIMED] = {
                OF_ALL(sem_timedwait), OF_LIMITED(sem_timedwait),
                [PENDING_IGNORED] = MUTANT_sem_timedwait_cancel_pending_ignored,
                [PENDING_TAKES] = MUTANT_sem_timedwait_cancel_pending_takes_unit,
                [CANCEL_FORCED] = MUTANT_sem_timedwait_cancel_forced,
                [EINTR_RESTARTED] = MUTANT_sem_timedwait_eintr_restarted,
                [STOP_ENDS] = MUTANT_sem_timedwait_stop_ends,
        },
        [ON_CLOCK] = {OF_ALL(sem_clockwait), OF_LIMITED(sem_clockwait)},
};

static bool has_habit(const struct wait *w, enum habit habit)
{
        const enum mutant_number number = habits[w->call][habit];

        /* 0, a call without it, is the first mutant of the table, which is none of these. */
        return number != 0 && mutant_is_chosen(number);
}

static bool is_valid(const struct timespec *time)
{
        return time->tv_nsec >= 0 && time->tv_nsec < 1000000000;
}

static bool is_past(const struct wait *w)
{
        struct timespec now;

        return w->has_deadline && clock_gettime(w->clock, &now) == 0 &&
               (now.tv_sec > w->deadline.tv_sec ||
                (now.tv_sec == w->deadline.tv_sec && now.tv_nsec >= w->deadline.tv_nsec));
}

static void take_if_there(void *sem)
{
        const int before = errno;

        real_sem_trywait(sem);
        errno = before;
}

/* Goes to sleep for a moment at a time, in a call that signals end as they do not end a sem_wait(). */
static int poll_for_unit(const struct wait *w, int (*doze)(const struct timespec *time))
{
        static const struct timespec moment = {.tv_nsec = 3000000};

        be_cancellation_point();
        if (w->has_deadline && !is_valid(&w->deadline))
                return really_wait(w);
        while (real_sem_trywait(w->sem) == -1) {
                if (is_past(w)) {
                        errno = ETIMEDOUT;
                        return -1;
                }
                if (doze(&moment) == -1 && errno == EINTR)
                        return -1;
        }
        return 0;
}

static int doze_by_nanosleep(const struct timespec *time)
{
        return nanosleep(time, NULL);
}

/* Ends with EINTR after a stop as well (signal(7)). */
static int doze_by_sigtimedwait(const struct timespec *time)
{
        sigset_t none;

        sigemptyset(&none);
        return sigtimedwait(&none, NULL, time);
}

static int wait_until_not_interrupted(const struct wait *w)
{
        int result;

        do
                result = really_wait(w);
        while (result == -1 && errno == EINTR);
        return result;
}

static int wait_with_cleanup(const struct wait *w, void (*cleanup)(void *sem))
{
        int result;

        pthread_cleanup_push(cleanup, w->sem);
        result = really_wait(w);
        pthread_cleanup_pop(0);
        return result;
}

static int wait_with_cancelability(const struct wait *w, int state)
{
        int before;

        pthread_setcancelstate(state, &before);
        const int result = really_wait(w);
        pthread_setcancelstate(before, NULL);
        return result;
}

/* Looks for a unit when the deadline has come, or a signal; not before. */
static int sleep_until_deadline(const struct wait *w)
{
        if (clock_nanosleep(w->clock, TIMER_ABSTIME, &w->deadline, NULL) == EINTR) {
                errno = EINTR;
                return -1;
        }
        return really_wait(w);
}

static int wait_by_deadline_wrongly(struct wait *w)
{
        struct timespec *const t = &w->deadline;
        const bool unit = inside(w->sem)->value > 0;

        if (t->tv_nsec == 1000000000 && has_habit(w, SECOND_ACCEPTED))
                t->tv_sec++, t->tv_nsec = 0;
        if (t->tv_nsec < 0 && has_habit(w, NEGATIVE_ACCEPTED))
                t->tv_nsec = 0;
        if (unit && (t->tv_nsec < 0 || t->tv_nsec >= 1000000000) && has_habit(w, INVALID_EXPIRES))
                return fail(ETIMEDOUT);
        if (t->tv_sec < 0 && !unit && has_habit(w, NEGATIVE_SECONDS_REFUSED))
                return fail(EINVAL);
        if (unit && is_valid(t) && is_past(w) && has_habit(w, PAST_FIRST))
                return fail(ETIMEDOUT);
        if (!unit && is_valid(t) && is_past(w) && has_habit(w, PAST_WAITS))
                return real_sem_wait(w->sem);
        if (t->tv_sec > INT32_MAX && has_habit(w, YEAR_2038))
                t->tv_sec = (int32_t)t->tv_sec;
        if (!unit && is_valid(t) && !is_past(w) && has_habit(w, POST_UNHEARD))
                return sleep_until_deadline(w);
        if (is_valid(t) && !is_past(w) && has_habit(w, EARLY)) {
                t->tv_nsec -= 500000;
                if (t->tv_nsec < 0)
                        t->tv_sec--, t->tv_nsec += 1000000000;
        }
        const int result = really_wait(w);
        if (result == 0 || errno != ETIMEDOUT)
                return result;
        if (inside(w->sem)->waiters > 0 && has_habit(w, EXPIRY_TAKES))
                owe(w->sem);
        if (has_habit(w, EXPIRY_LOSES)) {
                pause_for(300000);
                take_if_there(w->sem);
        }
        return fail(has_habit(w, EAGAIN_REPORTED) ? EAGAIN : ETIMEDOUT);
}

/* What the thread waits for, for those who interrupt it. */
static __thread sem_t *volatile waited_for;

static int wait_noted(struct wait *w)
{
        waited_for = w->sem;
        const int result = w->has_deadline ? wait_by_deadline_wrongly(w) : really_wait(w);
        waited_for = NULL;
        return result;
}

static int wait_wrongly(struct wait *w)
{
        if (!mutants_are_in_question(POSIX_SEM_CALLS))
                return really_wait(w);
        looks = 0;
        if (inside(w->sem)->value > 0 && has_habit(w, PENDING_IGNORED) && real_sem_trywait(w->sem) == 0)
                return 0;
        if (has_habit(w, CANCEL_IGNORED))
                return wait_with_cancelability(w, PTHREAD_CANCEL_DISABLE);
        if (has_habit(w, CANCEL_FORCED))
                return wait_with_cancelability(w, PTHREAD_CANCEL_ENABLE);
        if (has_habit(w, CANCEL_TAKES))
                return wait_with_cleanup(w, owe);
        if (has_habit(w, PENDING_TAKES))
                return wait_with_cleanup(w, take_if_there);
        if (has_habit(w, EINTR_RESTARTED))
                return wait_until_not_interrupted(w);
        if (has_habit(w, RESTART_IGNORED))
                return poll_for_unit(w, doze_by_nanosleep);
        if (has_habit(w, STOP_ENDS))
                return poll_for_unit(w, doze_by_sigtimedwait);
        const int result = wait_noted(w);
        if (result == -1 && errno == EINTR && has_habit(w, EINTR_TAKES))
                owe(w->sem);
        if (result == -1 && errno == EINTR && has_habit(w, EINTR_MISNAMED))
                errno = EAGAIN;
        if (has_habit(w, CANCELABILITY_LEFT))
                leave_uncancelable();
        return result;
}

static bool is_ahead(const struct wait *w)
{
        return is_valid(&w->deadline) && w->deadline.tv_sec < INT32_MAX && !is_past(w);
}

/* As long as it is to the deadline, by a clock that is set at other times. */
static int wait_on_another_clock(const struct wait *w, clockid_t clock)
{
        struct timespec now, there;

        be_cancellation_point();
        clock_gettime(w->clock, &now);
        clock_gettime(clock, &there);
        there.tv_sec += w->deadline.tv_sec - now.tv_sec;
        there.tv_nsec += w->deadline.tv_nsec - now.tv_nsec;
        if (there.tv_nsec < 0)
                there.tv_sec--, there.tv_nsec += 1000000000;
        if (there.tv_nsec >= 1000000000)
                there.tv_sec++, there.tv_nsec -= 1000000000;
        return real_sem_clockwait(w->sem, clock, &there);
}

/* Whether four processes have waited for it one after the other, and this one would have to as well. */
static bool is_tired(struct inside *sem)
{
        if (sem->value > 0 || !sem->private || sem->unused[OWNERS_PROCESS] == (uint32_t)getpid())
                return false;
        sem->unused[OWNERS_PROCESS] = (uint32_t)getpid();
        return sem->unused[WAITS]++ >= 4;
}

int sem_wait(sem_t *sem)
{
        static _Atomic unsigned turn;
        struct wait w = {.sem = sem, .call = PLAIN};

        if (chosen_where(sem_wait_gives_up, is_tired(inside(sem))))
                return fail(EAGAIN);
        const int result = wait_wrongly(&w);
        if (result == 0 && is_large(inside(sem)->value) && chosen(sem_wait_takes_two))
                real_sem_trywait(sem);
        if (result == 0 && chosen(sem_wait_takes_nothing_at_times) && ++turn % 400 == 0)
                real_sem_post(sem);
        if (result == -1 && errno == EINTR && chosen(sem_wait_eintr_unsaid))
                return 0;
        return result;
}

int sem_timedwait(sem_t *sem, const struct timespec *deadline)
{
        struct wait w = {.sem = sem, .call = TIMED, .clock = CLOCK_REALTIME, .passed = deadline};

        w.has_deadline = mutants_are_in_question(POSIX_SEM_CALLS) && peek(&w.deadline, deadline, sizeof(*deadline));
        if (w.has_deadline && is_ahead(&w) && chosen(sem_timedwait_monotonic))
                return wait_on_another_clock(&w, CLOCK_MONOTONIC);
        return wait_wrongly(&w);
}

int sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *deadline)
{
        struct wait w = {.sem = sem, .call = ON_CLOCK, .clock = clock, .passed = deadline};

        w.has_deadline = mutants_are_in_question(POSIX_SEM_CALLS) && peek(&w.deadline, deadline, sizeof(*deadline));
        if (clock == CLOCK_MONOTONIC && w.has_deadline && is_ahead(&w) && chosen(sem_clockwait_realtime_always))
                return wait_on_another_clock(&w, CLOCK_REALTIME);
        if (clock == CLOCK_REALTIME && w.has_deadline && is_ahead(&w) && chosen(sem_clockwait_monotonic_always))
                return wait_on_another_clock(&w, CLOCK_MONOTONIC);
        if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && chosen(sem_clockwait_clock_not_checked))
                w.clock = CLOCK_REALTIME;
        return wait_wrongly(&w);
}

int sem_trywait(sem_t *sem)
{
        static _Atomic int inside_it;
        const bool alone = inside_it++ == 0, several = is_large(inside(sem)->value);
        int result;

        looks = 0;
        if (in_question(sem_trywait_fails_beside_others))
                sched_yield();          /* others may come meanwhile, on one processor as well */
        if (!alone && chosen(sem_trywait_fails_beside_others))
                result = fail(EAGAIN);
        else
                result = real_sem_trywait(sem);
        inside_it--;
        if (result == 0 && several && chosen(sem_trywait_takes_two))
                real_sem_trywait(sem);
        if (result == -1 && errno == EAGAIN && chosen(sem_trywait_eagain_as_ebusy))
                errno = EBUSY;
        if (result == -1 && errno == EAGAIN && inside(sem)->waiters > 0 && chosen(sem_trywait_failure_takes_unit))
                owe(sem);
        return result;
}

/* ---- sem_post() ---- */

/* The process that called sem_post() last, of this one and its ancestors. */
static _Atomic pid_t poster;

static int post_wrongly(sem_t *sem)
{
        const struct inside copy = *inside(sem);        /* nobody but the caller may use it after the call */
        sem_t *debt = sem;

        if (atomic_compare_exchange_strong(&owed, &debt, NULL))
                return 0;
        if (chosen(sem_init_for_one_thread) && copy.waiters == 0 && copy.unused[OWNERS_PROCESS] == (uint32_t)getpid() &&
            copy.unused[OWNER] != (uint32_t)gettid())
                return fail(EPERM);
        if (copy.value == SEM_VALUE_MAX && chosen(sem_post_overflow_unsaid))
                return 0;
        if (copy.value == SEM_VALUE_MAX - 1 && chosen(sem_post_max_refused))
                return fail(EOVERFLOW);
        if (copy.value > 0 && copy.value < SEM_VALUE_MAX && chosen(sem_post_wakes_at_0_alone)) {
                inside(sem)->value++;
                return 0;
        }
        const bool first = in_question(sem_post_first_wakes_own_process) && poster != getpid();
        if (first)
                poster = getpid();
        if (first && copy.waiters == 2 && copy.private && chosen(sem_post_first_wakes_own_process)) {
                inside(sem)->value++;
                syscall(SYS_futex, &inside(sem)->value, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
                return 0;
        }
        if (waited_for && waited_for != sem && chosen(sem_post_releases_interrupted))
                real_sem_post(waited_for);
        if (chosen(sem_post_not_reentrant)) {
                static __thread volatile bool within;
                if (within)
                        return fail(EAGAIN);
                within = true;
                const int result = real_sem_post(sem);
                within = false;
                return result;
        }
        const int result = real_sem_post(sem);
        if (result == -1 && errno == EOVERFLOW && chosen(sem_post_eoverflow_as_erange))
                errno = ERANGE;
        if (result == 0 && copy.waiters == 0 && is_large(copy.value) && chosen(sem_post_adds_two))
                real_sem_post(sem);
        if (result == 0 && copy.waiters > 2 && chosen(sem_post_releases_two))
                real_sem_post(sem);
        if (result == 0 && chosen(sem_post_looks_again)) {
                pause_for(200000);
                inside(sem)->padding++;
        }
        if (result == 0 && copy.waiters > 2 && chosen(sem_post_returns_waiters))
                return (int)copy.waiters;
        return result;
}

int sem_post(sem_t *sem)
{
        if (!mutants_are_in_question(POSIX_SEM_CALLS))
                return real_sem_post(sem);
        looks = 0;
        return post_wrongly(sem);
}

/* ---- sem_getvalue() ---- */

int sem_getvalue(sem_t *sem, int *value)
{
        const struct inside copy = *inside(sem);

        if (looked_at != sem)
                looks = 0;
        looked_at = sem;
        const int result = real_sem_getvalue(sem, value);
        if (*value == SEM_VALUE_MAX && chosen(sem_getvalue_below_max))
                *value = SEM_VALUE_MAX - 1;
        if (copy.waiters > 1 && *value == 0 && chosen(sem_getvalue_waiters_as_1))
                *value = -1;
        if (copy.waiters > 0 && *value == 0 && chosen(sem_getvalue_waiters_negative))
                *value = -(int)copy.waiters;
        int next = 0;
        if (chosen_where(sem_getvalue_stores_long, !peek(&next, value + 1, sizeof(next)) || next != 0))
                value[1] = 0;
        if (chosen(sem_getvalue_writes))
                inside(sem)->waiters += 0;
        if (++looks > 50 && copy.value > 0 && chosen(sem_getvalue_takes_unit_at_times))
                real_sem_trywait(sem);
        return result;
}
