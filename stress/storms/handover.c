/* SPDX-License-Identifier: MIT
 *
 * handover.c: POSIX semaphores as the way from one to another. Each post lets one who waits through, whichever process
 * that is in; who is cancelled or interrupted while waiting takes nothing along; and who came through may destroy the
 * semaphore, though whoever posted has not returned yet.
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#include "have.h"
#include "storm.h"

enum { MOST_THREADS = 3, MOST_CREW = 32, PAIRS = 32, USED = 0x5a };

/* So far off that nobody lives to see it. */
static const int64_t far_ns = 1000000000000;

/* The three calls that wait, and what each promises where its caller is cancelled, or interrupted. */
static const struct wait {
        const char *name;
        enum ipck_requirement cancelled, interrupted, ends;
} waits[] = {
        {"sem_wait()", sem_wait_cancel_no_token_loss, sem_wait_eintr_value_kept, sem_wait_eintr},
        {"sem_timedwait()", sem_timedwait_cancel_no_token_loss, sem_timedwait_value_kept, sem_timedwait_eintr},
        {"sem_clockwait()", sem_clockwait_cancel_no_token_loss, sem_clockwait_value_kept, sem_clockwait_eintr},
};
enum { WAITS = HAVE_SEM_CLOCKWAIT ? 3 : 2 };

static struct books {
        sem_t sem;
        uint32_t way;                           /* of waiting: one in a round, so that it is clear who is to blame */
        int threads, waiters;
        bool interrupts;
        _Atomic int waiting, disturbed;
        sem_t once[PAIRS];                      /* for one unit each */
} *books;

static int wait_in(uint32_t way, sem_t *sem)
{
        struct timespec until;

        switch (way) {
        case 0: return sem_wait(sem);
#if HAVE_SEM_CLOCKWAIT
        case 2:
                until = deadline_in(CLOCK_MONOTONIC, far_ns);
                return sem_clockwait(sem, CLOCK_MONOTONIC, &until);
#endif
        default:
                until = deadline_in(CLOCK_REALTIME, far_ns);
                return sem_timedwait(sem, &until);
        }
}

static void post(sem_t *sem)
{
        EXPECT(sem_post_ret_zero, sem_post(sem) == 0, "sem_post() fails with %s", errno_name(errno));
        count_operations(1);
}

/* ---- each post lets one through ---- */

static void *come_through(void *unused)
{
        books->waiting++;
        EXPECT(sem_wait_ret_zero, wait_in(books->way, &books->sem) == 0, "%s fails with %s", waits[books->way].name,
               errno_name(errno));
        count_operations(1);
        return unused;
}

static void waiting_process(int me)
{
        pthread_t threads[MOST_THREADS];

        (void)me;
        doing("the wait for a unit that was posted");
        for (int i = 1; i < books->threads; i++)
                start_thread(&threads[i], come_through, NULL);
        come_through(NULL);
        for (int i = 1; i < books->threads; i++)
                pthread_join(threads[i], NULL);
}

static void posting_process(int me)
{
        (void)me;
        doing("sem_post()");
        post(&books->sem);
}

static void hand_over(void)
{
        const int processes = 1 + (int)pick(once_in(8) ? MOST_CREW : 3);

        books->threads = 1 + (int)pick(MOST_THREADS);
        books->waiters = processes * books->threads;
        muster(processes, waiting_process);
        set_off();
        if (!once_in(4))
                UNTIL(books->waiting == books->waiters);
        for (int left = books->waiters; left > 0; left--) {
                if (once_in(2))
                        tarry();
                if (once_in(3))
                        post(&books->sem);
                else
                        muster(1, posting_process);
        }
        all_end(sem_post_wakes_cross_process);
        int value = 0;
        MUST(sem_getvalue(&books->sem, &value));
        EXPECT(sem_post_wakes_each_post, value == 0, "%d units for as many waiters leave the value %d", books->waiters,
               value);
}

/* ---- who is cancelled or interrupted takes nothing ---- */

enum { DISTURBANCE = SIGUSR1 };

static _Atomic bool enough;             /* threads of this process are to end by themselves */

static void *use_units(void *unused)
{
        int before;

        while (!enough) {
                if (wait_in(books->way, &books->sem) == -1) {
                        EXPECT(waits[books->way].ends, errno == EINTR && books->interrupts, "%s fails with %s",
                               waits[books->way].name, errno_name(errno));
                        continue;
                }
                pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
                sched_yield();                  /* so that others wait */
                post(&books->sem);
                pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before);
                pthread_testcancel();           /* where the wait is none of the points of cancellation */
        }
        return unused;
}

static void disturbing_process(int me)
{
        pthread_t threads[MOST_THREADS];

        (void)me;
        doing(books->interrupts ? "threads that are interrupted" : "threads that are cancelled");
        catch_signal(DISTURBANCE, 0);
        for (uint32_t n = 1 + pick(20); n > 0; n--) {
                enough = false;
                for (int i = 0; i < books->threads; i++)
                        start_thread(&threads[i], use_units, NULL);
                for (uint32_t signals = books->interrupts ? pick(50) : 0; signals > 0; signals--) {
                        tarry();
                        pthread_kill(threads[pick((uint32_t)books->threads)], DISTURBANCE);
                        books->disturbed++;
                }
                enough = books->interrupts;
                for (int i = 0; !books->interrupts && i < books->threads; i++) {
                        tarry();
                        pthread_cancel(threads[i]);
                        books->disturbed++;
                }
                for (int i = 0; i < books->threads; i++)
                        pthread_join(threads[i], NULL);
        }
}

static void disturb_waiters(void)
{
        const struct wait *const way = &waits[books->way];
        const int units = 1 + (int)pick(2);
        int value = 0;

        books->threads = 2 + (int)pick(MOST_THREADS - 1);
        for (int i = 0; i < units; i++)
                post(&books->sem);
        books->interrupts = once_in(2);
        const enum ipck_requirement blamed = books->interrupts ? way->interrupted : way->cancelled;
        muster(draw_crew(1, MOST_CREW / 2), disturbing_process);
        set_off();
        const bool ended = all_have_ended();
        MUST(sem_getvalue(&books->sem, &value));
        if (!ended)
                VIOLATED_BY_STUCK(value > 0 ? sem_post_no_lost_wakeup : blamed);
        EXPECT(blamed, value == units, "%d times a thread was %s in %s; of %d units %d are left", books->disturbed,
               books->interrupts ? "interrupted" : "cancelled", way->name, units, value);
}

/* ---- who came through may destroy it ---- */

static void destroying_process(int me)
{
        doing("the wait for a semaphore's only unit");
        for (int i = me; i < PAIRS; i += 2) {
                sem_t *const sem = &books->once[i];
                EXPECT(sem_wait_ret_zero, wait_in(books->way, sem) == 0, "%s fails with %s",
                       waits[books->way].name, errno_name(errno));
                EXPECT(sem_destroy_ret_zero, sem_destroy(sem) == 0, "sem_destroy() fails with %s",
                       errno_name(errno));
                memset(sem, USED, sizeof(*sem));
                count_operations(2);
        }
}

static void post_each(int me)
{
        doing("sem_post()");
        for (int i = me % 2; i < PAIRS; i += 2) {
                if (once_in(2))
                        tarry();
                post(&books->once[i]);
        }
}

static void destroy_at_once(void)
{
        unsigned char used[sizeof(sem_t)];

        memset(used, USED, sizeof(used));
        for (int i = 0; i < PAIRS; i++)
                MUST(sem_init(&books->once[i], 1, 0));
        muster(2, destroying_process);
        muster(2, post_each);
        set_off();
        all_end(sem_post_wakes_cross_process);
        for (int i = 0; i < PAIRS; i++)
                EXPECT(sem_destroy_right_after_wait, memcmp(&books->once[i], used, sizeof(used)) == 0,
                       "sem_post() stores into a semaphore that was destroyed by who came through");
}

STORM(handover, "POSIX semaphores between processes: each post lets one through, who is disturbed takes none along")
{
        books = shared(sizeof(*books));
        while (another_round()) {
                memset(books, 0, sizeof(*books));
                MUST(sem_init(&books->sem, 1, 0));
                books->way = pick(WAITS);
                switch (pick(3)) {
                case 0: hand_over(); break;
                case 1: disturb_waiters(); break;
                default: destroy_at_once(); break;
                }
        }
}
