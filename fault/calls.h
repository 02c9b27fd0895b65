/* SPDX-License-Identifier: MIT
 *
 * calls.h: the table of calls.def as C.
 */
#ifndef IPCK_CALLS_H
#define IPCK_CALLS_H

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/types.h>
#include <time.h>

/* One enumerator a call: CALL_msgget, CALL_msgsnd .. in the order of the table. */
enum call_number {
#define CALL(name, ...) CALL_##name,
#include "each_call.h"
        CALLS
};

struct call_error {
        const char *name;               /* "EINTR" */
        int number;
};

struct call {
        const char *name;               /* "semop" */
        const char *type;               /* of its result */
        const char *parameters;         /* with their brackets */
        const char *point;              /* "sysv/sem/semop" */
        const char *failure;            /* what it returns then, as C writes it */
        bool waits, variadic;
        const char *interfaces;         /* files of the catalogue, apart by spaces */
        const struct call_error *errors;
        size_t errors_count;
};

extern const struct call calls[CALLS];

struct call_alias {
        const char *symbol;
        enum call_number call;
};

extern const struct call_alias call_aliases[];
extern const size_t call_aliases_count;

/* The value of an error number's name as errno(3) lists them ("EIDRM"), of any call; 0 where there is none. */
int error_number(const char *name);

/* Whether the call may report this error number. */
bool may_report(const struct call *call, int error);

#endif
