/* SPDX-License-Identifier: MIT
 *
 * text.c: operations, outcomes and contradictions as text: the C call, as strace(1) would show it.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/msg.h>
#include <sys/shm.h>

#include "ipck.h"
#include "rules.h"

struct name {
        int value;
        const char *name;
};
#define NAME(value) {value, #value}

static const struct name commands[][16] = {
        [CALL_semctl] = {NAME(GETVAL), NAME(GETPID), NAME(GETNCNT), NAME(GETZCNT), NAME(GETALL), NAME(SETVAL),
                         NAME(SETALL),
                         NAME(IPC_STAT), NAME(IPC_SET), NAME(IPC_RMID), NAME(SEM_STAT), NAME(SEM_STAT_ANY)},
        [CALL_msgctl] = {NAME(IPC_STAT), NAME(IPC_SET), NAME(IPC_RMID), NAME(MSG_STAT), NAME(MSG_STAT_ANY)},
        [CALL_shmctl] = {NAME(IPC_STAT), NAME(IPC_SET), NAME(IPC_RMID), NAME(SHM_STAT), NAME(SHM_STAT_ANY),
                         NAME(SHM_LOCK),
                         NAME(SHM_UNLOCK)},
};
static const struct name get_flags[] = {NAME(IPC_CREAT), NAME(IPC_EXCL), {0, NULL}};
static const struct name semop_flags[] = {NAME(IPC_NOWAIT), NAME(SEM_UNDO), {0, NULL}};
static const struct name message_flags[] = {NAME(IPC_NOWAIT), NAME(MSG_NOERROR), NAME(MSG_EXCEPT), NAME(MSG_COPY),
                                            {0, NULL}};
static const struct name attach_flags[] = {NAME(SHM_RDONLY), NAME(SHM_RND), NAME(SHM_REMAP), NAME(SHM_EXEC), {0, NULL}};
static const struct name open_flags[] = {NAME(O_WRONLY), NAME(O_RDWR), NAME(O_CREAT), NAME(O_EXCL), NAME(O_NONBLOCK),
                                         {0, NULL}};

struct writer {
        char *text;
        size_t size, at;
};

__attribute__((format(printf, 2, 3))) static void put(struct writer *w, const char *format, ...)
{
        char part[256];
        va_list args;

        va_start(args, format);
        vsnprintf(part, sizeof(part), format, args);
        va_end(args);
        add_text(w->text, w->size, &w->at, "%s", part);
}

/* The flags by name, and in octal what is left of them (the permission bits). */
static void put_flags(struct writer *w, const struct name *names, int flags)
{
        const char *bar = "";

        for (; names->name; names++)
                if (flags & names->value) {
                        put(w, "%s%s", bar, names->name);
                        flags &= ~names->value;
                        bar = " | ";
                }
        if (flags || !*bar)
                put(w, flags ? "%s%#o" : "%s0", bar, (unsigned)flags);
}

static void put_command(struct writer *w, const struct operation *o)
{
        for (const struct name *n = commands[o->call]; n->name; n++)
                if (n->value == o->command) {
                        put(w, "%s", n->name);
                        return;
                }
        put(w, "%d", o->command);
}

static void put_size(struct writer *w, int64_t size)
{
        put(w, size == -1 ? "SIZE_MAX" : "%lld", (long long)size);
}

static void put_key(struct writer *w, int key)
{
        put(w, key == IPC_PRIVATE ? "IPC_PRIVATE" : "%#x", (unsigned)key);
}

static void put_timeout(struct writer *w, const struct operation *o)
{
        if (o->bad_timeout)
                put(w, ", bad address");
        else if (o->timeout)
                put(w, ", {%lld, %ld}", (long long)o->timeout->tv_sec, o->timeout->tv_nsec);
        else
                put(w, ", NULL");
}

static void put_entries(struct writer *w, const struct operation *o)
{
        if (o->bad_address)
                put(w, "bad address");
        else if (o->size < 0)
                put(w, "..");
        else {
                put(w, "{");
                for (int64_t i = 0; i < o->size; i++) {
                        const struct sembuf *entry = &o->entries[i];
                        put(w, "%s{%d, %d, ", i ? ", " : "", entry->sem_num, entry->sem_op);
                        put_flags(w, semop_flags, entry->sem_flg);
                        put(w, "}");
                }
                put(w, "}");
        }
        put(w, ", ");
        put_size(w, o->size);
}

static void put_control(struct writer *w, const struct operation *o)
{
        if (o->call == CALL_semctl)
                put(w, ", %d", o->semnum);
        put(w, ", ");
        put_command(w, o);
        if (o->bad_address)
                put(w, ", bad address");
        else if (o->call == CALL_semctl && o->command == SETVAL)
                put(w, ", %lld", (long long)o->value);
        else if (o->command == IPC_SET) {
                put(w, ", {uid %d, gid %d, mode %#o", (int)o->set->uid, (int)o->set->gid, o->set->mode);
                if (o->call == CALL_msgctl)
                        put(w, ", qbytes %llu", (unsigned long long)o->set->qbytes);
                put(w, "}");
        }
}

void describe_operation(const struct operation *o, char *text, size_t size)
{
        struct writer w = {.text = text, .size = size};

        put(&w, "%s(", call_names[o->call]);
        switch (o->call) {
        case CALL_semget:
        case CALL_shmget:
                put_key(&w, o->key);
                put(&w, ", ");
                put_size(&w, o->size);
                put(&w, ", ");
                put_flags(&w, get_flags, o->flags);
                break;
        case CALL_msgget:
                put_key(&w, o->key);
                put(&w, ", ");
                put_flags(&w, get_flags, o->flags);
                break;
        case CALL_semop:
        case CALL_semtimedop:
                put(&w, "%d, ", o->id);
                put_entries(&w, o);
                if (o->call == CALL_semtimedop)
                        put_timeout(&w, o);
                break;
        case CALL_semctl:
        case CALL_msgctl:
        case CALL_shmctl:
                put(&w, "%d", o->id);
                put_control(&w, o);
                break;
        case CALL_msgsnd:
                put(&w, o->bad_address ? "%d, bad address, " : "%d, {%lld, text %u}, ", o->id, (long long)o->type,
                    o->text);
                put_size(&w, o->size);
                put(&w, ", ");
                put_flags(&w, message_flags, o->flags);
                break;
        case CALL_msgrcv:
                put(&w, o->bad_address ? "%d, bad address, " : "%d, buffer, ", o->id);
                put_size(&w, o->size);
                put(&w, o->type == LONG_MIN ? ", LONG_MIN, " : ", %lld, ", (long long)o->type);
                put_flags(&w, message_flags, o->flags);
                break;
        case CALL_shmat:
                put(&w, o->bad_address ? "%d, bad address, " : "%d, NULL, ", o->id);
                put_flags(&w, attach_flags, o->flags);
                break;
        case CALL_shmdt:
                put(&w, o->bad_address ? "bad address" : "address of attachment %d", o->key);
                break;
        case CALL_sem_open:
        case CALL_mq_open:
                put(&w, "name %d, ", o->key);
                put_flags(&w, open_flags, o->flags);
                if (o->flags & O_CREAT)
                        put(&w, ", %#o, %lld", o->mode, (long long)o->value);
                break;
        case CALL_sem_unlink:
        case CALL_mq_unlink:
                put(&w, "name %d", o->key);
                break;
        case CALL_mq_send:
        case CALL_mq_timedsend:
                put(&w, o->bad_address ? "%d, bad address, " : "%d, text %u, ", o->id, o->text);
                put_size(&w, o->size);
                put(&w, ", %u", (unsigned)o->type);
                if (o->call == CALL_mq_timedsend)
                        put_timeout(&w, o);
                break;
        case CALL_mq_receive:
        case CALL_mq_timedreceive:
                put(&w, o->bad_address ? "%d, bad address, " : "%d, buffer, ", o->id);
                put_size(&w, o->size);
                if (o->call == CALL_mq_timedreceive)
                        put_timeout(&w, o);
                break;
        case CALL_sem_timedwait:
        case CALL_sem_clockwait:
                put(&w, "%d", o->id);
                put_timeout(&w, o);
                break;
        case CALL_sem_init:
                put(&w, "%d, 1, %lld", o->id, (long long)o->value);
                break;
        case CALL_exit:
        case CALL_interrupt:
                break;
        default:
                put(&w, "%d", o->id);
                break;
        }
        put(&w, ")");
}

void describe_outcome(const struct operation *o, const struct outcome *r, char *text, size_t size)
{
        struct writer w = {.text = text, .size = size};

        if (r->blocked)
                put(&w, "waits");
        else if (r->value == -1 && r->error)
                put(&w, "-1 %s", errno_name(r->error));
        else
                put(&w, "%lld", (long long)r->value);
        if (r->value >= 0 && (o->call == CALL_msgrcv || o->call == CALL_mq_receive || o->call == CALL_mq_timedreceive))
                put(&w, r->odd & TEXT_GARBLED ? " {%lld, another text}" : " {%lld, text %u}", (long long)r->type,
                    r->text);
}

void describe_contradiction(const struct contradiction *why, char *text, size_t size)
{
        struct writer w = {.text = text, .size = size};

        put(&w, "%s: ", ipck_requirement_ids[why->requirement]);
        if (strcmp(why->what, "errno") == 0)
                put(&w, "want %s, got %s", why->want ? errno_name((int)why->want) : "success",
                    why->got == EINPROGRESS ? "waiting" : why->got ? errno_name((int)why->got) : "success");
        else
                put(&w, "%s: want %lld, got %lld", why->what, (long long)why->want, (long long)why->got);
}
