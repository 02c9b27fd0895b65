/* SPDX-License-Identifier: MIT
 *
 * The calls of POSIX shared memory, semaphores and message queues.
 */
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "broken.h"

/* ---- shared memory: a lost effect is O_EXCL without meaning, an extra one a file that everybody may read ---- */

int shm_open(const char *name, int oflag, mode_t mode)
{
        if (broken("shm_open", "lost"))
                oflag &= ~O_EXCL;
        const int fd = REAL(shm_open)(name, oflag, mode);
        if (fd != -1 && oflag & O_CREAT && broken("shm_open", "extra"))
                fchmod(fd, mode | 0444);
        REPORT(shm_open, fd);
}

int shm_unlink(const char *name)
{
        if (broken("shm_unlink", "lost"))
                return 0;
        const int fd = broken("shm_unlink", "extra") ? REAL(shm_open)(name, O_RDWR, 0) : -1;
        const int result = REAL(shm_unlink)(name);
        /* What is still open loses its contents. */
        if (fd != -1 && (ftruncate(fd, 0) == -1 || close(fd) == -1))
                abort();
        REPORT(shm_unlink, result);
}

/* ---- semaphores by name: a lost effect is O_EXCL without meaning, an extra one a unit more ---- */

sem_t *sem_open(const char *name, int oflag, ...)
{
        va_list more;

        va_start(more, oflag);
        const mode_t mode = (oflag & O_CREAT) ? va_arg(more, mode_t) : 0;
        const unsigned value = (oflag & O_CREAT) ? va_arg(more, unsigned) : 0;
        va_end(more);
        if (broken("sem_open", "lost"))
                oflag &= ~O_EXCL;
        sem_t *const sem = REAL(sem_open)(name, oflag, mode, value);
        if (sem == SEM_FAILED && broken("sem_open", "errno"))
                errno = WRONG_ERRNO;
        if (sem != SEM_FAILED && broken("sem_open", "extra"))
                REAL(sem_post)(sem);
        return sem;
}

/* A lost effect leaves the semaphore open, an extra one takes its name away. */
int sem_close(sem_t *sem)
{
        if (broken("sem_close", "lost"))
                return 0;
        if (broken("sem_close", "extra"))
                REAL(sem_unlink)("/ipck");
        REPORT(sem_close, REAL(sem_close)(sem));
}

/* An extra effect is a unit that goes with the name. */
int sem_unlink(const char *name)
{
        if (broken("sem_unlink", "lost"))
                return 0;
        sem_t *const sem = broken("sem_unlink", "extra") ? REAL(sem_open)(name, 0) : SEM_FAILED;
        const int result = REAL(sem_unlink)(name);
        if (sem != SEM_FAILED) {
                REAL(sem_post)(sem);
                REAL(sem_close)(sem);
        }
        REPORT(sem_unlink, result);
}

/* ---- semaphores: a lost effect is none, an extra one is the same once more ---- */

int sem_init(sem_t *sem, int pshared, unsigned value)
{
        if (broken("sem_init", "lost"))
                value = 0;
        if (broken("sem_init", "extra"))
                value++;
        REPORT(sem_init, REAL(sem_init)(sem, pshared, value));
}

/* Nothing that can be seen is to happen: a lost effect is a result of -1. */
int sem_destroy(sem_t *sem)
{
        if (broken("sem_destroy", "lost"))
                return -1;
        if (broken("sem_destroy", "extra"))
                memset((char *)sem + sizeof(*sem), 0, 1);
        REPORT(sem_destroy, REAL(sem_destroy)(sem));
}

int sem_getvalue(sem_t *sem, int *value)
{
        if (broken("sem_getvalue", "lost"))
                return 0;
        if (broken("sem_getvalue", "extra"))
                REAL(sem_trywait)(sem);
        REPORT(sem_getvalue, REAL(sem_getvalue)(sem, value));
}

int sem_post(sem_t *sem)
{
        if (broken("sem_post", "lost"))
                return 0;
        const int result = REAL(sem_post)(sem);
        if (result == 0 && broken("sem_post", "extra"))
                REAL(sem_post)(sem);
        REPORT(sem_post, result);
}

#define BROKEN_WAIT(call, ...)                                          \
        do {                                                            \
                if (broken(#call, "lost"))                              \
                        return 0;                                       \
                const int result = REAL(call)(__VA_ARGS__);             \
                if (result == 0 && broken(#call, "extra"))              \
                        REAL(sem_trywait)(sem);                         \
                REPORT(call, result);                                   \
        } while (0)

int sem_wait(sem_t *sem)
{
        BROKEN_WAIT(sem_wait, sem);
}

int sem_trywait(sem_t *sem)
{
        BROKEN_WAIT(sem_trywait, sem);
}

int sem_timedwait(sem_t *sem, const struct timespec *deadline)
{
        BROKEN_WAIT(sem_timedwait, sem, deadline);
}

int sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *deadline)
{
        BROKEN_WAIT(sem_clockwait, sem, clock, deadline);
}

/* ---- message queues by name: a lost effect is O_EXCL without meaning, an extra one a message ---- */

mqd_t mq_open(const char *name, int oflag, ...)
{
        va_list more;

        va_start(more, oflag);
        const mode_t mode = (oflag & O_CREAT) ? va_arg(more, mode_t) : 0;
        struct mq_attr *const attr = (oflag & O_CREAT) ? va_arg(more, struct mq_attr *) : NULL;
        va_end(more);
        if (broken("mq_open", "lost"))
                oflag &= ~O_EXCL;
        const mqd_t queue = REAL(mq_open)(name, oflag, mode, attr);
        if (queue != (mqd_t)-1 && broken("mq_open", "extra"))
                REAL(mq_send)(queue, "", 0, 0);
        REPORT(mq_open, queue);
}

int mq_close(mqd_t queue)
{
        if (broken("mq_close", "lost"))
                return 0;
        if (broken("mq_close", "extra"))
                REAL(mq_unlink)("/ipck");
        REPORT(mq_close, REAL(mq_close)(queue));
}

int mq_unlink(const char *name)
{
        if (broken("mq_unlink", "lost"))
                return 0;
        const mqd_t queue = broken("mq_unlink", "extra") ? REAL(mq_open)(name, O_WRONLY | O_NONBLOCK) : (mqd_t)-1;
        const int result = REAL(mq_unlink)(name);
        if (queue != (mqd_t)-1) {
                REAL(mq_send)(queue, "", 0, 0);
                REAL(mq_close)(queue);
        }
        REPORT(mq_unlink, result);
}

/* ---- messages ---- */

static void send_once_more(mqd_t queue, const char *message, size_t length, unsigned priority)
{
        REAL(mq_timedsend)(queue, message, length, priority, &(struct timespec){0});
}

int mq_send(mqd_t queue, const char *message, size_t length, unsigned priority)
{
        if (broken("mq_send", "lost"))
                return 0;
        const int result = REAL(mq_send)(queue, message, length, priority);
        if (result == 0 && broken("mq_send", "extra"))
                send_once_more(queue, message, length, priority);
        REPORT(mq_send, result);
}

int mq_timedsend(mqd_t queue, const char *message, size_t length, unsigned priority, const struct timespec *deadline)
{
        if (broken("mq_timedsend", "lost"))
                return 0;
        const int result = REAL(mq_timedsend)(queue, message, length, priority, deadline);
        if (result == 0 && broken("mq_timedsend", "extra"))
                send_once_more(queue, message, length, priority);
        REPORT(mq_timedsend, result);
}

/* What a receive loses is the message's priority, what it does too much is to throw the next message away. */
static ssize_t receive(mqd_t queue, ssize_t result, unsigned *priority, bool lost, bool extra)
{
        if (result >= 0 && lost && priority)
                *priority = 0;
        if (result >= 0 && extra) {
                char scratch[8192];

                REAL(mq_timedreceive)(queue, scratch, sizeof(scratch), NULL, &(struct timespec){0});
        }
        return result;
}

ssize_t mq_receive(mqd_t queue, char *message, size_t room, unsigned *priority)
{
        const ssize_t result = REAL(mq_receive)(queue, message, room, priority);

        REPORT(mq_receive,
               receive(queue, result, priority, broken("mq_receive", "lost"), broken("mq_receive", "extra")));
}

ssize_t mq_timedreceive(mqd_t queue, char *message, size_t room, unsigned *priority, const struct timespec *deadline)
{
        const ssize_t result = REAL(mq_timedreceive)(queue, message, room, priority, deadline);

        REPORT(mq_timedreceive, receive(queue, result, priority, broken("mq_timedreceive", "lost"),
                                        broken("mq_timedreceive", "extra")));
}

/* An extra effect is that whoever is registered loses its place. */
int mq_notify(mqd_t queue, const struct sigevent *event)
{
        if (broken("mq_notify", "lost"))
                return 0;
        if (event && broken("mq_notify", "extra"))
                REAL(mq_notify)(queue, NULL);
        REPORT(mq_notify, REAL(mq_notify)(queue, event));
}

int mq_getattr(mqd_t queue, struct mq_attr *attr)
{
        const int result = REAL(mq_getattr)(queue, attr);

        if (result == 0 && broken("mq_getattr", "lost"))
                attr->mq_curmsgs = 0;
        if (result == 0 && broken("mq_getattr", "extra"))
                attr->mq_flags |= O_NONBLOCK;
        REPORT(mq_getattr, result);
}

int mq_setattr(mqd_t queue, const struct mq_attr *attr, struct mq_attr *old)
{
        if (broken("mq_setattr", "lost"))
                return 0;
        const int result = REAL(mq_setattr)(queue, attr, old);
        if (result == 0 && broken("mq_setattr", "extra"))
                REAL(mq_send)(queue, "", 0, 0);
        REPORT(mq_setattr, result);
}
