/* SPDX-License-Identifier: MIT
 *
 * msg.c: the three routes to the message queue calls, and set-up for message queue tests.
 */
#include <stdio.h>

#include "internal.h"
#include "ipck_msg.h"
#include "ipck_mux.h"

#undef msgget
#undef msgsnd
#undef msgrcv
#undef msgctl

int ipck_msgget(key_t key, int msgflg)
{
        switch (ipck_route) {
        case IPCK_RAW: return (int)syscall(SYS_msgget, key, msgflg);
        case IPCK_MUX: return (int)MUX(MUX_MSGGET, key, msgflg, 0, 0, 0);
        default: return msgget(key, msgflg);
        }
}

int ipck_msgsnd(int msqid, const void *msgp, size_t msgsz, int msgflg)
{
        switch (ipck_route) {
        case IPCK_RAW: return (int)syscall(SYS_msgsnd, msqid, msgp, msgsz, msgflg);
        case IPCK_MUX: return (int)MUX(MUX_MSGSND, msqid, msgsz, msgflg, msgp, 0);
        default: return msgsnd(msqid, msgp, msgsz, msgflg);
        }
}

ssize_t ipck_msgrcv(int msqid, void *msgp, size_t msgsz, long msgtyp, int msgflg)
{
        /* Version 0 of the sub-call takes two of its arguments by address (ipc(2)). */
        struct {
                void *msgp;
                long msgtyp;
        } pair = {msgp, msgtyp};

        switch (ipck_route) {
        case IPCK_RAW: return syscall(SYS_msgrcv, msqid, msgp, msgsz, msgtyp, msgflg);
        case IPCK_MUX: return MUX(MUX_MSGRCV, msqid, msgsz, msgflg, &pair, 0);
        default: return msgrcv(msqid, msgp, msgsz, msgtyp, msgflg);
        }
}

int ipck_msgctl(int msqid, int cmd, void *buf)
{
        switch (ipck_route) {
        case IPCK_RAW: return (int)syscall(SYS_msgctl, msqid, DIRECT_COMMAND(cmd), buf);
        case IPCK_MUX: return (int)MUX(MUX_MSGCTL, msqid, cmd | WITH_IPC_64, 0, buf, 0);
        default: return msgctl(msqid, cmd, buf);
        }
}

void ipck_msg_available(void)
{
        /* A look-up: tests count on a namespace without queues. */
        if (ipck_msgget(1, 0) == -1 && errno == ENOSYS)
                UNSUPPORTED("System V message queues by this route (msgget: ENOSYS)");
        struct msginfo limits;
        /* That IPC_INFO tells of a limit of 0 may be wrong: it is what some test is about. */
        if (ipck_msgctl(0, IPC_INFO, &limits) != -1 && !limits.msgmni)
                MUST(ipck_msgctl(new_queue(0600), IPC_RMID, NULL));
}

/* ---- set-up ---- */

int queue_must_fit(int queue)
{
        if (queue == -1 && errno == ENOSPC) {
                const int most = msg_limits().msgmni;
                if (msg_usage().msgpool >= most)
                        UNSUPPORTED("room for one queue more (kernel.msgmni is %d)", most);
                errno = ENOSPC;
        }
        return (int)MUST(queue);
}

int new_queue(int mode)
{
        return queue_must_fit(ipck_msgget(IPC_PRIVATE, IPC_CREAT | mode));
}

int new_queue_of(uid_t uid, int mode)
{
        int *const queue = shared(sizeof(*queue));
        struct child creator;

        CHILD(&creator) {
                as_user(uid);
                *queue = new_queue(mode);
        }
        join(&creator);
        return *queue;
}

int new_queue_for(size_t qbytes, int mode)
{
        const int queue = new_queue(mode);

        set_queue_bytes(queue, qbytes);
        return queue;
}

struct msqid_ds stat_of_queue(int queue)
{
        struct msqid_ds ds;

        memset(&ds, 0x5a, sizeof(ds));
        MUST(ipck_msgctl(queue, IPC_STAT, &ds));
        return ds;
}

int queue_set(int queue, uid_t uid, gid_t gid, int mode, size_t qbytes)
{
        struct msqid_ds ds;

        memset(&ds, 0x5a, sizeof(ds));
        ds.msg_perm.uid = uid;
        ds.msg_perm.gid = gid;
        ds.msg_perm.mode = (unsigned short)mode;
        ds.msg_qbytes = qbytes;
        return ipck_msgctl(queue, IPC_SET, &ds);
}

/* The owner may be without read permission, and then cannot keep what is there: msg_qbytes becomes the default. */
static size_t present_bytes(int queue)
{
        struct msqid_ds ds;

        return ipck_msgctl(queue, IPC_STAT, &ds) == 0 ? ds.msg_qbytes : (size_t)msg_limits().msgmnb;
}

void set_queue_mode(int queue, int mode)
{
        MUST(queue_set(queue, geteuid(), getegid(), mode, present_bytes(queue)));
}

void set_queue_owner(int queue, uid_t uid, gid_t gid, int mode)
{
        if (queue_set(queue, uid, gid, mode, present_bytes(queue)) == -1) {
                if (errno == EINVAL)
                        UNSUPPORTED("user %u and group %u: not mapped in this user namespace", (unsigned)uid,
                                    (unsigned)gid);
                CANNOT("msgctl(IPC_SET)");
        }
}

void set_queue_bytes(int queue, size_t qbytes)
{
        const struct msqid_ds ds = stat_of_queue(queue);

        MUST(queue_set(queue, ds.msg_perm.uid, ds.msg_perm.gid, ds.msg_perm.mode & 0777, qbytes));
}

void post(int queue, long type, const char *text)
{
        struct message message = {.type = type};

        REQUIRE(strlen(text) <= sizeof(message.text));
        memcpy(message.text, text, strlen(text));
        MUST(ipck_msgsnd(queue, &message, strlen(text), IPC_NOWAIT));
}

int put(int queue, long type, size_t size, int msgflg)
{
        struct message *const message = malloc(sizeof(*message) + size);

        REQUIRE(message);
        message->type = type;
        fill_pattern(message->text, size, (uint32_t)type);
        const int result = ipck_msgsnd(queue, message, size, msgflg), error = errno;
        free(message);
        errno = error;
        return result;
}

ssize_t take_message(int queue, struct message *message, long msgtyp)
{
        memset(message, 0x5a, sizeof(*message));
        return ipck_msgrcv(queue, message, sizeof(message->text), msgtyp, IPC_NOWAIT);
}

long take(int queue, long msgtyp)
{
        struct message message;

        return take_message(queue, &message, msgtyp) == -1 ? -1 : message.type;
}

bool text_is(const struct message *message, ssize_t length, const char *text)
{
        return length == (ssize_t)strlen(text) && memcmp(message->text, text, strlen(text)) == 0;
}

/* ---- what can be seen ---- */

size_t queue_cbytes(int queue)
{
        const struct msqid_ds ds = stat_of_queue(queue);

#ifdef __GLIBC__
        return ds.__msg_cbytes;
#else
        return ds.msg_cbytes;
#endif
}

static struct msginfo info_of(int cmd)
{
        struct msginfo info;

        memset(&info, 0x5a, sizeof(info));
        MUST(ipck_msgctl(0, cmd, &info));
        return info;
}

struct msginfo msg_limits(void)
{
        return info_of(IPC_INFO);
}

struct msginfo msg_usage(void)
{
        return info_of(MSG_INFO);
}

bool is_too_long(size_t length)
{
        const struct msginfo limits = msg_limits();

        return length > (size_t)limits.msgmax || length > (size_t)limits.msgmnb;
}

void burn_queue_ids(int count)
{
        for (int i = 0; i < count; i++)
                MUST(ipck_msgctl(new_queue(0600), IPC_RMID, NULL));
}

size_t queue_lines(const char *text, struct queue_line *lines, size_t most)
{
        const char *next = strchr(text, '\n');
        size_t count = 0;

        while (next && *++next && count < most) {
                struct queue_line *line = &lines[count++];
                if (sscanf(next, "%d %d %o %lu %lu %d %d %u %u %u %u %lld %lld %lld", &line->key, &line->id,
                           &line->mode, &line->cbytes, &line->qnum, &line->lspid, &line->lrpid, &line->uid,
                           &line->gid, &line->cuid, &line->cgid, &line->stime, &line->rtime, &line->ctime) != 14)
                        line->id = -1;
                next = strchr(next, '\n');
        }
        return count;
}

struct queue_view view_of_queue(int queue)
{
        const struct msqid_ds ds = stat_of_queue(queue);
        struct queue_view view;

        memset(&view, 0, sizeof(view));
        view.qnum = ds.msg_qnum;
        view.cbytes = queue_cbytes(queue);
        view.qbytes = ds.msg_qbytes;
        view.lspid = ds.msg_lspid;
        view.lrpid = ds.msg_lrpid;
        view.mode = ds.msg_perm.mode;
        view.uid = ds.msg_perm.uid;
        view.cuid = ds.msg_perm.cuid;
        view.gid = ds.msg_perm.gid;
        view.cgid = ds.msg_perm.cgid;
        view.stime = ds.msg_stime;
        view.rtime = ds.msg_rtime;
        view.ctime = ds.msg_ctime;
        return view;
}

bool same_queue_view(const struct queue_view *a, const struct queue_view *b)
{
        /* Both were zeroed before, padding included. */
        return memcmp(a, b, sizeof(*a)) == 0;
}
