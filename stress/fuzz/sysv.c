/* SPDX-License-Identifier: MIT
 *
 * sysv.c: what semaphore sets, message queues and shared memory segments have in common.
 */
#include <sys/msg.h>
#include <sys/shm.h>

#include "fuzz.h"

static const struct command {
        enum call call;                 /* CALLS: all */
        int command;
        bool by_index;
        const char *name;
} commands[] = {
        {CALLS, IPC_STAT, false, "IPC_STAT"}, {CALLS, IPC_SET, false, "IPC_SET"}, {CALLS, IPC_RMID, false, "IPC_RMID"},
        {CALL_semctl, GETVAL, false, "GETVAL"}, {CALL_semctl, GETPID, false, "GETPID"},
        {CALL_semctl, GETALL, false, "GETALL"}, {CALL_semctl, GETNCNT, false, "GETNCNT"},
        {CALL_semctl, GETZCNT, false, "GETZCNT"}, {CALL_semctl, SETVAL, false, "SETVAL"},
        {CALL_semctl, SETALL, false, "SETALL"}, {CALL_semctl, SEM_STAT, true, "SEM_STAT"},
        {CALL_semctl, SEM_STAT_ANY, true, "SEM_STAT_ANY"}, {CALL_msgctl, MSG_STAT, true, "MSG_STAT"},
        {CALL_msgctl, MSG_STAT_ANY, true, "MSG_STAT_ANY"}, {CALL_shmctl, SHM_STAT, true, "SHM_STAT"},
        {CALL_shmctl, SHM_STAT_ANY, true, "SHM_STAT_ANY"}, {CALL_shmctl, SHM_LOCK, false, "SHM_LOCK"},
        {CALL_shmctl, SHM_UNLOCK, false, "SHM_UNLOCK"},
};

static const struct command *command_of(const struct item *item)
{
        for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
                const struct command *const c = &commands[i];
                if (c->command == item->command && (c->call == CALLS || c->call == item->call))
                        return c;
        }
        return NULL;
}

bool is_by_index(const struct item *item)
{
        const struct command *const command = is_control(item) ? command_of(item) : NULL;

        return command && command->by_index;
}

int find_sysv(const struct world *w, const struct item *item)
{
        return is_get(item) ? find_by_key(w, item, item->key) : find_object(w, item, is_by_index(item));
}

int draw_get_flags(struct random *random)
{
        static const int modes[] = {0600, 0666, 0660, 0640, 0622, 0000, 0066, 0777};
        const int mode = modes[draw(random, 8)], creates = one_in(random, 4) ? 0 : IPC_CREAT;

        return mode | creates | (one_in(random, 4) ? IPC_EXCL : 0);
}

/* ---- as a test ---- */

void print_target(FILE *out, const struct item *item, const struct record *record)
{
        print_identifier(out, item, record);
        if (is_by_index(item))
                fprintf(out, " %% %d", INDEXES);
}

void print_command(FILE *out, const struct item *item)
{
        const struct command *const command = command_of(item);

        if (command)
                fputs(command->name, out);
        else
                fprintf(out, "%d", item->command);
}

void print_set(FILE *out, const char *function, const struct item *item, const struct record *record)
{
        fprintf(out, "%s(", function);
        print_identifier(out, item, record);
        fprintf(out, ", %d, %d, %#o", (int)item->set.uid, (int)item->set.gid, item->set.mode);
}

static bool is_among(const char *what, const char *const names[])
{
        for (; *names; names++)
                if (strcmp(*names, what) == 0)
                        return true;
        return false;
}

bool print_stat(FILE *out, const struct item *item, const struct record *record, const struct contradiction *why,
                const char *function, const char *prefix, const char *const members[])
{
        static const char *const common[] = {"uid", "gid", "cuid", "cgid", "mode", NULL};
        const bool in_perm = is_among(why->what, common);

        if (!in_perm && !is_among(why->what, members))
                return false;
        fprintf(out, "%s(", function);
        print_identifier(out, item, record);
        fprintf(out, ").%s_%s%s", prefix, in_perm ? "perm." : "", why->what);
        return true;
}
