/* SPDX-License-Identifier: MIT
 *
 * ipcmk -p: the permissions of the new objects.
 */
#include <stdio.h>
#include <sys/stat.h>

#include "ipck_ipcrm.h"

/* From the table, which shows it even where the mode keeps everybody out. */
static int mode_of(const struct mechanism *m, int id)
{
        const int fd = open_table(m);
        char table[8192];
        struct object_line lines[16];
        const ssize_t length = MUST(read(fd, table, sizeof(table) - 1));

        table[length] = '\0';
        close(fd);
        const size_t count = object_lines(m, table, lines, 16);
        for (size_t i = 0; i < count; i++)
                if (lines[i].id == id)
                        return (int)lines[i].mode & 0777;
        return -1;
}

static void expect_mode(const struct ran ran, int mode)
{
        EQ(ipcmk_mode, ran.status, 0);
        EACH_ROW(m, mechanisms) {
                const int id = id_printed(m, ran.out);

                if (HOLDS(ipcmk_mode, exists(m, id))) {
                        EQ(ipcmk_mode, mode_of(m, id), mode);
                        MUST(m->remove(id));
                }
        }
}

TEST(mode_is_an_octal_number, VERIFIES(ipcmk_mode))
{
        static const struct {
                const char *name;
                int mode;
        } rows[] = {{"0", 0}, {"600", 0600}, {"0640", 0640}, {"0123", 0123}, {"777", 0777}, {"4", 04}, {"00660", 0660}};

        need_room_for_ipcmk();
        EACH_ROW(row, rows)
                expect_mode(RUN("ipcmk", "-Q", "-S", "1", "-M", "1", "-p", row->name), row->mode);
        /* Wherever it stands, and however it is spelt. */
        expect_mode(RUN("ipcmk", "-p", "604", "-Q", "-S1", "-M1"), 0604);
        expect_mode(RUN("ipcmk", "-Q", "-p604", "-S1", "-M1"), 0604);
}

TEST(mode_of_objects_without_the_option, VERIFIES(ipcmk_mode))
{
        need_room_for_ipcmk();
        expect_mode(RUN("ipcmk", "-Q", "-S", "1", "-M", "1"), 0644);
}

TEST(umask_does_not_matter, VERIFIES(ipcmk_mode))
{
        need_room_for_ipcmk();
        umask(0777);
        expect_mode(RUN("ipcmk", "-Q", "-S", "1", "-M", "1"), 0644);
        expect_mode(RUN("ipcmk", "-Q", "-S", "1", "-M", "1", "-p", "0666"), 0666);
        umask(0);
        expect_mode(RUN("ipcmk", "-Q", "-S", "1", "-M", "1"), 0644);
}

TEST(what_is_no_octal_number_creates_nothing, VERIFIES(ipcmk_mode_bad))
{
        static const char *const modes[] = {
                "", "8", "0648", "0x1ff", "rw-r--r--", "u+rw", "600x", "600 ", "x600", "6,00",
                "7777777777777777777777777",
        };

        need_room_for_ipcmk();
        for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
                COMPLAINS(ipcmk_mode_bad, RUN("ipcmk", "-Q", "-S", "1", "-M", "1", "-p", modes[i]));
                EACH_ROW(m, mechanisms)
                        EQ(ipcmk_mode_bad, objects_of(m), 0);
        }
}

TEST(mode_beyond_the_permissions, VERIFIES(ipcmk_mode_beyond))
{
        static const char *const modes[] = {"1644", "2644", "4644", "10644", "40000000644", "-1"};
        char seen[400] = "";

        need_room_for_ipcmk();
        for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
                const struct ran ran = RUN("ipcmk", "-Q", "-p", modes[i]);
                const int queue = id_printed(&mechanisms[QUEUE], ran.out);
                const size_t used = strlen(seen);

                if (queue == -1)
                        snprintf(seen + used, sizeof(seen) - used, "%s%s: status %d", used ? ", " : "", modes[i],
                                 ran.status);
                else
                        snprintf(seen + used, sizeof(seen) - used, "%s%s: %#o", used ? ", " : "", modes[i],
                                 (unsigned)mode_of(&mechanisms[QUEUE], queue));
        }
        OBSERVE(ipcmk_mode_beyond, "%s", seen);
}
