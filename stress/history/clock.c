/* SPDX-License-Identifier: MIT
 *
 * clock.c: time stamps that tell which of two calls came first, on whatever processors they were made.
 *
 * CLOCK_MONOTONIC_RAW costs some 25 ns where the C library reads it without a system call. Where it is coarse, or was
 * seen to go backwards from one processor to another, a counter that all processes share takes its place.
 */
#include <sched.h>
#include <sys/mman.h>

#include "history.h"

enum { COARSE_NS = 2000, HANDOVERS = 400, PAIR_NS = 5000000, ALL_PAIRS_NS = 60000000 };

static _Atomic uint64_t *counter;       /* NULL: the clock is good */

static uint64_t raw_clock(void)
{
        struct timespec time;

        clock_gettime(CLOCK_MONOTONIC_RAW, &time);
        return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

uint64_t stamp(void)
{
        return counter ? atomic_fetch_add(counter, 1) + 1 : raw_clock();
}

/* The smallest step that it makes. */
static bool is_coarse(void)
{
        uint64_t smallest = UINT64_MAX;

        for (int i = 0; i < 100; i++) {
                const uint64_t first = raw_clock();
                uint64_t next = first;
                for (int patience = 0; next == first && patience < 100000; patience++)
                        next = raw_clock();
                if (next - first && next - first < smallest)
                        smallest = next - first;
        }
        return smallest > COARSE_NS;
}

static struct {
        _Atomic uint64_t handed;        /* the stamp that was taken last */
        _Atomic int turn;               /* 0, 1: whose it is; 2: over */
        _Atomic bool backwards;
        int processor[2];
} pair;

static void run_on(int processor)
{
        cpu_set_t set;

        CPU_ZERO(&set);
        CPU_SET(processor, &set);
        sched_setaffinity(0, sizeof(set), &set);
}

/* Takes stamps in turn with the other side. */
static void hand_over(int side)
{
        const uint64_t end = raw_clock() + PAIR_NS;

        run_on(pair.processor[side]);
        for (int i = 0; i < HANDOVERS; i++) {
                while (atomic_load(&pair.turn) != side) {
                        if (atomic_load(&pair.turn) == 2)
                                return;
                        sched_yield();
                }
                const uint64_t taken = raw_clock();
                if (taken < atomic_load(&pair.handed))
                        atomic_store(&pair.backwards, true);
                atomic_store(&pair.handed, taken);
                atomic_store(&pair.turn, taken > end ? 2 : !side);
        }
        atomic_store(&pair.turn, 2);
}

static void *other_side(void *unused)
{
        hand_over(1);
        return unused;
}

static bool goes_backwards(const cpu_set_t *available)
{
        const uint64_t end = raw_clock() + ALL_PAIRS_NS;

        pair.processor[0] = -1;
        for (int c = 0; c < CPU_SETSIZE && raw_clock() < end; c++) {
                pthread_t thread;
                if (!CPU_ISSET(c, available))
                        continue;
                if (pair.processor[0] == -1) {
                        pair.processor[0] = c;
                        continue;
                }
                pair.processor[1] = c;
                pair.handed = 0;
                pair.turn = 0;
                if (pthread_create(&thread, NULL, other_side, NULL) != 0)
                        return true;
                hand_over(0);
                pthread_join(thread, NULL);
        }
        return pair.backwards;
}

void choose_clock(void)
{
        cpu_set_t available;

        CPU_ZERO(&available);
        MUST(sched_getaffinity(0, sizeof(available), &available));
        const bool bad = is_coarse() || goes_backwards(&available);
        sched_setaffinity(0, sizeof(available), &available);
        if (!bad)
                return;
        counter = mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        MUST(counter == MAP_FAILED ? -1 : 0);
}
