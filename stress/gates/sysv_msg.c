/* SPDX-License-Identifier: MIT
 *
 * sysv_msg.c: races about System V message queues.
 */
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#include "interleave.h"

enum { KEY = 0x1bc5, MOST = 8, BYTES = 8 };

struct message {
        long type;
        char text[BYTES];
};

static struct {
        int queue, created, got;
        bool removed;
        char order[MOST];               /* the first bytes of what was received */
} *m;

static void nothing(void)
{
        m = scenario_memory();
}

static void new_queue(void)
{
        nothing();
        m->queue = (int)GIVEN(msgget(KEY, IPC_CREAT | 0600));
}

/* Room for one message. */
static void small_queue(void)
{
        struct msqid_ds about;

        new_queue();
        GIVEN(msgctl(m->queue, IPC_STAT, &about));
        about.msg_qbytes = BYTES;
        GIVEN(msgctl(m->queue, IPC_SET, &about));
}

static int send(long type, char first)
{
        struct message message = {type, {first}};

        return msgsnd(m->queue, &message, BYTES, 0);
}

/* The first byte of the message that came; -1 where the call failed. */
static int receive(long type)
{
        struct message message = {0, {0}};
        const ssize_t size = msgrcv(m->queue, &message, BYTES, type, 0);

        if (size == -1)
                return -1;
        KEEPS(msgrcv_ret_len, size == BYTES);
        m->order[m->got++] = message.text[0];
        return message.text[0];
}

/* ---- creation, removal ---- */

static void create(void)
{
        if (msgget(KEY, IPC_CREAT | IPC_EXCL | 0600) == -1)
                KEEPS(msgget_eexist, errno == EEXIST);
        else
                m->created++;
}

static void one_was_created(void)
{
        KEEPS(msgget_atomic_creat_excl, m->created == 1);
}

static void send_x(void)
{
        const bool good = send(1, 'x') == 0;

        if (m->removed)
                KEEPS(xsi_ipc_id_stale_einval, !good && errno == EINVAL);
        else
                KEEPS(msgsnd_ret_zero, good);
}

static void receive_x_or_nothing(void)
{
        const int got = receive(0);
        const int error = errno;

        if (got != -1)
                KEEPS(msgsnd_order_fifo, got == 'x');
        else if (scenario_waited())
                KEEPS(msgctl_rmid_wakes_receivers, error == EIDRM);
        else
                KEEPS(xsi_ipc_id_stale_einval, m->removed && error == EINVAL);
}

static void remove_queue(void)
{
        KEEPS(msgctl_rmid_removes, msgctl(m->queue, IPC_RMID, NULL) == 0);
        m->removed = true;
}

static void fill_until_removed(void)
{
        while (send(1, 'x') == 0)
                KEEPS(msgctl_rmid_removes, !m->removed);
        const int error = errno;
        if (scenario_waited())
                KEEPS(msgctl_rmid_wakes_senders, error == EIDRM);
        else
                KEEPS(xsi_ipc_id_stale_einval, m->removed && error == EINVAL);
}

static void the_queue_is_gone(void)
{
        KEEPS(msgctl_rmid_removes, FAILED_WITH(EINVAL, send(1, 'x')));
        KEEPS(msgget_enoent_after_rmid, FAILED_WITH(ENOENT, msgget(KEY, 0)));
}

/* ---- order ---- */

static void send_a_b(void)
{
        KEEPS(msgsnd_ret_zero, send(1, 'a') == 0);
        KEEPS(msgsnd_ret_zero, send(1, 'b') == 0);
}

static void send_c(void)
{
        KEEPS(msgsnd_ret_zero, send(1, 'c') == 0);
}

static void receive_three(void)
{
        for (int i = 0; i < 3; i++)
                KEEPS(msgrcv_block_until_type, receive(0) != -1);
}

static void receive_two(void)
{
        for (int i = 0; i < 2; i++)
                KEEPS(msgrcv_block_until_type, receive(0) != -1);
}

static void receive_one(void)
{
        KEEPS(msgrcv_block_until_type, receive(0) != -1);
}

static bool each_once(const char *wanted)
{
        for (; *wanted; wanted++) {
                const char *const place = strchr(m->order, *wanted);
                if (!place || strchr(place + 1, *wanted))
                        return false;
        }
        return true;
}

static void each_came_once(void)
{
        KEEPS(msgrcv_block_exactly_one, each_once("ab"));
        KEEPS(msgrcv_block_exactly_one, FAILED_WITH(ENOMSG, msgrcv(m->queue, &(struct message){0, {0}}, BYTES, 0, IPC_NOWAIT)));
}

static void a_before_b(void)
{
        KEEPS(msgrcv_block_exactly_one, each_once("ab"));
        KEEPS(msgsnd_order_fifo, strchr(m->order, 'a') < strchr(m->order, 'b'));
}

static void all_three_in_order(void)
{
        KEEPS(msgrcv_block_exactly_one, each_once("abc"));
        a_before_b();
}

static void send_both_types(void)
{
        KEEPS(msgsnd_ret_zero, send(2, 'b') == 0);
        KEEPS(msgsnd_ret_zero, send(1, 'a') == 0);
}

static void receive_type_1(void)
{
        KEEPS(msgrcv_block_until_type, receive(1) == 'a');
}

static void receive_type_2(void)
{
        KEEPS(msgrcv_block_until_type, receive(2) == 'b');
}

SCENARIOS(sysv_msg_scenarios,
        {"msg_create", "three create a queue with one key and IPC_EXCL", nothing, {create, create, create}, one_was_created,
         .ends = msgget_atomic_creat_excl},
        {"msg_rmid", "sending and receiving against IPC_RMID", new_queue, {send_x, receive_x_or_nothing, remove_queue},
         the_queue_is_gone, .ends = msgctl_rmid_wakes_receivers},
        {"msg_rmid_full", "sending to a full queue against IPC_RMID", small_queue, {fill_until_removed, remove_queue},
         the_queue_is_gone, .ends = msgctl_rmid_wakes_senders},
        {"msg_order", "two senders and a receiver", new_queue, {send_a_b, send_c, receive_three}, all_three_in_order,
         .ends = msgsnd_wake_matching_receiver},
        {"msg_receivers", "two receivers and a sender of two messages", new_queue, {receive_one, receive_one, send_a_b},
         each_came_once, .ends = msgsnd_wake_matching_receiver},
        {"msg_types", "two receivers of different types and a sender", new_queue, {receive_type_1, receive_type_2, send_both_types},
         NULL, .ends = msgsnd_wake_matching_receiver},
        {"msg_full", "a sender and a receiver, with room for one message", small_queue, {send_a_b, receive_two}, a_before_b,
         .ends = msgrcv_wake_sender});
