/* SPDX-License-Identifier: MIT
 *
 * reference.c: what the IPC calls can be compared with: the cheapest system call, and the other ways to hand something over.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

enum { MOST_BYTES = 8192 };

static void run_getpid(const struct bench *bench, unsigned long operations)
{
        (void)bench;
        while (operations--)
                syscall(SYS_getpid);
}

static void run_clock_gettime(const struct bench *bench, unsigned long operations)
{
        struct timespec t;

        (void)bench;
        while (operations--)
                clock_gettime(CLOCK_MONOTONIC, &t);
}

/* ---- streams of bytes: side 0 reads from[0], side 1 from[1] ---- */

static int from[2], to[2];
static size_t message_bytes;
static char message[MOST_BYTES];

static void give_bytes(int side)
{
        for (size_t done = 0; done < message_bytes;)
                done += (size_t)NEEDS(write(to[side], message + done, message_bytes - done));
}

static void take_bytes(int side)
{
        for (size_t done = 0; done < message_bytes;)
                done += (size_t)NEEDS(read(from[side], message + done, message_bytes - done));
}

static void open_pipes(size_t bytes)
{
        message_bytes = bytes;
        for (int side = 0; side < 2; side++) {
                int ends[2];
                NEEDS(pipe(ends));
                from[side] = ends[0];
                to[side] = ends[1];
        }
}

static void open_fifos(size_t bytes)
{
        char path[64];

        message_bytes = bytes;
        for (int side = 0; side < 2; side++) {
                snprintf(path, sizeof(path), "/dev/shm/ipck-bench-%d", (int)getpid());
                NEEDS(mkfifo(path, 0600));
                from[side] = to[side] = (int)NEEDS(open(path, O_RDWR));
                NEEDS(unlink(path));
        }
}

static void open_sockets(size_t bytes)
{
        int ends[2];

        message_bytes = bytes;
        NEEDS(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
        from[0] = to[1] = ends[0];
        from[1] = to[0] = ends[1];
}

static void open_eventfds(size_t bytes)
{
        (void)bytes;
        message_bytes = sizeof(uint64_t);
        *(uint64_t *)(void *)message = 1;
        for (int side = 0; side < 2; side++)
                from[side] = to[side] = (int)NEEDS(eventfd(0, 0));
}

static const struct mechanism pipes = {open_pipes, give_bytes, take_bytes};
static const struct mechanism fifos = {open_fifos, give_bytes, take_bytes};
static const struct mechanism sockets = {open_sockets, give_bytes, take_bytes};
static const struct mechanism eventfds = {open_eventfds, give_bytes, take_bytes};

/* ---- a futex: what a semaphore in user space is made of ---- */

static _Atomic uint32_t *words;

static void open_words(size_t bytes)
{
        (void)bytes;
        words = (void *)NEEDS(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

static void give_word(int side)
{
        atomic_store(&words[side], 1);
        NEEDS(syscall(SYS_futex, &words[side], FUTEX_WAKE, 1, NULL, NULL, 0));
}

static void take_word(int side)
{
        while (atomic_exchange(&words[side], 0) == 0)
                if (syscall(SYS_futex, &words[side], FUTEX_WAIT, 0, NULL, NULL, 0) == -1 && errno != EAGAIN && errno != EINTR)
                        bench_fails("futex(FUTEX_WAIT)", errno);
}

static const struct mechanism futexes = {open_words, give_word, take_word};

BENCH_LIST(reference_benches,
        CALLS("reference.getpid", "getpid(), the cheapest system call", 1, NULL, run_getpid),
        CALLS("reference.clock_gettime", "clock_gettime()", 1, NULL, run_clock_gettime),
        SEND_RECEIVE("reference.pipe.send_receive.1", "write() and read() of 1 byte, a pipe", &pipes, 1),
        SEND_RECEIVE("reference.pipe.send_receive.1k", "write() and read() of 1 KiB, a pipe", &pipes, 1024),
        SEND_RECEIVE("reference.pipe.send_receive.8k", "write() and read() of 8 KiB, a pipe", &pipes, 8192),
        PING_PONG("reference.pipe.ping_pong.1", "1 byte there and back, pipes", &pipes, 1),
        PING_PONG("reference.pipe.ping_pong.1k", "1 KiB there and back, pipes", &pipes, 1024),
        STREAM("reference.pipe.stream.64", "64 bytes one after the other, a pipe", &pipes, 64),
        STREAM("reference.pipe.stream.8k", "8 KiB one after the other, a pipe", &pipes, 8192),
        PING_PONG("reference.fifo.ping_pong.1", "1 byte there and back, FIFOs", &fifos, 1),
        PING_PONG("reference.socketpair.ping_pong.1", "1 byte there and back, socketpair()", &sockets, 1),
        STREAM("reference.socketpair.stream.8k", "8 KiB one after the other, socketpair()", &sockets, 8192),
        PING_PONG("reference.eventfd.ping_pong", "there and back, eventfd()", &eventfds, 0),
        PING_PONG("reference.futex.ping_pong", "there and back, futex()", &futexes, 0));
