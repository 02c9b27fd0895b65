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

struct page {
        atomic_int there;
        volatile int counter;
};

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

static bool count(int set, struct page *page, bool (*lock)(int set, short by, short flags))
{
        meet(&page->there);
        for (int i = 0; i < ROUNDS; i++) {
                if (!lock(set, -1, SEM_UNDO))
                        return false;
                const int now = page->counter;
                pause_ms(HOLD_MS);
                page->counter = now + 1;
                if (!operate(set, 1, SEM_UNDO))
                        return false;
        }
        return true;
}

static bool detach(const struct page *page)
{
        return INSIST(shmdt(page));
}

static struct page *attach(int segment)
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
        const int set = open_set(key), segment = set == -1 ? -1 : shmget(key, sizeof(struct page), IPC_CREAT | 0600);

        if (segment == -1)
                return failed("set or segment");
        struct page *const page = attach(segment);
        if (!page)
                return false;
        const bool good = count(set, page, operate_in_time);
        return detach(page) && good;
}

/* Who gives up removes the set: that wakes the other. */
static bool count_together(key_t key, int set, struct page *page)
{
        const pid_t other = fork();

        if (other == -1)
                return failed("fork");
        if (other == 0)
                _exit(be_other(key) ? DONE : FAILED);
        const bool good = join(other, count(set, page, operate));
        if (good)
                printf("counted to %d\n", page->counter);
        return good;
}

static bool with_segment(key_t key, int set)
{
        const int segment = shmget(key, sizeof(struct page), IPC_CREAT | IPC_EXCL | 0600);

        if (segment == -1)
                return failed("shmget");
        struct page *const page = attach(segment);
        bool good = page && count_together(key, set, page);
        good = (!page || detach(page)) && good;
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
