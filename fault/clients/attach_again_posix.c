/* SPDX-License-Identifier: MIT
 *
 * attach_again_posix: writes to a shared memory object, unmaps it, maps it at another address, and reads there what it
 * wrote.
 */
#include "client.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { SIZE = 0x6400 };
static const char text[] = "Hello, world";

static bool tell_size(int object)
{
        struct stat st;
        char line[64];

        if (fstat(object, &st) == -1)
                return failed("fstat");
        return say(line, (size_t)snprintf(line, sizeof(line), "size: %zu\n", (size_t)st.st_size));
}

/* MAP_FIXED is safe for an address at which nothing is mapped. */
static void *map(int object, void *address)
{
        const int flags = MAP_SHARED | (address ? MAP_FIXED : 0);
        void *const memory = mmap(address, SIZE, PROT_READ | PROT_WRITE, flags, object, 0);

        if (memory == MAP_FAILED) {
                failed("mmap");
                return NULL;
        }
        return memory;
}

static bool unmap(void *memory)
{
        return munmap(memory, SIZE) == 0 || failed("munmap");
}

/* Returns another address at which there is room: the system finds it, because the first is taken. */
static void *write_and_unmap(int object)
{
        char *const first = map(object, NULL);

        if (!first)
                return NULL;
        memcpy(first, text, sizeof(text));
        char *other = map(object, NULL);
        if (other && !unmap(other))
                other = NULL;
        return unmap(first) ? other : NULL;
}

static bool read_again(int object, void *address)
{
        char *const memory = map(object, address);

        if (!memory)
                return false;
        const bool good = say("at another address: ", 20) && say(memory, strnlen(memory, sizeof(text))) && say("\n", 1);
        return unmap(memory) && good;
}

static bool use(int object)
{
        if (ftruncate(object, SIZE) == -1)
                return failed("ftruncate");
        if (!tell_size(object))
                return false;
        void *const address = write_and_unmap(object);
        return address && read_again(object, address);
}

int main(int argc, char **argv)
{
        char name[64];

        if (argc != 1)
                return usage(argv[0], "(no arguments)");

        snprintf(name, sizeof(name), "/attach_again.%ld", (long)getpid());
        const int object = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
        if (object == -1) {
                failed("shm_open");
                return FAILED;
        }
        bool good = use(object);
        if (shm_unlink(name) == -1)
                good = failed("shm_unlink");
        if (close(object) == -1)
                good = failed("close");
        return good ? DONE : FAILED;
}
