/* SPDX-License-Identifier: MIT
 *
 * named_lock: two processes count in a POSIX shared memory object under a named semaphore. Both open semaphore and object
 * at the same time: one makes them, the other finds them, and waits until the object has its size and is prepared.
 */
#include "hardened.h"

#include <semaphore.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { ROUNDS = 3, HOLD_MS = 5 };

static const char object_name[] = "/named_lock", lock_name[] = "/named_lock.lock";

struct page {
        atomic_bool prepared;
        atomic_int there;
        int counter;
        sem_t finished;                 /* how many processes have counted to their end */
};

/* ---- the lock ---- */

static bool wait_for_ever(sem_t *lock)
{
        while (sem_wait(lock) == -1)
                if (errno != EINTR)
                        return failed("sem_wait");
        return true;
}

static bool wait_until(sem_t *lock)
{
        const struct timespec end = deadline(CLOCK_REALTIME);

        while (sem_timedwait(lock, &end) == -1)
                if (errno != EINTR)
                        return failed("sem_timedwait");
        return true;
}

static bool wait_by_clock(sem_t *lock)
{
        const struct timespec end = deadline(CLOCK_MONOTONIC);

        while (sem_clockwait(lock, CLOCK_MONOTONIC, &end) == -1)
                if (errno != EINTR)
                        return failed("sem_clockwait");
        return true;
}

static bool try_again_and_again(sem_t *lock)
{
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                if (sem_trywait(lock) == 0)
                        return true;
                if (errno != EINTR && errno != EAGAIN)
                        break;
                pause_ms(1);
        }
        return failed("sem_trywait");
}

/* Nobody else gives back a lock that is not given back here. */
static bool give(sem_t *lock)
{
        return INSIST(sem_post(lock));
}

static sem_t *open_lock(void)
{
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                sem_t *lock = sem_open(lock_name, O_CREAT | O_EXCL, 0600, 1);
                if (lock == SEM_FAILED && errno == EEXIST)
                        lock = sem_open(lock_name, 0);
                if (lock != SEM_FAILED)
                        return lock;
                if (errno != ENOENT && errno != EEXIST && errno != EINTR)
                        break;
                pause_ms(1);
        }
        failed("sem_open");
        return NULL;
}

/* ---- the object ---- */

static bool remove_object(void)
{
        return INSIST(shm_unlink(object_name));
}

static struct page *map(int object)
{
        void *const memory = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, object, 0);

        if (memory == MAP_FAILED) {
                failed("mmap");
                return NULL;
        }
        return memory;
}

static struct page *prepare(int object)
{
        struct page *const page = ftruncate(object, sizeof(*page)) == 0 ? map(object) : NULL;

        if (page && sem_init(&page->finished, 1, 0) == 0) {
                page->prepared = true;
                return page;
        }
        failed("a new object");
        if (page)
                munmap(page, sizeof(*page));
        return NULL;
}

static struct page *wait_for_other(int object)
{
        struct stat st = {0};

        for (int attempt = 0; attempt < ATTEMPTS && st.st_size == 0; attempt++) {
                if (fstat(object, &st) == -1)
                        break;
                if (st.st_size == 0)
                        pause_ms(1);
        }
        struct page *const page = st.st_size ? map(object) : NULL;
        for (int attempt = 0; page && attempt < ATTEMPTS && !page->prepared; attempt++)
                pause_ms(1);
        return page;
}

/* Tells whether it made the object. */
static int open_object(bool *made)
{
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                int object = shm_open(object_name, O_RDWR | O_CREAT | O_EXCL, 0600);
                *made = object != -1;
                if (object == -1 && errno == EEXIST)
                        object = shm_open(object_name, O_RDWR, 0);
                if (object != -1)
                        return object;
                if (errno != ENOENT && errno != EEXIST && errno != EINTR)
                        break;
                pause_ms(1);
        }
        failed("shm_open");
        return -1;
}

static struct page *open_page(void)
{
        bool made;
        const int object = open_object(&made);

        if (object == -1)
                return NULL;
        struct page *const page = made ? prepare(object) : wait_for_other(object);
        close(object);
        if (!page && made)
                remove_object();
        return page;
}

/* ---- the work ---- */

typedef bool (*way)(sem_t *lock);

/* The lock is not fair: the first has it before they meet, and a pause lets the other have it. */
static bool count(sem_t *lock, struct page *page, const way *ways, bool first)
{
        if (!first)
                meet(&page->there);
        for (int i = 0; i < ROUNDS; i++) {
                if (!ways[i](lock))
                        return false;
                if (first && i == 0)
                        meet(&page->there);
                const int now = page->counter;
                pause_ms(HOLD_MS);
                page->counter = now + 1;
                if (!give(lock))
                        return false;
                pause_ms(1);
        }
        return INSIST(sem_post(&page->finished));
}

static bool be_other(void)
{
        static const way ways[ROUNDS] = {wait_until, wait_by_clock, try_again_and_again};
        sem_t *const lock = open_lock();
        struct page *const page = lock ? open_page() : NULL;
        const bool good = page && count(lock, page, ways, false);

        if (page)
                munmap(page, sizeof(*page));
        return (!lock || INSIST(sem_close(lock))) && good;
}

static bool tell(struct page *page)
{
        int finished;

        if (sem_getvalue(&page->finished, &finished) == -1)
                return failed("sem_getvalue");
        printf("%d processes counted to %d\n", finished, page->counter);
        return true;
}

static bool count_together(sem_t *lock, struct page *page)
{
        static const way ways[ROUNDS] = {wait_for_ever, wait_for_ever, wait_for_ever};
        const pid_t other = fork();

        if (other == -1)
                return failed("fork");
        if (other == 0)
                _exit(be_other() ? DONE : FAILED);
        return join(other, count(lock, page, ways, true)) && tell(page);
}

static bool with_page(sem_t *lock)
{
        struct page *const page = open_page();

        if (!page)
                return false;
        bool good = count_together(lock, page);
        good = INSIST(sem_destroy(&page->finished)) && good;
        munmap(page, sizeof(*page));
        return remove_object() && good;
}

static bool run(void)
{
        sem_t *const lock = open_lock();

        if (!lock)
                return false;
        bool good = with_page(lock);
        good = INSIST(sem_close(lock)) && good;
        return INSIST(sem_unlink(lock_name)) && good;
}

int main(void)
{
        setvbuf(stdout, NULL, _IOLBF, 0);
        return closing_all(run);
}
