/* SPDX-License-Identifier: MIT
 *
 * msgsnd(): callers that are threads of one process, and their cancellation.
 */
#include <stdatomic.h>
#include <sys/syscall.h>

#include "ipck_msg.h"

struct sender {
        int queue;
        long type;
        bool uncancelable;
        pthread_t thread;
        _Atomic pid_t id;
        _Atomic bool back, cleaned_up;
        _Atomic int result;     /* 0 or the errno value, once it is back */
};

static void clean_up(void *arg)
{
        struct sender *s = arg;

        s->cleaned_up = true;
}

/* Sends a message of ten bytes. */
static void *sender_main(void *arg)
{
        struct sender *s = arg;
        int result;

        if (s->uncancelable)
                pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
        pthread_cleanup_push(clean_up, s);
        s->id = (pid_t)syscall(SYS_gettid);
        result = put(s->queue, s->type, 10, 0) == 0 ? 0 : errno;
        /* What follows may be a cancellation point, and a request that msgsnd() did not act on stays pending. */
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
        s->result = result;
        s->back = true;
        pthread_cleanup_pop(0);
        return NULL;
}

static void start(struct sender *s)
{
        s->result = -1;
        start_thread(&s->thread, sender_main, s);
}

static bool waits(const struct sender *s)
{
        return s->id && !s->back && sleeping(s->id);
}

/* Whether its call was cancelled. */
static bool finish(struct sender *s)
{
        void *value;

        REQUIRE(pthread_join(s->thread, &value) == 0);
        return value == PTHREAD_CANCELED;
}

TEST(other_threads_go_on, VERIFIES(msgsnd_block_thread_only))
{
        const int queue = new_queue_for(10, 0600);
        struct child process;

        MUST(put(queue, 1, 10, 0));
        CHILD(&process) {
                struct sender sender = {.queue = queue, .type = 2};

                start(&sender);
                UNTIL(waits(&sender));
                here(&process, 1);
                await(&process, 1);
                here(&process, 2);
                EQ(msgsnd_block_thread_only, take(queue, 1), 1);
                EVENTUALLY(msgsnd_block_thread_only, sender.back);
                EQ(msgsnd_block_thread_only, sender.result, 0);
                finish(&sender);
        }
        UNTIL(at(&process) == 1);
        tell(&process, 1);
        EVENTUALLY(msgsnd_block_thread_only, at(&process) == 2);
        EVENTUALLY(msgsnd_block_thread_only, returned(&process));
        EQ(msgsnd_block_thread_only, take(queue, 0), 2);
        join(&process);
}

TEST(several_threads_wait_and_are_served, VERIFIES(msgsnd_block_thread_only, msgsnd_block_multi_senders))
{
        const int queue = new_queue_for(30, 0600);
        struct sender sender[3] = {
                {.queue = queue, .type = 1}, {.queue = queue, .type = 2}, {.queue = queue, .type = 3},
        };

        MUST(put(queue, 9, 30, 0));
        for (int i = 0; i < 3; i++) {
                start(&sender[i]);
                UNTIL(waits(&sender[i]));
        }
        EQ(msgsnd_block_thread_only, QNUM(queue), 1);
        MUST(take(queue, 9));
        for (int i = 0; i < 3; i++) {
                EVENTUALLY(msgsnd_block_multi_senders, sender[i].back);
                EQ(msgsnd_block_multi_senders, sender[i].result, 0);
                finish(&sender[i]);
        }
        EQ(msgsnd_block_multi_senders, QNUM(queue), 3);
}

TEST(last_sender_is_the_process, VERIFIES(msgsnd_upd_lspid_thread))
{
        static const struct {
                const char *name;
                bool full;
        } rows[] = {{"at once", false}, {"after a wait", true}};

        EACH_ROW(row, rows) {
                const int queue = new_queue_for(10, 0600);
                struct sender sender = {.queue = queue, .type = 2};
                struct child other;

                CHILD(&other)
                        MUST(put(queue, 1, 10, 0));
                join(&other);
                if (!row->full)
                        MUST(take(queue, 1));
                start(&sender);
                if (row->full) {
                        UNTIL(waits(&sender));
                        MUST(take(queue, 1));
                }
                EVENTUALLY(msgsnd_upd_lspid_thread, sender.back);
                finish(&sender);
                REQUIRE(sender.id != getpid());
                EQ(msgsnd_upd_lspid_thread, sender.result, 0);
                EQ(msgsnd_upd_lspid_thread, stat_of_queue(queue).msg_lspid, getpid());
        }
}

TEST(signal_ends_the_wait_of_its_thread_only, VERIFIES(msgsnd_eintr_asleep, msgsnd_block_thread_only))
{
        const int queue = new_queue_for(10, 0600);
        struct sender first = {.queue = queue, .type = 2}, second = {.queue = queue, .type = 3};

        catch_signal(SIGUSR1, 0);
        MUST(put(queue, 1, 10, 0));
        start(&first);
        start(&second);
        UNTIL(waits(&first) && waits(&second));
        REQUIRE(pthread_kill(first.thread, SIGUSR1) == 0);
        EVENTUALLY(msgsnd_eintr_asleep, first.back);
        EQ(msgsnd_eintr_asleep, first.result, EINTR);
        HOLDS(msgsnd_block_thread_only, !second.back);
        MUST(take(queue, 1));
        EVENTUALLY(msgsnd_block_thread_only, second.back);
        EQ(msgsnd_block_thread_only, second.result, 0);
        EQ(msgsnd_eintr_asleep, take(queue, 0), 3);
        EQ(msgsnd_eintr_asleep, QNUM(queue), 0);
        finish(&first);
        finish(&second);
}

TEST(removal_wakes_every_thread, VERIFIES(msgsnd_eidrm_asleep))
{
        const int queue = new_queue_for(10, 0600);
        struct sender sender[3] = {
                {.queue = queue, .type = 1}, {.queue = queue, .type = 2}, {.queue = queue, .type = 3},
        };

        MUST(put(queue, 9, 10, 0));
        for (int i = 0; i < 3; i++)
                start(&sender[i]);
        UNTIL(waits(&sender[0]) && waits(&sender[1]) && waits(&sender[2]));
        MUST(msgctl(queue, IPC_RMID, NULL));
        for (int i = 0; i < 3; i++) {
                EVENTUALLY(msgsnd_eidrm_asleep, sender[i].back);
                EQ(msgsnd_eidrm_asleep, sender[i].result, EIDRM);
                finish(&sender[i]);
        }
}

TEST(threads_of_a_killed_process_send_nothing, VERIFIES(exit_blocked_msgsnd_kill))
{
        static const struct {
                const char *name;
                bool exits;
        } rows[] = {{"killed", false}, {"exited", true}};

        EACH_ROW(row, rows) {
                const int queue = new_queue_for(10, 0600);
                struct child process;

                MUST(put(queue, 9, 10, 0));
                CHILD(&process) {
                        struct sender sender[2] = {{.queue = queue, .type = 1}, {.queue = queue, .type = 2}};

                        start(&sender[0]);
                        start(&sender[1]);
                        UNTIL(waits(&sender[0]) && waits(&sender[1]));
                        stay(&process);
                }
                UNTIL(stays(&process));
                if (row->exits)
                        dismiss(&process);
                else
                        kill_child(&process);
                EQ(exit_blocked_msgsnd_kill, take(queue, 0), 9);
                set_queue_bytes(queue, 100);
                EQ(exit_blocked_msgsnd_kill, QNUM(queue), 0);
        }
}

/* ---- cancellation, for which the call must be the C library's ---- */

TEST(cancelled_sender_sends_nothing, VERIFIES(msgsnd_cancel_point), ONE_ROUTE)
{
        const int queue = new_queue_for(10, 0600);
        struct sender sender = {.queue = queue, .type = 2};

        MUST(put(queue, 1, 10, 0));
        start(&sender);
        UNTIL(waits(&sender));
        const struct queue_view before = view_of_queue(queue);
        REQUIRE(pthread_cancel(sender.thread) == 0);
        EVENTUALLY(msgsnd_cancel_point, sender.cleaned_up);
        HOLDS(msgsnd_cancel_point, finish(&sender));
        HOLDS(msgsnd_cancel_point, !sender.back);
        const struct queue_view after = view_of_queue(queue);
        HOLDS(msgsnd_cancel_point, same_queue_view(&before, &after));
        EQ(msgsnd_cancel_point, take(queue, 0), 1);
        EQ(msgsnd_cancel_point, QNUM(queue), 0);
}

TEST(cancelled_sender_does_not_hold_up_others, VERIFIES(msgsnd_cancel_point), ONE_ROUTE)
{
        const int queue = new_queue_for(10, 0600);
        struct sender cancelled = {.queue = queue, .type = 2}, next = {.queue = queue, .type = 3};

        MUST(put(queue, 1, 10, 0));
        start(&cancelled);
        UNTIL(waits(&cancelled));
        start(&next);
        UNTIL(waits(&next));
        REQUIRE(pthread_cancel(cancelled.thread) == 0);
        EVENTUALLY(msgsnd_cancel_point, cancelled.cleaned_up);
        HOLDS(msgsnd_cancel_point, !next.back);
        MUST(take(queue, 1));
        EVENTUALLY(msgsnd_cancel_point, next.back);
        EQ(msgsnd_cancel_point, next.result, 0);
        EQ(msgsnd_cancel_point, take(queue, 0), 3);
        EQ(msgsnd_cancel_point, QNUM(queue), 0);
        HOLDS(msgsnd_cancel_point, finish(&cancelled));
        finish(&next);
}

TEST(sender_that_cannot_be_cancelled_waits_on, VERIFIES(msgsnd_cancel_disabled), ONE_ROUTE)
{
        const int queue = new_queue_for(10, 0600);
        struct sender sender = {.queue = queue, .type = 2, .uncancelable = true};

        MUST(put(queue, 1, 10, 0));
        start(&sender);
        UNTIL(waits(&sender));
        REQUIRE(pthread_cancel(sender.thread) == 0);
        MUST(take(queue, 1));
        EVENTUALLY(msgsnd_cancel_disabled, sender.back);
        EQ(msgsnd_cancel_disabled, sender.result, 0);
        EQ(msgsnd_cancel_disabled, take(queue, 0), 2);
        HOLDS(msgsnd_cancel_disabled, !finish(&sender));
}
