/* SPDX-License-Identifier: MIT
 *
 * log.h: what fired, one JSON line each.
 */
#ifndef IPCK_FAULT_LOG_H
#define IPCK_FAULT_LOG_H

#include "fault.h"

/* False where the file cannot be opened for appending. */
bool log_open(const char *path);

/* Safe in signal handlers. `fired` is false for a call that was to be met while it waited, and did not wait. */
void log_fault(pid_t process, pid_t thread, enum call_number number, const struct fault *fault, bool fired);

#endif
