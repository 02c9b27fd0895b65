/* SPDX-License-Identifier: MIT
 *
 * tools.c: what operations are written with.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failnth.h"

long must(const char *what, long result)
{
        if (result == -1)
                undecided("%s: %s", what, strerror(errno));
        return result;
}

void answer(const void *bytes, size_t size)
{
        if (world->answered + size > ANSWER)
                undecided("an answer of %zu bytes is too long", world->answered + size);
        memcpy(world->answer + world->answered, bytes, size);
        world->answered += size;
}

char *pattern(size_t size)
{
        static char bytes[1 << 16];

        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (char)(i * 0x9e3779b1U >> 13 ^ i);
        if (size > sizeof(bytes))
                undecided("a pattern of %zu bytes", size);
        return bytes;
}

void drop_capability(int number)
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct sets[2];

        MUST(syscall(SYS_capget, &header, sets));
        sets[number / 32].effective &= ~(1U << number % 32);
        MUST(syscall(SYS_capset, &header, sets));
}

void limit(int resource, unsigned long value)
{
        MUST(setrlimit(resource, &(struct rlimit){value, value}));
}

void write_text(const char *path, const char *text)
{
        const int file = open(path, O_WRONLY | O_CLOEXEC);

        if (file == -1)
                undecided("%s: %s", path, strerror(errno));
        if (write(file, text, strlen(text)) == -1)
                undecided("%s: %s", path, strerror(errno));
        close(file);
}

long clone_and_end(unsigned long flags)
{
        const long child = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);

        if (child == 0)
                _exit(0);
        if (child == -1)
                return -1;
        while (waitid(P_PID, (id_t)child, NULL, WEXITED) == -1 && errno == EINTR) {
        }
        return 0;
}

struct timespec in_an_hour(void)
{
        struct timespec t;

        clock_gettime(CLOCK_REALTIME, &t);
        t.tv_sec += 3600;
        return t;
}
