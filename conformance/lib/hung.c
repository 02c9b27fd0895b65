/* SPDX-License-Identifier: MIT
 *
 * hung.c: what the processes of a hung test are doing, before they are killed.
 */
#include <dirent.h>
#include <stdio.h>

#include "internal.h"

static void add_file(FILE *out, long pid, const char *name, const char *indent)
{
        char path[64], text[2048];

        snprintf(path, sizeof(path), "/proc/%ld/%s", pid, name);
        if (read_file(path, text, sizeof(text)) <= 0)
                return;
        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
                fprintf(out, "%s%s: %s\n", indent, name, line);
}

/* The process's own number in the test's namespace: the last field of NSpid. */
static long inner_pid(long pid)
{
        char path[64], text[4096];

        snprintf(path, sizeof(path), "/proc/%ld/status", pid);
        if (read_file(path, text, sizeof(text)) <= 0)
                return -1;
        char *line = strstr(text, "\nNSpid:");
        if (!line)
                return -1;
        line[1 + strcspn(line + 1, "\n")] = '\0';
        char *last = strrchr(line, '\t');
        return last ? atol(last + 1) : -1;
}

static const char *place_of(long pid)
{
        for (unsigned i = 0; i < MAX_CHILDREN && i < ipck_state->children; i++)
                if (ipck_state->child[i].pid == pid)
                        return ipck_state->child[i].place;
        return "";
}

static void add_process(FILE *out, long pid)
{
        char path[64], text[512];
        const long inner = inner_pid(pid);
        const char *place = inner > 0 ? place_of(inner) : "";

        snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
        if (read_file(path, text, sizeof(text)) <= 0)
                return;
        char *comm = strchr(text, '('), *state = strrchr(text, ')');
        if (!comm || !state || !state[1])
                return;
        fprintf(out, "process %ld %.*s state %c%s%s\n", inner, (int)(state - comm + 1), comm, state[2],
                *place ? ", waits for " : "", place);
        add_file(out, pid, "wchan", "  ");
        add_file(out, pid, "syscall", "  ");
        add_file(out, pid, "stack", "  ");
}

/* Whether two processes share a PID namespace; false where the links cannot be read. */
static bool same_namespace(long a, long b)
{
        char path[64], x[64], y[64];
        ssize_t n;

        snprintf(path, sizeof(path), "/proc/%ld/ns/pid", a);
        if ((n = readlink(path, x, sizeof(x) - 1)) < 0)
                return false;
        x[n] = '\0';
        snprintf(path, sizeof(path), "/proc/%ld/ns/pid", b);
        if ((n = readlink(path, y, sizeof(y) - 1)) < 0)
                return false;
        y[n] = '\0';
        return strcmp(x, y) == 0;
}

char *ipck_dump(pid_t init)
{
        char *text = NULL;
        size_t size = 0;
        unsigned shown = 0, more = 0;
        FILE *out = open_memstream(&text, &size);
        DIR *proc = opendir("/proc");
        const struct dirent *entry;

        if (!out)
                ipck_fatal("out of memory");
        while (proc && (entry = readdir(proc))) {
                long pid = atol(entry->d_name);
                if (pid <= 0 || pid == init || !same_namespace(pid, init))
                        continue;
                if (++shown <= 24)
                        add_process(out, pid);
                else
                        more++;
        }
        if (more)
                fprintf(out, "and %u processes more\n", more);
        if (!shown)
                fputs("no process of the test is left or visible\n", out);
        if (proc)
                closedir(proc);
        fclose(out);
        return text;
}
