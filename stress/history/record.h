/* SPDX-License-Identifier: MIT
 *
 * record.h: what becomes of a history with a violation, for rounds.c.
 */
#ifndef STRESS_RECORD_H
#define STRESS_RECORD_H

#include "history.h"

/* The history as text, and what is wrong with it in one line. */
void explain_history(const struct history *history, const struct judgment *judgment, char *details, size_t details_size,
                     char *text, size_t text_size);

#endif
