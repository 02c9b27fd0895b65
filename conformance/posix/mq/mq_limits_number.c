/* SPDX-License-Identifier: MIT
 *
 * fs.mqueue.queues_max: how many queues there may be in an IPC namespace, for whom, and when one no longer counts.
 */
#include <linux/capability.h>

#include "ipck_mq.h"

enum { MOST = 3 };

static const char *nth_name(int n)
{
        static char name[] = "/queue0";

        name[sizeof(name) - 2] = (char)('0' + n);
        return name;
}

static struct mq_attr small = {.mq_maxmsg = 1, .mq_msgsize = 1};

static mqd_t create(int n)
{
        return mq_open(nth_name(n), O_CREAT | O_EXCL | O_RDWR, 0600, &small);
}

static void fill_namespace(mqd_t queues[MOST])
{
        set_mq_limit("queues_max", MOST);
        be_limited();
        for (int i = 0; i < MOST; i++)
                queues[i] = (mqd_t)MUST(create(i));
}

TEST(number_of_queues_is_limited, VERIFIES(mq_open_enospc, mq_open_enospc_queues_max))
{
        mqd_t queues[MOST];

        fill_namespace(queues);
        CREATES_NOTHING(mq_open_enospc, ENOSPC, "/more", O_CREAT | O_EXCL | O_RDWR, 0600, &small);
        CREATES_NOTHING(mq_open_enospc_queues_max, ENOSPC, "/more", O_CREAT | O_RDONLY, 0666, NO_ATTR);
        set_mq_limit("queues_max", MOST + 2);
        OPENS(mq_open_enospc_queues_max, create(4));
        OPENS(mq_open_enospc, create(5));
        CREATES_NOTHING(mq_open_enospc_queues_max, ENOSPC, "/more", O_CREAT | O_EXCL | O_RDWR, 0600, &small);
}

TEST(limit_of_none_allows_no_queue, VERIFIES(mq_open_enospc_queues_max))
{
        set_mq_limit("queues_max", 0);
        be_limited();
        CREATES_NOTHING(mq_open_enospc_queues_max, ENOSPC, QUEUE_NAME, O_CREAT | O_EXCL | O_RDWR, 0600, &small);
        set_mq_limit("queues_max", 1);
        OPENS(mq_open_enospc_queues_max, create(0));
        CREATES_NOTHING(mq_open_enospc_queues_max, ENOSPC, QUEUE_NAME, O_CREAT | O_EXCL | O_RDWR, 0600, &small);
}

TEST(queues_that_exist_are_opened_at_the_limit, VERIFIES(mq_open_enospc_queues_max))
{
        mqd_t queues[MOST];

        need_descriptors(4 * MOST);
        fill_namespace(queues);
        for (int i = 0; i < MOST; i++) {
                OPENS(mq_open_enospc_queues_max, mq_open(nth_name(i), O_RDWR));
                OPENS(mq_open_enospc_queues_max, mq_open(nth_name(i), O_CREAT | O_RDWR, 0600, &small));
                REQUIRE(create(i) == -1 && errno == EEXIST);
        }
        FAILS_WITH(mq_open_enospc_queues_max, ENOSPC, create(MOST));
}

TEST(queue_counts_until_it_is_unlinked_and_closed, VERIFIES(mqfs_queues_max_counts))
{
        mqd_t queues[MOST];

        fill_namespace(queues);
        /* Several times: too little or too much given back would add up. */
        for (int round = 0; round < 30; round++) {
                const int n = (int)random_below(MOST);
                const bool unlink_first = random_below(2);

                FAILS_WITH(mqfs_queues_max_counts, ENOSPC, create(MOST));
                if (unlink_first)
                        MUST(mq_unlink(nth_name(n)));
                else
                        MUST(mq_close(queues[n]));
                FAILS_WITH(mqfs_queues_max_counts, ENOSPC, create(MOST));
                if (unlink_first)
                        MUST(mq_close(queues[n]));
                else
                        MUST(mq_unlink(nth_name(n)));
                queues[n] = OPENS(mqfs_queues_max_counts, create(n));
        }
}

TEST(queue_counts_as_long_as_another_process_has_it_open, VERIFIES(mqfs_queues_max_counts))
{
        mqd_t queues[MOST];
        struct child holder;

        fill_namespace(queues);
        CHILD(&holder) {
                for (int i = 1; i < MOST; i++)
                        MUST(mq_close(queues[i]));
                stay(&holder);
        }
        UNTIL(stays(&holder));
        remove_mq(queues[0], nth_name(0));
        FAILS_WITH(mqfs_queues_max_counts, ENOSPC, create(0));
        kill_child(&holder);
        OPENS(mqfs_queues_max_counts, create(0));
        FAILS_WITH(mqfs_queues_max_counts, ENOSPC, create(MOST));
}

TEST(failed_creation_does_not_count, VERIFIES(mqfs_queues_max_counts))
{
        mqd_t queues[MOST];
        struct mq_attr none = {.mq_maxmsg = 0, .mq_msgsize = 1};

        fill_namespace(queues);
        remove_mq(queues[0], nth_name(0));
        for (int i = 0; i < 20; i++) {
                REQUIRE(mq_open("/x", O_CREAT | O_RDWR, 0600, &none) == -1 && errno == EINVAL);
                REQUIRE(create(1) == -1 && errno == EEXIST);
        }
        OPENS(mqfs_queues_max_counts, create(0));
        for (int i = 0; i < 20; i++)
                FAILS_WITH(mqfs_queues_max_counts, ENOSPC, create(MOST));
        MUST(mq_unlink(nth_name(1)));
        MUST(mq_close(queues[1]));
        OPENS(mqfs_queues_max_counts, create(1));
}

TEST(lowered_number_leaves_the_queues, VERIFIES(mqfs_limits_later_only))
{
        mqd_t queues[MOST];

        fill_namespace(queues);
        set_mq_limit("queues_max", 1);
        for (int i = 0; i < MOST; i++) {
                mq_post(queues[i], 0, "m");
                OPENS(mqfs_limits_later_only, mq_open(nth_name(i), O_CREAT | O_RDWR, 0600, &small));
        }
        remove_mq(queues[0], nth_name(0));
        FAILS_WITH(mqfs_limits_later_only, ENOSPC, create(0));
}

TEST(privilege_goes_beyond_the_number, VERIFIES(mqfs_privileged))
{
        need_privilege();
        set_mq_limit("queues_max", 1);
        for (int i = 0; i < MOST; i++)
                OPENS(mqfs_privileged, create(i));
        be_limited();
        FAILS_WITH(mqfs_privileged, ENOSPC, create(MOST));
}

TEST(privilege_of_an_inner_user_namespace_does_not_count, VERIFIES(mqfs_privileged_initial))
{
        enter_user_namespace(0, 0);
        enter_new_ipc_namespace();
        REQUIRE(has_capability(CAP_SYS_RESOURCE));
        set_mq_limit("queues_max", MOST);
        for (int i = 0; i < MOST; i++)
                OPENS(mqfs_privileged_initial, create(i));
        CREATES_NOTHING(mqfs_privileged_initial, ENOSPC, "/more", O_CREAT | O_EXCL | O_RDWR, 0600, &small);
}
