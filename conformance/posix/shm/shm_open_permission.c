/* SPDX-License-Identifier: MIT
 *
 * shm_open(): who may open an object, and who may create one.
 */
#include "ipck_posix_shm.h"

enum { SIZE = 100 };

/* Which of the calls the object's permission bits grant to this process: READ, WRITE. */
enum { READ = 4, WRITE = 2 };

static void expect(enum ipck_requirement req, int oflag, bool granted)
{
        if (granted)
                EQ(req, try_open(OBJECT_NAME, oflag, 0), 0);
        else
                FAILS_WITH(req, EACCES, try_open(OBJECT_NAME, oflag, 0));
}

/* For each value of the three bits of a class, by fd's owner, while those of the other classes say the opposite. */
static void set_bits(int fd, int shift, int bits)
{
        MUST(fchmod(fd, (mode_t)(bits << shift | (0777 & ~(07 << shift) & (7 - bits) * 0111))));
}

static void expect_what_bits_grant(int bits)
{
        const bool both = (bits & (READ | WRITE)) == (READ | WRITE);

        expect(shm_open_eacces_perm, O_RDONLY, bits & READ);
        expect(shm_open_eacces_perm, O_RDWR, both);
        expect(shm_open_eacces_trunc, O_RDWR | O_TRUNC, both);
        if (!both)
                FAILS_WITH(shm_open_eacces_trunc, EACCES, try_open(OBJECT_NAME, O_RDWR | O_CREAT | O_TRUNC, 0666));
}

TEST(user_bits_decide_for_the_owner, VERIFIES(shm_open_eacces_perm, shm_open_eacces_trunc, shm_open_fail_no_effect))
{
        const int fd = new_shm(OBJECT_NAME, SIZE);

        drop_all_capabilities();
        for (int bits = 0; bits < 8; bits++) {
                MUST(ftruncate(fd, SIZE));
                set_bits(fd, 6, bits);
                expect_what_bits_grant(bits);
                if ((bits & 6) != 6)
                        EQ(shm_open_fail_no_effect, size_of(fd), SIZE);
        }
}

/* Another class of callers: USER_A owns the object in GROUP_A. */
static void bits_decide_for(int shift, uid_t uid, gid_t gid, const gid_t *groups, size_t count)
{
        struct child owner, caller;

        /* An object that is not the caller's can be created again in a sticky directory, or not. */
        mount_dev_shm(0, "mode=777");
        for (int bits = 0; bits < 8; bits++) {
                CHILD(&owner) {
                        become(USER_A, GROUP_A, NULL, 0);
                        set_bits(new_shm(OBJECT_NAME, SIZE), shift, bits);
                }
                join(&owner);
                CHILD(&caller) {
                        become(uid, gid, groups, count);
                        expect_what_bits_grant(bits);
                }
                join(&caller);
                if ((bits & 6) != 6)
                        EQ(shm_open_fail_no_effect, size_of(open_shm(O_RDWR)), SIZE);
                MUST(shm_unlink(OBJECT_NAME));
        }
}

TEST(group_bits_decide_for_the_group, VERIFIES(shm_open_eacces_perm, shm_open_eacces_trunc, shm_open_fail_no_effect))
{
        bits_decide_for(3, USER_B, GROUP_A, NULL, 0);
}

TEST(group_bits_decide_for_a_supplementary_group,
     VERIFIES(shm_open_eacces_perm, shm_open_eacces_trunc, shm_open_fail_no_effect))
{
        const gid_t groups[] = {GROUP_C, GROUP_A};

        bits_decide_for(3, USER_B, GROUP_B, groups, 2);
}

TEST(other_bits_decide_for_a_stranger, VERIFIES(shm_open_eacces_perm, shm_open_eacces_trunc, shm_open_fail_no_effect))
{
        bits_decide_for(0, USER_B, GROUP_B, NULL, 0);
}

/* The truncation that is refused changes nothing, not even where reading is allowed. */
TEST(refused_truncation_keeps_the_contents, VERIFIES(shm_open_eacces_trunc))
{
        const int fd = new_shm(OBJECT_NAME, SIZE);
        char *const memory = map_shm(fd, SIZE, PROT_READ | PROT_WRITE);

        fill_pattern(memory, SIZE, 2);
        drop_all_capabilities();
        MUST(fchmod(fd, 0400));
        EQ(shm_open_eacces_trunc, try_open(OBJECT_NAME, O_RDONLY, 0), 0);
        FAILS_WITH(shm_open_eacces_trunc, EACCES, try_open(OBJECT_NAME, O_RDWR | O_TRUNC, 0));
        EQ(shm_open_eacces_trunc, size_of(fd), SIZE);
        HOLDS(shm_open_eacces_trunc, has_pattern(memory, SIZE, 2));
        MUST(fchmod(fd, 0600));
        EQ(shm_open_eacces_trunc, try_open(OBJECT_NAME, O_RDWR | O_TRUNC, 0), 0);
}

/* ---- creating ---- */

TEST(creating_needs_permission, VERIFIES(shm_open_eacces_create, shm_open_fail_no_effect))
{
        mount_dev_shm(0, "mode=755");
        MUST(try_open("/present", O_RDWR | O_CREAT, 0600));
        drop_all_capabilities();
        MUST(chmod(DEV_SHM, 0555));
        FAILS_WITH(shm_open_eacces_create, EACCES, try_open(OBJECT_NAME, O_RDWR | O_CREAT, 0600));
        FAILS_WITH(shm_open_eacces_create, EACCES, try_open(OBJECT_NAME, O_RDWR | O_CREAT | O_EXCL, 0600));
        FAILS_WITH(shm_open_eacces_create, EACCES, try_open(OBJECT_NAME, O_RDONLY | O_CREAT, 0600));
        EQ(shm_open_fail_no_effect, try_open(OBJECT_NAME, O_RDWR, 0), -1);
        /* What exists is not created. */
        EQ(shm_open_eacces_create, try_open("/present", O_RDWR | O_CREAT, 0600), 0);
        MUST(chmod(DEV_SHM, 0755));
        EQ(shm_open_eacces_create, try_open(OBJECT_NAME, O_RDWR | O_CREAT | O_EXCL, 0600), 0);
}

TEST(stranger_needs_permission_to_create, VERIFIES(shm_open_eacces_create))
{
        struct child stranger;

        mount_dev_shm(0, "mode=775");
        CHILD(&stranger) {
                as_user(USER_A);
                FAILS_WITH(shm_open_eacces_create, EACCES, try_open(OBJECT_NAME, O_RDWR | O_CREAT, 0600));
        }
        join(&stranger);
        MUST(chmod(DEV_SHM, 0777));
        CHILD(&stranger) {
                as_user(USER_A);
                EQ(shm_open_eacces_create, try_open(OBJECT_NAME, O_RDWR | O_CREAT, 0600), 0);
        }
        join(&stranger);
}

/* ---- sticky directory ---- */

TEST(o_creat_for_an_object_of_another_user, VERIFIES(shm_open_eacces_protected_regular))
{
        const uintmax_t protection = number_in("/proc/sys/fs/protected_regular", "");
        struct child other;

        MUST(close(shm_of(USER_A, OBJECT_NAME, SIZE, 0666)));
        CHILD(&other) {
                as_user(USER_B);
                if (protection == 0)
                        EQ(shm_open_eacces_protected_regular, try_open(OBJECT_NAME, O_RDWR | O_CREAT, 0600), 0);
                else
                        FAILS_WITH(shm_open_eacces_protected_regular, EACCES,
                                   try_open(OBJECT_NAME, O_RDWR | O_CREAT, 0600));
                REQUIRE(try_open(OBJECT_NAME, O_RDWR | O_CREAT | O_EXCL, 0600) == -1 && errno == EEXIST);
                EQ(shm_open_eacces_protected_regular, try_open(OBJECT_NAME, O_RDWR, 0), 0);
        }
        join(&other);
        /* Its owner is not concerned. */
        CHILD(&other) {
                as_user(USER_A);
                EQ(shm_open_eacces_protected_regular, try_open(OBJECT_NAME, O_RDWR | O_CREAT, 0600), 0);
        }
        join(&other);
}
