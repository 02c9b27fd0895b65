/* SPDX-License-Identifier: MIT
 *
 * sysv_shm.c: System V shared memory.
 */
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

#include "bench.h"

enum { MOST_BYTES = 4096 };

static int segment;

static void new_segment(size_t bytes)
{
        segment = (int)NEEDS(shmget(IPC_PRIVATE, bytes, 0600));
}

static void remove_segment(void)
{
        NEEDS(shmctl(segment, IPC_RMID, NULL));
}

static char *attach(void)
{
        return (char *)NEEDS(shmat(segment, NULL, 0));
}

static void prepare_segment(const struct bench *bench)
{
        new_segment(bench->bytes);
        attach()[0] = 1;                /* it stays attached, and allocated */
}

static void run_create_remove(const struct bench *bench, unsigned long operations)
{
        while (operations--) {
                new_segment(bench->bytes);
                remove_segment();
        }
}

static void run_attach_detach(const struct bench *bench, unsigned long operations)
{
        (void)bench;
        while (operations--)
                NEEDS(shmdt(attach()));
}

static void run_whole_life(const struct bench *bench, unsigned long operations)
{
        const size_t page = (size_t)sysconf(_SC_PAGESIZE);

        while (operations--) {
                new_segment(bench->bytes);
                char *const memory = attach();
                for (size_t at = 0; at < bench->bytes; at += page)
                        memory[at] = 1;
                NEEDS(shmdt(memory));
                remove_segment();
        }
}

static void run_stat(const struct bench *bench, unsigned long operations)
{
        struct shmid_ds about;

        (void)bench;
        while (operations--)
                NEEDS(shmctl(segment, IPC_STAT, &about));
}

/* ---- memory to hand over, and semaphores to say so ---- */

static int set;
static char *shared;
static char own[MOST_BYTES];
static size_t message_bytes;

static void open_both(size_t bytes)
{
        message_bytes = bytes;
        new_segment(2 * bytes);
        shared = attach();
        remove_segment();
        set = (int)NEEDS(semget(IPC_PRIVATE, 2, 0600));
}

static void give(int side)
{
        struct sembuf up = {(unsigned short)side, 1, 0};

        memcpy(shared + (size_t)side * message_bytes, own, message_bytes);
        NEEDS(semop(set, &up, 1));
}

static void take(int side)
{
        struct sembuf down = {(unsigned short)side, -1, 0};

        NEEDS(semop(set, &down, 1));
        memcpy(own, shared + (size_t)side * message_bytes, message_bytes);
}

static const struct mechanism memory_and_semaphores = {open_both, give, take};

#define LIFE "shmget(), shmat(), a write to each page, shmdt(), IPC_RMID"

BENCH_LIST(sysv_shm_benches,
        CYCLE("sysv.shm.create_remove.4k", "shmget(IPC_PRIVATE) and IPC_RMID, 4 KiB", 4096, NULL, run_create_remove),
        CYCLE("sysv.shm.create_remove.1m", "shmget(IPC_PRIVATE) and IPC_RMID, 1 MiB", 1 << 20, NULL, run_create_remove),
        CYCLE("sysv.shm.attach_detach.4k", "shmat() and shmdt(), 4 KiB", 4096, prepare_segment, run_attach_detach),
        CYCLE("sysv.shm.attach_detach.1m", "shmat() and shmdt(), 1 MiB", 1 << 20, prepare_segment, run_attach_detach),
        CYCLE("sysv.shm.life.4k", LIFE ", 4 KiB", 4096, NULL, run_whole_life),
        CYCLE("sysv.shm.life.1m", LIFE ", 1 MiB", 1 << 20, NULL, run_whole_life),
        {"sysv.shm.stat", "shmctl(IPC_STAT)", "call", 1, 4096, prepare_segment, run_stat, ALONE, NULL},
        PING_PONG("sysv.shm.ping_pong.4k", "4 KiB there and back, shared memory and semop()", &memory_and_semaphores, 4096));
