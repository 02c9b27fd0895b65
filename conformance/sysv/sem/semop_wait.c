/* SPDX-License-Identifier: MIT
 *
 * semop(): when a call waits, and what the rest of the world sees of it while it waits. One process waits, the test's
 * own process looks at the set and then makes the wait end.
 */
#include <linux/capability.h>

#include "ipck_sem.h"

TEST(increment_never_waits, VERIFIES(semop_inc_never_blocks))
{
        int set = new_sems(2, 0600);
        struct child decrement, zero, array, adder;

        set_val(set, 0, 1);
        CHILD(&decrement)
                SEMOP(set, OP(0, -1000, 0));
        UNTIL(NCNT(set, 0) == 1);
        CHILD(&zero)
                SEMOP(set, OP(0, 0, 0));
        UNTIL(ZCNT(set, 0) == 1);
        CHILD(&array)
                SEMOP(set, OP(0, -1000, 0), OP(1, -1000, 0));
        UNTIL(NCNT(set, 0) == 2);

        /* Three others have been waiting for longer, and the increments help none of them. */
        CHILD(&adder) {
                EQ(semop_inc_never_blocks, SEMOP(set, OP(0, 1, 0)), 0);
                EQ(semop_inc_never_blocks, SEMOP(set, OP(0, 6, IPC_NOWAIT)), 0);
                EQ(semop_inc_never_blocks, SEMOP(set, OP(0, 2, 0), OP(1, 3, 0)), 0);
                EQ(semop_inc_never_blocks, SEMOP(set, OP(0, 4, 0), OP(0, 5, 0)), 0);
        }
        EVENTUALLY(semop_inc_never_blocks, returned(&adder));
        join(&adder);
        EQ(semop_inc_never_blocks, VAL(set, 0), 1 + 1 + 6 + 2 + 4 + 5);
        EQ(semop_inc_never_blocks, VAL(set, 1), 3);
}

TEST(increment_does_not_wait_for_room, VERIFIES(semop_inc_never_blocks))
{
        int set = new_sems(1, 0600);
        int most = sem_limits().semvmx;
        struct child adder;

        set_val(set, 0, most);
        CHILD(&adder)
                HOLDS(semop_inc_never_blocks, SEMOP(set, OP(0, 1, 0)) == -1);
        EVENTUALLY(semop_inc_never_blocks, returned(&adder));
        join(&adder);
        EQ(semop_inc_never_blocks, VAL(set, 0), most);
}

TEST(blocked_array_shows_nothing, VERIFIES(semop_array_all_or_nothing_block))
{
        /* Semaphore 1 is what each of them lacks. */
        const struct {
                const char *name;
                struct sembuf ops[4];
        } rows[] = {
                {"lacking entry last", {OP(0, 2, 0), OP(0, 1, 0), OP(2, -5, 0), OP(1, -1, 0)}},
                {"lacking entry in the middle", {OP(2, -5, 0), OP(1, -1, 0), OP(0, 2, 0), OP(0, 1, 0)}},
                {"lacking entry first", {OP(1, -1, 0), OP(0, 3, 0), OP(3, 0, 0), OP(2, -5, 0)}},
                {"no semaphore twice", {OP(0, 3, 0), OP(3, 0, 0), OP(2, -5, 0), OP(1, -1, 0)}},
                {"SEM_UNDO", {OP(0, 3, SEM_UNDO), OP(3, 0, SEM_UNDO), OP(2, -5, SEM_UNDO), OP(1, -1, SEM_UNDO)}},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(4, 0600);
                struct sembuf ops[4];
                struct child waiter;

                memcpy(ops, row->ops, sizeof(ops));
                set_all(set, (unsigned short[]){7, 0, 6, 0});
                struct sem_view before = view_of(set);
                CHILD(&waiter) {
                        EQ(semop_array_all_or_nothing_block, semop(set, ops, 4), 0);
                        /* An exit would take the adjustments of the SEM_UNDO row back before they are looked at. */
                        await(&waiter, 1);
                }
                EVENTUALLY(semop_array_all_or_nothing_block, NCNT(set, 1) == 1);
                struct sem_view during = view_of(set);
                during.sem[1].ncnt = 0;
                HOLDS(semop_array_all_or_nothing_block, same_view(&before, &during));

                /* What it could have had is not kept back for it. */
                EQ(semop_array_all_or_nothing_block, SEMOP(set, OP(2, -6, IPC_NOWAIT), OP(0, -7, IPC_NOWAIT)), 0);
                MUST(SEMOP(set, OP(2, 6, 0), OP(0, 7, 0)));

                MUST(SEMOP(set, OP(1, 1, 0)));
                EVENTUALLY(semop_array_all_or_nothing_block, VAL(set, 0) == 10);
                EQ(semop_array_all_or_nothing_block, VAL(set, 1), 0);
                EQ(semop_array_all_or_nothing_block, VAL(set, 2), 1);
                dismiss(&waiter);
        }
}

TEST(increment_of_a_blocked_array_serves_nobody, VERIFIES(semop_array_all_or_nothing_block))
{
        int set = new_sems(2, 0600);
        struct child giver, taker;

        CHILD(&giver)
                EQ(semop_array_all_or_nothing_block, SEMOP(set, OP(0, 1, 0), OP(1, -1, 0)), 0);
        UNTIL(NCNT(set, 1) == 1);
        CHILD(&taker)
                EQ(semop_array_all_or_nothing_block, SEMOP(set, OP(0, -1, 0)), 0);
        EVENTUALLY(semop_array_all_or_nothing_block, NCNT(set, 0) == 1);
        EQ(semop_array_all_or_nothing_block, NCNT(set, 1), 1);

        MUST(SEMOP(set, OP(1, 1, 0)));
        EVENTUALLY(semop_array_all_or_nothing_block, returned(&giver) && returned(&taker));
        join(&giver);
        join(&taker);
        EQ(semop_array_all_or_nothing_block, VAL(set, 0), 0);
}

/* More entries than fit where a system keeps short arrays. */
TEST(long_array_waits_as_a_unit, VERIFIES(semop_array_all_or_nothing_block))
{
        enum { ENTRIES = 100 };
        int set = new_sems(ENTRIES, 0600);
        struct sembuf ops[ENTRIES];
        unsigned short values[ENTRIES], seen[ENTRIES];
        struct child waiter;

        if (sem_limits().semopm < ENTRIES)
                UNSUPPORTED("arrays of %d operations (limit: %d)", ENTRIES, sem_limits().semopm);
        for (int i = 0; i < ENTRIES; i++) {
                ops[i] = OP((unsigned short)i, -1, 0);
                values[i] = i == 70 ? 0 : 2;
        }
        set_all(set, values);
        CHILD(&waiter)
                EQ(semop_array_all_or_nothing_block, semop(set, ops, ENTRIES), 0);
        EVENTUALLY(semop_array_all_or_nothing_block, NCNT(set, 70) == 1);
        get_all(set, seen);
        HOLDS(semop_array_all_or_nothing_block, memcmp(seen, values, sizeof(seen)) == 0);

        MUST(SEMOP(set, OP(70, 2, 0)));
        EVENTUALLY(semop_array_all_or_nothing_block, returned(&waiter));
        join(&waiter);
        get_all(set, seen);
        for (int i = 0; i < ENTRIES; i++)
                EQ(semop_array_all_or_nothing_block, seen[i], 1);
}

TEST(entries_on_one_semaphore_wait_as_a_unit, VERIFIES(semop_array_same_sem_twice))
{
        const struct {
                const char *name;
                struct sembuf ops[2];
                int start, counter, change, left;
        } rows[] = {
                {"-1 then +1", {OP(0, -1, 0), OP(0, 1, 0)}, 0, GETNCNT, 1, 1},
                {"-1 then -1", {OP(0, -1, 0), OP(0, -1, 0)}, 1, GETNCNT, 1, 0},
                {"-2 then +1", {OP(0, -2, 0), OP(0, 1, 0)}, 1, GETNCNT, 1, 1},
                {"+1 then -2", {OP(0, 1, 0), OP(0, -2, 0)}, 0, GETNCNT, 1, 0},
                {"+1 then -3, twice short", {OP(0, 1, 0), OP(0, -3, 0)}, 0, GETNCNT, 5, 3},
                {"-1 then zero", {OP(0, -1, 0), OP(0, 0, 0)}, 2, GETZCNT, -1, 0},
                {"zero then +2", {OP(0, 0, 0), OP(0, 2, 0)}, 3, GETZCNT, -3, 2},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(1, 0600);
                struct sembuf ops[2] = {row->ops[0], row->ops[1]};
                struct child waiter;

                set_val(set, 0, row->start);
                CHILD(&waiter)
                        EQ(semop_array_same_sem_twice, semop(set, ops, 2), 0);
                EVENTUALLY(semop_array_same_sem_twice, semctl(set, 0, row->counter) == 1);
                EQ(semop_array_same_sem_twice, VAL(set, 0), row->start);
                MUST(SEMOP(set, OP(0, (short)row->change, 0)));
                EVENTUALLY(semop_array_same_sem_twice, returned(&waiter));
                EQ(semop_array_same_sem_twice, VAL(set, 0), row->left);
                join(&waiter);
        }
}

/* -1 then 0 needs exactly 1: neither more nor less will do. */
TEST(exact_value_is_awaited, VERIFIES(semop_array_same_sem_twice))
{
        int set = new_sems(1, 0600);
        struct child waiter;

        CHILD(&waiter)
                EQ(semop_array_same_sem_twice, SEMOP(set, OP(0, -1, 0), OP(0, 0, 0)), 0);
        EVENTUALLY(semop_array_same_sem_twice, NCNT(set, 0) == 1);
        MUST(SEMOP(set, OP(0, 2, 0)));
        EVENTUALLY(semop_array_same_sem_twice, ZCNT(set, 0) == 1);
        EQ(semop_array_same_sem_twice, VAL(set, 0), 2);
        MUST(SEMOP(set, OP(0, -2, IPC_NOWAIT)));
        EVENTUALLY(semop_array_same_sem_twice, NCNT(set, 0) == 1);
        MUST(SEMOP(set, OP(0, 1, 0)));
        EVENTUALLY(semop_array_same_sem_twice, returned(&waiter));
        EQ(semop_array_same_sem_twice, VAL(set, 0), 0);
        join(&waiter);
}

TEST(test_and_set_admits_one, VERIFIES(semop_array_zero_then_inc))
{
        int set = new_sems(1, 0600);
        struct child waiter[3];

        EQ(semop_array_zero_then_inc, SEMOP(set, OP(0, 0, 0), OP(0, 1, 0)), 0);
        EQ(semop_array_zero_then_inc, VAL(set, 0), 1);
        FAILS_WITH(semop_array_zero_then_inc, EAGAIN, SEMOP(set, OP(0, 0, IPC_NOWAIT), OP(0, 1, 0)));
        for (int i = 0; i < 3; i++) {
                CHILD(&waiter[i])
                        EQ(semop_array_zero_then_inc, SEMOP(set, OP(0, 0, 0), OP(0, 1, 0)), 0);
                EVENTUALLY(semop_array_zero_then_inc, ZCNT(set, 0) == i + 1);
        }
        for (int in = 1; in <= 3; in++) {
                MUST(SEMOP(set, OP(0, -1, 0)));
                EVENTUALLY(semop_array_zero_then_inc,
                           returned(&waiter[0]) + returned(&waiter[1]) + returned(&waiter[2]) == in);
                EVENTUALLY(semop_array_zero_then_inc, ZCNT(set, 0) == 3 - in);
                EQ(semop_array_zero_then_inc, VAL(set, 0), 1);
        }
        for (int i = 0; i < 3; i++)
                join(&waiter[i]);
}

TEST(nowait_on_another_entry_does_not_matter, VERIFIES(semop_array_nowait_on_other_entry))
{
        /* Semaphore 1 is what each lacks; its entry is the one without IPC_NOWAIT. */
        const struct {
                const char *name;
                struct sembuf ops[2];
                int lacking;
        } rows[] = {
                {"decrement before", {OP(0, -1, IPC_NOWAIT), OP(1, -1, 0)}, 1},
                {"decrement behind", {OP(1, -1, 0), OP(0, -1, IPC_NOWAIT)}, 0},
                {"zero before", {OP(2, 0, IPC_NOWAIT), OP(1, -1, 0)}, 1},
                {"zero behind", {OP(1, -1, 0), OP(2, 0, IPC_NOWAIT)}, 0},
                {"increment before", {OP(0, 1, IPC_NOWAIT), OP(1, -1, 0)}, 1},
                {"increment behind", {OP(1, -1, 0), OP(0, 1, IPC_NOWAIT)}, 0},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(3, 0600);
                struct sembuf ops[2] = {row->ops[0], row->ops[1]}, swapped[2] = {row->ops[0], row->ops[1]};
                struct child waiter;

                set_all(set, (unsigned short[]){1, 0, 0});
                /* The same array with the flag on the lacking entry instead. */
                swapped[row->lacking].sem_flg = IPC_NOWAIT;
                swapped[!row->lacking].sem_flg = 0;
                FAILS_WITH(semop_array_nowait_on_other_entry, EAGAIN, semop(set, swapped, 2));

                CHILD(&waiter)
                        EQ(semop_array_nowait_on_other_entry, semop(set, ops, 2), 0);
                EVENTUALLY(semop_array_nowait_on_other_entry, NCNT(set, 1) == 1);
                MUST(SEMOP(set, OP(1, 1, 0)));
                EVENTUALLY(semop_array_nowait_on_other_entry, returned(&waiter));
                join(&waiter);
        }
}

TEST(sempid_is_that_of_the_sleeper, VERIFIES(semop_pid_blocked_completer))
{
        /* Each waits for the change that follows; semaphore 2 takes part in none. */
        const struct {
                const char *name;
                struct sembuf ops[2];
                size_t nops;
                struct sembuf change;
        } rows[] = {
                {"decrement", {OP(0, -1, 0)}, 1, OP(0, 1, 0)},
                {"zero", {OP(1, 0, 0)}, 1, OP(1, -3, 0)},
                {"array", {OP(1, -3, 0), OP(0, -1, 0)}, 2, OP(0, 1, 0)},
                {"array of zeros", {OP(0, 0, 0), OP(1, 0, 0)}, 2, OP(1, -3, 0)},
                {"one semaphore twice", {OP(0, -1, 0), OP(0, 1, 0)}, 2, OP(0, 1, 0)},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(3, 0600);
                struct sembuf ops[2] = {row->ops[0], row->ops[1]}, change = row->change;
                struct child waiter, other;

                set_all(set, (unsigned short[]){0, 3, 0});
                CHILD(&other)
                        for (int i = 0; i < 2; i++)
                                MUST(SEMOP(set, OP(0, i ? -1 : 1, 0), OP(1, i ? -1 : 1, 0), OP(2, 1, 0)));
                join(&other);
                CHILD(&waiter)
                        EQ(semop_pid_blocked_completer, semop(set, ops, row->nops), 0);
                UNTIL(asleep(set) > 0);
                EQ(semop_pid_blocked_completer, PID(set, ops[0].sem_num), other.pid);
                MUST(semop(set, &change, 1));
                EVENTUALLY(semop_pid_blocked_completer, returned(&waiter));
                for (size_t i = 0; i < row->nops; i++)
                        EQ(semop_pid_blocked_completer, PID(set, ops[i].sem_num), waiter.pid);
                EQ(semop_pid_blocked_completer, PID(set, 2), other.pid);
                join(&waiter);
        }
}

TEST(sempid_is_not_that_of_the_semctl_caller, VERIFIES(semop_pid_blocked_completer))
{
        int set = new_sems(2, 0600);
        struct child by_setval, by_setall;

        CHILD(&by_setval)
                EQ(semop_pid_blocked_completer, SEMOP(set, OP(0, -1, 0)), 0);
        UNTIL(NCNT(set, 0) == 1);
        set_val(set, 0, 1);
        EVENTUALLY(semop_pid_blocked_completer, returned(&by_setval));
        EQ(semop_pid_blocked_completer, PID(set, 0), by_setval.pid);
        join(&by_setval);

        CHILD(&by_setall)
                EQ(semop_pid_blocked_completer, SEMOP(set, OP(1, -1, 0)), 0);
        UNTIL(NCNT(set, 1) == 1);
        set_all(set, (unsigned short[]){0, 1});
        EVENTUALLY(semop_pid_blocked_completer, returned(&by_setall));
        EQ(semop_pid_blocked_completer, PID(set, 1), by_setall.pid);
        join(&by_setall);
}

TEST(overflow_found_when_the_wait_ends, VERIFIES(semop_erange_blocked_later))
{
        const struct {
                const char *name;
                struct sembuf ops[2];
        } rows[] = {
                {"increment behind", {OP(0, -1, 0), OP(1, 2, 0)}},
                {"SEM_UNDO", {OP(0, -1, SEM_UNDO), OP(1, 2, SEM_UNDO)}},
        };
        const int most = sem_limits().semvmx;

        EACH_ROW(row, rows) {
                int set = new_sems(2, 0600);
                struct sembuf ops[2] = {row->ops[0], row->ops[1]};
                struct child unlucky, next;

                /* There is room when it begins to wait, and none when it could go on. */
                set_val(set, 1, most - 2);
                CHILD(&unlucky)
                        FAILS_WITH(semop_erange_blocked_later, ERANGE, semop(set, ops, 2));
                UNTIL(NCNT(set, 0) == 1);
                MUST(SEMOP(set, OP(1, 1, 0)));
                EVENTUALLY(semop_erange_blocked_later, NCNT(set, 0) == 1);
                MUST(SEMOP(set, OP(0, 1, 0)));
                EVENTUALLY(semop_erange_blocked_later, returned(&unlucky));
                join(&unlucky);
                EQ(semop_erange_blocked_later, VAL(set, 0), 1);
                EQ(semop_erange_blocked_later, VAL(set, 1), most - 1);
                EQ(semop_erange_blocked_later, NCNT(set, 0), 0);

                /* With room again the same call succeeds: it was the overflow and nothing else. */
                MUST(SEMOP(set, OP(1, -1, IPC_NOWAIT)));
                CHILD(&next)
                        EQ(semop_erange_blocked_later, semop(set, ops, 2), 0);
                EVENTUALLY(semop_erange_blocked_later, returned(&next));
                join(&next);
        }
}

TEST(overflow_of_one_leaves_the_unit_to_the_next, VERIFIES(semop_erange_blocked_later))
{
        int set = new_sems(2, 0600);
        struct child unlucky, next;

        set_val(set, 1, sem_limits().semvmx - 1);
        CHILD(&unlucky)
                FAILS_WITH(semop_erange_blocked_later, ERANGE, SEMOP(set, OP(0, -1, 0), OP(1, 1, 0)));
        UNTIL(NCNT(set, 0) == 1);
        CHILD(&next)
                EQ(semop_erange_blocked_later, SEMOP(set, OP(0, -1, 0)), 0);
        UNTIL(NCNT(set, 0) == 2);
        MUST(SEMOP(set, OP(1, 1, 0)));
        MUST(SEMOP(set, OP(0, 1, 0)));
        EVENTUALLY(semop_erange_blocked_later, returned(&unlucky) && returned(&next));
        join(&unlucky);
        join(&next);
        EQ(semop_erange_blocked_later, VAL(set, 0), 0);
}

TEST(revoked_permission_leaves_sleepers_alone, VERIFIES(semctl_set_blocked_perm))
{
        int set = new_sems(2, 0600);
        struct child taker, watcher, late;

        if (!has_capability(CAP_IPC_OWNER))
                UNSUPPORTED("CAP_IPC_OWNER, to use a set of mode 0");
        set_val(set, 1, 1);
        CHILD(&taker) {
                drop_all_capabilities();
                EQ(semctl_set_blocked_perm, SEMOP(set, OP(0, -1, 0)), 0);
        }
        UNTIL(NCNT(set, 0) == 1);
        CHILD(&watcher) {
                drop_all_capabilities();
                EQ(semctl_set_blocked_perm, SEMOP(set, OP(1, 0, 0)), 0);
        }
        UNTIL(ZCNT(set, 1) == 1);

        set_mode(set, 0);
        EQ(semctl_set_blocked_perm, NCNT(set, 0), 1);
        EQ(semctl_set_blocked_perm, ZCNT(set, 1), 1);
        /* Those who come now are refused. */
        CHILD(&late) {
                drop_all_capabilities();
                FAILS_WITH(semctl_set_blocked_perm, EACCES, SEMOP(set, OP(0, -1, 0)));
                FAILS_WITH(semctl_set_blocked_perm, EACCES, SEMOP(set, OP(1, 0, 0)));
        }
        EVENTUALLY(semctl_set_blocked_perm, returned(&late));
        join(&late);

        MUST(SEMOP(set, OP(0, 1, 0)));
        MUST(SEMOP(set, OP(1, -1, IPC_NOWAIT)));
        EVENTUALLY(semctl_set_blocked_perm, returned(&taker) && returned(&watcher));
        join(&taker);
        join(&watcher);
}
