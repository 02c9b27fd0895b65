/* SPDX-License-Identifier: MIT
 *
 * shm.c: wrong implementations of shmget() and shmctl(). shmop.c has those of shmat() and shmdt().
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "shm.h"

bool describe_segment(int id, struct shmid_ds *about)
{
        const int before = errno;
        const bool found = real_shmctl(id & INDEX_BITS, SHM_STAT_ANY, about) == id && id != -1;

        errno = before;
        return found;
}

size_t attachments(struct attachment list[ATTACHMENTS])
{
        const int before = errno;
        FILE *const maps = fopen("/proc/self/maps", "re");
        size_t count = 0;
        char line[512];

        while (maps && count < ATTACHMENTS && fgets(line, sizeof(line), maps)) {
                struct attachment *const a = &list[count];
                unsigned long start, end;
                if (sscanf(line, "%lx-%lx %*s %zx %*s %d /SYSV", &start, &end, &a->offset, &a->id) == 4 &&
                    strstr(line, "/SYSV")) {
                        a->start = (char *)start;
                        a->end = (char *)end;
                        count++;
                }
        }
        if (maps)
                fclose(maps);
        errno = before;
        return count;
}

/* ---- shmget ---- */

static bool exists(key_t key)
{
        const int before = errno;
        const bool found = key != IPC_PRIVATE && real_shmget(key, 0, 0) != -1;

        errno = before;
        return found;
}

static size_t whole_pages(size_t size)
{
        const size_t page = (size_t)sysconf(_SC_PAGESIZE);

        return (size + page - 1) / page * page;
}

struct creation {
        key_t key;
        size_t size;
        int flags;
        int result, error;
};

static int make(const struct creation *c)
{
        return real_shmget(c->key, c->size, c->flags);
}

static void make_in_helper(void *argument)
{
        struct creation *const c = argument;

        c->result = make(c);
        c->error = errno;
}

static int make_by_helper(const struct creation *c)
{
        struct creation *const shared = shared_with_children(sizeof(*shared));

        if (!shared)
                return make(c);
        *shared = *c;
        const int result = by_helper(make_in_helper, shared) ? shared->result : -1, error = shared->error;
        munmap(shared, sizeof(*shared));
        errno = error;
        return result;
}

/* With a limit raised for that moment. */
static int make_beyond(const struct creation *c, const char *limit, long more)
{
        long most;
        const int error = errno;

        if (!read_limit(limit, &most) || !write_limit(limit, most < LONG_MAX - more ? most + more : most))
                return fail(error);
        const int id = make(c), result = errno;
        write_limit(limit, most);
        errno = id == -1 ? error : result;
        return id;
}

static bool is_of_huge_pages(size_t size)
{
        FILE *const memory = fopen("/proc/meminfo", "re");
        char line[128];
        size_t kilobytes = 0;

        while (memory && !kilobytes && fgets(line, sizeof(line), memory))
                (void)sscanf(line, "Hugepagesize: %zu", &kilobytes);
        if (memory)
                fclose(memory);
        return kilobytes && size && size % (kilobytes << 10) == 0;
}

static bool no_pages_for(size_t size)
{
        struct shm_info use;
        struct shminfo limits;

        return real_shmctl(0, SHM_INFO, (struct shmid_ds *)&use) != -1 &&
               real_shmctl(0, IPC_INFO, (struct shmid_ds *)&limits) != -1 &&
               use.shm_tot + whole_pages(size) / whole_pages(1) > limits.shmall;
}

static int create(struct creation *c)
{
        static bool full;
        const bool keyed = c->key != IPC_PRIVATE;
        struct noted *const of_key = keyed && chosen(shmctl_rmid_keeps_the_key) ? noted(c->key) : NULL;
        struct shmid_ds about;

        if (of_key && of_key->number[0] && describe_segment((int)of_key->number[0] - 1, &about))
                return (c->flags & IPC_EXCL) ? fail(EEXIST) : (int)of_key->number[0] - 1;
        if (!keyed && !(c->flags & IPC_CREAT) && chosen(shmget_private_needs_creat))
                return fail(ENOENT);
        if (keyed && c->flags & IPC_EXCL && chosen(shmget_excl_ignored))
                c->flags &= ~IPC_EXCL;
        if (keyed && !(c->flags & IPC_EXCL) && chosen(shmget_creat_implies_excl))
                c->flags |= IPC_EXCL;
        if (keyed && c->flags & IPC_EXCL && chosen(shmget_excl_looks_first)) {
                if (exists(c->key))
                        return fail(EEXIST);
                nap();
                c->flags &= ~IPC_EXCL;
        }
        if (chosen_where(shmget_mode_under_umask, c->flags & present_umask() & 0700))
                c->flags &= ~(int)(present_umask() & 0700);
        if (c->flags & 0111 && chosen(shmget_execute_bits_dropped))
                c->flags &= ~0111;
        if (c->size > whole_pages(1) && chosen_where(shmget_size_is_rounded_up, !exists(c->key)))
                c->size = whole_pages(c->size);
        if (c->size == 0 && chosen_where(shmget_empty_segment_is_made, !exists(c->key)))
                c->size = 1;
        if (c->flags & SHM_NORESERVE && chosen(shmget_noreserve_ignored))
                c->flags &= ~SHM_NORESERVE;
        if (!(c->flags & SHM_NORESERVE) && chosen(shmget_noreserve_implied))
                c->flags |= SHM_NORESERVE;
        if (c->flags & SHM_HUGETLB && chosen(shmget_hugetlb_ignored))
                c->flags &= ~(SHM_HUGETLB | 0x3f << MAP_HUGE_SHIFT);
        if (c->flags & SHM_NORESERVE && !(c->flags & SHM_HUGETLB) &&
            chosen_where(shmget_huge_pages_unasked, is_of_huge_pages(c->size)))
                c->flags |= SHM_HUGETLB;
        if (chosen_where(shmget_made_at_the_second_attempt, !exists(c->key)))
                real_shmctl(real_shmget(IPC_PRIVATE, 1, 0600), IPC_RMID, NULL);
        if (chosen_where(shmget_pages_are_gone_for_ever, full && !exists(c->key)))
                return fail(ENOSPC);
        if (getuid() != geteuid() && chosen(shmget_owner_is_the_real_user)) {
                swap_users();
                const int id = make(c);
                swap_users();
                return id;
        }
        if (getgid() != getegid() && chosen(shmget_group_is_the_real_one)) {
                swap_groups();
                const int id = make(c);
                swap_groups();
                return id;
        }
        if (chosen(shmget_creator_is_another_process))
                return make_by_helper(c);

        long most = 0;
        if (c->size && chosen_where(shmget_maximum_itself_refused,
                                    read_limit("kernel/shmmax", &most) && c->size == (size_t)most))
                return fail(EINVAL);

        const int id = make(c), error = errno;

        if (id == -1 && error == EINVAL && c->size && chosen(shmget_maximum_ignored))
                return make_beyond(c, "kernel/shmmax", (long)(c->size & LONG_MAX));
        if (id == -1 && error == ENOSPC) {
                if (chosen(shmget_limit_ignored))
                        return make_beyond(c, "kernel/shmmni", 1);
                if (chosen(shmget_limit_of_pages_ignored))
                        return make_beyond(c, "kernel/shmall", 1 + (long)(c->size / 4096));
                full = no_pages_for(c->size);
        }
        if (id != -1 && chosen(shmget_makes_a_file)) {
                char path[64];
                snprintf(path, sizeof(path), "/dev/shm/sysv-%d", id);
                close(open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600));
        }
        errno = error;
        return id;
}

static int look_up(struct creation *c)
{
        struct noted *const of_key = chosen(shmctl_rmid_keeps_the_key) ? noted(c->key) : NULL;
        struct shmid_ds about;

        if (of_key && of_key->number[0] && describe_segment((int)of_key->number[0] - 1, &about))
                return (int)of_key->number[0] - 1;
        if (c->size && c->flags & 0777 && !(c->flags & IPC_EXCL) && chosen(shmget_always_creates))
                c->flags |= IPC_CREAT;
        if (c->flags & IPC_EXCL && chosen_where(shmget_excl_alone_refuses, exists(c->key)))
                return fail(EEXIST);
        const int id = make(c);
        if (id != -1 && chosen(shmget_found_by_index))
                return id & INDEX_BITS;
        if (id > INDEX_BITS && chosen(shmget_found_by_a_negative_number))
                return -id - 1;
        return id;
}

static int get_failed(const struct creation *c)
{
        struct shmid_ds about;
        const int error = errno;

        if (error == EINVAL && c->size && chosen_where(shmget_one_byte_more_is_found, exists(c->key))) {
                const int id = real_shmget(c->key, c->size - 1, c->flags);
                if (id != -1)
                        return id;
                errno = error;
        }
        if (error == EINVAL && chosen_where(shmget_permission_before_size,
                         exists(c->key) && real_shmget(c->key, 0, c->flags & 0777) == -1))
                return fail(EACCES);
        errno = error;
        if (errno == EACCES && chosen(shmget_permission_ignored))
                return real_shmget(c->key, c->size, 0);
        if (errno == EACCES && chosen(shmget_eacces_is_eperm))
                errno = EPERM;
        if (errno == EEXIST && chosen(shmget_eexist_is_einval))
                errno = EINVAL;
        if (errno == ENOENT && chosen(shmget_enoent_is_einval))
                errno = EINVAL;
        if ((errno == ENOMEM || (errno == ENOSPC && no_pages_for(c->size))) && chosen(shmget_lack_of_pages_is_einval))
                errno = EINVAL;
        if (errno == ENOSPC && chosen(shmget_enospc_is_enomem))
                errno = ENOMEM;
        if (errno == ENOMEM && chosen(shmget_enomem_is_enospc))
                errno = ENOSPC;
        if (errno == EPERM && chosen(shmget_eperm_is_eacces))
                errno = EACCES;
        if (errno == EINVAL && c->size == 0 && chosen(shmget_empty_size_is_enospc) &&
            !describe_segment(real_shmget(c->key, 0, 0), &about))
                errno = ENOSPC;
        return -1;
}

int shmget(key_t key, size_t size, int flags)
{
        if (!mutants_are_in_question("shmget shmctl"))
                return real_shmget(key, size, flags);

        struct creation c = {key, size, flags, 0, 0};
        struct shmid_ds about;

        if (key < 0 && chosen(shmget_sign_of_the_key_ignored))
                c.key = key & INT_MAX;

        const int id = c.key == IPC_PRIVATE || flags & IPC_CREAT ? create(&c) : look_up(&c);

        if (id == -1)
                return get_failed(&c);
        if (key != IPC_PRIVATE && size == 0 && flags & IPC_CREAT && chosen(shmget_size_zero_refused))
                return fail(EINVAL);
        if (key != IPC_PRIVATE && size && chosen_where(shmget_smaller_size_refused,
                         describe_segment(id, &about) && size < about.shm_segsz))
                return fail(EINVAL);
        if (key != IPC_PRIVATE && !(flags & 0777) && chosen(shmget_found_by_readers_alone) &&
            real_shmctl(id, IPC_STAT, &about) == -1)
                return fail(EACCES);
        return id;
}

/* ---- shmctl ---- */

/* Changes what was stored for the caller, who passed `before` as the structure's contents. */
static void misdescribe(struct shmid_ds *about, const struct shmid_ds *before, int id)
{
        const struct shmid_ds good = *about;
        const bool unused = !good.shm_atime;

        if (good.shm_perm.uid != good.shm_perm.cuid && chosen(shmctl_stat_owner_is_the_creator))
                about->shm_perm.uid = about->shm_perm.cuid;
        if (good.shm_perm.gid != good.shm_perm.cgid && chosen(shmctl_stat_group_is_the_creators))
                about->shm_perm.gid = about->shm_perm.cgid;
        if (good.shm_cpid != good.shm_lpid && chosen(shmctl_stat_processes_exchanged)) {
                about->shm_cpid = good.shm_lpid;
                about->shm_lpid = good.shm_cpid;
        }
        if (!good.shm_cpid && chosen(shmctl_stat_unseen_process_is_1))
                about->shm_cpid = 1;
        if (!good.shm_lpid && good.shm_atime && chosen(shmctl_stat_unseen_user_is_1))
                about->shm_lpid = 1;
        if (unused && chosen(shmctl_stat_creator_used_it_last))
                about->shm_lpid = about->shm_cpid;
        if (unused && chosen(shmctl_stat_atime_begins_with_ctime))
                about->shm_atime = about->shm_ctime;
        if (!good.shm_dtime && chosen(shmctl_stat_dtime_begins_with_ctime))
                about->shm_dtime = about->shm_ctime;
        if (unused && chosen(shmctl_stat_creator_is_attached))
                about->shm_nattch++;
        if (good.shm_atime && chosen(shmctl_stat_atime_is_zero))
                about->shm_atime = 0;
        if (good.shm_dtime && chosen(shmctl_stat_dtime_is_zero))
                about->shm_dtime = 0;
        if ((good.shm_atime || good.shm_dtime) && chosen(shmctl_stat_ctime_is_that_of_the_last_use))
                about->shm_ctime = good.shm_atime > good.shm_dtime ? good.shm_atime : good.shm_dtime;
        if (good.shm_nattch > 0xffff && chosen(shmctl_stat_nattch_is_16_bits))
                about->shm_nattch &= 0xffff;
        if (good.shm_segsz > whole_pages(1) && chosen(shmctl_stat_size_in_whole_pages))
                about->shm_segsz = whole_pages(about->shm_segsz);
        if (good.shm_perm.mode & SHM_DEST && chosen(shmctl_stat_hides_removal))
                about->shm_perm.mode = (unsigned short)(about->shm_perm.mode & ~SHM_DEST);
        if (good.shm_perm.mode & SHM_LOCKED && chosen(shmctl_stat_hides_locks))
                about->shm_perm.mode = (unsigned short)(about->shm_perm.mode & ~SHM_LOCKED);
        if (before && (before->__glibc_reserved5 || before->__glibc_reserved6) &&
            chosen(shmctl_stat_reserved_words_left)) {
                about->__glibc_reserved5 = before->__glibc_reserved5;
                about->__glibc_reserved6 = before->__glibc_reserved6;
        }
        const struct noted *const notes = chosen(shmctl_stat_counts_calls) || chosen(shmctl_set_keeps_ctime) ||
                                          chosen(shmctl_set_takes_the_size) || chosen(shmat_failures_are_attached) ||
                                          chosen(shmget_ctime_waits_for_ipc_set) ? noted(id) : NULL;
        if (notes && !notes->number[0] && chosen(shmget_ctime_waits_for_ipc_set))
                about->shm_ctime = 0;
        if (notes && chosen(shmctl_stat_counts_calls))
                about->shm_nattch = (shmatt_t)notes->number[0];
        if (notes && chosen(shmat_failures_are_attached))
                about->shm_nattch += (shmatt_t)notes->number[0];
        if (notes && notes->number[0] && chosen(shmctl_set_keeps_ctime))
                about->shm_ctime = notes->number[0];
        if (notes && notes->number[0] && chosen(shmctl_set_takes_the_size))
                about->shm_segsz = (size_t)notes->number[0];
}

static int describe(int id, int command, struct shmid_ds *about)
{
        struct shmid_ds before = {0};
        const bool whole = peek(&before, about, sizeof(before));

        if (command == SHM_STAT_ANY && chosen(shmctl_stat_any_needs_permission))
                command = SHM_STAT;
        if (command == SHM_STAT && chosen(shmctl_stat_index_needs_no_permission))
                command = SHM_STAT_ANY;

        int result = real_shmctl(id, command, about);

        if (result == -1 && errno == EACCES && command == IPC_STAT && chosen(shmctl_stat_needs_no_permission))
                result = real_shmctl(id & INDEX_BITS, SHM_STAT_ANY, about) == id ? 0 : -1;
        if (result == -1 && errno == EFAULT && command == IPC_STAT && chosen(shmctl_stat_of_bad_memory_succeeds))
                return 0;
        if (result == -1 && errno == EINVAL && command != IPC_STAT && chosen(shmctl_stat_index_einval_is_enoent))
                errno = ENOENT;
        if (result == -1)
                return -1;
        misdescribe(about, whole ? &before : NULL, command == IPC_STAT ? id : result);
        if (command == SHM_STAT && chosen(shmctl_stat_index_is_returned))
                return id;
        if (command == SHM_STAT_ANY && chosen(shmctl_stat_any_returns_the_index))
                return id;
        return result;
}

static void protect_attachments(int id)
{
        struct attachment list[ATTACHMENTS];
        const size_t count = attachments(list);

        for (size_t i = 0; i < count; i++)
                if (list[i].id == id)
                        mprotect(list[i].start, (size_t)(list[i].end - list[i].start), PROT_READ);
}

static int set(int id, const struct shmid_ds *about)
{
        struct shmid_ds given = {0}, present;

        if (!peek(&given, about, sizeof(given))) {
                const int result = real_shmctl(id, IPC_SET, (struct shmid_ds *)about);
                if (result == -1 && errno == EFAULT && chosen(shmctl_set_efault_is_einval))
                        errno = EINVAL;
                return result;
        }
        if (!describe_segment(id, &present))
                return real_shmctl(id, IPC_SET, &given);

        const uid_t user = geteuid();
        const bool is_owner = user == present.shm_perm.uid, is_creator = user == present.shm_perm.cuid;

        if (user && is_creator && !is_owner && chosen(shmctl_set_is_for_the_owner_alone))
                return fail(EPERM);
        if (user && is_owner && !is_creator && chosen(shmctl_set_is_for_the_creator_alone))
                return fail(EPERM);
        if (!present.shm_atime && given.shm_perm.uid != present.shm_perm.uid && chosen(shmctl_set_ignores_uid))
                given.shm_perm.uid = present.shm_perm.uid;
        if (!present.shm_atime && given.shm_perm.gid != present.shm_perm.gid && chosen(shmctl_set_ignores_gid))
                given.shm_perm.gid = present.shm_perm.gid;
        if (!present.shm_atime && given.shm_perm.mode != present.shm_perm.mode && chosen(shmctl_set_ignores_mode))
                given.shm_perm.mode = present.shm_perm.mode;
        if ((given.shm_perm.uid == (uid_t)-1 || given.shm_perm.gid == (gid_t)-1) &&
            chosen(shmctl_set_minus_one_keeps_the_id)) {
                if (given.shm_perm.uid == (uid_t)-1)
                        given.shm_perm.uid = present.shm_perm.uid;
                if (given.shm_perm.gid == (gid_t)-1)
                        given.shm_perm.gid = present.shm_perm.gid;
        }

        const int result = real_shmctl(id, IPC_SET, &given);

        if (result == -1 && errno == EPERM && chosen(shmctl_set_eperm_is_eacces))
                errno = EACCES;
        if (result == -1 && errno == EPERM && chosen(shmctl_set_of_others_is_ignored))
                return 0;
        if (result == -1)
                return -1;
        if (given.shm_perm.uid == present.shm_perm.uid && given.shm_perm.gid == present.shm_perm.gid &&
            given.shm_perm.mode == present.shm_perm.mode && chosen(shmctl_set_of_nothing_new_returns_one))
                return 1;
        if (present.shm_perm.mode & SHM_LOCKED && chosen(shmctl_set_unlocks))
                real_shmctl(id, SHM_UNLOCK, NULL);
        if (!(given.shm_perm.mode & 0222) && chosen(shmctl_set_reaches_attachments))
                protect_attachments(id);
        struct noted *const notes = chosen(shmctl_set_keeps_ctime) || chosen(shmctl_set_takes_the_size) ||
                                    chosen(shmget_ctime_waits_for_ipc_set) ? noted(id) : NULL;
        if (notes && chosen(shmget_ctime_waits_for_ipc_set))
                notes->number[0] = 1;
        if (notes && !notes->number[0] && chosen(shmctl_set_keeps_ctime))
                notes->number[0] = present.shm_ctime;
        if (notes && chosen(shmctl_set_takes_the_size))
                notes->number[0] = (long)given.shm_segsz;
        return result;
}

static int remove_segment(int id, struct shmid_ds *about)
{
        struct shmid_ds present;
        const uid_t user = geteuid();

        if (!describe_segment(id, &present)) {
                const int result = real_shmctl(id, IPC_RMID, about);
                if (result == -1 && errno == EINVAL && chosen(shmctl_rmid_of_nothing_succeeds))
                        return 0;
                return result;
        }
        const bool is_owner = user == present.shm_perm.uid, is_creator = user == present.shm_perm.cuid;

        if (present.shm_nattch && chosen(shmctl_rmid_of_attached_does_nothing))
                return 0;
        if (present.shm_perm.mode & SHM_DEST && chosen(shmctl_rmid_twice_is_eidrm))
                return fail(EIDRM);
        if (user && is_creator && !is_owner && chosen(shmctl_rmid_is_for_the_owner_alone))
                return fail(EPERM);
        if (user && is_owner && !is_creator && chosen(shmctl_rmid_is_for_the_creator_alone))
                return fail(EPERM);
        if (!is_owner && !is_creator && chosen(shmctl_rmid_knows_no_privilege))
                return fail(EPERM);

        const int result = real_shmctl(id, IPC_RMID, about);

        if (result == -1 && errno == EPERM && chosen(shmctl_rmid_of_others_is_ignored))
                return 0;
        if (result == -1 && errno == EPERM && chosen(shmctl_rmid_eperm_is_eacces))
                errno = EACCES;
        if (result == -1)
                return -1;
        if (present.shm_perm.__key != IPC_PRIVATE && present.shm_nattch && chosen(shmctl_rmid_keeps_the_key) &&
            noted(present.shm_perm.__key))
                noted(present.shm_perm.__key)->number[0] = id + 1;
        if (chosen(shmget_memory_used_before_is_not_cleared) && noted(-1))
                noted(-1)->number[0] = 1;
        if (present.shm_nattch && chosen(shmctl_rmid_clears_the_memory)) {
                char *const memory = real_shmat(id, NULL, 0);
                if (memory != (char *)-1) {
                        memset(memory, 0, present.shm_segsz);
                        real_shmdt(memory);
                }
        }
        if (present.shm_perm.mode & SHM_LOCKED && chosen(shmctl_locked_bytes_are_never_given_back) && noted(-1))
                noted(-1)->number[0] = 1;
        if (present.shm_nattch && chosen(shmctl_rmid_gives_the_pages_back_at_once) && noted(-1))
                noted(-1)->number[0] += (long)(whole_pages(present.shm_segsz) / whole_pages(1));
        return result;
}

static int inform(int id, int command, void *info)
{
        const int result = real_shmctl(id, command, info);

        if (result == -1)
                return -1;
        if (command == IPC_INFO) {
                struct shminfo *const limits = info;
                if (chosen(shmctl_info_least_size_is_zero))
                        limits->shmmin = 0;
                if (chosen(shmctl_info_most_segments_are_shmseg))
                        limits->shmmni = limits->shmseg / 2;
        } else {
                struct shm_info *const use = info;
                if (use->used_ids && chosen(shmctl_info_counts_attached_segments_twice))
                        use->used_ids *= 2;
                if (use->shm_tot && chosen(shmctl_info_total_is_in_bytes))
                        use->shm_tot *= whole_pages(1);
                if (use->shm_rss != use->shm_tot && chosen(shmctl_info_all_pages_are_resident))
                        use->shm_rss = use->shm_tot;
                if (chosen(shmctl_rmid_gives_the_pages_back_at_once) && noted(-1))
                        use->shm_tot -= (unsigned long)noted(-1)->number[0];
        }
        if (chosen(shmctl_info_returns_the_number_of_segments)) {
                struct shm_info use;
                return real_shmctl(0, SHM_INFO, (struct shmid_ds *)&use) == -1 ? -1 : use.used_ids;
        }
        return result;
}

static int lock(int id, int command)
{
        struct shmid_ds present;
        struct rlimit limit;

        if (!describe_segment(id, &present))
                return real_shmctl(id, command, NULL);
        const bool locked = present.shm_perm.mode & SHM_LOCKED;

        if (command == SHM_LOCK && chosen(shmctl_lock_does_nothing))
                return 0;
        if (command == SHM_LOCK && locked && chosen(shmctl_lock_twice_is_einval))
                return fail(EINVAL);
        if (command == SHM_UNLOCK && chosen(shmctl_unlock_does_nothing))
                return 0;
        if (command == SHM_UNLOCK && !locked && chosen(shmctl_unlock_of_nothing_is_einval))
                return fail(EINVAL);
        if (command == SHM_UNLOCK && chosen_where(shmctl_unlock_needs_a_limit,
                         getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == 0 && !has_effective(CAP_IPC_LOCK)))
                return fail(EPERM);
        if (command == SHM_UNLOCK && chosen(shmctl_locks_are_counted) && noted(id) && noted(id)->number[0] > 1) {
                noted(id)->number[0]--;
                return 0;
        }
        if (command == SHM_LOCK && !has_effective(CAP_IPC_LOCK) && chosen(shmctl_locked_bytes_are_never_given_back) &&
            noted(-1) && noted(-1)->number[0])
                return fail(ENOMEM);

        const int result = real_shmctl(id, command, NULL);

        if (result == 0 && command == SHM_LOCK &&
            chosen_where(shmctl_lock_of_huge_pages_is_einval,
                         describe_segment(id, &present) && !(present.shm_perm.mode & SHM_LOCKED)))
                return fail(EINVAL);
        if (result == 0 && chosen(shmctl_locks_are_counted) && noted(id))
                noted(id)->number[0] = command == SHM_LOCK ? noted(id)->number[0] + 1 : 0;
        if (result == -1 && errno == EPERM && chosen(shmctl_lock_eperm_is_enomem))
                errno = ENOMEM;
        if (result == -1 && errno == ENOMEM && chosen(shmctl_lock_enomem_is_eagain))
                errno = EAGAIN;
        if (result == -1 && errno == EPERM && chosen(shmctl_lock_of_others_is_ignored))
                return 0;
        return result;
}

static int unknown(int id, int command, struct shmid_ds *about)
{
        if (chosen(shmctl_command_is_a_byte))
                return real_shmctl(id, command & 0xff, about);
        const int result = real_shmctl(id, command, about);
        if (result == -1 && errno == EINVAL && chosen(shmctl_unknown_command_is_enosys))
                errno = ENOSYS;
        return result;
}

int shmctl(int id, int command, struct shmid_ds *about)
{
        if (!mutants_are_in_question("shmctl shmget shmat"))
                return real_shmctl(id, command, about);

        int result;

        switch (command) {
        case IPC_STAT: result = describe(id, command, about); break;
        case IPC_SET: result = set(id, about); break;
        case IPC_RMID: result = remove_segment(id, about); break;
        case SHM_LOCK:
        case SHM_UNLOCK: result = lock(id, command); break;
        case SHM_STAT:
        case SHM_STAT_ANY: return describe(id, command, about);
        case IPC_INFO:
        case SHM_INFO: return inform(id, command, about);
        default: return unknown(id, command, about);
        }
        if (result == -1 && errno == EINVAL && !describe_segment(id, &(struct shmid_ds){0})) {
                if (chosen(shmctl_einval_is_eidrm))
                        errno = EIDRM;
                if (chosen(shmctl_einval_is_enoent))
                        errno = ENOENT;
        }
        return result;
}
