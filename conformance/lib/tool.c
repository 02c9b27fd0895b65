/* SPDX-License-Identifier: MIT
 *
 * tool.c: runs a program and takes what it writes.
 */
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdarg.h>
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
        out->text = realloc(out->text, out->length + 1);
        err->text = realloc(err->text, err->length + 1);
        REQUIRE(out->text && err->text);
}

/* No fork(): a copy of this process would be attached to its segments for a moment, which they record. */
static pid_t start(const char *const *argv, int out, int err)
{
        posix_spawn_file_actions_t actions;
        pid_t pid;

        setenv("LC_ALL", "C", 1);
        setenv("TZ", "UTC", 1);
        REQUIRE(posix_spawn_file_actions_init(&actions) == 0);
        REQUIRE(posix_spawn_file_actions_adddup2(&actions, out, 1) == 0);
        REQUIRE(posix_spawn_file_actions_adddup2(&actions, err, 2) == 0);
        errno = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
        if (errno == ENOENT || errno == EACCES)
                UNSUPPORTED("the program %s (%s)", argv[0], errno_name(errno));
        posix_spawn_file_actions_destroy(&actions);
        return ipck_must_fork(IPCK_HERE, argv[0], errno ? -1 : pid);
}

struct ran run_tool(const char *const *argv)
{
        int out[2], err[2], status;

        MUST(pipe2(out, O_CLOEXEC));
        MUST(pipe2(err, O_CLOEXEC));
        const pid_t pid = start(argv, out[1], err[1]);
        close(out[1]);
        close(err[1]);
        struct taken stdout_text = take_from(out[0]), stderr_text = take_from(err[0]);
        take_all(&stdout_text, &stderr_text);
        MUST(waitpid(pid, &status, 0));
        /* sh(1)'s status where it finds nothing: what stands there only looks for the program. */
        if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
                UNSUPPORTED("the program %s (status 127)", argv[0]);
        return (struct ran){WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), stdout_text.text,
                            stderr_text.text};
}

struct ran run_without_room(const char *tool)
{
        char command[64];
        const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

        if (full == -1 || write(full, "", 1) != -1 || errno != ENOSPC)
                UNSUPPORTED("/dev/full");
        close(full);
        need_descriptors(20);   /* sh(1) keeps what it redirects, above 9 */
        REQUIRE(snprintf(command, sizeof(command), "exec %s >/dev/full", tool) < (int)sizeof(command));
        return RUN("sh", "-c", command);
}

const char *formatted(const char *format, ...)
{
        va_list args;
        char *made;

        va_start(args, format);
        const int length = vasprintf(&made, format, args);
        va_end(args);
        REQUIRE(length != -1);
        return made;
}

const char *decimal(intmax_t number)
{
        return formatted("%jd", number);
}

void need_util_linux(const char *tool)
{
        struct ran version = RUN(tool, "--version");

        if (version.status != 0 || !strstr(version.out, "util-linux"))
                UNSUPPORTED("%s of util-linux (\"%s --version\" does not say so, status %d)", tool, tool,
                            version.status);
        free(version.out);
        free(version.err);
}
