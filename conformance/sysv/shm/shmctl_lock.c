/* SPDX-License-Identifier: MIT
 *
 * shmctl() SHM_LOCK and SHM_UNLOCK: who may, how much, and what is left of it afterwards.
 */
#include <linux/capability.h>

#include "ipck_shm.h"

/* In shm_perm.mode of a segment that is locked. */
#ifndef SHM_LOCKED
#define SHM_LOCKED 02000
#endif

static void limit_locks(rlim_t pages)
{
        set_rlimit(RLIMIT_MEMLOCK, pages * page_size());
}

/* The limit counts what a user has locked altogether, in other tests and programs as well: this is one who has nothing
 * locked, and no privilege. Two tests that begin in the same microsecond must not be the same user. */
static void be_a_user_without_locks(void)
{
        enum { FIRST = 0x10000000, USERS = 0x60000000 };
        const uid_t uid = (uid_t)(FIRST + (random_below(USERS) + (uint64_t)monotonic_ns()) % USERS);

        /* Who cannot change can at least be counted in a user namespace of his own. */
        if (setresuid(uid, uid, uid) == -1)
                enter_user_namespace(geteuid(), getegid());
        drop_all_capabilities();
}

static bool is_locked(int segment)
{
        return stat_of_segment(segment).shm_perm.mode & SHM_LOCKED;
}

/* ---- the flag ---- */

TEST(lock_and_unlock_show_in_the_mode, VERIFIES(shmctl_lock_sets_flag, shmctl_lock_unlock_clears))
{
        be_a_user_without_locks();
        limit_locks(3);
        const int segment = new_segment(3 * page_size(), 0640), other = new_segment(1, 0640);

        EQ(shmctl_lock_sets_flag, stat_of_segment(segment).shm_perm.mode, 0640);
        EQ(shmctl_lock_sets_flag, shmctl(segment, SHM_LOCK, NULL), 0);
        EQ(shmctl_lock_sets_flag, stat_of_segment(segment).shm_perm.mode, SHM_LOCKED | 0640);
        EQ(shmctl_lock_sets_flag, stat_of_segment(other).shm_perm.mode, 0640);
        EQ(shmctl_lock_unlock_clears, shmctl(segment, SHM_UNLOCK, NULL), 0);
        EQ(shmctl_lock_unlock_clears, stat_of_segment(segment).shm_perm.mode, 0640);
}

TEST(locked_segment_can_be_used, VERIFIES(shmctl_lock_sets_flag, shmctl_lock_unlock_clears))
{
        const size_t size = 3 * page_size();

        be_a_user_without_locks();
        limit_locks(3);
        const int segment = new_segment(size, 0600);
        char *const memory = attach(segment, 0);
        fill_pattern(memory, size / 2, 1);
        EQ(shmctl_lock_sets_flag, shmctl(segment, SHM_LOCK, NULL), 0);
        HOLDS(shmctl_lock_sets_flag, has_pattern(memory, size / 2, 1));
        fill_pattern(memory, size, 2);
        EQ(shmctl_lock_unlock_clears, shmctl(segment, SHM_UNLOCK, NULL), 0);
        HOLDS(shmctl_lock_unlock_clears, has_pattern(memory, size, 2));
        detach(memory);
        HOLDS(shmctl_lock_unlock_clears, !is_locked(segment));
}

TEST(unlock_of_an_unlocked_segment_changes_nothing, VERIFIES(shmctl_lock_unlock_not_locked))
{
        const int segment = new_segment(1, 0640);
        const struct segment_view before = view_of_segment(segment);

        EQ(shmctl_lock_unlock_not_locked, shmctl(segment, SHM_UNLOCK, NULL), 0);
        EQ(shmctl_lock_unlock_not_locked, shmctl(segment, SHM_UNLOCK, NULL), 0);
        const struct segment_view after = view_of_segment(segment);
        HOLDS(shmctl_lock_unlock_not_locked, same_segment_view(&before, &after));
}

TEST(unlock_gives_nothing_that_was_not_taken, VERIFIES(shmctl_lock_unlock_not_locked))
{
        const size_t page = page_size();

        be_a_user_without_locks();
        limit_locks(3);
        const int segment = new_segment(2 * page, 0600), other = new_segment(2 * page, 0600);
        MUST(shmctl(segment, SHM_LOCK, NULL));
        EQ(shmctl_lock_unlock_not_locked, shmctl(other, SHM_UNLOCK, NULL), 0);
        FAILS_WITH(shmctl_lock_unlock_not_locked, ENOMEM, shmctl(other, SHM_LOCK, NULL));
        HOLDS(shmctl_lock_unlock_not_locked, is_locked(segment));
}

TEST(second_lock_changes_nothing, VERIFIES(shmctl_lock_twice))
{
        const size_t page = page_size();

        be_a_user_without_locks();
        limit_locks(5);
        const int segment = new_segment(3 * page, 0600), other = new_segment(2 * page, 0600);
        const int another = new_segment(3 * page, 0600);
        MUST(shmctl(segment, SHM_LOCK, NULL));
        EQ(shmctl_lock_twice, shmctl(segment, SHM_LOCK, NULL), 0);
        HOLDS(shmctl_lock_twice, is_locked(segment));
        /* It counts once. */
        EQ(shmctl_lock_twice, shmctl(other, SHM_LOCK, NULL), 0);
        EQ(shmctl_lock_twice, shmctl(segment, SHM_UNLOCK, NULL), 0);
        HOLDS(shmctl_lock_twice, !is_locked(segment));
        EQ(shmctl_lock_twice, shmctl(another, SHM_LOCK, NULL), 0);
        FAILS_WITH(shmctl_lock_twice, ENOMEM, shmctl(segment, SHM_LOCK, NULL));
}

TEST(changed_mode_leaves_the_lock, VERIFIES(shmctl_set_mode_keeps_flags))
{
        be_a_user_without_locks();
        limit_locks(1);
        const int segment = new_segment(1, 0600), other = new_segment(1, 0600);
        MUST(shmctl(segment, SHM_LOCK, NULL));
        EQ(shmctl_set_mode_keeps_flags, segment_set(segment, geteuid(), getegid(), 0640), 0);
        EQ(shmctl_set_mode_keeps_flags, stat_of_segment(segment).shm_perm.mode, SHM_LOCKED | 0640);
        EQ(shmctl_set_mode_keeps_flags, segment_set(segment, geteuid(), getegid(), 0177777), 0);
        EQ(shmctl_set_mode_keeps_flags, stat_of_segment(segment).shm_perm.mode, SHM_LOCKED | 0777);
        EQ(shmctl_set_mode_keeps_flags, segment_set(other, geteuid(), getegid(), SHM_LOCKED | 0640), 0);
        EQ(shmctl_set_mode_keeps_flags, stat_of_segment(other).shm_perm.mode, 0640);
}

/* ---- the limit ---- */

TEST(limit_of_zero_forbids_locking, VERIFIES(shmctl_lock_eperm_rlimit0))
{
        be_a_user_without_locks();
        limit_locks(1);
        const int segment = new_segment(1, 0600), other = new_segment(1, 0600);
        MUST(shmctl(other, SHM_LOCK, NULL));
        MUST(shmctl(other, SHM_UNLOCK, NULL));
        limit_locks(0);
        FAILS_WITH(shmctl_lock_eperm_rlimit0, EPERM, shmctl(segment, SHM_LOCK, NULL));
        HOLDS(shmctl_lock_eperm_rlimit0, !is_locked(segment));
        limit_locks(1);
        EQ(shmctl_lock_eperm_rlimit0, shmctl(segment, SHM_LOCK, NULL), 0);
}

TEST(limit_of_zero_allows_unlocking, VERIFIES(shmctl_lock_unlock_rlimit0_ok))
{
        be_a_user_without_locks();
        limit_locks(1);
        const int segment = new_segment(1, 0600);
        MUST(shmctl(segment, SHM_LOCK, NULL));
        limit_locks(0);
        HOLDS(shmctl_lock_unlock_rlimit0_ok, is_locked(segment));
        EQ(shmctl_lock_unlock_rlimit0_ok, shmctl(segment, SHM_UNLOCK, NULL), 0);
        HOLDS(shmctl_lock_unlock_rlimit0_ok, !is_locked(segment));
        EQ(shmctl_lock_unlock_rlimit0_ok, shmctl(segment, SHM_UNLOCK, NULL), 0);
}

TEST(locks_add_up_to_the_limit, VERIFIES(shmctl_lock_enomem_rlimit))
{
        const size_t page = page_size();

        be_a_user_without_locks();
        limit_locks(5);
        /* Whole pages count. */
        const int large = new_segment(5 * page + 1, 0600), three = new_segment(2 * page + 1, 0600);
        const int two = new_segment(2 * page, 0600), one = new_segment(1, 0600);
        FAILS_WITH(shmctl_lock_enomem_rlimit, ENOMEM, shmctl(large, SHM_LOCK, NULL));
        HOLDS(shmctl_lock_enomem_rlimit, !is_locked(large));
        EQ(shmctl_lock_enomem_rlimit, shmctl(three, SHM_LOCK, NULL), 0);
        EQ(shmctl_lock_enomem_rlimit, shmctl(two, SHM_LOCK, NULL), 0);
        FAILS_WITH(shmctl_lock_enomem_rlimit, ENOMEM, shmctl(one, SHM_LOCK, NULL));
        HOLDS(shmctl_lock_enomem_rlimit, !is_locked(one));
        MUST(shmctl(two, SHM_UNLOCK, NULL));
        EQ(shmctl_lock_enomem_rlimit, shmctl(one, SHM_LOCK, NULL), 0);
}

TEST(locks_of_a_users_processes_add_up, VERIFIES(shmctl_lock_enomem_rlimit))
{
        struct child other;

        be_a_user_without_locks();
        limit_locks(1);
        const int segment = new_segment(1, 0600), another = new_segment(1, 0600);
        CHILD(&other)
                EQ(shmctl_lock_enomem_rlimit, shmctl(segment, SHM_LOCK, NULL), 0);
        join(&other);
        /* A lock is no matter of the process that made it. */
        HOLDS(shmctl_lock_enomem_rlimit, is_locked(segment));
        FAILS_WITH(shmctl_lock_enomem_rlimit, ENOMEM, shmctl(another, SHM_LOCK, NULL));
}

static int remove_it(int segment)
{
        return shmctl(segment, IPC_RMID, NULL);
}

static int detach_it_last(int segment)
{
        const char *const one = attach(segment, 0), *const two = attach(segment, 0);

        MUST(shmctl(segment, IPC_RMID, NULL));
        MUST(shmdt(one));
        return shmdt(two);
}

static int lose_the_process(int segment)
{
        struct child user;

        CHILD(&user) {
                (void)attach(segment, 0);
                stay(&user);
        }
        UNTIL(stays(&user));
        MUST(shmctl(segment, IPC_RMID, NULL));
        dismiss(&user);
        return 0;
}

TEST(destroyed_segment_gives_back_its_share, VERIFIES(shmctl_lock_accounting_on_destroy))
{
        static const struct {
                const char *name;
                int (*destroy)(int segment);
        } rows[] = {{"IPC_RMID", remove_it}, {"last detach", detach_it_last}, {"end of a process", lose_the_process}};
        const size_t page = page_size();

        be_a_user_without_locks();
        limit_locks(3);
        int locked = new_segment(3 * page, 0600);
        MUST(shmctl(locked, SHM_LOCK, NULL));
        EACH_ROW(row, rows)
                /* Several times: too little or too much given back would add up. */
                for (int round = 0; round < 3; round++) {
                        const int next = new_segment(2 * page + 1, 0600), small = new_segment(1, 0600);

                        FAILS_WITH(shmctl_lock_accounting_on_destroy, ENOMEM, shmctl(next, SHM_LOCK, NULL));
                        MUST(row->destroy(locked));
                        EQ(shmctl_lock_accounting_on_destroy, shmctl(next, SHM_LOCK, NULL), 0);
                        FAILS_WITH(shmctl_lock_accounting_on_destroy, ENOMEM, shmctl(small, SHM_LOCK, NULL));
                        MUST(shmctl(small, IPC_RMID, NULL));
                        locked = next;
                }
}

TEST(share_returns_to_the_user_who_locked, VERIFIES(shmctl_lock_accounting_on_destroy))
{
        int *const segment = shared(sizeof(*segment));
        struct child user;

        CHILD(&user) {
                be_a_user_without_locks();
                limit_locks(1);
                *segment = new_segment(1, 0666);
                const int other = new_segment(1, 0600);
                MUST(shmctl(*segment, SHM_LOCK, NULL));
                REQUIRE(shmctl(other, SHM_LOCK, NULL) == -1 && errno == ENOMEM);
                stay(&user);
                EQ(shmctl_lock_accounting_on_destroy, shmctl(other, SHM_LOCK, NULL), 0);
        }
        UNTIL(stays(&user));
        if (shmctl(*segment, IPC_RMID, NULL) == -1 && errno == EPERM)
                UNSUPPORTED("privilege to remove another user's segment");
        dismiss(&user);
}

/* ---- privilege ---- */

/* What counts is the privilege in the first user namespace (mm/mlock.c user_shm_lock()). */
static void need_lock_privilege(void)
{
        if (!has_initial_capability(CAP_IPC_LOCK))
                UNSUPPORTED("CAP_IPC_LOCK in the first user namespace");
}

TEST(privilege_lifts_the_limit, VERIFIES(shmctl_lock_eperm_rlimit0, shmctl_lock_enomem_rlimit))
{
        const int segment = new_segment(1, 0600), other = new_segment(2 * page_size(), 0600);

        need_lock_privilege();
        drop_other_capabilities(CAP_IPC_LOCK);
        limit_locks(0);
        EQ(shmctl_lock_eperm_rlimit0, shmctl(segment, SHM_LOCK, NULL), 0);
        HOLDS(shmctl_lock_eperm_rlimit0, is_locked(segment));
        limit_locks(1);
        EQ(shmctl_lock_enomem_rlimit, shmctl(other, SHM_LOCK, NULL), 0);
        HOLDS(shmctl_lock_enomem_rlimit, is_locked(other));
        MUST(shmctl(segment, SHM_UNLOCK, NULL));
        MUST(shmctl(other, SHM_UNLOCK, NULL));
}

TEST(locking_is_for_owner_and_creator, VERIFIES(shmctl_lock_eperm_other))
{
        static const struct {
                const char *name;
                uid_t user;
                gid_t group;
                bool may;
        } rows[] = {{"owner", USER_B, GROUP_C, true}, {"creator", USER_A, GROUP_C, true},
                    {"stranger", USER_C, GROUP_C, false}, {"group of both", USER_C, GROUP_A, false}};

        limit_locks(1);
        EACH_ROW(row, rows) {
                int *const segment = shared(sizeof(*segment));
                struct child creator, caller;

                CHILD(&creator) {
                        become(USER_A, GROUP_A, NULL, 0);
                        *segment = new_segment(1, 0600);
                        /* All the permissions that a mode can grant. */
                        set_segment_owner(*segment, USER_B, GROUP_A, 0777);
                }
                join(&creator);
                CHILD(&caller) {
                        become(row->user, row->group, NULL, 0);
                        if (row->may) {
                                /* Others who run this test as the same user may leave nothing of the limit. */
                                HOLDS(shmctl_lock_eperm_other,
                                      shmctl(*segment, SHM_LOCK, NULL) == 0 || errno == ENOMEM);
                                EQ(shmctl_lock_eperm_other, shmctl(*segment, SHM_UNLOCK, NULL), 0);
                        } else {
                                FAILS_WITH(shmctl_lock_eperm_other, EPERM, shmctl(*segment, SHM_LOCK, NULL));
                                FAILS_WITH(shmctl_lock_eperm_other, EPERM, shmctl(*segment, SHM_UNLOCK, NULL));
                                HOLDS(shmctl_lock_eperm_other, !is_locked(*segment));
                        }
                }
                join(&caller);
        }
}

TEST(stranger_cannot_unlock, VERIFIES(shmctl_lock_eperm_other))
{
        int *const segment = shared(sizeof(*segment));
        struct child owner, stranger;

        need_lock_privilege();
        CHILD(&owner) {
                be_a_user_without_locks();
                limit_locks(1);
                *segment = new_segment(1, 0666);
                MUST(shmctl(*segment, SHM_LOCK, NULL));
        }
        join(&owner);
        CHILD(&stranger) {
                as_user(USER_C);
                FAILS_WITH(shmctl_lock_eperm_other, EPERM, shmctl(*segment, SHM_UNLOCK, NULL));
                HOLDS(shmctl_lock_eperm_other, is_locked(*segment));
        }
        join(&stranger);
        /* With the privilege another user can. */
        drop_other_capabilities(CAP_IPC_LOCK);
        EQ(shmctl_lock_eperm_other, shmctl(*segment, SHM_UNLOCK, NULL), 0);
        HOLDS(shmctl_lock_eperm_other, !is_locked(*segment));
}
