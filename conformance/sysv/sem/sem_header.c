/* SPDX-License-Identifier: MIT
 *
 * <sys/sem.h>: its constants, structures and prototypes, the names that it makes visible, and whether its struct
 * semid_ds is the kernel's.
 */
#include "ipck_header.h"
#include "ipck_sem.h"

TEST(undo_flag_can_be_combined, VERIFIES(sys_sem_h_undo), ONE_ROUTE)
{
        HOLDS(sys_sem_h_undo, IS_CONSTANT(SEM_UNDO));
        HOLDS(sys_sem_h_undo, SEM_UNDO != 0);
        EQ(sys_sem_h_undo, SEM_UNDO & IPC_NOWAIT, 0);
}

TEST(commands_differ, VERIFIES(sys_sem_h_cmds_distinct), ONE_ROUTE)
{
        static const struct command {
                const char *name;
                intmax_t value;
        } commands[] = {
                {"GETNCNT", GETNCNT}, {"GETPID", GETPID}, {"GETVAL", GETVAL}, {"GETALL", GETALL},
                {"GETZCNT", GETZCNT}, {"SETVAL", SETVAL}, {"SETALL", SETALL}, {"IPC_RMID", IPC_RMID},
                {"IPC_SET", IPC_SET}, {"IPC_STAT", IPC_STAT},
        };

        EACH_ROW(command, commands)
                for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
                        HOLDS(sys_sem_h_cmds_distinct,
                              commands[i].value != command->value || strcmp(commands[i].name, command->name) == 0);
}

TEST(semid_ds_has_the_members, VERIFIES(sys_sem_h_semid_ds_members), ONE_ROUTE)
{
        HOLDS(sys_sem_h_semid_ds_members, MEMBER_IS(struct semid_ds, sem_perm, struct ipc_perm));
        HOLDS(sys_sem_h_semid_ds_members, MEMBER_IS(struct semid_ds, sem_nsems, unsigned short));
        HOLDS(sys_sem_h_semid_ds_members, MEMBER_IS(struct semid_ds, sem_otime, time_t));
        HOLDS(sys_sem_h_semid_ds_members, MEMBER_IS(struct semid_ds, sem_ctime, time_t));
}

TEST(sembuf_has_the_members, VERIFIES(sys_sem_h_sembuf_members), ONE_ROUTE)
{
        HOLDS(sys_sem_h_sembuf_members, MEMBER_IS(struct sembuf, sem_num, unsigned short));
        HOLDS(sys_sem_h_sembuf_members, MEMBER_IS(struct sembuf, sem_op, short));
        HOLDS(sys_sem_h_sembuf_members, MEMBER_IS(struct sembuf, sem_flg, short));
}

TEST(functions_are_declared, VERIFIES(sys_sem_h_protos), ONE_ROUTE)
{
        HOLDS(sys_sem_h_protos, FUNCTION_IS(semctl, int(int, int, int, ...)));
        HOLDS(sys_sem_h_protos, FUNCTION_IS(semget, int(key_t, int, int)));
        HOLDS(sys_sem_h_protos, FUNCTION_IS(semop, int(int, struct sembuf *, size_t)));
}

TEST(types_are_defined, VERIFIES(sys_sem_h_types), ONE_ROUTE)
{
        need_names();
        HOLDS(sys_sem_h_types, visible(sem_names, "pid_t"));
        HOLDS(sys_sem_h_types, visible(sem_names, "size_t"));
        HOLDS(sys_sem_h_types, visible(sem_names, "time_t"));
}

TEST(ipc_header_is_visible_too, VERIFIES(sys_sem_h_includes_ipc), ONE_ROUTE)
{
        need_names();
        EACH_ROW(name, ipc_specified)
                HOLDS(sys_sem_h_includes_ipc, visible(sem_names, name->name));
        /* How it keeps itself from being included twice is its own business. */
        EACH_ROW(name, ipc_names)
                HOLDS(sys_sem_h_includes_ipc, name->name[0] == '_' || visible(sem_names, name->name));
}

TEST(union_semun_is_left_to_the_program, VERIFIES(sys_sem_h_no_semun), ONE_ROUTE)
{
        /* That of ipck_sem.h, which would not compile beside another. */
        EQ(sys_sem_h_no_semun, ARG_VAL(7).val, 7);
        if (have_names())
                HOLDS(sys_sem_h_no_semun, !visible(sem_names, "semun"));
}

/* ---- the kernel's structure, by the system call itself ---- */

TEST(kernel_fills_the_whole_structure, VERIFIES(sys_sem_h_layout_kernel), ONE_ROUTE)
{
        /* What lies behind it is inaccessible. */
        struct semid_ds *ds = guarded(sizeof(*ds));
        unsigned char first[sizeof(*ds)], second[sizeof(*ds)];

        go_past_the_c_library("struct semid_ds");
        const int set = new_sems(1, 0600);
        memset(ds, 0x5a, sizeof(*ds));
        EQ(sys_sem_h_layout_kernel, semctl(set, 0, IPC_STAT, ARG_BUF(ds)), 0);
        memcpy(first, ds, sizeof(first));
        memset(ds, 0xa5, sizeof(*ds));
        EQ(sys_sem_h_layout_kernel, semctl(set, 0, IPC_STAT, ARG_BUF(ds)), 0);
        memcpy(second, ds, sizeof(second));
        /* A byte that kept its filling is none of the kernel's. */
        HOLDS(sys_sem_h_layout_kernel, memcmp(first, second, sizeof(first)) == 0);
}

TEST(members_lie_where_the_kernel_writes, VERIFIES(sys_sem_h_layout_kernel), ONE_ROUTE)
{
        enum { NSEMS = 0x0123 };

        go_past_the_c_library("struct semid_ds");
        const time_t before = now();
        const int set = must_fit(semget(IPC_PRIVATE, NSEMS, 0642), NSEMS);
        struct semid_ds ds = stat_of(set);
        const time_t created = now();
        EQ(sys_sem_h_layout_kernel, ds.sem_nsems, NSEMS);
        EQ(sys_sem_h_layout_kernel, ds.sem_perm.mode & 07777, 0642);
        EQ(sys_sem_h_layout_kernel, ds.sem_otime, 0);
        BETWEEN(sys_sem_h_layout_kernel, before, ds.sem_ctime, created);

        const time_t from = now();
        MUST(SEMOP(set, OP(0, 1, 0)));
        ds = stat_of(set);
        const time_t to = now();
        BETWEEN(sys_sem_h_layout_kernel, from, ds.sem_otime, to);
        BETWEEN(sys_sem_h_layout_kernel, before, ds.sem_ctime, created);
}

TEST(owners_lie_where_the_kernel_writes, VERIFIES(sys_sem_h_layout_kernel), ONE_ROUTE)
{
        /* More than 16 bits, all bytes different. */
        enum { OWNER = 0x00012345, OWNER_GROUP = 0x00026789, CREATOR = 0x0003abcd, CREATOR_GROUP = 0x0004ef10 };
        int *set = shared(sizeof(*set));
        struct child creator;

        go_past_the_c_library("struct semid_ds");
        CHILD(&creator) {
                become(CREATOR, CREATOR_GROUP, NULL, 0);
                *set = new_sems(1, 0600);
        }
        join(&creator);
        /* Readable for others: not everybody's root has CAP_IPC_OWNER. */
        set_owner(*set, OWNER, OWNER_GROUP, 0646);
        const struct semid_ds ds = stat_of(*set);
        EQ(sys_sem_h_layout_kernel, ds.sem_perm.uid, OWNER);
        EQ(sys_sem_h_layout_kernel, ds.sem_perm.gid, OWNER_GROUP);
        EQ(sys_sem_h_layout_kernel, ds.sem_perm.cuid, CREATOR);
        EQ(sys_sem_h_layout_kernel, ds.sem_perm.cgid, CREATOR_GROUP);
        EQ(sys_sem_h_layout_kernel, ds.sem_perm.mode & 07777, 0646);
        EQ(sys_sem_h_layout_kernel, ds.sem_nsems, 1);
}
