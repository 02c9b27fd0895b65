/* SPDX-License-Identifier: MIT
 *
 * IPC namespaces and POSIX message queues: which names there are, what a mover keeps, and what ends with a namespace.
 */
#include <sched.h>

#include "ipck_mq.h"
#include "ipck_namespaces.h"

/* Of two such queues the account allows one. */
enum { HALF = 1500, ACCOUNT = 2000 };

static mqd_t create_half(void)
{
        return try_mq("/half", 1, HALF);
}

/* ---- apart ---- */

TEST(queues_of_another_namespace_are_out_of_reach, VERIFIES(ipcns_isolated_mq))
{
        const mqd_t queue = small_mq(O_RDWR);
        struct child away;

        MUST(fchmod(queue, 0666));
        mq_post(queue, 0, "stays");
        CHILD(&away) {
                REQUIRE(mq_exists(QUEUE_NAME));
                enter_new_ipc_namespace();
                FAILS_WITH(ipcns_isolated_mq, ENOENT, mq_open(QUEUE_NAME, O_RDWR));
                FAILS_WITH(ipcns_isolated_mq, ENOENT, mq_open(QUEUE_NAME, O_RDONLY));
                FAILS_WITH(ipcns_isolated_mq, ENOENT, mq_unlink(QUEUE_NAME));
        }
        join(&away);
        OPENS(ipcns_isolated_mq, mq_open(QUEUE_NAME, O_RDWR));
        EQ(ipcns_isolated_mq, mq_count(queue), 1);
}

TEST(queues_of_a_new_namespace_stay_in_it, VERIFIES(ipcns_isolated_mq))
{
        struct child away;

        CHILD(&away) {
                enter_new_ipc_namespace();
                (void)small_mq(O_RDWR);
                stay(&away);
                OPENS(ipcns_isolated_mq, mq_open(QUEUE_NAME, O_RDWR));
        }
        UNTIL(stays(&away));
        FAILS_WITH(ipcns_isolated_mq, ENOENT, mq_open(QUEUE_NAME, O_RDWR));
        FAILS_WITH(ipcns_isolated_mq, ENOENT, mq_unlink(QUEUE_NAME));
        dismiss(&away);
}

TEST(one_name_is_a_queue_in_each_namespace, VERIFIES(ipcns_same_name_mq))
{
        const mqd_t queue = small_mq(O_RDWR);
        struct child away;

        mq_post(queue, 0, "here");
        CHILD(&away) {
                struct mq_attr attr = {.mq_maxmsg = 2, .mq_msgsize = 8};

                enter_new_ipc_namespace();
                const mqd_t own = OPENS(ipcns_same_name_mq,
                                        mq_open(QUEUE_NAME, O_CREAT | O_EXCL | O_RDWR, 0640, &attr));
                EQ(ipcns_same_name_mq, mq_count(own), 0);
                mq_post(own, 0, "there");
                mq_post(own, 0, "there");
                stay(&away);
                EQ(ipcns_same_name_mq, mq_count(own), 2);
                EQ(ipcns_same_name_mq, mq_unlink(QUEUE_NAME), 0);
        }
        UNTIL(stays(&away));
        EQ(ipcns_same_name_mq, mq_count(queue), 1);
        EQ(ipcns_same_name_mq, attr_of(queue).mq_maxmsg, SMALL_MAXMSG);
        mq_post(queue, 0, "here");
        dismiss(&away);
        EQ(ipcns_same_name_mq, mq_count((mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR))), 2);
}

/* ---- moving ---- */

TEST(names_mean_the_queues_of_the_namespace_entered, VERIFIES(ipcns_setns_mq))
{
        const int first = this_ipc_namespace();

        (void)new_mq("/both", O_RDWR, 1, 1);
        (void)new_mq("/first", O_RDWR, 1, 1);
        enter_new_ipc_namespace();
        const int second = this_ipc_namespace();
        (void)new_mq("/both", O_RDWR, 2, 1);
        (void)new_mq("/second", O_RDWR, 1, 1);
        for (int round = 0; round < 2; round++) {
                MUST(setns(first, CLONE_NEWIPC));
                EQ(ipcns_setns_mq, attr_of((mqd_t)MUST(mq_open("/both", O_RDWR))).mq_maxmsg, 1);
                HOLDS(ipcns_setns_mq, mq_exists("/first"));
                HOLDS(ipcns_setns_mq, !mq_exists("/second"));
                MUST(setns(second, CLONE_NEWIPC));
                EQ(ipcns_setns_mq, attr_of((mqd_t)MUST(mq_open("/both", O_RDWR))).mq_maxmsg, 2);
                HOLDS(ipcns_setns_mq, mq_exists("/second"));
                HOLDS(ipcns_setns_mq, !mq_exists("/first"));
        }
}

static void expect_works(enum ipck_requirement req, mqd_t queue)
{
        const struct timespec past = {0};
        char message[SMALL_MSGSIZE];

        EQ(req, mq_timedsend(queue, "works", 5, 0, &past), 0);
        EQ(req, mq_count(queue), 1);
        EQ(req, mq_timedreceive(queue, message, sizeof(message), NULL, &past), 5);
}

TEST(descriptor_moves_along, VERIFIES(ipcns_mq_descriptor_kept))
{
        const mqd_t queue = small_mq(O_RDWR);
        struct child stays_here;

        CHILD(&stays_here) {
                stay(&stays_here);
                EQ(ipcns_mq_descriptor_kept, mq_count(queue), 1);
        }
        UNTIL(stays(&stays_here));
        enter_new_ipc_namespace();
        FAILS_WITH(ipcns_mq_descriptor_kept, ENOENT, mq_open(QUEUE_NAME, O_RDWR));
        expect_works(ipcns_mq_descriptor_kept, queue);
        /* It is still the queue of those who stayed. */
        mq_post(queue, 0, "m");
        dismiss(&stays_here);
}

TEST(descriptor_outlives_its_namespace, VERIFIES(ipcns_mq_descriptor_kept), MOSTLY_WAITS)
{
        take_turn("/"); /* see common/namespaces_end.c */
        own_account(ACCOUNT);
        for (int round = 0; round < 8; round++) {
                enter_new_ipc_namespace();
                mqd_t queue;
                /* Not before the last one is given back. */
                UNTIL((queue = create_half()) != (mqd_t)-1);
                mq_post(queue, 0, "m");
                enter_new_ipc_namespace();
                /* The namespace that nobody is in any more goes at some moment of this. */
                for (int i = 0; i < 20; i++) {
                        char message[HALF];

                        EQ(ipcns_mq_descriptor_kept, mq_receive(queue, message, sizeof(message), NULL), 1);
                        EQ(ipcns_mq_descriptor_kept, mq_send(queue, "m", 1, 0), 0);
                        dawdle();
                }
                FAILS_WITH(ipcns_mq_descriptor_kept, EMFILE, create_half());
                EQ(ipcns_mq_descriptor_kept, mq_close(queue), 0);
        }
}

/* ---- the end ---- */

TEST(queues_left_behind_no_longer_count, VERIFIES(ipcns_destroy_mq), MOSTLY_WAITS)
{
        struct child empty;

        need_mq_limits(1, 1, HALF);
        take_turn("/");
        CHILD(&empty)
                leave_empty_ones(&empty);
        own_account(ACCOUNT);
        for (int round = 0; round < 6; round++) {
                struct child member;

                CHILD(&member) {
                        enter_new_ipc_namespace();
                        const mqd_t queue = (mqd_t)MUST(create_half());
                        mq_post(queue, 0, "left behind");
                        stay(&member);
                }
                UNTIL(stays(&member));
                FAILS_WITH(ipcns_destroy_mq, EMFILE, create_half());
                if (round % 2)
                        kill_child(&member);
                else
                        dismiss(&member);
                mqd_t queue;
                TAKES_ITS_PLACE(ipcns_destroy_mq, &empty, (queue = create_half()) != (mqd_t)-1);
                remove_mq(queue, "/half");
        }
        kill_child(&empty);
}
