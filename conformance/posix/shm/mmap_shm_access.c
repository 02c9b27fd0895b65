/* SPDX-License-Identifier: MIT
 *
 * mmap() and mprotect() of shared memory objects: which access a mapping can have.
 */
#include "ipck_posix_shm.h"

enum { RW = PROT_READ | PROT_WRITE };

/* mmap() as a call that returns 0 or -1. */
static int try_map(int fd, int protection, int flags)
{
        void *const memory = mmap(NULL, page_size(), protection, flags, fd, 0);

        return memory == MAP_FAILED ? -1 : munmap(memory, page_size());
}

/* ---- a descriptor to read ---- */

TEST(shared_mapping_to_write_needs_a_writable_descriptor, VERIFIES(mmap_shm_eacces_rdonly_shared_write))
{
        const int fd = new_shm(OBJECT_NAME, 1), reader = open_shm(O_RDONLY);

        FAILS_WITH(mmap_shm_eacces_rdonly_shared_write, EACCES, try_map(reader, RW, MAP_SHARED));
        FAILS_WITH(mmap_shm_eacces_rdonly_shared_write, EACCES, try_map(reader, PROT_WRITE, MAP_SHARED));
        EQ(mmap_shm_eacces_rdonly_shared_write, try_map(reader, PROT_READ, MAP_SHARED), 0);
        EQ(mmap_shm_eacces_rdonly_shared_write, try_map(reader, PROT_NONE, MAP_SHARED), 0);
        EQ(mmap_shm_eacces_rdonly_shared_write, try_map(fd, RW, MAP_SHARED), 0);
        EQ(mmap_shm_eacces_rdonly_shared_write, try_map(fd, PROT_WRITE, MAP_SHARED), 0);
}

TEST(private_mapping_to_write_does_not, VERIFIES(mmap_shm_rdonly_private_write_ok))
{
        const size_t size = 2 * page_size();
        const int fd = new_shm(OBJECT_NAME, (off_t)size);
        char *const memory = map_shm(fd, size, RW);

        fill_pattern(memory, size, 1);
        char *const private = mmap(NULL, size, RW, MAP_PRIVATE, open_shm(O_RDONLY), 0);
        if (!HOLDS(mmap_shm_rdonly_private_write_ok, private != MAP_FAILED))
                return;
        HOLDS(mmap_shm_rdonly_private_write_ok, has_pattern(private, size, 1));
        EQ(mmap_shm_rdonly_private_write_ok, store_signal(private), 0);
        fill_pattern(private, size, 2);
        HOLDS(mmap_shm_rdonly_private_write_ok, has_pattern(private, size, 2));
        HOLDS(mmap_shm_rdonly_private_write_ok, has_pattern(memory, size, 1));
}

/* ---- mprotect() ---- */

TEST(access_cannot_exceed_that_of_the_descriptor, VERIFIES(mmap_shm_mprotect_upgrade))
{
        const size_t page = page_size();
        const int fd = new_shm(OBJECT_NAME, 2 * (off_t)page);
        char *const reader = map_shm(open_shm(O_RDONLY), 2 * page, PROT_READ),
                   *const writer = map_shm(fd, 2 * page, PROT_READ);

        FAILS_WITH(mmap_shm_mprotect_upgrade, EACCES, mprotect(reader, 2 * page, RW));
        FAILS_WITH(mmap_shm_mprotect_upgrade, EACCES, mprotect(reader, 2 * page, PROT_WRITE));
        FAILS_WITH(mmap_shm_mprotect_upgrade, EACCES, mprotect(reader + page, page, RW));
        EQ(mmap_shm_mprotect_upgrade, store_signal(reader), SIGSEGV);
        EQ(mmap_shm_mprotect_upgrade, store_signal(reader + page), SIGSEGV);
        EQ(mmap_shm_mprotect_upgrade, load_signal(reader), 0);
        EQ(mmap_shm_mprotect_upgrade, mprotect(reader, 2 * page, PROT_NONE), 0);
        EQ(mmap_shm_mprotect_upgrade, mprotect(reader, 2 * page, PROT_READ), 0);
        EQ(mmap_shm_mprotect_upgrade, mprotect(writer, 2 * page, RW), 0);
        EQ(mmap_shm_mprotect_upgrade, store_signal(writer), 0);
}

TEST(access_changes_page_by_page, VERIFIES(mmap_shm_mprotect))
{
        const size_t page = page_size();
        const int fd = new_shm(OBJECT_NAME, 4 * (off_t)page);
        char *const memory = map_shm(fd, 4 * page, RW), *const other = map_shm(fd, 4 * page, RW);

        fill_pattern(memory, 4 * page, 1);
        EQ(mmap_shm_mprotect, mprotect(memory + page, page, PROT_READ), 0);
        /* Any part of a page is all of it. */
        EQ(mmap_shm_mprotect, mprotect(memory + 2 * page, 1, PROT_NONE), 0);
        EQ(mmap_shm_mprotect, store_signal(memory + page - 1), 0);
        EQ(mmap_shm_mprotect, load_signal(memory + page), 0);
        EQ(mmap_shm_mprotect, store_signal(memory + page), SIGSEGV);
        EQ(mmap_shm_mprotect, store_signal(memory + 2 * page - 1), SIGSEGV);
        EQ(mmap_shm_mprotect, load_signal(memory + 2 * page), SIGSEGV);
        EQ(mmap_shm_mprotect, load_signal(memory + 3 * page - 1), SIGSEGV);
        EQ(mmap_shm_mprotect, store_signal(memory + 3 * page), 0);
        EQ(mmap_shm_mprotect, store_signal(other + 2 * page), 0);
        EQ(mmap_shm_mprotect, mprotect(memory, 4 * page, RW), 0);
        for (size_t byte = 0; byte < 4 * page; byte += page)
                EQ(mmap_shm_mprotect, store_signal(memory + byte), 0);
        HOLDS(mmap_shm_mprotect, has_pattern(memory, 4 * page, 1));
}

TEST(private_mapping_can_become_writable, VERIFIES(mmap_shm_mprotect_private_ok))
{
        const size_t size = page_size();
        const int fd = new_shm(OBJECT_NAME, (off_t)size);
        char *const memory = map_shm(fd, size, RW), *const private = map_private(open_shm(O_RDONLY), size, PROT_READ);

        fill_pattern(memory, size, 1);
        EQ(mmap_shm_mprotect_private_ok, store_signal(private), SIGSEGV);
        EQ(mmap_shm_mprotect_private_ok, mprotect(private, size, RW), 0);
        EQ(mmap_shm_mprotect_private_ok, store_signal(private), 0);
        memset(private, 9, size);
        HOLDS(mmap_shm_mprotect_private_ok, has_pattern(memory, size, 1));
}

/* ---- no access ---- */

static const struct {
        const char *name;
        int flags;
} kinds[] = {{"shared", MAP_SHARED}, {"private", MAP_PRIVATE}};

TEST(mapping_without_access_faults, VERIFIES(mmap_shm_prot_none))
{
        const size_t page = page_size();
        const int fd = new_shm(OBJECT_NAME, 2 * (off_t)page);
        char *const other = map_shm(fd, 2 * page, RW);

        fill_pattern(other, 2 * page, 1);
        EACH_ROW(kind, kinds) {
                char *const memory = mmap(NULL, 2 * page, PROT_NONE, kind->flags, fd, 0);

                if (!HOLDS(mmap_shm_prot_none, memory != MAP_FAILED))
                        continue;
                for (size_t byte = 0; byte < 2 * page; byte += page) {
                        EQ(mmap_shm_prot_none, load_signal(memory + byte), SIGSEGV);
                        EQ(mmap_shm_prot_none, store_signal(memory + byte), SIGSEGV);
                        EQ(mmap_shm_prot_none, load_signal(memory + byte + page - 1), SIGSEGV);
                }
                HOLDS(mmap_shm_prot_none, is_mapped(memory));
        }
        HOLDS(mmap_shm_prot_none, has_pattern(other, 2 * page, 1));
}

TEST(mapping_to_read_cannot_be_stored_to, VERIFIES(mmap_shm_prot_read))
{
        const size_t page = page_size();
        const int fd = new_shm(OBJECT_NAME, 2 * (off_t)page);
        char *const other = map_shm(fd, 2 * page, RW);

        fill_pattern(other, 2 * page, 1);
        EACH_ROW(kind, kinds) {
                char *const memory = mmap(NULL, 2 * page, PROT_READ, kind->flags, fd, 0);

                if (!HOLDS(mmap_shm_prot_read, memory != MAP_FAILED))
                        continue;
                HOLDS(mmap_shm_prot_read, has_pattern(memory, 2 * page, 1));
                for (size_t byte = 0; byte < 2 * page; byte += page) {
                        EQ(mmap_shm_prot_read, store_signal(memory + byte), SIGSEGV);
                        EQ(mmap_shm_prot_read, store_signal(memory + byte + page - 1), SIGSEGV);
                }
                HOLDS(mmap_shm_prot_read, has_pattern(memory, 2 * page, 1));
        }
        HOLDS(mmap_shm_prot_read, has_pattern(other, 2 * page, 1));
}

/* ---- executing ---- */

TEST(file_system_can_forbid_executing, VERIFIES(mmap_shm_noexec))
{
        mount_dev_shm(0, "mode=1777");
        const int fd = new_shm(OBJECT_NAME, 1);
        EACH_ROW(kind, kinds) {
                EQ(mmap_shm_noexec, try_map(fd, PROT_READ | PROT_EXEC, kind->flags), 0);
                EQ(mmap_shm_noexec, try_map(open_shm(O_RDONLY), PROT_EXEC, kind->flags), 0);
        }
        mount_dev_shm(MS_NOEXEC, "mode=1777");
        const int forbidden = new_shm(OBJECT_NAME, 1);
        EACH_ROW(kind, kinds) {
                FAILS_WITH(mmap_shm_noexec, EPERM, try_map(forbidden, PROT_READ | PROT_EXEC, kind->flags));
                FAILS_WITH(mmap_shm_noexec, EPERM, try_map(open_shm(O_RDONLY), PROT_EXEC, kind->flags));
                EQ(mmap_shm_noexec, try_map(forbidden, RW, kind->flags), 0);
        }
        EQ(mmap_shm_noexec, try_map(fd, PROT_READ | PROT_EXEC, MAP_SHARED), 0);
}

/* ---- flags that are looked at ---- */

#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE 3
#endif
/* Machines of the mips family have no such flag; the bit is another one's there. */
#if !defined(MAP_SYNC) && !defined(__mips__)
#define MAP_SYNC 0x80000
#endif

TEST(flags_of_a_validated_mapping_must_be_known, VERIFIES(mmap_shm_shared_validate))
{
        enum { UNKNOWN = 0x1000000 };
        const int fd = new_shm(OBJECT_NAME, 1);
        char *const memory = map_shm(fd, 1, RW), *const validated = mmap(NULL, 1, RW, MAP_SHARED_VALIDATE, fd, 0);

        if (HOLDS(mmap_shm_shared_validate, validated != MAP_FAILED)) {
                *validated = 5;
                EQ(mmap_shm_shared_validate, *memory, 5);
        }
        FAILS_WITH(mmap_shm_shared_validate, EOPNOTSUPP, try_map(fd, RW, MAP_SHARED_VALIDATE | UNKNOWN));
        EQ(mmap_shm_shared_validate, try_map(fd, RW, MAP_SHARED | UNKNOWN), 0);
#ifdef MAP_SYNC
        FAILS_WITH(mmap_shm_shared_validate, EOPNOTSUPP, try_map(fd, RW, MAP_SHARED_VALIDATE | MAP_SYNC));
        EQ(mmap_shm_shared_validate, try_map(fd, RW, MAP_SHARED | MAP_SYNC), 0);
#endif
        const int reader = open_shm(O_RDONLY);
        REQUIRE((fcntl(reader, F_GETFL) & O_ACCMODE) == O_RDONLY);
        FAILS_WITH(mmap_shm_shared_validate, EACCES, try_map(reader, RW, MAP_SHARED_VALIDATE));
}
