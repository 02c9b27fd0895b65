/* SPDX-License-Identifier: MIT
 *
 * timeouts.c: waits with a deadline, each of them alone with one who gives at any moment. None ends early, none fails
 * where there was something to take, and nothing is taken by a call that fails.
 */
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <sys/sem.h>

#include "have.h"
#include "storm.h"

enum kind { SEMTIMEDOP, SEM_TIMEDWAIT, SEM_CLOCKWAIT, MQ_TIMEDRECEIVE, MQ_TIMEDSEND, KINDS };
enum { MOST_PAIRS = 60, SIZE = 8, DEPTH = 5 };

static const struct {
        const char *name;
        int expired;                            /* errno */
        bool realtime;                          /* has a deadline on CLOCK_REALTIME; otherwise CLOCK_MONOTONIC counts */
        enum ipck_requirement early, ready, conserved;
} kinds[KINDS] = {
        {"semtimedop()", EAGAIN, false, semtimedop_not_early, semtimedop_ready_ignores_timeout,
         semtimedop_timeout_vs_wakeup},
        {"sem_timedwait()", ETIMEDOUT, true, sem_timedwait_not_early, sem_timedwait_immediate,
         sem_timedwait_timeout_vs_post},
        {"sem_clockwait()", ETIMEDOUT, false, sem_clockwait_etimedout, sem_clockwait_immediate,
         sem_clockwait_timeout_vs_post},
        {"mq_timedreceive()", ETIMEDOUT, true, mq_receive_timed_etimedout, mq_receive_timed_immediate,
         mq_send_conserved},
        {"mq_timedsend()", ETIMEDOUT, true, mq_send_timed_etimedout, mq_send_timed_immediate, mq_send_conserved},
};

static struct books {
        int set, each;
        struct pair {
                enum kind kind;
                sem_t sem;
                mqd_t queue;
                _Atomic int given;
                _Atomic bool through;           /* gives no more */
        } pairs[MOST_PAIRS];
} *books;

static int available(int n)
{
        struct pair *const pair = &books->pairs[n];
        struct mq_attr attributes;
        int value = 0;

        switch (pair->kind) {
        case SEMTIMEDOP: return semctl(books->set, n, GETVAL);
        case MQ_TIMEDRECEIVE: MUST(mq_getattr(pair->queue, &attributes)); return (int)attributes.mq_curmsgs;
        case MQ_TIMEDSEND: MUST(mq_getattr(pair->queue, &attributes)); return DEPTH - (int)attributes.mq_curmsgs;
        default: sem_getvalue(&pair->sem, &value); return value;
        }
}

static int take(int n, int64_t timeout)
{
        struct pair *const pair = &books->pairs[n];
        struct sembuf decrement = {.sem_num = (unsigned short)n, .sem_op = -1};
        const struct timespec interval = {.tv_nsec = (long)timeout}, realtime = deadline_in(CLOCK_REALTIME, timeout);
        char text[SIZE];

        switch (pair->kind) {
        case SEMTIMEDOP: return semtimedop(books->set, &decrement, 1, &interval);
        case SEM_TIMEDWAIT: return sem_timedwait(&pair->sem, &realtime);
#if HAVE_SEM_CLOCKWAIT
        case SEM_CLOCKWAIT: {
                const struct timespec monotonic = deadline_in(CLOCK_MONOTONIC, timeout);
                return sem_clockwait(&pair->sem, CLOCK_MONOTONIC, &monotonic);
        }
#endif
        case MQ_TIMEDSEND: return mq_timedsend(pair->queue, "a unit", sizeof("a unit"), 0, &realtime);
        default: return mq_timedreceive(pair->queue, text, SIZE, NULL, &realtime) == -1 ? -1 : 0;
        }
}

static int give(int n)
{
        struct pair *const pair = &books->pairs[n];
        struct sembuf increment = {.sem_num = (unsigned short)n, .sem_op = 1};
        char text[SIZE];

        switch (pair->kind) {
        case SEMTIMEDOP: return semop(books->set, &increment, 1);
        case MQ_TIMEDRECEIVE: return mq_send(pair->queue, "a unit", sizeof("a unit"), 0);
        case MQ_TIMEDSEND: return worked((int)mq_receive(pair->queue, text, SIZE, NULL));
        default: return sem_post(&pair->sem);
        }
}

static void taker(int me)
{
        const int n = me / 2;
        struct pair *const pair = &books->pairs[n];
        const enum kind kind = pair->kind;
        int taken = 0;

        doing(kinds[kind].name);
        while (!pair->through || taken < pair->given) {
                const int64_t timeout = pick(4) ? pick(1U << pick(23)) : 0;
                const bool ready = available(n) > 0;
                const clockid_t clock = kinds[kind].realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC;
                const int64_t before = clock == CLOCK_REALTIME ? realtime_ns() : monotonic_ns();
                const int result = take(n, timeout), error = errno;
                const int64_t after = clock == CLOCK_REALTIME ? realtime_ns() : monotonic_ns();
                count_operations(1);
                if (result == 0) {
                        taken++;
                        continue;
                }
                EXPECT(kinds[kind].early, error == kinds[kind].expired, "%s fails with %s", kinds[kind].name,
                       errno_name(error));
                EXPECT(kinds[kind].ready, !ready, "%s fails although there was something to take", kinds[kind].name);
                EXPECT(kinds[kind].early, after - before >= timeout,
                       "%s for %" PRId64 " ns is over after %" PRId64 " ns", kinds[kind].name, timeout, after - before);
        }
        EXPECT(kinds[kind].conserved, taken == pair->given && available(n) == 0,
               "%d were given, %d taken by %s, and %d are left", pair->given, taken, kinds[kind].name, available(n));
}

static void giver(int me)
{
        struct pair *const pair = &books->pairs[me / 2];

        doing("a call that gives");
        for (int i = 0; i < books->each && more_time(); i++) {
                /* What is given may be taken before this call is back. */
                pair->given++;
                MUST(give(me / 2));
                for (uint32_t n = pick(8); n > 0; n--)
                        tarry();
        }
        pair->through = true;
}

static void worker(int me)
{
        if (me % 2)
                giver(me);
        else
                taker(me);
}

/* A queue without a name; -1 where there are as many as the limits allow. */
static mqd_t new_queue(void)
{
        struct mq_attr attributes = {.mq_maxmsg = DEPTH, .mq_msgsize = SIZE};
        const mqd_t queue = mq_open("/ipck-storm", O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);

        if (queue != (mqd_t)-1)
                MUST(mq_unlink("/ipck-storm"));
        return queue;
}

static bool of_queue(enum kind kind)
{
        return kind == MQ_TIMEDRECEIVE || kind == MQ_TIMEDSEND;
}

static void make(struct pair *pair, bool queues)
{
        pair->kind = (enum kind)pick(KINDS);
        if (pair->kind == SEM_CLOCKWAIT && !HAVE_SEM_CLOCKWAIT)
                pair->kind = SEM_TIMEDWAIT;
        if (of_queue(pair->kind) && (!queues || (pair->queue = new_queue()) == (mqd_t)-1))
                pair->kind = SEMTIMEDOP;
        for (int n = 0; pair->kind == MQ_TIMEDSEND && n < DEPTH; n++)
                MUST(mq_send(pair->queue, "", 0, 0));
        if (pair->kind == SEM_TIMEDWAIT || pair->kind == SEM_CLOCKWAIT)
                MUST(sem_init(&pair->sem, 1, 0));
}

STORM(timeouts, "waits with a deadline: none is early, none fails where there is something to take")
{
        const bool queues = queues_exist();

        books = shared(sizeof(*books));
        while (another_round()) {
                memset(books, 0, sizeof(*books));
                const int pairs = draw_crew(1, MOST_PAIRS);
                books->set = (int)MUST(semget(IPC_PRIVATE, pairs, 0600));
                books->each = 1 + (int)pick(50);
                for (int n = 0; n < pairs; n++)
                        make(&books->pairs[n], queues);
                muster(2 * pairs, worker);
                set_off();
                all_end(semtimedop_eagain_expired);
                for (int n = 0; n < pairs; n++)
                        if (of_queue(books->pairs[n].kind))
                                mq_close(books->pairs[n].queue);
                MUST(semctl(books->set, 0, IPC_RMID));
        }
}
