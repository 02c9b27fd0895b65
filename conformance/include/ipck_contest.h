/* SPDX-License-Identifier: MIT
 *
 * ipck_contest.h: several processes that make the same call at the same moment, contest after contest: for creators of
 * one key or name.
 *
 *      begin_contests(attempt, after);
 *      for (int n = 0; n < CONTESTS; n++) {
 *              hold_contest();
 *              ...what the contestants stored in shared() memory is judged
 *      }
 *      end_contests();
 */
#ifndef IPCK_CONTEST_H
#define IPCK_CONTEST_H

#include "ipck.h"

enum { MOST_CONTESTANTS = 8, CONTESTS = 60 };

/* How many take part; fewer where this user may not have many processes. */
int contestants(void);

/* Starts them. In each contest contestant i (from 0) calls attempt(i) and, when all have done so, after(i), which may
 * be NULL. */
void begin_contests(void (*attempt)(int i), void (*after)(int i));

/* Holds one, and returns when all have made their attempt. */
void hold_contest(void);

/* Joins them, after CONTESTS contests. */
void end_contests(void);

#endif
