/* SPDX-License-Identifier: MIT
 *
 * world.c: clocks, random numbers, keys, limits and memory for tests.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/syscall.h>

#include "internal.h"

/* ---- clocks ---- */

static int64_t clock_ns(clockid_t clock)
{
        struct timespec t;

        clock_gettime(clock, &t);
        return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t monotonic_ns(void)
{
        return clock_ns(CLOCK_MONOTONIC);
}

int64_t realtime_ns(void)
{
        return clock_ns(CLOCK_REALTIME);
}

double ipck_seconds(void)
{
        return (double)monotonic_ns() / 1e9;
}

#ifdef SYS_clock_gettime64
enum { NOW_CALL = SYS_clock_gettime64 };
#else
enum { NOW_CALL = SYS_clock_gettime };
#endif

static int64_t coarse_ns(void)
{
        int64_t t[2];

        /* The kernel stamps objects with the coarse clock; the fine one can already be a second ahead. And the clock is
         * asked for by the system call: what the vDSO reads is updated at another moment than what the kernel reads. */
        MUST(syscall(NOW_CALL, CLOCK_REALTIME_COARSE, t));
        return t[0] * 1000000000 + t[1];
}

time_t now(void)
{
        return (time_t)(coarse_ns() / 1000000000);
}

void next_second(time_t after)
{
        moment_of_second(after + 1, 0);
}

void moment_of_second(time_t second, long nanoseconds)
{
        const struct timespec moment = {.tv_sec = second, .tv_nsec = nanoseconds};

        /* Waiting for the clock is no synchronisation with anybody. The coarse clock is up to a tick behind. */
        clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &moment, NULL);
        UNTIL(coarse_ns() >= (int64_t)second * 1000000000 + nanoseconds);
}

void dawdle(void)
{
        volatile uint32_t n = random_below(1U << random_below(16));

        while (n > 0)
                n--;
}

int64_t scaled_ns(int64_t nanoseconds)
{
        return (int64_t)((double)nanoseconds * ipck_options.time_scale);
}

struct timespec deadline_in(clockid_t clock, int64_t nanoseconds)
{
        const int64_t end = clock_ns(clock) + nanoseconds;

        return (struct timespec){.tv_sec = (time_t)(end / 1000000000), .tv_nsec = (long)(end % 1000000000)};
}

/* ---- what the whole machine shares ---- */

void take_turn(const char *directory)
{
        static int turn = -1;
        const int64_t patience = monotonic_ns() + scaled_ns(INT64_C(4000000000));

        if (turn != -1)
                return;
        turn = open(directory, O_RDONLY | O_CLOEXEC);
        UNTIL(turn == -1 || flock(turn, LOCK_EX | LOCK_NB) == 0 || monotonic_ns() > patience);
}

/* ---- limits, descriptors, names ---- */

rlim_t ipck_set_rlimit(struct ipck_here here, const char *name, int resource, rlim_t soft)
{
        struct rlimit limit;

        MUST(getrlimit(resource, &limit));
        const rlim_t before = limit.rlim_cur;
        if (limit.rlim_max < soft)
                ipck_unsupported(here, "a hard %s of %ju or more (it is %ju)", name, (uintmax_t)soft,
                                 (uintmax_t)limit.rlim_max);
        limit.rlim_cur = soft;
        MUST(setrlimit(resource, &limit));
        /* An emulator that needs the resource itself may pass over its limit. */
        MUST(getrlimit(resource, &limit));
        if (limit.rlim_cur != soft)
                ipck_unsupported(here, "%s", name);
        return before;
}

/* Names in the directory, or -1. */
static int count_names(DIR *stream)
{
        int count = 0;

        if (!stream)
                return -1;
        for (const struct dirent *entry; (entry = readdir(stream));)
                count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
        closedir(stream);
        return count;
}

int open_descriptors(void)
{
        /* A thousand calls for a few descriptors cost more than the test around where calls are dear. */
        int count = count_names(opendir("/proc/self/fd"));

        if (count > 0)
                return count - 1;       /* without the one that was read */
        count = 0;
        for (int fd = 0; fd < 1024; fd++)
                count += fcntl(fd, F_GETFD) != -1;
        return count;
}

int next_descriptor(void)
{
        const int fd = (int)MUST(fcntl(STOP_FD, F_DUPFD, 0));

        MUST(close(fd));
        return fd;
}

int names_in(const char *directory)
{
        const int count = count_names(opendir(directory));

        if (count == -1)
                CANNOT("opendir");
        return count;
}

void need_descriptors(int count)
{
        const int first = (int)MUST(open("/", O_PATH | O_CLOEXEC));
        const int last = fcntl(first, F_DUPFD_CLOEXEC, first + count - 1);

        close(first);
        if (last == -1)
                UNSUPPORTED("%d descriptors more (RLIMIT_NOFILE)", count);
        close(last);
}

/* ---- random numbers: splitmix64 ---- */

static uint64_t random_seed;
static _Atomic uint32_t random_drawn;   /* not every 32-bit machine has larger atomic numbers */

uint64_t ipck_mix(uint64_t x)
{
        x += 0x9e3779b97f4a7c15;
        x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
        x = (x ^ x >> 27) * 0x94d049bb133111eb;
        return x ^ x >> 31;
}

uint64_t ipck_draw(const char *id)
{
        uint64_t state = ipck_options.seed;

        for (; *id; id++)
                state = ipck_mix(state ^ (unsigned char)*id);
        return state;
}

void ipck_seed_test(const char *id)
{
        random_seed = ipck_draw(id);
        random_drawn = 0;
}

uint32_t random_below(uint32_t below)
{
        uint64_t next = ipck_mix(random_seed + atomic_fetch_add(&random_drawn, 1) * 0x9e3779b97f4a7c15);

        return (uint32_t)((next >> 32) * below >> 32);
}

/* ---- keys ---- */

key_t fresh_key(void)
{
        for (;;) {
                key_t key = (key_t)(random_below(0x7fffffff) + 1);
                if (semget(key, 0, 0) == -1 && msgget(key, 0) == -1 && shmget(key, 0, 0) == -1)
                        return key;
        }
}

/* ---- files ---- */

ssize_t read_file(const char *path, char *buffer, size_t size)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        size_t length = 0;
        ssize_t n = -1;

        if (fd < 0)
                return -1;
        while (length < size - 1 && (n = read(fd, buffer + length, size - 1 - length)) > 0)
                length += (size_t)n;
        int error = errno;
        close(fd);
        buffer[length] = '\0';
        errno = error;
        return n < 0 ? -1 : (ssize_t)length;
}

uintmax_t number_in(const char *path, const char *label)
{
        char text[4096];
        uintmax_t number;

        if (read_file(path, text, sizeof(text)) <= 0)
                UNSUPPORTED("%s (%s)", path, errno_name(errno));
        const char *const found = strstr(text, label);
        if (!found || sscanf(found + strlen(label), "%ju", &number) != 1)
                UNSUPPORTED("a number behind \"%s\" in %s", label, path);
        return number;
}

int write_sysctl(const char *name, const char *text)
{
        char path[256];

        snprintf(path, sizeof(path), "/proc/sys/%s", name);
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return -1;
        ssize_t n = write(fd, text, strlen(text));
        int error = errno;
        close(fd);
        errno = error;
        return n == (ssize_t)strlen(text) ? 0 : -1;
}

void set_sysctl(const char *name, const char *text)
{
        if (write_sysctl(name, text) == -1) {
                if (errno == EACCES || errno == EPERM || errno == ENOENT || errno == EROFS || errno == EIO)
                        UNSUPPORTED("write access to /proc/sys/%s in an own IPC namespace (%s)", name,
                                    errno_name(errno));
                CANNOT("writing /proc/sys");
        }
}

/* ---- kernel fault injection ---- */

static _Thread_local int fail_nth = -1;

void arm_fault(unsigned n)
{
        char text[16];

        if (fail_nth < 0)
                fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
        if (fail_nth < 0)
                UNSUPPORTED("kernel fault injection: /proc/thread-self/fail-nth: %s", errno_name(errno));
        const int length = snprintf(text, sizeof(text), "%u", n);
        MUST(pwrite(fail_nth, text, (size_t)length, 0));
}

bool disarm_fault(void)
{
        char text[16] = "";
        /* What is still armed can hit this very call: then the call under test did not reach that step. */
        const ssize_t n = pread(fail_nth, text, sizeof(text) - 1, 0);
        const bool fired = n > 0 && atoi(text) == 0;

        while (pwrite(fail_nth, "0", 1, 0) == -1 && errno == EFAULT) {
        }
        return fired;
}

/* ---- memory ---- */

size_t page_size(void)
{
        return (size_t)sysconf(_SC_PAGESIZE);
}

static unsigned char pattern_at(size_t i, uint32_t seed)
{
        /* Neighbouring bytes, pages and seeds differ. */
        return (unsigned char)((i * 0x9e3779b1 + seed * 0x85ebca6b) >> 13 ^ i);
}

void fill_pattern(void *memory, size_t size, uint32_t seed)
{
        unsigned char *bytes = memory;

        for (size_t i = 0; i < size; i++)
                bytes[i] = pattern_at(i, seed);
}

bool has_pattern(const void *memory, size_t size, uint32_t seed)
{
        const unsigned char *bytes = memory;

        for (size_t i = 0; i < size; i++)
                if (bytes[i] != pattern_at(i, seed))
                        return false;
        return true;
}

long first_other(const void *memory, size_t size, unsigned char value)
{
        const unsigned char *bytes = memory;

        for (size_t i = 0; i < size; i++)
                if (bytes[i] != value)
                        return (long)i;
        return -1;
}

bool all_bytes(const void *memory, size_t size, unsigned char value)
{
        return first_other(memory, size, value) == -1;
}

static sigjmp_buf after_fault;

static void leave_access(int signo)
{
        siglongjmp(after_fault, signo);
}

static int access_signal(volatile char *address, bool store)
{
        struct sigaction action = {.sa_handler = leave_access}, segv, bus;

        sigemptyset(&action.sa_mask);
        MUST(sigaction(SIGSEGV, &action, &segv));
        MUST(sigaction(SIGBUS, &action, &bus));
        const int signo = sigsetjmp(after_fault, 1);
        if (signo == 0) {
                const char byte = *address;
                if (store)
                        *address = byte;
        }
        MUST(sigaction(SIGSEGV, &segv, NULL));
        MUST(sigaction(SIGBUS, &bus, NULL));
        return signo;
}

int load_signal(const volatile void *address)
{
        return access_signal((volatile char *)(uintptr_t)address, false);
}

int store_signal(volatile void *address)
{
        return access_signal(address, true);
}

bool is_mapped(const void *page)
{
        unsigned char resident;

        if (mincore((void *)(uintptr_t)page, 1, &resident) == 0)
                return true;
        if (errno != ENOMEM)
                CANNOT("mincore");
        return false;
}

static void *map(size_t size, int protection)
{
        void *memory = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (memory == MAP_FAILED)
                CANNOT("mmap");
        return memory;
}

void *bad_address(void)
{
        return map(page_size(), PROT_NONE);
}

void *read_only_page(void)
{
        return map(page_size(), PROT_READ);
}

void *guarded(size_t size)
{
        const size_t page = page_size(), whole = (size + page - 1) / page * page;
        char *memory = map(whole + page, PROT_READ | PROT_WRITE);

        MUST(mprotect(memory + whole, page, PROT_NONE));
        return memory + whole - size;
}

const char *guarded_text(const char *text)
{
        const size_t size = strlen(text) + 1;

        return memcpy(guarded(size), text, size);
}

void *free_range(size_t size)
{
        /* With a page on either side. An attachment may have to begin at a multiple of more than a page. */
        const size_t page = page_size(), multiple = (size_t)SHMLBA, whole = size + 2 * page + multiple;
        char *const memory = map(whole, PROT_NONE);

        MUST(munmap(memory, whole));
        return (void *)(((uintptr_t)memory + page + multiple - 1) / multiple * multiple);
}

bool ipck_readable(const void *address, size_t size)
{
        int ends[2];

        if (pipe(ends) == -1)
                return false;
        ssize_t n = write(ends[1], address, size);
        close(ends[0]);
        close(ends[1]);
        return n == (ssize_t)size;
}
