/* SPDX-License-Identifier: MIT
 *
 * sem_open(): a file system without room, and that neither failures nor success leave anything over.
 */
#include <stdio.h>
#include <sys/wait.h>

#include "ipck_named_sem.h"

static const struct flags {
        const char *name;
        int flags;
} both_flags[] = {{"O_CREAT", O_CREAT}, {"O_CREAT | O_EXCL", O_CREAT | O_EXCL}};

/* ---- no room ---- */

/* A file that takes the room that there is; returns its path. */
static const char *fill_the_directory(void)
{
        static const char path[] = DEV_SHM "/filler";
        const int fd = (int)MUST(open(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
        const size_t size = page_size();
        char *const page = calloc(1, size);

        REQUIRE(page);
        while (write(fd, page, size) > 0) {
        }
        REQUIRE(errno == ENOSPC);
        close(fd);
        free(page);
        return path;
}

TEST(no_block_for_a_new_semaphore, VERIFIES(sem_open_enospc, sem_open_enospc_no_residue))
{
        mount_dev_shm(0, "size=64k,mode=1777");
        MUST(sem_close(named_sem("/old", 2)));
        const char *const filler = fill_the_directory();
        const int left = names_left();
        const struct space before = free_space();

        EACH_ROW(row, both_flags) {
                const int descriptors = open_descriptors(), mappings = sem_mappings();

                OPEN_FAILS_WITH(sem_open_enospc, ENOSPC, sem_open(SEM_NAME, row->flags, 0600, 1));
                HOLDS(sem_open_enospc_no_residue, sem_open(SEM_NAME, 0) == SEM_FAILED);
                EQ(sem_open_enospc_no_residue, names_left(), left);
                HOLDS(sem_open_enospc_no_residue, same_space(before, free_space()));
                EQ(sem_open_enospc_no_residue, open_descriptors(), descriptors);
                EQ(sem_open_enospc_no_residue, sem_mappings(), mappings);
        }
        /* What exists needs no room. */
        sem_t *const old = SEM_OPENS(sem_open_enospc, sem_open("/old", O_CREAT, 0600, 1));
        if (old != SEM_FAILED)
                EQ(sem_open_enospc, sem_value(old), 2);
        MUST(unlink(filler));
        sem_unlink(SEM_NAME);
        sem_t *const sem = SEM_OPENS(sem_open_enospc, sem_open(SEM_NAME, O_CREAT | O_EXCL, 0600, 3));
        if (sem != SEM_FAILED)
                EQ(sem_open_enospc, sem_value(sem), 3);
}

/* However many files an implementation needs on the way: with too few it fails and leaves nothing, with more it
 * works. */
TEST(no_inode_for_a_new_semaphore, VERIFIES(sem_open_enospc, sem_open_enospc_no_residue))
{
        enum { ENOUGH = 8 };

        EACH_ROW(row, both_flags) {
                bool worked_before = false;

                for (int inodes = 1; inodes <= ENOUGH; inodes++) {
                        char options[64];

                        snprintf(options, sizeof(options), "nr_inodes=%d,mode=1777", inodes);
                        mount_dev_shm(0, options);
                        const struct space before = free_space();
                        if (inodes == 1 && before.files != 0)
                                UNSUPPORTED("a tmpfs without room for a file");
                        const int mappings = sem_mappings();
                        sem_t *const sem = sem_open(SEM_NAME, row->flags, 0600, 1);
                        const int error = errno;
                        if (sem != SEM_FAILED) {
                                HOLDS(sem_open_enospc, inodes > 1);
                                worked_before = true;
                                EQ(sem_open_enospc, sem_value(sem), 1);
                                EQ(sem_open_enospc_no_residue, names_left(), 1);
                                MUST(sem_close(sem));
                                MUST(sem_unlink(SEM_NAME));
                                continue;
                        }
                        EQ(sem_open_enospc, error, ENOSPC);
                        HOLDS(sem_open_enospc, !worked_before);
                        EQ(sem_open_enospc_no_residue, names_left(), 0);
                        HOLDS(sem_open_enospc_no_residue, same_space(before, free_space()));
                        EQ(sem_open_enospc_no_residue, sem_mappings(), mappings);
                }
                HOLDS(sem_open_enospc, worked_before);
        }
}

/* ---- other failures of a creation ---- */

/* After a failed creation nothing has the name; an exclusive one can be tried again. */
static void nothing_was_created(void)
{
        EQ(sem_open_fail_creates_nothing, names_left(), 0);
        sem_t *const sem = SEM_OPENS(sem_open_fail_creates_nothing, sem_open(SEM_NAME, O_CREAT | O_EXCL, 0600, 4));
        if (sem != SEM_FAILED) {
                EQ(sem_open_fail_creates_nothing, sem_value(sem), 4);
                MUST(sem_close(sem));
        }
        sem_unlink(SEM_NAME);
}

/* Address space for so many more pages, and a heap from which nothing more can be had. */
static void leave_pages(int pages)
{
        uintmax_t used = 0;
        char text[64];

        if (read_file("/proc/self/statm", text, sizeof(text)) <= 0 || sscanf(text, "%" SCNuMAX, &used) != 1)
                UNSUPPORTED("/proc/self/statm, to see how much memory is mapped");
        set_rlimit(RLIMIT_AS, (rlim_t)((used + (uintmax_t)pages) * page_size()));
        for (size_t size = 4096; size >= 16; size /= 2) {
                void *volatile piece;

                do
                        piece = malloc(size);
                while (piece);
        }
}

TEST(creation_that_runs_out_of_memory_creates_nothing, VERIFIES(sem_open_fail_creates_nothing))
{
        struct child creator;

        private_proc();
        EACH_ROW(row, both_flags) {
                for (int pages = 0; pages < 4; pages++) {
                        struct {
                                bool opened;
                                int error;
                        } *const seen = shared(sizeof(*seen));

                        CHILD(&creator) {
                                leave_pages(pages);
                                seen->opened = sem_open(SEM_NAME, row->flags, 0600, 4) != SEM_FAILED;
                                seen->error = errno;
                                _exit(0);
                        }
                        join(&creator);
                        if (seen->opened) {
                                MUST(sem_unlink(SEM_NAME));
                                continue;
                        }
                        EQ(sem_open_fail_creates_nothing, seen->error, ENOMEM);
                        nothing_was_created();
                }
        }
}

TEST(creation_beyond_the_file_size_limit_creates_nothing, VERIFIES(sem_open_fail_creates_nothing))
{
        static const struct {
                const char *name;
                rlim_t limit;
        } limits[] = {{"no byte", 0}, {"one byte", 1}, {"half a semaphore", sizeof(sem_t) / 2},
                      {"all but one byte", sizeof(sem_t) - 1}};
        struct child creator;

        EACH_ROW(row, both_flags) {
                EACH_ROW(limit, limits) {
                        int *const opened = shared(sizeof(*opened));

                        CHILD(&creator) {
                                signal(SIGXFSZ, SIG_IGN);
                                set_rlimit(RLIMIT_FSIZE, limit->limit);
                                *opened = sem_open(SEM_NAME, row->flags, 0600, 4) != SEM_FAILED;
                        }
                        join(&creator);
                        if (*opened)
                                MUST(sem_unlink(SEM_NAME));
                        nothing_was_created();
                }
        }
}

/* ---- the directory itself ---- */

TEST(directory_cannot_be_written, VERIFIES(sem_open_directory))
{
        MUST(sem_close(named_sem("/old", 2)));
        remount_dev_shm(MS_RDONLY);
        EACH_ROW(row, both_flags) {
                OPEN_FAILS_WITH(sem_open_directory, EROFS, sem_open(SEM_NAME, row->flags, 0600, 1));
                EQ(sem_open_directory, names_left(), 1);
        }
        /* A semaphore is there to be changed: opening one needs to write, too. */
        OPEN_FAILS_WITH(sem_open_directory, EROFS, sem_open("/old", 0));
        remount_dev_shm(0);
        sem_t *const sem = SEM_OPENS(sem_open_directory, sem_open(SEM_NAME, O_CREAT, 0600, 1));
        if (sem != SEM_FAILED)
                EQ(sem_open_directory, sem_value(sem), 1);
        SEM_OPENS(sem_open_directory, sem_open("/old", 0));
}

TEST(directory_is_missing, VERIFIES(sem_open_directory))
{
        mount_dev();
        EACH_ROW(row, both_flags)
                OPEN_FAILS_WITH(sem_open_directory, ENOENT, sem_open(SEM_NAME, row->flags, 0600, 1));
        OPEN_FAILS_WITH(sem_open_directory, ENOENT, sem_open(SEM_NAME, 0));
        FAILS_WITH(sem_open_directory, ENOENT, access(DEV_SHM, F_OK));
        make_dev_shm();
        sem_t *const sem = SEM_OPENS(sem_open_directory, sem_open(SEM_NAME, O_CREAT, 0600, 1));
        if (sem != SEM_FAILED)
                EQ(sem_open_directory, sem_value(sem), 1);
}

TEST(directory_forbids_programs_and_devices, VERIFIES(sem_open_directory))
{
        remount_dev_shm(MS_NOEXEC | MS_NOATIME);
        sem_t *const sem = SEM_OPENS(sem_open_directory, sem_open(SEM_NAME, O_CREAT | O_EXCL, 0600, 1));

        if (sem == SEM_FAILED)
                return;
        EQ(sem_open_directory, sem_trywait(sem), 0);
        HOLDS(sem_open_directory, sem_open(SEM_NAME, 0) == sem);
}

/* ---- nothing is left over ---- */

TEST(cycles_leave_no_descriptor_and_no_mapping, VERIFIES(sem_open_no_fd_leak, sem_close_releases))
{
        enum { CYCLES = 400 };

        private_proc();
        MUST(sem_close(named_sem("/old", 2)));
        /* By now it is set up what the first call sets up for all later ones. */
        const int descriptors = open_descriptors(), mappings = count_mappings("");
        const struct space before = free_space();
        for (int i = 0; i < CYCLES; i++) {
                sem_t *const sem = sem_open(SEM_NAME, O_CREAT | O_EXCL, 0600, 1), *const again = sem_open(SEM_NAME, 0),
                      *const old = sem_open("/old", O_CREAT, 0600, 1);

                REQUIRE(sem != SEM_FAILED && again == sem && old != SEM_FAILED);
                EQ(sem_open_no_fd_leak, sem_close(sem) | sem_close(old) | sem_close(again) | sem_unlink(SEM_NAME), 0);
        }
        EQ(sem_open_no_fd_leak, open_descriptors(), descriptors);
        EQ(sem_close_releases, sem_mappings(), 0);
        /* The heap may have grown by a mapping or two, not with every cycle. */
        HOLDS(sem_close_releases, count_mappings("") < mappings + 10);
        HOLDS(sem_open_no_fd_leak, count_mappings("") < mappings + 10);
        HOLDS(sem_close_releases, same_space(before, free_space()));
}

/* More than an implementation with a limit has room for, one after the other. */
TEST(closed_semaphores_do_not_count, VERIFIES(sem_close_releases))
{
        enum { MANY = 2 * _POSIX_SEM_NSEMS_MAX };

        for (int i = 0; i < MANY; i++) {
                sem_t *const sem = SEM_OPENS(sem_close_releases, sem_open(numbered(i).name, O_CREAT | O_EXCL, 0600, 1));
                if (sem == SEM_FAILED)
                        return;
                EQ(sem_close_releases, sem_close(sem), 0);
        }
        EQ(sem_close_releases, sem_mappings(), 0);
        EQ(sem_close_releases, names_left(), MANY);
}

TEST(failing_calls_leave_nothing, VERIFIES(sem_open_no_fd_leak))
{
        enum { CYCLES = 300 };

        private_proc();
        sem_t *const sem = named_sem("/old", 2);
        MUST(mkdir(sem_path("/directory"), 0700));
        const int descriptors = open_descriptors(), mappings = count_mappings(""), left = names_left();

        for (int i = 0; i < CYCLES; i++) {
                REQUIRE(sem_open("/missing", 0) == SEM_FAILED);
                REQUIRE(sem_open("/old", O_CREAT | O_EXCL, 0600, 1) == SEM_FAILED);
                REQUIRE(sem_open("/new", O_CREAT, 0600, (unsigned)SEM_VALUE_MAX + 1) == SEM_FAILED);
                REQUIRE(sem_open("/directory", 0) == SEM_FAILED);
                REQUIRE(sem_open("/directory", O_CREAT, 0600, 1) == SEM_FAILED);
                REQUIRE(sem_open("/", O_CREAT, 0600, 1) == SEM_FAILED);
        }
        EQ(sem_open_no_fd_leak, open_descriptors(), descriptors);
        HOLDS(sem_open_no_fd_leak, count_mappings("") < mappings + 10);
        EQ(sem_open_no_fd_leak, sem_mappings(), 1);
        EQ(sem_open_no_fd_leak, names_left(), left);
        EQ(sem_open_no_fd_leak, sem_value(sem), 2);
        /* None of them counts among the semaphores that the process may have open. */
        SEM_OPENS(sem_open_no_fd_leak, sem_open("/new", O_CREAT, 0600, 1));
}

/* A descriptor of the library's is none of the program's, even after exec. */
ROLE(count_descriptors)
{
        (void)arg;
        return open_descriptors();
}

static int descriptors_after_exec(void)
{
        struct child child;

        CHILD(&child)
                MUST(exec_role("count_descriptors", ""));
        const int status = reap(&child);
        REQUIRE(WIFEXITED(status));
        return WEXITSTATUS(status);
}

TEST(open_semaphore_costs_the_program_no_descriptor, VERIFIES(sem_open_no_fd_leak))
{
        const int descriptors = open_descriptors(), after_exec = descriptors_after_exec();
        sem_t *const sem = named_sem(SEM_NAME, 1);

        EQ(sem_open_no_fd_leak, open_descriptors(), descriptors);
        REQUIRE(sem_open(SEM_NAME, 0) == sem);
        EQ(sem_open_no_fd_leak, open_descriptors(), descriptors);
        EQ(sem_open_no_fd_leak, descriptors_after_exec(), after_exec);
}
