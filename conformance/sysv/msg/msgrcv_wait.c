/* SPDX-License-Identifier: MIT
 *
 * msgrcv(): when a call waits, what ends its wait and what does not, and who gets the message that several wait for.
 */
#include <limits.h>
#include <sys/wait.h>

#include "ipck_msg.h"

/* Ways to wait: a message of a type in `others` is not meant, one of the type `right` is. */
struct wait {
        const char *name;
        long msgtyp;
        int msgflg;
        long others[3], right;
};

static const struct wait waits[] = {
        {"a type", 5, 0, {4, 6, LONG_MAX / 2 + 6}, 5},
        {"type 1", 1, 0, {2, 3, 2}, 1},
        {"the largest type", LONG_MAX, 0, {1, LONG_MAX - 1, 2}, LONG_MAX},
        {"types up to 5", -5, 0, {6, 7, LONG_MAX}, 5},
        {"types up to 5, a low one", -5, 0, {6, 7, 6}, 1},
        {"another type", 5, MSG_EXCEPT, {5, 5, 5}, 4},
        {"a type, with MSG_NOERROR", 5, MSG_NOERROR, {4, 6, 1}, 5},
};

/* A receiver that must get a message of this type, and is in its wait when this is over. */
static void start(struct child *c, enum ipck_requirement req, int queue, const struct wait *how, long type)
{
        CHILD(c) {
                struct message message = {.type = -1};

                here(c, 1);
                EQ(req, msgrcv(queue, &message, sizeof(message.text), how->msgtyp, how->msgflg), 4);
                EQ(req, message.type, type);
                HOLDS(req, text_is(&message, 4, "text"));
        }
        UNTIL(blocked(c));
}

TEST(only_a_message_that_is_meant_ends_the_wait, VERIFIES(msgrcv_block_until_type))
{
        EACH_ROW(how, waits) {
                const int queue = new_queue(0600);
                struct child receiver;

                start(&receiver, msgrcv_block_until_type, queue, how, how->right);
                for (int i = 0; i < 3; i++) {
                        post(queue, how->others[i], "not that");
                        HOLDS(msgrcv_block_until_type, !returned(&receiver));
                }
                UNTIL(blocked(&receiver) || returned(&receiver));
                EQ(msgrcv_block_until_type, QNUM(queue), 3);
                post(queue, how->right, "text");
                EVENTUALLY(msgrcv_block_until_type, returned(&receiver));
                EQ(msgrcv_block_until_type, QNUM(queue), 3);
                join(&receiver);
        }
}

TEST(empty_queue_is_waited_for, VERIFIES(msgrcv_block_until_type))
{
        static const struct wait any = {.msgtyp = 0};
        const int queue = new_queue(0600);
        struct child receiver;

        start(&receiver, msgrcv_block_until_type, queue, &any, 7);
        HOLDS(msgrcv_block_until_type, !returned(&receiver));
        post(queue, 7, "text");
        EVENTUALLY(msgrcv_block_until_type, returned(&receiver));
        EQ(msgrcv_block_until_type, QNUM(queue), 0);
        join(&receiver);
}

/* Messages that others take, and calls on the same queue, are no reason either. */
TEST(traffic_of_others_does_not_end_the_wait, VERIFIES(msgrcv_block_until_type))
{
        const int queue = new_queue(0600);
        struct child receiver;

        start(&receiver, msgrcv_block_until_type, queue, &waits[0], 5);
        for (int i = 0; i < 20; i++) {
                post(queue, 4, "other");
                FAILS_WITH(msgrcv_block_until_type, ENOMSG, take(queue, 5));
                EQ(msgrcv_block_until_type, take(queue, 0), 4);
        }
        HOLDS(msgrcv_block_until_type, !returned(&receiver));
        post(queue, 5, "text");
        EVENTUALLY(msgrcv_block_until_type, returned(&receiver));
        join(&receiver);
}

TEST(every_type_up_to_the_bound_ends_the_wait, VERIFIES(msgrcv_block_negative_type))
{
        static const struct wait up_to_4 = {.msgtyp = -4};
        const int queue = new_queue(0600);

        post(queue, 5, "");
        for (long type = 1; type <= 4; type++) {
                struct child receiver;

                start(&receiver, msgrcv_block_negative_type, queue, &up_to_4, type);
                post(queue, 5, "");
                post(queue, LONG_MAX, "");
                UNTIL(blocked(&receiver) || returned(&receiver));
                HOLDS(msgrcv_block_negative_type, !returned(&receiver));
                post(queue, type, "text");
                EVENTUALLY(msgrcv_block_negative_type, returned(&receiver));
                EQ(msgrcv_block_negative_type, QNUM(queue), 1 + 2 * type);
                join(&receiver);
        }
}

TEST(long_min_waits_for_every_type, VERIFIES(msgrcv_block_negative_type, msgrcv_sel_long_min))
{
        static const struct wait any = {.msgtyp = LONG_MIN};
        const int queue = new_queue(0600);
        struct child receiver;

        start(&receiver, msgrcv_sel_long_min, queue, &any, LONG_MAX);
        post(queue, LONG_MAX, "text");
        EVENTUALLY(msgrcv_block_negative_type, returned(&receiver));
        join(&receiver);
}

/* A wait ends when a signal is caught, not when there is none to catch (XSH msgrcv DESCRIPTION). */
TEST(signal_that_is_not_caught_does_not_end_the_wait, VERIFIES(msgrcv_block_until_type))
{
        static const struct {
                const char *name;
                int signo;
                bool ignore, block;
        } rows[] = {
                {"ignored", SIGUSR1, true, false},
                {"ignored by default", SIGURG, false, false},
                {"caught, but blocked", SIGUSR1, false, true},
                {"stopped and continued", SIGSTOP, false, false},
        };
        const int queue = new_queue(0600);

        EACH_ROW(row, rows) {
                struct child receiver;

                CHILD(&receiver) {
                        struct message message;
                        sigset_t mask;

                        catch_signal(SIGUSR1, 0);
                        sigemptyset(&mask);
                        sigaddset(&mask, row->signo);
                        if (row->ignore)
                                REQUIRE(signal(row->signo, SIG_IGN) != SIG_ERR);
                        if (row->block)
                                MUST(sigprocmask(SIG_BLOCK, &mask, NULL));
                        here(&receiver, 1);
                        EQ(msgrcv_block_until_type, msgrcv(queue, &message, sizeof(message.text), 5, 0), 4);
                        REQUIRE(signals_caught() == 0);
                }
                UNTIL(blocked(&receiver));
                MUST(kill(receiver.pid, row->signo));
                if (row->signo == SIGSTOP) {
                        int status;

                        MUST(waitpid(receiver.pid, &status, WUNTRACED));
                        REQUIRE(WIFSTOPPED(status));
                        MUST(kill(receiver.pid, SIGCONT));
                }
                UNTIL(blocked(&receiver) || returned(&receiver));
                HOLDS(msgrcv_block_until_type, !returned(&receiver));
                post(queue, 5, "text");
                EVENTUALLY(msgrcv_block_until_type, returned(&receiver));
                join(&receiver);
        }
}

/* ---- IPC_SET ---- */

TEST(change_that_leaves_read_permission_does_not_end_the_wait, VERIFIES(msgrcv_block_ipcset_keeps_waiting))
{
        static const struct {
                const char *name;
                int mode;
                size_t qbytes;
        } rows[] = {
                {"nothing changes", 0600, 50}, {"more permissions", 0666, 50}, {"no write permission", 0400, 50},
                {"less room", 0600, 10}, {"no room at all", 0600, 0},
        };
        const int queue = new_queue_for(50, 0600);
        struct child receiver;

        start(&receiver, msgrcv_block_ipcset_keeps_waiting, queue, &waits[0], 5);
        EACH_ROW(row, rows) {
                MUST(queue_set(queue, geteuid(), getegid(), row->mode, row->qbytes));
                UNTIL(blocked(&receiver) || returned(&receiver));
                HOLDS(msgrcv_block_ipcset_keeps_waiting, !returned(&receiver));
        }
        set_queue_bytes(queue, 50);
        post(queue, 4, "not that");
        post(queue, 5, "text");
        EVENTUALLY(msgrcv_block_ipcset_keeps_waiting, returned(&receiver));
        EQ(msgrcv_block_ipcset_keeps_waiting, QNUM(queue), 1);
        join(&receiver);
}

TEST(loss_of_read_permission_ends_the_wait, VERIFIES(msgrcv_block_perm_revoked))
{
        static const struct {
                const char *name;
                int mode;
        } rows[] = {{"write permission is left", 0200}, {"none is left", 0}, {"all but the owner's is left", 0377}};

        EACH_ROW(row, rows) {
                const int queue = new_queue(0600);
                struct child receiver[3];

                post(queue, 4, "not that");
                for (int i = 0; i < 3; i++) {
                        CHILD(&receiver[i]) {
                                struct message message;

                                drop_all_capabilities();
                                here(&receiver[i], 1);
                                FAILS_WITH(msgrcv_block_perm_revoked, EACCES,
                                           msgrcv(queue, &message, sizeof(message.text), waits[i].msgtyp, 0));
                        }
                        UNTIL(blocked(&receiver[i]));
                }
                set_queue_mode(queue, row->mode);
                EVENTUALLY(msgrcv_block_perm_revoked,
                           returned(&receiver[0]) && returned(&receiver[1]) && returned(&receiver[2]));
                for (int i = 0; i < 3; i++)
                        join(&receiver[i]);
                set_queue_mode(queue, 0600);
                EQ(msgrcv_block_perm_revoked, QNUM(queue), 1);
        }
}

/* ---- several receivers ---- */

TEST(one_message_serves_one_receiver, VERIFIES(msgrcv_block_exactly_one))
{
        /* All mean a message of type 5, each in its own way. */
        static const struct wait hows[] = {
                {.msgtyp = 5}, {.msgtyp = 5}, {.msgtyp = 0}, {.msgtyp = -9}, {.msgtyp = 4, .msgflg = MSG_EXCEPT},
        };
        enum { RECEIVERS = sizeof(hows) / sizeof(*hows) };
        const int queue = new_queue(0600);
        struct child receiver[RECEIVERS];

        for (int i = 0; i < RECEIVERS; i++)
                start(&receiver[i], msgrcv_block_exactly_one, queue, &hows[i], 5);
        for (int served = 1; served <= RECEIVERS; served++) {
                int back = 0, waiting = 0;

                post(queue, 5, "text");
                EVENTUALLY(msgrcv_block_exactly_one,
                           returned(&receiver[0]) + returned(&receiver[1]) + returned(&receiver[2]) +
                           returned(&receiver[3]) + returned(&receiver[4]) >= served);
                EQ(msgrcv_block_exactly_one, QNUM(queue), 0);
                for (int i = 0; i < RECEIVERS; i++) {
                        UNTIL(returned(&receiver[i]) || blocked(&receiver[i]));
                        back += returned(&receiver[i]);
                        waiting += !returned(&receiver[i]);
                }
                EQ(msgrcv_block_exactly_one, back, served);
                EQ(msgrcv_block_exactly_one, waiting, RECEIVERS - served);
        }
        for (int i = 0; i < RECEIVERS; i++)
                join(&receiver[i]);
}

/* Messages that say which they are, and receivers that count what they get. */
TEST(each_of_many_messages_serves_one_receiver, VERIFIES(msgrcv_block_exactly_one))
{
        enum { MESSAGES = 400, RECEIVERS = 4, LAST = MESSAGES };
        static const long msgtyps[RECEIVERS] = {0, -3, 0, -3};
        const int queue = new_queue(0600);
        _Atomic int *const received = shared((MESSAGES + 1) * sizeof(*received));
        struct child receiver[RECEIVERS];

        for (int i = 0; i < RECEIVERS; i++)
                CHILD(&receiver[i]) {
                        struct {
                                long type;
                                int number;
                        } message = {0};

                        while (message.number != LAST) {
                                MUST(msgrcv(queue, &message, sizeof(message.number), msgtyps[i], 0));
                                REQUIRE(message.number >= 0 && message.number <= LAST);
                                received[message.number]++;
                        }
                }
        for (int n = 0; n < MESSAGES + RECEIVERS; n++) {
                const struct {
                        long type;
                        int number;
                } message = {.type = n < MESSAGES ? 1 + (long)random_below(2) : 3, .number = n < LAST ? n : LAST};

                MUST(msgsnd(queue, &message, sizeof(message.number), 0));
        }
        for (int i = 0; i < RECEIVERS; i++) {
                EVENTUALLY(msgrcv_block_exactly_one, returned(&receiver[i]));
                join(&receiver[i]);
        }
        for (int n = 0; n < MESSAGES; n++)
                EQ(msgrcv_block_exactly_one, received[n], 1);
        EQ(msgrcv_block_exactly_one, QNUM(queue), 0);
}

/* ---- senders ---- */

TEST(room_lets_a_waiting_sender_go_on, VERIFIES(msgrcv_wake_sender))
{
        /* A queue of 20 bytes with 12 of type 1 and 8 of type 2, and how to make room for 8. */
        static const struct {
                const char *name;
                long msgtyp;
                size_t msgsz;
                int msgflg;
        } rows[] = {
                {"more than needed", 1, 12, IPC_NOWAIT},
                {"just enough", 2, 8, IPC_NOWAIT},
                {"the first", 0, 12, 0},
                {"the lowest type", -2, 12, 0},
                {"another type", 1, 8, MSG_EXCEPT},
                {"cut to nothing", 2, 0, MSG_NOERROR},
        };

        EACH_ROW(row, rows) {
                const int queue = new_queue_for(20, 0600);
                struct child sender;
                struct message message;

                MUST(put(queue, 1, 12, IPC_NOWAIT));
                MUST(put(queue, 2, 8, IPC_NOWAIT));
                CHILD(&sender) {
                        here(&sender, 1);
                        EQ(msgrcv_wake_sender, put(queue, 3, 8, 0), 0);
                }
                UNTIL(blocked(&sender));
                MUST(msgrcv(queue, &message, row->msgsz, row->msgtyp, row->msgflg));
                EVENTUALLY(msgrcv_wake_sender, returned(&sender));
                EQ(msgrcv_wake_sender, take_message(queue, &message, 3), 8);
                HOLDS(msgrcv_wake_sender, has_pattern(message.text, 8, 3));
                EQ(msgrcv_wake_sender, QNUM(queue), 1);
                join(&sender);
        }
}

/* The number of messages is limited as well: no more than msg_qbytes. */
TEST(place_lets_a_waiting_sender_go_on, VERIFIES(msgrcv_wake_sender))
{
        const int queue = new_queue_for(2, 0600);
        struct child sender;

        post(queue, 1, "");
        post(queue, 1, "");
        CHILD(&sender) {
                here(&sender, 1);
                EQ(msgrcv_wake_sender, put(queue, 3, 0, 0), 0);
        }
        UNTIL(blocked(&sender) || returned(&sender));
        MUST(take(queue, 0));
        EVENTUALLY(msgrcv_wake_sender, returned(&sender));
        EQ(msgrcv_wake_sender, take(queue, 3), 3);
        join(&sender);
}

TEST(room_by_several_receipts_lets_a_waiting_sender_go_on, VERIFIES(msgrcv_wake_sender))
{
        const int queue = new_queue_for(10, 0600);
        struct child sender;

        for (int i = 0; i < 5; i++)
                MUST(put(queue, 1, 2, IPC_NOWAIT));
        CHILD(&sender) {
                here(&sender, 1);
                EQ(msgrcv_wake_sender, put(queue, 3, 7, 0), 0);
        }
        for (int i = 0; i < 4; i++) {
                UNTIL(blocked(&sender) || returned(&sender));
                HOLDS(msgrcv_wake_sender, !returned(&sender));
                MUST(take(queue, 1));
        }
        EVENTUALLY(msgrcv_wake_sender, returned(&sender));
        EQ(msgrcv_wake_sender, take(queue, 3), 3);
        join(&sender);
}
