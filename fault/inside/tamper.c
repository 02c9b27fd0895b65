/* SPDX-License-Identifier: MIT
 *
 * tamper.c: runs a probe, answers its system calls, and looks at the process from outside before and after the call.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "inside.h"

/* glibc 2.31 names fewer system calls than the kernel's headers. */
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd __NR_pidfd_getfd
#endif

/* System calls that no kernel has: what the process of the probe says to us. */
enum { MARK_BEGIN = 0x7001, MARK_END = 0x7002 };

enum { MOST_THINGS = 256 };

int deadline_ms = 20000;

struct shared *shared;

/* ---- what there is ---- */

struct things {
        size_t count;
        char what[MOST_THINGS][LEFT_LENGTH];
};

static void note(struct things *things, const char *kind, const char *what)
{
        if (things->count == MOST_THINGS)
                return;
        char *const text = things->what[things->count++];
        snprintf(text, LEFT_LENGTH, "%s %.180s", kind, what);
        for (size_t i = 0; text[i]; i++)
                if (text[i] == '"' || text[i] == '\\' || (unsigned char)text[i] < ' ')
                        text[i] = '?';          /* what JSON wants escaped */
}

static void note_files(struct things *things, const char *folder, const char *kind)
{
        DIR *const open = opendir(folder);

        if (!open)
                refuse(folder);
        for (const struct dirent *entry; (entry = readdir(open));)
                if (entry->d_name[0] != '.')
                        note(things, kind, entry->d_name);
        closedir(open);
}

/* Numbers in brackets, as of socket:[123], are left out. */
static void note_descriptors(struct things *things, pid_t process)
{
        char folder[64], path[400], target[180];

        snprintf(folder, sizeof(folder), "/proc/%d/fd", (int)process);
        DIR *const open = opendir(folder);
        if (!open)
                refuse(folder);
        for (const struct dirent *entry; (entry = readdir(open));) {
                snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
                const ssize_t length = readlink(path, target, sizeof(target) - 1);
                if (length > 0) {
                        target[length] = '\0';
                        target[strcspn(target, "[")] = '\0';
                        note(things, "descriptor", target);
                }
        }
        closedir(open);
}

static FILE *open_maps(pid_t process)
{
        char path[64];

        snprintf(path, sizeof(path), "/proc/%d/maps", (int)process);
        FILE *const maps = fopen(path, "re");
        if (!maps)
                refuse(path);
        return maps;
}

/* Shared mappings, which memory for the library's own use never is, by the folder of the file: its name may be gone. */
static void note_mappings(struct things *things, pid_t process)
{
        char line[512], flags[8], file[256];
        unsigned long from, to;
        FILE *const maps = open_maps(process);

        while (fgets(line, sizeof(line), maps)) {
                file[0] = '\0';
                if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &from, &to, flags, file) >= 3 && flags[3] == 's') {
                        const char *const slash = strrchr(file, '/');
                        snprintf(line, sizeof(line), "%lu bytes of a file in %.*s", to - from,
                                 slash ? (int)(slash - file) : 0, file);
                        note(things, "mapping of", line);
                }
        }
        fclose(maps);
}

static void look(struct things *things, pid_t process)
{
        things->count = 0;
        note_files(things, "/dev/shm", "file");
        note_files(things, "/tmp/mqueue", "queue");
        note_descriptors(things, process);
        note_mappings(things, process);
}

/* ---- the process of the probe ---- */

static int listen_to_calls(void)
{
        struct sock_filter program[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmsg, 0, 1),         /* what hands over the listener */
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        };
        const struct sock_fprog filter = {sizeof(program) / sizeof(*program), program};

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
                return -1;
        return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
}

union control {
        struct cmsghdr head;
        char space[CMSG_SPACE(sizeof(int))];
};

static void send_descriptor(int socket, int descriptor)
{
        union control control = {
                .head = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS},
        };
        char byte = 0;
        struct iovec data = {&byte, 1};
        const struct msghdr message = {
                .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control),
        };

        memcpy(CMSG_DATA(&control.head), &descriptor, sizeof(descriptor));
        syscall(SYS_sendmsg, socket, &message, 0);
}

static int receive_descriptor(int socket)
{
        union control control;
        char byte;
        struct iovec data = {&byte, 1};
        struct msghdr message = {
                .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control),
        };
        int descriptor = -1;

        if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1 && message.msg_controllen >= sizeof(control.head))
                memcpy(&descriptor, CMSG_DATA(&control.head), sizeof(descriptor));
        return descriptor;
}

static _Noreturn void be_probed(const struct probe *probe, int socket)
{
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        probe->before();
        const int listener = listen_to_calls();
        send_descriptor(socket, listener);
        close(listener);
        close(socket);

        syscall(MARK_BEGIN);
        errno = 0;
        const bool made = probe->make();
        const int error = errno;
        syscall(MARK_END, made, error);
        const char *const problem = probe->after(made);
        snprintf(shared->problem, sizeof(shared->problem), "%s", problem ? problem : "");
        _exit(0);
}

/* ---- we ---- */

struct run {
        pid_t process;
        int listener;
        struct fault fault;
        const char *once;
        size_t met;                     /* how often the system call that is to fail was made */
        bool inside;
        char denied[LEFT_LENGTH];       /* the file that they could not remove */
        struct trace *trace;
        struct things before, after;
};

static int their_descriptor(pid_t process, int number)
{
        const int pidfd = (int)syscall(SYS_pidfd_open, process, 0);
        const int copy = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);

        close(pidfd);
        return copy;
}

/* Writes the first half of what was to be written, from their memory to their file. */
static int64_t write_half(const struct run *run, const uint64_t *arguments)
{
        char half[512];
        const size_t size = arguments[2] / 2 < sizeof(half) ? arguments[2] / 2 : sizeof(half);
        const struct iovec ours = {half, size}, theirs = {(void *)(uintptr_t)arguments[1], size};
        const int file = their_descriptor(run->process, (int)arguments[0]);
        const ssize_t got = process_vm_readv(run->process, &ours, 1, &theirs, 1, 0);
        const ssize_t written = got > 0 ? write(file, half, (size_t)got) : -1;

        if (written <= 0)
                refuse("half a write");
        close(file);
        return written;
}

static bool is_unlink(long number)
{
#ifdef SYS_unlink
        if (number == SYS_unlink)
                return true;
#endif
        return number == SYS_unlinkat;
}

/* The file is there as long as we do not remove it, as if somebody else had where it is not there for them. */
static void deny_unlink(struct run *run, long number, const uint64_t *arguments)
{
        char path[200] = "";
        const struct iovec ours = {path, sizeof(path) - 1};
        const struct iovec theirs = {(void *)(uintptr_t)arguments[number == SYS_unlinkat], sizeof(path) - 1};

        if (process_vm_readv(run->process, &ours, 1, &theirs, 1, 0) <= 0)
                refuse("process_vm_readv");
        const char *const slash = strrchr(path, '/');
        snprintf(run->denied, sizeof(run->denied), "file %.100s", slash ? slash + 1 : path);
        if (run->fault.error == ENOENT)
                unlink(path);
}

static void make_fail(struct run *run, long number, const uint64_t *arguments, struct seccomp_notif_resp *answer)
{
        answer->flags = 0;
        if (run->fault.error == SHORT_WRITE)
                answer->val = write_half(run, arguments);
        else
                answer->error = -run->fault.error;
        if (is_unlink(number))
                deny_unlink(run, number, arguments);
        run->trace->fired++;
}

/* Adds what FROM has more often than IN, but for what they may leave. */
static void subtract(const struct run *run, const struct things *from, const struct things *in, char sign)
{
        static bool taken[MOST_THINGS];
        struct trace *const trace = run->trace;

        memset(taken, 0, sizeof(taken));
        for (size_t i = 0; i < from->count; i++) {
                const char *const what = from->what[i];
                size_t other = 0;
                while (other < in->count && (taken[other] || strcmp(what, in->what[other]) != 0))
                        other++;
                if (other < in->count)
                        taken[other] = true;
                else if (strcmp(what, run->denied) == 0 || (run->once && strcmp(what, run->once) == 0))
                        continue;
                else if (trace->left < MOST_LEFT)
                        snprintf(trace->what_left[trace->left++], LEFT_LENGTH, "%c%.198s", sign, what);
        }
}

static int by_text(const void *a, const void *b)
{
        return strcmp(a, b);
}

static void answer_mark(struct run *run, const struct seccomp_notif *call)
{
        if (call->data.nr == MARK_BEGIN) {
                look(&run->before, run->process);
                run->inside = true;
                return;
        }
        look(&run->after, run->process);
        run->inside = false;
        run->trace->outcome = call->data.args[0] ? SUCCEEDED : FAILED;
        run->trace->error = call->data.args[0] ? 0 : (int)call->data.args[1];
        subtract(run, &run->after, &run->before, '+');
        subtract(run, &run->before, &run->after, '-');
        qsort(run->trace->what_left, run->trace->left, LEFT_LENGTH, by_text);
}

static bool is_futex(long number)
{
#ifdef SYS_futex_time64
        if (number == SYS_futex_time64)
                return true;
#endif
        return number == SYS_futex;
}

static void answer(struct run *run, const struct seccomp_notif *call)
{
        struct seccomp_notif_resp answer = {.id = call->id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
        struct trace *const trace = run->trace;
        const long number = call->data.nr;

        if (number == MARK_BEGIN || number == MARK_END) {
                answer_mark(run, call);
                answer.flags = 0;
        } else if (run->inside && (pid_t)call->pid == run->process) {
                if (shared->waits && is_futex(number)) {
                        shared->waits = false;
                        sem_post(&shared->sem);
                }
                uint64_t arguments[6];
                for (int i = 0; i < 6; i++)
                        arguments[i] = call->data.args[i];
                if (trace->calls < MOST_CALLS) {
                        trace->numbers[trace->calls] = number;
                        memcpy(trace->arguments[trace->calls], arguments, sizeof(arguments));
                }
                trace->calls++;
                if (number == run->fault.number && may_fail_with(number, arguments, run->fault.error)) {
                        run->met++;
                        if (run->met == run->fault.n || (run->fault.lasts && run->met > run->fault.n))
                                make_fail(run, number, arguments, &answer);
                        trace->again = run->met > run->fault.n;
                }
        }
        if (ioctl(run->listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) == -1 && errno != ENOENT)
                refuse("SECCOMP_IOCTL_NOTIF_SEND");
}

static int64_t now_ms(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until the process has ended; false when it does not: when it makes no call for so long, on a machine that may be busy,
 * or calls without end (glibc tries 238328 names). */
static bool serve(struct run *run)
{
        enum { ENDLESS = 1000000 };
        struct pollfd event = {.fd = run->listener, .events = POLLIN};
        int64_t deadline = now_ms() + deadline_ms;

        for (int calls = 0; calls < ENDLESS;) {
                struct seccomp_notif call = {0};
                const int64_t left = deadline - now_ms();
                const int ready = left > 0 ? poll(&event, 1, (int)left) : 0;
                if (ready == 0)
                        return false;
                if (ready == 1 && !(event.revents & POLLIN))
                        return true;
                if (ready == 1 && ioctl(run->listener, SECCOMP_IOCTL_NOTIF_RECV, &call) == 0) {
                        answer(run, &call);
                        deadline = now_ms() + deadline_ms;
                        calls++;
                } else if (errno != EINTR && errno != ENOENT)
                        refuse("SECCOMP_IOCTL_NOTIF_RECV");
        }
        return false;
}

static void empty(const char *folder)
{
        DIR *const open = opendir(folder);

        for (const struct dirent *entry; open && (entry = readdir(open));)
                if (entry->d_name[0] != '.')
                        unlinkat(dirfd(open), entry->d_name, 0);
        closedir(open);
}

void run_probe(const struct probe *probe, const struct fault *fault, struct trace *trace)
{
        struct run run = {.once = probe->once, .trace = trace};
        int pair[2], status;

        if (fault)
                run.fault = *fault;
        memset(trace, 0, sizeof(*trace));
        memset(shared, 0, sizeof(*shared));
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
                refuse("socketpair");
        fflush(stdout);
        run.process = fork();
        if (run.process == -1)
                refuse("fork");
        if (run.process == 0) {
                close(pair[0]);
                be_probed(probe, pair[1]);
        }
        close(pair[1]);
        run.listener = receive_descriptor(pair[0]);
        close(pair[0]);
        if (run.listener == -1)
                refuse("a filter that asks us (seccomp_unotify(2), Linux 5.9)");
        trace->outcome = CRASHED;
        const bool ended = serve(&run);
        if (!ended)
                kill(run.process, SIGKILL);
        close(run.listener);
        if (waitpid(run.process, &status, 0) == -1)
                refuse("waitpid");
        if (!ended)
                trace->outcome = HUNG;
        else if (WIFSIGNALED(status)) {
                trace->outcome = CRASHED;
                trace->error = WTERMSIG(status);
        }
        empty("/dev/shm");
        empty("/tmp/mqueue");
}
