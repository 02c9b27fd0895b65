/* SPDX-License-Identifier: MIT
 *
 * calls.c: the table of calls.def, checked against the C library's headers.
 */
#include <string.h>

#include "calls.h"

#define AT_ONCE false
#define WAITS true
#define E(name) {#name, name},

/* A row whose prototype is not that of <sys/msg.h> .. does not compile. */
#define CALL(name, type, parameters, ...)                                                       \
        _Static_assert(__builtin_types_compatible_p(__typeof__(name), __typeof__(type parameters)), #name);
#include "each_call.h"

#define CALL(name, type, parameters, arguments, point, failure, ability, interfaces, errors)    \
        static const struct call_error name##_errors[] = {errors};
#include "each_call.h"

#define CALL(name, type, parameters, arguments, point, failure, ability, interfaces, errors)    \
        {#name, #type, #parameters, point, #failure, ability, false, interfaces, name##_errors,         \
         sizeof(name##_errors) / sizeof(*name##_errors)},
#define VARIADIC(name, type, parameters, arguments, point, failure, ability, interfaces, errors)        \
        {#name, #type, #parameters, point, #failure, ability, true, interfaces, name##_errors,          \
         sizeof(name##_errors) / sizeof(*name##_errors)},
#define ALIAS(...)
#define VARIADIC_ALIAS(...)
const struct call calls[CALLS] = {
#include "calls.def"
};
#undef CALL
#undef VARIADIC
#undef ALIAS
#undef VARIADIC_ALIAS

#define CALL(...)
#define VARIADIC(...)
#define ALIAS(symbol, name, ...) {#symbol, CALL_##name},
#define VARIADIC_ALIAS(symbol, name) {#symbol, CALL_##name},
const struct call_alias call_aliases[] = {
#include "calls.def"
};
const size_t call_aliases_count = sizeof(call_aliases) / sizeof(*call_aliases);

int error_number(const char *name)
{
        for (int number = 1; number < 134; number++) {
                const char *const known = strerrorname_np(number);
                if (known && strcmp(known, name) == 0)
                        return number;
        }
        return 0;
}

bool may_report(const struct call *call, int error)
{
        for (size_t i = 0; i < call->errors_count; i++)
                if (call->errors[i].number == error)
                        return true;
        return false;
}
