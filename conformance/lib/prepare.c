/* SPDX-License-Identifier: MIT
 *
 * prepare.c: --prepare NAME=VALUE, what process 1 does to the fresh namespaces before the test's body starts.
 */
#include <ctype.h>
#include <fnmatch.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include "internal.h"

enum { MOST_OBJECTS = 1000000 };

/* One object of each kind; -1 with errno where one of them cannot be had. */
struct three {
        int queue, set, segment;
};

static int make(struct three *made, key_t key)
{
        const int flags = IPC_CREAT | IPC_EXCL | 0666;

        made->queue = msgget(key, flags);
        made->set = made->queue == -1 ? -1 : semget(key, 1, flags);
        made->segment = made->set == -1 ? -1 : shmget(key, 1, flags);
        return made->segment == -1 ? -1 : 0;
}

static int unmake(const struct three *made)
{
        if (msgctl(made->queue, IPC_RMID, NULL) == -1 || semctl(made->set, 0, IPC_RMID) == -1)
                return -1;
        return shmctl(made->segment, IPC_RMID, NULL);
}

static int burn_identifiers(const char *value)
{
        long count = strtol(value, NULL, 10);
        struct three made;

        while (count-- > 0)
                if (make(&made, IPC_PRIVATE) == -1 || unmake(&made) == -1)
                        return -1;
        return 0;
}

/* With the keys 1, 2, 3 ..: those that a test with a key of its own is likeliest to take. */
static int leave_objects(const char *value)
{
        const long count = strtol(value, NULL, 10);
        const struct {
                long type;
                char text[8];
        } message = {1, "present"};
        struct three made;

        for (long key = 1; key <= count; key++)
                if (make(&made, (key_t)key) == -1 ||
                    msgsnd(made.queue, &message, sizeof(message.text), IPC_NOWAIT) == -1)
                        return -1;
        return 0;
}

/* kernel.msgmni is /proc/sys/kernel/msgmni, as for sysctl(8). */
static int write_limit(const char *name, size_t length, const char *value)
{
        char path[128];

        snprintf(path, sizeof(path), "%.*s", (int)length, name);
        for (char *c = path; *c; c++)
                if (*c == '.')
                        *c = '/';
        return write_sysctl(path, value);
}

/* Mounts another /dev/shm over the present one. */
static int mount_shm(const char *options)
{
        static const struct {
                const char *name;
                unsigned long flag;
        } flags[] = {{"ro", MS_RDONLY}, {"noexec", MS_NOEXEC}, {"nosuid", MS_NOSUID}, {"nodev", MS_NODEV}};
        unsigned long set = MS_NOSUID | MS_NODEV;
        char copy[128], data[160] = "mode=1777", *rest = copy;
        const char *option;

        snprintf(copy, sizeof(copy), "%s", options);
        while ((option = strsep(&rest, ","))) {
                size_t i = 0;

                while (i < sizeof(flags) / sizeof(*flags) && strcmp(option, flags[i].name) != 0)
                        i++;
                if (i < sizeof(flags) / sizeof(*flags))
                        set |= flags[i].flag;
                else
                        snprintf(data + strlen(data), sizeof(data) - strlen(data), ",%s", option);
        }
        if (mount("ipck", "/dev/shm", "tmpfs", set, data) == -1)
                return -1;
        return chdir("/dev/shm");
}

static const struct {
        const char *name;
        bool counts;                    /* the value is a number of objects */
        int (*prepare)(const char *value);
} named[] = {{"burned", true, burn_identifiers}, {"objects", true, leave_objects}, {"shm", false, mount_shm}};
enum { NAMED = sizeof(named) / sizeof(*named), LONGEST_VALUE = 100 };

/* Those that each IPC namespace has of its own: another would be the machine's. */
static const char *const limits[] = {
        "kernel.sem", "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.shmmax", "kernel.shmall",
        "kernel.shmmni", "kernel.shm_rmid_forced", "fs.mqueue.?*",
};

static bool is_limit(const char *spec, size_t length)
{
        char name[64];

        snprintf(name, sizeof(name), "%.*s", (int)length, spec);
        for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++)
                if (fnmatch(limits[i], name, 0) == 0)
                        return length < sizeof(name) && !strchr(name, '/');
        return false;
}

static size_t which_named(const char *spec, size_t length)
{
        size_t i = 0;

        while (i < NAMED && (strlen(named[i].name) != length || strncmp(spec, named[i].name, length) != 0))
                i++;
        return i;
}

void ipck_check_preparation(const char *spec)
{
        const size_t length = strcspn(spec, "="), n = which_named(spec, length);
        const char *const value = spec + length + 1;
        char *end;

        if (!spec[length])
                ipck_fatal("--prepare: '%s' is not NAME=VALUE", spec);
        if (strlen(value) > LONGEST_VALUE)
                ipck_fatal("--prepare: '%.*s': a value of more than %d characters", (int)length, spec, LONGEST_VALUE);
        if (n < NAMED && named[n].counts) {
                const long count = strtol(value, &end, 10);
                if (!isdigit((unsigned char)*value) || *end || count > MOST_OBJECTS)
                        ipck_fatal("--prepare: '%s': '%s' is not a whole number up to %d", spec, value, MOST_OBJECTS);
        } else if (n == NAMED && !is_limit(spec, length)) {
                ipck_fatal("--prepare: '%s': neither burned, objects, shm, nor a sysctl of the IPC namespace", spec);
        }
}

const char *ipck_prepare(void)
{
        for (size_t i = 0; i < ipck_options.preparations; i++) {
                const char *spec = ipck_options.prepare[i];
                const size_t length = strcspn(spec, "="), n = which_named(spec, length);
                const char *value = spec + length + 1;
                const int result = n < NAMED ? named[n].prepare(value) : write_limit(spec, length, value);
                if (result == -1)
                        return spec;
        }
        return NULL;
}
