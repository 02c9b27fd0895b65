/* SPDX-License-Identifier: MIT
 *
 * ipck_dev_shm.h: the directory and file system in which Linux's C libraries keep shared memory objects and named
 * semaphores. Each test has an empty one of its own, open to all (private_directory()).
 */
#ifndef IPCK_DEV_SHM_H
#define IPCK_DEV_SHM_H

#include <sys/mount.h>

#include "ipck.h"

#define DEV_SHM "/dev/shm"

/* How many names are in it. */
int names_left(void);

/* ---- another one; UNSUPPORTED where this user may not ---- */

/* Covers it with a new tmpfs that has these MS_ flags and options ("mode=1777,size=64k"); gives the present one other
 * flags. */
void mount_dev_shm(unsigned long flags, const char *options);
void remount_dev_shm(unsigned long flags);

/* Covers it with one that is open to all and has room for so many pages of memory. */
void mount_pages(unsigned pages);

/* Covers /dev with an empty tmpfs: for what happens without the directory, and for names that might lead out of it. */
void mount_dev(void);

/* Makes the directory, open to all, in that /dev. */
void make_dev_shm(void);

/* ---- what is free: the end of an object or semaphore shows there ---- */

struct space {
        uintmax_t pages, files;
};
struct space free_space(void);
bool same_space(struct space a, struct space b);
long free_pages(void);

#endif
