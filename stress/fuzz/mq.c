/* SPDX-License-Identifier: MIT
 *
 * mq.c: calls on POSIX message queues, all through descriptors that do not block.
 */
#include <fcntl.h>
#include <limits.h>

#include "fuzz.h"

void ipck_mq_available(void);

enum { ROOM = 8192, GUARD = 16, UNTOUCHED = 0x5a, NO_DESCRIPTOR = -1 };

static int64_t draw_priority(struct random *random)
{
        static const int64_t priorities[] = {0, 1, 2, 31, MQ_PRIO_MAX - 1, MQ_PRIO_MAX, UINT_MAX};

        return priorities[weighted(random, 60, 60, 30, 10, 10, 3, 1)];
}

static int64_t draw_size(struct random *random)
{
        return one_in(random, 8) ? (int64_t)(60 + draw(random, 8)) : (int64_t)draw(random, 10);
}

static void generate(struct random *random, struct item *item)
{
        static const unsigned modes[] = {0600, 0666, 0660, 0640, 0622, 0000, 0066, 0777};
        static const int accesses[] = {O_RDWR, O_RDONLY, O_WRONLY};
        static const int counts[] = {1, 2, 3, 4, 10, 11, 0, -1};
        static const int sizes[] = {64, 8, 1, 16, 64, 8193, 0, -1};

        item->which = one_in(random, 50) ? NEGATIVE : CURRENT;
        item->handle = (uint8_t)draw(random, HANDLES);
        item->key = (uint8_t)draw(random, KEYS);
        item->bad_address = one_in(random, 64);
        switch (weighted(random, 90, 90, 50, 10, 10, 12, 8, 6)) {
        case 0:
                item->call = CALL_mq_send;
                item->type = draw_priority(random);
                item->size = draw_size(random);
                item->text = draw(random, 1 << 30);
                if (one_in(random, 4)) {
                        item->call = CALL_mq_timedsend;
                        item->until = (uint8_t)weighted(random, 10, 20, 20, 3, 3, 3, WIDE ? 2 : 0);
                }
                break;
        case 1:
                item->call = CALL_mq_receive;
                item->size = one_in(random, 6) ? draw_size(random) : ROOM;
                if (one_in(random, 4)) {
                        item->call = CALL_mq_timedreceive;
                        item->until = (uint8_t)weighted(random, 10, 20, 20, 3, 3, 3, WIDE ? 2 : 0);
                }
                break;
        case 2: item->call = CALL_mq_getattr; break;
        case 3:
                item->call = CALL_mq_setattr;
                item->value = one_in(random, 6) ? 1 | (one_in(random, 2) ? O_NONBLOCK : 0) : O_NONBLOCK;
                break;
        case 4:
                item->call = CALL_mq_notify;
                item->value = draw(random, 2);
                break;
        case 5:
                item->call = CALL_mq_open;
                item->flags = accesses[weighted(random, 30, 10, 10)] | O_NONBLOCK;
                if (!one_in(random, 4))
                        item->flags |= O_CREAT | (one_in(random, 4) ? O_EXCL : 0);
                item->set.mode = modes[draw(random, 8)];
                item->size = counts[weighted(random, 20, 20, 20, 20, 10, 3, 1, 1)];
                item->value = sizes[weighted(random, 20, 20, 10, 10, 10, 2, 1, 1)];
                item->command = !one_in(random, 16);    /* with attributes */
                break;
        case 6: item->call = CALL_mq_close; break;
        default: item->call = CALL_mq_unlink; break;
        }
}

/* The place of the descriptor that the item passes; -1: one of no queue. */
static int place_of(const struct world *w, const struct item *item)
{
        return item->which == CURRENT ? open_handle(w, item) : NO_DESCRIPTOR;
}

static int find(const struct world *w, const struct item *item)
{
        if (item->call == CALL_mq_open || item->call == CALL_mq_unlink) {
                if (item->call == CALL_mq_open && free_handle(w, item) == -1)
                        return NO_OBJECT;
                return find_by_key(w, item, name_key(item));
        }
        const int place = place_of(w, item);
        if (place == -1)
                return item->which == CURRENT ? NO_OBJECT : item->object;
        return w->handle[item->family][item->process][place].object;
}

/* ---- calling ---- */

static unsigned char buffer[ROOM + GUARD];

static void send(const struct item *item, struct operation *o, struct outcome *r)
{
        char *const message = item->bad_address ? bad_address() : (char *)buffer;

        o->type = item->type;
        o->size = item->size;
        o->text = item->text;
        fill_text(buffer, item->size, item->text);
        if (item->call == CALL_mq_timedsend)
                CALLED(r, mq_timedsend(o->id, message, (size_t)item->size, (unsigned)item->type,
                                       o->bad_timeout ? bad_address() : o->timeout));
        else
                CALLED(r, mq_send(o->id, message, (size_t)item->size, (unsigned)item->type));
        memset(buffer, UNTOUCHED, (size_t)item->size);
}

static void receive(const struct item *item, struct operation *o, struct outcome *r)
{
        static bool used;
        char *const message = item->bad_address ? bad_address() : (char *)buffer;
        unsigned priority = 0;
        bool garbled;

        if (!used)
                memset(buffer, UNTOUCHED, sizeof(buffer));
        used = true;
        o->size = item->size;
        if (item->call == CALL_mq_timedreceive)
                CALLED(r, mq_timedreceive(o->id, message, (size_t)item->size, &priority,
                                          o->bad_timeout ? bad_address() : o->timeout));
        else
                CALLED(r, mq_receive(o->id, message, (size_t)item->size, &priority));
        const int64_t length = r->value < 0 ? 0 : r->value > ROOM ? ROOM : r->value;
        r->type = priority;
        r->text = read_text(buffer, length, &garbled);
        r->odd = garbled ? TEXT_GARBLED : 0;
        for (int64_t i = length; i < length + GUARD; i++)
                if (buffer[i] != UNTOUCHED)
                        r->odd |= WRITTEN_BEYOND;
        memset(buffer, UNTOUCHED, (size_t)length + GUARD);
}

static void open_queue(struct world *w, const struct item *item, struct operation *o, struct outcome *r)
{
        static struct mq_attr attr;
        struct handle *const handle = &w->handle[item->family][item->process][w->record[w->position].place];

        attr = (struct mq_attr){.mq_maxmsg = (long)item->size, .mq_msgsize = (long)item->value};
        o->key = item->key;
        o->mode = item->set.mode;
        o->flags = item->flags;
        o->attr = item->command ? &attr : NULL;
        CALLED(r, mq_open(name_of(item->key), item->flags, item->set.mode, item->command ? &attr : NULL));
        handle->value = (intptr_t)r->value;
        handle->flags = item->flags;
}

static void make(struct world *w, const struct item *item, int object, struct operation *o, struct outcome *r)
{
        static const struct sigevent silent = {.sigev_notify = SIGEV_NONE};
        static struct mq_attr attr;
        const int place = place_of(w, item);
        const struct handle *const handle = place == -1 ? NULL : &w->handle[item->family][item->process][place];

        (void)object;
        o->id = handle ? (int)handle->value : NO_DESCRIPTOR;
        o->flags = handle ? handle->flags : O_RDWR;
        o->bad_address = item->bad_address;
        o->timeout = timeout_of(item);
        o->bad_timeout = item->until == BAD_TIMEOUT;
        o->value = item->value;
        r->attr = &attr;
        switch (item->call) {
        case CALL_mq_open: open_queue(w, item, o, r); break;
        case CALL_mq_close: CALLED(r, mq_close(o->id)); break;
        case CALL_mq_unlink:
                o->key = item->key;
                CALLED(r, mq_unlink(name_of(item->key)));
                break;
        case CALL_mq_send:
        case CALL_mq_timedsend: send(item, o, r); break;
        case CALL_mq_receive:
        case CALL_mq_timedreceive: receive(item, o, r); break;
        case CALL_mq_getattr: CALLED(r, mq_getattr(o->id, &attr)); break;
        case CALL_mq_setattr: CALLED(r,
                                     mq_setattr(o->id, &(struct mq_attr){.mq_flags = (long)item->value}, &attr)); break;
        default: CALLED(r, mq_notify(o->id, item->value ? &silent : NULL)); break;
        }
}

static struct contradiction contradicted_by_waiting(const struct item *item)
{
        const bool sends = item->call == CALL_mq_send || item->call == CALL_mq_timedsend;

        return (struct contradiction){.requirement = sends ? mq_send_eagain : mq_receive_eagain, .what = "errno",
                                      .want = EAGAIN, .got = EINPROGRESS};
}

static void remove_object(struct world *w, int object)
{
        const int key = w->thing[number_of(&fuzz_mq)][object].key;

        if (key)
                mq_unlink(name_of(key - 1));
}

/* ---- as a test ---- */

static void tell_report(const struct world *w, const struct item *item, const struct outcome *r, char *text,
                        size_t size)
{
        (void)w;
        text[0] = '\0';
        if (item->call == CALL_mq_getattr || item->call == CALL_mq_setattr)
                snprintf(text, size, " {flags %#lx, maxmsg %ld, msgsize %ld, curmsgs %ld}",
                         (unsigned long)r->attr->mq_flags,
                         (long)r->attr->mq_maxmsg, (long)r->attr->mq_msgsize, (long)r->attr->mq_curmsgs);
}

static void print_descriptor(FILE *out, const struct item *item, const struct record *record)
{
        if (item->which == CURRENT)
                fprintf(out, "open_in[%d][%d]", item->process, record->place);
        else
                fputs("-1", out);
}

static void print_open(FILE *out, const struct item *item)
{
        static const char *const accesses[] = {"O_RDONLY", "O_WRONLY", "O_RDWR"};

        fprintf(out, "mq_open(\"%s\", %s | O_NONBLOCK%s%s", name_of(item->key), accesses[item->flags & O_ACCMODE],
                item->flags & O_CREAT ? " | O_CREAT" : "", item->flags & O_EXCL ? " | O_EXCL" : "");
        if (item->flags & O_CREAT) {
                fprintf(out, ", %#o, ", item->set.mode);
                if (item->command)
                        fprintf(out, "&(struct mq_attr){.mq_maxmsg = %lld, .mq_msgsize = %lld}", (long long)item->size,
                                (long long)item->value);
                else
                        fputs("NO_ATTR", out);
        }
        fputs(")", out);
}

static void print(FILE *out, const struct item *item, const struct record *record)
{
        if (item->call == CALL_mq_open) {
                print_open(out, item);
                return;
        }
        fprintf(out, "%s(", call_names[item->call]);
        if (item->call == CALL_mq_unlink)
                fprintf(out, "\"%s\"", name_of(item->key));
        else
                print_descriptor(out, item, record);
        switch (item->call) {
        case CALL_mq_send:
        case CALL_mq_timedsend:
                if (item->bad_address) {
                        fputs(", bad_address()", out);
                } else {
                        fputs(", (char [64]){", out);
                        for (int i = 0; i < 4; i++)
                                fprintf(out, "%s(char)%u", i ? ", " : "", item->text >> 8 * i & 255);
                        fputs("}", out);
                }
                fprintf(out, ", %lld, %uU", (long long)item->size, (unsigned)item->type);
                break;
        case CALL_mq_receive:
        case CALL_mq_timedreceive:
                fprintf(out, ", %s, %lld, &(unsigned){0}", item->bad_address ? "bad_address()" : "(char [8192]){0}",
                        (long long)item->size);
                break;
        case CALL_mq_getattr: fputs(", &(struct mq_attr){0}", out); break;
        case CALL_mq_setattr:
                fprintf(out, ", &(struct mq_attr){.mq_flags = %#llo}, &(struct mq_attr){0}",
                        (unsigned long long)item->value);
                break;
        case CALL_mq_notify:
                fputs(item->value ? ", &(struct sigevent){.sigev_notify = SIGEV_NONE}" : ", NULL", out);
                break;
        default: break;
        }
        if (item->call == CALL_mq_timedsend || item->call == CALL_mq_timedreceive)
                print_timeout(out, item);
        fputs(")", out);
}

static bool print_member(FILE *out, const struct item *item, const struct record *record,
                         const struct contradiction *why)
{
        static const char *const members[] = {"flags", "maxmsg", "msgsize", "curmsgs"};
        const bool text = strcmp(why->what, "text") == 0;

        if (text || strcmp(why->what, "priority") == 0) {
                fputs("({ union { char bytes[8192]; unsigned text; } m = {{0}}; unsigned priority = 0; mq_receive(",
                      out);
                print_descriptor(out, item, record);
                fprintf(out, ", m.bytes, %lld, &priority); %s; })", (long long)item->size, text ? "m.text"
                        : "priority");
                return true;
        }
        for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
                if (strcmp(why->what, members[i]) == 0) {
                        fputs("attr_of(", out);
                        print_descriptor(out, item, record);
                        fprintf(out, ").mq_%s", members[i]);
                        return true;
                }
        return false;
}

const struct family fuzz_mq = {
        .name = "mq", .model = &mq_model, .header = "ipck_mq.h",
        .declarations = "        mqd_t (*const open_in)[8] = shared(4 * sizeof(*open_in));\n",
        .closes = CALL_mq_close, .available = ipck_mq_available, .generate = generate, .find = find, .make = make,
        .report = tell_report, .waits = contradicted_by_waiting, .remove = remove_object, .print = print,
        .print_member = print_member,
};
