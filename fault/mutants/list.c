/* SPDX-License-Identifier: MIT
 *
 * list.c: prints the table of mutants as JSON, with the layout of a struct reached.
 */
#include <stdio.h>

#include "mutants.h"

int main(void)
{
        printf("{\"record\": {\"size\": %zu, \"test\": %zu, \"mutants\": %zu}, \"mutants\": [", sizeof(struct reached),
               offsetof(struct reached, test), offsetof(struct reached, mutants));
        for (size_t i = 0; i < MUTANTS; i++) {
                const struct mutant *const m = &mutants[i];
                printf("%s\n  {\"name\": \"%s\", \"call\": \"%s\", \"what\": \"%s\", \"violates\": [",
                       i ? "," : "", m->name, m->call, m->what);
                for (size_t v = 0; v < m->violates_count; v++)
                        printf("%s\"%s\"", v ? ", " : "", ipck_requirement_ids[m->violates[v]]);
                printf("]}");
        }
        printf("\n]}\n");
        return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 2;
}
