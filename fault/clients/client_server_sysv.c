/* SPDX-License-Identifier: MIT
 *
 * client_server_sysv: a server that answers a request, a text, with the same text in capitals. All messages go through
 * one queue. A message has no address: its type says what it is, or whose.
 *
 *      client_server_sysv serve FILE &
 *      client_server_sysv ask FILE TEXT...
 *      client_server_sysv stop FILE
 *
 * FILE is any existing file that all sides name: ftok() makes the key of it. The one who comes first creates the queue,
 * and requests wait there for the server; a server that is told to stop answers them all before, and removes the queue.
 *
 * Each client has one message on the queue at a time. The queue must hold those of all clients and one more: where they
 * fill it with requests, the server has no room to answer.
 */
#include "client.h"

#include <ctype.h>
#include <sys/msg.h>

enum { MOST = 256 };

/* Replies have the types above these: one for each client. */
enum { REQUEST = 1, STOP, REPLY };

struct message {
        long type;
        struct body {
                long client;            /* the type of its replies */
                char text[MOST];
        } body;
};

static int open_queue(const char *file, int flags)
{
        const key_t key = ftok(file, 'c');

        if (key == (key_t)-1) {
                failed(file);
                return -1;
        }
        const int queue = msgget(key, flags | 0600);
        if (queue == -1)
                failed("msgget");
        return queue;
}

static bool send(int queue, const struct message *message)
{
        int done;

        do
                done = msgsnd(queue, message, sizeof(message->body), 0);
        while (done == -1 && errno == EINTR);
        return done == 0 || failed("msgsnd");
}

/* Receives by type as msgrcv() does. */
static bool receive(int queue, struct message *message, long type)
{
        ssize_t length;

        do
                length = msgrcv(queue, message, sizeof(message->body), type, 0);
        while (length == -1 && errno == EINTR);
        return length >= 0 || failed("msgrcv");
}

static bool answer(int queue, struct message *message)
{
        char *const text = message->body.text;

        for (size_t i = 0; i < MOST && text[i]; i++)
                text[i] = (char)toupper((unsigned char)text[i]);
        message->type = message->body.client;
        return send(queue, message);
}

/* The lowest type comes first: requests before the order to stop, although that may have been sent before. */
static bool serve_until_stopped(int queue)
{
        struct message message;

        while (receive(queue, &message, -STOP))
                if (message.type == STOP)
                        return true;
                else if (!answer(queue, &message))
                        return false;
        return false;
}

static bool serve(const char *file)
{
        const int queue = open_queue(file, IPC_CREAT);

        if (queue == -1)
                return false;
        const bool good = serve_until_stopped(queue);
        return (msgctl(queue, IPC_RMID, NULL) == 0 || failed("msgctl IPC_RMID")) && good;
}

static bool ask_one(int queue, const char *text)
{
        struct message message = {.type = REQUEST, .body.client = REPLY + (long)getpid()};

        memcpy(message.body.text, text, strlen(text));
        return send(queue, &message) && receive(queue, &message, REPLY + (long)getpid()) &&
               say(message.body.text, strnlen(message.body.text, MOST)) && say("\n", 1);
}

static bool ask(const char *file, char *const *texts)
{
        const int queue = open_queue(file, IPC_CREAT);

        if (queue == -1)
                return false;
        for (; *texts; texts++)
                if (!ask_one(queue, *texts))
                        return false;
        return true;
}

static bool stop(const char *file)
{
        const struct message message = {.type = STOP};
        const int queue = open_queue(file, 0);

        return queue != -1 && send(queue, &message);
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
        if (argc == 3 && strcmp(argv[1], "serve") == 0)
                return serve(argv[2]) ? DONE : FAILED;
        if (argc == 3 && strcmp(argv[1], "stop") == 0)
                return stop(argv[2]) ? DONE : FAILED;
        if (argc > 3 && strcmp(argv[1], "ask") == 0 && all_fit(argv + 3))
                return ask(argv[2], argv + 3) ? DONE : FAILED;
        return usage(argv[0], "serve FILE | ask FILE TEXT... | stop FILE    (a TEXT has at most 255 bytes)");
}
