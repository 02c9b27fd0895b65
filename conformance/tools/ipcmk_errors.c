/* SPDX-License-Identifier: MIT
 *
 * ipcmk where it creates nothing: nothing asked for, numbers that are none, limits that are reached.
 */
#include "ipck_ipcrm.h"

static void expect_nothing(enum ipck_requirement req)
{
        EACH_ROW(m, mechanisms)
                EQ(req, objects_of(m), 0);
}

TEST(nothing_asked_for_is_no_command, VERIFIES(ipcmk_noargs))
{
        need_room_for_ipcmk();
        COMPLAINS(ipcmk_noargs, RUN("ipcmk"));
        COMPLAINS(ipcmk_noargs, RUN("ipcmk", "-p", "0600"));
        COMPLAINS(ipcmk_noargs, RUN("ipcmk", "--"));
        COMPLAINS(ipcmk_noargs, RUN("ipcmk", "--", "-Q"));
        expect_nothing(ipcmk_noargs);
}

TEST(unknown_option_is_told_of, VERIFIES(ipcmk_bad_option))
{
        static const char *const options[] = {"-Z", "-x", "--queues", "--sem-aphore=1", "--key=1", "-M", "-S", "-p",
                                              "--shmem", "--semaphore", "--mode", "--queue=1"};

        need_room_for_ipcmk();
        for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
                COMPLAINS(ipcmk_bad_option, RUN("ipcmk", "-Q", "-S1", "-M1", options[i]));
        expect_nothing(ipcmk_bad_option);
}

/* It ends the command line: what was asked for before is not created either. */
static void expect_information(enum ipck_requirement req, const char *option, const char *what)
{
        const struct ran ran = RUN("ipcmk", "-Q", option);

        EQ(req, ran.status, 0);
        HOLDS(req, strstr(ran.out, what));
        HOLDS(req, !*ran.err);
        expect_nothing(req);
}

TEST(help_is_written_to_standard_output, VERIFIES(ipcmk_help))
{
        need_room_for_ipcmk();
        expect_information(ipcmk_help, "-h", "--semaphore");
        expect_information(ipcmk_help, "--help", "--semaphore");
}

TEST(version_is_written_to_standard_output, VERIFIES(ipcmk_version))
{
        need_room_for_ipcmk();
        expect_information(ipcmk_version, "-V", "util-linux");
        expect_information(ipcmk_version, "--version", "util-linux");
}

TEST(what_is_no_number_of_semaphores, VERIFIES(ipcmk_sem_bad))
{
        static const char *const counts[] = {"", "-", "x", "3x", "3 ", "1.5", "1,2", "1K", "4294967297", "-4294967295",
                                             "99999999999999999999"};

        need_room_for_ipcmk();
        for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
                COMPLAINS(ipcmk_sem_bad, RUN("ipcmk", "-Q", "-M", "1", "-S", counts[i]));
        expect_nothing(ipcmk_sem_bad);
}

TEST(number_of_semaphores_that_no_set_can_have, VERIFIES(ipcmk_sem_refused))
{
        need_room_for_ipcmk();
        set_sem_limits(20, 100, 10, 10);
        COMPLAINS(ipcmk_sem_refused, RUN("ipcmk", "-S", "0"));
        COMPLAINS(ipcmk_sem_refused, RUN("ipcmk", "-S", "-1"));
        COMPLAINS(ipcmk_sem_refused, RUN("ipcmk", "-S", "-2147483648"));
        COMPLAINS(ipcmk_sem_refused, RUN("ipcmk", "-S", "21"));
        COMPLAINS(ipcmk_sem_refused, RUN("ipcmk", "-S", "2147483647"));
        expect_nothing(ipcmk_sem_refused);
        EQ(ipcmk_sem_refused, RUN("ipcmk", "-S", "20").status, 0);
}

/* ---- limits ---- */

/* There is one object of the kind, and there may be no more. */
static void reach_limit(const struct mechanism *m)
{
        new_object(m, 0600);
        switch (m - mechanisms) {
        case QUEUE: set_sysctl("kernel/msgmni", "1"); break;
        case SET: set_sem_limits(20, 100, 10, 1); break;
        default: set_sysctl("kernel/shmmni", "1"); break;
        }
}

TEST(limit_on_objects_is_told_of, VERIFIES(ipcmk_limit))
{
        need_room_for_ipcmk();
        EACH_ROW(m, mechanisms) {
                reach_limit(m);
                COMPLAINS(ipcmk_limit, m == &mechanisms[QUEUE] ? RUN("ipcmk", "-Q") :
                                       m == &mechanisms[SET]   ? RUN("ipcmk", "-S", "1") : RUN("ipcmk", "-M", "1"));
                EQ(ipcmk_limit, objects_of(m), 1);
        }
}

/* The order in which the kinds are created. */
static int rank(const struct mechanism *m)
{
        static const int ranks[] = {[SEGMENT] = 0, [QUEUE] = 1, [SET] = 2};

        return ranks[m - mechanisms];
}

TEST(kinds_before_a_failure_stay, VERIFIES(ipcmk_limit_order))
{
        EACH_ROW(full, mechanisms) {
                need_room_for_ipcmk();
                reach_limit(full);
                const struct ran ran = RUN("ipcmk", "-S", "1", "-Q", "-M", "1");

                BETWEEN(ipcmk_limit_order, 1, ran.status, 125);
                HOLDS(ipcmk_limit_order, *ran.err);
                EACH_ROW(m, mechanisms) {
                        const bool created = rank(m) < rank(full);

                        EQ(ipcmk_limit_order, objects_of(m), created || m == full);
                        EQ(ipcmk_limit_order, id_printed(m, ran.out) != -1, created);
                        if (created)
                                HOLDS(ipcmk_limit_order, exists(m, id_printed(m, ran.out)));
                }
        }
}

/* ---- nobody hears of it ---- */

TEST(identifier_that_cannot_be_written_is_a_failure, VERIFIES(ipcmk_stdout_error))
{
        need_room_for_ipcmk();
        if (access("/dev/full", W_OK) == -1)
                UNSUPPORTED("/dev/full (%s)", errno_name(errno));
        COMPLAINS(ipcmk_stdout_error, RUN("sh", "-c", "exec ipcmk -Q >/dev/full"));
}
