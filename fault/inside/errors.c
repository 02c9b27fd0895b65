/* SPDX-License-Identifier: MIT
 *
 * errors.c: what each system call may fail with, though its arguments are right. The errors are those of Linux
 * man-pages 6.03 that depend on others: limits, memory, permissions, signals, another process that was faster. ENOSYS
 * is there for the calls that a C library of today may meet a kernel or a filter without.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/syscall.h>

#include "inside.h"

struct row {
        long number;
        const char *name;
        const int *faults;
        const char *why_none;
};

#define ROW(name, ...) {SYS_##name, #name, (const int[]){__VA_ARGS__, 0}, NULL},
#define NEVER(name, why) {SYS_##name, #name, (const int[]){0}, why},

/* close(2) gives the descriptor back whatever it returns, and a fault here would keep it; munmap(2) of what mmap(2)
 * gave, as a whole, splits no mapping and needs no memory. */
static const char *const releases = "releases what it is given, and has no reason to fail";
static const char *const asks = "has no way to fail";

static const struct row rows[] = {
#ifdef SYS_open
        ROW(open, EACCES, EINTR, ELOOP, EMFILE, ENFILE, ENOENT, ENOMEM, EROFS, ENOSPC)
#endif
        ROW(openat, EACCES, EINTR, ELOOP, EMFILE, ENFILE, ENOENT, ENOMEM, EROFS, ENOSPC)
#ifdef SYS_link
        ROW(link, EACCES, EEXIST, ENOENT, ENOMEM, ENOSPC, EPERM, EROFS)
#endif
        ROW(linkat, EACCES, EEXIST, ENOENT, ENOMEM, ENOSPC, EPERM, EROFS)
#ifdef SYS_unlink
        ROW(unlink, EACCES, ENOENT, ENOMEM, EPERM, EROFS)
#endif
        ROW(unlinkat, EACCES, ENOENT, ENOMEM, EPERM, EROFS)
#ifdef SYS_rename
        ROW(rename, EACCES, ENOMEM, ENOSPC, EPERM, EROFS)
#endif
        ROW(write, EINTR, ENOSPC, SHORT_WRITE)
        ROW(ftruncate, EINTR)
#ifdef SYS_ftruncate64
        ROW(ftruncate64, EINTR)
#endif
        ROW(fchmod, EPERM, EROFS)
        ROW(fstat, ENOMEM)
#ifdef SYS_fstat64
        ROW(fstat64, ENOMEM)
#endif
#ifdef SYS_fstatat64
        ROW(fstatat64, EACCES, EIO, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR, EOVERFLOW)
#endif
#ifdef SYS_stat
        ROW(stat, EACCES, EIO, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR, EOVERFLOW)
#endif
#ifdef SYS_lstat
        ROW(lstat, EACCES, EIO, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR, EOVERFLOW)
#endif
#ifdef SYS_lstat64
        ROW(lstat64, EACCES, EIO, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR, EOVERFLOW)
#endif
#ifdef SYS_stat64
        ROW(stat64, EACCES, EIO, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR, EOVERFLOW)
#endif
#ifdef SYS_newfstatat
        ROW(newfstatat, EACCES, EIO, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR, EOVERFLOW)
#endif
        ROW(statx, EACCES, EIO, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR, ENOSYS, EOVERFLOW)
        ROW(statfs, ENOMEM)
        ROW(access, EACCES, ENOENT)
        ROW(fcntl, EINTR)
#ifdef SYS_fcntl64
        ROW(fcntl64, EINTR)
#endif
        ROW(mmap, EAGAIN, ENOMEM)
#ifdef SYS_mmap2
        ROW(mmap2, EAGAIN, ENOMEM)
#endif
        ROW(mprotect, ENOMEM)
        ROW(madvise, EAGAIN, ENOMEM)
        ROW(membarrier, ENOSYS, EPERM)
        ROW(getrandom, EAGAIN, EINTR, ENOSYS)
        ROW(socket, EAFNOSUPPORT, EMFILE, ENFILE, ENOBUFS, ENOMEM)
#ifdef SYS_socketcall
        ROW(socketcall, EAFNOSUPPORT, EMFILE, ENFILE, ENOBUFS, ENOMEM)
#endif
        ROW(clone, EAGAIN, ENOMEM)
        ROW(clone3, EAGAIN, ENOMEM, ENOSYS)
        ROW(semctl, EACCES, EIDRM, EINVAL, EPERM)
        ROW(msgctl, EACCES, EINVAL, EPERM)
        ROW(shmctl, EACCES, EIDRM, EINVAL, ENOMEM, EPERM)
#ifdef SYS_semop
        ROW(semop, EAGAIN, EIDRM, EINTR, ENOMEM, ENOSPC)
#endif
#ifdef SYS_semtimedop
        ROW(semtimedop, EAGAIN, EIDRM, EINTR, ENOMEM, ENOSPC)
#endif
#ifdef SYS_semtimedop_time64
        ROW(semtimedop_time64, EAGAIN, EIDRM, EINTR, ENOMEM, ENOSPC, ENOSYS)
#endif
        ROW(msgsnd, EAGAIN, EIDRM, EINTR, ENOMEM)
        ROW(msgrcv, EIDRM, EINTR, ENOMSG)
#ifdef SYS_ipc
        ROW(ipc, EACCES, EINVAL)                /* of its sub-calls for waiting: see below */
#endif
        ROW(mq_open, EACCES, EINTR, EMFILE, ENFILE, ENOMEM, ENOSPC)
        ROW(mq_unlink, EACCES, ENOENT)
        ROW(mq_notify, EBADF, EBUSY, EINVAL)
        ROW(mq_getsetattr, EBADF)
        ROW(mq_timedsend, EAGAIN, EINTR, ETIMEDOUT)
        ROW(mq_timedreceive, EAGAIN, EINTR, ETIMEDOUT)
#ifdef SYS_mq_timedsend_time64
        ROW(mq_timedsend_time64, EAGAIN, EINTR, ETIMEDOUT, ENOSYS)
        ROW(mq_timedreceive_time64, EAGAIN, EINTR, ETIMEDOUT, ENOSYS)
#endif
        ROW(futex, EAGAIN, EINTR)
#ifdef SYS_futex_time64
        ROW(futex_time64, EAGAIN, EINTR, ENOSYS)
        NEVER(clock_gettime64, asks)
#endif
        NEVER(clock_gettime, asks)
        NEVER(close, releases)
        NEVER(munmap, releases)
        NEVER(brk, "tells its failure by what it returns; the memory then comes from mmap()")
        NEVER(rt_sigprocmask, asks)
        NEVER(rt_sigaction, asks)
        NEVER(getpid, asks)
        NEVER(gettid, asks)
        NEVER(geteuid, asks)
        NEVER(getuid, asks)
        NEVER(set_robust_list, asks)
        NEVER(rseq, asks)
        NEVER(sched_yield, asks)
};

static const int of_a_wait[] = {EAGAIN, EINTR, 0}, of_a_timed_wait[] = {EAGAIN, EINTR, ETIMEDOUT, 0};
static const int of_an_open_file[] = {ENOMEM, 0}, none[] = {0};
static const int of_no_creation[] = {EACCES, EINTR, ELOOP, EMFILE, ENFILE, ENOENT, ENOMEM, EROFS, 0};

#ifdef SYS_ipc
/* The sub-calls of ipc(2) that can wait. */
enum { IPC_SEMOP = 1, IPC_SEMTIMEDOP = 4, IPC_MSGSND = 11, IPC_MSGRCV = 12 };

static const int *faults_of_ipc(const struct row *row, unsigned subcall)
{
        static const int of_semop[] = {EAGAIN, EIDRM, EINTR, ENOMEM, ENOSPC, 0};
        static const int of_msgsnd[] = {EAGAIN, EIDRM, EINTR, ENOMEM, 0}, of_msgrcv[] = {EIDRM, EINTR, ENOMSG, 0};

        switch (subcall) {
        case IPC_SEMOP:
        case IPC_SEMTIMEDOP:
                return of_semop;
        case IPC_MSGSND:
                return of_msgsnd;
        case IPC_MSGRCV:
                return of_msgrcv;
        default:
                return row->faults;
        }
}
#endif

/* What the arguments make of a row. */
static const int *faults_of(const struct row *row, const uint64_t arguments[6])
{
        switch (row->number) {
#ifdef SYS_open
        case SYS_open:
                return arguments[1] & O_CREAT ? row->faults : of_no_creation;
#endif
        case SYS_openat:
                return arguments[2] & O_CREAT ? row->faults : of_no_creation;
#ifdef SYS_newfstatat
        case SYS_newfstatat:
#endif
#ifdef SYS_fstatat64
        case SYS_fstatat64:
#endif
                return arguments[3] & AT_EMPTY_PATH ? of_an_open_file : row->faults;
        case SYS_statx:
                return arguments[2] & AT_EMPTY_PATH ? of_an_open_file : row->faults;
#ifdef SYS_ipc
        case SYS_ipc:
                return faults_of_ipc(row, arguments[0] & 0xffff);
#endif
        case SYS_mq_timedsend:
        case SYS_mq_timedreceive:
                return arguments[4] ? row->faults : of_a_wait;
        case SYS_futex:
                return arguments[3] ? of_a_timed_wait : row->faults;
        default:
                return row->faults;
        }
}

static bool wakes(long number, const uint64_t arguments[6])
{
        const int command = (int)arguments[1] & FUTEX_CMD_MASK;

#ifdef SYS_futex_time64
        if (number == SYS_futex_time64)
                number = SYS_futex;
#endif
        return number == SYS_futex && command != FUTEX_WAIT && command != FUTEX_WAIT_BITSET;
}

struct system_call system_call(long number, const uint64_t arguments[6])
{
        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
                if (rows[i].number != number)
                        continue;
                if (wakes(number, arguments))
                        return (struct system_call){rows[i].name, none, "wakes, which needs nothing"};
                return (struct system_call){rows[i].name, faults_of(&rows[i], arguments), rows[i].why_none};
        }
        return (struct system_call){NULL, none, NULL};
}

bool may_fail_with(long number, const uint64_t arguments[6], int error)
{
        const int *fault = system_call(number, arguments).faults;

        while (*fault && *fault != error)
                fault++;
        return *fault != 0;
}
