/* SPDX-License-Identifier: MIT
 *
 * sem_open(): something else where the semaphore's file would be, or the file of another mount.
 */
#include <stdio.h>
#include <sys/wait.h>

#include "ipck_named_sem.h"

/* A fresh semaphore of that name works, whatever was there before. */
static void name_is_good_again(enum ipck_requirement req)
{
        sem_t *const sem = SEM_OPENS(req, sem_open(SEM_NAME, O_CREAT | O_EXCL, 0600, 3));

        if (sem == SEM_FAILED)
                return;
        EQ(req, sem_value(sem), 3);
        MUST(sem_close(sem));
        MUST(sem_unlink(SEM_NAME));
        EQ(req, names_left(), 0);
}

/* ---- files that hold no semaphore ---- */

struct used {
        bool opened, through;
        int open_errno, value, tried, try_errno, posted, closed;
};

static void use(struct used *used, int flags)
{
        sem_t *const sem = sem_open(SEM_NAME, flags, 0600, 3);

        used->open_errno = errno;
        used->opened = sem != SEM_FAILED;
        if (used->opened) {
                sem_getvalue(sem, &used->value);
                errno = 0;
                used->tried = sem_trywait(sem);
                used->try_errno = errno;
                used->posted = sem_post(sem);
                used->closed = sem_close(sem);
        }
        used->through = true;
}

static void write_file(const void *content, size_t size)
{
        const int fd = (int)MUST(open(sem_path(SEM_NAME), O_RDWR | O_CREAT | O_EXCL, 0600));

        MUST(write(fd, content, size));
        MUST(close(fd));
}

/* Such files are outside POSIX: what is asked for is that the process goes on, gets an error, SIGBUS, or is aborted by
 * its C library, and that the name can be removed and used anew. Returns what was seen. */
static const char *use_of_file(enum ipck_requirement req, const void *content, size_t size, int flags)
{
        static char seen[80];
        struct used *const used = shared(sizeof(*used));
        struct child user;

        write_file(content, size);
        CHILD(&user) {
                close(2);       /* the C library's last words */
                use(used, flags);
        }
        const int status = reap(&user);
        if (used->through && used->opened)
                snprintf(seen, sizeof(seen), "value %d, trywait %s, post %d, close %d", used->value,
                         errno_name(used->try_errno), used->posted, used->closed);
        else if (used->through)
                snprintf(seen, sizeof(seen), "%s", errno_name(used->open_errno));
        else
                snprintf(seen, sizeof(seen), "%s at its use",
                         WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "exit");
        if (!used->through)
                HOLDS(req, used->opened && WIFSIGNALED(status) &&
                           (WTERMSIG(status) == SIGBUS || WTERMSIG(status) == SIGABRT));
        else if (!used->opened)
                HOLDS(req, used->open_errno != 0);
        else
                HOLDS(req, used->tried == 0 || used->try_errno != 0);
        EQ(req, sem_unlink(SEM_NAME), 0);
        name_is_good_again(req);
        return seen;
}

static const struct {
        const char *name;
        int flags;
} both_ways[] = {{"no flags", 0}, {"O_CREAT", O_CREAT}};

TEST(empty_file, VERIFIES(sem_open_short_file))
{
        const char *seen = "";

        EACH_ROW(way, both_ways)
                seen = use_of_file(sem_open_short_file, "", 0, way->flags);
        OBSERVE(sem_open_short_file, "%s", seen);
}

TEST(file_that_is_too_short, VERIFIES(sem_open_short_file))
{
        static const struct {
                const char *name;
                size_t size;
        } sizes[] = {{"one byte", 1}, {"half", sizeof(sem_t) / 2}, {"all but one byte", sizeof(sem_t) - 1}};
        static const char zeroes[sizeof(sem_t)];
        const char *seen = "";

        EACH_ROW(way, both_ways)
                EACH_ROW(row, sizes)
                        seen = use_of_file(sem_open_short_file, zeroes, row->size, way->flags);
        OBSERVE(sem_open_short_file, "%zu of %zu bytes: %s", sizeof(sem_t) - 1, sizeof(sem_t), seen);
}

static void observe_bytes(const unsigned char *content, size_t size)
{
        const char *seen = "";

        EACH_ROW(way, both_ways)
                seen = use_of_file(sem_open_corrupt_file, content, size, way->flags);
        OBSERVE(sem_open_corrupt_file, "%s", seen);
}

TEST(file_of_ones, VERIFIES(sem_open_corrupt_file))
{
        unsigned char content[2 * sizeof(sem_t)];

        memset(content, 0xff, sizeof(content));
        observe_bytes(content, sizeof(sem_t));
        observe_bytes(content, sizeof(content));
}

TEST(file_of_random_bytes, VERIFIES(sem_open_corrupt_file))
{
        unsigned char content[2 * sizeof(sem_t)];

        for (int round = 0; round < 10; round++) {
                for (size_t i = 0; i < sizeof(content); i++)
                        content[i] = (unsigned char)random_below(256);
                observe_bytes(content, sizeof(sem_t));
                observe_bytes(content, sizeof(content));
        }
}

/* ---- no files at all ---- */

static void make_directory(const char *path)
{
        MUST(mkdir(path, 0777));
}

static void make_fifo(const char *path)
{
        MUST(mkfifo(path, 0666));
}

static void link_to_nothing(const char *path)
{
        MUST(symlink("/dev/shm/nothing", path));
}

static void link_to_itself(const char *path)
{
        MUST(symlink(path, path));
}

TEST(name_of_something_else_is_no_semaphore, VERIFIES(sem_open_not_a_semaphore, sem_open_ret_failed))
{
        static const struct {
                const char *name;
                void (*make)(const char *path);
                int (*remove)(const char *path);
        } rows[] = {
                {"a directory", make_directory, rmdir}, {"a FIFO", make_fifo, unlink},
                {"a symbolic link to nothing", link_to_nothing, unlink},
                {"a symbolic link to itself", link_to_itself, unlink},
        };

        EACH_ROW(row, rows) {
                const char *const path = sem_path(SEM_NAME);
                struct child opener;

                row->make(path);
                /* In a child, for it must not wait, for the other end of a FIFO say. */
                CHILD(&opener) {
                        errno = 0;
                        HOLDS(sem_open_not_a_semaphore, sem_open(SEM_NAME, 0) == SEM_FAILED);
                        HOLDS(sem_open_ret_failed, errno != 0);
                        errno = 0;
                        HOLDS(sem_open_not_a_semaphore, sem_open(SEM_NAME, O_CREAT, 0600, 1) == SEM_FAILED);
                        HOLDS(sem_open_ret_failed, errno != 0);
                        OPEN_FAILS_WITH(sem_open_not_a_semaphore, EEXIST,
                                        sem_open(SEM_NAME, O_CREAT | O_EXCL, 0600, 1));
                }
                EVENTUALLY(sem_open_not_a_semaphore, returned(&opener));
                join(&opener);
                EQ(sem_open_not_a_semaphore, names_left(), 1);
                MUST(row->remove(path));
                name_is_good_again(sem_open_not_a_semaphore);
        }
}

/* A link could lead anybody's process to write into a file of another's choice. */
TEST(symbolic_link_is_not_followed, VERIFIES(sem_open_no_follow))
{
        sem_t *const victim = named_sem("/victim", 5);
        char *const target = strdup(sem_file_of("/victim"));

        REQUIRE(target);
        MUST(symlink(target, sem_path(SEM_NAME)));
        HOLDS(sem_open_no_follow, sem_open(SEM_NAME, 0) == SEM_FAILED);
        HOLDS(sem_open_no_follow, sem_open(SEM_NAME, O_CREAT, 0600, 1) == SEM_FAILED);
        HOLDS(sem_open_no_follow, sem_open(SEM_NAME, O_CREAT | O_EXCL, 0600, 1) == SEM_FAILED);
        EQ(sem_open_no_follow, sem_value(victim), 5);
        EQ(sem_open_no_follow, sem_unlink(SEM_NAME), 0);
        HOLDS(sem_open_no_follow, sem_open("/victim", 0) == victim);
}

/* ---- another mount ---- */

/* Its files have numbers of their own, so that an inode's number alone does not tell one semaphore from another. */
TEST(new_mount_has_semaphores_of_its_own, VERIFIES(sem_open_mount))
{
        enum { MANY = 8 };
        sem_t *old[MANY], *new[MANY];

        mount_dev_shm(0, "mode=1777");
        for (int i = 0; i < MANY; i++)
                old[i] = named_sem(numbered(i).name, 3);
        mount_dev_shm(0, "mode=1777");
        EQ(sem_open_mount, names_left(), 0);
        for (int i = 0; i < MANY; i++) {
                HOLDS(sem_open_mount, sem_open(numbered(i).name, 0) == SEM_FAILED);
                new[i] = SEM_OPENS(sem_open_mount, sem_open(numbered(i).name, O_CREAT | O_EXCL, 0600, 7));
                if (new[i] == SEM_FAILED)
                        return;
        }
        for (int i = 0; i < MANY; i++) {
                EQ(sem_open_mount, sem_value(new[i]), 7);
                EQ(sem_open_mount, sem_value(old[i]), 3);
                for (int j = 0; j < MANY; j++)
                        HOLDS(sem_open_mount, new[i] != old[j]);
        }
        MUST(sem_post(new[0]));
        EQ(sem_open_mount, sem_value(old[0]), 3);
}
