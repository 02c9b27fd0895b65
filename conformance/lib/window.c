/* SPDX-License-Identifier: MIT
 *
 * window.c: see ipck_window.h. Pages that are missing until somebody has used them: userfaultfd(2) tells a thread of
 * the child, which fills them when it is told.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "internal.h"
#include "ipck_window.h"

enum { STOPPED = 1 };

struct pane {
        struct child *child;
        int faults;
        char *pages, *content;
        size_t size;
};

/* A tracer that looks at what a call was given would stop there as well, and all that it traces with it. That there is
 * one shows only in that nobody else can become it: in this PID namespace it may have no number. */
static bool is_traced(void)
{
        int status = 0;
        const pid_t pid = fork();

        if (pid == -1)
                UNSUPPORTED("room for one more process (fork: %s)", errno_name(errno));
        if (pid == 0)
                _exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1);
        MUST(waitpid(pid, &status, 0));
        return status != 0;
}

static int faults_of_this_process(void)
{
        struct uffdio_api api = {.api = UFFD_API};

        if (is_traced())
                UNSUPPORTED("a process that nobody traces");
        const int faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

        if (faults == -1)
                UNSUPPORTED("userfaultfd for faults inside the kernel (%s): it needs CONFIG_USERFAULTFD, and root or "
                            "the sysctl vm.unprivileged_userfaultfd", errno_name(errno));
        if (ioctl(faults, UFFDIO_API, &api) == -1)
                UNSUPPORTED("userfaultfd (%s)", errno_name(errno));
        return faults;
}

static void *map(size_t size)
{
        void *const memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        MUST(memory == MAP_FAILED ? -1 : 0);
        return memory;
}

static void *watch(void *arg)
{
        const struct pane *const pane = arg;
        struct uffdio_copy copy = {.dst = (uintptr_t)pane->pages, .src = (uintptr_t)pane->content, .len = pane->size};
        struct uffd_msg message;

        MUST(read(pane->faults, &message, sizeof(message)));
        here(pane->child, STOPPED);
        await(pane->child, STOPPED);
        MUST(ioctl(pane->faults, UFFDIO_COPY, &copy));
        return NULL;
}

void *window(struct child *c, const void *content, size_t size, size_t before)
{
        static struct pane pane;
        const size_t page = page_size();
        pthread_t watcher;

        REQUIRE(before <= page && before < size);
        pane = (struct pane){.child = c, .faults = faults_of_this_process()};
        pane.size = (size - before + page - 1) / page * page;
        pane.content = map(pane.size);
        pane.pages = (char *)map(page + pane.size) + page;
        if (content) {
                memcpy(pane.content, (const char *)content + before, size - before);
                memcpy(pane.pages - before, content, before);
        }
        MUST(ioctl(pane.faults, UFFDIO_REGISTER,
                   &(struct uffdio_register){.range = {.start = (uintptr_t)pane.pages, .len = pane.size},
                                             .mode = UFFDIO_REGISTER_MODE_MISSING}));
        start_thread(&watcher, watch, &pane);
        return pane.pages - before;
}

bool stopped(const struct child *c)
{
        return at(c) == STOPPED;
}

void open_window(struct child *c)
{
        tell(c, STOPPED);
}
