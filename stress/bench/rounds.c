/* SPDX-License-Identifier: MIT
 *
 * rounds.c: each benchmark has a process; all of them are prepared first, and then take turns, a batch each, in an order that
 * changes from round to round: what else the machine does, or how its speed drifts, falls upon all alike.
 *
 * A process that dies, hangs or cannot go on loses its benchmark, and no other.
 */
#include <err.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

enum { LEAST_ROUNDS = 5, MOST_PENDING = 64, CLOCK_READINGS = 1001 };

/* A batch takes as long as a clock's reading weighs nothing, and short enough that a timer's tick meets few of them. */
static const double batch_seconds = 1e-3, batch_most = 20e-3, print_seconds = 1.0;
enum { CLOCK_STEPS = 500, WARM_UP = 10, ATTEMPTS = 3 };

enum kind { READY, TIMED, FAILED, LACKING };

/* What the process of a benchmark says. */
struct answer {
        enum kind kind;
        unsigned long operations;       /* READY: of a batch */
        double seconds;                 /* TIMED */
        int error;                      /* FAILED */
        char text[200];                 /* FAILED: the call; LACKING: what */
};

struct worker {
        const struct bench *bench;
        pid_t pid;                      /* 0: over */
        int ask, answers;
        unsigned long operations;
        unsigned pending;
        double ns[MOST_PENDING];        /* of a unit, not printed yet */
};

/* ---- the clock ---- */

double clock_seconds(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
        const double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

double clock_step(void)
{
        static double steps[CLOCK_READINGS];
        const double end = clock_seconds() + batch_most;
        size_t count = 0;

        while (count < CLOCK_READINGS && clock_seconds() < end) {
                const double before = clock_seconds();
                double after;
                while ((after = clock_seconds()) == before)
                        ;
                steps[count++] = after - before;
        }
        qsort(steps, count, sizeof(*steps), by_value);
        return steps[count / 2] * 1e9;
}

/* ---- in the process of a benchmark ---- */

static int answers_to = -1;

static void answer(const struct answer *a)
{
        if (write(answers_to, a, sizeof(*a)) != (ssize_t)sizeof(*a))
                _exit(2);
}

void bench_fails(const char *call, int error)
{
        struct answer a = {.kind = error == ENOSYS ? LACKING : FAILED, .error = error};

        if (a.kind == FAILED)
                snprintf(a.text, sizeof(a.text), "%s", call);
        else
                snprintf(a.text, sizeof(a.text), "%.*s()", (int)strcspn(call, "("), call);
        answer(&a);
        _exit(0);
}

void bench_lacks(const char *what)
{
        struct answer a = {.kind = LACKING};

        snprintf(a.text, sizeof(a.text), "%s", what);
        answer(&a);
        _exit(0);
}

static double time_of(const struct bench *bench, unsigned long operations)
{
        const double began = clock_seconds();

        bench->run(bench, operations);
        return clock_seconds() - began;
}

/* How many operations take that long: whatever else happens, the fastest of a few attempts tells. */
static unsigned long calibrate(const struct bench *bench, double wanted)
{
        for (unsigned long operations = 1;; operations *= 2) {
                double took = time_of(bench, operations);
                for (int i = 1; i < ATTEMPTS && took >= wanted / 2; i++) {
                        const double again = time_of(bench, operations);
                        took = again < took ? again : took;
                }
                if (took >= wanted / 2)
                        return (unsigned long)((double)operations * wanted / took) + 1;
        }
}

static _Noreturn void work(const struct bench *bench, double wanted, int asks_from)
{
        char turn;

        bind_to(0);
        if (bench->prepare)
                bench->prepare(bench);
        const unsigned long operations = calibrate(bench, wanted);
        answer(&(struct answer){.kind = READY, .operations = operations});
        while (read(asks_from, &turn, 1) == 1) {
                bench->run(bench, operations / WARM_UP + 1);
                answer(&(struct answer){.kind = TIMED, .seconds = time_of(bench, operations)});
        }
        _exit(0);
}

/* ---- all of them ---- */

static void hand_out(struct worker *w)
{
        report_samples(w->bench, w->ns, w->pending);
        w->pending = 0;
}

static void dismiss(struct worker *w)
{
        kill(w->pid, SIGKILL);
        waitpid(w->pid, NULL, 0);
        close(w->ask);
        close(w->answers);
        w->pid = 0;
}

static void how_it_died(pid_t pid, char *text, size_t size)
{
        siginfo_t end = {.si_code = 0};

        waitid(P_PID, (id_t)pid, &end, WEXITED | WNOWAIT);
        if (end.si_code == CLD_EXITED)
                snprintf(text, size, "its process ended with status %d", end.si_status);
        else
                snprintf(text, size, "its process was killed by signal %d", end.si_status);
}

/* The next answer of the benchmark's process; false when there is none, and the benchmark is over. */
static bool hear(struct worker *w, double patience, struct answer *a)
{
        struct pollfd wanted = {.fd = w->answers, .events = POLLIN};
        char text[320];
        int ready;

        while ((ready = poll(&wanted, 1, (int)(patience * 1000))) == -1 && errno == EINTR)
                ;
        const bool came = ready == 1 && read(w->answers, a, sizeof(*a)) == (ssize_t)sizeof(*a);
        if (came && (a->kind == READY || a->kind == TIMED))
                return true;
        if (came && a->kind == LACKING) {
                report_end_of(w->bench, "skip", a->text);
        } else if (came) {
                snprintf(text, sizeof(text), "%s: %s", a->text, errno_name(a->error));
                report_end_of(w->bench, "error", text);
        } else if (ready == 1) {
                how_it_died(w->pid, text, sizeof(text));
                report_end_of(w->bench, "error", text);
        } else {
                snprintf(text, sizeof(text), "hung for %g s", patience);
                report_end_of(w->bench, "error", text);
        }
        dismiss(w);
        return false;
}

static void begin(struct worker *w, double wanted, double patience)
{
        int ask[2], answers[2];
        struct answer a;
        const pid_t self = getpid();

        if (pipe(ask) == -1 || pipe(answers) == -1)
                err(2, "pipe");
        w->pid = fork();
        if (w->pid == -1)
                err(2, "fork");
        if (w->pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (getppid() != self)
                        _exit(0);
                close(ask[1]);
                close(answers[0]);
                answers_to = answers[1];
                work(w->bench, wanted, ask[0]);
        }
        close(ask[0]);
        close(answers[1]);
        w->ask = ask[1];
        w->answers = answers[0];
        if (!hear(w, patience, &a))
                return;
        w->operations = a.operations;
        report_ready(w->bench, a.operations);
}

static void take_turn(struct worker *w, double patience)
{
        struct answer a;

        if (write(w->ask, "", 1) == -1 && errno != EPIPE)
                err(2, "write");
        if (!hear(w, patience, &a))
                return;
        w->ns[w->pending++] = a.seconds * 1e9 / (double)w->operations / w->bench->units;
        if (w->pending == MOST_PENDING)
                hand_out(w);
}

static void shuffle(size_t *order, size_t count, uint64_t *state)
{
        for (size_t i = count; i > 1; i--) {
                *state = *state * 6364136223846793005u + 1442695040888963407u;
                const size_t other = (size_t)(*state >> 33) % i, last = order[i - 1];
                order[i - 1] = order[other];
                order[other] = last;
        }
}

void measure(const struct bench *const *benches, size_t count, const struct plan *plan)
{
        struct worker *const workers = calloc(count, sizeof(*workers));
        size_t *const order = calloc(count, sizeof(*order));
        uint64_t state = plan->seed;
        const double step = clock_step() / 1e9 * CLOCK_STEPS;
        double wanted = step > batch_seconds ? step : batch_seconds;

        if (!workers || !order)
                errx(2, "out of memory");
        if (wanted > batch_most)
                wanted = batch_most;
        signal(SIGPIPE, SIG_IGN);
        for (size_t i = 0; i < count; i++) {
                order[i] = i;
                workers[i].bench = benches[i];
                begin(&workers[i], wanted, plan->patience);
        }
        double printed = clock_seconds();
        const double end = printed + plan->seconds;
        size_t left = count;
        for (unsigned round = 0; left && (round < LEAST_ROUNDS || clock_seconds() < end); round++) {
                shuffle(order, count, &state);
                left = 0;
                for (size_t i = 0; i < count; i++)
                        if (workers[order[i]].pid) {
                                take_turn(&workers[order[i]], plan->patience);
                                left++;
                        }
                if (clock_seconds() - printed < print_seconds)
                        continue;
                for (size_t i = 0; i < count; i++)
                        hand_out(&workers[i]);
                printed = clock_seconds();
        }
        for (size_t i = 0; i < count; i++) {
                hand_out(&workers[i]);
                if (workers[i].pid)
                        dismiss(&workers[i]);
        }
        free(workers);
        free(order);
}
