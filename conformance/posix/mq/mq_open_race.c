/* SPDX-License-Identifier: MIT
 *
 * mq_open() by several processes with one new name at the same time: the queue is made once.
 */
#include "ipck_mq.h"

enum { MOST_CONTESTANTS = 8, CONTESTS = 60 };

/* One contest after the other; what each contestant got: an inode, or 0 and an error. */
static struct contest {
        _Atomic int round, done;
        int oflag, contestants;
        ino_t inode[MOST_CONTESTANTS];
        int error[MOST_CONTESTANTS];
} *contest;

static struct child contestants[MOST_CONTESTANTS];

static void contend(int round, int i)
{
        struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = i + 1};
        const mqd_t queue = mq_open(QUEUE_NAME, contest->oflag, 0600, &attr);

        contest->error[i] = errno;
        contest->inode[i] = queue == (mqd_t)-1 ? 0 : mq_stat(queue).st_ino;
        contest->done++;
        /* An inode's number names it as long as it exists. */
        UNTIL(contest->done >= round * contest->contestants);
        if (queue != (mqd_t)-1)
                MUST(mq_close(queue));
}

static void begin(int oflag)
{
        struct rlimit processes;

        contest = shared(sizeof(*contest));
        contest->oflag = oflag;
        /* Where processes are few they have to suffice for the tests beside this one too. */
        MUST(getrlimit(RLIMIT_NPROC, &processes));
        contest->contestants = processes.rlim_cur < 100 ? 3 : MOST_CONTESTANTS;
        for (int i = 0; i < contest->contestants; i++)
                CHILD(&contestants[i])
                        for (int round = 1; round <= CONTESTS; round++) {
                                /* All set out at the same moment as nearly as can be. */
                                UNTIL(contest->round >= round);
                                contend(round, i);
                        }
}

static ino_t hold(int round)
{
        contest->round = round;
        UNTIL(contest->done == round * contest->contestants);
        const mqd_t queue = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR));
        const ino_t inode = mq_stat(queue).st_ino;
        remove_mq(queue, QUEUE_NAME);
        return inode;
}

static void end(void)
{
        for (int i = 0; i < contest->contestants; i++)
                join(&contestants[i]);
}

TEST(one_exclusive_creator_wins, VERIFIES(mq_open_excl_atomic))
{
        begin(O_CREAT | O_EXCL | O_RDWR);
        for (int round = 1; round <= CONTESTS; round++) {
                const ino_t inode = hold(round);
                int winners = 0;

                for (int i = 0; i < contest->contestants; i++) {
                        if (contest->inode[i]) {
                                winners++;
                                EQ(mq_open_excl_atomic, contest->inode[i], inode);
                        } else {
                                EQ(mq_open_excl_atomic, contest->error[i], EEXIST);
                        }
                }
                EQ(mq_open_excl_atomic, winners, 1);
                HOLDS(mq_open_excl_atomic, !mq_exists(QUEUE_NAME));
        }
        end();
}

TEST(all_creators_get_the_same_queue, VERIFIES(mq_open_creat_once))
{
        begin(O_CREAT | O_RDWR);
        for (int round = 1; round <= CONTESTS; round++) {
                const ino_t inode = hold(round);

                for (int i = 0; i < contest->contestants; i++)
                        EQ(mq_open_creat_once, contest->inode[i], inode);
                HOLDS(mq_open_creat_once, !mq_exists(QUEUE_NAME));
        }
        end();
}
