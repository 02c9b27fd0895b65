/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apart.h"

_Noreturn void refuse(const char *what)
{
        fprintf(stderr, "ipck-apart: %s: %s\n", what, strerror(errno));
        exit(2);
}

static void map(const char *path, unsigned id)
{
        char line[64];
        const int file = open(path, O_WRONLY | O_CLOEXEC);
        const int length = snprintf(line, sizeof(line), "0 %u 1", id);

        if (file == -1 || write(file, line, (size_t)length) != length)
                refuse(path);
        close(file);
}

static void become_root(void)
{
        const uid_t user = geteuid();
        const gid_t group = getegid();

        if (user == 0)
                return;
        if (unshare(CLONE_NEWUSER) == -1)
                refuse("a user namespace");
        const int groups = open("/proc/self/setgroups", O_WRONLY | O_CLOEXEC);
        if (groups != -1 && write(groups, "deny", 4) != 4)
                refuse("/proc/self/setgroups");
        close(groups);
        map("/proc/self/uid_map", user);
        map("/proc/self/gid_map", group);
}

static void mount_or_refuse(const char *type, const char *place, const char *options)
{
        if (mount(type, place, type, MS_NOSUID | MS_NODEV, options) == -1)
                refuse(place);
}

/* The folder of this program; before /tmp, where it may be, is covered. */
static int own_folder(void)
{
        char path[4096] = "";

        if (readlink("/proc/self/exe", path, sizeof(path) - 1) == -1)
                refuse("/proc/self/exe");
        *strrchr(path, '/') = '\0';
        const int folder = open(path, O_PATH | O_CLOEXEC);
        if (folder == -1)
                refuse(path);
        return folder;
}

static void bind_folder(int folder, const char *place)
{
        char path[64];

        snprintf(path, sizeof(path), "/proc/self/fd/%d", folder);
        if (mkdir(place, 0755) == -1 || mount(path, place, NULL, MS_BIND, NULL) == -1)
                refuse(place);
        close(folder);
}

static void furnish(void)
{
        const int folder = own_folder();

        mount_or_refuse("proc", "/proc", NULL);
        mount_or_refuse("tmpfs", "/dev/shm", "mode=1777");
        mount_or_refuse("tmpfs", "/tmp", "mode=1777");
        if (mkdir(OWN, 0711) == -1 || mkdir(OWN "/mqueue", 0755) == -1)
                refuse(OWN);
        mount_or_refuse("mqueue", OWN "/mqueue", NULL);
        bind_folder(folder, OWN "/build");
        if (chdir("/tmp") == -1)
                refuse("/tmp");
}

static _Noreturn void wait_outside(pid_t first)
{
        int status;

        while (waitpid(first, &status, 0) == -1)
                if (errno != EINTR)
                        refuse("waitpid");
        exit(WIFEXITED(status) ? WEXITSTATUS(status) : 2);
}

void enter_world(void)
{
        become_root();
        if (unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWPID) == -1)
                refuse("namespaces");
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
                refuse("private mounts");
        const pid_t first = fork();
        if (first == -1)
                refuse("fork");
        if (first != 0)
                wait_outside(first);
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        furnish();
}
