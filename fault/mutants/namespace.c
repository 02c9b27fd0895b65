/* SPDX-License-Identifier: MIT
 *
 * namespace.c: wrong implementations of ioctl() for descriptors of namespaces.
 */
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdarg.h>
#include <sys/ioctl.h>

#include "object.h"

static int owner_of(int fd)
{
        if (chosen(ioctl_userns_is_that_of_the_caller))
                return open_file("/proc/self/ns/user", O_RDONLY | O_CLOEXEC, 0);
        if (chosen(ioctl_userns_is_the_namespace_itself))
                return fcntl(fd, F_DUPFD_CLOEXEC, 0);
        const int owner = OWN(ioctl)(fd, NS_GET_USERNS);
        if (owner == -1 && errno == EPERM && chosen(ioctl_userns_eperm_is_eacces))
                errno = EACCES;
        return owner;
}

int ioctl(int fd, unsigned long request, ...)
{
        va_list more;

        va_start(more, request);
        void *const argument = va_arg(more, void *);    /* or a number; not used where there is none */
        va_end(more);
        return request == NS_GET_USERNS && mutants_are_in_question("ioctl") ? owner_of(fd)
                                                                     : OWN(ioctl)(fd, request, argument);
}
