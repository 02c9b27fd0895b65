/* SPDX-License-Identifier: MIT
 *
 * listing.c: takes apart what ipcs and lsipc write.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mount.h>

#include "internal.h"
#include "ipck_listing.h"
#include "ipck_posix_shm.h"

/* ---- words ---- */

struct word {
        const char *start;
        size_t length;
};

static bool is(struct word word, const char *text)
{
        return word.length == strlen(text) && strncmp(word.start, text, word.length) == 0;
}

static const char *copy(struct word word)
{
        return formatted("%.*s", (int)word.length, word.start);
}

/* The next word of the line; of length 0 at its end. */
static struct word next_word(const char **line)
{
        const char *const start = *line + strspn(*line, " \t");

        *line = start + strcspn(start, " \t\n");
        return (struct word){start, (size_t)(*line - start)};
}

static struct word nth_word(const char *line, int n)
{
        struct word word;

        do
                word = next_word(&line);
        while (n-- > 0 && word.length > 0);
        return word;
}

/* The place of a word in a line, -1 where it has none. */
static int place_of(const char *line, const char *text)
{
        for (int i = 0;; i++) {
                const struct word word = next_word(&line);

                if (word.length == 0)
                        return -1;
                if (is(word, text))
                        return i;
        }
}

/* The line after this one, NULL after the last. */
static const char *next_line(const char *line)
{
        const char *const end = strchr(line, '\n');

        return end && end[1] ? end + 1 : NULL;
}

#define EACH_LINE(line, output) (const char *line = *(output) ? (output) : NULL; line; line = next_line(line))

const char *cell(const char *output, const char *key_heading, const char *key, const char *heading)
{
        int key_place = -1, place = -1;

        for EACH_LINE(line, output) {
                if (place_of(line, key_heading) != -1) {
                        key_place = place_of(line, key_heading);
                        place = place_of(line, heading);
                } else if (key_place != -1 && place != -1 && is(nth_word(line, key_place), key)) {
                        return copy(nth_word(line, place));
                }
        }
        return "";
}

static bool same_words(const char *line, const char *words)
{
        struct word a;

        do {
                const struct word b = next_word(&words);

                a = next_word(&line);
                if (a.length != b.length || strncmp(a.start, b.start, a.length) != 0)
                        return false;
        } while (a.length > 0);
        return true;
}

bool has_line(const char *output, const char *format, ...)
{
        va_list args;
        char *words;
        bool found = false;

        va_start(args, format);
        const int length = vasprintf(&words, format, args);
        va_end(args);
        REQUIRE(length != -1);
        for EACH_LINE(line, output)
                found = found || same_words(line, words);
        free(words);
        return found;
}

int lines_with(const char *output, const char *word)
{
        int count = 0;

        for EACH_LINE(line, output)
                count += place_of(line, word) != -1;
        return count;
}

const char *value_of(const char *output, const char *label)
{
        for (const char *found = output; (found = strstr(found, label)); found++) {
                if (found != output && !isspace((unsigned char)found[-1]))
                        continue;
                struct word value = {found + strlen(label), 0};
                value.start += strspn(value.start, " ");
                value.length = strcspn(value.start, "\t\n,");
                while (value.length > 0 && value.start[value.length - 1] == ' ')
                        value.length--;
                return copy(value);
        }
        return "";
}

/* ---- NAME="value" ---- */

/* Where the value of that name begins in the line, NULL where it has none. */
static const char *value_in(const char *line, const char *name)
{
        const size_t length = strlen(name);

        while (*line && *line != '\n') {
                const char *const value = line + strcspn(line, "=\n");

                if (value[0] != '=' || value[1] != '"')
                        return NULL;
                if ((size_t)(value - line) == length && strncmp(line, name, length) == 0)
                        return value + 2;
                line = value + 2 + strcspn(value + 2, "\"\n");
                line += strspn(line, "\" ");
        }
        return NULL;
}

static struct word quoted(const char *value)
{
        return (struct word){value, strcspn(value, "\"\n")};
}

static const char *find_value(const char *lines, const char *key_name, const char *key, const char *name)
{
        for EACH_LINE(line, lines) {
                const char *const value = value_in(line, key_name);

                if (value && is(quoted(value), key))
                        return value_in(line, name);
        }
        return NULL;
}

const char *field(const char *lines, const char *key_name, const char *key, const char *name)
{
        const char *const value = find_value(lines, key_name, key, name);

        return value ? copy(quoted(value)) : "";
}

bool has_field(const char *lines, const char *key_name, const char *key, const char *name)
{
        return find_value(lines, key_name, key, name);
}

/* ---- other formats ---- */

static const char *skip_space(const char *place)
{
        return place + strspn(place, " \n");
}

/* Goes beyond that text where it comes next; else to NULL, where it stays. */
static void expect(const char **place, const char *next)
{
        if (!*place)
                return;
        *place = skip_space(*place);
        *place = strncmp(*place, next, strlen(next)) == 0 ? *place + strlen(next) : NULL;
}

static bool comes(const char **place, const char *next)
{
        const char *const before = *place;

        expect(place, next);
        if (*place)
                return true;
        *place = before;
        return false;
}

static void take_json_value(const char **place, FILE *lines)
{
        struct word value;

        *place = skip_space(*place);
        if (comes(place, "null"))
                return;
        if (comes(place, "\"")) {
                value = quoted(*place);
                *place += value.length;
                fprintf(lines, "%.*s", (int)value.length, value.start);
                expect(place, "\"");
                return;
        }
        value = (struct word){*place, strspn(*place, "-.0123456789")};
        fprintf(lines, "%.*s", (int)value.length, value.start);
        *place = value.length > 0 ? *place + value.length : NULL;
}

static void take_json_object(const char **place, FILE *lines)
{
        bool first = true;

        expect(place, "{");
        while (*place && (first || comes(place, ","))) {
                expect(place, "\"");
                if (!*place)
                        return;
                const struct word name = quoted(*place);
                *place += name.length;
                expect(place, "\"");
                expect(place, ":");
                fprintf(lines, "%s", first ? "" : " ");
                for (size_t i = 0; i < name.length; i++)
                        fputc(toupper((unsigned char)name.start[i]), lines);
                fprintf(lines, "=\"");
                if (*place)
                        take_json_value(place, lines);
                fprintf(lines, "\"");
                first = false;
        }
        expect(place, "}");
        fprintf(lines, "\n");
}

const char *from_json(const char *output, const char *table)
{
        char *made = NULL;
        size_t length;
        FILE *const lines = open_memstream(&made, &length);
        const char *place = output;

        REQUIRE(lines);
        expect(&place, "{");
        expect(&place, formatted("\"%s\"", table));
        expect(&place, ":");
        expect(&place, "[");
        do
                take_json_object(&place, lines);
        while (place && comes(&place, ","));
        expect(&place, "]");
        expect(&place, "}");
        fclose(lines);
        return place && *skip_space(place) == '\0' ? made : NULL;
}

/* A name that was there before begins a new line. */
const char *from_newline(const char *output)
{
        char *const made = strdup(output);
        size_t start = 0;

        REQUIRE(made);
        for (size_t i = 0; made[i]; i++) {
                if (made[i] != '\n' || made[i + 1] == '\0')
                        continue;
                const char *const name = made + i + 1;
                const size_t length = strcspn(name, "=\n");
                const bool again = strncmp(name, made + start, length + 1) == 0;
                if (again)
                        start = i + 1;
                else
                        made[i] = ' ';
        }
        return made;
}

const char *from_table(const char *output)
{
        char *made = NULL;
        size_t length;
        FILE *const lines = open_memstream(&made, &length);

        REQUIRE(lines);
        for EACH_LINE(line, output) {
                const char *names = output, *values = line;

                if (line == output)
                        continue;
                for (bool first = true;; first = false) {
                        const struct word name = next_word(&names), value = next_word(&values);

                        if (name.length == 0)
                                break;
                        fprintf(lines, "%s%.*s=\"%.*s\"", first ? "" : " ", (int)name.length, name.start,
                                (int)value.length, value.start);
                }
                fprintf(lines, "\n");
        }
        fclose(lines);
        return made;
}

/* ---- objects ---- */

const struct facility facilities[3] = {
        [QUEUE] = {"queue", "-q", "--queues", "msqid", "Message Queues", "q", "messages"},
        [SET] = {"set", "-s", "--semaphores", "semid", "Semaphores", "s", "semaphores"},
        [SEGMENT] = {"segment", "-m", "--shmems", "shmid", "Shared Memory", "m", "sharedmemory"},
};

int new_keyed(const struct mechanism *m, int mode, key_t *key)
{
        do
                *key = fresh_key();
        while (*key < 0x10000000);
        return must_fit_in(m, m->get(*key, IPC_CREAT | IPC_EXCL | mode));
}

/* The argument begins with the descriptor to tell the segment's identifier. */
ROLE(segment_maker)
{
        const int segment = (shmget)(IPC_PRIVATE, 1, 0600), pipe = atoi(arg);

        if (write(pipe, &segment, sizeof(segment)) != sizeof(segment))
                return 1;
        return pause();
}

int segment_of_program(struct child *maker, const char *argument)
{
        int ends[2], segment;

        MUST(pipe(ends));
        CHILD(maker)
                MUST(exec_role("segment_maker", formatted("%d %s", ends[1], argument)));
        close(ends[1]);
        REQUIRE(read(ends[0], &segment, sizeof(segment)) == sizeof(segment));
        close(ends[0]);
        return (int)MUST(segment);
}

const char *calendar(time_t when)
{
        char buffer[32];
        struct tm tm;

        if (when == 0)
                return "Not set";
        REQUIRE(gmtime_r(&when, &tm));
        REQUIRE(strftime(buffer, sizeof(buffer), "%a %b %e %H:%M:%S %Y", &tm) > 0);
        return formatted("%s", buffer);
}

void need_proc_sysvipc(void)
{
        EACH_ROW(m, mechanisms)
                close(open_table(m));
}

/* ---- users ---- */

static void replace_file(const char *path, const char *replacement, const char *content)
{
        FILE *const file = fopen(replacement, "w");

        REQUIRE(file);
        REQUIRE(fputs(content, file) >= 0);
        REQUIRE(fclose(file) == 0);
        if (mount(replacement, path, NULL, MS_BIND, NULL) == -1)
                UNSUPPORTED("a mount over %s (%s)", path, errno_name(errno));
}

void name_users(void)
{
        private_directory();
        replace_file("/etc/passwd", "/dev/shm/passwd",
                     formatted("ipckme:x:%u:%u::/:\nipcka:x:%u:%u::/:\nipck-long-name-b:x:%u:%u::/:\n", geteuid(),
                               getegid(), USER_A, GROUP_A, USER_B, GROUP_B));
        replace_file("/etc/group", "/dev/shm/group",
                     formatted("ipckgme:x:%u:\nipckga:x:%u:\nipck-long-group-b:x:%u:\n", getegid(), GROUP_A, GROUP_B));
}
