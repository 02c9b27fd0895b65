/* SPDX-License-Identifier: MIT
 *
 * posix_sem.c: POSIX semaphores.
 */
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

static sem_t *semaphores[2];            /* one for each side */
static char name[64];

static void open_unnamed(size_t bytes)
{
        (void)bytes;
        for (int side = 0; side < 2; side++) {
                semaphores[side] = (void *)NEEDS(mmap(NULL, sizeof(sem_t), PROT_READ | PROT_WRITE,
                                                      MAP_SHARED | MAP_ANONYMOUS, -1, 0));
                NEEDS(sem_init(semaphores[side], 1, 0));
        }
}

static sem_t *opened(int flags)
{
        sem_t *const sem = sem_open(name, flags, 0600, 0);

        if (sem == SEM_FAILED)
                bench_fails("sem_open()", errno);
        return sem;
}

static void choose_name(void)
{
        snprintf(name, sizeof(name), "/ipck-bench-%d", (int)getpid());
}

static void open_named(size_t bytes)
{
        (void)bytes;
        choose_name();
        for (int side = 0; side < 2; side++) {
                semaphores[side] = opened(O_CREAT | O_EXCL);
                NEEDS(sem_unlink(name));
        }
}

static void give(int side)
{
        NEEDS(sem_post(semaphores[side]));
}

static void take(int side)
{
        NEEDS(sem_wait(semaphores[side]));
}

static const struct mechanism unnamed = {open_unnamed, give, take}, named = {open_named, give, take};

static void prepare_unnamed(const struct bench *bench)
{
        open_unnamed(bench->bytes);
}

static void run_timedwait(const struct bench *bench, unsigned long operations)
{
        struct timespec deadline;

        (void)bench;
        clock_gettime(CLOCK_REALTIME, &deadline);
        deadline.tv_sec += 1000;
        while (operations--) {
                give(0);
                NEEDS(sem_timedwait(semaphores[0], &deadline));
        }
}

static void run_refused(const struct bench *bench, unsigned long operations)
{
        (void)bench;
        while (operations--)
                if (sem_trywait(semaphores[0]) != -1 || errno != EAGAIN)
                        bench_fails("sem_trywait() of 0 units", errno);
}

static void run_getvalue(const struct bench *bench, unsigned long operations)
{
        int value;

        (void)bench;
        while (operations--)
                NEEDS(sem_getvalue(semaphores[0], &value));
}

static void run_create_remove(const struct bench *bench, unsigned long operations)
{
        (void)bench;
        choose_name();
        while (operations--) {
                sem_t *const sem = opened(O_CREAT | O_EXCL);
                NEEDS(sem_unlink(name));
                NEEDS(sem_close(sem));
        }
}

/* Without its name it could not be opened: the sandbox's /dev/shm ends with the run. */
static void prepare_name(const struct bench *bench)
{
        (void)bench;
        choose_name();
        NEEDS(sem_close(opened(O_CREAT | O_EXCL)));
}

static void run_open_close(const struct bench *bench, unsigned long operations)
{
        (void)bench;
        while (operations--)
                NEEDS(sem_close(opened(0)));
}

BENCH_LIST(posix_sem_benches,
        SEND_RECEIVE("posix.sem.post_wait", "sem_post() and sem_wait() that need not wait, unnamed", &unnamed, 0),
        SEND_RECEIVE("posix.sem.post_wait.named", "sem_post() and sem_wait() that need not wait, named", &named, 0),
        CALLS("posix.sem.timedwait", "sem_post() and sem_timedwait() that need not wait", 2, prepare_unnamed, run_timedwait),
        CALLS("posix.sem.trywait.eagain", "sem_trywait() that fails", 1, prepare_unnamed, run_refused),
        CALLS("posix.sem.getvalue", "sem_getvalue()", 1, prepare_unnamed, run_getvalue),
        CYCLE("posix.sem.open_close", "sem_open() of one that exists, and sem_close()", 0, prepare_name, run_open_close),
        CYCLE("posix.sem.create_remove", "sem_open(O_CREAT), sem_unlink(), sem_close()", 0, NULL, run_create_remove),
        PING_PONG("posix.sem.ping_pong", "there and back, sem_post() and sem_wait(), unnamed", &unnamed, 0),
        PING_PONG("posix.sem.ping_pong.named", "there and back, sem_post() and sem_wait(), named", &named, 0));
