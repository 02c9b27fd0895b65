/* SPDX-License-Identifier: MIT
 *
 * tools.h: what the wrong implementations of several mechanisms are made with.
 */
#ifndef IPCK_MUTANT_TOOLS_H
#define IPCK_MUTANT_TOOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/ipc.h>
#include <sys/types.h>

/* Sleeps a millisecond; false with EINTR where a signal handler ran meanwhile. */
bool nap(void);

/* Zeroed memory that is shared with processes made from here on, to be given back with munmap(); NULL where there is
 * none. */
void *shared_with_children(size_t size);

/* Runs work(argument) in a process of its own, which shares with this one what shared_with_children() made, and waits
 * for it. A signal handler that runs meanwhile ends the helper: false with EINTR. A caller that dies does not. */
bool by_helper(void (*work)(void *), void *argument);

/* Holds the other threads of the process in a signal handler, and lets them go on. */
void hold_other_threads(void);
void release_other_threads(void);

/* Whether the capability (CAP_..) is effective. */
bool has_effective(int capability);

/* Reads and writes a number of /proc/sys; false where that is not possible. */
bool read_limit(const char *name, long *value);
bool write_limit(const char *name, long value);

/* The mask of umask(2), 0 where it is not known. */
mode_t present_umask(void);

/* Exchanges real and effective ids of user or group; to be done twice. */
void swap_users(void);
void swap_groups(void);

/* Numbers that a mutant notes of an identifier: all processes of a test see them, and each is 0 at first. NULL where
 * there are too many identifiers. */
struct noted {
        int id;
        long number[2];
};
struct noted *noted(int id);

/* What the user, group and other bits of an object (4 read, 2 write, 1 execute) grant to the caller, whatever its
 * capabilities, by the rules of XSH 2.7.1 or by one that is wrong. */
enum rule {
        RIGHT,
        CREATOR_IS_NOBODY,              /* cuid does not count */
        CREATING_GROUP_IS_NOBODY,       /* cgid does not count */
        SUPPLEMENTARY_GROUPS_IGNORED,
        BY_REAL_IDS,
        BY_EFFECTIVE_GROUP,             /* where the file system group should count */
        BY_ANY_CLASS,                   /* the bits of all classes that the caller is in */
};
int granted(const struct ipc_perm *perm, enum rule rule);

/* Whether the caller gets these bits by the right rules and would not by the wrong one; and the reverse. Never true of
 * one with CAP_IPC_OWNER. */
bool refused_by(const struct ipc_perm *perm, enum rule wrong, int bits);
bool granted_by(const struct ipc_perm *perm, enum rule wrong, int bits);

/* Whether the caller has none of these bits, and no CAP_IPC_OWNER. */
bool lacks(const struct ipc_perm *perm, int bits);

/* Whether the caller has the bits by its capability alone. */
bool privileged_only(const struct ipc_perm *perm, int bits);

#endif
