/* SPDX-License-Identifier: MIT
 *
 * Semaphore sets as programs of before Linux 2.4 see them.
 */
#include "ipck_old.h"
#include "ipck_sem.h"

/* struct semid_ds of <linux/sem.h>. */
struct old_set {
        struct old_perm perm;
        int32_t otime, ctime;
        uint32_t base, pending, pending_last, undo;
        uint16_t nsems;
};

/* Whoever stores more than the structure gets EFAULT. */
static struct old_set old_stat(enum ipck_requirement requirement, int set)
{
        struct old_set *const old = guarded(sizeof(*old));

        memset(old, 0x5a, sizeof(*old));
        EQ(requirement, worked(old_semctl(set, KERNEL_IPC_STAT, old)), 0);
        return *old;
}

TEST(structure_shows_the_set, VERIFIES(ipc_old_sem_stat), ONE_ROUTE, MOSTLY_WAITS)
{
        need_old_ipc();
        const key_t key = fresh_key();
        const int set = must_fit(semget(key, 3, IPC_CREAT | 0640), 3);

        EQ(ipc_old_sem_stat, old_stat(ipc_old_sem_stat, set).otime, 0);
        next_second(stat_of(set).sem_ctime);
        MUST(SEMOP(set, OP(0, 1, 0)));
        const struct semid_ds present = stat_of(set);
        const struct old_set old = old_stat(ipc_old_sem_stat, set);
        EQ(ipc_old_sem_stat, old.perm.key, key);
        EQ(ipc_old_sem_stat, old.perm.uid, old_uid(present.sem_perm.uid));
        EQ(ipc_old_sem_stat, old.perm.gid, old_gid(present.sem_perm.gid));
        EQ(ipc_old_sem_stat, old.perm.cuid, old_uid(present.sem_perm.cuid));
        EQ(ipc_old_sem_stat, old.perm.cgid, old_gid(present.sem_perm.cgid));
        EQ(ipc_old_sem_stat, old.perm.mode, 0640);
        EQ(ipc_old_sem_stat, old.otime, present.sem_otime);
        EQ(ipc_old_sem_stat, old.ctime, present.sem_ctime);
        EQ(ipc_old_sem_stat, old.nsems, 3);
}

TEST(set_takes_the_mode, VERIFIES(ipc_old_sem_set), ONE_ROUTE)
{
        need_old_ipc();
        const int set = new_sems(1, 0600);
        struct old_set old = old_stat(ipc_old_sem_set, set);

        old.perm.mode = 0521;
        EQ(ipc_old_sem_set, old_semctl(set, KERNEL_IPC_SET, &old), 0);
        EQ(ipc_old_sem_set, stat_of(set).sem_perm.mode, 0521);
        EQ(ipc_old_sem_set, stat_of(set).sem_perm.uid, geteuid());
        EQ(ipc_old_sem_set, stat_of(set).sem_perm.gid, getegid());
}

TEST(set_takes_the_owner, VERIFIES(ipc_old_sem_set), ONE_ROUTE)
{
        need_old_ipc();
        const int set = new_sems(1, 0600);

        /* The two exist here. */
        set_owner(set, USER_B, GROUP_B, 0600);
        set_owner(set, geteuid(), getegid(), 0600);
        struct old_set old = old_stat(ipc_old_sem_set, set);
        old.perm.uid = USER_B;
        old.perm.gid = GROUP_B;
        EQ(ipc_old_sem_set, old_semctl(set, KERNEL_IPC_SET, &old), 0);
        EQ(ipc_old_sem_set, stat_of(set).sem_perm.uid, USER_B);
        EQ(ipc_old_sem_set, stat_of(set).sem_perm.gid, GROUP_B);
}

TEST(large_owner_is_shown_as_another, VERIFIES(ipc_old_id_overflow), ONE_ROUTE)
{
        need_old_ipc();
        const int set = new_sems(1, 0600);

        set_owner(set, LARGE_UID, LARGE_GID, 0666);
        const struct old_set old = old_stat(ipc_old_id_overflow, set);
        EQ(ipc_old_id_overflow, old.perm.uid, old_uid(LARGE_UID));
        EQ(ipc_old_id_overflow, old.perm.gid, old_gid(LARGE_GID));
}

TEST(bad_address, VERIFIES(ipc_old_fault), ONE_ROUTE)
{
        need_old_ipc();
        const int set = new_sems(1, 0640);
        const struct semid_ds before = stat_of(set);

        FAILS_WITH(ipc_old_fault, EFAULT, old_semctl(set, KERNEL_IPC_STAT, bad_address()));
        FAILS_WITH(ipc_old_fault, EFAULT, old_semctl(set, KERNEL_IPC_SET, bad_address()));
        const struct semid_ds after = stat_of(set);
        HOLDS(ipc_old_fault, memcmp(&before, &after, sizeof(before)) == 0);
}
