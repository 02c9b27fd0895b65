/* SPDX-License-Identifier: MIT
 *
 * caller.c: makes the IPC calls that its arguments name, one after the other, and prints for each its result and errno,
 * which is ERANGE where the call left it alone.
 *
 *      caller semget semop_up thread:ftok fork:ftok signal:ftok pause ..
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int set = -1, queue = -1;
static volatile int read_only = O_RDONLY;
static const char *in_handler;

static long operate(short by, bool timed)
{
        struct sembuf op = {.sem_op = by};
        const struct timespec longest = {10, 0};

        return timed ? semtimedop(set, &op, 1, &longest) : semop(set, &op, 1);
}

static long get_mode_by_pointer(void)
{
        struct semid_ds ds;

        return semctl(set, 0, IPC_STAT, &ds) == -1 ? -1 : (long)(ds.sem_perm.mode & 0777);
}

/* The value and mode of a new semaphore as one decimal number. */
static long open_semaphore(void)
{
        struct stat st;
        int value;
        sem_t *const sem = sem_open("/caller", O_CREAT | O_EXCL, 0640, 7);

        if (sem == SEM_FAILED)
                return -1;
        sem_getvalue(sem, &value);
        stat("/dev/shm/sem.caller", &st);
        return value * 1000 + (long)(st.st_mode & 0777);
}

static long open_queue(void)
{
        struct mq_attr attr = {.mq_maxmsg = 3, .mq_msgsize = 10};
        const mqd_t made = mq_open("/caller", O_RDWR | O_CREAT | O_EXCL, 0600, &attr);

        if (made == (mqd_t)-1)
                return -1;
        mq_getattr(made, &attr);
        return attr.mq_maxmsg;
}

static long receive(void)
{
        struct {
                long type;
                char text[8];
        } message;

        return msgrcv(queue, &message, sizeof(message.text), 0, 0);
}

static long send(void)
{
        const struct {
                long type;
                char text[8];
        } message = {1, "seven"};

        return msgsnd(queue, &message, 7, 0);
}

/* Takes the numbers of what was open for other files. */
static long close_all(void)
{
        for (int fd = 3; fd < 1024; fd++)
                close(fd);
        for (int i = 0; i < 600; i++)
                if (open("/dev/null", O_RDONLY) == -1)
                        return -1;
        errno = ERANGE;
        return 0;
}

static void call(const char *name);

static void *call_in_thread(void *name)
{
        call(name);
        return NULL;
}

static void call_in_handler(int signo)
{
        (void)signo;
        call(in_handler);
}

static long elsewhere(const char *how, const char *name)
{
        pthread_t thread;

        if (strncmp(how, "thread", 6) == 0) {
                pthread_create(&thread, NULL, call_in_thread, (void *)(uintptr_t)name);
                pthread_join(thread, NULL);
        } else if (strncmp(how, "fork", 4) == 0) {
                fflush(stdout);
                const pid_t child = fork();
                if (child == 0) {
                        call(name);
                        exit(0);
                }
                waitpid(child, NULL, 0);
        } else {
                in_handler = name;
                signal(SIGUSR2, call_in_handler);
                raise(SIGUSR2);
        }
        return 0;
}

static long result_of(const char *name)
{
#define IS(text) (strcmp(name, text) == 0)
        char byte;

        return IS("ftok")          ? (ftok("/", 'c') == (key_t)-1 ? -1 : 0)
               : IS("semget")      ? (set = semget(IPC_PRIVATE, 1, 0600)) == -1 ? -1 : 0
               : IS("semop_up")    ? operate(1, false)
               : IS("semop_down")  ? operate(-1, false)
               : IS("semtimedop")  ? operate(-1, true)
               : IS("getval")      ? semctl(set, 0, GETVAL)
               : IS("setval")      ? semctl(set, 0, SETVAL, 5)
               : IS("mode")        ? get_mode_by_pointer()
               : IS("rmid")        ? semctl(set, 0, IPC_RMID)
               : IS("msgget")      ? (queue = msgget(IPC_PRIVATE, 0600)) == -1 ? -1 : 0
               : IS("msgsnd")      ? send()
               : IS("msgrcv")      ? receive()
               : IS("sem_open")    ? open_semaphore()
               : IS("sem_unlink")  ? sem_unlink("/caller")
               : IS("mq_open")     ? open_queue()
               : IS("mq_open_2")   ? (mq_open("/caller", read_only) == (mqd_t)-1 ? -1 : 0)
               : IS("mq_unlink")   ? mq_unlink("/caller")
               : IS("close_all")   ? close_all()
               : IS("pause")       ? read(STDIN_FILENO, &byte, 1)
                                   : -2;
}

static void call(const char *name)
{
        errno = ERANGE;
        const long result = result_of(name);
        const int error = errno;

        printf("%s %ld %s\n", name, result, strerrorname_np(error));
        fflush(stdout);
}

int main(int argc, char **argv)
{
        for (int i = 1; i < argc; i++) {
                const char *const colon = strchr(argv[i], ':');
                if (colon)
                        elsewhere(argv[i], colon + 1);
                else
                        call(argv[i]);
        }
        return 0;
}
