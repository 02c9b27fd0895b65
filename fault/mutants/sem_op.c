/* SPDX-License-Identifier: MIT
 *
 * sem_op.c: wrong implementations of semop() and semtimedop(), but for calls that have to wait (sem_wait.c) and for
 * what becomes of adjustments (sem_undo.c).
 */
#include <string.h>
#include <unistd.h>

#include "sem_op.h"

/* ---- the call ---- */

int done_right(const struct attempt *a)
{
        struct sembuf *const operations = (struct sembuf *)a->operations;

        const int result = a->timed ? real_semtimedop(a->id, operations, a->count, a->timeout)
                                    : real_semop(a->id, operations, a->count);

        if (result == 0 && sem_memory()->used)
                show(OTIME, a->id, 0, -1, -1);          /* what was to be hidden is past */
        return result;
}

/* The same with other operations. */
int done_with(const struct attempt *a, const struct sembuf *operations, size_t count)
{
        struct attempt other = *a;

        memcpy(other.operations, operations, count * sizeof(*operations));
        other.count = count;
        return done_right(&other);
}

int done_at_once(const struct attempt *a)
{
        struct attempt other = *a;

        for (size_t i = 0; i < other.count; i++)
                other.operations[i].sem_flg |= IPC_NOWAIT;
        return done_right(&other);
}

/* ---- what the operations are ---- */

static bool any_flag(const struct attempt *a, int flag)
{
        for (size_t i = 0; i < a->count; i++)
                if (a->operations[i].sem_flg & flag)
                        return true;
        return false;
}

static bool all_flag(const struct attempt *a, int flag)
{
        for (size_t i = 0; i < a->count; i++)
                if (!(a->operations[i].sem_flg & flag))
                        return false;
        return true;
}

bool any_zero(const struct attempt *a)
{
        for (size_t i = 0; i < a->count; i++)
                if (!a->operations[i].sem_op)
                        return true;
        return false;
}

bool any_change(const struct attempt *a)
{
        for (size_t i = 0; i < a->count; i++)
                if (a->operations[i].sem_op)
                        return true;
        return false;
}

bool any_decrement(const struct attempt *a)
{
        for (size_t i = 0; i < a->count; i++)
                if (a->operations[i].sem_op < 0)
                        return true;
        return false;
}

static bool all_decrements(const struct attempt *a)
{
        for (size_t i = 0; i < a->count; i++)
                if (a->operations[i].sem_op >= 0)
                        return false;
        return true;
}

static bool names(const struct attempt *a, int number)
{
        for (size_t i = 0; i < a->count; i++)
                if (a->operations[i].sem_num == number)
                        return true;
        return false;
}

static bool names_one_twice(const struct attempt *a)
{
        for (size_t i = 1; i < a->count; i++)
                for (size_t k = 0; k < i; k++)
                        if (a->operations[i].sem_num == a->operations[k].sem_num)
                                return true;
        return false;
}

bool may_wait(const struct attempt *a)
{
        return !any_flag(a, IPC_NOWAIT) && (any_zero(a) || any_decrement(a)) &&
               !(a->timeout && a->timeout->tv_sec == 0 && a->timeout->tv_nsec == 0);
}

static void set_flags(struct attempt *a, int set, int clear)
{
        for (size_t i = 0; i < a->count; i++)
                a->operations[i].sem_flg = (short)((a->operations[i].sem_flg | set) & ~clear);
}

void reverse(struct attempt *a)
{
        for (size_t i = 0; i < a->count / 2; i++) {
                const struct sembuf first = a->operations[i];
                a->operations[i] = a->operations[a->count - 1 - i];
                a->operations[a->count - 1 - i] = first;
        }
}

/* ---- wrong error numbers ---- */

static void mistake_error(const struct attempt *a)
{
        const bool single = a->count == 1;

        switch (errno) {
        case EAGAIN:
                if (any_flag(a, IPC_NOWAIT)) {
                        const int value =
                                single && one_in_question(MUTANT_semop_eagain_as_eintr, MUTANT_semop_nonzero_as_ebusy)
                                        ? ask(a->id, a->operations[0].sem_num, GETVAL)
                                        : 0;
                        if (value > 254 && any_decrement(a) && chosen(semop_eagain_as_eintr))
                                errno = EINTR;
                        else if (value > 254 && any_zero(a) && chosen(semop_nonzero_as_ebusy))
                                errno = EBUSY;
                } else if (a->timeout && a->timeout->tv_sec == 0 && a->timeout->tv_nsec == 0) {
                        if (chosen(semtimedop_poll_as_etimedout))
                                errno = ETIMEDOUT;
                } else if (a->operations[0].sem_num < 1000 && chosen(semtimedop_expiry_as_etimedout)) {
                        errno = ETIMEDOUT;
                }
                break;
        case EIDRM:
                if (any_flag(a, SEM_UNDO) && chosen(semop_removed_with_undo_as_einval))
                        errno = EINVAL;
                else if (!single && chosen(semop_removed_with_array_as_einval))
                        errno = EINVAL;
                else if (single && any_zero(a) && chosen(semop_removed_with_zero_as_eintr))
                        errno = EINTR;
                else if (single && any_decrement(a) && chosen(semop_removed_with_decrement_as_einval))
                        errno = EINVAL;
                break;
        case EFBIG:
                if (chosen(semop_number_too_big_as_einval))
                        errno = EINVAL;
                break;
        case ERANGE:
                if (single && chosen(semop_range_as_einval))
                        errno = EINVAL;
                break;
        case EACCES:
                if (!single && !any_zero(a) && chosen(semop_alter_denied_as_eperm))
                        errno = EPERM;
                else if (!single && !any_change(a) && chosen(semop_read_denied_as_eperm))
                        errno = EPERM;
                break;
        case EINVAL:
                if (a->id < 0 && chosen(semop_negative_set_as_ebadf))
                        errno = EBADF;
                else if (a->id >= 0 && chosen_where(semop_unknown_set_as_eidrm, !set_exists(a->id)))
                        errno = EIDRM;
                break;
        case E2BIG:
                if (chosen(semop_too_many_as_einval))
                        errno = EINVAL;
                break;
        default: break;
        }
}

/* ---- other operations than those asked for ---- */

/* Each entry as if it were a call of its own. */
static int one_by_one(const struct attempt *a)
{
        for (size_t i = 0; i < a->count; i++) {
                if (done_with(a, &a->operations[i], 1) == -1)
                        return -1;
                let_others_run();
        }
        return 0;
}

/* Whether it takes and gives back the same. */
static bool cancels_out(const struct attempt *a)
{
        return a->count == 2 && a->operations[0].sem_num == a->operations[1].sem_num && a->operations[0].sem_op < 0 &&
               a->operations[0].sem_op + a->operations[1].sem_op == 0;
}

static void decrements_first(struct attempt *a)
{
        struct sembuf sorted[MOST_OPERATIONS] = {{0}};
        size_t count = 0;

        for (int decrements = 1; decrements >= 0; decrements--)
                for (size_t i = 0; i < a->count; i++)
                        if ((a->operations[i].sem_op < 0) == decrements)
                                sorted[count++] = a->operations[i];
        memcpy(a->operations, sorted, count * sizeof(*sorted));
}

/* Whether it is the lock that waits for zero and takes. */
static bool tests_and_sets(const struct attempt *a)
{
        return a->count == 2 && a->operations[0].sem_num == a->operations[1].sem_num && !a->operations[0].sem_op &&
               a->operations[1].sem_op > 0;
}

/* Entries for semaphores whose numbers are alike modulo 64 go to the first of these. */
static bool confuse_64_apart(struct attempt *a)
{
        bool confused = false;

        for (size_t i = 1; i < a->count; i++)
                for (size_t k = 0; k < i; k++)
                        if (a->operations[i].sem_num % 64 == a->operations[k].sem_num % 64 &&
                            a->operations[i].sem_num != a->operations[k].sem_num) {
                                a->operations[i].sem_num = a->operations[k].sem_num;
                                confused = true;
                        }
        return confused;
}

static void change_operations(struct attempt *a)
{
        const struct attempt asked = *a;
        struct attempt confused = *a;
        struct semid_ds ds;

        if (any_flag(a, IPC_NOWAIT) && chosen(semop_nowait_ignored))
                set_flags(a, 0, IPC_NOWAIT);
        if (any_flag(a, IPC_NOWAIT) && !all_flag(a, IPC_NOWAIT) && chosen(semop_nowait_must_be_everywhere))
                set_flags(a, 0, IPC_NOWAIT);
        if (any_flag(a, IPC_NOWAIT) && !all_flag(a, IPC_NOWAIT) && chosen(semop_nowait_of_any_entry))
                set_flags(a, IPC_NOWAIT, 0);
        if (a->count > 1 && names_one_twice(a) && all_flag(a, IPC_NOWAIT) && chosen(semop_array_backwards))
                reverse(a);
        if (a->count > 1 && !names_one_twice(a) && may_wait(a) && chosen(semop_waits_on_the_last))
                reverse(a);
        if (cancels_out(a) && may_wait(a) && chosen(semop_pair_does_nothing))
                a->operations[0].sem_op = a->operations[1].sem_op = 0;
        if (a->count > 1 && names_one_twice(a) && may_wait(a) && !any_zero(a) && chosen(semop_decrements_first))
                decrements_first(a);
        if (a->count > 64 && chosen(semop_array_of_64))
                a->count = 64;
        if (confuse_64_apart(&confused) && chosen(semop_numbers_modulo_64))
                *a = confused;
        for (size_t i = 0; i < asked.count; i++) {
                struct sembuf *const operation = &a->operations[i];
                const int op = asked.operations[i].sem_op;
                const int value = one_in_question(MUTANT_semop_carry_lost, MUTANT_semop_borrow_lost)
                                          ? ask(a->id, operation->sem_num, GETVAL)
                                          : 0;
                if (op >= 64 && op < 256 && value > 0 && value % 256 + op > 255 && chosen(semop_carry_lost))
                        operation->sem_op = (short)(op - 256);
                if (op <= -64 && op > -256 && value >= -op && value % 256 < -op && chosen(semop_borrow_lost))
                        operation->sem_op = (short)(op + 256);
                if (asked.operations[i].sem_op == -SEMVMX - 1 && chosen(semop_smallest_decrement_as_zero))
                        operation->sem_op = -1;
                if (asked.operations[i].sem_num > 255 && chosen(semop_number_cut_to_a_byte))
                        operation->sem_num &= 0xff;
        }
        if (one_in_question(MUTANT_semop_number_of_last_plus_one, MUTANT_semop_number_minus_one_as_first,
                            MUTANT_semop_only_first_number_judged) &&
            describe(a->id, &ds)) {
                const unsigned nsems = (unsigned)ds.sem_nsems;
                if (asked.operations[0].sem_num == nsems && chosen(semop_number_of_last_plus_one))
                        for (size_t i = 0; i < a->count; i++)
                                if (a->operations[i].sem_num == nsems)
                                        a->operations[i].sem_num--;
                if (asked.operations[0].sem_num == 0xffff && nsems <= 0xffff && chosen(semop_number_minus_one_as_first))
                        a->operations[0].sem_num = 0;
                if (asked.operations[0].sem_num < nsems)
                        for (size_t i = 1; i < asked.count; i++)
                                if (asked.operations[i].sem_num >= nsems && chosen(semop_only_first_number_judged)) {
                                        a->count = i;
                                        break;
                                }
        }
}

/* ---- permission ---- */

/* What is wrong with the rights of each kind of caller: its bits do not count, or are taken as given. */
static const struct {
        enum mutant_number refused, granted;
} rights[] = {
        [OWNER] = {MUTANT_semop_owner_refused, MUTANT_semop_owner_not_asked},
        [CREATOR] = {MUTANT_semop_creator_refused, MUTANT_semop_creator_not_asked},
        [OWNING_GROUP] = {MUTANT_semop_group_refused, MUTANT_semop_group_not_asked},
        [CREATING_GROUP] = {MUTANT_semop_creating_group_refused, MUTANT_semop_creating_group_not_asked},
        [OTHER] = {MUTANT_semop_others_refused, MUTANT_semop_others_not_asked},
};

static bool rights_are_in_question(void)
{
        for (size_t i = 0; i < sizeof(rights) / sizeof(*rights); i++)
                if (one_in_question(rights[i].refused, rights[i].granted))
                        return true;
        return one_in_question(MUTANT_semop_privilege_ignored, MUTANT_semop_effective_group_asked,
                               MUTANT_semop_asks_for_both_permissions);
}

/* Whether permission decides wrongly; then *result is what the call returns. */
static bool decide_wrongly(const struct attempt *a, int *result)
{
        const int needed = (any_zero(a) ? 04 : 0) | (any_change(a) ? 02 : 0);
        struct semid_ds ds;

        if (!rights_are_in_question() || !describe(a->id, &ds))
                return false;
        const enum kinship kin = kinship(&ds.sem_perm);
        const bool permitted = (needed & ~bits_of(&ds.sem_perm, kin)) == 0;
        if (has_privilege(CAP_IPC_OWNER)) {
                if (!permitted && chosen(semop_privilege_ignored))
                        return *result = fail(EACCES), true;
                return false;
        }
        if (permitted && kin > CREATOR && filesystem_group() != getegid() && getegid() != ds.sem_perm.gid &&
            getegid() != ds.sem_perm.cgid && chosen(semop_effective_group_asked))
                return *result = fail(EACCES), true;

        if (permitted && !(kin == OWNER && geteuid() == ds.sem_perm.cuid) && mutant_is_chosen(rights[kin].refused))
                return *result = fail(EACCES), true;
        if (!permitted && mutant_is_chosen(rights[kin].granted))
                return *result = 0, true;
        if (permitted && needed != 06 && bits_of(&ds.sem_perm, kin) != 06 && chosen(semop_asks_for_both_permissions))
                return *result = fail(EACCES), true;
        return false;
}

/* ---- after success and failure ---- */

static void spoil_failure(const struct attempt *a)
{
        const int error = errno;
        struct semid_ds ds;

        if (error != EAGAIN && error != ERANGE && error != EFBIG)
                return;
        if (error == EAGAIN && a->count > 1 && !names_one_twice(a) && chosen(semop_refused_array_keeps_its_first))
                done_with(a, &(struct sembuf){a->operations[0].sem_num, a->operations[0].sem_op, IPC_NOWAIT}, 1);
        if (error == ERANGE && a->count > 1 && !names_one_twice(a) && chosen(semop_overflowing_array_keeps_its_first))
                done_with(a, &(struct sembuf){a->operations[0].sem_num, a->operations[0].sem_op, IPC_NOWAIT}, 1);
        if (a->count > 1 && names_one_twice(a) && chosen(semop_refused_array_keeps_half_of_a_pair))
                done_with(a, &(struct sembuf){a->operations[0].sem_num, a->operations[0].sem_op, IPC_NOWAIT}, 1);
        if (error == EFBIG && a->count > 1 && chosen(semop_number_judged_when_its_turn_comes))
                done_with(a, &(struct sembuf){a->operations[0].sem_num, a->operations[0].sem_op, IPC_NOWAIT}, 1);
        if (error == ERANGE && a->count == 1 && !any_flag(a, SEM_UNDO) && chosen(semop_overflow_sets_the_largest))
                real_semctl(a->id, a->operations[0].sem_num, SETVAL, SEMVMX);
        if (one_in_question(MUTANT_semop_refused_leaves_its_pid, MUTANT_semop_refused_stamps_otime) &&
            describe(a->id, &ds) && a->operations[0].sem_num < ds.sem_nsems) {
                const int number = a->operations[0].sem_num;
                if (chosen(semop_refused_leaves_its_pid))
                        show(PID, a->id, number, ask(a->id, number, GETPID), getpid());
                if (chosen(semop_refused_stamps_otime))
                        show(OTIME, a->id, 0, ds.sem_otime, present());
        }
        errno = error;
}

struct witness {
        struct semid_ds before;
        bool described;
        int pids[2];                    /* of the first two entries' semaphores */
};

static struct witness look(const struct attempt *a)
{
        struct witness w = {.described = false};

        if (!one_in_question(MUTANT_semop_pid_of_first_only, MUTANT_semop_zero_leaves_no_pid,
                             MUTANT_semop_pid_of_thread, MUTANT_semop_pid_of_unnamed, MUTANT_semop_zero_stamps_nothing,
                             MUTANT_semop_stamps_for_the_first_only, MUTANT_semop_stamps_nothing,
                             MUTANT_semop_returns_the_number))
                return w;
        w.described = describe(a->id, &w.before);
        for (size_t i = 0; i < 2 && i < a->count; i++)
                w.pids[i] = ask(a->id, a->operations[i].sem_num, GETPID);
        return w;
}

static int spoil_success(const struct attempt *a, const struct witness *w)
{
        struct semid_ds after;

        if (!w->described || !describe(a->id, &after))
                return 0;
        if (a->count > 1 && a->operations[1].sem_num != a->operations[0].sem_num && w->pids[1] != getpid() &&
            chosen(semop_pid_of_first_only))
                show(PID, a->id, a->operations[1].sem_num, getpid(), w->pids[1]);
        if (a->count == 1 && any_zero(a) && w->pids[0] != getpid() && chosen(semop_zero_leaves_no_pid))
                show(PID, a->id, a->operations[0].sem_num, getpid(), w->pids[0]);
        if (getpid() != gettid() && chosen(semop_pid_of_thread))
                for (size_t i = 0; i < a->count; i++)
                        show(PID, a->id, a->operations[i].sem_num, getpid(), gettid());
        if (!names(a, 0) && chosen_where(semop_pid_of_unnamed, ask(a->id, 0, GETPID) != getpid()))
                show(PID, a->id, 0, ask(a->id, 0, GETPID), getpid());
        const bool stamped = after.sem_otime != w->before.sem_otime;
        if (stamped && !any_change(a) && chosen(semop_zero_stamps_nothing))
                show(OTIME, a->id, 0, after.sem_otime, w->before.sem_otime);
        if (stamped && !names(a, 0) && chosen(semop_stamps_for_the_first_only))
                show(OTIME, a->id, 0, after.sem_otime, w->before.sem_otime);
        if (stamped && any_change(a) && chosen(semop_stamps_nothing))
                show(OTIME, a->id, 0, after.sem_otime, w->before.sem_otime);
        if (a->count == 4 && chosen(semop_returns_the_number))
                return (int)a->count;
        return 0;
}

/* ---- all of it ---- */

static int operate(struct attempt *a)
{
        const struct attempt asked = *a;
        int result;

        if (decide_wrongly(a, &result))
                return result;
        if (a->count == 1 && a->operations[0].sem_op > 0 && any_flag(a, IPC_NOWAIT) &&
            chosen_where(semop_increment_refused_while_others_wait,
                         ask(a->id, a->operations[0].sem_num, GETNCNT) > 0))
                return fail(EAGAIN);
        if (a->count == 1 && any_zero(a) && any_flag(a, IPC_NOWAIT) && a->operations[0].sem_num > 0 &&
            chosen_where(semop_zero_of_the_first_judged, ask(a->id, 0, GETVAL) > 0))
                return fail(EAGAIN);
        if (a->count == 1 && any_zero(a) && any_flag(a, SEM_UNDO) && chosen(semop_zero_with_undo_refused))
                return fail(EINVAL);
        if (a->count == 1 && a->operations[0].sem_op < -1 && a->operations[0].sem_op > -SEMVMX &&
            any_flag(a, IPC_NOWAIT) && chosen(semop_decrement_leaves_one)) {
                struct sembuf more[2] = {a->operations[0], a->operations[0]};
                more[0].sem_op--;
                more[1].sem_op = 1;
                return done_with(a, more, 2);
        }
        if (a->count == 1 && a->operations[0].sem_op > 0 && in_question(semop_largest_value_refused) &&
            ask(a->id, a->operations[0].sem_num, GETVAL) + a->operations[0].sem_op == SEMVMX &&
            chosen(semop_largest_value_refused))
                return fail(ERANGE);
        if (chosen_where(semop_semopm_exclusive, a->count == (size_t)sem_info(IPC_INFO).semopm))
                return fail(E2BIG);
        change_operations(a);
        change_adjustments(a);
        const struct witness before = look(a);
        if (any_change(&asked))
                announce(asked.count > 1 ? BY_ARRAY : BY_SINGLE);
        if (a->count > 1 && may_wait(&asked) && all_decrements(&asked) && chosen(semop_entry_by_entry))
                result = one_by_one(a);
        else if (tests_and_sets(&asked) && chosen(semop_tests_before_it_sets))
                result = one_by_one(a);
        else if (a->timed)
                result = time_out_wrongly(a);
        else
                result = may_wait(a) ? wait_wrongly(a) : done_right(a);
        finish_adjustments(&asked, result);
        if (result == -1) {
                spoil_failure(&asked);
                mistake_error(&asked);
                return -1;
        }
        result = spoil_success(&asked, &before);
        if (asked.count > 1 && chosen(semop_writes_to_the_array))
                poke(asked.caller, &(struct sembuf){asked.operations[0].sem_num, 0, 0}, sizeof(struct sembuf));
        return result;
}

/* Calls without operations that could be looked at. */
static int without_operations(struct attempt *a, size_t count)
{
        const size_t most = (size_t)sem_info(IPC_INFO).semopm;

        if (count == 0 && set_exists(a->id) && chosen(semop_of_nothing_succeeds))
                return 0;
        if (count > most && !peek(a->operations, a->caller, sizeof(*a->operations)) &&
            chosen(semop_looks_before_it_counts))
                return fail(EFAULT);
        if (count > most && count < MOST_OPERATIONS && peek(a->operations, a->caller, count * sizeof(*a->operations)) &&
            chosen(semop_too_many_cut_off)) {
                a->count = most;
                return done_right(a);
        }
        const int result = a->timed ? real_semtimedop(a->id, a->caller, count, a->timeout)
                                    : real_semop(a->id, a->caller, count);
        if (result == -1 && errno == EFAULT && chosen(semop_bad_array_as_einval))
                errno = EINVAL;
        if (result == -1)
                mistake_error(a);
        return result;
}

static int call(struct attempt *a, size_t count)
{
        const int before = errno;
        int result;

        a->id = id_meant(a->id);
        a->count = count;
        if (count == 0 || count > MOST_OPERATIONS || count > (size_t)sem_info(IPC_INFO).semopm ||
            !peek(a->operations, a->caller, count * sizeof(*a->operations))) {
                a->count = 0;
                result = without_operations(a, count);
        } else {
                result = operate(a);
        }
        if (result != -1)
                errno = before;
        return result;
}

int semop(int id, struct sembuf *operations, size_t count)
{
        struct attempt a;

        if (!mutants_are_in_question(SEM_CALLS))
                return real_semop(id, operations, count);
        a.id = id;
        a.caller = operations;
        a.timed = false;
        a.timeout = NULL;
        return call(&a, count);
}

int semtimedop(int id, struct sembuf *operations, size_t count, const struct timespec *timeout)
{
        struct attempt a;

        if (!mutants_are_in_question(SEM_CALLS))
                return real_semtimedop(id, operations, count, timeout);
        a.id = id;
        a.caller = operations;
        a.timed = true;
        a.timeout = timeout;
        return call(&a, count);
}
