/* SPDX-License-Identifier: MIT
 *
 * sem_ctl.c: wrong implementations of semctl().
 */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sem.h"

static bool is_known(int command)
{
        static const int known[] = {IPC_RMID, IPC_SET,  IPC_STAT, IPC_INFO, GETPID,   GETVAL,   GETALL,       GETNCNT,
                                    GETZCNT,  SETVAL,   SETALL,   SEM_STAT, SEM_INFO, SEM_STAT_ANY};

        for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
                if (known[i] == command)
                        return true;
        return false;
}

static bool names_semaphore(int command)
{
        return command == GETVAL || command == GETPID || command == GETNCNT || command == GETZCNT || command == SETVAL;
}

/* ---- wrong error numbers ---- */

/* One mutant a row: the command fails with another error than it should. */
static const struct {
        enum mutant_number mutant;
        int command, right, wrong;
} errors[] = {
        {MUTANT_semctl_getval_eperm, GETVAL, EACCES, EPERM},
        {MUTANT_semctl_getpid_eperm, GETPID, EACCES, EPERM},
        {MUTANT_semctl_getncnt_eperm, GETNCNT, EACCES, EPERM},
        {MUTANT_semctl_getzcnt_eperm, GETZCNT, EACCES, EPERM},
        {MUTANT_semctl_setval_eperm, SETVAL, EACCES, EPERM},
        {MUTANT_semctl_getall_eperm, GETALL, EACCES, EPERM},
        {MUTANT_semctl_setall_eperm, SETALL, EACCES, EPERM},
        {MUTANT_semctl_stat_eperm, IPC_STAT, EACCES, EPERM},
        {MUTANT_semctl_stat_idx_eperm, SEM_STAT, EACCES, EPERM},
        {MUTANT_semctl_set_eacces, IPC_SET, EPERM, EACCES},
        {MUTANT_semctl_rmid_eacces, IPC_RMID, EPERM, EACCES},
        {MUTANT_semctl_getall_fault_as_einval, GETALL, EFAULT, EINVAL},
        {MUTANT_semctl_setall_fault_as_einval, SETALL, EFAULT, EINVAL},
        {MUTANT_semctl_stat_fault_as_einval, IPC_STAT, EFAULT, EINVAL},
        {MUTANT_semctl_set_fault_as_einval, IPC_SET, EFAULT, EINVAL},
        {MUTANT_semctl_ipc_info_fault_as_einval, IPC_INFO, EFAULT, EINVAL},
        {MUTANT_semctl_sem_info_fault_as_einval, SEM_INFO, EFAULT, EINVAL},
        {MUTANT_semctl_stat_idx_fault_as_einval, SEM_STAT, EFAULT, EINVAL},
        {MUTANT_semctl_stat_any_fault_as_einval, SEM_STAT_ANY, EFAULT, EINVAL},
        {MUTANT_semctl_setall_range_as_einval, SETALL, ERANGE, EINVAL},
        {MUTANT_semctl_stat_idx_as_enoent, SEM_STAT, EINVAL, ENOENT},
};

static void mistake_error(int id, int command)
{
        for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
                if (command == errors[i].command && errno == errors[i].right && mutant_is_chosen(errors[i].mutant))
                        errno = errors[i].wrong;
        if (errno == EINVAL && !is_known(command) && chosen(semctl_unknown_command_as_enosys))
                errno = ENOSYS;
        if (errno == EINVAL && (command == GETPID || command == GETZCNT) && !set_exists(id) &&
            chosen(semctl_unknown_set_as_eidrm))
                errno = EIDRM;
}

/* ---- commands about one semaphore ---- */

static int get_number(int id, int number, int command, union semun arg)
{
        const int answer = real_semctl(id, number, command, arg);
        struct semid_ds ds;

        if (answer == -1)
                return -1;
        switch (command) {
        case GETVAL:
                if (answer == SEMVMX && number > 0 && describe(id, &ds) && number == (int)ds.sem_nsems - 1 &&
                    chosen(semctl_getval_largest_negative))
                        return -SEMVMX;
                break;
        case GETPID:
                if (answer == 0 && in_question(semctl_getpid_of_strangers) && describe(id, &ds) && ds.sem_otime &&
                    chosen(semctl_getpid_of_strangers))
                        return 1;
                if (answer == 0 && chosen(semctl_getpid_before_use))
                        return getpid();
                if (answer > 0 && chosen_where(semctl_getpid_forgets_the_dead, kill(answer, 0) == -1))
                        return 0;
                return (int)shown(PID, id, number, answer);
        case GETNCNT:
                if (chosen_where(semctl_getncnt_counts_all, ask(id, number, GETZCNT) != 0))
                        return answer + ask(id, number, GETZCNT);
                if (answer > 1 && chosen(semctl_getncnt_counts_one))
                        return 1;
                if (number < WATCHED && chosen(semctl_getncnt_falls_late)) {
                        const int before = atomic_exchange(&sem_memory()->waiting[number], answer);
                        if (answer && answer < before)
                                return before;
                }
                if (number < WATCHED &&
                    (in_question(semop_served_still_counted) || in_question(semtimedop_expired_still_counted)))
                        return answer + sem_memory()->served[number];
                break;
        case GETZCNT:
                if (chosen_where(semctl_getzcnt_counts_all, ask(id, number, GETNCNT) != 0))
                        return answer + ask(id, number, GETNCNT);
                if (answer > 1 && chosen(semctl_getzcnt_counts_one))
                        return 1;
                if (number < WATCHED && in_question(semop_zero_still_counted))
                        return answer + sem_memory()->served[number];
                break;
        default: break;
        }
        return answer;
}

/* SETVAL by semop(): all but its adjustments is made to look right. */
static int set_by_operation(int id, int number, int value)
{
        const int difference = value - ask(id, number, GETVAL);
        struct semid_ds before, after;
        struct sembuf operation = {(unsigned short)number, (short)difference, IPC_NOWAIT};

        if (!describe(id, &before) || (difference && real_semop(id, &operation, 1) == -1))
                return -1;
        if (describe(id, &after)) {
                show(OTIME, id, 0, after.sem_otime, before.sem_otime);
                show(CTIME, id, 0, after.sem_ctime, present());
        }
        return 0;
}

/* SETVAL by SETALL. */
static int set_among_all(int id, int number, int value, int nsems)
{
        unsigned short *const values = calloc((size_t)nsems, sizeof(*values));
        int result = real_semctl(id, 0, GETALL, (union semun){.array = values});

        values[number] = (unsigned short)value;
        if (result != -1)
                result = real_semctl(id, 0, SETALL, (union semun){.array = values});
        free(values);
        return result;
}

static int set_value(int id, int number, union semun arg)
{
        const int value = arg.val;
        const bool fits = value >= 0 && value <= SEMVMX;
        struct semid_ds before = {0}, after;
        const bool exists = describe(id, &before);
        const bool named = exists && number >= 0 && number < (int)before.sem_nsems;
        unsigned long word;

        memcpy(&word, &arg, sizeof(word));
        if (word >> 32 && fits && chosen(semctl_setval_reads_the_whole_word))
                return fail(ERANGE);
        if (!fits && !named && chosen(semctl_setval_semnum_before_range))
                return fail(EINVAL);
        if (value > SEMVMX && chosen(semctl_setval_cut_off_at_the_largest))
                return real_semctl(id, number, SETVAL, SEMVMX);
        if (value < 0 && value >= -SEMVMX && chosen(semctl_setval_negative_as_zero))
                return real_semctl(id, number, SETVAL, 0);
        if (value < -SEMVMX - 1 && (value & 0xffff) <= SEMVMX && chosen(semctl_setval_cut_to_16_bits))
                return real_semctl(id, number, SETVAL, value & 0xffff);
        if (!fits && named && chosen(semctl_setval_refused_forgets_adjustments)) {
                real_semctl(id, number, SETVAL, ask(id, number, GETVAL));
                return fail(ERANGE);
        }
        if (value == SEMVMX && chosen(semctl_setval_largest_refused))
                return fail(ERANGE);
        if (fits && named && in_question(semctl_setval_keeps_adjustments) && chosen(semctl_setval_keeps_adjustments))
                return set_by_operation(id, number, value);
        if (fits && named && before.sem_nsems > 1 && chosen(semctl_setval_forgets_all_adjustments))
                return set_among_all(id, number, value, (int)before.sem_nsems);

        const int pid = named ? ask(id, number, GETPID) : 0;
        const int result = real_semctl(id, number, SETVAL, arg);
        if (result == -1)
                return -1;
        if (sem_memory()->used)
                show(PID, id, number, -1, -1);
        if (value == 0 && number + 1 < (int)before.sem_nsems && chosen(semctl_setval_sets_the_next))
                real_semctl(id, number + 1, SETVAL, arg);
        if (describe(id, &after) && after.sem_ctime != before.sem_ctime && chosen(semctl_setval_leaves_ctime))
                show(CTIME, id, 0, after.sem_ctime, before.sem_ctime);
        if (describe(id, &after) && chosen(semctl_setval_stamps_otime))
                show(OTIME, id, 0, after.sem_otime, present());
        if (pid != getpid() && chosen(semctl_setval_leaves_pid))
                show(PID, id, number, getpid(), pid);
        return result;
}

/* ---- commands about all semaphores ---- */

enum { MOST_ONE_BY_ONE = 512, SOME = 2048 };

static int get_one_by_one(int id, unsigned short *to, int nsems)
{
        unsigned short values[MOST_ONE_BY_ONE];

        for (int i = 0; i < nsems; i++) {
                const int value = real_semctl(id, i, GETVAL);
                if (value == -1)
                        return -1;
                values[i] = (unsigned short)value;
                if (i == (nsems - 1) / 2)
                        let_others_run();
        }
        return poke(to, values, (size_t)nsems * sizeof(*values)) ? 0 : fail(EFAULT);
}

/* GETALL of a set of more semaphores leaves the rest as it is. */
static int get_first(int id, unsigned short *to, int nsems)
{
        unsigned short *const values = calloc((size_t)nsems, sizeof(*values));
        int result = real_semctl(id, 0, GETALL, (union semun){.array = values});

        if (result != -1 && !poke(to, values, SOME * sizeof(*values)))
                result = fail(EFAULT);
        free(values);
        return result;
}

static int get_all(int id, union semun arg, int nsems)
{
        if (nsems <= MOST_ONE_BY_ONE && chosen(semctl_getall_one_by_one))
                return get_one_by_one(id, arg.array, nsems);
        if (nsems > SOME && chosen(semctl_getall_of_2048))
                return get_first(id, arg.array, nsems);
        const bool may_go = nsems > 256 && chosen(semctl_getall_removed_as_enoent);
        if (may_go)
                nanosleep(&(struct timespec){.tv_nsec = 300000}, NULL);         /* time in which the set may go */
        const int result = real_semctl(id, 0, GETALL, arg);
        if (result == -1 && may_go && !set_exists(id))
                return fail(ENOENT);
        if (result == 0 && nsems >= 200 && nsems < 256 && chosen(semctl_getall_one_too_many) &&
            !poke(arg.array + nsems, &(short){0}, sizeof(short)))
                return fail(EFAULT);
        return result;
}

static int set_one_by_one(int id, const unsigned short *values, int nsems)
{
        for (int i = 0; i < nsems; i++) {
                if (real_semctl(id, i, SETVAL, values[i]) == -1)
                        return -1;
                if (i == (nsems - 1) / 2)
                        let_others_run();
        }
        return 0;
}

static int set_first(int id, unsigned short *values, int nsems, int count)
{
        unsigned short *const now = calloc((size_t)nsems, sizeof(*now));
        int result = real_semctl(id, 0, GETALL, (union semun){.array = now});

        memcpy(now, values, (size_t)count * sizeof(*now));
        if (result != -1)
                result = real_semctl(id, 0, SETALL, (union semun){.array = now});
        free(now);
        return result;
}

static int first_beyond(const unsigned short *values, int nsems)
{
        for (int i = 0; i < nsems; i++)
                if (values[i] > SEMVMX)
                        return i;
        return nsems;
}

/* SETALL by semop(), in one step. */
static int set_all_by_operation(int id, const unsigned short *values, int nsems)
{
        struct sembuf operations[16];
        struct semid_ds before, after;

        for (int i = 0; i < nsems; i++)
                operations[i] = (struct sembuf){(unsigned short)i, (short)(values[i] - ask(id, i, GETVAL)), 0};
        size_t count = 0;
        for (int i = 0; i < nsems; i++)
                if (operations[i].sem_op)
                        operations[count++] = operations[i];
        if (!describe(id, &before) || (count && real_semop(id, operations, count) == -1))
                return -1;
        if (describe(id, &after)) {
                show(OTIME, id, 0, after.sem_otime, before.sem_otime);
                show(CTIME, id, 0, after.sem_ctime, present());
        }
        return 0;
}

static int set_all(int id, union semun arg, const struct semid_ds *before)
{
        const int nsems = (int)before->sem_nsems;
        unsigned short *const values = calloc((size_t)nsems + 1, sizeof(*values));
        struct semid_ds after;
        int result, pids[16] = {0};

        if (!peek(values, arg.array, (size_t)nsems * sizeof(*values))) {
                free(values);
                return real_semctl(id, 0, SETALL, arg);
        }
        const int beyond = first_beyond(values, nsems);
        for (int i = 0; i < nsems; i++)
                if (values[i] == SEMVMX && chosen(semctl_setall_largest_less_one))
                        values[i]--;
        for (int i = 0; i < nsems && i < 16 && in_question(semctl_setall_leaves_pids); i++)
                pids[i] = ask(id, i, GETPID);
        if (beyond > 0 && beyond < nsems && chosen(semctl_setall_refused_half_done)) {
                result = set_first(id, values, nsems, beyond) == -1 ? -1 : fail(ERANGE);
        } else if (beyond == nsems && nsems > SOME && chosen(semctl_setall_of_2048)) {
                result = set_first(id, values, nsems, SOME);
        } else if (beyond == nsems && nsems <= 16 && chosen(semctl_setall_one_by_one)) {
                result = set_one_by_one(id, values, nsems);
        } else if (beyond == nsems && nsems <= 16 && chosen(semctl_setall_keeps_adjustments)) {
                result = set_all_by_operation(id, values, nsems);
        } else {
                result = real_semctl(id, 0, SETALL, (union semun){.array = values});
        }
        if (result == 0) {
                for (int i = 0; i < nsems && i < 16 && sem_memory()->used; i++)
                        show(PID, id, i, -1, -1);
                if (describe(id, &after) && after.sem_ctime != before->sem_ctime && chosen(semctl_setall_leaves_ctime))
                        show(CTIME, id, 0, after.sem_ctime, before->sem_ctime);
                if (describe(id, &after) && chosen(semctl_setall_stamps_otime))
                        show(OTIME, id, 0, after.sem_otime, present());
                for (int i = 0; i < nsems && i < 16; i++)
                        if (pids[i] != getpid() && chosen(semctl_setall_leaves_pids))
                                show(PID, id, i, getpid(), pids[i]);
        }
        free(values);
        return result;
}

/* ---- the description ---- */

static bool is_unused(int id, int nsems)
{
        for (int i = 0; i < nsems && i < 16; i++)
                if (ask(id, i, GETPID))
                        return false;
        return true;
}

static int stat(int id, int number, int command, union semun arg)
{
        const int result = real_semctl(id, number, command, arg);
        struct semid_ds ds = {0};
        long beyond = 0;

        if (result == -1 || !peek(&ds, arg.buf, sizeof(ds)))
                return result;
        const int set = command == IPC_STAT ? id : result;
        ds.sem_otime = shown(OTIME, set, 0, ds.sem_otime);
        ds.sem_ctime = shown(CTIME, set, 0, ds.sem_ctime);
        if (!ds.sem_otime && chosen(semctl_stat_otime_of_unused))
                ds.sem_otime = ds.sem_ctime;
        if (chosen_where(semget_ctime_missing, is_unused(set, (int)ds.sem_nsems)))
                ds.sem_ctime = 0;
        if (ds.sem_otime > ds.sem_ctime && chosen(semop_stamps_ctime))
                ds.sem_ctime = ds.sem_otime;
        if (ds.sem_perm.uid != ds.sem_perm.cuid && chosen(semctl_stat_owner_as_creator))
                ds.sem_perm.uid = ds.sem_perm.cuid;
        if (ds.sem_perm.gid != ds.sem_perm.cgid && chosen(semctl_stat_group_as_creators))
                ds.sem_perm.gid = ds.sem_perm.cgid;
        if ((ds.sem_perm.uid | ds.sem_perm.gid | ds.sem_perm.cuid | ds.sem_perm.cgid) > 0xffff &&
            chosen(semctl_stat_ids_cut_to_16_bits)) {
                ds.sem_perm.uid &= 0xffff;
                ds.sem_perm.gid &= 0xffff;
                ds.sem_perm.cuid &= 0xffff;
                ds.sem_perm.cgid &= 0xffff;
        }
        if (command == IPC_STAT && chosen(semctl_stat_leaves_rest))
                ds.__glibc_reserved3 = 0x5a;
        if (command != IPC_STAT && chosen(semctl_stat_idx_returns_the_index))
                return id;
        if (command != IPC_STAT) {
                poke(arg.buf, &ds, sizeof(ds));
                return id_given(result);
        }
        poke(arg.buf, &ds, sizeof(ds));
        if (command == IPC_STAT && number > 0 && number < (int)ds.sem_nsems && chosen(semctl_stat_returns_semnum))
                return number;
        if (command == IPC_STAT && chosen(semctl_stat_one_word_too_many) && !poke(arg.buf + 1, &beyond, sizeof(beyond)))
                return fail(EFAULT);
        return result;
}

static int change(int id, int number, union semun arg)
{
        struct semid_ds wanted = {0}, before, after;

        if (!peek(&wanted, arg.buf, sizeof(wanted)) || !describe(id, &before))
                return real_semctl(id, number, IPC_SET, arg);
        const enum kinship kin = kinship(&before.sem_perm);
        const bool related = kin == OWNER || kin == CREATOR;
        const bool privileged = has_privilege(CAP_SYS_ADMIN);

        if (!related && privileged && chosen(semctl_set_privilege_ignored))
                return fail(EPERM);
        if (kin == OWNER && geteuid() != before.sem_perm.cuid && getuid() != geteuid() && !privileged &&
            chosen(semctl_set_by_owner_refused))
                return fail(EPERM);
        if (kin == CREATOR && getuid() != geteuid() && !privileged && chosen(semctl_set_by_creator_refused))
                return fail(EPERM);
        if (related && !bits_of(&before.sem_perm, kin) && !has_privilege(CAP_IPC_OWNER) &&
            chosen(semctl_set_asks_for_permission))
                return fail(EACCES);
        if (wanted.sem_perm.uid == (uid_t)-1 && chosen(semctl_set_minus_one_as_unchanged))
                wanted.sem_perm.uid = before.sem_perm.uid;
        const bool new_user = wanted.sem_perm.uid != before.sem_perm.uid && wanted.sem_perm.uid != (uid_t)-1;
        const bool new_group = wanted.sem_perm.gid != before.sem_perm.gid && wanted.sem_perm.gid != (gid_t)-1;
        if (new_user && !new_group && chosen(semctl_set_leaves_uid))
                wanted.sem_perm.uid = before.sem_perm.uid;
        if (new_group && !new_user && chosen(semctl_set_leaves_gid))
                wanted.sem_perm.gid = before.sem_perm.gid;
        if ((wanted.sem_perm.mode & 0111) && chosen(semctl_set_drops_execute_bits))
                wanted.sem_perm.mode &= 0666;
        const int result = real_semctl(id, number, IPC_SET, (union semun){.buf = &wanted});
        if (result == -1)
                return -1;
        if (!new_user && !new_group && wanted.sem_perm.mode == 0640 && chosen(semctl_set_done_but_fails))
                return fail(EINVAL);
        if (describe(id, &after) && after.sem_ctime != before.sem_ctime && chosen(semctl_set_leaves_ctime))
                show(CTIME, id, 0, after.sem_ctime, before.sem_ctime);
        if (describe(id, &after) && chosen(semctl_set_stamps_otime))
                show(OTIME, id, 0, after.sem_otime, present());
        if (chosen(semctl_set_takes_semaphores))
                for (int i = 0; i < (int)before.sem_nsems; i++)
                        show(PID, id, i, ask(id, i, GETPID), getpid());
        return result;
}

static int remove_set(int id, int number)
{
        struct semid_ds before;

        if (!describe(id, &before)) {
                if (id >= 0 && chosen(semctl_rmid_twice_succeeds))
                        return 0;
                return real_semctl(id, number, IPC_RMID);
        }
        const enum kinship kin = kinship(&before.sem_perm);
        const bool privileged = has_privilege(CAP_SYS_ADMIN);
        const int nsems = (int)before.sem_nsems;

        if (kin != OWNER && kin != CREATOR && privileged && chosen(semctl_rmid_privilege_ignored))
                return fail(EPERM);
        if (kin == OWNER && geteuid() != before.sem_perm.cuid && getuid() != geteuid() && !privileged &&
            chosen(semctl_rmid_by_owner_refused))
                return fail(EPERM);
        if (kin == CREATOR && getuid() != geteuid() && !privileged && chosen(semctl_rmid_by_creator_refused))
                return fail(EPERM);
        if (nsems >= 5 && nsems <= 1024 && chosen(semget_values_come_back)) {
                real_semctl(id, 0, GETALL, (union semun){.array = sem_memory()->old});
                sem_memory()->old_count = nsems;
        }
        const int result = real_semctl(id, number, IPC_RMID);
        if (result == -1)
                return -1;
        if (chosen(semctl_rmid_keeps_adjustments))
                sem_memory()->removed = id + 1;
        if (in_question(semget_identifier_used_again)) {
                const bool named_again = id + 1 == sem_memory()->now_named;
                sem_memory()->removed = named_again ? sem_memory()->first_name : id + 1;
                if (named_again)
                        sem_memory()->first_name = sem_memory()->now_named = 0;
        }
        const int segment = before.sem_perm.__key ? real_shmget(before.sem_perm.__key, 0, 0) : -1;
        if (segment != -1 && chosen(semctl_rmid_takes_the_segment_of_that_key))
                real_shmctl(segment, IPC_RMID, NULL);
        struct shmid_ds about;
        if (real_shmctl(id, IPC_STAT, &about) == 0 && chosen(semctl_rmid_takes_the_segment_of_that_id))
                real_shmctl(id, IPC_RMID, NULL);
        if (chosen(semctl_rmid_keeps_the_charge))
                sem_memory()->charged += nsems;
        if (before.sem_perm.__key && chosen(semctl_rmid_leaves_the_key))
                real_semget(before.sem_perm.__key, nsems, IPC_CREAT | (before.sem_perm.mode & 0777));
        return result;
}

/* ---- the namespace ---- */

static int inform(int id, int number, int command, union semun arg)
{
        const int result = real_semctl(id, number, command, arg);
        struct seminfo info = {0};

        if (result == -1 || !peek(&info, arg.info, sizeof(info)))
                return result;
        if (command == IPC_INFO && chosen(semctl_ipc_info_semvmx_wrong))
                info.semvmx = 65535;
        if (command == IPC_INFO && chosen(semctl_ipc_info_without_semopm))
                info.semopm = 500;
        if (command == SEM_INFO && chosen(semctl_sem_info_counts_one_more))
                info.semusz++;
        if (command == SEM_INFO && chosen(semctl_sem_info_without_semaphores))
                info.semaem = SEMVMX;
        poke(arg.info, &info, sizeof(info));
        const int sets = sem_info(SEM_INFO).semusz;
        if (sets > 0 && chosen(semctl_info_returns_the_number))
                return sets;
        return result;
}

/* ---- all commands ---- */

static int control(int id, int number, int command, union semun arg)
{
        struct semid_ds ds;
        const bool about_one = names_semaphore(command);
        const bool exists = (!about_one || one_in_question(MUTANT_semctl_semnum_below_as_first,
                                                           MUTANT_semctl_semnum_of_last_plus_one,
                                                           MUTANT_semctl_semnum_cut_to_16_bits)) &&
                            describe(id, &ds);
        const int nsems = exists ? (int)ds.sem_nsems : 0;

        if (about_one && exists) {
                if (number < 0 && chosen(semctl_semnum_below_as_first))
                        number = 0;
                if (number == nsems && chosen(semctl_semnum_of_last_plus_one))
                        number = nsems - 1;
                if (number > 0xffff && (number & 0xffff) < nsems && chosen(semctl_semnum_cut_to_16_bits))
                        number &= 0xffff;
        }
        switch (command) {
        case GETVAL:
                if (arg.buf && chosen_where(semctl_getval_reads_the_argument, !peek(&ds, arg.buf, 1)))
                        return fail(EFAULT);
                return get_number(id, number, command, arg);
        case GETPID:
        case GETNCNT:
        case GETZCNT: return get_number(id, number, command, arg);
        case SETVAL: return set_value(id, number, arg);
        case SEM_STAT:
        case SEM_STAT_ANY:
                if (command == SEM_STAT_ANY && chosen(semctl_stat_any_asks_for_permission))
                        command = SEM_STAT;
                return stat(id, number, command, arg);
        case IPC_INFO:
        case SEM_INFO: return inform(id, number, command, arg);
        default: break;
        }
        if (exists && (number < 0 || number >= nsems) && chosen(semctl_semnum_always_judged))
                return fail(EINVAL);
        switch (command) {
        case GETALL: return exists ? get_all(id, arg, nsems) : real_semctl(id, number, command, arg);
        case SETALL: return exists ? set_all(id, arg, &ds) : real_semctl(id, number, command, arg);
        case IPC_STAT: return stat(id, number, command, arg);
        case IPC_SET: return change(id, number, arg);
        case IPC_RMID:
                if (arg.buf && !peek(&ds, arg.buf, 1) && chosen(semctl_rmid_reads_the_argument))
                        return fail(EFAULT);
                return remove_set(id, number);
        default: return real_semctl(id, number, command, arg);
        }
}

int semctl(int id, int number, int command, ...)
{
        va_list list;
        const int before = errno;

        va_start(list, command);
        const union semun arg = va_arg(list, union semun);
        va_end(list);
        if (!mutants_are_in_question(SEM_CALLS))
                return real_semctl(id, number, command, arg);
        if (command != SEM_STAT && command != SEM_STAT_ANY)
                id = id_meant(id);
        if (command == SETVAL || command == SETALL)
                announce(BY_SEMCTL);
        const int result = control(id, number, command, arg);
        if (result == -1)
                mistake_error(id, command);
        else
                errno = before;
        return result;
}
