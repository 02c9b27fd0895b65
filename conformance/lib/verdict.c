/* SPDX-License-Identifier: MIT
 *
 * verdict.c: recording verdicts in the shared page. Any process or thread of the test may come here, several at
 * once; the first failure of a requirement keeps its texts.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>

#include "internal.h"

/* The names of the rows of all EACH_ROWs around, outermost first. */
static _Thread_local char current_row[64];

struct ipck_rows ipck_rows_begin(void)
{
        return (struct ipck_rows){.outer = strlen(current_row)};
}

bool ipck_row(const struct ipck_rows *rows, const char *name)
{
        if (name)
                snprintf(current_row + rows->outer, sizeof(current_row) - rows->outer, "%s%s", rows->outer ? ", " : "",
                         name);
        return name != NULL;
}

void ipck_rows_end(const struct ipck_rows *rows)
{
        current_row[rows->outer] = '\0';
}

static bool first(_Atomic int *flag)
{
        int zero = 0;

        return atomic_compare_exchange_strong(flag, &zero, 1);
}

static void put_where(char *buffer, size_t size, struct ipck_here here)
{
        snprintf(buffer, size, "%s:%d", here.file, here.line);
}

void ipck_unresolved(struct ipck_here here, const char *format, ...)
{
        if (first(&ipck_state->unresolved)) {
                char *text = ipck_state->error;
                size_t size = sizeof(ipck_state->error);
                va_list args;

                put_where(text, size, here);
                size_t length = strlen(text);
                length += (size_t)snprintf(text + length, size - length, ": %s%s%s", *current_row ? "[" : "",
                                           current_row, *current_row ? "] " : "");
                va_start(args, format);
                if (length < size)
                        vsnprintf(text + length, size - length, format, args);
                va_end(args);
        }
}

void ipck_unsupported(struct ipck_here here, const char *format, ...)
{
        if (first(&ipck_state->skipped)) {
                va_list args;

                (void)here;
                va_start(args, format);
                vsnprintf(ipck_state->skip, sizeof(ipck_state->skip), format, args);
                va_end(args);
        }
        ipck_stop();
}

static struct ipck_verdict *verdict_of(struct ipck_here here, enum ipck_requirement req)
{
        for (size_t i = 0; i < MAX_DECLARED && ipck_running->verifies[i] != IPCK_REQUIREMENTS; i++)
                if (ipck_running->verifies[i] == req)
                        return &ipck_state->verdicts[i];
        ipck_unresolved(here, "verdict for %s, which the test does not declare in VERIFIES()",
                        req < IPCK_REQUIREMENTS ? ipck_requirement_ids[req] : "an unknown requirement");
        return NULL;
}

/* Counts the check; where it failed and nothing was recorded yet, the verdict to fill in. */
static struct ipck_verdict *check(struct ipck_here here, enum ipck_requirement req, const char *expression, bool truth)
{
        struct ipck_verdict *v = verdict_of(here, req);

        if (!v)
                return NULL;
        atomic_fetch_add(&v->checks, 1);
        if (truth || !first(&v->failed))
                return NULL;
        put_where(v->where, sizeof(v->where), here);
        snprintf(v->expression, sizeof(v->expression), "%s", expression);
        memcpy(v->row, current_row, sizeof(v->row));
        return v;
}

bool ipck_fails_with(struct ipck_here here, enum ipck_requirement req, const char *call, int want, intptr_t got)
{
        const int error = errno;
        const bool truth = got == -1 && error == want;
        struct ipck_verdict *v = check(here, req, call, truth);

        if (v) {
                snprintf(v->wanted, sizeof(v->wanted), "-1 %s", errno_name(want));
                if (got == -1)
                        snprintf(v->got, sizeof(v->got), "-1 %s", errno_name(error));
                else
                        snprintf(v->got, sizeof(v->got), "%" PRIdPTR, got);
        }
        errno = error;
        return truth;
}

static void put_got(struct ipck_verdict *v, intmax_t got, int error)
{
        const bool explained = got == -1 && error != 0;

        snprintf(v->got, sizeof(v->got), "%" PRIdMAX "%s%s", got, explained ? " " : "",
                 explained ? errno_name(error) : "");
}

void ipck_eq(struct ipck_here here, enum ipck_requirement req, const char *expression, intmax_t got, int error,
             const char *want_text, intmax_t want)
{
        struct ipck_verdict *v = check(here, req, expression, got == want);
        char *end;

        if (!v)
                return;
        (void)strtoimax(want_text, &end, 0);
        if (*end)
                snprintf(v->wanted, sizeof(v->wanted), "%" PRIdMAX " (%s)", want, want_text);
        else
                snprintf(v->wanted, sizeof(v->wanted), "%" PRIdMAX, want);
        put_got(v, got, error);
}

int ipck_opens(struct ipck_here here, enum ipck_requirement req, const char *call, int got)
{
        const int error = errno;

        ipck_eq(here, req, call, worked(got), error, "a descriptor", 0);
        return got;
}

void ipck_between(struct ipck_here here, enum ipck_requirement req, const char *expression, intmax_t low, intmax_t got,
                  int error, intmax_t high)
{
        struct ipck_verdict *v = check(here, req, expression, low <= got && got <= high);

        if (v) {
                snprintf(v->wanted, sizeof(v->wanted), "%" PRIdMAX " to %" PRIdMAX, low, high);
                put_got(v, got, error);
        }
}

bool ipck_holds(struct ipck_here here, enum ipck_requirement req, const char *condition, bool truth)
{
        struct ipck_verdict *v = check(here, req, condition, truth);

        if (v) {
                strcpy(v->wanted, "true");
                strcpy(v->got, "false");
        }
        return truth;
}

void ipck_reads(struct ipck_here here, enum ipck_requirement req, const char *expression, const char *got,
                const char *format, ...)
{
        va_list args;
        char *want;

        va_start(args, format);
        const int length = vasprintf(&want, format, args);
        va_end(args);
        ipck_require(here, "memory for a text", length != -1);
        struct ipck_verdict *v = check(here, req, expression, strcmp(got, want) == 0);
        if (v) {
                snprintf(v->wanted, sizeof(v->wanted), "\"%s\"", want);
                snprintf(v->got, sizeof(v->got), "\"%s\"", got);
        }
        free(want);
}

void ipck_observe(struct ipck_here here, enum ipck_requirement req, const char *format, ...)
{
        struct ipck_verdict *v = verdict_of(here, req);

        if (!v)
                return;
        atomic_fetch_add(&v->checks, 1);
        if (first(&v->observing)) {
                va_list args;

                va_start(args, format);
                vsnprintf(v->observed, sizeof(v->observed), format, args);
                va_end(args);
        }
}

/* Whether that is why a call failed with the error: there are not even two descriptors, as pipe() needs. */
static bool descriptors_are_used_up(int error)
{
        if (error == ENFILE)
                return true;
        if (error != EMFILE)
                return false;
        const int one = fcntl(STOP_FD, F_DUPFD_CLOEXEC, 0), another = fcntl(STOP_FD, F_DUPFD_CLOEXEC, 0);
        const bool used_up = another == -1 && errno == EMFILE;

        if (one != -1)
                close(one);
        if (another != -1)
                close(another);
        errno = error;
        return used_up;
}

intptr_t ipck_must(struct ipck_here here, const char *call, intptr_t got)
{
        if (got == -1) {
                /* It tells of the limits around the test, not of what it judges. */
                if (descriptors_are_used_up(errno))
                        ipck_unsupported(here, "room for one open file more (%s: %s)", call, errno_name(errno));
                ipck_unresolved(here, "MUST(%s): %s", call, errno_name(errno));
                ipck_stop();
        }
        return got;
}

void ipck_require(struct ipck_here here, const char *condition, bool truth)
{
        if (!truth) {
                ipck_unresolved(here, "REQUIRE(%s) is false", condition);
                ipck_stop();
        }
}

/* ---- waiting for a condition ---- */

enum { PATIENCE_S = 5, FAST_TURNS = 200, LEAST_TURNS = 400 };
enum { FAST_NS = 500000, LEAST_NAP_NS = 20000, SHORT_NAP_NS = 1000000, LONGEST_NAP_NS = 10000000, LONG_NS = 100000000 };

static int64_t patience_ns(void)
{
        return (int64_t)(PATIENCE_S * ipck_options.time_scale * 1e9);
}

struct ipck_wait ipck_wait_begin(struct ipck_here here, const char *what)
{
        struct ipck_child_state *self = ipck_self();

        snprintf(self->place, sizeof(self->place), "%s:%d: %s", here.file, here.line, what);
        return (struct ipck_wait){.here = here, .what = what, .deadline = monotonic_ns() + patience_ns()};
}

bool ipck_wait_more(struct ipck_wait *wait)
{
        if (ipck_state->stopped)
                ipck_stop();
        const int64_t waited = monotonic_ns() - (wait->deadline - patience_ns());
        if (++wait->turns < FAST_TURNS && waited < FAST_NS) {
                sched_yield();
                return true;
        }
        if (waited > LONG_NS && !wait->long_one) {
                wait->long_one = true;
                atomic_fetch_add(&ipck_state->patient, 1);
        }
        /* Not synchronisation: the condition decides; this only leaves the processor to the others, who need it the
         * longer the slower the machine is. */
        const int64_t longest = wait->turns < LEAST_TURNS ? SHORT_NAP_NS : LONGEST_NAP_NS;
        int64_t nap = waited / 8;
        nap = nap < LEAST_NAP_NS ? LEAST_NAP_NS : nap < longest ? nap : longest;
        nanosleep(&(struct timespec){.tv_nsec = (long)nap}, NULL);
        /* A minimum of turns as well as of time: a machine that stood still is no failure of the target. */
        return monotonic_ns() < wait->deadline || wait->turns < LEAST_TURNS;
}

static void wait_end(const struct ipck_wait *wait)
{
        ipck_self()->place[0] = '\0';
        if (wait->long_one)
                atomic_fetch_sub(&ipck_state->patient, 1);
}

void ipck_eventually(struct ipck_wait *wait, enum ipck_requirement req, bool truth)
{
        wait_end(wait);
        struct ipck_verdict *v = check(wait->here, req, wait->what, truth);

        if (v) {
                snprintf(v->wanted, sizeof(v->wanted), "true within %g s", PATIENCE_S * ipck_options.time_scale);
                strcpy(v->got, "still false");
        }
        if (!truth)
                ipck_stop();
}

void ipck_until(struct ipck_wait *wait, bool truth)
{
        wait_end(wait);
        if (!truth) {
                ipck_unresolved(wait->here, "UNTIL(%s): still false after %g s", wait->what,
                                PATIENCE_S * ipck_options.time_scale);
                ipck_stop();
        }
}
