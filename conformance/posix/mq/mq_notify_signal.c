/* SPDX-License-Identifier: MIT
 *
 * mq_notify(): when a registered process is notified, by a signal or by nothing, and what the signal tells.
 */
#include "ipck_mq_notify.h"
#include "ipck_mq_way.h"

/* ---- the signal ---- */

TEST(arrival_at_the_empty_queue_sends_the_signal, VERIFIES(mq_notify_signal, mq_notify_once))
{
        const mqd_t queue = small_mq(O_RDWR);

        hold_notices();
        EQ(mq_notify_signal, ask_for_notice(queue, 1), 0);
        EQ(mq_notify_signal, notices(NULL), 0);
        mq_post(queue, 0, "text");
        int count = 0;
        EVENTUALLY(mq_notify_signal, (count += notices(NULL)) > 0);
        EQ(mq_notify_signal, count, 1);
        /* The message is there all the same. */
        EQ(mq_notify_signal, mq_count(queue), 1);
        take_all(queue);
        /* It was the only notification. */
        pass_message(queue);
        EQ(mq_notify_once, notices(NULL), 0);
}

static volatile sig_atomic_t handled_signo, handled_code;
static int *volatile handled_value;

static void keep(int signo, siginfo_t *info, void *context)
{
        (void)context;
        handled_signo = signo;
        handled_code = info->si_code;
        handled_value = info->si_value.sival_ptr;
}

TEST(signal_is_the_one_asked_for, VERIFIES(mq_notify_signal, mq_notify_signal_siginfo))
{
        const struct {
                const char *name;
                int signo;
        } rows[] = {{"SIGUSR1", SIGUSR1}, {"SIGHUP", SIGHUP}, {"SIGRTMIN", SIGRTMIN}, {"SIGRTMAX", SIGRTMAX}};
        const mqd_t queue = small_mq(O_RDWR);

        EACH_ROW(row, rows) {
                const struct sigaction action = {.sa_sigaction = keep, .sa_flags = SA_SIGINFO};
                int place;
                const struct sigevent event = {
                        .sigev_notify = SIGEV_SIGNAL, .sigev_signo = row->signo, .sigev_value.sival_ptr = &place,
                };

                if (sigaction(row->signo, &action, NULL) == -1 && row->signo == SIGRTMAX)
                        continue;       /* a tool that watches the program may keep the last signal for itself */
                MUST(sigaction(row->signo, &action, NULL));
                handled_signo = handled_code = 0;
                handled_value = NULL;
                EQ(mq_notify_signal, mq_notify(queue, &event), 0);
                mq_post(queue, 0, "text");
                EVENTUALLY(mq_notify_signal, handled_signo != 0);
                EQ(mq_notify_signal, handled_signo, row->signo);
                EQ(mq_notify_signal_siginfo, handled_code, SI_MESGQ);
                HOLDS(mq_notify_signal_siginfo, handled_value == &place);
                take_all(queue);
        }
}

TEST(signal_carries_the_value, VERIFIES(mq_notify_signal_siginfo))
{
        static const struct {
                const char *name;
                int value;
        } rows[] = {{"0", 0}, {"1", 1}, {"-1", -1}, {"INT32_MAX", INT32_MAX}, {"INT32_MIN", INT32_MIN}};
        const mqd_t queue = small_mq(O_RDWR);

        hold_notices();
        EACH_ROW(row, rows) {
                siginfo_t info;

                MUST(ask_for_notice(queue, row->value));
                mq_post(queue, 0, "text");
                EVENTUALLY(mq_notify_signal_siginfo, notices(&info) == 1);
                EQ(mq_notify_signal_siginfo, info.si_signo, NOTICE);
                EQ(mq_notify_signal_siginfo, info.si_code, SI_MESGQ);
                EQ(mq_notify_signal_siginfo, info.si_value.sival_int, row->value);
                take_all(queue);
        }
}

/* What was registered is what stood there at the time of the call. */
TEST(structure_is_not_needed_after_the_call, VERIFIES(mq_notify_signal, mq_notify_signal_siginfo))
{
        const mqd_t queue = small_mq(O_RDWR);
        struct sigevent event = {
                .sigev_notify = SIGEV_SIGNAL, .sigev_signo = NOTICE, .sigev_value.sival_int = 7,
        };
        siginfo_t info;

        hold_notices();
        MUST(mq_notify(queue, &event));
        memset(&event, 0, sizeof(event));
        mq_post(queue, 0, "text");
        EVENTUALLY(mq_notify_signal, notices(&info) == 1);
        EQ(mq_notify_signal_siginfo, info.si_value.sival_int, 7);
}

TEST(sender_is_named, VERIFIES(mq_notify_signal_sender))
{
        const mqd_t queue = small_mq(O_RDWR);
        struct child sender;
        siginfo_t info;

        hold_notices();
        MUST(ask_for_notice(queue, 1));
        CHILD(&sender)
                mq_post(queue, 0, "text");
        join(&sender);
        EVENTUALLY(mq_notify_signal_sender, notices(&info) == 1);
        EQ(mq_notify_signal_sender, info.si_pid, sender.pid);
        EQ(mq_notify_signal_sender, info.si_uid, getuid());
        take_all(queue);

        MUST(ask_for_notice(queue, 1));
        mq_post(queue, 0, "text");
        EVENTUALLY(mq_notify_signal_sender, notices(&info) == 1);
        EQ(mq_notify_signal_sender, info.si_pid, getpid());
}

/* The process, whichever of its threads it was; and the real user, whoever it acts for. */
TEST(sender_is_named_by_process_and_real_user, VERIFIES(mq_notify_signal_sender))
{
        const mqd_t queue = small_mq(O_RDWR);
        struct child sender;
        siginfo_t info;

        hold_notices();
        MUST(ask_for_notice(queue, 1));
        CHILD(&sender) {
                struct way_thread thread = {.way = &sending, .queue = queue};

                if (setresuid(USER_A, USER_B, USER_C) == -1)
                        UNSUPPORTED("three user ids of a process (%s)", errno_name(errno));
                start_way(&thread);
                finish(&thread.thread);
                REQUIRE(thread.thread.result == 0 && thread.thread.id != getpid());
        }
        join(&sender);
        EVENTUALLY(mq_notify_signal_sender, notices(&info) == 1);
        EQ(mq_notify_signal_sender, info.si_pid, sender.pid);
        EQ(mq_notify_signal_sender, info.si_uid, USER_A);
}

/* The queue's mode decides who may send, and nothing else does. */
TEST(sender_needs_no_permission_to_signal, VERIFIES(mq_notify_signal_cross_user))
{
        const mqd_t queue = small_mq(O_RDWR);
        struct child owner, sender;

        hold_notices();
        CHILD(&owner) {
                int count = 0;

                as_user(USER_A);
                MUST(ask_for_notice(queue, 1));
                stay(&owner);
                EVENTUALLY(mq_notify_signal_cross_user, (count += notices(NULL)) > 0);
                EQ(mq_notify_signal_cross_user, count, 1);
        }
        UNTIL(stays(&owner));
        CHILD(&sender) {
                as_user(USER_B);
                REQUIRE(kill(owner.pid, 0) == -1 && errno == EPERM);
                mq_post(queue, 0, "text");
        }
        join(&sender);
        dismiss(&owner);
}

/* ---- nothing ---- */

TEST(sigev_none_registers_and_does_nothing, VERIFIES(mq_notify_none, mq_notify_once))
{
        const mqd_t queue = small_mq(O_RDWR);
        /* What else stands there does not count. */
        const struct sigevent event = {.sigev_notify = SIGEV_NONE, .sigev_signo = NOTICE};

        hold_notices();
        EQ(mq_notify_none, mq_notify(queue, &event), 0);
        HOLDS(mq_notify_none, is_registered(queue));
        pass_message(queue);
        EQ(mq_notify_none, notices(NULL), 0);
        /* The arrival ended it like any other. */
        HOLDS(mq_notify_once, !is_registered(queue));
}

TEST(signal_zero_registers_and_sends_nothing, VERIFIES(mq_notify_signal_zero))
{
        const mqd_t queue = small_mq(O_RDWR);
        const struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 0};

        EQ(mq_notify_signal_zero, mq_notify(queue, &event), 0);
        HOLDS(mq_notify_signal_zero, is_registered(queue));
        pass_message(queue);
        HOLDS(mq_notify_signal_zero, !is_registered(queue));
}

/* ---- when ---- */

TEST(arrival_at_a_queue_that_is_not_empty_does_nothing, VERIFIES(mq_notify_not_if_nonempty, mq_notify_after_empty))
{
        static const struct {
                const char *name;
                int before;             /* messages on the queue at the registration */
        } rows[] = {{"one", 1}, {"one less than full", SMALL_MAXMSG - 1}};

        hold_notices();
        EACH_ROW(row, rows) {
                const mqd_t queue = another_mq(O_RDWR, SMALL_MAXMSG, SMALL_MSGSIZE);
                char text[SMALL_MSGSIZE];
                int count = 0;

                for (int i = 0; i < row->before; i++)
                        mq_post(queue, 0, "before");
                MUST(ask_for_notice(queue, 1));
                /* Nor does its priority put it in the place of the first. */
                mq_post(queue, 31, "text");
                EQ(mq_notify_not_if_nonempty, notices(NULL), 0);
                HOLDS(mq_notify_not_if_nonempty, is_registered(queue));
                for (long left = mq_count(queue); left > 1; left--)
                        MUST(mq_receive(queue, text, sizeof(text), NULL));
                mq_post(queue, 0, "text");
                EQ(mq_notify_not_if_nonempty, notices(NULL), 0);
                HOLDS(mq_notify_not_if_nonempty, is_registered(queue));

                take_all(queue);
                EQ(mq_notify_after_empty, notices(NULL), 0);
                HOLDS(mq_notify_after_empty, is_registered(queue));
                mq_post(queue, 0, "text");
                EVENTUALLY(mq_notify_after_empty, (count += notices(NULL)) > 0);
                EQ(mq_notify_after_empty, count, 1);
        }
}

TEST(waiting_receiver_comes_first, VERIFIES(mq_notify_receiver_has_precedence))
{
        const mqd_t queue = small_mq(O_RDWR);
        struct child receiver;
        int count = 0;

        hold_notices();
        MUST(ask_for_notice(queue, 1));
        CHILD(&receiver) {
                char text[SMALL_MSGSIZE];

                here(&receiver, 1);
                EQ(mq_notify_receiver_has_precedence, mq_receive(queue, text, sizeof(text), NULL), 4);
        }
        UNTIL(settled(&receiver));
        mq_post(queue, 0, "text");
        EVENTUALLY(mq_notify_receiver_has_precedence, returned(&receiver));
        join(&receiver);
        EQ(mq_notify_receiver_has_precedence, notices(NULL), 0);
        HOLDS(mq_notify_receiver_has_precedence, is_registered(queue));
        /* With nobody waiting, the registration does what it is for. */
        mq_post(queue, 0, "text");
        EVENTUALLY(mq_notify_receiver_has_precedence, (count += notices(NULL)) > 0);
        EQ(mq_notify_receiver_has_precedence, count, 1);
}

TEST(receiver_that_gave_up_does_not_count, VERIFIES(mq_notify_signal))
{
        const struct timespec past = past_deadline();
        const mqd_t queue = small_mq(O_RDWR);
        char text[SMALL_MSGSIZE];
        struct child receiver;
        int count = 0;

        hold_notices();
        MUST(ask_for_notice(queue, 1));
        REQUIRE(mq_timedreceive(queue, text, sizeof(text), NULL, &past) == -1 && errno == ETIMEDOUT);
        CHILD(&receiver) {
                here(&receiver, 1);
                (void)mq_receive(queue, text, sizeof(text), NULL);
        }
        UNTIL(blocked(&receiver));
        kill_child(&receiver);
        mq_post(queue, 0, "text");
        EVENTUALLY(mq_notify_signal, (count += notices(NULL)) > 0);
        EQ(mq_notify_signal, count, 1);
}

/* A failing call is no arrival. */
TEST(failing_send_does_not_notify, VERIFIES(mq_notify_signal))
{
        static const char text[SMALL_MSGSIZE + 1];
        const mqd_t queue = small_mq(O_RDWR);
        int count = 0;

        hold_notices();
        MUST(ask_for_notice(queue, 1));
        REQUIRE(mq_send(queue, text, sizeof(text), 0) == -1 && errno == EMSGSIZE);
        REQUIRE(mq_send(queue, text, 1, UINT32_MAX) == -1 && errno == EINVAL);
        EQ(mq_notify_signal, notices(NULL), 0);
        HOLDS(mq_notify_signal, is_registered(queue));
        /* An empty message is one. */
        MUST(mq_send(queue, "", 0, 0));
        EVENTUALLY(mq_notify_signal, (count += notices(NULL)) > 0);
        EQ(mq_notify_signal, count, 1);
}

/* With a queue of one message it is empty for no moment that anybody could see. */
TEST(waiting_sender_that_refills_the_queue, VERIFIES(mq_notify_refilled_by_sender))
{
        const mqd_t queue = new_mq(QUEUE_NAME, O_RDWR, 1, SMALL_MSGSIZE);
        char text[SMALL_MSGSIZE];
        struct child sender;

        hold_notices();
        fill_mq(queue);
        MUST(ask_for_notice(queue, 1));
        CHILD(&sender) {
                here(&sender, 1);
                mq_post(queue, 0, "text");
        }
        UNTIL(blocked(&sender));
        MUST(mq_receive(queue, text, sizeof(text), NULL));
        UNTIL(returned(&sender));
        join(&sender);
        OBSERVE(mq_notify_refilled_by_sender, "%s", notices(NULL) ? "notified" : "not notified");
}
