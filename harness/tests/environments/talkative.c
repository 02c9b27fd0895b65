/* SPDX-License-Identifier: MIT
 *
 * talkative.c: a library whose fstat() and write() make an IPC call, as libfakeroot's do.
 */
#include <sys/ipc.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int fstat(int fd, struct stat *st)
{
        ftok("/", 't');
        return (int)syscall(SYS_newfstatat, fd, "", st, 0x1000);
}

ssize_t write(int fd, const void *bytes, size_t length)
{
        ftok("/", 't');
        return syscall(SYS_write, fd, bytes, length);
}
