/* SPDX-License-Identifier: MIT
 *
 * main.c: makes the IPC calls of two or three processes in every order, the simplest first. What comes of it are JSON lines:
 *
 *   {"type":"run","schema":1,"flavour","libc","kernel","machine"}
 *   {"type":"violation","scenario","schedule":"AABBA","preemptions","requirement","said","calls":"A semget(..) = 0\nB .."}
 *                                                          an order in which something does not hold; requirement may be ""
 *   {"type":"covered","scenario","run":[1,6,14],"left":[0,0,2],"beyond","violations","undecided","reason","lacks","seconds"}
 *                                                          schedules run, and known but not run, by their preemptions
 *   {"type":"replayed","scenario","schedule","ending","said","calls"}           with --schedule
 *   {"type":"end"}
 *
 * --list prints, with tabs between: name, roles, what it is.
 */
#include <ctype.h>
#include <err.h>
#include <fnmatch.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../../conformance/lib/internal.h"
#include "../../fault/gates/gates.h"
#include "explore.h"

enum { PATIENCE = 2, COMMANDS = 3, TOLD_MOST = 64 };

static const char usage[] =
        "usage: %s [OPTION]... [SCENARIO]...\n"
        "Makes the IPC calls of several processes in every order, those with the fewest preemptions first.\n\n"
        "  --list              only list the scenarios\n"
        "  --preemptions N     at most so many in a schedule (2)\n"
        "  --schedules N       run at most so many of a scenario (5000)\n"
        "  --seconds N         spend at most so long on a scenario (60)\n"
        "  --schedule AABBA    only this one, with all its calls\n"
        "  --run COMMAND       instead of a scenario: a process for each of two or three commands\n"
        "  --before COMMAND, --after COMMAND\n"
        "                      run around the commands; a status of --after other than 0 is a violation\n"
        "  --preload FILE      what LD_PRELOAD is for the commands: ipck-gates.so first\n"
        "  --time-scale X      how much longer than usual everything may take\n"
        "  --shared-mounts     go on where no mounts of our own can be had, as in a sandbox\n";

static const struct scenario_list *const lists[] = {
        &sysv_sem_scenarios, &sysv_msg_scenarios, &sysv_shm_scenarios, &posix_scenarios,
};

/* ---- what comes of it ---- */

static void member(const char *name, const char *text)
{
        printf(",\"%s\":", name);
        ipck_json_string(stdout, text);
}

static void finish_line(void)
{
        puts("}");
        fflush(stdout);
}

static const char *name_of(const struct subject *subject)
{
        return subject->scenario ? subject->scenario->name : "";
}

static void print_order(const struct outcome *outcome)
{
        char text[STEPS_MOST + 1];

        schedule_text(outcome, text);
        member("schedule", text);
        printf(",\"preemptions\":%u", preemptions_of(outcome));
        member("requirement", outcome->requirement == -1 ? "" : ipck_requirement_ids[outcome->requirement]);
        member("said", outcome->text);
        member("calls", outcome->log);
}

/* The first of each kind in a scenario: it is the simplest. */
static bool is_new(const struct subject *subject, const struct outcome *outcome)
{
        static char told[TOLD_MOST][TEXT_MOST];
        static const struct scenario *of;
        static unsigned count;

        if (of != subject->scenario)
                count = 0;
        of = subject->scenario;
        for (unsigned i = 0; i < count; i++)
                if (strcmp(told[i], outcome->text) == 0)
                        return false;
        if (count == TOLD_MOST)
                return false;
        strcpy(told[count++], outcome->text);
        return true;
}

static void found(const struct subject *subject, const struct outcome *outcome)
{
        if (outcome->ending != VIOLATED || !is_new(subject, outcome))
                return;
        fputs("{\"type\":\"violation\"", stdout);
        member("scenario", name_of(subject));
        print_order(outcome);
        finish_line();
}

static void print_numbers(const char *name, const unsigned *numbers, unsigned count)
{
        printf(",\"%s\":[", name);
        for (unsigned i = 0; i < count; i++)
                printf("%s%u", i ? "," : "", numbers[i]);
        putchar(']');
}

static void print_covered(const struct subject *subject, const struct covered *covered, const struct limits *limits)
{
        fputs("{\"type\":\"covered\"", stdout);
        member("scenario", name_of(subject));
        print_numbers("run", covered->run, limits->preemptions + 1);
        print_numbers("left", covered->left, limits->preemptions + 1);
        printf(",\"beyond\":%u,\"violations\":%u,\"undecided\":%u", covered->beyond, covered->violations, covered->undecided);
        member(covered->ended_by == LACKED ? "lacks" : "reason", covered->text);
        printf(",\"seconds\":%.3f", covered->seconds);
        finish_line();
}

static void print_run(void)
{
        struct utsname system;
        char kernel[sizeof(system.sysname) + sizeof(system.release) + 1];

        uname(&system);
        snprintf(kernel, sizeof(kernel), "%s %s", system.sysname, system.release);
        fputs("{\"type\":\"run\",\"schema\":1", stdout);
        member("flavour", IPCK_FLAVOUR);
        member("kernel", kernel);
        member("machine", system.machine);
        finish_line();
}

/* ---- what is to be done ---- */

static double number(const char *option, const char *text)
{
        char *end;
        const double value = strtod(text, &end);

        if (end == text || *end || !(value >= 0) || value > 1e6)
                errx(2, "--%s: '%s' is not a number", option, text);
        return value;
}

static unsigned parse_schedule(const char *text, unsigned char *choices)
{
        unsigned count = 0;

        for (; *text; text++) {
                if (*text < 'A' || *text >= 'A' + GATES_MOST)
                        errx(2, "--schedule: '%c' is no process: they are A, B, C ..", *text);
                if (count == STEPS_MOST)
                        errx(2, "--schedule: more than %d steps", STEPS_MOST);
                choices[count++] = (unsigned char)(*text - 'A');
        }
        return count;
}

static const char *const endings[] = {
        [ENDED_WELL] = "as it should be", [VIOLATED] = "violated", [LACKED] = "lacks", [UNDECIDED] = "undecided",
        [UNFIT] = "unfit",
};

static void replay(const struct subject *subject, const unsigned char *choices, unsigned count)
{
        const struct outcome *const outcome = run_schedule(subject, choices, count);

        fputs("{\"type\":\"replayed\"", stdout);
        member("scenario", name_of(subject));
        member("ending", endings[outcome->ending]);
        print_order(outcome);
        finish_line();
}

static unsigned choose(char **patterns, const struct scenario **chosen, unsigned most)
{
        unsigned count = 0;
        bool hit[64] = {false};

        for (size_t l = 0; l < sizeof(lists) / sizeof(*lists); l++)
                for (size_t i = 0; i < lists[l]->count && count < most; i++) {
                        const struct scenario *const one = &lists[l]->scenarios[i];
                        bool wanted = !*patterns;
                        for (size_t p = 0; p < sizeof(hit) && patterns[p]; p++)
                                if (fnmatch(patterns[p], one->name, 0) == 0)
                                        wanted = hit[p] = true;
                        if (wanted)
                                chosen[count++] = one;
                }
        for (size_t p = 0; p < sizeof(hit) && patterns[p]; p++)
                if (!hit[p])
                        errx(2, "no scenario matches '%s' (--list shows all)", patterns[p]);
        return count;
}

static void list(const struct scenario *const *chosen, unsigned count)
{
        for (unsigned i = 0; i < count; i++) {
                unsigned roles = 0;
                while (roles < ROLES_MOST && chosen[i]->roles[roles])
                        roles++;
                printf("%s\t%u\t%s\n", chosen[i]->name, roles, chosen[i]->what);
        }
}

int main(int argc, char **argv)
{
        static const struct option options[] = {
                {"list", no_argument, NULL, 'l'},             {"preemptions", required_argument, NULL, 'p'},
                {"schedules", required_argument, NULL, 'n'},  {"seconds", required_argument, NULL, 's'},
                {"schedule", required_argument, NULL, 'S'},   {"run", required_argument, NULL, 'r'},
                {"before", required_argument, NULL, 'b'},     {"after", required_argument, NULL, 'a'},
                {"preload", required_argument, NULL, 'L'},    {"time-scale", required_argument, NULL, 'x'},
                {"shared-mounts", no_argument, NULL, 'm'},    {"help", no_argument, NULL, 'h'},
                {NULL, 0, NULL, 0},
        };
        static const struct scenario *chosen[64];
        static unsigned char choices[STEPS_MOST];
        const char *commands[COMMANDS];
        struct subject subject = {.commands = commands, .patience = PATIENCE, .preload = ""};
        struct limits limits = {.preemptions = 2, .schedules = 5000, .seconds = 60};
        const char *schedule = NULL;
        bool only_list = false;
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
                switch (c) {
                case 'l': only_list = true; break;
                case 'p': limits.preemptions = (unsigned)number("preemptions", optarg); break;
                case 'n': limits.schedules = (unsigned)number("schedules", optarg); break;
                case 's': limits.seconds = number("seconds", optarg); break;
                case 'S': schedule = optarg; break;
                case 'r':
                        if (subject.commands_count == COMMANDS)
                                errx(2, "--run: more than %d commands", COMMANDS);
                        if (strlen(optarg) > COMMAND_MOST)
                                errx(2, "--run: a command of more than %d bytes", COMMAND_MOST);
                        commands[subject.commands_count++] = optarg;
                        break;
                case 'b': subject.before = optarg; break;
                case 'a': subject.after = optarg; break;
                case 'L': subject.preload = optarg; break;
                case 'x': subject.patience = PATIENCE * number("time-scale", optarg); break;
                case 'm': ipck_options.shared_mounts = worlds_share_mounts = true; break;
                case 'h': printf(usage, argv[0]); return 0;
                default: fprintf(stderr, usage, argv[0]); return 2;
                }
        if (limits.preemptions > PREEMPTIONS_MOST)
                errx(2, "--preemptions: at most %d", PREEMPTIONS_MOST);
        const unsigned count = choose(argv + optind, chosen, sizeof(chosen) / sizeof(*chosen));
        if (only_list) {
                list(chosen, count);
                return fflush(stdout) == 0 ? 0 : 2;
        }
        const unsigned steps = schedule ? parse_schedule(schedule, choices) : 0;
        if (subject.commands_count == 1)
                errx(2, "--run: one command alone has no other to race with");
        if (schedule && !subject.commands_count && count != 1)
                errx(2, "--schedule is about one scenario, and %u are chosen", count);
        const struct ipck_isolation isolation = ipck_isolate();
        if (!isolation.possible)
                errx(2, "namespaces of our own: %s", isolation.reason);
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        print_run();
        for (unsigned i = 0; i < (subject.commands_count ? 1 : count); i++) {
                struct covered covered;
                subject.scenario = subject.commands_count ? NULL : chosen[i];
                if (schedule) {
                        replay(&subject, choices, steps);
                        continue;
                }
                explore(&subject, &limits, found, &covered);
                print_covered(&subject, &covered, &limits);
        }
        fputs("{\"type\":\"end\"", stdout);
        finish_line();
        return 0;
}
