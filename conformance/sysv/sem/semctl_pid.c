/* SPDX-License-Identifier: MIT
 *
 * semctl() GETPID: who last did something to a semaphore.
 */
#include <pthread.h>
#include <sched.h>

#include "ipck_sem.h"

/* ---- who counts ---- */

TEST(new_set_has_no_last_process, VERIFIES(semctl_getpid_fresh))
{
        int old = new_sems(2, 0600);

        MUST(SEMOP(old, OP(0, 1, 0), OP(1, 1, 0)));
        MUST(semctl(old, 0, IPC_RMID));
        int set = new_sems(2, 0600);
        EQ(semctl_getpid_fresh, PID(set, 0), 0);
        EQ(semctl_getpid_fresh, PID(set, 1), 0);
        /* Looking at it does not count. */
        unsigned short values[2];
        get_all(set, values);
        (void)view_of(set);
        set_mode(set, 0640);
        EQ(semctl_getpid_fresh, PID(set, 0), 0);
        EQ(semctl_getpid_fresh, PID(set, 1), 0);
}

TEST(operation_leaves_its_process, VERIFIES(semctl_getpid_semop))
{
        static const struct {
                const char *name;
                short op;
        } rows[] = {{"increase", 1}, {"decrease", -1}, {"wait for zero", 0}};

        EACH_ROW(row, rows) {
                int set = new_sems(3, 0600);
                struct child operator;

                MUST(SEMOP(set, OP(0, 1, 0), OP(1, row->op < 0 ? 2 : 1, 0), OP(2, 1, 0)));
                if (row->op == 0)
                        MUST(SEMOP(set, OP(1, -1, 0)));
                EQ(semctl_getpid_semop, PID(set, 1), getpid());
                CHILD(&operator)
                        MUST(SEMOP(set, OP(1, row->op, 0)));
                join(&operator);
                EQ(semctl_getpid_semop, PID(set, 1), operator.pid);
                EQ(semctl_getpid_semop, PID(set, 0), getpid());
                EQ(semctl_getpid_semop, PID(set, 2), getpid());
        }
}

TEST(operation_on_several_leaves_its_process_on_each, VERIFIES(semctl_getpid_semop))
{
        int set = new_sems(4, 0600);
        struct child operator;

        MUST(SEMOP(set, OP(0, 1, 0), OP(1, 1, 0), OP(2, 1, 0), OP(3, 1, 0)));
        CHILD(&operator)
                MUST(SEMOP(set, OP(0, 1, 0), OP(1, -1, 0), OP(3, 5, 0)));
        join(&operator);
        EQ(semctl_getpid_semop, PID(set, 0), operator.pid);
        EQ(semctl_getpid_semop, PID(set, 1), operator.pid);
        EQ(semctl_getpid_semop, PID(set, 2), getpid());
        EQ(semctl_getpid_semop, PID(set, 3), operator.pid);
        MUST(SEMOP(set, OP(3, 1, 0)));
        EQ(semctl_getpid_semop, PID(set, 3), getpid());
}

TEST(failed_operation_leaves_nobody, VERIFIES(semctl_getpid_semop))
{
        int set = new_sems(2, 0600);
        struct child operator;

        MUST(SEMOP(set, OP(0, 1, 0), OP(1, 1, 0)));
        CHILD(&operator) {
                /* The first entry could be done, the second cannot. */
                REQUIRE(SEMOP(set, OP(0, 1, IPC_NOWAIT), OP(1, 0, IPC_NOWAIT)) == -1 && errno == EAGAIN);
                REQUIRE(SEMOP(set, OP(0, 1, 0), OP(9, 1, 0)) == -1 && errno == EFBIG);
        }
        join(&operator);
        EQ(semctl_getpid_semop, PID(set, 0), getpid());
        EQ(semctl_getpid_semop, PID(set, 1), getpid());
}

TEST(operation_that_had_to_wait_leaves_the_waiter, VERIFIES(semctl_getpid_semop))
{
        int set = new_sems(1, 0600);
        struct child waiter;

        CHILD(&waiter)
                MUST(SEMOP(set, OP(0, -1, 0)));
        UNTIL(NCNT(set, 0) == 1);
        /* A call that sleeps has not succeeded yet. */
        HOLDS(semctl_getpid_semop, PID(set, 0) != waiter.pid);
        MUST(SEMOP(set, OP(0, 1, 0)));
        EVENTUALLY(semctl_getpid_semop, returned(&waiter));
        join(&waiter);
        EQ(semctl_getpid_semop, PID(set, 0), waiter.pid);
}

static void *operate(void *set)
{
        MUST(SEMOP(*(int *)set, OP(0, 1, 0)));
        return NULL;
}

TEST(operation_of_a_thread_leaves_its_process, VERIFIES(semctl_getpid_semop))
{
        int set = new_sems(1, 0600);
        struct child process;

        CHILD(&process) {
                pthread_t thread;

                start_thread(&thread, operate, &set);
                REQUIRE(pthread_join(thread, NULL) == 0);
        }
        join(&process);
        EQ(semctl_getpid_semop, VAL(set, 0), 1);
        EQ(semctl_getpid_semop, PID(set, 0), process.pid);
}

TEST(setval_leaves_its_process_on_one_semaphore, VERIFIES(semctl_getpid_setval))
{
        int set = new_sems(3, 0600);
        struct child setter;

        MUST(SEMOP(set, OP(0, 1, 0), OP(1, 1, 0), OP(2, 1, 0)));
        CHILD(&setter)
                MUST(semctl(set, 1, SETVAL, ARG_VAL(7)));
        join(&setter);
        EQ(semctl_getpid_setval, PID(set, 1), setter.pid);
        EQ(semctl_getpid_setval, PID(set, 0), getpid());
        EQ(semctl_getpid_setval, PID(set, 2), getpid());
        /* Also where the value stays the same. */
        set_val(set, 1, 7);
        EQ(semctl_getpid_setval, PID(set, 1), getpid());
}

TEST(setall_leaves_its_process_on_every_semaphore, VERIFIES(semctl_getpid_setall))
{
        static const unsigned short values[3] = {1, 2, 3};
        int set = new_sems(3, 0600);
        struct child setter;

        MUST(SEMOP(set, OP(0, 1, 0), OP(1, 1, 0)));
        CHILD(&setter)
                set_all(set, values);
        join(&setter);
        for (int i = 0; i < 3; i++)
                EQ(semctl_getpid_setall, PID(set, i), setter.pid);
        set_all(set, values);
        for (int i = 0; i < 3; i++)
                EQ(semctl_getpid_setall, PID(set, i), getpid());
}

/* ---- how long, and for whom ---- */

TEST(process_that_is_gone_is_still_named, VERIFIES(semctl_getpid_reaped))
{
        int set = new_sems(2, 0600);
        struct child operator, later[5];

        MUST(SEMOP(set, OP(0, 1, 0), OP(1, 1, 0)));
        CHILD(&operator)
                MUST(SEMOP(set, OP(1, 1, 0)));
        join(&operator);
        REQUIRE(kill(operator.pid, 0) == -1 && errno == ESRCH);
        for (int i = 0; i < 5; i++) {
                CHILD(&later[i])
                        (void)view_of(set);
                join(&later[i]);
        }
        EQ(semctl_getpid_reaped, PID(set, 1), operator.pid);
        EQ(semctl_getpid_reaped, PID(set, 0), getpid());
}

/* As process 1 of a new PID namespace, operates on semaphores 1 and 2; returns its process ID outside. */
static pid_t operate_in_pid_namespace(int set)
{
        struct child inner;

        if (unshare(CLONE_NEWPID) == -1)
                UNSUPPORTED("a PID namespace (%s)", errno_name(errno));
        CHILD(&inner) {
                REQUIRE(getpid() == 1);
                EQ(semctl_getpid_pidns, PID(set, 0), 0);
                MUST(SEMOP(set, OP(1, 1, 0)));
                set_val(set, 2, 5);
                EQ(semctl_getpid_pidns, PID(set, 1), 1);
                EQ(semctl_getpid_pidns, PID(set, 2), 1);
        }
        join(&inner);
        return inner.pid;
}

TEST(pids_are_numbered_for_the_one_who_asks, VERIFIES(semctl_getpid_pidns))
{
        int set = new_sems(3, 0600);
        pid_t *inner = shared(sizeof(*inner));
        struct child bridge;

        MUST(SEMOP(set, OP(0, 1, 0)));
        CHILD(&bridge)
                *inner = operate_in_pid_namespace(set);
        join(&bridge);
        REQUIRE(*inner > 1);
        EQ(semctl_getpid_pidns, PID(set, 1), *inner);
        EQ(semctl_getpid_pidns, PID(set, 2), *inner);
        EQ(semctl_getpid_pidns, PID(set, 0), getpid());
}

static void *set_by_thread(void *set)
{
        set_val(*(int *)set, 0, 3);
        set_val(*(int *)set, 1, 4);
        return NULL;
}

static void *set_all_by_thread(void *set)
{
        set_all(*(int *)set, (unsigned short[]){5, 6});
        return NULL;
}

/* A thread that is not the first has a number of its own on some systems: it is no process's. */
TEST(setter_is_the_process_not_the_thread, VERIFIES(semctl_getpid_setval, semctl_getpid_setall))
{
        const struct {
                const char *name;
                enum ipck_requirement req;
                void *(*set)(void *);
        } rows[] = {
                {"SETVAL", semctl_getpid_setval, set_by_thread}, {"SETALL", semctl_getpid_setall, set_all_by_thread},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(2, 0600);
                pthread_t thread;

                REQUIRE(PID(set, 0) == 0 && PID(set, 1) == 0);
                start_thread(&thread, row->set, &set);
                REQUIRE(pthread_join(thread, NULL) == 0);
                EQ(row->req, PID(set, 0), getpid());
                EQ(row->req, PID(set, 1), getpid());
        }
}
