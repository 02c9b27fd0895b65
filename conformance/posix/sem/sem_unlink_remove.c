/* SPDX-License-Identifier: MIT
 *
 * sem_unlink(): takes the name away at once, and nothing from those who have the semaphore open.
 */
#include "ipck_named_sem.h"

TEST(name_is_gone, VERIFIES(sem_unlink_ret_zero, sem_unlink_enoent))
{
        static const struct {
                const char *name;
                bool open, waited_for;
        } rows[] = {{"open", true, false}, {"closed", false, false}, {"somebody waits", true, true}};
        static const struct sem_use processes = {.kind = NAMED_SEM, .processes = true};

        EACH_ROW(row, rows) {
                sem_t *const sem = named_sem(SEM_NAME, row->waited_for ? 0 : 3), *const other = named_sem("/other", 4);
                struct waiter *const w = row->waited_for ? start_waiter(&processes, sem, &plain_way) : NULL;

                if (!row->open)
                        MUST(sem_close(sem));
                EQ(sem_unlink_ret_zero, sem_unlink(SEM_NAME), 0);
                if (OPEN_FAILS_WITH(sem_unlink_ret_zero, ENOENT, sem_open(SEM_NAME, 0)))
                        FAILS_WITH(sem_unlink_enoent, ENOENT, sem_unlink(SEM_NAME));
                EQ(sem_unlink_ret_zero, names_left(), 1);
                HOLDS(sem_unlink_ret_zero, sem_open("/other", 0) == other);
                EQ(sem_unlink_ret_zero, sem_value(other), 4);
                if (w) {
                        MUST(sem_post(sem));
                        UNTIL(is_back(w));
                        end_waiters(w, 1);
                }
                if (row->open)
                        MUST(sem_close(sem));
                MUST(sem_unlink("/other"));
                MUST(sem_close(other));
                MUST(sem_close(other));
        }
}

TEST(name_is_gone_for_all, VERIFIES(sem_unlink_ret_zero))
{
        sem_t *const sem = named_sem(SEM_NAME, 3);
        struct child other;

        CHILD(&other) {
                stay(&other);
                OPEN_FAILS_WITH(sem_unlink_ret_zero, ENOENT, sem_open(SEM_NAME, 0));
                EQ(sem_unlink_ret_zero, sem_value(sem), 3);
        }
        UNTIL(stays(&other));
        EQ(sem_unlink_ret_zero, sem_unlink(SEM_NAME), 0);
        dismiss(&other);
}

/* A name that was removed elsewhere is free here. */
TEST(any_process_can_remove_and_any_can_create_again, VERIFIES(sem_unlink_recreate_distinct))
{
        sem_t *const old = named_sem(SEM_NAME, 3);
        struct child other;

        CHILD(&other)
                EQ(sem_unlink_recreate_distinct, sem_unlink(SEM_NAME), 0);
        join(&other);
        sem_t *const new = SEM_OPENS(sem_unlink_recreate_distinct, sem_open(SEM_NAME, O_CREAT | O_EXCL, 0600, 7));
        if (new == SEM_FAILED)
                return;
        HOLDS(sem_unlink_recreate_distinct, new != old);
        CHILD(&other) {
                sem_t *const same = SEM_OPENS(sem_unlink_recreate_distinct, sem_open(SEM_NAME, 0));

                HOLDS(sem_unlink_recreate_distinct, same == new);
                EQ(sem_unlink_recreate_distinct, sem_value(same), 7);
                EQ(sem_unlink_recreate_distinct, sem_post(same), 0);
        }
        join(&other);
        EQ(sem_unlink_recreate_distinct, sem_value(new), 8);
        EQ(sem_unlink_recreate_distinct, sem_value(old), 3);
}

/* ---- those who have it open ---- */

TEST(processes_use_it_further, VERIFIES(sem_unlink_open_survives))
{
        struct child first, second;

        MUST(sem_close(named_sem(SEM_NAME, 2)));
        CHILD(&first) {
                sem_t *const sem = sem_open(SEM_NAME, 0);

                REQUIRE(sem != SEM_FAILED);
                stay(&first);
                EQ(sem_unlink_open_survives, sem_value(sem), 2);
                EQ(sem_unlink_open_survives, sem_wait(sem), 0);
                EQ(sem_unlink_open_survives, sem_trywait(sem), 0);
                here(&first, 2);
                EQ(sem_unlink_open_survives, sem_wait(sem), 0);
                EQ(sem_unlink_open_survives, sem_value(sem), 0);
                MUST(sem_close(sem));
        }
        CHILD(&second) {
                sem_t *const sem = sem_open(SEM_NAME, 0);

                REQUIRE(sem != SEM_FAILED);
                stay(&second);
                EQ(sem_unlink_open_survives, sem_trywait(sem), -1);
                EQ(sem_unlink_open_survives, sem_post(sem), 0);
                MUST(sem_close(sem));
        }
        UNTIL(stays(&first) && stays(&second));
        EQ(sem_unlink_open_survives, sem_unlink(SEM_NAME), 0);
        tell(&first, 1);
        UNTIL(at(&first) == 2 && blocked(&first));
        dismiss(&second);
        EVENTUALLY(sem_unlink_open_survives, returned(&first));
        join(&first);
}

TEST(waiters_stay_until_a_post, VERIFIES(sem_unlink_waiters_unaffected, sem_unlink_nonblocking))
{
        enum { WAITERS = 3 };
        sem_t *const sem = named_sem(SEM_NAME, 0);
        struct child waiter[WAITERS], remover;

        for (int i = 0; i < WAITERS; i++) {
                CHILD(&waiter[i]) {
                        here(&waiter[i], 1);
                        EQ(sem_unlink_waiters_unaffected, sem_wait(sem), 0);
                }
                UNTIL(blocked(&waiter[i]));
        }
        /* In a child, for it must not wait. */
        CHILD(&remover)
                EQ(sem_unlink_nonblocking, sem_unlink(SEM_NAME), 0);
        EVENTUALLY(sem_unlink_nonblocking, returned(&remover));
        join(&remover);
        HOLDS(sem_unlink_nonblocking, sem_open(SEM_NAME, 0) == SEM_FAILED);
        for (int i = 0; i < WAITERS; i++)
                UNTIL(settled(&waiter[i]));
        for (int i = 0; i < WAITERS; i++)
                HOLDS(sem_unlink_waiters_unaffected, !returned(&waiter[i]));

        /* One of the same name is none of theirs. */
        sem_t *const new = named_sem(SEM_NAME, 0);
        REQUIRE(new != sem);
        MUST(sem_post(new));
        for (int posts = 1; posts <= WAITERS; posts++) {
                MUST(sem_post(sem));
                EVENTUALLY(sem_unlink_waiters_unaffected,
                           returned(&waiter[0]) + returned(&waiter[1]) + returned(&waiter[2]) == posts);
        }
        for (int i = 0; i < WAITERS; i++)
                join(&waiter[i]);
        EQ(sem_unlink_waiters_unaffected, sem_value(sem), 0);
        EQ(sem_unlink_waiters_unaffected, sem_value(new), 1);
}

TEST(name_goes_at_once_although_it_is_open, VERIFIES(sem_unlink_nonblocking))
{
        enum { PROCESSES = 4 };
        sem_t *const sem = named_sem(SEM_NAME, 1);
        struct child user[PROCESSES], remover;

        for (int i = 0; i < PROCESSES; i++) {
                CHILD(&user[i])
                        stay(&user[i]);
                UNTIL(stays(&user[i]));
        }
        CHILD(&remover) {
                MUST(sem_close(sem));
                EQ(sem_unlink_nonblocking, sem_unlink(SEM_NAME), 0);
                HOLDS(sem_unlink_nonblocking, sem_open(SEM_NAME, 0) == SEM_FAILED);
        }
        EVENTUALLY(sem_unlink_nonblocking, returned(&remover));
        join(&remover);
        for (int i = 0; i < PROCESSES; i++)
                dismiss(&user[i]);
}
