/* SPDX-License-Identifier: MIT
 *
 * table.c: the table of mutants.def.
 */
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mutants.h"

/* A call that there is not does not compile. */
#define MUTANT(name, call, what, violates)                                                      \
        static const enum ipck_requirement name##_violates[] = violates;                        \
        _Static_assert(sizeof(&(call)) == sizeof(void (*)(void)), #call);
#include "mutants.def"
#undef MUTANT

#define MUTANT(name, call, what, violates)                                                      \
        {#name, #call, what, name##_violates, sizeof(name##_violates) / sizeof(*name##_violates)},
const struct mutant mutants[MUTANTS] = {
#include "mutants.def"
};
