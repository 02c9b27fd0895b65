/* SPDX-License-Identifier: MIT
 *
 * search.h: the places of the search through a history, for checker.c and shorten.c.
 */
#ifndef STRESS_SEARCH_H
#define STRESS_SEARCH_H

#include "checker.h"

/* A call or a return. */
struct instant {
        uint32_t event;
        bool returns;
};

/* A moment, which open operations stand in the order already, and the state that these have led to. */
struct place {
        uint32_t at;                    /* how many instants are past */
        uint32_t choice;                /* that is to be tried next, two for each operation; UINT32_MAX: none */
        uint64_t done;                  /* a bit for each worker */
        char state[];
};

struct room {
        void *memory;
        size_t size;
};

/* What is demanded of those who wait, see struct event.queue and struct history.prompt. */
enum rule { IN_ORDER = 1, PROMPT = 2 };

struct search {
        const struct history *history;
        unsigned rules;
        struct {                        /* the last place at which one was broken; at 0: none was */
                size_t at, event;
                struct contradiction why;
        } broken;
        bool lanes;                     /* sends are put in the order in which messages of one lane were received */
        struct instant *line;
        size_t instants, at;            /* how many there are, and are past */
        uint64_t opened;                /* workers that are between call and return */
        size_t open[HISTORY_WORKERS];   /* their events */
        size_t stride;
        void *next[MODEL_NEXT];
        uint64_t *dead;                 /* hashes of places that lead nowhere; 0: a free slot */
        size_t dead_slots, dead_count;
        struct room line_room, places_room, next_room[MODEL_NEXT];
};

/* Memory of at least that size, which stays as it was. */
void *room_for(struct room *room, size_t size);

void begin_search(struct search *s, const struct history *history, bool lanes);

/* Makes a place in which the open operation e comes next in the order, in one of the states to which that may lead; with
 * e NULL, in which the optional one that returns now has had no effect. False where there is no such alternative. */
bool put_and_follow(struct search *s, const struct place *p, const struct event *e, int alternative, struct place *to,
                    int *alternatives, struct contradiction *why);

/* Passes the next instant, whatever it is. */
void pass(struct search *s);

/* Puts the operation, which was called just now, where it leaves the state as it is. */
void put_if_it_changes_nothing(struct search *s, struct place *p, const struct event *e);

/* Passes calls, and returns of what stands in the order; whether it reached the end. */
bool advance(struct search *s, struct place *p, size_t end);
void go_back(struct search *s, size_t at);

/* Which open operations may come next where one has returned that does not stand in the order: that one first; NULL
 * where it may have had no effect. */
size_t choices(const struct search *s, const struct place *p, const struct event *list[HISTORY_WORKERS]);

uint64_t hash_of_place(const struct search *s, const struct place *p);

#endif
