/* SPDX-License-Identifier: MIT
 *
 * shm_open(): what each of its flags does.
 */
#include "ipck_posix_shm.h"

enum { RW = PROT_READ | PROT_WRITE };

/* mmap() of the first page, and munmap(): 0 or -1. */
static int try_map(int fd, int protection, int flags)
{
        void *const memory = mmap(NULL, page_size(), protection, flags, fd, 0);

        return memory == MAP_FAILED ? -1 : munmap(memory, page_size());
}

/* ---- access ---- */

TEST(read_only_descriptor_permits_reading, VERIFIES(shm_open_flag_rdonly))
{
        const size_t size = 2 * page_size();
        const int fd = new_shm(OBJECT_NAME, (off_t)size);
        static const struct {
                const char *name;
                int oflag;
        } rows[] = {{"alone", O_RDONLY}, {"with O_CREAT", O_RDONLY | O_CREAT}};

        fill_pattern(map_shm(fd, size, RW), size, 3);
        EACH_ROW(row, rows) {
                const int reader = opened(OBJECT_NAME, row->oflag);

                if (!HOLDS(shm_open_flag_rdonly, reader != -1))
                        continue;
                EQ(shm_open_flag_rdonly, fcntl(reader, F_GETFL) & O_ACCMODE, O_RDONLY);
                HOLDS(shm_open_flag_rdonly, has_pattern(map_shm(reader, size, PROT_READ), size, 3));
                EQ(shm_open_flag_rdonly, try_map(reader, PROT_READ, MAP_SHARED), 0);
                EQ(shm_open_flag_rdonly, try_map(reader, RW, MAP_SHARED), -1);
                EQ(shm_open_flag_rdonly, try_map(reader, PROT_WRITE, MAP_SHARED), -1);
                EQ(shm_open_flag_rdonly, ftruncate(reader, 1), -1);
                EQ(shm_open_flag_rdonly, size_of(fd), size);
        }
        EQ(shm_open_flag_rdonly, try_map(fd, RW, MAP_SHARED), 0);
}

TEST(new_object_can_be_opened_to_read, VERIFIES(shm_open_flag_rdonly))
{
        const int reader = opened(OBJECT_NAME, O_RDONLY | O_CREAT | O_EXCL);

        if (!HOLDS(shm_open_flag_rdonly, reader != -1))
                return;
        EQ(shm_open_flag_rdonly, fcntl(reader, F_GETFL) & O_ACCMODE, O_RDONLY);
        EQ(shm_open_flag_rdonly, ftruncate(reader, 1), -1);
        MUST(ftruncate(open_shm(O_RDWR), 1));
        EQ(shm_open_flag_rdonly, try_map(reader, PROT_READ, MAP_SHARED), 0);
        EQ(shm_open_flag_rdonly, try_map(reader, RW, MAP_SHARED), -1);
}

TEST(descriptor_to_read_and_write_permits_both, VERIFIES(shm_open_flag_rdwr))
{
        static const struct {
                const char *name;
                int oflag;
        } rows[] = {{"new", O_RDWR | O_CREAT | O_EXCL}, {"existing", O_RDWR}, {"with O_CREAT", O_RDWR | O_CREAT}};
        const size_t page = page_size();

        EACH_ROW(row, rows) {
                const int fd = opened(OBJECT_NAME, row->oflag);

                if (!HOLDS(shm_open_flag_rdwr, fd != -1))
                        continue;
                EQ(shm_open_flag_rdwr, fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
                EQ(shm_open_flag_rdwr, ftruncate(fd, (off_t)page), 0);
                EQ(shm_open_flag_rdwr, size_of(fd), page);
                EQ(shm_open_flag_rdwr, try_map(fd, PROT_READ, MAP_SHARED), 0);
                char *const memory = mmap(NULL, page, RW, MAP_SHARED, fd, 0);
                if (!HOLDS(shm_open_flag_rdwr, memory != MAP_FAILED))
                        continue;
                fill_pattern(memory, page, 4);
                HOLDS(shm_open_flag_rdwr, has_pattern(map_shm(fd, page, PROT_READ), page, 4));
        }
}

/* ---- O_CREAT, O_EXCL ---- */

static const struct {
        const char *name;
        int oflag;
} accesses[] = {{"read", O_RDONLY}, {"read and write", O_RDWR}};

TEST(missing_object_is_created_with_o_creat_only,
     VERIFIES(shm_open_flag_creat_new, shm_open_enoent, shm_open_fail_no_effect))
{
        EACH_ROW(access, accesses) {
                FAILS_WITH(shm_open_enoent, ENOENT, opened(OBJECT_NAME, access->oflag));
                /* It did not create the object itself. */
                EQ(shm_open_fail_no_effect, opened(OBJECT_NAME, access->oflag), -1);
                EQ(shm_open_flag_creat_new, worked(opened(OBJECT_NAME, access->oflag | O_CREAT)), 0);
                EQ(shm_open_enoent, worked(opened(OBJECT_NAME, access->oflag)), 0);
                MUST(shm_unlink(OBJECT_NAME));

                FAILS_WITH(shm_open_enoent, ENOENT, opened(OBJECT_NAME, access->oflag));
                EQ(shm_open_flag_creat_new, worked(opened(OBJECT_NAME, access->oflag | O_CREAT | O_EXCL)), 0);
                EQ(shm_open_enoent, worked(opened(OBJECT_NAME, access->oflag)), 0);
                MUST(shm_unlink(OBJECT_NAME));
        }
        FAILS_WITH(shm_open_enoent, ENOENT, opened(OBJECT_NAME, O_RDWR | O_TRUNC));
        EQ(shm_open_flag_creat_new, worked(opened(OBJECT_NAME, O_RDWR | O_CREAT | O_TRUNC)), 0);
}

/* An object of which nothing must change. */
enum { KEPT_SIZE = 5000, KEPT_MODE = 0614 };

static int kept_object(void)
{
        const int fd = new_shm(OBJECT_NAME, KEPT_SIZE);

        fill_pattern(map_shm(fd, KEPT_SIZE, RW), KEPT_SIZE, 5);
        MUST(fchmod(fd, KEPT_MODE));
        return fd;
}

static void expect_unchanged(enum ipck_requirement req, int fd, const struct stat *before)
{
        const struct stat after = fstat_of(fd);

        EQ(req, after.st_size, KEPT_SIZE);
        EQ(req, after.st_mode & 0777, KEPT_MODE);
        EQ(req, after.st_uid, before->st_uid);
        EQ(req, after.st_gid, before->st_gid);
        if (after.st_size < KEPT_SIZE)
                return;
        char *const memory = map_shm(fd, KEPT_SIZE, PROT_READ);
        HOLDS(req, has_pattern(memory, KEPT_SIZE, 5));
        unmap(memory, KEPT_SIZE);
}

TEST(existing_object_stays_as_it_is_with_o_creat, VERIFIES(shm_open_flag_creat_existing))
{
        const int fd = kept_object();
        const struct stat before = fstat_of(fd);

        EACH_ROW(access, accesses) {
                const int other = shm_open(OBJECT_NAME, access->oflag | O_CREAT, 0777);

                if (!HOLDS(shm_open_flag_creat_existing, other != -1))
                        continue;
                expect_unchanged(shm_open_flag_creat_existing, fd, &before);
                expect_unchanged(shm_open_flag_creat_existing, other, &before);
        }
        HOLDS(shm_open_flag_creat_existing, same_object(fd, (int)MUST(opened(OBJECT_NAME, O_RDWR | O_CREAT))));
}

/* In a directory without the sticky bit: see eacces.protected-regular for the other. */
TEST(existing_object_of_another_user_stays_as_it_is, VERIFIES(shm_open_flag_creat_existing))
{
        struct child owner, other;

        mount_dev_shm(0, "mode=777");
        CHILD(&owner) {
                become(USER_A, GROUP_A, NULL, 0);
                MUST(fchmod(kept_object(), 0666));
        }
        join(&owner);
        CHILD(&other) {
                become(USER_B, GROUP_B, NULL, 0);
                const int fd = opened(OBJECT_NAME, O_RDWR | O_CREAT);

                if (HOLDS(shm_open_flag_creat_existing, fd != -1)) {
                        const struct stat st = fstat_of(fd);

                        EQ(shm_open_flag_creat_existing, st.st_uid, USER_A);
                        EQ(shm_open_flag_creat_existing, st.st_gid, GROUP_A);
                        EQ(shm_open_flag_creat_existing, st.st_mode & 0777, 0666);
                        EQ(shm_open_flag_creat_existing, st.st_size, KEPT_SIZE);
                        HOLDS(shm_open_flag_creat_existing,
                              has_pattern(map_shm(fd, KEPT_SIZE, PROT_READ), KEPT_SIZE, 5));
                }
        }
        join(&other);
}

TEST(existing_object_is_refused_with_o_excl,
     VERIFIES(shm_open_flag_creat_excl, shm_open_eexist, shm_open_fail_no_effect))
{
        const int fd = kept_object();
        const struct stat before = fstat_of(fd);
        static const struct {
                const char *name;
                int more;
        } rows[] = {{"alone", 0}, {"with O_TRUNC", O_TRUNC}};

        EACH_ROW(access, accesses) {
                EACH_ROW(row, rows) {
                        const int other = shm_open(OBJECT_NAME, access->oflag | O_CREAT | O_EXCL | row->more, 0777);
                        const int error = errno;

                        EQ(shm_open_flag_creat_excl, other, -1);
                        EQ(shm_open_eexist, other == -1 ? error : 0, EEXIST);
                        expect_unchanged(shm_open_flag_creat_excl, fd, &before);
                        if (other == -1)
                                expect_unchanged(shm_open_fail_no_effect, fd, &before);
                        if (access->oflag == O_RDWR || row->more == 0)
                                EQ(shm_open_eexist, worked(opened(OBJECT_NAME, access->oflag)), 0);
                }
        }
        /* Even where it could not be opened. */
        drop_all_capabilities();
        MUST(fchmod(fd, 0));
        FAILS_WITH(shm_open_eexist, EEXIST, opened(OBJECT_NAME, O_RDWR | O_CREAT | O_EXCL));
        MUST(fchmod(fd, KEPT_MODE));
        expect_unchanged(shm_open_flag_creat_excl, fd, &before);
        /* The name alone is meant: another is free. */
        EQ(shm_open_eexist, worked(opened("/other", O_RDWR | O_CREAT | O_EXCL)), 0);
}

TEST(exclusion_without_creation, VERIFIES(shm_open_flag_excl_alone))
{
        const int missing = try_open(OBJECT_NAME, O_RDWR | O_EXCL, 0), error = errno;

        kept_object();
        const int existing = try_open(OBJECT_NAME, O_RDWR | O_EXCL, 0), existing_error = errno;
        OBSERVE(shm_open_flag_excl_alone, "missing: %s; existing: %s", missing == 0 ? "opened" : errno_name(error),
                existing == 0 ? "opened" : errno_name(existing_error));
}

/* ---- O_TRUNC ---- */

TEST(truncation_leaves_nothing_of_the_contents, VERIFIES(shm_open_flag_trunc_rdwr))
{
        static const struct {
                const char *name;
                int oflag;
        } rows[] = {{"alone", O_RDWR | O_TRUNC}, {"with O_CREAT", O_RDWR | O_TRUNC | O_CREAT}};

        EACH_ROW(row, rows) {
                const int fd = kept_object();
                const struct stat before = fstat_of(fd);
                const int other = shm_open(OBJECT_NAME, row->oflag, 0777);

                if (!HOLDS(shm_open_flag_trunc_rdwr, other != -1))
                        continue;
                EQ(shm_open_flag_trunc_rdwr, size_of(other), 0);
                EQ(shm_open_flag_trunc_rdwr, size_of(fd), 0);
                EQ(shm_open_flag_trunc_rdwr, mode_of(fd), KEPT_MODE);
                EQ(shm_open_flag_trunc_rdwr, fstat_of(fd).st_uid, before.st_uid);
                EQ(shm_open_flag_trunc_rdwr, fstat_of(fd).st_gid, before.st_gid);
                EQ(shm_open_flag_trunc_rdwr, ftruncate(other, KEPT_SIZE), 0);
                HOLDS(shm_open_flag_trunc_rdwr, all_bytes(map_shm(other, KEPT_SIZE, PROT_READ), KEPT_SIZE, 0));
                HOLDS(shm_open_flag_trunc_rdwr, same_object(fd, other));
                MUST(shm_unlink(OBJECT_NAME));
        }
}

TEST(truncation_by_another_user_keeps_owner_and_mode, VERIFIES(shm_open_flag_trunc_rdwr))
{
        const int fd = shm_of(USER_A, OBJECT_NAME, KEPT_SIZE, 0666);
        struct child other;

        CHILD(&other) {
                as_user(USER_B);
                EQ(shm_open_flag_trunc_rdwr, worked(opened(OBJECT_NAME, O_RDWR | O_TRUNC)), 0);
        }
        join(&other);
        const struct stat after = fstat_of(fd);
        EQ(shm_open_flag_trunc_rdwr, after.st_size, 0);
        EQ(shm_open_flag_trunc_rdwr, after.st_uid, USER_A);
        EQ(shm_open_flag_trunc_rdwr, after.st_gid, USER_A);
        EQ(shm_open_flag_trunc_rdwr, after.st_mode & 0777, 0666);
}

TEST(truncation_without_write_access, VERIFIES(shm_open_flag_trunc_rdonly))
{
        const int fd = kept_object(), reader = opened(OBJECT_NAME, O_RDONLY | O_TRUNC);

        if (reader == -1)
                OBSERVE(shm_open_flag_trunc_rdonly, "%s", errno_name(errno));
        else
                OBSERVE(shm_open_flag_trunc_rdonly, "opened; the size became %jd", (intmax_t)size_of(fd));
}

TEST(truncated_page_is_gone_from_mappings, VERIFIES(shm_open_flag_trunc_mapped))
{
        const size_t page = page_size();
        const int fd = new_shm(OBJECT_NAME, 3 * (off_t)page);
        char *const memory = map_shm(fd, 3 * page, RW), *const untouched = map_shm(fd, 3 * page, PROT_READ);
        struct child other;

        fill_pattern(memory, 3 * page, 6);
        CHILD(&other) {
                stay(&other);
                for (size_t byte = 0; byte < 3 * page; byte += page)
                        EQ(shm_open_flag_trunc_mapped, load_signal(memory + byte), SIGBUS);
        }
        UNTIL(stays(&other));
        EQ(shm_open_flag_trunc_mapped, load_signal(memory), 0);
        MUST(open_shm(O_RDWR | O_TRUNC));
        for (size_t byte = 0; byte < 3 * page; byte += page) {
                EQ(shm_open_flag_trunc_mapped, load_signal(memory + byte), SIGBUS);
                EQ(shm_open_flag_trunc_mapped, store_signal(memory + byte + page - 1), SIGBUS);
                EQ(shm_open_flag_trunc_mapped, load_signal(untouched + byte), SIGBUS);
        }
        dismiss(&other);
}
