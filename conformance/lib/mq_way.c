/* SPDX-License-Identifier: MIT
 *
 * mq_way.c: sending and receiving as two ways to wait for a message queue.
 */
#include <stdio.h>

#include "ipck_mq_way.h"

mqd_t another_mq(int oflag, long maxmsg, long msgsize)
{
        static unsigned count;
        char name[32];

        snprintf(name, sizeof(name), "/ipck.%d.%u", (int)getpid(), count++);
        return new_mq(name, oflag, maxmsg, msgsize);
}

static int send_own(mqd_t queue, const struct timespec *deadline)
{
        return deadline ? mq_timedsend(queue, "own", 3, WAYS_OWN, deadline) : mq_send(queue, "own", 3, WAYS_OWN);
}

static int receive_next(mqd_t queue, const struct timespec *deadline)
{
        char text[SMALL_MSGSIZE];
        const ssize_t length = deadline ? mq_timedreceive(queue, text, sizeof(text), NULL, deadline)
                                        : mq_receive(queue, text, sizeof(text), NULL);

        return length == -1 ? -1 : 0;
}

static mqd_t full_mq(int oflag)
{
        const mqd_t queue = another_mq(O_RDWR | oflag, SMALL_MAXMSG, SMALL_MSGSIZE);

        fill_mq(queue);
        return queue;
}

static mqd_t empty_mq(int oflag)
{
        return another_mq(O_RDWR | oflag, SMALL_MAXMSG, SMALL_MSGSIZE);
}

static void take_one(mqd_t queue)
{
        char text[SMALL_MSGSIZE];

        MUST(mq_receive(queue, text, sizeof(text), NULL));
}

static void send_one(mqd_t queue)
{
        mq_post(queue, WAYS_OWN, "help");
}

const struct way sending = {
        .call = send_own, .stuck = full_mq, .help = take_one, .access = O_WRONLY, .count = SMALL_MAXMSG, .sent = 1,
};
const struct way receiving = {
        .call = receive_next, .stuck = empty_mq, .help = send_one, .access = O_RDONLY, .count = 0, .sent = -1,
};

int call_with_null(const struct way *way, mqd_t queue)
{
        char text[SMALL_MSGSIZE];

        if (way == &sending)
                return mq_timedsend(queue, "own", 3, WAYS_OWN, NULL);
        return mq_timedreceive(queue, text, sizeof(text), NULL, NULL) == -1 ? -1 : 0;
}

/* ---- the calls with all their arguments ---- */

static int send_now(mqd_t queue, const char *message, size_t length, unsigned priority)
{
        return mq_send(queue, message, length, priority);
}

static int send_by_deadline(mqd_t queue, const char *message, size_t length, unsigned priority)
{
        const struct timespec deadline = far_deadline();

        return mq_timedsend(queue, message, length, priority, &deadline);
}

static ssize_t receive_now(mqd_t queue, char *message, size_t room, unsigned *priority)
{
        return mq_receive(queue, message, room, priority);
}

static ssize_t receive_by_deadline(mqd_t queue, char *message, size_t room, unsigned *priority)
{
        const struct timespec deadline = far_deadline();

        return mq_timedreceive(queue, message, room, priority, &deadline);
}

const struct send_call send_calls[2] = {{"mq_send", send_now}, {"mq_timedsend", send_by_deadline}};
const struct receive_call receive_calls[2] = {{"mq_receive", receive_now}, {"mq_timedreceive", receive_by_deadline}};

/* ---- what is on the queue ---- */

int drain(mqd_t queue, unsigned priority)
{
        char text[SMALL_MSGSIZE];
        int found = 0;

        for (long left = mq_count(queue); left > 0; left--) {
                unsigned got = priority + 1;

                MUST(mq_receive(queue, text, sizeof(text), &got));
                found += got == priority;
        }
        return found;
}

bool is_untouched(const struct way *way, mqd_t queue)
{
        return mq_count(queue) == way->count && drain(queue, WAYS_FILLER) == way->count;
}

/* ---- time ---- */

struct timespec far_deadline(void)
{
        struct timespec t = deadline_in(CLOCK_REALTIME, INT64_C(100000000000000));

        t.tv_nsec = 123456789;
        return t;
}

struct timespec past_deadline(void)
{
        return deadline_in(CLOCK_REALTIME, -INT64_C(5000000000));
}

void let_realtime_pass(int64_t interval)
{
        const mqd_t queue = another_mq(O_RDWR, 1, 1);
        const struct timespec deadline = deadline_in(CLOCK_REALTIME, interval);
        char text[1];
        const ssize_t result = mq_timedreceive(queue, text, sizeof(text), NULL, &deadline);

        REQUIRE(result == -1 && errno == ETIMEDOUT);
        MUST(mq_close(queue));
}

static int thread_call(void *arg)
{
        struct way_thread *const t = arg;

        if (t->gated)
                pthread_mutex_lock(&t->gate);
        return t->way->call(t->queue, t->timed ? &t->deadline : NULL) == 0 ? 0 : errno;
}

void start_way(struct way_thread *t)
{
        start(&t->thread, thread_call, t);
}
