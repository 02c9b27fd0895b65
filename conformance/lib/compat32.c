/* SPDX-License-Identifier: MIT
 *
 * compat32.c: what tests of a 32-bit program need, mostly of one on a 64-bit kernel.
 */
#include <sys/utsname.h>
#include <sys/wait.h>

#include "ipck_compat32.h"

static void need_32_bits(void)
{
        if (sizeof(void *) != 4)
                UNSUPPORTED("a 32-bit program");
}

void need_compat(void)
{
        struct utsname name;

        need_32_bits();
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
        need_32_bits();
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
/* Linux's 64-bit code segment on x86-64 (__USER_CS). Far jumps go there and back, and not a call and a return:
   QEMU 7.2 uses the stack for those as the kernel would, and that may not touch the pages of programs (SMAP). */
enum { SEGMENT64 = 0x33 };

struct far_code {
        void (*code)(void);
        unsigned short segment;
};
_Static_assert(sizeof(struct far_code) == 8, "the code below finds the second of two by this");

void ipck_syscall64(void);
void ipck_back_from_64(void);
__asm__(".pushsection .text\n"
        "ipck_call64:\n"
        "       ljmp *(%esi)\n"
        ".code64\n"
        "ipck_syscall64:\n"
        "       mov %edi, %r8d\n"      /* struct made_call64, with a clear upper half */
        "       mov %esi, %r9d\n"      /* struct far_code[2] */
        "       mov (%r8), %rax\n"
        "       mov 8(%r8), %rdi\n"
        "       mov 16(%r8), %rsi\n"
        "       mov 24(%r8), %rdx\n"
        "       mov 32(%r8), %r10\n"
        "       syscall\n"
        "       mov %rax, 40(%r8)\n"
        "       ljmp *8(%r9)\n"
        ".code32\n"
        "ipck_back_from_64:\n"
        "       ret\n"
        ".popsection\n");

static void make_call64(struct made_call64 *made)
{
        struct far_code there_and_back[2] = {{ipck_syscall64, SEGMENT64}, {ipck_back_from_64, 0}};
        struct far_code *pointers = there_and_back;

        __asm__("mov %%cs, %0" : "=r"(there_and_back[1].segment));
        __asm__ volatile("call ipck_call64" : "+D"(made), "+S"(pointers) : "m"(there_and_back)
                         : "eax", "ecx", "edx", "memory", "cc");
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
