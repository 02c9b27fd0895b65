/* SPDX-License-Identifier: MIT
 *
 * resources.c: what is in use.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/sysinfo.h>

#include "resources.h"

union semun {
        struct seminfo *info;
};

static const char *comma;

static void print(const char *kind, const char *name, intmax_t value)
{
        printf("%s\"%s%s\":%jd", comma, kind, name, value);
        comma = ",";
}

static void memory(void)
{
        FILE *const file = fopen("/proc/meminfo", "re");
        char line[128], name[64];
        intmax_t value, total = -1, available = -1;

        if (!file)
                return;
        while (fgets(line, sizeof(line), file)) {
                if (sscanf(line, "%63[^:]: %jd", name, &value) != 2)
                        continue;
                if (strcmp(name, "MemTotal") == 0)
                        total = value;
                else if (strcmp(name, "MemAvailable") == 0)
                        available = value;
                else if (strcmp(name, "SUnreclaim") == 0)
                        print("", "unreclaimable", value);
                else if (strcmp(name, "Shmem") == 0)
                        print("", "shared", value);
        }
        fclose(file);
        if (total >= 0 && available >= 0)
                print("", "memory", total - available);
}

/* Caches of what IPC is made of. */
static bool of_interest(const char *cache)
{
        static const char *const caches[] = {
                "shmem_inode_cache", "mqueue_inode_cache", "inode_cache", "mnt_cache", "pid", "pid_namespace",
                "user_namespace", "nsproxy", "sighand_cache", "task_struct", "mm_struct", "vm_area_struct", "filp",
                "cred_jar",
        };

        for (size_t i = 0; i < sizeof(caches) / sizeof(*caches); i++)
                if (strcmp(cache, caches[i]) == 0)
                        return true;
        return strncmp(cache, "kmalloc-", 8) == 0 && strncmp(cache, "kmalloc-rcl", 11) != 0;
}

/* For root alone. */
static void slab(void)
{
        FILE *const file = fopen("/proc/slabinfo", "re");
        char line[512], name[64];
        intmax_t active;

        if (!file)
                return;
        while (fgets(line, sizeof(line), file))
                if (sscanf(line, "%63s %jd", name, &active) == 2 && of_interest(name))
                        print("slab ", name, active);
        fclose(file);
}

/* Those of the machine's namespace come and go with others. */
static void objects(bool unshared)
{
        struct msginfo msg;
        struct seminfo sem;
        struct shm_info shm;

        if (unshared && msgctl(0, MSG_INFO, (struct msqid_ds *)&msg) != -1)
                print("", "queues", msg.msgpool);
        if (unshared && semctl(0, 0, SEM_INFO, (union semun){&sem}) != -1)
                print("", "sets", sem.semusz);
        if (unshared && shmctl(0, SHM_INFO, (struct shmid_ds *)&shm) != -1)
                print("", "segments", shm.used_ids);
}

void stress_print_resources(unsigned cycle, uint64_t seed, bool own_namespace)
{
        struct sysinfo info;

        printf("{\"type\":\"resources\",\"cycle\":%u,\"seed\":%" PRIu64 ",\"used\":{", cycle, seed);
        comma = "";
        memory();
        slab();
        objects(own_namespace);
        if (sysinfo(&info) == 0)
                print("", "processes", info.procs);
        puts("}}");
        fflush(stdout);
}
