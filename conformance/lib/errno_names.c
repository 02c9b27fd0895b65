/* SPDX-License-Identifier: MIT
 *
 * errno_names.c: names of errno values; strerrorname_np() is glibc's alone. The values differ between architectures,
 * so the table is indexed by the constants.
 */
#include <stdio.h>

#include "internal.h"

#define NAME(e) [e] = #e
static const char *const names[] = {
        NAME(E2BIG),      NAME(EACCES),     NAME(EADDRINUSE), NAME(EAGAIN),     NAME(EBADF),     NAME(EBADMSG),
        NAME(EBUSY),      NAME(ECANCELED),  NAME(ECHILD),     NAME(EDEADLK),    NAME(EDOM),      NAME(EEXIST),
        NAME(EFAULT),     NAME(EFBIG),      NAME(EIDRM),      NAME(EILSEQ),     NAME(EINTR),     NAME(EINVAL),
        NAME(EIO),        NAME(EISDIR),     NAME(ELOOP),      NAME(EMFILE),     NAME(EMLINK),    NAME(EMSGSIZE),
        NAME(ENAMETOOLONG), NAME(ENFILE),   NAME(ENODEV),     NAME(ENOENT),     NAME(ENOEXEC),   NAME(ENOLCK),
        NAME(ENOMEM),     NAME(ENOMSG),     NAME(ENOSPC),     NAME(ENOSYS),     NAME(ENOTDIR),   NAME(ENOTEMPTY),
        NAME(ENOTSUP),    NAME(ENOTTY),     NAME(ENXIO),      NAME(EOVERFLOW),  NAME(EPERM),     NAME(EPIPE),
        NAME(ERANGE),     NAME(EROFS),      NAME(ESPIPE),     NAME(ESRCH),      NAME(ETIMEDOUT), NAME(ETXTBSY),
        NAME(EUSERS),     NAME(EXDEV),      NAME(EAFNOSUPPORT), NAME(ENOBUFS),
};

const char *errno_name(int error)
{
        static _Thread_local char text[24];

        if (error >= 0 && (size_t)error < sizeof(names) / sizeof(*names) && names[error])
                return names[error];
        snprintf(text, sizeof(text), "errno %d", error);
        return text;
}
