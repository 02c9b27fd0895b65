/* SPDX-License-Identifier: MIT
 *
 * unprotected.c: a race on purpose: adds 1 to the value of a semaphore by reading and setting it.
 *
 *      unprotected new         makes the set, with the value 0
 *      unprotected [COMMAND]   adds 1; COMMAND `thread` does it in a thread, `child` in a child
 *      unprotected wait        takes a unit, of which there is none
 *      unprotected is N        succeeds when the value is N
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEY = 77 };

static void *add(void *set)
{
        const int value = semctl(*(int *)set, 0, GETVAL);

        semctl(*(int *)set, 0, SETVAL, value + 1);
        return NULL;
}

int main(int argc, char **argv)
{
        const char *const command = argc > 1 ? argv[1] : "";
        int set = semget(KEY, 1, strcmp(command, "new") == 0 ? IPC_CREAT | 0600 : 0);
        pthread_t thread;

        if (set == -1)
                return 1;
        if (strcmp(command, "new") == 0)
                return 0;
        if (strcmp(command, "is") == 0)
                return semctl(set, 0, GETVAL) != atoi(argv[2]);
        if (strcmp(command, "wait") == 0)
                return semop(set, &(struct sembuf){0, -1, 0}, 1);
        if (strcmp(command, "thread") == 0)
                return pthread_create(&thread, NULL, add, &set) != 0 || pthread_join(thread, NULL) != 0;
        if (strcmp(command, "child") == 0) {
                if (fork() == 0) {
                        add(&set);
                        _exit(0);
                }
                return wait(NULL) == -1;
        }
        add(&set);
        return 0;
}
