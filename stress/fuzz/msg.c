/* SPDX-License-Identifier: MIT
 *
 * msg.c: calls on System V message queues.
 */
#include <limits.h>

#include "../model/msg.h"
#include "fuzz.h"
#include "ipck_msg.h"
#undef msgget
#undef msgsnd
#undef msgrcv
#undef msgctl

enum {
        ROOM = 10240,                   /* more than kernel.msgmax */
        MOST_QUEUED = 64,               /* in one queue, for the model */
        GUARD = 16,                     /* bytes behind a buffer */
        UNTOUCHED = 0x5a
};

static int64_t draw_type(struct random *random)
{
        switch (weighted(random, 60, 40, 30, 10, 6, 4)) {
        case 0: return 1;
        case 1: return 2;
        case 2: return 3;
        case 3: return 5;
        case 4: return 0x102;
        default: return LONG_MAX;
        }
}

static int64_t draw_selection(struct random *random)
{
        switch (weighted(random, 60, 60, 50, 4, 2)) {
        case 0: return 0;
        case 1: return draw_type(random);
        case 2: return -draw_type(random);
        case 3: return LONG_MIN;
        default: return 4;
        }
}

static int64_t draw_size(struct random *random)
{
        static const int sizes[] = {0, 1, 2, 3, 4, 5, 8, 16, 31, 100, 1000, 4047, 4048, 4049, 8192, 9999, 10000, 10001,
                                    -1};

        return one_in(random, 5) ? sizes[draw(random, 19)] : (int64_t)draw(random, 12);
}

static struct setting draw_new(struct random *random)
{
        static const int64_t sizes[] = {0, 1, 3, 10, 64, 200, 4096, 12000, 12001, 100000, 11999, 12000};
        struct setting set = draw_setting(random);

        set.qbytes = (uint64_t)sizes[draw(random, 12)];
        return set;
}

static void generate(struct random *random, struct item *item)
{
        static const int commands[] = {IPC_STAT, IPC_SET, IPC_RMID, MSG_STAT, MSG_STAT_ANY, 99, -1, 0x200 + IPC_STAT};

        item->which = (uint8_t)draw_which(random);
        item->object = (uint8_t)draw(random, OBJECTS);
        switch (weighted(random, 80, 100, 40, 8)) {
        case 0:
                item->call = CALL_msgsnd;
                item->type = one_in(random, 32) ? -(int64_t)draw(random, 2) : draw_type(random);
                item->size = draw_size(random);
                item->text = draw(random, 1 << 30);
                item->flags = IPC_NOWAIT | (one_in(random, 16) ? MSG_NOERROR | MSG_EXCEPT | 0200000 : 0);
                item->patient = one_in(random, 3);
                item->bad_address = one_in(random, 64);
                item->bad_text = item->size > 0 && one_in(random, 64);
                break;
        case 1:
                item->call = CALL_msgrcv;
                item->type = draw_selection(random);
                item->size = one_in(random, 3) ? draw_size(random) : one_in(random, 32) ? LONG_MAX : ROOM;
                item->flags = IPC_NOWAIT | (one_in(random, 4) ? MSG_NOERROR : 0) | (one_in(random, 8) ? MSG_EXCEPT : 0);
                if (one_in(random, 8)) {
                        item->flags |= MSG_COPY;
                        item->type = (int64_t)draw(random, 6) - 1;
                        if (one_in(random, 32))
                                item->flags &= ~IPC_NOWAIT;
                }
                item->patient = one_in(random, 3);
                item->bad_address = one_in(random, 100);
                break;
        case 2:
                item->call = CALL_msgctl;
                item->command = commands[weighted(random, 60, 16, 4, 12, 8, 1, 1, 1)];
                item->set = draw_new(random);
                item->again = one_in(random, 4);
                item->bad_address = WIDE && one_in(random, 32);
                break;
        default:
                item->call = CALL_msgget;
                item->key = (uint8_t)draw(random, KEYS);
                item->flags = draw_get_flags(random);
                break;
        }
}

static int find(const struct world *w, const struct item *item)
{
        const int object = find_sysv(w, item);
        const bool full = object != NO_OBJECT && w->thing[item->family][object].units >= MOST_QUEUED;

        return full && item->call == CALL_msgsnd ? NO_OBJECT : object;
}

/* ---- calling ---- */

static bool goes_on(const struct world *w, const struct item *item, int object)
{
        const struct thing *const thing = &w->thing[item->family][object];
        const struct operation o = {.call = item->call, .actor = &w->actor[item->process], .id = identifier(w, item),
                                    .size = item->size < 0 ? 0 : item->size, .type = item->type,
                                    .flags = item->flags & ~IPC_NOWAIT};

        if (item->call == CALL_msgrcv && stress_waived(rule_of_selection(item->type, item->flags)))
                return false;           /* it may not see the message that is for it */
        return thing->possible == 1 && !(item->flags & MSG_COPY) && msg_model.enabled(thing->state[0], &o);
}

static struct {
        long type;
        unsigned char text[ROOM + GUARD];
} buffer;

/* A message of which only the type can be read. */
static const void *at_the_edge(int64_t type)
{
        static long *edge;

        if (!edge)
                edge = guarded(sizeof(long));
        *edge = (long)type;
        return edge;
}

static void send(const struct item *item, struct operation *o, struct outcome *r)
{
        o->type = item->type;
        o->size = item->size;
        o->text = item->text;
        o->flags = item->patient ? item->flags & ~IPC_NOWAIT : item->flags;
        o->bad_address = item->bad_address;
        o->bad_text = item->bad_text && !item->bad_address;
        buffer.type = (long)item->type;
        fill_text(buffer.text, item->size > ROOM ? ROOM : item->size, item->text);
        const void *const message = item->bad_address ? bad_address() : item->bad_text ? at_the_edge(item->type)
                : &buffer;
        CALLED(r, msgsnd(o->id, message, (size_t)item->size, o->flags));
        if (item->size > 0)
                memset(buffer.text, UNTOUCHED, item->size > ROOM ? ROOM : (size_t)item->size);
}

static void receive(const struct item *item, struct operation *o, struct outcome *r)
{
        static bool used;
        bool garbled;

        if (!used)
                memset(buffer.text, UNTOUCHED, sizeof(buffer.text));
        used = true;
        o->type = item->type;
        o->size = item->size;
        o->flags = item->patient ? item->flags & ~IPC_NOWAIT : item->flags;
        o->bad_address = item->bad_address;
        CALLED(r, msgrcv(o->id, item->bad_address ? bad_address() : &buffer, (size_t)item->size, (long)item->type,
                         o->flags));
        const int64_t length = r->value < 0 ? 0 : r->value > ROOM ? ROOM : r->value;
        r->type = buffer.type;
        r->text = read_text(buffer.text, length, &garbled);
        r->odd = garbled ? TEXT_GARBLED : 0;
        for (int64_t i = length; i < length + GUARD; i++)
                if (buffer.text[i] != UNTOUCHED)
                        r->odd |= WRITTEN_BEYOND;
        memset(buffer.text, UNTOUCHED, (size_t)length + GUARD);
}

static void control(const struct item *item, struct operation *o, struct outcome *r)
{
        static struct msqid_ds ds;
        static struct stat_report report;

        o->command = item->command;
        o->set = &item->set;
        o->bad_address = item->bad_address && item->command != IPC_RMID;
        if (is_by_index(item) && o->id >= 0)
                o->id %= INDEXES;
        FILL_DS(ds, msg_perm, item);
        ds.msg_qbytes = (__typeof__(ds.msg_qbytes))item->set.qbytes;
        CALLED(r, msgctl(o->id, item->command, o->bad_address ? bad_address() : &ds));
        report = (struct stat_report){
                REPORT_PERM(ds.msg_perm), .ctime = ds.msg_ctime,
                .msg = {.qnum = ds.msg_qnum, .cbytes = ds.__msg_cbytes, .qbytes = ds.msg_qbytes, .lspid = ds.msg_lspid,
                        .lrpid = ds.msg_lrpid, .stime = ds.msg_stime, .rtime = ds.msg_rtime}};
        r->stat = &report;
}

static void make(struct world *w, const struct item *item, int object, struct operation *o, struct outcome *r)
{
        (void)object;
        if (item->call == CALL_msgget) {
                o->key = key_of(item->key);
                o->flags = item->flags;
                CALLED(r, msgget(o->key, item->flags));
                return;
        }
        o->id = identifier(w, item);
        if (item->call == CALL_msgsnd)
                send(item, o, r);
        else if (item->call == CALL_msgrcv)
                receive(item, o, r);
        else
                control(item, o, r);
}

static void count(struct thing *thing, const struct item *item)
{
        if (item->call == CALL_msgsnd)
                thing->units++;
        else if (item->call == CALL_msgrcv && !(item->flags & MSG_COPY))
                thing->units--;
}

static struct contradiction contradicted_by_waiting(const struct item *item)
{
        const bool sends = item->call == CALL_msgsnd;

        if (item->patient)              /* for what the model has there */
                return (struct contradiction){
                        .requirement = sends ? msgsnd_ret_zero : rule_of_selection(item->type, item->flags),
                        .what = "errno", .got = EINPROGRESS};
        return (struct contradiction){.requirement = sends ? msgsnd_eagain_qbytes : msgrcv_enomsg, .what = "errno",
                                      .want = sends ? EAGAIN : ENOMSG, .got = EINPROGRESS};
}

static void remove_object(struct world *w, int object)
{
        msgctl(w->thing[number_of(&fuzz_msg)][object].id, IPC_RMID, NULL);
}

/* ---- as a test ---- */

static void tell_report(const struct world *w, const struct item *item, const struct outcome *r, char *text,
                        size_t size)
{
        const bool stats = item->command == IPC_STAT || is_by_index(item);

        text[0] = '\0';
        if (item->call != CALL_msgctl || !stats)
                return;
        report_common(r, text, size);
        const size_t length = strlen(text);
        snprintf(text + length, size - length, ", qnum %llu, cbytes %llu, qbytes %llu, lspid %d, lrpid %d}",
                 (unsigned long long)r->stat->msg.qnum, (unsigned long long)r->stat->msg.cbytes,
                 (unsigned long long)r->stat->msg.qbytes, process_of(w, r->stat->msg.lspid),
                         process_of(w, r->stat->msg.lrpid));
}

static void print_flags(FILE *out, int flags)
{
        fprintf(out, "%s%s%s%s", flags & IPC_NOWAIT ? "IPC_NOWAIT" : "0", flags & MSG_NOERROR ? " | MSG_NOERROR" : "",
                flags & MSG_EXCEPT ? " | MSG_EXCEPT" : "", flags & MSG_COPY ? " | MSG_COPY" : "");
        if (flags & 0200000)
                fputs(" | 0200000", out);
}

static void print_number(FILE *out, int64_t number)
{
        if (number == LONG_MIN)
                fputs("LONG_MIN", out);
        else if (number == LONG_MAX)
                fputs("LONG_MAX", out);
        else
                fprintf(out, "%lld", (long long)number);
}

static void print_control(FILE *out, const struct item *item, const struct record *record)
{
        if (item->command == IPC_SET && !item->bad_address) {
                print_set(out, "queue_set", item, record);
                fprintf(out, ", %llu)", (unsigned long long)item->set.qbytes);
                return;
        }
        fputs("msgctl(", out);
        print_target(out, item, record);
        fputs(", ", out);
        print_command(out, item);
        fprintf(out, ", %s)", item->command == IPC_RMID ? "NULL" : item->bad_address ? "bad_address()"
                                                                 : "&(struct msqid_ds){.msg_qnum = 0}");
}

/* What comes behind the identifier. */
static void print_receipt(FILE *out, const struct item *item, const char *into)
{
        fprintf(out, item->size == -1 ? ", %s, SIZE_MAX, " : item->size == LONG_MAX ? ", %s, LONG_MAX, "
                : ", %s, %lld, ",
                into, (long long)item->size);
        print_number(out, item->type);
        fputs(", ", out);
        print_flags(out, item->patient ? item->flags & ~IPC_NOWAIT : item->flags);
}

static void print(FILE *out, const struct item *item, const struct record *record)
{
        if (item->call == CALL_msgget) {
                fprintf(out, "msgget(%#x, %#o)", (unsigned)key_of(item->key), (unsigned)item->flags);
                return;
        }
        if (item->call == CALL_msgctl) {
                print_control(out, item, record);
                return;
        }
        if (item->call == CALL_msgrcv) {
                fputs("msgrcv(", out);
                print_identifier(out, item, record);
                print_receipt(out, item, item->bad_address ? "bad_address()" : "&(struct message){.type = 0}");
                fputs(")", out);
                return;
        }
        fputs("msgsnd(", out);
        print_identifier(out, item, record);
        if (item->bad_address) {
                fputs(", bad_address()", out);
        } else if (item->bad_text) {
                fputs(", memset(guarded(sizeof(long)), 1, sizeof(long))", out);
        } else {
                fputs(", &(struct message){", out);
                print_number(out, item->type);
                fputs(", {", out);
                for (int64_t i = 0; i < 4; i++)
                        fprintf(out, "%s%u", i ? ", " : "", item->text >> 8 * i & 255);
                fputs("}}", out);
        }
        fprintf(out, item->size == -1 ? ", SIZE_MAX, " : ", %lld, ", (long long)item->size);
        print_flags(out, item->patient ? item->flags & ~IPC_NOWAIT : item->flags);
        fputs(")", out);
}

static bool print_member(FILE *out, const struct item *item, const struct record *record,
                         const struct contradiction *why)
{
        static const char *const members[] = {"qnum", "qbytes", "lspid", "lrpid", "stime", "rtime", "ctime", NULL};

        const bool text = strcmp(why->what, "text") == 0;
        if (text || strcmp(why->what, "type") == 0) {
                fputs("({ union { struct message m; struct { long type; unsigned text; } as; } u = {{0}}; msgrcv(",
                      out);
                print_identifier(out, item, record);
                print_receipt(out, item, "&u.m");
                fprintf(out, "); u.as.%s; })", text ? "text" : "type");
                return true;
        }
        if (strcmp(why->what, "cbytes") == 0) {
                fputs("CBYTES(", out);
                print_identifier(out, item, record);
                fputs(")", out);
                return true;
        }
        return print_stat(out, item, record, why, "stat_of_queue", "msg", members);
}

const struct family fuzz_msg = {
        .name = "msg", .model = &msg_model, .header = "ipck_msg.h", .declarations = "",
        .closes = NEVER_OPEN, .available = ipck_msg_available, .generate = generate, .find = find, .make = make,
        .count = count, .report = tell_report, .goes_on = goes_on, .waits = contradicted_by_waiting,
        .remove = remove_object, .print = print, .print_member = print_member,
};
