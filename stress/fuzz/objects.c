/* SPDX-License-Identifier: MIT
 *
 * objects.c: which objects there are, what processes have open, and what a call that succeeded changes about that.
 */
#include "fuzz.h"

void reset_objects(struct world *w)
{
        for (int f = 0; f < FAMILIES; f++)
                for (int i = 0; i < OBJECTS; i++) {
                        struct thing *const thing = &w->thing[f][i];
                        thing->id = thing->removed = -1;
                        thing->used = false;
                        thing->key = 0;
                        thing->attached = 0;
                        thing->set = (struct setting){.mode = 0};
                        thing->possible = 1;
                        families[f]->model->init(thing->state[0]);
                }
        for (int f = 0; f < FAMILIES; f++)
                for (int p = 0; p < PROCESSES; p++)
                        for (int h = 0; h < HANDLES; h++)
                                w->handle[f][p][h].object = NO_OBJECT;
}

/* ---- names ---- */

static char names[KEYS][24];

void set_world_of_names(unsigned world)
{
        for (unsigned key = 0; key < KEYS; key++)
                snprintf(names[key], sizeof(names[key]), "/ipck-%u-%u", world, key);
}

const char *name_of(int number)
{
        return names[number];
}

/* ---- which object ---- */

int named_object(const struct world *w, const struct item *item)
{
        for (int i = 0; i < OBJECTS; i++) {
                const int object = (item->object + i) % OBJECTS;
                if (w->thing[item->family][object].used)
                        return object;
        }
        return NO_OBJECT;
}

int identifier(const struct world *w, const struct item *item)
{
        const struct thing *const things = w->thing[item->family];
        const int named = named_object(w, item), current = named == NO_OBJECT ? -1 : things[named].id;

        switch ((enum which)item->which) {
        case CURRENT:
                if (current != -1)
                        return current;
                break;
        case REMOVED:
                if (things[item->object].removed != -1)
                        return things[item->object].removed;
                break;
        case OTHER_SEQUENCE:
                if (current != -1)
                        return (int)((unsigned)current ^ INDEXES << 4);
                break;
        case SIGN_BIT:
                if (current != -1)
                        return INT32_MIN + current;
                break;
        case UNUSED: break;
        case NEGATIVE: return -1;
        case MOST_NEGATIVE: return INT32_MIN;
        }
        return 0x7ff0 + item->object;
}

int find_object(const struct world *w, const struct item *item, bool by_index)
{
        const int id = identifier(w, item);

        if (by_index && !w->indexed)
                return NO_OBJECT;
        for (int i = 0; id >= 0 && i < OBJECTS; i++) {
                const struct thing *const thing = &w->thing[item->family][i];
                if (thing->used && (by_index ? thing->id % INDEXES == id % INDEXES : thing->id == id))
                        return i;
        }
        const int free = free_object(w, item->family);
        return free != NO_OBJECT || by_index ? free : item->object;
}

int free_object(const struct world *w, int family)
{
        for (int i = 0; i < OBJECTS; i++)
                if (!w->thing[family][i].used)
                        return i;
        return NO_OBJECT;
}

int find_by_key(const struct world *w, const struct item *item, int key)
{
        const struct thing *const things = w->thing[item->family];

        for (int i = 0; key && i < OBJECTS; i++)
                if (things[i].used && things[i].key == key)
                        return i;
        return free_object(w, item->family);
}

int count_objects(const struct world *w, int family)
{
        int count = 0;

        for (int i = 0; i < OBJECTS; i++)
                count += w->thing[family][i].used;
        return count;
}

/* ---- handles ---- */

int open_handle(const struct world *w, const struct item *item)
{
        for (int i = 0; i < HANDLES; i++) {
                const int place = (item->handle + i) % HANDLES;
                if (w->handle[item->family][item->process][place].object != NO_OBJECT)
                        return place;
        }
        return -1;
}

int free_handle(const struct world *w, const struct item *item)
{
        for (int i = 0; i < HANDLES; i++)
                if (w->handle[item->family][item->process][i].object == NO_OBJECT)
                        return i;
        return -1;
}

/* ---- what follows ---- */

/* The key or name of what the item makes, as a number. */
static uint8_t new_key(const struct item *item)
{
        if (item->call == CALL_sem_init)
                return NO_KEY;
        return is_get(item) ? item->key ? item->key : NO_KEY : name_key(item);
}

/* An object is there as long as it has a key or name or is open somewhere. */
static void end_if_unused(struct thing *thing)
{
        if (!thing->used || thing->key || thing->attached)
                return;
        thing->used = false;
        thing->removed = thing->id;
}

void note(struct world *w, const struct item *item, int object, const struct operation *o, const struct outcome *r)
{
        struct thing *const thing = &w->thing[item->family][object];
        const int place = w->record[w->position].place;
        struct handle *const handle = place == -1 ? NULL : &w->handle[item->family][item->process][place];

        if (r->value == -1 && r->error)
                return;
        if (makes(item) && !thing->used) {
                thing->used = true;
                thing->id = (int)r->value;
                thing->key = new_key(item);
                thing->size = item->size;
                thing->units = item->value;
                thing->attached = 0;
        }
        if (families[item->family]->count)
                families[item->family]->count(thing, item);
        if (is_open(item) && handle) {
                handle->object = object;
                thing->attached++;
        } else if (handle && (int)item->call == families[item->family]->closes) {
                handle->object = NO_OBJECT;
                thing->attached--;
        } else if (takes_key(item) && (!is_control(item) || o->id == thing->id)) {
                thing->key = 0;
        }
        end_if_unused(thing);
}

void note_end(struct world *w, int process)
{
        for (int f = 0; f < FAMILIES; f++)
                for (int h = 0; h < HANDLES; h++) {
                        struct handle *const handle = &w->handle[f][process][h];
                        if (handle->object == NO_OBJECT)
                                continue;
                        w->thing[f][handle->object].attached--;
                        end_if_unused(&w->thing[f][handle->object]);
                        handle->object = NO_OBJECT;
                }
}
