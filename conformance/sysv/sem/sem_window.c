/* SPDX-License-Identifier: MIT
 *
 * Semaphore calls that stop while they read from the caller's memory or store there, and what becomes of them when the
 * set changes meanwhile.
 */
#include "ipck_sem.h"
#include "ipck_window.h"

/* More than 256 values and 64 operations make Linux allocate memory for them. */
enum { SMALL = 10, LARGE = 300, OPERATIONS = 100 };

static const struct {
        const char *name;
        int semaphores;
} sizes[] = {{"small", SMALL}, {"large", LARGE}};

static const unsigned short *all_values(unsigned short value)
{
        static unsigned short values[LARGE];

        for (int i = 0; i < LARGE; i++)
                values[i] = value;
        return values;
}

/* Values that stop whoever comes to half of them: a call that works as it goes would show. */
static unsigned short *stopping(struct child *c, const unsigned short *values, int semaphores)
{
        const size_t size = (size_t)semaphores * sizeof(*values);

        return window(c, values, size, size / 2);
}

static int must_hold(int semaphores)
{
        return must_fit((int)semget(IPC_PRIVATE, semaphores, 0600), semaphores);
}

static void judge_race(enum ipck_requirement requirement, int result)
{
        const int error = errno;

        HOLDS(requirement, result == -1 && (error == EINVAL || error == EIDRM));
}

TEST(setall_of_a_set_that_goes, VERIFIES(semctl_setall_rmid_race))
{
        EACH_ROW(size, sizes) {
                const int set = must_hold(size->semaphores);
                struct child setter;

                CHILD(&setter) {
                        unsigned short *const values = stopping(&setter, all_values(1), size->semaphores);
                        FAILS_WITH(semctl_setall_rmid_race, EIDRM, semctl(set, 0, SETALL, ARG_ARRAY(values)));
                }
                UNTIL(stopped(&setter));
                MUST(semctl(set, 0, IPC_RMID));
                open_window(&setter);
                join(&setter);
        }
}

TEST(setall_takes_effect_at_once, VERIFIES(semctl_atomic, semctl_setall_atomic))
{
        EACH_ROW(size, sizes) {
                const int set = must_hold(size->semaphores);
                unsigned short seen[LARGE];
                struct child setter, adder;

                CHILD(&setter) {
                        unsigned short *const values = stopping(&setter, all_values(7), size->semaphores);
                        MUST(semctl(set, 0, SETALL, ARG_ARRAY(values)));
                }
                UNTIL(stopped(&setter));
                CHILD(&adder) {
                        here(&adder, 1);
                        MUST(SEMOP(set, OP(0, 1, 0), OP(1, 1, 0)));
                }
                /* It may be made to wait for the other, but not for ever. */
                UNTIL(returned(&adder) || blocked(&adder));
                if (returned(&adder)) {
                        get_all(set, seen);
                        EQ(semctl_atomic, seen[0], seen[1]);
                        EQ(semctl_setall_atomic, seen[size->semaphores - 1], seen[2]);
                }
                open_window(&setter);
                join(&setter);
                join(&adder);
                get_all(set, seen);
                EQ(semctl_atomic, seen[0], seen[1]);
                EQ(semctl_setall_atomic, seen[size->semaphores - 1], seen[2]);
        }
}

TEST(getall_gives_the_values_of_one_moment, VERIFIES(semctl_getall_snapshot))
{
        EACH_ROW(size, sizes) {
                const int set = must_hold(size->semaphores);
                struct child getter, setter;

                CHILD(&getter) {
                        unsigned short *const values = stopping(&getter, NULL, size->semaphores);
                        MUST(semctl(set, 0, GETALL, ARG_ARRAY(values)));
                        for (int i = 1; i < size->semaphores; i++)
                                EQ(semctl_getall_snapshot, values[i], values[0]);
                }
                UNTIL(stopped(&getter));
                CHILD(&setter) {
                        here(&setter, 1);
                        set_values(set, all_values(3), (size_t)size->semaphores);
                }
                UNTIL(returned(&setter) || blocked(&setter));
                open_window(&getter);
                join(&getter);
                join(&setter);
        }
}

TEST(control_of_a_set_that_goes, VERIFIES(semctl_set_rmid_race))
{
        const int set = new_sems(1, 0600);
        const struct semid_ds wanted = {.sem_perm.mode = 0640};
        struct child setter;

        CHILD(&setter) {
                struct semid_ds *const about = window(&setter, &wanted, sizeof(wanted), 0);
                judge_race(semctl_set_rmid_race, semctl(set, 0, IPC_SET, ARG_BUF(about)));
        }
        UNTIL(stopped(&setter));
        MUST(semctl(set, 0, IPC_RMID));
        open_window(&setter);
        join(&setter);
}

TEST(operations_on_a_set_that_goes, VERIFIES(semop_rmid_race))
{
        static const struct {
                const char *name;
                size_t count;
                short flags;
        } rows[] = {{"one", 1, 0}, {"many", OPERATIONS, 0}, {"one to be undone", 1, SEM_UNDO}};

        if (sem_limits().semopm < OPERATIONS)
                UNSUPPORTED("arrays of %d operations (limit: %d)", OPERATIONS, sem_limits().semopm);
        EACH_ROW(row, rows) {
                const int set = new_sems(1, 0600);
                struct sembuf operations[OPERATIONS];
                struct child caller;

                for (int i = 0; i < OPERATIONS; i++)
                        operations[i] = OP(0, 1, row->flags);

                CHILD(&caller) {
                        struct sembuf *const list = window(&caller, operations, row->count * sizeof(*list), 0);
                        judge_race(semop_rmid_race, semop(set, list, row->count));
                }
                UNTIL(stopped(&caller));
                MUST(semctl(set, 0, IPC_RMID));
                open_window(&caller);
                join(&caller);
        }
}

TEST(timeout_on_a_set_that_goes, VERIFIES(semtimedop_rmid_race))
{
        const int set = new_sems(1, 0600);
        const struct timespec hour = {.tv_sec = 3600};
        struct child caller;

        CHILD(&caller) {
                const struct timespec *const timeout = window(&caller, &hour, sizeof(hour), 0);
                judge_race(semtimedop_rmid_race, SEMTIMEDOP(set, timeout, OP(0, -1, 0)));
        }
        UNTIL(stopped(&caller));
        MUST(semctl(set, 0, IPC_RMID));
        open_window(&caller);
        join(&caller);
}
