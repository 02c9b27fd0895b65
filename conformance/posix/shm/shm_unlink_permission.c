/* SPDX-License-Identifier: MIT
 *
 * shm_unlink(): who may remove a name. On Linux that is a question to the directory, which is sticky as a rule.
 */
#include <linux/capability.h>

#include "ipck_posix_shm.h"

enum { SIZE = 1000 };

static void make_object(uid_t uid, mode_t mode)
{
        const int fd = shm_of(uid, OBJECT_NAME, SIZE, 0666);

        fill_pattern(map_shm(fd, SIZE, PROT_READ | PROT_WRITE), SIZE, 1);
        MUST(fchmod(fd, mode));
        MUST(close(fd));
}

static void expect_unchanged(uid_t uid, mode_t mode)
{
        const int fd = opened(OBJECT_NAME, O_RDONLY);

        if (!HOLDS(shm_unlink_fail_unchanged, fd != -1))
                return;
        const struct stat st = fstat_of(fd);
        EQ(shm_unlink_fail_unchanged, st.st_size, SIZE);
        EQ(shm_unlink_fail_unchanged, st.st_uid, uid);
        EQ(shm_unlink_fail_unchanged, st.st_mode & 0777, mode);
        HOLDS(shm_unlink_fail_unchanged, has_pattern(map_shm(fd, SIZE, PROT_READ), SIZE, 1));
}

/* Another user may not remove it, whatever its mode; the owner may. */
TEST(other_user_may_not_in_a_sticky_directory, VERIFIES(shm_unlink_eacces))
{
        static const struct {
                const char *name;
                mode_t mode;
        } rows[] = {{"private", 0600}, {"for all", 0666}, {"for the group", 0660}};
        struct child child;

        EACH_ROW(row, rows) {
                make_object(USER_A, row->mode);
                CHILD(&child) {
                        become(USER_B, USER_A, NULL, 0);
                        FAILS_WITH(shm_unlink_eacces, EACCES, shm_unlink(OBJECT_NAME));
                }
                join(&child);
                CHILD(&child) {
                        as_user(USER_A);
                        EQ(shm_unlink_eacces, shm_unlink(OBJECT_NAME), 0);
                }
                join(&child);
        }
}

TEST(refused_removal_changes_nothing, VERIFIES(shm_unlink_fail_unchanged))
{
        struct child child;

        make_object(USER_A, 0666);
        CHILD(&child) {
                as_user(USER_B);
                REQUIRE(shm_unlink(OBJECT_NAME) == -1);
        }
        join(&child);
        expect_unchanged(USER_A, 0666);
}

TEST(directory_must_be_writable, VERIFIES(shm_unlink_eacces_directory, shm_unlink_fail_unchanged))
{
        mount_dev_shm(0, "mode=755");
        const int fd = new_shm(OBJECT_NAME, SIZE);

        fill_pattern(map_shm(fd, SIZE, PROT_READ | PROT_WRITE), SIZE, 1);
        drop_all_capabilities();
        MUST(chmod(DEV_SHM, 0555));
        FAILS_WITH(shm_unlink_eacces_directory, EACCES, shm_unlink(OBJECT_NAME));
        expect_unchanged(geteuid(), 0600);
        MUST(chmod(DEV_SHM, 01555));
        FAILS_WITH(shm_unlink_eacces_directory, EACCES, shm_unlink(OBJECT_NAME));
        expect_unchanged(geteuid(), 0600);
        MUST(chmod(DEV_SHM, 0755));
        EQ(shm_unlink_eacces_directory, shm_unlink(OBJECT_NAME), 0);
}

TEST(stranger_needs_a_writable_directory, VERIFIES(shm_unlink_eacces_directory, shm_unlink_fail_unchanged))
{
        struct child child;

        mount_dev_shm(0, "mode=777");
        make_object(USER_A, 0666);
        MUST(chmod(DEV_SHM, 0775));
        CHILD(&child) {
                as_user(USER_A);
                FAILS_WITH(shm_unlink_eacces_directory, EACCES, shm_unlink(OBJECT_NAME));
        }
        join(&child);
        expect_unchanged(USER_A, 0666);
        MUST(chmod(DEV_SHM, 0777));
        CHILD(&child) {
                as_user(USER_A);
                EQ(shm_unlink_eacces_directory, shm_unlink(OBJECT_NAME), 0);
        }
        join(&child);
}

TEST(mode_of_the_object_does_not_count, VERIFIES(shm_unlink_object_mode))
{
        static const mode_t modes[] = {0, 0400, 0444, 0077};

        drop_all_capabilities();
        for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
                MUST(fchmod(new_shm(OBJECT_NAME, 1), modes[i]));
                EQ(shm_unlink_object_mode, shm_unlink(OBJECT_NAME), 0);
                EQ(shm_unlink_object_mode, opened(OBJECT_NAME, O_RDONLY), -1);
        }
}

/* ---- who else may ---- */

TEST(everybody_may_without_the_sticky_bit, VERIFIES(shm_unlink_sticky_privileged))
{
        struct child child;

        mount_dev_shm(0, "mode=777");
        make_object(USER_A, 0600);
        CHILD(&child) {
                as_user(USER_B);
                EQ(shm_unlink_sticky_privileged, shm_unlink(OBJECT_NAME), 0);
        }
        join(&child);
        EQ(shm_unlink_sticky_privileged, opened(OBJECT_NAME, O_RDWR), -1);
}

TEST(owner_of_the_sticky_directory_may, VERIFIES(shm_unlink_sticky_privileged))
{
        struct child child;

        mount_dev_shm(0, "mode=1777");
        make_object(USER_A, 0600);
        MUST(chown(DEV_SHM, USER_C, (gid_t)-1));
        CHILD(&child) {
                as_user(USER_B);
                REQUIRE(shm_unlink(OBJECT_NAME) == -1);
        }
        join(&child);
        CHILD(&child) {
                as_user(USER_C);
                EQ(shm_unlink_sticky_privileged, shm_unlink(OBJECT_NAME), 0);
        }
        join(&child);
}

TEST(privileged_process_may, VERIFIES(shm_unlink_sticky_privileged))
{
        struct child child;

        mount_dev_shm(0, "mode=1777");
        make_object(USER_A, 0600);
        MUST(chown(DEV_SHM, USER_C, (gid_t)-1));
        CHILD(&child) {
                drop_all_capabilities();
                REQUIRE(shm_unlink(OBJECT_NAME) == -1);
        }
        join(&child);
        CHILD(&child) {
                drop_other_capabilities(CAP_FOWNER);
                EQ(shm_unlink_sticky_privileged, shm_unlink(OBJECT_NAME), 0);
        }
        join(&child);
}
