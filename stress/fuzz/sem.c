/* SPDX-License-Identifier: MIT
 *
 * sem.c: calls on System V semaphore sets.
 */
#include "fuzz.h"
#include "ipck_sem.h"
#undef semget
#undef semop
#undef semtimedop
#undef semctl

enum { SEMS = 320 };

/* Most calls are about the first semaphores of small sets, so that they meet. */
static int draw_number(struct random *random)
{
        switch (weighted(random, 120, 60, 20, 6, 6, 1)) {
        case 0: return 0;
        case 1: return 1;
        case 2: return 2;
        case 3: return 3;
        case 4: return (int)(32 * draw(random, 3) + draw(random, 3));
        default: return UINT16_MAX;
        }
}

static int draw_value(struct random *random)
{
        static const int extremes[] = {32767, 32766, 32768, 65535, -1, INT32_MIN, INT32_MAX, -65531};

        return draw(random, 4) ? (int)draw(random, 5) : extremes[weighted(random, 8, 8, 2, 2, 1, 1, 1, 1)];
}

static struct sembuf draw_entry(struct random *random)
{
        static const short extremes[] = {32767, 32766, -32767, -32768, -32766};
        struct sembuf entry = {.sem_num = (unsigned short)draw_number(random), .sem_flg = IPC_NOWAIT};

        switch (weighted(random, 30, 30, 16, 20, 6)) {
        case 0: entry.sem_op = 1; break;
        case 1: entry.sem_op = -1; break;
        case 2: entry.sem_op = 0; break;
        case 3: entry.sem_op = (short)((int)draw(random, 7) - 3); break;
        default: entry.sem_op = extremes[draw(random, 5)]; break;
        }
        if (one_in(random, 4))
                entry.sem_flg |= SEM_UNDO;
        return entry;
}

static int64_t draw_count(struct random *random)
{
        switch (weighted(random, 140, 30, 16, 12, 2, 3, 1)) {
        case 0: return 1;
        case 1: return 2;
        case 2: return 3;
        case 3: return 4 + draw(random, 3);
        case 4: return 0;
        case 5: return 7 + draw(random, 80);
        default: return one_in(random, 2) ? 500 : one_in(random, 2) ? 501 : -1;
        }
}

static int64_t draw_nsems(struct random *random)
{
        switch (weighted(random, 120, 20, 8, 6, 4, 3)) {
        case 0: return 1 + draw(random, 4);
        case 1: return 33 + draw(random, 64);
        case 2: return 257 + draw(random, 64);
        case 3: return 0;
        case 4: return -1;
        default: return 321 + 31680 * draw(random, 2);
        }
}

static void generate(struct random *random, struct item *item)
{
        static const int commands[] = {GETVAL, GETPID, GETALL, IPC_STAT, SETVAL, SETALL, IPC_SET, IPC_RMID,
                                       GETNCNT, GETZCNT, SEM_STAT, SEM_STAT_ANY, 99, -1, 0x200 + GETVAL};

        item->which = (uint8_t)draw_which(random);
        item->object = (uint8_t)draw(random, OBJECTS);
        switch (weighted(random, 100, 14, 70, 8)) {
        case 0:
        case 1:
                item->call = CALL_semop;
                item->size = draw_count(random);
                for (int i = 0; i < ENTRIES && i < (item->size < 0 ? 1 : item->size); i++)
                        item->entry[i] = draw_entry(random);
                item->bad_address = one_in(random, 64);
                if (one_in(random, 6)) {
                        item->call = CALL_semtimedop;
                        draw_until(random, item);
                        if (item->until == BAD_TIMEOUT && !WIDE)
                                item->until = NO_TIMEOUT;
                }
                item->patient = one_in(random, 3) && item->until != BAD_TIMEOUT;
                break;
        case 2:
                item->call = CALL_semctl;
                item->command = commands[weighted(random, 40, 30, 24, 40, 30, 12, 16, 5, 6, 6, 10, 6, 1, 1, 1)];
                item->semnum = one_in(random, 40) ? (one_in(random, 2) ? -1 : INT32_MAX) : draw_number(random);
                item->value = draw_value(random);
                item->set = draw_setting(random);
                item->again = one_in(random, 4);
                item->bad_address = WIDE && one_in(random, 32);
                break;
        default:
                item->call = CALL_semget;
                item->key = (uint8_t)draw(random, KEYS);
                item->size = draw_nsems(random);
                item->flags = draw_get_flags(random);
                break;
        }
}

static int find(const struct world *w, const struct item *item)
{
        if (item->call == CALL_semget && item->size > SEMS && item->size <= w->limits.semmsl)
                return NO_OBJECT;       /* more than the model has room for */
        return find_sysv(w, item);
}

/* ---- calling ---- */

static struct sembuf entries[MOST_ENTRIES], passed[MOST_ENTRIES];
static unsigned short values[SEMS + 1];

static void fill_entries(const struct item *item)
{
        for (int i = 0; i < item->size && i < MOST_ENTRIES; i++) {
                entries[i] = item->entry[i % ENTRIES];
                if (i >= ENTRIES)
                        entries[i].sem_num = (unsigned short)(entries[i].sem_num + i / ENTRIES);
        }
}

/* The fuzz's own question to the model: an array that cannot fail to go on. */
static bool goes_on(const struct world *w, const struct item *item, int object)
{
        const struct thing *const thing = &w->thing[item->family][object];
        const struct operation o = {.call = CALL_semop, .actor = &w->actor[item->process], .id = identifier(w, item),
                                    .size = item->size, .entries = entries};

        fill_entries(item);
        return thing->possible == 1 && item->size > 0 && item->size < MOST_ENTRIES &&
                sem_model.enabled(thing->state[0], &o);
}

static void operate(const struct item *item, struct operation *o, struct outcome *r)
{
        const size_t count = item->size < 0 ? 1 : (size_t)item->size;

        fill_entries(item);
        for (size_t i = 0; item->patient && i < count; i++)
                entries[i].sem_flg &= ~IPC_NOWAIT;
        memcpy(passed, entries, count * sizeof(*entries));
        o->size = item->size;
        o->entries = entries;
        o->bad_address = item->bad_address;
        struct sembuf *const sops = item->bad_address ? bad_address() : passed;
        if (item->call == CALL_semtimedop) {
                o->timeout = timeout_of(item);
                o->bad_timeout = item->until == BAD_TIMEOUT;
                CALLED(r, semtimedop(o->id, sops, (size_t)item->size, o->bad_timeout ? bad_address() : o->timeout));
        } else {
                CALLED(r, semop(o->id, sops, (size_t)item->size));
        }
        if (!item->bad_address && memcmp(passed, entries, count * sizeof(*entries)) != 0)
                r->odd |= ARGUMENT_CHANGED;
}

static void control(struct world *w, const struct item *item, int object, struct operation *o, struct outcome *r)
{
        const int nsems = w->thing[item->family][object].used ? (int)w->thing[item->family][object].size : SEMS;
        static struct semid_ds ds;
        static struct stat_report report;
        union semun arg = {.val = 0};

        o->command = item->command;
        o->semnum = item->semnum;
        o->value = item->value;
        o->bad_address = false;
        switch (item->command) {
        case SEM_STAT:
        case SEM_STAT_ANY:
                if (o->id >= 0)
                        o->id %= INDEXES;
                /* fall through */
        case IPC_STAT:
        case IPC_SET:
                FILL_DS(ds, sem_perm, item);
                arg.buf = &ds;
                o->bad_address = item->bad_address;
                break;
        case SETALL:
                for (int i = 0; i < nsems; i++)
                        values[i] = (unsigned short)(i == item->semnum ? item->value : (item->value + i) & 3);
                o->bad_address = item->bad_address;
                arg.array = values;
                break;
        case GETALL:
                memset(values, 0x5a, sizeof(values));
                o->bad_address = item->bad_address;
                arg.array = values;
                break;
        case SETVAL: arg.val = (int)item->value; break;
        default: break;
        }
        if (o->bad_address)
                arg.array = bad_address();
        CALLED(r, semctl(o->id, item->semnum, item->command, arg));
        switch (item->command) {
        case IPC_SET: o->set = &item->set; break;
        case SETALL: o->values = values; break;
        case GETALL:
                r->values = values;
                if (values[nsems] != 0x5a5a)
                        r->odd |= WRITTEN_BEYOND;
                break;
        default:
                report = (struct stat_report){
                        REPORT_PERM(ds.sem_perm), .ctime = ds.sem_ctime,
                        .sem = {.nsems = ds.sem_nsems, .otime = ds.sem_otime}};
                r->stat = &report;
                break;
        }
}

static void make(struct world *w, const struct item *item, int object, struct operation *o, struct outcome *r)
{
        if (item->call == CALL_semget) {
                o->key = key_of(item->key);
                o->size = item->size;
                o->flags = item->flags;
                CALLED(r, semget(o->key, (int)item->size, item->flags));
                return;
        }
        o->id = identifier(w, item);
        if (item->call == CALL_semctl)
                control(w, item, object, o, r);
        else
                operate(item, o, r);
}

static struct contradiction contradicted_by_waiting(const struct item *item)
{
        return (struct contradiction){.requirement = item->entry[0].sem_op ? semop_eagain_dec : semop_eagain_zero,
                                      .what = "errno", .want = EAGAIN, .got = EINPROGRESS};
}

static void remove_object(struct world *w, int object)
{
        semctl(w->thing[number_of(&fuzz_sem)][object].id, 0, IPC_RMID);
}

/* ---- as a test ---- */

static void tell_report(const struct world *w, const struct item *item, const struct outcome *r, char *text,
                        size_t size)
{
        const bool stats = item->command == IPC_STAT || is_by_index(item);
        int length = 0;

        text[0] = '\0';
        if (item->call == CALL_semctl && stats) {
                report_common(r, text, size);
                length = (int)strlen(text);
                snprintf(text + length, size - (size_t)length, ", nsems %llu}", (unsigned long long)r->stat->sem.nsems);
        } else if (item->call == CALL_semctl && item->command == GETALL) {
                for (int i = 0; i < 8 && i < w->thing[item->family][w->record[w->position].object].size; i++)
                        length += snprintf(text + length, size - (size_t)length, " %d", values[i]);
        }
}

static void print_entries(FILE *out, const struct item *item)
{
        const int64_t count = item->size > 0 ? item->size : 1;

        fill_entries(item);
        for (int64_t i = 0; i < count; i++)
                fprintf(out, "%sOP(%d, %d, %s%s)", i ? ", " : "", entries[i].sem_num, entries[i].sem_op,
                        item->patient ? "0" : "IPC_NOWAIT", entries[i].sem_flg & SEM_UNDO ? " | SEM_UNDO" : "");
}

static void print_operate(FILE *out, const struct item *item, const struct record *record)
{
        const bool timed = item->call == CALL_semtimedop, plain = item->size > 0 && !item->bad_address;

        fprintf(out, plain ? timed ? "SEMTIMEDOP(" : "SEMOP(" : "%s(", call_names[item->call]);
        print_identifier(out, item, record);
        if (plain) {
                if (timed)
                        print_timeout(out, item);
                fputs(", ", out);
                print_entries(out, item);
        } else {
                if (item->bad_address) {
                        fputs(", bad_address()", out);
                } else {
                        fputs(", IPCK_OPS(", out);
                        print_entries(out, item);
                        fputs(")", out);
                }
                fprintf(out, item->size < 0 ? ", SIZE_MAX" : ", %lld", (long long)item->size);
                if (timed)
                        print_timeout(out, item);
        }
        fputs(")", out);
}

static void print_control(FILE *out, const struct item *item, const struct record *record)
{
        if (item->command == IPC_SET && !item->bad_address) {
                print_set(out, "ipc_set", item, record);
                fputs(")", out);
                return;
        }
        fputs("semctl(", out);
        print_target(out, item, record);
        fprintf(out, ", %d, ", item->semnum);
        print_command(out, item);
        switch (item->command) {
        case SETVAL: fprintf(out, ", ARG_VAL(%d)", (int)item->value); break;
        case GETALL:
        case SETALL:
        case IPC_STAT:
        case IPC_SET:
        case SEM_STAT:
        case SEM_STAT_ANY:
                if (item->bad_address) {
                        fputs(", ARG_BUF(bad_address())", out);
                } else if (item->command == SETALL) {
                        fputs(", ARG_ARRAY(((unsigned short[]){", out);
                        for (int i = 0; i < record->size || i == 0; i++)
                                fprintf(out, "%s%d", i ? ", " : "",
                                        (unsigned short)(i == item->semnum ? item->value : (item->value + i) & 3));
                        fputs("}))", out);
                } else if (item->command == GETALL) {
                        fprintf(out, ", ARG_ARRAY((unsigned short[%d]){0})", SEMS);
                } else {
                        fputs(", ARG_BUF(&(struct semid_ds){.sem_nsems = 0})", out);
                }
                break;
        default: break;
        }
        fputs(")", out);
}

static void print(FILE *out, const struct item *item, const struct record *record)
{
        if (item->call == CALL_semget)
                fprintf(out, "semget(%#x, %lld, %#o)", (unsigned)key_of(item->key), (long long)item->size,
                        (unsigned)item->flags);
        else if (item->call == CALL_semctl)
                print_control(out, item, record);
        else
                print_operate(out, item, record);
}

static bool print_member(FILE *out, const struct item *item, const struct record *record,
                         const struct contradiction *why)
{
        static const char *const members[] = {"nsems", "otime", "ctime", NULL};

        if (strcmp(why->what, "value") == 0) {
                fputs("VAL(", out);
                print_identifier(out, item, record);
                fprintf(out, ", %d)", why->at);
                return true;
        }
        return print_stat(out, item, record, why, "stat_of", "sem", members);
}

const struct family fuzz_sem = {
        .name = "sem", .model = &sem_model, .header = "ipck_sem.h", .declarations = "",
        .closes = NEVER_OPEN, .available = ipck_sem_available, .generate = generate, .find = find, .make = make,
        .report = tell_report, .goes_on = goes_on, .waits = contradicted_by_waiting, .remove = remove_object,
        .print = print, .print_member = print_member,
};
