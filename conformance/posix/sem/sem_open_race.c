/* SPDX-License-Identifier: MIT
 *
 * sem_open() with O_CREAT while others create, open and remove the same name: many at once, and one caller that is
 * stopped at every step of the way, so that what others do in between is tried at each of its moments.
 */
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "ipck_named_sem.h"

/* ---- a caller that goes step by step ---- */

enum { DONE = 2 };

struct outcome {
        bool opened;
        int error, value;
};

/* A child that calls sem_open() and stops at entry and exit of each system call of it. */
struct stepper {
        struct child child;
        struct outcome *outcome;        /* once it is through */
        bool over;
};

static void note_outcome(struct outcome *outcome, sem_t *sem)
{
        outcome->error = errno;
        outcome->opened = sem != SEM_FAILED;
        if (outcome->opened)
                outcome->value = sem_value(sem);
}

static void await_stop(struct stepper *s)
{
        int status;

        MUST(waitpid(s->child.pid, &status, 0));
        REQUIRE(WIFSTOPPED(status));
        if (at(&s->child) == DONE) {
                MUST(ptrace(PTRACE_DETACH, s->child.pid, NULL, NULL));
                join(&s->child);
                s->over = true;
        }
}

static struct stepper stepping_open(const char *name, int flags, unsigned value)
{
        struct stepper s = {.outcome = shared(sizeof(*s.outcome))};

        CHILD(&s.child) {
                if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
                        UNSUPPORTED("ptrace (%s)", errno_name(errno));
                kill(getpid(), SIGSTOP);
                sem_t *const sem = sem_open(name, flags, 0600, value);
                here(&s.child, DONE);
                note_outcome(s.outcome, sem);
        }
        await_stop(&s);
        return s;
}

/* Whether it has not come to its end yet, which joins it. */
static bool step(struct stepper *s)
{
        if (!s->over) {
                MUST(ptrace(PTRACE_SYSCALL, s->child.pid, NULL, NULL));
                await_stop(s);
        }
        return !s->over;
}

static void run_to_the_end(struct stepper *s)
{
        while (step(s)) {
        }
}

static const struct flags {
        const char *name;
        int flags;
} both_flags[] = {{"O_CREAT", O_CREAT}, {"O_CREAT | O_EXCL", O_CREAT | O_EXCL}};

/* ---- nothing half-made ---- */

static void is_missing_or_whole(int value)
{
        sem_t *const sem = sem_open(SEM_NAME, 0);
        const int error = errno;

        if (sem == SEM_FAILED) {
                EQ(sem_open_creat_atomic_init, error, ENOENT);
                return;
        }
        /* Memory behind the end of a file is SIGBUS. */
        const int signal_raised = load_signal(sem);
        EQ(sem_open_creat_atomic_init, signal_raised, 0);
        if (signal_raised == 0) {
                EQ(sem_open_creat_atomic_init, sem_value(sem), value);
                EQ(sem_open_creat_atomic_init, sem_trywait(sem), 0);
                EQ(sem_open_creat_atomic_init, sem_post(sem), 0);
        }
        MUST(sem_close(sem));
}

TEST(semaphore_is_whole_from_its_first_moment, VERIFIES(sem_open_creat_atomic_init))
{
        no_tracer();
        EACH_ROW(row, both_flags) {
                struct stepper creator = stepping_open(SEM_NAME, row->flags, 5);

                do
                        is_missing_or_whole(5);
                while (step(&creator));
                HOLDS(sem_open_creat_atomic_init, creator.outcome->opened);
                EQ(sem_open_creat_atomic_init, creator.outcome->value, 5);
                is_missing_or_whole(5);
                MUST(sem_unlink(SEM_NAME));
        }
}

/* Whoever opens it early uses the same semaphore as its creator. */
TEST(units_put_before_the_creator_returns_are_kept, VERIFIES(sem_open_creat_atomic_init))
{
        no_tracer();
        EACH_ROW(row, both_flags) {
                struct stepper creator = stepping_open(SEM_NAME, row->flags, 5);
                int value = 5;

                do {
                        sem_t *const sem = sem_open(SEM_NAME, 0);

                        if (sem == SEM_FAILED)
                                continue;
                        const int signal_raised = load_signal(sem);
                        EQ(sem_open_creat_atomic_init, signal_raised, 0);
                        if (signal_raised == 0 && sem_post(sem) == 0)
                                value++;
                        MUST(sem_close(sem));
                } while (step(&creator));
                EQ(sem_open_creat_atomic_init, creator.outcome->value, value);
                MUST(sem_unlink(SEM_NAME));
        }
}

/* ---- what another thread's fork() and exec would pass on ---- */

/* Whether the process has the descriptor, and a program that it became would have it too. */
static bool passed_on(pid_t pid, int fd)
{
        char path[64], text[512];
        unsigned flags = O_CLOEXEC;

        snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)pid, fd);
        if (read_file(path, text, sizeof(text)) <= 0)
                return false;
        const char *const line = strstr(text, "flags:");
        return line && sscanf(line, "flags: %o", &flags) == 1 && !(flags & O_CLOEXEC);
}

TEST(descriptors_on_the_way_are_not_passed_on, VERIFIES(sem_open_cloexec))
{
        enum { DESCRIPTORS = 32 };
        static const struct {
                const char *name, *sem;
                int flags;
        } rows[] = {
                {"an existing semaphore", "/old", 0}, {"an existing semaphore, O_CREAT", "/old", O_CREAT},
                {"a new one, O_CREAT", "/new", O_CREAT}, {"a new one, O_CREAT | O_EXCL", "/new", O_CREAT | O_EXCL},
        };

        no_tracer();
        private_proc();
        MUST(sem_close(named_sem("/old", 5)));
        EACH_ROW(row, rows) {
                struct stepper opener = stepping_open(row->sem, row->flags, 5);
                bool before[DESCRIPTORS];

                for (int fd = 0; fd < DESCRIPTORS; fd++)
                        before[fd] = passed_on(opener.child.pid, fd);
                REQUIRE(before[0]);
                do
                        for (int fd = 0; fd < DESCRIPTORS; fd++)
                                HOLDS(sem_open_cloexec, before[fd] || !passed_on(opener.child.pid, fd));
                while (step(&opener));
                sem_unlink("/new");
        }
}

/* ---- one creator ---- */

TEST(one_of_two_creators_wins_at_any_moment, VERIFIES(sem_open_excl_atomic))
{
        bool over = false;

        no_tracer();
        for (int moment = 0; !over; moment++) {
                struct stepper creator = stepping_open(SEM_NAME, O_CREAT | O_EXCL, 5);
                struct outcome rival = {0};

                for (int i = 0; i < moment; i++)
                        step(&creator);
                over = creator.over;
                sem_t *const sem = sem_open(SEM_NAME, O_CREAT | O_EXCL, 0600, 9);
                note_outcome(&rival, sem);
                run_to_the_end(&creator);
                HOLDS(sem_open_excl_atomic, rival.opened != creator.outcome->opened);
                EQ(sem_open_excl_atomic, rival.opened ? creator.outcome->error : rival.error, EEXIST);
                EQ(sem_open_excl_atomic, rival.opened ? rival.value : creator.outcome->value, rival.opened ? 9 : 5);

                sem_t *const opened = SEM_OPENS(sem_open_excl_atomic, sem_open(SEM_NAME, 0));
                if (opened == SEM_FAILED)
                        return;
                EQ(sem_open_excl_atomic, sem_value(opened), rival.opened ? 9 : 5);
                MUST(sem_close(opened));
                if (rival.opened)
                        MUST(sem_close(sem));
                MUST(sem_unlink(SEM_NAME));
                EQ(sem_open_excl_atomic, names_left(), 0);
        }
}

enum { CREATORS = 6, NAMES = 40 };

/* All processes come to each name together. */
static pthread_barrier_t *meeting_point(void)
{
        pthread_barrier_t *const barrier = shared(sizeof(*barrier));
        pthread_barrierattr_t attributes;

        REQUIRE(pthread_barrierattr_init(&attributes) == 0);
        REQUIRE(pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0);
        REQUIRE(pthread_barrier_init(barrier, &attributes, CREATORS) == 0);
        return barrier;
}

TEST(one_of_many_creators_wins, VERIFIES(sem_open_excl_atomic))
{
        _Atomic int *const wins = shared(NAMES * sizeof(*wins));
        pthread_barrier_t *const together = meeting_point();
        struct child creator[CREATORS];

        for (int i = 0; i < CREATORS; i++) {
                CHILD(&creator[i]) {
                        for (int n = 0; n < NAMES; n++) {
                                pthread_barrier_wait(together);
                                dawdle();
                                sem_t *const sem = sem_open(numbered(n).name, O_CREAT | O_EXCL, 0600, (unsigned)i);
                                const int error = errno;
                                if (sem != SEM_FAILED) {
                                        wins[n]++;
                                        EQ(sem_open_excl_atomic, sem_value(sem), i);
                                } else {
                                        EQ(sem_open_excl_atomic, error, EEXIST);
                                }
                        }
                }
        }
        for (int i = 0; i < CREATORS; i++)
                join(&creator[i]);
        for (int n = 0; n < NAMES; n++)
                EQ(sem_open_excl_atomic, wins[n], 1);
        EQ(sem_open_excl_atomic, names_left(), NAMES);
}

/* ---- whoever comes first creates it, and all have it ---- */

TEST(all_who_open_or_create_have_one_semaphore, VERIFIES(sem_open_creat_atomic_init))
{
        pthread_barrier_t *const together = meeting_point();
        struct child opener[CREATORS];

        for (int i = 0; i < CREATORS; i++) {
                CHILD(&opener[i]) {
                        for (int n = 0; n < NAMES; n++) {
                                pthread_barrier_wait(together);
                                dawdle();
                                sem_t *const sem = SEM_OPENS(sem_open_creat_atomic_init,
                                                             sem_open(numbered(n).name, O_CREAT, 0600, 1000));
                                if (sem != SEM_FAILED) {
                                        BETWEEN(sem_open_creat_atomic_init, 1000, sem_value(sem), 1000 + CREATORS);
                                        MUST(sem_post(sem));
                                        MUST(sem_close(sem));
                                }
                        }
                }
        }
        for (int i = 0; i < CREATORS; i++)
                join(&opener[i]);
        for (int n = 0; n < NAMES; n++) {
                sem_t *const sem = SEM_OPENS(sem_open_creat_atomic_init, sem_open(numbered(n).name, 0));
                if (sem == SEM_FAILED)
                        return;
                EQ(sem_open_creat_atomic_init, sem_value(sem), 1000 + CREATORS);
                MUST(sem_close(sem));
        }
}

/* ---- a name that comes and goes ---- */

/* The name exists from one moment of the call to another: the caller gets that semaphore or one of its own. */
static bool open_while_the_name_exists(int from, int to)
{
        struct stepper opener = stepping_open(SEM_NAME, O_CREAT, 5);
        sem_t *other = SEM_FAILED;
        int moment;

        for (moment = 0; moment < from; moment++)
                step(&opener);
        const bool over = opener.over;
        if (!over)
                other = sem_open(SEM_NAME, O_CREAT | O_EXCL, 0600, 9);
        for (; moment < to; moment++)
                step(&opener);
        sem_unlink(SEM_NAME);
        run_to_the_end(&opener);
        EQ(sem_open_creat_race_unlink, opener.outcome->opened ? 0 : opener.outcome->error, 0);
        if (opener.outcome->opened)
                HOLDS(sem_open_creat_race_unlink, opener.outcome->value == 5 || opener.outcome->value == 9);
        if (other != SEM_FAILED)
                MUST(sem_close(other));
        sem_unlink(SEM_NAME);
        EQ(sem_open_creat_race_unlink, names_left(), 0);
        return !over;
}

TEST(name_that_comes_and_goes_at_any_moment, VERIFIES(sem_open_creat_race_unlink))
{
        static const struct {
                const char *name;
                int steps;
        } rows[] = {{"gone after one step", 1}, {"after two", 2}, {"after three", 3}, {"after four", 4},
                    {"after six", 6}, {"after eight", 8}, {"after the end", 1000}};

        no_tracer();
        EACH_ROW(row, rows)
                for (int from = 0; open_while_the_name_exists(from, from + row->steps); from++) {
                }
}

TEST(name_that_is_removed_at_any_moment, VERIFIES(sem_open_creat_race_unlink))
{
        bool over = false;

        no_tracer();
        for (int moment = 0; !over; moment++) {
                MUST(sem_close(named_sem(SEM_NAME, 9)));
                struct stepper opener = stepping_open(SEM_NAME, O_CREAT, 5);

                for (int i = 0; i < moment; i++)
                        step(&opener);
                over = opener.over;
                MUST(sem_unlink(SEM_NAME));
                run_to_the_end(&opener);
                EQ(sem_open_creat_race_unlink, opener.outcome->opened ? 0 : opener.outcome->error, 0);
                if (opener.outcome->opened)
                        HOLDS(sem_open_creat_race_unlink, opener.outcome->value == 5 || opener.outcome->value == 9);
                sem_unlink(SEM_NAME);
                EQ(sem_open_creat_race_unlink, names_left(), 0);
        }
}

TEST(names_that_come_and_go_while_many_open_them, VERIFIES(sem_open_creat_race_unlink))
{
        enum { ROUNDS = 300 };
        struct child opener[CREATORS];

        for (int i = 0; i < CREATORS; i++) {
                CHILD(&opener[i]) {
                        for (int round = 0; round < ROUNDS; round++) {
                                sem_t *const sem = SEM_OPENS(sem_open_creat_race_unlink,
                                                             sem_open(SEM_NAME, O_CREAT, 0600, 1));
                                if (sem == SEM_FAILED)
                                        break;
                                EQ(sem_open_creat_race_unlink, sem_value(sem), 1);
                                dawdle();
                                if (i % 2 == 0)
                                        REQUIRE(sem_unlink(SEM_NAME) == 0 || errno == ENOENT);
                                MUST(sem_close(sem));
                        }
                }
        }
        for (int i = 0; i < CREATORS; i++)
                join(&opener[i]);
        sem_unlink(SEM_NAME);
        EQ(sem_open_creat_race_unlink, names_left(), 0);
}
