/* SPDX-License-Identifier: MIT
 *
 * object.h: what the files share that break calls for descriptors and mappings of shared memory objects. These are no
 * calls of IPC and stand in no table of them; everything else uses them as well, and is left alone.
 */
#ifndef IPCK_MUTANTS_OBJECT_H
#define IPCK_MUTANTS_OBJECT_H

#include <dlfcn.h>
#include <sys/stat.h>

#include "posix.h"

/* The C library's own; looked up when first called, for others may call before this library is initialized. */
#define OWN(call)                                                                               \
        __extension__({                                                                         \
                static __typeof__(call) *own;                                                   \
                if (!own)                                                                       \
                        *(void **)&own = dlsym(RTLD_NEXT, #call);                               \
                own;                                                                            \
        })

/* What mmap() has made all of them ask for. */
#define OBJECT_CALLS "mmap munmap mprotect ftruncate close fstat fchmod fchown fcntl"

/* Whether the descriptor is of a file in /dev/shm, whose attributes are stored then. Keeps errno. */
bool is_object(int fd, struct stat *st);

/* Another descriptor of the same open file description, above the one given; -1 where there is none. */
int duplicate_of(int fd, int above);

/* A mapping of an object that mmap() has made in this process. */
struct mapping {
        char *start;
        size_t length;                  /* of whole pages; 0 where this place is free */
        int flags;
        bool to_read;                   /* by a descriptor that is open to read alone */
        dev_t device;
        ino_t inode;
};
enum { MAPPINGS = 256 };
extern struct mapping mappings[MAPPINGS];

/* The one that begins first among those with a page in the range; NULL where there is none. */
struct mapping *mapping_in(const char *start, size_t length);

size_t whole_pages_of(size_t size);

#endif
