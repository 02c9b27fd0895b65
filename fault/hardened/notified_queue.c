/* SPDX-License-Identifier: MIT
 *
 * notified_queue: a process is notified of the first message on a POSIX queue, then takes it and all others, which the
 * queue has no room for at a time. The sender tells by a message of its own that it gives up.
 */
#include "hardened.h"

#include <mqueue.h>

enum { ROOM = 2, MESSAGES = 8, PAUSE_MS = 5, GIVES_UP = 9 };

struct message {
        int number;
};

static bool send(mqd_t queue, int number, unsigned priority)
{
        const struct message message = {number};

        while (mq_send(queue, (const char *)&message, sizeof(message), priority) == -1)
                if (errno != EINTR && errno != EAGAIN)
                        return failed("mq_send");
        return true;
}

static bool send_in_time(mqd_t queue, int number)
{
        const struct message message = {number};
        const struct timespec end = deadline(CLOCK_REALTIME);

        while (mq_timedsend(queue, (const char *)&message, sizeof(message), 0, &end) == -1)
                if (errno != EINTR && errno != EAGAIN)
                        return failed("mq_timedsend");
        return true;
}

/* The receiver is slower, so that the queue has no room; but the last two come late. */
static bool send_all(mqd_t queue)
{
        pause_ms(PAUSE_MS);
        for (int i = 1; i <= MESSAGES; i++) {
                if (i > MESSAGES - 2)
                        pause_ms(6 * PAUSE_MS);
                if (!(i % 2 ? send(queue, i, 0) : send_in_time(queue, i)))
                        return false;
        }
        return true;
}

static bool receive(mqd_t queue, struct message *message, unsigned *priority)
{
        while (mq_receive(queue, (char *)message, sizeof(*message), priority) == -1)
                if (errno != EINTR && errno != EAGAIN)
                        return failed("mq_receive");
        return true;
}

static bool receive_in_time(mqd_t queue, struct message *message, unsigned *priority)
{
        const struct timespec end = deadline(CLOCK_REALTIME);

        while (mq_timedreceive(queue, (char *)message, sizeof(*message), priority, &end) == -1)
                if (errno != EINTR && errno != EAGAIN)
                        return failed("mq_timedreceive");
        return true;
}

static bool receive_all(mqd_t queue)
{
        int sum = 0;

        for (int i = 1; i <= MESSAGES; i++) {
                struct message message;
                unsigned priority;
                if (i <= MESSAGES - 2)
                        pause_ms(PAUSE_MS);
                if (!(i % 2 ? receive(queue, &message, &priority) : receive_in_time(queue, &message, &priority)))
                        return false;
                if (priority == GIVES_UP) {
                        fprintf(stderr, "the sender gives up\n");
                        return false;
                }
                sum += message.number;
        }
        printf("%d messages, sum %d\n", MESSAGES, sum);
        return true;
}

/* ---- the receiver ---- */

static bool wait_for_notification(void)
{
        const struct timespec longest = {SECONDS, 0};
        sigset_t usr1;

        sigemptyset(&usr1);
        sigaddset(&usr1, SIGUSR1);
        while (sigtimedwait(&usr1, NULL, &longest) == -1)
                if (errno != EINTR)
                        return failed("sigtimedwait");
        return true;
}

static bool set_nonblocking(mqd_t queue, bool nonblocking)
{
        const struct mq_attr wanted = {.mq_flags = nonblocking ? O_NONBLOCK : 0};

        return INSIST(mq_setattr(queue, &wanted, NULL));
}

/* The queue is new: what is on it already is somebody else's. */
static bool is_empty(mqd_t queue)
{
        struct mq_attr now;

        if (mq_getattr(queue, &now) == -1)
                return failed("mq_getattr");
        if (now.mq_maxmsg == ROOM && now.mq_curmsgs == 0)
                return true;
        fprintf(stderr, "the queue is not what was made\n");
        return false;
}

static bool be_notified(mqd_t queue)
{
        const struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
        sigset_t usr1;

        sigemptyset(&usr1);
        sigaddset(&usr1, SIGUSR1);
        sigprocmask(SIG_BLOCK, &usr1, NULL);
        return mq_notify(queue, &event) == 0 || failed("mq_notify");
}

static bool use(mqd_t queue)
{
        if (!set_nonblocking(queue, true) || !is_empty(queue) || !set_nonblocking(queue, false) || !be_notified(queue))
                return false;
        const pid_t other = fork();
        if (other == -1)
                return failed("fork");
        if (other == 0) {
                const bool good = send_all(queue);
                if (!good)
                        send(queue, 0, GIVES_UP);
                _exit(good ? DONE : FAILED);
        }
        bool good = wait_for_notification();
        pause_ms(2 * PAUSE_MS);
        good = good && receive_all(queue);
        return join(other, good);
}

static mqd_t open_queue(char *name, size_t size)
{
        struct mq_attr attributes = {.mq_maxmsg = ROOM, .mq_msgsize = sizeof(struct message)};

        for (int attempt = 0; attempt < AGAIN; attempt++) {
                snprintf(name, size, "/notified_queue.%d", attempt);
                const mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
                if (queue != (mqd_t)-1)
                        return queue;
                if (errno != EINTR && errno != EEXIST)
                        break;
        }
        failed("mq_open");
        return (mqd_t)-1;
}

static bool run(void)
{
        char name[64];
        const mqd_t queue = open_queue(name, sizeof(name));

        if (queue == (mqd_t)-1)
                return false;
        bool good = use(queue);
        good = INSIST(mq_close(queue)) && good;
        return INSIST(mq_unlink(name)) && good;
}

int main(void)
{
        setvbuf(stdout, NULL, _IOLBF, 0);
        return closing_all(run);
}
