/* SPDX-License-Identifier: MIT
 *
 * judge.c: what states objects may be in, and whether an outcome is allowed.
 */
#include <sys/ipc.h>

#include "fuzz.h"

int64_t coarse_seconds(void)
{
        struct timespec t;

        clock_gettime(CLOCK_REALTIME_COARSE, &t);
        return t.tv_sec;
}

/* ---- judging ---- */

static bool contradiction(struct world *w)
{
        w->contradicted = true;
        return false;
}

/* Puts the states that follow from all that were possible in their place; false where there are none. */
static bool step(struct world *w, int family, struct thing *thing, const struct operation *o, const struct outcome *r)
{
        const struct model *const model = families[family]->model;
        int next = 0;

        for (int i = 0; i < thing->possible; i++)
                next += model->step(thing->state[i], &w->limits, o, r, &thing->spare[next], &w->why);
        if (!next)
                return contradiction(w);
        for (int i = 0; i < next; i++)
                for (int k = i + 1; k < next; k++)
                        if (states_equal(model, thing->spare[i], thing->spare[k])) {
                                void *const same = thing->spare[k];
                                thing->spare[k--] = thing->spare[--next];
                                thing->spare[next] = same;
                        }
        if (next > POSSIBLE) {
                w->lost = true;
                return false;
        }
        for (int i = 0; i < next; i++) {
                void *const before = thing->state[i];
                thing->state[i] = thing->spare[i];
                thing->spare[i] = before;
        }
        thing->possible = next;
        return true;
}

/* What differs between two right implementations, by the number of what it stands for. */
int process_of(const struct world *w, int pid)
{
        for (int p = 0; p < PROCESSES; p++)
                if (pid > 1 && w->actor[p].pid == pid)
                        return p;
        return pid;
}

void report_common(const struct outcome *r, char *text, size_t size)
{
        const struct stat_report *const stat = r->stat;

        snprintf(text, size, " {uid %d, gid %d, cuid %d, cgid %d, mode %#o, key %#x", (int)stat->uid, (int)stat->gid,
                 (int)stat->cuid, (int)stat->cgid, stat->mode, (unsigned)stat->key);
}

static void trace_item(const struct world *w, const struct item *item, int object, struct operation o, struct outcome r)
{
        const struct thing *const thing = &w->thing[item->family][object];
        char call[1024], text[1100], outcome[512], report[256] = "";
        const bool by_id = r.value >= 0 && (is_get(item) || r.value == thing->id);

        o.id = item->which == CURRENT ? object : -(int)item->which;
        if (by_id)
                r.value = object;
        else if (item->call == CALL_semctl && item->command == GETPID)
                r.value = process_of(w, r.value);
        else if (item->call == CALL_mq_open && r.value >= 0)
                r.value = object;
        describe_operation(&o, call, sizeof(call));
        snprintf(text, sizeof(text), "process %d: %s", item->process, call);
        describe_outcome(&o, &r, outcome, sizeof(outcome) - sizeof(report));
        if (r.value >= 0)
                families[item->family]->report(w, item, &r, report, sizeof(report));
        strcat(outcome, report);
        trace(text, outcome);
}

/* Whether the identifier of a new object is no other one's, and was not that of a removed one. */
static bool is_new(struct world *w, const struct item *item, int object, const struct outcome *r)
{
        const struct thing *const things = w->thing[item->family];

        if (!is_get(item) || things[object].used || r->value < 0)
                return true;
        for (int i = 0; i < OBJECTS; i++) {
                const bool exists = things[i].used && things[i].id == r->value;
                if (!exists && things[i].removed != r->value)
                        continue;
                w->why = (struct contradiction){
                        .requirement = exists ? xsi_ipc_id_unique_per_mechanism : xsi_ipc_id_seq_reuse,
                        .what = "identifier, which is another one's", .got = r->value};
                return contradiction(w);
        }
        return true;
}

bool carry_out(struct world *w, struct item *item)
{
        const struct family *const family = families[item->family];
        const int object = family->find(w, item);
        struct operation o = {.call = item->call, .actor = &w->actor[item->process], .number = (unsigned)w->position};
        struct outcome r = {.blocked = false};

        w->record[w->position].object = object;
        if (object == NO_OBJECT)
                return true;
        w->record[w->position].named = named_object(w, item);
        w->record[w->position].size = (int)w->thing[item->family][object].size;
        w->record[w->position].place = is_open(item) ? free_handle(w, item) : open_handle(w, item);
        struct thing *const thing = &w->thing[item->family][object];
        const bool sets = is_control(item) && item->command == IPC_SET;
        item->patient = item->patient && w->judged && family->goes_on && family->goes_on(w, item, object);
        if (item->again && thing->set.mode)
                item->set = thing->set;
        family->make(w, item, object, &o, &r);
        if (sets && r.value == 0)
                thing->set = item->set;
        w->record[w->position].value = r.value;
        w->record[w->position].error = r.error;
        w->done++;
        if (w->traced)
                trace_item(w, item, object, o, r);
        if (w->judged) {
                w->limits.room = count_objects(w, item->family) < w->most_objects[item->family];
                r.from = w->clock;
                r.to = w->clock = coarse_seconds();
                if (!step(w, item->family, &w->thing[item->family][object], &o, &r) || !is_new(w, item, object, &r)) {
                        describe_outcome(&o, &r, w->outcome, sizeof(w->outcome));
                        return false;
                }
        }
        note(w, item, object, &o, &r);
        return true;
}

bool judge_end(struct world *w, int process)
{
        const struct operation o = {.call = CALL_exit, .actor = &w->actor[process]};
        struct outcome r = {.from = w->clock, .to = coarse_seconds()};

        w->clock = r.to;
        for (int f = 0; f < FAMILIES; f++)
                for (int i = 0; w->judged && i < OBJECTS; i++)
                        if (w->thing[f][i].used && !step(w, f, &w->thing[f][i], &o, &r))
                                return false;
        return true;
}

bool judge_hang(struct world *w, const struct item *item, int status)
{
        w->why = families[item->family]->waits(item);
        if (status == STILL_ALIVE) {
                snprintf(w->outcome, sizeof(w->outcome), "waits");
        } else {
                w->why.what = "wait status of the process that called";
                w->why.want = 0;
                w->why.got = status;
                snprintf(w->outcome, sizeof(w->outcome), "ended the process with wait status %#x", (unsigned)status);
        }
        return contradiction(w);
}

/* ---- texts ---- */

static unsigned char text_byte(uint32_t n, int64_t i)
{
        return (unsigned char)(i < 4 ? n >> 8 * i : n * 31 + (uint32_t)i * 7 + (uint32_t)(i >> 8));
}

void fill_text(unsigned char *text, int64_t size, uint32_t n)
{
        for (int64_t i = 0; i < size; i++)
                text[i] = text_byte(n, i);
}

uint32_t read_text(const unsigned char *text, int64_t size, bool *garbled)
{
        uint32_t n = 0;

        for (int i = 0; i < 4 && i < size; i++)
                n |= (uint32_t)text[i] << 8 * i;
        *garbled = false;
        for (int64_t i = 4; i < size; i++)
                *garbled |= text[i] != text_byte(n, i);
        return n;
}

/* ---- drawing ---- */

unsigned weighted_from(struct random *random, const unsigned char *weights)
{
        unsigned sum = 0, i = 0;

        for (const unsigned char *w = weights; *w; w++)
                sum += *w;
        for (unsigned left = draw(random, sum); left >= weights[i]; i++)
                left -= weights[i];
        return i;
}

enum which draw_which(struct random *random)
{
        return weighted(random, 240, 8, 3, 2, 1, 1, 1);
}

struct setting draw_setting(struct random *random)
{
        static const uid_t uids[] = {USER_A, USER_B, USER_C, 0, USER_A, USER_B, USER_C, USER_A};
        static const gid_t gids[] = {GROUP_A, GROUP_B, GROUP_C, GROUP_B, 0, GROUP_A, GROUP_B, GROUP_C};
        static const unsigned modes[] = {0600, 0660, 0666, 0606, 0644, 0622, 0066, 0000, 0400, 0200, 0777, 0440, 0020,
                                         07600, 0700, 0666};

        struct setting set = {.uid = uids[draw(random, 8)], .gid = gids[draw(random, 8)],
                              .mode = modes[draw(random, 16)]};

        if (one_in(random, 16))
                set.uid = (uid_t)-1;
        else if (one_in(random, 16))
                set.gid = (gid_t)-1;
        return set;
}

void draw_until(struct random *random, struct item *item)
{
        item->until = (uint8_t)weighted(random, 40, 25, 20, 4, 4, 4, 3);
}

const struct timespec *timeout_of(const struct item *item)
{
        static const struct timespec timeouts[UNTILS] = {
                [AT_ONCE] = {0, 0}, [LATER] = {1, 5}, [NEGATIVE_SECONDS] = {-1, 0}, [NEGATIVE_NANOSECONDS] = {0, -1},
                [TOO_MANY_NANOSECONDS] = {0, 1000000000}, [BAD_TIMEOUT] = {0, 0},
        };

        return item->until == NO_TIMEOUT ? NULL : &timeouts[item->until];
}

int number_of(const struct family *family)
{
        int n = 0;

        while (families[n] != family)
                n++;
        return n;
}
