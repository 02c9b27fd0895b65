/* SPDX-License-Identifier: MIT
 *
 * sysv_sem.c: races about System V semaphores.
 */
#include <grp.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <unistd.h>

#include "interleave.h"

enum { KEY = 0x1bc5, POLLS = 3, NOBODY = 65534, OTHER = 65533 };

union semun {
        int val;
        struct semid_ds *buf;
};

static struct {
        int set, created, inside;
        bool removed, revoked;
} *m;

static int change(int set, int by, int flags)
{
        struct sembuf one = {0, (short)by, (short)flags};

        return semop(set, &one, 1);
}

static int set_value(int set, int value)
{
        return semctl(set, 0, SETVAL, (union semun){.val = value});
}

static void nothing(void)
{
        m = scenario_memory();
}

static void set_of(int value)
{
        nothing();
        m->set = (int)GIVEN(semget(KEY, 1, IPC_CREAT | 0600));
        GIVEN(set_value(m->set, value));
}

static void set_of_0(void)
{
        set_of(0);
}

static void set_of_1(void)
{
        set_of(1);
}

static void set_of_3(void)
{
        set_of(3);
}

/* ---- creation ---- */

static void create(void)
{
        const int set = semget(KEY, 1, IPC_CREAT | IPC_EXCL | 0600);

        if (set == -1)
                KEEPS(semget_eexist, errno == EEXIST);
        else
                m->created++;
}

static void one_was_created(void)
{
        KEEPS(semget_atomic_creat_excl, m->created == 1);
}

/* Who creates the set gives it its value and then uses it, which sets sem_otime; who finds it waits for that. */
static void open_and_use(void)
{
        int set = semget(KEY, 1, IPC_CREAT | IPC_EXCL | 0600);
        struct semid_ds about = {.sem_otime = 0};

        if (set != -1) {
                KEEPS(semctl_setval, set_value(set, 1) == 0);
                KEEPS(semop_ret_zero, change(set, 1, 0) == 0);
                return;
        }
        KEEPS(semget_eexist, errno == EEXIST);
        set = (int)GIVEN(semget(KEY, 1, 0));
        for (int i = 0; i < POLLS && about.sem_otime == 0; i++)
                KEEPS(semctl_stat_fields, semctl(set, 0, IPC_STAT, (union semun){.buf = &about}) == 0);
        if (about.sem_otime != 0)
                KEEPS(semget_otime_init_handshake, change(set, -2, IPC_NOWAIT) == 0);
}

/* ---- removal ---- */

static void remove_set(void)
{
        KEEPS(semctl_rmid_removes, semctl(m->set, 0, IPC_RMID) == 0);
        m->removed = true;
}

static void use_twice(void)
{
        for (int i = 0; i < 2; i++) {
                const bool good = change(m->set, 1, 0) == 0;
                if (m->removed)
                        KEEPS(xsi_ipc_id_stale_einval, !good && errno == EINVAL);
                else
                        KEEPS(semop_ret_zero, good);
        }
}

static void wait_in_vain(void)
{
        const bool good = change(m->set, -100, 0) == 0;
        const int error = errno;

        KEEPS(semop_dec_subtracts, !good);
        if (scenario_waited())
                KEEPS(semctl_rmid_wakes_all, error == EIDRM);
        else
                KEEPS(xsi_ipc_id_stale_einval, error == EINVAL);
}

static void look_up(void)
{
        const int set = semget(KEY, 1, 0);

        if (m->removed)
                KEEPS(semctl_rmid_removes, set == -1 && errno == ENOENT);
        else
                KEEPS(xsi_ipc_id_unique_per_mechanism, set == m->set);
}

static void the_set_is_gone(void)
{
        KEEPS(semctl_rmid_removes, FAILED_WITH(EINVAL, semctl(m->set, 0, GETVAL)));
        KEEPS(semctl_rmid_removes, FAILED_WITH(ENOENT, semget(KEY, 1, 0)));
}

/* ---- adjustments at the end of a process ---- */

static void take_with_undo(void)
{
        const bool good = change(m->set, -1, SEM_UNDO) == 0;

        if (!good && m->removed)
                KEEPS(xsi_ipc_id_stale_einval, errno == EINVAL);
        else
                KEEPS(semop_ret_zero, good);
}

static void set_to_5(void)
{
        KEEPS(semctl_setval, set_value(m->set, 5) == 0);
}

static void it_is_5(void)
{
        KEEPS(semctl_setval_clears_semadj_all, semctl(m->set, 0, GETVAL) == 5);
}

static void remove_and_create(void)
{
        remove_set();
        m->created = (int)GIVEN(semget(KEY, 1, IPC_CREAT | IPC_EXCL | 0600));
        KEEPS(semctl_setval, set_value(m->created, 7) == 0);
}

static void the_new_one_is_7(void)
{
        KEEPS(exit_semadj_rmid_race, semctl(m->created, 0, GETVAL) == 7);
}

static void it_is_1(void)
{
        KEEPS(exit_semadj_applied, semctl(m->set, 0, GETVAL) == 1);
}

/* ---- waiting ---- */

static void lock_and_unlock(void)
{
        struct sembuf lock[] = {{0, 0, 0}, {0, 1, 0}};

        KEEPS(semop_ret_zero, semop(m->set, lock, 2) == 0);
        KEEPS(semop_array_zero_then_inc, m->inside++ == 0);
        KEEPS(semctl_setval, semctl(m->set, 0, GETVAL) == 1);
        m->inside--;
        KEEPS(semop_ret_zero, change(m->set, -1, 0) == 0);
}

static void take_2(void)
{
        KEEPS(semop_ret_zero, change(m->set, -2, 0) == 0);
}

static void set_to_2(void)
{
        KEEPS(semctl_setval, set_value(m->set, 2) == 0);
}

static void give_1_and_1(void)
{
        KEEPS(semop_ret_zero, change(m->set, 1, 0) == 0);
        KEEPS(semop_ret_zero, change(m->set, 1, 0) == 0);
}

static void take_1(void)
{
        KEEPS(semop_ret_zero, change(m->set, -1, 0) == 0);
}

static void it_is_0(void)
{
        KEEPS(semop_dec_subtracts, semctl(m->set, 0, GETVAL) == 0);
        KEEPS(semop_ncnt_dec_on_proceed, semctl(m->set, 0, GETNCNT) == 0);
}

/* ---- permissions ---- */

static void open_to_all(void)
{
        struct semid_ds about;

        set_of(0);
        GIVEN(semctl(m->set, 0, IPC_STAT, (union semun){.buf = &about}));
        about.sem_perm.mode = 0666;
        about.sem_perm.uid = OTHER;
        about.sem_perm.gid = OTHER;
        if (semctl(m->set, 0, IPC_SET, (union semun){.buf = &about}) == -1)
                scenario_lacks("other users");
}

static void become_nobody(unsigned role)
{
        if (role == 0 && (setgroups(0, NULL) == -1 || setresgid(NOBODY, NOBODY, NOBODY) == -1 ||
                          setresuid(NOBODY, NOBODY, NOBODY) == -1))
                scenario_lacks("other users");
}

static void use_as_nobody(void)
{
        for (int i = 0; i < 2; i++) {
                const bool good = change(m->set, 1, 0) == 0;
                if (m->revoked)
                        KEEPS(semop_eacces_alter, !good && errno == EACCES);
                else
                        KEEPS(semop_ret_zero, good);
        }
}

static void take_permission(void)
{
        struct semid_ds about;

        GIVEN(semctl(m->set, 0, IPC_STAT, (union semun){.buf = &about}));
        about.sem_perm.mode = 0600;
        KEEPS(semctl_set_values_untouched, semctl(m->set, 0, IPC_SET, (union semun){.buf = &about}) == 0);
        m->revoked = true;
}

SCENARIOS(sysv_sem_scenarios,
        {"sem_create", "three create a set with one key and IPC_EXCL", nothing, {create, create, create}, one_was_created,
         .ends = semget_atomic_creat_excl},
        {"sem_init", "two create or find a set, and the second waits for its first value by sem_otime", nothing,
         {open_and_use, open_and_use}, .ends = semget_otime_init_handshake},
        {"sem_rmid_use", "operations against IPC_RMID and a look-up of the key", set_of_0, {use_twice, remove_set, look_up},
         the_set_is_gone, .ends = semctl_rmid_removes},
        {"sem_rmid_wait", "waiting against an operation and IPC_RMID", set_of_0, {wait_in_vain, use_twice, remove_set},
         the_set_is_gone, .ends = semctl_rmid_wakes_all},
        {"sem_undo_setval", "SEM_UNDO at the end of a process against SETVAL", set_of_3, {take_with_undo, set_to_5}, it_is_5,
         .ends = semop_ret_zero},
        {"sem_undo_rmid", "SEM_UNDO at the end of a process against IPC_RMID and a new set", set_of_3,
         {take_with_undo, remove_and_create}, the_new_one_is_7, .ends = semop_ret_zero},
        {"sem_undo_wakes", "three take one unit with SEM_UNDO and end", set_of_1, {take_with_undo, take_with_undo, take_with_undo},
         it_is_1, .ends = semop_wake_by_undo},
        {"sem_lock", "two lock by waiting for zero and adding 1", set_of_0, {lock_and_unlock, lock_and_unlock}, it_is_0,
         .ends = semop_wake_zero},
        {"sem_setval_wakes", "waiting for 2 units against SETVAL", set_of_0, {take_2, set_to_2}, it_is_0,
         .ends = semop_wake_by_setval},
        {"sem_give", "two wait for a unit each against two operations that give one", set_of_0, {take_1, take_1, give_1_and_1}, it_is_0,
         .ends = semop_wake_inc_single},
        {"sem_permission", "operations of another user against IPC_SET of the mode", open_to_all, {use_as_nobody, take_permission}, NULL,
         become_nobody, .ends = semop_eacces_alter});
