/* SPDX-License-Identifier: MIT
 *
 * msgrcv(): what becomes of a caller whose queue is removed while it waits.
 */
#include <limits.h>

#include "ipck_msg.h"

/* Ways to wait at a queue with a message of type 4. */
static const struct wait {
        const char *name;
        long msgtyp;
        int msgflg;
} waits[] = {
        {"a type", 5, 0}, {"the largest type", LONG_MAX, 0}, {"types up to 3", -3, 0}, {"another type", 4, MSG_EXCEPT},
        {"with MSG_NOERROR", 5, MSG_NOERROR},
};
enum { WAITS = sizeof(waits) / sizeof(*waits) };

static void start(struct child *c, enum ipck_requirement req, int queue, const struct wait *how)
{
        CHILD(c) {
                struct message message;

                here(c, 1);
                FAILS_WITH(req, EIDRM, msgrcv(queue, &message, sizeof(message.text), how->msgtyp, how->msgflg));
        }
        UNTIL(blocked(c));
}

TEST(removal_ends_every_kind_of_wait, VERIFIES(msgrcv_eidrm_asleep))
{
        EACH_ROW(how, waits) {
                const int queue = new_queue(0600);
                struct child receiver;

                post(queue, 4, "not that");
                start(&receiver, msgrcv_eidrm_asleep, queue, how);
                MUST(msgctl(queue, IPC_RMID, NULL));
                EVENTUALLY(msgrcv_eidrm_asleep, returned(&receiver));
                join(&receiver);
        }
}

TEST(removal_ends_the_wait_at_an_empty_queue, VERIFIES(msgrcv_eidrm_asleep))
{
        const int queue = new_queue(0600);
        struct child receiver;

        start(&receiver, msgrcv_eidrm_asleep, queue, &(struct wait){.msgtyp = 0});
        MUST(msgctl(queue, IPC_RMID, NULL));
        EVENTUALLY(msgrcv_eidrm_asleep, returned(&receiver));
        join(&receiver);
}

/* Only who was waiting is told that the queue is gone: afterwards it is just no identifier. */
TEST(removed_queue_is_no_queue_for_the_next_call, VERIFIES(msgrcv_eidrm_asleep, xsi_ipc_id_stale_einval))
{
        const int queue = new_queue(0600);
        struct child receiver;

        CHILD(&receiver) {
                struct message message;

                here(&receiver, 1);
                FAILS_WITH(msgrcv_eidrm_asleep, EIDRM, msgrcv(queue, &message, sizeof(message.text), 0, 0));
                FAILS_WITH(xsi_ipc_id_stale_einval, EINVAL, msgrcv(queue, &message, sizeof(message.text), 0, 0));
        }
        UNTIL(blocked(&receiver));
        MUST(msgctl(queue, IPC_RMID, NULL));
        EVENTUALLY(xsi_ipc_id_stale_einval, returned(&receiver));
        join(&receiver);
}

TEST(removal_wakes_all_at_once, VERIFIES(msgrcv_eidrm_all))
{
        const int queue = new_queue(0600);
        struct child receiver[WAITS + 1];

        post(queue, 4, "not that");
        for (int i = 0; i <= WAITS; i++)
                start(&receiver[i], msgrcv_eidrm_all, queue, &waits[i % WAITS]);
        EQ(msgrcv_eidrm_all, msgctl(queue, IPC_RMID, NULL), 0);
        for (int i = 0; i <= WAITS; i++) {
                EVENTUALLY(msgrcv_eidrm_all, returned(&receiver[i]));
                join(&receiver[i]);
        }
}

TEST(removal_of_another_queue_wakes_nobody, VERIFIES(msgrcv_eidrm_asleep, msgrcv_block_until_type))
{
        struct child receiver;

        burn_queue_ids(3);
        const int before = new_queue(0600), queue = new_queue(0600), behind = new_queue(0600);
        CHILD(&receiver) {
                struct message message;

                here(&receiver, 1);
                EQ(msgrcv_eidrm_asleep, msgrcv(queue, &message, sizeof(message.text), 5, 0), 4);
        }
        UNTIL(blocked(&receiver));
        MUST(msgctl(before, IPC_RMID, NULL));
        MUST(msgctl(behind, IPC_RMID, NULL));
        UNTIL(blocked(&receiver) || returned(&receiver));
        HOLDS(msgrcv_eidrm_asleep, !returned(&receiver));
        post(queue, 5, "text");
        EVENTUALLY(msgrcv_block_until_type, returned(&receiver));
        join(&receiver);
}

/* A queue made at once in the place of the removed one has nothing to do with those who waited for the old one. */
TEST(receivers_do_not_move_to_a_new_queue, VERIFIES(msgrcv_eidrm_all))
{
        const key_t key = fresh_key();
        const int old = queue_must_fit(msgget(key, IPC_CREAT | IPC_EXCL | 0600));
        struct child receiver[2];

        start(&receiver[0], msgrcv_eidrm_all, old, &(struct wait){.msgtyp = 0});
        start(&receiver[1], msgrcv_eidrm_all, old, &(struct wait){.msgtyp = 5});
        MUST(msgctl(old, IPC_RMID, NULL));
        const int new = queue_must_fit(msgget(key, IPC_CREAT | IPC_EXCL | 0600));
        post(new, 5, "one");
        post(new, 5, "two");
        EVENTUALLY(msgrcv_eidrm_all, returned(&receiver[0]) && returned(&receiver[1]));
        EQ(msgrcv_eidrm_all, QNUM(new), 2);
        EQ(msgrcv_eidrm_all, stat_of_queue(new).msg_lrpid, 0);
        for (int i = 0; i < 2; i++)
                join(&receiver[i]);
}

/* A message and the removal come one after the other: it has been received when the queue goes. */
TEST(message_right_before_the_removal_is_received, VERIFIES(msgrcv_eidrm_asleep, msgrcv_block_until_type), KERNEL_ALONE)
{
        enum { ROUNDS = 30 };

        for (int round = 0; round < ROUNDS; round++) {
                const int queue = new_queue(0600);
                struct child served, unserved;

                CHILD(&served) {
                        struct message message;

                        here(&served, 1);
                        EQ(msgrcv_block_until_type, msgrcv(queue, &message, sizeof(message.text), 5, 0), 4);
                        HOLDS(msgrcv_block_until_type, text_is(&message, 4, "text"));
                }
                UNTIL(blocked(&served));
                start(&unserved, msgrcv_eidrm_asleep, queue, &waits[2]);
                post(queue, 5, "text");
                MUST(msgctl(queue, IPC_RMID, NULL));
                EVENTUALLY(msgrcv_block_until_type, returned(&served));
                EVENTUALLY(msgrcv_eidrm_asleep, returned(&unserved));
                join(&served);
                join(&unserved);
        }
}
