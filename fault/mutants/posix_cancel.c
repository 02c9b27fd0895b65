/* SPDX-License-Identifier: MIT
 *
 * posix_cancel.c: pthread_cancel() as it is, but noted: without a request, no call is a cancellation point too many.
 */
#include <dlfcn.h>

#include "posix.h"

static _Atomic bool requested;

int pthread_cancel(pthread_t thread)
{
        static __typeof__(pthread_cancel) *real;

        if (!real)
                *(void **)&real = dlsym(RTLD_NEXT, "pthread_cancel");
        requested = true;
        return real(thread);
}

bool cancellation_was_requested(void)
{
        return requested;
}
