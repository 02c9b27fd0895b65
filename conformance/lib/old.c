/* SPDX-License-Identifier: MIT
 *
 * old.c: see ipck_old.h.
 */
#include "ipck_old.h"

void need_old_ipc(void)
{
#ifndef __i386__
        UNSUPPORTED("the structures of before Linux 2.4 (i386)");
#endif
        if (MUX(MUX_SEMGET, 0 /* IPC_PRIVATE */, 0, 0, 0, 0) == -1 && errno == ENOSYS)
                UNSUPPORTED("the ipc system call");
}

int old_msgctl(int queue, int cmd, void *buf)
{
        return (int)MUX(MUX_MSGCTL, queue, cmd, 0, buf, 0);
}

int old_semctl(int set, int cmd, void *buf)
{
        return (int)MUX(MUX_SEMCTL, set, 0, cmd, &buf, 0);
}

int old_shmctl(int segment, int cmd, void *buf)
{
        return (int)MUX(MUX_SHMCTL, segment, cmd, 0, buf, 0);
}

uint16_t old_uid(uid_t uid)
{
        return (uint16_t)(uid > UINT16_MAX ? number_in("/proc/sys/kernel/overflowuid", "") : uid);
}

uint16_t old_gid(gid_t gid)
{
        return (uint16_t)(gid > UINT16_MAX ? number_in("/proc/sys/kernel/overflowgid", "") : gid);
}
