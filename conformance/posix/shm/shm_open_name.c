/* SPDX-License-Identifier: MIT
 *
 * shm_open(): which names it takes, and which object each of them means.
 */
#include <limits.h>
#include <semaphore.h>
#include <stdio.h>

#include "ipck_posix_shm.h"

/* ---- with a leading slash ---- */

/* Of the portable filename character set. */
static const struct {
        const char *name;
} names[] = {
        {"/ipck"}, {"/IPCK"}, {"/Ipck"}, {"/ipck."}, {"/.ipck"}, {"/ipck-"}, {"/-ipck"}, {"/ipc"}, {"/ipckk"}, {"/i"},
        {"/_"}, {"/0"}, {"/.i"}, {"/i."}, {"/..."}, {"/..ipck"}, {"/ipck.ipck"}, {"/sem.ipck"},
};

TEST(processes_get_the_same_object_by_one_name, VERIFIES(shm_open_name_leading_slash))
{
        struct child other;
        char mark = 1;

        EACH_ROW(row, names)
                *map_shm(new_shm(row->name, 1), 1, PROT_READ | PROT_WRITE) = mark++;
        CHILD(&other) {
                mark = 1;
                EACH_ROW(row, names) {
                        const int fd = opened(row->name, O_RDWR);

                        if (!HOLDS(shm_open_name_leading_slash, fd != -1))
                                continue;
                        char *const memory = map_shm(fd, 1, PROT_READ | PROT_WRITE);
                        EQ(shm_open_name_leading_slash, *memory, mark);
                        *memory = -mark++;
                }
        }
        join(&other);
        mark = 1;
        EACH_ROW(row, names) {
                const int fd = (int)MUST(opened(row->name, O_RDWR));

                EQ(shm_open_name_leading_slash, size_of(fd), 1);
                EQ(shm_open_name_leading_slash, *map_shm(fd, 1, PROT_READ), (char)-mark);
                mark++;
        }
}

TEST(slashes_before_the_name_are_one, VERIFIES(shm_open_name_multi_leading_slash))
{
        const int fd = new_shm(OBJECT_NAME, 1);
        static const struct {
                const char *name;
        } rows[] = {{"//ipck"}, {"///ipck"}, {"////////////////ipck"}};

        EACH_ROW(row, rows) {
                const int other = opened(row->name, O_RDWR);

                if (HOLDS(shm_open_name_multi_leading_slash, other != -1))
                        HOLDS(shm_open_name_multi_leading_slash, same_object(fd, other));
                REQUIRE(opened(row->name, O_RDWR | O_CREAT | O_EXCL) == -1 && errno == EEXIST);
        }
        EQ(shm_open_name_multi_leading_slash, opened("//ipc", O_RDWR), -1);
        EQ(shm_open_name_multi_leading_slash, shm_unlink("//ipck"), 0);
        EQ(shm_open_name_multi_leading_slash, opened(OBJECT_NAME, O_RDWR), -1);
}

TEST(name_can_have_any_byte, VERIFIES(shm_open_name_any_byte))
{
        char name[] = "/x_y";

        for (int byte = 1; byte < 256; byte++) {
                if (byte == '/')
                        continue;
                name[2] = (char)byte;
                const int fd = opened(name, O_RDWR | O_CREAT | O_EXCL);
                if (!HOLDS(shm_open_name_any_byte, fd != -1))
                        continue;
                MUST(ftruncate(fd, byte));
                MUST(close(fd));
        }
        for (int byte = 1; byte < 256; byte++) {
                if (byte == '/')
                        continue;
                name[2] = (char)byte;
                const int fd = opened(name, O_RDWR);
                if (!HOLDS(shm_open_name_any_byte, fd != -1))
                        continue;
                EQ(shm_open_name_any_byte, size_of(fd), byte);
                MUST(close(fd));
                EQ(shm_open_name_any_byte, shm_unlink(name), 0);
        }
}

/* ---- length ---- */

enum { LONGEST = 255 };

/* A slash and length characters, the last of which is this one. */
static const char *name_of(size_t length, char last)
{
        static char name[20000];

        REQUIRE(length > 0 && length + 2 <= sizeof(name));
        memset(name, 'n', length);
        name[0] = '/';
        name[length] = last;
        name[length + 1] = '\0';
        return name;
}

TEST(name_can_be_as_long_as_that_of_a_file, VERIFIES(shm_open_name_length_255))
{
        static const struct {
                const char *name;
                size_t length;
        } rows[] = {{"1", 1}, {"2", 2}, {"14", 14}, {"250", 250}, {"254", LONGEST - 1}, {"255", LONGEST}};

        EACH_ROW(row, rows) {
                const int fd = opened(name_of(row->length, 'a'), O_RDWR | O_CREAT | O_EXCL);

                if (!HOLDS(shm_open_name_length_255, fd != -1))
                        continue;
                MUST(ftruncate(fd, 1));
                /* The last character counts. */
                EQ(shm_open_name_length_255, opened(name_of(row->length, 'b'), O_RDWR), -1);
                REQUIRE(shm_unlink(name_of(row->length, 'b')) == -1);
                REQUIRE(opened(name_of(row->length, 'a'), O_RDWR | O_CREAT | O_EXCL) == -1 && errno == EEXIST);
                const int again = opened(name_of(row->length, 'a'), O_RDWR);
                if (HOLDS(shm_open_name_length_255, again != -1))
                        HOLDS(shm_open_name_length_255, same_object(fd, again));
                EQ(shm_open_name_length_255, shm_unlink(name_of(row->length, 'a')), 0);
                EQ(shm_open_name_length_255, opened(name_of(row->length, 'a'), O_RDWR), -1);
        }
}

/* How long a name may be is another requirement. */
static bool long_names_are_refused(int fd, size_t length)
{
        return fd == -1 && length > _POSIX_NAME_MAX;
}

static void open_guarded_names(void)
{
        for (size_t length = 1; length <= LONGEST; length++) {
                const char *const name = guarded_text(name_of(length, 'a'));

                EQ(shm_open_name_string, opened(name, O_RDWR), -1);
                const int made = opened(name, O_RDWR | O_CREAT | O_EXCL);
                if (long_names_are_refused(made, length) || !HOLDS(shm_open_name_string, made != -1))
                        continue;
                MUST(ftruncate(made, 1));
                const int again = opened(name_of(length, 'a'), O_RDWR);
                if (HOLDS(shm_open_name_string, again != -1))
                        HOLDS(shm_open_name_string, same_object(made, again));
                MUST(close(made));
                close(again);
                MUST(shm_unlink(name_of(length, 'a')));
        }
}

static void unlink_guarded_names(void)
{
        for (size_t length = 1; length <= LONGEST; length++) {
                const char *const name = guarded_text(name_of(length, 'a'));

                const int made = opened(name_of(length, 'a'), O_RDWR | O_CREAT);
                if (long_names_are_refused(made, length))
                        continue;
                MUST(shm_unlink(name));
                EQ(shm_unlink_name_string, opened(name_of(length, 'a'), O_RDWR), -1);
        }
}

TEST(nothing_behind_the_name_is_read, VERIFIES(shm_open_name_string, shm_unlink_name_string))
{
        struct child opener, remover;

        CHILD(&opener)
                open_guarded_names();
        EQ(shm_open_name_string, reap(&opener), 0);
        CHILD(&remover)
                unlink_guarded_names();
        EQ(shm_unlink_name_string, reap(&remover), 0);
}

/* EINVAL says that the name is not supported, ENAMETOOLONG may say why. */
TEST(longer_name, VERIFIES(shm_open_enametoolong))
{
        enum { LENGTHS = 4 };
        static const size_t lengths[LENGTHS] = {LONGEST + 1, 4086, 4096, 19000};
        const char *seen[LENGTHS];

        for (int i = 0; i < LENGTHS; i++) {
                const char *const name = name_of(lengths[i], 'a');
                const int made = try_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);

                seen[i] = made == 0 ? "created" : errno_name(errno);
                HOLDS(shm_open_enametoolong, made == 0 || errno == ENAMETOOLONG || errno == EINVAL);
                /* What cannot be created cannot be opened either. */
                EQ(shm_open_enametoolong, try_open(name, O_RDWR, 0), made);
        }
        OBSERVE(shm_open_enametoolong, "%zu characters: %s, %zu: %s, %zu: %s, %zu: %s", lengths[0], seen[0],
                lengths[1], seen[1], lengths[2], seen[2], lengths[3], seen[3]);
}

/* ---- what the standard leaves to the implementation ---- */

TEST(name_without_a_slash, VERIFIES(shm_open_name_no_slash))
{
        const int fd = new_shm(OBJECT_NAME, 1), other = opened("ipck", O_RDWR);

        if (other == -1)
                OBSERVE(shm_open_name_no_slash, "\"ipck\" beside \"/ipck\": %s", errno_name(errno));
        else
                OBSERVE(shm_open_name_no_slash, "\"ipck\" is %s \"/ipck\"",
                        same_object(fd, other) ? "the same as" : "another than");
}

static const char *outcome_of(const char *name, int oflag)
{
        return try_open(name, oflag, 0600) == 0 ? "opened" : errno_name(errno);
}

TEST(slash_inside_the_name, VERIFIES(shm_open_name_inner_slash))
{
        const char *const missing = outcome_of("/no/ipck", O_RDWR | O_CREAT);

        MUST(mkdir(DEV_SHM "/dir", 0700));
        const char *const present = outcome_of("/dir/ipck", O_RDWR | O_CREAT), *const at_end =
                outcome_of("/dir/", O_RDWR | O_CREAT);

        OBSERVE(shm_open_name_inner_slash, "without such a directory: %s; with it: %s; at the end: %s", missing,
                present, at_end);
}

TEST(directory_itself_to_read, VERIFIES(shm_open_name_dot_rdonly))
{
        const char *const this = outcome_of("/.", O_RDONLY), *const parent = outcome_of("/..", O_RDONLY);

        OBSERVE(shm_open_name_dot_rdonly, "\"/.\": %s, \"/..\": %s", this, parent);
}

/* ---- no names ---- */

TEST(unsupported_name_is_invalid, VERIFIES(shm_open_einval_name))
{
        static const struct {
                const char *name;
        } rows[] = {{"/"}, {"/."}, {"/.."}};
        int supported = 0;

        /* Nothing else is wrong with the call: the object may be made. */
        MUST(try_open(OBJECT_NAME, O_RDWR | O_CREAT, 0600));
        EACH_ROW(row, rows) {
                const int made = try_open(row->name, O_RDWR | O_CREAT, 0600), error = errno;

                if (made == -1)
                        EQ(shm_open_einval_name, error, EINVAL);
                else
                        supported++;
        }
        if (supported == sizeof(rows) / sizeof(*rows))
                UNSUPPORTED("a name that the implementation does not support");
}

TEST(nothing_but_slashes_is_no_name, VERIFIES(shm_open_einval_slash_only))
{
        static const struct {
                const char *name;
                int oflag;
        } flags[] = {
                {"read", O_RDONLY}, {"write", O_RDWR}, {"create", O_RDWR | O_CREAT},
                {"create exclusively", O_RDWR | O_CREAT | O_EXCL}, {"truncate", O_RDWR | O_TRUNC},
        };

        EACH_ROW(row, flags) {
                FAILS_WITH(shm_open_einval_slash_only, EINVAL, opened("/", row->oflag));
                FAILS_WITH(shm_open_einval_slash_only, EINVAL, opened("", row->oflag));
                FAILS_WITH(shm_open_einval_slash_only, EINVAL, opened("///", row->oflag));
        }
        EQ(shm_open_einval_slash_only, opened("/x", O_RDWR), -1);
}

TEST(dots_are_no_name, VERIFIES(shm_open_einval_dot))
{
        FAILS_WITH(shm_open_einval_dot, EINVAL, opened("/.", O_RDWR));
        FAILS_WITH(shm_open_einval_dot, EINVAL, opened("/..", O_RDWR));
        FAILS_WITH(shm_open_einval_dot, EINVAL, opened("/.", O_RDWR | O_CREAT));
        FAILS_WITH(shm_open_einval_dot, EINVAL, opened("/..", O_RDWR | O_CREAT));
        EQ(shm_open_einval_dot, opened("/...", O_RDWR), -1);
        EQ(shm_open_einval_dot, worked(opened("/...", O_RDWR | O_CREAT)), 0);
}

/* ---- semaphores ---- */

TEST(semaphore_can_have_the_same_name, VERIFIES(shm_open_name_vs_sem_namespace))
{
        const int fd = new_shm(OBJECT_NAME, 1000);
        char *const memory = map_shm(fd, 1000, PROT_READ | PROT_WRITE);
        int value = -1;

        fill_pattern(memory, 1000, 1);
        sem_t *const semaphore = sem_open(OBJECT_NAME, O_CREAT | O_EXCL, 0600, 7);
        if (!HOLDS(shm_open_name_vs_sem_namespace, semaphore != SEM_FAILED))
                return;
        EQ(shm_open_name_vs_sem_namespace, size_of(fd), 1000);
        HOLDS(shm_open_name_vs_sem_namespace, has_pattern(memory, 1000, 1));
        memset(memory, 0, 1000);
        EQ(shm_open_name_vs_sem_namespace, sem_getvalue(semaphore, &value), 0);
        EQ(shm_open_name_vs_sem_namespace, value, 7);

        EQ(shm_open_name_vs_sem_namespace, shm_unlink(OBJECT_NAME), 0);
        HOLDS(shm_open_name_vs_sem_namespace, sem_open(OBJECT_NAME, 0) == semaphore);
        EQ(shm_open_name_vs_sem_namespace, worked(opened(OBJECT_NAME, O_RDWR | O_CREAT | O_EXCL)), 0);
        EQ(shm_open_name_vs_sem_namespace, sem_unlink(OBJECT_NAME), 0);
        EQ(shm_open_name_vs_sem_namespace, worked(opened(OBJECT_NAME, O_RDWR)), 0);
}
