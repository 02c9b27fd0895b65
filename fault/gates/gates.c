/* SPDX-License-Identifier: MIT
 *
 * gates.c: what a thread does at its gate.
 */
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gates.h"

const char *errno_name(int error);      /* conformance/lib/errno_names.c */

static struct gates *all;
static _Thread_local struct gate *own __attribute__((tls_model("initial-exec")));

static void move(void)
{
        all->moved++;
        syscall(SYS_futex, &all->moved, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void gate_own(struct gates *gates, unsigned number)
{
        all = gates;
        own = &gates->gate[number];
        own->thread = (int)syscall(SYS_gettid);
        own->process = getpid();
        own->state = GATE_RUNNING;
        move();
}

struct gates *gates_used(void)
{
        return all;
}

int gate_reserve(void)
{
        if (!all)
                return -1;
        const uint32_t number = all->count++;
        if (number >= GATES_MOST) {
                all->count--;
                return -1;
        }
        all->gate[number].process = getpid();
        all->gate[number].thread = (int)syscall(SYS_gettid);
        all->gate[number].state = GATE_RUNNING;
        return (int)number;
}

struct gate *gate_here(void)
{
        return own && own->state == GATE_RUNNING ? own : NULL;
}

static void end_without_opener(void)
{
        if (kill(all->opener, 0) == -1 && errno == ESRCH)
                kill(getpid(), SIGKILL);
}

static void wait_to_be_opened(struct gate *gate)
{
        const long look[] = {1, 0};     /* seconds and nanoseconds, as the system call of any machine takes them */

        gate->state = GATE_WAITING;
        move();
        while (gate->state == GATE_WAITING)
                if (syscall(SYS_futex, &gate->state, FUTEX_WAIT, GATE_WAITING, look, NULL, 0) == -1 && errno == ETIMEDOUT)
                        end_without_opener();
}

void gate_pass(struct gate *gate)
{
        const int before = errno;

        wait_to_be_opened(gate);
        errno = before;
        gate->state = GATE_IN_CALL;     /* from here to the call there is nothing to sleep for */
}

void gate_done(struct gate *gate, bool is_pointer, intptr_t result, bool failed)
{
        const int before = errno;

        if (failed)
                snprintf(gate->result, sizeof(gate->result), "-1 %s", errno_name(before));
        else if (is_pointer)
                snprintf(gate->result, sizeof(gate->result), "an address");
        else
                snprintf(gate->result, sizeof(gate->result), "%jd", (intmax_t)result);
        gate->made++;
        gate->state = GATE_RUNNING;
        move();
        errno = before;
}

void gate_end(void)
{
        struct gate *const gate = gate_here();

        if (!gate)
                return;
        snprintf(gate->call, sizeof(gate->call), "its end");
        wait_to_be_opened(gate);
        gate->state = GATE_LEAVING;
}

void gate_thread_ended(void)
{
        if (!own)
                return;
        own->state = GATE_ENDED;
        own = NULL;
        move();
}

/* ---- texts ---- */

__attribute__((format(printf, 2, 3)))
static void append(struct gate *gate, const char *format, ...)
{
        const size_t length = strlen(gate->call);
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(gate->call + length, sizeof(gate->call) - length, format, arguments);
        va_end(arguments);
}

void gate_say(struct gate *gate, const char *call)
{
        const int before = errno;

        snprintf(gate->call, sizeof(gate->call), "%s(", call);
        errno = before;
}

static bool is_semctl(const struct gate *gate)
{
        return strncmp(gate->call, "semctl(", 7) == 0;
}

static const char *command_name(const struct gate *gate, intptr_t command)
{
        static const char *const common[] = {[IPC_RMID] = "IPC_RMID", [IPC_SET] = "IPC_SET", [IPC_STAT] = "IPC_STAT"};
        static const char *const of_semctl[] = {
                [GETPID] = "GETPID", [GETVAL] = "GETVAL", [GETALL] = "GETALL", [GETNCNT] = "GETNCNT",
                [GETZCNT] = "GETZCNT", [SETVAL] = "SETVAL", [SETALL] = "SETALL",
        };

        if (command >= 0 && (size_t)command < sizeof(common) / sizeof(*common))
                return common[command];
        if (is_semctl(gate) && command > 0 && (size_t)command < sizeof(of_semctl) / sizeof(*of_semctl))
                return of_semctl[command];
        return NULL;
}

/* Of semctl(): what it is depends on the command, which is said already; many have none. */
static void say_fourth_argument(struct gate *gate, intptr_t value)
{
        if (strstr(gate->call, ", SETVAL"))
                append(gate, ", %d", (int)value);
        else if (strstr(gate->call, ", IPC_S") || strstr(gate->call, "ALL"))
                append(gate, ", ..");
}

static const char *operation(char *text, size_t size, const struct sembuf *one)
{
        snprintf(text, size, "{%u, %+d%s%s}", one->sem_num, one->sem_op, one->sem_flg & IPC_NOWAIT ? ", IPC_NOWAIT" : "",
                 one->sem_flg & SEM_UNDO ? ", SEM_UNDO" : "");
        return text;
}

void gate_say_argument(struct gate *gate, unsigned place, const char *name, char kind, intptr_t value)
{
        const int before = errno;
        const char *const comma = place ? ", " : "";
        char text[64];

        if (is_semctl(gate) && strcmp(name, "argument") == 0)
                say_fourth_argument(gate, value);
        else if (strcmp(name, "command") == 0 && command_name(gate, value))
                append(gate, "%s%s", comma, command_name(gate, value));
        else if (kind == 'o' && value)
                append(gate, "%s%s", comma, operation(text, sizeof(text), (const struct sembuf *)value));
        else if (kind == 's' && place == 0 && value)
                append(gate, "%s\"%.40s\"", comma, (const char *)value);
        else if (kind == 'd' && (strcmp(name, "flags") == 0 || strcmp(name, "mode") == 0))
                append(gate, "%s%#jo", comma, (uintmax_t)value);
        else if (kind == 'd')
                append(gate, "%s%jd", comma, (intmax_t)value);
        else
                append(gate, "%s%s", comma, value ? ".." : "NULL");
        errno = before;
}

void gate_said(struct gate *gate)
{
        const int before = errno;

        append(gate, ")");
        errno = before;
}
