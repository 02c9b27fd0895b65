/* SPDX-License-Identifier: MIT
 *
 * ipcs -l and -u of util-linux: the limits, in the units that are named beside them, and the summary.
 */
#include <stdio.h>
#include <sys/mount.h>

#include "ipck_listing.h"

/* ---- setting and reading limits ---- */

static uintmax_t limit(const char *name)
{
        return number_in(formatted("/proc/sys/kernel/%s", name), "");
}

/* The n-th number of kernel.sem. */
static unsigned sem_limit(int n)
{
        char line[128];
        unsigned values[4];

        if (read_file("/proc/sys/kernel/sem", line, sizeof(line)) <= 0)
                UNSUPPORTED("/proc/sys/kernel/sem (%s)", errno_name(errno));
        REQUIRE(sscanf(line, "%u %u %u %u", &values[0], &values[1], &values[2], &values[3]) == 4);
        return values[n];
}

/* All different where this user may set them. */
static void set_different_limits(void)
{
        static const char *const values[][2] = {
                {"kernel/msgmax", "5432"}, {"kernel/msgmnb", "87654"}, {"kernel/msgmni", "123"},
                {"kernel/shmmax", "7777777777"}, {"kernel/shmall", "888888"}, {"kernel/shmmni", "1357"},
                {"kernel/sem", "246 135790 97 531"},
        };

        for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
                (void)write_sysctl(values[i][0], values[i][1]);
}

static const char *limits(const char *option)
{
        const struct ran shown = RUN("ipcs", "-l", option);

        EQ(ipcs_limits, shown.status, 0);
        return shown.out;
}

/* ---- limits ---- */

static void expect_limits(void)
{
        const char *const shown = limits("-qms");

        READS(ipcs_limits, value_of(shown, "max queues system wide = "), "%ju", limit("msgmni"));
        READS(ipcs_limits, value_of(shown, "max size of message (bytes) = "), "%ju", limit("msgmax"));
        READS(ipcs_limits, value_of(shown, "default max size of queue (bytes) = "), "%ju", limit("msgmnb"));
        READS(ipcs_limits, value_of(shown, "max number of segments = "), "%ju", limit("shmmni"));
        READS(ipcs_limits, value_of(shown, "max seg size (kbytes) = "), "%ju", limit("shmmax") / 1024);
        READS(ipcs_limits, value_of(shown, "min seg size (bytes) = "), "1");
        READS(ipcs_limits, value_of(shown, "max semaphores per array = "), "%u", sem_limit(0));
        READS(ipcs_limits, value_of(shown, "max semaphores system wide = "), "%u", sem_limit(1));
        READS(ipcs_limits, value_of(shown, "max ops per semop call = "), "%u", sem_limit(2));
        READS(ipcs_limits, value_of(shown, "max number of arrays = "), "%u", sem_limit(3));
        READS(ipcs_limits, value_of(shown, "semaphore max value = "), "%d", sem_limits().semvmx);
        if (limit("shmall") <= UINTMAX_MAX / page_size())
                READS(ipcs_limits, value_of(shown, "max total shared memory (kbytes) = "), "%ju",
                      limit("shmall") * (page_size() / 1024));
}

TEST(limits_are_those_of_the_kernel, VERIFIES(ipcs_limits))
{
        need_util_linux("ipcs");
        expect_limits();
        set_different_limits();
        expect_limits();
}

TEST(limits_are_of_the_resources_selected, VERIFIES(ipcs_limits))
{
        static const char *const labels[] = {
                [QUEUE] = "max queues system wide = ", [SET] = "max number of arrays = ",
                [SEGMENT] = "max number of segments = ",
        };

        need_util_linux("ipcs");
        EACH_ROW(f, facilities) {
                const char *const shown = limits(f->option);

                for (int i = QUEUE; i <= SEGMENT; i++)
                        EQ(ipcs_limits, *value_of(shown, labels[i]) != '\0', &facilities[i] == f);
        }
}

/* A value that a kernel with a narrower long refuses. */
static void set_long(const char *name, const char *value)
{
        if (write_sysctl(name, value) == -1 && errno == EINVAL)
                UNSUPPORTED("%s = %s", name, value);
        set_sysctl(name, value);
}

TEST(largest_limits_are_shown_in_full, VERIFIES(ipcs_limits_huge))
{
        need_util_linux("ipcs");
        set_sysctl("kernel/msgmax", "2147483647");
        set_sysctl("kernel/msgmnb", "2147483647");
        set_long("kernel/shmmax", "18446744073709551615");
        set_sysctl("kernel/sem", "2147483647 2147483647 2147483647 32768");
        const char *const shown = RUN("ipcs", "-l").out, *const bytes = RUN("ipcs", "-l", "-b").out;
        READS(ipcs_limits_huge, value_of(shown, "max size of message (bytes) = "), "2147483647");
        READS(ipcs_limits_huge, value_of(shown, "default max size of queue (bytes) = "), "2147483647");
        READS(ipcs_limits_huge, value_of(shown, "max seg size (kbytes) = "), "18014398509481983");
        READS(ipcs_limits_huge, value_of(bytes, "max seg size (bytes) = "), "18446744073709551615");
        READS(ipcs_limits_huge, value_of(shown, "max semaphores per array = "), "2147483647");
        READS(ipcs_limits_huge, value_of(shown, "max semaphores system wide = "), "2147483647");
        READS(ipcs_limits_huge, value_of(shown, "max ops per semop call = "), "2147483647");
        READS(ipcs_limits_huge, value_of(shown, "max number of arrays = "), "32768");
}

static void expect_largest(const char *option, const char *label)
{
        const char *const shown = value_of(RUN("ipcs", "-l", option).out, label);

        HOLDS(ipcs_limits_overflow, strtoumax(shown, NULL, 10) >= UINT64_MAX - page_size());
}

TEST(total_of_shared_memory_does_not_wrap, VERIFIES(ipcs_limits_overflow))
{
        const struct {
                const char *name, *shmall;
        } rows[] = {
                {"all bits", "18446744073709551615"},
                {"the default", "18446744073692774399"},
                {"half", "9223372036854775809"},
                {"one page too many kilobytes", formatted("%ju", UINTMAX_MAX / (page_size() / 1024) + 1)},
        };
        const uintmax_t fits = UINTMAX_MAX / page_size();

        need_util_linux("ipcs");
        EACH_ROW(row, rows) {
                set_long("kernel/shmall", row->shmall);
                expect_largest("-m", "max total shared memory (kbytes) = ");
                expect_largest("-b", "max total shared memory (bytes) = ");
        }
        set_long("kernel/shmall", formatted("%ju", fits + 1));
        expect_largest("-b", "max total shared memory (bytes) = ");
        set_long("kernel/shmall", formatted("%ju", fits));
        const char *const shown = RUN("ipcs", "-l").out;
        READS(ipcs_limits_overflow, value_of(shown, "max total shared memory (kbytes) = "), "%ju",
              fits * (page_size() / 1024));
        READS(ipcs_limits_overflow, value_of(RUN("ipcs", "-lb").out, "max total shared memory (bytes) = "), "%ju",
              fits * page_size());
}

TEST(bytes_are_named_and_exact, VERIFIES(ipcs_limits_bytes))
{
        static const struct {
                const char *name;
        } rows[] = {{"-b"}, {"--bytes"}};

        need_util_linux("ipcs");
        set_different_limits();
        EACH_ROW(row, rows) {
                const char *const shown = RUN("ipcs", "-l", row->name).out;

                READS(ipcs_limits_bytes, value_of(shown, "max size of message (bytes) = "), "%ju", limit("msgmax"));
                READS(ipcs_limits_bytes, value_of(shown, "default max size of queue (bytes) = "), "%ju",
                      limit("msgmnb"));
                READS(ipcs_limits_bytes, value_of(shown, "max seg size (bytes) = "), "%ju", limit("shmmax"));
                READS(ipcs_limits_bytes, value_of(shown, "min seg size (bytes) = "), "1");
                if (limit("shmall") <= UINTMAX_MAX / page_size())
                        READS(ipcs_limits_bytes, value_of(shown, "max total shared memory (bytes) = "), "%ju",
                              limit("shmall") * page_size());
        }
}

TEST(human_sizes_have_a_unit, VERIFIES(ipcs_limits_human))
{
        static const struct {
                const char *name, *shown;
        } rows[] = {
                {"1", "1B"}, {"1023", "1023B"}, {"1024", "1K"}, {"1536", "1.5K"}, {"1048576", "1M"}, {"7340032", "7M"},
                {"1610612736", "1.5G"}, {"3298534883328", "3T"}, {"1125899906842624", "1P"},
                {"18446744073709551615", "16E"},
        };

        need_util_linux("ipcs");
        set_sysctl("kernel/msgmax", "8192");
        set_sysctl("kernel/msgmnb", "2560");
        EACH_ROW(row, rows) {
                set_long("kernel/shmmax", row->name);
                READS(ipcs_limits_human, value_of(RUN("ipcs", "-l", "--human").out, "max seg size = "), "%s",
                      row->shown);
        }
        set_sysctl("kernel/shmall", formatted("%zu", 0x60000000 / page_size()));
        const char *const shown = RUN("ipcs", "-l", "--human").out;
        READS(ipcs_limits_human, value_of(shown, "max size of message = "), "8K");
        READS(ipcs_limits_human, value_of(shown, "default max size of queue = "), "2.5K");
        READS(ipcs_limits_human, value_of(shown, "max total shared memory = "), "1.5G");
        READS(ipcs_limits_human, value_of(shown, "min seg size = "), "1B");
}

TEST(limits_without_proc_are_the_same, VERIFIES(ipcs_limits_no_proc_fallback))
{
        need_util_linux("ipcs");
        set_different_limits();
        const char *const shown = RUN("ipcs", "-l").out;
        REQUIRE(*value_of(shown, "max number of segments = "));
        if (mount("ipck", "/proc/sys/kernel", "tmpfs", MS_RDONLY, NULL) == -1)
                UNSUPPORTED("a mount over /proc/sys/kernel (%s)", errno_name(errno));
        REQUIRE(access("/proc/sys/kernel/shmmni", F_OK) == -1);
        READS(ipcs_limits_no_proc_fallback, RUN("ipcs", "-l").out, "%s", shown);
}

/* ---- the summary ---- */

static void expect_summary(void)
{
        const struct ran shown = RUN("ipcs", "-u");
        const struct msginfo msg = msg_usage();
        const struct shm_info shm = shm_usage();
        struct seminfo sem;

        MUST(semctl(0, 0, SEM_INFO, ARG_INFO(&sem)));
        EQ(ipcs_summary, shown.status, 0);
        READS(ipcs_summary, value_of(shown.out, "allocated queues = "), "%d", msg.msgpool);
        READS(ipcs_summary, value_of(shown.out, "used headers = "), "%d", msg.msgmap);
        READS(ipcs_summary, value_of(shown.out, "used space = "), "%d bytes", msg.msgtql);
        READS(ipcs_summary, value_of(shown.out, "segments allocated"), "%d", shm.used_ids);
        READS(ipcs_summary, value_of(shown.out, "pages allocated"), "%lu", (unsigned long)shm.shm_tot);
        READS(ipcs_summary, value_of(shown.out, "pages resident"), "%lu", (unsigned long)shm.shm_rss);
        READS(ipcs_summary, value_of(shown.out, "used arrays = "), "%d", sem.semusz);
        READS(ipcs_summary, value_of(shown.out, "allocated semaphores = "), "%d", sem.semaem);
}

TEST(summary_counts_what_there_is, VERIFIES(ipcs_summary))
{
        need_util_linux("ipcs");
        expect_summary();
        const int queue = new_queue(0600);
        (void)new_queue(0600);
        for (size_t i = 1; i <= 3; i++)
                MUST(put(queue, 1, 100 * i, IPC_NOWAIT));
        (void)new_sems(5, 0600);
        (void)new_sems(6, 0600);
        (void)new_segment(1, 0600);
        (void)new_segment(3 * page_size(), 0600);
        char *const place = attach(new_segment(7 * page_size(), 0600), 0);
        place[0] = place[page_size()] = 1;
        expect_summary();
}
