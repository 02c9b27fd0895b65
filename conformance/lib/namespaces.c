/* SPDX-License-Identifier: MIT */
#include <sched.h>
#include <stdio.h>

#include "ipck_namespaces.h"

void limit_namespaces(int most)
{
        struct child holder;
        char text[16];

        enter_user_namespace(0, 0);
        CHILD(&holder)
                enter_new_ipc_namespace();
        join(&holder);
        snprintf(text, sizeof(text), "%d", most);
        if (write_sysctl("user/max_ipc_namespaces", "0") == -1)
                UNSUPPORTED("a limit of IPC namespaces for an own user namespace (%s)", errno_name(errno));
        CHILD(&holder)
                if (unshare(CLONE_NEWIPC) == 0)
                        UNSUPPORTED("a limit on the number of IPC namespaces");
        join(&holder);
        MUST(write_sysctl("user/max_ipc_namespaces", text));
}

void leave_empty_ones(struct child *self)
{
        for (int i = 1;; i++) {
                await(self, i);
                if (i == 1)
                        limit_namespaces(1);
                /* What was left before is due when the second takes the place of the first. */
                for (int last = 0; last < 2; last++) {
                        struct child member;

                        CHILD(&member)
                                UNTIL(unshare(CLONE_NEWIPC) == 0);
                        join(&member);
                }
                here(self, i);
        }
}

void see_empty_one_go(struct child *empty)
{
        const int next = at(empty) + 1;

        tell(empty, next);
        UNTIL(at(empty) == next);
}
