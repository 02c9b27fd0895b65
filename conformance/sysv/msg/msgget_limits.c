/* SPDX-License-Identifier: MIT
 *
 * msgget() when there is no place for another queue: at the limit of the namespace, lowered so that it can be reached,
 * and without memory.
 */
#include <stdio.h>

#include "ipck_msg.h"

/* ---- the limit on queues ---- */

static void set_msgmni(int msgmni)
{
        char text[16];

        snprintf(text, sizeof(text), "%d", msgmni);
        set_sysctl("kernel/msgmni", text);
}

TEST(number_of_queues_is_limited, VERIFIES(msgget_enospc_msgmni))
{
        static const struct {
                const char *name;
                int msgmni;
        } rows[] = {{"one", 1}, {"two", 2}, {"fifteen", 15}, {"seventy, more than identifiers without sequence", 70}};
        const key_t key = fresh_key();
        int queues[70] = {0};

        empty_namespace();
        EACH_ROW(row, rows) {
                set_msgmni(row->msgmni);
                for (int i = 0; i < row->msgmni; i++)
                        EQ(msgget_enospc_msgmni, worked(queues[i] = msgget(IPC_PRIVATE, IPC_CREAT | 0600)), 0);
                EQ(msgget_enospc_msgmni, msg_usage().msgpool, row->msgmni);
                FAILS_WITH(msgget_enospc_msgmni, ENOSPC, msgget(IPC_PRIVATE, IPC_CREAT | 0600));
                FAILS_WITH(msgget_enospc_msgmni, ENOSPC, msgget(key, IPC_CREAT | 0600));
                FAILS_WITH(msgget_enospc_msgmni, ENOSPC, msgget(key, IPC_CREAT | IPC_EXCL | 0600));
                /* The key was not used up, and the limit alone stood in the way. */
                EQ(msgget_enospc_msgmni, msgget(key, 0), -1);
                set_msgmni(row->msgmni + 1);
                int last;
                EQ(msgget_enospc_msgmni, worked(last = msgget(key, IPC_CREAT | IPC_EXCL | 0600)), 0);
                FAILS_WITH(msgget_enospc_msgmni, ENOSPC, msgget(IPC_PRIVATE, IPC_CREAT | 0600));

                MUST(msgctl(last, IPC_RMID, NULL));
                for (int i = 0; i < row->msgmni; i++)
                        MUST(msgctl(queues[i], IPC_RMID, NULL));
        }
}

TEST(limit_of_none_allows_no_queue, VERIFIES(msgget_enospc_msgmni))
{
        empty_namespace();
        set_msgmni(0);
        FAILS_WITH(msgget_enospc_msgmni, ENOSPC, msgget(IPC_PRIVATE, IPC_CREAT | 0600));
        FAILS_WITH(msgget_enospc_msgmni, ENOSPC, msgget(fresh_key(), IPC_CREAT | 0600));
        set_msgmni(1);
        EQ(msgget_enospc_msgmni, worked(msgget(IPC_PRIVATE, IPC_CREAT | 0600)), 0);
}

TEST(removal_makes_room_for_one_queue, VERIFIES(msgget_enospc_frees_on_rmid))
{
        enum { MOST = 3 };
        int queues[MOST];

        empty_namespace();
        set_msgmni(MOST);
        for (int i = 0; i < MOST; i++)
                queues[i] = new_queue(0600);
        /* Several times: too little or too much given back would add up. */
        for (int round = 0; round < 100; round++) {
                int *const chosen = &queues[random_below(MOST)];

                REQUIRE(msgget(IPC_PRIVATE, IPC_CREAT | 0600) == -1 && errno == ENOSPC);
                MUST(msgctl(*chosen, IPC_RMID, NULL));
                EQ(msgget_enospc_frees_on_rmid, worked(*chosen = msgget(IPC_PRIVATE, IPC_CREAT | 0600)), 0);
                EQ(msgget_enospc_frees_on_rmid, msgget(IPC_PRIVATE, IPC_CREAT | 0600), -1);
        }
}

TEST(queues_of_the_key_are_found_at_the_limit, VERIFIES(msgget_enospc_existing_ok, msgget_eexist))
{
        empty_namespace();
        set_msgmni(2);
        const key_t first = fresh_key();
        const int one = queue_must_fit(msgget(first, IPC_CREAT | 0600));
        const key_t second = fresh_key();
        const int other = queue_must_fit(msgget(second, IPC_CREAT | 0600));

        REQUIRE(msgget(IPC_PRIVATE, IPC_CREAT | 0600) == -1 && errno == ENOSPC);
        EQ(msgget_enospc_existing_ok, msgget(first, 0600), one);
        EQ(msgget_enospc_existing_ok, msgget(first, IPC_CREAT | 0600), one);
        EQ(msgget_enospc_existing_ok, msgget(second, 0600), other);
        EQ(msgget_enospc_existing_ok, msgget(second, IPC_CREAT | 0600), other);
        /* Also with more of them than are allowed by now. */
        set_msgmni(1);
        EQ(msgget_enospc_existing_ok, msgget(first, 0600), one);
        EQ(msgget_enospc_existing_ok, msgget(first, IPC_CREAT | 0600), one);
        FAILS_WITH(msgget_eexist, EEXIST, msgget(first, IPC_CREAT | IPC_EXCL | 0600));
}

/* ---- memory ---- */

TEST(creation_without_memory, VERIFIES(msgget_enomem))
{
        enum { MOST_STEPS = 200 };
        const key_t key = fresh_key();
        int refused = 0;
        bool more = true;

        /* Each step inside the call that can fail is made to fail in turn, until the call meets no more of them. */
        for (unsigned n = 1; more && n < MOST_STEPS; n++) {
                const int before = msg_usage().msgpool;

                arm_fault(n);
                const int queue = msgget(key, IPC_CREAT | 0600), error = errno;
                more = disarm_fault();
                if (queue != -1) {
                        MUST(msgctl(queue, IPC_RMID, NULL));
                        continue;
                }
                EQ(msgget_enomem, error, ENOMEM);
                refused++;
                FAILS_WITH(msgget_enomem, ENOENT, msgget(key, 0));
                EQ(msgget_enomem, msg_usage().msgpool, before);
        }
        if (!refused)
                UNSUPPORTED("fault injection into ordinary kernel allocations (failslab/ignore-gfp-wait must be N)");
        HOLDS(msgget_enomem, !more);
        EQ(msgget_enomem, worked(msgget(key, IPC_CREAT | IPC_EXCL | 0600)), 0);
}
