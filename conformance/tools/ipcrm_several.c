/* SPDX-License-Identifier: MIT
 *
 * ipcrm with several options in one command line, some of them wrong, and with none.
 */
#include <sys/ioctl.h>

#include "ipck_ipcrm.h"

/* Two objects of a kind, the second with a key. */
struct pair {
        int id, keyed;
        key_t key;
};

static struct pair new_pair(const struct mechanism *m)
{
        struct pair pair = {.id = new_object(m, 0600), .key = fresh_key()};

        pair.keyed = new_object_with(m, pair.key, 0600);
        return pair;
}

TEST(options_of_all_kinds_in_one_command_line, VERIFIES(ipcrm_multiple, ipcrm_silent))
{
        const struct pair queue = new_pair(&mechanisms[QUEUE]), set = new_pair(&mechanisms[SET]),
                          segment = new_pair(&mechanisms[SEGMENT]);
        const int others[] = {new_queue(0600), new_sems(2, 0600), new_segment(1, 0600)};

        SUCCEEDS(ipcrm_silent, RUN("ipcrm", "-q", decimal(queue.id), "-Q", decimal(queue.key), "-s", decimal(set.id),
                                   "-S", decimal(set.key), "-m", decimal(segment.id), "-M", decimal(segment.key)));
        const struct pair *const pairs[] = {&queue, &set, &segment};
        EACH_ROW(m, mechanisms) {
                HOLDS(ipcrm_multiple, !exists(m, pairs[m - mechanisms]->id));
                HOLDS(ipcrm_multiple, !exists(m, pairs[m - mechanisms]->keyed));
                HOLDS(ipcrm_multiple, exists(m, others[m - mechanisms]));
        }
}

TEST(option_repeated_removes_each_object, VERIFIES(ipcrm_multiple))
{
        EACH_ROW(m, mechanisms) {
                const struct pair one = new_pair(m), two = new_pair(m), three = new_pair(m);

                SUCCEEDS(ipcrm_multiple, RUN("ipcrm", words_of(m)->id, decimal(two.id), words_of(m)->key,
                                             decimal(one.key), words_of(m)->id, decimal(one.id),
                                             words_of(m)->key, decimal(two.key)));
                HOLDS(ipcrm_multiple, !exists(m, one.id) && !exists(m, one.keyed));
                HOLDS(ipcrm_multiple, !exists(m, two.id) && !exists(m, two.keyed));
                HOLDS(ipcrm_multiple, exists(m, three.id) && exists(m, three.keyed));
        }
}

TEST(object_named_twice_is_there_once, VERIFIES(ipcrm_badid, ipcrm_bad_key))
{
        EACH_ROW(m, mechanisms) {
                const struct pair pair = new_pair(m);

                COMPLAINS(ipcrm_badid, RUN("ipcrm", words_of(m)->id, decimal(pair.id), words_of(m)->id,
                                           decimal(pair.id)));
                HOLDS(ipcrm_badid, !exists(m, pair.id));
                COMPLAINS(ipcrm_bad_key, RUN("ipcrm", words_of(m)->id, decimal(pair.keyed), words_of(m)->key,
                                             decimal(pair.key)));
                HOLDS(ipcrm_bad_key, !exists(m, pair.keyed));
        }
}

/* Three times the option: the two good ones in their order, and the wrong one at its place. */
static struct ran remove_three(const char *option, int place, const char *wrong, const char *one, const char *two)
{
        const char *const orders[3][3] = {{wrong, one, two}, {one, wrong, two}, {one, two, wrong}};
        const char *const *const order = orders[place];

        return RUN("ipcrm", option, order[0], option, order[1], option, order[2]);
}

/* Wherever the wrong one stands, the status tells of it, and the others are removed. */
TEST(one_wrong_identifier_among_good_ones, VERIFIES(ipcrm_badid, ipcrm_bad_key, ipcrm_badid_continues))
{
        need_util_linux("ipcrm");
        EACH_ROW(m, mechanisms) {
                const int removed = new_object(m, 0600);
                const key_t unused = fresh_key();

                MUST(m->remove(removed));
                for (int place = 0; place < 3; place++) {
                        const struct pair one = new_pair(m), two = new_pair(m), other = new_pair(m);

                        COMPLAINS(ipcrm_badid, remove_three(words_of(m)->id, place, decimal(removed), decimal(one.id),
                                                            decimal(two.id)));
                        HOLDS(ipcrm_badid_continues, !exists(m, one.id) && !exists(m, two.id));
                        COMPLAINS(ipcrm_bad_key, remove_three(words_of(m)->key, place, decimal(unused),
                                                              decimal(one.key), decimal(two.key)));
                        HOLDS(ipcrm_badid_continues, !exists(m, one.keyed) && !exists(m, two.keyed));
                        HOLDS(ipcrm_badid_continues, exists(m, other.id) && exists(m, other.keyed));
                }
        }
}

/* Each kind fails once while the two others have something to remove. */
TEST(one_wrong_kind_among_good_ones, VERIFIES(ipcrm_badid, ipcrm_badid_continues))
{
        need_util_linux("ipcrm");
        EACH_ROW(wrong, mechanisms) {
                int id[3];

                EACH_ROW(m, mechanisms) {
                        id[m - mechanisms] = new_object(m, 0600);
                        if (m == wrong)
                                MUST(m->remove(id[m - mechanisms]));
                }
                COMPLAINS(ipcrm_badid, RUN("ipcrm", "-q", decimal(id[QUEUE]), "-s", decimal(id[SET]), "-m",
                                           decimal(id[SEGMENT])));
                EACH_ROW(m, mechanisms)
                        HOLDS(ipcrm_badid_continues, !exists(m, id[m - mechanisms]));
        }
}

/* An exit status has 8 bits: a count of failures does not fit. */
TEST(as_many_failures_as_there_are_statuses, VERIFIES(ipcrm_badid))
{
        enum { FAILURES = 256 };
        const char *arguments[1 + 2 * FAILURES + 1] = {"ipcrm"};
        const int removed = new_queue(0600);

        MUST(msgctl(removed, IPC_RMID, NULL));
        for (int i = 0; i < FAILURES; i++) {
                arguments[1 + 2 * i] = "-q";
                arguments[2 + 2 * i] = decimal(removed);
        }
        COMPLAINS(ipcrm_badid, run_tool(arguments));
}

TEST(private_key_does_not_keep_the_others, VERIFIES(ipcrm_key_private))
{
        need_util_linux("ipcrm");
        EACH_ROW(m, mechanisms) {
                const struct pair one = new_pair(m);

                COMPLAINS(ipcrm_key_private, RUN("ipcrm", words_of(m)->key, "0", words_of(m)->key,
                                                 decimal(one.key)));
                HOLDS(ipcrm_key_private, exists(m, one.id));
                HOLDS(ipcrm_key_private, !exists(m, one.keyed));
        }
}

TEST(no_option_removes_nothing, VERIFIES(ipcrm_none))
{
        int id[3];

        EACH_ROW(m, mechanisms)
                id[m - mechanisms] = new_object(m, 0600);
        SUCCEEDS(ipcrm_none, RUN("ipcrm"));
        EACH_ROW(m, mechanisms)
                HOLDS(ipcrm_none, exists(m, id[m - mechanisms]));
}

TEST(double_dash_ends_the_options, VERIFIES(ipcrm_end_of_options))
{
        EACH_ROW(m, mechanisms) {
                const int id = new_object(m, 0600);

                SUCCEEDS(ipcrm_end_of_options, RUN("ipcrm", "--"));
                HOLDS(ipcrm_end_of_options, exists(m, id));
                SUCCEEDS(ipcrm_end_of_options, RUN("ipcrm", words_of(m)->id, decimal(id), "--"));
                HOLDS(ipcrm_end_of_options, !exists(m, id));
        }
}

TEST(argument_may_be_attached_to_its_option, VERIFIES(ipcrm_attached_argument))
{
        EACH_ROW(m, mechanisms) {
                const struct pair one = new_pair(m), two = new_pair(m);

                SUCCEEDS(ipcrm_attached_argument,
                         RUN("ipcrm", formatted("%s%d", words_of(m)->id, one.id),
                             formatted("%s%d", words_of(m)->key, (int)two.key)));
                HOLDS(ipcrm_attached_argument, !exists(m, one.id));
                HOLDS(ipcrm_attached_argument, !exists(m, two.keyed));
                HOLDS(ipcrm_attached_argument, exists(m, two.id) && exists(m, one.keyed));
        }
}

/* Not even where there is nothing on the command line. */
TEST(standard_input_is_left_alone, VERIFIES(ipcrm_stdin_unused))
{
        const int id = new_queue(0600);
        int ends[2], left = 0;

        MUST(pipe(ends));
        MUST(write(ends[1], "msg 0\n", 6));
        MUST(dup2(ends[0], 0));
        SUCCEEDS(ipcrm_stdin_unused, RUN("ipcrm"));
        SUCCEEDS(ipcrm_stdin_unused, RUN("ipcrm", "-q", decimal(id)));
        MUST(ioctl(0, FIONREAD, &left));
        EQ(ipcrm_stdin_unused, left, 6);
}
