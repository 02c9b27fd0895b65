/* SPDX-License-Identifier: MIT
 *
 * counters.c: reads the counters of a kernel that is built with gcov. No part of the runner is used here: the first
 * process of a machine has this as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <ftw.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "counters.h"

enum { MOST_OBJECTS = 256, FEW_WORDS = 4096, MOST_OPEN = 16 };

/* What one object of the kernel counted. */
struct object {
        char *path;
        uint32_t *words, *before;
        size_t size, room, size_before, room_before;    /* in words */
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

static int take(const char *path, const struct stat *status, int kind, struct FTW *place)
{
        (void)status;
        (void)place;
        if (kind != FTW_F || !wanted(path + strlen(IPCK_COUNTERS)))
                return 0;
        if (found == MOST_OBJECTS) {
                errno = ENOBUFS;
                return -1;
        }
        objects[found].path = strdup(path);
        return objects[found++].path ? 0 : -1;
}

int ipck_counters_open(void)
{
        found = 0;
        if (getenv("ipck_counters") && nftw(IPCK_COUNTERS, take, MOST_OPEN, FTW_PHYS) != 0)
                return -1;
        return found;
}

static bool make_room(struct object *o)
{
        const size_t room = o->room ? 2 * o->room : FEW_WORDS;
        uint32_t *words = realloc(o->words, room * sizeof(*words));

        if (!words)
                return false;
        o->words = words;
        o->room = room;
        return true;
}

/* All of the file at the time of open(); false where that cannot be had. */
static bool read_object(struct object *o)
{
        const int fd = open(o->path, O_RDONLY | O_CLOEXEC);
        size_t bytes = 0;
        ssize_t n = -1;

        while (fd != -1) {
                if (bytes == o->room * sizeof(*o->words) && !make_room(o))
                        break;
                n = read(fd, (char *)o->words + bytes, o->room * sizeof(*o->words) - bytes);
                if (n <= 0)
                        break;
                bytes += (size_t)n;
        }
        if (fd != -1)
                close(fd);
        o->size = bytes / sizeof(*o->words);
        return n == 0;
}

/* Whether there are changes; they follow before. */
static bool write_changes(FILE *out, const struct object *o, const char *before)
{
        bool changed = false;

        for (size_t i = 0; i < o->size; i++) {
                if (o->words[i] == (i < o->size_before ? o->before[i] : 0))
                        continue;
                if (!changed)
                        fprintf(out, "%s\"%s\":[%zu", before, o->path + strlen(IPCK_COUNTERS), o->size);
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
                if (!read_object(o))
                        continue;
                if (write_changes(out, o, comma))
                        comma = ",";
                turn(o);
        }
        fputs("}}\n", out);
}
