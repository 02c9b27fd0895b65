/* SPDX-License-Identifier: MIT
 *
 * System V message queues.
 */
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "operations.h"

#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY 13
#endif
#ifndef MSG_COPY
#define MSG_COPY 040000
#endif
#ifndef MSG_EXCEPT
#define MSG_EXCEPT 020000
#endif

enum { KEY = 0x1234, SHORT = 20, LONG = 8100 };        /* a text of three pieces: DATALEN_MSG and twice DATALEN_SEG */

struct message {
        long type;
        char text[LONG];
};

static int queue, other;
static struct message message;

static long send(long type, size_t size, int flags)
{
        message.type = type;
        memcpy(message.text, pattern(size), size);
        return msgsnd(queue, &message, size, flags);
}

static long receive(size_t size, long type, int flags)
{
        memset(&message, 0, sizeof(message));
        const long n = msgrcv(queue, &message, size, type, flags);
        if (n != -1)
                ANSWER_OF(message);
        return n;
}

/* ---- states ---- */

static void empty_queue(void)
{
        queue = (int)MUST(msgget(KEY, IPC_CREAT | 0600));
        other = (int)MUST(msgget(IPC_PRIVATE, 0600));
}

static void some_messages(void)
{
        empty_queue();
        MUST(send(3, LONG, 0));
        MUST(send(1, SHORT, 0));
        MUST(send(2, 0, 0));
}

static void set_room(unsigned long bytes)
{
        struct msqid_ds ds;

        MUST(msgctl(queue, IPC_STAT, &ds));
        ds.msg_qbytes = bytes;
        MUST(msgctl(queue, IPC_SET, &ds));
}

static void full_queue(void)
{
        empty_queue();
        set_room(SHORT);
        MUST(send(1, SHORT, 0));
}

static long send_short(void)
{
        return send(7, SHORT, 0);
}

static long send_pages(void)
{
        return send(7, LONG, 0);
}

static long receive_any(void)
{
        return msgrcv(queue, &message, LONG, 0, 0);
}

static long receive_type_7(void)
{
        return msgrcv(queue, &message, LONG, 7, 0);
}

static long receive_too_short(void)
{
        return msgrcv(queue, &message, 1, 7, 0);
}

static void receiver_waits(void)
{
        empty_queue();
        blocked(receive_type_7);
}

static void receivers_wait(void)
{
        empty_queue();
        blocked(receive_too_short);
        blocked(receive_any);
        blocked(receive_type_7);
}

static void senders_wait(void)
{
        full_queue();
        blocked(send_short);
        blocked(send_short);
}

static void senders_and_receiver_wait(void)
{
        static const char path[] = "/proc/sys/kernel/msgmnb";

        write_text(path, "65536");
        full_queue();
        blocked(send_short);
        blocked(receive_type_7);
}

static void many_queues(void)
{
        empty_queue();
        for (int i = 0; i < 40; i++)
                MUST(msgget(IPC_PRIVATE, 0600));
        MUST(send(1, SHORT, 0));
}

/* ---- calls ---- */

static long create(void)
{
        return msgget(KEY, IPC_CREAT | IPC_EXCL | 0640);
}

static long create_private(void)
{
        return msgget(IPC_PRIVATE, 0600);
}

static long open_queue(void)
{
        return msgget(KEY, 0600);
}

static long send_nothing(void)
{
        return send(4, 0, 0);
}

static long send_without_wait(void)
{
        return send(1, SHORT, IPC_NOWAIT);
}

static long receive_first(void)
{
        return receive(LONG, 0, 0);
}

static long receive_short(void)
{
        return receive(SHORT, 1, 0);
}

static long receive_cut(void)
{
        return receive(100, 3, MSG_NOERROR);
}

static long receive_other(void)
{
        return receive(LONG, 3, MSG_EXCEPT);
}

static long receive_least(void)
{
        return receive(LONG, -3, 0);
}

static long receive_without_wait(void)
{
        return receive(LONG, 9, IPC_NOWAIT);
}

static long copy(void)
{
        return receive(LONG, 0, MSG_COPY | IPC_NOWAIT);
}

static long ask(int id, int command)
{
        struct msqid_ds ds;

        memset(&ds, 0, sizeof(ds));
        const long result = msgctl(id, command, &ds);
        if (result != -1) {
                ANSWER_OF(ds.msg_qnum);
                ANSWER_OF(ds.msg_qbytes);
                ANSWER_OF(ds.msg_perm.mode);
        }
        return result;
}

static long stat_queue(void)
{
        return ask(queue, IPC_STAT);
}

static long stat_index(void)
{
        return ask(0, MSG_STAT);
}

static long stat_any(void)
{
        return ask(0, MSG_STAT_ANY);
}

static long info(int command)
{
        struct msginfo limits;

        memset(&limits, 0, sizeof(limits));
        const long result = msgctl(0, command, (struct msqid_ds *)&limits);
        if (result != -1)
                ANSWER_OF(limits);
        return result;
}

static long limits_info(void)
{
        return info(IPC_INFO);
}

static long usage_info(void)
{
        return info(MSG_INFO);
}

static long set_queue(void)
{
        struct msqid_ds ds;

        memset(&ds, 0, sizeof(ds));
        ds.msg_perm.uid = 0;
        ds.msg_perm.gid = 5;
        ds.msg_perm.mode = 0644;
        ds.msg_qbytes = 2 * SHORT;
        return msgctl(queue, IPC_SET, &ds);
}

static long remove_queue(void)
{
        return msgctl(queue, IPC_RMID, NULL);
}

static const struct operation operations[] = {
        OPERATION("msgget.create", NULL, NULL, create),
        OPERATION("msgget.create-private", many_queues, NULL, create_private),
        OPERATION("msgget.open", many_queues, NULL, open_queue),
        OPERATION("msgsnd.short", empty_queue, NULL, send_short),
        OPERATION("msgsnd.nothing", empty_queue, NULL, send_nothing),
        OPERATION("msgsnd.pages", some_messages, NULL, send_pages),
        OPERATION("msgsnd.to-receiver", receiver_waits, NULL, send_pages),
        OPERATION("msgsnd.to-one-of-receivers", receivers_wait, NULL, send_short),
        OPERATION("msgsnd.full-nowait", full_queue, NULL, send_without_wait),
        OPERATION("msgsnd.full-behind-senders", senders_wait, NULL, send_without_wait),
        OPERATION("msgrcv.first", some_messages, NULL, receive_first),
        OPERATION("msgrcv.type", some_messages, NULL, receive_short),
        OPERATION("msgrcv.cut", some_messages, NULL, receive_cut),
        OPERATION("msgrcv.except", some_messages, NULL, receive_other),
        OPERATION("msgrcv.least", some_messages, NULL, receive_least),
        OPERATION("msgrcv.wakes-senders", senders_wait, NULL, receive_short),
        OPERATION("msgrcv.empty-nowait", some_messages, NULL, receive_without_wait),
        OPERATION("msgrcv.copy", some_messages, NULL, copy),
        OPERATION("msgctl.stat", senders_wait, NULL, stat_queue),
        OPERATION("msgctl.stat-index", some_messages, NULL, stat_index),
        OPERATION("msgctl.stat-any", some_messages, NULL, stat_any),
        OPERATION("msgctl.ipc-info", some_messages, NULL, limits_info),
        OPERATION("msgctl.msg-info", some_messages, NULL, usage_info),
        OPERATION("msgctl.set", some_messages, NULL, set_queue),
        OPERATION("msgctl.set-with-waiters", senders_and_receiver_wait, NULL, set_queue),
        OPERATION("msgctl.remove", some_messages, NULL, remove_queue),
        OPERATION("msgctl.remove-with-waiters", senders_and_receiver_wait, NULL, remove_queue),
};
const struct family msg_family = FAMILY(operations);
