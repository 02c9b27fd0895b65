/* SPDX-License-Identifier: MIT
 *
 * rules.h: what the models are written with.
 */
#ifndef STRESS_RULES_H
#define STRESS_RULES_H

#include <sys/ipc.h>
#include <time.h>

#include "model.h"

/* When something took place: in one of the seconds from low to high. */
struct moment {
        int64_t low, high;
};

static const struct moment never = {0, 0};

/* What all System V objects have. id -1: there is none. */
struct object {
        int id, key;
        uid_t uid, cuid;
        gid_t gid, cgid;
        unsigned mode, unused;          /* no padding: states are compared as bytes */
        struct moment ctime;
};

static const struct object no_object = {.id = -1};

enum { READ = 04, ALTER = 02 };

/* What follows is demanded by the requirement. */
static inline void rule(enum ipck_requirement requirement)
{
        (void)requirement;
}

/* ---- one step being judged ---- */

enum { MOST_FAULTS = 8 };

struct judgement {
        const struct limits *limits;
        const struct operation *o;
        const struct outcome *r;
        struct contradiction *why;
        int faults, other_faults;
        bool any_fault;                 /* a waived requirement demands an error: whichever it reports is good */
        enum ipck_requirement waived_rule;
        const struct object *granted_by;        /* whose permission bits were asked */
        bool settled;                   /* an error is promised to precede all others */
        struct {
                int error;
                enum ipck_requirement requirement;
        } fault[MOST_FAULTS];
        int other_fault[MOST_FAULTS];
};

static inline bool waived(const struct limits *limits, enum ipck_requirement r)
{
        return limits->waived[r / 64] >> r % 64 & 1;
}

/* The call may fail with the error where the condition is true, and need not. */
static inline void may_fault(struct judgement *j, bool condition, int error)
{
        if (condition && j->other_faults < MOST_FAULTS)
                j->other_fault[j->other_faults++] = error;
}

/* The call must fail with the error where the condition is true, or with another one that applies. */
static inline void fault(struct judgement *j, bool condition, int error, enum ipck_requirement requirement)
{
        if (!condition || j->settled)
                return;
        if (waived(j->limits, requirement)) {
                j->any_fault = true;
                j->waived_rule = requirement;
        } else if (j->faults < MOST_FAULTS) {
                j->fault[j->faults].error = error;
                j->fault[j->faults++].requirement = requirement;
        }
}

/* The same as fault() for an error that precedes all that apply and have not been named before. */
static inline void first_fault(struct judgement *j, bool condition, int error, enum ipck_requirement requirement)
{
        fault(j, condition, error, requirement);
        j->settled |= condition && !waived(j->limits, requirement);
}

/* The outcome contradicts the requirement. Always 0, for step() to return. */
static inline int contradicts(struct judgement *j, enum ipck_requirement requirement, const char *what, int64_t want,
                              int64_t got)
{
        *j->why = (struct contradiction){.requirement = requirement, .what = what, .want = want, .got = got};
        return 0;
}

static inline enum ipck_requirement rule_of_grant(const struct actor *who, const struct object *object);

/* Whether the outcome is a failure that a fault allows; where a fault applies and it is not, *why is filled in. */
enum faulted { NOT_FAULTED, FAULTED, WRONGLY };
static inline enum faulted faulted(struct judgement *j)
{
        const struct outcome *r = j->r;

        if (r->value == -1 && r->error) {
                if (j->any_fault)
                        return FAULTED;
                for (int i = 0; i < j->faults; i++)
                        if (j->fault[i].error == r->error)
                                return FAULTED;
                for (int i = 0; i < j->other_faults; i++)
                        if (j->other_fault[i] == r->error)
                                return FAULTED;
        }
        if (r->error == EACCES && j->granted_by) {
                contradicts(j, rule_of_grant(j->o->actor, j->granted_by), "errno", j->faults ? j->fault[0].error : 0,
                            EACCES);
                return waived(j->limits, j->why->requirement) ? FAULTED : WRONGLY;
        }
        if (!j->faults && !j->any_fault)
                return NOT_FAULTED;
        if (j->any_fault) {             /* what a call does that should have failed, nobody knows */
                contradicts(j, j->waived_rule, "errno", EPERM, 0);
                return WRONGLY;
        }
        contradicts(j, j->fault[0].requirement, "errno", j->fault[0].error, r->value == -1 ? r->error : 0);
        return WRONGLY;
}

/* Whether what was reported is what the requirement demands; where it is not, *why is filled in. */
static inline bool agrees(struct judgement *j, enum ipck_requirement requirement, const char *what, int64_t want,
                          int64_t got)
{
        if (got == want || waived(j->limits, requirement))
                return true;
        contradicts(j, requirement, what, want, got);
        return false;
}

/* The same for the call's own success, whose value is known. */
static inline bool succeeded(struct judgement *j, enum ipck_requirement requirement, int64_t value)
{
        if (j->r->blocked || (j->r->value == -1 && j->r->error)) {
                contradicts(j, requirement, "errno", 0, j->r->blocked ? EINPROGRESS : j->r->error);
                return false;
        }
        return agrees(j, requirement, "result", value, j->r->value);
}

/* ---- time stamps ---- */

static inline struct moment this_moment(const struct judgement *j)
{
        return j->r->to ? (struct moment){j->r->from, j->r->to} : never;
}

/* One of the two: where it is not promised that a time stamp changes, nor that it does not. */
static inline struct moment either(struct moment a, struct moment b)
{
        return (struct moment){a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high};
}

/* Whether the time stamp reported is that moment, which is then known exactly. */
static inline bool agrees_in_time(struct judgement *j, enum ipck_requirement requirement, const char *what,
                                  struct moment *moment, int64_t got)
{
        if (!j->r->to || waived(j->limits, requirement))
                return true;
        if (got < moment->low || got > moment->high) {
                contradicts(j, requirement, what, got < moment->low ? moment->low : moment->high, got);
                return false;
        }
        moment->low = moment->high = got;
        return true;
}

/* ---- permission ---- */

static inline bool in_group(const struct actor *who, const struct object *object)
{
        rule(xsi_ipc_perm_supplementary_groups);
        return who->gid == object->gid || who->gid == object->cgid || who->extra == object->gid ||
                who->extra == object->cgid;
}

/* The three bits of the one class that the actor belongs to (XSH 2.7.1). */
static inline unsigned class_bits(const struct actor *who, const struct object *object)
{
        if (who->uid == object->uid || who->uid == object->cuid)
                return object->mode >> 6 & 7;
        if (in_group(who, object))
                return object->mode >> 3 & 7;
        return object->mode & 7;
}

/* Whether the actor may do all that is wanted: READ, ALTER. */
static inline bool may(const struct actor *who, const struct object *object, unsigned wanted)
{
        return who->privileged || !(wanted & ~class_bits(who, object));
}

/* Which requirement it contradicts that the actor is refused what it may do. */
static inline enum ipck_requirement rule_of_grant(const struct actor *who, const struct object *object)
{
        if (who->privileged)
                return xsi_ipc_perm_privileged_bypass;
        if (who->uid == object->uid || who->uid == object->cuid)
                return object->uid == object->cuid ? xsi_ipc_perm_mode_bits_r : xsi_ipc_perm_owner_after_ipcset;
        if (in_group(who, object) && who->gid != object->gid && who->gid != object->cgid)
                return xsi_ipc_perm_supplementary_groups;
        if (in_group(who, object))
                return object->gid == object->cgid ? xsi_ipc_perm_mode_bits_r : xsi_ipc_perm_group_after_ipcset;
        return xsi_ipc_perm_other_class_last;
}

/* Which one it contradicts that the actor is let do what it may not: where the bits of another class than its own would
 * grant it, that its own class alone decides. */
static inline enum ipck_requirement rule_of_refusal(const struct actor *who, const struct object *object,
                                                    unsigned wanted,
                                                    enum ipck_requirement otherwise)
{
        const bool owner = who->uid == object->uid || who->uid == object->cuid;

        if (owner && (!(wanted & ~(object->mode >> 3)) || !(wanted & ~object->mode)))
                return xsi_ipc_perm_first_class_only;
        if (!owner && in_group(who, object) && !(wanted & ~object->mode))
                return xsi_ipc_perm_group_class_exclusive;
        return otherwise;
}

/* What permission bits in the flags of *get ask for. */
static inline bool may_get(const struct actor *who, const struct object *object, int flags)
{
        return may(who, object, ((unsigned)flags >> 6 | (unsigned)flags >> 3 | (unsigned)flags) & 7);
}

/* The call must fail with EACCES where the actor may not do all that is wanted, and where it may, must not. */
static inline void permission_fault(struct judgement *j, const struct object *object, unsigned wanted,
                                    enum ipck_requirement requirement)
{
        const bool granted = may(j->o->actor, object, wanted);

        fault(j, !granted, EACCES, granted ? requirement : rule_of_refusal(j->o->actor, object, wanted, requirement));
        if (granted)
                j->granted_by = object;
}

/* For IPC_SET and IPC_RMID. */
static inline bool is_owner(const struct actor *who, const struct object *object)
{
        return who->privileged || who->uid == object->uid || who->uid == object->cuid;
}

/* ---- the members that all objects have ---- */

static inline struct object new_object(const struct judgement *j)
{
        const struct actor *who = j->o->actor;

        return (struct object){.id = (int)j->r->value, .key = j->o->key, .uid = who->uid, .cuid = who->uid,
                               .gid = who->gid, .cgid = who->gid, .mode = (unsigned)j->o->flags & 0777,
                               .ctime = this_moment(j)};
}

static inline void set_object(const struct judgement *j, struct object *object)
{
        const struct setting *new = j->o->set;

        object->uid = new->uid;
        object->gid = new->gid;
        object->mode = (object->mode & ~0777U) | (new->mode & 0777);
        object->ctime = this_moment(j);
}

/* Which requirements of a family the common members fall under. */
struct stat_rules {
        enum ipck_requirement uid, gid, creator, mode, key, ctime, reserved;
};

static inline bool agrees_in_stat(struct judgement *j, const struct stat_rules *rules, struct object *object)
{
        const struct stat_report *got = j->r->stat;

        return agrees(j, rules->uid, "uid", object->uid, got->uid) &&
               agrees(j, rules->gid, "gid", object->gid, got->gid) &&
               agrees(j, rules->creator, "cuid", object->cuid, got->cuid) &&
               agrees(j, rules->creator, "cgid", object->cgid, got->cgid) &&
               agrees(j, rules->mode, "mode", object->mode, got->mode) &&
               agrees(j, rules->key, "key", object->key, got->key) &&
               agrees_in_time(j, rules->ctime, "ctime", &object->ctime, got->ctime) &&
               agrees(j, rules->reserved, "reserved members", 0, j->r->odd & RESERVED_NOT_ZERO);
}

/* A uid or gid of -1 is nobody's. */
static inline bool is_nobody(const struct setting *set)
{
        return set->uid == (uid_t)-1 || set->gid == (gid_t)-1;
}

/* Adds formatted text at *at, for describe(). */
__attribute__((format(printf, 4, 5))) void add_text(char *text, size_t size, size_t *at, const char *format, ...);

#endif
