/* SPDX-License-Identifier: MIT
 *
 * What may be written to the limits below /proc/sys/fs/mqueue: the edges of their ranges, and text that is no number.
 */
#include <limits.h>
#include <stdio.h>

#include "ipck_mq.h"

#undef IPCK_FILE_ROUTES
#define IPCK_FILE_ROUTES 0

static int write_limit(const char *name, const char *text)
{
        char path[64];

        snprintf(path, sizeof(path), "fs/mqueue/%s", name);
        return write_sysctl(path, text);
}

static ssize_t read_limit(const char *name, char *text, size_t size)
{
        char path[64];

        snprintf(path, sizeof(path), "/proc/sys/fs/mqueue/%s", name);
        return read_file(path, text, size);
}

static void expect_value(enum ipck_requirement req, const char *name, const char *value)
{
        char text[64];

        if (read_limit(name, text, sizeof(text)) == -1)
                UNSUPPORTED("/proc/sys/fs/mqueue/%s (%s)", name, errno_name(errno));
        text[strcspn(text, "\n")] = '\0';
        HOLDS(req, strcmp(text, value) == 0);
}

static void expect_refusal(enum ipck_requirement req, const char *name, const char *text)
{
        set_mq_limit(name, 200);
        FAILS_WITH(req, EINVAL, write_limit(name, text));
        expect_value(req, name, "200");
}

static void expect_acceptance(enum ipck_requirement req, const char *name, const char *text)
{
        set_mq_limit(name, 200);
        EQ(req, write_limit(name, text), 0);
        expect_value(req, name, text);
}

/* ---- ranges ---- */

static const char *const always_refused[] = {"0", "-1", "-200", "-2147483648", "2147483647"};

TEST(numbers_of_messages_have_a_range, VERIFIES(mqfs_msg_max_range, mqfs_msg_default_range))
{
        static const struct {
                const char *name;
                enum ipck_requirement req;
        } ranges[] = {{"msg_max", mqfs_msg_max_range}, {"msg_default", mqfs_msg_default_range}};

        EACH_ROW(limit, ranges) {
                expect_acceptance(limit->req, limit->name, "1");
                expect_acceptance(limit->req, limit->name, "65536");
                expect_refusal(limit->req, limit->name, "65537");
                for (size_t i = 0; i < sizeof(always_refused) / sizeof(*always_refused); i++)
                        expect_refusal(limit->req, limit->name, always_refused[i]);
        }
}

TEST(sizes_of_messages_have_a_range, VERIFIES(mqfs_msgsize_max_range, mqfs_msgsize_default_range))
{
        static const struct {
                const char *name;
                enum ipck_requirement req;
        } ranges[] = {{"msgsize_max", mqfs_msgsize_max_range}, {"msgsize_default", mqfs_msgsize_default_range}};

        EACH_ROW(limit, ranges) {
                expect_acceptance(limit->req, limit->name, "128");
                expect_acceptance(limit->req, limit->name, "16777216");
                expect_refusal(limit->req, limit->name, "127");
                expect_refusal(limit->req, limit->name, "16777217");
                for (size_t i = 0; i < sizeof(always_refused) / sizeof(*always_refused); i++)
                        expect_refusal(limit->req, limit->name, always_refused[i]);
        }
}

TEST(number_of_queues_has_no_ceiling, VERIFIES(mqfs_queues_max_range))
{
        static const struct {
                const char *name;
        } rows[] = {{"0"}, {"1"}, {"1024"}, {"1025"}, {"65537"}, {"2147483647"}};
        struct mq_attr small = {.mq_maxmsg = 1, .mq_msgsize = 1};

        EACH_ROW(row, rows)
                expect_acceptance(mqfs_queues_max_range, "queues_max", row->name);
        be_limited();
        /* The greatest is no -1 when it counts. */
        OPENS(mqfs_queues_max_range, mq_open(QUEUE_NAME, O_CREAT | O_EXCL | O_RDWR, 0600, &small));
}

TEST(edges_of_the_ranges_are_in_force, VERIFIES(mqfs_msg_max_range, mqfs_msgsize_max_range))
{
        set_mq_limit("msg_max", 65536);
        set_mq_limit("msgsize_max", 16777216);
        own_account(16777216 + 1000);
        be_limited();
        const mqd_t many = OPENS(mqfs_msg_max_range, try_mq("/many", 65536, 1));
        remove_mq(many, "/many");
        FAILS_WITH(mqfs_msg_max_range, EINVAL, try_mq("/more", 65537, 1));
        OPENS(mqfs_msgsize_max_range, try_mq("/large", 1, 16777216));
        FAILS_WITH(mqfs_msgsize_max_range, EINVAL, try_mq("/larger", 1, 16777217));
}

/* ---- text ---- */

static const struct {
        const char *name;
} limits[] = {{"msg_max"}, {"msgsize_max"}, {"msg_default"}, {"msgsize_default"}, {"queues_max"}};

TEST(other_text_is_refused, VERIFIES(mqfs_sysctl_malformed))
{
        static const struct {
                const char *name, *text;
        } rows[] = {
                {"blank", " "}, {"empty line", "\n"}, {"word", "many"}, {"letter at the end", "300x"}, {"unit", "1k"},
                {"plus sign", "+300"}, {"sign alone", "-"}, {"fraction", "300.5"}, {"comma", "300,1"},
                {"2^31", "2147483648"}, {"2^32 + 300", "4294967596"}, {"2^64 + 300", "18446744073709551916"},
                {"30 digits", "100000000000000000000000000000"},
        };

        EACH_ROW(limit, limits)
                EACH_ROW(row, rows)
                        expect_refusal(mqfs_sysctl_malformed, limit->name, row->text);
}

/* As echo(1) and editors write it. */
TEST(white_space_around_a_number_does_not_count, VERIFIES(mqfs_sysctl_malformed))
{
        static const struct {
                const char *name, *text;
        } rows[] = {{"new line", "300\n"}, {"blanks before", "  300"}, {"tab after", "300\t"}, {"all", " \t300 \n"}};

        EACH_ROW(limit, limits)
                EACH_ROW(row, rows) {
                        set_mq_limit(limit->name, 200);
                        EQ(mqfs_sysctl_malformed, write_limit(limit->name, row->text), 0);
                        expect_value(mqfs_sysctl_malformed, limit->name, "300");
                }
}

/* ---- who may write ---- */

TEST(other_users_may_only_read, VERIFIES(mqfs_sysctl_eacces))
{
        struct child other;

        EACH_ROW(limit, limits)
                set_mq_limit(limit->name, 200);
        CHILD(&other) {
                as_user(USER_A);
                EACH_ROW(limit, limits) {
                        char text[64];

                        /* Root has just written it: here a refusal is none of a machine that lacks the file. */
                        EQ(mqfs_sysctl_eacces, worked((int)read_limit(limit->name, text, sizeof(text))), 0);
                        FAILS_WITH(mqfs_sysctl_eacces, EACCES, write_limit(limit->name, "300"));
                }
        }
        join(&other);
        EACH_ROW(limit, limits)
                expect_value(mqfs_sysctl_eacces, limit->name, "200");
}

/* ---- each namespace has its own ---- */

/* Values, each other than the one before and than the default, and the default. */
static const struct own {
        const char *name, *here, *there, *later, *initial;
} own_limits[] = {
        {"msg_max", "21", "22", "23", "10"}, {"msgsize_max", "2221", "2222", "2223", "8192"},
        {"msg_default", "11", "12", "13", "10"}, {"msgsize_default", "1111", "1112", "1113", "8192"},
        {"queues_max", "31", "32", "33", "256"},
};

static void set_limit(const char *name, const char *value)
{
        set_mq_limit(name, atol(value));
}

TEST(each_namespace_has_limits_of_its_own, VERIFIES(ipcns_sysctl_mqueue))
{
        EACH_ROW(limit, own_limits) {
                struct child elsewhere;

                set_limit(limit->name, limit->here);
                CHILD(&elsewhere) {
                        enter_new_ipc_namespace();
                        set_limit(limit->name, limit->there);
                        stay(&elsewhere);
                        expect_value(ipcns_sysctl_mqueue, limit->name, limit->there);
                }
                UNTIL(stays(&elsewhere));
                expect_value(ipcns_sysctl_mqueue, limit->name, limit->here);
                set_limit(limit->name, limit->later);
                dismiss(&elsewhere);
                expect_value(ipcns_sysctl_mqueue, limit->name, limit->later);
        }
}

static void expect_limit_in_force(long msg_max)
{
        FAILS_WITH(ipcns_sysctl_mqueue, EINVAL, try_mq("/above", msg_max + 1, 1));
        const mqd_t queue = OPENS(ipcns_sysctl_mqueue, try_mq("/at", msg_max, 1));
        remove_mq(queue, "/at");
}

TEST(limits_of_the_own_namespace_are_in_force, VERIFIES(ipcns_sysctl_mqueue))
{
        struct child elsewhere;

        set_mq_limit("msg_max", 3);
        CHILD(&elsewhere) {
                enter_new_ipc_namespace();
                set_mq_limit("msg_max", 5);
                be_limited();
                expect_limit_in_force(5);
        }
        join(&elsewhere);
        be_limited();
        expect_limit_in_force(3);
}

TEST(new_namespace_begins_with_the_defaults, VERIFIES(ipcns_sysctl_mqueue_defaults))
{
        struct child elsewhere;

        EACH_ROW(limit, own_limits)
                set_limit(limit->name, limit->here);
        CHILD(&elsewhere) {
                enter_new_ipc_namespace();
                EACH_ROW(limit, own_limits)
                        expect_value(ipcns_sysctl_mqueue_defaults, limit->name, limit->initial);
                EACH_ROW(limit, own_limits)
                        set_limit(limit->name, limit->there);
                enter_new_ipc_namespace();
                EACH_ROW(limit, own_limits)
                        expect_value(ipcns_sysctl_mqueue_defaults, limit->name, limit->initial);
        }
        join(&elsewhere);
}

static void expect_writable(void)
{
        EACH_ROW(limit, own_limits) {
                if (write_limit(limit->name, limit->here) == -1 && errno == ENOENT)
                        UNSUPPORTED("/proc/sys/fs/mqueue/%s (ENOENT)", limit->name);
                EQ(ipcns_sysctl_userns_root_write_mq, write_limit(limit->name, limit->there), 0);
                expect_value(ipcns_sysctl_userns_root_write_mq, limit->name, limit->there);
        }
}

TEST(root_of_a_user_namespace_may_write, VERIFIES(ipcns_sysctl_userns_root_write_mq))
{
        struct child guest;

        CHILD(&guest) {
                enter_user_namespace(0, 0);
                enter_new_ipc_namespace();
                drop_all_capabilities();
                expect_writable();
        }
        join(&guest);
        CHILD(&guest) {
                as_user(USER_A);
                enter_user_namespace(0, 0);
                enter_new_ipc_namespace();
                expect_writable();
        }
        join(&guest);
}
