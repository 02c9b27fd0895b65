/* SPDX-License-Identifier: MIT
 *
 * mq_open(): sizes that no queue can have, no descriptor left, and no memory. What fails leaves nothing behind.
 */
#include <limits.h>

#include "ipck_filter.h"
#include "ipck_mq.h"

enum { CREATE = O_CREAT | O_EXCL | O_RDWR };

static struct mq_attr small = {.mq_maxmsg = 1, .mq_msgsize = 1};

/* ---- attributes ---- */

TEST(sizes_below_one, VERIFIES(mq_open_einval_attr_zero))
{
        static const struct {
                const char *name;
                long maxmsg, msgsize;
        } rows[] = {
                {"no message", 0, 1}, {"no size", 1, 0}, {"neither", 0, 0}, {"-1 messages", -1, 1},
                {"size of -1", 1, -1}, {"both -1", -1, -1}, {"LONG_MIN messages", LONG_MIN, 1},
                {"size of LONG_MIN", 1, LONG_MIN},
                {"-2^31 messages", INT_MIN, 1}, {"size of -2^31", 1, INT_MIN},
        };

        EACH_ROW(row, rows) {
                struct mq_attr attr = {.mq_maxmsg = row->maxmsg, .mq_msgsize = row->msgsize};

                CREATES_NOTHING(mq_open_einval_attr_zero, EINVAL, QUEUE_NAME, CREATE, 0600, &attr);
                CREATES_NOTHING(mq_open_einval_attr_zero, EINVAL, QUEUE_NAME, O_CREAT | O_RDONLY, 0600, &attr);
                attr = small;
                const mqd_t queue = OPENS(mq_open_einval_attr_zero, mq_open(QUEUE_NAME, CREATE, 0600, &attr));
                remove_mq(queue, QUEUE_NAME);
        }
}

TEST(sizes_beyond_all_limits, VERIFIES(mq_open_overflow))
{
        static const struct {
                const char *name;
                long maxmsg, msgsize;
        } rows[] = {
                {"LONG_MAX messages", LONG_MAX, 1}, {"size of LONG_MAX", 1, LONG_MAX},
                {"both LONG_MAX", LONG_MAX, LONG_MAX},
                {"product of 2^32 or 2^64", LONG_MAX / 2 + 1, 4}, {"the same of a size", 4, LONG_MAX / 2 + 1},
                {"roots of 2^32 or 2^64", 1L << sizeof(long) * 4, 1L << sizeof(long) * 4},
                {"HARD_MSGMAX of HARD_MSGSIZEMAX", 65536, 16777216}, {"INT_MAX messages", INT_MAX, 1},
                {"size of INT_MAX", 1, INT_MAX},
        };
        struct rlimit limit;

        /* Who may have all memory may have such a queue: of the greatest sizes, without a message. */
        MUST(getrlimit(RLIMIT_MSGQUEUE, &limit));
        if (limit.rlim_cur > INT_MAX)
                set_rlimit(RLIMIT_MSGQUEUE, INT_MAX);
        EACH_ROW(row, rows) {
                struct mq_attr attr = {.mq_maxmsg = row->maxmsg, .mq_msgsize = row->msgsize};
                const int open = open_descriptors();
                const mqd_t queue = mq_open(QUEUE_NAME, CREATE, 0600, &attr);
                const int error = errno;

                EQ(mq_open_overflow, queue, -1);
                HOLDS(mq_open_overflow, error == EOVERFLOW || error == EINVAL || error == EMFILE);
                HOLDS(mq_open_overflow, !mq_exists(QUEUE_NAME));
                EQ(mq_open_overflow, open_descriptors(), open);
                /* What was refused does not count. */
                remove_mq((mqd_t)MUST(mq_open(QUEUE_NAME, CREATE, 0600, &small)), QUEUE_NAME);
        }
}

/* ---- descriptors ---- */

TEST(no_descriptor_left, VERIFIES(mq_open_emfile_fd))
{
        (void)small_mq(O_RDWR);
        const int lowest = next_descriptor(), open = open_descriptors();
        const rlim_t before = set_rlimit(RLIMIT_NOFILE, (rlim_t)lowest);

        FAILS_WITH(mq_open_emfile_fd, EMFILE, mq_open(QUEUE_NAME, O_RDWR));
        FAILS_WITH(mq_open_emfile_fd, EMFILE, mq_open("/new", CREATE, 0600, &small));
        FAILS_WITH(mq_open_emfile_fd, EMFILE, mq_open("/new", O_CREAT | O_RDONLY, 0600, &small));
        set_rlimit(RLIMIT_NOFILE, before);
        EQ(mq_open_emfile_fd, open_descriptors(), open);
        HOLDS(mq_open_emfile_fd, !mq_exists("/new"));
        EQ(mq_open_emfile_fd, mq_open(QUEUE_NAME, O_RDWR), lowest);
        /* With the last one taken it is the same. */
        set_rlimit(RLIMIT_NOFILE, (rlim_t)lowest + 2);
        EQ(mq_open_emfile_fd, mq_open("/new", CREATE, 0600, &small), lowest + 1);
        FAILS_WITH(mq_open_emfile_fd, EMFILE, mq_open("/new", O_RDWR));
        MUST(mq_close(lowest + 1));
        EQ(mq_open_emfile_fd, mq_open("/new", O_RDWR), lowest + 1);
}

/* The real limit is the whole machine's: a refused call stands for it, and what is judged is the C library. */
TEST(full_table_of_files_is_told, VERIFIES(mq_open_enfile), ONE_ROUTE)
{
        (void)small_mq(O_RDWR);
        OPENS(mq_open_enfile, mq_open(QUEUE_NAME, O_RDWR));
        const int open = open_descriptors();

        FAIL_CALLS(ENFILE, SYS_mq_open);
        FAILS_WITH(mq_open_enfile, ENFILE, mq_open(QUEUE_NAME, O_RDWR));
        FAILS_WITH(mq_open_enfile, ENFILE, mq_open("/new", CREATE, 0600, &small));
        EQ(mq_open_enfile, open_descriptors(), open);
}

/* ---- memory ---- */

TEST(creation_without_memory, VERIFIES(mq_open_enomem))
{
        enum { MOST_STEPS = 200 };
        int refused = 0;
        bool more = true;

        /* Each step inside the call that can fail is made to fail in turn, until the call meets no more of them. */
        for (unsigned n = 1; more && n < MOST_STEPS; n++) {
                const int open = open_descriptors();

                arm_fault(n);
                const mqd_t queue = mq_open(QUEUE_NAME, CREATE, 0600, &small);
                const int error = errno;
                more = disarm_fault();
                if (queue != (mqd_t)-1) {
                        remove_mq(queue, QUEUE_NAME);
                        continue;
                }
                /* Where copies from the caller can fail as well, some of the steps are such. */
                HOLDS(mq_open_enomem, error == ENOMEM || error == EFAULT);
                refused += error == ENOMEM;
                HOLDS(mq_open_enomem, !mq_exists(QUEUE_NAME));
                EQ(mq_open_enomem, open_descriptors(), open);
        }
        if (!refused)
                UNSUPPORTED("fault injection into ordinary kernel allocations (failslab/ignore-gfp-wait must be N)");
        HOLDS(mq_open_enomem, !more);
}
