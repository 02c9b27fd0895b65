/* SPDX-License-Identifier: MIT
 *
 * shm_open() and shm_unlink() by a thread that is asked to end.
 */
#include "ipck_posix_shm.h"
#include "ipck_thread.h"

static int open_when_asked(void *oflag)
{
        REQUIRE(pthread_cancel(pthread_self()) == 0);
        return opened(OBJECT_NAME, *(const int *)oflag);
}

static int unlink_when_asked(void *name)
{
        REQUIRE(pthread_cancel(pthread_self()) == 0);
        return shm_unlink(name);
}

/* Such a request is acted on by what is a cancellation point. */
static int read_when_asked(void *fd)
{
        char byte;

        REQUIRE(pthread_cancel(pthread_self()) == 0);
        return (int)read(*(const int *)fd, &byte, 0);
}

/* In this order. */
static const struct {
        const char *name;
        int oflag, result;
} openings[] = {
        {"missing", O_RDWR, -1}, {"new", O_RDWR | O_CREAT | O_EXCL, 0}, {"existing", O_RDWR, 0},
        {"read", O_RDONLY, 0}, {"exclusive", O_RDWR | O_CREAT | O_EXCL, -1},
};

TEST(opening_is_no_cancellation_point, VERIFIES(shm_open_cancel_not_point))
{
        struct thread thread = {.uncancelable = false};
        int fd = 0;

        EACH_ROW(row, openings) {
                int oflag = row->oflag;

                start(&thread, open_when_asked, &oflag);
                HOLDS(shm_open_cancel_not_point, !finish(&thread));
                REQUIRE(worked(thread.result) == row->result);
        }
        start(&thread, read_when_asked, &fd);
        REQUIRE(finish(&thread));
}

TEST(unlinking_is_no_cancellation_point, VERIFIES(shm_unlink_cancel_not_point))
{
        char name[] = OBJECT_NAME;
        struct thread thread = {.uncancelable = false};
        int fd = 0;

        MUST(close(new_shm(name, 1)));
        start(&thread, unlink_when_asked, name);
        HOLDS(shm_unlink_cancel_not_point, !finish(&thread));
        REQUIRE(thread.result == 0);
        start(&thread, unlink_when_asked, name);
        HOLDS(shm_unlink_cancel_not_point, !finish(&thread));
        REQUIRE(thread.result == -1);
        start(&thread, read_when_asked, &fd);
        REQUIRE(finish(&thread));
}

TEST(opening_leaves_cancelability_as_it_was, VERIFIES(shm_open_cancel_kept))
{
        EACH_ROW(as, cancelabilities) {
                set_cancelability(as);
                EACH_ROW(row, openings) {
                        REQUIRE(worked(opened(OBJECT_NAME, row->oflag)) == row->result);
                        HOLDS(shm_open_cancel_kept, has_cancelability(as));
                }
                REQUIRE(opened("/", O_RDWR) == -1);
                HOLDS(shm_open_cancel_kept, has_cancelability(as));
                MUST(shm_unlink(OBJECT_NAME));
        }
}

TEST(unlinking_leaves_cancelability_as_it_was, VERIFIES(shm_unlink_cancel_kept))
{
        EACH_ROW(as, cancelabilities) {
                MUST(close(new_shm(OBJECT_NAME, 1)));
                set_cancelability(as);
                MUST(shm_unlink(OBJECT_NAME));
                HOLDS(shm_unlink_cancel_kept, has_cancelability(as));
                REQUIRE(shm_unlink(OBJECT_NAME) == -1);
                HOLDS(shm_unlink_cancel_kept, has_cancelability(as));
        }
}
