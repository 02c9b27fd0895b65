/* SPDX-License-Identifier: MIT
 *
 * lsipc: which objects and columns it lists, and what selects them.
 */
#include <stdio.h>

#include "ipck_listing.h"

/* ---- resources ---- */

/* The words of the first line, which is as long as the longest command in it. */
static void expect_headings(enum ipck_requirement req, const char *output, const char *headings)
{
        HOLDS(req, has_line(formatted("%.*s\n", (int)strcspn(output, "\n"), output), "%s", headings));
}

static const enum ipck_requirement list_of[] = {
        [QUEUE] = lsipc_queues, [SET] = lsipc_semaphores, [SEGMENT] = lsipc_shmems,
};
static const char *const default_columns[] = {
        [QUEUE] = "KEY ID PERMS OWNER USEDBYTES MSGS LSPID LRPID", [SET] = "KEY ID PERMS OWNER NSEMS",
        [SEGMENT] = "KEY ID PERMS OWNER SIZE NATTCH STATUS CTIME CPID LPID COMMAND",
};

TEST(objects_of_one_kind_are_listed, VERIFIES(lsipc_queues, lsipc_semaphores, lsipc_shmems))
{
        const char *keys[3];

        need_util_linux("lsipc");
        for (int i = QUEUE; i <= SEGMENT; i++) {
                key_t key;

                (void)new_keyed(&mechanisms[i], 0640, &key);
                keys[i] = formatted("0x%08x", (unsigned)key);
        }
        EACH_ROW(f, facilities) {
                const enum ipck_requirement req = list_of[f - facilities];
                const struct ran shown = RUN("lsipc", f->option);

                EQ(req, shown.status, 0);
                expect_headings(req, shown.out, default_columns[f - facilities]);
                for (int i = QUEUE; i <= SEGMENT; i++)
                        EQ(req, lines_with(shown.out, keys[i]), &facilities[i] == f);
                READS(req, cell(shown.out, "KEY", keys[f - facilities], "PERMS"), "rw-r-----");
        }
}

TEST(nothing_to_list_is_success, VERIFIES(lsipc_exit0))
{
        static const struct {
                const char *name;
        } options[] = {{"-e"}, {"-J"}, {"-l"}, {"-n"}, {"-r"}, {"-c"}, {"-t"}, {"-b"}, {"-g"}};

        need_util_linux("lsipc");
        empty_namespace();
        for (int turn = 0; turn < 2; turn++) {
                EACH_ROW(f, facilities) {
                        EQ(lsipc_exit0, RUN("lsipc", f->option).status, 0);
                        EACH_ROW(option, options) {
                                const struct ran shown = RUN("lsipc", f->option, option->name);

                                EQ(lsipc_exit0, shown.status, 0);
                                READS(lsipc_exit0, shown.err, "%s", "");
                        }
                        (void)new_object(&mechanisms[f - facilities], 0600);
                }
        }
        EQ(lsipc_exit0, RUN("lsipc").status, 0);
}

/* ---- which objects ---- */

TEST(readable_objects_of_others_are_listed, VERIFIES(lsipc_readable))
{
        struct child stranger;

        need_util_linux("lsipc");
        EACH_ROW(f, facilities) {
                const struct mechanism *const m = &mechanisms[f - facilities];
                const char *const readable = decimal(new_object_of(m, USER_A, 0604)),
                           *const closed = decimal(new_object_of(m, USER_A, 0600));

                CHILD(&stranger) {
                        as_user(USER_B);
                        const struct ran shown = RUN("lsipc", f->option, "-e");
                        READS(lsipc_readable, field(shown.out, "ID", readable, "PERMS"), "rw----r--");
                        OBSERVE(lsipc_readable, "one that cannot be read is %s",
                                has_field(shown.out, "ID", closed, "PERMS") ? "listed as well" : "not listed");
                }
                join(&stranger);
        }
}

enum { MANY = 2000 };

TEST(each_of_many_objects_is_listed_once, VERIFIES(lsipc_many))
{
        static const struct {
                const char *name;
        } formats[] = {{"-r"}, {"-l"}};
        unsigned char *const seen = calloc(1, INT16_MAX + 1);
        int missing = 0;

        REQUIRE(seen);
        need_util_linux("lsipc");
        empty_namespace();
        for (int i = 0; i < MANY; i++)
                seen[new_sems(1, 0600) & INT16_MAX] = 1;
        EACH_ROW(format, formats) {
                const char *line = RUN("lsipc", "-s", "--noheadings", "-o", "ID", format->name).out;
                int count = 0, id;

                for (; sscanf(line, " %d", &id) == 1; line = strchr(line, '\n') + 1) {
                        seen[id & INT16_MAX]++;
                        count++;
                }
                EQ(lsipc_many, count, MANY);
        }
        /* Once by semget(), and once by each list. */
        for (int i = 0; i <= INT16_MAX; i++)
                missing += seen[i] != 0 && seen[i] != 3;
        EQ(lsipc_many, missing, 0);
}

/* ---- which columns ---- */

TEST(list_of_columns_is_followed, VERIFIES(lsipc_output))
{
        static const struct {
                const char *name, *headings;
        } rows[] = {
                {"ID", "ID"}, {"NSEMS,KEY", "NSEMS KEY"}, {"perms,Id,oTIME", "PERMS ID OTIME"},
                {"UID,GID,CUID,CGID,USER,GROUP,CUSER,CGROUP,CTIME,OWNER",
                 "UID GID CUID CGID USER GROUP CUSER CGROUP CTIME OWNER"},
                {"+CTIME", "KEY ID PERMS OWNER NSEMS CTIME"},
        };

        need_util_linux("lsipc");
        (void)new_sems(1, 0600);
        EACH_ROW(row, rows) {
                expect_headings(lsipc_output, RUN("lsipc", "-s", "-o", row->name).out, row->headings);
                expect_headings(lsipc_output, RUN("lsipc", "--output", row->name, "-s").out, row->headings);
        }
}

TEST(other_column_is_refused, VERIFIES(lsipc_output_unknown))
{
        static const struct {
                const char *name, *resource;
        } rows[] = {
                {"NAMES", "-s"}, {"ID,", "-s"}, {"I", "-s"}, {"IDS", "-q"}, {"NSEMS", "-q"}, {"MSGS", "-m"},
                {"SIZE", "-s"}, {"ID,LIMIT", "-q"},
        };

        need_util_linux("lsipc");
        EQ(lsipc_output_unknown, RUN("lsipc", "-s", "-o", "ID,NSEMS").status, 0);
        EACH_ROW(row, rows) {
                const struct ran shown = RUN("lsipc", row->resource, "-o", row->name);

                EQ(lsipc_output_unknown, shown.status, 1);
                READS(lsipc_output_unknown, shown.out, "%s", "");
        }
        HOLDS(lsipc_output_unknown, *RUN("lsipc", "-s", "-o", "NAMES").err);
}

TEST(creator_columns_are_added, VERIFIES(lsipc_creator))
{
        need_util_linux("lsipc");
        for (int kind = QUEUE; kind <= SEGMENT; kind++) {
                const char *const id = decimal(new_object(&mechanisms[kind], 0600)),
                           *const shown = RUN("lsipc", facilities[kind].option, "-c", "-e").out;

                expect_headings(lsipc_creator, RUN("lsipc", facilities[kind].option, "-c").out,
                                formatted("%s CUID CGID UID GID", default_columns[kind]));
                READS(lsipc_creator, field(shown, "ID", id, "CUID"), "%u", geteuid());
                READS(lsipc_creator, field(shown, "ID", id, "UID"), "%u", geteuid());
                READS(lsipc_creator, field(shown, "ID", id, "GID"), "%u", getegid());
        }
}

TEST(time_columns_are_added, VERIFIES(lsipc_time))
{
        static const char *const names[][3] = {
                [QUEUE] = {"SEND", "RECV", "CTIME"}, [SET] = {"OTIME", "CTIME", "CTIME"},
                [SEGMENT] = {"ATTACH", "DETACH", "CTIME"},
        };

        need_util_linux("lsipc");
        for (int kind = QUEUE; kind <= SEGMENT; kind++) {
                const char *const id = decimal(new_object(&mechanisms[kind], 0600)),
                           *const plain = RUN("lsipc", facilities[kind].option, "-e").out,
                           *const with = RUN("lsipc", facilities[kind].option, "-t", "-e").out;

                for (size_t i = 0; i < 3; i++)
                        HOLDS(lsipc_time, has_field(with, "ID", id, names[kind][i]));
                HOLDS(lsipc_time, !has_field(plain, "ID", id, names[kind][0]));
                HOLDS(lsipc_time, *field(with, "ID", id, "CTIME"));
        }
}

/* ---- options ---- */

TEST(long_options_are_the_short_ones, VERIFIES(lsipc_long_options))
{
        static const struct {
                const char *name, *option;
        } rows[] = {
                {"--bytes", "-b"}, {"--creator", "-c"}, {"--export", "-e"}, {"--global", "-g"}, {"--json", "-J"},
                {"--list", "-l"}, {"--newline", "-n"}, {"--numeric-perms", "-P"}, {"--raw", "-r"}, {"--time", "-t"},
                {"--shell", "-y"},
        };
        char id[3][16];

        need_util_linux("lsipc");
        for (int kind = QUEUE; kind <= SEGMENT; kind++)
                snprintf(id[kind], sizeof(id[kind]), "%d", new_object(&mechanisms[kind], 0600));
        EACH_ROW(f, facilities) {
                EACH_ROW(row, rows) {
                        const struct ran with = RUN("lsipc", f->long_option, row->name);

                        EQ(lsipc_long_options, with.status, 0);
                        READS(lsipc_long_options, with.out, "%s", RUN("lsipc", f->option, row->option).out);
                }
                READS(lsipc_long_options, RUN("lsipc", f->long_option, "--id", id[f - facilities]).out, "%s",
                      RUN("lsipc", f->option, "-i", id[f - facilities]).out);
        }
}

TEST(help_and_version_are_output, VERIFIES(lsipc_help_version))
{
        static const struct {
                const char *name, *text;
        } rows[] = {
                {"--help", "CGROUP"}, {"-h", "SEMAPHORES"}, {"-h", "USE%"}, {"--version", "util-linux"},
                {"-V", "util-linux"},
        };

        need_util_linux("lsipc");
        EACH_ROW(row, rows) {
                const struct ran with = RUN("lsipc", row->name);

                EQ(lsipc_help_version, with.status, 0);
                HOLDS(lsipc_help_version, strcasestr(with.out, row->text));
                READS(lsipc_help_version, with.err, "%s", "");
        }
}

static void expect_refusal(enum ipck_requirement req, const struct ran shown)
{
        EQ(req, shown.status, 1);
        READS(req, shown.out, "%s", "");
        HOLDS(req, *shown.err);
}

TEST(unknown_options_are_refused, VERIFIES(lsipc_badopt, lsipc_time_format_unknown))
{
        need_util_linux("lsipc");
        expect_refusal(lsipc_badopt, RUN("lsipc", "-Z"));
        expect_refusal(lsipc_badopt, RUN("lsipc", "-q", "--no-such-option"));
        expect_refusal(lsipc_badopt, RUN("lsipc", "-q", "-o"));
        expect_refusal(lsipc_badopt, RUN("lsipc", "-q", "-i"));
        expect_refusal(lsipc_badopt, RUN("lsipc", "-q", "--json=yes"));
        expect_refusal(lsipc_time_format_unknown, RUN("lsipc", "-q", "--time-format=long"));
        expect_refusal(lsipc_time_format_unknown, RUN("lsipc", "-q", "--time-format="));
        EQ(lsipc_time_format_unknown, RUN("lsipc", "-q", "--time-format=iso").status, 0);
}

TEST(output_that_cannot_be_written_is_an_error, VERIFIES(lsipc_write_error))
{
        need_util_linux("lsipc");
        const struct ran lost = run_without_room("lsipc");
        BETWEEN(lsipc_write_error, 1, lost.status, 125);
        HOLDS(lsipc_write_error, *lost.err);
}

TEST(options_that_exclude_each_other_are_refused, VERIFIES(lsipc_exclusive))
{
        static const struct {
                const char *name, *with;
        } rows[] = {
                {"-e", "-J"}, {"-e", "-l"}, {"-n", "-e"}, {"-r", "-e"}, {"-J", "-l"}, {"-J", "-n"}, {"-r", "-J"},
                {"-l", "-n"}, {"-l", "-r"}, {"-r", "-n"}, {"-q", "-m"}, {"-s", "-m"}, {"-g", "-i0"}, {"-oID", "-t"},
        };

        need_util_linux("lsipc");
        (void)new_sems(1, 0600);
        EACH_ROW(row, rows) {
                const char *const resource = strcmp(row->name, "-q") == 0 ? "-q" : "-s";

                expect_refusal(lsipc_exclusive, RUN("lsipc", resource, row->name, row->with));
        }
}
