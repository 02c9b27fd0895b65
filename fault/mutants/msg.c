/* SPDX-License-Identifier: MIT
 *
 * msg.c: wrong implementations of msgget() and msgctl(). msgop.c has those of msgsnd() and msgrcv().
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "msg.h"

bool describe_queue(int id, struct msqid_ds *about)
{
        const int before = errno;
        const bool found = real_msgctl(id & INDEX_BITS, MSG_STAT_ANY, about) == id && id != -1;

        errno = before;
        return found;
}

/* ---- msgget ---- */

static bool exists(key_t key)
{
        const int before = errno;
        const bool found = key != IPC_PRIVATE && real_msgget(key, 0) != -1;

        errno = before;
        return found;
}

static void use_once(int id)
{
        struct {
                long type;
        } message = {LONG_MAX - 1};

        if (real_msgsnd(id, &message, 0, IPC_NOWAIT) == 0)
                real_msgrcv(id, &message, 0, message.type, IPC_NOWAIT);
}

static void set_bytes(int id, size_t bytes)
{
        struct msqid_ds about;

        if (describe_queue(id, &about)) {
                about.msg_qbytes = bytes;
                real_msgctl(id, IPC_SET, &about);
        }
}

static void set_mode(int id, int mode)
{
        struct msqid_ds about;

        if (describe_queue(id, &about)) {
                about.msg_perm.mode = (unsigned short)(mode & 0777);
                real_msgctl(id, IPC_SET, &about);
        }
}

static long queues_in_use(void)
{
        struct msginfo info;

        return real_msgctl(0, MSG_INFO, (struct msqid_ds *)&info) == -1 ? 0 : info.msgpool;
}

static bool is_full(int missing)
{
        long most;

        return read_limit("kernel/msgmni", &most) && queues_in_use() >= most - missing;
}

static int get_beyond_the_limit(key_t key, int flags)
{
        long most;

        if (!read_limit("kernel/msgmni", &most) || !write_limit("kernel/msgmni", most + 1))
                return fail(ENOSPC);
        const int id = real_msgget(key, flags), error = errno;
        write_limit("kernel/msgmni", most);
        errno = error;
        return id;
}

static int get_with_an_identifier_of_before(key_t key, int flags, long before)
{
        if (before)
                write_limit("kernel/msg_next_id", before - 1);
        return real_msgget(key, flags);
}

/* What makes a queue: where it comes into being or is already there. */
static int create(key_t key, int flags)
{
        static bool full;
        const bool keyed = key != IPC_PRIVATE;

        if (!keyed && !(flags & IPC_CREAT) && chosen(msgget_private_needs_creat))
                return fail(ENOENT);
        if (!keyed && flags & IPC_EXCL && chosen(msgget_private_refuses_excl))
                return fail(EEXIST);
        if (keyed && flags & IPC_EXCL && chosen(msgget_excl_ignored))
                flags &= ~IPC_EXCL;
        if (keyed && !(flags & IPC_EXCL) && chosen(msgget_creat_implies_excl))
                flags |= IPC_EXCL;
        if (keyed && flags & IPC_EXCL && chosen(msgget_excl_looks_first)) {
                if (exists(key))
                        return fail(EEXIST);
                nap();
                flags &= ~IPC_EXCL;
        }
        if (keyed && !(flags & IPC_EXCL) && chosen(msgget_creat_does_not_look_again)) {
                if (exists(key))
                        return real_msgget(key, flags);
                nap();
                flags |= IPC_EXCL;
        }
        if (chosen_where(msgget_mode_under_umask, flags & present_umask() & 0700))
                flags &= ~(int)(present_umask() & 0700);
        if (flags & 0111 && chosen(msgget_execute_bits_dropped))
                flags &= ~0111;
        if (chosen_where(msgget_limit_one_less, !exists(key) && is_full(1)))
                return fail(ENOSPC);
        if (keyed && chosen_where(msgget_limit_counts_for_existing_keys, is_full(0)))
                return fail(ENOSPC);
        if (chosen_where(msgget_limit_is_for_ever, full && !exists(key)))
                return fail(ENOSPC);
        if (chosen_where(msgget_made_at_the_second_attempt, !exists(key)))
                real_msgctl(real_msgget(IPC_PRIVATE, 0600), IPC_RMID, NULL);
        if (getuid() != geteuid() && chosen(msgget_owner_is_the_real_user)) {
                swap_users();
                const int id = real_msgget(key, flags);
                swap_users();
                return id;
        }
        if (getgid() != getegid() && chosen(msgget_group_is_the_real_one)) {
                swap_groups();
                const int id = real_msgget(key, flags);
                swap_groups();
                return id;
        }
        if (chosen(msgget_identifier_used_again) && noted(-1))
                return get_with_an_identifier_of_before(key, flags, noted(-1)->number[0]);

        const bool was_there = (in_question(msgget_creat_sets_the_mode) || in_question(msgget_creat_empties)) &&
                               exists(key);
        const int id = real_msgget(key, flags), error = errno;
        if (id == -1 && error == ENOSPC) {
                full = is_full(0);
                if (chosen(msgget_limit_ignored))
                        return get_beyond_the_limit(key, flags);
        }
        long bytes;
        if (id != -1 && chosen_where(msgget_bytes_of_the_first_limit,
                                     read_limit("kernel/msgmnb", &bytes) && bytes != 16384))
                set_bytes(id, 16384);
        if (id != -1 && chosen(msgget_bytes_limit_of_the_last_is_kept) && noted(-1) && noted(-1)->number[0])
                set_bytes(id, (size_t)noted(-1)->number[0]);
        if (!keyed && id != -1 && in_question(msgget_private_finds_a_queue_now_and_then)) {
                static int last = -1, turns;
                if (++turns % 8 == 0 && describe_queue(last, &(struct msqid_ds){0}) &&
                    chosen(msgget_private_finds_a_queue_now_and_then)) {
                        real_msgctl(id, IPC_RMID, NULL);
                        return last;
                }
                last = id;
        }
        if (id != -1 && chosen(msgget_past_of_the_last_is_kept) && noted(-1) && noted(-1)->number[0]) {
                noted(-1)->number[0] = 0;
                use_once(id);
        }
        if (was_there && chosen(msgget_creat_sets_the_mode))
                set_mode(id, flags);
        if (was_there && chosen(msgget_creat_empties))
                while (real_msgrcv(id, &(long){0}, 0, 0, IPC_NOWAIT | MSG_NOERROR) != -1)
                        ;
        if (id != -1 && keyed && flags & IPC_EXCL && chosen(msgget_made_although_it_failed))
                return fail(ENOMEM);
        errno = error;
        return id;
}

static int look_up(key_t key, int flags)
{
        static __thread key_t last_key;
        static __thread int last_id;

        if (key == last_key && chosen(msgget_remembers_the_last_key))
                return last_id;
        if (flags & 0777 && !(flags & IPC_EXCL) && chosen(msgget_always_creates))
                flags |= IPC_CREAT;
        if (flags & IPC_EXCL && chosen_where(msgget_excl_alone_refuses, exists(key)))
                return fail(EEXIST);
        const int id = real_msgget(key, flags);
        if (id != -1) {
                last_key = key;
                last_id = id;
        }
        if (id != -1 && chosen(msgget_found_by_index))
                return id & INDEX_BITS;
        if (id > INDEX_BITS && chosen(msgget_found_by_a_negative_number))
                return -id - 1;
        return id;
}

int msgget(key_t key, int flags)
{
        if (!mutants_are_in_question("msgget"))
                return real_msgget(key, flags);

        struct msqid_ds about;

        if (key < 0 && chosen(msgget_negative_keys_refused))
                return fail(EINVAL);
        if (key < 0 && chosen(msgget_sign_of_the_key_ignored))
                key &= INT_MAX;

        int id = key == IPC_PRIVATE || flags & IPC_CREAT ? create(key, flags) : look_up(key, flags);

        if (id != -1) {
                if (!(flags & 0777) && chosen_where(msgget_found_by_readers_alone,
                                 real_msgctl(id, IPC_STAT, &about) == -1))
                        return fail(EACCES);
                return id;
        }
        if (errno == EACCES && chosen(msgget_permission_ignored))
                return real_msgget(key, 0);
        if (errno == EACCES && chosen(msgget_eacces_is_eperm))
                errno = EPERM;
        if (errno == EEXIST && chosen(msgget_permission_before_existence))
                errno = real_msgget(key, flags & 0777) == -1 ? errno : EEXIST;
        if (errno == EEXIST && chosen(msgget_eexist_is_einval))
                errno = EINVAL;
        if (errno == ENOENT && chosen(msgget_enoent_is_einval))
                errno = EINVAL;
        if (errno == ENOSPC && chosen(msgget_enospc_is_enomem))
                errno = ENOMEM;
        return -1;
}

/* ---- msgctl ---- */

/* Changes what was stored for the caller, who passed `before` as the structure's contents. */
static void misdescribe(struct msqid_ds *about, const struct msqid_ds *before, int id)
{
        const bool unused = !about->msg_lspid && !about->msg_qnum;
        const struct msqid_ds good = *about;

        if (good.msg_perm.uid != good.msg_perm.cuid && chosen(msgctl_stat_owner_is_the_creator))
                about->msg_perm.uid = about->msg_perm.cuid;
        if (good.msg_perm.gid != good.msg_perm.cgid && chosen(msgctl_stat_group_is_the_creators))
                about->msg_perm.gid = about->msg_perm.cgid;
        if (good.msg_lspid && good.msg_lrpid && chosen(msgctl_stat_processes_exchanged)) {
                about->msg_lspid = good.msg_lrpid;
                about->msg_lrpid = good.msg_lspid;
        }
        if (good.msg_stime && chosen(msgctl_stat_stime_is_zero))
                about->msg_stime = 0;
        if (good.msg_rtime && chosen(msgctl_stat_rtime_is_zero))
                about->msg_rtime = 0;
        if ((about->msg_stime || about->msg_rtime) && chosen(msgctl_stat_ctime_is_that_of_the_last_transfer))
                about->msg_ctime = about->msg_stime > about->msg_rtime ? about->msg_stime : about->msg_rtime;
        if (chosen(msgctl_stat_times_a_second_late)) {
                about->msg_stime += about->msg_stime != 0;
                about->msg_rtime += about->msg_rtime != 0;
                about->msg_ctime += 1;
        }
        if (good.msg_qnum && chosen(msgctl_stat_bytes_include_types))
                about->__msg_cbytes += about->msg_qnum * sizeof(long);
        if (good.msg_qnum > 5 && chosen(msgctl_stat_counts_five_messages_at_most))
                about->msg_qnum = 5;
        if (unused && chosen(msgget_bytes_of_the_last_are_kept) && noted(-1))
                about->__msg_cbytes = (unsigned long)noted(-1)->number[1];
        if (unused && chosen(msgget_messages_of_the_last_are_counted) && noted(-1))
                about->msg_qnum = (msgqnum_t)noted(-1)->number[0];
        if (good.msg_perm.__key && chosen(msgctl_stat_key_is_zero))
                about->msg_perm.__key = 0;
        if (good.msg_perm.__seq && chosen(msgctl_stat_sequence_is_zero))
                about->msg_perm.__seq = 0;
        if (before && (before->__glibc_reserved4 || before->__glibc_reserved5) &&
            chosen(msgctl_stat_reserved_words_left)) {
                about->__glibc_reserved4 = before->__glibc_reserved4;
                about->__glibc_reserved5 = before->__glibc_reserved5;
        }
        if (about->msg_qnum && chosen(msgctl_stat_of_two_moments)) {
                static unsigned looks;
                struct msqid_ds later;
                if (++looks % 8 == 0)
                        nap();
                if (real_msgctl(id, IPC_STAT, &later) == 0)
                        about->__msg_cbytes = later.__msg_cbytes;
        }
        const struct noted *const notes = chosen(msgget_ctime_waits_for_ipc_set) || chosen(msgctl_set_keeps_ctime) ||
                                          chosen(msgctl_set_takes_high_mode_bits) || chosen(msgrcv_cut_bytes_stay)
                                          ? noted(id) : NULL;
        if (notes && !notes->number[0] && chosen(msgget_ctime_waits_for_ipc_set))
                about->msg_ctime = 0;
        if (notes && notes->number[0] && chosen(msgctl_set_keeps_ctime))
                about->msg_ctime = notes->number[0];
        if (notes && chosen(msgctl_set_takes_high_mode_bits))
                about->msg_perm.mode = (unsigned short)(about->msg_perm.mode | notes->number[0]);
        if (notes && chosen(msgrcv_cut_bytes_stay))
                about->__msg_cbytes += (unsigned long)notes->number[0];
}

static int describe(int id, int command, struct msqid_ds *about)
{
        struct msqid_ds before = {0};
        const bool whole = peek(&before, about, sizeof(before));

        if (command == MSG_STAT_ANY && chosen(msgctl_stat_any_needs_permission))
                command = MSG_STAT;
        if (command == MSG_STAT && chosen(msgctl_stat_index_needs_no_permission))
                command = MSG_STAT_ANY;
        if (command == MSG_STAT && chosen(msgctl_stat_refuses_the_last_index) &&
            id == real_msgctl(0, MSG_INFO, (struct msqid_ds *)&(struct msginfo){0}))
                return fail(EINVAL);

        int result = real_msgctl(id, command, about);

        if (result == -1 && errno == EACCES && command == IPC_STAT && chosen(msgctl_stat_needs_no_permission))
                result = real_msgctl(id & INDEX_BITS, MSG_STAT_ANY, about) == id ? 0 : -1;
        if (result == -1 && errno == EFAULT && command == IPC_STAT && chosen(msgctl_stat_of_bad_memory_succeeds))
                return 0;
        if (result == -1 && errno == EFAULT && command != IPC_STAT && chosen(msgctl_stat_index_efault_is_einval))
                errno = EINVAL;
        if (result == -1 && errno == EINVAL && command != IPC_STAT && chosen(msgctl_stat_index_einval_is_enoent))
                errno = ENOENT;
        if (result == -1)
                return -1;
        misdescribe(about, whole ? &before : NULL, command == IPC_STAT ? id : result);
        if (command == MSG_STAT && chosen(msgctl_stat_index_is_returned))
                return id;
        if (command == MSG_STAT_ANY && chosen(msgctl_stat_any_returns_the_index))
                return id;
        return result;
}

static int set(int id, const struct msqid_ds *about)
{
        struct msqid_ds given = {0}, present;
        const bool whole = peek(&given, about, sizeof(given));

        if (!whole && chosen_where(msgctl_set_looks_at_the_queue_first, !describe_queue(id, &present)))
                return fail(EINVAL);
        if (!whole || !describe_queue(id, &present))
                return real_msgctl(id, IPC_SET, (struct msqid_ds *)about);

        const uid_t user = geteuid();
        const bool raises = given.msg_qbytes > present.msg_qbytes;
        const bool is_owner = user == present.msg_perm.uid, is_creator = user == present.msg_perm.cuid;

        if (user && is_creator && !is_owner && chosen(msgctl_set_is_for_the_owner_alone))
                return fail(EPERM);
        if (user && is_owner && !is_creator && chosen(msgctl_set_is_for_the_creator_alone))
                return fail(EPERM);
        if (chosen_where(msgctl_set_needs_write_permission,
                         !(granted(&present.msg_perm, RIGHT) & 2) && !has_effective(CAP_IPC_OWNER)))
                return fail(EACCES);
        if (raises && chosen_where(msgctl_set_raise_needs_privilege,
                                   !has_effective(CAP_SYS_RESOURCE) && !has_effective(CAP_SYS_ADMIN)))
                return fail(EPERM);
        if (raises && chosen(msgctl_set_raises_for_nobody))
                return fail(EPERM);
        if (given.msg_qbytes < present.__msg_cbytes && chosen(msgctl_set_refuses_bytes_below_the_present))
                return fail(EINVAL);
        if (!present.msg_qnum && given.msg_perm.uid != present.msg_perm.uid && chosen(msgctl_set_ignores_uid))
                given.msg_perm.uid = present.msg_perm.uid;
        if (!present.msg_qnum && given.msg_perm.gid != present.msg_perm.gid && chosen(msgctl_set_ignores_gid))
                given.msg_perm.gid = present.msg_perm.gid;
        if (!present.msg_qnum && given.msg_perm.mode != present.msg_perm.mode && chosen(msgctl_set_ignores_mode))
                given.msg_perm.mode = present.msg_perm.mode;
        if (given.msg_qbytes + 1 == present.msg_qbytes && chosen(msgctl_set_lowers_bytes_by_more_than_one))
                given.msg_qbytes = present.msg_qbytes;
        if ((given.msg_perm.uid == (uid_t)-1 || given.msg_perm.gid == (gid_t)-1) &&
            chosen(msgctl_set_minus_one_keeps_the_id)) {
                if (given.msg_perm.uid == (uid_t)-1)
                        given.msg_perm.uid = present.msg_perm.uid;
                if (given.msg_perm.gid == (gid_t)-1)
                        given.msg_perm.gid = present.msg_perm.gid;
        }
        if (raises && chosen(msgctl_set_clamps_bytes_to_the_limit)) {
                long most;
                if (read_limit("kernel/msgmnb", &most) && given.msg_qbytes > (size_t)most)
                        given.msg_qbytes = (size_t)most;
        }

        int result = real_msgctl(id, IPC_SET, &given);

        if (result == -1 && errno == EPERM && raises && chosen(msgctl_set_does_half_where_it_fails)) {
                given.msg_qbytes = present.msg_qbytes;
                real_msgctl(id, IPC_SET, &given);
                errno = EPERM;
        }
        if (result == -1 && errno == EPERM && chosen(msgctl_set_eperm_is_eacces))
                errno = EACCES;
        if (result == -1 && errno == EPERM && chosen(msgctl_set_of_others_is_ignored))
                return 0;
        if (result == -1)
                return -1;
        if (chosen(msgrcv_ipc_set_interrupts) && noted(id))
                noted(id)->number[0]++;
        if (chosen(msgctl_set_is_a_transfer))
                use_once(id);
        if (given.msg_perm.uid == present.msg_perm.uid && given.msg_perm.gid == present.msg_perm.gid &&
            given.msg_perm.mode == present.msg_perm.mode && given.msg_qbytes == present.msg_qbytes &&
            chosen(msgctl_set_of_nothing_new_returns_one))
                return 1;
        while (given.msg_qbytes < present.__msg_cbytes && chosen(msgctl_set_drops_what_is_too_much) &&
               describe_queue(id, &present) && present.__msg_cbytes > given.msg_qbytes)
                real_msgrcv(id, &(long){0}, 0, 0, IPC_NOWAIT | MSG_NOERROR);
        struct noted *const notes = chosen(msgget_ctime_waits_for_ipc_set) || chosen(msgctl_set_keeps_ctime) ||
                                    chosen(msgctl_set_takes_high_mode_bits) ? noted(id) : NULL;
        if (notes && chosen(msgget_ctime_waits_for_ipc_set))
                notes->number[0] = 1;
        if (notes && !notes->number[0] && chosen(msgctl_set_keeps_ctime))
                notes->number[0] = present.msg_ctime;
        if (notes && chosen(msgctl_set_takes_high_mode_bits))
                notes->number[0] = given.msg_perm.mode & ~0777;
        return result;
}

static int remove_queue(int id, struct msqid_ds *about)
{
        struct msqid_ds present;
        const uid_t user = geteuid();

        if (!describe_queue(id, &present)) {
                const int result = real_msgctl(id, IPC_RMID, about);
                if (result == -1 && errno == EINVAL && chosen(msgctl_rmid_of_nothing_succeeds))
                        return 0;
                return result;
        }
        const bool is_owner = user == present.msg_perm.uid, is_creator = user == present.msg_perm.cuid;

        if (present.msg_qnum && chosen(msgctl_rmid_of_messages_does_nothing))
                return 0;
        if (!about && present.msg_qnum && chosen(msgctl_rmid_needs_a_buffer))
                return fail(EFAULT);
        if (user && is_creator && !is_owner && chosen(msgctl_rmid_is_for_the_owner_alone))
                return fail(EPERM);
        if (user && is_owner && !is_creator && chosen(msgctl_rmid_is_for_the_creator_alone))
                return fail(EPERM);
        if (!is_owner && !is_creator && chosen(msgctl_rmid_knows_no_privilege))
                return fail(EPERM);
        if (chosen(msgctl_rmid_removes_namesakes)) {
                union {
                        int value;
                        void *none;
                } argument = {0};
                const int namesake = present.msg_perm.__key == IPC_PRIVATE ? id :
                                     real_semget(present.msg_perm.__key, 0, 0);
                real_semctl(namesake, 0, IPC_RMID, argument);
        }

        const int result = real_msgctl(id, IPC_RMID, about);

        if (result == -1 && errno == EPERM && chosen(msgctl_rmid_of_others_is_ignored))
                return 0;
        if (result == -1 && errno == EPERM && chosen(msgctl_rmid_eperm_is_eacces))
                errno = EACCES;
        if (result == -1)
                return -1;
        if (chosen(msgget_identifier_used_again) && noted(-1))
                noted(-1)->number[0] = id + 1;
        if (present.msg_lspid && present.msg_lrpid && chosen(msgget_past_of_the_last_is_kept) && noted(-1))
                noted(-1)->number[0] = 1;
        if (chosen(msgget_messages_of_the_last_are_counted) && noted(-1))
                noted(-1)->number[0] = (long)present.msg_qnum;
        if (chosen(msgget_bytes_of_the_last_are_kept) && noted(-1))
                noted(-1)->number[1] = (long)present.__msg_cbytes;
        if (chosen(msgget_bytes_limit_of_the_last_is_kept) && noted(-1))
                noted(-1)->number[0] = (long)present.msg_qbytes;
        if (chosen(msgctl_rmid_keeps_the_totals) && noted(-1)) {
                noted(-1)->number[0] += (long)present.msg_qnum;
                noted(-1)->number[1] += (long)present.__msg_cbytes;
        }
        return result;
}

static int inform(int id, int command, struct msginfo *info)
{
        struct msginfo before = {0};
        const bool whole = peek(&before, info, sizeof(before));
        int result = real_msgctl(id, command, (struct msqid_ds *)info);

        if (result == -1 && errno == EFAULT && chosen(msgctl_info_efault_is_einval))
                errno = EINVAL;
        if (result == -1)
                return -1;
        const struct msginfo good = *info;
        if (command == IPC_INFO && chosen(msgctl_info_tells_one_queue_less))
                info->msgmni--;
        if (command == MSG_INFO && good.msgmap != good.msgtql && chosen(msgctl_info_totals_exchanged)) {
                info->msgmap = good.msgtql;
                info->msgtql = good.msgmap;
        }
        if (command == MSG_INFO && chosen(msgctl_rmid_keeps_the_totals) && noted(-1)) {
                info->msgmap += (int)noted(-1)->number[0];
                info->msgtql += (int)noted(-1)->number[1];
        }
        if (whole && chosen(msgctl_info_padding_left))
                memcpy((char *)info + offsetof(struct msginfo, msgseg) + sizeof(info->msgseg),
                       (char *)&before + offsetof(struct msginfo, msgseg) + sizeof(info->msgseg),
                       sizeof(*info) - offsetof(struct msginfo, msgseg) - sizeof(info->msgseg));
        if (chosen_where(msgctl_info_returns_the_number_of_queues, queues_in_use() != result))
                return (int)queues_in_use();
        return result;
}

static int unknown(int id, int command, struct msqid_ds *about)
{
        if (chosen(msgctl_command_is_a_byte))
                return real_msgctl(id, command & 0xff, about);
        const int result = real_msgctl(id, command, about);
        if (result == -1 && errno == EINVAL && command >= 0 && chosen(msgctl_unknown_command_is_enosys))
                errno = ENOSYS;
        if (result == -1 && errno == EINVAL && command < 0 && chosen(msgctl_negative_command_succeeds))
                return 0;
        return result;
}

int msgctl(int id, int command, struct msqid_ds *about)
{
        if (!mutants_are_in_question("msgctl msgget msgrcv"))
                return real_msgctl(id, command, about);

        int result;

        switch (command) {
        case IPC_STAT: result = describe(id, command, about); break;
        case IPC_SET: result = set(id, about); break;
        case IPC_RMID: result = remove_queue(id, about); break;
        case MSG_STAT:
        case MSG_STAT_ANY: return describe(id, command, about);
        case IPC_INFO:
        case MSG_INFO: return inform(id, command, (struct msginfo *)about);
        default: return unknown(id, command, about);
        }
        if (result == -1 && errno == EINVAL && chosen(msgctl_einval_is_eidrm) &&
            !describe_queue(id, &(struct msqid_ds){0}))
                errno = EIDRM;
        return result;
}
