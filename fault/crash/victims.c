/* SPDX-License-Identifier: MIT
 *
 * victims.c: what the processes do that are to die. Each makes the C library's own calls: the library with the scenario
 * stands before these. One that is not killed ends with status 1.
 */
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include "crash.h"

const char victims_text[] = "a message that is there whole, or not at ";
_Static_assert(sizeof(victims_text) == VICTIMS_TEXT + 1, "VICTIMS_TEXT");

struct message {
        long type;
        char text[VICTIMS_TEXT];
};

/* A minute is longer than any test. */
static struct timespec far_away(clockid_t clock)
{
        struct timespec t;

        clock_gettime(clock, &t);
        t.tv_sec += 60;
        return t;
}

/* ---- System V ---- */

static void do_msgget(int key)
{
        msgget((key_t)key, IPC_CREAT | 0600);
}

static void do_msgsnd(int queue)
{
        struct message message = {.type = VICTIMS_TYPE};

        memcpy(message.text, victims_text, VICTIMS_TEXT);
        msgsnd(queue, &message, VICTIMS_TEXT, 0);
}

static void do_msgrcv(int queue)
{
        struct message message;

        msgrcv(queue, &message, sizeof(message.text), VICTIMS_TYPE, 0);
}

static void do_msgctl(int queue)
{
        msgctl(queue, IPC_RMID, NULL);
}

static void do_semget(int key)
{
        semget((key_t)key, 2, IPC_CREAT | 0600);
}

static void take(int set, unsigned short number, short flags)
{
        semop(set, &(struct sembuf){number, -1, flags}, 1);
}

static void do_semop(int set)
{
        take(set, 0, 0);
}

static void do_semop_undo(int set)
{
        take(set, 0, SEM_UNDO);
}

/* Holds a unit of the second semaphore, waits until the third is 0, and takes a unit of the first. */
static void hold(int set)
{
        take(set, 1, SEM_UNDO);
        semop(set, &(struct sembuf){.sem_num = 2}, 1);
}

static void do_semop_holding(int set)
{
        hold(set);
        take(set, 0, SEM_UNDO);
}

static void do_semtimedop_holding(int set)
{
        const struct timespec minute = {60, 0};

        hold(set);
        semtimedop(set, &(struct sembuf){0, -1, SEM_UNDO}, 1, &minute);
}

/* Holds a unit of the second semaphore, and sets the first. */
static void do_semctl_setval(int set)
{
        take(set, 1, SEM_UNDO);
        semctl(set, 0, SETVAL, 5);
}

static void do_semctl_rmid(int set)
{
        semctl(set, 0, IPC_RMID);
}

static void do_shmget(int key)
{
        shmget((key_t)key, 4096, IPC_CREAT | 0600);
}

static void do_shmat(int segment)
{
        strcpy(shmat(segment, NULL, 0), victims_text);
        shmat(segment, NULL, 0);
}

static void do_shmdt(int segment)
{
        void *const first = shmat(segment, NULL, 0);

        shmat(segment, NULL, 0);
        shmdt(first);
}

static void do_shmctl(int segment)
{
        shmat(segment, NULL, 0);
        shmctl(segment, IPC_RMID, NULL);
}

/* ---- POSIX ---- */

static void do_shm_open(int unused)
{
        (void)unused;
        shm_open(VICTIMS_OBJECT, O_RDWR | O_CREAT | O_EXCL, 0600);
}

static void do_shm_unlink(int unused)
{
        (void)unused;
        shm_unlink(VICTIMS_OBJECT);
}

static void do_sem_open(int value)
{
        sem_open(VICTIMS_SEM, O_CREAT | O_EXCL, 0600, (unsigned)value);
}

static sem_t *existing(void)
{
        sem_t *const sem = sem_open(VICTIMS_SEM, 0);

        if (sem == SEM_FAILED)
                exit(1);
        return sem;
}

static void do_sem_close(int unused)
{
        (void)unused;
        sem_t *const sem = existing();
        sem_wait(sem);
        sem_close(sem);
}

static void do_sem_unlink(int unused)
{
        (void)unused;
        sem_unlink(VICTIMS_SEM);
}

static void do_sem_post(int unused)
{
        (void)unused;
        sem_post(existing());
}

static void do_sem_wait(int unused)
{
        (void)unused;
        sem_wait(existing());
}

static void do_sem_trywait(int unused)
{
        (void)unused;
        sem_trywait(existing());
}

static void do_sem_timedwait(int unused)
{
        const struct timespec end = far_away(CLOCK_REALTIME);

        (void)unused;
        sem_timedwait(existing(), &end);
}

static void do_sem_clockwait(int unused)
{
        const struct timespec end = far_away(CLOCK_MONOTONIC);

        (void)unused;
        sem_clockwait(existing(), CLOCK_MONOTONIC, &end);
}

static sem_t *in_object(void)
{
        const int object = shm_open(VICTIMS_OBJECT, O_RDWR, 0);
        void *const memory = mmap(NULL, sizeof(sem_t), PROT_READ | PROT_WRITE, MAP_SHARED, object, 0);

        if (memory == MAP_FAILED)
                exit(1);
        return memory;
}

static void do_sem_init(int value)
{
        sem_init(in_object(), 1, (unsigned)value);
}

static void do_sem_destroy(int unused)
{
        (void)unused;
        sem_destroy(in_object());
}

static void do_mq_open(int unused)
{
        struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = VICTIMS_TEXT};

        (void)unused;
        mq_open(VICTIMS_QUEUE, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
}

static mqd_t queue(void)
{
        const mqd_t found = mq_open(VICTIMS_QUEUE, O_RDWR);

        if (found == (mqd_t)-1)
                exit(1);
        return found;
}

static void do_mq_unlink(int unused)
{
        (void)unused;
        mq_unlink(VICTIMS_QUEUE);
}

static void do_mq_send(int unused)
{
        (void)unused;
        mq_send(queue(), victims_text, VICTIMS_TEXT, VICTIMS_PRIORITY);
}

static void do_mq_timedsend(int unused)
{
        const struct timespec end = far_away(CLOCK_REALTIME);

        (void)unused;
        mq_timedsend(queue(), victims_text, VICTIMS_TEXT, VICTIMS_PRIORITY, &end);
}

static void do_mq_receive(int unused)
{
        char text[VICTIMS_TEXT];

        (void)unused;
        mq_receive(queue(), text, sizeof(text), NULL);
}

static void do_mq_timedreceive(int unused)
{
        const struct timespec end = far_away(CLOCK_REALTIME);
        char text[VICTIMS_TEXT];

        (void)unused;
        mq_timedreceive(queue(), text, sizeof(text), NULL, &end);
}

static void do_mq_notify(int unused)
{
        (void)unused;
        mq_notify(queue(), &(struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1});
}

static void do_mq_close(int unused)
{
        (void)unused;
        const mqd_t one = queue();
        mq_notify(one, &(struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1});
        mq_close(one);
}

static void do_mq_setattr(int unused)
{
        (void)unused;
        mq_setattr(queue(), &(struct mq_attr){.mq_flags = O_NONBLOCK}, NULL);
}

#define ACT(name) {#name, do_##name}
static const struct {
        const char *name;
        void (*act)(int object);
} acts[] = {
        ACT(msgget), ACT(msgsnd), ACT(msgrcv), ACT(msgctl), ACT(semget), ACT(semop), ACT(semop_undo), ACT(semop_holding),
        ACT(semtimedop_holding), ACT(semctl_setval), ACT(semctl_rmid), ACT(shmget), ACT(shmat), ACT(shmdt), ACT(shmctl),
        ACT(shm_open), ACT(shm_unlink), ACT(sem_open), ACT(sem_close), ACT(sem_unlink), ACT(sem_post), ACT(sem_wait),
        ACT(sem_trywait), ACT(sem_timedwait), ACT(sem_clockwait), ACT(sem_init), ACT(sem_destroy), ACT(mq_open),
        ACT(mq_unlink), ACT(mq_send), ACT(mq_timedsend), ACT(mq_receive), ACT(mq_timedreceive), ACT(mq_notify),
        ACT(mq_close), ACT(mq_setattr),
};

ROLE(victim)
{
        char name[32];
        int object;

        if (sscanf(arg, "%31s %d", name, &object) == 2)
                for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++)
                        if (strcmp(acts[i].name, name) == 0)
                                acts[i].act(object);
        return 1;
}
