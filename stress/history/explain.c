/* SPDX-License-Identifier: MIT
 *
 * explain.c: a history as text.
 *
 * A line for each operation that is left, in the order of the calls:
 *
 *      before: set 0, mode 0600, uid 0, cuid 0: [0] 1 (pid 1) ..
 *        worker 3  12.304 .. 15.201  semop(0, {{0, -1, 0}}, 1) = 0
 *      > worker 1  14.876 .. never   semop(0, {{0, -1, 0}}, 1)
 *
 * Times are in microseconds (or in steps of the counter) since the first call. > marks the operation that cannot have
 * had its outcome, or that waits in vain; worker 0 is the main process.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../model/rules.h"
#include "record.h"

struct limits limits_of_model(void)
{
        struct limits limits = {.semmsl = 32000, .semopm = 500, .msgmax = 8192, .msgmnb = 16384, .shmmax = UINT64_MAX,
                                .shmmin = 1, .mq_msg_max = 10, .mq_msgsize_max = 8192, .room = true, .may_raise = true};

        memcpy(limits.waived, stress_options.waived, sizeof(limits.waived));
        return limits;
}

static const struct history *sorted;

static int by_call(const void *a, const void *b)
{
        const struct event *const x = &sorted->events[*(const size_t *)a], *const y = &sorted->events[*(const size_t *)b];

        return x->called < y->called ? -1 : x->called > y->called;
}

static void add_operation(const struct event *e, uint64_t zero, bool blamed, char *text, size_t size, size_t *at)
{
        char call[200], result[200] = "", end[32] = "never";

        describe_operation(&e->operation, call, sizeof(call));
        if (e->returned != NEVER) {
                snprintf(end, sizeof(end), "%.3f", (double)(e->returned - zero) / 1e3);
                describe_outcome(&e->operation, &e->outcome, result, sizeof(result));
        }
        add_text(text, size, at, "%c worker %-2u %10.3f .. %-10s  %s%s%s%s\n", blamed ? '>' : ' ', e->worker,
                 (double)(e->called - zero) / 1e3, end, call, *result ? " = " : "", result,
                 e->lost_race ? " (EIDRM: removed meanwhile)" : e->killed ? "  (its process was killed)"
                 : e->asleep ? "  (seen waiting)" : "");
}

void explain_history(const struct history *history, const struct judgment *judgment, char *details, size_t details_size,
                     char *text, size_t text_size)
{
        size_t *const order = calloc(history->count + 1, sizeof(*order)), count = 0, length = 0;
        const struct event *const blamed = &history->events[judgment->event];
        char line[1000];

        REQUIRE(order);
        for (size_t i = 0; i < history->count; i++)
                if (!history->events[i].gone && !history->events[i].hidden)
                        order[count++] = i;
        sorted = history;
        qsort(order, count, sizeof(*order), by_call);
        history->model->describe(history->initial, line, sizeof(line));
        *details = '\0';
        add_text(details, details_size, &length, "before: %s\n", line);
        for (size_t i = 0; i < count; i++)
                add_operation(&history->events[order[i]], history->events[order[0]].called,
                              order[i] == judgment->event, details, details_size, &length);
        free(order);

        length = 0;
        describe_operation(&blamed->operation, line, sizeof(line));
        if (judgment->in_vain) {
                add_text(text, text_size, &length, "%s waits though it could go on", line);
                return;
        }
        add_text(text, text_size, &length, "%s: ", line);
        if (judgment->why.what)
                describe_contradiction(&judgment->why, text + length, text_size - length);
}
