/* SPDX-License-Identifier: MIT
 *
 * msgget() by several processes with one key at the same time: the queue is made once.
 */
#include "ipck_contest.h"
#include "ipck_msg.h"

/* The key of the contest, and what each contestant got. */
static struct {
        key_t key;
        int flags, id[MOST_CONTESTANTS], error[MOST_CONTESTANTS];
} *seen;

static void get(int i)
{
        seen->id[i] = msgget(seen->key, seen->flags);
        seen->error[i] = errno;
}

static void begin(int flags)
{
        seen = shared(sizeof(*seen));
        seen->flags = flags;
        begin_contests(get, NULL);
}

static void hold(void)
{
        seen->key = fresh_key();
        hold_contest();
}

TEST(one_exclusive_creator_wins, VERIFIES(msgget_atomic_creat_excl))
{
        begin(IPC_CREAT | IPC_EXCL | 0600);
        for (int n = 0; n < CONTESTS; n++) {
                int winners = 0, winner = -1;

                hold();
                for (int i = 0; i < contestants(); i++) {
                        if (seen->id[i] != -1) {
                                winners++;
                                winner = seen->id[i];
                        } else {
                                EQ(msgget_atomic_creat_excl, seen->error[i], EEXIST);
                        }
                }
                EQ(msgget_atomic_creat_excl, winners, 1);
                EQ(msgget_atomic_creat_excl, msgget(seen->key, 0), winner);
                EQ(msgget_atomic_creat_excl, msgctl(winner, IPC_RMID, NULL), 0);
                EQ(msgget_atomic_creat_excl, msgget(seen->key, 0), -1);
        }
        end_contests();
}

TEST(all_creators_get_the_same_queue, VERIFIES(msgget_atomic_creat_same_id))
{
        begin(IPC_CREAT | 0600);
        for (int n = 0; n < CONTESTS; n++) {
                hold();
                const int queue = msgget(seen->key, 0);

                HOLDS(msgget_atomic_creat_same_id, queue != -1);
                for (int i = 0; i < contestants(); i++)
                        EQ(msgget_atomic_creat_same_id, seen->id[i], queue);
                EQ(msgget_atomic_creat_same_id, msgctl(queue, IPC_RMID, NULL), 0);
                /* No second queue is left behind it. */
                EQ(msgget_atomic_creat_same_id, msgget(seen->key, 0), -1);
        }
        end_contests();
}
