/* SPDX-License-Identifier: MIT
 *
 * sandbox.c: the namespaces around a test, and IPC namespaces for a test to enter.
 *
 * The runner itself moves once into a private mount namespace (and, where it lacks the privilege, into a user
 * namespace), so that nothing it mounts is seen outside. Each test then gets PID, IPC and mount namespaces by one
 * clone(). Process 1 dies with the runner (PR_SET_PDEATHSIG), and with process 1 the kernel kills and frees
 * everything in its namespaces: kill -9 of the runner leaves nothing behind.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "internal.h"

/* A user namespace may not take these off a mount; statvfs() and mount() number them alike. */
enum { KEPT_FLAGS = MS_NOSUID | MS_NODEV | MS_NOEXEC };

static int runner_fd = -1;              /* a pidfd of the runner */
static int null_fd = -1;
static sigset_t handled;                /* signals that the runner handles or ignores */
static bool mounts_are_shared;          /* there are no mount namespaces; --shared-mounts says that it does not matter */

/* Whether there are such namespaces; errno tells why not. */
static bool can_unshare(void)
{
        int status;
        const pid_t pid = fork();

        if (pid == 0)
                _exit(unshare(CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNS) == 0 ? 0 : errno);
        if (pid == -1 || waitpid(pid, &status, 0) != pid)
                return false;
        errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINVAL;
        return errno == 0;
}

/* QEMU's user mode makes fork() of clone(), which knows no namespaces. But the first child after unshare(CLONE_NEWPID)
 * is process 1 of the new namespace as well; the runner then goes back, to make the next one from where it was. */
static pid_t fork_into_namespaces(void)
{
        static int own = -1;

        if (own == -1) {
                if (!can_unshare())
                        return -1;
                own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
        }
        if (own == -1 || unshare(CLONE_NEWPID) == -1)
                return -1;
        const pid_t pid = fork();
        if (pid == 0 && unshare(CLONE_NEWIPC | CLONE_NEWNS) == -1)
                _exit(1);
        if (pid != 0 && setns(own, CLONE_NEWPID) == -1)
                ipck_fatal("back to the PID namespace of the runner: %s", strerror(errno));
        return pid;
}

static pid_t clone_namespaces(void)
{
        const unsigned long flags = CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNS | SIGCHLD;

#ifdef __s390x__
        const pid_t pid = (pid_t)syscall(SYS_clone, 0, flags, 0, 0, 0);
#else
        const pid_t pid = (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0);
#endif
        return pid == -1 && errno == EINVAL ? fork_into_namespaces() : pid;
}

static void die_with_runner(void)
{
        struct pollfd runner = {.fd = runner_fd, .events = POLLIN};

        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        /* The runner may have died before the line above. In a new PID namespace getppid() cannot tell, and a pipe
         * whose other end only the runner should hold is held by every process that it is just starting. (Before
         * Linux 5.3 there is no pidfd, and that moment stays unwatched.) */
        if (poll(&runner, 1, 0) == 1)
                _exit(0);
}

static void private_mounts(struct ipck_shared *state)
{
        if (mounts_are_shared) {
                state->no_proc = 1;
                state->no_dev_shm = EINVAL;
                return;
        }
        if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == -1)
                state->no_proc = 1;
        if (mount("ipck", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") == 0)
                (void)!chdir("/dev/shm");
        else
                state->no_dev_shm = errno;
}

static void close_from(unsigned first)
{
#ifdef SYS_close_range
        if (syscall(SYS_close_range, first, ~0U, 0) == 0)
                return;
#endif
        /* Thousands of calls for a few descriptors are a large part of a test's time where calls are slow. */
        DIR *const open_ones = opendir("/proc/self/fd");
        if (!open_ones) {
                for (unsigned fd = first; fd < 4096; fd++)
                        close((int)fd);
                return;
        }
        for (const struct dirent *entry; (entry = readdir(open_ones));) {
                const int fd = atoi(entry->d_name);
                if (fd >= (int)first && fd != dirfd(open_ones))
                        close(fd);
        }
        closedir(open_ones);
}

static void default_signals(void)
{
        sigset_t none;

        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        for (int signo = 1; signo < 32; signo++)
                if (sigismember(&handled, signo))
                        signal(signo, SIG_DFL);
}

static void find_handled_signals(void)
{
        struct sigaction action;

        sigemptyset(&handled);
        for (int signo = 1; signo < 32; signo++)
                if (sigaction(signo, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
                        sigaddset(&handled, signo);
}

static void run_body(const struct ipck_case *which)
{
        ipck_enter_body();
        ipck_seed_test(which->id);
        ipck_route = which->route;
        if (which->test->available)
                which->test->available();
        setenv("IPCK_TEST", which->id, 1);      /* for what is preloaded into the test and its programs */
        which->test->body();
        fflush(NULL);
        atomic_store(&ipck_state->finished, 1);
        _exit(0);
}

static _Noreturn void be_process_1(const struct ipck_case *which, int out_fd, int stop_fd)
{
        die_with_runner();
        setsid();
        private_mounts(ipck_state);
        const char *failed = ipck_prepare();
        if (failed) {
                ipck_unresolved(IPCK_HERE, "--prepare %s: %s", failed, errno_name(errno));
                _exit(1);
        }
        dup2(null_fd, 0);
        dup2(out_fd, 1);
        dup2(out_fd, 2);
        dup2(stop_fd, STOP_FD);
        close_from(STOP_FD + 1);
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        umask(022);
        default_signals();

        pid_t body = fork();
        if (body == 0)
                run_body(which);
        if (body == -1) {
                ipck_state->sandbox_failed = errno;
                _exit(1);
        }
        for (;;) {
                int status;
                pid_t pid = waitpid(-1, &status, 0);
                if (pid == body) {
                        atomic_store(&ipck_state->body_status, status);
                        atomic_store(&ipck_state->body_reaped, 1);
                        _exit(0);
                }
        }
}

pid_t ipck_sandbox(const struct ipck_case *which, int out_fd, int stop_fd)
{
        pid_t pid = clone_namespaces();

        if (pid == 0)
                be_process_1(which, out_fd, stop_fd);
        return pid;
}

/* ---- what this machine allows ---- */

static void describe_limits(char *buffer, size_t size)
{
        static const char *const files[] = {
                "kernel/sem", "kernel/msgmax", "kernel/msgmnb", "kernel/msgmni", "kernel/shmmax", "kernel/shmall",
                "kernel/shmmni", "kernel/shm_rmid_forced", "fs/mqueue/queues_max", "fs/mqueue/msg_max",
                "fs/mqueue/msgsize_max", "fs/mqueue/msg_default", "fs/mqueue/msgsize_default",
        };
        size_t used = 0;

        buffer[0] = '\0';
        for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
                char path[64], text[64];
                const bool mqueue = files[i][0] == 'f';
                snprintf(path, sizeof(path), "/proc/sys/%s", files[i]);
                if (read_file(path, text, sizeof(text)) <= 0)
                        continue;
                for (char *c = text; *c; c++)
                        if (*c == '\t' || *c == '\n' || *c == '"' || *c == '\\')
                                *c = *c == '\n' && !c[1] ? '\0' : ' ';
                used += (size_t)snprintf(buffer + used, size - used, "%s\"%s%s\":\"%s\"", used ? "," : "",
                                         mqueue ? "mqueue " : "", strrchr(files[i], '/') + 1, text);
        }
}

/* Process 1 of a sandbox with nothing in it: tells the limits (and returns 0), or why it cannot be prepared (2). */
static int try_process_1(char *text, size_t size)
{
        struct ipck_shared scratch = {.no_proc = 0};

        die_with_runner();
        private_mounts(&scratch);
        const char *failed = ipck_prepare();
        if (failed)
                snprintf(text, size, "--prepare %s: %s", failed, errno_name(errno));
        else
                describe_limits(text, size);
        return failed ? 2 : 0;
}

/* Shows whether sandboxes can be made, and the limits of a fresh one. */
static bool try_sandbox(struct ipck_isolation *is)
{
        int ends[2], status = 1;
        ssize_t n;
        size_t length = 0;

        if (pipe2(ends, O_CLOEXEC) == -1)
                ipck_fatal("pipe: %s", strerror(errno));
        pid_t pid = clone_namespaces();
        if (pid == -1) {
                snprintf(is->reason, sizeof(is->reason), "new PID, IPC and mount namespaces: %s", strerror(errno));
                close(ends[0]);
                close(ends[1]);
                return false;
        }
        if (pid == 0) {
                const int verdict = try_process_1(is->limits, sizeof(is->limits));
                _exit(write(ends[1], is->limits, strlen(is->limits)) < 0 ? 1 : verdict);
        }
        close(ends[1]);
        const size_t room = sizeof(is->limits) - 1;
        while (length < room && (n = read(ends[0], is->limits + length, room - length)) > 0)
                length += (size_t)n;
        is->limits[length] = '\0';
        close(ends[0]);
        while (waitpid(pid, &status, 0) == -1 && errno == EINTR) {
        }
        if (status == 0)
                return true;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
                snprintf(is->reason, sizeof(is->reason), "%.*s", (int)sizeof(is->reason) - 1, is->limits);
        else
                snprintf(is->reason, sizeof(is->reason), "process 1 of a new PID namespace ended with wait status %#x",
                         (unsigned)status);
        is->limits[0] = '\0';
        return false;
}

/* A test's own /dev/shm has the machine's /dev as its parent, which a broken implementation of shm_open("/..") may hand
 * out. Where this fails, the process may not change anything there either; and where nothing can be written to devices
 * either then, as in gVisor, /dev is not the machine's. */
static void protect_dev(void)
{
        struct statvfs fs;

        if (mount("/dev", "/dev", NULL, MS_BIND | MS_REC, NULL) == -1 || statvfs("/dev", &fs) == -1)
                return;
        const unsigned long flags = MS_REMOUNT | MS_BIND | (fs.f_flag & KEPT_FLAGS);
        if (mount(NULL, "/dev", NULL, MS_RDONLY | flags, NULL) == 0 && access("/dev/null", W_OK) == -1 && errno == EROFS)
                mount(NULL, "/dev", NULL, flags, NULL);
}

struct ipck_isolation ipck_isolate(void)
{
        struct ipck_isolation is = {.possible = false};

#ifdef SYS_pidfd_open
        runner_fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
#endif
        find_handled_signals();
        null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null_fd < 0)
                ipck_fatal("/dev/null: %s", strerror(errno));
        if (unshare(CLONE_NEWNS) == -1) {
                const int denied = errno;
                if (!ipck_enter_user_namespace(0, 0) || unshare(CLONE_NEWNS) == -1) {
                        snprintf(is.reason, sizeof(is.reason), "a mount namespace: %s; a user namespace: %s",
                                 strerror(denied), strerror(errno));
                        return is;
                }
                is.user_namespace = true;
        }
        mounts_are_shared = mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1;
        if (mounts_are_shared && !ipck_options.shared_mounts) {
                snprintf(is.reason, sizeof(is.reason), "private mounts: %s", strerror(errno));
                return is;
        }
        if (!mounts_are_shared)
                protect_dev();
        is.possible = try_sandbox(&is);
        return is;
}

/* ---- for tests ---- */

void enter_new_ipc_namespace(void)
{
        if (unshare(CLONE_NEWIPC) == -1)
                UNSUPPORTED("unshare(CLONE_NEWIPC) (%s)", errno_name(errno));
}

/* How many objects a command such as SEM_INFO tells of; none where the mechanism is missing. */
static bool anything(int highest, int used)
{
        return highest > 0 || (highest == 0 && used > 0);
}

void empty_namespace(void)
{
        struct msginfo msg = {0};
        struct seminfo sem = {0};
        struct shm_info shm = {0};
        const int queues = msgctl(0, MSG_INFO, (struct msqid_ds *)&msg);
        const int sets = semctl(0, 0, SEM_INFO, &sem);
        const int segments = shmctl(0, SHM_INFO, (struct shmid_ds *)&shm);

        if (anything(queues, msg.msgpool) || anything(sets, sem.semusz) || anything(segments, shm.used_ids))
                enter_new_ipc_namespace();
}

void keep_detached_segments(void)
{
        char text[16];

        if (read_file("/proc/sys/kernel/shm_rmid_forced", text, sizeof(text)) > 0 && text[0] == '1')
                set_sysctl("kernel/shm_rmid_forced", "0");
}

/* What the set-up of a test may take. */
enum { LEAST_ROOM = 1 << 20, LEAST_FILES = 1024 };

void private_directory(void)
{
        char directory[64];
        struct statvfs fs;
        struct stat st;

        if (ipck_state->no_dev_shm)
                UNSUPPORTED("a /dev/shm of its own for each test (mount: %s)", errno_name(ipck_state->no_dev_shm));
        if (!getcwd(directory, sizeof(directory)) || strcmp(directory, "/dev/shm") != 0)
                UNSUPPORTED("a working directory of its own");
        if (access(".", W_OK | X_OK) == -1)
                UNSUPPORTED("a /dev/shm in which it may make files (%s)", errno_name(errno));
        MUST(stat(".", &st));
        if ((st.st_mode & 07777) != 01777)
                UNSUPPORTED("a /dev/shm in which everybody may make files (its mode is 0%o)",
                            (unsigned)st.st_mode & 07777);
        MUST(statvfs(".", &fs));
        if (fs.f_blocks && fs.f_bavail * fs.f_frsize < LEAST_ROOM)
                UNSUPPORTED("a /dev/shm with room for a megabyte (it has %ju bytes)",
                            (uintmax_t)fs.f_bavail * fs.f_frsize);
        if (fs.f_files && fs.f_favail < LEAST_FILES)
                UNSUPPORTED("a /dev/shm with room for %d files (it has room for %ju)", LEAST_FILES,
                            (uintmax_t)fs.f_favail);
}

int this_ipc_namespace(void)
{
        int fd = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC);

        if (fd == -1)
                UNSUPPORTED("/proc/self/ns/ipc (%s)", errno_name(errno));
        return fd;
}
