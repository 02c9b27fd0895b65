/* SPDX-License-Identifier: MIT
 *
 * Privilege over queues, semaphore sets and segments: CAP_IPC_OWNER reads and writes whatever the mode says,
 * CAP_SYS_ADMIN changes and removes the objects of others, and neither does so from a user namespace that does not own
 * the IPC namespace.
 */
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "ipck_mechanism.h"

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

/* ---- CAP_IPC_OWNER ---- */

/* An object with mode 0, where it lies in the table, and its key. */
struct closed {
        key_t key;
        int id, index;
};

static struct closed new_closed(const struct mechanism *m)
{
        struct closed c = {.key = fresh_key()};

        c.id = must_fit_in(m, m->get(c.key, IPC_CREAT | IPC_EXCL | 0600));
        c.index = index_of(m, c.id);
        set_mode_of(m, c.id, 0);
        return c;
}

static void expect_open(enum ipck_requirement req, const struct mechanism *m, const struct closed *c)
{
        struct ipc_perm perm;

        EQ(req, access_to(m, c->id), BOTH);
        EQ(req, m->get(c->key, 0600), c->id);
        EQ(req, m->stat(c->id, &perm), 0);
        EQ(req, perm.mode & 0777, 0);
        EQ(req, m->stat_index(c->index, &perm), c->id);
}

static void expect_closed(enum ipck_requirement req, const struct mechanism *m, const struct closed *c)
{
        struct ipc_perm perm;

        EQ(req, access_to(m, c->id), 0);
        FAILS_WITH(req, EACCES, m->get(c->key, 0400));
        FAILS_WITH(req, EACCES, m->get(c->key, 0200));
        FAILS_WITH(req, EACCES, m->stat(c->id, &perm));
        FAILS_WITH(req, EACCES, m->stat_index(c->index, &perm));
}

TEST(privilege_opens_what_has_mode_0, VERIFIES(xsi_ipc_perm_privileged_bypass, xsi_ipc_perm_cap_ipc_owner))
{
        struct child child;

        need(CAP_IPC_OWNER, "CAP_IPC_OWNER");
        EACH_ROW(m, mechanisms) {
                const struct closed c = new_closed(m);

                expect_open(xsi_ipc_perm_privileged_bypass, m, &c);
                CHILD(&child) {
                        drop_other_capabilities(CAP_IPC_OWNER);
                        expect_open(xsi_ipc_perm_cap_ipc_owner, m, &c);
                        drop_all_capabilities();
                        expect_closed(xsi_ipc_perm_cap_ipc_owner, m, &c);
                }
                join(&child);
        }
}

TEST(no_other_capability_opens_it, VERIFIES(xsi_ipc_perm_cap_ipc_owner))
{
        struct child child;

        need(CAP_IPC_OWNER, "CAP_IPC_OWNER");
        EACH_ROW(m, mechanisms) {
                const struct closed c = new_closed(m);

                expect_open(xsi_ipc_perm_cap_ipc_owner, m, &c);
                CHILD(&child) {
                        drop_capability(CAP_IPC_OWNER);
                        expect_closed(xsi_ipc_perm_cap_ipc_owner, m, &c);
                }
                join(&child);
        }
}

TEST(capability_has_to_be_effective, VERIFIES(xsi_ipc_perm_cap_ipc_owner))
{
        need(CAP_IPC_OWNER, "CAP_IPC_OWNER");
        EACH_ROW(m, mechanisms) {
                const struct closed c = new_closed(m);

                set_effective(~(UINT64_C(1) << CAP_IPC_OWNER));
                expect_closed(xsi_ipc_perm_cap_ipc_owner, m, &c);
                set_effective(UINT64_C(1) << CAP_IPC_OWNER);
                expect_open(xsi_ipc_perm_cap_ipc_owner, m, &c);
                set_effective(~UINT64_C(0));
        }
}

TEST(privilege_opens_what_another_user_made, VERIFIES(xsi_ipc_perm_privileged_bypass, xsi_ipc_perm_cap_ipc_owner))
{
        static const struct {
                const char *name;
                int mode, plain;        /* access without privilege */
        } rows[] = {{"mode 0", 0, 0}, {"user and group bits", 0660, 0}, {"other bits", 0006, BOTH}};
        struct child child;

        need(CAP_IPC_OWNER, "CAP_IPC_OWNER");
        EACH_ROW(m, mechanisms) {
                EACH_ROW(r, rows) {
                        const int id = new_object_of(m, USER_A, r->mode);

                        EQ(xsi_ipc_perm_privileged_bypass, access_to(m, id), BOTH);
                        CHILD(&child) {
                                drop_capability(CAP_IPC_OWNER);
                                EQ(xsi_ipc_perm_cap_ipc_owner, access_to(m, id), r->plain);
                        }
                        join(&child);
                }
        }
}

TEST(capability_serves_a_user_other_than_0, VERIFIES(xsi_ipc_perm_cap_ipc_owner))
{
        struct child child;

        need(CAP_IPC_OWNER, "CAP_IPC_OWNER");
        EACH_ROW(m, mechanisms) {
                const int id = new_object_of(m, USER_A, 0);

                CHILD(&child) {
                        MUST(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
                        MUST(setgroups(0, NULL));
                        MUST(setresgid(GROUP_B, GROUP_B, GROUP_B));
                        MUST(setresuid(USER_B, USER_B, USER_B));
                        set_effective(0);
                        EQ(xsi_ipc_perm_cap_ipc_owner, access_to(m, id), 0);
                        set_effective(UINT64_C(1) << CAP_IPC_OWNER);
                        EQ(xsi_ipc_perm_cap_ipc_owner, access_to(m, id), BOTH);
                }
                join(&child);
        }
}

/* What semaphore sets have more of: commands that read and alter values. */
TEST(privilege_opens_the_values_of_a_set, VERIFIES(xsi_ipc_perm_privileged_bypass, xsi_ipc_perm_cap_ipc_owner))
{
        static const struct {
                const char *name;
                enum ipck_requirement req;
                bool alone;
        } rows[] = {{"all capabilities", xsi_ipc_perm_privileged_bypass, false},
                    {"CAP_IPC_OWNER alone", xsi_ipc_perm_cap_ipc_owner, true}};

        need(CAP_IPC_OWNER, "CAP_IPC_OWNER");
        EACH_ROW(r, rows) {
                const int set = new_sems(2, 0);
                unsigned short values[2] = {5, 6};

                if (r->alone)
                        drop_other_capabilities(CAP_IPC_OWNER);
                EQ(r->req, semctl(set, 0, SETALL, ARG_ARRAY(values)), 0);
                EQ(r->req, VAL(set, 1), 6);
                EQ(r->req, semctl(set, 1, SETVAL, ARG_VAL(7)), 0);
                EQ(r->req, semctl(set, 0, GETALL, ARG_ARRAY(values)), 0);
                EQ(r->req, values[1], 7);
                EQ(r->req, NCNT(set, 1), 0);
        }
}

/* ---- CAP_IPC_OWNER and user namespaces ---- */

TEST(capability_of_an_inner_user_namespace_opens_nothing, VERIFIES(xsi_ipc_perm_cap_in_child_userns_denied))
{
        struct child child;

        EACH_ROW(m, mechanisms) {
                const struct closed c = new_closed(m);
                const int open = new_object(m, 0600);

                CHILD(&child) {
                        /* Only the capabilities are new: its user and group are still those that own the object. */
                        if (unshare(CLONE_NEWUSER) == -1)
                                UNSUPPORTED("a user namespace inside (%s)", errno_name(errno));
                        REQUIRE(has_capability(CAP_IPC_OWNER));
                        expect_closed(xsi_ipc_perm_cap_in_child_userns_denied, m, &c);
                        EQ(xsi_ipc_perm_cap_in_child_userns_denied, access_to(m, open), BOTH);
                }
                join(&child);
                if (has_capability(CAP_IPC_OWNER))
                        expect_open(xsi_ipc_perm_cap_in_child_userns_denied, m, &c);
        }
}

TEST(capability_opens_objects_of_an_ipc_namespace_of_its_own, VERIFIES(xsi_ipc_perm_cap_ipc_owner))
{
        struct child child;

        enter_user_namespace(geteuid(), getegid());
        enter_new_ipc_namespace();
        EACH_ROW(m, mechanisms) {
                const struct closed c = new_closed(m);

                expect_open(xsi_ipc_perm_cap_ipc_owner, m, &c);
                CHILD(&child) {
                        drop_capability(CAP_IPC_OWNER);
                        expect_closed(xsi_ipc_perm_cap_ipc_owner, m, &c);
                }
                join(&child);
        }
}

/* ---- CAP_SYS_ADMIN ---- */

static const struct {
        enum ipck_requirement set, remove;
} sys_admin[3] = {
        [QUEUE] = {msgctl_rmid_cap_sys_admin, msgctl_rmid_cap_sys_admin},
        [SET] = {semctl_set_cap_sys_admin, semctl_rmid_cap_sys_admin},
        [SEGMENT] = {perm_shm_cap_sys_admin, perm_shm_cap_sys_admin},
};

static void expect_refusal(const struct mechanism *m, int id)
{
        FAILS_WITH(sys_admin[m - mechanisms].set, EPERM, m->set(id, USER_A, USER_A, 0644));
        FAILS_WITH(sys_admin[m - mechanisms].remove, EPERM, m->remove(id));
        EQ(sys_admin[m - mechanisms].set, perm_of(m, id).mode & 0777, 0666);
}

TEST(sys_admin_changes_and_removes_objects_of_others,
     VERIFIES(msgctl_rmid_cap_sys_admin, semctl_set_cap_sys_admin, semctl_rmid_cap_sys_admin, perm_shm_cap_sys_admin))
{
        struct child child;

        need(CAP_SYS_ADMIN, "CAP_SYS_ADMIN");
        EACH_ROW(m, mechanisms) {
                const int id = new_object_of(m, USER_A, 0666);

                CHILD(&child) {
                        /* CAP_IPC_OWNER stays, where there is one: access is no ownership. */
                        drop_capability(CAP_SYS_ADMIN);
                        expect_refusal(m, id);
                }
                join(&child);
                CHILD(&child) {
                        struct ipc_perm perm;

                        drop_other_capabilities(CAP_SYS_ADMIN);
                        EQ(sys_admin[m - mechanisms].set, m->set(id, USER_A, USER_A, 0644), 0);
                        EQ(sys_admin[m - mechanisms].set, perm_of(m, id).mode & 0777, 0644);
                        EQ(sys_admin[m - mechanisms].remove, m->remove(id), 0);
                        EQ(sys_admin[m - mechanisms].remove, m->stat(id, &perm), -1);
                }
                join(&child);
        }
}

TEST(sys_admin_of_an_inner_user_namespace_changes_nothing,
     VERIFIES(msgctl_rmid_cap_sys_admin, semctl_set_cap_sys_admin, semctl_rmid_cap_sys_admin, perm_shm_cap_sys_admin))
{
        struct child child;

        EACH_ROW(m, mechanisms) {
                const int id = new_object_of(m, USER_A, 0666);

                CHILD(&child) {
                        enter_user_namespace(geteuid(), getegid());
                        REQUIRE(has_capability(CAP_SYS_ADMIN));
                        FAILS_WITH(sys_admin[m - mechanisms].set, EPERM, m->set(id, geteuid(), getegid(), 0644));
                        FAILS_WITH(sys_admin[m - mechanisms].remove, EPERM, m->remove(id));
                        EQ(sys_admin[m - mechanisms].remove, access_to(m, id), BOTH);
                }
                join(&child);
                EQ(sys_admin[m - mechanisms].set, perm_of(m, id).mode & 0777, 0666);
        }
}
