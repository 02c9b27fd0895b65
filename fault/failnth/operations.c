/* SPDX-License-Identifier: MIT
 *
 * operations.c: the table, family by family.
 */
#include "operations.h"

const struct family *const families[] = {
        &msg_family, &sem_family, &shm_family, &posix_family, &mq_family, &namespace_family,
};
const size_t families_count = sizeof(families) / sizeof(*families);
