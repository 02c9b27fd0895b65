/* SPDX-License-Identifier: MIT
 *
 * msgop.c: wrong implementations of msgsnd() and msgrcv().
 */
#include <linux/capability.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "msg.h"

enum { ROOM = 16384, PIECE = 4048 };    /* of text that the kernel keeps in the first page of a message */

struct message {
        long type;
        char text[ROOM];
};

/* ---- permission ---- */

/* Wrong rules of access, by which an operation is refused that should not be, or the reverse. */
enum sentence { AS_IT_IS, REFUSE, GRANT };

static enum sentence sentence_of_sender(const struct ipc_perm *perm)
{
        if (chosen_where(msgsnd_needs_read_permission_too, lacks(perm, 4)))
                return REFUSE;
        if (chosen_where(msgsnd_creator_is_nobody, refused_by(perm, CREATOR_IS_NOBODY, 2)))
                return REFUSE;
        if (chosen_where(msgsnd_creating_group_is_nobody, refused_by(perm, CREATING_GROUP_IS_NOBODY, 2)))
                return REFUSE;
        if (chosen_where(msgsnd_supplementary_groups_ignored, refused_by(perm, SUPPLEMENTARY_GROUPS_IGNORED, 2)))
                return REFUSE;
        if (chosen_where(msgsnd_real_user_decides,
                         refused_by(perm, BY_REAL_IDS, 2) || granted_by(perm, BY_REAL_IDS, 2))) {
                if (refused_by(perm, BY_REAL_IDS, 2))
                        return REFUSE;
                if (granted_by(perm, BY_REAL_IDS, 2))
                        return GRANT;
        }
        if (perm->__key == IPC_PRIVATE && chosen_where(msgsnd_private_queue_is_for_its_creator,
                         geteuid() != perm->cuid))
                return REFUSE;
        if (chosen_where(msgsnd_any_class_grants, granted_by(perm, BY_ANY_CLASS, 2)))
                return GRANT;
        return AS_IT_IS;
}

static enum sentence sentence_of_receiver(const struct ipc_perm *perm)
{
        if (chosen_where(msgrcv_needs_write_permission_too, lacks(perm, 2)))
                return REFUSE;
        if (chosen_where(msgrcv_creator_is_nobody, refused_by(perm, CREATOR_IS_NOBODY, 4)))
                return REFUSE;
        if (chosen_where(msgrcv_creating_group_is_nobody, refused_by(perm, CREATING_GROUP_IS_NOBODY, 4)))
                return REFUSE;
        if (chosen_where(msgrcv_effective_group_decides,
                         refused_by(perm, BY_EFFECTIVE_GROUP, 4) || granted_by(perm, BY_EFFECTIVE_GROUP, 4))) {
                if (refused_by(perm, BY_EFFECTIVE_GROUP, 4))
                        return REFUSE;
                if (granted_by(perm, BY_EFFECTIVE_GROUP, 4))
                        return GRANT;
        }
        if (chosen_where(msgrcv_any_class_grants, granted_by(perm, BY_ANY_CLASS, 4)))
                return GRANT;
        if (chosen_where(msgrcv_knows_no_privilege, privileged_only(perm, 4)))
                return REFUSE;
        return AS_IT_IS;
}

/* ---- signals ---- */

static bool some_handler(bool restarts)
{
        struct sigaction action;

        for (int signo = 1; signo < NSIG; signo++)
                if (sigaction(signo, NULL, &action) == 0 && action.sa_handler != SIG_IGN &&
                    action.sa_handler != SIG_DFL && (!restarts || action.sa_flags & SA_RESTART))
                        return true;
        return false;
}

static void do_nothing(int signo)
{
        (void)signo;
}

/* Installs a handler for what is ignored, or for SIGCONT; its signals then interrupt. */
static void be_interrupted_by(bool ignored, struct sigaction before[NSIG])
{
        const struct sigaction interrupting = {.sa_handler = do_nothing};

        for (int signo = 1; signo < NSIG; signo++)
                if (sigaction(signo, NULL, &before[signo]) == 0 &&
                    (ignored ? before[signo].sa_handler == SIG_IGN : signo == SIGCONT))
                        sigaction(signo, &interrupting, NULL);
}

static void be_as_before(bool ignored, const struct sigaction before[NSIG])
{
        for (int signo = 1; signo < NSIG; signo++)
                if (ignored ? before[signo].sa_handler == SIG_IGN : signo == SIGCONT)
                        sigaction(signo, &before[signo], NULL);
}

/* ---- msgsnd ---- */

struct sending {
        int id;
        const void *message;
        size_t size;
        int flags;
        int result, error;
};

static int send_it(const struct sending *s, int flags)
{
        return real_msgsnd(s->id, s->message, s->size, flags);
}

static void send_in_helper(void *argument)
{
        struct sending *const s = argument;

        s->result = send_it(s, s->flags);
        s->error = errno;
}

static int send_by_helper(const struct sending *s, int flags)
{
        struct sending *const shared = shared_with_children(sizeof(*shared));

        if (!shared)
                return send_it(s, flags);
        *shared = *s;
        shared->flags = flags;
        const int result = by_helper(send_in_helper, shared) ? shared->result : -1;
        const int error = result == -1 && shared->error ? shared->error : errno;
        munmap(shared, sizeof(*shared));
        errno = error;
        return result;
}

/* With another msg_qbytes for that moment. */
static int send_to_a_queue_for(const struct sending *s, struct msqid_ds *about, size_t bytes)
{
        const size_t before = about->msg_qbytes;

        about->msg_qbytes = bytes;
        if (real_msgctl(s->id, IPC_SET, about) == -1)
                return fail(EAGAIN);
        const int result = send_it(s, s->flags), error = errno;
        about->msg_qbytes = before;
        real_msgctl(s->id, IPC_SET, about);
        errno = error;
        return result;
}

static int send_what_can_be_read(const struct sending *s)
{
        struct message part = {0};
        size_t size = s->size;

        while (size > 0 && (size > ROOM || !peek(&part, s->message, offsetof(struct message, text) + size)))
                size--;
        return real_msgsnd(s->id, &part, size, s->flags);
}

/* Waits until fewer messages are there than now; or until there are none. */
static int send_after_a_receive(const struct sending *s, bool until_empty)
{
        struct msqid_ds about;

        while (describe_queue(s->id, &about)) {
                const size_t there = about.msg_qnum;
                while (about.msg_qnum >= there || (until_empty && about.msg_qnum)) {
                        if (!nap())
                                return -1;
                        if (!describe_queue(s->id, &about))
                                return fail(EIDRM);
                }
                const int result = send_it(s, s->flags | IPC_NOWAIT);
                if (result == 0 || errno != EAGAIN)
                        return result;
        }
        return fail(EIDRM);
}

static int send_when_interrupted_by(const struct sending *s, bool ignored)
{
        struct sigaction before[NSIG];

        be_interrupted_by(ignored, before);
        const int result = send_it(s, s->flags), error = errno;
        be_as_before(ignored, before);
        errno = error;
        return result;
}

static int send_with_cancellation(const struct sending *s, int state)
{
        int before;

        pthread_setcancelstate(state, &before);
        const int result = send_it(s, s->flags), error = errno;
        pthread_setcancelstate(before, NULL);
        errno = error;
        return result;
}

/* Of a call that would have to wait. */
static int wait_to_send(const struct sending *s)
{
        struct noted *notes;

        if (chosen(msgsnd_never_waits))
                return fail(EAGAIN);
        if (chosen(msgsnd_wakes_by_receives_alone))
                return send_after_a_receive(s, false);
        if (chosen(msgsnd_waits_until_the_queue_is_empty))
                return send_after_a_receive(s, true);
        if (chosen(msgsnd_ignored_signals_interrupt))
                return send_when_interrupted_by(s, true);
        if (chosen(msgsnd_sigcont_interrupts))
                return send_when_interrupted_by(s, false);
        if (chosen(msgsnd_is_no_cancellation_point))
                return send_with_cancellation(s, PTHREAD_CANCEL_DISABLE);
        if (chosen(msgsnd_is_cancelled_where_that_is_disabled))
                return send_with_cancellation(s, PTHREAD_CANCEL_ENABLE);
        if (chosen(msgsnd_outlives_its_caller))
                return send_by_helper(s, s->flags);
        if (chosen(msgsnd_stops_the_whole_process)) {
                hold_other_threads();
                const int result = send_it(s, s->flags), error = errno;
                release_other_threads();
                errno = error;
                return result;
        }
        if (chosen(msgsnd_waits_behind_those_who_wait) && (notes = noted(s->id))) {
                notes->number[0]++;
                const int result = send_it(s, s->flags), error = errno;
                notes->number[0]--;
                errno = error;
                return result;
        }

        int result = send_it(s, s->flags);

        while (result == -1 && errno == EINTR && chosen(msgsnd_restarts))
                result = send_it(s, s->flags);
        while (result == -1 && errno == EINTR && chosen(msgsnd_restarts_as_sa_restart_says) && some_handler(true))
                result = send_it(s, s->flags);
        if (result == -1 && errno == EINTR && chosen(msgsnd_interrupted_by_a_signal_is_eagain))
                errno = EAGAIN;
        if (result == -1 && errno == EACCES && chosen(msgsnd_forgets_that_permission_was_revoked))
                return 0;
        if (result == -1 && errno == EIDRM && chosen(msgsnd_eidrm_is_einval))
                errno = EINVAL;
        return result;
}

static bool would_wait(const struct sending *s, const struct msqid_ds *about)
{
        return !(s->flags & IPC_NOWAIT) &&
               (about->__msg_cbytes + s->size > about->msg_qbytes || about->msg_qnum + 1 > about->msg_qbytes) &&
               !lacks(&about->msg_perm, 2);
}

/* A message whose type or text is not what the caller gave. */
static int send_changed(const struct sending *s, struct message *message, size_t size)
{
        const struct sending changed = {s->id, message, size, s->flags, 0, 0};

        return send_it(&changed, s->flags);
}

static int send_message(struct sending *s, const struct msqid_ds *about)
{
        struct message message = {0};
        const bool short_enough = s->size <= ROOM &&
                                  peek(&message, s->message, offsetof(struct message, text) + s->size);
        const bool typed = short_enough || peek(&message.type, s->message, sizeof(message.type));

        if (typed && message.type == 0 && chosen(msgsnd_type_zero_is_one)) {
                message.type = 1;
                return short_enough ? send_changed(s, &message, s->size) : fail(EINVAL);
        }
        if (typed && message.type < 0 && chosen(msgsnd_negative_type_is_made_positive)) {
                message.type = message.type == LONG_MIN ? LONG_MAX : -message.type;
                return short_enough ? send_changed(s, &message, s->size) : fail(EINVAL);
        }
        if (typed && message.type == LONG_MAX && chosen(msgsnd_greatest_type_refused))
                return fail(EINVAL);
        if (short_enough && s->size > 1 && !message.text[s->size - 1] && chosen(msgsnd_null_byte_at_the_end_lost))
                return send_changed(s, &message, s->size - 1);
        if (short_enough && s->size == PIECE + 1 && chosen(msgsnd_byte_behind_the_first_piece_lost)) {
                message.text[PIECE] = (char)~message.text[PIECE];
                return send_changed(s, &message, s->size);
        }
        if (s->size > LONG_MAX && typed && chosen(msgsnd_negative_size_is_zero))
                return send_changed(s, &message, 0);
        long most;
        if (s->size > 8192 && chosen(msgsnd_maximum_never_changes))
                return fail(EINVAL);
        if (s->size && chosen_where(msgsnd_maximum_itself_refused,
                                    read_limit("kernel/msgmax", &most) && s->size == (size_t)most))
                return fail(EINVAL);
        if (s->size <= LONG_MAX && chosen_where(msgsnd_too_long_is_cut,
                         read_limit("kernel/msgmax", &most) && s->size > (size_t)most))
                s->size = (size_t)most;
        if (about && s->flags & IPC_NOWAIT && s->size && about->__msg_cbytes + s->size == about->msg_qbytes &&
            about->msg_qnum && chosen(msgsnd_exact_fit_refused))
                return fail(EAGAIN);
        if (s->flags & IPC_NOWAIT && chosen(msgsnd_waits_behind_those_who_wait) && noted(s->id) &&
            noted(s->id)->number[0])
                return fail(EAGAIN);
        if (about && would_wait(s, about))
                return wait_to_send(s);
        if (chosen(msgsnd_sender_is_another_process))
                return send_by_helper(s, s->flags);
        if (chosen_where(msgsnd_thread_is_no_sender, gettid() != getpid()))
                return send_by_helper(s, s->flags);

        const int result = send_it(s, s->flags);

        if (result == 0 && s->flags & ~IPC_NOWAIT && chosen(msgsnd_returns_unknown_flags))
                return s->flags & ~IPC_NOWAIT;
        if (result == 0)
                return 0;
        if (errno == EAGAIN && chosen(msgsnd_nowait_ignored))
                return send_it(s, s->flags & ~IPC_NOWAIT);
        if (errno == EAGAIN && about) {
                struct msqid_ds present = *about;
                if (about->__msg_cbytes + s->size == about->msg_qbytes + 1 && s->size && about->msg_qbytes &&
                    chosen(msgsnd_one_byte_too_many))
                        return send_to_a_queue_for(s, &present, about->msg_qbytes + 1);
                if (about->__msg_cbytes + s->size <= about->msg_qbytes && chosen(msgsnd_number_does_not_count))
                        return send_to_a_queue_for(s, &present, about->msg_qnum + 1);
        }
        if (errno == EAGAIN && chosen(msgsnd_full_queue_loses_its_oldest)) {
                real_msgrcv(s->id, &message, 0, 0, IPC_NOWAIT | MSG_NOERROR);
                errno = EAGAIN;
        }
        if (errno == EFAULT && typed && s->size <= ROOM && chosen(msgsnd_sends_what_can_be_read))
                return send_what_can_be_read(s);
        if (errno == EFAULT && !about && chosen(msgsnd_looks_at_the_queue_first))
                errno = EINVAL;
        if (errno == EFAULT && chosen(msgsnd_efault_is_einval))
                errno = EINVAL;
        if (errno == EAGAIN && chosen(msgsnd_eagain_is_enospc))
                errno = ENOSPC;
        if (errno == EACCES && chosen(msgsnd_eacces_is_eperm))
                errno = EPERM;
        if (errno == EACCES && chosen(msgsnd_permission_ignored))
                return 0;
        if (errno == EINVAL && !about && chosen(msgsnd_einval_is_eidrm))
                errno = EIDRM;
        return -1;
}

int msgsnd(int id, const void *text, size_t size, int flags)
{
        if (!mutants_are_in_question("msgsnd"))
                return real_msgsnd(id, text, size, flags);

        struct sending sending = {id, text, size, flags, 0, 0};
        struct msqid_ds about;

        if (id < -1 && chosen(msgsnd_sign_of_the_identifier_ignored))
                sending.id = id & INT_MAX;
        if (!describe_queue(sending.id, &about))
                return send_message(&sending, NULL);
        switch (sentence_of_sender(&about.msg_perm)) {
        case REFUSE: return fail(EACCES);
        case GRANT: return 0;
        default: return send_message(&sending, &about);
        }
}

/* ---- msgrcv ---- */

struct receiving {
        int id;
        void *message;
        size_t size;
        long type;
        int flags;
        ssize_t result;
        int error;
        struct message received;        /* where another process receives */
};

static ssize_t receive(const struct receiving *r)
{
        const ssize_t result = real_msgrcv(r->id, r->message, r->size, r->type, r->flags);

        if (result == -1 && errno == E2BIG && !(r->flags & (MSG_NOERROR | MSG_COPY)) && chosen(msgrcv_noerror_implied))
                return real_msgrcv(r->id, r->message, r->size, r->type, r->flags | MSG_NOERROR);
        return result;
}

static ssize_t receive_type(const struct receiving *r, long type, int flags)
{
        return real_msgrcv(r->id, r->message, r->size, type, flags);
}

/* The messages on a queue, from the first one on; they are only looked at. */
struct look {
        long type;
        ssize_t length;
};
enum { LOOKS = 64 };

static size_t look_at(int id, struct look looks[LOOKS])
{
        const int before = errno;
        struct message message;
        size_t count = 0;

        while (count < LOOKS) {
                looks[count].length = real_msgrcv(id, &message, ROOM, (long)count, MSG_COPY | IPC_NOWAIT);
                if (looks[count].length == -1)
                        break;
                looks[count++].type = message.type;
        }
        errno = before;
        return count;
}

static bool matches(const struct receiving *r, long type)
{
        if (r->type > 0)
                return (type == r->type) != ((r->flags & MSG_EXCEPT) != 0);
        return r->type == 0 || r->type == LONG_MIN || type <= -r->type;
}

static bool would_wait_for(const struct receiving *r, const struct msqid_ds *about)
{
        struct look looks[LOOKS];

        if (!about || lacks(&about->msg_perm, 4) || r->flags & (IPC_NOWAIT | MSG_COPY) || r->size > LONG_MAX)
                return false;
        const size_t count = look_at(r->id, looks);
        for (size_t i = 0; i < count; i++)
                if (matches(r, looks[i].type))
                        return false;
        return count < LOOKS;
}

static void receive_in_helper(void *argument)
{
        struct receiving *const r = argument;

        r->result = real_msgrcv(r->id, &r->received, r->size < ROOM ? r->size : ROOM, r->type, r->flags);
        r->error = errno;
}

static ssize_t receive_by_helper(const struct receiving *r)
{
        struct receiving *const shared = shared_with_children(sizeof(*shared));

        if (!shared || r->size > ROOM)
                return receive(r);
        *shared = *r;
        ssize_t result = by_helper(receive_in_helper, shared) ? shared->result : -1;
        int error = result == -1 && shared->error ? shared->error : errno;
        if (result >= 0 && !poke(r->message, &shared->received, offsetof(struct message, text) + (size_t)result)) {
                result = -1;
                error = EFAULT;
        }
        munmap(shared, sizeof(*shared));
        errno = error;
        return result;
}

static ssize_t receive_with_cancellation(const struct receiving *r, int state)
{
        int before;

        pthread_setcancelstate(state, &before);
        const ssize_t result = receive(r);
        const int error = errno;
        pthread_setcancelstate(before, NULL);
        errno = error;
        return result;
}

/* Looks now and then whether there is a message: the later a process began, the sooner. */
static ssize_t receive_by_polling(const struct receiving *r, bool until_ipc_set)
{
        const struct noted *const notes = noted(r->id);
        const long sets = notes ? notes->number[0] : 0;
        struct msqid_ds about;

        for (;;) {
                if (!nap())
                        return -1;
                if (!describe_queue(r->id, &about))
                        return fail(until_ipc_set ? EIDRM : EINVAL);
                if (until_ipc_set && notes && notes->number[0] != sets)
                        return fail(EINTR);
                if (!until_ipc_set && !would_wait_for(r, &about))
                        for (pid_t older = 100 - getpid() % 100; older > 0; older--)
                                nap();
                const ssize_t result = receive_type(r, r->type, r->flags | IPC_NOWAIT);
                if (result != -1 || errno != ENOMSG)
                        return result;
        }
}

/* Of a call that has to wait. */
static ssize_t wait_to_receive(struct receiving *r)
{
        if (chosen(msgrcv_never_waits))
                return fail(ENOMSG);
        if (r->type > 0 && !(r->flags & MSG_EXCEPT) && chosen(msgrcv_wakes_for_any_type))
                return receive_type(r, 0, r->flags & ~MSG_EXCEPT);
        if (r->type < 0 && chosen(msgrcv_negative_type_waits_for_the_bound_alone))
                return receive_type(r, r->type == LONG_MIN ? LONG_MAX : -r->type, r->flags);
        if (chosen(msgrcv_sleeper_takes_what_is_too_long))
                r->flags |= MSG_NOERROR;
        if (chosen(msgrcv_looks_now_and_then))
                return receive_by_polling(r, false);
        if (chosen(msgrcv_ipc_set_interrupts))
                return receive_by_polling(r, true);
        if (chosen(msgrcv_outlives_its_caller))
                return receive_by_helper(r);
        if (chosen(msgrcv_is_no_cancellation_point))
                return receive_with_cancellation(r, PTHREAD_CANCEL_DISABLE);
        if (chosen(msgrcv_is_cancelled_where_that_is_disabled))
                return receive_with_cancellation(r, PTHREAD_CANCEL_ENABLE);

        struct noted *const notes = chosen(msgrcv_message_is_for_all_who_wait) ? noted(r->id) : NULL;
        if (notes)
                notes->number[0]++;
        ssize_t result = receive(r);
        const int error = errno;
        if (notes && --notes->number[0] > 0 && result != -1)
                real_msgsnd(r->id, r->message, (size_t)result, IPC_NOWAIT);
        errno = error;
        while (result == -1 && errno == EINTR && chosen(msgrcv_restarts))
                result = receive(r);
        while (result == -1 && errno == EINTR && chosen(msgrcv_restarts_as_sa_restart_says) && some_handler(true))
                result = receive(r);
        if (result == -1 && errno == E2BIG && chosen(msgrcv_e2big_is_einval))
                errno = EINVAL;
        if (result == -1 && errno == EACCES && chosen(msgrcv_revoked_permission_is_eidrm))
                errno = EIDRM;
        if (result == -1 && errno == EIDRM && chosen(msgrcv_eidrm_is_einval))
                errno = EINVAL;
        return result;
}

/* A copy is asked for. */
static ssize_t copy(struct receiving *r)
{
        struct msqid_ds about;

        if (r->flags & MSG_EXCEPT && chosen(msgrcv_copy_ignores_except))
                r->flags &= ~MSG_EXCEPT;
        if (!(r->flags & IPC_NOWAIT) && chosen(msgrcv_copy_implies_nowait))
                r->flags |= IPC_NOWAIT;
        if (r->type > 1 && chosen(msgrcv_copy_counts_the_second_twice))
                r->type--;
        if (r->type < 0 && chosen_where(msgrcv_copy_counts_from_the_end, describe_queue(r->id, &about)))
                r->type += (long)about.msg_qnum;
        if (r->size > LONG_MAX / 2 && r->size <= LONG_MAX && chosen(msgrcv_copy_refuses_large_sizes))
                return fail(ENOMEM);

        ssize_t result = receive(r);

        if (result == -1 && errno == E2BIG && !(r->flags & MSG_NOERROR) && chosen(msgrcv_copy_cuts)) {
                struct message whole;
                if (real_msgrcv(r->id, &whole, ROOM, r->type, r->flags) != -1) {
                        poke(r->message, &whole, offsetof(struct message, text) + r->size);
                        return (ssize_t)r->size;
                }
        }
        if (result == -1 && errno == EINVAL && r->flags & MSG_NOERROR && chosen(msgrcv_copy_cuts_with_noerror)) {
                struct message whole;
                if (real_msgrcv(r->id, &whole, ROOM, r->type, r->flags) != -1) {
                        poke(r->message, &whole, offsetof(struct message, text) + r->size);
                        return (ssize_t)r->size;
                }
                errno = EINVAL;
        }
        if (result == -1)
                return -1;
        if (r->type > 0 && chosen_where(msgrcv_copy_removes_the_last,
                                        describe_queue(r->id, &about) && (size_t)r->type == about.msg_qnum - 1))
                real_msgrcv(r->id, &(struct message){0}, ROOM, ((struct message *)r->message)->type, IPC_NOWAIT);
        if (chosen(msgrcv_copy_is_a_receipt)) {
                struct message nothing = {.type = LONG_MAX - 1};
                if (real_msgsnd(r->id, &nothing, 0, IPC_NOWAIT) == 0)
                        real_msgrcv(r->id, &nothing, 0, LONG_MAX - 1, IPC_NOWAIT);
        }
        if (result > PIECE && chosen(msgrcv_copy_ends_with_the_first_piece))
                memset(((struct message *)r->message)->text + PIECE, 0, (size_t)result - PIECE);
        return result;
}

/* Which type a wrong choice takes. False: the choice is the right one. */
static bool choose_wrongly(const struct receiving *r, const struct msqid_ds *about, long *type)
{
        struct look looks[LOOKS];
        size_t count;

        if (r->type == 0 && !(r->flags & IPC_NOWAIT) && chosen(msgrcv_zero_takes_the_lowest))
                return *type = LONG_MIN, true;
        if (r->type == 0 && about && about->msg_qnum > 20 && chosen(msgrcv_long_queue_is_served_by_type))
                return *type = LONG_MIN, true;
        if (r->type == LONG_MIN && chosen(msgrcv_least_type_overflows))
                return *type = -1, true;
        if (r->type < 0 && r->type != LONG_MIN && !(r->flags & IPC_NOWAIT) && chosen(msgrcv_bound_is_exclusive))
                return *type = r->type == -1 ? LONG_MAX - 1 : r->type + 1, true;
        if (r->type < 0 && r->flags & MSG_EXCEPT && chosen(msgrcv_except_turns_negative_types_round)) {
                count = look_at(r->id, looks);
                for (size_t i = 0; i < count; i++)
                        if (looks[i].type > -r->type)
                                return *type = looks[i].type, true;
                return false;
        }
        if (r->type < 0 && chosen(msgrcv_negative_takes_the_first_in_reach)) {
                count = look_at(r->id, looks);
                for (size_t i = 0; i < count; i++)
                        if (matches(r, looks[i].type))
                                return *type = looks[i].type, true;
                return false;
        }
        if (r->type > 0 && !(r->flags & MSG_EXCEPT) && chosen(msgrcv_type_is_a_byte)) {
                count = look_at(r->id, looks);
                for (size_t i = 0; i < count; i++)
                        if ((looks[i].type & 0xff) == (r->type & 0xff))
                                return *type = looks[i].type, true;
                return false;
        }
        return false;
}

/* Puts the first message behind all others. */
static void put_first_last(int id)
{
        struct message message;
        const ssize_t length = real_msgrcv(id, &message, ROOM, 0, IPC_NOWAIT);

        if (length != -1)
                real_msgsnd(id, &message, (size_t)length, IPC_NOWAIT);
}

/* Makes the last message of a type the first of them. */
static void put_last_first(int id, long type)
{
        struct look looks[LOOKS];
        struct message message;
        const size_t count = look_at(id, looks);
        int alike = 0;

        for (size_t i = 0; i < count; i++)
                alike += looks[i].type == type;
        for (; alike > 1; alike--) {
                const ssize_t length = real_msgrcv(id, &message, ROOM, type, IPC_NOWAIT);
                if (length != -1)
                        real_msgsnd(id, &message, (size_t)length, IPC_NOWAIT);
        }
}

static ssize_t receive_failed(const struct receiving *r, const struct msqid_ds *about)
{
        if (errno == ENOMSG && about && about->msg_qnum && chosen(msgrcv_nowait_ignored))
                return receive_type(r, r->type, r->flags & ~IPC_NOWAIT);
        if (errno == ENOMSG && r->type < 0 && chosen(msgrcv_bound_does_not_bind))
                return receive_type(r, 0, r->flags);
        if (errno == ENOMSG && r->type > 0 && chosen(msgrcv_takes_another_type_if_need_be))
                return receive_type(r, 0, r->flags);
        if (errno == ENOMSG && about && about->msg_qnum && chosen(msgrcv_enomsg_is_eagain))
                errno = EAGAIN;
        if (errno == ENOMSG && about && !about->msg_qnum && r->type < 0 && chosen(msgrcv_nothing_in_reach_is_eagain))
                errno = EAGAIN;
        if (errno == E2BIG && chosen(msgrcv_too_long_is_removed)) {
                receive_type(r, r->type, r->flags | MSG_NOERROR);
                errno = E2BIG;
        }
        if (errno == E2BIG && chosen(msgrcv_too_long_is_skipped)) {
                struct look looks[LOOKS];
                const size_t count = look_at(r->id, looks);
                for (size_t i = 0; i < count; i++)
                        if (looks[i].length <= (ssize_t)r->size && matches(r, looks[i].type)) {
                                const ssize_t result = receive_type(r, looks[i].type, IPC_NOWAIT);
                                if (result != -1)
                                        return result;
                        }
                errno = E2BIG;
        }
        if (errno == E2BIG && chosen(msgrcv_e2big_is_einval))
                errno = EINVAL;
        if (errno == EACCES && chosen(msgrcv_eacces_is_eperm))
                errno = EPERM;
        if (errno == EACCES && chosen(msgrcv_permission_ignored))
                return 0;
        if (errno == EFAULT && chosen(msgrcv_efault_is_einval))
                errno = EINVAL;
        if (errno == EINVAL && !about && chosen(msgrcv_einval_is_eidrm))
                errno = EIDRM;
        return -1;
}

static ssize_t receive_message(struct receiving *r, const struct msqid_ds *about)
{
        const size_t room = r->size;
        long type;

        if (r->size > LONG_MAX && chosen(msgrcv_negative_size_is_a_large_one))
                r->size = LONG_MAX;
        if (r->flags & MSG_EXCEPT && r->type > 0 && r->flags & IPC_NOWAIT && chosen(msgrcv_except_ignored))
                r->flags &= ~MSG_EXCEPT;
        if (r->flags & MSG_NOERROR && r->flags & IPC_NOWAIT && chosen(msgrcv_noerror_ignored))
                r->flags &= ~MSG_NOERROR;
        if (r->flags & MSG_NOERROR && r->size == 0 && chosen(msgrcv_noerror_needs_room))
                return fail(EINVAL);
        if (would_wait_for(r, about))
                return wait_to_receive(r);
        if (choose_wrongly(r, about, &type)) {
                r->type = type;
                r->flags &= ~MSG_EXCEPT;
        }
        if (r->type < 0 && chosen(msgrcv_newest_of_the_lowest)) {
                struct look looks[LOOKS];
                const size_t count = look_at(r->id, looks);
                long lowest = LONG_MAX;
                for (size_t i = 0; i < count; i++)
                        if (looks[i].type < lowest)
                                lowest = looks[i].type;
                put_last_first(r->id, lowest);
        }
        if (chosen(msgrcv_receiver_is_another_process) ||
            chosen_where(msgrcv_thread_is_no_receiver, gettid() != getpid()))
                return receive_by_helper(r);

        const ssize_t result = receive(r);

        if (result == -1)
                return receive_failed(r, about);

        struct message *const message = r->message;
        const struct msqid_ds before = about ? *about : (struct msqid_ds){0};
        struct msqid_ds after;
        const bool known = describe_queue(r->id, &after);
        /* What was cut off, where nobody else uses the queue. */
        const size_t length = known && before.msg_qnum == after.msg_qnum + 1 ? before.__msg_cbytes - after.__msg_cbytes
                                                                            : (size_t)result;

        if (r->flags & MSG_NOERROR && length > (size_t)result && chosen(msgrcv_rest_is_a_new_message)) {
                struct message rest = {.type = message->type};
                real_msgsnd(r->id, &rest, length - (size_t)result < ROOM ? length - (size_t)result : ROOM, IPC_NOWAIT);
        }
        if (length > (size_t)result && chosen(msgrcv_cut_bytes_stay) && noted(r->id))
                noted(r->id)->number[0] += (long)(length - (size_t)result);
        if (length > (size_t)result && chosen(msgrcv_null_byte_behind_cut_text))
                poke(message->text + result, "", 1);
        if (r->flags & MSG_NOERROR && room < ROOM && (size_t)result < room && chosen(msgrcv_noerror_returns_the_room))
                return (ssize_t)room;
        if ((size_t)result < room && room <= ROOM && chosen(msgrcv_rest_of_the_buffer_cleared))
                memset(message->text + result, 0, room - (size_t)result);
        if (result == 0 && r->type > 0 && chosen(msgrcv_empty_message_has_a_byte))
                return 1;
        if (length > (size_t)result && chosen(msgrcv_length_is_that_of_the_whole_message))
                return (ssize_t)length;
        if (r->type < 0 && r->type != LONG_MIN && chosen(msgrcv_type_asked_for_is_stored))
                message->type = -r->type;
        if (r->type < 0 && r->type != LONG_MIN && chosen(msgrcv_others_change_places))
                put_first_last(r->id);
        if (length > (size_t)result && chosen(msgrcv_cut_message_takes_the_next_along))
                real_msgrcv(r->id, &(struct message){0}, ROOM, 0, IPC_NOWAIT);
        return result;
}

ssize_t msgrcv(int id, void *message, size_t size, long type, int flags)
{
        if (!mutants_are_in_question("msgrcv"))
                return real_msgrcv(id, message, size, type, flags);

        struct receiving receiving = {id, message, size, type, flags, 0, 0, {0, {0}}};
        struct msqid_ds about;

        if (id < -1 && chosen(msgrcv_sign_of_the_identifier_ignored))
                receiving.id = id & INT_MAX;
        if (flags & MSG_COPY)
                return copy(&receiving);
        if (!describe_queue(receiving.id, &about))
                return receive_message(&receiving, NULL);
        switch (sentence_of_receiver(&about.msg_perm)) {
        case REFUSE: return fail(EACCES);
        case GRANT: return 0;
        default: break;
        }

        static unsigned received;
        const ssize_t result = receive_message(&receiving, &about);

        if (result != -1 && !(flags & IPC_NOWAIT) && chosen(msgrcv_message_is_lost_to_a_handler) &&
            some_handler(false) && ++received % 7 == 0)
                return fail(EINTR);
        return result;
}
