/* SPDX-License-Identifier: MIT
 *
 * signals.c: signals reach calls that wait, at any point. Each call either succeeds and has its effect, or fails with
 * EINTR and has none. What is given is what is taken.
 */
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <sys/msg.h>
#include <sys/sem.h>

#include "have.h"
#include "storm.h"

enum kind {
        DECREMENT, TIMED_DECREMENT, ARRAY, UNDONE, ZERO_ARRAY, ZERO,    /* System V semaphores */
        RECEIVE, SEND,                                                  /* System V messages */
        SEM_WAIT, SEM_TIMEDWAIT, SEM_CLOCKWAIT,                         /* POSIX semaphores */
        MQ_RECEIVE, MQ_SEND,                                            /* POSIX queues */
        KINDS,
};
enum { UNITS, DONE, BARRED, SEMS, SIZE = 32, MOST_PAIRS = 20, DEPTH = 4 };

static const struct {
        const char *take, *give;
        enum ipck_requirement ends, no_effect;
        bool restarts;                          /* after a handler with SA_RESTART */
        enum ipck_requirement goes_on;          /* then */
} kinds[KINDS] = {
        [DECREMENT] = {"semop()", "an increment", semop_eintr_dec, semop_eintr_no_effect, false, 0},
        [TIMED_DECREMENT] = {"semtimedop()", "an increment", semtimedop_eintr, semop_eintr_vs_wakeup, false, 0},
        [ARRAY] = {"semop() of two entries", "an increment", semop_eintr_dec, semop_eintr_no_effect, false, 0},
        [UNDONE] = {"semop() with SEM_UNDO", "an increment", semop_eintr_dec, semop_eintr_no_effect, false, 0},
        [ZERO_ARRAY] = {"semop() of two entries, one for zero", "SETVAL", semop_eintr_zero, semop_eintr_no_effect,
                        false, 0},
        [ZERO] = {"semop() for zero", "SETVAL", semop_eintr_zero, semop_eintr_no_effect, false, 0},
        [RECEIVE] = {"msgrcv()", "msgsnd()", msgrcv_eintr_asleep, msgrcv_eintr_vs_delivery, false, 0},
        [SEND] = {"msgsnd()", "msgrcv()", msgsnd_eintr_asleep, msgsnd_upd_qnum, false, 0},
        [SEM_WAIT] = {"sem_wait()", "sem_post()", sem_wait_eintr, sem_wait_eintr_value_kept, true,
                      sem_wait_eintr_sa_restart},
        [SEM_TIMEDWAIT] = {"sem_timedwait()", "sem_post()", sem_timedwait_eintr, sem_timedwait_value_kept, true,
                           sem_timedwait_eintr_sa_restart},
        [SEM_CLOCKWAIT] = {"sem_clockwait()", "sem_post()", sem_clockwait_eintr, sem_clockwait_value_kept, false, 0},
        [MQ_RECEIVE] = {"mq_receive()", "mq_send()", mq_receive_eintr, mq_receive_eintr_vs_transfer, true,
                        mq_receive_eintr_restart},
        [MQ_SEND] = {"mq_send()", "mq_receive()", mq_send_eintr, mq_send_eintr_vs_transfer, true,
                     mq_send_eintr_restart},
};

static struct books {
        enum kind kind;
        bool restart;                           /* the handler has SA_RESTART */
        int id, each;                           /* what each giver gives and each taker takes */
        long at_first;                          /* units or messages */
        mqd_t queue;
        sem_t sem;
        gate flow;                              /* the givers begin */
        _Atomic int interrupted[2 * MOST_PAIRS];
} *books;

struct message {
        long type;
        char text[SIZE];
};

static int take(void)
{
        struct sembuf decrement = {.sem_num = UNITS, .sem_op = -1};
        struct sembuf array[2] = {decrement, {.sem_num = DONE, .sem_op = 1}};
        struct sembuf zero[2] = {{.sem_num = BARRED}, {.sem_num = DONE, .sem_op = 1}};
        const struct timespec hour = {.tv_sec = 3600}, later = deadline_in(CLOCK_REALTIME, INT64_C(3600000000000));
        struct message message = {.type = 1};

        switch (books->kind) {
        case DECREMENT: return semop(books->id, &decrement, 1);
        case TIMED_DECREMENT: return semtimedop(books->id, &decrement, 1, &hour);
        case UNDONE: array[0].sem_flg = SEM_UNDO; return semop(books->id, array, 2);
        case ARRAY: return semop(books->id, array, 2);
        case ZERO_ARRAY: return semop(books->id, zero, 2);
        case ZERO: return semop(books->id, zero, 1);
        case RECEIVE: return worked((int)msgrcv(books->id, &message, SIZE, 0, 0));
        case SEND: return msgsnd(books->id, &message, SIZE, 0);
        case SEM_WAIT: return sem_wait(&books->sem);
#if HAVE_SEM_CLOCKWAIT
        case SEM_CLOCKWAIT: {
                const struct timespec monotonic = deadline_in(CLOCK_MONOTONIC, INT64_C(3600000000000));
                return sem_clockwait(&books->sem, CLOCK_MONOTONIC, &monotonic);
        }
#else
        case SEM_CLOCKWAIT:
#endif
        case SEM_TIMEDWAIT: return sem_timedwait(&books->sem, &later);
        case MQ_RECEIVE: return worked((int)mq_receive(books->queue, message.text, SIZE, NULL));
        default: return mq_send(books->queue, message.text, SIZE, 0);
        }
}

static int give(void)
{
        struct sembuf increment = {.sem_num = UNITS, .sem_op = 1};
        struct message message = {.type = 1};

        switch (books->kind) {
        case ZERO_ARRAY:
        case ZERO: return 0;
        case RECEIVE: return msgsnd(books->id, &message, SIZE, 0);
        case SEND: return worked((int)msgrcv(books->id, &message, SIZE, 0, 0));
        case SEM_WAIT:
        case SEM_TIMEDWAIT:
        case SEM_CLOCKWAIT: return sem_post(&books->sem);
        case MQ_RECEIVE: return mq_send(books->queue, message.text, SIZE, 0);
        case MQ_SEND: return worked((int)mq_receive(books->queue, message.text, SIZE, NULL));
        default: return semop(books->id, &increment, 1);
        }
}

/* Of which kind the calls are that give. */
static enum kind giving(void)
{
        switch (books->kind) {
        case RECEIVE: return SEND;
        case SEND: return RECEIVE;
        case MQ_RECEIVE: return MQ_SEND;
        case MQ_SEND: return MQ_RECEIVE;
        default: return books->kind;
        }
}

/* Repeats the call until it has succeeded so often. */
static void repeat(int me, int (*call)(void), const char *what, enum kind kind)
{
        doing(what);
        for (int n = 0; n < books->each; count_operations(1))
                if (call() == 0)
                        n++;
                else {
                        EXPECT(kinds[kind].ends, errno == EINTR, "%s fails with %s", what, errno_name(errno));
                        EXPECT(kinds[kind].goes_on, !books->restart,
                               "%s fails with EINTR although the handler has SA_RESTART", what);
                        books->interrupted[me] = 1;
                }
}

static void taker(int me)
{
        repeat(me, take, kinds[books->kind].take, books->kind);
}

static void giver(int me)
{
        wait_at(&books->flow);
        repeat(me, give, kinds[books->kind].give, giving());
}

/* ---- a round ---- */

static void make(void)
{
        struct mq_attr attributes = {.mq_maxmsg = DEPTH, .mq_msgsize = SIZE};
        struct message message = {.type = 1};

        switch (books->kind) {
        case RECEIVE:
        case SEND:
                books->id = (int)MUST(msgget(IPC_PRIVATE, 0600));
                while (books->kind == SEND && msgsnd(books->id, &message, SIZE, IPC_NOWAIT) == 0)
                        books->at_first++;
                break;
        case SEM_WAIT:
        case SEM_TIMEDWAIT:
        case SEM_CLOCKWAIT: MUST(sem_init(&books->sem, 1, 0)); break;
        case MQ_RECEIVE:
        case MQ_SEND:
                books->queue = mq_open("/ipck-storm", O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
                MUST(mq_unlink("/ipck-storm"));
                for (; books->kind == MQ_SEND && books->at_first < DEPTH; books->at_first++)
                        MUST(mq_send(books->queue, message.text, SIZE, 0));
                break;
        default:
                books->id = (int)MUST(semget(IPC_PRIVATE, SEMS, 0600));
                MUST(semctl(books->id, BARRED, SETVAL, (union semun){.val = 1}));
        }
}

/* Units or messages at rest; removes what is no set. */
static long rest(void)
{
        struct msqid_ds ds;
        struct mq_attr attributes;
        int value;

        switch (books->kind) {
        case RECEIVE:
        case SEND:
                MUST(msgctl(books->id, IPC_STAT, &ds));
                MUST(msgctl(books->id, IPC_RMID, NULL));
                return (long)ds.msg_qnum;
        case SEM_WAIT:
        case SEM_TIMEDWAIT:
        case SEM_CLOCKWAIT:
                sem_getvalue(&books->sem, &value);
                MUST(sem_destroy(&books->sem));
                return value;
        case MQ_RECEIVE:
        case MQ_SEND:
                MUST(mq_getattr(books->queue, &attributes));
                MUST(mq_close(books->queue));
                return attributes.mq_curmsgs;
        default: return (long)MUST(semctl(books->id, UNITS, GETVAL));
        }
}

static void judge(int pairs)
{
        const enum ipck_requirement req = kinds[books->kind].no_effect;
        const bool set = books->kind <= ZERO, counts = books->kind >= ARRAY && books->kind <= ZERO_ARRAY;
        const int total = pairs * books->each;
        const long left = rest(), wanted = books->kind == UNDONE ? total : books->at_first;

        EXPECT(req, left == wanted, "%d were given and taken by %s beside signals, %ld are left and not %ld", total,
               kinds[books->kind].take, left, wanted);
        if (counts) {
                const int done = (int)MUST(semctl(books->id, DONE, GETVAL));
                EXPECT(req, done == total, "%s succeeded %d times beside signals and added %d",
                       kinds[books->kind].take, total, done);
        }
        if (set) {
                const int waiters = semctl(books->id, UNITS, GETNCNT) + semctl(books->id, BARRED, GETZCNT);
                EXPECT(req, waiters == 0, "when all have ended %d are counted as waiting", waiters);
                MUST(semctl(books->id, 0, IPC_RMID));
        }
}

/* One more signal, to a worker picked; whether each taker has been interrupted. */
static bool signal_someone(int takers)
{
        bool all = true;
        const pid_t pid = worker_pid((int)pick((uint32_t)crew_size()));

        if (pid)
                kill(pid, SIGUSR1);
        tarry();
        for (int i = 0; i < takers; i++)
                all &= books->interrupted[i] != 0;
        return all;
}

STORM(signals, "signals at any point of calls that wait: success or EINTR, and no half effect")
{
        const bool queues = queues_exist();

        books = shared(sizeof(*books));
        while (another_round()) {
                memset(books, 0, sizeof(*books));
                books->kind = (enum kind)pick(queues ? KINDS : MQ_RECEIVE);
                books->restart = kinds[books->kind].restarts && once_in(2);
                catch_signal(SIGUSR1, books->restart ? SA_RESTART : 0);
                books->each = 1 + (int)pick(30);
                make();
                const int pairs = draw_crew(1, MOST_PAIRS);
                muster(pairs, taker);
                muster(pairs, giver);
                set_off();
                /* Nothing is given yet: a signal is all that can end a wait. */
                EXPECT(kinds[books->kind].ends, books->restart || WITHIN(signal_someone(pairs)),
                       "%s goes on although signals are caught", kinds[books->kind].take);
                open_gate(&books->flow);
                if (books->kind == ZERO || books->kind == ZERO_ARRAY)
                        MUST(semctl(books->id, BARRED, SETVAL, (union semun){.val = 0}));
                for (uint32_t signals = pick(60); signals > 0 && workers_left() > 0; signals--)
                        signal_someone(pairs);
                all_end(kinds[books->kind].no_effect);
                judge(pairs);
        }
}
