/* SPDX-License-Identifier: MIT
 *
 * msgrcv(): callers that are threads of one process. Each waits and is served by itself, in the name of the process.
 */
#include "ipck_msg.h"
#include "ipck_thread.h"

struct receiver {
        struct thread thread;
        int queue, msgflg;
        long msgtyp;
        int error;
        long type;
};

/* Keeps errno as well, and the type. */
static int receive(void *arg)
{
        struct receiver *r = arg;
        struct message message;
        const int result = (int)msgrcv(r->queue, &message, sizeof(message.text), r->msgtyp, r->msgflg);

        r->error = errno;
        r->type = message.type;
        return result;
}

static void start_receiver(struct receiver *r)
{
        start(&r->thread, receive, r);
}

/* ---- msg_lrpid ---- */

TEST(thread_that_need_not_wait_receives_for_the_process, VERIFIES(msgrcv_upd_lrpid_thread_immediate))
{
        static const struct {
                const char *name;
                int msgflg;
        } rows[] = {{"with IPC_NOWAIT", IPC_NOWAIT}, {"without", 0}};

        EACH_ROW(row, rows) {
                const int queue = new_queue(0600);
                struct child process;

                post(queue, 5, "text");
                CHILD(&process) {
                        struct receiver receiver = {.queue = queue, .msgflg = row->msgflg};

                        start_receiver(&receiver);
                        finish(&receiver.thread);
                        REQUIRE(receiver.thread.result == 4 && receiver.thread.id != getpid());
                }
                join(&process);
                EQ(msgrcv_upd_lrpid_thread_immediate, stat_of_queue(queue).msg_lrpid, process.pid);
        }
}

TEST(thread_that_had_to_wait_receives_for_the_process, VERIFIES(msgrcv_upd_lrpid_thread_blocked))
{
        const int queue = new_queue(0600);
        struct child process;

        CHILD(&process) {
                struct receiver receiver = {.queue = queue};

                start_receiver(&receiver);
                UNTIL(waits(&receiver.thread));
                here(&process, 1);
                finish(&receiver.thread);
                REQUIRE(receiver.thread.result == 4 && receiver.thread.id != getpid());
        }
        UNTIL(at(&process) == 1);
        post(queue, 5, "text");
        EVENTUALLY(msgrcv_upd_lrpid_thread_blocked, returned(&process));
        join(&process);
        EQ(msgrcv_upd_lrpid_thread_blocked, stat_of_queue(queue).msg_lrpid, process.pid);
}

TEST(initial_thread_that_had_to_wait_receives_for_the_process, VERIFIES(msgrcv_upd_lrpid_thread_blocked))
{
        const int queue = new_queue(0600);
        struct child process;

        /* Beside another thread that waits for something else. */
        CHILD(&process) {
                struct receiver other = {.queue = queue, .msgtyp = 9};
                struct message message;

                start_receiver(&other);
                UNTIL(waits(&other.thread));
                here(&process, 1);
                REQUIRE(msgrcv(queue, &message, sizeof(message.text), 5, 0) == 4);
        }
        UNTIL(blocked(&process));
        post(queue, 5, "text");
        EVENTUALLY(msgrcv_upd_lrpid_thread_blocked, returned(&process));
        EQ(msgrcv_upd_lrpid_thread_blocked, stat_of_queue(queue).msg_lrpid, process.pid);
        join(&process);
}

/* ---- several threads ---- */

static int back(const struct receiver *receivers, int count)
{
        int sum = 0;

        for (int i = 0; i < count; i++)
                sum += receivers[i].thread.back;
        return sum;
}

TEST(one_message_serves_one_thread, VERIFIES(msgrcv_block_exactly_one))
{
        enum { THREADS = 4 };
        const int queue = new_queue(0600);
        struct receiver receiver[THREADS];

        for (int i = 0; i < THREADS; i++) {
                receiver[i] = (struct receiver){.queue = queue, .msgtyp = i % 2 ? 5 : 0};
                start_receiver(&receiver[i]);
                UNTIL(waits(&receiver[i].thread));
        }
        for (int served = 1; served <= THREADS; served++) {
                post(queue, 5, "text");
                EVENTUALLY(msgrcv_block_exactly_one, back(receiver, THREADS) >= served);
                for (int i = 0; i < THREADS; i++)
                        UNTIL(receiver[i].thread.back || waits(&receiver[i].thread));
                EQ(msgrcv_block_exactly_one, back(receiver, THREADS), served);
                EQ(msgrcv_block_exactly_one, QNUM(queue), 0);
        }
        for (int i = 0; i < THREADS; i++) {
                finish(&receiver[i].thread);
                EQ(msgrcv_block_exactly_one, receiver[i].thread.result, 4);
                EQ(msgrcv_block_exactly_one, receiver[i].type, 5);
        }
}

TEST(each_thread_gets_what_it_asked_for, VERIFIES(msgrcv_block_until_type, msgrcv_block_negative_type))
{
        const int queue = new_queue(0600);
        struct receiver exact = {.queue = queue, .msgtyp = 5}, low = {.queue = queue, .msgtyp = -3};

        start_receiver(&exact);
        UNTIL(waits(&exact.thread));
        start_receiver(&low);
        UNTIL(waits(&low.thread));
        post(queue, 4, "for nobody");
        post(queue, 2, "text");
        EVENTUALLY(msgrcv_block_negative_type, low.thread.back);
        EQ(msgrcv_block_negative_type, low.type, 2);
        HOLDS(msgrcv_block_until_type, !exact.thread.back);
        post(queue, 5, "text");
        EVENTUALLY(msgrcv_block_until_type, exact.thread.back);
        EQ(msgrcv_block_until_type, exact.type, 5);
        finish(&exact.thread);
        finish(&low.thread);
}

TEST(signal_ends_the_wait_of_its_thread_only, VERIFIES(msgrcv_eintr_asleep, msgrcv_block_until_type))
{
        const int queue = new_queue(0600);
        struct receiver first = {.queue = queue}, second = {.queue = queue};

        catch_signal(SIGUSR1, 0);
        start_receiver(&first);
        UNTIL(waits(&first.thread));
        start_receiver(&second);
        UNTIL(waits(&second.thread));
        REQUIRE(pthread_kill(first.thread.handle, SIGUSR1) == 0);
        EVENTUALLY(msgrcv_eintr_asleep, first.thread.back);
        finish(&first.thread);
        EQ(msgrcv_eintr_asleep, first.thread.result, -1);
        EQ(msgrcv_eintr_asleep, first.error, EINTR);
        HOLDS(msgrcv_block_until_type, !second.thread.back);
        post(queue, 5, "text");
        EVENTUALLY(msgrcv_block_until_type, second.thread.back);
        finish(&second.thread);
        EQ(msgrcv_block_until_type, second.thread.result, 4);
}

/* ---- cancellation: a matter of the C library ---- */

TEST(cancelled_receiver_gets_nothing, VERIFIES(msgrcv_cancel_point), ONE_ROUTE)
{
        static const struct {
                const char *name;
                long msgtyp;
        } rows[] = {{"first", 0}, {"a type", 5}, {"types up to 5", -5}};

        EACH_ROW(row, rows) {
                const int queue = new_queue(0600);
                struct receiver receiver = {.queue = queue, .msgtyp = row->msgtyp};

                start_receiver(&receiver);
                UNTIL(waits(&receiver.thread));
                const struct queue_view before = view_of_queue(queue);
                REQUIRE(pthread_cancel(receiver.thread.handle) == 0);
                EVENTUALLY(msgrcv_cancel_point, receiver.thread.cancelled || receiver.thread.back);
                HOLDS(msgrcv_cancel_point, receiver.thread.cancelled);
                HOLDS(msgrcv_cancel_point, finish(&receiver.thread));
                const struct queue_view after = view_of_queue(queue);
                HOLDS(msgrcv_cancel_point, same_queue_view(&before, &after));
                post(queue, 5, "text");
                EQ(msgrcv_cancel_point, QNUM(queue), 1);
                EQ(msgrcv_cancel_point, take(queue, row->msgtyp), 5);
        }
}

TEST(other_receivers_outlive_a_cancelled_one, VERIFIES(msgrcv_cancel_point), ONE_ROUTE)
{
        const int queue = new_queue(0600);
        struct receiver cancelled = {.queue = queue}, other = {.queue = queue};

        start_receiver(&cancelled);
        UNTIL(waits(&cancelled.thread));
        start_receiver(&other);
        UNTIL(waits(&other.thread));
        REQUIRE(pthread_cancel(cancelled.thread.handle) == 0);
        EVENTUALLY(msgrcv_cancel_point, cancelled.thread.cancelled || cancelled.thread.back);
        HOLDS(msgrcv_cancel_point, finish(&cancelled.thread));
        HOLDS(msgrcv_cancel_point, !other.thread.back);
        post(queue, 5, "text");
        EVENTUALLY(msgrcv_cancel_point, other.thread.back);
        HOLDS(msgrcv_cancel_point, !finish(&other.thread));
        EQ(msgrcv_cancel_point, other.thread.result, 4);
}

TEST(receiver_that_cannot_be_cancelled_waits_on, VERIFIES(msgrcv_cancel_disabled), ONE_ROUTE)
{
        const int queue = new_queue(0600);
        struct receiver receiver = {.queue = queue, .thread.uncancelable = true};

        start_receiver(&receiver);
        UNTIL(waits(&receiver.thread));
        REQUIRE(pthread_cancel(receiver.thread.handle) == 0);
        /* A signal that the library sends is caught before anything else happens. */
        UNTIL(receiver.thread.back || receiver.thread.cancelled || waits(&receiver.thread));
        HOLDS(msgrcv_cancel_disabled, !receiver.thread.cancelled);
        MUST(put(queue, 5, 10, IPC_NOWAIT));
        EVENTUALLY(msgrcv_cancel_disabled, receiver.thread.back);
        EQ(msgrcv_cancel_disabled, receiver.thread.result, 10);
        EQ(msgrcv_cancel_disabled, QNUM(queue), 0);
        HOLDS(msgrcv_cancel_disabled, !finish(&receiver.thread));
}
