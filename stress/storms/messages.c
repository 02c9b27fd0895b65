/* SPDX-License-Identifier: MIT
 *
 * messages.c: producers and consumers of messages of many types. Each message is received once, whole, by who asked for
 * such a type, and those of one producer and type in their order.
 */
#include <sys/msg.h>

#include "storm.h"

enum { MOST_PRODUCERS = 32, MOST_CONSUMERS = 64, MOST_TYPES = 6, MOST_EACH = 500, MOST_BYTES = 8000 };
enum { DEAF_TYPE = 1000, RESIDENT_TYPE, KILLED_TYPE };

/* Who takes what: each type its own consumers; each consumer whatever it likes; or all of them the first, or the
 * lowest, with nobody sending meanwhile or beside the producers. */
enum way { DEDICATED, MIXED, FIRST, LOWEST, WAYS };

static struct books {
        int queue, types, consumers, each;
        enum way way;
        bool later;                             /* they begin when all is sent */
        gate sent_all;
        _Atomic int producing, sent, received;
        _Atomic bool seen[MOST_PRODUCERS][MOST_EACH];
} *books;

struct message {
        long type;
        struct label {
                uint16_t producer, type;
                uint32_t number, size;
        } label;
        unsigned char text[MOST_BYTES];
};

static int producers_begin;                     /* the first of them among the workers */

/* ---- producers ---- */

static uint32_t pattern_of(const struct label *label)
{
        return label->number * 64 + label->producer;
}

static void send(const struct message *message)
{
        const size_t size = sizeof(message->label) + message->label.size;

        if (once_in(4)) {
                doing("msgsnd() with IPC_NOWAIT");
                if (msgsnd(books->queue, message, size, IPC_NOWAIT) == 0)
                        return;
                EXPECT(msgsnd_eagain_qbytes, errno == EAGAIN, "msgsnd() fails with %s", errno_name(errno));
        }
        doing("msgsnd()");
        EXPECT(msgsnd_block_until_space, msgsnd(books->queue, message, size, 0) == 0, "msgsnd() fails with %s",
               errno_name(errno));
}

static void producer(int me)
{
        static struct message message;

        for (int number = 0; number < books->each && more_time(); number++) {
                struct label *const label = &message.label;
                *label = (struct label){(uint16_t)(me - producers_begin), (uint16_t)(1 + pick((uint32_t)books->types)),
                                        (uint32_t)number, pick(once_in(8) && !books->later ? MOST_BYTES : 64)};
                message.type = label->type;
                fill_pattern(message.text, label->size, pattern_of(label));
                books->sent++;
                send(&message);
                count_operations(1);
        }
        books->producing--;
}

/* ---- consumers ---- */

static ssize_t receive(struct message *message, long type, int flags)
{
        return msgrcv(books->queue, message, sizeof(*message) - sizeof(message->type), type, flags);
}

/* What msgrcv() is asked for. */
struct wish {
        long type;
        int flags;
};

static struct wish wish(int me)
{
        const long type = 1 + (long)pick((uint32_t)books->types);

        if (books->way == DEDICATED)
                return (struct wish){1 + me % books->types, once_in(4) ? IPC_NOWAIT : 0};
        if (books->way == FIRST)
                return (struct wish){0, 0};
        if (books->way == LOWEST)
                return (struct wish){-MOST_TYPES, 0};
        if (me == 0)
                return (struct wish){0, 0};     /* so that each message has somebody who takes it */
        switch (pick(5)) {
        case 0: return (struct wish){0, 0};
        case 1: return (struct wish){-type, 0};
        case 2: return (struct wish){type, MSG_EXCEPT};
        case 3: return (struct wish){type, IPC_NOWAIT};
        default: return (struct wish){type, 0};
        }
}

static bool granted(const struct wish *w, long type)
{
        if (w->flags & MSG_EXCEPT)
                return type != w->type;
        return w->type == 0 || (w->type < 0 ? type <= -w->type : type == w->type);
}

static void judge(const struct wish *w, const struct message *message, size_t size)
{
        static uint32_t last[MOST_PRODUCERS][MOST_TYPES + 1];   /* plus 1 */
        const struct label *const label = &message->label;

        EXPECT(msgrcv_block_until_type, granted(w, message->type), "msgrcv() for %ld with flags %#x returns type %ld",
               w->type, (unsigned)w->flags, message->type);
        EXPECT(msgsnd_ret_zero, size >= sizeof(*label) && size == sizeof(*label) + label->size &&
               label->type == message->type && label->producer < MOST_PRODUCERS && label->number < MOST_EACH &&
               has_pattern(message->text, label->size, pattern_of(label)),
               "a message of type %ld with %zu bytes was received that nobody has sent", message->type, size);
        EXPECT(msgrcv_block_exactly_one, !atomic_exchange(&books->seen[label->producer][label->number], true),
               "message %u of producer %u was received twice", label->number, label->producer);
        EXPECT(msgrcv_sel_order_kept, last[label->producer][label->type] <= label->number,
               "message %u of producer %u and type %u came after its message %u", label->number, label->producer,
               label->type, last[label->producer][label->type] - 1);
        last[label->producer][label->type] = label->number + 1;

        static uint32_t first[MOST_PRODUCERS];                  /* plus 1 */
        static long lowest;
        if (books->way == FIRST)
                EXPECT(msgsnd_order_fifo, first[label->producer] <= label->number,
                       "message %u of producer %u came after its message %u", label->number, label->producer,
                       first[label->producer] - 1);
        first[label->producer] = label->number + 1;
        if (books->way == LOWEST && books->later)
                EXPECT(msgrcv_sel_negative_lowest, lowest <= message->type,
                       "type %ld is received before type %ld", lowest, message->type);
        lowest = message->type;
}

static void consumer(int me)
{
        static struct message message;

        if (books->later)
                wait_at(&books->sent_all);
        for (;;) {
                const struct wish w = wish(me);
                doing(w.flags & IPC_NOWAIT ? "msgrcv() with IPC_NOWAIT" : "msgrcv()");
                const ssize_t size = receive(&message, w.type, w.flags);
                if (size == -1 && (errno == EIDRM || errno == EINVAL))
                        return;
                if (size == -1) {
                        EXPECT(msgrcv_enomsg, errno == ENOMSG && w.flags & IPC_NOWAIT, "msgrcv() fails with %s",
                               errno_name(errno));
                        continue;
                }
                judge(&w, &message, (size_t)size);
                count_operations(1);
                books->received++;
        }
}

/* ---- those who are killed while they wait ---- */

static void deaf(int me)
{
        static struct message message;

        (void)me;
        doing("msgrcv()");
        receive(&message, DEAF_TYPE, 0);
}

/* What was meant for a receiver that was killed is there for the next. */
static void kill_receivers(void)
{
        static struct message message;
        const int first = crew_size(), count = 1 + (int)pick(3);

        muster(count, deaf);
        for (int i = first; i < first + count; i++) {
                if (once_in(2))
                        WITHIN(sleeping(worker_pid(i)));
                kill_worker(i);
        }
        message.type = DEAF_TYPE;
        MUST(msgsnd(books->queue, &message, 1, 0));
        EXPECT(exit_blocked_msgrcv_kill, msgrcv(books->queue, &message, 1, DEAF_TYPE, IPC_NOWAIT) == 1,
               "a message that was sent when all who waited for it had been killed is not there");
}

static void blocked_sender(int me)
{
        struct message message = {.type = KILLED_TYPE};

        (void)me;
        doing("msgsnd()");
        msgsnd(books->queue, &message, 64, 0);
}

/* What a sender that was killed waited to send never comes. */
static void kill_senders(void)
{
        static struct message message;
        const int first = crew_size(), count = 1 + (int)pick(3);

        message.type = RESIDENT_TYPE;
        while (msgsnd(books->queue, &message, 64, IPC_NOWAIT) == 0) {
        }
        muster(count, blocked_sender);
        for (int i = first; i < first + count; i++) {
                if (once_in(2))
                        WITHIN(sleeping(worker_pid(i)));
                kill_worker(i);
        }
        while (receive(&message, RESIDENT_TYPE, IPC_NOWAIT) != -1) {
        }
}

static void expect_nothing_of_the_killed(void)
{
        static struct message message;

        EXPECT(exit_blocked_msgsnd_kill,
               receive(&message, KILLED_TYPE, IPC_NOWAIT) == -1,
               "a message is there whose sender was killed before there was room for it");
}

/* ---- a round ---- */

static void make_queue(void)
{
        struct msqid_ds ds;

        books->queue = (int)MUST(msgget(IPC_PRIVATE, 0600));
        MUST(msgctl(books->queue, IPC_STAT, &ds));
        if (once_in(2) && ds.msg_qbytes > sizeof(struct message)) {
                ds.msg_qbytes = sizeof(struct message) + pick((uint32_t)(ds.msg_qbytes - sizeof(struct message)));
                MUST(msgctl(books->queue, IPC_SET, &ds));
        }
}

/* So that all that is sent has room. */
static void send_few(int producers)
{
        enum { MOST = 100 };

        if (books->each * producers > MOST)
                books->each = MOST / producers;
}

static void await_receipt(void)
{
        while (books->producing > 0 || books->received < books->sent) {
                const int before = books->received;
                const bool goes_on = WITHIN(books->received != before ||
                                            (books->producing == 0 && books->received == books->sent));
                if (!goes_on)
                        VIOLATED(msgsnd_block_no_lost_wakeup,
                                 "of %d messages sent or to be sent %d were received, and nothing moves", books->sent,
                                 books->received);
                workers_left();
        }
}

STORM(messages, "producers and consumers of messages by type: nothing lost, doubled, torn or out of order")
{
        struct msqid_ds ds;

        books = shared(sizeof(*books));
        while (another_round()) {
                memset(books, 0, sizeof(*books));
                make_queue();
                books->types = 1 + (int)pick(MOST_TYPES);
                books->way = (enum way)pick(WAYS);
                books->later = (books->way == FIRST || books->way == LOWEST) && once_in(2);
                books->each = 1 + (int)pick(once_in(8) ? MOST_EACH : 40);
                books->consumers = draw_crew(books->types, MOST_CONSUMERS);
                if (books->consumers < books->types)
                        books->types = books->consumers;
                const int producers = draw_crew(1, MOST_PRODUCERS);
                if (books->later)
                        send_few(producers);
                books->producing = producers;
                producers_begin = books->consumers;
                /* A queue that is never empty. */
                const bool resident = books->way == DEDICATED && once_in(2);
                if (resident)
                        MUST(msgsnd(books->queue, &(struct message){.type = RESIDENT_TYPE}, 8, 0));
                muster(books->consumers, consumer);
                muster(producers, producer);
                set_off();
                if (books->later) {
                        EXPECT(msgsnd_block_until_space, WITHIN(books->producing == 0),
                               "msgsnd() waits although there is room");
                        open_gate(&books->sent_all);
                }
                await_receipt();
                MUST(msgctl(books->queue, IPC_STAT, &ds));
                EXPECT(msgrcv_upd_cbytes, ds.msg_qnum == resident && ds.__msg_cbytes == 8U * resident,
                       "a queue that holds %d messages has msg_qnum %lu and %lu bytes", resident,
                       (unsigned long)ds.msg_qnum, (unsigned long)ds.__msg_cbytes);
                if (books->way == DEDICATED && once_in(2))
                        kill_senders();
                if (books->way == DEDICATED && once_in(2))
                        kill_receivers();
                expect_nothing_of_the_killed();
                EXPECT(msgctl_rmid_removes, msgctl(books->queue, IPC_RMID, NULL) == 0, "IPC_RMID fails with %s",
                       errno_name(errno));
                all_end(msgrcv_eidrm_all);
        }
}
