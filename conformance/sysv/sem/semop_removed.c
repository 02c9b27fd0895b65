/* SPDX-License-Identifier: MIT
 *
 * semop(): what becomes of a caller whose set is removed while it waits.
 */
#include "ipck_sem.h"

TEST(removal_ends_every_kind_of_wait,
     VERIFIES(semop_eidrm_dec, semop_eidrm_zero, semop_eidrm_complex, xsi_ipc_id_stale_einval))
{
        /* At {0, 1}. */
        const struct {
                const char *name;
                enum ipck_requirement req;
                struct sembuf ops[2];
                size_t nops;
        } rows[] = {
                {"decrement at 0", semop_eidrm_dec, {OP(0, -1, 0)}, 1},
                {"decrement at 1", semop_eidrm_dec, {OP(1, -2, 0)}, 1},
                {"zero", semop_eidrm_zero, {OP(1, 0, 0)}, 1},
                {"array of decrements", semop_eidrm_complex, {OP(1, -1, 0), OP(0, -1, 0)}, 2},
                {"array of zeros", semop_eidrm_complex, {OP(0, 0, 0), OP(1, 0, 0)}, 2},
                {"zero then increment", semop_eidrm_complex, {OP(1, 0, 0), OP(1, 1, 0)}, 2},
                {"increment then decrement", semop_eidrm_complex, {OP(0, 1, 0), OP(0, -2, 0)}, 2},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(2, 0600);
                struct sembuf ops[2] = {row->ops[0], row->ops[1]};
                struct child waiter;

                set_val(set, 1, 1);
                CHILD(&waiter) {
                        FAILS_WITH(row->req, EIDRM, semop(set, ops, row->nops));
                        /* Only the sleeper is told that the set is gone: now it is just no identifier. */
                        FAILS_WITH(xsi_ipc_id_stale_einval, EINVAL, semop(set, ops, row->nops));
                        FAILS_WITH(xsi_ipc_id_stale_einval, EINVAL, VAL(set, 0));
                }
                UNTIL(asleep(set) > 0);
                MUST(semctl(set, 0, IPC_RMID));
                EVENTUALLY(row->req, returned(&waiter));
                join(&waiter);
        }
}

TEST(removal_ends_a_wait_with_adjustments, VERIFIES(semop_eidrm_undo))
{
        const struct {
                const char *name;
                struct sembuf ops[2];
                size_t nops;
        } rows[] = {
                {"decrement", {OP(0, -1, SEM_UNDO)}, 1},
                {"array", {OP(1, -1, SEM_UNDO), OP(0, -1, SEM_UNDO)}, 2},
                {"array, one entry with SEM_UNDO", {OP(1, -1, SEM_UNDO), OP(0, -1, 0)}, 2},
                {"zero", {OP(1, 0, SEM_UNDO)}, 1},
                {"array of zeros", {OP(0, 0, SEM_UNDO), OP(1, 0, SEM_UNDO)}, 2},
        };

        EACH_ROW(row, rows) {
                int set = new_sems(2, 0600), kept = new_sems(2, 0600), late;
                struct sembuf ops[2] = {row->ops[0], row->ops[1]};
                struct child waiter;

                set_val(set, 1, 1);
                set_all(kept, (unsigned short[]){5, 5});
                CHILD(&waiter) {
                        /* Adjustments before and after, so that the exit has something to do on either side. */
                        MUST(SEMOP(kept, OP(0, -2, SEM_UNDO)));
                        FAILS_WITH(semop_eidrm_undo, EIDRM, semop(set, ops, row->nops));
                        MUST(SEMOP(kept, OP(1, -3, SEM_UNDO)));
                        stay(&waiter);
                }
                UNTIL(asleep(set) > 0);
                EQ(semop_eidrm_undo, VAL(kept, 0), 3);
                MUST(semctl(set, 0, IPC_RMID));
                EVENTUALLY(semop_eidrm_undo, stays(&waiter));
                EQ(semop_eidrm_undo, VAL(kept, 1), 2);
                /* The exit must not take a set that has come since for the one that is gone. */
                late = new_sems(2, 0600);
                set_all(late, (unsigned short[]){6, 7});
                dismiss(&waiter);
                EQ(semop_eidrm_undo, VAL(kept, 0), 5);
                EQ(semop_eidrm_undo, VAL(kept, 1), 5);
                EQ(semop_eidrm_undo, VAL(late, 0), 6);
                EQ(semop_eidrm_undo, VAL(late, 1), 7);
        }
}

TEST(removal_wakes_all_at_once, VERIFIES(semctl_rmid_wakes_all))
{
        enum { KINDS = 6, EACH = 2, WAITERS = KINDS * EACH };
        const struct sembuf ops[KINDS][2] = {
                {OP(0, -1, 0)},
                {OP(1, 0, 0)},
                {OP(1, -1, 0), OP(0, -1, 0)},
                {OP(0, 0, 0), OP(1, 0, 0)},
                {OP(1, 0, 0), OP(0, 1, 0)},
                {OP(1, -2, SEM_UNDO), OP(1, 2, SEM_UNDO)},
        };
        int set = new_sems(2, 0600);
        struct child waiter[WAITERS];

        set_val(set, 1, 1);
        for (int i = 0; i < WAITERS; i++) {
                struct sembuf mine[2] = {ops[i % KINDS][0], ops[i % KINDS][1]};
                const int others = asleep(set);

                CHILD(&waiter[i])
                        FAILS_WITH(semctl_rmid_wakes_all, EIDRM, semop(set, mine, i % KINDS < 2 ? 1 : 2));
                UNTIL(asleep(set) > others);
        }
        EQ(semctl_rmid_wakes_all, semctl(set, 0, IPC_RMID), 0);
        for (int i = 0; i < WAITERS; i++) {
                EVENTUALLY(semctl_rmid_wakes_all, returned(&waiter[i]));
                join(&waiter[i]);
        }
}

TEST(removal_of_another_set_wakes_nobody, VERIFIES(semctl_rmid_wakes_all, semop_eidrm_dec))
{
        struct child waiter;
        int set, before, behind;

        burn_sem_ids(3);
        before = new_sems(2, 0600);
        set = new_sems(2, 0600);
        behind = new_sems(2, 0600);
        CHILD(&waiter)
                EQ(semctl_rmid_wakes_all, SEMOP(set, OP(0, -1, 0)), 0);
        UNTIL(NCNT(set, 0) == 1);
        MUST(semctl(before, 0, IPC_RMID));
        MUST(semctl(behind, 0, IPC_RMID));
        EQ(semop_eidrm_dec, NCNT(set, 0), 1);
        MUST(SEMOP(set, OP(0, 1, 0)));
        EVENTUALLY(semctl_rmid_wakes_all, returned(&waiter));
        join(&waiter);
}

/* A set made at once in the place of the removed one has nothing to do with those who waited for the old one. */
TEST(sleepers_do_not_move_to_a_new_set, VERIFIES(semctl_rmid_wakes_all, semop_eidrm_dec, semop_eidrm_zero))
{
        const key_t key = fresh_key();
        int old = (int)MUST(semget(key, 2, IPC_CREAT | IPC_EXCL | 0600)), new;
        struct child dec, zero;

        set_val(old, 1, 1);
        CHILD(&dec)
                FAILS_WITH(semop_eidrm_dec, EIDRM, SEMOP(old, OP(0, -1, 0)));
        UNTIL(NCNT(old, 0) == 1);
        CHILD(&zero)
                FAILS_WITH(semop_eidrm_zero, EIDRM, SEMOP(old, OP(1, 0, 0)));
        UNTIL(ZCNT(old, 1) == 1);
        MUST(semctl(old, 0, IPC_RMID));
        new = (int)MUST(semget(key, 2, IPC_CREAT | IPC_EXCL | 0600));
        MUST(SEMOP(new, OP(0, 4, 0)));
        EVENTUALLY(semctl_rmid_wakes_all, returned(&dec) && returned(&zero));
        EQ(semctl_rmid_wakes_all, VAL(new, 0), 4);
        EQ(semctl_rmid_wakes_all, asleep(new), 0);
        join(&dec);
        join(&zero);
}

/* A unit and the removal come one after the other: the waiter has got the unit, or the news, and no other answer. */
TEST(removal_right_behind_an_increment, VERIFIES(semop_eidrm_dec))
{
        int set = new_sems(2, 0600);
        struct child served, unserved;

        CHILD(&served)
                EQ(semop_eidrm_dec, SEMOP(set, OP(0, -1, 0)), 0);
        UNTIL(NCNT(set, 0) == 1);
        CHILD(&unserved)
                FAILS_WITH(semop_eidrm_dec, EIDRM, SEMOP(set, OP(1, -1, 0)));
        UNTIL(NCNT(set, 1) == 1);
        MUST(SEMOP(set, OP(0, 1, 0)));
        EVENTUALLY(semop_eidrm_dec, returned(&served));
        UNTIL(NCNT(set, 1) == 1);
        MUST(semctl(set, 0, IPC_RMID));
        EVENTUALLY(semop_eidrm_dec, returned(&unserved));
        join(&served);
        join(&unserved);
}
