/* SPDX-License-Identifier: MIT
 *
 * IPC namespaces: how many there may be, and what may be expected of the end of one.
 */
#ifndef IPCK_NAMESPACES_H
#define IPCK_NAMESPACES_H

#include "ipck.h"

/* Enters a user namespace in which so many IPC namespaces may exist at a time, and shows that the limit is in force;
 * UNSUPPORTED where it is not. */
void limit_namespaces(int most);

/* For a child of the test, which stays for TAKES_ITS_PLACE() until it is killed. */
void leave_empty_ones(struct child *self);

/* A namespace that the child leaves now, without any object, has gone when this returns. */
void see_empty_one_go(struct child *empty);

/* TAKES_ITS_PLACE(req, empty, condition): becomes true by the end of a namespace that was left before, which is blamed
 * for no delay that an empty one has as well: Linux ends them one after the other. Evaluates the condition until then. */
#define TAKES_ITS_PLACE(req, empty, condition)                                                          \
        do {                                                                                            \
                const int64_t ipck_patience = monotonic_ns() + scaled_ns(INT64_C(4000000000));          \
                bool ipck_taken = false;                                                                \
                UNTIL((ipck_taken = (condition)) || monotonic_ns() > ipck_patience);                    \
                if (!ipck_taken)                                                                        \
                        see_empty_one_go(empty);                                                        \
                EVENTUALLY(req, ipck_taken || (condition));                                             \
        } while (0)

#endif
