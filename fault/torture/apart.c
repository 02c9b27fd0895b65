/* SPDX-License-Identifier: MIT
 *
 * ipck-apart: runs three shell scripts one after the other in new PID, IPC and mount namespaces, the second with
 * variables added to its environment, and tells as one JSON object what became of them and what they left behind.
 *
 *      ipck-apart [--user] SECONDS BEFORE RUN AFTER [NAME=VALUE]...
 *
 *      {"before": STEP, "run": STEP, "after": STEP, "found": OBJECTS, "left": OBJECTS, "remains": OBJECTS, "log": [EVENT..]}
 *      STEP    {"status": as in sh(1), "hung": [PROCESS..], "left": [PROCESS..], "out": TEXT, "err": TEXT, "seconds": S}
 *
 * `hung` has the processes that there were after SECONDS, if it took so long; `left` those that outlived the script. Both
 * are then killed. `found`, `left` and `remains` are the objects that there were before and after RUN, and at the end.
 * /tmp, where the scripts start, and /dev/shm are empty at first, but for /tmp/.ipck: `log` is what was written to its
 * file log, and its folder build is that of this program.
 *
 * With --user the scripts run as an ordinary user. Exit status: 0, or 2 when it cannot be done.
 */
#include "apart.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { USER = 65534 };             /* nobody: some programs ask for their name */

static bool as_user;

/* ---- time ---- */

static long long now_ms(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* ---- processes ---- */

static void write_process(FILE *out, const char *pid, bool *first)
{
        char path[300];
        size_t length;

        snprintf(path, sizeof(path), "/proc/%s/cmdline", pid);
        const int file = open(path, O_RDONLY | O_CLOEXEC);
        char *const text = text_of(file, &length);
        close(file);
        for (size_t i = 0; i + 1 < length; i++)
                if (!text[i])
                        text[i] = ' ';
        while (length > 0 && !text[length - 1])
                length--;
        if (length > 0) {
                fputs(*first ? "" : ", ", out);
                write_string(out, text, length);
                *first = false;
        }
        free(text);
}

/* All but process 1 and the dead. */
static void write_processes(FILE *out)
{
        DIR *const folder = opendir("/proc");
        bool first = true;

        if (!folder)
                refuse("/proc");
        for (const struct dirent *entry; (entry = readdir(folder));)
                if (isdigit((unsigned char)entry->d_name[0]) && strcmp(entry->d_name, "1") != 0)
                        write_process(out, entry->d_name, &first);
        closedir(folder);
}

static void kill_all(void)
{
        kill(-1, SIGKILL);
        while (waitpid(-1, NULL, 0) != -1 || errno == EINTR)
                ;
}

/* Whether all processes are gone at that time. Reaps; where one of them is WHICH, its wait status goes to STATUS. */
static bool all_gone(pid_t which, int *status, bool *which_gone)
{
        for (;;) {
                int one;
                const pid_t pid = waitpid(-1, &one, WNOHANG);
                if (pid == which) {
                        *status = one;
                        *which_gone = true;
                }
                if (pid == -1)
                        return true;
                if (pid == 0)
                        return false;
        }
}

static void wait_for_child(const sigset_t *children, long long ms)
{
        const struct timespec rest = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

        sigtimedwait(children, NULL, &rest);
}

/* ---- a step ---- */

static void become_user(void)
{
        if (!as_user)
                return;
        if (setgroups(0, NULL) == 0 && setgid(USER) == 0 && setuid(USER) == 0)
                return;
        if (unshare(CLONE_NEWUSER) == -1)
                refuse("a user namespace");
}

static _Noreturn void be_shell(const char *script, char *const *variables, int out, int err)
{
        sigset_t none;

        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        setpgid(0, 0);
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        become_user();
        for (; *variables; variables++)
                if (putenv(*variables) != 0)
                        _exit(2);
        execl("/bin/sh", "sh", "-c", script, (char *)NULL);
        _exit(127);
}

static void write_file(FILE *out, const char *name, int file)
{
        size_t length;
        char *const text = text_of(file, &length);

        fprintf(out, ", \"%s\": ", name);
        write_string(out, text, length);
        free(text);
        close(file);
}

static int new_file(const char *name)
{
        const int file = memfd_create(name, MFD_CLOEXEC);

        if (file == -1)
                refuse("memfd_create");
        return file;
}

static void step(FILE *report, const char *name, const char *script, char *const *variables, double seconds)
{
        const int out = new_file("out"), err = new_file("err");
        const long long start = now_ms(), deadline = start + (long long)(seconds * 1000);
        bool gone = false;
        int status = 0;
        sigset_t children;

        sigemptyset(&children);
        sigaddset(&children, SIGCHLD);
        sigprocmask(SIG_BLOCK, &children, NULL);
        const pid_t shell = fork();
        if (shell == -1)
                refuse("fork");
        if (shell == 0)
                be_shell(script, variables, out, err);
        while (!all_gone(shell, &status, &gone) && !gone && now_ms() < deadline)
                wait_for_child(&children, deadline - now_ms());
        fprintf(report, "\"%s\": {\"hung\": [", name);
        if (!gone)
                write_processes(report);
        fprintf(report, "], \"left\": [");
        const long long grace = now_ms() + (long long)(seconds * 1000) / 3;     /* daemons may take a while to end */
        bool none = !gone;
        while (!none && !(none = all_gone(shell, &status, &gone)) && now_ms() < grace)
                wait_for_child(&children, grace - now_ms());
        if (!none)
                write_processes(report);
        kill_all();
        fprintf(report, "], \"status\": %d, \"seconds\": %.3f", !gone ? -1 : WIFSIGNALED(status) ? 128 + WTERMSIG(status)
                : WEXITSTATUS(status), (double)(now_ms() - start) / 1000);
        write_file(report, "out", out);
        write_file(report, "err", err);
        fprintf(report, "}");
}

/* ---- the log ---- */

/* All users may write to it, whoever it is that writes first. */
static int open_for_all(const char *path)
{
        const int file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

        if (file == -1 || fchmod(file, 0666) == -1)
                refuse(path);
        return file;
}

static void write_log(FILE *out, int file)
{
        size_t length;
        char *const text = text_of(file, &length);

        fprintf(out, ", \"log\": [");
        for (const char *line = strtok(text, "\n"), *separator = ""; line; line = strtok(NULL, "\n"), separator = ", ")
                fprintf(out, "%s%s", separator, line);
        fprintf(out, "]");
        free(text);
}

int main(int argc, char **argv)
{
        as_user = argc > 1 && strcmp(argv[1], "--user") == 0;
        char **const words = argv + as_user;
        char *end = NULL;
        const double seconds = argc - as_user >= 5 ? strtod(words[1], &end) : 0;

        if (!end || *end || seconds <= 0) {
                fprintf(stderr, "usage: ipck-apart [--user] SECONDS BEFORE RUN AFTER [NAME=VALUE]...\n");
                return 2;
        }
        enter_world();
        const int log = open_for_all(OWN "/log");
        close(open_for_all(OWN "/tree"));
        umask(022);
        FILE *const report = stdout;
        fprintf(report, "{");
        step(report, "before", words[2], (char *[]){NULL}, seconds);
        fprintf(report, ", \"found\": ");
        write_objects(report);
        fprintf(report, ", ");
        step(report, "run", words[3], words + 5, seconds);
        fprintf(report, ", \"left\": ");
        write_objects(report);
        fprintf(report, ", ");
        step(report, "after", words[4], (char *[]){NULL}, seconds);
        fprintf(report, ", \"remains\": ");
        write_objects(report);
        write_log(report, log);
        fprintf(report, "}\n");
        return fflush(report) == 0 ? 0 : 2;
}
