/* SPDX-License-Identifier: MIT
 *
 * fchown() on shared memory objects.
 */
#include <limits.h>
#include <linux/capability.h>

#include "ipck_posix_shm.h"

enum { KEEP = -1 };

static void expect_ids(enum ipck_requirement req, int fd, uid_t uid, gid_t gid)
{
        const struct stat st = fstat_of(fd);

        EQ(req, st.st_uid, uid);
        EQ(req, st.st_gid, gid);
}

/* An object of USER_A and GROUP_A, and a descriptor of it. */
static int object_of_a(mode_t mode)
{
        struct child owner;

        CHILD(&owner) {
                become(USER_A, GROUP_A, NULL, 0);
                MUST(fchmod(new_shm(OBJECT_NAME, 1), mode));
        }
        join(&owner);
        return open_shm(O_RDWR);
}

TEST(privileged_process_sets_any_ids, VERIFIES(fchown_shm_root_changes))
{
        static const struct {
                const char *name;
                uid_t uid;
                gid_t gid;
        } rows[] = {
                {"both", USER_B, GROUP_B}, {"owner", USER_C, GROUP_B}, {"group", USER_C, GROUP_C}, {"root", 0, 0},
                {"the same", 0, 0}, {"back", USER_A, GROUP_A},
        };
        const int fd = object_of_a(0600);

        if (!has_capability(CAP_CHOWN))
                UNSUPPORTED("CAP_CHOWN");
        EACH_ROW(row, rows) {
                EQ(fchown_shm_root_changes, fchown(fd, row->uid, row->gid), 0);
                expect_ids(fchown_shm_root_changes, fd, row->uid, row->gid);
                expect_ids(fchown_shm_root_changes, open_shm(O_RDONLY), row->uid, row->gid);
        }
        EQ(fchown_shm_root_changes, fchown(open_shm(O_RDONLY), USER_B, GROUP_B), 0);
        expect_ids(fchown_shm_root_changes, fd, USER_B, GROUP_B);
}

TEST(owner_sets_a_group_of_its_own, VERIFIES(fchown_shm_owner_changes_group))
{
        const gid_t groups[] = {GROUP_C, GROUP_B};
        const int fd = object_of_a(0600);
        struct child owner;

        CHILD(&owner) {
                become(USER_A, GROUP_A, groups, 2);
                EQ(fchown_shm_owner_changes_group, fchown(fd, (uid_t)KEEP, GROUP_B), 0);
                expect_ids(fchown_shm_owner_changes_group, fd, USER_A, GROUP_B);
                EQ(fchown_shm_owner_changes_group, fchown(fd, USER_A, GROUP_C), 0);
                expect_ids(fchown_shm_owner_changes_group, fd, USER_A, GROUP_C);
                EQ(fchown_shm_owner_changes_group, fchown(fd, (uid_t)KEEP, GROUP_A), 0);
                expect_ids(fchown_shm_owner_changes_group, fd, USER_A, GROUP_A);
        }
        join(&owner);
}

TEST(minus_one_keeps_an_id, VERIFIES(fchown_shm_minus_one))
{
        const int fd = object_of_a(0600);

        EQ(fchown_shm_minus_one, fchown(fd, (uid_t)KEEP, GROUP_B), 0);
        expect_ids(fchown_shm_minus_one, fd, USER_A, GROUP_B);
        EQ(fchown_shm_minus_one, fchown(fd, USER_C, (gid_t)KEEP), 0);
        expect_ids(fchown_shm_minus_one, fd, USER_C, GROUP_B);
        EQ(fchown_shm_minus_one, fchown(fd, (uid_t)KEEP, (gid_t)KEEP), 0);
        expect_ids(fchown_shm_minus_one, fd, USER_C, GROUP_B);
}

/* The same for the only user there is. */
TEST(owner_can_keep_both_ids, VERIFIES(fchown_shm_minus_one))
{
        const int fd = new_shm(OBJECT_NAME, 1);

        drop_all_capabilities();
        EQ(fchown_shm_minus_one, fchown(fd, (uid_t)KEEP, (gid_t)KEEP), 0);
        EQ(fchown_shm_minus_one, fchown(fd, geteuid(), (gid_t)KEEP), 0);
        EQ(fchown_shm_minus_one, fchown(fd, (uid_t)KEEP, getegid()), 0);
        expect_ids(fchown_shm_minus_one, fd, geteuid(), getegid());
}

TEST(new_owner_and_group_have_their_bits, VERIFIES(fchown_shm_grants))
{
        static const struct {
                const char *name;
                uid_t uid;
                gid_t gid;
                int read, write;
        } rows[] = {
                {"new owner", USER_B, GROUP_C, 0, 0}, {"new group", USER_C, GROUP_B, 0, -1},
                {"old owner", USER_A, GROUP_C, -1, -1}, {"old group", USER_C, GROUP_A, -1, -1},
        };
        const int fd = object_of_a(0640);
        struct child child;

        MUST(fchown(fd, USER_B, GROUP_B));
        EQ(fchown_shm_grants, mode_of(fd), 0640);
        EACH_ROW(row, rows) {
                CHILD(&child) {
                        become(row->uid, row->gid, NULL, 0);
                        EQ(fchown_shm_grants, try_open(OBJECT_NAME, O_RDONLY, 0), row->read);
                        EQ(fchown_shm_grants, try_open(OBJECT_NAME, O_RDWR, 0), row->write);
                }
                join(&child);
        }
}

/* ---- errors ---- */

TEST(owner_cannot_give_the_object_away, VERIFIES(fchown_shm_eperm))
{
        const gid_t groups[] = {GROUP_B};
        const int fd = object_of_a(0666);
        struct child child;

        CHILD(&child) {
                become(USER_A, GROUP_A, groups, 1);
                FAILS_WITH(fchown_shm_eperm, EPERM, fchown(fd, USER_B, (gid_t)KEEP));
                FAILS_WITH(fchown_shm_eperm, EPERM, fchown(fd, USER_B, GROUP_B));
                FAILS_WITH(fchown_shm_eperm, EPERM, fchown(fd, 0, GROUP_A));
                EQ(fchown_shm_eperm, fchown(fd, USER_A, GROUP_A), 0);
        }
        join(&child);
        CHILD(&child) {
                become(USER_B, GROUP_A, NULL, 0);
                FAILS_WITH(fchown_shm_eperm, EPERM, fchown(open_shm(O_RDWR), USER_B, (gid_t)KEEP));
                FAILS_WITH(fchown_shm_eperm, EPERM, fchown(fd, USER_B, GROUP_A));
        }
        join(&child);
        CHILD(&child) {
                drop_all_capabilities();
                FAILS_WITH(fchown_shm_eperm, EPERM, fchown(fd, USER_B, (gid_t)KEEP));
        }
        join(&child);
        expect_ids(fchown_shm_eperm, fd, USER_A, GROUP_A);
        CHILD(&child) {
                drop_other_capabilities(CAP_CHOWN);
                EQ(fchown_shm_eperm, fchown(fd, USER_B, (gid_t)KEEP), 0);
        }
        join(&child);
}

TEST(owner_cannot_set_a_foreign_group, VERIFIES(fchown_shm_eperm_group))
{
        const gid_t groups[] = {GROUP_B};
        const int fd = object_of_a(0666);
        struct child child;

        CHILD(&child) {
                become(USER_A, GROUP_A, groups, 1);
                FAILS_WITH(fchown_shm_eperm_group, EPERM, fchown(fd, (uid_t)KEEP, GROUP_C));
                FAILS_WITH(fchown_shm_eperm_group, EPERM, fchown(fd, USER_A, GROUP_C));
                FAILS_WITH(fchown_shm_eperm_group, EPERM, fchown(fd, (uid_t)KEEP, 0));
        }
        join(&child);
        /* Nor may a member of the group who is not the owner. */
        CHILD(&child) {
                become(USER_B, GROUP_A, groups, 1);
                FAILS_WITH(fchown_shm_eperm_group, EPERM, fchown(open_shm(O_RDWR), (uid_t)KEEP, GROUP_B));
        }
        join(&child);
        expect_ids(fchown_shm_eperm_group, fd, USER_A, GROUP_A);
        CHILD(&child) {
                become(USER_A, GROUP_A, groups, 1);
                EQ(fchown_shm_eperm_group, fchown(fd, (uid_t)KEEP, GROUP_B), 0);
        }
        join(&child);
}

TEST(descriptor_that_is_not_open, VERIFIES(fchown_shm_ebadf))
{
        const int fd = new_shm(OBJECT_NAME, 1), closed = (int)MUST(dup(fd));
        const uid_t uid = geteuid();
        const gid_t gid = getegid();

        MUST(close(closed));
        FAILS_WITH(fchown_shm_ebadf, EBADF, fchown(closed, uid, gid));
        FAILS_WITH(fchown_shm_ebadf, EBADF, fchown(closed, (uid_t)KEEP, (gid_t)KEEP));
        FAILS_WITH(fchown_shm_ebadf, EBADF, fchown(-1, uid, gid));
        FAILS_WITH(fchown_shm_ebadf, EBADF, fchown(INT_MAX, uid, gid));
        EQ(fchown_shm_ebadf, fchown(fd, uid, gid), 0);
}
