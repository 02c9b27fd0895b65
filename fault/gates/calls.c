/* SPDX-License-Identifier: MIT
 *
 * calls.c: the calls, each behind a gate.
 */
#include "../calls.h"
#include "gates.h"

#define KIND(x)                                                                                 \
        _Generic((x), const char *: 's', struct sembuf *: 'o', int: 'd', unsigned: 'd', long: 'd', unsigned long: 'd', default: 'p')
#define ARGUMENT(place, x) gate_say_argument(gate, place, #x, KIND(x), (intptr_t)(x));
#define ARGUMENTS_1(a) ARGUMENT(0, a)
#define ARGUMENTS_2(a, b) ARGUMENTS_1(a) ARGUMENT(1, b)
#define ARGUMENTS_3(a, b, c) ARGUMENTS_2(a, b) ARGUMENT(2, c)
#define ARGUMENTS_4(a, b, c, d) ARGUMENTS_3(a, b, c) ARGUMENT(3, d)
#define ARGUMENTS_5(a, b, c, d, e) ARGUMENTS_4(a, b, c, d) ARGUMENT(4, e)
#define PICK(a, b, c, d, e, chosen, ...) chosen
#define EACH_ARGUMENT(...)                                                                      \
        PICK(__VA_ARGS__, ARGUMENTS_5, ARGUMENTS_4, ARGUMENTS_3, ARGUMENTS_2, ARGUMENTS_1, )(__VA_ARGS__)

#ifdef __cppcheck__     /* 2.10 cannot expand it */
#define EACH_ARGUMENT_OF(list)
#else
#define EACH_ARGUMENT_OF(list) EACH_ARGUMENT list
#endif

#define IS_POINTER(x) _Generic((x), void *: true, sem_t *: true, default: false)

#define AROUND(symbol, name, type, parameters, arguments, failure)                              \
        do {                                                                                    \
                type(*const real) parameters = REAL(symbol, type, parameters);                  \
                struct gate *const gate = gate_here();                                          \
                if (!gate)                                                                      \
                        return real arguments;                                                  \
                gate_say(gate, #name);                                                          \
                EACH_ARGUMENT_OF(arguments)                                                     \
                gate_said(gate);                                                                \
                gate_pass(gate);                                                                \
                type result = real arguments;                                                   \
                gate_done(gate, IS_POINTER(result), (intptr_t)result, result == failure);       \
                return result;                                                                  \
        } while (0)

#include "../interpose.h"
