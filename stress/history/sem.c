/* SPDX-License-Identifier: MIT
 *
 * sem.c: histories of System V semaphore sets.
 */
#include "../model/sem.h"
#include "history.h"

/* A worker uses three semaphores. In each fourth cell they are far apart in a large set. */
enum { SEMS = 3, FAR = 32, LARGE_SET = 2 * FAR + 1, MOST_ENTRIES = 3 };

union semun {
        int val;
        unsigned short *array;
};

/* ---- how records hold operations ---- */

/* in[0..2]: entries, as many as command says; in[3]: a timeout in microseconds, -1 for none. */
enum { NOWAIT = 0x100, UNDO = 0x200 };

static int32_t pack(int number, int op, int flags)
{
        return number | ((flags & IPC_NOWAIT) ? NOWAIT : 0) | (int32_t)((uint32_t)op << 16);
}

static struct sembuf unpack(int32_t entry)
{
        return (struct sembuf){.sem_num = (unsigned short)(entry & 0xff), .sem_op = (short)(entry >> 16),
                               .sem_flg = (short)(((entry & NOWAIT) ? IPC_NOWAIT : 0) | ((entry & UNDO) ? SEM_UNDO : 0))};
}

static void one(struct record *r, int number, int op, int flags)
{
        r->call = CALL_semop;
        r->in[r->command++] = pack(number, op, flags);
        r->in[3] = -1;
}

static void control(struct record *r, int command, int number, int value)
{
        r->call = CALL_semctl;
        r->command = (uint8_t)command;
        r->in[0] = number;
        r->in[1] = value;
}

static bool is_large(const struct cell *cell)
{
        return cell->number % 4 == 3;
}

static int size_of_set(const struct cell *cell)
{
        return is_large(cell) ? LARGE_SET : SEMS;
}

/* The number of the semaphore that is called 0, 1 or 2. */
static int number_of(const struct cell *cell, int i)
{
        return is_large(cell) ? i * FAR : i;
}

/* Values for all, or for one where the set is large. */
static void set_some(const struct cell *cell, struct record *r, int first, int second, int third)
{
        control(r, is_large(cell) ? SETVAL : SETALL, 0, first);
        r->in[2] = second;
        r->in[3] = third;
}

static void get_some(const struct cell *cell, struct record *r, int i)
{
        control(r, is_large(cell) ? GETVAL : GETALL, number_of(cell, i), 0);
}

/* ---- the object ---- */

static void begin(struct cell *cell)
{
        unsigned short values[LARGE_SET] = {0};

        if (cell->id != -1 && semctl(cell->id, 0, SETALL, (union semun){.array = values}) == 0)
                return;
        cell->id = (int)MUST(semget(IPC_PRIVATE, size_of_set(cell), 0600));
        MUST(semctl(cell->id, 0, SETALL, (union semun){.array = values}));
}

static void initial(const struct cell *cell, void *state)
{
        static const unsigned short zeros[LARGE_SET] = {0};
        const struct model *const model = cell->kind->model;
        const struct limits limits = {.semmsl = LARGE_SET, .semopm = MOST_ENTRIES, .room = true};
        const struct operation get = {.call = CALL_semget, .actor = actor_of(0), .size = size_of_set(cell),
                                      .flags = 0600};
        const struct operation set = {.call = CALL_semctl, .actor = actor_of(0), .id = cell->id, .command = SETALL,
                                      .values = zeros};
        const struct outcome got = {.value = cell->id}, done = {0};
        static struct sem_set between;
        struct contradiction why;

        model->init(state);
        model->step(state, &limits, &get, &got, (void *[]){&between, NULL}, &why);
        model->step(&between, &limits, &set, &done, (void *[]){state, NULL}, &why);
}

/* ---- operations ---- */

static const int timeouts[] = {0, 20, 100, 400, LONG_WAIT_US};

static int maybe_nowait(struct random *random, uint32_t one_in_so_many)
{
        return one_in(random, one_in_so_many) ? IPC_NOWAIT : 0;
}

static int amount(struct random *random)
{
        return 1 + (int)draw(random, 5);
}

static void some_array(const struct cell *cell, struct random *random, struct record *r)
{
        const int count = 2 + (int)draw(random, MOST_ENTRIES - 1);

        for (int i = 0; i < count; i++)
                one(r, number_of(cell, (int)draw(random, SEMS)), (int)draw(random, 5) - 2, maybe_nowait(random, 3));
        if (one_in(random, 16))
                r->in[count - 1] = pack(size_of_set(cell), 1, 0);       /* which is none of its numbers */
}

/* Rounds differ in how much is given in proportion to what is taken, in how few kinds of calls there are, and in whether
 * values come near the largest one. */
static void choose_plain(const struct cell *cell, struct random *random, struct record *r)
{
        const bool units = cell->mood % 4 == 0, scarce = cell->mood == 1 || cell->mood == 4;
        const int i = units ? 0 : (int)draw(random, SEMS), number = number_of(cell, i);
        const int least = cell->mood == 15 ? SEM_VALUE_HIGHEST - 6 : 0;
        const uint32_t what = draw(random, 100);

        if (what < (scarce ? 36 : 43))
                one(r, number, units ? 1 : amount(random), maybe_nowait(random, 8));
        else if (what < 72)
                one(r, number, units ? -1 : -amount(random), maybe_nowait(random, 3));
        else if (what < 77)
                one(r, number, 0, maybe_nowait(random, 2));
        else if (what < 87)
                some_array(cell, random, r);
        else if (what < 90)
                one(r, number, 0, 0), one(r, number, 1, 0);
        else if (what < 93)
                control(r, GETVAL, number, 0);
        else if (what < 96)
                get_some(cell, r, i);
        else if (what < 98)
                control(r, SETVAL, number, least + (int)draw(random, 6));
        else if (what < 99)
                set_some(cell, r, (int)draw(random, 6), (int)draw(random, 6), least + (int)draw(random, 6));
        else
                one(r, number, -2, 0), r->in[3] = timeouts[draw(random, 5)];
}

/* .. with SEM_UNDO on most entries. */
static void choose_undo(const struct cell *cell, struct random *random, struct record *r)
{
        choose_plain(cell, random, r);
        if (r->call == CALL_semctl && r->command == SETVAL && one_in(random, 4))
                r->in[1] = SEM_VALUE_HIGHEST + 1;
        for (int i = 0; r->call == CALL_semop && i < r->command; i++)
                if (!one_in(random, 4))
                        r->in[i] |= UNDO;
}

static void carry_out(struct cell *cell, struct record *r)
{
        unsigned short values[SEMS] = {0};
        union semun argument = {.array = values};

        if (r->call == CALL_semctl) {
                if (r->command == SETVAL)
                        argument.val = r->in[1];
                for (int i = 0; r->command == SETALL && i < SEMS; i++)
                        values[i] = (unsigned short)r->in[1 + i];
                RECORD(r, semctl(cell->id, r->in[0], r->command, argument));
                for (int i = 0; r->command == GETALL && i < SEMS; i++)
                        r->out[i] = values[i];
        } else {
                struct sembuf entries[MOST_ENTRIES];
                const struct timespec timeout = {.tv_sec = r->in[3] / 1000000, .tv_nsec = r->in[3] % 1000000 * 1000};
                for (int i = 0; i < r->command; i++)
                        entries[i] = unpack(r->in[i]);
                if (r->in[3] == -1)
                        RECORD(r, semop(cell->id, entries, r->command));
                else
                        RECORD(r, semtimedop(cell->id, entries, r->command, &timeout));
        }
}

static void release(const struct cell *cell, struct random *random, unsigned turn, struct record *r)
{
        const int number = number_of(cell, (int)draw(random, SEMS));

        if (turn >= LAST_TURNS) {
                control(r, IPC_RMID, 0, 0);
                return;
        }
        switch (draw(random, 10)) {
        case 0: control(r, SETVAL, number, (int)draw(random, 4)); break;
        case 1: set_some(cell, r, (int)draw(random, 4), (int)draw(random, 4), (int)draw(random, 4)); break;
        case 2:
                for (int i = 0; i < SEMS; i++)
                        one(r, number_of(cell, i), 1, 0);
                break;
        case 3: one(r, number, -1, IPC_NOWAIT); break;
        case 4: control(r, IPC_RMID, 0, 0); break;
        default: one(r, number, 1 + (int)draw(random, 2), 0); break;
        }
}

static bool look(const struct cell *cell, unsigned turn, struct record *r)
{
        get_some(cell, r, (int)turn % SEMS);
        return turn < (is_large(cell) ? SEMS : 1);
}

/* ---- for the checker ---- */

static void explain(const struct cell *cell, const struct record *r, struct event *e)
{
        struct operation *const o = &e->operation;

        o->call = r->call;
        o->id = cell->id;
        e->outcome = (struct outcome){.value = r->value, .error = r->error};
        e->class = class_of(r, cell->kind->dies);
        e->reads = r->error != 0;
        if (r->call == CALL_semctl) {
                o->command = r->command;
                o->semnum = r->in[0];
                o->value = r->in[1];
                e->reads |= r->command == GETVAL || r->command == GETALL;
                for (int i = 0; i < SEMS; i++) {
                        e->in.values[i] = (unsigned short)r->in[1 + i];
                        e->out.values[i] = (unsigned short)r->out[i];
                }
                if (r->command == SETALL)
                        o->values = e->in.values;
                if (r->command == GETALL)
                        e->outcome.values = e->out.values;
                e->never_waits = e->hurries = true;
                return;
        }
        bool zeros_alone = true, increments_alone = true;
        o->size = r->command;
        o->entries = e->in.entries;
        for (int i = 0; i < r->command; i++) {
                e->in.entries[i] = unpack(r->in[i]);
                zeros_alone &= e->in.entries[i].sem_op == 0;
                increments_alone &= e->in.entries[i].sem_op > 0;
        }
        const struct sembuf *const first = &e->in.entries[0];
        e->never_waits = e->hurries = increments_alone || (r->command == 1 && (first->sem_flg & IPC_NOWAIT));
        if (r->command == 1 && first->sem_op < 0 && !stress_waived(semop_wake_fifo))
                e->queue = (uint64_t)first->sem_num << 16 | (uint16_t)first->sem_op;
        e->order = semop_wake_fifo;
        if (r->in[3] != -1) {
                e->timeout = (struct timespec){.tv_sec = r->in[3] / 1000000, .tv_nsec = r->in[3] % 1000000 * 1000};
                o->timeout = &e->timeout;
                e->hurries |= r->in[3] < LONG_WAIT_US;
        }
        e->reads |= zeros_alone;
}

static enum ipck_requirement in_vain(const struct history *history, const struct event *e)
{
        const struct operation *const o = &e->operation;
        const struct event *last = NULL;        /* whoever returned last made it possible */

        for (size_t i = 0; i < history->count; i++) {
                const struct event *const other = &history->events[i];
                if (!other->gone && other->returned != NEVER && !other->outcome.error && !other->reads &&
                    (!last || other->returned > last->returned))
                        last = other;
        }
        if (o->call == CALL_semctl)
                return semctl_atomic;
        if (o->timeout && e->hurries && !e->signalled)
                return semtimedop_eagain_expired;
        if (e->hurries && o->size == 1 && (o->entries[0].sem_flg & IPC_NOWAIT))
                return o->entries[0].sem_op ? semop_eagain_dec : semop_eagain_zero;
        if (e->hurries)
                return o->entries[0].sem_op ? semop_eintr_dec : semop_eintr_zero;
        if (last && last->operation.call == CALL_exit)
                return semop_wake_by_undo;
        if (last && last->operation.command == SETVAL)
                return semop_wake_by_setval;
        if (last && last->operation.command == SETALL)
                return semop_wake_by_setall;
        if (last && last->operation.command == IPC_RMID)
                return semctl_rmid_wakes_all;
        if (o->size > 1)
                return last && last->operation.size > 1 ? semop_wake_complex_chain : semop_wake_complex_after_simple_mode;
        return o->entries[0].sem_op ? semop_wake_inc_single : semop_wake_zero;
}

/* Who was seen waiting comes back for one of few reasons. */
static bool comes_back_wrongly(const struct history *history, const struct event *e, struct contradiction *why)
{
        const int error = e->outcome.error;
        bool removed = false;

        if (!error || error == EIDRM || (error == EINTR && e->signalled) || (error == EAGAIN && e->operation.timeout))
                return false;
        if ((error == EAGAIN || error == ERANGE) && e->operation.size > 1)      /* another entry's, once let go on */
                return false;
        if (error != EINTR && !e->asleep)
                return false;
        for (size_t i = 0; i < history->count; i++)
                removed |= history->events[i].operation.call == CALL_semctl &&
                           history->events[i].operation.command == IPC_RMID;
        *why = (struct contradiction){.what = "errno", .want = removed ? EIDRM : 0, .got = error};
        why->requirement = removed ? semctl_rmid_wakes_all : semop_wake_no_loss_stress;
        return true;
}

static const struct history_kind sem = {
        .name = "sem", .model = &sem_model, .processes = 6, .threads = 3, .signals = true,
        .prompt = true, .promptness = semop_wake_zero_transient,
        .begin = begin, .initial = initial, .choose = choose_plain, .carry_out = carry_out, .release = release,
        .look = look, .explain = explain, .in_vain = in_vain, .comes_back_wrongly = comes_back_wrongly,
};

static const struct history_kind undo = {
        .name = "undo", .model = &sem_model, .processes = 6, .threads = 2, .signals = true, .dies = true,
        .prompt = true, .promptness = semop_wake_zero_transient,
        .begin = begin, .initial = initial, .choose = choose_undo, .carry_out = carry_out, .release = release,
        .look = look, .explain = explain, .in_vain = in_vain, .comes_back_wrongly = comes_back_wrongly,
};

WORKLOAD(history_sem, "history.sem", "concurrent calls on semaphore sets: linearizable, nobody waits in vain")
{
        run_histories(&sem);
}

WORKLOAD(history_undo, "history.undo", "the same with SEM_UNDO by processes that end or are killed")
{
        if (stress_waived(exit_semadj_applied))
                UNSUPPORTED("SEM_UNDO, which is known to be ignored here");
        run_histories(&undo);
}
