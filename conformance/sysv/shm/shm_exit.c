/* SPDX-License-Identifier: MIT
 *
 * The end of a process, in whatever way it comes: its attachments are detached, and what was not removed stays.
 */
#include <sys/wait.h>

#include "ipck_mechanism.h"

/* ---- every way to end ---- */

/* By a signal, by storing where it may only load, or of its own accord. */
enum { OF_ITSELF, BY_FAULT = -1 };

static const struct end {
        const char *name;
        int by;
} ends[] = {
        {"of itself", OF_ITSELF}, {"SIGTERM", SIGTERM},        {"SIGKILL", SIGKILL},
        {"SIGABRT", SIGABRT},     {"memory fault", BY_FAULT},
};

static void end_now(const struct end *end, char *read_only)
{
        if (end->by == BY_FAULT)
                *(volatile char *)read_only = 1;
        else if (end->by != OF_ITSELF)
                raise(end->by);
}

static void reap_as_expected(struct child *c, const struct end *end)
{
        const int status = reap(c), signo = end->by == BY_FAULT ? SIGSEGV : end->by;

        REQUIRE(signo ? WIFSIGNALED(status) && WTERMSIG(status) == signo : WIFEXITED(status));
}

TEST(any_end_detaches, VERIFIES(exit_shm_detached))
{
        EACH_ROW(end, ends) {
                const int twice = new_segment(page_size(), 0600), once = new_segment(page_size(), 0600);
                char *const place = attach(once, 0);
                struct child user;

                fill_pattern(place, page_size(), 1);
                CHILD(&user) {
                        attach(twice, 0);
                        char *const read_only = attach(twice, SHM_RDONLY);
                        stay(&user);
                        end_now(end, read_only);
                }
                UNTIL(stays(&user));
                EQ(exit_shm_detached, nattch(twice), 2);
                EQ(exit_shm_detached, nattch(once), 2);
                tell(&user, 1);
                reap_as_expected(&user, end);
                EQ(exit_shm_detached, nattch(twice), 0);
                EQ(exit_shm_detached, nattch(once), 1);
                HOLDS(exit_shm_detached, has_pattern(place, page_size(), 1));
                detach(place);
        }
}

static void *attach_in_thread(void *segment)
{
        attach(*(int *)segment, 0);
        return NULL;
}

/* A thread's end is not that of its process. */
TEST(attachment_of_a_thread_lasts_as_long_as_the_process, VERIFIES(exit_shm_detached))
{
        int segment = new_segment(page_size(), 0600);
        struct child user;

        CHILD(&user) {
                pthread_t thread;

                start_thread(&thread, attach_in_thread, &segment);
                REQUIRE(pthread_join(thread, NULL) == 0);
                stay(&user);
        }
        UNTIL(stays(&user));
        EQ(exit_shm_detached, nattch(segment), 1);
        dismiss(&user);
        EQ(exit_shm_detached, nattch(segment), 0);
}

TEST(end_stamps_as_the_process_that_ended, VERIFIES(exit_shm_dtime_lpid), MOSTLY_WAITS)
{
        enum { COUNT = sizeof(ends) / sizeof(*ends) };
        int segment[COUNT] = {0};
        struct child user[COUNT];

        EACH_ROW(end, ends) {
                const size_t i = (size_t)(end - ends);

                segment[i] = new_segment(page_size(), 0600);
                CHILD(&user[i]) {
                        char *const read_only = attach(segment[i], SHM_RDONLY);
                        stay(&user[i]);
                        end_now(end, read_only);
                }
                UNTIL(stays(&user[i]));
                detach(attach(segment[i], 0));
                REQUIRE(stat_of_segment(segment[i]).shm_lpid == getpid());
        }
        next_second(now());
        EACH_ROW(end, ends) {
                const size_t i = (size_t)(end - ends);
                const time_t atime = stat_of_segment(segment[i]).shm_atime, start = now();

                tell(&user[i], 1);
                reap_as_expected(&user[i], end);
                const time_t stop = now();
                const struct shmid_ds ds = stat_of_segment(segment[i]);
                BETWEEN(exit_shm_dtime_lpid, start, ds.shm_dtime, stop);
                EQ(exit_shm_dtime_lpid, ds.shm_lpid, user[i].pid);
                EQ(exit_shm_dtime_lpid, ds.shm_atime, atime);
        }
}

/* ---- a segment that was removed ---- */

TEST(last_process_takes_a_removed_segment_with_it, VERIFIES(exit_rmid_shm_destroyed))
{
        EACH_ROW(end, ends) {
                const int segment = new_segment(page_size(), 0600);
                struct child user[2];

                for (int i = 0; i < 2; i++) {
                        CHILD(&user[i]) {
                                attach(segment, 0);
                                char *const read_only = attach(segment, SHM_RDONLY);
                                stay(&user[i]);
                                end_now(end, read_only);
                        }
                        UNTIL(stays(&user[i]));
                }
                MUST(shmctl(segment, IPC_RMID, NULL));
                EQ(exit_rmid_shm_destroyed, nattch(segment), 4);
                tell(&user[1], 1);
                reap_as_expected(&user[1], end);
                EQ(exit_rmid_shm_destroyed, nattch(segment), 2);
                tell(&user[0], 1);
                reap_as_expected(&user[0], end);
                EQ(exit_rmid_shm_destroyed, nattch(segment), -1);
        }
}

/* ---- objects stay ---- */

TEST(objects_outlive_all_who_used_them, VERIFIES(exit_queues_persist, xsi_ipc_persist_creator_exit))
{
        EACH_ROW(m, mechanisms) {
                EACH_ROW(end, ends) {
                        char *const read_only = read_only_page();
                        int *const id = shared(sizeof(*id));
                        const key_t key = fresh_key();
                        struct child process;

                        for (int creator = 1; creator >= 0; creator--) {
                                CHILD(&process) {
                                        const int flags = creator ? IPC_CREAT | IPC_EXCL | 0640 : 0;
                                        const int got = (int)MUST(m->get(key, flags));
                                        if (creator)
                                                *id = got;
                                        EQ(exit_queues_persist, m->write(got), 0);
                                        end_now(end, read_only);
                                }
                                reap_as_expected(&process, end);
                                EQ(exit_queues_persist, m->get(key, 0), *id);
                        }
                        EQ(xsi_ipc_persist_creator_exit, perm_of(m, *id).mode & 0777, 0640);
                        EQ(xsi_ipc_persist_creator_exit, m->write(*id), 0);
                        MUST(m->remove(*id));
                }
        }
}

TEST(contents_outlive_all_who_used_them, VERIFIES(exit_queues_persist))
{
        enum { MESSAGES = 3 };
        const size_t size = 3 * page_size() + 1;

        EACH_ROW(end, ends) {
                const int segment = new_segment(size, 0600), queue = new_queue(0600);
                char *const read_only = read_only_page();
                struct child user;

                for (int i = 0; i < MESSAGES; i++) {
                        CHILD(&user) {
                                fill_pattern(attach(segment, 0), size, (uint32_t)i);
                                MUST(put(queue, i + 1, 10, 0));
                                end_now(end, read_only);
                        }
                        reap_as_expected(&user, end);
                }
                char *const place = attach(segment, 0);
                HOLDS(exit_queues_persist, has_pattern(place, size, MESSAGES - 1));
                for (int i = 0; i < MESSAGES; i++) {
                        struct message message;

                        EQ(exit_queues_persist, msgrcv(queue, &message, sizeof(message.text), 0, IPC_NOWAIT), 10);
                        EQ(exit_queues_persist, message.type, i + 1);
                        HOLDS(exit_queues_persist, has_pattern(message.text, 10, (uint32_t)i + 1));
                }
                FAILS_WITH(exit_queues_persist, ENOMSG, msgrcv(queue, &(struct message){0}, 10, 0, IPC_NOWAIT));
                detach(place);
        }
}
