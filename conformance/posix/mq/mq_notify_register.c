/* SPDX-License-Identifier: MIT
 *
 * mq_notify(): one registration a queue: how it comes about, and what ends it and what does not.
 */
#include "ipck_mq_notify.h"
#include "ipck_program.h"
#include "ipck_thread.h"

/* The process that asked is notified once by the next message; nobody else is. */
static void expect_notice(enum ipck_requirement req, mqd_t queue)
{
        int count = 0;

        pass_message(queue);
        EVENTUALLY(req, (count += notices(NULL)) > 0);
        EQ(req, count, 1);
}

static void expect_no_notice(enum ipck_requirement req, mqd_t queue)
{
        pass_message(queue);
        EQ(req, notices(NULL), 0);
}

/* ---- one at a time ---- */

TEST(second_registration_is_refused, VERIFIES(mq_notify_ebusy, mq_notify_whole_queue, mq_notify_failed))
{
        const mqd_t queue = small_mq(O_RDWR), other = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR));
        struct child c;
        siginfo_t info;

        hold_notices();
        MUST(ask_for_notice(queue, 1));
        FAILS_WITH(mq_notify_ebusy, EBUSY, ask_for_notice(queue, 2));
        FAILS_WITH(mq_notify_ebusy, EBUSY, ask_for_nothing(queue));
        FAILS_WITH(mq_notify_whole_queue, EBUSY, ask_for_notice(other, 3));
        CHILD(&c) {
                FAILS_WITH(mq_notify_ebusy, EBUSY, ask_for_notice(queue, 4));
                FAILS_WITH(mq_notify_ebusy, EBUSY, ask_for_nothing(queue));
                const mqd_t own = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR));
                FAILS_WITH(mq_notify_whole_queue, EBUSY, ask_for_notice(own, 5));
        }
        join(&c);
        /* The first is still the one. */
        mq_post(queue, 0, "text");
        EVENTUALLY(mq_notify_failed, notices(&info) == 1);
        EQ(mq_notify_failed, info.si_value.sival_int, 1);
}

TEST(registration_for_nothing_excludes_others_too, VERIFIES(mq_notify_ebusy, mq_notify_none))
{
        const mqd_t queue = small_mq(O_RDWR);
        struct child c;

        hold_notices();
        EQ(mq_notify_none, ask_for_nothing(queue), 0);
        FAILS_WITH(mq_notify_ebusy, EBUSY, ask_for_notice(queue, 1));
        CHILD(&c)
                FAILS_WITH(mq_notify_ebusy, EBUSY, ask_for_notice(queue, 1));
        join(&c);
        expect_no_notice(mq_notify_none, queue);
}

TEST(queues_have_registrations_of_their_own, VERIFIES(mq_notify_whole_queue))
{
        const mqd_t one = new_mq("/one", O_RDWR, 1, 1), other = new_mq("/other", O_RDWR, 1, 1);
        siginfo_t info;

        hold_notices();
        EQ(mq_notify_whole_queue, ask_for_notice(one, 1), 0);
        EQ(mq_notify_whole_queue, ask_for_notice(other, 2), 0);
        mq_post(other, 0, "x");
        EVENTUALLY(mq_notify_whole_queue, notices(&info) == 1);
        EQ(mq_notify_whole_queue, info.si_value.sival_int, 2);
        mq_post(one, 0, "x");
        EVENTUALLY(mq_notify_whole_queue, notices(&info) == 1);
        EQ(mq_notify_whole_queue, info.si_value.sival_int, 1);
}

TEST(message_through_any_descriptor_notifies, VERIFIES(mq_notify_whole_queue, mq_notify_access_mode))
{
        static const struct {
                const char *name;
                int oflag;
        } rows[] = {{"read", O_RDONLY}, {"write", O_WRONLY}, {"both", O_RDWR}, {"O_NONBLOCK", O_RDWR | O_NONBLOCK}};
        const mqd_t queue = small_mq(O_RDWR);

        hold_notices();
        EACH_ROW(row, rows) {
                const mqd_t asking = (mqd_t)MUST(mq_open(QUEUE_NAME, row->oflag));

                EQ(mq_notify_access_mode, ask_for_notice(asking, 1), 0);
                expect_notice(mq_notify_whole_queue, queue);
                MUST(mq_close(asking));
        }
}

/* ---- after the notification ---- */

TEST(notification_ends_the_registration, VERIFIES(mq_notify_once))
{
        const mqd_t queue = small_mq(O_RDWR);
        struct child c;

        hold_notices();
        for (int round = 0; round < 3; round++) {
                /* With the message still there, and then without. */
                MUST(ask_for_notice(queue, 1));
                mq_post(queue, 0, "text");
                UNTIL(notices(NULL) == 1);
                HOLDS(mq_notify_once, !is_registered(queue));
                take_all(queue);
                expect_no_notice(mq_notify_once, queue);
        }
        CHILD(&c) {
                EQ(mq_notify_once, ask_for_notice(queue, 1), 0);
                expect_notice(mq_notify_once, queue);
        }
        join(&c);
        EQ(mq_notify_once, notices(NULL), 0);
}

/* It is over before the process has looked at the signal. */
TEST(new_registration_need_not_wait_for_the_signal, VERIFIES(mq_notify_once))
{
        const mqd_t queue = small_mq(O_RDWR);
        int count = 0;

        hold_notices();
        for (int round = 0; round < 3; round++) {
                EQ(mq_notify_once, ask_for_notice(queue, round), 0);
                pass_message(queue);
        }
        EVENTUALLY(mq_notify_once, (count += notices(NULL)) >= 3);
        EQ(mq_notify_once, count, 3);
}

/* ---- removal ---- */

TEST(null_removes_the_registration, VERIFIES(mq_notify_unregister))
{
        const mqd_t queue = small_mq(O_RDWR), other = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDONLY));
        const struct {
                const char *name;
                mqd_t queue;
        } rows[] = {{"the descriptor of the registration", queue}, {"another one", other}};

        hold_notices();
        EACH_ROW(row, rows) {
                MUST(ask_for_notice(queue, 1));
                EQ(mq_notify_unregister, mq_notify(row->queue, NULL), 0);
                HOLDS(mq_notify_unregister, !is_registered(queue));
                expect_no_notice(mq_notify_unregister, queue);
                /* A new one is as good. */
                EQ(mq_notify_unregister, ask_for_notice(queue, 1), 0);
                expect_notice(mq_notify_unregister, queue);
        }
}

TEST(null_by_another_process_removes_nothing, VERIFIES(mq_notify_unregister_other))
{
        const mqd_t queue = small_mq(O_RDWR);
        struct child c;

        hold_notices();
        MUST(ask_for_notice(queue, 1));
        CHILD(&c) {
                (void)mq_notify(queue, NULL);
                const mqd_t own = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR));
                (void)mq_notify(own, NULL);
                HOLDS(mq_notify_unregister_other, is_registered(queue));
        }
        join(&c);
        expect_notice(mq_notify_unregister_other, queue);
}

TEST(null_without_a_registration, VERIFIES(mq_notify_einval_null_unregistered))
{
        const mqd_t queue = small_mq(O_RDWR);
        struct child c;

        const int nobody = mq_notify(queue, NULL);
        OBSERVE(mq_notify_einval_null_unregistered, "nobody is registered: %s",
                nobody == -1 ? errno_name(errno) : "success");
        MUST(ask_for_nothing(queue));
        CHILD(&c) {
                const int other = mq_notify(queue, NULL);
                OBSERVE(mq_notify_einval_null_unregistered, "another process is registered: %s",
                        other == -1 ? errno_name(errno) : "success");
        }
        join(&c);
}

/* The queue without a name is as good as before, and gone with its last descriptor only. */
TEST(registration_outlives_the_name, VERIFIES(mq_unlink_postponed))
{
        const mqd_t queue = small_mq(O_RDWR);
        siginfo_t info;

        hold_notices();
        MUST(ask_for_notice(queue, 7));
        EQ(mq_unlink_postponed, mq_unlink(QUEUE_NAME), 0);
        HOLDS(mq_unlink_postponed, is_registered(queue));
        mq_post(queue, 0, "text");
        EVENTUALLY(mq_unlink_postponed, notices(&info) == 1);
        EQ(mq_unlink_postponed, info.si_value.sival_int, 7);
        take_all(queue);
        EQ(mq_unlink_postponed, ask_for_notice(queue, 1), 0);
        expect_notice(mq_unlink_postponed, queue);
}

/* ---- threads ---- */

static int ask(void *queue)
{
        return ask_for_notice(*(mqd_t *)queue, 1);
}

static int ask_no_more(void *queue)
{
        return mq_notify(*(mqd_t *)queue, NULL);
}

static int close_it(void *queue)
{
        return mq_close(*(mqd_t *)queue);
}

static int take_notices(void *queue)
{
        (void)queue;
        return notices(NULL);
}

static int in_a_thread(int (*call)(void *queue), mqd_t queue)
{
        struct thread thread = {0};

        start(&thread, call, &queue);
        finish(&thread);
        return thread.result;
}

TEST(any_thread_speaks_for_the_process, VERIFIES(mq_notify_process))
{
        const mqd_t queue = small_mq(O_RDWR), asking = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR));

        hold_notices();
        /* The thread that asked is gone. */
        EQ(mq_notify_process, in_a_thread(ask, queue), 0);
        HOLDS(mq_notify_process, is_registered(queue));
        expect_notice(mq_notify_process, queue);
        EQ(mq_notify_process, in_a_thread(ask, queue), 0);
        EQ(mq_notify_process, mq_notify(queue, NULL), 0);
        HOLDS(mq_notify_process, !is_registered(queue));

        MUST(ask_for_notice(queue, 1));
        EQ(mq_notify_process, in_a_thread(ask_no_more, queue), 0);
        HOLDS(mq_notify_process, !is_registered(queue));
        MUST(ask_for_notice(asking, 1));
        EQ(mq_notify_process, in_a_thread(close_it, asking), 0);
        HOLDS(mq_notify_process, !is_registered(queue));
}

TEST(any_thread_takes_the_signal, VERIFIES(mq_notify_signal))
{
        const mqd_t queue = small_mq(O_RDWR);
        int count = 0;

        hold_notices();
        MUST(ask_for_notice(queue, 1));
        mq_post(queue, 0, "text");
        EVENTUALLY(mq_notify_signal, (count += in_a_thread(take_notices, queue)) > 0);
        EQ(mq_notify_signal, count, 1);
}

/* ---- close, exit, exec, fork ---- */

TEST(close_ends_the_registration, VERIFIES(mq_close_removes_notification))
{
        const mqd_t queue = small_mq(O_RDWR), asking = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR));
        struct child c;

        hold_notices();
        MUST(ask_for_notice(asking, 1));
        HOLDS(mq_close_removes_notification, is_registered(queue));
        EQ(mq_close_removes_notification, mq_close(asking), 0);
        expect_no_notice(mq_close_removes_notification, queue);
        CHILD(&c) {
                EQ(mq_close_removes_notification, ask_for_notice(queue, 1), 0);
                expect_notice(mq_close_removes_notification, queue);
        }
        join(&c);
        EQ(mq_close_removes_notification, notices(NULL), 0);
}

TEST(close_of_another_descriptor_ends_nothing, VERIFIES(mq_notify_close_other))
{
        const mqd_t queue = small_mq(O_RDWR), asking = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR)),
                    other = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR));

        hold_notices();
        MUST(ask_for_notice(asking, 1));
        MUST(mq_close(other));
        HOLDS(mq_notify_close_other, is_registered(queue));
        pass_message(queue);
        EQ(mq_notify_close_other, notices(NULL), 1);
}

TEST(end_of_the_process_ends_the_registration, VERIFIES(exit_mq_closed))
{
        static const struct {
                const char *name;
                bool killed;
        } rows[] = {{"exit", false}, {"killed", true}};
        const mqd_t queue = small_mq(O_RDWR);

        hold_notices();
        EACH_ROW(row, rows) {
                struct child c;

                CHILD(&c) {
                        MUST(ask_for_notice(queue, 1));
                        stay(&c);
                }
                UNTIL(stays(&c));
                HOLDS(exit_mq_closed, is_registered(queue));
                if (row->killed)
                        kill_child(&c);
                else
                        dismiss(&c);
                HOLDS(exit_mq_closed, !is_registered(queue));
                EQ(exit_mq_closed, ask_for_notice(queue, 1), 0);
                expect_notice(exit_mq_closed, queue);
        }
}

TEST(registration_is_not_inherited, VERIFIES(mq_notify_fork))
{
        const mqd_t queue = small_mq(O_RDWR);
        struct child c;

        hold_notices();
        MUST(ask_for_notice(queue, 1));
        CHILD(&c) {
                stay(&c);
                EQ(mq_notify_fork, notices(NULL), 0);
        }
        UNTIL(stays(&c));
        expect_notice(mq_notify_fork, queue);
        dismiss(&c);
}

TEST(child_that_closes_or_ends_takes_nothing_away, VERIFIES(mq_notify_fork))
{
        const mqd_t queue = small_mq(O_RDWR);
        struct child c;

        hold_notices();
        MUST(ask_for_notice(queue, 1));
        CHILD(&c) {
                MUST(mq_close(queue));
                stay(&c);
        }
        UNTIL(stays(&c));
        HOLDS(mq_notify_fork, is_registered(queue));
        dismiss(&c);
        HOLDS(mq_notify_fork, is_registered(queue));
        expect_notice(mq_notify_fork, queue);
}

/* After exec: ends with 0 where no NOTICE came, 1 where one did. */
ROLE(count_notices)
{
        sigset_t pending;

        if (!program_runs(arg) || sigpending(&pending) == -1)
                return 2;
        return sigismember(&pending, NOTICE);
}

static void register_and_exec(mqd_t queue, bool kept)
{
        struct program p = new_program();
        struct child c;

        CHILD(&c) {
                MUST(fcntl(queue, F_SETFD, kept ? 0 : FD_CLOEXEC));
                MUST(ask_for_notice(queue, 1));
                run_program(&p, "count_notices", "");
        }
        wait_for_program(&p);
        if (!kept)
                HOLDS(exec_mq_closed, !is_registered(queue));
        mq_post(queue, 0, "text");
        tell_program(&p);
        EQ(kept ? mq_notify_exec_no_stale_signal : exec_mq_closed, reap(&c), 0);
}

TEST(exec_ends_the_registration, VERIFIES(exec_mq_closed))
{
        hold_notices();
        register_and_exec(small_mq(O_RDWR), false);
}

/* The descriptor, and with it the registration, can be kept on Linux; but the program that asked is gone. */
TEST(program_that_did_not_ask_gets_no_signal, VERIFIES(mq_notify_exec_no_stale_signal))
{
        hold_notices();
        register_and_exec(small_mq(O_RDWR), true);
}
