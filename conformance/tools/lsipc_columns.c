/* SPDX-License-Identifier: MIT
 *
 * lsipc: what stands in its columns, compared with IPC_STAT; read from --export, which quotes each value.
 */
#include "ipck_listing.h"

static const char *columns(const struct facility *f, const char *list)
{
        return RUN("lsipc", f->option, "--export", "--bytes", "--time-format", "full", "-o", list).out;
}

/* The value in one column of the object. */
static const char *value(int kind, int id, const char *name)
{
        return field(columns(&facilities[kind], formatted("ID,%s", name)), "ID", decimal(id), name);
}

/* ---- generic columns ---- */

TEST(identity_and_permissions, VERIFIES(lsipc_col_generic))
{
        need_util_linux("lsipc");
        for (int kind = QUEUE; kind <= SEGMENT; kind++) {
                const struct mechanism *const m = &mechanisms[kind];
                const key_t negative = (key_t)0xfedcba98;

                burn_ids(m, 70);
                const int with_key = must_fit_in(m, m->get(negative, IPC_CREAT | 0652)), private = new_object(m, 0007);
                READS(lsipc_col_generic, value(kind, with_key, "KEY"), "0xfedcba98");
                READS(lsipc_col_generic, value(kind, with_key, "PERMS"), "rw-r-x-w-");
                READS(lsipc_col_generic, value(kind, private, "KEY"), "0x00000000");
                READS(lsipc_col_generic, value(kind, private, "PERMS"), "------rwx");
        }
}

TEST(owner_and_creator_are_told_apart, VERIFIES(lsipc_col_generic))
{
        need_util_linux("lsipc");
        name_users();
        for (int kind = QUEUE; kind <= SEGMENT; kind++) {
                const int gift = new_gift(&mechanisms[kind], 0600).id;

                READS(lsipc_col_generic, value(kind, gift, "CUID"), "%d", USER_A);
                READS(lsipc_col_generic, value(kind, gift, "UID"), "%d", USER_B);
                READS(lsipc_col_generic, value(kind, gift, "GID"), "%d", GROUP_B);
                READS(lsipc_col_generic, value(kind, gift, "OWNER"), "ipck-long-name-b");
        }
}

static void expect_creating_group(int kind)
{
        need_util_linux("lsipc");
        need_proc_sysvipc();
        READS(lsipc_col_cgid, value(kind, new_gift(&mechanisms[kind], 0600).id, "CGID"), "%d", GROUP_A);
}

TEST(creating_group_of_a_queue, VERIFIES(lsipc_col_cgid))
{
        expect_creating_group(QUEUE);
}

TEST(creating_group_of_a_set, VERIFIES(lsipc_col_cgid))
{
        expect_creating_group(SET);
}

TEST(creating_group_of_a_segment, VERIFIES(lsipc_col_cgid))
{
        expect_creating_group(SEGMENT);
}

TEST(names_of_users_and_groups, VERIFIES(lsipc_col_names))
{
        need_util_linux("lsipc");
        need_proc_sysvipc();
        name_users();
        for (int kind = QUEUE; kind <= SEGMENT; kind++) {
                const struct mechanism *const m = &mechanisms[kind];
                const char *const own = decimal(new_object(m, 0600)),
                           *const gift = decimal(new_gift(m, 0600).id),
                           *const nameless = decimal(new_object_of(m, USER_C, 0600));

                const char *const shown = columns(&facilities[kind], "ID,OWNER,CUSER,CGROUP,USER,GROUP");
                READS(lsipc_col_names, field(shown, "ID", own, "OWNER"), "ipckme");
                READS(lsipc_col_names, field(shown, "ID", own, "CUSER"), "ipckme");
                READS(lsipc_col_names, field(shown, "ID", own, "CGROUP"), "ipckgme");
                READS(lsipc_col_names, field(shown, "ID", gift, "OWNER"), "ipck-long-name-b");
                READS(lsipc_col_names, field(shown, "ID", gift, "CUSER"), "ipcka");
                READS(lsipc_col_names, field(shown, "ID", gift, "CGROUP"), "ipckga");
                READS(lsipc_col_names, field(shown, "ID", gift, "USER"), "ipck-long-name-b");
                READS(lsipc_col_names, field(shown, "ID", gift, "GROUP"), "ipck-long-group-b");
                READS(lsipc_col_names, field(shown, "ID", nameless, "OWNER"), "%d", USER_C);
                HOLDS(lsipc_col_names, has_field(shown, "ID", nameless, "USER"));
                READS(lsipc_col_names, field(shown, "ID", nameless, "USER"), "%s", "");
                READS(lsipc_col_names, field(shown, "ID", nameless, "CUSER"), "%s", "");
                READS(lsipc_col_names, field(shown, "ID", nameless, "GROUP"), "%s", "");
                READS(lsipc_col_names, field(shown, "ID", nameless, "CGROUP"), "%s", "");
        }
}

/* ---- queues ---- */

static void expect_queue(int queue)
{
        const struct msqid_ds ds = stat_of_queue(queue);

        READS(lsipc_col_msg, value(QUEUE, queue, "USEDBYTES"), "%zu", queue_cbytes(queue));
        READS(lsipc_col_msg, value(QUEUE, queue, "MSGS"), "%lu", (unsigned long)ds.msg_qnum);
        READS(lsipc_col_msg, value(QUEUE, queue, "LSPID"), "%d", ds.msg_lspid);
        READS(lsipc_col_msg, value(QUEUE, queue, "LRPID"), "%d", ds.msg_lrpid);
}

TEST(messages_and_processes_of_a_queue, VERIFIES(lsipc_col_msg))
{
        struct child sender;

        need_util_linux("lsipc");
        private_proc();
        (void)new_queue(0600);
        const int queue = new_queue(0600);
        expect_queue(queue);
        CHILD(&sender)
                for (size_t i = 1; i <= 3; i++)
                        MUST(put(queue, 1, 1000 * i, IPC_NOWAIT));
        join(&sender);
        expect_queue(queue);
        MUST(take(queue, 0));
        expect_queue(queue);
}

/* ---- segments ---- */

static void expect_segment(int segment)
{
        const struct shmid_ds ds = stat_of_segment(segment);

        READS(lsipc_col_shm, value(SEGMENT, segment, "SIZE"), "%zu", ds.shm_segsz);
        READS(lsipc_col_shm, value(SEGMENT, segment, "NATTCH"), "%lu", (unsigned long)ds.shm_nattch);
        READS(lsipc_col_shm, value(SEGMENT, segment, "CPID"), "%d", ds.shm_cpid);
        READS(lsipc_col_shm, value(SEGMENT, segment, "LPID"), "%d", ds.shm_lpid);
}

TEST(size_attaches_and_processes_of_a_segment, VERIFIES(lsipc_col_shm))
{
        struct child user;

        need_util_linux("lsipc");
        private_proc();
        (void)new_segment(1, 0600);
        const int segment = new_segment(123456, 0600);
        expect_segment(segment);
        CHILD(&user)
                (void)attach(segment, 0);
        join(&user);
        expect_segment(segment);
        for (int i = 0; i < 3; i++)
                (void)attach(segment, 0);
        expect_segment(segment);
}

TEST(state_of_a_segment, VERIFIES(lsipc_col_status))
{
        need_util_linux("lsipc");
        const int plain = new_segment(1, 0600), removed = new_segment(1, 0600), both = new_segment(1, 0600);
        (void)attach(removed, 0);
        (void)attach(both, 0);
        MUST(shmctl(removed, IPC_RMID, NULL));
        HOLDS(lsipc_col_status, has_field(columns(&facilities[SEGMENT], "ID,STATUS"), "ID", decimal(plain),
                                          "STATUS"));
        READS(lsipc_col_status, value(SEGMENT, plain, "STATUS"), "%s", "");
        READS(lsipc_col_status, value(SEGMENT, removed, "STATUS"), "dest");
        if (shmctl(both, SHM_LOCK, NULL) == -1)
                UNSUPPORTED("a segment locked in memory (%s)", errno_name(errno));
        READS(lsipc_col_status, value(SEGMENT, both, "STATUS"), "locked");
        MUST(shmctl(both, IPC_RMID, NULL));
        READS(lsipc_col_status, value(SEGMENT, both, "STATUS"), "dest,locked");
}

TEST(command_that_created_a_segment, VERIFIES(lsipc_col_command))
{
        struct child maker;
        char command[512] = "";

        need_util_linux("lsipc");
        private_proc();
        const int segment = segment_of_program(&maker, "two words");
        const ssize_t length = read_file(formatted("/proc/%d/cmdline", maker.pid), command, sizeof(command));
        REQUIRE(length > 1);
        /* Arguments end with NUL there. */
        for (ssize_t i = 0; i < length - 1; i++)
                command[i] = (char)(command[i] == '\0' ? ' ' : command[i]);
        READS(lsipc_col_command, value(SEGMENT, segment, "COMMAND"), "%s", command);
        kill_child(&maker);
        READS(lsipc_col_command, value(SEGMENT, segment, "COMMAND"), "%s", "");
        READS(lsipc_col_command, value(SEGMENT, segment, "CPID"), "%d", maker.pid);
}

/* ---- sets ---- */

TEST(number_of_semaphores, VERIFIES(lsipc_col_sem))
{
        need_util_linux("lsipc");
        const int one = new_sems(1, 0600), many = new_sems(234, 0600);
        READS(lsipc_col_sem, value(SET, one, "NSEMS"), "1");
        READS(lsipc_col_sem, value(SET, many, "NSEMS"), "234");
}

/* ---- times ---- */

static const char *time_or_nothing(time_t when)
{
        return when == 0 ? "" : calendar(when);
}

static void expect_times(int queue, int segment, int set)
{
        const struct msqid_ds msg = stat_of_queue(queue);
        const struct shmid_ds shm = stat_of_segment(segment);
        const struct semid_ds sem = stat_of(set);

        READS(lsipc_col_times, value(QUEUE, queue, "CTIME"), "%s", calendar(msg.msg_ctime));
        READS(lsipc_col_times, value(QUEUE, queue, "SEND"), "%s", time_or_nothing(msg.msg_stime));
        READS(lsipc_col_times, value(QUEUE, queue, "RECV"), "%s", time_or_nothing(msg.msg_rtime));
        READS(lsipc_col_times, value(SEGMENT, segment, "CTIME"), "%s", calendar(shm.shm_ctime));
        READS(lsipc_col_times, value(SEGMENT, segment, "ATTACH"), "%s", time_or_nothing(shm.shm_atime));
        READS(lsipc_col_times, value(SEGMENT, segment, "DETACH"), "%s", time_or_nothing(shm.shm_dtime));
        READS(lsipc_col_times, value(SET, set, "CTIME"), "%s", calendar(sem.sem_ctime));
        READS(lsipc_col_times, value(SET, set, "OTIME"), "%s", time_or_nothing(sem.sem_otime));
}

TEST(times_are_those_of_the_object, VERIFIES(lsipc_col_times), MOSTLY_WAITS)
{
        const int queue = new_queue(0600), segment = new_segment(1, 0600), set = new_sems(1, 0600);

        need_util_linux("lsipc");
        expect_times(queue, segment, set);
        next_second(now());
        post(queue, 1, "text");
        const void *const place = attach(segment, 0);
        MUST(SEMOP(set, OP(0, 1, 0)));
        expect_times(queue, segment, set);
        next_second(now());
        MUST(take(queue, 0));
        detach(place);
        set_mode(set, 0640);
        expect_times(queue, segment, set);
}

/* ---- forms of values ---- */

TEST(sizes_in_bytes_or_with_a_unit, VERIFIES(lsipc_bytes, lsipc_human))
{
        static const struct {
                const char *name, *human;
        } rows[] = {
                {"1", "1B"}, {"1023", "1023B"}, {"1024", "1K"}, {"1536", "1.5K"}, {"1048576", "1M"},
                {"1572864", "1.5M"},
        };

        need_util_linux("lsipc");
        EACH_ROW(row, rows) {
                const size_t size = (size_t)strtoumax(row->name, NULL, 10);
                const char *const id = decimal(new_segment(size, 0600));

                READS(lsipc_bytes, field(RUN("lsipc", "-meb").out, "ID", id, "SIZE"), "%s", row->name);
                READS(lsipc_bytes, field(RUN("lsipc", "-me", "--bytes").out, "ID", id, "SIZE"), "%s", row->name);
                READS(lsipc_human, field(RUN("lsipc", "-me").out, "ID", id, "SIZE"), "%s", row->human);
        }
        const int queue = new_queue(0600);
        MUST(put(queue, 1, 1536, IPC_NOWAIT));
        READS(lsipc_bytes, value(QUEUE, queue, "USEDBYTES"), "1536");
        READS(lsipc_human, field(RUN("lsipc", "-qe").out, "ID", decimal(queue), "USEDBYTES"), "1.5K");
}

static void expect_octal(int kind, int mode)
{
        const char *const id = decimal(new_object(&mechanisms[kind], mode));
        static const char *const options[] = {"-P", "--numeric-perms"};

        for (size_t i = 0; i < 2; i++)
                READS(lsipc_numeric_perms, field(RUN("lsipc", facilities[kind].option, "-e", options[i]).out, "ID", id,
                                                 "PERMS"), "%#o", mode);
}

TEST(permissions_of_sets_and_segments_in_octal, VERIFIES(lsipc_numeric_perms))
{
        need_util_linux("lsipc");
        expect_octal(SET, 0652);
        expect_octal(SEGMENT, 0007);
}

TEST(permissions_of_queues_in_octal, VERIFIES(lsipc_numeric_perms))
{
        need_util_linux("lsipc");
        expect_octal(QUEUE, 0652);
}

/* The short form of a time that is not in the future. */
static const char *short_form(time_t when, time_t at)
{
        struct tm then, present;
        char buffer[32];

        REQUIRE(gmtime_r(&when, &then) && gmtime_r(&at, &present));
        const bool this_year = then.tm_year == present.tm_year;
        const bool today = this_year && then.tm_yday == present.tm_yday;
        REQUIRE(strftime(buffer, sizeof(buffer), today ? "%H:%M" : this_year ? "%b%d" : "%Y-%b%d", &then) > 0);
        return formatted("%s", buffer);
}

static const char *form(const char *option, const char *id)
{
        return field(RUN("lsipc", "-s", "-e", "-o", "ID,CTIME", option).out, "ID", id, "CTIME");
}

TEST(times_have_three_forms, VERIFIES(lsipc_time_format))
{
        char iso[32];
        struct tm tm;
        const int set = new_sems(1, 0600);
        const char *const id = decimal(set), *wanted, *plain, *named;

        need_util_linux("lsipc");
        const time_t when = stat_of(set).sem_ctime;
        /* Again where midnight passes. */
        do {
                wanted = short_form(when, time(NULL));
                plain = form("--bytes", id);
                named = form("--time-format=short", id);
        } while (strcmp(wanted, short_form(when, time(NULL))) != 0);
        READS(lsipc_time_format, plain, "%s", wanted);
        READS(lsipc_time_format, named, "%s", wanted);
        READS(lsipc_time_format, form("--time-format=full", id), "%s", calendar(when));
        REQUIRE(gmtime_r(&when, &tm) && strftime(iso, sizeof(iso), "%Y-%m-%dT%H:%M:%S", &tm) > 0);
        READS(lsipc_time_format, form("--time-format=iso", id), "%s+00:00", iso);
}
