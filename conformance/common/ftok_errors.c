/* SPDX-License-Identifier: MIT
 *
 * ftok(): paths that lead to no file, and files that have a key although other calls fail on them.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/stat.h>

#include "ipck_filter.h"

enum { ID = 'x' };

static void new_file(const char *name)
{
        private_directory();
        close((int)MUST(open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)));
}

/* ---- no such file ---- */

TEST(paths_to_nothing, VERIFIES(ftok_enoent_missing, ftok_enoent_empty))
{
        new_file("file");
        MUST(mkdir("directory", 0700));
        new_file("directory/file");
        MUST(symlink("nothing", "dangling"));
        EQ(ftok_enoent_missing, worked(ftok("file", ID)), 0);
        EQ(ftok_enoent_missing, worked(ftok("directory/file", ID)), 0);
        FAILS_WITH(ftok_enoent_missing, ENOENT, ftok("nothing", ID));
        FAILS_WITH(ftok_enoent_missing, ENOENT, ftok("directory/nothing", ID));
        FAILS_WITH(ftok_enoent_missing, ENOENT, ftok("nothing/file", ID));
        FAILS_WITH(ftok_enoent_missing, ENOENT, ftok("dangling", ID));
        FAILS_WITH(ftok_enoent_empty, ENOENT, ftok("", ID));
        MUST(unlink("file"));
        FAILS_WITH(ftok_enoent_missing, ENOENT, ftok("file", ID));
}

TEST(files_are_no_directories, VERIFIES(ftok_enotdir_prefix, ftok_enotdir_trailing_slash))
{
        new_file("file");
        EQ(ftok_enotdir_prefix, worked(ftok("file", ID)), 0);
        FAILS_WITH(ftok_enotdir_prefix, ENOTDIR, ftok("file/file", ID));
        FAILS_WITH(ftok_enotdir_prefix, ENOTDIR, ftok("file/..", ID));
        FAILS_WITH(ftok_enotdir_trailing_slash, ENOTDIR, ftok("file/", ID));
}

/* ---- symbolic links ---- */

TEST(loops_of_symbolic_links_end, VERIFIES(ftok_eloop))
{
        new_file("file");
        MUST(symlink("file", "direct"));
        MUST(symlink("itself", "itself"));
        MUST(symlink("there", "back"));
        MUST(symlink("back", "there"));
        EQ(ftok_eloop, worked(ftok("direct", ID)), 0);
        FAILS_WITH(ftok_eloop, ELOOP, ftok("itself", ID));
        FAILS_WITH(ftok_eloop, ELOOP, ftok("there", ID));
        FAILS_WITH(ftok_eloop, ELOOP, ftok("there/file", ID));
}

TEST(long_chain_of_symbolic_links, VERIFIES(ftok_eloop_max))
{
        enum { LINUX_MOST = 40 };
        const long configured = sysconf(_SC_SYMLOOP_MAX);
        const int most = configured > LINUX_MOST && configured < 1000 ? (int)configured : LINUX_MOST;
        char name[2][24] = {"file"};

        new_file("file");
        for (int i = 0; i <= most; i++) {
                snprintf(name[1], sizeof(name[1]), "link%d", i);
                MUST(symlink(name[0], name[1]));
                memcpy(name[0], name[1], sizeof(name[0]));
        }
        /* _POSIX_SYMLOOP_MAX of them are always allowed. */
        EQ(ftok_eloop_max, worked(ftok("link7", ID)), 0);
        const key_t key = ftok(name[1], ID);
        OBSERVE(ftok_eloop_max, "%d symbolic links: %s", most + 1, key == -1 ? errno_name(errno) : "a key");
}

/* ---- length ---- */

TEST(component_longer_than_a_name_may_be, VERIFIES(ftok_enametoolong_component))
{
        const long longest = pathconf(".", _PC_NAME_MAX);
        char name[PATH_MAX] = "";

        if (longest < 1 || longest + 2 > (long)sizeof(name))
                UNSUPPORTED("a NAME_MAX below PATH_MAX");
        memset(name, 'n', (size_t)longest);
        new_file(name);
        EQ(ftok_enametoolong_component, worked(ftok(name, ID)), 0);
        name[longest] = 'n';
        FAILS_WITH(ftok_enametoolong_component, ENAMETOOLONG, ftok(name, ID));
}

TEST(path_longer_than_a_path_may_be, VERIFIES(ftok_enametoolong_path))
{
        char path[PATH_MAX + 2] = "";

        new_file("f");
        while (strlen(path) < PATH_MAX - 2)
                strcat(path, strlen(path) % 2 ? "/" : ".");
        /* PATH_MAX counts the NUL. */
        const size_t length = strlen(path);
        path[length - 1] = '/';
        strcpy(path + length, "f");
        EQ(ftok_enametoolong_path, worked(ftok(path, ID)), 0);
        memmove(path + 1, path, PATH_MAX);
        path[0] = '/';
        const key_t key = ftok(path, ID);
        OBSERVE(ftok_enametoolong_path, "%zu bytes: %s", strlen(path), key == -1 ? errno_name(errno) : "a key");
}

/* ---- permission and access ---- */

/* Without capabilities the owner, too, is subject to the mode. */
TEST(directory_that_may_not_be_searched, VERIFIES(ftok_eacces))
{
        private_directory();
        MUST(mkdir("directory", 0700));
        new_file("directory/file");
        drop_all_capabilities();
        MUST(chmod("directory", 0100));
        EQ(ftok_eacces, worked(ftok("directory/file", ID)), 0);
        MUST(chmod("directory", 0600));
        FAILS_WITH(ftok_eacces, EACCES, ftok("directory/file", ID));
        EQ(ftok_eacces, worked(ftok("directory", ID)), 0);
}

TEST(file_that_may_not_be_read_has_a_key, VERIFIES(ftok_unreadable_file))
{
        new_file("file");
        const key_t key = ftok("file", ID);
        drop_all_capabilities();
        MUST(chmod("file", 0));
        REQUIRE(open("file", O_RDONLY) == -1 && errno == EACCES);
        EQ(ftok_unreadable_file, worked(key), 0);
        EQ(ftok_unreadable_file, ftok("file", ID), key);
}

TEST(path_outside_the_address_space, VERIFIES(ftok_efault))
{
        char *const path = read_only_page();

        /* Its first byte is 0: an empty path. */
        FAILS_WITH(ftok_efault, ENOENT, ftok(path, ID));
        FAILS_WITH(ftok_efault, EFAULT, ftok(bad_address(), ID));
}

/* ---- size ---- */

TEST(file_too_large_for_stat_has_a_key, VERIFIES(ftok_large_file))
{
        struct stat st;

        new_file("file");
        const key_t key = ftok("file", ID);
        const int fd = (int)MUST(open("file", O_WRONLY | O_LARGEFILE));
        /* A byte at the greatest offset that 32 bits can name makes a size that they cannot. */
        MUST(pwrite(fd, "", 1, INT32_MAX));
        if (stat("file", &st) != -1)
                UNSUPPORTED("a stat() that cannot tell all sizes");
        REQUIRE(errno == EOVERFLOW);
        EQ(ftok_large_file, worked(key), 0);
        EQ(ftok_large_file, ftok("file", ID), key);
}

/* ---- what a C library must pass on; first, a disk that cannot be read ---- */

/* What tells of a file, by path or by descriptor. */
static const unsigned file_calls[] = {
#ifdef SYS_stat
        SYS_stat, SYS_lstat, SYS_fstat,
#endif
#ifdef SYS_stat64
        SYS_stat64, SYS_lstat64, SYS_fstat64,
#endif
#ifdef SYS_fstatat64
        SYS_fstatat64,
#endif
#ifdef SYS_newfstatat
        SYS_newfstatat,
#endif
#ifdef SYS_statx
        SYS_statx,
#endif
};
enum { FILE_CALLS = sizeof(file_calls) / sizeof(*file_calls) };

static void expect_passed_on(enum ipck_requirement req, int error)
{
        struct stat st;

        new_file("file");
        EQ(req, worked(ftok("file", ID)), 0);
        fail_calls(error, file_calls, FILE_CALLS);
        REQUIRE(stat("file", &st) == -1 && errno == error);
        FAILS_WITH(req, error, ftok("file", ID));
}

TEST(failing_reads_are_told, VERIFIES(ftok_eio))
{
        expect_passed_on(ftok_eio, EIO);
}

/* ---- what the kernel cannot hold, or tell ---- */

TEST(number_that_does_not_fit_is_told, VERIFIES(ftok_eoverflow))
{
        expect_passed_on(ftok_eoverflow, EOVERFLOW);
}

TEST(want_of_memory_is_told, VERIFIES(ftok_enomem))
{
        expect_passed_on(ftok_enomem, ENOMEM);
}

/* Other steps than allocations may be hit: copies from and to the caller's memory (EFAULT). */
TEST(key_without_memory, VERIFIES(ftok_enomem))
{
        enum { MOST_STEPS = 50 };
        int refused = 0;
        bool more = true;

        new_file("file");
        const key_t key = ftok("file", ID);
        REQUIRE(key != -1);
        for (unsigned n = 1; more && n < MOST_STEPS; n++) {
                arm_fault(n);
                const key_t got = ftok("file", ID);
                const int error = errno;
                more = disarm_fault();
                if (got != -1) {
                        EQ(ftok_enomem, got, key);
                        continue;
                }
                HOLDS(ftok_enomem, error == ENOMEM || error == EFAULT);
                refused += error == ENOMEM;
        }
        if (!refused)
                UNSUPPORTED("fault injection into ordinary kernel allocations (failslab/ignore-gfp-wait must be N)");
        HOLDS(ftok_enomem, !more);
        EQ(ftok_enomem, ftok("file", ID), key);
}
