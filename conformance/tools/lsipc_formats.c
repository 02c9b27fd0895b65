/* SPDX-License-Identifier: MIT
 *
 * lsipc: the same values in each of its output formats.
 */
#include <ctype.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#include "ipck_listing.h"

/* Columns that always have a value, without space. */
static const char *const full_columns[] = {
        [QUEUE] = "KEY,ID,PERMS,OWNER,USEDBYTES,MSGS,CTIME", [SET] = "KEY,ID,PERMS,OWNER,NSEMS,CTIME",
        [SEGMENT] = "KEY,ID,PERMS,OWNER,SIZE,NATTCH,CPID,CTIME",
};

static struct ran list(int kind, const char *format)
{
        return RUN("lsipc", facilities[kind].option, "--time-format=iso", "-o", full_columns[kind], format);
}

/* Three objects of each kind, and how --export shows them. */
static const char *make_objects(int kind)
{
        for (int i = 0; i < 3; i++)
                (void)new_object(&mechanisms[kind], 0600 + i);
        const char *const exported = list(kind, "-e").out;
        REQUIRE(*exported);
        return exported;
}

/* ---- --export ---- */

TEST(export_quotes_each_value, VERIFIES(lsipc_export))
{
        need_util_linux("lsipc");
        for (int kind = QUEUE; kind <= SEGMENT; kind++) {
                key_t key;
                const int id = new_keyed(&mechanisms[kind], 0640, &key);
                const struct ran shown = RUN("lsipc", facilities[kind].option, "-e", "-o", "KEY,ID,PERMS");

                EQ(lsipc_export, shown.status, 0);
                HOLDS(lsipc_export, has_line(shown.out, "KEY=\"0x%08x\" ID=\"%d\" PERMS=\"rw-r-----\"",
                                             (unsigned)key, id));
                HOLDS(lsipc_export, !strstr(shown.out, "KEY ID"));
        }
        const int set = new_sems(3, 0600);
        HOLDS(lsipc_export, has_line(RUN("lsipc", "-s", "-e", "-o", "CTIME,NSEMS", "--time-format=full").out,
                                     "CTIME=\"%s\" NSEMS=\"3\"", calendar(stat_of(set).sem_ctime)));
}

TEST(export_escapes_what_a_shell_would_expand, VERIFIES(lsipc_export_escape))
{
        struct child maker;

        need_util_linux("lsipc");
        private_proc();
        const int segment = segment_of_program(&maker, "a\"b$c`d\\e\nf'g");
        const char *const command = field(RUN("lsipc", "-m", "-e").out, "ID", decimal(segment), "COMMAND"),
                          *const end = strstr(command, "a\\x22");
        if (HOLDS(lsipc_export_escape, end))
                READS(lsipc_export_escape, end, "%s", "a\\x22b\\x24c\\x60d\\x5ce\\x0af'g");
        kill_child(&maker);
}

TEST(shell_names_are_names_of_variables, VERIFIES(lsipc_shell))
{
        static const struct {
                const char *name;
        } options[] = {{"-y"}, {"--shell"}};

        need_util_linux("lsipc");
        EQ(lsipc_shell, has_field(RUN("lsipc", "-ge").out, "RESOURCE", "MSGMNI", "USE%"), true);
        EACH_ROW(option, options) {
                const char *line = RUN("lsipc", "-ge", option->name).out;
                int names = 0;

                /* Up to each equals sign; no value has one. */
                for (const char *equals = line; *equals; equals++) {
                        if (*equals != '=')
                                continue;
                        const char *name = equals;
                        while (name > line && name[-1] != ' ' && name[-1] != '\n')
                                name--;
                        names++;
                        HOLDS(lsipc_shell, !isdigit((unsigned char)*name));
                        EQ(lsipc_shell, strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"), equals - name);
                }
                EQ(lsipc_shell, names % 5, 0);
                HOLDS(lsipc_shell, names > 0);
        }
}

/* ---- the others ---- */

TEST(json_has_the_values_of_the_list, VERIFIES(lsipc_json))
{
        need_util_linux("lsipc");
        name_users();
        for (int kind = QUEUE; kind <= SEGMENT; kind++) {
                const char *const exported = make_objects(kind), *const lines = from_json(list(kind, "-J").out,
                                                                                         facilities[kind].json);

                if (HOLDS(lsipc_json, lines))
                        READS(lsipc_json, lines, "%s", exported);
        }
        const char *const limits = from_json(RUN("lsipc", "-J").out, "ipclimits");
        if (HOLDS(lsipc_json, limits))
                READS(lsipc_json, limits, "%s", RUN("lsipc", "-e").out);
        const int nameless = new_object_of(&mechanisms[SET], USER_C, 0600);
        HOLDS(lsipc_json, strstr(RUN("lsipc", "-s", "-J", "-o", "ID,USER").out, formatted("\"%d\"", nameless)));
        HOLDS(lsipc_json, strstr(RUN("lsipc", "-s", "-J", "-o", "ID,USER").out, "\"user\": null"));
}

TEST(newline_has_one_value_a_line, VERIFIES(lsipc_newline))
{
        need_util_linux("lsipc");
        name_users();
        for (int kind = QUEUE; kind <= SEGMENT; kind++) {
                const char *const exported = make_objects(kind), *const shown = list(kind, "-n").out;

                READS(lsipc_newline, from_newline(shown), "%s", exported);
                HOLDS(lsipc_newline, !strchr(shown, ' '));
        }
}

TEST(raw_has_single_spaces, VERIFIES(lsipc_raw))
{
        need_util_linux("lsipc");
        name_users();
        for (int kind = QUEUE; kind <= SEGMENT; kind++) {
                const char *const exported = make_objects(kind), *const shown = list(kind, "-r").out;

                READS(lsipc_raw, from_table(shown), "%s", exported);
                HOLDS(lsipc_raw, !strstr(shown, "  "));
        }
}

TEST(list_is_the_default, VERIFIES(lsipc_list))
{
        need_util_linux("lsipc");
        name_users();
        for (int kind = QUEUE; kind <= SEGMENT; kind++) {
                const char *const exported = make_objects(kind), *const shown = list(kind, "-l").out;

                READS(lsipc_list, from_table(shown), "%s", exported);
                READS(lsipc_list, list(kind, "--notruncate").out, "%s", shown);
        }
}

TEST(headings_can_be_left_out, VERIFIES(lsipc_noheadings))
{
        static const struct {
                const char *name;
        } formats[] = {{"-r"}, {"-l"}};

        need_util_linux("lsipc");
        for (int kind = QUEUE; kind <= SEGMENT; kind++) {
                (void)make_objects(kind);
                EACH_ROW(format, formats) {
                        const char *const with = list(kind, format->name).out,
                                   *const without = RUN("lsipc", facilities[kind].option, "--time-format=iso", "-o",
                                                        full_columns[kind], format->name, "--noheadings").out;
                        const char *const second = strchr(with, '\n');

                        REQUIRE(second && strncmp(with, "KEY", 3) == 0);
                        /* Without headings columns may be narrower. */
                        READS(lsipc_noheadings, from_table(formatted("%.*s\n%s", (int)(second - with), with, without)),
                              "%s", from_table(with));
                }
        }
}

/* ---- truncation ---- */

/* The output of a program whose standard output is a terminal so many columns wide. */
static const char *on_terminal(unsigned short columns, const char *const *argv)
{
        const struct winsize size = {.ws_row = 24, .ws_col = columns};
        const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
        char output[4096];
        size_t length = 0;
        struct child program;
        ssize_t n;

        if (terminal == -1 || grantpt(terminal) == -1 || unlockpt(terminal) == -1)
                UNSUPPORTED("a terminal (%s)", errno_name(errno));
        const char *const name = ptsname(terminal);
        const int side = name ? open(name, O_RDWR | O_NOCTTY) : -1;
        if (side == -1 || ioctl(terminal, TIOCSWINSZ, &size) == -1)
                UNSUPPORTED("a terminal (%s)", errno_name(errno));
        CHILD(&program) {
                dup2(side, 1);
                unsetenv("COLUMNS");
                MUST(execvp(argv[0], (char *const *)(uintptr_t)argv));
        }
        close(side);
        /* EIO once nobody has the other side. */
        while (length < sizeof(output) - 1 && (n = read(terminal, output + length, sizeof(output) - 1 - length)) > 0)
                length += (size_t)n;
        output[length] = '\0';
        (void)reap(&program);
        close(terminal);
        return formatted("%s", output);
}

#define ON_TERMINAL(columns, ...) on_terminal(columns, (const char *const[]){__VA_ARGS__, NULL})

TEST(values_are_cut_at_the_end_of_a_terminal_only, VERIFIES(lsipc_notruncate))
{
        const char *const word = "a-word-that-is-longer-than-a-line-of-sixty-columns-which-is-what-this-terminal-has";
        struct child maker;

        need_util_linux("lsipc");
        private_proc();
        (void)segment_of_program(&maker, word);
        const char *const cut = ON_TERMINAL(60, "lsipc", "-m", "-o", "ID,COMMAND");
        HOLDS(lsipc_notruncate, strstr(cut, "COMMAND"));
        HOLDS(lsipc_notruncate, !strstr(cut, word));
        HOLDS(lsipc_notruncate, strstr(ON_TERMINAL(60, "lsipc", "-m", "-o", "ID,COMMAND", "--notruncate"), word));
        HOLDS(lsipc_notruncate, strstr(RUN("lsipc", "-m", "-o", "ID,COMMAND").out, word));
        kill_child(&maker);
}
