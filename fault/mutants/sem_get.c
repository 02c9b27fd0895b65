/* SPDX-License-Identifier: MIT
 *
 * sem_get.c: wrong implementations of semget().
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sem.h"

/* The set under the key, -1 where there is none. */
static int find(key_t key)
{
        const int before = errno;
        const int id = key == IPC_PRIVATE ? -1 : real_semget(key, 0, 0);

        errno = before;
        return id;
}

/* The sets that this process has made: with a key, and without. */
enum { MADE = 64, MANY = 4, VERY_MANY = 16 };
static struct {
        pid_t owner;
        size_t keyed, unkeyed;
        int keyed_ids[MADE], unkeyed_ids[MADE];
} made;

static void note_made(int id, key_t key)
{
        if (made.owner != getpid()) {
                made.owner = getpid();
                made.keyed = made.unkeyed = 0;
        }
        if (key == IPC_PRIVATE && made.unkeyed < MADE)
                made.unkeyed_ids[made.unkeyed++] = id;
        if (key != IPC_PRIVATE && made.keyed < MADE)
                made.keyed_ids[made.keyed++] = id;
}

/* The oldest living set that this process has made without a key; -1 where they are not so many. */
static int oldest_of(size_t many)
{
        int oldest = -1;
        size_t living = 0;

        for (size_t i = made.unkeyed; made.owner == getpid() && i > 0; i--)
                if (set_exists(made.unkeyed_ids[i - 1])) {
                        oldest = made.unkeyed_ids[i - 1];
                        living++;
                }
        return living >= many ? oldest : -1;
}

void leave_sets(void)
{
        for (size_t i = 0; made.owner == getpid() && i < made.keyed; i++)
                if (chosen(semget_set_goes_with_its_creator))
                        real_semctl(made.keyed_ids[i], 0, IPC_RMID);
}

static bool next_id_is_asked_for(void)
{
        const int before = errno, file = open("/proc/sys/kernel/sem_next_id", O_RDONLY | O_CLOEXEC);
        char text[16] = "-1";

        if (file != -1) {
                if (read(file, text, sizeof(text) - 1) < 0)
                        text[0] = '-';
                close(file);
        }
        errno = before;
        return text[0] != '-';
}

/* What is wrong with a call for a set that exists. */
static int look_up(int id, const struct semid_ds *ds, key_t key, int count, int flags)
{
        const int nsems = (int)ds->sem_nsems;
        const int bits = bits_of(&ds->sem_perm, kinship(&ds->sem_perm));
        const bool permitted = (((flags >> 6 | flags >> 3 | flags) & 06) & ~bits) == 0;

        if ((flags & IPC_CREAT) && (flags & IPC_EXCL)) {
                if (count > nsems && chosen(semget_size_before_excl))
                        return fail(EINVAL);
                if (chosen(semget_excl_ignored))
                        return real_semget(key, count, flags & ~IPC_EXCL);
                return real_semget(key, count, flags);
        }
        if (count == 0 && nsems > 4 && chosen(semget_lookup_without_size_refused))
                return fail(EINVAL);
        if (count > 0 && count < nsems && chosen(semget_lookup_of_fewer_refused))
                return fail(EINVAL);
        if (count > nsems && chosen(semget_lookup_of_more_accepted))
                return real_semget(key, nsems, flags);
        if (count > nsems && !permitted && chosen(semget_permission_before_size))
                return fail(EACCES);
        if (flags == IPC_CREAT && count > 0 && count <= nsems && chosen(semget_lookup_makes_another))
                return real_semget(IPC_PRIVATE, nsems, 0600);
        if (!permitted && chosen(semget_permission_ignored))
                return real_semget(key, count, flags & ~0777);
        if (!(flags & 0777) && !bits && !has_privilege(CAP_IPC_OWNER) && chosen(semget_zero_request_refused))
                return fail(EACCES);
        if ((flags & IPC_CREAT) && count <= nsems && chosen(semget_creat_starts_again)) {
                unsigned short *const zeros = calloc((size_t)nsems, sizeof(*zeros));
                real_semctl(id, 0, SETALL, (union semun){.array = zeros});
                free(zeros);
        }
        if ((flags & IPC_CREAT) && count <= nsems && chosen(semget_creat_sets_mode)) {
                struct semid_ds changed = *ds;
                changed.sem_perm.mode = flags & 0777;
                real_semctl(id, 0, IPC_SET, (union semun){.buf = &changed});
        }
        return real_semget(key, count, flags);
}

/* The set that has just been made, as it should not be. */
static int spoil(int id, int count)
{
        struct semid_ds ds;

        if (getuid() != geteuid() && describe(id, &ds) && chosen(semget_owner_is_real_user)) {
                ds.sem_perm.uid = getuid();
                real_semctl(id, 0, IPC_SET, (union semun){.buf = &ds});
        }
        if (getgid() != getegid() && describe(id, &ds) && chosen(semget_group_is_real_group)) {
                ds.sem_perm.gid = getgid();
                real_semctl(id, 0, IPC_SET, (union semun){.buf = &ds});
        }
        if (count >= 256 && chosen(semget_values_begin_at_one))
                real_semctl(id, count - 1, SETVAL, 1);
        if (sem_memory()->removed && !set_exists(sem_memory()->removed - 1) && chosen(semget_identifier_used_again)) {
                sem_memory()->first_name = sem_memory()->removed;
                sem_memory()->now_named = id + 1;
                sem_memory()->removed = 0;
        }
        if (chosen_where(semget_values_come_back, sem_memory()->old_count == count))
                real_semctl(id, 0, SETALL, (union semun){.array = sem_memory()->old});
        return id;
}

static int create(key_t key, int count, int flags)
{
        const struct seminfo limits = in_question(semget_semmsl_exclusive) || in_question(semget_semmsl_as_enospc) ?
                                      sem_info(IPC_INFO) : (struct seminfo){0};

        if (count < 0 && count > -100 && chosen(semget_size_without_sign))
                return real_semget(key, -count, flags);
        if (count == 0 && key != IPC_PRIVATE && chosen(semget_empty_set_made))
                return real_semget(key, 1, flags);
        if (count == 0 && key != IPC_PRIVATE && chosen(semget_empty_set_takes_the_key))
                return real_semget(key, 1, flags) == -1 ? -1 : fail(EINVAL);
        if (limits.semmsl && count == limits.semmsl && chosen(semget_semmsl_exclusive))
                return fail(EINVAL);
        if (limits.semmsl && count > limits.semmsl && chosen(semget_semmsl_as_enospc))
                return fail(ENOSPC);
        if (count > 16 && count < 32 && chosen(semget_size_rounded_up))
                count = 32;
        if ((flags & 0111) && chosen(semget_execute_bits_dropped))
                flags &= ~0111;
        if (in_question(semget_mode_masked)) {
                const mode_t mask = umask(0);
                umask(mask);
                if ((flags & (int)mask & 0700) && chosen(semget_mode_masked))
                        flags &= ~((int)mask & 0700);
        }
        if (key != IPC_PRIVATE && !(flags & IPC_EXCL) && count >= 3 && chosen(semget_key_forgotten))
                key = IPC_PRIVATE;
        if (key != IPC_PRIVATE && (flags & IPC_EXCL) && chosen(semget_excl_not_atomic)) {
                flags &= ~IPC_EXCL;
                let_others_run();
        }
        if (in_question(semctl_rmid_keeps_the_charge) || in_question(semget_failed_creation_charged)) {
                const struct seminfo use = sem_info(SEM_INFO), most = sem_info(IPC_INFO);
                const long charged = sem_memory()->charged;
                if (count > 0 && charged && use.semaem + charged + count > most.semmns)
                        return fail(ENOSPC);
        }
        if (key == IPC_PRIVATE && !(flags & IPC_CREAT) && in_question(semget_private_found_again) &&
            oldest_of(MANY) != -1 && chosen(semget_private_found_again))
                return oldest_of(MANY);
        if (key == IPC_PRIVATE && (flags & IPC_CREAT) && in_question(semget_identifier_given_twice) &&
            oldest_of(VERY_MANY) != -1 && chosen(semget_identifier_given_twice))
                return oldest_of(VERY_MANY);
        if (chosen_where(semget_next_id_wasted, next_id_is_asked_for()))
                real_semctl(real_semget(IPC_PRIVATE, 1, 0600), 0, IPC_RMID);
        const int id = real_semget(key, count, flags);
        if (id != -1) {
                note_made(id, key);
                return spoil(id, count);
        }
        if (errno == ENOSPC) {
                const int sets = sem_info(SEM_INFO).semusz, most = sem_info(IPC_INFO).semmni;
                if (sets >= most && chosen(semget_semmni_as_enomem))
                        errno = ENOMEM;
                else if (sets < most && chosen(semget_semmns_as_enomem))
                        errno = ENOMEM;
                if (sets >= most && chosen(semget_failed_creation_charged))
                        sem_memory()->charged += count;
        }
        return -1;
}

static int get(key_t key, int count, int flags)
{
        struct semid_ds ds;

        if ((key & ~0xffff) && chosen(semget_key_cut_to_16_bits))
                key &= 0xffff;
        if (key < 0 && chosen(semget_negative_key_private))
                key = IPC_PRIVATE;
        const int found = find(key);
        if (found != -1 && describe(found, &ds))
                return look_up(found, &ds, key, count, flags);
        if (key != IPC_PRIVATE && !(flags & IPC_CREAT)) {
                if (count > 0 && chosen(semget_unknown_key_as_einval))
                        return fail(EINVAL);
                if (count > 0 && chosen(semget_creates_unasked))
                        return create(key, count, flags | IPC_CREAT);
                return real_semget(key, count, flags);
        }
        const int id = create(key, count, flags);
        if (id != -1 && key == IPC_PRIVATE && !(flags & IPC_CREAT) && chosen(semget_private_needs_creat)) {
                real_semctl(id, 0, IPC_RMID);
                return fail(ENOENT);
        }
        return id;
}

int semget(key_t key, int count, int flags)
{
        if (!mutants_are_in_question(SEM_CALLS))
                return real_semget(key, count, flags);
        const int id = get(key, count, flags);
        return id == -1 ? -1 : id_given(id);
}
