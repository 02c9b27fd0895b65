/* SPDX-License-Identifier: MIT
 *
 * System V shared memory: the dead are attached no more, and what they wrote stays.
 */
#include "crash.h"
#include "ipck_shm.h"

#undef IPCK_FILE_ROUTES
#define IPCK_FILE_ROUTES 0

TEST(shmget, VERIFIES(exit_queues_persist))
{
        const key_t key = fresh_key(), other = key + 1;

        crash("shmget", key, "sysv/shm/shmget", "entry", 1);
        FAILS_WITH(exit_queues_persist, ENOENT, shmget(key, 0, 0));
        crash("shmget", other, "sysv/shm/shmget", "after", 1);
        int segment = (int)MUST(shmget(other, 0, 0));
        EQ(exit_queues_persist, *attach(segment, 0), 0);
}

TEST(shmat, VERIFIES(exit_shm_detached, exit_shm_dtime_lpid, exit_queues_persist))
{
        int segment = new_segment(4096, 0600);

        crash("shmat", segment, "sysv/shm/shmat", "entry", 2);
        EQ(exit_shm_detached, nattch(segment), 0);
        const pid_t victim = crash("shmat", segment, "sysv/shm/shmat", "after", 2);
        EQ(exit_shm_detached, nattch(segment), 0);
        EQ(exit_shm_dtime_lpid, stat_of_segment(segment).shm_lpid, victim);
        READS(exit_queues_persist, attach(segment, 0), "%s", victims_text);
}

TEST(shmdt, VERIFIES(exit_shm_detached))
{
        int segment = new_segment(4096, 0600);

        attach(segment, 0);
        crash("shmdt", segment, "sysv/shm/shmdt", "entry", 1);
        EQ(exit_shm_detached, nattch(segment), 1);
        crash("shmdt", segment, "sysv/shm/shmdt", "after", 1);
        EQ(exit_shm_detached, nattch(segment), 1);
}

TEST(shmctl, VERIFIES(exit_rmid_shm_destroyed, exit_queues_persist))
{
        int segment = new_segment(4096, 0600);

        crash("shmctl", segment, "sysv/shm/shmctl", "entry", 1);
        EQ(exit_queues_persist, nattch(segment), 0);
        crash("shmctl", segment, "sysv/shm/shmctl", "after", 1);
        FAILS_WITH(exit_rmid_shm_destroyed, EINVAL, nattch(segment));
}
