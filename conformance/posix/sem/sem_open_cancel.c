/* SPDX-License-Identifier: MIT
 *
 * sem_open(), sem_close() and sem_unlink() are no cancellation points: a pending request does not keep them from their
 * work; nor do they change how the caller takes requests.
 */
#include "ipck_named_sem.h"
#include "ipck_thread.h"

static sem_t *opened;
static int flags;

static int open_with_a_request_pending(void *name)
{
        pthread_cancel(pthread_self());
        opened = sem_open(name, flags, 0600, 5);
        return opened == SEM_FAILED ? -1 : 0;
}

TEST(opening_is_no_cancellation_point, VERIFIES(sem_open_cancel_not_point))
{
        static const struct {
                const char *name;
                int flags;
        } rows[] = {{"no flags", 0}, {"O_CREAT, existing", O_CREAT}, {"O_CREAT", O_CREAT},
                    {"O_CREAT | O_EXCL", O_CREAT | O_EXCL}};
        char name[] = SEM_NAME;

        EACH_ROW(row, rows) {
                struct thread thread = {0};
                const bool existing = row - rows < 2;
                const int descriptors = open_descriptors();

                if (existing)
                        MUST(sem_close(named_sem(SEM_NAME, 5)));
                flags = row->flags;
                start(&thread, open_with_a_request_pending, name);
                HOLDS(sem_open_cancel_not_point, !finish(&thread) && !thread.cancelled);
                EQ(sem_open_cancel_not_point, thread.result, 0);
                REQUIRE(open_descriptors() == descriptors && names_left() == 1);
                if (thread.result != 0)
                        return;
                REQUIRE(sem_value(opened) == 5);
                MUST(sem_close(opened));
                MUST(sem_unlink(SEM_NAME));
        }
}

static int close_with_a_request_pending(void *sem)
{
        pthread_cancel(pthread_self());
        return sem_close(sem);
}

TEST(closing_is_no_cancellation_point, VERIFIES(sem_close_cancel_not_point))
{
        struct thread thread = {0};

        start(&thread, close_with_a_request_pending, named_sem(SEM_NAME, 5));
        HOLDS(sem_close_cancel_not_point, !finish(&thread) && !thread.cancelled);
        EQ(sem_close_cancel_not_point, thread.result, 0);
        REQUIRE(sem_mappings() == 0);
}

static int unlink_with_a_request_pending(void *name)
{
        pthread_cancel(pthread_self());
        return sem_unlink(name);
}

TEST(unlinking_is_no_cancellation_point, VERIFIES(sem_unlink_cancel_not_point))
{
        struct thread thread = {0};
        char name[] = SEM_NAME;

        named_sem(SEM_NAME, 5);
        start(&thread, unlink_with_a_request_pending, name);
        HOLDS(sem_unlink_cancel_not_point, !finish(&thread) && !thread.cancelled);
        EQ(sem_unlink_cancel_not_point, thread.result, 0);
        REQUIRE(names_left() == 0);
}

/* ---- the caller's cancelability ---- */

TEST(opening_leaves_cancelability_as_it_was, VERIFIES(sem_open_cancel_kept))
{
        static const struct {
                const char *name, *sem;
                int flags;
                unsigned value;
                int result;
        } rows[] = {
                {"missing", SEM_NAME, 0, 0, -1}, {"value too large", SEM_NAME, O_CREAT, SEM_VALUE_MAX + 1U, -1},
                {"no name", "/", O_CREAT, 1, -1}, {"new", SEM_NAME, O_CREAT, 1, 0}, {"existing", SEM_NAME, 0, 0, 0},
                {"existing, O_CREAT", SEM_NAME, O_CREAT, 1, 0},
                {"existing, O_EXCL", SEM_NAME, O_CREAT | O_EXCL, 1, -1},
                {"new, O_EXCL", "/other", O_CREAT | O_EXCL, 1, 0},
        };

        EACH_ROW(as, cancelabilities) {
                set_cancelability(as);
                EACH_ROW(row, rows) {
                        sem_t *const sem = sem_open(row->sem, row->flags, 0600, row->value);

                        REQUIRE((sem == SEM_FAILED ? -1 : 0) == row->result);
                        HOLDS(sem_open_cancel_kept, has_cancelability(as));
                }
                MUST(sem_unlink(SEM_NAME));
                MUST(sem_unlink("/other"));
        }
}

TEST(closing_leaves_cancelability_as_it_was, VERIFIES(sem_close_cancel_kept))
{
        EACH_ROW(as, cancelabilities) {
                sem_t *const sem = named_sem(SEM_NAME, 1);

                REQUIRE(sem_open(SEM_NAME, 0) == sem);
                MUST(sem_unlink(SEM_NAME));
                set_cancelability(as);
                for (int left = 1; left >= 0; left--) {
                        MUST(sem_close(sem));
                        HOLDS(sem_close_cancel_kept, has_cancelability(as));
                }
        }
}

TEST(unlinking_leaves_cancelability_as_it_was, VERIFIES(sem_unlink_cancel_kept))
{
        EACH_ROW(as, cancelabilities) {
                MUST(sem_close(named_sem(SEM_NAME, 1)));
                set_cancelability(as);
                MUST(sem_unlink(SEM_NAME));
                HOLDS(sem_unlink_cancel_kept, has_cancelability(as));
                REQUIRE(sem_unlink(SEM_NAME) == -1);
                HOLDS(sem_unlink_cancel_kept, has_cancelability(as));
        }
}
