/* SPDX-License-Identifier: MIT
 *
 * shm_open(): the descriptor and the open file description that it returns.
 */
#include <stdio.h>
#include <sys/wait.h>

#include "ipck_posix_shm.h"

static const struct {
        const char *name;
        int oflag;
} ways[] = {
        {"new", O_RDWR | O_CREAT | O_EXCL}, {"read", O_RDONLY}, {"write", O_RDWR}, {"O_CREAT", O_RDWR | O_CREAT},
        {"O_TRUNC", O_RDWR | O_TRUNC},
};

TEST(lowest_free_descriptor_is_returned, VERIFIES(shm_open_ret_fd, shm_open_fd_lowest))
{
        int spare[6];

        for (int i = 0; i < 6; i++)
                spare[i] = (int)MUST(open("/", O_RDONLY));
        MUST(close(spare[4]));
        EACH_ROW(way, ways) {
                const int fd = opened(OBJECT_NAME, way->oflag);

                HOLDS(shm_open_ret_fd, fd >= 0);
                EQ(shm_open_fd_lowest, fd, spare[4]);
                MUST(close(spare[1]));
                EQ(shm_open_fd_lowest, opened(OBJECT_NAME, O_RDWR), spare[1]);
                /* It is a descriptor of the object. */
                EQ(shm_open_ret_fd, worked(fcntl(fd, F_GETFD)), 0);
                EQ(shm_open_ret_fd, fstat_of(fd).st_ino, fstat_of(spare[1]).st_ino);
                MUST(close(fd));
        }
}

TEST(standard_input_can_be_the_lowest, VERIFIES(shm_open_ret_fd, shm_open_fd_lowest))
{
        MUST(close(0));
        const int fd = opened(OBJECT_NAME, O_RDWR | O_CREAT);
        EQ(shm_open_fd_lowest, fd, 0);
        EQ(shm_open_ret_fd, ftruncate(fd, 7), 0);
        EQ(shm_open_ret_fd, size_of(open_shm(O_RDONLY)), 7);
}

TEST(descriptor_is_closed_on_exec, VERIFIES(shm_open_fd_cloexec))
{
        EACH_ROW(way, ways)
                EQ(shm_open_fd_cloexec, fcntl((int)MUST(opened(OBJECT_NAME, way->oflag)), F_GETFD), FD_CLOEXEC);
}

/* ---- exec ---- */

/* Whether the descriptor is open, as exit status. */
ROLE(tell_whether_open)
{
        return fcntl(atoi(arg), F_GETFD) != -1;
}

static int open_after_exec(int fd)
{
        char text[12];
        struct child child;

        snprintf(text, sizeof(text), "%d", fd);
        CHILD(&child)
                MUST(exec_role("tell_whether_open", text));
        const int status = reap(&child);
        REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
        return WEXITSTATUS(status);
}

TEST(new_process_image_does_not_have_it, VERIFIES(exec_shm_fd_cloexec, fcntl_shm_cloexec_cleared))
{
        EACH_ROW(way, ways) {
                const int fd = (int)MUST(opened(OBJECT_NAME, way->oflag));

                EQ(exec_shm_fd_cloexec, fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
                EQ(exec_shm_fd_cloexec, open_after_exec(fd), 0);
                EQ(fcntl_shm_cloexec_cleared, fcntl(fd, F_SETFD, 0), 0);
                EQ(fcntl_shm_cloexec_cleared, open_after_exec(fd), 1);
        }
}

ROLE(store_a_byte)
{
        char *const memory = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, atoi(arg), 0);

        if (memory == MAP_FAILED || *memory != 'a')
                return 1;
        *memory = 'b';
        return 0;
}

TEST(descriptor_kept_over_exec_is_of_the_same_object, VERIFIES(fcntl_shm_cloexec_cleared))
{
        const int fd = new_shm(OBJECT_NAME, 1);
        char *const memory = map_shm(fd, 1, PROT_READ | PROT_WRITE);
        struct child child;
        char text[12];

        *memory = 'a';
        snprintf(text, sizeof(text), "%d", fd);
        MUST(fcntl(fd, F_SETFD, 0));
        MUST(shm_unlink(OBJECT_NAME));
        CHILD(&child)
                MUST(exec_role("store_a_byte", text));
        EQ(fcntl_shm_cloexec_cleared, reap(&child), 0);
        EQ(fcntl_shm_cloexec_cleared, *memory, 'b');
}

/* ---- open file descriptions ---- */

TEST(each_call_makes_a_description, VERIFIES(shm_open_fd_new_description))
{
        const int one = new_shm(OBJECT_NAME, 100), other = open_shm(O_RDWR), copy = (int)MUST(dup(one));
        const int before = (int)MUST(fcntl(other, F_GETFL));

        REQUIRE(!(before & O_APPEND));
        MUST(fcntl(one, F_SETFL, before | O_APPEND));
        EQ(shm_open_fd_new_description, fcntl(other, F_GETFL), before);
        EQ(shm_open_fd_new_description, fcntl(copy, F_GETFL) & O_APPEND, O_APPEND);
        const int third = open_shm(O_RDWR);
        EQ(shm_open_fd_new_description, fcntl(third, F_GETFL), before);
        MUST(fcntl(other, F_SETFL, before | O_APPEND));
        EQ(shm_open_fd_new_description, fcntl(third, F_GETFL), before);

        /* POSIX does not say that there are offsets. */
        if (lseek(one, 30, SEEK_SET) != 30)
                return;
        EQ(shm_open_fd_new_description, lseek(other, 0, SEEK_CUR), 0);
        EQ(shm_open_fd_new_description, lseek(copy, 0, SEEK_CUR), 30);
        MUST(lseek(other, 60, SEEK_SET));
        EQ(shm_open_fd_new_description, lseek(one, 0, SEEK_CUR), 30);
}

TEST(offset_of_a_new_description, VERIFIES(shm_open_offset))
{
        const off_t offset = lseek(new_shm(OBJECT_NAME, 100), 0, SEEK_CUR);

        OBSERVE(shm_open_offset, "%jd", (intmax_t)offset);
}

TEST(no_status_flag_is_set, VERIFIES(shm_open_fd_status_flags))
{
        EACH_ROW(way, ways) {
                const int flags = (int)MUST(fcntl((int)MUST(opened(OBJECT_NAME, way->oflag)), F_GETFL));

                EQ(shm_open_fd_status_flags, flags & O_APPEND, 0);
                EQ(shm_open_fd_status_flags, flags & O_NONBLOCK, 0);
                EQ(shm_open_fd_status_flags, flags & (O_DSYNC | O_SYNC), 0);
        }
}

TEST(duplicates_share_the_description, VERIFIES(fcntl_shm_dup))
{
        const int fd = new_shm(OBJECT_NAME, 1);
        const struct {
                const char *name;
                int fd, flags;
        } rows[] = {
                {"dup", dup(fd), 0}, {"F_DUPFD", fcntl(fd, F_DUPFD, 30), 0},
                {"F_DUPFD_CLOEXEC", fcntl(fd, F_DUPFD_CLOEXEC, 40), FD_CLOEXEC},
        };

        const int own_flags = (int)MUST(fcntl(fd, F_GETFD));

        HOLDS(fcntl_shm_dup, rows[1].fd >= 30 && rows[2].fd >= 40);
        EACH_ROW(row, rows) {
                const int before = (int)MUST(fcntl(fd, F_GETFL));

                if (!HOLDS(fcntl_shm_dup, row->fd != -1))
                        continue;
                EQ(fcntl_shm_dup, fcntl(row->fd, F_GETFD), row->flags);
                HOLDS(fcntl_shm_dup, same_object(fd, row->fd));
                MUST(fcntl(fd, F_SETFL, before ^ O_APPEND));
                EQ(fcntl_shm_dup, fcntl(row->fd, F_GETFL), before ^ O_APPEND);
        }
        EQ(fcntl_shm_dup, fcntl(fd, F_GETFD), own_flags);
}

/* ---- no descriptor to be had ---- */

TEST(full_table_of_descriptors, VERIFIES(shm_open_emfile, shm_open_emfile_nothing_created))
{
        MUST(close(new_shm(OBJECT_NAME, 10)));
        const int lowest = next_descriptor();
        EACH_ROW(way, ways) {
                const char *const name = way->oflag & O_EXCL ? "/new" : OBJECT_NAME;

                MUST(truncate(OBJECT_FILE, 10));
                const rlim_t before = set_rlimit(RLIMIT_NOFILE, (rlim_t)lowest);
                FAILS_WITH(shm_open_emfile, EMFILE, opened(name, way->oflag));
                set_rlimit(RLIMIT_NOFILE, before);
                EQ(shm_open_emfile_nothing_created, opened("/new", O_RDWR), -1);
                EQ(shm_open_emfile_nothing_created, size_of(open_shm(O_RDONLY)), 10);
                MUST(close(lowest));
                unlink(DEV_SHM "/new");
                set_rlimit(RLIMIT_NOFILE, (rlim_t)lowest + 1);
                EQ(shm_open_emfile, opened(name, way->oflag & ~O_TRUNC), lowest);
                FAILS_WITH(shm_open_emfile, EMFILE, opened(name, way->oflag & ~O_EXCL));
                MUST(close(lowest));
                set_rlimit(RLIMIT_NOFILE, before);
                if (way->oflag & O_EXCL)
                        MUST(shm_unlink("/new"));
        }
}
