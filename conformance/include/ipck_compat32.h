/* SPDX-License-Identifier: MIT
 *
 * ipck_compat32.h: for tests of a 32-bit program on a 64-bit Linux kernel.
 */
#ifndef IPCK_COMPAT32_H
#define IPCK_COMPAT32_H

#include "ipck.h"
#include "ipck_mux.h"

/* UNSUPPORTED in a 64-bit program or on a 32-bit kernel; where the kernel's structures are not those that i386 and arm
 * share; in a 64-bit program or where there is no ipc(2). */
void need_compat(void);
void need_known_layout(void);
void need_ipc(void);

/* Takes this route for the calls that follow. */
#define go_by(route) ipck_go_by(route, IPCK_FILE_AVAILABLE)
void ipck_go_by(enum ipck_route route, void (*available)(void));

/* The two routes on which a program meets the kernel's own structures. */
extern const struct kernel_route {
        const char *name;
        enum ipck_route route;
} kernel_routes[2];

/* Commands as the kernel knows them; a C library's may hold a bit that is none of the kernel's business. */
enum {
        KERNEL_IPC_SET = 1, KERNEL_IPC_STAT = 2, KERNEL_MSG_STAT = 11, KERNEL_SHM_STAT = 13, KERNEL_SEM_STAT = 18
};

/* A system call of 64 bits that a child makes, and its result or -errno; UNSUPPORTED where a 32-bit program cannot. */
enum { CALL64_SHMGET = 29, CALL64_MSGSND = 69 };
struct call64 {
        uint64_t number, arguments[4];
};
int64_t result_of_call64(const struct call64 *call);

#endif
