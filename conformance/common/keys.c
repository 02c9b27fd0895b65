/* SPDX-License-Identifier: MIT
 *
 * Keys and return values, which mean the same to queues, semaphore sets and segments.
 */
#include <limits.h>

#include "ipck_mechanism.h"

TEST(private_key_never_finds_anything, VERIFIES(xsi_ipc_key_private_always_new))
{
        enum { COUNT = 12 };

        EACH_ROW(m, mechanisms) {
                int id[COUNT];

                for (int i = 0; i < COUNT; i++) {
                        /* Neither an object with a key nor one without is ever met again. */
                        const key_t key = i % 3 == 2 ? fresh_key() : IPC_PRIVATE;
                        const int flags = i % 2 || key != IPC_PRIVATE ? IPC_CREAT | 0600 : 0600;

                        id[i] = must_fit_in(m, m->get(key, flags));
                        for (int j = 0; j < i; j++)
                                HOLDS(xsi_ipc_key_private_always_new, id[i] != id[j]);
                }
        }
}

/* Made, and written to once, by a process that has ended. */
static int private_object_of_another(const struct mechanism *m)
{
        int *const id = shared(sizeof(*id));
        struct child creator;

        CHILD(&creator) {
                *id = must_fit_in(m, m->get(IPC_PRIVATE, IPC_CREAT | 0606));
                MUST(m->write(*id));
        }
        join(&creator);
        return *id;
}

TEST(private_object_is_for_all_who_have_its_identifier, VERIFIES(xsi_ipc_key_private_others))
{
        EACH_ROW(m, mechanisms) {
                const int id = private_object_of_another(m);

                EQ(xsi_ipc_key_private_others, m->read(id), 0);
                EQ(xsi_ipc_key_private_others, m->write(id), 0);
        }
}

TEST(private_object_is_for_other_users_as_well, VERIFIES(xsi_ipc_key_private_others))
{
        EACH_ROW(m, mechanisms) {
                const int id = private_object_of_another(m);
                struct child stranger;

                CHILD(&stranger) {
                        as_user(USER_C);
                        EQ(xsi_ipc_key_private_others, m->read(id), 0);
                        EQ(xsi_ipc_key_private_others, m->write(id), 0);
                }
                join(&stranger);
        }
}

TEST(every_other_value_is_a_key, VERIFIES(xsi_ipc_key_int_min_max))
{
        static const key_t keys[] = {-1, INT_MIN, INT_MAX, 1, 2, INT_MIN + 1, -2, 0x10000, 0x8000, 0x5a5a5a5a};
        enum { COUNT = sizeof(keys) / sizeof(*keys) };

        empty_namespace();
        EACH_ROW(m, mechanisms) {
                int id[COUNT];

                for (int i = 0; i < COUNT; i++) {
                        EQ(xsi_ipc_key_int_min_max, m->get(keys[i], 0600), -1);
                        EQ(xsi_ipc_key_int_min_max, worked(id[i] = m->get(keys[i], IPC_CREAT | IPC_EXCL | 0600)), 0);
                        for (int j = 0; j < i; j++)
                                HOLDS(xsi_ipc_key_int_min_max, id[j] != id[i]);
                }
                for (int i = 0; i < COUNT; i++)
                        EQ(xsi_ipc_key_int_min_max, m->get(keys[i], 0600), id[i]);
        }
}

/* One of each has the key, or none where there is -1. */
static void expect_found(key_t key, const int id[3])
{
        EACH_ROW(m, mechanisms) {
                const int i = (int)(m - mechanisms);

                if (id[i] == -1)
                        EQ(xsi_ipc_id_key_spaces_independent, m->get(key, 0600), -1);
                else
                        EQ(xsi_ipc_id_key_spaces_independent, m->get(key, 0600), id[i]);
        }
}

TEST(key_names_one_of_each, VERIFIES(xsi_ipc_id_key_spaces_independent))
{
        const key_t key = fresh_key();
        int id[3] = {-1, -1, -1};

        EACH_ROW(m, mechanisms) {
                const int new = must_fit_in(m, m->get(key, IPC_CREAT | IPC_EXCL | 0600));

                id[m - mechanisms] = new;
                expect_found(key, id);
        }
        EACH_ROW(m, mechanisms) {
                MUST(m->remove(id[m - mechanisms]));
                id[m - mechanisms] = -1;
                expect_found(key, id);
        }
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
        int id[3];

        EACH_ROW(m, mechanisms) {
                int result = m->get(key, IPC_CREAT | IPC_EXCL | 0600);
                TOOK_EFFECT(result, (id[m - mechanisms] = m->get(key, 0600)) != -1);
                result = m->set(id[m - mechanisms], geteuid(), getegid(), 0640);
                TOOK_EFFECT(result, (perm_of(m, id[m - mechanisms]).mode & 0777) == 0640);
        }
        int result = put(id[QUEUE], 3, 8, IPC_NOWAIT);
        TOOK_EFFECT(result, QNUM(id[QUEUE]) == 1);
        result = (int)take(id[QUEUE], 0);
        TOOK_EFFECT(result, QNUM(id[QUEUE]) == 0);
        result = semctl(id[SET], 0, SETVAL, ARG_VAL(7));
        TOOK_EFFECT(result, VAL(id[SET], 0) == 7);
        result = SEMOP(id[SET], OP(0, -2, 0));
        TOOK_EFFECT(result, VAL(id[SET], 0) == 5);
        const void *const address = shmat(id[SEGMENT], NULL, 0);
        TOOK_EFFECT(address == SHM_FAILED ? -1 : 0, nattch(id[SEGMENT]) == 1);
        result = shmdt(address);
        TOOK_EFFECT(result, nattch(id[SEGMENT]) == 0);
        EACH_ROW(m, mechanisms) {
                result = m->remove(id[m - mechanisms]);
                TOOK_EFFECT(result, m->get(key, 0600) == -1);
        }
}
