/* SPDX-License-Identifier: MIT
 *
 * main.c: what the IPC of a system costs. Results are the JSON lines of report.c; --list prints, with tabs between, each
 * benchmark's name, unit, bytes, and what it times.
 */
#include <err.h>
#include <fnmatch.h>
#include <getopt.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "../../conformance/lib/internal.h"
#include "bench.h"

enum { MOST_BENCHES = 256, PATIENCE = 10 };

static const char usage[] =
        "usage: %s [OPTION]... [PATTERN]...\n"
        "Times IPC calls, and exchanges between two processes; PATTERNs choose benchmarks by name.\n\n"
        "  --list            only list them\n"
        "  --seconds N       of measuring, all together and without the preparation (10)\n"
        "  --time-scale X    how much longer than usual one batch may take\n"
        "  --seed N          of the order of the benchmarks (1)\n"
        "  --shared-mounts   go on where no mounts of our own can be had, as in a sandbox\n";

static const struct bench_list *const lists[] = {
        &reference_benches, &sysv_sem_benches,  &sysv_msg_benches, &sysv_shm_benches,
        &posix_sem_benches, &posix_shm_benches, &posix_mq_benches,
};

static double number(const char *option, const char *text)
{
        char *end;
        const double value = strtod(text, &end);

        if (end == text || *end || !(value > 0) || value > 1e6)
                errx(2, "--%s: '%s' is not a number above 0", option, text);
        return value;
}

/* NAME itself, what begins with it and a dot, and what a shell pattern matches. */
static bool matches(const char *pattern, const char *name)
{
        const size_t length = strlen(pattern);

        return fnmatch(pattern, name, 0) == 0 || (strncmp(name, pattern, length) == 0 && name[length] == '.');
}

static size_t choose(char **patterns, const struct bench **chosen)
{
        size_t count = 0;
        bool hit[MOST_BENCHES] = {false};

        for (size_t l = 0; l < sizeof(lists) / sizeof(*lists); l++)
                for (size_t i = 0; i < lists[l]->count; i++) {
                        const struct bench *const bench = &lists[l]->benches[i];
                        bool wanted = !*patterns;
                        for (size_t p = 0; patterns[p]; p++)
                                if (matches(patterns[p], bench->name)) {
                                        wanted = true;
                                        if (p < MOST_BENCHES)
                                                hit[p] = true;
                                }
                        if (wanted && count < MOST_BENCHES)
                                chosen[count++] = bench;
                }
        for (size_t p = 0; p < MOST_BENCHES && patterns[p]; p++)
                if (!hit[p])
                        errx(2, "no benchmark matches '%s' (--list shows all)", patterns[p]);
        return count;
}

/* Nothing outside is touched, and what is left behind goes with the namespaces. */
static bool isolate(void)
{
        const struct ipck_isolation isolation = ipck_isolate();

        if (!isolation.possible)
                errx(2, "namespaces of our own: %s", isolation.reason);
        if (unshare(CLONE_NEWIPC) == -1)
                err(2, "an IPC namespace of our own");
        if (!ipck_options.shared_mounts && mount("ipck", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") == -1)
                err(2, "a /dev/shm of our own");
        return isolation.user_namespace;
}

int main(int argc, char **argv)
{
        static const struct option options[] = {
                {"list", no_argument, NULL, 'l'},       {"seconds", required_argument, NULL, 's'},
                {"time-scale", required_argument, NULL, 'x'}, {"seed", required_argument, NULL, 'r'},
                {"shared-mounts", no_argument, NULL, 'm'}, {"help", no_argument, NULL, 'h'},
                {NULL, 0, NULL, 0},
        };
        static const struct bench *chosen[MOST_BENCHES];
        struct plan plan = {.seconds = 10, .patience = PATIENCE, .seed = 1};
        bool list = false;
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
                switch (c) {
                case 'l': list = true; break;
                case 's': plan.seconds = number("seconds", optarg); break;
                case 'x': plan.patience = PATIENCE * number("time-scale", optarg); break;
                case 'r': plan.seed = (uint64_t)number("seed", optarg); break;
                case 'm': ipck_options.shared_mounts = true; break;
                case 'h': printf(usage, argv[0]); return 0;
                default: fprintf(stderr, usage, argv[0]); return 2;
                }
        const size_t count = choose(argv + optind, chosen);
        if (list) {
                for (size_t i = 0; i < count; i++)
                        printf("%s\t%s\t%zu\t%s\n", chosen[i]->name, chosen[i]->unit, chosen[i]->bytes, chosen[i]->what);
                return fflush(stdout) == 0 ? 0 : 2;
        }
        const bool user_namespace = isolate();
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        find_processors();
        report_run(user_namespace, count);
        measure(chosen, count, &plan);
        report_end();
        return fflush(stdout) == 0 ? 0 : 2;
}
