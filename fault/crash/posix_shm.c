/* SPDX-License-Identifier: MIT
 *
 * POSIX shared memory objects: a name is there or is not.
 */
#include "crash.h"
#include "ipck_posix_shm.h"

TEST(shm_open, VERIFIES(shm_open_data_persist_process, shm_open_fail_no_effect))
{
        crash("shm_open", 0, "posix/shm/shm_open", "entry", 1);
        EQ(shm_open_fail_no_effect, names_left(), 0);
        crash("shm_open", 0, "posix/shm/shm_open", "after", 1);
        EQ(shm_open_data_persist_process, names_left(), 1);
        const int object = OPENS(shm_open_data_persist_process, shm_open(VICTIMS_OBJECT, O_RDWR, 0));
        EQ(shm_open_data_persist_process, size_of(object), 0);
        EQ(shm_open_data_persist_process, ftruncate(object, 4096), 0);
}

TEST(shm_unlink, VERIFIES(shm_open_data_persist_process, shm_unlink_open_after_enoent, shm_unlink_mapping_survives))
{
        const int object = new_shm(VICTIMS_OBJECT, 4096);
        char *const memory = map_shm(object, 4096, PROT_READ | PROT_WRITE);

        strcpy(memory, victims_text);
        crash("shm_unlink", 0, "posix/shm/shm_unlink", "entry", 1);
        EQ(shm_open_data_persist_process, try_open(VICTIMS_OBJECT, O_RDWR, 0), 0);
        crash("shm_unlink", 0, "posix/shm/shm_unlink", "after", 1);
        FAILS_WITH(shm_unlink_open_after_enoent, ENOENT, try_open(VICTIMS_OBJECT, O_RDWR, 0));
        EQ(shm_unlink_open_after_enoent, names_left(), 0);
        READS(shm_unlink_mapping_survives, memory, "%s", victims_text);
}
