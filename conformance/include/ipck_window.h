/* SPDX-License-Identifier: MIT
 *
 * ipck_window.h: calls that stop in the middle, where they read from the caller's memory or store there, so that others
 * can change the object meanwhile.
 *
 *      CHILD(&caller) {
 *              const void *const values = window(&caller, all, sizeof(all), 0);
 *              FAILS_WITH(semctl_setall_rmid_race, EIDRM, semctl(set, 0, SETALL, ARG_ARRAY(values)));
 *      }
 *      UNTIL(stopped(&caller));
 *      MUST(semctl(set, 0, IPC_RMID));
 *      open_window(&caller);
 *      join(&caller);
 */
#ifndef IPCK_WINDOW_H
#define IPCK_WINDOW_H

#include "ipck.h"

/* Called in the child: memory of size bytes that holds the content (zeros for NULL). Whoever uses it from byte `before`
 * on, the kernel within a call included, stops there until open_window(); `before` is at most a page. Takes here() and
 * await() of the child for itself. UNSUPPORTED without userfaultfd(2) for faults inside the kernel. */
void *window(struct child *c, const void *content, size_t size, size_t before);

/* Whether somebody has stopped there; lets everybody go on, for good. */
bool stopped(const struct child *c);
void open_window(struct child *c);

#endif
