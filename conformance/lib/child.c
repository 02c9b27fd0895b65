/* SPDX-License-Identifier: MIT
 *
 * child.c: processes of a test.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "internal.h"

pid_t ipck_must_fork(struct ipck_here here, const char *call, intptr_t got)
{
        if (got == -1 && errno == EAGAIN) {
                ipck_state->no_room = 1;        /* the runner tries again with fewer tests beside this one */
                ipck_unsupported(here, "room for one more process (%s: EAGAIN)", call);
        }
        return (pid_t)ipck_must(here, call, got);
}

void ipck_start_thread(struct ipck_here here, pthread_t *thread, void *(*body)(void *), void *arg)
{
        errno = pthread_create(thread, NULL, body, arg);
        ipck_must_fork(here, "pthread_create()", errno ? -1 : 0);
}

bool ipck_fork(struct ipck_here here, struct child *c)
{
        unsigned index = atomic_fetch_add(&ipck_state->children, 1);

        if (index >= MAX_CHILDREN) {
                ipck_unresolved(here, "more than %d processes in one test", MAX_CHILDREN);
                ipck_stop();
        }
        c->state = &ipck_state->child[index];
        fflush(NULL);
        const pid_t pid = fork();
        if (pid < 0)
                ipck_must_fork(here, "fork()", pid);
        if (pid == 0) {
                ipck_become(c->state);
                return true;
        }
        /* Only the parent writes it: c may lie in shared memory. */
        c->pid = pid;
        return false;
}

void ipck_child_done(struct child *c)
{
        atomic_store(&c->state->returned, 1);
        fflush(NULL);
        _exit(0);
}

int reap(struct child *c)
{
        int status;

        while (waitpid(c->pid, &status, 0) == -1) {
                if (errno != EINTR) {
                        ipck_unresolved(IPCK_HERE, "waitpid(%d): %s", (int)c->pid, errno_name(errno));
                        ipck_stop();
                }
        }
        /* A child that ended the test did so for all of it. */
        if (ipck_state->stopped)
                ipck_stop();
        return status;
}

void ipck_join(struct ipck_here here, struct child *c)
{
        int status = reap(c);

        if (WIFSIGNALED(status))
                ipck_unresolved(here, "child %d was killed by signal %d (%s)", (int)c->pid, WTERMSIG(status),
                                strsignal(WTERMSIG(status)));
        else if (status != 0)
                ipck_unresolved(here, "child %d ended with status %d", (int)c->pid, WEXITSTATUS(status));
}

void kill_child(struct child *c)
{
        kill(c->pid, SIGKILL);
        reap(c);
}

bool returned(const struct child *c)
{
        return c->state->returned != 0;
}

void here(struct child *c, int n)
{
        atomic_store(&c->state->at, n);
}

int at(const struct child *c)
{
        return c->state->at;
}

void tell(struct child *c, int n)
{
        atomic_store(&c->state->told, n);
        syscall(SYS_futex, &c->state->told, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

void await(struct child *c, int n)
{
        int told;

        while ((told = c->state->told) < n) {
                if (ipck_state->stopped)
                        ipck_stop();
                syscall(SYS_futex, &c->state->told, FUTEX_WAIT, told, NULL, NULL, 0);
        }
}

void stay(struct child *c)
{
        here(c, 1);
        await(c, 1);
}

bool stays(const struct child *c)
{
        return at(c) == 1;
}

void private_proc(void)
{
        if (ipck_state->no_proc)
                UNSUPPORTED("a private /proc, to see the test's processes");
}

bool sleeping(pid_t pid)
{
        char path[64], text[512];

        private_proc();
        snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        if (read_file(path, text, sizeof(text)) <= 0)
                return false;
        const char *state = strrchr(text, ')');
        return state && state[1] == ' ' && state[2] == 'S';
}

/* The threads of a process; 0 where they cannot be listed. */
static size_t threads_of(pid_t pid, pid_t *threads, size_t most)
{
        char path[64];
        const struct dirent *entry;
        size_t count = 0;

        snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
        DIR *const folder = opendir(path);
        if (!folder)
                return 0;
        while (count < most && (entry = readdir(folder)))
                if (*entry->d_name != '.')
                        threads[count++] = (pid_t)atol(entry->d_name);
        closedir(folder);
        return count;
}

/* An emulator has threads and locks of its own: while one of its threads runs, the program's may wait for such a lock. */
static bool all_threads_sleep(pid_t pid)
{
        enum { MOST = 64 };
        pid_t threads[MOST];
        const size_t count = threads_of(pid, threads, MOST);

        for (size_t i = 0; i < count; i++)
                if (!sleeping(threads[i]))
                        return false;
        return count > 0 || sleeping(pid);
}

bool blocked(const struct child *c)
{
        return at(c) >= 1 && all_threads_sleep(c->pid);
}

bool settled(const struct child *c)
{
        return blocked(c) || returned(c);
}

void no_tracer(void)
{
        /* /proc does not show a tracer outside the PID namespace; but nobody can be traced twice. */
        const pid_t pid = MUST_FORK(fork());
        int status;

        if (pid == 0)
                _exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1);
        MUST(waitpid(pid, &status, 0));
        if (status != 0)
                UNSUPPORTED("a process that is not traced");
}

void *shared(size_t size)
{
        void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (memory == MAP_FAILED)
                CANNOT("mmap");
        return memory;
}

int exec_role(const char *role, const char *arg)
{
        char path[4096];
        const ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

        /* By its own name first: where a tool or an emulator runs the program, the link itself leads to that. */
        if (length > 0) {
                path[length] = '\0';
                execl(path, "ipck-tests", "--role", role, arg, (char *)NULL);
        }
        execl("/proc/self/exe", "ipck-tests", "--role", role, arg, (char *)NULL);
        if (errno == ENOENT && access("/proc/self/exe", F_OK) == -1)
                UNSUPPORTED("/proc/self/exe");
        if (errno == ENOEXEC)
                UNSUPPORTED("a kernel that starts programs of this machine by itself (an emulator needs binfmt_misc)");
        return -1;
}

static volatile sig_atomic_t caught;

static void count_signal(int signo)
{
        (void)signo;
        caught++;
}

void catch_signal(int signo, int flags)
{
        struct sigaction action = {.sa_handler = count_signal, .sa_flags = flags};

        sigemptyset(&action.sa_mask);
        MUST(sigaction(signo, &action, NULL));
}

int signals_caught(void)
{
        return caught;
}
