/* SPDX-License-Identifier: MIT
 *
 * shm.c: what a System V shared memory segment promises: shmget(), shmat(), shmdt(), shmctl() and the end of a process.
 *
 * shmat() in an operation also stands for a look at the first four bytes, which the outcome reports (text), and, where
 * the attachment can be written, for storing other ones there (text of the operation).
 */
#include <sys/shm.h>

#include "shm.h"

static void init(void *state)
{
        memset(state, 0, sizeof(struct segment));
        ((struct segment *)state)->object = no_object;
}

static size_t size(const void *state)
{
        (void)state;
        return sizeof(struct segment);
}

static uint64_t nattch(const struct segment *segment)
{
        uint64_t sum = 0;

        for (int p = 0; p < MODEL_PROCESSES; p++)
                sum += segment->attached[p];
        return sum;
}

/* ---- shmget() ---- */

static int get(struct judgement *j, const struct segment *segment, struct segment *next)
{
        const struct operation *const o = j->o;
        const uint64_t wanted = (uint64_t)o->size;      /* -1 is SIZE_MAX */
        const bool exists = segment->object.id != -1 && o->key != IPC_PRIVATE && !(segment->object.mode & SHM_DEST);
        const bool creates = o->key == IPC_PRIVATE || (o->flags & IPC_CREAT);

        if (exists) {
                const bool exclusive = (o->flags & IPC_CREAT) && (o->flags & IPC_EXCL);
                const bool larger = wanted > segment->size, denied = !may_get(o->actor, &segment->object, o->flags);
                fault(j, exclusive, EEXIST, shmget_eexist);
                if (exclusive)
                        may_fault(j, larger, EINVAL);
                else
                        first_fault(j, larger, EINVAL,
                                    denied ? shmget_einval_larger_before_eacces : shmget_einval_larger_than_existing);
                fault(j, denied, EACCES, shmget_eacces);
                j->granted_by = denied ? NULL : &segment->object;
        } else {
                fault(j, !creates, ENOENT, shmget_enoent);
                fault(j, creates && wanted < j->limits->shmmin, EINVAL, shmget_einval_size0_new);
                fault(j, creates && wanted > j->limits->shmmax, EINVAL,
                      o->size == -1 ? shmget_einval_size_max_value : shmget_einval_size_over_max);
                fault(j, creates && o->size == -1, ENOSPC, shmget_einval_size_max_value);
                fault(j, creates && !j->limits->room, ENOSPC, shmget_enospc_shmmni);
        }
        switch (faulted(j)) {
        case WRONGLY: return 0;
        case FAULTED: return 1;
        case NOT_FAULTED: break;
        }
        if (exists)
                return succeeded(j, wanted == 0 && creates ? shmget_lookup_size0_creat : wanted < segment->size
                                 ? shmget_lookup_size_le : shmget_lookup_existing, segment->object.id);
        if (!succeeded(j, o->key == IPC_PRIVATE ? shmget_create_private : shmget_create_key_creat, j->r->value))
                return 0;
        if (j->r->value < 0)
                return contradicts(j, shmget_ret_nonneg, "result", 0, j->r->value);

        rule(shmget_init_zero_filled);
        rule(shmget_init_lpid0);
        rule(shmget_init_nattch0);
        rule(shmget_init_atime0);
        rule(shmget_init_dtime0);
        memset(next, 0, sizeof(*next));
        next->object = new_object(j);
        rule(shmget_init_segsz);
        next->size = wanted;
        rule(shmget_init_cpid);
        next->cpid = o->actor->pid;
        return 1;
}

/* ---- shmat(), shmdt() ---- */

static int attach(struct judgement *j, const struct segment *segment, struct segment *next)
{
        const struct operation *const o = j->o;
        const bool exists = o->id >= 0 && o->id == segment->object.id, write = !(o->flags & SHM_RDONLY);
        const unsigned wanted = READ | (write ? ALTER : 0) | (o->flags & SHM_EXEC ? 1 : 0);

        fault(j, o->id < 0, EINVAL, xsi_ipc_id_negative_einval);
        fault(j, o->bad_address && !(o->flags & SHM_RND), EINVAL, shmat_addr_einval_unaligned);
        fault(j, !o->bad_address && (o->flags & SHM_REMAP), EINVAL, shmat_remap_einval_null);
        fault(j, o->id >= 0 && !exists, EINVAL, shmat_einval_badid);
        if (exists)
                permission_fault(j, &segment->object, wanted, write ? shmat_flag_rw_perm : shmat_eacces);
        switch (faulted(j)) {
        case WRONGLY: return 0;
        case FAULTED: return 1;
        case NOT_FAULTED: break;
        }
        if (!succeeded(j, segment->object.mode & SHM_DEST ? shmat_deleted_attach_ok : shmat_ret_address, 0))
                return 0;
        if (!agrees(j, segment->text ? shmdt_keeps_data : shmget_init_zero_filled, "first bytes", segment->text,
                    j->r->text))
                return 0;
        rule(shmat_share_two_procs);
        if (write)
                next->text = o->text;
        rule(shmat_upd_nattch);
        next->attached[o->actor->process]++;
        rule(shmat_upd_atime);
        next->atime = this_moment(j);
        rule(shmat_upd_lpid);
        next->lpid = o->actor->pid;
        return 1;
}

/* The last attachment of a removed segment is gone. */
static void destroy_if_unused(struct segment *next)
{
        rule(shmdt_last_destroys);
        if ((next->object.mode & SHM_DEST) && nattch(next) == 0)
                init(next);
}

static int detach(struct judgement *j, struct segment *next)
{
        const struct operation *const o = j->o;

        fault(j, o->bad_address, EINVAL, shmdt_einval_notstart);
        switch (faulted(j)) {
        case WRONGLY: return 0;
        case FAULTED: return 1;
        case NOT_FAULTED: break;
        }
        if (!succeeded(j, shmdt_ret_zero, 0))
                return 0;
        rule(shmdt_upd_nattch);
        next->attached[o->actor->process]--;
        rule(shmdt_upd_dtime);
        next->dtime = this_moment(j);
        rule(shmdt_upd_lpid);
        next->lpid = o->actor->pid;
        destroy_if_unused(next);
        return 1;
}

static int end(struct judgement *j, struct segment *next)
{
        const struct actor *const who = j->o->actor;

        if (!next->attached[who->process])
                return 1;
        rule(exit_shm_detached);
        next->attached[who->process] = 0;
        rule(exit_shm_dtime_lpid);
        next->dtime = this_moment(j);
        next->lpid = who->pid;
        rule(exit_rmid_shm_destroyed);
        destroy_if_unused(next);
        return 1;
}

/* ---- shmctl() ---- */

static const struct pointer {
        int command;
        enum ipck_requirement efault;
} pointers[] = {
        {IPC_STAT, shmctl_stat_efault}, {IPC_SET, shmctl_set_efault}, {SHM_STAT, shmctl_stat_efault},
        {SHM_STAT_ANY, shmctl_stat_efault},
};

static void control_faults(struct judgement *j, const struct segment *segment)
{
        const struct operation *const o = j->o;
        const int command = o->command;
        const bool by_index = command == SHM_STAT || command == SHM_STAT_ANY;
        const bool locks = command == SHM_LOCK || command == SHM_UNLOCK;
        const bool exists = segment->object.id != -1 && (by_index || o->id == segment->object.id);
        bool known = command == IPC_RMID || locks;

        for (size_t i = 0; i < sizeof(pointers) / sizeof(*pointers); i++)
                if (pointers[i].command == command) {
                        known = true;
                        fault(j, o->bad_address && (exists || command == IPC_SET), EFAULT, pointers[i].efault);
                }
        fault(j, !known, EINVAL, shmctl_einval_badcmd);
        fault(j, o->id < 0, EINVAL, xsi_ipc_id_negative_einval);
        fault(j, o->id >= 0 && !exists, EINVAL, by_index ? shmctl_stat_idx_einval : shmctl_einval_badid);
        if (!exists)
                return;
        const bool owner = is_owner(o->actor, &segment->object);
        if (command == IPC_STAT || command == SHM_STAT)
                permission_fault(j, &segment->object, READ, command == IPC_STAT ? shmctl_stat_eacces
                                 : perm_shm_stat_idx_deny);
        fault(j, command == IPC_RMID && !owner, EPERM, shmctl_rmid_eperm);
        fault(j, command == IPC_SET && !owner, EPERM, shmctl_set_eperm);
        fault(j, locks && !owner, EPERM, shmctl_lock_eperm_other);
        fault(j, command == IPC_SET && !o->bad_address && is_nobody(o->set), EINVAL, shmctl_set_einval_baduid);
}

static int report(struct judgement *j, struct segment *next)
{
        static const struct stat_rules rules = {
                .uid = shmctl_stat_fields, .gid = shmctl_stat_fields, .creator = shmctl_stat_fields,
                .mode = shmctl_stat_fields, .key = shmctl_stat_fields, .ctime = shmctl_stat_fields,
                .reserved = shmctl_stat_padding_zero,
        };
        const struct stat_report *const got = j->r->stat;
        const bool by_index = j->o->command != IPC_STAT;

        if (!succeeded(j, by_index ? shmctl_stat_idx : shmctl_ret_zero, by_index ? next->object.id : 0))
                return 0;
        return agrees_in_stat(j, &rules, &next->object) &&
               agrees(j, shmctl_stat_fields, "segsz", (int64_t)next->size, (int64_t)got->shm.size) &&
               agrees(j, shmctl_stat_fields, "nattch", (int64_t)nattch(next), (int64_t)got->shm.nattch) &&
               agrees(j, shmctl_stat_fields, "cpid", next->cpid, got->shm.cpid) &&
               agrees(j, shmctl_stat_fields, "lpid", next->lpid, got->shm.lpid) &&
               agrees_in_time(j, shmctl_stat_fields, "atime", &next->atime, got->shm.atime) &&
               agrees_in_time(j, shmctl_stat_fields, "dtime", &next->dtime, got->shm.dtime);
}

static int control(struct judgement *j, const struct segment *segment, struct segment *next)
{
        const struct operation *const o = j->o;

        control_faults(j, segment);
        switch (faulted(j)) {
        case WRONGLY: return 0;
        case FAULTED: return 1;
        case NOT_FAULTED: break;
        }
        switch (o->command) {
        case IPC_SET:
                rule(shmctl_set_uid);
                rule(shmctl_set_gid);
                rule(shmctl_set_mode);
                rule(shmctl_set_mode_keeps_flags);
                rule(shmctl_set_ctime);
                set_object(j, &next->object);
                break;
        case IPC_RMID:
                rule(shmctl_rmid_dest_flag);
                rule(shmctl_rmid_key_freed);
                next->object.mode |= SHM_DEST;
                next->object.key = IPC_PRIVATE;
                rule(shmctl_rmid_unattached);
                rule(shmctl_rmid_attached_deferred);
                destroy_if_unused(next);
                break;
        case SHM_LOCK:
                rule(shmctl_lock_enomem_rlimit);
                if (!o->actor->privileged && j->r->error == ENOMEM)
                        return 1;
                rule(shmctl_lock_sets_flag);
                next->object.mode |= SHM_LOCKED;
                break;
        case SHM_UNLOCK:
                rule(shmctl_lock_unlock_clears);
                next->object.mode &= ~(unsigned)SHM_LOCKED;
                break;
        default: return report(j, next);
        }
        return succeeded(j, o->command == SHM_LOCK ? shmctl_lock_twice
                         : o->command == SHM_UNLOCK ? shmctl_lock_unlock_not_locked : shmctl_ret_zero, 0);
}

/* ---- the model ---- */

static int step(const void *state, const struct limits *limits, const struct operation *o, const struct outcome *r,
                void *const next[], struct contradiction *why)
{
        struct judgement j = {.limits = limits, .o = o, .r = r, .why = why};

        memcpy(next[0], state, sizeof(struct segment));
        switch (o->call) {
        case CALL_shmget: return get(&j, state, next[0]);
        case CALL_shmat: return attach(&j, state, next[0]);
        case CALL_shmdt: return detach(&j, next[0]);
        case CALL_shmctl: return control(&j, state, next[0]);
        case CALL_exit: return end(&j, next[0]);
        default: return 1;
        }
}

/* None of these calls waits. */
static bool enabled(const void *state, const struct operation *o)
{
        (void)state;
        (void)o;
        return true;
}

static void describe(const void *state, char *text, size_t room)
{
        const struct segment *const segment = state;
        size_t at = 0;

        if (segment->object.id == -1) {
                add_text(text, room, &at, "no segment");
                return;
        }
        add_text(text, room, &at, "segment %d, mode %05o, uid %u, cuid %u, %llu bytes, attached", segment->object.id,
                 segment->object.mode, segment->object.uid, segment->object.cuid, (unsigned long long)segment->size);
        for (int p = 0; p < MODEL_PROCESSES; p++)
                if (segment->attached[p])
                        add_text(text, room, &at, " %d times by process %d", segment->attached[p], p);
        if (!nattch(segment))
                add_text(text, room, &at, " nowhere");
}

const struct model shm_model = {.name = "segment", .most = sizeof(struct segment), .init = init, .size = size,
                                .step = step,
                                .enabled = enabled, .describe = describe};
