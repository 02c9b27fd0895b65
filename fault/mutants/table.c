/* SPDX-License-Identifier: MIT
 *
 * table.c: the table of mutants.def.
 */
#include "mutants.h"

#define MUTANT(name, call, what, violates) static const enum ipck_requirement name##_violates[] = violates;
#include "mutants.def"
#undef MUTANT

#define MUTANT(name, call, what, violates)                                                      \
        {#name, CALL_##call, what, name##_violates, sizeof(name##_violates) / sizeof(*name##_violates)},
const struct mutant mutants[MUTANTS] = {
#include "mutants.def"
};
