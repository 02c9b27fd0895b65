/* SPDX-License-Identifier: MIT
 *
 * semop(): a call that fails has done nothing. What entries before the failing one did must be gone afterwards: from
 * values, from process IDs, from times, and from what the caller's end would undo.
 */
#include <stdio.h>

#include "ipck_sem.h"

enum { SEMS = 4, ROOM = 6 };

struct failing {
        const char *name;
        struct sembuf ops[ROOM];
        size_t count;
        int error;
};

static int set_of_four(void)
{
        int set = new_sems(SEMS, 0600);

        set_all(set, (unsigned short[]){5, 300, 32000, 0});
        return set;
}

/* Made by a process of its own, which then ends: adjustments that a failed call left behind would be applied. */
static struct sem_view view_after_failure(int set, const struct failing *row)
{
        struct sembuf ops[ROOM];
        struct child caller;

        memcpy(ops, row->ops, sizeof(ops));
        CHILD(&caller)
                REQUIRE(semop(set, ops, row->count) == -1 && errno == row->error);
        UNTIL(returned(&caller));
        join(&caller);
        return view_of(set);
}

static bool same_values(const struct sem_view *a, const struct sem_view *b)
{
        for (int i = 0; i < SEMS; i++)
                if (a->sem[i].val != b->sem[i].val)
                        return false;
        return true;
}

#define NOW(num, op) OP(num, op, IPC_NOWAIT)
#define BACK(num, op) OP(num, op, IPC_NOWAIT | SEM_UNDO)

static const struct failing would_wait[] = {
        {"one decrement", {NOW(0, -6)}, 1, EAGAIN},
        {"one zero operation", {NOW(0, 0)}, 1, EAGAIN},
        {"second: decrement", {NOW(0, 1), NOW(1, -301)}, 2, EAGAIN},
        {"second: zero operation", {NOW(0, -2), NOW(1, 0)}, 2, EAGAIN},
        {"second: after one to zero", {NOW(0, -5), NOW(3, -1)}, 2, EAGAIN},
        {"third: decrement", {NOW(2, 3), NOW(0, -4), NOW(3, -1)}, 3, EAGAIN},
        {"fourth: zero operation", {NOW(3, 0), NOW(2, -1000), NOW(1, 7), NOW(0, 0)}, 4, EAGAIN},
        {"first of four", {NOW(3, -1), NOW(0, 1), NOW(1, 1), NOW(2, 1)}, 4, EAGAIN},
        {"second, with SEM_UNDO", {BACK(0, 2), BACK(1, -301)}, 2, EAGAIN},
        {"third, with SEM_UNDO on one", {NOW(0, 2), BACK(1, -200), NOW(3, -1)}, 3, EAGAIN},
        {"the entry that fails has SEM_UNDO", {NOW(0, 2), NOW(1, -200), BACK(3, -1)}, 3, EAGAIN},
};

static const struct failing too_large[] = {
        {"one increment", {NOW(2, 1000)}, 1, ERANGE},
        {"second", {NOW(0, 1), NOW(2, 1000)}, 2, ERANGE},
        {"second, after one to zero", {NOW(0, -5), NOW(2, 1000)}, 2, ERANGE},
        {"third", {NOW(0, 3), NOW(1, -7), NOW(2, 768)}, 3, ERANGE},
        {"fourth, after a zero operation", {NOW(3, 0), NOW(0, 3), NOW(1, -7), NOW(2, 32767)}, 4, ERANGE},
        {"first of four", {NOW(2, 768), NOW(0, 1), NOW(1, 1), NOW(3, 1)}, 4, ERANGE},
        {"second, with SEM_UNDO", {BACK(0, 2), BACK(2, 1000)}, 2, ERANGE},
        {"third, with SEM_UNDO on one", {NOW(0, 2), BACK(1, -200), NOW(2, 1000)}, 3, ERANGE},
};

static const struct failing one_semaphore_again[] = {
        {"EAGAIN, two decrements", {NOW(0, -3), NOW(0, -3)}, 2, EAGAIN},
        {"EAGAIN, more than was put in", {NOW(3, 2), NOW(3, -3)}, 2, EAGAIN},
        {"EAGAIN, no longer zero", {NOW(3, 0), NOW(3, 1), NOW(3, 0)}, 3, EAGAIN},
        {"EAGAIN, twice and then another", {NOW(0, 4), NOW(0, -8), NOW(1, 0)}, 3, EAGAIN},
        {"EAGAIN, two of them in turn", {NOW(0, -2), NOW(1, -2), NOW(0, -3), NOW(1, -299)}, 4, EAGAIN},
        {"EAGAIN, with SEM_UNDO", {BACK(0, 4), BACK(0, -8), BACK(1, 1), BACK(0, -2)}, 4, EAGAIN},
        {"EAGAIN, SEM_UNDO on one of two", {BACK(0, 4), NOW(0, -8), NOW(3, -1)}, 3, EAGAIN},
        {"ERANGE, two increments", {NOW(2, 400), NOW(2, 400)}, 2, ERANGE},
        {"ERANGE, down and up again", {NOW(2, -100), NOW(2, 868)}, 2, ERANGE},
        {"ERANGE, twice and then another", {NOW(0, 4), NOW(0, -9), NOW(2, 768)}, 3, ERANGE},
        {"ERANGE, with SEM_UNDO", {BACK(2, 400), BACK(1, 1), BACK(2, 400)}, 3, ERANGE},
        {"EFBIG, after two", {NOW(0, 4), NOW(0, -8), NOW(SEMS, 1)}, 3, EFBIG},
};

TEST(eagain_leaves_values, VERIFIES(semop_array_all_or_nothing_eagain))
{
        EACH_ROW(row, would_wait) {
                int set = set_of_four();
                const struct sem_view before = view_of(set);
                const struct sem_view after = view_after_failure(set, row);

                HOLDS(semop_array_all_or_nothing_eagain, same_values(&before, &after));
        }
}

TEST(erange_leaves_values, VERIFIES(semop_array_all_or_nothing_erange))
{
        EACH_ROW(row, too_large) {
                int set = set_of_four();
                const struct sem_view before = view_of(set);
                const struct sem_view after = view_after_failure(set, row);

                HOLDS(semop_array_all_or_nothing_erange, same_values(&before, &after));
        }
}

TEST(failure_leaves_semaphore_named_twice, VERIFIES(semop_array_all_or_nothing_dup))
{
        EACH_ROW(row, one_semaphore_again) {
                int set = set_of_four();
                const struct sem_view before = view_of(set);
                const struct sem_view after = view_after_failure(set, row);

                HOLDS(semop_array_all_or_nothing_dup, same_values(&before, &after));
        }
}

/* Every row of the tables above on a set whose sem_otime is still 0, which shows a store without waiting for a second
 * to pass, and whose semaphores another process used before. */
static void leaves_pids_and_otime(const struct failing *rows, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                const struct {
                        const char *name;
                } names[] = {{rows[i].name}};

                EACH_ROW(name, names) {
                        struct sembuf ops[ROOM];
                        struct child caller;
                        int set = set_of_four();
                        const struct sem_view before = view_of(set);

                        memcpy(ops, rows[i].ops, sizeof(ops));
                        CHILD(&caller) {
                                REQUIRE(semop(set, ops, rows[i].count) == -1 && errno == rows[i].error);
                                EQ(semop_otime_failed_unchanged, stat_of(set).sem_otime, 0);
                                for (int num = 0; num < SEMS; num++)
                                        EQ(semop_pid_failed_unchanged, PID(set, num), before.sem[num].pid);
                        }
                        UNTIL(returned(&caller));
                        join(&caller);
                }
        }
}

TEST(failure_leaves_pids_and_otime, VERIFIES(semop_pid_failed_unchanged, semop_otime_failed_unchanged))
{
        leaves_pids_and_otime(would_wait, sizeof(would_wait) / sizeof(*would_wait));
        leaves_pids_and_otime(too_large, sizeof(too_large) / sizeof(*too_large));
        leaves_pids_and_otime(one_semaphore_again, sizeof(one_semaphore_again) / sizeof(*one_semaphore_again));
}

/* A second after the set was last used and changed, so that a store of either time shows. */
TEST(failed_calls_change_nothing_at_all,
     VERIFIES(semop_array_all_or_nothing_eagain, semop_array_all_or_nothing_erange, semop_otime_failed_unchanged,
              semop_pid_failed_unchanged, semop_efbig_second_entry),
     MOSTLY_WAITS)
{
        static const struct {
                const char *name;
                struct failing call;
                enum ipck_requirement req;
        } rows[] = {
                {"EAGAIN", {"", {NOW(0, 1), NOW(1, -1), NOW(3, -1)}, 3, EAGAIN}, semop_array_all_or_nothing_eagain},
                {"ERANGE", {"", {NOW(0, 1), NOW(1, -1), NOW(2, 1000)}, 3, ERANGE}, semop_array_all_or_nothing_erange},
                {"EFBIG", {"", {NOW(0, 1), NOW(1, -1), NOW(SEMS, 1)}, 3, EFBIG}, semop_efbig_second_entry},
        };
        int set = set_of_four();

        MUST(SEMOP(set, OP(0, 1, 0), OP(1, 1, 0), OP(2, 1, 0), OP(3, 0, IPC_NOWAIT)));
        const struct sem_view before = view_of(set);
        REQUIRE(before.otime != 0 && before.ctime != 0);
        next_second(now());
        EACH_ROW(row, rows) {
                const struct sem_view after = view_after_failure(set, &row->call);

                HOLDS(row->req, same_values(&before, &after));
                for (int num = 0; num < SEMS; num++)
                        EQ(semop_pid_failed_unchanged, after.sem[num].pid, getpid());
                EQ(semop_otime_failed_unchanged, after.otime, before.otime);
        }
        const struct sem_view after = view_of(set);
        HOLDS(semop_efbig_second_entry, same_view(&before, &after));
}

/* ---- all short arrays, against a model ---- */

enum { LONGEST = 3, CHOICES = 10 };

/* Entry number n of the ten: each of five changes on each of two semaphores. */
static struct sembuf choice(int n)
{
        return NOW((unsigned short)(n / 5), n % 5 - 2);
}

/* What the standard says, entry by entry; 0 or the error, and the values after the call. */
static int model(const struct sembuf *ops, int count, const unsigned short *before, int largest, unsigned short *after)
{
        int value[2] = {before[0], before[1]};

        memcpy(after, before, 2 * sizeof(*after));
        for (int i = 0; i < count; i++) {
                int *v = &value[ops[i].sem_num];

                if (ops[i].sem_op == 0 ? *v != 0 : *v + ops[i].sem_op < 0)
                        return EAGAIN;
                if (*v + ops[i].sem_op > largest)
                        return ERANGE;
                *v += ops[i].sem_op;
        }
        after[0] = (unsigned short)value[0];
        after[1] = (unsigned short)value[1];
        return 0;
}

static const char *describe(const struct sembuf *ops, int count, const unsigned short *before)
{
        static char text[64];
        int n = snprintf(text, sizeof(text), "%d %d:", before[0], before[1]);

        for (int i = 0; i < count; i++)
                n += snprintf(text + n, sizeof(text) - (size_t)n, " {%d, %+d}", ops[i].sem_num, ops[i].sem_op);
        return text;
}

static void compare_with_model(int set, struct sembuf *ops, int count, const unsigned short *before, int largest)
{
        unsigned short want[2], got[2];
        const int error = model(ops, count, before, largest, want);
        const enum ipck_requirement req = error == EAGAIN   ? semop_array_all_or_nothing_eagain
                                          : error == ERANGE ? semop_array_all_or_nothing_erange
                                                            : semop_array_order;

        set_values(set, before, sizeof(got) / sizeof(*got));
        if (error)
                FAILS_WITH(semop_array_order, error, semop(set, ops, (size_t)count));
        else
                EQ(semop_array_order, semop(set, ops, (size_t)count), 0);
        get_all(set, got);
        EQ(req, got[0], want[0]);
        EQ(req, got[1], want[1]);
}

TEST(all_short_arrays_agree_with_model,
     VERIFIES(semop_array_order, semop_array_all_or_nothing_eagain, semop_array_all_or_nothing_erange))
{
        const int largest = sem_limits().semvmx;
        const unsigned short starts[][2] = {{0, 2}, {1, (unsigned short)(largest - 1)}};
        int set = new_sems(2, 0600);

        for (int start = 0; start < 2; start++) {
                for (int count = 1, arrays = CHOICES; count <= LONGEST; count++, arrays *= CHOICES) {
                        for (int n = 0; n < arrays; n++) {
                                struct sembuf ops[LONGEST];

                                for (int i = 0, rest = n; i < count; i++, rest /= CHOICES)
                                        ops[i] = choice(rest % CHOICES);
                                const struct {
                                        const char *name;
                                } names[] = {{describe(ops, count, starts[start])}};
                                EACH_ROW(name, names)
                                        compare_with_model(set, ops, count, starts[start], largest);
                        }
                }
        }
}
