/* SPDX-License-Identifier: MIT
 *
 * mq_unlink(): names that no queue has, and queues of others.
 */
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "ipck_mq.h"

TEST(name_that_no_queue_has, VERIFIES(mq_unlink_enoent))
{
        (void)small_mq(O_RDWR);
        FAILS_WITH(mq_unlink_enoent, ENOENT, mq_unlink("/missing"));
        FAILS_WITH(mq_unlink_enoent, ENOENT, mq_unlink(QUEUE_NAME "x"));
        HOLDS(mq_unlink_enoent, mq_exists(QUEUE_NAME));
        EQ(mq_unlink_enoent, mq_unlink(QUEUE_NAME), 0);
        FAILS_WITH(mq_unlink_enoent, ENOENT, mq_unlink(QUEUE_NAME));
}

/* A queue of USER_A that everybody may open. */
static void queue_of_a(void)
{
        const mqd_t queue = mq_of(USER_A, QUEUE_NAME, 0666);

        MUST(fchmod(queue, 0666));
        MUST(mq_close(queue));
}

static void expect_owner_alone(enum ipck_requirement req, int error, int (*call)(void))
{
        struct child child;

        queue_of_a();
        CHILD(&child) {
                as_user(USER_B);
                REQUIRE(access_to_mq(QUEUE_NAME) == (MAY_RECEIVE | MAY_SEND));
                FAILS_WITH(req, error, call());
                HOLDS(req, mq_exists(QUEUE_NAME));
        }
        join(&child);
        CHILD(&child) {
                /* Nor a member of its group. */
                become(USER_B, USER_A, NULL, 0);
                FAILS_WITH(req, error, call());
                HOLDS(req, mq_exists(QUEUE_NAME));
        }
        join(&child);
        CHILD(&child) {
                as_user(USER_A);
                EQ(req, call(), 0);
                HOLDS(req, !mq_exists(QUEUE_NAME));
        }
        join(&child);
}

static int unlink_queue(void)
{
        return mq_unlink(QUEUE_NAME);
}

static int unlink_raw(void)
{
        return (int)syscall(SYS_mq_unlink, &QUEUE_NAME[1]);
}

TEST(queue_of_another_user, VERIFIES(mq_unlink_eacces), ONE_ROUTE)
{
        expect_owner_alone(mq_unlink_eacces, EACCES, unlink_queue);
}

TEST(kernel_has_another_error_for_it, VERIFIES(mq_unlink_raw_eperm), ONE_ROUTE)
{
        expect_owner_alone(mq_unlink_raw_eperm, EPERM, unlink_raw);
}

TEST(owner_needs_no_permission_for_its_queue, VERIFIES(mq_unlink_owner_mode))
{
        const mqd_t queue = small_mq(O_RDWR);

        drop_all_capabilities();
        MUST(fchmod(queue, 0));
        EQ(mq_unlink_owner_mode, mq_open(QUEUE_NAME, O_RDONLY), -1);
        EQ(mq_unlink_owner_mode, mq_unlink(QUEUE_NAME), 0);
        EQ(mq_unlink_owner_mode, mq_open(QUEUE_NAME, O_RDONLY), -1);
}

TEST(capability_unlinks_what_is_not_owned, VERIFIES(mq_unlink_fowner))
{
        struct child child;

        queue_of_a();
        CHILD(&child) {
                /* Another user with the capabilities of this one. */
                if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) == -1 || setresuid(USER_B, USER_B, USER_B) == -1)
                        UNSUPPORTED("capabilities for another user (%s)", errno_name(errno));
                REQUIRE(has_capability(CAP_FOWNER));
                drop_other_capabilities(CAP_FOWNER);
                EQ(mq_unlink_fowner, mq_unlink(QUEUE_NAME), 0);
                HOLDS(mq_unlink_fowner, !mq_exists(QUEUE_NAME));
        }
        join(&child);
        queue_of_a();
        CHILD(&child) {
                as_user(USER_B);
                FAILS_WITH(mq_unlink_fowner, ipck_route == IPCK_RAW ? EPERM : EACCES, mq_unlink(QUEUE_NAME));
                HOLDS(mq_unlink_fowner, mq_exists(QUEUE_NAME));
        }
        join(&child);
}
