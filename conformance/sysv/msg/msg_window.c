/* SPDX-License-Identifier: MIT
 *
 * Calls on message queues that stop while they read from the caller's memory or store there, and what becomes of them
 * when the queue changes meanwhile.
 */
#include "ipck_msg.h"
#include "ipck_window.h"

enum { TYPE = 5, TEXT = 60, LONG_TEXT = 5000 };

static void judge_race(enum ipck_requirement requirement, int result)
{
        const int error = errno;

        HOLDS(requirement, result == -1 && (error == EINVAL || error == EIDRM));
}

/* A message that stops whoever reads its text. */
static struct message *stopping(struct child *c, size_t size)
{
        static struct message message;

        message.type = TYPE;
        fill_pattern(message.text, size, TYPE);
        return window(c, &message, offsetof(struct message, text) + size, offsetof(struct message, text));
}

TEST(sending_to_a_queue_that_goes, VERIFIES(msgsnd_rmid_race))
{
        static const struct {
                const char *name;
                size_t size;
        } sizes[] = {{"short", TEXT}, {"long", LONG_TEXT}};

        EACH_ROW(row, sizes) {
                const int queue = new_queue(0600);
                struct child sender;

                CHILD(&sender)
                        judge_race(msgsnd_rmid_race, msgsnd(queue, stopping(&sender, row->size), row->size, 0));
                UNTIL(stopped(&sender));
                MUST(msgctl(queue, IPC_RMID, NULL));
                open_window(&sender);
                join(&sender);
        }
}

TEST(sending_holds_nobody_up, VERIFIES(msgsnd_reads_unlocked, msgsnd_data_integrity))
{
        const int queue = new_queue(0600);
        struct child sender, other;
        struct message got = {0};

        CHILD(&sender)
                EQ(msgsnd_data_integrity, msgsnd(queue, stopping(&sender, LONG_TEXT), LONG_TEXT, 0), 0);
        UNTIL(stopped(&sender));
        CHILD(&other) {
                EQ(msgsnd_reads_unlocked, put(queue, 1, TEXT, 0), 0);
                EQ(msgsnd_reads_unlocked, QNUM(queue), 1);
                EQ(msgsnd_reads_unlocked, msgrcv(queue, &got, sizeof(got.text), 0, 0), TEXT);
        }
        EVENTUALLY(msgsnd_reads_unlocked, returned(&other));
        HOLDS(msgsnd_reads_unlocked, !returned(&sender));
        join(&other);
        open_window(&sender);
        join(&sender);
        EQ(msgsnd_data_integrity, msgrcv(queue, &got, sizeof(got.text), 0, IPC_NOWAIT), LONG_TEXT);
        EQ(msgsnd_data_integrity, got.type, TYPE);
        HOLDS(msgsnd_data_integrity, has_pattern(got.text, LONG_TEXT, TYPE));
}

TEST(sending_to_a_queue_that_becomes_too_small, VERIFIES(msgsnd_qbytes_race))
{
        const int queue = new_queue_for(TEXT, 0600);
        struct child sender;

        CHILD(&sender)
                FAILS_WITH(msgsnd_qbytes_race, EAGAIN, msgsnd(queue, stopping(&sender, TEXT), TEXT, IPC_NOWAIT));
        UNTIL(stopped(&sender));
        set_queue_bytes(queue, TEXT - 1);
        open_window(&sender);
        join(&sender);
        EQ(msgsnd_qbytes_race, QNUM(queue), 0);
}

TEST(sending_without_permission_any_more, VERIFIES(msgsnd_perm_race))
{
        const int queue = new_queue_of(USER_A, 0600);
        struct child sender;

        CHILD(&sender) {
                const struct message *const message = stopping(&sender, TEXT);
                as_user(USER_A);
                FAILS_WITH(msgsnd_perm_race, EACCES, msgsnd(queue, message, TEXT, 0));
        }
        UNTIL(stopped(&sender));
        set_queue_owner(queue, USER_B, USER_B, 0444);
        open_window(&sender);
        join(&sender);
        EQ(msgsnd_perm_race, QNUM(queue), 0);
}

static bool is_received(int queue, struct message *got)
{
        return msgrcv(queue, got, sizeof(got->text), 0, IPC_NOWAIT) == LONG_TEXT && got->type == TYPE &&
               has_pattern(got->text, LONG_TEXT, TYPE);
}

/* A message is on the queue, such as was received when nobody stopped. */
static void post_one(int queue)
{
        struct message got;

        MUST(put(queue, TYPE, LONG_TEXT, 0));
        REQUIRE(is_received(queue, &got));
        MUST(put(queue, TYPE, LONG_TEXT, 0));
}

TEST(receiving_from_a_queue_that_goes, VERIFIES(msgrcv_rmid_race))
{
        const int queue = new_queue(0600);
        struct child receiver;

        post_one(queue);
        CHILD(&receiver)
                HOLDS(msgrcv_rmid_race, is_received(queue, window(&receiver, NULL, sizeof(struct message), 0)));
        UNTIL(stopped(&receiver));
        MUST(msgctl(queue, IPC_RMID, NULL));
        open_window(&receiver);
        join(&receiver);
}

TEST(message_that_is_being_stored_is_gone_for_others, VERIFIES(msgrcv_once_while_stored))
{
        const int queue = new_queue(0600);
        struct child receiver, other;

        post_one(queue);
        CHILD(&receiver)
                HOLDS(msgrcv_once_while_stored, is_received(queue, window(&receiver, NULL, sizeof(struct message), 0)));
        UNTIL(stopped(&receiver));
        CHILD(&other) {
                struct message got;
                here(&other, 1);
                FAILS_WITH(msgrcv_once_while_stored, ENOMSG, msgrcv(queue, &got, sizeof(got.text), 0, IPC_NOWAIT));
        }
        /* It may be made to wait for the other, but not for ever. */
        UNTIL(returned(&other) || blocked(&other));
        open_window(&receiver);
        join(&receiver);
        join(&other);
        EQ(msgrcv_once_while_stored, QNUM(queue), 0);
}

TEST(control_of_a_queue_that_goes, VERIFIES(msgctl_set_rmid_race, msgctl_stat_rmid_race))
{
        const struct msqid_ds wanted = {.msg_perm.mode = 0640, .msg_qbytes = 100};
        int queue = new_queue(0600);
        struct child caller;

        CHILD(&caller) {
                struct msqid_ds *const about = window(&caller, &wanted, sizeof(wanted), 0);
                judge_race(msgctl_set_rmid_race, msgctl(queue, IPC_SET, about));
        }
        UNTIL(stopped(&caller));
        MUST(msgctl(queue, IPC_RMID, NULL));
        open_window(&caller);
        join(&caller);

        queue = new_queue(0600);
        MUST(put(queue, TYPE, TEXT, 0));
        CHILD(&caller) {
                struct msqid_ds *const about = window(&caller, NULL, sizeof(*about), 0);
                /* A C library that converts the structure may use it before it makes the call. */
                if (msgctl(queue, IPC_STAT, about) == -1) {
                        judge_race(msgctl_stat_rmid_race, -1);
                } else {
                        EQ(msgctl_stat_rmid_race, about->msg_qnum, 1);
                        EQ(msgctl_stat_rmid_race, about->msg_perm.mode, 0600);
                }
        }
        UNTIL(stopped(&caller));
        MUST(msgctl(queue, IPC_RMID, NULL));
        open_window(&caller);
        join(&caller);
}
