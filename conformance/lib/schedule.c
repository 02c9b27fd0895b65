/* SPDX-License-Identifier: MIT
 *
 * schedule.c: runs the tests side by side, gathers what they print and decide, and ends the hung ones. One process,
 * one loop.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "counters.h"
#include "internal.h"

enum { KEEP = 2048, MAX_WAITING = 64, FORKS = 8, MOST_SLOWNESS = 50 };

/* What fork() and waitpid() take at most on a machine for whose speed deadlines were chosen. */
#define USUAL_FORK_S 400e-6

/* How long the runner sleeps at most, and how long where a running test that turns out to wait lets another start. */
#define LONGEST_SLEEP_S 3600.0
#define LOOK_AGAIN_S 0.1

/* For how long results are held back where each look at leaks costs seconds. */
#define HELD_S 60.0

/* The descriptors of a running test, as they are polled. */
enum { OUT, STOP, FDS };

/* A running test. */
struct slot {
        const struct ipck_case *which;
        struct ipck_shared *state;
        pid_t init;                     /* 0: the slot is free */
        int out, stop;                  /* read ends; -1 at their end */
        double start, deadline;
        char *timeout;                  /* the dump, once it has hung */
        char head[KEEP], tail[KEEP];    /* the first and the last of what it printed */
        size_t printed;
        bool waits;
        struct pollfd *polled;
};

static volatile sig_atomic_t child_ended;

static void on_child(int signo)
{
        (void)signo;
        child_ended = 1;
}

static void *map_state(void)
{
        void *state = mmap(NULL, sizeof(struct ipck_shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (state == MAP_FAILED)
                ipck_fatal("out of memory");
        return state;
}

/* False with errno, and without descriptors, where there is no room for them. */
static bool make_pipes(int out[2], int stop[2])
{
        if (pipe2(out, O_CLOEXEC) == -1)
                return false;
        if (pipe2(stop, O_CLOEXEC) == -1) {
                const int error = errno;
                close(out[0]);
                close(out[1]);
                errno = error;
                return false;
        }
        if (fcntl(out[0], F_SETFL, O_NONBLOCK) == -1 || fcntl(stop[0], F_SETFL, O_NONBLOCK) == -1)
                ipck_fatal("fcntl: %s", strerror(errno));
        return true;
}

static void start(struct slot *s, const struct ipck_case *which)
{
        int out[2], stop[2];

        *s = (struct slot){.which = which, .out = -1, .stop = -1, .state = map_state(), .start = ipck_seconds(),
                           .waits = which->test->waits};
        if (!make_pipes(out, stop)) {
                s->state->sandbox_failed = errno;
                return;
        }
        s->out = out[0];
        s->stop = stop[0];
        s->deadline = s->start + ipck_options.deadline * ipck_options.time_scale;
        ipck_state = s->state;
        ipck_running = which->test;
        s->init = ipck_sandbox(which, out[1], stop[1]);
        if (s->init == -1) {
                /* Decided later: a full process table must not lose the other results. */
                s->state->sandbox_failed = errno;
                s->init = 0;
        }
        close(out[1]);
        close(stop[1]);
}

/* Whether the machine had no room for the test's processes, namespaces or pipes: it is no judgement on what was tested. */
static bool no_room(const struct slot *s)
{
        const int error = s->state->sandbox_failed;

        return s->state->no_room || error == EAGAIN || error == ENOSPC || error == EMFILE || error == ENFILE;
}

/* Takes one piece of what the test printed; whether there may be more now. One at a time while the test lives: one that
 * prints without end must not keep the runner from the others and from its deadline. */
static bool take_output(struct slot *s)
{
        char buffer[65536];
        const ssize_t n = s->out >= 0 ? read(s->out, buffer, sizeof(buffer)) : -1;

        if (n == 0) {
                close(s->out);
                s->out = -1;
        }
        for (ssize_t i = 0; i < n; i++, s->printed++) {
                /* The text is kept as a string: a NUL becomes a byte that is shown as undecodable. */
                const char byte = buffer[i] ? buffer[i] : '\xff';
                if (s->printed < KEEP)
                        s->head[s->printed] = byte;
                else
                        s->tail[s->printed % KEEP] = byte;
        }
        return n > 0;
}

static char *printed_text(const struct slot *s)
{
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);

        if (!out)
                ipck_fatal("out of memory");
        fwrite(s->head, 1, s->printed < KEEP ? s->printed : KEEP, out);
        if (s->printed > 2 * KEEP)
                fprintf(out, "\n[%zu bytes left out]\n", s->printed - 2 * KEEP);
        for (size_t i = s->printed > 2 * KEEP ? s->printed - KEEP : KEEP; i < s->printed; i++)
                fputc(s->tail[i % KEEP], out);
        fclose(out);
        return text;
}

static void end_texts(const struct ipck_test *test, struct ipck_shared *state)
{
        /* A test may have scribbled over its page: every text ends inside its own field. */
#define END(field) ((field)[sizeof(field) - 1] = '\0')
        END(state->error);
        END(state->skip);
        for (size_t i = 0; test->verifies[i] != IPCK_REQUIREMENTS; i++) {
                struct ipck_verdict *v = &state->verdicts[i];
                END(v->where);
                END(v->row);
                END(v->expression);
                END(v->wanted);
                END(v->got);
                END(v->observed);
        }
        for (size_t i = 0; i < MAX_CHILDREN && i < state->children; i++)
                END(state->child[i].place);
#undef END
}

/* Why the test as a whole could not decide; NULL if it came to its end. */
static char *trouble(const struct slot *s)
{
        const struct ipck_shared *state = s->state;
        const int status = state->body_status;
        char *text = NULL;
        int n = 0;

        if (s->timeout)
                n = asprintf(&text, "not finished after %g s\n%s", ipck_options.deadline * ipck_options.time_scale,
                             s->timeout);
        else if (state->unresolved)
                n = asprintf(&text, "%s", state->error);
        else if (state->finished || state->stopped)
                return NULL;
        else if (state->sandbox_failed)
                n = asprintf(&text, "starting the test: %s", strerror(state->sandbox_failed));
        else if (!state->body_reaped)
                n = asprintf(&text, "process 1 of the test was killed");
        else if (WIFSIGNALED(status))
                n = asprintf(&text, "the test was killed by signal %d (%s)", WTERMSIG(status),
                             strsignal(WTERMSIG(status)));
        else
                n = asprintf(&text, "the test ended itself with status %d", WEXITSTATUS(status));
        if (n < 0)
                ipck_fatal("out of memory");
        return text;
}

static void judge(struct ipck_outcome *o, const struct slot *s)
{
        const struct ipck_shared *state = s->state;
        const char *why = o->why;
        /* A requirement is met when all its checks held: what ended before its end did not come to all of them. */
        const char *const cut_short =
                why ? why : state->stopped && !state->skipped ? "not reached after the failure" : NULL;
        bool failed = false, skipped = false, silent = false;

        for (size_t i = 0; s->which->test->verifies[i] != IPCK_REQUIREMENTS; i++) {
                const struct ipck_verdict *v = &state->verdicts[i];
                enum ipck_answer answer = ANSWER_PASS;
                const char *reason = "";

                if (v->failed) {
                        answer = ANSWER_FAIL;
                        failed = true;
                } else if (cut_short) {
                        answer = ANSWER_UNRESOLVED;
                        reason = cut_short;
                } else if (v->checks) {
                        answer = ANSWER_PASS;
                } else if (state->skipped) {
                        answer = ANSWER_SKIP;
                        reason = state->skip;
                        skipped = true;
                } else {
                        answer = ANSWER_MISSING;
                        reason = "declared, but the test gave no verdict";
                        silent = true;
                }
                o->requirement[i].id = s->which->test->verifies[i];
                o->requirement[i].answer = answer;
                o->requirement[i].verdict = v;
                o->requirement[i].reason = reason;
                o->requirements = i + 1;
        }
        o->status = failed ? STATUS_FAIL : s->timeout ? STATUS_TIMEOUT : why || silent ? STATUS_ERROR
                    : skipped ? STATUS_SKIP : STATUS_PASS;
        if (!why && silent && !failed)
                why = "a declared requirement got no verdict";
        o->reason = strdup(why ? why : skipped ? state->skip : "");
        if (!o->reason)
                ipck_fatal("out of memory");
}

struct tally {
        size_t done, told, failed, undecided;
        struct ipck_outcome *held;      /* the results that wait for a look at leaks: done, not told */
        double held_since;
};

static void report(struct tally *tally, struct ipck_outcome *o)
{
        tally->told++;
        tally->failed += o->status == STATUS_FAIL;
        tally->undecided += o->status == STATUS_ERROR || o->status == STATUS_TIMEOUT;
        ipck_out_case(o, tally->told);
        free(o->reason);
        free(o->output);
        free(o->why);
        if (o->state)
                munmap(o->state, sizeof(*o->state));
}

static void tell_held(struct tally *tally)
{
        const size_t count = tally->done - tally->told;

        if (count == 0)
                return;
        ipck_watch_leaks(tally->held, count);
        for (size_t i = 0; i < count; i++)
                report(tally, &tally->held[i]);
}

/* Tells a result, or holds it back until leaks have been looked for. */
static void deliver(struct tally *tally, struct ipck_outcome *o)
{
        tally->done++;
        if (!ipck_watch_finds_leaks()) {
                report(tally, o);
                return;
        }
        const size_t count = tally->done - tally->told;
        tally->held = realloc(tally->held, count * sizeof(*tally->held));
        if (!tally->held)
                ipck_fatal("out of memory");
        tally->held[count - 1] = *o;
        if (count == 1)
                tally->held_since = ipck_seconds();
        if (ipck_seconds() - tally->held_since > HELD_S)
                tell_held(tally);
}

static void release(struct slot *s)
{
        if (s->out >= 0)
                close(s->out);
        if (s->stop >= 0)
                close(s->stop);
        free(s->timeout);
        if (s->state)
                munmap(s->state, sizeof(*s->state));
        s->which = NULL;
        s->init = 0;
}

static void finish(struct slot *s, struct tally *tally)
{
        struct ipck_outcome o = {
                .which = s->which, .state = s->state, .init = s->init, .seconds = ipck_seconds() - s->start};

        while (take_output(s)) {
        }
        if (s->state->sandbox_failed && no_room(s)) {
                s->state->skipped = s->state->stopped = 1;
                snprintf(s->state->skip, sizeof(s->state->skip), "room for the processes of a test (%s)",
                         errno_name(s->state->sandbox_failed));
        }
        end_texts(s->which->test, s->state);
        o.why = trouble(s);
        judge(&o, s);
        ipck_out_counters(s->which->id);
        o.output = printed_text(s);
        if (ipck_options.watch)
                ipck_watch(&o);
        s->state = NULL;        /* the outcome's from now on */
        release(s);
        deliver(tally, &o);
}

static void check_deadline(struct slot *s, double moment)
{
        if (s->timeout || moment < s->deadline)
                return;
        ipck_state = s->state;
        end_texts(s->which->test, s->state);
        s->timeout = ipck_dump(s->init);
        kill(s->init, SIGKILL);
}

/* Sleeps until something happens to a running test. */
static void wait_for_news(struct slot *slots, struct pollfd *fds, size_t count, double longest)
{
        double next = ipck_seconds() + longest;
        size_t used = 0;        /* poll takes no more than there may be descriptors */
        sigset_t none;

        for (size_t i = 0; i < count; i++) {
                if (!slots[i].which)
                        continue;
                if (!slots[i].timeout && slots[i].deadline < next)
                        next = slots[i].deadline;
                /* Negative descriptors are ignored by poll. */
                slots[i].polled = fds + used;
                slots[i].polled[OUT] = (struct pollfd){.fd = slots[i].out, .events = POLLIN};
                slots[i].polled[STOP] = (struct pollfd){.fd = slots[i].stop, .events = POLLIN};
                used += FDS;
        }
        double left = next - ipck_seconds();
        if (left < 0)
                left = 0;
        struct timespec patience = {.tv_sec = (time_t)left, .tv_nsec = (long)((left - (double)(time_t)left) * 1e9)};
        sigemptyset(&none);
        if (ppoll(fds, used, &patience, &none) == -1 && errno != EINTR)
                ipck_fatal("ppoll: %s", strerror(errno));
}

/* Only what poll told of: where a system call is dear, asking every running test costs more than the tests do. */
static void serve(struct slot *s, double moment)
{
        char byte;
        ssize_t n;

        if (s->polled[OUT].revents)
                take_output(s);
        if (s->polled[STOP].revents && (n = read(s->stop, &byte, 1)) >= 0) {
                if (n == 1)
                        kill(s->init, SIGKILL);
                close(s->stop);
                s->stop = -1;
        }
        check_deadline(s, moment);
}

/* A run of many tests. */
struct crowd {
        struct ipck_case *cases;
        size_t count, slots_count;
        struct slot *slots;
        struct {
                bool started, announced;
        } *progress;
        size_t begin;                   /* all before this one are started */
        size_t room;                    /* how many the machine takes at a time */
        size_t running, waiting;        /* tests that run, and those of them that mostly wait, when counted last */
};

/* A test that mostly waits takes no job: one that says so, and one that has waited long for what may never come. But
 * where one job is asked for, it is to be known which test made the machine fail. */
static void count_running(struct crowd *c)
{
        const bool side_by_side = ipck_options.jobs > 1;

        c->running = c->waiting = 0;
        for (const struct slot *s = c->slots; s < c->slots + c->slots_count; s++) {
                c->running += s->which != NULL;
                c->waiting += s->which && (s->waits || (side_by_side && s->state->patient > 0));
        }
}

static bool may_start(const struct crowd *c, bool waits)
{
        if (c->running >= (ipck_options.watch || ipck_options.counting ? 1 : c->room))
                return false;
        return waits ? c->waiting < MAX_WAITING : c->running - c->waiting < ipck_options.jobs;
}

/* What is running is as much as the machine takes: the test gets its turn when one of the others is over. */
static void put_back(struct crowd *c, struct slot *s)
{
        const size_t i = (size_t)(s->which - c->cases);

        c->progress[i].started = false;
        if (i < c->begin)
                c->begin = i;
        release(s);
        count_running(c);
        c->room = c->running;
}

/* A test that could not start, or is over. */
static void settle(struct crowd *c, struct slot *s, struct tally *tally)
{
        count_running(c);
        if (no_room(s) && c->running > 1)
                put_back(c, s);
        else
                finish(s, tally);
}

static void start_one(struct crowd *c, size_t i, struct tally *tally)
{
        struct slot *s = c->slots;

        while (s->which)
                s++;
        if (!c->progress[i].announced)
                ipck_out_start(&c->cases[i]);
        c->progress[i].started = c->progress[i].announced = true;
        start(s, &c->cases[i]);
        if (!s->init)
                settle(c, s, tally);
        count_running(c);
}

/* Tests that wait for the clock first: they cost time, not a processor. */
static void start_some(struct crowd *c, struct tally *tally)
{
        count_running(c);
        for (int turn = 0; turn < 2; turn++) {
                const bool waits = turn == 0;
                while (c->begin < c->count && c->progress[c->begin].started)
                        c->begin++;
                for (size_t i = c->begin; i < c->count && may_start(c, waits); i++)
                        if (!c->progress[i].started && c->cases[i].test->waits == waits)
                                start_one(c, i, tally);
        }
}

static void serve_all(const struct crowd *c)
{
        const double moment = ipck_seconds();

        for (struct slot *s = c->slots; s < c->slots + c->slots_count; s++)
                if (s->which)
                        serve(s, moment);
}

static struct slot *slot_of(const struct crowd *c, pid_t init)
{
        for (struct slot *s = c->slots; s < c->slots + c->slots_count; s++)
                if (s->which && s->init == init)
                        return s;
        return NULL;
}

/* The tests whose process 1 has ended. */
static void reap_all(struct crowd *c, struct tally *tally)
{
        int status;
        pid_t ended;

        if (!child_ended)
                return;
        child_ended = 0;
        while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
                struct slot *const s = slot_of(c, ended);
                /* Without a slot: an orphan that came to the runner, as to process 1 of a container. */
                if (s)
                        settle(c, s, tally);
        }
}

static void run_all(struct ipck_case *cases, size_t count, struct tally *tally)
{
        const size_t most = ipck_options.jobs + MAX_WAITING;
        struct crowd c = {.cases = cases, .count = count, .slots_count = most, .room = most};
        struct pollfd *fds = calloc(FDS * most, sizeof(*fds));

        c.slots = calloc(most, sizeof(*c.slots));
        c.progress = calloc(count + 1, sizeof(*c.progress));
        if (!c.slots || !fds || !c.progress)
                ipck_fatal("out of memory");
        while (tally->done < count) {
                start_some(&c, tally);
                if (tally->done == count)
                        break;
                wait_for_news(c.slots, fds, most, c.begin < count ? LOOK_AGAIN_S : LONGEST_SLEEP_S);
                serve_all(&c);
                reap_all(&c, tally);
        }
        tell_held(tally);
        free(tally->held);
        free(c.slots);
        free(c.progress);
        free(fds);
}

/* No private namespaces: every test is unsupported, since its objects would be the host's. */
static void skip_all(struct ipck_case *cases, size_t count, const char *reason, struct tally *tally)
{
        for (size_t i = 0; i < count; i++) {
                struct ipck_outcome o = {.which = &cases[i], .status = STATUS_SKIP, .output = strdup("")};

                if (asprintf(&o.reason, "namespaces of its own (%s)", reason) < 0 || !o.output)
                        ipck_fatal("out of memory");
                for (size_t r = 0; cases[i].test->verifies[r] != IPCK_REQUIREMENTS; r++) {
                        o.requirement[r].id = cases[i].test->verifies[r];
                        o.requirement[r].answer = ANSWER_SKIP;
                        o.requirement[r].reason = o.reason;
                        o.requirements = r + 1;
                }
                if (ipck_options.watch)
                        o.requirement[o.requirements++] = (struct ipck_decision){
                                .id = kernel_no_report, .answer = ANSWER_SKIP, .reason = o.reason};
                ipck_out_start(&cases[i]);
                tally->done++;
                report(tally, &o);
        }
}

/* The fastest of several, so that what else runs here matters little. */
double ipck_slowness(void)
{
        double fastest = MOST_SLOWNESS * USUAL_FORK_S;

        for (int i = 0; i < FORKS; i++) {
                const double begin = ipck_seconds();
                const pid_t child = fork();
                if (child == 0)
                        _exit(0);
                if (child == -1 || waitpid(child, NULL, 0) != child)
                        return 1;
                const double took = ipck_seconds() - begin;
                if (took < fastest)
                        fastest = took;
        }
        return fastest > USUAL_FORK_S ? fastest / USUAL_FORK_S : 1;
}

int ipck_run(struct ipck_case *cases, size_t count)
{
        struct sigaction child = {.sa_handler = on_child};
        struct tally tally = {0};
        const double begin = ipck_seconds();
        sigset_t block;

        signal(SIGPIPE, SIG_IGN);
        ipck_out_open();
        sigemptyset(&child.sa_mask);
        if (!ipck_options.exact_scale)
                ipck_options.time_scale *= ipck_slowness();
        sigaction(SIGCHLD, &child, NULL);
        sigemptyset(&block);
        sigaddset(&block, SIGCHLD);
        struct ipck_isolation isolation = ipck_isolate();
        if (ipck_options.watch)
                ipck_watch_open();
        sigprocmask(SIG_BLOCK, &block, NULL);
        ipck_out_head(&isolation, count);
        ipck_options.counting = ipck_counters_open() > 0;
        ipck_out_counters(ipck_counters_began);
        if (isolation.possible)
                run_all(cases, count, &tally);
        else
                skip_all(cases, count, isolation.reason, &tally);
        ipck_out_end(tally.told, ipck_seconds() - begin);
        return tally.failed ? 1 : tally.undecided ? 2 : 0;
}
