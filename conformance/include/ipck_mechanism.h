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
         * which nobody can attach for writing alone, the second needs both. 0, or -1 with errno. Both can be repeated.
         */
        int (*read)(int id);
        int (*write)(int id);
        int write_needs;                /* WRITE or BOTH */
};
extern const struct mechanism mechanisms[3];
enum { QUEUE, SET, SEGMENT };

void ipck_mechanisms_available(void);

/* The same, and each object has an index: so the tools and their tests find all there are. */
void ipck_tables_available(void);

/* ---- set-up that must work (unresolved otherwise) ---- */

int new_object(const struct mechanism *m, int mode);                            /* IPC_PRIVATE */
int new_object_of(const struct mechanism *m, uid_t uid, int mode);              /* that another user created */
int must_fit_in(const struct mechanism *m, int id);             /* MUST(m->get()); UNSUPPORTED beyond the limits */
struct ipc_perm perm_of(const struct mechanism *m, int id);
void set_mode_of(const struct mechanism *m, int id, int mode);  /* IPC_SET of the mode, by the owner, after write() */
void burn_ids(const struct mechanism *m, int count);

/* What *_STAT takes in place of an identifier, looked up while the object can be read; UNSUPPORTED where there is no
 * such command. id_at() is the identifier at an index, -1 where that is empty. */
int index_of(const struct mechanism *m, int id);
int id_at(const struct mechanism *m, int index);

/* Objects that USER_A of GROUP_A created and then gave to USER_B of GROUP_B: nobody is owner and creator at once.
 * Before the creator sets the modes it does a write() on each, so that there is something to read. */
struct gift {
        key_t key;
        int id;
};
const struct gift *new_gifts(const struct mechanism *m, size_t count);
void set_gift_modes(const struct mechanism *m, const struct gift *gifts, size_t count, const int *modes);
struct gift new_gift(const struct mechanism *m, int mode);

/* ---- access ---- */

/* What the object grants to this process by read() and write(); -1 if there was another error than EACCES. */
enum { READ = 4, WRITE = 2, BOTH = READ | WRITE };
int access_to(const struct mechanism *m, int id);

/* What access_to() is for a caller to whose class the mode grants these bits. */
int access_by(const struct mechanism *m, int bits);

/* ---- /proc/sysvipc ---- */

/* Opens the mechanism's file for reading; UNSUPPORTED where there is none. */
int open_table(const struct mechanism *m);

/* What the lines of the three files have in common; as queue_lines(), sem_lines() and segment_lines(). */
struct object_line {
        int key, id;
        unsigned mode, uid, gid, cuid, cgid;
};
size_t object_lines(const struct mechanism *m, const char *text, struct object_line *lines, size_t most);

#endif
