/* SPDX-License-Identifier: MIT
 *
 * semops.c: makes the calls that its arguments name and prints what each returned, an errno as a negative number.
 *
 *      post            semop() by +1, and the value after it
 *      timed           the same by semtimedop() with a time
 *      wait            semop() by -1, with a handler for SIGUSR1
 *      thread          post, in a thread of its own
 *      exec            the arguments behind it, in a new image
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/sem.h>
#include <time.h>
#include <unistd.h>

static int set;

static void nothing(int number)
{
        (void)number;
}

static void operate(short by, const struct timespec *timeout)
{
        struct sembuf operation = {0, by, 0};
        const int result = timeout ? semtimedop(set, &operation, 1, timeout) : semop(set, &operation, 1);

        printf("%d %d\n", result == -1 ? -errno : result, semctl(set, 0, GETVAL));
        fflush(stdout);
}

static void *post(void *unused)
{
        operate(1, NULL);
        return unused;
}

int main(int argc, char **argv)
{
        pthread_t thread;

        if (unshare(CLONE_NEWIPC) == -1 && unshare(CLONE_NEWUSER | CLONE_NEWIPC) == -1)
                return 77;
        set = semget(IPC_PRIVATE, 1, 0600);
        signal(SIGUSR1, nothing);
        for (int i = 1; i < argc; i++) {
                if (strcmp(argv[i], "post") == 0)
                        operate(1, NULL);
                else if (strcmp(argv[i], "timed") == 0)
                        operate(1, &(struct timespec){1, 0});
                else if (strcmp(argv[i], "wait") == 0)
                        operate(-1, NULL);
                else if (strcmp(argv[i], "exec") == 0)
                        execv(argv[0], (argv[i] = argv[0], &argv[i]));
                else if (pthread_create(&thread, NULL, post, NULL) != 0 || pthread_join(thread, NULL) != 0)
                        return 1;
        }
        return 0;
}
