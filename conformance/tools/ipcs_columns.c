/* SPDX-License-Identifier: MIT
 *
 * ipcs: the columns of POSIX, with the headings and in the formats that it gives them.
 */
#include "ipck_listing.h"

static const char *column(const char *option, const char *more, int id, const char *heading)
{
        return cell(RUN("ipcs", option, more).out, "ID", decimal(id), heading);
}

/* The columns that are always there. */
#define ALWAYS(f, id, heading) column(f->option, f->option, id, heading)

/* ---- type, identifier, key ---- */

TEST(object_has_type_id_and_key, VERIFIES(ipcs_col_type, ipcs_col_id, ipcs_col_key))
{
        EACH_ROW(f, facilities) {
                const struct mechanism *const m = &mechanisms[f - facilities];
                key_t key;

                burn_ids(m, 70);
                const int id = new_keyed(m, 0600, &key), other = new_object(m, 0600);
                READS(ipcs_col_type, ALWAYS(f, id, "T"), "%s", f->posix_type);
                READS(ipcs_col_id, ALWAYS(f, id, "ID"), "%d", id);
                READS(ipcs_col_id, ALWAYS(f, other, "ID"), "%d", other);
                READS(ipcs_col_key, ALWAYS(f, id, "KEY"), "0x%x", (unsigned)key);
                READS(ipcs_col_key, ALWAYS(f, other, "KEY"), "0x%x", IPC_PRIVATE);
        }
}

/* ---- mode ---- */

TEST(mode_shows_the_permissions_of_each_class, VERIFIES(ipcs_col_mode))
{
        static const struct {
                const char *name;
                int mode;
                const char *queue, *set;
        } rows[] = {
                {"owner reads and writes", 0600, "--rw-------", "--ra-------"},
                {"group reads", 0440, "--r--r-----", "--r--r-----"},
                {"others write", 0402, "--r------w-", "--r------a-"},
                {"all", 0666, "--rw-rw-rw-", "--ra-ra-ra-"},
        };

        EACH_ROW(row, rows)
                EACH_ROW(f, facilities) {
                        const struct mechanism *const m = &mechanisms[f - facilities];

                        READS(ipcs_col_mode, ALWAYS(f, new_object(m, row->mode), "MODE"), "%s",
                              m == &mechanisms[SET] ? row->set : row->queue);
                }
}

TEST(mode_shows_who_waits, VERIFIES(ipcs_col_mode))
{
        const struct facility *const f = &facilities[QUEUE];
        const int full = new_queue_for(1, 0600), empty = new_queue(0600);
        struct child sender, receiver;

        MUST(put(full, 1, 1, IPC_NOWAIT));
        CHILD(&sender) {
                here(&sender, 1);
                (void)put(full, 1, 1, 0);
        }
        CHILD(&receiver) {
                struct message message;

                here(&receiver, 1);
                (void)msgrcv(empty, &message, sizeof(message.text), 0, 0);
        }
        UNTIL(blocked(&sender) && blocked(&receiver));
        READS(ipcs_col_mode, ALWAYS(f, full, "MODE"), "S-rw-------");
        READS(ipcs_col_mode, ALWAYS(f, empty, "MODE"), "-Rrw-------");
        kill_child(&sender);
        kill_child(&receiver);
}

/* ---- owner and creator ---- */

/* At least the first eight characters of a name. */
static bool names(const char *got, const char *name)
{
        return strlen(got) >= 8 && strncmp(got, name, strlen(got)) == 0;
}

TEST(owner_is_named_where_there_is_a_name, VERIFIES(ipcs_col_owner, ipcs_col_group))
{
        name_users();
        EACH_ROW(f, facilities) {
                const struct mechanism *const m = &mechanisms[f - facilities];
                const int own = new_object(m, 0600), gift = new_gift(m, 0600).id,
                          nameless = new_object_of(m, USER_C, 0600);

                READS(ipcs_col_owner, ALWAYS(f, own, "OWNER"), "ipckme");
                READS(ipcs_col_group, ALWAYS(f, own, "GROUP"), "ipckgme");
                HOLDS(ipcs_col_owner, names(ALWAYS(f, gift, "OWNER"), "ipck-long-name-b"));
                HOLDS(ipcs_col_group, names(ALWAYS(f, gift, "GROUP"), "ipck-long-group-b"));
                READS(ipcs_col_owner, ALWAYS(f, nameless, "OWNER"), "%d", USER_C);
                READS(ipcs_col_group, ALWAYS(f, nameless, "GROUP"), "%d", USER_C);
        }
}

TEST(creator_is_named_where_there_is_a_name, VERIFIES(ipcs_opt_c))
{
        name_users();
        EACH_ROW(f, facilities) {
                const struct mechanism *const m = &mechanisms[f - facilities];
                const int gift = new_gift(m, 0600).id, nameless = new_object_of(m, USER_C, 0600);

                READS(ipcs_opt_c, column(f->option, "-c", gift, "CREATOR"), "ipcka");
                READS(ipcs_opt_c, column(f->option, "-c", gift, "CGROUP"), "ipckga");
                READS(ipcs_opt_c, column(f->option, "-c", nameless, "CREATOR"), "%d", USER_C);
                READS(ipcs_opt_c, column(f->option, "-c", nameless, "CGROUP"), "%d", USER_C);
        }
}

/* ---- sizes ---- */

TEST(b_adds_sizes_and_o_adds_use,
     VERIFIES(ipcs_opt_b, ipcs_opt_o, ipcs_col_qnum_cbytes, ipcs_col_segsz, ipcs_col_nattch, ipcs_col_nsems))
{
        const int queue = new_queue_for(1000, 0600), set = new_sems(7, 0600), segment = new_segment(12345, 0600);

        for (size_t i = 1; i <= 3; i++)
                MUST(put(queue, 1, 10 * i, IPC_NOWAIT));
        (void)attach(segment, 0);
        (void)attach(segment, 0);
        READS(ipcs_opt_b, column("-q", "-b", queue, "QBYTES"), "%d", 1000);
        READS(ipcs_opt_b, column("-m", "-b", segment, "SEGSZ"), "%d", 12345);
        READS(ipcs_opt_b, column("-s", "-b", set, "NSEMS"), "%d", 7);
        READS(ipcs_opt_o, column("-q", "-o", queue, "QNUM"), "%d", 3);
        READS(ipcs_opt_o, column("-q", "-o", queue, "CBYTES"), "%d", 60);
        READS(ipcs_opt_o, column("-m", "-o", segment, "NATTCH"), "%d", 2);
        READS(ipcs_col_qnum_cbytes, column("-q", "-a", queue, "QNUM"), "%d", 3);
        READS(ipcs_col_qnum_cbytes, column("-q", "-a", queue, "CBYTES"), "%d", 60);
        READS(ipcs_col_segsz, column("-m", "-a", segment, "SEGSZ"), "%d", 12345);
        READS(ipcs_col_nattch, column("-m", "-a", segment, "NATTCH"), "%d", 2);
        READS(ipcs_col_nsems, column("-s", "-a", set, "NSEMS"), "%d", 7);
}

TEST(a_adds_all_columns, VERIFIES(ipcs_opt_a))
{
        static const struct {
                const char *name;
                int kind;
                const char *headings[10];
        } rows[] = {
                {"queue", QUEUE, {"CREATOR", "CGROUP", "CBYTES", "QNUM", "QBYTES", "LSPID", "LRPID", "STIME", "RTIME",
                                  "CTIME"}},
                {"segment", SEGMENT, {"CREATOR", "CGROUP", "NATTCH", "SEGSZ", "CPID", "LPID", "ATIME", "DTIME",
                                      "CTIME"}},
                {"set", SET, {"CREATOR", "CGROUP", "NSEMS", "OTIME", "CTIME"}},
        };

        EACH_ROW(row, rows) {
                const int id = new_object(&mechanisms[row->kind], 0600);

                for (size_t i = 0; i < 10 && row->headings[i]; i++)
                        HOLDS(ipcs_opt_a, *column(facilities[row->kind].option, "-a", id, row->headings[i]));
        }
}

/* ---- processes ---- */

TEST(p_adds_process_ids, VERIFIES(ipcs_opt_p))
{
        const int queue = new_queue(0600), unused = new_queue(0600), segment = new_segment(1, 0600);
        struct child sender, receiver, attacher;

        private_proc();
        CHILD(&sender)
                post(queue, 1, "text");
        join(&sender);
        CHILD(&receiver)
                MUST(take(queue, 0));
        join(&receiver);
        READS(ipcs_opt_p, column("-q", "-p", queue, "LSPID"), "%d", sender.pid);
        READS(ipcs_opt_p, column("-q", "-p", queue, "LRPID"), "%d", receiver.pid);
        READS(ipcs_opt_p, column("-q", "-p", unused, "LSPID"), "0");
        READS(ipcs_opt_p, column("-q", "-p", unused, "LRPID"), "0");
        READS(ipcs_opt_p, column("-m", "-p", segment, "CPID"), "%d", getpid());
        READS(ipcs_opt_p, column("-m", "-p", segment, "LPID"), "0");
        CHILD(&attacher)
                (void)attach(segment, 0);
        join(&attacher);
        READS(ipcs_opt_p, column("-m", "-p", segment, "LPID"), "%d", attacher.pid);
}

/* ---- times ---- */

static const char *clock_time(time_t when)
{
        struct tm tm;

        REQUIRE(gmtime_r(&when, &tm));
        return formatted("%d:%02d:%02d", tm.tm_hour, tm.tm_min, tm.tm_sec);
}

TEST(t_adds_times, VERIFIES(ipcs_opt_t, ipcs_col_times_noentry), MOSTLY_WAITS)
{
        const int queue = new_queue(0600), set = new_sems(1, 0600), segment = new_segment(1, 0600);

        READS(ipcs_col_times_noentry, column("-q", "-t", queue, "STIME"), "no-entry");
        READS(ipcs_col_times_noentry, column("-q", "-t", queue, "RTIME"), "no-entry");
        READS(ipcs_col_times_noentry, column("-m", "-t", segment, "ATIME"), "no-entry");
        READS(ipcs_col_times_noentry, column("-m", "-t", segment, "DTIME"), "no-entry");
        READS(ipcs_col_times_noentry, column("-s", "-t", set, "OTIME"), "no-entry");
        next_second(now());
        post(queue, 1, "text");
        (void)attach(segment, 0);
        MUST(SEMOP(set, OP(0, 1, 0)));
        READS(ipcs_opt_t, column("-q", "-t", queue, "STIME"), "%s", clock_time(stat_of_queue(queue).msg_stime));
        READS(ipcs_opt_t, column("-q", "-t", queue, "RTIME"), "no-entry");
        READS(ipcs_opt_t, column("-q", "-t", queue, "CTIME"), "%s", clock_time(stat_of_queue(queue).msg_ctime));
        READS(ipcs_opt_t, column("-m", "-t", segment, "ATIME"), "%s", clock_time(stat_of_segment(segment).shm_atime));
        READS(ipcs_opt_t, column("-m", "-t", segment, "DTIME"), "no-entry");
        READS(ipcs_opt_t, column("-m", "-t", segment, "CTIME"), "%s", clock_time(stat_of_segment(segment).shm_ctime));
        READS(ipcs_opt_t, column("-s", "-t", set, "OTIME"), "%s", clock_time(stat_of(set).sem_otime));
        READS(ipcs_opt_t, column("-s", "-t", set, "CTIME"), "%s", clock_time(stat_of(set).sem_ctime));
}
