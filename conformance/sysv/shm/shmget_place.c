/* SPDX-License-Identifier: MIT
 *
 * shmget(): where a segment's memory is: in no file system that a process can look into.
 */
#include <dirent.h>
#include <sys/statvfs.h>

#include "ipck_posix_shm.h"
#include "ipck_shm.h"

static int names_in(const char *directory)
{
        DIR *const stream = opendir(directory);
        int count = 0;

        REQUIRE(stream);
        while (readdir(stream))
                count++;
        closedir(stream);
        return count;
}

TEST(segment_takes_nothing_of_dev_shm, VERIFIES(shmget_not_in_dev_shm))
{
        enum { PAGES = 16 };
        const size_t size = PAGES * page_size();
        struct statvfs before, after;

        private_directory();
        const int names = names_in("/dev/shm");
        MUST(statvfs("/dev/shm", &before));
        REQUIRE(before.f_blocks > 0 && before.f_files > 0);

        const int attached = new_segment(size, 0600), removed = new_segment(size, 0600);
        memset(attach(attached, 0), 0x5a, size);
        memset(attach(removed, 0), 0x5a, size);
        MUST(shmctl(removed, IPC_RMID, NULL));
        MUST(statvfs("/dev/shm", &after));
        EQ(shmget_not_in_dev_shm, names_in("/dev/shm"), names);
        EQ(shmget_not_in_dev_shm, after.f_bfree, before.f_bfree);
        EQ(shmget_not_in_dev_shm, after.f_ffree, before.f_ffree);
        detach(attach(attached, 0));
        EQ(shmget_not_in_dev_shm, names_in("/dev/shm"), names);
}
