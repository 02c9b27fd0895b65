/* SPDX-License-Identifier: MIT
 *
 * semop(): in which order waiters are served. POSIX leaves it open; Linux serves equal requests in the order of their
 * arrival. Whose turn it was is read from sempid, which is that of the caller whose operation came last.
 */
#include "ipck_sem.h"

TEST(decrements_are_served_as_they_came, VERIFIES(semop_wake_fifo))
{
        int set = new_sems(1, 0600);
        struct child waiter[5];

        for (int i = 0; i < 5; i++)
                WAITER(&waiter[i], semop_wake_fifo, set, OP(0, -2, 0));
        for (int i = 0; i < 5; i++) {
                MUST(SEMOP(set, OP(0, 1, 0)));
                EQ(semop_wake_fifo, NCNT(set, 0), 5 - i);
                MUST(SEMOP(set, OP(0, 1, 0)));
                EQ(semop_wake_fifo, PID(set, 0), waiter[i].pid);
                EVENTUALLY(semop_wake_fifo, returned(&waiter[i]));
                join(&waiter[i]);
        }
}

TEST(increment_for_some_serves_the_first, VERIFIES(semop_wake_fifo))
{
        int set = new_sems(1, 0600);
        struct child waiter[4];

        for (int i = 0; i < 4; i++)
                WAITER(&waiter[i], semop_wake_fifo, set, OP(0, -1, 0));
        MUST(SEMOP(set, OP(0, 2, 0)));
        EQ(semop_wake_fifo, PID(set, 0), waiter[1].pid);
        EVENTUALLY(semop_wake_fifo, returned(&waiter[0]) && returned(&waiter[1]));
        set_val(set, 0, 1);
        EQ(semop_wake_fifo, PID(set, 0), waiter[2].pid);
        EVENTUALLY(semop_wake_fifo, returned(&waiter[2]));
        EQ(semop_wake_fifo, NCNT(set, 0), 1);
        for (int i = 0; i < 3; i++)
                join(&waiter[i]);
}

TEST(tests_and_sets_are_served_as_they_came, VERIFIES(semop_wake_fifo_complex))
{
        int set = new_sems(1, 0600);
        struct child waiter[4];

        set_val(set, 0, 1);
        for (int i = 0; i < 4; i++)
                WAITER(&waiter[i], semop_wake_fifo_complex, set, OP(0, 0, 0), OP(0, 1, 0));
        for (int i = 0; i < 4; i++) {
                MUST(SEMOP(set, OP(0, -1, 0)));
                EQ(semop_wake_fifo_complex, PID(set, 0), waiter[i].pid);
                EVENTUALLY(semop_wake_fifo_complex, returned(&waiter[i]));
                join(&waiter[i]);
        }
}

TEST(one_who_leaves_does_not_mix_the_others, VERIFIES(semop_wake_fifo))
{
        int set = new_sems(1, 0600);
        struct child waiter[6];
        static const int staying[] = {1, 2, 4, 5};

        for (int i = 0; i < 6; i++) {
                CHILD(&waiter[i]) {
                        catch_signal(SIGUSR1, 0);
                        EQ(semop_wake_fifo, SEMOP(set, OP(0, -1, 0)), i == 3 ? -1 : 0);
                }
                UNTIL(NCNT(set, 0) == i + 1);
        }
        kill_child(&waiter[0]);
        MUST(kill(waiter[3].pid, SIGUSR1));
        UNTIL(NCNT(set, 0) == 4);
        join(&waiter[3]);
        for (int i = 0; i < 4; i++) {
                MUST(SEMOP(set, OP(0, 1, 0)));
                EQ(semop_wake_fifo, PID(set, 0), waiter[staying[i]].pid);
                EVENTUALLY(semop_wake_fifo, returned(&waiter[staying[i]]));
                join(&waiter[staying[i]]);
        }
}

/* The unit goes to the sleeper within the increment: whoever comes afterwards finds nothing, although the sleeper may
 * not have run yet. */
TEST(newcomer_finds_nothing_left, VERIFIES(semop_wake_fifo))
{
        int set = new_sems(1, 0600);
        struct child waiter;

        WAITER(&waiter, semop_wake_fifo, set, OP(0, -1, 0));
        MUST(SEMOP(set, OP(0, 1, 0)));
        FAILS_WITH(semop_wake_fifo, EAGAIN, SEMOP(set, OP(0, -1, IPC_NOWAIT)));
        EVENTUALLY(semop_wake_fifo, returned(&waiter));
        join(&waiter);
}

TEST(newcomer_finds_nothing_left_by_an_array, VERIFIES(semop_wake_fifo_complex))
{
        int set = new_sems(2, 0600);
        struct child waiter;

        WAITER(&waiter, semop_wake_fifo_complex, set, OP(0, -1, 0), OP(1, 0, 0));
        MUST(SEMOP(set, OP(0, 1, 0)));
        FAILS_WITH(semop_wake_fifo_complex, EAGAIN, SEMOP(set, OP(0, -1, IPC_NOWAIT)));
        EVENTUALLY(semop_wake_fifo_complex, returned(&waiter));
        join(&waiter);
}

TEST(late_waiter_goes_to_the_end, VERIFIES(semop_wake_fifo))
{
        int set = new_sems(1, 0600);
        struct child waiter[3];

        WAITER(&waiter[0], semop_wake_fifo, set, OP(0, -1, 0));
        WAITER(&waiter[1], semop_wake_fifo, set, OP(0, -1, 0));
        MUST(SEMOP(set, OP(0, 1, 0)));
        EQ(semop_wake_fifo, PID(set, 0), waiter[0].pid);
        WAITER(&waiter[2], semop_wake_fifo, set, OP(0, -1, 0));
        for (int i = 1; i < 3; i++) {
                MUST(SEMOP(set, OP(0, 1, 0)));
                EQ(semop_wake_fifo, PID(set, 0), waiter[i].pid);
        }
        EVENTUALLY(semop_wake_fifo, returned(&waiter[0]) && returned(&waiter[1]) && returned(&waiter[2]));
        for (int i = 0; i < 3; i++)
                join(&waiter[i]);
}

TEST(arrays_and_single_operations_share_one_queue, VERIFIES(semop_wake_fifo_complex))
{
        /* One unit each: 's' by a single operation, 'a' by an array of two semaphores, 't' by one semaphore twice. */
        const struct {
                const char *name;
                const char *queue;
        } rows[] = {
                {"array between", "sas"},
                {"array first", "ass"},
                {"array last", "ssa"},
                {"taking turns", "sasasa"},
                {"one semaphore twice between", "sts"},
                {"all kinds", "tsatas"},
        };

        EACH_ROW(row, rows) {
                const int count = (int)strlen(row->queue);
                int set = new_sems(2, 0600);
                struct child waiter[8];

                for (int i = 0; i < count; i++) {
                        if (row->queue[i] == 's')
                                WAITER(&waiter[i], semop_wake_fifo_complex, set, OP(0, -1, 0));
                        else if (row->queue[i] == 'a')
                                WAITER(&waiter[i], semop_wake_fifo_complex, set, OP(0, -1, 0), OP(1, 1, 0));
                        else
                                WAITER(&waiter[i], semop_wake_fifo_complex, set, OP(0, 1, 0), OP(0, -2, 0));
                }
                for (int i = 0; i < count; i++) {
                        MUST(SEMOP(set, OP(0, 1, 0)));
                        EQ(semop_wake_fifo_complex, PID(set, 0), waiter[i].pid);
                        EVENTUALLY(semop_wake_fifo_complex, returned(&waiter[i]));
                        join(&waiter[i]);
                }
                EQ(semop_wake_fifo_complex, NCNT(set, 0), 0);
        }
}

/* An array on other semaphores comes and goes while single operations wait: their order must survive. */
TEST(array_elsewhere_does_not_mix_the_others, VERIFIES(semop_wake_fifo_complex))
{
        int set = new_sems(3, 0600);
        struct child waiter[4], array;

        WAITER(&waiter[0], semop_wake_fifo_complex, set, OP(0, -1, 0));
        WAITER(&waiter[1], semop_wake_fifo_complex, set, OP(0, -1, 0));
        CHILD(&array)
                EQ(semop_wake_fifo_complex, SEMOP(set, OP(1, -1, 0), OP(2, -1, 0)), 0);
        UNTIL(NCNT(set, 1) == 1);
        WAITER(&waiter[2], semop_wake_fifo_complex, set, OP(0, -1, 0));
        MUST(SEMOP(set, OP(0, 1, 0)));
        EQ(semop_wake_fifo_complex, PID(set, 0), waiter[0].pid);
        MUST(SEMOP(set, OP(1, 1, 0), OP(2, 1, 0)));
        EVENTUALLY(semop_wake_fifo_complex, returned(&array));
        WAITER(&waiter[3], semop_wake_fifo_complex, set, OP(0, -1, 0));
        for (int i = 1; i < 4; i++) {
                MUST(SEMOP(set, OP(0, 1, 0)));
                EQ(semop_wake_fifo_complex, PID(set, 0), waiter[i].pid);
        }
        EVENTUALLY(semop_wake_fifo_complex, returned(&waiter[3]));
        join(&array);
        for (int i = 0; i < 4; i++)
                join(&waiter[i]);
}
