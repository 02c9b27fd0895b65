/* SPDX-License-Identifier: MIT
 *
 * msg.c: histories of System V message queues.
 */
#include <sys/msg.h>

#include "../model/msg.h"
#include "history.h"

enum { QBYTES = 64, LARGEST = 24, TYPES = 3 };

/* ---- how records hold operations ---- */

/* in: type, size, flags, and which text a message has; of IPC_SET, qbytes. */
enum { TYPE, SIZE, FLAGS, TEXT };

/* out: type and text of the message received, whether it is not whole; of IPC_STAT, these members and which processes
 * are known. */
enum { GOT_TYPE, GOT_TEXT, GARBLED };
enum { QNUM, CBYTES, OF_QBYTES, PROCESSES };
enum { SENDER = 1, RECEIVER = 2 };

static void send(struct record *r, int type, int size, int flags)
{
        r->call = CALL_msgsnd;
        r->in[TYPE] = type;
        r->in[SIZE] = size;
        r->in[FLAGS] = flags;
        r->in[TEXT] = size ? (int32_t)r->number : 0;
}

static void receive(struct record *r, int type, int size, int flags)
{
        r->call = CALL_msgrcv;
        r->in[TYPE] = type;
        r->in[SIZE] = size;
        r->in[FLAGS] = flags;
}

static void control(struct record *r, int command, int qbytes)
{
        r->call = CALL_msgctl;
        r->command = (uint8_t)command;
        r->in[0] = qbytes;
}

/* ---- the object ---- */

static void begin(struct cell *cell)
{
        struct msqid_ds ds;

        if (cell->id != -1)
                msgctl(cell->id, IPC_RMID, NULL);
        cell->id = (int)MUST(msgget(IPC_PRIVATE, 0600));
        MUST(msgctl(cell->id, IPC_STAT, &ds));
        ds.msg_qbytes = QBYTES;
        MUST(msgctl(cell->id, IPC_SET, &ds));
}

static void initial(const struct cell *cell, void *state)
{
        static const struct setting setting = {.mode = 0600, .qbytes = QBYTES};
        const struct model *const model = cell->kind->model;
        const struct limits limits = {.msgmax = LARGEST, .msgmnb = 16384, .room = true, .may_raise = true};
        const struct operation get = {.call = CALL_msgget, .actor = actor_of(0), .flags = 0600};
        const struct operation set = {.call = CALL_msgctl, .actor = actor_of(0), .id = cell->id, .command = IPC_SET,
                                      .set = &setting};
        const struct outcome got = {.value = cell->id}, done = {0};
        static struct msg_queue between;
        struct contradiction why;

        model->init(state);
        model->step(state, &limits, &get, &got, (void *[]){&between, NULL}, &why);
        model->step(&between, &limits, &set, &done, (void *[]){state, NULL}, &why);
}

/* ---- operations ---- */

static int maybe_nowait(struct random *random, uint32_t one_in_so_many)
{
        return one_in(random, one_in_so_many) ? IPC_NOWAIT : 0;
}

static void choose(const struct cell *cell, struct random *random, struct record *r)
{
        static const int sizes[] = {0, 4, 4, 8, 16, LARGEST};
        const int size = sizes[draw(random, 6)], type = 1 + (int)draw(random, TYPES);
        const uint32_t what = draw(random, 100);
        const bool crowded = cell->mood % 4 == 1;

        if (what < (crowded ? 52 : 46))
                send(r, cell->mood % 4 == 2 ? 1 : type, size, maybe_nowait(random, 3));
        else if (what < 66)
                receive(r, 0, LARGEST, maybe_nowait(random, 2));
        else if (what < 80)
                receive(r, type, LARGEST, maybe_nowait(random, 2));
        else if (what < 86 && !stress_waived(msgrcv_sel_negative_lowest))
                receive(r, -type, LARGEST, maybe_nowait(random, 2));
        else if (what < 89)
                receive(r, type, LARGEST, MSG_EXCEPT | maybe_nowait(random, 2));
        else if (what < 92)
                receive(r, (int)draw(random, 2) * type, 4, maybe_nowait(random, 2));
        else if (what < 95 && !stress_waived(msgrcv_flag_noerror_no_overrun))
                receive(r, (int)draw(random, 2) * type, 4, MSG_NOERROR | maybe_nowait(random, 2));
        else
                control(r, IPC_STAT, 0);
}

struct message {
        long type;
        unsigned char text[LARGEST + 8];
};

static void fill(struct message *message, uint32_t text, int size)
{
        memset(message->text, (int)(text % 251), (size_t)size);
        memcpy(message->text, &text, (size_t)(size < 4 ? size : 4));
}

static void take_apart(struct record *r, const struct message *message)
{
        uint32_t text = 0;

        r->out[GOT_TYPE] = (int32_t)message->type;
        memcpy(&text, message->text, r->value < 4 ? (unsigned)r->value & 3 : 4);
        r->out[GOT_TEXT] = (int32_t)text;
        for (int i = 4; i < r->value; i++)
                r->out[GARBLED] |= message->text[i] != text % 251;
}

static void carry_out(struct cell *cell, struct record *r)
{
        struct message message = {.type = r->in[TYPE]};
        const size_t size = (size_t)r->in[SIZE];
        struct msqid_ds ds = {.msg_perm.mode = 0600};

        switch (r->call) {
        case CALL_msgsnd:
                fill(&message, (uint32_t)r->in[TEXT], r->in[SIZE]);
                RECORD(r, msgsnd(cell->id, &message, size, r->in[FLAGS]));
                break;
        case CALL_msgrcv:
                RECORD(r, msgrcv(cell->id, &message, size, r->in[TYPE], r->in[FLAGS]));
                if (!r->error)
                        take_apart(r, &message);
                break;
        default:
                ds.msg_qbytes = (msglen_t)r->in[0];
                RECORD(r, msgctl(cell->id, r->command, &ds));
                r->out[QNUM] = (int32_t)ds.msg_qnum;
                r->out[CBYTES] = (int32_t)ds.msg_cbytes;
                r->out[OF_QBYTES] = (int32_t)ds.msg_qbytes;
                r->out[PROCESSES] = (ds.msg_lspid ? SENDER : 0) | (ds.msg_lrpid ? RECEIVER : 0);
        }
}

static void release(const struct cell *cell, struct random *random, unsigned turn, struct record *r)
{
        (void)cell;
        if (turn > LAST_TURNS)
                control(r, IPC_RMID, 0);
        else if (turn == LAST_TURNS)
                control(r, IPC_SET, 2 * QBYTES);
        else if (one_in(random, 2))
                send(r, 1 + (int)draw(random, TYPES), 4, IPC_NOWAIT);
        else
                receive(r, 0, LARGEST, IPC_NOWAIT);
}

/* What is left: first its amount, then all messages, and then that there are no more. */
static bool look(const struct cell *cell, unsigned turn, struct record *r)
{
        const struct lane *const own = &cell->lanes[0];

        if (turn == 0)
                control(r, IPC_STAT, 0);
        else
                receive(r, 0, LARGEST, IPC_NOWAIT);
        return turn < 2 || !own->records[own->called - 1].error;
}

/* ---- for the checker ---- */

static void explain(const struct cell *cell, const struct record *r, struct event *e)
{
        struct operation *const o = &e->operation;

        o->call = r->call;
        o->id = cell->id;
        e->outcome = (struct outcome){.value = r->value, .error = r->error};
        e->class = class_of(r, false);
        e->reads = r->error != 0;
        if (r->call == CALL_msgctl) {
                o->command = r->command;
                e->never_waits = e->hurries = true;
                if (r->command == IPC_STAT) {
                        e->reads = true;
                        e->out.stat = (struct stat_report){.mode = 0600, .key = IPC_PRIVATE};
                        e->out.stat.msg.qnum = (uint64_t)r->out[QNUM];
                        e->out.stat.msg.cbytes = (uint64_t)r->out[CBYTES];
                        e->out.stat.msg.qbytes = (uint64_t)r->out[OF_QBYTES];
                        e->out.stat.msg.lspid = r->out[PROCESSES] & SENDER ? 1 : 0;
                        e->out.stat.msg.lrpid = r->out[PROCESSES] & RECEIVER ? 1 : 0;
                        e->outcome.stat = &e->out.stat;
                } else if (r->command == IPC_SET) {
                        e->in.setting = (struct setting){.mode = 0600, .qbytes = (uint64_t)r->in[0]};
                        o->set = &e->in.setting;
                }
                return;
        }
        o->type = r->in[TYPE];
        o->size = r->in[SIZE];
        o->flags = r->in[FLAGS];
        e->never_waits = e->hurries = r->in[FLAGS] & IPC_NOWAIT;
        if (r->call == CALL_msgsnd) {
                o->text = (uint32_t)r->in[TEXT];
                e->lane = r->error || !r->in[TEXT] ? 0 : (uint64_t)r->in[TYPE];
        } else {
                e->outcome.type = r->out[GOT_TYPE];
                e->outcome.text = (uint32_t)r->out[GOT_TEXT];
                e->outcome.odd = r->out[GARBLED] ? TEXT_GARBLED : 0;
                if (stress_waived(msgsnd_wake_order_fifo))
                        return;
                e->order = msgsnd_wake_order_fifo;
                e->queue = (uint64_t)(uint32_t)r->in[TYPE] << 32 | 1U << 31 |
                           (uint32_t)(r->in[SIZE] << 16 | r->in[FLAGS]);
        }
}

static void relate(struct history *history)
{
        static const struct event *sent_by[HISTORY_WORKERS * ROUND + 1];

        memset(sent_by, 0, sizeof(sent_by));
        for (size_t i = 0; i < history->count; i++) {
                const struct event *const e = &history->events[i];
                if (e->lane && e->operation.text < sizeof(sent_by) / sizeof(*sent_by))
                        sent_by[e->operation.text] = e;
        }
        for (size_t i = 0; i < history->count; i++) {
                const struct event *const e = &history->events[i];
                const uint32_t text = e->outcome.text;
                if (e->operation.call != CALL_msgrcv || e->outcome.error || !text ||
                    text >= sizeof(sent_by) / sizeof(*sent_by) || !sent_by[text])
                        continue;
                struct event *const send_event = &history->events[sent_by[text] - history->events];
                send_event->received[0] = e->called;
                send_event->received[1] = e->returned;
                send_event->received_first = e->operation.type == 0;
        }
}

static enum ipck_requirement in_vain(const struct history *history, const struct event *e)
{
        const struct operation *const o = &e->operation;
        bool removed = false;

        for (size_t i = 0; i < history->count; i++)
                removed |= history->events[i].operation.call == CALL_msgctl &&
                           history->events[i].operation.command == IPC_RMID;
        if (o->call == CALL_msgctl)
                return msgctl_stat_snapshot;
        if (o->call == CALL_msgsnd) {
                if (e->never_waits)
                        return msgsnd_eagain_qbytes;
                return e->hurries ? msgsnd_eintr_asleep : removed ? msgctl_rmid_wakes_senders
                                                                  : msgsnd_block_no_lost_wakeup;
        }
        if (e->never_waits)
                return msgrcv_enomsg;
        if (e->hurries)
                return msgrcv_eintr_asleep;
        return removed ? msgctl_rmid_wakes_receivers : o->type < 0 ? msgrcv_block_negative_type : msgrcv_block_until_type;
}

static bool comes_back_wrongly(const struct history *history, const struct event *e, struct contradiction *why)
{
        const bool receives = e->operation.call == CALL_msgrcv;
        const int error = e->outcome.error;
        bool removed = false;

        if (!error || error == EIDRM || (error == EINTR && e->signalled) || (error == E2BIG && receives))
                return false;
        if (error != EINTR && !e->asleep)
                return false;
        for (size_t i = 0; i < history->count; i++)
                removed |= history->events[i].operation.call == CALL_msgctl &&
                           history->events[i].operation.command == IPC_RMID;
        *why = (struct contradiction){.what = "errno", .want = removed ? EIDRM : 0, .got = error};
        if (receives)
                why->requirement = removed ? msgctl_rmid_wakes_receivers : msgrcv_block_until_type;
        else
                why->requirement = removed ? msgctl_rmid_wakes_senders : msgsnd_block_until_space;
        return true;
}

static const struct history_kind msg = {
        .name = "msg", .model = &msg_model, .processes = 6, .threads = 3, .signals = true, .stops = true,
        .goes_on = msgsnd_eintr_stop_cont,
        .begin = begin, .initial = initial, .choose = choose, .carry_out = carry_out, .release = release,
        .look = look, .explain = explain, .relate = relate, .in_vain = in_vain,
        .comes_back_wrongly = comes_back_wrongly,
};

WORKLOAD(history_msg, "history.msg", "concurrent calls on message queues: linearizable, in order, nobody waits in vain")
{
        run_histories(&msg);
}
