/* SPDX-License-Identifier: MIT
 *
 * dev_shm.c: the directory and file system behind shared memory objects and named semaphores.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "internal.h"
#include "ipck_dev_shm.h"

int names_left(void)
{
        return names_in(DEV_SHM);
}

/* ---- mounts ---- */

static void must_mount(const char *where, unsigned long flags, const char *options)
{
        if (mount("ipck", where, "tmpfs", MS_NOSUID | MS_NODEV | flags, options) == 0)
                return;
        if (errno == EPERM || errno == EACCES || errno == ENODEV || errno == ENOSYS || errno == EINVAL)
                UNSUPPORTED("a tmpfs with %s on %s (mount: %s)", options ? options : "other flags", where,
                            errno_name(errno));
        CANNOT("mount");
}

void mount_dev_shm(unsigned long flags, const char *options)
{
        must_mount(DEV_SHM, flags, options);
}

void remount_dev_shm(unsigned long flags)
{
        must_mount(DEV_SHM, MS_REMOUNT | flags, NULL);
}

void mount_pages(unsigned pages)
{
        char options[64];

        snprintf(options, sizeof(options), "mode=1777,size=%zu", pages * page_size());
        mount_dev_shm(0, options);
        REQUIRE(free_pages() == (long)pages);
}

void mount_dev(void)
{
        must_mount("/dev", 0, "mode=755");
}

void make_dev_shm(void)
{
        MUST(mkdir(DEV_SHM, 0777));
        MUST(chmod(DEV_SHM, 01777));
}

/* ---- what is free ---- */

struct space free_space(void)
{
        struct statvfs fs;

        memset(&fs, 0x5a, sizeof(fs));
        MUST(statvfs(DEV_SHM, &fs));
        return (struct space){fs.f_bfree * fs.f_frsize / page_size(), fs.f_ffree};
}

bool same_space(struct space a, struct space b)
{
        return a.pages == b.pages && a.files == b.files;
}

long free_pages(void)
{
        return (long)free_space().pages;
}
