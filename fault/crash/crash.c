/* SPDX-License-Identifier: MIT */
#include <libgen.h>
#include <stdio.h>
#include <sys/wait.h>

#include "crash.h"
#include "ipck_tool.h"

/* The library stands beside this program. */
static const char *library(void)
{
        static char path[4096];
        const ssize_t length = MUST(readlink("/proc/self/exe", path, sizeof(path) - 32));

        path[length] = '\0';
        strcpy(path + strlen(dirname(path)), "/ipck-fault.so");
        if (access(path, R_OK) == -1)
                UNSUPPORTED("the library %s (%s)", path, errno_name(errno));
        return path;
}

void start_victim(struct child *victim, const char *act, int object, const char *point, const char *moment, unsigned nth)
{
        private_proc();
        const char *const preload = library(), *const others = getenv("LD_PRELOAD");
        CHILD(victim) {
                setenv("LD_PRELOAD", others ? formatted("%s:%s", preload, others) : preload, 1);
                setenv("IPCK_FAULT", formatted("%s:kill=%s:nth=%u", point, moment, nth), 1);
                exec_role("victim", formatted("%s %d", act, object));
        }
}

pid_t join_victim(struct child *victim)
{
        const pid_t pid = victim->pid;
        const int status = reap(victim);

        REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        return pid;
}

pid_t crash(const char *act, int object, const char *point, const char *moment, unsigned nth)
{
        struct child victim;

        start_victim(&victim, act, object, point, moment, nth);
        return join_victim(&victim);
}
