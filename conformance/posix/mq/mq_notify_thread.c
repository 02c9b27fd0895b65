/* SPDX-License-Identifier: MIT
 *
 * mq_notify() with SIGEV_THREAD, which is the C library's work: when the function runs, where, and how often.
 */
#include <dirent.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "ipck_mq_notify.h"
#include "ipck_thread.h"

static void *no_work(void *arg)
{
        return arg;
}

/* No test can see that the C library found no room for a thread of its own. */
static void threads_are_available(void)
{
        enum { PLENTY = 64 };
        struct rlimit processes;
        pthread_t thread;

        ipck_mq_available();
        (void)mq_notify((mqd_t)-1, NULL);       /* UNSUPPORTED where there is no such call */
        MUST(getrlimit(RLIMIT_NPROC, &processes));
        if (processes.rlim_cur < PLENTY)
                UNSUPPORTED("room for threads of the C library (RLIMIT_NPROC is %ju)", (uintmax_t)processes.rlim_cur);
        start_thread(&thread, no_work, NULL);
        REQUIRE(pthread_join(thread, NULL) == 0);
}

#undef IPCK_FILE_AVAILABLE
#define IPCK_FILE_AVAILABLE threads_are_available

/* What the function saw. One registration at a time. */
static struct {
        _Atomic int calls;
        _Atomic pid_t process;
        void *_Atomic pointer;
        pthread_t thread;
        size_t stack, guard;
} seen;

/* The process in which the function ran last, for all processes to see. */
static _Atomic pid_t *ran_in;

static void note(union sigval value)
{
        pthread_attr_t attr;

        seen.process = getpid();
        seen.pointer = value.sival_ptr;
        seen.thread = pthread_self();
        if (pthread_getattr_np(pthread_self(), &attr) == 0) {
                pthread_attr_getstacksize(&attr, &seen.stack);
                pthread_attr_getguardsize(&attr, &seen.guard);
                pthread_attr_destroy(&attr);
        }
        seen.calls++;
        if (ran_in)
                *ran_in = getpid();
}

static int ask_for_thread(mqd_t queue, void (*function)(union sigval), void *pointer, pthread_attr_t *attr)
{
        struct sigevent event = {
                .sigev_notify = SIGEV_THREAD, .sigev_value.sival_ptr = pointer, .sigev_notify_function = function,
                .sigev_notify_attributes = attr,
        };
        const int result = mq_notify(queue, &event);

        if (result == -1 && errno == ENOSYS)
                UNSUPPORTED("SIGEV_THREAD (mq_notify: ENOSYS)");
        /* What was asked for is what stood there. */
        memset(&event, 0, sizeof(event));
        return result;
}

/* Whether the process has come to rest: what else runs in it, threads of the library, waits. */
static bool others_rest(void)
{
        const pid_t own = (pid_t)syscall(SYS_gettid);
        DIR *const tasks = opendir("/proc/self/task");
        const struct dirent *entry;
        bool rest = true;

        private_proc();
        REQUIRE(tasks != NULL);
        while (rest && (entry = readdir(tasks))) {
                const pid_t id = (pid_t)strtol(entry->d_name, NULL, 10);

                rest = id == 0 || id == own || sleeping(id);
        }
        closedir(tasks);
        return rest;
}

static int ask(mqd_t queue)
{
        return ask_for_thread(queue, note, NULL, NULL);
}

TEST(arrival_runs_the_function, VERIFIES(mq_notify_thread, mq_notify_thread_null_attr, mq_notify_once), ONE_ROUTE)
{
        const mqd_t queue = small_mq(O_RDWR);
        int place;

        EQ(mq_notify_thread, ask_for_thread(queue, note, &place, NULL), 0);
        HOLDS(mq_notify_thread, is_registered(queue));
        EQ(mq_notify_thread, seen.calls, 0);
        mq_post(queue, 0, "text");
        EVENTUALLY(mq_notify_thread_null_attr, seen.calls > 0);
        EQ(mq_notify_thread, seen.process, getpid());
        HOLDS(mq_notify_thread, seen.pointer == &place);
        HOLDS(mq_notify_thread, !pthread_equal(seen.thread, pthread_self()));
        EQ(mq_notify_thread, mq_count(queue), 1);
        HOLDS(mq_notify_once, !is_registered(queue));

        /* That was the one: only what was asked for since runs. */
        take_all(queue);
        pass_message(queue);
        MUST(ask(queue));
        pass_message(queue);
        EVENTUALLY(mq_notify_once, seen.calls > 1);
        EQ(mq_notify_once, seen.calls, 2);
}

TEST(message_of_another_process_runs_the_function_here, VERIFIES(mq_notify_thread), ONE_ROUTE)
{
        const mqd_t queue = small_mq(O_RDWR);
        struct child sender;

        MUST(ask(queue));
        CHILD(&sender)
                mq_post(queue, 0, "text");
        join(&sender);
        EVENTUALLY(mq_notify_thread, seen.calls == 1);
        EQ(mq_notify_thread, seen.process, getpid());
}

static mqd_t rearmed;

static void ask_again(union sigval value)
{
        const int left = value.sival_int - 1;

        take_all(rearmed);
        if (left > 0) {
                const struct sigevent event = {
                        .sigev_notify = SIGEV_THREAD, .sigev_notify_function = ask_again,
                        .sigev_value.sival_int = left,
                };
                MUST(mq_notify(rearmed, &event));
        }
        seen.calls++;
}

TEST(function_can_register_again, VERIFIES(mq_notify_thread, mq_notify_once), ONE_ROUTE)
{
        enum { ROUNDS = 50 };
        const struct sigevent event = {
                .sigev_notify = SIGEV_THREAD, .sigev_notify_function = ask_again, .sigev_value.sival_int = ROUNDS,
        };

        rearmed = small_mq(O_RDWR);
        EQ(mq_notify_thread, mq_notify(rearmed, &event), 0);
        for (int round = 1; round <= ROUNDS; round++) {
                mq_post(rearmed, 0, "text");
                EVENTUALLY(mq_notify_thread, seen.calls >= round);
                EQ(mq_notify_once, seen.calls, round);
        }
        HOLDS(mq_notify_once, !is_registered(rearmed));
}

/* ---- attributes ---- */

static void *note_in_thread(void *nothing)
{
        note((union sigval){.sival_ptr = nothing});
        return nothing;
}

TEST(thread_has_the_attributes, VERIFIES(mq_notify_thread_attributes), ONE_ROUTE)
{
        static const struct {
                const char *name;
                size_t stack, guard;            /* guard in pages */
        } rows[] = {{"large stack", (size_t)3 << 20, 1}, {"small stack", (size_t)160 << 10, 1},
                    {"large guard", (size_t)256 << 10, 5}, {"no guard", (size_t)256 << 10, 0}};
        const mqd_t queue = small_mq(O_RDWR);

        EACH_ROW(row, rows) {
                const int before = seen.calls;
                pthread_attr_t attr;
                pthread_t thread;
                void *nothing;

                REQUIRE(pthread_attr_init(&attr) == 0);
                REQUIRE(pthread_attr_setstacksize(&attr, row->stack) == 0);
                REQUIRE(pthread_attr_setguardsize(&attr, row->guard * page_size()) == 0);
                /* The same as in a thread that was made with these attributes by the caller. */
                REQUIRE(pthread_create(&thread, &attr, note_in_thread, NULL) == 0);
                REQUIRE(pthread_join(thread, &nothing) == 0);
                const size_t stack = seen.stack, guard = seen.guard;

                REQUIRE(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) == 0);
                EQ(mq_notify_thread_attributes, ask_for_thread(queue, note, NULL, &attr), 0);
                REQUIRE(pthread_attr_destroy(&attr) == 0);
                memset(&attr, 0x5a, sizeof(attr));
                seen.stack = seen.guard = 0;
                pass_message(queue);
                EVENTUALLY(mq_notify_thread_attributes, seen.calls == before + 2);
                EQ(mq_notify_thread_attributes, seen.stack, stack);
                EQ(mq_notify_thread_attributes, seen.guard, guard);
        }
}

/* ---- removal and failure ---- */

TEST(removal_runs_nothing, VERIFIES(mq_notify_thread_null_attr, mq_notify_unregister), ONE_ROUTE)
{
        const mqd_t queue = small_mq(O_RDWR);
        static const struct {
                const char *name;
                bool with_attributes;
        } rows[] = {{"without attributes", false}, {"with attributes", true}};

        EACH_ROW(row, rows) {
                const int before = seen.calls;
                pthread_attr_t attr;

                REQUIRE(pthread_attr_init(&attr) == 0);
                REQUIRE(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) == 0);
                for (int round = 0; round < 20; round++) {
                        MUST(ask_for_thread(queue, note, NULL, row->with_attributes ? &attr : NULL));
                        EQ(mq_notify_thread_null_attr, mq_notify(queue, NULL), 0);
                        HOLDS(mq_notify_unregister, !is_registered(queue));
                        pass_message(queue);
                }
                /* What runs now is what is registered now, and it is the first. */
                EQ(mq_notify_thread_null_attr, ask(queue), 0);
                pass_message(queue);
                EVENTUALLY(mq_notify_thread_null_attr, seen.calls > before);
                EQ(mq_notify_unregister, seen.calls, before + 1);
                pthread_attr_destroy(&attr);
        }
}

static void be_refused(mqd_t queue, mqd_t closed)
{
        MUST(ask_for_nothing(queue));
        /* The library may set up at the first call what it needs for all. */
        FAILS_WITH(mq_notify_ebusy, EBUSY, ask(queue));
        UNTIL(others_rest());
        const int descriptors = open_descriptors();
        const uintmax_t threads = number_in("/proc/self/status", "Threads:");

        for (int round = 0; round < 5; round++) {
                FAILS_WITH(mq_notify_ebusy, EBUSY, ask(queue));
                FAILS_WITH(mq_notify_ebadf, EBADF, ask(closed));
        }
        EVENTUALLY(mq_notify_failed, number_in("/proc/self/status", "Threads:") <= threads);
        EQ(mq_notify_failed, open_descriptors(), descriptors);
        pass_message(queue);
        MUST(ask(queue));
        pass_message(queue);
        EVENTUALLY(mq_notify_failed, seen.calls > 0);
        EQ(mq_notify_failed, seen.calls, 1);
}

/* In a process of its own, which is to outlive it. */
TEST(refused_registration_leaves_nothing, VERIFIES(mq_notify_ebusy, mq_notify_ebadf, mq_notify_failed), ONE_ROUTE)
{
        const mqd_t queue = small_mq(O_RDWR), closed = (mqd_t)MUST(dup(queue));
        struct child caller;

        MUST(mq_close(closed));
        CHILD(&caller)
                be_refused(queue, closed);
        EQ(mq_notify_failed, reap(&caller), 0);
}

static void *never_rest(void *nothing)
{
        volatile unsigned n = 0;

        for (;;)
                n++;
        return nothing;
}

/* While other threads take the processors from it at any moment. */
TEST(refused_caller_goes_on, VERIFIES(mq_notify_failed), ONE_ROUTE)
{
        enum { CALLS = 3000, OTHERS = 2 };
        const mqd_t queue = small_mq(O_RDWR);
        struct child caller;

        CHILD(&caller) {
                pthread_t other;

                MUST(ask_for_nothing(queue));
                for (int i = 0; i < OTHERS; i++)
                        start_thread(&other, never_rest, NULL);
                for (int i = 0; i < CALLS; i++)
                        EQ(mq_notify_failed, ask(queue), -1);
        }
        EQ(mq_notify_failed, reap(&caller), 0);
}

/* ---- what the library needs for it ---- */

static int descriptors_for_exec(void)
{
        enum { HIGHEST = 256 };
        int count = 0;

        for (int fd = 0; fd < HIGHEST; fd++) {
                const int flags = fcntl(fd, F_GETFD);

                count += flags != -1 && !(flags & FD_CLOEXEC);
        }
        return count;
}

TEST(exec_passes_no_descriptor_on, VERIFIES(mq_notify_thread_cloexec), ONE_ROUTE)
{
        const mqd_t queue = small_mq(O_RDWR);
        const int before = descriptors_for_exec();

        MUST(ask(queue));
        EQ(mq_notify_thread_cloexec, descriptors_for_exec(), before);
        pass_message(queue);
        UNTIL(seen.calls == 1);
        EQ(mq_notify_thread_cloexec, descriptors_for_exec(), before);
}

static size_t default_stack(void)
{
        pthread_attr_t attr;
        size_t size = 0;

        REQUIRE(pthread_attr_init(&attr) == 0);
        REQUIRE(pthread_attr_getstacksize(&attr, &size) == 0);
        pthread_attr_destroy(&attr);
        return size;
}

/* However a registration ends. */
TEST(registrations_leave_no_descriptor_and_no_thread, VERIFIES(mq_notify_thread_no_leak), ONE_ROUTE)
{
        enum { CYCLES = 40 };
        const mqd_t queue = small_mq(O_RDWR);

        /* The library may set up at the first what it needs for all. */
        MUST(ask(queue));
        pass_message(queue);
        UNTIL(seen.calls == 1);
        MUST(ask(queue));
        MUST(mq_notify(queue, NULL));
        UNTIL(others_rest());
        const int descriptors = open_descriptors();
        const uintmax_t threads = number_in("/proc/self/status", "Threads:");
        const uintmax_t memory = number_in("/proc/self/status", "VmSize:");

        for (int cycle = 1; cycle <= CYCLES; cycle++) {
                MUST(ask(queue));
                pass_message(queue);
                UNTIL(seen.calls == 1 + cycle);
                MUST(ask(queue));
                MUST(mq_notify(queue, NULL));
                const mqd_t closed = (mqd_t)MUST(mq_open(QUEUE_NAME, O_RDWR));
                MUST(ask(closed));
                MUST(mq_close(closed));
        }
        EVENTUALLY(mq_notify_thread_no_leak, number_in("/proc/self/status", "Threads:") <= threads);
        EVENTUALLY(mq_notify_thread_no_leak, open_descriptors() <= descriptors);
        /* A library may keep some stacks for later, not one for each thread that there was. */
        EVENTUALLY(mq_notify_thread_no_leak,
                   number_in("/proc/self/status", "VmSize:") < memory + CYCLES / 2 * default_stack() / 1024);
}

TEST(standard_descriptors_can_be_closed, VERIFIES(mq_notify_thread), ONE_ROUTE)
{
        const mqd_t queue = small_mq(O_RDWR);

        for (int closed = 1; closed <= 3; closed++) {
                struct child c;

                CHILD(&c) {
                        for (int fd = 0; fd < closed; fd++)
                                close(fd);
                        EQ(mq_notify_thread, ask(queue), 0);
                        HOLDS(mq_notify_thread, is_registered(queue));
                        pass_message(queue);
                        EVENTUALLY(mq_notify_thread, seen.calls == 1);
                }
                join(&c);
        }
}

static void registered_or_failed(mqd_t queue, int result)
{
        HOLDS(mq_notify_failed, result == 0 || result == -1);
        EQ(mq_notify_failed, is_registered(queue), result == 0);
}

/* What the library needs may be a descriptor. Where it can do without, the registration is one as any other. */
TEST(no_descriptor_left_for_the_process, VERIFIES(mq_notify_failed, mq_notify_thread_no_descriptor), ONE_ROUTE)
{
        const mqd_t queue = small_mq(O_RDWR);
        const int lowest = (int)MUST(dup(0));
        struct rlimit before;

        MUST(close(lowest));
        MUST(getrlimit(RLIMIT_NOFILE, &before));
        MUST(setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)lowest, before.rlim_max}));
        const struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = note};
        const int result = mq_notify(queue, &event), error = errno;
        MUST(setrlimit(RLIMIT_NOFILE, &before));

        registered_or_failed(queue, result);
        pass_message(queue);
        if (result == 0)
                EVENTUALLY(mq_notify_failed, seen.calls == 1);
        UNTIL(others_rest());
        EQ(mq_notify_failed, seen.calls, result == 0);

        const int later = mq_notify(queue, &event), later_error = errno;
        OBSERVE(mq_notify_thread_no_descriptor, "without a free descriptor: %s; with one again: %s",
                result == 0 ? "registered" : errno_name(error), later == 0 ? "registered" : errno_name(later_error));
}

/* Whether the thread is made now or when it is to run is the library's choice. */
TEST(no_room_for_the_thread, VERIFIES(mq_notify_failed), ONE_ROUTE)
{
        const mqd_t queue = small_mq(O_RDWR);
        pthread_attr_t attr;
        pthread_t thread;
        size_t stack = SIZE_MAX / 2 + 1;

        /* The library may set up at the first call what it needs for all. */
        MUST(ask(queue));
        pass_message(queue);
        UNTIL(seen.calls == 1);
        MUST(mq_notify(queue, NULL));
        UNTIL(others_rest());
        REQUIRE(pthread_attr_init(&attr) == 0);
        while (pthread_attr_setstacksize(&attr, stack) != 0)
                stack /= 2;
        if (pthread_create(&thread, &attr, note_in_thread, NULL) == 0)
                UNSUPPORTED("a stack that no thread can have (%zu bytes are none)", stack);
        for (int round = 0; round < 5; round++) {
                const int descriptors = open_descriptors(), result = ask_for_thread(queue, note, NULL, &attr);

                registered_or_failed(queue, result);
                if (result == -1)
                        EQ(mq_notify_failed, open_descriptors(), descriptors);
                pass_message(queue);
                UNTIL(others_rest());
                EQ(mq_notify_failed, seen.calls, 1);
        }
        EQ(mq_notify_failed, ask(queue), 0);
        pass_message(queue);
        EVENTUALLY(mq_notify_failed, seen.calls == 2);
}

/* The library may hold back signals and requests while it makes a thread. */
static void stay_as_before(mqd_t queue)
{
        sigset_t set, before, after;

        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        REQUIRE(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
        REQUIRE(pthread_sigmask(SIG_BLOCK, NULL, &before) == 0);
        EACH_ROW(as, cancelabilities) {
                set_cancelability(as);
                for (int attempt = 0; attempt < 2; attempt++) {
                        /* The second is refused. */
                        EQ(mq_notify_thread_caller, ask(queue), -attempt);
                        HOLDS(mq_notify_thread_caller, has_cancelability(as));
                        REQUIRE(pthread_sigmask(SIG_BLOCK, NULL, &after) == 0);
                        for (int signo = 1; signo <= SIGRTMAX; signo++)
                                HOLDS(mq_notify_thread_caller,
                                      sigismember(&before, signo) == sigismember(&after, signo));
                }
                MUST(mq_notify(queue, NULL));
        }
}

TEST(caller_stays_as_it_was, VERIFIES(mq_notify_thread_caller, mq_notify_failed), ONE_ROUTE)
{
        const mqd_t queue = small_mq(O_RDWR);
        struct child caller;

        CHILD(&caller)
                stay_as_before(queue);
        EQ(mq_notify_failed, reap(&caller), 0);
}

/* ---- processes and signals ---- */

/* The parent has registered, and taken that back, before: its library may have a thread that listens. */
TEST(function_runs_in_the_process_that_asked, VERIFIES(mq_notify_thread_fork), ONE_ROUTE)
{
        static const struct {
                const char *name;
                bool parent_first;
        } rows[] = {{"the first in the family", false}, {"after the parent", true}};
        const mqd_t queue = small_mq(O_RDWR);

        ran_in = shared(sizeof(*ran_in));
        EACH_ROW(row, rows) {
                struct child c;

                if (row->parent_first) {
                        MUST(ask(queue));
                        MUST(mq_notify(queue, NULL));
                        UNTIL(others_rest());
                }
                *ran_in = 0;
                CHILD(&c) {
                        MUST(ask(queue));
                        UNTIL(others_rest());
                        pass_message(queue);
                        EVENTUALLY(mq_notify_thread_fork, *ran_in != 0);
                        EQ(mq_notify_thread_fork, *ran_in, getpid());
                }
                join(&c);
        }
}

/* A process with one thread, as far as it knows: a thread of the library takes none of its signals. The thread of the
 * function may, it has a mask of the implementation's choice. */
TEST(blocked_signal_stays_pending, VERIFIES(mq_notify_thread_signals), ONE_ROUTE)
{
        const mqd_t queue = small_mq(O_RDWR);
        sigset_t set, pending;

        catch_signal(SIGUSR1, 0);
        MUST(ask(queue));
        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        REQUIRE(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
        UNTIL(others_rest());
        MUST(kill(getpid(), SIGUSR1));
        UNTIL(others_rest());
        EQ(mq_notify_thread_signals, signals_caught(), 0);
        MUST(sigpending(&pending));
        EQ(mq_notify_thread_signals, sigismember(&pending, SIGUSR1), 1);
        HOLDS(mq_notify_thread_signals, is_registered(queue));
}
