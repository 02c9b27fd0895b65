/* SPDX-License-Identifier: MIT
 *
 * mq_getattr(), mq_setattr(): calls that fail, and that change nothing then.
 */
#include <limits.h>

#include "ipck_mq.h"

TEST(flags_other_than_o_nonblock_are_refused, VERIFIES(mq_attr_set_einval, mq_attr_set_failed))
{
        static const struct {
                const char *name;
                long flags;
        } rows[] = {
                {"1", 1}, {"O_RDWR", O_RDWR}, {"O_RDWR and O_NONBLOCK", O_RDWR | O_NONBLOCK}, {"O_APPEND", O_APPEND},
                {"O_CREAT and O_NONBLOCK", O_CREAT | O_NONBLOCK}, {"bit 31", (long)INT_MIN},
                {"all but O_NONBLOCK", ~(long)O_NONBLOCK}, {"all", -1},
        };
        static const struct {
                const char *name;
                int oflag;
        } states[] = {{"clear", 0}, {"set", O_NONBLOCK}};

        EACH_ROW(state, states) {
                const mqd_t queue = small_mq(O_RDWR | state->oflag);

                EACH_ROW(row, rows) {
                        const struct mq_attr attr = {.mq_flags = row->flags};
                        struct mq_attr old;

                        FAILS_WITH(mq_attr_set_einval, EINVAL, mq_setattr(queue, &attr, NULL));
                        FAILS_WITH(mq_attr_set_einval, EINVAL, mq_setattr(queue, &attr, &old));
                        EQ(mq_attr_set_failed, attr_of(queue).mq_flags, state->oflag);
                }
                const struct mq_attr attr = {.mq_flags = O_NONBLOCK};
                EQ(mq_attr_set_einval, mq_setattr(queue, &attr, NULL), 0);
                MUST(mq_close(queue));
                MUST(mq_unlink(QUEUE_NAME));
        }
}

TEST(descriptor_must_be_open, VERIFIES(mq_attr_ebadf, mq_attr_get_ebadf))
{
        const mqd_t queue = small_mq(O_RDWR);
        const struct no_queues none = no_queues();
        const struct mq_attr attr = {.mq_flags = O_NONBLOCK};
        struct mq_attr old;

        EACH_ROW(row, none.closed) {
                FAILS_WITH(mq_attr_get_ebadf, EBADF, mq_getattr(row->queue, &old));
                FAILS_WITH(mq_attr_ebadf, EBADF, mq_setattr(row->queue, &attr, NULL));
                FAILS_WITH(mq_attr_ebadf, EBADF, mq_setattr(row->queue, &attr, &old));
        }
        EQ(mq_attr_get_ebadf, mq_getattr(queue, &old), 0);
        EQ(mq_attr_ebadf, mq_setattr(queue, &attr, &old), 0);
}

TEST(descriptor_must_be_of_a_queue, VERIFIES(mq_attr_ebadf_notmq))
{
        const struct no_queues none = no_queues();
        const struct mq_attr attr = {.mq_flags = O_NONBLOCK};
        struct mq_attr old;

        EACH_ROW(row, none.other) {
                FAILS_WITH(mq_attr_ebadf_notmq, EBADF, mq_getattr(row->queue, &old));
                FAILS_WITH(mq_attr_ebadf_notmq, EBADF, mq_setattr(row->queue, &attr, &old));
                EQ(mq_attr_ebadf_notmq, fcntl(row->queue, F_GETFL) & O_NONBLOCK, 0);
        }
}

TEST(attributes_need_memory, VERIFIES(mq_attr_efault, mq_attr_set_failed))
{
        const mqd_t queue = small_mq(O_RDWR);
        struct mq_attr old;
        const struct {
                const char *name;
                struct mq_attr *attr;
        } rows[] = {
                {"unmapped", bad_address()},
                {"one byte too few", (struct mq_attr *)guarded(sizeof(old) - 1)},
        };

        EACH_ROW(row, rows) {
                FAILS_WITH(mq_attr_efault, EFAULT, mq_getattr(queue, row->attr));
                FAILS_WITH(mq_attr_efault, EFAULT, mq_setattr(queue, row->attr, &old));
                FAILS_WITH(mq_attr_efault, EFAULT, mq_setattr(queue, row->attr, NULL));
                EQ(mq_attr_set_failed, attr_of(queue).mq_flags, 0);
        }
        FAILS_WITH(mq_attr_efault, EFAULT, mq_getattr(queue, read_only_page()));
}
