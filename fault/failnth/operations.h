/* SPDX-License-Identifier: MIT
 *
 * operations.h: the families of operations.
 */
#ifndef IPCK_OPERATIONS_H
#define IPCK_OPERATIONS_H

#include "failnth.h"

/* OPERATION(name, before, own, call, .field = value ..) */
#define OPERATION(name_, before_, own_, call_, ...)                                                             \
        {.name = name_, .before = before_, .own = own_, .call = call_, ##__VA_ARGS__}

#define FAMILY(operations) {operations, sizeof(operations) / sizeof(*(operations))}

extern const struct family msg_family, sem_family, shm_family, posix_family, mq_family, namespace_family;

#endif
