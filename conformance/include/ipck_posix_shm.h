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

#include "ipck_dev_shm.h"

#undef IPCK_FILE_AVAILABLE
#define IPCK_FILE_AVAILABLE ipck_posix_shm_available

/* private_directory(), and UNSUPPORTED where limits are too low for the tests of objects. */
void ipck_posix_shm_available(void);

/* UNSUPPORTED where the process may not make objects of any size (RLIMIT_FSIZE). */
void any_size(void);

#define OBJECT_NAME "/ipck"
#define OBJECT_FILE DEV_SHM "/ipck"     /* where Linux's C libraries put it */

/* ---- set-up that must work (unresolved otherwise) ---- */

int new_shm(const char *name, off_t size);                      /* O_RDWR | O_CREAT | O_EXCL, mode 0600: a descriptor */
int shm_of(uid_t uid, const char *name, off_t size, int mode);  /* that another user created: a descriptor of ours */
int open_shm(int oflag);                                        /* shm_open(OBJECT_NAME) of what exists */
struct stat fstat_of(int fd);                                   /* fstat() into a structure filled with 0x5a before */
off_t size_of(int fd);
mode_t mode_of(int fd);                                         /* the permission bits */
char *map_shm(int fd, size_t size, int protection);             /* MAP_SHARED from its start */
char *map_private(int fd, size_t size, int protection);         /* MAP_PRIVATE */
void unmap(void *memory, size_t size);

/* Whether both descriptors are of one object: what is stored by way of one, which is open to write, is seen by way of
 * the other. No object may be empty. */
bool same_object(int one, int other);

/* What shm_open() does and no more: 0, or -1 with errno. The descriptor is closed again. */
int try_open(const char *name, int oflag, mode_t mode);

/* shm_open() itself with mode 0600, for many calls in one expression. */
int opened(const char *name, int oflag);

#endif
