/* SPDX-License-Identifier: MIT
 *
 * sysv_sem.c: System V semaphores.
 */
#include <sys/ipc.h>
#include <sys/sem.h>
#include <time.h>

#include "bench.h"

enum { MANY = 10 };

union semun {
        int val;
        struct semid_ds *buf;
        unsigned short *array;
};

static int set;

static void new_set(int count)
{
        set = (int)NEEDS(semget(IPC_PRIVATE, count, 0600));
}

static void prepare_set(const struct bench *bench)
{
        (void)bench;
        new_set(MANY);
}

static void change(int semaphore, int by, int flags)
{
        struct sembuf one = {(unsigned short)semaphore, (short)by, (short)flags};

        NEEDS(semop(set, &one, 1));
}

static void run_semop(const struct bench *bench, unsigned long operations)
{
        (void)bench;
        while (operations--) {
                change(0, 1, 0);
                change(0, -1, 0);
        }
}

static void run_undo(const struct bench *bench, unsigned long operations)
{
        (void)bench;
        while (operations--) {
                change(0, 1, SEM_UNDO);
                change(0, -1, SEM_UNDO);
        }
}

static void run_semtimedop(const struct bench *bench, unsigned long operations)
{
        const struct timespec long_time = {1000, 0};
        struct sembuf up = {0, 1, 0}, down = {0, -1, 0};

        (void)bench;
        while (operations--) {
                NEEDS(semtimedop(set, &up, 1, &long_time));
                NEEDS(semtimedop(set, &down, 1, &long_time));
        }
}

static void run_array(const struct bench *bench, unsigned long operations)
{
        struct sembuf up[MANY], down[MANY];

        (void)bench;
        for (unsigned short i = 0; i < MANY; i++) {
                up[i] = (struct sembuf){i, 1, 0};
                down[i] = (struct sembuf){i, -1, 0};
        }
        while (operations--) {
                NEEDS(semop(set, up, MANY));
                NEEDS(semop(set, down, MANY));
        }
}

static void run_refused(const struct bench *bench, unsigned long operations)
{
        struct sembuf down = {0, -1, IPC_NOWAIT};

        (void)bench;
        while (operations--)
                if (semop(set, &down, 1) != -1 || errno != EAGAIN)
                        bench_fails("semop(IPC_NOWAIT) of 0 units", errno);
}

static void run_getval(const struct bench *bench, unsigned long operations)
{
        (void)bench;
        while (operations--)
                NEEDS(semctl(set, 0, GETVAL));
}

static void run_setval(const struct bench *bench, unsigned long operations)
{
        (void)bench;
        while (operations--)
                NEEDS(semctl(set, 0, SETVAL, (union semun){.val = 1}));
}

static void run_stat(const struct bench *bench, unsigned long operations)
{
        struct semid_ds about;

        (void)bench;
        while (operations--)
                NEEDS(semctl(set, 0, IPC_STAT, (union semun){.buf = &about}));
}

static key_t key;

static void prepare_key(const struct bench *bench)
{
        (void)bench;
        key = 0x1bc5;                   /* in a namespace of our own */
        set = (int)NEEDS(semget(key, 1, 0600 | IPC_CREAT | IPC_EXCL));
}

static void run_semget(const struct bench *bench, unsigned long operations)
{
        (void)bench;
        while (operations--)
                NEEDS(semget(key, 1, 0));
}

static void run_create_remove(const struct bench *bench, unsigned long operations)
{
        (void)bench;
        while (operations--) {
                new_set(1);
                NEEDS(semctl(set, 0, IPC_RMID));
        }
}

/* Semaphore 0 is side 0's, 1 is side 1's. */
static void open_set(size_t bytes)
{
        (void)bytes;
        new_set(2);
}

static void give(int side)
{
        change(side, 1, 0);
}

static void take(int side)
{
        change(side, -1, 0);
}

/* Each side would only take from its own semaphore, until its adjustment is beyond SEMAEM: it is put back at once. */
static void take_undo(int side)
{
        struct sembuf both[] = {
                {(unsigned short)side, -1, SEM_UNDO},
                {(unsigned short)side, 1, SEM_UNDO},
                {(unsigned short)side, -1, 0},
        };

        NEEDS(semop(set, both, 3));
}

static void take_timed(int side)
{
        struct sembuf down = {(unsigned short)side, -1, 0};
        const struct timespec long_time = {1000, 0};

        NEEDS(semtimedop(set, &down, 1, &long_time));
}

static const struct mechanism semaphores = {open_set, give, take};
static const struct mechanism with_undo = {open_set, give, take_undo};
static const struct mechanism timed = {open_set, give, take_timed};

BENCH_LIST(sysv_sem_benches,
        CALLS("sysv.sem.semop", "semop() that need not wait", 2, prepare_set, run_semop),
        CALLS("sysv.sem.semop.undo", "semop() with SEM_UNDO", 2, prepare_set, run_undo),
        CALLS("sysv.sem.semop.array", "semop() of 10 operations", 2, prepare_set, run_array),
        CALLS("sysv.sem.semop.eagain", "semop() with IPC_NOWAIT that fails", 1, prepare_set, run_refused),
        CALLS("sysv.sem.semtimedop", "semtimedop() that need not wait", 2, prepare_set, run_semtimedop),
        CALLS("sysv.sem.getval", "semctl(GETVAL)", 1, prepare_set, run_getval),
        CALLS("sysv.sem.setval", "semctl(SETVAL)", 1, prepare_set, run_setval),
        CALLS("sysv.sem.stat", "semctl(IPC_STAT)", 1, prepare_set, run_stat),
        CALLS("sysv.sem.semget", "semget() of a set that exists", 1, prepare_key, run_semget),
        CYCLE("sysv.sem.create_remove", "semget(IPC_PRIVATE) and IPC_RMID", 0, NULL, run_create_remove),
        PING_PONG("sysv.sem.ping_pong", "there and back, semop()", &semaphores, 0),
        PING_PONG("sysv.sem.ping_pong.undo", "there and back, semop() with SEM_UNDO", &with_undo, 0),
        PING_PONG("sysv.sem.ping_pong.timed", "there and back, waiting with semtimedop()", &timed, 0));
