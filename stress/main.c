/* SPDX-License-Identifier: MIT
 *
 * main.c: the command line of ipck-stress, and the workloads one after the other. WORKLOAD() leaves a pointer in the
 * section stress_workloads; compilers emit a section in an order of their own, so sort by name.
 *
 * On standard output one JSON object a line:
 *   {"type":"stress","generation":N,"seed":N,"workloads":N,"deadline":S}      first; a workload takes S seconds at most
 *   {"type":"start","workload":NAME}                              it begins
 *   {"type":"workload","name","seed","operations","seconds","histories","measured":{NAME:NUMBER},
 *    "violations":[{"requirement","count","text","details"}],
 *    "error":"..", "skipped":".."}                               what it did; error and skipped where they apply
 *   {"type":"operation","call","result"}                          with --trace
 *   {"type":"resources","cycle":N,"seed":N,"used":{NAME:NUMBER}}  with --soak, after each cycle
 *   {"type":"end"}                                               last
 */
#include <ctype.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "../conformance/lib/internal.h"
#include "resources.h"
#include "stress.h"

static const char usage[] =
        "usage: %s [OPTION]... WORKLOAD...\n"
        "Runs workloads (shell globs on their names; --list shows them), each in namespaces of its own, and prints what\n"
        "they found as JSON lines.\n"
        "  --list            print name, place and purpose of each workload and run none\n"
        "  --seed N          seed of all choices (1)\n"
        "  --seconds S       what each workload may take (2)\n"
        "  --operations N    end each after so many operations, however long they take\n"
        "  --soak S          do it all again, with the seeds that follow, until S seconds are over\n"
        "  --processes N     processes of a workload that lets one choose\n"
        "  --trace           print each operation and its result, and do not judge them\n"
        "  --waive ID        do not demand this requirement (semop.eagain.dec); may be given again\n"
        "  --time-scale X    multiply deadlines and patience by X, for slow machines and emulators (1)\n"
        "  --prepare SPEC    prepare the namespace of each workload, as for ipck-tests; may be given again\n"
        "  --shared-mounts   run also where no mounts can be private, in a sandbox in which nothing else runs\n"
        "Exit status: 0 no violation, 1 a requirement is violated, 2 something could not be decided.\n";

struct stress_options stress_options = {.seed = 1, .seconds = 2, .time_scale = 1};

/* ---- what a workload reports ---- */

enum { MOST_VIOLATIONS = 64, MOST_MEASURED = 16 };

static struct results {
        _Alignas(8) _Atomic uint64_t operations;
        _Alignas(8) _Atomic uint64_t histories;
        int64_t end;                            /* of its time, on CLOCK_MONOTONIC */
        _Atomic unsigned violation_of[IPCK_REQUIREMENTS];       /* its number + 1 */
        _Atomic unsigned violations, measurements;
        struct {
                _Atomic int complete;
                _Atomic unsigned count;
                enum ipck_requirement requirement;
                char text[512], details[MOST_DETAILS];
        } violation[MOST_VIOLATIONS];
        struct {
                const char *name;
                double value;
        } measured[MOST_MEASURED];
} *results;

void count_operations(uint64_t number)
{
        atomic_fetch_add_explicit(&results->operations, number, memory_order_relaxed);
}

void count_histories(uint64_t number)
{
        atomic_fetch_add_explicit(&results->histories, number, memory_order_relaxed);
}

bool violated(enum ipck_requirement requirement)
{
        return atomic_load(&results->violation_of[requirement]) != 0;
}

void violation(enum ipck_requirement requirement, const char *details, const char *format, ...)
{
        va_list args;
        unsigned none = 0;
        static const unsigned claimed = MOST_VIOLATIONS + 1;

        if (!atomic_compare_exchange_strong(&results->violation_of[requirement], &none, claimed)) {
                if (none <= MOST_VIOLATIONS)
                        results->violation[none - 1].count++;
                return;
        }
        const unsigned n = atomic_fetch_add(&results->violations, 1);
        if (n >= MOST_VIOLATIONS)
                return;
        results->violation[n].requirement = requirement;
        results->violation[n].count = 1;
        va_start(args, format);
        vsnprintf(results->violation[n].text, sizeof(results->violation[n].text), format, args);
        va_end(args);
        snprintf(results->violation[n].details, MOST_DETAILS, "%s", details);
        atomic_store(&results->violation[n].complete, 1);
        atomic_store(&results->violation_of[requirement], n + 1);
}

void measured(const char *name, double value)
{
        const unsigned n = atomic_fetch_add(&results->measurements, 1);

        if (n < MOST_MEASURED) {
                results->measured[n].name = name;
                results->measured[n].value = value;
        }
}

void measured_speed(const _Atomic uint64_t operations[2], const _Atomic uint64_t nanoseconds[2], unsigned side_by_side)
{
        if (!nanoseconds[0] || !nanoseconds[1])
                return;
        const double unchecked = (double)operations[0] / (double)nanoseconds[0];
        const double checked = (double)operations[1] / (double)nanoseconds[1];
        measured("checked_per_second", checked * 1e9 * side_by_side);
        measured("unchecked_per_second", unchecked * 1e9 * side_by_side);
        measured("speed_beside_unchecked", checked / unchecked);
}

bool more_time(void)
{
        if (stress_options.operations)
                return atomic_load_explicit(&results->operations, memory_order_relaxed) < stress_options.operations;
        return monotonic_ns() < results->end;
}

void trace(const char *call, const char *result)
{
        fputs("{\"type\":\"operation\",\"call\":", stdout);
        ipck_json_string(stdout, call);
        fputs(",\"result\":", stdout);
        ipck_json_string(stdout, result);
        fputs("}\n", stdout);
        fflush(stdout);         /* nothing is left to be written a second time by a process that is made next */
}

/* ---- running one ---- */

static const struct workload *running;

static void run_body(void)
{
        results->end = monotonic_ns() + (int64_t)(stress_options.seconds * 1e9);
        running->body();
}

static void *shared_zeros(size_t size)
{
        void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (memory == MAP_FAILED)
                ipck_fatal("memory for results: %s", strerror(errno));
        return memory;
}

/* Lets the processes of the sandbox come to an end, or ends them; false where they had to be ended for their time. */
static bool finish(pid_t init, int stop, double seconds)
{
        struct pollfd end = {.fd = stop, .events = POLLIN};
        int ready;

        do {
                ready = poll(&end, 1, (int)(seconds * 1e3));
        } while (ready == -1 && errno == EINTR);
        kill(init, SIGKILL);
        while (waitpid(init, NULL, 0) == -1 && errno == EINTR) {
        }
        return ready > 0;
}

static void print_member(const char *name, const char *text)
{
        printf(",\"%s\":", name);
        ipck_json_string(stdout, text);
}

static void print_results(const char *error, double seconds)
{
        const char *comma = "";

        fputs("{\"type\":\"workload\",\"name\":", stdout);
        ipck_json_string(stdout, running->name);
        printf(",\"seed\":%" PRIu64 ",\"operations\":%" PRIu64 ",\"seconds\":%.3f,\"histories\":%" PRIu64 ",\"measured\":{",
               stress_options.seed, results->operations, seconds, results->histories);
        for (unsigned i = 0; i < results->measurements && i < MOST_MEASURED; i++, comma = ",") {
                fputs(comma, stdout);
                ipck_json_string(stdout, results->measured[i].name);
                printf(":%.6g", results->measured[i].value);
        }
        fputs("},\"violations\":[", stdout);
        comma = "";
        for (unsigned i = 0; i < results->violations && i < MOST_VIOLATIONS; i++, comma = ",") {
                if (!results->violation[i].complete)
                        continue;
                printf("%s{\"requirement\":\"%s\",\"count\":%u", comma,
                       ipck_requirement_ids[results->violation[i].requirement], results->violation[i].count);
                print_member("text", results->violation[i].text);
                print_member("details", results->violation[i].details);
                putchar('}');
        }
        putchar(']');
        if (ipck_state->skipped)
                print_member("skipped", ipck_state->skip);
        if (*error)
                print_member("error", error);
        fputs("}\n", stdout);
}

/* Seconds that a workload may take, whatever it does. */
static double longest(void)
{
        return stress_options.seconds * 2 + 60 * stress_options.time_scale;
}

/* Runs it and prints what it reports; the exit status that follows from it. */
static int run(const struct workload *workload)
{
        const double deadline = longest();
        const struct ipck_test test = {.file = workload->file, .line = workload->line, .name = workload->name,
                                       .body = run_body, .verifies = VERIFIES(IPCK_REQUIREMENTS)};
        struct ipck_case which = {.test = &test};
        char error[700] = "";
        int stop[2];

        running = workload;
        snprintf(which.id, sizeof(which.id), "stress.%s", workload->name);
        results = shared_zeros(sizeof(*results));
        ipck_state = shared_zeros(sizeof(*ipck_state));
        ipck_running = &test;
        if (pipe2(stop, O_CLOEXEC) == -1)
                ipck_fatal("pipe: %s", strerror(errno));
        fputs("{\"type\":\"start\",\"workload\":", stdout);
        ipck_json_string(stdout, workload->name);
        fputs("}\n", stdout);
        fflush(stdout);
        const double start = ipck_seconds();
        const pid_t init = ipck_sandbox(&which, STDOUT_FILENO, stop[1]);
        if (init == -1)
                ipck_fatal("new PID, IPC and mount namespaces: %s", strerror(errno));
        close(stop[1]);
        const bool in_time = finish(init, stop[0], deadline);
        close(stop[0]);
        if (!in_time)
                snprintf(error, sizeof(error), "still running after %.0f seconds", deadline);
        else if (ipck_state->unresolved)
                snprintf(error, sizeof(error), "%s", ipck_state->error);
        else if (!ipck_state->finished && !ipck_state->skipped && !results->violations && !ipck_state->body_reaped)
                snprintf(error, sizeof(error), "process 1 of its PID namespace ended before it");
        else if (!ipck_state->finished && !ipck_state->skipped && !results->violations)
                snprintf(error, sizeof(error), "ended with wait status %#x", (unsigned)ipck_state->body_status);
        print_results(error, ipck_seconds() - start);
        fflush(stdout);
        const int status = results->violations ? 1 : *error ? 2 : 0;
        munmap(results, sizeof(*results));
        munmap(ipck_state, sizeof(*ipck_state));
        return status;
}

/* ---- the command line ---- */

extern const struct workload *const __start_stress_workloads[] __attribute__((weak));
extern const struct workload *const __stop_stress_workloads[] __attribute__((weak));

static int by_name(const void *a, const void *b)
{
        const struct workload *const *x = a, *const *y = b;

        return strcmp((*x)->name, (*y)->name);
}

static const struct workload **all_workloads(size_t *count)
{
        /* The linker's bounds are no one object to the compiler: count in addresses. */
        *count = ((uintptr_t)__stop_stress_workloads - (uintptr_t)__start_stress_workloads) / sizeof(void *);
        const struct workload **all = calloc(*count + 1, sizeof(*all));

        if (!all)
                ipck_fatal("out of memory");
        for (size_t i = 0; i < *count; i++)
                all[i] = __start_stress_workloads[i];
        qsort(all, *count, sizeof(*all), by_name);
        return all;
}

static double number(const char *option, const char *text)
{
        char *end;
        const double value = strtod(text, &end);

        if (end == text || *end || !(value > 0) || value > 1e9)
                ipck_fatal("--%s: '%s' is not a number above 0", option, text);
        return value;
}

static uint64_t whole(const char *option, const char *text)
{
        char *end;

        errno = 0;
        const uint64_t value = strtoull(text, &end, 0);
        if (!isdigit((unsigned char)*text) || *end || errno)
                ipck_fatal("--%s: '%s' is not a whole number", option, text);
        return value;
}

static void waive(const char *id)
{
        for (int r = 0; r < IPCK_REQUIREMENTS; r++)
                if (strcmp(ipck_requirement_ids[r], id) == 0) {
                        stress_options.waived[r / 64] |= 1ULL << r % 64;
                        return;
                }
        ipck_fatal("--waive: the catalogue has no requirement '%s'", id);
}

static void prepare(const char *spec)
{
        ipck_check_preparation(spec);
        if (ipck_options.preparations == MAX_PREPARATIONS)
                ipck_fatal("--prepare: more than %d of them", MAX_PREPARATIONS);
        ipck_options.prepare[ipck_options.preparations++] = spec;
}

static double soak;                     /* seconds; 0: each workload runs once */

static bool parse(int argc, char **argv)
{
        static const struct option options[] = {
                {"list", no_argument, NULL, 'l'},           {"seed", required_argument, NULL, 's'},
                {"seconds", required_argument, NULL, 'S'},  {"operations", required_argument, NULL, 'o'},
                {"processes", required_argument, NULL, 'p'}, {"trace", no_argument, NULL, 't'},
                {"waive", required_argument, NULL, 'w'},    {"time-scale", required_argument, NULL, 'x'},
                {"prepare", required_argument, NULL, 'P'},  {"shared-mounts", no_argument, NULL, 'm'},
                {"soak", required_argument, NULL, 'k'},     {"help", no_argument, NULL, 'h'},
                {NULL, 0, NULL, 0},
        };
        bool list = false;
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
                switch (c) {
                case 'l': list = true; break;
                case 's': stress_options.seed = whole("seed", optarg); break;
                case 'S': stress_options.seconds = number("seconds", optarg); break;
                case 'o': stress_options.operations = whole("operations", optarg); break;
                case 'p': stress_options.processes = (unsigned)whole("processes", optarg); break;
                case 't': stress_options.trace = true; break;
                case 'w': waive(optarg); break;
                case 'x': stress_options.time_scale = number("time-scale", optarg); break;
                case 'P': prepare(optarg); break;
                case 'm': ipck_options.shared_mounts = true; break;
                case 'k': soak = number("soak", optarg); break;
                case 'h': printf(usage, argv[0]); exit(0);
                default: fprintf(stderr, usage, argv[0]); exit(2);
                }
        }
        ipck_options.seed = stress_options.seed;
        ipck_options.time_scale = stress_options.time_scale;
        if (!list && optind == argc) {
                fprintf(stderr, usage, argv[0]);
                exit(2);
        }
        return list;
}

/* Keeps the workloads that one of the patterns names. */
static size_t keep_matching(const struct workload **all, size_t count, char **patterns)
{
        bool *keep = calloc(count + 1, sizeof(*keep));
        size_t kept = 0;

        if (!keep)
                ipck_fatal("out of memory");
        for (; *patterns; patterns++) {
                bool any = false;
                for (size_t i = 0; i < count; i++)
                        if (fnmatch(*patterns, all[i]->name, 0) == 0)
                                any = keep[i] = true;
                if (!any)
                        ipck_fatal("no workload is named '%s' (--list shows all)", *patterns);
        }
        for (size_t i = 0; i < count; i++)
                if (keep[i])
                        all[kept++] = all[i];
        free(keep);
        return kept;
}

int main(int argc, char **argv)
{
        if (argc == 4 && strcmp(argv[1], "--role") == 0) {
                const struct ipck_role *role = ipck_find_role(argv[2]);
                return role ? role->body(argv[3]) : 2;
        }
        const bool list = parse(argc, argv);
        size_t count;
        const struct workload **all = all_workloads(&count);
        if (list) {
                for (size_t i = 0; i < count; i++)
                        printf("%s\t%s:%d\t%s\n", all[i]->name, all[i]->file, all[i]->line, all[i]->what);
                free(all);
                return fflush(stdout) == 0 ? 0 : 2;
        }
        count = keep_matching(all, count, argv + optind);

        ipck_options.time_scale = stress_options.time_scale *= ipck_slowness();
        const struct ipck_isolation is = ipck_isolate();
        if (!is.possible)
                ipck_fatal("%s: a workload needs namespaces of its own", is.reason);
        printf("{\"type\":\"stress\",\"generation\":%d,\"seed\":%" PRIu64 ",\"workloads\":%zu,\"deadline\":%.0f}\n",
               STRESS_GENERATION, stress_options.seed, count, longest());
        int violations = 0, undecided = 0;
        const double end = ipck_seconds() + soak;
        const bool own_namespace = soak > 0 && unshare(CLONE_NEWIPC) == 0;
        unsigned cycle = 0;
        do {
                ipck_options.seed = stress_options.seed;
                for (size_t i = 0; i < count; i++) {
                        const int status = run(all[i]);
                        violations += status == 1;
                        undecided += status == 2;
                }
                if (soak > 0)
                        stress_print_resources(++cycle, stress_options.seed++, own_namespace);
        } while (ipck_seconds() < end);
        fputs("{\"type\":\"end\"}\n", stdout);
        free(all);
        if (fflush(stdout) != 0 || ferror(stdout))
                ipck_fatal("standard output: %s", strerror(errno));
        return violations ? 1 : undecided ? 2 : 0;
}
