/* SPDX-License-Identifier: MIT
 *
 * mq_attr_get.c: what mq_getattr() tells.
 */
#include "ipck_mq.h"

TEST(tells_the_size_it_was_created_with, VERIFIES(mq_attr_get_static))
{
        const mqd_t queue = new_mq(QUEUE_NAME, O_RDWR, 3, 17);
        const struct mq_attr attr = attr_of(queue);

        EQ(mq_attr_get_static, attr.mq_maxmsg, 3);
        EQ(mq_attr_get_static, attr.mq_msgsize, 17);
}
