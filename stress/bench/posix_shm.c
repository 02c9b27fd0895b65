/* SPDX-License-Identifier: MIT
 *
 * posix_shm.c: POSIX shared memory.
 */
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

enum { MOST_BYTES = 4096 };

static char name[64];

static int new_object(size_t bytes)
{
        snprintf(name, sizeof(name), "/ipck-bench-%d", (int)getpid());
        const int object = (int)NEEDS(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
        NEEDS(ftruncate(object, (off_t)bytes));
        return object;
}

static char *map(int object, size_t bytes)
{
        return (char *)NEEDS(mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, object, 0));
}

static void prepare_name(const struct bench *bench)
{
        NEEDS(close(new_object(bench->bytes)));
}

static void run_open_close(const struct bench *bench, unsigned long operations)
{
        (void)bench;
        while (operations--) {
                const int object = (int)NEEDS(shm_open(name, O_RDWR, 0));
                NEEDS(close(object));
        }
}

static void run_whole_life(const struct bench *bench, unsigned long operations)
{
        const size_t page = (size_t)sysconf(_SC_PAGESIZE);

        while (operations--) {
                const int object = new_object(bench->bytes);
                char *const memory = map(object, bench->bytes);
                for (size_t at = 0; at < bench->bytes; at += page)
                        memory[at] = 1;
                NEEDS(munmap(memory, bench->bytes));
                NEEDS(close(object));
                NEEDS(shm_unlink(name));
        }
}

/* ---- memory to hand over, and semaphores in it to say so ---- */

static struct {
        sem_t ready[2];
        char text[2][MOST_BYTES];
} *shared;
static char own[MOST_BYTES];
static size_t message_bytes;

static void open_shared(size_t bytes)
{
        const int object = new_object(sizeof(*shared));

        message_bytes = bytes;
        shared = (void *)map(object, sizeof(*shared));
        NEEDS(close(object));
        NEEDS(shm_unlink(name));
        for (int side = 0; side < 2; side++)
                NEEDS(sem_init(&shared->ready[side], 1, 0));
}

static void give(int side)
{
        memcpy(shared->text[side], own, message_bytes);
        NEEDS(sem_post(&shared->ready[side]));
}

static void take(int side)
{
        NEEDS(sem_wait(&shared->ready[side]));
        memcpy(own, shared->text[side], message_bytes);
}

static const struct mechanism memory_and_semaphores = {open_shared, give, take};

#define LIFE "shm_open(O_CREAT), ftruncate(), mmap(), a write to each page, munmap(), close(), shm_unlink()"

BENCH_LIST(posix_shm_benches,
        CYCLE("posix.shm.open_close", "shm_open() of one that exists, and close()", 4096, prepare_name, run_open_close),
        CYCLE("posix.shm.life.4k", LIFE ", 4 KiB", 4096, NULL, run_whole_life),
        CYCLE("posix.shm.life.1m", LIFE ", 1 MiB", 1 << 20, NULL, run_whole_life),
        PING_PONG("posix.shm.ping_pong.4k", "4 KiB there and back, shared memory and sem_post()", &memory_and_semaphores, 4096));
