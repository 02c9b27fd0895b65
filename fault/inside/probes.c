/* SPDX-License-Identifier: MIT
 *
 * probes.c: the calls, what each needs, and what must hold after it, whether it was made or failed. What else may not
 * change by a call that fails (files, queues, descriptors, mappings) is looked at from outside.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "inside.h"

#define NAME "/probe"

static sem_t *sem;
static mqd_t queue;
static int id;
static char buffer[128];

static struct timespec far_off(void)
{
        struct timespec t;

        clock_gettime(CLOCK_REALTIME, &t);
        t.tv_sec += 3600;
        return t;
}

static void nothing(void)
{
}

/* ---- named semaphores ---- */

/* So that what the library makes once for all is made. */
static void open_another(void)
{
        sem = sem_open("/another", O_CREAT, 0600, 1);
        sem_close(sem);
        sem_unlink("/another");
}

static void create_sem(void)
{
        open_another();
        sem_close(sem_open(NAME, O_CREAT, 0600, 3));
}

static bool is_open(int flags)
{
        sem = sem_open(NAME, flags, 0600, 3);
        return sem != SEM_FAILED;
}

static bool open_new(void)
{
        return is_open(O_CREAT | O_EXCL);
}

static bool open_or_create(void)
{
        return is_open(O_CREAT);
}

static bool open_existing(void)
{
        return is_open(0);
}

static const char *sems_work(bool made)
{
        int value = 0;

        if (made && (sem_getvalue(sem, &value) == -1 || value != 3))
                return "the semaphore has not the value that it was created with";
        sem_unlink(NAME);
        sem_t *const next = sem_open(NAME, O_CREAT | O_EXCL, 0600, 5);
        if (next == SEM_FAILED)
                return "the next sem_open() fails";
        if (sem_getvalue(next, &value) == -1 || value != 5)
                return "the next sem_open() gives a semaphore of another value";
        if (made && next == sem)
                return "the next sem_open() gives the semaphore whose name is gone";
        return sem_close(next) == 0 ? NULL : "the next sem_close() fails";
}

static void open_sem(void)
{
        create_sem();
        sem = sem_open(NAME, 0);
}

static bool close_sem(void)
{
        return sem_close(sem) == 0;
}

static bool unlink_sem(void)
{
        return sem_unlink(NAME) == 0;
}

static const char *other_sems_work(bool made)
{
        (void)made;
        return sems_work(false);
}

static bool init_sem(void)
{
        return sem_init(&shared->sem, 1, 3) == 0;
}

static const char *sem_is_valid(bool made)
{
        int value = 0;

        if (made && (sem_getvalue(&shared->sem, &value) == -1 || value != 3))
                return "the semaphore has not the value that it was created with";
        return NULL;
}

/* ---- waiting: there is a unit as soon as the call makes futex(2) ---- */

static void await(void)
{
        sem_init(&shared->sem, 1, 0);
        shared->waits = true;
}

static bool wait_for_sem(void)
{
        return sem_wait(&shared->sem) == 0;
}

static bool timedwait(void)
{
        const struct timespec deadline = far_off();

        return sem_timedwait(&shared->sem, &deadline) == 0;
}

#ifdef __GLIBC__
static bool clockwait(void)
{
        struct timespec deadline;

        clock_gettime(CLOCK_MONOTONIC, &deadline);
        deadline.tv_sec += 3600;
        return sem_clockwait(&shared->sem, CLOCK_MONOTONIC, &deadline) == 0;
}
#endif

static const char *unit_is_conserved(bool made)
{
        int value = -1;

        if (sem_getvalue(&shared->sem, &value) == -1 || value != !made)
                return made ? "the unit was not taken" : "a call that failed took the unit";
        if (!made && sem_wait(&shared->sem) == -1)
                return "the next sem_wait() fails";
        return sem_trywait(&shared->sem) == -1 && errno == EAGAIN ? NULL : "there is a unit too many";
}

/* ---- shared memory ---- */

static int memory = -1;

static bool open_memory(int flags)
{
        memory = shm_open(NAME, flags, 0600);
        return memory != -1;
}

static bool create_memory(void)
{
        return open_memory(O_CREAT | O_EXCL | O_RDWR);
}

static bool open_existing_memory(void)
{
        return open_memory(O_RDWR);
}

static void have_memory(void)
{
        close(shm_open(NAME, O_CREAT | O_RDWR, 0600));
}

static bool unlink_memory(void)
{
        return shm_unlink(NAME) == 0;
}

static const char *memory_works(bool made)
{
        (void)made;
        shm_unlink(NAME);
        const int next = shm_open(NAME, O_CREAT | O_EXCL | O_RDWR, 0600);
        if (next == -1)
                return "the next shm_open() fails";
        return ftruncate(next, 100) == 0 && shm_unlink(NAME) == 0 ? NULL : "the next object cannot be used";
}

/* ---- message queues ---- */

static const struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = sizeof(buffer)};

static bool open_queue(void)
{
        struct mq_attr wanted = attributes;

        queue = mq_open(NAME, O_CREAT | O_EXCL | O_RDWR, 0600, &wanted);
        return queue != (mqd_t)-1;
}

static void have_queue(void)
{
        open_queue();
}

static bool open_existing_queue(void)
{
        queue = mq_open(NAME, O_RDWR);
        return queue != (mqd_t)-1;
}

static void have_closed_queue(void)
{
        open_queue();
        mq_close(queue);
}

static bool unlink_queue(void)
{
        return mq_unlink(NAME) == 0;
}

static const char *queues_work(bool made)
{
        (void)made;
        mq_unlink(NAME);
        return open_queue() && mq_send(queue, "x", 1, 0) == 0 ? NULL : "the next mq_open() or mq_send() fails";
}

static bool send_now(void)
{
        return mq_send(queue, "a", 1, 1) == 0;
}

static bool send_until(void)
{
        const struct timespec deadline = far_off();

        return mq_timedsend(queue, "a", 1, 1, &deadline) == 0;
}

static const char *one_is_sent(bool made)
{
        struct mq_attr now;

        if (mq_getattr(queue, &now) == -1 || now.mq_curmsgs != made)
                return made ? "the message is not there" : "a call that failed sent the message";
        return mq_send(queue, "b", 1, 0) == 0 ? NULL : "the next mq_send() fails";
}

static void have_message(void)
{
        open_queue();
        mq_send(queue, "a", 1, 1);
}

static bool receive_now(void)
{
        return mq_receive(queue, buffer, sizeof(buffer), NULL) == 1;
}

static bool receive_until(void)
{
        const struct timespec deadline = far_off();

        return mq_timedreceive(queue, buffer, sizeof(buffer), NULL, &deadline) == 1;
}

static const char *one_is_received(bool made)
{
        struct mq_attr now;

        if (mq_getattr(queue, &now) == -1 || now.mq_curmsgs != !made)
                return made ? "the message is still there" : "a call that failed took the message";
        return made || receive_now() ? NULL : "the next mq_receive() fails";
}

static void never_told(union sigval value)
{
        (void)value;
}

static bool ask(int how)
{
        struct sigevent event = {.sigev_notify = how, .sigev_signo = how == SIGEV_SIGNAL ? SIGUSR1 : 0};

        if (how == SIGEV_THREAD)
                event.sigev_notify_function = never_told;
        return mq_notify(queue, &event) == 0;
}

static bool notify_by_signal(void)
{
        return ask(SIGEV_SIGNAL);
}

static bool notify_by_thread(void)
{
        return ask(SIGEV_THREAD);
}

/* glibc's thread stays. Others have one a registration, which closes its socket and ends when it hears of the removal. */
static void await_end_of_threads(void)
{
#ifndef __GLIBC__
        struct stat tasks;

        while (stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink > 3)
                sched_yield();
#endif
}

static void have_notified_queue(void)
{
        open_queue();
        ask(SIGEV_THREAD);
        mq_notify(queue, NULL);
        await_end_of_threads();
}

static const char *can_notify(bool made, int how)
{
        errno = 0;
        if (!made && ask(SIGEV_SIGNAL) == false)
                return errno == EBUSY ? "a call that failed registered the process" : "the next mq_notify() fails";
        if (mq_notify(queue, NULL) == -1)
                return "the next mq_notify(NULL) fails";
        return ask(how) ? NULL : "the same mq_notify() fails from then on";
}

static const char *can_notify_by_signal(bool made)
{
        return can_notify(made, SIGEV_SIGNAL);
}

static const char *can_notify_by_thread(bool made)
{
        return can_notify(made, SIGEV_THREAD);
}

/* ---- System V: a failed call writes nothing ---- */

static void fill(void)
{
        memset(buffer, 0x5a, sizeof(buffer));
}

static bool untouched(void)
{
        for (size_t i = 0; i < sizeof(buffer); i++)
                if (buffer[i] != 0x5a)
                        return false;
        return true;
}

static void have_set(void)
{
        fill();
        id = semget(IPC_PRIVATE, 1, 0600);
}

static void have_sysv_queue(void)
{
        fill();
        id = msgget(IPC_PRIVATE, 0600);
}

static void have_segment(void)
{
        fill();
        id = shmget(IPC_PRIVATE, 100, 0600);
}

_Static_assert(sizeof(struct semid_ds) <= sizeof(buffer) && sizeof(struct msqid_ds) <= sizeof(buffer) &&
                       sizeof(struct shmid_ds) <= sizeof(buffer),
               "what IPC_STAT writes");

static bool stat_set(void)
{
        return semctl(id, 0, IPC_STAT, (void *)buffer) == 0;
}

static bool stat_queue(void)
{
        return msgctl(id, IPC_STAT, (void *)buffer) == 0;
}

static bool stat_segment(void)
{
        return shmctl(id, IPC_STAT, (void *)buffer) == 0;
}

static const char *written(bool made, int next)
{
        if (next == -1)
                return "the next call fails";
        return made != untouched() ? NULL : made ? "nothing is written" : "a call that failed wrote";
}

static const char *set_is_written(bool made)
{
        struct semid_ds about;

        return written(made, semctl(id, 0, IPC_STAT, &about) | semctl(id, 0, IPC_RMID));
}

static const char *queue_is_written(bool made)
{
        struct msqid_ds about;

        return written(made, msgctl(id, IPC_STAT, &about) | msgctl(id, IPC_RMID, NULL));
}

static const char *segment_is_written(bool made)
{
        struct shmid_ds about;

        return written(made, shmctl(id, IPC_STAT, &about) | shmctl(id, IPC_RMID, NULL));
}

/* ---- System V: a failed operation changes nothing ---- */

static void have_unit(void)
{
        have_set();
        semctl(id, 0, SETVAL, 1);
}

static bool take_unit(void)
{
        struct sembuf take = {.sem_op = -1};

        return semop(id, &take, 1) == 0;
}

static bool take_unit_until(void)
{
        struct sembuf take = {.sem_op = -1};
        const struct timespec hour = {.tv_sec = 3600};

        return semtimedop(id, &take, 1, &hour) == 0;
}

static const char *units_are_conserved(bool made)
{
        const int value = semctl(id, 0, GETVAL);
        const bool next = made || take_unit();

        semctl(id, 0, IPC_RMID);
        if (value != !made)
                return made ? "the unit was not taken" : "a call that failed took the unit";
        return next ? NULL : "the next semop() fails";
}

static struct {
        long type;
        char text;
} message;

static bool send_message(void)
{
        message.type = 1;
        return msgsnd(id, &message, 1, 0) == 0;
}

static bool receive_message(void)
{
        return msgrcv(id, &message, 1, 0, 0) == 1;
}

static void have_sysv_message(void)
{
        have_sysv_queue();
        send_message();
}

static long messages(void)
{
        struct msqid_ds about;

        return msgctl(id, IPC_STAT, &about) == 0 ? (long)about.msg_qnum : -1;
}

static const char *message_is_sent(bool made)
{
        const long count = messages();
        const bool next = send_message();

        msgctl(id, IPC_RMID, NULL);
        if (count != made)
                return made ? "the message is not there" : "a call that failed sent the message";
        return next ? NULL : "the next msgsnd() fails";
}

static const char *message_is_received(bool made)
{
        const long count = messages();
        const bool next = made || receive_message();

        msgctl(id, IPC_RMID, NULL);
        if (count != !made)
                return made ? "the message is still there" : "a call that failed took the message";
        return next ? NULL : "the next msgrcv() fails";
}

static bool get_key(void)
{
        return ftok("/", 1) != (key_t)-1;
}

static const char *keys_work(bool made)
{
        (void)made;
        return get_key() ? NULL : "the next ftok() fails";
}

const struct probe probes[] = {
        {"sem_open.create", open_another, open_new, sems_work, NULL},
        {"sem_open.open-or-create", open_another, open_or_create, sems_work, NULL},
        {"sem_open.existing", create_sem, open_existing, sems_work, NULL},
        {"sem_open.open-or-create-existing", create_sem, open_or_create, sems_work, NULL},
        {"sem_open.first", nothing, open_new, sems_work, NULL},
        {"sem_close.last", open_sem, close_sem, other_sems_work, NULL},
        {"sem_unlink.existing", create_sem, unlink_sem, other_sems_work, NULL},
        {"sem_init.shared", nothing, init_sem, sem_is_valid, NULL},
        {"sem_wait.blocked", await, wait_for_sem, unit_is_conserved, NULL},
        {"sem_timedwait.blocked", await, timedwait, unit_is_conserved, NULL},
#ifdef __GLIBC__
        {"sem_clockwait.blocked", await, clockwait, unit_is_conserved, NULL},
#endif
        {"shm_open.create", nothing, create_memory, memory_works, NULL},
        {"shm_open.existing", have_memory, open_existing_memory, memory_works, NULL},
        {"shm_unlink.existing", have_memory, unlink_memory, memory_works, NULL},
        {"mq_open.create", nothing, open_queue, queues_work, NULL},
        {"mq_open.existing", have_closed_queue, open_existing_queue, queues_work, NULL},
        {"mq_unlink.existing", have_closed_queue, unlink_queue, queues_work, NULL},
        {"mq_send.room", have_queue, send_now, one_is_sent, NULL},
        {"mq_timedsend.room", have_queue, send_until, one_is_sent, NULL},
        {"mq_receive.message", have_message, receive_now, one_is_received, NULL},
        {"mq_timedreceive.message", have_message, receive_until, one_is_received, NULL},
        {"mq_notify.signal", have_queue, notify_by_signal, can_notify_by_signal, NULL},
        {"mq_notify.first-thread", have_queue, notify_by_thread, can_notify_by_thread, "descriptor socket:"},
        {"mq_notify.thread", have_notified_queue, notify_by_thread, can_notify_by_thread, NULL},
        {"semop.unit", have_unit, take_unit, units_are_conserved, NULL},
        {"semtimedop.unit", have_unit, take_unit_until, units_are_conserved, NULL},
        {"msgsnd.room", have_sysv_queue, send_message, message_is_sent, NULL},
        {"msgrcv.message", have_sysv_message, receive_message, message_is_received, NULL},
        {"semctl.stat", have_set, stat_set, set_is_written, NULL},
        {"msgctl.stat", have_sysv_queue, stat_queue, queue_is_written, NULL},
        {"shmctl.stat", have_segment, stat_segment, segment_is_written, NULL},
        {"ftok.file", nothing, get_key, keys_work, NULL},
};
const size_t probes_count = sizeof(probes) / sizeof(*probes);
