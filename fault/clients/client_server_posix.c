/* SPDX-License-Identifier: MIT
 *
 * client_server_posix: a server that answers a request, a text, with the same text in capitals. Requests go through
 * the queue /NAME, where the priority says what a message is. Nobody can take a message out of a POSIX queue by what it
 * is or whose: each client has a queue of its own for the replies, /NAME.PID.
 *
 *      client_server_posix serve /NAME &
 *      client_server_posix ask /NAME TEXT...
 *      client_server_posix stop /NAME
 *
 * The one who comes first creates the queue, and requests wait there for the server; a server that is told to stop
 * answers them all before, and removes the queue. A client that still has the queue open then does not learn of it and
 * waits for ever: to unlink a queue wakes nobody, whereas to remove a System V queue does.
 */
#include "client.h"

#include <ctype.h>
#include <fcntl.h>
#include <mqueue.h>

enum { MOST = 256, MOST_NAME = 200, MOST_REQUESTS = 4 };

/* Priorities: the greatest comes first. */
enum { STOP, REQUEST };

struct message {
        long client;                    /* part of the name of its queue */
        char text[MOST];
};

static void name_replies(char *replies, size_t size, const char *name, long client)
{
        snprintf(replies, size, "%s.%ld", name, client);
}

static mqd_t open_queue(const char *name, int flags, long most)
{
        struct mq_attr attr = {.mq_maxmsg = most, .mq_msgsize = sizeof(struct message)};
        const mqd_t queue = mq_open(name, flags, 0600, &attr);

        if (queue == (mqd_t)-1)
                failed("mq_open");
        return queue;
}

static bool close_queue(mqd_t queue)
{
        return mq_close(queue) == 0 || failed("mq_close");
}

static bool remove_queue(const char *name)
{
        return mq_unlink(name) == 0 || failed("mq_unlink");
}

static bool send(mqd_t queue, const struct message *message, unsigned priority)
{
        int done;

        do
                done = mq_send(queue, (const char *)message, sizeof(*message), priority);
        while (done == -1 && errno == EINTR);
        return done == 0 || failed("mq_send");
}

static bool receive(mqd_t queue, struct message *message, unsigned *priority)
{
        ssize_t length;

        do
                length = mq_receive(queue, (char *)message, sizeof(*message), priority);
        while (length == -1 && errno == EINTR);
        return length >= 0 || failed("mq_receive");
}

/* A client that has gone is no reason to let down the others. */
static bool answer(const char *name, struct message *message)
{
        char replies[MOST_NAME + 32], *const text = message->text;

        for (size_t i = 0; i < MOST && text[i]; i++)
                text[i] = (char)toupper((unsigned char)text[i]);
        name_replies(replies, sizeof(replies), name, message->client);
        const mqd_t queue = mq_open(replies, O_WRONLY);
        if (queue == (mqd_t)-1)
                return errno == ENOENT || failed("mq_open");
        const bool good = send(queue, message, REQUEST);
        return close_queue(queue) && good;
}

/* The greatest priority comes first: requests before the order to stop, although that may have been sent before. */
static bool serve_until_stopped(const char *name, mqd_t queue)
{
        struct message message;
        unsigned priority;

        while (receive(queue, &message, &priority))
                if (priority == STOP)
                        return true;
                else if (!answer(name, &message))
                        return false;
        return false;
}

static bool serve(const char *name)
{
        const mqd_t queue = open_queue(name, O_RDONLY | O_CREAT, MOST_REQUESTS);

        if (queue == (mqd_t)-1)
                return false;
        bool good = serve_until_stopped(name, queue);
        good = remove_queue(name) && good;
        return close_queue(queue) && good;
}

static bool ask_one(mqd_t queue, mqd_t replies, const char *text)
{
        struct message message = {.client = (long)getpid()};

        memcpy(message.text, text, strlen(text));
        return send(queue, &message, REQUEST) && receive(replies, &message, NULL) &&
               say(message.text, strnlen(message.text, MOST)) && say("\n", 1);
}

static bool ask_all(const char *name, mqd_t replies, char *const *texts)
{
        const mqd_t queue = open_queue(name, O_WRONLY | O_CREAT, MOST_REQUESTS);
        bool good = queue != (mqd_t)-1;

        if (!good)
                return false;
        for (; good && *texts; texts++)
                good = ask_one(queue, replies, *texts);
        return close_queue(queue) && good;
}

static bool ask(const char *name, char *const *texts)
{
        char own[MOST_NAME + 32];

        name_replies(own, sizeof(own), name, (long)getpid());
        const mqd_t replies = open_queue(own, O_RDONLY | O_CREAT | O_EXCL, 1);
        if (replies == (mqd_t)-1)
                return false;
        bool good = ask_all(name, replies, texts);
        good = remove_queue(own) && good;
        return close_queue(replies) && good;
}

static bool stop(const char *name)
{
        const struct message message = {.client = (long)getpid()};
        const mqd_t queue = open_queue(name, O_WRONLY, 0);

        if (queue == (mqd_t)-1)
                return false;
        const bool good = send(queue, &message, STOP);
        return close_queue(queue) && good;
}

static bool all_fit(char *const *texts)
{
        for (; *texts; texts++)
                if (strlen(*texts) >= MOST)
                        return false;
        return true;
}

int main(int argc, char **argv)
{
        if (argc >= 3 && strlen(argv[2]) <= MOST_NAME) {
                if (argc == 3 && strcmp(argv[1], "serve") == 0)
                        return serve(argv[2]) ? DONE : FAILED;
                if (argc == 3 && strcmp(argv[1], "stop") == 0)
                        return stop(argv[2]) ? DONE : FAILED;
                if (argc > 3 && strcmp(argv[1], "ask") == 0 && all_fit(argv + 3))
                        return ask(argv[2], argv + 3) ? DONE : FAILED;
        }
        return usage(argv[0], "serve /NAME | ask /NAME TEXT... | stop /NAME    (a TEXT has at most 255 bytes)");
}
