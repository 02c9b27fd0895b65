/* SPDX-License-Identifier: MIT
 *
 * ipcs and lsipc of util-linux where there is no /proc/sysvipc: what they then ask the system calls.
 */
#include <sys/mount.h>

#include "ipck_listing.h"

/* In the mount namespace of this test. */
static void hide_proc_sysvipc(void)
{
        need_proc_sysvipc();
        if (mount("ipck", "/proc/sysvipc", "tmpfs", MS_RDONLY, NULL) == -1)
                UNSUPPORTED("a mount over /proc/sysvipc (%s)", errno_name(errno));
        REQUIRE(access("/proc/sysvipc/msg", F_OK) == -1);
}

static bool is_listed(const char *output, int id)
{
        return lines_with(output, decimal(id)) > 0;
}

/* ---- which ---- */

static const struct {
        const char *name;
        enum ipck_requirement req;
} tools[] = {{"ipcs", ipcs_no_proc_fallback}, {"lsipc", lsipc_no_proc_fallback}};

TEST(readable_objects_are_listed, VERIFIES(ipcs_no_proc_fallback, lsipc_no_proc_fallback))
{
        struct child stranger;

        hide_proc_sysvipc();
        EACH_ROW(tool, tools) {
                need_util_linux(tool->name);
                EACH_ROW(f, facilities) {
                        const struct mechanism *const m = &mechanisms[f - facilities];

                        /* Identifiers that no other column shows. */
                        burn_ids(m, 300);
                        const int readable = new_object_of(m, USER_A, 0604),
                                  unreadable = new_object_of(m, USER_A, 0662);
                        CHILD(&stranger) {
                                as_user(USER_B);
                                const int own = new_object(m, 0400), closed = new_object(m, 0200);
                                const char *const output = RUN(tool->name, f->option).out;
                                EQ(tool->req, is_listed(output, readable), true);
                                EQ(tool->req, is_listed(output, unreadable), false);
                                EQ(tool->req, is_listed(output, own), true);
                                EQ(tool->req, is_listed(output, closed), false);
                        }
                        join(&stranger);
                }
        }
}

TEST(objects_behind_gaps_are_listed, VERIFIES(ipcs_no_proc_fallback))
{
        need_util_linux("ipcs");
        hide_proc_sysvipc();
        EACH_ROW(f, facilities) {
                const struct mechanism *const m = &mechanisms[f - facilities];
                int ids[30];

                burn_ids(m, 300);
                for (int i = 0; i < 30; i++)
                        ids[i] = new_object(m, 0600);
                for (int i = 0; i < 30; i++)
                        if (i % 7)
                                MUST(m->remove(ids[i]));
                const char *const output = RUN("ipcs", f->option).out;
                for (int i = 0; i < 30; i++)
                        EQ(ipcs_no_proc_fallback, is_listed(output, ids[i]), i % 7 == 0);
        }
}

/* ---- what ---- */

/* Objects with something in every column: a gift, and one of the test's own that was used. */
static void make_objects(void)
{
        struct child user;

        EACH_ROW(m, mechanisms) {
                const int id = new_object(m, 0604);

                CHILD(&user)
                        MUST(m->write(id));
                join(&user);
                (void)new_gift(m, 0644);
        }
}

static void expect_same_values(const char *const *options, size_t count)
{
        const char *before[8];

        for (size_t i = 0; i < count; i++)
                before[i] = RUN("ipcs", options[i]).out;
        hide_proc_sysvipc();
        for (size_t i = 0; i < count; i++)
                READS(ipcs_no_proc_fallback_values, RUN("ipcs", options[i]).out, "%s", before[i]);
}

TEST(values_are_those_with_proc, VERIFIES(ipcs_no_proc_fallback_values))
{
        static const char *const options[] = {"-qms", "-t", "-p", "-l", "-u"};

        need_util_linux("ipcs");
        private_proc();
        name_users();
        make_objects();
        expect_same_values(options, sizeof(options) / sizeof(*options));
}

TEST(creators_of_queues_are_those_with_proc, VERIFIES(ipcs_no_proc_fallback_values))
{
        static const char *const options[] = {"-qc"};

        need_util_linux("ipcs");
        make_objects();
        expect_same_values(options, 1);
}

TEST(creators_of_sets_and_segments_are_those_with_proc, VERIFIES(ipcs_no_proc_fallback_values))
{
        static const char *const options[] = {"-sc", "-mc"};

        need_util_linux("ipcs");
        make_objects();
        expect_same_values(options, 2);
}

/* The group that created it is judged above. */
static const char *details(const struct facility *f, const char *id)
{
        char *const output = RUN("ipcs", f->option, "-i", id).out, *const group = strstr(output, "cgid=");

        if (group)
                memmove(group, group + strcspn(group, "\t\n"), strlen(group + strcspn(group, "\t\n")) + 1);
        return output;
}

TEST(details_are_those_with_proc, VERIFIES(ipcs_no_proc_fallback_id))
{
        const char *before[3], *ids[3];

        need_util_linux("ipcs");
        private_proc();
        EACH_ROW(f, facilities) {
                const struct mechanism *const m = &mechanisms[f - facilities];

                burn_ids(m, 70);
                (void)new_object(m, 0600);
                const int id = new_object(m, 0604);
                MUST(m->write(id));
                ids[f - facilities] = decimal(id);
                before[f - facilities] = details(f, ids[f - facilities]);
        }
        hide_proc_sysvipc();
        EACH_ROW(f, facilities)
                READS(ipcs_no_proc_fallback_id, details(f, ids[f - facilities]), "%s", before[f - facilities]);
}
