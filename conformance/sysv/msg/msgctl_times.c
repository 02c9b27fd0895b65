/* SPDX-License-Identifier: MIT
 *
 * msg_ctime: IPC_SET sets it, and nothing else that can be done to a queue. It counts whole seconds, so a change shows
 * only when the second has changed since: the tests prepare many queues and wait for all of them at once.
 */
#include "ipck_msg.h"

/* ---- what sets it ---- */

/* A call in a function of its own, for a table. */
#define ACTION(name, call)              \
        static int name(int queue)      \
        {                               \
                return call;            \
        }

ACTION(change_mode, queue_set(queue, geteuid(), getegid(), 0640, stat_of_queue(queue).msg_qbytes))
ACTION(change_bytes, queue_set(queue, geteuid(), getegid(), 0600, 77))
ACTION(change_nothing, queue_set(queue, geteuid(), getegid(), 0600, stat_of_queue(queue).msg_qbytes))

static int give_a_time(int queue)
{
        struct msqid_ds ds = stat_of_queue(queue);

        /* That of buf is not the one. */
        ds.msg_ctime = 12345678;
        return msgctl(queue, IPC_SET, &ds);
}

static const struct action {
        const char *name;
        int (*run)(int queue);
} actions[] = {
        {"another mode", change_mode}, {"another msg_qbytes", change_bytes}, {"the present state", change_nothing},
        {"another msg_ctime in the buffer", give_a_time},
};
enum { ACTIONS = sizeof(actions) / sizeof(*actions) };

TEST(set_stamps_the_queue_with_the_present_second, VERIFIES(msgctl_set_ctime, msgctl_set_others_unchanged),
     MOSTLY_WAITS)
{
        int queues[ACTIONS] = {0};

        EACH_ROW(a, actions) {
                queues[a - actions] = new_queue(0600);
                post(queues[a - actions], 1, "text");
                MUST(take(queues[a - actions], 0));
        }
        /* Late in a second: a stamp rounded up, or to the nearest second, would lie in the future. */
        moment_of_second(now() + 1, 700000000);
        EACH_ROW(a, actions) {
                const int queue = queues[a - actions];
                const struct msqid_ds old = stat_of_queue(queue);
                const time_t before = now();
                EQ(msgctl_set_ctime, a->run(queue), 0);
                const time_t after = now();
                const struct msqid_ds new = stat_of_queue(queue);

                BETWEEN(msgctl_set_ctime, before, new.msg_ctime, after);
                EQ(msgctl_set_others_unchanged, new.msg_stime, old.msg_stime);
                EQ(msgctl_set_others_unchanged, new.msg_rtime, old.msg_rtime);
        }
}

/* ---- what leaves it alone ---- */

struct scene {
        int queue;
        key_t key;
};

#define QUIET(name, call)                       \
        static int name(const struct scene *s)  \
        {                                       \
                return call;                    \
        }

static struct msqid_ds scratch;
static struct message text;

QUIET(read_state, msgctl(s->queue, IPC_STAT, &scratch))
QUIET(send_message, put(s->queue, 2, 5, IPC_NOWAIT))
QUIET(receive_message, (int)take(s->queue, 2))
QUIET(look_up, msgget(s->key, 0600))
QUIET(look_up_with_creat, msgget(s->key, IPC_CREAT | 0640))
QUIET(send_too_much, put(s->queue, 1, 200, IPC_NOWAIT))
QUIET(send_no_type, put(s->queue, 0, 1, IPC_NOWAIT))
QUIET(receive_what_is_not_there, (int)take(s->queue, 9))
QUIET(receive_into_too_little, (int)msgrcv(s->queue, &text, 1, 1, IPC_NOWAIT))
QUIET(create_exclusively, msgget(s->key, IPC_CREAT | IPC_EXCL | 0640))
QUIET(set_no_user, queue_set(s->queue, (uid_t)-1, getegid(), 0640, 77))
QUIET(set_too_many_bytes, queue_set(s->queue, geteuid(), getegid(), 0640, (size_t)msg_limits().msgmnb + 1))
QUIET(unknown_command, msgctl(s->queue, 0x7ff, &scratch))

static const struct quiet {
        const char *name;
        int (*run)(const struct scene *s);
        bool succeeds;
        enum ipck_requirement req;
} quiet[] = {
        {"IPC_STAT", read_state, true, xsi_ipc_time_stat_no_update},
        {"msgget of the key", look_up, true, msgget_lookup_no_reinit},
        {"msgget of the key with IPC_CREAT", look_up_with_creat, true, msgget_lookup_no_reinit},
        {"msgsnd to a full queue", send_too_much, false, xsi_ipc_time_stat_no_update},
        {"msgsnd of type 0", send_no_type, false, xsi_ipc_time_stat_no_update},
        {"msgrcv of another type", receive_what_is_not_there, false, xsi_ipc_time_stat_no_update},
        {"msgrcv with too small a buffer", receive_into_too_little, false, xsi_ipc_time_stat_no_update},
        {"msgget of the key with IPC_EXCL", create_exclusively, false, xsi_ipc_time_stat_no_update},
        {"IPC_SET to no user", set_no_user, false, xsi_ipc_time_stat_no_update},
        {"IPC_SET to more bytes than allowed", set_too_many_bytes, false, xsi_ipc_time_stat_no_update},
        {"unknown command", unknown_command, false, xsi_ipc_time_stat_no_update},
        /* These two stamp the queue, but not with a change: they come last. */
        {"msgsnd", send_message, true, msgctl_stat_all_fields},
        {"msgrcv", receive_message, true, msgctl_stat_all_fields},
};

TEST(operations_and_failures_leave_the_time_of_change,
     VERIFIES(xsi_ipc_time_stat_no_update, msgctl_stat_all_fields, msgget_lookup_no_reinit), MOSTLY_WAITS)
{
        const key_t key = fresh_key();
        const struct scene s = {queue_must_fit(msgget(key, IPC_CREAT | IPC_EXCL | 0640)), key};

        set_queue_bytes(s.queue, 100);
        MUST(put(s.queue, 1, 10, IPC_NOWAIT));
        drop_all_capabilities();
        struct queue_view old = view_of_queue(s.queue);
        const time_t changed = old.ctime;

        next_second(now());
        EACH_ROW(q, quiet) {
                const int result = q->run(&s);
                REQUIRE(q->succeeds ? result >= 0 : result == -1);
                const struct queue_view new = view_of_queue(s.queue);

                EQ(q->req, new.ctime, old.ctime);
                if (q->run != send_message && q->run != receive_message) {
                        EQ(q->req, new.stime, old.stime);
                        EQ(q->req, new.rtime, old.rtime);
                }
                /* What one of them did is not the fault of the next. */
                old = new;
        }
        REQUIRE(view_of_queue(s.queue).rtime > changed);
}
