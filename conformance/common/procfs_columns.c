/* SPDX-License-Identifier: MIT
 *
 * What stands in the columns of /proc/sysvipc/msg, sem and shm: what IPC_STAT reports to the one who opens the file.
 */
#include <sched.h>

#include "ipck_mechanism.h"

/* ---- reading ---- */

enum { MOST_TEXT = 8192 };

static void read_listing(int fd, char text[MOST_TEXT])
{
        const ssize_t length = (ssize_t)MUST(pread(fd, text, MOST_TEXT - 1, 0));

        REQUIRE(length < MOST_TEXT - 1);
        text[length] = '\0';
}

static void read_table(const struct mechanism *m, char text[MOST_TEXT])
{
        const int fd = open_table(m);

        read_listing(fd, text);
        close(fd);
}

enum { MOST_LINES = 32 };

/* The line of that identifier in the text that the parser takes apart into lines; all bytes 0xff where it has none. */
#define FIND_LINE(type, find, parse)                                                                    \
        static struct type find(const char *text, int id)                                               \
        {                                                                                               \
                struct type lines[MOST_LINES], none;                                                    \
                const size_t count = parse(text, lines, MOST_LINES);                                    \
                                                                                                        \
                for (size_t i = 0; i < count; i++)                                                      \
                        if (lines[i].id == id)                                                          \
                                return lines[i];                                                        \
                memset(&none, 0xff, sizeof(none));                                                      \
                return none;                                                                            \
        }
FIND_LINE(queue_line, find_queue, queue_lines)
FIND_LINE(sem_line, find_set, sem_lines)
FIND_LINE(segment_line, find_segment, segment_lines)

/* ---- columns that all have ---- */

static const enum ipck_requirement promises[] = {
        [QUEUE] = procfs_msg_fields, [SET] = procfs_sem_fields, [SEGMENT] = procfs_shm_fields,
};

static void compare_in_common(const struct mechanism *m, int id, key_t key)
{
        const enum ipck_requirement req = promises[m - mechanisms];
        const struct ipc_perm perm = perm_of(m, id);
        struct object_line lines[MOST_LINES];
        char text[MOST_TEXT];
        size_t i = 0;

        read_table(m, text);
        const size_t count = object_lines(m, text, lines, MOST_LINES);
        while (i < count && lines[i].id != id)
                i++;
        if (!HOLDS(req, i < count))
                return;
        EQ(req, lines[i].key, key);
        EQ(req, lines[i].key, perm.__key);
        EQ(req, lines[i].mode, perm.mode);
        EQ(req, lines[i].uid, perm.uid);
        EQ(req, lines[i].gid, perm.gid);
        EQ(req, lines[i].cuid, perm.cuid);
        EQ(req, lines[i].cgid, perm.cgid);
}

TEST(key_and_mode_are_those_of_the_object, VERIFIES(procfs_msg_fields, procfs_sem_fields, procfs_shm_fields), ONE_ROUTE)
{
        const key_t positive = fresh_key(), negative = (key_t)(0x80000000 | (uint32_t)fresh_key());

        empty_namespace();
        EACH_ROW(m, mechanisms) {
                burn_ids(m, 150);
                compare_in_common(m, must_fit_in(m, m->get(positive, IPC_CREAT | IPC_EXCL | 0652)), positive);
                compare_in_common(m, must_fit_in(m, m->get(negative, IPC_CREAT | IPC_EXCL | 0407)), negative);
                const int id = new_object(m, 0400);
                compare_in_common(m, id, IPC_PRIVATE);
                set_mode_of(m, id, 0777);
                compare_in_common(m, id, IPC_PRIVATE);
        }
}

TEST(owner_is_told_from_creator, VERIFIES(procfs_msg_fields, procfs_sem_fields, procfs_shm_fields), ONE_ROUTE)
{
        empty_namespace();
        EACH_ROW(m, mechanisms) {
                const struct gift gift = new_gift(m, 0604);
                compare_in_common(m, gift.id, gift.key);
                const struct ipc_perm perm = perm_of(m, gift.id);
                REQUIRE(perm.uid == USER_B && perm.gid == GROUP_B && perm.cuid == USER_A && perm.cgid == GROUP_A);
        }
}

TEST(large_owner_is_listed_whole, VERIFIES(procfs_msg_fields, procfs_sem_fields, procfs_shm_fields), ONE_ROUTE)
{
        const uid_t uid = 4000000001;
        const gid_t gid = 3000000001;

        empty_namespace();
        EACH_ROW(m, mechanisms) {
                const int id = new_object(m, 0604);

                if (m->set(id, uid, gid, 0604) == -1 && errno == EINVAL)
                        UNSUPPORTED("user %u and group %u: not mapped in this user namespace", uid, gid);
                compare_in_common(m, id, IPC_PRIVATE);
                const struct ipc_perm perm = perm_of(m, id);
                REQUIRE(perm.uid == uid && perm.gid == gid);
        }
}

/* ---- msg ---- */

static void compare_queue(int queue)
{
        const struct msqid_ds ds = stat_of_queue(queue);
        char text[MOST_TEXT];

        read_table(&mechanisms[QUEUE], text);
        const struct queue_line line = find_queue(text, queue);
        EQ(procfs_msg_fields, line.cbytes, queue_cbytes(queue));
        EQ(procfs_msg_fields, line.qnum, ds.msg_qnum);
        EQ(procfs_msg_fields, line.lspid, ds.msg_lspid);
        EQ(procfs_msg_fields, line.lrpid, ds.msg_lrpid);
        EQ(procfs_msg_fields, line.stime, ds.msg_stime);
        EQ(procfs_msg_fields, line.rtime, ds.msg_rtime);
        EQ(procfs_msg_fields, line.ctime, ds.msg_ctime);
}

TEST(queue_is_listed_with_its_messages, VERIFIES(procfs_msg_fields), ONE_ROUTE, MOSTLY_WAITS)
{
        struct message cut;
        struct child sender;

        empty_namespace();
        const int unused = new_queue(0600), sent = new_queue(0600), received = new_queue(0600);
        const int changed = new_queue(0600);
        /* So that the time of change is another one than that of a transfer, or of creation. */
        next_second(now());
        set_queue_mode(changed, 0640);
        CHILD(&sender) {
                for (int i = 0; i < 3; i++)
                        MUST(put(sent, 1, 70, IPC_NOWAIT));
                MUST(put(changed, 1, 33, IPC_NOWAIT));
                MUST(put(received, 1, 33, IPC_NOWAIT));
                MUST(put(received, 2, 44, IPC_NOWAIT));
        }
        join(&sender);
        MUST(take(received, 1));
        MUST(msgrcv(changed, &cut, 1, 0, MSG_NOERROR | IPC_NOWAIT));
        compare_queue(unused);
        compare_queue(sent);
        compare_queue(received);
        compare_queue(changed);
        /* Between them these tell the three times and the two processes from each other. */
        const struct msqid_ds a = stat_of_queue(unused), b = stat_of_queue(sent), c = stat_of_queue(received);
        REQUIRE(a.msg_stime == 0 && a.msg_rtime == 0 && a.msg_ctime != 0);
        REQUIRE(b.msg_stime != 0 && b.msg_rtime == 0 && b.msg_lspid == sender.pid && b.msg_lrpid == 0);
        REQUIRE(c.msg_rtime != 0 && c.msg_lspid == sender.pid && c.msg_lrpid == getpid());
}

/* ---- sem ---- */

static void compare_set(int set)
{
        const struct semid_ds ds = stat_of(set);
        char text[MOST_TEXT];

        read_table(&mechanisms[SET], text);
        const struct sem_line line = find_set(text, set);
        EQ(procfs_sem_fields, line.nsems, ds.sem_nsems);
        EQ(procfs_sem_fields, line.otime, ds.sem_otime);
        EQ(procfs_sem_fields, line.ctime, ds.sem_ctime);
}

TEST(set_is_listed_with_its_size_and_times, VERIFIES(procfs_sem_fields), ONE_ROUTE)
{
        const int semmsl = sem_limits().semmsl, many = semmsl < 300 ? semmsl : 300;

        empty_namespace();
        const int unused = new_sems(3, 0600), used = new_sems(many, 0600);
        MUST(SEMOP(used, OP((unsigned short)(many - 1), 1, 0)));
        /* Between them these two tell otime from ctime. */
        REQUIRE(stat_of(unused).sem_otime == 0 && stat_of(used).sem_otime != 0);
        compare_set(unused);
        compare_set(used);
}

/* ---- shm ---- */

static struct segment_line line_of_segment(int segment)
{
        char text[MOST_TEXT];

        read_table(&mechanisms[SEGMENT], text);
        return find_segment(text, segment);
}

static void compare_segment(int segment)
{
        const struct shmid_ds ds = stat_of_segment(segment);
        const struct segment_line line = line_of_segment(segment);

        EQ(procfs_shm_fields, line.size, ds.shm_segsz);
        EQ(procfs_shm_fields, line.cpid, ds.shm_cpid);
        EQ(procfs_shm_fields, line.lpid, ds.shm_lpid);
        EQ(procfs_shm_fields, line.nattch, ds.shm_nattch);
        EQ(procfs_shm_fields, line.atime, ds.shm_atime);
        EQ(procfs_shm_fields, line.dtime, ds.shm_dtime);
        EQ(procfs_shm_fields, line.ctime, ds.shm_ctime);
}

TEST(segment_is_listed_with_its_attachments, VERIFIES(procfs_shm_fields), ONE_ROUTE, MOSTLY_WAITS)
{
        struct child user;

        empty_namespace();
        const int unused = new_segment(1, 0600), attached = new_segment(page_size() + 7, 0600);
        const int detached = new_segment(3 * page_size(), 0600), changed = new_segment(1, 0600);
        /* So that the time of change is another one than that of use, or of creation. */
        next_second(now());
        set_segment_mode(changed, 0640);
        CHILD(&user) {
                (void)attach(attached, 0);
                (void)attach(attached, SHM_RDONLY);
                detach(attach(detached, 0));
                stay(&user);
        }
        UNTIL(stays(&user));
        compare_segment(unused);
        compare_segment(attached);
        compare_segment(detached);
        compare_segment(changed);
        /* Between them these tell the three times and the two processes from each other. */
        const struct shmid_ds a = stat_of_segment(unused), b = stat_of_segment(attached), c = stat_of_segment(detached);
        REQUIRE(a.shm_atime == 0 && a.shm_dtime == 0 && a.shm_ctime != 0 && a.shm_lpid == 0 && a.shm_cpid == getpid());
        REQUIRE(b.shm_atime != 0 && b.shm_dtime == 0 && b.shm_lpid == user.pid && b.shm_nattch == 2);
        REQUIRE(c.shm_dtime != 0);
        dismiss(&user);
}

TEST(removed_segment_is_listed_while_attached, VERIFIES(procfs_shm_fields), ONE_ROUTE)
{
        const key_t key = fresh_key();

        empty_namespace();
        const int segment = segment_must_fit(shmget(key, 1, IPC_CREAT | IPC_EXCL | 0600), 1);
        (void)attach(segment, 0);
        MUST(shmctl(segment, IPC_RMID, NULL));
        compare_in_common(&mechanisms[SEGMENT], segment, IPC_PRIVATE);
        compare_segment(segment);
        REQUIRE(stat_of_segment(segment).shm_perm.mode != 0600);
}

TEST(size_of_more_than_32_bits_is_listed_whole, VERIFIES(procfs_shm_fields), ONE_ROUTE)
{
        const uint64_t size = (UINT64_C(5) << 32) + 1;

        if (sizeof(size_t) < sizeof(size))
                UNSUPPORTED("a program whose sizes have 64 bits");
        empty_namespace();
        const int segment = shmget(IPC_PRIVATE, (size_t)size, IPC_CREAT | SHM_NORESERVE | 0600);
        if (segment == -1)
                UNSUPPORTED("a segment of 20 GiB that takes no memory (%s)", errno_name(errno));
        EQ(procfs_shm_fields, line_of_segment(segment).size, size);
        compare_segment(segment);
}

/* Whether the machine gives segments nothing but pages of the common size. */
static bool common_pages(void)
{
        char text[256];

        return read_file("/sys/kernel/mm/transparent_hugepage/shmem_enabled", text, sizeof(text)) <= 0 ||
               strstr(text, "[never]") || strstr(text, "[advise]") || strstr(text, "[deny]");
}

TEST(pages_in_use_are_counted, VERIFIES(procfs_shm_fields), ONE_ROUTE)
{
        const size_t page = page_size();

        if (!common_pages())
                UNSUPPORTED("segments without huge pages");
        empty_namespace();
        const int untouched = new_segment(5 * page, 0600), segment = new_segment(5 * page, 0600);
        char *const memory = attach(segment, 0);
        (void)attach(untouched, 0);
        for (size_t touched = 0; touched <= 5; touched++) {
                const struct segment_line line = line_of_segment(segment);

                /* Some may have been swapped out meanwhile. */
                EQ(procfs_shm_fields, line.rss + line.swap, touched * page);
                EQ(procfs_shm_fields, line.rss % page, 0);
                if (touched < 5)
                        memory[touched * page + 1] = 1;
        }
        EQ(procfs_shm_fields, line_of_segment(untouched).rss, 0);
        EQ(procfs_shm_fields, line_of_segment(untouched).swap, 0);
}

/* ---- processes of other PID namespaces ---- */

/* A queue and a segment of which each process that they name is this one. */
static void make_two(int ids[2])
{
        ids[0] = new_queue(0600);
        MUST(put(ids[0], 1, 1, IPC_NOWAIT));
        MUST(take(ids[0], 1));
        ids[1] = new_segment(1, 0600);
        detach(attach(ids[1], 0));
}

static void open_two(int fds[2])
{
        fds[0] = open_table(&mechanisms[QUEUE]);
        fds[1] = open_table(&mechanisms[SEGMENT]);
}

static void expect_pid(const int fds[2], const int ids[2], pid_t want)
{
        char text[MOST_TEXT];

        read_listing(fds[0], text);
        const struct queue_line queue = find_queue(text, ids[0]);
        EQ(ipcns_procfs_pids_mapped, queue.lspid, want);
        EQ(ipcns_procfs_pids_mapped, queue.lrpid, want);
        read_listing(fds[1], text);
        const struct segment_line segment = find_segment(text, ids[1]);
        EQ(ipcns_procfs_pids_mapped, segment.cpid, want);
        EQ(ipcns_procfs_pids_mapped, segment.lpid, want);
}

/* As process 1 of a new PID namespace. */
static void look_from_within(const int outside[2], const int theirs[2], pid_t them, int own[2])
{
        int inside[2];

        REQUIRE(getpid() == 1);
        open_two(inside);
        expect_pid(inside, theirs, 0);
        expect_pid(outside, theirs, them);
        make_two(own);
        expect_pid(inside, own, 1);
}

TEST(processes_are_numbered_for_the_one_who_opened_the_file, VERIFIES(ipcns_procfs_pids_mapped), ONE_ROUTE)
{
        int ids[2], outside[2], *const own = shared(2 * sizeof(*own));
        pid_t *const inner_pid = shared(sizeof(*inner_pid));
        struct child bridge, inner;

        empty_namespace();
        make_two(ids);
        open_two(outside);
        expect_pid(outside, ids, getpid());
        const pid_t outer = getpid();
        CHILD(&bridge) {
                if (unshare(CLONE_NEWPID) == -1)
                        UNSUPPORTED("a PID namespace (%s)", errno_name(errno));
                CHILD(&inner)
                        look_from_within(outside, ids, outer, own);
                *inner_pid = inner.pid;
                join(&inner);
        }
        join(&bridge);
        expect_pid(outside, own, *inner_pid);

        /* To a namespace beside it, none of them exists. */
        CHILD(&bridge) {
                MUST(unshare(CLONE_NEWPID));
                CHILD(&inner) {
                        int beside[2];

                        open_two(beside);
                        expect_pid(beside, own, 0);
                        expect_pid(beside, ids, 0);
                }
                join(&inner);
        }
        join(&bridge);
}
