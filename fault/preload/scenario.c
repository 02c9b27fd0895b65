/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

_Static_assert(CALLS <= 64, "a scenario has a bit for each call");

/* A piece of text that does not end with a 0. */
struct piece {
        const char *text;
        size_t length;
};

static bool is(struct piece piece, const char *word)
{
        return piece.length == strlen(word) && strncmp(piece.text, word, piece.length) == 0;
}

/* Takes what stands before the first of STOPS off the front of REST, and the stop itself. */
static struct piece cut(struct piece *rest, char stop)
{
        const char *const end = memchr(rest->text, stop, rest->length);
        const struct piece front = {rest->text, end ? (size_t)(end - rest->text) : rest->length};
        const size_t taken = front.length + (end != NULL);

        rest->text += taken;
        rest->length -= taken;
        return front;
}

/* ---- values ---- */

static bool read_number(struct piece *piece, uint64_t *number)
{
        size_t i = 0;

        *number = 0;
        for (; i < piece->length && piece->text[i] >= '0' && piece->text[i] <= '9'; i++) {
                const uint64_t digit = (uint64_t)(piece->text[i] - '0');
                if (*number > (UINT64_MAX - digit) / 10)
                        return false;
                *number = *number * 10 + digit;
        }
        piece->text += i;
        piece->length -= i;
        return i > 0;
}

/* FIRST, FIRST..LAST, FIRST+, FIRST+STEP, FIRST..LAST+STEP; all from 1 on. */
static bool read_nth(struct piece value, struct scenario *s)
{
        if (!read_number(&value, &s->first))
                return false;
        s->last = s->first;
        s->step = 1;
        if (value.length >= 2 && strncmp(value.text, "..", 2) == 0) {
                value = (struct piece){value.text + 2, value.length - 2};
                if (!read_number(&value, &s->last))
                        return false;
        } else if (value.length > 0 && *value.text == '+') {
                s->last = UINT64_MAX;
        }
        if (value.length > 0 && *value.text == '+') {
                value = (struct piece){value.text + 1, value.length - 1};
                if (value.length > 0 && !read_number(&value, &s->step))
                        return false;
        }
        return value.length == 0 && s->first > 0 && s->last >= s->first && s->step > 0;
}

static bool read_delay(struct piece value, struct scenario *s)
{
        uint64_t number;

        if (!read_number(&value, &number) || number > 1000000)
                return false;
        s->delay = number * (is(value, "us") ? 1000 : is(value, "ms") ? 1000000 : 1000000000);
        return is(value, "us") || is(value, "ms") || is(value, "s");
}

static bool read_probability(struct piece value, struct scenario *s)
{
        char digits[32] = "", *end;

        if (value.length == 0 || value.length >= sizeof(digits))
                return false;
        memcpy(digits, value.text, value.length);
        s->probability = strtod(digits, &end);
        return *end == '\0' && strspn(digits, "0123456789.") == value.length && s->probability <= 1;
}

static bool read_errno(struct piece value, struct scenario *s)
{
        char name[32] = "";

        if (value.length >= sizeof(name))
                return false;
        memcpy(name, value.text, value.length);
        s->error = error_number(name);
        s->action = FAULT_FAIL;
        return s->error != 0;
}

static bool read_signal(struct piece value, struct scenario *s)
{
        s->action = FAULT_INTERRUPT;
        if (value.length == 0)
                return true;
        if (value.length > 3 && strncmp(value.text, "SIG", 3) == 0)
                value = (struct piece){value.text + 3, value.length - 3};
        for (int number = 1; number < NSIG; number++) {
                const char *const name = sigabbrev_np(number);
                if (name && is(value, name))
                        s->signal = number;
        }
        return s->signal != 0 && s->signal != SIGKILL && s->signal != SIGSTOP;
}

static bool read_kill(struct piece value, struct scenario *s)
{
        s->action = is(value, "entry")     ? FAULT_KILL_AT_ENTRY
                    : is(value, "blocked") ? FAULT_KILL_BLOCKED
                    : is(value, "after")   ? FAULT_KILL_AFTER
                                           : FAULT_NONE;
        return s->action != FAULT_NONE;
}

static bool read_kernel_step(struct piece value, struct scenario *s)
{
        s->action = FAULT_STEP;
        return read_number(&value, &s->kernel_step) && value.length == 0 && s->kernel_step > 0 &&
               s->kernel_step <= INT_MAX;
}

static bool read_count(struct piece value, struct scenario *s)
{
        s->count = is(value, "thread") ? COUNT_THREAD : is(value, "tree") ? COUNT_TREE : COUNT_PROCESS;
        return s->count != COUNT_PROCESS || is(value, "process");
}

/* ---- scenarios ---- */

static const struct {
        const char *name;
        bool (*read)(struct piece value, struct scenario *s);
        bool is_action;
} options[] = {
        {"errno", read_errno, true},  {"interrupt", read_signal, true},         {"kill", read_kill, true},
        {"step", read_kernel_step, true}, {"delay", read_delay, false}, {"nth", read_nth, false},
        {"probability", read_probability, false}, {"count", read_count, false},
};
enum { OPTIONS = sizeof(options) / sizeof(*options) };

static uint64_t points_of(struct piece pattern)
{
        const bool any = pattern.length > 0 && pattern.text[pattern.length - 1] == '*';
        uint64_t found = 0;

        for (unsigned i = 0; i < CALLS; i++)
                if (any ? strncmp(calls[i].point, pattern.text, pattern.length - 1) == 0 : is(pattern, calls[i].point))
                        found |= UINT64_C(1) << i;
        return found;
}

static int complain(char *problem, size_t size, const char *what, struct piece piece)
{
        snprintf(problem, size, "%s '%.*s'", what, (int)piece.length, piece.text);
        return -1;
}

static int parse_option(struct piece option, struct scenario *s, unsigned *given, char *problem, size_t size)
{
        struct piece value = option;
        const struct piece name = cut(&value, '=');

        for (unsigned i = 0; i < OPTIONS; i++) {
                if (!is(name, options[i].name))
                        continue;
                for (unsigned other = 0; other < OPTIONS; other++)
                        if (*given & 1u << other && (other == i || (options[i].is_action && options[other].is_action)))
                                return complain(problem, size, "one too many:", option);
                *given |= 1u << i;
                return options[i].read(value, s) ? 0 : complain(problem, size, "no such value:", option);
        }
        return complain(problem, size, "no such option:", option);
}

static int parse_scenario(struct piece text, struct scenario *s, char *problem, size_t size)
{
        unsigned given = 0;
        size_t length = text.length;
        const struct piece point = cut(&text, ':');
        bool more = point.length < length;

        *s = (struct scenario){.points = points_of(point), .first = 1, .last = UINT64_MAX, .step = 1, .probability = 1};
        if (!s->points)
                return complain(problem, size, "no such point:", point);
        while (more) {
                length = text.length;
                const struct piece option = cut(&text, ':');
                more = option.length < length;
                if (parse_option(option, s, &given, problem, size) == -1)
                        return -1;
        }
        if (s->action == FAULT_NONE && s->delay == 0)
                s->action = FAULT_FAIL;
        return 0;
}

int parse_scenarios(const char *text, struct scenario scenarios[SCENARIOS_MOST], char *problem, size_t size)
{
        struct piece rest = {text, strlen(text)};
        int count = 0;

        while (rest.length > 0) {
                const struct piece one = cut(&rest, ' ');
                if (one.length == 0)
                        continue;
                if (count == SCENARIOS_MOST)
                        return complain(problem, size, "one scenario too many:", one);
                if (parse_scenario(one, &scenarios[count++], problem, size) == -1)
                        return -1;
        }
        return count;
}

/* ---- chance: a function of the seed, the scenario and the number of the call, whatever else happens meanwhile ---- */

static uint64_t draw(uint64_t seed, uint64_t number, uint64_t n, uint64_t what)
{
        uint64_t x = seed + 0x9e3779b97f4a7c15u * (n + 1) + 0xd1342543de82ef95u * (2 * number + what + 1);

        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;      /* splitmix64 */
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
        return x ^ (x >> 31);
}

bool scenario_fires(const struct scenario *scenario, unsigned number, uint64_t n, uint64_t seed)
{
        if (n < scenario->first || n > scenario->last || (n - scenario->first) % scenario->step != 0)
                return false;
        return scenario->probability >= 1 || ldexp((double)(draw(seed, number, n, 0) >> 11), -53) < scenario->probability;
}

int drawn_error(const struct call *call, unsigned number, uint64_t n, uint64_t seed)
{
        return call->errors[draw(seed, number, n, 1) % call->errors_count].number;
}
