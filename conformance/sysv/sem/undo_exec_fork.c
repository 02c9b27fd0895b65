/* SPDX-License-Identifier: MIT
 *
 * SEM_UNDO and new processes: a child starts with no semadj values, a new program keeps those of its process.
 */
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ipck_sem.h"

/* ---- fork ---- */

static void fork_and_wait(void)
{
        struct child child;

        CHILD(&child) {
        }
        join(&child);
}

static void vfork_and_wait(void)
{
        const pid_t pid = vfork();

        if (pid == 0)
                _exit(0);
        MUST_FORK(pid);
        MUST(waitpid(pid, NULL, 0));
}

TEST(child_starts_with_no_adjustment, VERIFIES(fork_semadj_cleared, fork_semadj_parent_kept))
{
        const struct {
                const char *name;
                void (*new_process)(void);
        } rows[] = {{"fork", fork_and_wait}, {"vfork", vfork_and_wait}};
        const unsigned short values[2] = {10, 20};

        EACH_ROW(row, rows) {
                int set = new_sems(2, 0600);
                struct child parent;

                set_all(set, values);
                CHILD(&parent) {
                        MUST(SEMOP(set, OP(0, -3, SEM_UNDO), OP(1, 4, SEM_UNDO)));
                        row->new_process();
                        stay(&parent);
                }
                UNTIL(stays(&parent));
                EQ(fork_semadj_cleared, VAL(set, 0), 7);
                EQ(fork_semadj_cleared, VAL(set, 1), 24);
                dismiss(&parent);
                EQ(fork_semadj_parent_kept, VAL(set, 0), 10);
                EQ(fork_semadj_parent_kept, VAL(set, 1), 20);
        }
}

static void use_in_child(int set)
{
        struct child child;

        CHILD(&child) {
                MUST(SEMOP(set, OP(0, -5, SEM_UNDO)));
                EQ(fork_semadj_cleared, VAL(set, 0), 92);
        }
        join(&child);
}

TEST(child_takes_back_its_own_operations_only, VERIFIES(fork_semadj_cleared, fork_semadj_parent_kept))
{
        int set = new_sems(1, 0600);
        struct child parent;

        set_val(set, 0, 100);
        CHILD(&parent) {
                MUST(SEMOP(set, OP(0, -3, SEM_UNDO)));
                use_in_child(set);
                EQ(fork_semadj_cleared, VAL(set, 0), 97);
                MUST(SEMOP(set, OP(0, -7, SEM_UNDO)));
                EQ(fork_semadj_parent_kept, VAL(set, 0), 90);
        }
        join(&parent);
        EQ(fork_semadj_parent_kept, VAL(set, 0), 100);
}

static void leave_child(struct child *orders, pid_t *pid)
{
        struct child child;

        CHILD(&child) {
                *pid = getpid();
                stay(orders);
        }
}

TEST(parent_that_ends_first_applies_all, VERIFIES(fork_semadj_cleared, fork_semadj_parent_kept))
{
        pid_t *orphan = shared(sizeof(*orphan));
        int set = new_sems(1, 0600);
        struct child parent;

        set_val(set, 0, 100);
        CHILD(&parent) {
                MUST(SEMOP(set, OP(0, -3, SEM_UNDO)));
                leave_child(&parent, orphan);
        }
        join(&parent);
        UNTIL(stays(&parent));
        EQ(fork_semadj_parent_kept, VAL(set, 0), 100);
        tell(&parent, 1);
        UNTIL(kill(*orphan, 0) == -1 && errno == ESRCH);
        EQ(fork_semadj_cleared, VAL(set, 0), 100);
}

/* ---- exec ---- */

/* The new program: signals by semaphore 1 that it runs, and stays until semaphore 2 is 1. The set is the argument. */
ROLE(stay_until_told)
{
        const int set = atoi(arg);

        if (SEMOP(set, OP(1, 1, 0)) == -1)
                return 1;
        return SEMOP(set, OP(2, -1, 0)) == 0 ? 0 : 1;
}

/* The same, having done two operations with SEM_UNDO of its own. */
ROLE(use_and_stay)
{
        const int set = atoi(arg);

        if (SEMOP(set, OP(0, -5, SEM_UNDO)) == -1 || SEMOP(set, OP(3, 2, SEM_UNDO)) == -1)
                return 1;
        if (SEMOP(set, OP(1, 1, 0)) == -1)
                return 1;
        return SEMOP(set, OP(2, -1, 0)) == 0 ? 0 : 1;
}

static void become_role(const char *role, int set)
{
        char arg[16];

        snprintf(arg, sizeof(arg), "%d", set);
        MUST(exec_role(role, arg));
}

static const char *role_of_thread;

static void *exec_in_thread(void *set)
{
        become_role(role_of_thread, *(int *)set);
        return NULL;
}

static void *wait_for_ever(void *unused)
{
        for (;;)
                pause();
        return unused;
}

TEST(new_program_keeps_adjustments, VERIFIES(exec_semadj_kept))
{
        const struct {
                const char *name, *role;
                enum { PLAIN, WITH_THREAD, IN_THREAD } how;
                bool killed;
                int during;
        } rows[] = {
                {"normal end", "stay_until_told", PLAIN, false, 97},
                {"killed", "stay_until_told", PLAIN, true, 97},
                {"new program adds to them", "use_and_stay", PLAIN, false, 92},
                {"exec ends another thread", "stay_until_told", WITH_THREAD, false, 97},
                {"exec by another thread", "use_and_stay", IN_THREAD, false, 92},
        };
        const unsigned short values[4] = {100, 0, 0, 50};

        EACH_ROW(row, rows) {
                int set = new_sems(4, 0600);
                struct child process;

                set_all(set, values);
                CHILD(&process) {
                        pthread_t thread;

                        MUST(SEMOP(set, OP(0, -3, SEM_UNDO), OP(3, 4, SEM_UNDO)));
                        role_of_thread = row->role;
                        if (row->how == IN_THREAD) {
                                start_thread(&thread, exec_in_thread, &set);
                                wait_for_ever(NULL);
                        }
                        if (row->how == WITH_THREAD)
                                start_thread(&thread, wait_for_ever, NULL);
                        become_role(row->role, set);
                }
                UNTIL(VAL(set, 1) == 1);
                EQ(exec_semadj_kept, VAL(set, 0), row->during);
                if (row->killed) {
                        kill_child(&process);
                } else {
                        MUST(SEMOP(set, OP(2, 1, 0)));
                        join(&process);
                }
                EQ(exec_semadj_kept, VAL(set, 0), 100);
                EQ(exec_semadj_kept, VAL(set, 3), 50);
        }
}

/* A path that names a file which no kernel takes for a program. */
static const char *not_a_program(void)
{
        static char path[64];
        const int fd = (int)MUST(memfd_create("ipck", 0));

        MUST(write(fd, "\001\002\003\004", 4));
        MUST(fchmod(fd, 0700));
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        return path;
}

TEST(failed_exec_keeps_adjustments, VERIFIES(exec_failed_exec))
{
        enum { HUGE = 1 << 20 };
        char *huge = malloc(HUGE);
        const struct {
                const char *name, *path;
                char *argument;
        } rows[] = {
                {"argument too long", "/proc/self/exe", huge},
                {"no such file", "/nonexistent/program", NULL},
                {"a directory", "/", NULL},
                {"not a program", not_a_program(), NULL},
        };

        REQUIRE(huge);
        memset(huge, 'x', HUGE - 1);
        huge[HUGE - 1] = '\0';
        EACH_ROW(row, rows) {
                char name[] = "ipck-tests", *const argv[] = {name, row->argument, NULL}, *const envp[] = {NULL};
                int set = new_sems(1, 0600);
                struct child holder;

                set_val(set, 0, 10);
                CHILD(&holder) {
                        MUST(SEMOP(set, OP(0, -3, SEM_UNDO)));
                        REQUIRE(execve(row->path, argv, envp) == -1);
                        EQ(exec_failed_exec, VAL(set, 0), 7);
                        MUST(SEMOP(set, OP(0, -1, SEM_UNDO)));
                        stay(&holder);
                }
                UNTIL(stays(&holder));
                EQ(exec_failed_exec, VAL(set, 0), 6);
                dismiss(&holder);
                EQ(exec_failed_exec, VAL(set, 0), 10);
        }
}
