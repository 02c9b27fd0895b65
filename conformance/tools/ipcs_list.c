/* SPDX-License-Identifier: MIT
 *
 * ipcs of util-linux: what the lists show of each object, by default and with the output options, compared with
 * IPC_STAT.
 */
#include <stdio.h>

#include "ipck_listing.h"

static const char *listed(const struct facility *f, int id, const char *heading)
{
        return cell(RUN("ipcs", f->option).out, f->id_heading, decimal(id), heading);
}

static const enum ipck_requirement list_of[] = {
        [QUEUE] = ipcs_list_queue, [SET] = ipcs_list_set, [SEGMENT] = ipcs_list_segment,
};

/* ---- what all have ---- */

TEST(key_and_permissions_are_listed, VERIFIES(ipcs_list_queue, ipcs_list_segment, ipcs_list_set))
{
        need_util_linux("ipcs");
        EACH_ROW(f, facilities) {
                const struct mechanism *const m = &mechanisms[f - facilities];
                const enum ipck_requirement req = list_of[f - facilities];
                const key_t low = 0x1a, negative = (key_t)0xfedcba98;

                burn_ids(m, 70);
                const int with_low = must_fit_in(m, m->get(low, IPC_CREAT | 0604));
                const int with_negative = must_fit_in(m, m->get(negative, IPC_CREAT | 0070));
                const int private = new_object(m, 0777), closed = new_object(m, 0);
                READS(req, listed(f, with_low, "key"), "0x0000001a");
                READS(req, listed(f, with_low, "perms"), "604");
                READS(req, listed(f, with_negative, "key"), "0xfedcba98");
                READS(req, listed(f, with_negative, "perms"), "70");
                READS(req, listed(f, private, "key"), "0x00000000");
                READS(req, listed(f, private, "perms"), "777");
                READS(req, listed(f, closed, "perms"), "0");
        }
}

TEST(owner_is_named_in_ten_characters_or_by_number, VERIFIES(ipcs_list_owner_name))
{
        static const char *const options[] = {"-a", "-t", "-p"};

        need_util_linux("ipcs");
        name_users();
        EACH_ROW(f, facilities) {
                const struct mechanism *const m = &mechanisms[f - facilities];
                const char *const own = decimal(new_object(m, 0600)),
                           *const gift = decimal(new_gift(m, 0600).id),
                           *const nameless = decimal(new_object_of(m, USER_C, 0600));

                for (size_t i = 0; i < 3; i++) {
                        if (m == &mechanisms[SET] && i == 2)
                                continue;
                        const char *const output = RUN("ipcs", i == 0 ? f->option : options[i], f->option).out;
                        READS(ipcs_list_owner_name, cell(output, f->id_heading, own, "owner"), "ipckme");
                        READS(ipcs_list_owner_name, cell(output, f->id_heading, gift, "owner"), "ipck-long-");
                        READS(ipcs_list_owner_name, cell(output, f->id_heading, nameless, "owner"), "%d", USER_C);
                }
        }
}

/* ---- sizes ---- */

TEST(bytes_and_messages_of_queues_are_listed, VERIFIES(ipcs_list_queue))
{
        need_util_linux("ipcs");
        const int empty = new_queue(0600), queue = new_queue(0600);
        for (size_t i = 1; i <= 12; i++)
                MUST(put(queue, 1, 5 * i, IPC_NOWAIT));
        REQUIRE(QNUM(queue) == 12 && CBYTES(queue) == 390);
        READS(ipcs_list_queue, listed(&facilities[QUEUE], queue, "used-bytes"), "%d", 390);
        READS(ipcs_list_queue, listed(&facilities[QUEUE], queue, "messages"), "%d", 12);
        READS(ipcs_list_queue, listed(&facilities[QUEUE], empty, "used-bytes"), "0");
        READS(ipcs_list_queue, listed(&facilities[QUEUE], empty, "messages"), "0");
}

TEST(size_and_attaches_of_segments_are_listed, VERIFIES(ipcs_list_segment))
{
        need_util_linux("ipcs");
        const int segment = new_segment(123457, 0600), unused = new_segment(1, 0600);
        for (int i = 0; i < 3; i++)
                (void)attach(segment, 0);
        READS(ipcs_list_segment, listed(&facilities[SEGMENT], segment, "bytes"), "%d", 123457);
        READS(ipcs_list_segment, listed(&facilities[SEGMENT], segment, "nattch"), "3");
        READS(ipcs_list_segment, listed(&facilities[SEGMENT], unused, "bytes"), "1");
        READS(ipcs_list_segment, listed(&facilities[SEGMENT], unused, "nattch"), "0");
}

TEST(number_of_semaphores_is_listed, VERIFIES(ipcs_list_set))
{
        need_util_linux("ipcs");
        const int one = new_sems(1, 0600), many = new_sems(123, 0600);
        READS(ipcs_list_set, listed(&facilities[SET], one, "nsems"), "1");
        READS(ipcs_list_set, listed(&facilities[SET], many, "nsems"), "123");
}

/* Larger than its column. */
TEST(huge_segment_is_listed_whole, VERIFIES(ipcs_list_segment))
{
        need_util_linux("ipcs");
        if (sizeof(size_t) < 8)
                UNSUPPORTED("a size_t of 64 bits");
        const size_t size = (size_t)((uint64_t)1 << 40);
        const int segment = segment_must_fit(shmget(IPC_PRIVATE, size, SHM_NORESERVE | 0600), size);
        READS(ipcs_list_segment, listed(&facilities[SEGMENT], segment, "bytes"), "1099511627776");
        READS(ipcs_list_segment, listed(&facilities[SEGMENT], segment, "nattch"), "0");
}

/* ---- the state of a segment ---- */

static void lock_segment(int segment)
{
        if (shmctl(segment, SHM_LOCK, NULL) == -1)
                UNSUPPORTED("a segment locked in memory (%s)", errno_name(errno));
}

TEST(removed_and_locked_segments_are_marked, VERIFIES(ipcs_dest_status))
{
        key_t key;

        need_util_linux("ipcs");
        const int plain = new_segment(1, 0600), removed = new_keyed(&mechanisms[SEGMENT], 0600, &key);
        const int locked = new_segment(1, 0600), both = new_segment(1, 0600);
        (void)attach(removed, 0);
        (void)attach(both, 0);
        MUST(shmctl(removed, IPC_RMID, NULL));
        lock_segment(locked);
        lock_segment(both);
        MUST(shmctl(both, IPC_RMID, NULL));
        READS(ipcs_dest_status, listed(&facilities[SEGMENT], plain, "status"), "%s", "");
        READS(ipcs_dest_status, listed(&facilities[SEGMENT], removed, "status"), "dest");
        READS(ipcs_dest_status, listed(&facilities[SEGMENT], removed, "key"), "0x00000000");
        READS(ipcs_dest_status, listed(&facilities[SEGMENT], locked, "status"), "locked");
        const char *const output = RUN("ipcs", "-m").out;
        EQ(ipcs_dest_status, lines_with(output, "dest"), 2);
        EQ(ipcs_dest_status, lines_with(output, "locked"), 2);
        READS(ipcs_dest_status, listed(&facilities[SEGMENT], both, "status"), "dest");
}

/* ---- whose ---- */

TEST(objects_that_the_caller_cannot_read_are_listed, VERIFIES(ipcs_list_unreadable))
{
        need_util_linux("ipcs");
        need_proc_sysvipc();
        EACH_ROW(f, facilities) {
                const struct mechanism *const m = &mechanisms[f - facilities];
                const int id = new_object_of(m, USER_A, 0600);
                struct child stranger;

                const char *const line = RUN("ipcs", f->option).out;
                CHILD(&stranger) {
                        struct ipc_perm perm;

                        as_user(USER_B);
                        REQUIRE(m->stat(id, &perm) == -1 && errno == EACCES);
                        READS(ipcs_list_unreadable, RUN("ipcs", f->option).out, "%s", line);
                        READS(ipcs_list_unreadable, listed(f, id, "perms"), "600");
                }
                join(&stranger);
        }
}

/* ---- many ---- */

enum { MANY = 2000 };

static int compare_ids(const void *a, const void *b)
{
        return *(const int *)a - *(const int *)b;
}

/* The identifiers in the list, sorted: how many there are, MANY + 1 at most. */
static int ids_in(const char *output, int ids[MANY + 1])
{
        int count = 0;

        for (const char *line = output; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                if (count <= MANY && sscanf(line, "0x%*x %d", &ids[count]) == 1)
                        count++;
        }
        qsort(ids, (size_t)count, sizeof(*ids), compare_ids);
        return count;
}

TEST(each_of_many_objects_is_listed_once, VERIFIES(ipcs_list_many))
{
        static int made[MANY], found[MANY + 1];

        need_util_linux("ipcs");
        empty_namespace();
        EACH_ROW(f, facilities) {
                const struct mechanism *const m = &mechanisms[f - facilities];
                const int count = m == &mechanisms[SET] ? MANY : MANY / 10;

                for (int i = 0; i < count; i++)
                        made[i] = new_object(m, 0600);
                qsort(made, (size_t)count, sizeof(*made), compare_ids);
                EQ(ipcs_list_many, ids_in(RUN("ipcs", f->option).out, found), count);
                EQ(ipcs_list_many, memcmp(found, made, (size_t)count * sizeof(*made)), 0);
        }
}

/* Makes objects and removes them again until it is killed. */
static void come_and_go(const struct mechanism *m)
{
        for (;;) {
                int ids[8];

                for (int i = 0; i < 8; i++)
                        ids[i] = new_object(m, 0600);
                for (int i = 0; i < 8; i++)
                        MUST(m->remove(ids[i]));
        }
}

TEST(lasting_objects_are_listed_among_others_that_come_and_go, VERIFIES(ipcs_list_concurrent, lsipc_concurrent))
{
        static const struct {
                const char *name;
                enum ipck_requirement req;
        } tools[] = {{"ipcs", ipcs_list_concurrent}, {"lsipc", lsipc_concurrent}};
        struct child others[2];

        EACH_ROW(tool, tools)
                need_util_linux(tool->name);
        EACH_ROW(f, facilities) {
                const struct mechanism *const m = &mechanisms[f - facilities];
                key_t key[20];

                for (int i = 0; i < 20; i++)
                        (void)new_keyed(m, 0600, &key[i]);
                for (int i = 0; i < 2; i++)
                        CHILD(&others[i])
                                come_and_go(m);
                EACH_ROW(tool, tools)
                        for (int round = 0; round < 3; round++) {
                                const struct ran shown = RUN(tool->name, f->option);

                                EQ(tool->req, shown.status, 0);
                                for (int i = 0; i < 20; i++)
                                        EQ(tool->req, lines_with(shown.out, formatted("0x%08x", (unsigned)key[i])), 1);
                        }
                kill_child(&others[0]);
                kill_child(&others[1]);
        }
}

/* ---- all ---- */

TEST(a_means_all_resources, VERIFIES(ipcs_all))
{
        need_util_linux("ipcs");
        EACH_ROW(m, mechanisms)
                (void)new_object(m, 0600);
        const char *const output = RUN("ipcs").out;
        READS(ipcs_all, RUN("ipcs", "-a").out, "%s", output);
        READS(ipcs_all, RUN("ipcs", "--all").out, "%s", output);
        READS(ipcs_all, RUN("ipcs", "-a", "-q").out, "%s", output);
        READS(ipcs_all, RUN("ipcs", "-a", "-t").out, "%s", RUN("ipcs", "-t").out);
}

/* ---- creators ---- */

TEST(creator_and_owner_are_listed_with_their_groups, VERIFIES(ipcs_creator))
{
        need_util_linux("ipcs");
        need_proc_sysvipc();
        name_users();
        EACH_ROW(f, facilities) {
                const struct mechanism *const m = &mechanisms[f - facilities];
                const int own = new_object(m, 0640), gift = new_gift(m, 0604).id,
                          nameless = new_object_of(m, USER_C, 0600);

                const char *const output = RUN("ipcs", f->option, "-c").out;
                HOLDS(ipcs_creator, has_line(output, "%s perms cuid cgid uid gid", f->id_heading));
                HOLDS(ipcs_creator, has_line(output, "%d 640 ipckme ipckgme ipckme ipckgme", own));
                HOLDS(ipcs_creator, has_line(output, "%d 604 ipcka ipckga ipck-long-name-b ipck-long-group-b", gift));
                HOLDS(ipcs_creator, has_line(output, "%d 600 %d %d %d %d", nameless, USER_C, USER_C, USER_C, USER_C));
        }
}

/* ---- processes ---- */

static const char *listed_process(const struct facility *f, int id, const char *heading)
{
        return cell(RUN("ipcs", f->option, "-p").out, f->id_heading, decimal(id), heading);
}

TEST(processes_are_listed, VERIFIES(ipcs_pid))
{
        const struct facility *const queues = &facilities[QUEUE], *const segments = &facilities[SEGMENT];
        const int queue = new_queue(0600), unused = new_queue(0600), segment = new_segment(1, 0600);
        struct child sender, receiver, user;

        need_util_linux("ipcs");
        private_proc();
        CHILD(&sender)
                post(queue, 1, "text");
        join(&sender);
        CHILD(&receiver)
                MUST(take(queue, 0));
        join(&receiver);
        READS(ipcs_pid, listed_process(queues, queue, "lspid"), "%d", sender.pid);
        READS(ipcs_pid, listed_process(queues, queue, "lrpid"), "%d", receiver.pid);
        READS(ipcs_pid, listed_process(queues, unused, "lspid"), "0");
        READS(ipcs_pid, listed_process(queues, unused, "lrpid"), "0");
        READS(ipcs_pid, listed_process(segments, segment, "cpid"), "%d", getpid());
        READS(ipcs_pid, listed_process(segments, segment, "lpid"), "0");
        CHILD(&user)
                detach(attach(segment, 0));
        join(&user);
        READS(ipcs_pid, listed_process(segments, segment, "cpid"), "%d", getpid());
        READS(ipcs_pid, listed_process(segments, segment, "lpid"), "%d", user.pid);
}

/* ---- times ---- */

/* The list shows times of queues and segments without day of the week and year. */
static const char *short_time(time_t when)
{
        return when == 0 ? calendar(0) : formatted("%.15s", calendar(when) + 4);
}

static void expect_times_of_queue(int queue)
{
        const struct msqid_ds ds = stat_of_queue(queue);

        HOLDS(ipcs_time, has_line(RUN("ipcs", "-q", "-t").out, "%d ipckme %s %s %s", queue, short_time(ds.msg_stime),
                                  short_time(ds.msg_rtime), short_time(ds.msg_ctime)));
}

static void expect_times_of_segment(int segment)
{
        const struct shmid_ds ds = stat_of_segment(segment);

        HOLDS(ipcs_time, has_line(RUN("ipcs", "-m", "-t").out, "%d ipckme %s %s %s", segment, short_time(ds.shm_atime),
                                  short_time(ds.shm_dtime), short_time(ds.shm_ctime)));
}

static void expect_times_of_set(int set)
{
        const struct semid_ds ds = stat_of(set);

        HOLDS(ipcs_time, has_line(RUN("ipcs", "-s", "-t").out, "%d ipckme %s %s", set, calendar(ds.sem_otime),
                                  calendar(ds.sem_ctime)));
}

TEST(times_are_listed, VERIFIES(ipcs_time), MOSTLY_WAITS)
{
        const int queue = new_queue(0600), segment = new_segment(1, 0600), set = new_sems(1, 0600);

        need_util_linux("ipcs");
        name_users();
        expect_times_of_queue(queue);
        expect_times_of_segment(segment);
        expect_times_of_set(set);
        next_second(now());
        post(queue, 1, "text");
        const void *const place = attach(segment, 0);
        MUST(SEMOP(set, OP(0, 1, 0)));
        expect_times_of_queue(queue);
        expect_times_of_segment(segment);
        expect_times_of_set(set);
        next_second(now());
        MUST(take(queue, 0));
        detach(place);
        set_mode(set, 0640);
        expect_times_of_queue(queue);
        expect_times_of_segment(segment);
        expect_times_of_set(set);
}

/* ---- options ---- */

TEST(last_output_option_takes_effect, VERIFIES(ipcs_last_format))
{
        static const struct {
                const char *name;
        } options[] = {{"-c"}, {"-l"}, {"-p"}, {"-t"}, {"-u"}};

        need_util_linux("ipcs");
        EACH_ROW(m, mechanisms)
                (void)new_object(m, 0600);
        EACH_ROW(last, options) {
                const char *const alone = RUN("ipcs", last->name).out;

                EACH_ROW(first, options)
                        READS(ipcs_last_format, RUN("ipcs", first->name, last->name).out, "%s", alone);
        }
}

TEST(long_options_are_the_short_ones, VERIFIES(ipcs_long_options))
{
        static const struct {
                const char *name, *option;
        } rows[] = {
                {"--queues", "-q"}, {"--shmems", "-m"}, {"--semaphores", "-s"}, {"--creator", "-c"}, {"--limits", "-l"},
                {"--pid", "-p"}, {"--time", "-t"}, {"--summary", "-u"},
        };

        need_util_linux("ipcs");
        EACH_ROW(f, facilities) {
                const char *const id = decimal(new_object(&mechanisms[f - facilities], 0600));

                READS(ipcs_long_options, RUN("ipcs", f->long_option, "--id", id).out, "%s",
                      RUN("ipcs", f->option, "-i", id).out);
        }
        EACH_ROW(row, rows) {
                const struct ran with = RUN("ipcs", row->name);

                EQ(ipcs_long_options, with.status, 0);
                READS(ipcs_long_options, with.out, "%s", RUN("ipcs", row->option).out);
        }
}

TEST(help_and_version_are_output, VERIFIES(ipcs_help_version))
{
        static const struct {
                const char *name, *text;
        } rows[] = {
                {"--help", "--semaphores"}, {"-h", "--summary"}, {"--version", "util-linux"}, {"-V", "util-linux"},
        };

        need_util_linux("ipcs");
        EACH_ROW(row, rows) {
                const struct ran with = RUN("ipcs", row->name);

                EQ(ipcs_help_version, with.status, 0);
                HOLDS(ipcs_help_version, strstr(with.out, row->text));
                READS(ipcs_help_version, with.err, "%s", "");
        }
}
