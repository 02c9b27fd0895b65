/* SPDX-License-Identifier: MIT
 *
 * Keys and return values, which mean the same to queues, semaphore sets and segments.
 */
#include <limits.h>
#include <sys/msg.h>
#include <sys/shm.h>

#include "ipck_sem.h"

static int get_set(key_t key, int flags)
{
        return semget(key, 1, flags);
}

static int get_queue(key_t key, int flags)
{
        return msgget(key, flags);
}

static int get_segment(key_t key, int flags)
{
        return shmget(key, 1, flags);
}

static const struct mechanism {
        const char *name;
        int (*get)(key_t key, int flags);
} mechanisms[] = {{"set", get_set}, {"queue", get_queue}, {"segment", get_segment}};

TEST(private_key_never_finds_anything, VERIFIES(xsi_ipc_key_private_always_new))
{
        enum { COUNT = 12 };

        EACH_ROW(row, mechanisms) {
                int id[COUNT];

                for (int i = 0; i < COUNT; i++) {
                        /* Neither a set with a key nor one without is ever met again. */
                        const key_t key = i % 3 == 2 ? fresh_key() : IPC_PRIVATE;
                        const int flags = i % 2 ? IPC_CREAT | 0600 : 0600;

                        id[i] = (int)MUST(row->get(key, key == IPC_PRIVATE ? flags : IPC_CREAT | 0600));
                        for (int j = 0; j < i; j++)
                                HOLDS(xsi_ipc_key_private_always_new, id[i] != id[j]);
                }
        }
}

TEST(every_other_value_is_a_key, VERIFIES(xsi_ipc_key_int_min_max))
{
        static const key_t keys[] = {-1, INT_MIN, INT_MAX, 1, 2, INT_MIN + 1, -2, 0x10000, 0x8000, 0x5a5a5a5a};
        enum { COUNT = sizeof(keys) / sizeof(*keys) };

        EACH_ROW(row, mechanisms) {
                int id[COUNT];

                for (int i = 0; i < COUNT; i++) {
                        FAILS_WITH(xsi_ipc_key_int_min_max, ENOENT, row->get(keys[i], 0600));
                        EQ(xsi_ipc_key_int_min_max, worked(id[i] = row->get(keys[i], IPC_CREAT | IPC_EXCL | 0600)), 0);
                        for (int j = 0; j < i; j++)
                                HOLDS(xsi_ipc_key_int_min_max, id[j] != id[i]);
                }
                for (int i = 0; i < COUNT; i++)
                        EQ(xsi_ipc_key_int_min_max, row->get(keys[i], 0600), id[i]);
        }
}

TEST(key_names_one_of_each, VERIFIES(xsi_ipc_id_key_spaces_independent))
{
        const key_t key = fresh_key();
        const int set = (int)MUST(semget(key, 1, IPC_CREAT | IPC_EXCL | 0600));

        FAILS_WITH(xsi_ipc_id_key_spaces_independent, ENOENT, msgget(key, 0600));
        FAILS_WITH(xsi_ipc_id_key_spaces_independent, ENOENT, shmget(key, 1, 0600));
        int queue, segment;
        EQ(xsi_ipc_id_key_spaces_independent, worked(queue = msgget(key, IPC_CREAT | IPC_EXCL | 0600)), 0);
        FAILS_WITH(xsi_ipc_id_key_spaces_independent, ENOENT, shmget(key, 1, 0600));
        EQ(xsi_ipc_id_key_spaces_independent, worked(segment = shmget(key, 1, IPC_CREAT | IPC_EXCL | 0600)), 0);

        EQ(xsi_ipc_id_key_spaces_independent, semget(key, 1, 0600), set);
        EQ(xsi_ipc_id_key_spaces_independent, msgget(key, 0600), queue);
        EQ(xsi_ipc_id_key_spaces_independent, shmget(key, 1, 0600), segment);
        MUST(semctl(set, 0, IPC_RMID));
        FAILS_WITH(xsi_ipc_id_key_spaces_independent, ENOENT, semget(key, 1, 0600));
        EQ(xsi_ipc_id_key_spaces_independent, msgget(key, 0600), queue);
        EQ(xsi_ipc_id_key_spaces_independent, shmget(key, 1, 0600), segment);
        MUST(msgctl(queue, IPC_RMID, NULL));
        FAILS_WITH(xsi_ipc_id_key_spaces_independent, ENOENT, msgget(key, 0600));
        EQ(xsi_ipc_id_key_spaces_independent, shmget(key, 1, 0600), segment);
        MUST(shmctl(segment, IPC_RMID, NULL));
        FAILS_WITH(xsi_ipc_id_key_spaces_independent, ENOENT, shmget(key, 1, 0600));
}

/* Failure is only right where nothing came of the call; whether something did is looked up after it. */
#define TOOK_EFFECT(result, effect)                                             \
        do {                                                                    \
                REQUIRE(effect);                                                \
                HOLDS(xsi_ipc_errno_success_untouched, (result) != -1);         \
        } while (0)

TEST(what_took_effect_does_not_return_failure, VERIFIES(xsi_ipc_errno_success_untouched))
{
        const key_t key = fresh_key();
        const struct message {
                long type;
                char text[8];
        } message = {.type = 1};
        struct msqid_ds q;
        struct shmid_ds s;
        int result;

        EACH_ROW(row, mechanisms) {
                result = row->get(key, IPC_CREAT | IPC_EXCL | 0600);
                TOOK_EFFECT(result, row->get(key, 0600) != -1);
        }
        const int set = (int)MUST(semget(key, 1, 0600));
        const int queue = (int)MUST(msgget(key, 0600)), segment = (int)MUST(shmget(key, 1, 0600));

        result = semctl(set, 0, SETVAL, ARG_VAL(7));
        TOOK_EFFECT(result, VAL(set, 0) == 7);
        result = SEMOP(set, OP(0, -2, 0));
        TOOK_EFFECT(result, VAL(set, 0) == 5);
        result = msgsnd(queue, &message, sizeof(message.text), IPC_NOWAIT);
        TOOK_EFFECT(result, msgctl(queue, IPC_STAT, &q) == 0 && q.msg_qnum == 1);
        result = shmat(segment, NULL, 0) == (void *)-1 ? -1 : 0;
        TOOK_EFFECT(result, shmctl(segment, IPC_STAT, &s) == 0 && s.shm_nattch == 1);
        result = semctl(set, 0, IPC_RMID);
        TOOK_EFFECT(result, semget(key, 1, 0600) == -1);
        result = msgctl(queue, IPC_RMID, NULL);
        TOOK_EFFECT(result, msgget(key, 0600) == -1);
        result = shmctl(segment, IPC_RMID, NULL);
        TOOK_EFFECT(result, shmget(key, 1, 0600) == -1);
}
