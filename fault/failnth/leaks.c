/* SPDX-License-Identifier: MIT
 *
 * leaks.c: what the kernel has allocated. A cache that is shrunk gives back what each processor keeps of it; then its
 * count of objects in use is exact (mm/slub.c), unless what we do ourselves takes some: then there seem to be more.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failnth.h"

static void shrink(const char *cache)
{
        char path[96];

        snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", cache);
        const int file = open(path, O_WRONLY | O_CLOEXEC);
        if (file == -1)
                return;                 /* SLAB, or without CONFIG_SLUB_DEBUG: its counts are not exact */
        if (write(file, "1", 1) == -1)
                refuse("%s: %s", path, strerror(errno));
        close(file);
}

static long number_in(const char *text, const char *label)
{
        const char *const at = strstr(text, label);

        return at ? atol(at + strlen(label)) : 0;
}

static void add(struct gauge *gauge, const char *name, long objects)
{
        if (gauge->count == CACHES)
                refuse("more than %d slab caches", CACHES);
        snprintf(gauge->caches[gauge->count].name, sizeof(gauge->caches->name), "%s", name);
        gauge->caches[gauge->count++].objects = objects;
}

/* Reads /proc/slabinfo; with `wanted` only what is in that list. Returns the pages of all slabs. */
static long read_caches(struct gauge *gauge, const char *const *wanted)
{
        static char text[1 << 16];
        long pages = 0;

        if (read_text("/proc/slabinfo", text, sizeof(text)) == -1)
                refuse("/proc/slabinfo: %s", strerror(errno));
        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
                char name[40];
                long active, pages_per_slab, slabs;
                if (sscanf(line, "%39s %ld %*d %*d %*d %ld : tunables %*d %*d %*d : slabdata %*d %ld", name, &active,
                           &pages_per_slab, &slabs) != 4)
                        continue;
                pages += slabs * pages_per_slab;
                const char *const *one = wanted;
                while (one && *one && strcmp(*one, name) != 0)
                        one++;
                if (!one || *one)
                        add(gauge, name, active);
        }
        return pages;
}

/* /proc/meminfo; on several processors the counters are brought together first. */
static const char *memory(void)
{
        static char text[8192];
        const int refresh = open("/proc/sys/vm/stat_refresh", O_WRONLY | O_CLOEXEC);

        if (refresh != -1 && write(refresh, "1", 1) == -1)
                refuse("/proc/sys/vm/stat_refresh: %s", strerror(errno));
        close(refresh);
        if (read_text("/proc/meminfo", text, sizeof(text)) == -1)
                refuse("/proc/meminfo: %s", strerror(errno));
        return text;
}

/* What is too large for a slab counts as slab memory all the same. */
static void add_large(struct gauge *gauge, const char *meminfo, long slab_pages)
{
        const long all = number_in(meminfo, "SReclaimable:") + number_in(meminfo, "SUnreclaim:");

        add(gauge, "large pieces (kB)", all - slab_pages * sysconf(_SC_PAGESIZE) / 1024);
}

static void measure_once(struct gauge *gauge)
{
        static struct gauge names;

        if (names.count == 0)
                read_caches(&names, NULL);
        for (size_t i = 0; i < names.count; i++)
                shrink(names.caches[i].name);
        gauge->count = 0;
        const long slab_pages = read_caches(gauge, NULL);
        const char *const meminfo = memory();
        add_large(gauge, meminfo, slab_pages);
        add(gauge, "vmalloc (kB)", number_in(meminfo, "VmallocUsed:"));
        add(gauge, "shared memory (kB)", number_in(meminfo, "Shmem:"));
        add(gauge, "page tables (kB)", number_in(meminfo, "PageTables:"));
}

void measure(struct gauge *gauge)
{
        static struct gauge again;

        measure_once(gauge);
        measure_once(&again);
        for (size_t i = 0; i < again.count && i < gauge->count; i++)
                if (again.caches[i].objects < gauge->caches[i].objects)
                        gauge->caches[i].objects = again.caches[i].objects;
}

static long objects_of(const struct gauge *gauge, const char *name)
{
        for (size_t i = 0; i < gauge->count; i++)
                if (strcmp(gauge->caches[i].name, name) == 0)
                        return gauge->caches[i].objects;
        return 0;
}

bool grew(const struct gauge *before, const struct gauge *after, long least, char *detail, size_t size)
{
        size_t length = 0;

        detail[0] = '\0';
        for (size_t i = 0; i < after->count && length < size; i++) {
                const long more = after->caches[i].objects - objects_of(before, after->caches[i].name);
                if (more >= least)
                        length += (size_t)snprintf(detail + length, size - length, "%s%s +%ld", length ? ", " : "",
                                                   after->caches[i].name, more);
        }
        return length > 0;
}

void measure_lasting(struct gauge *gauge)
{
        static const char *const names[] = {"mqueue_inode_cache", "shmem_inode_cache", NULL};

        for (size_t i = 0; names[i]; i++)
                shrink(names[i]);
        gauge->count = 0;
        const long slab_pages = read_caches(gauge, names);
        add_large(gauge, memory(), slab_pages);
}

bool all_gone(const struct gauge *before, char *detail, size_t size)
{
        const struct timespec pause = {.tv_nsec = 1000000};
        struct gauge now;

        for (int tries = 0; tries < 300; tries++) {
                measure_lasting(&now);
                if (!grew(before, &now, 1, detail, size))
                        return true;
                nanosleep(&pause, NULL);
        }
        return false;
}
