/* SPDX-License-Identifier: MIT
 *
 * init.c: the first process of a kernel that is booted to be judged. It runs the test program and relays its JSON lines to
 * the device that carries results, apart from the console, which is the kernel's.
 *
 * The kernel passes what stands on its command line as NAME=VALUE:
 *   ipck_results=ttyS1    the device in /dev for the results
 *   ipck_end=poweroff     how the machine is left: reboot (QEMU with -no-reboot ends then) or poweroff
 *   ipck_counters=LIST    which of a kernel's counters are sent (conformance/lib/counters.h): at "boot" those of the
 *                         time before the program, at "exit" those up to its end
 * /ipck/arguments holds the program's arguments, one a line, /ipck/select its standard input.
 *
 * Beside the program's own lines it sends
 *   {"type":"alive"}                    every second in which there was nothing else: a hung test is not a hung kernel
 *   {"type":"left","how":"..."}         at the end, empty for an exit status of 0 to 2
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "../../conformance/lib/counters.h"

#define PROGRAM "/ipck/ipck-tests"
enum { MOST_ARGUMENTS = 256 };

static void leave(void)
{
        const char *end = getenv("ipck_end");

        sync();
        reboot(end && strcmp(end, "poweroff") == 0 ? RB_POWER_OFF : RB_AUTOBOOT);
        _exit(2);
}

/* Tells the console and ends the machine. */
__attribute__((format(printf, 1, 2), noreturn)) static void give_up(const char *format, ...)
{
        va_list arguments;

        fputs("ipck: ", stderr);
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fprintf(stderr, ": %s\n", strerror(errno));
        leave();
        _exit(2);
}

/* What a system has; the tests say themselves what they miss where a kernel lacks one of them. */
static void mount_all(void)
{
        static const struct {
                const char *type, *place, *options;
                unsigned long flags;
        } mounts[] = {
                {"proc", "/proc", "", MS_NOSUID | MS_NODEV | MS_NOEXEC},
                {"sysfs", "/sys", "", MS_NOSUID | MS_NODEV | MS_NOEXEC},
                {"devtmpfs", "/dev", "mode=0755", MS_NOSUID},
                {"tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV},
                {"mqueue", "/dev/mqueue", "", MS_NOSUID | MS_NODEV | MS_NOEXEC},
                {"tmpfs", "/tmp", "mode=1777", MS_NOSUID | MS_NODEV},
        };

        for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
                mkdir(mounts[i].place, 0755);
                if (mount(mounts[i].type, mounts[i].place, mounts[i].type, mounts[i].flags, mounts[i].options) == -1)
                        fprintf(stderr, "ipck: %s: %s\n", mounts[i].place, strerror(errno));
        }
}

/* The device for results, without any translation of bytes. */
static int open_results(void)
{
        const char *name = getenv("ipck_results");
        char path[64];
        struct termios settings;

        snprintf(path, sizeof(path), "/dev/%s", name ? name : "ttyS1");
        const int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (fd == -1)
                give_up("%s", path);
        if (tcgetattr(fd, &settings) == 0) {
                cfmakeraw(&settings);
                cfsetspeed(&settings, B115200);
                tcsetattr(fd, TCSANOW, &settings);
        }
        return fd;
}

static void send(int fd, const char *data, size_t size)
{
        while (size > 0) {
                const ssize_t n = write(fd, data, size);
                if (n == -1 && errno != EINTR)
                        give_up("sending results");
                if (n > 0) {
                        data += n;
                        size -= (size_t)n;
                }
        }
}

static char **command_line(void)
{
        static char *list[MOST_ARGUMENTS + 2] = {(char *)PROGRAM};
        FILE *file = fopen("/ipck/arguments", "re");
        size_t count = 1, room = 0;

        if (!file)
                give_up("/ipck/arguments");
        while (count <= MOST_ARGUMENTS && getline(&list[count], &room, file) > 0) {
                list[count][strcspn(list[count], "\n")] = '\0';
                count++;
                room = 0;
        }
        list[count] = NULL;
        fclose(file);
        return list;
}

static pid_t start(int *out)
{
        int ends[2];
        char **list = command_line();

        if (pipe2(ends, O_CLOEXEC) == -1)
                give_up("pipe");
        const pid_t child = fork();
        if (child == -1)
                give_up("fork");
        if (child == 0) {
                const int in = open("/ipck/select", O_RDONLY | O_CLOEXEC);
                setsid();
                if (in == -1 || dup2(in, STDIN_FILENO) == -1 || dup2(ends[1], STDOUT_FILENO) == -1)
                        _exit(127);
                execv(PROGRAM, list);
                fprintf(stderr, "ipck: " PROGRAM ": %s\n", strerror(errno));
                _exit(127);
        }
        close(ends[1]);
        *out = ends[0];
        return child;
}

static void open_counters(void)
{
        static const char place[] = "/sys/kernel/debug";

        if (!getenv("ipck_counters"))
                return;
        if (mount("debugfs", place, "debugfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") == -1)
                fprintf(stderr, "ipck: %s: %s\n", place, strerror(errno));
        if (ipck_counters_open() == -1)
                fprintf(stderr, "ipck: " IPCK_COUNTERS ": %s\n", strerror(errno));
}

/* Nothing where no counters are wanted. */
static void send_counters(int to, const char *at)
{
        char *text = NULL;
        size_t size = 0;

        if (!getenv("ipck_counters"))
                return;
        FILE *const out = open_memstream(&text, &size);
        if (!out)
                give_up("counters");
        ipck_counters_write(out, at);
        fclose(out);
        send(to, text, size);
        free(text);
}

/* Until the program closes its output; whether its last line came whole. */
static bool relay(int from, int to)
{
        static const char alive[] = "{\"type\":\"alive\"}\n";
        static char buffer[65536];
        bool between_lines = true;
        struct pollfd wanted = {.fd = from, .events = POLLIN};

        for (;;) {
                if (poll(&wanted, 1, 1000) == 0) {
                        if (between_lines)
                                send(to, alive, sizeof(alive) - 1);
                        continue;
                }
                const ssize_t n = read(from, buffer, sizeof(buffer));
                if (n == 0 || (n == -1 && errno != EINTR))
                        return between_lines;
                if (n > 0) {
                        send(to, buffer, (size_t)n);
                        between_lines = buffer[n - 1] == '\n';
                }
        }
}

/* The program's end in words, as a line of its own. */
static void tell_end(int to, int status)
{
        char how[64] = "", line[128];

        if (WIFSIGNALED(status))
                snprintf(how, sizeof(how), "was killed by signal %d", WTERMSIG(status));
        else if (WEXITSTATUS(status) > 2)
                snprintf(how, sizeof(how), "exited with status %d", WEXITSTATUS(status));
        send(to, line, (size_t)snprintf(line, sizeof(line), "{\"type\":\"left\",\"how\":\"%s\"}\n", how));
        tcdrain(to);
}

int main(void)
{
        int out, status = 0;

        mount_all();
        const int console = open("/dev/console", O_RDWR | O_NOCTTY);
        for (int fd = 0; console >= 0 && fd <= STDERR_FILENO; fd++)
                dup2(console, fd);
        if (console > STDERR_FILENO)
                close(console);
        const int results = open_results();
        open_counters();
        send_counters(results, "boot");
        const pid_t child = start(&out);
        const bool between_lines = relay(out, results);
        /* Orphans of the tests come here as well. */
        for (pid_t gone; (gone = wait(&status)) != child;)
                if (gone == -1)
                        give_up("wait");
        if (!between_lines)
                send(results, "\n", 1);
        send_counters(results, "exit");
        tell_end(results, status);
        leave();
}
