/* SPDX-License-Identifier: MIT
 *
 * ipck_mq.h: POSIX message queues for tests. After this header the mq_ functions mean the variant under test (enum
 * ipck_route): the C library's, or the system calls themselves. (mq_open)(..) in parentheses is the C library's.
 *
 * All queues of a user, in whatever namespace, share one account of bytes (RLIMIT_MSGQUEUE, mq_overview(7)), and many
 * tests run at a time: small queues always fit, a test that makes larger ones calls queue_turn() first.
 */
#ifndef IPCK_MQ_H
#define IPCK_MQ_H

#include <fcntl.h>
#include <mqueue.h>
#include <sys/stat.h>

#include "ipck.h"

#undef IPCK_FILE_ROUTES
#define IPCK_FILE_ROUTES ipck_mq_routes
#undef IPCK_FILE_AVAILABLE
#define IPCK_FILE_AVAILABLE ipck_mq_available

enum { ipck_mq_routes = 1U << IPCK_LIBC | 1U << IPCK_RAW };

/* The calls of the running variant; arguments, results and errors as in mq_open(3) .. mq_unlink(3). The raw system calls
 * get the name without its first slash, as from any C library: a name without one reaches the two differently. */
mqd_t ipck_mq_open(const char *name, int oflag, ...);
int ipck_mq_close(mqd_t queue);
int ipck_mq_unlink(const char *name);
int ipck_mq_send(mqd_t queue, const char *message, size_t length, unsigned priority);
int ipck_mq_timedsend(mqd_t queue, const char *message, size_t length, unsigned priority,
                      const struct timespec *deadline);
ssize_t ipck_mq_receive(mqd_t queue, char *message, size_t room, unsigned *priority);
ssize_t ipck_mq_timedreceive(mqd_t queue, char *message, size_t room, unsigned *priority,
                             const struct timespec *deadline);
int ipck_mq_notify(mqd_t queue, const struct sigevent *event);  /* no SIGEV_THREAD by the system call */
int ipck_mq_getattr(mqd_t queue, struct mq_attr *attr);
int ipck_mq_setattr(mqd_t queue, const struct mq_attr *attr, struct mq_attr *old);
void ipck_mq_available(void);

#define mq_open(...) ipck_mq_open(__VA_ARGS__)
#define mq_close(...) ipck_mq_close(__VA_ARGS__)
#define mq_unlink(...) ipck_mq_unlink(__VA_ARGS__)
#define mq_send(...) ipck_mq_send(__VA_ARGS__)
#define mq_timedsend(...) ipck_mq_timedsend(__VA_ARGS__)
#define mq_receive(...) ipck_mq_receive(__VA_ARGS__)
#define mq_timedreceive(...) ipck_mq_timedreceive(__VA_ARGS__)
#define mq_notify(...) ipck_mq_notify(__VA_ARGS__)
#define mq_getattr(...) ipck_mq_getattr(__VA_ARGS__)
#define mq_setattr(...) ipck_mq_setattr(__VA_ARGS__)

/* A queue of this size is small. Each test has an IPC namespace of its own, so that names cannot collide. */
enum { SMALL_MAXMSG = 4, SMALL_MSGSIZE = 64 };
#define QUEUE_NAME "/ipck"

/* For mq_open() with O_CREAT and without attributes. */
#define NO_ATTR ((struct mq_attr *)NULL)

/* Takes the turn, among all tests that run on the machine, to use much of the account of bytes. */
void queue_turn(void);

/* ---- set-up that must work (unresolved otherwise) ---- */

mqd_t new_mq(const char *name, int oflag, long maxmsg, long msgsize);   /* O_CREAT | O_EXCL | oflag, mode 0600 */
mqd_t mq_must_fit(mqd_t queue);         /* MUST() of a creation; UNSUPPORTED beyond the namespace's limits */
mqd_t small_mq(int oflag);                                              /* QUEUE_NAME, of the small size */
mqd_t mq_of(uid_t uid, const char *name, int mode);     /* small, that another user created: a descriptor of ours */
struct mq_attr attr_of(mqd_t queue);                    /* mq_getattr() into a structure filled with 0x5a before */
void mq_post(mqd_t queue, unsigned priority, const char *text);         /* mq_send() of a string without its NUL */
void fill_mq(mqd_t queue);                              /* sends messages of priority 0 until it is full */

/* How many messages are on the queue. */
long mq_count(mqd_t queue);

/* The owner, group and mode of a queue: fstat() into a structure filled with 0x5a before. */
struct stat mq_stat(mqd_t queue);

/* Descriptors of no queue, for EACH_ROW: numbers that are not open, and other files, all open to read and write as far
 * as they can be, with something to read. */
struct descriptor_row {
        const char *name;
        mqd_t queue;
};
struct no_queues {
        struct descriptor_row closed[3], other[5];
};
struct no_queues no_queues(void);

/* ---- by name ---- */

/* mq_open() of a queue that nobody has yet, with these sizes: O_CREAT | O_EXCL | O_RDWR, mode 0600. */
mqd_t try_mq(const char *name, long maxmsg, long msgsize);

/* Whether a queue has the name, and the removal of a descriptor and the name of its queue. */
bool mq_exists(const char *name);
void remove_mq(mqd_t queue, const char *name);

/* FAILS_WITH(req, err, mq_open(name, ..)) with O_CREAT, and that it left neither a queue nor a descriptor, nor the
 * number of one in use. */
#define CREATES_NOTHING(req, err, name, ...)                                                            \
        do {                                                                                            \
                const int ipck_open = open_descriptors(), ipck_next = next_descriptor();                \
                FAILS_WITH(req, err, mq_open(name, __VA_ARGS__));                                       \
                HOLDS(req, !mq_exists(name));                                                           \
                EQ(req, open_descriptors(), ipck_open);                                                 \
                EQ(req, next_descriptor(), ipck_next);                                                  \
        } while (0)

/* What the process may open the queue for; -1 if there was another error than EACCES, or O_RDWR does not agree. */
enum { MAY_RECEIVE = 4, MAY_SEND = 2 };
int access_to_mq(const char *name);

/* ---- limits ---- */

/* Writes a limit below /proc/sys/fs/mqueue of the namespace; UNSUPPORTED where this user may not. */
void set_mq_limit(const char *name, long value);

/* UNSUPPORTED where the namespace's limits do not allow so many queues at a time, or a queue of that size: for tests that
 * create them without new_mq(). */
void need_mq_limits(long queues, long maxmsg, long msgsize);

/* Without CAP_SYS_RESOURCE, for whom the limits hold; and with it, or UNSUPPORTED. */
void be_limited(void);
void need_privilege(void);

/* User ids of this test alone among all that run on the machine at a time, for n up to 2. */
uid_t lone_user(unsigned n);

/* From here on no other test's queues count for the account of bytes of this process, where users or user namespaces
 * make that possible, and it may take so many. */
void own_account(rlim_t bytes);

/* Mounts the file system of the namespace's queues (mqueue) and returns its directory; UNSUPPORTED where this user may
 * not, or the kernel has none. */
const char *mount_mqueue(void);
const char *mount_mqueue_at(const char *directory);     /* that does not exist yet */

/* The path of a queue's file in such a directory, until the next call. */
const char *mq_file(const char *directory, const char *name);

#endif
