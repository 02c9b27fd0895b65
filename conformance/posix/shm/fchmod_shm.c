/* SPDX-License-Identifier: MIT
 *
 * fchmod() on shared memory objects.
 */
#include <limits.h>
#include <linux/capability.h>

#include "ipck_posix_shm.h"

enum { RW = PROT_READ | PROT_WRITE };

TEST(later_calls_are_checked_against_the_new_mode, VERIFIES(fchmod_shm_changes))
{
        const int fd = new_shm(OBJECT_NAME, 1);

        drop_all_capabilities();
        /* Of the bits of all classes; the mask has no part in it. */
        umask(0777);
        for (mode_t mode = 0; mode <= 0666; mode += 2) {
                if (mode & 0111)
                        continue;
                EQ(fchmod_shm_changes, fchmod(fd, mode), 0);
                EQ(fchmod_shm_changes, mode_of(fd) & 0666, mode);
                EQ(fchmod_shm_changes, try_open(OBJECT_NAME, O_RDONLY, 0), (mode & S_IRUSR) ? 0 : -1);
                EQ(fchmod_shm_changes, try_open(OBJECT_NAME, O_RDWR, 0), (~mode & (S_IRUSR | S_IWUSR)) ? -1 : 0);
        }
}

TEST(other_users_are_checked_against_it, VERIFIES(fchmod_shm_changes))
{
        static const struct {
                const char *name;
                uid_t uid;
                gid_t gid;
                mode_t read, write;
        } rows[] = {
                {"group", USER_B, GROUP_A, S_IRGRP, S_IWGRP}, {"other", USER_C, GROUP_C, S_IROTH, S_IWOTH},
        };
        struct child owner, other;

        CHILD(&owner) {
                become(USER_A, GROUP_A, NULL, 0);
                MUST(close(new_shm(OBJECT_NAME, 1)));
        }
        join(&owner);
        const int fd = open_shm(O_RDWR);
        EACH_ROW(row, rows) {
                const mode_t modes[] = {0, row->read, row->read | row->write, row->write, 0666};

                for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
                        CHILD(&owner) {
                                become(USER_A, GROUP_A, NULL, 0);
                                EQ(fchmod_shm_changes, fchmod(fd, modes[i]), 0);
                        }
                        join(&owner);
                        CHILD(&other) {
                                become(row->uid, row->gid, NULL, 0);
                                EQ(fchmod_shm_changes, try_open(OBJECT_NAME, O_RDONLY, 0),
                                   (modes[i] & row->read) ? 0 : -1);
                                EQ(fchmod_shm_changes, try_open(OBJECT_NAME, O_RDWR, 0),
                                   (~modes[i] & (row->read | row->write)) ? -1 : 0);
                        }
                        join(&other);
                }
        }
}

TEST(open_descriptors_keep_their_access, VERIFIES(fchmod_shm_existing_fd))
{
        const int fd = new_shm(OBJECT_NAME, 100), reader = open_shm(O_RDONLY);
        char *const memory = map_shm(fd, 100, RW);

        drop_all_capabilities();
        EQ(fchmod_shm_existing_fd, fchmod(fd, 0), 0);
        REQUIRE(opened(OBJECT_NAME, O_RDONLY) == -1 && errno == EACCES);
        EQ(fchmod_shm_existing_fd, ftruncate(fd, 200), 0);
        char *const later = mmap(NULL, 200, RW, MAP_SHARED, fd, 0);
        if (HOLDS(fchmod_shm_existing_fd, later != MAP_FAILED))
                EQ(fchmod_shm_existing_fd, store_signal(later), 0);
        REQUIRE((fcntl(reader, F_GETFL) & O_ACCMODE) == O_RDONLY);
        HOLDS(fchmod_shm_existing_fd, mmap(NULL, 200, PROT_READ, MAP_SHARED, reader, 0) != MAP_FAILED);
        EQ(fchmod_shm_existing_fd, store_signal(memory), 0);
        EQ(fchmod_shm_existing_fd, fchmod(fd, 0666), 0);
        /* Nor do they gain any. */
        FAILS_WITH(fchmod_shm_existing_fd, EACCES, mmap(NULL, 200, RW, MAP_SHARED, reader, 0));
}

TEST(owner_needs_no_write_access, VERIFIES(fchmod_shm_on_rdonly_fd))
{
        static const mode_t modes[] = {0, 0400, 0666, 0222, 0640};
        struct child owner;

        MUST(close(new_shm(OBJECT_NAME, 1)));
        const int reader = open_shm(O_RDONLY);
        CHILD(&owner) {
                drop_all_capabilities();
                for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
                        EQ(fchmod_shm_on_rdonly_fd, fchmod(reader, modes[i]), 0);
                        EQ(fchmod_shm_on_rdonly_fd, mode_of(reader), modes[i]);
                }
        }
        join(&owner);
}

/* ---- errors ---- */

TEST(only_the_owner_may, VERIFIES(fchmod_shm_eperm))
{
        static const struct {
                const char *name;
                uid_t uid;
                gid_t gid;
        } rows[] = {{"of the group", USER_B, USER_A}, {"a stranger", USER_B, GROUP_B}};
        const int fd = shm_of(USER_A, OBJECT_NAME, 1, 0666);
        struct child child;

        EACH_ROW(row, rows) {
                CHILD(&child) {
                        become(row->uid, row->gid, NULL, 0);
                        const int its_own = open_shm(O_RDWR);

                        FAILS_WITH(fchmod_shm_eperm, EPERM, fchmod(its_own, 0600));
                        FAILS_WITH(fchmod_shm_eperm, EPERM, fchmod(its_own, 0666));
                        FAILS_WITH(fchmod_shm_eperm, EPERM, fchmod(fd, 0));
                        EQ(fchmod_shm_eperm, mode_of(its_own), 0666);
                }
                join(&child);
        }
        CHILD(&child) {
                drop_all_capabilities();
                FAILS_WITH(fchmod_shm_eperm, EPERM, fchmod(fd, 0600));
        }
        join(&child);
        EQ(fchmod_shm_eperm, mode_of(fd), 0666);
        CHILD(&child) {
                drop_other_capabilities(CAP_FOWNER);
                EQ(fchmod_shm_eperm, fchmod(fd, 0644), 0);
        }
        join(&child);
        CHILD(&child) {
                as_user(USER_A);
                EQ(fchmod_shm_eperm, fchmod(fd, 0640), 0);
        }
        join(&child);
        EQ(fchmod_shm_eperm, mode_of(fd), 0640);
}

TEST(descriptor_that_is_not_open, VERIFIES(fchmod_shm_ebadf))
{
        const int fd = new_shm(OBJECT_NAME, 1), closed = (int)MUST(dup(fd));

        MUST(close(closed));
        FAILS_WITH(fchmod_shm_ebadf, EBADF, fchmod(closed, 0666));
        FAILS_WITH(fchmod_shm_ebadf, EBADF, fchmod(-1, 0666));
        FAILS_WITH(fchmod_shm_ebadf, EBADF, fchmod(INT_MAX, 0666));
        EQ(fchmod_shm_ebadf, mode_of(fd), 0600);
        EQ(fchmod_shm_ebadf, fchmod(fd, 0666), 0);
}
