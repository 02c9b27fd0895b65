/* SPDX-License-Identifier: MIT
 *
 * registry.c: the tests of this program. TEST() leaves a pointer in the section ipck_tests; compilers emit a section
 * in an order of their own, so sort by file and line.
 */
#include "internal.h"

extern const struct ipck_test *const __start_ipck_tests[] __attribute__((weak));
extern const struct ipck_test *const __stop_ipck_tests[] __attribute__((weak));
extern const struct ipck_role *const __start_ipck_roles[] __attribute__((weak));
extern const struct ipck_role *const __stop_ipck_roles[] __attribute__((weak));

/* The linker's bounds are no one object to the compiler: count in addresses. */
static size_t entries(const void *start, const void *stop)
{
        return ((uintptr_t)stop - (uintptr_t)start) / sizeof(void *);
}

static const char *const route_names[IPCK_ROUTES] = {[IPCK_LIBC] = "libc", [IPCK_RAW] = "raw", [IPCK_MUX] = "mux"};

/* conformance/sysv/sem/semop_wait.c becomes sysv.sem.semop_wait. */
static void set_id(struct ipck_case *c, bool variants)
{
        static const char root[] = "conformance/";
        const char *file = c->test->file;
        int length;

        if (strncmp(file, root, sizeof(root) - 1) == 0)
                file += sizeof(root) - 1;
        length = (int)strlen(file);
        if (length > 2 && strcmp(file + length - 2, ".c") == 0)
                length -= 2;
        snprintf(c->id, sizeof(c->id), "%.*s.%s%s%s", length, file, c->test->name, variants ? "." : "",
                 variants ? route_names[c->route] : "");
        for (int i = 0; i < length; i++)
                if (c->id[i] == '/')
                        c->id[i] = '.';
}

static int by_place(const void *a, const void *b)
{
        const struct ipck_case *x = a, *y = b;
        int order = strcmp(x->test->file, y->test->file);

        if (!order)
                order = (x->test->line > y->test->line) - (x->test->line < y->test->line);
        return order ? order : (int)x->route - (int)y->route;
}

/* Bit set of the routes by which the test runs. */
static unsigned routes_of(const struct ipck_test *test)
{
        if (!test->routes || test->one_route)
                return 1U << IPCK_LIBC;
        return test->kernel_alone ? 1U << IPCK_RAW : test->routes;
}

struct ipck_case *ipck_cases(size_t *count)
{
        size_t tests = entries(__start_ipck_tests, __stop_ipck_tests), n = 0;
        struct ipck_case *cases = calloc(tests * IPCK_ROUTES + 1, sizeof(*cases));

        if (!cases)
                ipck_fatal("out of memory");
        for (size_t i = 0; i < tests; i++) {
                const struct ipck_test *test = __start_ipck_tests[i];
                size_t declared = 0;
                while (test->verifies[declared] != IPCK_REQUIREMENTS)
                        declared++;
                if (declared > MAX_DECLARED)
                        ipck_fatal("%s:%d: %zu requirements in one test, %d at most", test->file, test->line, declared,
                                   MAX_DECLARED);
                for (enum ipck_route route = 0; route < IPCK_ROUTES; route++)
                        if (routes_of(test) & 1U << route) {
                                cases[n] = (struct ipck_case){.test = test, .route = route};
                                set_id(&cases[n++], test->routes && !test->one_route);
                        }
        }
        qsort(cases, n, sizeof(*cases), by_place);
        *count = n;
        return cases;
}

void ipck_list(FILE *out, const struct ipck_case *cases, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                const enum ipck_requirement *r = cases[i].test->verifies;
                fprintf(out, "%s\t%s:%d\t", cases[i].id, cases[i].test->file, cases[i].test->line);
                for (const char *comma = ""; *r != IPCK_REQUIREMENTS; r++, comma = ",")
                        fprintf(out, "%s%s", comma, ipck_requirement_ids[*r]);
                if (ipck_options.watch)
                        fprintf(out, ",%s", ipck_requirement_ids[kernel_no_report]);
                fputc('\n', out);
        }
}

const struct ipck_role *ipck_find_role(const char *name)
{
        const size_t roles = entries(__start_ipck_roles, __stop_ipck_roles);

        for (size_t i = 0; i < roles; i++)
                if (strcmp(__start_ipck_roles[i]->name, name) == 0)
                        return __start_ipck_roles[i];
        return NULL;
}
