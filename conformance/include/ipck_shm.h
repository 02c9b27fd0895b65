/* SPDX-License-Identifier: MIT
 *
 * ipck_shm.h: System V shared memory for tests. After this header shmget, shmat, shmdt and shmctl mean the variant
 * under test (enum ipck_route). (shmat)(..) in parentheses is the C library's.
 */
#ifndef IPCK_SHM_H
#define IPCK_SHM_H

#include <sys/mman.h>
#include <sys/shm.h>

#include "ipck_xsi.h"

#undef IPCK_FILE_AVAILABLE
#define IPCK_FILE_AVAILABLE ipck_shm_available

#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif
#ifndef SHM_EXEC
#define SHM_EXEC 0100000
#endif
#define SHM_FAILED ((void *)-1)

/* The calls of the running variant; arguments, results and errors as in shmget(2), shmop(2), shmctl(2). buf is a
 * struct shmid_ds, a struct shminfo for IPC_INFO, or a struct shm_info for SHM_INFO. */
int ipck_shmget(key_t key, size_t size, int shmflg);
void *ipck_shmat(int shmid, const void *shmaddr, int shmflg);
int ipck_shmdt(const void *shmaddr);
int ipck_shmctl(int shmid, int cmd, void *buf);
void ipck_shm_available(void);

#define shmget(...) ipck_shmget(__VA_ARGS__)
#define shmat(...) ipck_shmat(__VA_ARGS__)
#define shmdt(...) ipck_shmdt(__VA_ARGS__)
#define shmctl(...) ipck_shmctl(__VA_ARGS__)

/* ---- set-up that must work (unresolved otherwise) ---- */

int new_segment(size_t size, int mode);                         /* IPC_PRIVATE */
int segment_must_fit(int segment, size_t size);                 /* MUST(shmget()); UNSUPPORTED beyond the limits */
int new_segment_of(uid_t uid, size_t size, int mode);           /* that another user created, see as_user() */
char *attach(int segment, int shmflg);                          /* at an address that the system picks */
char *attach_at(int segment, void *shmaddr, int shmflg);
/* At an address that the system picks and a program may ask for as well, a multiple of SHMLBA: ARM's picks any page. */
char *attach_by_shmlba(int segment);
void detach(const void *shmaddr);
struct shmid_ds stat_of_segment(int segment);                   /* IPC_STAT into a structure filled with 0x5a before */
void set_segment_mode(int segment, int mode);                   /* IPC_SET of the mode, by the owner */
void set_segment_owner(int segment, uid_t uid, gid_t gid, int mode); /* IPC_SET of both, by owner or creator */

/* ---- for verdict arguments ---- */

/* shmctl(IPC_SET) of the three members that it takes over, with 0x5a in all others; result and errors are its own. */
int segment_set(int segment, uid_t uid, gid_t gid, int mode);

/* shm_nattch; -1 with errno as from IPC_STAT. */
long nattch(int segment);

/* Limits (IPC_INFO) and use (SHM_INFO) of the namespace. */
struct shminfo shm_limits(void);
struct shm_info shm_usage(void);

/* Creates and removes count segments, so that identifiers are no longer small and sequence numbers no longer 0. */
void burn_segment_ids(int count);

/* The lines of /proc/sysvipc/shm in text, but for the header: returns how many there are, most at most. One that has
 * another form gets the identifier -1, which no segment has. */
struct segment_line {
        int key, id;
        unsigned mode;
        unsigned long long size;
        int cpid, lpid;
        unsigned long nattch;
        unsigned uid, gid, cuid, cgid;
        long long atime, dtime, ctime;
        unsigned long rss, swap;
};
size_t segment_lines(const char *text, struct segment_line *lines, size_t most);

/* Everything that can be seen of a segment but its contents: for "a failed call changes nothing". */
struct segment_view {
        size_t size;
        long nattch;
        pid_t cpid, lpid;
        unsigned mode;
        uid_t uid, cuid;
        gid_t gid, cgid;
        time_t atime, dtime, ctime;
};
struct segment_view view_of_segment(int segment);
bool same_segment_view(const struct segment_view *a, const struct segment_view *b);

/* The mapping of this process that begins at the address, from /proc/self/maps; false where there is none. */
struct mapping {
        uintptr_t start, end;
        char permissions[5];                    /* "rwxs" as in proc(5) */
        unsigned long long offset, inode;
        char name[64];
};
bool mapping_at(const void *start, struct mapping *mapping);

#endif
