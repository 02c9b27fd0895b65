/* SPDX-License-Identifier: MIT
 *
 * msgrcv(): callers that are threads of one process. Each waits and is served by itself, in the name of the process.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "ipck_msg.h"

struct receiver {
        int queue, msgflg;
        long msgtyp;
        bool uncancelable;
        pthread_t thread;
        _Atomic pid_t id;
        _Atomic bool back, cleaned;
        int result, error;
        long type;
};

static void clean(void *arg)
{
        struct receiver *r = arg;

        r->cleaned = true;
}

static void *receiver_main(void *arg)
{
        struct receiver *r = arg;
        struct message message;

        if (r->uncancelable)
                pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
        pthread_cleanup_push(clean, r);
        r->id = (pid_t)syscall(SYS_gettid);
        r->result = (int)msgrcv(r->queue, &message, sizeof(message.text), r->msgtyp, r->msgflg);
        r->error = errno;
        /* What follows may be a cancellation point, and a request that msgrcv() did not act on stays pending. */
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
        pthread_cleanup_pop(0);
        r->type = message.type;
        r->back = true;
        return NULL;
}

static void start(struct receiver *r)
{
        start_thread(&r->thread, receiver_main, r);
}

static bool waits(const struct receiver *r)
{
        return r->id && sleeping(r->id);
}

/* Whether its call was cancelled. */
static bool finish(const struct receiver *r)
{
        void *value;

        REQUIRE(pthread_join(r->thread, &value) == 0);
        return value == PTHREAD_CANCELED;
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

                        start(&receiver);
                        finish(&receiver);
                        REQUIRE(receiver.result == 4 && receiver.id != getpid());
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

                start(&receiver);
                UNTIL(waits(&receiver));
                here(&process, 1);
                finish(&receiver);
                REQUIRE(receiver.result == 4 && receiver.id != getpid());
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

                start(&other);
                UNTIL(waits(&other));
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

TEST(one_message_serves_one_thread, VERIFIES(msgrcv_block_exactly_one))
{
        enum { THREADS = 4 };
        const int queue = new_queue(0600);
        struct receiver receiver[THREADS];

        for (int i = 0; i < THREADS; i++) {
                receiver[i] = (struct receiver){.queue = queue, .msgtyp = i % 2 ? 5 : 0};
                start(&receiver[i]);
                UNTIL(waits(&receiver[i]));
        }
        for (int served = 1; served <= THREADS; served++) {
                post(queue, 5, "text");
                EVENTUALLY(msgrcv_block_exactly_one,
                           receiver[0].back + receiver[1].back + receiver[2].back + receiver[3].back >= served);
                for (int i = 0; i < THREADS; i++)
                        UNTIL(receiver[i].back || waits(&receiver[i]));
                EQ(msgrcv_block_exactly_one,
                   receiver[0].back + receiver[1].back + receiver[2].back + receiver[3].back, served);
                EQ(msgrcv_block_exactly_one, QNUM(queue), 0);
        }
        for (int i = 0; i < THREADS; i++) {
                finish(&receiver[i]);
                EQ(msgrcv_block_exactly_one, receiver[i].result, 4);
                EQ(msgrcv_block_exactly_one, receiver[i].type, 5);
        }
}

TEST(each_thread_gets_what_it_asked_for, VERIFIES(msgrcv_block_until_type, msgrcv_block_negative_type))
{
        const int queue = new_queue(0600);
        struct receiver exact = {.queue = queue, .msgtyp = 5}, low = {.queue = queue, .msgtyp = -3};

        start(&exact);
        UNTIL(waits(&exact));
        start(&low);
        UNTIL(waits(&low));
        post(queue, 4, "for nobody");
        post(queue, 2, "text");
        EVENTUALLY(msgrcv_block_negative_type, low.back);
        EQ(msgrcv_block_negative_type, low.type, 2);
        HOLDS(msgrcv_block_until_type, !exact.back);
        post(queue, 5, "text");
        EVENTUALLY(msgrcv_block_until_type, exact.back);
        EQ(msgrcv_block_until_type, exact.type, 5);
        finish(&exact);
        finish(&low);
}

TEST(signal_ends_the_wait_of_its_thread_only, VERIFIES(msgrcv_eintr_asleep, msgrcv_block_until_type))
{
        const int queue = new_queue(0600);
        struct receiver first = {.queue = queue}, second = {.queue = queue};

        catch_signal(SIGUSR1, 0);
        start(&first);
        UNTIL(waits(&first));
        start(&second);
        UNTIL(waits(&second));
        REQUIRE(pthread_kill(first.thread, SIGUSR1) == 0);
        EVENTUALLY(msgrcv_eintr_asleep, first.back);
        finish(&first);
        EQ(msgrcv_eintr_asleep, first.result, -1);
        EQ(msgrcv_eintr_asleep, first.error, EINTR);
        HOLDS(msgrcv_block_until_type, !second.back);
        post(queue, 5, "text");
        EVENTUALLY(msgrcv_block_until_type, second.back);
        finish(&second);
        EQ(msgrcv_block_until_type, second.result, 4);
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

                start(&receiver);
                UNTIL(waits(&receiver));
                const struct queue_view before = view_of_queue(queue);
                REQUIRE(pthread_cancel(receiver.thread) == 0);
                EVENTUALLY(msgrcv_cancel_point, receiver.cleaned || receiver.back);
                HOLDS(msgrcv_cancel_point, receiver.cleaned);
                HOLDS(msgrcv_cancel_point, finish(&receiver));
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

        start(&cancelled);
        UNTIL(waits(&cancelled));
        start(&other);
        UNTIL(waits(&other));
        REQUIRE(pthread_cancel(cancelled.thread) == 0);
        EVENTUALLY(msgrcv_cancel_point, cancelled.cleaned || cancelled.back);
        HOLDS(msgrcv_cancel_point, finish(&cancelled));
        HOLDS(msgrcv_cancel_point, !other.back);
        post(queue, 5, "text");
        EVENTUALLY(msgrcv_cancel_point, other.back);
        HOLDS(msgrcv_cancel_point, !finish(&other));
        EQ(msgrcv_cancel_point, other.result, 4);
}

TEST(receiver_that_cannot_be_cancelled_waits_on, VERIFIES(msgrcv_cancel_disabled), ONE_ROUTE)
{
        const int queue = new_queue(0600);
        struct receiver receiver = {.queue = queue, .uncancelable = true};

        start(&receiver);
        UNTIL(waits(&receiver));
        REQUIRE(pthread_cancel(receiver.thread) == 0);
        MUST(put(queue, 5, 10, IPC_NOWAIT));
        EVENTUALLY(msgrcv_cancel_disabled, receiver.back);
        EQ(msgrcv_cancel_disabled, receiver.result, 10);
        EQ(msgrcv_cancel_disabled, QNUM(queue), 0);
        HOLDS(msgrcv_cancel_disabled, !finish(&receiver));
}
