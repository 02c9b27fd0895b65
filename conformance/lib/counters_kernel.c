/* SPDX-License-Identifier: MIT
 *
 * counters_kernel.c: the counters of a kernel, each object's in a file of debugfs.
 */
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <unistd.h>

#include "counters.h"

enum { MOST_OPEN = 16, PIECE = 16384 };

const char ipck_counters_began[] = "";

static int (*taker)(const char *, const void *);

static int take(const char *path, const struct stat *status, int kind, struct FTW *place)
{
        (void)status;
        (void)place;
        return kind == FTW_F ? taker(path + strlen(IPCK_COUNTERS), NULL) : 0;
}

int ipck_counters_find(int (*each)(const char *path, const void *place))
{
        taker = each;
        return nftw(IPCK_COUNTERS, take, MOST_OPEN, FTW_PHYS);
}

bool ipck_counters_read(const char *path, const void *place, bool (*append)(void *to, const void *bytes, size_t size),
                        void *to)
{
        char whole[4096], piece[PIECE];
        ssize_t n = -1;

        (void)place;
        snprintf(whole, sizeof(whole), IPCK_COUNTERS "%s", path);
        const int fd = open(whole, O_RDONLY | O_CLOEXEC);
        if (fd == -1)
                return false;
        while ((n = read(fd, piece, sizeof(piece))) > 0 && append(to, piece, (size_t)n)) {
        }
        close(fd);
        return n == 0;
}
