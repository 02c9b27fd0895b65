/* SPDX-License-Identifier: MIT
 *
 * mq.c: histories of POSIX message queues. All workers use the same two descriptors, one of which has O_NONBLOCK.
 */
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>

#include "../model/mq.h"
#include "history.h"

enum { MAXMSG = 4, MSGSIZE = 16, PRIORITIES = 3 };

/* command: whether the descriptor has O_NONBLOCK; in: priority, size, microseconds to the deadline, and which text a
 * message has. out: priority and text of the message received, whether it is not whole; or how many there are. */
enum { PRIORITY, SIZE, TIMEOUT, TEXT };
enum { GOT_PRIORITY, GOT_TEXT, GARBLED };

/* ---- the object ---- */

static void set_up(struct cell *cell)
{
        struct mq_attr attr = {.mq_maxmsg = MAXMSG, .mq_msgsize = MSGSIZE};
        char name[40];

        snprintf(name, sizeof(name), "/ipck-history-%u", cell->number);
        cell->id = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
        if (cell->id == -1 && (errno == ENOSYS || errno == EACCES))
                UNSUPPORTED("POSIX message queues (mq_open: %s)", strerror(errno));
        MUST(cell->id);
        cell->nonblocking = (int)MUST(mq_open(name, O_RDWR | O_NONBLOCK));
        MUST(mq_unlink(name));
        if (mq_receive(cell->nonblocking, (char[MSGSIZE]){0}, MSGSIZE, NULL) == -1 && errno == ENOSYS)
                UNSUPPORTED("POSIX message queues (mq_receive: %s)", strerror(errno));
}

static void begin(struct cell *cell)
{
        char text[MSGSIZE];

        while (mq_receive(cell->nonblocking, text, sizeof(text), NULL) != -1) {
        }
}

static void initial(const struct cell *cell, void *state)
{
        static const struct mq_attr attr = {.mq_maxmsg = MAXMSG, .mq_msgsize = MSGSIZE};
        const struct limits limits = limits_of_model();
        const struct operation open = {.call = CALL_mq_open, .actor = actor_of(0), .flags = O_CREAT | O_RDWR,
                                       .attr = &attr};
        const struct outcome opened = {.value = cell->id};
        static struct mqueue nothing;
        struct contradiction why;

        cell->kind->model->init(&nothing);
        cell->kind->model->step(&nothing, &limits, &open, &opened, (void *[]){state, NULL}, &why);
}

/* ---- operations ---- */

static void send(struct record *r, int priority, int size)
{
        r->call = CALL_mq_send;
        r->in[PRIORITY] = priority;
        r->in[SIZE] = size;
        r->in[TEXT] = size ? (int32_t)r->number : 0;
}

static void receive(struct record *r)
{
        r->call = CALL_mq_receive;
        r->in[SIZE] = MSGSIZE;
}

static void choose(const struct cell *cell, struct random *random, struct record *r)
{
        static const int sizes[] = {0, 4, 8, MSGSIZE}, timeouts[] = {-1, 20, 100, 400, LONG_WAIT_US};
        const bool crowded = cell->mood % 4 == 1;
        const uint32_t what = draw(random, 100);

        r->command = one_in(random, 2);
        if (what == 0)
                send(r, 0, MSGSIZE + 1);
        else if (what == 1)
                receive(r), r->in[SIZE] = MSGSIZE - 1;
        else if (what < (crowded ? 52 : 46))
                send(r, cell->mood % 4 == 2 ? 0 : (int)draw(random, PRIORITIES), sizes[draw(random, 4)]);
        else if (what < 94)
                receive(r);
        else
                r->call = CALL_mq_getattr;
        if (r->call != CALL_mq_getattr && one_in(random, 8)) {
                r->call = r->call == CALL_mq_send ? CALL_mq_timedsend : CALL_mq_timedreceive;
                r->in[TIMEOUT] = timeouts[draw(random, 5)];
        }
}

static void fill(char *message, uint32_t text, int size)
{
        memset(message, (int)(text % 251), (size_t)size);
        memcpy(message, &text, size < 4 ? 0 : 4);
}

static void take_apart(struct record *r, const char *message, unsigned priority)
{
        uint32_t text = 0;

        r->out[GOT_PRIORITY] = (int32_t)priority;
        memcpy(&text, message, r->value < 4 ? 0 : 4);
        r->out[GOT_TEXT] = (int32_t)text;
        for (int i = 4; i < r->value; i++)
                r->out[GARBLED] |= (unsigned char)message[i] != text % 251;
}

static void carry_out(struct cell *cell, struct record *r)
{
        const mqd_t queue = r->command ? cell->nonblocking : cell->id;
        const struct timespec deadline = deadline_in(CLOCK_REALTIME, r->in[TIMEOUT] * INT64_C(1000));
        const size_t size = (size_t)r->in[SIZE];
        const unsigned priority = (unsigned)r->in[PRIORITY];
        char message[MSGSIZE + 1] = "";
        unsigned got = 0;
        struct mq_attr attr = {0};

        fill(message, (uint32_t)r->in[TEXT], r->in[SIZE]);
        switch (r->call) {
        case CALL_mq_send: RECORD(r, mq_send(queue, message, size, priority)); break;
        case CALL_mq_timedsend: RECORD(r, mq_timedsend(queue, message, size, priority, &deadline)); break;
        case CALL_mq_receive: RECORD(r, mq_receive(queue, message, size, &got)); break;
        case CALL_mq_timedreceive: RECORD(r, mq_timedreceive(queue, message, size, &got, &deadline)); break;
        default:
                RECORD(r, mq_getattr(queue, &attr));
                r->out[0] = (int32_t)attr.mq_curmsgs;
                return;
        }
        if ((r->call == CALL_mq_receive || r->call == CALL_mq_timedreceive) && !r->error)
                take_apart(r, message, got);
}

static void release(const struct cell *cell, struct random *random, unsigned turn, struct record *r)
{
        (void)cell;
        r->command = 1;
        if (turn >= LAST_TURNS ? turn % 2 : one_in(random, 2))
                send(r, (int)draw(random, PRIORITIES), 4);
        else
                receive(r);
}

static bool look(const struct cell *cell, unsigned turn, struct record *r)
{
        const struct lane *const own = &cell->lanes[0];

        r->command = 1;
        if (turn == 0)
                r->call = CALL_mq_getattr;
        else
                receive(r);
        return turn < 2 || !own->records[own->called - 1].error;
}

/* ---- for the checker ---- */

static bool sends(const struct event *e)
{
        return e->operation.call == CALL_mq_send || e->operation.call == CALL_mq_timedsend;
}

static void explain(const struct cell *cell, const struct record *r, struct event *e)
{
        static const struct timespec some_time;
        struct operation *const o = &e->operation;

        o->call = r->call;
        o->id = r->command ? cell->nonblocking : cell->id;
        o->flags = O_RDWR | (r->command ? O_NONBLOCK : 0);
        e->outcome = (struct outcome){.value = r->value, .error = r->error};
        e->class = class_of(r, false);
        e->reads = r->error != 0;
        if (r->call == CALL_mq_getattr) {
                e->reads = e->never_waits = e->hurries = true;
                e->out.attr = (struct mq_attr){.mq_flags = o->flags & O_NONBLOCK, .mq_maxmsg = MAXMSG,
                                               .mq_msgsize = MSGSIZE, .mq_curmsgs = r->out[0]};
                e->outcome.attr = &e->out.attr;
                return;
        }
        o->type = r->in[PRIORITY];
        o->size = r->in[SIZE];
        o->text = (uint32_t)r->in[TEXT];
        if (r->in[TIMEOUT])
                o->timeout = &some_time;
        const bool refused = sends(e) ? o->size > MSGSIZE : o->size < MSGSIZE;
        e->never_waits = r->command || refused;
        e->hurries = e->never_waits || (o->timeout && r->in[TIMEOUT] < LONG_WAIT_US);
        e->queue = e->never_waits ? 0 : sends(e) ? 1 : 2;
        e->order = sends(e) ? mq_send_wake_longest : mq_receive_wake_longest;
        if (sends(e)) {
                e->lane = r->error || !r->in[TEXT] ? 0 : (uint64_t)r->in[PRIORITY] + 1;
        } else {
                e->outcome.type = r->out[GOT_PRIORITY];
                e->outcome.text = (uint32_t)r->out[GOT_TEXT];
                e->outcome.odd = r->out[GARBLED] ? TEXT_GARBLED : 0;
        }
}

static void relate(struct history *history)
{
        static struct event *sent_by[HISTORY_WORKERS * ROUND + 1];

        memset(sent_by, 0, sizeof(sent_by));
        for (size_t i = 0; i < history->count; i++)
                if (history->events[i].lane)
                        sent_by[history->events[i].operation.text] = &history->events[i];
        for (size_t i = 0; i < history->count; i++) {
                const struct event *const e = &history->events[i];
                const uint32_t text = e->outcome.text;
                if (text && text < sizeof(sent_by) / sizeof(*sent_by) && sent_by[text]) {
                        sent_by[text]->received[0] = e->called;
                        sent_by[text]->received[1] = e->returned;
                }
        }
}

static enum ipck_requirement in_vain(const struct history *history, const struct event *e)
{
        (void)history;
        if (e->operation.call == CALL_mq_getattr)
                return mq_attr_get_curmsgs;
        if (e->operation.timeout && e->hurries && !e->signalled)
                return sends(e) ? mq_send_timed_etimedout : mq_receive_timed_etimedout;
        if (e->operation.size > MSGSIZE || (!sends(e) && e->operation.size < MSGSIZE))
                return sends(e) ? mq_send_emsgsize : mq_receive_emsgsize;
        if (e->never_waits)
                return sends(e) ? mq_send_eagain : mq_receive_eagain;
        if (e->hurries)
                return sends(e) ? mq_send_eintr : mq_receive_eintr;
        return sends(e) ? mq_send_block_full : mq_receive_block_empty;
}

static bool restarts(const struct record *r)
{
        return r->call != CALL_mq_getattr;
}

static bool comes_back_wrongly(const struct history *history, const struct event *e, struct contradiction *why)
{
        (void)history;
        if (e->outcome.error != EINTR || e->signalled)
                return false;
        *why = (struct contradiction){.requirement = sends(e) ? mq_send_block_full : mq_receive_block_empty,
                                      .what = "errno", .want = 0, .got = EINTR};
        return true;
}

static const struct history_kind mq = {
        .name = "mq", .model = &mq_model, .processes = 6, .threads = 3, .signals = true, .stops = true,
        .goes_on = mq_send_eintr_not_caught,
        .set_up = set_up, .begin = begin, .initial = initial, .choose = choose, .carry_out = carry_out,
        .release = release, .look = look, .explain = explain, .relate = relate, .in_vain = in_vain,
        .restarts = restarts, .comes_back_wrongly = comes_back_wrongly,
};

WORKLOAD(history_mq, "history.mq", "concurrent calls on POSIX message queues: linearizable, nobody waits in vain")
{
        run_histories(&mq);
}
