/* SPDX-License-Identifier: MIT
 *
 * rounds.c: cells of workers that record histories round by round, and their main processes that check them.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record.h"

/* How long somebody may take who could go on, and who waits for a processor. */
static const int64_t GRACE_NS = 1000000000, LONG_GRACE_NS = 30000000000;

/* What is ignored, or caught with SA_RESTART, must not end a wait. */
enum { IGNORED_SIGNAL = SIGUSR2, RESTARTING_SIGNAL = SIGWINCH };

/* Some rest at any time, and their main processes watch whether they do. */
enum { CELLS_A_PROCESSOR = 6 };

enum { SHORTEST = 8, LOOK_NS = 300000, MOST_PLACES = 200000, WORKER_SIGNAL = SIGUSR1 };

/* What the cells of a workload share. */
static struct shared {
        _Atomic uint64_t operations[2], ns[2];  /* of rounds that are not judged, and of those that are */
        _Atomic uint64_t undecided;
        _Atomic bool violated;
} *totals;

/* ---- waiting for each other ---- */

static void wait_while(_Atomic unsigned *word, unsigned value, int64_t ns)
{
        const struct timespec limit = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

        syscall(SYS_futex, word, FUTEX_WAIT, value, ns ? &limit : NULL, NULL, 0);
}

static void wake(_Atomic unsigned *word)
{
        syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* ---- workers ---- */

static struct random choices_of(const struct cell *cell, unsigned worker)
{
        uint64_t seed = stress_options.seed;

        for (const char *c = cell->kind->name; *c; c++)
                seed = splitmix(&seed) ^ (unsigned char)*c;
        seed = splitmix(&seed) ^ cell->number;
        seed = splitmix(&seed) ^ cell->round;
        seed = splitmix(&seed) ^ worker;
        return random_from(seed);
}

static void run_script(struct cell *cell, unsigned worker)
{
        struct lane *const lane = &cell->lanes[worker];
        struct random random = choices_of(cell, worker);

        for (unsigned i = 0; i < cell->length && !atomic_load_explicit(&cell->stop, memory_order_relaxed); i++) {
                struct record *const record = &lane->records[i];
                memset(record, 0, sizeof(*record));
                record->process = (uint8_t)((worker - 1) / cell->threads);
                record->number = worker * ROUND + i + 1;
                cell->kind->choose(cell, &random, record);
                record->called = stamp();
                atomic_store_explicit(&lane->called, i + 1, memory_order_release);
                cell->kind->carry_out(cell, record);
                atomic_store_explicit(&lane->returned, i + 1, memory_order_release);
        }
        lane->finished = true;
        if (atomic_fetch_add(&cell->finished, 1) + 2 == cell->workers)
                wake(&cell->finished);
}

struct place_of_work {
        struct cell *cell;
        unsigned worker;
};

static void *work(void *argument)
{
        const struct place_of_work *const place = argument;
        struct cell *const cell = place->cell;
        unsigned round = cell->round_of_birth;

        atomic_store(&cell->lanes[place->worker].tid, gettid());
        do {
                while (atomic_load(&cell->round) <= round)
                        wait_while(&cell->round, round, 0);
                round = atomic_load(&cell->round);
                run_script(cell, place->worker);
        } while (!cell->kind->dies);
        return NULL;
}

static _Noreturn void be_process(struct cell *cell, unsigned process)
{
        struct place_of_work places[MOST_THREADS] = {{0}};
        pthread_t threads[MOST_THREADS];

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (unsigned t = 0; t < cell->threads; t++)
                places[t] = (struct place_of_work){cell, 1 + process * cell->threads + t};
        for (unsigned t = 1; t < cell->threads; t++)
                MUST_FORK(-(errno = pthread_create(&threads[t], NULL, work, &places[t])));
        work(&places[0]);
        for (unsigned t = 1; t < cell->threads; t++)
                pthread_join(threads[t], NULL);
        _exit(0);
}

static void start_process(struct cell *cell, unsigned process)
{
        cell->round_of_birth = cell->round;
        const pid_t pid = (pid_t)MUST_FORK(fork());
        if (pid == 0)
                be_process(cell, process);
        cell->pids[process] = pid;
}

/* ---- the main process: what has been recorded so far ---- */

static const struct actor actors[MODEL_PROCESSES] = {
        {.process = 0, .privileged = true, .pid = 1}, {.process = 1, .privileged = true, .pid = 1},
        {.process = 2, .privileged = true, .pid = 1}, {.process = 3, .privileged = true, .pid = 1},
        {.process = 4, .privileged = true, .pid = 1}, {.process = 5, .privileged = true, .pid = 1},
        {.process = 6, .privileged = true, .pid = 1}, {.process = 7, .privileged = true, .pid = 1},
};

const struct actor *actor_of(unsigned process)
{
        return &actors[process];
}

uint64_t class_of(const struct record *record, bool process_matters)
{
        enum { FROM = offsetof(struct record, value), WORDS = (sizeof(struct record) - FROM) / sizeof(uint64_t) };
        uint64_t hash = (uint64_t)record->call << 32 | (uint64_t)record->error << 16 | (uint64_t)record->command << 8;
        uint64_t word[WORDS];

        if (process_matters)
                hash |= record->process;
        memcpy(word, (const char *)record + FROM, sizeof(word));
        for (int i = 0; i < WORDS; i++) {
                hash = (hash ^ word[i]) * UINT64_C(0x9fb21c651e98df25);
                hash ^= hash >> 32;
        }
        return hash | 1;
}

/* What the main process knows of a round. */
struct watch {
        struct cell *cell;
        struct random random;
        struct history history;
        struct event *events;
        void *initial;
        struct limits limits;
        uint64_t ended[MODEL_PROCESSES][2];     /* between which a process ended, where it did */
        unsigned turn;
        struct contradiction wrong;             /* of an outcome that is not possible at all */
        bool judged;                            /* whether this round is to be */
};

static bool has_ended(const struct watch *w, unsigned process)
{
        return w->ended[process][1] != 0;
}

static struct event *add_event(struct watch *w, unsigned worker, const struct record *record)
{
        struct event *const e = &w->events[w->history.count++];

        memset(e, 0, offsetof(struct event, in));
        e->worker = worker;
        e->called = record->called;
        e->returned = record->returned;
        e->received[0] = e->received[1] = NEVER;
        e->operation.actor = actor_of(record->process);
        w->cell->kind->explain(w->cell, record, e);
        return e;
}

/* The end of a process, after which its threads do nothing more. */
static void add_end(struct watch *w, unsigned process)
{
        struct event *const e = &w->events[w->history.count++];

        memset(e, 0, offsetof(struct event, in));
        e->worker = w->cell->workers + process;
        e->called = w->ended[process][0];
        e->returned = w->ended[process][1];
        e->received[0] = e->received[1] = NEVER;
        e->operation.call = CALL_exit;
        e->operation.actor = actor_of(process);
        e->ends = ((UINT64_C(1) << w->cell->threads) - 1) << (1 + process * w->cell->threads);
}

static bool may_remove(const struct event *e)
{
        const struct operation *const o = &e->operation;

        return !e->outcome.error && (o->command == IPC_RMID || o->call == CALL_shmdt) && o->call != CALL_semop;
}

/* A call during which the object is removed may have found it and then lost it: EIDRM says the same as EINVAL. */
static void excuse_lost_races(struct history *history)
{
        for (size_t i = 0; i < history->count; i++) {
                struct event *const e = &history->events[i];
                if (e->outcome.error != EIDRM || !e->never_waits)
                        continue;
                for (size_t k = 0; k < history->count && !e->lost_race; k++) {
                        const struct event *const other = &history->events[k];
                        e->lost_race = may_remove(other) && other->called <= e->returned && other->returned >= e->called;
                }
                if (e->lost_race)
                        e->outcome.error = EINVAL;
        }
}

/* Whether such a signal may have come during that operation: it interrupts what goes on, or what is called next. */
static bool was_signalled(const struct lane *lane, unsigned i, uint64_t until, bool restarts)
{
        for (unsigned s = 0; s < lane->signals; s++)
                if (lane->signal[s].restarts == restarts && until >= lane->signal[s].before &&
                    (i == 0 || lane->records[i - 1].called <= lane->signal[s].after))
                        return true;
        return false;
}

static bool has_to_heed_signal(const struct lane *lane, unsigned i)
{
        for (unsigned s = 0; s < lane->signals; s++)
                if (!lane->signal[s].restarts && lane->asleep[i] && lane->asleep[i] < lane->signal[s].before)
                        return true;
        return false;
}

static void gather(struct watch *w, bool at_rest)
{
        struct cell *const cell = w->cell;

        w->history.count = 0;
        w->history.at_rest = at_rest;
        for (unsigned worker = 0; worker < cell->workers; worker++) {
                struct lane *const lane = &cell->lanes[worker];
                const unsigned complete = atomic_load_explicit(&lane->returned, memory_order_acquire);
                const unsigned called = atomic_load_explicit(&lane->called, memory_order_acquire);
                for (unsigned i = 0; i < called; i++) {
                        struct event *const e = add_event(w, worker, &lane->records[i]);
                        const unsigned process = lane->records[i].process;
                        e->asleep = lane->asleep[i];
                        e->signalled = was_signalled(lane, i, i < complete ? e->returned : NEVER, false);
                        e->restarted = was_signalled(lane, i, i < complete ? e->returned : NEVER, true);
                        if (i < complete)
                                continue;
                        e->returned = NEVER;
                        e->hurries |= has_to_heed_signal(lane, i);
                        if (worker && has_ended(w, process)) {
                                e->optional = e->killed = true;
                                e->returned = w->ended[process][1];
                        }
                }
        }
        for (unsigned process = 0; process < cell->processes; process++)
                if (has_ended(w, process))
                        add_end(w, process);
        if (cell->kind->relate)
                cell->kind->relate(&w->history);
        excuse_lost_races(&w->history);
        for (size_t i = 0; i < w->history.count && cell->kind->comes_back_wrongly; i++) {
                struct event *const e = &w->history.events[i];
                if (e->outcome.error && (e->asleep || e->outcome.error == EINTR) && e->returned != NEVER &&
                    cell->kind->comes_back_wrongly(&w->history, e, &w->wrong))
                        e->impossible = &w->wrong;
        }
}

/* ---- the main process: judging ---- */

static struct judgment judge(struct watch *w, bool at_rest)
{
        gather(w, at_rest);
        return check_history(&w->history, MOST_PLACES);
}

static void report(struct watch *w, struct judgment *judgment)
{
        char text[400], *const details = malloc(MOST_DETAILS);
        void *const initial = malloc(w->history.model->most);

        REQUIRE(details && initial);
        shorten_history(&w->history, initial, judgment, MOST_PLACES);
        const enum ipck_requirement requirement =
                judgment->in_vain ? w->cell->kind->in_vain(&w->history, &w->history.events[judgment->event])
                                  : judgment->why.requirement;
        explain_history(&w->history, judgment, details, MOST_DETAILS, text, sizeof(text));
        totals->violated = true;
        violation(requirement, details, "%s (seed %" PRIu64 ", cell %u, round %u)", text, stress_options.seed,
                  w->cell->number, w->cell->round);
        free(initial);
        free(details);
}

/* ---- the main process: watching ---- */

static uint64_t progress(const struct cell *cell)
{
        uint64_t sum = cell->finished;

        for (unsigned worker = 1; worker < cell->workers; worker++)
                sum += cell->lanes[worker].called + cell->lanes[worker].returned;
        return sum;
}

static bool all_finished(const struct cell *cell)
{
        for (unsigned worker = 1; worker < cell->workers; worker++)
                if (!cell->lanes[worker].finished)
                        return false;
        return true;
}

/* Whether everybody who has not finished is in a call, and nobody came on for a while. */
static bool stands_still(struct watch *w)
{
        struct cell *const cell = w->cell;
        const uint64_t before = progress(cell);

        const unsigned finished = cell->finished;
        const int64_t patience = w->turn < LAST_TURNS ? LOOK_NS : scaled_ns(LOOK_NS) * w->turn;
        if (finished + 1 < cell->workers)
                wait_while(&cell->finished, finished, patience);
        if (progress(cell) != before || all_finished(cell))
                return false;
        for (unsigned worker = 1; worker < cell->workers; worker++) {
                const struct lane *const lane = &cell->lanes[worker];
                if (!lane->finished && lane->called == lane->returned)
                        return false;
        }
        return true;
}

/* Notes who sleeps in a call: a flag was set before it, and the kernel says that the thread sleeps. */
static void note_sleepers(struct cell *cell)
{
        for (unsigned worker = 1; worker < cell->workers; worker++) {
                struct lane *const lane = &cell->lanes[worker];
                const unsigned called = lane->called;
                if (called && !lane->asleep[called - 1] && called == lane->returned + 1 && sleeping(lane->tid) &&
                    called == lane->returned + 1)
                        lane->asleep[called - 1] = stamp();
        }
}

/* Whether nobody who has not finished is about to run. */
static bool all_sleep(const struct cell *cell)
{
        for (unsigned worker = 1; worker < cell->workers; worker++)
                if (!cell->lanes[worker].finished && !sleeping(cell->lanes[worker].tid))
                        return false;
        return true;
}

static void send_signal(struct cell *cell, unsigned worker, int signal_number)
{
        struct lane *const lane = &cell->lanes[worker];
        const uint64_t before = stamp();

        if (lane->signals == ROUND)
                return;
        syscall(SYS_tgkill, cell->pids[(worker - 1) / cell->threads], lane->tid, signal_number);
        if (signal_number == IGNORED_SIGNAL)
                return;
        lane->signal[lane->signals].before = before;
        lane->signal[lane->signals].restarts = signal_number == RESTARTING_SIGNAL;
        lane->signal[lane->signals++].after = stamp();
}

/* Stops a process and lets it go on. Who waited in it may have begun anew. */
static void stop_and_continue(struct cell *cell, unsigned process)
{
        int status;

        kill(cell->pids[process], SIGSTOP);
        if (waitpid(cell->pids[process], &status, WUNTRACED) == -1 || !WIFSTOPPED(status))
                return;
        for (unsigned t = 0; t < cell->threads; t++) {
                struct lane *const lane = &cell->lanes[1 + process * cell->threads + t];
                if (lane->called)
                        lane->asleep[lane->called - 1] = 0;
        }
        kill(cell->pids[process], SIGCONT);
}

static void signal_somebody(struct watch *w)
{
        struct cell *const cell = w->cell;
        const unsigned worker = 1 + draw(&w->random, cell->workers - 1), what = draw(&w->random, 5);
        struct lane *const lane = &cell->lanes[worker];
        const unsigned called = lane->called;

        if (called == lane->returned || !lane->asleep[called - 1])
                return;
        if (what == 0) {
                send_signal(cell, worker, IGNORED_SIGNAL);
        } else if (what == 1 && cell->kind->stops && !stress_waived(cell->kind->goes_on)) {
                stop_and_continue(cell, (worker - 1) / cell->threads);
        } else if (what == 2 && cell->kind->restarts && cell->kind->restarts(&lane->records[called - 1])) {
                lane->asleep[called - 1] = 0;           /* it begins to wait anew */
                send_signal(cell, worker, RESTARTING_SIGNAL);
        } else {
                send_signal(cell, worker, WORKER_SIGNAL);
        }
}

/* A signal may have come just when a library that waits in a loop was between two waits. */
static void signal_again(struct cell *cell)
{
        for (unsigned worker = 1; worker < cell->workers; worker++) {
                const struct lane *const lane = &cell->lanes[worker];
                const unsigned called = lane->called;
                if (called > lane->returned && has_to_heed_signal(lane, called - 1))
                        send_signal(cell, worker, WORKER_SIGNAL);
        }
}

static bool main_operation(struct watch *w, bool (*fill)(struct watch *, struct record *))
{
        struct lane *const lane = &w->cell->lanes[0];
        const unsigned i = lane->called;

        if (i == ROUND)
                return false;
        struct record *const record = &lane->records[i];
        memset(record, 0, sizeof(*record));
        record->number = i + 1;
        if (!fill(w, record))
                return false;
        record->called = stamp();
        lane->called = i + 1;
        w->cell->kind->carry_out(w->cell, record);
        lane->returned = i + 1;
        return true;
}

static bool fill_release(struct watch *w, struct record *record)
{
        w->cell->kind->release(w->cell, &w->random, w->turn, record);
        return true;
}

static bool fill_look(struct watch *w, struct record *record)
{
        return w->cell->kind->look(w->cell, w->turn++, record);
}

/* Lets somebody go on. When no record is left all have long been let go, and somebody is slow. */
static void release(struct watch *w)
{
        w->turn++;
        if (w->turn >= LAST_TURNS)
                w->cell->stop = true;
        if (w->turn < LAST_TURNS && w->cell->kind->signals && one_in(&w->random, 4))
                signal_somebody(w);
        else
                main_operation(w, fill_release);
}

/* Ends the process, unless it has come to its end, and notes when. */
static void end_process(struct watch *w, unsigned process, bool kills)
{
        struct cell *const cell = w->cell;
        uint64_t from = 0;

        if (has_ended(w, process))
                return;
        if (kills)
                kill(cell->pids[process], SIGKILL);
        while (waitpid(cell->pids[process], NULL, 0) == -1 && errno == EINTR) {
        }
        const uint64_t to = stamp();
        for (unsigned t = 0; t < cell->threads; t++) {
                struct lane *const lane = &cell->lanes[1 + process * cell->threads + t];
                const unsigned called = lane->called;
                const uint64_t last = !called ? 0
                                      : called == lane->returned ? lane->records[called - 1].returned
                                                                 : lane->records[called - 1].called;
                if (last > from)
                        from = last;
                lane->finished = true;
        }
        w->ended[process][0] = from ? from : cell->began;
        w->ended[process][1] = to;
}

/* Reaps processes whose threads have all finished: they end by themselves, at once. */
static void reap_finished(struct watch *w)
{
        struct cell *const cell = w->cell;

        for (unsigned process = 0; cell->kind->dies && process < cell->processes; process++) {
                bool finished = true;
                for (unsigned t = 0; t < cell->threads; t++)
                        finished &= cell->lanes[1 + process * cell->threads + t].finished;
                if (finished)
                        end_process(w, process, false);
        }
}

/* One round; false where a requirement was violated, here or in another cell, and the cell has to end. */
static bool run_round(struct watch *w)
{
        struct cell *const cell = w->cell;
        int64_t stands_since = 0;
        uint64_t seen = NEVER;

        memset(w->ended, 0, sizeof(w->ended));
        for (unsigned worker = 0; worker < cell->workers; worker++) {
                struct lane *const lane = &cell->lanes[worker];
                lane->called = lane->returned = 0;
                lane->finished = false;
                memset(lane->asleep, 0, sizeof(lane->asleep));
                lane->signals = 0;
        }
        w->random = choices_of(cell, 0);
        cell->mood = draw(&w->random, MOODS);
        cell->length = cell->kind->dies ? SHORTEST + draw(&w->random, 4 * SHORTEST)
                     : one_in(&w->random, 4) ? SHORTEST + draw(&w->random, ROUND - SHORTEST) : ROUND;
        cell->finished = 0;
        cell->stop = false;
        cell->kind->begin(cell);
        cell->kind->initial(cell, w->initial);
        w->turn = 0;
        const unsigned victims = cell->kind->dies ? draw(&w->random, cell->processes + 1) : 0;
        cell->began = stamp();
        cell->round++;
        wake(&cell->round);
        for (unsigned victim = 0; victim < victims; victim++) {
                dawdle();
                end_process(w, draw(&w->random, cell->processes), true);
        }
        while (!all_finished(cell)) {
                if (totals->violated)
                        return false;
                if (!stands_still(w))
                        continue;
                if (cell->lanes[0].called == ROUND)
                        w->judged = true;               /* nothing is left that might let them go on */
                if (progress(cell) != seen)
                        stands_since = monotonic_ns();
                seen = progress(cell);
                reap_finished(w);
                if (w->judged) {
                        note_sleepers(cell);
                        struct judgment judgment = judge(w, true);
                        const int64_t late = monotonic_ns() - stands_since;
                        if (judgment.finding == VIOLATED &&
                            (late < scaled_ns(GRACE_NS) || (late < scaled_ns(LONG_GRACE_NS) && !all_sleep(cell)))) {
                                signal_again(cell);     /* somebody may be on the way back */
                                continue;
                        }
                        totals->undecided += judgment.finding == UNDECIDED;
                        if (judgment.finding == VIOLATED) {
                                w->turn = 0;            /* what the object itself says */
                                main_operation(w, fill_look);
                                judgment = judge(w, true);
                                if (judgment.finding != VIOLATED)
                                        continue;
                                report(w, &judgment);
                                return false;
                        }
                }
                release(w);
                seen = NEVER;
        }
        reap_finished(w);
        w->turn = 0;
        while (main_operation(w, fill_look)) {
        }
        if (w->judged) {
                struct judgment judgment = judge(w, false);
                totals->undecided += judgment.finding == UNDECIDED;
                if (judgment.finding == VIOLATED) {
                        report(w, &judgment);
                        return false;
                }
        }
        return true;
}

static uint64_t operations_of_round(const struct cell *cell)
{
        uint64_t count = 0;

        for (unsigned worker = 0; worker < cell->workers; worker++)
                count += cell->lanes[worker].returned;
        return count;
}

/* Each fourth round is not judged, unless it comes to no end: what the same operations cost alone. */
static void run_cell(const struct history_kind *kind, unsigned number)
{
        struct cell *const cell = shared(sizeof(*cell));
        struct watch w = {.cell = cell};
        bool good = true;

        cell->kind = kind;
        cell->number = number;
        cell->threads = number % 2 ? kind->threads : 1;
        cell->processes = stress_options.processes ? stress_options.processes : kind->processes;
        if (cell->processes > MODEL_PROCESSES)
                cell->processes = MODEL_PROCESSES;
        if (number % 2)
                cell->processes = (cell->processes + kind->threads - 1) / kind->threads;
        cell->workers = 1 + cell->processes * cell->threads;
        cell->id = -1;
        w.events = malloc((HISTORY_WORKERS * ROUND + MODEL_PROCESSES) * sizeof(*w.events));
        w.initial = malloc(kind->model->most);
        REQUIRE(w.events && w.initial);
        w.limits = limits_of_model();
        w.history = (struct history){.model = kind->model, .limits = &w.limits, .initial = w.initial, .events = w.events,
                                     .prompt = kind->prompt && !stress_waived(kind->promptness),
                                     .promptness = kind->promptness};
        catch_signal(WORKER_SIGNAL, 0);
        catch_signal(RESTARTING_SIGNAL, SA_RESTART);
        signal(IGNORED_SIGNAL, SIG_IGN);
        if (kind->set_up)
                kind->set_up(cell);
        for (unsigned process = 0; process < cell->processes; process++)
                start_process(cell, process);
        for (unsigned round = 0; good && more_time(); round++) {
                const int64_t before = monotonic_ns();
                w.judged = round % 4 != 3;
                good = run_round(&w);
                const uint64_t took = (uint64_t)(monotonic_ns() - before), count = operations_of_round(cell);
                totals->operations[w.judged] += count;
                totals->ns[w.judged] += took;
                if (w.judged) {
                        count_operations(count);
                        count_histories(1);
                }
                for (unsigned process = 0; good && kind->dies && process < cell->processes; process++)
                        start_process(cell, process);
        }
        for (unsigned process = 0; process < cell->processes; process++)
                kill(cell->pids[process], SIGKILL);
        while (wait(NULL) != -1 || errno == EINTR) {
        }
}

void run_histories(const struct history_kind *kind)
{
        struct child cells[MOST_CELLS];
        const long wanted = CELLS_A_PROCESSOR * sysconf(_SC_NPROCESSORS_ONLN);
        const unsigned count = wanted > MOST_CELLS ? MOST_CELLS : wanted < CELLS_A_PROCESSOR ? CELLS_A_PROCESSOR
                             : (unsigned)wanted;

        /* In a group that is not orphaned: in an orphaned one gVisor sends SIGHUP to all when one ends while another is
         * stopped, and the first process of the namespace dies of it. */
        MUST(setpgid(0, 0));
        choose_clock();
        totals = shared(sizeof(*totals));
        for (unsigned i = 0; i < count; i++)
                CHILD(&cells[i])
                        run_cell(kind, i);
        for (unsigned i = 0; i < count; i++)
                join(&cells[i]);
        measured_speed(totals->operations, totals->ns, count);
        measured("undecided_histories", (double)totals->undecided);
}
