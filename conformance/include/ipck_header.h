/* SPDX-License-Identifier: MIT
 *
 * ipck_header.h: for tests of headers: the names that one makes visible, and whether its structure is the kernel's.
 */
#ifndef IPCK_HEADER_H
#define IPCK_HEADER_H

#include "ipck.h"

struct name {
        const char *name;
};

/* What each header alone makes visible to a program that defines _XOPEN_SOURCE 700 and nothing else, as the build
 * found out. A NULL ends the list. */
enum { MOST_NAMES = 4096 };
extern const struct name ipc_names[MOST_NAMES], msg_names[MOST_NAMES], sem_names[MOST_NAMES], shm_names[MOST_NAMES];
extern const struct name semaphore_names[MOST_NAMES], mqueue_names[MOST_NAMES];

/* Whether the build made these lists, and UNSUPPORTED where it did not. */
bool have_names(void);
void need_names(void);

/* Whether the name is in the list. */
bool visible(const struct name *names, const char *name);

/* The names that POSIX puts into <sys/ipc.h>. */
extern const struct name ipc_specified[13];

/* Takes the system call itself, for what the kernel makes of the structure; UNSUPPORTED where the C library's
 * differs. */
void go_past_the_c_library(const char *structure);

#endif
