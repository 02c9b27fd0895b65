/* SPDX-License-Identifier: MIT
 *
 * sem_post(): which of several threads with real-time priorities it releases.
 */
#include <sched.h>

#include "ipck_posix_sem.h"

enum { COUNT = 4 };

struct prioritised {
        struct thread thread;
        sem_t *sem;
        int policy, priority;
};

/* 0 or the errno value. */
static int set_priority(int policy, int priority)
{
        const struct sched_param param = {.sched_priority = priority};

        return pthread_setschedparam(pthread_self(), policy, &param);
}

static int wait_with_priority(void *arg)
{
        const struct prioritised *p = arg;
        const int error = set_priority(p->policy, p->priority);

        return error ? error : sem_wait(p->sem) == 0 ? 0 : errno;
}

static void needs_priorities(void)
{
        struct child child;
        int *const error = shared(sizeof(*error));

        if (sysconf(_SC_PRIORITY_SCHEDULING) <= 0)
                UNSUPPORTED("the option Process Scheduling");
        CHILD(&child)
                *error = set_priority(SCHED_FIFO, sched_get_priority_max(SCHED_FIFO));
        join(&child);
        if (*error)
                UNSUPPORTED("real-time priorities for this user (%s)", errno_name(*error));
}

static const struct {
        const char *name;
        int policy;
} policies[] = {{"SCHED_FIFO", SCHED_FIFO}, {"SCHED_RR", SCHED_RR}};

/* It sleeps nowhere else once it has its priority. */
static bool ready(const struct prioritised *p)
{
        struct sched_param param;
        int policy;

        return p->thread.back || (p->thread.id && pthread_getschedparam(p->thread.handle, &policy, &param) == 0 &&
                                  policy == p->policy && param.sched_priority == p->priority && waits(&p->thread));
}

/* They wait in the order of the list of priorities, and are released in that of the list of places. */
static void released_in_order(enum sem_kind kind, int policy, const int *priorities, const int *places)
{
        const int least = sched_get_priority_min(policy);
        sem_t *const sem = fresh_sem(kind, 0);
        struct prioritised p[COUNT];

        for (int i = 0; i < COUNT; i++) {
                p[i] = (struct prioritised){.sem = sem, .policy = policy, .priority = least + priorities[i]};
                start(&p[i].thread, wait_with_priority, &p[i]);
                UNTIL(ready(&p[i]));
        }
        for (int i = 0; i < COUNT; i++) {
                int others = 0;

                MUST(sem_post(sem));
                EVENTUALLY(sem_post_wakes_priority, p[places[i]].thread.back);
                for (int j = i + 1; j < COUNT; j++)
                        others += p[places[j]].thread.back;
                EQ(sem_post_wakes_priority, others, 0);
        }
        for (int i = 0; i < COUNT; i++) {
                finish(&p[i].thread);
                EQ(sem_post_wakes_priority, p[i].thread.result, 0);
        }
}

TEST(highest_priority_first, VERIFIES(sem_post_wakes_priority))
{
        static const struct {
                const char *name;
                int priorities[COUNT], places[COUNT];
        } rows[] = {
                {"rising", {1, 2, 3, 4}, {3, 2, 1, 0}},
                {"falling", {4, 3, 2, 1}, {0, 1, 2, 3}},
                {"mixed", {2, 4, 1, 3}, {1, 3, 0, 2}},
        };

        needs_priorities();
        EACH_ROW(policy, policies)
                EACH_ROW(row, rows)
                        EACH_ROW(kind, sem_kinds)
                                released_in_order(kind->kind, policy->policy, row->priorities, row->places);
}

TEST(longest_wait_first_among_equals, VERIFIES(sem_post_wakes_priority))
{
        static const struct {
                const char *name;
                int priorities[COUNT], places[COUNT];
        } rows[] = {
                {"all equal", {2, 2, 2, 2}, {0, 1, 2, 3}},
                {"two and two", {1, 2, 1, 2}, {1, 3, 0, 2}},
        };

        needs_priorities();
        EACH_ROW(policy, policies)
                EACH_ROW(row, rows)
                        EACH_ROW(kind, sem_kinds)
                                released_in_order(kind->kind, policy->policy, row->priorities, row->places);
}
