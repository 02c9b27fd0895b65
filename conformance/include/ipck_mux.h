/* SPDX-License-Identifier: MIT
 *
 * ipck_mux.h: ipc(2), the multiplexer, and the flag of the *ctl() calls, for those who make system calls themselves.
 */
#ifndef IPCK_MUX_H
#define IPCK_MUX_H

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Sub-calls of ipc(2), and the flag that selects the present structures there (include/uapi/linux/ipc.h). */
enum {
        MUX_SEMOP = 1, MUX_SEMGET = 2, MUX_SEMCTL = 3, MUX_SEMTIMEDOP = 4,
        MUX_MSGSND = 11, MUX_MSGRCV = 12, MUX_MSGGET = 13, MUX_MSGCTL = 14,
        MUX_SHMAT = 21, MUX_SHMDT = 22, MUX_SHMGET = 23, MUX_SHMCTL = 24,
        WITH_IPC_64 = 0x100
};

/* These had direct calls from the start, and their present structures by the same flag; the others need none there. */
#if defined(__alpha__) || defined(__arm__) || defined(__microblaze__) || defined(__xtensa__) || \
        (defined(__mips__) && _MIPS_SIM != _ABIO32)
#define DIRECT_COMMAND(cmd) ((cmd) | WITH_IPC_64)
#else
#define DIRECT_COMMAND(cmd) (cmd)
#endif

#ifdef SYS_ipc
#define MUX(...) syscall(SYS_ipc, __VA_ARGS__)
#else
#define MUX(...) ipck_no_call(__VA_ARGS__)
static inline long ipck_no_call(unsigned call, ...)
{
        (void)call;
        errno = ENOSYS;
        return -1;
}
#endif

#endif
