/* SPDX-License-Identifier: MIT
 *
 * What calls that are no operations ask of a caller without privilege: msgget(), semget() and shmget() the permissions
 * that their flags name, commands that tell of an object read permission or nothing, IPC_SET and IPC_RMID ownership.
 */
#include <grp.h>

#include "ipck_mechanism.h"

/* What each call promises, by mechanism. */
static const struct promises {
        enum ipck_requirement get, get_nothing, stat, stat_index, stat_any;
} promises[3] = {
        [QUEUE] = {msgget_eacces_mode, msgget_eacces_zero_request, msgctl_stat_eacces, msgctl_stat_idx_eacces,
                   msgctl_stat_any_no_perm},
        [SET] = {semget_eacces, perm_sem_get_zero_request, semctl_stat_eacces, perm_sem_stat_idx_deny, semctl_stat_any},
        [SEGMENT] = {shmget_eacces, perm_shm_get_zero_request, shmctl_stat_eacces, perm_shm_stat_idx_deny,
                     shmctl_stat_any},
};

/* A caller of each kind to a gift, and where the class that it belongs to has its bits. */
static const struct caller {
        const char *name;
        uid_t uid;
        gid_t gid;
        int shift;
} callers[] = {
        {"owner", USER_B, GROUP_B, 6},          {"creator", USER_A, GROUP_A, 6},
        {"owning group", USER_C, GROUP_B, 3},   {"creating group", USER_C, GROUP_A, 3},
        {"other", USER_C, GROUP_C, 0},
};

/* Two gifts, the first with these bits alone, the second with all others alone, for the class at shift. */
static void set_two_modes(const struct mechanism *m, const struct gift *gifts, int shift, int bits)
{
        const int modes[2] = {bits << shift, 0777 & ~(bits << shift)};

        set_gift_modes(m, gifts, 2, modes);
}

/* ---- looking up by key ---- */

TEST(lookup_asks_the_class_of_the_caller, VERIFIES(msgget_eacces_mode, semget_eacces, shmget_eacces))
{
        struct child child;

        EACH_ROW(m, mechanisms) {
                const enum ipck_requirement req = promises[m - mechanisms].get;
                const struct gift *const gifts = new_gifts(m, 2);

                EACH_ROW(c, callers) {
                        const int read = READ << c->shift, write = WRITE << c->shift;

                        set_two_modes(m, gifts, c->shift, READ);
                        CHILD(&child) {
                                become(c->uid, c->gid, NULL, 0);
                                EQ(req, m->get(gifts[0].key, read), gifts[0].id);
                                FAILS_WITH(req, EACCES, m->get(gifts[0].key, write));
                                EQ(req, m->get(gifts[1].key, write), gifts[1].id);
                                FAILS_WITH(req, EACCES, m->get(gifts[1].key, read));
                        }
                        join(&child);
                }
        }
}

TEST(lookup_grants_no_more_than_the_mode, VERIFIES(msgget_eacces_mode, semget_eacces, shmget_eacces))
{
        static const struct {
                const char *name;
                int mode, requested;
                bool granted;
        } rows[] = {
                {"read of none", 0077, 0400, false},    {"write of none", 0077, 0200, false},
                {"both of none", 0077, 0600, false},    {"read of read", 0422, 0400, true},
                {"write of read", 0466, 0200, false},   {"both of read", 0466, 0600, false},
                {"read of write", 0266, 0400, false},   {"write of write", 0244, 0200, true},
                {"both of write", 0266, 0600, false},   {"read of both", 0600, 0400, true},
                {"write of both", 0600, 0200, true},    {"both of both", 0600, 0600, true},
        };

        drop_all_capabilities();
        EACH_ROW(m, mechanisms) {
                const enum ipck_requirement req = promises[m - mechanisms].get;
                const key_t key = fresh_key();
                const int id = must_fit_in(m, m->get(key, IPC_CREAT | IPC_EXCL | 0600));

                EACH_ROW(r, rows) {
                        set_mode_of(m, id, r->mode);
                        if (r->granted) {
                                EQ(req, m->get(key, r->requested), id);
                                EQ(req, m->get(key, IPC_CREAT | r->requested), id);
                        } else {
                                FAILS_WITH(req, EACCES, m->get(key, r->requested));
                                FAILS_WITH(req, EACCES, m->get(key, IPC_CREAT | r->requested));
                        }
                }
        }
}

TEST(owner_who_asks_for_nothing_is_told_the_identifier,
     VERIFIES(msgget_eacces_zero_request, perm_sem_get_zero_request, perm_shm_get_zero_request))
{
        drop_all_capabilities();
        EACH_ROW(m, mechanisms) {
                const enum ipck_requirement req = promises[m - mechanisms].get_nothing;
                const key_t key = fresh_key();
                const int id = must_fit_in(m, m->get(key, IPC_CREAT | IPC_EXCL));

                REQUIRE(m->get(key, 0400) == -1 && errno == EACCES);
                EQ(req, m->get(key, 0), id);
                EQ(req, m->get(key, IPC_CREAT), id);
        }
}

TEST(who_asks_for_nothing_is_told_the_identifier,
     VERIFIES(msgget_eacces_zero_request, perm_sem_get_zero_request, perm_shm_get_zero_request))
{
        struct child child;

        EACH_ROW(m, mechanisms) {
                const enum ipck_requirement req = promises[m - mechanisms].get_nothing;
                const struct gift gift = new_gift(m, 0);

                EACH_ROW(c, callers) {
                        CHILD(&child) {
                                become(c->uid, c->gid, NULL, 0);
                                REQUIRE(m->get(gift.key, READ << c->shift) == -1 && errno == EACCES);
                                EQ(req, m->get(gift.key, 0), gift.id);
                                EQ(req, m->get(gift.key, IPC_CREAT), gift.id);
                        }
                        join(&child);
                }
        }
}

/* ---- being told of an object ---- */

TEST(description_needs_read_permission_alone, VERIFIES(msgctl_stat_eacces, semctl_stat_eacces, shmctl_stat_eacces))
{
        struct child child;

        EACH_ROW(m, mechanisms) {
                const enum ipck_requirement req = promises[m - mechanisms].stat;
                const struct gift *const gifts = new_gifts(m, 2);

                EACH_ROW(c, callers) {
                        set_two_modes(m, gifts, c->shift, READ);
                        CHILD(&child) {
                                struct ipc_perm perm;

                                become(c->uid, c->gid, NULL, 0);
                                EQ(req, m->stat(gifts[0].id, &perm), 0);
                                FAILS_WITH(req, EACCES, m->stat(gifts[1].id, &perm));
                        }
                        join(&child);
                }
        }
}

/* Where two gifts lie in the table, looked up while everybody may read them. */
static void find_indexes(const struct mechanism *m, const struct gift *gifts, int index[2])
{
        static const int modes[2] = {0666, 0666};

        set_gift_modes(m, gifts, 2, modes);
        for (int i = 0; i < 2; i++)
                index[i] = index_of(m, gifts[i].id);
}

TEST(description_by_index_needs_read_permission_alone,
     VERIFIES(msgctl_stat_idx_eacces, perm_sem_stat_idx_deny, perm_shm_stat_idx_deny))
{
        struct child child;

        EACH_ROW(m, mechanisms) {
                const enum ipck_requirement req = promises[m - mechanisms].stat_index;
                const struct gift *const gifts = new_gifts(m, 2);
                int index[2];

                find_indexes(m, gifts, index);
                EACH_ROW(c, callers) {
                        set_two_modes(m, gifts, c->shift, READ);
                        CHILD(&child) {
                                struct ipc_perm perm;

                                become(c->uid, c->gid, NULL, 0);
                                EQ(req, m->stat_index(index[0], &perm), gifts[0].id);
                                FAILS_WITH(req, EACCES, m->stat_index(index[1], &perm));
                        }
                        join(&child);
                }
        }
}

/* The same without a second user. */
TEST(owner_needs_read_permission_for_a_description,
     VERIFIES(msgctl_stat_eacces, semctl_stat_eacces, shmctl_stat_eacces, msgctl_stat_idx_eacces,
              perm_sem_stat_idx_deny, perm_shm_stat_idx_deny))
{
        struct ipc_perm perm;

        drop_all_capabilities();
        EACH_ROW(m, mechanisms) {
                const struct promises *const req = &promises[m - mechanisms];
                const int id = new_object(m, 0400), index = index_of(m, id);

                EQ(req->stat, m->stat(id, &perm), 0);
                EQ(req->stat_index, m->stat_index(index, &perm), id);
                set_mode_of(m, id, 0377);
                FAILS_WITH(req->stat, EACCES, m->stat(id, &perm));
                FAILS_WITH(req->stat_index, EACCES, m->stat_index(index, &perm));
        }
}

TEST(some_description_needs_no_permission, VERIFIES(msgctl_stat_any_no_perm, semctl_stat_any, shmctl_stat_any))
{
        struct child child;

        EACH_ROW(m, mechanisms) {
                const enum ipck_requirement req = promises[m - mechanisms].stat_any;
                const struct gift *const gifts = new_gifts(m, 2);
                struct ipc_perm perm;
                int index[2];

                find_indexes(m, gifts, index);
                if (m->stat_any(index[1], &perm) == -1 && errno == EINVAL)
                        UNSUPPORTED("a command that describes a %s without permission (MSG_STAT_ANY ..)", m->name);
                EACH_ROW(c, callers) {
                        set_two_modes(m, gifts, c->shift, READ);
                        CHILD(&child) {
                                become(c->uid, c->gid, NULL, 0);
                                REQUIRE(m->stat_index(index[1], &perm) == -1 && errno == EACCES);
                                memset(&perm, 0x5a, sizeof(perm));
                                EQ(req, m->stat_any(index[1], &perm), gifts[1].id);
                                EQ(req, perm.mode & 0777, 0777 & ~(READ << c->shift));
                                EQ(req, perm.uid, USER_B);
                                EQ(req, perm.cuid, USER_A);
                        }
                        join(&child);
                }
        }
}

/* ---- changing and removing an object ---- */

/* No group makes an owner of its members. */
enum { OWNER, CREATOR, NEITHER };
static const enum ipck_requirement set_promises[3][3] = {
        [QUEUE] = {msgctl_set_by_owner, msgctl_set_by_creator, msgctl_set_eperm_other},
        [SET] = {perm_sem_set_owner, perm_sem_set_creator, semctl_set_eperm},
        [SEGMENT] = {perm_shm_set_owner, perm_shm_set_creator, shmctl_set_eperm},
};
static const enum ipck_requirement rmid_promises[3][3] = {
        [QUEUE] = {perm_msg_rmid_owner, msgctl_rmid_by_creator_after_chown, msgctl_rmid_eperm},
        [SET] = {perm_sem_rmid_owner, perm_sem_rmid_creator, semctl_rmid_eperm},
        [SEGMENT] = {perm_shm_rmid_owner, shmctl_rmid_by_creator_after_chown, shmctl_rmid_eperm},
};

static const struct person {
        const char *name;
        struct {
                unsigned real, effective, saved;
        } user;
        gid_t gid, group;               /* the second is a supplementary one */
        int is;
} people[] = {
        {"owning group", {USER_C, USER_C, USER_C}, GROUP_B, GROUP_C, NEITHER},
        {"creating group", {USER_C, USER_C, USER_C}, GROUP_A, GROUP_C, NEITHER},
        {"supplementary owning group", {USER_C, USER_C, USER_C}, GROUP_C, GROUP_B, NEITHER},
        {"supplementary creating group", {USER_C, USER_C, USER_C}, GROUP_C, GROUP_A, NEITHER},
        {"other", {USER_C, USER_C, USER_C}, GROUP_C, GROUP_C, NEITHER},
        {"owner by real ID", {USER_B, USER_C, USER_C}, GROUP_C, GROUP_C, NEITHER},
        {"creator by real ID", {USER_A, USER_C, USER_C}, GROUP_C, GROUP_C, NEITHER},
        {"owner by saved ID", {USER_C, USER_C, USER_B}, GROUP_C, GROUP_C, NEITHER},
        {"creator by saved ID", {USER_C, USER_C, USER_A}, GROUP_C, GROUP_C, NEITHER},
        {"owner", {USER_B, USER_B, USER_B}, GROUP_C, GROUP_C, OWNER},
        {"creator", {USER_A, USER_A, USER_A}, GROUP_C, GROUP_C, CREATOR},
        {"owner by effective ID", {USER_C, USER_B, USER_C}, GROUP_C, GROUP_C, OWNER},
        {"creator by effective ID", {USER_C, USER_A, USER_C}, GROUP_C, GROUP_C, CREATOR},
};

static void be(const struct person *p)
{
        MUST(setgroups(1, &p->group));
        MUST(setresgid(p->gid, p->gid, p->gid));
        MUST(setresuid(p->user.real, p->user.effective, p->user.saved));
        drop_all_capabilities();
}

static const struct mode {
        const char *name;
        int mode;
} all_or_nothing[] = {{"mode 0", 0}, {"mode 0777", 0777}};

TEST(ipc_set_is_for_owner_and_creator,
     VERIFIES(msgctl_set_by_owner, msgctl_set_by_creator, msgctl_set_eperm_other, perm_sem_set_owner,
              perm_sem_set_creator, semctl_set_eperm, perm_shm_set_owner, perm_shm_set_creator, shmctl_set_eperm),
     KERNEL_ALONE)
{
        struct child child;

        EACH_ROW(m, mechanisms) {
                const struct gift *const gift = new_gifts(m, 1);

                EACH_ROW(mode, all_or_nothing) {
                        EACH_ROW(p, people) {
                                const enum ipck_requirement req = set_promises[m - mechanisms][p->is];

                                set_gift_modes(m, gift, 1, &mode->mode);
                                CHILD(&child) {
                                        be(p);
                                        if (p->is != NEITHER) {
                                                EQ(req, m->set(gift->id, USER_B, GROUP_B, 0640), 0);
                                                EQ(req, perm_of(m, gift->id).mode & 0777, 0640);
                                        } else {
                                                FAILS_WITH(req, EPERM, m->set(gift->id, USER_B, GROUP_B, 0640));
                                                FAILS_WITH(req, EPERM, m->set(gift->id, USER_C, GROUP_B, 0777));
                                                FAILS_WITH(req, EPERM, m->set(gift->id, USER_B, GROUP_C, 0777));
                                                FAILS_WITH(req, EPERM, m->set(gift->id, USER_B, GROUP_B, mode->mode));
                                        }
                                }
                                join(&child);
                        }
                }
        }
}

TEST(ipc_set_that_is_refused_changes_nothing, VERIFIES(msgctl_set_eperm_other, semctl_set_eperm, shmctl_set_eperm))
{
        struct child child;

        EACH_ROW(m, mechanisms) {
                const enum ipck_requirement req = set_promises[m - mechanisms][NEITHER];
                const int id = new_gift(m, 0606).id;

                CHILD(&child) {
                        become(USER_C, GROUP_C, NULL, 0);
                        FAILS_WITH(req, EPERM, m->set(id, USER_C, GROUP_C, 0777));
                        const struct ipc_perm perm = perm_of(m, id);
                        EQ(req, perm.uid, USER_B);
                        EQ(req, perm.gid, GROUP_B);
                        EQ(req, perm.cuid, USER_A);
                        EQ(req, perm.cgid, GROUP_A);
                        EQ(req, perm.mode & 0777, 0606);
                }
                join(&child);
        }
}

TEST(ipc_rmid_is_for_owner_and_creator,
     VERIFIES(perm_msg_rmid_owner, msgctl_rmid_by_creator_after_chown, msgctl_rmid_eperm, perm_sem_rmid_owner,
              perm_sem_rmid_creator, semctl_rmid_eperm, perm_shm_rmid_owner, shmctl_rmid_by_creator_after_chown,
              shmctl_rmid_eperm),
     KERNEL_ALONE)
{
        struct child child;

        EACH_ROW(m, mechanisms) {
                EACH_ROW(mode, all_or_nothing) {
                        struct gift gift = new_gift(m, mode->mode);

                        EACH_ROW(p, people) {
                                const enum ipck_requirement req = rmid_promises[m - mechanisms][p->is];

                                CHILD(&child) {
                                        be(p);
                                        if (p->is != NEITHER) {
                                                EQ(req, m->remove(gift.id), 0);
                                                FAILS_WITH(req, ENOENT, m->get(gift.key, 0));
                                        } else {
                                                FAILS_WITH(req, EPERM, m->remove(gift.id));
                                                EQ(req, m->get(gift.key, 0), gift.id);
                                        }
                                }
                                join(&child);
                                if (p->is != NEITHER)
                                        gift = new_gift(m, mode->mode);
                        }
                }
        }
}
