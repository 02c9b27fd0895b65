/* SPDX-License-Identifier: MIT
 *
 * shmctl() with an identifier or a command that does not exist.
 */
#include <limits.h>
#include <stdio.h>

#include "ipck_shm.h"

struct command {
        const char *name;
        int cmd;
};

/* Each succeeds on a segment of one's own. IPC_RMID comes last: it must not succeed before the others have had their
 * turn. */
static const struct command commands[] = {
        {"IPC_STAT", IPC_STAT}, {"IPC_SET", IPC_SET}, {"SHM_UNLOCK", SHM_UNLOCK}, {"IPC_RMID", IPC_RMID},
};

TEST(identifier_of_no_segment, VERIFIES(shmctl_einval_badid))
{
        burn_segment_ids(5);
        const int segment = new_segment(3, 0600), gone = new_segment(1, 0600);
        REQUIRE(segment > 0 && segment < INT_MAX - 32768);
        MUST(shmctl(gone, IPC_RMID, NULL));
        const struct {
                const char *name;
                int id;
        } ids[] = {
                {"-1", -1}, {"INT_MIN", INT_MIN}, {"minus an identifier", -segment}, {"removed segment", gone},
                {"next to one in use", segment + 1 == gone ? segment + 2 : segment + 1},
                {"other sequence number", segment + 32768}, {"identifier with the sign bit", segment ^ INT_MIN},
                {"INT_MAX", INT_MAX},
        };
        struct shmid_ds ds = stat_of_segment(segment);
        const struct segment_view before = view_of_segment(segment);

        for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
                EACH_ROW(row, ids)
                        FAILS_WITH(shmctl_einval_badid, EINVAL, shmctl(row->id, commands[i].cmd, &ds));
        const struct segment_view after = view_of_segment(segment);
        HOLDS(shmctl_einval_badid, same_segment_view(&before, &after));
        EACH_ROW(row, commands)
                EQ(shmctl_einval_badid, shmctl(segment, row->cmd, &ds), 0);
}

TEST(no_identifier_in_an_empty_namespace, VERIFIES(shmctl_einval_badid))
{
        struct shmid_ds ds;

        if (shm_usage().used_ids != 0)
                UNSUPPORTED("a namespace without segments");
        memset(&ds, 0, sizeof(ds));
        EACH_ROW(row, commands)
                FAILS_WITH(shmctl_einval_badid, EINVAL, shmctl(0, row->cmd, &ds));
        /* What was wrong with that was the identifier. */
        const int segment = new_segment(1, 0600);
        ds = stat_of_segment(segment);
        EACH_ROW(row, commands)
                EQ(shmctl_einval_badid, shmctl(segment, row->cmd, &ds), 0);
}

/* ---- commands ---- */

/* Bit 0x100 stays out: to some machines it means a newer structure and not another command. */
static const struct command no_commands[] = {
        {"-1", -1}, {"INT_MIN", INT_MIN}, {"INT_MAX", INT_MAX}, {"4", 4}, {"5", 5}, {"10", 10}, {"16", 16}, {"31", 31},
        {"100", 100}, {"IPC_RMID with the sign bit", IPC_RMID | INT_MIN}, {"IPC_STAT plus 512", IPC_STAT + 512},
        {"IPC_RMID plus 1024", IPC_RMID + 1024}, {"IPC_RMID plus 65536", IPC_RMID + 65536},
        {"IPC_SET plus 65536", IPC_SET + 65536}, {"IPC_STAT plus 65536", IPC_STAT + 65536},
};

static bool exists_here(int cmd)
{
        static const int known[] = {
                IPC_RMID, IPC_SET, IPC_STAT,
#ifdef IPC_INFO
                IPC_INFO,
#endif
#ifdef SHM_STAT
                SHM_STAT, SHM_INFO,
#endif
#ifdef SHM_LOCK
                SHM_LOCK, SHM_UNLOCK,
#endif
                SHM_STAT_ANY,
        };

        for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
                if (known[i] == cmd)
                        return true;
        return false;
}

TEST(unknown_command, VERIFIES(shmctl_einval_badcmd))
{
        const int segment = new_segment(3, 0600);
        struct shmid_ds ds = stat_of_segment(segment);
        const struct segment_view before = view_of_segment(segment);

        EACH_ROW(row, no_commands) {
                if (exists_here(row->cmd))
                        continue;
                FAILS_WITH(shmctl_einval_badcmd, EINVAL, shmctl(segment, row->cmd, &ds));
                FAILS_WITH(shmctl_einval_badcmd, EINVAL, shmctl(segment, row->cmd, NULL));
                const struct segment_view after = view_of_segment(segment);
                HOLDS(shmctl_einval_badcmd, same_segment_view(&before, &after));
        }
        EQ(shmctl_einval_badcmd, shmctl(segment, IPC_STAT, &ds), 0);
}
