/* SPDX-License-Identifier: MIT
 *
 * semaphores.c: POSIX semaphores, named and not, taken by processes and threads in every way and given back. There are
 * never more holders than units, no unit is lost, and nobody is stuck; a name that is unlinked changes nothing for
 * those who have the semaphore.
 */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>

#include "have.h"
#include "storm.h"

enum { MOST_CREW = 64, MOST_THREADS = 3 };

static struct books {
        bool named;
        int crew, units, each;
        sem_t own;                              /* the one that has no name */
        _Atomic int met, holders, unlinked;
        bool enough;                            /* units for all, so that nobody need wait */
} *books;

static const char name[] = "/ipck-storm";

/* Takes a unit in a way picked; false where none was there in time. */
static bool take(sem_t *sem, uint32_t way)
{
        const struct timespec past = {.tv_sec = 1}, brief = deadline_in(CLOCK_REALTIME, way % 1000000);
        int result;

        switch (way % 6) {
        case 0: result = sem_trywait(sem); break;
        case 1: result = sem_timedwait(sem, &past); break;
        case 2: result = sem_timedwait(sem, &brief); break;
#if HAVE_SEM_CLOCKWAIT
        case 3: {
                const struct timespec monotonic = deadline_in(CLOCK_MONOTONIC, way % 1000000);
                result = sem_clockwait(sem, CLOCK_MONOTONIC, &monotonic);
                break;
        }
#endif
        default:
                EXPECT(sem_wait_ret_zero, sem_wait(sem) == 0, "sem_wait() fails with %s", errno_name(errno));
                return true;
        }
        if (result == 0)
                return true;
        EXPECT(sem_trywait_eagain, errno == (way % 6 ? ETIMEDOUT : EAGAIN), "a wait that does not last fails with %s",
               errno_name(errno));
        EXPECT(sem_timedwait_immediate, !books->enough, "no unit is had although there are enough for all");
        return false;
}

struct thread {
        sem_t *sem;
        struct random dice;
};

static void *use(void *argument)
{
        struct thread *const self = argument;

        for (int n = 0; n < books->each; n++) {
                if (!take(self->sem, (uint32_t)random_next(&self->dice)))
                        continue;
                const int holders = atomic_fetch_add(&books->holders, 1) + 1;
                EXPECT(sem_wait_blocks_at_zero, holders <= books->units, "%d have one of %d units", holders,
                       books->units);
                for (volatile uint32_t steps = draw(&self->dice, 2000); steps > 0; steps--) {
                }
                atomic_fetch_sub(&books->holders, 1);
                EXPECT(sem_post_ret_zero, sem_post(self->sem) == 0, "sem_post() fails with %s", errno_name(errno));
                count_operations(2);
        }
        return NULL;
}

/* The name goes; who has the semaphore keeps it, and the name is free for another. */
static void unlink_once(const sem_t *sem)
{
        if (atomic_fetch_add(&books->unlinked, 1) != 0)
                return;
        EXPECT(sem_unlink_ret_zero, sem_unlink(name) == 0, "sem_unlink() fails with %s", errno_name(errno));
        EXPECT(sem_unlink_ret_zero, sem_open(name, 0) == SEM_FAILED && errno == ENOENT,
               "a semaphore is found by the name that was unlinked");
        sem_t *const other = sem_open(name, O_CREAT | O_EXCL, 0600, 100);
        EXPECT(sem_unlink_recreate_distinct, other != SEM_FAILED && other != sem,
               "the name of an unlinked semaphore is not free for another");
        EXPECT(sem_unlink_recreate_distinct, sem_trywait(other) == 0, "a new semaphore of value 100 has no unit");
        sem_close(other);
        EXPECT(sem_unlink_ret_zero, sem_unlink(name) == 0, "sem_unlink() fails with %s", errno_name(errno));
}

static void worker(int me)
{
        pthread_t threads[MOST_THREADS];
        struct thread selves[MOST_THREADS];
        sem_t *const sem = books->named ? sem_open(name, 0) : &books->own;
        const int count = 1 + (int)pick(MOST_THREADS);

        (void)me;
        EXPECT(sem_open_two_processes, sem != SEM_FAILED, "sem_open() fails with %s", errno_name(errno));
        /* All have it before its name goes. */
        meet(&books->met, books->crew, 1);
        doing("the use of a semaphore");
        for (int i = 0; i < count; i++) {
                selves[i] = (struct thread){sem, random_from(pick(UINT32_MAX))};
                start_thread(&threads[i], use, &selves[i]);
        }
        if (books->named && once_in(4))
                unlink_once(sem);
        for (int i = 0; i < count; i++)
                pthread_join(threads[i], NULL);
}

STORM(semaphores, "POSIX semaphores among processes and threads: no unit lost or doubled, nobody stuck")
{
        int value;

        private_directory();
        books = shared(sizeof(*books));
        while (another_round()) {
                memset(books, 0, sizeof(*books));
                const int crew = books->crew = draw_crew(2, MOST_CREW);
                books->named = once_in(2);
                books->enough = once_in(4);
                books->units = books->enough ? crew * MOST_THREADS : 1 + (int)pick(4);
                books->each = 1 + (int)pick(once_in(8) ? 2000 : 50);
                sem_t *sem = &books->own;
                if (books->named)
                        sem = sem_open(name, O_CREAT | O_EXCL, 0600, (unsigned)books->units);
                else
                        MUST(sem_init(sem, 1, (unsigned)books->units));
                MUST(sem == SEM_FAILED ? -1 : 0);
                muster(crew, worker);
                set_off();
                all_end(sem_post_no_lost_wakeup);
                MUST(sem_getvalue(sem, &value));
                EXPECT(sem_timedwait_value_kept, value == books->units, "when all have ended the value is %d, not %d",
                       value, books->units);
                if (books->named) {
                        MUST(sem_close(sem));
                        if (!books->unlinked)
                                MUST(sem_unlink(name));
                }
        }
}
