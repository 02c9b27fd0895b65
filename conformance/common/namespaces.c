/* SPDX-License-Identifier: MIT
 *
 * IPC namespaces: who sees which queues, sets and segments, and who may make a namespace.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ipck_mechanism.h"

/* ---- what an object holds, for all three alike ---- */

static int amount(const struct mechanism *m, int id)
{
        switch (m - mechanisms) {
        case QUEUE: return (int)QNUM(id);
        case SET: return VAL(id, 1);
        default: break;
        }
        char *const memory = attach(id, SHM_RDONLY);
        const int first = *memory;
        detach(memory);
        return first;
}

static void add(const struct mechanism *m, int id, int count)
{
        char *memory;

        switch (m - mechanisms) {
        case QUEUE:
                for (int i = 0; i < count; i++)
                        MUST(put(id, 1, 0, IPC_NOWAIT));
                break;
        case SET:
                MUST(SEMOP(id, OP(1, (short)count, 0)));
                break;
        default:
                memory = attach(id, 0);
                *memory = (char)(*memory + count);
                detach(memory);
        }
}

static int new_keyed(const struct mechanism *m, key_t key, int mode)
{
        return must_fit_in(m, m->get(key, IPC_CREAT | IPC_EXCL | mode));
}

/* ---- apart ---- */

static const enum ipck_requirement isolated[] = {
        [QUEUE] = ipcns_isolated_msg, [SET] = ipcns_isolated_sem, [SEGMENT] = ipcns_isolated_shm,
};

static void expect_nothing_there(const struct mechanism *m, enum ipck_requirement req, key_t key, int id)
{
        struct ipc_perm perm;

        FAILS_WITH(req, ENOENT, m->get(key, 0));
        FAILS_WITH(req, ENOENT, m->get(key, 0600));
        FAILS_WITH(req, EINVAL, m->stat(id, &perm));
        FAILS_WITH(req, EINVAL, m->set(id, geteuid(), getegid(), 0600));
        FAILS_WITH(req, EINVAL, m->read(id));
        FAILS_WITH(req, EINVAL, m->write(id));
        FAILS_WITH(req, EINVAL, m->remove(id));
}

TEST(objects_of_another_namespace_are_out_of_reach,
     VERIFIES(ipcns_isolated_msg, ipcns_isolated_sem, ipcns_isolated_shm))
{
        EACH_ROW(m, mechanisms) {
                const enum ipck_requirement req = isolated[m - mechanisms];
                const key_t key = fresh_key();
                const int id = new_keyed(m, key, 0666);
                struct child away;

                add(m, id, 5);
                CHILD(&away) {
                        struct ipc_perm perm;

                        REQUIRE(m->get(key, 0) == id && m->stat(id, &perm) == 0 && m->write(id) == 0);
                        enter_new_ipc_namespace();
                        expect_nothing_there(m, req, key, id);
                }
                join(&away);
                EQ(req, m->get(key, 0), id);
                EQ(req, perm_of(m, id).mode & 0777, 0666);
                EQ(req, amount(m, id), m == &mechanisms[SEGMENT] ? 5 : 6);
        }
}

TEST(objects_of_a_new_namespace_stay_in_it, VERIFIES(ipcns_isolated_msg, ipcns_isolated_sem, ipcns_isolated_shm))
{
        empty_namespace();
        EACH_ROW(m, mechanisms) {
                const enum ipck_requirement req = isolated[m - mechanisms];
                const key_t key = fresh_key();
                int *const id = shared(sizeof(*id));
                struct child away;

                CHILD(&away) {
                        enter_new_ipc_namespace();
                        *id = new_keyed(m, key, 0666);
                        add(m, *id, 3);
                        stay(&away);
                        EQ(req, amount(m, *id), 3);
                }
                UNTIL(stays(&away));
                expect_nothing_there(m, req, key, *id);
                dismiss(&away);
        }
}

TEST(one_key_names_an_object_in_each_namespace, VERIFIES(ipcns_same_key_both))
{
        EACH_ROW(m, mechanisms) {
                const key_t key = fresh_key();
                const int id = new_keyed(m, key, 0600);
                struct child away;

                add(m, id, 5);
                CHILD(&away) {
                        enter_new_ipc_namespace();
                        const int own = m->get(key, IPC_CREAT | IPC_EXCL | 0640);
                        EQ(ipcns_same_key_both, worked(own), 0);
                        EQ(ipcns_same_key_both, m->get(key, 0), own);
                        EQ(ipcns_same_key_both, amount(m, own), 0);
                        add(m, own, 70);
                        MUST(m->set(own, geteuid(), getegid(), 0604));
                        stay(&away);
                        EQ(ipcns_same_key_both, amount(m, own), 70);
                        EQ(ipcns_same_key_both, perm_of(m, own).mode & 0777, 0604);
                        EQ(ipcns_same_key_both, m->remove(own), 0);
                        EQ(ipcns_same_key_both, m->get(key, 0), -1);
                }
                UNTIL(stays(&away));
                EQ(ipcns_same_key_both, amount(m, id), 5);
                EQ(ipcns_same_key_both, perm_of(m, id).mode & 0777, 0600);
                add(m, id, 1);
                dismiss(&away);
                EQ(ipcns_same_key_both, m->get(key, 0), id);
                EQ(ipcns_same_key_both, amount(m, id), 6);
        }
}

/* ---- who moves ---- */

struct place {
        const struct mechanism *m;
        key_t key;
        int id;
};

static void *leave(void *arg)
{
        const struct place *const old = arg;
        struct ipc_perm perm;

        enter_new_ipc_namespace();
        EQ(ipcns_per_thread, old->m->get(old->key, 0), -1);
        EQ(ipcns_per_thread, old->m->stat(old->id, &perm), -1);
        return NULL;
}

static void *look(void *arg)
{
        const struct place *const old = arg;

        EQ(ipcns_per_thread, old->m->get(old->key, 0), old->id);
        return NULL;
}

TEST(thread_moves_alone, VERIFIES(ipcns_per_thread))
{
        EACH_ROW(m, mechanisms) {
                const key_t key = fresh_key();
                struct place old = {m, key, new_keyed(m, key, 0600)};
                pthread_t thread;

                start_thread(&thread, leave, &old);
                REQUIRE(pthread_join(thread, NULL) == 0);
                EQ(ipcns_per_thread, m->get(key, 0), old.id);
                EQ(ipcns_per_thread, m->write(old.id), 0);
                /* So does a thread that begins now. */
                start_thread(&thread, look, &old);
                REQUIRE(pthread_join(thread, NULL) == 0);
        }
}

/* ---- who may ---- */

TEST(new_namespace_needs_a_capability, VERIFIES(ipcns_eperm_unshare))
{
        struct child process;

        CHILD(&process)
                enter_new_ipc_namespace();
        join(&process);
        EACH_ROW(m, mechanisms) {
                const key_t key = fresh_key();
                const int id = new_keyed(m, key, 0600);

                CHILD(&process) {
                        drop_capability(CAP_SYS_ADMIN);
                        FAILS_WITH(ipcns_eperm_unshare, EPERM, unshare(CLONE_NEWIPC));
                        /* And it is still where it was. */
                        EQ(ipcns_eperm_unshare, m->get(key, 0), id);
                }
                join(&process);
        }
}

static int end_at_once(void *unused)
{
        (void)unused;
        _exit(0);
}

static pid_t clone_with(int flags)
{
        static char stack[65536] __attribute__((aligned(16)));

        return clone(end_at_once, stack + sizeof(stack), flags | SIGCHLD, NULL);
}

TEST(adjustments_cannot_be_shared_between_namespaces, VERIFIES(ipcns_einval_clone_sysvsem), ONE_ROUTE)
{
        struct child process;

        CHILD(&process)
                enter_new_ipc_namespace();
        join(&process);
        MUST(waitpid(MUST_FORK(clone_with(CLONE_NEWIPC)), NULL, 0));
        MUST(waitpid(MUST_FORK(clone_with(CLONE_SYSVSEM)), NULL, 0));
        FAILS_WITH(ipcns_einval_clone_sysvsem, EINVAL, clone_with(CLONE_NEWIPC | CLONE_SYSVSEM));
}

/* ---- whose a namespace is ---- */

static int open_namespace(const char *kind)
{
        char path[64];

        snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
        const int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd == -1)
                UNSUPPORTED("%s (%s)", path, errno_name(errno));
        return fd;
}

static ino_t inode_of(int fd)
{
        struct stat status;

        MUST(fstat(fd, &status));
        return status.st_ino;
}

TEST(namespace_names_the_user_namespace_that_owns_it, VERIFIES(ipcns_ioctl_userns), ONE_ROUTE)
{
        need_descriptors(20);
        const int outer = open_namespace("ipc");
        const int owner = ioctl(outer, NS_GET_USERNS);
        struct child guest;

        if (owner == -1 && (errno == ENOTTY || errno == ENOSYS))
                UNSUPPORTED("NS_GET_USERNS (%s)", errno_name(errno));
        HOLDS(ipcns_ioctl_userns, owner != -1);
        EQ(ipcns_ioctl_userns, inode_of(owner), inode_of(open_namespace("user")));
        CHILD(&guest) {
                enter_user_namespace(0, 0);
                const ino_t own = inode_of(open_namespace("user"));
                FAILS_WITH(ipcns_ioctl_userns, EPERM, ioctl(open_namespace("ipc"), NS_GET_USERNS));
                enter_new_ipc_namespace();
                const int inner = ioctl(open_namespace("ipc"), NS_GET_USERNS);
                HOLDS(ipcns_ioctl_userns, inner != -1);
                EQ(ipcns_ioctl_userns, inode_of(inner), own);
                FAILS_WITH(ipcns_ioctl_userns, EPERM, ioctl(outer, NS_GET_USERNS));
        }
        join(&guest);
}
