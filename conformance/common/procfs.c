/* SPDX-License-Identifier: MIT
 *
 * /proc/sysvipc/msg, sem and shm: a header, then a line for each object, however the file is read. What stands in the
 * columns is in procfs_columns.c.
 */
#include <fcntl.h>
#include <stdatomic.h>

#include "ipck_mechanism.h"

enum { MOST_TEXT = 1 << 19, MOST_OBJECTS = 4000 };

static struct {
        char text[MOST_TEXT];
        size_t length, count;           /* bytes of text, lines after the header */
        struct object_line lines[MOST_OBJECTS];
} seen;

/* ---- reading ---- */

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

static bool read_listing(const struct mechanism *m, size_t at_a_time)
{
        const int fd = open_table(m);
        const ssize_t length = read_to_end(fd, seen.text, sizeof(seen.text), at_a_time);

        close(fd);
        if (length < 0)
                return false;
        seen.length = (size_t)length;
        seen.count = object_lines(m, seen.text, seen.lines, MOST_OBJECTS);
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

static void expect_each_once(enum ipck_requirement req, const int *ids, size_t count)
{
        size_t once = 0;

        for (size_t i = 0; i < count; i++)
                once += times_listed(ids[i]) == 1;
        EQ(req, once, count);
        EQ(req, seen.count, count);
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

static void expect_lines(const struct mechanism *m, size_t objects)
{
        static const struct {
                size_t columns;
                const char *word;
        } headers[] = {[QUEUE] = {14, "msqid"}, [SET] = {10, "semid"}, [SEGMENT] = {16, "shmid"}};
        size_t ends = 0;

        HOLDS(procfs_header_line, read_listing(m, 4096));
        for (size_t i = 0; i < seen.length; i++)
                ends += seen.text[i] == '\n';
        EQ(procfs_header_line, ends, 1 + objects);
        HOLDS(procfs_header_line, seen.length > 0 && seen.text[seen.length - 1] == '\n');
        EQ(procfs_header_line, strlen(seen.text), seen.length);
        /* The header names the columns. */
        EQ(procfs_header_line, words(seen.text), headers[m - mechanisms].columns);
        HOLDS(procfs_header_line, strstr(seen.text, headers[m - mechanisms].word) != NULL);
        EQ(procfs_header_line, seen.count, objects);
        EQ(procfs_header_line, times_listed(-1), 0);
}

TEST(a_header_and_a_line_for_each_object, VERIFIES(procfs_header_line), ONE_ROUTE)
{
        empty_namespace();
        EACH_ROW(m, mechanisms)
                expect_lines(m, 0);
        EACH_ROW(m, mechanisms) {
                const int first = new_object(m, 0600);
                expect_lines(m, 1);
                (void)new_object(m, 0);
                const int last = must_fit_in(m, m->get(fresh_key(), IPC_CREAT | 0644));
                expect_lines(m, 3);
                MUST(m->remove(first));
                expect_lines(m, 2);
                MUST(m->remove(last));
                /* Objects of other kinds are listed elsewhere. */
                EACH_ROW(other, mechanisms)
                        expect_lines(other, other <= m);
        }
}

/* ---- which objects ---- */

TEST(every_object_is_listed_once, VERIFIES(procfs_all_objects), ONE_ROUTE)
{
        static const struct {
                const char *name;
                int burnt;
        } rows[] = {{"first identifiers", 0}, {"identifiers unlike indexes", 150}};

        empty_namespace();
        EACH_ROW(m, mechanisms) {
                int ids[12];
                size_t count = 0;

                EACH_ROW(row, rows) {
                        burn_ids(m, row->burnt);
                        for (int i = 0; i < 3; i++) {
                                ids[count++] = new_object(m, i);
                                ids[count++] = must_fit_in(m, m->get(fresh_key(), IPC_CREAT | 0600));
                        }
                        HOLDS(procfs_all_objects, read_listing(m, 4096));
                        expect_each_once(procfs_all_objects, ids, count);
                }
        }
}

TEST(holes_leave_no_line, VERIFIES(procfs_gaps), ONE_ROUTE)
{
        enum { OBJECTS = 12 };
        /* The first, two neighbours, a single one, and the last. */
        static const bool goes[OBJECTS] = {[0] = true, [3] = true, [4] = true, [8] = true, [11] = true};

        empty_namespace();
        EACH_ROW(m, mechanisms) {
                int ids[OBJECTS], kept[OBJECTS], count = 0;

                burn_ids(m, 30);
                for (int i = 0; i < OBJECTS; i++)
                        ids[i] = new_object(m, 0600);
                HOLDS(procfs_gaps, read_listing(m, 4096));
                expect_each_once(procfs_gaps, ids, OBJECTS);
                for (int i = 0; i < OBJECTS; i++) {
                        if (goes[i])
                                MUST(m->remove(ids[i]));
                        else
                                kept[count++] = ids[i];
                }
                HOLDS(procfs_gaps, read_listing(m, 4096));
                expect_each_once(procfs_gaps, kept, (size_t)count);
                for (int i = 0; i < count; i++)
                        MUST(m->remove(kept[i]));
                HOLDS(procfs_gaps, read_listing(m, 4096));
                expect_each_once(procfs_gaps, kept, 0);
        }
}

/* So many that their lines take two and a half times the buffer of the kernel, which is a page; every seventh is gone
 * again, so that there is a hole where a page may end. Returns how many there are. */
static size_t fill_table(const struct mechanism *m, int ids[MOST_OBJECTS])
{
        size_t count = 0;

        do {
                for (int i = 0; i < 50 && count < MOST_OBJECTS; i++)
                        ids[count++] = new_object(m, 0600);
                REQUIRE(read_listing(m, 4096));
        } while (2 * seen.length < 5 * page_size() && count < MOST_OBJECTS);
        for (size_t i = 0; i + 7 < count; i += 7) {
                MUST(m->remove(ids[i]));
                ids[i] = ids[--count];
        }
        return count;
}

TEST(listing_longer_than_a_buffer_is_complete, VERIFIES(procfs_many_objects), ONE_ROUTE)
{
        static const struct {
                const char *name;
                size_t at_a_time;
        } rows[] = {{"100 bytes at a time", 100}, {"1000 bytes at a time", 1000}, {"4096 bytes at a time", 4096},
                    {"all at once", 1 << 18}};
        static int ids[MOST_OBJECTS];

        empty_namespace();
        EACH_ROW(m, mechanisms) {
                const size_t count = fill_table(m, ids);

                EACH_ROW(row, rows) {
                        HOLDS(procfs_many_objects, read_listing(m, row->at_a_time));
                        expect_each_once(procfs_many_objects, ids, count);
                }
        }
}

/* ---- ways to read ---- */

static void make_a_few(const struct mechanism *m)
{
        int ids[6];

        burn_ids(m, 70);
        for (int i = 0; i < 6; i++)
                ids[i] = new_object(m, 0600);
        MUST(m->remove(ids[2]));
        REQUIRE(read_listing(m, 4096) && seen.count == 5);
}

TEST(small_reads_give_the_same_bytes, VERIFIES(procfs_small_reads), ONE_ROUTE)
{
        static const struct {
                const char *name;
                size_t at_a_time;
        } rows[] = {{"1 byte", 1}, {"2 bytes", 2}, {"7 bytes", 7}, {"80 bytes", 80}, {"255 bytes", 255}};
        char text[4096];

        empty_namespace();
        EACH_ROW(m, mechanisms) {
                make_a_few(m);
                EACH_ROW(row, rows) {
                        const int fd = open_table(m);
                        EQ(procfs_small_reads, read_to_end(fd, text, sizeof(text), row->at_a_time), seen.length);
                        HOLDS(procfs_small_reads, memcmp(text, seen.text, seen.length) == 0);
                        close(fd);
                }
        }
}

/* What was read from there on is the rest of the listing; false is recorded. */
static bool is_rest(const char *text, ssize_t length, size_t offset)
{
        const size_t rest = seen.length - offset;

        if (length == (ssize_t)rest && memcmp(text, seen.text + offset, rest) == 0)
                return true;
        EQ(procfs_small_reads, length, rest);
        return HOLDS(procfs_small_reads, memcmp(text, seen.text + offset, rest) == 0);
}

TEST(reading_resumes_at_any_offset, VERIFIES(procfs_small_reads), ONE_ROUTE)
{
        char text[4096];

        empty_namespace();
        EACH_ROW(m, mechanisms) {
                make_a_few(m);
                const int fd = open_table(m);
                const size_t end = seen.length;
                bool good = true;

                REQUIRE(end + 1 < sizeof(text) / 2);
                /* Backwards through all offsets, then to and fro. */
                for (size_t i = 0; i < end + 200 && good; i++) {
                        const size_t offset = i < end ? end - i : random_below((uint32_t)end);
                        MUST(lseek(fd, (off_t)offset, SEEK_SET));
                        good = is_rest(text, read_to_end(fd, text, sizeof(text), 1024), offset);
                }
                /* From the middle of what was read before. */
                MUST(lseek(fd, 0, SEEK_SET));
                MUST(read(fd, text, 300));
                MUST(lseek(fd, 150, SEEK_SET));
                HOLDS(procfs_small_reads, is_rest(text, read_to_end(fd, text, sizeof(text), 10), 150));
                close(fd);
        }
}

TEST(pread_reads_at_any_offset, VERIFIES(procfs_small_reads), ONE_ROUTE)
{
        char text[4096];

        empty_namespace();
        EACH_ROW(m, mechanisms) {
                make_a_few(m);
                const int fd = open_table(m);
                bool good = true;

                MUST(lseek(fd, 17, SEEK_SET));
                for (size_t i = 0; i < seen.length + 100 && good; i++) {
                        const size_t offset = i < seen.length ? i : random_below((uint32_t)seen.length);
                        good = is_rest(text, pread(fd, text, sizeof(text), (off_t)offset), offset);
                }
                /* That of the descriptor has stayed. */
                EQ(procfs_small_reads, lseek(fd, 0, SEEK_CUR), 17);
                HOLDS(procfs_small_reads, is_rest(text, read_to_end(fd, text, sizeof(text), 1024), 17));
                close(fd);
        }
}

TEST(nothing_is_read_beyond_the_end, VERIFIES(procfs_lseek_past_end), ONE_ROUTE)
{
        static const struct {
                const char *name;
                int beyond;
        } rows[] = {{"at the end", 0}, {"1 byte beyond", 1}, {"a line beyond", 100}, {"two pages beyond", 8192},
                    {"a gigabyte beyond", 1 << 30}};
        char text[4096];

        empty_namespace();
        EACH_ROW(m, mechanisms) {
                make_a_few(m);
                int fd = open_table(m);
                EACH_ROW(row, rows) {
                        const off_t offset = (off_t)seen.length + row->beyond;
                        EQ(procfs_lseek_past_end, lseek(fd, offset, SEEK_SET), offset);
                        EQ(procfs_lseek_past_end, read(fd, text, sizeof(text)), 0);
                        EQ(procfs_lseek_past_end, read(fd, text, 1), 0);
                        EQ(procfs_lseek_past_end, pread(fd, text, sizeof(text), offset), 0);
                        MUST(lseek(fd, 0, SEEK_SET));
                        EQ(procfs_lseek_past_end, read_to_end(fd, text, sizeof(text), 1024), seen.length);
                }
                /* Also where nothing was read before. */
                close(fd);
                fd = open_table(m);
                EQ(procfs_lseek_past_end, lseek(fd, (off_t)seen.length + 1, SEEK_SET), seen.length + 1);
                EQ(procfs_lseek_past_end, read(fd, text, sizeof(text)), 0);
                close(fd);
        }
}

/* ---- who may read ---- */

static void expect_readable(const struct mechanism *m, int id)
{
        struct ipc_perm perm;

        REQUIRE(m->stat(id, &perm) == -1 && errno == EACCES);
        HOLDS(procfs_world_readable, read_listing(m, 4096));
        EQ(procfs_world_readable, times_listed(id), 1);
        EQ(procfs_world_readable, seen.count, 1);
}

TEST(owner_without_permission_sees_the_object, VERIFIES(procfs_world_readable), ONE_ROUTE)
{
        empty_namespace();
        close(open_table(mechanisms));
        drop_all_capabilities();
        EACH_ROW(m, mechanisms)
                expect_readable(m, new_object(m, 0));
}

TEST(any_user_sees_the_object, VERIFIES(procfs_world_readable), ONE_ROUTE)
{
        struct child reader;

        empty_namespace();
        close(open_table(mechanisms));
        EACH_ROW(m, mechanisms) {
                const int id = new_object(m, 0600);

                CHILD(&reader) {
                        as_user(USER_A);
                        expect_readable(m, id);
                }
                join(&reader);
        }
}

/* ---- while objects come and go ---- */

static void come_and_go(const struct mechanism *m, _Atomic unsigned *rounds)
{
        for (;;) {
                int some[3];
                for (int i = 0; i < 3; i++)
                        some[i] = new_object(m, 0600);
                for (int i = 0; i < 3; i++)
                        MUST(m->remove(some[i]));
                ++*rounds;
        }
}

TEST(reading_while_objects_come_and_go, VERIFIES(procfs_concurrent_rmid, procfs_all_objects), ONE_ROUTE)
{
        enum { LASTING = 8, CHURNERS = 2, PASSES = 70 };

        EACH_ROW(m, mechanisms) {
                _Atomic unsigned *const rounds = shared(sizeof(*rounds));
                struct child churner[CHURNERS];
                int lasting[LASTING];
                unsigned passes = 0;

                close(open_table(m));
                for (int i = 0; i < LASTING; i++) {
                        lasting[i] = new_object(m, 0600);
                        /* Holes for the others between. */
                        burn_ids(m, 2);
                }
                for (int i = 0; i < CHURNERS; i++)
                        CHILD(&churner[i])
                                come_and_go(m, rounds);
                UNTIL(*rounds > 10);
                const unsigned start = *rounds;
                while (passes < PASSES || (*rounds < start + PASSES && passes < 10 * PASSES)) {
                        HOLDS(procfs_concurrent_rmid, read_listing(m, passes++ % 2 ? 100 : 4096));
                        HOLDS(procfs_concurrent_rmid, !any_listed_twice());
                        for (int i = 0; i < LASTING; i++)
                                EQ(procfs_all_objects, times_listed(lasting[i]), 1);
                }
                for (int i = 0; i < CHURNERS; i++)
                        kill_child(&churner[i]);
        }
}
