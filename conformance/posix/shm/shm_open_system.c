/* SPDX-License-Identifier: MIT
 *
 * shm_open(): what happens where the system behind it refuses, or has something else than objects.
 */
#include "ipck_filter.h"
#include "ipck_posix_shm.h"

/* ---- limits of the system ---- */

/* The real limit is the whole machine's and not to be reached: a refused open stands for it. */
TEST(table_of_files_that_is_full, VERIFIES(shm_open_enfile))
{
        static const struct {
                const char *name;
                int oflag;
        } rows[] = {
                {"open", O_RDWR}, {"read", O_RDONLY}, {"create", O_RDWR | O_CREAT},
                {"create exclusively", O_RDWR | O_CREAT | O_EXCL}, {"truncate", O_RDWR | O_TRUNC},
        };

        EACH_ROW(row, rows)
                MUST(try_open(row->oflag & O_EXCL ? "/new" : OBJECT_NAME, row->oflag | O_CREAT, 0600));
        fail_opens(ENFILE);
        EACH_ROW(row, rows)
                FAILS_WITH(shm_open_enfile, ENFILE, opened(row->oflag & O_EXCL ? "/new" : OBJECT_NAME, row->oflag));
}

TEST(no_room_for_one_more_object, VERIFIES(shm_open_enospc, shm_open_fail_no_effect))
{
        static const struct {
                const char *name;
                int oflag;
        } rows[] = {
                {"O_CREAT", O_RDWR | O_CREAT}, {"O_EXCL", O_RDWR | O_CREAT | O_EXCL}, {"read", O_RDONLY | O_CREAT},
        };

        /* The directory is one, too. */
        mount_dev_shm(0, "mode=1777,nr_inodes=3");
        MUST(try_open("/one", O_RDWR | O_CREAT, 0600));
        MUST(try_open("/two", O_RDWR | O_CREAT, 0600));
        EACH_ROW(row, rows) {
                FAILS_WITH(shm_open_enospc, ENOSPC, opened("/three", row->oflag));
                EQ(shm_open_fail_no_effect, opened("/three", O_RDWR), -1);
                /* What exists needs no room. */
                EQ(shm_open_enospc, try_open("/two", O_RDWR | O_CREAT, 0600), 0);
        }
        MUST(shm_unlink("/one"));
        EQ(shm_open_enospc, try_open("/three", O_RDWR | O_CREAT, 0600), 0);
}

/* ---- signals ---- */

TEST(signal_interrupts_a_call_that_waits, VERIFIES(shm_open_eintr))
{
        struct child opener;

        MUST(close(new_shm(OBJECT_NAME, 1)));
        CHILD(&opener) {
                catch_signal(SIGUSR1, 0);
                hold_opens();
                here(&opener, 1);
                FAILS_WITH(shm_open_eintr, EINTR, opened(OBJECT_NAME, O_RDWR));
                EQ(shm_open_eintr, signals_caught(), 1);
        }
        UNTIL(blocked(&opener));
        MUST(kill(opener.pid, SIGUSR1));
        EVENTUALLY(shm_open_eintr, returned(&opener));
        join(&opener);
}

/* ---- what is not an object ---- */

TEST(symbolic_link_is_not_followed, VERIFIES(shm_open_symlink_nofollow, shm_open_symlink_excl))
{
        static const struct {
                const char *name, *target, *object;
        } rows[] = {
                {"to an object", OBJECT_FILE, OBJECT_NAME}, {"to nothing", DEV_SHM "/nothing", "/nothing"},
                {"relative", "ipck", OBJECT_NAME},
        };
        const int fd = new_shm(OBJECT_NAME, 100);

        EACH_ROW(row, rows) {
                MUST(symlink(row->target, DEV_SHM "/link"));
                FAILS_WITH(shm_open_symlink_nofollow, ELOOP, opened("/link", O_RDONLY));
                FAILS_WITH(shm_open_symlink_nofollow, ELOOP, opened("/link", O_RDWR));
                FAILS_WITH(shm_open_symlink_nofollow, ELOOP, opened("/link", O_RDWR | O_TRUNC));
                FAILS_WITH(shm_open_symlink_nofollow, ELOOP, opened("/link", O_RDWR | O_CREAT));
                EQ(shm_open_symlink_nofollow, opened("/nothing", O_RDWR), -1);
                EQ(shm_open_symlink_nofollow, size_of(fd), 100);
                FAILS_WITH(shm_open_symlink_excl, EEXIST, opened("/link", O_RDWR | O_CREAT | O_EXCL));
                unlink(DEV_SHM "/nothing");
                MUST(unlink(DEV_SHM "/link"));
                EQ(shm_open_symlink_nofollow, opened("/link", O_RDWR), -1);
                EQ(shm_open_symlink_excl, try_open("/link", O_RDWR | O_CREAT | O_EXCL, 0600), 0);
                MUST(shm_unlink("/link"));
        }
}

TEST(directory_of_that_name, VERIFIES(shm_open_directory_entry))
{
        MUST(mkdir(DEV_SHM "/dir", 0700));
        const int existing = opened("/dir", O_RDWR), error = errno;
        const int created = opened("/dir", O_RDWR | O_CREAT), create_error = errno;
        EQ(shm_open_directory_entry, existing, -1);
        EQ(shm_open_directory_entry, created, -1);
        OBSERVE(shm_open_directory_entry, "opened: %s; with O_CREAT: %s", errno_name(error), errno_name(create_error));
        MUST(rmdir(DEV_SHM "/dir"));
        EQ(shm_open_directory_entry, opened("/dir", O_RDWR), -1);
        EQ(shm_open_directory_entry, try_open("/dir", O_RDWR | O_CREAT, 0600), 0);
}

/* ---- no place for objects ---- */

static void expect_no_place(int result)
{
        const int error = errno;

        EQ(shm_open_no_devshm, result, -1);
        HOLDS(shm_open_no_devshm, error == ENOENT || error == ENOSYS);
}

TEST(without_the_directory_there_are_no_objects, VERIFIES(shm_open_no_devshm))
{
        MUST(close(new_shm(OBJECT_NAME, 1)));
        mount_dev();
        expect_no_place(opened(OBJECT_NAME, O_RDWR));
        expect_no_place(opened(OBJECT_NAME, O_RDONLY));
        expect_no_place(opened(OBJECT_NAME, O_RDWR | O_CREAT));
        expect_no_place(opened(OBJECT_NAME, O_RDWR | O_CREAT | O_EXCL));
        expect_no_place(shm_unlink(OBJECT_NAME));
        MUST(umount2("/dev", MNT_DETACH));
        EQ(shm_open_no_devshm, try_open(OBJECT_NAME, O_RDWR, 0), 0);
}

/* ---- nothing is left over ---- */

TEST(failed_call_leaves_no_descriptor, VERIFIES(shm_open_fail_no_descriptor))
{
        static const struct {
                const char *name, *object;
                int oflag;
        } rows[] = {
                {"ENOENT", "/missing", O_RDWR}, {"ENOENT of O_TRUNC", "/missing", O_RDWR | O_TRUNC},
                {"EEXIST", "/present", O_RDWR | O_CREAT | O_EXCL},
                {"EEXIST of a link", "/link", O_RDWR | O_CREAT | O_EXCL},
                {"ENOSPC", "/missing", O_RDWR | O_CREAT}, {"ENOSPC exclusively", "/missing", O_RDWR | O_CREAT | O_EXCL},
                {"EINVAL", "/", O_RDWR}, {"EINVAL of O_CREAT", "/", O_RDWR | O_CREAT},
                {"EINVAL of an empty name", "", O_RDWR}, {"a slash inside", "/a/b", O_RDWR | O_CREAT},
                {"itself", "/.", O_RDWR}, {"its parent", "/..", O_RDWR}, {"a directory", "/dir", O_RDWR},
                {"a directory to be created", "/dir", O_RDWR | O_CREAT}, {"a link", "/link", O_RDONLY},
                {"EACCES", "/closed", O_RDWR}, {"EACCES for reading", "/closed", O_RDONLY},
                {"EACCES of O_TRUNC", "/closed", O_RDWR | O_TRUNC},
                {"EACCES with O_CREAT", "/closed", O_RDWR | O_CREAT},
        };

        mount_dev_shm(0, "mode=1777,nr_inodes=5");
        MUST(try_open("/present", O_RDWR | O_CREAT, 0600));
        MUST(try_open("/closed", O_RDWR | O_CREAT, 0));
        MUST(symlink("nothing", DEV_SHM "/link"));
        MUST(mkdir(DEV_SHM "/dir", 0700));
        drop_all_capabilities();
        const int before = open_descriptors();
        EACH_ROW(row, rows) {
                REQUIRE(opened(row->object, row->oflag) == -1);
                EQ(shm_open_fail_no_descriptor, open_descriptors(), before);
        }
        EQ(shm_open_fail_no_descriptor, worked(opened("/present", O_RDWR)), 0);
        EQ(shm_open_fail_no_descriptor, open_descriptors(), before + 1);
}

TEST(refused_call_leaves_no_descriptor, VERIFIES(shm_open_fail_no_descriptor))
{
        static const struct {
                const char *name;
                int error;
        } rows[] = {{"ENFILE", ENFILE}, {"EINTR", EINTR}, {"ENOMEM", ENOMEM}, {"EIO", EIO}, {"EISDIR", EISDIR}};
        struct child child;

        MUST(try_open(OBJECT_NAME, O_RDWR | O_CREAT, 0600));
        EACH_ROW(row, rows) {
                CHILD(&child) {
                        fail_opens(row->error);
                        const int before = open_descriptors();

                        EQ(shm_open_fail_no_descriptor, opened(OBJECT_NAME, O_RDWR), -1);
                        EQ(shm_open_fail_no_descriptor, open_descriptors(), before);
                }
                join(&child);
        }
}
