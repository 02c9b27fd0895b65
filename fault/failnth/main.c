/* SPDX-License-Identifier: MIT
 *
 * ipck-failnth: lets the 1st, 2nd .. step inside the kernel that can fail do so, in each IPC call in the states that
 * matter, until none is left; and tells as JSON lines what became of the call and of everything else. Needs a kernel
 * with fault injection and debugfs, and the rights of root.
 *
 *      ipck-failnth [--own-clock] [--deadline=SECONDS] [--from=NAME:N] [NAME[:N]]...
 *      ipck-failnth --list
 *
 * NAME is a shell pattern; with N only that step is failed. --from goes on where a run before was cut: at step N of the
 * operation NAME. --own-clock says that the machine is a guest of its own: its clock is put on before each call, or a
 * stamp that a failed call leaves would not show within the second.
 *
 *      {"type": "run", "schema": 1, "release", "kinds": [..], "lacks": [..]}, then for each step
 *      {"type": "start", "operation", "n"}
 *      {"type": "step", "operation", "call", "errors": [..], "n", "kind", "path", "outcome", "error", "problems": [..]}
 *      and for each operation whose steps were all failed
 *      {"type": "operation", "operation", "steps"}; at last
 *      {"type": "end", "problems": [..]}
 *
 * `n` 0 is the call without a fault, with which the others are compared. `kind` is the kernel's name of the fault,
 * `path` the functions on the way to it, as far as the kernel tells. `outcome` is succeeded, failed (with `error`),
 * hung, died or undecided (with the reason as `error`). `errors` are legal beside those of fault/calls.def. A problem is
 * "KIND: detail", with the kind state (other objects or processes than before a call that failed), leak, again (the
 * call, made again, does otherwise), effect (it leaves another state than usual), end (of the caller), kernel (it
 * complained) or exit (something is left when the namespaces are gone).
 * Exit status: 0, or 2 when it cannot be done.
 */
#include <errno.h>
#include <fnmatch.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "failnth.h"

enum { MOST_STEPS = 500 };

void refuse(const char *format, ...)
{
        va_list arguments;

        fflush(stdout);
        fputs("ipck-failnth: ", stderr);
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fputs("\n", stderr);
        exit(2);
}

/* ---- JSON ---- */

static void print_string(const char *text, size_t length)
{
        putchar('"');
        for (size_t i = 0; i < length; i++) {
                const unsigned char c = (unsigned char)text[i];
                if (c == '"' || c == '\\')
                        printf("\\%c", c);
                else if (c < ' ' || c >= 127)
                        printf("\\u%04x", c);
                else
                        putchar(c);
        }
        putchar('"');
}

/* The pieces of the text between the separators, as a list. */
static void print_list(const char *text, const char *separators)
{
        const char *comma = "";

        putchar('[');
        while (*(text += strspn(text, separators))) {
                const size_t length = strcspn(text, separators);
                fputs(comma, stdout);
                print_string(text, length);
                comma = ", ";
                text += length;
        }
        putchar(']');
}

static void print_member(const char *name, const char *value)
{
        printf(", \"%s\": ", name);
        print_string(value, strlen(value));
}

/* ---- steps ---- */

static const char *outcome(enum ended ended)
{
        if (ended == HUNG)
                return "hung";
        if (ended == DIED)
                return "died";
        if (world->undecided[0])
                return "undecided";
        return world->result.error ? "failed" : "succeeded";
}

static void print_step(const struct operation *operation, unsigned n, const char *kind, const char *path,
                       enum ended ended)
{
        const int error = world->result.error;
        char call[64];

        snprintf(call, sizeof(call), "%.*s", (int)strcspn(operation->name, "."), operation->name);
        printf("{\"type\": \"step\"");
        print_member("operation", operation->name);
        print_member("call", call);
        printf(", \"errors\": ");
        print_list(operation->errors ? operation->errors : "", " ");
        printf(", \"n\": %u", n);
        print_member("kind", kind);
        print_member("path", path);
        print_member("outcome", outcome(ended));
        print_member("error", world->undecided[0] ? world->undecided : error ? errno_name(error) : "");
        printf(", \"problems\": ");
        print_list(world->problem, "\n");
        printf("}\n");
        fflush(stdout);
}

static const char *kind_of(const unsigned before[KINDS])
{
        unsigned after[KINDS];

        count_faults(after);
        for (unsigned kind = 0; kind < KINDS; kind++)
                if (after[kind] > before[kind])
                        return kinds[kind];
        return "";
}

static void print_start(const struct operation *operation, unsigned n)
{
        printf("{\"type\": \"start\"");
        print_member("operation", operation->name);
        printf(", \"n\": %u}\n", n);
        fflush(stdout);
}

/* What is there when no world is. */
static struct gauge lasting;

/* How many steps so far of the operation were pages. Where a call is made often, they are left out: how many it needs
 * depends on what the calls before it have left. */
static unsigned page_steps;

/* What only one world can show, and then what only many failures can. */
static void judge_step(const struct operation *operation, unsigned n, const char *kind, const struct world *usual)
{
        const bool whole = world->made_again, is_page = strcmp(kind, kinds[PAGES]) == 0;

        if (!strstr(world->problem, "state: ") && !strstr(world->problem, "end: "))
                compare_worlds(operation, usual);
        if (whole && !world->problem[0]) {
                char detail[DETAIL];
                fail_pages(is_page);
                if (run_world(operation, is_page ? n : n - page_steps, LEAKS) != DONE)
                        wrong("again", "made often, it does not end");
                fail_pages(true);
                if (!all_gone(&lasting, detail, sizeof(detail)))
                        measure_lasting(&lasting);
        }
        page_steps += is_page;
}

/* Whether a world leaves something behind: twice, since a slab of another size than usual looks like it once. */
static bool lasts(const struct operation *operation, unsigned n, char *detail, size_t size)
{
        static struct world judged;

        if (all_gone(&lasting, detail, size))
                return false;
        judged = *world;
        measure_lasting(&lasting);
        run_world(operation, n, JUDGE);
        *world = judged;
        const bool yes = !all_gone(&lasting, detail, size);
        measure_lasting(&lasting);
        return yes;
}

/* Whether there may be another step. */
static bool fail_step(const struct operation *operation, unsigned n, const struct world *usual)
{
        char path[PATH], complaints[DETAIL], detail[DETAIL];
        unsigned counts[KINDS];

        print_start(operation, n);
        count_faults(counts);
        world->problem[0] = '\0';
        world->answered = 0;
        world->fired = world->made_again = false;
        const enum ended ended = run_world(operation, n, JUDGE);
        const char *const kind = n ? kind_of(counts) : "";
        const bool decided = ended == DONE && !world->undecided[0];
        read_log(path, complaints);
        if (operation->ends)
                world->fired = kind[0] != '\0';
        if (n > 0 && !world->fired && decided)
                return false;
        if (complaints[0])
                wrong("kernel", "%s", complaints);
        if (ended == HUNG)
                measure_lasting(&lasting);
        else if (lasts(operation, n, detail, sizeof(detail)))
                wrong("exit", "when the namespaces are gone there is more: %s", detail);
        if (n > 0 && decided)
                judge_step(operation, n, kind, usual);
        print_step(operation, n, kind, n ? path : "", ended);
        return n < MOST_STEPS;
}

/* From step n on, or that one alone. */
static void torture(const struct operation *operation, unsigned n, bool alone)
{
        static struct world usual;

        page_steps = 0;
        fail_step(operation, 0, NULL);
        usual = *world;
        if (usual.undecided[0])
                return;
        if (alone) {
                if (!fail_step(operation, n, &usual))
                        refuse("%s has no step %u that can fail", operation->name, n);
                return;
        }
        while (fail_step(operation, n, &usual))
                n++;
        printf("{\"type\": \"operation\"");
        print_member("operation", operation->name);
        printf(", \"steps\": %u}\n", n - 1);
        fflush(stdout);
}

/* ---- the command line ---- */

struct choice {
        char name[128];
        unsigned n;                     /* 0: all steps */
};

/* NAME[:N] */
static struct choice read_choice(const char *text)
{
        struct choice choice = {.n = 0};
        const char *const colon = strchr(text, ':');

        snprintf(choice.name, sizeof(choice.name), "%.*s", (int)strcspn(text, ":"), text);
        if (colon) {
                char *end;
                const unsigned long n = strtoul(colon + 1, &end, 10);
                if (*end || colon[1] < '0' || colon[1] > '9' || n == 0 || n > MOST_STEPS)
                        refuse("%s: write NAME:N, with a step from 1 to %d", text, MOST_STEPS);
                choice.n = (unsigned)n;
        }
        return choice;
}

/* Whether the operation is wanted, and which step of it alone, 0 for all. */
static bool wanted(const struct operation *operation, char **texts, unsigned *n)
{
        *n = 0;
        for (char **text = texts; *text; text++) {
                const struct choice choice = read_choice(*text);
                *n = choice.n;
                if (fnmatch(choice.name, operation->name, 0) == 0)
                        return true;
        }
        return !*texts;
}

static unsigned each(char **texts, const char *from,
                     void (*body)(const struct operation *operation, unsigned n, bool alone))
{
        const struct choice first = read_choice(from ? from : "");
        bool reached = !from;
        unsigned count = 0;

        for (size_t f = 0; f < families_count; f++)
                for (size_t i = 0; i < families[f]->count; i++) {
                        const struct operation *const operation = &families[f]->operations[i];
                        unsigned n, begin = 1;
                        if (!wanted(operation, texts, &n))
                                continue;
                        count++;
                        if (!reached && strcmp(operation->name, first.name) != 0)
                                continue;
                        if (!reached)
                                begin = first.n;
                        reached = true;
                        if (n == 0 || n >= begin)
                                body(operation, n ? n : begin, n > 0);
                }
        if (!reached)
                refuse("--from=%s: there is no such operation", from);
        return count;
}

static void print_name(const struct operation *operation, unsigned n, bool alone)
{
        (void)n;
        (void)alone;
        puts(operation->name);
}

static const char *value_of(const char *argument, const char *option)
{
        const size_t length = strlen(option);

        return strncmp(argument, option, length) == 0 ? argument + length : NULL;
}

static void start(void)
{
        struct utsname name;

        if (geteuid() != 0)
                refuse("only root can do this");
        if (unshare(CLONE_NEWNS) == -1 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
                refuse("a mount namespace: %s", strerror(errno));
        start_engine();
        world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (world == MAP_FAILED)
                refuse("mmap: %s", strerror(errno));
        uname(&name);
        printf("{\"type\": \"run\", \"schema\": 1");
        print_member("release", name.release);
        printf(", ");
        describe_engine(stdout);
        printf("}\n");
        fflush(stdout);
}

int main(int argc, char **argv)
{
        char **texts = argv + 1;
        const char *from = NULL, *value;
        bool list = false;

        (void)argc;
        signal(SIGPIPE, SIG_DFL);
        for (; *texts && strncmp(*texts, "--", 2) == 0; texts++) {
                if ((value = value_of(*texts, "--from=")))
                        from = value;
                else if ((value = value_of(*texts, "--deadline=")) && atoi(value) > 0)
                        deadline = (unsigned)atoi(value);
                else if (strcmp(*texts, "--own-clock") == 0)
                        own_clock = true;
                else if (strcmp(*texts, "--list") == 0)
                        list = true;
                else
                        refuse("%s is not understood", *texts);
        }
        if (from && read_choice(from).n == 0)
                refuse("--from=%s: write NAME:N", from);
        if (list)
                return each(texts, NULL, print_name) ? 0 : 2;
        start();
        forget_leaks();
        measure_lasting(&lasting);
        if (each(texts, from, torture) == 0)
                refuse("there is no such operation: --list shows all");
        world->problem[0] = '\0';
        char detail[DETAIL];
        if (find_leaks(detail, sizeof(detail)))
                wrong("leak", "kmemleak: %s", detail);
        printf("{\"type\": \"end\", \"problems\": ");
        print_list(world->problem, "\n");
        printf("}\n");
        return fflush(stdout) == 0 ? 0 : 2;
}
