/* SPDX-License-Identifier: MIT
 *
 * POSIX shared memory and semaphores, which are files of a tmpfs, and keys, which are made of any file. Only what the
 * kernel does is of interest: what sem_open() makes of the failures of its steps is ipck-inside's matter.
 */
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "operations.h"

#define NAME "/object"
#define OTHER "/other"

enum { PAGE = 4096, SIZE = 5 * PAGE };

static int object = -1;
static char *mapped;
static sem_t *semaphore;

/* Descriptors and pointers say nothing. */
static long done(bool yes)
{
        return yes ? 0 : -1;
}

/* ---- states ---- */

static void new_object(void)
{
        object = (int)MUST(shm_open(NAME, O_CREAT | O_RDWR, 0600));
        if (write(object, pattern(SIZE), SIZE) != SIZE)
                undecided("write: errno %d", errno);
        MUST(close(object));
}

static void own_object(void)
{
        object = (int)MUST(shm_open(NAME, O_RDWR, 0));
}

static void own_mapping(void)
{
        own_object();
        mapped = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, object, 0);
        if (mapped == MAP_FAILED)
                undecided("mmap: errno %d", errno);
}

static void new_semaphore(void)
{
        semaphore = sem_open(NAME, O_CREAT, 0600, 3);
        if (semaphore == SEM_FAILED)
                undecided("sem_open: errno %d", errno);
        sem_close(semaphore);
}

/* What the C library makes once for all is made. */
static void own_other_semaphore(void)
{
        sem_t *const other = sem_open(OTHER, O_CREAT, 0600, 1);

        if (other == SEM_FAILED)
                undecided("sem_open: errno %d", errno);
        sem_close(other);
        sem_unlink(OTHER);
}

/* ---- calls ---- */

static long create(void)
{
        const int file = shm_open(NAME, O_CREAT | O_EXCL | O_RDWR, 0600);

        return done(file != -1);
}

static long open_object(void)
{
        return done(shm_open(NAME, O_RDWR, 0) != -1);
}

static long open_cut(void)
{
        return done(shm_open(NAME, O_RDWR | O_TRUNC, 0) != -1);
}

static long unlink_object(void)
{
        return shm_unlink(NAME);
}

static long grow(void)
{
        return ftruncate(object, 3 * SIZE);
}

static long cut(void)
{
        return ftruncate(object, PAGE + 100);
}

static long allocate(void)
{
        return fallocate(object, 0, 0, 3 * SIZE);
}

static long punch(void)
{
        return fallocate(object, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 2 * PAGE);
}

static long write_in_place(void)
{
        return pwrite(object, pattern(2 * PAGE) + 100, 200, 50);
}

static long write_behind(void)
{
        return pwrite(object, pattern(PAGE), PAGE, SIZE);
}

static long read_object(void)
{
        static char bytes[PAGE];

        const long n = pread(object, bytes, sizeof(bytes), PAGE / 2);
        if (n != -1)
                ANSWER_OF(bytes);
        return n;
}

static long map(void)
{
        return (long)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, object, 0);
}

static long unmap_part(void)
{
        return munmap(mapped + PAGE, PAGE);
}

static long look(void)
{
        struct stat st;

        memset(&st, 0, sizeof(st));
        const int result = fstat(object, &st);
        if (result != -1)
                ANSWER_OF(st.st_size);
        return result;
}

/* As sem_open() gives a new semaphore its name. */
static long link_object(void)
{
        return link("/dev/shm" NAME, "/dev/shm" OTHER);
}

static long open_semaphore(void)
{
        return done(sem_open(NAME, 0) != SEM_FAILED);
}

static long unlink_semaphore(void)
{
        return sem_unlink(NAME);
}

static long key(void)
{
        return ftok("/dev/shm" NAME, 1) == -1 ? -1 : 0;
}

#define WRITING "EAGAIN EBADF EDQUOT EFAULT EFBIG EINTR EINVAL EIO ENOSPC EPERM"

static const struct operation operations[] = {
        OPERATION("shm_open.create", NULL, NULL, create),
        OPERATION("shm_open.open", new_object, NULL, open_object),
        OPERATION("shm_open.cut", new_object, NULL, open_cut),
        OPERATION("shm_unlink.object", new_object, NULL, unlink_object),
        OPERATION("shm_unlink.mapped", new_object, own_mapping, unlink_object),
        OPERATION("ftruncate.grow", new_object, own_object, grow,
                  .errors = "EACCES EBADF EFBIG EINTR EINVAL EIO EPERM EROFS"),
        OPERATION("ftruncate.cut", new_object, own_object, cut,
                  .errors = "EACCES EBADF EFBIG EINTR EINVAL EIO EPERM EROFS"),
        OPERATION("fallocate.grow", new_object, own_object, allocate,
                  .errors = "EBADF EFBIG EINTR EINVAL EIO ENODEV ENOSPC EOPNOTSUPP EPERM"),
        OPERATION("fallocate.punch", new_object, own_object, punch,
                  .errors = "EBADF EFBIG EINTR EINVAL EIO ENODEV ENOSPC EOPNOTSUPP EPERM"),
        OPERATION("write.in-place", new_object, own_object, write_in_place, .errors = WRITING, .partial = true),
        OPERATION("write.behind", new_object, own_object, write_behind, .errors = WRITING, .partial = true),
        OPERATION("read.object", new_object, own_object, read_object,
                  .errors = "EAGAIN EBADF EFAULT EINTR EINVAL EIO EISDIR", .partial = true),
        OPERATION("mmap.object", new_object, own_object, map,
                  .errors = "EACCES EAGAIN EBADF EINVAL ENFILE ENODEV ENOMEM EOVERFLOW EPERM"),
        OPERATION("munmap.part", new_object, own_mapping, unmap_part, .errors = "EINVAL ENOMEM"),
        OPERATION("fstat.object", new_object, own_object, look, .errors = "EBADF EFAULT ENOMEM EOVERFLOW"),
        OPERATION("sem_open.open", new_semaphore, own_other_semaphore, open_semaphore),
        OPERATION("sem_unlink.one", new_semaphore, NULL, unlink_semaphore),
        OPERATION("link.object", new_object, NULL, link_object,
                  .errors = "EACCES EEXIST EFAULT EIO EMLINK ENOENT ENOMEM ENOSPC EPERM"),
        OPERATION("ftok.file", new_object, NULL, key),
};
const struct family posix_family = FAMILY(operations);
