/* SPDX-License-Identifier: MIT
 *
 * mq_open() of a queue that exists: whose permission bits grant what.
 */
#include <grp.h>
#include <linux/capability.h>

#include "ipck_mq.h"

enum { BOTH = MAY_RECEIVE | MAY_SEND };

/* A queue that belongs to USER_A and GROUP_A; the descriptor is of the caller, who sets the mode. */
static mqd_t queue_of_a(void)
{
        const mqd_t queue = mq_of(USER_A, QUEUE_NAME, 0666);

        MUST(fchown(queue, USER_A, GROUP_A));
        return queue;
}

static const struct {
        const char *name;
        uid_t uid;
        gid_t gid;
        int shift;
} callers[] = {
        {"owner", USER_A, GROUP_B, 6}, {"group", USER_B, GROUP_A, 3}, {"other", USER_B, GROUP_B, 0},
        {"owner and group", USER_A, GROUP_A, 6},
};

/* Exactly these bits for the class at shift, and the opposite for the two others. */
static mode_t only(int shift, int bits)
{
        return (mode_t)(bits << shift | (0111 * (BOTH & ~bits) & ~(07 << shift)));
}

static const struct {
        const char *name;
        int bits;
} grants[] = {{"nothing", 0}, {"receive", MAY_RECEIVE}, {"send", MAY_SEND}, {"both", BOTH}};

static void expect_access(enum ipck_requirement granted, enum ipck_requirement denied, int bits)
{
        static const struct {
                const char *name;
                int oflag, needs;
        } rows[] = {
                {"O_RDONLY", O_RDONLY, MAY_RECEIVE}, {"O_WRONLY", O_WRONLY, MAY_SEND}, {"O_RDWR", O_RDWR, BOTH},
                {"O_RDONLY with O_CREAT", O_RDONLY | O_CREAT, MAY_RECEIVE},
                {"O_WRONLY with O_NONBLOCK", O_WRONLY | O_NONBLOCK, MAY_SEND},
        };
        const int open = open_descriptors();

        EACH_ROW(row, rows) {
                if (row->needs & ~bits) {
                        FAILS_WITH(denied, EACCES, mq_open(QUEUE_NAME, row->oflag, 0666, NO_ATTR));
                        EQ(denied, open_descriptors(), open);
                } else {
                        const mqd_t queue = OPENS(granted, mq_open(QUEUE_NAME, row->oflag, 0666, NO_ATTR));
                        if (queue != (mqd_t)-1)
                                MUST(mq_close(queue));
                }
        }
}

TEST(bits_of_the_class_decide, VERIFIES(mq_open_eacces, mq_open_perm_bits))
{
        const mqd_t queue = queue_of_a();
        struct child child;

        EACH_ROW(caller, callers)
                EACH_ROW(grant, grants) {
                        MUST(fchmod(queue, only(caller->shift, grant->bits)));
                        CHILD(&child) {
                                become(caller->uid, caller->gid, NULL, 0);
                                expect_access(mq_open_perm_bits, mq_open_eacces, grant->bits);
                        }
                        join(&child);
                }
}

/* Where there is no second user: owner and group in one person. */
TEST(bits_of_the_sole_user_decide, VERIFIES(mq_open_eacces, mq_open_perm_bits))
{
        const mqd_t queue = small_mq(O_RDWR);

        drop_all_capabilities();
        EACH_ROW(grant, grants) {
                MUST(fchmod(queue, only(6, grant->bits)));
                expect_access(mq_open_perm_bits, mq_open_eacces, grant->bits);
        }
}

TEST(execute_bits_grant_nothing, VERIFIES(mq_open_perm_bits))
{
        const mqd_t queue = small_mq(O_RDWR);

        drop_all_capabilities();
        EACH_ROW(grant, grants) {
                MUST(fchmod(queue, (mode_t)(grant->bits << 6 | 0111)));
                EQ(mq_open_perm_bits, access_to_mq(QUEUE_NAME), grant->bits);
        }
}

TEST(effective_ids_decide, VERIFIES(mq_open_perm_bits))
{
        static const struct {
                const char *name;
                uid_t real, effective;
                gid_t real_group, effective_group;
                int granted;
        } rows[] = {
                {"effective user owns", USER_B, USER_A, GROUP_B, GROUP_B, BOTH},
                {"real user owns", USER_A, USER_B, GROUP_B, GROUP_B, 0},
                {"effective group owns", USER_B, USER_B, GROUP_B, GROUP_A, MAY_RECEIVE},
                {"real group owns", USER_B, USER_B, GROUP_A, GROUP_B, 0},
        };
        const mqd_t queue = queue_of_a();
        struct child child;

        MUST(fchmod(queue, 0640));
        EACH_ROW(row, rows) {
                CHILD(&child) {
                        MUST(setgroups(0, NULL));
                        MUST(setresgid(row->real_group, row->effective_group, row->real_group));
                        MUST(setresuid(row->real, row->effective, row->real));
                        drop_all_capabilities();
                        EQ(mq_open_perm_bits, access_to_mq(QUEUE_NAME), row->granted);
                }
                join(&child);
        }
}

TEST(supplementary_group_counts, VERIFIES(mq_open_perm_groups))
{
        static const struct {
                const char *name;
                gid_t groups[2];
                int shift;
        } rows[] = {
                {"member", {GROUP_C, GROUP_A}, 3}, {"member, named first", {GROUP_A, GROUP_C}, 3},
                {"member of others", {GROUP_C, GROUP_C + 1}, 0},
        };
        const mqd_t queue = queue_of_a();
        struct child child;

        EACH_ROW(row, rows)
                EACH_ROW(grant, grants) {
                        MUST(fchmod(queue, only(row->shift, grant->bits)));
                        CHILD(&child) {
                                become(USER_B, GROUP_B, row->groups, 2);
                                EQ(mq_open_perm_groups, access_to_mq(QUEUE_NAME), grant->bits);
                        }
                        join(&child);
                }
}

TEST(capability_overrides_the_bits, VERIFIES(mq_open_perm_dac_override))
{
        const mqd_t queue = small_mq(O_RDWR);

        if (!has_capability(CAP_DAC_OVERRIDE))
                UNSUPPORTED("CAP_DAC_OVERRIDE");
        drop_other_capabilities(CAP_DAC_OVERRIDE);
        EACH_ROW(grant, grants) {
                MUST(fchmod(queue, only(6, grant->bits)));
                EQ(mq_open_perm_dac_override, access_to_mq(QUEUE_NAME), BOTH);
        }
        MUST(fchmod(queue, 0));
        EQ(mq_open_perm_dac_override, access_to_mq(QUEUE_NAME), BOTH);
        drop_all_capabilities();
        REQUIRE(access_to_mq(QUEUE_NAME) <= 0);
}

/* An open descriptor keeps what it was opened for. */
TEST(bits_are_asked_at_open_only, VERIFIES(mq_open_perm_bits))
{
        const mqd_t queue = small_mq(O_RDWR);
        char message[SMALL_MSGSIZE];

        drop_all_capabilities();
        MUST(fchmod(queue, 0));
        FAILS_WITH(mq_open_perm_bits, EACCES, mq_open(QUEUE_NAME, O_RDWR));
        EQ(mq_open_perm_bits, mq_send(queue, "m", 1, 0), 0);
        EQ(mq_open_perm_bits, mq_receive(queue, message, sizeof(message), NULL), 1);
}
