/* SPDX-License-Identifier: MIT
 *
 * main.c: the command line of a test program.
 */
#include <ctype.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <getopt.h>
#include <sched.h>

#include "internal.h"

static const char usage[] =
        "usage: %s [OPTION]... [PATTERN]...\n"
        "Runs the conformance tests whose id matches a PATTERN (a shell glob on the id or on a part of it that ends\n"
        "before a dot; all without a PATTERN), each in namespaces of its own, and prints nested KTAP.\n"
        "  --list            print id, place and requirements of each test and run none\n"
        "  --ktap FILE       write KTAP to FILE (- is standard output)\n"
        "  --json FILE       write JSON lines to FILE (- is standard output, and no KTAP is printed)\n"
        "  --jobs N          run N tests at a time (two a processor by default)\n"
        "  --shuffle         run in an order drawn from the seed\n"
        "  --seed N          seed of the order and of the tests' random choices (drawn and printed by default)\n"
        "  --deadline S      give each test S seconds (20), more where processes are made slowly\n"
        "  --time-scale X    multiply deadlines and patience by X, for slow machines and emulators (1)\n"
        "  --exact-scale     multiply by X alone, however slowly processes are made now\n"
        "  --select FILE     run the tests whose exact ids stand in FILE, one a line (- is standard input)\n"
        "  --prepare SPEC    prepare the namespace of each test before it starts; may be given again, in that order:\n"
        "                    kernel.msgmni=16 (so each kernel.sem, .msg*, .shm*, fs.mqueue.*) judges with that limit,\n"
        "                    burned=N with N identifiers of each kind used up, objects=N with N of each kind present,\n"
        "                    shm=OPTIONS mounts /dev/shm with these options of mount(8): shm=size=64k, shm=ro, shm=noexec\n"
        "  --watch-kernel LOG[,LEAKS]\n"
        "                    run one test at a time and read the kernel's log (/dev/kmsg) behind it: a WARNING, BUG or\n"
        "                    report of a checker fails the test (kernel.no-report). LEAKS is the file of kmemleak\n"
        "                    (/sys/kernel/debug/kmemleak): where it is there and --jobs 1 is not given, results are held\n"
        "                    back up to a minute, until leaks were looked for\n"
        "  --shared-mounts   run also where no mounts can be private, in a sandbox in which nothing else runs: /proc and\n"
        "                    /dev/shm stay as they are, and tests that need their own are skipped\n"
        "Where the environment has ipck_counters, JSON lines tell behind each test what a kernel with gcov, or a C\n"
        "library that is linked here, counted in the objects that it names, as */ipc/*.gcda,*/mm/shmem.gcda; the tests\n"
        "then run one after the other.\n"
        "Exit status: 0 all passed or were skipped, 1 a requirement failed, 2 something could not be decided.\n";

static unsigned processors(void)
{
        cpu_set_t set;

        if (sched_getaffinity(0, sizeof(set), &set) == 0)
                return (unsigned)CPU_COUNT(&set);
        return 1;
}

static double positive(const char *option, const char *text)
{
        char *end;
        double value = strtod(text, &end);

        if (end == text || *end || !(value > 0) || value > 1e6)
                ipck_fatal("--%s: '%s' is not a number above 0", option, text);
        return value;
}

static uint64_t whole(const char *option, const char *text)
{
        char *end;

        errno = 0;
        uint64_t value = strtoull(text, &end, 0);
        if (!isdigit((unsigned char)*text) || *end || errno)
                ipck_fatal("--%s: '%s' is not a whole number", option, text);
        return value;
}

static bool matches(const char *pattern, const char *id)
{
        char part[sizeof(((struct ipck_case *)0)->id)];

        strcpy(part, id);
        while (fnmatch(pattern, part, 0) != 0) {
                char *dot = strrchr(part, '.');
                if (!dot)
                        return false;
                *dot = '\0';
        }
        return true;
}

static size_t keep_matching(struct ipck_case *cases, size_t count)
{
        bool *keep = calloc(count + 1, sizeof(*keep));
        size_t kept = 0;

        if (!keep)
                ipck_fatal("out of memory");
        for (int p = 0; p < ipck_options.pattern_count; p++) {
                bool hit = false;
                for (size_t i = 0; i < count; i++)
                        if (matches(ipck_options.patterns[p], cases[i].id))
                                keep[i] = hit = true;
                if (!hit)
                        ipck_fatal("no test matches '%s' (--list shows all)", ipck_options.patterns[p]);
        }
        for (size_t i = 0; i < count; i++)
                if (keep[i])
                        cases[kept++] = cases[i];
        free(keep);
        return kept;
}

static int by_id(const void *a, const void *b)
{
        return strcmp(((const struct ipck_case *)a)->id, ((const struct ipck_case *)b)->id);
}

static size_t keep_selected(struct ipck_case *cases, size_t count)
{
        FILE *in = strcmp(ipck_options.select, "-") ? fopen(ipck_options.select, "re") : stdin;
        struct ipck_case *chosen = calloc(count + 1, sizeof(*chosen));
        char *line = NULL;
        size_t room = 0, kept = 0;
        ssize_t length;

        if (!in)
                ipck_fatal("--select: %s: %s", ipck_options.select, strerror(errno));
        if (!chosen)
                ipck_fatal("out of memory");
        qsort(cases, count, sizeof(*cases), by_id);
        while ((length = getline(&line, &room, in)) > 0) {
                struct ipck_case wanted = {0}, *found;
                while (length > 0 && isspace((unsigned char)line[length - 1]))
                        line[--length] = '\0';
                if (!length)
                        continue;
                snprintf(wanted.id, sizeof(wanted.id), "%s", line);
                found = bsearch(&wanted, cases, count, sizeof(*cases), by_id);
                if (!found)
                        ipck_fatal("--select: this program has no test '%s'", line);
                if (kept == count)
                        ipck_fatal("--select: more lines than tests: '%s' is named twice", line);
                chosen[kept++] = *found;
        }
        free(line);
        if (in != stdin)
                fclose(in);
        memcpy(cases, chosen, kept * sizeof(*cases));
        free(chosen);
        return kept;
}

static void add_preparation(const char *spec)
{
        ipck_check_preparation(spec);
        if (ipck_options.preparations == MAX_PREPARATIONS)
                ipck_fatal("--prepare: more than %d of them", MAX_PREPARATIONS);
        ipck_options.prepare[ipck_options.preparations++] = spec;
}

static void parse(int argc, char **argv)
{
        static const struct option options[] = {
                {"list", no_argument, NULL, 'l'},         {"ktap", required_argument, NULL, 'k'},
                {"json", required_argument, NULL, 'J'},   {"jobs", required_argument, NULL, 'j'},
                {"shuffle", no_argument, NULL, 'r'},      {"seed", required_argument, NULL, 's'},
                {"deadline", required_argument, NULL, 'd'}, {"time-scale", required_argument, NULL, 'x'},
                {"select", required_argument, NULL, 'S'}, {"prepare", required_argument, NULL, 'p'},
                {"help", no_argument, NULL, 'h'},         {"shared-mounts", no_argument, NULL, 'm'},
                {"watch-kernel", required_argument, NULL, 'w'}, {"exact-scale", no_argument, NULL, 'e'},
                {NULL, 0, NULL, 0},
        };
        bool seeded = false;
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
                switch (c) {
                case 'l': ipck_options.list = true; break;
                case 'k': ipck_options.ktap = optarg; break;
                case 'J': ipck_options.json = optarg; break;
                case 'j': ipck_options.jobs = (unsigned)positive("jobs", optarg); break;
                case 'r': ipck_options.shuffle = true; break;
                case 's': ipck_options.seed = whole("seed", optarg); seeded = true; break;
                case 'd': ipck_options.deadline = positive("deadline", optarg); break;
                case 'x': ipck_options.time_scale = positive("time-scale", optarg); break;
                case 'e': ipck_options.exact_scale = true; break;
                case 'S': ipck_options.select = optarg; break;
                case 'p': add_preparation(optarg); break;
                case 'm': ipck_options.shared_mounts = true; break;
                case 'w': ipck_options.watch = optarg; break;
                case 'h': printf(usage, argv[0]); exit(0);
                default: fprintf(stderr, usage, argv[0]); exit(2);
                }
        }
        if (!seeded) {
                struct timespec t;
                clock_gettime(CLOCK_REALTIME, &t);
                ipck_options.seed = ipck_mix((uint64_t)t.tv_nsec ^ (uint64_t)t.tv_sec << 30 ^ (uint64_t)getpid());
                ipck_options.seed %= 1000000000;        /* short enough to be typed again */
        }
        if (!ipck_options.jobs)
                ipck_options.jobs = 2 * processors();
        if (!ipck_options.json && !ipck_options.ktap)
                ipck_options.ktap = "-";
        ipck_options.patterns = argv + optind;
        ipck_options.pattern_count = argc - optind;
}

static int by_place(const void *a, const void *b)
{
        const uint64_t one = ((const struct ipck_case *)a)->place, other = ((const struct ipck_case *)b)->place;

        return (one > other) - (one < other);
}

/* Whatever else is selected, two tests have the same order. */
static void shuffle(struct ipck_case *cases, size_t count)
{
        for (size_t i = 0; i < count; i++)
                cases[i].place = ipck_draw(cases[i].id);
        qsort(cases, count, sizeof(*cases), by_place);
}

/* Where the program is started without them, its own files would take these numbers, which its processes use otherwise.
 * Read-only, so that results that are to go there fail instead of being lost. */
static void open_standard_files(void)
{
        int fd;

        do {
                fd = open("/dev/null", O_RDONLY);
        } while (fd >= 0 && fd <= STDERR_FILENO);
        close(fd);
}

int main(int argc, char **argv)
{
        if (argc == 4 && strcmp(argv[1], "--role") == 0) {
                const struct ipck_role *role = ipck_find_role(argv[2]);
                return role ? role->body(argv[3]) : 2;
        }
        open_standard_files();
        parse(argc, argv);

        size_t count;
        struct ipck_case *cases = ipck_cases(&count);
        if (ipck_options.select)
                count = keep_selected(cases, count);
        if (ipck_options.pattern_count)
                count = keep_matching(cases, count);
        if (ipck_options.list) {
                ipck_list(stdout, cases, count);
                free(cases);
                return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 2;
        }
        if (ipck_options.shuffle)
                shuffle(cases, count);
        int status = ipck_run(cases, count);
        free(cases);
        return status;
}
