/* SPDX-License-Identifier: MIT
 *
 * named_sem.c: set-up for tests of named semaphores.
 */
#include <stdio.h>

#include "internal.h"
#include "ipck_named_sem.h"

sem_t *ipck_sem_opens(struct ipck_here here, enum ipck_requirement req, const char *call, sem_t *got)
{
        const int error = errno;

        ipck_eq(here, req, call, got == SEM_FAILED ? -1 : 0, error, "not SEM_FAILED", 0);
        return got;
}

struct numbered numbered(int n)
{
        struct numbered text;

        snprintf(text.name, sizeof(text.name), "/ipck-%d", n);
        return text;
}

/* ---- the file ---- */

/* What C libraries write before the name: glibc, musl. */
static const char *const prefixes[] = {"sem.", ""};

static const char *path_with(const char *prefix, const char *name)
{
        static char path[PATH_MAX];

        snprintf(path, sizeof(path), "%s/%s%s", DEV_SHM, prefix, name + 1);
        return path;
}

static const char *prefix_of(const char *name)
{
        for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
                if (access(path_with(prefixes[i], name), F_OK) == 0)
                        return prefixes[i];
        UNSUPPORTED("a file of the semaphore in %s", DEV_SHM);
}

const char *sem_file_of(const char *name)
{
        return path_with(prefix_of(name), name);
}

const char *sem_path(const char *name)
{
        static const char *prefix;

        if (!prefix) {
                MUST(sem_close(named_sem("/ipck-where", 0)));
                prefix = prefix_of("/ipck-where");
                MUST(sem_unlink("/ipck-where"));
        }
        return path_with(prefix, name);
}

struct stat sem_stat(const char *name)
{
        struct stat st;

        memset(&st, 0x5a, sizeof(st));
        MUST(stat(sem_file_of(name), &st));
        return st;
}

void sem_of(uid_t uid, const char *name, unsigned value, int mode)
{
        struct child creator;

        CHILD(&creator) {
                as_user(uid);
                named_sem(name, value);
                set_sem_mode(name, mode);
        }
        join(&creator);
}

void set_sem_mode(const char *name, int mode)
{
        MUST(chmod(sem_file_of(name), (mode_t)mode));
}

/* ---- the process ---- */

int count_mappings(const char *of)
{
        char line[PATH_MAX + 128];
        int count = 0;
        FILE *const maps = fopen("/proc/self/maps", "re");

        if (!maps)
                return -1;
        while (fgets(line, sizeof(line), maps))
                count += strstr(line, of) != NULL;
        fclose(maps);
        return count;
}

int sem_mappings(void)
{
        const int count = count_mappings(SEM_MAPPING);

        if (count == -1)
                UNSUPPORTED("/proc/self/maps, to see a process's mappings");
        return count;
}
