/* SPDX-License-Identifier: MIT
 *
 * msgsnd(): what a successful call records in the queue, and that a failed one records nothing.
 */
#include "ipck_msg.h"

TEST(each_message_is_counted, VERIFIES(msgsnd_upd_qnum, msgsnd_upd_cbytes))
{
        static const size_t sizes[] = {0, 1, 50, 0, 100, 100, 3};
        const int queue = new_queue(0600);
        size_t bytes = 0;

        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
                MUST(put(queue, 1 + (long)i % 3, sizes[i], 0));
                bytes += sizes[i];
                EQ(msgsnd_upd_qnum, QNUM(queue), i + 1);
                EQ(msgsnd_upd_cbytes, CBYTES(queue), bytes);
        }
}

TEST(counts_go_on_after_receives, VERIFIES(msgsnd_upd_qnum, msgsnd_upd_cbytes))
{
        const int queue = new_queue(0600);

        MUST(put(queue, 1, 30, 0));
        MUST(put(queue, 2, 40, 0));
        MUST(take(queue, 2));
        MUST(put(queue, 2, 5, 0));
        EQ(msgsnd_upd_qnum, QNUM(queue), 2);
        EQ(msgsnd_upd_cbytes, CBYTES(queue), 35);
}

TEST(other_queues_count_for_themselves, VERIFIES(msgsnd_upd_qnum, msgsnd_upd_cbytes))
{
        int queue, before, behind;

        burn_queue_ids(3);
        before = new_queue(0600);
        queue = new_queue(0600);
        behind = new_queue(0600);
        MUST(put(queue, 1, 30, 0));
        EQ(msgsnd_upd_qnum, QNUM(queue), 1);
        EQ(msgsnd_upd_qnum, QNUM(before) + QNUM(behind), 0);
        EQ(msgsnd_upd_cbytes, CBYTES(queue), 30);
        EQ(msgsnd_upd_cbytes, CBYTES(before) + CBYTES(behind), 0);
}

TEST(last_sender_is_recorded, VERIFIES(msgsnd_upd_lspid))
{
        const int queue = new_queue(0600);
        struct child sender[2];

        for (int i = 0; i < 2; i++) {
                CHILD(&sender[i])
                        MUST(put(queue, 1, 10, 0));
                join(&sender[i]);
                EQ(msgsnd_upd_lspid, stat_of_queue(queue).msg_lspid, sender[i].pid);
        }
        MUST(put(queue, 1, 0, 0));
        EQ(msgsnd_upd_lspid, stat_of_queue(queue).msg_lspid, getpid());
        /* A receiver is no sender. */
        CHILD(&sender[0])
                MUST(take(queue, 0));
        join(&sender[0]);
        EQ(msgsnd_upd_lspid, stat_of_queue(queue).msg_lspid, getpid());
}

TEST(time_of_sending_is_recorded, VERIFIES(msgsnd_upd_stime), MOSTLY_WAITS)
{
        const int queue = new_queue(0600);
        time_t before = 0;

        for (int i = 0; i < 3; i++) {
                next_second(before);
                before = now();
                MUST(put(queue, 1, (size_t)i, 0));
                const time_t after = now();
                BETWEEN(msgsnd_upd_stime, before, stat_of_queue(queue).msg_stime, after);
        }
}

/* A call that waits sends when there is room, and not when it is made. */
TEST(sender_that_waited_is_recorded_when_it_sends,
     VERIFIES(msgsnd_upd_qnum, msgsnd_upd_cbytes, msgsnd_upd_lspid, msgsnd_upd_stime), MOSTLY_WAITS)
{
        const int queue = new_queue_for(100, 0600);
        struct child sender;

        MUST(put(queue, 1, 90, 0));
        CHILD(&sender) {
                here(&sender, 1);
                EQ(msgsnd_upd_qnum, put(queue, 2, 20, 0), 0);
        }
        UNTIL(blocked(&sender));
        const struct queue_view waiting = view_of_queue(queue);
        EQ(msgsnd_upd_qnum, waiting.qnum, 1);
        EQ(msgsnd_upd_cbytes, waiting.cbytes, 90);
        EQ(msgsnd_upd_lspid, waiting.lspid, getpid());
        next_second(now());
        EQ(msgsnd_upd_stime, stat_of_queue(queue).msg_stime, waiting.stime);
        const time_t before = now();
        MUST(take(queue, 1));
        EVENTUALLY(msgsnd_upd_qnum, returned(&sender));
        const time_t after = now();
        EQ(msgsnd_upd_qnum, QNUM(queue), 1);
        EQ(msgsnd_upd_cbytes, CBYTES(queue), 20);
        EQ(msgsnd_upd_lspid, stat_of_queue(queue).msg_lspid, sender.pid);
        BETWEEN(msgsnd_upd_stime, before, stat_of_queue(queue).msg_stime, after);
        join(&sender);
}

/* ---- a message that goes to a receiver which waits for it ---- */

TEST(transfer_to_a_waiting_receiver_is_recorded, VERIFIES(msgsnd_upd_direct_handoff), MOSTLY_WAITS)
{
        static const struct {
                const char *name;
                long msgtyp;
                size_t room;
                int flags;
        } rows[] = {
                {"any message", 0, 100, 0},
                {"its type", 5, 100, 0},
                {"types up to one", -7, 100, 0},
                {"room for just this message", 5, 40, 0},
                {"MSG_NOERROR and too little room", 5, 10, MSG_NOERROR},
        };
        enum { ROWS = sizeof(rows) / sizeof(*rows) };
        int queue[ROWS];
        struct child receiver[ROWS], sender, other;

        for (int i = 0; i < ROWS; i++) {
                queue[i] = new_queue(0600);
                /* So that there are an older sender, an older receiver and a time of theirs. */
                CHILD(&other) {
                        MUST(put(queue[i], 1, 0, 0));
                        MUST(take(queue[i], 0));
                }
                join(&other);
        }
        next_second(now());
        for (int i = 0; i < ROWS; i++) {
                const size_t received = rows[i].room < 40 ? rows[i].room : 40;

                /* Messages for which the receiver does not wait; to the one that takes any there are none. */
                for (int n = 0; rows[i].msgtyp != 0 && n < 2; n++)
                        MUST(put(queue[i], 8, 30, 0));
                CHILD(&receiver[i]) {
                        struct message got = {.type = 0};

                        here(&receiver[i], 1);
                        EQ(msgsnd_upd_direct_handoff,
                           msgrcv(queue[i], &got, rows[i].room, rows[i].msgtyp, rows[i].flags), received);
                        EQ(msgsnd_upd_direct_handoff, got.type, 5);
                        HOLDS(msgsnd_upd_direct_handoff, has_pattern(got.text, received, 5));
                }
                UNTIL(blocked(&receiver[i]));
                const struct queue_view waiting = view_of_queue(queue[i]);
                const time_t before = now();
                CHILD(&sender)
                        EQ(msgsnd_upd_direct_handoff, put(queue[i], 5, 40, 0), 0);
                EVENTUALLY(msgsnd_upd_direct_handoff, returned(&receiver[i]) && returned(&sender));
                const time_t after = now();
                const struct queue_view done = view_of_queue(queue[i]);
                EQ(msgsnd_upd_direct_handoff, done.qnum, waiting.qnum);
                EQ(msgsnd_upd_direct_handoff, done.cbytes, waiting.cbytes);
                EQ(msgsnd_upd_direct_handoff, done.lspid, sender.pid);
                EQ(msgsnd_upd_direct_handoff, done.lrpid, receiver[i].pid);
                BETWEEN(msgsnd_upd_direct_handoff, before, done.stime, after);
                BETWEEN(msgsnd_upd_direct_handoff, before, done.rtime, after);
                join(&sender);
                join(&receiver[i]);
        }
}

/* ---- calls that fail ---- */

struct scene {
        int queue;      /* 60 bytes on it, room for 100 */
        int read_only;  /* the same, for one who may not write */
};

static int send_beyond_room(const struct scene *s)
{
        return put(s->queue, 3, 41, IPC_NOWAIT);
}

static int send_type_zero(const struct scene *s)
{
        return put(s->queue, 0, 10, IPC_NOWAIT);
}

static int send_negative_type(const struct scene *s)
{
        return put(s->queue, -1, 10, IPC_NOWAIT);
}

static int send_too_long(const struct scene *s)
{
        static const struct message message = {.type = 3};

        return msgsnd(s->queue, &message, (size_t)-1, IPC_NOWAIT);
}

static int send_from_nowhere(const struct scene *s)
{
        return msgsnd(s->queue, bad_address(), 10, IPC_NOWAIT);
}

static int send_part_from_nowhere(const struct scene *s)
{
        long *const type = guarded(sizeof(long));

        *type = 3;
        return msgsnd(s->queue, type, 10, IPC_NOWAIT);
}

static int send_without_permission(const struct scene *s)
{
        return put(s->read_only, 3, 10, IPC_NOWAIT);
}

static const struct {
        const char *name;
        int (*send)(const struct scene *);
        int error;
} failures[] = {
        {"no room", send_beyond_room, EAGAIN},
        {"type 0", send_type_zero, EINVAL},
        {"negative type", send_negative_type, EINVAL},
        {"too long", send_too_long, EINVAL},
        {"inaccessible message", send_from_nowhere, EFAULT},
        {"inaccessible text", send_part_from_nowhere, EFAULT},
        {"no permission", send_without_permission, EACCES},
};

static void expect_just_the_first_message(int queue)
{
        struct message got;

        EQ(msgsnd_fail_no_effect, take_message(queue, &got, 0), 60);
        EQ(msgsnd_fail_no_effect, got.type, 2);
        HOLDS(msgsnd_fail_no_effect, has_pattern(got.text, 60, 2));
        FAILS_WITH(msgsnd_fail_no_effect, ENOMSG, take(queue, 0));
}

TEST(failed_call_changes_nothing, VERIFIES(msgsnd_fail_no_effect), MOSTLY_WAITS)
{
        const struct scene s = {new_queue_for(100, 0600), new_queue_for(100, 0600)};
        struct child sender;

        /* Somebody else's message, in an earlier second: a sender and a time recorded by mistake show. */
        CHILD(&sender) {
                MUST(put(s.queue, 2, 60, 0));
                MUST(put(s.read_only, 2, 60, 0));
        }
        join(&sender);
        set_queue_mode(s.read_only, 0400);
        drop_all_capabilities();
        const struct queue_view before = view_of_queue(s.queue), read_only_before = view_of_queue(s.read_only);
        next_second(now());
        EACH_ROW(failure, failures) {
                REQUIRE(failure->send(&s) == -1 && errno == failure->error);
                const struct queue_view after = view_of_queue(s.queue), read_only_after = view_of_queue(s.read_only);
                HOLDS(msgsnd_fail_no_effect, same_queue_view(&before, &after));
                HOLDS(msgsnd_fail_no_effect, same_queue_view(&read_only_before, &read_only_after));
        }
        /* All else was right: a message that fits is taken. */
        MUST(put(s.queue, 3, 40, IPC_NOWAIT));
        EQ(msgsnd_fail_no_effect, take(s.queue, 3), 3);
        expect_just_the_first_message(s.queue);
        expect_just_the_first_message(s.read_only);
}
