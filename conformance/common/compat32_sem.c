/* SPDX-License-Identifier: MIT
 *
 * Semaphore calls of a 32-bit program on a 64-bit Linux kernel, which translates structures and times, and the calls
 * behind ipc(2).
 */
#include <limits.h>
#include <sys/syscall.h>

#include "ipck_compat32.h"
#include "ipck_sem.h"

/* struct semid64_ds of i386 and of arm. */
struct kernel_semid_ds {
        int32_t key;
        uint32_t uid, gid, cuid, cgid;
        uint16_t mode, pad1, seq, pad2;
        uint32_t unused1, unused2;
        uint32_t otime, otime_high, ctime, ctime_high;
        uint32_t nsems, unused3, unused4;
};

/* ---- SETVAL ---- */

TEST(setval_takes_the_int, VERIFIES(compat32_semctl_setval))
{
        static const struct {
                const char *name;
                int value;
        } rows[] = {{"1", 1}, {"0", 0}, {"258", 258}, {"32767", 32767}};

        need_compat();
        EACH_ROW(row, rows) {
                int set = new_sems(3, 0600);

                MUST(SEMOP(set, OP(0, 40, 0), OP(1, 41, 0), OP(2, 42, 0)));
                EQ(compat32_semctl_setval, semctl(set, 1, SETVAL, ARG_VAL(row->value)), 0);
                EQ(compat32_semctl_setval, VAL(set, 1), row->value);
                EQ(compat32_semctl_setval, VAL(set, 0), 40);
                EQ(compat32_semctl_setval, VAL(set, 2), 42);
                /* The sign arrives as well. */
                FAILS_WITH(compat32_semctl_setval, ERANGE, semctl(set, 1, SETVAL, ARG_VAL(-1)));
                FAILS_WITH(compat32_semctl_setval, ERANGE, semctl(set, 1, SETVAL, ARG_VAL(INT_MIN)));
                EQ(compat32_semctl_setval, VAL(set, 1), row->value);
        }
}

/* ---- layout ---- */

TEST(direct_calls_use_the_new_structure, VERIFIES(compat32_semctl_ipc64_direct), ONE_ROUTE)
{
        struct kernel_semid_ds *ds = guarded(sizeof(*ds));
        const key_t key = fresh_key();

        need_compat();
#ifndef __i386__
        UNSUPPORTED("i386, whose direct calls came with Linux 5.1");
#endif
        go_by(IPCK_RAW);
        (void)new_sems(1, 0600);
        int set = (int)MUST(semget(key, 300, IPC_CREAT | 0642));
        REQUIRE(set == 1);
        MUST(SEMOP(set, OP(299, 1, 0)));
        memset(ds, 0x5a, sizeof(*ds));
        EQ(compat32_semctl_ipc64_direct, syscall(SYS_semctl, set, 0, KERNEL_IPC_STAT, ds), 0);
        EQ(compat32_semctl_ipc64_direct, ds->key, key);
        EQ(compat32_semctl_ipc64_direct, ds->uid, geteuid());
        EQ(compat32_semctl_ipc64_direct, ds->gid, getegid());
        EQ(compat32_semctl_ipc64_direct, ds->cuid, geteuid());
        EQ(compat32_semctl_ipc64_direct, ds->cgid, getegid());
        EQ(compat32_semctl_ipc64_direct, ds->mode, 0642);
        EQ(compat32_semctl_ipc64_direct, ds->nsems, 300);
        HOLDS(compat32_semctl_ipc64_direct, ds->otime != 0 && ds->otime >= ds->ctime && ds->ctime != 0);

        ds->mode = 0624;
        EQ(compat32_semctl_ipc64_direct, syscall(SYS_semctl, set, 0, KERNEL_IPC_SET, ds), 0);
        memset(ds, 0x5a, sizeof(*ds));
        EQ(compat32_semctl_ipc64_direct, syscall(SYS_semctl, 1, 0, KERNEL_SEM_STAT, ds), set);
        EQ(compat32_semctl_ipc64_direct, ds->mode, 0624);
        EQ(compat32_semctl_ipc64_direct, ds->uid, geteuid());
        EQ(compat32_semctl_ipc64_direct, ds->nsems, 300);
}

static int kernel_stat(int set, struct kernel_semid_ds *ds)
{
        memset(ds, 0x5a, sizeof(*ds));
        return semctl(set, 0, KERNEL_IPC_STAT, ARG_BUF((void *)ds));
}

TEST(no_byte_keeps_its_old_value, VERIFIES(compat32_stat_no_leak), ONE_ROUTE)
{
        struct kernel_semid_ds *ds = guarded(sizeof(*ds));

        need_compat();
        need_known_layout();
        EACH_ROW(row, kernel_routes) {
                go_by(row->route);
                int set = new_sems(3, 0600);
                MUST(SEMOP(set, OP(0, 1, 0)));
                EQ(compat32_stat_no_leak, kernel_stat(set, ds), 0);
                EQ(compat32_stat_no_leak, ds->pad1, 0);
                EQ(compat32_stat_no_leak, ds->pad2, 0);
                EQ(compat32_stat_no_leak, ds->unused1, 0);
                EQ(compat32_stat_no_leak, ds->unused2, 0);
                EQ(compat32_stat_no_leak, ds->unused3, 0);
                EQ(compat32_stat_no_leak, ds->unused4, 0);
        }
}

/* The times as the kernel holds them, whatever the width of a program's long. */
static struct sem_line line_in_proc(int set)
{
        struct sem_line lines[8];
        char text[4096];

        if (read_file("/proc/sysvipc/sem", text, sizeof(text)) <= 0)
                UNSUPPORTED("/proc/sysvipc/sem (%s)", errno_name(errno));
        size_t i = sem_lines(text, lines, sizeof(lines) / sizeof(*lines));
        while (i > 0 && lines[i - 1].id != set)
                i--;
        REQUIRE(i > 0);
        return lines[i - 1];
}

TEST(times_are_those_of_the_kernel, VERIFIES(compat32_stat_sem_times))
{
        union {
                struct kernel_semid_ds kernel;
                struct semid_ds libc;
        } ds;
        int sets[2];

        need_compat();
        /* One without an operation tells otime from ctime. */
        for (int i = 0; i < 2; i++)
                sets[i] = new_sems(2, 0600);
        MUST(SEMOP(sets[1], OP(0, 1, 0)));
        for (int i = 0; i < 2; i++) {
                const struct sem_line line = line_in_proc(sets[i]);
                const long long otime = line.otime, ctime = line.ctime;

                REQUIRE((otime != 0) == (i == 1) && ctime != 0 && ctime < UINT32_MAX);
                memset(&ds, 0x5a, sizeof(ds));
                if (ipck_route == IPCK_LIBC) {
                        EQ(compat32_stat_sem_times, semctl(sets[i], 0, IPC_STAT, ARG_BUF(&ds.libc)), 0);
                        EQ(compat32_stat_sem_times, ds.libc.sem_otime, otime);
                        EQ(compat32_stat_sem_times, ds.libc.sem_ctime, ctime);
                        continue;
                }
                need_known_layout();
                EQ(compat32_stat_sem_times, kernel_stat(sets[i], &ds.kernel), 0);
                EQ(compat32_stat_sem_times, ds.kernel.otime, otime);
                EQ(compat32_stat_sem_times, ds.kernel.ctime, ctime);
                EQ(compat32_stat_sem_times, ds.kernel.otime_high, 0);
                EQ(compat32_stat_sem_times, ds.kernel.ctime_high, 0);
        }
}

/* ---- ipc(2) ---- */

TEST(unassigned_sub_calls_fail, VERIFIES(compat32_ipc_mux_unknown), ONE_ROUTE)
{
        static const struct {
                const char *name;
                unsigned number;
        } rows[] = {
                {"0", 0}, {"5", 5}, {"10", 10}, {"15", 15}, {"20", 20}, {"26", 26}, {"99", 99},
                {"258, 2 in 8 bits", 258}, {"32770", 32770}, {"65535", 65535}, {"65536, version 1 of 0", 65536},
        };

        need_ipc();
        EACH_ROW(row, rows) {
                int set = new_sems(1, 0600);
                set_val(set, 0, 5);
                const struct sem_view before = view_of(set);
                FAILS_WITH(compat32_ipc_mux_unknown, ENOSYS, MUX(row->number, set, 1, 0, 0, 0));
                const struct sem_view after = view_of(set);
                HOLDS(compat32_ipc_mux_unknown, same_view(&before, &after));
        }
        HOLDS(compat32_ipc_mux_unknown, MUX(MUX_SEMGET, IPC_PRIVATE, 1, IPC_CREAT | 0600, 0, 0) != -1);
}

/* Calls on a set of three semaphores of values 5, 0 and 7, which was made with that key. */
static int get_it(int set, key_t key)
{
        int id = semget(key, 3, 0600);

        return id == set ? 1 : id;
}

static int get_it_exclusively(int set, key_t key)
{
        (void)set;
        return semget(key, 3, IPC_CREAT | IPC_EXCL | 0600);
}

static int get_too_many(int set, key_t key)
{
        (void)set;
        return semget(key, 4, 0600);
}

static int get_unknown(int set, key_t key)
{
        (void)set;
        return semget(key ^ 0x10000, 1, 0600);
}

static int get_new(int set, key_t key)
{
        int id = semget(IPC_PRIVATE, 9, IPC_CREAT | 0604);
        struct semid_ds ds;

        (void)key;
        if (id == -1 || id == set || semctl(id, 0, IPC_STAT, ARG_BUF(&ds)) == -1)
                return -1;
        return (int)ds.sem_nsems * 1000 + (ds.sem_perm.mode & 0777);
}

#define CALL(name, expression)                                                                          \
        static int name(int set, key_t key)                                                             \
        {                                                                                               \
                (void)set;                                                                              \
                (void)key;                                                                              \
                return (expression);                                                                    \
        }

CALL(op_one, SEMOP(set, OP(1, 3, 0)))
CALL(op_several, SEMOP(set, OP(0, -2, 0), OP(2, 1, 0), OP(1, 0, 0)))
CALL(op_would_block, SEMOP(set, OP(0, 1, 0), OP(1, -1, IPC_NOWAIT)))
CALL(op_bad_number, SEMOP(set, OP(3, 1, 0)))
CALL(op_none, semop(set, &OP(0, 1, 0), 0))
CALL(op_too_many, semop(set, &OP(0, 1, 0), 1000000))
CALL(op_bad_pointer, semop(set, bad_address(), 1))
CALL(op_bad_id, SEMOP(-1, OP(0, 1, 0)))
CALL(timed_one, SEMTIMEDOP(set, (&(struct timespec){.tv_sec = 5}), OP(1, 3, 0)))
CALL(timed_without_limit, SEMTIMEDOP(set, NULL, OP(2, -7, 0)))
CALL(timed_out, SEMTIMEDOP(set, (&(struct timespec){.tv_nsec = 1000}), OP(1, -1, 0)))
CALL(timed_bad_time, SEMTIMEDOP(set, (&(struct timespec){.tv_nsec = -1}), OP(1, 1, 0)))
CALL(timed_bad_pointer, SEMTIMEDOP(set, bad_address(), OP(1, 1, 0)))
CALL(ctl_getval, semctl(set, 2, GETVAL))
CALL(ctl_getpid, semctl(set, 0, GETPID))
CALL(ctl_getncnt, semctl(set, 0, GETNCNT))
CALL(ctl_setval, semctl(set, 2, SETVAL, ARG_VAL(300)))
CALL(ctl_setval_range, semctl(set, 2, SETVAL, ARG_VAL(-1)))
CALL(ctl_setall, semctl(set, 0, SETALL, ARG_ARRAY(((unsigned short[]){1, 2, 3}))))
CALL(ctl_setall_bad, semctl(set, 0, SETALL, ARG_ARRAY(bad_address())))
CALL(ctl_bad_number, semctl(set, 3, GETVAL))
CALL(ctl_bad_command, semctl(set, 0, 99))
CALL(ctl_bad_id, semctl(INT_MAX, 0, GETVAL))

static int ctl_getall(int set, key_t key)
{
        unsigned short values[3] = {9, 9, 9};

        (void)key;
        if (semctl(set, 0, GETALL, ARG_ARRAY(values)) == -1)
                return -1;
        return values[0] * 10000 + values[1] * 100 + values[2];
}

static int ctl_stat_and_set(int set, key_t key)
{
        struct semid_ds ds;

        (void)key;
        if (semctl(set, 0, IPC_STAT, ARG_BUF(&ds)) == -1)
                return -1;
        ds.sem_perm.mode = 0640;
        return semctl(set, 0, IPC_SET, ARG_BUF(&ds));
}

struct outcome {
        int result, error;
        struct sem_view view;
};

static struct outcome call_by(enum ipck_route route, int (*call)(int set, key_t key))
{
        static const unsigned short values[3] = {5, 0, 7};
        const key_t key = fresh_key();
        int set = (int)MUST(semget(key, 3, IPC_CREAT | 0600));
        struct outcome outcome;

        set_all(set, values);
        ipck_route = route;
        errno = 0;
        outcome.result = call(set, key);
        outcome.error = outcome.result == -1 ? errno : 0;
        ipck_route = IPCK_LIBC;
        outcome.view = view_of(set);
        /* The clock may have gone on between the two. */
        outcome.view.ctime = 0;
        outcome.view.otime = outcome.view.otime != 0;
        return outcome;
}

TEST(sub_calls_do_what_the_direct_calls_do, VERIFIES(compat32_ipc_mux_all_subcalls), ONE_ROUTE)
{
        static const struct {
                const char *name;
                int (*call)(int set, key_t key);
        } rows[] = {
                {"semget of an existing set", get_it}, {"semget of it, exclusively", get_it_exclusively},
                {"semget of more semaphores", get_too_many}, {"semget of an unknown key", get_unknown},
                {"semget of a new set", get_new}, {"semop", op_one}, {"semop of several", op_several},
                {"semop that would block", op_would_block}, {"semop on no semaphore", op_bad_number},
                {"semop of nothing", op_none}, {"semop of too many", op_too_many},
                {"semop from bad memory", op_bad_pointer}, {"semop on no set", op_bad_id}, {"semtimedop", timed_one},
                {"semtimedop without limit", timed_without_limit}, {"semtimedop that times out", timed_out},
                {"semtimedop of no time", timed_bad_time}, {"semtimedop, timeout in bad memory", timed_bad_pointer},
                {"GETVAL", ctl_getval}, {"GETPID", ctl_getpid}, {"GETNCNT", ctl_getncnt}, {"GETALL", ctl_getall},
                {"SETVAL", ctl_setval}, {"SETVAL of -1", ctl_setval_range}, {"SETALL", ctl_setall},
                {"SETALL from bad memory", ctl_setall_bad}, {"GETVAL of no semaphore", ctl_bad_number},
                {"GETVAL of no set", ctl_bad_id}, {"no command", ctl_bad_command},
                {"IPC_STAT and IPC_SET", ctl_stat_and_set},
        };

        need_ipc();
        go_by(IPCK_RAW);
        go_by(IPCK_LIBC);
        EACH_ROW(row, rows) {
                const struct outcome direct = call_by(IPCK_RAW, row->call), mux = call_by(IPCK_MUX, row->call);
                EQ(compat32_ipc_mux_all_subcalls, mux.result, direct.result);
                EQ(compat32_ipc_mux_all_subcalls, mux.error, direct.error);
                HOLDS(compat32_ipc_mux_all_subcalls, same_view(&mux.view, &direct.view));
        }
}

/* Commands without an argument as well: it is read first. */
TEST(argument_of_the_sub_call_comes_by_address, VERIFIES(compat32_ipc_mux_semctl_arg), ONE_ROUTE)
{
        static const struct {
                const char *name;
                int command;
        } rows[] = {{"SETVAL", SETVAL}, {"SETALL", SETALL}, {"GETVAL", GETVAL}, {"GETALL", GETALL}};
        const struct {
                void *place;
                int error;
        } places[] = {{NULL, EINVAL}, {bad_address(), EFAULT}, {guarded(sizeof(long) - 1), EFAULT}};
        const long value = 7;

        need_ipc();
        const int set = new_sems(1, 0600);
        set_val(set, 0, 5);
        const struct sem_view before = view_of(set);
        EACH_ROW(row, rows) {
                for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
                        FAILS_WITH(compat32_ipc_mux_semctl_arg, places[i].error,
                                   MUX(MUX_SEMCTL, set, 0, row->command, places[i].place, 0));
                const struct sem_view after = view_of(set);
                HOLDS(compat32_ipc_mux_semctl_arg, same_view(&before, &after));
        }
        EQ(compat32_ipc_mux_semctl_arg, MUX(MUX_SEMCTL, set, 0, SETVAL, &value, 0), 0);
        EQ(compat32_ipc_mux_semctl_arg, VAL(set, 0), 7);
}

TEST(removal_by_sub_call, VERIFIES(compat32_ipc_mux_all_subcalls), ONE_ROUTE)
{
        need_ipc();
        int set = new_sems(1, 0600);
        go_by(IPCK_MUX);
        EQ(compat32_ipc_mux_all_subcalls, semctl(set, 0, IPC_RMID), 0);
        FAILS_WITH(compat32_ipc_mux_all_subcalls, EINVAL, semctl(set, 0, IPC_RMID));
        go_by(IPCK_LIBC);
        FAILS_WITH(compat32_ipc_mux_all_subcalls, EINVAL, VAL(set, 0));
}

/* ---- 32-bit time ---- */

struct time32 {
        int32_t tv_sec, tv_nsec;
};

static long semtimedop32(int set, struct sembuf *ops, unsigned nsops, const struct time32 *timeout)
{
#if defined(SYS_semtimedop) && __SIZEOF_POINTER__ == 4
        return syscall(SYS_semtimedop, set, ops, nsops, timeout);
#else
        return MUX(MUX_SEMTIMEDOP, set, nsops, 0, ops, timeout);
#endif
}

TEST(timeout_of_32_bits_is_waited_in_full, VERIFIES(compat32_semtimedop_time32), ONE_ROUTE, MOSTLY_WAITS)
{
        static const struct {
                const char *name;
                struct time32 timeout;
        } rows[] = {{"20 ms", {0, 20000000}}, {"1 ns", {0, 1}}, {"1.02 s", {1, 20000000}}};
        struct sembuf down = OP(0, -1, 0);

        need_ipc();
        int set = new_sems(1, 0600);
        EACH_ROW(row, rows) {
                const int64_t start = monotonic_ns();
                FAILS_WITH(compat32_semtimedop_time32, EAGAIN, semtimedop32(set, &down, 1, &row->timeout));
                const int64_t waited = monotonic_ns() - start;
                const int64_t wanted = row->timeout.tv_sec * INT64_C(1000000000) + row->timeout.tv_nsec;
                HOLDS(compat32_semtimedop_time32, waited >= wanted);
        }
        /* A timeout that is not needed costs nothing. */
        set_val(set, 0, 1);
        EQ(compat32_semtimedop_time32, semtimedop32(set, &down, 1, &(struct time32){INT32_MAX, 999999999}), 0);
        EQ(compat32_semtimedop_time32, VAL(set, 0), 0);
}

TEST(negative_seconds_of_32_bits_are_refused, VERIFIES(compat32_semtimedop_time32), ONE_ROUTE)
{
        static const struct {
                const char *name;
                struct time32 timeout;
        } rows[] = {{"-1 s", {-1, 0}}, {"-1.5 s", {-1, 500000000}}, {"INT32_MIN s", {INT32_MIN, 0}}};
        struct sembuf down = OP(0, -1, 0);

        need_ipc();
        int set = new_sems(1, 0600);
        EACH_ROW(row, rows)
                FAILS_WITH(compat32_semtimedop_time32, EINVAL, semtimedop32(set, &down, 1, &row->timeout));
        FAILS_WITH(compat32_semtimedop_time32, EAGAIN, semtimedop32(set, &down, 1, &(struct time32){0, 0}));
}
