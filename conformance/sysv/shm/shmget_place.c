/* SPDX-License-Identifier: MIT
 *
 * shmget(): where a segment's memory is: in no file system that a process can look into.
 */
#include "ipck_dev_shm.h"
#include "ipck_shm.h"

TEST(segment_takes_nothing_of_dev_shm, VERIFIES(shmget_not_in_dev_shm))
{
        enum { PAGES = 16 };
        const size_t size = PAGES * page_size();

        private_directory();
        const int names = names_left();
        const struct space before = free_space();
        if (before.pages == 0 || before.files == 0)
                UNSUPPORTED("a /dev/shm that tells how much is free");

        const int attached = new_segment(size, 0600), removed = new_segment(size, 0600);
        memset(attach(attached, 0), 0x5a, size);
        memset(attach(removed, 0), 0x5a, size);
        MUST(shmctl(removed, IPC_RMID, NULL));
        const struct space after = free_space();
        EQ(shmget_not_in_dev_shm, names_left(), names);
        EQ(shmget_not_in_dev_shm, after.pages, before.pages);
        EQ(shmget_not_in_dev_shm, after.files, before.files);
        detach(attach(attached, 0));
        EQ(shmget_not_in_dev_shm, names_left(), names);
}
