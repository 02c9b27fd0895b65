/* SPDX-License-Identifier: MIT
 *
 * Descriptors of queues and processes: a child has copies, a new program and the dead have none.
 */
#include <stdio.h>
#include <sys/wait.h>

#include "ipck_mq_notify.h"
#include "ipck_program.h"

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
                EQ(fork_mq_descriptors, mq_receive(reader, message, sizeof(message), NULL), -1);
                REQUIRE(mq_send(reader, "m", 1, 0) == -1 && errno == EBADF);
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

/* Ends with the number of the two descriptors that are open. */
ROLE(queue_user)
{
        const char *const own = program_runs(arg);
        int queue[2], open = 0;
        struct mq_attr attr;

        if (!own || sscanf(own, "%d %d", &queue[0], &queue[1]) != 2)
                return 100;
        for (int i = 0; i < 2; i++)
                open += fcntl(queue[i], F_GETFD) != -1 || mq_getattr(queue[i], &attr) == 0;
        return open;
}

TEST(new_program_has_no_descriptor, VERIFIES(exec_mq_closed))
{
        const mqd_t queue = small_mq(O_RDWR);
        struct program program = new_program();
        struct child child;

        CHILD(&child) {
                char arg[32];
                const mqd_t created = new_mq("/own", O_RDWR, 1, 1), opened = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR));

                MUST(mq_close(queue));
                MUST(ask_for_nothing(created));
                MUST(ask_for_nothing(opened));
                stay(&child);
                snprintf(arg, sizeof(arg), "%d %d", created, opened);
                run_program(&program, "queue_user", arg);
        }
        UNTIL(stays(&child));
        const mqd_t own = (mqd_t)MUST(mq_open("/own", O_RDWR));
        FAILS_WITH(exec_mq_closed, EBUSY, ask_for_nothing(queue));
        FAILS_WITH(exec_mq_closed, EBUSY, ask_for_nothing(own));
        tell(&child, 1);
        wait_for_program(&program);
        /* The process lives, but no longer has the queues open. */
        EQ(exec_mq_closed, ask_for_nothing(queue), 0);
        EQ(exec_mq_closed, ask_for_nothing(own), 0);
        tell_program(&program);
        const int status = reap(&child);
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

                        MUST(ask_for_nothing(own));
                        stay(&registered);
                        row->end();
                }
                UNTIL(stays(&registered));
                FAILS_WITH(exit_mq_closed, EBUSY, ask_for_nothing(queue));
                tell(&registered, 1);
                (void)reap(&registered);
                EQ(exit_mq_closed, ask_for_nothing(queue), 0);
                MUST(mq_notify(queue, NULL));
        }
}
