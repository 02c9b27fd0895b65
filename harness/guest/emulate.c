/* SPDX-License-Identifier: MIT
 *
 * emulate.c: emulate EMULATOR PROGRAM [ARGUMENT]...: runs a program of another machine under an emulator, in namespaces in
 * which the kernel itself starts such programs by the emulator (binfmt_misc, since Linux 6.7 one in each user namespace).
 * So a program that starts itself anew runs there as anywhere, and nothing is registered for the rest of this machine.
 *
 * Users keep their identity: root, for whom all are mapped to themselves; another user is root there. Where there is no
 * such namespace the program runs without one; what needs it then says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HEADER = 20, CUT_SHORT = 128 };

static bool put(const char *path, const char *text)
{
        const size_t size = strlen(text);
        const int fd = open(path, O_WRONLY | O_CLOEXEC);
        const bool done = fd != -1 && write(fd, text, size) == (ssize_t)size;
        const int error = errno;

        close(fd);
        errno = error;
        return done;
}

/* Maps what the namespace of this process has to itself, by FILE (uid_map, gid_map) of the process. */
static bool map_all(pid_t pid, const char *file)
{
        char path[64], line[96], map[1024] = "";
        size_t used = 0;

        snprintf(path, sizeof(path), "/proc/self/%s", file);
        FILE *own = fopen(path, "re");
        while (own && fgets(line, sizeof(line), own)) {
                unsigned first, outside, count;
                if (sscanf(line, "%u %u %u", &first, &outside, &count) == 3 && used < sizeof(map) - sizeof(line))
                        used += (size_t)sprintf(map + used, "%u %u %u\n", first, first, count);
        }
        if (own)
                fclose(own);
        snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
        return put(path, map);
}

static bool map_one(pid_t pid, const char *file, unsigned id)
{
        char path[64], map[32];

        snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
        snprintf(map, sizeof(map), "0 %u 1", id);
        return put(path, map);
}

static bool map_users(pid_t pid)
{
        char path[64];

        if (geteuid() == 0)
                return map_all(pid, "uid_map") && map_all(pid, "gid_map");
        snprintf(path, sizeof(path), "/proc/%d/setgroups", pid);
        return put(path, "deny") && map_one(pid, "uid_map", geteuid()) && map_one(pid, "gid_map", getegid());
}

/* Enters the namespaces; their process 1 comes with the next fork(). A child that stays outside maps the users. */
static bool enter_namespaces(void)
{
        const pid_t inside = getpid();
        int entered[2], status = -1;
        char byte;

        if (pipe2(entered, O_CLOEXEC) == -1)
                return false;
        const pid_t mapper = fork();
        if (mapper == 0) {
                close(entered[1]);
                _exit(read(entered[0], &byte, 1) == 1 && map_users(inside) ? 0 : 1);
        }
        close(entered[0]);
        const bool done = mapper != -1 && unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID) == 0 &&
                          write(entered[1], "", 1) == 1;
        const int error = errno;
        close(entered[1]);
        if (mapper != -1)
                waitpid(mapper, &status, 0);
        errno = error;
        if (done && status != 0) {
                fprintf(stderr, "ipck: emulate: the users of a new user namespace cannot be mapped\n");
                exit(2);
        }
        return done;
}

/* Register the emulator for programs that begin like this one: same class, byte order, kind and machine. The kernel
 * opens it here and now (F), so that it is found from any root directory. */
static bool register_emulator(const char *emulator, const char *program)
{
        static const unsigned char mask[HEADER] = {
                [0] = 0xff, [1] = 0xff, [2] = 0xff, [3] = 0xff, [4] = 0xff, [5] = 0xff, [6] = 0xff,
                [16] = 0xff, [17] = 0xff, [18] = 0xff, [19] = 0xff,
        };
        unsigned char header[HEADER];
        char rule[1024];
        const int fd = open(program, O_RDONLY | O_CLOEXEC);

        if (fd == -1 || read(fd, header, sizeof(header)) != (ssize_t)sizeof(header))
                return false;
        close(fd);
        int used = sprintf(rule, ":ipck:M::");
        for (int i = 0; i < HEADER; i++)
                used += sprintf(rule + used, "\\x%02x", header[i]);
        used += sprintf(rule + used, ":");
        for (int i = 0; i < HEADER; i++)
                used += sprintf(rule + used, "\\x%02x", mask[i]);
        if (snprintf(rule + used, sizeof(rule) - (size_t)used, ":%s:F", emulator) >= (int)sizeof(rule) - used)
                return false;
        return mount("binfmt_misc", "/proc/sys/fs/binfmt_misc", "binfmt_misc", 0, NULL) == 0 &&
               put("/proc/sys/fs/binfmt_misc/register", rule);
}

/* How a child ended, as the status of this process. */
static int status_of(int status)
{
        return WIFEXITED(status) ? WEXITSTATUS(status) : CUT_SHORT + WTERMSIG(status);
}

/* Waits for the child, and for whatever else this process inherits; returns in the child. */
static void be_parent_of_the_rest(void)
{
        int status;
        pid_t ended;
        const pid_t child = fork();

        if (child == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                return;
        }
        while ((ended = wait(&status)) != child)
                if (ended == -1 && errno != EINTR)
                        _exit(2);
        const int code = status_of(status);
        if (code > CUT_SHORT && getpid() != 1) {
                signal(code - CUT_SHORT, SIG_DFL);
                raise(code - CUT_SHORT);
        }
        _exit(code);
}

int main(int argc, char **argv)
{
        if (argc < 3) {
                fprintf(stderr, "usage: %s EMULATOR PROGRAM [ARGUMENT]...\n", argv[0]);
                return 2;
        }
        if (enter_namespaces()) {
                be_parent_of_the_rest();        /* outside, tells how it ended */
                be_parent_of_the_rest();        /* process 1 */
                mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
                if (!register_emulator(argv[1], argv[2]))
                        fprintf(stderr, "ipck: emulate: binfmt_misc in a user namespace: %s\n", strerror(errno));
        } else {
                fprintf(stderr, "ipck: emulate: a user namespace: %s\n", strerror(errno));
        }
        execv(argv[1], argv + 1);
        fprintf(stderr, "ipck: emulate: %s: %s\n", argv[1], strerror(errno));
        return 2;
}
