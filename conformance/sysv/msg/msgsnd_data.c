/* SPDX-License-Identifier: MIT
 *
 * msgsnd(): what is sent is what is received: type, text, length and order.
 */
#include <limits.h>
#include <stdio.h>

#include "ipck_msg.h"

/* A message of any length. */
struct long_message {
        long type;
        unsigned char text[];
};

/* Room behind a received text, in which nothing may be written. */
enum { SLACK = 8 };

static struct long_message *allocate(size_t size)
{
        struct long_message *const message = malloc(sizeof(*message) + size);

        REQUIRE(message);
        memset(message, 0x5a, sizeof(*message) + size);
        return message;
}

/* How many bytes are equal before the first that is not. */
static size_t equal_bytes(const unsigned char *a, const unsigned char *b, size_t size)
{
        size_t n = 0;

        while (n < size && a[n] == b[n])
                n++;
        return n;
}

/* Takes the first message, which must be this one, whole, and nothing else. */
static void expect_message(enum ipck_requirement req, int queue, const struct long_message *sent, size_t size)
{
        struct long_message *const got = allocate(size + SLACK);

        EQ(req, msgrcv(queue, got, size + SLACK, 0, IPC_NOWAIT), size);
        EQ(req, got->type, sent->type);
        EQ(req, equal_bytes(got->text, sent->text, size), size);
        HOLDS(req, all_bytes(got->text + size, SLACK, 0x5a));
        free(got);
}

static void send_and_expect(enum ipck_requirement req, int queue, long type, size_t size)
{
        struct long_message *const sent = allocate(size);

        sent->type = type;
        /* A text of its own each time: a part of an older message in its place shows. */
        fill_pattern(sent->text, size, random_below(1U << 31));
        REQUIRE(stat_of_queue(queue).msg_qbytes >= size);
        EQ(req, msgsnd(queue, sent, size, IPC_NOWAIT), 0);
        expect_message(req, queue, sent, size);
        free(sent);
}

TEST(success_is_zero, VERIFIES(msgsnd_ret_zero))
{
        static const struct {
                const char *name;
                long type;
                size_t size;
                int flags;
        } rows[] = {
                {"no text", 1, 0, 0},
                {"one byte", 1, 1, 0},
                {"large type", LONG_MAX, 1, 0},
                {"IPC_NOWAIT", 7, 100, IPC_NOWAIT},
                {"flags that only msgrcv() knows", 7, 100, MSG_NOERROR},
        };
        const int queue = new_queue(0600);

        EACH_ROW(row, rows)
                EQ(msgsnd_ret_zero, put(queue, row->type, row->size, row->flags), 0);
}

TEST(text_is_received_byte_for_byte, VERIFIES(msgsnd_data_integrity))
{
        static const struct {
                const char *name;
                int first, step;
                size_t size;
        } rows[] = {
                {"byte values from 0", 0, 1, 100},
                {"byte values from 100", 100, 1, 100},
                {"byte values from 200", 200, 1, 100},
                {"NUL bytes only", 0, 0, 100},
                {"0xff bytes only", 255, 0, 100},
                {"NUL first", 0, 3, 20},
                {"NUL last", 17, -1, 18},
                {"a single NUL", 0, 0, 1},
                {"a single byte", 200, 0, 1},
                {"an odd length", 9, 7, 33},
        };
        const int queue = new_queue(0600);

        EACH_ROW(row, rows) {
                struct long_message *const sent = allocate(row->size);

                sent->type = 3;
                for (size_t i = 0; i < row->size; i++)
                        sent->text[i] = (unsigned char)(row->first + (int)i * row->step);
                EQ(msgsnd_data_integrity, msgsnd(queue, sent, row->size, 0), 0);
                expect_message(msgsnd_data_integrity, queue, sent, row->size);
                free(sent);
        }
}

TEST(any_size_and_type_arrive, VERIFIES(msgsnd_data_integrity))
{
        const int queue = new_queue(0600);
        const size_t max = (size_t)msg_limits().msgmax, qbytes = stat_of_queue(queue).msg_qbytes;
        const size_t most = max < qbytes ? max : qbytes;

        for (int i = 0; i < 200; i++)
                send_and_expect(msgsnd_data_integrity, queue, 1 + (long)random_below(INT_MAX),
                                random_below((most < 9000 ? (uint32_t)most : 9000) + 1));
}

TEST(nothing_behind_the_text_is_read, VERIFIES(msgsnd_data_integrity))
{
        const int queue = new_queue(0600);

        /* Steps that keep the type aligned. */
        for (size_t size = 0; size <= 96; size += sizeof(long)) {
                struct long_message *const sent = guarded(sizeof(*sent) + size);

                sent->type = 5;
                fill_pattern(sent->text, size, 5);
                EQ(msgsnd_data_integrity, msgsnd(queue, sent, size, 0), 0);
                expect_message(msgsnd_data_integrity, queue, sent, size);
        }
}

TEST(message_is_a_copy, VERIFIES(msgsnd_data_integrity))
{
        enum { SIZE = 100 };
        const int queue = new_queue(0600);
        struct message buffer = {.type = 4}, got;

        fill_pattern(buffer.text, SIZE, 1);
        MUST(msgsnd(queue, &buffer, SIZE, 0));
        buffer.type = 9;
        memset(buffer.text, 0xee, sizeof(buffer.text));
        EQ(msgsnd_data_integrity, take_message(queue, &got, 0), SIZE);
        EQ(msgsnd_data_integrity, got.type, 4);
        HOLDS(msgsnd_data_integrity, has_pattern(got.text, SIZE, 1));
}

TEST(message_may_be_empty, VERIFIES(msgsnd_data_len0))
{
        const int queue = new_queue(0600);
        struct message got;

        EQ(msgsnd_data_len0, put(queue, 6, 0, 0), 0);
        EQ(msgsnd_data_len0, put(queue, 5, 0, IPC_NOWAIT), 0);
        EQ(msgsnd_data_len0, QNUM(queue), 2);
        EQ(msgsnd_data_len0, CBYTES(queue), 0);
        EQ(msgsnd_data_len0, take_message(queue, &got, 0), 0);
        EQ(msgsnd_data_len0, got.type, 6);
        HOLDS(msgsnd_data_len0, all_bytes(got.text, sizeof(got.text), 0x5a));
        EQ(msgsnd_data_len0, msgrcv(queue, &got, 0, 5, IPC_NOWAIT), 0);
        EQ(msgsnd_data_len0, QNUM(queue), 0);
}

TEST(largest_message_arrives, VERIFIES(msgsnd_data_max))
{
        const int queue = new_queue(0600);
        const size_t most = (size_t)msg_limits().msgmax;

        if (most > stat_of_queue(queue).msg_qbytes)
                UNSUPPORTED("a queue for a message of the maximum size (kernel.msgmax above kernel.msgmnb)");
        send_and_expect(msgsnd_data_max, queue, 1, most);
        send_and_expect(msgsnd_data_max, queue, LONG_MAX, most);
}

TEST(largest_message_follows_the_limit, VERIFIES(msgsnd_data_max))
{
        static const struct {
                const char *name;
                const char *limit;
                size_t most;
        } rows[] = {
                {"0", "0", 0}, {"1", "1", 1}, {"77", "77", 77}, {"9000", "9000", 9000}, {"1 MiB", "1048576", 1048576},
        };

        set_sysctl("kernel/msgmnb", "1048576");
        const int queue = new_queue(0600);
        EACH_ROW(row, rows) {
                set_sysctl("kernel/msgmax", row->limit);
                send_and_expect(msgsnd_data_max, queue, 1, row->most);
        }
}

/* ---- where a message is cut into pieces ---- */

/* A message is kept in pieces of a page with a header each, the first one's the longest. The lengths of both are the
 * kernel's affair: every size in which they can be is tried. */
static void try_sizes_around_pages(int queue, size_t pages, size_t most)
{
        const size_t page = page_size(), first_header = 64;

        for (size_t n = 1; n <= pages; n++)
                for (size_t size = n * page - first_header - n * sizeof(long); size <= n * page + 2; size++)
                        if (size <= most)
                                send_and_expect(msgsnd_data_page_boundaries, queue, 1, size);
}

TEST(sizes_around_a_page_are_received_unchanged, VERIFIES(msgsnd_data_page_boundaries))
{
        const int queue = new_queue(0600);
        const size_t max = (size_t)msg_limits().msgmax, qbytes = stat_of_queue(queue).msg_qbytes;

        if (max < page_size() || qbytes < page_size())
                UNSUPPORTED("messages of a page (kernel.msgmax: %zu, kernel.msgmnb: %zu)", max, qbytes);
        try_sizes_around_pages(queue, 2, max < qbytes ? max : qbytes);
}

TEST(sizes_around_several_pages_are_received_unchanged, VERIFIES(msgsnd_data_page_boundaries))
{
        enum { PAGES = 6 };
        const size_t most = (PAGES + 1) * page_size();
        char limit[32];

        snprintf(limit, sizeof(limit), "%zu", most);
        set_sysctl("kernel/msgmax", limit);
        set_sysctl("kernel/msgmnb", limit);
        try_sizes_around_pages(new_queue(0600), PAGES, most);
}

/* ---- type ---- */

TEST(whole_range_of_types_arrives, VERIFIES(msgsnd_type_long_max, msgsnd_data_integrity))
{
        static const struct {
                const char *name;
                enum ipck_requirement req;
                long type;
        } rows[] = {
                {"1", msgsnd_data_integrity, 1},
                {"255", msgsnd_data_integrity, 255},
                {"65536", msgsnd_data_integrity, 65536},
                {"INT_MAX", msgsnd_data_integrity, INT_MAX},
                {"LONG_MAX / 2 + 1", msgsnd_data_integrity, LONG_MAX / 2 + 1},
                {"LONG_MAX - 1", msgsnd_type_long_max, LONG_MAX - 1},
                {"LONG_MAX", msgsnd_type_long_max, LONG_MAX},
        };
        const int queue = new_queue(0600);

        EACH_ROW(row, rows) {
                EQ(row->req, put(queue, row->type, 10, 0), 0);
                EQ(row->req, take(queue, 0), row->type);
                /* And it is found by this type among others. */
                MUST(put(queue, 2, 0, 0));
                EQ(row->req, put(queue, row->type, 10, 0), 0);
                EQ(row->req, take(queue, row->type), row->type);
                EQ(row->req, take(queue, 0), 2);
        }
}

/* ---- order ---- */

TEST(messages_are_received_in_the_order_of_sending, VERIFIES(msgsnd_order_fifo))
{
        enum { MESSAGES = 60 };
        const int queue = new_queue(0600);
        struct message message;
        long types[MESSAGES];

        for (int i = 0; i < MESSAGES; i++) {
                message.type = types[i] = 1 + (long)random_below(5);
                message.text[0] = (unsigned char)i;
                MUST(msgsnd(queue, &message, 1 + random_below(20), IPC_NOWAIT));
        }
        for (int i = 0; i < MESSAGES; i++) {
                HOLDS(msgsnd_order_fifo, take_message(queue, &message, 0) >= 1);
                EQ(msgsnd_order_fifo, message.type, types[i]);
                EQ(msgsnd_order_fifo, message.text[0], i);
        }
}

TEST(order_survives_receives_in_between, VERIFIES(msgsnd_order_fifo))
{
        const int queue = new_queue(0600);

        for (long type = 1; type <= 9; type++)
                MUST(put(queue, type, (size_t)(type % 3), 0));
        EQ(msgsnd_order_fifo, take(queue, 5), 5);       /* from the middle, */
        EQ(msgsnd_order_fifo, take(queue, 0), 1);       /* the beginning */
        EQ(msgsnd_order_fifo, take(queue, 9), 9);       /* and the end */
        MUST(put(queue, 10, 0, 0));
        MUST(put(queue, 3, 0, 0));
        static const long left[] = {2, 3, 4, 6, 7, 8, 10, 3};
        for (size_t i = 0; i < sizeof(left) / sizeof(*left); i++)
                EQ(msgsnd_order_fifo, take(queue, 0), left[i]);
}

TEST(order_does_not_depend_on_the_sender, VERIFIES(msgsnd_order_fifo))
{
        const int queue = new_queue(0600);
        struct child sender[3];

        for (int i = 0; i < 3; i++) {
                MUST(put(queue, 10 + i, 1, 0));
                CHILD(&sender[i])
                        MUST(put(queue, 3 - i, 1, 0));
                join(&sender[i]);
        }
        for (int i = 0; i < 3; i++) {
                EQ(msgsnd_order_fifo, take(queue, 0), 10 + i);
                EQ(msgsnd_order_fifo, take(queue, 0), 3 - i);
        }
}
