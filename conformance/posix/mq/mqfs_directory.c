/* SPDX-License-Identifier: MIT
 *
 * The mqueue file system: queues as files that can be listed, removed, created, and given other owners and modes.
 */
#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <sys/vfs.h>

#include "ipck_mq.h"

static const char *directory;

static int files(void)
{
        return names_in(directory);
}

static bool lists(const char *name)
{
        DIR *const stream = opendir(directory);
        bool found = false;

        REQUIRE(stream);
        for (const struct dirent *entry; (entry = readdir(stream));)
                found |= strcmp(entry->d_name, name + 1) == 0;
        closedir(stream);
        return found;
}

static struct mq_attr small = {.mq_maxmsg = 1, .mq_msgsize = 1};

/* ---- list ---- */

TEST(queues_are_listed, VERIFIES(mqfs_list))
{
        static const struct {
                const char *name;
                mode_t mode;
        } rows[] = {{"/first", 0600}, {"/second", 0444}, {"/.hidden", 0}, {"/with space", 0777}, {"/-", 0123}};
        int count = 0;

        umask(0);
        MUST(mq_close(new_mq("/before the mount", O_RDWR, 1, 1)));
        directory = mount_mqueue();
        HOLDS(mqfs_list, lists("/before the mount"));
        EACH_ROW(row, rows) {
                struct stat st;

                EQ(mqfs_list, files(), ++count);
                HOLDS(mqfs_list, !lists(row->name));
                MUST(mq_close(mq_must_fit(mq_open(row->name, O_CREAT | O_EXCL | O_RDWR, row->mode, &small))));
                HOLDS(mqfs_list, lists(row->name));
                memset(&st, 0x5a, sizeof(st));
                EQ(mqfs_list, stat(mq_file(directory, row->name), &st), 0);
                EQ(mqfs_list, st.st_mode, S_IFREG | row->mode);
                EQ(mqfs_list, st.st_uid, geteuid());
                EQ(mqfs_list, st.st_gid, getegid());
        }
        EACH_ROW(row, rows) {
                MUST(mq_unlink(row->name));
                HOLDS(mqfs_list, !lists(row->name));
                EQ(mqfs_list, files(), count--);
        }
}

TEST(owner_is_shown, VERIFIES(mqfs_list))
{
        struct stat st;

        MUST(mq_close(mq_of(USER_A, QUEUE_NAME, 0640)));
        directory = mount_mqueue();
        EQ(mqfs_list, stat(mq_file(directory, QUEUE_NAME), &st), 0);
        EQ(mqfs_list, st.st_uid, USER_A);
        EQ(mqfs_list, st.st_gid, USER_A);
        EQ(mqfs_list, st.st_mode, S_IFREG | 0640);
}

TEST(file_system_has_its_own_type, VERIFIES(mqfs_magic))
{
        enum { MQUEUE_MAGIC = 0x19800202 };
        struct statfs fs;

        memset(&fs, 0x5a, sizeof(fs));
        EQ(mqfs_magic, statfs(mount_mqueue(), &fs), 0);
        EQ(mqfs_magic, fs.f_type, MQUEUE_MAGIC);
        memset(&fs, 0x5a, sizeof(fs));
        EQ(mqfs_magic, fstatfs(small_mq(O_RDWR), &fs), 0);
        EQ(mqfs_magic, fs.f_type, MQUEUE_MAGIC);
}

/* ---- remove ---- */

TEST(removed_file_is_an_unlinked_queue, VERIFIES(mqfs_remove))
{
        const mqd_t queue = small_mq(O_RDWR), other = new_mq("/other", O_RDWR, 1, 1);

        need_mq_limits(3, 1, 1);
        directory = mount_mqueue();
        mq_post(queue, 0, "m");
        EQ(mqfs_remove, unlink(mq_file(directory, QUEUE_NAME)), 0);
        HOLDS(mqfs_remove, !mq_exists(QUEUE_NAME));
        FAILS_WITH(mqfs_remove, ENOENT, mq_unlink(QUEUE_NAME));
        HOLDS(mqfs_remove, mq_exists("/other"));
        EQ(mqfs_remove, mq_stat(queue).st_nlink, 0);
        EQ(mqfs_remove, mq_count(queue), 1);
        EQ(mqfs_remove, mq_send(queue, "m", 1, 0), 0);
        /* The name is free again. */
        const mqd_t new = OPENS(mqfs_remove, mq_open(QUEUE_NAME, O_CREAT | O_EXCL | O_RDWR, 0600, &small));
        EQ(mqfs_remove, mq_count(new), 0);
        FAILS_WITH(mqfs_remove, ENOENT, unlink(mq_file(directory, "/missing")));
        EQ(mqfs_remove, mq_count(other), 0);
}

static int unlink_file(void)
{
        return unlink(mq_file(directory, QUEUE_NAME));
}

TEST(only_owners_may_remove, VERIFIES(mqfs_sticky_dir))
{
        struct child child;

        directory = mount_mqueue();
        for (int round = 0; round < 2; round++) {
                MUST(mq_close(mq_of(USER_A, QUEUE_NAME, 0666)));
                CHILD(&child) {
                        as_user(USER_B);
                        FAILS_WITH(mqfs_sticky_dir, EPERM, unlink_file());
                        HOLDS(mqfs_sticky_dir, mq_exists(QUEUE_NAME));
                }
                join(&child);
                CHILD(&child) {
                        /* The owner of the queue, and that of the directory. */
                        if (round == 0)
                                as_user(USER_A);
                        else
                                drop_all_capabilities();
                        EQ(mqfs_sticky_dir, unlink_file(), 0);
                }
                join(&child);
                HOLDS(mqfs_sticky_dir, !mq_exists(QUEUE_NAME));
        }
}

TEST(directory_is_open_to_all_and_sticky, VERIFIES(mqfs_sticky_dir))
{
        struct stat st;

        EQ(mqfs_sticky_dir, stat(mount_mqueue(), &st), 0);
        EQ(mqfs_sticky_dir, st.st_mode, S_IFDIR | S_ISVTX | 0777);
}

/* ---- create ---- */

TEST(created_file_is_a_queue, VERIFIES(mqfs_create_via_fs))
{
        need_mq_limits(1, 3, 130);
        directory = mount_mqueue();
        set_mq_limit("msg_default", 3);
        set_mq_limit("msgsize_default", 130);
        umask(022);
        const int file = open(mq_file(directory, QUEUE_NAME), O_CREAT | O_EXCL | O_RDWR, 0666);
        EQ(mqfs_create_via_fs, worked(file), 0);
        const mqd_t queue = OPENS(mqfs_create_via_fs, mq_open(QUEUE_NAME, O_RDWR | O_NONBLOCK));
        const struct mq_attr attr = attr_of(queue);
        EQ(mqfs_create_via_fs, attr.mq_maxmsg, 3);
        EQ(mqfs_create_via_fs, attr.mq_msgsize, 130);
        EQ(mqfs_create_via_fs, attr.mq_curmsgs, 0);
        EQ(mqfs_create_via_fs, mq_stat(queue).st_mode, S_IFREG | 0644);
        EQ(mqfs_create_via_fs, mq_stat(queue).st_uid, geteuid());
        /* The descriptor of the file is one of the queue. */
        EQ(mqfs_create_via_fs, mq_send(file, "by file", 7, 0), 0);
        EQ(mqfs_create_via_fs, mq_count(queue), 1);
        REQUIRE(mq_open(QUEUE_NAME, O_CREAT | O_EXCL | O_RDWR, 0600, &small) == -1 && errno == EEXIST);
        FAILS_WITH(mqfs_create_via_fs, EEXIST, open(mq_file(directory, QUEUE_NAME), O_CREAT | O_EXCL | O_RDWR, 0600));
}

TEST(file_is_created_within_the_limits, VERIFIES(mqfs_create_via_fs))
{
        directory = mount_mqueue();
        set_mq_limit("msg_default", 1);
        set_mq_limit("queues_max", 1);
        be_limited();
        EQ(mqfs_create_via_fs, worked(open(mq_file(directory, "/one"), O_CREAT | O_EXCL | O_RDWR, 0600)), 0);
        FAILS_WITH(mqfs_create_via_fs, ENOSPC, open(mq_file(directory, "/two"), O_CREAT | O_EXCL | O_RDWR, 0600));
        HOLDS(mqfs_create_via_fs, !mq_exists("/two"));
}

/* ---- chmod, chown ---- */

TEST(changed_mode_decides, VERIFIES(mqfs_chmod))
{
        static const struct {
                const char *name;
                mode_t mode;
                int access;
        } rows[] = {
                {"0000", 0, 0}, {"0400", 0400, MAY_RECEIVE}, {"0200", 0200, MAY_SEND}, {"0077", 0077, 0},
                {"0600", 0600, MAY_RECEIVE | MAY_SEND},
        };
        const mqd_t queue = small_mq(O_RDWR);

        directory = mount_mqueue();
        drop_all_capabilities();
        EACH_ROW(row, rows) {
                EQ(mqfs_chmod, chmod(mq_file(directory, QUEUE_NAME), row->mode), 0);
                EQ(mqfs_chmod, mq_stat(queue).st_mode, S_IFREG | row->mode);
                EQ(mqfs_chmod, access_to_mq(QUEUE_NAME), row->access);
        }
        EACH_ROW(row, rows) {
                EQ(mqfs_chmod, fchmod(queue, row->mode), 0);
                EQ(mqfs_chmod, mq_stat(queue).st_mode, S_IFREG | row->mode);
                EQ(mqfs_chmod, access_to_mq(QUEUE_NAME), row->access);
        }
}

static void expect_access_as(uid_t uid, int access)
{
        struct child child;

        CHILD(&child) {
                as_user(uid);
                EQ(mqfs_chmod, access_to_mq(QUEUE_NAME), access);
                if (!access)
                        FAILS_WITH(mqfs_chmod, EPERM, chmod(mq_file(directory, QUEUE_NAME), 0666));
        }
        join(&child);
}

TEST(changed_owner_and_group_decide, VERIFIES(mqfs_chmod))
{
        const mqd_t queue = mq_of(USER_A, QUEUE_NAME, 0640);

        directory = mount_mqueue();
        expect_access_as(USER_A, MAY_RECEIVE | MAY_SEND);
        expect_access_as(USER_B, 0);
        EQ(mqfs_chmod, chown(mq_file(directory, QUEUE_NAME), USER_B, (gid_t)-1), 0);
        expect_access_as(USER_B, MAY_RECEIVE | MAY_SEND);
        expect_access_as(USER_A, MAY_RECEIVE);
        EQ(mqfs_chmod, fchown(queue, USER_A, USER_C), 0);
        expect_access_as(USER_A, MAY_RECEIVE | MAY_SEND);
        expect_access_as(USER_B, 0);
        expect_access_as(USER_C, MAY_RECEIVE);
}

/* ---- times ---- */

static time_t directory_mtime(void)
{
        struct stat st;

        MUST(stat(directory, &st));
        return st.st_mtime;
}

TEST(times_tell_what_happened_last, VERIFIES(mqfs_times), MOSTLY_WAITS)
{
        char message[SMALL_MSGSIZE];

        directory = mount_mqueue();
        next_second(directory_mtime());
        time_t before = now();
        const mqd_t queue = small_mq(O_RDWR);
        const struct stat created = mq_stat(queue);
        BETWEEN(mqfs_times, before, created.st_mtime, now());
        BETWEEN(mqfs_times, before, created.st_atime, now());
        BETWEEN(mqfs_times, before, created.st_ctime, now());
        BETWEEN(mqfs_times, before, directory_mtime(), now());

        next_second(now());
        before = now();
        mq_post(queue, 0, "m");
        BETWEEN(mqfs_times, before, mq_stat(queue).st_mtime, now());

        next_second(now());
        before = now();
        MUST(mq_receive(queue, message, sizeof(message), NULL));
        BETWEEN(mqfs_times, before, mq_stat(queue).st_mtime, now());
        HOLDS(mqfs_times, directory_mtime() < before);

        MUST(mq_unlink(QUEUE_NAME));
        BETWEEN(mqfs_times, before, directory_mtime(), now());
}

/* ---- nothing but queues ---- */

TEST(there_is_nothing_but_queues, VERIFIES(mqfs_only_queues))
{
        char queue[64];

        (void)small_mq(O_RDWR);
        directory = mount_mqueue();
        snprintf(queue, sizeof(queue), "%s%s", directory, QUEUE_NAME);
        const char *const new = mq_file(directory, "/new");
        FAILS_WITH(mqfs_only_queues, EPERM, mkdir(new, 0700));
        FAILS_WITH(mqfs_only_queues, EPERM, symlink(queue, new));
        FAILS_WITH(mqfs_only_queues, EPERM, link(queue, new));
        FAILS_WITH(mqfs_only_queues, EPERM, mknod(new, S_IFIFO | 0600, 0));
        FAILS_WITH(mqfs_only_queues, EPERM, rename(queue, new));
        EQ(mqfs_only_queues, files(), 1);
        HOLDS(mqfs_only_queues, mq_exists(QUEUE_NAME));
}

/* ---- whose queues ---- */

TEST(mount_belongs_to_the_namespace_of_its_maker, VERIFIES(mqfs_namespace))
{
        struct child guest;

        (void)new_mq("/here", O_RDWR, 1, 1);
        directory = mount_mqueue();
        CHILD(&guest) {
                enter_new_ipc_namespace();
                (void)new_mq("/there", O_RDWR, 1, 1);
                HOLDS(mqfs_namespace, lists("/here"));
                HOLDS(mqfs_namespace, !lists("/there"));
                EQ(mqfs_namespace, files(), 1);
                directory = mount_mqueue_at("/dev/shm/another");
                HOLDS(mqfs_namespace, lists("/there"));
                EQ(mqfs_namespace, files(), 1);
                stay(&guest);
        }
        UNTIL(stays(&guest));
        EQ(mqfs_namespace, files(), 1);
        directory = "/dev/shm/another";
        HOLDS(mqfs_namespace, lists("/there"));
        HOLDS(mqfs_namespace, !lists("/here"));
        dismiss(&guest);
}
