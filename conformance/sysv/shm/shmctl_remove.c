/* SPDX-License-Identifier: MIT
 *
 * shmctl() IPC_RMID: what is gone at once, what lives on as long as somebody is attached, and who is in between.
 */
#include <sched.h>
#include <sys/wait.h>

#include "ipck_shm.h"

/* In shm_perm.mode of a segment that has been removed while attached. */
#ifndef SHM_DEST
#define SHM_DEST 01000
#endif

/* ---- segments that nobody has attached ---- */

TEST(removed_identifier_fails_everywhere, VERIFIES(shmctl_rmid_unattached))
{
        struct child other;

        burn_segment_ids(5);
        const int segment = new_segment(1, 0600);
        struct shmid_ds ds = stat_of_segment(segment);

        detach(attach(segment, 0));
        MUST(shmctl(segment, IPC_SET, &ds));
        MUST(shmctl(segment, SHM_UNLOCK, NULL));
        EQ(shmctl_rmid_unattached, shmctl(segment, IPC_RMID, NULL), 0);
        FAILS_WITH(shmctl_rmid_unattached, EINVAL, shmctl(segment, IPC_STAT, &ds));
        FAILS_WITH(shmctl_rmid_unattached, EINVAL, shmctl(segment, IPC_SET, &ds));
        FAILS_WITH(shmctl_rmid_unattached, EINVAL, shmctl(segment, SHM_LOCK, NULL));
        FAILS_WITH(shmctl_rmid_unattached, EINVAL, shmctl(segment, SHM_UNLOCK, NULL));
        FAILS_WITH(shmctl_rmid_unattached, EINVAL, shmctl(segment, IPC_RMID, NULL));
        FAILS_WITH(shmctl_rmid_unattached, EINVAL, shmat(segment, NULL, 0));
        FAILS_WITH(shmctl_rmid_unattached, EINVAL, shmat(segment, NULL, SHM_RDONLY));
        CHILD(&other)
                FAILS_WITH(shmctl_rmid_unattached, EINVAL, shmat(segment, NULL, 0));
        join(&other);
}

TEST(other_segments_survive_a_removal, VERIFIES(shmctl_rmid_unattached))
{
        struct segment_view before[3];
        struct child remover;
        int segments[3];

        for (int i = 0; i < 3; i++) {
                segments[i] = new_segment((size_t)i + 1, 0600);
                before[i] = view_of_segment(segments[i]);
        }
        CHILD(&remover)
                EQ(shmctl_rmid_unattached, shmctl(segments[1], IPC_RMID, NULL), 0);
        join(&remover);
        FAILS_WITH(shmctl_rmid_unattached, EINVAL, nattch(segments[1]));
        const struct segment_view below = view_of_segment(segments[0]), above = view_of_segment(segments[2]);
        HOLDS(shmctl_rmid_unattached, same_segment_view(&before[0], &below));
        HOLDS(shmctl_rmid_unattached, same_segment_view(&before[2], &above));
}

TEST(removal_ignores_the_third_argument, VERIFIES(shmctl_rmid_unattached))
{
        const struct {
                const char *name;
                void *buf;
        } rows[] = {{"null pointer", NULL}, {"inaccessible page", bad_address()}, {"-1", SHM_FAILED}};

        EACH_ROW(row, rows) {
                const int segment = new_segment(1, 0600);

                /* A 32-bit C library touches the structure whatever the command. */
                if (row->buf && ipck_route == IPCK_LIBC && sizeof(long) < 8)
                        continue;
                EQ(shmctl_rmid_unattached, shmctl(segment, IPC_RMID, row->buf), 0);
                FAILS_WITH(shmctl_rmid_unattached, EINVAL, nattch(segment));
        }
}

TEST(former_key_leads_nowhere, VERIFIES(shmctl_rmid_key_freed))
{
        static const struct {
                const char *name;
                bool attached;
        } rows[] = {{"not attached", false}, {"attached", true}};

        EACH_ROW(row, rows) {
                const key_t key = fresh_key();
                const int segment = segment_must_fit(shmget(key, 3, IPC_CREAT | 0600), 3);
                const char *const memory = row->attached ? attach(segment, 0) : NULL;

                REQUIRE(shmget(key, 0, 0) == segment);
                MUST(shmctl(segment, IPC_RMID, NULL));
                FAILS_WITH(shmctl_rmid_key_freed, ENOENT, shmget(key, 0, 0));
                FAILS_WITH(shmctl_rmid_key_freed, ENOENT, shmget(key, 3, 0600));
                if (memory)
                        detach(memory);
                FAILS_WITH(shmctl_rmid_key_freed, ENOENT, shmget(key, 0, 0));
        }
}

/* ---- segments that somebody has attached ---- */

TEST(attachments_outlive_the_removal, VERIFIES(shmctl_rmid_attached_deferred))
{
        const int segment = new_segment(2, 0600);
        volatile char *const memory = attach(segment, 0);
        struct child other;

        CHILD(&other) {
                volatile char *const own = attach(segment, 0);

                detach((const void *)memory);
                own[0] = 1;
                here(&other, 1);
                await(&other, 1);
                EQ(shmctl_rmid_attached_deferred, own[1], 2);
                own[0] = 3;
                here(&other, 2);
                await(&other, 2);
                EQ(shmctl_rmid_attached_deferred, own[0], 3);
        }
        UNTIL(at(&other) == 1);
        MUST(shmctl(segment, IPC_RMID, NULL));
        EQ(shmctl_rmid_attached_deferred, memory[0], 1);
        memory[1] = 2;
        tell(&other, 1);
        UNTIL(at(&other) == 2);
        EQ(shmctl_rmid_attached_deferred, memory[0], 3);
        /* One of two goes. */
        detach((const void *)memory);
        EQ(shmctl_rmid_attached_deferred, nattch(segment), 1);
        tell(&other, 2);
        join(&other);
        EQ(shmctl_rmid_attached_deferred, nattch(segment), -1);
}

TEST(last_detach_destroys, VERIFIES(shmctl_rmid_attached_deferred))
{
        static const struct {
                const char *name;
                enum { BY_SHMDT, BY_EXIT, BY_KILL, BY_EXEC } end;
        } rows[] = {{"shmdt", BY_SHMDT}, {"exit", BY_EXIT}, {"SIGKILL", BY_KILL}, {"exec", BY_EXEC}};

        EACH_ROW(row, rows) {
                const int segment = new_segment(1, 0600);
                struct child user;

                CHILD(&user) {
                        const char *const memory = attach(segment, 0);

                        stay(&user);
                        if (row->end == BY_EXEC)
                                exec_role("nothing", "");
                        if (row->end == BY_SHMDT)
                                detach(memory);
                        here(&user, 2);
                        if (row->end == BY_SHMDT)
                                await(&user, 2);
                }
                UNTIL(stays(&user));
                MUST(shmctl(segment, IPC_RMID, NULL));
                EQ(shmctl_rmid_attached_deferred, nattch(segment), 1);
                if (row->end == BY_KILL) {
                        kill_child(&user);
                } else {
                        tell(&user, 1);
                        if (row->end == BY_SHMDT)
                                UNTIL(at(&user) == 2);
                        else
                                REQUIRE(WIFEXITED(reap(&user)));
                }
                EQ(shmctl_rmid_attached_deferred, nattch(segment), -1);
                if (row->end == BY_SHMDT) {
                        tell(&user, 2);
                        join(&user);
                }
        }
}

ROLE(nothing)
{
        (void)arg;
        return 0;
}

TEST(removed_segment_is_marked, VERIFIES(shmctl_rmid_dest_flag))
{
        const key_t key = fresh_key();
        const int segment = segment_must_fit(shmget(key, 1, IPC_CREAT | 0640), 1);
        const char *const memory = attach(segment, 0);
        struct shmid_ds ds = stat_of_segment(segment);

        EQ(shmctl_rmid_dest_flag, ds.shm_perm.mode, 0640);
        EQ(shmctl_rmid_dest_flag, ds.shm_perm.__key, key);
        MUST(shmctl(segment, IPC_RMID, NULL));
        ds = stat_of_segment(segment);
        EQ(shmctl_rmid_dest_flag, ds.shm_perm.mode, SHM_DEST | 0640);
        EQ(shmctl_rmid_dest_flag, ds.shm_perm.__key, IPC_PRIVATE);
        EQ(shmctl_rmid_dest_flag, ds.shm_nattch, 1);
        detach(memory);
        EQ(shmctl_rmid_dest_flag, nattch(segment), -1);
}

TEST(second_removal_changes_nothing, VERIFIES(shmctl_rmid_twice_attached))
{
        const key_t key = fresh_key();
        const int segment = segment_must_fit(shmget(key, 3, IPC_CREAT | 0600), 3);
        char *const memory = attach(segment, 0);

        strcpy(memory, "ab");
        MUST(shmctl(segment, IPC_RMID, NULL));
        const int next = segment_must_fit(shmget(key, 3, IPC_CREAT | IPC_EXCL | 0600), 3);
        const struct segment_view before = view_of_segment(segment);
        EQ(shmctl_rmid_twice_attached, shmctl(segment, IPC_RMID, NULL), 0);
        const struct segment_view after = view_of_segment(segment);
        HOLDS(shmctl_rmid_twice_attached, same_segment_view(&before, &after));
        HOLDS(shmctl_rmid_twice_attached, strcmp(memory, "ab") == 0);
        EQ(shmctl_rmid_twice_attached, store_signal(memory), 0);
        /* Nor is the segment that has the key now removed in its place. */
        EQ(shmctl_rmid_twice_attached, shmget(key, 0, 0), next);
        detach(memory);
        EQ(shmctl_rmid_twice_attached, nattch(next), 0);
}

TEST(memory_is_released_with_the_last_detach, VERIFIES(shmctl_rmid_memory_released))
{
        const size_t page = page_size();
        const struct shm_info empty = shm_usage();
        const int unattached = new_segment(3 * page + 1, 0600), attached = new_segment(5 * page, 0600);
        const char *const memory = attach(attached, 0);

        EQ(shmctl_rmid_memory_released, shm_usage().shm_tot, empty.shm_tot + 9);
        MUST(shmctl(unattached, IPC_RMID, NULL));
        EQ(shmctl_rmid_memory_released, shm_usage().shm_tot, empty.shm_tot + 5);
        MUST(shmctl(attached, IPC_RMID, NULL));
        EQ(shmctl_rmid_memory_released, shm_usage().shm_tot, empty.shm_tot + 5);
        EQ(shmctl_rmid_memory_released, shm_usage().used_ids, empty.used_ids + 1);
        detach(memory);
        EQ(shmctl_rmid_memory_released, shm_usage().shm_tot, empty.shm_tot);
        EQ(shmctl_rmid_memory_released, shm_usage().used_ids, empty.used_ids);
}

/* ---- removal while others call ---- */

static int stat_it(int segment)
{
        struct shmid_ds ds;

        return shmctl(segment, IPC_STAT, &ds);
}

static int set_it(int segment)
{
        return segment_set(segment, geteuid(), getegid(), 0600);
}

static int unlock_it(int segment)
{
        return shmctl(segment, SHM_UNLOCK, NULL);
}

/* The window is short: most rounds find the segment still there or gone for good, and some in between. */
TEST(removal_during_other_calls, VERIFIES(shmctl_eidrm), KERNEL_ALONE)
{
        static const struct {
                const char *name;
                int (*call)(int segment);
        } rows[] = {{"IPC_STAT", stat_it}, {"IPC_SET", set_it}, {"SHM_UNLOCK", unlock_it}};
        enum { ROUNDS = 200 };
        _Atomic int *const current = shared(sizeof(*current));

        EACH_ROW(row, rows) {
                struct child caller;

                CHILD(&caller)
                        for (int round = 1; round <= ROUNDS; round++) {
                                await(&caller, round);
                                const int segment = *current;
                                while (row->call(segment) == 0) {
                                        here(&caller, round);
                                        sched_yield();
                                }
                                HOLDS(shmctl_eidrm, errno == EIDRM || errno == EINVAL);
                                FAILS_WITH(shmctl_eidrm, EINVAL, row->call(segment));
                        }
                for (int round = 1; round <= ROUNDS; round++) {
                        const int segment = new_segment(1, 0600);

                        *current = segment;
                        tell(&caller, round);
                        UNTIL(at(&caller) == round);
                        MUST(shmctl(segment, IPC_RMID, NULL));
                }
                EVENTUALLY(shmctl_eidrm, returned(&caller));
                join(&caller);
        }
}

TEST(one_of_two_removals_fails, VERIFIES(shmctl_eidrm))
{
        enum { ROUNDS = 200 };
        struct {
                _Atomic int segment, round, removed, failed, other;
        } *const race = shared(sizeof(*race));
        struct child rival[2];

        for (int i = 0; i < 2; i++)
                CHILD(&rival[i])
                        for (int round = 1; round <= ROUNDS; round++) {
                                UNTIL(race->round >= round);
                                if (shmctl(race->segment, IPC_RMID, NULL) == 0)
                                        race->removed++;
                                else if (errno == EINVAL || errno == EIDRM)
                                        race->failed++;
                                else
                                        race->other++;
                        }
        for (int round = 1; round <= ROUNDS; round++) {
                race->segment = new_segment(1, 0600);
                race->round = round;
                UNTIL(race->removed + race->failed + race->other == 2 * round);
                EQ(shmctl_eidrm, race->removed, round);
                EQ(shmctl_eidrm, race->other, 0);
        }
        for (int i = 0; i < 2; i++)
                join(&rival[i]);
}
