/* SPDX-License-Identifier: MIT
 *
 * sem_destroy(): right after sem_wait() has returned, while the sem_post() that let it return may not have. Each way
 * makes a late access of sem_post() show: the memory is unmapped, cannot be accessed, or is that of something else.
 */
#include <sys/wait.h>

#include "ipck_posix_sem.h"
#include "ipck_race.h"

enum { ROUNDS = 60, OTHER = 0x5a };

struct round {
        sem_t *sem;
        int (*free_memory)(void *page);
        void *page;
        bool sleeps;                    /* where the post finds somebody asleep; else one who is about to call */
};

static int unmap(void *page)
{
        return munmap(page, page_size());
}

static int lock_up(void *page)
{
        return mprotect(page, page_size(), PROT_NONE);
}

static int reuse(void *page)
{
        memset(page, OTHER, page_size());
        return 0;
}

static const struct way_to_free {
        const char *name;
        int (*free_memory)(void *page);
} ways_to_free[] = {{"unmapped", unmap}, {"protected", lock_up}, {"used again", reuse}};

/* At the page's end, and once in its midst. */
static sem_t *place_in(char *page, bool at_end)
{
        return (sem_t *)(page + (at_end ? page_size() - sizeof(sem_t) : page_size() / 2));
}

/* 0 or the errno value. */
static int wait_and_free(void *arg)
{
        const struct round *r = arg;

        if (!r->sleeps) {
                /* The fewest instructions between the post's effect and the end of the semaphore. */
                int value = 0;
                for (int64_t end = monotonic_ns() + 1000000; value == 0 && monotonic_ns() < end;)
                        sem_getvalue(r->sem, &value);
        }
        if (sem_wait(r->sem) == -1 || sem_destroy(r->sem) == -1 || r->free_memory(r->page) == -1)
                return errno;
        return 0;
}

static void play_round(int number, const struct way_to_free *way, int pshared)
{
        struct thread waiter = {0};
        struct round round = {.free_memory = way->free_memory, .page = shared(page_size()), .sleeps = number % 3 == 0};

        round.sem = place_in(round.page, number % 2);
        MUST(sem_init(round.sem, pshared, 0));
        start(&waiter, wait_and_free, &round);
        if (round.sleeps)
                UNTIL(waits(&waiter));
        else
                dawdle();
        EQ(sem_destroy_right_after_wait, sem_post(round.sem), 0);
        finish(&waiter);
        EQ(sem_destroy_right_after_wait, waiter.result, 0);
        if (way->free_memory == reuse) {
                HOLDS(sem_destroy_right_after_wait, all_bytes(round.page, page_size(), OTHER));
        }
        if (way->free_memory != unmap)
                MUST(munmap(round.page, page_size()));
}

TEST(waiting_thread_frees_the_memory, VERIFIES(sem_destroy_right_after_wait))
{
        for (int pshared = 0; pshared < 2; pshared++) {
                EACH_ROW(way, ways_to_free) {
                        struct child process;

                        CHILD(&process)
                                for (int number = 0; number < ROUNDS; number++)
                                        play_round(number, way, pshared);
                        const int status = reap(&process);
                        HOLDS(sem_destroy_right_after_wait, WIFEXITED(status) && WEXITSTATUS(status) == 0);
                }
        }
}

/* ---- processes: the memory ends for both at once, because its file does ---- */

TEST(waiting_process_frees_the_memory, VERIFIES(sem_destroy_right_after_wait))
{
        const int fd = shm_open("/ipck", O_RDWR | O_CREAT | O_EXCL, 0600);
        const off_t size = (off_t)page_size();
        struct child waiter, poster;

        MUST(fd);
        char *const page = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        REQUIRE(page != MAP_FAILED);
        sem_t *const sem = place_in(page, true);
        CHILD(&waiter) {
                for (int number = 1; number <= ROUNDS; number++) {
                        MUST(ftruncate(fd, size));
                        MUST(sem_init(sem, 1, 0));
                        here(&waiter, number);
                        if (number % 2) {
                                int value = 0;
                                for (int64_t end = monotonic_ns() + 1000000; value == 0 && monotonic_ns() < end;)
                                        sem_getvalue(sem, &value);
                        }
                        const int result = sem_wait(sem), destroyed = sem_destroy(sem);
                        MUST(ftruncate(fd, 0));
                        EQ(sem_destroy_right_after_wait, result, 0);
                        EQ(sem_destroy_right_after_wait, destroyed, 0);
                        await(&waiter, number);
                }
        }
        CHILD(&poster) {
                for (int number = 1; number <= ROUNDS; number++) {
                        UNTIL(at(&waiter) == number);
                        if (number % 2 == 0)
                                UNTIL(sleeping(waiter.pid));
                        else
                                dawdle();
                        EQ(sem_destroy_right_after_wait, sem_post(sem), 0);
                        tell(&waiter, number);
                }
        }
        const int status = reap(&poster);
        HOLDS(sem_destroy_right_after_wait, WIFEXITED(status) && WEXITSTATUS(status) == 0);
        if (status != 0)
                kill_child(&waiter);
        else
                join(&waiter);
}
