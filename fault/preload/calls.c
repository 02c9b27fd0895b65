/* SPDX-License-Identifier: MIT
 *
 * calls.c: the calls themselves, each as the C library has it but for what a scenario says.
 */
#include "fault.h"

#define AROUND(symbol, name, type, parameters, arguments, failure)                              \
        do {                                                                                    \
                struct fault fault;                                                             \
                if (fault_idle || !fault_decides(CALL_##name, &fault))                          \
                        return REAL(symbol, type, parameters) arguments;                        \
                if (fault_enters(CALL_##name, &fault))                                          \
                        return failure;                                                         \
                type result = REAL(symbol, type, parameters) arguments;                         \
                fault_leaves(CALL_##name, &fault, result == failure);                           \
                return result;                                                                  \
        } while (0)

#include "../interpose.h"
