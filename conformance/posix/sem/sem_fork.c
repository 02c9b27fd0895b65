/* SPDX-License-Identifier: MIT
 *
 * fork() and semaphores: named ones are open in the child, at the same address; one in private memory is copied.
 */
#include "ipck_named_sem.h"

/* ---- named ---- */

TEST(child_has_the_semaphore_open, VERIFIES(fork_named_sem_open, sem_open_fork_child_open))
{
        sem_t *const sem = named_sem(SEM_NAME, 1), *const go = named_sem("/go", 0), *const done = named_sem("/done", 0);
        struct child child;

        CHILD(&child) {
                EQ(fork_named_sem_open, sem_wait(go), 0);
                EQ(fork_named_sem_open, sem_value(sem), 3);
                EQ(fork_named_sem_open, sem_trywait(sem), 0);
                EQ(fork_named_sem_open, sem_post(done), 0);
        }
        MUST(sem_post(sem));
        MUST(sem_post(sem));
        MUST(sem_post(go));
        EVENTUALLY(sem_open_fork_child_open, sem_trywait(done) == 0);
        join(&child);
        EQ(fork_named_sem_open, sem_value(sem), 2);
        EQ(sem_open_fork_child_open, sem_value(go), 0);
}

TEST(opening_again_in_the_child_gives_the_same_address, VERIFIES(sem_open_fork_child_open, sem_open_refcount))
{
        sem_t *const sem = named_sem(SEM_NAME, 1);
        struct child child;

        REQUIRE(sem_open(SEM_NAME, 0) == sem);
        CHILD(&child) {
                HOLDS(sem_open_fork_child_open, sem_open(SEM_NAME, 0) == sem);
                /* Three times open here: twice from before. */
                for (int i = 0; i < 2; i++) {
                        EQ(sem_open_refcount, sem_close(sem), 0);
                        EQ(sem_open_refcount, sem_post(sem), 0);
                }
                EQ(sem_open_refcount, sem_close(sem), 0);
                EQ(sem_open_refcount, sem_mappings(), 0);
        }
        join(&child);
        EQ(sem_open_refcount, sem_value(sem), 3);
}

/* Each process closes for itself. */
TEST(close_in_one_process_leaves_it_open_in_the_other, VERIFIES(fork_named_sem_open))
{
        sem_t *const sem = named_sem(SEM_NAME, 0);
        struct child child;

        CHILD(&child) {
                EQ(fork_named_sem_open, sem_close(sem), 0);
                stay(&child);
                sem_t *const again = SEM_OPENS(fork_named_sem_open, sem_open(SEM_NAME, 0));
                if (again != SEM_FAILED)
                        EQ(fork_named_sem_open, sem_value(again), 1);
        }
        UNTIL(stays(&child));
        EQ(fork_named_sem_open, sem_post(sem), 0);
        dismiss(&child);

        CHILD(&child) {
                stay(&child);
                EQ(fork_named_sem_open, sem_trywait(sem), 0);
                EQ(fork_named_sem_open, sem_value(sem), 0);
        }
        UNTIL(stays(&child));
        MUST(sem_close(sem));
        dismiss(&child);
}

/* Also one without a name, which a child cannot open again. */
TEST(child_has_an_unlinked_semaphore_open, VERIFIES(fork_named_sem_open))
{
        sem_t *const sem = named_sem(SEM_NAME, 0);
        struct child waiter, poster;

        MUST(sem_unlink(SEM_NAME));
        CHILD(&waiter) {
                here(&waiter, 1);
                EQ(fork_named_sem_open, sem_wait(sem), 0);
        }
        UNTIL(blocked(&waiter));
        CHILD(&poster)
                EQ(fork_named_sem_open, sem_post(sem), 0);
        EVENTUALLY(fork_named_sem_open, returned(&waiter));
        join(&poster);
        join(&waiter);
        EQ(fork_named_sem_open, sem_value(sem), 0);
}

/* ---- unnamed, pshared 0, in memory that is not shared ---- */

static sem_t in_data;

TEST(semaphore_in_private_memory_is_copied, VERIFIES(fork_unnamed_private_copy))
{
        sem_t on_stack, *const on_heap = malloc(sizeof(*on_heap));
        struct {
                const char *name;
                sem_t *sem;
        } rows[] = {{"static", &in_data}, {"stack", &on_stack}, {"heap", on_heap}};
        struct child child;

        REQUIRE(on_heap);
        EACH_ROW(row, rows) {
                MUST(sem_init(row->sem, 0, 5));
                CHILD(&child) {
                        EQ(fork_unnamed_private_copy, sem_value(row->sem), 5);
                        EQ(fork_unnamed_private_copy, sem_post(row->sem), 0);
                        EQ(fork_unnamed_private_copy, sem_value(row->sem), 6);
                        stay(&child);
                        EQ(fork_unnamed_private_copy, sem_value(row->sem), 6);
                        EQ(fork_unnamed_private_copy, sem_destroy(row->sem), 0);
                }
                UNTIL(stays(&child));
                EQ(fork_unnamed_private_copy, sem_value(row->sem), 5);
                EQ(fork_unnamed_private_copy, sem_trywait(row->sem), 0);
                dismiss(&child);
                EQ(fork_unnamed_private_copy, sem_value(row->sem), 4);
                EQ(fork_unnamed_private_copy, sem_post(row->sem), 0);
                MUST(sem_destroy(row->sem));
        }
}

/* Units that come in one process release nobody in the other. */
TEST(post_releases_no_waiter_of_the_other_process, VERIFIES(fork_unnamed_private_copy))
{
        struct child child;

        MUST(sem_init(&in_data, 0, 0));
        CHILD(&child) {
                const struct timespec soon = deadline_in(CLOCK_REALTIME, 100000000);

                here(&child, 1);
                EQ(fork_unnamed_private_copy, sem_timedwait(&in_data, &soon), -1);
        }
        UNTIL(settled(&child));
        EQ(fork_unnamed_private_copy, sem_post(&in_data), 0);
        join(&child);
        EQ(fork_unnamed_private_copy, sem_value(&in_data), 1);
}
