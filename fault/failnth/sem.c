/* SPDX-License-Identifier: MIT
 *
 * System V semaphores.
 */
#include <sched.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <unistd.h>

#include "operations.h"

#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY 20
#endif

/* semop() keeps up to 64 operations on the stack (SEMOPM_FAST), and semctl() up to 256 values (SEMMSL_FAST). */
enum { KEY = 0x1234, FEW = 4, MANY = 300, LARGE = 100 };

union semun {
        int val;
        struct semid_ds *buf;
        unsigned short *array;
        struct seminfo *info;
};

static int set;
static unsigned short values[MANY];

static int operate(unsigned short number, short change, short flags)
{
        struct sembuf one = {number, change, flags};

        return semop(set, &one, 1);
}

/* ---- states ---- */

static void new_set(int count)
{
        set = (int)MUST(semget(KEY, count, IPC_CREAT | 0600));
        for (int i = 0; i < count; i++)
                values[i] = 2;
        values[0] = 1;
        values[1] = 0;
        MUST(semctl(set, 0, SETALL, (union semun){.array = values}));
        MUST(operate(2, 1, 0));
        MUST(operate(2, -1, 0));
}

static void few(void)
{
        new_set(FEW);
}

static void many(void)
{
        new_set(MANY);
}

static long take_1(void)
{
        return operate(1, -1, 0);
}

static long take_two_of_1(void)
{
        return operate(1, -2, SEM_UNDO);
}

static long await_zero_of_0(void)
{
        return operate(0, 0, 0);
}

static long take_0_and_1(void)
{
        struct sembuf both[] = {{0, -1, SEM_UNDO}, {1, -3, 0}};

        return semop(set, both, 2);
}

static void waiters(void)
{
        blocked(take_two_of_1);
        blocked(take_1);
        blocked(await_zero_of_0);
        blocked(take_0_and_1);
}

static void few_with_waiters(void)
{
        few();
        waiters();
}

static void many_with_waiters(void)
{
        many();
        waiters();
}

/* Somebody else has semaphores with SEM_UNDO. */
static long hold(void)
{
        struct sembuf some[] = {{3, -1, SEM_UNDO}, {2, 1, SEM_UNDO}, {1, -9, 0}};

        if (semop(set, some, 2) == -1)
                return -1;
        return semop(set, some + 2, 1);
}

static void few_with_undo(void)
{
        few();
        blocked(hold);
}

static void many_with_undo(void)
{
        many();
        blocked(hold);
        blocked(take_1);
}

/* The caller has an undo list of its own. */
static void own_undo(void)
{
        MUST(operate(3, -1, SEM_UNDO));
        MUST(operate(2, 1, SEM_UNDO));
}

static void own_undo_on_another_set(void)
{
        const int first = set;

        set = (int)MUST(semget(IPC_PRIVATE, FEW, 0600));
        MUST(operate(3, 1, SEM_UNDO));
        set = first;
}

/* ---- calls ---- */

static long create_few(void)
{
        return semget(KEY, FEW, IPC_CREAT | IPC_EXCL | 0640);
}

static long create_many(void)
{
        return semget(KEY, 32000, IPC_CREAT | 0600);
}

static long create_private(void)
{
        return semget(IPC_PRIVATE, FEW, 0600);
}

static long open_set(void)
{
        return semget(KEY, FEW, 0600);
}

static long add_one(void)
{
        return operate(2, 1, 0);
}

static long add_for_waiters(void)
{
        return operate(1, 3, 0);
}

static long add_with_undo(void)
{
        return operate(2, 1, SEM_UNDO);
}

static long take_to_zero(void)
{
        return operate(0, -1, 0);
}

static long take_without_wait(void)
{
        return operate(1, -1, IPC_NOWAIT);
}

static long await_zero(void)
{
        return operate(1, 0, 0);
}

static long several(size_t count, short flags)
{
        struct sembuf list[LARGE];

        for (size_t i = 0; i < count; i++)
                list[i] = (struct sembuf){(unsigned short)(1 + i % 3), 1, flags};
        return semop(set, list, count);
}

static long array(void)
{
        return several(8, 0);
}

static long large_array(void)
{
        return several(LARGE, 0);
}

static long large_array_with_undo(void)
{
        return several(LARGE, SEM_UNDO);
}

/* The same semaphore twice, which takes the slow way. */
static long mixed_array(void)
{
        struct sembuf list[] = {{2, 1, SEM_UNDO}, {2, -2, SEM_UNDO}, {1, 0, 0}, {3, -1, SEM_UNDO}};

        return semop(set, list, 4);
}

static long timed_out(void)
{
        struct sembuf one = {1, -1, SEM_UNDO};
        const struct timespec moment = {.tv_nsec = 1};

        return semtimedop(set, &one, 1, &moment);
}

static long timed_large(void)
{
        struct sembuf list[LARGE];
        const struct timespec hour = {.tv_sec = 3600};

        for (size_t i = 0; i < LARGE; i++)
                list[i] = (struct sembuf){(unsigned short)(1 + i % 3), 1, 0};
        return semtimedop(set, list, LARGE, &hour);
}

static long control(int number, int command, union semun argument)
{
        return semctl(set, number, command, argument);
}

static long get_value(void)
{
        return control(2, GETVAL, (union semun){0});
}

static long get_pid(void)
{
        return control(2, GETPID, (union semun){0});
}

static long get_ncnt(void)
{
        return control(1, GETNCNT, (union semun){0});
}

static long get_zcnt(void)
{
        return control(0, GETZCNT, (union semun){0});
}

static long get_all(void)
{
        memset(values, 0, sizeof(values));
        const long result = control(0, GETALL, (union semun){.array = values});
        if (result != -1)
                ANSWER_OF(values);
        return result;
}

static long set_value(void)
{
        return control(1, SETVAL, (union semun){.val = 2});
}

static long set_to_zero(void)
{
        return control(0, SETVAL, (union semun){.val = 0});
}

static long set_all(void)
{
        for (int i = 0; i < MANY; i++)
                values[i] = (unsigned short)(i % 7);
        return control(0, SETALL, (union semun){.array = values});
}

static long ask(int id, int command)
{
        struct semid_ds ds;

        memset(&ds, 0, sizeof(ds));
        const long result = semctl(id, 0, command, (union semun){.buf = &ds});
        if (result != -1) {
                ANSWER_OF(ds.sem_nsems);
                ANSWER_OF(ds.sem_perm.mode);
        }
        return result;
}

static long stat_set(void)
{
        return ask(set, IPC_STAT);
}

static long stat_index(void)
{
        return ask(0, SEM_STAT);
}

static long stat_any(void)
{
        return ask(0, SEM_STAT_ANY);
}

static long info(int command)
{
        struct seminfo limits;

        memset(&limits, 0, sizeof(limits));
        const long result = semctl(0, 0, command, (union semun){.info = &limits});
        if (result != -1)
                ANSWER_OF(limits);
        return result;
}

static long limits_info(void)
{
        return info(IPC_INFO);
}

static long usage_info(void)
{
        return info(SEM_INFO);
}

static long change_set(void)
{
        struct semid_ds ds;

        memset(&ds, 0, sizeof(ds));
        ds.sem_perm.gid = 5;
        ds.sem_perm.mode = 0644;
        return semctl(set, 0, IPC_SET, (union semun){.buf = &ds});
}

static long remove_set(void)
{
        return semctl(set, 0, IPC_RMID, (union semun){0});
}

/* The caller's undo list is carried out. */
static long end(void)
{
        _exit(0);
}

/* A child that shares the undo list; it ends at once. */
static long clone_with_undo(void)
{
        return clone_and_end(CLONE_SYSVSEM);
}

static const struct operation operations[] = {
        OPERATION("semget.create", NULL, NULL, create_few),
        OPERATION("semget.create-many", NULL, NULL, create_many),
        OPERATION("semget.create-private", few, NULL, create_private),
        OPERATION("semget.open", few, NULL, open_set),
        OPERATION("semop.one", few, NULL, add_one),
        OPERATION("semop.wakes", few_with_waiters, NULL, add_for_waiters),
        OPERATION("semop.wakes-with-undo", many_with_undo, own_undo, add_for_waiters),
        OPERATION("semop.to-zero-wakes", few_with_waiters, NULL, take_to_zero),
        OPERATION("semop.nowait", few_with_waiters, NULL, take_without_wait),
        OPERATION("semop.zero", few, NULL, await_zero),
        OPERATION("semop.undo-first", few, NULL, add_with_undo),
        OPERATION("semop.undo-first-many", many, NULL, add_with_undo),
        OPERATION("semop.undo-second-set", few, own_undo_on_another_set, add_with_undo),
        OPERATION("semop.undo-again", few_with_undo, own_undo, add_with_undo),
        OPERATION("semop.array", few_with_waiters, NULL, array),
        OPERATION("semop.large-array", few_with_waiters, NULL, large_array),
        OPERATION("semop.large-array-undo", few_with_undo, NULL, large_array_with_undo),
        OPERATION("semop.mixed-array", few, own_undo, mixed_array),
        OPERATION("semtimedop.timed-out", few, NULL, timed_out),
        OPERATION("semtimedop.large-array", few, NULL, timed_large),
        OPERATION("semctl.getval", few, NULL, get_value),
        OPERATION("semctl.getpid", few, NULL, get_pid),
        OPERATION("semctl.getncnt", few_with_waiters, NULL, get_ncnt),
        OPERATION("semctl.getzcnt", few_with_waiters, NULL, get_zcnt),
        OPERATION("semctl.getall", few, NULL, get_all),
        OPERATION("semctl.getall-many", many, NULL, get_all),
        OPERATION("semctl.setval", few_with_undo, own_undo, set_value),
        OPERATION("semctl.setval-wakes", few_with_waiters, NULL, set_to_zero),
        OPERATION("semctl.setall", few_with_undo, own_undo, set_all),
        OPERATION("semctl.setall-many", many_with_undo, own_undo, set_all),
        OPERATION("semctl.setall-many-wakes", many_with_waiters, NULL, set_all),
        OPERATION("semctl.stat", few_with_waiters, NULL, stat_set),
        OPERATION("semctl.stat-index", few, NULL, stat_index),
        OPERATION("semctl.stat-any", few, NULL, stat_any),
        OPERATION("semctl.ipc-info", few, NULL, limits_info),
        OPERATION("semctl.sem-info", few, NULL, usage_info),
        OPERATION("semctl.set", few_with_waiters, own_undo, change_set),
        OPERATION("semctl.remove", few, NULL, remove_set),
        OPERATION("semctl.remove-with-waiters", few_with_waiters, own_undo, remove_set),
        OPERATION("clone.sysvsem", few, NULL, clone_with_undo, .errors = "EAGAIN ENOMEM ENOSPC EPERM"),
        OPERATION("clone.sysvsem-with-undo", few, own_undo, clone_with_undo, .errors = "EAGAIN ENOMEM ENOSPC EPERM"),
        OPERATION("exit.undo", few_with_waiters, own_undo, end, .ends = true),
};
const struct family sem_family = FAMILY(operations);
