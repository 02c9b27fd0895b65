/* SPDX-License-Identifier: MIT
 *
 * RLIMIT_MSGQUEUE: what a queue counts, for whom, since when and how long.
 */
#include "ipck_mq.h"

enum { PLENTY = 200000 };

static bool fits(rlim_t bytes, long maxmsg, long msgsize)
{
        set_rlimit(RLIMIT_MSGQUEUE, bytes);
        const mqd_t queue = try_mq("/trial", maxmsg, msgsize);
        if (queue == (mqd_t)-1) {
                if (errno != EMFILE)
                        mq_must_fit(queue);
                return false;
        }
        remove_mq(queue, "/trial");
        return true;
}

/* The least limit that allows such a queue. */
static rlim_t cost(long maxmsg, long msgsize)
{
        rlim_t too_little = 0, enough = (rlim_t)maxmsg * (rlim_t)(msgsize + 1000);

        while (enough - too_little > 1) {
                const rlim_t middle = too_little + (enough - too_little) / 2;

                if (fits(middle, maxmsg, msgsize))
                        enough = middle;
                else
                        too_little = middle;
        }
        return enough;
}

/* ---- how much ---- */

TEST(queue_counts_its_messages_and_a_constant_for_each, VERIFIES(mqfs_rlimit_formula))
{
        static const struct {
                const char *name;
                long maxmsg, msgsize;
        } rows[] = {
                {"1 of 2", 1, 2}, {"1 of 1000", 1, 1000}, {"2 of 1", 2, 1}, {"10 of 1", 10, 1}, {"3 of 17", 3, 17},
                {"7 of 4001", 7, 4001},
        };

        own_account(PLENTY);
        const rlim_t constant = cost(1, 1) - 1;
        BETWEEN(mqfs_rlimit_formula, 1, constant, 999);
        EACH_ROW(row, rows)
                EQ(mqfs_rlimit_formula, cost(row->maxmsg, row->msgsize), row->maxmsg * (row->msgsize + (long)constant));
}

TEST(constant_for_priorities_ends_with_them, VERIFIES(mqfs_rlimit_formula))
{
        enum { MOST_PRIORITIES = 32768, MORE = 40000, MOST = 65536 };

        need_privilege();
        own_account((rlim_t)MOST * 1001);
        const long both = (long)cost(1, 1) - 1;
        EQ(mqfs_rlimit_formula, cost(MOST_PRIORITIES, 1), MOST_PRIORITIES * (both + 1));
        const long for_message = ((long)cost(MORE, 1) - MORE - both * MOST_PRIORITIES) / (MORE - MOST_PRIORITIES);
        BETWEEN(mqfs_rlimit_formula, 1, for_message, both - 1);
        EQ(mqfs_rlimit_formula, cost(MORE, 1),
           MOST_PRIORITIES * both + (MORE - MOST_PRIORITIES) * for_message + MORE);
        EQ(mqfs_rlimit_formula, cost(MOST, 1),
           MOST_PRIORITIES * both + (MOST - MOST_PRIORITIES) * for_message + MOST);
}

/* ---- when ---- */

static mqd_t create(const char *name)
{
        return try_mq(name, SMALL_MAXMSG, SMALL_MSGSIZE);
}

/* An account with room for so many small queues, and all but a byte of one more. */
static rlim_t account_of(unsigned queues)
{
        need_mq_limits((long)queues + 2, SMALL_MAXMSG, 5 * SMALL_MSGSIZE);
        own_account(PLENTY);
        const rlim_t one = cost(SMALL_MAXMSG, SMALL_MSGSIZE);
        set_rlimit(RLIMIT_MSGQUEUE, (queues + 1) * one - 1);
        return one;
}

TEST(queues_beyond_the_limit_are_refused, VERIFIES(mq_open_emfile_rlimit))
{
        struct mq_attr attr = {.mq_maxmsg = SMALL_MAXMSG, .mq_msgsize = SMALL_MSGSIZE};
        const rlim_t one = account_of(2);

        OPENS(mq_open_emfile_rlimit, create("/a"));
        OPENS(mq_open_emfile_rlimit, create("/b"));
        /* A byte is missing for a third one. */
        CREATES_NOTHING(mq_open_emfile_rlimit, EMFILE, "/c", O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
        CREATES_NOTHING(mq_open_emfile_rlimit, EMFILE, "/c", O_CREAT | O_RDONLY, 0600, &attr);
        attr.mq_msgsize--;
        const mqd_t smaller = OPENS(mq_open_emfile_rlimit, mq_open("/c", O_CREAT | O_EXCL | O_RDWR, 0600, &attr));
        remove_mq(smaller, "/c");
        set_rlimit(RLIMIT_MSGQUEUE, 3 * one);
        OPENS(mq_open_emfile_rlimit, create("/c"));
        attr = (struct mq_attr){.mq_maxmsg = 1, .mq_msgsize = 1};
        CREATES_NOTHING(mq_open_emfile_rlimit, EMFILE, "/d", O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
}

TEST(limit_of_none_allows_no_queue, VERIFIES(mq_open_emfile_rlimit))
{
        struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 1};

        own_account(0);
        CREATES_NOTHING(mq_open_emfile_rlimit, EMFILE, QUEUE_NAME, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
        CREATES_NOTHING(mq_open_emfile_rlimit, EMFILE, QUEUE_NAME, O_CREAT | O_RDWR, 0600, NO_ATTR);
}

TEST(removal_and_last_close_return_the_bytes, VERIFIES(mq_open_rlimit_return))
{
        (void)account_of(1);
        /* Several times: too little or too much given back would add up. */
        for (int round = 0; round < 30; round++) {
                const mqd_t queue = OPENS(mq_open_rlimit_return, create(QUEUE_NAME));
                const mqd_t second = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR));
                FAILS_WITH(mq_open_rlimit_return, EMFILE, create("/other"));
                mq_post(queue, 1, "stays");
                /* The name, one descriptor, the other descriptor: only with the last of them the queue goes. */
                if (random_below(2)) {
                        MUST(mq_unlink(QUEUE_NAME));
                        FAILS_WITH(mq_open_rlimit_return, EMFILE, create("/other"));
                        MUST(mq_close(queue));
                        FAILS_WITH(mq_open_rlimit_return, EMFILE, create("/other"));
                        MUST(mq_close(second));
                } else {
                        MUST(mq_close(second));
                        MUST(mq_close(queue));
                        FAILS_WITH(mq_open_rlimit_return, EMFILE, create("/other"));
                        MUST(mq_unlink(QUEUE_NAME));
                }
        }
}

TEST(end_of_a_process_returns_the_bytes, VERIFIES(mq_open_rlimit_return))
{
        struct child holder;

        (void)account_of(1);
        for (int round = 0; round < 5; round++) {
                CHILD(&holder) {
                        const mqd_t queue = (mqd_t)MUST(create(QUEUE_NAME));

                        mq_post(queue, 1, "on it");
                        MUST(mq_unlink(QUEUE_NAME));
                        stay(&holder);
                }
                UNTIL(stays(&holder));
                FAILS_WITH(mq_open_rlimit_return, EMFILE, create(QUEUE_NAME));
                if (round % 2)
                        kill_child(&holder);
                else
                        dismiss(&holder);
                const mqd_t queue = OPENS(mq_open_rlimit_return, create(QUEUE_NAME));
                remove_mq(queue, QUEUE_NAME);
        }
}

TEST(failed_creation_counts_nothing, VERIFIES(mq_open_rlimit_return))
{
        struct mq_attr none = {.mq_maxmsg = 1, .mq_msgsize = 0};

        (void)account_of(2);
        const mqd_t queue = (mqd_t)MUST(create(QUEUE_NAME));
        for (int i = 0; i < 30; i++) {
                REQUIRE(create(QUEUE_NAME) == -1 && errno == EEXIST);
                REQUIRE(mq_open("/x", O_CREAT | O_RDWR, 0600, &none) == -1 && errno == EINVAL);
                REQUIRE(create("/x/y") == -1 && errno == EACCES);
                FAILS_WITH(mq_open_rlimit_return, EMFILE, try_mq("/x", SMALL_MAXMSG, 5 * SMALL_MSGSIZE));
        }
        OPENS(mq_open_rlimit_return, create("/other"));
        FAILS_WITH(mq_open_rlimit_return, EMFILE, create("/x"));
        remove_mq(queue, QUEUE_NAME);
        OPENS(mq_open_rlimit_return, create("/x"));
}

TEST(existing_queues_are_used_at_the_limit, VERIFIES(mqfs_rlimit_open))
{
        char message[SMALL_MSGSIZE];

        (void)account_of(1);
        MUST(create(QUEUE_NAME));
        FAILS_WITH(mqfs_rlimit_open, EMFILE, create("/other"));
        for (int i = 0; i < 2; i++) {
                const mqd_t queue = OPENS(mqfs_rlimit_open, mq_open(QUEUE_NAME, O_RDWR | O_NONBLOCK));
                OPENS(mqfs_rlimit_open, mq_open(QUEUE_NAME, O_CREAT | O_RDWR, 0600, NO_ATTR));
                for (int n = 0; n < SMALL_MAXMSG; n++)
                        EQ(mqfs_rlimit_open, mq_send(queue, message, SMALL_MSGSIZE, (unsigned)n), 0);
                FAILS_WITH(mqfs_rlimit_open, EAGAIN, mq_send(queue, message, 1, 0));
                for (int n = 0; n < SMALL_MAXMSG; n++)
                        EQ(mqfs_rlimit_open, mq_receive(queue, message, SMALL_MSGSIZE, NULL), SMALL_MSGSIZE);
                /* Also with less than there is. */
                set_rlimit(RLIMIT_MSGQUEUE, 0);
        }
}

/* ---- for whom ---- */

TEST(queues_of_all_processes_and_namespaces_count, VERIFIES(mqfs_rlimit_sum))
{
        struct child other, elsewhere;

        (void)account_of(2);
        CHILD(&other) {
                MUST(create("/a"));
                stay(&other);
        }
        UNTIL(stays(&other));
        CHILD(&elsewhere) {
                enter_new_ipc_namespace();
                MUST(create("/b"));
                FAILS_WITH(mqfs_rlimit_sum, EMFILE, create("/c"));
                stay(&elsewhere);
        }
        UNTIL(stays(&elsewhere));
        FAILS_WITH(mqfs_rlimit_sum, EMFILE, create("/c"));
        remove_mq((mqd_t)MUST(mq_open("/a", O_RDWR)), "/a");
        FAILS_WITH(mqfs_rlimit_sum, EMFILE, create("/c"));
        dismiss(&other);
        OPENS(mqfs_rlimit_sum, create("/c"));
        FAILS_WITH(mqfs_rlimit_sum, EMFILE, create("/d"));
        dismiss(&elsewhere);
}

static void be(uid_t real, uid_t effective)
{
        if (setresuid(real, effective, 0) == -1)
                UNSUPPORTED("users %u and %u (%s)", (unsigned)real, (unsigned)effective, errno_name(errno));
}

TEST(real_user_is_charged, VERIFIES(mqfs_rlimit_real_uid))
{
        static const struct {
                const char *name;
                unsigned real, effective;
                bool fits;
        } rows[] = {
                {"the same user", 0, 0, false}, {"another effective user", 0, 1, false}, {"another user", 1, 1, true},
                {"another real user", 1, 0, true},
        };
        struct child child;

        be(lone_user(0), lone_user(1));
        (void)account_of(1);
        MUST(setresuid(lone_user(0), lone_user(1), 0));
        MUST(create("/first"));
        EACH_ROW(row, rows) {
                CHILD(&child) {
                        MUST(setresuid((uid_t)-1, 0, 0));
                        be(lone_user(row->real), lone_user(row->effective));
                        const mqd_t queue = create("/second");
                        EQ(mqfs_rlimit_real_uid, worked(queue), row->fits ? 0 : -1);
                        if (queue != (mqd_t)-1)
                                remove_mq(queue, "/second");
                }
                join(&child);
        }
}
