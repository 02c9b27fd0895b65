/* SPDX-License-Identifier: MIT
 *
 * shmctl() that stops while it reads from the caller's memory, and what becomes of it when the segment goes meanwhile.
 */
#include "ipck_shm.h"
#include "ipck_window.h"

TEST(control_of_a_segment_that_goes, VERIFIES(shmctl_eidrm))
{
        static const struct {
                const char *name;
                bool attached;
        } rows[] = {{"gone at once", false}, {"still attached", true}};
        const struct shmid_ds wanted = {.shm_perm.mode = 0640};

        EACH_ROW(row, rows) {
                const int segment = new_segment(1, 0600);
                char *const address = row->attached ? attach(segment, 0) : NULL;
                struct child setter;

                CHILD(&setter) {
                        struct shmid_ds *const about = window(&setter, &wanted, sizeof(wanted), 0);
                        const int result = shmctl(segment, IPC_SET, about), error = errno;
                        HOLDS(shmctl_eidrm, (result == 0 && row->attached) ||
                                            (result == -1 && (error == EINVAL || error == EIDRM)));
                }
                UNTIL(stopped(&setter));
                MUST(shmctl(segment, IPC_RMID, NULL));
                open_window(&setter);
                join(&setter);
                if (address)
                        detach(address);
                FAILS_WITH(shmctl_eidrm, EINVAL, nattch(segment));
        }
}
