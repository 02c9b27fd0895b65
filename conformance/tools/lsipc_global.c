/* SPDX-License-Identifier: MIT
 *
 * lsipc --global: the limits of the namespace, and how much of them is in use.
 */
#include <stdio.h>

#include "ipck_listing.h"

static const char *cell_of(const char *resource, const char *name)
{
        return field(RUN("lsipc", "-g", "-e", "-b").out, "RESOURCE", resource, name);
}

static const struct {
        const char *name, *option;
} resources[] = {
        {"MSGMNI", "-q"}, {"MSGMAX", "-q"}, {"MSGMNB", "-q"}, {"SHMMNI", "-m"}, {"SHMALL", "-m"}, {"SHMMAX", "-m"},
        {"SHMMIN", "-m"}, {"SEMMNI", "-s"}, {"SEMMNS", "-s"}, {"SEMMSL", "-s"}, {"SEMOPM", "-s"}, {"SEMVMX", "-s"},
};

TEST(limits_are_shown_by_default, VERIFIES(lsipc_global))
{
        need_util_linux("lsipc");
        const struct ran shown = RUN("lsipc"), with = RUN("lsipc", "-g");
        EQ(lsipc_global, shown.status, 0);
        READS(lsipc_global, shown.out, "%s", with.out);
        EACH_ROW(resource, resources)
                EQ(lsipc_global, lines_with(shown.out, resource->name), 1);
}

TEST(limits_of_one_resource, VERIFIES(lsipc_global_resource))
{
        need_util_linux("lsipc");
        EACH_ROW(f, facilities) {
                const struct ran shown = RUN("lsipc", "-g", f->option);

                EQ(lsipc_global_resource, shown.status, 0);
                EACH_ROW(resource, resources)
                        EQ(lsipc_global_resource, lines_with(shown.out, resource->name),
                           strcmp(resource->option, f->option) == 0);
        }
}

/* ---- limits ---- */

static uintmax_t limit(const char *name)
{
        return number_in(formatted("/proc/sys/kernel/%s", name), "");
}

static void expect_limits(void)
{
        unsigned sem[4];
        char line[128];

        if (read_file("/proc/sys/kernel/sem", line, sizeof(line)) <= 0)
                UNSUPPORTED("/proc/sys/kernel/sem (%s)", errno_name(errno));
        REQUIRE(sscanf(line, "%u %u %u %u", &sem[0], &sem[1], &sem[2], &sem[3]) == 4);
        READS(lsipc_global_limits, cell_of("MSGMNI", "LIMIT"), "%ju", limit("msgmni"));
        READS(lsipc_global_limits, cell_of("MSGMAX", "LIMIT"), "%ju", limit("msgmax"));
        READS(lsipc_global_limits, cell_of("MSGMNB", "LIMIT"), "%ju", limit("msgmnb"));
        READS(lsipc_global_limits, cell_of("SHMMNI", "LIMIT"), "%ju", limit("shmmni"));
        READS(lsipc_global_limits, cell_of("SHMALL", "LIMIT"), "%ju", limit("shmall"));
        READS(lsipc_global_limits, cell_of("SHMMAX", "LIMIT"), "%ju", limit("shmmax"));
        READS(lsipc_global_limits, cell_of("SHMMIN", "LIMIT"), "1");
        READS(lsipc_global_limits, cell_of("SEMMSL", "LIMIT"), "%u", sem[0]);
        READS(lsipc_global_limits, cell_of("SEMMNS", "LIMIT"), "%u", sem[1]);
        READS(lsipc_global_limits, cell_of("SEMOPM", "LIMIT"), "%u", sem[2]);
        READS(lsipc_global_limits, cell_of("SEMMNI", "LIMIT"), "%u", sem[3]);
        READS(lsipc_global_limits, cell_of("SEMVMX", "LIMIT"), "%d", sem_limits().semvmx);
}

TEST(limits_are_those_of_the_kernel, VERIFIES(lsipc_global_limits))
{
        static const char *const values[][3] = {
                {"kernel/msgmax", "5432", "2147483647"}, {"kernel/msgmnb", "87654", "2147483647"},
                {"kernel/msgmni", "123", "32768"}, {"kernel/shmmax", "7777777777", "18446744073709551615"},
                {"kernel/shmall", "888888", "18446744073709551615"}, {"kernel/shmmni", "1357", "32768"},
                {"kernel/sem", "246 135790 97 531", "2147483647 2147483647 2147483647 32768"},
        };

        need_util_linux("lsipc");
        expect_limits();
        /* Where this user may set them. */
        for (int turn = 1; turn < 3; turn++) {
                for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
                        (void)write_sysctl(values[i][0], values[i][turn]);
                expect_limits();
        }
}

/* ---- use ---- */

static void expect_use(int queues, int segments, int sets)
{
        READS(lsipc_global_used, cell_of("MSGMNI", "USED"), "%d", queues);
        READS(lsipc_global_used, cell_of("SHMMNI", "USED"), "%d", segments);
        READS(lsipc_global_used, cell_of("SEMMNI", "USED"), "%d", sets);
}

TEST(objects_are_counted, VERIFIES(lsipc_global_used))
{
        need_util_linux("lsipc");
        empty_namespace();
        expect_use(0, 0, 0);
        for (int i = 0; i < 3; i++)
                (void)new_queue(0);
        for (int i = 0; i < 2; i++)
                (void)new_segment(1, 0600);
        (void)new_sems(1, 0600);
        expect_use(3, 2, 1);
        READS(lsipc_global_used, cell_of("SEMMNS", "USED"), "1");
        READS(lsipc_global_used, cell_of("MSGMAX", "USED"), "-");
        READS(lsipc_global_used, cell_of("SEMOPM", "USED"), "-");
}

TEST(semaphores_of_all_sets_are_counted, VERIFIES(lsipc_global_used))
{
        need_util_linux("lsipc");
        empty_namespace();
        (void)new_sems(2, 0600);
        (void)new_sems(5, 0600);
        (void)new_sems(9, 0600);
        READS(lsipc_global_used, cell_of("SEMMNS", "USED"), "16");
}

TEST(whole_pages_of_segments_are_counted, VERIFIES(lsipc_global_used_pages))
{
        need_util_linux("lsipc");
        empty_namespace();
        (void)new_segment(5 * page_size(), 0600);
        (void)new_segment(2 * page_size(), 0600);
        REQUIRE(shm_usage().shm_tot == 7);
        READS(lsipc_global_used_pages, cell_of("SHMALL", "USED"), "7");
}

TEST(begun_pages_of_segments_are_counted, VERIFIES(lsipc_global_used_pages))
{
        need_util_linux("lsipc");
        empty_namespace();
        for (int i = 0; i < 3; i++)
                (void)new_segment(1, 0600);
        (void)new_segment(page_size() + 1, 0600);
        REQUIRE(shm_usage().shm_tot == 5);
        READS(lsipc_global_used_pages, cell_of("SHMALL", "USED"), "5");
}

TEST(use_is_a_percentage_of_the_limit, VERIFIES(lsipc_global_percent))
{
        need_util_linux("lsipc");
        empty_namespace();
        set_sysctl("kernel/msgmni", "80");
        set_sysctl("kernel/shmmni", "3");
        set_sysctl("kernel/shmall", "64");
        set_sysctl("kernel/sem", "10 40 10 4");
        for (int i = 0; i < 7; i++)
                (void)new_queue(0600);
        (void)new_segment(10 * page_size(), 0600);
        for (int i = 0; i < 4; i++)
                (void)new_sems(5, 0600);
        READS(lsipc_global_percent, cell_of("MSGMNI", "USE%"), "8.75%%");
        READS(lsipc_global_percent, cell_of("SHMMNI", "USE%"), "33.33%%");
        READS(lsipc_global_percent, cell_of("SHMALL", "USE%"), "15.62%%");
        READS(lsipc_global_percent, cell_of("SEMMNI", "USE%"), "100.00%%");
        READS(lsipc_global_percent, cell_of("SEMMNS", "USE%"), "50.00%%");
        READS(lsipc_global_percent, cell_of("MSGMAX", "USE%"), "-");
}
