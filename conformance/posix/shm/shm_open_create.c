/* SPDX-License-Identifier: MIT
 *
 * shm_open(): what a new object is like, and how long it lives.
 */
#include <grp.h>

#include "ipck_posix_shm.h"

enum { RW = PROT_READ | PROT_WRITE };

/* ---- size and contents ---- */

TEST(new_object_is_empty, VERIFIES(shm_open_new_size0))
{
        static const struct {
                const char *name;
                int oflag;
        } rows[] = {
                {"read", O_RDONLY | O_CREAT}, {"read and write", O_RDWR | O_CREAT},
                {"exclusive", O_RDWR | O_CREAT | O_EXCL}, {"truncated", O_RDWR | O_CREAT | O_TRUNC},
        };

        EACH_ROW(row, rows) {
                const int fd = (int)MUST(opened(OBJECT_NAME, row->oflag));

                EQ(shm_open_new_size0, size_of(fd), 0);
                /* The next one has nothing of this. */
                MUST(ftruncate(open_shm(O_RDWR), 12345));
                MUST(shm_unlink(OBJECT_NAME));
        }
}

TEST(new_memory_is_zero, VERIFIES(shm_open_new_zero_bytes))
{
        const size_t size = 16 * page_size() + 100;

        /* Memory that others have used: the machine's, and that of an object of the same name. */
        for (int round = 0; round < 4; round++) {
                const int fd = new_shm(OBJECT_NAME, (off_t)size);
                char *const memory = map_shm(fd, size, RW);

                HOLDS(shm_open_new_zero_bytes, all_bytes(memory, size, 0));
                memset(memory, 0xa5, size);
                unmap(memory, size);
                MUST(close(fd));
                MUST(shm_unlink(OBJECT_NAME));
        }
}

/* ---- owner and mode ---- */

TEST(effective_ids_own_a_new_object, VERIFIES(shm_open_new_uid, shm_open_new_gid))
{
        const gid_t groups[] = {GROUP_B};
        struct stat directory;
        struct child creator;

        /* UNSUPPORTED where there are no other users. */
        MUST(close(shm_of(USER_B, "/other", 1, 0600)));
        MUST(stat(DEV_SHM, &directory));
        CHILD(&creator) {
                MUST(setgroups(1, groups));
                MUST(setresgid(GROUP_C, GROUP_A, GROUP_C));
                MUST(setresuid(USER_C, USER_A, USER_B));
                const struct stat st = fstat_of(new_shm(OBJECT_NAME, 1));

                EQ(shm_open_new_uid, st.st_uid, USER_A);
                HOLDS(shm_open_new_gid, st.st_gid == GROUP_A || st.st_gid == directory.st_gid);
        }
        join(&creator);
        EQ(shm_open_new_uid, fstat_of(open_shm(O_RDWR)).st_uid, USER_A);
}

TEST(group_of_the_directory_is_inherited_with_its_bit, VERIFIES(shm_open_new_gid_setgid_dir))
{
        struct child creator;

        mount_dev_shm(0, "mode=1777");
        CHILD(&creator) {
                become(USER_A, GROUP_A, NULL, 0);
                EQ(shm_open_new_gid_setgid_dir, fstat_of(new_shm("/without", 1)).st_gid, GROUP_A);
        }
        join(&creator);
        MUST(chown(DEV_SHM, (uid_t)-1, GROUP_B));
        MUST(chmod(DEV_SHM, 03777));
        CHILD(&creator) {
                become(USER_A, GROUP_A, NULL, 0);
                const struct stat st = fstat_of(new_shm("/with", 1));

                EQ(shm_open_new_gid_setgid_dir, st.st_gid, GROUP_B);
                EQ(shm_open_new_gid_setgid_dir, st.st_uid, USER_A);
        }
        join(&creator);
}

TEST(mode_is_what_the_mask_leaves, VERIFIES(shm_open_new_mode_umask))
{
        static const mode_t masks[] = {0, 022, 077, 0777, 0111, 0444, 0222, 0526};

        for (size_t i = 0; i < sizeof(masks) / sizeof(*masks); i++) {
                umask(masks[i]);
                for (mode_t mode = 0; mode <= 0777; mode = mode < 0100 ? mode + 3 : mode + 077) {
                        const int fd = shm_open(OBJECT_NAME, O_RDWR | O_CREAT | O_EXCL, mode);

                        if (!HOLDS(shm_open_new_mode_umask, fd != -1))
                                return;
                        EQ(shm_open_new_mode_umask, mode_of(fd), mode & ~masks[i]);
                        EQ(shm_open_new_mode_umask, umask(masks[i]), masks[i]);
                        MUST(close(fd));
                        MUST(shm_unlink(OBJECT_NAME));
                }
        }
}

TEST(mode_does_not_bind_the_creating_call, VERIFIES(shm_open_new_mode_not_access))
{
        static const struct {
                const char *name;
                mode_t mode;
        } rows[] = {{"nothing", 0}, {"read", 0444}, {"write", 0222}, {"others only", 0007}};

        /* Not by a privilege. */
        drop_all_capabilities();
        EACH_ROW(row, rows) {
                const int fd = shm_open(OBJECT_NAME, O_RDWR | O_CREAT | O_EXCL, row->mode);

                if (!HOLDS(shm_open_new_mode_not_access, fd != -1))
                        continue;
                EQ(shm_open_new_mode_not_access, ftruncate(fd, 10), 0);
                char *const memory = mmap(NULL, 10, RW, MAP_SHARED, fd, 0);
                if (HOLDS(shm_open_new_mode_not_access, memory != MAP_FAILED)) {
                        fill_pattern(memory, 10, 1);
                        HOLDS(shm_open_new_mode_not_access, has_pattern(memory, 10, 1));
                }
                REQUIRE(opened(OBJECT_NAME, O_RDWR) == -1);
                MUST(shm_unlink(OBJECT_NAME));
        }
}

TEST(bits_beyond_those_of_permission, VERIFIES(shm_open_new_mode_extra_bits))
{
        const int fd = shm_open(OBJECT_NAME, O_RDWR | O_CREAT | O_EXCL, 07600);

        if (fd == -1)
                OBSERVE(shm_open_new_mode_extra_bits, "%s", errno_name(errno));
        else
                OBSERVE(shm_open_new_mode_extra_bits, "mode 07600 becomes %#o",
                        (unsigned)fstat_of(fd).st_mode & 07777U);
}

/* ---- persistence ---- */

enum { SIZE = 10000 };

static void expect_kept(enum ipck_requirement req)
{
        const int fd = opened(OBJECT_NAME, O_RDONLY);

        if (!HOLDS(req, fd != -1))
                return;
        EQ(req, size_of(fd), SIZE);
        EQ(req, mode_of(fd), 0640);
        HOLDS(req, has_pattern(map_shm(fd, SIZE, PROT_READ), SIZE, 9));
}

static void make_kept(void)
{
        const int fd = new_shm(OBJECT_NAME, SIZE);
        char *const memory = map_shm(fd, SIZE, RW);

        MUST(fchmod(fd, 0640));
        fill_pattern(memory, SIZE, 9);
        unmap(memory, SIZE);
        MUST(close(fd));
}

TEST(object_outlives_descriptors_and_mappings, VERIFIES(shm_open_data_persist_close))
{
        make_kept();
        expect_kept(shm_open_data_persist_close);
        REQUIRE(opened(OBJECT_NAME, O_RDWR | O_CREAT | O_EXCL) == -1 && errno == EEXIST);
}

TEST(object_outlives_its_creator, VERIFIES(shm_open_data_persist_process))
{
        struct child creator;

        CHILD(&creator)
                make_kept();
        join(&creator);
        expect_kept(shm_open_data_persist_process);
        MUST(shm_unlink(OBJECT_NAME));

        CHILD(&creator) {
                make_kept();
                stay(&creator);
        }
        UNTIL(stays(&creator));
        kill_child(&creator);
        expect_kept(shm_open_data_persist_process);
}

TEST(stores_of_a_killed_process_are_kept, VERIFIES(shm_open_data_persist_process))
{
        struct child creator;

        CHILD(&creator) {
                const int fd = new_shm(OBJECT_NAME, SIZE);

                MUST(fchmod(fd, 0640));
                fill_pattern(map_shm(fd, SIZE, RW), SIZE, 9);
                /* Neither unmapped nor closed. */
                stay(&creator);
        }
        UNTIL(stays(&creator));
        kill_child(&creator);
        expect_kept(shm_open_data_persist_process);
}
