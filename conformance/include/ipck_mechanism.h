/* SPDX-License-Identifier: MIT
 *
 * ipck_mechanism.h: queues, semaphore sets and segments as one thing, for what the standard says of all three
 * (XSH 2.7 XSI Interprocess Communication). A test goes through them with EACH_ROW(m, mechanisms).
 */
#ifndef IPCK_MECHANISM_H
#define IPCK_MECHANISM_H

#include "ipck_msg.h"
#include "ipck_sem.h"
#include "ipck_shm.h"

#undef IPCK_FILE_AVAILABLE
#define IPCK_FILE_AVAILABLE ipck_mechanisms_available

struct mechanism {
        const char *name;               /* "queue", "set", "segment" */
        const char *file;               /* below /proc/sysvipc */
        const char *next_id;            /* below /proc/sys */

        /* msgget(), semget() for two semaphores, shmget() for a page: the size counts only where an object is made. */
        int (*get)(key_t key, int flags);

        int (*remove)(int id);                                  /* IPC_RMID */
        int (*set)(int id, uid_t uid, gid_t gid, int mode);     /* IPC_SET; a queue keeps the default msg_qbytes */
        int (*stat)(int id, struct ipc_perm *perm);             /* IPC_STAT */
        int (*stat_index)(int index, struct ipc_perm *perm);    /* MSG_STAT, SEM_STAT, SHM_STAT */
        int (*stat_any)(int index, struct ipc_perm *perm);      /* MSG_STAT_ANY .. */
        int (*highest_index)(void);                             /* what MSG_INFO, SEM_INFO, SHM_INFO return */

        /* One operation that needs read permission only, and one that needs write or alter permission; for a segment,
         * which nobody can attach for writing alone, the second needs both. 0, or -1 with errno. They can be repeated. */
        int (*read)(int id);
        int (*write)(int id);
};
extern const struct mechanism mechanisms[3];
enum { QUEUE, SET, SEGMENT };

void ipck_mechanisms_available(void);

/* Set-up that must work (unresolved otherwise). */
int new_object(const struct mechanism *m, int mode);                            /* IPC_PRIVATE */
int new_object_of(const struct mechanism *m, uid_t uid, int mode);              /* that another user created */
struct ipc_perm perm_of(const struct mechanism *m, int id);
void burn_ids(const struct mechanism *m, int count);

#endif
