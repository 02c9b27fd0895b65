/* SPDX-License-Identifier: MIT
 *
 * mq_open() by several processes with one new name at the same time: the queue is made once.
 */
#include "ipck_contest.h"
#include "ipck_mq.h"

/* What each contestant got: an inode, or 0 and an error. */
static struct {
        int oflag, error[MOST_CONTESTANTS];
        ino_t inode[MOST_CONTESTANTS];
} *seen;

static mqd_t queue;                     /* of the contestant */

static void create(int i)
{
        struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = i + 1};

        queue = mq_open(QUEUE_NAME, seen->oflag, 0600, &attr);
        seen->error[i] = errno;
        seen->inode[i] = queue == (mqd_t)-1 ? 0 : mq_stat(queue).st_ino;
}

/* Only now: an inode's number names it as long as it exists. */
static void let_go(int i)
{
        if (seen->inode[i])
                MUST(mq_close(queue));
}

static void begin(int oflag)
{
        seen = shared(sizeof(*seen));
        seen->oflag = oflag;
        begin_contests(create, let_go);
}

/* The inode of the queue that is there in the end, and is removed. */
static ino_t hold(void)
{
        hold_contest();
        const mqd_t last = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR));
        const ino_t inode = mq_stat(last).st_ino;
        remove_mq(last, QUEUE_NAME);
        return inode;
}

TEST(one_exclusive_creator_wins, VERIFIES(mq_open_excl_atomic))
{
        begin(O_CREAT | O_EXCL | O_RDWR);
        for (int n = 0; n < CONTESTS; n++) {
                const ino_t inode = hold();
                int winners = 0;

                for (int i = 0; i < contestants(); i++) {
                        if (seen->inode[i]) {
                                winners++;
                                EQ(mq_open_excl_atomic, seen->inode[i], inode);
                        } else {
                                EQ(mq_open_excl_atomic, seen->error[i], EEXIST);
                        }
                }
                EQ(mq_open_excl_atomic, winners, 1);
                HOLDS(mq_open_excl_atomic, !mq_exists(QUEUE_NAME));
        }
        end_contests();
}

TEST(all_creators_get_the_same_queue, VERIFIES(mq_open_creat_once))
{
        begin(O_CREAT | O_RDWR);
        for (int n = 0; n < CONTESTS; n++) {
                const ino_t inode = hold();

                for (int i = 0; i < contestants(); i++)
                        EQ(mq_open_creat_once, seen->inode[i], inode);
                HOLDS(mq_open_creat_once, !mq_exists(QUEUE_NAME));
        }
        end_contests();
}
