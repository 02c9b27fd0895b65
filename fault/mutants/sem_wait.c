/* SPDX-License-Identifier: MIT
 *
 * sem_wait.c: wrong implementations of semop() and semtimedop() where they have to wait.
 */
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "sem_op.h"

void announce(enum cause cause)
{
        sem_memory()->cause = cause;
        sem_memory()->woken = 0;
}

/* ---- calls that have to wait ---- */

/* A decrement waits until more is there than it takes, although it would not have to wait for that. */
static int wait_for_more(struct attempt *a)
{
        struct sembuf more[2] = {a->operations[0], a->operations[0]};
        const int result = done_at_once(a);

        if (result != -1 || errno != EAGAIN)
                return result;
        if (more[0].sem_op == -SEMVMX - 1)
                return done_right(a);
        more[0].sem_op--;
        more[1].sem_op = 1;
        return done_with(a, more, 2);
}

/* Waits again where the value that let it go is there no more. */
static int wait_until_seen(struct attempt *a)
{
        int result;

        do {
                result = done_right(a);
                nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);       /* until others have run */
        } while (result == 0 && ask(a->id, a->operations[0].sem_num, GETVAL) > 0);
        return result;
}

/* What is not enough to let a waiter go on. */
static bool set_by_semctl(void)
{
        return sem_memory()->cause == BY_SEMCTL;
}

static bool adjusted(void)
{
        return sem_memory()->cause == BY_END;
}

static bool done_by_single(void)
{
        return sem_memory()->cause == BY_SINGLE;
}

static bool another_went_on(void)
{
        return sem_memory()->woken > 0;
}

static bool arrays_wait(void)
{
        return sem_memory()->arrays > 0;
}

/* A waiter that has been let go on for what is not enough undoes all and waits until there is more. */
static int wait_unless(struct attempt *a, bool (*not_enough)(void))
{
        struct attempt back = *a;
        int result = done_at_once(a);

        if (result != -1 || errno != EAGAIN)
                return result;
        for (size_t i = 0; i < back.count; i++)
                back.operations[i].sem_op = (short)-back.operations[i].sem_op;
        reverse(&back);
        result = done_right(a);
        while (result != -1 && not_enough()) {
                if (any_change(a))
                        done_at_once(&back);
                while (not_enough())
                        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
                result = done_right(a);
        }
        sem_memory()->woken++;
        return result;
}

/* Is content with a unit. */
static int wait_for_one(struct attempt *a)
{
        const int result = done_at_once(a);

        if (result != -1 || errno != EAGAIN)
                return result;
        a->operations[0].sem_op = -1;
        return done_right(a);
}

/* Asks for permission once more when the wait is over. */
static int wait_and_ask(struct attempt *a)
{
        struct semid_ds ds;
        const int result = done_right(a);

        if (result == 0 && !has_privilege(CAP_IPC_OWNER) && describe(a->id, &ds) &&
            bits_of(&ds.sem_perm, kinship(&ds.sem_perm)) == 0)
                return fail(EACCES);
        return result;
}

/* Gives back what it has got while others wait that came later, and so comes last. */
static int wait_longest(struct attempt *a)
{
        int result = done_at_once(a);

        if (result != -1 || errno != EAGAIN)
                return result;
        while ((result = done_right(a)) != -1 && ask(a->id, a->operations[0].sem_num, GETNCNT) > 0) {
                struct attempt back = *a;
                back.operations[0].sem_op = (short)-back.operations[0].sem_op;
                done_at_once(&back);
                sched_yield();
        }
        return result;
}

static int restart(struct attempt *a)
{
        int result;

        do
                result = done_right(a);
        while (result == -1 && errno == EINTR);
        return result;
}

int wait_wrongly(struct attempt *a)
{
        const bool single = a->count == 1, zero = single && any_zero(a), decrement = single && any_decrement(a);
        struct semid_ds before = {0}, after;
        const time_t began = present();
        const int number = a->operations[0].sem_num;

        if (decrement && a->operations[0].sem_op < -2 && chosen(semop_wakes_only_for_more))
                return wait_for_more(a);
        if (zero && chosen(semop_zero_must_last))
                return wait_until_seen(a);
        if (decrement && chosen(semop_last_comes_first))
                return wait_longest(a);
        if (chosen(semctl_setval_wakes_nobody))
                return wait_unless(a, set_by_semctl);
        if (chosen(semop_undo_wakes_nobody))
                return wait_unless(a, adjusted);
        if (chosen(semop_wakes_one))
                return wait_unless(a, another_went_on);
        if (!single && chosen(semop_single_wakes_no_array))
                return wait_unless(a, done_by_single);
        if (decrement && chosen(semop_array_holds_up_decrements))
                return wait_unless(a, arrays_wait);
        if (decrement && a->operations[0].sem_op < -3 && in_question(semop_waiter_takes_one) &&
            ask(a->id, number, GETVAL) == 0 && chosen(semop_waiter_takes_one))
                return wait_for_one(a);
        if (!has_privilege(CAP_IPC_OWNER) && chosen(semctl_set_reaches_those_who_wait))
                return wait_and_ask(a);
        if (decrement && chosen(semop_decrement_restarted))
                return restart(a);
        if (zero && chosen(semop_zero_restarted))
                return restart(a);
        describe(a->id, &before);
        if (!single)
                sem_memory()->arrays++;
        int result = done_right(a);
        if (!single)
                sem_memory()->arrays--;
        if (result == -1 && errno == EINTR && chosen(semop_interrupted_increments)) {
                struct sembuf extra = {a->operations[0].sem_num, 1, IPC_NOWAIT};
                real_semop(a->id, &extra, 1);
                errno = EINTR;
        }
        if (result == 0 && decrement && a->operations[0].sem_op == -1 && number < WATCHED &&
            chosen(semop_served_still_counted))
                sem_memory()->served[number]++;
        if (result == 0 && zero && number < WATCHED && chosen(semop_zero_still_counted))
                sem_memory()->served[number]++;
        if (result == -1 && errno == EAGAIN && decrement && number < WATCHED &&
            chosen(semtimedop_expired_still_counted))
                sem_memory()->served[number]++;
        if (result == 0 && describe(a->id, &after)) {
                if (chosen(semop_stamps_when_the_wait_begins))
                        show(OTIME, a->id, 0, after.sem_otime, began);
                for (size_t i = 0; i < a->count; i++)
                        if (chosen(semop_waiter_leaves_pid_of_its_parent))
                                show(PID, a->id, a->operations[i].sem_num, getpid(), getppid());
        }
        return result;
}

/* ---- timeouts ---- */

int time_out_wrongly(struct attempt *a)
{
        struct timespec *const limit = &a->limit;

        if (!a->timeout) {
                if (may_wait(a) && chosen(semtimedop_null_as_zero)) {
                        *limit = (struct timespec){0};
                        a->timeout = limit;
                }
                return may_wait(a) ? wait_wrongly(a) : done_right(a);
        }
        if (!peek(limit, a->timeout, sizeof(*limit))) {
                if (chosen(semtimedop_bad_timeout_as_none))
                        a->timeout = NULL;
                const int result = done_right(a);
                if (result == -1 && errno == EFAULT && chosen(semtimedop_bad_timeout_as_einval))
                        errno = EINVAL;
                return result;
        }
        const struct timespec *const asked = a->timeout;
        const bool zero = limit->tv_sec == 0 && limit->tv_nsec == 0;
        const bool valid = limit->tv_sec >= 0 && limit->tv_nsec >= 0 && limit->tv_nsec < 1000000000;
        a->timeout = limit;
        if (limit->tv_sec < 0 && chosen(semtimedop_negative_as_zero))
                *limit = (struct timespec){0};
        if (limit->tv_nsec >= 1000000000 && limit->tv_sec >= 0 && chosen(semtimedop_nanoseconds_carried)) {
                limit->tv_sec += limit->tv_nsec / 1000000000;
                limit->tv_nsec %= 1000000000;
        }
        if (!valid && chosen(semtimedop_judged_when_it_waits)) {
                a->timeout = NULL;
                const int result = done_at_once(a);
                return result == -1 && errno == EAGAIN ? fail(EINVAL) : result;
        }
        if (zero && chosen(semtimedop_zero_never_done))
                return fail(EAGAIN);
        if (valid && !zero && limit->tv_sec > INT32_MAX && chosen(semtimedop_seconds_cut_to_32_bits))
                limit->tv_sec = 0;
        if (valid && !zero && limit->tv_sec < 60 && may_wait(a) && chosen(semtimedop_a_millisecond_early)) {
                const int64_t left = limit->tv_sec * INT64_C(1000000000) + limit->tv_nsec - 1000000;
                limit->tv_sec = left > 0 ? left / 1000000000 : 0;
                limit->tv_nsec = left > 0 ? left % 1000000000 : 0;
        }
        const int result = may_wait(a) ? wait_wrongly(a) : done_right(a);
        if (result == -1 && errno == EINTR && chosen(semtimedop_interrupted_stores_the_rest)) {
                limit->tv_nsec /= 2;
                poke((void *)asked, limit, sizeof(*limit));
        }
        if (result == -1 && errno == EAGAIN && valid && !zero && chosen(semtimedop_expiry_increments)) {
                struct sembuf extra = {a->operations[0].sem_num, 1, IPC_NOWAIT};
                real_semop(a->id, &extra, 1);
                errno = EAGAIN;
        }
        if (result == 0 && valid && !zero && may_wait(a) && chosen(semtimedop_success_as_eagain))
                return fail(EAGAIN);
        return result;
}
