/* SPDX-License-Identifier: MIT
 *
 * shm.c: histories of System V shared memory segments.
 *
 * Linux counts an attachment twice while shmat() is under way (ipc/shm.c, do_shmat(): once for the segment to stay, once
 * for the mapping), and no standard says what others see then: a number that was read during somebody's shmat() is not
 * judged.
 */
#include <sys/shm.h>

#include "../model/shm.h"
#include "history.h"

enum { MOST_ATTACHED = 4, SIZE = 4096 };

/* out, of IPC_STAT. */
enum { NATTCH, MODE, USED };

/* What a worker has attached in this round. */
static _Thread_local struct {
        unsigned round, count;
        void *at[MOST_ATTACHED];
} own;

/* ---- the object ---- */

static void begin(struct cell *cell)
{
        if (cell->id != -1)
                shmctl(cell->id, IPC_RMID, NULL);
        cell->id = (int)MUST(shmget(IPC_PRIVATE, SIZE, 0600));
}

static void initial(const struct cell *cell, void *state)
{
        const struct model *const model = cell->kind->model;
        const struct limits limits = {.shmmax = SIZE, .shmmin = 1, .room = true};
        const struct operation get = {.call = CALL_shmget, .actor = actor_of(0), .size = SIZE, .flags = 0600};
        const struct outcome got = {.value = cell->id};
        static struct segment nothing;
        struct contradiction why;

        model->init(&nothing);
        model->step(&nothing, &limits, &get, &got, (void *[]){state, NULL}, &why);
}

/* ---- operations ---- */

static void choose(const struct cell *cell, struct random *random, struct record *r)
{
        const uint32_t what = draw(random, 200);
        const bool removes = cell->mood % 2;

        if (own.round != cell->round)
                for (; own.count > 0; own.count--)
                        shmdt(own.at[own.count - 1]);
        own.round = cell->round;
        if (what < 90 && own.count < MOST_ATTACHED) {
                r->call = CALL_shmat;
        } else if (what < 160 && own.count > 0) {
                r->call = CALL_shmdt;
        } else {
                r->call = CALL_shmctl;
                r->command = what == 199 && removes ? IPC_RMID : IPC_STAT;
        }
}

static void carry_out(struct cell *cell, struct record *r)
{
        struct shmid_ds ds = {0};
        void *address;

        switch (r->call) {
        case CALL_shmat:
                RECORD(r, address = shmat(cell->id, NULL, SHM_RDONLY));
                if (!r->error) {
                        own.at[own.count++] = address;
                        r->value = 0;
                }
                break;
        case CALL_shmdt:
                RECORD(r, shmdt(own.at[--own.count]));
                break;
        default:
                RECORD(r, shmctl(cell->id, r->command, &ds));
                r->out[NATTCH] = (int32_t)ds.shm_nattch;
                r->out[MODE] = ds.shm_perm.mode & (0777 | SHM_DEST);
                r->out[USED] = ds.shm_lpid != 0;
        }
}

static void release(const struct cell *cell, struct random *random, unsigned turn, struct record *r)
{
        (void)cell;
        (void)random;
        (void)turn;
        r->call = CALL_shmctl;
        r->command = IPC_STAT;
}

static bool look(const struct cell *cell, unsigned turn, struct record *r)
{
        (void)cell;
        r->call = CALL_shmctl;
        r->command = IPC_STAT;
        return turn == 0;
}

/* ---- for the checker ---- */

static void explain(const struct cell *cell, const struct record *r, struct event *e)
{
        struct operation *const o = &e->operation;

        o->call = r->call;
        o->actor = actor_of(0);                 /* the sum of all counts */
        o->id = cell->id;
        o->command = r->command;
        e->outcome = (struct outcome){.value = r->value, .error = r->error};
        e->class = class_of(r, false);
        e->never_waits = e->hurries = true;
        e->reads = r->error != 0;
        if (r->call == CALL_shmat) {
                o->flags = SHM_RDONLY;
        } else if (r->call == CALL_shmctl && r->command == IPC_STAT) {
                e->reads = true;
                e->out.stat = (struct stat_report){.mode = (unsigned)r->out[MODE], .key = IPC_PRIVATE};
                e->out.stat.shm.size = SIZE;
                e->out.stat.shm.nattch = (uint64_t)r->out[NATTCH];
                e->out.stat.shm.cpid = 1;
                e->out.stat.shm.lpid = r->out[USED];
                e->outcome.stat = &e->out.stat;
        }
}

static void relate(struct history *history)
{
        for (size_t i = 0; i < history->count; i++) {
                struct event *const look_event = &history->events[i];
                if (look_event->outcome.stat)
                        for (size_t k = 0; k < history->count && !look_event->gone; k++) {
                                const struct event *const e = &history->events[k];
                                look_event->gone = e->operation.call == CALL_shmat && e->called <= look_event->returned &&
                                                   e->returned >= look_event->called;
                        }
        }
}

static enum ipck_requirement in_vain(const struct history *history, const struct event *e)
{
        (void)history;
        return e->operation.call == CALL_shmat ? shmat_ret_address : e->operation.call == CALL_shmdt ? shmdt_ret_zero
                                                                                                    : shmctl_ret_zero;
}

static const struct history_kind shm = {
        .name = "shm", .model = &shm_model, .processes = 6, .threads = 3,
        .begin = begin, .initial = initial, .choose = choose, .carry_out = carry_out, .release = release,
        .look = look, .explain = explain, .relate = relate, .in_vain = in_vain,
};

WORKLOAD(history_shm, "history.shm", "concurrent calls on segments: each attachment is counted once")
{
        run_histories(&shm);
}
