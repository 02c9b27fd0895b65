/* SPDX-License-Identifier: MIT
 *
 * mq_send(), mq_receive() and the timed calls: what signals do to a caller that waits.
 */
#include <sys/wait.h>

#include "ipck_mq_way.h"

static const struct {
        const char *name;
        const struct way *way;
        bool timed;
        enum ipck_requirement eintr, restart, not_caught, no_effect, early;
} calls[] = {
        {"mq_send", &sending, false, mq_send_eintr, mq_send_eintr_restart, mq_send_eintr_not_caught,
         mq_send_no_enqueue_on_fail, mq_send_timed_etimedout},
        {"mq_timedsend", &sending, true, mq_send_eintr, mq_send_eintr_restart, mq_send_eintr_not_caught,
         mq_send_no_enqueue_on_fail, mq_send_timed_etimedout},
        {"mq_receive", &receiving, false, mq_receive_eintr, mq_receive_eintr_restart, mq_receive_eintr_not_caught,
         mq_receive_no_remove_on_fail, mq_receive_timed_etimedout},
        {"mq_timedreceive", &receiving, true, mq_receive_eintr, mq_receive_eintr_restart, mq_receive_eintr_not_caught,
         mq_receive_no_remove_on_fail, mq_receive_timed_etimedout},
};

TEST(caught_signal_ends_the_wait,
     VERIFIES(mq_send_eintr, mq_receive_eintr, mq_send_no_enqueue_on_fail, mq_receive_no_remove_on_fail))
{
        const struct timespec deadline = far_deadline();

        EACH_ROW(c, calls) {
                const mqd_t queue = c->way->stuck(0);
                struct child waiter;

                CHILD(&waiter) {
                        catch_signal(SIGUSR1, 0);
                        here(&waiter, 1);
                        FAILS_WITH(c->eintr, EINTR, c->way->call(queue, c->timed ? &deadline : NULL));
                        EQ(c->eintr, signals_caught(), 1);
                }
                UNTIL(settled(&waiter));
                MUST(kill(waiter.pid, SIGUSR1));
                EVENTUALLY(c->eintr, returned(&waiter));
                join(&waiter);
                /* What comes afterwards finds nobody waiting. */
                c->way->help(queue);
                EQ(c->no_effect, mq_count(queue), c->way->count - c->way->sent);
                EQ(c->no_effect, drain(queue, WAYS_OWN), c->way == &receiving);
        }
}

/* ---- what does not end the wait ---- */

static _Atomic int *handled;

static void count_in_shared_memory(int signo)
{
        (void)signo;
        ++*handled;
}

static void restart_after_signals(void)
{
        struct sigaction action = {.sa_handler = count_in_shared_memory, .sa_flags = SA_RESTART};

        sigemptyset(&action.sa_mask);
        MUST(sigaction(SIGUSR1, &action, NULL));
}

TEST(wait_goes_on_after_a_handler_with_sa_restart, VERIFIES(mq_send_eintr_restart, mq_receive_eintr_restart))
{
        enum { SIGNALS = 3 };
        const struct timespec deadline = far_deadline();

        handled = shared(sizeof(*handled));
        EACH_ROW(c, calls) {
                const mqd_t queue = c->way->stuck(0);
                struct child waiter;

                *handled = 0;
                CHILD(&waiter) {
                        restart_after_signals();
                        here(&waiter, 1);
                        EQ(c->restart, c->way->call(queue, c->timed ? &deadline : NULL), 0);
                }
                for (int n = 1; n <= SIGNALS; n++) {
                        UNTIL(settled(&waiter));
                        MUST(kill(waiter.pid, SIGUSR1));
                        UNTIL(*handled == n || returned(&waiter));
                }
                UNTIL(settled(&waiter));
                HOLDS(c->restart, !returned(&waiter));
                EQ(c->restart, mq_count(queue), c->way->count);
                c->way->help(queue);
                EVENTUALLY(c->restart, returned(&waiter));
                join(&waiter);
                EQ(c->restart, mq_count(queue), c->way->count);
        }
}

/* The deadline is a moment: what the handler took does not come on top, and the wait still ends, not early. */
TEST(deadline_stays_the_same_after_sa_restart,
     VERIFIES(mq_send_eintr_restart, mq_receive_eintr_restart, mq_send_timed_etimedout, mq_receive_timed_etimedout),
     MOSTLY_WAITS)
{
        handled = shared(sizeof(*handled));
        EACH_ROW(c, calls) {
                const mqd_t queue = c->way->stuck(0);
                struct child waiter;

                if (!c->timed)
                        continue;
                CHILD(&waiter) {
                        restart_after_signals();
                        const struct timespec deadline = deadline_in(CLOCK_REALTIME, 100000000);
                        const int64_t due = (int64_t)deadline.tv_sec * 1000000000 + deadline.tv_nsec;

                        here(&waiter, 1);
                        FAILS_WITH(c->restart, ETIMEDOUT, c->way->call(queue, &deadline));
                        BETWEEN(c->early, due, realtime_ns(), INT64_MAX);
                }
                UNTIL(settled(&waiter));
                (void)kill(waiter.pid, SIGUSR1);
                EVENTUALLY(c->restart, returned(&waiter));
                join(&waiter);
        }
}

static void send_ignored(struct child *c)
{
        MUST(kill(c->pid, SIGUSR1));
        MUST(kill(c->pid, SIGWINCH));
}

static void stop_and_continue(struct child *c)
{
        int status;

        MUST(kill(c->pid, SIGSTOP));
        UNTIL(waitpid(c->pid, &status, WUNTRACED | WNOHANG) == c->pid && WIFSTOPPED(status));
        MUST(kill(c->pid, SIGCONT));
        UNTIL(waitpid(c->pid, &status, WCONTINUED | WNOHANG) == c->pid && WIFCONTINUED(status));
}

TEST(wait_goes_on_where_no_handler_ran, VERIFIES(mq_send_eintr_not_caught, mq_receive_eintr_not_caught))
{
        static const struct {
                const char *name;
                void (*disturb)(struct child *c);
        } rows[] = {{"ignored signals", send_ignored}, {"stop and continue", stop_and_continue}};
        const struct timespec deadline = far_deadline();

        need_descriptors(20);
        EACH_ROW(c, calls) {
                EACH_ROW(row, rows) {
                        const mqd_t queue = c->way->stuck(0);
                        struct child waiter;

                        CHILD(&waiter) {
                                REQUIRE(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
                                here(&waiter, 1);
                                EQ(c->not_caught, c->way->call(queue, c->timed ? &deadline : NULL), 0);
                        }
                        UNTIL(settled(&waiter));
                        row->disturb(&waiter);
                        UNTIL(settled(&waiter));
                        HOLDS(c->not_caught, !returned(&waiter));
                        EQ(c->not_caught, mq_count(queue), c->way->count);
                        c->way->help(queue);
                        EVENTUALLY(c->not_caught, returned(&waiter));
                        join(&waiter);
                        EQ(c->not_caught, mq_count(queue), c->way->count);
                }
        }
}

/* The help that comes while the process is stopped is not lost. */
TEST(stopped_caller_is_served_when_it_goes_on, VERIFIES(mq_send_eintr_not_caught, mq_receive_eintr_not_caught))
{
        EACH_ROW(c, calls) {
                const struct timespec deadline = far_deadline();
                const mqd_t queue = c->way->stuck(0);
                struct child waiter;
                int status;

                CHILD(&waiter) {
                        here(&waiter, 1);
                        EQ(c->not_caught, c->way->call(queue, c->timed ? &deadline : NULL), 0);
                }
                UNTIL(settled(&waiter));
                MUST(kill(waiter.pid, SIGSTOP));
                UNTIL(waitpid(waiter.pid, &status, WUNTRACED | WNOHANG) == waiter.pid && WIFSTOPPED(status));
                c->way->help(queue);
                HOLDS(c->not_caught, !returned(&waiter));
                MUST(kill(waiter.pid, SIGCONT));
                EVENTUALLY(c->not_caught, returned(&waiter));
                EQ(c->not_caught, mq_count(queue), c->way->count);
                join(&waiter);
        }
}

/* ---- signal and end of the wait together ---- */

struct ending {
        int result, error;
};

static void call_in_rounds(struct child *c, const struct way *way, mqd_t queue, struct ending *ending, int rounds)
{
        catch_signal(SIGUSR1, 0);
        for (int round = 1; round <= rounds; round++) {
                here(c, 2 * round - 1);
                ending->result = way->call(queue, NULL);
                ending->error = errno;
                here(c, 2 * round);
                await(c, round);
        }
}

static void race(enum ipck_requirement req, const struct way *way)
{
        enum { ROUNDS = 100 };
        struct ending *const ending = shared(sizeof(*ending));
        const mqd_t queue = way->stuck(0);
        struct child waiter;

        CHILD(&waiter)
                call_in_rounds(&waiter, way, queue, ending, ROUNDS);
        for (int round = 1; round <= ROUNDS; round++) {
                /* In its wait; but a signal of the round before may come only now, and end it too soon. */
                UNTIL(at(&waiter) == 2 * round || (at(&waiter) == 2 * round - 1 && sleeping(waiter.pid)));
                const bool signal_first = random_below(2);
                if (signal_first)
                        MUST(kill(waiter.pid, SIGUSR1));
                dawdle();
                way->help(queue);
                if (!signal_first)
                        MUST(kill(waiter.pid, SIGUSR1));
                EVENTUALLY(req, at(&waiter) == 2 * round);
                if (ending->result == -1)
                        EQ(req, ending->error, EINTR);
                const long count = mq_count(queue);
                EQ(req, count, ending->result == -1 ? way->count - way->sent : way->count);
                /* As it was, for the next round. */
                if (count != way->count)
                        MUST(way->call(queue, NULL));
                tell(&waiter, round);
        }
        join(&waiter);
}

TEST(signal_and_room_at_once_lose_nothing, VERIFIES(mq_send_eintr_vs_transfer))
{
        race(mq_send_eintr_vs_transfer, &sending);
}

TEST(signal_and_message_at_once_lose_nothing, VERIFIES(mq_receive_eintr_vs_transfer))
{
        race(mq_receive_eintr_vs_transfer, &receiving);
}
