/* SPDX-License-Identifier: MIT
 *
 * mq_open(): what a new queue looks like, and what O_CREAT means for one that exists.
 */
#include <grp.h>
#include <limits.h>

#include "ipck_mq.h"

/* ---- attributes ---- */

TEST(sizes_are_those_asked_for, VERIFIES(mq_open_creat_attr))
{
        static const struct {
                const char *name;
                long maxmsg, msgsize;
        } rows[] = {{"the smallest", 1, 1}, {"many small", 10, 2}, {"one larger", 1, 4000}, {"odd ones", 7, 129}};
        char message[4000] = "";

        EACH_ROW(row, rows) {
                const size_t size = (size_t)row->msgsize;
                const mqd_t queue = new_mq(QUEUE_NAME, O_RDWR | O_NONBLOCK, row->maxmsg, row->msgsize);
                const struct mq_attr attr = attr_of(queue);

                EQ(mq_open_creat_attr, attr.mq_maxmsg, row->maxmsg);
                EQ(mq_open_creat_attr, attr.mq_msgsize, row->msgsize);
                /* And they are in force. */
                EQ(mq_open_creat_attr, mq_send(queue, message, size + 1, 0), -1);
                for (long n = 0; n < row->maxmsg; n++)
                        EQ(mq_open_creat_attr, mq_send(queue, message, size, 0), 0);
                EQ(mq_open_creat_attr, mq_send(queue, message, size, 0), -1);
                remove_mq(queue, QUEUE_NAME);
        }
}

TEST(sizes_are_chosen_where_none_are_given, VERIFIES(mq_open_creat_attr_null))
{
        queue_turn();
        const mqd_t queue = OPENS(mq_open_creat_attr_null,
                                  mq_open(QUEUE_NAME, O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK, 0600, NO_ATTR));
        const struct mq_attr attr = attr_of(queue);
        BETWEEN(mq_open_creat_attr_null, 1, attr.mq_maxmsg, LONG_MAX);
        BETWEEN(mq_open_creat_attr_null, 1, attr.mq_msgsize, LONG_MAX);
        EQ(mq_open_creat_attr_null, attr.mq_curmsgs, 0);
        EQ(mq_open_creat_attr_null, attr.mq_flags, O_NONBLOCK);
        EQ(mq_open_creat_attr_null, mq_send(queue, "m", 1, 0), 0);
}

TEST(default_sizes_are_those_of_the_limits, VERIFIES(mq_open_creat_attr_defaults_sysctl))
{
        static const struct {
                const char *name;
                long msg_default, msg_max, msgsize_default, msgsize_max, maxmsg, msgsize;
        } rows[] = {
                {"defaults below the limits", 3, 5, 200, 300, 3, 200},
                {"defaults above the limits", 5, 3, 300, 200, 3, 200},
                {"number above, size below", 9, 2, 131, 1000, 2, 131},
                {"number below, size above", 2, 9, 1000, 131, 2, 131},
                {"equal", 4, 4, 150, 150, 4, 150},
                {"the least", 1, 1, 128, 128, 1, 128},
        };

        EACH_ROW(row, rows) {
                set_mq_limit("msg_default", row->msg_default);
                set_mq_limit("msg_max", row->msg_max);
                set_mq_limit("msgsize_default", row->msgsize_default);
                set_mq_limit("msgsize_max", row->msgsize_max);
                const mqd_t queue = OPENS(mq_open_creat_attr_defaults_sysctl,
                                          mq_open(QUEUE_NAME, O_CREAT | O_EXCL | O_RDWR, 0600, NO_ATTR));
                const struct mq_attr attr = attr_of(queue);
                EQ(mq_open_creat_attr_defaults_sysctl, attr.mq_maxmsg, row->maxmsg);
                EQ(mq_open_creat_attr_defaults_sysctl, attr.mq_msgsize, row->msgsize);
                remove_mq(queue, QUEUE_NAME);
        }
}

TEST(flags_and_number_of_messages_in_the_attributes_mean_nothing, VERIFIES(mq_open_creat_attr_ignored_members))
{
        static const struct {
                const char *name;
                long flags, curmsgs;
        } rows[] = {
                {"O_NONBLOCK", O_NONBLOCK, 0}, {"all bits", -1, -1}, {"messages", 0, 3}, {"more than fit", 0, 10000},
                {"nothing", 0, 0},
        };
        static const struct {
                const char *name;
                int flag, error;
        } opened[] = {{"blocking", 0, ETIMEDOUT}, {"O_NONBLOCK", O_NONBLOCK, EAGAIN}};
        char message[SMALL_MSGSIZE];
        const struct timespec past = {0};

        need_mq_limits(1, SMALL_MAXMSG, SMALL_MSGSIZE);
        EACH_ROW(row, rows)
                EACH_ROW(o, opened) {
                        struct mq_attr attr = {.mq_maxmsg = SMALL_MAXMSG, .mq_msgsize = SMALL_MSGSIZE,
                                               .mq_flags = row->flags, .mq_curmsgs = row->curmsgs};
                        const int oflag = O_CREAT | O_EXCL | O_RDWR | o->flag;
                        const mqd_t queue = OPENS(mq_open_creat_attr_ignored_members,
                                                  mq_open(QUEUE_NAME, oflag, 0600, &attr));

                        const struct mq_attr got = attr_of(queue);
                        EQ(mq_open_creat_attr_ignored_members, got.mq_flags, o->flag);
                        EQ(mq_open_creat_attr_ignored_members, got.mq_curmsgs, 0);
                        FAILS_WITH(mq_open_creat_attr_ignored_members, o->error,
                                   mq_timedreceive(queue, message, sizeof(message), NULL, &past));
                        remove_mq(queue, QUEUE_NAME);
                }
}

/* ---- owner and mode ---- */

TEST(owner_and_group_are_the_effective_ids, VERIFIES(mq_open_creat_uid_gid))
{
        /* Real, effective and saved differ: only one of the three can be right. */
        if (setgroups(0, NULL) == -1 || setresgid(GROUP_A, GROUP_B, GROUP_C) == -1 ||
            setresuid(USER_A, USER_B, USER_C) == -1)
                UNSUPPORTED("other users and groups (%s)", errno_name(errno));
        const struct stat st = mq_stat(small_mq(O_RDWR));

        EQ(mq_open_creat_uid_gid, st.st_uid, USER_B);
        EQ(mq_open_creat_uid_gid, st.st_gid, GROUP_B);
}

static void check_mode(int mode, mode_t mask)
{
        struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 1};
        const mqd_t queue = (mqd_t)MUST(mq_open(QUEUE_NAME, O_CREAT | O_EXCL | O_RDWR, mode, &attr));

        EQ(mq_open_creat_mode_umask, mq_stat(queue).st_mode & 07777, mode & ~mask);
        remove_mq(queue, QUEUE_NAME);
}

TEST(mode_is_that_asked_for, VERIFIES(mq_open_creat_mode_umask))
{
        umask(0);
        for (int mode = 0; mode <= 0777; mode++)
                check_mode(mode, 0);
}

TEST(file_mode_creation_mask_takes_bits_from_the_mode, VERIFIES(mq_open_creat_mode_umask))
{
        static const mode_t masks[] = {0022, 0077, 0477, 0111, 0777};

        for (size_t i = 0; i < sizeof(masks) / sizeof(*masks); i++) {
                umask(masks[i]);
                check_mode(0777, masks[i]);
                check_mode(0642, masks[i]);
                check_mode(0400, masks[i]);
                check_mode(0, masks[i]);
        }
        for (int bit = 0; bit < 9; bit++) {
                umask(1U << bit);
                check_mode(0777, 1U << bit);
                check_mode(0777 & ~(1 << bit), 1U << bit);
        }
}

/* ---- a queue that exists ---- */

static void expect_unchanged(enum ipck_requirement req, mqd_t queue, const struct stat *st, const struct mq_attr *attr)
{
        const struct stat after = mq_stat(queue);
        const struct mq_attr now_attr = attr_of(queue);

        EQ(req, after.st_ino, st->st_ino);
        EQ(req, after.st_mode, st->st_mode);
        EQ(req, after.st_uid, st->st_uid);
        EQ(req, now_attr.mq_maxmsg, attr->mq_maxmsg);
        EQ(req, now_attr.mq_msgsize, attr->mq_msgsize);
        EQ(req, now_attr.mq_curmsgs, attr->mq_curmsgs);
}

TEST(existing_queue_is_opened_as_it_is, VERIFIES(mq_open_creat_existing_attr_ignored))
{
        struct mq_attr other = {.mq_maxmsg = SMALL_MAXMSG - 1, .mq_msgsize = SMALL_MSGSIZE - 1};
        const struct {
                const char *name;
                int mode;
                struct mq_attr *attr;
        } rows[] = {
                {"other attributes", 0600, &other}, {"no attributes", 0600, NULL}, {"other mode", 0666, &other},
                {"no mode", 0, NULL},
        };
        const mqd_t first = small_mq(O_RDWR);

        umask(0);
        mq_post(first, 5, "stays");
        const struct stat st = mq_stat(first);
        const struct mq_attr attr = attr_of(first);
        EACH_ROW(row, rows) {
                const mqd_t queue = OPENS(mq_open_creat_existing_attr_ignored,
                                          mq_open(QUEUE_NAME, O_CREAT | O_RDWR, row->mode, row->attr));
                expect_unchanged(mq_open_creat_existing_attr_ignored, queue, &st, &attr);
                expect_unchanged(mq_open_creat_existing_attr_ignored, first, &st, &attr);
                MUST(mq_close(queue));
        }
}

TEST(sizes_that_no_queue_can_have_do_not_matter_then, VERIFIES(mq_open_creat_existing_attr_unchecked))
{
        static const struct {
                const char *name;
                long maxmsg, msgsize;
        } rows[] = {{"none", 0, 0}, {"negative", -1, -1}, {"the greatest", LONG_MAX, LONG_MAX}};
        const mqd_t first = small_mq(O_RDWR);
        const struct stat st = mq_stat(first);
        const struct mq_attr attr = attr_of(first);

        EACH_ROW(row, rows) {
                struct mq_attr other = {.mq_maxmsg = row->maxmsg, .mq_msgsize = row->msgsize};

                REQUIRE(mq_open("/new", O_CREAT | O_RDWR, 0600, &other) == -1 && errno == EINVAL);
                const mqd_t queue = OPENS(mq_open_creat_existing_attr_unchecked,
                                          mq_open(QUEUE_NAME, O_CREAT | O_RDWR, 0600, &other));
                expect_unchanged(mq_open_creat_existing_attr_unchecked, queue, &st, &attr);
                MUST(mq_close(queue));
        }
}

TEST(exclusive_creation_of_an_existing_queue, VERIFIES(mq_open_eexist))
{
        const mqd_t first = small_mq(O_RDWR);
        struct mq_attr small = {.mq_maxmsg = 1, .mq_msgsize = 1};

        mq_post(first, 1, "stays");
        const struct stat st = mq_stat(first);
        const struct mq_attr attr = attr_of(first);
        const int open = open_descriptors();
        FAILS_WITH(mq_open_eexist, EEXIST, mq_open(QUEUE_NAME, O_CREAT | O_EXCL | O_RDWR, 0600, &small));
        FAILS_WITH(mq_open_eexist, EEXIST, mq_open(QUEUE_NAME, O_CREAT | O_EXCL | O_RDONLY, 0600, &small));
        FAILS_WITH(mq_open_eexist, EEXIST, mq_open(QUEUE_NAME, O_CREAT | O_EXCL | O_WRONLY | O_NONBLOCK, 0, NO_ATTR));
        expect_unchanged(mq_open_eexist, first, &st, &attr);
        EQ(mq_open_eexist, open_descriptors(), open);
        /* Without O_EXCL, and under another name, it works. */
        OPENS(mq_open_eexist, mq_open(QUEUE_NAME, O_CREAT | O_RDWR, 0600, &small));
        OPENS(mq_open_eexist, mq_open("/other", O_CREAT | O_EXCL | O_RDWR, 0600, &small));
}

TEST(name_that_no_queue_has, VERIFIES(mq_open_enoent))
{
        static const struct {
                const char *name;
                int oflag;
        } rows[] = {
                {"O_RDONLY", O_RDONLY}, {"O_WRONLY", O_WRONLY}, {"O_RDWR", O_RDWR},
                {"O_NONBLOCK", O_RDWR | O_NONBLOCK},
        };
        (void)small_mq(O_RDWR);

        EACH_ROW(row, rows) {
                CREATES_NOTHING(mq_open_enoent, ENOENT, "/missing", row->oflag);
                OPENS(mq_open_enoent, mq_open(QUEUE_NAME, row->oflag));
        }
}

/* ---- persistence ---- */

TEST(queue_outlives_those_who_had_it_open, VERIFIES(mq_open_persist))
{
        char message[SMALL_MSGSIZE];
        unsigned priority = 0;
        struct child creator;

        CHILD(&creator) {
                const mqd_t queue = small_mq(O_RDWR);
                mq_post(queue, 3, "low");
                mq_post(queue, 9, "high");
        }
        join(&creator);
        const mqd_t queue = OPENS(mq_open_persist, mq_open(QUEUE_NAME, O_RDWR));
        const struct mq_attr attr = attr_of(queue);
        EQ(mq_open_persist, attr.mq_maxmsg, SMALL_MAXMSG);
        EQ(mq_open_persist, attr.mq_msgsize, SMALL_MSGSIZE);
        EQ(mq_open_persist, attr.mq_curmsgs, 2);
        EQ(mq_open_persist, mq_receive(queue, message, sizeof(message), &priority), 4);
        EQ(mq_open_persist, priority, 9);
        HOLDS(mq_open_persist, memcmp(message, "high", 4) == 0);
}
