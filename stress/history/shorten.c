/* SPDX-License-Identifier: MIT
 *
 * shorten.c: what of a history with a violation is needed to see it.
 *
 * What comes after the violation goes. What comes before the last moment at which the object can have been in one state
 * only is replaced by that state. Of the rest, operations are hidden that may have taken effect or not, all of them, and
 * the others contradict each other all the same.
 */
#include "search.h"

enum { MOST_STATES = 2048, BUDGETS = 16 };

/* Places at the same instant, no two alike. */
struct set {
        size_t count;
        uint64_t hashes[MOST_STATES];
        struct room room;
};

static struct place *member(const struct search *s, const struct set *set, size_t i)
{
        return (struct place *)((char *)set->room.memory + i * s->stride);
}

static bool add(const struct search *s, struct set *set, const struct place *p)
{
        const uint64_t hash = hash_of_place(s, p);

        for (size_t i = 0; i < set->count; i++)
                if (set->hashes[i] == hash)
                        return true;
        if (set->count == MOST_STATES)
                return false;
        room_for(&set->room, MOST_STATES * s->stride);
        memcpy(member(s, set, set->count), p, s->stride);
        set->hashes[set->count++] = hash;
        return true;
}

/* All places in which the operation that returns now stands in the order, from one in which it does not. */
static bool add_all_orders(struct search *s, const struct place *from, struct set *work, struct set *to)
{
        const unsigned worker = s->history->events[s->line[s->at].event].worker;
        static struct room room;
        struct place *const next = room_for(&room, s->stride);

        memset(next, 0, s->stride);
        work->count = 0;
        add(s, work, from);
        for (size_t i = 0; i < work->count; i++) {
                const struct event *list[HISTORY_WORKERS];
                const size_t count = choices(s, member(s, work, i), list);
                for (size_t k = 0; k < count; k++) {
                        struct contradiction why;
                        int all;
                        for (int a = 0; put_and_follow(s, member(s, work, i), list[k], a, next, &all, &why); a++) {
                                const bool through = next->done >> worker & 1;
                                if (through)
                                        next->done &= ~(UINT64_C(1) << worker);
                                if (!add(s, through ? to : work, next))
                                        return false;
                        }
                }
        }
        return true;
}

/* From all places before the next instant to all behind it; false where there are too many. */
static bool step_all(struct search *s, const struct set *from, struct set *work, struct set *to)
{
        const struct instant instant = s->line[s->at];
        const struct event *const e = &s->history->events[instant.event];
        const uint64_t own = UINT64_C(1) << e->worker;

        to->count = 0;
        if (!instant.returns)
                pass(s);
        for (size_t i = 0; i < from->count; i++) {
                struct place *const p = member(s, from, i);
                if (!instant.returns) {
                        p->at = (uint32_t)s->at;
                        put_if_it_changes_nothing(s, p, e);
                        if (!add(s, to, p))
                                return false;
                } else if (p->done & own) {
                        p->done &= ~own;
                        if (!add(s, to, p))
                                return false;
                } else if (!add_all_orders(s, p, work, to)) {
                        return false;
                }
        }
        if (instant.returns)
                pass(s);
        for (size_t i = 0; i < to->count; i++)
                member(s, to, i)->at = (uint32_t)s->at;
        return true;
}

static bool still_violated(const struct history *history, struct judgment *judgment, uint64_t *most)
{
        const struct judgment now = check_history(history, *most / BUDGETS + 1);

        *most -= now.places < *most ? now.places : *most;
        if (now.finding != VIOLATED)
                return false;
        *judgment = now;
        return true;
}

/* What was called after the failing operation returned cannot have to do with it. */
static void cut_the_end(struct history *history, const struct judgment *judgment)
{
        const uint64_t end = history->events[judgment->event].returned;

        if (judgment->in_vain)
                return;
        for (size_t i = 0; i < history->count; i++) {
                struct event *const e = &history->events[i];
                e->gone |= e->called > end;
                e->optional |= i != judgment->event && e->returned > end;
        }
        history->at_rest = false;
}

/* Replaces what comes before the last moment with one possible state by that state. */
static void cut_the_beginning(struct history *history, void *initial)
{
        static struct search s;
        static struct set sets[3];
        static struct room room;
        struct set *from = &sets[0], *to = &sets[1];

        begin_search(&s, history, false);
        struct place *const only = room_for(&room, s.stride);
        memset(only, 0, s.stride);
        copy_state(history->model, only->state, history->initial);
        from->count = 0;
        add(&s, from, only);
        for (size_t i = 0; i < s.instants && step_all(&s, from, &sets[2], to) && to->count; i++) {
                struct set *const other = from;
                from = to;
                to = other;
                if (from->count == 1)
                        memcpy(only, member(&s, from, 0), s.stride);
        }
        for (size_t i = 0; i < only->at; i++) {
                struct event *const e = &history->events[s.line[i].event];
                e->gone = s.line[i].returns || (only->done >> e->worker & 1);
        }
        copy_state(history->model, initial, only->state);
        history->initial = initial;
}

/* Hides the operation where the rest is contradictory whether it took effect or not. It stays, as an optional one: what
 * is hidden later must not matter together with it. */
static void try_without(struct history *history, struct judgment *judgment, struct event *e, uint64_t *most)
{
        const bool optional = e->optional;

        if (e->reads) {
                e->gone = true;
                e->gone = still_violated(history, judgment, most);
        } else {
                e->optional = e->hidden = true;
                e->hidden = still_violated(history, judgment, most);
                e->optional = optional || e->hidden;
        }
}

void shorten_history(struct history *history, void *initial, struct judgment *judgment, uint64_t most)
{
        const void *const before = history->initial;
        const bool at_rest = history->at_rest;
        struct judgment now;

        cut_the_end(history, judgment);
        cut_the_beginning(history, initial);
        now = check_history(history, most);
        if (now.finding != VIOLATED) {          /* too hard to decide once more: leave it whole */
                for (size_t i = 0; i < history->count; i++) {
                        history->events[i].gone = false;
                        history->events[i].optional = history->events[i].killed;
                }
                history->initial = before;
                history->at_rest = at_rest;
                return;
        }
        *judgment = now;
        for (size_t i = 0; i < history->count && most > 0; i++)
                if (i != judgment->event && !history->events[i].gone)
                        try_without(history, judgment, &history->events[i], &most);
}
