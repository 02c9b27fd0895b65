/* SPDX-License-Identifier: MIT
 *
 * Semaphore calls when the kernel has no memory: each step inside the call that can fail is made to fail in turn,
 * until the call meets no more of them. Other steps than allocations may be hit (copies from user memory: EFAULT).
 */
#include "ipck_sem.h"

enum { MOST_STEPS = 200 };

/* One call with its n-th step failing: its result, its errno in call_error, and in *more whether there was such a
 * step. */
#define WITH_FAULT(n, more, call)                                                                       \
        (arm_fault(n), errno = 0, call_result = (call), call_error = errno, *(more) = disarm_fault(), call_result)

static int call_result, call_error;

static struct seminfo in_use(void)
{
        struct seminfo info;

        memset(&info, 0, sizeof(info));
        MUST(semctl(0, 0, SEM_INFO, ARG_INFO(&info)));
        return info;
}

static void need_allocation_faults(int seen)
{
        if (!seen)
                UNSUPPORTED("fault injection into ordinary kernel allocations (failslab/ignore-gfp-wait must be N)");
}

TEST(creation_without_memory, VERIFIES(semget_enomem))
{
        const struct {
                const char *name;
                int nsems;
        } rows[] = {{"one semaphore", 1}, {"a set larger than a page", 300}};
        int refused = 0;

        EACH_ROW(row, rows) {
                const struct seminfo before = in_use();
                bool more = true;

                for (unsigned n = 1; more && n < MOST_STEPS; n++) {
                        const int set = WITH_FAULT(n, &more, semget(IPC_PRIVATE, row->nsems, 0600));
                        if (set != -1) {
                                MUST(semctl(set, 0, IPC_RMID));
                                continue;
                        }
                        EQ(semget_enomem, call_error, ENOMEM);
                        refused++;
                        const struct seminfo after = in_use();
                        EQ(semget_enomem, after.semusz, before.semusz);
                        EQ(semget_enomem, after.semaem, before.semaem);
                }
                HOLDS(semget_enomem, !more);
        }
        need_allocation_faults(refused);
}

TEST(undo_without_memory, VERIFIES(semop_enomem_undo))
{
        const int set = new_sems(2, 0600);
        int refused = 0;
        bool more = true;

        set_val(set, 1, 5);
        for (unsigned n = 1; more && n < MOST_STEPS; n++) {
                const struct sem_view before = view_of(set);
                struct child caller;
                bool *child_more = shared(sizeof(*child_more));
                int *error = shared(sizeof(*error));

                /* A process of its own each time: only its first SEM_UNDO allocates. */
                CHILD(&caller) {
                        if (WITH_FAULT(n, child_more, SEMOP(set, OP(0, 1, SEM_UNDO), OP(1, -1, SEM_UNDO))) == -1)
                                *error = call_error;
                        if (*error) {
                                const struct sem_view after = view_of(set);
                                HOLDS(semop_enomem_undo, *error == ENOMEM || *error == EFAULT);
                                HOLDS(semop_enomem_undo, same_view(&before, &after));
                        }
                }
                join(&caller);
                more = *child_more;
                refused += *error == ENOMEM;
                EQ(semop_enomem_undo, VAL(set, 0), 0);
                EQ(semop_enomem_undo, VAL(set, 1), 5);
        }
        need_allocation_faults(refused);
        HOLDS(semop_enomem_undo, !more);
}

TEST(long_array_without_memory, VERIFIES(semop_enomem_large_array))
{
        enum { OPS = 400 };
        const int set = new_sems(1, 0600);
        struct sembuf ops[OPS];
        int refused = 0;
        bool more = true;

        if (sem_limits().semopm < OPS)
                UNSUPPORTED("arrays of %d operations (limit: %d)", OPS, sem_limits().semopm);
        for (int i = 0; i < OPS; i++)
                ops[i] = OP(0, 1, 0);
        for (unsigned n = 1; more && n < MOST_STEPS; n++) {
                const struct sem_view before = view_of(set);
                if (WITH_FAULT(n, &more, semop(set, ops, OPS)) == 0) {
                        set_val(set, 0, 0);
                        continue;
                }
                HOLDS(semop_enomem_large_array, call_error == ENOMEM || call_error == EFAULT);
                refused += call_error == ENOMEM;
                const struct sem_view after = view_of(set);
                HOLDS(semop_enomem_large_array, same_view(&before, &after));
        }
        need_allocation_faults(refused);
        HOLDS(semop_enomem_large_array, !more);
}
