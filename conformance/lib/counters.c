/* SPDX-License-Identifier: MIT
 *
 * counters.c: tells how the counters of what is under test grow. No part of the runner is used here: the first process
 * of a machine has this as well.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"

enum { MOST_OBJECTS = 256, FEW_BYTES = 16384 };

/* What one object counted. */
struct object {
        char *path;
        const void *place;
        uint32_t *words, *before;
        size_t size, room, size_before, room_before;    /* in bytes */
};

static struct object objects[MOST_OBJECTS];
static int found;

static bool wanted(const char *path)
{
        char list[1024], *rest;

        snprintf(list, sizeof(list), "%s", getenv("ipck_counters"));
        for (const char *pattern = strtok_r(list, ",", &rest); pattern; pattern = strtok_r(NULL, ",", &rest))
                if (fnmatch(pattern, path, 0) == 0)
                        return true;
        return false;
}

static int take(const char *path, const void *place)
{
        if (!wanted(path))
                return 0;
        if (found == MOST_OBJECTS) {
                errno = ENOBUFS;
                return -1;
        }
        objects[found].place = place;
        objects[found].path = strdup(path);
        return objects[found++].path ? 0 : -1;
}

int ipck_counters_open(void)
{
        found = 0;
        if (getenv("ipck_counters") && ipck_counters_find(take) != 0)
                return -1;
        return found;
}

static bool append(void *to, const void *bytes, size_t size)
{
        struct object *const o = to;

        while (o->room - o->size < size) {
                const size_t room = o->room ? 2 * o->room : FEW_BYTES;
                uint32_t *words = realloc(o->words, room);
                if (!words)
                        return false;
                o->words = words;
                o->room = room;
        }
        memcpy((char *)o->words + o->size, bytes, size);
        o->size += size;
        return true;
}

/* Whether there are changes; they follow before. */
static bool write_changes(FILE *out, const struct object *o, const char *before)
{
        const size_t size = o->size / sizeof(*o->words), size_before = o->size_before / sizeof(*o->words);
        bool changed = false;

        for (size_t i = 0; i < size; i++) {
                if (o->words[i] == (i < size_before ? o->before[i] : 0))
                        continue;
                if (!changed)
                        fprintf(out, "%s\"%s\":[%zu", before, o->path, size);
                changed = true;
                fprintf(out, ",%zu,%u", i, o->words[i]);
        }
        if (changed)
                fputc(']', out);
        return changed;
}

/* What was read becomes what was read before. */
static void turn(struct object *o)
{
        const struct object now = *o;

        o->words = now.before;
        o->room = now.room_before;
        o->before = now.words;
        o->size_before = now.size;
        o->room_before = now.room;
}

void ipck_counters_write(FILE *out, const char *at)
{
        const char *comma = "";

        fprintf(out, "{\"type\":\"counters\",\"at\":\"%s\",\"files\":{", at);
        for (struct object *o = objects; o < objects + found; o++) {
                o->size = 0;
                if (!ipck_counters_read(o->path, o->place, append, o))
                        continue;
                if (write_changes(out, o, comma))
                        comma = ",";
                turn(o);
        }
        fputs("}}\n", out);
}
