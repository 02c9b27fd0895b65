/* SPDX-License-Identifier: MIT
 *
 * Tests that a kernel would complain of: they write what it would say into the files that LOG and LEAKS name.
 * harness/tests/test_watch.py says what is expected of each.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "ipck_sem.h"

#undef IPCK_FILE_ROUTES
#define IPCK_FILE_ROUTES 0

__attribute__((format(printf, 2, 3))) static void say(const char *where, const char *format, ...)
{
        const int fd = open(getenv(where), O_WRONLY | O_APPEND);
        va_list arguments;

        va_start(arguments, format);
        vdprintf(fd, format, arguments);
        va_end(arguments);
        close(fd);
}

/* A record of /dev/kmsg. */
static void log_line(const char *text)
{
        say("LOG", "4,77,123456,-;%s\n", text);
}

TEST(quiet, VERIFIES(semop_ret_zero))
{
        log_line("ipc: nothing to speak of, DEBUG: is no report");
        EQ(semop_ret_zero, 0, 0);
}

TEST(warned, VERIFIES(semop_ret_zero))
{
        log_line("an older line");
        log_line("------------[ cut here ]------------");
        log_line("WARNING: CPU: 0 PID: 5 at ipc/sem.c:77 do_semtimedop+0x1/0x2");
        say("LOG", " SUBSYSTEM=none\n");
        log_line("\\x0aCall Trace:\\x0a");
        EQ(semop_ret_zero, 0, 0);
}

TEST(warned_and_wrong, VERIFIES(semop_ret_zero))
{
        log_line("BUG: KASAN: slab-out-of-bounds in do_shmat+0x1/0x2");
        EQ(semop_ret_zero, 1, 0);
}

TEST(warned_and_skipped, VERIFIES(semop_ret_zero))
{
        log_line("UBSAN: array-index-out-of-bounds in ipc/msg.c:5:6");
        UNSUPPORTED("a machine of another kind");
}

/* Whoever listens there learns the number that this process has for the kernel, and writes that it lost memory. */
TEST(lost_memory, VERIFIES(semop_ret_zero))
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        char byte;

        snprintf(address.sun_path, sizeof(address.sun_path), "%s", getenv("LOSER"));
        MUST(connect(fd, (struct sockaddr *)&address, sizeof(address)));
        EQ(semop_ret_zero, read(fd, &byte, 1), 0);
}

TEST(lost_by_nobody, VERIFIES(semop_ret_zero))
{
        say("LEAKS", "unreferenced object 0xdead (size 8):\n  comm \"kworker\", pid 2, jiffies 1\n");
        EQ(semop_ret_zero, 0, 0);
}
