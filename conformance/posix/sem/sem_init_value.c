/* SPDX-License-Identifier: MIT
 *
 * sem_init(): the value of a new semaphore, and values that it refuses.
 */
#include "ipck_posix_sem.h"

static const struct {
        const char *name;
        int pshared;
} sharings[] = {{"pshared 0", 0}, {"pshared 1", 1}};

/* The units of a semaphore, by taking them all. */
static int units(sem_t *sem)
{
        int n = 0;

        while (sem_trywait(sem) == 0)
                n++;
        REQUIRE(errno == EAGAIN);
        return n;
}

/* Whatever the memory held before. */
TEST(value_is_the_one_given, VERIFIES(sem_init_ret_zero, sem_init_value))
{
        static const struct {
                const char *name;
                unsigned value;
                bool few;
        } rows[] = {
                {"0", 0, true},
                {"1", 1, true},
                {"2", 2, true},
                {"1000", 1000, true},
                {"32767, which POSIX has every implementation allow", _POSIX_SEM_VALUE_MAX, true},
                {"65536", 65536, true},
                {"bit 30", 1u << 30, false},
                {"one less than the largest", SEM_VALUE_MAX - 1, false},
        };
        static const int fillings[] = {0, 0x5a, 0xff};
        sem_t *const sem = guarded(sizeof(*sem));

        EACH_ROW(sharing, sharings) {
                EACH_ROW(row, rows) {
                        for (int i = 0; i < 3 && row->value <= SEM_VALUE_MAX; i++) {
                                memset(sem, fillings[i], sizeof(*sem));
                                EQ(sem_init_ret_zero, sem_init(sem, sharing->pshared, row->value), 0);
                                EQ(sem_init_value, sem_value(sem), row->value);
                                if (row->few)
                                        EQ(sem_init_value, units(sem), row->value);
                                MUST(sem_destroy(sem));
                        }
                }
        }
}

TEST(semaphores_side_by_side_are_apart, VERIFIES(sem_init_value))
{
        enum { SEMS = 64 };
        sem_t *const sems = guarded(SEMS * sizeof(*sems));

        memset(sems, 0x5a, SEMS * sizeof(*sems));
        for (unsigned i = 0; i < SEMS; i++)
                MUST(sem_init(&sems[(i * 37) % SEMS], i % 2, (i * 37) % SEMS));
        for (unsigned i = 0; i < SEMS; i++)
                EQ(sem_init_value, sem_value(&sems[i]), i);
        for (unsigned i = 0; i < SEMS; i += 2)
                MUST(sem_post(&sems[i]));
        for (unsigned i = 0; i < SEMS; i++)
                EQ(sem_init_value, sem_value(&sems[i]), i + !(i % 2));
}

TEST(largest_value, VERIFIES(sem_init_value_max))
{
        sem_t *const sem = guarded(sizeof(*sem));

        EACH_ROW(sharing, sharings) {
                memset(sem, 0x5a, sizeof(*sem));
                EQ(sem_init_value_max, worked(sem_init(sem, sharing->pshared, SEM_VALUE_MAX)), 0);
                EQ(sem_init_value_max, sem_value(sem), SEM_VALUE_MAX);
                EQ(sem_init_value_max, sem_trywait(sem), 0);
                EQ(sem_init_value_max, sem_value(sem), SEM_VALUE_MAX - 1);
        }
}

TEST(value_above_the_largest_is_refused, VERIFIES(sem_init_einval))
{
        static const struct {
                const char *name;
                unsigned value;
        } rows[] = {
                {"one more than the largest", SEM_VALUE_MAX + 1u},
                {"two more than the largest", SEM_VALUE_MAX + 2u},
                {"the largest unsigned", UINT_MAX},
        };
        sem_t *const sem = guarded(sizeof(*sem));

        if ((unsigned)SEM_VALUE_MAX > UINT_MAX - 2)
                UNSUPPORTED("a SEM_VALUE_MAX below UINT_MAX");
        EACH_ROW(sharing, sharings) {
                EACH_ROW(row, rows) {
                        MUST(sem_init(sem, sharing->pshared, SEM_VALUE_MAX));
                        MUST(sem_destroy(sem));
                        FAILS_WITH(sem_init_einval, EINVAL, sem_init(sem, sharing->pshared, row->value));
                }
        }
}

TEST(destroyed_semaphore_can_be_initialised_again, VERIFIES(sem_init_reinit_after_destroy))
{
        static const struct {
                const char *name;
                int before, after;
        } rows[] = {{"0, then 0", 0, 0}, {"0, then 1", 0, 1}, {"1, then 0", 1, 0}, {"1, then 1", 1, 1}};
        sem_t *const sem = shared(sizeof(*sem));

        EACH_ROW(row, rows) {
                const struct sem_use use = {.kind = row->after ? SHARED_SEM : THREADS_SEM, .processes = row->after};
                const struct sem_use earlier = {.kind = row->before ? SHARED_SEM : THREADS_SEM,
                                                .processes = row->before};

                /* With traces of waiters of both ways to share. */
                MUST(sem_init(sem, row->before, 0));
                struct waiter *w = start_waiter(&earlier, sem, &plain_way);
                MUST(sem_post(sem));
                UNTIL(is_back(w));
                end_waiters(w, 1);
                for (int i = 0; i < 7; i++)
                        MUST(sem_post(sem));
                MUST(sem_destroy(sem));

                EQ(sem_init_reinit_after_destroy, worked(sem_init(sem, row->after, 2)), 0);
                EQ(sem_init_reinit_after_destroy, sem_value(sem), 2);
                EQ(sem_init_reinit_after_destroy, units(sem), 2);
                w = start_waiter(&use, sem, &plain_way);
                HOLDS(sem_init_reinit_after_destroy, !is_back(w));
                MUST(sem_post(sem));
                EVENTUALLY(sem_init_reinit_after_destroy, is_back(w));
                EQ(sem_init_reinit_after_destroy, sem_value(sem), 0);
                end_waiters(w, 1);
                MUST(sem_destroy(sem));
        }
}

TEST(more_semaphores_than_the_limit, VERIFIES(sem_init_enospc))
{
        enum { FEASIBLE = 1000000 };
        errno = 0;
        const long limit = sysconf(_SC_SEM_NSEMS_MAX);

        if (limit == -1 && errno == 0)
                UNSUPPORTED("a limit on the number of semaphores (sysconf(_SC_SEM_NSEMS_MAX) is -1)");
        MUST(limit);
        if (limit > FEASIBLE)
                UNSUPPORTED("a limit on the number of semaphores that a test can reach (it is %ld)", limit);

        sem_t *const sems = shared(((size_t)limit + 1) * sizeof(*sems));
        for (long i = 0; i < limit; i++)
                MUST(sem_init(&sems[i], 0, 0));
        FAILS_WITH(sem_init_enospc, ENOSPC, sem_init(&sems[limit], 0, 0));
        MUST(sem_destroy(&sems[0]));
        EQ(sem_init_enospc, worked(sem_init(&sems[limit], 0, 0)), 0);
}
