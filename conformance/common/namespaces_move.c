/* SPDX-License-Identifier: MIT
 *
 * Moving to another IPC namespace: which objects names mean there, and what the mover takes along.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>

#include "ipck_mechanism.h"

static void enter_ipc_namespace(int fd)
{
        if (setns(fd, CLONE_NEWIPC) == -1)
                UNSUPPORTED("setns(.., CLONE_NEWIPC) (%s)", errno_name(errno));
}

/* Another IPC namespace, which the caller is not in. */
static int other_ipc_namespace(void)
{
        const int here_fd = this_ipc_namespace();

        enter_new_ipc_namespace();
        const int other_fd = this_ipc_namespace();
        enter_ipc_namespace(here_fd);
        close(here_fd);
        return other_fd;
}

/* ---- names ---- */

TEST(names_mean_the_objects_of_the_namespace_entered, VERIFIES(ipcns_setns))
{
        empty_namespace();
        EACH_ROW(m, mechanisms) {
                const key_t both = fresh_key(), first_only = both ^ 0x10000, second_only = both ^ 0x20000;
                const int first_fd = this_ipc_namespace();
                const int first = must_fit_in(m, m->get(both, IPC_CREAT | 0600));
                const int first_too = must_fit_in(m, m->get(first_only, IPC_CREAT | 0600));
                struct ipc_perm perm;

                enter_new_ipc_namespace();
                /* Identifiers must differ, or those of the one would name objects of the other. */
                for (int i = 0; i < 3; i++)
                        (void)new_object(m, 0600);
                const int second = must_fit_in(m, m->get(both, IPC_CREAT | 0640));
                const int second_too = must_fit_in(m, m->get(second_only, IPC_CREAT | 0640));
                REQUIRE(second != first && second != first_too);
                REQUIRE(second_too != first && second_too != first_too);

                /* For a while only the descriptor holds the second namespace. */
                const int second_fd = this_ipc_namespace();
                enter_ipc_namespace(first_fd);
                EQ(ipcns_setns, m->get(both, 0), first);
                EQ(ipcns_setns, perm_of(m, first).mode & 0777, 0600);
                EQ(ipcns_setns, m->get(first_only, 0), first_too);
                EQ(ipcns_setns, m->get(second_only, 0), -1);
                EQ(ipcns_setns, m->stat(second, &perm), -1);
                EQ(ipcns_setns, m->write(second_too), -1);

                enter_ipc_namespace(second_fd);
                EQ(ipcns_setns, m->get(both, 0), second);
                EQ(ipcns_setns, perm_of(m, second).mode & 0777, 0640);
                EQ(ipcns_setns, m->get(second_only, 0), second_too);
                EQ(ipcns_setns, m->get(first_only, 0), -1);
                MUST(m->remove(second));

                enter_ipc_namespace(first_fd);
                EQ(ipcns_setns, m->get(both, 0), first);
                EQ(ipcns_setns, m->write(first), 0);
                MUST(m->remove(first));
                MUST(m->remove(first_too));
        }
}

TEST(namespace_of_another_process_can_be_entered, VERIFIES(ipcns_setns))
{
        const key_t key = fresh_key();
        struct child host, guest;
        char path[64];

        private_proc();
        CHILD(&host) {
                enter_new_ipc_namespace();
                int set = (int)MUST(semget(key, 1, IPC_CREAT | 0600));
                here(&host, 1);
                EQ(ipcns_setns, SEMOP(set, OP(0, -3, 0)), 0);
        }
        UNTIL(at(&host) == 1);
        snprintf(path, sizeof(path), "/proc/%d/ns/ipc", (int)host.pid);
        CHILD(&guest) {
                int fd = open(path, O_RDONLY | O_CLOEXEC);
                if (fd == -1)
                        UNSUPPORTED("/proc/PID/ns/ipc (%s)", errno_name(errno));
                FAILS_WITH(ipcns_setns, ENOENT, semget(key, 0, 0));
                enter_ipc_namespace(fd);
                int set = semget(key, 0, 0);
                EQ(ipcns_setns, worked(set), 0);
                EQ(ipcns_setns, SEMOP(set, OP(0, 3, 0)), 0);
        }
        join(&guest);
        /* The host took them: its operation was on the same set. */
        EVENTUALLY(ipcns_setns, returned(&host));
        join(&host);
        FAILS_WITH(ipcns_setns, ENOENT, semget(key, 0, 0));
}

TEST(namespace_without_processes_keeps_its_objects, VERIFIES(ipcns_kept_by_fd))
{
        int ids[3];
        const key_t key = fresh_key();
        const int home = this_ipc_namespace();

        enter_new_ipc_namespace();
        const int fd = this_ipc_namespace();
        EACH_ROW(m, mechanisms) {
                ids[m - mechanisms] = must_fit_in(m, m->get(key, IPC_CREAT | 0600));
                MUST(m->write(ids[m - mechanisms]));
        }
        char *memory = attach(ids[SEGMENT], 0);
        strcpy(memory, "kept");
        detach(memory);

        enter_ipc_namespace(home);
        struct child visitor;
        CHILD(&visitor) {
                enter_ipc_namespace(fd);
                EACH_ROW(m, mechanisms)
                        EQ(ipcns_kept_by_fd, m->get(key, 0), ids[m - mechanisms]);
                EQ(ipcns_kept_by_fd, QNUM(ids[QUEUE]), 1);
                EQ(ipcns_kept_by_fd, VAL(ids[SET], 1), 1);
                HOLDS(ipcns_kept_by_fd, strcmp(attach(ids[SEGMENT], SHM_RDONLY), "kept") == 0);
        }
        join(&visitor);
}

/* ---- permission ---- */

static void expect_refusal(int fd, const struct mechanism *m, key_t key, int id)
{
        FAILS_WITH(ipcns_eperm_setns, EPERM, setns(fd, CLONE_NEWIPC));
        EQ(ipcns_eperm_setns, m->get(key, 0), id);
}

TEST(entering_needs_a_capability, VERIFIES(ipcns_eperm_setns))
{
        const struct mechanism *const m = &mechanisms[random_below(3)];
        const key_t key = fresh_key();
        const int id = must_fit_in(m, m->get(key, IPC_CREAT | 0600)), other = other_ipc_namespace();
        struct child mover;

        CHILD(&mover) {
                enter_ipc_namespace(other);
                FAILS_WITH(ipcns_eperm_setns, ENOENT, m->get(key, 0));
        }
        join(&mover);
        CHILD(&mover) {
                drop_capability(CAP_SYS_ADMIN);
                expect_refusal(other, m, key, id);
        }
        join(&mover);
}

/* The capability must be had both where the namespace belongs and where the mover lives. */
TEST(capability_elsewhere_does_not_count, VERIFIES(ipcns_eperm_setns))
{
        const struct mechanism *const m = &mechanisms[random_below(3)];
        const key_t key = fresh_key();
        const int id = must_fit_in(m, m->get(key, IPC_CREAT | 0600)), other = other_ipc_namespace();
        struct child mover;

        CHILD(&mover) {
                enter_user_namespace(0, 0);
                REQUIRE(has_capability(CAP_SYS_ADMIN));
                expect_refusal(other, m, key, id);
                /* Nor back from a namespace of its own. */
                const int home = this_ipc_namespace();
                enter_new_ipc_namespace();
                FAILS_WITH(ipcns_eperm_setns, EPERM, setns(home, CLONE_NEWIPC));
        }
        join(&mover);
}

/* ---- what goes along ---- */

static void move(int other)
{
        if (other == -1)
                enter_new_ipc_namespace();
        else
                enter_ipc_namespace(other);
}

TEST(segments_stay_attached, VERIFIES(ipcns_attached_after_move))
{
        const struct {
                const char *name;
                bool by_setns;
        } rows[] = {{"unshare", false}, {"setns", true}};

        EACH_ROW(row, rows) {
                const int segment = new_segment(2 * page_size(), 0600);
                char *const memory = attach(segment, 0);
                struct child mover;

                CHILD(&mover) {
                        move(row->by_setns ? other_ipc_namespace() : -1);
                        EQ(ipcns_attached_after_move, nattch(segment), -1);
                        stay(&mover);
                        EQ(ipcns_attached_after_move, memory[0], 'a');
                        /* A page that nobody touched before. */
                        memory[page_size()] = 'b';
                        here(&mover, 2);
                        await(&mover, 2);
                        EQ(ipcns_attached_after_move, shmdt(memory), 0);
                        HOLDS(ipcns_attached_after_move, !is_mapped(memory));
                        here(&mover, 3);
                        await(&mover, 3);
                }
                UNTIL(stays(&mover));
                EQ(ipcns_attached_after_move, nattch(segment), 2);
                memory[0] = 'a';
                tell(&mover, 1);
                UNTIL(at(&mover) == 2);
                EQ(ipcns_attached_after_move, memory[page_size()], 'b');
                tell(&mover, 2);
                UNTIL(at(&mover) == 3);
                EQ(ipcns_attached_after_move, nattch(segment), 1);
                EQ(ipcns_attached_after_move, stat_of_segment(segment).shm_lpid, mover.pid);
                tell(&mover, 3);
                join(&mover);
        }
}

TEST(fork_and_exit_elsewhere_count, VERIFIES(ipcns_attached_after_move))
{
        const int segment = new_segment(1, 0600);
        struct child mover, grandchild;

        CHILD(&mover) {
                attach(segment, 0);
                enter_new_ipc_namespace();
                CHILD(&grandchild)
                        await(&mover, 1);
                here(&mover, 1);
                join(&grandchild);
                here(&mover, 2);
                await(&mover, 2);
        }
        UNTIL(at(&mover) == 1);
        EQ(ipcns_attached_after_move, nattch(segment), 2);
        tell(&mover, 1);
        UNTIL(at(&mover) == 2);
        EQ(ipcns_attached_after_move, nattch(segment), 1);
        tell(&mover, 2);
        join(&mover);
        EQ(ipcns_attached_after_move, nattch(segment), 0);
}

TEST(removal_waits_for_those_who_moved, VERIFIES(ipcns_attached_after_move))
{
        const int segment = new_segment(1, 0600);
        struct shmid_ds ds;
        struct child mover;

        CHILD(&mover) {
                char *const memory = attach(segment, 0);
                enter_new_ipc_namespace();
                stay(&mover);
                *memory = 'c';
                EQ(ipcns_attached_after_move, *memory, 'c');
        }
        UNTIL(stays(&mover));
        MUST(shmctl(segment, IPC_RMID, NULL));
        EQ(ipcns_attached_after_move, nattch(segment), 1);
        dismiss(&mover);
        EQ(ipcns_attached_after_move, shmctl(segment, IPC_STAT, &ds), -1);
}

struct semaphore_elsewhere {
        int set, other;
};

static void *use_and_enter(void *arg)
{
        const struct semaphore_elsewhere *const place = arg;

        MUST(SEMOP(place->set, OP(0, -4, SEM_UNDO)));
        enter_ipc_namespace(place->other);
        return NULL;
}

/* Adjustments that are shared with a thread that stays are not the mover's to apply. */
TEST(thread_that_enters_a_namespace_applies_nothing, VERIFIES(ipcns_setns_undo))
{
        struct semaphore_elsewhere place = {new_sems(1, 0600), other_ipc_namespace()};
        struct child process;

        set_val(place.set, 0, 100);
        CHILD(&process) {
                pthread_t thread;

                MUST(SEMOP(place.set, OP(0, -3, SEM_UNDO)));
                start_thread(&thread, use_and_enter, &place);
                REQUIRE(pthread_join(thread, NULL) == 0);
                stay(&process);
        }
        UNTIL(stays(&process));
        EQ(ipcns_setns_undo, VAL(place.set, 0), 93);
        dismiss(&process);
        EQ(ipcns_setns_undo, VAL(place.set, 0), 100);
}
