/* SPDX-License-Identifier: MIT
 *
 * posix_sem.c: what a POSIX semaphore promises: sem_open() .. sem_getvalue() and the end of a process.
 *
 * Calls on a semaphore are made by processes that have it open, or share the memory of one without a name.
 * sem_getvalue() reports the value as type of its outcome, sem_open() the value 0 for an address.
 */
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>

#include "posix_sem.h"

static void init(void *state)
{
        memset(state, 0, sizeof(struct posix_sem));
}

static size_t size(const void *state)
{
        (void)state;
        return sizeof(struct posix_sem);
}

/* ---- names ---- */

static bool may_open(const struct actor *who, const struct posix_sem *sem)
{
        const struct object file = {.uid = sem->uid, .cuid = sem->uid, .gid = sem->gid, .cgid = sem->gid,
                                    .mode = sem->mode};

        return may(who, &file, READ | ALTER);
}

static int open_named(struct judgement *j, const struct posix_sem *sem, struct posix_sem *next)
{
        const struct operation *const o = j->o;
        const bool creates = o->flags & O_CREAT, exclusive = creates && (o->flags & O_EXCL);
        const bool too_high = creates && o->value > SEM_VALUE_MAX;

        if (sem->linked) {
                fault(j, exclusive, EEXIST, sem_open_eexist);
                fault(j, !may_open(o->actor, sem), EACCES, sem_open_eacces_perm);
                may_fault(j, exclusive && too_high, EINVAL);
        } else {
                fault(j, !creates, ENOENT, sem_open_enoent);
                fault(j, too_high, EINVAL, sem_open_einval_value);
        }
        switch (faulted(j)) {
        case WRONGLY: return 0;
        case FAULTED: return 1;
        case NOT_FAULTED: break;
        }
        if (!succeeded(j, sem_open_ret_address, 0))
                return 0;
        if (!agrees(j, sem_open_same_address, "addresses of the process", 0, j->r->odd & ARGUMENT_CHANGED))
                return 0;
        if (!sem->linked) {
                init(next);
                rule(sem_open_creat_uid);
                rule(sem_open_creat_gid);
                rule(sem_open_creat_mode_umask);
                next->exists = next->linked = 1;
                next->uid = o->actor->uid;
                next->gid = o->actor->gid;
                next->mode = o->mode & 0777 & ~o->actor->umask;
                rule(sem_open_creat_value);
                next->value = o->value;
        }
        rule(sem_open_creat_existing_ignores);
        rule(sem_open_refcount);
        next->opens[o->actor->process]++;
        return 1;
}

static void destroy_if_unused(struct posix_sem *next)
{
        rule(sem_close_last_close_after_unlink);
        for (int p = 0; p < MODEL_PROCESSES; p++)
                if (next->opens[p] || next->linked)
                        return;
        init(next);
}

static int close_named(struct judgement *j, struct posix_sem *next)
{
        if (!succeeded(j, sem_close_ret_zero, 0))
                return 0;
        rule(sem_close_refcounted);
        rule(sem_close_value_kept);
        next->opens[j->o->actor->process]--;
        destroy_if_unused(next);
        return 1;
}

static int unlink_named(struct judgement *j, const struct posix_sem *sem, struct posix_sem *next)
{
        const struct actor *const who = j->o->actor;

        fault(j, !sem->linked, ENOENT, sem_unlink_enoent);
        fault(j, sem->linked && !who->privileged && who->uid != sem->uid, EACCES, sem_unlink_eacces);
        switch (faulted(j)) {
        case WRONGLY: return 0;
        case FAULTED: return 1;
        case NOT_FAULTED: break;
        }
        if (!succeeded(j, sem_unlink_ret_zero, 0))
                return 0;
        rule(sem_unlink_open_survives);
        next->linked = 0;
        destroy_if_unused(next);
        return 1;
}

static int end(struct judgement *j, struct posix_sem *next)
{
        rule(sem_open_exit_closed);
        if (!next->opens[j->o->actor->process])
                return 1;
        next->opens[j->o->actor->process] = 0;
        destroy_if_unused(next);
        return 1;
}

/* ---- without a name ---- */

static int initialize(struct judgement *j, struct posix_sem *next)
{
        fault(j, j->o->value > SEM_VALUE_MAX, EINVAL, sem_init_einval);
        switch (faulted(j)) {
        case WRONGLY: return 0;
        case FAULTED: return 1;
        case NOT_FAULTED: break;
        }
        if (!succeeded(j, sem_init_ret_zero, 0))
                return 0;
        init(next);
        next->exists = 1;
        rule(sem_init_value);
        next->value = j->o->value;
        return 1;
}

/* ---- units ---- */

static int post(struct judgement *j, struct posix_sem *next)
{
        fault(j, next->value == SEM_VALUE_MAX, EOVERFLOW, sem_post_eoverflow);
        switch (faulted(j)) {
        case WRONGLY: return 0;
        case FAULTED: return 1;
        case NOT_FAULTED: break;
        }
        if (!succeeded(j, sem_post_ret_zero, 0))
                return 0;
        rule(sem_post_increments);
        next->value++;
        return 1;
}

/* The calls that take a unit, and what they do where there is none. */
static const struct way {
        enum call call;
        int error;
        enum ipck_requirement takes, none, nanoseconds;
} ways[] = {
        {CALL_sem_wait, 0, sem_wait_ret_zero, sem_wait_blocks_at_zero, sem_wait_ret_zero},
        {CALL_sem_trywait, EAGAIN, sem_trywait_locks, sem_trywait_eagain, sem_trywait_eagain},
        {CALL_sem_timedwait, ETIMEDOUT, sem_timedwait_immediate, sem_timedwait_etimedout_past,
         sem_timedwait_einval_nsec_neg},
        {CALL_sem_clockwait, ETIMEDOUT, sem_clockwait_immediate, sem_clockwait_etimedout_past,
         sem_clockwait_einval_nsec},
};

static const struct way *way_of(enum call call)
{
        const struct way *way = ways;

        while (way->call != call)
                way++;
        return way;
}

static int take(struct judgement *j, const struct posix_sem *sem, struct posix_sem *next)
{
        const struct operation *const o = j->o;
        const struct outcome *const r = j->r;
        const struct way *const way = way_of(o->call);
        const bool bad = o->timeout && (o->timeout->tv_nsec < 0 || o->timeout->tv_nsec > 999999999);

        if (sem->value > 0) {
                may_fault(j, bad, EINVAL);      /* posix-may: sem_timedwait.einval.unchecked-immediate */
                if (faulted(j) == FAULTED)
                        return 1;
                if (!succeeded(j, way->takes, 0))
                        return 0;
                next->value--;
                return 1;
        }
        fault(j, bad, EINVAL, way->nanoseconds);
        switch (faulted(j)) {
        case WRONGLY: return 0;
        case FAULTED: return 1;
        case NOT_FAULTED: break;
        }
        if (o->call != CALL_sem_trywait && (r->blocked || r->error == EINTR))
                return 1;
        return way->error && r->error == way->error ? 1
             : contradicts(j, way->none, "errno", way->error ? way->error : EINPROGRESS, r->error);
}

static int report(struct judgement *j, const struct posix_sem *sem)
{
        return succeeded(j, sem_getvalue_ret_zero, 0) &&
                agrees(j, sem_getvalue_ret_zero, "value", sem->value, j->r->type);
}

/* ---- the model ---- */

static int step(const void *state, const struct limits *limits, const struct operation *o, const struct outcome *r,
                void *const next[], struct contradiction *why)
{
        struct judgement j = {.limits = limits, .o = o, .r = r, .why = why};

        memcpy(next[0], state, sizeof(struct posix_sem));
        switch (o->call) {
        case CALL_sem_open: return open_named(&j, state, next[0]);
        case CALL_sem_close: return close_named(&j, next[0]);
        case CALL_sem_unlink: return unlink_named(&j, state, next[0]);
        case CALL_sem_init: return initialize(&j, next[0]);
        case CALL_sem_destroy: init(next[0]); return succeeded(&j, sem_destroy_ret_zero, 0);
        case CALL_sem_post: return post(&j, next[0]);
        case CALL_sem_wait:
        case CALL_sem_trywait:
        case CALL_sem_timedwait:
        case CALL_sem_clockwait: return take(&j, state, next[0]);
        case CALL_sem_getvalue: return report(&j, state);
        case CALL_exit: return end(&j, next[0]);
        default: return 1;
        }
}

static bool enabled(const void *state, const struct operation *o)
{
        (void)o;
        return ((const struct posix_sem *)state)->value > 0;
}

static void describe(const void *state, char *text, size_t room)
{
        const struct posix_sem *const sem = state;
        size_t at = 0;

        if (!sem->exists) {
                add_text(text, room, &at, "no semaphore");
                return;
        }
        add_text(text, room, &at, "value %lld%s", (long long)sem->value, sem->linked ? ", with a name" : "");
        for (int p = 0; p < MODEL_PROCESSES; p++)
                if (sem->opens[p])
                        add_text(text, room, &at, ", open %d times in process %d", sem->opens[p], p);
}

const struct model posix_sem_model = {.name = "POSIX semaphore", .most = sizeof(struct posix_sem), .init = init,
                                      .size = size,
                                      .step = step, .enabled = enabled, .describe = describe};
