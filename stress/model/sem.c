/* SPDX-License-Identifier: MIT
 *
 * sem.c: what a System V semaphore set promises: semget(), semop(), semtimedop(), semctl() and the end of a process.
 */
#include <stdlib.h>

#include "sem.h"

static void init(void *state)
{
        memset(state, 0, sizeof(struct sem_set));
        ((struct sem_set *)state)->object = no_object;
}

static size_t size(const void *state)
{
        const struct sem_set *const set = state;

        return offsetof(struct sem_set, sem) + set->nsems * sizeof(*set->sem);
}

/* ---- semget() ---- */

static int get(struct judgement *j, const struct sem_set *set, struct sem_set *next)
{
        const struct operation *const o = j->o;
        const bool exists = set->object.id != -1 && o->key != IPC_PRIVATE;
        const bool creates = o->key == IPC_PRIVATE || (o->flags & IPC_CREAT);

        fault(j, o->size < 0, EINVAL, semget_einval_nsems_neg);
        fault(j, o->size > j->limits->semmsl, EINVAL, semget_einval_nsems_over_semmsl);
        if (exists) {
                const bool exclusive = (o->flags & IPC_CREAT) && (o->flags & IPC_EXCL);
                const bool larger = o->size > set->nsems, denied = !may_get(o->actor, &set->object, o->flags);
                fault(j, exclusive, EEXIST, larger ? semget_eexist_before_einval : semget_eexist);
                if (!exclusive)
                        first_fault(j, larger, EINVAL, denied ? semget_einval_before_eacces
                                    : semget_einval_nsems_larger_than_set);
                fault(j, denied, EACCES, semget_eacces);
                j->granted_by = denied ? NULL : &set->object;
        } else {
                fault(j, !creates, ENOENT, semget_enoent);
                fault(j, creates && o->size == 0, EINVAL, semget_einval_nsems0_create);
                fault(j, creates && !j->limits->room, ENOSPC, semget_enospc_semmni);
        }
        switch (faulted(j)) {
        case WRONGLY: return 0;
        case FAULTED: return 1;
        case NOT_FAULTED: break;
        }
        if (exists)
                return succeeded(j, o->size == 0 ? semget_lookup_nsems0 : o->size < set->nsems
                                 ? semget_lookup_nsems_smaller
                                 : semget_lookup_existing, set->object.id);
        if (!succeeded(j, o->key == IPC_PRIVATE ? semget_create_private : semget_create_key_creat, j->r->value))
                return 0;
        if (j->r->value < 0)
                return contradicts(j, semget_ret_nonneg, "result", 0, j->r->value);

        next->object = new_object(j);
        next->nsems = (uint16_t)o->size;
        next->undo_users = 0;
        rule(semget_init_otime0);
        next->otime = never;
        rule(semget_init_values_zero);
        rule(semget_init_sempid0);
        memset(next->sem, 0, next->nsems * sizeof(*next->sem));
        return 1;
}

/* ---- semop() ---- */

static void set_pid(struct one_sem *sem, int pid, enum pid_by by)
{
        sem->pid = pid;
        sem->pid_by = by;
}

/* How far an array of entries gets. */
struct progress {
        enum { PROCEEDS, WAITS, OVERFLOWS } how;
        const struct sembuf *entry;     /* that it waits for, or that is too much */
        enum ipck_requirement requirement;
};

static void take_back(struct sem_set *set, const struct operation *o, const struct sembuf *end)
{
        for (const struct sembuf *entry = o->entries; entry < end; entry++) {
                struct one_sem *const sem = &set->sem[entry->sem_num];
                sem->value = (uint16_t)(sem->value - entry->sem_op);
                if (entry->sem_flg & SEM_UNDO)
                        sem->adjust[o->actor->process] = (int16_t)(sem->adjust[o->actor->process] + entry->sem_op);
        }
}

/* Carries out the entries in their order, each on what those before it left; all or none of them. */
static struct progress perform(struct sem_set *set, const struct operation *o)
{
        struct progress p = {.how = PROCEEDS};
        const struct sembuf *entry = o->entries;

        rule(semop_array_order);
        for (; p.how == PROCEEDS && entry < o->entries + o->size; entry++) {
                struct one_sem *const sem = &set->sem[entry->sem_num];
                const int value = sem->value + entry->sem_op;
                const int adjust = sem->adjust[o->actor->process] - entry->sem_op;

                p.entry = entry;
                if (entry->sem_op == 0 && sem->value != 0) {
                        p.how = WAITS;
                        p.requirement = semop_eagain_zero;
                } else if (value < 0) {
                        p.how = WAITS;
                        p.requirement = entry->sem_op == INT16_MIN ? semop_erange_op_short_min : semop_eagain_dec;
                } else if (value > SEM_VALUE_HIGHEST) {
                        p.how = OVERFLOWS;
                        p.requirement = semop_erange_semval;
                } else if ((entry->sem_flg & SEM_UNDO) && (adjust > INT16_MAX || adjust < INT16_MIN)) {
                        p.how = OVERFLOWS;
                        p.requirement = adjust > 0 ? semop_erange_semadj_pos : semop_erange_semadj_neg;
                } else {
                        sem->value = (uint16_t)value;
                        if (entry->sem_flg & SEM_UNDO)
                                sem->adjust[o->actor->process] = (int16_t)adjust;
                }
        }
        rule(semop_array_all_or_nothing_eagain);
        rule(semop_array_all_or_nothing_erange);
        if (p.how != PROCEEDS)
                take_back(set, o, p.entry);
        return p;
}

static bool any_alters(const struct operation *o)
{
        for (int64_t i = 0; i < o->size; i++)
                if (o->entries[i].sem_op)
                        return true;
        return false;
}

static bool any_reads(const struct operation *o)
{
        for (int64_t i = 0; i < o->size; i++)
                if (!o->entries[i].sem_op)
                        return true;
        return false;
}

static int highest_number(const struct operation *o)
{
        int highest = -1;

        for (int64_t i = 0; i < o->size; i++)
                if (o->entries[i].sem_num > highest)
                        highest = o->entries[i].sem_num;
        return highest;
}

static bool any_undo(const struct operation *o)
{
        for (int64_t i = 0; i < o->size; i++)
                if (o->entries[i].sem_flg & SEM_UNDO)
                        return true;
        return false;
}

static int place_of_waiter(const struct sem_set *set, const struct operation *o)
{
        for (int i = 0; i < set->waiters; i++)
                if (set->waiter[i] == o)
                        return i;
        return -1;
}

static void waits_no_more(struct sem_set *set, const struct operation *o)
{
        const int place = place_of_waiter(set, o);

        if (place == -1)
                return;
        set->waiters--;
        memmove(&set->waiter[place], &set->waiter[place + 1],
                (size_t)(set->waiters - place) * sizeof(*set->waiter));
        set->waiter[set->waiters] = NULL;
}

/* A caller that has to wait for the entry of p: still waits, or came back without having done anything. */
static int wait_for(struct judgement *j, struct sem_set *next, const struct progress *p)
{
        const struct operation *const o = j->o;
        const struct outcome *const r = j->r;

        if (p->entry->sem_flg & IPC_NOWAIT)
                return r->error == EAGAIN ? 1 : contradicts(j, p->requirement, "errno", EAGAIN, r->error);
        if (r->blocked) {
                if (place_of_waiter(next, o) == -1 && next->waiters < MODEL_WAITERS)
                        next->waiter[next->waiters++] = o;
                return 1;
        }
        waits_no_more(next, o);
        if (r->error == EINTR)
                return 1;
        if (o->timeout)
                return r->error == EAGAIN ? 1 : contradicts(j, semtimedop_eagain_expired, "errno", EAGAIN, r->error);
        return contradicts(j, p->entry->sem_op ? semop_ncnt_inc : semop_zcnt_inc, "errno", EINPROGRESS, r->error);
}

static bool is_valid(const struct timespec *timeout)
{
        return !timeout || (timeout->tv_sec >= 0 && timeout->tv_nsec >= 0 && timeout->tv_nsec <= 999999999);
}

static bool could_wait(const struct operation *o)
{
        for (int64_t i = 0; i < o->size; i++)
                if (o->entries[i].sem_op <= 0 && !(o->entries[i].sem_flg & IPC_NOWAIT))
                        return true;
        return false;
}

static int operate(struct judgement *j, const struct sem_set *set, struct sem_set *next)
{
        const struct operation *const o = j->o;
        const struct outcome *const r = j->r;
        const bool readable = !o->bad_address && o->size > 0 && o->size <= j->limits->semopm;
        const bool exists = o->id >= 0 && o->id == set->object.id;

        fault(j, o->bad_timeout, EFAULT, semtimedop_efault_timeout);
        first_fault(j, o->size < 0 || o->size > j->limits->semopm, E2BIG,
                    o->bad_address ? semop_e2big_before_efault : semop_e2big);
        fault(j, o->size == 0, EINVAL, semop_einval_nsops0);
        fault(j, o->bad_address && o->size > 0, EFAULT, semop_efault_sops);
        fault(j, !o->bad_timeout && !is_valid(o->timeout), EINVAL,
              o->timeout && o->timeout->tv_sec < 0 ? semtimedop_einval_neg_sec : semtimedop_einval_nsec);
        if (!exists && readable && !j->faults && (could_wait(o) || place_of_waiter(set, o) != -1) &&
            r->error == EIDRM) {
                waits_no_more(next, o);         /* it was there when the call began to wait */
                return 1;
        }
        fault(j, o->id < 0, EINVAL, xsi_ipc_id_negative_einval);
        fault(j, o->id >= 0 && !exists, EINVAL, semop_einval_badid);
        if (exists && readable) {
                fault(j, highest_number(o) >= set->nsems, EFBIG, semop_efbig_eq);
                if (place_of_waiter(set, o) == -1) {
                        const bool alters = any_alters(o), may_alter = may(o->actor, &set->object, ALTER);
                        if (alters)
                                permission_fault(j, &set->object, ALTER, semop_eacces_alter);
                        if (any_reads(o))
                                permission_fault(j, &set->object, READ,
                                                 alters && may_alter ? semop_eacces_mixed_array : semop_eacces_read);
                }
        }
        if (exists && readable && any_undo(o))
                next->undo_users |= (uint16_t)(1U << o->actor->process);
        switch (faulted(j)) {
        case WRONGLY: return 0;
        case FAULTED: return 1;
        case NOT_FAULTED: break;
        }

        const struct progress p = perform(next, o);
        if (p.how == WAITS)
                return wait_for(j, next, &p);
        waits_no_more(next, o);
        if (p.how == OVERFLOWS)
                return r->error == ERANGE ? 1 : contradicts(j, p.requirement, "errno", ERANGE, r->error);
        if (!succeeded(j, any_alters(o) ? semop_ret_zero : semop_zero_immediate, 0))
                return 0;
        if (!agrees(j, semop_array_unmodified, "sops", 0, r->odd & ARGUMENT_CHANGED))
                return 0;
        rule(semop_pid_set_all);
        rule(semop_otime_set);
        for (int64_t i = 0; i < o->size; i++)
                set_pid(&next->sem[o->entries[i].sem_num], o->actor->pid, BY_SEMOP);
        next->otime = this_moment(j);
        return 1;
}

/* ---- the end of a process ---- */

static int end(struct judgement *j, struct sem_set *next)
{
        const struct actor *const who = j->o->actor;
        bool adjusted = false;

        rule(semop_ncnt_dec_on_kill);
        for (int i = next->waiters - 1; i >= 0; i--)
                if (next->waiter[i]->actor == who)
                        waits_no_more(next, next->waiter[i]);
        rule(exit_semadj_applied);
        if (!(next->undo_users & 1U << who->process))
                return 1;
        for (struct one_sem *sem = next->sem; sem < next->sem + next->nsems; sem++) {
                int value = sem->value + sem->adjust[who->process];
                if (!sem->adjust[who->process])
                        continue;
                rule(exit_semadj_clamp_zero);
                value = value < 0 ? 0 : value;
                rule(exit_semadj_clamp_max);
                value = value > SEM_VALUE_HIGHEST ? SEM_VALUE_HIGHEST : value;
                sem->value = (uint16_t)value;
                sem->adjust[who->process] = 0;
                set_pid(sem, who->pid, BY_UNDO);
                adjusted = true;
        }
        if (adjusted && waived(j->limits, exit_semadj_applied))         /* what becomes of the values, nobody knows */
                return contradicts(j, exit_semadj_applied, "adjustments applied", 1, 0);
        rule(exit_semadj_otime);        /* that adjustments of 0 leave it is not promised */
        next->otime = adjusted ? this_moment(j) : either(next->otime, this_moment(j));
        next->undo_users &= (uint16_t)~(1U << who->process);
        return 1;
}

/* ---- semctl() ---- */

static int waiters_of(const struct sem_set *set, int number, bool for_zero)
{
        struct sem_set scratch;
        int count = 0;

        if (!set->waiters)
                return 0;
        memcpy(&scratch, set, size(set));
        for (int i = 0; i < set->waiters; i++) {
                const struct progress p = perform(&scratch, set->waiter[i]);
                if (p.how == PROCEEDS)
                        take_back(&scratch, set->waiter[i], set->waiter[i]->entries + set->waiter[i]->size);
                count += p.how == WAITS && p.entry->sem_num == number && (p.entry->sem_op == 0) == for_zero;
        }
        return count;
}

static void set_value(struct sem_set *set, int number, uint16_t value, int pid, enum pid_by by)
{
        struct one_sem *const sem = &set->sem[number];

        sem->value = value;
        set_pid(sem, pid, by);
        rule(semctl_setval_clears_semadj_all);
        rule(semctl_setall_clears_semadj_all);
        memset(sem->adjust, 0, sizeof(sem->adjust));
}

static bool is_for_one(int command)
{
        return command == GETVAL || command == GETPID || command == GETNCNT || command == GETZCNT || command == SETVAL;
}

static const struct permission {
        int command;
        unsigned wanted;
        enum ipck_requirement eacces;
} permissions[] = {
        {GETVAL, READ, semctl_get_eacces_getval},   {GETPID, READ, semctl_get_eacces_getpid},
        {GETNCNT, READ, semctl_get_eacces_getncnt}, {GETZCNT, READ, semctl_get_eacces_getzcnt},
        {GETALL, READ, semctl_getall_eacces},       {IPC_STAT, READ, semctl_stat_eacces},
        {SEM_STAT, READ, perm_sem_stat_idx_deny},   {SETVAL, ALTER, semctl_setval_eacces},
        {SETALL, ALTER, semctl_setall_eacces},
};

static const struct bad_pointer {
        int command;
        enum ipck_requirement efault;
} bad_pointers[] = {
        {GETALL, semctl_getall_efault}, {SETALL, semctl_setall_efault},     {IPC_STAT, semctl_stat_efault},
        {IPC_SET, semctl_set_efault},   {SEM_STAT, semctl_stat_idx_efault}, {SEM_STAT_ANY, semctl_stat_idx_efault},
};

static bool is_known(int command)
{
        for (size_t i = 0; i < sizeof(permissions) / sizeof(*permissions); i++)
                if (permissions[i].command == command)
                        return true;
        return command == IPC_SET || command == IPC_RMID || command == SEM_STAT_ANY;
}

static bool any_too_high(const struct operation *o, int nsems)
{
        for (int i = 0; i < nsems; i++)
                if (o->values[i] > SEM_VALUE_HIGHEST)
                        return true;
        return false;
}

static enum ipck_requirement rule_of_number(int64_t number, int nsems)
{
        return number < 0 ? semctl_einval_semnum_neg : number == nsems ? semctl_einval_semnum_eq
                : semctl_einval_semnum_large;
}

static void control_faults(struct judgement *j, const struct sem_set *set)
{
        const struct operation *const o = j->o;
        const int command = o->command;
        const bool by_index = command == SEM_STAT || command == SEM_STAT_ANY;
        const bool exists = set->object.id != -1 && (by_index || o->id == set->object.id);

        fault(j, !is_known(command), EINVAL, semctl_einval_badcmd);
        fault(j, o->id < 0, EINVAL, xsi_ipc_id_negative_einval);
        /* Which precedes EINVAL for the semaphore and the set, but not EACCES. */
        const bool outside = command == SETVAL && o->id >= 0 && (o->value < 0 || o->value > SEM_VALUE_HIGHEST);
        const bool low_bits_fit = (o->value & 0xffff) <= SEM_VALUE_HIGHEST;
        const bool alone = exists && o->semnum >= 0 && o->semnum < set->nsems;
        fault(j, outside, ERANGE, !alone ? semctl_setval_erange_order
              : o->value >= 0 ? semctl_setval_erange_high
              : low_bits_fit ? semctl_setval_erange_large_neg : semctl_setval_erange_neg);
        fault(j, o->id >= 0 && !exists && !outside, EINVAL, by_index ? semctl_stat_idx_einval : semctl_einval_badid);
        for (size_t i = 0; o->bad_address && i < sizeof(bad_pointers) / sizeof(*bad_pointers); i++)
                fault(j, bad_pointers[i].command == command && (exists || command == IPC_SET), EFAULT,
                      bad_pointers[i].efault);
        if (!exists)
                return;
        if (is_for_one(command)) {
                const enum ipck_requirement asks = rule_of_number(o->semnum, set->nsems);
                fault(j, !outside && (o->semnum < 0 || o->semnum >= set->nsems), EINVAL,
                      command == SETVAL ? semctl_setval_einval_semnum : asks);
        }
        for (size_t i = 0; i < sizeof(permissions) / sizeof(*permissions); i++)
                if (permissions[i].command == command)
                        permission_fault(j, &set->object, permissions[i].wanted, permissions[i].eacces);
        fault(j, command == IPC_RMID && !is_owner(o->actor, &set->object), EPERM, semctl_rmid_eperm);
        fault(j, command == IPC_SET && !is_owner(o->actor, &set->object), EPERM, semctl_set_eperm);
        fault(j, command == IPC_SET && !o->bad_address && is_nobody(o->set), EINVAL, semctl_set_einval_baduid);
        fault(j, command == SETALL && !o->bad_address && any_too_high(o, set->nsems), ERANGE, semctl_setall_erange_any);
}

static int report(struct judgement *j, struct sem_set *next)
{
        static const struct stat_rules rules = {
                .uid = semctl_stat_fields, .gid = semctl_stat_fields, .creator = semctl_stat_fields,
                .mode = semctl_stat_fields, .key = semctl_stat_fields, .ctime = semctl_stat_fields,
                .reserved = semctl_stat_padding_zero,
        };
        const struct stat_report *const got = j->r->stat;

        if (!succeeded(j, j->o->command == IPC_STAT ? semctl_ret_others_zero : semctl_stat_idx,
                       j->o->command == IPC_STAT ? 0 : next->object.id))
                return 0;
        return agrees_in_stat(j, &rules, &next->object) &&
               agrees(j, semctl_stat_fields, "nsems", next->nsems, (int64_t)got->sem.nsems) &&
               agrees_in_time(j, semctl_stat_fields, "otime", &next->otime, got->sem.otime);
}

static const enum ipck_requirement rules_of_pid[] = {
        [BY_NOBODY] = semctl_getpid_fresh, [BY_SEMOP] = semctl_getpid_semop, [BY_SETVAL] = semctl_getpid_setval,
        [BY_SETALL] = semctl_getpid_setall, [BY_UNDO] = semctl_getpid_undo,
};

/* A process that has operated on another semaphore of the set alone is none of this one's. */
static enum ipck_requirement rule_of_pid(const struct sem_set *set, int number, int64_t got)
{
        for (int i = 0; i < set->nsems; i++)
                if (i != number && set->sem[i].pid_by == BY_SEMOP && set->sem[i].pid == got &&
                    set->sem[number].pid != got)
                        return semop_pid_only_named;
        return rules_of_pid[set->sem[number].pid_by];
}

static int control(struct judgement *j, const struct sem_set *set, struct sem_set *next)
{
        const struct operation *const o = j->o;

        control_faults(j, set);
        switch (faulted(j)) {
        case WRONGLY: return 0;
        case FAULTED: return 1;
        case NOT_FAULTED: break;
        }

        switch (o->command) {
        case GETVAL: return succeeded(j, semctl_getval, set->sem[o->semnum].value);
        case GETPID: return succeeded(j, rule_of_pid(set, o->semnum, j->r->value), set->sem[o->semnum].pid);
        case GETNCNT: return succeeded(j, semctl_getncnt, waiters_of(set, o->semnum, false));
        case GETZCNT: return succeeded(j, semctl_getzcnt, waiters_of(set, o->semnum, true));
        case IPC_STAT:
        case SEM_STAT:
        case SEM_STAT_ANY: return report(j, next);
        case GETALL:
                for (int i = 0; j->r->value == 0 && i < set->nsems; i++)
                        if (!agrees(j, semctl_getall, "value", set->sem[i].value, j->r->values[i])) {
                                j->why->at = i;
                                return 0;
                        }
                if (!agrees(j, semctl_getall, "what is behind the array", 0, j->r->odd & WRITTEN_BEYOND))
                        return 0;
                break;
        case SETALL:
                rule(semctl_setall);
                for (int i = 0; i < set->nsems; i++)
                        set_value(next, i, o->values[i], o->actor->pid, BY_SETALL);
                rule(semctl_setall_ctime);
                next->object.ctime = this_moment(j);
                break;
        case SETVAL:
                rule(semctl_setval);
                set_value(next, o->semnum, (uint16_t)o->value, o->actor->pid, BY_SETVAL);
                rule(semctl_setval_ctime);
                next->object.ctime = this_moment(j);
                break;
        case IPC_SET:
                rule(semctl_set_uid);
                rule(semctl_set_gid);
                rule(semctl_set_mode);
                rule(semctl_set_ctime);
                set_object(j, &next->object);
                break;
        case IPC_RMID:
                if (!succeeded(j, semctl_rmid_removes, 0))
                        return 0;
                next->object = no_object;
                next->otime = never;
                rule(semctl_rmid_undo_dropped);
                next->nsems = next->undo_users = 0;
                return 1;
        default: break;
        }
        return succeeded(j, semctl_ret_others_zero, 0);
}

/* ---- the model ---- */

static int step(const void *state, const struct limits *limits, const struct operation *o, const struct outcome *r,
                void *const next[], struct contradiction *why)
{
        struct judgement j = {.limits = limits, .o = o, .r = r, .why = why};

        memcpy(next[0], state, size(state));
        switch (o->call) {
        case CALL_semget: return get(&j, state, next[0]);
        case CALL_semop:
        case CALL_semtimedop: return operate(&j, state, next[0]);
        case CALL_semctl: return control(&j, state, next[0]);
        case CALL_exit: return end(&j, next[0]);
        default: return 1;
        }
}

static bool enabled(const void *state, const struct operation *o)
{
        struct sem_set scratch;

        memcpy(&scratch, state, size(state));
        return scratch.object.id != o->id || highest_number(o) >= scratch.nsems || perform(&scratch, o).how != WAITS;
}

static void describe(const void *state, char *text, size_t room)
{
        const struct sem_set *const set = state;
        size_t at = 0;

        if (set->object.id == -1) {
                add_text(text, room, &at, "no set");
                return;
        }
        add_text(text, room, &at, "set %d, mode %04o, uid %u, cuid %u:", set->object.id, set->object.mode,
                 set->object.uid,
                 set->object.cuid);
        for (int i = 0; i < set->nsems; i++) {
                if (set->nsems > 8 && !set->sem[i].value)
                        continue;
                add_text(text, room, &at, " [%d] %d (pid %d", i, set->sem[i].value, set->sem[i].pid);
                for (int p = 0; p < MODEL_PROCESSES; p++)
                        if (set->sem[i].adjust[p])
                                add_text(text, room, &at, ", process %d %+d", p, set->sem[i].adjust[p]);
                add_text(text, room, &at, ")");
        }
        if (set->waiters)
                add_text(text, room, &at, ", %d wait", set->waiters);
}

const struct model sem_model = {.name = "semaphore set", .most = sizeof(struct sem_set), .init = init, .size = size,
                                .step = step, .enabled = enabled, .describe = describe};
