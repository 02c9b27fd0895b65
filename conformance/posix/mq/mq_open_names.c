/* SPDX-License-Identifier: MIT
 *
 * mq_open() and mq_unlink(): which names there are, and which queue each means.
 */
#include <limits.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "ipck_mq.h"

static struct mq_attr small = {.mq_maxmsg = 1, .mq_msgsize = 1};

/* ---- names of queues ---- */

/* Queues are told apart by the priority of the message on each. */
static void mark(mqd_t queue, unsigned priority)
{
        MUST(mq_send(queue, "m", 1, priority));
}

static int mark_of(const char *name)
{
        const mqd_t queue = mq_open(name, O_RDONLY | O_NONBLOCK);
        unsigned priority = 0;
        char message;

        if (queue == (mqd_t)-1)
                return -1;
        const ssize_t received = mq_receive(queue, &message, 1, &priority);
        MUST(mq_close(queue));
        return received == 1 ? (int)priority : -1;
}

TEST(one_name_is_one_queue_for_all_processes, VERIFIES(mq_open_name_same))
{
        const mqd_t queue = new_mq("/first", O_RDWR, 1, 1);
        struct child other;

        mark(queue, 7);
        CHILD(&other) {
                EQ(mq_open_name_same, mark_of("/first"), 7);
                const mqd_t again = (mqd_t)MUST(mq_open("/first", O_CREAT | O_RDWR, 0600, &small));
                mark(again, 8);
                EQ(mq_open_name_same, mq_stat(again).st_ino, mq_stat(queue).st_ino);
                stay(&other);
        }
        UNTIL(stays(&other));
        EQ(mq_open_name_same, mark_of("/first"), 8);
        dismiss(&other);
}

TEST(other_names_are_other_queues, VERIFIES(mq_open_name_same))
{
        static const struct {
                const char *name;
        } names[] = {
                {"/queue"}, {"/Queue"}, {"/queu"}, {"/queue2"}, {"/queue."}, {"/.queue"}, {"/queue "}, {"/ueue"},
                {"/q"},
        };
        unsigned priority = 0;

        need_descriptors(20);
        EACH_ROW(row, names) {
                CREATES_NOTHING(mq_open_name_same, ENOENT, row->name, O_RDWR);
                mark(mq_must_fit(mq_open(row->name, O_CREAT | O_EXCL | O_RDWR, 0600, &small)), ++priority);
        }
        priority = 0;
        EACH_ROW(row, names)
                EQ(mq_open_name_same, mark_of(row->name), ++priority);
}

TEST(any_byte_can_be_in_a_name, VERIFIES(mq_open_name_any_byte))
{
        char name[] = "/ax", with[] = "/a x b", other[] = "/ax";

        need_mq_limits(3, 1, 1);
        for (int byte = 1; byte < 256; byte++) {
                if (byte == '/')
                        continue;
                name[2] = with[3] = (char)byte;
                /* Beside one that differs in the highest bit alone. */
                other[2] = (char)(byte ^ 0x80);
                const bool has_other = other[2] && other[2] != '/';
                const mqd_t beside = has_other ? new_mq(other, O_RDWR, 1, 1) : -1;
                EQ(mq_open_name_any_byte, mq_open(name, O_RDWR), -1);
                const mqd_t queue = OPENS(mq_open_name_any_byte, mq_open(name, O_CREAT | O_RDWR, 0600, &small));
                const mqd_t inside = OPENS(mq_open_name_any_byte, mq_open(with, O_CREAT | O_RDWR, 0600, &small));
                mark(queue, (unsigned)byte);
                EQ(mq_open_name_any_byte, mark_of(name), byte);
                remove_mq(queue, name);
                remove_mq(inside, with);
                if (has_other)
                        remove_mq(beside, other);
        }
}

/* ---- length ---- */

/* A slash and so many letters. */
static const char *name_of(size_t letters)
{
        static char name[2 * PATH_MAX];

        name[0] = '/';
        memset(name + 1, 'n', letters);
        name[1 + letters] = '\0';
        return name;
}

TEST(name_of_255_characters_is_the_longest, VERIFIES(mq_open_name_length_255))
{
        need_mq_limits(3, 1, 1);
        for (size_t letters = NAME_MAX - 2; letters <= NAME_MAX; letters++) {
                const mqd_t queue = OPENS(mq_open_name_length_255,
                                          mq_open(name_of(letters), O_CREAT | O_EXCL | O_RDWR, 0600, &small));
                mark(queue, (unsigned)letters);
                EQ(mq_open_name_length_255, mark_of(name_of(letters)), letters);
        }
        FAILS_WITH(mq_open_name_length_255, ENAMETOOLONG, mq_open(name_of(NAME_MAX + 1), O_RDWR));
        FAILS_WITH(mq_open_name_length_255, ENAMETOOLONG,
                   mq_open(name_of(NAME_MAX + 1), O_CREAT | O_RDWR, 0600, &small));
        FAILS_WITH(mq_open_name_length_255, ENAMETOOLONG, mq_unlink(name_of(NAME_MAX + 1)));
        for (size_t letters = NAME_MAX - 2; letters <= NAME_MAX; letters++) {
                EQ(mq_open_name_length_255, mq_unlink(name_of(letters)), 0);
                EQ(mq_open_name_length_255, mq_open(name_of(letters), O_RDWR), -1);
        }
}

static const struct {
        const char *name;
        size_t letters;
} long_names[] = {
        {"NAME_MAX + 1", NAME_MAX + 1}, {"2 * NAME_MAX", 2 * NAME_MAX}, {"PATH_MAX - 2", PATH_MAX - 2},
        {"PATH_MAX - 1", PATH_MAX - 1}, {"PATH_MAX", PATH_MAX}, {"more than PATH_MAX", PATH_MAX + 1000},
};

/* The error is optional, but no other may stand for it, and a queue of such a name is one. */
TEST(longer_names_may_be_too_long, VERIFIES(mq_open_enametoolong, mq_unlink_enametoolong))
{
        EACH_ROW(row, long_names) {
                const char *const name = name_of(row->letters);
                const mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &small);
                const int error = errno;

                if (queue != (mqd_t)-1) {
                        OPENS(mq_open_enametoolong, mq_open(name, O_RDWR));
                        EQ(mq_unlink_enametoolong, mq_unlink(name), 0);
                        OBSERVE(mq_open_enametoolong, "a name of %zu characters names a queue", row->letters);
                        OBSERVE(mq_unlink_enametoolong, "a name of %zu characters names a queue", row->letters);
                        continue;
                }
                EQ(mq_open_enametoolong, error, ENAMETOOLONG);
                FAILS_WITH(mq_unlink_enametoolong, ENAMETOOLONG, mq_unlink(name));
                OBSERVE(mq_open_enametoolong, "ENAMETOOLONG for a name of %zu characters", row->letters);
                OBSERVE(mq_unlink_enametoolong, "ENAMETOOLONG for a name of %zu characters", row->letters);
        }
}

/* ---- slashes and dots ---- */

TEST(name_without_a_slash_is_unsupported_or_a_name, VERIFIES(mq_open_einval_name), ONE_ROUTE)
{
        const int open = open_descriptors();
        const mqd_t queue = mq_open("plain", O_CREAT | O_EXCL | O_RDWR, 0600, &small);
        const int error = errno;

        if (queue == (mqd_t)-1) {
                EQ(mq_open_einval_name, error, EINVAL);
                FAILS_WITH(mq_open_einval_name, EINVAL, mq_open("plain", O_RDWR));
                HOLDS(mq_open_einval_name, !mq_exists("/plain"));
                EQ(mq_open_einval_name, open_descriptors(), open);
                OBSERVE(mq_open_einval_name, "EINVAL");
                return;
        }
        mark(queue, 5);
        EQ(mq_open_einval_name, mark_of("plain"), 5);
        OBSERVE(mq_open_einval_name, "%s", mq_exists("/plain") ? "the queue of the name with a slash" : "a queue");
        EQ(mq_open_einval_name, mq_unlink("plain"), 0);
        EQ(mq_open_einval_name, mq_open("plain", O_RDWR), -1);
}

struct refused {
        const char *name;
};
static const struct refused with_slash[] = {
        {"/a/b"}, {"/a/"}, {"//a"}, {"//"}, {"/a//b"}, {"/../a"}, {"/queue/a"}, {"/./queue"}, {"///queue"},
};
static const struct refused dots[] = {{"/."}, {"/.."}};

static void expect_refusal(enum ipck_requirement req, int error, const char *name)
{
        const int open = open_descriptors();

        FAILS_WITH(req, error, mq_open(name, O_RDWR));
        FAILS_WITH(req, error, mq_open(name, O_CREAT | O_RDWR, 0600, &small));
        FAILS_WITH(req, error, mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &small));
        FAILS_WITH(req, error, mq_open(name, O_CREAT | O_RDONLY, 0600, NO_ATTR));
        EQ(req, open_descriptors(), open);
}

TEST(second_slash_is_refused, VERIFIES(mq_open_name_inner_slash))
{
        (void)new_mq("/queue", O_RDWR, 1, 1);

        EACH_ROW(row, with_slash)
                expect_refusal(mq_open_name_inner_slash, EACCES, row->name);
        HOLDS(mq_open_name_inner_slash, !mq_exists("/a") && !mq_exists("/b"));
        /* Each in place of the slash is a name. */
        OPENS(mq_open_name_inner_slash, mq_open("/a.b", O_CREAT | O_EXCL | O_RDWR, 0600, &small));
}

TEST(names_of_directories_are_refused, VERIFIES(mq_open_name_dots))
{
        EACH_ROW(row, dots)
                expect_refusal(mq_open_name_dots, EACCES, row->name);
        /* Three dots are a name, and so are two with something beside them. */
        OPENS(mq_open_name_dots, mq_open("/...", O_CREAT | O_EXCL | O_RDWR, 0600, &small));
        OPENS(mq_open_name_dots, mq_open("/..a", O_CREAT | O_EXCL | O_RDWR, 0600, &small));
}

TEST(slash_alone_names_nothing, VERIFIES(mq_open_name_slash_only))
{
        expect_refusal(mq_open_name_slash_only, ENOENT, "/");
}

TEST(names_that_no_queue_can_have_cannot_be_unlinked, VERIFIES(mq_unlink_unsupported_name))
{
        (void)new_mq("/queue", O_RDWR, 1, 1);

        EACH_ROW(row, with_slash)
                FAILS_WITH(mq_unlink_unsupported_name, EACCES, mq_unlink(row->name));
        EACH_ROW(row, dots)
                FAILS_WITH(mq_unlink_unsupported_name, EACCES, mq_unlink(row->name));
        FAILS_WITH(mq_unlink_unsupported_name, ENOENT, mq_unlink("/"));
        HOLDS(mq_unlink_unsupported_name, mq_exists("/queue"));
}

/* ---- the system calls ---- */

static mqd_t raw_open(const void *name, int oflag, const void *attr)
{
        return (mqd_t)syscall(SYS_mq_open, name, oflag, 0600, attr);
}

TEST(kernel_takes_the_name_without_a_slash, VERIFIES(mq_open_raw_no_slash), ONE_ROUTE)
{
        static const struct refused refused[] = {{"/raw"}, {"/"}, {"raw/"}, {"raw/raw"}, {"a/b"}, {"//raw"}};
        const mqd_t queue = OPENS(mq_open_raw_no_slash, raw_open("raw", O_CREAT | O_EXCL | O_RDWR, &small));

        mark(queue, 6);
        EQ(mq_open_raw_no_slash, mark_of("/raw"), 6);
        EACH_ROW(row, refused) {
                FAILS_WITH(mq_open_raw_no_slash, EACCES, raw_open(row->name, O_RDWR, NULL));
                FAILS_WITH(mq_open_raw_no_slash, EACCES, raw_open(row->name, O_CREAT | O_RDWR, &small));
                FAILS_WITH(mq_open_raw_no_slash, EACCES, syscall(SYS_mq_unlink, row->name));
        }
        FAILS_WITH(mq_open_raw_no_slash, ENOENT, raw_open("", O_CREAT | O_RDWR, &small));
        HOLDS(mq_open_raw_no_slash, mq_exists("/raw"));
        EQ(mq_open_raw_no_slash, syscall(SYS_mq_unlink, "raw"), 0);
        HOLDS(mq_open_raw_no_slash, !mq_exists("/raw"));
}

TEST(kernel_cannot_read_name_or_attributes, VERIFIES(mq_open_efault, mq_unlink_efault), ONE_ROUTE)
{
        const int open = open_descriptors();
        char *const cut = guarded(4), *const half = guarded(sizeof(small) / 2);

        memcpy(cut, "name", 4);
        FAILS_WITH(mq_open_efault, EFAULT, raw_open(bad_address(), O_RDWR, NULL));
        FAILS_WITH(mq_open_efault, EFAULT, raw_open(NULL, O_CREAT | O_RDWR, &small));
        FAILS_WITH(mq_open_efault, EFAULT, raw_open(cut, O_CREAT | O_RDWR, &small));
        FAILS_WITH(mq_open_efault, EFAULT, raw_open("name", O_CREAT | O_RDWR, bad_address()));
        memcpy(half, &small, sizeof(small) / 2);
        FAILS_WITH(mq_open_efault, EFAULT, raw_open("name", O_CREAT | O_RDWR, half));
        HOLDS(mq_open_efault, !mq_exists("/name"));
        EQ(mq_open_efault, open_descriptors(), open);

        OPENS(mq_open_efault, raw_open("name", O_CREAT | O_EXCL | O_RDWR, &small));
        FAILS_WITH(mq_unlink_efault, EFAULT, syscall(SYS_mq_unlink, bad_address()));
        FAILS_WITH(mq_unlink_efault, EFAULT, syscall(SYS_mq_unlink, NULL));
        FAILS_WITH(mq_unlink_efault, EFAULT, syscall(SYS_mq_unlink, cut));
        HOLDS(mq_unlink_efault, mq_exists("/name"));
        EQ(mq_unlink_efault, syscall(SYS_mq_unlink, "name"), 0);
}
