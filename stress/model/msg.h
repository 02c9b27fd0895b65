/* SPDX-License-Identifier: MIT
 *
 * msg.h: the state of a System V message queue.
 */
#ifndef STRESS_MSG_H
#define STRESS_MSG_H

#include "rules.h"

/* Whoever uses the model never lets a queue hold more. */
enum { MODEL_MESSAGES = 256 };

/* The requirement that says which message a msgrcv() with this msgtyp and these flags takes. */
enum ipck_requirement rule_of_selection(int64_t type, int flags);

struct msg_queue {
        struct object object;
        struct moment stime, rtime;
        uint64_t qbytes, cbytes;
        int lspid, lrpid;
        uint64_t qnum;
        uint64_t cut;                   /* whether a message was received in part since the queue was made */
        struct one_message {
                int64_t type;
                uint32_t text, size;
        } message[MODEL_MESSAGES];      /* in the order of sending */
};

#endif
