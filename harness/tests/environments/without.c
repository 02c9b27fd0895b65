/* SPDX-License-Identifier: MIT
 *
 * without CALL[:ARGUMENT&MASK]=ERRNO... -- COMMAND...: runs COMMAND as on a kernel where these system calls fail, all
 * or those with one of the bits of MASK in that argument. `sysv` is all calls of System V IPC. Exit status 125: could
 * not be done.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE AUDIT_ARCH_RISCV64
#else
#define NATIVE 0        /* the order of a system call's arguments in memory is not known here */
#endif

enum { ROOM = 256, TROUBLE = 125 };

static const struct {
        const char *name;
        unsigned number;
} calls[] = {
#define CALL(name) {#name, SYS_##name}
        CALL(semget), CALL(semop), CALL(semtimedop), CALL(semctl),
        CALL(msgget), CALL(msgsnd), CALL(msgrcv), CALL(msgctl),
        CALL(shmget), CALL(shmat), CALL(shmdt), CALL(shmctl),
        CALL(mq_open), CALL(mq_unlink), CALL(mq_timedsend), CALL(mq_timedreceive), CALL(mq_notify), CALL(mq_getsetattr),
        CALL(unshare), CALL(clone), CALL(clone3), CALL(mount), CALL(pidfd_open), CALL(close_range),
#undef CALL
};
enum { CALLS = sizeof(calls) / sizeof(*calls), SYSV_CALLS = 12, MQ_CALLS = 6 };

static int names(const char *rule, unsigned call)
{
        if (strcmp(rule, "sysv") == 0)
                return call < SYSV_CALLS;
        if (strcmp(rule, "mq") == 0)
                return call >= SYSV_CALLS && call < SYSV_CALLS + MQ_CALLS;
        return strcmp(rule, calls[call].name) == 0;
}

static struct sock_filter program[ROOM] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};
static unsigned short used = 3;

static void die(const char *what)
{
        fprintf(stderr, "without: %s\n", what);
        exit(TROUBLE);
}

static void add(struct sock_filter instruction)
{
        if (used == ROOM)
                die("too many rules");
        program[used++] = instruction;
}

static int errno_of(const char *name)
{
        static const struct {
                const char *name;
                int number;
        } known[] = {{"EAGAIN", EAGAIN}, {"EINVAL", EINVAL}, {"ENOSPC", ENOSPC}, {"ENOSYS", ENOSYS}, {"EPERM", EPERM}};

        for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
                if (strcmp(known[i].name, name) == 0)
                        return known[i].number;
        die(name);
        return 0;
}

static void add_rule(unsigned number, int argument, unsigned mask, int error)
{
        const unsigned result = SECCOMP_RET_ERRNO | (unsigned)error;

        add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
        if (argument < 0) {
                add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
        } else {
                const unsigned place = (unsigned)(offsetof(struct seccomp_data, args) + 8 * (unsigned)argument);
                add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3));
                add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, place));
                add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, mask, 0, 1));
        }
        add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, result));
}

static void add_spec(const char *spec)
{
        char name[32], error[16];
        int argument = -1;
        unsigned mask = 0;
        int found = 0;

        if (sscanf(spec, "%31[a-z0-9_]:%d&%i=%15[A-Z]", name, &argument, (int *)&mask, error) != 4) {
                argument = -1;
                if (sscanf(spec, "%31[a-z0-9_]=%15[A-Z]", name, error) != 2)
                        die(spec);
        }
        for (unsigned i = 0; i < CALLS; i++) {
                if (!names(name, i))
                        continue;
                add_rule(calls[i].number, argument, mask, errno_of(error));
                found = 1;
        }
        if (!found)
                die(name);
}

int main(int argc, char **argv)
{
        int i = 1;

        if (!NATIVE)
                die("no filter for this machine");
        for (; i < argc && strcmp(argv[i], "--") != 0; i++)
                add_spec(argv[i]);
        if (i + 1 >= argc)
                die("no command");
        add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
        const struct sock_fprog filter = {.len = used, .filter = program};
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == -1)
                die(strerror(errno));
        execvp(argv[i + 1], argv + i + 1);
        die(strerror(errno));
}
