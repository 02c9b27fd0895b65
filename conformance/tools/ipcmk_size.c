/* SPDX-License-Identifier: MIT
 *
 * ipcmk -M: what is a size.
 */
#include <stdio.h>

#include "ipck_ipcrm.h"

/* Whether a segment of that size can be had here at all. */
static bool can_be_had(unsigned long long size)
{
        const int segment = size > SIZE_MAX ? -1 : shmget(IPC_PRIVATE, (size_t)size, 0600);

        if (segment != -1)
                MUST(shmctl(segment, IPC_RMID, NULL));
        return segment != -1;
}

/* The size of a segment as /proc/sysvipc shows it: that of a program with another word length may not fit here. */
static unsigned long long size_of(int segment)
{
        char table[4096];
        struct segment_line lines[8];

        MUST(read_file("/proc/sysvipc/shm", table, sizeof(table)));
        const size_t count = segment_lines(table, lines, 8);
        for (size_t i = 0; i < count; i++)
                if (lines[i].id == segment)
                        return lines[i].size;
        return 0;
}

TEST(suffix_multiplies, VERIFIES(ipcmk_shm_suffix))
{
        static const struct {
                const char *name;
                unsigned long long size;
        } rows[] = {
                {"1K", 1ULL << 10},   {"1KiB", 1ULL << 10},      {"3K", 3ULL << 10}, {"7KiB", 7ULL << 10},
                {"1KB", 1000},        {"5KB", 5000},             {"1M", 1ULL << 20}, {"2MiB", 2ULL << 20},
                {"1MB", 1000000},     {"1G", 1ULL << 30},        {"1GiB", 1ULL << 30}, {"1GB", 1000000000},
                {"1T", 1ULL << 40},   {"1TiB", 1ULL << 40},      {"1TB", 1000000000000}, {"1P", 1ULL << 50},
                {"1PB", 1000000000000000}, {"1E", 1ULL << 60},   {"1EB", 1000000000000000000},
        };

        need_room_for_ipcmk();
        MUST(close(open_table(&mechanisms[SEGMENT])));
        EACH_ROW(row, rows) {
                if (!can_be_had(row->size))
                        continue;
                const struct ran ran = RUN("ipcmk", "-M", row->name);
                const int segment = id_printed(&mechanisms[SEGMENT], ran.out);

                EQ(ipcmk_shm_suffix, ran.status, 0);
                EQ(ipcmk_shm_suffix, size_of(segment), row->size);
                shmctl(segment, IPC_RMID, NULL);
        }
}

TEST(what_is_no_size_creates_nothing, VERIFIES(ipcmk_size_bad))
{
        static const char *const sizes[] = {
                "", "-", "x", "K", "KiB", "-1", "-4096", "-1K", "4096x", "1KK", "1iB", "1Ki", "1XB", "1KiBx", "4096 ",
                "1 K", "1,5K", "1.5", "99999999999999999999", "18446744073709551616", "16E", "20E", "1Z", "1Y",
        };

        need_room_for_ipcmk();
        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
                COMPLAINS(ipcmk_size_bad, RUN("ipcmk", "-M", sizes[i]));
        /* Nor what else was asked for. */
        COMPLAINS(ipcmk_size_bad, RUN("ipcmk", "-Q", "-S", "1", "-M", "4096x"));
        EACH_ROW(m, mechanisms)
                EQ(ipcmk_size_bad, objects_of(m), 0);
}

TEST(size_0_is_refused, VERIFIES(ipcmk_size_refused))
{
        need_room_for_ipcmk();
        COMPLAINS(ipcmk_size_refused, RUN("ipcmk", "-M", "0"));
        COMPLAINS(ipcmk_size_refused, RUN("ipcmk", "-M", "0K"));
        EQ(ipcmk_size_refused, objects_of(&mechanisms[SEGMENT]), 0);
}

TEST(size_above_the_limit_is_refused, VERIFIES(ipcmk_size_refused))
{
        need_room_for_ipcmk();
        set_sysctl("kernel/shmmax", "65536");
        COMPLAINS(ipcmk_size_refused, RUN("ipcmk", "-M", "65537"));
        COMPLAINS(ipcmk_size_refused, RUN("ipcmk", "-M", "1M"));
        EQ(ipcmk_size_refused, objects_of(&mechanisms[SEGMENT]), 0);
        EQ(ipcmk_size_refused, RUN("ipcmk", "-M", "64K").status, 0);
}
