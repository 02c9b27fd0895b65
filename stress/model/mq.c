/* SPDX-License-Identifier: MIT
 *
 * mq.c: what a POSIX message queue promises: mq_open() .. mq_notify() and the end of a process.
 *
 * An operation on a descriptor has as flags what the descriptor was opened with; a descriptor of no queue is -1.
 */
#include <fcntl.h>
#include <limits.h>

#include "mq.h"

static void init(void *state)
{
        memset(state, 0, sizeof(struct mqueue));
}

static size_t size(const void *state)
{
        const struct mqueue *const queue = state;

        return offsetof(struct mqueue, message) + queue->curmsgs * sizeof(*queue->message);
}

/* ---- names and descriptors ---- */

static bool may_open(const struct actor *who, const struct mqueue *queue, int flags)
{
        const struct object file = {.uid = queue->uid, .cuid = queue->uid, .gid = queue->gid, .cgid = queue->gid,
                                    .mode = queue->mode};
        const int access = flags & O_ACCMODE;

        return may(who, &file, (access != O_WRONLY ? READ : 0) | (access != O_RDONLY ? ALTER : 0));
}

static int open_queue(struct judgement *j, const struct mqueue *queue, struct mqueue *next)
{
        const struct operation *const o = j->o;
        const bool creates = o->flags & O_CREAT;

        if (queue->linked) {
                fault(j, creates && (o->flags & O_EXCL), EEXIST, mq_open_eexist);
                fault(j, !may_open(o->actor, queue, o->flags), EACCES, mq_open_eacces);
        } else {
                fault(j, !creates, ENOENT, mq_open_enoent);
                if (creates && o->attr) {
                        const int64_t maxmsg = o->attr->mq_maxmsg, msgsize = o->attr->mq_msgsize;
                        fault(j, maxmsg <= 0 || msgsize <= 0, EINVAL, mq_open_einval_attr_zero);
                        fault(j, !(o->actor->privileged && j->limits->may_raise) &&
                              (maxmsg > j->limits->mq_msg_max || msgsize > j->limits->mq_msgsize_max),
                              EINVAL, mq_open_einval_attr_limit);
                }
        }
        switch (faulted(j)) {
        case WRONGLY: return 0;
        case FAULTED: return 1;
        case NOT_FAULTED: break;
        }
        if (!succeeded(j, mq_open_ret_mqd, j->r->value))
                return 0;
        if (!queue->linked) {
                init(next);
                next->exists = next->linked = 1;
                rule(mq_open_creat_uid_gid);
                next->uid = o->actor->uid;
                next->gid = o->actor->gid;
                rule(mq_open_creat_mode_umask);
                next->mode = o->mode & 0777 & ~o->actor->umask;
                rule(mq_open_creat_attr);
                rule(mq_open_creat_attr_defaults_sysctl);
                next->maxmsg = o->attr ? o->attr->mq_maxmsg : j->limits->mq_msg_default;
                next->msgsize = o->attr ? o->attr->mq_msgsize : j->limits->mq_msgsize_default;
        }
        rule(mq_open_creat_existing_attr_ignored);
        next->opens[o->actor->process]++;
        return 1;
}

static void destroy_if_unused(struct mqueue *next)
{
        rule(mq_unlink_postponed);
        for (int p = 0; p < MODEL_PROCESSES; p++)
                if (next->opens[p] || next->linked)
                        return;
        init(next);
}

static void end_registration(struct mqueue *queue)
{
        queue->registered = 0;
        queue->registered_by = queue->another_closed = 0;
}

static int close_queue(struct judgement *j, const struct mqueue *queue, struct mqueue *next, struct mqueue *other)
{
        const struct operation *const o = j->o;
        const bool registered = queue->registered == o->actor->process + 1;

        fault(j, o->id < 0, EBADF, mq_close_ebadf);
        switch (faulted(j)) {
        case WRONGLY: return 0;
        case FAULTED: return 1;
        case NOT_FAULTED: break;
        }
        if (!succeeded(j, mq_close_ret, 0))
                return 0;
        next->opens[o->actor->process]--;
        rule(mq_close_removes_notification);
        if (registered && queue->registered_by == o->id)
                end_registration(next);
        else
                next->another_closed |= registered;
        memcpy(other, next, size(next));
        destroy_if_unused(next);
        if (!registered || queue->registered_by == o->id || !waived(j->limits, mq_notify_close_other))
                return 1;
        end_registration(other);
        destroy_if_unused(other);
        return 2;
}

static int unlink_queue(struct judgement *j, const struct mqueue *queue, struct mqueue *next)
{
        const struct actor *const who = j->o->actor;

        fault(j, !queue->linked, ENOENT, mq_unlink_enoent);
        fault(j, queue->linked && !who->privileged && who->uid != queue->uid, EACCES, mq_unlink_eacces);
        switch (faulted(j)) {
        case WRONGLY: return 0;
        case FAULTED: return 1;
        case NOT_FAULTED: break;
        }
        if (!succeeded(j, mq_unlink_ret, 0))
                return 0;
        rule(mq_unlink_name_gone);
        next->linked = 0;
        destroy_if_unused(next);
        return 1;
}

static int end(struct judgement *j, struct mqueue *next)
{
        const int process = j->o->actor->process;

        rule(exit_mq_closed);
        if (!next->opens[process])
                return 1;
        next->opens[process] = 0;
        if (next->registered == process + 1)
                end_registration(next);
        destroy_if_unused(next);
        return 1;
}

/* ---- messages ---- */

static void timeout_faults(struct judgement *j, enum ipck_requirement efault)
{
        const struct timespec *const timeout = j->o->timeout;

        fault(j, j->o->bad_timeout, EFAULT, efault);
        may_fault(j, !j->o->bad_timeout && timeout &&
                  (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec > 999999999), EINVAL);
}

/* A caller that has to wait, whose descriptor lets it wait or not. */
static int wait_for(struct judgement *j, enum ipck_requirement nonblock, enum ipck_requirement waits)
{
        const struct outcome *const r = j->r;

        if (j->o->flags & O_NONBLOCK)
                return r->error == EAGAIN ? 1 : contradicts(j, nonblock, "errno", EAGAIN, r->error);
        if (r->blocked || r->error == EINTR || (j->o->timeout && r->error == ETIMEDOUT))
                return 1;
        return contradicts(j, waits, "errno", EINPROGRESS, r->error);
}

static int send(struct judgement *j, const struct mqueue *queue, struct mqueue *next)
{
        const struct operation *const o = j->o;
        const bool open = o->id >= 0;

        timeout_faults(j, mq_send_timed_efault);
        fault(j, !open || (o->flags & O_ACCMODE) == O_RDONLY, EBADF, open ? mq_open_access_rdonly_no_send
              : mq_send_ebadf);
        fault(j, o->type >= MQ_PRIO_MAX, EINVAL, mq_send_einval_prio);
        fault(j, open && (o->size < 0 || o->size > queue->msgsize), EMSGSIZE, mq_send_emsgsize);
        fault(j, open && o->bad_address && o->size > 0, EFAULT, mq_send_efault);
        switch (faulted(j)) {
        case WRONGLY: return 0;
        case FAULTED: return 1;
        case NOT_FAULTED: break;
        }
        if ((int64_t)queue->curmsgs == queue->maxmsg)
                return wait_for(j, mq_send_eagain, mq_send_block_full);
        if (!succeeded(j, mq_send_timed_immediate, 0))
                return 0;
        rule(mq_send_order_prio);
        rule(mq_send_order_fifo);
        uint64_t place = queue->curmsgs;
        while (place > 0 && queue->message[place - 1].priority < o->type)
                place--;
        memmove(&next->message[place + 1], &next->message[place], (queue->curmsgs - place) * sizeof(*next->message));
        next->message[place] = (struct one_mq_message){.priority = (uint32_t)o->type, .text = o->text,
                                                       .size = (uint32_t)o->size};
        next->curmsgs++;
        rule(mq_notify_once);
        rule(mq_notify_not_if_nonempty);
        if (queue->curmsgs == 0)
                end_registration(next);
        return 1;
}

static void take(struct mqueue *next)
{
        rule(mq_receive_oldest_highest);
        next->curmsgs--;
        memmove(&next->message[0], &next->message[1], next->curmsgs * sizeof(*next->message));
}

static int receive(struct judgement *j, const struct mqueue *queue, struct mqueue *next, struct mqueue *other)
{
        const struct operation *const o = j->o;
        const struct outcome *const r = j->r;
        const struct one_mq_message *const first = queue->message;
        const bool open = o->id >= 0;

        timeout_faults(j, mq_receive_timed_efault);
        fault(j, !open || (o->flags & O_ACCMODE) == O_WRONLY, EBADF, open ? mq_open_access_wronly_no_recv
              : mq_receive_ebadf);
        fault(j, open && o->size >= 0 && o->size < queue->msgsize, EMSGSIZE, mq_receive_emsgsize);
        switch (faulted(j)) {
        case WRONGLY: return 0;
        case FAULTED: return 1;
        case NOT_FAULTED: break;
        }
        if (queue->curmsgs == 0)
                return wait_for(j, mq_receive_eagain, mq_receive_block_empty);
        if (o->bad_address && first->size > 0) {
                if (r->error != EFAULT)
                        return contradicts(j, mq_receive_efault, "errno", EFAULT, r->error);
                rule(mq_receive_efault_message);        /* it may be off the queue, or not */
                memcpy(other, queue, size(queue));
                take(other);
                return 2;
        }
        const int64_t common = r->value < first->size ? r->value : first->size;
        if (!succeeded(j, mq_receive_timed_immediate, r->value) ||
            !agrees(j, mq_receive_oldest_highest, "priority", first->priority, r->type))
                return 0;
        if (!o->bad_address &&
            (!agrees(j, mq_receive_content, "bytes of the text that differ", 0, r->odd & TEXT_GARBLED) ||
             !agrees(j, mq_receive_oldest_highest, "text", text_begins(first->text, common),
                     text_begins(r->text, common)) ||
             !agrees(j, mq_receive_content, "bytes behind the text", 0, r->odd & WRITTEN_BEYOND)))
                return 0;
        if (!agrees(j, mq_receive_ret_len, "result", first->size, r->value))
                return 0;
        take(next);
        return 1;
}

/* ---- attributes, notification ---- */

static int attributes(struct judgement *j, const struct mqueue *queue)
{
        const struct operation *const o = j->o;
        const struct mq_attr *const got = j->r->attr;
        const bool sets = o->call == CALL_mq_setattr;

        fault(j, o->id < 0, EBADF, sets ? mq_attr_ebadf : mq_attr_get_ebadf);
        fault(j, sets && (o->value & ~O_NONBLOCK), EINVAL, mq_attr_set_einval);
        switch (faulted(j)) {
        case WRONGLY: return 0;
        case FAULTED: return 1;
        case NOT_FAULTED: break;
        }
        return succeeded(j, sets ? mq_attr_set_nonblock : mq_attr_get_static, 0) &&
               agrees(j, sets ? mq_attr_set_old : mq_attr_get_flags, "flags", o->flags & O_NONBLOCK, got->mq_flags) &&
               agrees(j, mq_attr_get_static, "maxmsg", queue->maxmsg, got->mq_maxmsg) &&
               agrees(j, mq_attr_get_static, "msgsize", queue->msgsize, got->mq_msgsize) &&
               agrees(j, mq_attr_get_curmsgs, "curmsgs", (int64_t)queue->curmsgs, got->mq_curmsgs);
}

/* value 1: to be notified, 0: no more. */
static int notify(struct judgement *j, const struct mqueue *queue, struct mqueue *next)
{
        const struct operation *const o = j->o;

        fault(j, o->id < 0, EBADF, mq_notify_ebadf);
        fault(j, o->id >= 0 && o->value && queue->registered, EBUSY,
              queue->another_closed ? mq_notify_close_other : mq_notify_ebusy);
        may_fault(j, !o->value && queue->registered != o->actor->process + 1, EINVAL);
        switch (faulted(j)) {
        case WRONGLY: return 0;
        case FAULTED: return 1;
        case NOT_FAULTED: break;
        }
        if (!succeeded(j, o->value ? mq_notify_none : mq_notify_unregister, 0))
                return 0;
        rule(mq_notify_unregister_other);
        if (!o->value && queue->registered == o->actor->process + 1)
                end_registration(next);
        if (o->value) {
                next->registered = (uint16_t)(o->actor->process + 1);
                next->registered_by = o->id;
        }
        return 1;
}

/* ---- the model ---- */

static int step(const void *state, const struct limits *limits, const struct operation *o, const struct outcome *r,
                void *const next[], struct contradiction *why)
{
        struct judgement j = {.limits = limits, .o = o, .r = r, .why = why};

        memcpy(next[0], state, size(state));
        switch (o->call) {
        case CALL_mq_open: return open_queue(&j, state, next[0]);
        case CALL_mq_close: return close_queue(&j, state, next[0], next[1]);
        case CALL_mq_unlink: return unlink_queue(&j, state, next[0]);
        case CALL_mq_send:
        case CALL_mq_timedsend: return send(&j, state, next[0]);
        case CALL_mq_receive:
        case CALL_mq_timedreceive: return receive(&j, state, next[0], next[1]);
        case CALL_mq_getattr:
        case CALL_mq_setattr: return attributes(&j, state);
        case CALL_mq_notify: return notify(&j, state, next[0]);
        case CALL_exit: return end(&j, next[0]);
        default: return 1;
        }
}

static bool enabled(const void *state, const struct operation *o)
{
        const struct mqueue *const queue = state;
        const bool sends = o->call == CALL_mq_send || o->call == CALL_mq_timedsend;

        return sends ? (int64_t)queue->curmsgs < queue->maxmsg : queue->curmsgs > 0;
}

static void describe(const void *state, char *text, size_t room)
{
        const struct mqueue *const queue = state;
        size_t at = 0;

        if (!queue->exists) {
                add_text(text, room, &at, "no queue");
                return;
        }
        add_text(text, room, &at, "%llu of %lld messages:", (unsigned long long)queue->curmsgs,
                 (long long)queue->maxmsg);
        for (uint64_t i = 0; i < queue->curmsgs; i++)
                add_text(text, room, &at, " {priority %u, text %u, %u bytes}", queue->message[i].priority,
                         queue->message[i].text, queue->message[i].size);
        if (queue->registered)
                add_text(text, room, &at, ", process %d is to be notified", queue->registered - 1);
}

const struct model mq_model = {.name = "POSIX message queue", .most = sizeof(struct mqueue), .init = init, .size = size,
                               .step = step, .enabled = enabled, .describe = describe};
