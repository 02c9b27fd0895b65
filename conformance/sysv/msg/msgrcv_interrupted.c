/* SPDX-License-Identifier: MIT
 *
 * msgrcv(): what a signal that is caught does to a caller that waits.
 */
#include "ipck_msg.h"

/* Ways to wait at a queue with a message of type 4. */
static const struct wait {
        const char *name;
        long msgtyp;
        int msgflg;
} waits[] = {
        {"a type", 5, 0}, {"types up to 3", -3, 0}, {"another type", 4, MSG_EXCEPT},
        {"with MSG_NOERROR", 5, MSG_NOERROR},
};

/* A receiver whose wait the signal must end. */
static void start(struct child *c, enum ipck_requirement req, int queue, const struct wait *how, int flags)
{
        CHILD(c) {
                struct message message;

                catch_signal(SIGUSR1, flags);
                here(c, 1);
                FAILS_WITH(req, EINTR, msgrcv(queue, &message, sizeof(message.text), how->msgtyp, how->msgflg));
                EQ(req, signals_caught(), 1);
        }
        UNTIL(blocked(c));
}

TEST(caught_signal_ends_the_wait, VERIFIES(msgrcv_eintr_asleep, msgrcv_fail_no_effect))
{
        EACH_ROW(how, waits) {
                const int queue = new_queue(0600);
                struct child receiver;

                post(queue, 4, "stays");
                const struct queue_view before = view_of_queue(queue);
                start(&receiver, msgrcv_eintr_asleep, queue, how, 0);
                MUST(kill(receiver.pid, SIGUSR1));
                EVENTUALLY(msgrcv_eintr_asleep, returned(&receiver));
                join(&receiver);
                const struct queue_view after = view_of_queue(queue);
                HOLDS(msgrcv_fail_no_effect, same_queue_view(&before, &after));
                /* It is no longer there for what comes. */
                post(queue, 5, "next");
                EQ(msgrcv_eintr_asleep, take(queue, 5), 5);
                EQ(msgrcv_eintr_asleep, take(queue, 0), 4);
        }
}

TEST(caught_signal_ends_the_wait_at_an_empty_queue, VERIFIES(msgrcv_eintr_asleep))
{
        const int queue = new_queue(0600);
        struct child receiver;

        start(&receiver, msgrcv_eintr_asleep, queue, &(struct wait){.msgtyp = 0}, 0);
        MUST(kill(receiver.pid, SIGUSR1));
        EVENTUALLY(msgrcv_eintr_asleep, returned(&receiver));
        join(&receiver);
        EQ(msgrcv_eintr_asleep, QNUM(queue), 0);
}

TEST(caught_signal_ends_the_wait_despite_sa_restart, VERIFIES(msgrcv_eintr_no_restart))
{
        const int queue = new_queue(0600);

        post(queue, 4, "stays");
        EACH_ROW(how, waits) {
                struct child receiver;

                start(&receiver, msgrcv_eintr_no_restart, queue, how, SA_RESTART);
                MUST(kill(receiver.pid, SIGUSR1));
                EVENTUALLY(msgrcv_eintr_no_restart, returned(&receiver));
                join(&receiver);
                EQ(msgrcv_eintr_no_restart, QNUM(queue), 1);
        }
}

TEST(signal_ends_the_wait_of_one_receiver, VERIFIES(msgrcv_eintr_asleep, msgrcv_block_until_type))
{
        enum { RECEIVERS = 3 };
        const int queue = new_queue(0600);
        struct child receiver[RECEIVERS];

        for (int i = 0; i < RECEIVERS; i++) {
                if (i == 1) {
                        start(&receiver[i], msgrcv_eintr_asleep, queue, &(struct wait){.msgtyp = 5}, 0);
                        continue;
                }
                CHILD(&receiver[i]) {
                        struct message message;

                        catch_signal(SIGUSR1, 0);
                        here(&receiver[i], 1);
                        EQ(msgrcv_block_until_type, msgrcv(queue, &message, sizeof(message.text), 5, 0), 4);
                }
                UNTIL(blocked(&receiver[i]));
        }
        MUST(kill(receiver[1].pid, SIGUSR1));
        EVENTUALLY(msgrcv_eintr_asleep, returned(&receiver[1]));
        HOLDS(msgrcv_block_until_type, !returned(&receiver[0]) && !returned(&receiver[2]));
        for (int i = 0; i < RECEIVERS; i++)
                post(queue, 5, "text");
        EVENTUALLY(msgrcv_block_until_type, returned(&receiver[0]) && returned(&receiver[2]));
        EQ(msgrcv_eintr_asleep, QNUM(queue), 1);
        for (int i = 0; i < RECEIVERS; i++)
                join(&receiver[i]);
}

/* ---- signal and message together ---- */

struct numbered {
        long type;
        int number;
};

static void send_number(int queue, int number)
{
        const struct numbered message = {.type = 5, .number = number};

        MUST(msgsnd(queue, &message, sizeof(message.number), 0));
}

static int receive_number(int queue, struct numbered *message, int msgflg)
{
        return (int)msgrcv(queue, message, sizeof(message->number), 5, msgflg);
}

TEST(signal_and_message_at_once_lose_nothing, VERIFIES(msgrcv_eintr_vs_delivery), KERNEL_ALONE)
{
        enum { ROUNDS = 200 };
        static const struct {
                const char *name;
                bool signal_first;
        } rows[] = {{"signal then message", true}, {"message then signal", false}};

        EACH_ROW(row, rows) {
                const int queue = new_queue(0600);
                struct {
                        int result, error;
                        struct numbered message;
                } *const got = shared(sizeof(*got));
                struct numbered left;
                struct child receiver;

                CHILD(&receiver) {
                        catch_signal(SIGUSR1, 0);
                        for (int round = 1; round <= ROUNDS; round++) {
                                here(&receiver, 2 * round - 1);
                                got->result = receive_number(queue, &got->message, 0);
                                got->error = errno;
                                here(&receiver, 2 * round);
                                await(&receiver, round);
                        }
                }
                for (int round = 1; round <= ROUNDS; round++) {
                        /* In its wait; but a signal of the round before may come only now, and end it too soon. */
                        UNTIL(at(&receiver) == 2 * round ||
                              (at(&receiver) == 2 * round - 1 && sleeping(receiver.pid)));
                        if (row->signal_first)
                                MUST(kill(receiver.pid, SIGUSR1));
                        dawdle();
                        send_number(queue, round);
                        if (!row->signal_first)
                                MUST(kill(receiver.pid, SIGUSR1));
                        EVENTUALLY(msgrcv_eintr_vs_delivery, at(&receiver) == 2 * round);
                        if (got->result == -1) {
                                EQ(msgrcv_eintr_vs_delivery, got->error, EINTR);
                                EQ(msgrcv_eintr_vs_delivery, receive_number(queue, &left, IPC_NOWAIT),
                                   sizeof(left.number));
                                EQ(msgrcv_eintr_vs_delivery, left.number, round);
                        } else {
                                EQ(msgrcv_eintr_vs_delivery, got->result, sizeof(got->message.number));
                                EQ(msgrcv_eintr_vs_delivery, got->message.number, round);
                        }
                        FAILS_WITH(msgrcv_eintr_vs_delivery, ENOMSG, receive_number(queue, &left, IPC_NOWAIT));
                        tell(&receiver, round);
                }
                join(&receiver);
        }
}

TEST(rain_of_signals_loses_no_message, VERIFIES(msgrcv_eintr_vs_delivery, msgrcv_block_exactly_one))
{
        enum { MESSAGES = 500, RECEIVERS = 3 };
        const int queue = new_queue(0600);
        _Atomic int *const received = shared((MESSAGES + 1) * sizeof(*received));
        struct child receiver[RECEIVERS];

        for (int i = 0; i < RECEIVERS; i++) {
                CHILD(&receiver[i]) {
                        struct numbered message = {.number = 0};

                        catch_signal(SIGUSR1, 0);
                        here(&receiver[i], 1);
                        while (message.number != MESSAGES) {
                                if (receive_number(queue, &message, 0) == -1)
                                        REQUIRE(errno == EINTR);
                                else
                                        received[message.number]++;
                        }
                        await(&receiver[i], 1);
                }
                UNTIL(at(&receiver[i]) == 1);
        }
        for (int n = 0; n < MESSAGES + RECEIVERS; n++) {
                MUST(kill(receiver[random_below(RECEIVERS)].pid, SIGUSR1));
                dawdle();
                /* The last number sends a receiver home. */
                send_number(queue, n < MESSAGES ? n : MESSAGES);
                MUST(kill(receiver[random_below(RECEIVERS)].pid, SIGUSR1));
        }
        EVENTUALLY(msgrcv_eintr_vs_delivery, received[MESSAGES] == RECEIVERS);
        for (int i = 0; i < RECEIVERS; i++)
                dismiss(&receiver[i]);
        for (int n = 0; n < MESSAGES; n++) {
                HOLDS(msgrcv_eintr_vs_delivery, received[n] >= 1);
                HOLDS(msgrcv_block_exactly_one, received[n] <= 1);
        }
        EQ(msgrcv_eintr_vs_delivery, QNUM(queue), 0);
}
