/* SPDX-License-Identifier: MIT
 *
 * System V shared memory.
 */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <unistd.h>

#include "operations.h"

#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif

enum { KEY = 0x1234, PAGE = 4096, SIZE = 5 * PAGE };

static int segment;
static char *attached;

static char *attach(int flags)
{
        char *const address = shmat(segment, NULL, flags);

        if (address == (char *)-1)
                undecided("shmat: errno %d", errno);
        return address;
}

/* ---- states ---- */

static void new_segment(void)
{
        segment = (int)MUST(shmget(KEY, SIZE, IPC_CREAT | 0600));
        char *const address = attach(0);
        memcpy(address, pattern(SIZE), SIZE);
        MUST(shmdt(address));
}

static void others(void)
{
        for (int i = 0; i < 5; i++)
                MUST(shmget(IPC_PRIVATE, SIZE, 0600));
}

static void new_segment_and_others(void)
{
        new_segment();
        others();
}

static void removed_segment(void)
{
        new_segment();
        attach(0);
        MUST(shmctl(segment, IPC_RMID, NULL));
}

static void own_attachment(void)
{
        attached = attach(0);
}

static void own_two_attachments(void)
{
        attached = attach(0);
        attach(SHM_RDONLY);
}

static void own_attachment_removed(void)
{
        attached = attach(0);
        MUST(shmctl(segment, IPC_RMID, NULL));
}

/* Two mappings remain of one attachment. */
static void own_attachment_with_hole(void)
{
        attached = attach(0);
        MUST(munmap(attached + PAGE, PAGE));
}

/* Just as much may be locked as the segment has. */
static void own_lock_limit(void)
{
        limit(RLIMIT_MEMLOCK, SIZE);
        drop_capability(CAP_IPC_LOCK);
}

static void locked_segment(void)
{
        new_segment();
        MUST(shmctl(segment, SHM_LOCK, NULL));
}

/* ---- calls ---- */

static long create(void)
{
        return shmget(KEY, SIZE, IPC_CREAT | IPC_EXCL | 0640);
}

static long create_private(void)
{
        return shmget(IPC_PRIVATE, 1, 0600);
}

static long create_large(void)
{
        return shmget(KEY, 1UL << 30, IPC_CREAT | 0600 | SHM_NORESERVE);
}

static long open_segment(void)
{
        return shmget(KEY, SIZE, 0600);
}

static long attach_anywhere(void)
{
        return (long)shmat(segment, NULL, 0);
}

static long attach_to_read(void)
{
        return (long)shmat(segment, NULL, SHM_RDONLY);
}

static long attach_there(void)
{
        return (long)shmat(segment, (void *)0x30000000, 0);
}

static long attach_instead(void)
{
        return (long)shmat(segment, attached, SHM_REMAP);
}

static long detach(void)
{
        return shmdt(attached);
}

static long unmap_middle(void)
{
        return munmap(attached + PAGE, PAGE);
}

static long protect_middle(void)
{
        return mprotect(attached + PAGE, PAGE, PROT_READ);
}

static long move(void)
{
        return (long)mremap(attached, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)0x30000000);
}

static long ask(int id, int command)
{
        struct shmid_ds ds;

        memset(&ds, 0, sizeof(ds));
        const long result = shmctl(id, command, &ds);
        if (result != -1) {
                ANSWER_OF(ds.shm_segsz);
                ANSWER_OF(ds.shm_nattch);
                ANSWER_OF(ds.shm_perm.mode);
        }
        return result;
}

static long stat_segment(void)
{
        return ask(segment, IPC_STAT);
}

static long stat_index(void)
{
        return ask(0, SHM_STAT);
}

static long stat_any(void)
{
        return ask(0, SHM_STAT_ANY);
}

static long limits_info(void)
{
        struct shminfo info;

        memset(&info, 0, sizeof(info));
        const long result = shmctl(0, IPC_INFO, (struct shmid_ds *)&info);
        if (result != -1)
                ANSWER_OF(info);
        return result;
}

static long usage_info(void)
{
        struct shm_info info;

        memset(&info, 0, sizeof(info));
        const long result = shmctl(0, SHM_INFO, (struct shmid_ds *)&info);
        if (result != -1)
                ANSWER_OF(info);
        return result;
}

static long change_segment(void)
{
        struct shmid_ds ds;

        memset(&ds, 0, sizeof(ds));
        ds.shm_perm.gid = 5;
        ds.shm_perm.mode = 0644;
        return shmctl(segment, IPC_SET, &ds);
}

static long remove_segment(void)
{
        return shmctl(segment, IPC_RMID, NULL);
}

static long lock(void)
{
        return shmctl(segment, SHM_LOCK, NULL);
}

static long unlock(void)
{
        return shmctl(segment, SHM_UNLOCK, NULL);
}

/* The child inherits the attachments. */
static long fork_and_end(void)
{
        return clone_and_end(0);
}

static long end(void)
{
        _exit(0);
}

static const struct operation operations[] = {
        OPERATION("shmget.create", others, NULL, create),
        OPERATION("shmget.create-private", NULL, NULL, create_private),
        OPERATION("shmget.create-large", NULL, NULL, create_large),
        OPERATION("shmget.open", new_segment_and_others, NULL, open_segment),
        OPERATION("shmat.anywhere", new_segment, NULL, attach_anywhere),
        OPERATION("shmat.to-read", new_segment, NULL, attach_to_read),
        OPERATION("shmat.there", new_segment, NULL, attach_there),
        OPERATION("shmat.again", new_segment, own_attachment, attach_anywhere),
        OPERATION("shmat.instead", new_segment, own_attachment, attach_instead),
        OPERATION("shmat.removed", removed_segment, NULL, attach_anywhere),
        OPERATION("shmdt.one", new_segment, own_attachment, detach),
        OPERATION("shmdt.one-of-two", new_segment, own_two_attachments, detach),
        OPERATION("shmdt.last-of-removed", new_segment, own_attachment_removed, detach),
        OPERATION("shmdt.with-hole", new_segment, own_attachment_with_hole, detach),
        OPERATION("munmap.middle", new_segment, own_attachment, unmap_middle, .errors = "EINVAL ENOMEM"),
        OPERATION("mprotect.middle", new_segment, own_attachment, protect_middle, .errors = "EACCES EINVAL ENOMEM"),
        OPERATION("mremap.move", new_segment, own_attachment, move, .errors = "EAGAIN EFAULT EINVAL ENOMEM"),
        OPERATION("shmctl.stat", new_segment, own_attachment, stat_segment),
        OPERATION("shmctl.stat-index", new_segment, NULL, stat_index),
        OPERATION("shmctl.stat-any", new_segment, NULL, stat_any),
        OPERATION("shmctl.ipc-info", new_segment, NULL, limits_info),
        OPERATION("shmctl.shm-info", new_segment, own_attachment, usage_info),
        OPERATION("shmctl.set", new_segment, own_attachment, change_segment),
        OPERATION("shmctl.remove", new_segment, NULL, remove_segment),
        OPERATION("shmctl.remove-attached", new_segment, own_attachment, remove_segment),
        OPERATION("shmctl.lock", new_segment, own_lock_limit, lock),
        OPERATION("shmctl.unlock", locked_segment, NULL, unlock),
        OPERATION("fork.attached", new_segment, own_two_attachments, fork_and_end, .errors = "EAGAIN ENOMEM"),
        OPERATION("exit.attached", new_segment, own_attachment, end, .ends = true),
        OPERATION("exit.attached-removed", new_segment, own_attachment_removed, end, .ends = true),
};
const struct family shm_family = FAMILY(operations);
