/* SPDX-License-Identifier: MIT
 *
 * msgrcv(): the errors that a call can have without waiting, and that it changes nothing then. Beside each failing call
 * stands one that differs in a single argument and succeeds.
 */
#include <limits.h>
#include <stdio.h>

#include "ipck_msg.h"

static int queue_with(const char *text)
{
        const int queue = new_queue(0600);

        post(queue, 3, text);
        return queue;
}

/* ---- EINVAL ---- */

TEST(unused_id_is_invalid, VERIFIES(msgrcv_einval_badid))
{
        /* Used before, so that the identifier has more than a small index. */
        burn_queue_ids(200);
        const int queue = queue_with("text");
        const struct {
                const char *name;
                int id;
        } rows[] = {
                {"the next id", queue + 1},
                {"the index with another sequence number", queue ^ 0x8000},
                {"the index with a far sequence number", queue ^ 0x1000000},
                {"the highest bit differs", queue ^ 0x40000000},
                {"no sequence number", queue & 0x7fff},
                {"-1", -1},
                {"its negative", -queue},
                {"its sign", queue ^ INT_MIN},
                {"the largest id", INT_MAX},
        };
        struct message message;

        EACH_ROW(row, rows) {
                if (row->id == queue)
                        continue;
                FAILS_WITH(msgrcv_einval_badid, EINVAL, msgrcv(row->id, &message, sizeof(message.text), 0, IPC_NOWAIT));
        }
        EQ(msgrcv_einval_badid, msgrcv(queue, &message, sizeof(message.text), 0, IPC_NOWAIT), 4);
}

TEST(id_of_a_removed_queue_is_invalid, VERIFIES(msgrcv_einval_badid))
{
        const int queue = queue_with("text");
        struct message message;

        post(queue, 3, "more");
        EQ(msgrcv_einval_badid, msgrcv(queue, &message, sizeof(message.text), 0, IPC_NOWAIT), 4);
        MUST(msgctl(queue, IPC_RMID, NULL));
        FAILS_WITH(msgrcv_einval_badid, EINVAL, msgrcv(queue, &message, sizeof(message.text), 0, IPC_NOWAIT));
        /* Nor does a call wait for it, or mean the queue that came after it. */
        const int later = queue_with("text");
        if (later != queue) {
                FAILS_WITH(msgrcv_einval_badid, EINVAL, msgrcv(queue, &message, sizeof(message.text), 0, 0));
                EQ(msgrcv_einval_badid, QNUM(later), 1);
        }
}

TEST(negative_size_is_invalid, VERIFIES(msgrcv_einval_negsize, msgrcv_fail_no_effect))
{
        static const struct {
                const char *name;
                size_t msgsz;
        } rows[] = {
                {"-1", SIZE_MAX}, {"-2", SIZE_MAX - 1}, {"-8192", SIZE_MAX - 8191}, {"the lowest", SIZE_MAX / 2 + 1},
                {"one above the lowest", SIZE_MAX / 2 + 2},
        };
        const int queue = queue_with("text");
        struct message message;

        EACH_ROW(row, rows) {
                const struct queue_view before = view_of_queue(queue);
                FAILS_WITH(msgrcv_einval_negsize, EINVAL, msgrcv(queue, &message, row->msgsz, 0, IPC_NOWAIT));
                FAILS_WITH(msgrcv_einval_negsize, EINVAL,
                           msgrcv(queue, &message, row->msgsz, 0, IPC_NOWAIT | MSG_NOERROR));
                const struct queue_view after = view_of_queue(queue);
                HOLDS(msgrcv_fail_no_effect, same_queue_view(&before, &after));
        }
        EQ(msgrcv_einval_negsize, msgrcv(queue, &message, SIZE_MAX / 2, 0, IPC_NOWAIT), 4);
        HOLDS(msgrcv_einval_negsize, text_is(&message, 4, "text"));
}

/* ---- EACCES ---- */

/* Every way to ask for the message of type 3. */
static const struct {
        const char *name;
        long msgtyp;
        int msgflg;
} ways[] = {
        {"first", 0, IPC_NOWAIT}, {"by type", 3, IPC_NOWAIT}, {"lowest type", -3, IPC_NOWAIT},
        {"another type", 4, IPC_NOWAIT | MSG_EXCEPT}, {"what there is of it", 0, IPC_NOWAIT | MSG_NOERROR},
        {"without IPC_NOWAIT", 0, 0},
};

TEST(receiving_needs_read_permission, VERIFIES(msgrcv_eacces, msgrcv_fail_no_effect))
{
        const int queue = queue_with("text");

        drop_all_capabilities();
        EACH_ROW(way, ways) {
                struct message message;

                /* All but what it needs; then that alone. */
                set_queue_mode(queue, 0377);
                FAILS_WITH(msgrcv_eacces, EACCES,
                           msgrcv(queue, &message, sizeof(message.text), way->msgtyp, way->msgflg));
                set_queue_mode(queue, 0400);
                EQ(msgrcv_fail_no_effect, QNUM(queue), 1);
                EQ(msgrcv_eacces, msgrcv(queue, &message, sizeof(message.text), way->msgtyp, way->msgflg), 4);
                set_queue_mode(queue, 0600);
                post(queue, 3, "text");
        }
}

TEST(stranger_needs_the_permission_of_others, VERIFIES(msgrcv_eacces))
{
        const int refused = new_queue_of(USER_A, 0773), granted = new_queue_of(USER_A, 0204);
        struct child owner, stranger;

        CHILD(&owner) {
                as_user(USER_A);
                post(refused, 3, "text");
                EACH_ROW(way, ways)
                        post(granted, 3, "text");
        }
        join(&owner);
        CHILD(&stranger) {
                as_user(USER_B);
                EACH_ROW(way, ways) {
                        struct message message;

                        FAILS_WITH(msgrcv_eacces, EACCES,
                                   msgrcv(refused, &message, sizeof(message.text), way->msgtyp, way->msgflg));
                        EQ(msgrcv_eacces, msgrcv(granted, &message, sizeof(message.text), way->msgtyp, way->msgflg), 4);
                }
        }
        join(&stranger);
}

/* ---- EFAULT ---- */

/* A message of two pages and memory that cannot take it in; msgsz is large enough. */
static const struct {
        const char *name;
        enum { NOWHERE, NULL_POINTER, READ_ONLY, TYPE_ONLY, PART, ALL_BUT_ONE } memory;
} memories[] = {
        {"no memory", NOWHERE}, {"NULL", NULL_POINTER}, {"read-only", READ_ONLY}, {"room for the type", TYPE_ONLY},
        {"room for some text", PART}, {"room for all but a byte", ALL_BUT_ONE},
};
enum { LENGTH = 5000, SHORT_LENGTH = 30 };

static void *memory_for(int kind, size_t length)
{
        const size_t type = offsetof(struct message, text);

        switch (kind) {
        case NOWHERE: return bad_address();
        case NULL_POINTER: return NULL;
        case READ_ONLY: return read_only_page();
        case TYPE_ONLY: return guarded(type);
        case PART: return guarded(type + length / 2);
        case ALL_BUT_ONE: return guarded(type + length - 1);
        default: return guarded(type + length);
        }
}

static size_t length_to_try(int turn)
{
        const struct msginfo limits = msg_limits();

        return turn && limits.msgmax >= LENGTH && limits.msgmnb >= LENGTH ? LENGTH : SHORT_LENGTH;
}

TEST(unwritable_memory, VERIFIES(msgrcv_efault))
{
        const int queue = new_queue(0600);

        for (int turn = 0; turn < 2; turn++) {
                const size_t length = length_to_try(turn);

                EACH_ROW(row, memories) {
                        MUST(put(queue, 3, length, IPC_NOWAIT));
                        FAILS_WITH(msgrcv_efault, EFAULT,
                                   msgrcv(queue, memory_for(row->memory, length), length, 0, IPC_NOWAIT));
                        /* The message may be there, or not: fail.efault-keeps. */
                        if (QNUM(queue) > 0)
                                MUST(take(queue, 0));
                }
                MUST(put(queue, 3, length, IPC_NOWAIT));
                EQ(msgrcv_efault, msgrcv(queue, memory_for(-1, length), length, 0, IPC_NOWAIT), length);
        }
}

/* Even where all the text that arrives is what MSG_NOERROR leaves. */
TEST(unwritable_memory_for_a_cut_message, VERIFIES(msgrcv_efault))
{
        const int queue = new_queue(0600);

        MUST(put(queue, 3, SHORT_LENGTH, IPC_NOWAIT));
        MUST(put(queue, 3, SHORT_LENGTH, IPC_NOWAIT));
        FAILS_WITH(msgrcv_efault, EFAULT,
                   msgrcv(queue, memory_for(PART, SHORT_LENGTH), SHORT_LENGTH / 2 + 1, 0, IPC_NOWAIT | MSG_NOERROR));
        EQ(msgrcv_efault, msgrcv(queue, memory_for(PART, SHORT_LENGTH), SHORT_LENGTH / 2, 0, IPC_NOWAIT | MSG_NOERROR),
           SHORT_LENGTH / 2);
}

TEST(message_for_unwritable_memory, VERIFIES(msgrcv_fail_efault_keeps))
{
        unsigned kept = 0, tried = 0;
        char names[200] = "";

        for (int turn = 0; turn < 2; turn++) {
                const size_t length = length_to_try(turn);

                EACH_ROW(row, memories) {
                        const int queue = new_queue(0600);

                        MUST(put(queue, 3, length, IPC_NOWAIT));
                        REQUIRE(msgrcv(queue, memory_for(row->memory, length), length, 0, IPC_NOWAIT) == -1);
                        if (take(queue, 0) == 3) {
                                const size_t used = strlen(names);

                                kept++;
                                snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : ": ", row->name);
                        }
                        tried++;
                        MUST(msgctl(queue, IPC_RMID, NULL));
                }
        }
        OBSERVE(msgrcv_fail_efault_keeps, "the message stayed on the queue in %u of %u cases%s", kept, tried, names);
}

/* ---- nothing changes ---- */

TEST(failed_call_changes_nothing, VERIFIES(msgrcv_fail_no_effect), MOSTLY_WAITS)
{
        static const struct {
                const char *name;
                size_t msgsz;
                long msgtyp;
                int msgflg, error;
        } rows[] = {
                {"no such type", 100, 2, IPC_NOWAIT, ENOMSG},
                {"no type as low", 100, -2, IPC_NOWAIT, ENOMSG},
                {"first too long", 3, 0, IPC_NOWAIT, E2BIG},
                {"first too long, which may wait", 3, 0, 0, E2BIG},
                {"type too long", 3, 5, IPC_NOWAIT, E2BIG},
                {"lowest type too long", 3, -9, IPC_NOWAIT, E2BIG},
                {"other type too long", 3, 7, IPC_NOWAIT | MSG_EXCEPT, E2BIG},
                {"negative size", SIZE_MAX, 0, IPC_NOWAIT, EINVAL},
                {"negative size, which may wait", SIZE_MAX, 0, 0, EINVAL},
        };
        const int queue = queue_with("taken");
        struct message message;
        struct child other;

        post(queue, 3, "three");
        post(queue, 5, "five");
        CHILD(&other)
                MUST(take(queue, 0));
        join(&other);
        const struct queue_view before = view_of_queue(queue);
        REQUIRE(before.lrpid == other.pid);
        next_second(before.rtime);
        EACH_ROW(row, rows) {
                REQUIRE(msgrcv(queue, &message, row->msgsz, row->msgtyp, row->msgflg) == -1 && errno == row->error);
                const struct queue_view after = view_of_queue(queue);
                HOLDS(msgrcv_fail_no_effect, same_queue_view(&before, &after));
        }
        EQ(msgrcv_fail_no_effect, take_message(queue, &message, 0), 5);
        HOLDS(msgrcv_fail_no_effect, text_is(&message, 5, "three"));
        EQ(msgrcv_fail_no_effect, take_message(queue, &message, 0), 4);
        HOLDS(msgrcv_fail_no_effect, text_is(&message, 4, "five"));
}
