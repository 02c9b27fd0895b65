/* SPDX-License-Identifier: MIT
 *
 * What a queue's file in the mqueue file system says of it.
 */
#include <stdio.h>

#include "ipck_mq.h"

struct state {
        unsigned long qsize;
        int notify, signo, notify_pid;
};

/* Parses the one line; false where it is another. */
static bool parse(const char *text, struct state *state)
{
        int end = 0;

        memset(state, 0x5a, sizeof(*state));
        return sscanf(text, "QSIZE:%lu NOTIFY:%d SIGNO:%d NOTIFY_PID:%d %n", &state->qsize, &state->notify,
                      &state->signo, &state->notify_pid, &end) == 4 &&
               text[end] == '\0' && strchr(text, '\n') == text + strlen(text) - 1;
}

static const char *directory;

static struct state state_of(const char *name)
{
        char text[256];
        struct state state;

        MUST(read_file(mq_file(directory, name), text, sizeof(text)));
        REQUIRE(parse(text, &state));
        return state;
}

/* ---- the line ---- */

static bool reads(int fd, char *text, size_t size)
{
        const ssize_t length = read(fd, text, size - 1);

        if (length < 0)
                return false;
        text[length] = '\0';
        return true;
}

TEST(file_is_one_line_of_four_fields, VERIFIES(mqfs_text))
{
        const mqd_t queue = small_mq(O_RDWR);
        char by_file[256], by_descriptor[256] = "", again[256];
        struct state state;

        directory = mount_mqueue();
        for (int n = 0; n < 3; n++) {
                EQ(mqfs_text, worked((int)read_file(mq_file(directory, QUEUE_NAME), by_file, sizeof(by_file))), 0);
                HOLDS(mqfs_text, parse(by_file, &state));
                EQ(mqfs_text, state.qsize, 5 * n);
                EQ(mqfs_text, state.notify_pid, 0);
                /* A descriptor from mq_open() is one of that file. */
                HOLDS(mqfs_text, lseek(queue, 0, SEEK_SET) == 0);
                HOLDS(mqfs_text, reads(queue, by_descriptor, sizeof(by_descriptor)));
                HOLDS(mqfs_text, strcmp(by_descriptor, by_file) == 0);
                EQ(mqfs_text, read(queue, again, sizeof(again)), 0);
                mq_post(queue, 0, "hello");
        }
        /* Reading it receives nothing. */
        EQ(mqfs_text, mq_count(queue), 3);
}

TEST(parts_of_the_line_are_read_one_after_the_other, VERIFIES(mqfs_text))
{
        const mqd_t queue = small_mq(O_RDWR);
        char whole[256], parts[256] = "";
        size_t length = 0;

        MUST(lseek(queue, 0, SEEK_SET));
        HOLDS(mqfs_text, reads(queue, whole, sizeof(whole)));
        MUST(lseek(queue, 0, SEEK_SET));
        while (length < sizeof(parts) - 1 && read(queue, parts + length, 1) == 1)
                length++;
        HOLDS(mqfs_text, strcmp(parts, whole) == 0);
        FAILS_WITH(mqfs_text, EINVAL, write(queue, "QSIZE:0", 7));
}

/* ---- QSIZE ---- */

TEST(size_is_the_sum_of_the_messages, VERIFIES(mqfs_qsize))
{
        enum { SIZE = 1000, COUNT = 8 };
        const mqd_t queue = new_mq(QUEUE_NAME, O_RDWR | O_NONBLOCK, COUNT, SIZE);
        char message[SIZE] = "";
        unsigned long sum = 0;

        directory = mount_mqueue();
        EQ(mqfs_qsize, state_of(QUEUE_NAME).qsize, 0);
        for (int i = 0; i < COUNT; i++) {
                const size_t length = i == 0 ? 0 : i == 1 ? SIZE : random_below(SIZE + 1);

                MUST(mq_send(queue, message, length, random_below(3)));
                sum += length;
                EQ(mqfs_qsize, state_of(QUEUE_NAME).qsize, sum);
        }
        /* What was not sent does not count. */
        FAILS_WITH(mqfs_qsize, EAGAIN, mq_send(queue, message, 10, 0));
        EQ(mqfs_qsize, state_of(QUEUE_NAME).qsize, sum);
        for (int i = 0; i < COUNT; i++) {
                sum -= (unsigned long)MUST(mq_receive(queue, message, SIZE, NULL));
                EQ(mqfs_qsize, state_of(QUEUE_NAME).qsize, sum);
        }
        EQ(mqfs_qsize, sum, 0);
}

/* ---- NOTIFY, SIGNO, NOTIFY_PID ---- */

static void expect_nobody(void)
{
        const struct state state = state_of(QUEUE_NAME);

        EQ(mqfs_notify_fields, state.notify, 0);
        EQ(mqfs_notify_fields, state.signo, 0);
        EQ(mqfs_notify_fields, state.notify_pid, 0);
}

static void nothing(union sigval value)
{
        (void)value;
}

TEST(registration_is_shown, VERIFIES(mqfs_notify_fields))
{
        static const struct {
                const char *name;
                int notify, signo, shown, method;
        } rows[] = {
                {"SIGEV_NONE", SIGEV_NONE, 0, 0, 1}, {"SIGEV_SIGNAL", SIGEV_SIGNAL, SIGUSR1, SIGUSR1, 0},
                {"another signal", SIGEV_SIGNAL, SIGURG, SIGURG, 0}, {"SIGEV_THREAD", SIGEV_THREAD, 0, 0, 2},
                {"SIGEV_NONE with a signal", SIGEV_NONE, SIGUSR2, 0, 1},
        };
        const mqd_t queue = small_mq(O_RDWR);
        struct child registered;

        directory = mount_mqueue();
        expect_nobody();
        EACH_ROW(row, rows) {
                if (row->notify == SIGEV_THREAD && ipck_route == IPCK_RAW)
                        continue;
                CHILD(&registered) {
                        struct sigevent event = {.sigev_notify = row->notify, .sigev_signo = row->signo};

                        if (row->notify == SIGEV_THREAD)
                                event.sigev_notify_function = nothing;
                        MUST(mq_notify(queue, &event));
                        stay(&registered);
                        MUST(mq_notify(queue, NULL));
                }
                UNTIL(stays(&registered));
                const struct state state = state_of(QUEUE_NAME);
                EQ(mqfs_notify_fields, state.notify_pid, registered.pid);
                EQ(mqfs_notify_fields, state.notify, row->method);
                EQ(mqfs_notify_fields, state.signo, row->shown);
                dismiss(&registered);
                expect_nobody();
        }
}

TEST(registration_is_shown_until_it_ends, VERIFIES(mqfs_notify_fields))
{
        const mqd_t queue = small_mq(O_RDWR);
        const struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
        char message[SMALL_MSGSIZE];

        directory = mount_mqueue();
        catch_signal(SIGUSR1, 0);
        for (int i = 0; i < 2; i++) {
                MUST(mq_notify(queue, &event));
                EQ(mqfs_notify_fields, state_of(QUEUE_NAME).notify_pid, getpid());
                mq_post(queue, 0, "m");
                expect_nobody();
                MUST(mq_receive(queue, message, sizeof(message), NULL));
        }
}
