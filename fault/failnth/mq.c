/* SPDX-License-Identifier: MIT
 *
 * POSIX message queues.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <mqueue.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "operations.h"

#define NAME "/queue"
#define PLACE "/dev/mqueue" NAME

enum { MESSAGES = 4, SIZE = 8192, SHORT = 20 };

static mqd_t queue = (mqd_t)-1;
static char text[SIZE];
static struct mq_attr attributes = {.mq_maxmsg = MESSAGES, .mq_msgsize = SIZE};

/* Descriptors say nothing. */
static long done(bool yes)
{
        return yes ? 0 : -1;
}

static long send(size_t size, unsigned priority)
{
        return mq_send(queue, pattern(size), size, priority);
}

/* ---- states ---- */

static void empty_queue(void)
{
        queue = (mqd_t)MUST(mq_open(NAME, O_CREAT | O_RDWR, 0600, &attributes));
}

static void some_messages(void)
{
        empty_queue();
        MUST(send(SIZE, 3));
        MUST(send(SHORT, 5));
        MUST(send(0, 3));
}

static void full_queue(void)
{
        empty_queue();
        for (unsigned i = 0; i < MESSAGES; i++)
                MUST(send(SHORT, 1));
}

static long receive_any(void)
{
        return mq_receive(queue, text, sizeof(text), NULL);
}

static long send_short(void)
{
        return send(SHORT, 7);
}

static void receivers_wait(void)
{
        empty_queue();
        blocked(receive_any);
        blocked(receive_any);
}

static void senders_wait(void)
{
        full_queue();
        blocked(send_short);
        blocked(send_short);
}

/* Somebody else wants a signal. */
static long be_notified(void)
{
        const struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};

        signal(SIGUSR1, SIG_IGN);
        if (mq_notify(queue, &event) == -1)
                return -1;
        return pause();
}

static void notified(void)
{
        empty_queue();
        blocked(be_notified);
}

/* Just one more queue may be made: by bytes, and by number. */
static void own_limits(void)
{
        drop_capability(CAP_SYS_RESOURCE);
        limit(RLIMIT_MSGQUEUE, MESSAGES * (SIZE + 8 + 48) + 48 * MESSAGES);
        write_text("/proc/sys/fs/mqueue/queues_max", "1");
}

static void own_notification(void)
{
        const struct sigevent event = {.sigev_notify = SIGEV_NONE};

        MUST(mq_notify(queue, &event));
}

static void nothing(union sigval value)
{
        (void)value;
}

static struct sigevent thread_event(void)
{
        struct sigevent event;

        memset(&event, 0, sizeof(event));
        event.sigev_notify = SIGEV_THREAD;
        event.sigev_notify_function = nothing;
        return event;
}

/* What the C library makes once for all is made. */
static void own_thread(void)
{
        const struct sigevent event = thread_event();

        MUST(mq_notify(queue, &event));
        MUST(mq_notify(queue, NULL));
}

/* ---- calls ---- */

static long create(void)
{
        return done(mq_open(NAME, O_CREAT | O_EXCL | O_RDWR, 0640, &attributes) != (mqd_t)-1);
}

static long create_by_default(void)
{
        return done(mq_open(NAME, O_CREAT | O_RDWR, 0640, NULL) != (mqd_t)-1);
}

static long open_queue(void)
{
        return done(mq_open(NAME, O_RDWR | O_NONBLOCK) != (mqd_t)-1);
}

static long create_file(void)
{
        return done(open(PLACE, O_CREAT | O_EXCL | O_RDWR, 0600) != -1);
}

static long close_queue(void)
{
        return mq_close(queue);
}

static long unlink_queue(void)
{
        return mq_unlink(NAME);
}

static long unlink_file(void)
{
        return unlink(PLACE);
}

static long send_one(void)
{
        return send(SHORT, 9);
}

static long send_long(void)
{
        return send(SIZE, 2);
}

static long send_late(void)
{
        const struct timespec past = {.tv_sec = 1};

        return mq_timedsend(queue, pattern(SHORT), SHORT, 4, &past);
}

static long send_in_time(void)
{
        const struct timespec end = in_an_hour();

        return mq_timedsend(queue, pattern(SHORT), SHORT, 4, &end);
}

static long receive(void)
{
        unsigned priority = 0;

        memset(text, 0, sizeof(text));
        const long n = mq_receive(queue, text, sizeof(text), &priority);
        if (n != -1) {
                ANSWER_OF(text);
                ANSWER_OF(priority);
        }
        return n;
}

static long receive_late(void)
{
        const struct timespec past = {.tv_sec = 1};

        return mq_timedreceive(queue, text, sizeof(text), NULL, &past);
}

static long receive_in_time(void)
{
        const struct timespec end = in_an_hour();

        return mq_timedreceive(queue, text, sizeof(text), NULL, &end);
}

static long get_attributes(void)
{
        struct mq_attr now;

        memset(&now, 0, sizeof(now));
        const long result = mq_getattr(queue, &now);
        if (result != -1)
                ANSWER_OF(now);
        return result;
}

static long set_attributes(void)
{
        const struct mq_attr wanted = {.mq_flags = O_NONBLOCK};
        struct mq_attr before;

        memset(&before, 0, sizeof(before));
        const long result = mq_setattr(queue, &wanted, &before);
        if (result != -1)
                ANSWER_OF(before);
        return result;
}

static long notify(int how)
{
        const struct sigevent event = {.sigev_notify = how, .sigev_signo = SIGUSR2};

        return mq_notify(queue, &event);
}

static long notify_not(void)
{
        return notify(SIGEV_NONE);
}

static long notify_by_signal(void)
{
        return notify(SIGEV_SIGNAL);
}

static long notify_by_thread(void)
{
        const struct sigevent event = thread_event();

        return mq_notify(queue, &event);
}

static long notify_no_more(void)
{
        return mq_notify(queue, NULL);
}

static long read_status(void)
{
        char status[128] = "";
        const int file = open(PLACE, O_RDONLY);

        if (file == -1)
                return -1;
        const long n = read(file, status, sizeof(status));
        const int error = errno;
        close(file);
        errno = error;
        if (n != -1)
                ANSWER_OF(status);
        return n;
}

static const struct operation operations[] = {
        OPERATION("mq_open.create", NULL, own_limits, create),
        OPERATION("mq_open.create-by-default", NULL, NULL, create_by_default),
        OPERATION("mq_open.open", some_messages, NULL, open_queue),
        OPERATION("open.create-queue", NULL, NULL, create_file,
                  .errors = "EACCES EEXIST EINTR EMFILE ENAMETOOLONG ENFILE ENOENT ENOMEM ENOSPC EPERM"),
        OPERATION("mq_close.one", some_messages, NULL, close_queue),
        OPERATION("mq_close.with-notification", empty_queue, own_notification, close_queue),
        OPERATION("mq_unlink.one", some_messages, NULL, unlink_queue),
        OPERATION("mq_unlink.with-waiters", receivers_wait, NULL, unlink_queue),
        OPERATION("unlink.queue", some_messages, NULL, unlink_file,
                  .errors = "EACCES EFAULT EIO ENAMETOOLONG ENOENT ENOMEM EPERM"),
        OPERATION("mq_send.short", empty_queue, NULL, send_one),
        OPERATION("mq_send.long", some_messages, NULL, send_long),
        OPERATION("mq_send.another-priority", some_messages, NULL, send_one),
        OPERATION("mq_send.to-receiver", receivers_wait, NULL, send_one),
        OPERATION("mq_send.notifies", notified, NULL, send_one),
        OPERATION("mq_timedsend.late", full_queue, NULL, send_late),
        OPERATION("mq_timedsend.in-time", some_messages, NULL, send_in_time),
        OPERATION("mq_receive.one", some_messages, NULL, receive),
        OPERATION("mq_receive.wakes-sender", senders_wait, NULL, receive),
        OPERATION("mq_timedreceive.late", empty_queue, NULL, receive_late),
        OPERATION("mq_timedreceive.in-time", some_messages, NULL, receive_in_time),
        OPERATION("mq_getattr.one", some_messages, NULL, get_attributes),
        OPERATION("mq_setattr.one", some_messages, NULL, set_attributes),
        OPERATION("mq_notify.none", empty_queue, NULL, notify_not),
        OPERATION("mq_notify.signal", empty_queue, NULL, notify_by_signal),
        OPERATION("mq_notify.thread", empty_queue, own_thread, notify_by_thread, .errors = "ENOMEM"),
        OPERATION("mq_notify.remove", empty_queue, own_notification, notify_no_more),
        OPERATION("read.queue", some_messages, NULL, read_status,
                  .errors = "EAGAIN EBADF EFAULT EINTR EINVAL EIO EISDIR ENOMEM"),
};
const struct family mq_family = FAMILY(operations);
