/* SPDX-License-Identifier: MIT
 *
 * <sys/shm.h>: its constants, types, structure and prototypes, the names that it makes visible, and whether its
 * struct shmid_ds is the kernel's.
 */
#include <limits.h>

#include "ipck_header.h"
#include "ipck_shm.h"

/* ---- constants and types ---- */

TEST(flags_can_be_combined, VERIFIES(sys_shm_h_flags), ONE_ROUTE)
{
        HOLDS(sys_shm_h_flags, IS_CONSTANT(SHM_RDONLY));
        HOLDS(sys_shm_h_flags, IS_CONSTANT(SHM_RND));
        HOLDS(sys_shm_h_flags, SHM_RDONLY != 0);
        HOLDS(sys_shm_h_flags, SHM_RND != 0);
        EQ(sys_shm_h_flags, SHM_RDONLY & SHM_RND, 0);
}

TEST(low_boundary_address_multiple_can_divide, VERIFIES(sys_shm_h_shmlba, sys_shm_h_shmlba_multiple), ONE_ROUTE)
{
        const uintptr_t address = UINTPTR_MAX / 2;

        HOLDS(sys_shm_h_shmlba, IS_INTEGER(SHMLBA));
        HOLDS(sys_shm_h_shmlba, SHMLBA > 0);
        /* The expression must hold together beside the operator, as in POSIX's own formula for SHM_RND. */
        EQ(sys_shm_h_shmlba, (address - address % SHMLBA) % (uintptr_t)(SHMLBA), 0);
        EQ(sys_shm_h_shmlba_multiple, (size_t)SHMLBA % page_size(), 0);
}

TEST(number_of_attachments_is_unsigned, VERIFIES(sys_shm_h_shmatt_t), ONE_ROUTE)
{
        HOLDS(sys_shm_h_shmatt_t, IS_INTEGER((shmatt_t)0));
        HOLDS(sys_shm_h_shmatt_t, (shmatt_t)-1 > (shmatt_t)0);
        HOLDS(sys_shm_h_shmatt_t, (shmatt_t)-1 >= USHRT_MAX);
        EQ(sys_shm_h_shmatt_t, (shmatt_t)USHRT_MAX, USHRT_MAX);
}

TEST(shmid_ds_has_the_members, VERIFIES(sys_shm_h_shmid_ds_members), ONE_ROUTE)
{
        HOLDS(sys_shm_h_shmid_ds_members, MEMBER_IS(struct shmid_ds, shm_perm, struct ipc_perm));
        HOLDS(sys_shm_h_shmid_ds_members, MEMBER_IS(struct shmid_ds, shm_segsz, size_t));
        HOLDS(sys_shm_h_shmid_ds_members, MEMBER_IS(struct shmid_ds, shm_lpid, pid_t));
        HOLDS(sys_shm_h_shmid_ds_members, MEMBER_IS(struct shmid_ds, shm_cpid, pid_t));
        HOLDS(sys_shm_h_shmid_ds_members, MEMBER_IS(struct shmid_ds, shm_nattch, shmatt_t));
        HOLDS(sys_shm_h_shmid_ds_members, MEMBER_IS(struct shmid_ds, shm_atime, time_t));
        HOLDS(sys_shm_h_shmid_ds_members, MEMBER_IS(struct shmid_ds, shm_dtime, time_t));
        HOLDS(sys_shm_h_shmid_ds_members, MEMBER_IS(struct shmid_ds, shm_ctime, time_t));
}

TEST(functions_are_declared, VERIFIES(sys_shm_h_protos), ONE_ROUTE)
{
        HOLDS(sys_shm_h_protos, FUNCTION_IS(shmat, void *(int, const void *, int)));
        HOLDS(sys_shm_h_protos, FUNCTION_IS(shmctl, int(int, int, struct shmid_ds *)));
        HOLDS(sys_shm_h_protos, FUNCTION_IS(shmdt, int(const void *)));
        HOLDS(sys_shm_h_protos, FUNCTION_IS(shmget, int(key_t, size_t, int)));
}

/* ---- names ---- */

TEST(types_are_defined, VERIFIES(sys_shm_h_types), ONE_ROUTE)
{
        need_names();
        HOLDS(sys_shm_h_types, visible(shm_names, "pid_t"));
        HOLDS(sys_shm_h_types, visible(shm_names, "size_t"));
        HOLDS(sys_shm_h_types, visible(shm_names, "time_t"));
}

TEST(own_names_are_visible,
     VERIFIES(sys_shm_h_flags, sys_shm_h_shmlba, sys_shm_h_shmatt_t, sys_shm_h_protos), ONE_ROUTE)
{
        need_names();
        HOLDS(sys_shm_h_flags, visible(shm_names, "SHM_RDONLY"));
        HOLDS(sys_shm_h_flags, visible(shm_names, "SHM_RND"));
        HOLDS(sys_shm_h_shmlba, visible(shm_names, "SHMLBA"));
        HOLDS(sys_shm_h_shmatt_t, visible(shm_names, "shmatt_t"));
        HOLDS(sys_shm_h_protos, visible(shm_names, "shmat"));
        HOLDS(sys_shm_h_protos, visible(shm_names, "shmctl"));
        HOLDS(sys_shm_h_protos, visible(shm_names, "shmdt"));
        HOLDS(sys_shm_h_protos, visible(shm_names, "shmget"));
}

TEST(ipc_header_is_visible_too, VERIFIES(sys_shm_h_includes_ipc), ONE_ROUTE)
{
        need_names();
        EACH_ROW(name, ipc_specified)
                HOLDS(sys_shm_h_includes_ipc, visible(shm_names, name->name));
        /* How it keeps itself from being included twice is its own business. */
        EACH_ROW(name, ipc_names)
                HOLDS(sys_shm_h_includes_ipc, name->name[0] == '_' || visible(shm_names, name->name));
}

/* ---- the kernel's structure, by the system call itself ---- */

TEST(kernel_fills_the_whole_structure, VERIFIES(sys_shm_h_layout_kernel), ONE_ROUTE)
{
        /* What lies behind it is inaccessible. */
        struct shmid_ds *const ds = guarded(sizeof(*ds));
        unsigned char first[sizeof(*ds)], second[sizeof(*ds)];

        go_past_the_c_library("struct shmid_ds");
        const int segment = new_segment(1, 0600);
        memset(ds, 0x5a, sizeof(*ds));
        EQ(sys_shm_h_layout_kernel, shmctl(segment, IPC_STAT, ds), 0);
        memcpy(first, ds, sizeof(first));
        memset(ds, 0xa5, sizeof(*ds));
        EQ(sys_shm_h_layout_kernel, shmctl(segment, IPC_STAT, ds), 0);
        memcpy(second, ds, sizeof(second));
        /* A byte that kept its filling is none of the kernel's. */
        HOLDS(sys_shm_h_layout_kernel, memcmp(first, second, sizeof(first)) == 0);
}

TEST(members_lie_where_the_kernel_writes, VERIFIES(sys_shm_h_layout_kernel), ONE_ROUTE, MOSTLY_WAITS)
{
        enum { SIZE = 0x00012345 };
        struct child user;

        go_past_the_c_library("struct shmid_ds");
        const int segment = new_segment(SIZE, 0642);
        struct shmid_ds ds = stat_of_segment(segment);
        const time_t created = ds.shm_ctime;
        EQ(sys_shm_h_layout_kernel, ds.shm_perm.mode, 0642);
        EQ(sys_shm_h_layout_kernel, ds.shm_segsz, SIZE);
        EQ(sys_shm_h_layout_kernel, ds.shm_cpid, getpid());
        EQ(sys_shm_h_layout_kernel, ds.shm_lpid, 0);
        EQ(sys_shm_h_layout_kernel, ds.shm_nattch, 0);
        EQ(sys_shm_h_layout_kernel, ds.shm_atime, 0);
        EQ(sys_shm_h_layout_kernel, ds.shm_dtime, 0);

        /* Three times in three seconds, so that none can stand for another. */
        next_second(created);
        CHILD(&user) {
                const char *const memory = attach(segment, SHM_RDONLY);

                stay(&user);
                detach(memory);
                here(&user, 2);
                await(&user, 2);
        }
        UNTIL(stays(&user));
        ds = stat_of_segment(segment);
        const time_t attached = ds.shm_atime;
        BETWEEN(sys_shm_h_layout_kernel, created + 1, attached, now());
        EQ(sys_shm_h_layout_kernel, ds.shm_lpid, user.pid);
        EQ(sys_shm_h_layout_kernel, ds.shm_nattch, 1);
        next_second(now());
        tell(&user, 1);
        UNTIL(at(&user) == 2);
        ds = stat_of_segment(segment);
        BETWEEN(sys_shm_h_layout_kernel, attached + 1, ds.shm_dtime, now());
        EQ(sys_shm_h_layout_kernel, ds.shm_atime, attached);
        EQ(sys_shm_h_layout_kernel, ds.shm_ctime, created);
        EQ(sys_shm_h_layout_kernel, ds.shm_cpid, getpid());
        tell(&user, 2);
        join(&user);
}

TEST(owners_lie_where_the_kernel_writes, VERIFIES(sys_shm_h_layout_kernel), ONE_ROUTE)
{
        /* More than 16 bits, all bytes different. */
        enum { OWNER = 0x00012345, OWNER_GROUP = 0x00026789, CREATOR = 0x0003abcd, CREATOR_GROUP = 0x0004ef10 };
        int *const segment = shared(sizeof(*segment));
        struct child creator;

        go_past_the_c_library("struct shmid_ds");
        CHILD(&creator) {
                become(CREATOR, CREATOR_GROUP, NULL, 0);
                *segment = new_segment(1, 0600);
                set_segment_owner(*segment, OWNER, OWNER_GROUP, 0646);
                const struct shmid_ds ds = stat_of_segment(*segment);
                EQ(sys_shm_h_layout_kernel, ds.shm_perm.uid, OWNER);
                EQ(sys_shm_h_layout_kernel, ds.shm_perm.gid, OWNER_GROUP);
                EQ(sys_shm_h_layout_kernel, ds.shm_perm.cuid, CREATOR);
                EQ(sys_shm_h_layout_kernel, ds.shm_perm.cgid, CREATOR_GROUP);
                EQ(sys_shm_h_layout_kernel, ds.shm_perm.mode, 0646);
                EQ(sys_shm_h_layout_kernel, ds.shm_segsz, 1);
        }
        join(&creator);
}

/* ---- the library's structure, by the library ---- */

TEST(library_fills_its_own_structure, VERIFIES(sys_shm_h_layout_kernel), ONE_ROUTE)
{
        enum { SIZE = 0x00012345 };
        const time_t created = now();
        const int segment = new_segment(SIZE, 0642);
        const char *const memory = attach(segment, SHM_RDONLY), *const other = attach(segment, SHM_RDONLY);
        struct shmid_ds *const ds = guarded(sizeof(*ds));

        memset(ds, 0x5a, sizeof(*ds));
        EQ(sys_shm_h_layout_kernel, (shmctl)(segment, IPC_STAT, ds), 0);
        EQ(sys_shm_h_layout_kernel, ds->shm_perm.mode, 0642);
        EQ(sys_shm_h_layout_kernel, ds->shm_perm.cuid, geteuid());
        EQ(sys_shm_h_layout_kernel, ds->shm_segsz, SIZE);
        EQ(sys_shm_h_layout_kernel, ds->shm_cpid, getpid());
        EQ(sys_shm_h_layout_kernel, ds->shm_lpid, getpid());
        EQ(sys_shm_h_layout_kernel, ds->shm_nattch, 2);
        EQ(sys_shm_h_layout_kernel, ds->shm_dtime, 0);
        BETWEEN(sys_shm_h_layout_kernel, created, ds->shm_atime, now());
        detach(memory);
        detach(other);
        EQ(sys_shm_h_layout_kernel, (shmctl)(segment, IPC_STAT, ds), 0);
        EQ(sys_shm_h_layout_kernel, ds->shm_nattch, 0);
        BETWEEN(sys_shm_h_layout_kernel, created, ds->shm_dtime, now());
        BETWEEN(sys_shm_h_layout_kernel, created, ds->shm_ctime, now());
}
