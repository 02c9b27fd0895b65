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

static int burn_identifiers(long count)
{
        struct three made;

        while (count-- > 0)
                if (make(&made, IPC_PRIVATE) == -1 || unmake(&made) == -1)
                        return -1;
        return 0;
}

/* With the keys 1, 2, 3 ..: those that a test with a key of its own is likeliest to take. */
static int leave_objects(long count)
{
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
        int (*prepare)(long count);
} counted[] = {{"burned", burn_identifiers}, {"objects", leave_objects}};
enum { COUNTED = sizeof(counted) / sizeof(*counted) };

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

static size_t which_counted(const char *spec, size_t length)
{
        size_t i = 0;

        while (i < COUNTED && (strlen(counted[i].name) != length || strncmp(spec, counted[i].name, length) != 0))
                i++;
        return i;
}

static bool is_shm(const char *spec, size_t length)
{
        return length == 3 && strncmp(spec, "shm", 3) == 0;
}

void ipck_check_preparation(const char *spec)
{
        const size_t length = strcspn(spec, "=");
        char *end;

        if (!spec[length])
                ipck_fatal("--prepare: '%s' is not NAME=VALUE", spec);
        if (is_shm(spec, length))
                return;
        if (which_counted(spec, length) < COUNTED) {
                const long count = strtol(spec + length + 1, &end, 10);
                if (!isdigit((unsigned char)spec[length + 1]) || *end || count > MOST_OBJECTS)
                        ipck_fatal("--prepare: '%s': '%s' is not a whole number up to %d", spec, spec + length + 1,
                                   MOST_OBJECTS);
        } else if (!is_limit(spec, length)) {
                ipck_fatal("--prepare: '%s': neither burned, objects, shm, nor a sysctl of the IPC namespace", spec);
        }
}

const char *ipck_prepare(void)
{
        for (size_t i = 0; i < ipck_options.preparations; i++) {
                const char *spec = ipck_options.prepare[i];
                const size_t length = strcspn(spec, "="), n = which_counted(spec, length);
                const char *value = spec + length + 1;
                int result;

                if (is_shm(spec, length))
                        result = mount_shm(value);
                else if (n < COUNTED)
                        result = counted[n].prepare(strtol(value, NULL, 10));
                else
                        result = write_limit(spec, length, value);
                if (result == -1)
                        return spec;
        }
        return NULL;
}
