/* SPDX-License-Identifier: MIT
 *
 * shm.c: calls on System V shared memory segments.
 */
#include <sys/shm.h>

#include "fuzz.h"

void ipck_shm_available(void);

#define UNALIGNED ((void *)0x12345)

static int64_t draw_size(struct random *random)
{
        static const int sizes[] = {4096, 1, 5000, 65536, 4097, 0, -1};

        return sizes[weighted(random, 60, 20, 20, 10, 20, 6, WIDE ? 4 : 0)];
}

static void generate(struct random *random, struct item *item)
{
        static const int commands[] = {IPC_STAT, IPC_SET, IPC_RMID, SHM_STAT, SHM_STAT_ANY, SHM_LOCK, SHM_UNLOCK, 99,
                                       -1, 0x200 + IPC_STAT};

        item->which = (uint8_t)draw_which(random);
        item->object = (uint8_t)draw(random, OBJECTS);
        item->handle = (uint8_t)draw(random, HANDLES);
        switch (weighted(random, 60, 60, 70, 14)) {
        case 0:
                item->call = CALL_shmat;
                item->text = draw(random, 1 << 30);
                item->flags = one_in(random, 3) ? SHM_RDONLY : 0;
                if (one_in(random, 16))
                        item->flags |= SHM_EXEC;
                if (one_in(random, 32))
                        item->flags |= SHM_REMAP;
                item->bad_address = one_in(random, 32);
                break;
        case 1:
                item->call = CALL_shmdt;
                item->bad_address = one_in(random, 16);
                break;
        case 2:
                item->call = CALL_shmctl;
                item->command = commands[weighted(random, 80, 16, 10, 12, 8, 6, 6, 1, 1, 1)];
                item->set = draw_setting(random);
                item->again = one_in(random, 4);
                item->bad_address = WIDE && one_in(random, 32);
                break;
        default:
                item->call = CALL_shmget;
                item->key = (uint8_t)draw(random, KEYS);
                item->size = draw_size(random);
                item->flags = draw_get_flags(random);
                break;
        }
}

static int find(const struct world *w, const struct item *item)
{
        const int place = open_handle(w, item);

        if (item->call == CALL_shmat && free_handle(w, item) == -1)
                return NO_OBJECT;
        if (item->call != CALL_shmdt)
                return find_sysv(w, item);
        return place != -1         ? w->handle[item->family][item->process][place].object
               : item->bad_address ? item->object
                                   : NO_OBJECT;
}

/* ---- calling ---- */

static bool points(const struct item *item)
{
        return item->command != IPC_RMID && item->command != SHM_LOCK && item->command != SHM_UNLOCK;
}

static struct handle *handle_of(struct world *w, const struct item *item)
{
        return &w->handle[item->family][item->process][w->record[w->position].place];
}

static void attach(struct world *w, const struct item *item, struct operation *o, struct outcome *r)
{
        o->flags = item->flags;
        o->text = item->text;
        o->bad_address = item->bad_address;
        errno = 0;
        uint32_t *const memory = shmat(o->id, item->bad_address ? UNALIGNED : NULL, item->flags);
        if (memory == (void *)-1) {
                r->value = -1;
                r->error = errno;
                return;
        }
        r->text = *memory;
        if (!(item->flags & SHM_RDONLY))
                *memory = item->text;
        handle_of(w, item)->value = (intptr_t)memory;
}

static void detach(struct world *w, const struct item *item, struct operation *o, struct outcome *r)
{
        char *const start = w->record[w->position].place == -1 ? NULL : (char *)handle_of(w, item)->value;

        o->bad_address = item->bad_address;
        CALLED(r, shmdt(!item->bad_address ? start : start ? start + 1 : UNALIGNED));
}

static void control(const struct item *item, struct operation *o, struct outcome *r)
{
        static struct shmid_ds ds;
        static struct stat_report report;

        o->command = item->command;
        o->set = &item->set;
        o->bad_address = item->bad_address && points(item);
        if (is_by_index(item) && o->id >= 0)
                o->id %= INDEXES;
        FILL_DS(ds, shm_perm, item);
        CALLED(r, shmctl(o->id, item->command, o->bad_address ? bad_address() : &ds));
        report = (struct stat_report){
                REPORT_PERM(ds.shm_perm), .ctime = ds.shm_ctime,
                .shm = {.size = ds.shm_segsz, .nattch = ds.shm_nattch, .cpid = ds.shm_cpid, .lpid = ds.shm_lpid,
                        .atime = ds.shm_atime, .dtime = ds.shm_dtime}};
        r->stat = &report;
}

static void make(struct world *w, const struct item *item, int object, struct operation *o, struct outcome *r)
{
        (void)object;
        if (item->call == CALL_shmget) {
                o->key = key_of(item->key);
                o->size = item->size;
                o->flags = item->flags;
                CALLED(r, shmget(o->key, (size_t)item->size, item->flags));
                return;
        }
        if (item->call == CALL_shmdt) {
                detach(w, item, o, r);
                return;
        }
        o->id = identifier(w, item);
        if (item->call == CALL_shmat)
                attach(w, item, o, r);
        else
                control(item, o, r);
}

/* ---- what follows ---- */

static struct contradiction contradicted_by_waiting(const struct item *item)
{
        const enum ipck_requirement rules[] = {shmget_ret_nonneg, shmat_ret_address, shmdt_ret_zero, shmctl_ret_zero};

        return (struct contradiction){.requirement = rules[item->call - CALL_shmget], .what = "errno",
                                      .got = EINPROGRESS};
}

static void remove_object(struct world *w, int object)
{
        shmctl(w->thing[number_of(&fuzz_shm)][object].id, IPC_RMID, NULL);
}

/* ---- as a test ---- */

static void tell_report(const struct world *w, const struct item *item, const struct outcome *r, char *text,
                        size_t size)
{
        const bool stats = item->command == IPC_STAT || is_by_index(item);

        text[0] = '\0';
        if (item->call == CALL_shmat)
                snprintf(text, size, " {first bytes %u}", r->text);
        if (item->call != CALL_shmctl || !stats)
                return;
        report_common(r, text, size);
        const size_t length = strlen(text);
        snprintf(text + length, size - length, ", segsz %llu, nattch %llu, cpid %d, lpid %d}",
                 (unsigned long long)r->stat->shm.size,
                 (unsigned long long)r->stat->shm.nattch, process_of(w, r->stat->shm.cpid),
                         process_of(w, r->stat->shm.lpid));
}

static void print_control(FILE *out, const struct item *item, const struct record *record)
{
        if (item->command == IPC_SET && !item->bad_address) {
                print_set(out, "segment_set", item, record);
                fputs(")", out);
                return;
        }
        fputs("shmctl(", out);
        print_target(out, item, record);
        fputs(", ", out);
        print_command(out, item);
        fprintf(out, ", %s)", !points(item) ? "NULL" : item->bad_address ? "bad_address()"
                                                                         : "&(struct shmid_ds){.shm_segsz = 0}");
}

static void print(FILE *out, const struct item *item, const struct record *record)
{
        switch (item->call) {
        case CALL_shmget:
                fprintf(out, item->size == -1 ? "shmget(%#x, SIZE_MAX, %.0lld%#o)" : "shmget(%#x, %lld, %#o)",
                        (unsigned)key_of(item->key), item->size == -1 ? 0LL : (long long)item->size,
                                (unsigned)item->flags);
                break;
        case CALL_shmat:
                fputs("shmat(", out);
                print_identifier(out, item, record);
                fprintf(out, ", %s, 0%s%s%s)", item->bad_address ? "(void *)0x12345" : "NULL",
                        item->flags & SHM_RDONLY ? " | SHM_RDONLY" : "", item->flags & SHM_EXEC ? " | SHM_EXEC" : "",
                        item->flags & SHM_REMAP ? " | SHM_REMAP" : "");
                break;
        case CALL_shmdt:
                if (record->place == -1)
                        fputs("shmdt((void *)0x12345)", out);
                else
                        fprintf(out, "shmdt((char *)open_in[%d][%d]%s)", item->process, record->place,
                                item->bad_address ? " + 1" : "");
                break;
        default: print_control(out, item, record); break;
        }
}

static bool print_member(FILE *out, const struct item *item, const struct record *record,
                         const struct contradiction *why)
{
        static const char *const members[] = {"segsz", "nattch", "cpid", "lpid", "atime", "dtime", "ctime", NULL};

        if (strcmp(why->what, "first bytes") == 0) {
                fprintf(out, "*(int *)");
                print(out, item, record);
                return true;
        }
        return print_stat(out, item, record, why, "stat_of_segment", "shm", members);
}

const struct family fuzz_shm = {
        .name = "shm", .model = &shm_model, .header = "ipck_shm.h",
        .declarations = "        void *(*const open_in)[8] = shared(4 * sizeof(*open_in));\n",
        .closes = CALL_shmdt, .available = ipck_shm_available, .generate = generate, .find = find, .make = make,
        .report = tell_report, .waits = contradicted_by_waiting, .remove = remove_object, .print = print,
        .print_member = print_member,
};
