/* SPDX-License-Identifier: MIT
 *
 * ipcrm -a: removal of all objects, or of all of some kinds. Each test has a namespace of its own.
 */
#include "ipck_ipcrm.h"

/* A few of each kind, with and without a key, of which the middle one has gone. */
static void make_some(int mode)
{
        EACH_ROW(m, mechanisms) {
                const int first = new_object(m, mode), gone = new_object(m, mode);

                new_object_with(m, fresh_key(), mode);
                REQUIRE(first != gone);
                MUST(m->remove(gone));
        }
}
enum { SOME = 2 };

/* Only objects of these kinds are left. */
static void expect_left(enum ipck_requirement req, bool queues, bool sets, bool segments)
{
        EQ(req, objects_of(&mechanisms[QUEUE]), queues ? SOME : 0);
        EQ(req, objects_of(&mechanisms[SET]), sets ? SOME : 0);
        EQ(req, objects_of(&mechanisms[SEGMENT]), segments ? SOME : 0);
}

static void start(void)
{
        need_util_linux("ipcrm");
        empty_namespace();
}

TEST(all_objects_of_all_kinds, VERIFIES(ipcrm_all))
{
        start();
        SUCCEEDS(ipcrm_all, RUN("ipcrm", "-a"));
        make_some(0600);
        SUCCEEDS(ipcrm_all, RUN("ipcrm", "-a"));
        expect_left(ipcrm_all, false, false, false);
        make_some(0600);
        SUCCEEDS(ipcrm_all, RUN("ipcrm", "--all"));
        expect_left(ipcrm_all, false, false, false);
}

TEST(many_objects_and_large_identifiers, VERIFIES(ipcrm_all))
{
        start();
        EACH_ROW(m, mechanisms) {
                burn_ids(m, 150);
                for (int i = 0; i < 20; i++)
                        new_object(m, 0600);
        }
        SUCCEEDS(ipcrm_all, RUN("ipcrm", "-a"));
        expect_left(ipcrm_all, false, false, false);
}

TEST(all_objects_of_one_kind, VERIFIES(ipcrm_all))
{
        start();
        EACH_ROW(m, mechanisms) {
                const char *const spellings[] = {
                        formatted("-a%s", words_of(m)->kind), formatted("--all=%s", words_of(m)->kind),
                };

                for (int i = 0; i < 2; i++) {
                        make_some(0600);
                        SUCCEEDS(ipcrm_all, RUN("ipcrm", spellings[i]));
                        expect_left(ipcrm_all, m != &mechanisms[QUEUE], m != &mechanisms[SET],
                                    m != &mechanisms[SEGMENT]);
                        EACH_ROW(other, mechanisms)
                                for (int index = 0, id; index <= other->highest_index(); index++)
                                        if ((id = id_at(other, index)) != -1)
                                                MUST(other->remove(id));
                }
        }
}

TEST(kind_in_an_argument_of_its_own, VERIFIES(ipcrm_all_separate))
{
        static const char *const all[] = {"-a", "--all"};

        start();
        for (int i = 0; i < 2; i++) {
                make_some(0600);
                SUCCEEDS(ipcrm_all_separate, RUN("ipcrm", all[i], "shm"));
                expect_left(ipcrm_all_separate, true, true, false);
                enter_new_ipc_namespace();
        }
}

TEST(several_kinds_in_arguments_of_their_own, VERIFIES(ipcrm_all_separate))
{
        start();
        make_some(0600);
        SUCCEEDS(ipcrm_all_separate, RUN("ipcrm", "-a", "msg", "sem"));
        expect_left(ipcrm_all_separate, false, false, true);
}

TEST(option_repeated_with_other_kinds, VERIFIES(ipcrm_all_several))
{
        start();
        make_some(0600);
        SUCCEEDS(ipcrm_all_several, RUN("ipcrm", "--all=shm", "--all=msg"));
        expect_left(ipcrm_all_several, false, true, false);
}

TEST(unknown_kind_removes_nothing, VERIFIES(ipcrm_all_bad_kind))
{
        static const char *const kinds[] = {"queue", "", "SHM", "shm ", "msg,sem", "all"};

        start();
        make_some(0600);
        for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
                COMPLAINS(ipcrm_all_bad_kind, RUN("ipcrm", formatted("--all=%s", kinds[i])));
                expect_left(ipcrm_all_bad_kind, true, true, true);
        }
}

TEST(other_options_count_as_well, VERIFIES(ipcrm_all))
{
        start();
        make_some(0600);
        const int queue = new_queue(0600), set = new_sems(1, 0600);

        /* All segments, one set, and a queue that is not there any more. */
        MUST(msgctl(queue, IPC_RMID, NULL));
        COMPLAINS(ipcrm_all, RUN("ipcrm", "-ashm", "-s", decimal(set), "-q", decimal(queue)));
        expect_left(ipcrm_all, true, true, false);
        HOLDS(ipcrm_all, !exists(&mechanisms[SET], set));
}

/* ---- whose they are ---- */

/* SOME of each kind that USER_A owns and created, with that mode. */
static void make_foreign(int mode)
{
        EACH_ROW(m, mechanisms)
                for (int i = 0; i < SOME; i++)
                        new_object_of(m, USER_A, mode);
}

/* USER_B, who has objects and owns some that USER_A created. */
static void let_user_b_remove_all(void (*remove_all)(void), int mode_of_others)
{
        struct child user;

        start();
        EACH_ROW(m, mechanisms)
                new_gift(m, 0600);
        make_foreign(mode_of_others);
        CHILD(&user) {
                as_user(USER_B);
                make_some(0600);
                remove_all();
        }
        join(&user);
}

static void remove_all_and_complain(void)
{
        COMPLAINS(ipcrm_all_foreign_status, RUN("ipcrm", "-a"));
}

static void remove_all_somehow(void)
{
        RUN("ipcrm", "-a");
}

TEST(objects_of_others_stay, VERIFIES(ipcrm_all_foreign, ipcrm_all_foreign_status))
{
        let_user_b_remove_all(remove_all_and_complain, 0644);
        expect_left(ipcrm_all_foreign, true, true, true);
}

TEST(secret_objects_of_others_stay, VERIFIES(ipcrm_all_foreign))
{
        let_user_b_remove_all(remove_all_somehow, 0600);
        expect_left(ipcrm_all_foreign, true, true, true);
}

TEST(own_objects_without_read_permission, VERIFIES(ipcrm_all_unreadable))
{
        static const int modes[] = {0, 0200, 0266};

        start();
        drop_privileges_for_good();
        for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
                make_some(modes[i]);
        SUCCEEDS(ipcrm_all_unreadable, RUN("ipcrm", "-a"));
        expect_left(ipcrm_all_unreadable, false, false, false);
}

/* ---- segments that wait for their last detach ---- */

TEST(segments_removed_before_are_no_failure, VERIFIES(ipcrm_all_attached))
{
        start();
        const int removed = new_segment(page_size(), 0600), living = new_segment(page_size(), 0600);
        char *const of_removed = attach(removed, 0), *const of_living = attach(living, 0);

        fill_pattern(of_removed, page_size(), 1);
        fill_pattern(of_living, page_size(), 2);
        MUST(shmctl(removed, IPC_RMID, NULL));
        for (int i = 0; i < 2; i++) {
                SUCCEEDS(ipcrm_all_attached, RUN("ipcrm", "-a"));
                HOLDS(ipcrm_all_attached, has_pattern(of_removed, page_size(), 1));
                HOLDS(ipcrm_all_attached, has_pattern(of_living, page_size(), 2));
        }
        detach(of_removed);
        detach(of_living);
        EQ(ipcrm_all_attached, objects_of(&mechanisms[SEGMENT]), 0);
}
