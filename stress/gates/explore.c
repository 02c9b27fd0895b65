/* SPDX-License-Identifier: MIT
 *
 * explore.c: iterative context bounding (Musuvathi and Qadeer, PLDI 2007). A schedule is known by its first steps; after them
 * each process goes on until it ends or blocks. Wherever another one could have gone on instead there is another schedule,
 * which costs a preemption where the process that ran was able to go on. All schedules with no preemption come first, then
 * those with one. So each is run once, and what finds a mistake is simple.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../fault/gates/gates.h"
#include "explore.h"

enum { ATTEMPTS = 2 };

struct beginning {
        struct beginning *next;
        unsigned count, preemptions;
        unsigned char choices[];
};

struct queue {
        struct beginning *first, **last;
};

static double seconds(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void schedule_text(const struct outcome *outcome, char *text)
{
        for (unsigned i = 0; i < outcome->steps; i++)
                *text++ = (char)('A' + outcome->step[i].chosen);
        *text = '\0';
}

unsigned preemptions_of(const struct outcome *outcome)
{
        unsigned count = 0;

        for (unsigned i = 0; i < outcome->steps; i++)
                count += outcome->step[i].preempts;
        return count;
}

static void add(struct queue *queue, const struct outcome *outcome, unsigned place, unsigned other, unsigned preemptions)
{
        struct beginning *const made = malloc(sizeof(*made) + place + 1);

        if (!made)
                errx(2, "out of memory");
        for (unsigned i = 0; i < place; i++)
                made->choices[i] = outcome->step[i].chosen;
        made->choices[place] = (unsigned char)other;
        made->count = place + 1;
        made->preemptions = preemptions;
        made->next = NULL;
        *queue->last = made;
        queue->last = &made->next;
}

/* The schedules that part from this one behind its beginning, at each place and for each other process. */
static void branch(struct queue *queues, const struct outcome *outcome, unsigned from, const struct limits *limits,
                   struct covered *covered)
{
        unsigned before = 0;

        for (unsigned place = 0; place < outcome->steps; place++) {
                const struct step *const step = &outcome->step[place];
                for (unsigned other = 0; place >= from && other < GATES_MOST; other++) {
                        if (other == step->chosen || !(step->ready >> other & 1))
                                continue;
                        const unsigned preemptions = before + step->goes_on;
                        if (preemptions > limits->preemptions)
                                covered->beyond++;
                        else
                                add(&queues[preemptions], outcome, place, other, preemptions);
                }
                before += step->preempts;
        }
}

static const struct outcome *run(const struct subject *subject, const struct beginning *beginning)
{
        const struct outcome *outcome = NULL;

        for (int i = 0; i < ATTEMPTS; i++) {
                outcome = run_schedule(subject, beginning->choices, beginning->count);
                if (outcome->ending != UNFIT)
                        break;
        }
        return outcome;
}

void explore(const struct subject *subject, const struct limits *limits,
             void (*found)(const struct subject *, const struct outcome *), struct covered *covered)
{
        static const struct outcome nothing;
        struct queue queues[PREEMPTIONS_MOST + 1];
        const double began = seconds();
        unsigned all = 0;

        memset(covered, 0, sizeof(*covered));
        for (unsigned i = 0; i <= PREEMPTIONS_MOST; i++)
                queues[i] = (struct queue){NULL, &queues[i].first};
        add(&queues[0], &nothing, 0, 0, 0);
        queues[0].first->count = 0;
        for (unsigned level = 0; level <= limits->preemptions; level++)
                while (queues[level].first) {
                        struct beginning *const beginning = queues[level].first;
                        queues[level].first = beginning->next;
                        if (!queues[level].first)
                                queues[level].last = &queues[level].first;
                        if (all >= limits->schedules || seconds() - began > limits->seconds ||
                            covered->ended_by == LACKED) {
                                covered->left[level]++;
                                free(beginning);
                                continue;
                        }
                        const struct outcome *const outcome = run(subject, beginning);
                        all++;
                        covered->run[level]++;
                        if (outcome->ending == UNDECIDED || outcome->ending == UNFIT) {
                                if (covered->undecided++ == 0)
                                        strcpy(covered->text, outcome->text);
                        } else if (outcome->ending == LACKED) {
                                covered->ended_by = LACKED;
                                strcpy(covered->text, outcome->text);
                        } else if (outcome->ending == VIOLATED) {
                                covered->violations++;
                        }
                        if (outcome->ending != ENDED_WELL)
                                found(subject, outcome);
                        branch(queues, outcome, beginning->count, limits, covered);
                        free(beginning);
                }
        covered->seconds = seconds() - began;
}
