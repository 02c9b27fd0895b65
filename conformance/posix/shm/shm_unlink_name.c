/* SPDX-License-Identifier: MIT
 *
 * shm_unlink(): which names it removes, and which errors it has.
 */
#include "ipck_posix_shm.h"

TEST(name_is_gone, VERIFIES(shm_unlink_ret_zero, shm_unlink_enoent_twice))
{
        static const struct {
                const char *name;
                off_t size;
                mode_t mode;
        } rows[] = {{"empty", 0, 0600}, {"with contents", 10000, 0600}, {"read only", 1, 0400}, {"no access", 1, 0}};

        EACH_ROW(row, rows) {
                const int fd = new_shm(OBJECT_NAME, row->size);

                MUST(fchmod(fd, row->mode));
                EQ(shm_unlink_ret_zero, shm_unlink(OBJECT_NAME), 0);
                EQ(shm_unlink_ret_zero, opened(OBJECT_NAME, O_RDONLY), -1);
                if (opened(OBJECT_NAME, O_RDONLY) == -1)
                        FAILS_WITH(shm_unlink_enoent_twice, ENOENT, shm_unlink(OBJECT_NAME));
        }
        MUST(close(new_shm(OBJECT_NAME, 1)));
        EQ(shm_unlink_ret_zero, shm_unlink(OBJECT_NAME), 0);
        EQ(shm_unlink_ret_zero, worked(opened(OBJECT_NAME, O_RDWR | O_CREAT | O_EXCL)), 0);
}

TEST(other_names_stay, VERIFIES(shm_unlink_ret_zero))
{
        static const struct {
                const char *name;
        } others[] = {{"/ipc"}, {"/ipckk"}, {"/Ipck"}, {"/sem.ipck"}, {"/.ipck"}};

        EACH_ROW(other, others)
                MUST(close(new_shm(other->name, 1)));
        MUST(close(new_shm(OBJECT_NAME, 1)));
        EQ(shm_unlink_ret_zero, shm_unlink(OBJECT_NAME), 0);
        EQ(shm_unlink_ret_zero, opened(OBJECT_NAME, O_RDWR), -1);
        EACH_ROW(other, others)
                EQ(shm_unlink_ret_zero, try_open(other->name, O_RDWR, 0), 0);
}

TEST(missing_name, VERIFIES(shm_unlink_enoent))
{
        MUST(close(new_shm("/other", 1)));
        FAILS_WITH(shm_unlink_enoent, ENOENT, shm_unlink(OBJECT_NAME));
        EQ(shm_unlink_enoent, try_open("/other", O_RDWR, 0), 0);
        EQ(shm_unlink_enoent, shm_unlink("/other"), 0);
        FAILS_WITH(shm_unlink_enoent, ENOENT, shm_unlink("/other"));
}

/* ---- length ---- */

/* A slash and length characters. */
static const char *name_of(size_t length)
{
        static char name[20000];

        REQUIRE(length + 2 <= sizeof(name));
        memset(name, 'n', sizeof(name));
        name[0] = '/';
        name[length + 1] = '\0';
        return name;
}

TEST(name_that_was_opened_is_never_too_long, VERIFIES(shm_unlink_enametoolong_never_for_opened))
{
        static const size_t lengths[] = {
                1, 14, 15, 100, 249, 250, 251, 254, 255, 256, 1000, 4085, 4086, 4094, 4095, 4096,
        };

        for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
                const char *const name = name_of(lengths[i]);

                if (try_open(name, O_RDWR | O_CREAT | O_EXCL, 0600) == 0)
                        EQ(shm_unlink_enametoolong_never_for_opened, shm_unlink(name), 0);
                else
                        HOLDS(shm_unlink_enametoolong_never_for_opened, lengths[i] > 14);
        }
}

/* The error for a name that is no object's; errno is it as well. */
static const char *error_of(enum ipck_requirement req, const char *name)
{
        const int result = shm_unlink(name), error = errno;

        EQ(req, result, -1);
        errno = error;
        return errno_name(error);
}

TEST(name_that_is_too_long, VERIFIES(shm_unlink_enametoolong))
{
        enum { LENGTHS = 4 };
        static const size_t lengths[LENGTHS] = {256, 4086, 4096, 19000};
        const char *seen[LENGTHS];

        for (int i = 0; i < LENGTHS; i++) {
                seen[i] = error_of(shm_unlink_enametoolong, name_of(lengths[i]));
                HOLDS(shm_unlink_enametoolong, errno == ENAMETOOLONG || errno == ENOENT || errno == EINVAL);
        }
        OBSERVE(shm_unlink_enametoolong, "%zu characters: %s, %zu: %s, %zu: %s, %zu: %s", lengths[0], seen[0],
                lengths[1], seen[1], lengths[2], seen[2], lengths[3], seen[3]);
}

/* ---- no names ---- */

TEST(name_that_no_object_can_have, VERIFIES(shm_unlink_badname))
{
        enum { NAMES = 7 };
        static const char *const names[NAMES] = {"", "/", "/.", "/..", "/no/ipck", "/dir", "/dir/ipck"};
        const char *seen[NAMES];
        struct stat st;

        MUST(mkdir(DEV_SHM "/dir", 0700));
        for (int i = 0; i < NAMES; i++)
                seen[i] = error_of(shm_unlink_badname, names[i]);
        EQ(shm_unlink_badname, stat(DEV_SHM "/dir", &st), 0);
        OBSERVE(shm_unlink_badname, "\"%s\": %s, %s: %s, %s: %s, %s: %s, %s: %s, a directory: %s, a name in it: %s",
                names[0], seen[0], names[1], seen[1], names[2], seen[2], names[3], seen[3], names[4], seen[4], seen[5],
                seen[6]);
}

TEST(symbolic_link_itself_is_removed, VERIFIES(shm_unlink_symlink))
{
        const int fd = new_shm(OBJECT_NAME, 100);
        struct stat st;

        MUST(symlink("ipck", DEV_SHM "/link"));
        EQ(shm_unlink_symlink, shm_unlink("/link"), 0);
        FAILS_WITH(shm_unlink_symlink, ENOENT, lstat(DEV_SHM "/link", &st));
        EQ(shm_unlink_symlink, size_of(fd), 100);
        EQ(shm_unlink_symlink, try_open(OBJECT_NAME, O_RDWR, 0), 0);
        MUST(symlink("nothing", DEV_SHM "/link"));
        EQ(shm_unlink_symlink, shm_unlink("/link"), 0);
        FAILS_WITH(shm_unlink_symlink, ENOENT, lstat(DEV_SHM "/link", &st));
}

/* ---- nothing is left over ---- */

TEST(descriptors_are_as_before, VERIFIES(shm_unlink_no_descriptor))
{
        const int fd = new_shm(OBJECT_NAME, 1), before = open_descriptors();
        static const struct {
                const char *name;
        } rows[] = {{""}, {"/"}, {"/."}, {"/.."}, {"/no/ipck"}, {"/dir"}, {"/missing"}};

        MUST(mkdir(DEV_SHM "/dir", 0700));
        EACH_ROW(row, rows) {
                REQUIRE(shm_unlink(row->name) == -1);
                EQ(shm_unlink_no_descriptor, open_descriptors(), before);
        }
        EQ(shm_unlink_no_descriptor, shm_unlink(OBJECT_NAME), 0);
        EQ(shm_unlink_no_descriptor, open_descriptors(), before);
        EQ(shm_unlink_no_descriptor, worked(fcntl(fd, F_GETFD)), 0);
}
