/* SPDX-License-Identifier: MIT
 *
 * mq_notify() with SIGEV_THREAD, which is the C library's work: when the function runs, where, and how often.
 */
#include <dirent.h>
#include <sys/syscall.h>

#include "ipck_mq_notify.h"

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

TEST(refused_registration_leaves_nothing, VERIFIES(mq_notify_ebusy, mq_notify_ebadf, mq_notify_failed), ONE_ROUTE)
{
        const mqd_t queue = small_mq(O_RDWR), closed = (mqd_t)MUST(dup(queue));

        MUST(mq_close(closed));
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
