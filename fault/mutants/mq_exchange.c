/* SPDX-License-Identifier: MIT
 *
 * mq_exchange.c: wrong implementations of mq_send(), mq_timedsend(), mq_receive() and mq_timedreceive().
 */
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "mq.h"
#include "posix.h"

struct exchange {
        enum { SEND, RECEIVE } way;
        bool timed;                             /* the call that takes a deadline */
        mqd_t queue;
        const char *message;                    /* what is sent */
        char *room;                             /* where it is received */
        size_t size;
        unsigned priority, *priority_place;
        const struct timespec *passed;
        struct timespec deadline;
        bool has_deadline;                      /* that could be read */
};

static ssize_t call_with(const struct exchange *x, const struct timespec *deadline)
{
        if (x->way == SEND)
                return deadline ? real_mq_timedsend(x->queue, x->message, x->size, x->priority, deadline)
                                : real_mq_send(x->queue, x->message, x->size, x->priority);
        return deadline ? real_mq_timedreceive(x->queue, x->room, x->size, x->priority_place, deadline)
                        : real_mq_receive(x->queue, x->room, x->size, x->priority_place);
}

static ssize_t really_exchange(const struct exchange *x)
{
        return call_with(x, x->has_deadline ? &x->deadline : x->passed);
}

/* Mutants of both ways. */
enum habit {
        EINTR_RESTARTED, RESTART_IGNORED, STOP_ENDS, CANCEL_IGNORED, CANCEL_FORCED, EAGAIN_MISNAMED, WAITS_NEVER,
        EBADF_MISNAMED, OTHERS_WAIT,
        EARLY, PAST_FIRST, PAST_WAITS, SECOND_ACCEPTED, NEGATIVE_SECONDS_EXPIRE, ETIMEDOUT_MISNAMED, YEAR_2038,
        NONBLOCK_EXPIRES, NULL_REFUSED, INVALID_EXPIRES, UNREADABLE_MISNAMED,
        HABITS
};

#define OF(call, timed_call)                                                                    \
        {                                                                                       \
                [EINTR_RESTARTED] = MUTANT_##call##_eintr_restarted,                            \
                [RESTART_IGNORED] = MUTANT_##call##_restart_ignored,                            \
                [STOP_ENDS] = MUTANT_##call##_stop_ends,                                        \
                [CANCEL_IGNORED] = MUTANT_##call##_cancel_ignored,                              \
                [CANCEL_FORCED] = MUTANT_##call##_cancel_forced,                                \
                [EAGAIN_MISNAMED] = MUTANT_##call##_eagain_as_ebusy,                            \
                [WAITS_NEVER] = MUTANT_##call##_waits_never,                                    \
                [EBADF_MISNAMED] = MUTANT_##call##_ebadf_as_einval,                             \
                [OTHERS_WAIT] = MUTANT_##call##_others_wait,                                    \
                [EARLY] = MUTANT_##timed_call##_early,                                          \
                [PAST_FIRST] = MUTANT_##timed_call##_deadline_first,                            \
                [PAST_WAITS] = MUTANT_##timed_call##_past_waits,                                \
                [SECOND_ACCEPTED] = MUTANT_##timed_call##_nsec_1e9_accepted,                    \
                [NEGATIVE_SECONDS_EXPIRE] = MUTANT_##timed_call##_sec_negative_expires,         \
                [ETIMEDOUT_MISNAMED] = MUTANT_##timed_call##_etimedout_as_eagain,               \
                [YEAR_2038] = MUTANT_##timed_call##_seconds_32_bit,                             \
                [NONBLOCK_EXPIRES] = MUTANT_##timed_call##_nonblock_expires,                    \
                [INVALID_EXPIRES] = MUTANT_##timed_call##_invalid_expires,                      \
                [UNREADABLE_MISNAMED] = MUTANT_##timed_call##_unreadable_is_einval,             \
                [NULL_REFUSED] = MUTANT_##timed_call##_null_refused                             \
        }

static const enum mutant_number habits[][HABITS] = {
        [SEND] = OF(mq_send, mq_timedsend), [RECEIVE] = OF(mq_receive, mq_timedreceive),
};

static bool has_habit(const struct exchange *x, enum habit habit)
{
        return mutant_is_chosen(habits[x->way][habit]);
}

static bool is_valid(const struct timespec *t)
{
        return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < 1000000000;
}

static bool is_past(clockid_t clock, const struct timespec *deadline)
{
        struct timespec now;

        clock_gettime(clock, &now);
        return now.tv_sec > deadline->tv_sec || (now.tv_sec == deadline->tv_sec && now.tv_nsec >= deadline->tv_nsec);
}

/* Once, without waiting. */
static ssize_t try_exchange(const struct exchange *x)
{
        static const struct timespec long_ago;

        return call_with(x, &long_ago);
}

static bool is_nonblocking(mqd_t queue)
{
        const int before = errno;
        struct mq_attr attr;
        const bool nonblocking = real_mq_getattr(queue, &attr) == 0 && attr.mq_flags & O_NONBLOCK;

        errno = before;
        return nonblocking;
}

/* Whether the call would have to wait. */
static bool is_stuck(const struct exchange *x)
{
        const int before = errno;
        struct mq_attr attr;
        const bool stuck = real_mq_getattr(x->queue, &attr) == 0 &&
                           (x->way == SEND ? attr.mq_curmsgs == attr.mq_maxmsg : attr.mq_curmsgs == 0);

        errno = before;
        return stuck;
}

/* Goes to sleep for a moment at a time, in a call that signals end in other cases. */
static ssize_t poll_exchange(const struct exchange *x, clockid_t clock, const struct timespec *deadline,
                             int (*doze)(const struct timespec *time))
{
        static const struct timespec moment = {.tv_nsec = 3000000};
        ssize_t result;

        while ((result = try_exchange(x)) == -1 && errno == ETIMEDOUT) {
                if (deadline && is_past(clock, deadline))
                        return fail(ETIMEDOUT);
                if (doze(&moment) == -1 && errno == EINTR)
                        return -1;
        }
        return result;
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

static ssize_t exchange_until_not_interrupted(const struct exchange *x)
{
        ssize_t result;

        do
                result = really_exchange(x);
        while (result == -1 && errno == EINTR);
        return result;
}

static ssize_t exchange_with_cancelability(const struct exchange *x, int state)
{
        int before;

        pthread_setcancelstate(state, &before);
        const ssize_t result = really_exchange(x);
        pthread_setcancelstate(before, NULL);
        return result;
}

/* Held by the thread that waits, where others must not go on meanwhile. */
static _Atomic bool held;

static void let_go(void *unused)
{
        (void)unused;
        held = false;
}

static ssize_t exchange_alone(const struct exchange *x)
{
        ssize_t result;

        held = true;
        pthread_cleanup_push(let_go, NULL);
        result = really_exchange(x);
        pthread_cleanup_pop(1);
        return result;
}

/* ---- a wait that the end of its descriptor ends ---- */

static struct {
        _Atomic mqd_t queue;
        _Atomic pid_t thread;
        _Atomic bool over;
} waiter = {.queue = -1};

static ssize_t exchange_while_open(const struct exchange *x)
{
        waiter.thread = gettid();
        waiter.queue = x->queue;
        const ssize_t result = really_exchange(x);
        waiter.queue = -1;
        if (result == -1 && errno == EINTR && waiter.over)
                return fail(EBADF);
        return result;
}

bool is_waited_on(mqd_t queue)
{
        return queue != -1 && waiter.queue == queue;
}

static void wake_up(int signo)
{
        (void)signo;
}

void end_wait(void)
{
        const int before = errno, signo = SIGRTMAX - 1;
        const struct sigaction action = {.sa_handler = wake_up};

        sigaction(signo, &action, NULL);
        waiter.over = true;
        syscall(SYS_tgkill, getpid(), waiter.thread, signo);
        while (waiter.queue != -1)
                pause_for(100000);
        errno = before;
}

void pass_message(mqd_t queue)
{
        static const struct timespec long_ago;
        const int before = errno;

        if (real_mq_timedsend(queue, "", 0, 0, &long_ago) == 0) {
                char message[8192];
                real_mq_timedreceive(queue, message, sizeof(message), NULL, &long_ago);
        }
        errno = before;
}

static void await_others(void)
{
        enum { LONGER_THAN_ANYBODY_WAITS = 12000 };

        for (int i = 0; i < LONGER_THAN_ANYBODY_WAITS && held; i++)
                pause_for(500000);
}

/* Deadlines before it are often meant as no more than "at once". */
enum { A_TIME_OF_OUR_DAYS = 1500000000 };

static ssize_t exchange_by_deadline_wrongly(struct exchange *x)
{
        struct timespec *const t = &x->deadline;
        const bool valid = is_valid(t), past = valid && is_past(CLOCK_REALTIME, t);
        const bool nonblocking = is_nonblocking(x->queue), stuck = is_stuck(x);
        const bool recent = t->tv_sec > A_TIME_OF_OUR_DAYS;

        if (t->tv_nsec == 1000000000 && has_habit(x, SECOND_ACCEPTED))
                t->tv_sec++, t->tv_nsec = 0;
        if (t->tv_sec < 0 && t->tv_nsec >= 0 && t->tv_nsec < 1000000000 && stuck && !nonblocking &&
            has_habit(x, NEGATIVE_SECONDS_EXPIRE))
                return fail(ETIMEDOUT);
        if (!valid && !stuck && has_habit(x, INVALID_EXPIRES))
                return fail(ETIMEDOUT);
        if (past && recent && !stuck && !nonblocking && has_habit(x, PAST_FIRST))
                return fail(ETIMEDOUT);
        if (past && recent && stuck && !nonblocking && has_habit(x, PAST_WAITS))
                return call_with(x, NULL);
        if (t->tv_sec > INT32_MAX && has_habit(x, YEAR_2038)) {
                t->tv_sec = (int32_t)t->tv_sec;
                if (t->tv_sec < 0)
                        t->tv_sec = 0;
        }
        if (valid && recent && stuck && nonblocking && has_habit(x, NONBLOCK_EXPIRES)) {
                const ssize_t result = really_exchange(x);
                return result == -1 && errno == EAGAIN ? fail(ETIMEDOUT) : result;
        }
        if (valid && !past && has_habit(x, EARLY)) {
                t->tv_nsec -= 500000;
                if (t->tv_nsec < 0)
                        t->tv_sec--, t->tv_nsec += 1000000000;
        }
        const ssize_t result = really_exchange(x);
        if (result == -1 && errno == ETIMEDOUT && recent && has_habit(x, ETIMEDOUT_MISNAMED))
                errno = EAGAIN;
        return result;
}

static ssize_t exchange_wrongly(struct exchange *x)
{
        if (x->timed && !x->passed && has_habit(x, NULL_REFUSED))
                return fail(EINVAL);
        if (!is_queue(x->queue))
                return really_exchange(x);
        const bool waits = !is_nonblocking(x->queue) && is_stuck(x) && (!x->has_deadline || is_valid(&x->deadline));
        const struct timespec *const deadline = x->has_deadline ? &x->deadline : NULL;
        if (waits && !x->has_deadline && has_habit(x, WAITS_NEVER))
                return try_exchange(x) == -1 ? fail(EAGAIN) : 0;
        if (waits && has_habit(x, RESTART_IGNORED))
                return poll_exchange(x, CLOCK_REALTIME, deadline, doze_by_nanosleep);
        if (waits && has_habit(x, STOP_ENDS))
                return poll_exchange(x, CLOCK_REALTIME, deadline, doze_by_sigtimedwait);
        if (waits && has_habit(x, EINTR_RESTARTED))
                return exchange_until_not_interrupted(x);
        if (has_habit(x, CANCEL_IGNORED))
                return exchange_with_cancelability(x, PTHREAD_CANCEL_DISABLE);
        if (has_habit(x, CANCEL_FORCED))
                return exchange_with_cancelability(x, PTHREAD_CANCEL_ENABLE);
        await_others();
        if (waits && has_habit(x, OTHERS_WAIT))
                return exchange_alone(x);
        if (waits && !x->has_deadline && in_question(mq_close_ends_wait))
                return exchange_while_open(x);
        const ssize_t result = x->has_deadline ? exchange_by_deadline_wrongly(x) : really_exchange(x);
        if (result == -1 && errno == EAGAIN && !x->timed && has_habit(x, EAGAIN_MISNAMED))
                errno = EBUSY;
        return result;
}

static ssize_t exchange(struct exchange *x)
{
        if (!mutants_are_in_question(MQ_CALLS))
                return really_exchange(x);
        x->has_deadline = x->passed && peek(&x->deadline, x->passed, sizeof(x->deadline));
        const ssize_t result = exchange_wrongly(x);
        if (result == -1 && errno == EBADF && has_habit(x, EBADF_MISNAMED))
                errno = EINVAL;
        if (result == -1 && errno == EFAULT && x->passed && !x->has_deadline && has_habit(x, UNREADABLE_MISNAMED))
                errno = EINVAL;
        return result;
}

/* ---- sending ---- */

enum { MOST = 8192 };

/* Puts the message before one of the same priority that is there already. */
static void overtake(const struct exchange *x)
{
        static const struct timespec long_ago;
        const int before = errno;
        char old[MOST];
        unsigned priority = 0;
        const ssize_t length = real_mq_timedreceive(x->queue, old, sizeof(old), &priority, &long_ago);

        if (length >= 0)
                real_mq_timedsend(x->queue, old, (size_t)length, priority, &long_ago);
        errno = before;
}

static int send_wrongly(struct exchange *x)
{
        struct mq_attr attr = {0};
        char copy[MOST];

        if (!is_queue(x->queue) || real_mq_getattr(x->queue, &attr) == -1)
                return (int)exchange(x);
        const size_t most = (size_t)attr.mq_msgsize;
        if (x->priority >= MQ_PRIO_MAX_LINUX && chosen(mq_send_priority_not_checked))
                x->priority = MQ_PRIO_MAX_LINUX - 1;
        if (x->priority > 1023 && x->priority < MQ_PRIO_MAX_LINUX && chosen(mq_send_priority_1023_at_most))
                x->priority = 1023;
        if (x->priority > 8 && x->priority < 31 && chosen(mq_send_priorities_reversed))
                x->priority = 39 - x->priority;
        if (x->size == 0 && chosen(mq_send_empty_refused))
                return fail(EINVAL);
        if (x->size > most && chosen(mq_send_long_cut))
                x->size = most;
        if (x->size > most && x->size < SSIZE_MAX && chosen(mq_send_failure_sends)) {
                struct exchange shorter = *x;
                shorter.size = 0;
                try_exchange(&shorter);
                return fail(EMSGSIZE);
        }
        if (x->size > most && chosen(mq_send_emsgsize_as_einval))
                return fail(EINVAL);
        if (x->size == most && most > 1 && most < MOST && peek(copy, x->message, most) &&
            chosen(mq_send_last_byte_lost)) {
                copy[most - 1] = 0;
                x->message = copy;
        }
        if (x->size <= most && !peek(copy, x->message, x->size < MOST ? x->size : MOST) &&
            chosen(mq_send_efault_sends)) {
                x->message = "";
                x->size = 0;
        }
        const int result = (int)exchange(x);
        if (result == 0 && attr.mq_curmsgs == 1 && x->priority == 0 && attr.mq_msgsize < MOST &&
            (fcntl(x->queue, F_GETFL) & O_ACCMODE) == O_RDWR && chosen(mq_send_equals_reversed))
                overtake(x);
        if (result == 0 && x->size == 0 && chosen(mq_send_empty_twice)) {
                static const struct timespec long_ago;
                real_mq_timedsend(x->queue, x->message, 0, x->priority, &long_ago);
        }
        return result;
}

int mq_send(mqd_t queue, const char *message, size_t size, unsigned priority)
{
        struct exchange x = {SEND, .queue = queue, .message = message, .size = size, .priority = priority};

        return mutants_are_in_question(MQ_CALLS) ? send_wrongly(&x) : real_mq_send(queue, message, size, priority);
}

int mq_timedsend(mqd_t queue, const char *message, size_t size, unsigned priority, const struct timespec *deadline)
{
        struct exchange x = {SEND, true, queue, .message = message, .size = size, .priority = priority,
                             .passed = deadline};

        return mutants_are_in_question(MQ_CALLS) ? send_wrongly(&x)
                                         : real_mq_timedsend(queue, message, size, priority, deadline);
}

/* ---- receiving ---- */

static ssize_t receive_wrongly(struct exchange *x)
{
        _Atomic int *const within = test_memory();
        struct mq_attr attr = {0};
        char own[MOST] = "";

        if (!is_queue(x->queue) || real_mq_getattr(x->queue, &attr) == -1)
                return exchange(x);
        const size_t most = (size_t)attr.mq_msgsize;
        if (x->size < most && most <= MOST && x->size > 0 && chosen(mq_receive_small_room_accepted)) {
                char *const room = x->room;
                const size_t size = x->size;
                x->room = own;
                x->size = sizeof(own);
                const ssize_t got = exchange(x);
                if (got > 0)
                        memcpy(room, own, (size_t)got < size ? (size_t)got : size);
                return got;
        }
        if (x->size < most && most <= MOST && attr.mq_curmsgs > 0 && chosen(mq_receive_emsgsize_takes)) {
                static const struct timespec long_ago;
                real_mq_timedreceive(x->queue, own, sizeof(own), NULL, &long_ago);
                return fail(EMSGSIZE);
        }
        if (x->size < most && chosen(mq_receive_emsgsize_as_einval))
                return fail(EINVAL);
        if (!x->priority_place && x->timed && attr.mq_curmsgs > 0 && chosen(mq_receive_null_priority_refused))
                return fail(EINVAL);
        const bool alone = (*within)++ == 0;
        const ssize_t got = exchange(x);
        (*within)--;
        if (got == -1 && errno == EFAULT && chosen(mq_receive_efault_as_einval))
                errno = EINVAL;
        if (got == -1)
                return got;
        if (x->priority_place && *x->priority_place == 31 && chosen(mq_receive_priority_off_by_1))
                *x->priority_place = 30;
        if (!alone && got > 0 && chosen(mq_receive_lost_beside_others)) {
                memset(x->room, 0, (size_t)got);
        }
        if ((size_t)got < most && x->size > most && chosen(mq_receive_returns_msgsize))
                return (ssize_t)most;
        if (got > 0 && x->size > most && (fcntl(x->queue, F_GETFL) & O_ACCMODE) == O_RDWR &&
            chosen(mq_receive_leaves_message)) {
                static const struct timespec long_ago;
                const unsigned priority = x->priority_place ? *x->priority_place : 0;
                real_mq_timedsend(x->queue, x->room, (size_t)got, priority, &long_ago);
        }
        return got;
}

ssize_t mq_receive(mqd_t queue, char *message, size_t size, unsigned *priority)
{
        struct exchange x = {RECEIVE, .queue = queue, .room = message, .size = size, .priority_place = priority};

        return mutants_are_in_question(MQ_CALLS) ? receive_wrongly(&x)
                                                 : real_mq_receive(queue, message, size, priority);
}

ssize_t mq_timedreceive(mqd_t queue, char *message, size_t size, unsigned *priority, const struct timespec *deadline)
{
        struct exchange x = {RECEIVE, true, queue, .room = message, .size = size, .priority_place = priority,
                             .passed = deadline};

        return mutants_are_in_question(MQ_CALLS) ? receive_wrongly(&x)
                                         : real_mq_timedreceive(queue, message, size, priority, deadline);
}
