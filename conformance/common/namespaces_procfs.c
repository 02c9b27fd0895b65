/* SPDX-License-Identifier: MIT
 *
 * /proc/sysvipc/msg, sem and shm and namespaces: whose objects they list, and in whose user and group ids.
 */
#include <sched.h>

#include "ipck_mechanism.h"

/* ---- reading ---- */

enum { MOST_LINES = 8 };

/* How many lines there are, and the one of that object, all -1 where it has none. */
static int find_line(const struct mechanism *m, int fd, int id, struct object_line *line)
{
        struct object_line lines[MOST_LINES];
        char text[4096];

        MUST(lseek(fd, 0, SEEK_SET));
        const ssize_t length = (ssize_t)MUST(read(fd, text, sizeof(text) - 1));
        text[length] = '\0';
        memset(line, 0xff, sizeof(*line));
        const size_t count = object_lines(m, text, lines, MOST_LINES);
        for (size_t i = 0; i < count; i++) {
                REQUIRE(lines[i].id != -1);
                if (lines[i].id == id)
                        *line = lines[i];
        }
        return (int)count;
}

/* ---- whose objects ---- */

TEST(listing_is_of_the_namespace_at_open, VERIFIES(ipcns_procfs_sysvipc), ONE_ROUTE)
{
        empty_namespace();
        EACH_ROW(m, mechanisms) {
                const key_t old_key = fresh_key(), new_key = old_key ^ 0x10000;
                const int old = must_fit_in(m, m->get(old_key, IPC_CREAT | 0600));
                const int old_fd = open_table(m);
                struct object_line line;

                enter_new_ipc_namespace();
                /* Never read before: what counts is when it was opened. */
                EQ(ipcns_procfs_sysvipc, find_line(m, old_fd, old, &line), 1);
                EQ(ipcns_procfs_sysvipc, line.key, old_key);

                int new_fd = open_table(m);
                EQ(ipcns_procfs_sysvipc, find_line(m, new_fd, old, &line), 0);
                close(new_fd);
                (void)new_object(m, 0600);
                const int new = must_fit_in(m, m->get(new_key, IPC_CREAT | 0640));
                new_fd = open_table(m);
                EQ(ipcns_procfs_sysvipc, find_line(m, new_fd, new, &line), 2);
                EQ(ipcns_procfs_sysvipc, line.key, new_key);
                EQ(ipcns_procfs_sysvipc, line.mode & 0777, 0640);
                EQ(ipcns_procfs_sysvipc, find_line(m, old_fd, old, &line), 1);
                EQ(ipcns_procfs_sysvipc, line.key, old_key);
                EQ(ipcns_procfs_sysvipc, line.mode & 0777, 0600);
                close(old_fd);
                close(new_fd);
        }
}

/* The file holds the namespace, although nobody is there any more. */
TEST(listing_outlives_the_last_process, VERIFIES(ipcns_procfs_sysvipc), ONE_ROUTE)
{
        EACH_ROW(m, mechanisms) {
                struct object_line line;

                enter_new_ipc_namespace();
                const int id = new_object(m, 0604), fd = open_table(m);
                enter_new_ipc_namespace();
                EQ(ipcns_procfs_sysvipc, find_line(m, fd, id, &line), 1);
                EQ(ipcns_procfs_sysvipc, line.mode & 0777, 0604);
                close(fd);
        }
}

/* ---- whose ids ---- */

static unsigned overflow_id(const char *path)
{
        char text[32];

        if (read_file(path, text, sizeof(text)) <= 0)
                UNSUPPORTED("%s (%s)", path, errno_name(errno));
        return (unsigned)strtoul(text, NULL, 10);
}

static void expect_ids(const struct mechanism *m, int fd, int id, const unsigned ids[4])
{
        struct object_line line;

        (void)find_line(m, fd, id, &line);
        EQ(ipcns_procfs_ids_mapped, line.id, id);
        EQ(ipcns_procfs_ids_mapped, line.uid, ids[0]);
        EQ(ipcns_procfs_ids_mapped, line.gid, ids[1]);
        EQ(ipcns_procfs_ids_mapped, line.cuid, ids[2]);
        EQ(ipcns_procfs_ids_mapped, line.cgid, ids[3]);
}

#define IDS(...) ((const unsigned[4]){__VA_ARGS__})

TEST(listed_ids_are_those_of_the_openers_user_namespace, VERIFIES(ipcns_procfs_ids_mapped), ONE_ROUTE)
{
        const uid_t uid = geteuid();
        const gid_t gid = getegid();

        empty_namespace();
        EACH_ROW(m, mechanisms) {
                const int id = new_object(m, 0600);
                struct child guest;

                CHILD(&guest) {
                        const int outside = open_table(m);
                        enter_user_namespace(uid + 5, gid + 6);
                        expect_ids(m, open_table(m), id, IDS(uid + 5, gid + 6, uid + 5, gid + 6));
                        expect_ids(m, outside, id, IDS(uid, gid, uid, gid));
                }
                join(&guest);
        }
}

TEST(listed_ids_without_a_mapping_are_the_overflow_ids, VERIFIES(ipcns_procfs_ids_mapped), ONE_ROUTE)
{
        const unsigned no_uid = overflow_id("/proc/sys/kernel/overflowuid");
        const unsigned no_gid = overflow_id("/proc/sys/kernel/overflowgid");

        empty_namespace();
        EACH_ROW(m, mechanisms) {
                const int id = new_object(m, 0600);
                struct child guest;

                CHILD(&guest) {
                        if (unshare(CLONE_NEWUSER) == -1)
                                UNSUPPORTED("a user namespace (%s)", errno_name(errno));
                        expect_ids(m, open_table(m), id, IDS(no_uid, no_gid, no_uid, no_gid));
                }
                join(&guest);
        }
}

TEST(each_listed_id_is_mapped_by_itself, VERIFIES(ipcns_procfs_ids_mapped), ONE_ROUTE)
{
        const unsigned no_uid = overflow_id("/proc/sys/kernel/overflowuid");
        const unsigned no_gid = overflow_id("/proc/sys/kernel/overflowgid");
        const uid_t uid = geteuid();
        const gid_t gid = getegid();

        empty_namespace();
        EACH_ROW(m, mechanisms) {
                const int uid_given = new_object(m, 0600), gid_given = new_object(m, 0600);
                struct child guest;

                /* An id that has no number here cannot be given. */
                if (m->set(uid_given, USER_A, gid, 0600) == -1 && errno == EINVAL)
                        UNSUPPORTED("user %u", (unsigned)USER_A);
                MUST(m->set(uid_given, USER_A, gid, 0600));
                MUST(m->set(gid_given, uid, GROUP_A, 0600));
                CHILD(&guest) {
                        enter_user_namespace(uid + 5, gid + 6);
                        const int fd = open_table(m);
                        expect_ids(m, fd, uid_given, IDS(no_uid, gid + 6, uid + 5, gid + 6));
                        expect_ids(m, fd, gid_given, IDS(uid + 5, no_gid, uid + 5, gid + 6));
                }
                join(&guest);
        }
}
