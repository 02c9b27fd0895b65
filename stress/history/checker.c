/* SPDX-License-Identifier: MIT
 *
 * checker.c: the search for an order in which the model allows a history.
 */
#include <stdio.h>
#include <stdlib.h>

#include "search.h"

/* ---- memory that is kept ---- */

void *room_for(struct room *room, size_t size)
{
        if (size > room->size) {
                room->size = size + size / 2;
                room->memory = realloc(room->memory, room->size);
                if (!room->memory) {
                        fputs("ipck-stress: out of memory\n", stderr);
                        exit(2);
                }
        }
        return room->memory;
}

/* ---- the instants of a history ---- */

/* Calls before returns where both have the same time: that they do not overlap is not known. */
static bool earlier(uint64_t time, bool returns, uint64_t other, bool other_returns)
{
        return time < other || (time == other && returns < other_returns);
}

/* The first event from there on that is part of the history. */
static size_t part_from(const struct history *h, size_t event, size_t end)
{
        while (event < end && h->events[event].gone)
                event++;
        return event;
}

static void order_instants(struct search *s)
{
        const struct history *const h = s->history;
        size_t workers = 0;
        struct {
                uint64_t time;
                size_t event, end;
                bool returns;
        } head[HISTORY_WORKERS];

        s->line = room_for(&s->line_room, (2 * h->count + 1) * sizeof(*s->line));
        for (size_t i = 0, end; i < h->count; i = end) {
                for (end = i + 1; end < h->count && h->events[end].worker == h->events[i].worker;)
                        end++;
                const size_t event = part_from(h, i, end);
                if (event == end)
                        continue;
                head[workers].time = h->events[event].called;
                head[workers].event = event;
                head[workers].end = end;
                head[workers++].returns = false;
        }
        for (s->instants = 0; workers > 0; s->instants++) {
                size_t w = 0;
                for (size_t other = 1; other < workers; other++)
                        if (earlier(head[other].time, head[other].returns, head[w].time, head[w].returns))
                                w = other;
                const struct event *const e = &h->events[head[w].event];
                const bool returned = head[w].returns;
                s->line[s->instants] = (struct instant){.event = (uint32_t)head[w].event, .returns = returned};
                if (returned)
                        head[w].event = part_from(h, head[w].event + 1, head[w].end);
                head[w].returns = !returned;
                if ((!returned && e->returned == NEVER) || head[w].event == head[w].end)
                        head[w] = head[--workers];
                else
                        head[w].time = returned ? h->events[head[w].event].called : e->returned;
        }
}

/* ---- moving along them ---- */

static uint64_t bit(unsigned worker)
{
        return UINT64_C(1) << worker;
}

void pass(struct search *s)
{
        const struct instant *const i = &s->line[s->at++];
        const unsigned worker = s->history->events[i->event].worker;

        s->opened ^= bit(worker);
        s->open[worker] = i->event;
}

void go_back(struct search *s, size_t at)
{
        while (s->at > at) {
                const struct instant *const i = &s->line[--s->at];
                const unsigned worker = s->history->events[i->event].worker;
                s->opened ^= bit(worker);
                s->open[worker] = i->event;
        }
}

static const struct event *open_event(const struct search *s, unsigned worker)
{
        return &s->history->events[s->open[worker]];
}

/* ---- one operation in the order ---- */

static unsigned take_lowest(uint64_t *workers)
{
        const unsigned worker = (unsigned)__builtin_ctzll(*workers);

        *workers &= *workers - 1;
        return worker;
}

/* Whether a message that another open operation sends must have been sent before. */
static bool overtakes(const struct search *s, const struct place *p, const struct event *e)
{
        uint64_t others = s->opened & ~p->done & ~bit(e->worker);

        while (others) {
                const struct event *const other = open_event(s, take_lowest(&others));
                if (other->lane && other->received[1] < e->received[0] &&
                    (other->lane == e->lane || other->received_first))
                        return true;
        }
        return false;
}

/* Whether one that waits has to go on before: it could, or it began to wait before an equal one. */
static bool sleeper_first(const struct search *s, const struct place *p, const struct event *e,
                          struct contradiction *why)
{
        const struct history *const h = s->history;
        uint64_t others = s->rules == 0 ? 0 : s->opened & ~p->done & ~bit(e->worker);

        while (others) {
                const struct event *const z = open_event(s, take_lowest(&others));
                if (!z->asleep || z->asleep >= e->called || z->optional)
                        continue;
                const bool succeeds = z->returned != NEVER && !z->outcome.error;
                if ((s->rules & IN_ORDER) && succeeds && e->asleep && !e->outcome.error && z->queue &&
                    z->queue == e->queue) {
                        *why = (struct contradiction){.requirement = e->order, .what = "place in the order of waiting"};
                        return true;
                }
                if ((s->rules & PROMPT) && succeeds && e->never_waits &&
                    h->model->enabled(p->state, &z->operation)) {
                        *why = (struct contradiction){.requirement = h->promptness, .what = "one that waited"};
                        return true;
                }
        }
        return false;
}

/* Notes a rule that was broken, as late in the history as possible. */
static void note_broken_rule(struct search *s, const struct event *e, const struct contradiction *why)
{
        if (s->broken.at && s->at <= s->broken.at)
                return;
        s->broken.at = s->at;
        s->broken.event = (size_t)(e - s->history->events);
        s->broken.why = *why;
}

static int put_next(struct search *s, const struct place *p, const struct event *e, struct contradiction *why)
{
        const struct history *const h = s->history;

        if (e->impossible)
                return *why = *e->impossible, 0;
        if (s->lanes && e->lane && overtakes(s, p, e))
                return 0;
        if (sleeper_first(s, p, e, why)) {
                note_broken_rule(s, e, why);
                return 0;
        }
        return h->model->step(p->state, h->limits, &e->operation, &e->outcome, s->next, why);
}

void put_if_it_changes_nothing(struct search *s, struct place *p, const struct event *e)
{
        struct contradiction why;

        const bool waits = e->returned == NEVER && !e->optional && s->history->at_rest;

        if (e->reads && !waits && put_next(s, p, e, &why) && states_equal(s->history->model, s->next[0], p->state))
                p->done |= bit(e->worker);
}

/* Puts all that changes nothing. */
static void put_readers(struct search *s, struct place *p)
{
        uint64_t others = s->opened & ~p->done;

        while (others) {
                put_if_it_changes_nothing(s, p, open_event(s, take_lowest(&others)));
        }
}

static void follow(struct search *s, const struct place *p, const struct event *e, int alternative, struct place *to)
{
        to->at = p->at;
        to->choice = 0;
        to->done = p->done | bit(e->worker) | (e->ends & s->opened);
        copy_state(s->history->model, to->state, s->next[alternative]);
        put_readers(s, to);
}

/* .. once the optional operation that returns now has had no effect. */
static void follow_without(struct search *s, const struct place *p, struct place *to)
{
        to->at = p->at;
        to->choice = 0;
        to->done = p->done | bit(s->history->events[s->line[s->at].event].worker);
        copy_state(s->history->model, to->state, p->state);
}

bool put_and_follow(struct search *s, const struct place *p, const struct event *e, int alternative, struct place *to,
                    int *alternatives, struct contradiction *why)
{
        *alternatives = e ? put_next(s, p, e, why) : 1;
        if (alternative >= *alternatives)
                return false;
        if (e)
                follow(s, p, e, alternative, to);
        else
                follow_without(s, p, to);
        return true;
}

bool advance(struct search *s, struct place *p, size_t end)
{
        while (s->at < end) {
                const struct event *const e = &s->history->events[s->line[s->at].event];
                if (!s->line[s->at].returns) {
                        pass(s);
                        put_if_it_changes_nothing(s, p, e);
                } else if (p->done & bit(e->worker)) {
                        p->done &= ~bit(e->worker);
                        pass(s);
                } else {
                        break;
                }
        }
        p->at = (uint32_t)s->at;
        return s->at == end;
}

/* ---- choices ---- */

static bool anybody_sleeps(const struct search *s, uint64_t undone)
{
        while (undone)
                if (open_event(s, take_lowest(&undone))->asleep)
                        return true;
        return false;
}

/* Of operations that can be exchanged, the one that returns first comes first. Where the rules about those who wait
 * hold, it matters when one was called: then none can be. */
static bool another_comes_first(const struct search *s, uint64_t undone, const struct event *e)
{
        if (!e->class || e->asleep || (s->rules && anybody_sleeps(s, undone)))
                return false;
        while (undone) {
                const struct event *const other = open_event(s, take_lowest(&undone));
                if (other != e && other->class == e->class && other->optional == e->optional &&
                    (other->returned < e->returned || (other->returned == e->returned && other < e)))
                        return true;
        }
        return false;
}

size_t choices(const struct search *s, const struct place *p, const struct event *list[HISTORY_WORKERS])
{
        const struct event *const returning = &s->history->events[s->line[s->at].event];
        const uint64_t undone = s->opened & ~p->done;
        uint64_t others = returning->optional ? undone : undone & ~bit(returning->worker);
        size_t count = 0;

        list[count++] = returning->optional ? NULL : returning;
        while (others) {
                const struct event *const e = open_event(s, take_lowest(&others));
                if ((e->returned == NEVER && !e->optional && s->history->at_rest) || another_comes_first(s, undone, e))
                        continue;
                size_t at = count++;
                for (; at > 1 && list[at - 1]->returned > e->returned; at--)
                        list[at] = list[at - 1];
                list[at] = e;
        }
        return count;
}

/* ---- places that lead nowhere ---- */

uint64_t hash_of_place(const struct search *s, const struct place *p)
{
        uint64_t hash = state_hash(s->history->model, p->state);

        hash = (hash ^ p->done) * UINT64_C(0x9fb21c651e98df25);
        hash = (hash ^ hash >> 29 ^ p->at) * UINT64_C(0xff51afd7ed558ccd);
        return (hash ^ hash >> 32) | 1;
}

static bool leads_nowhere(const struct search *s, uint64_t hash)
{
        for (size_t at = hash & (s->dead_slots - 1); s->dead[at]; at = (at + 1) & (s->dead_slots - 1))
                if (s->dead[at] == hash)
                        return true;
        return false;
}

static void insert(uint64_t *dead, size_t slots, uint64_t hash)
{
        size_t at = hash & (slots - 1);

        while (dead[at])
                at = (at + 1) & (slots - 1);
        dead[at] = hash;
}

static void remember(struct search *s, uint64_t hash)
{
        if (2 * (s->dead_count + 1) > s->dead_slots) {
                const size_t slots = s->dead_slots ? 2 * s->dead_slots : 1024;
                uint64_t *const dead = calloc(slots, sizeof(*dead));
                if (!dead) {
                        fputs("ipck-stress: out of memory\n", stderr);
                        exit(2);
                }
                for (size_t i = 0; i < s->dead_slots; i++)
                        if (s->dead[i])
                                insert(dead, slots, s->dead[i]);
                free(s->dead);
                s->dead = dead;
                s->dead_slots = slots;
        }
        insert(s->dead, s->dead_slots, hash);
        s->dead_count++;
}

/* ---- the search ---- */

static struct place *place(const struct search *s, size_t depth)
{
        return (struct place *)((char *)s->places_room.memory + depth * s->stride);
}

/* Whether whoever has not returned waits for good reason. */
static bool rests(struct search *s, const struct place *p, struct judgment *judgment)
{
        uint64_t waiting = s->history->at_rest ? s->opened & ~p->done : 0;

        while (waiting) {
                const struct event *const e = open_event(s, take_lowest(&waiting));
                if (e->optional || !(e->hurries || s->history->model->enabled(p->state, &e->operation)))
                        continue;
                if (!judgment->in_vain)
                        judgment->event = (size_t)(e - s->history->events);
                judgment->in_vain = true;
                return false;
        }
        return true;
}

void begin_search(struct search *s, const struct history *history, bool lanes)
{
        const size_t align = _Alignof(struct place);

        s->history = history;
        s->lanes = lanes;
        s->rules = IN_ORDER | (history->prompt ? PROMPT : 0);
        s->broken.at = 0;
        s->stride = (sizeof(struct place) + history->model->most + align - 1) / align * align;
        s->next[0] = room_for(&s->next_room[0], history->model->most);
        s->next[1] = room_for(&s->next_room[1], history->model->most);
        s->at = s->opened = s->dead_count = 0;
        if (s->dead_slots)
                memset(s->dead, 0, s->dead_slots * sizeof(*s->dead));
        order_instants(s);
}

static struct judgment find_order(struct search *s, uint64_t most)
{
        struct judgment judgment = {.finding = VIOLATED};
        const struct event *list[HISTORY_WORKERS];
        size_t depth = 0, deepest = 0;

        room_for(&s->places_room, (s->history->count + 2) * s->stride);
        struct place *p = place(s, 0);
        p->at = p->choice = 0;
        p->done = 0;
        copy_state(s->history->model, p->state, s->history->initial);
        for (;;) {
                p = place(s, depth);
                if (p->choice == 0) {
                        if (++judgment.places > most)
                                return judgment.finding = UNDECIDED, judgment;
                        if (advance(s, p, s->instants)) {
                                if (rests(s, p, &judgment))
                                        return judgment.finding = LINEARIZABLE, judgment;
                                deepest = s->instants;
                                p->choice = UINT32_MAX;
                        } else if (s->dead_count && leads_nowhere(s, hash_of_place(s, p))) {
                                p->choice = UINT32_MAX;
                        }
                }
                bool went_on = false, listed = false;
                size_t count = p->choice == UINT32_MAX ? 0 : 1;
                if (count) {
                        const struct event *const e = &s->history->events[s->line[s->at].event];
                        list[0] = e->optional ? NULL : e;
                }
                while (!went_on && (p->choice / 2 < count || (count == 1 && !listed))) {
                        if (p->choice >= 2 && !listed) {        /* seldom: the one that returns can mostly be next */
                                count = choices(s, p, list);
                                listed = true;
                                continue;
                        }
                        struct contradiction why = {0};
                        int alternatives;
                        went_on = put_and_follow(s, p, list[p->choice / 2], (int)(p->choice % 2), place(s, depth + 1),
                                                 &alternatives, &why);
                        if (p->choice == 0 && !went_on && s->at >= deepest && !judgment.in_vain) {
                                if (s->at > deepest || judgment.why.what == NULL) {
                                        judgment.why = why;
                                        judgment.event = s->line[s->at].event;
                                }
                                deepest = s->at;
                        }
                        p->choice += p->choice % 2 || alternatives > 1 ? 1 : 2;
                }
                if (went_on) {
                        depth++;
                } else {
                        if (p->choice != UINT32_MAX)
                                remember(s, hash_of_place(s, p));
                        if (depth-- == 0)
                                return judgment;
                        go_back(s, place(s, depth)->at);
                }
        }
}

/* Whether the history is good but for one of the rules about those who wait; then it is that one. */
static bool breaks_rule(struct search *s, const struct history *history, struct judgment *judgment, uint64_t most)
{
        for (unsigned rule = IN_ORDER; rule <= PROMPT; rule <<= 1) {
                begin_search(s, history, true);
                s->rules &= ~rule;
                if (find_order(s, most).finding != LINEARIZABLE)
                        continue;
                begin_search(s, history, true);
                s->rules &= rule;
                find_order(s, most);
                if (!s->broken.at)
                        continue;
                judgment->in_vain = false;
                judgment->why = s->broken.why;
                judgment->event = s->broken.event;
                return true;
        }
        return false;
}

struct judgment check_history(const struct history *history, uint64_t most)
{
        static struct search s;

        begin_search(&s, history, true);
        struct judgment judgment = find_order(&s, most);
        if (judgment.finding != VIOLATED || breaks_rule(&s, history, &judgment, most))
                return judgment;
        begin_search(&s, history, false);       /* which operation it is, is clearer without that short cut */
        const struct judgment clearer = find_order(&s, most);
        return clearer.finding == UNDECIDED ? judgment : clearer;
}
