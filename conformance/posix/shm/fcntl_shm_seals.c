/* SPDX-License-Identifier: MIT
 *
 * fcntl() on shared memory objects: seals, which memfd_create() can give to a file, but shm_open() does not.
 */
#include "ipck_posix_shm.h"

static const struct {
        const char *name;
        int seals;
} rows[] = {
        {"none", 0}, {"F_SEAL_SEAL", F_SEAL_SEAL}, {"F_SEAL_SHRINK", F_SEAL_SHRINK}, {"F_SEAL_GROW", F_SEAL_GROW},
        {"F_SEAL_WRITE", F_SEAL_WRITE}, {"all", F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE},
};

TEST(objects_are_sealed_against_seals, VERIFIES(fcntl_shm_seals))
{
        const int fd = new_shm(OBJECT_NAME, 1);

        EQ(fcntl_shm_seals, fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
        EQ(fcntl_shm_seals, fcntl(open_shm(O_RDONLY), F_GET_SEALS), F_SEAL_SEAL);
        EACH_ROW(row, rows) {
                EQ(fcntl_shm_seals, fcntl(fd, F_ADD_SEALS, row->seals), -1);
                EQ(fcntl_shm_seals, fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
        }
}

TEST(no_seal_can_be_added, VERIFIES(fcntl_shm_seals_eperm, ftruncate_shm_seal_grow_shrink))
{
        const size_t page = page_size();
        const int fd = new_shm(OBJECT_NAME, (off_t)page);
        struct stat st;

        EACH_ROW(row, rows) {
                FAILS_WITH(fcntl_shm_seals_eperm, EPERM, fcntl(fd, F_ADD_SEALS, row->seals));
                FAILS_WITH(fcntl_shm_seals_eperm, EPERM, fcntl(open_shm(O_RDONLY), F_ADD_SEALS, row->seals));
                EQ(fcntl_shm_seals_eperm, ftruncate(fd, 2 * (off_t)page), 0);
                EQ(fcntl_shm_seals_eperm, ftruncate(fd, (off_t)page), 0);
                void *const memory = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
                if (HOLDS(fcntl_shm_seals_eperm, memory != MAP_FAILED))
                        EQ(fcntl_shm_seals_eperm, store_signal(memory), 0);
                EQ(fcntl_shm_seals_eperm, pwrite(fd, "x", 1, 0), 1);
        }
        FAILS_WITH(ftruncate_shm_seal_grow_shrink, EPERM, fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
        FAILS_WITH(ftruncate_shm_seal_grow_shrink, EPERM, fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
        FAILS_WITH(ftruncate_shm_seal_grow_shrink, EPERM, fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK));
        EQ(ftruncate_shm_seal_grow_shrink, ftruncate(fd, 100000), 0);
        EQ(ftruncate_shm_seal_grow_shrink, ftruncate(fd, 1), 0);
        MUST(fstat(fd, &st));
        EQ(ftruncate_shm_seal_grow_shrink, st.st_size, 1);
}
