/* SPDX-License-Identifier: MIT
 *
 * Identifiers: which integers they are, whom they lead to, and what becomes of one whose object is gone. What holds for
 * all three mechanisms is tested on all three.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/msg.h>
#include <sys/shm.h>

#include "ipck_sem.h"

#ifndef CAP_CHECKPOINT_RESTORE
#define CAP_CHECKPOINT_RESTORE 40
#endif

/* ---- identifiers of living objects ---- */

static int new_set(void)
{
        return semget(IPC_PRIVATE, 1, 0600);
}

static int new_queue(void)
{
        return msgget(IPC_PRIVATE, 0600);
}

static int new_segment(void)
{
        return shmget(IPC_PRIVATE, 1, 0600);
}

static int remove_set(int id)
{
        return semctl(id, 0, IPC_RMID);
}

static int remove_queue(int id)
{
        return msgctl(id, IPC_RMID, NULL);
}

static int remove_segment(int id)
{
        return shmctl(id, IPC_RMID, NULL);
}

static const struct mechanism {
        const char *name;
        int (*create)(void);
        int (*remove)(int id);
} mechanisms[] = {
        {"set", new_set, remove_set},
        {"queue", new_queue, remove_queue},
        {"segment", new_segment, remove_segment},
};

TEST(first_identifiers_are_positive, VERIFIES(xsi_ipc_id_positive))
{
        EACH_ROW(row, mechanisms)
                for (int i = 0; i < 3; i++)
                        BETWEEN(xsi_ipc_id_positive, 1, MUST(row->create()), INT_MAX);
}

TEST(later_identifiers_are_positive, VERIFIES(xsi_ipc_id_positive))
{
        EACH_ROW(row, mechanisms) {
                for (int i = 0; i < 70; i++)
                        MUST(row->remove((int)MUST(row->create())));
                for (int i = 0; i < 70; i++)
                        BETWEEN(xsi_ipc_id_positive, 1, MUST(row->create()), INT_MAX);
        }
}

TEST(no_two_objects_share_an_identifier, VERIFIES(xsi_ipc_id_unique_per_mechanism))
{
        enum { ROUNDS = 300, MOST = 100 };

        EACH_ROW(row, mechanisms) {
                int live[MOST] = {0}, count = 0;

                for (int round = 0; round < ROUNDS; round++) {
                        const int id = (int)MUST(row->create());

                        for (int i = 0; i < count; i++)
                                HOLDS(xsi_ipc_id_unique_per_mechanism, id != live[i]);
                        live[count++] = id;
                        /* The number goes up and down, and slots become free all over the table. */
                        for (int out = count == MOST ? MOST / 2 : (int)random_below(2); out > 0; out--) {
                                const int which = (int)random_below((uint32_t)count);
                                MUST(row->remove(live[which]));
                                live[which] = live[--count];
                        }
                }
        }
}

TEST(one_integer_names_one_of_each, VERIFIES(xsi_ipc_id_namespaces_independent))
{
        const struct message {
                long type;
                char text[8];
        } message = {.type = 1};
        struct msqid_ds q;
        struct shmid_ds s;
        int id[3] = {-1, -1, -1}, i = 0;

        /* Not 0, and the same number for all three where all count alike. */
        EACH_ROW(row, mechanisms) {
                for (int burnt = 0; burnt < 70; burnt++)
                        MUST(row->remove((int)MUST(row->create())));
                id[i++] = (int)MUST(row->create());
        }
        const int same = id[0];
        if (id[1] != same || id[2] != same)
                UNSUPPORTED("identifiers that start alike (set %d, queue %d, segment %d)", id[0], id[1], id[2]);

        /* Each call acts on its own kind, by values that are unlike. */
        set_val(same, 0, 7);
        MUST(msgsnd(same, &message, sizeof(message.text), IPC_NOWAIT));
        char *byte = shmat(same, NULL, 0);
        REQUIRE(byte != (void *)-1);
        *byte = 9;
        EQ(xsi_ipc_id_namespaces_independent, VAL(same, 0), 7);
        EQ(xsi_ipc_id_namespaces_independent, msgctl(same, IPC_STAT, &q), 0);
        EQ(xsi_ipc_id_namespaces_independent, q.msg_qnum, 1);
        EQ(xsi_ipc_id_namespaces_independent, shmctl(same, IPC_STAT, &s), 0);
        EQ(xsi_ipc_id_namespaces_independent, s.shm_nattch, 1);
        /* Attached, a removed segment would still be there. */
        MUST(shmdt(byte));

        EQ(xsi_ipc_id_namespaces_independent, msgctl(same, IPC_RMID, NULL), 0);
        FAILS_WITH(xsi_ipc_id_namespaces_independent, EINVAL, msgctl(same, IPC_STAT, &q));
        EQ(xsi_ipc_id_namespaces_independent, VAL(same, 0), 7);
        EQ(xsi_ipc_id_namespaces_independent, shmctl(same, IPC_STAT, &s), 0);
        EQ(xsi_ipc_id_namespaces_independent, semctl(same, 0, IPC_RMID), 0);
        FAILS_WITH(xsi_ipc_id_namespaces_independent, EINVAL, VAL(same, 0));
        EQ(xsi_ipc_id_namespaces_independent, shmctl(same, IPC_STAT, &s), 0);
        byte = shmat(same, NULL, SHM_RDONLY);
        HOLDS(xsi_ipc_id_namespaces_independent, byte != (void *)-1 && *byte == 9);
}

/* ---- identifiers of nothing: every call that takes one ---- */

enum kind { SET, QUEUE, SEGMENT, KINDS };

static int set_stat(int id)
{
        struct semid_ds ds;

        return semctl(id, 0, IPC_STAT, ARG_BUF(&ds));
}

static int set_set(int id)
{
        return ipc_set(id, geteuid(), getegid(), 0600);
}

static int set_getval(int id)
{
        return semctl(id, 0, GETVAL);
}

static int set_getpid(int id)
{
        return semctl(id, 0, GETPID);
}

static int set_getncnt(int id)
{
        return semctl(id, 0, GETNCNT);
}

static int set_getzcnt(int id)
{
        return semctl(id, 0, GETZCNT);
}

static int set_getall(int id)
{
        unsigned short value;

        return semctl(id, 0, GETALL, ARG_ARRAY(&value));
}

static int set_setval(int id)
{
        return semctl(id, 0, SETVAL, ARG_VAL(1));
}

static int set_setall(int id)
{
        unsigned short value = 1;

        return semctl(id, 0, SETALL, ARG_ARRAY(&value));
}

static int set_semop(int id)
{
        return SEMOP(id, OP(0, 1, IPC_NOWAIT));
}

static int set_semtimedop(int id)
{
        const struct timespec second = {.tv_sec = 1};

        return SEMTIMEDOP(id, &second, OP(0, 1, 0));
}

static int queue_stat(int id)
{
        struct msqid_ds ds;

        return msgctl(id, IPC_STAT, &ds);
}

static int queue_set(int id)
{
        struct msqid_ds ds = {.msg_perm = {.uid = geteuid(), .gid = getegid(), .mode = 0600}, .msg_qbytes = 100};

        return msgctl(id, IPC_SET, &ds);
}

static int queue_msgsnd(int id)
{
        const struct {
                long type;
                char text[1];
        } message = {.type = 1};

        return msgsnd(id, &message, 1, IPC_NOWAIT);
}

static int queue_msgrcv(int id)
{
        struct {
                long type;
                char text[1];
        } message;

        return (int)msgrcv(id, &message, 1, 0, IPC_NOWAIT);
}

static int segment_stat(int id)
{
        struct shmid_ds ds;

        return shmctl(id, IPC_STAT, &ds);
}

static int segment_set(int id)
{
        struct shmid_ds ds = {.shm_perm = {.uid = geteuid(), .gid = getegid(), .mode = 0600}};

        return shmctl(id, IPC_SET, &ds);
}

static int segment_shmat(int id)
{
        const void *address = shmat(id, NULL, 0);

        /* A segment that is still attached would not go away. */
        return address == (void *)-1 ? -1 : shmdt(address);
}

/* On a living object all of them work, in this order. */
static const struct call {
        const char *name;
        enum kind kind;
        int (*on)(int id);
} calls[] = {
        {"semctl IPC_STAT", SET, set_stat},
        {"semctl IPC_SET", SET, set_set},
        {"semctl GETVAL", SET, set_getval},
        {"semctl GETPID", SET, set_getpid},
        {"semctl GETNCNT", SET, set_getncnt},
        {"semctl GETZCNT", SET, set_getzcnt},
        {"semctl GETALL", SET, set_getall},
        {"semctl SETVAL", SET, set_setval},
        {"semctl SETALL", SET, set_setall},
        {"semop", SET, set_semop},
        {"semtimedop", SET, set_semtimedop},
        {"semctl IPC_RMID", SET, remove_set},
        {"msgctl IPC_STAT", QUEUE, queue_stat},
        {"msgctl IPC_SET", QUEUE, queue_set},
        {"msgsnd", QUEUE, queue_msgsnd},
        {"msgrcv", QUEUE, queue_msgrcv},
        {"msgctl IPC_RMID", QUEUE, remove_queue},
        {"shmctl IPC_STAT", SEGMENT, segment_stat},
        {"shmctl IPC_SET", SEGMENT, segment_set},
        {"shmat", SEGMENT, segment_shmat},
        {"shmctl IPC_RMID", SEGMENT, remove_segment},
};

static void one_of_each(int id[KINDS])
{
        id[SET] = (int)MUST(new_set());
        id[QUEUE] = (int)MUST(new_queue());
        id[SEGMENT] = (int)MUST(new_segment());
}

TEST(negative_identifier_is_refused, VERIFIES(xsi_ipc_id_negative_einval))
{
        int live[KINDS];

        one_of_each(live);
        EACH_ROW(call, calls) {
                FAILS_WITH(xsi_ipc_id_negative_einval, EINVAL, call->on(-1));
                FAILS_WITH(xsi_ipc_id_negative_einval, EINVAL, call->on(INT_MIN));
                /* What is left of these without the sign bit is the living one. */
                FAILS_WITH(xsi_ipc_id_negative_einval, EINVAL, call->on(live[call->kind] + INT_MIN));
                FAILS_WITH(xsi_ipc_id_negative_einval, EINVAL, call->on(live[call->kind] - 32768));
                MUST(call->on(live[call->kind]));
        }
}

TEST(index_never_used_is_refused, VERIFIES(xsi_ipc_id_bigindex_einval))
{
        int live[KINDS];

        one_of_each(live);
        EACH_ROW(call, calls) {
                FAILS_WITH(xsi_ipc_id_bigindex_einval, EINVAL, call->on(live[call->kind] + 1));
                FAILS_WITH(xsi_ipc_id_bigindex_einval, EINVAL, call->on(live[call->kind] + 1000));
                FAILS_WITH(xsi_ipc_id_bigindex_einval, EINVAL, call->on(32767));
                FAILS_WITH(xsi_ipc_id_bigindex_einval, EINVAL, call->on(INT_MAX));
                MUST(call->on(live[call->kind]));
        }
}

TEST(removed_identifier_is_refused, VERIFIES(xsi_ipc_id_stale_einval))
{
        int id[KINDS];

        one_of_each(id);
        /* The last call of each kind removes. */
        EACH_ROW(call, calls)
                MUST(call->on(id[call->kind]));
        EACH_ROW(call, calls)
                FAILS_WITH(xsi_ipc_id_stale_einval, EINVAL, call->on(id[call->kind]));
}

/* ---- slots of the table, and sequence numbers ---- */

/* The identifier in slot index of the table; -1 if it is empty. */
static int in_slot(int index)
{
        struct semid_ds ds;

        return semctl(index, 0, SEM_STAT, ARG_BUF(&ds));
}

TEST(slot_used_again_has_a_new_identifier, VERIFIES(xsi_ipc_id_seq_reuse))
{
        const int old = new_sems(1, 0600);
        int slot = 0, set = -1;

        while (slot < 5000 && in_slot(slot) != old)
                slot++;
        if (slot == 5000)
                UNSUPPORTED("SEM_STAT, to see the slots of the table");
        MUST(semctl(old, 0, IPC_RMID));
        REQUIRE(in_slot(slot) == -1);
        /* Linux comes round after 64 sets, or after 4096 where the table is extended. */
        for (int i = 0; i < 5000 && set == -1; i++) {
                const int candidate = new_sems(1, 0600);
                if (in_slot(slot) == -1)
                        MUST(semctl(candidate, 0, IPC_RMID));
                else
                        set = candidate;
        }
        if (set == -1)
                UNSUPPORTED("table slots that are used again soon");

        set_val(set, 0, 7);
        HOLDS(xsi_ipc_id_seq_reuse, set != old);
        for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
                if (calls[i].kind == SET)
                        FAILS_WITH(xsi_ipc_id_seq_reuse, EINVAL, calls[i].on(old));
        EQ(xsi_ipc_id_seq_reuse, VAL(set, 0), 7);
}

/* With a full table each creation takes the one free slot and thereby the next sequence number. */
TEST(identifiers_survive_the_last_sequence_number, VERIFIES(xsi_ipc_id_wrap_sequence), ONE_ROUTE)
{
        enum { TABLE = 32768 };
        int previous = -1, set = -1;
        bool wrapped = false;

        set_sem_limits(250, 2 * TABLE, 32, TABLE);
        for (int i = 0; i < TABLE - 1; i++)
                previous = new_sems(1, 0600);
        for (int i = 0; i < 2 * TABLE + 10 && !wrapped; i++) {
                set = new_sems(1, 0600);
                wrapped = set < previous;
                previous = set;
                if (!wrapped)
                        MUST(semctl(set, 0, IPC_RMID));
        }
        if (!wrapped)
                UNSUPPORTED("a sequence counter that wraps within %d creations", 2 * TABLE);
        BETWEEN(xsi_ipc_id_wrap_sequence, 0, set, INT_MAX);
        EQ(xsi_ipc_id_wrap_sequence, SEMOP(set, OP(0, 3, 0)), 0);
        EQ(xsi_ipc_id_wrap_sequence, VAL(set, 0), 3);
        MUST(semctl(set, 0, IPC_RMID));
        for (int i = 0; i < 100; i++) {
                BETWEEN(xsi_ipc_id_wrap_sequence, 0, set = new_sems(1, 0600), INT_MAX);
                MUST(semctl(set, 0, IPC_RMID));
        }
}

/* ---- kernel.sem_next_id ---- */

static void next_id(int id)
{
        char text[16];

        snprintf(text, sizeof(text), "%d", id);
        set_sysctl("kernel/sem_next_id", text);
}

static int pending_next_id(void)
{
        char text[32];
        int id = INT_MIN;

        MUST(read_file("/proc/sys/kernel/sem_next_id", text, sizeof(text)));
        REQUIRE(sscanf(text, "%d", &id) == 1);
        return id;
}

TEST(identifier_can_be_asked_for, VERIFIES(sysctl_next_id_sem))
{
        static const struct {
                const char *name;
                int id;
        } rows[] = {
                {"ahead of what is due", 17},
                {"with a sequence number", (3 << 15) + 19},
                {"with a high sequence number", (40000 << 15) + 21},
                {"back among the small ones", 5},
                {"largest", INT_MAX},
        };

        EACH_ROW(row, rows) {
                const key_t key = row->id % 4 == 1 ? fresh_key() : IPC_PRIVATE;

                next_id(row->id);
                EQ(sysctl_next_id_sem, semget(key, 1, IPC_CREAT | 0600), row->id);
                EQ(sysctl_next_id_sem, semctl(row->id, 0, SETVAL, ARG_VAL(7)), 0);
                EQ(sysctl_next_id_sem, VAL(row->id, 0), 7);
        }
}

TEST(request_holds_once, VERIFIES(sysctl_next_id_one_shot))
{
        const int wanted = (77 << 15) + 31;

        EQ(sysctl_next_id_one_shot, pending_next_id(), -1);
        next_id(wanted);
        REQUIRE(pending_next_id() == wanted);
        REQUIRE(new_sems(1, 0600) == wanted);
        EQ(sysctl_next_id_one_shot, pending_next_id(), -1);
        /* The identifier is free again, and nobody asks for it any more. */
        MUST(semctl(wanted, 0, IPC_RMID));
        const int set = new_sems(1, 0600);
        HOLDS(sysctl_next_id_one_shot, set != wanted);
        EQ(sysctl_next_id_one_shot, pending_next_id(), -1);
}

/* Where the sequence number begins in an identifier: bit 15, or 24 with the kernel's parameter ipcmni_extend. */
static int sequence_shift(void)
{
        const int id = 1 << 15;

        next_id(id);
        REQUIRE(new_sems(1, 0600) == id);
        const int shift = in_slot(0) == id ? 15 : 24;
        REQUIRE(in_slot(shift == 15 ? 0 : id) == id);
        MUST(semctl(id, 0, IPC_RMID));
        return shift;
}

TEST(taken_slot_gives_the_next_free_one, VERIFIES(sysctl_next_id_taken))
{
        const int shift = sequence_shift(), sequence = 9 << shift;

        for (int slot = 20; slot <= 23; slot++)
                if (slot != 22) {
                        next_id((7 << shift) + slot);
                        REQUIRE(new_sems(1, 0600) == (7 << shift) + slot);
                }
        next_id(sequence + 20);
        EQ(sysctl_next_id_taken, new_set(), sequence + 22);
        EQ(sysctl_next_id_taken, in_slot(22), sequence + 22);
        next_id(sequence + 20);
        EQ(sysctl_next_id_taken, new_set(), sequence + 24);
        /* The very identifier of a living set. */
        next_id(sequence + 22);
        EQ(sysctl_next_id_taken, new_set(), sequence + 25);
        EQ(sysctl_next_id_taken, in_slot(22), sequence + 22);
        EQ(sysctl_next_id_taken, in_slot(20), (7 << shift) + 20);
}

TEST(no_slot_lies_beyond_the_table, VERIFIES(sysctl_next_id_range))
{
        const int shift = sequence_shift(), last = (1 << shift) - 1;
        struct seminfo info;
        char text[8];

        /* A kernel that gives away a slot beyond the table is confused when the namespace goes, and warns. */
        if (read_file("/proc/sys/kernel/panic_on_warn", text, sizeof(text)) > 0 && text[0] == '1')
                UNSUPPORTED("a machine that survives a kernel warning (panic_on_warn is set)");
        next_id((1 << shift) + last);
        REQUIRE(new_sems(1, 0600) == (1 << shift) + last);
        next_id((2 << shift) + last);
        FAILS_WITH(sysctl_next_id_range, ENOSPC, semget(IPC_PRIVATE, 1, 0600));
        /* SEM_INFO returns the highest slot in use. */
        BETWEEN(sysctl_next_id_range, last, semctl(0, 0, SEM_INFO, ARG_INFO(&info)), last);
        EQ(sysctl_next_id_range, in_slot(last), (1 << shift) + last);
        /* A request that failed leaves nothing behind. */
        BETWEEN(sysctl_next_id_range, 0, semget(IPC_PRIVATE, 1, 0600), last - 1);
}

/* Who may open the file for writing. */

static int open_next_id(void)
{
        const int fd = open("/proc/sys/kernel/sem_next_id", O_WRONLY | O_CLOEXEC);

        return fd == -1 ? -1 : close(fd);
}

TEST(privilege_opens_next_id, VERIFIES(sysctl_next_id_perm))
{
        static const struct {
                const char *name;
                int capability;
        } rows[] = {{"CAP_CHECKPOINT_RESTORE", CAP_CHECKPOINT_RESTORE}, {"CAP_SYS_ADMIN", CAP_SYS_ADMIN}};
        struct child c;

        if (open("/proc/sys/kernel/sem_next_id", O_RDONLY | O_CLOEXEC) == -1)
                UNSUPPORTED("kernel.sem_next_id (%s)", errno_name(errno));
        if (open_next_id() == -1 && errno == EROFS)
                UNSUPPORTED("a /proc/sys that can be written");
        EACH_ROW(row, rows) {
                if (!has_capability(row->capability))
                        UNSUPPORTED("%s", row->name);
                CHILD(&c) {
                        drop_other_capabilities(row->capability);
                        EQ(sysctl_next_id_perm, open_next_id(), 0);
                        drop_capability(row->capability);
                        FAILS_WITH(sysctl_next_id_perm, EACCES, open_next_id());
                }
                join(&c);
        }
        /* User 0 with every other capability. */
        CHILD(&c) {
                drop_capability(CAP_CHECKPOINT_RESTORE);
                EQ(sysctl_next_id_perm, open_next_id(), 0);
                drop_capability(CAP_SYS_ADMIN);
                FAILS_WITH(sysctl_next_id_perm, EACCES, open_next_id());
        }
        join(&c);
}
