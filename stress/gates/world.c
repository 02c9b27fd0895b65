/* SPDX-License-Identifier: MIT
 *
 * world.c: one schedule: a process that has the roles as its children, opens their gates one at a time, and waits after each
 * until nothing moves any more: every process is at its gate, over, or blocked in a call.
 *
 * Blocked is who sleeps (state S of proc(5)) after it said that it is in a call: there is nothing else to sleep for then.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../fault/gates/gates.h"
#include "schedule.h"

/* Who sleeps between two calls, as in waitpid(), and for how long nothing is known about when it will go on. */
static const double away_seconds = 0.005;
enum { LOOK_NS = 100000 };

struct shared {
        struct gates gates;
        struct outcome outcome;
        char memory[SCENARIO_MEMORY];
};

static struct shared *shared;
static int shared_file = -1;
static unsigned own_role;               /* in the process of a role */

/* ---- what scenarios call ---- */

void *scenario_memory(void)
{
        return shared->memory;
}

__attribute__((format(printf, 3, 4)))
static void conclude(enum ending ending, int requirement, const char *format, ...)
{
        va_list arguments;

        if (shared->outcome.ending != ENDED_WELL)
                return;
        va_start(arguments, format);
        vsnprintf(shared->outcome.text, sizeof(shared->outcome.text), format, arguments);
        va_end(arguments);
        shared->outcome.requirement = requirement;
        shared->outcome.ending = ending;
}

void scenario_violated(enum ipck_requirement requirement, const char *file, int line, const char *condition)
{
        conclude(VIOLATED, (int)requirement, "%s:%d: does not hold: %s", file, line, condition);
}

void scenario_lacks(const char *what)
{
        conclude(LACKED, -1, "%s", what);
        _exit(0);
}

bool scenario_waited(void)
{
        return shared->gates.gate[own_role].waited == shared->gates.gate[own_role].made;
}

void scenario_undecided(const char *call, int error)
{
        if (error == ENOSYS)
                conclude(LACKED, -1, "%.*s()", (int)strcspn(call, "("), call);
        else
                conclude(UNDECIDED, -1, "%s: %s", call, errno_name(error));
        _exit(0);
}

/* ---- what happened, as text ---- */

__attribute__((format(printf, 1, 2)))
static void note(const char *format, ...)
{
        char *const log = shared->outcome.log;
        const size_t length = strlen(log);
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(log + length, LOG_MOST - length, format, arguments);
        va_end(arguments);
}

static char letter(unsigned gate)
{
        return (char)('A' + gate);
}

/* ---- the processes ---- */

static double seconds(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void end_with(pid_t world)
{
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != world)
                _exit(1);
}

static void take_role(const struct subject *subject, unsigned role, pid_t world)
{
        char file[64], number[12];

        setpgid(0, 0);
        end_with(world);
        if (subject->scenario) {
                own_role = role;
                if (subject->scenario->prepare)
                        subject->scenario->prepare(role);
                end_with(world);        /* which another user id has undone */
                gate_own(&shared->gates, role);
                subject->scenario->roles[role]();
                gate_end();
                _exit(0);
        }
        shared->gates.gate[role].process = getpid();
        snprintf(file, sizeof(file), "/proc/%d/fd/%d", (int)world, shared_file);
        snprintf(number, sizeof(number), "%u", role);
        char command[COMMAND_MOST + 8];
        snprintf(command, sizeof(command), "exec %s", subject->commands[role]);
        setenv("IPCK_GATES", file, 1);
        setenv("IPCK_GATE", number, 1);
        setenv("LD_PRELOAD", subject->preload, 1);
        execl("/bin/sh", "sh", "-c", command, NULL);
        _exit(127);
}

static unsigned roles_of(const struct subject *subject)
{
        unsigned count = 0;

        if (!subject->scenario)
                return subject->commands_count;
        while (count < ROLES_MOST && subject->scenario->roles[count])
                count++;
        return count;
}

/* Returns how many could be made. */
static unsigned begin_roles(const struct subject *subject, pid_t *pids, unsigned count)
{
        const pid_t world = getpid();

        shared->gates.opener = world;
        shared->gates.count = count;
        for (unsigned role = 0; role < count; role++)
                shared->gates.gate[role].state = GATE_RUNNING;
        for (unsigned role = 0; role < count; role++) {
                pids[role] = fork();
                if (pids[role] == 0)
                        take_role(subject, role, world);
                if (pids[role] == -1) {
                        conclude(UNDECIDED, -1, "fork: %s", errno_name(errno));
                        return role;
                }
                setpgid(pids[role], 0);
                shared->gates.gate[role].process = pids[role];
        }
        return count;
}

/* The state letter of proc(5); 0 where there is no such thread any more. */
static char state_of(const struct gate *gate)
{
        char path[64], text[512];
        const int process = gate->process, thread = gate->thread ? gate->thread : process;

        snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", process, thread);
        const int file = open(path, O_RDONLY | O_CLOEXEC);
        const ssize_t length = file == -1 ? -1 : read(file, text, sizeof(text) - 1);
        if (file != -1)
                close(file);
        if (length <= 0)
                return 0;
        text[length] = '\0';
        const char *const bracket = strrchr(text, ')');
        return bracket && bracket[1] == ' ' ? bracket[2] : 0;
}

static bool is_over(char state)
{
        return state == 0 || state == 'Z' || state == 'X';
}

/* ---- until nothing moves ---- */

enum rest { MOVES, RESTS, BLOCKS };

static double asleep_since[GATES_MOST];

/* What its thread does that is not at its gate. */
static enum rest look(unsigned number, double when)
{
        struct gate *const gate = &shared->gates.gate[number];
        const uint32_t before = gate->state;

        if (before == GATE_FREE || before == GATE_WAITING || before == GATE_ENDED)
                return RESTS;
        const uint32_t made = gate->made;
        const char state = state_of(gate);
        if (atomic_load(&gate->state) != before || atomic_load(&gate->made) != made)
                return MOVES;
        if (is_over(state)) {
                gate->state = GATE_ENDED;
                return RESTS;
        }
        if (state != 'S' || before == GATE_OPENED || before == GATE_LEAVING) {
                asleep_since[number] = 0;
                return MOVES;
        }
        if (before == GATE_IN_CALL) {
                gate->waited = made + 1;
                return BLOCKS;
        }
        if (asleep_since[number] == 0)
                asleep_since[number] = when;
        return when - asleep_since[number] < away_seconds ? MOVES : BLOCKS;
}

/* Waits for that; false where something went on moving for too long. Where somebody is blocked it looks twice: not every
 * system says at once that it woke a process. */
static bool settle(double patience)
{
        const double end = seconds() + patience;
        unsigned quiet = 0;

        for (;;) {
                const uint32_t moved = atomic_load(&shared->gates.moved);
                const double when = seconds();
                bool moves = false, blocks = false;

                for (unsigned i = 0; i < shared->gates.count; i++) {
                        const enum rest rest = look(i, when);
                        moves |= rest == MOVES;
                        blocks |= rest == BLOCKS;
                }
                quiet = moves || moved != atomic_load(&shared->gates.moved) ? 0 : quiet + 1;
                if (quiet > blocks)
                        return true;
                if (when > end)
                        return false;
                const long a_moment[] = {0, LOOK_NS};
                syscall(SYS_futex, &shared->gates.moved, FUTEX_WAIT, moved, a_moment, NULL, 0);
        }
}

/* ---- the order ---- */

static char doing[GATES_MOST][GATE_TEXT];       /* the call that each was let into last */
static uint32_t told[GATES_MOST];               /* how many of its calls the log has */

static bool came_back(unsigned number)
{
        const bool back = shared->gates.gate[number].made != told[number];

        told[number] = shared->gates.gate[number].made;
        return back;
}

/* What became of the call that was let go, and of those that waited. */
static void tell_results(unsigned opened)
{
        const struct gate *const gate = shared->gates.gate;

        if (came_back(opened))
                note(" = %s\n", gate[opened].result);
        else
                note(gate[opened].state == GATE_IN_CALL ? " waits\n" : "\n");
        for (unsigned i = 0; i < shared->gates.count; i++)
                if (i != opened && came_back(i))
                        note("%c goes on: %s = %s\n", letter(i), doing[i], gate[i].result);
}

static void open_gate(unsigned number)
{
        struct gate *const gate = &shared->gates.gate[number];

        memcpy(doing[number], gate->call, GATE_TEXT);
        note("%c %s", letter(number), doing[number]);
        gate->state = GATE_OPENED;
        syscall(SYS_futex, &gate->state, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static unsigned gates_in(uint32_t wanted)
{
        unsigned found = 0;

        for (unsigned i = 0; i < shared->gates.count; i++)
                if (shared->gates.gate[i].state == wanted)
                        found |= 1U << i;
        return found;
}

static unsigned lowest(unsigned gates)
{
        unsigned number = 0;

        while (!(gates >> number & 1))
                number++;
        return number;
}

static void unfit(const unsigned char *choices, unsigned at)
{
        const unsigned wanted = choices[at];
        const struct gate *const gate = &shared->gates.gate[wanted];
        const bool there = wanted < shared->gates.count;

        conclude(UNFIT, -1, "step %u: %c %s", at + 1, letter(wanted),
                 !there ? "does not exist" : gate->state == GATE_ENDED ? "has ended" : "waits in a call");
}

/* Nobody is at a gate: who waits in a call with a timeout, or sleeps between two calls, may still come to one by itself.
 * Whether that happened; where not, whoever has not ended is said to be the reason. */
static bool goes_on_by_itself(const struct subject *subject)
{
        const double end = seconds() + subject->patience;
        const struct timespec a_moment = {0, LOOK_NS};
        unsigned blocked, asleep;

        do {
                nanosleep(&a_moment, NULL);
                if (!settle(subject->patience) || gates_in(GATE_WAITING))
                        return true;
                blocked = gates_in(GATE_IN_CALL);
                asleep = gates_in(GATE_RUNNING);
        } while ((blocked | asleep) && seconds() < end);
        const int requirement = subject->scenario ? (int)subject->scenario->ends : -1;
        if (blocked)
                conclude(VIOLATED, requirement, "%c waits for ever: %s", letter(lowest(blocked)), doing[lowest(blocked)]);
        else if (asleep)        /* roles do not, but an implementation above the gates may; commands may for good reasons */
                conclude(subject->scenario ? VIOLATED : UNDECIDED, requirement, "%c sleeps between two calls",
                         letter(lowest(asleep)));
        return false;
}

/* Lets calls be made one by one until all are over. */
static void run_steps(const struct subject *subject, const unsigned char *choices, unsigned count)
{
        struct outcome *const outcome = &shared->outcome;
        unsigned last = GATES_MOST;

        for (;;) {
                if (!settle(subject->patience)) {
                        conclude(UNDECIDED, -1, "something runs for more than %g s between two calls", subject->patience);
                        return;
                }
                if (last < GATES_MOST)
                        tell_results(last);
                const unsigned ready = gates_in(GATE_WAITING);
                if (!ready) {
                        last = GATES_MOST;
                        if (goes_on_by_itself(subject))
                                continue;
                        if (outcome->steps < count)
                                conclude(UNFIT, -1, "all have ended or wait after %u steps", outcome->steps);
                        return;
                }
                if (outcome->steps == STEPS_MOST) {
                        conclude(UNDECIDED, -1, "more than %d calls: it may have no end", STEPS_MOST);
                        return;
                }
                const bool goes_on = last < GATES_MOST && (ready >> last & 1);
                unsigned chosen = goes_on ? last : lowest(ready);
                if (outcome->steps < count) {
                        chosen = choices[outcome->steps];
                        if (chosen >= GATES_MOST || !(ready >> chosen & 1)) {
                                unfit(choices, outcome->steps);
                                return;
                        }
                }
                outcome->step[outcome->steps++] = (struct step){
                        (unsigned char)chosen, (unsigned char)ready, goes_on, goes_on && chosen != last,
                };
                open_gate(chosen);
                last = chosen;
        }
}

/* What has not ended does so now, with all that it started. */
static void end_roles(const pid_t *pids, unsigned count)
{
        for (unsigned role = 0; role < count; role++) {
                if (shared->gates.gate[role].state != GATE_ENDED)
                        kill(pids[role], SIGKILL);
                kill(-pids[role], SIGKILL);
        }
}

static void judge_ends(const pid_t *pids, unsigned count)
{
        for (unsigned role = 0; role < count; role++) {
                int status = 0;

                if (waitpid(pids[role], &status, 0) != pids[role])
                        continue;
                if (WIFSIGNALED(status))
                        conclude(VIOLATED, -1, "%c was killed by signal %d (%s)", letter(role), WTERMSIG(status),
                                 strsignal(WTERMSIG(status)));
                else if (WEXITSTATUS(status) != 0)
                        conclude(VIOLATED, -1, "%c ended with status %d", letter(role), WEXITSTATUS(status));
        }
}

static int status_of(const char *command)
{
        const int status = system(command);

        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool worlds_share_mounts;

static void be_world(const struct subject *subject, const unsigned char *choices, unsigned count)
{
        pid_t pids[GATES_MOST];

        if (unshare(CLONE_NEWIPC | CLONE_NEWNS) == -1 ||
            (!worlds_share_mounts && mount("ipck", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") == -1)) {
                conclude(UNDECIDED, -1, "namespaces of its own: %s", errno_name(errno));
                return;
        }
        if (subject->scenario) {
                setenv("IPCK_TEST", subject->scenario->name, 1);        /* for mutants */
                subject->scenario->setup();
        } else if (subject->before) {
                const int status = status_of(subject->before);
                if (status != 0)
                        conclude(UNDECIDED, -1, "the command before it ended with status %d", status);
        }
        if (shared->outcome.ending != ENDED_WELL)
                return;
        const unsigned roles = begin_roles(subject, pids, roles_of(subject));
        if (shared->outcome.ending == ENDED_WELL)
                run_steps(subject, choices, count);
        end_roles(pids, roles);
        judge_ends(pids, roles);
        if (shared->outcome.ending != ENDED_WELL)
                return;
        if (subject->scenario && subject->scenario->check)
                subject->scenario->check();
        if (!subject->scenario && subject->after) {
                const int status = status_of(subject->after);
                if (status != 0)
                        conclude(VIOLATED, -1, "the command after it ended with status %d", status);
        }
}

const struct outcome *run_schedule(const struct subject *subject, const unsigned char *choices, unsigned count)
{
        int status;

        if (!shared) {
                shared_file = memfd_create("ipck-gates", MFD_CLOEXEC);
                if (shared_file == -1 || ftruncate(shared_file, sizeof(*shared)) == -1)
                        err(2, "shared memory");
                shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, shared_file, 0);
                if (shared == MAP_FAILED)
                        err(2, "shared memory");
        }
        memset((void *)shared, 0, sizeof(*shared));
        shared->outcome.requirement = -1;
        fflush(NULL);
        const pid_t world = fork();
        if (world == -1)
                err(2, "fork");
        if (world == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                be_world(subject, choices, count);
                _exit(0);
        }
        while (waitpid(world, &status, 0) == -1 && errno == EINTR)
                ;
        if (status != 0)
                conclude(UNDECIDED, -1, "its process ended with wait status %#x", (unsigned)status);
        return &shared->outcome;
}
