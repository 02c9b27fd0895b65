/* SPDX-License-Identifier: MIT
 *
 * log.c: system calls without the C library's functions: others interpose these as well and make IPC calls in them (as
 * libfakeroot does in fstat()), which would be met in turn.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"

enum { HIGH = 500, PATH_MOST = 4096, LINE_MOST = 512 };

static int log_fd = -1;
static struct statx log_file;
static char log_path[PATH_MOST];

static int open_log(const char *path)
{
        return (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
}

static bool identify(int file, struct statx *found)
{
        return syscall(SYS_statx, file, "", AT_EMPTY_PATH, STATX_INO, found) == 0;
}

bool log_open(const char *path)
{
        const int file = open_log(path);

        if (file == -1 || strlen(path) >= PATH_MOST || !identify(file, &log_file))
                return false;
        strcpy(log_path, path);
        log_fd = (int)syscall(SYS_fcntl, file, F_DUPFD_CLOEXEC, HIGH);  /* programs may count on low ones */
        if (log_fd == -1)
                log_fd = file;
        else
                syscall(SYS_close, file);
        return true;
}

/* A program may have closed our descriptor, and its number may be another file's by now. */
static bool still_ours(void)
{
        struct statx now;

        return identify(log_fd, &now) && now.stx_ino == log_file.stx_ino && now.stx_dev_major == log_file.stx_dev_major &&
               now.stx_dev_minor == log_file.stx_dev_minor;
}

static bool write_whole(int file, const char *line, size_t length)
{
        return syscall(SYS_write, file, line, length) == (long)length;
}

static void write_out(const char *line, size_t length)
{
        static const char lost[] = "ipck: IPCK_FAULT_LOG lost a line\n";

        if (still_ours() && write_whole(log_fd, line, length))
                return;
        const int file = open_log(log_path);
        if (!write_whole(file, line, length))
                write_whole(STDERR_FILENO, lost, sizeof(lost) - 1);
        syscall(SYS_close, file);
}

/* ---- one line, without stdio ---- */

struct line {
        char text[LINE_MOST];
        size_t length;
};

static void add(struct line *line, const char *text)
{
        for (; *text && line->length < LINE_MOST - 1; text++)
                line->text[line->length++] = *text;
}

static void add_number(struct line *line, const char *name, uint64_t number)
{
        char digits[24];
        size_t at = sizeof(digits) - 1;

        digits[at] = '\0';
        do {
                digits[--at] = (char)('0' + number % 10);
                number /= 10;
        } while (number > 0);
        add(line, name);
        add(line, &digits[at]);
}

static const char *const actions[] = {
        [FAULT_NONE] = "delay", [FAULT_FAIL] = "fail", [FAULT_INTERRUPT] = "interrupt",
        [FAULT_KILL_AT_ENTRY] = "kill=entry", [FAULT_KILL_BLOCKED] = "kill=blocked", [FAULT_KILL_AFTER] = "kill=after",
        [FAULT_STEP] = "step",
};

void log_fault(pid_t process, pid_t thread, enum call_number number, const struct fault *fault, bool fired)
{
        struct line line = {.length = 0};
        const int error = fault->action == FAULT_FAIL ? fault->error : fault->action == FAULT_INTERRUPT && fired ? EINTR : 0;

        if (log_fd == -1)
                return;
        add(&line, "{\"point\": \"");
        add(&line, calls[number].point);
        if (fault->scenario < SCENARIOS_MOST)
                add_number(&line, "\", \"scenario\": ", fault->scenario);
        else
                add(&line, "\", \"scenario\": null");
        add_number(&line, ", \"n\": ", fault->n);
        add_number(&line, ", \"process\": ", (uint64_t)process);
        add_number(&line, ", \"thread\": ", (uint64_t)thread);
        add(&line, ", \"action\": \"");
        add(&line, actions[fault->action]);
        add(&line, "\", \"errno\": ");
        const char *const name = error ? strerrorname_np(error) : NULL;
        if (name) {
                add(&line, "\"");
                add(&line, name);
                add(&line, "\"");
        } else if (error) {
                add_number(&line, "", (uint64_t)error);
        } else {
                add(&line, "null");
        }
        add(&line, fired ? ", \"fired\": true}\n" : ", \"fired\": false}\n");
        write_out(line.text, line.length);
}
