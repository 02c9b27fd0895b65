/* SPDX-License-Identifier: MIT
 *
 * preload.c: gates for programs that know nothing of them: their processes and threads each get one, in the order in which
 * they are made.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gates.h"

static int of_child = -1;               /* the gate of the process that is being made */

static void before_fork(void)
{
        of_child = gate_here() ? gate_reserve() : -1;
}

static void in_child(void)
{
        char number[12];

        if (of_child < 0)
                return;
        gate_own(gates_used(), (unsigned)of_child);
        snprintf(number, sizeof(number), "%d", of_child);
        setenv("IPCK_GATE", number, 1);
}

static _Noreturn void refuse(const char *what)
{
        fprintf(stderr, "ipck: IPCK_GATES: %s\n", what);
        _exit(125);
}

__attribute__((constructor)) static void begin(void)
{
        const char *const path = getenv("IPCK_GATES"), *const number = getenv("IPCK_GATE");

        if (!path || !number)
                return;
        const int file = open(path, O_RDWR | O_CLOEXEC);
        if (file == -1)
                refuse("the file cannot be opened");
        void *const memory = mmap(NULL, sizeof(struct gates), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        close(file);
        const unsigned gate = (unsigned)strtoul(number, NULL, 10);
        if (memory == MAP_FAILED || gate >= GATES_MOST)
                refuse("this is no file of gates");
        /* A program that was started in another way than by exec() of the gate's owner has none. */
        if (((struct gates *)memory)->gate[gate].process != getpid())
                return;
        gate_own(memory, gate);
        pthread_atfork(before_fork, NULL, in_child);
}

__attribute__((destructor)) static void end(void)
{
        gate_end();
}

#pragma GCC visibility push(default)

_Noreturn void _exit(int status)
{
        void (*real)(int);

        *(void **)&real = dlsym(RTLD_NEXT, "_exit");
        gate_end();
        real(status);
        abort();
}

struct start {
        void *(*body)(void *);
        void *argument;
        int gate;
};

static void *with_gate(void *argument)
{
        struct start start = *(struct start *)argument;

        free(argument);
        if (start.gate >= 0)
                gate_own(gates_used(), (unsigned)start.gate);
        pthread_cleanup_push((void (*)(void *))gate_thread_ended, NULL);
        start.argument = start.body(start.argument);
        pthread_cleanup_pop(1);
        return start.argument;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument)
{
        int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

        *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
        struct start *const start = gate_here() ? malloc(sizeof(*start)) : NULL;
        if (!start)
                return real(thread, attributes, body, argument);
        *start = (struct start){body, argument, gate_reserve()};
        const int error = real(thread, attributes, with_gate, start);
        if (error && start->gate >= 0)
                gates_used()->gate[start->gate].state = GATE_ENDED;
        if (error)
                free(start);
        return error;
}
