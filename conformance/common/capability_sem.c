/* SPDX-License-Identifier: MIT
 *
 * Privilege over semaphore sets: CAP_IPC_OWNER reads and alters whatever the mode says, CAP_SYS_ADMIN changes and
 * removes the sets of others, and neither does so from a user namespace that does not own the IPC namespace.
 */
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "ipck_sem.h"

static void need(int capability, const char *name)
{
        if (!has_capability(capability))
                UNSUPPORTED("%s", name);
}

/* Makes these capabilities effective, of those that are permitted. */
static void set_effective(uint64_t wanted)
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct data[2];

        MUST(syscall(SYS_capget, &header, data));
        data[0].effective = (uint32_t)wanted & data[0].permitted;
        data[1].effective = (uint32_t)(wanted >> 32) & data[1].permitted;
        MUST(syscall(SYS_capset, &header, data));
}

/* All commands that need read or alter permission, on a closed_set(). */
static void use_commands(int set, enum ipck_requirement req)
{
        unsigned short values[2] = {0};
        struct semid_ds ds = {.sem_nsems = 0};

        EQ(req, VAL(set, 1), 5);
        EQ(req, semctl(set, 0, GETALL, ARG_ARRAY(values)), 0);
        EQ(req, values[1], 5);
        EQ(req, semctl(set, 0, IPC_STAT, ARG_BUF(&ds)), 0);
        EQ(req, ds.sem_nsems, 2);
        EQ(req, semctl(set, 1, SETVAL, ARG_VAL(6)), 0);
        EQ(req, VAL(set, 1), 6);
        values[1] = 7;
        EQ(req, semctl(set, 0, SETALL, ARG_ARRAY(values)), 0);
        EQ(req, VAL(set, 1), 7);
}

/* Mode 0, with the values 0 and 5. */
static int closed_set(void)
{
        static const unsigned short values[] = {0, 5};
        const int set = new_sems(2, 0600);

        set_all(set, values);
        set_mode(set, 0);
        return set;
}

TEST(privilege_opens_a_set_of_mode_0, VERIFIES(xsi_ipc_perm_privileged_bypass, xsi_ipc_perm_cap_ipc_owner))
{
        const int set = closed_set(), another = closed_set();
        struct child child;

        need(CAP_IPC_OWNER, "CAP_IPC_OWNER");
        CHILD(&child) {
                drop_all_capabilities();
                EQ(xsi_ipc_perm_privileged_bypass, access_to(set), 0);
        }
        join(&child);
        use_commands(set, xsi_ipc_perm_privileged_bypass);
        EQ(xsi_ipc_perm_privileged_bypass, access_to(set), BOTH);

        drop_other_capabilities(CAP_IPC_OWNER);
        use_commands(another, xsi_ipc_perm_cap_ipc_owner);
        EQ(xsi_ipc_perm_cap_ipc_owner, access_to(another), BOTH);
}

TEST(privilege_opens_a_set_of_another_user, VERIFIES(xsi_ipc_perm_privileged_bypass, xsi_ipc_perm_cap_ipc_owner))
{
        static const struct {
                const char *name;
                int mode, plain;        /* access without privilege */
        } rows[] = {{"mode 0", 0, 0}, {"user and group bits", 0660, 0}, {"other bits", 0006, BOTH}};
        struct child child;

        need(CAP_IPC_OWNER, "CAP_IPC_OWNER");
        EACH_ROW(r, rows) {
                const int set = new_sems_of(USER_A, 2, r->mode, NULL);

                EQ(xsi_ipc_perm_privileged_bypass, access_to(set), BOTH);
                CHILD(&child) {
                        drop_capability(CAP_IPC_OWNER);
                        EQ(xsi_ipc_perm_cap_ipc_owner, access_to(set), r->plain);
                }
                join(&child);
        }
}

TEST(no_other_capability_opens_a_set, VERIFIES(xsi_ipc_perm_cap_ipc_owner))
{
        const int set = closed_set();

        need(CAP_IPC_OWNER, "CAP_IPC_OWNER");
        EQ(xsi_ipc_perm_cap_ipc_owner, access_to(set), BOTH);
        drop_capability(CAP_IPC_OWNER);
        EQ(xsi_ipc_perm_cap_ipc_owner, access_to(set), 0);
}

TEST(capability_has_to_be_effective, VERIFIES(xsi_ipc_perm_cap_ipc_owner))
{
        const int set = closed_set();

        need(CAP_IPC_OWNER, "CAP_IPC_OWNER");
        EQ(xsi_ipc_perm_cap_ipc_owner, access_to(set), BOTH);
        set_effective(~(UINT64_C(1) << CAP_IPC_OWNER));
        EQ(xsi_ipc_perm_cap_ipc_owner, access_to(set), 0);
        set_effective(UINT64_C(1) << CAP_IPC_OWNER);
        EQ(xsi_ipc_perm_cap_ipc_owner, access_to(set), BOTH);
}

TEST(capability_serves_a_user_other_than_0, VERIFIES(xsi_ipc_perm_cap_ipc_owner))
{
        const int set = new_sems_of(USER_A, 2, 0, NULL);

        need(CAP_IPC_OWNER, "CAP_IPC_OWNER");
        MUST(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
        MUST(setgroups(0, NULL));
        MUST(setresgid(GROUP_B, GROUP_B, GROUP_B));
        MUST(setresuid(USER_B, USER_B, USER_B));
        set_effective(0);
        EQ(xsi_ipc_perm_cap_ipc_owner, access_to(set), 0);
        set_effective(UINT64_C(1) << CAP_IPC_OWNER);
        EQ(xsi_ipc_perm_cap_ipc_owner, access_to(set), BOTH);
}

static void enter_child_user_namespace(void)
{
        if (unshare(CLONE_NEWUSER) == -1)
                UNSUPPORTED("a user namespace inside (%s)", errno_name(errno));
        REQUIRE(has_capability(CAP_IPC_OWNER) && has_capability(CAP_SYS_ADMIN));
}

TEST(capability_of_an_inner_user_namespace_opens_nothing, VERIFIES(xsi_ipc_perm_cap_in_child_userns_denied))
{
        const int set = closed_set(), open = new_sems(2, 0600);
        struct child child;

        CHILD(&child) {
                enter_child_user_namespace();
                EQ(xsi_ipc_perm_cap_in_child_userns_denied, access_to(set), 0);
                FAILS_WITH(xsi_ipc_perm_cap_in_child_userns_denied, EACCES, VAL(set, 1));
                FAILS_WITH(xsi_ipc_perm_cap_in_child_userns_denied, EACCES, semctl(set, 1, SETVAL, ARG_VAL(6)));
                EQ(xsi_ipc_perm_cap_in_child_userns_denied, access_to(open), BOTH);
        }
        join(&child);
        if (has_capability(CAP_IPC_OWNER))
                EQ(xsi_ipc_perm_cap_in_child_userns_denied, access_to(set), BOTH);
}

TEST(capability_opens_sets_of_an_ipc_namespace_of_its_own, VERIFIES(xsi_ipc_perm_cap_ipc_owner))
{
        enter_child_user_namespace();
        enter_new_ipc_namespace();
        const int set = new_sems(2, 0);

        EQ(xsi_ipc_perm_cap_ipc_owner, access_to(set), BOTH);
        drop_capability(CAP_IPC_OWNER);
        EQ(xsi_ipc_perm_cap_ipc_owner, access_to(set), 0);
}

TEST(sys_admin_changes_and_removes_sets_of_others, VERIFIES(semctl_set_cap_sys_admin, semctl_rmid_cap_sys_admin))
{
        const int set = new_sems_of(USER_A, 2, 0666, NULL);
        struct child child;

        need(CAP_SYS_ADMIN, "CAP_SYS_ADMIN");
        CHILD(&child) {
                /* CAP_IPC_OWNER stays, where there is one: access is no ownership. */
                drop_capability(CAP_SYS_ADMIN);
                FAILS_WITH(semctl_set_cap_sys_admin, EPERM, ipc_set(set, USER_A, USER_A, 0644));
                FAILS_WITH(semctl_rmid_cap_sys_admin, EPERM, semctl(set, 0, IPC_RMID));
                EQ(semctl_set_cap_sys_admin, stat_of(set).sem_perm.mode & 0777, 0666);
        }
        join(&child);

        drop_other_capabilities(CAP_SYS_ADMIN);
        EQ(semctl_set_cap_sys_admin, ipc_set(set, USER_A, USER_A, 0644), 0);
        EQ(semctl_set_cap_sys_admin, stat_of(set).sem_perm.mode & 0777, 0644);
        EQ(semctl_rmid_cap_sys_admin, semctl(set, 0, IPC_RMID), 0);
        FAILS_WITH(semctl_rmid_cap_sys_admin, EINVAL, NCNT(set, 0));
}

TEST(sys_admin_of_an_inner_user_namespace_changes_nothing,
     VERIFIES(semctl_set_cap_sys_admin, semctl_rmid_cap_sys_admin))
{
        const int set = new_sems_of(USER_A, 2, 0666, NULL);
        struct child child;

        CHILD(&child) {
                enter_child_user_namespace();
                FAILS_WITH(semctl_set_cap_sys_admin, EPERM, ipc_set(set, USER_A, USER_A, 0644));
                FAILS_WITH(semctl_rmid_cap_sys_admin, EPERM, semctl(set, 0, IPC_RMID));
                EQ(semctl_rmid_cap_sys_admin, access_to(set), BOTH);
        }
        join(&child);
        EQ(semctl_set_cap_sys_admin, stat_of(set).sem_perm.mode & 0777, 0666);
}
