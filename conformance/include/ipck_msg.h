/* SPDX-License-Identifier: MIT
 *
 * ipck_msg.h: System V message queues for tests. After this header msgget, msgsnd, msgrcv and msgctl mean the variant
 * under test (enum ipck_route). (msgsnd)(..) in parentheses is the C library's.
 */
#ifndef IPCK_MSG_H
#define IPCK_MSG_H

#include <sys/msg.h>

#include "ipck_xsi.h"

#undef IPCK_FILE_AVAILABLE
#define IPCK_FILE_AVAILABLE ipck_msg_available

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif
#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY 13
#endif

/* The calls of the running variant; arguments, results and errors as in msgget(2), msgop(2), msgctl(2). buf is a
 * struct msqid_ds, or a struct msginfo for IPC_INFO and MSG_INFO. */
int ipck_msgget(key_t key, int msgflg);
int ipck_msgsnd(int msqid, const void *msgp, size_t msgsz, int msgflg);
ssize_t ipck_msgrcv(int msqid, void *msgp, size_t msgsz, long msgtyp, int msgflg);
int ipck_msgctl(int msqid, int cmd, void *buf);
void ipck_msg_available(void);

#define msgget(...) ipck_msgget(__VA_ARGS__)
#define msgsnd(...) ipck_msgsnd(__VA_ARGS__)
#define msgrcv(...) ipck_msgrcv(__VA_ARGS__)
#define msgctl(...) ipck_msgctl(__VA_ARGS__)

/* A message: room for the default of kernel.msgmax, and no more, which a call may refuse. */
enum { MESSAGE_ROOM = 8192 };
struct message {
        long type;
        unsigned char text[MESSAGE_ROOM];
};

/* ---- set-up that must work (unresolved otherwise) ---- */

int new_queue(int mode);                                        /* IPC_PRIVATE */
int queue_must_fit(int queue);                                  /* MUST(msgget()); UNSUPPORTED beyond the limit */
int new_queue_of(uid_t uid, int mode);                          /* that another user created, see as_user() */
int new_queue_for(size_t qbytes, int mode);                     /* with this msg_qbytes, no more than the default */
struct msqid_ds stat_of_queue(int queue);                       /* IPC_STAT into a structure filled with 0x5a before */
void set_queue_mode(int queue, int mode);                       /* IPC_SET of the mode, by the owner */
void set_queue_owner(int queue, uid_t uid, gid_t gid, int mode); /* IPC_SET of owner and mode, by owner or creator */
void set_queue_bytes(int queue, size_t qbytes);                 /* IPC_SET of msg_qbytes, by the owner */

/* Sends a message of this type and this string without its NUL. */
void post(int queue, long type, const char *text);

/* ---- for verdict arguments: results and errors are those of the call itself ---- */

/* msgsnd() of a message with size bytes of text, filled by fill_pattern() with the type as seed. */
int put(int queue, long type, size_t size, int msgflg);

/* msgrcv() with IPC_NOWAIT and room for any message. The result is the type that was received, or -1. */
long take(int queue, long msgtyp);

/* The same with the message itself, in memory that is filled with 0x5a before; the result is its length, or -1. */
ssize_t take_message(int queue, struct message *message, long msgtyp);

/* Whether message is a string's text, without its NUL, of that length. */
bool text_is(const struct message *message, ssize_t length, const char *text);

/* msgctl(IPC_SET) of the members that it takes over, with 0x5a in all others. */
int queue_set(int queue, uid_t uid, gid_t gid, int mode, size_t qbytes);

/* One member of IPC_STAT, for EQ and UNTIL. */
#define QNUM(queue) (stat_of_queue(queue).msg_qnum)
#define CBYTES(queue) queue_cbytes(queue)
size_t queue_cbytes(int queue);         /* msg_cbytes, whatever the C library calls it */

/* Limits (IPC_INFO) and use (MSG_INFO) of the namespace. */
struct msginfo msg_limits(void);
struct msginfo msg_usage(void);

/* Whether these allow no message of that length. */
bool is_too_long(size_t length);

/* Creates and removes count queues, so that identifiers are no longer small and sequence numbers no longer 0. */
void burn_queue_ids(int count);

/* The lines of /proc/sysvipc/msg in text, but for the header: returns how many there are, most at most. One that has
 * another form gets the identifier -1, which no queue has. */
struct queue_line {
        int key, id;
        unsigned mode;
        unsigned long cbytes, qnum;
        int lspid, lrpid;
        unsigned uid, gid, cuid, cgid;
        long long stime, rtime, ctime;
};
size_t queue_lines(const char *text, struct queue_line *lines, size_t most);

/* Everything that can be seen of a queue, messages not included: for "a failed call changes nothing". */
struct queue_view {
        size_t qnum, cbytes, qbytes;
        pid_t lspid, lrpid;
        unsigned mode;
        uid_t uid, cuid;
        gid_t gid, cgid;
        time_t stime, rtime, ctime;
};
struct queue_view view_of_queue(int queue);
bool same_queue_view(const struct queue_view *a, const struct queue_view *b);

#endif
