/* SPDX-License-Identifier: MIT
 *
 * Semaphore sets and IPC namespaces: who sees which sets, and what becomes of them when nobody is left.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>

#include "ipck_sem.h"

static void enter_namespace(int fd)
{
        if (setns(fd, CLONE_NEWIPC) == -1)
                UNSUPPORTED("setns(.., CLONE_NEWIPC) (%s)", errno_name(errno));
}

/* ---- apart ---- */

static void expect_nothing_there(enum ipck_requirement req, key_t key, int set)
{
        unsigned short values[2] = {1, 2};
        struct semid_ds ds;

        FAILS_WITH(req, ENOENT, semget(key, 0, 0));
        FAILS_WITH(req, ENOENT, semget(key, 2, 0600));
        FAILS_WITH(req, EINVAL, semctl(set, 0, GETVAL));
        FAILS_WITH(req, EINVAL, semctl(set, 0, SETVAL, ARG_VAL(1)));
        FAILS_WITH(req, EINVAL, semctl(set, 0, SETALL, ARG_ARRAY(values)));
        FAILS_WITH(req, EINVAL, semctl(set, 0, IPC_STAT, ARG_BUF(&ds)));
        FAILS_WITH(req, EINVAL, semctl(set, 0, IPC_RMID));
        FAILS_WITH(req, EINVAL, SEMOP(set, OP(0, 1, 0)));
}

TEST(sets_of_another_namespace_are_out_of_reach, VERIFIES(ipcns_isolated_sem))
{
        const key_t key = fresh_key();
        int set = (int)MUST(semget(key, 2, IPC_CREAT | 0666));
        struct child away;

        set_val(set, 1, 5);
        const struct sem_view before = view_of(set);
        CHILD(&away) {
                REQUIRE(semget(key, 0, 0) == set && VAL(set, 1) == 5);
                enter_new_ipc_namespace();
                expect_nothing_there(ipcns_isolated_sem, key, set);
        }
        join(&away);
        const struct sem_view after = view_of(set);
        HOLDS(ipcns_isolated_sem, same_view(&before, &after));
        EQ(ipcns_isolated_sem, semget(key, 0, 0), set);
}

TEST(sets_of_a_new_namespace_stay_in_it, VERIFIES(ipcns_isolated_sem))
{
        key_t key = fresh_key();
        int *set = shared(sizeof(*set));
        struct child away;

        CHILD(&away) {
                enter_new_ipc_namespace();
                *set = (int)MUST(semget(key, 2, IPC_CREAT | 0666));
                stay(&away);
                EQ(ipcns_isolated_sem, VAL(*set, 0), 0);
        }
        UNTIL(stays(&away));
        expect_nothing_there(ipcns_isolated_sem, key, *set);
        dismiss(&away);
}

TEST(one_key_names_a_set_in_each_namespace, VERIFIES(ipcns_same_key_both))
{
        const key_t key = fresh_key();
        int set = (int)MUST(semget(key, 2, IPC_CREAT | IPC_EXCL | 0600));
        struct child away;

        MUST(SEMOP(set, OP(0, 5, 0), OP(1, 6, 0)));
        const struct sem_view before = view_of(set);
        CHILD(&away) {
                enter_new_ipc_namespace();
                int own = semget(key, 3, IPC_CREAT | IPC_EXCL | 0640);
                HOLDS(ipcns_same_key_both, own != -1);
                EQ(ipcns_same_key_both, semget(key, 0, 0), own);
                EQ(ipcns_same_key_both, VAL(own, 0), 0);
                EQ(ipcns_same_key_both, SEMOP(own, OP(0, 70, 0), OP(2, 72, 0)), 0);
                set_mode(own, 0604);
                const struct sem_view mine = view_of(own);
                stay(&away);
                const struct sem_view still_mine = view_of(own);
                HOLDS(ipcns_same_key_both, same_view(&mine, &still_mine));
                EQ(ipcns_same_key_both, semctl(own, 0, IPC_RMID), 0);
                FAILS_WITH(ipcns_same_key_both, ENOENT, semget(key, 0, 0));
        }
        UNTIL(stays(&away));
        const struct sem_view between = view_of(set);
        HOLDS(ipcns_same_key_both, same_view(&before, &between));
        EQ(ipcns_same_key_both, SEMOP(set, OP(0, -1, 0)), 0);
        dismiss(&away);
        EQ(ipcns_same_key_both, semget(key, 0, 0), set);
        EQ(ipcns_same_key_both, VAL(set, 0), 4);
        EQ(ipcns_same_key_both, VAL(set, 1), 6);
}

/* ---- moving ---- */

TEST(names_mean_the_sets_of_the_namespace_entered, VERIFIES(ipcns_setns))
{
        const key_t both = fresh_key(), first_only = both ^ 0x10000, second_only = both ^ 0x20000;
        int first_fd = this_ipc_namespace();

        int first = (int)MUST(semget(both, 1, IPC_CREAT | 0600));
        int first_other = (int)MUST(semget(first_only, 1, IPC_CREAT | 0600));
        set_val(first, 0, 5);
        enter_new_ipc_namespace();
        /* Identifiers must differ, or those of the one would name sets of the other. */
        for (int i = 0; i < 3; i++)
                (void)new_sems(1, 0600);
        int second = (int)MUST(semget(both, 1, IPC_CREAT | 0600));
        int second_other = (int)MUST(semget(second_only, 1, IPC_CREAT | 0600));
        set_val(second, 0, 7);
        REQUIRE(second != first && second != first_other && second_other != first && second_other != first_other);

        /* For a while only the descriptor holds the second namespace. */
        int second_fd = this_ipc_namespace();
        enter_namespace(first_fd);
        EQ(ipcns_setns, semget(both, 0, 0), first);
        EQ(ipcns_setns, VAL(first, 0), 5);
        EQ(ipcns_setns, semget(first_only, 0, 0), first_other);
        expect_nothing_there(ipcns_setns, second_only, second);
        set_val(first, 0, 6);

        enter_namespace(second_fd);
        EQ(ipcns_setns, semget(both, 0, 0), second);
        EQ(ipcns_setns, VAL(second, 0), 7);
        EQ(ipcns_setns, semget(second_only, 0, 0), second_other);
        FAILS_WITH(ipcns_setns, ENOENT, semget(first_only, 0, 0));

        enter_namespace(first_fd);
        EQ(ipcns_setns, VAL(first, 0), 6);
}

TEST(namespace_of_another_process_can_be_entered, VERIFIES(ipcns_setns))
{
        const key_t key = fresh_key();
        struct child host, guest;
        char path[64];

        CHILD(&host) {
                enter_new_ipc_namespace();
                int set = (int)MUST(semget(key, 1, IPC_CREAT | 0600));
                here(&host, 1);
                EQ(ipcns_setns, SEMOP(set, OP(0, -3, 0)), 0);
        }
        UNTIL(at(&host) == 1);
        snprintf(path, sizeof(path), "/proc/%d/ns/ipc", (int)host.pid);
        CHILD(&guest) {
                int fd = open(path, O_RDONLY | O_CLOEXEC);
                if (fd == -1)
                        UNSUPPORTED("/proc/PID/ns/ipc (%s)", errno_name(errno));
                FAILS_WITH(ipcns_setns, ENOENT, semget(key, 0, 0));
                enter_namespace(fd);
                int set = semget(key, 0, 0);
                HOLDS(ipcns_setns, set != -1);
                EQ(ipcns_setns, SEMOP(set, OP(0, 3, 0)), 0);
        }
        join(&guest);
        /* The host took them: its operation was on the same set. */
        EVENTUALLY(ipcns_setns, returned(&host));
        join(&host);
        FAILS_WITH(ipcns_setns, ENOENT, semget(key, 0, 0));
}

TEST(new_namespace_needs_a_capability, VERIFIES(ipcns_eperm_unshare), ONE_ROUTE)
{
        struct child process;

        CHILD(&process)
                enter_new_ipc_namespace();
        join(&process);
        CHILD(&process) {
                const key_t key = fresh_key();
                int set = (int)MUST(semget(key, 1, IPC_CREAT | 0600));

                drop_capability(CAP_SYS_ADMIN);
                FAILS_WITH(ipcns_eperm_unshare, EPERM, unshare(CLONE_NEWIPC));
                /* And it is still where it was. */
                EQ(ipcns_eperm_unshare, semget(key, 0, 0), set);
        }
        join(&process);
}

/* ---- /proc/sysvipc/sem ---- */

static int open_listing(void)
{
        int fd = open("/proc/sysvipc/sem", O_RDONLY | O_CLOEXEC);

        if (fd == -1)
                UNSUPPORTED("/proc/sysvipc/sem (%s)", errno_name(errno));
        return fd;
}

/* How many lines there are, and the one of that set, all -1 where it has none. */
static int find_line(int fd, int set, struct sem_line *line)
{
        struct sem_line lines[8];
        char text[4096];
        ssize_t length;

        MUST(lseek(fd, 0, SEEK_SET));
        length = (ssize_t)MUST(read(fd, text, sizeof(text) - 1));
        text[length] = '\0';
        memset(line, 0xff, sizeof(*line));
        const int count = (int)sem_lines(text, lines, sizeof(lines) / sizeof(*lines));
        for (int i = 0; i < count; i++) {
                REQUIRE(lines[i].id != -1);
                if (lines[i].id == set)
                        *line = lines[i];
        }
        return count;
}

TEST(listing_is_of_the_namespace_at_open, VERIFIES(ipcns_procfs_sysvipc), ONE_ROUTE)
{
        const key_t old_key = fresh_key(), new_key = old_key ^ 0x10000;
        int old_set = (int)MUST(semget(old_key, 2, IPC_CREAT | 0600));
        int old_fd = open_listing();
        struct sem_line line;

        enter_new_ipc_namespace();
        /* Never read before: what counts is when it was opened. */
        EQ(ipcns_procfs_sysvipc, find_line(old_fd, old_set, &line), 1);
        EQ(ipcns_procfs_sysvipc, line.key, old_key);
        EQ(ipcns_procfs_sysvipc, line.nsems, 2);

        int new_fd = open_listing();
        EQ(ipcns_procfs_sysvipc, find_line(new_fd, old_set, &line), 0);
        close(new_fd);
        (void)new_sems(1, 0600);
        int new_set = (int)MUST(semget(new_key, 3, IPC_CREAT | 0600));
        new_fd = open_listing();
        EQ(ipcns_procfs_sysvipc, find_line(new_fd, new_set, &line), 2);
        EQ(ipcns_procfs_sysvipc, line.key, new_key);
        EQ(ipcns_procfs_sysvipc, line.nsems, 3);
        EQ(ipcns_procfs_sysvipc, find_line(old_fd, old_set, &line), 1);
        EQ(ipcns_procfs_sysvipc, line.key, old_key);
        close(old_fd);
        close(new_fd);
}

static unsigned overflow_id(const char *path)
{
        char text[32];

        if (read_file(path, text, sizeof(text)) <= 0)
                UNSUPPORTED("%s (%s)", path, errno_name(errno));
        return (unsigned)strtoul(text, NULL, 10);
}

static void expect_ids(int fd, int set, unsigned uid, unsigned gid, unsigned cuid, unsigned cgid)
{
        struct sem_line line;

        (void)find_line(fd, set, &line);
        EQ(ipcns_procfs_ids_mapped, line.id, set);
        EQ(ipcns_procfs_ids_mapped, line.uid, uid);
        EQ(ipcns_procfs_ids_mapped, line.gid, gid);
        EQ(ipcns_procfs_ids_mapped, line.cuid, cuid);
        EQ(ipcns_procfs_ids_mapped, line.cgid, cgid);
}

TEST(listed_ids_are_those_of_the_openers_user_namespace, VERIFIES(ipcns_procfs_ids_mapped), ONE_ROUTE)
{
        const uid_t uid = geteuid();
        const gid_t gid = getegid();
        int set = new_sems(1, 0600);
        struct child guest;

        CHILD(&guest) {
                int outside = open_listing();
                enter_user_namespace(uid + 5, gid + 6);
                int inside = open_listing();
                expect_ids(inside, set, uid + 5, gid + 6, uid + 5, gid + 6);
                expect_ids(outside, set, uid, gid, uid, gid);
        }
        join(&guest);
}

TEST(listed_ids_without_a_mapping_are_the_overflow_ids, VERIFIES(ipcns_procfs_ids_mapped), ONE_ROUTE)
{
        const unsigned no_uid = overflow_id("/proc/sys/kernel/overflowuid");
        const unsigned no_gid = overflow_id("/proc/sys/kernel/overflowgid");
        int set = new_sems(1, 0600);
        struct child guest;

        CHILD(&guest) {
                if (unshare(CLONE_NEWUSER) == -1)
                        UNSUPPORTED("a user namespace (%s)", errno_name(errno));
                expect_ids(open_listing(), set, no_uid, no_gid, no_uid, no_gid);
        }
        join(&guest);
}

TEST(each_listed_id_is_mapped_by_itself, VERIFIES(ipcns_procfs_ids_mapped), ONE_ROUTE)
{
        const unsigned no_uid = overflow_id("/proc/sys/kernel/overflowuid");
        const unsigned no_gid = overflow_id("/proc/sys/kernel/overflowgid");
        const uid_t uid = geteuid();
        const gid_t gid = getegid();
        int uid_given = new_sems(1, 0600), gid_given = new_sems(1, 0600);
        struct child guest;

        set_owner(uid_given, USER_A, gid, 0600);
        set_owner(gid_given, uid, GROUP_A, 0600);
        CHILD(&guest) {
                enter_user_namespace(uid + 5, gid + 6);
                int fd = open_listing();
                expect_ids(fd, uid_given, no_uid, gid + 6, uid + 5, gid + 6);
                expect_ids(fd, gid_given, uid + 5, no_gid, uid + 5, gid + 6);
        }
        join(&guest);
}

/* ---- when nobody is left ---- */

/* A user namespace in which one IPC namespace may exist at a time; shows that the limit is in force. */
static void allow_one_namespace(void)
{
        struct child first, second;

        enter_user_namespace(0, 0);
        if (write_sysctl("user/max_ipc_namespaces", "1") == -1)
                UNSUPPORTED("a limit of IPC namespaces for an own user namespace (%s)", errno_name(errno));
        CHILD(&first) {
                enter_new_ipc_namespace();
                stay(&first);
        }
        UNTIL(stays(&first));
        CHILD(&second)
                if (unshare(CLONE_NEWIPC) == 0 || errno != ENOSPC)
                        UNSUPPORTED("a limit on the number of IPC namespaces");
        join(&second);
        dismiss(&first);
}

static void leave_sets_behind(int nsems, bool killed)
{
        struct child member;

        CHILD(&member) {
                /* Succeeds as soon as the namespace left before is gone. */
                EVENTUALLY(ipcns_destroy_sem, unshare(CLONE_NEWIPC) == 0);
                for (int i = 0; i < 5; i++)
                        MUST(SEMOP(new_sems(nsems, 0600), OP(0, 1, SEM_UNDO)));
                here(&member, 1);
                if (killed)
                        await(&member, 1);
        }
        EVENTUALLY(ipcns_destroy_sem, at(&member) == 1);
        if (killed)
                kill_child(&member);
        else
                join(&member);
}

TEST(namespace_with_sets_goes_with_its_last_process, VERIFIES(ipcns_destroy_sem), ONE_ROUTE, MOSTLY_WAITS)
{
        struct child process;

        CHILD(&process) {
                allow_one_namespace();
                for (int round = 0; round < 6; round++)
                        leave_sets_behind(10 * (round + 1), round % 2);
        }
        join(&process);
}

static long unreclaimable_kb(void)
{
        char text[8192];
        long kb;

        if (read_file("/proc/meminfo", text, sizeof(text)) > 0) {
                const char *line = strstr(text, "SUnreclaim:");
                if (line && sscanf(line, "SUnreclaim: %ld", &kb) == 1)
                        return kb;
        }
        UNSUPPORTED("SUnreclaim in /proc/meminfo");
}

/* Sets of 100 semaphores take 5 to 8 kB each; 4000 of them that were not freed are 20 MB or more. */
enum { NSEMS = 100, ROUNDS = 2000, SETS_A_ROUND = 2, NOTICED_KB = 12000, TRIALS = 6 };

/* Whether the memory that use() took comes back. The number is the whole machine's: others may take as much meanwhile,
 * but hardly each time. */
static bool comes_back(void (*use)(void))
{
        for (int trial = 0; trial < TRIALS; trial++) {
                const long before = unreclaimable_kb();
                const int64_t patience = monotonic_ns() + 1000000000;

                use();
                do {
                        if (unreclaimable_kb() < before + NOTICED_KB)
                                return true;
                        sched_yield();
                } while (monotonic_ns() < patience);
        }
        return false;
}

static void abandon_sets(void)
{
        struct child owner;

        CHILD(&owner) {
                for (int round = 0; round < 40; round++) {
                        enter_new_ipc_namespace();
                        for (int i = 0; i < ROUNDS * SETS_A_ROUND / 40; i++)
                                (void)new_sems(NSEMS, 0600);
                }
        }
        join(&owner);
}

TEST(sets_left_behind_return_their_memory, VERIFIES(ipcns_destroy_sem), ONE_ROUTE, MOSTLY_WAITS)
{
        HOLDS(ipcns_destroy_sem, comes_back(abandon_sets));
}

static void replace_namespaces(void)
{
        for (int round = 0; round < ROUNDS; round++) {
                for (int i = 0; i < SETS_A_ROUND; i++)
                        (void)new_sems(NSEMS, 0600);
                if (!HOLDS(ipcns_create_destroy_loop, unshare(CLONE_NEWIPC) == 0))
                        break;
        }
}

TEST(namespaces_come_and_go_without_end, VERIFIES(ipcns_create_destroy_loop), ONE_ROUTE)
{
        enter_new_ipc_namespace();
        HOLDS(ipcns_create_destroy_loop, comes_back(replace_namespaces));
}
