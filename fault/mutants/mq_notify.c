/* SPDX-License-Identifier: MIT
 *
 * mq_notify.c: wrong implementations of mq_notify().
 */
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "mq.h"
#include "posix.h"

static struct {
        mqd_t queue;
        struct sigevent event;
        pid_t process, thread;
} registered = {.queue = -1};

int dup_registered(mqd_t queue)
{
        return queue == registered.queue && queue != -1 ? fcntl(queue, F_DUPFD_CLOEXEC, 3) : -1;
}

void register_again(mqd_t queue)
{
        const int before = errno;

        real_mq_notify(queue, &registered.event);
        errno = before;
}

static int end_wrongly(mqd_t queue)
{
        const bool own = registered.process == getpid();
        struct mq_attr attr;

        if (registered.event.sigev_notify == SIGEV_SIGNAL && chosen(mq_notify_null_ignored))
                return 0;
        if (own && registered.thread != gettid() && chosen(mq_notify_null_of_thread))
                return 0;
        if (!own && real_mq_getattr(queue, &attr) == 0 && attr.mq_curmsgs == 0 && chosen(mq_notify_null_ends_others))
                pass_message(queue);
        return real_mq_notify(queue, NULL);
}

static int notify_wrongly(mqd_t queue, const struct sigevent *passed)
{
        struct sigevent event = {0};
        struct mq_attr attr;

        if (!passed)
                return end_wrongly(queue);
        if (!peek(&event, passed, sizeof(event)))
                return real_mq_notify(queue, passed);
        const bool by_signal = event.sigev_notify == SIGEV_SIGNAL, by_thread = event.sigev_notify == SIGEV_THREAD;

        if (by_signal && chosen(mq_notify_value_lost))
                event.sigev_value = (union sigval){0};
        if (by_signal && event.sigev_signo > 0 && event.sigev_signo < SIGRTMIN && chosen(mq_notify_signal_lost))
                event.sigev_signo = 0;
        if (by_signal && event.sigev_signo > 0 && event.sigev_signo <= SIGRTMAX &&
            real_mq_getattr(queue, &attr) == 0 && attr.mq_curmsgs > 0 && chosen(mq_notify_signal_lost_with_messages))
                event.sigev_signo = 0;
        if (by_signal && event.sigev_signo == 0 && chosen(mq_notify_signal_0_refused))
                return fail(EINVAL);
        if (by_signal && event.sigev_signo > SIGRTMAX && chosen(mq_notify_any_signal))
                event.sigev_signo = 0;
        if (!by_signal && !by_thread && event.sigev_notify != SIGEV_NONE && chosen(mq_notify_any_way))
                event.sigev_notify = SIGEV_NONE;
        if (event.sigev_notify == SIGEV_NONE && chosen(mq_notify_none_ignored))
                return real_mq_notify(queue, passed) == -1 ? -1 : real_mq_notify(queue, NULL);
        if (event.sigev_notify == SIGEV_NONE && chosen(mq_notify_none_signals)) {
                event.sigev_notify = SIGEV_SIGNAL;
                event.sigev_signo = SIGRTMIN + 3;
        }
        if (by_thread && event.sigev_notify_attributes && chosen(mq_notify_attributes_ignored))
                event.sigev_notify_attributes = NULL;
        if (by_thread && chosen(mq_notify_thread_value_lost))
                event.sigev_value = (union sigval){0};
        if (by_thread && !event.sigev_notify_attributes && chosen(mq_notify_null_attributes_refused))
                return fail(EINVAL);
        if ((fcntl(queue, F_GETFL) & O_ACCMODE) == O_WRONLY && chosen(mq_notify_needs_reading))
                return fail(EBADF);
        const int result = real_mq_notify(queue, &event), error = errno;
        if (by_thread && chosen(mq_notify_thread_leaves_descriptor))
                eventfd(0, EFD_CLOEXEC);
        if (by_thread && chosen(mq_notify_thread_leaves_signal_blocked)) {
                sigset_t one;
                sigemptyset(&one);
                sigaddset(&one, SIGUSR2);
                pthread_sigmask(SIG_BLOCK, &one, NULL);
        }
        if (by_thread && chosen(mq_notify_thread_cancelability_left))
                leave_uncancelable();
        errno = error;
        if (result == -1 && error == EBUSY && chosen(mq_notify_ebusy_ignored))
                return 0;
        if (result == -1 && error == EBUSY && queue == registered.queue && chosen(mq_notify_takes_over)) {
                real_mq_notify(queue, NULL);
                return real_mq_notify(queue, &event);
        }
        if (result == 0) {
                registered.queue = queue;
                registered.event = event;
                registered.process = getpid();
                registered.thread = gettid();
        }
        return result;
}

int mq_notify(mqd_t queue, const struct sigevent *event)
{
        static const struct wrong_error errors[] = {
                {MUTANT_mq_notify_ebusy_as_eagain, EBUSY, EAGAIN},
                {MUTANT_mq_notify_ebadf_as_einval, EBADF, EINVAL},
                {MUTANT_mq_notify_einval_as_eperm, EINVAL, EPERM},
                {MUTANT_mq_notify_enomem_as_eagain, ENOMEM, EAGAIN},
        };
        const int result =
                mutants_are_in_question(MQ_CALLS) ? notify_wrongly(queue, event) : real_mq_notify(queue, event);

        if (result == -1)
                MISREPORT(errors);
        return result;
}
