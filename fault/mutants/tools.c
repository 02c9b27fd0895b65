/* SPDX-License-Identifier: MIT
 *
 * tools.c: see tools.h.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mutants.h"
#include "tools.h"

bool nap(void)
{
        return nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL) == 0;
}

/* ---- several processes ---- */

void *shared_with_children(size_t size)
{
        const int before = errno;
        void *const memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        errno = before;
        return memory == MAP_FAILED ? NULL : memory;
}

bool by_helper(void (*work)(void *), void *argument)
{
        /* No SIGCHLD: the program may wait for that. */
        const pid_t helper = (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);

        if (helper == 0) {
                work(argument);
                _exit(0);
        }
        if (helper == -1)
                return false;
        if (waitpid(helper, NULL, __WALL) == helper)
                return true;
        kill(helper, SIGKILL);
        while (waitpid(helper, NULL, __WALL) == -1 && errno == EINTR)
                ;
        errno = EINTR;
        return false;
}

struct noted *noted(int id)
{
        enum { MOST = (TEST_MEMORY - sizeof(long)) / sizeof(struct noted) };
        struct {
                _Atomic int used;
                struct noted of[MOST];
        } *const notes = test_memory();

        for (int i = 0; i < notes->used; i++)
                if (notes->of[i].id == id)
                        return &notes->of[i];
        const int place = notes->used < MOST ? notes->used++ : MOST;
        if (place >= MOST)
                return NULL;
        notes->of[place].id = id;
        return &notes->of[place];
}

/* ---- threads ---- */

static volatile sig_atomic_t held;

static void be_held(int signo)
{
        const int before = errno;

        (void)signo;
        while (held)
                nap();
        errno = before;
}

void hold_other_threads(void)
{
        DIR *const threads = opendir("/proc/self/task");
        struct dirent *entry;

        if (!threads)
                return;
        held = 1;
        sigaction(SIGRTMAX, &(struct sigaction){.sa_handler = be_held, .sa_flags = SA_RESTART}, NULL);
        while ((entry = readdir(threads))) {
                const pid_t thread = (pid_t)atoi(entry->d_name);
                if (thread > 0 && thread != syscall(SYS_gettid))
                        syscall(SYS_tgkill, getpid(), thread, SIGRTMAX);
        }
        closedir(threads);
}

void release_other_threads(void)
{
        held = 0;
}

/* ---- limits ---- */

/* Reads the beginning of a file, at no cancellation point. */
static bool read_text(const char *path, char *text, size_t size)
{
        const int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
        const long length = file == -1 ? -1 : syscall(SYS_read, file, text, size - 1);

        if (file != -1)
                syscall(SYS_close, file);
        text[length > 0 ? length : 0] = '\0';
        return length > 0;
}

static void path_of_limit(const char *name, char path[static 80])
{
        snprintf(path, 80, "/proc/sys/%s", name);
}

bool read_limit(const char *name, long *value)
{
        char path[80], text[32];

        path_of_limit(name, path);
        const bool whole = read_text(path, text, sizeof(text));
        *value = strtol(text, NULL, 10);
        return whole;
}

bool write_limit(const char *name, long value)
{
        char path[80];

        path_of_limit(name, path);
        const int file = open(path, O_WRONLY | O_CLOEXEC);
        if (file == -1)
                return false;
        const bool whole = dprintf(file, "%ld", value) > 0;
        close(file);
        return whole;
}

mode_t present_umask(void)
{
        static const char key[] = "\nUmask:\t";
        char text[256];
        const char *const found = read_text("/proc/thread-self/status", text, sizeof(text)) ? strstr(text, key) : NULL;

        return found ? (mode_t)strtol(found + sizeof(key) - 1, NULL, 8) : 0;
}

/* ---- users ---- */

/* The system calls, which are of one thread, and leave a process that has no right to others what it has. */
void swap_users(void)
{
        uid_t real, effective, saved;

        if (getresuid(&real, &effective, &saved) == 0)
                syscall(SYS_setresuid, effective, real, saved);
}

void swap_groups(void)
{
        gid_t real, effective, saved;

        if (getresgid(&real, &effective, &saved) == 0)
                syscall(SYS_setresgid, effective, real, saved);
}

/* ---- permission ---- */

static bool is_member(gid_t group, bool supplementary)
{
        gid_t groups[64];
        const int count = supplementary ? getgroups(sizeof(groups) / sizeof(*groups), groups) : 0;

        for (int i = 0; i < count; i++)
                if (groups[i] == group)
                        return true;
        return false;
}

int granted(const struct ipc_perm *perm, enum rule rule)
{
        const uid_t user = rule == BY_REAL_IDS ? getuid() : geteuid();
        const gid_t group = rule == BY_REAL_IDS ? getgid() : rule == BY_EFFECTIVE_GROUP ? getegid() :
                            (gid_t)setfsgid((gid_t)-1);
        const bool supplementary = rule != SUPPLEMENTARY_GROUPS_IGNORED;
        const bool user_class = perm->uid == user || (perm->cuid == user && rule != CREATOR_IS_NOBODY);
        const bool group_class = perm->gid == group || is_member(perm->gid, supplementary) ||
                                 ((perm->cgid == group || is_member(perm->cgid, supplementary)) &&
                                  rule != CREATING_GROUP_IS_NOBODY);

        if (rule == BY_ANY_CLASS)
                return 7 & ((user_class ? perm->mode >> 6 : 0) | (group_class ? perm->mode >> 3 : 0) | perm->mode);
        return 7 & (user_class ? perm->mode >> 6 : group_class ? perm->mode >> 3 : perm->mode);
}

bool has_effective(int capability)
{
        struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
        struct __user_cap_data_struct data[2] = {{0}};

        return syscall(SYS_capget, &header, data) == 0 && data[capability / 32].effective & 1U << (capability % 32);
}

bool refused_by(const struct ipc_perm *perm, enum rule wrong, int bits)
{
        return !has_effective(CAP_IPC_OWNER) && !(bits & ~granted(perm, RIGHT)) && (bits & ~granted(perm, wrong));
}

bool granted_by(const struct ipc_perm *perm, enum rule wrong, int bits)
{
        return !has_effective(CAP_IPC_OWNER) && (bits & ~granted(perm, RIGHT)) && !(bits & ~granted(perm, wrong));
}

bool lacks(const struct ipc_perm *perm, int bits)
{
        return !has_effective(CAP_IPC_OWNER) && !(bits & granted(perm, RIGHT));
}

bool privileged_only(const struct ipc_perm *perm, int bits)
{
        return has_effective(CAP_IPC_OWNER) && (bits & ~granted(perm, RIGHT));
}
