/* SPDX-License-Identifier: MIT
 *
 * ftok(): which files and ids give which keys.
 */
#define _FILE_OFFSET_BITS 64    /* for stat(): inode numbers may not fit in 32 bits */

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>

#include "ipck.h"

static const char *new_file(const char *name)
{
        private_directory();
        close((int)MUST(open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)));
        return name;
}

/* Any with low eight bits that are not 0. */
static int some_id(void)
{
        return (int)random_below(255) + 1;
}

/* ---- a key ---- */

static int get_queue(key_t key)
{
        return msgget(key, IPC_CREAT | 0600);
}

static int get_set(key_t key)
{
        return semget(key, 1, IPC_CREAT | 0600);
}

static int get_segment(key_t key)
{
        return shmget(key, 1, IPC_CREAT | 0600);
}

TEST(key_names_an_object_of_each_kind, VERIFIES(ftok_ret_key))
{
        static const struct {
                const char *name;
                int (*get)(key_t key);
        } rows[] = {{"queue", get_queue}, {"set", get_set}, {"segment", get_segment}};
        const key_t key = ftok(new_file("file"), some_id());

        EQ(ftok_ret_key, worked(key), 0);
        EACH_ROW(row, rows) {
                if (row->get(IPC_PRIVATE) == -1)
                        UNSUPPORTED("room for a %s (%s)", row->name, errno_name(errno));
                HOLDS(ftok_ret_key, row->get(key) != -1 || errno == ENOSPC);
        }
}

TEST(directory_has_a_key, VERIFIES(ftok_directory))
{
        const int id = some_id();

        private_directory();
        MUST(mkdir("directory", 0700));
        const key_t key = ftok("directory", id);
        EQ(ftok_directory, worked(key), 0);
        EQ(ftok_directory, ftok("directory/", id), key);
        EQ(ftok_directory, ftok("directory/.", id), key);
        EQ(ftok_directory, worked(ftok("/", id)), 0);
}

/* ---- one file ---- */

TEST(key_stays_while_the_file_exists, VERIFIES(ftok_same_file))
{
        const int id = some_id();
        const char *const path = new_file("file");
        const key_t key = ftok(path, id);
        const int fd = (int)MUST(open(path, O_WRONLY));

        EQ(ftok_same_file, worked(key), 0);
        EQ(ftok_same_file, ftok(path, id), key);
        MUST(write(fd, "text", 4));
        EQ(ftok_same_file, ftok(path, id), key);
        MUST(ftruncate(fd, 0));
        MUST(fchmod(fd, 0444));
        EQ(ftok_same_file, ftok(path, id), key);
        MUST(rename(path, "elsewhere"));
        new_file(path);
        MUST(rename("elsewhere", path));
        EQ(ftok_same_file, ftok(path, id), key);
}

TEST(hard_links_give_the_key_of_their_file, VERIFIES(ftok_same_hardlink))
{
        const int id = some_id();
        const char *const path = new_file("file");
        const key_t key = ftok(path, id);

        if (link(path, "link") == -1)
                UNSUPPORTED("hard links (%s)", errno_name(errno));
        EQ(ftok_same_hardlink, worked(key), 0);
        EQ(ftok_same_hardlink, ftok("link", id), key);
        MUST(unlink(path));
        EQ(ftok_same_hardlink, ftok("link", id), key);
}

TEST(symbolic_links_give_the_key_of_their_target, VERIFIES(ftok_same_symlink))
{
        const int id = some_id();
        const key_t key = ftok(new_file("file"), id);

        MUST(symlink("file", "link"));
        MUST(symlink("link", "link to a link"));
        EQ(ftok_same_symlink, worked(key), 0);
        EQ(ftok_same_symlink, ftok("link", id), key);
        EQ(ftok_same_symlink, ftok("link to a link", id), key);
}

TEST(every_path_to_a_file_gives_its_key, VERIFIES(ftok_same_relative_absolute))
{
        const int id = some_id();
        const key_t key = ftok(new_file("file"), id);
        char directory[PATH_MAX], path[PATH_MAX + sizeof("/file")];

        REQUIRE(getcwd(directory, sizeof(directory)));
        snprintf(path, sizeof(path), "%s/file", directory);
        EQ(ftok_same_relative_absolute, worked(key), 0);
        EQ(ftok_same_relative_absolute, ftok(path, id), key);
        EQ(ftok_same_relative_absolute, ftok("./file", id), key);
        MUST(mkdir("below", 0700));
        EQ(ftok_same_relative_absolute, ftok("below/..//file", id), key);
        MUST(chdir("below"));
        EQ(ftok_same_relative_absolute, ftok("../file", id), key);
        EQ(ftok_same_relative_absolute, ftok(path, id), key);
}

/* ---- processes ---- */

/* arg: a descriptor, an id and a path. */
ROLE(write_key)
{
        int fd, id, path;

        if (sscanf(arg, "%d %d %n", &fd, &id, &path) != 2)
                return 1;
        const key_t key = ftok(arg + path, id);
        return write(fd, &key, sizeof(key)) == sizeof(key) ? 0 : 1;
}

TEST(processes_get_the_same_key, VERIFIES(ftok_same_across_processes))
{
        const int id = some_id();
        const key_t key = ftok(new_file("file"), id);
        struct child other;
        int ends[2];
        key_t its_key;
        char arg[64];

        EQ(ftok_same_across_processes, worked(key), 0);
        CHILD(&other)
                EQ(ftok_same_across_processes, ftok("file", id), key);
        join(&other);

        /* One that shares no memory with this one. */
        MUST(pipe(ends));
        snprintf(arg, sizeof(arg), "%d %d %s", ends[1], id, "file");
        CHILD(&other)
                if (exec_role("write_key", arg) == -1)
                        UNSUPPORTED("executing the test program (%s)", errno_name(errno));
        join(&other);
        REQUIRE(read(ends[0], &its_key, sizeof(its_key)) == sizeof(its_key));
        EQ(ftok_same_across_processes, its_key, key);
}

/* ---- ids ---- */

TEST(only_the_low_eight_bits_of_an_id_count, VERIFIES(ftok_id_low8))
{
        static const struct {
                const char *name;
                int low, id;
        } rows[] = {
                {"next bit", 1, 0x101}, {"negative", 1, INT_MIN + 1}, {"-1", 0xff, -1}, {"INT_MAX", 0xff, INT_MAX},
                {"bit 7 alone", 0x80, -0x80}, {"a byte further up", 'x', 0x1234500 + 'x'},
        };
        const char *const path = new_file("file");

        EACH_ROW(row, rows) {
                const key_t key = ftok(path, row->low);

                EQ(ftok_id_low8, worked(key), 0);
                EQ(ftok_id_low8, ftok(path, row->id), key);
        }
        for (int i = 0; i < 100; i++) {
                const int low = some_id();
                EQ(ftok_id_low8, ftok(path, (int)(random_below(UINT32_MAX) << 8 | (uint32_t)low)), ftok(path, low));
        }
}

static int by_value(const void *a, const void *b)
{
        const key_t left = *(const key_t *)a, right = *(const key_t *)b;

        return (left > right) - (left < right);
}

/* How many different ones there are; sorts them. */
static size_t distinct(key_t *keys, size_t count)
{
        size_t different = 1;

        qsort(keys, count, sizeof(*keys), by_value);
        for (size_t i = 1; i < count; i++)
                different += keys[i] != keys[i - 1];
        return different;
}

TEST(keys_of_one_file, VERIFIES(ftok_diff_id))
{
        enum { IDS = 255 };
        const char *const path = new_file("file");
        key_t keys[IDS];

        for (int id = 1; id <= IDS; id++)
                keys[id - 1] = (key_t)MUST(ftok(path, id));
        OBSERVE(ftok_diff_id, "%d ids give %zu different keys for one file", IDS, distinct(keys, IDS));
}

TEST(keys_of_one_id, VERIFIES(ftok_diff_file))
{
        enum { FILES = 500 };
        const int id = some_id();
        key_t keys[FILES];

        for (int i = 0; i < FILES; i++) {
                char name[16];

                snprintf(name, sizeof(name), "%d", i);
                keys[i] = (key_t)MUST(ftok(new_file(name), id));
        }
        OBSERVE(ftok_diff_file, "%d files give %zu different keys for one id", FILES, distinct(keys, FILES));
}

/* ---- Linux: what a key is made of ---- */

TEST(key_is_made_of_id_device_and_inode, VERIFIES(ftok_layout))
{
        static const struct {
                const char *name;
        } files[] = {{"file"}, {"."}, {"/"}, {"/dev/null"}, {"/proc/version"}, {"/proc/self/status"}};
        static const int ids[] = {1, 'x', 0x7f, 0x80, 0xff, 0x1234};
        struct stat st;

        new_file("file");
        EACH_ROW(file, files)
                for (size_t i = 0; i < sizeof(ids) / sizeof(*ids) && stat(file->name, &st) == 0; i++) {
                        const uint32_t id = ids[i] & 0xff, dev = st.st_dev & 0xff, ino = st.st_ino & 0xffff;
                        EQ(ftok_layout, ftok(file->name, ids[i]), (key_t)(id << 24 | dev << 16 | ino));
                }
}

enum { LOW_BITS = 0xffff, PATH_ROOM = 512 };

struct twins {
        char paths[2][PATH_ROOM];
};

/* Whether the two are files of one file system whose inode numbers differ, but not in their low 16 bits. */
static bool are_twins(const struct twins *twins)
{
        struct stat a, b;

        return stat(twins->paths[0], &a) == 0 && stat(twins->paths[1], &b) == 0 && a.st_dev == b.st_dev &&
               a.st_ino != b.st_ino && (a.st_ino & LOW_BITS) == (b.st_ino & LOW_BITS);
}

static struct twins found;
static int64_t patience;

static int find_twin(const char *path, const struct stat *st, int type, struct FTW *place)
{
        static char *seen[LOW_BITS + 1];
        char **const other = &seen[st->st_ino & LOW_BITS];

        (void)type;
        (void)place;
        if (monotonic_ns() > patience)
                return -1;
        if (!*other) {
                *other = strdup(path);
                return 0;
        }
        snprintf(found.paths[0], PATH_ROOM, "%s", *other);
        snprintf(found.paths[1], PATH_ROOM, "%s", path);
        return are_twins(&found);
}

/* Looks for twins among the many files of an installed system. */
static bool find_twins(struct twins *twins)
{
        patience = monotonic_ns() + 10000000000;
        const bool any = nftw("/usr", find_twin, 8, FTW_PHYS | FTW_MOUNT) == 1;

        *twins = found;
        return any;
}

static uintmax_t inode_of(const char *path)
{
        struct stat st;

        MUST(stat(path, &st));
        return st.st_ino;
}

/* Inode numbers of a file system in memory count up: so many files have one each and go. */
static void pass_inodes(uintmax_t count)
{
        patience = monotonic_ns() + 10000000000;
        for (uintmax_t i = 0; i < count; i++) {
                /* Not each time: the clock may be as dear as what it times. */
                if (i % 256 == 0 && monotonic_ns() > patience)
                        UNSUPPORTED("65536 files within 10 seconds");
                MUST(mknod("passing", S_IFREG | 0600, 0));
                MUST(unlink("passing"));
        }
}

/* Makes twins, where find_twins() found none: that takes long. */
static void make_twins(struct twins *twins)
{
        const uintmax_t first = inode_of(new_file("first")), before = inode_of(new_file("before"));

        if (before <= first || before - first > 100)
                UNSUPPORTED("a file system that numbers its files one after the other");
        pass_inodes(LOW_BITS - (before - first));
        new_file("second");
        *twins = (struct twins){{"first", "second"}};
        if (!are_twins(twins))
                UNSUPPORTED("two files whose inode numbers agree in their low 16 bits");
}

TEST(inode_numbers_with_equal_low_bits_collide, VERIFIES(ftok_collision))
{
        const int id = some_id();
        struct twins twins;

        if (!find_twins(&twins))
                make_twins(&twins);
        const key_t key = ftok(twins.paths[0], id);
        EQ(ftok_collision, worked(key), 0);
        EQ(ftok_collision, ftok(twins.paths[1], id), key);
}
