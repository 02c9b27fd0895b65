/* SPDX-License-Identifier: MIT
 *
 * The limits below /proc/sys/kernel and namespaces: each IPC namespace has its own, and who may write them.
 */
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "ipck.h"

/* Values, each other than the one before and mostly than the default, and the default (linux/msg.h, linux/sem.h,
 * linux/shm.h). */
static const struct limit {
        const char *name, *here, *there, *later, *initial;
        enum ipck_requirement own;
} limits[] = {
        {"kernel/msgmax", "1111", "2222", "3333", "8192", ipcns_sysctl_msgmax},
        {"kernel/msgmnb", "11111", "22222", "33333", "16384", ipcns_sysctl_msgmnb},
        {"kernel/msgmni", "111", "222", "333", "32000", ipcns_sysctl_msgmni},
        {"kernel/sem", "11\t222\t33\t44", "55\t666\t77\t88", "1\t2\t3\t4", "32000\t1024000000\t500\t32000",
         ipcns_sysctl_sem},
        {"kernel/shmall", "111111", "222222", "333333", "ULONG_MAX - 2^24", ipcns_sysctl_shmall},
        {"kernel/shmmax", "1111111", "2222222", "3333333", "ULONG_MAX - 2^24", ipcns_sysctl_shmmax},
        {"kernel/shmmni", "1111", "2222", "3333", "4096", ipcns_sysctl_shmmni},
        {"kernel/shm_rmid_forced", "1", "0", "1", "0", ipcns_sysctl_shm_rmid_forced},
};

static bool reads(const char *name, const char *value)
{
        char path[64], text[128];

        snprintf(path, sizeof(path), "/proc/sys/%s", name);
        if (read_file(path, text, sizeof(text)) == -1)
                UNSUPPORTED("%s (%s)", path, errno_name(errno));
        text[strcspn(text, "\n")] = '\0';
        return strcmp(text, value) == 0;
}

/* ---- apart ---- */

TEST(each_namespace_has_limits_of_its_own,
     VERIFIES(ipcns_sysctl_msgmax, ipcns_sysctl_msgmnb, ipcns_sysctl_msgmni, ipcns_sysctl_sem, ipcns_sysctl_shmall,
              ipcns_sysctl_shmmax, ipcns_sysctl_shmmni, ipcns_sysctl_shm_rmid_forced))
{
        EACH_ROW(limit, limits) {
                struct child elsewhere;

                set_sysctl(limit->name, limit->here);
                CHILD(&elsewhere) {
                        enter_new_ipc_namespace();
                        set_sysctl(limit->name, limit->there);
                        stay(&elsewhere);
                        HOLDS(limit->own, reads(limit->name, limit->there));
                }
                UNTIL(stays(&elsewhere));
                HOLDS(limit->own, reads(limit->name, limit->here));
                set_sysctl(limit->name, limit->later);
                dismiss(&elsewhere);
                HOLDS(limit->own, reads(limit->name, limit->later));
        }
}

/* SHMMAX and SHMALL are ULONG_MAX - 2^24 of the kernel. */
#define WIDE "18446744073692774399"

static const char *initial_value(const struct limit *limit)
{
        struct utsname name;

        if (*limit->initial != 'U')
                return limit->initial;
        MUST(uname(&name));
        const bool wide = strstr(name.machine, "64") || strcmp(name.machine, "s390x") == 0;
        return wide ? WIDE : "4278190079";
}

/* A 64-bit kernel may give another machine's name: to a 32-bit program by personality(2), or by an emulator. */
static bool reads_initial(const struct limit *limit)
{
        return reads(limit->name, initial_value(limit)) || (*limit->initial == 'U' && reads(limit->name, WIDE));
}

TEST(new_namespace_begins_with_the_defaults, VERIFIES(ipcns_sysctl_defaults_on_new))
{
        struct child elsewhere;

        EACH_ROW(limit, limits)
                set_sysctl(limit->name, limit->here);
        CHILD(&elsewhere) {
                enter_new_ipc_namespace();
                EACH_ROW(limit, limits)
                        HOLDS(ipcns_sysctl_defaults_on_new, reads_initial(limit));
                /* And one made from there. */
                EACH_ROW(limit, limits)
                        set_sysctl(limit->name, limit->there);
                enter_new_ipc_namespace();
                EACH_ROW(limit, limits)
                        HOLDS(ipcns_sysctl_defaults_on_new, reads_initial(limit));
        }
        join(&elsewhere);
}

TEST(descriptor_belongs_to_the_namespace_at_open, VERIFIES(ipcns_sysctl_fd_at_open))
{
        EACH_ROW(limit, limits) {
                char path[64], text[128];
                struct child mover;

                set_sysctl(limit->name, limit->here);
                snprintf(path, sizeof(path), "/proc/sys/%s", limit->name);
                CHILD(&mover) {
                        const int fd = (int)MUST(open(path, O_RDWR | O_CLOEXEC));
                        enter_new_ipc_namespace();
                        set_sysctl(limit->name, limit->there);
                        const ssize_t length = (ssize_t)MUST(read(fd, text, sizeof(text) - 1));
                        text[length] = '\0';
                        text[strcspn(text, "\n")] = '\0';
                        HOLDS(ipcns_sysctl_fd_at_open, strcmp(text, limit->here) == 0);
                        MUST(pwrite(fd, limit->later, strlen(limit->later), 0));
                        HOLDS(ipcns_sysctl_fd_at_open, reads(limit->name, limit->there));
                }
                join(&mover);
                HOLDS(ipcns_sysctl_fd_at_open, reads(limit->name, limit->later));
        }
}

/* ---- who may write ---- */

static void expect_writable(enum ipck_requirement req)
{
        EACH_ROW(limit, limits) {
                if (write_sysctl(limit->name, limit->there) == -1 && errno == ENOENT)
                        UNSUPPORTED("/proc/sys/%s (ENOENT)", limit->name);
                EQ(req, write_sysctl(limit->name, limit->there), 0);
                HOLDS(req, reads(limit->name, limit->there));
        }
}

TEST(root_of_a_user_namespace_may_write, VERIFIES(ipcns_sysctl_userns_root_write))
{
        struct child guest;

        CHILD(&guest) {
                as_user(USER_A);
                enter_user_namespace(0, 0);
                enter_new_ipc_namespace();
                expect_writable(ipcns_sysctl_userns_root_write);
        }
        join(&guest);
}

TEST(root_needs_no_capability, VERIFIES(ipcns_sysctl_userns_root_write))
{
        struct child guest;

        CHILD(&guest) {
                enter_user_namespace(0, 0);
                enter_new_ipc_namespace();
                drop_all_capabilities();
                expect_writable(ipcns_sysctl_userns_root_write);
        }
        join(&guest);
}

static void expect_refusal(const struct limit *limit, const char *present)
{
        HOLDS(sysctl_eacces_other_user, reads(limit->name, present));
        FAILS_WITH(sysctl_eacces_other_user, EACCES, write_sysctl(limit->name, limit->there));
        HOLDS(sysctl_eacces_other_user, reads(limit->name, present));
}

TEST(other_users_may_only_read, VERIFIES(sysctl_eacces_other_user))
{
        struct child other;

        EACH_ROW(limit, limits)
                set_sysctl(limit->name, limit->here);
        CHILD(&other) {
                as_user(USER_A);
                EACH_ROW(limit, limits)
                        expect_refusal(limit, limit->here);
        }
        join(&other);
}

TEST(group_of_the_root_may_only_read, VERIFIES(sysctl_eacces_other_user))
{
        struct child member;

        EACH_ROW(limit, limits)
                set_sysctl(limit->name, limit->here);
        CHILD(&member) {
                if (setgroups(0, NULL) == -1 || setresgid(USER_A, 0, USER_A) == -1 ||
                    setresuid(USER_A, USER_A, USER_A) == -1)
                        UNSUPPORTED("another user in group 0 (%s)", errno_name(errno));
                EACH_ROW(limit, limits)
                        expect_refusal(limit, limit->here);
        }
        join(&member);
}

/* Although it has all capabilities there. */
TEST(other_ids_of_a_user_namespace_may_only_read, VERIFIES(sysctl_eacces_other_user))
{
        struct child guest;

        CHILD(&guest) {
                as_user(USER_A);
                enter_user_namespace(USER_B, USER_B);
                enter_new_ipc_namespace();
                EACH_ROW(limit, limits)
                        expect_refusal(limit, initial_value(limit));
        }
        join(&guest);
}
