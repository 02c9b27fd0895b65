/* SPDX-License-Identifier: MIT
 *
 * The end of a process, in whatever way it comes: its semadj values are added to the semaphores, cut off at the
 * limits of a value, and the sets themselves stay.
 */
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "ipck_sem.h"

/* ---- every way to end ---- */

static void end_normally(void)
{
}

static void end_at_once(void)
{
        _exit(3);
}

static void end_by_sigterm(void)
{
        kill(getpid(), SIGTERM);
        pause();
}

static void end_only_thread(void)
{
        syscall(SYS_exit, 0);
}

static void *call_exit(void *unused)
{
        (void)unused;
        _exit(0);
}

static void end_from_a_thread(void)
{
        pthread_t thread;

        start_thread(&thread, call_exit, NULL);
        pthread_join(thread, NULL);
}

static void end_by_abort(void)
{
        abort();
}

static void end_by_memory_fault(void)
{
        *(volatile char *)bad_address() = 1;
}

TEST(adjustments_are_added_at_any_end, VERIFIES(exit_semadj_applied, exit_semadj_abort))
{
        const struct {
                const char *name;
                enum ipck_requirement req;
                void (*end)(void);
                int signal;
        } rows[] = {
                {"normal end", exit_semadj_applied, end_normally, 0},
                {"_exit", exit_semadj_applied, end_at_once, 0},
                {"end of the only thread", exit_semadj_applied, end_only_thread, 0},
                {"_exit in a second thread", exit_semadj_applied, end_from_a_thread, 0},
                {"SIGTERM", exit_semadj_applied, end_by_sigterm, SIGTERM},
                {"abort", exit_semadj_abort, end_by_abort, SIGABRT},
                {"memory fault", exit_semadj_abort, end_by_memory_fault, SIGSEGV},
        };
        const unsigned short values[3] = {10, 20, 30};

        EACH_ROW(row, rows) {
                int set = new_sems(3, 0600);
                struct child holder;

                set_all(set, values);
                CHILD(&holder) {
                        MUST(SEMOP(set, OP(0, -4, SEM_UNDO), OP(2, 7, SEM_UNDO)));
                        stay(&holder);
                        row->end();
                }
                UNTIL(stays(&holder));
                EQ(row->req, VAL(set, 0), 6);
                EQ(row->req, VAL(set, 2), 37);
                MUST(SEMOP(set, OP(0, 100, 0), OP(1, 100, 0), OP(2, 100, 0)));
                tell(&holder, 1);
                const int status = reap(&holder);
                REQUIRE(row->signal ? WIFSIGNALED(status) && WTERMSIG(status) == row->signal : WIFEXITED(status));
                EQ(row->req, VAL(set, 0), 110);
                EQ(row->req, VAL(set, 1), 120);
                EQ(row->req, VAL(set, 2), 130);
        }
}

TEST(sigkill_applies_adjustments, VERIFIES(exit_semadj_sigkill))
{
        const struct {
                const char *name;
                bool stopped;
        } rows[] = {{"running", false}, {"stopped", true}};

        EACH_ROW(row, rows) {
                int set = new_sems(2, 0600);
                struct child holder;

                set_val(set, 0, 10);
                CHILD(&holder) {
                        MUST(SEMOP(set, OP(0, -4, SEM_UNDO), OP(1, 7, SEM_UNDO)));
                        here(&holder, 1);
                        if (row->stopped)
                                raise(SIGSTOP);
                        await(&holder, 1);
                }
                UNTIL(stays(&holder));
                if (row->stopped)
                        MUST(waitpid(holder.pid, NULL, WUNTRACED));
                EQ(exit_semadj_sigkill, VAL(set, 0), 6);
                EQ(exit_semadj_sigkill, VAL(set, 1), 7);
                kill_child(&holder);
                EQ(exit_semadj_sigkill, VAL(set, 0), 10);
                EQ(exit_semadj_sigkill, VAL(set, 1), 0);
        }
}

TEST(killed_waiter_gives_back_only_what_it_had_done, VERIFIES(exit_semadj_while_blocked))
{
        const unsigned short values[4] = {10, 20, 30, 2};
        int set = new_sems(4, 0600);
        struct child waiter;

        set_all(set, values);
        CHILD(&waiter) {
                MUST(SEMOP(set, OP(0, -4, SEM_UNDO), OP(1, 3, SEM_UNDO)));
                SEMOP(set, OP(1, -5, SEM_UNDO), OP(2, 6, SEM_UNDO), OP(3, -9, SEM_UNDO));
        }
        UNTIL(NCNT(set, 3) == 1);
        kill_child(&waiter);
        EQ(exit_semadj_while_blocked, VAL(set, 0), 10);
        EQ(exit_semadj_while_blocked, VAL(set, 1), 20);
        EQ(exit_semadj_while_blocked, VAL(set, 2), 30);
        EQ(exit_semadj_while_blocked, VAL(set, 3), 2);
        /* Nor is it done later, for nobody. */
        EQ(exit_semadj_while_blocked, NCNT(set, 3), 0);
        MUST(SEMOP(set, OP(3, 20, 0)));
        EQ(exit_semadj_while_blocked, VAL(set, 3), 22);
        EQ(exit_semadj_while_blocked, VAL(set, 1), 20);
}

TEST(permission_lost_since_does_not_matter, VERIFIES(exit_semadj_applied))
{
        int set = new_sems(1, 0600);
        struct child holder;

        set_val(set, 0, 10);
        CHILD(&holder) {
                MUST(SEMOP(set, OP(0, -4, SEM_UNDO)));
                drop_all_capabilities();
                stay(&holder);
                REQUIRE(SEMOP(set, OP(0, -4, 0)) == -1 && errno == EACCES);
        }
        UNTIL(stays(&holder));
        EQ(exit_semadj_applied, VAL(set, 0), 6);
        set_mode(set, 0400);
        dismiss(&holder);
        EQ(exit_semadj_applied, VAL(set, 0), 10);
}

/* ---- cut off at the limits of a value ---- */

/* Whether the process has ended; it can still be reaped afterwards. */
static bool ended(const struct child *c)
{
        siginfo_t info = {.si_pid = 0};

        return waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == c->pid;
}

TEST(value_is_cut_off_at_zero, VERIFIES(exit_semadj_clamp_zero))
{
        const unsigned short values[3] = {0, 10, 10};
        int set = new_sems(3, 0600);
        struct child holder, waiter;

        set_all(set, values);
        CHILD(&holder) {
                MUST(SEMOP(set, OP(0, 9, SEM_UNDO), OP(1, 3, SEM_UNDO), OP(2, -3, SEM_UNDO)));
                stay(&holder);
        }
        UNTIL(stays(&holder));
        MUST(SEMOP(set, OP(0, -5, 0)));
        CHILD(&waiter)
                EQ(exit_semadj_clamp_zero, SEMOP(set, OP(0, 0, 0)), 0);
        UNTIL(ZCNT(set, 0) == 1);
        tell(&holder, 1);
        EVENTUALLY(exit_semadj_clamp_zero, ended(&holder));
        join(&holder);
        EQ(exit_semadj_clamp_zero, VAL(set, 0), 0);
        EVENTUALLY(exit_semadj_clamp_zero, returned(&waiter));
        join(&waiter);
        /* The other semaphores got theirs in full, and the rest of the first is forgotten. */
        EQ(exit_semadj_clamp_zero, VAL(set, 1), 10);
        EQ(exit_semadj_clamp_zero, VAL(set, 2), 10);
        MUST(SEMOP(set, OP(0, 8, 0)));
        EQ(exit_semadj_clamp_zero, VAL(set, 0), 8);
}

TEST(value_is_cut_off_at_the_maximum, VERIFIES(exit_semadj_clamp_max))
{
        const int most = sem_limits().semvmx;
        const unsigned short values[3] = {20, 10, 10};
        int set = new_sems(3, 0600);
        struct child holder;

        set_all(set, values);
        CHILD(&holder) {
                MUST(SEMOP(set, OP(0, -9, SEM_UNDO), OP(1, 3, SEM_UNDO), OP(2, -3, SEM_UNDO)));
                stay(&holder);
        }
        UNTIL(stays(&holder));
        /* Up to 4 below the maximum, by increments: SETVAL would clear the adjustment. */
        for (int missing = most - 4 - 11; missing > 0; missing -= 10000)
                MUST(SEMOP(set, OP(0, (short)(missing < 10000 ? missing : 10000), 0)));
        REQUIRE(VAL(set, 0) == most - 4);
        tell(&holder, 1);
        EVENTUALLY(exit_semadj_clamp_max, ended(&holder));
        join(&holder);
        EQ(exit_semadj_clamp_max, VAL(set, 0), most);
        EQ(exit_semadj_clamp_max, VAL(set, 1), 10);
        EQ(exit_semadj_clamp_max, VAL(set, 2), 10);
        MUST(SEMOP(set, OP(0, -1, 0)));
        EQ(exit_semadj_clamp_max, VAL(set, 0), most - 1);
}

TEST(adjustment_that_just_fits_is_not_cut_off, VERIFIES(exit_semadj_clamp_zero, exit_semadj_clamp_max))
{
        const int most = sem_limits().semvmx;
        int set = new_sems(2, 0600);
        struct child holder;

        set_val(set, 1, most);
        CHILD(&holder)
                MUST(SEMOP(set, OP(0, 5, SEM_UNDO), OP(1, -5, SEM_UNDO)));
        join(&holder);
        EQ(exit_semadj_clamp_zero, VAL(set, 0), 0);
        EQ(exit_semadj_clamp_max, VAL(set, 1), most);
}

/* ---- what else is seen of it ---- */

TEST(adjusted_semaphores_name_the_process_that_ended, VERIFIES(semctl_getpid_undo))
{
        const unsigned short values[3] = {10, 20, 30};
        int set = new_sems(3, 0600);
        struct child holder;

        set_all(set, values);
        CHILD(&holder) {
                MUST(SEMOP(set, OP(0, -1, SEM_UNDO), OP(1, -1, 0), OP(2, 1, SEM_UNDO)));
                stay(&holder);
        }
        UNTIL(stays(&holder));
        MUST(SEMOP(set, OP(0, 1, 0), OP(1, 1, 0), OP(2, 1, 0)));
        for (int i = 0; i < 3; i++)
                REQUIRE(PID(set, i) == getpid());
        dismiss(&holder);
        EQ(semctl_getpid_undo, PID(set, 0), holder.pid);
        EQ(semctl_getpid_undo, PID(set, 1), getpid());
        EQ(semctl_getpid_undo, PID(set, 2), holder.pid);
}

TEST(otime_is_that_of_the_end, VERIFIES(exit_semadj_otime), MOSTLY_WAITS)
{
        int set = new_sems(2, 0600);
        struct child holder;

        set_val(set, 1, 10);
        CHILD(&holder) {
                MUST(SEMOP(set, OP(1, -4, SEM_UNDO)));
                stay(&holder);
        }
        UNTIL(stays(&holder));
        const time_t before = stat_of(set).sem_otime;
        next_second(before);
        const time_t low = now();
        REQUIRE(stat_of(set).sem_otime == before);
        dismiss(&holder);
        BETWEEN(exit_semadj_otime, low, stat_of(set).sem_otime, now());
}

static void *wait_in_semop(void *set)
{
        SEMOP(*(int *)set, OP(1, -1, SEM_UNDO));
        return NULL;
}

TEST(wait_for_the_child_is_enough, VERIFIES(exit_semadj_order_of_death), KERNEL_ALONE)
{
        enum { ROUNDS = 40 };
        const struct {
                const char *name;
                bool thread, killed;
        } rows[] = {
                {"normal end", false, false},
                {"normal end of two threads", true, false},
                {"killed", false, true},
                {"two threads killed", true, true},
        };
        int set = new_sems(2, 0600);

        EACH_ROW(row, rows) {
                for (int i = 0; i < ROUNDS; i++) {
                        struct child holder;
                        siginfo_t info;

                        set_val(set, 0, 10);
                        CHILD(&holder) {
                                pthread_t thread;

                                MUST(SEMOP(set, OP(0, -4, SEM_UNDO)));
                                if (row->thread)
                                        start_thread(&thread, wait_in_semop, &set);
                                here(&holder, 1);
                                if (row->killed)
                                        await(&holder, 1);
                        }
                        UNTIL(stays(&holder));
                        if (row->killed)
                                MUST(kill(holder.pid, SIGKILL));
                        /* Already the zombie must have done it. */
                        MUST(waitid(P_PID, (id_t)holder.pid, &info, WEXITED | WNOWAIT));
                        EQ(exit_semadj_order_of_death, VAL(set, 0), 10);
                        reap(&holder);
                }
        }
}

/* Different for each, and of either sign. */
static short amount(int i)
{
        return (short)((i & 1) ? -1 - i : 1 + i);
}

TEST(several_hundred_sets, VERIFIES(exit_semadj_many))
{
        enum { SETS = 400 };
        const struct seminfo limits = sem_limits();
        int set[SETS], wrong = 0;
        struct child holder;

        if (limits.semmni < SETS || limits.semmns < SETS)
                UNSUPPORTED("%d sets (SEMMNI is %d, SEMMNS %d)", SETS, limits.semmni, limits.semmns);
        for (int i = 0; i < SETS; i++) {
                set[i] = new_sems(1, 0600);
                set_val(set[i], 0, 1000 + i);
        }
        CHILD(&holder) {
                for (int i = 0; i < SETS; i++)
                        EQ(exit_semadj_many, SEMOP(set[i], OP(0, amount(i), SEM_UNDO)), 0);
                stay(&holder);
        }
        UNTIL(stays(&holder));
        for (int i = 0; i < SETS; i++)
                wrong += VAL(set[i], 0) != 1000 + i + amount(i);
        EQ(exit_semadj_many, wrong, 0);
        dismiss(&holder);
        for (int i = 0; i < SETS; i++)
                wrong += VAL(set[i], 0) != 1000 + i;
        EQ(exit_semadj_many, wrong, 0);
}

/* ---- sets stay ---- */

TEST(sets_outlive_all_who_used_them, VERIFIES(exit_queues_persist, xsi_ipc_persist_creator_exit))
{
        const unsigned short values[3] = {10, 20, 30};
        const key_t key = fresh_key();
        int *id = shared(sizeof(*id));
        struct child creator, user;

        CHILD(&creator) {
                *id = (int)MUST(semget(key, 3, IPC_CREAT | IPC_EXCL | 0640));
                set_all(*id, values);
        }
        join(&creator);
        EQ(xsi_ipc_persist_creator_exit, semget(key, 3, 0), *id);
        EQ(xsi_ipc_persist_creator_exit, VAL(*id, 1), 20);

        CHILD(&user)
                EQ(xsi_ipc_persist_creator_exit, SEMOP(*id, OP(0, -1, 0), OP(1, 2, 0)), 0);
        join(&user);
        EQ(exit_queues_persist, semget(key, 3, 0), *id);
        EQ(exit_queues_persist, VAL(*id, 0), 9);
        EQ(exit_queues_persist, VAL(*id, 1), 22);
        EQ(exit_queues_persist, VAL(*id, 2), 30);
        EQ(exit_queues_persist, PID(*id, 0), user.pid);
        EQ(exit_queues_persist, stat_of(*id).sem_perm.mode & 0777, 0640);
        EQ(exit_queues_persist, SEMOP(*id, OP(2, -30, IPC_NOWAIT)), 0);
}

TEST(killed_creator_leaves_its_set, VERIFIES(exit_queues_persist, xsi_ipc_persist_creator_exit))
{
        int *id = shared(sizeof(*id));
        struct child creator;

        CHILD(&creator) {
                *id = new_sems(2, 0600);
                set_val(*id, 0, 7);
                MUST(SEMOP(*id, OP(0, -1, SEM_UNDO), OP(1, 4, 0)));
                stay(&creator);
        }
        UNTIL(stays(&creator));
        kill_child(&creator);
        EQ(exit_queues_persist, VAL(*id, 0), 7);
        EQ(exit_queues_persist, VAL(*id, 1), 4);
        EQ(xsi_ipc_persist_creator_exit, SEMOP(*id, OP(0, -7, IPC_NOWAIT), OP(1, -4, IPC_NOWAIT)), 0);
}
