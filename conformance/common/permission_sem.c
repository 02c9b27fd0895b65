/* SPDX-License-Identifier: MIT
 *
 * Who may read and alter a semaphore set: the classes user, group and other, and the IDs of set and caller that decide
 * which of them a caller belongs to. No caller here is privileged; capability_sem.c is about those.
 */
#include <grp.h>
#include <sys/fsuid.h>

#include "ipck_sem.h"

/* access_to() for another user. */
static int access_as(uid_t uid, gid_t gid, int set)
{
        struct {
                int granted, error;
        } *seen = shared(sizeof(*seen));
        struct child caller;

        CHILD(&caller) {
                become(uid, gid, NULL, 0);
                seen->granted = access_to(set);
                seen->error = errno;
        }
        join(&caller);
        errno = seen->error;
        return seen->granted;
}

/* A set that USER_A of GROUP_A created and then gave to USER_B of GROUP_B: nobody is owner and creator at once. */
struct gift {
        int set;
        key_t key;
};

static const struct gift *give_away(size_t count, const int *modes)
{
        static const unsigned short values[] = {0, 5};
        struct gift *const gifts = shared(count * sizeof(*gifts));
        struct child creator;

        CHILD(&creator) {
                become(USER_A, GROUP_A, NULL, 0);
                for (size_t i = 0; i < count; i++) {
                        gifts[i].key = fresh_key();
                        gifts[i].set = (int)MUST(semget(gifts[i].key, 2, IPC_CREAT | IPC_EXCL | 0600));
                        set_all(gifts[i].set, values);
                        set_owner(gifts[i].set, USER_B, GROUP_B, modes[i]);
                }
        }
        join(&creator);
        return gifts;
}

/* One caller of each kind to such a set, and where the class that it belongs to has its bits. The first two match by
 * user and by group, so that looking at the group first would show. */
static const struct caller {
        const char *name;
        uid_t uid;
        gid_t gid;
        int shift;
        enum ipck_requirement read_grant, read_deny, write_grant, write_deny, exclusive;
} callers[] = {
        {"owner", USER_B, GROUP_B, 6, perm_sem_owner_read_grant, perm_sem_owner_read_deny,
         perm_sem_owner_write_grant, perm_sem_owner_write_deny, xsi_ipc_perm_first_class_only},
        {"creator", USER_A, GROUP_A, 6, perm_sem_creator_read_grant, perm_sem_creator_read_deny,
         perm_sem_creator_write_grant, perm_sem_creator_write_deny, xsi_ipc_perm_first_class_only},
        {"owning group", USER_C, GROUP_B, 3, perm_sem_gowner_read_grant, perm_sem_gowner_read_deny,
         perm_sem_gowner_write_grant, perm_sem_gowner_write_deny, xsi_ipc_perm_group_class_exclusive},
        {"creating group", USER_C, GROUP_A, 3, perm_sem_gcreator_read_grant, perm_sem_gcreator_read_deny,
         perm_sem_gcreator_write_grant, perm_sem_gcreator_write_deny, xsi_ipc_perm_group_class_exclusive},
        {"other", USER_C, GROUP_C, 0, perm_sem_other_read_grant, perm_sem_other_read_deny,
         perm_sem_other_write_grant, perm_sem_other_write_deny, xsi_ipc_perm_other_class_last},
};

/* These bits for the class at shift, exactly the opposite for the two other classes. */
static int only(int shift, int bits)
{
        return bits << shift | (0111 * (BOTH & ~bits) & ~(07 << shift));
}

TEST(each_kind_of_caller_has_its_own_bits,
     VERIFIES(perm_sem_owner_read_grant, perm_sem_owner_read_deny,
              perm_sem_owner_write_grant, perm_sem_owner_write_deny,
              perm_sem_creator_read_grant, perm_sem_creator_read_deny,
              perm_sem_creator_write_grant, perm_sem_creator_write_deny,
              perm_sem_gowner_read_grant, perm_sem_gowner_read_deny,
              perm_sem_gowner_write_grant, perm_sem_gowner_write_deny,
              perm_sem_gcreator_read_grant, perm_sem_gcreator_read_deny,
              perm_sem_gcreator_write_grant, perm_sem_gcreator_write_deny,
              perm_sem_other_read_grant, perm_sem_other_read_deny,
              perm_sem_other_write_grant, perm_sem_other_write_deny))
{
        struct child child;

        EACH_ROW(c, callers) {
                const int modes[] = {only(c->shift, READ), only(c->shift, ALTER)};
                const struct gift *const gifts = give_away(2, modes);
                const int readable = gifts[0].set, alterable = gifts[1].set;

                CHILD(&child) {
                        become(c->uid, c->gid, NULL, 0);
                        EQ(c->read_grant, SEMOP(readable, OP(0, 0, IPC_NOWAIT)), 0);
                        FAILS_WITH(c->write_deny, EACCES, SEMOP(readable, OP(1, 1, IPC_NOWAIT)));
                        EQ(c->write_grant, SEMOP(alterable, OP(1, 1, IPC_NOWAIT)), 0);
                        FAILS_WITH(c->read_deny, EACCES, SEMOP(alterable, OP(0, 0, IPC_NOWAIT)));
                }
                join(&child);
        }
}

TEST(bits_of_no_other_class_count,
     VERIFIES(xsi_ipc_perm_first_class_only, xsi_ipc_perm_group_class_exclusive, xsi_ipc_perm_other_class_last))
{
        struct child child;

        EACH_ROW(c, callers) {
                const int shift = c->shift;
                const int modes[] = {only(shift, 0), only(shift, READ), only(shift, ALTER), only(shift, BOTH)};
                const struct gift *const gifts = give_away(4, modes);

                CHILD(&child) {
                        become(c->uid, c->gid, NULL, 0);
                        EQ(c->exclusive, access_to(gifts[0].set), 0);
                        EQ(c->exclusive, access_to(gifts[1].set), READ);
                        EQ(c->exclusive, access_to(gifts[2].set), ALTER);
                        EQ(c->exclusive, access_to(gifts[3].set), BOTH);
                }
                join(&child);
        }
}

/* The same without a second user: owner, creator and member of both groups in one person. */
TEST(user_bits_alone_count_for_the_sole_user, VERIFIES(xsi_ipc_perm_first_class_only))
{
        const int none = new_sems(2, only(6, 0)), readable = new_sems(2, only(6, READ));
        const int alterable = new_sems(2, only(6, ALTER)), open = new_sems(2, only(6, BOTH));

        drop_all_capabilities();
        EQ(xsi_ipc_perm_first_class_only, access_to(none), 0);
        EQ(xsi_ipc_perm_first_class_only, access_to(readable), READ);
        EQ(xsi_ipc_perm_first_class_only, access_to(alterable), ALTER);
        EQ(xsi_ipc_perm_first_class_only, access_to(open), BOTH);
}

TEST(one_bit_decides_reading, VERIFIES(xsi_ipc_perm_mode_bits_r))
{
        struct child child;

        EACH_ROW(c, callers) {
                const int modes[] = {READ << c->shift, 0777 & ~(READ << c->shift)};
                const struct gift *const gifts = give_away(2, modes);
                const int with = gifts[0].set, without = gifts[1].set;

                CHILD(&child) {
                        become(c->uid, c->gid, NULL, 0);
                        EQ(xsi_ipc_perm_mode_bits_r, SEMOP(with, OP(0, 0, IPC_NOWAIT)), 0);
                        EQ(xsi_ipc_perm_mode_bits_r, VAL(with, 1), 5);
                        FAILS_WITH(xsi_ipc_perm_mode_bits_r, EACCES, SEMOP(without, OP(0, 0, IPC_NOWAIT)));
                        FAILS_WITH(xsi_ipc_perm_mode_bits_r, EACCES, VAL(without, 1));
                }
                join(&child);
        }
}

TEST(one_bit_decides_altering, VERIFIES(xsi_ipc_perm_mode_bits_w))
{
        struct child child;

        EACH_ROW(c, callers) {
                const int modes[] = {ALTER << c->shift, 0777 & ~(ALTER << c->shift)};
                const struct gift *const gifts = give_away(2, modes);
                const int with = gifts[0].set, without = gifts[1].set;

                CHILD(&child) {
                        become(c->uid, c->gid, NULL, 0);
                        EQ(xsi_ipc_perm_mode_bits_w, SEMOP(with, OP(1, -1, IPC_NOWAIT)), 0);
                        EQ(xsi_ipc_perm_mode_bits_w, semctl(with, 0, SETVAL, ARG_VAL(7)), 0);
                        FAILS_WITH(xsi_ipc_perm_mode_bits_w, EACCES, SEMOP(without, OP(1, -1, IPC_NOWAIT)));
                        FAILS_WITH(xsi_ipc_perm_mode_bits_w, EACCES, semctl(without, 0, SETVAL, ARG_VAL(7)));
                }
                join(&child);
        }
}

/* mode-bits-r and -w for the user class, where there is no second user. */
TEST(one_bit_decides_for_the_sole_user, VERIFIES(xsi_ipc_perm_mode_bits_r, xsi_ipc_perm_mode_bits_w))
{
        const int readable = new_sems(2, 0400), unreadable = new_sems(2, 0377);
        const int alterable = new_sems(2, 0200), unalterable = new_sems(2, 0577);

        drop_all_capabilities();
        EQ(xsi_ipc_perm_mode_bits_r, access_to(readable), READ);
        EQ(xsi_ipc_perm_mode_bits_r, access_to(unreadable), ALTER);
        EQ(xsi_ipc_perm_mode_bits_w, access_to(alterable), ALTER);
        EQ(xsi_ipc_perm_mode_bits_w, access_to(unalterable), READ);
}

TEST(owner_set_later_has_the_user_bits, VERIFIES(xsi_ipc_perm_owner_after_ipcset))
{
        const int mode = 0600, set = give_away(1, &mode)->set;
        struct child owner;

        EQ(xsi_ipc_perm_owner_after_ipcset, access_as(USER_C, GROUP_B, set), 0);
        EQ(xsi_ipc_perm_owner_after_ipcset, access_as(USER_B, GROUP_C, set), BOTH);
        EQ(xsi_ipc_perm_owner_after_ipcset, access_as(USER_A, GROUP_C, set), BOTH);

        CHILD(&owner) {
                become(USER_B, GROUP_C, NULL, 0);
                set_owner(set, USER_C, GROUP_B, mode);
        }
        join(&owner);
        EQ(xsi_ipc_perm_owner_after_ipcset, access_as(USER_C, GROUP_B, set), BOTH);
        EQ(xsi_ipc_perm_owner_after_ipcset, access_as(USER_B, GROUP_C, set), 0);
        EQ(xsi_ipc_perm_owner_after_ipcset, access_as(USER_A, GROUP_C, set), BOTH);
}

TEST(group_set_later_has_the_group_bits, VERIFIES(xsi_ipc_perm_group_after_ipcset))
{
        const int mode = 0060, set = give_away(1, &mode)->set;
        struct child owner;

        EQ(xsi_ipc_perm_group_after_ipcset, access_as(USER_C, GROUP_C, set), 0);
        EQ(xsi_ipc_perm_group_after_ipcset, access_as(USER_C, GROUP_B, set), BOTH);
        EQ(xsi_ipc_perm_group_after_ipcset, access_as(USER_C, GROUP_A, set), BOTH);

        CHILD(&owner) {
                become(USER_B, GROUP_B, NULL, 0);
                set_owner(set, USER_B, GROUP_C, mode);
        }
        join(&owner);
        EQ(xsi_ipc_perm_group_after_ipcset, access_as(USER_C, GROUP_C, set), BOTH);
        EQ(xsi_ipc_perm_group_after_ipcset, access_as(USER_C, GROUP_B, set), 0);
        EQ(xsi_ipc_perm_group_after_ipcset, access_as(USER_C, GROUP_A, set), BOTH);
}

TEST(effective_ids_decide, VERIFIES(xsi_ipc_perm_effective_ids))
{
        static const struct {
                const char *name;
                struct {
                        unsigned real, effective, saved;
                } user, group;
                int granted;
        } rows[] = {
                {"effective user owns", {USER_C, USER_B, USER_C}, {GROUP_C, GROUP_C, GROUP_C}, BOTH},
                {"effective user created", {USER_C, USER_A, USER_C}, {GROUP_C, GROUP_C, GROUP_C}, BOTH},
                {"real user owns", {USER_B, USER_C, USER_C}, {GROUP_C, GROUP_C, GROUP_C}, 0},
                {"saved user owns", {USER_C, USER_C, USER_B}, {GROUP_C, GROUP_C, GROUP_C}, 0},
                {"effective group owns", {USER_C, USER_C, USER_C}, {GROUP_C, GROUP_B, GROUP_C}, READ},
                {"effective group created", {USER_C, USER_C, USER_C}, {GROUP_C, GROUP_A, GROUP_C}, READ},
                {"real group owns", {USER_C, USER_C, USER_C}, {GROUP_B, GROUP_C, GROUP_C}, 0},
                {"saved group owns", {USER_C, USER_C, USER_C}, {GROUP_C, GROUP_C, GROUP_B}, 0},
        };
        const int mode = 0640, set = give_away(1, &mode)->set;
        struct child child;

        EACH_ROW(r, rows) {
                CHILD(&child) {
                        MUST(setgroups(0, NULL));
                        MUST(setresgid(r->group.real, r->group.effective, r->group.saved));
                        MUST(setresuid(r->user.real, r->user.effective, r->user.saved));
                        drop_all_capabilities();
                        EQ(xsi_ipc_perm_effective_ids, access_to(set), r->granted);
                }
                join(&child);
        }
}

TEST(supplementary_group_counts, VERIFIES(xsi_ipc_perm_supplementary_groups))
{
        static const struct {
                const char *name;
                size_t count;
                gid_t groups[2];
                int open, closed;       /* access where the group bits grant all and the others none, and the reverse */
        } rows[] = {
                {"owning group", 2, {GROUP_A - 1, GROUP_B}, BOTH, 0},
                {"creating group", 2, {GROUP_A - 1, GROUP_A}, BOTH, 0},
                {"unrelated groups", 2, {GROUP_A - 1, GROUP_C + 1}, 0, BOTH},
        };
        const int modes[] = {0060, 0606};
        const struct gift *const gifts = give_away(2, modes);
        struct child child;

        EACH_ROW(r, rows) {
                CHILD(&child) {
                        become(USER_C, GROUP_C, r->groups, r->count);
                        EQ(xsi_ipc_perm_supplementary_groups, access_to(gifts[0].set), r->open);
                        EQ(xsi_ipc_perm_supplementary_groups, access_to(gifts[1].set), r->closed);
                }
                join(&child);
        }
}

TEST(filesystem_group_stands_for_the_effective_one, VERIFIES(xsi_ipc_perm_fsgid_used))
{
        static const struct {
                const char *name;
                gid_t effective, filesystem;
                int open, closed;
        } rows[] = {
                {"filesystem group owns", GROUP_C, GROUP_B, BOTH, 0},
                {"filesystem group created", GROUP_C, GROUP_A, BOTH, 0},
                {"effective group owns", GROUP_B, GROUP_C, 0, BOTH},
                {"effective group created", GROUP_A, GROUP_C, 0, BOTH},
        };
        const int modes[] = {0060, 0606};
        const struct gift *const gifts = give_away(2, modes);
        struct child child;

        EACH_ROW(r, rows) {
                CHILD(&child) {
                        MUST(setgroups(0, NULL));
                        MUST(setresgid(r->effective, r->effective, r->effective));
                        setfsgid(r->filesystem);
                        MUST(setresuid(USER_C, USER_C, USER_C));
                        drop_all_capabilities();
                        /* An impossible ID changes nothing and returns the present one. */
                        REQUIRE((gid_t)setfsgid((gid_t)-1) == r->filesystem && getegid() == r->effective);
                        EQ(xsi_ipc_perm_fsgid_used, access_to(gifts[0].set), r->open);
                        EQ(xsi_ipc_perm_fsgid_used, access_to(gifts[1].set), r->closed);
                }
                join(&child);
        }
}

TEST(execute_bits_mean_nothing, VERIFIES(xsi_ipc_perm_exec_bits_ignored))
{
        static const struct {
                const char *name;
                int bits;
        } rows[] = {{"no other bit", 0}, {"read bits", 0444}, {"alter bits", 0222}, {"read and alter bits", 0666}};
        struct semid_ds ds;

        drop_all_capabilities();
        EACH_ROW(r, rows) {
                const int without = new_sems(2, r->bits), with = new_sems(2, r->bits | 0111);

                EQ(xsi_ipc_perm_exec_bits_ignored, access_to(without), r->bits & BOTH);
                EQ(xsi_ipc_perm_exec_bits_ignored, access_to(with), r->bits & BOTH);
                if (r->bits & READ) {
                        EQ(xsi_ipc_perm_exec_bits_ignored, stat_of(without).sem_perm.mode & 0777, r->bits);
                        EQ(xsi_ipc_perm_exec_bits_ignored, stat_of(with).sem_perm.mode & 0777, r->bits | 0111);
                        set_mode(with, r->bits | 0010);
                        EQ(xsi_ipc_perm_exec_bits_ignored, stat_of(with).sem_perm.mode & 0777, r->bits | 0010);
                } else {
                        FAILS_WITH(xsi_ipc_perm_exec_bits_ignored, EACCES, semctl(without, 0, IPC_STAT, ARG_BUF(&ds)));
                        FAILS_WITH(xsi_ipc_perm_exec_bits_ignored, EACCES, semctl(with, 0, IPC_STAT, ARG_BUF(&ds)));
                }
        }
}

TEST(lookup_grants_no_more_than_the_mode, VERIFIES(semget_eacces))
{
        static const struct {
                const char *name;
                int mode, requested;
                bool granted;
        } rows[] = {
                {"read of none", 0077, 0400, false},     {"alter of none", 0077, 0200, false},
                {"both of none", 0077, 0600, false},     {"nothing of none", 0077, 0, true},
                {"read of read", 0422, 0400, true},      {"alter of read", 0466, 0200, false},
                {"both of read", 0466, 0600, false},     {"read of alter", 0266, 0400, false},
                {"alter of alter", 0244, 0200, true},    {"both of alter", 0266, 0600, false},
                {"read of both", 0600, 0400, true},      {"alter of both", 0600, 0200, true},
                {"both of both", 0600, 0600, true},      {"nothing of both", 0600, 0, true},
        };

        drop_all_capabilities();
        EACH_ROW(r, rows) {
                const key_t key = fresh_key();
                const int set = (int)MUST(semget(key, 2, IPC_CREAT | IPC_EXCL | r->mode));

                if (r->granted) {
                        EQ(semget_eacces, semget(key, 2, r->requested), set);
                        EQ(semget_eacces, semget(key, 2, IPC_CREAT | r->requested), set);
                } else {
                        FAILS_WITH(semget_eacces, EACCES, semget(key, 2, r->requested));
                        FAILS_WITH(semget_eacces, EACCES, semget(key, 2, IPC_CREAT | r->requested));
                        FAILS_WITH(semget_eacces, EACCES, semget(key, 0, r->requested));
                }
        }
}

TEST(lookup_asks_the_class_of_the_caller, VERIFIES(semget_eacces))
{
        struct child child;

        EACH_ROW(c, callers) {
                const int modes[] = {only(c->shift, READ), only(c->shift, ALTER)};
                const struct gift *const gifts = give_away(2, modes);
                const int read = READ << c->shift, alter = ALTER << c->shift;

                CHILD(&child) {
                        become(c->uid, c->gid, NULL, 0);
                        EQ(semget_eacces, semget(gifts[0].key, 2, read), gifts[0].set);
                        FAILS_WITH(semget_eacces, EACCES, semget(gifts[0].key, 2, alter));
                        EQ(semget_eacces, semget(gifts[1].key, 2, alter), gifts[1].set);
                        FAILS_WITH(semget_eacces, EACCES, semget(gifts[1].key, 2, read));
                }
                join(&child);
        }
}

TEST(lookup_judges_size_before_permission, VERIFIES(semget_einval_before_eacces))
{
        const key_t key = fresh_key();
        const int set = (int)MUST(semget(key, 2, IPC_CREAT | IPC_EXCL | 0077));

        drop_all_capabilities();
        FAILS_WITH(semget_einval_before_eacces, EACCES, semget(key, 2, 0600));
        FAILS_WITH(semget_einval_before_eacces, EINVAL, semget(key, 3, 0600));
        FAILS_WITH(semget_einval_before_eacces, EINVAL, semget(key, 3, 0));
        EQ(semget_einval_before_eacces, semget(key, 2, 0), set);
}
