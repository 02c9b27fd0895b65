/* SPDX-License-Identifier: MIT
 *
 * Attaching, and inheriting attachments, when the kernel has no memory: shm_nattch still counts what is attached.
 */
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include "ipck_shm.h"

enum { MOST_STEPS = 200 };

/* Each step inside the call that can fail is made to fail in turn, until the call meets no more of them. By ipc(2), the
 * last step hands over the address (EFAULT): then the segment is attached, at an address that nobody knows. */
TEST(attaching_without_memory, VERIFIES(shmat_enomem_alloc))
{
        const int segment = new_segment(3 * page_size(), 0600);
        char *const kept = attach(segment, 0);
        int refused = 0;
        bool more = true;

        fill_pattern(kept, page_size(), 1);
        for (unsigned n = 1; more && n < MOST_STEPS; n++) {
                const struct segment_view before = view_of_segment(segment);
                arm_fault(n);
                void *const place = shmat(segment, NULL, 0);
                const int error = errno;
                more = disarm_fault();
                if (place != SHM_FAILED) {
                        detach(place);
                        continue;
                }
                if (ipck_route == IPCK_MUX && error == EFAULT)
                        continue;
                EQ(shmat_enomem_alloc, error, ENOMEM);
                refused++;
                const struct segment_view after = view_of_segment(segment);
                EQ(shmat_enomem_alloc, after.nattch, before.nattch);
        }
        if (!refused)
                UNSUPPORTED("fault injection into ordinary kernel allocations (failslab/ignore-gfp-wait must be N)");
        HOLDS(shmat_enomem_alloc, !more);
        HOLDS(shmat_enomem_alloc, has_pattern(kept, page_size(), 1));
}

/* fork() of a child that ends at once. */
static pid_t fork_briefly(void)
{
        const pid_t pid = fork();

        if (pid == 0)
                _exit(0);
        return pid;
}

TEST(forking_without_memory, VERIFIES(fork_shm_fail_enomem))
{
        const size_t page = page_size();
        const int segment = new_segment(page, 0600);
        int refused = 0;
        bool more = true;

        for (int i = 0; i < 3; i++)
                attach(segment, 0);
        for (unsigned n = 1; more && n < MOST_STEPS; n++) {
                arm_fault(n);
                const pid_t pid = fork_briefly();
                const int error = errno;
                more = disarm_fault();
                if (pid > 0) {
                        MUST(waitpid(pid, NULL, 0));
                } else if (error == ENOMEM) {
                        refused++;
                        EQ(fork_shm_fail_enomem, nattch(segment), 3);
                }
        }
        if (!refused)
                UNSUPPORTED("fault injection into ordinary kernel allocations (failslab/ignore-gfp-wait must be N)");
        EQ(fork_shm_fail_enomem, nattch(segment), 3);
}

/* Two private mappings, each less than the machine's memory, become one that is more. A fork copies mappings in order
 * of their addresses and gives up at that one (mm/util.c __vm_enough_memory), with one attachment of two copied. */
TEST(forking_more_than_there_is, VERIFIES(fork_shm_fail_enomem))
{
        struct sysinfo info;

        MUST(sysinfo(&info));
        const size_t page = page_size();
        const uint64_t memory = ((uint64_t)info.totalram + info.totalswap) * info.mem_unit;
        if (memory > SIZE_MAX / 4)
                UNSUPPORTED("an address space of four times the machine's memory (%ju bytes)", (uintmax_t)memory);
        const size_t step = (size_t)SHMLBA;     /* where an attachment may begin */
        const size_t half = (size_t)memory / 8 * 5 / step * step;
        const int low = new_segment(page, 0600), high = new_segment(page, 0600);
        char *const range = free_range(2 * half + 2 * step);

        fill_pattern(attach_at(low, range, 0), page, 1);
        fill_pattern(attach_at(high, range + step + 2 * half, 0), page, 2);
        MUST(waitpid(MUST_FORK(fork_briefly()), NULL, 0));
        for (int i = 0; i < 2; i++)
                if (mmap(range + step + (size_t)i * half, half, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
                        UNSUPPORTED("%zu bytes of private memory (%s)", half, errno_name(errno));
        const pid_t pid = fork_briefly();
        if (pid != -1 || errno != ENOMEM)
                UNSUPPORTED("a fork that fails where memory would be overcommitted (vm.overcommit_memory is 1?)");
        EQ(fork_shm_fail_enomem, nattch(low), 1);
        EQ(fork_shm_fail_enomem, nattch(high), 1);
        HOLDS(fork_shm_fail_enomem, has_pattern(range, page, 1) && has_pattern(range + step + 2 * half, page, 2));
        detach(range);
        EQ(fork_shm_fail_enomem, nattch(low), 0);
}
