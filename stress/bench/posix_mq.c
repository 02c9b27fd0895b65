/* SPDX-License-Identifier: MIT
 *
 * posix_mq.c: POSIX message queues.
 */
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <unistd.h>

#include "bench.h"

enum {
        MOST_BYTES = 8192,              /* of a message, and MOST of them, as fs.mqueue.msgsize_max has it */
        DEPTH = 8,                      /* a user's queues together must not go beyond RLIMIT_MSGQUEUE */
        PRIORITY = 7,
};

static mqd_t queues[2];                 /* to side 0, to side 1 */
static size_t message_bytes;
static char message[MOST_BYTES], name[64];

static mqd_t new_queue(size_t bytes)
{
        struct mq_attr attributes = {.mq_maxmsg = DEPTH, .mq_msgsize = (long)bytes};

        message_bytes = bytes;
        snprintf(name, sizeof(name), "/ipck-bench-%d", (int)getpid());
        return (mqd_t)NEEDS(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes));
}

static void open_queues(size_t bytes)
{
        for (int side = 0; side < 2; side++) {
                queues[side] = new_queue(bytes);
                NEEDS(mq_unlink(name));
        }
}

static void send(mqd_t queue, unsigned priority)
{
        NEEDS(mq_send(queue, message, message_bytes, priority));
}

static void give(int side)
{
        send(queues[side], 0);
}

static void take(int side)
{
        NEEDS(mq_receive(queues[side], message, message_bytes, NULL));
}

static const struct mechanism messages = {open_queues, give, take};

/* All places but one are taken, each by a message of another priority. */
static void prepare_priorities(const struct bench *bench)
{
        (void)bench;
        open_queues(64);
        for (unsigned i = 0; i < DEPTH - 1; i++)
                send(queues[0], i);
}

static void run_priorities(const struct bench *bench, unsigned long operations)
{
        (void)bench;
        while (operations--) {
                send(queues[0], PRIORITY);
                take(0);
        }
}

static void prepare_name(const struct bench *bench)
{
        (void)bench;
        queues[0] = new_queue(64);
}

static void run_open_close(const struct bench *bench, unsigned long operations)
{
        (void)bench;
        while (operations--) {
                const mqd_t queue = (mqd_t)NEEDS(mq_open(name, O_RDWR));
                NEEDS(mq_close(queue));
        }
}

static void run_create_remove(const struct bench *bench, unsigned long operations)
{
        (void)bench;
        while (operations--) {
                const mqd_t queue = new_queue(64);
                NEEDS(mq_unlink(name));
                NEEDS(mq_close(queue));
        }
}

static void run_getattr(const struct bench *bench, unsigned long operations)
{
        struct mq_attr about;

        (void)bench;
        while (operations--)
                NEEDS(mq_getattr(queues[0], &about));
}

BENCH_LIST(posix_mq_benches,
        SEND_RECEIVE("posix.mq.send_receive.1", "mq_send() and mq_receive() of 1 byte", &messages, 1),
        SEND_RECEIVE("posix.mq.send_receive.64", "mq_send() and mq_receive() of 64 bytes", &messages, 64),
        SEND_RECEIVE("posix.mq.send_receive.1k", "mq_send() and mq_receive() of 1 KiB", &messages, 1024),
        SEND_RECEIVE("posix.mq.send_receive.8k", "mq_send() and mq_receive() of 8 KiB", &messages, 8192),
        CALLS("posix.mq.priorities", "mq_send() and mq_receive() above 7 other priorities", 2, prepare_priorities, run_priorities),
        CALLS("posix.mq.getattr", "mq_getattr()", 1, prepare_name, run_getattr),
        CYCLE("posix.mq.open_close", "mq_open() of one that exists, and mq_close()", 0, prepare_name, run_open_close),
        CYCLE("posix.mq.create_remove", "mq_open(O_CREAT), mq_unlink(), mq_close()", 0, NULL, run_create_remove),
        PING_PONG("posix.mq.ping_pong.1", "1 byte there and back, mq_send() and mq_receive()", &messages, 1),
        PING_PONG("posix.mq.ping_pong.1k", "1 KiB there and back, mq_send() and mq_receive()", &messages, 1024),
        STREAM("posix.mq.stream.64", "64 bytes one after the other, mq_send() to mq_receive()", &messages, 64),
        STREAM("posix.mq.stream.8k", "8 KiB one after the other, mq_send() to mq_receive()", &messages, 8192));
