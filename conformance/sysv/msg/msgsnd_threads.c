/* SPDX-License-Identifier: MIT
 *
 * msgsnd(): callers that are threads of one process, and their cancellation.
 */
#include "ipck_msg.h"
#include "ipck_thread.h"

struct sender {
        struct thread thread;
        int queue;
        long type;
};

/* 0 or the errno value. */
static int send_ten_bytes(void *arg)
{
        const struct sender *s = arg;

        return put(s->queue, s->type, 10, 0) == 0 ? 0 : errno;
}

static void start_sender(struct sender *s)
{
        start(&s->thread, send_ten_bytes, s);
}

TEST(other_threads_go_on, VERIFIES(msgsnd_block_thread_only))
{
        const int queue = new_queue_for(10, 0600);
        struct child process;

        MUST(put(queue, 1, 10, 0));
        CHILD(&process) {
                struct sender sender = {.queue = queue, .type = 2};

                start_sender(&sender);
                UNTIL(waits(&sender.thread));
                here(&process, 1);
                await(&process, 1);
                here(&process, 2);
                EQ(msgsnd_block_thread_only, take(queue, 1), 1);
                EVENTUALLY(msgsnd_block_thread_only, sender.thread.back);
                EQ(msgsnd_block_thread_only, sender.thread.result, 0);
                finish(&sender.thread);
        }
        /* The other thread gets there while this one waits. */
        EVENTUALLY(msgsnd_block_thread_only, at(&process) == 1);
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
                start_sender(&sender[i]);
                UNTIL(waits(&sender[i].thread));
        }
        EQ(msgsnd_block_thread_only, QNUM(queue), 1);
        MUST(take(queue, 9));
        for (int i = 0; i < 3; i++) {
                EVENTUALLY(msgsnd_block_multi_senders, sender[i].thread.back);
                EQ(msgsnd_block_multi_senders, sender[i].thread.result, 0);
                finish(&sender[i].thread);
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
                start_sender(&sender);
                if (row->full) {
                        UNTIL(waits(&sender.thread));
                        MUST(take(queue, 1));
                }
                EVENTUALLY(msgsnd_upd_lspid_thread, sender.thread.back);
                finish(&sender.thread);
                REQUIRE(sender.thread.id != getpid());
                EQ(msgsnd_upd_lspid_thread, sender.thread.result, 0);
                EQ(msgsnd_upd_lspid_thread, stat_of_queue(queue).msg_lspid, getpid());
        }
}

TEST(signal_ends_the_wait_of_its_thread_only, VERIFIES(msgsnd_eintr_asleep, msgsnd_block_thread_only))
{
        const int queue = new_queue_for(10, 0600);
        struct sender first = {.queue = queue, .type = 2}, second = {.queue = queue, .type = 3};

        catch_signal(SIGUSR1, 0);
        MUST(put(queue, 1, 10, 0));
        start_sender(&first);
        start_sender(&second);
        UNTIL(waits(&first.thread) && waits(&second.thread));
        REQUIRE(pthread_kill(first.thread.handle, SIGUSR1) == 0);
        EVENTUALLY(msgsnd_eintr_asleep, first.thread.back);
        EQ(msgsnd_eintr_asleep, first.thread.result, EINTR);
        HOLDS(msgsnd_block_thread_only, !second.thread.back);
        MUST(take(queue, 1));
        EVENTUALLY(msgsnd_block_thread_only, second.thread.back);
        EQ(msgsnd_block_thread_only, second.thread.result, 0);
        EQ(msgsnd_eintr_asleep, take(queue, 0), 3);
        EQ(msgsnd_eintr_asleep, QNUM(queue), 0);
        finish(&first.thread);
        finish(&second.thread);
}

TEST(removal_wakes_every_thread, VERIFIES(msgsnd_eidrm_asleep))
{
        const int queue = new_queue_for(10, 0600);
        struct sender sender[3] = {
                {.queue = queue, .type = 1}, {.queue = queue, .type = 2}, {.queue = queue, .type = 3},
        };

        MUST(put(queue, 9, 10, 0));
        for (int i = 0; i < 3; i++)
                start_sender(&sender[i]);
        UNTIL(waits(&sender[0].thread) && waits(&sender[1].thread) && waits(&sender[2].thread));
        MUST(msgctl(queue, IPC_RMID, NULL));
        for (int i = 0; i < 3; i++) {
                EVENTUALLY(msgsnd_eidrm_asleep, sender[i].thread.back);
                EQ(msgsnd_eidrm_asleep, sender[i].thread.result, EIDRM);
                finish(&sender[i].thread);
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

                        start_sender(&sender[0]);
                        start_sender(&sender[1]);
                        UNTIL(waits(&sender[0].thread) && waits(&sender[1].thread));
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
        start_sender(&sender);
        UNTIL(waits(&sender.thread));
        const struct queue_view before = view_of_queue(queue);
        REQUIRE(pthread_cancel(sender.thread.handle) == 0);
        EVENTUALLY(msgsnd_cancel_point, sender.thread.cancelled);
        HOLDS(msgsnd_cancel_point, finish(&sender.thread));
        HOLDS(msgsnd_cancel_point, !sender.thread.back);
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
        start_sender(&cancelled);
        UNTIL(waits(&cancelled.thread));
        start_sender(&next);
        UNTIL(waits(&next.thread));
        REQUIRE(pthread_cancel(cancelled.thread.handle) == 0);
        EVENTUALLY(msgsnd_cancel_point, cancelled.thread.cancelled);
        HOLDS(msgsnd_cancel_point, !next.thread.back);
        MUST(take(queue, 1));
        EVENTUALLY(msgsnd_cancel_point, next.thread.back);
        EQ(msgsnd_cancel_point, next.thread.result, 0);
        EQ(msgsnd_cancel_point, take(queue, 0), 3);
        EQ(msgsnd_cancel_point, QNUM(queue), 0);
        HOLDS(msgsnd_cancel_point, finish(&cancelled.thread));
        finish(&next.thread);
}

TEST(sender_that_cannot_be_cancelled_waits_on, VERIFIES(msgsnd_cancel_disabled), ONE_ROUTE)
{
        const int queue = new_queue_for(10, 0600);
        struct sender sender = {.queue = queue, .type = 2, .thread.uncancelable = true};

        MUST(put(queue, 1, 10, 0));
        start_sender(&sender);
        UNTIL(waits(&sender.thread));
        REQUIRE(pthread_cancel(sender.thread.handle) == 0);
        /* A signal that the library sends is caught before anything else happens. */
        UNTIL(sender.thread.back || sender.thread.cancelled || waits(&sender.thread));
        HOLDS(msgsnd_cancel_disabled, !sender.thread.cancelled);
        MUST(take(queue, 1));
        EVENTUALLY(msgsnd_cancel_disabled, sender.thread.back);
        EQ(msgsnd_cancel_disabled, sender.thread.result, 0);
        EQ(msgsnd_cancel_disabled, take(queue, 0), 2);
        HOLDS(msgsnd_cancel_disabled, !finish(&sender.thread));
}
