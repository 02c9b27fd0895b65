/* SPDX-License-Identifier: MIT
 *
 * each_call.h: CALL(name, type, parameters, arguments, point, failure, ability, interfaces, errors), as whoever includes
 * this has defined it, for each call of calls.def, variadic ones among them; nothing for other names of a call. CALL is
 * gone afterwards, so that it can be defined anew: this header has no guard.
 */
#define VARIADIC CALL
#define ALIAS(...)
#define VARIADIC_ALIAS(...)
#include "calls.def"
#undef CALL
#undef VARIADIC
#undef ALIAS
#undef VARIADIC_ALIAS
