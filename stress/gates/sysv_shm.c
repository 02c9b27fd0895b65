/* SPDX-License-Identifier: MIT
 *
 * sysv_shm.c: races about System V shared memory.
 */
#include <sys/ipc.h>
#include <sys/shm.h>

#include "interleave.h"

enum { KEY = 0x1bc5, BYTES = 4096 };

static struct {
        int segment, created, attached;
        bool removed;
} *m;

static void nothing(void)
{
        m = scenario_memory();
}

static void new_segment(void)
{
        nothing();
        m->segment = (int)GIVEN(shmget(KEY, BYTES, IPC_CREAT | 0600));
}

/* ---- creation ---- */

static void create(void)
{
        if (shmget(KEY, BYTES, IPC_CREAT | IPC_EXCL | 0600) == -1)
                KEEPS(shmget_eexist, errno == EEXIST);
        else
                m->created++;
}

static void one_was_created(void)
{
        KEEPS(shmget_atomic_creat_excl, m->created == 1);
}

/* ---- removal ---- */

static char *attach(void)
{
        char *const memory = shmat(m->segment, NULL, 0);

        if (memory == (void *)-1)
                return NULL;
        m->attached++;
        return memory;
}

static void detach(char *memory)
{
        KEEPS(shmdt_upd_nattch, shmdt(memory) == 0);
        m->attached--;
}

static void attach_use_detach(void)
{
        char *const memory = attach();

        if (!memory) {
                KEEPS(shmctl_rmid_unattached, m->removed && m->attached == 0 && errno == EINVAL);
                return;
        }
        KEEPS(shmctl_rmid_unattached, !m->removed || m->attached > 1);
        memory[0] = 'x';
        struct shmid_ds about = {.shm_nattch = 0};
        KEEPS(shmctl_rmid_attached_deferred, shmctl(m->segment, IPC_STAT, &about) == 0);
        KEEPS(shmat_upd_nattch, (int)about.shm_nattch == m->attached);
        KEEPS(shmctl_rmid_attached_deferred, memory[0] == 'x');
        detach(memory);
}

static void remove_segment(void)
{
        KEEPS(shmctl_ret_zero, shmctl(m->segment, IPC_RMID, NULL) == 0);
        m->removed = true;
}

static void the_segment_is_gone(void)
{
        struct shmid_ds about;

        KEEPS(shmdt_last_destroys, FAILED_WITH(EINVAL, shmctl(m->segment, IPC_STAT, &about)));
        KEEPS(shmctl_rmid_key_freed, FAILED_WITH(ENOENT, shmget(KEY, 0, 0)));
}

static void attach_and_end(void)
{
        if (!attach())
                KEEPS(shmctl_rmid_unattached, m->removed && errno == EINVAL);
}

static void the_segment_ended(void)
{
        struct shmid_ds about;

        KEEPS(exit_rmid_shm_destroyed, FAILED_WITH(EINVAL, shmctl(m->segment, IPC_STAT, &about)));
}

static void create_anew(void)
{
        const int other = shmget(KEY, BYTES, IPC_CREAT | IPC_EXCL | 0600);

        if (!m->removed) {
                KEEPS(shmget_eexist, other == -1 && errno == EEXIST);
                return;
        }
        KEEPS(shmget_key_freed_on_rmid, other != -1);
        KEEPS(xsi_ipc_id_unique_per_mechanism, m->attached == 0 || other != m->segment);
        const char *const memory = shmat(other, NULL, 0);
        KEEPS(shmget_key_freed_on_rmid, memory != (void *)-1 && memory[0] == 0);
}

/* ---- the count of attachments ---- */

static void attach_and_detach(void)
{
        char *const memory = attach();

        KEEPS(shmat_upd_nattch, memory != NULL);
        if (memory)
                detach(memory);
}

static void count_attachments(void)
{
        struct shmid_ds about = {.shm_nattch = 0};

        for (int i = 0; i < 2; i++) {
                KEEPS(shmctl_ret_zero, shmctl(m->segment, IPC_STAT, &about) == 0);
                KEEPS(shmat_nattch_concurrent, (int)about.shm_nattch == m->attached);
        }
}

SCENARIOS(sysv_shm_scenarios,
        {"shm_create", "three create a segment with one key and IPC_EXCL", nothing, {create, create, create}, one_was_created,
         .ends = shmget_atomic_creat_excl},
        {"shm_rmid", "two attach, use and detach against IPC_RMID", new_segment,
         {attach_use_detach, attach_use_detach, remove_segment}, the_segment_is_gone, .ends = shmdt_last_destroys},
        {"shm_rmid_end", "the end of an attached process against IPC_RMID", new_segment, {attach_and_end, remove_segment},
         the_segment_ended, .ends = exit_rmid_shm_destroyed},
        {"shm_rmid_create", "IPC_RMID of an attached segment against a new one with its key", new_segment,
         {attach_use_detach, remove_segment, create_anew}, NULL, .ends = shmget_key_freed_on_rmid},
        {"shm_nattch", "two attach and detach, one counts", new_segment, {attach_and_detach, attach_and_detach, count_attachments},
         NULL, .ends = shmat_nattch_concurrent});
