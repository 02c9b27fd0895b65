/* SPDX-License-Identifier: MIT
 *
 * world.c: one operation in namespaces of its own, with a fault or without.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failnth.h"

/* How often a call that failed is made to fail again, to see whether each time leaves something behind; and how many
 * objects more are taken for that: the counts are not exact. */
enum { TIMES = 32, MORE = TIMES / 2 };

struct world *world;
unsigned deadline = 20;
bool own_clock;

static pid_t helpers[HELPERS];
static size_t helpers_count;
static int orders = -1, replies = -1;           /* of this process */

void wrong(const char *kind, const char *format, ...)
{
        va_list arguments;
        size_t length = strlen(world->problem);
        const size_t size = sizeof(world->problem);

        length += (size_t)snprintf(world->problem + length, size - length, "%s%s: ", length ? "\n" : "", kind);
        if (length >= size)
                return;
        va_start(arguments, format);
        vsnprintf(world->problem + length, size - length, format, arguments);
        va_end(arguments);
}

void undecided(const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(world->undecided, DETAIL, format, arguments);
        va_end(arguments);
        _exit(3);
}

/* ---- helpers ---- */

void blocked(long (*call)(void))
{
        volatile bool *const begun = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        char path[64], text[512] = "";

        if (begun == MAP_FAILED || helpers_count == HELPERS)
                undecided("no room for another helper");
        const pid_t child = (pid_t)MUST(fork());
        if (child == 0) {
                *begun = true;
                _exit(call() == -1 ? errno : 0);
        }
        snprintf(path, sizeof(path), "/proc/%d/stat", child);
        while (!*begun || read_text(path, text, sizeof(text)) <= 0 || !strstr(text, ") S "))
                sched_yield();
        munmap((void *)begun, 4096);
        helpers[helpers_count++] = child;
}

/* ---- the caller ---- */

/* What it is told: 'N' and n: make the call with the n-th step failed (0: none); 'R' and n: the same many times. */
struct order {
        char what;
        unsigned n;
};

/* What it tells. */
struct reply {
        struct result result;
        bool fired;
};

static struct reply make(const struct operation *operation, unsigned n)
{
        struct reply reply;

        world->answered = 0;
        arm(n);
        errno = 0;
        reply.result.value = operation->call();
        reply.result.error = reply.result.value == -1 ? errno : 0;
        reply.fired = fired() && n > 0;
        return reply;
}

/* Until it does not fail any more. */
static struct reply make_often(const struct operation *operation, unsigned n)
{
        struct reply reply = make(operation, n);

        for (int i = 1; i < TIMES && reply.fired && reply.result.error; i++)
                reply = make(operation, n);
        return reply;
}

static _Noreturn void be_caller(const struct operation *operation)
{
        struct reply reply = {0};
        struct order order;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (operation->own)
                operation->own();
        open_fail_nth();
        /* No page fault of ours is to be what fails. */
        if (mlockall(MCL_CURRENT) == 0)
                munlockall();
        MUST(write(replies, &reply, sizeof(reply)));
        while (read(orders, &order, sizeof(order)) == (ssize_t)sizeof(order)) {
                reply = order.what == 'R' ? make_often(operation, order.n) : make(operation, order.n);
                MUST(write(replies, &reply, sizeof(reply)));
        }
        _exit(0);
}

static pid_t start_caller(const struct operation *operation)
{
        int to[2], from[2];

        MUST(pipe2(to, O_CLOEXEC));
        MUST(pipe2(from, O_CLOEXEC));
        const pid_t child = (pid_t)MUST(fork());
        orders = child == 0 ? to[0] : to[1];
        replies = child == 0 ? from[1] : from[0];
        close(child == 0 ? to[1] : to[0]);
        close(child == 0 ? from[0] : from[1]);
        if (child == 0)
                be_caller(operation);
        return child;
}

/* Whether it replied; it ended otherwise. */
static bool hear(struct reply *reply)
{
        const ssize_t n = read(replies, reply, sizeof(*reply));

        if (n == -1)
                undecided("the caller cannot be heard: %s", strerror(errno));
        return n == (ssize_t)sizeof(*reply);
}

static bool tell(char what, unsigned n, struct reply *reply)
{
        const struct order order = {what, n};

        MUST(write(orders, &order, sizeof(order)));
        return hear(reply);
}

/* ---- process 1 ---- */

static void mount_at(const char *type, const char *place, const char *options)
{
        if (mount(type, place, type, MS_NOSUID | MS_NODEV, options) == -1)
                undecided("%s: %s", place, strerror(errno));
}

static void furnish(void)
{
        mount_at("proc", "/proc", NULL);
        mount_at("tmpfs", "/dev/shm", "mode=1777,size=4m");
        mount_at("mqueue", "/dev/mqueue", NULL);
}

static void let_time_pass(void)
{
        struct timespec now;

        if (!own_clock)
                return;
        clock_gettime(CLOCK_REALTIME, &now);
        now.tv_sec += 60;
        MUST(clock_settime(CLOCK_REALTIME, &now));
}

static void look(struct text *text, enum moment moment, pid_t caller)
{
        snapshot(text, moment, caller, helpers, helpers_count);
}

/* A call that failed, and left everything as it was, mostly does so any number of times: then it is the same at the
 * end. */
static void search_leaks(unsigned n)
{
        static struct gauge before, after;
        char detail[DETAIL];
        struct reply reply;

        for (int tries = 0; tries < 2; tries++) {
                measure(&before);
                if (!tell('R', n, &reply))
                        undecided("the caller ended when the call failed once more");
                if (!reply.fired || !reply.result.error)
                        return;
                measure(&after);
                if (!grew(&before, &after, MORE, detail, sizeof(detail)))
                        return;
        }
        wrong("leak", "%d such calls leave behind: %s", TIMES, detail);
}

static bool same(const struct result *a, const struct result *b)
{
        return a->value == b->value && a->error == b->error;
}

static void make_again(pid_t caller)
{
        struct reply reply;

        if (!tell('N', 0, &reply))
                undecided("the caller ended when it made the call again");
        world->made_again = true;
        world->again = reply.result;
        look(&world->after, AFTER_CALL, caller);
}

static void judge(const struct operation *operation, unsigned n, pid_t caller, const struct result *usual)
{
        static char detail[DETAIL];
        struct reply reply = {0};

        let_time_pass();
        trace_faults(n > 0);
        look(&world->before, BEFORE_CALL, caller);
        if (!tell('N', n, &reply) && !operation->ends) {
                wrong("end", "the caller ended in the call");
                reply.fired = n > 0;
        }
        world->result = reply.result;
        world->fired = reply.fired;
        look(&world->after, AFTER_CALL, operation->ends || world->problem[0] ? 0 : caller);
        trace_faults(false);
        if (!reply.fired || !reply.result.error || same(&reply.result, usual))
                return;
        if (differ(&world->before, &world->after, false, detail, sizeof(detail)))
                wrong("state", "%s", detail);
        else
                make_again(caller);
}

static _Noreturn void be_first(const struct operation *operation, unsigned n, enum purpose purpose,
                               const struct result *usual)
{
        struct reply reply;

        signal(SIGPIPE, SIG_IGN);
        furnish();
        if (operation->before)
                operation->before();
        const pid_t caller = start_caller(operation);
        if (!hear(&reply))
                undecided("%s", world->undecided[0] ? world->undecided : "the caller ended at once");
        if (purpose == JUDGE)
                judge(operation, n, caller, usual);
        else
                search_leaks(n);
        close(orders);
        waitpid(caller, NULL, 0);
        if (purpose == JUDGE)
                look(&world->end, AT_END, 0);
        _exit(0);
}

static pid_t new_namespaces(void)
{
        return (pid_t)syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNS | SIGCHLD, NULL, NULL, NULL, NULL);
}

enum ended run_world(const struct operation *operation, unsigned n, enum purpose purpose)
{
        static struct result usual;     /* of the world before in which nothing failed */
        int status;

        world->undecided[0] = '\0';
        const pid_t first = new_namespaces();
        if (first == -1)
                refuse("namespaces: %s", strerror(errno));
        if (first == 0)
                be_first(operation, n, purpose, &usual);
        const int handle = (int)syscall(SYS_pidfd_open, first, 0);
        struct pollfd end = {.fd = handle, .events = POLLIN};
        const bool hung = handle != -1 && poll(&end, 1, (int)deadline * 1000) == 0;
        if (hung)
                kill(first, SIGKILL);
        /* What waits in the kernel for what never comes does not even die. */
        const bool stays = hung && poll(&end, 1, 1000) == 0;
        close(handle);
        if (!stays)
                waitpid(first, &status, 0);
        if (n == 0)
                usual = world->result;
        if (hung)
                return HUNG;
        return WIFEXITED(status) && (WEXITSTATUS(status) == 0 || world->undecided[0]) ? DONE : DIED;
}

void compare_worlds(const struct operation *operation, const struct world *usual)
{
        static char detail[DETAIL];
        const struct result *const got = world->made_again ? &world->again : &world->result;
        const char *const when = world->made_again ? "made again, " : "";

        if (operation->partial && got->value > 0 && got->value < usual->result.value)
                return;
        if (!same(got, &usual->result))
                wrong("again", "%sthe call returns %ld %s, and otherwise %ld %s", when, got->value,
                      got->error ? errno_name(got->error) : "", usual->result.value,
                      usual->result.error ? errno_name(usual->result.error) : "");
        else if (world->answered != usual->answered || memcmp(world->answer, usual->answer, world->answered) != 0)
                wrong("again", "%sthe call gives other data than otherwise", when);
        if (differ(&usual->after, &world->after, true, detail, sizeof(detail)))
                wrong("effect", "%sit leaves another state: %s", when, detail);
        else if (differ(&usual->end, &world->end, true, detail, sizeof(detail)))
                wrong("effect", "%sit leaves another state when the caller has ended: %s", when, detail);
}
