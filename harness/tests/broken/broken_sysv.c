/* SPDX-License-Identifier: MIT
 *
 * The calls of System V IPC, and ftok().
 */
#include <stdarg.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <time.h>

#include "broken.h"

/* ---- identifiers: a lost effect is IPC_EXCL without meaning, an extra one is a second object ---- */

static bool makes(key_t key, int flags)
{
        return key == IPC_PRIVATE || flags & IPC_CREAT;
}

int msgget(key_t key, int msgflg)
{
        if (broken("msgget", "lost"))
                msgflg &= ~IPC_EXCL;
        if (broken("msgget", "extra") && makes(key, msgflg))
                REAL(msgget)(IPC_PRIVATE, 0600);
        REPORT(msgget, REAL(msgget)(key, msgflg));
}

int semget(key_t key, int nsems, int semflg)
{
        if (broken("semget", "lost"))
                semflg &= ~IPC_EXCL;
        if (broken("semget", "extra") && makes(key, semflg))
                REAL(semget)(IPC_PRIVATE, 1, 0600);
        REPORT(semget, REAL(semget)(key, nsems, semflg));
}

int shmget(key_t key, size_t size, int shmflg)
{
        if (broken("shmget", "lost"))
                shmflg &= ~IPC_EXCL;
        if (broken("shmget", "extra") && makes(key, shmflg))
                REAL(shmget)(IPC_PRIVATE, 1, 0600);
        REPORT(shmget, REAL(shmget)(key, size, shmflg));
}

/* ---- control: a lost effect is an IPC_SET that sets nothing, an extra one an IPC_STAT that forbids writing ---- */

int msgctl(int msqid, int cmd, struct msqid_ds *buf)
{
        if (cmd == IPC_SET && broken("msgctl", "lost"))
                cmd = IPC_STAT;
        const int result = REAL(msgctl)(msqid, cmd, buf);
        if (cmd == IPC_STAT && result == 0 && broken("msgctl", "extra")) {
                struct msqid_ds changed = *buf;

                changed.msg_perm.mode &= ~0222;
                REAL(msgctl)(msqid, IPC_SET, &changed);
        }
        REPORT(msgctl, result);
}

/* The fourth argument of semctl(), which the application has to declare. */
union semun {
        int val;
        struct semid_ds *buf;
        unsigned short *array;
};

int semctl(int semid, int semnum, int cmd, ...)
{
        va_list args;

        va_start(args, cmd);
        const union semun arg = va_arg(args, union semun);
        va_end(args);
        if (cmd == IPC_SET && broken("semctl", "lost"))
                cmd = IPC_STAT;
        const int result = REAL(semctl)(semid, semnum, cmd, arg);
        if (cmd == IPC_STAT && result == 0 && broken("semctl", "extra")) {
                struct semid_ds changed = *arg.buf;

                changed.sem_perm.mode &= ~0222;
                REAL(semctl)(semid, 0, IPC_SET, &changed);
        }
        REPORT(semctl, result);
}

int shmctl(int shmid, int cmd, struct shmid_ds *buf)
{
        if (cmd == IPC_SET && broken("shmctl", "lost"))
                cmd = IPC_STAT;
        const int result = REAL(shmctl)(shmid, cmd, buf);
        if (cmd == IPC_STAT && result == 0 && broken("shmctl", "extra")) {
                struct shmid_ds changed = *buf;

                changed.shm_perm.mode &= ~0222;
                REAL(shmctl)(shmid, IPC_SET, &changed);
        }
        REPORT(shmctl, result);
}

/* ---- operations: a lost effect is none at all, an extra one is the same once more ---- */

int msgsnd(int msqid, const void *msgp, size_t msgsz, int msgflg)
{
        if (broken("msgsnd", "lost"))
                return 0;
        const int result = REAL(msgsnd)(msqid, msgp, msgsz, msgflg);
        if (result == 0 && broken("msgsnd", "extra"))
                REAL(msgsnd)(msqid, msgp, msgsz, IPC_NOWAIT);
        REPORT(msgsnd, result);
}

ssize_t msgrcv(int msqid, void *msgp, size_t msgsz, long msgtyp, int msgflg)
{
        if (broken("msgrcv", "lost"))
                msgtyp = 0;
        const ssize_t result = REAL(msgrcv)(msqid, msgp, msgsz, msgtyp, msgflg);
        if (result >= 0 && broken("msgrcv", "extra")) {
                long scratch[1024];

                REAL(msgrcv)(msqid, scratch, sizeof(scratch) - sizeof(long), 0, IPC_NOWAIT | MSG_NOERROR);
        }
        REPORT(msgrcv, result);
}

int semop(int semid, struct sembuf *sops, size_t nsops)
{
        if (broken("semop", "lost"))
                return 0;
        const int result = REAL(semop)(semid, sops, nsops);
        if (result == 0 && broken("semop", "extra") && nsops == 1 && sops->sem_op > 0)
                REAL(semop)(semid, sops, nsops);
        REPORT(semop, result);
}

int semtimedop(int semid, struct sembuf *sops, size_t nsops, const struct timespec *timeout)
{
        if (broken("semtimedop", "lost"))
                return 0;
        const int result = REAL(semtimedop)(semid, sops, nsops, timeout);
        if (result == 0 && broken("semtimedop", "extra") && nsops == 1 && sops->sem_op > 0)
                REAL(semtimedop)(semid, sops, nsops, timeout);
        REPORT(semtimedop, result);
}

void *shmat(int shmid, const void *shmaddr, int shmflg)
{
        if (broken("shmat", "lost"))
                shmflg &= ~SHM_RDONLY;
        void *const result = REAL(shmat)(shmid, shmaddr, shmflg);
        if (result != (void *)-1 && broken("shmat", "extra"))
                REAL(shmat)(shmid, NULL, shmflg);
        REPORT(shmat, result);
}

int shmdt(const void *shmaddr)
{
        if (broken("shmdt", "lost"))
                return 0;
        const int result = REAL(shmdt)(shmaddr);
        if (result == 0 && broken("shmdt", "extra"))
                REAL(shmdt)((const char *)shmaddr + 4096);
        REPORT(shmdt, result);
}

/* ---- ftok(): a lost effect is an id that does not count, an extra one a key that is another the next time ---- */

static key_t last_key;

key_t ftok(const char *path, int id)
{
        key_t key = REAL(ftok)(path, broken("ftok", "lost") ? 1 : id);

        if (key != -1 && broken("ftok", "extra"))
                last_key = key += last_key;
        REPORT(ftok, key);
}
