/* SPDX-License-Identifier: MIT
 *
 * What may be written to the limits below /proc/sys/kernel: the edges of their ranges, and text that is no number.
 */
#include <stdio.h>

#include "ipck_mechanism.h"

/* ---- a limit's value, as read and as in force ---- */

static uintmax_t in_force(const char *name)
{
        if (strcmp(name, "msgmax") == 0)
                return (uintmax_t)msg_limits().msgmax;
        if (strcmp(name, "msgmnb") == 0)
                return (uintmax_t)msg_limits().msgmnb;
        if (strcmp(name, "msgmni") == 0)
                return (uintmax_t)msg_limits().msgmni;
        if (strcmp(name, "shmmax") == 0)
                return shm_limits().shmmax;
        if (strcmp(name, "shmall") == 0)
                return shm_limits().shmall;
        return shm_limits().shmmni;
}

static void expect_value(enum ipck_requirement req, const char *name, const char *value)
{
        char path[64], text[64];

        snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);
        if (read_file(path, text, sizeof(text)) == -1)
                UNSUPPORTED("%s (%s)", path, errno_name(errno));
        text[strcspn(text, "\n")] = '\0';
        HOLDS(req, strcmp(text, value) == 0);
        if (strcmp(name, "shm_rmid_forced") != 0)
                EQ(req, in_force(name), strtoumax(value, NULL, 10));
}

static int write_limit(const char *name, const char *text)
{
        char path[64];

        snprintf(path, sizeof(path), "kernel/%s", name);
        return write_sysctl(path, text);
}

static void set_limit(const char *name, const char *text)
{
        char path[64];

        snprintf(path, sizeof(path), "kernel/%s", name);
        set_sysctl(path, text);
}

static void expect_refusal(enum ipck_requirement req, const char *name, const char *text)
{
        set_limit(name, "1");
        FAILS_WITH(req, EINVAL, write_limit(name, text));
        expect_value(req, name, "1");
}

static void expect_acceptance(enum ipck_requirement req, const char *name, const char *text)
{
        EQ(req, write_limit(name, text), 0);
        expect_value(req, name, text);
}

/* ---- ranges ---- */

TEST(sizes_of_messages_and_queues_are_not_negative, VERIFIES(sysctl_msgmax_neg_refused, sysctl_msgmnb_neg_refused))
{
        static const struct {
                const char *name;
                enum ipck_requirement req;
        } sizes[] = {{"msgmax", sysctl_msgmax_neg_refused}, {"msgmnb", sysctl_msgmnb_neg_refused}};

        EACH_ROW(limit, sizes) {
                set_limit(limit->name, "1");
                expect_acceptance(limit->req, limit->name, "0");
                expect_acceptance(limit->req, limit->name, "2147483647");
                expect_refusal(limit->req, limit->name, "-1");
                expect_refusal(limit->req, limit->name, "-8192");
                expect_refusal(limit->req, limit->name, "-2147483648");
                expect_refusal(limit->req, limit->name, "-2147483649");
        }
}

TEST(numbers_of_objects_stay_within_the_table, VERIFIES(sysctl_msgmni_range, sysctl_shmmni_range))
{
        static const struct {
                const char *name;
                enum ipck_requirement req;
        } numbers[] = {{"msgmni", sysctl_msgmni_range}, {"shmmni", sysctl_shmmni_range}};

        EACH_ROW(limit, numbers) {
                set_limit(limit->name, "1");
                /* The kernel's parameter ipcmni_extend makes the table larger. */
                const bool extended = write_limit(limit->name, "32769") == 0;

                expect_acceptance(limit->req, limit->name, "0");
                expect_acceptance(limit->req, limit->name, extended ? "16777216" : "32768");
                expect_refusal(limit->req, limit->name, extended ? "16777217" : "32769");
                expect_refusal(limit->req, limit->name, "2147483647");
                expect_refusal(limit->req, limit->name, "-1");
                expect_refusal(limit->req, limit->name, "-2147483648");
        }
}

TEST(shm_rmid_forced_is_on_or_off, VERIFIES(sysctl_rmid_forced_range))
{
        static const struct {
                const char *name;
        } rows[] = {{"2"}, {"-1"}, {"255"}, {"256"}, {"65536"}, {"2147483647"}, {"-2147483648"}};

        EACH_ROW(row, rows) {
                expect_refusal(sysctl_rmid_forced_range, "shm_rmid_forced", row->name);
                set_limit("shm_rmid_forced", "0");
                FAILS_WITH(sysctl_rmid_forced_range, EINVAL, write_limit("shm_rmid_forced", row->name));
                expect_value(sysctl_rmid_forced_range, "shm_rmid_forced", "0");
        }
        expect_acceptance(sysctl_rmid_forced_range, "shm_rmid_forced", "1");
        expect_acceptance(sysctl_rmid_forced_range, "shm_rmid_forced", "0");
}

/* ---- text ---- */

static const struct {
        const char *name;
} limits[] = {{"msgmax"}, {"msgmnb"}, {"msgmni"}, {"shmmax"}, {"shmall"}, {"shmmni"}, {"shm_rmid_forced"}};

TEST(other_text_is_refused, VERIFIES(sysctl_malformed))
{
        static const struct {
                const char *name, *text;
        } rows[] = {
                {"blank", " "}, {"empty line", "\n"}, {"word", "many"}, {"letter at the end", "0x"}, {"unit", "0k"},
                {"plus sign", "+0"}, {"sign alone", "-"}, {"fraction", "0.5"}, {"comma", "0,0"},
                {"2^64", "18446744073709551616"}, {"30 digits", "100000000000000000000000000000"},
        };

        EACH_ROW(limit, limits)
                EACH_ROW(row, rows)
                        expect_refusal(sysctl_malformed, limit->name, row->text);
}

TEST(numbers_beyond_an_int_are_refused, VERIFIES(sysctl_malformed))
{
        static const struct {
                const char *name;
        } ints[] = {{"msgmax"}, {"msgmnb"}, {"msgmni"}, {"shmmni"}, {"shm_rmid_forced"}};

        EACH_ROW(limit, ints) {
                expect_refusal(sysctl_malformed, limit->name, "2147483648");
                /* Cut to 32 bits these are in range. */
                expect_refusal(sysctl_malformed, limit->name, "4294967295");
                expect_refusal(sysctl_malformed, limit->name, "4294967296");
                expect_refusal(sysctl_malformed, limit->name, "4294967297");
        }
}

TEST(nothing_written_changes_nothing, VERIFIES(sysctl_malformed))
{
        EACH_ROW(limit, limits) {
                set_limit(limit->name, "1");
                EQ(sysctl_malformed, write_limit(limit->name, ""), 0);
                expect_value(sysctl_malformed, limit->name, "1");
        }
}

/* As echo(1) and editors write it. */
TEST(white_space_around_a_number_does_not_count, VERIFIES(sysctl_malformed))
{
        static const struct {
                const char *name, *text;
        } rows[] = {{"new line", "1\n"}, {"blanks before", "  1"}, {"tab after", "1\t"}, {"all of them", " \t1 \n"}};

        EACH_ROW(limit, limits)
                EACH_ROW(row, rows) {
                        set_limit(limit->name, "0");
                        EQ(sysctl_malformed, write_limit(limit->name, row->text), 0);
                        expect_value(sysctl_malformed, limit->name, "1");
                }
}
