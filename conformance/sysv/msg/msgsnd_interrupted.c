/* SPDX-License-Identifier: MIT
 *
 * msgsnd(): what signals and death do to a caller that waits for room.
 */
#include <sys/wait.h>

#include "ipck_msg.h"

/* Every way to wait: a queue with a message of type 1. */
struct wait {
        const char *name;
        size_t qbytes, size;    /* of the queue, and of the message on it */
        size_t sent;            /* what waits until that message is gone */
};
static const struct wait every_wait[] = {
        {"full by bytes", 100, 100, 10},
        {"too little room", 100, 50, 51},
        {"full by number", 1, 0, 0},
};
enum { WAYS = sizeof(every_wait) / sizeof(*every_wait) };

static int new_full_queue(const struct wait *wait)
{
        const int queue = new_queue_for(wait->qbytes, 0600);

        MUST(put(queue, 1, wait->size, IPC_NOWAIT));
        return queue;
}

/* ---- signals that are caught ---- */

TEST(caught_signal_ends_the_wait, VERIFIES(msgsnd_eintr_asleep, msgsnd_fail_no_effect), MOSTLY_WAITS)
{
        struct child senders[WAYS];
        int queues[WAYS] = {0};

        EACH_ROW(wait, every_wait) {
                struct child *const sender = &senders[wait - every_wait];
                const int queue = queues[wait - every_wait] = new_full_queue(wait);

                CHILD(sender) {
                        catch_signal(SIGUSR1, 0);
                        here(sender, 1);
                        FAILS_WITH(msgsnd_eintr_asleep, EINTR, put(queue, 2, wait->sent, 0));
                        EQ(msgsnd_eintr_asleep, signals_caught(), 1);
                }
                UNTIL(blocked(sender));
        }
        /* A time that is recorded by mistake shows. */
        next_second(now());
        EACH_ROW(wait, every_wait) {
                struct child *const sender = &senders[wait - every_wait];
                const int queue = queues[wait - every_wait];
                const struct queue_view before = view_of_queue(queue);

                MUST(kill(sender->pid, SIGUSR1));
                EVENTUALLY(msgsnd_eintr_asleep, returned(sender));
                join(sender);
                const struct queue_view after = view_of_queue(queue);
                HOLDS(msgsnd_fail_no_effect, same_queue_view(&before, &after));
                EQ(msgsnd_eintr_asleep, take(queue, 0), 1);
                EQ(msgsnd_eintr_asleep, QNUM(queue), 0);
        }
}

TEST(caught_signal_ends_the_wait_despite_sa_restart, VERIFIES(msgsnd_eintr_no_restart))
{
        EACH_ROW(wait, every_wait) {
                const int queue = new_full_queue(wait);
                struct child sender;

                CHILD(&sender) {
                        catch_signal(SIGUSR1, SA_RESTART);
                        here(&sender, 1);
                        FAILS_WITH(msgsnd_eintr_no_restart, EINTR, put(queue, 2, wait->sent, 0));
                        EQ(msgsnd_eintr_no_restart, signals_caught(), 1);
                }
                UNTIL(blocked(&sender));
                MUST(kill(sender.pid, SIGUSR1));
                EVENTUALLY(msgsnd_eintr_no_restart, returned(&sender));
                EQ(msgsnd_eintr_no_restart, QNUM(queue), 1);
                join(&sender);
        }
}

TEST(others_wait_on_and_are_served, VERIFIES(msgsnd_eintr_asleep))
{
        const int queue = new_queue_for(100, 0600);
        struct child sender[3];

        MUST(put(queue, 9, 100, 0));
        for (int i = 0; i < 3; i++) {
                CHILD(&sender[i]) {
                        catch_signal(SIGUSR1, 0);
                        here(&sender[i], 1);
                        if (i == 1)
                                FAILS_WITH(msgsnd_eintr_asleep, EINTR, put(queue, i + 1, 10, 0));
                        else
                                EQ(msgsnd_eintr_asleep, put(queue, i + 1, 10, 0), 0);
                }
                UNTIL(blocked(&sender[i]));
        }
        MUST(kill(sender[1].pid, SIGUSR1));
        EVENTUALLY(msgsnd_eintr_asleep, returned(&sender[1]));
        UNTIL(blocked(&sender[0]) && blocked(&sender[2]));
        MUST(take(queue, 9));
        EVENTUALLY(msgsnd_eintr_asleep, returned(&sender[0]) && returned(&sender[2]));
        EQ(msgsnd_eintr_asleep, QNUM(queue), 2);
        FAILS_WITH(msgsnd_eintr_asleep, ENOMSG, take(queue, 2));
        for (int i = 0; i < 3; i++)
                join(&sender[i]);
}

/* ---- signals that are not ---- */

TEST(signal_that_is_not_caught_does_not_end_the_wait, VERIFIES(msgsnd_eintr_ignored_signal))
{
        static const struct {
                const char *name;
                int signo;
                bool ignore, block;
        } rows[] = {
                {"ignored", SIGUSR1, true, false},
                {"ignored by default", SIGURG, false, false},
                {"caught, but blocked", SIGUSR2, false, true},
        };

        no_tracer();
        EACH_ROW(row, rows) {
                const int queue = new_full_queue(&every_wait[0]);
                struct child sender;

                CHILD(&sender) {
                        sigset_t mask;

                        catch_signal(SIGUSR1, 0);
                        catch_signal(SIGUSR2, 0);
                        sigemptyset(&mask);
                        sigaddset(&mask, row->signo);
                        if (row->ignore)
                                REQUIRE(signal(row->signo, SIG_IGN) != SIG_ERR);
                        if (row->block)
                                MUST(sigprocmask(SIG_BLOCK, &mask, NULL));
                        here(&sender, 1);
                        EQ(msgsnd_eintr_ignored_signal, put(queue, 2, 10, 0), 0);
                        REQUIRE(signals_caught() == 0);
                }
                UNTIL(blocked(&sender));
                MUST(kill(sender.pid, row->signo));
                UNTIL(blocked(&sender) || returned(&sender));
                HOLDS(msgsnd_eintr_ignored_signal, !returned(&sender));
                EQ(msgsnd_eintr_ignored_signal, QNUM(queue), 1);
                MUST(take(queue, 1));
                EVENTUALLY(msgsnd_eintr_ignored_signal, returned(&sender));
                EQ(msgsnd_eintr_ignored_signal, take(queue, 0), 2);
                join(&sender);
        }
}

TEST(stopped_sender_goes_on_waiting, VERIFIES(msgsnd_eintr_stop_cont))
{
        EACH_ROW(wait, every_wait) {
                const int queue = new_full_queue(wait);
                struct child sender;
                int status;

                CHILD(&sender) {
                        here(&sender, 1);
                        EQ(msgsnd_eintr_stop_cont, put(queue, 2, wait->sent, 0), 0);
                }
                UNTIL(blocked(&sender));
                for (int i = 0; i < 3; i++) {
                        MUST(kill(sender.pid, SIGSTOP));
                        MUST(waitpid(sender.pid, &status, WUNTRACED));
                        REQUIRE(WIFSTOPPED(status));
                        MUST(kill(sender.pid, SIGCONT));
                        UNTIL(blocked(&sender) || returned(&sender));
                        HOLDS(msgsnd_eintr_stop_cont, !returned(&sender));
                }
                EQ(msgsnd_eintr_stop_cont, QNUM(queue), 1);
                MUST(take(queue, 1));
                EVENTUALLY(msgsnd_eintr_stop_cont, returned(&sender));
                EQ(msgsnd_eintr_stop_cont, take(queue, 0), 2);
                join(&sender);
        }
}

/* Room that comes while the sender cannot take it is still there when it can. */
TEST(sender_stopped_while_room_comes_sends_afterwards, VERIFIES(msgsnd_eintr_stop_cont))
{
        const int queue = new_full_queue(&every_wait[0]);
        struct child sender;
        int status;

        CHILD(&sender) {
                here(&sender, 1);
                EQ(msgsnd_eintr_stop_cont, put(queue, 2, 10, 0), 0);
        }
        UNTIL(blocked(&sender));
        MUST(kill(sender.pid, SIGSTOP));
        MUST(waitpid(sender.pid, &status, WUNTRACED));
        REQUIRE(WIFSTOPPED(status));
        MUST(take(queue, 1));
        MUST(kill(sender.pid, SIGCONT));
        EVENTUALLY(msgsnd_eintr_stop_cont, returned(&sender));
        EQ(msgsnd_eintr_stop_cont, take(queue, 0), 2);
        join(&sender);
}

/* ---- death ---- */

TEST(killed_sender_sends_nothing, VERIFIES(exit_blocked_msgsnd_kill))
{
        EACH_ROW(wait, every_wait) {
                const int queue = new_full_queue(wait);
                struct child sender;

                CHILD(&sender) {
                        here(&sender, 1);
                        put(queue, 2, wait->sent, 0);
                }
                UNTIL(blocked(&sender));
                const struct queue_view before = view_of_queue(queue);
                kill_child(&sender);
                const struct queue_view after = view_of_queue(queue);
                HOLDS(exit_blocked_msgsnd_kill, same_queue_view(&before, &after));
                EQ(exit_blocked_msgsnd_kill, take(queue, 0), 1);
                EQ(exit_blocked_msgsnd_kill, QNUM(queue), 0);
                set_queue_bytes(queue, 200);
                EQ(exit_blocked_msgsnd_kill, QNUM(queue), 0);
                EQ(exit_blocked_msgsnd_kill, put(queue, 3, wait->sent, IPC_NOWAIT), 0);
        }
}

TEST(sender_behind_a_killed_one_is_served, VERIFIES(exit_blocked_msgsnd_kill))
{
        const int queue = new_full_queue(&every_wait[0]);
        struct child sender[4];

        for (int i = 0; i < 4; i++) {
                CHILD(&sender[i]) {
                        here(&sender[i], 1);
                        EQ(exit_blocked_msgsnd_kill, put(queue, 2 + i, 50, 0), 0);
                }
                UNTIL(blocked(&sender[i]));
        }
        kill_child(&sender[0]);
        kill_child(&sender[2]);
        MUST(take(queue, 1));
        EVENTUALLY(exit_blocked_msgsnd_kill, returned(&sender[1]) && returned(&sender[3]));
        EQ(exit_blocked_msgsnd_kill, QNUM(queue), 2);
        EQ(exit_blocked_msgsnd_kill, take(queue, 3), 3);
        EQ(exit_blocked_msgsnd_kill, take(queue, 5), 5);
        join(&sender[1]);
        join(&sender[3]);
}

TEST(killed_receiver_gets_nothing, VERIFIES(exit_blocked_msgrcv_kill))
{
        static const struct {
                const char *name;
                long msgtyp;
                size_t room;
                int flags;
        } rows[] = {{"any message", 0, 100, 0}, {"its type", 5, 100, 0}, {"types up to one", -7, 100, 0},
                    {"too little room", 0, 10, 0}, {"MSG_NOERROR", 0, 10, MSG_NOERROR}};

        EACH_ROW(row, rows) {
                const int queue = new_queue(0600);
                struct message got;
                struct child receiver;

                CHILD(&receiver) {
                        here(&receiver, 1);
                        msgrcv(queue, &got, row->room, row->msgtyp, row->flags);
                }
                UNTIL(blocked(&receiver));
                kill_child(&receiver);
                EQ(exit_blocked_msgrcv_kill, put(queue, 5, 40, 0), 0);
                EQ(exit_blocked_msgrcv_kill, QNUM(queue), 1);
                EQ(exit_blocked_msgrcv_kill, stat_of_queue(queue).msg_lrpid, 0);
                EQ(exit_blocked_msgrcv_kill, stat_of_queue(queue).msg_rtime, 0);
                EQ(exit_blocked_msgrcv_kill, take_message(queue, &got, 0), 40);
                HOLDS(exit_blocked_msgrcv_kill, has_pattern(got.text, 40, 5));
        }
}

TEST(receiver_behind_a_killed_one_gets_the_message, VERIFIES(exit_blocked_msgrcv_kill))
{
        const int queue = new_queue(0600);
        struct child receiver[3];

        for (int i = 0; i < 3; i++) {
                CHILD(&receiver[i]) {
                        struct message got;

                        here(&receiver[i], 1);
                        EQ(exit_blocked_msgrcv_kill, msgrcv(queue, &got, sizeof(got.text), 0, 0), 40);
                }
                UNTIL(blocked(&receiver[i]));
        }
        kill_child(&receiver[0]);
        kill_child(&receiver[2]);
        MUST(put(queue, 5, 40, 0));
        EVENTUALLY(exit_blocked_msgrcv_kill, returned(&receiver[1]));
        MUST(put(queue, 6, 40, 0));
        EQ(exit_blocked_msgrcv_kill, take(queue, 0), 6);
        join(&receiver[1]);
}
