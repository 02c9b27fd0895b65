/* SPDX-License-Identifier: MIT
 *
 * namespaces.c: IPC namespaces come and go with objects in them. Each has its own keys and objects, those of others do
 * not show, and what is left behind is given back.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>

#include "storm.h"

enum { MOST_OBJECTS = 6, SIZE = 20000, LIMIT = 6 };

static struct books {
        key_t key;                      /* in use outside */
        int turns;
} *books;

/* The three objects of the key, made here, with the mark in them. */
struct objects {
        int queue, set, segment;
};

static void expect_empty(void)
{
        EXPECT(ipcns_isolated_msg, msgget(books->key, 0) == -1 && errno == ENOENT,
               "a new namespace has the queue of another");
        EXPECT(ipcns_isolated_sem, semget(books->key, 0, 0) == -1 && errno == ENOENT,
               "a new namespace has the set of another");
        EXPECT(ipcns_isolated_shm, shmget(books->key, 0, 0) == -1 && errno == ENOENT,
               "a new namespace has the segment of another");
}

static struct objects make_objects(int mark)
{
        struct {
                long type;
                int mark;
        } message = {1, mark};
        const int flags = IPC_CREAT | IPC_EXCL | 0600;
        struct objects made = {(int)MUST(msgget(books->key, flags)), (int)MUST(semget(books->key, 1, flags)),
                               (int)MUST(shmget(books->key, SIZE, flags))};

        MUST(msgsnd(made.queue, &message, sizeof(mark), IPC_NOWAIT));
        MUST(semctl(made.set, 0, SETVAL, (union semun){.val = mark}));
        int *const memory = shmat(made.segment, NULL, 0);
        EXPECT(shmat_upd_nattch, memory != (void *)-1, "shmat() fails with %s", errno_name(errno));
        EXPECT(shmget_init_zero_filled, all_bytes(memory, SIZE, 0), "a new segment is not all zeros");
        *memory = mark;
        MUST(shmdt(memory));
        return made;
}

static void expect_objects(const struct objects *made, int mark)
{
        struct {
                long type;
                int mark;
        } message = {0, 0};

        EXPECT(ipcns_isolated_msg, msgget(books->key, 0) == made->queue &&
               msgrcv(made->queue, &message, sizeof(mark), 0, IPC_NOWAIT) == sizeof(mark) && message.mark == mark,
               "the queue of this namespace holds %d, not %d", message.mark, mark);
        MUST(msgsnd(made->queue, &message, sizeof(mark), IPC_NOWAIT));
        const int value = semctl(made->set, 0, GETVAL);
        EXPECT(ipcns_isolated_sem, semget(books->key, 0, 0) == made->set && value == mark,
               "the set of this namespace holds %d, not %d", value, mark);
        const int *const memory = shmat(made->segment, NULL, SHM_RDONLY);
        EXPECT(ipcns_isolated_shm, memory != (void *)-1 && *memory == mark,
               "the segment of this namespace holds %d, not %d", memory == (void *)-1 ? -1 : *memory, mark);
        MUST(shmdt(memory));
}

/* From namespace to namespace; what was left dies, except for one that is held by its descriptor. */
static void wanderer(int me)
{
        int first = -1;
        struct objects made;

        doing("unshare() and setns()");
        for (int turn = 0; turn < books->turns && more_time(); turn++) {
                MUST(unshare(CLONE_NEWIPC));
                expect_empty();
                const struct objects new = make_objects(me * 100 + turn);
                tarry();
                expect_objects(&new, me * 100 + turn);
                if (turn == 0) {
                        first = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC);
                        made = new;
                }
                count_operations(3);
        }
        if (first == -1)
                return;
        MUST(setns(first, CLONE_NEWIPC));
        expect_objects(&made, me * 100);
}

/* ---- nothing is kept of those that are gone ---- */

static bool made_one(void)
{
        int status;
        const pid_t pid = (pid_t)MUST_FORK(fork());

        if (pid == 0) {
                if (unshare(CLONE_NEWIPC) == -1)
                        _exit(errno);
                make_objects(1);
                _exit(0);
        }
        MUST(waitpid(pid, &status, 0));
        const int error = WEXITSTATUS(status);
        EXPECT(ipcns_enospc_max, error == 0 || error == ENOSPC, "unshare() fails with %s", errno_name(error));
        count_operations(1);
        return error == 0;
}

/* In a user namespace that may have few: if any is kept there soon are too many. */
static void homesteader(int me)
{
        char text[16];

        (void)me;
        doing("unshare(CLONE_NEWIPC) below user.max_ipc_namespaces");
        if (unshare(CLONE_NEWUSER) == -1)
                return;
        snprintf(text, sizeof(text), "%d", LIMIT);
        if (write_sysctl("user/max_ipc_namespaces", text) == -1)
                return;
        for (int n = 0; n < 4 * LIMIT && more_time(); n++)
                EXPECT(ipcns_create_destroy_loop, WITHIN(made_one()),
                       "after %d namespaces that came and went there is no room for one more of %d", n, LIMIT);
}

STORM(namespaces, "IPC namespaces come and go with objects in them: nothing shows in others, nothing is kept")
{
        books = shared(sizeof(*books));
        while (another_round()) {
                memset(books, 0, sizeof(*books));
                enter_new_ipc_namespace();
                books->key = (key_t)(1 + pick(0x7fffffff));
                books->turns = 1 + (int)pick(20);
                const struct objects outside = make_objects(30000);
                muster(draw_crew(1, 32), wanderer);
                if (once_in(4))
                        muster(1 + (int)pick(3), homesteader);
                set_off();
                all_end(ipcns_create_destroy_loop);
                expect_objects(&outside, 30000);
        }
}
