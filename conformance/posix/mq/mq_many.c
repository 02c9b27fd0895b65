/* SPDX-License-Identifier: MIT
 *
 * mq_send(), mq_receive(): many at once, on a queue that is mostly full or mostly empty.
 */
#include "ipck_mq_way.h"

enum { SENDERS = 3, RECEIVERS = 3, PRIORITIES = 2, EACH = 300, TOTAL = SENDERS * EACH };

struct numbered {
        int sender, number;             /* sender -1: the last message a receiver takes */
        unsigned priority;
        unsigned char pattern[20];
};

struct tally {
        _Atomic int received[SENDERS][EACH];
        _Atomic int total;
};

static void send_all(mqd_t queue, int sender)
{
        for (int number = 0; number < EACH; number++) {
                struct numbered message = {
                        .sender = sender, .number = number, .priority = random_below(PRIORITIES),
                };

                fill_pattern(message.pattern, sizeof(message.pattern), (uint32_t)(sender * EACH + number));
                while (mq_send(queue, (const char *)&message, sizeof(message), message.priority) == -1)
                        REQUIRE(errno == EINTR);
        }
}

/* Each receiver sees the messages of one sender and one priority in the order in which they were sent. */
static void receive_until_told(mqd_t queue, struct tally *tally)
{
        int last[SENDERS][PRIORITIES];
        struct numbered message;

        memset(last, -1, sizeof(last));
        for (;;) {
                unsigned priority;
                const ssize_t length = mq_receive(queue, (char *)&message, sizeof(message), &priority);

                if (length == -1) {
                        REQUIRE(errno == EINTR);
                        continue;
                }
                EQ(mq_send_conserved, length, sizeof(message));
                if (message.sender == -1)
                        return;
                REQUIRE(message.sender < SENDERS && message.number < EACH && message.priority < PRIORITIES);
                EQ(mq_send_conserved, priority, message.priority);
                HOLDS(mq_send_conserved, has_pattern(message.pattern, sizeof(message.pattern),
                                                     (uint32_t)(message.sender * EACH + message.number)));
                BETWEEN(mq_send_order_fifo, last[message.sender][priority] + 1, message.number, EACH - 1);
                last[message.sender][priority] = message.number;
                tally->received[message.sender][message.number]++;
                tally->total++;
        }
}

static void judge(const struct tally *tally)
{
        EQ(mq_send_conserved, tally->total, TOTAL);
        for (int sender = 0; sender < SENDERS; sender++)
                for (int number = 0; number < EACH; number++)
                        EQ(mq_send_conserved, tally->received[sender][number], 1);
}

/* The statement runs while they do, round after round. */
static void exchange(mqd_t queue, void (*disturb)(struct child *all, int count))
{
        struct tally *const tally = shared(sizeof(*tally));
        struct child all[SENDERS + RECEIVERS];
        const struct numbered last = {.sender = -1};

        for (int i = 0; i < SENDERS + RECEIVERS; i++) {
                CHILD(&all[i]) {
                        catch_signal(SIGUSR1, 0);
                        here(&all[i], 1);
                        if (i < SENDERS)
                                send_all(queue, i);
                        else
                                receive_until_told(queue, tally);
                        /* It may still be sent signals. */
                        here(&all[i], 2);
                        await(&all[i], 1);
                }
                UNTIL(at(&all[i]) >= 1);
        }
        for (int i = 0; i < SENDERS; i++) {
                while (at(&all[i]) < 2 && disturb) {
                        disturb(all, SENDERS + RECEIVERS);
                        dawdle();
                }
                EVENTUALLY(mq_send_conserved, at(&all[i]) == 2);
        }
        for (int i = 0; i < RECEIVERS; i++)
                MUST(mq_send(queue, (const char *)&last, sizeof(last), 0));
        for (int i = SENDERS; i < SENDERS + RECEIVERS; i++)
                EVENTUALLY(mq_send_conserved, at(&all[i]) == 2);
        for (int i = 0; i < SENDERS + RECEIVERS; i++)
                dismiss(&all[i]);
        judge(tally);
        EQ(mq_send_conserved, mq_count(queue), 0);
}

TEST(every_message_is_received_once, VERIFIES(mq_send_conserved, mq_send_order_fifo))
{
        static const struct {
                const char *name;
                long maxmsg;
        } rows[] = {{"a queue of one", 1}, {"a queue of four", 4}};

        EACH_ROW(row, rows)
                exchange(another_mq(O_RDWR, row->maxmsg, sizeof(struct numbered)), NULL);
}

static void interrupt_one(struct child *all, int count)
{
        MUST(kill(all[random_below((uint32_t)count)].pid, SIGUSR1));
}

TEST(rain_of_signals_loses_no_message, VERIFIES(mq_send_conserved, mq_send_order_fifo))
{
        exchange(another_mq(O_RDWR, 2, sizeof(struct numbered)), interrupt_one);
}
