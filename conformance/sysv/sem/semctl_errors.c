/* SPDX-License-Identifier: MIT
 *
 * semctl() with a semaphore number, an identifier or a command that does not exist.
 */
#include <limits.h>
#include <stdio.h>

#include "ipck_sem.h"

struct command {
        const char *name;
        int cmd;
};

static const struct command commands_on_one[] = {
        {"GETVAL", GETVAL}, {"GETPID", GETPID}, {"GETNCNT", GETNCNT}, {"GETZCNT", GETZCNT}, {"SETVAL", SETVAL},
};

/* IPC_RMID comes last: it must not succeed before the others had their turn. */
static const struct command commands[] = {
        {"GETVAL", GETVAL},   {"GETPID", GETPID}, {"GETNCNT", GETNCNT},   {"GETZCNT", GETZCNT}, {"SETVAL", SETVAL},
        {"GETALL", GETALL},   {"SETALL", SETALL}, {"IPC_STAT", IPC_STAT}, {"IPC_SET", IPC_SET}, {"IPC_RMID", IPC_RMID},
};

enum { NSEMS = 3 };

static int new_filled(void)
{
        static const unsigned short values[NSEMS] = {11, 12, 13};
        int set = new_sems(NSEMS, 0600);

        set_all(set, values);
        return set;
}

/* ---- semaphore numbers ---- */

static void refuse_semnum(enum ipck_requirement req, int semnum)
{
        int set = new_filled();

        EACH_ROW(row, commands_on_one) {
                MUST(semctl(set, NSEMS - 1, row->cmd, ARG_VAL(14)));
                MUST(semctl(set, 0, row->cmd, ARG_VAL(15)));
                const struct sem_view before = view_of(set);
                FAILS_WITH(req, EINVAL, semctl(set, semnum, row->cmd, ARG_VAL(16)));
                const struct sem_view after = view_of(set);
                HOLDS(req, same_view(&before, &after));
        }
}

TEST(semnum_below_zero, VERIFIES(semctl_einval_semnum_neg))
{
        refuse_semnum(semctl_einval_semnum_neg, -1);
}

TEST(semnum_equal_to_number_of_semaphores, VERIFIES(semctl_einval_semnum_eq))
{
        refuse_semnum(semctl_einval_semnum_eq, NSEMS);
}

TEST(semnum_far_too_large, VERIFIES(semctl_einval_semnum_large))
{
        refuse_semnum(semctl_einval_semnum_large, INT_MAX);
        /* In 16 bits this would be the first semaphore. */
        refuse_semnum(semctl_einval_semnum_large, 65536);
}

TEST(setval_of_no_semaphore_of_the_set, VERIFIES(semctl_setval_einval_semnum))
{
        static const struct {
                const char *name;
                int semnum;
        } rows[] = {
                {"-1", -1}, {"INT_MIN", INT_MIN}, {"INT_MIN + 1", INT_MIN + 1}, {"number of semaphores", NSEMS},
                {"number of semaphores + 1", NSEMS + 1}, {"65535", 65535}, {"65537, 1 in 16 bits", 65537},
                {"-65535, 1 in 16 bits", -65535}, {"INT_MAX", INT_MAX},
        };
        int below = new_filled(), set = new_filled(), above = new_filled();
        const struct sem_view of_below = view_of(below), of_above = view_of(above);

        EACH_ROW(row, rows) {
                const struct sem_view before = view_of(set);
                FAILS_WITH(semctl_setval_einval_semnum, EINVAL, semctl(set, row->semnum, SETVAL, ARG_VAL(20)));
                const struct sem_view after = view_of(set), below_after = view_of(below), above_after = view_of(above);
                HOLDS(semctl_setval_einval_semnum, same_view(&before, &after));
                HOLDS(semctl_setval_einval_semnum, same_view(&of_below, &below_after));
                HOLDS(semctl_setval_einval_semnum, same_view(&of_above, &above_after));
        }
        EQ(semctl_setval_einval_semnum, semctl(set, NSEMS - 1, SETVAL, ARG_VAL(20)), 0);
}

/* ---- identifiers ---- */

TEST(identifier_of_no_set, VERIFIES(semctl_einval_badid))
{
        enum { IDS = 8, COMMANDS = sizeof(commands) / sizeof(*commands) };
        struct {
                char name[64];
                int id, cmd;
        } rows[IDS * COMMANDS];

        burn_sem_ids(5);
        int set = new_filled(), gone = new_filled();
        REQUIRE(set > 0 && set < INT_MAX - 32768);
        MUST(semctl(gone, 0, IPC_RMID));
        const struct {
                const char *name;
                int id;
        } ids[IDS] = {
                {"-1", -1}, {"INT_MIN", INT_MIN}, {"minus an identifier", -set}, {"removed set", gone},
                {"next to one in use", set + 1 == gone ? set + 2 : set + 1}, {"other sequence number", set + 32768},
                {"identifier with the sign bit", set ^ INT_MIN}, {"INT_MAX", INT_MAX},
        };
        for (size_t i = 0; i < IDS * COMMANDS; i++) {
                const struct command *command = &commands[i % COMMANDS];
                rows[i].id = ids[i / COMMANDS].id;
                rows[i].cmd = command->cmd;
                snprintf(rows[i].name, sizeof(rows[i].name), "%s, %s", ids[i / COMMANDS].name, command->name);
        }

        struct semid_ds ds = stat_of(set);
        const struct sem_view before = view_of(set);
        EACH_ROW(row, rows)
                FAILS_WITH(semctl_einval_badid, EINVAL, any_semctl(row->id, row->cmd, &ds));
        EQ(semctl_einval_badid, VAL(set, 1), 12);
        const struct sem_view after = view_of(set);
        HOLDS(semctl_einval_badid, same_view(&before, &after));
}

TEST(no_identifier_in_an_empty_namespace, VERIFIES(semctl_einval_badid))
{
        struct semid_ds ds;

        empty_namespace();
        memset(&ds, 0, sizeof(ds));
        EACH_ROW(row, commands)
                FAILS_WITH(semctl_einval_badid, EINVAL, any_semctl(0, row->cmd, &ds));
        /* What was wrong with that was the identifier. */
        int set = new_filled();
        EACH_ROW(row, commands) {
                ds = stat_of(set);
                HOLDS(semctl_einval_badid, any_semctl(set, row->cmd, &ds) != -1);
        }
}

/* ---- commands ---- */

/* Bit 0x100 stays out: to some machines it means a newer structure and not another command. */
static const struct command no_commands[] = {
        {"-1", -1}, {"INT_MIN", INT_MIN}, {"INT_MAX", INT_MAX}, {"4", 4}, {"5", 5}, {"9", 9}, {"21", 21}, {"31", 31},
        {"100", 100}, {"IPC_STAT plus 512", IPC_STAT + 512}, {"IPC_RMID plus 1024", IPC_RMID + 1024},
        {"IPC_RMID plus 65536", IPC_RMID + 65536}, {"SETVAL plus 65536", SETVAL + 65536},
        {"SETALL plus 65536", SETALL + 65536}, {"GETVAL plus 65536", GETVAL + 65536},
};

static bool exists_here(int cmd)
{
        static const int known[] = {
                IPC_RMID, IPC_SET, IPC_STAT, GETPID, GETVAL, GETALL, GETNCNT, GETZCNT, SETVAL, SETALL,
#ifdef IPC_INFO
                IPC_INFO,
#endif
#ifdef SEM_STAT
                SEM_STAT, SEM_INFO,
#endif
                SEM_STAT_ANY,
        };

        for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
                if (known[i] == cmd)
                        return true;
        return false;
}

TEST(unknown_command, VERIFIES(semctl_einval_badcmd))
{
        unsigned short values[NSEMS] = {21, 22, 23};
        int set = new_filled();

        EACH_ROW(row, no_commands) {
                if (exists_here(row->cmd))
                        continue;
                const struct sem_view before = view_of(set);
                FAILS_WITH(semctl_einval_badcmd, EINVAL, semctl(set, 1, row->cmd, ARG_ARRAY(values)));
                FAILS_WITH(semctl_einval_badcmd, EINVAL, semctl(set, 1, row->cmd, ARG_VAL(24)));
                EQ(semctl_einval_badcmd, VAL(set, 1), 12);
                const struct sem_view after = view_of(set);
                HOLDS(semctl_einval_badcmd, same_view(&before, &after));
        }
        EQ(semctl_einval_badcmd, semctl(set, 1, GETVAL, ARG_ARRAY(values)), 12);
}
