/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <mqueue.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>

#include "apart.h"

enum { LINES_MOST = 4096, LINE_MOST = 512 };

/* Texts, put into order before they are written. */
struct list {
        char *lines[LINES_MOST];
        size_t count;
};

static void add(struct list *list, const char *line)
{
        char *const copy = strdup(line);

        if (!copy || list->count == LINES_MOST)
                refuse("too many objects");
        list->lines[list->count++] = copy;
}

static int in_order(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* ---- System V ---- */

static void add_queues(struct list *list)
{
        struct msginfo info;
        const int highest = msgctl(0, MSG_INFO, (struct msqid_ds *)&info);

        for (int i = 0; i <= highest; i++) {
                struct msqid_ds ds;
                char line[LINE_MOST];
                if (msgctl(i, MSG_STAT, &ds) == -1)
                        continue;
                snprintf(line, sizeof(line), "System V queue, mode %03o: %lu messages, %lu bytes",
                         (unsigned)ds.msg_perm.mode & 0777, (unsigned long)ds.msg_qnum, (unsigned long)ds.__msg_cbytes);
                add(list, line);
        }
}

static void add_sets(struct list *list)
{
        struct seminfo info;
        const int highest = semctl(0, 0, SEM_INFO, &info);

        for (int i = 0; i <= highest; i++) {
                static unsigned short values[32000];
                struct semid_ds ds;
                char line[LINE_MOST];
                const int set = semctl(i, 0, SEM_STAT, &ds);
                if (set == -1)
                        continue;
                size_t length = (size_t)snprintf(line, sizeof(line), "System V set, mode %03o:",
                                                 (unsigned)ds.sem_perm.mode & 0777);
                if (semctl(set, 0, GETALL, values) == -1)
                        continue;
                for (size_t n = 0; n < ds.sem_nsems && length < sizeof(line) - 8; n++)
                        length += (size_t)snprintf(line + length, sizeof(line) - length, " %hu", values[n]);
                add(list, line);
        }
}

static void add_segments(struct list *list)
{
        struct shm_info info;
        const int highest = shmctl(0, SHM_INFO, (struct shmid_ds *)&info);

        for (int i = 0; i <= highest; i++) {
                struct shmid_ds ds;
                char line[LINE_MOST];
                if (shmctl(i, SHM_STAT, &ds) == -1)
                        continue;
                snprintf(line, sizeof(line), "System V segment, mode %03o: %zu bytes, attached %lu%s",
                         (unsigned)ds.shm_perm.mode & 0777, ds.shm_segsz, (unsigned long)ds.shm_nattch,
                         ds.shm_perm.mode & SHM_DEST ? ", removed" : "");
                add(list, line);
        }
}

/* ---- POSIX ---- */

static void add_file(struct list *list, const char *name)
{
        char path[300], line[LINE_MOST];
        struct stat st;
        int value;

        snprintf(path, sizeof(path), "/dev/shm/%s", name);
        if (lstat(path, &st) == -1)
                return;
        if (strncmp(name, "sem.", 4) == 0) {
                path[0] = '/';
                snprintf(path + 1, sizeof(path) - 1, "%s", name + 4);
                sem_t *const semaphore = sem_open(path, 0);
                if (semaphore != SEM_FAILED && sem_getvalue(semaphore, &value) == 0) {
                        snprintf(line, sizeof(line), "semaphore %s: %d", path, value);
                        sem_close(semaphore);
                        add(list, line);
                        return;
                }
        }
        snprintf(line, sizeof(line), "/dev/shm/%s: %s, %lld bytes", name, S_ISDIR(st.st_mode) ? "directory" : "file",
                 S_ISDIR(st.st_mode) ? 0LL : (long long)st.st_size);
        add(list, line);
}

static void add_mqueue(struct list *list, const char *name)
{
        char path[300], line[LINE_MOST];
        struct mq_attr attributes;

        snprintf(path, sizeof(path), "/%s", name);
        const mqd_t queue = mq_open(path, O_RDONLY);
        if (queue == (mqd_t)-1 || mq_getattr(queue, &attributes) == -1)
                snprintf(line, sizeof(line), "POSIX queue %s: %s", path, strerror(errno));
        else
                snprintf(line, sizeof(line), "POSIX queue %s: %ld messages", path, attributes.mq_curmsgs);
        if (queue != (mqd_t)-1)
                mq_close(queue);
        add(list, line);
}

static void each_name(struct list *list, const char *path, void (*add_one)(struct list *list, const char *name))
{
        DIR *const folder = opendir(path);

        if (!folder)
                refuse(path);
        for (const struct dirent *entry; (entry = readdir(folder));)
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        add_one(list, entry->d_name);
        closedir(folder);
}

void write_objects(FILE *out)
{
        static struct list list;

        list.count = 0;
        add_queues(&list);
        add_sets(&list);
        add_segments(&list);
        each_name(&list, "/dev/shm", add_file);
        each_name(&list, OWN "/mqueue", add_mqueue);
        qsort(list.lines, list.count, sizeof(*list.lines), in_order);
        putc('[', out);
        for (size_t i = 0; i < list.count; i++) {
                if (i > 0)
                        fputs(", ", out);
                write_string(out, list.lines[i], strlen(list.lines[i]));
                free(list.lines[i]);
        }
        putc(']', out);
}
