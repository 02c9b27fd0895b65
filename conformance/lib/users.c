/* SPDX-License-Identifier: MIT
 *
 * users.c: users and capabilities, by the system calls of the calling thread, so that no C library's set*id broadcast
 * or capability library is needed.
 */
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
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

void drop_capability(int capability)
{
        struct __user_cap_data_struct data[WORDS];

        get_capabilities(data);
        data[capability / 32].effective &= ~(1U << capability % 32);
        data[capability / 32].permitted &= ~(1U << capability % 32);
        data[capability / 32].inheritable &= ~(1U << capability % 32);
        set_capabilities(data);
}

void drop_all_capabilities(void)
{
        static const struct __user_cap_data_struct none[WORDS];

        set_capabilities(none);
}
