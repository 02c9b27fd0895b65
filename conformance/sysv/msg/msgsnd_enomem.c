/* SPDX-License-Identifier: MIT
 *
 * msgsnd() when the kernel has no memory: each step inside the call that can fail is made to fail in turn, until the
 * call meets no more of them. Other steps than allocations may be hit (copies from user memory: EFAULT).
 */
#include <stdio.h>

#include "ipck_msg.h"

enum { MOST_STEPS = 200 };

/* Sends a message of type 1 with the n-th step failing, for n = 1 .. until there is no such step. Returns how many
 * calls failed for want of memory. */
static int send_with_faults(enum ipck_requirement req, int queue, const void *message, size_t size)
{
        const struct msginfo used_before = msg_usage();
        int refused = 0;
        bool more = true;

        for (unsigned n = 1; more && n < MOST_STEPS; n++) {
                const struct queue_view before = view_of_queue(queue);
                arm_fault(n);
                errno = 0;
                const int result = msgsnd(queue, message, size, IPC_NOWAIT), error = errno;
                more = disarm_fault();

                if (result == 0) {
                        struct message taken;
                        MUST(msgrcv(queue, &taken, sizeof(taken.text), 1, IPC_NOWAIT | MSG_NOERROR));
                        continue;
                }
                HOLDS(req, error == ENOMEM || error == EFAULT);
                refused += error == ENOMEM;
                const struct queue_view after = view_of_queue(queue);
                HOLDS(req, same_queue_view(&before, &after));
                const struct msginfo used = msg_usage();
                EQ(req, used.msgtql, used_before.msgtql);
                EQ(req, used.msgmap, used_before.msgmap);
        }
        HOLDS(req, !more);
        return refused;
}

static void need_allocation_faults(int seen)
{
        if (!seen)
                UNSUPPORTED("fault injection into ordinary kernel allocations (failslab/ignore-gfp-wait must be N)");
}

TEST(message_without_memory, VERIFIES(msgsnd_enomem))
{
        static const struct {
                const char *name;
                size_t size;
        } rows[] = {{"no text", 0}, {"some text", 200}};
        const struct message message = {.type = 1};
        const int queue = new_queue(0600);
        struct child sender;
        int refused = 0;

        /* Somebody else's message, which stays. */
        CHILD(&sender)
                MUST(put(queue, 2, 30, 0));
        join(&sender);
        EACH_ROW(row, rows)
                refused += send_with_faults(msgsnd_enomem, queue, &message, row->size);
        need_allocation_faults(refused);
        EQ(msgsnd_enomem, take(queue, 0), 2);
        EQ(msgsnd_enomem, QNUM(queue), 0);
}

/* What is given back cannot be seen by a program; that nothing is queued and the next call works, can. */
TEST(long_message_without_memory_for_all_of_it, VERIFIES(msgsnd_enomem_second_seg))
{
        enum { PAGES = 4 };
        const size_t size = PAGES * page_size();
        const int queue = new_queue(0600);
        void *const message = calloc(1, sizeof(long) + size), *const got = calloc(1, sizeof(long) + size);
        char limit[32];

        REQUIRE(message && got);
        memcpy(message, &(long){1}, sizeof(long));
        fill_pattern((char *)message + sizeof(long), size, 1);
        snprintf(limit, sizeof(limit), "%zu", size);
        set_sysctl("kernel/msgmax", limit);
        if (stat_of_queue(queue).msg_qbytes < size) {
                set_sysctl("kernel/msgmnb", limit);
                set_queue_bytes(queue, size);
        }
        const int refused = send_with_faults(msgsnd_enomem_second_seg, queue, message, size);
        need_allocation_faults(refused);
        /* One for each piece. */
        HOLDS(msgsnd_enomem_second_seg, refused >= PAGES);
        EQ(msgsnd_enomem_second_seg, msgsnd(queue, message, size, IPC_NOWAIT), 0);
        EQ(msgsnd_enomem_second_seg, msgrcv(queue, got, size, 0, IPC_NOWAIT), size);
        HOLDS(msgsnd_enomem_second_seg, has_pattern((char *)got + sizeof(long), size, 1));
        free(message);
        free(got);
}
