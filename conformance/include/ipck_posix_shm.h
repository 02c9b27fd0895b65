/* SPDX-License-Identifier: MIT
 *
 * ipck_posix_shm.h: POSIX shared memory objects for tests. Each test has an empty /dev/shm of its own, so that names
 * cannot collide.
 */
#ifndef IPCK_POSIX_SHM_H
#define IPCK_POSIX_SHM_H

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "ipck.h"

#undef IPCK_FILE_AVAILABLE
#define IPCK_FILE_AVAILABLE private_directory

#define OBJECT_NAME "/ipck"
#define OBJECT_FILE "/dev/shm/ipck"     /* where Linux's C libraries put it */

/* ---- set-up that must work (unresolved otherwise) ---- */

int new_shm(const char *name, off_t size);                      /* O_RDWR | O_CREAT | O_EXCL, mode 0600: a descriptor */
int shm_of(uid_t uid, const char *name, off_t size, int mode);  /* that another user created: a descriptor of ours */
struct stat fstat_of(int fd);                                   /* fstat() into a structure filled with 0x5a before */
char *map_shm(int fd, size_t size, int protection);             /* MAP_SHARED from its start */

#endif
