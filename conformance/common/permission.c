/* SPDX-License-Identifier: MIT
 *
 * Who may read and write a queue, a semaphore set or a segment: the classes user, group and other, and the IDs of
 * object and caller that decide which of them a caller belongs to. No caller here is privileged; capability.c is about
 * those, and permission_calls.c about calls that are no operations.
 */
#include <grp.h>
#include <sys/fsuid.h>

#include "ipck_mechanism.h"

struct bits {
        enum ipck_requirement read_grant, read_deny, write_grant, write_deny;
};

#define ROWS(kind, caller)                                                                              \
        perm_##kind##_##caller##_read_grant, perm_##kind##_##caller##_read_deny,                        \
        perm_##kind##_##caller##_write_grant, perm_##kind##_##caller##_write_deny
#define ALL_ROWS(kind)                                                                                  \
        ROWS(kind, owner), ROWS(kind, creator), ROWS(kind, gowner), ROWS(kind, gcreator), ROWS(kind, other)
#define EACH_KIND(caller) {[QUEUE] = {ROWS(msg, caller)}, [SET] = {ROWS(sem, caller)}, [SEGMENT] = {ROWS(shm, caller)}}

/* A caller of each kind to a gift, and where the class that it belongs to has its bits. Owner and creator match by user
 * and by group, so that looking at the group first would show. */
static const struct caller {
        const char *name;
        uid_t uid;
        gid_t gid;
        int shift;
        enum ipck_requirement exclusive;
        struct bits bits[3];
} callers[] = {
        {"owner", USER_B, GROUP_B, 6, xsi_ipc_perm_first_class_only, EACH_KIND(owner)},
        {"creator", USER_A, GROUP_A, 6, xsi_ipc_perm_first_class_only, EACH_KIND(creator)},
        {"owning group", USER_C, GROUP_B, 3, xsi_ipc_perm_group_class_exclusive, EACH_KIND(gowner)},
        {"creating group", USER_C, GROUP_A, 3, xsi_ipc_perm_group_class_exclusive, EACH_KIND(gcreator)},
        {"other", USER_C, GROUP_C, 0, xsi_ipc_perm_other_class_last, EACH_KIND(other)},
};

enum { MODES = 4 };

/* ---- the bits of a class ---- */

/* All that a mode has, or lacks, are bits of the class at shift. */
static void set_modes_for_class(const struct mechanism *m, const struct gift *gifts, int shift)
{
        const int modes[MODES] = {
                READ << shift, 0666 & ~(READ << shift), m->write_needs << shift, 0666 & ~(WRITE << shift),
        };

        set_gift_modes(m, gifts, MODES, modes);
}

static void expect_the_bits_to_decide(const struct mechanism *m, const struct gift *gifts, const struct bits *req)
{
        EQ(req->read_grant, m->read(gifts[0].id), 0);
        FAILS_WITH(req->read_deny, EACCES, m->read(gifts[1].id));
        EQ(req->write_grant, m->write(gifts[2].id), 0);
        FAILS_WITH(req->write_deny, EACCES, m->write(gifts[3].id));
}

TEST(each_kind_of_caller_has_its_own_bits, VERIFIES(ALL_ROWS(msg), ALL_ROWS(sem), ALL_ROWS(shm)))
{
        struct child child;

        EACH_ROW(m, mechanisms) {
                const struct gift *const gifts = new_gifts(m, MODES);

                EACH_ROW(c, callers) {
                        set_modes_for_class(m, gifts, c->shift);
                        CHILD(&child) {
                                become(c->uid, c->gid, NULL, 0);
                                expect_the_bits_to_decide(m, gifts, &c->bits[m - mechanisms]);
                        }
                        join(&child);
                }
        }
}

TEST(one_bit_decides, VERIFIES(xsi_ipc_perm_mode_bits_r, xsi_ipc_perm_mode_bits_w))
{
        struct child child;

        EACH_ROW(m, mechanisms) {
                const struct gift *const gifts = new_gifts(m, MODES + 1);

                EACH_ROW(c, callers) {
                        const int read = READ << c->shift, write = WRITE << c->shift;
                        const int modes[MODES + 1] = {read, 0777 & ~read, write, 0777 & ~write, read | write};

                        set_gift_modes(m, gifts, MODES + 1, modes);
                        CHILD(&child) {
                                become(c->uid, c->gid, NULL, 0);
                                EQ(xsi_ipc_perm_mode_bits_r, access_to(m, gifts[0].id), access_by(m, READ));
                                EQ(xsi_ipc_perm_mode_bits_r, access_to(m, gifts[1].id), access_by(m, WRITE));
                                EQ(xsi_ipc_perm_mode_bits_w, access_to(m, gifts[2].id), access_by(m, WRITE));
                                EQ(xsi_ipc_perm_mode_bits_w, access_to(m, gifts[3].id), access_by(m, READ));
                                /* Nobody writes to a segment who may not read it. */
                                EQ(xsi_ipc_perm_mode_bits_w, access_to(m, gifts[4].id) & WRITE, WRITE);
                        }
                        join(&child);
                }
        }
}

/* mode-bits-r and -w for the user class, where there is no second user. */
TEST(one_bit_decides_for_the_sole_user, VERIFIES(xsi_ipc_perm_mode_bits_r, xsi_ipc_perm_mode_bits_w))
{
        drop_all_capabilities();
        EACH_ROW(m, mechanisms) {
                const int id = new_object(m, 0600);

                set_mode_of(m, id, 0400);
                EQ(xsi_ipc_perm_mode_bits_r, access_to(m, id), access_by(m, READ));
                set_mode_of(m, id, 0377);
                EQ(xsi_ipc_perm_mode_bits_r, access_to(m, id), access_by(m, WRITE));
                set_mode_of(m, id, 0200);
                EQ(xsi_ipc_perm_mode_bits_w, access_to(m, id), access_by(m, WRITE));
                set_mode_of(m, id, 0577);
                EQ(xsi_ipc_perm_mode_bits_w, access_to(m, id), access_by(m, READ));
                set_mode_of(m, id, 0777);
                EQ(xsi_ipc_perm_mode_bits_w, access_to(m, id), BOTH);
        }
}

/* ---- the bits of the other classes ---- */

/* These bits for the class at shift, exactly the opposite for the two other classes. */
static int only(int shift, int bits)
{
        return bits << shift | (0111 * (BOTH & ~bits) & ~(07 << shift));
}

TEST(bits_of_no_other_class_count,
     VERIFIES(xsi_ipc_perm_first_class_only, xsi_ipc_perm_group_class_exclusive, xsi_ipc_perm_other_class_last))
{
        struct child child;

        EACH_ROW(m, mechanisms) {
                const struct gift *const gifts = new_gifts(m, MODES);

                EACH_ROW(c, callers) {
                        const int modes[MODES] = {
                                only(c->shift, 0), only(c->shift, READ), only(c->shift, WRITE), only(c->shift, BOTH),
                        };

                        set_gift_modes(m, gifts, MODES, modes);
                        CHILD(&child) {
                                become(c->uid, c->gid, NULL, 0);
                                EQ(c->exclusive, access_to(m, gifts[0].id), 0);
                                EQ(c->exclusive, access_to(m, gifts[1].id), access_by(m, READ));
                                EQ(c->exclusive, access_to(m, gifts[2].id), access_by(m, WRITE));
                                EQ(c->exclusive, access_to(m, gifts[3].id), BOTH);
                        }
                        join(&child);
                }
        }
}

/* The same without a second user: owner, creator and member of both groups in one person. */
TEST(user_bits_alone_count_for_the_sole_user, VERIFIES(xsi_ipc_perm_first_class_only))
{
        drop_all_capabilities();
        EACH_ROW(m, mechanisms) {
                const int id = new_object(m, 0600);

                set_mode_of(m, id, only(6, 0));
                EQ(xsi_ipc_perm_first_class_only, access_to(m, id), 0);
                set_mode_of(m, id, only(6, READ));
                EQ(xsi_ipc_perm_first_class_only, access_to(m, id), access_by(m, READ));
                set_mode_of(m, id, only(6, WRITE));
                EQ(xsi_ipc_perm_first_class_only, access_to(m, id), access_by(m, WRITE));
                set_mode_of(m, id, only(6, BOTH));
                EQ(xsi_ipc_perm_first_class_only, access_to(m, id), BOTH);
        }
}

TEST(execute_bits_mean_nothing, VERIFIES(xsi_ipc_perm_exec_bits_ignored))
{
        static const struct {
                const char *name;
                int bits;
        } rows[] = {{"no other bit", 0}, {"read bits", 0444}, {"write bits", 0222}, {"read and write bits", 0666}};

        drop_all_capabilities();
        EACH_ROW(m, mechanisms) {
                const int id = new_object(m, 0600);

                EACH_ROW(r, rows) {
                        const int access = access_by(m, r->bits & BOTH);
                        struct ipc_perm perm;

                        set_mode_of(m, id, r->bits);
                        EQ(xsi_ipc_perm_exec_bits_ignored, access_to(m, id), access);
                        const int described = m->stat(id, &perm);
                        set_mode_of(m, id, r->bits | 0111);
                        EQ(xsi_ipc_perm_exec_bits_ignored, access_to(m, id), access);
                        if (r->bits & READ) {
                                EQ(xsi_ipc_perm_exec_bits_ignored, perm_of(m, id).mode & 0777, r->bits | 0111);
                                set_mode_of(m, id, r->bits | 0010);
                                EQ(xsi_ipc_perm_exec_bits_ignored, perm_of(m, id).mode & 0777, r->bits | 0010);
                        }
                        EQ(xsi_ipc_perm_exec_bits_ignored, m->stat(id, &perm), described);
                }
        }
}

/* ---- which IDs count ---- */

/* access_to() for another user. */
static int access_as(uid_t uid, gid_t gid, const struct mechanism *m, int id)
{
        struct {
                int granted, error;
        } *seen = shared(sizeof(*seen));
        struct child caller;

        CHILD(&caller) {
                become(uid, gid, NULL, 0);
                seen->granted = access_to(m, id);
                seen->error = errno;
        }
        join(&caller);
        errno = seen->error;
        return seen->granted;
}

/* USER_B, who has been the owner so far, gives the object away. */
static void pass_on(const struct mechanism *m, int id, uid_t uid, gid_t gid, int mode)
{
        struct child owner;

        CHILD(&owner) {
                become(USER_B, GROUP_C, NULL, 0);
                MUST(m->set(id, uid, gid, mode));
        }
        join(&owner);
}

TEST(owner_set_later_has_the_user_bits, VERIFIES(xsi_ipc_perm_owner_after_ipcset))
{
        EACH_ROW(m, mechanisms) {
                const int id = new_gift(m, 0600).id;

                EQ(xsi_ipc_perm_owner_after_ipcset, access_as(USER_C, GROUP_B, m, id), 0);
                EQ(xsi_ipc_perm_owner_after_ipcset, access_as(USER_B, GROUP_C, m, id), BOTH);
                EQ(xsi_ipc_perm_owner_after_ipcset, access_as(USER_A, GROUP_C, m, id), BOTH);

                pass_on(m, id, USER_C, GROUP_B, 0600);
                EQ(xsi_ipc_perm_owner_after_ipcset, access_as(USER_C, GROUP_B, m, id), BOTH);
                EQ(xsi_ipc_perm_owner_after_ipcset, access_as(USER_B, GROUP_C, m, id), 0);
                EQ(xsi_ipc_perm_owner_after_ipcset, access_as(USER_A, GROUP_C, m, id), BOTH);
        }
}

TEST(group_set_later_has_the_group_bits, VERIFIES(xsi_ipc_perm_group_after_ipcset))
{
        EACH_ROW(m, mechanisms) {
                const int id = new_gift(m, 0060).id;

                EQ(xsi_ipc_perm_group_after_ipcset, access_as(USER_C, GROUP_C, m, id), 0);
                EQ(xsi_ipc_perm_group_after_ipcset, access_as(USER_C, GROUP_B, m, id), BOTH);
                EQ(xsi_ipc_perm_group_after_ipcset, access_as(USER_C, GROUP_A, m, id), BOTH);

                pass_on(m, id, USER_B, GROUP_C, 0060);
                EQ(xsi_ipc_perm_group_after_ipcset, access_as(USER_C, GROUP_C, m, id), BOTH);
                EQ(xsi_ipc_perm_group_after_ipcset, access_as(USER_C, GROUP_B, m, id), 0);
                EQ(xsi_ipc_perm_group_after_ipcset, access_as(USER_C, GROUP_A, m, id), BOTH);
        }
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
        struct child child;

        EACH_ROW(m, mechanisms) {
                const int id = new_gift(m, 0640).id;

                EACH_ROW(r, rows) {
                        CHILD(&child) {
                                MUST(setgroups(0, NULL));
                                MUST(setresgid(r->group.real, r->group.effective, r->group.saved));
                                MUST(setresuid(r->user.real, r->user.effective, r->user.saved));
                                drop_all_capabilities();
                                EQ(xsi_ipc_perm_effective_ids, access_to(m, id), r->granted);
                        }
                        join(&child);
                }
        }
}

/* ---- more groups than POSIX speaks of ---- */

static const struct bits supplementary = {
        xsi_ipc_perm_supplementary_groups, xsi_ipc_perm_supplementary_groups,
        xsi_ipc_perm_supplementary_groups, xsi_ipc_perm_supplementary_groups,
};

TEST(supplementary_group_counts, VERIFIES(xsi_ipc_perm_supplementary_groups))
{
        static const struct {
                const char *name;
                gid_t groups[2];
                int shift;              /* of the class that this makes the caller a member of */
        } rows[] = {
                {"owning group", {GROUP_A - 1, GROUP_B}, 3},
                {"creating group", {GROUP_A, GROUP_C + 1}, 3},
                {"unrelated groups", {GROUP_A - 1, GROUP_C + 1}, 0},
        };
        struct child child;

        EACH_ROW(m, mechanisms) {
                const struct gift *const gifts = new_gifts(m, MODES);

                EACH_ROW(r, rows) {
                        set_modes_for_class(m, gifts, r->shift);
                        CHILD(&child) {
                                become(USER_C, GROUP_C, r->groups, 2);
                                expect_the_bits_to_decide(m, gifts, &supplementary);
                        }
                        join(&child);
                }
        }
}

TEST(filesystem_group_stands_for_the_effective_one, VERIFIES(xsi_ipc_perm_fsgid_used))
{
        static const struct {
                const char *name;
                gid_t effective, filesystem;
                int open, closed;       /* access where the group bits grant all and the others none, and the reverse */
        } rows[] = {
                {"filesystem group owns", GROUP_C, GROUP_B, BOTH, 0},
                {"filesystem group created", GROUP_C, GROUP_A, BOTH, 0},
                {"effective group owns", GROUP_B, GROUP_C, 0, BOTH},
                {"effective group created", GROUP_A, GROUP_C, 0, BOTH},
        };
        struct child child;

        EACH_ROW(m, mechanisms) {
                const int open = new_gift(m, 0060).id, closed = new_gift(m, 0606).id;

                EACH_ROW(r, rows) {
                        CHILD(&child) {
                                MUST(setgroups(0, NULL));
                                MUST(setresgid(r->effective, r->effective, r->effective));
                                setfsgid(r->filesystem);
                                MUST(setresuid(USER_C, USER_C, USER_C));
                                drop_all_capabilities();
                                /* An impossible ID changes nothing and returns the present one. */
                                if ((gid_t)setfsgid((gid_t)-1) != r->filesystem)
                                        UNSUPPORTED("a filesystem group of a process (setfsgid)");
                                REQUIRE(getegid() == r->effective);
                                EQ(xsi_ipc_perm_fsgid_used, access_to(m, open), r->open);
                                EQ(xsi_ipc_perm_fsgid_used, access_to(m, closed), r->closed);
                        }
                        join(&child);
                }
        }
}
