/* SPDX-License-Identifier: MIT
 *
 * mechanism.c: one table for the three mechanisms.
 */
#include <fcntl.h>

#include "internal.h"
#include "ipck_mechanism.h"

/* ---- message queues ---- */

static int queue_get(key_t key, int flags)
{
        return msgget(key, flags);
}

static int queue_remove(int id)
{
        return msgctl(id, IPC_RMID, NULL);
}

static int queue_set_perm(int id, uid_t uid, gid_t gid, int mode)
{
        return queue_set(id, uid, gid, mode, (size_t)msg_limits().msgmnb);
}

static int queue_stat_by(int id, int cmd, struct ipc_perm *perm)
{
        struct msqid_ds ds;
        const int result = msgctl(id, cmd, &ds);

        if (result != -1)
                *perm = ds.msg_perm;
        return result;
}

static int queue_stat(int id, struct ipc_perm *perm)
{
        return queue_stat_by(id, IPC_STAT, perm);
}

static int queue_stat_index(int index, struct ipc_perm *perm)
{
        return queue_stat_by(index, MSG_STAT, perm);
}

static int queue_stat_any(int index, struct ipc_perm *perm)
{
        return queue_stat_by(index, MSG_STAT_ANY, perm);
}

static int queue_highest(void)
{
        struct msginfo info;

        return msgctl(0, MSG_INFO, &info);
}

/* Of a type that queue_write() sends, so that the queue never fills; there may be none yet. */
static int queue_read(int id)
{
        struct message message;

        return msgrcv(id, &message, sizeof(message.text), 1, IPC_NOWAIT) == -1 && errno != ENOMSG ? -1 : 0;
}

static int queue_write(int id)
{
        return put(id, 1, 0, IPC_NOWAIT);
}

/* ---- semaphore sets ---- */

static int set_get(key_t key, int flags)
{
        return semget(key, flags & IPC_CREAT || key == IPC_PRIVATE ? 2 : 0, flags);
}

static int set_remove(int id)
{
        return semctl(id, 0, IPC_RMID);
}

static int set_stat_by(int id, int cmd, struct ipc_perm *perm)
{
        struct semid_ds ds;
        const int result = semctl(id, 0, cmd, ARG_BUF(&ds));

        if (result != -1)
                *perm = ds.sem_perm;
        return result;
}

static int set_stat(int id, struct ipc_perm *perm)
{
        return set_stat_by(id, IPC_STAT, perm);
}

static int set_stat_index(int index, struct ipc_perm *perm)
{
        return set_stat_by(index, SEM_STAT, perm);
}

static int set_stat_any(int index, struct ipc_perm *perm)
{
        return set_stat_by(index, SEM_STAT_ANY, perm);
}

static int set_highest(void)
{
        struct seminfo info;

        return semctl(0, 0, SEM_INFO, ARG_INFO(&info));
}

static int set_read(int id)
{
        return SEMOP(id, OP(0, 0, IPC_NOWAIT));
}

static int set_write(int id)
{
        return SEMOP(id, OP(1, 1, IPC_NOWAIT));
}

/* ---- segments ---- */

static int segment_get(key_t key, int flags)
{
        return shmget(key, flags & IPC_CREAT || key == IPC_PRIVATE ? page_size() : 0, flags);
}

static int segment_remove(int id)
{
        return shmctl(id, IPC_RMID, NULL);
}

static int segment_stat_by(int id, int cmd, struct ipc_perm *perm)
{
        struct shmid_ds ds;
        const int result = shmctl(id, cmd, &ds);

        if (result != -1)
                *perm = ds.shm_perm;
        return result;
}

static int segment_stat(int id, struct ipc_perm *perm)
{
        return segment_stat_by(id, IPC_STAT, perm);
}

static int segment_stat_index(int index, struct ipc_perm *perm)
{
        return segment_stat_by(index, SHM_STAT, perm);
}

static int segment_stat_any(int index, struct ipc_perm *perm)
{
        return segment_stat_by(index, SHM_STAT_ANY, perm);
}

static int segment_highest(void)
{
        struct shm_info info;

        return shmctl(0, SHM_INFO, &info);
}

static int attach_and_detach(int id, int shmflg)
{
        void *const address = shmat(id, NULL, shmflg);

        return address == SHM_FAILED ? -1 : shmdt(address);
}

static int segment_read(int id)
{
        return attach_and_detach(id, SHM_RDONLY);
}

static int segment_write(int id)
{
        return attach_and_detach(id, 0);
}

const struct mechanism mechanisms[3] = {
        [QUEUE] = {"queue", "msg", "kernel/msg_next_id", queue_get, queue_remove, queue_set_perm, queue_stat,
                   queue_stat_index, queue_stat_any, queue_highest, queue_read, queue_write, WRITE},
        [SET] = {"set", "sem", "kernel/sem_next_id", set_get, set_remove, ipc_set, set_stat, set_stat_index,
                 set_stat_any, set_highest, set_read, set_write, WRITE},
        [SEGMENT] = {"segment", "shm", "kernel/shm_next_id", segment_get, segment_remove, segment_set, segment_stat,
                     segment_stat_index, segment_stat_any, segment_highest, segment_read, segment_write, BOTH},
};

void ipck_mechanisms_available(void)
{
        ipck_msg_available();
        ipck_sem_available();
        ipck_shm_available();
}

/* ---- set-up ---- */

int must_fit_in(const struct mechanism *m, int id)
{
        switch (m - mechanisms) {
        case QUEUE: return queue_must_fit(id);
        case SET: return must_fit(id, 2);
        default: return segment_must_fit(id, page_size());
        }
}

int new_object(const struct mechanism *m, int mode)
{
        return must_fit_in(m, m->get(IPC_PRIVATE, IPC_CREAT | mode));
}

int new_object_of(const struct mechanism *m, uid_t uid, int mode)
{
        int *const id = shared(sizeof(*id));
        struct child creator;

        CHILD(&creator) {
                as_user(uid);
                *id = new_object(m, mode);
        }
        join(&creator);
        return *id;
}

struct ipc_perm perm_of(const struct mechanism *m, int id)
{
        struct ipc_perm perm;

        MUST(m->stat(id, &perm));
        return perm;
}

void set_mode_of(const struct mechanism *m, int id, int mode)
{
        MUST(m->set(id, geteuid(), getegid(), 0600));
        MUST(m->write(id));
        MUST(m->set(id, geteuid(), getegid(), mode));
}

void burn_ids(const struct mechanism *m, int count)
{
        for (int i = 0; i < count; i++)
                MUST(m->remove(new_object(m, 0600)));
}

int id_at(const struct mechanism *m, int index)
{
        struct ipc_perm perm;

        return m->stat_index(index, &perm);
}

int index_of(const struct mechanism *m, int id)
{
        const int highest = m->highest_index();

        for (int i = 0; i <= highest; i++)
                if (id_at(m, i) == id)
                        return i;
        UNSUPPORTED("a %s found by its index in the table of the kernel", m->name);
}

void ipck_tables_available(void)
{
        struct child looker;

        ipck_mechanisms_available();
        CHILD(&looker) {
                /* Elsewhere, so that the test's own objects have the identifiers that they have otherwise. */
                if (unshare(CLONE_NEWIPC) == 0)
                        EACH_ROW(m, mechanisms)
                                index_of(m, new_object(m, 0600));
        }
        join(&looker);
}

const struct gift *new_gifts(const struct mechanism *m, size_t count)
{
        struct gift *const gifts = shared(count * sizeof(*gifts));
        struct child creator;

        CHILD(&creator) {
                become(USER_A, GROUP_A, NULL, 0);
                for (size_t i = 0; i < count; i++) {
                        gifts[i].key = fresh_key();
                        gifts[i].id = must_fit_in(m, m->get(gifts[i].key, IPC_CREAT | IPC_EXCL | 0600));
                }
        }
        join(&creator);
        return gifts;
}

static void give(const struct mechanism *m, int id, int mode)
{
        if (m->set(id, USER_B, GROUP_B, mode) == -1) {
                if (errno == EINVAL)
                        UNSUPPORTED("user %d and group %d: not mapped in this user namespace", USER_B, GROUP_B);
                CANNOT("IPC_SET");
        }
}

void set_gift_modes(const struct mechanism *m, const struct gift *gifts, size_t count, const int *modes)
{
        struct child creator;

        CHILD(&creator) {
                become(USER_A, GROUP_A, NULL, 0);
                for (size_t i = 0; i < count; i++) {
                        set_mode_of(m, gifts[i].id, 0600);      /* as its owner again */
                        give(m, gifts[i].id, modes[i]);
                }
        }
        join(&creator);
}

struct gift new_gift(const struct mechanism *m, int mode)
{
        const struct gift *const gift = new_gifts(m, 1);

        set_gift_modes(m, gift, 1, &mode);
        return *gift;
}

/* ---- access ---- */

int access_to(const struct mechanism *m, int id)
{
        int granted = 0;

        if (m->read(id) == 0)
                granted |= READ;
        else if (errno != EACCES)
                return -1;
        if (m->write(id) == 0)
                granted |= WRITE;
        else if (errno != EACCES)
                return -1;
        return granted;
}

int access_by(const struct mechanism *m, int bits)
{
        return (bits & READ) | ((bits & m->write_needs) == m->write_needs ? WRITE : 0);
}

/* ---- /proc/sysvipc ---- */

int open_table(const struct mechanism *m)
{
        char path[64];

        snprintf(path, sizeof(path), "/proc/sysvipc/%s", m->file);
        const int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd == -1)
                UNSUPPORTED("%s (%s)", path, errno_name(errno));
        return fd;
}

#define COMMON(l) ((struct object_line){(l).key, (l).id, (l).mode, (l).uid, (l).gid, (l).cuid, (l).cgid})

/* The line after the first of the text; false where there is none. */
static bool next_line(const struct mechanism *m, const char *text, struct object_line *line)
{
        struct queue_line queue = {.id = -1};
        struct sem_line set = {.id = -1};
        struct segment_line segment = {.id = -1};
        size_t found;

        switch (m - mechanisms) {
        case QUEUE:
                found = queue_lines(text, &queue, 1);
                *line = COMMON(queue);
                break;
        case SET:
                found = sem_lines(text, &set, 1);
                *line = COMMON(set);
                break;
        default:
                found = segment_lines(text, &segment, 1);
                *line = COMMON(segment);
                break;
        }
        return found;
}

size_t object_lines(const struct mechanism *m, const char *text, struct object_line *lines, size_t most)
{
        size_t count = 0;

        while (count < most && next_line(m, text, &lines[count])) {
                text = strchr(text, '\n') + 1;
                count++;
        }
        return count;
}
