/* SPDX-License-Identifier: MIT
 *
 * posix_shm.c: set-up for tests of POSIX shared memory.
 */
#include "internal.h"
#include "ipck_posix_shm.h"

int new_shm(const char *name, off_t size)
{
        const int fd = (int)MUST(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600));

        MUST(ftruncate(fd, size));
        return fd;
}

int shm_of(uid_t uid, const char *name, off_t size, int mode)
{
        struct child creator;

        CHILD(&creator) {
                as_user(uid);
                MUST(fchmod(new_shm(name, size), (mode_t)mode));
        }
        join(&creator);
        return (int)MUST(shm_open(name, O_RDWR, 0));
}

struct stat fstat_of(int fd)
{
        struct stat st;

        memset(&st, 0x5a, sizeof(st));
        MUST(fstat(fd, &st));
        return st;
}

char *map_shm(int fd, size_t size, int protection)
{
        char *memory = mmap(NULL, size, protection, MAP_SHARED, fd, 0);

        if (memory == MAP_FAILED)
                CANNOT("mmap");
        return memory;
}
