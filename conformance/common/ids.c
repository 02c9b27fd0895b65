/* SPDX-License-Identifier: MIT
 *
 * Identifiers of queues, semaphore sets and segments: which integers they are, whom they lead to, and what becomes of
 * one whose object is gone.
 */
#include <limits.h>

#include "ipck_mechanism.h"

/* ---- identifiers of living objects ---- */

TEST(first_identifiers_are_positive, VERIFIES(xsi_ipc_id_positive))
{
        EACH_ROW(m, mechanisms)
                for (int i = 0; i < 3; i++)
                        BETWEEN(xsi_ipc_id_positive, 1, new_object(m, 0600), INT_MAX);
}

TEST(later_identifiers_are_positive, VERIFIES(xsi_ipc_id_positive))
{
        EACH_ROW(m, mechanisms) {
                burn_ids(m, 70);
                for (int i = 0; i < 70; i++) {
                        const int id = new_object(m, 0600);

                        BETWEEN(xsi_ipc_id_positive, 1, id, INT_MAX);
                        if (i > 5)
                                MUST(m->remove(id));
                }
        }
}

TEST(no_two_objects_share_an_identifier, VERIFIES(xsi_ipc_id_unique_per_mechanism))
{
        enum { ROUNDS = 300, MOST = 100 };

        EACH_ROW(m, mechanisms) {
                int live[MOST] = {0}, count = 0;

                for (int round = 0; round < ROUNDS; round++) {
                        const int id = new_object(m, 0600);

                        for (int i = 0; i < count; i++)
                                HOLDS(xsi_ipc_id_unique_per_mechanism, id != live[i]);
                        live[count++] = id;
                        /* The number goes up and down, and slots become free all over the table. */
                        for (int out = count == MOST ? MOST / 2 : (int)random_below(2); out > 0; out--) {
                                const int which = (int)random_below((uint32_t)count);
                                MUST(m->remove(live[which]));
                                live[which] = live[--count];
                        }
                }
                while (count > 0)
                        MUST(m->remove(live[--count]));
        }
}

/* One of each with the same identifier: as they come where all count alike, otherwise on request. */
static int new_namesakes(void)
{
        static const int wanted = (5 << 15) + 33;
        int id[3] = {0};

        empty_namespace();
        EACH_ROW(m, mechanisms) {
                burn_ids(m, 70);
                id[m - mechanisms] = new_object(m, 0600);
        }
        if (id[SET] == id[QUEUE] && id[SEGMENT] == id[QUEUE])
                return id[QUEUE];
        EACH_ROW(m, mechanisms) {
                set_sysctl(m->next_id, "163873");
                REQUIRE(new_object(m, 0600) == wanted);
        }
        return wanted;
}

TEST(one_integer_names_one_of_each, VERIFIES(xsi_ipc_id_namespaces_independent))
{
        const int same = new_namesakes();
        struct ipc_perm perm;

        /* Each call acts on its own kind, by values that are unlike. */
        set_val(same, 0, 7);
        post(same, 3, "three");
        char *byte = attach(same, 0);
        *byte = 9;
        EQ(xsi_ipc_id_namespaces_independent, VAL(same, 0), 7);
        EQ(xsi_ipc_id_namespaces_independent, QNUM(same), 1);
        EQ(xsi_ipc_id_namespaces_independent, nattch(same), 1);
        /* Attached, a removed segment would still be there. */
        detach(byte);

        EQ(xsi_ipc_id_namespaces_independent, mechanisms[QUEUE].remove(same), 0);
        EQ(xsi_ipc_id_namespaces_independent, mechanisms[QUEUE].stat(same, &perm), -1);
        EQ(xsi_ipc_id_namespaces_independent, VAL(same, 0), 7);
        EQ(xsi_ipc_id_namespaces_independent, nattch(same), 0);
        EQ(xsi_ipc_id_namespaces_independent, mechanisms[SET].remove(same), 0);
        EQ(xsi_ipc_id_namespaces_independent, mechanisms[SET].stat(same, &perm), -1);
        EQ(xsi_ipc_id_namespaces_independent, nattch(same), 0);
        byte = shmat(same, NULL, SHM_RDONLY);
        HOLDS(xsi_ipc_id_namespaces_independent, byte != SHM_FAILED && *byte == 9);
}

/* ---- objects whose creator is gone ---- */

static void expect_use(const struct mechanism *m, key_t key, int id)
{
        EQ(xsi_ipc_persist_creator_exit, m->get(key, 0600), id);
        EQ(xsi_ipc_persist_creator_exit, access_to(m, id), BOTH);
        EQ(xsi_ipc_persist_creator_exit, m->remove(id), 0);
}

TEST(objects_outlive_their_creator, VERIFIES(xsi_ipc_persist_creator_exit))
{
        static const struct {
                const char *name;
                bool killed;
        } rows[] = {{"exited", false}, {"killed", true}};
        int *const id = shared(sizeof(*id));

        EACH_ROW(m, mechanisms) {
                EACH_ROW(r, rows) {
                        const key_t key = fresh_key();
                        struct child creator;

                        CHILD(&creator) {
                                *id = must_fit_in(m, m->get(key, IPC_CREAT | IPC_EXCL | 0600));
                                REQUIRE(access_to(m, *id) == BOTH);
                                stay(&creator);
                        }
                        UNTIL(stays(&creator));
                        if (r->killed)
                                kill_child(&creator);
                        else
                                dismiss(&creator);
                        expect_use(m, key, *id);
                }
        }
}

TEST(contents_outlive_their_creator, VERIFIES(xsi_ipc_persist_creator_exit))
{
        int *const id = shared(3 * sizeof(*id));
        struct child creator;

        CHILD(&creator) {
                EACH_ROW(m, mechanisms)
                        id[m - mechanisms] = new_object(m, 0600);
                post(id[QUEUE], 3, "three");
                set_val(id[SET], 1, 7);
                fill_pattern(attach(id[SEGMENT], 0), page_size(), 5);
        }
        join(&creator);
        EQ(xsi_ipc_persist_creator_exit, take(id[QUEUE], 0), 3);
        EQ(xsi_ipc_persist_creator_exit, VAL(id[SET], 1), 7);
        HOLDS(xsi_ipc_persist_creator_exit, has_pattern(attach(id[SEGMENT], SHM_RDONLY), page_size(), 5));
}

/* ---- identifiers of nothing: every call that takes one ---- */

static int by_stat(const struct mechanism *m, int id)
{
        struct ipc_perm perm;

        return m->stat(id, &perm);
}

static int by_set(const struct mechanism *m, int id)
{
        return m->set(id, geteuid(), getegid(), 0600);
}

static int by_reading(const struct mechanism *m, int id)
{
        return m->read(id);
}

static int by_writing(const struct mechanism *m, int id)
{
        return m->write(id);
}

static int by_rmid(const struct mechanism *m, int id)
{
        return m->remove(id);
}

#define SET_CALL(name, call)                                                                            \
        static int name(const struct mechanism *m, int id)                                              \
        {                                                                                               \
                unsigned short values[2] = {1, 1};                                                      \
                const struct timespec second = {.tv_sec = 1};                                           \
                                                                                                        \
                (void)m, (void)values, (void)second;                                                    \
                return call;                                                                            \
        }
SET_CALL(by_getval, semctl(id, 0, GETVAL))
SET_CALL(by_getpid, semctl(id, 0, GETPID))
SET_CALL(by_getncnt, semctl(id, 0, GETNCNT))
SET_CALL(by_getzcnt, semctl(id, 0, GETZCNT))
SET_CALL(by_getall, semctl(id, 0, GETALL, ARG_ARRAY(values)))
SET_CALL(by_setval, semctl(id, 0, SETVAL, ARG_VAL(1)))
SET_CALL(by_setall, semctl(id, 0, SETALL, ARG_ARRAY(values)))
SET_CALL(by_semtimedop, SEMTIMEDOP(id, &second, OP(0, 1, 0)))

/* On a living object all of them work, in this order. */
static const struct call {
        const char *name;
        int (*on)(const struct mechanism *m, int id);
        bool sets_only;
} calls[] = {
        {"IPC_STAT", by_stat, false},           {"IPC_SET", by_set, false},
        {"read operation", by_reading, false},  {"write operation", by_writing, false},
        {"GETVAL", by_getval, true},            {"GETPID", by_getpid, true},
        {"GETNCNT", by_getncnt, true},          {"GETZCNT", by_getzcnt, true},
        {"GETALL", by_getall, true},            {"SETVAL", by_setval, true},
        {"SETALL", by_setall, true},            {"semtimedop", by_semtimedop, true},
        {"IPC_RMID", by_rmid, false},
};

static bool is_for(const struct call *call, const struct mechanism *m)
{
        return !call->sets_only || m == &mechanisms[SET];
}

TEST(negative_identifier_is_refused, VERIFIES(xsi_ipc_id_negative_einval))
{
        EACH_ROW(m, mechanisms) {
                const int id = new_object(m, 0600);

                EACH_ROW(call, calls) {
                        if (!is_for(call, m))
                                continue;
                        FAILS_WITH(xsi_ipc_id_negative_einval, EINVAL, call->on(m, -1));
                        FAILS_WITH(xsi_ipc_id_negative_einval, EINVAL, call->on(m, INT_MIN));
                        /* What is left of these without the sign bit, and in the lowest 15 bits, is the living one. */
                        FAILS_WITH(xsi_ipc_id_negative_einval, EINVAL, call->on(m, id + INT_MIN));
                        FAILS_WITH(xsi_ipc_id_negative_einval, EINVAL, call->on(m, (id & 0x7fff) - 0x8000));
                        MUST(call->on(m, id));
                }
        }
}

TEST(index_never_used_is_refused, VERIFIES(xsi_ipc_id_bigindex_einval))
{
        empty_namespace();
        EACH_ROW(m, mechanisms) {
                const int id = new_object(m, 0600);

                EACH_ROW(call, calls) {
                        if (!is_for(call, m))
                                continue;
                        FAILS_WITH(xsi_ipc_id_bigindex_einval, EINVAL, call->on(m, id ^ 1));
                        FAILS_WITH(xsi_ipc_id_bigindex_einval, EINVAL, call->on(m, id ^ 0x3f00));
                        FAILS_WITH(xsi_ipc_id_bigindex_einval, EINVAL, call->on(m, 32767));
                        FAILS_WITH(xsi_ipc_id_bigindex_einval, EINVAL, call->on(m, INT_MAX));
                        MUST(call->on(m, id));
                }
        }
}

TEST(removed_identifier_is_refused, VERIFIES(xsi_ipc_id_stale_einval))
{
        EACH_ROW(m, mechanisms) {
                const int id = new_object(m, 0600);

                /* The last one removes. */
                EACH_ROW(call, calls)
                        if (is_for(call, m))
                                MUST(call->on(m, id));
                EACH_ROW(call, calls)
                        if (is_for(call, m))
                                FAILS_WITH(xsi_ipc_id_stale_einval, EINVAL, call->on(m, id));
        }
}

/* ---- slots of the table, and sequence numbers ---- */

/* Creates until there is one at that index; Linux comes round after 64 objects, or after 4096 where the table is
 * extended. */
static int new_object_at(const struct mechanism *m, int index)
{
        for (int i = 0; i < 5000; i++) {
                const int id = new_object(m, 0600);
                if (id_at(m, index) != -1)
                        return id;
                MUST(m->remove(id));
        }
        UNSUPPORTED("table slots that are used again soon");
}

TEST(slot_used_again_has_a_new_identifier, VERIFIES(xsi_ipc_id_seq_reuse))
{
        EACH_ROW(m, mechanisms) {
                const int old = new_object(m, 0600), index = index_of(m, old);

                MUST(m->remove(old));
                REQUIRE(id_at(m, index) == -1);
                const int new = new_object_at(m, index);
                HOLDS(xsi_ipc_id_seq_reuse, new != old);
                EACH_ROW(call, calls)
                        if (is_for(call, m))
                                EQ(xsi_ipc_id_seq_reuse, call->on(m, old), -1);
                EQ(xsi_ipc_id_seq_reuse, id_at(m, index), new);
                EQ(xsi_ipc_id_seq_reuse, access_to(m, new), BOTH);
        }
}

enum { TABLE = 32768 };

/* Room for as many objects as the table of the kernel can hold. */
static void allow_a_full_table(const struct mechanism *m)
{
        switch (m - mechanisms) {
        case QUEUE: set_sysctl("kernel/msgmni", "32768"); break;
        case SET: set_sem_limits(250, 2 * TABLE, 32, TABLE); break;
        default: set_sysctl("kernel/shmmni", "32768"); break;
        }
}

/* With a full table each creation takes the one free slot and thereby the next sequence number. Returns the first
 * object after the last number. */
static int wrap_the_sequence(const struct mechanism *m)
{
        const int64_t patience = monotonic_ns() + INT64_C(10000000000);
        int previous = -1;

        for (int i = 0; i < 3 * TABLE + 10; i++) {
                const int id = new_object(m, 0600);
                if (id < previous)
                        return id;
                previous = id;
                if (i >= TABLE - 1)
                        MUST(m->remove(id));
                /* Not each time: the clock may be as dear as what it times. */
                if (i % 256 == 0 && monotonic_ns() > patience)
                        UNSUPPORTED("a machine that creates %d %ss in ten seconds (%d so far)", 3 * TABLE, m->name, i);
        }
        UNSUPPORTED("a sequence counter that wraps within %d creations", 3 * TABLE);
}

static void expect_a_smooth_wrap(const struct mechanism *m)
{
        enter_new_ipc_namespace();
        allow_a_full_table(m);
        int id = wrap_the_sequence(m);
        for (int i = 0; i < 100; i++) {
                BETWEEN(xsi_ipc_id_wrap_sequence, 0, id, INT_MAX);
                EQ(xsi_ipc_id_wrap_sequence, access_to(m, id), BOTH);
                MUST(m->remove(id));
                id = new_object(m, 0600);
        }
}

/* Not with segments: a table full of them takes as long as all else that is tested. */
TEST(queue_identifiers_survive_the_last_sequence_number, VERIFIES(xsi_ipc_id_wrap_sequence), KERNEL_ALONE)
{
        expect_a_smooth_wrap(&mechanisms[QUEUE]);
}

TEST(set_identifiers_survive_the_last_sequence_number, VERIFIES(xsi_ipc_id_wrap_sequence), KERNEL_ALONE)
{
        expect_a_smooth_wrap(&mechanisms[SET]);
}
