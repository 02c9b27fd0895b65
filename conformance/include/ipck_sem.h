/* SPDX-License-Identifier: MIT
 *
 * ipck_sem.h: System V semaphores for tests. After this header semget, semop, semtimedop and semctl mean the variant
 * under test: the C library's function or the system call itself (enum ipck_route). (semop)(..) in parentheses is
 * the C library's.
 */
#ifndef IPCK_SEM_H
#define IPCK_SEM_H

#include <sys/sem.h>

#include "ipck_xsi.h"

#undef IPCK_FILE_AVAILABLE
#define IPCK_FILE_AVAILABLE ipck_sem_available

/* The fourth argument of semctl(), which POSIX leaves to the application to define (XSH semctl DESCRIPTION). */
union semun {
        int val;
        struct semid_ds *buf;
        unsigned short *array;
        struct seminfo *info;
};
#define ARG_VAL(v) ((union semun){.val = (v)})
#define ARG_BUF(b) ((union semun){.buf = (b)})
#define ARG_ARRAY(a) ((union semun){.array = (a)})
#define ARG_INFO(i) ((union semun){.info = (i)})

#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY 20
#endif

/* The calls of the running variant; arguments, results and errors as in semget(2), semop(2), semctl(2). */
int ipck_semget(key_t key, int nsems, int semflg);
int ipck_semop(int semid, struct sembuf *sops, size_t nsops);
int ipck_semtimedop(int semid, struct sembuf *sops, size_t nsops, const struct timespec *timeout);
int ipck_semctl(int semid, int semnum, int cmd, union semun arg, ...);
extern const union semun ipck_no_arg;
void ipck_sem_available(void);

#define semget(...) ipck_semget(__VA_ARGS__)
#define semop(...) ipck_semop(__VA_ARGS__)
#define semtimedop(...) ipck_semtimedop(__VA_ARGS__)
#define semctl(semid, semnum, ...) ipck_semctl(semid, semnum, __VA_ARGS__, ipck_no_arg)

/* SEMOP(set, OP(num, op, flags), ...): semop() on a literal array. SEMTIMEDOP(set, timeout, OP(..), ...) likewise. */
#define OP(num, op, flags) ((struct sembuf){.sem_num = (num), .sem_op = (op), .sem_flg = (flags)})
#define IPCK_OPS(...) ((struct sembuf[]){__VA_ARGS__})
#define IPCK_NOPS(...) (sizeof((struct sembuf[]){__VA_ARGS__}) / sizeof(struct sembuf))
#define SEMOP(set, ...) ipck_semop(set, IPCK_OPS(__VA_ARGS__), IPCK_NOPS(__VA_ARGS__))
#define SEMTIMEDOP(set, timeout, ...) ipck_semtimedop(set, IPCK_OPS(__VA_ARGS__), IPCK_NOPS(__VA_ARGS__), timeout)

/* Set-up that must work (unresolved otherwise). */
int new_sems(int nsems, int mode);                      /* IPC_PRIVATE, all values 0 */
int must_fit(int set, int nsems);                       /* MUST(semget()); UNSUPPORTED where the limits leave no room */
void set_val(int set, int num, int value);              /* SETVAL */
void set_values(int set, const unsigned short *values, size_t count);   /* SETALL; and with an array: */
#define set_all(set, ...) set_values(set, __VA_ARGS__, sizeof(__VA_ARGS__) / sizeof(*(__VA_ARGS__)))
void get_all(int set, unsigned short *values);          /* GETALL */
struct semid_ds stat_of(int set);                       /* IPC_STAT into a structure filled with 0x5a before */
void set_mode(int set, int mode);                       /* IPC_SET of the mode, by the owner; no permission needed */
void set_owner(int set, uid_t uid, gid_t gid, int mode); /* IPC_SET of owner and mode, by owner or creator */

/* A set that another user created, see as_user(); with these values, or all 0 where values is NULL. */
int new_sems_of(uid_t uid, int nsems, int mode, const unsigned short *values);

/* Shorthands for verdict arguments: value, pid and waiters of one semaphore; -1 with errno as from semctl(). */
#define VAL(set, num) semctl(set, num, GETVAL)
#define PID(set, num) semctl(set, num, GETPID)
#define NCNT(set, num) semctl(set, num, GETNCNT)
#define ZCNT(set, num) semctl(set, num, GETZCNT)

/* semctl(IPC_SET) of the three members that it takes over, with 0x5a in all others; result and errors are its own. */
int ipc_set(int set, uid_t uid, gid_t gid, int mode);

/* semctl() with any command that takes an identifier, on semaphore 0 of a set of three, with a fourth argument that
 * suits it: the values 21, 22, 23, the value 24, or ds, which comes from IPC_STAT of a living set. */
int any_semctl(int set, int cmd, struct semid_ds *ds);

/* How many wait in the set, for whatever. */
int asleep(int set);

/* WAITER(child, requirement, set, OP(..) ..): a process that waits in semop(), has its place in the queue when this
 * is over, and must come back with success. */
#define WAITER(c, req, set, ...)                                                                        \
        do {                                                                                            \
                const int ipck_others = asleep(set);                                                    \
                ipck_sem_wait(IPCK_HERE, c, req, "SEMOP(" #set ", " #__VA_ARGS__ ")", set,              \
                              IPCK_OPS(__VA_ARGS__), IPCK_NOPS(__VA_ARGS__));                           \
                UNTIL(asleep(set) > ipck_others);                                                       \
        } while (0)
void ipck_sem_wait(struct ipck_here, struct child *, enum ipck_requirement, const char *call, int set,
                   struct sembuf *sops, size_t nsops);

/* Limits of the namespace (IPC_INFO): semmsl, semmns, semopm, semmni, semvmx ... */
struct seminfo sem_limits(void);

/* Sets kernel.sem of the private namespace; UNSUPPORTED where this user may not. */
void set_sem_limits(int semmsl, int semmns, int semopm, int semmni);

/* Creates and removes count sets, so that identifiers are no longer small and sequence numbers no longer 0. */
void burn_sem_ids(int count);

/* The lines of /proc/sysvipc/sem in text, but for the header: returns how many there are, most at most. One that has
 * another form gets the identifier -1, which no set has. */
struct sem_line {
        int key, id;
        unsigned mode, nsems, uid, gid, cuid, cgid;
        long long otime, ctime;
};
size_t sem_lines(const char *text, struct sem_line *lines, size_t most);

/* Everything that can be seen of a set but its times: for "a failed call changes nothing". nsems at most 16. */
struct sem_view {
        struct {
                int val, pid, ncnt, zcnt;
        } sem[16];
        int nsems;
        unsigned mode;
        uid_t uid;
        gid_t gid;
        time_t otime, ctime;
};
struct sem_view view_of(int set);
bool same_view(const struct sem_view *a, const struct sem_view *b);

#endif
