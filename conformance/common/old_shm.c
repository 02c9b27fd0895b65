/* SPDX-License-Identifier: MIT
 *
 * Segments as programs of before Linux 2.4 see them.
 */
#include <limits.h>

#include "ipck_old.h"
#include "ipck_shm.h"

/* struct shmid_ds and struct shminfo of <linux/shm.h>. */
struct old_segment {
        struct old_perm perm;
        int32_t segsz, atime, dtime, ctime;
        uint16_t cpid, lpid, nattch, unused;
        uint32_t unused2, unused3;
};

struct old_limits {
        int32_t shmmax, shmmin, shmmni, shmseg, shmall;
};

/* Whoever stores more than the structure gets EFAULT. */
static struct old_segment old_stat(enum ipck_requirement requirement, int segment)
{
        struct old_segment *const old = guarded(sizeof(*old));

        memset(old, 0x5a, sizeof(*old));
        EQ(requirement, worked(old_shmctl(segment, KERNEL_IPC_STAT, old)), 0);
        return *old;
}

TEST(structure_shows_the_segment, VERIFIES(ipc_old_shm_stat), ONE_ROUTE, MOSTLY_WAITS)
{
        need_old_ipc();
        const key_t key = fresh_key();
        const int segment = segment_must_fit(shmget(key, 12345, IPC_CREAT | 0640), 12345);

        next_second(stat_of_segment(segment).shm_ctime);
        const char *const first = attach(segment, 0);
        attach(segment, 0);
        next_second(stat_of_segment(segment).shm_atime);
        attach(segment, 0);
        detach(first);
        const struct shmid_ds present = stat_of_segment(segment);
        const struct old_segment old = old_stat(ipc_old_shm_stat, segment);
        EQ(ipc_old_shm_stat, old.perm.key, key);
        EQ(ipc_old_shm_stat, old.perm.uid, old_uid(present.shm_perm.uid));
        EQ(ipc_old_shm_stat, old.perm.gid, old_gid(present.shm_perm.gid));
        EQ(ipc_old_shm_stat, old.perm.cuid, old_uid(present.shm_perm.cuid));
        EQ(ipc_old_shm_stat, old.perm.cgid, old_gid(present.shm_perm.cgid));
        EQ(ipc_old_shm_stat, old.perm.mode, 0640);
        EQ(ipc_old_shm_stat, old.segsz, 12345);
        EQ(ipc_old_shm_stat, old.atime, present.shm_atime);
        EQ(ipc_old_shm_stat, old.dtime, present.shm_dtime);
        EQ(ipc_old_shm_stat, old.ctime, present.shm_ctime);
        EQ(ipc_old_shm_stat, old.cpid, (uint16_t)present.shm_cpid);
        EQ(ipc_old_shm_stat, old.lpid, (uint16_t)present.shm_lpid);
        EQ(ipc_old_shm_stat, old.nattch, 2);
}

TEST(set_takes_the_mode, VERIFIES(ipc_old_shm_set), ONE_ROUTE)
{
        need_old_ipc();
        const int segment = new_segment(1, 0600);
        struct old_segment old = old_stat(ipc_old_shm_set, segment);

        old.perm.mode = 0521;
        EQ(ipc_old_shm_set, old_shmctl(segment, KERNEL_IPC_SET, &old), 0);
        EQ(ipc_old_shm_set, stat_of_segment(segment).shm_perm.mode, 0521);
        EQ(ipc_old_shm_set, stat_of_segment(segment).shm_perm.uid, geteuid());
        EQ(ipc_old_shm_set, stat_of_segment(segment).shm_perm.gid, getegid());
}

TEST(limits_have_32_bits, VERIFIES(ipc_old_shm_info), ONE_ROUTE)
{
        static const struct {
                const char *name, *shmmax;
                int32_t wanted;
        } rows[] = {
                {"little", "1234567", 1234567}, {"INT_MAX", "2147483647", INT_MAX}, {"more", "2147483648", INT_MAX},
                {"much more", "4294967295", INT_MAX},
        };

        need_old_ipc();
        set_sysctl("kernel/shmmni", "123");
        set_sysctl("kernel/shmall", "4321");
        EACH_ROW(row, rows) {
                struct old_limits old;

                set_sysctl("kernel/shmmax", row->shmmax);
                memset(&old, 0x5a, sizeof(old));
                EQ(ipc_old_shm_info, worked(old_shmctl(0, IPC_INFO, &old)), 0);
                EQ(ipc_old_shm_info, old.shmmax, row->wanted);
                EQ(ipc_old_shm_info, old.shmmin, 1);
                EQ(ipc_old_shm_info, old.shmmni, 123);
                EQ(ipc_old_shm_info, old.shmseg, 123);
                EQ(ipc_old_shm_info, old.shmall, 4321);
        }
}

TEST(set_takes_the_owner, VERIFIES(ipc_old_shm_set), ONE_ROUTE)
{
        need_old_ipc();
        const int segment = new_segment(1, 0600);

        /* The two exist here. */
        set_segment_owner(segment, USER_B, GROUP_B, 0600);
        set_segment_owner(segment, geteuid(), getegid(), 0600);
        struct old_segment old = old_stat(ipc_old_shm_set, segment);
        old.perm.uid = USER_B;
        old.perm.gid = GROUP_B;
        EQ(ipc_old_shm_set, old_shmctl(segment, KERNEL_IPC_SET, &old), 0);
        EQ(ipc_old_shm_set, stat_of_segment(segment).shm_perm.uid, USER_B);
        EQ(ipc_old_shm_set, stat_of_segment(segment).shm_perm.gid, GROUP_B);
}

TEST(large_owner_is_shown_as_another, VERIFIES(ipc_old_id_overflow), ONE_ROUTE)
{
        need_old_ipc();
        const int segment = new_segment(1, 0600);

        set_segment_owner(segment, LARGE_UID, LARGE_GID, 0666);
        const struct old_segment old = old_stat(ipc_old_id_overflow, segment);
        EQ(ipc_old_id_overflow, old.perm.uid, old_uid(LARGE_UID));
        EQ(ipc_old_id_overflow, old.perm.gid, old_gid(LARGE_GID));
}

TEST(bad_address, VERIFIES(ipc_old_fault), ONE_ROUTE)
{
        need_old_ipc();
        const int segment = new_segment(1, 0640);
        const struct shmid_ds before = stat_of_segment(segment);

        FAILS_WITH(ipc_old_fault, EFAULT, old_shmctl(segment, KERNEL_IPC_STAT, bad_address()));
        FAILS_WITH(ipc_old_fault, EFAULT, old_shmctl(segment, KERNEL_IPC_SET, bad_address()));
        FAILS_WITH(ipc_old_fault, EFAULT, old_shmctl(0, IPC_INFO, bad_address()));
        const struct shmid_ds after = stat_of_segment(segment);
        HOLDS(ipc_old_fault, memcmp(&before, &after, sizeof(before)) == 0);
}
