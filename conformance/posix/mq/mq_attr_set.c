/* SPDX-License-Identifier: MIT
 *
 * mq_setattr(): O_NONBLOCK, and nothing else, of the open message queue description, and nobody else's.
 */
#include "ipck_mq.h"

static int set_flags(mqd_t queue, long flags)
{
        const struct mq_attr attr = {.mq_flags = flags};

        return mq_setattr(queue, &attr, NULL);
}

static bool blocks(mqd_t queue)
{
        struct child caller;
        bool blocking = false;

        CHILD(&caller) {
                char text[SMALL_MSGSIZE];

                here(&caller, 1);
                REQUIRE(mq_receive(queue, text, sizeof(text), NULL) == -1 && errno == EAGAIN);
        }
        UNTIL(settled(&caller));
        blocking = !returned(&caller);
        kill_child(&caller);
        return blocking;
}

TEST(sets_and_clears_o_nonblock, VERIFIES(mq_attr_set_nonblock))
{
        static const struct {
                const char *name;
                int oflag;
                long flags;
        } rows[] = {
                {"set", 0, O_NONBLOCK}, {"set again", O_NONBLOCK, O_NONBLOCK}, {"clear", O_NONBLOCK, 0},
                {"clear again", 0, 0},
        };

        EACH_ROW(row, rows) {
                const mqd_t queue = small_mq(O_RDWR | row->oflag);

                EQ(mq_attr_set_nonblock, set_flags(queue, row->flags), 0);
                EQ(mq_attr_set_nonblock, attr_of(queue).mq_flags, row->flags);
                EQ(mq_attr_set_nonblock, blocks(queue), !row->flags);
                MUST(mq_close(queue));
                MUST(mq_unlink(QUEUE_NAME));
        }
}

/* There and back, and there again. */
TEST(each_call_counts, VERIFIES(mq_attr_set_nonblock))
{
        const mqd_t queue = small_mq(O_RDWR);

        for (int i = 0; i < 6; i++) {
                EQ(mq_attr_set_nonblock, set_flags(queue, i % 2 ? 0 : O_NONBLOCK), 0);
                EQ(mq_attr_set_nonblock, attr_of(queue).mq_flags, i % 2 ? 0 : O_NONBLOCK);
        }
}

TEST(other_members_do_not_count, VERIFIES(mq_attr_set_others_ignored))
{
        static const struct {
                const char *name;
                long maxmsg, msgsize, curmsgs;
        } rows[] = {
                {"smaller", 1, 1, 0}, {"larger", SMALL_MAXMSG + 1, SMALL_MSGSIZE + 1, 3}, {"nothing", 0, 0, 0},
                {"negative", -1, -1, -1}, {"the largest", INT32_MAX, INT32_MAX, INT32_MAX},
        };
        const mqd_t queue = small_mq(O_RDWR | O_NONBLOCK);

        mq_post(queue, 0, "one");
        mq_post(queue, 0, "two");
        EACH_ROW(row, rows) {
                struct mq_attr attr;

                /* With all that lies between and behind the members. */
                memset(&attr, 0xff, sizeof(attr));
                attr.mq_flags = O_NONBLOCK;
                attr.mq_maxmsg = row->maxmsg;
                attr.mq_msgsize = row->msgsize;
                attr.mq_curmsgs = row->curmsgs;
                EQ(mq_attr_set_others_ignored, mq_setattr(queue, &attr, NULL), 0);
                const struct mq_attr now_in_force = attr_of(queue);
                EQ(mq_attr_set_others_ignored, now_in_force.mq_maxmsg, SMALL_MAXMSG);
                EQ(mq_attr_set_others_ignored, now_in_force.mq_msgsize, SMALL_MSGSIZE);
                EQ(mq_attr_set_others_ignored, now_in_force.mq_curmsgs, 2);
        }
        /* Nor is it only what the queue tells of itself that stays. */
        for (int n = 2; n < SMALL_MAXMSG; n++)
                mq_post(queue, 0, "more");
        EQ(mq_attr_set_others_ignored, mq_send(queue, "x", 1, 0), -1);
}

TEST(old_attributes_are_those_before_the_call, VERIFIES(mq_attr_set_old))
{
        static const struct {
                const char *name;
                long before, after;
        } rows[] = {{"set", 0, O_NONBLOCK}, {"clear", O_NONBLOCK, 0}, {"leave set", O_NONBLOCK, O_NONBLOCK}};
        const mqd_t queue = small_mq(O_RDWR);

        mq_post(queue, 0, "text");
        EACH_ROW(row, rows) {
                const struct mq_attr attr = {.mq_flags = row->after, .mq_maxmsg = 77, .mq_msgsize = 78};
                struct mq_attr old;

                MUST(set_flags(queue, row->before));
                memset(&old, 0x5a, sizeof(old));
                EQ(mq_attr_set_old, mq_setattr(queue, &attr, &old), 0);
                EQ(mq_attr_set_old, old.mq_flags, row->before);
                EQ(mq_attr_set_old, old.mq_maxmsg, SMALL_MAXMSG);
                EQ(mq_attr_set_old, old.mq_msgsize, SMALL_MSGSIZE);
                EQ(mq_attr_set_old, old.mq_curmsgs, 1);
                EQ(mq_attr_set_old, attr_of(queue).mq_flags, row->after);
        }
}

/* One structure for both: it is read before it is written. */
TEST(old_attributes_may_replace_the_new, VERIFIES(mq_attr_set_old))
{
        const mqd_t queue = small_mq(O_RDWR);
        struct mq_attr both = {.mq_flags = O_NONBLOCK};

        EQ(mq_attr_set_old, mq_setattr(queue, &both, &both), 0);
        EQ(mq_attr_set_old, both.mq_flags, 0);
        EQ(mq_attr_set_old, attr_of(queue).mq_flags, O_NONBLOCK);
        EQ(mq_attr_set_old, mq_setattr(queue, &both, &both), 0);
        EQ(mq_attr_set_old, both.mq_flags, O_NONBLOCK);
        EQ(mq_attr_set_old, attr_of(queue).mq_flags, 0);
}

/* ---- whose flags ---- */

TEST(descriptions_have_flags_of_their_own, VERIFIES(mq_attr_set_own_description))
{
        const mqd_t queue = small_mq(O_RDWR), other = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR)),
                    nonblocking = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR | O_NONBLOCK));

        EQ(mq_attr_set_own_description, set_flags(queue, O_NONBLOCK), 0);
        EQ(mq_attr_set_own_description, attr_of(queue).mq_flags, O_NONBLOCK);
        EQ(mq_attr_set_own_description, attr_of(other).mq_flags, 0);
        HOLDS(mq_attr_set_own_description, blocks(other));
        EQ(mq_attr_set_own_description, set_flags(queue, 0), 0);
        EQ(mq_attr_set_own_description, attr_of(nonblocking).mq_flags, O_NONBLOCK);
        HOLDS(mq_attr_set_own_description, !blocks(nonblocking));
}

TEST(parent_and_child_share_the_flags, VERIFIES(mq_attr_set_shared_after_fork))
{
        const mqd_t queue = small_mq(O_RDWR);
        struct child c;

        CHILD(&c) {
                EQ(mq_attr_set_shared_after_fork, set_flags(queue, O_NONBLOCK), 0);
                here(&c, 1);
                await(&c, 1);
                EQ(mq_attr_set_shared_after_fork, attr_of(queue).mq_flags, 0);
                EQ(mq_attr_set_shared_after_fork, set_flags(queue, O_NONBLOCK), 0);
        }
        UNTIL(at(&c) == 1);
        EQ(mq_attr_set_shared_after_fork, attr_of(queue).mq_flags, O_NONBLOCK);
        HOLDS(mq_attr_set_shared_after_fork, !blocks(queue));
        EQ(mq_attr_set_shared_after_fork, set_flags(queue, 0), 0);
        tell(&c, 1);
        join(&c);
        /* It stays when the one who set it is gone. */
        EQ(mq_attr_set_shared_after_fork, attr_of(queue).mq_flags, O_NONBLOCK);
}

TEST(flags_are_those_of_the_file, VERIFIES(mq_attr_set_file_flags))
{
        const mqd_t queue = small_mq(O_RDWR), same = (mqd_t)MUST(dup(queue));
        const int mode = (int)MUST(fcntl(queue, F_GETFL));

        REQUIRE(!(mode & O_NONBLOCK));
        EQ(mq_attr_set_file_flags, set_flags(queue, O_NONBLOCK), 0);
        EQ(mq_attr_set_file_flags, fcntl(queue, F_GETFL), mode | O_NONBLOCK);
        EQ(mq_attr_set_file_flags, attr_of(same).mq_flags, O_NONBLOCK);
        MUST(fcntl(same, F_SETFL, mode));
        EQ(mq_attr_set_file_flags, attr_of(queue).mq_flags, 0);
        HOLDS(mq_attr_set_file_flags, blocks(queue));
        MUST(fcntl(queue, F_SETFL, mode | O_NONBLOCK));
        EQ(mq_attr_set_file_flags, attr_of(same).mq_flags, O_NONBLOCK);
        EQ(mq_attr_set_file_flags, set_flags(same, 0), 0);
        EQ(mq_attr_set_file_flags, fcntl(queue, F_GETFL), mode);
}
