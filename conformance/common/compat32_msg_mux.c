/* SPDX-License-Identifier: MIT
 *
 * Message queue calls behind ipc(2), in a 32-bit program: they are the direct calls by other means.
 */
#include <limits.h>

#include "ipck_compat32.h"
#include "ipck_msg.h"

/* A bit of the sub-call. */
enum { VERSION_1 = 1 << 16 };

/* Calls on a queue with the messages 3 "three", 1 "one" and 3 "3", which was made with that key. */
static int get_it(int queue, key_t key)
{
        int id = msgget(key, 0600);

        return id == queue ? 1 : id;
}

static int get_new(int queue, key_t key)
{
        int id = msgget(IPC_PRIVATE, IPC_CREAT | 0604);
        struct msqid_ds ds;

        (void)key;
        if (id == -1 || id == queue || msgctl(id, IPC_STAT, &ds) == -1 || msgctl(id, IPC_RMID, NULL) == -1)
                return -1;
        return (int)ds.msg_qnum * 1000 + (ds.msg_perm.mode & 0777);
}

/* Result, type and first letter, so that two calls that differ in any give two numbers. */
static int receive(int queue, size_t msgsz, long msgtyp, int msgflg)
{
        struct message message = {.type = 0};
        const ssize_t length = msgrcv(queue, &message, msgsz, msgtyp, msgflg);

        return length == -1 ? -1 : (int)length * 100000 + (int)message.type * 1000 + message.text[0];
}

#define CALL(name, expression)                                                                          \
        static int name(int queue, key_t key)                                                           \
        {                                                                                               \
                (void)queue;                                                                            \
                (void)key;                                                                              \
                return (expression);                                                                    \
        }

CALL(get_exclusively, msgget(key, IPC_CREAT | IPC_EXCL | 0600))
CALL(get_unknown, msgget(key ^ 0x10000, 0600))
CALL(send, put(queue, 7, 20, 0))
CALL(send_nothing, put(queue, LONG_MAX, 0, 0))
CALL(send_type_0, put(queue, 0, 1, 0))
CALL(send_negative_type, put(queue, -1, 1, 0))
CALL(send_to_nobody, put(-1, 7, 1, 0))
CALL(send_from_bad_memory, msgsnd(queue, bad_address(), 1, 0))
CALL(send_too_much, msgsnd(queue, &(struct message){.type = 7}, (size_t)msg_limits().msgmax + 1, 0))
CALL(send_without_room, queue_set(queue, geteuid(), getegid(), 0600, 10) ? -1 : put(queue, 7, 2, IPC_NOWAIT))
CALL(send_negative_size, msgsnd(queue, &(struct message){.type = 7}, SIZE_MAX, 0))
CALL(receive_first, receive(queue, 100, 0, 0))
CALL(receive_type, receive(queue, 100, 1, IPC_NOWAIT))
CALL(receive_lowest, receive(queue, 100, -2, IPC_NOWAIT))
CALL(receive_lowest_of_all, receive(queue, 100, LONG_MIN, IPC_NOWAIT))
CALL(receive_other, receive(queue, 100, 3, IPC_NOWAIT | MSG_EXCEPT))
CALL(receive_part, receive(queue, 2, 0, IPC_NOWAIT | MSG_NOERROR))
CALL(receive_none, receive(queue, 100, 2, IPC_NOWAIT))
CALL(receive_too_much, receive(queue, 2, 0, IPC_NOWAIT))
CALL(receive_negative_size, receive(queue, SIZE_MAX, 0, IPC_NOWAIT))
CALL(receive_from_nobody, receive(INT_MAX, 100, 0, IPC_NOWAIT))
CALL(receive_from_negative, receive(-1, 100, 0, IPC_NOWAIT))
CALL(receive_into_bad_memory, (int)msgrcv(queue, bad_address(), 100, 0, IPC_NOWAIT))
CALL(ctl_bad_command, msgctl(queue, 99, NULL))
CALL(ctl_bad_id, queue_set(INT_MAX, 0, 0, 0600, 100))
CALL(ctl_remove_none, msgctl(INT_MAX, IPC_RMID, NULL))
CALL(ctl_bad_memory, msgctl(queue, 2 /* IPC_STAT */, bad_address()))

static int ctl_set(int queue, key_t key)
{
        (void)key;
        return queue_set(queue, geteuid(), getegid(), 0640, 1000);
}

static int ctl_limits(int queue, key_t key)
{
        struct msginfo info;

        (void)queue, (void)key;
        return msgctl(0, IPC_INFO, &info) == -1 ? -1 : info.msgmax + info.msgmnb;
}

static int ctl_usage(int queue, key_t key)
{
        struct msginfo info;

        (void)queue, (void)key;
        return msgctl(0, MSG_INFO, &info) == -1 ? -1 : info.msgmap * 1000 + info.msgtql;
}

struct outcome {
        int result, error;
        struct queue_view view;
};

static struct outcome call_by(enum ipck_route route, int (*call)(int queue, key_t key))
{
        const key_t key = fresh_key();
        const int queue = queue_must_fit(msgget(key, IPC_CREAT | 0600));
        struct outcome outcome;

        post(queue, 3, "three");
        post(queue, 1, "one");
        post(queue, 3, "3");
        ipck_route = route;
        errno = 0;
        outcome.result = call(queue, key);
        outcome.error = outcome.result == -1 ? errno : 0;
        ipck_route = IPCK_LIBC;
        outcome.view = view_of_queue(queue);
        /* The clock may have gone on between the two. */
        outcome.view.ctime = 0;
        outcome.view.stime = outcome.view.stime != 0;
        outcome.view.rtime = outcome.view.rtime != 0;
        MUST(msgctl(queue, IPC_RMID, NULL));
        return outcome;
}

TEST(sub_calls_do_what_the_direct_calls_do, VERIFIES(compat32_ipc_mux_all_subcalls), ONE_ROUTE)
{
        static const struct {
                const char *name;
                int (*call)(int queue, key_t key);
        } rows[] = {
                {"msgget of an existing queue", get_it}, {"msgget of it, exclusively", get_exclusively},
                {"msgget of an unknown key", get_unknown}, {"msgget of a new queue", get_new}, {"msgsnd", send},
                {"msgsnd without text", send_nothing}, {"msgsnd of type 0", send_type_0},
                {"msgsnd of a negative type", send_negative_type}, {"msgsnd to no queue", send_to_nobody},
                {"msgsnd from bad memory", send_from_bad_memory}, {"msgsnd of too much", send_too_much},
                {"msgsnd without room", send_without_room},
                {"msgsnd of a negative size", send_negative_size}, {"msgrcv of the first", receive_first},
                {"msgrcv of a type", receive_type}, {"msgrcv of the lowest type", receive_lowest},
                {"msgrcv with LONG_MIN", receive_lowest_of_all}, {"msgrcv with MSG_EXCEPT", receive_other},
                {"msgrcv with MSG_NOERROR", receive_part}, {"msgrcv of nothing", receive_none},
                {"msgrcv of too much", receive_too_much}, {"msgrcv of a negative size", receive_negative_size},
                {"msgrcv from no queue", receive_from_nobody}, {"msgrcv from a negative id", receive_from_negative},
                {"msgrcv into bad memory", receive_into_bad_memory}, {"IPC_SET", ctl_set},
                {"IPC_SET of none", ctl_bad_id}, {"IPC_STAT into bad memory", ctl_bad_memory},
                {"IPC_RMID of none", ctl_remove_none}, {"IPC_INFO", ctl_limits}, {"MSG_INFO", ctl_usage},
                {"no command", ctl_bad_command},
        };

        need_ipc();
        go_by(IPCK_RAW);
        go_by(IPCK_LIBC);
        EACH_ROW(row, rows) {
                const struct outcome direct = call_by(IPCK_RAW, row->call), mux = call_by(IPCK_MUX, row->call);
                EQ(compat32_ipc_mux_all_subcalls, mux.result, direct.result);
                EQ(compat32_ipc_mux_all_subcalls, mux.error, direct.error);
                HOLDS(compat32_ipc_mux_all_subcalls, same_queue_view(&mux.view, &direct.view));
        }
}

/* Version 0 of the sub-call takes msgp and msgtyp by address, version 1 as arguments. */
TEST(both_versions_of_the_receiving_sub_call, VERIFIES(compat32_ipc_mux_all_subcalls), ONE_ROUTE)
{
        struct message message;
        struct {
                void *msgp;
                long msgtyp;
        } pair = {&message, -3};

        need_ipc();
        const int queue = new_queue(0600);
        post(queue, 4, "four");
        post(queue, 3, "three");
        post(queue, 2, "two");
        EQ(compat32_ipc_mux_all_subcalls, MUX(MUX_MSGRCV, queue, 100, 0, &pair, 4), 3);
        HOLDS(compat32_ipc_mux_all_subcalls, message.type == 2 && text_is(&message, 3, "two"));
        EQ(compat32_ipc_mux_all_subcalls, MUX(MUX_MSGRCV | VERSION_1, queue, 100, 0, &message, -3L), 5);
        HOLDS(compat32_ipc_mux_all_subcalls, message.type == 3 && text_is(&message, 5, "three"));
        FAILS_WITH(compat32_ipc_mux_all_subcalls, ENOMSG,
                   MUX(MUX_MSGRCV | VERSION_1, queue, 100, IPC_NOWAIT, &message, 3L));
        FAILS_WITH(compat32_ipc_mux_all_subcalls, E2BIG,
                   MUX(MUX_MSGRCV | VERSION_1, queue, 3, IPC_NOWAIT, &message, 4L));
        EQ(compat32_ipc_mux_all_subcalls, MUX(MUX_MSGRCV | VERSION_1, queue, 3, MSG_NOERROR, &message, 4L), 3);
        HOLDS(compat32_ipc_mux_all_subcalls, message.type == 4 && text_is(&message, 3, "fou"));
        EQ(compat32_ipc_mux_all_subcalls, QNUM(queue), 0);
}

TEST(removal_by_sub_call, VERIFIES(compat32_ipc_mux_all_subcalls), ONE_ROUTE)
{
        need_ipc();
        const int queue = new_queue(0600);
        go_by(IPCK_MUX);
        EQ(compat32_ipc_mux_all_subcalls, msgctl(queue, IPC_RMID, NULL), 0);
        FAILS_WITH(compat32_ipc_mux_all_subcalls, EINVAL, msgctl(queue, IPC_RMID, NULL));
        go_by(IPCK_LIBC);
        FAILS_WITH(compat32_ipc_mux_all_subcalls, EINVAL, take(queue, 0));
}
