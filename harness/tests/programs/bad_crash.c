/* SPDX-License-Identifier: MIT
 *
 * bad_crash.c: calls for LD_PRELOAD that do wrong about processes that die, as BAD says. The victims have a scenario in
 * IPCK_FAULT, the tests themselves have none.
 *
 *      waits_on        who dies in semop(), semtimedop(), mq_send() or mq_timedsend() still waits for it
 *      registered      mq_notify() outlives its caller
 *      shared_flags    mq_setattr() changes the flags of all descriptions
 *      name_stays      mq_unlink() does nothing
 *      cleared         shm_unlink() clears the object
 *      given_back      sem_wait() takes no unit: the death of the caller gives it back
 *      unheard         sem_post() wakes nobody
 *      uncounted       msgctl() tells of no messages
 *      torn            msgsnd() loses the last byte to a null byte
 *      undone          semctl() of the victim has no effect
 *      copied          shmat() of the victim gives a copy
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REAL(call) ((__typeof__(&(call)))dlsym(RTLD_NEXT, #call))
#define MARK "/dev/shm/mark"

static bool bad(const char *what)
{
        const char *const wanted = getenv("BAD");

        return wanted && strcmp(wanted, what) == 0;
}

static bool is_victim(void)
{
        return getenv("IPCK_FAULT") != NULL;
}

/* True in a process of its own, which lives on when the caller is killed; the caller waits for it. */
static bool outlives(void)
{
        const pid_t other = (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);

        if (other > 0)
                waitpid(other, NULL, __WALL);
        return other == 0;
}

static int wait_on(int set, struct sembuf *operations, size_t count, const struct timespec *timeout)
{
        if (bad("waits_on") && is_victim() && operations->sem_num == 0) {
                operations->sem_flg &= (short)~SEM_UNDO;
                if (outlives())
                        _exit(REAL(semop)(set, operations, count));
                return 0;
        }
        return REAL(semtimedop)(set, operations, count, timeout);
}

int semop(int set, struct sembuf *operations, size_t count)
{
        return wait_on(set, operations, count, NULL);
}

int semtimedop(int set, struct sembuf *operations, size_t count, const struct timespec *timeout)
{
        return wait_on(set, operations, count, timeout);
}

/* Whether the message was sent by another, who may still be at it. */
static bool sent_by_other(mqd_t queue, const char *text, size_t size, unsigned priority)
{
        if (!bad("waits_on") || !is_victim())
                return false;
        if (outlives())
                _exit(REAL(mq_send)(queue, text, size, priority));
        return true;
}

int mq_timedsend(mqd_t queue, const char *text, size_t size, unsigned priority, const struct timespec *deadline)
{
        if (sent_by_other(queue, text, size, priority))
                return 0;
        return REAL(mq_timedsend)(queue, text, size, priority, deadline);
}

int mq_send(mqd_t queue, const char *text, size_t size, unsigned priority)
{
        return sent_by_other(queue, text, size, priority) ? 0 : REAL(mq_send)(queue, text, size, priority);
}

int mq_notify(mqd_t queue, const struct sigevent *event)
{
        char byte;
        int ends[2];

        if (!bad("registered") || !is_victim() || pipe(ends) == -1)
                return REAL(mq_notify)(queue, event);
        if (syscall(SYS_clone, 0, NULL, NULL, NULL, NULL) == 0) {
                REAL(mq_notify)(queue, event);
                (void)!write(ends[1], "", 1);
                for (;;)
                        pause();
        }
        return read(ends[0], &byte, 1) == 1 ? 0 : -1;
}

int mq_setattr(mqd_t queue, const struct mq_attr *wanted, struct mq_attr *old)
{
        if (bad("shared_flags"))
                close(open(MARK, O_CREAT | O_RDWR, 0600));
        return REAL(mq_setattr)(queue, wanted, old);
}

int mq_getattr(mqd_t queue, struct mq_attr *attributes)
{
        const int result = REAL(mq_getattr)(queue, attributes);

        if (bad("shared_flags") && access(MARK, F_OK) == 0)
                attributes->mq_flags = O_NONBLOCK;
        return result;
}

int mq_unlink(const char *name)
{
        return bad("name_stays") ? 0 : REAL(mq_unlink)(name);
}

int shm_unlink(const char *name)
{
        static const char zeros[4096];
        const int object = bad("cleared") ? shm_open(name, O_RDWR, 0) : -1;

        if (object != -1) {
                (void)!write(object, zeros, sizeof(zeros));
                close(object);
        }
        return REAL(shm_unlink)(name);
}

int sem_wait(sem_t *sem)
{
        return bad("given_back") && is_victim() ? 0 : REAL(sem_wait)(sem);
}

/* glibc's semaphores of 64-bit machines begin with the value, which waiters look at when they are woken alone. */
int sem_post(sem_t *sem)
{
        if (!bad("unheard"))
                return REAL(sem_post)(sem);
        __atomic_fetch_add((uint32_t *)(void *)sem, 1, __ATOMIC_SEQ_CST);
        return 0;
}

int msgctl(int queue, int command, struct msqid_ds *about)
{
        const int result = REAL(msgctl)(queue, command, about);

        if (bad("uncounted") && command == IPC_STAT && result == 0)
                about->msg_qnum = 0;
        return result;
}

int msgsnd(int queue, const void *message, size_t size, int flags)
{
        if (bad("torn") && size > 0)
                ((char *)message)[sizeof(long) + size - 1] = '\0';
        return REAL(msgsnd)(queue, message, size, flags);
}

int semctl(int set, int number, int command, ...)
{
        va_list more;

        va_start(more, command);
        void *const argument = va_arg(more, void *);    /* or a number; not used where there is none */
        va_end(more);
        return bad("undone") && is_victim() ? 0 : REAL(semctl)(set, number, command, argument);
}

void *shmat(int segment, const void *address, int flags)
{
        void *const memory = REAL(shmat)(segment, address, flags);

        if (!bad("copied") || !is_victim())
                return memory;
        return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
