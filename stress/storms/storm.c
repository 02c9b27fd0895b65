/* SPDX-License-Identifier: MIT
 *
 * storm.c: rounds, crews and verdicts of storms.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../../conformance/lib/internal.h"
#include "storm.h"

enum { LEADER = -1 };

static struct books {
        gate start;
        const char *_Atomic doing[MOST_WORKERS];
        _Atomic bool kills_itself[MOST_WORKERS];
} *books;
static unsigned round_number;
static struct random dice;

static pid_t crew[MOST_WORKERS];        /* 0 when it is reaped */
static int crewed;
static int self = LEADER;

/* ---- random numbers ---- */

static void seed_dice(void)
{
        uint64_t seed = stress_options.seed;

        seed = splitmix(&seed) ^ round_number;
        seed = splitmix(&seed) ^ (uint64_t)(self + 1);
        dice = random_from(seed);
}

uint32_t pick(uint32_t below)
{
        return draw(&dice, below);
}

bool once_in(uint32_t times)
{
        return one_in(&dice, times);
}

int draw_crew(int least, int most)
{
        uint32_t bits = 1;

        if (stress_options.processes)
                most = (int)stress_options.processes;
        while (1 << bits < most)
                bits++;
        const int count = least + (int)pick(1U << (1 + pick(bits)));
        return count < most ? count : most;
}

void tarry(void)
{
        volatile uint32_t n = pick(1U << pick(15));

        while (n > 0)
                n--;
}

/* ---- rounds ---- */

bool another_round(void)
{
        if (!books)
                books = shared(sizeof(*books));
        for (int i = 0; i < crewed; i++)
                kill_worker(i);
        crewed = 0;
        books->start = 0;
        round_number++;
        seed_dice();
        /* The first is held however little time there is. */
        return round_number == 1 || more_time();
}

void wait_at(gate *g)
{
        while (!*g)
                syscall(SYS_futex, g, FUTEX_WAIT, 0, NULL, NULL, 0);
}

void open_gate(gate *g)
{
        *g = 1;
        syscall(SYS_futex, g, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void meet(_Atomic int *place, int count, int n)
{
        enum { TURNS = 200 };
        int came = atomic_fetch_add(place, 1) + 1;

        if (came == count * n)
                syscall(SYS_futex, place, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
        /* Who waits awake goes on at the same moment as the last; but the last has to get its turn. */
        for (int turn = 0; (came = *place) < count * n; turn++)
                if (turn < TURNS)
                        sched_yield();
                else
                        syscall(SYS_futex, place, FUTEX_WAIT, came, NULL, NULL, 0);
}

/* ---- the crew ---- */

void muster(int count, void (*body)(int me))
{
        for (int n = 0; n < count && crewed < MOST_WORKERS; n++) {
                books->doing[crewed] = "the start";
                books->kills_itself[crewed] = false;
                const pid_t pid = (pid_t)MUST_FORK(fork());
                if (pid == 0) {
                        self = crewed;
                        seed_dice();
                        wait_at(&books->start);
                        body(self);
                        _exit(0);
                }
                crew[crewed++] = pid;
        }
}

void set_off(void)
{
        open_gate(&books->start);
}

int crew_size(void)
{
        return crewed;
}

pid_t worker_pid(int i)
{
        return crew[i];
}

void doing(const char *what)
{
        if (self != LEADER)
                books->doing[self] = what;
}

void kill_worker(int i)
{
        int status;

        if (ipck_state->stopped)
                ipck_stop();
        if (!crew[i])
                return;
        kill(crew[i], SIGKILL);
        while (waitpid(crew[i], &status, 0) == -1 && errno == EINTR) {
        }
        crew[i] = 0;
}

void die_killed(void)
{
        books->kills_itself[self] = true;
        kill(getpid(), SIGKILL);
        _exit(1);
}

static void reaped(pid_t pid, int status)
{
        int i = 0;

        while (i < crewed && crew[i] != pid)
                i++;
        if (i == crewed)
                return;
        crew[i] = 0;
        if (ipck_state->stopped || status == 0 || (books->kills_itself[i] && status == SIGKILL))
                return;
        if (WIFSIGNALED(status))
                ipck_unresolved(IPCK_HERE, "worker %d died in %s by signal %d", i, books->doing[i], WTERMSIG(status));
        else
                ipck_unresolved(IPCK_HERE, "worker %d ended with status %d", i, WEXITSTATUS(status));
        ipck_stop();
}

int workers_left(void)
{
        int status, left = 0;
        pid_t pid;

        while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
                reaped(pid, status);
        if (ipck_state->stopped)
                ipck_stop();
        for (int i = 0; i < crewed; i++)
                left += crew[i] != 0;
        return left;
}

bool all_have_ended(void)
{
        int left;

        /* Patience begins again with each that comes back. */
        while ((left = workers_left()) > 0)
                if (!WITHIN(workers_left() < left))
                        return false;
        return true;
}

const char *what_is_stuck(void)
{
        for (int i = 0; i < crewed; i++)
                if (crew[i])
                        return books->doing[i];
        return "nothing";
}

bool queues_exist(void)
{
        struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 1};
        char text[1];
        const mqd_t queue = mq_open("/ipck-any", O_CREAT | O_RDWR, 0600, &attributes);

        if (queue == (mqd_t)-1)
                return false;
        const bool works = mq_send(queue, "", 1, 0) == 0 && mq_receive(queue, text, 1, NULL) == 1;
        mq_close(queue);
        mq_unlink("/ipck-any");
        return works;
}

/* ---- verdicts ---- */

void storm_violated(struct ipck_here here, enum ipck_requirement req, const char *format, ...)
{
        char text[400], details[160], who[32] = "";
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        if (self != LEADER)
                snprintf(who, sizeof(who), ", worker %d of %d", self, crewed + 1);
        snprintf(details, sizeof(details), "%s:%d, round %u%s\n", here.file, here.line, round_number, who);
        violation(req, details, "%s", text);
        ipck_stop();
}
