/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"
#include "log.h"

/* libfiu's, where something has loaded it. */
int fiu_fail(const char *name) __attribute__((weak));
void *fiu_failinfo(void) __attribute__((weak));

bool fault_idle;

#define FAIL_NTH "/proc/thread-self/fail-nth"

enum { INTERRUPTION_NS = 1000000 };

static struct scenario scenarios[SCENARIOS_MOST];
static unsigned scenarios_count;
static uint64_t seed;

static _Atomic uint64_t of_process[SCENARIOS_MOST], of_libfiu;
static _Thread_local uint64_t of_thread[SCENARIOS_MOST] __attribute__((tls_model("initial-exec")));
static _Atomic uint64_t *of_tree = of_process;

/* What is between the two ends of the call that the thread is in. */
static _Thread_local struct {
        timer_t timer;
        sigset_t mask;
        pid_t watcher;
        int steps;
} under_way __attribute__((tls_model("initial-exec")));

/* ---- the beginning ---- */

static _Noreturn void refuse(const char *what, const char *why)
{
        fprintf(stderr, "ipck: %s: %s\n", what, why);
        _exit(125);
}

static void open_tree(const char *path)
{
        const int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

        if (file == -1 || ftruncate(file, sizeof(of_process)) == -1)
                refuse("IPCK_FAULT_TREE cannot be opened", path);
        void *const memory = mmap(NULL, sizeof(of_process), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (memory == MAP_FAILED)
                refuse("IPCK_FAULT_TREE cannot be mapped", path);
        close(file);
        of_tree = memory;
}

static void count_anew(void)
{
        memset(of_process, 0, sizeof(of_process));
        memset(of_thread, 0, sizeof(of_thread));
}

/* For signals that the program does not handle; its own handlers stay. */
static void interrupt_by_nothing(int signal)
{
        (void)signal;
}

static int signal_of(const struct scenario *s)
{
        return s->signal ? s->signal : SIGRTMAX - 1;
}

__attribute__((constructor)) static void begin(void)
{
        const char *const text = getenv("IPCK_FAULT"), *const number = getenv("IPCK_FAULT_SEED");
        const char *const tree = getenv("IPCK_FAULT_TREE"), *const log = getenv("IPCK_FAULT_LOG");
        char problem[160];
        const int count = parse_scenarios(text ? text : "", scenarios, problem, sizeof(problem));

        if (count == -1)
                refuse("IPCK_FAULT", problem);
        if (number) {
                char *end;
                seed = strtoull(number, &end, 10);
                if (*end || end == number)
                        refuse("IPCK_FAULT_SEED is no number", number);
        }
        if (log && *log && !log_open(log))
                refuse("IPCK_FAULT_LOG cannot be opened", log);
        if (tree && *tree)
                open_tree(tree);
        pthread_atfork(NULL, NULL, count_anew);
        scenarios_count = (unsigned)count;
        fault_idle = count == 0 && !fiu_fail;
}

/* ---- the decision ---- */

static uint64_t next(const struct scenario *s, unsigned number)
{
        return s->count == COUNT_THREAD ? ++of_thread[number] : ++(s->count == COUNT_TREE ? of_tree : of_process)[number];
}

/* Every scenario counts the call; the first that wants it has it. */
static bool a_scenario_fires(enum call_number number, struct fault *fault)
{
        bool fires = false;

        for (unsigned i = 0; i < scenarios_count; i++) {
                const struct scenario *const s = &scenarios[i];
                if (!(s->points >> number & 1))
                        continue;
                const uint64_t n = next(s, i);
                if (fires || !scenario_fires(s, i, n, seed))
                        continue;
                fires = true;
                *fault = (struct fault){s->action, s->error, i, n, s->delay};
                if (s->action == FAULT_FAIL && s->error == 0)
                        fault->error = drawn_error(&calls[number], i, n, seed);
        }
        return fires;
}

static bool libfiu_fires(enum call_number number, struct fault *fault)
{
        if (!fiu_fail || fiu_fail(calls[number].point) == 0)
                return false;
        const uint64_t n = ++of_libfiu;
        *fault = (struct fault){FAULT_FAIL, (int)(intptr_t)fiu_failinfo(), SCENARIOS_MOST, n, 0};
        if (fault->error == 0)
                fault->error = drawn_error(&calls[number], SCENARIOS_MOST, n, seed);
        return true;
}

bool fault_decides(enum call_number number, struct fault *fault)
{
        const int before = errno;
        const bool fires = a_scenario_fires(number, fault) || libfiu_fires(number, fault);

        errno = before;
        return fires;
}

/* ---- what happens ---- */

static _Noreturn void die(void)
{
        kill(getpid(), SIGKILL);
        for (;;)
                pause();
}

static void wait_for(uint64_t nanoseconds)
{
        struct timespec rest = {(time_t)(nanoseconds / 1000000000), (long)(nanoseconds % 1000000000)};

        while (nanosleep(&rest, &rest) == -1 && errno == EINTR)
                ;
}

/* Signals this thread again and again, for the first signal can come before the call begins to wait. */
static void begin_to_interrupt(const struct scenario *s)
{
        const int signal = signal_of(s);
        struct sigaction now;
        sigset_t only;

        if (sigaction(signal, NULL, &now) == 0 && (now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN))
                sigaction(signal, &(struct sigaction){.sa_handler = interrupt_by_nothing}, NULL);
        sigemptyset(&only);
        sigaddset(&only, signal);
        pthread_sigmask(SIG_UNBLOCK, &only, &under_way.mask);
        struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = signal};
        event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
        const struct timespec often = {0, INTERRUPTION_NS};
        if (timer_create(CLOCK_MONOTONIC, &event, &under_way.timer) == -1)
                refuse("timer_create", strerrordesc_np(errno));
        timer_settime(under_way.timer, 0, &(struct itimerspec){often, often}, NULL);
}

static void end_interrupting(void)
{
        timer_delete(under_way.timer);
        pthread_sigmask(SIG_SETMASK, &under_way.mask, NULL);
}

/* The state letter of proc(5) of a thread; 0 where it is gone. It stands behind the command's name in brackets. */
static char state_of(pid_t process, pid_t thread)
{
        char path[64], text[512];

        snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)process, (int)thread);
        const int file = open(path, O_RDONLY | O_CLOEXEC);
        const ssize_t length = file == -1 ? -1 : read(file, text, sizeof(text) - 1);
        close(file);
        if (length <= 0)
                return 0;
        text[length] = '\0';
        const char *const bracket = strrchr(text, ')');
        return bracket && bracket[1] == ' ' ? bracket[2] : 0;
}

/* A process that nobody waits for by accident (it ends without a signal) looks on, and strikes when the thread sleeps:
 * between here and the call there is nothing else to sleep for. */
static void begin_to_watch(enum call_number number, const struct fault *fault)
{
        const pid_t process = getpid(), thread = (pid_t)syscall(SYS_gettid);

        under_way.watcher = (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0);
        if (under_way.watcher == -1)
                refuse("clone", strerrordesc_np(errno));
        if (under_way.watcher != 0)
                return;
        for (;;) {
                const char state = state_of(process, thread);
                if (state == 0)
                        _exit(0);
                if (state == 'S') {
                        log_fault(process, thread, number, fault, true);
                        kill(process, SIGKILL);
                        _exit(0);
                }
                sched_yield();
        }
}

static void end_watching(void)
{
        kill(under_way.watcher, SIGKILL);
        while (waitpid(under_way.watcher, NULL, __WCLONE) == -1 && errno == EINTR)
                ;
}

/* The call after the last step that is failed is this one or none: what is armed still is disarmed at its end. */
static void begin_to_count_steps(const struct scenario *s)
{
        char text[16];
        const int length = snprintf(text, sizeof(text), "%llu", (unsigned long long)s->kernel_step);

        under_way.steps = (int)syscall(SYS_openat, AT_FDCWD, FAIL_NTH, O_RDWR | O_CLOEXEC);
        if (under_way.steps == -1)
                refuse(FAIL_NTH " cannot be opened: it takes a kernel with CONFIG_FAULT_INJECTION",
                       strerrordesc_np(errno));
        if (syscall(SYS_pwrite64, under_way.steps, text, length, 0, 0) != length)
                refuse(FAIL_NTH " cannot be written", strerrordesc_np(errno));
}

/* Whether the call came to that step. Reading is a step as well, and takes the fault when the call left it. */
static bool end_counting_steps(void)
{
        char text[16] = "";
        const bool fired = syscall(SYS_pread64, under_way.steps, text, sizeof(text) - 1, 0, 0) > 0 && atoi(text) == 0;

        while (syscall(SYS_pwrite64, under_way.steps, "0", 1, 0, 0) == -1 && errno == EFAULT)
                ;
        syscall(SYS_close, under_way.steps);
        return fired;
}

static void note(enum call_number number, const struct fault *fault, bool fired)
{
        log_fault(getpid(), (pid_t)syscall(SYS_gettid), number, fault, fired);
}

bool fault_enters(enum call_number number, const struct fault *fault)
{
        const int before = errno;

        if (fault->delay)
                wait_for(fault->delay);
        switch (fault->action) {
        case FAULT_NONE:
                note(number, fault, true);
                break;
        case FAULT_FAIL:
                note(number, fault, true);
                errno = fault->error;
                return true;
        case FAULT_INTERRUPT:
                begin_to_interrupt(&scenarios[fault->scenario]);
                break;
        case FAULT_KILL_AT_ENTRY:
                note(number, fault, true);
                die();
        case FAULT_KILL_BLOCKED:
                begin_to_watch(number, fault);
                break;
        case FAULT_KILL_AFTER:
                break;
        case FAULT_STEP:
                begin_to_count_steps(&scenarios[fault->scenario]);
                break;
        }
        errno = before;
        return false;
}

void fault_leaves(enum call_number number, const struct fault *fault, bool failed)
{
        const int before = errno;

        switch (fault->action) {
        case FAULT_INTERRUPT:
                end_interrupting();
                note(number, fault, failed && before == EINTR);
                break;
        case FAULT_KILL_BLOCKED:
                end_watching();
                note(number, fault, false);
                break;
        case FAULT_KILL_AFTER:
                note(number, fault, true);
                die();
        case FAULT_STEP:
                note(number, fault, end_counting_steps());
                break;
        default:
                break;
        }
        errno = before;
}
