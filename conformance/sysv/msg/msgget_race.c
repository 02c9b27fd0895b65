/* SPDX-License-Identifier: MIT
 *
 * msgget() by several processes with one key at the same time: the queue is made once.
 */
#include "ipck_msg.h"

enum { MOST_CONTESTANTS = 8, CONTESTS = 60 };

/* One contest after the other; id and error say what each contestant got. */
static struct contest {
        _Atomic int round, done;
        key_t key;
        int flags, contestants;
        int id[MOST_CONTESTANTS], error[MOST_CONTESTANTS];
} *contest;

static struct child contestants[MOST_CONTESTANTS];

static void begin(int flags)
{
        struct rlimit processes;

        contest = shared(sizeof(*contest));
        contest->flags = flags;
        /* Where processes are few they have to suffice for the tests beside this one too. */
        MUST(getrlimit(RLIMIT_NPROC, &processes));
        contest->contestants = processes.rlim_cur < 100 ? 3 : MOST_CONTESTANTS;
        for (int i = 0; i < contest->contestants; i++)
                CHILD(&contestants[i])
                        for (int round = 1; round <= CONTESTS; round++) {
                                /* All set out at the same moment as nearly as can be. */
                                UNTIL(contest->round >= round);
                                contest->id[i] = msgget(contest->key, contest->flags);
                                contest->error[i] = errno;
                                contest->done++;
                        }
}

static void hold(int round)
{
        contest->key = fresh_key();
        contest->round = round;
        UNTIL(contest->done == round * contest->contestants);
}

static void end(void)
{
        for (int i = 0; i < contest->contestants; i++)
                join(&contestants[i]);
}

TEST(one_exclusive_creator_wins, VERIFIES(msgget_atomic_creat_excl))
{
        begin(IPC_CREAT | IPC_EXCL | 0600);
        for (int round = 1; round <= CONTESTS; round++) {
                int winners = 0, winner = -1;

                hold(round);
                for (int i = 0; i < contest->contestants; i++) {
                        if (contest->id[i] != -1) {
                                winners++;
                                winner = contest->id[i];
                        } else {
                                EQ(msgget_atomic_creat_excl, contest->error[i], EEXIST);
                        }
                }
                EQ(msgget_atomic_creat_excl, winners, 1);
                EQ(msgget_atomic_creat_excl, msgget(contest->key, 0), winner);
                EQ(msgget_atomic_creat_excl, msgctl(winner, IPC_RMID, NULL), 0);
                FAILS_WITH(msgget_atomic_creat_excl, ENOENT, msgget(contest->key, 0));
        }
        end();
}

TEST(all_creators_get_the_same_queue, VERIFIES(msgget_atomic_creat_same_id))
{
        begin(IPC_CREAT | 0600);
        for (int round = 1; round <= CONTESTS; round++) {
                hold(round);
                const int queue = msgget(contest->key, 0);

                HOLDS(msgget_atomic_creat_same_id, queue != -1);
                for (int i = 0; i < contest->contestants; i++)
                        EQ(msgget_atomic_creat_same_id, contest->id[i], queue);
                EQ(msgget_atomic_creat_same_id, msgctl(queue, IPC_RMID, NULL), 0);
                /* No second queue is left behind it. */
                FAILS_WITH(msgget_atomic_creat_same_id, ENOENT, msgget(contest->key, 0));
        }
        end();
}
