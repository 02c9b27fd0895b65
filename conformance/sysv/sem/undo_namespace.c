/* SPDX-License-Identifier: MIT
 *
 * A process that moves to another IPC namespace cannot reach the sets that it has semadj values for any more: they
 * are applied when it leaves.
 */
#include <pthread.h>
#include <sched.h>

#include "ipck_sem.h"

/* Another IPC namespace, which the caller is not in. */
static int other_namespace(void)
{
        const int here_fd = this_ipc_namespace();

        enter_new_ipc_namespace();
        const int other_fd = this_ipc_namespace();
        MUST(setns(here_fd, CLONE_NEWIPC));
        close(here_fd);
        return other_fd;
}

TEST(adjustments_are_applied_on_leaving, VERIFIES(exit_semadj_other_ns, ipcns_setns_undo))
{
        const struct {
                const char *name;
                bool by_setns;
        } rows[] = {{"unshare", false}, {"setns", true}};

        EACH_ROW(row, rows) {
                int set = new_sems(2, 0600);
                struct child mover;

                set_val(set, 0, 10);
                CHILD(&mover) {
                        const int other = row->by_setns ? other_namespace() : -1;

                        MUST(SEMOP(set, OP(0, -3, SEM_UNDO), OP(1, 4, SEM_UNDO)));
                        stay(&mover);
                        if (row->by_setns)
                                MUST(setns(other, CLONE_NEWIPC));
                        else
                                enter_new_ipc_namespace();
                        here(&mover, 2);
                        await(&mover, 2);
                }
                UNTIL(stays(&mover));
                EQ(exit_semadj_other_ns, VAL(set, 0), 7);
                EQ(exit_semadj_other_ns, VAL(set, 1), 4);
                tell(&mover, 1);
                UNTIL(at(&mover) == 2);
                EQ(ipcns_setns_undo, VAL(set, 0), 10);
                EQ(ipcns_setns_undo, VAL(set, 1), 0);
                /* And not once more at the end. */
                MUST(SEMOP(set, OP(0, 50, 0), OP(1, 50, 0)));
                tell(&mover, 2);
                join(&mover);
                EQ(exit_semadj_other_ns, VAL(set, 0), 60);
                EQ(exit_semadj_other_ns, VAL(set, 1), 50);
        }
}

TEST(leaving_wakes_waiters, VERIFIES(exit_semadj_other_ns))
{
        int set = new_sems(1, 0600);
        struct child mover, waiter;

        set_val(set, 0, 1);
        CHILD(&mover) {
                MUST(SEMOP(set, OP(0, -1, SEM_UNDO)));
                stay(&mover);
                enter_new_ipc_namespace();
                here(&mover, 2);
                await(&mover, 2);
        }
        UNTIL(stays(&mover));
        CHILD(&waiter)
                EQ(exit_semadj_other_ns, SEMOP(set, OP(0, -1, 0)), 0);
        UNTIL(NCNT(set, 0) == 1);
        tell(&mover, 1);
        UNTIL(at(&mover) == 2);
        EQ(exit_semadj_other_ns, NCNT(set, 0), 0);
        if (NCNT(set, 0) == 0)
                join(&waiter);
        EQ(exit_semadj_other_ns, VAL(set, 0), 0);
        tell(&mover, 2);
        join(&mover);
        EQ(exit_semadj_other_ns, VAL(set, 0), 0);
}

/* Leaves a process in the caller's namespace that looks at the set when told. */
static void leave_observer(struct child *orders, int set)
{
        struct child observer;

        CHILD(&observer) {
                await(orders, 1);
                EQ(exit_semadj_other_ns, VAL(set, 0), 30);
                EQ(exit_semadj_other_ns, VAL(set, 1), 40);
                here(orders, 1);
        }
}

TEST(sets_of_the_new_namespace_are_others, VERIFIES(exit_semadj_other_ns))
{
        const unsigned short values[2] = {10, 20}, twin_values[2] = {30, 40};
        /* Made first in a namespace, so that the twin has the same identifier where these begin at one number. */
        int set = new_sems(2, 0600);
        struct child mover;

        set_all(set, values);
        CHILD(&mover) {
                const int old = this_ipc_namespace();

                enter_new_ipc_namespace();
                const int new = this_ipc_namespace(), twin = new_sems(2, 0600);
                set_all(twin, twin_values);
                leave_observer(&mover, twin);
                MUST(setns(old, CLONE_NEWIPC));

                MUST(SEMOP(set, OP(0, -3, SEM_UNDO), OP(1, 4, SEM_UNDO)));
                MUST(setns(new, CLONE_NEWIPC));
                EQ(exit_semadj_other_ns, VAL(twin, 0), 30);
                EQ(exit_semadj_other_ns, VAL(twin, 1), 40);
                /* What is done here is taken back here. */
                MUST(SEMOP(twin, OP(0, -5, SEM_UNDO)));
                EQ(exit_semadj_other_ns, VAL(twin, 0), 25);
        }
        join(&mover);
        EQ(exit_semadj_other_ns, VAL(set, 0), 10);
        EQ(exit_semadj_other_ns, VAL(set, 1), 20);
        tell(&mover, 1);
        UNTIL(stays(&mover));
}

static void *use_and_leave(void *set)
{
        MUST(SEMOP(*(int *)set, OP(0, -4, SEM_UNDO)));
        enter_new_ipc_namespace();
        return NULL;
}

TEST(thread_that_leaves_applies_nothing, VERIFIES(ipcns_setns_undo))
{
        int set = new_sems(1, 0600);
        struct child process;

        set_val(set, 0, 100);
        CHILD(&process) {
                pthread_t thread;

                MUST(SEMOP(set, OP(0, -3, SEM_UNDO)));
                start_thread(&thread, use_and_leave, &set);
                REQUIRE(pthread_join(thread, NULL) == 0);
                stay(&process);
        }
        UNTIL(stays(&process));
        EQ(ipcns_setns_undo, VAL(set, 0), 93);
        dismiss(&process);
        EQ(ipcns_setns_undo, VAL(set, 0), 100);
}

TEST(move_that_fails_applies_nothing, VERIFIES(ipcns_setns_undo))
{
        int set = new_sems(1, 0600);
        struct child mover;

        set_val(set, 0, 10);
        CHILD(&mover) {
                const int other = other_namespace();

                MUST(SEMOP(set, OP(0, -3, SEM_UNDO)));
                drop_all_capabilities();
                REQUIRE(unshare(CLONE_NEWIPC) == -1);
                REQUIRE(setns(other, CLONE_NEWIPC) == -1);
                EQ(ipcns_setns_undo, VAL(set, 0), 7);
        }
        join(&mover);
        EQ(ipcns_setns_undo, VAL(set, 0), 10);
}
