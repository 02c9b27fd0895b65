/* SPDX-License-Identifier: MIT
 *
 * posix_shm.c: set-up for tests of POSIX shared memory objects.
 */
#include "internal.h"
#include "ipck_posix_shm.h"

/* Raises the soft limit as far as it goes, and returns it. */
static rlim_t raise_limit(int resource)
{
        struct rlimit limit;

        MUST(getrlimit(resource, &limit));
        limit.rlim_cur = limit.rlim_max;
        MUST(setrlimit(resource, &limit));
        return limit.rlim_cur;
}

void ipck_posix_shm_available(void)
{
        enum { DESCRIPTORS = 128, BYTES = 16 << 20 };

        private_directory();
        if (raise_limit(RLIMIT_NOFILE) < DESCRIPTORS)
                UNSUPPORTED("a hard RLIMIT_NOFILE of %d", DESCRIPTORS);
        if (raise_limit(RLIMIT_FSIZE) < BYTES)
                UNSUPPORTED("a hard RLIMIT_FSIZE of %d", BYTES);
}

void any_size(void)
{
        if (raise_limit(RLIMIT_FSIZE) != RLIM_INFINITY)
                UNSUPPORTED("no hard RLIMIT_FSIZE");
}

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

int open_shm(int oflag)
{
        return (int)MUST(shm_open(OBJECT_NAME, oflag, 0));
}

struct stat fstat_of(int fd)
{
        struct stat st;

        memset(&st, 0x5a, sizeof(st));
        MUST(fstat(fd, &st));
        return st;
}

off_t size_of(int fd)
{
        return fstat_of(fd).st_size;
}

mode_t mode_of(int fd)
{
        return fstat_of(fd).st_mode & 0777;
}

static char *map_object(int fd, size_t size, int protection, int flags)
{
        char *memory = mmap(NULL, size, protection, flags, fd, 0);

        if (memory == MAP_FAILED)
                CANNOT("mmap");
        return memory;
}

char *map_shm(int fd, size_t size, int protection)
{
        return map_object(fd, size, protection, MAP_SHARED);
}

char *map_private(int fd, size_t size, int protection)
{
        return map_object(fd, size, protection, MAP_PRIVATE);
}

void unmap(void *memory, size_t size)
{
        MUST(munmap(memory, size));
}

bool same_object(int one, int other)
{
        volatile char *const a = map_shm(one, 1, PROT_READ | PROT_WRITE), *const b = map_shm(other, 1, PROT_READ);
        const char before = *a, changed = before ^ 1;
        bool same = *b == before;

        *a = changed;
        same &= *b == changed;
        *a = before;
        same &= *b == before;
        unmap((void *)(uintptr_t)a, 1);
        unmap((void *)(uintptr_t)b, 1);
        return same;
}

int try_open(const char *name, int oflag, mode_t mode)
{
        const int fd = shm_open(name, oflag, mode);

        return fd == -1 ? -1 : close(fd);
}

int opened(const char *name, int oflag)
{
        return shm_open(name, oflag, 0600);
}
