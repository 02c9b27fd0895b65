/* SPDX-License-Identifier: MIT
 *
 * attach_again_sysv: writes to a segment, detaches it, attaches it at another address, and reads there what it wrote.
 */
#include "client.h"

#include <sys/shm.h>

static const char text[] = "Hello, world";

static bool tell_size(int segment)
{
        struct shmid_ds ds;
        char line[64];

        if (shmctl(segment, IPC_STAT, &ds) == -1)
                return failed("shmctl IPC_STAT");
        return say(line, (size_t)snprintf(line, sizeof(line), "size: %zu\n", (size_t)ds.shm_segsz));
}

static void *attach(int segment, const void *address)
{
        void *const memory = shmat(segment, address, 0);

        if (memory == (void *)-1) {
                failed("shmat");
                return NULL;
        }
        return memory;
}

static bool detach(const void *memory)
{
        return shmdt(memory) == 0 || failed("shmdt");
}

/* Returns another address at which there is room: the system finds it, because the first is taken. */
static void *write_and_detach(int segment)
{
        char *const first = attach(segment, NULL);

        if (!first)
                return NULL;
        memcpy(first, text, sizeof(text));
        char *other = attach(segment, NULL);
        if (other && !detach(other))
                other = NULL;
        return detach(first) ? other : NULL;
}

static bool read_again(int segment, const void *address)
{
        const char *const memory = attach(segment, address);

        if (!memory)
                return false;
        const bool good = say("at another address: ", 20) && say(memory, strnlen(memory, sizeof(text))) && say("\n", 1);
        return detach(memory) && good;
}

static bool use(int segment)
{
        if (!tell_size(segment))
                return false;
        const void *const address = write_and_detach(segment);
        return address && read_again(segment, address);
}

int main(int argc, char **argv)
{
        if (argc != 1)
                return usage(argv[0], "(no arguments)");

        const int segment = shmget(IPC_PRIVATE, 0x6400, IPC_CREAT | IPC_EXCL | 0600);
        if (segment == -1) {
                failed("shmget");
                return FAILED;
        }
        bool good = use(segment);
        if (shmctl(segment, IPC_RMID, NULL) == -1)
                good = failed("shmctl IPC_RMID");
        return good ? DONE : FAILED;
}
