/* SPDX-License-Identifier: MIT
 *
 * The options of ipcrm that POSIX does not have, and command lines that make no sense.
 */
#include "ipck_ipcrm.h"

TEST(long_options_do_what_short_ones_do, VERIFIES(ipcrm_long_options))
{
        need_util_linux("ipcrm");
        EACH_ROW(m, mechanisms) {
                const key_t key[3] = {fresh_key(), fresh_key(), fresh_key()};
                int id[4];

                for (int i = 0; i < 3; i++)
                        id[i] = new_object_with(m, key[i], 0600);
                id[3] = new_object(m, 0600);
                SUCCEEDS(ipcrm_long_options, RUN("ipcrm", words_of(m)->long_id, decimal(id[0])));
                HOLDS(ipcrm_long_options, !exists(m, id[0]) && exists(m, id[1]));
                SUCCEEDS(ipcrm_long_options, RUN("ipcrm", formatted("%s=%d", words_of(m)->long_id, id[3]),
                                                 formatted("%s=%d", words_of(m)->long_key, (int)key[2])));
                HOLDS(ipcrm_long_options, !exists(m, id[2]) && !exists(m, id[3]) && exists(m, id[1]));
                SUCCEEDS(ipcrm_long_options, RUN("ipcrm", words_of(m)->long_key, decimal(key[1])));
                HOLDS(ipcrm_long_options, !exists(m, id[1]));
                COMPLAINS(ipcrm_long_options, RUN("ipcrm", words_of(m)->long_id, decimal(id[1])));
        }
}

TEST(each_removal_is_told, VERIFIES(ipcrm_verbose))
{
        static const char *const options[] = {"-v", "--verbose"};

        need_util_linux("ipcrm");
        for (int i = 0; i < 2; i++) {
                const key_t key = fresh_key();
                const int queue = new_queue(0600), set = new_object_with(&mechanisms[SET], key, 0600),
                          segment = new_segment(1, 0600);

                PRINTS(ipcrm_verbose,
                       formatted("removing message queue id `%d'\nremoving semaphore id `%d'\n"
                            "removing shared memory segment id `%d'\n", queue, set, segment),
                       RUN("ipcrm", options[i], "-q", decimal(queue), "-S", decimal(key), "-m", decimal(segment)));
                HOLDS(ipcrm_verbose, !exists(&mechanisms[QUEUE], queue) && !exists(&mechanisms[SET], set));
                HOLDS(ipcrm_verbose, !exists(&mechanisms[SEGMENT], segment));
        }
}

TEST(what_cannot_be_told_is_removed_all_the_same, VERIFIES(ipcrm_stdout_error))
{
        need_util_linux("ipcrm");
        if (access("/dev/full", W_OK) == -1)
                UNSUPPORTED("/dev/full (%s)", errno_name(errno));
        need_descriptors(20);   /* sh(1) keeps what it redirects, above 9 */
        EACH_ROW(m, mechanisms) {
                const int id = new_object(m, 0600);

                COMPLAINS(ipcrm_stdout_error,
                          RUN("sh", "-c", formatted("exec ipcrm -v %s %d >/dev/full", words_of(m)->id, id)));
                HOLDS(ipcrm_stdout_error, !exists(m, id));
        }
}

/* It ends the command line, so what stands behind it is not looked at. */
static void expect_information(enum ipck_requirement req, const char *option, const char *what)
{
        const int queue = new_queue(0600);
        const struct ran ran = RUN("ipcrm", option, "-q", decimal(queue));

        EQ(req, ran.status, 0);
        HOLDS(req, strstr(ran.out, what));
        HOLDS(req, !*ran.err);
        HOLDS(req, exists(&mechanisms[QUEUE], queue));
}

TEST(help_is_written_to_standard_output, VERIFIES(ipcrm_help))
{
        need_util_linux("ipcrm");
        expect_information(ipcrm_help, "-h", "--shmem-id");
        expect_information(ipcrm_help, "--help", "--shmem-id");
}

TEST(version_is_written_to_standard_output, VERIFIES(ipcrm_version))
{
        need_util_linux("ipcrm");
        expect_information(ipcrm_version, "-V", "util-linux");
        expect_information(ipcrm_version, "--version", "util-linux");
}

TEST(unknown_option_is_told_of, VERIFIES(ipcrm_bad_option))
{
        static const char *const options[] = {"-Z", "-x1", "--queue", "--queue-ids=0", "--key=1", "-"};

        need_util_linux("ipcrm");
        enter_new_ipc_namespace();
        EACH_ROW(m, mechanisms)
                new_object_with(m, 1, 0600);
        for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
                COMPLAINS(ipcrm_bad_option, RUN("ipcrm", options[i]));
        EACH_ROW(m, mechanisms) {
                COMPLAINS(ipcrm_bad_option, RUN("ipcrm", words_of(m)->id));
                COMPLAINS(ipcrm_bad_option, RUN("ipcrm", words_of(m)->key));
                COMPLAINS(ipcrm_bad_option, RUN("ipcrm", words_of(m)->long_id));
                COMPLAINS(ipcrm_bad_option, RUN("ipcrm", words_of(m)->long_key));
                EQ(ipcrm_bad_option, objects_of(m), 1);
        }
}

TEST(unknown_operand_is_told_of, VERIFIES(ipcrm_operand))
{
        static const char *const operands[] = {"0", "queue", "shmem", "MSG", ""};

        need_util_linux("ipcrm");
        enter_new_ipc_namespace();
        EACH_ROW(m, mechanisms)
                new_object_with(m, 1, 0600);
        for (size_t i = 0; i < sizeof(operands) / sizeof(*operands); i++) {
                COMPLAINS(ipcrm_operand, RUN("ipcrm", operands[i]));
                COMPLAINS(ipcrm_operand, RUN("ipcrm", operands[i], "0"));
                COMPLAINS(ipcrm_operand, RUN("ipcrm", "--", operands[i], "0"));
        }
        EACH_ROW(m, mechanisms)
                EQ(ipcrm_operand, objects_of(m), 1);
}
