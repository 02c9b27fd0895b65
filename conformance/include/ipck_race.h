/* SPDX-License-Identifier: MIT
 *
 * ipck_race.h: races between the deadline of a call and what somebody else does, and the timers of the kernel.
 */
#ifndef IPCK_RACE_H
#define IPCK_RACE_H

#include "ipck.h"

/* Computes until then on CLOCK_MONOTONIC. Gives up where the clock stands still while somebody computes (a kernel that
 * simulates time). */
void spin_until(int64_t deadline);

/* The two sides of a race, on two processors where there are two; pair is any number, the same for both. */
enum side { WAITER, WAKER };
void take_side(enum side side, uint32_t pair);

/* The lead follows the outcome, so that the rounds stay where both outcomes occur. */
int64_t next_lead(int64_t lead, bool expired);

/* Setting the clock is not for a test that shares its machine. But the kernel shows on which clock it keeps a timer,
 * and CLOCK_MONOTONIC is out of reach for settimeofday(). */
enum clock { NO_CLOCK, MONOTONIC, REALTIME };

/* The moments on both clocks between which a timer is to expire that somebody starts, so many nanoseconds ahead. An odd
 * interval finds the timer among all others. */
struct timer_window {
        int64_t interval, monotonic[2], realtime[2];
};
struct timer_window timer_window_begin(int64_t interval);       /* just before it is started */
void timer_window_end(struct timer_window *window);             /* once it is */

/* The clock of that timer. UNSUPPORTED where the kernel does not show it. */
enum clock clock_of_timer(const struct timer_window *window);

#endif
