/* SPDX-License-Identifier: MIT
 *
 * msg.c: what a System V message queue promises: msgget(), msgsnd(), msgrcv(), msgctl().
 */
#include <limits.h>
#include <sys/msg.h>

#include "msg.h"

static void init(void *state)
{
        memset(state, 0, sizeof(struct msg_queue));
        ((struct msg_queue *)state)->object = no_object;
}

static size_t size(const void *state)
{
        const struct msg_queue *const queue = state;

        return offsetof(struct msg_queue, message) + queue->qnum * sizeof(*queue->message);
}

/* ---- msgget() ---- */

static int get(struct judgement *j, const struct msg_queue *queue, struct msg_queue *next)
{
        const struct operation *const o = j->o;
        const bool exists = queue->object.id != -1 && o->key != IPC_PRIVATE;
        const bool creates = o->key == IPC_PRIVATE || (o->flags & IPC_CREAT);

        if (exists) {
                const bool exclusive = (o->flags & IPC_CREAT) && (o->flags & IPC_EXCL);
                const bool denied = !may_get(o->actor, &queue->object, o->flags);
                first_fault(j, exclusive, EEXIST, denied ? msgget_eexist_before_eacces : msgget_eexist);
                fault(j, denied, EACCES, msgget_eacces_mode);
                j->granted_by = denied ? NULL : &queue->object;
        } else {
                fault(j, !creates, ENOENT, msgget_enoent);
                fault(j, creates && !j->limits->room, ENOSPC, msgget_enospc_msgmni);
        }
        switch (faulted(j)) {
        case WRONGLY: return 0;
        case FAULTED: return 1;
        case NOT_FAULTED: break;
        }
        if (exists)
                return succeeded(j, msgget_lookup_existing, queue->object.id);
        if (!succeeded(j, o->key == IPC_PRIVATE ? msgget_create_private : msgget_create_key_creat, j->r->value))
                return 0;
        if (j->r->value < 0)
                return contradicts(j, msgget_ret_nonneg, "result", 0, j->r->value);

        next->object = new_object(j);
        rule(msgget_init_stime0);
        rule(msgget_init_rtime0);
        next->stime = next->rtime = never;
        rule(msgget_init_lspid0);
        rule(msgget_init_lrpid0);
        next->lspid = next->lrpid = 0;
        rule(msgget_init_qbytes_msgmnb);
        next->qbytes = (uint64_t)j->limits->msgmnb;
        rule(msgget_init_qnum0);
        rule(msgget_init_cbytes0);
        next->qnum = next->cbytes = next->cut = 0;
        return 1;
}

/* ---- msgsnd() ---- */

static bool fits(const struct msg_queue *queue, int64_t length)
{
        return queue->cbytes + (uint64_t)length <= queue->qbytes && queue->qnum + 1 <= queue->qbytes;
}

static enum ipck_requirement rule_of_full(const struct msg_queue *queue, int64_t length)
{
        return length ? msgsnd_eagain_qbytes : queue->qbytes ? msgsnd_eagain_msgcount : msgsnd_eagain_qbytes0;
}

/* A caller that has to wait, or came back without having done anything. */
static int wait_for(struct judgement *j, int error, enum ipck_requirement nowait, enum ipck_requirement waits)
{
        const struct outcome *const r = j->r;

        if (j->o->flags & IPC_NOWAIT)
                return r->error == error ? 1 : contradicts(j, nowait, "errno", error, r->error);
        return r->blocked || r->error == EINTR ? 1 : contradicts(j, waits, "errno", EINPROGRESS, r->error);
}

static bool went_while_waiting(const struct judgement *j, const struct msg_queue *queue)
{
        return j->o->id != queue->object.id && !j->faults && !(j->o->flags & IPC_NOWAIT) && j->r->error == EIDRM;
}

static int send(struct judgement *j, const struct msg_queue *queue, struct msg_queue *next)
{
        const struct operation *const o = j->o;
        const bool exists = o->id >= 0 && o->id == queue->object.id;

        fault(j, o->id < 0, EINVAL, msgsnd_einval_negid);
        fault(j, o->size < 0, EINVAL, msgsnd_einval_size_negative);
        fault(j, o->size > j->limits->msgmax, EINVAL, msgsnd_einval_toobig);
        fault(j, !o->bad_address && o->type < 1, EINVAL, o->type ? msgsnd_einval_typeneg : msgsnd_einval_type0);
        first_fault(j, o->bad_address, EFAULT, exists ? msgsnd_efault_ptr : msgsnd_efault_before_badid);
        first_fault(j, o->bad_text, EFAULT, msgsnd_efault_partial);
        if (went_while_waiting(j, queue))
                return 1;
        fault(j, o->id >= 0 && !exists, EINVAL, msgsnd_einval_badid);
        if (exists)
                permission_fault(j, &queue->object, ALTER, msgsnd_eacces);
        switch (faulted(j)) {
        case WRONGLY: return 0;
        case FAULTED: return 1;
        case NOT_FAULTED: break;
        }
        /* That an empty message goes onto a queue whose bytes are used up is not promised. */
        const bool either_way = o->size == 0 && queue->cbytes >= queue->qbytes && j->r->error == EAGAIN;
        if (!fits(queue, o->size) || either_way)
                return wait_for(j, EAGAIN, rule_of_full(queue, o->size), msgsnd_block_until_space);
        if (!succeeded(j, msgsnd_ret_zero, 0))
                return 0;
        rule(msgsnd_order_fifo);
        next->message[next->qnum] = (struct one_message){.type = o->type, .text = o->text, .size = (uint32_t)o->size};
        rule(msgsnd_upd_qnum);
        next->qnum++;
        rule(msgsnd_upd_cbytes);
        next->cbytes += (uint64_t)o->size;
        rule(msgsnd_upd_lspid);
        next->lspid = o->actor->pid;
        rule(msgsnd_upd_stime);
        next->stime = this_moment(j);
        return 1;
}

/* ---- msgrcv() ---- */

enum { NONE = -1 };

enum ipck_requirement rule_of_selection(int64_t type, int flags)
{
        if (flags & MSG_COPY)
                return msgrcv_copy_peek;
        if (type == 0)
                return msgrcv_sel_zero;
        return type < 0 ? msgrcv_sel_negative_lowest : flags & MSG_EXCEPT ? msgrcv_flag_except : msgrcv_sel_positive;
}

/* The place of the message that msgtyp and flags select. */
static int64_t selected(const struct msg_queue *queue, const struct operation *o)
{
        const int64_t most = o->type == LONG_MIN ? LONG_MAX : -o->type;
        int64_t lowest = NONE;

        if (o->flags & MSG_COPY)
                return o->type >= 0 && (uint64_t)o->type < queue->qnum ? o->type : NONE;
        for (uint64_t i = 0; i < queue->qnum; i++) {
                const int64_t type = queue->message[i].type;
                if (o->type < 0) {
                        if (type <= most && (lowest == NONE || type < queue->message[lowest].type))
                                lowest = (int64_t)i;
                } else if (o->type == 0 || (type == o->type) == !(o->flags & MSG_EXCEPT)) {
                        return (int64_t)i;
                }
        }
        return lowest;
}

static bool reports_message(struct judgement *j, const struct one_message *m, enum ipck_requirement requirement)
{
        const struct operation *const o = j->o;
        const struct outcome *const r = j->r;
        const bool cut = m->size > (uint64_t)o->size;

        if (!succeeded(j, requirement, r->value))
                return false;
        const int64_t common = r->value < m->size ? r->value : m->size;
        return agrees(j, requirement, "type", m->type, r->type) &&
               agrees(j, msgsnd_data_integrity, "bytes of the text that differ", 0, r->odd & TEXT_GARBLED) &&
               agrees(j, requirement, "text", text_begins(m->text, common), text_begins(r->text, common)) &&
               agrees(j, cut ? msgrcv_flag_noerror_truncate : msgrcv_ret_len, "result", cut ? o->size : m->size,
                      r->value) &&
               agrees(j, cut ? msgrcv_flag_noerror_no_overrun : msgrcv_buf_no_overrun, "bytes behind the text", 0,
                      r->odd & WRITTEN_BEYOND);
}

static void take(struct judgement *j, struct msg_queue *next, int64_t place)
{
        rule(msgrcv_upd_cbytes);
        next->cut |= next->message[place].size > (uint64_t)j->o->size;
        next->cbytes -= next->message[place].size;
        rule(msgrcv_upd_qnum);
        next->qnum--;
        rule(msgrcv_sel_order_kept);
        memmove(&next->message[place], &next->message[place + 1],
                (next->qnum - (uint64_t)place) * sizeof(*next->message));
        rule(msgrcv_upd_lrpid);
        next->lrpid = j->o->actor->pid;
        rule(msgrcv_upd_rtime);
        next->rtime = this_moment(j);
}

static int receive(struct judgement *j, const struct msg_queue *queue, struct msg_queue *next, struct msg_queue *other)
{
        const struct operation *const o = j->o;
        const bool copy = o->flags & MSG_COPY, exists = o->id >= 0 && o->id == queue->object.id;
        const enum ipck_requirement requirement = rule_of_selection(o->type, o->flags);

        fault(j, o->id < 0, EINVAL, msgrcv_einval_badid);
        fault(j, o->size < 0, EINVAL, msgrcv_einval_negsize);
        fault(j, copy && !(o->flags & IPC_NOWAIT), EINVAL, msgrcv_copy_einval_nonowait);
        fault(j, copy && (o->flags & MSG_EXCEPT), EINVAL, msgrcv_copy_einval_except);
        fault(j, copy && !j->limits->msg_copy, ENOSYS, msgrcv_copy_enosys);
        may_fault(j, copy && o->bad_address, EFAULT);
        if (went_while_waiting(j, queue))
                return 1;
        fault(j, o->id >= 0 && !exists, EINVAL, msgrcv_einval_badid);
        if (exists)
                permission_fault(j, &queue->object, READ, msgrcv_eacces);
        const int64_t place = exists ? selected(queue, o) : NONE;
        if (place != NONE && queue->message[place].size > (uint64_t)o->size && o->size >= 0) {
                fault(j, !(o->flags & MSG_NOERROR), E2BIG, copy ? msgrcv_copy_e2big : msgrcv_e2big);
                fault(j, copy && (o->flags & MSG_NOERROR), EINVAL, msgrcv_copy_einval_noerror_short);
        }
        switch (faulted(j)) {
        case WRONGLY: return 0;
        case FAULTED: return 1;
        case NOT_FAULTED: break;
        }
        if (o->size > j->limits->msgmax && j->r->error == EINVAL) {    /* negative ones alone are refused */
                contradicts(j, msgrcv_einval_negsize, "errno", 0, EINVAL);
                return waived(j->limits, msgrcv_einval_negsize);
        }
        if (place == NONE)
                return wait_for(j, ENOMSG, copy ? msgrcv_copy_enomsg_index : msgrcv_enomsg, msgrcv_block_until_type);
        if (o->bad_address) {
                if (j->r->error != EFAULT)
                        return contradicts(j, msgrcv_efault, "errno", EFAULT, j->r->error);
                if (copy)
                        return 1;
                rule(msgrcv_fail_efault_keeps);         /* or loses it: that it is kept may be */
                memcpy(other, queue, size(queue));
                take(j, other, place);
                return 2;
        }
        if (!reports_message(j, &queue->message[place], requirement))
                return 0;
        rule(msgrcv_copy_no_field_change);
        if (!copy)
                take(j, next, place);
        return 1;
}

/* ---- msgctl() ---- */

static const struct pointer {
        int command;
        enum ipck_requirement efault;
} pointers[] = {
        {IPC_STAT, msgctl_stat_efault}, {IPC_SET, msgctl_set_efault}, {MSG_STAT, msgctl_stat_idx_efault},
        {MSG_STAT_ANY, msgctl_stat_idx_efault},
};

static void control_faults(struct judgement *j, const struct msg_queue *queue)
{
        const struct operation *const o = j->o;
        const int command = o->command;
        const bool by_index = command == MSG_STAT || command == MSG_STAT_ANY;
        const bool exists = queue->object.id != -1 && (by_index || o->id == queue->object.id);
        bool known = command == IPC_RMID;

        for (size_t i = 0; i < sizeof(pointers) / sizeof(*pointers); i++)
                if (pointers[i].command == command) {
                        known = true;
                        fault(j, o->bad_address && (exists || command == IPC_SET), EFAULT, pointers[i].efault);
                }
        fault(j, !known, EINVAL, command < 0 ? msgctl_einval_negcmd : msgctl_einval_badcmd);
        fault(j, o->id < 0, EINVAL, xsi_ipc_id_negative_einval);
        fault(j, o->id >= 0 && !exists, EINVAL, by_index ? msgctl_stat_idx_einval : msgctl_einval_badid);
        if (!exists)
                return;
        if (command == IPC_STAT || command == MSG_STAT)
                permission_fault(j, &queue->object, READ, command == IPC_STAT ? msgctl_stat_eacces
                                 : msgctl_stat_idx_eacces);
        fault(j, command == IPC_RMID && !is_owner(o->actor, &queue->object), EPERM, msgctl_rmid_eperm);
        if (command == IPC_SET) {
                fault(j, !is_owner(o->actor, &queue->object), EPERM, msgctl_set_eperm_other);
                if (o->bad_address)
                        return;
                fault(j, o->set->qbytes > (uint64_t)j->limits->msgmnb &&
                      !(o->actor->privileged && j->limits->may_raise),
                      EPERM, msgctl_set_eperm_above_msgmnb);
                fault(j, is_nobody(o->set), EINVAL, msgctl_set_einval_baduid);
        }
}

static int report(struct judgement *j, struct msg_queue *next)
{
        static const struct stat_rules rules = {
                .uid = msgctl_stat_all_fields, .gid = msgctl_stat_all_fields, .creator = msgctl_stat_all_fields,
                .mode = msgctl_stat_all_fields, .key = msgctl_stat_key, .ctime = msgctl_stat_all_fields,
                .reserved = msgctl_stat_padding_zero,
        };
        const struct stat_report *const got = j->r->stat;
        const bool by_index = j->o->command != IPC_STAT;

        if (!succeeded(j, by_index ? msgctl_stat_idx_ok : msgctl_ret_zero, by_index ? next->object.id : 0))
                return 0;
        return agrees_in_stat(j, &rules, &next->object) &&
               agrees(j, msgctl_stat_all_fields, "qnum", (int64_t)next->qnum, (int64_t)got->msg.qnum) &&
               agrees(j, next->cut ? msgrcv_flag_noerror_cbytes : msgsnd_upd_cbytes, "cbytes", (int64_t)next->cbytes,
                      (int64_t)got->msg.cbytes) &&
               agrees(j, msgctl_stat_all_fields, "qbytes", (int64_t)next->qbytes, (int64_t)got->msg.qbytes) &&
               agrees(j, msgctl_stat_all_fields, "lspid", next->lspid, got->msg.lspid) &&
               agrees(j, msgctl_stat_all_fields, "lrpid", next->lrpid, got->msg.lrpid) &&
               agrees_in_time(j, msgctl_stat_all_fields, "stime", &next->stime, got->msg.stime) &&
               agrees_in_time(j, msgctl_stat_all_fields, "rtime", &next->rtime, got->msg.rtime);
}

static int control(struct judgement *j, const struct msg_queue *queue, struct msg_queue *next)
{
        control_faults(j, queue);
        switch (faulted(j)) {
        case WRONGLY: return 0;
        case FAULTED: return 1;
        case NOT_FAULTED: break;
        }
        switch (j->o->command) {
        case IPC_SET:
                if (!succeeded(j, msgctl_ret_zero, 0))
                        return 0;
                rule(msgctl_set_uid);
                rule(msgctl_set_gid);
                rule(msgctl_set_mode);
                rule(msgctl_set_ctime);
                set_object(j, &next->object);
                rule(msgctl_set_qbytes);
                rule(msgctl_set_qbytes_below_current);
                next->qbytes = j->o->set->qbytes;
                return 1;
        case IPC_RMID:
                if (!succeeded(j, msgctl_rmid_removes, 0))
                        return 0;
                memset(next, 0, offsetof(struct msg_queue, message));
                next->object = no_object;
                return 1;
        default: return report(j, next);
        }
}

/* ---- the model ---- */

static int step(const void *state, const struct limits *limits, const struct operation *o, const struct outcome *r,
                void *const next[], struct contradiction *why)
{
        struct judgement j = {.limits = limits, .o = o, .r = r, .why = why};

        memcpy(next[0], state, size(state));
        switch (o->call) {
        case CALL_msgget: return get(&j, state, next[0]);
        case CALL_msgsnd: return send(&j, state, next[0]);
        case CALL_msgrcv: return receive(&j, state, next[0], next[1]);
        case CALL_msgctl: return control(&j, state, next[0]);
        default: rule(exit_queues_persist); return 1;
        }
}

static bool enabled(const void *state, const struct operation *o)
{
        const struct msg_queue *const queue = state;

        return queue->object.id != o->id ||
               (o->call == CALL_msgsnd ? fits(queue, o->size) : selected(queue, o) != NONE);
}

static void describe(const void *state, char *text, size_t room)
{
        const struct msg_queue *const queue = state;
        size_t at = 0;

        if (queue->object.id == -1) {
                add_text(text, room, &at, "no queue");
                return;
        }
        add_text(text, room, &at, "queue %d, mode %04o, uid %u, cuid %u, %llu of %llu bytes:", queue->object.id,
                 queue->object.mode, queue->object.uid, queue->object.cuid, (unsigned long long)queue->cbytes,
                 (unsigned long long)queue->qbytes);
        for (uint64_t i = 0; i < queue->qnum; i++)
                add_text(text, room, &at, " {%lld, text %u, %u bytes}", (long long)queue->message[i].type,
                         queue->message[i].text, queue->message[i].size);
}

const struct model msg_model = {.name = "message queue", .most = sizeof(struct msg_queue), .init = init, .size = size,
                                .step = step, .enabled = enabled, .describe = describe};
