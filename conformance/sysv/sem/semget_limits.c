/* SPDX-License-Identifier: MIT
 *
 * semget(): the limits on sets and semaphores, lowered in the test's own namespace so that they can be reached.
 */

#include "ipck_sem.h"

enum { SEMMSL = 250, SEMMNS = 32000, SEMOPM = 32 };

TEST(number_of_sets_is_limited, VERIFIES(semget_enospc_semmni))
{
        const key_t key = fresh_key(), other = fresh_key();

        empty_namespace();
        set_sem_limits(SEMMSL, SEMMNS, SEMOPM, 3);
        new_sems(1, 0600);
        const int second = new_sems(1, 0600);
        const int keyed = (int)MUST(semget(key, 1, IPC_CREAT | 0600));

        FAILS_WITH(semget_enospc_semmni, ENOSPC, semget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
        FAILS_WITH(semget_enospc_semmni, ENOSPC, semget(other, 1, IPC_CREAT | 0600));
        FAILS_WITH(semget_enospc_semmni, ENOENT, semget(other, 0, 0));
        /* What exists can still be found. */
        EQ(semget_enospc_semmni, semget(key, 1, IPC_CREAT | 0600), keyed);
        MUST(semctl(second, 0, IPC_RMID));
        EQ(semget_enospc_semmni, worked(semget(other, 1, IPC_CREAT | 0600)), 0);
        FAILS_WITH(semget_enospc_semmni, ENOSPC, semget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
        /* The limit alone stood in the way. */
        set_sem_limits(SEMMSL, SEMMNS, SEMOPM, 4);
        EQ(semget_enospc_semmni, worked(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600)), 0);
        FAILS_WITH(semget_enospc_semmni, ENOSPC, semget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
}

TEST(number_of_semaphores_is_limited, VERIFIES(semget_enospc_semmns))
{
        const key_t key = fresh_key();

        empty_namespace();
        set_sem_limits(SEMMSL, 10, SEMOPM, 100);
        new_sems(6, 0600);
        FAILS_WITH(semget_enospc_semmns, ENOSPC, semget(IPC_PRIVATE, 5, IPC_CREAT | 0600));
        FAILS_WITH(semget_enospc_semmns, ENOSPC, semget(key, 5, IPC_CREAT | 0600));
        FAILS_WITH(semget_enospc_semmns, ENOENT, semget(key, 0, 0));
        EQ(semget_enospc_semmns, worked(semget(key, 4, IPC_CREAT | 0600)), 0);
        FAILS_WITH(semget_enospc_semmns, ENOSPC, semget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
        set_sem_limits(SEMMSL, 11, SEMOPM, 100);
        EQ(semget_enospc_semmns, worked(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600)), 0);
}

TEST(removed_semaphores_can_be_had_again, VERIFIES(semget_enospc_semmns_freed))
{
        empty_namespace();
        set_sem_limits(SEMMSL, 10, SEMOPM, 100);
        int set = new_sems(4, 0600);
        new_sems(6, 0600);

        /* Several times: too little or too much given back would add up. */
        for (int round = 0; round < 10; round++) {
                FAILS_WITH(semget_enospc_semmns_freed, ENOSPC, semget(IPC_PRIVATE, 4, IPC_CREAT | 0600));
                MUST(semctl(set, 0, IPC_RMID));
                FAILS_WITH(semget_enospc_semmns_freed, ENOSPC, semget(IPC_PRIVATE, 5, IPC_CREAT | 0600));
                EQ(semget_enospc_semmns_freed, worked(set = semget(IPC_PRIVATE, 4, IPC_CREAT | 0600)), 0);
                FAILS_WITH(semget_enospc_semmns_freed, ENOSPC, semget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
        }
}

TEST(failed_creation_costs_no_semaphores, VERIFIES(semget_enospc_failed_no_charge))
{
        empty_namespace();
        set_sem_limits(SEMMSL, 10, SEMOPM, 2);
        new_sems(2, 0600);
        new_sems(2, 0600);
        for (int round = 0; round < 20; round++)
                FAILS_WITH(semget_enospc_failed_no_charge, ENOSPC, semget(IPC_PRIVATE, 3, IPC_CREAT | 0600));

        set_sem_limits(SEMMSL, 10, SEMOPM, 100);
        FAILS_WITH(semget_enospc_failed_no_charge, ENOSPC, semget(IPC_PRIVATE, 7, IPC_CREAT | 0600));
        EQ(semget_enospc_failed_no_charge, worked(semget(IPC_PRIVATE, 6, IPC_CREAT | 0600)), 0);
        FAILS_WITH(semget_enospc_failed_no_charge, ENOSPC, semget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
}

/* Whether a set of the largest size can be made and its last semaphore be used. */
static void check_largest(int semmsl)
{
        const int last = semmsl - 1;
        int set;

        EQ(semget_limit_semmsl_exact, worked(set = semget(IPC_PRIVATE, semmsl, IPC_CREAT | 0600)), 0);
        if (set == -1)
                return;
        EQ(semget_limit_semmsl_exact, SEMOP(set, OP((unsigned short)last, 3, 0)), 0);
        EQ(semget_limit_semmsl_exact, VAL(set, last), 3);
        FAILS_WITH(semget_limit_semmsl_exact, EINVAL, semctl(set, semmsl, GETVAL));
        FAILS_WITH(semget_limit_semmsl_exact, EINVAL, semget(IPC_PRIVATE, semmsl + 1, IPC_CREAT | 0600));
}

TEST(largest_set_is_whole, VERIFIES(semget_limit_semmsl_exact))
{
        const int semmsl = (int)number_in("/proc/sys/kernel/sem", "");

        REQUIRE(semmsl > 0);
        /* sem_num is an unsigned short. */
        if (semmsl > 65536)
                UNSUPPORTED("a set whose last semaphore semop() can name (SEMMSL is %d)", semmsl);
        check_largest(semmsl);
}

TEST(largest_set_follows_the_limit, VERIFIES(semget_limit_semmsl_exact))
{
        set_sem_limits(7, SEMMNS, SEMOPM, 100);
        check_largest(7);
        set_sem_limits(300, SEMMNS, SEMOPM, 100);
        check_largest(300);
}
