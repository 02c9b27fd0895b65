/* SPDX-License-Identifier: MIT
 *
 * ipck_xsi.h: what the three mechanisms of System V have in common. Each test of a file that includes it runs once a
 * route: through the C library, by the system call, and on i386 by ipc(2).
 */
#ifndef IPCK_XSI_H
#define IPCK_XSI_H

#include <sys/ipc.h>

#include "ipck.h"

#undef IPCK_FILE_ROUTES
#define IPCK_FILE_ROUTES ipck_xsi_routes

#ifdef __i386__
enum { ipck_xsi_routes = 1U << IPCK_LIBC | 1U << IPCK_RAW | 1U << IPCK_MUX };
#else
enum { ipck_xsi_routes = 1U << IPCK_LIBC | 1U << IPCK_RAW };
#endif

#endif
