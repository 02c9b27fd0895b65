/* SPDX-License-Identifier: MIT
 *
 * The end of IPC namespaces: what was left in them goes and returns its memory, except for what somebody still holds.
 * Linux before 6.3 ends one after the other and waits for each, and some of these tests leave thousands: those that
 * wait for an end take turns.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "ipck_mechanism.h"
#include "ipck_namespaces.h"

/* ---- as many as there may be ---- */

TEST(number_of_namespaces_is_limited, VERIFIES(ipcns_enospc_max), KERNEL_ALONE, MOSTLY_WAITS)
{
        enum { MOST = 3 };
        struct child process;

        take_turn("/");
        CHILD(&process) {
                struct child holders[MOST];

                limit_namespaces(MOST);
                for (int i = 0; i < MOST; i++) {
                        CHILD(&holders[i]) {
                                EVENTUALLY(ipcns_enospc_max, unshare(CLONE_NEWIPC) == 0);
                                stay(&holders[i]);
                        }
                        UNTIL(stays(&holders[i]));
                }
                FAILS_WITH(ipcns_enospc_max, ENOSPC, unshare(CLONE_NEWIPC));
                struct child *const leaver = &holders[random_below(MOST)];
                dismiss(leaver);
                EVENTUALLY(ipcns_enospc_max, unshare(CLONE_NEWIPC) == 0);
                FAILS_WITH(ipcns_enospc_max, ENOSPC, unshare(CLONE_NEWIPC));
                for (int i = 0; i < MOST; i++)
                        tell(&holders[i], 1);
        }
        join(&process);
}

/* ---- with the last process ---- */

static const enum ipck_requirement destroyed[] = {
        [QUEUE] = ipcns_destroy_msg, [SET] = ipcns_destroy_sem, [SEGMENT] = ipcns_destroy_shm,
};

static void use_object(const struct mechanism *m, int id)
{
        MUST(m->write(id));
        /* The end finds it in use: with adjustments to make, or attached. */
        if (m == &mechanisms[SET])
                MUST(SEMOP(id, OP(0, 1, SEM_UNDO)));
        if (m == &mechanisms[SEGMENT])
                *attach(id, 0) = 1;
}

static void leave_objects_behind(const struct mechanism *m, int count, bool killed, struct child *empty,
                                 enum ipck_requirement before)
{
        struct child member;

        CHILD(&member) {
                TAKES_ITS_PLACE(before, empty, unshare(CLONE_NEWIPC) == 0);
                for (int i = 0; i < count; i++)
                        use_object(m, new_object(m, 0600));
                if (killed)
                        raise(SIGKILL);
        }
        const int status = reap(&member);
        REQUIRE(killed ? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL : status == 0);
}

TEST(namespace_with_objects_goes_with_its_last_process,
     VERIFIES(ipcns_destroy_msg, ipcns_destroy_sem, ipcns_destroy_shm), KERNEL_ALONE, MOSTLY_WAITS)
{
        struct child process, empty;

        take_turn("/");
        CHILD(&empty)
                leave_empty_ones(&empty);
        CHILD(&process) {
                enum ipck_requirement before = ipcns_destroy_msg;
                struct child last;

                limit_namespaces(1);
                EACH_ROW(m, mechanisms) {
                        for (int round = 0; round < 5; round++) {
                                leave_objects_behind(m, 3 * (round + 1), round % 2, &empty, before);
                                before = destroyed[m - mechanisms];
                        }
                }
                CHILD(&last)
                        TAKES_ITS_PLACE(before, &empty, unshare(CLONE_NEWIPC) == 0);
                join(&last);
        }
        join(&process);
        kill_child(&empty);
}

/* ---- memory ---- */

static long meminfo_kb(const char *field)
{
        char text[8192];
        long kb;

        if (read_file("/proc/meminfo", text, sizeof(text)) > 0) {
                const char *line = strstr(text, field);
                if (line && sscanf(line + strlen(field), ": %ld", &kb) == 1)
                        return kb;
        }
        UNSUPPORTED("%s in /proc/meminfo", field);
}

/* Whether the memory that use() took, at least twice what is noticed, comes back. The number is the whole machine's:
 * others may take as much meanwhile, but hardly each time, and what use() lost each time would be seen in the end. */
static bool comes_back(const char *field, long noticed_kb, void (*use)(void))
{
        enum { TRIALS = 6 };
        take_turn("/");
        const long first = meminfo_kb(field);

        for (int trial = 0; trial < TRIALS; trial++) {
                const long before = meminfo_kb(field);

                use();
                /* From here on, however long that took. */
                const int64_t patience = monotonic_ns() + scaled_ns(1000000000);
                do {
                        if (meminfo_kb(field) < before + noticed_kb)
                                return true;
                        sched_yield();
                } while (monotonic_ns() < patience);
        }
        return meminfo_kb(field) < first + TRIALS * noticed_kb;
}

static const char kernel_memory[] = "SUnreclaim", shared_memory[] = "Shmem";

/* Runs fill() in so many namespaces, one after the other, of which none is left in the end. */
static void abandon(int namespaces, void (*fill)(void))
{
        struct child owner;

        CHILD(&owner)
                for (int i = 0; i < namespaces; i++) {
                        enter_new_ipc_namespace();
                        fill();
                }
        join(&owner);
}

/* 1600 queues with 16 KiB of messages each. */
static void fill_with_queues(void)
{
        for (int i = 0; i < 40; i++) {
                const int queue = new_queue(0600);
                while (put(queue, 1, 4096, IPC_NOWAIT) == 0) {
                }
                REQUIRE(QNUM(queue) == 4);
        }
}

static void abandon_queues(void)
{
        abandon(40, fill_with_queues);
}

TEST(queues_left_behind_return_their_memory, VERIFIES(ipcns_destroy_msg), KERNEL_ALONE, MOSTLY_WAITS)
{
        HOLDS(ipcns_destroy_msg, comes_back(kernel_memory, 12000, abandon_queues));
}

/* 4000 sets of 100 semaphores, which take 5 to 8 kB each. */
enum { NSEMS = 100 };

static void fill_with_sets(void)
{
        for (int i = 0; i < 100; i++)
                (void)new_sems(NSEMS, 0600);
}

static void abandon_sets(void)
{
        abandon(40, fill_with_sets);
}

TEST(sets_left_behind_return_their_memory, VERIFIES(ipcns_destroy_sem), KERNEL_ALONE, MOSTLY_WAITS)
{
        HOLDS(ipcns_destroy_sem, comes_back(kernel_memory, 12000, abandon_sets));
}

/* 32 segments of 1 MiB. */
enum { MIB = 1 << 20 };

static void fill_with_segments(void)
{
        for (int i = 0; i < 8; i++) {
                char *const memory = attach(new_segment(MIB, 0600), 0);
                memset(memory, 1, MIB);
                detach(memory);
        }
}

static void abandon_segments(void)
{
        abandon(4, fill_with_segments);
}

TEST(segments_left_behind_return_their_memory, VERIFIES(ipcns_destroy_shm), KERNEL_ALONE, MOSTLY_WAITS)
{
        HOLDS(ipcns_destroy_shm, comes_back(shared_memory, 16000, abandon_segments));
}

/* ---- attached from outside ---- */

TEST(segment_stays_with_those_who_attached_it, VERIFIES(ipcns_destroy_shm_attached_outside))
{
        enum { PAGES = 4 };
        const size_t page = page_size();
        struct child other;

        enter_new_ipc_namespace();
        char *const memory = attach(new_segment(PAGES * page, 0600), 0);
        fill_pattern(memory, page, 1);
        enter_new_ipc_namespace();
        HOLDS(ipcns_destroy_shm_attached_outside, has_pattern(memory, page, 1));
        fill_pattern(memory, 2 * page, 2);
        HOLDS(ipcns_destroy_shm_attached_outside, has_pattern(memory, 2 * page, 2));
        /* It is still one memory for all, also for who gets it now. */
        CHILD(&other) {
                HOLDS(ipcns_destroy_shm_attached_outside, has_pattern(memory, 2 * page, 2));
                fill_pattern(memory + 2 * page, page, 3);
        }
        join(&other);
        HOLDS(ipcns_destroy_shm_attached_outside, has_pattern(memory + 2 * page, page, 3));
        HOLDS(ipcns_destroy_shm_attached_outside, all_bytes(memory + 3 * page, page, 0));
        EQ(ipcns_destroy_shm_attached_outside, shmdt(memory), 0);
        HOLDS(ipcns_destroy_shm_attached_outside, !is_mapped(memory));
}

static void detach_outside(void)
{
        for (int i = 0; i < 16; i++) {
                enter_new_ipc_namespace();
                char *const memory = attach(new_segment(2 * MIB, 0600), 0);
                memset(memory, 1, MIB);
                enter_new_ipc_namespace();
                memset(memory, 2, 2 * MIB);
                detach(memory);
        }
}

TEST(detaching_outside_returns_the_memory, VERIFIES(ipcns_destroy_shm_attached_outside), KERNEL_ALONE, MOSTLY_WAITS)
{
        HOLDS(ipcns_destroy_shm_attached_outside, comes_back(shared_memory, 16000, detach_outside));
}

/* ---- again and again ---- */

static void replace_namespaces(void)
{
        enum { ROUNDS = 2000 };

        for (int round = 0; round < ROUNDS; round++) {
                for (int i = 0; i < 2; i++)
                        (void)new_sems(NSEMS, 0600);
                MUST(put(new_queue(0600), 1, 2000, 0));
                (void)new_segment(1, 0600);
                /* The old ones may go more slowly than new ones come. */
                EVENTUALLY(ipcns_create_destroy_loop, unshare(CLONE_NEWIPC) == 0);
        }
}

TEST(namespaces_come_and_go_without_end, VERIFIES(ipcns_create_destroy_loop), KERNEL_ALONE, MOSTLY_WAITS)
{
        enter_new_ipc_namespace();
        HOLDS(ipcns_create_destroy_loop, comes_back(kernel_memory, 12000, replace_namespaces));
}

/* ---- without memory ---- */

enum { MOST_STEPS = 500, MOST_NAMESPACES = 100, REPEATED = 200 };

static unsigned step;           /* the one inside unshare() that fails */
static bool reached = true;     /* there was such a step */
static int refused;

static void fail_to_create(void)
{
        for (int i = 0; i < REPEATED; i++) {
                arm_fault(step);
                const int result = unshare(CLONE_NEWIPC), error = errno;
                reached = disarm_fault();
                if (result == 0)
                        return;
                refused++;
                EQ(ipcns_create_fail_no_leak, error, ENOMEM);
        }
}

static void need_allocation_faults(void)
{
        if (!refused)
                UNSUPPORTED("fault injection into ordinary kernel allocations (failslab/ignore-gfp-wait must be N)");
}

/* Each step that can fail is made to, in turn, more often than there may be namespaces: if those that failed were still
 * counted, one would soon be too many. */
TEST(failed_creation_is_not_counted, VERIFIES(ipcns_create_fail_no_leak), KERNEL_ALONE)
{
        struct child process;

        CHILD(&process) {
                limit_namespaces(MOST_NAMESPACES);
                for (step = 1; reached && step < MOST_STEPS; step++)
                        fail_to_create();
                need_allocation_faults();
                HOLDS(ipcns_create_fail_no_leak, !reached);
        }
        join(&process);
}

/* So often that a thousand bytes lost each time are noticed. */
TEST(failed_creation_returns_its_memory, VERIFIES(ipcns_create_fail_no_leak), KERNEL_ALONE, MOSTLY_WAITS)
{
        enter_new_ipc_namespace();
        /* Nobody need wait for its turn where there is no fault injection. */
        arm_fault(0);
        disarm_fault();
        for (step = 1; reached && step < MOST_STEPS; step++)
                if (!HOLDS(ipcns_create_fail_no_leak, comes_back(kernel_memory, REPEATED, fail_to_create)))
                        break;
        need_allocation_faults();
}
