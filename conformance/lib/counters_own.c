/* SPDX-License-Identifier: MIT
 *
 * counters_own.c: the counters of objects of a C library that are compiled with -fprofile-info-section (gcc(1)) and
 * linked with the program. Processes that are killed and processes that leave by _exit() are to count as well: so the
 * counters lie in pages of their own (counters.ld), which all forked processes share from the first one's start on.
 */
#include <gcov.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "counters.h"

#define ARCS 0x01a10000U        /* the tag of what -fprofile-arcs counts (gcc/gcov-io.h) */

enum { HEADER = 4, MOST_WORDS = 65536 };

const char ipck_counters_began[] = "boot";

/* By counters.ld, and by the linker for the section's name. */
extern char ipck_counters_start[], ipck_counters_end[];
extern const struct gcov_info *const __start_ipck_gcov_info[], *const __stop_ipck_gcov_info[];

/* A file as gcc writes it. */
struct file {
        const char *path;
        size_t size;
        bool whole;
        uint32_t words[MOST_WORDS];
};

static void give_up(const char *why)
{
        dprintf(STDERR_FILENO, "ipck: the counters of the C library cannot be shared: %s\n", why);
        _exit(2);
}

__attribute__((constructor)) static void share(void)
{
        const size_t size = (uintptr_t)ipck_counters_end - (uintptr_t)ipck_counters_start;
        void *const copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (size == 0)
                give_up("they are not where counters.ld wants them: compile with -fdata-sections");
        if (copy == MAP_FAILED)
                give_up("mmap() fails");
        memcpy(copy, ipck_counters_start, size);
        if (mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, ipck_counters_start) == MAP_FAILED)
                give_up("mremap() fails");
}

static void name(const char *path, void *file)
{
        ((struct file *)file)->path = path;
}

static void dump(const void *bytes, unsigned size, void *to)
{
        struct file *const f = to;

        f->whole = f->whole && size <= sizeof(f->words) - f->size;
        if (!f->whole)
                return;
        memcpy((char *)f->words + f->size, bytes, size);
        f->size += size;
}

/* For kinds of counters that nobody asks for here. */
static void *none(unsigned size, void *file)
{
        (void)size;
        (void)file;
        return NULL;
}

static const struct file *file_of(const void *info)
{
        static struct file f;

        f.size = 0;
        f.whole = true;
        __gcov_info_to_gcda(info, name, dump, none, &f);
        return &f;
}

int ipck_counters_find(int (*take)(const char *path, const void *place))
{
        const uintptr_t begin = (uintptr_t)__start_ipck_gcov_info, end = (uintptr_t)__stop_ipck_gcov_info;
        int answer = 0;

        for (size_t i = 0; i < (end - begin) / sizeof(*__start_ipck_gcov_info) && answer == 0; i++)
                answer = take(file_of(__start_ipck_gcov_info[i])->path, __start_ipck_gcov_info[i]);
        return answer;
}

/* What gcc leaves out, counters of a function that are all 0, is written here: every word has its place for ever. */
bool ipck_counters_read(const char *path, const void *place, bool (*append)(void *to, const void *bytes, size_t size),
                        void *to)
{
        static const uint32_t zeros[MOST_WORDS];
        const struct file *const f = file_of(place);
        const uint32_t *word = f->words, *const end = f->words + f->size / sizeof(*word);
        bool good = f->whole && append(to, word, HEADER * sizeof(*word));

        (void)path;
        for (word += HEADER; good && end - word >= 2;) {
                const int32_t length = (int32_t)word[1];
                const bool left_out = word[0] == ARCS && length < 0;
                const uint32_t record[] = {word[0], (uint32_t)(left_out ? -length : length)};

                good = record[1] <= sizeof(zeros) && append(to, record, sizeof(record)) &&
                       append(to, left_out ? zeros : word + 2, record[1]);
                word += 2 + (left_out ? 0 : record[1] / sizeof(*word));
        }
        return good;
}
