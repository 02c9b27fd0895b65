/* SPDX-License-Identifier: MIT
 *
 * resources.h: what the machine and this process's namespaces have in use: what is kept of workloads that are over
 * shows there.
 */
#ifndef STRESS_RESOURCES_H
#define STRESS_RESOURCES_H

#include <stdbool.h>
#include <stdint.h>

/* Prints the JSON line "resources". Numbers that this target does not tell are left out:
 *   memory            kB that are not available for new programs
 *   unreclaimable     kB of the kernel's own that it cannot give back
 *   shared            kB of shared memory and file systems in memory
 *   processes         of the machine, threads included
 *   queues, sets, segments               in this process's IPC namespace, where it has that for itself
 *   slab NAME         objects of a cache of the kernel */
void stress_print_resources(unsigned cycle, uint64_t seed, bool own_namespace);

#endif
