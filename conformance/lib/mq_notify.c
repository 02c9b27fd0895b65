/* SPDX-License-Identifier: MIT
 *
 * mq_notify.c: who is notified of a message, and how often.
 */
#include "ipck_mq_notify.h"

static sigset_t notice_alone(void)
{
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, NOTICE);
        return set;
}

void hold_notices(void)
{
        const sigset_t set = notice_alone();

        MUST(sigprocmask(SIG_BLOCK, &set, NULL));
}

int notices(siginfo_t *last)
{
        const sigset_t set = notice_alone();
        const struct timespec at_once = {0};
        siginfo_t info;
        int count = 0;

        memset(&info, 0x5a, sizeof(info));
        while (sigtimedwait(&set, &info, &at_once) == NOTICE) {
                count++;
                if (last)
                        *last = info;
        }
        REQUIRE(errno == EAGAIN || errno == EINTR);
        return count;
}

int ask_for_notice(mqd_t queue, int value)
{
        const struct sigevent event = {
                .sigev_notify = SIGEV_SIGNAL, .sigev_signo = NOTICE, .sigev_value.sival_int = value,
        };

        return mq_notify(queue, &event);
}

int ask_for_nothing(mqd_t queue)
{
        const struct sigevent event = {.sigev_notify = SIGEV_NONE};

        return mq_notify(queue, &event);
}

bool is_registered(mqd_t queue)
{
        if (ask_for_nothing(queue) == -1) {
                REQUIRE(errno == EBUSY);
                return true;
        }
        MUST(mq_notify(queue, NULL));
        return false;
}

void take_all(mqd_t queue)
{
        char text[SMALL_MSGSIZE];

        for (long left = mq_count(queue); left > 0; left--)
                MUST(mq_receive(queue, text, sizeof(text), NULL));
}

void pass_message(mqd_t queue)
{
        mq_post(queue, 0, "text");
        take_all(queue);
}
