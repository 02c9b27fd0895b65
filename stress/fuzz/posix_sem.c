/* SPDX-License-Identifier: MIT
 *
 * posix_sem.c: calls on POSIX semaphores, named and not. Number 0 stands for semaphores without a name.
 */
#include <fcntl.h>
#include <limits.h>

#include "fuzz.h"
#include "have.h"

static int64_t draw_value(struct random *random)
{
        static const int64_t values[] = {0, 1, 2, SEM_VALUE_MAX, SEM_VALUE_MAX - 1LL, SEM_VALUE_MAX + 1LL, UINT_MAX};

        return values[weighted(random, 60, 60, 20, 16, 16, 4, 2)];
}

static void generate(struct random *random, struct item *item)
{
        static const enum call uses[] = {CALL_sem_post, CALL_sem_trywait, CALL_sem_wait, CALL_sem_timedwait,
                                         HAVE_SEM_CLOCKWAIT ? CALL_sem_clockwait : CALL_sem_timedwait,
                                                 CALL_sem_getvalue};
        static const unsigned modes[] = {0600, 0666, 0660, 0640, 0622, 0000, 0066, 0777};

        item->object = (uint8_t)draw(random, OBJECTS);
        item->handle = (uint8_t)draw(random, HANDLES);
        item->key = (uint8_t)draw(random, KEYS);
        switch (weighted(random, 200, 8, 6, 4, 5, 4)) {
        case 0:
                item->call = uses[weighted(random, 60, 30, 20, 20, 10, 60)];
                if (item->call == CALL_sem_timedwait || item->call == CALL_sem_clockwait)
                        item->until = (uint8_t)(AT_ONCE + weighted(random, 20, 20, 6, 6, 6));
                if (item->call == CALL_sem_clockwait)
                        item->command = one_in(random, 2) ? CLOCK_REALTIME : CLOCK_MONOTONIC;
                break;
        case 1:
                item->call = CALL_sem_open;
                item->flags = one_in(random, 4) ? 0 : O_CREAT | (one_in(random, 4) ? O_EXCL : 0);
                item->set.mode = modes[draw(random, 8)];
                item->value = draw_value(random);
                break;
        case 2: item->call = CALL_sem_close; break;
        case 3: item->call = CALL_sem_unlink; break;
        case 4:
                item->call = CALL_sem_init;
                item->value = draw_value(random);
                break;
        default: item->call = CALL_sem_destroy; break;
        }
}

static int find_unnamed(const struct world *w, const struct item *item)
{
        for (int i = 0; i < OBJECTS; i++) {
                const int object = (item->object + i) % OBJECTS;
                if (w->thing[item->family][object].used && w->thing[item->family][object].key == NO_KEY)
                        return object;
        }
        return NO_OBJECT;
}

/* Half of the calls on semaphores are on such without a name. */
static bool is_unnamed(const struct item *item)
{
        return item->call == CALL_sem_destroy || item->key < KEYS / 2;
}

static int find(const struct world *w, const struct item *item)
{
        const int place = open_handle(w, item);

        switch (item->call) {
        case CALL_sem_init: return free_object(w, item->family);
        case CALL_sem_open:
        case CALL_sem_unlink:
                if (item->call == CALL_sem_open && free_handle(w, item) == -1)
                        return NO_OBJECT;
                return find_by_key(w, item, name_key(item));
        case CALL_sem_close: return place == -1 ? NO_OBJECT : w->handle[item->family][item->process][place].object;
        default: break;
        }
        const int object = is_unnamed(item) ? find_unnamed(w, item)
                         : place == -1 ? NO_OBJECT : w->handle[item->family][item->process][place].object;
        const bool waits = item->call == CALL_sem_wait && object != NO_OBJECT &&
                w->thing[item->family][object].units <= 0;
        return waits ? NO_OBJECT : object;
}

/* ---- calling ---- */

static void open_named(struct world *w, const struct item *item, int object, struct operation *o, struct outcome *r)
{
        struct handle *const handles = w->handle[item->family][item->process];

        o->flags = item->flags;
        o->value = item->value;
        o->key = item->key;
        o->mode = item->set.mode;
        errno = 0;
        sem_t *const sem = sem_open(name_of(item->key), item->flags, item->set.mode, (unsigned)item->value);
        if (sem == SEM_FAILED) {
                r->value = -1;
                r->error = errno;
                return;
        }
        handles[w->record[w->position].place].value = (intptr_t)sem;
        for (int h = 0; h < HANDLES; h++)
                if (handles[h].object == object && handles[h].value != (intptr_t)sem)
                        r->odd |= ARGUMENT_CHANGED;
}

static void use(const struct item *item, sem_t *sem, struct operation *o, struct outcome *r)
{
        int value = INT_MIN;

        o->timeout = timeout_of(item);
        switch (item->call) {
        case CALL_sem_post: CALLED(r, sem_post(sem)); break;
        case CALL_sem_wait: CALLED(r, sem_wait(sem)); break;
        case CALL_sem_trywait: CALLED(r, sem_trywait(sem)); break;
        case CALL_sem_timedwait: CALLED(r, sem_timedwait(sem, o->timeout)); break;
#if HAVE_SEM_CLOCKWAIT
        case CALL_sem_clockwait: CALLED(r, sem_clockwait(sem, item->command, o->timeout)); break;
#endif
        case CALL_sem_getvalue:
                CALLED(r, sem_getvalue(sem, &value));
                r->type = value;
                break;
        default: break;
        }
}

static void make(struct world *w, const struct item *item, int object, struct operation *o, struct outcome *r)
{
        const int place = w->record[w->position].place;
        sem_t *const opened = place == -1 ? NULL : (sem_t *)w->handle[item->family][item->process][place].value;

        switch (item->call) {
        case CALL_sem_init:
                o->value = item->value;
                CALLED(r, sem_init(&w->unnamed[object], 1, (unsigned)item->value));
                break;
        case CALL_sem_destroy: CALLED(r, sem_destroy(&w->unnamed[object])); break;
        case CALL_sem_open: open_named(w, item, object, o, r); break;
        case CALL_sem_close: CALLED(r, sem_close(opened)); break;
        case CALL_sem_unlink:
                o->key = item->key;
                CALLED(r, sem_unlink(name_of(item->key)));
                break;
        default: use(item, is_unnamed(item) ? &w->unnamed[object] : opened, o, r); break;
        }
}

/* ---- what follows ---- */

static void count(struct thing *thing, const struct item *item)
{
        switch (item->call) {
        case CALL_sem_post: thing->units++; break;
        case CALL_sem_wait:
        case CALL_sem_trywait:
        case CALL_sem_timedwait:
        case CALL_sem_clockwait: thing->units--; break;
        default: break;
        }
}

static struct contradiction contradicted_by_waiting(const struct item *item)
{
        const bool timed = item->call == CALL_sem_timedwait || item->call == CALL_sem_clockwait;

        return (struct contradiction){
                .requirement = item->call == CALL_sem_trywait ? sem_trywait_eagain : timed
                ? sem_timedwait_etimedout_past
                             : item->call == CALL_sem_post ? sem_post_ret_zero : sem_wait_ret_zero,
                .what = "errno", .want = item->call == CALL_sem_trywait ? EAGAIN : timed ? ETIMEDOUT : 0,
                .got = EINPROGRESS};
}

static void remove_object(struct world *w, int object)
{
        const int key = w->thing[number_of(&fuzz_posix_sem)][object].key;

        if (key && key != NO_KEY)
                sem_unlink(name_of(key - 1));
}

/* ---- as a test ---- */

static void tell_report(const struct world *w, const struct item *item, const struct outcome *r, char *text,
                        size_t size)
{
        (void)w;
        text[0] = '\0';
        if (item->call == CALL_sem_getvalue)
                snprintf(text, size, " {value %lld}", (long long)r->type);
}

static void print_sem(FILE *out, const struct item *item, const struct record *record)
{
        if (is_unnamed(item))
                fprintf(out, "&unnamed[%d]", record->object);
        else
                fprintf(out, "open_in[%d][%d]", item->process, record->place);
}

static void print(FILE *out, const struct item *item, const struct record *record)
{
        fprintf(out, "%s(", call_names[item->call]);
        switch (item->call) {
        case CALL_sem_open:
                fprintf(out, "\"%s\", 0%s%s", name_of(item->key), item->flags & O_CREAT ? " | O_CREAT" : "",
                        item->flags & O_EXCL ? " | O_EXCL" : "");
                if (item->flags & O_CREAT)
                        fprintf(out, ", %#o, %lldU", item->set.mode, (long long)item->value);
                break;
        case CALL_sem_unlink: fprintf(out, "\"%s\"", name_of(item->key)); break;
        case CALL_sem_init: fprintf(out, "&unnamed[%d], 1, %lldU", record->object, (long long)item->value); break;
        case CALL_sem_destroy: fprintf(out, "&unnamed[%d]", record->object); break;
        case CALL_sem_close: fprintf(out, "open_in[%d][%d]", item->process, record->place); break;
        case CALL_sem_timedwait:
                print_sem(out, item, record);
                print_timeout(out, item);
                break;
        case CALL_sem_clockwait:
                print_sem(out, item, record);
                fputs(item->command == CLOCK_REALTIME ? ", CLOCK_REALTIME" : ", CLOCK_MONOTONIC", out);
                print_timeout(out, item);
                break;
        case CALL_sem_getvalue:
                print_sem(out, item, record);
                fputs(", &(int){0}", out);
                break;
        default: print_sem(out, item, record); break;
        }
        fputs(")", out);
}

static bool print_member(FILE *out, const struct item *item, const struct record *record,
                         const struct contradiction *why)
{
        if (strcmp(why->what, "value") != 0)
                return false;
        fputs("sem_value(", out);
        print_sem(out, item, record);
        fputs(")", out);
        return true;
}

const struct family fuzz_posix_sem = {
        .name = "posix_sem", .model = &posix_sem_model, .header = "ipck_posix_sem.h",
        .declarations = "        sem_t *const unnamed = shared(8 * sizeof(*unnamed));\n"
                        "        sem_t *(*const open_in)[8] = shared(4 * sizeof(*open_in));\n",
        .closes = CALL_sem_close, .available = private_directory, .generate = generate, .find = find, .make = make,
        .count = count, .report = tell_report, .waits = contradicted_by_waiting, .remove = remove_object,
        .print = print, .print_member = print_member,
};
