/* SPDX-License-Identifier: MIT
 *
 * ipck_listing.h: what ipcs and lsipc write, taken apart, for tests that compare it with the objects. Those are made by
 * the C library's calls alone: here the programs are under test.
 */
#ifndef IPCK_LISTING_H
#define IPCK_LISTING_H

#include "ipck_mechanism.h"
#include "ipck_tool.h"

#undef IPCK_FILE_AVAILABLE
#define IPCK_FILE_AVAILABLE ipck_tables_available
#undef IPCK_FILE_ROUTES
#define IPCK_FILE_ROUTES 0

/* ---- tables of words ---- */

/* The word below a heading, in the line that has that key below the heading of keys; the header is the last line before
 * it that has both. "" where there is none. */
const char *cell(const char *output, const char *key_heading, const char *key, const char *heading);

/* Whether a line consists of these words, however much space is between them; and how many lines have the word. */
bool has_line(const char *output, const char *format, ...) __attribute__((format(printf, 2, 3)));
int lines_with(const char *output, const char *word);

/* What follows the label to the end of the line, a tab or a comma, without space around it; the label is at the start
 * of a line or behind space. "" where there is none. */
const char *value_of(const char *output, const char *label);

/* ---- lines of NAME="value", as lsipc --export writes them ---- */

/* The value in the line in which the key has that value, "" where there is none; and whether that line has the name. */
const char *field(const char *lines, const char *key_name, const char *key, const char *name);
bool has_field(const char *lines, const char *key_name, const char *key, const char *name);

/* The other formats of lsipc in that form: JSON with a table of that name, one value a line, a header and values that
 * single spaces or more separate. NULL where the text is something else. */
const char *from_json(const char *output, const char *table);
const char *from_newline(const char *output);
const char *from_table(const char *output);

/* ---- objects ---- */

/* Letter, options and headings of each mechanism, in the order of mechanisms[]. */
struct facility {
        const char *name, *option, *long_option;
        const char *id_heading;                 /* util-linux's */
        const char *posix_name, *posix_type;
        const char *json;                       /* lsipc's name of the table */
};
extern const struct facility facilities[3];

/* An object with a key whose first hexadecimal digit is not 0: programs may write leading zeros or not. */
int new_keyed(const struct mechanism *m, int mode, key_t *key);

/* A segment that another program created, which stays until it is killed: the text is its last argument. */
int segment_of_program(struct child *maker, const char *argument);

/* "Fri Nov 27 10:23:03 2026" as ctime(3) writes it, but for the line's end; "Not set" for 0. In UTC. */
const char *calendar(time_t when);

/* UNSUPPORTED where there is no /proc/sysvipc: for what the programs cannot find out without. */
void need_proc_sysvipc(void);

/* Replaces the databases of users and groups in the test's mount namespace: the test's own user is "ipckme", USER_A and
 * its GROUP_A are "ipcka" and "ipckga", USER_B and GROUP_B "ipck-long-name-b" and "ipck-long-group-b"; USER_C and
 * GROUP_C have no name. UNSUPPORTED where it may not. */
void name_users(void);

#endif
