/* SPDX-License-Identifier: MIT
 *
 * shm.c: the three routes to the shared memory calls, and set-up for shared memory tests.
 */
#include <stdio.h>

#include "internal.h"
#include "ipck_mux.h"
#include "ipck_shm.h"

#undef shmget
#undef shmat
#undef shmdt
#undef shmctl

int ipck_shmget(key_t key, size_t size, int shmflg)
{
        switch (ipck_route) {
        case IPCK_RAW: return (int)syscall(SYS_shmget, key, size, shmflg);
        case IPCK_MUX: return (int)MUX(MUX_SHMGET, key, size, shmflg, 0, 0);
        default: return shmget(key, size, shmflg);
        }
}

void *ipck_shmat(int shmid, const void *shmaddr, int shmflg)
{
        unsigned long address = 0;

        switch (ipck_route) {
        case IPCK_RAW: return (void *)syscall(SYS_shmat, shmid, shmaddr, shmflg);
        case IPCK_MUX:
                /* ipc(2) returns the address by way of its fourth argument. */
                if (MUX(MUX_SHMAT, shmid, shmflg, &address, shmaddr, 0) == -1)
                        return SHM_FAILED;
                return (void *)address;
        default: return shmat(shmid, shmaddr, shmflg);
        }
}

int ipck_shmdt(const void *shmaddr)
{
        switch (ipck_route) {
        case IPCK_RAW: return (int)syscall(SYS_shmdt, shmaddr);
        case IPCK_MUX: return (int)MUX(MUX_SHMDT, 0, 0, 0, shmaddr, 0);
        default: return shmdt(shmaddr);
        }
}

int ipck_shmctl(int shmid, int cmd, void *buf)
{
        switch (ipck_route) {
        case IPCK_RAW: return (int)syscall(SYS_shmctl, shmid, DIRECT_COMMAND(cmd), buf);
        case IPCK_MUX: return (int)MUX(MUX_SHMCTL, shmid, cmd | WITH_IPC_64, 0, buf, 0);
        default: return shmctl(shmid, cmd, buf);
        }
}

void ipck_shm_available(void)
{
        if (ipck_shmget(IPC_PRIVATE, 0, 0) == -1 && errno == ENOSYS)
                UNSUPPORTED("System V shared memory by this route (shmget: ENOSYS)");
        struct shminfo limits;
        /* That IPC_INFO tells of a limit of 0 may be wrong: it is what some test is about. */
        if (ipck_shmctl(0, IPC_INFO, &limits) != -1 && (!limits.shmmni || !limits.shmmax || !limits.shmall))
                MUST(ipck_shmctl(new_segment(1, 0600), IPC_RMID, NULL));
        keep_detached_segments();
}

/* ---- set-up ---- */

int segment_must_fit(int segment, size_t size)
{
        const int error = errno;

        if (segment == -1 && (error == EINVAL || error == ENOSPC)) {
                const struct shminfo limits = shm_limits();
                const struct shm_info use = shm_usage();
                const size_t pages = (size + page_size() - 1) / page_size();
                if (size > limits.shmmax || (unsigned long)use.used_ids >= limits.shmmni ||
                    use.shm_tot + pages > limits.shmall)
                        UNSUPPORTED("room for %zu bytes more in one segment (kernel.shmmni is %lu, shmmax %lu, "
                                    "shmall %lu)", size, limits.shmmni, limits.shmmax, limits.shmall);
        }
        errno = error;
        return (int)MUST(segment);
}

int new_segment(size_t size, int mode)
{
        return segment_must_fit(ipck_shmget(IPC_PRIVATE, size, IPC_CREAT | mode), size);
}

int new_segment_of(uid_t uid, size_t size, int mode)
{
        int *const segment = shared(sizeof(*segment));
        struct child creator;

        CHILD(&creator) {
                as_user(uid);
                *segment = new_segment(size, mode);
        }
        join(&creator);
        return *segment;
}

char *attach_at(int segment, void *shmaddr, int shmflg)
{
        return (char *)MUST(ipck_shmat(segment, shmaddr, shmflg));
}

char *attach(int segment, int shmflg)
{
        return attach_at(segment, NULL, shmflg);
}

char *attach_by_shmlba(int segment)
{
        enum { TRIALS = 64 };
        char *place = attach(segment, 0);

        for (int i = 0; i < TRIALS && (uintptr_t)place % (size_t)SHMLBA != 0; i++) {
                detach(place);
                (void)bad_address();    /* the next one comes a page further */
                place = attach(segment, 0);
        }
        REQUIRE((uintptr_t)place % (size_t)SHMLBA == 0);
        return place;
}

void detach(const void *shmaddr)
{
        MUST(ipck_shmdt(shmaddr));
}

struct shmid_ds stat_of_segment(int segment)
{
        struct shmid_ds ds;

        memset(&ds, 0x5a, sizeof(ds));
        MUST(ipck_shmctl(segment, IPC_STAT, &ds));
        return ds;
}

int segment_set(int segment, uid_t uid, gid_t gid, int mode)
{
        struct shmid_ds ds;

        memset(&ds, 0x5a, sizeof(ds));
        ds.shm_perm.uid = uid;
        ds.shm_perm.gid = gid;
        ds.shm_perm.mode = (unsigned short)mode;
        return ipck_shmctl(segment, IPC_SET, &ds);
}

void set_segment_mode(int segment, int mode)
{
        MUST(segment_set(segment, geteuid(), getegid(), mode));
}

void set_segment_owner(int segment, uid_t uid, gid_t gid, int mode)
{
        if (segment_set(segment, uid, gid, mode) == -1) {
                if (errno == EINVAL)
                        UNSUPPORTED("user %u and group %u: not mapped in this user namespace", (unsigned)uid,
                                    (unsigned)gid);
                CANNOT("shmctl(IPC_SET)");
        }
}

/* ---- what can be seen ---- */

long nattch(int segment)
{
        struct shmid_ds ds;

        return ipck_shmctl(segment, IPC_STAT, &ds) == -1 ? -1 : (long)ds.shm_nattch;
}

struct shminfo shm_limits(void)
{
        struct shminfo info;

        memset(&info, 0x5a, sizeof(info));
        MUST(ipck_shmctl(0, IPC_INFO, &info));
        return info;
}

struct shm_info shm_usage(void)
{
        struct shm_info info;

        memset(&info, 0x5a, sizeof(info));
        MUST(ipck_shmctl(0, SHM_INFO, &info));
        return info;
}

void burn_segment_ids(int count)
{
        for (int i = 0; i < count; i++)
                MUST(ipck_shmctl(new_segment(1, 0600), IPC_RMID, NULL));
}

size_t segment_lines(const char *text, struct segment_line *lines, size_t most)
{
        const char *next = strchr(text, '\n');
        size_t count = 0;

        while (next && *++next && count < most) {
                struct segment_line *line = &lines[count++];
                if (sscanf(next, "%d %d %o %llu %d %d %lu %u %u %u %u %lld %lld %lld %lu %lu", &line->key, &line->id,
                           &line->mode, &line->size, &line->cpid, &line->lpid, &line->nattch, &line->uid, &line->gid,
                           &line->cuid, &line->cgid, &line->atime, &line->dtime, &line->ctime, &line->rss,
                           &line->swap) != 16)
                        line->id = -1;
                next = strchr(next, '\n');
        }
        return count;
}

struct segment_view view_of_segment(int segment)
{
        const struct shmid_ds ds = stat_of_segment(segment);
        struct segment_view view;

        memset(&view, 0, sizeof(view));
        view.size = ds.shm_segsz;
        view.nattch = (long)ds.shm_nattch;
        view.cpid = ds.shm_cpid;
        view.lpid = ds.shm_lpid;
        view.mode = ds.shm_perm.mode;
        view.uid = ds.shm_perm.uid;
        view.cuid = ds.shm_perm.cuid;
        view.gid = ds.shm_perm.gid;
        view.cgid = ds.shm_perm.cgid;
        view.atime = ds.shm_atime;
        view.dtime = ds.shm_dtime;
        view.ctime = ds.shm_ctime;
        return view;
}

bool same_segment_view(const struct segment_view *a, const struct segment_view *b)
{
        /* Both were zeroed before, padding included. */
        return memcmp(a, b, sizeof(*a)) == 0;
}

bool mapping_at(const void *start, struct mapping *mapping)
{
        char line[512];
        FILE *maps = fopen("/proc/self/maps", "re");
        bool found = false;

        if (!maps)
                UNSUPPORTED("/proc/self/maps (%s)", errno_name(errno));
        while (!found && fgets(line, sizeof(line), maps)) {
                memset(mapping, 0, sizeof(*mapping));
                found = sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %llx %*s %llu %63s", &mapping->start, &mapping->end,
                               mapping->permissions, &mapping->offset, &mapping->inode, mapping->name) >= 5 &&
                        mapping->start == (uintptr_t)start;
        }
        fclose(maps);
        return found;
}
