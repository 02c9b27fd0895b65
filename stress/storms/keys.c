/* SPDX-License-Identifier: MIT
 *
 * keys.c: objects are created under few keys, looked up and removed, by many at once. A key has one creator a life, and
 * objects that exist at the same time have different identifiers.
 */
#include <sched.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include "storm.h"

enum { KEYS = 3, MOST_CREW = 64, MOST_HELD = 60, BUCKETS = 256, DEPTH = 64, SIZE = 100 };

/* Keys that are rushed at the beginning, above all others. */
enum { RUSHES = 8, RUSH_KEY = 0x70000000 };

/* ---- the three mechanisms ---- */

static int get_queue(key_t key, int flags)
{
        return msgget(key, flags);
}

static int get_set(key_t key, int flags)
{
        return semget(key, 2, flags);
}

static int get_segment(key_t key, int flags)
{
        return shmget(key, SIZE, flags);
}

static int remove_queue(int id)
{
        return msgctl(id, IPC_RMID, NULL);
}

static int remove_set(int id)
{
        return semctl(id, 0, IPC_RMID);
}

static int remove_segment(int id)
{
        return shmctl(id, IPC_RMID, NULL);
}

/* The object's permissions; -1 with errno where there is none. */
static int stat_queue(int id, struct ipc_perm *perm)
{
        struct msqid_ds ds;
        const int result = msgctl(id, IPC_STAT, &ds);

        *perm = ds.msg_perm;
        return result;
}

static int stat_set(int id, struct ipc_perm *perm)
{
        struct semid_ds ds;
        const int result = semctl(id, 0, IPC_STAT, (union semun){.buf = &ds});

        *perm = ds.sem_perm;
        return result;
}

static int stat_segment(int id, struct ipc_perm *perm)
{
        struct shmid_ds ds;
        const int result = shmctl(id, IPC_STAT, &ds);

        *perm = ds.shm_perm;
        return result;
}

static int count_queues(void)
{
        struct msginfo info;

        return msgctl(0, MSG_INFO, (struct msqid_ds *)&info) == -1 ? -1 : info.msgpool;
}

static int count_sets(void)
{
        struct seminfo info;

        return semctl(0, 0, SEM_INFO, (union semun){.info = &info}) == -1 ? -1 : info.semusz;
}

static int count_segments(void)
{
        struct shm_info info;

        return shmctl(0, SHM_INFO, (struct shmid_ds *)&info) == -1 ? -1 : info.used_ids;
}

static const struct mechanism {
        const char *get;
        int (*create)(key_t key, int flags), (*remove)(int id), (*stat)(int id, struct ipc_perm *perm), (*count)(void);
        enum ipck_requirement excl, removes, counts;
} mechanisms[] = {
        {"msgget()", get_queue, remove_queue, stat_queue, count_queues, msgget_atomic_creat_excl, msgctl_rmid_removes,
         msgctl_info_msg_info_counts},
        {"semget()", get_set, remove_set, stat_set, count_sets, semget_atomic_creat_excl, semctl_rmid_removes,
         semctl_info_sem_info},
        {"shmget()", get_segment, remove_segment, stat_segment, count_segments, shmget_atomic_creat_excl,
         shmctl_rmid_unattached, shmctl_info_shm_info_used},
};
enum { MECHANISMS = sizeof(mechanisms) / sizeof(*mechanisms) };

/* ---- the books ---- */

static struct books {
        key_t keys[KEYS];
        _Atomic int lives[MECHANISMS][KEYS];                    /* 1 while somebody has created and not yet removed */
        _Atomic int present[MECHANISMS][BUCKETS][DEPTH];        /* identifiers plus 1 */
        int crew;
        _Atomic int met;                                        /* workers, before each rush */
        _Atomic int found[RUSHES];                              /* identifier plus 1 that the first was given */
} *books;

/* How often the identifier is in its bucket. */
static int presence(int m, int id, int put)
{
        _Atomic int *const bucket = books->present[m][id % BUCKETS];
        int count = 0;

        for (int i = 0; i < DEPTH; i++) {
                int before = put;
                if (put != id + 1 && atomic_compare_exchange_strong(&bucket[i], &before, id + 1))
                        put = id + 1;
                count += bucket[i] == id + 1;
        }
        return count;
}

static void note_creation(int m, int id)
{
        EXPECT(xsi_ipc_id_positive, id >= 0, "%s returns the identifier %d", mechanisms[m].get, id);
        EXPECT(xsi_ipc_id_unique_per_mechanism, presence(m, id, 0) < 2 && presence(m, id, id + 1) < 2,
               "%s returns the identifier %d, which another object has", mechanisms[m].get, id);
}

static void note_removal(int m, int id)
{
        _Atomic int *const bucket = books->present[m][id % BUCKETS];

        for (int i = 0; i < DEPTH; i++) {
                int before = id + 1;
                if (atomic_compare_exchange_strong(&bucket[i], &before, 0))
                        return;
        }
}

/* ---- what a worker does ---- */

static struct held {
        int mechanism, key, id;         /* key -1: IPC_PRIVATE */
} held[MOST_HELD];
static int held_count, removed_last[MECHANISMS];

static void create(int m)
{
        const bool private = once_in(2);
        const int k = private ? -1 : (int)pick(KEYS);
        const int id = mechanisms[m].create(private ? IPC_PRIVATE : books->keys[k], IPC_CREAT | IPC_EXCL | 0600);

        count_operations(1);
        if (id == -1) {
                EXPECT(mechanisms[m].excl, !private && errno == EEXIST, "%s with IPC_CREAT and IPC_EXCL fails with %s",
                       mechanisms[m].get, errno_name(errno));
                return;
        }
        if (!private)
                EXPECT(mechanisms[m].excl, atomic_fetch_add(&books->lives[m][k], 1) == 0,
                       "%s with IPC_EXCL made a second object of one key", mechanisms[m].get);
        EXPECT(xsi_ipc_id_seq_reuse, id + 1 != removed_last[m],
               "%s gives the identifier %d again, which was removed just before", mechanisms[m].get, id);
        note_creation(m, id);
        held[held_count++] = (struct held){m, k, id};
}

static void look_up(int m)
{
        struct ipc_perm perm;
        const int k = (int)pick(KEYS), id = mechanisms[m].create(books->keys[k], 0);

        count_operations(1);
        if (id == -1) {
                EXPECT(mechanisms[m].excl, errno == ENOENT, "the look-up of a key fails with %s", errno_name(errno));
                return;
        }
        if (mechanisms[m].stat(id, &perm) == -1)
                EXPECT(mechanisms[m].removes, errno == EINVAL || errno == EIDRM,
                       "IPC_STAT of an object beside its removal fails with %s", errno_name(errno));
        else
                EXPECT(xsi_ipc_id_seq_reuse, perm.__key == books->keys[k],
                       "the identifier of key %#x is that of an object with the key %#x", (unsigned)books->keys[k],
                       (unsigned)perm.__key);
}

static void discard(int i)
{
        const struct held h = held[i];
        struct ipc_perm perm;

        held[i] = held[--held_count];
        note_removal(h.mechanism, h.id);
        if (h.key != -1)
                books->lives[h.mechanism][h.key]--;
        const int result = mechanisms[h.mechanism].remove(h.id);
        EXPECT(mechanisms[h.mechanism].removes, result == 0, "IPC_RMID of an existing object fails with %s",
               errno_name(errno));
        EXPECT(mechanisms[h.mechanism].removes, mechanisms[h.mechanism].stat(h.id, &perm) == -1,
               "IPC_STAT finds an object that was removed");
        removed_last[h.mechanism] = h.id + 1;
        count_operations(2);
}

/* All ask for a queue of the same new key at once. */
static void rush(int n)
{
        meet(&books->met, books->crew, n + 1);
        const int id = msgget(RUSH_KEY + n, IPC_CREAT | 0600);
        int first = 0;

        count_operations(1);
        EXPECT(msgget_atomic_creat_same_id, id != -1, "msgget() with IPC_CREAT beside others fails with %s",
               errno_name(errno));
        if (!atomic_compare_exchange_strong(&books->found[n], &first, id + 1))
                EXPECT(msgget_atomic_creat_same_id, first == id + 1,
                       "of those who call msgget() with IPC_CREAT at the same time one is given %d, another %d",
                       first - 1, id);
}

static void worker(int me)
{
        (void)me;
        doing("calls that do not wait");
        for (int n = 0; n < RUSHES; n++)
                rush(n);
        for (uint32_t n = 50 + pick(200); n > 0 && more_time(); n--) {
                const int m = (int)pick(MECHANISMS);
                if (held_count && (held_count == MOST_HELD || once_in(6)))
                        discard((int)pick((uint32_t)held_count));
                else if (once_in(3))
                        look_up(m);
                else
                        create(m);
        }
        while (held_count)
                discard(0);
}

STORM(keys, "creation, look-up and removal of few keys: one creator a life, identifiers unique")
{
        int before[MECHANISMS];

        books = shared(sizeof(*books));
        while (another_round()) {
                memset(books, 0, sizeof(*books));
                for (int k = 0; k < KEYS; k++)
                        books->keys[k] = (key_t)(1 + pick(RUSH_KEY - 1));
                for (int m = 0; m < MECHANISMS; m++)
                        before[m] = mechanisms[m].count();
                books->crew = draw_crew(2, MOST_CREW);
                muster(books->crew, worker);
                set_off();
                all_end(msgget_atomic_creat_excl);
                for (int n = 0; n < RUSHES; n++)
                        MUST(remove_queue(books->found[n] - 1));
                for (int m = 0; m < MECHANISMS; m++) {
                        EXPECT(mechanisms[m].counts, mechanisms[m].count() == before[m],
                               "when all that %s made is removed there are %d objects, not %d", mechanisms[m].get,
                               mechanisms[m].count(), before[m]);
                        for (int k = 0; k < KEYS; k++)
                                EXPECT(mechanisms[m].removes, mechanisms[m].create(books->keys[k], 0) == -1,
                                       "%s finds a key whose object was removed", mechanisms[m].get);
                }
        }
}
