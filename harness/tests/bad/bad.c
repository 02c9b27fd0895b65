/* SPDX-License-Identifier: MIT
 *
 * Deliberately bad tests: each does what no test should, and the runner has to survive it, name it and lose nothing.
 * harness/tests/test_runner.py says what is expected of each.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ipck_sem.h"

#undef IPCK_FILE_ROUTES
#define IPCK_FILE_ROUTES 0

TEST(good, VERIFIES(semop_ret_zero))
{
        EQ(semop_ret_zero, SEMOP(new_sems(1, 0600), OP(0, 1, 0)), 0);
}

TEST(wrong, VERIFIES(semop_ret_zero, semop_e2big))
{
        EQ(semop_ret_zero, SEMOP(new_sems(1, 0600), OP(0, 1, 0)), 7);
        FAILS_WITH(semop_e2big, E2BIG, SEMOP(-1, OP(0, 1, 0)));
}

TEST(hangs, VERIFIES(semop_ret_zero, semop_e2big))
{
        struct child waiter;
        const int set = new_sems(1, 0600);

        EQ(semop_ret_zero, SEMOP(set, OP(0, 0, 0)), 0);
        CHILD(&waiter)
                SEMOP(set, OP(0, -1, 0));
        SEMOP(set, OP(0, -1, 0));
}

TEST(never_true, VERIFIES(semop_ret_zero))
{
        const int set = new_sems(1, 0600);

        UNTIL(NCNT(set, 0) == 1);
}

TEST(never_woken, VERIFIES(semop_wake_inc_single, semop_ret_zero))
{
        const int set = new_sems(1, 0600);

        EQ(semop_ret_zero, 0, 0);
        EVENTUALLY(semop_wake_inc_single, VAL(set, 0) == 1);
        EQ(semop_ret_zero, 0, 0);
}

TEST(crashes, VERIFIES(semop_ret_zero, semop_e2big))
{
        EQ(semop_ret_zero, 0, 0);
        raise(SIGSEGV);
}

/* As an implementation may that hands out "/..": the mode stays what it is even where that succeeds. */
TEST(reaches_for_the_machine, VERIFIES(semop_ret_zero))
{
        struct stat st;

        MUST(stat("/dev/shm/..", &st));
        EQ(semop_ret_zero, chmod("/dev/shm/..", st.st_mode & 07777), 0);
}

TEST(aborts, VERIFIES(semop_ret_zero))
{
        puts("last words");
        fflush(stdout);
        abort();
}

TEST(exits, VERIFIES(semop_ret_zero))
{
        EQ(semop_ret_zero, 0, 0);
        exit(0);
}

TEST(silent, VERIFIES(semop_ret_zero, semop_e2big))
{
        EQ(semop_ret_zero, 0, 0);
}

TEST(undeclared, VERIFIES(semop_ret_zero))
{
        EQ(semop_ret_zero, 0, 0);
        EQ(semop_e2big, 0, 0);
}

TEST(child_crashes, VERIFIES(semop_ret_zero))
{
        struct child c;

        EQ(semop_ret_zero, 0, 0);
        CHILD(&c)
                raise(SIGBUS);
        join(&c);
}

TEST(child_stops_while_body_is_blocked, VERIFIES(semop_ret_zero))
{
        struct child c;

        CHILD(&c) {
                as_user(USER_A);
                UNSUPPORTED("said by a child of another user");
        }
        SEMOP(new_sems(1, 0600), OP(0, -1, 0));
}

TEST(forks_many, VERIFIES(semop_ret_zero))
{
        EQ(semop_ret_zero, 0, 0);
        for (int i = 0; i < 500; i++) {
                const pid_t pid = fork();
                if (pid == 0)
                        for (;;)
                                pause();
                if (pid < 0)
                        break;
        }
}

/* Each generation forks the next and dies: the orphans of the reaper. */
TEST(leaks_orphans, VERIFIES(semop_ret_zero))
{
        EQ(semop_ret_zero, 0, 0);
        for (int i = 0; i < 50; i++) {
                if (fork() == 0) {
                        setsid();
                        if (fork() == 0)
                                for (;;)
                                        pause();
                        _exit(0);
                }
        }
}

TEST(prints_a_megabyte, VERIFIES(semop_ret_zero))
{
        EQ(semop_ret_zero, 0, 1);
        for (int i = 0; i < 1 << 14; i++)
                printf("%062d\n\n", i);
}

/* Several at once, so that the pipe is hardly ever empty. */
TEST(prints_for_ever, VERIFIES(semop_ret_zero))
{
        static const char block[1 << 16];

        EQ(semop_ret_zero, 0, 0);
        for (int i = 0; i < 3; i++)
                fork();
        while (write(STDOUT_FILENO, block, sizeof(block)) > 0) {
        }
}

TEST(prints_garbage, VERIFIES(semop_ret_zero))
{
        static const char garbage[] = "\xff\xfe\x00\x1b[2Jnot ok 1 {\"type\":\"end\"}\nKTAP version 1\n\xc3(";

        EQ(semop_ret_zero, 0, 1);
        fwrite(garbage, 1, sizeof(garbage), stdout);
}

TEST(closes_its_output, VERIFIES(semop_ret_zero))
{
        EQ(semop_ret_zero, 0, 0);
        for (int fd = 0; fd < 3; fd++)
                close(fd);
}

TEST(closes_every_descriptor, VERIFIES(semop_ret_zero))
{
        EQ(semop_ret_zero, 0, 0);
        for (int fd = 0; fd < 1024; fd++)
                close(fd);
}

TEST(kills_its_parent, VERIFIES(semop_ret_zero))
{
        EQ(semop_ret_zero, 0, 0);
        kill(getppid(), SIGKILL);
        kill(getppid(), SIGTERM);
}

TEST(kills_everybody, VERIFIES(semop_ret_zero))
{
        struct child c;

        CHILD(&c)
                for (;;)
                        pause();
        EQ(semop_ret_zero, kill(-1, SIGKILL), 0);
        reap(&c);
}

TEST(stops_itself, VERIFIES(semop_ret_zero))
{
        raise(SIGSTOP);
}

TEST(leaves_objects, VERIFIES(semop_ret_zero))
{
        for (int i = 0; i < 100; i++)
                new_sems(10, 0666);
        EQ(semop_ret_zero, 0, 0);
}

TEST(set_up_fails, VERIFIES(semop_ret_zero))
{
        MUST(semget(fresh_key(), 1, 0));
}

TEST(unsupported, VERIFIES(semop_ret_zero, semop_e2big))
{
        EQ(semop_ret_zero, 0, 0);
        UNSUPPORTED("a machine of another kind");
}

TEST(rows, VERIFIES(semop_ret_zero))
{
        static const struct {
                const char *name;
                int got;
        } rows[] = {{"first", 0}, {"second # one", 1}, {"third", 2}};

        EACH_ROW(row, rows)
                EQ(semop_ret_zero, row->got, 0);
}

TEST(observes, VERIFIES(semget_init_values))
{
        OBSERVE(semget_init_values, "value %d", VAL(new_sems(1, 0600), 0));
}
