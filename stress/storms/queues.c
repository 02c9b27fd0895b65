/* SPDX-License-Identifier: MIT
 *
 * queues.c: POSIX message queues under many senders and receivers, drained when nobody sends, and with a registration
 * for the next message. Messages are conserved, come by priority and then by age, and one arrival notifies once.
 */
#include <fcntl.h>
#include <mqueue.h>

#include "storm.h"

enum { MOST_SENDERS = 32, MOST_RECEIVERS = 32, MOST_EACH = 200, PRIORITIES = 32, DEPTH = 10, LONGEST = 200 };
enum kind { TRAFFIC, DRAIN, NOTIFICATION, KINDS };

static struct books {
        enum kind kind;
        mqd_t queue;
        int senders, receivers, each;
        _Atomic int sending, sent, received, registered;
        gate drain;
        _Atomic bool seen[MOST_SENDERS][MOST_EACH];
} *books;

struct message {
        uint16_t sender, number, priority, size;
        unsigned char text[LONGEST];
};

static const sigset_t *arrival(void)
{
        static sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGRTMIN);
        return &set;
}

/* ---- senders ---- */

static void send(int sender, int number, const struct timespec *limit)
{
        struct message message = {(uint16_t)sender, (uint16_t)number, (uint16_t)pick(once_in(2) ? 3 : PRIORITIES),
                                  (uint16_t)pick(LONGEST + 1), {0}};
        const size_t size = offsetof(struct message, text) + message.size;

        fill_pattern(message.text, message.size, (uint32_t)(number * 64 + sender));
        books->sent++;
        doing("mq_send()");
        const int result = limit ? mq_timedsend(books->queue, (char *)&message, size, message.priority, limit)
                                 : mq_send(books->queue, (char *)&message, size, message.priority);
        EXPECT(mq_send_block_full, result == 0, "mq_send() fails with %s", errno_name(errno));
        count_operations(1);
}

static void sender(int me)
{
        const struct timespec hour = deadline_in(CLOCK_REALTIME, INT64_C(3600000000000));

        for (int number = 0; number < books->each && (books->kind != TRAFFIC || more_time()); number++)
                send(me, number, once_in(2) ? &hour : NULL);
        books->sending--;
}

/* ---- receivers ---- */

static void judge(const struct message *message, size_t size, unsigned priority)
{
        static int last[MOST_SENDERS][PRIORITIES];      /* plus 1 */

        EXPECT(mq_receive_content, size >= offsetof(struct message, text) &&
               size == offsetof(struct message, text) + message->size && message->sender < MOST_SENDERS &&
               message->number < MOST_EACH && message->priority == priority && priority < PRIORITIES &&
               has_pattern(message->text, message->size, (uint32_t)(message->number * 64 + message->sender)),
               "a message of priority %u with %zu bytes was received that nobody has sent", priority, size);
        EXPECT(mq_send_conserved, !atomic_exchange(&books->seen[message->sender][message->number], true),
               "message %u of sender %u was received twice", message->number, message->sender);
        EXPECT(mq_send_order_fifo, last[message->sender][priority] <= message->number,
               "message %u of sender %u and priority %u came after its message %d", message->number, message->sender,
               priority, last[message->sender][priority] - 1);
        last[message->sender][priority] = message->number + 1;
}

/* Ends with a message without bytes. */
static void receiver(int me)
{
        static struct message message;
        unsigned priority;
        ssize_t size;

        (void)me;
        doing("mq_receive()");
        while ((size = mq_receive(books->queue, (char *)&message, sizeof(message), &priority)) > 0) {
                judge(&message, (size_t)size, priority);
                books->received++;
                count_operations(1);
        }
        EXPECT(mq_receive_block_empty, size == 0, "mq_receive() fails with %s", errno_name(errno));
}

/* While nobody sends, what one receives comes by priority. */
static void drainer(int me)
{
        static struct message message;
        struct timespec past = {.tv_sec = 1};
        unsigned priority, before = PRIORITIES;
        ssize_t size;

        (void)me;
        wait_at(&books->drain);
        doing("mq_timedreceive()");
        while ((size = mq_timedreceive(books->queue, (char *)&message, sizeof(message), &priority, &past)) > 0) {
                judge(&message, (size_t)size, priority);
                EXPECT(mq_receive_oldest_highest, priority <= before, "priority %u is received after priority %u",
                       priority, before);
                before = priority;
                books->received++;
                count_operations(1);
        }
        EXPECT(mq_receive_timed_past, errno == ETIMEDOUT, "mq_timedreceive() of an empty queue fails with %s",
               errno_name(errno));
}

/* ---- notification ---- */

/* All want to be told; one can be. It is told once, whatever comes. */
static void registrant(int me)
{
        const struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN,
                                       .sigev_value.sival_int = me};
        siginfo_t info;

        doing("mq_notify()");
        if (mq_notify(books->queue, &event) == -1) {
                EXPECT(mq_notify_ebusy, errno == EBUSY, "mq_notify() fails with %s", errno_name(errno));
                return;
        }
        EXPECT(mq_notify_ebusy, atomic_fetch_add(&books->registered, 1) == 0, "two processes are registered");
        EXPECT(mq_notify_ebusy, mq_notify(books->queue, &event) == -1 && errno == EBUSY,
               "a process registers twice for one queue");
        doing("sigwaitinfo() for a notification");
        while (sigwaitinfo(arrival(), &info) == -1) {
        }
        EXPECT(mq_notify_signal_siginfo, info.si_value.sival_int == me && info.si_code == SI_MESGQ,
               "the notification of worker %d has the value %d and si_code %d", me, info.si_value.sival_int,
               info.si_code);
        /* Each signal is queued before the call that sends it is over. */
        wait_at(&books->drain);
        const struct timespec none = {0};
        EXPECT(mq_notify_once, sigtimedwait(arrival(), &info, &none) == -1, "a registration is notified twice");
        count_operations(2);
}

static void notification(int senders)
{
        const int registrants = 1 + (int)pick(6);

        muster(registrants, registrant);
        set_off();
        EXPECT(mq_notify_ebusy, WITHIN(books->registered == 1 && workers_left() == 1),
               "of %d calls of mq_notify() at the same time %d succeeded", registrants, books->registered);
        books->each = 1 + (int)pick(2);
        if (senders * books->each > DEPTH)
                senders = DEPTH / books->each;
        books->sending = senders;
        muster(senders, sender);
        EXPECT(mq_send_block_full, WITHIN(books->sending == 0), "mq_send() waits although there is room");
        open_gate(&books->drain);
        all_end(mq_notify_signal);
}

/* ---- a round ---- */

/* A message without bytes for each receiver. */
static void stopper(int me)
{
        (void)me;
        doing("mq_send() of no bytes");
        for (int i = 0; i < books->receivers; i++)
                EXPECT(mq_send_len0, mq_send(books->queue, "", 0, pick(PRIORITIES)) == 0,
                       "mq_send() of no bytes fails with %s", errno_name(errno));
}

static void traffic(void)
{
        muster(books->senders, sender);
        muster(books->receivers, receiver);
        set_off();
        while (books->sending > 0 || books->received < books->sent) {
                const int before = books->received;
                const bool goes_on = WITHIN(books->received != before ||
                                            (books->sending == 0 && books->received == books->sent));
                EXPECT(mq_receive_wakes_sender, goes_on,
                       "of %d messages sent or to be sent %d were received, and nothing moves", books->sent,
                       books->received);
                workers_left();
        }
        muster(1, stopper);
        all_end(mq_receive_wakes_one);
        struct mq_attr attributes;
        MUST(mq_getattr(books->queue, &attributes));
        EXPECT(mq_send_conserved, attributes.mq_curmsgs == 0, "when all is received %ld messages are left",
               attributes.mq_curmsgs);
}

static void drain(void)
{
        books->each = 1 + (int)pick(3);
        if (books->senders * books->each > DEPTH)
                books->senders = DEPTH / books->each;
        books->sending = books->senders;
        muster(books->senders, sender);
        muster(books->receivers, drainer);
        set_off();
        EXPECT(mq_send_block_full, WITHIN(books->sending == 0), "mq_send() waits although there is room");
        open_gate(&books->drain);
        all_end(mq_receive_timed_etimedout);
        EXPECT(mq_send_conserved, books->received == books->sent, "of %d messages %d were received", books->sent,
               books->received);
}

STORM(queues, "POSIX message queues: nothing lost or doubled, by priority and age, one notification for one arrival")
{
        struct mq_attr attributes = {.mq_maxmsg = DEPTH, .mq_msgsize = sizeof(struct message)};

        if (!queues_exist())
                UNSUPPORTED("POSIX message queues");
        MUST(sigprocmask(SIG_BLOCK, arrival(), NULL));
        books = shared(sizeof(*books));
        while (another_round()) {
                memset(books, 0, sizeof(*books));
                books->kind = (enum kind)pick(KINDS);
                books->queue = mq_open("/ipck-storm", O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
                MUST(mq_unlink("/ipck-storm"));
                books->senders = draw_crew(1, MOST_SENDERS);
                books->receivers = draw_crew(1, MOST_RECEIVERS);
                books->each = 1 + (int)pick(MOST_EACH);
                books->sending = books->senders;
                if (books->kind == TRAFFIC)
                        traffic();
                else if (books->kind == DRAIN)
                        drain();
                else
                        notification(books->senders);
                MUST(mq_close(books->queue));
        }
}
