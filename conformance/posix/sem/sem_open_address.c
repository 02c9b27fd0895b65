/* SPDX-License-Identifier: MIT
 *
 * sem_open(): one address a process for one semaphore, counted, until it is closed as often or its name is removed.
 */
#include "ipck_named_sem.h"
#include "ipck_thread.h"

TEST(open_name_has_one_address, VERIFIES(sem_open_same_address))
{
        static const struct {
                const char *name;
                int flags;
        } rows[] = {{"no flags", 0}, {"O_CREAT", O_CREAT}};
        sem_t *const sem = named_sem(SEM_NAME, 5), *const other = named_sem("/other", 5);

        HOLDS(sem_open_same_address, sem != other);
        EACH_ROW(row, rows) {
                for (int i = 0; i < 3; i++) {
                        HOLDS(sem_open_same_address, sem_open(SEM_NAME, row->flags, 0600, 1) == sem);
                        HOLDS(sem_open_same_address, sem_open("/other", row->flags, 0600, 1) == other);
                }
        }
        MUST(sem_post(sem));
        EQ(sem_open_same_address, sem_value(sem), 6);
        EQ(sem_open_same_address, sem_value(other), 5);
}

/* Neither the creator nor the first to open it is special. */
TEST(opener_of_what_others_created_gets_one_address, VERIFIES(sem_open_same_address))
{
        struct child creator;

        CHILD(&creator)
                named_sem(SEM_NAME, 5);
        join(&creator);
        sem_t *const sem = SEM_OPENS(sem_open_same_address, sem_open(SEM_NAME, 0));
        HOLDS(sem_open_same_address, sem_open(SEM_NAME, 0) == sem);
        EQ(sem_open_same_address, sem_close(sem), 0);
        HOLDS(sem_open_same_address, sem_open(SEM_NAME, O_CREAT, 0600, 1) == sem);
}

/* Another one that is closed in between, and a failed call, do not change it. */
TEST(address_stays_while_others_come_and_go, VERIFIES(sem_open_same_address))
{
        enum { MANY = 20 };
        sem_t *sem[MANY];

        for (int i = 0; i < MANY; i++)
                sem[i] = named_sem(numbered(i).name, (unsigned)i);
        for (int i = 0; i < MANY; i += 2)
                MUST(sem_close(sem[i]));
        REQUIRE(sem_open(numbered(1).name, O_CREAT | O_EXCL, 0600, 1) == SEM_FAILED);
        for (int i = 1; i < MANY; i += 2) {
                HOLDS(sem_open_same_address, sem_open(numbered(i).name, 0) == sem[i]);
                EQ(sem_open_same_address, sem_value(sem[i]), i);
        }
        for (int i = 0; i < MANY; i += 2) {
                sem[i] = SEM_OPENS(sem_open_same_address, sem_open(numbered(i).name, 0));
                if (sem[i] == SEM_FAILED)
                        return;
                EQ(sem_open_same_address, sem_value(sem[i]), i);
                for (int j = 0; j < i; j++)
                        HOLDS(sem_open_same_address, sem[j] != sem[i]);
        }
}

/* ---- threads ---- */

enum { THREADS = 4 };

static struct {
        pthread_barrier_t barrier;
        sem_t *sem[THREADS];
        int flags;
} together;

static int open_together(void *place)
{
        sem_t **const sem = place;

        pthread_barrier_wait(&together.barrier);
        dawdle();
        *sem = sem_open(SEM_NAME, together.flags, 0600, 5);
        return 0;
}

TEST(threads_at_once_get_one_address,
     VERIFIES(sem_open_same_address_threads, sem_open_refcount, sem_close_releases))
{
        enum { ROUNDS = 60 };
        static const struct {
                const char *name;
                int flags;
        } rows[] = {{"an existing semaphore", 0}, {"a new semaphore", O_CREAT}};
        struct thread thread[THREADS];

        REQUIRE(pthread_barrier_init(&together.barrier, NULL, THREADS) == 0);
        EACH_ROW(row, rows) {
                together.flags = row->flags;
                for (int round = 0; round < ROUNDS; round++) {
                        if (!(row->flags & O_CREAT))
                                MUST(sem_close(named_sem(SEM_NAME, 5)));
                        for (int i = 0; i < THREADS; i++)
                                start(&thread[i], open_together, &together.sem[i]);
                        for (int i = 0; i < THREADS; i++)
                                finish(&thread[i]);
                        for (int i = 0; i < THREADS; i++)
                                HOLDS(sem_open_same_address_threads,
                                      together.sem[i] != SEM_FAILED && together.sem[i] == together.sem[0]);
                        if (together.sem[0] == SEM_FAILED)
                                return;
                        EQ(sem_open_same_address_threads, sem_value(together.sem[0]), 5);
                        /* Open as often as it was opened, in whichever order that was. */
                        for (int i = 0; i < THREADS; i++) {
                                EQ(sem_open_refcount, sem_trywait(together.sem[0]), 0);
                                EQ(sem_open_refcount, sem_close(together.sem[0]), 0);
                        }
                        EQ(sem_close_releases, sem_mappings(), 0);
                        MUST(sem_unlink(SEM_NAME));
                }
        }
}

static _Atomic unsigned rounds;

/* Each name has its value; one is everybody's and stays open. */
static int open_use_close(int n, void *arg)
{
        enum { ROUNDS = 1000 };
        const sem_t *const common = arg;

        for (int round = 0; round < ROUNDS; round++) {
                sem_t *const own = sem_open(numbered(n).name, 0), *const same = sem_open(SEM_NAME, 0);

                if (!HOLDS(sem_open_threads, own != SEM_FAILED && own != common && same != SEM_FAILED))
                        return -1;
                HOLDS(sem_open_same_address_threads, same == common);
                EQ(sem_open_threads, sem_value(own), 10 + n);
                EQ(sem_open_threads, sem_value(same), 5);
                if (round % 2)
                        EQ(sem_open_threads, sem_close(same), 0);
                EQ(sem_open_threads, sem_close(own), 0);
                if (round % 2 == 0)
                        EQ(sem_open_threads, sem_close(same), 0);
                rounds++;
        }
        return 0;
}

TEST(threads_open_and_close_what_they_named, VERIFIES(sem_open_threads, sem_open_same_address_threads))
{
        const struct sem_use threads = {.kind = NAMED_SEM, .processes = false};

        for (int n = 0; n < THREADS; n++)
                MUST(sem_close(named_sem(numbered(n).name, (unsigned)(10 + n))));
        sem_t *const common = named_sem(SEM_NAME, 5);
        struct crowd *const crowd = start_crowd(&threads, THREADS, open_use_close, common);
        /* Many calls may take long; one that does not return is wrong. */
        for (unsigned seen = 0; !crowd_done(crowd); seen = rounds)
                EVENTUALLY(sem_open_threads, crowd_done(crowd) || rounds != seen);
        end_crowd(crowd);
        EQ(sem_open_threads, sem_value(common), 5);
        EQ(sem_open_threads, sem_mappings(), 1);
        EQ(sem_open_threads, sem_close(common), 0);
        EQ(sem_open_threads, sem_mappings(), 0);
}

/* ---- how often it is open ---- */

TEST(semaphore_is_open_until_the_last_close,
     VERIFIES(sem_open_refcount, sem_close_refcounted, sem_close_ret_zero, sem_close_releases))
{
        enum { TIMES = 5 };
        sem_t *const sem = named_sem(SEM_NAME, 0);
        struct child waiter;

        CHILD(&waiter) {
                here(&waiter, 1);
                EQ(sem_open_refcount, sem_wait(sem), 0);
        }
        UNTIL(blocked(&waiter));
        for (int i = 1; i < TIMES; i++)
                REQUIRE(sem_open(SEM_NAME, i % 2 ? 0 : O_CREAT, 0600, 1) == sem);
        for (int i = 1; i < TIMES; i++) {
                EQ(sem_close_ret_zero, sem_close(sem), 0);
                HOLDS(sem_open_refcount, is_mapped((void *)((uintptr_t)sem & ~(page_size() - 1))));
                EQ(sem_open_refcount, sem_mappings(), 1);
                EQ(sem_open_refcount, sem_post(sem), 0);
                if (i == 1)
                        EVENTUALLY(sem_open_refcount, returned(&waiter));
                EQ(sem_close_refcounted, sem_value(sem), i - 1);
                HOLDS(sem_close_refcounted, sem_open(SEM_NAME, 0) == sem);
                EQ(sem_close_ret_zero, sem_close(sem), 0);
        }
        join(&waiter);
        EQ(sem_close_ret_zero, sem_close(sem), 0);
        HOLDS(sem_close_releases, !is_mapped((void *)((uintptr_t)sem & ~(page_size() - 1))));
        EQ(sem_close_releases, sem_mappings(), 0);
}

TEST(one_close_of_two_leaves_it_usable, VERIFIES(sem_close_refcounted))
{
        sem_t *const sem = named_sem(SEM_NAME, 0);
        struct child other;

        REQUIRE(sem_open(SEM_NAME, 0) == sem);
        MUST(sem_close(sem));
        if (!HOLDS(sem_close_refcounted, is_mapped((void *)((uintptr_t)sem & ~(page_size() - 1)))))
                return;
        EQ(sem_close_refcounted, sem_post(sem), 0);
        CHILD(&other) {
                MUST(sem_close(sem));
                sem_t *const again = (sem_t *)MUST(sem_open(SEM_NAME, 0));
                EQ(sem_close_refcounted, sem_value(again), 1);
                EQ(sem_close_refcounted, sem_post(again), 0);
        }
        join(&other);
        EQ(sem_close_refcounted, sem_value(sem), 2);
        EQ(sem_close_refcounted, sem_trywait(sem), 0);
        EQ(sem_close_refcounted, sem_wait(sem), 0);
        EQ(sem_close_refcounted, sem_value(sem), 0);
}

/* ---- a name that was removed ---- */

TEST(recreated_name_is_another_semaphore,
     VERIFIES(sem_open_different_after_unlink, sem_unlink_recreate_distinct, sem_unlink_open_survives))
{
        static const struct {
                const char *name;
                int flags;
        } rows[] = {{"O_CREAT", O_CREAT}, {"O_CREAT | O_EXCL", O_CREAT | O_EXCL}};

        EACH_ROW(row, rows) {
                sem_t *const old = named_sem(SEM_NAME, 3);

                MUST(sem_unlink(SEM_NAME));
                sem_t *const new = SEM_OPENS(sem_open_different_after_unlink, sem_open(SEM_NAME, row->flags, 0600, 7));
                if (new == SEM_FAILED)
                        return;
                HOLDS(sem_open_different_after_unlink, new != old);
                EQ(sem_unlink_recreate_distinct, sem_value(new), 7);
                EQ(sem_open_different_after_unlink, sem_value(old), 3);
                EQ(sem_unlink_open_survives, sem_post(old), 0);
                EQ(sem_unlink_open_survives, sem_value(old), 4);
                EQ(sem_open_different_after_unlink, sem_value(new), 7);
                EQ(sem_unlink_recreate_distinct, sem_trywait(new), 0);
                EQ(sem_open_different_after_unlink, sem_value(old), 4);
                EQ(sem_unlink_recreate_distinct, sem_value(new), 6);
                HOLDS(sem_open_different_after_unlink, sem_open(SEM_NAME, 0) == new);
                MUST(sem_close(new));

                /* Each is closed by its own address. */
                MUST(sem_close(old));
                EQ(sem_unlink_recreate_distinct, sem_value(new), 6);
                HOLDS(sem_unlink_recreate_distinct, sem_open(SEM_NAME, 0) == new);
                MUST(sem_close(new));
                MUST(sem_close(new));
                MUST(sem_unlink(SEM_NAME));
        }
}

TEST(semaphores_of_one_name_after_another_are_all_different, VERIFIES(sem_open_different_after_unlink))
{
        enum { GENERATIONS = 12 };
        sem_t *sem[GENERATIONS];

        for (int i = 0; i < GENERATIONS; i++) {
                sem[i] = SEM_OPENS(sem_open_different_after_unlink,
                                   sem_open(SEM_NAME, O_CREAT | O_EXCL, 0600, (unsigned)i));
                if (sem[i] == SEM_FAILED)
                        return;
                for (int j = 0; j < i; j++)
                        HOLDS(sem_open_different_after_unlink, sem[i] != sem[j]);
                MUST(sem_unlink(SEM_NAME));
        }
        for (int i = 0; i < GENERATIONS; i++)
                EQ(sem_open_different_after_unlink, sem_value(sem[i]), i);
}

/* Another process makes the name anew: whoever has the old one open keeps that, and gets the new one when he opens. */
TEST(name_that_others_recreate_is_another_semaphore, VERIFIES(sem_open_different_after_unlink))
{
        sem_t *const old = named_sem(SEM_NAME, 3);
        struct child other;

        CHILD(&other) {
                MUST(sem_unlink(SEM_NAME));
                named_sem(SEM_NAME, 7);
        }
        join(&other);
        EQ(sem_open_different_after_unlink, sem_value(old), 3);
        sem_t *const new = SEM_OPENS(sem_open_different_after_unlink, sem_open(SEM_NAME, O_CREAT, 0600, 1));
        if (new == SEM_FAILED)
                return;
        HOLDS(sem_open_different_after_unlink, new != old);
        EQ(sem_open_different_after_unlink, sem_value(new), 7);
        EQ(sem_open_different_after_unlink, sem_value(old), 3);
}
