/* SPDX-License-Identifier: MIT
 *
 * points.c: prints the table of calls.def, as JSON for programs or as a page of documentation.
 *
 *      ipck-points --json | --markdown
 */
#include <stdio.h>
#include <string.h>

#include "calls.h"

static void list(const char *begin, const char *words, const char *end)
{
        printf("%s", begin);
        for (const char *separator = "\""; *words; separator = ", \"") {
                const size_t length = strcspn(words, " ");
                printf("%s%.*s\"", separator, (int)length, words);
                words += length + (words[length] == ' ');
        }
        printf("%s", end);
}

static void json(void)
{
        printf("{\"calls\": [");
        for (size_t i = 0; i < CALLS; i++) {
                const struct call *const c = &calls[i];
                printf("%s\n  {\"name\": \"%s\", \"point\": \"%s\", \"type\": \"%s\", \"parameters\": \"%s\", ", i ? "," : "",
                       c->name, c->point, c->type, c->parameters);
                printf("\"failure\": \"%s\", \"waits\": %s, \"variadic\": %s, ", c->failure, c->waits ? "true" : "false",
                       c->variadic ? "true" : "false");
                list("\"interfaces\": [", c->interfaces, "], ");
                printf("\"errors\": {");
                for (size_t e = 0; e < c->errors_count; e++)
                        printf("%s\"%s\": %d", e ? ", " : "", c->errors[e].name, c->errors[e].number);
                printf("}, \"aliases\": [");
                const char *separator = "";
                for (size_t a = 0; a < call_aliases_count; a++) {
                        if (call_aliases[a].call != i)
                                continue;
                        printf("%s\"%s\"", separator, call_aliases[a].symbol);
                        separator = ", ";
                }
                printf("]}");
        }
        printf("\n]}\n");
}

static void markdown(void)
{
        puts("| point | call | fails with | error numbers |\n|---|---|---|---|");
        for (size_t i = 0; i < CALLS; i++) {
                const struct call *const c = &calls[i];
                printf("| %s | %s %s%s | %s |", c->point, c->type, c->name, c->parameters, c->failure);
                for (size_t e = 0; e < c->errors_count; e++)
                        printf(" %s", c->errors[e].name);
                puts(" |");
        }
}

int main(int argc, char **argv)
{
        if (argc == 2 && strcmp(argv[1], "--json") == 0)
                json();
        else if (argc == 2 && strcmp(argv[1], "--markdown") == 0)
                markdown();
        else {
                fprintf(stderr, "usage: %s --json|--markdown\n", argv[0]);
                return 2;
        }
        return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 2;
}
