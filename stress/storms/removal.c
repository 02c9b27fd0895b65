/* SPDX-License-Identifier: MIT
 *
 * removal.c: sets and queues are removed under those who wait, give and take. Each wait ends, with EIDRM unless it was
 * served before; who comes later finds no such object.
 */
#include <sys/msg.h>
#include <sys/sem.h>

#include "storm.h"

enum mechanism { SETS, QUEUES };
enum { INCREASE, ZERO, SEMS, FOREIGN_TYPE = 1000, GIVEN_TYPE = 1, MOST_GIVEN = 512, SIZE = 64 };

static struct books {
        enum mechanism mechanism;
        int id;
        bool still;                             /* nobody gives, and all wait when the removal comes */
        bool full;                              /* the queue: some wait for room */
        int removers;
        _Atomic bool here[MOST_WORKERS];        /* waits now, or will at once */
        _Atomic int given, taken, removed;
        _Atomic bool had[MOST_GIVEN];           /* which messages were received */
} *books;

struct message {
        long type;
        char text[SIZE];
};

/* ---- the calls ---- */

/* *lent: a unit that it gets comes back with the end of the process. */
static int wait_in_set(bool *lent)
{
        struct sembuf decrement = {.sem_num = INCREASE, .sem_op = -1}, zero = {.sem_num = ZERO};
        struct sembuf array[2] = {{.sem_num = SEMS - 1, .sem_op = 1}, decrement};
        const struct timespec hour = {.tv_sec = 3600};

        switch (pick(5)) {
        case 0: return semop(books->id, &zero, 1);
        case 1: return semop(books->id, array, 2);
        case 2: decrement.sem_flg = SEM_UNDO; *lent = true; return semop(books->id, &decrement, 1);
        case 3: return semtimedop(books->id, &decrement, 1, &hour);
        default: return semop(books->id, &decrement, 1);
        }
}

static int wait_in_queue(struct message *message)
{
        static const long wanted[] = {GIVEN_TYPE, -GIVEN_TYPE, GIVEN_TYPE + 1, -GIVEN_TYPE - 1};

        if (books->full && once_in(2)) {
                message->type = FOREIGN_TYPE;
                return msgsnd(books->id, message, SIZE, 0);
        }
        return (int)msgrcv(books->id, message, SIZE, wanted[pick(4)], 0);
}

static void note_receipt(const struct message *message)
{
        int number;

        if (message->type == FOREIGN_TYPE)
                return;         /* it was sent */
        memcpy(&number, message->text, sizeof(number));
        EXPECT(msgrcv_block_exactly_one,
               number >= 0 && number < MOST_GIVEN && !atomic_exchange(&books->had[number], true),
               "message %d was received twice, or was never sent", number);
}

static void waiter(int me)
{
        struct message message = {.type = 0};
        bool lent = false;

        doing(books->mechanism == SETS ? "semop()" : "msgrcv() or msgsnd()");
        books->here[me] = true;
        const int result = books->mechanism == SETS ? wait_in_set(&lent) : wait_in_queue(&message);
        const int error = errno;
        const enum ipck_requirement req = books->mechanism == SETS ? semctl_rmid_wakes_all : msgrcv_eidrm_all;
        count_operations(1);
        if (result == -1)
                EXPECT(req, error == EIDRM || (error == EINVAL && !books->still),
                       "a wait that a removal ends fails with %s", errno_name(error));
        else
                EXPECT(req, !books->still, "a wait ends with success although nobody gave anything");
        if (result == -1)
                return;
        books->taken += !lent;
        if (books->mechanism == QUEUES)
                note_receipt(&message);
}

static void give(void)
{
        struct sembuf increment = {.sem_num = INCREASE, .sem_op = 1};
        struct message message = {.type = GIVEN_TYPE};
        const int number = atomic_fetch_add(&books->given, 1);

        memcpy(message.text, &number, sizeof(number));
        const int result = books->mechanism == SETS ? semop(books->id, &increment, 1)
                                                    : msgsnd(books->id, &message, SIZE, IPC_NOWAIT);
        EXPECT(books->mechanism == SETS ? semctl_rmid_removes : msgctl_rmid_removes,
               result == 0 || errno == EINVAL || errno == EIDRM || (errno == EAGAIN && books->mechanism == QUEUES),
               "a call beside a removal fails with %s", errno_name(errno));
        count_operations(1);
}

static void giver(int me)
{
        (void)me;
        doing("a call that does not wait");
        for (uint32_t n = pick(20); n > 0; n--) {
                give();
                tarry();
        }
}

static int removal(void)
{
        return books->mechanism == SETS ? semctl(books->id, 0, IPC_RMID) : msgctl(books->id, IPC_RMID, NULL);
}

static void remover(int me)
{
        (void)me;
        doing("IPC_RMID");
        tarry();
        if (removal() == 0)
                books->removed++;
        else
                EXPECT(books->mechanism == SETS ? semctl_rmid_twice : msgctl_rmid_twice,
                       errno == EINVAL || errno == EIDRM, "a second IPC_RMID fails with %s", errno_name(errno));
        count_operations(1);
}

/* ---- a round ---- */

static void make(void)
{
        struct message message = {.type = FOREIGN_TYPE};

        if (books->mechanism == SETS) {
                books->id = (int)MUST(semget(IPC_PRIVATE, SEMS, 0600));
                MUST(semctl(books->id, ZERO, SETVAL, (union semun){.val = 1}));
                return;
        }
        books->id = (int)MUST(msgget(IPC_PRIVATE, 0600));
        while (books->full && msgsnd(books->id, &message, SIZE, IPC_NOWAIT) == 0) {
        }
}

static int waiters_of_set(void)
{
        return semctl(books->id, INCREASE, GETNCNT) + semctl(books->id, ZERO, GETZCNT);
}

static int waiters_of_queue(int crew)
{
        int count = 0;

        for (int i = 0; i < crew; i++)
                count += books->here[i] && sleeping(worker_pid(i));
        return count;
}

static bool all_wait(int crew)
{
        return (books->mechanism == SETS ? waiters_of_set() : waiters_of_queue(crew)) == crew;
}

STORM(removal, "IPC_RMID against every call that waits: each ends, with EIDRM or success")
{
        books = shared(sizeof(*books));
        while (another_round()) {
                memset(books, 0, sizeof(*books));
                books->mechanism = once_in(2) ? SETS : QUEUES;
                books->still = once_in(2);
                books->full = once_in(2);
                make();
                const int waiters = draw_crew(1, MOST_WORKERS - 20), removers = 1 + (int)pick(4);
                muster(waiters, waiter);
                set_off();
                if (books->still) {
                        const bool waits = WITHIN(all_wait(waiters));
                        EXPECT(books->mechanism == SETS ? semop_ncnt_inc : msgrcv_block_until_type, waits,
                               "%d processes have called to wait, but not so many wait", waiters);
                } else {
                        muster((int)pick(4), giver);
                }
                muster(removers, remover);
                const enum ipck_requirement wakes =
                        books->mechanism == SETS ? semctl_rmid_wakes_all : msgrcv_eidrm_all;
                all_end(wakes);
                EXPECT(wakes, books->mechanism == QUEUES || books->taken <= books->given,
                       "%d waits ended with success, although %d units were given", books->taken, books->given);
                EXPECT(books->mechanism == SETS ? semctl_rmid_twice : msgctl_rmid_twice, books->removed == 1,
                       "of %d calls of IPC_RMID %d succeeded", removers, books->removed);
                EXPECT(books->mechanism == SETS ? semctl_rmid_removes : msgctl_rmid_removes, removal() == -1,
                       "after IPC_RMID the object is there still");
        }
}
