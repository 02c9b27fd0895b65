/* SPDX-License-Identifier: MIT
 *
 * shmctl() IPC_STAT: what it stores, and where it does not.
 */
#include <sched.h>

#include "ipck_shm.h"

TEST(success_is_zero, VERIFIES(shmctl_ret_zero))
{
        struct shmid_ds ds;

        /* Neither is the identifier. */
        burn_segment_ids(70);
        (void)new_segment(1, 0600);
        const int segment = new_segment(1, 0600);
        REQUIRE(segment != 0);
        EQ(shmctl_ret_zero, shmctl(segment, IPC_STAT, &ds), 0);
        EQ(shmctl_ret_zero, shmctl(segment, IPC_SET, &ds), 0);
        EQ(shmctl_ret_zero, shmctl(segment, IPC_RMID, NULL), 0);
}

/* ---- members ---- */

TEST(new_segment_is_described, VERIFIES(shmctl_stat_fields))
{
        static const struct {
                const char *name;
                size_t size;
                int mode;
        } rows[] = {{"1 byte", 1, 0400}, {"4097 bytes", 4097, 0641}, {"1000000 bytes", 1000000, 0724},
                    {"all permissions", 100, 0777}};

        EACH_ROW(row, rows) {
                const time_t earliest = now();
                const int segment = new_segment(row->size, row->mode);
                const time_t latest = now();
                struct shmid_ds ds;

                memset(&ds, 0x5a, sizeof(ds));
                EQ(shmctl_stat_fields, shmctl(segment, IPC_STAT, &ds), 0);
                EQ(shmctl_stat_fields, ds.shm_perm.uid, geteuid());
                EQ(shmctl_stat_fields, ds.shm_perm.gid, getegid());
                EQ(shmctl_stat_fields, ds.shm_perm.cuid, geteuid());
                EQ(shmctl_stat_fields, ds.shm_perm.cgid, getegid());
                EQ(shmctl_stat_fields, ds.shm_perm.mode, row->mode);
                EQ(shmctl_stat_fields, ds.shm_segsz, row->size);
                EQ(shmctl_stat_fields, ds.shm_lpid, 0);
                EQ(shmctl_stat_fields, ds.shm_cpid, getpid());
                EQ(shmctl_stat_fields, ds.shm_nattch, 0);
                EQ(shmctl_stat_fields, ds.shm_atime, 0);
                EQ(shmctl_stat_fields, ds.shm_dtime, 0);
                BETWEEN(shmctl_stat_fields, earliest, ds.shm_ctime, latest);
        }
}

TEST(four_user_and_group_ids_are_told_apart, VERIFIES(shmctl_stat_fields))
{
        struct child creator;

        CHILD(&creator) {
                become(USER_A, GROUP_A, NULL, 0);
                const int segment = new_segment(1, 0600);
                struct shmid_ds ds;

                /* A creator keeps the rights of an owner. */
                set_segment_owner(segment, USER_B, GROUP_B, 0640);
                memset(&ds, 0x5a, sizeof(ds));
                EQ(shmctl_stat_fields, shmctl(segment, IPC_STAT, &ds), 0);
                EQ(shmctl_stat_fields, ds.shm_perm.uid, USER_B);
                EQ(shmctl_stat_fields, ds.shm_perm.gid, GROUP_B);
                EQ(shmctl_stat_fields, ds.shm_perm.cuid, USER_A);
                EQ(shmctl_stat_fields, ds.shm_perm.cgid, GROUP_A);
                EQ(shmctl_stat_fields, ds.shm_perm.mode & 0777, 0640);
        }
        join(&creator);
}

TEST(description_follows_attachments, VERIFIES(shmctl_stat_fields))
{
        const int other = new_segment(5, 0644), segment = new_segment(3, 0600);
        const struct segment_view of_other = view_of_segment(other);
        struct child user;

        CHILD(&user) {
                const char *const one = attach(segment, 0), *const two = attach(segment, SHM_RDONLY);

                here(&user, 1);
                await(&user, 1);
                detach(one);
                here(&user, 2);
                await(&user, 2);
                detach(two);
        }
        const time_t start = now();
        UNTIL(at(&user) == 1);
        struct shmid_ds ds = stat_of_segment(segment);
        EQ(shmctl_stat_fields, ds.shm_nattch, 2);
        EQ(shmctl_stat_fields, ds.shm_lpid, user.pid);
        EQ(shmctl_stat_fields, ds.shm_cpid, getpid());
        EQ(shmctl_stat_fields, ds.shm_dtime, 0);
        HOLDS(shmctl_stat_fields, ds.shm_atime != 0 && ds.shm_atime <= now());
        const time_t attached = ds.shm_atime;

        tell(&user, 1);
        UNTIL(at(&user) == 2);
        ds = stat_of_segment(segment);
        EQ(shmctl_stat_fields, ds.shm_nattch, 1);
        EQ(shmctl_stat_fields, ds.shm_atime, attached);
        BETWEEN(shmctl_stat_fields, start, ds.shm_dtime, now());
        tell(&user, 2);
        join(&user);
        EQ(shmctl_stat_fields, stat_of_segment(segment).shm_nattch, 0);
        const struct segment_view after = view_of_segment(other);
        HOLDS(shmctl_stat_fields, same_segment_view(&of_other, &after));
}

/* ---- padding ---- */

TEST(reserved_members_are_zero, VERIFIES(shmctl_stat_padding_zero))
{
        struct shmid_ds stored;
        const key_t key = fresh_key();

        if (ipck_route == IPCK_LIBC && sizeof(long) < 8)
                UNSUPPORTED("a C library that leaves the structure to the kernel (a 32-bit one fills in its own)");
        if (sizeof(time_t) > sizeof(long))
                UNSUPPORTED("a struct shmid_ds like the kernel's (time_t has %zu bytes)", sizeof(time_t));
        burn_segment_ids(150);
        const int segment = segment_must_fit(shmget(key, 3, IPC_CREAT | 0642), 3);
        detach(attach(segment, 0));
        memset(&stored, 0x5a, sizeof(stored));
        MUST(shmctl(segment, IPC_STAT, &stored));
        REQUIRE(stored.shm_perm.__key == key);
        /* What remains after the members with a meaning are taken away. */
        stored.shm_perm.__key = 0;
        stored.shm_perm.__seq = 0;
        stored.shm_perm.uid = stored.shm_perm.cuid = 0;
        stored.shm_perm.gid = stored.shm_perm.cgid = 0;
        stored.shm_perm.mode = 0;
        stored.shm_segsz = 0;
        stored.shm_lpid = stored.shm_cpid = 0;
        stored.shm_nattch = 0;
        stored.shm_atime = stored.shm_dtime = stored.shm_ctime = 0;
        HOLDS(shmctl_stat_padding_zero, all_bytes(&stored, sizeof(stored), 0));
}

/* ---- what might not fit ---- */

TEST(owner_of_more_than_16_bits, VERIFIES(shmctl_stat_eoverflow))
{
        enum { OWNER = 0x00012345, OWNER_GROUP = 0x00026789 };
        const int segment = new_segment(1, 0600);
        struct shmid_ds ds;

        set_segment_owner(segment, OWNER, OWNER_GROUP, 0666);
        memset(&ds, 0x5a, sizeof(ds));
        if (shmctl(segment, IPC_STAT, &ds) == -1 && errno == EOVERFLOW)
                OBSERVE(shmctl_stat_eoverflow, "IPC_STAT of a segment of user %d fails with EOVERFLOW", OWNER);
        else
                OBSERVE(shmctl_stat_eoverflow, "IPC_STAT of a segment of user %d tells of user %u", OWNER,
                        (unsigned)ds.shm_perm.uid);
}

/* By every route: the attachments take too long to be made once for each. */
static void nattch_is(int segment, unsigned long want)
{
        for (int route = IPCK_LIBC; route < IPCK_ROUTES; route++) {
                ipck_route = (enum ipck_route)route;
                if (IPCK_FILE_ROUTES & 1U << route && (nattch(segment) != -1 || errno != ENOSYS))
                        EQ(shmctl_stat_nattch_large, nattch(segment), want);
        }
        ipck_route = IPCK_LIBC;
}

TEST(more_attachments_than_16_bits, VERIFIES(shmctl_stat_nattch_large), ONE_ROUTE)
{
        /* Few a process: an emulator may look through all of them for the next one's place. */
        enum { EACH = 2050, OTHERS = 31 };
        const int segment = new_segment(1, 0600);
        struct child others[OTHERS];
        const void *first = NULL;

        for (int i = 0; i < EACH; i++) {
                const void *const memory = shmat(segment, NULL, SHM_RDONLY);
                if (memory == SHM_FAILED)
                        UNSUPPORTED("%d attachments in one process (shmat: %s)", EACH, errno_name(errno));
                first = i == 0 ? memory : first;
        }
        nattch_is(segment, EACH);
        /* A new process has the attachments of its parent. */
        for (int i = 0; i < OTHERS; i++) {
                CHILD(&others[i])
                        stay(&others[i]);
                UNTIL(stays(&others[i]));
        }
        nattch_is(segment, EACH * (OTHERS + 1));
        detach(first);
        nattch_is(segment, EACH * (OTHERS + 1) - 1);
        for (int i = 0; i < OTHERS; i++)
                dismiss(&others[i]);
        nattch_is(segment, EACH - 1);
}

/* ---- PID namespaces ---- */

/* Made and attached by the caller. */
static int new_used_segment(void)
{
        const int segment = new_segment(1, 0600);

        detach(attach(segment, 0));
        return segment;
}

static void expect_pids(int segment, pid_t creator, pid_t last)
{
        const struct shmid_ds ds = stat_of_segment(segment);

        EQ(shmctl_stat_cpid_pidns, ds.shm_cpid, creator);
        EQ(shmctl_stat_cpid_pidns, ds.shm_lpid, last);
}

/* As process 1 of a new PID namespace. Both segments belong to the one outside. */
static void look_from_within(int untouched, int touched, int *made)
{
        REQUIRE(getpid() == 1);
        expect_pids(untouched, 0, 0);
        expect_pids(touched, 0, 0);
        detach(attach(touched, 0));
        expect_pids(touched, 0, 1);
        *made = new_used_segment();
        expect_pids(*made, 1, 1);
}

TEST(processes_are_numbered_for_the_one_who_asks, VERIFIES(shmctl_stat_cpid_pidns))
{
        const int untouched = new_used_segment(), touched = new_used_segment();
        int *const made = shared(sizeof(*made));
        pid_t *const inner_pid = shared(sizeof(*inner_pid));
        struct child bridge, inner;

        CHILD(&bridge) {
                if (unshare(CLONE_NEWPID) == -1)
                        UNSUPPORTED("a PID namespace (%s)", errno_name(errno));
                CHILD(&inner)
                        look_from_within(untouched, touched, made);
                *inner_pid = inner.pid;
                join(&inner);
        }
        join(&bridge);
        REQUIRE(*inner_pid > 1);
        expect_pids(untouched, getpid(), getpid());
        expect_pids(touched, getpid(), *inner_pid);
        expect_pids(*made, *inner_pid, *inner_pid);

        /* To a namespace beside it, none of them exists. */
        CHILD(&bridge) {
                MUST(unshare(CLONE_NEWPID));
                CHILD(&inner)
                        expect_pids(*made, 0, 0);
                join(&inner);
        }
        join(&bridge);
}

/* ---- memory ---- */

TEST(nothing_is_stored_around_the_structure, VERIFIES(shmctl_stat_fields))
{
        enum { BEFORE = 32 };
        unsigned char *const memory = guarded(BEFORE + sizeof(struct shmid_ds));
        struct shmid_ds *const ds = (void *)(memory + BEFORE);
        const int segment = new_segment(3, 0600);

        memset(memory, 0x5a, BEFORE + sizeof(*ds));
        EQ(shmctl_stat_fields, shmctl(segment, IPC_STAT, ds), 0);
        EQ(shmctl_stat_fields, ds->shm_segsz, 3);
        HOLDS(shmctl_stat_fields, all_bytes(memory, BEFORE, 0x5a));
}

TEST(stat_into_bad_memory_fails, VERIFIES(shmctl_stat_efault))
{
        const struct {
                const char *name;
                struct shmid_ds *ds;
        } rows[] = {
                {"inaccessible page", bad_address()}, {"read-only page", read_only_page()}, {"null pointer", NULL},
                {"room for the structure but its last word", guarded(sizeof(struct shmid_ds) - sizeof(long))},
        };
        const int segment = new_segment(3, 0600);
        struct shmid_ds good;

        if (ipck_route == IPCK_LIBC && sizeof(long) < 8)
                UNSUPPORTED("a C library that leaves the structure to the kernel (a 32-bit one touches it itself)");
        EQ(shmctl_stat_efault, shmctl(segment, IPC_STAT, &good), 0);
        EACH_ROW(row, rows)
                FAILS_WITH(shmctl_stat_efault, EFAULT, shmctl(segment, IPC_STAT, row->ds));
}
