/* SPDX-License-Identifier: MIT
 *
 * mq_notify(): calls that fail, and register nobody.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "ipck_filter.h"
#include "ipck_mq_notify.h"

static const struct sigevent by_signal = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
static const struct sigevent by_nothing = {.sigev_notify = SIGEV_NONE};

static const struct {
        const char *name;
        const struct sigevent *event;
} events[] = {{"SIGEV_SIGNAL", &by_signal}, {"SIGEV_NONE", &by_nothing}, {"null", NULL}};

TEST(descriptor_must_be_open, VERIFIES(mq_notify_ebadf))
{
        const mqd_t queue = small_mq(O_RDWR);
        const struct no_queues none = no_queues();

        EACH_ROW(row, none.closed) {
                EACH_ROW(e, events)
                        FAILS_WITH(mq_notify_ebadf, EBADF, mq_notify(row->queue, e->event));
        }
        HOLDS(mq_notify_ebadf, !is_registered(queue));
        EQ(mq_notify_ebadf, mq_notify(queue, &by_signal), 0);
}

TEST(descriptor_must_be_of_a_queue, VERIFIES(mq_notify_ebadf_notmq))
{
        const struct no_queues none = no_queues();

        EACH_ROW(row, none.other) {
                EACH_ROW(e, events)
                        FAILS_WITH(mq_notify_ebadf_notmq, EBADF, mq_notify(row->queue, e->event));
        }
}

/* Kinds of notification that no header has a name for. */
#ifdef __mips__
enum { UNDEFINED_KIND = 7, SIGNALS = 128 };
#else
enum { UNDEFINED_KIND = 7, SIGNALS = 64 };
#endif

TEST(notification_must_be_defined, VERIFIES(mq_notify_einval_sigev, mq_notify_failed))
{
        static const struct {
                const char *name;
                int notify, signo;
        } rows[] = {
                {"undefined", UNDEFINED_KIND, SIGUSR1}, {"sigev_notify -1", -1, SIGUSR1},
                {"sigev_notify INT_MAX", INT_MAX, SIGUSR1}, {"bit 31", INT_MIN, SIGUSR1},
                {"signal -1", SIGEV_SIGNAL, -1}, {"the signal after the last", SIGEV_SIGNAL, SIGNALS + 1},
                {"signal INT_MAX", SIGEV_SIGNAL, INT_MAX}, {"signal INT_MIN", SIGEV_SIGNAL, INT_MIN},
        };
        const mqd_t queue = small_mq(O_RDWR);

        REQUIRE(SIGRTMAX <= SIGNALS);
        EACH_ROW(row, rows) {
                const struct sigevent event = {.sigev_notify = row->notify, .sigev_signo = row->signo};

                FAILS_WITH(mq_notify_einval_sigev, EINVAL, mq_notify(queue, &event));
                HOLDS(mq_notify_failed, !is_registered(queue));
        }
        const struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGNALS};
        EQ(mq_notify_einval_sigev, mq_notify(queue, &event), 0);
}

TEST(invalid_call_leaves_the_registration, VERIFIES(mq_notify_failed))
{
        const mqd_t queue = small_mq(O_RDWR);
        const struct sigevent undefined = {.sigev_notify = UNDEFINED_KIND};
        siginfo_t info;

        hold_notices();
        MUST(ask_for_notice(queue, 1));
        (void)mq_notify(queue, &undefined);
        EQ(mq_notify_failed, mq_notify(-1, NULL), -1);
        mq_post(queue, 0, "text");
        EVENTUALLY(mq_notify_failed, notices(&info) == 1);
        EQ(mq_notify_failed, info.si_value.sival_int, 1);
}

/* The C library looks at the structure itself, to see whether it is SIGEV_THREAD. */
TEST(notification_must_be_readable, VERIFIES(mq_notify_efault, mq_notify_failed), ONE_ROUTE)
{
        const struct {
                const char *name;
                const struct sigevent *event;
        } rows[] = {
                {"unmapped", bad_address()},
                {"all but its first member", (const struct sigevent *)guarded(sizeof(union sigval))},
        };

        ipck_route = IPCK_RAW;
        const mqd_t queue = small_mq(O_RDWR);
        EACH_ROW(row, rows) {
                FAILS_WITH(mq_notify_efault, EFAULT, mq_notify(queue, row->event));
                HOLDS(mq_notify_failed, !is_registered(queue));
        }
}

/* ---- memory ---- */

/* A refused call stands for the machine that is short of it, and what is judged is the C library. */
TEST(want_of_memory_is_told, VERIFIES(mq_notify_enomem), ONE_ROUTE)
{
        const mqd_t queue = small_mq(O_RDWR);
        struct child caller;

        EQ(mq_notify_enomem, mq_notify(queue, NULL), 0);
        CHILD(&caller) {
                FAIL_CALLS(ENOMEM, SYS_mq_notify);
                EACH_ROW(e, events)
                        FAILS_WITH(mq_notify_enomem, ENOMEM, mq_notify(queue, e->event));
        }
        join(&caller);
        HOLDS(mq_notify_enomem, !is_registered(queue));
        EQ(mq_notify_enomem, mq_notify(queue, &by_signal), 0);
}

/* The system call takes memory for the message to the C library that starts the thread. Other steps may be hit as well
 * (copies from the caller's memory: EFAULT). */
TEST(registration_without_memory, VERIFIES(mq_notify_enomem), ONE_ROUTE)
{
        enum { MOST_STEPS = 50 };
        char cookie[32] = "";
        const mqd_t queue = small_mq(O_RDWR);
        const int told = (int)MUST(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
        const struct sigevent by_message = {
                .sigev_notify = SIGEV_THREAD, .sigev_signo = told, .sigev_value.sival_ptr = cookie,
        };
        int refused = 0;
        bool more = true;

        for (unsigned n = 1; more && n < MOST_STEPS; n++) {
                arm_fault(n);
                const long result = syscall(SYS_mq_notify, queue, &by_message);
                const int error = errno;
                more = disarm_fault();
                if (result == 0) {
                        MUST(mq_notify(queue, NULL));
                        continue;
                }
                HOLDS(mq_notify_enomem, error == ENOMEM || error == EFAULT);
                refused += error == ENOMEM;
                HOLDS(mq_notify_enomem, !is_registered(queue));
        }
        if (!refused)
                UNSUPPORTED("fault injection into ordinary kernel allocations (failslab/ignore-gfp-wait must be N)");
        HOLDS(mq_notify_enomem, !more);
}

/* What the C library's function for SIGEV_THREAD is made of. */
TEST(thread_is_told_through_a_netlink_socket, VERIFIES(mq_notify_cookie), ONE_ROUTE)
{
        static char cookie[32];
        const int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        const int other = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), file = open("/", O_PATH | O_CLOEXEC);
        const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

        if (netlink == -1 || other == -1)
                UNSUPPORTED("sockets of both kinds (%s)", errno_name(errno));
        const struct {
                const char *name;
                int socket;
                void *cookie;
                int error;
        } rows[] = {
                {"no descriptor", -1, cookie, EBADF},
                {"a path alone", file, cookie, EBADF},
                {"no socket", null, cookie, ENOTSOCK},
                {"another socket", other, cookie, EINVAL},
                {"cookie that is not mapped", netlink, bad_address(), EFAULT},
                {"cookie of which a byte lacks", netlink, guarded(sizeof(cookie) - 1), EFAULT},
        };

        ipck_route = IPCK_RAW;
        const mqd_t queue = small_mq(O_RDWR);
        EACH_ROW(row, rows) {
                const struct sigevent event = {
                        .sigev_notify = SIGEV_THREAD, .sigev_signo = row->socket, .sigev_value.sival_ptr = row->cookie};

                FAILS_WITH(mq_notify_cookie, row->error, mq_notify(queue, &event));
                HOLDS(mq_notify_cookie, !is_registered(queue));
        }
        const struct sigevent event = {
                .sigev_notify = SIGEV_THREAD, .sigev_signo = netlink, .sigev_value.sival_ptr = cookie};
        EQ(mq_notify_cookie, mq_notify(queue, &event), 0);
        HOLDS(mq_notify_cookie, is_registered(queue));
}
