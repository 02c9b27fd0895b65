/* SPDX-License-Identifier: MIT
 *
 * mq.h: the state of a POSIX message queue.
 */
#ifndef STRESS_MQ_H
#define STRESS_MQ_H

#include "rules.h"

/* Whoever uses the model makes no larger queues. */
enum { MODEL_MQ_MESSAGES = 32 };

struct mqueue {
        uint32_t exists, linked;        /* linked: its name leads to it */
        uid_t uid;
        gid_t gid;
        unsigned mode;
        uint16_t opens[MODEL_PROCESSES];        /* how often a process has it open */
        uint16_t registered;            /* which process is to be notified, plus 1; 0: none */
        uint16_t another_closed;        /* that process has since closed another descriptor of the queue */
        int registered_by;              /* the descriptor by which it registered */
        int64_t maxmsg, msgsize;
        uint64_t curmsgs;
        struct one_mq_message {
                uint32_t priority, text, size;
        } message[MODEL_MQ_MESSAGES];   /* in the order in which they are received */
};

#endif
