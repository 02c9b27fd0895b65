/* SPDX-License-Identifier: MIT
 *
 * users.c: users, capabilities and user namespaces, by the system calls of the calling thread, so that no C library's
 * set*id broadcast or capability library is needed.
 */
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "internal.h"

void become(uid_t uid, gid_t gid, const gid_t *groups, size_t count)
{
        const uid_t before = geteuid();

        if (setgroups(count, groups) == -1 || setresgid(gid, gid, gid) == -1 || setresuid(uid, uid, uid) == -1) {
                if (errno == EINVAL || errno == EPERM)
                        UNSUPPORTED("user %u and group %u: user %u here may not become them (%s)", (unsigned)uid,
                                    (unsigned)gid, (unsigned)before, errno_name(errno));
                CANNOT("changing user and group");
        }
        /* Otherwise /proc/PID of this process belongs to root from here on. */
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        REQUIRE(geteuid() == uid && getegid() == gid);
        if (uid != 0)
                drop_all_capabilities();
}

void as_user(uid_t uid)
{
        become(uid, (gid_t)uid, NULL, 0);
}

enum { WORDS = 2 };

static void get_capabilities(struct __user_cap_data_struct data[WORDS])
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

        MUST(syscall(SYS_capget, &header, data));
}

static void set_capabilities(const struct __user_cap_data_struct data[WORDS])
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

        MUST(syscall(SYS_capset, &header, data));
}

bool has_capability(int capability)
{
        struct __user_cap_data_struct data[WORDS];

        get_capabilities(data);
        return data[capability / 32].effective & 1U << capability % 32;
}

bool has_initial_capability(int capability)
{
        enum { INITIAL_INODE = (int)0xeffffffd };       /* include/linux/proc_ns.h: PROC_USER_INIT_INO */
        struct stat namespace;

        /* Without the file there are no user namespaces, or nobody can tell. */
        if (stat("/proc/self/ns/user", &namespace) == 0 && (int)namespace.st_ino != INITIAL_INODE)
                return false;
        return has_capability(capability);
}

void drop_capability(int capability)
{
        struct __user_cap_data_struct data[WORDS];

        get_capabilities(data);
        data[capability / 32].effective &= ~(1U << capability % 32);
        data[capability / 32].permitted &= ~(1U << capability % 32);
        data[capability / 32].inheritable &= ~(1U << capability % 32);
        set_capabilities(data);
}

void drop_other_capabilities(int kept)
{
        struct __user_cap_data_struct data[WORDS];

        get_capabilities(data);
        for (int i = 0; i < WORDS; i++) {
                const uint32_t mask = i == kept / 32 ? 1U << kept % 32 : 0;

                data[i].effective &= mask;
                data[i].permitted &= mask;
                data[i].inheritable &= mask;
        }
        set_capabilities(data);
}

void drop_all_capabilities(void)
{
        static const struct __user_cap_data_struct none[WORDS];

        set_capabilities(none);
}

static bool write_text(const char *path, const char *text)
{
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

        if (fd >= 0)
                close(fd);
        return good;
}

bool ipck_enter_user_namespace(uid_t uid, gid_t gid)
{
        char uid_map[64], gid_map[64];

        snprintf(uid_map, sizeof(uid_map), "%u %u 1", (unsigned)uid, (unsigned)geteuid());
        snprintf(gid_map, sizeof(gid_map), "%u %u 1", (unsigned)gid, (unsigned)getegid());
        if (unshare(CLONE_NEWUSER) == -1)
                return false;
        /* An unprivileged process may map its group only if it can no longer change its groups. */
        write_text("/proc/self/setgroups", "deny");
        return write_text("/proc/self/uid_map", uid_map) && write_text("/proc/self/gid_map", gid_map);
}

void enter_user_namespace(uid_t uid, gid_t gid)
{
        if (!ipck_enter_user_namespace(uid, gid))
                UNSUPPORTED("a user namespace with its own ids (%s)", errno_name(errno));
        REQUIRE(geteuid() == uid && getegid() == gid);
}
