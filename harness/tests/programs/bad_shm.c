/* SPDX-License-Identifier: MIT
 *
 * bad_shm.c: a shm_open() for LD_PRELOAD that does wrong, as BAD says, when a file cannot be opened.
 *
 *      errno           reports EPROTO
 *      descriptor, file, mapping       leaves one
 *      lock            keeps its lock
 *      success         gives a descriptor of something else
 *      state           takes away the object that was there
 *      crash, hang
 *      again           opens the file again and again: no fault, but more system calls than without
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool bad(const char *what)
{
        const char *const wanted = getenv("BAD");

        return wanted && strcmp(wanted, what) == 0;
}

static int fail(const char *path)
{
        const int error = errno;

        if (bad("descriptor"))
                (void)dup(STDERR_FILENO);
        if (bad("file"))
                close(open("/dev/shm/left", O_CREAT | O_RDWR, 0600));
        if (bad("mapping"))
                mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (bad("success"))
                return open("/dev/null", O_RDWR);
        if (bad("state"))
                unlink(path);
        if (bad("crash"))
                raise(SIGSEGV);
        while (bad("hang"))
                pause();
        errno = bad("errno") ? EPROTO : error;
        return -1;
}

int shm_open(const char *name, int flags, mode_t mode)
{
        char path[300];

        snprintf(path, sizeof(path), "/dev/shm%s", name);
        pthread_mutex_lock(&lock);
        int file = open(path, flags | O_CLOEXEC, mode);
        if (file == -1 && bad("again") && errno != EEXIST)
                file = open(path, flags | O_CLOEXEC, mode);
        if (file == -1)
                file = fail(path);
        if (file != -1 || !bad("lock"))
                pthread_mutex_unlock(&lock);
        return file;
}
