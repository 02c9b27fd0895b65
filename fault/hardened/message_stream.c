/* SPDX-License-Identifier: MIT
 *
 * message_stream: a process asks another by a message for a stream of messages, which the queue has no room for at a
 * time. Who gives up removes the queue: that wakes the other.
 */
#include "hardened.h"

#include <sys/msg.h>

enum { REQUEST = 1, PIECE, PIECES = 8, ROOM = 64, PAUSE_MS = 5 };

struct message {
        long type;
        char text[24];
};
enum { SIZE = sizeof(((struct message *)0)->text) };

static bool send(int queue, const struct message *message)
{
        for (;;) {
                if (msgsnd(queue, message, SIZE, 0) == 0)
                        return true;
                if (errno != EINTR)
                        return failed("msgsnd");
        }
}

/* Asks again where the queue has no room, or the kernel no memory. */
static bool send_patiently(int queue, const struct message *message)
{
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                if (msgsnd(queue, message, SIZE, IPC_NOWAIT) == 0)
                        return true;
                if (errno != EINTR && errno != EAGAIN && errno != ENOMEM)
                        break;
                pause_ms(1);
        }
        return failed("msgsnd");
}

static bool receive(int queue, struct message *message, long type)
{
        for (;;) {
                if (msgrcv(queue, message, SIZE, type, 0) == SIZE)
                        return true;
                if (errno != EINTR)
                        return failed("msgrcv");
        }
}

static bool serve(int queue)
{
        struct message message;

        if (!receive(queue, &message, REQUEST))
                return false;
        const int pieces = atoi(message.text);
        for (int i = 1; i <= pieces; i++) {
                message = (struct message){.type = PIECE};
                snprintf(message.text, SIZE, "%d", i);
                if (!send(queue, &message))
                        return false;
        }
        return true;
}

static bool ask(int queue)
{
        struct message message = {.type = REQUEST};
        int sum = 0;

        pause_ms(PAUSE_MS);
        snprintf(message.text, SIZE, "%d", PIECES);
        if (!send_patiently(queue, &message))
                return false;
        pause_ms(PAUSE_MS);
        for (int i = 0; i < PIECES; i++) {
                if (!receive(queue, &message, PIECE))
                        return false;
                sum += atoi(message.text);
                pause_ms(1);
        }
        printf("%d pieces, sum %d\n", PIECES, sum);
        return true;
}

static bool limit(int queue)
{
        struct msqid_ds ds;

        if (msgctl(queue, IPC_STAT, &ds) == -1)
                return failed("msgctl IPC_STAT");
        ds.msg_qbytes = ROOM;
        return msgctl(queue, IPC_SET, &ds) == 0 || failed("msgctl IPC_SET");
}

static bool remove_queue(int queue)
{
        return INSIST(msgctl(queue, IPC_RMID, NULL));
}

static bool ask_another(int queue)
{
        const pid_t other = fork();

        if (other == -1)
                return failed("fork");
        if (other == 0) {
                const bool good = serve(queue);
                if (!good)
                        remove_queue(queue);
                _exit(good ? DONE : FAILED);
        }
        return join(other, ask(queue));
}

/* The other process may have removed the queue because it gave up. */
static bool run(void)
{
        const int queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);

        if (queue == -1)
                return failed("msgget");
        const bool good = limit(queue) && ask_another(queue);
        return remove_queue(queue) && good;
}

int main(void)
{
        setvbuf(stdout, NULL, _IOLBF, 0);
        return closing_all(run);
}
