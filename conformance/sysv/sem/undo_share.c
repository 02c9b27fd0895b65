/* SPDX-License-Identifier: MIT
 *
 * Whose semadj values they are: those of a process, so of all its threads together; and on Linux those of all tasks
 * that clone(CLONE_SYSVSEM) has joined, until unshare(CLONE_SYSVSEM) parts them.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "ipck_sem.h"

/* ---- threads ---- */

/* A thread that does an operation with SEM_UNDO, stays until told, and ends. */
struct worker {
        pthread_t thread;
        int set;
        short op;
        atomic_int tid, stay;
};

static void *work(void *arg)
{
        struct worker *w = arg;

        MUST(SEMOP(w->set, OP(0, w->op, SEM_UNDO)));
        atomic_store(&w->tid, (int)syscall(SYS_gettid));
        UNTIL(!atomic_load(&w->stay));
        return NULL;
}

static void start_worker(struct worker *w, int set, short op, bool stay)
{
        w->set = set;
        w->op = op;
        atomic_store(&w->tid, 0);
        atomic_store(&w->stay, stay);
        start_thread(&w->thread, work, w);
        UNTIL(atomic_load(&w->tid) != 0);
}

/* Whether the kernel has done with the thread: pthread_join() returns before. */
static bool thread_gone(int tid)
{
        return syscall(SYS_tgkill, getpid(), tid, 0) == -1 && errno == ESRCH;
}

static void end_worker(struct worker *w)
{
        atomic_store(&w->stay, 0);
        REQUIRE(pthread_join(w->thread, NULL) == 0);
        UNTIL(thread_gone(atomic_load(&w->tid)));
}

TEST(end_of_a_thread_takes_nothing_back, VERIFIES(semop_undo_threads_share))
{
        const struct {
                const char *name;
                short main_before, main_after;  /* what the main thread does before the other's life and after it */
                int during, after_thread;
        } rows[] = {
                {"used by the thread alone", 0, 0, 97, 97},
                {"used by the process before", -5, 0, 92, 92},
                {"used by the process after", 0, -7, 97, 90},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(1, 0600);
                struct child process;

                set_val(set, 0, 100);
                CHILD(&process) {
                        struct worker worker;

                        if (row->main_before)
                                MUST(SEMOP(set, OP(0, row->main_before, SEM_UNDO)));
                        start_worker(&worker, set, -3, false);
                        EQ(semop_undo_threads_share, VAL(set, 0), row->during);
                        end_worker(&worker);
                        EQ(semop_undo_threads_share, VAL(set, 0), row->during);
                        if (row->main_after)
                                MUST(SEMOP(set, OP(0, row->main_after, SEM_UNDO)));
                        stay(&process);
                }
                UNTIL(stays(&process));
                EQ(semop_undo_threads_share, VAL(set, 0), row->after_thread);
                dismiss(&process);
                EQ(semop_undo_threads_share, VAL(set, 0), 100);
        }
}

TEST(operations_of_all_threads_add_up, VERIFIES(semop_undo_threads_share))
{
        int set = new_sems(1, 0600);
        struct child process;

        set_val(set, 0, 100);
        CHILD(&process) {
                struct worker gone, alive;

                MUST(SEMOP(set, OP(0, -1, SEM_UNDO)));
                start_worker(&gone, set, -4, false);
                end_worker(&gone);
                start_worker(&alive, set, 7, true);
                stay(&process);
                /* The process ends while a thread is still there. */
        }
        UNTIL(stays(&process));
        EQ(semop_undo_threads_share, VAL(set, 0), 102);
        dismiss(&process);
        EQ(semop_undo_threads_share, VAL(set, 0), 100);
}

/* Whether only the other threads of the process are left. */
static bool first_thread_gone(pid_t pid)
{
        char path[64], text[512];

        private_proc();
        snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        REQUIRE(read_file(path, text, sizeof(text)) > 0);
        const char *state = strrchr(text, ')');
        return state && strncmp(state, ") Z", 3) == 0;
}

static void *outlive(void *arg)
{
        struct child *process = arg;

        stay(process);
        syscall(SYS_exit, 0);
        return NULL;
}

TEST(process_without_its_first_thread_keeps_adjustments, VERIFIES(semop_undo_threads_share, semctl_getpid_undo))
{
        int set = new_sems(1, 0600);
        struct child process;

        set_val(set, 0, 100);
        CHILD(&process) {
                pthread_t thread;

                MUST(SEMOP(set, OP(0, -3, SEM_UNDO)));
                start_thread(&thread, outlive, &process);
                /* Of this thread alone; pthread_exit() would also run handlers. */
                syscall(SYS_exit, 0);
        }
        UNTIL(stays(&process) && first_thread_gone(process.pid));
        EQ(semop_undo_threads_share, VAL(set, 0), 97);
        MUST(SEMOP(set, OP(0, 1, 0)));
        REQUIRE(PID(set, 0) == getpid());
        tell(&process, 1);
        reap(&process);
        EQ(semop_undo_threads_share, VAL(set, 0), 101);
        EQ(semctl_getpid_undo, PID(set, 0), process.pid);
}

TEST(thread_that_ends_while_the_process_waits_in_semop, VERIFIES(semop_undo_threads_share))
{
        int set = new_sems(2, 0600);
        struct child process;

        set_val(set, 0, 100);
        CHILD(&process) {
                struct worker worker;

                start_worker(&worker, set, -3, false);
                end_worker(&worker);
                EQ(semop_undo_threads_share, SEMOP(set, OP(1, -1, SEM_UNDO)), 0);
                stay(&process);
        }
        UNTIL(NCNT(set, 1) == 1);
        EQ(semop_undo_threads_share, VAL(set, 0), 97);
        MUST(SEMOP(set, OP(1, 3, 0)));
        EVENTUALLY(semop_undo_threads_share, stays(&process));
        EQ(semop_undo_threads_share, VAL(set, 1), 2);
        dismiss(&process);
        EQ(semop_undo_threads_share, VAL(set, 0), 100);
        EQ(semop_undo_threads_share, VAL(set, 1), 3);
}

/* ---- clone(CLONE_SYSVSEM) of processes ---- */

/* A process made by clone() that does an operation with SEM_UNDO, stays until told, and ends. */
struct sharer {
        int set;
        short op;
        bool unshare_first;
        atomic_int pid, at, told;
};

static int share(void *arg)
{
        struct sharer *s = arg;

        MUST(SEMOP(s->set, OP(0, s->op, SEM_UNDO)));
        atomic_store(&s->at, 1);
        UNTIL(atomic_load(&s->told) >= 1);
        if (s->unshare_first) {
                MUST(unshare(CLONE_SYSVSEM));
                atomic_store(&s->at, 2);
                UNTIL(atomic_load(&s->told) >= 2);
        }
        return 0;
}

static void start_sharer(struct sharer *s, int flags)
{
        enum { STACK = 65536 };
        char *stack = malloc(STACK);

        REQUIRE(stack);
        atomic_store(&s->pid, MUST_FORK(clone(share, stack + STACK, flags | SIGCHLD, s)));
        UNTIL(atomic_load(&s->at) == 1);
}

static struct sharer *new_sharer(int set, short op)
{
        struct sharer *s = shared(sizeof(*s));

        s->set = set;
        s->op = op;
        return s;
}

TEST(sharer_that_ends_first_takes_nothing_back, VERIFIES(semop_undo_clone_sysvsem))
{
        const struct {
                const char *name;
                int flags;
                int left;       /* when the cloned process has ended */
        } rows[] = {{"sharing", CLONE_SYSVSEM, 93}, {"not sharing", 0, 98}};

        EACH_ROW(row, rows) {
                int set = new_sems(1, 0600);
                struct sharer *sharer = new_sharer(set, -5);
                struct child first;

                set_val(set, 0, 100);
                CHILD(&first) {
                        MUST(SEMOP(set, OP(0, -2, SEM_UNDO)));
                        start_sharer(sharer, row->flags);
                        EQ(semop_undo_clone_sysvsem, VAL(set, 0), 93);
                        atomic_store(&sharer->told, 1);
                        MUST(waitpid(sharer->pid, NULL, 0));
                        EQ(semop_undo_clone_sysvsem, VAL(set, 0), row->left);
                }
                join(&first);
                EQ(semop_undo_clone_sysvsem, VAL(set, 0), 100);
        }
}

TEST(sharer_that_outlives_the_first_keeps_its_adjustments, VERIFIES(semop_undo_clone_sysvsem))
{
        const struct {
                const char *name;
                int flags;
                int left;       /* when the first process has ended */
        } rows[] = {{"sharing", CLONE_SYSVSEM, 92}, {"not sharing", 0, 95}};

        EACH_ROW(row, rows) {
                int set = new_sems(1, 0600);
                struct sharer *sharer = new_sharer(set, -5);
                struct child first;

                set_val(set, 0, 100);
                CHILD(&first) {
                        MUST(SEMOP(set, OP(0, -2, SEM_UNDO)));
                        start_sharer(sharer, row->flags);
                        MUST(SEMOP(set, OP(0, -1, SEM_UNDO)));
                }
                join(&first);
                EQ(semop_undo_clone_sysvsem, VAL(set, 0), row->left);
                atomic_store(&sharer->told, 1);
                EVENTUALLY(semop_undo_clone_sysvsem, VAL(set, 0) == 100);
        }
}

TEST(list_can_be_shared_before_it_is_used, VERIFIES(semop_undo_clone_sysvsem))
{
        int set = new_sems(1, 0600);
        struct sharer *sharer = new_sharer(set, -5);
        struct child first;

        set_val(set, 0, 100);
        CHILD(&first) {
                start_sharer(sharer, CLONE_SYSVSEM);
                atomic_store(&sharer->told, 1);
                MUST(waitpid(sharer->pid, NULL, 0));
                stay(&first);
        }
        UNTIL(stays(&first));
        EQ(semop_undo_clone_sysvsem, VAL(set, 0), 95);
        kill_child(&first);
        EQ(semop_undo_clone_sysvsem, VAL(set, 0), 100);
}

TEST(setval_clears_a_shared_list, VERIFIES(semop_undo_clone_sysvsem, semctl_setval_clears_semadj_all))
{
        int set = new_sems(1, 0600);
        struct sharer *sharer = new_sharer(set, -5);
        struct child first;

        set_val(set, 0, 100);
        CHILD(&first) {
                start_sharer(sharer, CLONE_SYSVSEM);
                set_val(set, 0, 50);
                MUST(SEMOP(set, OP(0, -2, SEM_UNDO)));
                atomic_store(&sharer->told, 1);
                MUST(waitpid(sharer->pid, NULL, 0));
                EQ(semop_undo_clone_sysvsem, VAL(set, 0), 48);
        }
        join(&first);
        EQ(semctl_setval_clears_semadj_all, VAL(set, 0), 50);
}

/* ---- unshare(CLONE_SYSVSEM) ---- */

static int leave_list(void)
{
        int result = unshare(CLONE_SYSVSEM);

        if (result == -1 && (errno == EPERM || errno == ENOSYS))
                UNSUPPORTED("unshare(CLONE_SYSVSEM) (%s)", errno_name(errno));
        return result;
}

TEST(unshare_by_the_only_user_applies_at_once, VERIFIES(semop_undo_unshare_sysvsem))
{
        const unsigned short values[2] = {10, 20};
        int set = new_sems(2, 0600);
        struct child holder;

        set_all(set, values);
        CHILD(&holder) {
                MUST(SEMOP(set, OP(0, -3, SEM_UNDO), OP(1, 4, SEM_UNDO)));
                EQ(semop_undo_unshare_sysvsem, VAL(set, 0), 7);
                EQ(semop_undo_unshare_sysvsem, leave_list(), 0);
                EQ(semop_undo_unshare_sysvsem, VAL(set, 0), 10);
                EQ(semop_undo_unshare_sysvsem, VAL(set, 1), 20);
                /* From here on it counts anew. */
                MUST(SEMOP(set, OP(1, -7, SEM_UNDO)));
                stay(&holder);
        }
        UNTIL(stays(&holder));
        EQ(semop_undo_unshare_sysvsem, VAL(set, 1), 13);
        dismiss(&holder);
        EQ(semop_undo_unshare_sysvsem, VAL(set, 0), 10);
        EQ(semop_undo_unshare_sysvsem, VAL(set, 1), 20);
}

TEST(unshare_wakes_waiters, VERIFIES(semop_undo_unshare_sysvsem))
{
        int set = new_sems(1, 0600);
        struct child holder, waiter;

        set_val(set, 0, 1);
        CHILD(&holder) {
                MUST(SEMOP(set, OP(0, -1, SEM_UNDO)));
                stay(&holder);
                EQ(semop_undo_unshare_sysvsem, leave_list(), 0);
                here(&holder, 2);
                await(&holder, 2);
        }
        UNTIL(stays(&holder));
        CHILD(&waiter)
                EQ(semop_undo_unshare_sysvsem, SEMOP(set, OP(0, -1, 0)), 0);
        UNTIL(NCNT(set, 0) == 1);
        tell(&holder, 1);
        UNTIL(at(&holder) == 2);
        EQ(semop_undo_unshare_sysvsem, NCNT(set, 0), 0);
        if (NCNT(set, 0) == 0)
                join(&waiter);
        tell(&holder, 2);
        join(&holder);
        EQ(semop_undo_unshare_sysvsem, VAL(set, 0), 0);
}

TEST(unshare_by_one_of_two_leaves_all_to_the_other, VERIFIES(semop_undo_clone_sysvsem))
{
        int set = new_sems(1, 0600);
        struct sharer *sharer = new_sharer(set, -5);
        struct child first;

        leave_list();
        set_val(set, 0, 100);
        sharer->unshare_first = true;
        CHILD(&first) {
                MUST(SEMOP(set, OP(0, -2, SEM_UNDO)));
                start_sharer(sharer, CLONE_SYSVSEM);
                stay(&first);
        }
        UNTIL(stays(&first));
        atomic_store(&sharer->told, 1);
        UNTIL(atomic_load(&sharer->at) == 2);
        EQ(semop_undo_clone_sysvsem, VAL(set, 0), 93);
        /* What the one did before it left goes with the other. */
        dismiss(&first);
        EQ(semop_undo_clone_sysvsem, VAL(set, 0), 100);
        atomic_store(&sharer->told, 2);
        UNTIL(kill(sharer->pid, 0) == -1 && errno == ESRCH);
        EQ(semop_undo_clone_sysvsem, VAL(set, 0), 100);
}

static void *unshare_twice(void *arg)
{
        const int set = *(int *)arg;

        MUST(SEMOP(set, OP(0, -3, SEM_UNDO)));
        EQ(semop_undo_unshare_sysvsem, leave_list(), 0);
        /* Still the process's. */
        EQ(semop_undo_unshare_sysvsem, VAL(set, 0), 97);
        MUST(SEMOP(set, OP(0, -5, SEM_UNDO)));
        EQ(semop_undo_unshare_sysvsem, leave_list(), 0);
        /* The thread was the only user of its new list. */
        EQ(semop_undo_unshare_sysvsem, VAL(set, 0), 97);
        return NULL;
}

TEST(thread_can_leave_the_list_of_its_process, VERIFIES(semop_undo_unshare_sysvsem))
{
        int set = new_sems(1, 0600);
        struct child process;

        set_val(set, 0, 100);
        CHILD(&process) {
                pthread_t thread;

                start_thread(&thread, unshare_twice, &set);
                REQUIRE(pthread_join(thread, NULL) == 0);
                stay(&process);
        }
        UNTIL(stays(&process));
        EQ(semop_undo_unshare_sysvsem, VAL(set, 0), 97);
        dismiss(&process);
        EQ(semop_undo_unshare_sysvsem, VAL(set, 0), 100);
}
