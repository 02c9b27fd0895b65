/* SPDX-License-Identifier: MIT
 *
 * ipcs: which of its three reports it writes, in which order, and how it ends. Objects are recognised by their keys,
 * which every form of the reports shows in hexadecimal.
 */
#include <stdio.h>

#include "ipck_listing.h"

/* One object of each kind, and the text of its key in a report. */
static void make_objects(const char *keys[3])
{
        EACH_ROW(m, mechanisms) {
                key_t key;

                (void)new_keyed(m, 0600, &key);
                keys[m - mechanisms] = formatted("0x%x", (unsigned)key);
        }
}

static bool reported(const char *output, const char *key)
{
        return lines_with(output, key) > 0;
}

/* ---- which ---- */

static void expect_reports(enum ipck_requirement req, const char *output, const char *const keys[3], const char *wanted)
{
        EQ(req, reported(output, keys[QUEUE]), strchr(wanted, 'q') != NULL);
        EQ(req, reported(output, keys[SET]), strchr(wanted, 's') != NULL);
        EQ(req, reported(output, keys[SEGMENT]), strchr(wanted, 'm') != NULL);
}

TEST(without_resource_options_all_are_reported, VERIFIES(ipcs_default_all))
{
        const char *keys[3];

        make_objects(keys);
        expect_reports(ipcs_default_all, RUN("ipcs").out, keys, "qms");
}

TEST(one_option_selects_one_report, VERIFIES(ipcs_opt_q, ipcs_opt_m, ipcs_opt_s))
{
        const char *keys[3];

        make_objects(keys);
        expect_reports(ipcs_opt_q, RUN("ipcs", "-q").out, keys, "q");
        expect_reports(ipcs_opt_m, RUN("ipcs", "-m").out, keys, "m");
        expect_reports(ipcs_opt_s, RUN("ipcs", "-s").out, keys, "s");
}

TEST(options_add_their_reports, VERIFIES(ipcs_opt_q, ipcs_opt_m, ipcs_opt_s))
{
        const char *keys[3];

        make_objects(keys);
        expect_reports(ipcs_opt_q, RUN("ipcs", "-ms").out, keys, "ms");
        expect_reports(ipcs_opt_m, RUN("ipcs", "-s", "-q").out, keys, "qs");
        expect_reports(ipcs_opt_s, RUN("ipcs", "-mq").out, keys, "qm");
        expect_reports(ipcs_opt_s, RUN("ipcs", "-q", "-sm").out, keys, "qms");
}

TEST(reports_have_one_order, VERIFIES(ipcs_order))
{
        static const struct {
                const char *name;
        } rows[] = {{"-qms"}, {"-smq"}, {"-msq"}, {"-sqm"}};
        const char *keys[3];

        make_objects(keys);
        EACH_ROW(row, rows) {
                const char *const output = RUN("ipcs", row->name).out;
                const char *const queue = strstr(output, keys[QUEUE]), *const segment = strstr(output, keys[SEGMENT]),
                           *const set = strstr(output, keys[SET]);

                if (HOLDS(ipcs_order, queue && segment && set))
                        HOLDS(ipcs_order, queue < segment && segment < set);
        }
}

/* ---- the lines around ---- */

TEST(first_line_tells_source_and_time, VERIFIES(ipcs_intro_line))
{
        char line[200] = "", *date;
        struct tm tm = {0};

        const time_t before = now();
        (void)sscanf(RUN("ipcs").out, "%199[^\n]", line);
        const time_t after = time(NULL);
        HOLDS(ipcs_intro_line, strncmp(line, "IPC status from ", 16) == 0);
        date = strstr(line, " as of ");
        if (!HOLDS(ipcs_intro_line, date))
                return;
        const char *const rest = strptime(date + 7, "%a %b %e %H:%M:%S UTC %Y", &tm);
        if (HOLDS(ipcs_intro_line, rest && *rest == '\0'))
                BETWEEN(ipcs_intro_line, before, timegm(&tm), after);
}

TEST(report_begins_with_the_name_of_the_facility, VERIFIES(ipcs_facility_name))
{
        const char *keys[3];

        make_objects(keys);
        EACH_ROW(f, facilities) {
                const char *const output = RUN("ipcs", f->option).out;
                const char *const name = strstr(output, formatted("\n%s:\n", f->posix_name));

                if (HOLDS(ipcs_facility_name, name))
                        HOLDS(ipcs_facility_name, strstr(name, keys[f - facilities]));
        }
}

/* ---- how it ends ---- */

TEST(success_is_status_0_and_no_diagnostic, VERIFIES(ipcs_exit0, ipcs_stderr))
{
        static const struct {
                const char *name;
        } rows[] = {{"-q"}, {"-m"}, {"-s"}, {"-qms"}, {"-c"}, {"-p"}, {"-t"}, {"-mt"}, {"-qcpt"}};
        const char *keys[3];

        /* With nothing to report, too. */
        for (int turn = 0; turn < 2; turn++) {
                const struct ran plain = RUN("ipcs");

                EQ(ipcs_exit0, plain.status, 0);
                READS(ipcs_stderr, plain.err, "%s", "");
                EACH_ROW(row, rows) {
                        const struct ran with = RUN("ipcs", row->name);

                        EQ(ipcs_exit0, with.status, 0);
                        READS(ipcs_stderr, with.err, "%s", "");
                }
                make_objects(keys);
        }
}

TEST(output_that_cannot_be_written_is_an_error, VERIFIES(ipcs_write_error))
{
        const char *keys[3];

        make_objects(keys);
        EQ(ipcs_write_error, RUN("ipcs").status, 0);
        const struct ran lost = run_without_room("ipcs");
        BETWEEN(ipcs_write_error, 1, lost.status, 125);
        HOLDS(ipcs_write_error, *lost.err);
}

TEST(unknown_option_is_an_error, VERIFIES(ipcs_badopt))
{
        static const struct {
                const char *name;
        } rows[] = {{"-Z"}, {"-qZ"}, {"--no-such-option"}, {"-1"}};

        EQ(ipcs_badopt, RUN("ipcs", "-q").status, 0);
        EACH_ROW(row, rows) {
                const struct ran bad = RUN("ipcs", row->name);

                BETWEEN(ipcs_badopt, 1, bad.status, 125);
                HOLDS(ipcs_badopt, *bad.err);
        }
}
