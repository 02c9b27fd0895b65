/* SPDX-License-Identifier: MIT
 *
 * posix_sem.c: histories of POSIX semaphores: without a name, shared between processes, and in half of the cells named.
 */
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/mman.h>

#include "../model/posix_sem.h"
#include "history.h"

enum { START = 1 };

/* in[0]: microseconds to the deadline; out[0]: the value reported. */

/* ---- the object ---- */

static void set_up(struct cell *cell)
{
        char name[40];

        if (cell->number / 2 % 2 == 0) {
                cell->memory = mmap(NULL, sizeof(sem_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
                REQUIRE(cell->memory != MAP_FAILED);
                MUST(sem_init(cell->memory, 1, 0));
                return;
        }
        snprintf(name, sizeof(name), "/ipck-history-%u", cell->number);
        cell->memory = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
        REQUIRE(cell->memory != SEM_FAILED);
        MUST(sem_unlink(name));
}

static void begin(struct cell *cell)
{
        while (sem_trywait(cell->memory) == 0) {
        }
        for (int i = 0; i < START; i++)
                MUST(sem_post(cell->memory));
}

static void initial(const struct cell *cell, void *state)
{
        const struct limits limits = limits_of_model();
        const struct operation init = {.call = CALL_sem_init, .actor = actor_of(0), .value = START};
        const struct outcome done = {0};
        static struct posix_sem nothing;
        struct contradiction why;

        cell->kind->model->init(&nothing);
        cell->kind->model->step(&nothing, &limits, &init, &done, (void *[]){state, NULL}, &why);
}

/* ---- operations ---- */

static void choose(const struct cell *cell, struct random *random, struct record *r)
{
        static const int timeouts[] = {-1, 20, 100, 400, LONG_WAIT_US};
        const bool scarce = cell->mood % 4 == 1;
        const uint32_t what = draw(random, 100);

        if (what < (scarce ? 38 : 44)) {
                r->call = CALL_sem_post;
        } else if (what < 70) {
                r->call = CALL_sem_wait;
        } else if (what < 82) {
                r->call = CALL_sem_trywait;
        } else if (what < 90) {
                r->call = CALL_sem_timedwait;
                r->in[0] = timeouts[draw(random, 5)];
        } else {
                r->call = CALL_sem_getvalue;
        }
}

static void carry_out(struct cell *cell, struct record *r)
{
        struct timespec deadline;
        int value = 0;

        switch (r->call) {
        case CALL_sem_post: RECORD(r, sem_post(cell->memory)); break;
        case CALL_sem_wait: RECORD(r, sem_wait(cell->memory)); break;
        case CALL_sem_trywait: RECORD(r, sem_trywait(cell->memory)); break;
        case CALL_sem_timedwait:
                deadline = deadline_in(CLOCK_REALTIME, r->in[0] * INT64_C(1000));
                RECORD(r, sem_timedwait(cell->memory, &deadline));
                break;
        default:
                RECORD(r, sem_getvalue(cell->memory, &value));
                r->out[0] = value;
        }
}

static void release(const struct cell *cell, struct random *random, unsigned turn, struct record *r)
{
        (void)cell;
        r->call = turn < LAST_TURNS && one_in(random, 4) ? CALL_sem_trywait : CALL_sem_post;
}

static bool look(const struct cell *cell, unsigned turn, struct record *r)
{
        (void)cell;
        r->call = CALL_sem_getvalue;
        return turn == 0;
}

/* ---- for the checker ---- */

static void explain(const struct cell *cell, const struct record *r, struct event *e)
{
        static const struct timespec some_time;

        (void)cell;
        e->operation.call = r->call;
        e->outcome = (struct outcome){.value = r->value, .error = r->error, .type = r->out[0]};
        e->class = class_of(r, false);
        e->reads = r->error || r->call == CALL_sem_getvalue;
        e->never_waits = r->call != CALL_sem_wait && r->call != CALL_sem_timedwait;
        e->hurries = e->never_waits || (r->call == CALL_sem_timedwait && r->in[0] < LONG_WAIT_US);
        if (r->call == CALL_sem_timedwait)
                e->operation.timeout = &some_time;
}

static enum ipck_requirement in_vain(const struct history *history, const struct event *e)
{
        (void)history;
        switch (e->operation.call) {
        case CALL_sem_wait: return e->hurries ? sem_wait_eintr : sem_post_no_lost_wakeup;
        case CALL_sem_timedwait:
                return e->signalled ? sem_timedwait_eintr_linux : e->hurries ? sem_timedwait_etimedout
                                                                            : sem_post_no_lost_wakeup;
        case CALL_sem_trywait: return sem_trywait_eagain;
        case CALL_sem_post: return sem_post_ret_zero;
        default: return sem_getvalue_ret_zero;
        }
}

/* That of a timed wait is not: Linux restarts no futex wait with a time-out once a handler ran. */
static bool restarts(const struct record *r)
{
        return r->call == CALL_sem_wait;
}

/* EINTR comes of signals alone. */
static bool comes_back_wrongly(const struct history *history, const struct event *e, struct contradiction *why)
{
        (void)history;
        if (e->outcome.error != EINTR || e->signalled || (e->restarted && e->operation.call == CALL_sem_timedwait))
                return false;
        *why = (struct contradiction){.requirement = sem_wait_blocks_at_zero, .what = "errno", .want = 0, .got = EINTR};
        return true;
}

static const struct history_kind posix_sem = {
        .name = "posix_sem", .model = &posix_sem_model, .processes = 6, .threads = 3, .signals = true, .stops = true,
        .goes_on = sem_wait_stop_cont,
        .set_up = set_up, .begin = begin, .initial = initial, .choose = choose, .carry_out = carry_out,
        .release = release, .look = look, .explain = explain, .in_vain = in_vain,
        .restarts = restarts, .comes_back_wrongly = comes_back_wrongly,
};

WORKLOAD(history_posix_sem, "history.posix_sem",
         "concurrent calls on POSIX semaphores: linearizable, nobody waits in vain")
{
        run_histories(&posix_sem);
}
