/* SPDX-License-Identifier: MIT
 *
 * filter.c: system calls that are refused (seccomp).
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include "ipck_filter.h"

enum { MOST_CALLS = 16 };

static int filter_calls(const unsigned *calls, size_t count, unsigned action, unsigned flags)
{
        struct sock_filter program[2 * MOST_CALLS + 2] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        };
        struct sock_filter *next = program + 1;

        REQUIRE(count <= MOST_CALLS);
        for (size_t i = 0; i < count; i++) {
                *next++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 1);
                *next++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
        }
        *next++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        const struct sock_fprog filter = {(unsigned short)(next - program), program};
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
                return -1;
        return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
}

void fail_calls(int error, const unsigned *calls, size_t count)
{
        if (filter_calls(calls, count, SECCOMP_RET_ERRNO | (unsigned)error, 0) == -1)
                UNSUPPORTED("a filter of system calls (%s)", errno_name(errno));
}

/* What C libraries open files with. */
static const unsigned opens[] = {
#ifdef SYS_open
        SYS_open,
#endif
        SYS_openat,
#ifdef SYS_openat2
        SYS_openat2,
#endif
};
enum { OPEN_CALLS = sizeof(opens) / sizeof(*opens) };

void fail_opens(int error)
{
        fail_calls(error, opens, OPEN_CALLS);
        REQUIRE(open("/", O_RDONLY) == -1 && errno == error);
}

static void hold_calls(const unsigned *calls, size_t count)
{
        /* The descriptor of the answering side is this process's own, which never answers. */
        if (filter_calls(calls, count, SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER) == -1)
                UNSUPPORTED("a filter of system calls that lets them wait (%s)", errno_name(errno));
}

void hold_opens(void)
{
        hold_calls(opens, OPEN_CALLS);
}

void hold_futexes(void)
{
        static const unsigned calls[] = {
#ifdef SYS_futex
                SYS_futex,
#endif
#ifdef SYS_futex_time64
                SYS_futex_time64,
#endif
        };

        hold_calls(calls, sizeof(calls) / sizeof(*calls));
}
