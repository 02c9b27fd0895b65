/* SPDX-License-Identifier: MIT
 *
 * Shared memory calls behind ipc(2), in a 32-bit program: they are the direct calls by other means.
 */
#include <limits.h>
#include <sys/syscall.h>

#include "ipck_compat32.h"
#include "ipck_shm.h"

/* Calls on a segment of two pages that holds "ab", was made with that key and is attached at that place. */
struct scene {
        int segment;
        key_t key;
        char *memory;
};

#define CALL(name, expression)                                                                          \
        static int name(const struct scene *s)                                                          \
        {                                                                                               \
                (void)s;                                                                                \
                return (expression);                                                                    \
        }

/* An address says nothing: the first character there does, and whether it can be detached again. */
static int look_and_leave(char *memory)
{
        if (memory == SHM_FAILED)
                return -1;
        const int seen = *memory;
        return shmdt(memory) == -1 ? -1 : seen;
}

static int get_it(const struct scene *s)
{
        const int id = shmget(s->key, 2, 0600);

        return id == s->segment ? 1 : id;
}

static int get_new(const struct scene *s)
{
        const int id = shmget(IPC_PRIVATE, 9999, IPC_CREAT | 0604);
        struct shmid_ds ds;

        if (id == -1 || id == s->segment || shmctl(id, IPC_STAT, &ds) == -1 || shmctl(id, IPC_RMID, NULL) == -1)
                return -1;
        return (int)ds.shm_segsz * 1000 + (ds.shm_perm.mode & 0777);
}

static int attach_at_once_more(const struct scene *s)
{
        char *const place = free_range(2 * page_size()), *const memory = shmat(s->segment, place, 0);

        return memory == place ? look_and_leave(memory) : -1;
}

static int attach_rounded(const struct scene *s)
{
        char *const place = free_range(2 * page_size()), *const memory = shmat(s->segment, place + 5, SHM_RND);

        return memory == place ? look_and_leave(memory) : -1;
}

static int attach_over_itself(const struct scene *s)
{
        return shmat(s->segment, s->memory, SHM_REMAP) == s->memory ? *s->memory : -1;
}

static int attach_and_store(const struct scene *s)
{
        char *const memory = shmat(s->segment, NULL, SHM_RDONLY);

        return memory == SHM_FAILED ? -1 : store_signal(memory);
}

static int ctl_limits(const struct scene *s)
{
        struct shminfo info;

        (void)s;
        return shmctl(0, IPC_INFO, &info) == -1 ? -1 : (int)(info.shmmax % 1000 * 10000 + info.shmmni);
}

static int ctl_usage(const struct scene *s)
{
        struct shm_info info;

        (void)s;
        return shmctl(0, SHM_INFO, &info) == -1 ? -1 : (int)(info.shm_tot * 100) + info.used_ids;
}

CALL(get_exclusively, shmget(s->key, 2, IPC_CREAT | IPC_EXCL | 0600))
CALL(get_too_large, shmget(s->key, 2 * page_size() + 1, 0600))
CALL(get_unknown, shmget(s->key ^ 0x10000, 1, 0600))
CALL(get_empty, shmget(IPC_PRIVATE, 0, IPC_CREAT | 0600))
CALL(at_any_place, look_and_leave(shmat(s->segment, NULL, 0)))
CALL(at_odd_place, look_and_leave(shmat(s->segment, s->memory + 1, 0)))
CALL(at_taken_place, look_and_leave(shmat(s->segment, s->memory, 0)))
CALL(at_no_segment, look_and_leave(shmat(INT_MAX, NULL, 0)))
CALL(at_negative_segment, look_and_leave(shmat(-1, NULL, 0)))
CALL(dt_it, shmdt(s->memory))
CALL(dt_inside, shmdt(s->memory + page_size()))
CALL(dt_odd_place, shmdt(s->memory + 1))
CALL(dt_nothing, shmdt(NULL))
CALL(ctl_set, segment_set(s->segment, geteuid(), getegid(), 0640))
CALL(ctl_set_no_user, segment_set(s->segment, (uid_t)-1, getegid(), 0640))
CALL(ctl_set_from_bad_memory, shmctl(s->segment, KERNEL_IPC_SET, bad_address()))
CALL(ctl_stat_into_bad_memory, shmctl(s->segment, KERNEL_IPC_STAT, bad_address()))
CALL(ctl_stat_unused_index, shmctl(1000, KERNEL_SHM_STAT, &(struct shmid_ds){.shm_segsz = 0}))
CALL(ctl_unlock, shmctl(s->segment, SHM_UNLOCK, NULL))
CALL(ctl_remove, shmctl(s->segment, IPC_RMID, NULL))
CALL(ctl_remove_none, shmctl(INT_MAX, IPC_RMID, NULL))
CALL(ctl_bad_command, shmctl(s->segment, 99, NULL))

struct outcome {
        int result, error;
        struct segment_view view;
};

static struct outcome call_by(enum ipck_route route, int (*call)(const struct scene *s))
{
        struct outcome outcome;
        struct scene scene;

        scene.key = fresh_key();
        scene.segment = segment_must_fit(shmget(scene.key, 2 * page_size(), IPC_CREAT | 0600), 2 * page_size());
        scene.memory = attach(scene.segment, 0);
        const char *const witness = attach(scene.segment, SHM_RDONLY);
        strcpy(scene.memory, "ab");
        ipck_route = route;
        errno = 0;
        outcome.result = call(&scene);
        outcome.error = outcome.result == -1 ? errno : 0;
        ipck_route = IPCK_LIBC;
        outcome.view = view_of_segment(scene.segment);
        /* The clock may have gone on between the two. */
        outcome.view.ctime = 0;
        outcome.view.atime = outcome.view.atime != 0;
        outcome.view.dtime = outcome.view.dtime != 0;
        MUST(shmctl(scene.segment, IPC_RMID, NULL));
        (void)shmdt(scene.memory);
        detach(witness);
        return outcome;
}

TEST(sub_calls_do_what_the_direct_calls_do, VERIFIES(compat32_ipc_mux_all_subcalls), ONE_ROUTE)
{
        static const struct {
                const char *name;
                int (*call)(const struct scene *s);
        } rows[] = {
                {"shmget of an existing segment", get_it}, {"shmget of it, exclusively", get_exclusively},
                {"shmget of a larger one", get_too_large}, {"shmget of an unknown key", get_unknown},
                {"shmget of a new segment", get_new}, {"shmget of nothing", get_empty}, {"shmat", at_any_place},
                {"shmat at an address", attach_at_once_more}, {"shmat at a rounded address", attach_rounded},
                {"shmat over itself", attach_over_itself}, {"shmat for reading", attach_and_store},
                {"shmat at an odd address", at_odd_place}, {"shmat at a taken address", at_taken_place},
                {"shmat of no segment", at_no_segment}, {"shmat of a negative id", at_negative_segment},
                {"shmdt", dt_it}, {"shmdt inside a segment", dt_inside}, {"shmdt of an odd address", dt_odd_place},
                {"shmdt of nothing", dt_nothing}, {"IPC_SET", ctl_set}, {"IPC_SET to no user", ctl_set_no_user},
                {"IPC_SET from bad memory", ctl_set_from_bad_memory},
                {"IPC_STAT into bad memory", ctl_stat_into_bad_memory},
                {"SHM_STAT of an unused index", ctl_stat_unused_index}, {"SHM_UNLOCK", ctl_unlock},
                {"IPC_RMID", ctl_remove}, {"IPC_RMID of none", ctl_remove_none}, {"IPC_INFO", ctl_limits},
                {"SHM_INFO", ctl_usage}, {"no command", ctl_bad_command},
        };

        need_ipc();
        go_by(IPCK_RAW);
        go_by(IPCK_LIBC);
        EACH_ROW(row, rows) {
                const struct outcome direct = call_by(IPCK_RAW, row->call), mux = call_by(IPCK_MUX, row->call);
                EQ(compat32_ipc_mux_all_subcalls, mux.result, direct.result);
                EQ(compat32_ipc_mux_all_subcalls, mux.error, direct.error);
                HOLDS(compat32_ipc_mux_all_subcalls, same_segment_view(&mux.view, &direct.view));
        }
}

TEST(sub_call_and_direct_call_attach_the_same, VERIFIES(compat32_ipc_mux_all_subcalls), ONE_ROUTE)
{
        need_ipc();
        const int segment = new_segment(1, 0600);
        go_by(IPCK_MUX);
        char *const by_ipc = attach(segment, 0);
        go_by(IPCK_RAW);
        char *const direct = attach(segment, 0);
        HOLDS(compat32_ipc_mux_all_subcalls, by_ipc != direct);
        *by_ipc = 'x';
        EQ(compat32_ipc_mux_all_subcalls, *direct, 'x');
        EQ(compat32_ipc_mux_all_subcalls, nattch(segment), 2);
        EQ(compat32_ipc_mux_all_subcalls, shmdt(by_ipc), 0);
        go_by(IPCK_MUX);
        EQ(compat32_ipc_mux_all_subcalls, shmdt(direct), 0);
        EQ(compat32_ipc_mux_all_subcalls, nattch(segment), 0);
}

/* Without IPC_64 in the command the structure is that of Linux 2.2, whose owner has 16 bits. */
TEST(owner_too_large_for_the_old_structure, VERIFIES(shmctl_stat_eoverflow), ONE_ROUTE)
{
        need_ipc();
#if defined(SYS_ipc) && defined(__i386__)
        enum { SHMCTL = 24, OWNER = 0x00012345 };
        struct {
                int32_t key;
                uint16_t uid, gid, cuid, cgid, mode, seq;
                unsigned char rest[64];
        } old;
        const int segment = new_segment(1, 0600);

        set_segment_owner(segment, OWNER, getegid(), 0666);
        memset(&old, 0x5a, sizeof(old));
        if (syscall(SYS_ipc, SHMCTL, segment, KERNEL_IPC_STAT, 0, &old, 0) == -1)
                OBSERVE(shmctl_stat_eoverflow, "the old IPC_STAT of a segment of user %d fails with %s", OWNER,
                        errno_name(errno));
        else
                OBSERVE(shmctl_stat_eoverflow, "the old IPC_STAT of a segment of user %d tells of user %u", OWNER,
                        old.uid);
#else
        UNSUPPORTED("the structures of Linux 2.2 (i386)");
#endif
}
