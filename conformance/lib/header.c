/* SPDX-License-Identifier: MIT
 *
 * header.c: the names that headers make visible, for the tests of headers.
 */
#include "ipck_header.h"

#define NAME(identifier) {#identifier},

const struct name ipc_names[MOST_NAMES] = {
#if __has_include("names/sys_ipc.h")
#include "names/sys_ipc.h"
#endif
        {NULL},
};

const struct name msg_names[MOST_NAMES] = {
#if __has_include("names/sys_msg.h")
#include "names/sys_msg.h"
#endif
        {NULL},
};

const struct name sem_names[MOST_NAMES] = {
#if __has_include("names/sys_sem.h")
#include "names/sys_sem.h"
#endif
        {NULL},
};

const struct name shm_names[MOST_NAMES] = {
#if __has_include("names/sys_shm.h")
#include "names/sys_shm.h"
#endif
        {NULL},
};

const struct name mqueue_names[MOST_NAMES] = {
#if __has_include("names/mqueue.h")
#include "names/mqueue.h"
#endif
        {NULL},
};

const struct name semaphore_names[MOST_NAMES] = {
#if __has_include("names/semaphore.h")
#include "names/semaphore.h"
#endif
        {NULL},
};

const struct name ipc_specified[13] = {
        {"IPC_CREAT"}, {"IPC_EXCL"}, {"IPC_NOWAIT"}, {"IPC_PRIVATE"}, {"IPC_RMID"}, {"IPC_SET"}, {"IPC_STAT"},
        {"ftok"}, {"ipc_perm"}, {"uid_t"}, {"gid_t"}, {"mode_t"}, {"key_t"},
};

bool have_names(void)
{
        return ipc_names[0].name && msg_names[0].name && sem_names[0].name && shm_names[0].name &&
               semaphore_names[0].name && mqueue_names[0].name;
}

void need_names(void)
{
        if (!have_names())
                UNSUPPORTED("the lists of names in the headers, which the build makes");
}

bool visible(const struct name *names, const char *name)
{
        for (; names->name; names++)
                if (strcmp(names->name, name) == 0)
                        return true;
        return false;
}

void go_past_the_c_library(const char *structure)
{
        if (sizeof(time_t) > sizeof(long))
                UNSUPPORTED("a %s that the C library passes on as it is (time_t has %zu bytes, long %zu)", structure,
                            sizeof(time_t), sizeof(long));
        ipck_route = IPCK_RAW;
}
