/* SPDX-License-Identifier: MIT
 *
 * locked_counter: two processes count in a segment under a lock, a System V semaphore. The one who comes first makes the
 * set: until semop() has given it its first value, sem_otime is 0, and the other waits for that. A process that gives up
 * while it holds the lock gives it back by its end (SEM_UNDO).
 */
#include "hardened.h"

#include <sys/sem.h>
#include <sys/shm.h>

enum { ROUNDS = 3, HOLD_MS = 3 };

union semun {
        int val;
        struct semid_ds *buf;
};

static bool operate(int set, short by, short flags)
{
        struct sembuf op = {.sem_op = by, .sem_flg = flags};

        for (;;) {
                if (semop(set, &op, 1) == 0)
                        return true;
                if (errno != EINTR)
                        return failed("semop");
        }
}

/* The same, but looks up from time to time. */
static bool operate_in_time(int set, short by, short flags)
{
        struct sembuf op = {.sem_op = by, .sem_flg = flags};
        const struct timespec slice = {0, 100000000};

        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                if (semtimedop(set, &op, 1, &slice) == 0)
                        return true;
                if (errno != EINTR && errno != EAGAIN)
                        return failed("semtimedop");
        }
        return failed("semtimedop");
}

static bool remove_set(int set)
{
        return INSIST(semctl(set, 0, IPC_RMID));
}

/* Whether the set has its first value; retries are for the caller. */
static bool is_ready(int set)
{
        struct semid_ds ds;

        return semctl(set, 0, IPC_STAT, (union semun){.buf = &ds}) == 0 && ds.sem_otime != 0;
}

static int open_set(key_t key)
{
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                const int set = semget(key, 1, IPC_CREAT | IPC_EXCL | 0600);
                if (set != -1) {
                        if (semctl(set, 0, SETVAL, (union semun){.val = 0}) == 0 && operate(set, 1, 0))
                                return set;
                        failed("a new set");
                        remove_set(set);
                        return -1;
                }
                if (errno != EEXIST)
                        break;
                const int other = semget(key, 1, 0);
                if (other != -1 && is_ready(other))
                        return other;
                pause_ms(1);
        }
        failed("semget");
        return -1;
}

static bool count(int set, volatile int *counter, bool (*lock)(int set, short by, short flags))
{
        for (int i = 0; i < ROUNDS; i++) {
                if (!lock(set, -1, SEM_UNDO))
                        return false;
                const int now = *counter;
                pause_ms(HOLD_MS);
                *counter = now + 1;
                if (!operate(set, 1, SEM_UNDO))
                        return false;
        }
        return true;
}

static bool detach(volatile int *counter)
{
        return INSIST(shmdt((const void *)(uintptr_t)counter));
}

static volatile int *attach(int segment)
{
        void *const memory = shmat(segment, NULL, 0);

        if (memory == (void *)-1) {
                failed("shmat");
                return NULL;
        }
        return memory;
}

/* The other process finds set and segment by the key, as any would. */
static bool be_other(key_t key)
{
        const int set = open_set(key), segment = set == -1 ? -1 : shmget(key, sizeof(int), IPC_CREAT | 0600);

        if (segment == -1)
                return failed("set or segment");
        volatile int *const counter = attach(segment);
        if (!counter)
                return false;
        const bool good = count(set, counter, operate_in_time);
        return detach(counter) && good;
}

/* Who gives up removes the set: that wakes the other. */
static bool count_together(key_t key, int set, volatile int *counter)
{
        const pid_t other = fork();

        if (other == -1)
                return failed("fork");
        if (other == 0)
                _exit(be_other(key) ? DONE : FAILED);
        const bool good = join(other, count(set, counter, operate));
        if (good)
                printf("counted to %d\n", *counter);
        return good;
}

static bool with_segment(key_t key, int set)
{
        const int segment = shmget(key, sizeof(int), IPC_CREAT | IPC_EXCL | 0600);

        if (segment == -1)
                return failed("shmget");
        volatile int *const counter = attach(segment);
        bool good = counter && count_together(key, set, counter);
        good = (!counter || detach(counter)) && good;
        return INSIST(shmctl(segment, IPC_RMID, NULL)) && good;
}

static bool run(void)
{
        const key_t key = ftok("/tmp", 'c');

        if (key == (key_t)-1)
                return failed("ftok");
        const int set = open_set(key);
        if (set == -1)
                return false;
        const bool good = with_segment(key, set);
        return remove_set(set) && good;
}

int main(void)
{
        setvbuf(stdout, NULL, _IOLBF, 0);
        return closing_all(run);
}
