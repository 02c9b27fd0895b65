/* SPDX-License-Identifier: MIT
 *
 * sem_open(): which names there are, which semaphore each refers to, and what becomes of names that are none.
 */
#include <stdio.h>

#include "ipck_named_sem.h"

/* A name of a slash and that many further characters. */
static const char *long_name(size_t length)
{
        static char name[2 * PATH_MAX];

        REQUIRE(length + 2 <= sizeof(name));
        name[0] = '/';
        memset(name + 1, 'n', length);
        name[length + 1] = '\0';
        return name;
}

/* ---- names that all implementations have ---- */

static const struct {
        const char *name;
} portable[] = {{"/a"}, {"/ipck"}, {"/ipck.1"}, {"/ABC-xyz_0.9"}, {"/fourteen_chars"}, {"/.hidden"}, {"/.h"}, {"/sem.ipck"}};

/* The value shows which semaphore it is: here and in other processes, created there or here. */
TEST(name_with_a_slash_means_one_semaphore_to_all, VERIFIES(sem_open_name_leading_slash))
{
        struct child other;
        unsigned value = 10;

        EACH_ROW(row, portable) {
                CHILD(&other)
                        SEM_OPENS(sem_open_name_leading_slash, sem_open(row->name, O_CREAT | O_EXCL, 0600, value));
                join(&other);
                value++;
        }
        value = 10;
        EACH_ROW(row, portable) {
                sem_t *const sem = SEM_OPENS(sem_open_name_leading_slash, sem_open(row->name, 0));

                if (sem == SEM_FAILED)
                        return;
                EQ(sem_open_name_leading_slash, sem_value(sem), value);
                MUST(sem_post(sem));
                CHILD(&other) {
                        MUST(sem_close(sem));
                        sem_t *const again = SEM_OPENS(sem_open_name_leading_slash,
                                                       sem_open(row->name, O_CREAT, 0600, 1));
                        if (again != SEM_FAILED)
                                EQ(sem_open_name_leading_slash, sem_value(again), value + 1);
                }
                join(&other);
                value++;
        }
}

/* The string is the name, not its address. */
TEST(name_can_be_spelt_in_another_place, VERIFIES(sem_open_name_leading_slash))
{
        char copy[] = "/ipck";
        sem_t *const sem = named_sem(copy, 3);

        strcpy(copy, "/kcpi");
        HOLDS(sem_open_name_leading_slash, sem_open(copy, 0) == SEM_FAILED);
        strcpy(copy, "/ipck");
        sem_t *const again = SEM_OPENS(sem_open_name_leading_slash, sem_open(copy, 0));
        if (again != SEM_FAILED)
                EQ(sem_open_name_leading_slash, sem_value(again), 3);
        MUST(sem_post(sem));
        EQ(sem_open_name_leading_slash, sem_value(sem), 4);
}

TEST(name_of_nearly_the_longest_file_name, VERIFIES(sem_open_name_length_251))
{
        static const struct {
                const char *name;
                size_t length;
        } rows[] = {{"14 characters", 14}, {"250 characters", NAME_MAX - 5}, {"251 characters", NAME_MAX - 4}};

        EACH_ROW(row, rows) {
                const char *const name = long_name(row->length);
                sem_t *const sem = SEM_OPENS(sem_open_name_length_251, sem_open(name, O_CREAT | O_EXCL, 0600, 3));

                if (sem == SEM_FAILED)
                        return;
                sem_t *const again = SEM_OPENS(sem_open_name_length_251, sem_open(name, 0));
                HOLDS(sem_open_name_length_251, again == sem);
                MUST(sem_close(again));
                MUST(sem_close(sem));
                EQ(sem_open_name_length_251, sem_unlink(name), 0);
                HOLDS(sem_open_name_length_251, sem_open(name, 0) == SEM_FAILED);
        }
        EQ(sem_open_name_length_251, names_left(), 0);
}

/* Names that differ in the last of their characters only. */
TEST(every_character_of_a_long_name_counts, VERIFIES(sem_open_name_length_251))
{
        char other[NAME_MAX];

        strcpy(other, long_name(NAME_MAX - 4));
        other[NAME_MAX - 4] = 'm';
        MUST(sem_close(named_sem(long_name(NAME_MAX - 4), 3)));
        HOLDS(sem_open_name_length_251, sem_open(other, 0) == SEM_FAILED);
        sem_t *const sem = SEM_OPENS(sem_open_name_length_251, sem_open(other, O_CREAT | O_EXCL, 0600, 4));
        if (sem != SEM_FAILED)
                EQ(sem_open_name_length_251, sem_value(sem), 4);
        EQ(sem_open_name_length_251, names_left(), 2);
}

TEST(semaphore_is_a_file, VERIFIES(sem_open_name_fs_visible))
{
        named_sem("/ipck", 3);
        named_sem("/ipck.two", 3);
        EQ(sem_open_name_fs_visible, names_left(), 2);
#ifdef __GLIBC__
        static const struct {
                const char *name;
        } files[] = {{"/dev/shm/sem.ipck"}, {"/dev/shm/sem.ipck.two"}};

        EACH_ROW(file, files) {
                struct stat st;

                memset(&st, 0x5a, sizeof(st));
                EQ(sem_open_name_fs_visible, lstat(file->name, &st), 0);
                HOLDS(sem_open_name_fs_visible, S_ISREG(st.st_mode));
                EQ(sem_open_name_fs_visible, st.st_size, sizeof(sem_t));
        }
        MUST(sem_unlink("/ipck"));
        FAILS_WITH(sem_open_name_fs_visible, ENOENT, access("/dev/shm/sem.ipck", F_OK));
#else
        OBSERVE(sem_open_name_fs_visible, "the semaphore \"/ipck\" is the file %s", sem_file_of("/ipck"));
#endif
}

/* ---- names that need not be supported ---- */

static const struct {
        const char *name;
        char text[24];
} odd[] = {
        {"the empty name", ""}, {"a slash", "/"}, {"slashes", "///"}, {"a slash inside", "/ipck/odd"},
        {"a slash at the end", "/ipck/"}, {"no slash, one inside", "ipck/odd"}, {"a dot", "."},
        {"a slash and a dot", "/."},
        {"two dots", ".."}, {"a slash and two dots", "/.."}, {"a way out", "/../ipck"}, {"no slash", "ipck"},
        {"two slashes", "//ipck"}, {"a blank", "/ "}, {"a control character", "/\001"}, {"a newline", "/a\nb"},
        {"bytes that are no UTF-8", "/\377\376"}, {"a file that exists", "/dev/null"},
        {"the same another way", "/../null"},
};

TEST(name_is_supported_or_refused, VERIFIES(sem_open_einval_name, sem_open_fail_creates_nothing))
{
        mount_dev();
        make_dev_shm();
        MUST(close((int)MUST(creat("/dev/null", 0666))));
        EACH_ROW(row, odd) {
                errno = 0;
                sem_t *const sem = sem_open(row->text, O_CREAT | O_EXCL, 0600, 7);
                const int error = errno;

                if (sem == SEM_FAILED) {
                        EQ(sem_open_einval_name, error, EINVAL);
                        EQ(sem_open_fail_creates_nothing, names_left(), 0);
                        errno = 0;
                        HOLDS(sem_open_einval_name, sem_open(row->text, 0) == SEM_FAILED);
                        HOLDS(sem_open_einval_name, errno == EINVAL || errno == ENOENT);
                        continue;
                }
                EQ(sem_open_einval_name, sem_value(sem), 7);
                HOLDS(sem_open_einval_name, sem_open(row->text, 0) == sem);
                EQ(sem_open_einval_name, sem_unlink(row->text), 0);
                HOLDS(sem_open_einval_name, sem_open(row->text, 0) == SEM_FAILED);
                MUST(sem_close(sem) | sem_close(sem));
        }
}

TEST(slash_alone_is_refused, VERIFIES(sem_open_einval_slash_only, sem_open_fail_creates_nothing))
{
        if (OPEN_FAILS_WITH(sem_open_einval_slash_only, EINVAL, sem_open("/", O_CREAT, 0600, 1)))
                EQ(sem_open_fail_creates_nothing, names_left(), 0);
        if (OPEN_FAILS_WITH(sem_open_einval_slash_only, EINVAL, sem_open("/", O_CREAT | O_EXCL, 0600, 1)))
                EQ(sem_open_fail_creates_nothing, names_left(), 0);
        OPEN_FAILS_WITH(sem_open_einval_slash_only, EINVAL, sem_open("/", 0));
        SEM_OPENS(sem_open_einval_slash_only, sem_open("/a", O_CREAT, 0600, 1));
}

static void open_guarded_names(void)
{
        for (size_t length = 1; length <= NAME_MAX - 4; length++) {
                const char *const name = guarded_text(long_name(length));

                HOLDS(sem_open_name_string, sem_open(name, 0) == SEM_FAILED);
                sem_t *const sem = SEM_OPENS(sem_open_name_string, sem_open(name, O_CREAT | O_EXCL, 0600, 7));
                if (sem == SEM_FAILED)
                        continue;
                HOLDS(sem_open_name_string, sem_open(long_name(length), 0) == sem);
                MUST(sem_close(sem) | sem_close(sem));
                MUST(sem_unlink(long_name(length)));
        }
}

static void unlink_guarded_names(void)
{
        for (size_t length = 1; length <= NAME_MAX - 4; length++) {
                const char *const name = guarded_text(long_name(length));

                MUST(sem_close(named_sem(long_name(length), 7)));
                EQ(sem_unlink_name_string, sem_unlink(name), 0);
                HOLDS(sem_unlink_name_string, sem_open(long_name(length), 0) == SEM_FAILED);
        }
}

TEST(nothing_behind_the_name_is_read, VERIFIES(sem_open_name_string, sem_unlink_name_string))
{
        struct child opener, remover;

        CHILD(&opener)
                open_guarded_names();
        EQ(sem_open_name_string, reap(&opener), 0);
        for (size_t length = 1; length <= NAME_MAX - 4; length++)
                sem_unlink(long_name(length));
        CHILD(&remover)
                unlink_guarded_names();
        EQ(sem_unlink_name_string, reap(&remover), 0);
}

/* EINVAL says that the name is not supported, ENAMETOOLONG may say why. */
TEST(too_long_name_is_refused, VERIFIES(sem_open_enametoolong))
{
        static const struct {
                const char *name;
                size_t length;
        } rows[] = {
                {"252 characters", NAME_MAX - 3}, {"255 characters", NAME_MAX}, {"256 characters", NAME_MAX + 1},
                {"257 characters", NAME_MAX + 2}, {"4096 characters", PATH_MAX}, {"6000 characters", 6000},
        };
        size_t longest = NAME_MAX - 4;
        int error = 0;

        EACH_ROW(row, rows) {
                const char *const name = long_name(row->length);
                errno = 0;
                sem_t *const sem = sem_open(name, O_CREAT | O_EXCL, 0600, 7);

                if (sem != SEM_FAILED) {
                        longest = row->length;
                        EQ(sem_open_enametoolong, sem_value(sem), 7);
                        HOLDS(sem_open_enametoolong, sem_open(name, 0) == sem);
                        EQ(sem_open_enametoolong, sem_unlink(name), 0);
                } else {
                        error = errno;
                        HOLDS(sem_open_enametoolong, error == ENAMETOOLONG || error == EINVAL);
                }
                EQ(sem_open_enametoolong, names_left(), 0);
        }
        OBSERVE(sem_open_enametoolong, "%zu characters behind the slash are supported, more are refused with %s",
                longest, errno_name(error));
}

/* How further slashes count is the implementation's to define; but a call fails with an error, and creates nothing. */
TEST(leading_slashes_before_a_long_name, VERIFIES(sem_open_ret_failed, sem_open_fail_creates_nothing))
{
        char name[2 * NAME_MAX];

        for (size_t slashes = 2; slashes < 9; slashes++) {
                memset(name, '/', slashes);
                memset(name + slashes, 'n', NAME_MAX - 4);
                name[slashes + NAME_MAX - 4] = '\0';
                errno = 0;
                sem_t *const sem = sem_open(name, O_CREAT | O_EXCL, 0600, 7);
                const int error = errno;

                if (sem != SEM_FAILED) {
                        EQ(sem_open_ret_failed, sem_value(sem), 7);
                        MUST(sem_unlink(name));
                } else {
                        HOLDS(sem_open_ret_failed, error == ENAMETOOLONG || error == EINVAL);
                }
                EQ(sem_open_fail_creates_nothing, names_left(), 0);
                sem_unlink(name);
        }
}

/* ---- what an implementation defines ---- */

/* Whether the semaphore "/ipck" of value 3 is what the other name refers to. */
static const char *meaning_of(const char *name)
{
        sem_t *const sem = sem_open(name, 0);

        return sem == SEM_FAILED ? "not the same" : sem_value(sem) == 3 ? "the same" : "not the same";
}

TEST(name_without_a_slash, VERIFIES(sem_open_name_no_slash))
{
        sem_t *const sem = named_sem("/ipck", 3);

        OBSERVE(sem_open_name_no_slash, "\"ipck\" means %s as \"/ipck\", \"//ipck\" %s", meaning_of("ipck"),
                meaning_of("//ipck"));
        /* Whatever it is, the one with a slash is untouched. */
        EQ(sem_open_name_no_slash, sem_value(sem), 3);
        HOLDS(sem_open_name_no_slash, sem_open("/ipck", 0) == sem);
}

TEST(name_of_a_shared_memory_object, VERIFIES(sem_open_name_shm))
{
        const int object = (int)MUST(shm_open("/ipck", O_RDWR | O_CREAT | O_EXCL, 0600));

        MUST(ftruncate(object, (off_t)page_size()));
        sem_t *const sem = sem_open("/ipck", O_CREAT | O_EXCL, 0600, 7);
        if (sem == SEM_FAILED) {
                OBSERVE(sem_open_name_shm, "a shared memory object takes the name away (%s)", errno_name(errno));
                MUST(shm_unlink("/ipck"));
                EQ(sem_open_name_shm, sem_value(named_sem("/ipck", 7)), 7);
                return;
        }
        OBSERVE(sem_open_name_shm, "semaphores and shared memory objects have names of their own");
        EQ(sem_open_name_shm, sem_value(sem), 7);
        MUST(shm_unlink("/ipck"));
        HOLDS(sem_open_name_shm, sem_open("/ipck", 0) == sem);
}
