/* SPDX-License-Identifier: MIT
 *
 * semctl() IPC_RMID: nothing of the set remains, and nothing else is lost.
 */
#include "ipck_sem.h"

enum { NSEMS = 3 };

TEST(removed_identifier_fails_everywhere, VERIFIES(semctl_rmid_removes))
{
        static const struct {
                const char *name;
                int cmd;
        } rows[] = {
                {"GETVAL", GETVAL}, {"GETPID", GETPID}, {"GETNCNT", GETNCNT}, {"GETZCNT", GETZCNT}, {"SETVAL", SETVAL},
                {"GETALL", GETALL}, {"SETALL", SETALL}, {"IPC_STAT", IPC_STAT}, {"IPC_SET", IPC_SET},
        };
        struct sembuf up = OP(0, 1, 0), zero = OP(1, 0, 0);
        int set = new_sems(NSEMS, 0600);
        struct semid_ds ds = stat_of(set);

        EACH_ROW(row, rows)
                MUST(any_semctl(set, row->cmd, &ds));
        set_val(set, 1, 0);
        MUST(semop(set, &up, 1));
        MUST(semop(set, &zero, 1));
        EQ(semctl_rmid_removes, semctl(set, 0, IPC_RMID), 0);
        EACH_ROW(row, rows)
                FAILS_WITH(semctl_rmid_removes, EINVAL, any_semctl(set, row->cmd, &ds));
        FAILS_WITH(semctl_rmid_removes, EINVAL, semop(set, &up, 1));
        FAILS_WITH(semctl_rmid_removes, EINVAL, semop(set, &zero, 1));
}

TEST(key_of_a_removed_set_is_free, VERIFIES(semctl_rmid_removes))
{
        const key_t key = fresh_key();
        int set = (int)MUST(semget(key, NSEMS, IPC_CREAT | IPC_EXCL | 0600));

        set_val(set, 0, 5);
        REQUIRE(semget(key, 0, 0) == set);
        EQ(semctl_rmid_removes, semctl(set, 0, IPC_RMID), 0);
        FAILS_WITH(semctl_rmid_removes, ENOENT, semget(key, 0, 0));
        FAILS_WITH(semctl_rmid_removes, ENOENT, semget(key, NSEMS, 0600));
        /* A set made with that key is a new one, of another size. */
        int next = semget(key, 1, IPC_CREAT | IPC_EXCL | 0600);
        HOLDS(semctl_rmid_removes, next != -1 && next != set);
        EQ(semctl_rmid_removes, VAL(next, 0), 0);
        FAILS_WITH(semctl_rmid_removes, EINVAL, VAL(next, 1));
        FAILS_WITH(semctl_rmid_removes, EINVAL, VAL(set, 0));
}

TEST(other_sets_survive_a_removal, VERIFIES(semctl_rmid_removes))
{
        static const unsigned short values[NSEMS] = {4, 5, 6};
        struct sem_view before[3];
        int sets[3];

        for (int i = 0; i < 3; i++) {
                sets[i] = new_sems(NSEMS, 0600);
                set_all(sets[i], values);
                before[i] = view_of(sets[i]);
        }
        EQ(semctl_rmid_removes, semctl(sets[1], 0, IPC_RMID), 0);
        FAILS_WITH(semctl_rmid_removes, EINVAL, VAL(sets[1], 0));
        const struct sem_view below = view_of(sets[0]), above = view_of(sets[2]);
        HOLDS(semctl_rmid_removes, same_view(&before[0], &below));
        HOLDS(semctl_rmid_removes, same_view(&before[2], &above));
}

TEST(removal_is_seen_by_other_processes, VERIFIES(semctl_rmid_removes))
{
        int set = new_sems(1, 0600);
        struct child remover;

        CHILD(&remover)
                EQ(semctl_rmid_removes, semctl(set, 0, IPC_RMID), 0);
        join(&remover);
        FAILS_WITH(semctl_rmid_removes, EINVAL, VAL(set, 0));
}

TEST(second_removal_fails, VERIFIES(semctl_rmid_twice))
{
        int set = new_sems(1, 0600), other = new_sems(1, 0600);

        EQ(semctl_rmid_twice, semctl(set, 0, IPC_RMID), 0);
        FAILS_WITH(semctl_rmid_twice, EINVAL, semctl(set, 0, IPC_RMID));
        EQ(semctl_rmid_twice, VAL(other, 0), 0);
        EQ(semctl_rmid_twice, semctl(other, 0, IPC_RMID), 0);
        FAILS_WITH(semctl_rmid_twice, EINVAL, semctl(set, 0, IPC_RMID));
}

TEST(second_removal_spares_the_next_set, VERIFIES(semctl_rmid_twice))
{
        const key_t key = fresh_key();
        int set = (int)MUST(semget(key, 1, IPC_CREAT | 0600)), next;

        EQ(semctl_rmid_twice, semctl(set, 0, IPC_RMID), 0);
        next = (int)MUST(semget(key, 1, IPC_CREAT | 0600));
        set_val(next, 0, 5);
        FAILS_WITH(semctl_rmid_twice, EINVAL, semctl(set, 0, IPC_RMID));
        EQ(semctl_rmid_twice, VAL(next, 0), 5);
}

TEST(removal_ignores_what_stands_in_the_fourth_place, VERIFIES(semctl_rmid_three_args))
{
        const struct {
                const char *name;
                union semun arg;
        } rows[] = {
                {"inaccessible page", ARG_BUF(bad_address())}, {"null pointer", ARG_BUF(NULL)}, {"-1", ARG_VAL(-1)},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(1, 0600);

                EQ(semctl_rmid_three_args, semctl(set, 0, IPC_RMID, row->arg), 0);
                FAILS_WITH(semctl_rmid_three_args, EINVAL, VAL(set, 0));
        }
}

TEST(removal_needs_no_fourth_argument, VERIFIES(semctl_rmid_three_args), ONE_ROUTE)
{
        int set = new_sems(1, 0600);

        EQ(semctl_rmid_three_args, (semctl)(set, 0, IPC_RMID), 0);
        FAILS_WITH(semctl_rmid_three_args, EINVAL, VAL(set, 0));
}
