/* SPDX-License-Identifier: MIT
 *
 * Descriptors of queues and processes: a child has copies, a new program and the dead have none.
 */
#include <stdio.h>
#include <sys/wait.h>

#include "ipck_mq.h"

static int try_register(mqd_t queue)
{
        const struct sigevent event = {.sigev_notify = SIGEV_NONE};

        return mq_notify(queue, &event);
}

/* ---- fork ---- */

TEST(child_has_copies_of_the_descriptors, VERIFIES(fork_mq_descriptors))
{
        const mqd_t queue = small_mq(O_RDWR), reader = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDONLY | O_NONBLOCK));
        char message[SMALL_MSGSIZE];
        struct child child;

        MUST(mq_unlink(QUEUE_NAME));
        mq_post(queue, 0, "parent's");
        CHILD(&child) {
                EQ(fork_mq_descriptors, mq_receive(reader, message, sizeof(message), NULL), 8);
                FAILS_WITH(fork_mq_descriptors, EAGAIN, mq_receive(reader, message, sizeof(message), NULL));
                FAILS_WITH(fork_mq_descriptors, EBADF, mq_send(reader, "m", 1, 0));
                EQ(fork_mq_descriptors, mq_send(queue, "child's", 7, 0), 0);
                EQ(fork_mq_descriptors, mq_close(queue), 0);
                EQ(fork_mq_descriptors, mq_close(reader), 0);
                stay(&child);
        }
        UNTIL(stays(&child));
        EQ(fork_mq_descriptors, mq_receive(reader, message, sizeof(message), NULL), 7);
        EQ(fork_mq_descriptors, mq_send(queue, "m", 1, 0), 0);
        dismiss(&child);
        EQ(fork_mq_descriptors, mq_count(queue), 1);
}

TEST(child_keeps_what_the_parent_closes, VERIFIES(fork_mq_descriptors))
{
        const mqd_t queue = small_mq(O_RDWR);
        struct child child;

        mq_post(queue, 0, "stays");
        CHILD(&child) {
                char message[SMALL_MSGSIZE];

                stay(&child);
                EQ(fork_mq_descriptors, mq_receive(queue, message, sizeof(message), NULL), 5);
                EQ(fork_mq_descriptors, mq_send(queue, "m", 1, 0), 0);
        }
        UNTIL(stays(&child));
        remove_mq(queue, QUEUE_NAME);
        dismiss(&child);
}

/* ---- exec ---- */

/* Tells by its exit status how many of the descriptors given are open, after it was allowed to end. */
ROLE(queue_user)
{
        int first, second, ready, go, open = 0;
        struct mq_attr attr;
        char byte = 0;

        if (sscanf(arg, "%d %d %d %d", &first, &second, &ready, &go) != 4)
                return 100;
        open += fcntl(first, F_GETFD) != -1 || mq_getattr(first, &attr) == 0;
        open += fcntl(second, F_GETFD) != -1 || mq_getattr(second, &attr) == 0;
        if (write(ready, &byte, 1) != 1 || read(go, &byte, 1) != 1)
                return 101;
        return open;
}

TEST(new_program_has_no_descriptor, VERIFIES(exec_mq_closed))
{
        const mqd_t queue = small_mq(O_RDWR);
        int ready[2], go[2];
        char arg[64], byte = 0;
        struct child program;

        MUST(pipe(ready));
        MUST(pipe(go));
        CHILD(&program) {
                const mqd_t created = new_mq("/own", O_RDWR, 1, 1), opened = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR));

                MUST(mq_close(queue));
                MUST(try_register(created));
                MUST(try_register(opened));
                stay(&program);
                snprintf(arg, sizeof(arg), "%d %d %d %d", created, opened, ready[1], go[0]);
                MUST(exec_role("queue_user", arg));
        }
        UNTIL(stays(&program));
        const mqd_t own = (mqd_t)MUST(mq_open("/own", O_RDWR));
        FAILS_WITH(exec_mq_closed, EBUSY, try_register(queue));
        FAILS_WITH(exec_mq_closed, EBUSY, try_register(own));
        tell(&program, 1);
        MUST(close(ready[1]));
        REQUIRE(read(ready[0], &byte, 1) == 1);
        /* The process lives, but no longer has the queues open. */
        EQ(exec_mq_closed, try_register(queue), 0);
        EQ(exec_mq_closed, try_register(own), 0);
        MUST(write(go[1], &byte, 1));
        const int status = reap(&program);
        REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) < 100);
        EQ(exec_mq_closed, WEXITSTATUS(status), 0);
}

/* ---- termination ---- */

static void end_by_exit(void)
{
        exit(0);
}

static void end_at_once(void)
{
        _exit(0);
}

static void end_by_kill(void)
{
        raise(SIGKILL);
}

static void end_by_abort(void)
{
        abort();
}

TEST(dead_process_is_not_registered, VERIFIES(exit_mq_closed))
{
        static const struct {
                const char *name;
                void (*end)(void);
        } rows[] = {{"exit", end_by_exit}, {"_exit", end_at_once}, {"SIGKILL", end_by_kill}, {"abort", end_by_abort}};
        const mqd_t queue = small_mq(O_RDWR);

        EACH_ROW(row, rows) {
                struct child registered;

                CHILD(&registered) {
                        const mqd_t own = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR));

                        MUST(try_register(own));
                        stay(&registered);
                        row->end();
                }
                UNTIL(stays(&registered));
                FAILS_WITH(exit_mq_closed, EBUSY, try_register(queue));
                tell(&registered, 1);
                (void)reap(&registered);
                EQ(exit_mq_closed, try_register(queue), 0);
                MUST(mq_notify(queue, NULL));
        }
}
