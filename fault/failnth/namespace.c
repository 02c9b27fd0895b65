/* SPDX-License-Identifier: MIT
 *
 * IPC namespaces, and what /proc says and sets of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

#include "operations.h"

static int first = -1;

/* ---- states ---- */

static void objects(void)
{
        struct {
                long type;
                char text[8];
        } message = {1, "text"};

        const int queue = (int)MUST(msgget(1, IPC_CREAT | 0600));
        MUST(msgsnd(queue, &message, sizeof(message.text), 0));
        for (int i = 0; i < 3; i++) {
                MUST(semget(IPC_PRIVATE, 3, 0600));
                MUST(shmget(IPC_PRIVATE, 8192, 0600));
        }
}

/* One IPC namespace more may be made. */
static void own_user_namespace(void)
{
        MUST(unshare(CLONE_NEWUSER));
        write_text("/proc/sys/user/max_ipc_namespaces", "1");
}

static void own_undo(void)
{
        const int set = (int)MUST(semget(IPC_PRIVATE, 1, 0600));

        MUST(semop(set, &(struct sembuf){0, 1, SEM_UNDO}, 1));
}

static void own_second_namespace(void)
{
        first = (int)MUST(open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC));
        MUST(unshare(CLONE_NEWIPC));
        objects();
}

/* ---- calls ---- */

static long leave(void)
{
        return unshare(CLONE_NEWIPC);
}

static long leave_with_undo(void)
{
        return unshare(CLONE_NEWIPC | CLONE_SYSVSEM);
}

static long come_back(void)
{
        return setns(first, CLONE_NEWIPC);
}

static long clone_into_another(void)
{
        return clone_and_end(CLONE_NEWIPC);
}

static long read_from(const char *path)
{
        char text[2048];
        const int file = open(path, O_RDONLY);

        if (file == -1)
                return -1;
        memset(text, 0, sizeof(text));
        const long n = read(file, text, sizeof(text));
        const int error = errno;
        close(file);
        errno = error;
        return n;
}

static long read_queues(void)
{
        return read_from("/proc/sysvipc/msg");
}

static long read_sets(void)
{
        return read_from("/proc/sysvipc/sem");
}

static long read_segments(void)
{
        return read_from("/proc/sysvipc/shm");
}

static long read_limit(void)
{
        return read_from("/proc/sys/kernel/sem");
}

static long read_queue_limit(void)
{
        return read_from("/proc/sys/fs/mqueue/msg_max");
}

static long write_to(const char *path, const char *text)
{
        const int file = open(path, O_WRONLY);

        if (file == -1)
                return -1;
        const long n = write(file, text, strlen(text));
        const int error = errno;
        close(file);
        errno = error;
        return n;
}

static long set_msgmni(void)
{
        return write_to("/proc/sys/kernel/msgmni", "100");
}

static long set_sem(void)
{
        return write_to("/proc/sys/kernel/sem", "100 1000 50 10");
}

static long set_shmall(void)
{
        return write_to("/proc/sys/kernel/shmall", "100000");
}

static long set_next_id(void)
{
        return write_to("/proc/sys/kernel/sem_next_id", "77");
}

static long set_rmid_forced(void)
{
        return write_to("/proc/sys/kernel/shm_rmid_forced", "1");
}

static long set_queues_max(void)
{
        return write_to("/proc/sys/fs/mqueue/queues_max", "17");
}

#define OPENING "EACCES EINTR EMFILE ENFILE ENOENT ENOMEM "
#define FILES OPENING "EAGAIN EBADF EFAULT EINVAL EIO EPERM"
#define LEAVING "EINVAL ENOMEM ENOSPC EPERM EUSERS"

static const struct operation operations[] = {
        OPERATION("unshare.ipc", objects, NULL, leave, .errors = LEAVING),
        OPERATION("unshare.ipc-last", objects, own_user_namespace, leave, .errors = LEAVING),
        OPERATION("unshare.ipc-with-undo", objects, own_undo, leave_with_undo, .errors = LEAVING),
        OPERATION("setns.ipc", objects, own_second_namespace, come_back, .errors = "EBADF EINVAL ENOMEM EPERM ESRCH"),
        OPERATION("clone.ipc", objects, own_user_namespace, clone_into_another,
                  .errors = "EAGAIN ENOMEM ENOSPC EPERM EUSERS"),
        OPERATION("read.sysvipc-msg", objects, NULL, read_queues, .errors = FILES),
        OPERATION("read.sysvipc-sem", objects, NULL, read_sets, .errors = FILES),
        OPERATION("read.sysvipc-shm", objects, NULL, read_segments, .errors = FILES),
        OPERATION("read.sysctl-sem", objects, NULL, read_limit, .errors = FILES),
        OPERATION("read.sysctl-msg_max", objects, NULL, read_queue_limit, .errors = FILES),
        OPERATION("write.sysctl-msgmni", objects, NULL, set_msgmni, .errors = FILES),
        OPERATION("write.sysctl-sem", objects, NULL, set_sem, .errors = FILES),
        OPERATION("write.sysctl-shmall", objects, NULL, set_shmall, .errors = FILES),
        OPERATION("write.sysctl-sem_next_id", objects, NULL, set_next_id, .errors = FILES),
        OPERATION("write.sysctl-shm_rmid_forced", objects, NULL, set_rmid_forced, .errors = FILES),
        OPERATION("write.sysctl-queues_max", objects, NULL, set_queues_max, .errors = FILES),
};
const struct family namespace_family = FAMILY(operations);
