/* SPDX-License-Identifier: MIT
 *
 * sem.c: the three routes to the semaphore calls, and set-up for semaphore tests.
 */
#include <stdarg.h>
#include <stdio.h>

#include "internal.h"
#include "ipck_mux.h"
#include "ipck_sem.h"

#undef semget
#undef semop
#undef semtimedop
#undef semctl

const union semun ipck_no_arg;

#ifdef SYS_semtimedop_time64
enum { RAW_TIME_SIZE = sizeof(int64_t), SEMTIMEDOP = SYS_semtimedop_time64 };
#else
enum { RAW_TIME_SIZE = sizeof(long), SEMTIMEDOP = SYS_semtimedop };
#endif

int ipck_semget(key_t key, int nsems, int semflg)
{
        switch (ipck_route) {
        case IPCK_RAW: return (int)syscall(SYS_semget, key, nsems, semflg);
        case IPCK_MUX: return (int)MUX(MUX_SEMGET, key, nsems, semflg, 0, 0);
        default: return semget(key, nsems, semflg);
        }
}

int ipck_semop(int semid, struct sembuf *sops, size_t nsops)
{
        switch (ipck_route) {
        case IPCK_RAW:
#ifdef SYS_semop
                return (int)syscall(SYS_semop, semid, sops, nsops);
#else
                return (int)syscall(SEMTIMEDOP, semid, sops, nsops, NULL);
#endif
        case IPCK_MUX: return (int)MUX(MUX_SEMOP, semid, nsops, 0, sops, 0);
        default: return semop(semid, sops, nsops);
        }
}

union kernel_time {
        int64_t wide[2];
        long narrow[2];
};

/* The timeout with members of the given size: itself where the C library's are as large (so that a test sees what the
 * kernel does to it), else a copy. An address that a test made bad on purpose reaches the kernel as it is. */
static const void *resized(const struct timespec *timeout, size_t size, union kernel_time *copy)
{
        if (!timeout || sizeof(*timeout) == 2 * size || !ipck_readable(timeout, sizeof(*timeout)))
                return timeout;
        if (size == sizeof(long))
                *copy = (union kernel_time){.narrow = {(long)timeout->tv_sec, timeout->tv_nsec}};
        else
                *copy = (union kernel_time){.wide = {timeout->tv_sec, timeout->tv_nsec}};
        return copy;
}

int ipck_semtimedop(int semid, struct sembuf *sops, size_t nsops, const struct timespec *timeout)
{
        union kernel_time copy;
        const void *time;

        switch (ipck_route) {
        case IPCK_RAW:
                time = resized(timeout, RAW_TIME_SIZE, &copy);
                return (int)syscall(SEMTIMEDOP, semid, sops, nsops, time);
        case IPCK_MUX:
                time = resized(timeout, sizeof(long), &copy);
                return (int)MUX(MUX_SEMTIMEDOP, semid, nsops, 0, sops, time);
        default: return semtimedop(semid, sops, nsops, timeout);
        }
}

int ipck_semctl(int semid, int semnum, int cmd, union semun arg, ...)
{
        unsigned long word = 0;

        switch (ipck_route) {
        case IPCK_RAW:
                memcpy(&word, &arg, sizeof(arg));
                return (int)syscall(SYS_semctl, semid, semnum, DIRECT_COMMAND(cmd), word);
        case IPCK_MUX:
                /* ipc(2) takes the union by address. */
                return (int)MUX(MUX_SEMCTL, semid, semnum, cmd | WITH_IPC_64, &arg, 0);
        default: return semctl(semid, semnum, cmd, arg);
        }
}

void ipck_sem_available(void)
{
        if (ipck_semget(IPC_PRIVATE, 0, 0) == -1 && errno == ENOSYS)
                UNSUPPORTED("System V semaphores by this route (semget: ENOSYS)");
        struct seminfo limits = {.semmni = 1};
        /* That IPC_INFO tells of a limit of 0 may be wrong: it is what some test is about. */
        if (ipck_semctl(0, 0, IPC_INFO, ARG_INFO(&limits)) != -1 &&
            (!limits.semmsl || !limits.semmns || !limits.semmni))
                MUST(ipck_semctl(new_sems(1, 0600), 0, IPC_RMID, ipck_no_arg));
}

int must_fit(int set, int nsems)
{
        const int error = errno;

        if (set == -1 && (error == EINVAL || error == ENOSPC)) {
                const struct seminfo limits = sem_limits();
                struct seminfo use;
                MUST(ipck_semctl(0, 0, SEM_INFO, ARG_INFO(&use)));
                if (nsems > limits.semmsl || nsems > limits.semmns - use.semaem || use.semusz >= limits.semmni)
                        UNSUPPORTED("room for %d semaphores more in one set (kernel.sem is %d %d %d %d)", nsems,
                                    limits.semmsl, limits.semmns, limits.semopm, limits.semmni);
        }
        errno = error;
        return (int)MUST(set);
}

int new_sems(int nsems, int mode)
{
        return must_fit(ipck_semget(IPC_PRIVATE, nsems, IPC_CREAT | mode), nsems);
}

void set_val(int set, int num, int value)
{
        MUST(ipck_semctl(set, num, SETVAL, ARG_VAL(value)));
}

void set_values(int set, const unsigned short *values, size_t count)
{
        /* An emulator may store there what it has read. */
        unsigned short *const copy = calloc(count, sizeof(*copy));

        REQUIRE(copy);
        memcpy(copy, values, count * sizeof(*copy));
        MUST(ipck_semctl(set, 0, SETALL, ARG_ARRAY(copy)));
        free(copy);
}

void get_all(int set, unsigned short *values)
{
        MUST(ipck_semctl(set, 0, GETALL, ARG_ARRAY(values)));
}

struct semid_ds stat_of(int set)
{
        struct semid_ds ds;

        memset(&ds, 0x5a, sizeof(ds));
        MUST(ipck_semctl(set, 0, IPC_STAT, ARG_BUF(&ds)));
        return ds;
}

int ipc_set(int set, uid_t uid, gid_t gid, int mode)
{
        struct semid_ds ds;

        memset(&ds, 0x5a, sizeof(ds));
        ds.sem_perm.uid = uid;
        ds.sem_perm.gid = gid;
        ds.sem_perm.mode = (unsigned short)mode;
        return ipck_semctl(set, 0, IPC_SET, ARG_BUF(&ds));
}

void set_mode(int set, int mode)
{
        MUST(ipc_set(set, geteuid(), getegid(), mode));
}

void set_owner(int set, uid_t uid, gid_t gid, int mode)
{
        if (ipc_set(set, uid, gid, mode) == -1) {
                if (errno == EINVAL)
                        UNSUPPORTED("user %u and group %u: not mapped in this user namespace", (unsigned)uid,
                                    (unsigned)gid);
                CANNOT("semctl(IPC_SET)");
        }
}

int new_sems_of(uid_t uid, int nsems, int mode, const unsigned short *values)
{
        int *const set = shared(sizeof(*set));
        struct child creator;

        CHILD(&creator) {
                as_user(uid);
                *set = new_sems(nsems, 0600);
                if (values)
                        set_values(*set, values, (size_t)nsems);
                set_mode(*set, mode);
        }
        join(&creator);
        return *set;
}

int any_semctl(int set, int cmd, struct semid_ds *ds)
{
        unsigned short values[] = {21, 22, 23};

        switch (cmd) {
        case GETALL:
        case SETALL: return ipck_semctl(set, 0, cmd, ARG_ARRAY(values));
        case IPC_STAT:
        case IPC_SET: return ipck_semctl(set, 0, cmd, ARG_BUF(ds));
        default: return ipck_semctl(set, 0, cmd, ARG_VAL(24));
        }
}

int asleep(int set)
{
        const int nsems = (int)stat_of(set).sem_nsems;
        int n = 0;

        for (int i = 0; i < nsems; i++) {
                n += (int)MUST(ipck_semctl(set, i, GETNCNT, ARG_VAL(0)));
                n += (int)MUST(ipck_semctl(set, i, GETZCNT, ARG_VAL(0)));
        }
        return n;
}

void ipck_sem_wait(struct ipck_here here, struct child *c, enum ipck_requirement req, const char *call, int set,
                   struct sembuf *sops, size_t nsops)
{
        CHILD(c) {
                const int got = ipck_semop(set, sops, nsops);

                ipck_eq(here, req, call, got, errno, "0", 0);
        }
}

struct seminfo sem_limits(void)
{
        struct seminfo info;

        memset(&info, 0x5a, sizeof(info));
        MUST(ipck_semctl(0, 0, IPC_INFO, ARG_INFO(&info)));
        return info;
}

void set_sem_limits(int semmsl, int semmns, int semopm, int semmni)
{
        char text[64];

        snprintf(text, sizeof(text), "%d %d %d %d", semmsl, semmns, semopm, semmni);
        set_sysctl("kernel/sem", text);
}

void burn_sem_ids(int count)
{
        for (int i = 0; i < count; i++)
                MUST(ipck_semctl(new_sems(1, 0600), 0, IPC_RMID, ARG_VAL(0)));
}

size_t sem_lines(const char *text, struct sem_line *lines, size_t most)
{
        const char *next = strchr(text, '\n');
        size_t count = 0;

        while (next && *++next && count < most) {
                struct sem_line *line = &lines[count++];
                if (sscanf(next, "%d %d %o %u %u %u %u %u %lld %lld", &line->key, &line->id, &line->mode, &line->nsems,
                           &line->uid, &line->gid, &line->cuid, &line->cgid, &line->otime, &line->ctime) != 10)
                        line->id = -1;
                next = strchr(next, '\n');
        }
        return count;
}

struct sem_view view_of(int set)
{
        const struct semid_ds ds = stat_of(set);
        struct sem_view view;

        REQUIRE(ds.sem_nsems <= sizeof(view.sem) / sizeof(*view.sem));
        memset(&view, 0, sizeof(view));
        view.nsems = (int)ds.sem_nsems;
        for (int i = 0; i < view.nsems; i++) {
                view.sem[i].val = (int)MUST(ipck_semctl(set, i, GETVAL, ARG_VAL(0)));
                view.sem[i].pid = (int)MUST(ipck_semctl(set, i, GETPID, ARG_VAL(0)));
                view.sem[i].ncnt = (int)MUST(ipck_semctl(set, i, GETNCNT, ARG_VAL(0)));
                view.sem[i].zcnt = (int)MUST(ipck_semctl(set, i, GETZCNT, ARG_VAL(0)));
        }
        view.mode = ds.sem_perm.mode;
        view.uid = ds.sem_perm.uid;
        view.gid = ds.sem_perm.gid;
        view.otime = ds.sem_otime;
        view.ctime = ds.sem_ctime;
        return view;
}

bool same_view(const struct sem_view *a, const struct sem_view *b)
{
        /* Both were zeroed before, padding included. */
        return memcmp(a, b, sizeof(*a)) == 0;
}
