/* SPDX-License-Identifier: MIT
 *
 * compat32.c: what tests of a 32-bit program on a 64-bit kernel need.
 */
#include <sys/utsname.h>
#include <sys/wait.h>

#include "ipck_compat32.h"

void need_compat(void)
{
        struct utsname name;

        if (sizeof(void *) != 4)
                UNSUPPORTED("a 32-bit program");
        MUST(uname(&name));
        if (!strstr(name.machine, "64") && strcmp(name.machine, "s390x") != 0)
                UNSUPPORTED("a 64-bit kernel (machine %s)", name.machine);
}

void need_known_layout(void)
{
#if !defined(__i386__) && !defined(__arm__)
        UNSUPPORTED("a machine with the structures of i386");
#endif
}

void need_ipc(void)
{
        need_compat();
        if (MUX(MUX_SEMGET, 0 /* IPC_PRIVATE */, 0, 0, 0, 0) == -1 && errno == ENOSYS)
                UNSUPPORTED("the ipc system call");
}

void ipck_go_by(enum ipck_route route, void (*available)(void))
{
        ipck_route = route;
        available();
}

const struct kernel_route kernel_routes[2] = {{"direct calls", IPCK_RAW}, {"ipc()", IPCK_MUX}};

/* ---- 64-bit calls ---- */

struct made_call64 {
        struct call64 call;
        int64_t result;
};

#ifdef __i386__
/* Linux's 64-bit code segment on x86-64 (__USER_CS): a far call goes there, a far return comes back. */
enum { SEGMENT64 = 0x33 };

void ipck_syscall64(void);
__asm__(".pushsection .text\n"
        ".code64\n"
        "ipck_syscall64:\n"
        "       mov %edi, %r8d\n"      /* struct made_call64, with a clear upper half */
        "       mov (%r8), %rax\n"
        "       mov 8(%r8), %rdi\n"
        "       mov 16(%r8), %rsi\n"
        "       mov 24(%r8), %rdx\n"
        "       mov 32(%r8), %r10\n"
        "       syscall\n"
        "       mov %rax, 40(%r8)\n"
        "       lretl\n"
        ".code32\n"
        ".popsection\n");

static void make_call64(struct made_call64 *made)
{
        const struct {
                void (*code)(void);
                unsigned short segment;
        } target = {ipck_syscall64, SEGMENT64};

        __asm__ volatile("lcall *%[target]" : "+D"(made) : [target] "m"(target)
                         : "eax", "ecx", "edx", "esi", "memory", "cc");
}
#else
static void make_call64(const struct made_call64 *made)
{
        (void)made;
        UNSUPPORTED("a 32-bit program that can make 64-bit system calls (i386)");
}
#endif

/* A child makes it, because there may be no such code segment. */
int64_t result_of_call64(const struct call64 *call)
{
        struct made_call64 *const made = shared(sizeof(*made));
        struct child caller;

        made->call = *call;
        CHILD(&caller)
                make_call64(made);
        const int status = reap(&caller);
        if (WIFSIGNALED(status))
                UNSUPPORTED("64-bit code in a 32-bit process (signal %d)", WTERMSIG(status));
        return made->result;
}
