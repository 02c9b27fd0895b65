/* SPDX-License-Identifier: MIT
 *
 * System V semaphores: what was done with SEM_UNDO is undone, what was done without stays, and who waits is told.
 */
#include "crash.h"
#include "ipck_sem.h"

#undef IPCK_FILE_ROUTES
#define IPCK_FILE_ROUTES 0

TEST(semget, VERIFIES(exit_queues_persist))
{
        const key_t key = fresh_key(), other = key + 1;

        crash("semget", key, "sysv/sem/semget", "entry", 1);
        FAILS_WITH(exit_queues_persist, ENOENT, semget(key, 0, 0));
        crash("semget", other, "sysv/sem/semget", "after", 1);
        int set = (int)MUST(semget(other, 0, 0));
        EQ(exit_queues_persist, SEMOP(set, OP(1, 1, 0)), 0);
        EQ(exit_queues_persist, VAL(set, 1), 1);
}

TEST(semop_without_undo, VERIFIES(exit_queues_persist, semop_undo_mixed_flags))
{
        int set = new_sems(2, 0600);

        set_val(set, 0, 1);
        crash("semop", set, "sysv/sem/semop", "entry", 1);
        EQ(exit_queues_persist, VAL(set, 0), 1);
        pid_t victim = crash("semop", set, "sysv/sem/semop", "after", 1);
        EQ(semop_undo_mixed_flags, VAL(set, 0), 0);
        EQ(semop_undo_mixed_flags, PID(set, 0), victim);
}

TEST(semop_with_undo, VERIFIES(exit_semadj_sigkill, semctl_getpid_undo))
{
        int set = new_sems(2, 0600);

        set_val(set, 0, 1);
        crash("semop_undo", set, "sysv/sem/semop", "entry", 1);
        EQ(exit_semadj_sigkill, VAL(set, 0), 1);
        const pid_t victim = crash("semop_undo", set, "sysv/sem/semop", "after", 1);
        EQ(exit_semadj_sigkill, VAL(set, 0), 1);
        EQ(semctl_getpid_undo, PID(set, 0), victim);
}

/* Another process waits for the unit that the victim holds when it dies. */
static void dies_blocked(const char *act, const char *point, unsigned nth)
{
        int set = new_sems(3, 0600);
        struct child waiter, victim;

        set_all(set, ((const unsigned short[]){0, 1, 1}));
        start_victim(&victim, act, set, point, "blocked", nth);
        UNTIL(ZCNT(set, 2) == 1);
        WAITER(&waiter, semop_wake_by_undo, set, OP(1, -1, 0));
        HOLDS(semop_wake_by_undo, !returned(&waiter));
        set_val(set, 2, 0);
        join_victim(&victim);
        EVENTUALLY(semop_wake_by_undo, returned(&waiter));
        join(&waiter);
        EQ(exit_semadj_while_blocked, VAL(set, 1), 0);
        EQ(exit_semadj_while_blocked, VAL(set, 0), 0);
        EQ(semop_ncnt_dec_on_kill, NCNT(set, 0), 0);
        EQ(exit_semadj_while_blocked, SEMOP(set, OP(0, 1, 0)), 0);
        EQ(exit_semadj_while_blocked, VAL(set, 0), 1);
}

TEST(semop_blocked, VERIFIES(exit_semadj_while_blocked, semop_ncnt_dec_on_kill, semop_wake_by_undo))
{
        dies_blocked("semop_holding", "sysv/sem/semop", 3);
}

TEST(semtimedop_blocked, VERIFIES(exit_semadj_while_blocked, semop_ncnt_dec_on_kill, semop_wake_by_undo))
{
        dies_blocked("semtimedop_holding", "sysv/sem/semtimedop", 1);
}

TEST(semtimedop_at_entry_and_after, VERIFIES(exit_semadj_sigkill))
{
        const char *const moments[] = {"entry", "after"};

        for (size_t i = 0; i < 2; i++) {
                int set = new_sems(3, 0600);
                set_all(set, ((const unsigned short[]){1, 1, 0}));
                crash("semtimedop_holding", set, "sysv/sem/semtimedop", moments[i], 1);
                EQ(exit_semadj_sigkill, VAL(set, 0), 1);
                EQ(exit_semadj_sigkill, VAL(set, 1), 1);
        }
}

TEST(semctl_setval, VERIFIES(exit_semadj_sigkill, semctl_setval, exit_queues_persist))
{
        int set = new_sems(2, 0600);

        set_val(set, 1, 1);
        crash("semctl_setval", set, "sysv/sem/semctl", "entry", 1);
        EQ(exit_queues_persist, VAL(set, 0), 0);
        EQ(exit_semadj_sigkill, VAL(set, 1), 1);
        crash("semctl_setval", set, "sysv/sem/semctl", "after", 1);
        EQ(semctl_setval, VAL(set, 0), 5);
        EQ(exit_semadj_sigkill, VAL(set, 1), 1);
}

TEST(semctl_rmid, VERIFIES(exit_queues_persist, semctl_rmid_removes, semctl_rmid_wakes_all))
{
        int set = new_sems(2, 0600);
        struct child waiter;

        CHILD(&waiter)
                FAILS_WITH(semctl_rmid_wakes_all, EIDRM, SEMOP(set, OP(0, -1, 0)));
        UNTIL(NCNT(set, 0) == 1);
        crash("semctl_rmid", set, "sysv/sem/semctl", "entry", 1);
        EQ(exit_queues_persist, NCNT(set, 0), 1);
        crash("semctl_rmid", set, "sysv/sem/semctl", "after", 1);
        FAILS_WITH(semctl_rmid_removes, EINVAL, VAL(set, 0));
        EVENTUALLY(semctl_rmid_wakes_all, returned(&waiter));
        join(&waiter);
}
