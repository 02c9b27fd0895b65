/* SPDX-License-Identifier: MIT
 *
 * ipck_ipcrm.h: what tests of ipcrm and ipcmk share: their words for the three mechanisms, and verdicts on how a
 * program ended. The programs are no calls of a C library: their tests have no variants.
 */
#ifndef IPCK_IPCRM_H
#define IPCK_IPCRM_H

#include "ipck_mechanism.h"
#include "ipck_tool.h"

#undef IPCK_FILE_AVAILABLE
#define IPCK_FILE_AVAILABLE ipck_tables_available
#undef IPCK_FILE_ROUTES
#define IPCK_FILE_ROUTES 0

/* How ipcrm and ipcmk call a mechanism. */
struct words {
        const char *id, *key;                   /* options of ipcrm: "-q", "-Q" */
        const char *long_id, *long_key;         /* "--queue-id", "--queue-key" */
        const char *kind;                       /* for --all, and in the old syntax: "msg" */
        const char *made;                       /* what ipcmk prints: "Message queue id: " */
};
const struct words *words_of(const struct mechanism *m);

/* SUCCEEDS(req, RUN(..)): exit status 0, and nothing is written. */
#define SUCCEEDS(req, run) ipck_succeeds(IPCK_HERE, req, #run, run)

/* COMPLAINS(req, RUN(..)): an exit status above 0 that is the program's own, a diagnostic on standard error and nothing
 * on standard output. */
#define COMPLAINS(req, run) ipck_complains(IPCK_HERE, req, #run, run)

/* COMPLAINS, and the diagnostic has this in it. */
#define COMPLAINS_OF(req, what, run) ipck_complains_of(IPCK_HERE, req, #run, what, run)

/* PRINTS(req, output, RUN(..)): exit status 0, exactly this output, and nothing on standard error. */
#define PRINTS(req, output, run) ipck_prints(IPCK_HERE, req, #run, output, run)

/* new_object() with a key that nothing has. */
int new_object_with(const struct mechanism *m, key_t key, int mode);

/* Whether the identifier names an object, and whether the key does: for verdict arguments. */
bool exists(const struct mechanism *m, int id);
bool key_exists(const struct mechanism *m, key_t key);

/* One object of each mechanism, all with the same identifier; UNSUPPORTED where that cannot be had. */
void new_objects_with_one_id(int id[3]);

/* How many objects of the mechanism there are in the namespace. */
int objects_of(const struct mechanism *m);

/* For a test of ipcmk: a namespace in which nothing exists, and an object of each kind can be made. UNSUPPORTED where
 * there is no ipcmk of util-linux. */
void need_room_for_ipcmk(void);

/* The identifier behind "Message queue id: " and so on, in a line of ipcmk's output; -1 where there is none. */
int id_printed(const struct mechanism *m, const char *output);

/* Gives up all privileges, those of programs that this process starts included, and stays who it is. */
void drop_privileges_for_good(void);

/* ---- what the macros call ---- */

void ipck_succeeds(struct ipck_here, enum ipck_requirement, const char *expression, struct ran);
void ipck_complains(struct ipck_here, enum ipck_requirement, const char *expression, struct ran);
void ipck_complains_of(struct ipck_here, enum ipck_requirement, const char *expression, const char *what, struct ran);
void ipck_prints(struct ipck_here, enum ipck_requirement, const char *expression, const char *output, struct ran);

#endif
