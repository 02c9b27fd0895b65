/* SPDX-License-Identifier: MIT
 *
 * sysv_msg.c: System V message queues.
 */
#include <sys/ipc.h>
#include <sys/msg.h>

#include "bench.h"

enum { MOST_BYTES = 8192, OTHERS = 200, OTHERS_BYTES = 64, OTHERS_TYPE = 7, OUR_TYPE = 3 };

static int queue;
static size_t message_bytes;
static struct {
        long type;
        char text[MOST_BYTES];
} message;

static void open_queue(size_t bytes)
{
        message_bytes = bytes;
        queue = (int)NEEDS(msgget(IPC_PRIVATE, 0600));
}

static void prepare_queue(const struct bench *bench)
{
        open_queue(bench->bytes);
}

static void send(long type)
{
        message.type = type;
        NEEDS(msgsnd(queue, &message, message_bytes, 0));
}

static void receive(long type)
{
        NEEDS(msgrcv(queue, &message, message_bytes, type, 0));
}

/* A message for side 0 has type 1, for side 1 type 2. */
static void give(int side)
{
        send(side + 1);
}

static void take(int side)
{
        receive(side + 1);
}

static const struct mechanism messages = {open_queue, give, take};

static void prepare_others(const struct bench *bench)
{
        (void)bench;
        open_queue(OTHERS_BYTES);
        for (int i = 0; i < OTHERS; i++)
                send(OTHERS_TYPE);
}

static void run_type(const struct bench *bench, unsigned long operations)
{
        (void)bench;
        while (operations--) {
                send(OUR_TYPE);
                receive(OUR_TYPE);
        }
}

static void run_negative_type(const struct bench *bench, unsigned long operations)
{
        (void)bench;
        while (operations--) {
                send(OUR_TYPE);
                receive(-OTHERS_TYPE);
        }
}

static void run_stat(const struct bench *bench, unsigned long operations)
{
        struct msqid_ds about;

        (void)bench;
        while (operations--)
                NEEDS(msgctl(queue, IPC_STAT, &about));
}

static void run_create_remove(const struct bench *bench, unsigned long operations)
{
        while (operations--) {
                open_queue(bench->bytes);
                NEEDS(msgctl(queue, IPC_RMID, NULL));
        }
}

BENCH_LIST(sysv_msg_benches,
        SEND_RECEIVE("sysv.msg.send_receive.1", "msgsnd() and msgrcv() of 1 byte", &messages, 1),
        SEND_RECEIVE("sysv.msg.send_receive.64", "msgsnd() and msgrcv() of 64 bytes", &messages, 64),
        SEND_RECEIVE("sysv.msg.send_receive.1k", "msgsnd() and msgrcv() of 1 KiB", &messages, 1024),
        SEND_RECEIVE("sysv.msg.send_receive.8k", "msgsnd() and msgrcv() of 8 KiB", &messages, 8192),
        CALLS("sysv.msg.type", "msgsnd() and msgrcv() of one type behind 200 messages of another", 2, prepare_others, run_type),
        CALLS("sysv.msg.type.negative", "msgsnd() and msgrcv() of the lowest type among 201 messages", 2, prepare_others,
              run_negative_type),
        CALLS("sysv.msg.stat", "msgctl(IPC_STAT)", 1, prepare_queue, run_stat),
        CYCLE("sysv.msg.create_remove", "msgget(IPC_PRIVATE) and IPC_RMID", 0, NULL, run_create_remove),
        PING_PONG("sysv.msg.ping_pong.1", "1 byte there and back, msgsnd() and msgrcv()", &messages, 1),
        PING_PONG("sysv.msg.ping_pong.1k", "1 KiB there and back, msgsnd() and msgrcv()", &messages, 1024),
        STREAM("sysv.msg.stream.64", "64 bytes one after the other, msgsnd() to msgrcv()", &messages, 64),
        STREAM("sysv.msg.stream.8k", "8 KiB one after the other, msgsnd() to msgrcv()", &messages, 8192));
