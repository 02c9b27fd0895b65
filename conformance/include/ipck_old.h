/* SPDX-License-Identifier: MIT
 *
 * ipck_old.h: ipc(2) as programs of before Linux 2.4 call it, without IPC_64 in the command, and the structures that
 * i386 has there (include/uapi/linux/ipc.h of Linux).
 */
#ifndef IPCK_OLD_H
#define IPCK_OLD_H

#include "ipck_compat32.h"

/* struct ipc_perm. */
struct old_perm {
        int32_t key;
        uint16_t uid, gid, cuid, cgid, mode, seq;
};

/* UNSUPPORTED but in a program of i386 where there is ipc(2). */
void need_old_ipc(void);

/* A call by ipc(2): -1 with errno as its own. */
int old_msgctl(int queue, int cmd, void *buf);
int old_semctl(int set, int cmd, void *buf);
int old_shmctl(int segment, int cmd, void *buf);

/* How the kernel shows a user or group there: kernel.overflowuid or overflowgid beyond 65535. */
uint16_t old_uid(uid_t uid);
uint16_t old_gid(gid_t gid);

/* A user and a group whose lower 16 bits are others. */
enum { LARGE_UID = 0x00012345, LARGE_GID = 0x00016789 };

#endif
