/* SPDX-License-Identifier: MIT
 *
 * msgrcv() with MSG_COPY, a flag of Linux: msgtyp is a place on the queue, and the message there is copied and stays.
 */
#include <limits.h>

#include "ipck_msg.h"

enum { CANARY = 0x5a, PEEK = MSG_COPY | IPC_NOWAIT };

/* Four messages; the last is the shortest, and types and texts tell them apart. */
static const struct {
        long type;
        const char *text;
} messages[] = {{3, "first"}, {1, "a second"}, {LONG_MAX, ""}, {3, "4th"}};
enum { COUNT = sizeof(messages) / sizeof(*messages) };

static int new_filled_queue(void)
{
        const int queue = new_queue(0600);

        for (int i = 0; i < COUNT; i++)
                post(queue, messages[i].type, messages[i].text);
        return queue;
}

static void expect_all(enum ipck_requirement req, int queue)
{
        struct message message;

        for (int i = 0; i < COUNT; i++) {
                EQ(req, take_message(queue, &message, 0), strlen(messages[i].text));
                HOLDS(req, text_is(&message, (ssize_t)strlen(messages[i].text), messages[i].text));
                EQ(req, message.type, messages[i].type);
        }
        FAILS_WITH(req, ENOMSG, take(queue, 0));
}

static ssize_t peek(int queue, struct message *message, long place, int msgflg)
{
        memset(message, CANARY, sizeof(*message));
        return msgrcv(queue, message, sizeof(message->text), place, msgflg);
}

/* The kernel may be built without it (CONFIG_CHECKPOINT_RESTORE). */
static bool is_missing(void)
{
        struct message message;
        const int queue = new_queue(0600);

        post(queue, 1, "text");
        const bool missing = peek(queue, &message, 0, PEEK) == -1 && errno == ENOSYS;
        MUST(msgctl(queue, IPC_RMID, NULL));
        return missing;
}

static void need_copy(void)
{
        if (is_missing())
                UNSUPPORTED("MSG_COPY (a kernel with CONFIG_CHECKPOINT_RESTORE)");
}

TEST(kernel_without_the_flag_says_so, VERIFIES(msgrcv_copy_enosys))
{
        struct message message;
        const int queue = new_filled_queue();

        /* Present means that it copies: whatever else it does is judged here or by the other tests. */
        if (peek(queue, &message, 0, PEEK) >= 0)
                UNSUPPORTED("a kernel without MSG_COPY (CONFIG_CHECKPOINT_RESTORE)");
        FAILS_WITH(msgrcv_copy_enosys, ENOSYS, peek(queue, &message, 0, PEEK));
        FAILS_WITH(msgrcv_copy_enosys, ENOSYS, peek(queue, &message, 0, PEEK | MSG_NOERROR));
        expect_all(msgrcv_copy_enosys, queue);
}

TEST(message_at_the_place_is_copied, VERIFIES(msgrcv_copy_peek, msgrcv_buf_no_overrun))
{
        const int queue = new_filled_queue();
        struct message message;

        need_copy();
        for (int turn = 0; turn < 2; turn++) {
                for (int i = COUNT - 1; i >= 0; i--) {
                        const size_t length = strlen(messages[i].text);

                        EQ(msgrcv_copy_peek, peek(queue, &message, i, turn ? PEEK : PEEK | MSG_NOERROR), length);
                        EQ(msgrcv_copy_peek, message.type, messages[i].type);
                        HOLDS(msgrcv_copy_peek, memcmp(message.text, messages[i].text, length) == 0);
                        HOLDS(msgrcv_buf_no_overrun,
                              all_bytes(message.text + length, sizeof(message.text) - length, CANARY));
                        EQ(msgrcv_copy_peek, QNUM(queue), COUNT);
                }
        }
        expect_all(msgrcv_copy_peek, queue);
}

TEST(places_are_those_of_the_moment, VERIFIES(msgrcv_copy_peek, msgrcv_copy_enomsg_index))
{
        const int queue = new_filled_queue();
        struct message message;

        need_copy();
        EQ(msgrcv_copy_peek, peek(queue, &message, 1, PEEK), strlen(messages[1].text));
        EQ(msgrcv_copy_peek, take(queue, messages[1].type), messages[1].type);
        EQ(msgrcv_copy_peek, peek(queue, &message, 1, PEEK), strlen(messages[2].text));
        EQ(msgrcv_copy_peek, peek(queue, &message, 2, PEEK), strlen(messages[3].text));
        FAILS_WITH(msgrcv_copy_enomsg_index, ENOMSG, peek(queue, &message, 3, PEEK));
        post(queue, 1, "at the end");
        EQ(msgrcv_copy_peek, peek(queue, &message, 3, PEEK), strlen("at the end"));
}

TEST(copying_leaves_no_trace, VERIFIES(msgrcv_copy_no_field_change), MOSTLY_WAITS)
{
        const int queue = new_filled_queue();
        struct message message;
        struct child other;

        need_copy();
        post(queue, 3, "one more");
        CHILD(&other)
                MUST(take(queue, 0));
        join(&other);
        const struct queue_view before = view_of_queue(queue);
        REQUIRE(before.lrpid == other.pid);
        next_second(before.rtime);
        for (int i = 0; i < COUNT; i++) {
                EQ(msgrcv_copy_no_field_change, worked((int)peek(queue, &message, i, PEEK)), 0);
                const struct queue_view after = view_of_queue(queue);
                HOLDS(msgrcv_copy_no_field_change, same_queue_view(&before, &after));
        }
}

TEST(no_message_at_the_place, VERIFIES(msgrcv_copy_enomsg_index))
{
        static const struct {
                const char *name;
                long place;
        } rows[] = {
                {"the number of messages", COUNT}, {"one more", COUNT + 1}, {"0 in 8 bits", 256},
                {"0 in 16 bits", 65536}, {"0 but for a high bit", LONG_MAX / 2 + 1}, {"LONG_MAX", LONG_MAX},
        };
        const int queue = new_filled_queue(), empty = new_queue(0600);
        struct message message;

        need_copy();
        EACH_ROW(row, rows)
                FAILS_WITH(msgrcv_copy_enomsg_index, ENOMSG, peek(queue, &message, row->place, PEEK));
        EQ(msgrcv_copy_enomsg_index, peek(queue, &message, COUNT - 1, PEEK), strlen(messages[COUNT - 1].text));
        FAILS_WITH(msgrcv_copy_enomsg_index, ENOMSG, peek(empty, &message, 0, PEEK));
        expect_all(msgrcv_copy_enomsg_index, queue);
}

/* A place below 0 is neither counted from the end nor taken for a bound of types. */
TEST(negative_place_holds_nothing, VERIFIES(msgrcv_copy_negative_index))
{
        static const struct {
                const char *name;
                long place;
        } rows[] = {{"-1", -1}, {"-2", -2}, {"-4", -4}, {"LONG_MIN", LONG_MIN}, {"-LONG_MAX", -LONG_MAX}};
        const int queue = new_filled_queue();
        struct message message;

        need_copy();
        EACH_ROW(row, rows) {
                FAILS_WITH(msgrcv_copy_negative_index, ENOMSG, peek(queue, &message, row->place, PEEK));
                FAILS_WITH(msgrcv_copy_negative_index, ENOMSG, peek(queue, &message, row->place, PEEK | MSG_NOERROR));
        }
        EQ(msgrcv_copy_negative_index, peek(queue, &message, 0, PEEK), strlen(messages[0].text));
        expect_all(msgrcv_copy_negative_index, queue);
}

TEST(combinations_of_flags, VERIFIES(msgrcv_copy_einval_nonowait, msgrcv_copy_einval_except))
{
        static const struct {
                const char *name;
                enum ipck_requirement req;
                int msgflg;
        } rows[] = {
                {"MSG_COPY", msgrcv_copy_einval_nonowait, MSG_COPY},
                {"MSG_COPY, MSG_NOERROR", msgrcv_copy_einval_nonowait, MSG_COPY | MSG_NOERROR},
                {"MSG_COPY, MSG_EXCEPT", msgrcv_copy_einval_except, MSG_COPY | MSG_EXCEPT},
                {"MSG_COPY, MSG_EXCEPT, MSG_NOERROR", msgrcv_copy_einval_except, MSG_COPY | MSG_EXCEPT | MSG_NOERROR},
                {"MSG_COPY, MSG_EXCEPT, IPC_NOWAIT", msgrcv_copy_einval_except, PEEK | MSG_EXCEPT},
                {"all four", msgrcv_copy_einval_except, PEEK | MSG_EXCEPT | MSG_NOERROR},
        };
        const int queue = new_filled_queue();

        need_copy();
        const struct queue_view before = view_of_queue(queue);
        EACH_ROW(row, rows) {
                struct child caller;

                /* Whatever place is asked for; and one that holds nothing is not waited for. */
                CHILD(&caller) {
                        struct message message;

                        EQ(row->req, worked((int)peek(queue, &message, 1, PEEK | (row->msgflg & MSG_NOERROR))), 0);
                        FAILS_WITH(row->req, EINVAL, peek(queue, &message, 1, row->msgflg));
                        FAILS_WITH(row->req, EINVAL, peek(queue, &message, 0, row->msgflg));
                        FAILS_WITH(row->req, EINVAL, peek(queue, &message, COUNT, row->msgflg));
                }
                EVENTUALLY(row->req, returned(&caller));
                join(&caller);
                const struct queue_view after = view_of_queue(queue);
                HOLDS(row->req, same_queue_view(&before, &after));
        }
}

TEST(too_long_for_the_buffer, VERIFIES(msgrcv_copy_e2big, msgrcv_copy_einval_noerror_short))
{
        static const struct {
                const char *name;
                enum ipck_requirement req;
                int msgflg, error;
        } rows[] = {
                {"E2BIG", msgrcv_copy_e2big, PEEK, E2BIG},
                {"MSG_NOERROR does not truncate", msgrcv_copy_einval_noerror_short, PEEK | MSG_NOERROR, EINVAL},
        };
        const int queue = new_filled_queue();
        const size_t length = strlen(messages[1].text);

        need_copy();
        EACH_ROW(row, rows) {
                struct message message;

                EQ(row->req, msgrcv(queue, &message, length, 1, row->msgflg), length);
                FAILS_WITH(row->req, row->error, msgrcv(queue, &message, length - 1, 1, row->msgflg));
                FAILS_WITH(row->req, row->error, msgrcv(queue, &message, 0, 1, row->msgflg));
                /* A message without text fits anywhere. */
                EQ(row->req, msgrcv(queue, &message, 0, 2, row->msgflg), 0);
                EQ(row->req, message.type, messages[2].type);
        }
        expect_all(msgrcv_copy_e2big, queue);
}

TEST(msgsz_may_promise_more_than_any_message_needs, VERIFIES(msgrcv_copy_hugebuf))
{
        const size_t most = (size_t)msg_limits().msgmax;
        const struct {
                const char *name;
                size_t msgsz;
        } rows[] = {
                {"msgmax", most}, {"one more", most + 1}, {"twice as much", 2 * most}, {"INT_MAX", INT_MAX},
                {"INT_MAX and one, where a long has it", INT_MAX < LONG_MAX ? (size_t)INT_MAX + 1 : INT_MAX},
                {"LONG_MAX", LONG_MAX},
        };
        const int queue = new_filled_queue();

        need_copy();
        if (most > 1 << 24)
                UNSUPPORTED("a kernel.msgmax of at most 16 MiB: here it is %zu", most);
        struct message *const message = guarded(offsetof(struct message, text) + most);
        EACH_ROW(row, rows) {
                memset(message, CANARY, offsetof(struct message, text) + most);
                EQ(msgrcv_copy_hugebuf, msgrcv(queue, message, row->msgsz, 1, PEEK), strlen(messages[1].text));
                EQ(msgrcv_copy_hugebuf, message->type, messages[1].type);
                HOLDS(msgrcv_copy_hugebuf, memcmp(message->text, messages[1].text, strlen(messages[1].text)) == 0);
        }
        expect_all(msgrcv_copy_hugebuf, queue);
}

TEST(long_message_is_copied_whole, VERIFIES(msgrcv_copy_large_multi_seg, msgrcv_buf_no_overrun))
{
        const struct msginfo limits = msg_limits();
        const size_t page = page_size(), most = (size_t)(limits.msgmax < limits.msgmnb ? limits.msgmax : limits.msgmnb);
        const struct {
                const char *name;
                size_t length;
        } rows[] = {
                {"a page and a byte", page + 1}, {"a page and a half", page + page / 2},
                {"two pages less headers", 2 * page - 56}, {"one byte more than that", 2 * page - 55},
                {"two pages", 2 * page}, {"as much as can be", most},
        };
        const int queue = new_queue(0600);
        struct message message;

        need_copy();
        if (most <= page)
                UNSUPPORTED("messages longer than a page (limit: %zu)", most);
        EACH_ROW(row, rows) {
                if (row->length > most || row->length > sizeof(message.text))
                        continue;
                MUST(put(queue, 5, row->length, IPC_NOWAIT));
                EQ(msgrcv_copy_large_multi_seg, peek(queue, &message, 0, PEEK), row->length);
                HOLDS(msgrcv_copy_large_multi_seg, has_pattern(message.text, row->length, 5));
                HOLDS(msgrcv_buf_no_overrun,
                      all_bytes(message.text + row->length, sizeof(message.text) - row->length, CANARY));
                /* The original is as good as before. */
                EQ(msgrcv_copy_large_multi_seg, take_message(queue, &message, 0), row->length);
                HOLDS(msgrcv_copy_large_multi_seg, has_pattern(message.text, row->length, 5));
        }
}

TEST(copying_needs_read_permission, VERIFIES(msgrcv_eacces))
{
        const int queue = new_filled_queue();
        struct message message;

        need_copy();
        drop_all_capabilities();
        set_queue_mode(queue, 0400);
        EQ(msgrcv_eacces, peek(queue, &message, 0, PEEK), strlen(messages[0].text));
        set_queue_mode(queue, 0377);
        FAILS_WITH(msgrcv_eacces, EACCES, peek(queue, &message, 0, PEEK));
}

TEST(copy_to_bad_memory_costs_nothing, VERIFIES(msgrcv_efault, msgrcv_fail_no_effect))
{
        const int queue = new_filled_queue();
        struct message message;

        need_copy();
        const struct queue_view before = view_of_queue(queue);
        EQ(msgrcv_efault, msgrcv(queue, &message, 100, 0, PEEK), strlen(messages[0].text));
        FAILS_WITH(msgrcv_efault, EFAULT, msgrcv(queue, bad_address(), 100, 0, PEEK));
        FAILS_WITH(msgrcv_efault, EFAULT, msgrcv(queue, read_only_page(), 100, 0, PEEK));
        const struct queue_view after = view_of_queue(queue);
        HOLDS(msgrcv_fail_no_effect, same_queue_view(&before, &after));
        expect_all(msgrcv_fail_no_effect, queue);
}
