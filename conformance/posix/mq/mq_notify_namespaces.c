/* SPDX-License-Identifier: MIT
 *
 * mq_notify(): how a sender is named to a process in another PID or user namespace.
 */
#include <sched.h>

#include "ipck_mq_notify.h"

static void new_pid_namespace(void)
{
        if (unshare(CLONE_NEWPID) == -1)
                UNSUPPORTED("a PID namespace (%s)", errno_name(errno));
}

TEST(sender_further_in_has_a_number_here, VERIFIES(mq_notify_signal_pid_namespace))
{
        const mqd_t queue = small_mq(O_RDWR);
        pid_t *const number = shared(sizeof(*number));
        struct child bridge, sender;
        siginfo_t info;

        hold_notices();
        MUST(ask_for_notice(queue, 1));
        CHILD(&bridge) {
                new_pid_namespace();
                CHILD(&sender) {
                        REQUIRE(getpid() == 1);
                        mq_post(queue, 0, "text");
                }
                *number = sender.pid;
                join(&sender);
        }
        join(&bridge);
        EVENTUALLY(mq_notify_signal_pid_namespace, notices(&info) == 1);
        EQ(mq_notify_signal_pid_namespace, info.si_pid, *number);
}

TEST(sender_outside_has_no_number, VERIFIES(mq_notify_signal_pid_namespace))
{
        const mqd_t queue = small_mq(O_RDWR);
        struct child bridge, asking;
        _Atomic int *const ready = shared(sizeof(*ready));

        hold_notices();
        CHILD(&bridge) {
                new_pid_namespace();
                CHILD(&asking) {
                        siginfo_t info;

                        MUST(ask_for_notice(queue, 1));
                        *ready = 1;
                        EVENTUALLY(mq_notify_signal_pid_namespace, notices(&info) == 1);
                        EQ(mq_notify_signal_pid_namespace, info.si_pid, 0);
                        EQ(mq_notify_signal_pid_namespace, info.si_code, SI_MESGQ);
                }
                join(&asking);
        }
        UNTIL(*ready || returned(&bridge));
        mq_post(queue, 0, "text");
        join(&bridge);
}

/* Asks, lets the other one send, and tells which user that was. */
static uid_t asked_for_sender(struct child *c, mqd_t queue)
{
        siginfo_t info;

        MUST(ask_for_notice(queue, 1));
        here(c, 1);
        EVENTUALLY(mq_notify_signal_user_namespace, notices(&info) == 1);
        return info.si_uid;
}

TEST(sender_is_a_user_of_the_asking_namespace, VERIFIES(mq_notify_signal_user_namespace))
{
        const mqd_t queue = small_mq(O_RDWR);
        struct child asking;

        hold_notices();
        CHILD(&asking) {
                enter_user_namespace(USER_B, GROUP_B);
                EQ(mq_notify_signal_user_namespace, asked_for_sender(&asking, queue), USER_B);
        }
        UNTIL(at(&asking) == 1 || returned(&asking));
        mq_post(queue, 0, "text");
        join(&asking);
}

TEST(sender_without_a_number_is_the_overflow_user, VERIFIES(mq_notify_signal_user_namespace))
{
        const uid_t overflow = (uid_t)number_in("/proc/sys/kernel/overflowuid", "");
        const mqd_t queue = small_mq(O_RDWR);
        struct child asking, sender;

        hold_notices();
        CHILD(&asking) {
                enter_user_namespace(USER_B, GROUP_B);
                EQ(mq_notify_signal_user_namespace, asked_for_sender(&asking, queue), overflow);
        }
        UNTIL(at(&asking) == 1 || returned(&asking));
        CHILD(&sender) {
                as_user(USER_A);
                mq_post(queue, 0, "text");
        }
        join(&sender);
        join(&asking);
}

/* The sender's own namespace does not matter. */
TEST(sender_in_a_namespace_of_its_own_is_still_itself, VERIFIES(mq_notify_signal_user_namespace))
{
        const uid_t own = getuid();
        const mqd_t queue = small_mq(O_RDWR);
        struct child sender;
        siginfo_t info;

        hold_notices();
        MUST(ask_for_notice(queue, 1));
        CHILD(&sender) {
                enter_user_namespace(USER_A, GROUP_A);
                mq_post(queue, 0, "text");
        }
        join(&sender);
        EVENTUALLY(mq_notify_signal_user_namespace, notices(&info) == 1);
        EQ(mq_notify_signal_user_namespace, info.si_uid, own);
}
