/* SPDX-License-Identifier: MIT
 *
 * sem_undo.c: wrong adjustments: what SEM_UNDO notes, who has them, and what the end of a process makes of them.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sem_op.h"

static __typeof__(_exit) *real__exit __attribute__((noreturn));
static __typeof__(exit) *real_exit __attribute__((noreturn));
static __typeof__(execve) *real_execve;
static __typeof__(unshare) *real_unshare;
static __typeof__(setns) *real_setns;
static __typeof__(clone) *real_clone;

/* ---- what is noted ---- */

static void without_undo(struct sembuf *operation)
{
        operation->sem_flg = (short)(operation->sem_flg & ~SEM_UNDO);
}

static bool has_undo(const struct sembuf *operation)
{
        return operation->sem_flg & SEM_UNDO;
}

/* The sets of which this process has adjustments before this call. */
static int sets_used(int except)
{
        size_t at = 0;
        int id, number, sum, last = -1, count = 0;

        while (next_adjustment(&at, &id, &number, &sum)) {
                count += id != last && id != except;
                last = id;
        }
        return count;
}

void change_adjustments(struct attempt *a)
{
        bool any = false;

        for (size_t i = 0; i < a->count; i++)
                any |= has_undo(&a->operations[i]);
        if (!any)
                return;
        if (getpid() != gettid() && chosen(semop_undo_ends_with_the_thread))
                real_unshare(CLONE_SYSVSEM);
        const int others = sets_used(a->id);
        for (size_t i = 0; i < a->count; i++) {
                struct sembuf *const operation = &a->operations[i];
                if (!has_undo(operation)) {
                        if (chosen(semop_undo_of_any_entry))
                                operation->sem_flg |= SEM_UNDO;
                        continue;
                }
                const int value = ask(a->id, operation->sem_num, GETVAL);
                if ((operation->sem_flg & IPC_NOWAIT) && chosen(semop_undo_lost_with_nowait))
                        without_undo(operation);
                else if (operation->sem_op < 0 && value + operation->sem_op == 0 &&
                         chosen(semop_undo_of_the_last_units_lost))
                        without_undo(operation);
                else if (operation->sem_op > 0 && value == 0 && chosen(semop_undo_of_the_first_units_lost))
                        without_undo(operation);
                else if (operation->sem_op < 0 && value + operation->sem_op < 0 && chosen(semop_undo_of_waiters_lost))
                        without_undo(operation);
                else if (i > 1 && operation->sem_num != a->operations[0].sem_num &&
                         chosen(semop_undo_of_two_entries_only))
                        without_undo(operation);
                else if (others > 0 && chosen(semop_undo_of_one_set_only))
                        without_undo(operation);
                else if (others >= 16 && chosen(semop_undo_of_16_sets))
                        without_undo(operation);
                else if (value >= 0 && !adjustment(a->id, operation->sem_num) && chosen(semop_undo_of_others_forgotten))
                        real_semctl(a->id, operation->sem_num, SETVAL, value);
                else if (chosen(semop_undo_at_normal_end_only))
                        without_undo(operation);
        }
}

void finish_adjustments(const struct attempt *asked, int result)
{
        const int error = errno;

        for (size_t i = 0; i < asked->count; i++) {
                const struct sembuf *const operation = &asked->operations[i];
                const int number = operation->sem_num;
                if (!has_undo(operation) || !operation->sem_op || operation->sem_op == -SEMVMX - 1)
                        continue;
                const int noted = adjustment(asked->id, number);
                if (result == -1 && (error == EAGAIN || error == ERANGE) && chosen(semop_undo_of_refused_calls))
                        adjust(asked->id, number, -operation->sem_op);
                if (result == -1 && error == EINTR && chosen(semop_undo_of_interrupted_calls))
                        adjust(asked->id, number, -operation->sem_op);
                if (result == 0 && noted && (noted > 0) == (operation->sem_op > 0) &&
                    chosen(semop_undo_of_the_last_turn_only)) {
                        adjust(asked->id, number, -noted);
                        forget_adjustment(asked->id, number);
                }
        }
        if (result == 0)
                note_adjustments(asked->id, asked->operations, asked->count);
        errno = error;
}

/* ---- who has them ---- */

/* Takes all adjustments from this process. */
static void drop_all(void)
{
        size_t at = 0;
        int id, number, sum;

        while (next_adjustment(&at, &id, &number, &sum)) {
                adjust(id, number, -sum);
                forget_adjustment(id, number);
        }
}

static struct {
        int id, number, sum;
} of_parent[64];
static size_t of_parent_count;

static void before_fork(void)
{
        size_t at = 0;

        of_parent_count = 0;
        while (of_parent_count < 64 && next_adjustment(&at, &of_parent[of_parent_count].id,
                                                       &of_parent[of_parent_count].number,
                                                       &of_parent[of_parent_count].sum))
                of_parent_count++;
}

static void in_child(void)
{
        for (size_t i = 0; i < of_parent_count; i++)
                if (chosen(semop_undo_inherited) || chosen(semop_undo_moves_to_the_child))
                        adjust(of_parent[i].id, of_parent[i].number, of_parent[i].sum);
}

static void in_parent(void)
{
        if (of_parent_count && chosen(semop_undo_moves_to_the_child))
                drop_all();
}

int execve(const char *path, char *const argv[], char *const envp[])
{
        size_t at = 0;
        int id, number, sum;
        const bool adjusts = next_adjustment(&at, &id, &number, &sum);

        if (adjusts && access(path, X_OK) == 0 && chosen(semop_undo_applied_by_exec))
                real_unshare(CLONE_SYSVSEM);
        const int result = real_execve(path, argv, envp), error = errno;
        if (adjusts && chosen(semop_undo_lost_by_failed_exec))
                drop_all();
        errno = error;
        return result;
}

/* The test program starts itself so. */
int execl(const char *path, const char *first, ...)
{
        enum { MOST = 64 };
        char *arguments[MOST] = {(char *)first};
        va_list list;

        va_start(list, first);
        for (size_t i = 1; arguments[i - 1] && i < MOST - 1; i++)
                arguments[i] = va_arg(list, char *);
        va_end(list);
        return execve(path, arguments, environ);
}

int unshare(int flags)
{
        if (flags == CLONE_SYSVSEM && chosen(semop_undo_unshared_in_vain))
                return 0;
        if ((flags & CLONE_NEWIPC) && getpid() == gettid() && chosen(semop_undo_lost_with_the_namespace))
                drop_all();
        return real_unshare(flags);
}

int setns(int fd, int type)
{
        if ((type & CLONE_NEWIPC) && getpid() == gettid() && chosen(semop_undo_lost_with_the_namespace))
                drop_all();
        return real_setns(fd, type);
}

int clone(int (*body)(void *), void *stack, int flags, void *arg, ...)
{
        if ((flags & CLONE_SYSVSEM) && !(flags & CLONE_THREAD) && chosen(semop_undo_not_shared_by_clone))
                flags &= ~CLONE_SYSVSEM;
        va_list list;
        va_start(list, arg);
        void *const parent = va_arg(list, void *), *const tls = va_arg(list, void *);
        void *const child = va_arg(list, void *);
        va_end(list);
        return real_clone(body, stack, flags, arg, parent, tls, child);
}

/* ---- the end of a process ---- */

/* semop_undo_at_normal_end_only: what the kernel would do. */
static void apply(int id, int number, int sum)
{
        const int value = ask(id, number, GETVAL);
        int wanted = value + sum;

        if (wanted < 0)
                wanted = 0;
        if (wanted > SEMVMX)
                wanted = SEMVMX;
        struct sembuf operation = {(unsigned short)number, (short)(wanted - value), IPC_NOWAIT};
        if (value != -1)
                real_semop(id, &operation, 1);
}

static void leave(void)
{
        size_t at = 0;
        int id, number, sum;

        leave_sets();
        while (next_adjustment(&at, &id, &number, &sum)) {
                struct semid_ds ds;
                const int value = ask(id, number, GETVAL), pid = ask(id, number, GETPID);
                if (!describe(id, &ds))
                        continue;
                announce(BY_END);
                if (chosen(semop_undo_at_normal_end_only))
                        apply(id, number, sum);
                if (value + sum < 0 && chosen(semop_undo_below_zero_left_out))
                        adjust(id, number, -sum);
                if (value + sum > SEMVMX && chosen(semop_undo_above_the_largest_left_out))
                        adjust(id, number, -sum);
                if (chosen(semop_undo_stamps_nothing))
                        show(OTIME, id, 0, present(), ds.sem_otime);
                if (pid != getpid() && chosen(semop_undo_leaves_pid))
                        show(PID, id, number, getpid(), pid);
                if (sem_memory()->removed == id + 1 && chosen(semctl_rmid_keeps_adjustments))
                        apply(id, number, sum);
        }
}

void _exit(int status)
{
        if (mutants_are_in_question(SEM_CALLS))
                leave();
        real__exit(status);
}

void exit(int status)
{
        if (mutants_are_in_question(SEM_CALLS))
                leave();
        real_exit(status);
}

__attribute__((constructor)) static void begin(void)
{
        *(void **)&real__exit = dlsym(RTLD_NEXT, "_exit");
        *(void **)&real_exit = dlsym(RTLD_NEXT, "exit");
        *(void **)&real_execve = dlsym(RTLD_NEXT, "execve");
        *(void **)&real_unshare = dlsym(RTLD_NEXT, "unshare");
        *(void **)&real_setns = dlsym(RTLD_NEXT, "setns");
        *(void **)&real_clone = dlsym(RTLD_NEXT, "clone");
        pthread_atfork(before_fork, in_parent, in_child);
}
