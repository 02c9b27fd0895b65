/* SPDX-License-Identifier: MIT
 *
 * Shared memory calls of a 32-bit program on a 64-bit Linux kernel, which translates structures, times and sizes.
 */
#include <limits.h>
#include <sys/syscall.h>

#include "ipck_compat32.h"
#include "ipck_shm.h"

/* struct shmid64_ds of i386 and of arm. */
struct kernel_shmid_ds {
        int32_t key;
        uint32_t uid, gid, cuid, cgid;
        uint16_t mode, pad1, seq, pad2;
        uint32_t unused1, unused2;
        uint32_t segsz;
        uint32_t atime, atime_high, dtime, dtime_high, ctime, ctime_high;
        int32_t cpid, lpid;
        uint32_t nattch, unused4, unused5;
};

static int kernel_stat(int segment, struct kernel_shmid_ds *ds)
{
        memset(ds, 0x5a, sizeof(*ds));
        return shmctl(segment, KERNEL_IPC_STAT, ds);
}

/* ---- layout ---- */

TEST(direct_calls_use_the_new_structure, VERIFIES(compat32_semctl_ipc64_direct), ONE_ROUTE)
{
        struct kernel_shmid_ds *const ds = guarded(sizeof(*ds));
        const key_t key = fresh_key();
        int index = 0;

        need_compat();
#ifndef __i386__
        UNSUPPORTED("i386, whose direct calls came with Linux 5.1");
#endif
        go_by(IPCK_RAW);
        const int segment = segment_must_fit(shmget(key, 300, IPC_CREAT | 0642), 300);
        (void)attach(segment, 0);
        memset(ds, 0x5a, sizeof(*ds));
        EQ(compat32_semctl_ipc64_direct, syscall(SYS_shmctl, segment, KERNEL_IPC_STAT, ds), 0);
        EQ(compat32_semctl_ipc64_direct, ds->key, key);
        EQ(compat32_semctl_ipc64_direct, ds->uid, geteuid());
        EQ(compat32_semctl_ipc64_direct, ds->gid, getegid());
        EQ(compat32_semctl_ipc64_direct, ds->cuid, geteuid());
        EQ(compat32_semctl_ipc64_direct, ds->cgid, getegid());
        EQ(compat32_semctl_ipc64_direct, ds->mode, 0642);
        EQ(compat32_semctl_ipc64_direct, ds->segsz, 300);
        EQ(compat32_semctl_ipc64_direct, ds->cpid, getpid());
        EQ(compat32_semctl_ipc64_direct, ds->lpid, getpid());
        EQ(compat32_semctl_ipc64_direct, ds->nattch, 1);
        EQ(compat32_semctl_ipc64_direct, ds->dtime, 0);
        HOLDS(compat32_semctl_ipc64_direct, ds->ctime != 0 && ds->atime >= ds->ctime);

        ds->mode = 0624;
        EQ(compat32_semctl_ipc64_direct, syscall(SYS_shmctl, segment, KERNEL_IPC_SET, ds), 0);
        memset(ds, 0x5a, sizeof(*ds));
        while (index < 256 && syscall(SYS_shmctl, index, KERNEL_SHM_STAT, ds) != segment)
                index++;
        EQ(compat32_semctl_ipc64_direct, ds->mode, 0624);
        EQ(compat32_semctl_ipc64_direct, ds->uid, geteuid());
        EQ(compat32_semctl_ipc64_direct, ds->segsz, 300);
}

TEST(no_byte_keeps_its_old_value, VERIFIES(compat32_stat_no_leak), ONE_ROUTE)
{
        struct kernel_shmid_ds *const ds = guarded(sizeof(*ds));

        need_compat();
        need_known_layout();
        EACH_ROW(row, kernel_routes) {
                go_by(row->route);
                const int segment = new_segment(3, 0600);
                detach(attach(segment, 0));
                EQ(compat32_stat_no_leak, kernel_stat(segment, ds), 0);
                EQ(compat32_stat_no_leak, ds->pad1, 0);
                EQ(compat32_stat_no_leak, ds->pad2, 0);
                EQ(compat32_stat_no_leak, ds->unused1, 0);
                EQ(compat32_stat_no_leak, ds->unused2, 0);
                EQ(compat32_stat_no_leak, ds->unused4, 0);
                EQ(compat32_stat_no_leak, ds->unused5, 0);
        }
}

/* ---- times ---- */

/* The times as the kernel holds them, whatever the width of a program's long. */
static struct segment_line line_in_proc(int segment)
{
        struct segment_line lines[64];
        char text[16384];

        if (read_file("/proc/sysvipc/shm", text, sizeof(text)) <= 0)
                UNSUPPORTED("/proc/sysvipc/shm (%s)", errno_name(errno));
        size_t i = segment_lines(text, lines, sizeof(lines) / sizeof(*lines));
        while (i > 0 && lines[i - 1].id != segment)
                i--;
        REQUIRE(i > 0);
        return lines[i - 1];
}

static void compare_times(int segment)
{
        const struct segment_line line = line_in_proc(segment);
        struct kernel_shmid_ds kernel;
        struct shmid_ds ds;

        if (ipck_route == IPCK_LIBC) {
                memset(&ds, 0x5a, sizeof(ds));
                EQ(compat32_stat_shm_times, shmctl(segment, IPC_STAT, &ds), 0);
                EQ(compat32_stat_shm_times, ds.shm_atime, line.atime);
                EQ(compat32_stat_shm_times, ds.shm_dtime, line.dtime);
                EQ(compat32_stat_shm_times, ds.shm_ctime, line.ctime);
                return;
        }
        need_known_layout();
        EQ(compat32_stat_shm_times, kernel_stat(segment, &kernel), 0);
        EQ(compat32_stat_shm_times, kernel.atime, line.atime);
        EQ(compat32_stat_shm_times, kernel.dtime, line.dtime);
        EQ(compat32_stat_shm_times, kernel.ctime, line.ctime);
        REQUIRE(line.ctime < UINT32_MAX);
        EQ(compat32_stat_shm_times, kernel.atime_high, 0);
        EQ(compat32_stat_shm_times, kernel.dtime_high, 0);
        EQ(compat32_stat_shm_times, kernel.ctime_high, 0);
}

TEST(times_are_those_of_the_kernel, VERIFIES(compat32_stat_shm_times), MOSTLY_WAITS)
{
        need_compat();
        const int untouched = new_segment(1, 0600), segment = new_segment(1, 0600);
        compare_times(untouched);
        /* Three times in three seconds, so that none can stand for another. */
        next_second(stat_of_segment(segment).shm_ctime);
        const char *const memory = attach(segment, 0);
        compare_times(segment);
        next_second(now());
        detach(memory);
        const struct segment_line line = line_in_proc(segment);
        REQUIRE(line.ctime != line.atime && line.atime != line.dtime && line.ctime != line.dtime);
        compare_times(segment);
}

/* ---- sizes ---- */

TEST(shmmax_is_cut_to_an_int, VERIFIES(compat32_shminfo_capped))
{
        static const struct {
                const char *name, *limit;
                unsigned long reported;
        } rows[] = {
                {"1 MiB", "1048576", 1048576}, {"INT_MAX", "2147483647", INT_MAX}, {"2 GiB", "2147483648", INT_MAX},
                {"UINT_MAX", "4294967295", INT_MAX}, {"4 GiB and 1 MiB", "4296015872", INT_MAX},
                {"ULLONG_MAX", "18446744073709551615", INT_MAX},
        };

        need_compat();
        EACH_ROW(row, rows) {
                struct shminfo *const info = guarded(sizeof(*info));

                set_sysctl("kernel/shmmax", row->limit);
                memset(info, 0x5a, sizeof(*info));
                EQ(compat32_shminfo_capped, worked(shmctl(0, IPC_INFO, info)), 0);
                EQ(compat32_shminfo_capped, info->shmmax, row->reported);
                EQ(compat32_shminfo_capped, info->shmmin, 1);
        }
}

TEST(shmmax_in_force_is_reported_or_cut, VERIFIES(compat32_shminfo_capped))
{
        need_compat();
        const uintmax_t limit = number_in("/proc/sys/kernel/shmmax", "");
        EQ(compat32_shminfo_capped, shm_limits().shmmax, limit > INT_MAX ? INT_MAX : limit);
}

static int new_segment64(uint64_t size)
{
        const int64_t result =
                result_of_call64(&(struct call64){CALL64_SHMGET, {IPC_PRIVATE, size, SHM_NORESERVE | 0600}});

        if (result < 0)
                UNSUPPORTED("a segment of 4 GiB (64-bit shmget: %s)", errno_name((int)-result));
        return (int)result;
}

TEST(size_of_64_bits_loses_its_upper_half, VERIFIES(compat32_stat_segsz_over_4g))
{
        static const struct {
                const char *name;
                uint64_t size;
        } rows[] = {
                {"4 GiB and 5 bytes", UINT64_C(0x100000005)}, {"4 GiB", UINT64_C(0x100000000)},
                {"8 GiB less a byte", UINT64_C(0x1ffffffff)}, {"20 GiB and some", UINT64_C(0x512345678)},
                {"1 MiB", UINT64_C(0x100000)},
        };

        need_compat();
        EACH_ROW(row, rows) {
                const int segment = new_segment64(row->size);
                struct shmid_ds ds;

                REQUIRE(line_in_proc(segment).size == row->size);
                memset(&ds, 0x5a, sizeof(ds));
                EQ(compat32_stat_segsz_over_4g, shmctl(segment, IPC_STAT, &ds), 0);
                EQ(compat32_stat_segsz_over_4g, ds.shm_segsz, (uint32_t)row->size);
                EQ(compat32_stat_segsz_over_4g, ds.shm_nattch, 0);
        }
}
