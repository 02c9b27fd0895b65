/* SPDX-License-Identifier: MIT
 *
 * msgsnd(): callers that go to sleep, or wake up, just when room comes, the queue goes or a signal arrives, at another
 * moment each round.
 */
#include "ipck_msg.h"

TEST(receive_just_when_a_sender_goes_to_sleep_is_not_missed, VERIFIES(msgsnd_block_no_lost_wakeup), KERNEL_ALONE)
{
        enum { SENDERS = 3, ROUNDS = 500 };
        static const struct {
                const char *name;
                int senders;
        } rows[] = {{"one sender", 1}, {"several senders", SENDERS}};

        EACH_ROW(row, rows) {
                const int queue = new_queue_for(1, 0600);
                struct child sender[SENDERS];

                for (int i = 0; i < row->senders; i++)
                        CHILD(&sender[i])
                                for (int round = 0; round < ROUNDS; round++)
                                        EQ(msgsnd_block_no_lost_wakeup, put(queue, i + 1, 1, 0), 0);
                for (int n = 0; n < row->senders * ROUNDS; n++) {
                        EVENTUALLY(msgsnd_block_no_lost_wakeup, take(queue, 0) != -1);
                        dawdle();
                }
                for (int i = 0; i < row->senders; i++) {
                        EVENTUALLY(msgsnd_block_no_lost_wakeup, returned(&sender[i]));
                        join(&sender[i]);
                }
        }
}

TEST(raise_just_when_a_sender_goes_to_sleep_is_not_missed,
     VERIFIES(msgsnd_block_no_lost_wakeup, msgsnd_block_ipcset_raise))
{
        enum { ROUNDS = 300 };
        const int queue = new_queue_for(0, 0600);
        struct child sender;

        CHILD(&sender)
                for (int round = 1; round <= ROUNDS; round++) {
                        await(&sender, round);
                        EQ(msgsnd_block_no_lost_wakeup, put(queue, 1, 1, 0), 0);
                        here(&sender, round);
                }
        for (int round = 1; round <= ROUNDS; round++) {
                tell(&sender, round);
                dawdle();
                set_queue_bytes(queue, 1);
                EVENTUALLY(msgsnd_block_ipcset_raise, at(&sender) == round);
                MUST(take(queue, 0));
                set_queue_bytes(queue, 0);
        }
        EQ(msgsnd_block_no_lost_wakeup, QNUM(queue), 0);
        join(&sender);
}

/* Whichever comes first, the answer and the queue agree. */
TEST(signal_and_receive_at_once_send_all_or_nothing, VERIFIES(msgsnd_eintr_asleep), KERNEL_ALONE)
{
        enum { ROUNDS = 200 };
        static const struct {
                const char *name;
                bool signal_first;
        } rows[] = {{"signal then receive", true}, {"receive then signal", false}};

        EACH_ROW(row, rows) {
                const int queue = new_queue_for(10, 0600);
                int *const result = shared(sizeof(*result));
                struct child sender;

                CHILD(&sender) {
                        catch_signal(SIGUSR1, 0);
                        for (int round = 1; round <= ROUNDS; round++) {
                                await(&sender, round);
                                here(&sender, 2 * round - 1);
                                *result = put(queue, 2, 10, 0) == 0 ? 0 : errno;
                                here(&sender, 2 * round);
                        }
                }
                for (int round = 1; round <= ROUNDS; round++) {
                        MUST(put(queue, 1, 10, IPC_NOWAIT));
                        tell(&sender, round);
                        /* A signal of the round before may come only now, and end the wait too soon. */
                        UNTIL(at(&sender) == 2 * round || (at(&sender) == 2 * round - 1 && sleeping(sender.pid)));
                        if (row->signal_first)
                                MUST(kill(sender.pid, SIGUSR1));
                        dawdle();
                        MUST(take(queue, 1));
                        if (!row->signal_first)
                                MUST(kill(sender.pid, SIGUSR1));
                        EVENTUALLY(msgsnd_eintr_asleep, at(&sender) == 2 * round);
                        HOLDS(msgsnd_eintr_asleep, *result == 0 || *result == EINTR);
                        EQ(msgsnd_eintr_asleep, QNUM(queue), *result == 0);
                        take(queue, 2);
                }
                join(&sender);
        }
}

/* Room and the removal come one after the other: the sender has sent, or has the news, and no other answer. */
TEST(removal_right_behind_a_receive, VERIFIES(msgsnd_eidrm_asleep), KERNEL_ALONE)
{
        for (int i = 0; i < 50; i++) {
                const int queue = new_queue_for(10, 0600);
                struct child sender;

                MUST(put(queue, 1, 10, 0));
                CHILD(&sender) {
                        here(&sender, 1);
                        HOLDS(msgsnd_eidrm_asleep, put(queue, 2, 10, 0) == 0 || errno == EIDRM);
                }
                UNTIL(blocked(&sender));
                MUST(take(queue, 1));
                MUST(msgctl(queue, IPC_RMID, NULL));
                EVENTUALLY(msgsnd_eidrm_asleep, returned(&sender));
                join(&sender);
        }
}

/* The removal meets senders in whatever they are doing: all come back. */
TEST(removal_while_senders_go_to_sleep_leaves_none_behind, VERIFIES(msgsnd_eidrm_asleep))
{
        enum { SENDERS = 2, ROUNDS = 100 };
        int *const queue = shared(sizeof(*queue));
        struct child sender[SENDERS];

        for (int i = 0; i < SENDERS; i++) {
                CHILD(&sender[i]) {
                        for (int round = 1; round <= ROUNDS; round++) {
                                await(&sender[i], round);
                                while (put(*queue, 1, 1, 0) == 0) {
                                }
                                HOLDS(msgsnd_eidrm_asleep, errno == EIDRM || errno == EINVAL);
                                here(&sender[i], round);
                        }
                }
        }
        for (int round = 1; round <= ROUNDS; round++) {
                *queue = new_queue_for(8, 0600);
                for (int i = 0; i < SENDERS; i++)
                        tell(&sender[i], round);
                dawdle();
                MUST(msgctl(*queue, IPC_RMID, NULL));
                for (int i = 0; i < SENDERS; i++)
                        EVENTUALLY(msgsnd_eidrm_asleep, at(&sender[i]) == round);
        }
        for (int i = 0; i < SENDERS; i++)
                join(&sender[i]);
}
