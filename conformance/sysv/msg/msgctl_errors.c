/* SPDX-License-Identifier: MIT
 *
 * msgctl() with an identifier or a command that does not exist.
 */
#include <limits.h>
#include <stdio.h>

#include "ipck_msg.h"

/* IPC_RMID comes last: it must not succeed before the others had their turn. */
static const struct command {
        const char *name;
        int cmd;
} commands[] = {{"IPC_STAT", IPC_STAT}, {"IPC_SET", IPC_SET}, {"IPC_RMID", IPC_RMID}};

/* A queue that holds a message. */
static int new_used_queue(void)
{
        const int queue = new_queue(0600);

        post(queue, 7, "kept");
        return queue;
}

/* ---- identifiers ---- */

TEST(identifier_of_no_queue, VERIFIES(msgctl_einval_badid))
{
        enum { IDS = 8, COMMANDS = sizeof(commands) / sizeof(*commands) };
        struct {
                char name[64];
                int id, cmd;
        } rows[IDS * COMMANDS];

        burn_queue_ids(5);
        const int queue = new_used_queue(), gone = new_used_queue();
        REQUIRE(queue > 0 && queue < INT_MAX - 32768);
        MUST(msgctl(gone, IPC_RMID, NULL));
        const struct {
                const char *name;
                int id;
        } ids[IDS] = {
                {"-1", -1}, {"INT_MIN", INT_MIN}, {"minus an identifier", -queue}, {"removed queue", gone},
                {"next to one in use", queue + 1 == gone ? queue + 2 : queue + 1},
                {"other sequence number", queue + 32768}, {"identifier with the sign bit", queue ^ INT_MIN},
                {"INT_MAX", INT_MAX},
        };
        for (size_t i = 0; i < IDS * COMMANDS; i++) {
                const struct command *command = &commands[i % COMMANDS];
                rows[i].id = ids[i / COMMANDS].id;
                rows[i].cmd = command->cmd;
                snprintf(rows[i].name, sizeof(rows[i].name), "%s, %s", ids[i / COMMANDS].name, command->name);
        }

        struct msqid_ds ds = stat_of_queue(queue);
        const struct queue_view before = view_of_queue(queue);
        EACH_ROW(row, rows)
                FAILS_WITH(msgctl_einval_badid, EINVAL, msgctl(row->id, row->cmd, &ds));
        const struct queue_view after = view_of_queue(queue);
        HOLDS(msgctl_einval_badid, same_queue_view(&before, &after));
        EQ(msgctl_einval_badid, take(queue, 0), 7);
}

TEST(no_identifier_in_an_empty_namespace, VERIFIES(msgctl_einval_badid))
{
        struct msqid_ds ds;

        empty_namespace();
        memset(&ds, 0, sizeof(ds));
        EACH_ROW(row, commands)
                FAILS_WITH(msgctl_einval_badid, EINVAL, msgctl(0, row->cmd, &ds));
        /* What was wrong with that was the identifier. */
        const int queue = new_used_queue();
        EACH_ROW(row, commands)
                EQ(msgctl_einval_badid, msgctl(queue, row->cmd, &ds), 0);
}

/* ---- commands ---- */

static void refuse(enum ipck_requirement req, int cmd)
{
        const int queue = new_used_queue();
        union {
                struct msqid_ds ds;
                struct msginfo info;
        } buf;

        buf.ds = stat_of_queue(queue);
        buf.ds.msg_perm.mode = 0640;
        const struct queue_view before = view_of_queue(queue);
        FAILS_WITH(req, EINVAL, msgctl(queue, cmd, &buf));
        const struct queue_view after = view_of_queue(queue);
        HOLDS(req, same_queue_view(&before, &after));
        EQ(req, take(queue, 0), 7);
        EQ(req, msgctl(queue, IPC_SET, &buf), 0);
        MUST(msgctl(queue, IPC_RMID, NULL));
}

/* Bit 0x100 stays out: to some machines it means a newer structure and not another command. */
static const struct command no_commands[] = {
        {"4", 4}, {"9", 9}, {"16", 16}, {"31", 31}, {"100", 100}, {"INT_MAX", INT_MAX},
        {"IPC_STAT plus 512", IPC_STAT + 512}, {"IPC_RMID plus 1024", IPC_RMID + 1024},
        {"IPC_SET plus 65536", IPC_SET + 65536}, {"IPC_RMID plus 65536", IPC_RMID + 65536},
        {"IPC_RMID plus 2^30", IPC_RMID + (1 << 30)},
};

static bool exists_here(int cmd)
{
        static const int known[] = {IPC_RMID, IPC_SET, IPC_STAT, IPC_INFO, MSG_STAT, MSG_INFO, MSG_STAT_ANY};

        for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
                if (known[i] == cmd)
                        return true;
        return false;
}

TEST(unknown_command, VERIFIES(msgctl_einval_badcmd))
{
        EACH_ROW(row, no_commands)
                if (!exists_here(row->cmd))
                        refuse(msgctl_einval_badcmd, row->cmd);
}

TEST(negative_command, VERIFIES(msgctl_einval_negcmd))
{
        static const struct command rows[] = {
                {"-1", -1}, {"-2", -2}, {"INT_MIN", INT_MIN}, {"IPC_STAT with the sign bit", IPC_STAT ^ INT_MIN},
                {"IPC_RMID with the sign bit", IPC_RMID ^ INT_MIN},
        };

        EACH_ROW(row, rows)
                if (!exists_here(row->cmd))
                        refuse(msgctl_einval_negcmd, row->cmd);
}
