/* SPDX-License-Identifier: MIT
 *
 * sem_unlink(): names that are not there, names of others, and that a failure changes nothing.
 */
#include "ipck_named_sem.h"

TEST(missing_name_fails, VERIFIES(sem_unlink_enoent, sem_unlink_fail_unchanged))
{
        static const struct {
                const char *name;
        } names[] = {{"/ipck-missing"}, {"/i"}, {"/ipc"}, {"/ipck2"}, {"/IPCK"}};
        sem_t *const sem = named_sem(SEM_NAME, 3);

        EACH_ROW(row, names)
                FAILS_WITH(sem_unlink_enoent, ENOENT, sem_unlink(row->name));
        HOLDS(sem_unlink_fail_unchanged, sem_open(SEM_NAME, 0) == sem);
        EQ(sem_unlink_fail_unchanged, sem_value(sem), 3);
        EQ(sem_unlink_enoent, sem_unlink(SEM_NAME), 0);
        FAILS_WITH(sem_unlink_enoent, ENOENT, sem_unlink(SEM_NAME));
}

/* ---- permission ---- */

/* The name is where it was, and so is the semaphore. */
static void nothing_happened(enum ipck_requirement req, const struct stat *before)
{
        const struct stat after = sem_stat(SEM_NAME);

        HOLDS(req, after.st_ino == before->st_ino && after.st_mode == before->st_mode);
        EQ(req, after.st_nlink, before->st_nlink);
        EQ(req, names_left(), 1);
}

TEST(directory_without_permission_allows_no_removal, VERIFIES(sem_unlink_eacces, sem_unlink_fail_unchanged))
{
        static const struct {
                const char *name;
                unsigned mode;
        } modes[] = {{"no write permission", 0577}, {"no search permission", 0677}, {"none", 0077}};
        sem_t *const sem = named_sem(SEM_NAME, 3);
        struct child caller;

        const struct stat before = sem_stat(SEM_NAME);
        EACH_ROW(mode, modes) {
                CHILD(&caller) {
                        MUST(chmod(DEV_SHM, mode->mode));
                        drop_all_capabilities();
                        FAILS_WITH(sem_unlink_eacces, EACCES, sem_unlink(SEM_NAME));
                        MUST(chmod(DEV_SHM, 0777));
                }
                join(&caller);
                nothing_happened(sem_unlink_fail_unchanged, &before);
                HOLDS(sem_unlink_fail_unchanged, sem_open(SEM_NAME, 0) == sem);
                EQ(sem_unlink_fail_unchanged, sem_value(sem), 3);
                MUST(sem_close(sem));
        }
        CHILD(&caller) {
                drop_all_capabilities();
                EQ(sem_unlink_eacces, sem_unlink(SEM_NAME), 0);
        }
        join(&caller);
}

/* The directory is sticky: names belong to the owners of what they name. */
TEST(name_of_another_user_stays, VERIFIES(sem_unlink_eacces, sem_unlink_fail_unchanged))
{
        static const struct {
                const char *name;
                int mode;
        } modes[] = {{"private", 0600}, {"for all to use", 0666}, {"for nobody", 0}};
        struct child caller;

        EACH_ROW(mode, modes) {
                sem_of(USER_A, SEM_NAME, 3, mode->mode);
                const struct stat before = sem_stat(SEM_NAME);
                CHILD(&caller) {
                        as_user(USER_B);
                        FAILS_WITH(sem_unlink_eacces, EACCES, sem_unlink(SEM_NAME));
                }
                join(&caller);
                nothing_happened(sem_unlink_fail_unchanged, &before);
                CHILD(&caller) {
                        as_user(USER_A);
                        MUST(sem_unlink(SEM_NAME));
                }
                join(&caller);
                HOLDS(sem_unlink_eacces, sem_open(SEM_NAME, 0) == SEM_FAILED);
        }
}

/* Permission for the semaphore itself is not asked for. */
TEST(owner_without_permission_for_the_semaphore_may_remove_it, VERIFIES(sem_unlink_ret_zero))
{
        struct child owner;

        MUST(sem_close(named_sem(SEM_NAME, 1)));
        set_sem_mode(SEM_NAME, 0);
        CHILD(&owner) {
                drop_all_capabilities();
                EQ(sem_unlink_ret_zero, sem_unlink(SEM_NAME), 0);
        }
        join(&owner);
        EQ(sem_unlink_ret_zero, names_left(), 0);
}

TEST(failure_of_the_file_system_changes_nothing, VERIFIES(sem_unlink_fail_unchanged))
{
        sem_t *const sem = named_sem(SEM_NAME, 3);

        MUST(sem_close(sem));
        const struct stat before = sem_stat(SEM_NAME);
        remount_dev_shm(MS_RDONLY);
        EQ(sem_unlink_fail_unchanged, sem_unlink(SEM_NAME), -1);
        nothing_happened(sem_unlink_fail_unchanged, &before);
        remount_dev_shm(0);
        sem_t *const again = SEM_OPENS(sem_unlink_fail_unchanged, sem_open(SEM_NAME, 0));
        if (again != SEM_FAILED)
                EQ(sem_unlink_fail_unchanged, sem_value(again), 3);
        EQ(sem_unlink_fail_unchanged, sem_unlink(SEM_NAME), 0);
}

/* ---- names that are none ---- */

static void refused(enum ipck_requirement req, const char *name, int *error)
{
        errno = 0;
        const int result = sem_unlink(name);

        *error = errno;
        EQ(req, result, -1);
        HOLDS(req, *error == ENOENT || *error == ENAMETOOLONG || *error == EINVAL);
}

TEST(too_long_name_is_refused, VERIFIES(sem_unlink_enametoolong))
{
        static const struct {
                const char *name;
                size_t length;
        } rows[] = {{"251 characters", NAME_MAX - 4}, {"252 characters", NAME_MAX - 3}, {"255 characters", NAME_MAX},
                    {"256 characters", NAME_MAX + 1}, {"4096 characters", PATH_MAX}};
        static char name[2 * PATH_MAX];
        int error = 0;

        named_sem(SEM_NAME, 1);
        EACH_ROW(row, rows) {
                name[0] = '/';
                memset(name + 1, 'n', row->length);
                name[row->length + 1] = '\0';
                refused(sem_unlink_enametoolong, name, &error);
        }
        OBSERVE(sem_unlink_enametoolong, "%s", errno_name(error));
        EQ(sem_unlink_enametoolong, names_left(), 1);
}

/* What sem_open() does not support does not exist either. */
TEST(unsupported_name_is_refused, VERIFIES(sem_unlink_name_unsupported))
{
        static const struct {
                const char *name;
        } names[] = {{""}, {"/"}, {"/ipck/inside"}, {"/."}, {"/.."}, {"/../shm/ipck"}, {"/../null"}};
        int error = 0;

        mount_dev();
        make_dev_shm();
        MUST(close((int)MUST(creat("/dev/null", 0666))));
        named_sem(SEM_NAME, 1);
        EACH_ROW(row, names)
                refused(sem_unlink_name_unsupported, row->name, &error);
        OBSERVE(sem_unlink_name_unsupported, "%s", errno_name(error));
        EQ(sem_unlink_name_unsupported, names_left(), 1);
        EQ(sem_unlink_name_unsupported, access("/dev/null", F_OK), 0);
}
