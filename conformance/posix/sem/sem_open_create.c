/* SPDX-License-Identifier: MIT
 *
 * sem_open() with O_CREAT: value, owner and permissions of what it creates, and that it leaves alone what exists.
 */
#include "ipck_named_sem.h"

/* ---- a new semaphore ---- */

TEST(address_serves_all_functions, VERIFIES(sem_open_ret_address))
{
        static const struct {
                const char *name;
                int flags;
        } rows[] = {{"O_CREAT", O_CREAT}, {"O_CREAT | O_EXCL", O_CREAT | O_EXCL}};

        EACH_ROW(row, rows) {
                sem_t *const sem = SEM_OPENS(sem_open_ret_address, sem_open(SEM_NAME, row->flags, 0600, 1));
                const struct timespec past = {0};
                int value = 0x5a5a5a5a;

                if (sem == SEM_FAILED)
                        return;
                EQ(sem_open_ret_address, sem_getvalue(sem, &value), 0);
                EQ(sem_open_ret_address, value, 1);
                EQ(sem_open_ret_address, sem_wait(sem), 0);
                EQ(sem_open_ret_address, sem_trywait(sem), -1);
                EQ(sem_open_ret_address, sem_post(sem), 0);
                EQ(sem_open_ret_address, sem_trywait(sem), 0);
                EQ(sem_open_ret_address, sem_timedwait(sem, &past), -1);
                EQ(sem_open_ret_address, sem_close(sem), 0);
                MUST(sem_unlink(SEM_NAME));
        }
}

/* A second process opens it, so that the value is the semaphore's and not just the creator's idea of it. */
static int value_elsewhere(const char *name)
{
        int *const value = shared(sizeof(*value));
        struct child reader;

        *value = -1;
        CHILD(&reader) {
                sem_t *const sem = sem_open(name, 0);

                if (sem != SEM_FAILED)
                        *value = sem_value(sem);
        }
        join(&reader);
        return *value;
}

TEST(new_semaphore_has_the_value, VERIFIES(sem_open_creat_value))
{
        static const struct {
                const char *name;
                unsigned value;
        } rows[] = {
                {"0", 0}, {"1", 1}, {"2", 2}, {"255", 255}, {"256", 256}, {"32767", 32767},
                {"the maximum", SEM_VALUE_MAX},
                {"the maximum less 1", SEM_VALUE_MAX - 1}, {"bits of all bytes", 0x12345678 & SEM_VALUE_MAX},
        };

        EACH_ROW(row, rows) {
                sem_t *const plain = SEM_OPENS(sem_open_creat_value, sem_open("/plain", O_CREAT, 0600, row->value));
                sem_t *const exclusive = SEM_OPENS(sem_open_creat_value,
                                                   sem_open("/exclusive", O_CREAT | O_EXCL, 0600, row->value));

                if (plain == SEM_FAILED || exclusive == SEM_FAILED)
                        return;
                EQ(sem_open_creat_value, sem_value(plain), row->value);
                EQ(sem_open_creat_value, sem_value(exclusive), row->value);
                EQ(sem_open_creat_value, value_elsewhere("/plain"), row->value);
                EQ(sem_open_creat_value, value_elsewhere("/exclusive"), row->value);
                MUST(sem_close(plain));
                MUST(sem_close(exclusive));
                MUST(sem_unlink("/plain"));
                MUST(sem_unlink("/exclusive"));
        }
}

TEST(value_zero_lets_nobody_through, VERIFIES(sem_open_creat_value0))
{
        sem_t *const sem = SEM_OPENS(sem_open_creat_value0, sem_open(SEM_NAME, O_CREAT, 0600, 0));

        if (sem == SEM_FAILED)
                return;
        FAILS_WITH(sem_open_creat_value0, EAGAIN, sem_trywait(sem));
        EQ(sem_open_creat_value0, sem_value(sem), 0);
        MUST(sem_post(sem));
        EQ(sem_open_creat_value0, sem_trywait(sem), 0);
        FAILS_WITH(sem_open_creat_value0, EAGAIN, sem_trywait(sem));
}

TEST(largest_value_is_possible, VERIFIES(sem_open_creat_value_max))
{
        sem_t *const sem = SEM_OPENS(sem_open_creat_value_max,
                                     sem_open(SEM_NAME, O_CREAT, 0600, (unsigned)SEM_VALUE_MAX));

        if (sem == SEM_FAILED)
                return;
        EQ(sem_open_creat_value_max, sem_value(sem), SEM_VALUE_MAX);
        EQ(sem_open_creat_value_max, sem_trywait(sem), 0);
        EQ(sem_open_creat_value_max, sem_value(sem), SEM_VALUE_MAX - 1);
}

/* ---- owner and permissions, as its file shows them ---- */

static struct stat stat_of_new(int mode)
{
        sem_t *const sem = sem_open(SEM_NAME, O_CREAT | O_EXCL, (mode_t)mode, 1);

        REQUIRE(sem != SEM_FAILED);
        return sem_stat(SEM_NAME);
}

static void need_other_users(void)
{
        struct child child;

        CHILD(&child)
                become(USER_A, GROUP_A, NULL, 0);
        join(&child);
}

/* The owner is the effective user, not the real or the saved one. */
TEST(owner_is_the_effective_user, VERIFIES(sem_open_creat_uid))
{
        static const struct {
                const char *name;
                uid_t real, effective, saved;
        } rows[] = {
                {"all the same", USER_A, USER_A, USER_A},
                {"another real user", USER_B, USER_A, USER_A},
                {"another saved user", USER_A, USER_A, USER_B},
                {"two others", USER_B, USER_A, USER_C},
        };
        struct child creator;

        need_other_users();
        EACH_ROW(row, rows) {
                CHILD(&creator) {
                        MUST(setresuid(row->real, row->effective, row->saved));
                        const struct stat st = stat_of_new(0600);
                        EQ(sem_open_creat_uid, st.st_uid, USER_A);
                        MUST(sem_unlink(SEM_NAME));
                }
                join(&creator);
        }
}

TEST(group_is_the_effective_group, VERIFIES(sem_open_creat_gid))
{
        static const struct {
                const char *name;
                gid_t real, effective, saved;
        } rows[] = {
                {"all the same", GROUP_A, GROUP_A, GROUP_A},
                {"another real group", GROUP_B, GROUP_A, GROUP_A},
                {"another saved group", GROUP_A, GROUP_A, GROUP_B},
                {"two others", GROUP_B, GROUP_A, GROUP_C},
        };
        struct child creator;

        need_other_users();
        EACH_ROW(row, rows) {
                CHILD(&creator) {
                        MUST(setresgid(row->real, row->effective, row->saved));
                        const struct stat st = stat_of_new(0600);
                        EQ(sem_open_creat_gid, st.st_gid, GROUP_A);
                        MUST(sem_unlink(SEM_NAME));
                }
                join(&creator);
        }
}

/* Where the name is visible in the file system, it may be the directory's group. */
TEST(group_in_a_directory_that_passes_its_own_on, VERIFIES(sem_open_creat_gid))
{
        struct child creator;

        need_other_users();
        MUST(chown(DEV_SHM, (uid_t)-1, GROUP_C));
        MUST(chmod(DEV_SHM, 03777));
        CHILD(&creator) {
                become(USER_A, GROUP_A, NULL, 0);
                const struct stat st = stat_of_new(0600);
                HOLDS(sem_open_creat_gid, st.st_gid == GROUP_A || st.st_gid == GROUP_C);
                OBSERVE(sem_open_creat_gid, "in a set-group-ID directory: the group of the %s",
                        st.st_gid == GROUP_C ? "directory" : "caller");
        }
        join(&creator);
}

TEST(umask_takes_bits_from_the_mode, VERIFIES(sem_open_creat_mode_umask))
{
        static const struct {
                const char *name;
                unsigned mask;
        } masks[] = {{"umask 0", 0}, {"umask 022", 022}, {"umask 027", 027}, {"umask 077", 077}, {"umask 0777", 0777},
                     {"umask 0202", 0202}};
        static const struct {
                const char *name;
                unsigned mode;
        } modes[] = {{"mode 0600", 0600}, {"mode 0666", 0666}, {"mode 0642", 0642}, {"mode 0264", 0264},
                     {"mode 0", 0}, {"mode 0444", 0444}};

        EACH_ROW(mask, masks) {
                EACH_ROW(mode, modes) {
                        umask(mask->mask);
                        sem_t *const sem = SEM_OPENS(sem_open_creat_mode_umask,
                                                     sem_open(SEM_NAME, O_CREAT, (mode_t)mode->mode, 3));
                        if (sem == SEM_FAILED)
                                return;
                        EQ(sem_open_creat_mode_umask, sem_stat(SEM_NAME).st_mode & 0777, mode->mode & ~mask->mask);
                        /* Whatever the mode, the creator has it open. */
                        EQ(sem_open_creat_mode_umask, sem_trywait(sem), 0);
                        EQ(sem_open_creat_mode_umask, umask(0), mask->mask);
                        MUST(sem_close(sem));
                        MUST(sem_unlink(SEM_NAME));
                }
        }
}

/* Execute permission of a semaphore means nothing, so that nobody can tell but by the file. */
TEST(execute_bits_of_the_mode, VERIFIES(sem_open_creat_mode_umask))
{
        umask(022);
        const struct stat st = stat_of_new(0777);
        EQ(sem_open_creat_mode_umask, st.st_mode & 0666, 0644);
        OBSERVE(sem_open_creat_mode_umask, "mode 0777 with the umask 022 gives the file the mode 0%o",
                (unsigned)st.st_mode & 07777);
}

/* ---- an existing semaphore ---- */

struct sem_view {
        int value;
        mode_t mode;
        uid_t uid;
        gid_t gid;
        ino_t inode;
};

static struct sem_view view_of(sem_t *sem)
{
        const struct stat st = sem_stat(SEM_NAME);

        return (struct sem_view){sem_value(sem), st.st_mode, st.st_uid, st.st_gid, st.st_ino};
}

static void is_unchanged(enum ipck_requirement req, sem_t *sem, const struct sem_view *before)
{
        const struct sem_view after = view_of(sem);

        EQ(req, after.value, before->value);
        EQ(req, after.mode, before->mode);
        EQ(req, after.uid, before->uid);
        EQ(req, after.gid, before->gid);
        HOLDS(req, after.inode == before->inode);
        EQ(req, value_elsewhere(SEM_NAME), before->value);
}

static const struct {
        const char *name;
        unsigned mode, value;
} others[] = {
        {"the same mode and value", 0640, 5}, {"another value", 0640, 6}, {"value 0", 0640, 0},
        {"another mode", 0666, 5}, {"mode 0", 0, 5}, {"both", 0606, SEM_VALUE_MAX},
};

TEST(existing_semaphore_keeps_value_and_permissions, VERIFIES(sem_open_creat_existing_ignores))
{
        sem_t *const sem = named_sem(SEM_NAME, 5);

        set_sem_mode(SEM_NAME, 0640);
        const struct sem_view before = view_of(sem);
        EACH_ROW(other, others) {
                sem_t *const again = SEM_OPENS(sem_open_creat_existing_ignores,
                                               sem_open(SEM_NAME, O_CREAT, (mode_t)other->mode, other->value));

                if (again == SEM_FAILED)
                        return;
                is_unchanged(sem_open_creat_existing_ignores, again, &before);
                MUST(sem_close(again));
                is_unchanged(sem_open_creat_existing_ignores, sem, &before);
        }
}

/* A process that has it not open yet, and no longer. */
TEST(semaphore_of_others_keeps_value_and_permissions, VERIFIES(sem_open_creat_existing_ignores))
{
        sem_t *const sem = named_sem(SEM_NAME, 5);
        struct child opener;

        set_sem_mode(SEM_NAME, 0640);
        const struct sem_view before = view_of(sem);
        EACH_ROW(other, others) {
                CHILD(&opener) {
                        MUST(sem_close(sem));
                        sem_t *const again = SEM_OPENS(sem_open_creat_existing_ignores,
                                                       sem_open(SEM_NAME, O_CREAT, (mode_t)other->mode, other->value));
                        if (again != SEM_FAILED)
                                is_unchanged(sem_open_creat_existing_ignores, again, &before);
                }
                join(&opener);
                is_unchanged(sem_open_creat_existing_ignores, sem, &before);
        }
}

static const struct {
        const char *name;
        unsigned value;
} too_large[] = {
        {"the maximum and 1", (unsigned)SEM_VALUE_MAX + 1}, {"the maximum and 2", (unsigned)SEM_VALUE_MAX + 2},
        {"the largest unsigned", UINT_MAX},
};

TEST(value_for_an_existing_semaphore_is_not_looked_at, VERIFIES(sem_open_creat_existing_bad_value))
{
        sem_t *const sem = named_sem(SEM_NAME, 5);

        if ((uintmax_t)SEM_VALUE_MAX >= UINT_MAX)
                UNSUPPORTED("a value above SEM_VALUE_MAX");
        const struct sem_view before = view_of(sem);
        EACH_ROW(row, too_large) {
                sem_t *const again = SEM_OPENS(sem_open_creat_existing_bad_value,
                                               sem_open(SEM_NAME, O_CREAT, 0600, row->value));

                if (again == SEM_FAILED)
                        return;
                is_unchanged(sem_open_creat_existing_bad_value, again, &before);
                MUST(sem_close(again));
        }
}

TEST(value_above_the_maximum_is_refused, VERIFIES(sem_open_einval_value))
{
        static const struct {
                const char *name;
                int flags;
        } flags[] = {{"O_CREAT", O_CREAT}, {"O_CREAT | O_EXCL", O_CREAT | O_EXCL}};

        if ((uintmax_t)SEM_VALUE_MAX >= UINT_MAX)
                UNSUPPORTED("a value above SEM_VALUE_MAX");
        EACH_ROW(flag, flags) {
                EACH_ROW(row, too_large) {
                        OPEN_FAILS_WITH(sem_open_einval_value, EINVAL,
                                        sem_open(SEM_NAME, flag->flags, 0600, row->value));
                        HOLDS(sem_open_einval_value, sem_open(SEM_NAME, 0) == SEM_FAILED);
                        EQ(sem_open_einval_value, names_left(), 0);
                }
                sem_t *const sem = sem_open(SEM_NAME, flag->flags, 0600, (unsigned)SEM_VALUE_MAX);
                REQUIRE(sem != SEM_FAILED);
                MUST(sem_close(sem));
                MUST(sem_unlink(SEM_NAME));
        }
}

TEST(exclusive_creation_of_an_existing_name_fails, VERIFIES(sem_open_excl_exists, sem_open_eexist))
{
        sem_t *const sem = named_sem(SEM_NAME, 5);
        struct child opener;

        set_sem_mode(SEM_NAME, 0640);
        const struct sem_view before = view_of(sem);
        const int left = names_left();
        EACH_ROW(other, others) {
                OPEN_FAILS_WITH(sem_open_eexist, EEXIST,
                                sem_open(SEM_NAME, O_CREAT | O_EXCL, (mode_t)other->mode, other->value));
                HOLDS(sem_open_excl_exists, sem_open(SEM_NAME, O_CREAT | O_EXCL, 0600, other->value) == SEM_FAILED);
                is_unchanged(sem_open_excl_exists, sem, &before);
                CHILD(&opener) {
                        MUST(sem_close(sem));
                        OPEN_FAILS_WITH(sem_open_eexist, EEXIST,
                                        sem_open(SEM_NAME, O_CREAT | O_EXCL, (mode_t)other->mode, other->value));
                }
                join(&opener);
                is_unchanged(sem_open_excl_exists, sem, &before);
                EQ(sem_open_excl_exists, names_left(), left);
        }
        MUST(sem_unlink(SEM_NAME));
        SEM_OPENS(sem_open_eexist, sem_open(SEM_NAME, O_CREAT | O_EXCL, 0600, 1));
}

/* One that nobody has open exists as well, and so does one that its opener may not use. */
TEST(closed_or_forbidden_semaphore_exists_too, VERIFIES(sem_open_excl_exists, sem_open_eexist))
{
        struct child opener;

        MUST(sem_close(named_sem(SEM_NAME, 5)));
        OPEN_FAILS_WITH(sem_open_eexist, EEXIST, sem_open(SEM_NAME, O_CREAT | O_EXCL, 0600, 1));
        EQ(sem_open_excl_exists, value_elsewhere(SEM_NAME), 5);
        set_sem_mode(SEM_NAME, 0);
        CHILD(&opener) {
                drop_all_capabilities();
                OPEN_FAILS_WITH(sem_open_eexist, EEXIST, sem_open(SEM_NAME, O_CREAT | O_EXCL, 0600, 1));
        }
        join(&opener);
        set_sem_mode(SEM_NAME, 0600);
        EQ(sem_open_excl_exists, value_elsewhere(SEM_NAME), 5);
}

TEST(missing_name_without_creation_fails, VERIFIES(sem_open_enoent))
{
        static const struct {
                const char *name;
        } names[] = {{"/ipck-missing"}, {"/i"}, {"/ipc"}, {"/ipck2"}, {"/IPCK"}};

        named_sem(SEM_NAME, 1);
        EACH_ROW(row, names)
                OPEN_FAILS_WITH(sem_open_enoent, ENOENT, sem_open(row->name, 0));
        /* Mode and value mean nothing then. */
        OPEN_FAILS_WITH(sem_open_enoent, ENOENT, sem_open("/ipck-missing", 0, 0600, 1));
        EQ(sem_open_enoent, names_left(), 1);
        SEM_OPENS(sem_open_enoent, sem_open(SEM_NAME, 0));
        MUST(sem_unlink(SEM_NAME));
        OPEN_FAILS_WITH(sem_open_enoent, ENOENT, sem_open(SEM_NAME, 0));
}
