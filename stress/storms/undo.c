/* SPDX-License-Identifier: MIT
 *
 * undo.c: processes take units with SEM_UNDO from many semaphores at once, and are killed wherever they are. Each set
 * has a lock (semaphore 0, one unit) and semaphores with some units. They are taken in one order, so nobody
 * need wait for ever.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/sem.h>
#include <sys/wait.h>

#include "storm.h"

enum { MOST_SETS = 20, MOST_SEMS = 5 };

static struct books {
        int sets[MOST_SETS], set_count, sems;
        unsigned short units[MOST_SEMS];        /* at rest, the same in each set */
        int own;                                /* a set with a semaphore for each worker, 0 at rest */
        _Atomic int gift[MOST_WORKERS];         /* to that semaphore, not to be taken back */
        _Atomic int inside[MOST_SETS];          /* who has the lock, plus 1 */
        _Atomic bool mortal[MOST_WORKERS];      /* may be dead any time now */
} *books;

static struct sembuf op(int number, int change, int flags)
{
        return (struct sembuf){(unsigned short)number, (short)change, (short)flags};
}

/* Has the array done, by a call drawn; false where it need not be and was not. */
static bool done(int set, struct sembuf *ops, size_t count, const char *what)
{
        const struct timespec brief = {.tv_nsec = (long)pick(2000000)};
        const bool timed = once_in(8);
        int result;

        if (once_in(8))
                for (size_t i = 0; i < count; i++)
                        ops[i].sem_flg |= IPC_NOWAIT;
        doing(what);
        if (timed)
                result = semtimedop(set, ops, count, &brief);
        else
                result = once_in(4) ? semtimedop(set, ops, count, NULL) : semop(set, ops, count);
        count_operations(1);
        if (result == 0)
                return true;
        EXPECT(semop_wake_no_loss_stress, errno == EAGAIN && (timed || ops[0].sem_flg & IPC_NOWAIT),
               "%s fails with %s", what, errno_name(errno));
        return false;
}

static void give_back(int set, const struct sembuf *taken, size_t count)
{
        struct sembuf ops[MOST_SEMS];

        for (size_t i = 0; i < count; i++)
                ops[i] = op(taken[i].sem_num, -taken[i].sem_op, SEM_UNDO);
        doing("the return of units");
        EXPECT(semop_inc_never_blocks, semop(set, ops, count) == 0, "the return of units fails with %s",
               errno_name(errno));
        count_operations(1);
}

enum { KEPT = 0, LOST = 3 };            /* exit status of those who look whether they still hold a unit */

/* What a process has executed that holds the lock of a set. */
ROLE(holder)
{
        return semctl(atoi(arg), 0, GETVAL) == 0 ? KEPT : LOST;
}

/* Neither a program that it executes nor another namespace frees a process of what it holds; its end does. */
static void hold_and_change(int set)
{
        struct sembuf lock = op(0, -1, SEM_UNDO);
        char arg[16];

        snprintf(arg, sizeof(arg), "%d", set);
        /* Where the unit is there twice, that is no affair of what comes now. */
        if (semop(set, &lock, 1) == -1 || semctl(set, 0, GETVAL) != 0)
                _exit(KEPT);
        switch (pick(3)) {
        case 0: exec_role("holder", arg); break;
        case 1: execl("/", "/", (char *)NULL); break;           /* which fails */
        default:
                (void)!unshare(CLONE_NEWIPC);
                _exit(KEPT);
        }
        _exit(semctl(set, 0, GETVAL) == 0 ? KEPT : LOST);
}

/* A child has none of its parent's adjustments, and keeps its own. */
static void have_a_child(int set, bool holds)
{
        int status = 0;
        const pid_t child = fork();

        if (child == 0 && holds)
                hold_and_change(set);
        if (child == 0)
                _exit(KEPT);
        doing("a child that holds units");
        if (child > 0)
                waitpid(child, &status, 0);
        EXPECT(exec_semadj_kept, status != LOST << 8, "a process that holds the only unit finds it free after exec");
}

/* What is held of one set. */
struct holding {
        int which;
        struct sembuf ops[MOST_SEMS];
        size_t count;
        bool lock, taken;
};

static void take(struct holding *h)
{
        h->taken = done(books->sets[h->which], h->ops, h->count, "a decrement with SEM_UNDO");
}

/* The adjustments of a thread are its process's. */
static void *take_in_a_thread(void *h)
{
        take(h);
        return NULL;
}

static void ask_for(struct holding *h, int which, bool lock)
{
        *h = (struct holding){.which = which, .lock = lock};
        if (lock)
                h->ops[h->count++] = op(0, -1, SEM_UNDO);
        for (int number = 1; number < books->sems; number++)
                if (once_in(2))
                        h->ops[h->count++] = op(number, -1 - (int)pick(books->units[number]), SEM_UNDO);
}

static void enter(int me, struct holding *h)
{
        pthread_t thread;

        if (once_in(50) && pthread_create(&thread, NULL, take_in_a_thread, h) == 0)
                pthread_join(thread, NULL);
        else
                take(h);
        if (!h->taken || !h->lock)
                return;
        const int other = atomic_exchange(&books->inside[h->which], me + 1);
        EXPECT(semop_wake_no_loss_stress, other == 0 || books->mortal[other - 1],
               "workers %d and %d have the only unit at the same time", other - 1, me);
}

static void leave(struct holding *h)
{
        if (!h->taken)
                return;
        if (h->lock)
                books->inside[h->which] = 0;
        give_back(books->sets[h->which], h->ops, h->count);
}

/* Takes units of some sets, always in the same order so that there is no deadlock, and gives them back or ends with
 * them. */
static void use_units(int me, bool last)
{
        struct holding held[MOST_SETS];
        const int step = once_in(4) ? 1 : books->set_count;
        int count = 0;

        if (once_in(50))
                have_a_child(books->sets[0], true);

        for (int which = (int)pick((uint32_t)books->set_count); which < books->set_count; which += step) {
                struct holding *const h = &held[count];
                ask_for(h, which, last || once_in(2));
                if (!h->count)
                        continue;
                enter(me, h);
                count++;
        }
        tarry();
        if (once_in(50))
                have_a_child(0, false);
        if (last) {
                books->mortal[me] = true;
                _exit(0);
        }
        while (count > 0)
                leave(&held[--count]);
}

/* Lends a unit, and takes it back. */
static void use_own(int me, bool last)
{
        struct sembuf lend = op(me, 1 + (int)pick(3), SEM_UNDO);

        if (!done(books->own, &lend, 1, "an increment with SEM_UNDO"))
                return;
        tarry();
        if (last)
                _exit(0);
        give_back(books->own, &lend, 1);
}

/* Ends with an array of which only one entry is taken back. */
static void give_and_end(int me)
{
        struct sembuf ops[2] = {op(me, 1, 0), op(MOST_WORKERS, 1, SEM_UNDO)};

        books->gift[me] = 1;
        doing("an increment with SEM_UNDO beside one without");
        EXPECT(semop_inc_never_blocks, semop(books->own, ops, 2) == 0, "two increments fail with %s",
               errno_name(errno));
        books->gift[me] = 2;
        _exit(0);
}

static void await_zero(void)
{
        struct sembuf zero = op(MOST_WORKERS, 0, 0);

        done(books->own, &zero, 1, "a wait for zero");
}

static void worker(int me)
{
        for (uint32_t n = 10 + pick(100); n > 0 && more_time(); n--)
                switch (pick(8)) {
                case 0: await_zero(); break;
                case 1:
                case 2: use_own(me, false); break;
                default: use_units(me, false);
                }
        if (once_in(4))
                use_own(me, true);
        if (once_in(2))
                use_units(me, true);
        if (once_in(2))
                give_and_end(me);
}

static void judge(int set, int count, const unsigned short *at_rest)
{
        unsigned short values[MOST_WORKERS + 1];

        MUST(semctl(set, 0, GETALL, (union semun){.array = values}));
        for (int i = 0; i < count; i++) {
                EXPECT(exit_semadj_sigkill, values[i] == at_rest[i],
                       "when all have ended semaphore %d of %d has the value %d, not %d", i, count, values[i],
                       at_rest[i]);
                const int decrements = semctl(set, i, GETNCNT), zeros = semctl(set, i, GETZCNT);
                EXPECT(semop_ncnt_dec_on_kill, decrements == 0 && zeros == 0,
                       "when all have ended semaphore %d has semncnt %d and semzcnt %d", i, decrements, zeros);
        }
}

/* What each worker's own semaphore has to hold. One that was killed while it gave may have given. */
static void judge_own(void)
{
        unsigned short at_rest[MOST_WORKERS + 1] = {0};

        for (int i = 0; i < MOST_WORKERS; i++) {
                const int value = (int)MUST(semctl(books->own, i, GETVAL));
                const bool unknown = books->gift[i] == 1 && value == 1;
                at_rest[i] = books->gift[i] == 2 || unknown;
        }
        judge(books->own, MOST_WORKERS + 1, at_rest);
}

/* Of those who wait, somebody waits for what is there: all units of a semaphore. */
static bool somebody_waits_in_vain(void)
{
        for (int i = 0; i < books->set_count; i++)
                for (int number = 0; number < books->sems; number++)
                        if (semctl(books->sets[i], number, GETVAL) == books->units[number] &&
                            semctl(books->sets[i], number, GETNCNT) > 0)
                                return true;
        return false;
}

/* Children of workers that were killed may still hold units. Of the PID namespace this process and the first remain. */
static bool nobody_is_left(void)
{
        return kill(-1, 0) == -1 && errno == ESRCH;
}

STORM(undo, "SEM_UNDO and SIGKILL: all units come back, and nobody is stuck")
{
        if (stress_waived(exit_semadj_sigkill))
                UNSUPPORTED("SEM_UNDO that has an effect when a process is killed");
        books = shared(sizeof(*books));
        while (another_round()) {
                memset(books, 0, sizeof(*books));
                books->set_count = once_in(4) ? MOST_SETS : 1 + (int)pick(3);
                books->sems = 1 + (int)pick(MOST_SEMS);
                books->units[0] = 1;
                for (int i = 1; i < books->sems; i++)
                        books->units[i] = (unsigned short)(1 + pick(6));
                for (int i = 0; i < books->set_count; i++) {
                        books->sets[i] = (int)MUST(semget(IPC_PRIVATE, books->sems, 0600));
                        MUST(semctl(books->sets[i], 0, SETALL, (union semun){.array = books->units}));
                }
                books->own = (int)MUST(semget(IPC_PRIVATE, MOST_WORKERS + 1, 0600));
                const int crew = draw_crew(2, MOST_WORKERS / 2);
                muster(crew, worker);
                set_off();
                for (int kills = (int)pick((uint32_t)crew + 1); kills > 0; kills--) {
                        const int victim = (int)pick((uint32_t)crew_size());
                        tarry();
                        books->mortal[victim] = true;
                        kill_worker(victim);
                        if (once_in(2))
                                muster(1, worker);
                }
                if (!all_have_ended())
                        VIOLATED_BY_STUCK(somebody_waits_in_vain() ? semop_wake_no_loss_stress : exit_semadj_sigkill);
                UNTIL(nobody_is_left());
                for (int i = 0; i < books->set_count; i++) {
                        judge(books->sets[i], books->sems, books->units);
                        MUST(semctl(books->sets[i], 0, IPC_RMID));
                }
                judge_own();
                MUST(semctl(books->own, 0, IPC_RMID));
        }
}
