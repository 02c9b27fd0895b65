/* SPDX-License-Identifier: MIT
 *
 * /proc/sysvipc/sem: a header, then a line for each semaphore set, however it is read.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/msg.h>
#include <sys/shm.h>

#include "ipck_sem.h"

static const char path[] = "/proc/sysvipc/sem";

enum { MOST_TEXT = 1 << 19, MOST_SETS = 4000 };

struct listing {
        char text[MOST_TEXT];
        size_t length, count;           /* bytes of text, lines after the header */
        struct sem_line lines[MOST_SETS];
};

static struct listing seen;

/* ---- reading ---- */

static int open_listing(void)
{
        if (access(path, F_OK) == -1)
                UNSUPPORTED("%s (%s)", path, errno_name(errno));
        return (int)MUST(open(path, O_RDONLY | O_CLOEXEC));
}

/* Reads on to the end of file, so many bytes at a time; -1 where a read fails. */
static ssize_t read_to_end(int fd, char *text, size_t size, size_t at_a_time)
{
        size_t length = 0;
        ssize_t n;

        do {
                REQUIRE(length + at_a_time < size);
                n = read(fd, text + length, at_a_time);
                if (n > 0)
                        length += (size_t)n;
        } while (n > 0);
        text[length] = '\0';
        return n == 0 ? (ssize_t)length : -1;
}

static bool read_listing(size_t at_a_time)
{
        int fd = open_listing();
        ssize_t length = read_to_end(fd, seen.text, sizeof(seen.text), at_a_time);

        close(fd);
        if (length < 0)
                return false;
        seen.length = (size_t)length;
        seen.count = sem_lines(seen.text, seen.lines, MOST_SETS);
        return true;
}

static size_t times_listed(int id)
{
        size_t times = 0;

        for (size_t i = 0; i < seen.count; i++)
                times += seen.lines[i].id == id;
        return times;
}

static bool any_listed_twice(void)
{
        for (size_t i = 0; i < seen.count; i++)
                if (times_listed(seen.lines[i].id) != 1)
                        return true;
        return false;
}

static const struct sem_line *line_of(int id)
{
        for (size_t i = 0; i < seen.count; i++)
                if (seen.lines[i].id == id)
                        return &seen.lines[i];
        return NULL;
}

/* ---- form ---- */

static size_t words(const char *text)
{
        size_t count = 0;

        for (bool inside = false; *text && *text != '\n'; text++) {
                const bool blank = *text == ' ' || *text == '\t';
                count += !blank && !inside;
                inside = !blank;
        }
        return count;
}

static void expect_lines(size_t sets)
{
        size_t ends = 0;

        HOLDS(procfs_header_line, read_listing(4096));
        for (size_t i = 0; i < seen.length; i++)
                ends += seen.text[i] == '\n';
        EQ(procfs_header_line, ends, 1 + sets);
        HOLDS(procfs_header_line, seen.length > 0 && seen.text[seen.length - 1] == '\n');
        EQ(procfs_header_line, strlen(seen.text), seen.length);
        /* The header names the columns. */
        EQ(procfs_header_line, words(seen.text), 10);
        HOLDS(procfs_header_line, strstr(seen.text, "semid") != NULL);
        EQ(procfs_header_line, seen.count, sets);
}

TEST(a_header_and_a_line_for_each_set, VERIFIES(procfs_header_line), ONE_ROUTE)
{
        expect_lines(0);
        int first = new_sems(3, 0600);
        expect_lines(1);
        (void)new_sems(1, 0);
        (void)MUST(semget(fresh_key(), 5, IPC_CREAT | 0644));
        expect_lines(3);
        MUST(semctl(first, 0, IPC_RMID));
        expect_lines(2);
        /* Objects of other kinds are listed elsewhere. */
        (void)msgget(IPC_PRIVATE, IPC_CREAT | 0600);
        (void)shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
        expect_lines(2);
}

static void compare_with_stat(int set, key_t key)
{
        const struct semid_ds ds = stat_of(set);
        const struct sem_line *line = line_of(set);

        if (!HOLDS(procfs_sem_fields, line != NULL))
                return;
        EQ(procfs_sem_fields, line->key, key);
        EQ(procfs_sem_fields, line->mode, ds.sem_perm.mode);
        EQ(procfs_sem_fields, line->nsems, ds.sem_nsems);
        EQ(procfs_sem_fields, line->uid, ds.sem_perm.uid);
        EQ(procfs_sem_fields, line->gid, ds.sem_perm.gid);
        EQ(procfs_sem_fields, line->cuid, ds.sem_perm.cuid);
        EQ(procfs_sem_fields, line->cgid, ds.sem_perm.cgid);
        EQ(procfs_sem_fields, line->otime, ds.sem_otime);
        EQ(procfs_sem_fields, line->ctime, ds.sem_ctime);
}

TEST(columns_equal_what_stat_reports, VERIFIES(procfs_sem_fields), ONE_ROUTE)
{
        const key_t key = fresh_key(), negative = (key_t)(0x80000000 | (uint32_t)fresh_key());
        const int semmsl = sem_limits().semmsl, many = semmsl < 300 ? semmsl : 300;

        burn_sem_ids(150);
        int unused = (int)MUST(semget(key, 3, IPC_CREAT | 0652));
        int used = (int)MUST(semget(negative, many, IPC_CREAT | 0407));
        int private = new_sems(1, 0400);
        set_mode(used, 0640);
        MUST(SEMOP(used, OP((unsigned short)(many - 1), 1, 0)));
        /* Between them these two tell otime from ctime. */
        REQUIRE(stat_of(unused).sem_otime == 0 && stat_of(used).sem_otime != 0);
        HOLDS(procfs_sem_fields, read_listing(4096));
        compare_with_stat(unused, key);
        compare_with_stat(used, negative);
        compare_with_stat(private, IPC_PRIVATE);
}

TEST(columns_tell_owner_from_creator, VERIFIES(procfs_sem_fields), ONE_ROUTE)
{
        struct child creator;

        CHILD(&creator) {
                become(USER_A, GROUP_A, NULL, 0);
                int set = new_sems(2, 0600);
                set_owner(set, USER_B, GROUP_B, 0600);
                const struct semid_ds ds = stat_of(set);
                REQUIRE(ds.sem_perm.uid == USER_B && ds.sem_perm.gid == GROUP_B);
                REQUIRE(ds.sem_perm.cuid == USER_A && ds.sem_perm.cgid == GROUP_A);
                HOLDS(procfs_sem_fields, read_listing(4096));
                compare_with_stat(set, IPC_PRIVATE);
        }
        join(&creator);
}

/* ---- which sets ---- */

static void expect_each_once(enum ipck_requirement req, const int *sets, size_t count)
{
        size_t once = 0;

        for (size_t i = 0; i < count; i++)
                once += times_listed(sets[i]) == 1;
        EQ(req, once, count);
        EQ(req, seen.count, count);
}

TEST(every_set_is_listed_once, VERIFIES(procfs_all_objects), ONE_ROUTE)
{
        static const struct {
                const char *name;
                int burnt;
        } rows[] = {{"first identifiers", 0}, {"identifiers unlike indexes", 150}};
        int sets[20];
        size_t count = 0;

        EACH_ROW(row, rows) {
                burn_sem_ids(row->burnt);
                for (int i = 0; i < 5; i++) {
                        sets[count++] = new_sems(1 + i, i);
                        sets[count++] = (int)MUST(semget(fresh_key(), 1, IPC_CREAT | 0600));
                }
                HOLDS(procfs_all_objects, read_listing(4096));
                expect_each_once(procfs_all_objects, sets, count);
        }
}

TEST(holes_leave_no_line, VERIFIES(procfs_gaps), ONE_ROUTE)
{
        enum { SETS = 12 };
        /* The first, two neighbours, a single one, and the last. */
        static const bool goes[SETS] = {[0] = true, [3] = true, [4] = true, [8] = true, [11] = true};
        int sets[SETS], kept[SETS], count = 0;

        burn_sem_ids(30);
        for (int i = 0; i < SETS; i++)
                sets[i] = new_sems(1, 0600);
        HOLDS(procfs_gaps, read_listing(4096));
        expect_each_once(procfs_gaps, sets, SETS);
        for (int i = 0; i < SETS; i++) {
                if (goes[i])
                        MUST(semctl(sets[i], 0, IPC_RMID));
                else
                        kept[count++] = sets[i];
        }
        HOLDS(procfs_gaps, read_listing(4096));
        expect_each_once(procfs_gaps, kept, (size_t)count);
        for (int i = 0; i < count; i++)
                MUST(semctl(kept[i], 0, IPC_RMID));
        HOLDS(procfs_gaps, read_listing(4096));
        expect_each_once(procfs_gaps, kept, 0);
}

TEST(listing_longer_than_a_buffer_is_complete, VERIFIES(procfs_many_objects), ONE_ROUTE)
{
        static const struct {
                const char *name;
                size_t at_a_time;
        } rows[] = {{"100 bytes at a time", 100}, {"1000 bytes at a time", 1000}, {"4096 bytes at a time", 4096},
                    {"all at once", 1 << 18}};
        static int sets[MOST_SETS];
        /* The kernel's own buffer is a page. */
        const size_t page = (size_t)sysconf(_SC_PAGESIZE);
        size_t count = 0;

        do {
                for (int i = 0; i < 50 && count < MOST_SETS; i++)
                        sets[count++] = new_sems(1, 0600);
                REQUIRE(read_listing(4096));
        } while (seen.length < 2 * page + page / 2 && count < MOST_SETS);
        /* A hole where one page may end. */
        for (size_t i = 0; i + 7 < count; i += 7) {
                MUST(semctl(sets[i], 0, IPC_RMID));
                sets[i] = sets[--count];
        }
        EACH_ROW(row, rows) {
                HOLDS(procfs_many_objects, read_listing(row->at_a_time));
                expect_each_once(procfs_many_objects, sets, count);
        }
}

/* ---- ways to read ---- */

static void make_a_few(void)
{
        int sets[6];

        burn_sem_ids(70);
        for (int i = 0; i < 6; i++)
                sets[i] = new_sems(1 + i, 0600);
        MUST(semctl(sets[2], 0, IPC_RMID));
        REQUIRE(read_listing(4096) && seen.count == 5);
}

TEST(small_reads_give_the_same_bytes, VERIFIES(procfs_small_reads), ONE_ROUTE)
{
        static const struct {
                const char *name;
                size_t at_a_time;
        } rows[] = {{"1 byte", 1}, {"2 bytes", 2}, {"7 bytes", 7}, {"80 bytes", 80}, {"255 bytes", 255}};
        char text[4096];

        make_a_few();
        EACH_ROW(row, rows) {
                int fd = open_listing();
                EQ(procfs_small_reads, read_to_end(fd, text, sizeof(text), row->at_a_time), seen.length);
                HOLDS(procfs_small_reads, memcmp(text, seen.text, seen.length) == 0);
                close(fd);
        }
}

TEST(reading_resumes_at_any_offset, VERIFIES(procfs_small_reads), ONE_ROUTE)
{
        char text[4096];
        int fd;

        make_a_few();
        fd = open_listing();
        const size_t end = seen.length;
        REQUIRE(end + 1 < sizeof(text) / 2);
        /* Backwards through all offsets, then to and fro. */
        for (size_t i = 0; i < end + 200; i++) {
                const size_t offset = i < end ? end - i : random_below((uint32_t)end);
                MUST(lseek(fd, (off_t)offset, SEEK_SET));
                const ssize_t got = read_to_end(fd, text, sizeof(text), 1024);
                if (got != (ssize_t)(end - offset) || memcmp(text, seen.text + offset, end - offset) != 0) {
                        EQ(procfs_small_reads, got, end - offset);
                        HOLDS(procfs_small_reads, memcmp(text, seen.text + offset, end - offset) == 0);
                        break;
                }
        }
        /* From the middle of what was read before. */
        MUST(lseek(fd, 0, SEEK_SET));
        MUST(read(fd, text, 300));
        MUST(lseek(fd, 150, SEEK_SET));
        EQ(procfs_small_reads, read_to_end(fd, text, sizeof(text), 10), end - 150);
        HOLDS(procfs_small_reads, memcmp(text, seen.text + 150, end - 150) == 0);
        close(fd);
}

TEST(nothing_is_read_beyond_the_end, VERIFIES(procfs_lseek_past_end), ONE_ROUTE)
{
        static const struct {
                const char *name;
                int beyond;
        } rows[] = {{"at the end", 0}, {"1 byte beyond", 1}, {"a line beyond", 100}, {"two pages beyond", 8192},
                    {"a gigabyte beyond", 1 << 30}};
        char text[4096];
        int fd;

        make_a_few();
        fd = open_listing();
        EACH_ROW(row, rows) {
                const off_t offset = (off_t)seen.length + row->beyond;
                EQ(procfs_lseek_past_end, lseek(fd, offset, SEEK_SET), offset);
                EQ(procfs_lseek_past_end, read(fd, text, sizeof(text)), 0);
                EQ(procfs_lseek_past_end, read(fd, text, 1), 0);
                MUST(lseek(fd, 0, SEEK_SET));
                EQ(procfs_lseek_past_end, read_to_end(fd, text, sizeof(text), 1024), seen.length);
        }
        /* Also where nothing was read before. */
        close(fd);
        fd = open_listing();
        EQ(procfs_lseek_past_end, lseek(fd, (off_t)seen.length + 1, SEEK_SET), seen.length + 1);
        EQ(procfs_lseek_past_end, read(fd, text, sizeof(text)), 0);
        close(fd);
}

/* ---- who may read ---- */

static void expect_readable(int set)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        FAILS_WITH(procfs_world_readable, EACCES, VAL(set, 0));
        HOLDS(procfs_world_readable, fd != -1 && read_to_end(fd, seen.text, sizeof(seen.text), 4096) > 0);
        seen.count = sem_lines(seen.text, seen.lines, MOST_SETS);
        EQ(procfs_world_readable, times_listed(set), 1);
        EQ(procfs_world_readable, seen.count, 1);
}

TEST(owner_without_permission_sees_the_set, VERIFIES(procfs_world_readable), ONE_ROUTE)
{
        int set = new_sems(1, 0);
        struct child reader;

        close(open_listing());
        CHILD(&reader) {
                drop_all_capabilities();
                expect_readable(set);
        }
        join(&reader);
}

TEST(any_user_sees_the_set, VERIFIES(procfs_world_readable), ONE_ROUTE)
{
        int set = new_sems(1, 0600);
        struct child reader;

        close(open_listing());
        CHILD(&reader) {
                as_user(USER_A);
                expect_readable(set);
        }
        join(&reader);
}

/* ---- while sets come and go ---- */

static void come_and_go(_Atomic unsigned *rounds)
{
        for (;;) {
                int some[3];
                for (int i = 0; i < 3; i++)
                        some[i] = new_sems(1, 0600);
                for (int i = 0; i < 3; i++)
                        MUST(semctl(some[i], 0, IPC_RMID));
                ++*rounds;
        }
}

TEST(reading_while_sets_come_and_go, VERIFIES(procfs_concurrent_rmid, procfs_all_objects), ONE_ROUTE)
{
        enum { LASTING = 10, CHURNERS = 2 };
        _Atomic unsigned *rounds = shared(sizeof(*rounds));
        struct child churner[CHURNERS];
        int lasting[LASTING];
        unsigned passes = 0;

        close(open_listing());
        for (int i = 0; i < LASTING; i++) {
                lasting[i] = new_sems(1, 0600);
                /* Holes for the others between. */
                burn_sem_ids(2);
        }
        for (int i = 0; i < CHURNERS; i++)
                CHILD(&churner[i])
                        come_and_go(rounds);
        UNTIL(*rounds > 10);
        const unsigned start = *rounds;
        while (passes < 200 || (*rounds < start + 200 && passes < 2000)) {
                HOLDS(procfs_concurrent_rmid, read_listing(passes++ % 2 ? 100 : 4096));
                HOLDS(procfs_concurrent_rmid, !any_listed_twice());
                for (int i = 0; i < LASTING; i++)
                        EQ(procfs_all_objects, times_listed(lasting[i]), 1);
        }
        for (int i = 0; i < CHURNERS; i++)
                kill_child(&churner[i]);
}
