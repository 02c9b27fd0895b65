/* SPDX-License-Identifier: MIT
 *
 * tool.c: runs a program and takes what it writes.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/wait.h>

#include "internal.h"
#include "ipck_tool.h"

enum { MOST_OUTPUT = 1 << 20 };

struct taken {
        int fd;                 /* -1 at the end */
        char *text;
        size_t length;
};

static struct taken take_from(int fd)
{
        const struct taken new = {.fd = fd, .text = malloc(MOST_OUTPUT)};

        REQUIRE(new.text);
        return new;
}

/* Takes a piece; what is beyond the room is read and dropped, so that the program never waits. */
static void take_piece(struct taken *t)
{
        char rest[4096];
        const size_t room = MOST_OUTPUT - 1 - t->length;
        const ssize_t n = room ? read(t->fd, t->text + t->length, room) : read(t->fd, rest, sizeof(rest));

        if (n > 0 && room)
                t->length += (size_t)n;
        if (n == 0 || (n == -1 && errno != EINTR)) {
                close(t->fd);
                t->fd = -1;
        }
}

static void take_all(struct taken *out, struct taken *err)
{
        while (out->fd != -1 || err->fd != -1) {
                struct pollfd both[] = {{.fd = out->fd, .events = POLLIN}, {.fd = err->fd, .events = POLLIN}};

                if (poll(both, 2, -1) == -1)
                        continue;
                if (both[0].revents)
                        take_piece(out);
                if (both[1].revents)
                        take_piece(err);
        }
        out->text[out->length] = err->text[err->length] = '\0';
}

struct ran run_tool(const char *const *argv)
{
        int out[2], err[2], failed[2], status, error = 0;

        MUST(pipe2(out, O_CLOEXEC));
        MUST(pipe2(err, O_CLOEXEC));
        MUST(pipe2(failed, O_CLOEXEC));
        const pid_t pid = MUST_FORK(fork());
        if (pid == 0) {
                setenv("LC_ALL", "C", 1);
                setenv("TZ", "UTC", 1);
                dup2(out[1], 1);
                dup2(err[1], 2);
                execvp(argv[0], (char *const *)(uintptr_t)argv);
                error = errno;
                _exit(write(failed[1], &error, sizeof(error)) == sizeof(error) ? 127 : 126);
        }
        close(out[1]);
        close(err[1]);
        close(failed[1]);
        struct taken stdout_text = take_from(out[0]), stderr_text = take_from(err[0]);
        take_all(&stdout_text, &stderr_text);
        MUST(waitpid(pid, &status, 0));
        if (read(failed[0], &error, sizeof(error)) == sizeof(error))
                UNSUPPORTED("the program %s (%s)", argv[0], errno_name(error));
        close(failed[0]);
        return (struct ran){WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), stdout_text.text,
                            stderr_text.text};
}

void need_util_linux(const char *tool)
{
        struct ran version = RUN(tool, "--version");

        if (version.status != 0 || !strstr(version.out, "util-linux"))
                UNSUPPORTED("%s of util-linux (\"%s --version\" does not say so)", tool, tool);
        free(version.out);
        free(version.err);
}
